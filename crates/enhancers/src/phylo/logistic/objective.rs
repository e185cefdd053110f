//! Penalised log-likelihood of the logistic model, at one point or with its gradient.

use super::super::FitError;
use super::super::lanes::{LANES, Walk};
use super::super::small::{cholesky, log_det};
use super::super::three_point::Pass;
use super::{Logistic, Method, decays};
use crate::tree::{NONE, Tree};

/// Value of the objective outside its domain or where it is not finite.
pub(super) const OUTSIDE: f64 = 1e10;
/// Step of the difference quotients in every parameter.
const STEP: f64 = 1e-3;
/// Largest number of coefficients that are evaluated in lanes.
const WIDEST: usize = 4;

/// The model at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Log-likelihood.
    pub log_lik: f64,
    /// Log-likelihood plus ½ log det of the information; −∞ where the information is singular.
    pub pen_log_lik: f64,
    /// Information of the coefficients, row-major.
    pub information: Vec<f64>,
    /// Fitted probabilities.
    pub fitted: Vec<f64>,
}

/// Evaluates likelihood and information at coefficients `beta` and rate `alpha`, in logarithms and one point at a
/// time: the reference of the fast path, and the path of trees that have tips without a branch.
///
/// # Errors
/// Tips at distance zero from one another.
pub fn evaluate(tree: &Tree, x: &[f64], y: &[bool], beta: &[f64], alpha: f64) -> Result<Point, FitError> {
    let d = beta.len();
    let fitted = probabilities(x, beta);
    let p = fitted.iter().sum::<f64>() / fitted.len() as f64;
    let log_lik = log_likelihood(tree, &fitted, y, p, alpha, d > 1);
    let working = Working::new(tree, &fitted, p, alpha);
    let mut z = Vec::with_capacity(x.len());
    for ((row, &mu), weight) in x.chunks(d).zip(&fitted).zip(&working.weights) {
        z.extend(row.iter().map(|x| x * mu * (1.0 - mu) / weight));
    }
    let mut pass = Pass::default();
    pass.run(tree, &working.lengths, &z, d)?;
    let penalty = cholesky(&pass.products, d).map_or(f64::NEG_INFINITY, |factor| 0.5 * log_det(&factor, d));
    Ok(Point {
        log_lik,
        pen_log_lik: log_lik + penalty,
        information: pass.products,
        fitted,
    })
}

/// Probability of class 1 of every row.
fn probabilities(x: &[f64], beta: &[f64]) -> Vec<f64> {
    let rows = x.chunks(beta.len());
    let eta: Vec<f64> = rows
        .map(|row| row.iter().zip(beta).map(|(x, b)| x * b).sum())
        .collect();
    let mut mu = vec![0.0; eta.len()];
    decays(&eta, &mut mu);
    mu.iter_mut().for_each(|mu| *mu = 1.0 / (1.0 + *mu));
    mu
}

/// Log-likelihood of the chain by pruning, in logarithms. `changes`: whether tips may differ from the chain.
pub(super) fn log_likelihood(tree: &Tree, mu: &[f64], y: &[bool], p: f64, alpha: f64, changes: bool) -> f64 {
    let q = 1.0 - p;
    let mut logs = vec![[0.0_f64; 2]; tree.n_nodes()];
    for v in 0..tree.n_nodes() {
        let tip = tree.tip_of()[v];
        if tip != NONE {
            let (mu, one) = (mu[tip], y[tip]);
            logs[v] = if !changes {
                if one {
                    [f64::NEG_INFINITY, 0.0]
                } else {
                    [0.0, f64::NEG_INFINITY]
                }
            } else if mu < p {
                let e = mu / p;
                if one {
                    [f64::NEG_INFINITY, e.ln()]
                } else {
                    [0.0, (1.0 - e).ln()]
                }
            } else {
                let e = (1.0 - mu) / q;
                if one {
                    [(1.0 - e).ln(), 0.0]
                } else {
                    [e.ln(), f64::NEG_INFINITY]
                }
            };
        }
        let [l0, l1] = logs[v];
        let parent = tree.parents()[v];
        if parent == NONE {
            return log_add(q.ln() + l0, p.ln() + l1);
        }
        let eta = (-alpha * tree.lengths()[v]).exp();
        let up = &mut logs[parent];
        up[0] += log_add((q + p * eta).ln() + l0, (p - p * eta).ln() + l1);
        up[1] += log_add((q - q * eta).ln() + l0, (p + q * eta).ln() + l1);
    }
    f64::NAN
}

fn log_add(a: f64, b: f64) -> f64 {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    if more == f64::NEG_INFINITY {
        more
    } else {
        more + (less - more).exp().ln_1p()
    }
}

/// Working covariance of the tips as a tree and weights: V = D Ṽ D.
#[derive(Clone, Debug)]
pub(super) struct Working {
    pub(super) lengths: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Working {
    pub(super) fn new(tree: &Tree, mu: &[f64], p: f64, alpha: f64) -> Self {
        let mean = tree.mean_height();
        let level = |v: usize| (-2.0 * alpha * (mean - tree.depths()[v])).exp();
        let (low, high) = (((1.0 - p) / p).sqrt(), (p / (1.0 - p)).sqrt());
        let mut lengths = vec![0.0; tree.n_nodes()];
        let mut weights = vec![0.0; tree.n_tips()];
        for v in 0..tree.n_nodes() {
            let (parent, tip) = (tree.parents()[v], tree.tip_of()[v]);
            let above = if parent == NONE { 0.0 } else { level(parent) };
            if tip == NONE {
                lengths[v] = if parent != NONE && tree.lengths()[v] == 0.0 {
                    0.0
                } else {
                    level(v) - above
                };
            } else {
                let mu = mu[tip];
                let m = if mu < p { mu * low } else { (1.0 - mu) * high };
                lengths[v] = level(v) * (mu * (1.0 - mu) / (m * m)) - above;
                // Rounding of the ratio at μ = p̄, where it is 1.
                if lengths[v].abs() < 4.0 * f64::EPSILON * above {
                    lengths[v] = 0.0;
                }
                weights[tip] = m * (alpha * (mean - tree.depths()[v])).exp();
            }
        }
        Self { lengths, weights }
    }
}

/// The walk over the tree for one to four coefficients.
#[derive(Clone, Debug)]
enum Fast {
    One(Walk<1>),
    Two(Walk<2>),
    Three(Walk<3>),
    Four(Walk<4>),
}

/// What was set up for a tree and can be used again for another design: for the same tree alone.
#[derive(Debug, Default)]
pub(crate) struct Walks(Option<Fast>);

impl Fast {
    /// This walk with another design, if that has as many columns.
    fn with_design(mut self, x: &[f64], d: usize) -> Option<Self> {
        match (&mut self, d) {
            (Self::One(walk), 1) => walk.set_design(x),
            (Self::Two(walk), 2) => walk.set_design(x),
            (Self::Three(walk), 3) => walk.set_design(x),
            (Self::Four(walk), 4) => walk.set_design(x),
            _ => return None,
        }
        Some(self)
    }
}

/// What the search minimises: minus the (penalised) log-likelihood at θ = (β, −log α).
#[derive(Clone, Debug)]
pub(super) struct Objective<'a> {
    pub(super) tree: &'a Tree,
    pub(super) x: &'a [f64],
    pub(super) y: Vec<bool>,
    pub(super) d: usize,
    pub(super) log_height: f64,
    pub(super) settings: Logistic,
    fast: Option<Fast>,
    points: Vec<Vec<f64>>,
    values: Vec<f64>,
    seen: Option<Seen>,
}

/// The model at the first of the points that were walked last.
#[derive(Clone, Debug, Default)]
struct Seen {
    theta: Vec<f64>,
    log_lik: f64,
    information: Vec<f64>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(tree: &'a Tree, x: &'a [f64], d: usize, settings: Logistic, walks: Walks) -> Self {
        let y = vec![false; tree.n_tips()];
        let again = walks.0.and_then(|walk| walk.with_design(x, d));
        let fast = again.or_else(|| {
            let has_zero_tip = tree.tips().iter().any(|&node| tree.lengths()[node] == 0.0);
            match d {
                _ if has_zero_tip || d > WIDEST => None,
                1 => Some(Fast::One(Walk::new(tree, x, &y))),
                2 => Some(Fast::Two(Walk::new(tree, x, &y))),
                3 => Some(Fast::Three(Walk::new(tree, x, &y))),
                _ => Some(Fast::Four(Walk::new(tree, x, &y))),
            }
        });
        Self {
            tree,
            x,
            y,
            d,
            log_height: tree.mean_height().ln(),
            settings,
            fast,
            points: Vec::new(),
            values: Vec::new(),
            seen: None,
        }
    }

    pub(super) fn into_walks(self) -> Walks {
        Walks(self.fast)
    }

    pub(super) fn set_response(&mut self, y: &[bool]) {
        self.y.copy_from_slice(y);
        self.seen = None;
        match &mut self.fast {
            Some(Fast::One(walk)) => walk.set_response(y),
            Some(Fast::Two(walk)) => walk.set_response(y),
            Some(Fast::Three(walk)) => walk.set_response(y),
            Some(Fast::Four(walk)) => walk.set_response(y),
            None => {}
        }
    }

    /// Objective at one point.
    pub(super) fn value(&mut self, theta: &[f64]) -> f64 {
        self.points.clear();
        self.points.push(theta.to_vec());
        self.evaluate_points();
        self.values[0]
    }

    /// Objective and its gradient by central differences, across the cusp as well.
    pub(super) fn with_gradient(&mut self, theta: &[f64]) -> (f64, Vec<f64>) {
        self.points.clear();
        self.points.push(theta.to_vec());
        for k in 0..theta.len() {
            for step in [STEP, -STEP] {
                let mut point = theta.to_vec();
                point[k] += step;
                self.points.push(point);
            }
        }
        self.evaluate_points();
        let gradient = self.values[1..]
            .chunks(2)
            .map(|pair| (pair[0] - pair[1]) / (2.0 * STEP))
            .collect();
        (self.values[0], gradient)
    }

    /// The model at θ, with the fitted probabilities; what the search saw there last is not computed anew.
    ///
    /// # Errors
    /// Tips at distance zero from one another.
    pub(super) fn point(&mut self, theta: &[f64]) -> Result<Point, FitError> {
        let (beta, log_length) = theta.split_at(self.d);
        if self.fast.is_none() {
            return evaluate(self.tree, self.x, &self.y, beta, (-log_length[0]).exp());
        }
        if self.seen.as_ref().is_none_or(|seen| seen.theta != theta) {
            self.value(theta);
        }
        let seen = self.seen.as_ref().expect("a walk was made");
        let penalty = cholesky(&seen.information, self.d)
            .map_or(f64::NEG_INFINITY, |factor| 0.5 * log_det(&factor, self.d));
        Ok(Point {
            log_lik: seen.log_lik,
            pen_log_lik: seen.log_lik + penalty,
            information: seen.information.clone(),
            fitted: probabilities(self.x, beta),
        })
    }

    fn evaluate_points(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        let settings = self.settings;
        let log_height = self.log_height;
        let seen = self.seen.get_or_insert_default();
        match &mut self.fast {
            Some(Fast::One(walk)) => in_lanes(walk, &self.points, settings, log_height, &mut values, seen),
            Some(Fast::Two(walk)) => in_lanes(walk, &self.points, settings, log_height, &mut values, seen),
            Some(Fast::Three(walk)) => in_lanes(walk, &self.points, settings, log_height, &mut values, seen),
            Some(Fast::Four(walk)) => in_lanes(walk, &self.points, settings, log_height, &mut values, seen),
            None => values.extend(self.points.iter().map(|theta| self.one_by_one(theta))),
        }
        self.values = values;
    }

    fn one_by_one(&self, theta: &[f64]) -> f64 {
        let (beta, log_length) = theta.split_at(self.d);
        let outside = self
            .x
            .chunks(self.d)
            .any(|row| row.iter().zip(beta).map(|(x, b)| x * b).sum::<f64>().abs() >= self.settings.btol);
        if outside || (log_length[0] - self.log_height).abs() >= self.settings.log_alpha_bound {
            return OUTSIDE;
        }
        let point = evaluate(self.tree, self.x, &self.y, beta, (-log_length[0]).exp());
        let value = point.map_or(f64::NAN, |point| match self.settings.method {
            Method::Mple => -point.pen_log_lik,
            Method::Mle | Method::Ig10 => -point.log_lik,
        });
        if value.is_finite() { value } else { OUTSIDE }
    }
}

fn in_lanes<const D: usize>(
    walk: &mut Walk<D>,
    points: &[Vec<f64>],
    settings: Logistic,
    log_height: f64,
    values: &mut Vec<f64>,
    seen: &mut Seen,
) {
    for (chunk, points) in points.chunks(LANES).enumerate() {
        let of_lane = |l: usize, k: usize| points.get(l).unwrap_or(&points[0])[k];
        let beta: [[f64; LANES]; D] = std::array::from_fn(|k| std::array::from_fn(|l| of_lane(l, k)));
        let alpha: [f64; LANES] = std::array::from_fn(|l| (-of_lane(l, D)).exp());
        let found = walk.evaluate(&beta, &alpha);
        let information_of = |l: usize, into: &mut Vec<f64>| {
            into.clear();
            into.extend((0..D * D).map(|k| found.information[(k / D).min(k % D)][(k / D).max(k % D)][l]));
        };
        if chunk == 0 {
            seen.theta.clone_from(&points[0]);
            seen.log_lik = found.log_lik[0];
            information_of(0, &mut seen.information);
        }
        let mut information = Vec::with_capacity(D * D);
        for (l, point) in points.iter().enumerate() {
            let inside =
                (point[D] - log_height).abs() < settings.log_alpha_bound && found.largest[l] < settings.btol;
            let mut value = -found.log_lik[l];
            if settings.method == Method::Mple {
                information_of(l, &mut information);
                value -= cholesky(&information, D).map_or(f64::NAN, |factor| 0.5 * log_det(&factor, D));
            }
            values.push(if inside && value.is_finite() {
                value
            } else {
                OUTSIDE
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_agree_with_logarithms_point_by_point() {
        let text =
            "((a:1,b:0.3):0.5,(c:0.7,d:0.7,e:0.2):0.3,((f:0.4,g:0.9):0,(h:1.1,(i:0.3,j:0.6):0.2):0.4):0.35);";
        let tree = Tree::parse(text).expect("a tree");
        let n = tree.n_tips();
        let y: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
        for d in 1..=4 {
            let x: Vec<f64> = (0..n * d)
                .map(|i| {
                    if i % d == 0 {
                        1.0
                    } else {
                        ((i * 7919) % 17) as f64 / 10.0 - 0.8
                    }
                })
                .collect();
            let mut objective = Objective::new(&tree, &x, d, Logistic::default(), Walks::default());
            objective.set_response(&y);
            for trial in 0..20 {
                let theta: Vec<f64> = (0..=d)
                    .map(|k| ((trial * 31 + k * 17) % 11) as f64 / 4.0 - 1.2)
                    .collect();
                let (fast, slow) = (objective.value(&theta), objective.one_by_one(&theta));
                assert!(
                    (fast - slow).abs() < 1e-10 * (1.0 + slow.abs()),
                    "d = {d}: {fast} {slow}"
                );
            }
        }
    }

    #[test]
    fn lanes_agree_on_large_uneven_trees() {
        use rand::RngExt;
        let mut random = neuropil_math::rng::Key::new(5).stream(neuropil_math::rng::Purpose::Test, 0);
        // Products are gathered over eight inner nodes: trees of 8k + 1 tips end with a full one.
        for n in [60, 65, 241] {
            let mut parts: Vec<String> = (0..n).map(|i| format!("t{i}")).collect();
            while parts.len() > 1 {
                let (i, j) = (
                    random.random_range(0..parts.len()),
                    random.random_range(0..parts.len() - 1),
                );
                let a = parts.swap_remove(i);
                let b = parts.swap_remove(j);
                let mut length = || random.random_range(0.001..0.2);
                parts.push(format!("({a}:{:.6},{b}:{:.6})", length(), length()));
            }
            let tree = Tree::parse(&format!("{};", parts[0])).expect("a tree");
            let y: Vec<bool> = (0..n).map(|_| random.random_bool(0.4)).collect();
            for d in 1..=4 {
                let x: Vec<f64> = (0..n * d)
                    .map(|i| {
                        if i % d == 0 {
                            1.0
                        } else {
                            random.random_range(-1.0..1.0)
                        }
                    })
                    .collect();
                let mut objective = Objective::new(&tree, &x, d, Logistic::default(), Walks::default());
                objective.set_response(&y);
                for shift in [-3.9, -2.0, 0.0, 1.0, 2.5, 3.9] {
                    let mut theta: Vec<f64> = (0..d).map(|_| random.random_range(-2.5..2.5)).collect();
                    theta.push(objective.log_height + shift);
                    let (fast, slow) = (objective.value(&theta), objective.one_by_one(&theta));
                    assert!(
                        (fast - slow).abs() < 1e-9 * (1.0 + slow.abs()),
                        "{n} tips, d = {d}, shift {shift}: {fast} {slow}"
                    );
                    let (_, gradient) = objective.with_gradient(&theta);
                    for (k, slope) in gradient.iter().enumerate() {
                        let beside = |step: f64| {
                            let mut point = theta.clone();
                            point[k] += step;
                            objective.one_by_one(&point)
                        };
                        let right = (beside(STEP) - beside(-STEP)) / (2.0 * STEP);
                        assert!(
                            (slope - right).abs() < 1e-6 * (1.0 + right.abs()),
                            "{n} tips, d = {d}, shift {shift}, slope {k}: {slope} {right}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_star_of_many_tips_does_not_underflow() {
        let text = format!(
            "({});",
            (0..900).map(|i| format!("t{i}:1")).collect::<Vec<_>>().join(",")
        );
        let tree = Tree::parse(&text).expect("a tree");
        let y: Vec<bool> = (0..900).map(|i| i % 2 == 0).collect();
        let x: Vec<f64> = (0..1800)
            .map(|i| if i % 2 == 0 { 1.0 } else { (i % 7) as f64 - 3.0 })
            .collect();
        let mut objective = Objective::new(&tree, &x, 2, Logistic::default(), Walks::default());
        objective.set_response(&y);
        let theta = [0.1, 0.9, 0.2];
        let (fast, slow) = (objective.value(&theta), objective.one_by_one(&theta));
        assert!((fast - slow).abs() < 1e-9 * slow.abs(), "{fast} {slow}");
    }
}
