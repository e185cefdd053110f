//! The page of a reproduction: claims first, then figures and tables in the paper's order.

use neuropil_draw::{Color, Figure, Mark, Panel, Report, ReportTable, Section, Series};

use super::{PLAN, RunResult};
use crate::analysis::learning_curve::LearningCurve;
use crate::analysis::{Finding, named};
use crate::figures::{Origin, figure};
use neuropil_study::{Claim, Verdict, claims_table};

/// One part of the paper: heading, task, analyses shown of the main network; `learning` shows all networks.
struct Part {
    heading: &'static str,
    task: &'static str,
    analyses: &'static [&'static str],
}

const LEARNING: &str = "learning";
const CUES: &str = "cue-combination";

const PARTS: [Part; 16] = [
    part(
        "Figure 1. Perceptual decision",
        "rdm",
        &[
            "single-trial",
            "accuracy-duration",
            "psychometric",
            "unit-activity",
        ],
    ),
    part("Figure 1, supplement 1. Learning", "rdm", &[LEARNING]),
    part(
        "Figure 1, supplement 2. Reaction-time version",
        "rdm-rt",
        &["chronometric", "psychometric", "unit-activity"],
    ),
    part(
        "Figure 1, supplement 3. Learning, reaction-time version",
        "rdm-rt",
        &[LEARNING],
    ),
    part(
        "Figure 1, supplement 4. Learning with a linear value network",
        "rdm-linear-value",
        &[LEARNING],
    ),
    part(
        "Figure 2. Context-dependent integration",
        "mante",
        &["psychometric", "unit-activity"],
    ),
    part(
        "Figure 2. Multisensory integration",
        "multisensory",
        &["psychometric", CUES, "unit-activity"],
    ),
    part(
        "Figure 2. Parametric working memory",
        "romo",
        &["pair-performance", "unit-activity", "delay-tuning"],
    ),
    part(
        "Figure 2, supplement. Learning: context-dependent integration",
        "mante",
        &[LEARNING],
    ),
    part(
        "Figure 2, supplement. Learning: multisensory integration",
        "multisensory",
        &[LEARNING],
    ),
    part(
        "Figure 2, supplement. Learning: parametric working memory",
        "romo",
        &[LEARNING],
    ),
    part("Figure 2, supplement. State space", "mante", &["state-space"]),
    part("Figure 3. Confidence", "wager", &["wager", "unit-activity"]),
    part(
        "Figure 3, supplement. Predicted reward as confidence",
        "wager",
        &["value-trace", "delay-value", LEARNING],
    ),
    part(
        "Figure 3, supplement. Linear value network on the wager",
        "wager-linear-value",
        &[LEARNING],
    ),
    part(
        "Figure 4. Economic choice",
        "economic",
        &["choice-pattern", "unit-values", LEARNING],
    ),
];

const fn part(heading: &'static str, task: &'static str, analyses: &'static [&'static str]) -> Part {
    Part {
        heading,
        task,
        analyses,
    }
}

/// Table 2 of the paper, main network first: σ visual, auditory, both in events/s.
const PUBLISHED_SIGMA: [[f64; 3]; 6] = [
    [2.124, 2.099, 1.451],
    [2.107, 2.086, 1.448],
    [2.276, 2.128, 1.552],
    [2.118, 2.155, 1.508],
    [2.077, 2.171, 1.582],
    [2.088, 2.149, 1.480],
];

/// Table 1: name, the paper's value, ours by default.
const PARAMETERS: [(&str, &str); 10] = [
    ("learning rate", "0.004 (0.002 in parametric working memory)"),
    ("longest gradient", "1"),
    ("units", "100 (150 in multisensory integration)"),
    ("connection probability, policy", "0.1"),
    ("connection probability, value network", "1"),
    ("time step", "10 ms"),
    ("time constant of the units", "100 ms"),
    ("variance of recurrent noise", "0.01"),
    ("spectral radius at the start", "2"),
    ("trials per update", "the number of conditions"),
];

/// The page of the given runs; the first run of a task is its main network.
pub fn page(runs: &[RunResult], claims: &[Claim], quick: bool, details: Vec<(String, String)>) -> Report {
    let of = |task: &str| -> Vec<&RunResult> { runs.iter().filter(|run| run.task == task).collect() };
    let count = |verdict: Verdict| claims.iter().filter(|claim| claim.verdict() == verdict).count();
    let (within, outside, open) = (
        count(Verdict::InBand),
        count(Verdict::Outside),
        count(Verdict::NotMeasured),
    );
    let seeds = PLAN
        .iter()
        .map(|planned| of(planned.task).len())
        .max()
        .unwrap_or(0);
    let mut lead = format!(
        "Song, Yang & Wang, Reward-based training of recurrent neural networks for cognitive and value-based tasks, eLife \
         6:e21492 (2017), reproduced with up to {seeds} networks a task: {within} of {} claims in band, {outside} outside, \
         {open} not measured.",
        claims.len()
    );
    if quick {
        lead.push_str(" This is the quick version: few test trials.");
    }
    let mut sections = vec![Section {
        title: "Claims".to_owned(),
        text: "The paper's value or statement beside ours: mean ± sd over the networks that met their criterion, and how many \
               of them lie in the band. A claim is in band when more than half of them do. Where the paper gives no number \
               the band is ours."
            .to_owned(),
        figure: None,
        table: Some(claims_table(claims)),
    }];
    for part in &PARTS {
        let runs = of(part.task);
        for name in part.analyses {
            sections.extend(section(part, name, &runs));
        }
    }
    sections.push(Section {
        title: "Table 1. Parameters".to_owned(),
        text: "The paper's settings are the defaults; `config.toml` of each run lists all of them."
            .to_owned(),
        figure: None,
        table: Some(ReportTable {
            headers: vec!["parameter".to_owned(), "value".to_owned()],
            rows: PARAMETERS
                .iter()
                .map(|(name, value)| vec![(*name).to_owned(), (*value).to_owned()])
                .collect(),
            csv_name: None,
        }),
    });
    sections.push(sigma_table(&of("multisensory")));
    Report {
        title: "Song, Yang & Wang 2017, reproduced".to_owned(),
        lead,
        facts: vec![
            (
                "claims in band".to_owned(),
                format!("{within} of {}", claims.len()),
            ),
            ("networks".to_owned(), runs.len().to_string()),
            (
                "criterion met".to_owned(),
                format!(
                    "{} of {}",
                    runs.iter().filter(|run| run.criterion_met).count(),
                    runs.len()
                ),
            ),
        ],
        sections,
        details,
    }
}

fn section(part: &Part, name: &str, runs: &[&RunResult]) -> Option<Section> {
    let main = runs.first()?;
    let drawn = if name == LEARNING {
        learning(part.task, runs)?
    } else {
        let (analysis, finding) = (named(name)?, main.findings.get(name)?);
        let origin = Origin {
            task: main.task.clone(),
            seed: main.seed,
            n_trials: main.n_trials,
            n_recorded: main.n_recorded,
            threshold: main.threshold,
            ..Origin::default()
        };
        figure(analysis, finding, &origin)
    };
    let title = format!("{}: {}", part.heading, drawn.title);
    Some(Section {
        title,
        text: String::new(),
        figure: Some(Figure {
            name: format!("{}-{}", part.task, drawn.name),
            title: String::new(),
            ..drawn
        }),
        table: None,
    })
}

/// Learning curves of all networks: the main one black, the others grey, a dot at each end.
fn learning(task: &str, runs: &[&RunResult]) -> Option<Figure> {
    let curves = runs
        .iter()
        .filter_map(|run| match run.findings.get("learning-curve")? {
            Finding::LearningCurve(curve) => Some((*run, curve)),
            _ => None,
        });
    let curves: Vec<(&RunResult, &LearningCurve)> = curves.collect();
    let (main, _) = curves.first()?;
    let label = "Training trials (thousands)";
    let mut reward = Panel::new(label, "Mean reward per trial")
        .y_range(-1.0, 1.0)
        .h_line(0.0);
    let mut accuracy = Panel::new(label, "Correct (%)").y_range(40.0, 100.0);
    if let Some(threshold) = main.threshold {
        accuracy = accuracy.h_line(100.0 * threshold);
    }
    for (i, (_, curve)) in curves.iter().enumerate().rev() {
        let color = if i == 0 { Color::Black } else { Color::Grey };
        let thousands: Vec<f64> = curve.n_trials.iter().map(|&n| n as f64 / 1000.0).collect();
        let correct = thousands.iter().zip(&curve.fraction_correct);
        let correct = correct.filter_map(|(&x, correct)| Some((x, 100.0 * (*correct)?)));
        let (x, y): (Vec<f64>, Vec<f64>) = correct.unzip();
        let dot = |x: &[f64], y: &[f64]| {
            let end = x
                .last()
                .zip(y.last())
                .map(|(&x, &y)| (vec![x], vec![y]))
                .unwrap_or_default();
            Series::points(end.0, end.1).color(color)
        };
        reward = reward
            .series(Series::line(thousands.clone(), curve.mean_reward.clone()).color(color))
            .series(dot(&thousands, &curve.mean_reward));
        accuracy = accuracy
            .series(Series::line(x.clone(), y.clone()).color(color).mark(Mark::Line))
            .series(dot(&x, &y));
    }
    let met: Vec<f64> = runs
        .iter()
        .filter(|run| run.criterion_met)
        .map(|run| run.trials as f64)
        .collect();
    let mean = met.iter().sum::<f64>() / met.len().max(1) as f64;
    let title = match met.len() {
        0 => format!("the criterion was not met by {} networks", runs.len()),
        1 => format!("{mean:.0} trials to criterion ({} of {} networks)", 1, runs.len()),
        n => {
            let sd = (met.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0)).sqrt();
            format!(
                "{mean:.0} ± {sd:.0} trials to criterion (mean ± sd, {n} of {} networks)",
                runs.len()
            )
        }
    };
    let seeds: Vec<String> = runs.iter().map(|run| run.seed.to_string()).collect();
    Some(Figure {
        name: LEARNING.to_owned(),
        title,
        caption: format!(
            "Mean reward (a) and fraction correct (b, where the mean reward is above 0) in validation trials; black: main \
             network, grey: the others; line in b: the criterion. {task}, seeds {}; {} networks were drawn anew.",
            seeds.join(", "),
            runs.iter().map(|run| run.restarts).sum::<u64>()
        ),
        columns: 2,
        panels: vec![reward, accuracy],
    })
}

/// Table 2: thresholds of the paper's networks beside ours.
fn sigma_table(runs: &[&RunResult]) -> Section {
    let row = |who: String, [visual, auditory, both]: [f64; 3]| {
        vec![
            who,
            format!("{visual:.3}"),
            format!("{auditory:.3}"),
            format!("{both:.3}"),
            format!("{:.3}", visual.powi(-2) + auditory.powi(-2)),
            format!("{:.3}", both.powi(-2)),
        ]
    };
    let published = PUBLISHED_SIGMA.iter().enumerate();
    let mut rows: Vec<Vec<String>> = published
        .map(|(i, sigma)| row(format!("paper, network {}", i + 1), *sigma))
        .collect();
    for run in runs {
        if let Some(Finding::CueCombination(found)) = run.findings.get(CUES) {
            rows.push(row(
                format!("here, seed {}", run.seed),
                [found.visual, found.auditory, found.both],
            ));
        }
    }
    Section {
        title: "Table 2. Optimality of multisensory integration".to_owned(),
        text: "Thresholds σ in events/s with one cue and with both; independent cues combine best when the last two columns \
               are equal."
            .to_owned(),
        figure: None,
        table: Some(ReportTable {
            headers: ["network", "σ visual", "σ auditory", "σ both", "1/σv² + 1/σa²", "1/σ both²"]
                .map(str::to_owned)
                .to_vec(),
            rows,
            csv_name: Some("table-2.csv".to_owned()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::claims;

    #[test]
    fn every_part_names_a_planned_task_and_known_analyses() {
        for part in &PARTS {
            assert!(
                PLAN.iter().any(|planned| planned.task == part.task),
                "{}",
                part.task
            );
            for name in part.analyses {
                assert!(*name == LEARNING || named(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_published_table_is_consistent_with_itself() {
        let table = sigma_table(&[]).table.unwrap();
        assert_eq!(table.rows[0][4..], ["0.449", "0.475"]);
        assert_eq!(table.rows[4][4..], ["0.444", "0.400"]);
    }

    #[test]
    fn a_page_without_runs_says_so() {
        let page = page(&[], &claims(&[]), true, Vec::new());
        assert!(page.lead.contains("0 of"), "{}", page.lead);
        assert!(page.lead.contains("quick"));
        assert_eq!(page.sections.len(), 3);
        page.to_html().unwrap();
    }
}
