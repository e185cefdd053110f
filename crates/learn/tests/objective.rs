//! What weighs an action: advantages, entropy, and what a step must not undo.

use crate::support::Drawing;
use neuropil_learn::batch::Batch;
use neuropil_learn::player::Player;
use neuropil_learn::randomness::{Randomness, SeatedNoise};
use neuropil_learn::rollout::Draws;
use neuropil_learn::rules::{FirstReturn, Rules};
use neuropil_learn::update::{Workspace, update};
use neuropil_math::rng::Key;
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Network, Shape};
use neuropil_nn::ties::{FREE, Ties};
use neuropil_tasks::environment::Environment;

const LANES: usize = 8;
const N_TRIALS: usize = 3;
const REWARDS: [[f64; 4]; N_TRIALS] = [[0.0, 0.5, 0.0, 1.0], [0.0, 0.0, -1.0, 0.2], [0.3, 0.0, 0.1, 0.0]];
const BIAS: f64 = 0.25;
const POLICY: Shape = Shape {
    cell: Cell::Gated,
    n_units: 10,
    n_inputs: 1,
    n_outputs: 2,
};
const VALUE: Shape = Shape {
    cell: Cell::Gated,
    n_units: 10,
    n_inputs: 12,
    n_outputs: 1,
};

/// Four steps each, with the given rewards, whatever is done.
struct Trials;
struct Block(Vec<u64>);

impl Batch for Trials {
    fn n_trials(&self) -> usize {
        N_TRIALS
    }
    fn n_steps(&self) -> usize {
        4
    }
    fn expected_steps(&self, _: usize) -> usize {
        4
    }
    fn offers_choice(&self, _: usize, step: usize) -> bool {
        step >= 2
    }
    fn open(&self, _: Key, trials: &[u64], _: usize) -> Box<dyn Environment + '_> {
        Box::new(Block(trials.to_vec()))
    }
}

impl Environment for Block {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        inputs.fill(t as f64);
    }
    fn act(&mut self, t: usize, _: &[usize], _: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        for (lane, &trial) in self.0.iter().enumerate() {
            rewards[lane] = REWARDS[trial as usize][t];
            ended[lane] = t == 3;
        }
    }
}

/// Action 0 at even steps, 1 at odd ones; no noise.
struct Fixed;

impl Draws<f64, LANES> for Fixed {
    fn noise(&mut self, _: usize, noise: &mut [f64]) {
        noise.fill(0.0);
    }
    fn uniform(&mut self, t: usize) -> [f64; LANES] {
        [if t.is_multiple_of(2) { 0.001 } else { 0.999 }; LANES]
    }
}

impl Randomness<f64, LANES> for Fixed {
    fn policy(&self, _: &[u64]) -> Box<dyn Draws<f64, LANES> + '_> {
        Box::new(Fixed)
    }
    fn value(&self) -> Box<dyn SeatedNoise<f64> + Send + '_> {
        Box::new(Fixed)
    }
}

impl SeatedNoise<f64> for Fixed {
    fn seat(&mut self, _: usize, _: u64) {}
    fn fill(&mut self, noise: &mut [f64]) {
        noise.fill(0.0);
    }
}

fn player(shape: Shape, drawing: &Drawing, learning_rate: f64) -> Player<f64> {
    let (params, mask) = drawing.draw(shape, 3);
    Player::new(Network::new(shape, mask, 0.4), params, learning_rate, 0.0)
}

fn initial(output_bias: f64) -> Drawing {
    Drawing {
        output_bias,
        ..Drawing::default()
    }
}

/// Gradient of −J with respect to the logits' biases: Σ A_t (π − onehot(a_t))/B, with π = ½ at the start.
fn bias_gradient(rules: &Rules) -> [f64; 2] {
    let (mut policy, mut value) = (
        player(POLICY, &initial(0.0), 0.0),
        player(VALUE, &initial(BIAS), 0.0),
    );
    let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
    update(
        &mut policy,
        &mut value,
        &Trials,
        Key::new(1),
        &Fixed,
        rules,
        &mut work,
    );
    let gradient = policy.network.layout().view(work.gradients().0, "b_out");
    [gradient[0], gradient[1]]
}

/// The same from given advantages.
fn expected(advantages: &[[f64; 4]; N_TRIALS]) -> [f64; 2] {
    let mut gradient = [0.0; 2];
    for row in advantages {
        for (t, advantage) in row.iter().enumerate() {
            for (a, g) in gradient.iter_mut().enumerate() {
                let chosen = if a == t % 2 { 1.0 } else { 0.0 };
                *g += advantage * (0.5 - chosen) / N_TRIALS as f64;
            }
        }
    }
    gradient
}

/// A_t = Σ_k λᵏ δ_{t+k}, from the definition, with the constant prediction of a value network without weights.
fn generalised(lambda: f64) -> [[f64; 4]; N_TRIALS] {
    REWARDS.map(|rewards| {
        let next = |t: usize| if t == 3 { 0.0 } else { BIAS };
        let delta = |t: usize| rewards[t] + next(t) - BIAS;
        std::array::from_fn(|t| (t..4).map(|s| lambda.powi((s - t) as i32) * delta(s)).sum())
    })
}

fn close(found: [f64; 2], expected: [f64; 2]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
}

const TEXTBOOK: FirstReturn = FirstReturn::Return;

#[test]
fn generalised_advantages_are_what_their_definition_says() {
    for gae_lambda in [0.0, 0.3, 0.9, 1.0] {
        let rules = Rules {
            gae_lambda,
            first_return: TEXTBOOK,
            ..Rules::default()
        };
        let (found, expected) = (bias_gradient(&rules), expected(&generalised(gae_lambda)));
        assert!(
            close(found, expected),
            "λ = {gae_lambda}: {found:?} is not {expected:?}"
        );
    }
    let rules = Rules {
        gae_lambda: 0.3,
        ..Rules::default()
    };
    let mut advantages = generalised(0.3);
    for (row, rewards) in advantages.iter_mut().zip(REWARDS) {
        row[0] = rewards[0] - BIAS; // the first action is weighed by its immediate reward
    }
    assert!(close(bias_gradient(&rules), expected(&advantages)));
}

#[test]
fn standardised_advantages_have_mean_0_and_deviation_1() {
    let mut advantages = generalised(1.0);
    let all: Vec<f64> = advantages.as_flattened().to_vec();
    let mean = all.iter().sum::<f64>() / 12.0;
    let sd = (all.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 12.0).sqrt();
    for a in advantages.as_flattened_mut() {
        *a = (*a - mean) / sd;
    }
    let rules = Rules {
        standardise_advantage: true,
        first_return: TEXTBOOK,
        ..Rules::default()
    };
    assert!(close(bias_gradient(&rules), expected(&advantages)));
}

#[test]
fn an_entropy_bonus_counts_in_the_loss_and_vanishes_at_even_odds() {
    let with = |entropy_bonus: f64| Rules {
        entropy_bonus,
        ..Rules::default()
    };
    let loss = |rules: &Rules| {
        let (mut policy, mut value) = (
            player(POLICY, &initial(0.0), 0.0),
            player(VALUE, &initial(BIAS), 0.0),
        );
        let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
        update(
            &mut policy,
            &mut value,
            &Trials,
            Key::new(1),
            &Fixed,
            rules,
            &mut work,
        )
        .policy_loss
    };
    let difference = loss(&with(0.0)) - loss(&with(0.5));
    assert!(
        (difference - 0.5 * 2.0 * 2.0_f64.ln()).abs() < 1e-12,
        "ln 2 at each of the two steps that offer a choice"
    );
    assert!(close(bias_gradient(&with(0.5)), bias_gradient(&with(0.0))));
}

#[test]
fn signs_never_flip_under_dales_law_and_fixed_arrays_and_absent_weights_never_move() {
    let signs: Vec<i8> = (0..10).map(|unit| if unit < 7 { 1 } else { -1 }).collect();
    let initial = Drawing {
        signs: Some(signs.clone()),
        excitatory_readout: true,
        density: 0.5,
        radius: 0.05, // small weights, so that many would cross 0
        ..Drawing::default()
    };
    let mut policy = player(POLICY, &initial, 0.05);
    policy.signs = Some(signs);
    policy.fixed = vec!["w_in".to_owned(), "b_in".to_owned()];
    let mut value = player(VALUE, &Drawing::default(), 0.01);
    let (layout, before) = (policy.network.layout().clone(), policy.params.clone());
    let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
    let rules = Rules::default();
    for update_number in 0..200 {
        let key = Key::new(1).at(update_number);
        update(&mut policy, &mut value, &Trials, key, &Fixed, &rules, &mut work);
        for name in ["w_rec", "w_gates"] {
            let weights = layout.view(&policy.params, name);
            let columns = weights.len() / 10;
            for (i, &w) in weights.iter().enumerate() {
                let excites = i / columns < 7;
                assert!(if excites { w >= 0.0 } else { w <= 0.0 }, "{name}[{i}] = {w}");
            }
        }
    }
    for name in ["w_in", "b_in"] {
        assert_eq!(
            layout.view(&policy.params, name),
            layout.view(&before, name),
            "{name} moved"
        );
    }
    let moved = |name: &str| {
        let pairs = layout
            .view(&policy.params, name)
            .iter()
            .zip(layout.view(&before, name));
        pairs.map(|(now, then)| now != then).collect::<Vec<_>>()
    };
    assert!(moved("w_rec").contains(&true));
    for name in ["w_rec", "w_gates", "w_out"] {
        let exists = layout.view(&policy.network.mask().0, name);
        assert!(exists.contains(&false));
        for (moved, exists) in moved(name).iter().zip(exists) {
            assert!(*exists || !moved, "{name}: a weight that does not exist moved");
        }
    }
}

/// A network of two types whose signs are known for one: tied weights, biases and initial states.
fn tied_player(shape: Shape, output_bias: f64, learning_rate: f64) -> (Player<f64>, Vec<i8>) {
    let signs: Vec<i8> = (0..10).map(|unit| [1, 1, 0, -1, -1][unit / 2]).collect();
    let initial = Drawing {
        signs: Some(signs.clone()),
        density: 0.7,
        radius: 0.3,
        ..initial(output_bias)
    };
    let mut player = player(shape, &initial, learning_rate);
    let types: Vec<u32> = (0..10).map(|unit| unit / 2).collect();
    let arrays = ["w_rec", "w_gates", "b_in", "x0", "w_out"].map(str::to_owned);
    let mask = player.network.mask().clone();
    player.tie(Ties::by_type(shape, &mask, &types, &arrays, &player.params));
    player.signs = Some(signs.clone());
    (player, signs)
}

#[test]
fn tied_gradients_are_those_of_central_differences() {
    // Only the value network's loss is a smooth function of its parameters when actions are given.
    let rules = Rules::default();
    let loss_and_gradient = |gains: Option<&[f64]>| {
        let mut policy = player(POLICY, &initial(0.0), 0.0);
        let (mut value, _) = tied_player(VALUE, BIAS, 0.0);
        let layout = value.network.layout().clone();
        let ties = value.ties.as_mut().unwrap();
        for &group in layout.view(&ties.group, "w_out") {
            ties.gains[group as usize] = 0.3; // read-out weights of 0 would hide all others
        }
        if let Some(gains) = gains {
            ties.gains.copy_from_slice(gains);
        }
        let ties = ties.clone();
        value.tie(ties);
        let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
        let told = update(
            &mut policy,
            &mut value,
            &Trials,
            Key::new(1),
            &Fixed,
            &rules,
            &mut work,
        );
        let ties = value.ties.unwrap();
        let gradient = ties.gather(work.gradients().1)[value.params.len()..].to_vec();
        (told.value_loss, ties.gains, gradient)
    };
    let (_, gains, gradient) = loss_and_gradient(None);
    assert!(gradient.iter().filter(|g| g.abs() > 1e-4).count() > 20);
    for g in 0..gains.len() {
        let at = |step: f64| {
            let mut moved = gains.clone();
            moved[g] += step;
            loss_and_gradient(Some(&moved)).0
        };
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        let error = (difference - gradient[g]).abs();
        assert!(
            error < 1e-6 * gradient[g].abs().max(1e-3),
            "group {g}: {} against {difference}",
            gradient[g]
        );
    }
}

#[test]
fn ties_stay_exact_signs_hold_and_what_is_fixed_or_absent_never_moves() {
    let (mut policy, signs) = tied_player(POLICY, 0.0, 0.05);
    policy.fixed = vec!["x0".to_owned()];
    let layout = policy.network.layout().clone();
    let mut ties = policy.ties.clone().unwrap();
    for name in ["w_rec", "w_gates"] {
        for &group in layout
            .view(&ties.group, name)
            .iter()
            .filter(|&&group| group != FREE)
        {
            ties.gains[group as usize] = 0.01; // small, so that many would cross 0
        }
    }
    policy.tie(ties);
    let mut value = player(VALUE, &Drawing::default(), 0.01);
    let before = policy.params.clone();
    let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
    let (mut flipped, rules) = (false, Rules::default());
    for update_number in 0..300 {
        let key = Key::new(1).at(update_number);
        update(&mut policy, &mut value, &Trials, key, &Fixed, &rules, &mut work);
        let ties = policy.ties.as_ref().unwrap();
        for (i, &group) in ties.group.iter().enumerate() {
            if group != FREE {
                assert_eq!(
                    policy.params[i],
                    ties.base[i] * ties.gains[group as usize],
                    "parameter {i}"
                );
            }
        }
        for name in ["w_rec", "w_gates"] {
            let (weights, first) = (layout.view(&policy.params, name), layout.view(&before, name));
            let columns = weights.len() / 10;
            for (i, (&w, &w0)) in weights.iter().zip(first).enumerate() {
                assert!(w * f64::from(signs[i / columns]) >= 0.0, "{name}[{i}] = {w}");
                flipped |= w * w0 < 0.0;
            }
        }
    }
    assert!(flipped, "the signs of free units may turn");
    let bias = layout.view(&policy.params, "b_in");
    assert!(bias[0] == bias[1] && bias[0] != 0.0 && bias[0] != bias[2]);
    assert_eq!(layout.view(&policy.params, "x0"), layout.view(&before, "x0"));
    for name in ["w_rec", "w_gates"] {
        let exists = layout.view(&policy.network.mask().0, name);
        assert!(exists.contains(&false));
        let absent = layout.view(&policy.params, name).iter().zip(exists);
        assert!(absent.into_iter().all(|(&w, &exists)| exists || w == 0.0));
    }
}

#[test]
fn the_pull_to_the_initial_weights_has_the_gradient_of_its_penalty_and_holds_weights_back() {
    let trained = |l2_initial: f64, shift: f64, learning_rate: f64, updates: u64| {
        let mut policy = player(POLICY, &initial(0.0), learning_rate);
        policy.penalties.l2_initial = l2_initial;
        let layout = policy.network.layout().clone();
        let mut first = policy.params.clone();
        layout
            .view_mut(&mut first, "w_rec")
            .iter_mut()
            .for_each(|w| *w += shift);
        policy.initial = Some(first.clone());
        let mut value = player(VALUE, &initial(BIAS), 0.0);
        let mut work = Workspace::<f64, LANES>::new(&policy.network, &value.network, N_TRIALS, 4, false);
        let mut penalty = 0.0;
        for number in 0..updates {
            let key = Key::new(1).at(number);
            let told = update(
                &mut policy,
                &mut value,
                &Trials,
                key,
                &Fixed,
                &Rules::default(),
                &mut work,
            );
            penalty = told.policy_penalty;
        }
        let pairs = layout
            .view(&policy.params, "w_rec")
            .iter()
            .zip(layout.view(&first, "w_rec"));
        let away: f64 = pairs.map(|(w, w0)| (w - w0).powi(2)).sum();
        let gradient = layout.view(work.gradients().0, "w_rec")[0];
        (away, penalty, gradient)
    };
    let (_, none, without) = trained(0.0, 0.1, 0.0, 1);
    let (_, penalty, with) = trained(6.0, 0.1, 0.0, 1);
    assert_eq!(none, 0.0);
    assert!(
        (penalty - 6.0 * 0.01 / 3.0).abs() < 1e-12,
        "100 of 300 weights are 0.1 away: {penalty}"
    );
    assert!((with - without + 2.0 * 6.0 / 300.0 * 0.1).abs() < 1e-12);
    let (free, held) = (trained(0.0, 0.0, 0.02, 100).0, trained(300.0, 0.0, 0.02, 100).0);
    assert!(free > 1e-3 && held < 0.1 * free, "{held} and {free}");
}
