//! Back-propagation against central differences, for random shapes, masks, lengths, restarts and penalties.

use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::network::{Backward, History, Keep, Mask, Network, Shape};
use proptest::prelude::*;
use rand::RngExt;

const LANES: usize = 8;
const STEP: f64 = 1e-6;

struct Case {
    shape: Shape,
    n_steps: usize,
    params: Vec<f64>,
    mask: Vec<bool>,
    inputs: Vec<f64>,
    noise: Vec<f64>,
    /// Weight of every output in the loss, \[step\]\[output\]\[lane\]; 0 after a trial's end.
    weights: Vec<f64>,
    lengths: [usize; LANES],
    /// (t, lane): where lanes start anew from x0.
    restarts: Vec<(usize, usize)>,
    rate_penalty: f64,
}

fn case(
    cell: Cell,
    n: usize,
    n_inputs: usize,
    n_steps: usize,
    density: f64,
    rate_penalty: f64,
    seed: u64,
) -> Case {
    let shape = Shape {
        cell,
        n_units: n,
        n_inputs,
        n_outputs: 2,
    };
    let layout = shape.layout();
    let mut rng = Key::new(seed).stream(Purpose::Test, 0);
    let mut numbers =
        |count: usize, size: f64| -> Vec<f64> { (0..count).map(|_| rng.random_range(-size..size)).collect() };
    let (params, chance) = (numbers(layout.len(), 0.8), numbers(layout.len(), 1.0));
    let mut mask = vec![true; layout.len()];
    for name in ["w_in", "w_gates", "w_rec"]
        .into_iter()
        .filter(|name| layout.has(name))
    {
        let chance = layout.view(&chance, name);
        for (flag, chance) in layout.view_mut(&mut mask, name).iter_mut().zip(chance) {
            *flag = (chance + 1.0) / 2.0 < density;
        }
    }
    let inputs = numbers(n_steps * n_inputs * LANES, 1.0);
    let noise = numbers(n_steps * shape.n_state() * LANES, 0.5);
    let mut weights = numbers(n_steps * 2 * LANES, 1.0);
    let draws = numbers(LANES, 1.0);
    let lengths = std::array::from_fn(|lane| {
        ((f64::midpoint(draws[lane], 1.0) * n_steps as f64) as usize + 1).min(n_steps)
    });
    let draws = numbers(LANES, 1.0);
    let restarts = (0..LANES).map(|lane| ((draws[lane].abs() * 1.5 * lengths[lane] as f64) as usize, lane));
    let restarts = restarts
        .filter(|&(t, lane)| (1..lengths[lane]).contains(&t))
        .collect();
    for (i, weight) in weights.iter_mut().enumerate() {
        if i / (2 * LANES) >= lengths[i % LANES] {
            *weight = 0.0;
        }
    }
    Case {
        shape,
        n_steps,
        params,
        mask,
        inputs,
        noise,
        weights,
        lengths,
        restarts,
        rate_penalty,
    }
}

/// Runs forward; returns the loss Σ weight·z + penalty/2·Σ r², the network and its history.
fn forward(case: &Case, params: &[f64]) -> (f64, Network<f64>, History<f64, LANES>) {
    let mut network = Network::new(case.shape, Mask(case.mask.clone()), 0.3);
    network.load(params);
    let mut history = History::new(case.shape, case.n_steps, Keep::All);
    let (n_in, n) = (case.shape.n_inputs * LANES, case.shape.n_state() * LANES);
    network.begin(&mut history, None);
    let (mut loss, mut z) = (0.0, vec![0.0; 2 * LANES]);
    for t in 1..case.n_steps {
        history
            .input_mut(t)
            .copy_from_slice(&case.inputs[t * n_in..][..n_in]);
        let noise = history.noise_mut(t);
        let width = noise.len();
        noise.copy_from_slice(&case.noise[t * n..][..width]);
    }
    network.project(&mut history, 1..case.n_steps);
    for t in 0..case.n_steps {
        if t > 0 {
            network.recur(&mut history, t);
            for &(_, lane) in case.restarts.iter().filter(|&&(at, _)| at == t) {
                network.restart(&mut history, t, lane);
            }
        }
        network.read_out(&history, t, &mut z);
        loss += z
            .iter()
            .zip(&case.weights[t * 2 * LANES..])
            .map(|(z, w)| z * w)
            .sum::<f64>();
        for (i, &x) in history.read(t).iter().enumerate() {
            if t < case.lengths[i % LANES] {
                loss += case.rate_penalty / 2.0 * history.rate(x).powi(2);
            }
        }
    }
    (loss, network, history)
}

fn gradient(case: &Case) -> Vec<f64> {
    let (_, network, history) = forward(case, &case.params);
    let mut gradients = network.gradients();
    let (d_outputs, lengths, rate_penalty) = (&case.weights[..], &case.lengths[..], case.rate_penalty);
    network.backward(
        &history,
        Backward {
            d_outputs,
            lengths,
            rate_penalty,
            from_x0: true,
        },
        &mut gradients,
    );
    let mut flat = vec![0.0; case.params.len()];
    network.collect(&mut gradients, &mut flat);
    flat
}

/// Largest distance between a gradient and central differences, relative to the largest entry.
fn error(case: &Case, gradient: &[f64]) -> f64 {
    let largest = gradient.iter().fold(1e-2_f64, |m, g| m.max(g.abs()));
    let distance = |i: usize| {
        let at = |step: f64| {
            let mut params = case.params.clone();
            params[i] += step;
            forward(case, &params).0
        };
        // A rectifier's kink between the two points spoils a difference: a shorter step may miss it.
        let of = |step: f64| ((at(step) - at(-step)) / (2.0 * step) - gradient[i]).abs();
        of(STEP).min(of(STEP / 10.0))
    };
    (0..case.params.len()).map(distance).fold(0.0, f64::max) / largest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn gated_networks_agree(
        n in 1_usize..13, n_in in 1_usize..5, t in 1_usize..41, p in 0.05_f64..1.2, l2 in 0_u8..2, seed in 0_u64..999,
    ) {
        let case = case(Cell::Gated, n, n_in, t, p, f64::from(l2) * 0.1, seed);
        prop_assert!(error(&case, &gradient(&case)) < 1e-6);
    }

    #[test]
    fn leaky_networks_agree(
        n in 1_usize..13, n_in in 1_usize..5, t in 1_usize..41, p in 0.05_f64..1.2, l2 in 0_u8..2, seed in 0_u64..999,
    ) {
        let case = case(Cell::Leaky, n, n_in, t, p, f64::from(l2) * 0.1, seed);
        prop_assert!(error(&case, &gradient(&case)) < 1e-6);
    }

    #[test]
    fn lstm_networks_agree(
        n in 1_usize..13, n_in in 1_usize..5, t in 1_usize..41, p in 0.05_f64..1.2, l2 in 0_u8..2, seed in 0_u64..999,
    ) {
        let case = case(Cell::Lstm, n, n_in, t, p, f64::from(l2) * 0.1, seed);
        prop_assert!(error(&case, &gradient(&case)) < 1e-6);
    }

    #[test]
    fn linear_readouts_agree(n_in in 1_usize..7, t in 1_usize..12, seed in 0_u64..999) {
        let case = case(Cell::Linear, 1, n_in, t, 1.2, 0.0, seed);
        prop_assert!(error(&case, &gradient(&case)) < 1e-6);
    }
}

#[test]
fn the_check_notices_a_wrong_sign() {
    for cell in [Cell::Gated, Cell::Lstm] {
        let case = case(cell, 5, 2, 8, 1.2, 0.0, 3);
        let mut wrong = gradient(&case);
        let largest = (0..wrong.len())
            .max_by(|&a, &b| wrong[a].abs().total_cmp(&wrong[b].abs()))
            .unwrap();
        wrong[largest] = -wrong[largest];
        assert!(error(&case, &wrong) > 1.0);
    }
}

#[test]
fn absent_weights_have_no_gradient() {
    for cell in [Cell::Gated, Cell::Lstm] {
        let case = case(cell, 9, 3, 10, 0.2, 0.0, 5);
        for (g, exists) in gradient(&case).iter().zip(&case.mask) {
            assert!(*exists || *g == 0.0);
        }
    }
}

/// The state of the [`Cell::Lstm`] as textbooks write it, one lane at a time: \[c; h\] after every step.
fn textbook_lstm(case: &Case, lane: usize) -> Vec<Vec<f64>> {
    let (n, n_in) = (case.shape.n_units, case.shape.n_inputs);
    let layout = case.shape.layout();
    let values: Vec<f64> = case
        .params
        .iter()
        .zip(&case.mask)
        .map(|(w, &exists)| if exists { *w } else { 0.0 })
        .collect();
    let array = |name: &str| layout.view(&values, name);
    let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut states = vec![array("x0").to_vec()];
    for t in 1..case.n_steps {
        let (c, h) = states[t - 1].split_at(n);
        // Block 0: drive; 1: input gate; 2: forget gate; 3: output gate.
        let reaches = |block: usize, i: usize| {
            let shown = |k: usize| {
                case.inputs[(t * n_in + k) * LANES + lane] * array("w_in")[(k * 4 + block) * n + i]
            };
            let weight = |j: usize| match block {
                0 => array("w_rec")[j * n + i],
                gate => array("w_gates")[(j * 3 + gate - 1) * n + i],
            };
            array("b_in")[block * n + i]
                + (0..n_in).map(shown).sum::<f64>()
                + (0..n).map(|j| h[j] * weight(j)).sum::<f64>()
        };
        let noise = |i: usize| case.noise[(t * 2 * n + i) * LANES + lane];
        let memory =
            |i: usize| sigma(reaches(2, i)) * c[i] + sigma(reaches(1, i)) * (reaches(0, i) + noise(i)).tanh();
        let memories: Vec<f64> = (0..n).map(memory).collect();
        let rates = (0..n).map(|i| sigma(reaches(3, i)) * memories[i].tanh());
        states.push(memories.iter().copied().chain(rates).collect());
    }
    states
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn lstm_networks_run_as_in_textbooks(n in 1_usize..13, n_in in 1_usize..5, p in 0.05_f64..1.2, seed in 0_u64..999) {
        let mut case = case(Cell::Lstm, n, n_in, 20, p, 0.0, seed);
        case.restarts.clear();
        let (_, _, history) = forward(&case, &case.params);
        for lane in 0..LANES {
            for (t, states) in textbook_lstm(&case, lane).iter().enumerate() {
                for (found, expected) in history.state(t).iter().skip(lane).step_by(LANES).zip(states) {
                    prop_assert!((found - expected).abs() < 1e-12, "step {t}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn a_restarted_lane_runs_like_a_fresh_one() {
    for cell in [Cell::Gated, Cell::Lstm] {
        a_restart_is_fresh(cell);
    }
}

fn a_restart_is_fresh(cell: Cell) {
    let mut case = case(cell, 9, 3, 20, 1.2, 0.0, 7);
    case.lengths = [20; LANES];
    case.restarts = vec![(8, 3)];
    let (_, _, queued) = forward(&case, &case.params);
    // The same inputs and noise from the beginning, in the same lane.
    let (n_in, n) = (case.shape.n_inputs * LANES, case.shape.n_state() * LANES);
    case.inputs.drain(..8 * n_in);
    case.noise.drain(..8 * n);
    (case.n_steps, case.restarts) = (12, Vec::new());
    let (_, _, alone) = forward(&case, &case.params);
    for t in 0..12 {
        for i in (3..n).step_by(LANES) {
            assert_eq!(queued.state(t + 8)[i].to_bits(), alone.state(t)[i].to_bits());
        }
    }
}
