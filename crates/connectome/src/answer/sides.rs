//! The two hemispheres.

use super::{Answer, headers};
use crate::bilateral::soma_sides;
use crate::cascade::Settings;
use crate::data::Connectome;
use crate::error::DataError;
use crate::figures::sides;
use crate::hemispheres::excision::{ExcisionSettings, excise};
use crate::hemispheres::{Laterality, hemispheres, laterality, one_sided};
use crate::paths::UnitGraph;
use crate::symmetry::symmetry;
use crate::threshold::{PairRule, Threshold, strong_edges};
use serde_json::json;

/// Laterality, loops through the homologue, signals of one side, and what crossing edges carry.
///
/// # Errors
/// No sides; without inputs or outputs, cascades and excision are left out and the summary says so.
pub fn hemispheres_answer(
    c: &Connectome,
    layer: &str,
    threshold: Threshold,
    settings: &Settings,
    cuts: &ExcisionSettings,
) -> Result<Answer, DataError> {
    let edges = strong_edges(c, layer, threshold, PairRule::Mean)?;
    let found = hemispheres(c, &edges)?;
    let mut summary = vec![format!(
        "{:.1} % of {} neurons of known laterality have axons that cross; {} left out{}",
        100.0 * found.crossing,
        found.groups.iter().map(|g| g.n).sum::<usize>(),
        found.left_out,
        if found.derived {
            "; laterality follows from the edges"
        } else {
            ""
        }
    )];
    let mut figures = vec![sides::laterality(&found)];
    let signals = match one_sided(c, layer, &edges, settings) {
        Ok(signals) => {
            figures.push(sides::one_sided(&signals));
            Some(signals)
        }
        Err(error) => {
            summary.push(format!("no cascades of one side: {error}"));
            None
        }
    };
    let graph = UnitGraph::new(c, &edges);
    let (sources, targets) = (
        graph.units_of(&c.members("io", "input")),
        graph.units_of(&c.members("io", "output")),
    );
    let lateral = laterality(c, &edges);
    let excisions: Vec<_> = if sources.is_empty() || targets.is_empty() {
        Vec::new()
    } else {
        [Laterality::Contralateral, Laterality::Bilateral]
            .map(|class| excise(&graph, &lateral, class, (&sources, &targets), cuts))
            .to_vec()
    };
    if !excisions.is_empty() {
        figures.push(sides::excision(&excisions));
    }
    let rows = found
        .partner_loops
        .iter()
        .zip(&found.loops)
        .map(|(p, (_, own, pair))| {
            let percent = |x: f64| format!("{:.2} %", 100.0 * x);
            vec![
                p.class.name().to_owned(),
                p.pairs.to_string(),
                percent(p.partner_2),
                percent(p.other_2),
                percent(p.partner_3),
                percent(own.iter().copied().fold(0.0, f64::max)),
                percent(pair.iter().copied().fold(0.0, f64::max)),
            ]
        })
        .collect();
    Ok(Answer {
        json: json!({"layer": layer, "threshold": threshold, "hemispheres": found, "one_sided": signals,
            "output_bias": signals.as_ref().map(|s| s.bias.iter().map(|(i, b)| json!({"left_id": c.id_json(*i), "bias": b})).collect::<Vec<_>>()),
            "excision": excisions, "excision_settings": cuts}),
        summary,
        headers: headers(&[
            "axon",
            "pairs",
            "homologues joined both ways",
            "others",
            "loop of 3",
            "loop to itself",
            "loop to homologue",
        ]),
        rows,
        figures,
    })
}

/// Whether the sides have the same densities, overall and between the groups of a column.
///
/// # Errors
/// No sides.
pub fn symmetry_answer(c: &Connectome, layer: &str, column: &str) -> Result<Answer, DataError> {
    let found = symmetry(&c.layer(layer)?, &soma_sides(c), &c.texts(column))?;
    let mut blocks: Vec<_> = found.groups.blocks.iter().zip(&found.adjusted.blocks).collect();
    blocks.sort_by(|a, b| a.0.2.p.total_cmp(&b.0.2.p));
    let rows = blocks
        .iter()
        .map(|(a, b)| {
            vec![
                a.0.clone(),
                a.1.clone(),
                format!("{:.5}", a.2.densities().0),
                format!("{:.5}", a.2.densities().1),
                format!("{:.2e}", a.2.p),
                format!("{:.2e}", b.2.p),
            ]
        })
        .collect();
    let mut summary = vec![format!(
        "density left {:.5}, right {:.5}: p = {:.3e} (Fisher's exact test)",
        found.density.densities().0,
        found.density.densities().1,
        found.density.p
    )];
    if found.groups.blocks.is_empty() {
        summary.push(format!(
            "no group in the column `{column}` has neurons on both sides: their connections are not compared"
        ));
    } else {
        summary.extend([
            format!(
                "connections between groups of `{column}`: p = {:.3e}, {} of {} blocks differ (Holm, 0.05)",
                found.groups.p,
                found.groups.significant,
                found.groups.blocks.len()
            ),
            format!(
                "with the densities adjusted: p = {:.3e}, {} blocks differ",
                found.adjusted.p, found.adjusted.significant
            ),
        ]);
    }
    Ok(Answer {
        json: json!({"layer": layer, "column": column, "symmetry": found}),
        summary,
        headers: headers(&["from", "to", "left", "right", "p", "p adjusted"]),
        rows,
        figures: vec![sides::symmetric(&found)],
    })
}
