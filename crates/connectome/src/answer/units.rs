//! Recurrence, feedback of outputs, feedforward and feedback between groups.

use super::{Answer, finite, headers, ids};
use crate::cascade::Settings;
use crate::data::Connectome;
use crate::direction::direction;
use crate::error::DataError;
use crate::figures::{recurrent, signals};
use crate::flow::signal_flow;
use crate::recurrence::{OutputFeedback, output_feedback, path_lengths, recurrence};
use crate::unit_cascades::UnitCascades;
use serde_json::{Value, json};

/// Recurrence of every unit at each number of hops of `cascades`; the table is that of the first.
pub fn recurrence_answer(c: &Connectome, cascades: &UnitCascades) -> Answer {
    let (runs, seed) = (cascades.runs, cascades.seed);
    let found = recurrence(c, cascades, 0);
    let lengths = path_lengths(cascades, 0);
    let units: Vec<Value> = (0..found.units.len())
        .map(|u| json!({"ids": ids(c, &found.units[u]), "downstream": found.downstream[u], "fraction": found.fraction[u]}))
        .collect();
    let mut out = serde_json::to_value(&found).unwrap_or_default();
    out["runs"] = runs.into();
    out["seed"] = seed.into();
    out["units"] = units.into();
    out["path_lengths"] = serde_json::to_value(&lengths).unwrap_or_default();
    let mut rows: Vec<_> = found.by_class.iter().collect();
    rows.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    Answer {
        json: out,
        summary: vec![
            format!(
                "{:.1} % of the neurons are recurrent within {} hops ({runs} runs from each of {} units)",
                100.0 * found.recurrent_neurons,
                found.hops,
                cascades.units.len()
            ),
            format!(
                "paths between recurrent units have {:.2} ± {:.2} different lengths",
                lengths.recurrent_lengths.0, lengths.recurrent_lengths.1
            ),
        ],
        headers: headers(&["class", "neurons", "mean recurrent fraction", "share recurrent"]),
        rows: rows
            .into_iter()
            .map(|(name, (n, f, r))| vec![name.clone(), n.to_string(), format!("{f:.3}"), format!("{r:.3}")])
            .collect(),
        figures: vec![
            recurrent(&found, runs, seed),
            signals::path_lengths(&lengths, runs, seed),
        ],
    }
}

/// Feedback and efference copy of the outputs at every number of hops of `cascades`.
///
/// # Errors
/// No output neurons with a class.
pub fn feedback_answer(c: &Connectome, cascades: &UnitCascades) -> Result<Answer, DataError> {
    let found: Vec<(usize, Vec<OutputFeedback>)> = cascades
        .hops
        .iter()
        .enumerate()
        .map(|(h, &hops)| (hops, output_feedback(c, cascades, h)))
        .collect();
    if found.iter().all(|f| f.1.is_empty()) {
        return Err(DataError::question(
            "no output neurons in this connectome",
            "the neuron table needs `io` = `output` and a `celltype` for them",
        ));
    }
    let rows = found
        .iter()
        .flat_map(|(hops, classes)| classes.iter().map(move |own| (hops, own)))
        .map(|(hops, own)| {
            let sum = own.targets.values().fold(0.0, |sum, t| sum + t.0 + t.1);
            vec![
                own.class.clone(),
                hops.to_string(),
                own.units.0.to_string(),
                own.units.1.to_string(),
                format!("{sum:.1}"),
                format!("{:.3}", own.feedback),
            ]
        })
        .collect();
    let json: Vec<Value> = found
        .iter()
        .map(|(hops, classes)| json!({"hops": hops, "classes": classes}))
        .collect();
    Ok(Answer {
        json: json!({"runs": cascades.runs, "seed": cascades.seed, "feedback": json}),
        summary: vec![format!(
            "feedback and efference copy of the outputs, {} runs from each unit, seed {}",
            cascades.runs, cascades.seed
        )],
        headers: headers(&[
            "outputs",
            "hops",
            "units",
            "with targets",
            "targets per unit",
            "feedback share",
        ]),
        rows,
        figures: vec![signals::output_feedback(&found, cascades.runs, cascades.seed)],
    })
}

/// Feedforward and feedback signal between the groups of a column, in the order of their mean signal flow.
///
/// # Errors
/// No such column, fewer than two groups, settings that cannot run.
pub fn direction_answer(
    c: &Connectome,
    layer: &str,
    column: &str,
    hops: usize,
    settings: &Settings,
) -> Result<Answer, DataError> {
    let flow = signal_flow(&c.layer("all")?);
    let named = super::by_text(c, column);
    if named.len() < 2 {
        return Err(DataError::question(
            format!(
                "column `{column}` has {} groups, expected at least two",
                named.len()
            ),
            "name a column with classes or clusters, as `celltype`",
        ));
    }
    let mean = |members: &[usize]| members.iter().map(|&i| flow[i]).sum::<f64>() / members.len() as f64;
    let mut groups: Vec<(f64, String, Vec<usize>)> = named
        .into_iter()
        .map(|(name, members)| (mean(&members), name, members))
        .collect();
    groups.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let names: Vec<String> = groups.iter().map(|g| g.1.clone()).collect();
    let members: Vec<Vec<usize>> = groups.iter().map(|g| g.2.clone()).collect();
    let found = direction(&c.layer(layer)?, &members, hops, settings)?;
    let rows = (0..names.len())
        .map(|k| {
            let share = found.forward_share[k].map_or("neither".to_owned(), |s| format!("{s:.3}"));
            let (sent, back) = found.sent[k];
            vec![
                names[k].clone(),
                members[k].len().to_string(),
                format!("{:.3}", groups[k].0),
                format!("{sent:.4}"),
                format!("{back:.4}"),
                share,
            ]
        })
        .collect();
    let what = if column == "celltype" { "class" } else { "cluster" };
    Ok(Answer {
        json: json!({"column": column, "groups": names, "direction": found, "forward": finite(found.forward()),
            "runs": settings.runs, "seed": settings.seed}),
        summary: vec![format!(
            "{:.1} % of the signal between {} groups of `{column}` runs forwards within {hops} hops",
            100.0 * found.forward(),
            names.len()
        )],
        headers: headers(&[
            column,
            "neurons",
            "mean signal flow",
            "sent forwards",
            "sent back",
            "forward share",
        ]),
        rows,
        figures: vec![signals::forward_and_back(
            &found,
            &names,
            what,
            settings.runs,
            settings.seed,
        )],
    })
}
