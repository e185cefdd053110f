//! Figures of neuron types: tree with class composition, sorted adjacency, stability.

use super::{Drawn, figure, table};
use crate::bilateral::JointEmbedding;
use crate::graph::Csr;
use crate::types::Types;
use crate::types::evaluation::LevelWorth;
use crate::types::stability::Stability;
use neuropil_draw::{Boxes, Color, Heat, Mark, Panel, Series};
use std::collections::BTreeMap;

/// Classes that have a colour of their own.
const NAMED: usize = 7;
/// Colours of the classes, and of the others.
const COLORS: [Color; NAMED + 1] = [
    Color::Blue,
    Color::Vermillion,
    Color::Green,
    Color::Purple,
    Color::Orange,
    Color::Sky,
    Color::Yellow,
    Color::Grey,
];
/// Cells on a side of a binned adjacency matrix.
const CELLS: usize = 400;

/// The tree of clusters down to a level: width by size, the leaves coloured by class.
pub fn tree(neurons: &[usize], types: &Types, level: usize, class: &[String]) -> Drawn {
    let n = neurons.len();
    let labels = &types.levels[level];
    // Leaves from left to right; a cluster of any level is a run of leaves.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| labels[i]);
    let mut place = vec![0; n];
    order.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let depth = level + 1;
    let mut nodes = Vec::new();
    let mut links = Vec::new();
    let mut parents: BTreeMap<usize, (f64, f64)> = BTreeMap::from([(0, (0.0, n as f64))]);
    let mut parent_of = vec![0usize; n];
    let height = |l: usize| (depth - l) as f64;
    nodes.push([0.0, n as f64, height(0) - 0.06, height(0) + 0.06]);
    for l in 0..depth {
        let mut own: BTreeMap<usize, (f64, f64, usize)> = BTreeMap::new();
        for i in 0..n {
            let at = place[i] as f64;
            let entry = own
                .entry(types.levels[l][i])
                .or_insert((at, at + 1.0, parent_of[i]));
            *entry = (entry.0.min(at), entry.1.max(at + 1.0), entry.2);
        }
        let gap = 0.12 * n as f64 / 200.0;
        for (from, to, parent) in own.values() {
            nodes.push([from + gap, to - gap, height(l + 1) - 0.06, height(l + 1) + 0.06]);
            let (a, b) = (parents[parent], (from + to) / 2.0);
            let up = f64::midpoint(a.0, a.1);
            let thin = n as f64 / 3000.0;
            links.push([b - thin, b + thin, height(l + 1), height(l) - 0.5]);
            links.push([
                up.min(b) - thin,
                up.max(b) + thin,
                height(l) - 0.515,
                height(l) - 0.485,
            ]);
            links.push([up - thin, up + thin, height(l) - 0.5, height(l)]);
        }
        parents = own.iter().map(|(&c, e)| (c, (e.0, e.1))).collect();
        parent_of.clone_from(&types.levels[l]);
    }
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    neurons
        .iter()
        .for_each(|&i| *sizes.entry(class[i].as_str()).or_insert(0) += 1);
    let mut sorted: Vec<(&str, usize)> = sizes.into_iter().filter(|(name, _)| !name.is_empty()).collect();
    sorted.sort_by_key(|c| (std::cmp::Reverse(c.1), c.0));
    let named: Vec<&str> = sorted.iter().take(NAMED).map(|c| c.0).collect();
    let color_of = |i: usize| {
        named
            .iter()
            .position(|name| *name == class[neurons[i]])
            .unwrap_or(NAMED)
    };
    let mut strips: Vec<Vec<[f64; 4]>> = vec![Vec::new(); NAMED + 1];
    let mut rows = Vec::new();
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..n).for_each(|i| clusters.entry(labels[i]).or_default().push(i));
    let mut from = 0.0;
    for (cluster, members) in &clusters {
        let width = members.len() as f64;
        let mut low = -1.15;
        let mut counts = [0usize; NAMED + 1];
        members.iter().for_each(|&i| counts[color_of(i)] += 1);
        for (k, &count) in counts.iter().enumerate().filter(|c| *c.1 > 0) {
            let high = low + count as f64 / width;
            strips[k].push([from, from + width, low, high]);
            low = high;
        }
        from += width;
        let mut own: BTreeMap<&str, usize> = BTreeMap::new();
        members
            .iter()
            .for_each(|&i| *own.entry(class[neurons[i]].as_str()).or_insert(0) += 1);
        for (name, count) in own {
            let name = if name.is_empty() { "none" } else { name };
            rows.push(vec![
                cluster.to_string(),
                members.len().to_string(),
                name.to_owned(),
                count.to_string(),
            ]);
        }
    }
    let levels: Vec<(f64, String)> = (0..=depth).map(|l| (height(l), l.to_string())).collect();
    let mut panel = Panel::new("Neurons", "Level")
        .y_ticks(levels)
        .y_range(-1.25, depth as f64 + 0.2)
        .x_range(0.0, n as f64)
        .boxes(Boxes {
            label: None,
            color: Color::Grey,
            at: links,
        })
        .boxes(Boxes {
            label: None,
            color: Color::Black,
            at: nodes,
        })
        .size(820.0, 420.0);
    for (k, at) in strips.into_iter().enumerate().filter(|s| !s.1.is_empty()) {
        panel = panel.boxes(Boxes {
            label: Some(named.get(k).map_or("other", |name| name).to_owned()),
            color: COLORS[k],
            at,
        });
    }
    let title = format!("{} types at level {depth}", clusters.len());
    let caption = format!(
        "Tree of {n} neurons: the width of a bar is the number of neurons in a cluster; below, the classes of the members of \
         each type at level {depth}."
    );
    (
        figure("type-tree", title, caption, vec![panel]),
        table("type-tree", &["type", "neurons", "class", "members"], rows),
    )
}

/// Mean of ln(1 + weight) in bins of the matrix sorted by `order`.
fn binned(graph: &Csr, order: &[usize]) -> Vec<Vec<f64>> {
    let sorted = graph.induced(order);
    let n = order.len().max(1);
    let cells = CELLS.min(n);
    let mut sums = vec![vec![0.0; cells]; cells];
    for (i, j, w) in sorted.edges() {
        sums[i * cells / n][j * cells / n] += w;
    }
    let area = (n as f64 / cells as f64).powi(2);
    for row in &mut sums {
        // What is not connected is left empty: dots on a dark square print badly.
        let stretched = |s: f64| {
            if s > 0.0 {
                (1.0 + 20.0 * s / area).ln()
            } else {
                f64::NAN
            }
        };
        row.iter_mut().for_each(|s| *s = stretched(*s));
    }
    sums
}

/// A sorted adjacency matrix.
fn adjacency(graph: &Csr, order: &[usize], note: &str, axis: &str) -> Panel {
    let n = order.len() as f64;
    Panel::new(format!("Target, {axis}"), format!("Source, {axis}"))
        .x_range(0.0, n)
        .y_range(n, 0.0)
        .note(note)
        .heat(Heat {
            values: binned(graph, order),
            x: (0.0, n),
            y: (0.0, n),
            signed: false,
            limits: None,
            label: "ln(1 + 20 × synapses per pair)".to_owned(),
        })
        .size(440.0, 380.0)
}

/// Every layer in one order.
pub fn adjacency_by_layer(layers: &[(String, Csr)], order: &[usize]) -> Drawn {
    let panels = layers
        .iter()
        .map(|(name, graph)| adjacency(graph, order, name, "by signal flow"))
        .collect();
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(k, &i)| (i, k)).collect();
    let tenth = |i: usize| place.get(&i).map(|k| 10 * k / order.len().max(1));
    let mut rows = Vec::new();
    for (name, graph) in layers {
        let mut sums = vec![vec![0.0; 10]; 10];
        for (i, j, w) in graph.edges() {
            if let (Some(a), Some(b)) = (tenth(i), tenth(j)) {
                sums[a][b] += w;
            }
        }
        for (a, row) in sums.iter().enumerate() {
            let mut cells = vec![name.clone(), (a + 1).to_string()];
            cells.extend(row.iter().map(ToString::to_string));
            rows.push(cells);
        }
    }
    let mut headers = vec!["layer".to_owned(), "source tenth".to_owned()];
    headers.extend((1..=10).map(|k| format!("to tenth {k}")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let caption = format!(
        "Adjacency of {} neurons in the order of signal flow, sensory first, one panel per edge type; the table has the \
         synapses between tenths of that order.",
        order.len()
    );
    let title = "Adjacency by edge type".to_owned();
    (
        figure("adjacency", title, caption, panels),
        table("adjacency", &headers, rows),
    )
}

/// The summed adjacency sorted by type, and the mean weight from type to type.
pub fn sorted_adjacency(graph: &Csr, neurons: &[usize], labels: &[usize], flow: &[f64]) -> Drawn {
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    labels
        .iter()
        .zip(neurons)
        .for_each(|(&c, &i)| clusters.entry(c).or_default().push(i));
    let mean = |members: &[usize]| members.iter().map(|&i| flow[i]).sum::<f64>() / members.len() as f64;
    let mut sorted: Vec<(f64, usize, Vec<usize>)> = clusters
        .into_iter()
        .map(|(c, members)| (mean(&members), c, members))
        .collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let order: Vec<usize> = sorted.iter().flat_map(|s| s.2.clone()).collect();
    let k = sorted.len();
    let mut block_of = vec![usize::MAX; graph.n()];
    for (b, (_, _, members)) in sorted.iter().enumerate() {
        members.iter().for_each(|&i| block_of[i] = b);
    }
    let mut sums = vec![vec![0.0; k]; k];
    for (i, j, w) in graph.edges() {
        if block_of[i] < k && block_of[j] < k {
            sums[block_of[i]][block_of[j]] += w;
        }
    }
    for (a, row) in sums.iter_mut().enumerate() {
        for (b, sum) in row.iter_mut().enumerate() {
            *sum /= (sorted[a].2.len() * sorted[b].2.len()) as f64;
        }
    }
    let rows = sums
        .iter()
        .enumerate()
        .map(|(a, row)| {
            let mut cells = vec![sorted[a].1.to_string()];
            cells.extend(row.iter().map(|v| format!("{v:.5}")));
            cells
        })
        .collect();
    let mut headers = vec!["type".to_owned()];
    headers.extend(sorted.iter().map(|s| format!("to {}", s.1)));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let stretched = sums
        .iter()
        .map(|row| row.iter().map(|v| (1.0 + 20.0 * v).ln()).collect())
        .collect();
    let side = k as f64;
    let blocks = Panel::new("Target type, early to late", "Source type, early to late")
        .x_range(0.0, side)
        .y_range(side, 0.0)
        .heat(Heat {
            values: stretched,
            x: (0.0, side),
            y: (0.0, side),
            signed: false,
            limits: None,
            label: "ln(1 + 20 × synapses per pair)".to_owned(),
        })
        .size(440.0, 380.0);
    let title = format!("{k} types in the order of signal flow");
    let caption = format!(
        "Summed adjacency of {} neurons sorted by type, types in the order of their mean signal flow (a); mean synapses per \
         ordered pair of neurons from type to type (b).",
        order.len()
    );
    (
        figure(
            "type-adjacency",
            title,
            caption,
            vec![adjacency(graph, &order, "", "by type"), blocks],
        ),
        table("type-adjacency", &headers, rows),
    )
}

/// The first dimensions of the embedding, homologues joined by lines.
pub fn pair_plots(joint: &JointEmbedding, pairs: &[(usize, usize)]) -> Drawn {
    let (d, n) = (joint.dimensions, joint.neurons.len());
    let at = |i: usize, c: usize| joint.positions[i * d + c];
    let shown = d.min(3);
    let mut panels = Vec::new();
    for a in 0..shown {
        for b in a + 1..shown {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            for &(l, r) in pairs {
                x.extend([at(l, a), at(r, a), f64::NAN]);
                y.extend([at(l, b), at(r, b), f64::NAN]);
            }
            let points = |from: usize, to: usize| -> (Vec<f64>, Vec<f64>) {
                (from..to).map(|i| (at(i, a), at(i, b))).unzip()
            };
            let ((lx, ly), (rx, ry)) = (points(0, joint.n_left), points(joint.n_left, n));
            panels.push(
                Panel::new(format!("Dimension {}", a + 1), format!("Dimension {}", b + 1))
                    .series(Series::line(x, y).color(Color::Grey))
                    .series(Series::points(lx, ly).label("left"))
                    .series(
                        Series::points(rx, ry)
                            .mark(Mark::OpenPoints)
                            .color(Color::Vermillion)
                            .label("right"),
                    ),
            );
        }
    }
    let distance = |l: usize, r: usize| (0..d).map(|c| (at(l, c) - at(r, c)).powi(2)).sum::<f64>();
    let nearest = pairs
        .iter()
        .filter(|&&(l, r)| (joint.n_left..n).all(|j| j == r || distance(l, j) > distance(l, r)))
        .count();
    let share = 100.0 * nearest as f64 / pairs.len().max(1) as f64;
    let rows = (0..n)
        .map(|i| {
            let mut row = vec![joint.neurons[i].to_string()];
            row.extend((0..shown).map(|c| format!("{:.6}", at(i, c))));
            row
        })
        .collect();
    let mut headers = vec!["index".to_owned()];
    headers.extend((1..=shown).map(|c| format!("dimension {c}")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let title = format!(
        "For {share:.0} % of {} left neurons the homologue is the nearest right neuron",
        pairs.len()
    );
    let caption = format!(
        "First {shown} of {d} dimensions of the joint embedding of {n} neurons; lines join homologues. Nearness counts all \
         dimensions."
    );
    (
        figure("type-pairs", title, caption, panels),
        table("type-pairs", &headers, rows),
    )
}

/// Agreement of types over seeds.
pub fn stable(found: &Stability) -> Drawn {
    let x: Vec<f64> = found.levels.iter().map(|l| l.level as f64).collect();
    let of = |f: fn(&crate::types::stability::LevelStability) -> f64| {
        found.levels.iter().map(f).collect::<Vec<f64>>()
    };
    let agreement = Panel::new("Level", "Agreement of two results")
        .y_range(0.0, 1.0)
        .series(
            Series::line(x.clone(), of(|l| l.rand))
                .mark(Mark::LineAndPoints)
                .label("adjusted Rand, single seeds"),
        )
        .series(
            Series::line(x.clone(), of(|l| l.information))
                .mark(Mark::LineAndPoints)
                .color(Color::Green)
                .label("adjusted information, single seeds"),
        )
        .series(
            Series::line(x.clone(), of(|l| l.consensus_rand))
                .mark(Mark::LineAndPoints)
                .color(Color::Vermillion)
                .label("adjusted Rand, consensus of half the seeds"),
        );
    let range = |l: &crate::types::stability::LevelStability| {
        let low = l.clusters.iter().min().copied().unwrap_or(0);
        (low as f64, l.clusters.iter().max().copied().unwrap_or(0) as f64)
    };
    let counts = Panel::new("Level", "Clusters").series(
        Series::line(
            x,
            found
                .consensus
                .counts
                .iter()
                .map(|&c| c as f64)
                .collect::<Vec<_>>(),
        )
        .mark(Mark::LineAndPoints)
        .error(found.levels.iter().map(range).collect::<Vec<_>>()),
    );
    let rows = found
        .levels
        .iter()
        .zip(&found.consensus.counts)
        .map(|(l, c)| {
            let (low, high) = range(l);
            vec![
                l.level.to_string(),
                c.to_string(),
                format!("{low}–{high}"),
                format!("{:.4}", l.rand),
                format!("{:.4}", l.information),
                format!("{:.4}", l.consensus_rand),
            ]
        })
        .collect();
    let title = found.levels.last().map_or_else(String::new, |l| {
        format!(
            "At level {} two seeds agree to {:.2}, two consensus results to {:.2}",
            l.level, l.rand, l.consensus_rand
        )
    });
    let caption = format!(
        "Agreement of types between {} seeds, and between the consensus of the first and of the second half of them (a); \
         clusters of the consensus and their range over seeds (b).",
        found.seeds.len()
    );
    let headers = [
        "level",
        "consensus clusters",
        "clusters",
        "Rand",
        "information",
        "consensus Rand",
    ];
    (
        figure("type-stability", title, caption, vec![agreement, counts]),
        table("type-stability", &headers, rows),
    )
}

/// Pairs in one cluster, and block models on the other side.
pub fn worth(levels: &[LevelWorth]) -> Drawn {
    let x: Vec<f64> = levels.iter().map(|l| l.level as f64).collect();
    let of = |f: fn(&LevelWorth) -> f64| levels.iter().map(f).collect::<Vec<f64>>();
    let together = Panel::new("Level", "Pairs in one cluster (%)")
        .y_range(0.0, 100.0)
        .series(
            Series::line(x.clone(), of(|l| 100.0 * l.pairs_together.observed))
                .mark(Mark::LineAndPoints)
                .label("types"),
        )
        .series(
            Series::line(x.clone(), of(|l| 100.0 * l.pairs_together.mean))
                .mark(Mark::Dashed)
                .color(Color::Grey)
                .label("shuffled labels"),
        );
    let models = [
        (
            "block model, left",
            Color::Blue,
            Mark::LineAndPoints,
            (|l| l.block_model.0) as fn(&LevelWorth) -> f64,
        ),
        ("block model, right", Color::Blue, Mark::Dashed, |l| {
            l.block_model.1
        }),
        (
            "degree-corrected, left",
            Color::Vermillion,
            Mark::LineAndPoints,
            |l| l.degree_corrected.0,
        ),
        ("degree-corrected, right", Color::Vermillion, Mark::Dashed, |l| {
            l.degree_corrected.1
        }),
    ];
    let mut likelihood = Panel::new("Level", "Log-likelihood per edge (nat)");
    for (label, color, mark, value) in models {
        likelihood = likelihood.series(
            Series::line(x.clone(), of(value))
                .mark(mark)
                .color(color)
                .label(label),
        );
    }
    let rows = levels
        .iter()
        .map(|l| {
            let mut row = vec![l.level.to_string(), l.clusters.to_string()];
            row.extend(
                [
                    l.pairs_together.observed,
                    l.pairs_together.mean,
                    l.block_model.0,
                    l.block_model.1,
                    l.degree_corrected.0,
                    l.degree_corrected.1,
                ]
                .map(|v| format!("{v:.4}")),
            );
            row
        })
        .collect();
    let best = levels
        .iter()
        .max_by(|a, b| a.block_model.1.total_cmp(&b.block_model.1));
    let tied = |l: &&LevelWorth| best.is_some_and(|best| best.block_model.1 == l.block_model.1);
    let title = match (best, levels.iter().filter(tied).count()) {
        (Some(l), 1) if levels.len() > 1 && l.block_model.1.is_finite() => {
            format!("Level {} predicts the edges of the other side best", l.level)
        }
        _ => "How well each level predicts the edges of the other side".to_owned(),
    };
    let caption = "Pairs of homologues in one cluster, positions not averaged over pairs (a); Poisson log-likelihood per edge of \
                   block models fitted on the left side, on the left and on the right (b).";
    let headers = [
        "level",
        "clusters",
        "pairs together",
        "shuffled",
        "block model left",
        "block model right",
        "degree-corrected left",
        "degree-corrected right",
    ];
    (
        figure(
            "type-worth",
            title,
            caption.to_owned(),
            vec![together, likelihood],
        ),
        table("type-worth", &headers, rows),
    )
}
