//! Figures of the networks themselves.

use super::{Drawn, Origin};
use crate::analysis::proportion::Proportion;
use crate::analysis::psychometric::Psychometric;
use crate::analysis::weights::{Block, Weights};
use crate::fixed_points::{FixedPoints, Kind};
use neuropil_draw::{Bars, Color, Figure, Mark, Panel, Series};

pub(super) fn weights(r: &Weights) -> Drawn {
    let panels = r.blocks.iter().map(|block| {
        let middle = block.counts.len() / 2;
        let bars = |from: usize, to: usize, color: Color| Bars {
            label: None,
            color,
            edges: block.edges[from..=to].to_vec(),
            heights: block.counts[from..to].iter().map(|&n| n as f64).collect(),
        };
        Panel::new(
            format!("Weight, {} ({})", block.name, block.network),
            "Number of weights",
        )
        .bars(bars(0, middle, Color::Vermillion))
        .bars(bars(middle, block.counts.len(), Color::Blue))
        .note(format!(
            "{:.0} % positive, spectral radius {:.2}",
            100.0 * block.n_positive as f64 / block.n_weights.max(1) as f64,
            block.spectral_radius
        ))
    });
    let radius = |block: &Block| format!("{:.2}", block.spectral_radius);
    let policy: Vec<String> = r
        .blocks
        .iter()
        .filter(|block| block.network == "policy")
        .map(radius)
        .collect();
    let title = format!(
        "Spectral radii of the policy after training: {}",
        policy.join(", ")
    );
    let what = "Weights that exist in each recurrent block after training; blue: positive, vermillion: negative. Before \
                training the spectral radius was that of the settings, 2 unless they say otherwise.";
    (title, panels.collect(), what.to_owned())
}

/// Fixed and slow points in the state space, and the eigenvalues at the points of lowest speed.
pub fn fixed_points(r: &FixedPoints, origin: &Origin) -> Figure {
    let share =
        |c: usize| 100.0 * r.components.variances[c] / r.components.total_variance.max(f64::MIN_POSITIVE);
    let mut space = Panel::new(
        format!("Component 1 ({:.0} % of variance)", share(0)),
        format!(
            "Component 2 ({:.0} %)",
            if r.components.variances.len() > 1 {
                share(1)
            } else {
                0.0
            }
        ),
    );
    let place = |place: &[f64]| (place[0], place.get(1).copied().unwrap_or(0.0));
    let told = |positive: bool| match r.courses.iter().any(|course| !course.positive) {
        false => "mean courses",
        true if positive => "mean courses, positive choice",
        true => "mean courses, negative choice",
    };
    // Courses that can be told apart by colours are.
    let few = r.courses.len() <= 8 && r.courses.iter().all(|course| course.positive);
    for (i, course) in r.courses.iter().enumerate() {
        let (x, y): (Vec<f64>, Vec<f64>) = course.places.iter().map(|at| place(at)).unzip();
        let mark = if course.positive { Mark::Line } else { Mark::Dashed };
        if few {
            space = space.series(
                Series::line(x, y)
                    .color(Color::cycle(i))
                    .label(course.group.clone()),
            );
            continue;
        }
        let line = Series::line(x, y).mark(mark).color(Color::Grey);
        let first = r.courses[..i]
            .iter()
            .all(|other| other.positive != course.positive);
        space = space.series(if first {
            line.label(told(course.positive))
        } else {
            line
        });
    }
    let mut spectrum = Panel::new("Re eigenvalue (1/τ)", "Im eigenvalue (1/τ)")
        .v_line(0.0)
        .h_line(0.0);
    // Stable points are few and what is looked for: nothing is drawn over them.
    for (kind, name, mark, color) in [
        (Kind::Slow, "slow", Mark::OpenPoints, Color::Orange),
        (Kind::Unstable, "unstable", Mark::OpenPoints, Color::Vermillion),
        (Kind::Stable, "stable", Mark::Points, Color::Blue),
    ] {
        let points: Vec<_> = r.points.iter().filter(|point| point.kind == kind).collect();
        if points.is_empty() {
            continue;
        }
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().map(|point| place(&point.place)).unzip();
        space = space.series(Series::points(x, y).mark(mark).color(color).label(name));
        let (x, y): (Vec<f64>, Vec<f64>) = points
            .iter()
            .flat_map(|point| point.eigenvalues.iter().copied())
            .unzip();
        spectrum = spectrum.series(Series::points(x, y).mark(mark).color(color).label(name));
    }
    let count = |kind: Kind| r.points.iter().filter(|point| point.kind == kind).count();
    let inputs: Vec<String> = r
        .inputs
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    Figure {
        name: "fixed-points".to_owned(),
        title: format!(
            "{} stable and {} unstable fixed points, {} slow ones",
            count(Kind::Stable),
            count(Kind::Unstable),
            count(Kind::Slow)
        ),
        caption: format!(
            "Ends of {} descents of the speed under constant input ({}); slow: |g| a hundredth of its median along the mean courses or \
             less; in the principal components of the rates visited \
             in {} recorded trials (a; lines: mean courses of groups of trials), and eigenvalues of the Jacobian at each point (b; \
             τ = {} ms). {} descents ended at no such point. {}, seed {}.",
            r.n_starts,
            inputs.join(", "),
            origin.n_recorded,
            r.tau_ms,
            r.n_lost,
            origin.task,
            origin.seed
        ),
        columns: 2,
        panels: vec![space, spectrum],
    }
}

/// Choices of the trials left alone and of the same trials probed, against the stimulus; none without a stimulus axis.
pub fn probe(intact: &Psychometric, probed: &Psychometric, what: &str, origin: &Origin) -> Figure {
    let panels = intact.curves.iter().zip(&probed.curves).map(|(before, after)| {
        let panel = Panel::new(
            intact.stimulus.clone(),
            format!("Choices of {} (%)", intact.choice),
        )
        .y_range(0.0, 100.0);
        let panel = if before.name.is_empty() {
            panel
        } else {
            panel.note(before.name.clone())
        };
        [
            (before, "control", Color::Black),
            (after, "probed", Color::Vermillion),
        ]
        .into_iter()
        .fold(panel, |panel, (curve, name, color)| {
            let known = curve
                .points
                .iter()
                .filter_map(|point| Some((point.stimulus, point.positive?)));
            let (x, p): (Vec<f64>, Vec<Proportion>) = known.unzip();
            let y: Vec<f64> = p.iter().map(|p| 100.0 * p.value).collect();
            let error: Vec<(f64, f64)> = p
                .iter()
                .map(|p| (100.0 * p.interval.low, 100.0 * p.interval.high))
                .collect();
            let mark = if curve.is_fitted() {
                Mark::Points
            } else {
                Mark::LineAndPoints
            };
            let dots = Series::points(x, y)
                .mark(mark)
                .color(color)
                .error(error)
                .label(name);
            let (x, y): (Vec<f64>, Vec<f64>) = curve.line.iter().map(|&(x, p)| (x, 100.0 * p)).unzip();
            if x.is_empty() {
                panel
            } else {
                panel.series(Series::line(x, y).color(color))
            }
            .series(dots)
        })
    });
    let panels: Vec<Panel> = panels.collect();
    Figure {
        name: "probe".to_owned(),
        title: format!("Choices under: {what}"),
        caption: format!(
            "Choices of {} among decided trials of the control ({} of {}) and probed ({} of {}) in the same \
             trials: {what}. Bars: 95 % Wilson intervals; lines: cumulative Gaussian, least squares, or from point to point where it \
             cannot be fitted. {}, seed {}.",
            intact.choice,
            intact.n_decided,
            intact.n_trials,
            probed.n_decided,
            probed.n_trials,
            origin.task,
            origin.seed
        ),
        columns: panels.len().min(2),
        panels,
    }
}
