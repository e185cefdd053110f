//! The scan, its adaptive rounds of permulations and their checkpoint.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use neuropil_lab::shards::Shard;
use rayon::prelude::*;

use super::brownian::{LANES, Scan};
use super::study::{Region, Study};
use super::tally::Tally;
use super::{Association, Permuted, binary, continuous};
use crate::error::InputError;
use crate::kaplow2023::{ROUND_THRESHOLDS, ROUND_TOTALS};
use crate::phylo::Logistic;
use crate::phylo::logistic::Walks;
use crate::traits::Kind;
use crate::tree::Tree;
use neuropil_math::stats::adjust::{Adjustment, adjust};

/// How permulations are counted and how many there are.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Seed of all permulations.
    pub seed: u64,
    /// Permulations that count after each round, in all.
    pub totals: Vec<u64>,
    /// Largest empirical p-value that goes on from round i to round i + 1.
    pub thresholds: Vec<f64>,
    /// Only permulations of the observed sign count (Kulinskaya 2008): p-values are uniform under the null.
    pub conditional: bool,
    /// A region stops when this many permulations exceeded (Besag & Clifford 1991).
    pub stop_when: Option<u64>,
}

impl Plan {
    /// Fails for rounds that cannot be.
    ///
    /// # Errors
    /// Totals that do not grow; fewer thresholds than rounds to go on to, or some outside \[0, 1\].
    pub fn check(&self) -> Result<(), InputError> {
        if self.totals.first() == Some(&0) || self.totals.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(InputError::new(format!(
                "{:?}, expected numbers above 0 that grow from round to round",
                self.totals
            ))
            .in_field("totals")
            .hint("such as 999, 9999"));
        }
        if self.thresholds.len() + 1 < self.totals.len() {
            return Err(InputError::new(format!(
                "{} thresholds for {} rounds, expected {}: the largest p-value that goes on to the next",
                self.thresholds.len(),
                self.totals.len(),
                self.totals.len() - 1
            ))
            .in_field("thresholds"));
        }
        match self.thresholds.iter().find(|most| !(0.0..=1.0).contains(*most)) {
            Some(bad) => {
                Err(InputError::new(format!("{bad} is no p-value, expected 0 to 1")).in_field("thresholds"))
            }
            None => Ok(()),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            totals: ROUND_TOTALS.to_vec(),
            thresholds: ROUND_THRESHOLDS.to_vec(),
            conditional: true,
            stop_when: None,
        }
    }
}

/// News of a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// The regressions are done.
    Scanned {
        /// Regions tested.
        tested: usize,
        /// Regions with p below 0.05.
        below: usize,
    },
    /// A round is done.
    Round {
        /// Number of the round, from 1.
        round: usize,
        /// Regions that took part.
        regions: usize,
        /// Permulations that count for each of them now.
        total: u64,
    },
}

/// What a checkpoint holds: after which round, and every region's counts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Saved {
    settings: String,
    rounds: usize,
    tallies: HashMap<String, (Tally, Option<String>)>,
}

/// A scan with its rounds.
pub struct Rounds<'a> {
    study: &'a Study,
    plan: &'a Plan,
    results: Vec<Association>,
    tallies: Vec<Tally>,
    /// Regions that are permuted here; all others are left as they are.
    shard: Shard,
}

impl<'a> Rounds<'a> {
    /// Regresses every region of the study.
    pub fn scan(study: &'a Study, plan: &'a Plan) -> Self {
        let mut results: Vec<Association> = study
            .matrix
            .regions
            .par_iter()
            .enumerate()
            .map_init(Region::default, |region, (i, name)| {
                study.look(i, region);
                Association {
                    region: name.clone(),
                    n_species: region.tips.len(),
                    n_foreground: (study.kind == Kind::Binary).then_some(region.ones),
                    reason: region.reason.take(),
                    ..Association::default()
                }
            })
            .collect();
        let tested: Vec<usize> = (0..results.len())
            .filter(|&i| results[i].reason.is_none())
            .collect();
        match study.kind {
            Kind::Continuous => {
                let fits: Vec<_> = tested
                    .par_chunks(LANES * 16)
                    .map_init(
                        || Scan::new(study),
                        |scan, regions| {
                            let eights = regions.chunks(LANES);
                            eights
                                .flat_map(|eight| scan.fit(eight))
                                .flatten()
                                .collect::<Vec<_>>()
                        },
                    )
                    .flatten()
                    .collect();
                for (&region, fit) in tested.iter().zip(fits) {
                    results[region].fit = Some(fit);
                }
            }
            Kind::Binary => {
                let fits: Vec<_> = tested
                    .par_iter()
                    .map_init(Walks::default, |walks, &i| {
                        with_binary(study, &study.region(i), walks, |prepared| {
                            prepared.observed().map_err(|error| error.to_string())
                        })
                    })
                    .collect();
                for (&region, fit) in tested.iter().zip(fits) {
                    match fit {
                        Ok(fit) => results[region].fit = Some(fit),
                        Err(error) => results[region].reason = Some(error),
                    }
                }
            }
        }
        let tallies = vec![Tally::default(); results.len()];
        let mut rounds = Self {
            study,
            plan,
            results,
            tallies,
            shard: Shard::ALL,
        };
        rounds.adjust();
        rounds
    }

    /// Permutes a share of the regions, by their order in the matrix: what each comes to does not depend on the others.
    #[must_use]
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.shard = shard;
        self
    }

    /// Takes over what shards counted; regions that they left undone are done by [`Rounds::run`].
    ///
    /// # Errors
    /// A checkpoint of other settings, or that cannot be read.
    pub fn take_shards(&mut self, checkpoints: &[PathBuf]) -> Result<(), InputError> {
        checkpoints
            .iter()
            .try_for_each(|path| self.restore(path).map(drop))
    }

    /// Results as they are now, in the order of the matrix.
    pub fn results(&self) -> &[Association] {
        &self.results
    }

    /// Results, in the order of the matrix.
    pub fn into_results(self) -> Vec<Association> {
        self.results
    }

    /// Runs the rounds that are not in the checkpoint, writing it after each. Every region that was tested takes part in
    /// the first, whatever its p-value of the regression.
    ///
    /// # Errors
    /// A checkpoint of other settings or that cannot be read or written.
    pub fn run(
        &mut self,
        checkpoint: Option<&Path>,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), InputError> {
        let below = self
            .results
            .iter()
            .filter(|r| r.fit.is_some_and(|fit| fit.p < 0.05))
            .count();
        let tested = self.results.iter().filter(|r| r.fit.is_some()).count();
        tell(Progress::Scanned { tested, below });
        let mut done = match checkpoint {
            Some(path) if path.exists() => self.restore(path)?,
            _ => 0,
        };
        while done < self.plan.totals.len() {
            let entered = self.entering(done);
            if entered.is_empty() {
                break;
            }
            self.round(&entered, self.plan.totals[done]);
            done += 1;
            if let Some(path) = checkpoint {
                self.save(path, done)?;
            }
            tell(Progress::Round {
                round: done,
                regions: entered.len(),
                total: self.plan.totals[done - 1],
            });
        }
        self.tell_tallies();
        Ok(())
    }

    /// Regions that take part in round `round`, counted from 0.
    fn entering(&self, round: usize) -> Vec<usize> {
        let goes_on = |i: &usize| {
            let result = &self.results[*i];
            if result.fit.is_none() || result.reason.is_some() {
                return false;
            }
            let tally = self.tallies[*i];
            if self
                .plan
                .stop_when
                .is_some_and(|enough| tally.exceeding >= enough)
            {
                return false;
            }
            round == 0 || {
                let p = (1 + tally.exceeding) as f64 / (1 + tally.counting) as f64;
                tally.counting == self.plan.totals[round - 1]
                    && self.plan.thresholds.get(round - 1).is_some_and(|&most| p <= most)
            }
        };
        (0..self.results.len())
            .filter(|&i| self.shard.takes(i))
            .filter(goes_on)
            .collect()
    }

    fn round(&mut self, entered: &[usize], total: u64) {
        let done: Vec<(Tally, Option<String>)> = entered
            .par_iter()
            .map(|&i| {
                let mut tally = self.tallies[i];
                let reason = self.permute(i, &mut tally, total).err();
                (tally, reason)
            })
            .collect();
        for (&i, (tally, reason)) in entered.iter().zip(done) {
            self.tallies[i] = tally;
            if reason.is_some() {
                self.results[i].reason = reason;
            }
        }
    }

    fn permute(&self, i: usize, tally: &mut Tally, total: u64) -> Result<(), String> {
        let (region, name) = (self.study.region(i), &self.results[i].region);
        let observed = self.results[i].fit.as_ref().expect("only tested regions enter");
        if observed.coef == 0.0 {
            tally.counting = total;
            tally.exceeding = total;
            return Ok(());
        }
        match self.study.kind {
            Kind::Continuous => {
                let tree = tree_of(self.study, &region)?;
                let y: Vec<f64> = region.tips.iter().map(|&tip| self.study.values[tip]).collect();
                continuous::Prepared::new(&tree, &region.x, &y, self.plan.seed, name).run(
                    tally,
                    total,
                    self.plan.conditional,
                );
                Ok(())
            }
            Kind::Binary => with_binary(self.study, &region, &mut Walks::default(), |prepared| {
                prepared.run(
                    tally,
                    total,
                    self.plan.conditional,
                    observed,
                    self.plan.seed,
                    name,
                )
            }),
        }
    }

    /// Writes counts into results and adjusts.
    fn tell_tallies(&mut self) {
        for (result, tally) in self.results.iter_mut().zip(&self.tallies) {
            result.permuted = (tally.counting > 0 && result.reason.is_none())
                .then(|| Permuted::new(tally.counting, tally.exceeding, tally.drawn, tally.failed));
        }
        self.adjust();
    }

    fn adjust(&mut self) {
        let permuted = self.results.iter().any(|result| result.permuted.is_some());
        let p: Vec<f64> = self
            .results
            .iter()
            .map(|result| {
                let p = if permuted {
                    result.permuted.map(|p| p.p)
                } else {
                    result.fit.map(|fit| fit.p)
                };
                p.unwrap_or(f64::NAN)
            })
            .collect();
        for (result, q) in self
            .results
            .iter_mut()
            .zip(adjust(&p, Adjustment::BenjaminiHochberg))
        {
            result.q = (!q.is_nan()).then_some(q);
        }
    }

    /// What the counts depend on; a checkpoint of anything else is refused.
    fn settings(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        take(self.study.tree.to_newick().as_bytes());
        for value in self.study.values.iter().chain(&self.study.matrix.values) {
            take(&value.to_bits().to_le_bytes());
        }
        let plan = serde_json::to_string(self.plan).expect("a plan is plain data");
        let filters = serde_json::to_string(&self.study.filters).expect("filters are plain data");
        format!("{plan} {filters} {hash:016x}")
    }

    fn save(&self, path: &Path, rounds: usize) -> Result<(), InputError> {
        let tallies = self
            .results
            .iter()
            .zip(&self.tallies)
            .filter(|(_, tally)| tally.drawn > 0 || tally.counting > 0)
            .map(|(result, tally)| (result.region.clone(), (*tally, result.reason.clone())))
            .collect();
        let saved = Saved {
            settings: self.settings(),
            rounds,
            tallies,
        };
        let text = serde_json::to_vec(&saved).expect("counts are plain data");
        neuropil_lab::atomic::write(path, &text).map_err(|error| InputError::new(error.to_string()))
    }

    fn restore(&mut self, path: &Path) -> Result<usize, InputError> {
        let text = std::fs::read(path)
            .map_err(|error| InputError::new(format!("cannot read: {error}")).in_file(path))?;
        let saved: Saved = serde_json::from_slice(&text).map_err(|error| {
            InputError::new(format!("the checkpoint is damaged: {error}"))
                .in_file(path)
                .hint("remove it to begin anew")
        })?;
        if saved.settings != self.settings() {
            return Err(
                InputError::new("the checkpoint belongs to other settings or data")
                    .in_file(path)
                    .hint("remove it to begin anew"),
            );
        }
        let index: HashMap<String, usize> = self
            .results
            .iter()
            .enumerate()
            .map(|(i, result)| (result.region.clone(), i))
            .collect();
        for (region, (tally, reason)) in saved.tallies {
            let Some(&i) = index.get(&region) else {
                return Err(InputError::new(format!(
                    "the checkpoint counts `{region}`, which the matrix does not have"
                ))
                .in_file(path));
            };
            // Counts of a region are the same wherever they were made: more of them are those of later rounds.
            if tally.counting >= self.tallies[i].counting {
                self.tallies[i] = tally;
            }
            if reason.is_some() {
                self.results[i].reason = reason;
            }
        }
        Ok(saved.rounds)
    }
}

/// The tree of a region's species: the study's own where none is missing.
fn tree_of<'a>(study: &'a Study, region: &Region) -> Result<Cow<'a, Tree>, String> {
    if region.tips.len() == study.tree.n_tips() {
        return Ok(Cow::Borrowed(&study.tree));
    }
    let kept = study.tree.keep(&region.tips);
    kept.map(Cow::Owned).map_err(|error| error.to_string())
}

/// Prepares the logistic regression of a region and does something with it; regions with all species share `walks`.
fn with_binary<T>(
    study: &Study,
    region: &Region,
    walks: &mut Walks,
    act: impl FnOnce(&mut binary::Prepared<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let tree = tree_of(study, region)?;
    let whole = matches!(tree, Cow::Borrowed(_));
    let design: Vec<f64> = region.x.iter().flat_map(|&x| [1.0, x]).collect();
    let y: Vec<bool> = region.tips.iter().map(|&tip| study.values[tip] == 1.0).collect();
    let known = if whole {
        std::mem::take(walks)
    } else {
        Walks::default()
    };
    let mut prepared = binary::Prepared::new(&tree, &design, y, Logistic::default(), known)
        .map_err(|error| error.to_string())?;
    let done = act(&mut prepared);
    if whole {
        *walks = prepared.into_walks();
    }
    done
}
