//! From layers of settings to checked ones: defaults ← task ← preset ← file ← command line.

use crate::config::{Config, NetworkConfig, unit_range};
use crate::model::shapes;
use crate::ranges::{self, default_of};
use neuropil_lab::config::{Layers, Resolved};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_learn::rules::Teacher;
use neuropil_nn::cell::Cell;
use neuropil_nn::ties::can_be_tied;
use neuropil_tasks::task::Task;
use toml::Table;

/// The published settings to the letter: nothing of ours.
const SONG_2017: &str = "
training.restart_when_trapped = false
training.curriculum = false
training.entropy_bonus = 0.0
";

/// What suits a task in which rewards come all along and no action breaks a trial off: the published start, which learns
/// first of all not to be punished, has nothing to learn from there, and never to answer is where learning would end.
const ALL_ALONG: &str = "
[value]
output_bias = 0.0
[training]
t0_return = \"return\"
entropy_bonus = 0.01
";

/// What the task itself changes in the settings, as a layer of its own.
fn task_layer(task: &Task) -> Table {
    let d = &task.definition;
    let goes_on = d.rewards.otherwise.is_some_and(|otherwise| !otherwise.ends);
    let mut layer: Table = if d.session.is_some() || goes_on {
        toml::from_str(ALL_ALONG).expect("settings are TOML")
    } else {
        Table::new()
    };
    merge(&mut layer, own_layer(task));
    layer
}

/// `top` over `base`, table by table.
fn merge(base: &mut Table, top: Table) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What is written in the task.
fn own_layer(task: &Task) -> Table {
    let d = &task.definition;
    let tables = [
        ("policy", &d.policy),
        ("value", &d.value),
        ("training", &d.training),
    ];
    let mut layer: Table = tables
        .into_iter()
        .map(|(name, table)| (name.to_owned(), table.clone().into()))
        .collect();
    if let Some(tau_ms) = d.tau_ms {
        layer.insert("tau_ms".to_owned(), tau_ms.into());
    }
    layer
}

/// Resolves settings for a task: defaults ← task ← preset ← the given layers.
///
/// # Errors
/// Unknown keys, values of the wrong type or out of range, with the place that sets them.
pub fn resolve(
    task: &Task,
    given: impl Fn(&mut Layers) -> Result<(), Problem>,
) -> Result<Resolved<Config>, Problem> {
    let mut layers = Layers::new();
    layers.add_table(&format!("task {}", task.definition.name), task_layer(task));
    given(&mut layers)?;
    let first: Resolved<Config> = layers.resolve()?;
    let mut layers = Layers::new();
    layers.add_table(&format!("task {}", task.definition.name), task_layer(task));
    match first.value.preset.as_str() {
        "default" => {}
        "song2017" => layers.add("preset song2017", SONG_2017)?,
        other => {
            let hint = Some("known presets: default, song2017".to_owned());
            return Err(first
                .layers()
                .problem_at("preset", format!("unknown preset `{other}`"), hint));
        }
    }
    given(&mut layers)?;
    let resolved: Resolved<Config> = layers.resolve()?;
    check(&resolved, task)?;
    Ok(resolved)
}

/// Ranges, and names that must exist.
fn check(resolved: &Resolved<Config>, task: &Task) -> Result<(), Problem> {
    let (config, layers) = (&resolved.value, resolved.layers());
    let fail = |key: &str, found: String, expected: &str| {
        let message = format!("{key} is {found}, expected {expected}");
        Err(layers.problem_at(key, message, default_of(key)))
    };
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(config.tau_ms) {
        return fail("tau_ms", config.tau_ms.to_string(), "a time constant > 0 ms");
    }
    if task.dt_ms > config.tau_ms {
        return fail(
            "tau_ms",
            config.tau_ms.to_string(),
            &format!("at least the time step, {} ms", task.dt_ms),
        );
    }
    for (name, net) in [("policy", &config.policy), ("value", &config.value)] {
        if net.units == 0 {
            return fail(&format!("{name}.units"), "0".into(), "a whole number ≥ 1");
        }
    }
    ranges::check(config, task, layers)?;
    for (name, net) in [("policy", &config.policy), ("value", &config.value)] {
        let key = |field: &str| format!("{name}.{field}");
        let p0 = net.connection_probability;
        if !(p0 > 0.0 && p0 <= 1.0) {
            return fail(
                &key("connection_probability"),
                p0.to_string(),
                "a fraction in (0, 1]",
            );
        }
        if (p0 * net.units as f64).floor() < 1.0 {
            let at = key("connection_probability");
            let (units, least) = (net.units, 1.0 / net.units as f64);
            let message =
                format!("{at} is {p0}, which leaves no partner for {units} units, expected at least {least}");
            let hint = format!("raise it, or {}", key("units"));
            return Err(layers.problem_at(&at, message, Some(hint)));
        }
        if name == "policy" && net.cell == Cell::Linear {
            return fail("policy.cell", "linear".into(), "gated, leaky or lstm");
        }
        for (input, &[from, to]) in &net.input_targets {
            let at = key(&format!("input_targets.{input}"));
            if !task.definition.inputs.contains(input) {
                let known = task.definition.inputs.join(", ");
                return Err(layers.problem_at(
                    &at,
                    format!("{at}: the task has no input `{input}`"),
                    Some(format!("inputs: {known}")),
                ));
            }
            if !(0.0 <= from && from < to && to <= 1.0) || unit_range(from, to, net.units).is_empty() {
                return fail(
                    &at,
                    format!("[{from}, {to}]"),
                    &format!(
                        "fractions 0 ≤ from < to ≤ 1 that hold at least one of {} units",
                        net.units
                    ),
                );
            }
        }
    }
    check_arrays(config, task, layers)?;
    let training = &config.training;
    if !(0.0..=1.0).contains(&training.gae_lambda) {
        return fail(
            "training.gae_lambda",
            training.gae_lambda.to_string(),
            "a number from 0 to 1",
        );
    }
    if training.teacher == Teacher::Targets {
        let key = "training.teacher";
        let refuse = |why: &str| {
            let message = format!("{key} is targets, but {why}");
            Err(layers.problem_at(key, message, Some("learn from reward".to_owned())))
        };
        if task.world.is_some() {
            return refuse("a world that answers has no targets");
        }
        if !task.outputs.is_empty() {
            return refuse("the targets of this task are values, and these networks choose among actions");
        }
        if training.continuous {
            return refuse("continuous mode is for learning from reward");
        }
    }
    Ok(())
}

/// Settings that name parameter arrays, and Dale's law.
fn check_arrays(config: &Config, task: &Task, layers: &Layers) -> Result<(), Problem> {
    let (policy, value) = shapes(config, task);
    for (name, net, shape) in [
        ("policy", &config.policy, policy),
        ("value", &config.value, value),
    ] {
        let layout = shape.layout();
        let all: Vec<&str> = layout.entries().iter().map(|entry| &*entry.name).collect();
        let maskable: Vec<&str> = all
            .iter()
            .copied()
            .filter(|array| array.starts_with("w_"))
            .collect();
        let fixed = net.fixed.iter().map(|array| ("fixed".to_owned(), array, &all));
        let masks = net
            .masks
            .keys()
            .map(|array| (format!("masks.{array}"), array, &maskable));
        let initial = net
            .initial
            .keys()
            .map(|array| (format!("initial.{array}"), array, &all));
        let tieable: Vec<&str> = all.iter().copied().filter(|array| can_be_tied(array)).collect();
        let tied = net.tied.iter().map(|array| ("tied".to_owned(), array, &tieable));
        for (field, array, known) in fixed.chain(masks).chain(initial).chain(tied) {
            if !known.contains(&array.as_str()) {
                let key = format!("{name}.{field}");
                let kind = toml::Value::try_from(net.cell).expect("a kind of unit has a name");
                let kind = kind.as_str().unwrap_or_default();
                let message = if all.contains(&array.as_str()) {
                    format!("{key}: array `{array}` cannot be named here")
                } else {
                    format!("{key}: a network of {kind} units has no array `{array}`")
                };
                let hint = did_you_mean(array, "arrays", known);
                return Err(layers.problem_at(&key, message, Some(hint)));
            }
        }
        check_wiring(name, net, layers)?;
        let Some(fraction) = net.excitatory_fraction else {
            continue;
        };
        let key = format!("{name}.excitatory_fraction");
        let partners = (net.connection_probability * net.units as f64).floor() as usize;
        let excitatory = (fraction * net.units as f64).round() as usize;
        let found = |expected: String| {
            let message = format!("{key} is {fraction}, expected {expected}");
            Err(layers.problem_at(&key, message, None))
        };
        if !(fraction > 0.0 && fraction < 1.0) || excitatory == 0 || excitatory == net.units {
            return found(format!(
                "a fraction in (0, 1) that leaves at least one of {} units of each kind",
                net.units
            ));
        }
        if partners < 2 {
            return found(format!(
                "none: with {partners} partner a unit cannot hear both kinds; raise {name}.connection_probability"
            ));
        }
        if net.cell == Cell::Linear {
            return found("none: a linear read-out has no recurrent weights".to_owned());
        }
        if net.cell == Cell::Lstm {
            return found(
                "none: rates of lstm units have both signs, so the sign of a weight does not make a unit excitatory or \
                 inhibitory"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// Settings that go together or not at all.
fn check_wiring(name: &str, net: &NetworkConfig, layers: &Layers) -> Result<(), Problem> {
    let fail = |field: &str, message: String, hint: Option<&str>| {
        let key = format!("{name}.{field}");
        Err(layers.problem_at(&key, format!("{key} {message}"), hint.map(str::to_owned)))
    };
    for (field, given) in [("signs", net.signs.is_some()), ("types", net.types.is_some())] {
        if given && net.cell == Cell::Linear {
            return fail(
                field,
                "is given, but a linear read-out has no units of its own".into(),
                None,
            );
        }
    }
    if net.signs.is_some() && net.excitatory_fraction.is_some() {
        let hint = Some("leave one of them out");
        return fail(
            "signs",
            format!("and {name}.excitatory_fraction are two ways to say the same"),
            hint,
        );
    }
    if !net.tied.is_empty() && net.types.is_none() {
        let hint = format!("name a file with {name}.types");
        return fail(
            "tied",
            "is given, but not which unit is of which type".into(),
            Some(&hint),
        );
    }
    if net.types.is_some() && net.tied.is_empty() {
        let hint = format!("{name}.tied = [\"w_rec\"] trains one gain for each pair of types");
        return fail(
            "types",
            "is given, but no array is trained by type".into(),
            Some(&hint),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_of_the_paper_drops_what_is_ours_and_gives_way_to_the_user() {
        let task = neuropil_tasks::registry::find("wager", None).unwrap();
        let training = |given: &[&str]| {
            let set = |layers: &mut Layers| given.iter().try_for_each(|assignment| layers.set(assignment));
            resolve(&task, set).unwrap().value.training
        };
        let ours = training(&[]);
        assert!(ours.curriculum && ours.restart_when_trapped && ours.patience == 2000);
        assert!(ours.entropy_bonus > 0.0);
        let published = training(&["preset=song2017"]);
        assert!(!published.curriculum && !published.restart_when_trapped && published.entropy_bonus == 0.0);
        assert!(training(&["preset=song2017", "training.curriculum=true"]).curriculum);
    }
}
