//! The two sides of the brain: laterality, connection probabilities, loops through the homologue, and signals of one
//! side alone (Winding et al. 2023, Fig. 4).

pub mod excision;

use crate::cascade::{Cascade, Settings, cascades, output_stops};
use crate::data::{Connectome, Side};
use crate::error::DataError;
use crate::graph::Csr;
use crate::paths::UnitGraph;
use crate::paths::loops::loops;
use crate::threshold::{Course, StrongEdges};
use serde::Serialize;

/// Where the axon of a neuron ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Laterality {
    /// On its own side.
    Ipsilateral,
    /// On both.
    Bilateral,
    /// On the other.
    Contralateral,
}

impl Laterality {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Ipsilateral, Self::Bilateral, Self::Contralateral];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipsilateral => "ipsilateral",
            Self::Bilateral => "bilateral",
            Self::Contralateral => "contralateral",
        }
    }
}

/// Laterality and functional side of every neuron.
#[derive(Clone, Debug, PartialEq)]
pub struct Lateralised {
    /// `None`: not known.
    pub class: Vec<Option<Laterality>>,
    /// Side where the neuron works: neurons whose whole arbour lies across the midline are flipped.
    pub side: Vec<Side>,
    /// The table has no `axon_lat`: classes follow from the strong edges.
    pub derived: bool,
}

/// Shares of contralateral targets up to which an axon counts as ipsilateral, and from which as contralateral, where
/// the neuron table does not say.
const DERIVED: (f64, f64) = (0.1, 0.9);

/// Laterality from the column `axon_lat` (`ipsi`, `bi`, `contra`), else from the share of strong edges that cross.
///
/// The side is `s1_side` where that column says one, else the side of the cell body. A neuron whose two sides differ
/// and whose axon is contralateral has its whole arbour on the other side and counts as ipsilateral there.
pub fn laterality(connectome: &Connectome, edges: &StrongEdges) -> Lateralised {
    let n = connectome.n();
    let soma = crate::bilateral::soma_sides(connectome);
    let published = connectome.texts("s1_side");
    let side: Vec<Side> = (0..n)
        .map(|i| match Side::parse(&published[i]) {
            Side::Centre => soma[i],
            side => side,
        })
        .collect();
    let derived = connectome.neurons.column("axon_lat").is_none();
    let class = if derived {
        let (mut all, mut across) = (vec![0.0; n], vec![0.0; n]);
        for edge in edges.split.iter().filter(|e| e.course != Course::Centre) {
            all[edge.pre] += 1.0;
            across[edge.pre] += f64::from(u8::from(edge.course == Course::Contralateral));
        }
        let of = |i: usize| match across[i] / all[i] {
            share if share <= DERIVED.0 => Some(Laterality::Ipsilateral),
            share if share >= DERIVED.1 => Some(Laterality::Contralateral),
            share if share.is_finite() => Some(Laterality::Bilateral),
            _ => None,
        };
        (0..n).map(of).collect()
    } else {
        let texts = connectome.texts("axon_lat");
        let of = |i: usize| match texts[i].trim() {
            "ipsi" | "ipsilateral" => Some(Laterality::Ipsilateral),
            "bi" | "bilateral" => Some(Laterality::Bilateral),
            "contra" | "contralateral" if side[i] != soma[i] => Some(Laterality::Ipsilateral),
            "contra" | "contralateral" => Some(Laterality::Contralateral),
            _ => None,
        };
        (0..n).map(of).collect()
    };
    Lateralised { class, side, derived }
}

/// Neurons of one laterality on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Laterality.
    pub class: Laterality,
    /// Side.
    pub side: Side,
    /// Neurons, ascending.
    #[serde(skip)]
    pub members: Vec<usize>,
    /// Their number.
    pub n: usize,
}

/// Loops of two and three edges through the homologue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartnerLoops {
    /// Laterality of the left member.
    pub class: Laterality,
    /// Pairs whose members both have a strong edge.
    pub pairs: usize,
    /// Share of the pairs whose members are joined both ways.
    pub partner_2: f64,
    /// Share of left neurons and right neurons of other pairs that are joined both ways.
    pub other_2: f64,
    /// Share of the pairs with a loop of three edges through both members.
    pub partner_3: f64,
}

/// Laterality, connection probability and loops of the strong edges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hemispheres {
    /// Ipsilateral, bilateral, contralateral on the left, then contralateral, bilateral, ipsilateral on the right.
    pub groups: Vec<Group>,
    /// Neurons that are on neither side or whose laterality is not known.
    pub left_out: usize,
    /// Share of the neurons of known laterality whose axon crosses.
    pub crossing: f64,
    /// Share of ordered pairs of neurons (diagonal included) with a strong edge: from (rows) to (columns) each group.
    pub probability: Vec<Vec<f64>>,
    /// Loops through the homologue.
    pub partner_loops: Vec<PartnerLoops>,
    /// Share of the units of each laterality with a loop of 1, 2, 3 edges: back to the same side, to the partner.
    pub loops: Vec<(Laterality, [f64; 3], [f64; 3])>,
    /// Laterality was derived from the edges.
    pub derived: bool,
}

/// Neurons of the brain: `brain_neurons` where the table has it, else all but inputs.
fn in_brain(connectome: &Connectome) -> Vec<bool> {
    let io = connectome.texts("io");
    match connectome.neurons.column("brain_neurons") {
        Some(flags) => flags.iter().map(|f| f == "1").collect(),
        None => io.iter().map(|kind| kind != "input").collect(),
    }
}

/// Compares the sides over strong edges.
///
/// # Errors
/// No neuron has a side.
pub fn hemispheres(connectome: &Connectome, edges: &StrongEdges) -> Result<Hemispheres, DataError> {
    use Laterality::{Bilateral, Contralateral, Ipsilateral};
    let graph = edges.graph(connectome.n());
    let lateral = laterality(connectome, edges);
    let brain = in_brain(connectome);
    let order = [
        (Ipsilateral, Side::Left),
        (Bilateral, Side::Left),
        (Contralateral, Side::Left),
        (Contralateral, Side::Right),
        (Bilateral, Side::Right),
        (Ipsilateral, Side::Right),
    ];
    let groups: Vec<Group> = order
        .into_iter()
        .map(|(class, side)| {
            let own = |&i: &usize| brain[i] && lateral.class[i] == Some(class) && lateral.side[i] == side;
            let members: Vec<usize> = (0..connectome.n()).filter(own).collect();
            let n = members.len();
            Group {
                class,
                side,
                members,
                n,
            }
        })
        .collect();
    let sided: usize = groups.iter().map(|g| g.n).sum();
    if sided == 0 {
        let told = connectome.sides.iter().any(|side| *side != Side::Centre);
        return Err(if told {
            DataError::question(
                "no neuron with a side has a strong edge within the brain",
                "`--threshold` says what a strong edge is",
            )
        } else {
            DataError::question(
                "no neuron of this connectome has a side",
                "the neuron table needs a column `hemisphere` with L and R",
            )
        });
    }
    let crossing: usize = groups
        .iter()
        .filter(|g| g.class != Ipsilateral)
        .map(|g| g.n)
        .sum();
    Ok(Hemispheres {
        left_out: brain.iter().filter(|b| **b).count() - sided,
        crossing: crossing as f64 / sided as f64,
        probability: connection_probability(&graph, &groups),
        partner_loops: Laterality::ALL
            .map(|class| partner_loops(connectome, &graph, &lateral, &brain, class))
            .to_vec(),
        loops: unit_loops(connectome, edges, &lateral, &brain),
        derived: lateral.derived,
        groups,
    })
}

/// Share of ordered pairs with an edge, from each group to each, the diagonal included.
pub fn connection_probability(graph: &Csr, groups: &[Group]) -> Vec<Vec<f64>> {
    let mut group_of = vec![usize::MAX; graph.n()];
    for (k, group) in groups.iter().enumerate() {
        group.members.iter().for_each(|&i| group_of[i] = k);
    }
    let mut counts = vec![vec![0.0; groups.len()]; groups.len()];
    for (i, j, _) in graph.edges() {
        if group_of[i] != usize::MAX && group_of[j] != usize::MAX {
            counts[group_of[i]][group_of[j]] += 1.0;
        }
    }
    for (k, row) in counts.iter_mut().enumerate() {
        for (l, count) in row.iter_mut().enumerate() {
            let cells = (groups[k].n * groups[l].n) as f64;
            *count = if cells > 0.0 { *count / cells } else { 0.0 };
        }
    }
    counts
}

fn partner_loops(
    connectome: &Connectome,
    graph: &Csr,
    lateral: &Lateralised,
    brain: &[bool],
    class: Laterality,
) -> PartnerLoops {
    let (into, out) = graph.degrees();
    let joined = |i: usize| brain[i] && into[i] + out[i] > 0;
    let left = |i: usize| lateral.class[i] == Some(class) && lateral.side[i] == Side::Left;
    let pairs: Vec<(usize, usize)> = connectome
        .pairs
        .iter()
        .map(|&(l, r)| {
            if lateral.side[l] == Side::Right {
                (r, l)
            } else {
                (l, r)
            }
        })
        .filter(|&(l, r)| left(l) && lateral.side[r] == Side::Right && joined(l) && joined(r))
        .collect();
    let edge = |i: usize, j: usize| graph.weight(i, j) != 0.0;
    let mutual = |i: usize, j: usize| edge(i, j) && edge(j, i);
    // i → j and back through one neuron, or the other way round.
    let three = |i: usize, j: usize| {
        let via = |i: usize, j: usize| graph.row(i).any(|(k, _)| k != i && k != j && edge(k, j));
        (edge(i, j) && via(j, i)) || (edge(j, i) && via(i, j))
    };
    let share = |count: usize, of: usize| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let n = pairs.len();
    let others = pairs.iter().enumerate().map(|(k, &(l, _))| {
        let right = pairs.iter().enumerate().filter(|(m, _)| *m != k);
        right.filter(|(_, p)| mutual(l, p.1)).count()
    });
    PartnerLoops {
        class,
        pairs: n,
        partner_2: share(pairs.iter().filter(|p| mutual(p.0, p.1)).count(), n),
        other_2: share(others.sum(), n * n.saturating_sub(1)),
        partner_3: share(pairs.iter().filter(|p| three(p.0, p.1)).count(), n),
    }
}

fn unit_loops(
    connectome: &Connectome,
    edges: &StrongEdges,
    lateral: &Lateralised,
    brain: &[bool],
) -> Vec<(Laterality, [f64; 3], [f64; 3])> {
    let units = UnitGraph::new(connectome, edges);
    let found = loops(&units, 3);
    Laterality::ALL
        .into_iter()
        .map(|class| {
            let own = |u: &&usize| {
                let first = units.units[**u][0];
                brain[first] && lateral.class[first] == Some(class)
            };
            let all: Vec<usize> = (0..units.n()).collect();
            let members: Vec<usize> = all.iter().filter(own).copied().collect();
            let share = |has: &dyn Fn(usize) -> bool| {
                members.iter().filter(|&&u| has(u)).count() as f64 / members.len().max(1) as f64
            };
            let same = [0, 1, 2].map(|k| share(&|u| found[u].own[k] > 0));
            let pair = [0, 1, 2].map(|k| share(&|u| found[u].pair[k] > 0));
            (class, same, pair)
        })
        .collect()
}

/// How far the signals of the left and of the right inputs alone spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OneSided {
    /// Inputs that were used: left, right.
    pub sources: (usize, usize),
    /// Inputs left out because their axons end on both sides or their side is not known.
    pub left_out: usize,
    /// Class and side → neurons reached within 0, 1, … hops by the left inputs, by the right ones, by both.
    pub groups: Vec<(Laterality, Side, Vec<[usize; 3]>)>,
    /// Neurons reached by both sides / by either, within 0, 1, … hops.
    pub both: Vec<f64>,
    /// Output pairs: left member, and what arrives at the left member less what arrives at the right one when the
    /// left inputs fire and, mirrored, the right inputs: fraction of runs.
    #[serde(skip)]
    pub bias: Vec<(usize, f64)>,
    /// Runs and seed.
    pub runs: (usize, u64),
}

/// Cascades from the inputs of one side at a time; a neuron counts when at least half of the runs reach it.
///
/// Inputs whose axons end on the other side count there; bilateral ones are left out.
///
/// # Errors
/// No inputs on one of the sides, or settings that cannot run.
pub fn one_sided(
    connectome: &Connectome,
    layer: &str,
    edges: &StrongEdges,
    settings: &Settings,
) -> Result<OneSided, DataError> {
    let lateral = laterality(connectome, edges);
    let inputs = connectome.members("io", "input");
    let side_of = |i: usize| match (lateral.side[i], lateral.class[i]) {
        (Side::Centre, _) | (_, Some(Laterality::Bilateral)) => None,
        (Side::Left, Some(Laterality::Contralateral)) => Some(Side::Right),
        (Side::Right, Some(Laterality::Contralateral)) => Some(Side::Left),
        (side, _) => Some(side),
    };
    let of = |side: Side| -> Vec<usize> {
        inputs
            .iter()
            .copied()
            .filter(|&i| side_of(i) == Some(side))
            .collect()
    };
    let sets = [of(Side::Left), of(Side::Right)];
    if sets.iter().any(Vec::is_empty) {
        return Err(DataError::question(
            format!("{} left and {} right inputs", sets[0].len(), sets[1].len()),
            "the neuron table needs `io` = `input` and sides on both hemispheres",
        ));
    }
    let graph = connectome.layer(layer)?;
    let stop = output_stops(connectome);
    let keep = |_: usize, c: &Cascade| c.clone();
    let drawn = cascades(&graph, &sets, |_| stop.clone(), settings, keep)?;
    let brain = in_brain(connectome);
    let reached = |side: usize, i: usize, h: usize| 2 * drawn[side].reached(i, h) as usize >= settings.runs;
    let counts = |members: &[usize]| -> Vec<[usize; 3]> {
        (0..=settings.max_hops)
            .map(|h| {
                members.iter().fold([0; 3], |[l, r, b], &i| {
                    let (left, right) = (reached(0, i, h), reached(1, i, h));
                    [
                        l + usize::from(left),
                        r + usize::from(right),
                        b + usize::from(left && right),
                    ]
                })
            })
            .collect()
    };
    let mut groups = Vec::new();
    for class in Laterality::ALL {
        for side in [Side::Left, Side::Right] {
            let own = |&i: &usize| brain[i] && lateral.class[i] == Some(class) && lateral.side[i] == side;
            let members: Vec<usize> = (0..connectome.n()).filter(own).collect();
            groups.push((class, side, counts(&members)));
        }
    }
    let all: Vec<usize> = (0..connectome.n()).filter(|&i| brain[i]).collect();
    let both = counts(&all).into_iter().map(|[l, r, b]| {
        if l + r > b {
            b as f64 / (l + r - b) as f64
        } else {
            0.0
        }
    });
    let io = connectome.texts("io");
    let fraction =
        |side: usize, i: usize| f64::from(drawn[side].reached(i, settings.max_hops)) / settings.runs as f64;
    let outputs = connectome.pairs.iter().filter(|p| io[p.0] == "output");
    let bias = outputs.map(|&(l, r)| {
        let left = fraction(0, l) - fraction(0, r);
        let right = fraction(1, r) - fraction(1, l);
        (l, f64::midpoint(left, right))
    });
    Ok(OneSided {
        sources: (sets[0].len(), sets[1].len()),
        left_out: inputs.len() - sets[0].len() - sets[1].len(),
        groups,
        both: both.collect(),
        bias: bias.collect(),
        runs: (settings.runs, settings.seed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{SimulateSettings, simulate};
    use crate::threshold::{PairRule, Threshold, strong_edges};

    #[test]
    fn midline_neurons_are_left_out_and_counted_and_groups_cover_the_rest() {
        let mut c = simulate(&SimulateSettings::default());
        let inner = c.members("io", "inter")[0];
        let mut sides = c.texts("hemisphere");
        sides[inner] = "C".to_owned();
        c.neurons.set("hemisphere", sides);
        c.neurons.columns.retain(|(name, _)| name != "axon_lat");
        let edges = strong_edges(&c, "ad", Threshold::Fraction(0.01), PairRule::Mean).unwrap();
        let found = hemispheres(&c, &edges).unwrap();
        assert!(found.derived && found.left_out >= 1);
        let grouped: usize = found.groups.iter().map(|g| g.n).sum();
        let brain = c.texts("io").iter().filter(|io| *io != "input").count();
        assert_eq!(grouped + found.left_out, brain);
        assert!(
            found
                .probability
                .iter()
                .flatten()
                .all(|p| (0.0..=1.0).contains(p))
        );
    }

    #[test]
    fn a_whole_arbour_across_the_midline_is_flipped() {
        let mut c = simulate(&SimulateSettings::default());
        let n = c.n();
        c.neurons.set("axon_lat", vec!["contra".to_owned(); n]);
        let mut flipped = c.texts("hemisphere");
        flipped[4] = "right".to_owned();
        c.neurons.set("s1_side", flipped);
        let lateral = laterality(&c, &StrongEdges::default());
        assert_eq!(
            (lateral.class[4], lateral.side[4]),
            (Some(Laterality::Ipsilateral), Side::Right)
        );
        assert_eq!(
            (lateral.class[6], lateral.side[6]),
            (Some(Laterality::Contralateral), Side::Left)
        );
    }

    #[test]
    fn mirrored_brains_have_no_bias_and_one_side_reaches_its_own_first() {
        let c = simulate(&SimulateSettings::default());
        let edges = strong_edges(&c, "ad", Threshold::Fraction(0.01), PairRule::Mean).unwrap();
        let found = one_sided(&c, "ad", &edges, &Settings::default()).unwrap();
        assert!(found.both.windows(2).skip(1).all(|w| w[1] >= w[0] - 0.2));
        let (left, right) = found
            .groups
            .iter()
            .fold((0, 0), |sum, (_, side, hops)| match side {
                Side::Left => (sum.0 + hops[1][0], sum.1),
                _ => (sum.0, sum.1 + hops[1][0]),
            });
        assert!(
            left > right,
            "{left} left and {right} right neurons at hop 1 of the left inputs"
        );
    }
}
