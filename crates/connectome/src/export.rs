//! A part of a connectome as the wiring of a recurrent network: who may be connected, with which sign, how strongly
//! at the start, where inputs arrive and outputs leave.
//!
//! Connectomes have rows presynaptic. `mask` and `w0` of a [`Wiring`] have **rows postsynaptic**, as equations of rate
//! networks are written (r ← W r); arrays that carry the name of a parameter of the training engine (`w_in`, `w_rec`,
//! `w_gates`, `w_out`, `initial.w_rec`) are *from × to*, as the engine keeps them. The turn is made here and nowhere else.

mod file;
mod units;

pub use file::EngineCell;
pub use units::{deal, signs};

use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use crate::influence::spectral_radius;
use crate::nulls::{Null, draw};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::{grouped, unit_signs};

/// What becomes one unit of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// Every neuron.
    #[default]
    Neuron,
    /// Every homologous pair, and every neuron without one.
    Pair,
    /// Every cell class.
    Class,
}

/// Magnitudes of the initial weights, before they are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitude {
    /// Synapses.
    #[default]
    Synapses,
    /// Synapses / all synapses onto the receiving compartment.
    Fraction,
    /// ln(1 + synapses).
    Log,
}

/// A named set of neurons.
pub type Named = (String, Vec<usize>);

/// How a wiring is made.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Layer.
    pub layer: String,
    /// Units.
    pub grouping: Grouping,
    /// Initial weights.
    pub magnitude: Magnitude,
    /// Edges of fewer synapses are left out.
    pub least_synapses: f64,
    /// Spectral radius of the signed initial weights (1.5).
    pub radius: f64,
    /// Column with the signs of the neurons; without it every sign is free.
    pub signs: Option<String>,
    /// Input channels, in the order of the task's inputs.
    pub inputs: Vec<Named>,
    /// Outputs, in the order of the task's actions.
    pub outputs: Vec<Named>,
}

/// The wiring of a recurrent network of N units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wiring {
    /// Neurons of each unit, by id.
    pub ids: Vec<Vec<i64>>,
    /// Name of each unit: id, pair or class.
    pub labels: Vec<String>,
    /// Class of each unit; empty where unknown.
    pub classes: Vec<String>,
    /// Which weights exist: N × N, rows postsynaptic.
    pub mask: Vec<bool>,
    /// +1 excites, −1 inhibits, 0 is free; one per presynaptic unit.
    pub sign: Vec<i8>,
    /// Initial weights: N × N, rows postsynaptic; signed where signs are known, positive elsewhere.
    pub w0: Vec<f64>,
    /// Names of the input channels.
    pub channels: Vec<String>,
    /// Which channel reaches which unit: channels × N.
    pub in_mask: Vec<bool>,
    /// Names of the actions.
    pub actions: Vec<String>,
    /// Which unit is read by which action: N × actions.
    pub out_mask: Vec<bool>,
}

impl Wiring {
    /// Number of units.
    pub fn n(&self) -> usize {
        self.labels.len()
    }

    /// Number of the class of each unit, in the order of their names.
    pub fn types(&self) -> Vec<usize> {
        let names: std::collections::BTreeSet<&String> = self.classes.iter().collect();
        let number: BTreeMap<&String, usize> = names.into_iter().zip(0..).collect();
        self.classes.iter().map(|class| number[class]).collect()
    }

    /// Number of recurrent connections.
    pub fn n_edges(&self) -> usize {
        self.mask.iter().filter(|m| **m).count()
    }
}

/// A random wiring that is matched to another, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// What it keeps.
    pub null: Null,
    /// Seed.
    pub seed: u64,
    /// Number of the draw.
    pub index: u64,
}

/// The wiring among `neurons`, or a random one matched to it.
///
/// Weights between groups are summed over the members and divided by the number of members of the target. A unit has a
/// sign when all its members that have one agree. Blocks of [`Null::Block`] are the classes. A control keeps units,
/// signs, inputs and outputs; its initial weights are scaled to the same spectral radius.
///
/// # Errors
/// No neurons, an unknown layer or column, an input or output that reaches none of them, no loop to scale.
pub fn wiring(
    connectome: &Connectome,
    neurons: &[usize],
    settings: &ExportSettings,
    control: Option<Control>,
) -> Result<Wiring, DataError> {
    let neurons = {
        let mut sorted = neurons.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted
    };
    if neurons.is_empty() {
        return Err(DataError::question(
            "no neurons to export",
            "select some with --select, as `celltype=KC or celltype=MBON`",
        ));
    }
    let classes = connectome.texts("celltype");
    let units = grouped(connectome, &neurons, settings.grouping, &classes);
    let n = units.len();
    let mut unit_of = vec![u32::MAX; connectome.n()];
    for (u, (_, members)) in units.iter().enumerate() {
        members.iter().for_each(|&i| unit_of[i] = u as u32);
    }
    let total = connectome.compartment_input(&settings.layer);
    let graph = connectome.signed_layer(&settings.layer)?;
    let mut edges = Vec::new();
    for &i in &neurons {
        for (j, w) in graph.row(i) {
            if unit_of[j] == u32::MAX || w.abs() < settings.least_synapses {
                continue;
            }
            let size = match settings.magnitude {
                Magnitude::Synapses => w.abs(),
                Magnitude::Fraction if total[j] > 0.0 => w.abs() / total[j],
                Magnitude::Fraction => 0.0,
                Magnitude::Log => w.abs().ln_1p(),
            };
            let members = units[unit_of[j] as usize].1.len() as f64;
            edges.push((unit_of[i], unit_of[j], size / members));
        }
    }
    let mut graph = Csr::from_edges(n, edges);
    let class_of = |members: &[usize]| classes[members[0]].clone();
    if let Some(control) = control {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let blocks: Vec<usize> = units
            .iter()
            .map(|(_, members)| {
                let next = names.len();
                *names.entry(class_of(members)).or_insert(next)
            })
            .collect();
        graph = draw(&graph, control.null, &blocks, control.seed, control.index)?.graph;
    }
    let sign = unit_signs(connectome, &units, settings.signs.as_deref())?;
    let signed = graph.map(|i, _, w| if sign[i] < 0 { -w } else { w });
    let radius = spectral_radius(&signed);
    if radius <= 1e-9 * signed.all_weights().iter().fold(0.0_f64, |m, w| m.max(w.abs())) {
        return Err(DataError::question(
            format!(
                "the {n} units have no recurrent loop: their weights cannot be scaled to a spectral radius"
            ),
            "select more neurons, or another layer",
        ));
    }
    let mut mask = vec![false; n * n];
    let mut w0 = vec![0.0; n * n];
    for (pre, post, w) in signed.edges() {
        mask[post * n + pre] = true;
        w0[post * n + pre] = w * settings.radius / radius;
    }
    let membership = |kind: &str, sets: &[Named]| -> Result<Vec<Vec<bool>>, DataError> {
        sets.iter()
            .map(|(name, members)| {
                let mut flags = vec![false; n];
                let inside = members.iter().filter(|&&i| unit_of[i] != u32::MAX);
                inside.for_each(|&i| flags[unit_of[i] as usize] = true);
                if flags.contains(&true) {
                    return Ok(flags);
                }
                Err(DataError::question(
                    format!("{kind} `{name}` reaches none of the {n} units"),
                    format!("give --{kind} NAME=QUERY with neurons of the selection"),
                ))
            })
            .collect()
    };
    let (reach, read) = (
        membership("input", &settings.inputs)?,
        membership("output", &settings.outputs)?,
    );
    let names = |sets: &[Named]| sets.iter().map(|(name, _)| name.clone()).collect();
    Ok(Wiring {
        ids: units
            .iter()
            .map(|u| u.1.iter().map(|&i| connectome.ids[i]).collect())
            .collect(),
        labels: units.iter().map(|u| u.0.clone()).collect(),
        classes: units.iter().map(|u| class_of(&u.1)).collect(),
        mask,
        sign,
        w0,
        channels: names(&settings.inputs),
        in_mask: reach.concat(),
        actions: names(&settings.outputs),
        out_mask: (0..n)
            .flat_map(|u| read.iter().map(move |flags| flags[u]))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::select;
    use crate::simulate::{SimulateSettings, simulate};
    use neuropil_math::linalg::spectral_radius as dense_radius;

    pub(super) fn settings(c: &Connectome) -> ExportSettings {
        ExportSettings {
            layer: "all".to_owned(),
            grouping: Grouping::Neuron,
            magnitude: Magnitude::Synapses,
            least_synapses: 1.0,
            radius: 1.5,
            signs: Some("sign".to_owned()),
            inputs: deal(&c.members("celltype", "PN"), &["a".to_owned(), "b".to_owned()], 1),
            outputs: vec![
                ("go".to_owned(), c.members("celltype", "MBON")),
                ("stop".to_owned(), c.members("celltype", "MBIN")),
            ],
        }
    }

    pub(super) fn brain() -> (Connectome, Vec<usize>) {
        let mut c = simulate(&SimulateSettings::default());
        let class = c.texts("celltype");
        let sign = |class: &String| match class.as_str() {
            "KC" | "PN" => "acetylcholine",
            "MBON" => "inhibitory",
            _ => "",
        };
        c.neurons
            .set("sign", class.iter().map(|c| sign(c).to_owned()).collect());
        let chosen = select(&c, "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN").unwrap();
        (c, chosen)
    }

    #[test]
    fn rows_are_postsynaptic_and_signs_are_those_of_the_source() {
        let (c, chosen) = brain();
        let net = wiring(&c, &chosen, &settings(&c), None).unwrap();
        let n = net.n();
        let graph = c.layer("all").unwrap();
        for (post, &j) in chosen.iter().enumerate() {
            for (pre, &i) in chosen.iter().enumerate() {
                assert_eq!(net.mask[post * n + pre], graph.weight(i, j) != 0.0);
                let w = net.w0[post * n + pre];
                assert!(w == 0.0 || (w < 0.0) == (net.sign[pre] < 0));
            }
        }
        assert!((dense_radius(&net.w0, n).unwrap() - 1.5).abs() < 1e-3);
        assert!(net.sign.contains(&1) && net.sign.contains(&-1) && net.sign.contains(&0));
        let reached = |k: usize| net.in_mask[k * n..(k + 1) * n].iter().filter(|m| **m).count();
        assert_eq!(reached(0) + reached(1), c.members("celltype", "PN").len());
    }

    #[test]
    fn controls_match_and_differ() {
        let (c, chosen) = brain();
        let s = settings(&c);
        let net = wiring(&c, &chosen, &s, None).unwrap();
        let n = net.n();
        let degrees = |net: &Wiring| -> Vec<(usize, usize)> {
            let row = |u: usize| net.mask[u * n..(u + 1) * n].iter().filter(|m| **m).count();
            let column = |u: usize| (0..n).filter(|&v| net.mask[v * n + u]).count();
            (0..n).map(|u| (row(u), column(u))).collect()
        };
        for null in Null::ALL {
            let control = |index| Control { null, seed: 3, index };
            let other = wiring(&c, &chosen, &s, Some(control(0))).unwrap();
            assert_eq!(
                (other.n_edges(), &other.sign, &other.in_mask),
                (net.n_edges(), &net.sign, &net.in_mask)
            );
            assert_ne!(other.w0, net.w0, "{null:?}");
            assert_ne!(other.w0, wiring(&c, &chosen, &s, Some(control(1))).unwrap().w0);
            if null == Null::Degree {
                assert_eq!(degrees(&other), degrees(&net));
            }
            if null == Null::Weights {
                assert_eq!(other.mask, net.mask);
            }
        }
    }

    #[test]
    fn groups_average_over_the_members_of_the_target() {
        let (c, chosen) = brain();
        let s = ExportSettings {
            grouping: Grouping::Class,
            signs: None,
            ..settings(&c)
        };
        let net = wiring(&c, &chosen, &s, None).unwrap();
        assert_eq!(net.labels, ["KC", "MBIN", "MBON", "PN"]);
        let graph = c.layer("all").unwrap();
        let (kc, mbon) = (c.members("celltype", "KC"), c.members("celltype", "MBON"));
        let sum = |to: &[usize]| -> f64 {
            kc.iter()
                .flat_map(|&i| to.iter().map(move |&j| (i, j)))
                .map(|(i, j)| graph.weight(i, j))
                .sum()
        };
        let ratio = (sum(&mbon) / mbon.len() as f64) / (sum(&kc) / kc.len() as f64);
        assert!((net.w0[2 * 4] / net.w0[0] - ratio).abs() < 1e-9);
        let pairs = wiring(
            &c,
            &chosen,
            &ExportSettings {
                grouping: Grouping::Pair,
                ..s
            },
            None,
        );
        assert_eq!(pairs.unwrap().n(), chosen.len() / 2);
    }

    #[test]
    fn what_cannot_be_exported_says_why() {
        let (c, chosen) = brain();
        let fails =
            |chosen: &[usize], s: &ExportSettings| wiring(&c, chosen, s, None).unwrap_err().to_string();
        assert!(fails(&[], &settings(&c)).contains("no neurons"));
        let mut s = settings(&c);
        s.signs = Some("charge".to_owned());
        assert!(fails(&chosen, &s).contains("no column `charge`"));
        let mut s = settings(&c);
        s.inputs[0].1 = c.members("celltype", "sensory");
        assert!(fails(&chosen, &s).contains("input `a` reaches none"));
        assert!(fails(&c.members("celltype", "sensory")[..1], &settings(&c)).contains("no recurrent loop"));
    }
}
