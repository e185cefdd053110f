//! What the cascades of all units say: recurrence, path lengths, feedback (Winding et al. 2023, Figs 5 and 6).

use crate::data::Connectome;
use crate::unit_cascades::UnitCascades;
use serde::Serialize;
use std::collections::BTreeMap;

/// Recurrence of units: what is both downstream and upstream of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recurrence {
    /// Hops.
    pub hops: usize,
    /// Units considered (inputs left out where the table tells), as lists of neurons.
    #[serde(skip)]
    pub units: Vec<Vec<usize>>,
    /// Units downstream of each.
    pub downstream: Vec<usize>,
    /// Share of the downstream units that lead back; 0 without any.
    pub fraction: Vec<f64>,
    /// Share of the neurons that are recurrent: pairs weigh 2.
    pub recurrent_neurons: f64,
    /// Ordered pairs of units whose share of runs is within 2 standard errors of 50 %.
    pub uncertain: usize,
    /// Class → (neurons, mean fraction, share recurrent).
    pub by_class: BTreeMap<String, (usize, f64, f64)>,
}

/// Recurrence within `cascades.hops[h]` hops: two units are recurrent when each is downstream of the other.
pub fn recurrence(connectome: &Connectome, cascades: &UnitCascades, h: usize) -> Recurrence {
    let kept = cascades.kept();
    let (mut downstream, mut fraction) = (Vec::new(), Vec::new());
    for &u in &kept {
        let targets = cascades.reached(u, h).iter().map(|&v| v as usize);
        let targets: Vec<usize> = targets.filter(|&v| cascades.brain[v]).collect();
        let back = targets.iter().filter(|&&v| cascades.leads(v, u, h)).count();
        downstream.push(targets.len());
        fraction.push(if targets.is_empty() {
            0.0
        } else {
            back as f64 / targets.len() as f64
        });
    }
    let class = connectome.texts("celltype");
    let (mut all, mut recurrent) = (0.0, 0.0);
    let mut sums: BTreeMap<String, (usize, f64, f64)> = BTreeMap::new();
    for (k, &u) in kept.iter().enumerate() {
        let size = cascades.units[u].len();
        let is = f64::from(u8::from(fraction[k] > 0.0));
        all += size as f64;
        recurrent += size as f64 * is;
        for &i in cascades.units[u].iter().filter(|&&i| !class[i].is_empty()) {
            let sum = sums.entry(class[i].clone()).or_default();
            *sum = (sum.0 + 1, sum.1 + fraction[k], sum.2 + is);
        }
    }
    Recurrence {
        hops: cascades.hops[h],
        units: kept.iter().map(|&u| cascades.units[u].clone()).collect(),
        downstream,
        fraction,
        recurrent_neurons: if all > 0.0 { recurrent / all } else { 0.0 },
        uncertain: kept.iter().map(|&u| cascades.uncertain(u, h)).sum(),
        by_class: sums
            .into_iter()
            .map(|(c, (n, f, r))| (c, (n, f / n as f64, r / n as f64)))
            .collect(),
    }
}

/// How many different lengths the paths between two units have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PathLengths {
    /// Hops.
    pub hops: usize,
    /// Ordered pairs of units by number of different lengths, from 1.
    pub pairs_by_lengths: Vec<u64>,
    /// Ordered pairs of units that have a path of 1, 2, … hops.
    pub pairs_by_hop: Vec<u64>,
    /// Mean and sample standard deviation of the number of lengths.
    pub lengths: (f64, f64),
    /// The same between units that are recurrent with one another.
    pub recurrent_lengths: (f64, f64),
}

/// Path lengths between units of the brain up to `cascades.hops[h]` hops: a length counts when more than a tenth of
/// the runs visit the target at that hop. The published mean (1.88 ± 0.90) is over all ordered pairs with a length, as
/// [`PathLengths::lengths`] is; units that are recurrent with one another have a mean of their own.
pub fn path_lengths(cascades: &UnitCascades, h: usize) -> PathLengths {
    let hops = cascades.hops[h];
    let within = if hops >= 32 { u32::MAX } else { (1 << hops) - 1 };
    let mut found = PathLengths {
        hops,
        pairs_by_lengths: vec![0; hops],
        pairs_by_hop: vec![0; hops],
        ..PathLengths::default()
    };
    let mut recurrent = vec![0u64; hops];
    for &u in &cascades.kept() {
        for &(v, bits) in cascades.visits(u) {
            let (v, bits) = (v as usize, bits & within);
            if !cascades.brain[v] || bits == 0 {
                continue;
            }
            let lengths = bits.count_ones() as usize;
            found.pairs_by_lengths[lengths - 1] += 1;
            (0..hops)
                .filter(|k| bits >> k & 1 == 1)
                .for_each(|k| found.pairs_by_hop[k] += 1);
            if cascades.leads(u, v, h) && cascades.leads(v, u, h) {
                recurrent[lengths - 1] += 1;
            }
        }
    }
    found.lengths = moments(&found.pairs_by_lengths);
    found.recurrent_lengths = moments(&recurrent);
    found
}

/// Mean and sample standard deviation of 1, 2, … that occur `counts` times; NaN where undefined.
fn moments(counts: &[u64]) -> (f64, f64) {
    let weighted = |f: &dyn Fn(f64) -> f64| -> f64 {
        let values = counts.iter().enumerate();
        values.map(|(k, &c)| c as f64 * f(k as f64 + 1.0)).sum()
    };
    let n = weighted(&|_| 1.0);
    let mean = weighted(&|x| x) / n;
    let squares = weighted(&|x| (x - mean).powi(2));
    (mean, (squares / (n - 1.0)).sqrt())
}

/// What one class of output neurons sends back into the brain.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutputFeedback {
    /// Class of the output neurons.
    pub class: String,
    /// Output units, and those that reach any unit.
    pub units: (usize, usize),
    /// Mean over units with targets of the share of their targets that lead back to them: feedback; the rest is
    /// efference copy.
    pub feedback: f64,
    /// Class of the targets → (mean number per output unit that lead back, that do not).
    pub targets: BTreeMap<String, (f64, f64)>,
}

/// Feedback and efference copy of the outputs within `cascades.hops[h]` hops, by class.
pub fn output_feedback(connectome: &Connectome, cascades: &UnitCascades, h: usize) -> Vec<OutputFeedback> {
    let (class, io) = (connectome.texts("celltype"), connectome.texts("io"));
    let mut found: BTreeMap<&str, OutputFeedback> = BTreeMap::new();
    for u in cascades.kept() {
        let first = cascades.units[u][0];
        if io[first] != "output" || class[first].is_empty() {
            continue;
        }
        let own = found.entry(&class[first]).or_default();
        own.units.0 += 1;
        let targets = cascades.reached(u, h).iter().map(|&v| v as usize);
        let targets: Vec<usize> = targets.filter(|&v| cascades.brain[v] && v != u).collect();
        if targets.is_empty() {
            continue;
        }
        own.units.1 += 1;
        let mut back = 0.0;
        for &v in &targets {
            let leads = cascades.leads(v, u, h);
            back += f64::from(u8::from(leads));
            let name = &class[cascades.units[v][0]];
            let name = if name.is_empty() { "none" } else { name };
            let counts = own.targets.entry(name.to_owned()).or_default();
            if leads {
                counts.0 += 1.0;
            } else {
                counts.1 += 1.0;
            }
        }
        own.feedback += back / targets.len() as f64;
    }
    found
        .into_iter()
        .map(|(name, mut own)| {
            let n = own.units.1.max(1) as f64;
            own.class = name.to_owned();
            own.feedback /= n;
            own.targets.values_mut().for_each(|c| *c = (c.0 / n, c.1 / n));
            own
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cascade::Settings;
    use crate::data::{NeuronTable, Side};
    use crate::graph::Csr;
    use crate::unit_cascades::{Watch, unit_cascades};

    /// A chain 0 → 1 → 2 → 3 with a way back 2 → 1 and 3 → 2, certain edges, 3 is an output.
    fn chain() -> Connectome {
        let heavy = 1e6;
        let edges = [(0, 1), (1, 2), (2, 3), (2, 1), (3, 2)];
        let graph = Csr::from_edges(4, edges.iter().map(|&(i, j)| (i, j, heavy)).collect());
        let texts = |values: [&str; 4]| values.map(str::to_owned).to_vec();
        Connectome {
            ids: vec![1, 2, 3, 4],
            layers: BTreeMap::from([("ad".to_owned(), graph)]),
            sides: vec![Side::Left; 4],
            neurons: NeuronTable {
                columns: vec![
                    ("io".to_owned(), texts(["input", "inter", "inter", "output"])),
                    ("celltype".to_owned(), texts(["sensory", "PN", "LHN", "DN"])),
                ],
            },
            ..Connectome::default()
        }
    }

    #[test]
    fn a_chain_with_a_way_back() {
        let c = chain();
        let settings = Settings {
            runs: 20,
            max_hops: 4,
            ..Settings::default()
        };
        let all = unit_cascades(&c, "ad", &[1, 3], &settings, Watch::default()).unwrap();
        assert_eq!(all.reached(1, 0), [2]);
        assert_eq!(all.reached(1, 1), [2, 3]);
        let three = recurrence(&c, &all, 1);
        assert_eq!(
            (three.downstream.clone(), three.fraction.clone()),
            (vec![2, 2, 2], vec![1.0; 3])
        );
        assert_eq!((three.recurrent_neurons, three.uncertain), (1.0, 0));
        // Within one hop 2 and 1, 2 and 3 answer each other.
        assert_eq!(recurrence(&c, &all, 0).fraction, [1.0, 1.0, 1.0]);
        let lengths = path_lengths(&all, 1);
        assert_eq!(
            (lengths.pairs_by_lengths, lengths.pairs_by_hop),
            (vec![6, 0, 0], vec![4, 2, 0])
        );
        assert_eq!(lengths.recurrent_lengths, (1.0, 0.0));
        let feedback = output_feedback(&c, &all, 1);
        assert_eq!(
            (feedback.len(), feedback[0].units, feedback[0].feedback),
            (1, (1, 1), 1.0)
        );
        assert_eq!(feedback[0].targets["PN"], (1.0, 0.0));
    }
}
