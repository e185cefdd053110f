//! Laws of what trials are drawn from.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::registry;

const DRAWS: u64 = 100_000;

/// Mean duration of an epoch in ms over many draws, and its standard error; every draw within [low, high).
fn mean_duration(task: &str, epoch: &str, low: f64, high: f64) -> (f64, f64) {
    let task = registry::find(task, None).unwrap();
    let position = task.epochs.iter().position(|e| e.name == epoch).unwrap();
    let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
    for trial in 0..DRAWS {
        let trial = task.draw(&mut Key::new(5).stream(Purpose::Condition, trial));
        let Some((start, end)) = trial.epochs[position] else {
            continue;
        };
        let ms = (end - start) as f64 * task.dt_ms;
        assert!((low..high).contains(&ms), "{epoch} of {ms} ms");
        sum += ms;
        squares += ms * ms;
        n += 1.0;
    }
    let mean: f64 = sum / n;
    (mean, ((squares / n - mean * mean) / n).sqrt())
}

#[test]
fn durations_have_the_means_of_their_truncated_laws() {
    // After flooring to 10 ms, by numerical integration.
    for (task, epoch, low, high, expected) in [
        ("rdm", "stimulus", 80.0, 1500.0, 385.55),
        ("mante", "delay", 300.0, 1500.0, 572.64),
        ("wager", "stimulus", 100.0, 900.0, 265.54),
        ("wager", "delay", 1200.0, 1800.0, 1472.86),
        ("romo", "delay", 2700.0, 3300.0, 2995.0),
        ("economic", "offer-on", 1000.0, 2000.0, 1495.0),
    ] {
        let (mean, error) = mean_duration(task, epoch, low, high);
        assert!(
            (mean - expected).abs() < 5.0 * error + 0.01,
            "{task} {epoch}: mean {mean}, expected {expected}"
        );
    }
}

#[test]
fn conditions_are_uniform() {
    for name in registry::PUBLISHED {
        let task = registry::find(name, None).unwrap();
        let mut counts = vec![0.0_f64; task.n_conditions()];
        for trial in 0..DRAWS {
            counts[task
                .draw(&mut Key::new(6).stream(Purpose::Condition, trial))
                .condition
                .id] += 1.0;
        }
        let expected = DRAWS as f64 / counts.len() as f64;
        let chi2: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
        let freedom = counts.len() as f64 - 1.0;
        assert!(
            chi2 < freedom + 6.0 * (2.0 * freedom).sqrt(),
            "{name}: χ²({freedom}) = {chi2}"
        );
    }
}

#[test]
fn every_task_compiles_at_every_time_step_that_fits_it() {
    let tables = |name: &&str| registry::find(name, None).unwrap().world.is_none();
    for name in registry::names().filter(tables) {
        // Where every step has its answer, breaking fixation is one from the start. Those trials last 1980 ms.
        let at_every_step = registry::MASSE.contains(&name);
        for dt in [1.0, 2.0, 5.0, 10.0, 25.0, 50.0] {
            if at_every_step && 1980.0 % dt != 0.0 {
                continue;
            }
            let task = registry::find(name, Some(dt)).unwrap_or_else(|e| panic!("{name} at {dt} ms: {e}"));
            for id in 0..50 {
                let trial = task.draw(&mut Key::new(7).stream(Purpose::Condition, id));
                let first = trial.first_choice_step().expect("every trial offers a choice");
                assert!(
                    (first > 0 || at_every_step) && first < trial.n_steps - 1,
                    "{name} at {dt} ms: first choice at {first}"
                );
                assert!(trial.segments.windows(2).all(|w| w[0].start < w[1].start));
                assert!(
                    at_every_step
                        || trial
                            .row_at(trial.n_steps - 1)
                            .outcomes
                            .iter()
                            .all(|o| o.ends && (o.reward == -1.0 || ["go-nogo", "sequence"].contains(&name)))
                );
            }
        }
    }
}
