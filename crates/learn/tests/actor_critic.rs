//! Losses on unrolled trials against numbers computed elsewhere and against differences.

use neuropil_learn::actor_critic::{ActorCritic, Episodes, Objective};
use neuropil_learn::batch::{Batch, TaskBatch};
use neuropil_learn::targets::{Targets, Wanted};
use neuropil_learn::unroll::{Runner, Unrolled};
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::check::worst_difference;
use neuropil_nn::network::{Mask, Network, Shape};
use neuropil_tasks::environment::Environment;
use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use rand::RngExt;

const OBJECTIVE: Objective = Objective {
    discount: 0.9,
    value_cost: 0.01,
    entropy_cost: 0.001,
    epsilon: 1e-7,
    first_action: 1,
    free_steps: 2,
};

fn numbers(n: usize, size: f64, seed: u64) -> Vec<f64> {
    let mut rng = Key::new(seed).stream(Purpose::Test, 0);
    (0..n).map(|_| rng.random_range(-size..size)).collect()
}

fn network(task: &Task, n_outputs: usize) -> (Network<f64>, Vec<f64>) {
    let shape = Shape {
        cell: Cell::Lstm,
        n_units: 5,
        n_inputs: task.n_inputs(),
        n_outputs,
    };
    let n = shape.layout().len();
    (Network::new(shape, Mask(vec![true; n]), 0.5), numbers(n, 0.7, 3))
}

/// The loss written out from its definition, every lane and step alone.
fn textbook<const L: usize>(
    objective: &Objective,
    episodes: &Episodes<L>,
    outputs: &[f64],
    n: f64,
) -> [f64; 3] {
    let n_steps = episodes.actions.len();
    let width = outputs.len() / n_steps / L;
    let at = |t: usize, k: usize, lane: usize| outputs[(t * width + k) * L + lane];
    let [mut policy, mut value, mut entropy] = [0.0; 3];
    for (t, lane) in (0..n_steps).flat_map(|t| (0..L).map(move |lane| (t, lane))) {
        if !episodes.counts[t][lane] {
            continue;
        }
        let sum: f64 = (0..width - 1).map(|k| at(t, k, lane).exp()).sum();
        let pi: Vec<f64> = (0..width - 1).map(|k| at(t, k, lane).exp() / sum).collect();
        let last = t + 1 == n_steps || episodes.ended[t][lane];
        let next = if last { 0.0 } else { at(t + 1, width - 1, lane) };
        let advantage = episodes.rewards[t][lane] + objective.discount * next - at(t, width - 1, lane);
        policy -=
            advantage * (pi[episodes.actions[t][lane]] + objective.epsilon).ln() / (n * pi.len() as f64);
        value += 0.5 * objective.value_cost * advantage * advantage / n;
        entropy -=
            objective.entropy_cost * pi.iter().map(|p| p * (p + objective.epsilon).ln()).sum::<f64>() / n;
    }
    [policy, value, entropy]
}

#[test]
fn losses_are_those_of_the_definition_and_their_gradient_holds_targets_constant() {
    const L: usize = 8;
    let (n_steps, n_actions) = (6, 3);
    let outputs = numbers(n_steps * (n_actions + 1) * L, 1.5, 1);
    let draws = numbers(n_steps * L * 2, 1.0, 2);
    let mut episodes = Episodes::<L> {
        actions: vec![[0; L]; n_steps],
        rewards: vec![[0.0; L]; n_steps],
        counts: vec![[false; L]; n_steps],
        ended: vec![[false; L]; n_steps],
    };
    for lane in 0..L {
        for t in 1..=lane.min(n_steps - 1) {
            episodes.actions[t][lane] = ((draws[t * L + lane] + 1.0) * 1.5) as usize % n_actions;
            episodes.counts[t][lane] = t > 1;
            episodes.ended[t][lane] = t == lane;
            episodes.rewards[t][lane] = if t == lane { draws[lane] } else { 0.0 };
        }
    }
    let mut gradient = vec![0.0; outputs.len()];
    let report = OBJECTIVE.losses::<f64, L>(&episodes, &outputs, 40.0, &mut gradient);
    let [policy, value, entropy] = textbook(&OBJECTIVE, &episodes, &outputs, 40.0);
    assert!((report.policy_loss - policy).abs() < 1e-14);
    assert!((report.value_loss - value).abs() < 1e-14);
    assert!((report.entropy - entropy).abs() < 1e-14);

    // Differences with advantages and targets held where they are.
    let loss = |moved: &[f64]| {
        let width = (n_actions + 1) * L;
        let mut sum = 0.0;
        for (t, lane) in (0..n_steps).flat_map(|t| (0..L).map(move |lane| (t, lane))) {
            let mut alone = episodes.clone();
            alone.counts = vec![[false; L]; n_steps];
            alone.counts[t][lane] = episodes.counts[t][lane];
            if !alone.counts[t][lane] {
                continue;
            }
            // Only this step's logits move in the policy's part, only its value in the value's.
            let mut logits = outputs.clone();
            for k in 0..n_actions {
                logits[t * width + k * L + lane] = moved[t * width + k * L + lane];
            }
            let [policy, _, entropy] = textbook(&OBJECTIVE, &alone, &logits, 40.0);
            let mut values = outputs.clone();
            let place = t * width + n_actions * L + lane;
            values[place] = moved[place];
            sum += policy + textbook(&OBJECTIVE, &alone, &values, 40.0)[1] - entropy;
        }
        sum
    };
    let scale = 1e3; // so that differences are compared relative to the gradient's own size
    let scaled: Vec<f64> = gradient.iter().map(|g| g * scale).collect();
    assert!(worst_difference(|x| scale * loss(x), &outputs, &scaled) < 1e-6);
}

#[test]
fn targets_teach_through_all_steps_of_a_batch() {
    let task = registry::find("rdm", Some(50.0)).unwrap();
    let (mut network, params) = network(&task, task.n_actions());
    let key = Key::new(4);
    let batch = TaskBatch::draw(&task, key, 11);
    let silent = [1.0, 0.0, 1.0, 0.5, 1.0];
    let judge = Targets {
        wanted: |trial: u64, t: usize| {
            (t > 0).then_some(Wanted {
                class: (trial as usize + t) % 3,
                weight: if t < 4 { 0.0 } else { 1.0 },
                scored: t > 5,
            })
        },
        n: 11.0 * (task.n_steps - 1) as f64,
    };
    let mut work = Unrolled::<f64, 8>::new(&network, 11, task.n_steps);
    let mut loss = |params: &[f64], learn: bool| {
        network.load(params);
        let runner = Runner {
            network: &network,
            noise_sd: 0.1,
            gains: Some(&silent),
        };
        let report = if learn {
            work.learn(runner, &batch, key, &judge)
        } else {
            work.run(runner, &batch, key, &judge)
        };
        (report, work.gradient().to_vec())
    };
    let (report, gradient) = loss(&params, true);
    assert_eq!(report.n_scored, 11 * (task.n_steps - 6));
    let cell = std::cell::RefCell::new(loss);
    let difference = worst_difference(
        |params| cell.borrow_mut()(params, false).0.loss,
        &params,
        &gradient,
    );
    assert!(difference < 1e-6, "{difference}");
}

/// One of two cues is on all the time; from step 2 on it is to be named, by action 1 or 2.
struct Naming(usize);

struct Named(Vec<usize>);

impl Batch for Naming {
    fn n_trials(&self) -> usize {
        self.0
    }
    fn n_steps(&self) -> usize {
        6
    }
    fn expected_steps(&self, _: usize) -> usize {
        6
    }
    fn offers_choice(&self, _: usize, step: usize) -> bool {
        step >= 2
    }
    fn open(&self, key: Key, ids: &[u64], _: usize) -> Box<dyn Environment + '_> {
        let cue = |&id| key.stream(Purpose::Condition, id).random_range(0..2_usize);
        Box::new(Named(ids.iter().map(cue).collect()))
    }
}

impl Environment for Named {
    fn observe(&mut self, _: usize, inputs: &mut [f64]) {
        let lanes = inputs.len() / 2;
        inputs.fill(0.0);
        for (lane, cue) in self.0.iter().enumerate() {
            inputs[cue * lanes + lane] = 1.0;
        }
    }
    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for (lane, &cue) in self.0.iter().enumerate() {
            if living[lane] && t >= 2 && actions[lane] > 0 {
                rewards[lane] = if actions[lane] == cue + 1 { 1.0 } else { -1.0 };
                ended[lane] = true;
            }
        }
    }
}

#[test]
fn an_actor_learns_to_name_what_it_sees() {
    let shape = Shape {
        cell: Cell::Lstm,
        n_units: 12,
        n_inputs: 2,
        n_outputs: 4,
    };
    let n = shape.layout().len();
    let mut network = Network::<f32>::new(shape, Mask(vec![true; n]), 0.5);
    let mut params: Vec<f32> = numbers(n, 0.3, 5).into_iter().map(|x| x as f32).collect();
    let mut adam = neuropil_nn::optim::Adam::new(n, neuropil_nn::optim::AdamRule::default());
    let mut work = Unrolled::<f32, 16>::new(&network, 32, 6);
    let judge = ActorCritic {
        objective: Objective {
            free_steps: 1,
            ..OBJECTIVE
        },
        n_trials: 32,
    };
    let mut rewards = Vec::new();
    for update in 0..300 {
        network.load(&params);
        let key = Key::new(6).at(update);
        let runner = Runner {
            network: &network,
            noise_sd: 0.0,
            gains: None,
        };
        let report = work.learn(runner, &Naming(32), key, &judge);
        assert_eq!(report.n_trials, 32);
        rewards.push(report.measures()[0].1);
        adam.step(&mut params, work.gradient(), 0.01);
    }
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&rewards[..20]), mean(&rewards[280..]));
    assert!(first < 0.5 && last > 0.9, "{first} to {last}");
}
