//! Invented animals with known thresholds, to test analyses and look at figures.

use neuropil_math::{
    rng::{Key, Purpose},
    stats::normal,
};
use rand::{Rng, RngExt};

use super::activity::Activity;
use crate::behaviour::Behaviour;

/// Threshold of the rdm animal in percent coherence.
pub(crate) const RDM_SIGMA: f64 = 12.0;
/// Thresholds of the multisensory animal in events/s: visual, auditory, both (the optimum of the two).
pub(crate) const RATE_SIGMA: [f64; 3] = [2.1, 2.2, 1.519];
/// Value of juice A in juice B of the economic animal.
pub(crate) const JUICE_RATIO: f64 = 2.2;

const COHERENCES: [f64; 5] = [0.0, 6.4, 12.8, 25.6, 51.2];
const FIXATION_MS: f64 = 750.0;

fn empty(task: &str, actions: &[&str]) -> Behaviour {
    let actions = actions.iter().map(|name| (*name).to_owned()).collect();
    Behaviour {
        task: task.to_owned(),
        dt_ms: 10.0,
        actions,
        ..Behaviour::default()
    }
}

fn number(behaviour: &mut Behaviour, factor: &str, value: f64) {
    behaviour
        .numbers
        .entry(factor.to_owned())
        .or_default()
        .push(value);
}

fn label(behaviour: &mut Behaviour, factor: &str, value: &str) {
    behaviour
        .labels
        .entry(factor.to_owned())
        .or_default()
        .push(value.to_owned());
}

fn epoch(behaviour: &mut Behaviour, epoch: &str, onset_ms: f64, duration_ms: f64) {
    behaviour
        .onset_ms
        .entry(epoch.to_owned())
        .or_default()
        .push(onset_ms);
    behaviour
        .duration_ms
        .entry(epoch.to_owned())
        .or_default()
        .push(duration_ms);
}

fn outcome(behaviour: &mut Behaviour, action: Option<usize>, correct: Option<bool>, choice_ms: f64) {
    let chosen = action.is_some();
    behaviour.action.push(action);
    behaviour.chosen.push(chosen);
    behaviour.correct.push(correct);
    behaviour
        .choice_ms
        .push(if chosen { choice_ms } else { f64::NAN });
    behaviour.reward.push(if correct == Some(true) {
        1.0
    } else if chosen {
        0.0
    } else {
        -1.0
    });
    behaviour.n_steps.push((choice_ms / behaviour.dt_ms) as usize + 1);
}

fn of<T: Copy>(stream: &mut impl Rng, values: &[T]) -> T {
    values[stream.random_range(0..values.len())]
}

fn exponential(stream: &mut impl Rng, mean: f64, low: f64, high: f64) -> f64 {
    loop {
        let x = -mean * (1.0 - stream.random::<f64>()).ln();
        if (low..high).contains(&x) {
            return (x / 10.0).floor() * 10.0;
        }
    }
}

/// Fixed-duration dot motion: evidence grows with √duration; 1 % of trials are not decided.
pub(crate) fn rdm(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("rdm", &["fixate", "left", "right"]);
    for _ in 0..n {
        let (direction, coherence) = (of(&mut stream, &[-1.0, 1.0]), of(&mut stream, &COHERENCES));
        let duration = exponential(&mut stream, 330.0, 80.0, 1500.0);
        number(&mut behaviour, "direction", direction);
        number(&mut behaviour, "coherence", coherence);
        epoch(&mut behaviour, "stimulus", FIXATION_MS, duration);
        epoch(&mut behaviour, "decision", FIXATION_MS + duration, 500.0);
        let right = stream.random::<f64>() < normal::cdf(direction * coherence / RDM_SIGMA);
        let decided = stream.random::<f64>() < 0.99;
        let action = decided.then_some(if right { 2 } else { 1 });
        let correct = decided.then_some(right == (direction > 0.0));
        outcome(&mut behaviour, action, correct, FIXATION_MS + duration + 50.0);
    }
    behaviour
}

/// As [`rdm`], with accuracy that grows with the square root of stimulus duration.
pub(crate) fn rdm_by_duration(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 1);
    let mut behaviour = rdm(n, seed);
    for trial in 0..n {
        let duration = behaviour.duration_ms["stimulus"][trial];
        let signed = behaviour.numbers["direction"][trial] * behaviour.numbers["coherence"][trial];
        let right = stream.random::<f64>() < normal::cdf(signed / 18.0 * (duration / 400.0).sqrt());
        if behaviour.chosen[trial] {
            behaviour.action[trial] = Some(if right { 2 } else { 1 });
            behaviour.correct[trial] = Some(right == (behaviour.numbers["direction"][trial] > 0.0));
        }
    }
    behaviour
}

/// Reaction-time dot motion: faster with coherence, errors 60 ms slower.
pub(crate) fn rdm_rt(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 2);
    let mut behaviour = rdm(n, seed);
    behaviour.task = "rdm-rt".to_owned();
    behaviour
        .duration_ms
        .insert("stimulus".to_owned(), vec![2000.0; n]);
    behaviour.onset_ms.remove("decision");
    behaviour.duration_ms.remove("decision");
    for trial in 0..n {
        if behaviour.chosen[trial] {
            let slow = if behaviour.correct[trial] == Some(true) {
                0.0
            } else {
                60.0
            };
            let reaction = 250.0 + slow + 500.0 / (1.0 + behaviour.numbers["coherence"][trial] / 10.0);
            let jitter: f64 = stream.random_range(-8..=8).into();
            behaviour.choice_ms[trial] = FIXATION_MS + (reaction / 10.0).floor() * 10.0 + 10.0 * jitter;
        }
    }
    behaviour
}

/// Context-dependent integration; the irrelevant modality has a tenth of the weight.
pub(crate) fn mante(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("mante", &["fixate", "left", "right"]);
    for _ in 0..n {
        let context = of(&mut stream, &["motion", "color"]);
        let mut signed = [0.0; 2];
        for (modality, signed) in ["motion", "color"].iter().zip(&mut signed) {
            let (direction, coherence) = (of(&mut stream, &[-1.0, 1.0]), of(&mut stream, &[5.0, 15.0, 50.0]));
            number(&mut behaviour, &format!("direction_{modality}"), direction);
            number(&mut behaviour, &format!("coherence_{modality}"), coherence);
            *signed = direction * coherence;
        }
        label(&mut behaviour, "context", context);
        epoch(&mut behaviour, "stimulus", FIXATION_MS, 750.0);
        epoch(&mut behaviour, "decision", 2000.0, 500.0);
        let (relevant, other) = if context == "motion" {
            (signed[0], signed[1])
        } else {
            (signed[1], signed[0])
        };
        let right = stream.random::<f64>() < normal::cdf((relevant + 0.1 * other) / 14.0);
        let correct = Some(right == (relevant > 0.0));
        outcome(&mut behaviour, Some(if right { 2 } else { 1 }), correct, 2050.0);
    }
    behaviour
}

/// Rates of flashes and clicks against a boundary of 12.5 events/s.
pub(crate) fn multisensory(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("multisensory", &["fixate", "low", "high"]);
    for _ in 0..n {
        let modality = stream.random_range(0..3);
        let rate = f64::from(stream.random_range(9_i32..17));
        label(
            &mut behaviour,
            "modality",
            ["visual", "auditory", "both"][modality],
        );
        number(&mut behaviour, "rate", rate);
        epoch(&mut behaviour, "stimulus", FIXATION_MS, 1000.0);
        let high = stream.random::<f64>() < normal::cdf((rate - 12.5) / RATE_SIGMA[modality]);
        outcome(
            &mut behaviour,
            Some(if high { 2 } else { 1 }),
            Some(high == (rate > 12.5)),
            1800.0,
        );
    }
    behaviour
}

/// Vibrotactile comparison; lower frequencies are easier.
pub(crate) fn romo(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("romo", &["fixate", "greater", "less"]);
    for _ in 0..n {
        let (high, low) = of(
            &mut stream,
            &[
                (18.0, 10.0),
                (22.0, 14.0),
                (26.0, 18.0),
                (30.0, 22.0),
                (34.0, 26.0),
            ],
        );
        let order = of(&mut stream, &["greater", "less"]);
        number(&mut behaviour, "high", high);
        number(&mut behaviour, "low", low);
        label(&mut behaviour, "order", order);
        epoch(&mut behaviour, "f1", FIXATION_MS, 500.0);
        let correct = stream.random::<f64>() < 0.99 - 0.005 * (high - 18.0) / 4.0;
        let greater = correct == (order == "greater");
        outcome(
            &mut behaviour,
            Some(if greater { 1 } else { 2 }),
            Some(correct),
            5000.0,
        );
    }
    behaviour
}

/// Wagering on confidence: the sure bet is taken when the decision variable is near 0.
pub(crate) fn wager(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("wager", &["fixate", "left", "right", "sure"]);
    for _ in 0..n {
        let offered = stream.random::<bool>();
        let direction = of(&mut stream, &[-1.0, 1.0]);
        let coherence = of(&mut stream, &[0.0, 3.2, 6.4, 12.8, 25.6, 51.2]);
        let duration = 100.0 + exponential(&mut stream, 180.0, 0.0, 800.0);
        number(&mut behaviour, "direction", direction);
        number(&mut behaviour, "coherence", coherence);
        label(&mut behaviour, "wager", if offered { "yes" } else { "no" });
        epoch(&mut behaviour, "stimulus", FIXATION_MS, duration);
        epoch(
            &mut behaviour,
            "sure",
            if offered {
                FIXATION_MS + duration + 600.0
            } else {
                f64::NAN
            },
            900.0,
        );
        let noise = normal::quantile(stream.random_range(1e-9..1.0));
        let evidence = direction * coherence / 15.0 * (duration / 300.0).sqrt() + noise;
        if offered && evidence.abs() < 0.7 {
            outcome(&mut behaviour, Some(3), None, 2800.0);
        } else {
            let right = evidence > 0.0;
            outcome(
                &mut behaviour,
                Some(if right { 2 } else { 1 }),
                Some(right == (direction > 0.0)),
                2800.0,
            );
        }
    }
    behaviour
}

/// Offers of two juices.
pub(crate) fn economic(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("economic", &["fixate", "left", "right"]);
    let offers = [
        (0, 1),
        (1, 3),
        (1, 2),
        (1, 1),
        (2, 1),
        (3, 1),
        (4, 1),
        (6, 1),
        (2, 0),
    ];
    let indifference = (JUICE_RATIO - 1.0) / (JUICE_RATIO + 1.0);
    for _ in 0..n {
        let (n_b, n_a): (i32, i32) = of(&mut stream, &offers);
        let left = of(&mut stream, &["A", "B"]);
        number(&mut behaviour, "n_a", n_a.into());
        number(&mut behaviour, "n_b", n_b.into());
        label(&mut behaviour, "left_juice", left);
        epoch(&mut behaviour, "offer-on", FIXATION_MS, 1500.0);
        let x = f64::from(n_b - n_a) / f64::from(n_b + n_a);
        let b = stream.random::<f64>() < normal::cdf((x - indifference) / 0.12);
        let correct = b == (f64::from(n_b) > JUICE_RATIO * f64::from(n_a));
        outcome(
            &mut behaviour,
            Some(if b == (left == "B") { 1 } else { 2 }),
            Some(correct),
            2300.0,
        );
    }
    behaviour
}

/// Standard deviation over mean of the timed responses.
pub(crate) const WEBER: f64 = 0.1;

/// Presses a learnt time after a cue, with a spread in proportion.
pub(crate) fn interval(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("interval", &["wait", "press"]);
    for _ in 0..n {
        let interval = of(&mut stream, &[600.0, 1000.0, 1400.0]);
        number(&mut behaviour, "interval", interval);
        epoch(&mut behaviour, "cue", 300.0, 100.0);
        let z = normal::quantile(stream.random_range(1e-6..1.0 - 1e-6));
        let press = (interval * (1.0 + WEBER * z) / 10.0).round() * 10.0;
        outcome(&mut behaviour, Some(1), None, 300.0 + press);
    }
    behaviour
}

/// Dot motion with ten units: while the stimulus is on the first grows with coherence, four more tell its levels apart by
/// steps, the others are noise.
pub(crate) fn coded(n: usize, seed: u64) -> (Behaviour, Activity) {
    const UNITS: usize = 10;
    let behaviour = rdm(n, seed);
    let mut stream = Key::new(seed).stream(Purpose::Test, 9);
    let times_ms: Vec<f64> = (0..60).map(|i| f64::from(i) * 25.0).collect();
    let (onset, duration) = (
        &behaviour.onset_ms["stimulus"],
        &behaviour.duration_ms["stimulus"],
    );
    let mut rates = Vec::new();
    for &t in &times_ms {
        for trial in 0..n {
            let on = t >= onset[trial] && t < onset[trial] + duration[trial];
            let level = COHERENCES
                .iter()
                .position(|&c| c == behaviour.numbers["coherence"][trial]);
            for unit in 0..UNITS {
                let noise: f32 = stream.random_range(-0.05..0.05);
                let code = if unit == 0 && on {
                    level.unwrap_or(0) as f32 * 0.4
                } else {
                    0.0
                };
                // Units 1 to 4 tell levels apart together, as thresholds do.
                let step = (1..5).contains(&unit) && on && level.unwrap_or(0) >= unit;
                rates.push(code + noise + if step { 0.3 } else { 0.0 });
            }
        }
    }
    let activity = Activity {
        times_ms,
        n_trials: n,
        n_units: UNITS,
        rates,
    };
    (behaviour, activity)
}

/// Sessions of forty choices between two options that pay half the time: stays after a reward with probability 0.9, leaves
/// after none with 0.6.
pub(crate) fn follower(sessions: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("follower", &["wait", "left", "right"]);
    for session in 0..sessions {
        let mut last: Option<(usize, bool)> = None;
        for trial in 0..40 {
            let stays = match last {
                Some((_, true)) => 0.9,
                Some((_, false)) => 0.4,
                None => 0.5,
            };
            let before = last.map_or(1, |(action, _)| action);
            let action = if stream.random::<f64>() < stays {
                before
            } else {
                3 - before
            };
            let won = stream.random::<bool>();
            number(&mut behaviour, "session", f64::from(session as u32 + 1));
            number(&mut behaviour, "trial", f64::from(trial + 1));
            outcome(&mut behaviour, Some(action), Some(won), 500.0);
            last = Some((action, won));
        }
    }
    behaviour
}

/// Sensitivity and criterion of the detector.
pub(crate) const DPRIME: f64 = 1.8;
pub(crate) const CRITERION: f64 = 0.3;

/// One answer to a signal of a third of the trials, from a normal variable above a criterion.
pub(crate) fn detector(n: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("detector", &["wait", "press"]);
    for _ in 0..n {
        let present = stream.random::<f64>() < 1.0 / 3.0;
        let mean = if present { DPRIME / 2.0 } else { -DPRIME / 2.0 };
        let z = normal::quantile(stream.random_range(1e-9..1.0 - 1e-9));
        number(&mut behaviour, "target", f64::from(u8::from(present)));
        behaviour.answerable.push(present);
        let pressed = mean + z > CRITERION;
        outcome(
            &mut behaviour,
            pressed.then_some(1),
            pressed.then_some(present),
            500.0,
        );
    }
    behaviour
}

/// Sessions of forty trials in blocks of ten; takes the side of the new block from the fourth trial of it on.
pub(crate) fn reverser(sessions: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("reverser", &["wait", "left", "right"]);
    for session in 0..sessions {
        let first = stream.random::<bool>();
        for trial in 0..40_u32 {
            let (block, in_block) = (trial / 10, trial % 10);
            let better = first == block.is_multiple_of(2);
            let chose = if in_block < 3 && block > 0 {
                !better
            } else {
                better
            };
            number(&mut behaviour, "session", session as f64 + 1.0);
            number(&mut behaviour, "trial", f64::from(trial + 1));
            number(&mut behaviour, "block", f64::from(block + 1));
            number(&mut behaviour, "block_trial", f64::from(in_block + 1));
            outcome(
                &mut behaviour,
                Some(if chose { 2 } else { 1 }),
                Some(chose == better),
                500.0,
            );
        }
    }
    behaviour
}

/// Learning rate and inverse temperature of the learner.
pub(crate) const LEARNING_RATE: f64 = 0.35;
pub(crate) const BETA: f64 = 4.0;

/// Sessions of fifty choices between two options that pay with 0.7 and 0.3, by values learnt from rewards.
pub(crate) fn learner(sessions: usize, seed: u64) -> Behaviour {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    let mut behaviour = empty("learner", &["wait", "left", "right"]);
    for session in 0..sessions {
        let better = stream.random_range(0..2_usize);
        let mut q = [0.5, 0.5];
        for trial in 0..50_u32 {
            let second = stream.random::<f64>() < 1.0 / (1.0 + (-BETA * (q[1] - q[0])).exp());
            let option = usize::from(second);
            let won = stream.random::<f64>() < if option == better { 0.7 } else { 0.3 };
            q[option] += LEARNING_RATE * (f64::from(u8::from(won)) - q[option]);
            number(&mut behaviour, "session", session as f64 + 1.0);
            number(&mut behaviour, "trial", f64::from(trial + 1));
            outcome(&mut behaviour, Some(option + 1), Some(won), 500.0);
        }
    }
    behaviour
}
