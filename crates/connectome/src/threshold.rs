//! Strong edges: a threshold on input fractions or synapses, by homologous pairs (Winding et al. 2023, Methods).

use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::Csr;
use serde::Serialize;

/// How the two sides of an edge between pairs decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairRule {
    /// The mean of the two weights reaches the threshold and both are above 0 (the paper's).
    #[default]
    Mean,
    /// Both weights reach the threshold.
    Strict,
    /// Every edge for itself, no pairs.
    None,
}

/// What is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "unit", content = "at_least")]
pub enum Threshold {
    /// Fraction of the receiving compartment's total input (0.01).
    Fraction(f64),
    /// Synapses (3).
    Synapses(f64),
}

impl Threshold {
    /// Reads `0.01`, `1%`, `3syn`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let wrong = || {
            DataError::question(
                format!("threshold `{text}` cannot be read"),
                "write an input fraction (`0.01`, `1%`) or synapses (`3syn`)",
            )
        };
        let value = |t: &str| {
            t.trim()
                .parse::<f64>()
                .ok()
                .filter(|v| v.is_finite() && *v >= 0.0)
                .ok_or_else(wrong)
        };
        if let Some(percent) = text.strip_suffix('%') {
            Ok(Self::Fraction(value(percent)? / 100.0))
        } else if let Some(synapses) = text.strip_suffix("syn") {
            Ok(Self::Synapses(value(synapses)?))
        } else {
            value(text).map(Self::Fraction)
        }
    }

    fn level(self) -> f64 {
        match self {
            Self::Fraction(level) | Self::Synapses(level) => level,
        }
    }
}

/// On which side of the body an edge ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// Same side.
    Ipsilateral,
    /// Other side.
    Contralateral,
    /// From or to a midline neuron, or sides are not known.
    Centre,
}

/// An edge between two neurons that passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StrongEdge {
    /// Presynaptic neuron, index.
    pub pre: usize,
    /// Postsynaptic neuron, index.
    pub post: usize,
    /// Input fraction, or synapses, as the threshold.
    pub weight: f64,
    /// Side.
    pub course: Course,
}

/// An edge between two units that passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedEdge {
    /// Presynaptic unit: index of its left member, or of the neuron itself.
    pub pre: usize,
    /// Postsynaptic unit.
    pub post: usize,
    /// Weight onto the left target, or from the left source onto an unpaired target; NaN where there is none.
    pub left: f64,
    /// The same of the right.
    pub right: f64,
    /// Side.
    pub course: Course,
    /// The source is a pair.
    pub pre_is_pair: bool,
    /// The target is a pair.
    pub post_is_pair: bool,
}

/// Strong edges in both forms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StrongEdges {
    /// Neuron to neuron, by (pre, post).
    pub split: Vec<StrongEdge>,
    /// Unit to unit.
    pub paired: Vec<PairedEdge>,
}

impl StrongEdges {
    /// The graph of the split edges with their weights.
    pub fn graph(&self, n: usize) -> Csr {
        Csr::from_edges(
            n,
            self.split
                .iter()
                .map(|e| (e.pre as u32, e.post as u32, e.weight))
                .collect(),
        )
    }

    /// Neurons with an edge, ascending.
    pub fn nodes(&self) -> Vec<usize> {
        let mut nodes: Vec<usize> = self.split.iter().flat_map(|e| [e.pre, e.post]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

/// The strong edges of a layer.
///
/// Between pairs the two ipsilateral edges (L→L, R→R) decide together, and so do the two contralateral ones
/// (R→L, L→R). An edge between a pair and an unpaired neuron passes by its own weight, when the unit-to-unit
/// average ((L + R)/2 for a paired source) passes too. Edges of midline neurons are tested by the mean and have no
/// split edge.
///
/// # Errors
/// No such layer.
pub fn strong_edges(
    connectome: &Connectome,
    layer: &str,
    threshold: Threshold,
    rule: PairRule,
) -> Result<StrongEdges, DataError> {
    let graph = match threshold {
        Threshold::Fraction(_) => connectome.input_fractions(layer)?,
        Threshold::Synapses(_) => connectome.layer(layer)?,
    };
    let level = threshold.level();
    let sides = &connectome.sides;
    let mut edges = StrongEdges::default();
    if rule == PairRule::None || connectome.pairs.is_empty() {
        let kept = graph.edges().filter(|e| e.2 >= level);
        edges.split = kept
            .map(|(pre, post, weight)| StrongEdge {
                pre,
                post,
                weight,
                course: course(sides[pre], sides[post]),
            })
            .collect();
        return Ok(edges);
    }
    let partner = connectome.partners();
    let single = |i: usize| partner[i].is_none();
    for &(l, r) in &connectome.pairs {
        pair_to_pairs(connectome, &graph, &partner, (l, r), level, rule, &mut edges);
        // Onto unpaired neurons.
        for x in merged(&graph, l, r).into_iter().filter(|&x| single(x)) {
            let (from_left, from_right) = (graph.weight(l, x), graph.weight(r, x));
            if f64::midpoint(from_left, from_right) < level {
                continue;
            }
            let unit = |left, right, course| PairedEdge {
                pre: l,
                post: x,
                left,
                right,
                course,
                pre_is_pair: true,
                post_is_pair: false,
            };
            if sides[x] == Side::Centre {
                edges.paired.push(unit(from_left, from_right, Course::Centre));
                continue;
            }
            for (source, side, weight) in [(l, Side::Left, from_left), (r, Side::Right, from_right)] {
                if weight >= level {
                    let course = course(side, sides[x]);
                    edges.split.push(StrongEdge {
                        pre: source,
                        post: x,
                        weight,
                        course,
                    });
                    let (left, right) = if side == Side::Left {
                        (weight, f64::NAN)
                    } else {
                        (f64::NAN, weight)
                    };
                    edges.paired.push(unit(left, right, course));
                }
            }
        }
    }
    for x in (0..graph.n()).filter(|&x| single(x)) {
        unpaired_source(connectome, &graph, &partner, x, level, &mut edges);
    }
    edges.split.sort_by_key(|e| (e.pre, e.post));
    edges.paired.sort_by_key(|e| (e.pre, e.post, e.course));
    Ok(edges)
}

fn pair_to_pairs(
    connectome: &Connectome,
    graph: &Csr,
    partner: &[Option<usize>],
    (l, r): (usize, usize),
    level: f64,
    rule: PairRule,
    edges: &mut StrongEdges,
) {
    let left_of = |i: usize| match partner[i] {
        Some(_) if connectome.sides[i] == Side::Right => partner[i],
        other => other.map(|_| i),
    };
    let mut targets: Vec<usize> = merged(graph, l, r).into_iter().filter_map(left_of).collect();
    targets.sort_unstable();
    targets.dedup();
    for tl in targets {
        let Some(tr) = partner[tl] else { continue };
        for (first, second, course) in [
            ((l, tl), (r, tr), Course::Ipsilateral),
            ((r, tl), (l, tr), Course::Contralateral),
        ] {
            let (a, b) = (graph.weight(first.0, first.1), graph.weight(second.0, second.1));
            let passes = match rule {
                PairRule::Strict => a >= level && b >= level && a > 0.0 && b > 0.0,
                _ => f64::midpoint(a, b) >= level && a > 0.0 && b > 0.0,
            };
            if passes {
                for ((pre, post), weight) in [(first, a), (second, b)] {
                    edges.split.push(StrongEdge {
                        pre,
                        post,
                        weight,
                        course,
                    });
                }
                edges.paired.push(PairedEdge {
                    pre: l,
                    post: tl,
                    left: a,
                    right: b,
                    course,
                    pre_is_pair: true,
                    post_is_pair: true,
                });
            }
        }
    }
}

fn unpaired_source(
    connectome: &Connectome,
    graph: &Csr,
    partner: &[Option<usize>],
    x: usize,
    level: f64,
    edges: &mut StrongEdges,
) {
    let sides = &connectome.sides;
    for (j, weight) in graph.row(x) {
        if partner[j].is_none() {
            if weight >= level {
                let course = course(sides[x], sides[j]);
                if course != Course::Centre {
                    edges.split.push(StrongEdge {
                        pre: x,
                        post: j,
                        weight,
                        course,
                    });
                }
                edges.paired.push(PairedEdge {
                    pre: x,
                    post: j,
                    left: weight,
                    right: f64::NAN,
                    course,
                    pre_is_pair: false,
                    post_is_pair: false,
                });
            }
            continue;
        }
        let unit = |left, right, course| PairedEdge {
            pre: x,
            post: if sides[j] == Side::Right {
                partner[j].unwrap_or(j)
            } else {
                j
            },
            left,
            right,
            course,
            pre_is_pair: false,
            post_is_pair: true,
        };
        if sides[x] == Side::Centre {
            let other = partner[j].map_or(0.0, |k| graph.weight(x, k));
            let first = sides[j] == Side::Left || other == 0.0; // each unit once
            if first && f64::midpoint(weight, other) >= level {
                let (left, right) = if sides[j] == Side::Left {
                    (weight, other)
                } else {
                    (other, weight)
                };
                edges.paired.push(unit(left, right, Course::Centre));
            }
        } else if weight >= level {
            let course = course(sides[x], sides[j]);
            edges.split.push(StrongEdge {
                pre: x,
                post: j,
                weight,
                course,
            });
            let (left, right) = if sides[j] == Side::Left {
                (weight, f64::NAN)
            } else {
                (f64::NAN, weight)
            };
            edges.paired.push(unit(left, right, course));
        }
    }
}

/// Targets of either of two neurons, ascending.
fn merged(graph: &Csr, a: usize, b: usize) -> Vec<usize> {
    let mut both: Vec<usize> = graph
        .targets(a)
        .iter()
        .chain(graph.targets(b))
        .map(|&j| j as usize)
        .collect();
    both.sort_unstable();
    both.dedup();
    both
}

fn course(from: Side, to: Side) -> Course {
    match (from, to) {
        (Side::Centre, _) | (_, Side::Centre) => Course::Centre,
        _ if from == to => Course::Ipsilateral,
        _ => Course::Contralateral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn two_pairs(edges: Vec<(u32, u32, f64)>) -> Connectome {
        Connectome {
            ids: vec![10, 11, 20, 21],
            layers: BTreeMap::from([("ad".to_owned(), Csr::from_edges(4, edges))]),
            pairs: vec![(0, 1), (2, 3)],
            sides: vec![Side::Left, Side::Right, Side::Left, Side::Right],
            input_totals: Some((vec![0.0; 4], vec![100.0; 4])),
            ..Connectome::default()
        }
    }

    #[test]
    fn the_mean_decides_and_both_sides_must_exist() {
        let c = two_pairs(vec![(0, 2, 5.0), (1, 3, 1.0), (1, 2, 9.0)]);
        let mean = strong_edges(&c, "ad", Threshold::Fraction(0.03), PairRule::Mean).unwrap();
        assert_eq!(mean.split.len(), 2);
        assert!(mean.split.iter().all(|e| e.course == Course::Ipsilateral));
        let strict = strong_edges(&c, "ad", Threshold::Fraction(0.03), PairRule::Strict).unwrap();
        assert!(strict.split.is_empty());
        let plain = strong_edges(&c, "ad", Threshold::Synapses(5.0), PairRule::None).unwrap();
        assert_eq!(plain.split.len(), 2);
    }

    #[test]
    fn a_zero_total_gives_no_strong_edge() {
        let mut c = two_pairs(vec![(0, 2, 5.0), (1, 3, 5.0)]);
        c.input_totals = Some((vec![0.0; 4], vec![0.0; 4]));
        assert!(
            strong_edges(&c, "ad", Threshold::Fraction(0.01), PairRule::Mean)
                .unwrap()
                .split
                .is_empty()
        );
        c.validate().unwrap();
        assert_eq!(c.warnings.len(), 1);
    }
}
