//! Back-propagation against central differences, for random shapes, masks, lengths, restarts, gains and penalties.

use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::check::worst_difference_among;
use neuropil_nn::network::{Backward, History, Keep, Mask, Network, Shape};
use neuropil_nn::synapse::Synapse;
use proptest::prelude::*;
use rand::RngExt;

pub(crate) const LANES: usize = 8;

pub(crate) struct Case {
    pub(crate) shape: Shape,
    pub(crate) n_steps: usize,
    pub(crate) params: Vec<f64>,
    pub(crate) mask: Vec<bool>,
    pub(crate) inputs: Vec<f64>,
    pub(crate) noise: Vec<f64>,
    /// Weight of every output in the loss, \[step\]\[output\]\[lane\]; 0 after a trial's end.
    weights: Vec<f64>,
    lengths: [usize; LANES],
    /// (t, lane): where lanes start anew from x0.
    pub(crate) restarts: Vec<(usize, usize)>,
    rate_penalty: f64,
    /// Gains of the rates, \[unit\]\[lane\], where the cell takes them.
    pub(crate) gains: Option<Vec<f64>>,
}

pub(crate) fn case(
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
    let (mut params, chance) = (numbers(layout.len(), 0.8), numbers(layout.len(), 1.0));
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
    let gains = cell.takes_gains().then(|| {
        let draws = numbers(n * LANES, 1.0).into_iter();
        draws.map(|x| if x < -0.5 { 0.0 } else { x + 0.5 }).collect()
    });
    if cell == Cell::EiStp {
        let units: Vec<Synapse> = (0..n).map(|unit| plastic(unit, seed)).collect();
        layout
            .view_mut(&mut params, "synapse")
            .copy_from_slice(&Synapse::array(&units));
        layout
            .view_mut(&mut params, "x0")
            .iter_mut()
            .for_each(|x| *x = x.abs());
    }
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
        gains,
    }
}

/// Depressing, facilitating and fixed synapses of either sign or none, with steps long enough to clip.
fn plastic(unit: usize, seed: u64) -> Synapse {
    let kind = (unit as u64 + seed) % 6;
    let (release, facilitation, depression) =
        [(0.45, 0.1, 0.01), (0.15, 0.01, 0.1), (1.0, 0.0, 0.0)][unit % 3];
    Synapse {
        sign: [1.0, -1.0, 0.0][kind as usize % 3],
        release,
        facilitation,
        depression,
        step_s: if kind < 4 { 0.02 } else { 0.8 },
    }
}

/// Runs forward; returns the loss Σ weight·z + penalty/2·Σ r², the network and its history.
pub(crate) fn forward(case: &Case, params: &[f64]) -> (f64, Network<f64>, History<f64, LANES>) {
    let mut network = Network::new(case.shape, Mask(case.mask.clone()), 0.3);
    network.load(params);
    let mut history = History::new(case.shape, case.n_steps, Keep::All);
    let (n_in, n) = (case.shape.n_inputs * LANES, case.shape.n_state() * LANES);
    history.set_gains(case.gains.as_deref());
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
    let layout = case.shape.layout();
    let constants = layout
        .offset("synapse")
        .map(|from| from..from + 5 * case.shape.n_units);
    let learnt = (0..gradient.len()).filter(|i| !constants.as_ref().is_some_and(|c| c.contains(i)));
    worst_difference_among(|params| forward(case, params).0, &case.params, gradient, learnt)
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
    fn networks_with_plastic_synapses_agree(
        n in 1_usize..13, n_in in 1_usize..5, t in 1_usize..41, p in 0.05_f64..1.2, l2 in 0_u8..2, seed in 0_u64..999,
    ) {
        let case = case(Cell::EiStp, n, n_in, t, p, f64::from(l2) * 0.1, seed);
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
    for cell in [Cell::Gated, Cell::Lstm, Cell::EiStp] {
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
    for cell in [Cell::Gated, Cell::Lstm, Cell::EiStp] {
        let case = case(cell, 9, 3, 10, 0.2, 0.0, 5);
        for (g, exists) in gradient(&case).iter().zip(&case.mask) {
            assert!(*exists || *g == 0.0);
        }
    }
}

#[test]
fn nothing_flows_through_silent_units() {
    for cell in [Cell::Lstm, Cell::EiStp] {
        let mut case = case(cell, 6, 3, 15, 1.2, 0.0, 11);
        case.gains = Some(
            (0..6 * LANES)
                .map(|i| if i / LANES < 2 { 0.0 } else { 1.0 })
                .collect(),
        );
        let (layout, gradient) = (case.shape.layout(), gradient(&case));
        for name in ["w_in", "b_in", "w_rec", "w_out"] {
            let columns = *layout
                .entries()
                .iter()
                .find(|e| e.name == name)
                .unwrap()
                .shape
                .last()
                .unwrap();
            for (i, &g) in layout.view(&gradient, name).iter().enumerate() {
                let (from, to) = (i / columns, i % columns % 6);
                let silent = match name {
                    "w_in" | "b_in" => to < 2,
                    "w_rec" => from < 2 || to < 2,
                    _ => from < 2,
                };
                assert!(!silent || g == 0.0, "{cell:?} {name}[{i}]: {g}");
            }
        }
    }
}

#[test]
fn a_restarted_lane_runs_like_a_fresh_one() {
    for cell in [Cell::Gated, Cell::Leaky, Cell::Lstm, Cell::EiStp] {
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
