//! Supervised learning: the gradient, and that it teaches.

use crate::support::Drawing;
use neuropil_learn::batch::TaskBatch;
use neuropil_learn::player::Player;
use neuropil_learn::supervised::{Lesson, update};
use neuropil_learn::validate::run;
use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Phase, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Network, Shape};
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;

fn player<R: Real>(task: &Task, n_units: usize, learning_rate: f64, noise_sd: f64) -> Player<R> {
    let shape = Shape {
        cell: Cell::Gated,
        n_units,
        n_inputs: task.n_inputs(),
        n_outputs: task.n_actions(),
    };
    let (mut params, mask) = Drawing::default().draw(shape, 2);
    for (i, w) in shape
        .layout()
        .view_mut(&mut params, "w_out")
        .iter_mut()
        .enumerate()
    {
        *w = 0.1 * (i as f64).sin();
    }
    let params = params.into_iter().map(R::of).collect();
    Player::new(
        Network::new(shape, mask, task.dt_ms / 100.0),
        params,
        learning_rate,
        noise_sd,
    )
}

#[test]
fn targets_are_the_correct_choice_and_fixation_everywhere_else() {
    let task = registry::find("rdm", None).unwrap();
    for number in 0..50 {
        let trial = task.draw(&mut Key::new(number).stream(Purpose::Condition, 0));
        let decision = trial.epochs[2].expect("a decision");
        for t in 0..trial.n_steps {
            let row = trial.row_at(t);
            if t == trial.n_steps - 1 {
                assert_eq!(row.target, None);
            } else if (decision.0..decision.1).contains(&t) {
                let target = row.target_action().expect("a target");
                assert_eq!(row.outcomes[target].correct, Some(true));
            } else {
                assert_eq!(row.target_action(), Some(0));
            }
        }
    }
}

#[test]
fn the_gradient_agrees_with_differences() {
    let task = registry::find("rdm", Some(50.0)).unwrap();
    let key = Key::new(5);
    let batch = TaskBatch::draw(&task, key, 3);
    let loss = |params: Option<&[f64]>| {
        let mut policy = player::<f64>(&task, 4, 0.0, 0.1);
        if let Some(params) = params {
            policy.set_params(params);
        }
        let mut lesson = Lesson::<f64, 8>::new(&policy.network, 3, task.n_steps);
        let report = update(&mut policy, &batch, key, 1e9, &mut lesson);
        (report.policy_loss, lesson.gradient().to_vec(), policy.params)
    };
    let (_, gradient, params) = loss(None);
    let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    for i in 0..params.len() {
        let at = |step: f64| {
            let mut moved = params.clone();
            moved[i] += step;
            loss(Some(&moved)).0
        };
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!(
            (difference - gradient[i]).abs() < 1e-6 * largest.max(1e-2),
            "parameter {i}"
        );
    }
}

#[test]
fn a_network_that_is_told_what_to_do_learns_it() {
    let task = registry::find("go-nogo", Some(50.0)).unwrap();
    let mut policy = player::<f32>(&task, 30, 0.01, 0.05);
    let mut lesson = Lesson::<f32, 8>::new(&policy.network, 16, task.n_steps);
    let mut losses = Vec::new();
    for number in 0..150 {
        let key = Key::new(1).at(number);
        let batch = TaskBatch::draw(&task, key, 16);
        losses.push(update(&mut policy, &batch, key, 1.0, &mut lesson).policy_loss);
    }
    assert!(losses[149] < 0.3 * losses[0], "{} to {}", losses[0], losses[149]);
    let key = Key::new(1).phase(Phase::Validate);
    let batch = TaskBatch::draw(&task, key, 300);
    let performance =
        run(&policy.network, policy.noise_sd, &batch, 0.0, key).performance(&task, &batch.trials);
    let quantities = &performance.quantities;
    assert!(
        quantities["hits"] > 0.6 && quantities["false_alarms"] < 0.4,
        "{quantities:?}"
    );
}
