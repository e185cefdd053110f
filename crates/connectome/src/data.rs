//! The connectome: neurons, named edge layers, homologous pairs, annotations.

use crate::error::DataError;
use crate::graph::Csr;
use neuropil_lab::table::whole_number;
use std::collections::BTreeMap;

/// The four compartment-resolved layers, in the order of the paper: axon→dendrite, axon→axon,
/// dendrite→dendrite, dendrite→axon.
pub const TYPED_LAYERS: [&str; 4] = ["ad", "aa", "dd", "da"];

/// Side of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Side {
    /// Left.
    #[serde(rename = "L")]
    Left,
    /// Right.
    #[serde(rename = "R")]
    Right,
    /// Midline, or not known.
    #[serde(rename = "C")]
    Centre,
}

impl Side {
    /// Reads `L`, `left`, `LHS`, `R`, `right`, `RHS` and their like; anything else is the midline.
    pub fn parse(text: &str) -> Self {
        Self::known(text).unwrap_or(Self::Centre)
    }

    /// A side in any of the words for it, or for midline and not known; `None` for other words.
    pub(crate) fn known(text: &str) -> Option<Self> {
        match text.trim().trim_end_matches('.').to_lowercase().as_str() {
            "l" | "left" | "lhs" | "sinister" | "links" | "gauche" => Some(Self::Left),
            "r" | "right" | "rhs" | "dexter" | "rechts" | "droite" => Some(Self::Right),
            "c" | "m" | "centre" | "center" | "central" | "middle" | "mid" | "midline" | "medial"
            | "unpaired" | "both" | "bilateral" | "unknown" | "unk" | "undefined" => Some(Self::Centre),
            other if neuropil_lab::table::is_missing(other) => Some(Self::Centre),
            _ => None,
        }
    }
}

/// Columns of text, one row per neuron.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeuronTable {
    /// Column name and one text per neuron; empty where nothing is known.
    pub columns: Vec<(String, Vec<String>)>,
}

impl NeuronTable {
    /// The column of a name, compared without case.
    pub fn column(&self, name: &str) -> Option<&[String]> {
        let found = self
            .columns
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, values)| values.as_slice())
    }

    /// Adds a column, or replaces the one of that name.
    pub fn set(&mut self, name: &str, values: Vec<String>) {
        match self
            .columns
            .iter_mut()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
        {
            Some((_, old)) => *old = values,
            None => self.columns.push((name.to_owned(), values)),
        }
    }
}

/// A wiring diagram.
#[derive(Clone, Debug, Default)]
pub struct Connectome {
    /// 64-bit id of every neuron, ascending unless the file gives labels instead.
    pub ids: Vec<i64>,
    /// Text labels where the data have no numeric ids (`ids` then count from 0).
    pub labels: Option<Vec<String>>,
    /// Layers by name, all over the same neurons; row = presynaptic.
    pub layers: BTreeMap<String, Csr>,
    /// Annotations.
    pub neurons: NeuronTable,
    /// (left, right) members of every homologous pair, as indices.
    pub pairs: Vec<(usize, usize)>,
    /// Side of every neuron.
    pub sides: Vec<Side>,
    /// Total synapses onto axon and dendrite of every neuron, partners outside the data included; `None` where
    /// the data do not say, and sums within the data take their place.
    pub input_totals: Option<(Vec<f64>, Vec<f64>)>,
    /// What was odd but usable.
    pub warnings: Vec<String>,
}

impl Connectome {
    /// Number of neurons.
    pub fn n(&self) -> usize {
        self.ids.len()
    }

    /// The id or label of a neuron as text.
    pub fn id_text(&self, i: usize) -> String {
        self.labels
            .as_ref()
            .map_or_else(|| self.ids[i].to_string(), |labels| labels[i].clone())
    }

    /// The id of a neuron as JSON: a number, or the label as text.
    pub fn id_json(&self, i: usize) -> serde_json::Value {
        match &self.labels {
            Some(labels) => labels[i].clone().into(),
            None => self.ids[i].into(),
        }
    }

    /// The neuron with this id or label.
    pub fn find(&self, id: &str) -> Option<usize> {
        match &self.labels {
            Some(labels) => labels.iter().position(|label| label == id),
            None => {
                let id = whole_number(id).ok()??;
                self.ids
                    .binary_search(&id)
                    .ok()
                    .or_else(|| self.ids.iter().position(|&own| own == id))
            }
        }
    }

    /// A layer of synapse counts by name; `all` or `sum` is the sum of all layers.
    ///
    /// # Errors
    /// No such layer, or negative weights: fractions, orders and cascades are of counts.
    pub fn layer(&self, name: &str) -> Result<Csr, DataError> {
        let negative = |own: &&String| **own == name || name == "all" || name == "sum";
        for own in self.layers.keys().filter(negative) {
            if let Some((i, j, w)) = self.layers[own].edges().find(|edge| edge.2 < 0.0) {
                let (pre, post) = (self.id_text(i), self.id_text(j));
                return Err(DataError::question(
                    format!(
                        "layer `{own}` has negative weights (`{pre}` → `{post}`: {w}), and this is a question to counts"
                    ),
                    "`stats`, `influence` and `cascade --signed` take signs; for the others, write the absolute values",
                ));
            }
        }
        self.signed_layer(name)
    }

    /// A layer by name, whatever the signs of its weights.
    ///
    /// # Errors
    /// No such layer.
    pub fn signed_layer(&self, name: &str) -> Result<Csr, DataError> {
        if let Some(layer) = self.layers.get(name) {
            return Ok(layer.clone());
        }
        if name == "all" || name == "sum" {
            return Ok(Csr::sum(self.n(), self.layers.values()));
        }
        let known: Vec<&str> = self.layers.keys().map(String::as_str).collect();
        Err(DataError::question(
            format!("no layer `{name}` in this connectome"),
            format!("it has `{}`, and `all` for their sum", known.join("`, `")),
        ))
    }

    /// The layer that signals travel along: axon→dendrite where the data tell compartments apart, else the sum.
    pub fn default_layer(&self) -> &'static str {
        if self.layers.contains_key("ad") {
            "ad"
        } else {
            "all"
        }
    }

    /// Total input of the compartment that receives a layer: the denominators of input fractions.
    ///
    /// Dendrite for `ad` and `dd`, axon for `aa` and `da`, both for every other layer (Winding et al. 2023,
    /// Methods).
    pub fn compartment_input(&self, layer: &str) -> Vec<f64> {
        let (axon, dendrite) = match &self.input_totals {
            Some((axon, dendrite)) => (axon.clone(), dendrite.clone()),
            None => {
                let received = |names: [&str; 2]| {
                    let mut sums = vec![0.0; self.n()];
                    for graph in names.iter().filter_map(|name| self.layers.get(*name)) {
                        graph
                            .strengths()
                            .0
                            .iter()
                            .zip(&mut sums)
                            .for_each(|(w, sum)| *sum += w);
                    }
                    sums
                };
                if TYPED_LAYERS.iter().any(|name| self.layers.contains_key(*name)) {
                    (received(["aa", "da"]), received(["ad", "dd"]))
                } else {
                    let all = Csr::sum(self.n(), self.layers.values()).strengths().0;
                    (vec![0.0; self.n()], all)
                }
            }
        };
        match layer {
            "ad" | "dd" => dendrite,
            "aa" | "da" => axon,
            _ => axon.iter().zip(&dendrite).map(|(a, d)| a + d).collect(),
        }
    }

    /// A layer as fractions of the receiving compartment's total input; 0 where that total is 0.
    ///
    /// # Errors
    /// No such layer.
    pub fn input_fractions(&self, layer: &str) -> Result<Csr, DataError> {
        let total = self.compartment_input(layer);
        let graph = self.layer(layer)?;
        Ok(graph.map(|_, j, w| if total[j] > 0.0 { w / total[j] } else { 0.0 }))
    }

    /// [`Connectome::input_fractions`] of a layer that may have negative weights: each weight over the sum of the sizes of all that
    /// its neuron receives.
    ///
    /// # Errors
    /// No such layer.
    pub fn signed_fractions(&self, layer: &str) -> Result<Csr, DataError> {
        let graph = self.signed_layer(layer)?;
        if graph.all_weights().iter().all(|&w| w >= 0.0) {
            return self.input_fractions(layer);
        }
        let mut total = vec![0.0; self.n()];
        graph.edges().for_each(|(_, j, w)| total[j] += w.abs());
        Ok(graph.map(|_, j, w| if total[j] > 0.0 { w / total[j] } else { 0.0 }))
    }

    /// Partner of every neuron in the pair table.
    pub fn partners(&self) -> Vec<Option<usize>> {
        let mut partner = vec![None; self.n()];
        for &(left, right) in &self.pairs {
            partner[left] = Some(right);
            partner[right] = Some(left);
        }
        partner
    }

    /// Units: every pair (left, right), then every neuron without a partner, in index order.
    pub fn units(&self) -> Vec<Vec<usize>> {
        let partner = self.partners();
        let pairs = self.pairs.iter().map(|&(left, right)| vec![left, right]);
        let single = (0..self.n()).filter(|&i| partner[i].is_none()).map(|i| vec![i]);
        pairs.chain(single).collect()
    }

    /// Indices of the neurons of a value in a column (`io` = `output`), or none without that column.
    pub fn members(&self, column: &str, value: &str) -> Vec<usize> {
        let Some(values) = self.neurons.column(column) else {
            return Vec::new();
        };
        (0..self.n()).filter(|&i| values[i] == value).collect()
    }

    /// The text of a column for every neuron, or empty texts without that column.
    pub fn texts(&self, column: &str) -> Vec<String> {
        self.neurons
            .column(column)
            .map_or_else(|| vec![String::new(); self.n()], <[String]>::to_vec)
    }

    /// Checks what must hold of pairs and totals, and notes what is odd.
    ///
    /// # Errors
    /// A neuron in two pairs or paired with itself, or a pair with both members on one side.
    pub fn validate(&mut self) -> Result<(), DataError> {
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for (k, &(left, right)) in self.pairs.iter().enumerate() {
            let (a, b) = (self.id_text(left), self.id_text(right));
            if left == right {
                return Err(DataError::inconsistent(
                    format!("neuron {a} is paired with itself"),
                    "remove the pair or name its partner",
                ));
            }
            for i in [left, right] {
                if seen.insert(i, k).is_some() {
                    return Err(DataError::inconsistent(
                        format!("neuron {} is in two pairs", self.id_text(i)),
                        "a neuron has at most one homologue",
                    ));
                }
            }
            if self.sides[left] == self.sides[right] && self.sides[left] != Side::Centre {
                return Err(DataError::inconsistent(
                    format!(
                        "both members of the pair {a}, {b} are on side {:?}",
                        self.sides[left]
                    ),
                    "check the sides in the neuron table",
                ));
            }
        }
        for (name, layer) in &self.layers {
            let negative = layer.all_weights().iter().filter(|&&w| w < 0.0).count();
            if negative > 0 {
                self.warnings.push(format!(
                    "{negative} of the {} edges of layer `{name}` have negative weights: questions to counts are refused",
                    layer.n_edges()
                ));
            }
        }
        if let Some(io) = self.neurons.column("io") {
            let words: std::collections::BTreeSet<&str> = io
                .iter()
                .map(String::as_str)
                .filter(|word| !word.is_empty())
                .collect();
            if !words.is_empty() && !words.contains("input") && !words.contains("output") {
                let shown: Vec<&str> = words.into_iter().take(5).collect();
                self.warnings.push(format!(
                    "column `io` says {}: questions to inputs and outputs look for the words `input` and `output`",
                    shown.join(", ")
                ));
            }
        }
        if self.input_totals.is_none() {
            return Ok(());
        }
        for name in self
            .layers
            .keys()
            .filter(|name| TYPED_LAYERS.contains(&name.as_str()))
        {
            let total = self.compartment_input(name);
            let received = self.layers[name].strengths().0;
            let zero = (0..self.n())
                .filter(|&j| total[j] == 0.0 && received[j] > 0.0)
                .count();
            if zero > 0 {
                self.warnings.push(format!(
                    "{zero} neurons have no total input but {name} edges: their input fractions count as 0"
                ));
            }
            let above: Vec<usize> = (0..self.n())
                .filter(|&j| total[j] > 0.0 && received[j] > total[j] * (1.0 + 1e-9))
                .collect();
            if let Some(&worst) = above.first() {
                self.warnings.push(format!(
                    "{} neurons receive more {name} synapses than their total input says (neuron {}: {} of {}): their input \
                     fractions exceed 1; without `axon_input` and `dendrite_input` the totals are those of the edges",
                    above.len(),
                    self.id_text(worst),
                    received[worst],
                    total[worst]
                ));
            }
        }
        Ok(())
    }
}
