//! Figure 5 of the paper, the twenty cognitive tasks, with a smaller network and fewer trials than the paper's.

use super::{Frame, Row, Told, above, curves, section};
use crate::masse2018::{RATE_REWARD, XI};
use crate::recurrent::{RecurrentSettings, Teacher};
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_lab::error::Problem;
use neuropil_study::{Band, Claim, Found};
use neuropil_tasks::registry::MASSE;

/// Methods with their strengths c.
const METHODS: [(&str, f64); 4] = [("none", 0.0), ("si", 2.0), ("si+rule", 2.0), ("xdg+si", 2.0)];

fn settings(method: &str, strength: f64, seed: u64) -> RecurrentSettings {
    let mut settings = RecurrentSettings {
        seed,
        method: method.to_owned(),
        ..RecurrentSettings::default()
    };
    settings.stabilise.strength = strength;
    settings.tasks.test_trials = 256;
    settings
}

/// Size of network and training.
fn size(frame: &Frame<'_>, settings: &RecurrentSettings, paper: &str) -> String {
    let at_most = if settings.teacher == Teacher::Reward {
        "at most "
    } else {
        ""
    };
    format!(
        "LSTM of {} units, {at_most}{} batches of {} trials a task (the paper: {paper} of 256); means over {} seeds",
        settings.network.units,
        settings.training.batches,
        settings.training.batch,
        frame.seeds.len()
    )
}

/// Accuracy on each task after the last, a point for each condition.
fn dots(name: &str, rows: &[Row], names: &[String], caption: String) -> Figure {
    let x: Vec<f64> = (0..names.len()).map(|task| task as f64).collect();
    let panel = rows.iter().enumerate().fold(
        Panel::new("task", "accuracy after the last task"),
        |panel, (i, row)| {
            let seeds = row.last.len() as f64;
            let mean =
                (0..names.len()).map(|task| row.last.iter().map(|last| last[task]).sum::<f64>() / seeds);
            panel.series(
                Series::points(x.clone(), mean.collect::<Vec<f64>>())
                    .label(row.name.clone())
                    .color(Color::cycle(i)),
            )
        },
    );
    Figure {
        name: name.to_owned(),
        title: "Accuracy on each task after the last".to_owned(),
        caption,
        columns: 1,
        panels: vec![panel.y_range(0.0, 1.0)],
    }
}

/// Figure 5, taught what to do.
pub(super) fn targets(frame: &Frame<'_>) -> Result<Option<Told>, Problem> {
    let (batches, batch) = if frame.quick() { (150, 32) } else { (400, 64) };
    let of = |&(method, strength): &(&str, f64), seed| {
        let mut settings = settings(method, strength, seed);
        (settings.training.batches, settings.training.batch) = (batches, batch);
        settings
    };
    let shown = frame.resolved(&of(&METHODS[0], frame.seeds[0]))?;
    let names = shown.tasks.names.clone();
    let Some(rows) = frame.rows("cognitive", METHODS, |(method, _)| (*method).to_owned(), of)? else {
        return Ok(None);
    };
    let claim = |better: &str, worse: &str, what: &str| {
        above(
            &rows,
            better,
            worse,
            "Fig. 5",
            &format!("{} cognitive tasks: {what}", names.len()),
        )
    };
    let claims = vec![
        claim("si", "none", "synaptic intelligence against nothing"),
        claim(
            "xdg+si",
            "si",
            "gating with synaptic intelligence against without",
        ),
        claim("xdg+si", "si+rule", "gating against a rule signal"),
    ];
    let caption = || {
        format!(
            "{}; steps with an answer that are right. Tasks in order: {}.",
            size(frame, &shown, "6000"),
            names.join(", ").replace("masse-", "")
        )
    };
    let sections = vec![
        section(
            "Cognitive tasks, taught what to do (figure 5)",
            &rows,
            curves("cognitive", &rows, caption()),
        ),
        section(
            "The same, task by task",
            &[],
            dots("cognitive-tasks", &rows, &names, caption()),
        ),
    ];
    Ok(Some(Told {
        claims,
        sections,
        rows,
    }))
}

/// Figure 5, taught by reward.
pub(super) fn reward(frame: &Frame<'_>) -> Result<Option<Told>, Problem> {
    let (batches, batch, n) = if frame.quick() {
        (600, 64, 3)
    } else {
        (3000, 128, 6)
    };
    let methods = [("none", 0.0), ("xdg+si", 0.1)];
    let first: Vec<String> = MASSE[..n].iter().map(|&name| name.to_owned()).collect();
    let of = |&(method, strength): &(&str, f64), seed| {
        let mut settings = settings(method, strength, seed);
        settings.teacher = Teacher::Reward;
        settings.tasks.names.clone_from(&first);
        (settings.training.batches, settings.training.batch) = (batches, batch);
        (settings.training.rate, settings.stabilise.xi) = (RATE_REWARD, XI);
        settings.reward.window = 100;
        settings
    };
    let shown = frame.resolved(&of(&methods[0], frame.seeds[0]))?;
    let names = shown.tasks.names.clone();
    let n = names.len();
    let Some(rows) = frame.rows("reward", methods, |(method, _)| (*method).to_owned(), of)? else {
        return Ok(None);
    };
    let learnt = Found::each(rows[1].last.iter().map(|last| last[n - 1]).collect());
    let claims = vec![
        above(
            &rows,
            "xdg+si",
            "none",
            "Fig. 5",
            "by reward: gating with synaptic intelligence against nothing",
        ),
        Claim::new(
            "Fig. 5",
            format!("by reward: fraction of correct trials on the last of {n} tasks"),
            "≈ 0.96 over 20 tasks",
            Band::at_least(0.8),
            learnt,
        ),
    ];
    let caption = format!(
        "{}; fraction of correct trials. Tasks: {}.",
        size(frame, &shown, "50000"),
        names.join(", ")
    );
    let figure = curves("reward", &rows, caption);
    Ok(Some(Told {
        claims,
        sections: vec![section(
            "Cognitive tasks, taught by reward (figure 5)",
            &rows,
            figure,
        )],
        rows,
    }))
}
