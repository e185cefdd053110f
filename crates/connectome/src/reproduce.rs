//! The numbers of Winding et al. (2023) beside those of a connectome: paper, authors' data, ours, within the band or
//! not.
//!
//! "Paper" is what the article and its figures say; "data" is what independent computations on the published data
//! give, with the published recipe. Bands allow for the noise of the stochastic analyses and for what the paper
//! rounds.

use crate::answer::{Answer, TypesQuestion, typed};
use crate::cascade::Settings;
use crate::data::{Connectome, TYPED_LAYERS};
use crate::error::DataError;
use crate::flow::{forward_fraction, order, signal_flow};
use crate::hemispheres::{Laterality, hemispheres};
use crate::hubs::{Hub, hubs};
use crate::integration::integration;
use crate::recurrence::{output_feedback, path_lengths, recurrence};
use crate::stats::multiplex;
use crate::threshold::{PairRule, StrongEdges, Threshold, strong_edges};
use crate::unit_cascades::{Watch, unit_cascades};
use crate::winding2023::{HUB_DEGREE, INPUT_FRACTION};
use neuropil_draw::{Report, ReportTable, Section};
use serde::Serialize;
use serde_json::json;

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// Part of the paper.
    pub part: &'static str,
    /// Quantity with its unit.
    pub what: String,
    /// What the paper says; empty where it says nothing.
    pub paper: &'static str,
    /// What the published data give by the published recipe.
    pub data: &'static str,
    /// Here.
    pub ours: f64,
    /// Band, both ends included.
    pub band: (f64, f64),
}

impl Claim {
    /// Whether the number lies in its band.
    pub fn holds(&self) -> bool {
        self.ours >= self.band.0 && self.ours <= self.band.1
    }
}

/// Computes every number; cascades run as `settings` say, which should be the paper's; `watch` is of those from all
/// units.
///
/// # Errors
/// A connectome without the four typed layers, senses, sides, pairs or classes of the larval brain.
pub fn claims(c: &Connectome, settings: &Settings, watch: Watch<'_>) -> Result<Vec<Claim>, DataError> {
    if let Some(name) = TYPED_LAYERS.iter().find(|name| !c.layers.contains_key(**name)) {
        return Err(DataError::question(
            format!("no layer `{name}` in this connectome"),
            "the paper's numbers are about its Supplementary Data S1: give that file, or a folder with edges and neurons",
        ));
    }
    let mut claims = Vec::new();
    wiring(c, &mut claims)?;
    let edges = strong_edges(c, "ad", Threshold::Fraction(INPUT_FRACTION), PairRule::Mean)?;
    strong(c, &edges, &mut claims);
    sides(c, &edges, &mut claims)?;
    types(c, settings, &mut claims)?;
    senses(c, settings, &mut claims)?;
    units(c, settings, watch, &mut claims)?;
    Ok(claims)
}

fn around(value: f64, width: f64) -> (f64, f64) {
    (value - width, value + width)
}

/// Adds a claim at each call: part, quantity, paper, data, ours, band.
fn adding(
    claims: &mut Vec<Claim>,
) -> impl FnMut(&'static str, &str, &'static str, &'static str, f64, (f64, f64)) {
    |part, what, paper, data, ours, band| {
        claims.push(Claim {
            part,
            what: what.to_owned(),
            paper,
            data,
            ours,
            band,
        });
    }
}

/// Edge types and order.
fn wiring(c: &Connectome, claims: &mut Vec<Claim>) -> Result<(), DataError> {
    let mut add = adding(claims);
    let all = c.layer("all")?;
    add(
        "Fig. 1",
        "edges",
        "",
        "110 677",
        all.n_edges() as f64,
        around(110_677.0, 0.0),
    );
    add(
        "Fig. 1",
        "synapses",
        "",
        "352 611",
        all.total(),
        around(352_611.0, 0.0),
    );
    let shares = [
        ("ad", "66", "66.6", 66.6),
        ("aa", "26", "25.8", 25.8),
        ("dd", "6", "5.8", 5.8),
        ("da", "2", "1.8", 1.8),
    ];
    for (name, paper, data, value) in shares {
        let share = 100.0 * c.layers[name].total() / all.total();
        add(
            "Fig. 1",
            &format!("synapses that are {name} (%)"),
            paper,
            data,
            share,
            around(value, 0.1),
        );
    }
    let joined = multiplex(c);
    let of = |layers: &str| {
        joined
            .iter()
            .find(|m| m.layers == layers)
            .map_or(0.0, |m| m.count as f64)
    };
    add(
        "Fig. 2",
        "pairs joined by ad and aa alone",
        "",
        "3 156",
        of("ad+aa"),
        around(3156.0, 0.0),
    );
    let sorted = order(&signal_flow(&all));
    let forward = [
        ("ad", "mostly forwards", "86.6", 86.6),
        ("aa", "about balanced", "59.5", 59.5),
        ("dd", "", "69.1", 69.1),
        ("da", "mostly back", "29.4", 29.4),
    ];
    for (name, paper, data, value) in forward {
        let share = 100.0 * forward_fraction(&c.layers[name], &sorted);
        let what = format!("{name} synapses that run forwards (%)");
        add("Fig. 2", &what, paper, data, share, around(value, 0.1));
    }
    Ok(())
}

/// Strong edges and the hubs that they make.
fn strong(c: &Connectome, edges: &StrongEdges, claims: &mut Vec<Claim>) {
    let mut add = adding(claims);
    add(
        "Fig. 2",
        "1 % edges between neurons (ad)",
        "",
        "27 721",
        edges.split.len() as f64,
        around(27_721.0, 0.0),
    );
    let found = hubs(c, edges, HUB_DEGREE);
    let graph = edges.graph(c.n());
    let back = graph.transposed();
    let class = c.texts("celltype");
    let both: Vec<usize> = found
        .rows
        .iter()
        .filter(|r| r.hub == Hub::InOut)
        .map(|r| r.neuron)
        .collect();
    let learning = both.iter().filter(|&&i| {
        back.row(i).any(|(j, _)| class[j] == "MBON") || graph.row(i).any(|(j, _)| class[j] == "MBIN")
    });
    let share = 100.0 * learning.count() as f64 / both.len().max(1) as f64;
    add(
        "Fig. 2",
        "in-out hubs (ad)",
        "",
        "76",
        both.len() as f64,
        around(76.0, 0.0),
    );
    add(
        "Fig. 2",
        "in-out hubs after MBON or before MBIN (%)",
        "73",
        "73.7",
        share,
        around(73.7, 1.0),
    );
}

/// Axons that cross, and whom they meet there.
fn sides(c: &Connectome, edges: &StrongEdges, claims: &mut Vec<Claim>) -> Result<(), DataError> {
    let mut add = adding(claims);
    let sides = hemispheres(c, edges)?;
    add(
        "Fig. 4",
        "axons that cross the midline (%)",
        "37",
        "39.7",
        100.0 * sides.crossing,
        (35.0, 42.0),
    );
    let contra = sides
        .partner_loops
        .iter()
        .find(|p| p.class == Laterality::Contralateral);
    let value = contra.map_or(f64::NAN, |p| 100.0 * p.partner_2);
    add(
        "Fig. 4",
        "contralateral pairs joined both ways (%)",
        "",
        "10.7",
        value,
        around(10.7, 0.1),
    );
    let value = contra.map_or(f64::NAN, |p| 100.0 * p.other_2);
    add(
        "Fig. 4",
        "other contralateral neurons joined both ways (%)",
        "",
        "0.08",
        value,
        around(0.083, 0.01),
    );
    let across = 100.0 * sides.probability[2][3];
    add(
        "Fig. 4",
        "connected: contralateral L to contralateral R (%)",
        "",
        "1.68",
        across,
        around(1.68, 0.01),
    );
    Ok(())
}

/// Clusters at each level.
fn types(c: &Connectome, settings: &Settings, claims: &mut Vec<Claim>) -> Result<(), DataError> {
    let mut question = TypesQuestion::default();
    question.settings.seed = settings.seed;
    let found = typed(c, &question)?;
    let expected: [(usize, &str, &str, (f64, f64)); 4] = [
        (4, "", "16", (15.0, 16.0)),
        (5, "", "32", (29.0, 32.0)),
        (6, "", "58", (50.0, 64.0)),
        (7, "93", "93", (85.0, 100.0)),
    ];
    for (level, paper, data, band) in expected {
        claims.push(Claim {
            part: "Fig. 2",
            what: format!("types at level {level}"),
            paper,
            data,
            ours: found.tree.counts.get(level - 1).map_or(f64::NAN, |&n| n as f64),
            band,
        });
    }
    Ok(())
}

/// Labelled lines and integration.
fn senses(c: &Connectome, settings: &Settings, claims: &mut Vec<Claim>) -> Result<(), DataError> {
    let found = integration(c, "ad", 8, settings)?;
    let share = |part: usize| 100.0 * part as f64 / found.reached.max(1) as f64;
    let mut list = adding(claims);
    let mut add = |what: String, paper, data, ours, band| list("Fig. 3", &what, paper, data, ours, band);
    add(
        "labelled line, 8 hops (% of reached)".into(),
        "12",
        "11.7",
        share(found.labelled_line),
        around(11.7, 1.0),
    );
    add(
        "multisensory (% of reached)".into(),
        "88",
        "88.3",
        share(found.multimodal),
        around(88.3, 1.0),
    );
    add(
        "all twelve senses (% of reached)".into(),
        "62",
        "62.4",
        share(found.by_all),
        around(62.4, 2.0),
    );
    let outputs: [(&str, [&str; 3], [f64; 3]); 3] = [
        ("DN-VNC", ["6", "166", "146"], [6.0, 166.0, 146.0]),
        ("DN-SEZ", ["48", "76", "44"], [48.0, 76.0, 44.0]),
        ("RGN", ["4", "28", "24"], [4.0, 28.0, 24.0]),
    ];
    for (class, texts, values) in outputs {
        let (one, several, all, _) = found.outputs.get(class).copied().unwrap_or_default();
        let kinds = ["of one sense", "of several", "of all"];
        for (k, ours) in [one, several, all].into_iter().enumerate() {
            let what = format!("{class} {}", kinds[k]);
            add(what, "", texts[k], ours as f64, around(values[k], 4.0));
        }
    }
    Ok(())
}

/// Recurrence and feedback.
fn units(
    c: &Connectome,
    settings: &Settings,
    watch: Watch<'_>,
    claims: &mut Vec<Claim>,
) -> Result<(), DataError> {
    let cascades = unit_cascades(c, "ad", &[5, 8], settings, watch)?;
    let (five, eight) = (recurrence(c, &cascades, 0), recurrence(c, &cascades, 1));
    let class = |name: &str| five.by_class.get(name).map_or(f64::NAN, |c| 100.0 * c.2);
    let mut add = adding(claims);
    let share = 100.0 * five.recurrent_neurons;
    add(
        "Fig. 5",
        "recurrent neurons, 5 hops (%)",
        "41",
        "43.9",
        share,
        (39.0, 46.0),
    );
    let share = 100.0 * eight.recurrent_neurons;
    add(
        "Fig. 5",
        "recurrent neurons, 8 hops (%)",
        "",
        "62.6",
        share,
        around(62.6, 3.0),
    );
    add(
        "Fig. 5",
        "recurrent MBIN, 5 hops (%)",
        "",
        "100",
        class("MBIN"),
        (95.0, 100.0),
    );
    add(
        "Fig. 5",
        "recurrent MBON, 5 hops (%)",
        "",
        "100",
        class("MBON"),
        (95.0, 100.0),
    );
    add(
        "Fig. 5",
        "recurrent KC, 5 hops (%)",
        "",
        "12",
        class("KC"),
        around(12.5, 6.0),
    );
    add(
        "Fig. 5",
        "recurrent RGN, 5 hops (%)",
        "",
        "0",
        class("RGN"),
        (0.0, 0.0),
    );
    let lengths = path_lengths(&cascades, 0).lengths;
    add(
        "Fig. 5",
        "different path lengths between two units, 5 hops",
        "",
        "1.88 ± 0.90",
        lengths.0,
        around(1.88, 0.1),
    );
    for (h, hops, values) in [
        (0, 5, [("DN-VNC", "39", 38.9), ("DN-SEZ", "9", 9.3)]),
        (1, 8, [("DN-VNC", "78", 78.0), ("DN-SEZ", "31", 31.0)]),
    ] {
        let found = output_feedback(c, &cascades, h);
        for (name, data, value) in values {
            let own = found.iter().find(|f| f.class == name);
            let ours = own.map_or(f64::NAN, |f| 100.0 * f.feedback);
            let what = format!("targets of {name} that lead back, {hops} hops (%)");
            add("Fig. 6", &what, "", data, ours, around(value, 8.0));
        }
    }
    Ok(())
}

const HEADERS: [&str; 6] = ["part", "quantity", "paper", "data", "here", "within the band"];

/// A number with as many digits as it needs.
fn shown(x: f64) -> String {
    if x.is_nan() {
        "–".to_owned()
    } else if x.fract() == 0.0 {
        format!("{x:.0}")
    } else {
        format!("{x:.2}")
    }
}

/// The claims as a table.
pub fn answer(claims: &[Claim], settings: &Settings) -> Answer {
    let row = |c: &Claim| {
        let band = if c.band.0 == c.band.1 {
            shown(c.band.0)
        } else {
            format!("{}–{}", shown(c.band.0), shown(c.band.1))
        };
        vec![
            c.part.to_owned(),
            c.what.clone(),
            c.paper.to_owned(),
            c.data.to_owned(),
            shown(c.ours),
            format!("{} ({band})", if c.holds() { "yes" } else { "NO" }),
        ]
    };
    let held = claims.iter().filter(|c| c.holds()).count();
    let values: Vec<serde_json::Value> = claims
        .iter()
        .map(|c| {
            let mut value = serde_json::to_value(c).unwrap_or_default();
            value["holds"] = c.holds().into();
            value
        })
        .collect();
    Answer {
        json: json!({"claims": values, "held": held, "n": claims.len(), "runs": settings.runs, "seed": settings.seed}),
        summary: vec![format!(
            "{held} of {} numbers of Winding et al. (2023) are within their bands ({} runs, seed {})",
            claims.len(),
            settings.runs,
            settings.seed
        )],
        headers: HEADERS.map(str::to_owned).to_vec(),
        rows: claims.iter().map(row).collect(),
        figures: Vec::new(),
    }
}

/// The table as a page.
pub fn page(answer: &Answer, name: &str) -> Report {
    Report {
        title: format!("Winding et al. (2023), reproduced: {name}"),
        lead: answer.summary.join(" "),
        sections: vec![Section {
            title: "Paper, data, here".to_owned(),
            text: "“Paper” is what the article says, “data” what independent computations on the published data give with the \
                   published recipe. Bands allow for the noise of cascades and random starts."
                .to_owned(),
            table: Some(ReportTable {
                headers: answer.headers.clone(),
                rows: answer.rows.clone(),
                csv_name: Some("reproduce.csv".to_owned()),
            }),
            ..Section::default()
        }],
        ..Report::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Csr;
    use crate::simulate::{SimulateSettings, simulate};
    use std::collections::BTreeMap;

    #[test]
    fn another_brain_gives_other_numbers_and_says_so() {
        let c = simulate(&SimulateSettings::default());
        let settings = Settings {
            runs: 100,
            ..Settings::default()
        };
        let found = claims(&c, &settings, Watch::default()).unwrap();
        assert!(found.iter().any(|c| !c.holds()) && found.len() > 30);
        let answer = answer(&found, &settings);
        assert_eq!(answer.rows.len(), found.len());
        assert!(answer.rows.iter().any(|row| row[5].starts_with("NO")));
        assert!(page(&answer, "test").to_html().is_ok());
        let plain = Connectome {
            ids: vec![1],
            layers: BTreeMap::from([("chem".to_owned(), Csr::from_edges(1, vec![]))]),
            ..Connectome::default()
        };
        assert!(
            claims(&plain, &settings, Watch::default())
                .unwrap_err()
                .to_string()
                .contains("no layer `ad`")
        );
    }
}
