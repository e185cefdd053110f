//! Brownian regressions of many regions, eight at a time.
//!
//! Regressing along the tree is regressing contrasts through the origin. The walk joins children one by one; what
//! is joined so far at a node is a precision p and the estimates of x and y there. A species without a prediction
//! has precision 0 and changes nothing, so regions with different missing species share one walk over the full
//! tree, as lanes.

use neuropil_math::simd::vectorised;

use super::Fit;
use super::study::Study;
use crate::phylo::gaussian::p_of_t;
use crate::tree::{NONE, Tree};

/// Regions of one walk.
pub(super) const LANES: usize = 8;
type Lane = [f64; LANES];

#[derive(Clone, Copy, Debug)]
struct Sums {
    xx: Lane,
    xy: Lane,
    yy: Lane,
    /// Log-determinant of the contrasts.
    log_det: Lane,
    /// Precision and estimates at the root.
    p: Lane,
    x: Lane,
    y: Lane,
}

/// The walk's memory.
pub(super) struct Scan<'a> {
    study: &'a Study,
    tree: &'a Tree,
    centre: f64,
    /// Tips in the order of their nodes.
    in_order: Vec<usize>,
    p: Vec<Lane>,
    x: Vec<Lane>,
    y: Vec<Lane>,
    sums: Sums,
}

impl<'a> Scan<'a> {
    pub(super) fn new(study: &'a Study) -> Self {
        let n = study.tree.n_nodes();
        let mut in_order: Vec<usize> = (0..study.tree.n_tips()).collect();
        in_order.sort_by_key(|&tip| study.tree.tips()[tip]);
        let zero = [0.0; LANES];
        Self {
            study,
            tree: &study.tree,
            centre: study.values.iter().sum::<f64>() / study.values.len() as f64,
            in_order,
            p: vec![zero; n],
            x: vec![zero; n],
            y: vec![zero; n],
            sums: Sums {
                xx: zero,
                xy: zero,
                yy: zero,
                log_det: zero,
                p: zero,
                x: zero,
                y: zero,
            },
        }
    }

    /// Fits up to eight regions; a missing prediction (NaN) leaves its species out.
    pub(super) fn fit(&mut self, regions: &[usize]) -> [Option<Fit>; LANES] {
        let rows: [&[f64]; LANES] = std::array::from_fn(|l| {
            regions
                .get(l)
                .map_or(&[][..], |&region| self.study.matrix.row(region))
        });
        for (tip, &node) in self.tree.tips().iter().enumerate() {
            let column = self.study.columns[tip];
            let x: Lane = std::array::from_fn(|l| rows[l].get(column).copied().unwrap_or(f64::NAN));
            // A branch of length zero makes the value exact: a precision beyond all others.
            let exact = 1.0 / self.tree.lengths()[node].max(1e-200);
            self.p[node] = x.map(|x| if x.is_nan() { 0.0 } else { exact });
            self.x[node] = x.map(|x| if x.is_nan() { 0.0 } else { x });
            self.y[node] = [self.study.values[tip] - self.centre; LANES];
        }
        for v in 0..self.tree.n_nodes() {
            if self.tree.tip_of()[v] == NONE {
                self.p[v] = [0.0; LANES];
                self.x[v] = [0.0; LANES];
                self.y[v] = [0.0; LANES];
            }
        }
        let zero = [0.0; LANES];
        self.sums = Sums {
            xx: zero,
            xy: zero,
            yy: zero,
            log_det: zero,
            p: zero,
            x: zero,
            y: zero,
        };
        join(self.tree, &mut self.p, &mut self.x, &mut self.y, &mut self.sums);
        std::array::from_fn(|l| (l < regions.len()).then(|| self.report(l, rows[l])))
    }

    fn report(&self, l: usize, row: &[f64]) -> Fit {
        let s = &self.sums;
        let present = |tip: &usize| !row[self.study.columns[*tip]].is_nan();
        let n = self.in_order.iter().filter(|tip| present(tip)).count() as f64;
        // Variance at the common ancestor: without the path from there to the root of the full tree.
        let first = self.in_order.iter().copied().find(present).unwrap_or(0);
        let last = self.in_order.iter().copied().rfind(present).unwrap_or(0);
        let above = self.tree.depths()[self.tree.mrca(first, last)];
        let variance = 1.0 / s.p[l] - above;
        let coef = s.xy[l] / s.xx[l];
        let residual = (s.yy[l] - coef * s.xy[l]).max(0.0);
        let df = n - 2.0;
        let se = (residual / df / s.xx[l]).sqrt();
        let stat = coef / se;
        let two_pi = 2.0 * std::f64::consts::PI;
        let log_lik = -0.5 * (n * (two_pi.ln() + 1.0 + (residual / n).ln()) + s.log_det[l] + variance.ln());
        Fit {
            coef,
            se,
            stat,
            p: p_of_t(stat, df),
            intercept: s.y[l] + self.centre - coef * s.x[l],
            alpha: None,
            log_lik,
            pen_log_lik: None,
            converged: true,
            at_bound: 0,
            separated: false,
            cusp: false,
        }
    }
}

vectorised! {
    fn join<F>[][](tree: &Tree, p: &mut [Lane], x: &mut [Lane], y: &mut [Lane], sums: &mut Sums) {
        let mut product = [1.0; LANES];
        let mut pending = 0;
        for v in 0..p.len() {
            let parent = tree.parents()[v];
            if parent == NONE {
                sums.p = p[v];
                sums.x = x[v];
                sums.y = y[v];
                break;
            }
            // Tips already carry their branch in their precision.
            let t = if tree.tip_of()[v] == NONE { tree.lengths()[v] } else { 0.0 };
            let (pv, xv, yv) = (p[v], x[v], y[v]);
            let (pp, xp, yp) = (&mut p[parent], &mut x[parent], &mut y[parent]);
            for l in 0..LANES {
                let child = pv[l] / (1.0 + t * pv[l]);
                let before = pp[l];
                let sum = before + child;
                let share = child / sum.max(1e-300);
                let (dx, dy) = (xv[l] - xp[l], yv[l] - yp[l]);
                let weight = before * share;
                sums.xx[l] += weight * dx * dx;
                sums.xy[l] += weight * dx * dy;
                sums.yy[l] += weight * dy * dy;
                xp[l] += share * dx;
                yp[l] += share * dy;
                pp[l] = sum;
                let contrast = 1.0 / weight;
                product[l] *= if weight > 0.0 { contrast } else { 1.0 };
            }
            pending += 1;
            if pending == 4 {
                for l in 0..LANES {
                    sums.log_det[l] += product[l].ln();
                }
                product = [1.0; LANES];
                pending = 0;
            }
        }
        for l in 0..LANES {
            sums.log_det[l] += product[l].ln();
        }
    }
}
