//! Regressions and permulations of traits of two classes.
//!
//! A trait evolves along the tree and the k species with the largest values are the foreground, accepted when as many
//! internal nodes as observed have foreground species alone below them (Saputra et al. 2021).

use super::Fit;
use super::permuted::{Evolution, LANES, key_of, ordered};
use super::tally::Tally;
use crate::phylo::logistic::{Fitter, Walks};
use crate::phylo::{FitError, Logistic, LogisticFit};
use crate::tree::{NONE, Tree};

/// Draws per permulation after which the search for an acceptable foreground is given up.
const MAX_DRAWS: u64 = 1_000_000;
/// Permulations that are drawn together; each lane takes the next one as soon as its own is accepted.
const BATCH: u64 = 64;

/// Internal nodes that have foreground species alone below them.
pub fn foreground_nodes(tree: &Tree, foreground: &[bool]) -> usize {
    let bits: Vec<u8> = foreground.iter().map(|&one| u8::from(one)).collect();
    let mut below = vec![0; tree.n_nodes()];
    let mut count = [0; LANES];
    count_below(tree, &bits, &mut below, &mut count);
    count[0]
}

/// For every lane (a bit), the internal nodes with set tips alone below them.
fn count_below(tree: &Tree, tips: &[u8], below: &mut [u8], count: &mut [usize; LANES]) {
    below.fill(u8::MAX);
    *count = [0; LANES];
    for v in 0..below.len() {
        let tip = tree.tip_of()[v];
        if tip == NONE {
            let mut bits = below[v];
            while bits != 0 {
                count[bits.trailing_zeros() as usize] += 1;
                bits &= bits - 1;
            }
        } else {
            below[v] = tips[tip];
        }
        let parent = tree.parents()[v];
        if parent != NONE {
            below[parent] &= below[v];
        }
    }
}

/// Foregrounds with a given number of species and of internal nodes.
pub(crate) struct Foregrounds<'a> {
    tree: &'a Tree,
    species: usize,
    nodes: usize,
    evolution: Evolution<'a>,
    queue: Vec<(u64, u64)>,
    scratch: Vec<u32>,
    tips: Vec<u8>,
    below: Vec<u8>,
}

impl<'a> Foregrounds<'a> {
    pub(crate) fn new(tree: &'a Tree, observed: &[bool], seed: u64, region: &str) -> Self {
        Self {
            tree,
            species: observed.iter().filter(|&&one| one).count(),
            nodes: foreground_nodes(tree, observed),
            evolution: Evolution::new(tree, key_of(seed, region)),
            queue: Vec::new(),
            scratch: vec![0; tree.n_tips()],
            tips: vec![0; tree.n_tips()],
            below: vec![0; tree.n_nodes()],
        }
    }

    /// Foregrounds of the permulations `first .. first + count`, in order; `None` where none was found. The second
    /// number is how many draws that took.
    pub(crate) fn draw(&mut self, first: u64, count: u64) -> (Vec<Option<Vec<bool>>>, u64) {
        let mut found: Vec<Option<Vec<bool>>> = vec![None; count as usize];
        let mut draws = 0;
        let mut next = first;
        // (permulation, its draws so far) of every lane; lanes beyond the last permulation are idle.
        self.queue.clear();
        for lane in 0..LANES {
            self.queue.push((next, 0));
            self.evolution.seat(lane, next);
            next += 1;
        }
        let end = first + count;
        while self.queue.iter().any(|&(index, _)| index < end) {
            self.evolution.draw();
            self.select();
            let mut count = [0; LANES];
            count_below(self.tree, &self.tips, &mut self.below, &mut count);
            for lane in 0..LANES {
                let (index, tried) = self.queue[lane];
                if index >= end {
                    continue;
                }
                draws += 1;
                let accepted = count[lane] == self.nodes;
                if accepted {
                    found[(index - first) as usize] =
                        Some(self.tips.iter().map(|bits| bits >> lane & 1 == 1).collect());
                }
                if accepted || tried + 1 == MAX_DRAWS {
                    self.queue[lane] = (next, 0);
                    self.evolution.seat(lane, next);
                    next += 1;
                } else {
                    self.queue[lane].1 += 1;
                }
            }
        }
        (found, draws)
    }

    /// Sets, for every lane, the bit of the species with the largest values.
    fn select(&mut self) {
        self.tips.fill(0);
        let n = self.scratch.len();
        for lane in 0..LANES {
            for (key, values) in self.scratch.iter_mut().zip(&self.evolution.values) {
                *key = ordered(values[lane]);
            }
            let (_, &mut least, _) = self.scratch.select_nth_unstable(n - self.species);
            // Values that tie with the least of the foreground are taken in the order of tips.
            let mut left = self.species;
            for (bits, values) in self.tips.iter_mut().zip(&self.evolution.values) {
                let key = ordered(values[lane]);
                if key > least {
                    *bits |= 1 << lane;
                    left -= 1;
                }
            }
            for (bits, values) in self.tips.iter_mut().zip(&self.evolution.values) {
                if left > 0 && ordered(values[lane]) == least {
                    *bits |= 1 << lane;
                    left -= 1;
                }
            }
        }
    }
}

/// The regression of one region.
pub(super) struct Prepared<'a> {
    tree: &'a Tree,
    fitter: Fitter<'a>,
    y: Vec<bool>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        design: &'a [f64],
        y: Vec<bool>,
        settings: Logistic,
        walks: Walks,
    ) -> Result<Self, FitError> {
        Ok(Self {
            tree,
            fitter: Fitter::new(settings, tree, design, walks)?,
            y,
        })
    }

    pub(super) fn into_walks(self) -> Walks {
        self.fitter.into_walks()
    }

    pub(super) fn observed(&mut self) -> Result<Fit, FitError> {
        let fit = self.fitter.fit(&self.y)?;
        Ok(told(&fit))
    }

    /// Permulations from number `tally.drawn` on, until `target` of them count.
    pub(super) fn run(
        &mut self,
        tally: &mut Tally,
        target: u64,
        conditional: bool,
        observed: &Fit,
        seed: u64,
        region: &str,
    ) -> Result<(), String> {
        let mut foregrounds = Foregrounds::new(self.tree, &self.y, seed, region);
        while tally.counting < target {
            let (found, draws) = foregrounds.draw(tally.drawn, BATCH.min(2 * (target - tally.counting)));
            tally.tries += draws;
            for foreground in found {
                if tally.counting == target {
                    break;
                }
                let Some(foreground) = foreground else {
                    return Err(format!(
                        "no foreground of {} species and {} internal nodes was found in {MAX_DRAWS} draws",
                        foregrounds.species, foregrounds.nodes
                    ));
                };
                tally.drawn += 1;
                let Ok(fit) = self.fitter.fit(&foreground) else {
                    tally.failed += 1;
                    if tally.failed > 1000 && tally.failed > tally.drawn / 2 {
                        return Err(format!(
                            "{} of {} permuted fits failed",
                            tally.failed, tally.drawn
                        ));
                    }
                    continue;
                };
                let same = fit.coefficients[1] * observed.coef > 0.0;
                if same || !conditional {
                    tally.counting += 1;
                    tally.exceeding += u64::from(same && fit.p[1] <= observed.p * (1.0 + 1e-11));
                }
            }
        }
        Ok(())
    }
}

fn told(fit: &LogisticFit) -> Fit {
    Fit {
        coef: fit.coefficients[1],
        se: fit.se[1],
        stat: fit.z[1],
        p: fit.p[1],
        intercept: fit.coefficients[0],
        alpha: Some(fit.alpha),
        log_lik: fit.log_lik,
        pen_log_lik: Some(fit.pen_log_lik),
        converged: fit.converged,
        at_bound: Fit::bound_code(fit.at_bound),
        separated: fit.separated,
        cusp: fit.cusp,
    }
}

/// `count` foregrounds with as many species and internal nodes as `observed`, and how many draws they took.
pub fn foregrounds(
    tree: &Tree,
    observed: &[bool],
    seed: u64,
    name: &str,
    count: u64,
) -> (Vec<Option<Vec<bool>>>, u64) {
    Foregrounds::new(tree, observed, seed, name).draw(0, count)
}
