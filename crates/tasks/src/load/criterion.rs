//! When a task counts as learnt.

use super::Loader;
use crate::definition::CriterionDefinition;
use crate::expr::{Expr, identifier};
use crate::quantity::{Quantity, Source as Counted};
use crate::task::Answer;
use neuropil_lab::error::{Problem, nearest};

/// What is known of the end of a trial, in the order of their values.
pub(crate) const ENDS: [&str; 6] = ["decided", "chosen", "correct", "action", "reward", "end_ms"];

impl Loader<'_> {
    pub(super) fn quantities(&self, answers: &[Answer]) -> Result<Vec<Quantity>, Problem> {
        let mut scope = self.scope.clone();
        let first_own = scope.names().len();
        for name in ENDS {
            scope.add(name);
        }
        for action in &self.definition.actions {
            scope.add(&identifier(action));
        }
        // Trials of one condition that end alike differ in these.
        let anew = |position: usize| {
            let own = |name: &str| {
                ENDS.iter()
                    .position(|known| *known == name)
                    .map(|i| first_own + i)
            };
            [own("reward"), own("end_ms")].contains(&Some(position))
        };
        let mut quantities = Vec::new();
        for (name, value) in &self.definition.criterion {
            let path = ["criterion", name.as_str()];
            let given: CriterionDefinition = self.source.parse(&path, value)?;
            if let Some(world) = &self.world {
                quantities.push(self.measure(name, &given, &**world)?);
                continue;
            }
            if given.of.is_none() && name == "reward" {
                quantities.push(self.reward(&given)?);
                continue;
            }
            if given.of.is_none() {
                self.check_judged(name, answers)?;
            }
            let (of, over) = match (&given.of, name.as_str()) {
                (Some(of), _) => (of.clone(), given.over.clone()),
                (None, "decided") => ("decided == 1".to_owned(), given.over.clone()),
                (None, "correct") => {
                    let over = given.over.clone().unwrap_or_else(|| "decided == 1".to_owned());
                    ("correct == 1".to_owned(), Some(over))
                }
                (None, _) => {
                    let known = ["decided", "correct", "reward"];
                    if let Some(meant) = nearest(name, known) {
                        let message = format!("criterion.{name} is not known");
                        return self.error(&path, message, Some(format!("did you mean `{meant}`?")));
                    }
                    let action = self
                        .definition
                        .actions
                        .last()
                        .map_or_else(|| "GO".to_owned(), |name| identifier(name));
                    let hint = format!(
                        "known are {}; of a quantity of your own `of` says which trials count: `of = \"action == {action}\"`",
                        known.join(", ")
                    );
                    return self.error(&path, format!("criterion.{name} has no `of`"), Some(hint));
                }
            };
            let parse = |text: &String| {
                let parsed = Expr::parse(text, &scope).and_then(Expr::condition);
                parsed.map_err(|error| self.source.of_expr(&path, text, error))
            };
            let bounds = [given.at_least, given.above, given.at_most];
            if let Some(bound) = bounds.iter().flatten().find(|b| !(0.0..=1.0).contains(*b)) {
                let message =
                    format!("criterion.{name} is bounded by {bound}, expected a fraction from 0 to 1");
                let percent = (1.0..=100.0).contains(bound);
                return self.error(
                    &path,
                    message,
                    percent.then(|| format!("{bound} % is {}", bound / 100.0)),
                );
            }
            if bounds.iter().all(Option::is_none) {
                let message =
                    format!("criterion.{name} has no bound, expected `at_least`, `above` or `at_most`");
                return self.error(&path, message, None);
            }
            let (of, over) = (parse(&of)?, over.as_ref().map(parse).transpose()?);
            quantities.push(Quantity {
                name: name.clone(),
                source: Counted::Ends {
                    anew: of.uses(anew) || over.as_ref().is_some_and(|over| over.uses(anew)),
                    of: Box::new(of),
                    over: over.map(Box::new),
                },
                at_least: given.at_least,
                above: given.above,
                at_most: given.at_most,
            });
        }
        Ok(quantities)
    }

    /// `decided` and `correct` are of no use where nothing is judged.
    fn check_judged(&self, name: &str, answers: &[Answer]) -> Result<(), Problem> {
        if !["decided", "correct"].contains(&name) {
            return Ok(());
        }
        let path = ["criterion", name];
        let hint = "bound the mean reward of a trial: `reward = { at_least = 0.8 }`".to_owned();
        if answers.iter().all(|answer| answer.correct.is_none()) {
            let message =
                format!("criterion.{name}: no answer has `correct`, so no trial is ever right or wrong");
            return self.error(&path, message, Some(hint));
        }
        if self.definition.session.is_none() && answers.iter().all(|answer| !answer.ends) {
            let message = format!("criterion.{name}: no answer ends a trial, so a trial can hold many");
            return self.error(&path, message, Some(hint));
        }
        Ok(())
    }

    /// The mean reward of a trial.
    fn reward(&self, given: &CriterionDefinition) -> Result<Quantity, Problem> {
        let bounds = [given.at_least, given.above, given.at_most];
        if given.over.is_some() || !bounds.iter().flatten().any(|b| b.is_finite()) {
            let message = "criterion.reward needs `at_least`, `above` or `at_most`, rewards of a trial, and nothing else";
            return self.error(&["criterion", "reward"], message.to_owned(), None);
        }
        Ok(Quantity {
            name: "reward".to_owned(),
            source: Counted::Reward,
            at_least: given.at_least,
            above: given.above,
            at_most: given.at_most,
        })
    }
}
