//! What is checked of a task as a whole.

use super::Loader;
use super::factors::{LOOKED_AT, MOST_EACH};
use crate::expr::{Expr, Known};
use crate::table::Moment;
use crate::task::{Epoch, Layout, Odds, Show, Shown, Task, When};
use crate::trial::Row;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_math::rng::{Key, Purpose};
use std::collections::BTreeMap;
use toml::Value;

/// Characters that names of tasks have beside letters and digits.
const IN_NAMES: [char; 3] = ['-', '_', '.'];
/// Trials of the largest batch.
const MOST_TRIALS: usize = 1_000_000;
/// Channels and actions of the largest task.
const MOST_CHANNELS: usize = 100_000;

impl Loader<'_> {
    /// The task's name is that of a folder, and what is printed has no terminal escapes.
    pub(super) fn check_names(&self) -> Result<(), Problem> {
        let d = &self.definition;
        let fits = |name: &str| {
            let letters = name.chars().all(|c| c.is_alphanumeric() || IN_NAMES.contains(&c));
            letters && name.starts_with(char::is_alphanumeric) && name.len() <= 100
        };
        if !fits(&d.name) {
            let message = format!("name = {:?} cannot be the name of a folder", d.name);
            let hint = "letters, digits, `-`, `_` and `.`, beginning with a letter or digit".to_owned();
            return self.error(&["name"], message, Some(hint));
        }
        let texts = [("title", &d.title), ("description", &d.description)].into_iter();
        let lists = [
            ("inputs", &d.inputs),
            ("actions", &d.actions),
            ("aliases", &d.aliases),
        ];
        let lists = lists
            .into_iter()
            .flat_map(|(key, names)| names.iter().map(move |name| (key, name)));
        for (key, text) in texts.chain(lists) {
            if text
                .chars()
                .any(|c| c.is_control() && !(c == '\n' && key == "description"))
            {
                let message = format!("{key} has a control character: {text:?}");
                return self.error(&[key], message, None);
            }
        }
        Ok(())
    }

    pub(super) fn check_numbers(&self) -> Result<(), Problem> {
        let d = &self.definition;
        for (key, count) in [
            ("trials_per_update", d.trials_per_update),
            ("validation_trials", d.validation_trials),
        ] {
            if !(1..=MOST_TRIALS).contains(&count) {
                let message = format!("{key} is {count}, expected a whole number from 1 to {MOST_TRIALS}");
                return self.error(&[key], message, None);
            }
        }
        if d.rewards
            .tau_ms
            .is_some_and(|tau| !(tau.is_finite() && tau > 0.0))
        {
            let message = "rewards.tau_ms must be > 0 ms".to_owned();
            return self.error(&["rewards", "tau_ms"], message, None);
        }
        let otherwise = d.rewards.otherwise.map_or(0.0, |otherwise| otherwise.reward);
        for (key, reward) in [
            ("abort", d.rewards.abort),
            ("correct", d.rewards.correct),
            ("wrong", d.rewards.wrong),
            ("otherwise", otherwise),
        ] {
            if !reward.is_finite() {
                let message = format!("rewards.{key} is {reward}, expected a finite number");
                return self.error(&["rewards", key], message, None);
            }
        }
        Ok(())
    }

    pub(super) fn check_lists(&self) -> Result<(), Problem> {
        let d = &self.definition;
        if d.inputs.is_empty() {
            return self.error(&["inputs"], "no inputs, expected at least one name".into(), None);
        }
        if d.actions.len() < 2 {
            let found = d.actions.len();
            let hint = Some("the first action is to go on waiting, the others are choices".into());
            return self.error(
                &["actions"],
                format!("{found} actions, expected at least two"),
                hint,
            );
        }
        for (key, list) in [("inputs", &d.inputs), ("actions", &d.actions)] {
            if list.len() > MOST_CHANNELS {
                let message = format!("{} {key}, expected at most {MOST_CHANNELS}", list.len());
                return self.error(&[key], message, None);
            }
            let mut seen = std::collections::BTreeSet::new();
            if let Some(twice) = list.iter().find(|name| !seen.insert(*name)) {
                return self.error(&[key], format!("`{twice}` is listed twice"), None);
            }
        }
        Ok(())
    }

    /// What analyses look at must exist.
    pub(super) fn check_analysis(&self, epochs: &[Epoch]) -> Result<(), Problem> {
        let a = &self.definition.analysis;
        let epoch_names = epochs.iter().map(|epoch| epoch.name.as_str());
        let durations: Vec<String> = epoch_names.clone().map(|name| format!("{name}_ms")).collect();
        let mut quantities: Vec<&str> = self.scope.names().iter().map(String::as_str).collect();
        quantities.extend(durations.iter().map(String::as_str));
        if self.definition.session.is_some() {
            quantities.extend(["session", "trial", "block", "block_trial"]);
        }
        let events: Vec<&str> = epoch_names.chain(["choice", "trial"]).collect();
        let actions: Vec<&str> = self.definition.actions.iter().map(String::as_str).collect();
        let answers = a
            .answers
            .iter()
            .flatten()
            .map(|name| ("answers", "action", Some(name), &actions));
        let named = [
            ("axis", "quantity", a.axis.as_ref(), &quantities),
            ("signal", "quantity", a.signal.as_ref(), &quantities),
            ("align", "event", a.align.as_ref(), &events),
        ];
        for (key, what, name, known) in named.into_iter().chain(answers) {
            let Some(name) = name else { continue };
            if !known.contains(&name.as_str()) {
                let hint = did_you_mean(name, &format!("{what}s"), known);
                let message = format!("analysis.{key}: unknown {what} `{name}`");
                return self.error(&["analysis", key], message, Some(hint));
            }
        }
        Ok(())
    }

    /// Lays out trials of every condition, evaluates every expression in them, and looks for a reward worth learning for.
    pub(super) fn check_trials(&self, task: &Task) -> Result<(), Problem> {
        let n_each = if task.varies() {
            (LOOKED_AT / task.n_conditions()).clamp(1, MOST_EACH)
        } else {
            1
        };
        let mut reachable = false;
        for id in 0..task.n_conditions() * n_each {
            let condition = task.condition(id / n_each);
            let mut stream = Key::new(0).stream(Purpose::Condition, id as u64);
            let layout = task.lay_out(&condition, &BTreeMap::new(), (&[], &[]), &mut stream);
            reachable |= self.check_trial(task, &layout, &[])?;
            reachable = reachable || self.pays_later(task, &layout);
        }
        // What a trial of a session pays may depend on those before it, which a trial alone has not.
        if reachable || !task.outputs.is_empty() || self.definition.session.is_some() {
            return Ok(());
        }
        let hint = Some("give an action a `reward`, or a `correct` condition, during some epoch".into());
        self.error(
            &["answers"],
            "no action ever earns more than an abort: there is nothing to learn".into(),
            hint,
        )
    }

    /// Evaluates every expression of a trial; is a reward in reach?
    pub(super) fn check_trial(
        &self,
        task: &Task,
        layout: &Layout,
        before: &[Vec<f64>],
    ) -> Result<bool, Problem> {
        let known = Known {
            now: &layout.values,
            before,
        };
        for (i, derived) in task.derived.iter().enumerate() {
            if !layout.values[task.places.derived + i].is_finite() {
                self.finite(&["derived", &derived.name], &derived.expr, known)?;
            }
        }
        for factor in &task.factors {
            if let Odds::Listed(odds) = &factor.odds
                && self.definition.session.is_none()
            {
                self.odds_of_a_trial(&factor.name, odds, known)?;
            }
        }
        let still = |when: &When| !when.moving;
        for show in task.shows.iter().filter(|show| still(&show.when)) {
            let name = self.shown_as(show);
            for expr in show.what.expressions() {
                self.finite(&["show", name, "mean"], expr, known)?;
            }
        }
        for answer in task.answers.iter().filter(|answer| still(&answer.when)) {
            let name = &self.definition.actions[answer.action];
            if let Some(reward) = &answer.reward {
                self.finite(&["answers", name, "reward"], reward, known)?;
            }
        }
        for taught in task.taught.iter().filter(|taught| still(&taught.when)) {
            self.finite(&["targets", &task.outputs[taught.output]], &taught.value, known)?;
        }
        if let Some(terminal) = &task.terminal {
            self.finite(&["rewards", "terminal"], terminal, known)?;
        }
        self.check_rows(task, layout, before)
    }

    /// Name under which `[show]` has an input, or the ring that it belongs to.
    fn shown_as<'a>(&'a self, show: &'a Show) -> &'a str {
        match &show.what {
            Shown::Bump { ring, .. } => &ring.name,
            Shown::Mean(_) => &self.definition.inputs[show.inputs.start],
        }
    }

    /// Refuses odds that are no probabilities in a trial.
    fn odds_of_a_trial(&self, name: &str, odds: &[Expr], known: Known<'_>) -> Result<(), Problem> {
        const CLOSE: f64 = 1e-6;
        let path = ["factors", name, "probabilities"];
        odds.iter().try_for_each(|odds| self.finite(&path, odds, known))?;
        let given = self.definition.factors.get(name).and_then(Value::as_table);
        if given.is_none_or(|given| !given.contains_key("probabilities")) {
            return Ok(()); // Weights: any numbers, in proportion to which levels are drawn.
        }
        let values: Vec<f64> = odds.iter().map(|odds| odds.value(known)).collect();
        let sum: f64 = values.iter().sum();
        if values.iter().all(|&p| p >= -CLOSE) && (sum - 1.0).abs() <= CLOSE {
            return Ok(());
        }
        let shown: Vec<String> = values.iter().map(|p| format!("{p:.4}")).collect();
        let message = format!(
            "factors.{name}: in some trials the probabilities are {}, expected numbers from 0 to 1 that sum to 1",
            shown.join(", ")
        );
        let hint = "write the last one as 1 less the others, and keep each within 0 and 1: `clip(p, 0, 1)`";
        self.error(&path, message, Some(hint.to_owned()))
    }

    fn finite(&self, path: &[&str], expr: &Expr, known: Known<'_>) -> Result<(), Problem> {
        let number = expr.number(known);
        number
            .map(|_| ())
            .map_err(|error| self.source.of_expr(path, "", error))
    }

    /// The rows of a trial at the beginning of each of its epochs.
    fn check_rows(&self, task: &Task, layout: &Layout, before: &[Vec<f64>]) -> Result<bool, Problem> {
        let mut reachable = false;
        for (i, epoch) in task.epochs.iter().enumerate() {
            if let Some(weight) = &epoch.weight {
                let known = Known {
                    now: &layout.values,
                    before,
                };
                self.finite(&["epochs", &epoch.name, "weight"], weight, known)?;
            }
            let row = task.row(&mut Moment {
                active: 1 << i,
                step: layout.epochs[i].map_or(0, |(from, _)| from),
                last: false,
                spans_ms: &layout.spans_ms,
                values: layout.values.clone(),
                before,
            });
            let shown = row.inputs.iter().position(|x| !x.is_finite());
            if let Some(input) = shown {
                let name = &self.definition.inputs[input];
                let message = format!("show.{name}: not a finite number in epoch `{}`", epoch.name);
                return self.error(&["show", name], message, None);
            }
            let paid = row
                .outcomes
                .iter()
                .position(|outcome| !outcome.reward.is_finite());
            if let Some(action) = paid {
                let name = &self.definition.actions[action];
                let message = format!(
                    "answers.{name}: the reward is no finite number in epoch `{}`",
                    epoch.name
                );
                return self.error(&["answers", name], message, None);
            }
            reachable |= self.pays(&row);
        }
        Ok(reachable)
    }

    fn pays(&self, row: &Row) -> bool {
        let least = self.definition.rewards.abort;
        row.outcomes.iter().any(|o| o.chosen && o.reward > least)
    }

    /// Whether a reward that depends on the time is in reach within an epoch, where it is not at its beginning.
    fn pays_later(&self, task: &Task, layout: &Layout) -> bool {
        const MOMENTS: usize = 50;
        if !task.answers.iter().any(|answer| answer.when.moving) {
            return false;
        }
        layout.epochs.iter().enumerate().any(|(i, span)| {
            let Some((from, to)) = *span else {
                return false;
            };
            let apart = (to - from).div_ceil(MOMENTS).max(1);
            (from..to).step_by(apart).any(|step| {
                let row = task.row(&mut Moment {
                    active: 1 << i,
                    step,
                    last: false,
                    spans_ms: &layout.spans_ms,
                    values: layout.values.clone(),
                    before: &[],
                });
                self.pays(&row)
            })
        })
    }
}
