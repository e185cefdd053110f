//! A part of a connectome as the wiring of a recurrent network: who may be connected, with which sign, how strongly
//! at the start, where inputs arrive and outputs leave.
//!
//! Connectomes have rows presynaptic. `mask` and `w0` of a [`Wiring`] have **rows postsynaptic**, as equations of rate
//! networks are written (r ← W r); arrays that carry the name of a parameter of the training engine (`w_in`, `w_rec`,
//! `w_gates`, `w_out`) are *from × to*, as the engine keeps them. The turn is made here and nowhere else.

use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use crate::influence::spectral_radius;
use crate::nulls::{Null, draw};
use neuropil_lab::array::write_npz;
use neuropil_lab::error::LabError;
use neuropil_math::rng::{Key, Purpose};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

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

    /// Number of recurrent connections.
    pub fn n_edges(&self) -> usize {
        self.mask.iter().filter(|m| **m).count()
    }
}

/// Signs of neurons from a column: numbers, `excitatory`/`inhibitory` (or their beginnings of three letters), or a
/// transmitter: acetylcholine excites, GABA and glutamate inhibit (as in the fly's central brain); anything else is
/// free, 0.
///
/// # Errors
/// No such column.
pub fn signs(connectome: &Connectome, column: &str) -> Result<Vec<i8>, DataError> {
    let Some(values) = connectome.neurons.column(column) else {
        let known: Vec<&str> = connectome
            .neurons
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        return Err(DataError::question(
            format!("no column `{column}` with signs in the neuron table"),
            format!("it has {}", known.join(", ")),
        ));
    };
    let sign = |text: &String| {
        let text = text.trim().to_ascii_lowercase();
        if let Ok(number) = text.parse::<f64>() {
            return if number > 0.0 {
                1
            } else if number < 0.0 {
                -1
            } else {
                0
            };
        }
        match text.as_str() {
            "ach" | "acetylcholine" | "cholinergic" => 1,
            "gaba" | "gabaergic" | "glut" | "glutamate" | "glutamatergic" => -1,
            other if other.starts_with("exc") => 1,
            other if other.starts_with("inh") => -1,
            _ => 0,
        }
    };
    Ok(values.iter().map(sign).collect())
}

/// Deals the neurons of a set to several channels at random, as equally as possible.
pub fn deal(neurons: &[usize], names: &[String], seed: u64) -> Vec<Named> {
    let mut shuffled = neurons.to_vec();
    shuffled.shuffle(&mut Key::new(seed).stream(Purpose::Generate, u64::MAX));
    let share = |k: usize| {
        let mut own: Vec<usize> = shuffled.iter().copied().skip(k).step_by(names.len()).collect();
        own.sort_unstable();
        own
    };
    names
        .iter()
        .enumerate()
        .map(|(k, name)| (name.clone(), share(k)))
        .collect()
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
    let graph = connectome.layer(&settings.layer)?;
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

/// Units: their names and neurons.
fn grouped(
    c: &Connectome,
    neurons: &[usize],
    grouping: Grouping,
    classes: &[String],
) -> Vec<(String, Vec<usize>)> {
    match grouping {
        Grouping::Neuron => neurons.iter().map(|&i| (c.id_text(i), vec![i])).collect(),
        Grouping::Pair => {
            let inside: std::collections::BTreeSet<usize> = neurons.iter().copied().collect();
            let own = c.units().into_iter().filter_map(|unit| {
                let members: Vec<usize> = unit.into_iter().filter(|i| inside.contains(i)).collect();
                let names: Vec<String> = members.iter().map(|&i| c.id_text(i)).collect();
                (!members.is_empty()).then(|| (names.join("+"), members))
            });
            own.collect()
        }
        Grouping::Class => {
            let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for &i in neurons {
                let name = if classes[i].is_empty() {
                    "none"
                } else {
                    &classes[i]
                };
                groups.entry(name).or_default().push(i);
            }
            groups
                .into_iter()
                .map(|(name, members)| (name.to_owned(), members))
                .collect()
        }
    }
}

fn unit_signs(
    c: &Connectome,
    units: &[(String, Vec<usize>)],
    column: Option<&str>,
) -> Result<Vec<i8>, DataError> {
    let Some(column) = column else {
        return Ok(vec![0; units.len()]);
    };
    let own = signs(c, column)?;
    let of = |members: &Vec<usize>| {
        let mut known = members.iter().map(|&i| own[i]).filter(|s| *s != 0);
        let first = known.next().unwrap_or(0);
        if known.all(|s| s == first) { first } else { 0 }
    };
    Ok(units.iter().map(|u| of(&u.1)).collect())
}

/// Kind of unit of the engine: how many columns its input and gate matrices have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineCell {
    /// `w_in` N columns, no gates.
    Leaky,
    /// `w_in` 3 N columns (drive, update gate, recurrent gate), `w_gates` 2 N.
    #[default]
    Gated,
}

/// What stands beside the arrays, in a JSON file of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beside {
    ids: Vec<Vec<i64>>,
    labels: Vec<String>,
    classes: Vec<String>,
    channels: Vec<String>,
    actions: Vec<String>,
    cell: EngineCell,
    provenance: Value,
}

impl Wiring {
    /// Writes the arrays to `path` (`.npz`, all `f64`) and names, ids and `provenance` to the `.json` beside it.
    ///
    /// Arrays: `mask`, `w0` (N × N, rows postsynaptic), `sign` (N), `in_mask` (channels × N), `out_mask` (N × actions);
    /// and, from × to, masks under the names of the engine's parameters for units of kind `cell`: `w_in`, `w_rec`,
    /// `w_out` and for gated units `w_gates`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, path: &Path, cell: EngineCell, provenance: Value) -> Result<(), LabError> {
        let (n, channels, actions) = (self.n(), self.channels.len(), self.actions.len());
        let flags = |mask: &[bool]| -> Vec<f64> { mask.iter().map(|&m| f64::from(u8::from(m))).collect() };
        let turned: Vec<f64> = (0..n * n)
            .map(|e| f64::from(u8::from(self.mask[e % n * n + e / n])))
            .collect();
        let repeat = |rows: &[f64], width: usize, times: usize| -> Vec<f64> {
            rows.chunks_exact(width)
                .flat_map(|row| row.repeat(times))
                .collect()
        };
        let reach = flags(&self.in_mask);
        let blocks = if cell == EngineCell::Gated { 3 } else { 1 };
        let mut arrays = vec![
            ("mask", vec![n, n], flags(&self.mask)),
            ("w0", vec![n, n], self.w0.clone()),
            ("sign", vec![n], self.sign.iter().map(|&s| f64::from(s)).collect()),
            ("in_mask", vec![channels, n], reach.clone()),
            ("out_mask", vec![n, actions], flags(&self.out_mask)),
            ("w_in", vec![channels, blocks * n], repeat(&reach, n, blocks)),
            ("w_rec", vec![n, n], turned.clone()),
            ("w_out", vec![n, actions], flags(&self.out_mask)),
        ];
        if cell == EngineCell::Gated {
            arrays.push(("w_gates", vec![n, 2 * n], repeat(&turned, n, 2)));
        }
        write_npz(path, arrays)?;
        let beside = Beside {
            ids: self.ids.clone(),
            labels: self.labels.clone(),
            classes: self.classes.clone(),
            channels: self.channels.clone(),
            actions: self.actions.clone(),
            cell,
            provenance,
        };
        let text = serde_json::to_vec_pretty(&beside).expect("names are JSON");
        neuropil_lab::atomic::write(&path.with_extension("json"), &text)
    }

    /// Reads what [`Wiring::save`] wrote.
    ///
    /// # Errors
    /// A missing or damaged file, arrays that do not fit one another.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let names = path.with_extension("json");
        let text = std::fs::read(&names).map_err(DataError::io(&names, "read"))?;
        let beside: Beside = serde_json::from_slice(&text).map_err(|e| {
            DataError::field(
                &names,
                e.line(),
                "",
                e.to_string(),
                "the names of an exported wiring",
            )
        })?;
        let mut arrays = crate::read::npz(path)?;
        let (n, channels, actions) = (beside.labels.len(), beside.channels.len(), beside.actions.len());
        let mut take = |name: &str, shape: &[usize]| -> Result<Vec<f64>, DataError> {
            let array = arrays.remove(name).unwrap_or_default();
            if array.shape == shape {
                return Ok(array.values);
            }
            let found = format!("shape {:?}", array.shape);
            Err(DataError::field(path, 0, name, found, format!("{shape:?}")))
        };
        let flags = |values: Vec<f64>| values.into_iter().map(|x| x != 0.0).collect();
        Ok(Self {
            mask: flags(take("mask", &[n, n])?),
            w0: take("w0", &[n, n])?,
            sign: take("sign", &[n])?.into_iter().map(|s| s as i8).collect(),
            in_mask: flags(take("in_mask", &[channels, n])?),
            out_mask: flags(take("out_mask", &[n, actions])?),
            ids: beside.ids,
            labels: beside.labels,
            classes: beside.classes,
            channels: beside.channels,
            actions: beside.actions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::select;
    use crate::simulate::{SimulateSettings, simulate};
    use neuropil_math::linalg::spectral_radius as dense_radius;
    use serde_json::json;

    fn settings(c: &Connectome) -> ExportSettings {
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

    fn brain() -> (Connectome, Vec<usize>) {
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
    fn exporting_and_reading_back_loses_nothing_and_the_engine_gets_from_by_to() {
        let (c, chosen) = brain();
        let net = wiring(&c, &chosen, &settings(&c), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.npz");
        net.save(&path, EngineCell::Gated, json!({"query": "test"}))
            .unwrap();
        assert_eq!(Wiring::load(&path).unwrap(), net);
        let arrays = crate::read::npz(&path).unwrap();
        let n = net.n();
        let (rec, gates, inputs) = (&arrays["w_rec"], &arrays["w_gates"], &arrays["w_in"]);
        assert_eq!(
            (&gates.shape[..], &inputs.shape[..]),
            (&[n, 2 * n][..], &[2, 3 * n][..])
        );
        for pre in 0..n {
            for post in 0..n {
                let exists = f64::from(u8::from(net.mask[post * n + pre]));
                assert_eq!(rec.values[pre * n + post], exists);
                assert_eq!(gates.values[pre * 2 * n + n + post], exists);
            }
        }
        std::fs::remove_file(path.with_extension("json")).unwrap();
        assert!(Wiring::load(&path).is_err());
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
