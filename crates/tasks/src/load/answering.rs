//! The parts of a task file that speak of a world that answers.

use super::Loader;
use super::place::Source;
use crate::definition::CriterionDefinition;
use crate::quantity::{Quantity, Source as Counted};
use crate::world::{self, ReadError, Rules};
use neuropil_lab::error::{Problem, nearest};
use toml::{Table, Value};

/// Keys that a world decides, or that only a trial table has.
const NOT_BESIDE_A_WORLD: [&str; 8] = [
    "tmax_ms", "inputs", "actions", "factors", "derived", "epochs", "show", "answers",
];
/// Time step of a world, ms, when the file does not say: steps count, not milliseconds.
const STEP_MS: f64 = 1.0;

impl Source<'_> {
    /// Rules of the `[world]` of a task, if it has one; what they decide is filled in.
    pub(super) fn world(&self, merged: &mut Table) -> Result<Option<Box<dyn Rules>>, Problem> {
        let Some(given) = merged.get("world") else {
            return Ok(None);
        };
        let Some(table) = given.as_table() else {
            let hint = Some("write `world = { kind = \"cartpole\" }`".to_owned());
            return Err(self.error(&["world"], format!("world = {given}, expected a table"), hint));
        };
        let rules = world::rules(table).map_err(|error| match error {
            ReadError::Kind(message, hint) => self.error(&["world", "kind"], message, hint),
            ReadError::Parameter(error) => self.of_serde(&["world"], &error),
            ReadError::Range(wrong) => {
                let kind = table["kind"].as_str().unwrap_or_default();
                let hint = format!("`neuropil tasks {kind}` says what each parameter means");
                self.error(&["world", wrong.parameter], wrong.message, Some(hint))
            }
        })?;
        if let Some(key) = NOT_BESIDE_A_WORLD.iter().find(|key| merged.contains_key(**key)) {
            let message = format!("`{key}` has no place beside a world, whose rules decide it");
            return Err(self.error(&[key], message, Some("leave it out".to_owned())));
        }
        let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
        let dt_ms = merged.get("dt_ms").and_then(number).unwrap_or(STEP_MS);
        let names = |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
        for (key, value) in [
            ("dt_ms", Value::Float(dt_ms)),
            ("tau_ms", Value::Float(dt_ms)),
            ("tmax_ms", Value::Float(rules.n_steps() as f64 * dt_ms)),
            ("inputs", names(rules.inputs())),
            ("actions", names(rules.actions())),
        ] {
            merged.entry(key).or_insert(value);
        }
        for key in ["factors", "epochs", "show", "answers"] {
            merged.insert(key.to_owned(), Value::Table(Table::new()));
        }
        Ok(Some(rules))
    }
}

impl Loader<'_> {
    /// A world moves in its own steps.
    pub(super) fn check_world(&self, dt_ms: f64) -> Result<(), Problem> {
        let own = self.definition.dt_ms;
        if self.world.is_some() && dt_ms != own {
            let message =
                format!("dt_ms is {dt_ms}, expected {own}: a world that answers moves in steps of its own");
            return self.dt_error(message, Some("leave the time step as it is".to_owned()));
        }
        Ok(())
    }

    /// A quantity of the criterion of a world.
    pub(super) fn measure(
        &self,
        name: &str,
        given: &CriterionDefinition,
        world: &dyn Rules,
    ) -> Result<Quantity, Problem> {
        let path = ["criterion", name];
        let known: Vec<&str> = [vec!["reward", "steps"], world.measures()].concat();
        if !known.contains(&name) {
            let hint = nearest(name, known.iter().copied()).map_or_else(
                || format!("measures of this world: {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            let message = format!("criterion.{name}: this world does not measure `{name}`");
            return Err(self.source.error(&path, message, Some(hint)));
        }
        let bounds = [given.at_least, given.above, given.at_most];
        if given.of.is_some() || given.over.is_some() || !bounds.iter().flatten().any(|b| b.is_finite()) {
            let message = format!(
                "criterion.{name} needs `at_least`, `above` or `at_most`, numbers, and nothing else: it is a mean \
                 over sessions"
            );
            return Err(self.source.error(&path, message, None));
        }
        Ok(Quantity {
            name: name.to_owned(),
            source: Counted::World,
            at_least: given.at_least,
            above: given.above,
            at_most: given.at_most,
        })
    }
}
