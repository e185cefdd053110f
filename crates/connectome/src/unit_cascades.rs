//! Cascades from every unit: which other units each reaches (Winding et al. 2023, Figs 5 and 6).
//!
//! What a unit's cascade comes to does not depend on the other units, so a journal of the finished ones is enough to
//! go on where a computation was killed.

use crate::cascade::{Cascade, Percolation, Settings, output_stops};
use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_lab::hash::{Sum, Summing};
use neuropil_lab::journal::Journal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Units per thread between two entries in the journal.
const UNITS_AT_ONCE: usize = 16;

/// Which units the cascade of each unit reaches, at several numbers of hops.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitCascades {
    /// Runs from each unit.
    pub runs: usize,
    /// Seed.
    pub seed: u64,
    /// Numbers of hops that were asked for.
    pub hops: Vec<usize>,
    /// Pairs and single neurons.
    pub units: Vec<Vec<usize>>,
    /// Units of the brain proper: inputs are left out.
    pub brain: Vec<bool>,
    by_source: Vec<Reach>,
}

/// What the cascade of one unit comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Reach {
    /// Units reached in at least half of the runs, ascending, for each number of hops.
    reached: Vec<Vec<u32>>,
    /// How many of these decisions were within 2 standard errors of that half.
    uncertain: Vec<usize>,
    /// (unit, bit h − 1 for every hop h at which more than a tenth of the runs are there).
    visits: Vec<(u32, u32)>,
}

impl UnitCascades {
    /// Units that unit `source` reaches within `hops[h]` hops, ascending.
    pub fn reached(&self, source: usize, h: usize) -> &[u32] {
        &self.by_source[source].reached[h]
    }

    /// Units whose share of the runs from `source`, within `hops[h]` hops, is within 2 standard errors of the half that
    /// decides.
    pub fn uncertain(&self, source: usize, h: usize) -> usize {
        self.by_source[source].uncertain[h]
    }

    /// Whether `target` is reached from `source` within `hops[h]` hops.
    pub fn leads(&self, source: usize, target: usize, h: usize) -> bool {
        self.reached(source, h).binary_search(&(target as u32)).is_ok()
    }

    /// Units that more than a tenth of the runs from `source` visit at some hop h, with bit h − 1 set for each such hop.
    pub(crate) fn visits(&self, source: usize) -> &[(u32, u32)] {
        &self.by_source[source].visits
    }

    /// Indices of the units of the brain.
    pub(crate) fn kept(&self) -> Vec<usize> {
        (0..self.units.len()).filter(|&u| self.brain[u]).collect()
    }
}

/// How a long computation is kept and watched.
#[derive(Clone, Copy, Default)]
pub struct Watch<'a> {
    /// File that finished units are written to; when it holds units of the same question, they are not asked again.
    pub journal: Option<&'a Path>,
    /// Told how many units are finished, of how many.
    pub progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

/// Cascades from every unit. Outputs stop a cascade unless its source is one.
///
/// # Errors
/// No such layer, settings that cannot run, a journal that cannot be written.
pub fn unit_cascades(
    connectome: &Connectome,
    layer: &str,
    hops: &[usize],
    settings: &Settings,
    watch: Watch<'_>,
) -> Result<UnitCascades, DataError> {
    let units = connectome.units();
    let stop = output_stops(connectome);
    let none = vec![false; connectome.n()];
    let graph = connectome.layer(layer)?;
    let percolation = Percolation::new(&graph, settings)?;
    let mut by_source: Vec<Reach> = Vec::new();
    let mut journal = match watch.journal {
        Some(path) => {
            let question = question(&graph, &units, &stop, hops, settings);
            let (journal, kept) = Journal::open(path, &question)?;
            by_source = kept;
            by_source.truncate(units.len());
            Some(journal)
        }
        None => None,
    };
    let tell = |done: usize| watch.progress.iter().for_each(|told| told(done, units.len()));
    tell(by_source.len());
    while by_source.len() < units.len() {
        let from = by_source.len();
        let to = units
            .len()
            .min(from + UNITS_AT_ONCE * rayon::current_num_threads());
        let more = (from..to).into_par_iter().map(|k| {
            let passes = stop[units[k][0]];
            let cascade = percolation.cascade(&units[k], if passes { &none } else { &stop })?;
            Ok(reach(&cascade, &units, hops))
        });
        let more: Vec<Reach> = more.collect::<Result<_, DataError>>()?;
        if let Some(journal) = &mut journal {
            journal.keep(&more)?;
        }
        by_source.extend(more);
        tell(by_source.len());
    }
    Ok(UnitCascades {
        runs: settings.runs,
        seed: settings.seed,
        hops: hops.to_vec(),
        brain: brain_units(connectome, &units),
        units,
        by_source,
    })
}

/// What is asked, of which wiring.
#[derive(Serialize)]
struct Question<'a> {
    neuropil: &'static str,
    settings: &'a Settings,
    hops: &'a [usize],
    n_units: usize,
    wiring: Sum,
}

fn question<'a>(
    graph: &Csr,
    units: &[Vec<usize>],
    stop: &[bool],
    hops: &'a [usize],
    settings: &'a Settings,
) -> Question<'a> {
    let mut summing = Summing::default();
    for (i, j, w) in graph.edges() {
        summing.add_number((i as u64) << 32 | j as u64);
        summing.add_number(w.to_bits());
    }
    for unit in units {
        summing.add_number(unit.len() as u64);
        unit.iter().for_each(|&i| summing.add_number(i as u64));
    }
    stop.iter().for_each(|&stop| summing.add_number(u64::from(stop)));
    Question {
        neuropil: env!("CARGO_PKG_VERSION"),
        settings,
        hops,
        n_units: units.len(),
        wiring: summing.sum(),
    }
}

fn reach(cascade: &Cascade, units: &[Vec<usize>], hops: &[usize]) -> Reach {
    let mut reach = Reach::default();
    for &h in hops {
        let fractions = cascade.unit_fractions(units, h);
        let close = |(u, f): (usize, &f64)| {
            (f - 0.5).abs() < 2.0 * (0.25 / (cascade.runs * units[u].len()) as f64).sqrt()
        };
        reach
            .uncertain
            .push(fractions.iter().enumerate().filter(|e| close(*e)).count());
        let often = (0..units.len() as u32).filter(|&u| fractions[u as usize] >= 0.5);
        reach.reached.push(often.collect());
    }
    for (u, members) in units.iter().enumerate() {
        let often = |h: &usize| {
            let hits: u32 = members.iter().map(|&i| cascade.hits(i, *h)).sum();
            hits as usize * 10 > cascade.runs * members.len()
        };
        let bits = (1..=cascade.max_hops.min(32))
            .filter(often)
            .fold(0u32, |bits, h| bits | 1 << (h - 1));
        if bits != 0 {
            reach.visits.push((u as u32, bits));
        }
    }
    reach
}

/// Units of the brain proper: columns `brain_neurons` or `accessory_neurons` where present, else all but inputs.
fn brain_units(connectome: &Connectome, units: &[Vec<usize>]) -> Vec<bool> {
    let table = &connectome.neurons;
    let flag = |name: &str, i: usize| table.column(name).is_some_and(|c| c[i] == "1");
    let io = connectome.texts("io");
    let inside = |i: usize| match table.column("brain_neurons") {
        Some(_) => flag("brain_neurons", i) || flag("accessory_neurons", i),
        None => io[i] != "input",
    };
    units.iter().map(|unit| inside(unit[0])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{SimulateSettings, simulate};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn brain() -> Connectome {
        simulate(&SimulateSettings {
            pairs: 40,
            mean_degree: 6.0,
            seed: 2,
        })
    }

    fn settings(seed: u64) -> Settings {
        Settings {
            runs: 64,
            max_hops: 4,
            seed,
            ..Settings::default()
        }
    }

    fn ask(seed: u64, watch: Watch<'_>) -> UnitCascades {
        unit_cascades(&brain(), "ad", &[2, 4], &settings(seed), watch).unwrap()
    }

    #[test]
    fn a_journal_cut_anywhere_goes_on_to_the_same_result() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cascades.partial");
        let whole = ask(1, Watch::default());
        let journal = Some(path.as_path());
        assert_eq!(
            ask(
                1,
                Watch {
                    journal,
                    ..Watch::default()
                }
            ),
            whole
        );
        let bytes = std::fs::read(&path).unwrap();
        for kept in [
            0,
            1,
            bytes.len() / 3,
            bytes.len() / 2,
            bytes.len() - 1,
            bytes.len(),
        ] {
            std::fs::write(&path, &bytes[..kept]).unwrap();
            let first = AtomicUsize::new(usize::MAX);
            let told = |done: usize, _: usize| {
                let _ = first.fetch_min(done, Ordering::Relaxed);
            };
            let watch = Watch {
                journal,
                progress: Some(&told),
            };
            assert_eq!(ask(1, watch), whole, "{kept} of {} bytes", bytes.len());
            let lines = bytes[..kept].split(|&byte| byte == b'\n').count() - 1;
            assert_eq!(
                first.into_inner(),
                lines.saturating_sub(1),
                "whole lines but the first are units that are not asked again"
            );
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_journal_of_another_question_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cascades.partial");
        let watch = Watch {
            journal: Some(&path),
            progress: None,
        };
        ask(1, watch);
        assert_eq!(ask(2, watch), ask(2, Watch::default()));
        std::fs::write(&path, "something else\n").unwrap();
        assert!(unit_cascades(&brain(), "ad", &[2, 4], &settings(1), watch).is_err());
    }
}
