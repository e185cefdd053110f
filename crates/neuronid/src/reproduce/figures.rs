//! The page: accuracy by method, confidence, made worms.

use super::{MadePairs, Measured};
use crate::evaluate::Scored;
use neuropil_draw::{Bars, Color, Figure, Mark, Panel, Report, Section, Series};
use neuropil_study::{Claim, claims_table};

/// The page of a reproduction.
pub(super) fn page(measured: &Measured, claims: &[Claim]) -> Report {
    let mut sections = vec![Section {
        title: "Claims".to_owned(),
        table: Some(claims_table(claims)),
        ..Section::default()
    }];
    if !measured.methods.is_empty() {
        sections.push(Section {
            title: "Names right by method".to_owned(),
            text: format!(
                "{} animals from `{}`, none of which the network, the atlas or the templates saw. {} templates vote; the mean \
                 animal is the atlas of the others as one template. Whether a head is a mirror image of the others was taken from \
                 its names, for all methods alike.",
                measured.animals, measured.heads, measured.templates
            ),
            figure: Some(by_method(&measured.methods)),
            ..Section::default()
        });
        sections.push(Section {
            title: "How sure, and how often right".to_owned(),
            text: confidence_text(&measured.methods),
            figure: Some(confidence(&measured.methods)),
            ..Section::default()
        });
    }
    sections.push(Section {
        title: "Made worms".to_owned(),
        text: made_text(&measured.made),
        figure: Some(made(&measured.made)),
        ..Section::default()
    });
    Report {
        title: "Who is this neuron? Yu et al. (2021), computed here".to_owned(),
        lead: lead(measured),
        sections,
        ..Report::default()
    }
}

fn lead(measured: &Measured) -> String {
    let mut methods: Vec<&Scored> = measured.methods.iter().collect();
    methods.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    let told = |scored: &&Scored| format!("{} {:.1} %", scored.title(), 100.0 * scored.accuracy);
    match methods.as_slice() {
        [] => "Made worms alone: no named heads were given.".to_owned(),
        all => format!(
            "Names right: {}.",
            all.iter().map(told).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn by_method(methods: &[Scored]) -> Figure {
    let mut sorted: Vec<&Scored> = methods.iter().collect();
    sorted.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let place = |i: usize| i as f64;
    let mut panel = Panel::new("share of names right", "")
        .y_ticks(
            sorted
                .iter()
                .enumerate()
                .map(|(i, m)| (place(i), m.title()))
                .collect::<Vec<_>>(),
        )
        .x_range(0.0, 1.0)
        .y_range(-0.7, sorted.len() as f64 - 0.3)
        .size(640.0, 40.0 + 30.0 * sorted.len() as f64);
    let animals = |m: &Scored| {
        m.animals
            .iter()
            .map(crate::evaluate::Animal::accuracy)
            .collect::<Vec<f64>>()
    };
    for (i, method) in sorted.iter().enumerate() {
        let x = animals(method);
        panel = panel.series(
            Series::points(x.clone(), vec![place(i); x.len()])
                .mark(Mark::OpenPoints)
                .color(Color::Grey),
        );
    }
    for (i, method) in sorted.iter().enumerate() {
        let (low, high) = method.interval;
        let color = if method.method.starts_with("network") {
            Color::Blue
        } else {
            Color::Orange
        };
        panel = panel
            .series(Series::line(vec![low, high], vec![place(i); 2]).color(color))
            .series(Series::points(vec![method.accuracy], vec![place(i)]).color(color));
    }
    let best = sorted[sorted.len() - 1];
    Figure {
        name: "methods".to_owned(),
        title: format!(
            "{}: {:.1} % of the names are right",
            best.title(),
            100.0 * best.accuracy
        ),
        caption:
            "Grey: animals. Filled: mean with its 95 % interval over animals (Student's t); blue: network."
                .to_owned(),
        columns: 1,
        panels: vec![panel],
    }
}

/// The network's ways to be asked, without colour.
fn networks(methods: &[Scored]) -> impl Iterator<Item = &Scored> {
    methods.iter().filter(|m| m.method.starts_with("network"))
}

fn confidence_text(methods: &[Scored]) -> String {
    let told = |m: &Scored| {
        format!(
            "{}: expected calibration error {:.3}, {:.3} after scaling by a temperature that was fitted on the other half of the \
             animals ({:.2} and {:.2}).",
            m.title(),
            m.reliability.error,
            m.calibrated.error,
            m.temperatures[0],
            m.temperatures[1]
        )
    };
    networks(methods).map(told).collect::<Vec<_>>().join(" ")
}

fn confidence(methods: &[Scored]) -> Figure {
    let panel = |scored: &Scored| {
        let curve = |reliability: &crate::decide::Reliability| {
            let pairs = reliability.confidence.iter().zip(&reliability.accuracy);
            let filled = pairs.filter(|(c, _)| c.is_finite());
            filled
                .map(|(c, a)| (*c, *a))
                .unzip::<f64, f64, Vec<f64>, Vec<f64>>()
        };
        let (raw, scaled) = (curve(&scored.reliability), curve(&scored.calibrated));
        Panel::new("probability", "share right")
            .series(
                Series::line(vec![0.0, 1.0], vec![0.0, 1.0])
                    .mark(Mark::Dashed)
                    .color(Color::Grey),
            )
            .series(
                Series::line(raw.0, raw.1)
                    .mark(Mark::LineAndPoints)
                    .label("as it is")
                    .color(Color::Orange),
            )
            .series(
                Series::line(scaled.0, scaled.1)
                    .mark(Mark::LineAndPoints)
                    .label("scaled")
                    .color(Color::Blue),
            )
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0)
            .note(scored.title())
    };
    Figure {
        name: "confidence".to_owned(),
        title: "Probabilities of decisions against how often they are right".to_owned(),
        caption:
            "Ten equal bins of probability; scorable neurons of all animals. Dashed: perfect calibration."
                .to_owned(),
        columns: 2,
        panels: networks(methods).map(panel).collect(),
    }
}

fn made_text(made: &[MadePairs]) -> String {
    let told = |m: &MadePairs| {
        let n = m.accuracy.len();
        let mean = m.accuracy.iter().sum::<f64>() / n.max(1) as f64;
        format!(
            "{}: {:.1} % of the partners in {n} pairs.",
            m.method,
            100.0 * mean
        )
    };
    made.iter().map(told).collect::<Vec<_>>().join(" ")
}

fn made(made: &[MadePairs]) -> Figure {
    let edges: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
    let panel = |m: &MadePairs| {
        let mut heights = vec![0.0; 20];
        for accuracy in &m.accuracy {
            heights[((accuracy * 20.0) as usize).min(19)] += 1.0;
        }
        Panel::new("share right", "pairs")
            .bars(Bars {
                label: None,
                color: Color::Blue,
                edges: edges.clone(),
                heights,
            })
            .x_range(0.0, 1.0)
            .note(m.method)
    };
    Figure {
        name: "made".to_owned(),
        title: "Partners found in pairs of made worms".to_owned(),
        caption: "Worms that no network was trained on, the same pairs for all methods; one assignment with no counterpart allowed.".to_owned(),
        columns: 3,
        panels: made.iter().map(panel).collect(),
    }
}
