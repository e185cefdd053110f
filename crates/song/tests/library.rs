//! Every task of the library gets analyses that fit it, whatever its factors are called.

use neuropil_learn::player::Player;
use neuropil_learn::train::Progress;
use neuropil_song::analysis::Focus;
use neuropil_song::model::draw_players;
use neuropil_song::report::analyse;
use neuropil_song::resolve::resolve;
use neuropil_song::testing::{Fixed, record_activity, test};
use neuropil_song::train::rules;
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;

/// Analyses that every task gets at least, those of its training and weights aside.
const FEWEST: usize = 6;

/// A policy that chooses at any time, so that trials end in every way.
fn restless(task: &Task, policy: &mut Player<f32>) {
    let layout = policy.network.layout().clone();
    let mut params = policy.params.clone();
    for (i, weight) in layout.view_mut(&mut params, "w_out").iter_mut().enumerate() {
        *weight = 0.3 * (i as f32).sin();
    }
    // About one choice in the steps of a trial; in a world, one in two steps.
    let steps = if task.world.is_some() {
        1.0
    } else {
        task.n_steps as f32
    };
    let choices = task.n_actions() as f32 - 1.0;
    layout.view_mut(&mut params, "b_out")[0] = (choices * steps).ln();
    policy.set_params(&params);
}

#[test]
fn every_task_of_the_library_gets_six_analyses_that_fit_it() {
    let mut lacking = Vec::new();
    for name in registry::names() {
        let task = registry::find(name, None).unwrap();
        let small = [
            "policy.units=12",
            "policy.connection_probability=0.5",
            "value.units=12",
        ];
        let config = resolve(&task, |layers| {
            small.iter().try_for_each(|setting| layers.set(setting))
        });
        let config = config.unwrap().value;
        let (mut policy, value) = draw_players(&config, &task, 0).unwrap();
        restless(&task, &mut policy);
        let each = |all: usize| all.div_ceil(task.n_conditions());
        let (tests, recordings) = if task.world.is_some() {
            (40, 12)
        } else {
            (each(1500), each(400))
        };
        let rules = rules(&config, &task);
        let tested = test(&policy, &task, 1, tests, &Fixed::new(), false);
        // In a world time counts in steps, and every one is kept, as by default.
        let every = if task.world.is_some() {
            1
        } else {
            ((50.0 / task.dt_ms).round() as usize).max(1)
        };
        let recorded = record_activity(
            (&policy, &value),
            &task,
            1,
            recordings,
            &Fixed::new(),
            every,
            &rules,
        );
        let made = analyse(
            &task,
            1,
            &tested.behaviour(&task),
            Some(&recorded),
            &Progress::default(),
            Some((&policy, &value)),
            &[],
            &Focus::of(&task),
            Default::default(),
        );
        let fit: Vec<&str> = made
            .iter()
            .map(|made| made.analysis.name)
            .filter(|name| !["learning-curve", "weights"].contains(name))
            .collect();
        for made in &made {
            let figure = made.figure.as_ref().expect("what was found is drawn");
            assert!(
                figure.to_svg().is_ok(),
                "{name}: {}: {:?}",
                made.analysis.name,
                figure.to_svg().err()
            );
        }
        if fit.len() < FEWEST {
            lacking.push(format!("{name}: {}", fit.join(", ")));
        }
    }
    assert!(
        lacking.is_empty(),
        "fewer than {FEWEST} analyses:\n{}",
        lacking.join("\n")
    );
}
