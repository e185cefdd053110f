//! Neurons by their distance over strong edges: second-order, third-order … circuits (Winding et al. 2023, Figs 3, 7).

use crate::data::Connectome;
use crate::error::DataError;
use crate::graph::Csr;
use serde::Serialize;
use std::collections::BTreeMap;

/// Which way edges are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From sources to targets.
    Downstream,
    /// From targets to sources.
    Upstream,
}

/// Neurons in layers around a set.
///
/// Layer 1 are the partners of `sources` that are not sources; layer k + 1 the partners of layer k that are in no
/// earlier layer. Neurons of `excluded` neither appear nor pass on, at any hop; neurons of `stops` appear but do not
/// pass on. With `partner`, a neuron counts only if its homologue is in the same layer, or it has none.
///
/// # Errors
/// No sources.
pub fn layers(
    graph: &Csr,
    way: Way,
    sources: &[usize],
    hops: usize,
    partner: Option<&[Option<usize>]>,
    excluded: &[usize],
    stops: &[bool],
) -> Result<Vec<Vec<usize>>, DataError> {
    let turned;
    let graph = if way == Way::Upstream {
        turned = graph.transposed();
        &turned
    } else {
        graph
    };
    let mut front = crate::cascade::distinct(sources, graph.n())?;
    let mut seen = vec![false; graph.n()];
    front.iter().chain(excluded).for_each(|&i| seen[i] = true);
    let mut found = Vec::with_capacity(hops);
    for hop in 0..hops {
        let emitting = front.iter().filter(|&&i| hop == 0 || !stops[i]);
        let mut next: Vec<usize> = emitting
            .flat_map(|&i| graph.targets(i))
            .map(|&j| j as usize)
            .filter(|&j| !seen[j])
            .collect();
        next.sort_unstable();
        next.dedup();
        if let Some(partner) = partner {
            let both = |&i: &usize| partner[i].is_none_or(|j| next.binary_search(&j).is_ok());
            next = next.iter().copied().filter(both).collect();
        }
        next.iter().for_each(|&i| seen[i] = true);
        found.push(next.clone());
        front = next;
    }
    Ok(found)
}

/// Members of each class in each layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerMatrix {
    /// Name of the sources.
    pub name: String,
    /// Number of sources.
    pub sources: usize,
    /// Class → members per layer, from 1.
    pub classes: BTreeMap<String, Vec<usize>>,
    /// Neurons per layer.
    pub sizes: Vec<usize>,
    /// Neurons of each layer.
    #[serde(skip)]
    pub members: Vec<Vec<usize>>,
}

/// Counts the classes of the layers around each named set.
///
/// # Errors
/// An empty set.
pub fn circuits(
    connectome: &Connectome,
    graph: &Csr,
    way: Way,
    sets: &[(String, Vec<usize>)],
    hops: usize,
    by_pairs: bool,
) -> Result<Vec<LayerMatrix>, DataError> {
    let class = connectome.texts("celltype");
    let partner = connectome.partners();
    let none = vec![false; connectome.n()];
    let of = |(name, sources): &(String, Vec<usize>)| {
        let members = layers(
            graph,
            way,
            sources,
            hops,
            by_pairs.then_some(&partner),
            &[],
            &none,
        )?;
        let mut classes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (k, layer) in members.iter().enumerate() {
            for &i in layer {
                let name = if class[i].is_empty() { "none" } else { &class[i] };
                classes.entry(name.to_owned()).or_insert_with(|| vec![0; hops])[k] += 1;
            }
        }
        Ok(LayerMatrix {
            name: name.clone(),
            sources: sources.len(),
            classes,
            sizes: members.iter().map(Vec::len).collect(),
            members,
        })
    };
    sets.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Csr {
        // 0 → 1 → 2 → 3, 0 → 4 → 3, 3 → 0; homologues 1 and 4.
        Csr::from_edges(
            5,
            [(0, 1), (1, 2), (2, 3), (0, 4), (4, 3), (3, 0)]
                .map(|(i, j)| (i, j, 1.0))
                .to_vec(),
        )
    }

    #[test]
    fn layers_hold_each_neuron_once_and_run_both_ways() {
        let none = [false; 5];
        let go = |way, excluded: &[usize], stops: &[bool]| {
            layers(&graph(), way, &[0], 3, None, excluded, stops).unwrap()
        };
        assert_eq!(go(Way::Downstream, &[], &none), [vec![1, 4], vec![2, 3], vec![]]);
        assert_eq!(go(Way::Upstream, &[], &none), [vec![3], vec![2, 4], vec![1]]);
        assert_eq!(go(Way::Downstream, &[4], &none), [vec![1], vec![2], vec![3]]);
        let stops = [false, false, false, false, true];
        assert_eq!(go(Way::Downstream, &[], &stops), [vec![1, 4], vec![2], vec![3]]);
        assert!(layers(&graph(), Way::Upstream, &[], 1, None, &[], &none).is_err());
    }

    #[test]
    fn a_lone_homologue_does_not_count() {
        let partner = [None, Some(4), Some(3), Some(2), Some(1)];
        let found = layers(
            &graph(),
            Way::Downstream,
            &[0],
            2,
            Some(&partner),
            &[],
            &[false; 5],
        )
        .unwrap();
        assert_eq!(found, [vec![1, 4], vec![2, 3]]);
        let partner = [None, Some(3), None, Some(1), None];
        let found = layers(
            &graph(),
            Way::Downstream,
            &[0],
            2,
            Some(&partner),
            &[],
            &[false; 5],
        )
        .unwrap();
        assert_eq!(found, [vec![4], vec![]]);
    }
}
