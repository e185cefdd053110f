//! The paper's figures on permuted pictures, with the 8 × 8 digits that come with neuropil.

use super::{Frame, Row, Told, above, curves, named, section};
use crate::settings::Settings;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_lab::error::Problem;
use neuropil_study::{Band, Claim, Found};

/// Units a layer of the split network of five parts that has as many weights in use as one of 250: 5 · 95.
const SPLIT: usize = 475;
/// Methods with their strengths c: the best ones of the scan of [`strengths`], as in the paper, which says what they lose against
/// it; those with a rule, split or partly gated have that of synaptic intelligence alone.
const METHODS: [(&str, f64); 9] = [
    ("none", 0.0),
    ("si", 1.0),
    ("ewc", 5.0),
    ("si+rule", 1.0),
    ("split+si+rule", 1.0),
    ("xdg", 0.0),
    ("xdg+si", 0.5),
    ("xdg+ewc", 1.0),
    ("partial+si", 1.0),
];
/// Fractions of the units that are gated off.
const FRACTIONS: [f64; 9] = [0.0, 0.5, 2.0 / 3.0, 0.75, 0.8, 5.0 / 6.0, 0.867, 0.9, 0.95];
/// Strengths c that are scanned, synaptic intelligence and weight consolidation.
const STRENGTHS: [(&str, &[f64]); 4] = [
    ("si", &[0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0]),
    ("xdg+si", &[0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0]),
    ("ewc", &[0.1, 1.0, 5.0, 20.0, 100.0, 500.0]),
    ("xdg+ewc", &[0.1, 1.0, 5.0, 20.0, 100.0, 500.0]),
];

fn settings(frame: &Frame<'_>, method: &str, strength: f64, seed: u64) -> Settings {
    let mut settings = Settings {
        seed,
        method: method.to_owned(),
        ..Settings::default()
    };
    settings.stabilise.strength = strength;
    settings.stabilise.samples = 2048;
    if method.contains("split") {
        settings.network.hidden = vec![SPLIT, SPLIT];
    }
    if frame.quick() {
        settings.tasks.n = 20;
    }
    settings
}

fn caption(frame: &Frame<'_>) -> Result<String, Problem> {
    let (method, strength) = METHODS[0];
    let settings = settings(frame, method, strength, frame.seeds[0]);
    let shown = frame.resolved(&settings)?;
    let hidden: Vec<String> = shown.network.hidden.iter().map(usize::to_string).collect();
    Ok(format!(
        "{} permutations of 8 × 8 digits, 64-{}-10; {} batches of {} a task; means over {} seeds. The paper's network has 2000 units a layer and 784 inputs.",
        shown.tasks.n,
        hidden.join("-"),
        shown.training.batches,
        shown.training.batch,
        frame.seeds.len()
    ))
}

/// Figure 2: methods over many tasks.
pub(super) fn methods(frame: &Frame<'_>) -> Result<Option<Told>, Problem> {
    let name = |&(method, _): &(&str, f64)| method.to_owned();
    let of = |&(method, strength): &(&str, f64), seed| settings(frame, method, strength, seed);
    let Some(rows) = frame.rows("methods", METHODS, name, of)? else {
        return Ok(None);
    };
    let claim = |better: &str, worse: &str, what: &str| above(&rows, better, worse, "Fig. 2", what);
    let claims = vec![
        claim("si", "none", "synaptic intelligence against nothing"),
        claim("xdg", "none", "gating against nothing"),
        claim(
            "si+rule",
            "si",
            "synaptic intelligence with a rule signal against without",
        ),
        claim(
            "split+si+rule",
            "si+rule",
            "the split network with a rule signal against the whole one",
        ),
        claim(
            "xdg+si",
            "si",
            "gating with synaptic intelligence against synaptic intelligence",
        ),
        claim(
            "xdg+si",
            "xdg",
            "gating with synaptic intelligence against gating",
        ),
        claim(
            "xdg+si",
            "split+si+rule",
            "gating with synaptic intelligence against the split network",
        ),
        claim(
            "xdg+ewc",
            "ewc",
            "gating with weight consolidation against weight consolidation",
        ),
        claim(
            "xdg+ewc",
            "xdg",
            "gating with weight consolidation against gating",
        ),
    ];
    let figure = curves("methods", &rows, caption(frame)?);
    Ok(Some(Told {
        claims,
        sections: vec![section("Methods (figure 2)", &rows, figure)],
        rows,
    }))
}

/// What a scan ends at: all tasks, the first one, each when it was new.
fn ends(panel: Panel, x: &[f64], rows: &[Row]) -> Panel {
    let of = |value: fn(&Row) -> f64| rows.iter().map(value).collect::<Vec<f64>>();
    [
        ("all tasks", of(|row| row.average)),
        ("first task", of(|row| row.first)),
        ("just learnt", of(|row| row.just_learnt)),
    ]
    .into_iter()
    .enumerate()
    .fold(panel, |panel, (i, (label, y))| {
        panel.series(Series::line(x.to_vec(), y).label(label).color(Color::cycle(i)))
    })
    .y_range(0.0, 1.0)
}

/// Which fraction of the units is best gated off.
pub(super) fn fractions(frame: &Frame<'_>) -> Result<Option<Told>, Problem> {
    let of = |&gated: &f64, seed: u64| {
        let mut settings = settings(frame, "xdg+si", 0.5, seed);
        settings.gates.gated = gated;
        settings
    };
    let name = |gated: f64| format!("{gated:.3}");
    let Some(rows) = frame.rows("fractions", FRACTIONS, |gated| name(*gated), of)? else {
        return Ok(None);
    };
    let best = (0..rows.len()).fold(0, |best, k| {
        if rows[k].average > rows[best].average {
            k
        } else {
            best
        }
    });
    let claim = above(
        &rows,
        &name(0.8),
        &name(0.0),
        "SI",
        "80 % gated off against none, with synaptic intelligence",
    );
    let panel = ends(
        Panel::new("fraction of the units gated off", "accuracy after the last task"),
        &FRACTIONS,
        &rows,
    );
    let figure = Figure {
        name: "fractions".to_owned(),
        title: format!("Highest with {:.0} % gated off", 100.0 * FRACTIONS[best]),
        caption: caption(frame)?,
        columns: 1,
        panels: vec![panel],
    };
    Ok(Some(Told {
        claims: vec![claim],
        sections: vec![section("Fraction of the units gated off", &rows, figure)],
        rows,
    }))
}

/// How the strength of stabilisation trades old tasks against new ones.
pub(super) fn strengths(frame: &Frame<'_>) -> Result<Option<Told>, Problem> {
    let (mut rows, mut panels, mut claims, mut told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (method, values) in STRENGTHS {
        let of = |&c: &f64, seed: u64| settings(frame, method, c, seed);
        let name = |c: f64| format!("{method}, c = {c}");
        let Some(found) = frame.rows("strengths", values.iter().copied(), |c| name(*c), of)? else {
            return Ok(None);
        };
        let best = (0..found.len()).fold(0, |best, k| {
            if found[k].average > found[best].average {
                k
            } else {
                best
            }
        });
        told.push(format!("{method} {}", values[best]));
        let x: Vec<f64> = values.iter().map(|c| c.log10()).collect();
        let label = format!("accuracy after the last task, {method}");
        panels.push(ends(Panel::new("log10 c", label), &x, &found));
        let used = METHODS
            .iter()
            .find(|(known, _)| *known == method)
            .map_or(0.0, |(_, c)| *c);
        claims.push(lost(&found, named(&found, &name(used)), method, used));
        rows.extend(found);
    }
    let figure = Figure {
        name: "strengths".to_owned(),
        title: format!("Highest c: {}", told.join(", ")),
        caption: caption(frame)?,
        columns: 2,
        panels,
    };
    Ok(Some(Told {
        claims,
        sections: vec![section("Strength of stabilisation", &rows, figure)],
        rows,
    }))
}

/// What the comparison of methods loses by its strength.
fn lost(found: &[Row], used: &Row, method: &str, c: f64) -> Claim {
    let best = found
        .iter()
        .map(|row| row.average)
        .fold(f64::NEG_INFINITY, f64::max);
    Claim::new(
        "SI",
        format!("{method}: what the comparison of methods loses by c = {c}, against the best of the scan"),
        "best c of a scan",
        Band::at_most(0.03),
        Found::one(best - used.average).digits(3),
    )
}
