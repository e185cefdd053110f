//! Names to indices while edges are read.

use crate::data::{Connectome, Side};
use crate::graph::Csr;
use std::collections::{BTreeMap, HashMap};

/// Collects nodes and edges by name.
#[derive(Default)]
pub(super) struct Builder {
    index: HashMap<String, u32>,
    names: Vec<String>,
    layers: BTreeMap<String, Vec<(u32, u32, f64)>>,
}

impl Builder {
    /// Index of a node, added if it is new.
    pub(super) fn node(&mut self, name: &str) -> u32 {
        if let Some(&at) = self.index.get(name) {
            return at;
        }
        let at = self.names.len() as u32;
        self.index.insert(name.to_owned(), at);
        self.names.push(name.to_owned());
        at
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

    /// The connectome: neurons by ascending id when all names are integers, else by first appearance.
    pub(super) fn finish(self) -> Connectome {
        let numbers: Option<Vec<i64>> = self.names.iter().map(|name| name.trim().parse().ok()).collect();
        let n = self.names.len();
        let (ids, labels, place): (Vec<i64>, Option<Vec<String>>, Vec<u32>) = match numbers {
            Some(numbers) => {
                let mut order: Vec<usize> = (0..n).collect();
                order.sort_by_key(|&i| numbers[i]);
                let mut place = vec![0; n];
                order.iter().enumerate().for_each(|(k, &i)| place[i] = k as u32);
                (order.iter().map(|&i| numbers[i]).collect(), None, place)
            }
            None => ((0..n as i64).collect(), Some(self.names), (0..n as u32).collect()),
        };
        let layers = self.layers.into_iter().map(|(name, edges)| {
            let edges = edges
                .into_iter()
                .map(|(i, j, w)| (place[i as usize], place[j as usize], w));
            (name, Csr::from_edges(n, edges.collect()))
        });
        Connectome {
            layers: layers.collect(),
            sides: vec![Side::Centre; n],
            ids,
            labels,
            ..Connectome::default()
        }
    }
}
