//! Ranges of numbers in the settings, and whether what they ask for fits in memory.

use crate::config::{Config, NetworkConfig};
use crate::model::shapes;
use crate::train::plan;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::memory;
use neuropil_learn::train::WIDE_FROM;
use neuropil_learn::update::bytes_of_update;
use neuropil_nn::network::Shape;
use neuropil_tasks::task::Task;

/// Largest magnitude of a factor, weight, rate or variance: the engine computes in single precision.
const LARGEST: f64 = 1e30;
/// Updates and restarts are counted in 48 and 16 bits of the names of random streams.
const MOST_UPDATES: u64 = (1 << 48) - 1;
const MOST_RESTARTS: u64 = (1 << 16) - 1;

/// What a number may be.
#[derive(Clone, Copy)]
enum Range {
    Positive,
    NotNegative,
    Variance,
    Any,
}

impl Range {
    /// What is wrong with a number, if anything.
    fn refuses(self, x: f64) -> Option<String> {
        let (holds, expected) = match self {
            Self::Positive => (x > 0.0, "a number > 0"),
            Self::NotNegative => (x >= 0.0, "a number ≥ 0"),
            Self::Variance => (x >= 0.0, "a variance ≥ 0"),
            Self::Any => (!x.is_nan(), "a number"),
        };
        if !holds || x.is_infinite() {
            Some(expected.to_owned())
        } else {
            (x.abs() > LARGEST).then(|| format!("{expected} of at most {LARGEST:e}"))
        }
    }
}

/// Numbers of both networks and of the training protocol.
///
/// # Errors
/// The first one out of range; networks or batches that need more memory than this machine has.
pub(crate) fn check(config: &Config, task: &Task, layers: &Layers) -> Result<(), Problem> {
    for (name, net) in [("policy", &config.policy), ("value", &config.value)] {
        for (field, value, range) in network_numbers(net) {
            must_hold(&format!("{name}.{field}"), value, range, layers)?;
        }
    }
    let training = &config.training;
    for (field, value, range) in [
        ("entropy_bonus", training.entropy_bonus, Range::NotNegative),
        ("l1_recurrent", training.l1_recurrent, Range::NotNegative),
        ("l2_recurrent", training.l2_recurrent, Range::NotNegative),
        ("max_gradient_norm", training.max_gradient_norm, Range::Positive),
        ("target_reward", training.target_reward.unwrap_or(0.0), Range::Any),
    ] {
        must_hold(&format!("training.{field}"), value, range, layers)?;
    }
    check_counts(config, layers)?;
    check_memory(config, task, layers)
}

fn network_numbers(net: &NetworkConfig) -> [(&'static str, f64, Range); 7] {
    [
        ("learning_rate", net.learning_rate, Range::Positive),
        ("noise_variance", net.noise_variance, Range::Variance),
        ("spectral_radius", net.spectral_radius, Range::Positive),
        ("input_scale", net.input_scale, Range::NotNegative),
        ("output_bias", net.output_bias.unwrap_or(0.0), Range::Any),
        ("l2_rates", net.l2_rates, Range::NotNegative),
        ("l2_initial", net.l2_initial, Range::NotNegative),
    ]
}

fn must_hold(key: &str, value: f64, range: Range, layers: &Layers) -> Result<(), Problem> {
    let Some(expected) = range.refuses(value) else {
        return Ok(());
    };
    let message = format!("{key} is {value}, expected {expected}");
    Err(layers.problem_at(key, message, default_of(key)))
}

fn check_counts(config: &Config, layers: &Layers) -> Result<(), Problem> {
    let training = &config.training;
    let least_one = [
        ("check_every", Some(training.check_every)),
        ("trials_per_update", training.trials_per_update.map(|n| n as u64)),
        ("validation_trials", training.validation_trials.map(|n| n as u64)),
    ];
    let fail = |field: &str, found: u64, expected: String| {
        let key = format!("training.{field}");
        let message = format!("{key} is {found}, expected {expected}");
        Err(layers.problem_at(&key, message, default_of(&key)))
    };
    for (field, count) in least_one {
        if count == Some(0) {
            return fail(field, 0, "a whole number ≥ 1".to_owned());
        }
    }
    for (field, count, most) in [
        ("max_updates", training.max_updates, MOST_UPDATES),
        ("max_restarts", training.max_restarts, MOST_RESTARTS),
    ] {
        if count > most {
            return fail(field, count, format!("at most {most}"));
        }
    }
    Ok(())
}

/// Bytes that a network needs beside its batches: parameters, moments, masks, packed weights, and the double-precision
/// matrices that they are drawn from.
fn bytes_of_network(shape: Shape) -> f64 {
    let (n, i, o) = (
        shape.n_units as f64,
        shape.n_inputs as f64,
        shape.n_outputs as f64,
    );
    let blocks = 4.0; // of a gated network or a little more
    let parameters = n * (blocks * (n + i + 1.0) + o + 1.0);
    50.0 * parameters + 32.0 * n * n
}

/// Bytes of one drawn trial.
const TRIAL: f64 = 400.0;

fn check_memory(config: &Config, task: &Task, layers: &Layers) -> Result<(), Problem> {
    let (policy, value) = shapes(config, task);
    let plan = plan(config, task);
    let available = memory::physical() as f64;
    let units = |name: &str, shape: Shape| (format!("{name}.units"), shape.n_units, bytes_of_network(shape));
    let lanes = if plan.trials_per_update < WIDE_FROM { 8 } else { 16 };
    let trials = plan.trials_per_update;
    let batch = bytes_of_update(
        policy,
        value,
        trials,
        task.n_steps,
        lanes,
        config.training.continuous,
    );
    for (key, found, bytes) in [
        units("policy", policy),
        units("value", value),
        (
            "training.trials_per_update".to_owned(),
            trials,
            batch + TRIAL * trials as f64,
        ),
        (
            "training.validation_trials".to_owned(),
            plan.validation_trials,
            TRIAL * plan.validation_trials as f64,
        ),
    ] {
        if bytes > available {
            let message = format!(
                "{key} is {found}, which needs about {} of memory, expected at most the {} of this machine",
                memory::text(bytes),
                memory::text(available)
            );
            return Err(layers.problem_at(&key, message, default_of(&key)));
        }
    }
    Ok(())
}

/// What a setting is when nobody says, as a hint.
pub(crate) fn default_of(key: &str) -> Option<String> {
    let mut value = toml::Value::try_from(Config::default()).ok()?;
    for part in key.split('.') {
        value = value.get(part)?.clone();
    }
    Some(format!("left out, it is {value}"))
}

#[cfg(test)]
mod tests {
    use crate::resolve::resolve;

    fn refusal(setting: &str) -> Option<String> {
        let task = neuropil_tasks::registry::find("rdm", None).unwrap();
        let resolved = resolve(&task, |layers| layers.set(setting));
        resolved.err().map(|problem| problem.message)
    }

    #[test]
    fn every_number_has_a_range() {
        let networks = ["policy", "value"].into_iter();
        let numbers = [
            "learning_rate",
            "noise_variance",
            "spectral_radius",
            "input_scale",
            "output_bias",
            "l2_rates",
            "l2_initial",
        ];
        let of_networks = networks.flat_map(|net| numbers.map(|field| format!("{net}.{field}")));
        let of_training = [
            "entropy_bonus",
            "l1_recurrent",
            "l2_recurrent",
            "max_gradient_norm",
            "target_reward",
            "gae_lambda",
        ];
        let keys = of_networks.chain(of_training.map(|field| format!("training.{field}")));
        for key in keys {
            for value in ["nan", "inf", "-inf", "1e300", "-1"] {
                let may_be_negative = key.ends_with("output_bias") || key.ends_with("target_reward");
                let said = refusal(&format!("{key}={value}"));
                if value == "-1" && may_be_negative {
                    assert_eq!(said, None);
                } else {
                    let said = said.unwrap_or_else(|| panic!("{key} = {value} is taken"));
                    assert!(said.starts_with(&format!("{key} is ")), "{said}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_in_memory_is_refused_with_its_size() {
        for setting in [
            "policy.units=1000000",
            "value.units=1000000",
            "policy.units=9223372036854775807",
            "training.trials_per_update=1000000000",
            "training.trials_per_update=9223372036854775807",
            "training.validation_trials=1000000000000",
        ] {
            let said = refusal(setting).unwrap_or_else(|| panic!("{setting} is taken"));
            assert!(said.contains(" of memory, expected at most the "), "{said}");
        }
        for setting in [
            "training.validation_trials=0",
            "training.trials_per_update=0",
            "training.check_every=0",
            "training.max_updates=9223372036854775807",
            "training.max_restarts=65536",
        ] {
            assert!(refusal(setting).is_some(), "{setting} is taken");
        }
        assert_eq!(refusal("policy.units=500"), None);
    }
}
