//! Names to indices while edges are read.

use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::Csr;
use neuropil_lab::memory;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Bytes that a neuron takes up before anything is known of it.
pub(super) const NEURON: usize = 96;

/// Collects nodes and edges by name.
#[derive(Default)]
pub(super) struct Builder {
    /// Nodes whose names are integers as they are written (no sign, no zero before them), and all others.
    numbers: HashMap<i64, u32>,
    words: HashMap<String, u32>,
    names: Vec<Name>,
    layers: BTreeMap<String, Vec<(u32, u32, f64)>>,
    warnings: Vec<String>,
}

/// The name of a node.
enum Name {
    Number(i64),
    Word(String),
}

impl Builder {
    /// Index of a node, added if it is new.
    pub(super) fn node(&mut self, name: &str) -> u32 {
        let next = self.names.len() as u32;
        if let Some(number) = canonical(name) {
            return self.number(number);
        }
        if let Some(&at) = self.words.get(name) {
            return at;
        }
        self.words.insert(name.to_owned(), next);
        self.names.push(Name::Word(name.to_owned()));
        next
    }

    /// Index of a node with a numeric id.
    pub(super) fn number(&mut self, id: i64) -> u32 {
        let next = self.names.len() as u32;
        let at = *self.numbers.entry(id).or_insert(next);
        if at == next {
            self.names.push(Name::Number(id));
        }
        at
    }

    /// Number of nodes so far.
    pub(super) fn n(&self) -> usize {
        self.names.len()
    }

    /// Names of the nodes so far, in the order of their indices.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.names.iter().map(|name| match name {
            Name::Number(id) => id.to_string(),
            Name::Word(word) => word.clone(),
        })
    }

    /// Whether the node is there.
    pub(super) fn knows(&self, name: &str) -> bool {
        canonical(name).map_or_else(
            || self.words.contains_key(name),
            |id| self.numbers.contains_key(&id),
        )
    }

    /// Whether every name so far is an integer.
    pub(super) fn is_numeric(&self) -> bool {
        self.words.is_empty()
    }

    /// Adds an edge to a layer; the layer exists even when all its edges are 0.
    pub(super) fn edge(&mut self, layer: &str, pre: u32, post: u32, weight: f64) {
        if !self.layers.contains_key(layer) {
            self.layers.insert(layer.to_owned(), Vec::new());
        }
        if weight != 0.0
            && let Some(edges) = self.layers.get_mut(layer)
        {
            edges.push((pre, post, weight));
        }
    }

    /// Makes sure that a layer exists.
    pub(super) fn layer(&mut self, layer: &str) {
        self.layers.entry(layer.to_owned()).or_default();
    }

    /// Names of the layers so far.
    pub(super) fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.keys().map(String::as_str)
    }

    /// Notes what is odd but usable.
    pub(super) fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// The connectome: neurons by ascending id when all names are integers (`7`, `07` and `+7` are one), else by first
    /// appearance.
    ///
    /// # Errors
    /// More neurons than fit.
    pub(super) fn finish(self, path: &Path) -> Result<Connectome, DataError> {
        let n = self.names.len();
        memory::claim(path, &format!("{n} neurons"), n, NEURON)?;
        let id = |name: &Name| match name {
            Name::Number(id) => Some(*id),
            Name::Word(word) => word.trim().parse().ok(),
        };
        let numbers: Option<Vec<i64>> = self.names.iter().map(id).collect();
        let (ids, labels, place): (Vec<i64>, Option<Vec<String>>, Vec<u32>) = match numbers {
            Some(numbers) => {
                let mut ids = numbers.clone();
                ids.sort_unstable();
                ids.dedup();
                let at = |id: &i64| ids.binary_search(id).expect("an id that is there") as u32;
                let place = numbers.iter().map(at).collect();
                (ids, None, place)
            }
            None => {
                let label = |name: Name| match name {
                    Name::Number(id) => id.to_string(),
                    Name::Word(word) => word,
                };
                let labels = self.names.into_iter().map(label).collect();
                ((0..n as i64).collect(), Some(labels), (0..n as u32).collect())
            }
        };
        let n = ids.len();
        let layers = self.layers.into_iter().map(|(name, mut edges)| {
            for (pre, post, _) in &mut edges {
                (*pre, *post) = (place[*pre as usize], place[*post as usize]);
            }
            (name, Csr::from_edges(n, edges))
        });
        Ok(Connectome {
            layers: layers.collect(),
            sides: vec![Side::Centre; n],
            ids,
            labels,
            warnings: self.warnings,
            ..Connectome::default()
        })
    }
}

/// A name that is an integer, written as one.
pub(crate) fn canonical(name: &str) -> Option<i64> {
    let bytes = name.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let plain = match digits {
        [b'0'] => bytes.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_integer_is_one_neuron_however_it_is_written_unless_names_are_words() {
        let build = |names: &[&str]| {
            let mut builder = Builder::default();
            for name in names {
                builder.node(name);
            }
            builder.finish(Path::new("x")).unwrap()
        };
        assert_eq!(build(&["1", "01", "+1", "2", "-0"]).ids, [0, 1, 2]);
        let words = build(&["1", "01", "AVAL"]);
        assert_eq!(words.labels.unwrap(), ["1", "01", "AVAL"]);
    }
}
