//! Which senses reach which neurons.

use super::{Answer, headers};
use crate::cascade::Settings;
use crate::data::Connectome;
use crate::error::DataError;
use crate::integration::integration;
use serde_json::{Value, json};

/// Labelled lines and multisensory neurons.
///
/// # Errors
/// As [`integration`].
pub fn integration_answer(
    c: &Connectome,
    layer: &str,
    hops: usize,
    settings: &Settings,
) -> Result<Answer, DataError> {
    let found = integration(c, layer, hops, settings)?;
    let share = |part: usize| 100.0 * part as f64 / found.reached.max(1) as f64;
    let neurons: Vec<Value> = (0..c.n())
        .filter(|&i| found.reached_by[i] != 0)
        .map(|i| {
            let by: Vec<&String> = (0..found.modalities.len())
                .filter(|k| found.reached_by[i] >> k & 1 == 1)
                .map(|k| &found.modalities[k])
                .collect();
            json!({"id": c.id_json(i), "modalities": by, "first_median_hop": found.depth[i]})
        })
        .collect();
    let mut out = serde_json::to_value(&found).unwrap_or_default();
    out["runs"] = settings.runs.into();
    out["seed"] = settings.seed.into();
    out["neurons"] = neurons.into();
    let figures = vec![
        crate::figures::senses(&found, settings.runs, settings.seed),
        crate::figures::signals::combinations(&found, settings.runs, settings.seed),
    ];
    Ok(Answer {
        json: out,
        summary: vec![
            format!(
                "{} neurons reached within {hops} hops by {} modalities ({} units too close to call)",
                found.reached,
                found.modalities.len(),
                found.uncertain_units
            ),
            format!(
                "labelled line {:.1} %, multisensory {:.1} %, all modalities {:.1} %",
                share(found.labelled_line),
                share(found.multimodal),
                share(found.by_all)
            ),
        ],
        headers: headers(&["output class", "one modality", "several", "all", "members"]),
        rows: found
            .outputs
            .iter()
            .map(|(name, (one, several, all, n))| {
                let mut row = vec![name.clone()];
                row.extend([one, several, all, n].map(ToString::to_string));
                row
            })
            .collect(),
        figures,
    })
}
