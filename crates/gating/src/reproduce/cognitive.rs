//! Figure 5 of the paper, the twenty cognitive tasks, with a smaller network and fewer trials than the paper's.

use super::{Frame, Row, Told, above, curves, section};
use crate::masse2018::{RATE_REWARD, XI};
use crate::recurrent::{Recurrent, RecurrentSettings, Teacher};
use crate::sequence::Experiment;
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
    let (batches, batch) = if frame.quick { (150, 32) } else { (400, 64) };
    let mut rows = Vec::new();
    for (method, strength) in METHODS {
        let of = |seed| -> Box<dyn Experiment> {
            let mut settings = settings(method, strength, seed);
            (settings.training.batches, settings.training.batch) = (batches, batch);
            Box::new(Recurrent::new(settings))
        };
        let Some(row) = frame.row(method, &of)? else {
            return Ok(None);
        };
        rows.push(row);
    }
    let claims = vec![
        above(
            &rows,
            "si",
            "none",
            "Fig. 5",
            "20 cognitive tasks: synaptic intelligence against nothing",
        ),
        above(
            &rows,
            "xdg+si",
            "si",
            "Fig. 5",
            "20 cognitive tasks: gating with synaptic intelligence against without",
        ),
        above(
            &rows,
            "xdg+si",
            "si+rule",
            "Fig. 5",
            "20 cognitive tasks: gating against a rule signal",
        ),
    ];
    let names = MASSE.map(str::to_owned);
    let caption = || {
        format!(
            "LSTM of 256 units, {batches} batches of {batch} trials a task (the paper: 6000 of 256); means over {} seeds; steps with an answer that are right. Tasks in order: {}.",
            frame.seeds.len(),
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
    let (batches, batch, n) = if frame.quick { (600, 64, 3) } else { (3000, 128, 6) };
    let names: Vec<String> = MASSE[..n].iter().map(|&name| name.to_owned()).collect();
    let mut rows = Vec::new();
    for (method, strength) in [("none", 0.0), ("xdg+si", 0.1)] {
        let of = |seed| -> Box<dyn Experiment> {
            let mut settings = settings(method, strength, seed);
            settings.teacher = Teacher::Reward;
            settings.tasks.names.clone_from(&names);
            (settings.training.batches, settings.training.batch) = (batches, batch);
            (settings.training.rate, settings.stabilise.xi) = (RATE_REWARD, XI);
            settings.reward.window = 100;
            Box::new(Recurrent::new(settings))
        };
        let Some(row) = frame.row(method, &of)? else {
            return Ok(None);
        };
        rows.push(row);
    }
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
        "LSTM of 256 units, at most {batches} batches of {batch} trials a task (the paper: 50000 of 256); means over {} seeds; fraction of correct trials. Tasks: {}.",
        frame.seeds.len(),
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
