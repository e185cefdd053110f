//! Paths, motifs, null models, layers, influence.

use super::{Answer, finite, headers, ids, listed};
use crate::data::Connectome;
use crate::error::DataError;
use crate::figures::circuits as figures;
use crate::flow::{forward_fraction, order, signal_flow};
use crate::graph::{Csr, largest_component};
use crate::influence::{effective, influence};
use crate::layers::{Way, circuits};
use crate::motifs::{TRIADS, triad_census, zigzag};
use crate::nulls::{Against, Null, against, draws};
use crate::paths::loops::loops;
use crate::paths::{UnitGraph, count_paths, each_path, pathways, target_similarity};
use crate::threshold::{PairRule, Threshold, strong_edges};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Which edges are strong.
#[derive(Clone, Copy, Debug)]
pub struct Strong<'a> {
    /// Layer.
    pub layer: &'a str,
    /// Input fraction or synapses.
    pub threshold: Threshold,
    /// How pairs decide.
    pub rule: PairRule,
}

impl Strong<'_> {
    fn graph(&self, c: &Connectome) -> Result<Csr, DataError> {
        Ok(strong_edges(c, self.layer, self.threshold, self.rule)?.graph(c.n()))
    }
}

/// Which paths are counted.
#[derive(Clone, Debug)]
pub struct PathsQuestion<'a> {
    /// Edges.
    pub strong: Strong<'a>,
    /// Neurons where paths begin and end, and their names.
    pub ends: [(&'a str, &'a [usize]); 2],
    /// Longest path.
    pub cutoff: usize,
}

/// Simple paths by length and crossings, loops, shortest pathways and their similarity.
///
/// # Errors
/// Unknown layer, an empty end.
pub fn paths_answer(c: &Connectome, q: &PathsQuestion<'_>) -> Result<Answer, DataError> {
    let edges = strong_edges(c, q.strong.layer, q.strong.threshold, q.strong.rule)?;
    let graph = UnitGraph::new(c, &edges);
    let [(from, sources), (to, targets)] = q.ends;
    let (sources, targets) = (graph.units_of(sources), graph.units_of(targets));
    for (name, units) in [(from, &sources), (to, &targets)] {
        if units.is_empty() {
            return Err(DataError::question(
                format!("no neurons at the end `{name}` of the paths"),
                "name them with --from and --to, as `io=input` and `celltype=DN-VNC`",
            ));
        }
    }
    let counts = count_paths(&graph, &sources, &targets, q.cutoff);
    let cycles = loops(&graph, 3);
    let sum = |pick: &dyn Fn(&crate::paths::loops::Loops) -> &Vec<u64>| -> Vec<u64> {
        (0..3)
            .map(|k| cycles.iter().map(|l| pick(l)[k]).sum::<u64>())
            .collect()
    };
    // A cycle of k edges passes through k units.
    let own: Vec<u64> = sum(&|l| &l.own)
        .iter()
        .enumerate()
        .map(|(k, n)| n / (k as u64 + 1))
        .collect();
    let pair: Vec<u64> = sum(&|l| &l.pair)
        .iter()
        .enumerate()
        .map(|(k, n)| n / (k as u64 + 1))
        .collect();
    let shortest = pathways(&graph, &sources, &targets, q.cutoff);
    let mut by_length = vec![0usize; q.cutoff + 1];
    shortest.iter().for_each(|p| by_length[p.length] += 1);
    let (similar, matrix) = if targets.len() <= 600 {
        target_similarity(&shortest)
    } else {
        (Vec::new(), Vec::new())
    };
    let unit = |u: usize| Value::from(ids(c, &graph.units[u]));
    let mut through: Vec<usize> = (0..graph.n()).filter(|&u| counts.through[u] > 0).collect();
    through.sort_by_key(|&u| (std::cmp::Reverse(counts.through[u]), u));
    let class = c.texts("celltype");
    let rows = through
        .iter()
        .map(|&u| {
            let first = graph.units[u][0];
            vec![
                c.id_text(first),
                class[first].clone(),
                counts.through[u].to_string(),
            ]
        })
        .collect();
    let busy: Vec<Value> = through
        .iter()
        .map(|&u| json!({"ids": unit(u), "paths": counts.through[u]}))
        .collect();
    Ok(Answer {
        json: json!({"layer": q.strong.layer, "threshold": q.strong.threshold, "cutoff": q.cutoff,
            "n_units": graph.n(), "n_edges": graph.n_edges(), "n_sources": sources.len(), "n_targets": targets.len(),
            "paths": counts.paths, "by_length": counts.by_length, "by_crossings": counts.by_crossings,
            "cycles_even_crossings": own, "cycles_odd_crossings": pair, "shortest_pairs_by_length": by_length,
            "similarity_order": similar.iter().map(|&u| unit(u)).collect::<Vec<_>>(), "similarity": matrix,
            "through": busy}),
        summary: vec![
            format!(
                "{} simple paths of at most {} edges from {} to {} units over {} edges",
                counts.paths,
                q.cutoff,
                sources.len(),
                targets.len(),
                graph.n_edges()
            ),
            format!(
                "by length: {}",
                counts.by_length[1..]
                    .iter()
                    .map(u64::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            format!(
                "simple cycles of 1, 2, 3 edges: {own:?} back to the same side, {pair:?} to the homologue"
            ),
        ],
        headers: headers(&["unit", "class", "paths through it"]),
        rows,
        figures: vec![figures::path_counts(&counts, from, to)],
    })
}

/// Writes every path to a file, one a line: number of contralateral edges, then the units (their first neuron) in
/// order; packed when the name ends in `.gz`. The file appears when it is whole. The number of paths.
///
/// # Errors
/// Unknown layer, a file that cannot be written.
pub fn list_paths(c: &Connectome, q: &PathsQuestion<'_>, file: &Path) -> Result<u64, DataError> {
    let edges = strong_edges(c, q.strong.layer, q.strong.threshold, q.strong.rule)?;
    let graph = UnitGraph::new(c, &edges);
    let (sources, targets) = (graph.units_of(q.ends[0].1), graph.units_of(q.ends[1].1));
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let failed = |doing| DataError::io(file, doing);
    let plain = BufWriter::new(std::fs::File::create(&part).map_err(failed("write"))?);
    let packed = file.extension().is_some_and(|e| e == "gz");
    let mut out: Box<dyn Write> = if packed {
        Box::new(flate2::write::GzEncoder::new(plain, flate2::Compression::fast()))
    } else {
        Box::new(plain)
    };
    let (mut written, mut result) = (0, writeln!(out, "crossings,units"));
    each_path(&graph, &sources, &targets, q.cutoff, |path, crossings| {
        if result.is_ok() {
            let names: Vec<String> = path
                .iter()
                .map(|&u| c.id_text(graph.units[u as usize][0]))
                .collect();
            result = writeln!(out, "{crossings},{}", names.join(" "));
            written += 1;
        }
    });
    result.and_then(|()| out.flush()).map_err(failed("write"))?;
    drop(out);
    std::fs::rename(&part, file).map_err(failed("write"))?;
    Ok(written)
}

/// Random graphs that a statistic is set beside.
#[derive(Clone, Copy, Debug)]
pub struct NullQuestion<'a> {
    /// What they keep.
    pub null: Null,
    /// Their number.
    pub count: usize,
    /// Seed.
    pub seed: u64,
    /// Column with the blocks.
    pub column: &'a str,
}

impl NullQuestion<'_> {
    fn draws(&self, c: &Connectome, graph: &Csr) -> Result<(Vec<Csr>, f64), DataError> {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let texts = c.texts(self.column);
        let blocks: Vec<usize> = texts
            .into_iter()
            .map(|text| {
                let next = names.len();
                *names.entry(text).or_insert(next)
            })
            .collect();
        if names.len() < 2 && matches!(self.null, Null::Block | Null::DegreeBlock) {
            return Err(DataError::question(
                format!("column `{}` has one block for all neurons", self.column),
                "name a column with classes with --column",
            ));
        }
        let drawn = draws(graph, self.null, &blocks, self.seed, self.count)?;
        let swaps = drawn.iter().map(|d| d.swaps as f64).sum::<f64>() / drawn.len().max(1) as f64;
        Ok((drawn.into_iter().map(|d| d.graph).collect(), swaps))
    }
}

/// The triad census against random graphs, and chains through a second population if there is one.
///
/// # Errors
/// Unknown layer, a column without blocks.
pub fn motifs_answer(
    c: &Connectome,
    strong: &Strong<'_>,
    nulls: &NullQuestion<'_>,
    chain: Option<[(&str, &[usize]); 2]>,
) -> Result<Answer, DataError> {
    let graph = strong.graph(c)?;
    let census = triad_census(&graph);
    let (random, swaps) = nulls.draws(c, &graph)?;
    let counted: Vec<[u64; 16]> = random.par_iter().map(triad_census).collect();
    let beside: Vec<Against> = (0..16)
        .map(|k| {
            let values: Vec<f64> = counted.iter().map(|census| census[k] as f64).collect();
            against(census[k] as f64, &values)
        })
        .collect();
    let mut drawn = vec![figures::triads(&census, &beside, nulls.null.name(), nulls.seed)];
    let mut json = json!({"layer": strong.layer, "threshold": strong.threshold, "null": nulls.null, "n": nulls.count,
        "seed": nulls.seed, "mean_swaps": swaps, "triads": TRIADS, "census": census, "against": beside});
    let mut summary = vec![format!(
        "triads of {} strong edges against {} random graphs ({}), seed {}",
        graph.n_edges(),
        nulls.count,
        nulls.null.name(),
        nulls.seed
    )];
    if let Some([(first, a), (second, b)]) = chain {
        for (name, neurons) in [(first, a), (second, b)] {
            if neurons.is_empty() {
                return Err(DataError::question(
                    format!("`{name}` selects no neuron"),
                    "`neuropil connectome stats DATA` lists columns and classes",
                ));
            }
        }
        let found = zigzag(&graph, a, b);
        summary.push(format!(
            "{} zig-zags {first} → {second} → another {first} ({:.1} expected), {} self-loops ({:.1} expected)",
            found.zigzags, found.expected.1, found.self_loops, found.expected.0
        ));
        drawn.push(figures::zigzags(&found, first, second));
        json["zigzag"] = serde_json::to_value(&found).unwrap_or_default();
    }
    let rows = (0..16)
        .map(|k| {
            let a = beside[k];
            vec![
                TRIADS[k].to_owned(),
                census[k].to_string(),
                format!("{:.1}", a.mean),
                format!("{:.1}", a.sd),
                format!("{:+.1}", a.effect),
                format!("{:.4}", a.p_above.min(a.p_below)),
            ]
        })
        .collect();
    Ok(Answer {
        json,
        summary,
        headers: headers(&[
            "triad",
            "observed",
            "random mean",
            "random sd",
            "effect (sd)",
            "p",
        ]),
        rows,
        figures: drawn,
    })
}

/// Statistics of a graph that null models are about.
fn statistics(graph: &Csr) -> Vec<(&'static str, f64)> {
    let plain = graph.without_loops();
    let m = plain.n_edges().max(1) as f64;
    let mutual = plain
        .edges()
        .filter(|&(i, j, _)| plain.weight(j, i) != 0.0)
        .count();
    let census = triad_census(&plain);
    let count = |names: &[&str]| -> f64 {
        let own = (0..16).filter(|&k| names.contains(&TRIADS[k]));
        own.map(|k| census[k] as f64).sum()
    };
    let closed = count(&["030T", "030C", "120D", "120U", "120C", "210", "300"]);
    let open = count(&["021D", "021U", "021C", "111D", "111U", "201"]);
    let sorted = order(&signal_flow(&plain));
    let strong = largest_component(&plain.strong_components()).len();
    vec![
        ("reciprocity", mutual as f64 / m),
        (
            "clustering (transitivity)",
            3.0 * closed / (3.0 * closed + open).max(1.0),
        ),
        ("feedforward triangles (030T)", count(&["030T"])),
        ("cyclic triangles (030C)", count(&["030C"])),
        ("forward share of the weight", forward_fraction(&plain, &sorted)),
        ("largest strong component", strong as f64),
    ]
}

/// Statistics of the strong edges against random graphs.
///
/// # Errors
/// Unknown layer, a column without blocks.
pub fn nulls_answer(
    c: &Connectome,
    strong: &Strong<'_>,
    nulls: &NullQuestion<'_>,
) -> Result<Answer, DataError> {
    let graph = strong.graph(c)?;
    let (random, swaps) = nulls.draws(c, &graph)?;
    let observed = statistics(&graph);
    let drawn: Vec<Vec<(&str, f64)>> = random.par_iter().map(statistics).collect();
    let beside: Vec<(String, Against)> = observed
        .iter()
        .enumerate()
        .map(|(k, (name, value))| {
            let values: Vec<f64> = drawn.iter().map(|d| d[k].1).collect();
            ((*name).to_owned(), against(*value, &values))
        })
        .collect();
    let rows = beside
        .iter()
        .map(|(name, a)| {
            vec![
                name.clone(),
                format!("{:.4}", a.observed),
                format!("{:.4}", a.mean),
                format!("{:.4}", a.sd),
                format!("{:+.1}", a.effect),
                format!("{:.4}", a.p_above.min(a.p_below)),
            ]
        })
        .collect();
    let values: Map<String, Value> = beside
        .iter()
        .map(|(name, a)| (name.clone(), serde_json::to_value(a).unwrap_or_default()))
        .collect();
    let what = format!("Strong edges of layer {}", strong.layer);
    Ok(Answer {
        json: json!({"layer": strong.layer, "threshold": strong.threshold, "null": nulls.null, "n": nulls.count,
            "seed": nulls.seed, "mean_swaps": swaps, "statistics": values}),
        summary: vec![format!(
            "{} strong edges against {} random graphs ({}; {swaps:.0} swaps each), seed {}",
            graph.n_edges(),
            nulls.count,
            nulls.null.name(),
            nulls.seed
        )],
        headers: headers(&[
            "statistic",
            "observed",
            "random mean",
            "random sd",
            "effect (sd)",
            "p",
        ]),
        rows,
        figures: vec![figures::against_null(
            "null-models",
            &what,
            nulls.null.name(),
            &beside,
            nulls.seed,
        )],
    })
}

/// Which layers are counted.
#[derive(Clone, Debug)]
pub struct LayersQuestion<'a> {
    /// Edges.
    pub strong: Strong<'a>,
    /// Along the edges or against them.
    pub way: Way,
    /// Named sets of neurons.
    pub sets: Vec<(String, Vec<usize>)>,
    /// Layers.
    pub hops: usize,
}

/// Neurons by their distance from sets.
///
/// # Errors
/// Unknown layer, no sets.
pub fn layers_answer(c: &Connectome, q: &LayersQuestion<'_>) -> Result<Answer, DataError> {
    if q.sets.is_empty() {
        return Err(DataError::question(
            "no sets of neurons to start from",
            "name one with --sources; without it the senses of the annotations are used",
        ));
    }
    let by_pairs = q.strong.rule != PairRule::None && !c.pairs.is_empty();
    let found = circuits(c, &q.strong.graph(c)?, q.way, &q.sets, q.hops, by_pairs)?;
    let json: Vec<Value> = found
        .iter()
        .map(|set| {
            let layers: Vec<Value> = set.members.iter().map(|m| ids(c, m).into()).collect();
            json!({"name": set.name, "n_sources": set.sources, "sizes": set.sizes, "classes": set.classes, "layers": layers})
        })
        .collect();
    let mut names = vec!["sources".to_owned(), "neurons".to_owned()];
    names.extend((1..=q.hops).map(|h| format!("hop {h}")));
    let rows = found
        .iter()
        .map(|set| {
            let mut row = vec![set.name.clone(), set.sources.to_string()];
            row.extend(set.sizes.iter().map(ToString::to_string));
            row
        })
        .collect();
    Ok(Answer {
        json: json!({"layer": q.strong.layer, "threshold": q.strong.threshold, "way": q.way, "sets": json}),
        summary: vec![format!(
            "neurons by the number of strong edges {} each set",
            if q.way == Way::Downstream { "from" } else { "to" }
        )],
        headers: names,
        rows,
        figures: vec![figures::circuits(&found)],
    })
}

/// Whose influence is computed.
#[derive(Clone, Debug)]
pub struct InfluenceQuestion<'a> {
    /// Layer.
    pub layer: &'a str,
    /// Sources and their name.
    pub sources: (&'a str, &'a [usize]),
    /// Spectral radius of the scaled weights.
    pub radius: f64,
    /// Constant added to the logarithm.
    pub offset: f64,
    /// Hops of the effective connectivity.
    pub hops: usize,
    /// Column with the signs of the neurons.
    pub signs: Option<&'a str>,
}

/// Influence and effective connectivity of a set on every neuron.
///
/// # Errors
/// Unknown layer, no sources, signs that cannot be read, a radius outside (0, 1).
pub fn influence_answer(c: &Connectome, q: &InfluenceQuestion<'_>) -> Result<Answer, DataError> {
    let (name, sources) = q.sources;
    let signs = match q.signs {
        Some(column) => crate::export::signs(c, column)?,
        None => vec![1; c.n()],
    };
    // A neuron of unknown sign counts as excitatory here.
    let signed = |i: usize, w: f64| if signs[i] < 0 { -w } else { w };
    let graph = c.signed_layer(q.layer)?.map(|i, _, w| signed(i, w));
    let found = influence(&graph, sources, q.radius, q.offset)?;
    let signals = effective(&c.signed_fractions(q.layer)?, sources, q.hops, 1e-5)?;
    let class = c.texts("celltype");
    let mut groups = super::by_text(c, "celltype");
    if groups.is_empty() {
        groups.insert("all".to_owned(), (0..c.n()).collect());
    }
    let is_source: std::collections::BTreeSet<usize> = sources.iter().copied().collect();
    let mean = |members: &[usize], values: &[f64]| {
        members.iter().map(|&i| values[i]).sum::<f64>() / members.len() as f64
    };
    let mut by_class: Vec<(String, usize, f64, Vec<f64>)> = groups
        .into_iter()
        .filter_map(|(name, members)| {
            let others: Vec<usize> = members.into_iter().filter(|i| !is_source.contains(i)).collect();
            let signal = signals.iter().map(|v| mean(&others, v)).collect();
            (!others.is_empty()).then(|| (name, others.len(), mean(&others, &found.adjusted), signal))
        })
        .collect();
    by_class.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let neurons: Vec<Value> = (0..c.n())
        .map(|i| {
            json!({"id": c.id_json(i), "activity": finite(found.activity[i]), "influence": found.adjusted[i],
                "effective": signals.iter().map(|v| v[i]).collect::<Vec<_>>()})
        })
        .collect();
    let mut sorted: Vec<usize> = (0..c.n()).filter(|i| !is_source.contains(i)).collect();
    sorted.sort_by(|&a, &b| found.adjusted[b].total_cmp(&found.adjusted[a]).then(a.cmp(&b)));
    let rows = sorted
        .iter()
        .map(|&i| {
            let mut row = vec![
                c.id_text(i),
                class[i].clone(),
                format!("{:.3}", found.adjusted[i]),
            ];
            row.extend(signals.iter().map(|v| format!("{:.2e}", v[i])));
            row
        })
        .collect();
    let mut names = headers(&["neuron", "class", "influence"]);
    names.extend((1..=q.hops).map(|h| format!("hop {h}")));
    let totals: Vec<f64> = signals.iter().map(|v| v.iter().sum()).collect();
    Ok(Answer {
        json: json!({"layer": q.layer, "sources": ids(c, sources), "radius": q.radius, "offset": q.offset,
            "spectral_radius": found.radius, "iterations": found.iterations, "residual": found.residual, "neurons": neurons}),
        summary: vec![
            format!(
                "steady state with {} sources: weights scaled from spectral radius {:.4} to {}, {} steps",
                sources.len(),
                found.radius,
                q.radius,
                found.iterations
            ),
            format!(
                "sum of input fractions reached at hops 1 to {}: {}",
                q.hops,
                listed(&totals)
            ),
        ],
        headers: names,
        rows,
        figures: vec![figures::influences(&by_class, name, q.offset)],
    })
}
