//! The tables of the library against the twenty tasks written out, and their draws against their probabilities.

use crate::masse::{Condition, FIXATE, NAMES, Rules, Task as Written};
use neuropil_gating::masse2018::cognitive::{COHERENCES, DEAD, DELAYS, STEPS};
use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::registry::{MASSE, find};
use neuropil_tasks::task::Task;
use neuropil_tasks::trial::Trial;

const N: u64 = 10_000;

/// A quantity of a trial: a factor, or what is recorded; 0 if the task has none of the name.
fn of(task: &Task, trial: &Trial, name: &str) -> f64 {
    let factors = task
        .columns()
        .map(|column| column.name.as_str())
        .zip(&trial.condition.values);
    let all = factors.chain(task.recorded().zip(&trial.recorded));
    all.into_iter()
        .find(|(own, _)| *own == name)
        .map_or(0.0, |(_, &value)| value)
}

/// Steps of an epoch.
fn lasts(task: &Task, trial: &Trial, name: &str) -> usize {
    let epoch = task.epochs.iter().position(|epoch| epoch.name == name);
    let span = epoch.and_then(|epoch| trial.epochs[epoch]);
    span.map_or(0, |(from, to)| to - from)
}

/// The condition that a trial was made of, as the written-out tasks take it.
fn condition(task: &Task, trial: &Trial) -> Condition {
    let of = |name: &str| of(task, trial, name);
    let eighth = |name: &str| (of(name) / 45.0) as usize;
    Condition {
        modality: (of("ring") as usize).saturating_sub(1),
        dir: eighth("direction"),
        onset_ms: of("onset") as usize,
        delay: lasts(task, trial, "delay"),
        duration: lasts(task, trial, "stimulus"),
        theta1: of("theta1").to_radians(),
        theta2: of("theta2").to_radians(),
        c1: of("c1"),
        c2: of("c2"),
        gamma: of("gamma"),
        dir1: eighth("sample"),
        dir2: eighth("test"),
    }
}

fn trials(name: &str, n: u64) -> (Task, Vec<Trial>) {
    let task = find(name, None).unwrap();
    let draw = |index| task.draw(&mut Key::new(7).stream(Purpose::Condition, index));
    let trials = (0..n).map(draw).collect();
    (task, trials)
}

#[test]
fn tables_show_want_and_pay_what_the_written_out_tasks_do() {
    for (name, written) in MASSE.iter().zip(NAMES) {
        let (task, trials) = trials(name, 300);
        let written = Written::named(written);
        for (index, trial) in trials.iter().enumerate() {
            let expected = written.trial(&condition(&task, trial));
            let rewards = expected.rewards(Rules::Strict);
            assert_eq!(trial.n_steps, STEPS);
            for step in 0..STEPS {
                let row = trial.row_at(step);
                let what = format!("{name}, trial {index}, step {step}");
                let shown = &expected.inputs[step * row.inputs.len()..][..row.inputs.len()];
                let apart = row
                    .inputs
                    .iter()
                    .zip(shown)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f64::max);
                assert!(apart < 1e-9, "{what}: inputs differ by {apart}");
                // Their outputs are directions, then to fixate; ours to fixate, then directions.
                let ours = |theirs: usize| if theirs == FIXATE { 0 } else { theirs + 1 };
                assert_eq!(row.target_action(), Some(ours(expected.targets[step])), "{what}");
                assert_eq!(row.weight, if step < DEAD { 0.0 } else { 1.0 }, "{what}");
                for (theirs, &reward) in rewards[step].iter().enumerate() {
                    let outcome = row.outcomes[ours(theirs)];
                    let paid = if step < DEAD { 0.0 } else { reward };
                    assert_eq!(outcome.reward, paid, "{what}, output {theirs}");
                    assert_eq!(
                        outcome.ends,
                        paid != 0.0 || step + 1 == STEPS,
                        "{what}, output {theirs}"
                    );
                }
            }
        }
    }
}

/// A count within four standard errors of its probability.
fn as_often(what: &str, count: usize, p: f64) {
    let n = N as f64;
    let error = (count as f64 - n * p).abs() / (n * p * (1.0 - p)).sqrt();
    assert!(error < 4.0, "{what}: {count} of {n}, p = {p}");
}

#[test]
fn conditions_are_drawn_with_their_probabilities() {
    let counted = |name: &str| {
        let (task, trials) = trials(name, N);
        move |what: &dyn Fn(&Condition) -> bool| {
            trials
                .iter()
                .filter(|trial| what(&condition(&task, trial)))
                .count()
        }
    };
    let go = counted("masse-go");
    (0..8).for_each(|dir| as_often("direction", go(&|c| c.dir == dir), 0.125));
    (20..70).for_each(|step| as_often("onset", go(&|c| c.onset_ms / 20 == step), 0.02));
    as_often("ring", go(&|c| c.modality == 1), 0.5);
    let dm = counted("masse-dm1");
    COHERENCES
        .iter()
        .for_each(|&c1| as_often("coherence", dm(&|c| c.c1 == c1), 1.0 / 6.0));
    DELAYS
        .iter()
        .for_each(|&d| as_often("duration", dm(&|c| c.duration == d), 1.0 / 3.0));
    for eighth in 0..8 {
        let apart =
            dm(&|c| ((c.theta2 - c.theta1).to_degrees().rem_euclid(360.0) / 45.0).round() as usize == eighth);
        if (2..6).contains(&eighth) {
            as_often("apart", apart, 0.25);
        } else {
            assert_eq!(apart, 0);
        }
    }
    let both = counted("masse-multsen-dm");
    assert_eq!(both(&|c| c.c1 + c.c2 == 0.0), 0);
    COHERENCES
        .iter()
        .for_each(|&c1| as_often("coherence without ties", both(&|c| c.c1 == c1), 1.0 / 6.0));
    as_often("matches", counted("masse-dms")(&|c| c.dir1 == c.dir2), 0.5);
    as_often(
        "same category",
        counted("masse-dmc")(&|c| (c.dir1 < 4) == (c.dir2 < 4)),
        0.5,
    );
    let delayed = counted("masse-dm2-dly");
    let within =
        delayed(&|c| (89.999..270.001).contains(&(c.theta2 - c.theta1).to_degrees().rem_euclid(360.0)));
    assert_eq!(within, N as usize);
}
