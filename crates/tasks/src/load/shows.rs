//! What inputs show, what actions earn, what a teacher would have.

use super::{Loader, entries};
use crate::definition::{AnswerDefinition, NumberOrText, RingDefinition, ShowDefinition, TargetDefinition};
use crate::expr::Expr;
use crate::task::{Answer, Epoch, Ring, Show, Shown, Taught, Tuning, When};
use neuropil_lab::error::Problem;
use toml::Value;

/// Concentration of the tuning of a ring that says nothing of it.
const CONCENTRATION: f64 = 2.0;
/// Units of the largest ring.
const MOST_UNITS: usize = 10_000;

/// Outputs that values are taught to: each a name and, if it is a unit of a ring, which.
pub(super) type Outputs = Vec<(String, Option<(Ring, usize)>)>;

impl Loader<'_> {
    /// Rings, their channels written out among the inputs: in the place of the ring's name, or at the end.
    pub(super) fn rings(&mut self) -> Result<Vec<Ring>, Problem> {
        let mut rings = Vec::new();
        for (name, value) in &self.definition.rings.clone() {
            let mut ring = self.ring(name, value)?;
            let channels: Vec<String> = (0..ring.units).map(|unit| ring.channel(unit)).collect();
            let inputs = &mut self.definition.inputs;
            let place = inputs.iter().position(|input| input == name);
            let taught = self.definition.targets.contains_key(name);
            ring.first = match place {
                Some(place) => {
                    inputs.splice(place..=place, channels);
                    place
                }
                None if taught => continue,
                None => {
                    inputs.extend(channels);
                    inputs.len() - ring.units
                }
            };
            rings.push(ring);
        }
        // Rings that were written out earlier may have moved.
        for ring in &mut rings {
            let first = ring.channel(0);
            let inputs = &self.definition.inputs;
            ring.first = inputs
                .iter()
                .position(|input| *input == first)
                .unwrap_or(ring.first);
        }
        Ok(rings)
    }

    fn ring(&self, name: &str, value: &Value) -> Result<Ring, Problem> {
        let path = ["rings", name];
        let given: RingDefinition = self.source.parse(&path, value)?;
        if !(2..=MOST_UNITS).contains(&given.units) {
            let message = format!(
                "rings.{name} has {} units, expected 2 to {MOST_UNITS}",
                given.units
            );
            return self.error(&["rings", name, "units"], message, None);
        }
        let tuning = match (given.concentration, given.width) {
            (None, Some(width)) => Tuning::Gaussian(width),
            (concentration, None) => Tuning::Cosine(concentration.unwrap_or(CONCENTRATION)),
            (Some(_), Some(_)) => {
                let message = format!("rings.{name} has a concentration and a width, expected one of them");
                return self.error(&["rings", name, "width"], message, None);
            }
        };
        let positive = [
            ("concentration", given.concentration),
            ("width", given.width),
            ("period", Some(given.period)),
        ];
        for (key, x) in positive {
            let Some(x) = x else { continue };
            if !(x.is_finite() && x > 0.0) {
                let message = format!("rings.{name}.{key} is {x}, expected a number > 0");
                return self.error(&["rings", name, key], message, None);
            }
        }
        for (key, x) in [("height", given.height), ("baseline", given.baseline)] {
            if !x.is_finite() {
                let message = format!("rings.{name}.{key} is {x}, expected a finite number");
                return self.error(&["rings", name, key], message, None);
            }
        }
        Ok(Ring {
            name: name.to_owned(),
            first: 0,
            units: given.units,
            period_deg: given.period,
            tuning,
            height: given.height,
            baseline: given.baseline,
        })
    }

    /// Outputs that `[targets]` names, rings written out.
    pub(super) fn outputs(&self, rings: &[Ring]) -> Result<Outputs, Problem> {
        let mut outputs = Vec::new();
        for name in self.definition.targets.keys() {
            let ring = rings.iter().find(|ring| &ring.name == name).cloned();
            let ring = match (ring, self.definition.rings.get(name)) {
                (None, Some(value)) => Some(self.ring(name, value)?),
                (ring, _) => ring,
            };
            match ring {
                Some(ring) => {
                    let units = (0..ring.units).map(|unit| (ring.channel(unit), Some((ring.clone(), unit))));
                    outputs.extend(units);
                }
                None => outputs.push((name.clone(), None)),
            }
        }
        Ok(outputs)
    }

    pub(super) fn when(
        &self,
        path: [&str; 3],
        during: Option<&Vec<String>>,
        except: Option<&Vec<String>>,
        condition: Option<&String>,
        epochs: &[Epoch],
    ) -> Result<When, Problem> {
        let (names, except) = match (during, except) {
            (Some(during), None) => (during, false),
            (None, Some(except)) => (except, true),
            _ => {
                let message = format!(
                    "{}.{} needs either `during` or `except`, a list of epochs",
                    path[0], path[1]
                );
                return self.error(&path, message, None);
            }
        };
        let at = [
            path[0],
            path[1],
            path[2],
            if except { "except" } else { "during" },
        ];
        let during = self.flags(&at, names, epochs)?;
        let condition = self.condition(&[path[0], path[1], path[2], "when"], condition)?;
        Ok(When {
            during,
            except,
            moving: condition.as_ref().is_some_and(|expr| self.moves(expr)),
            condition,
        })
    }

    /// Does an expression depend on the time?
    fn moves(&self, expr: &Expr) -> bool {
        expr.uses(|position| position >= self.places.time)
    }

    pub(super) fn shows(&self, rings: &[Ring], epochs: &[Epoch]) -> Result<Vec<Show>, Problem> {
        let mut shows = Vec::new();
        for (name, value) in &self.definition.show {
            let ring = rings.iter().find(|ring| &ring.name == name);
            let input = match ring {
                Some(ring) => ring.first,
                None => self.position("show", name, &self.definition.inputs, "input")?,
            };
            let mut taken = vec![false; epochs.len()];
            for (i, entry) in entries(value) {
                let path = ["show", name.as_str(), i.as_str()];
                let given: ShowDefinition = self.source.parse(&path, entry)?;
                let mut when = self.when(
                    path,
                    given.during.as_ref(),
                    given.except.as_ref(),
                    given.when.as_ref(),
                    epochs,
                )?;
                if !(given.noise.is_finite() && given.noise >= 0.0) {
                    let message = format!("show.{name}.noise is {}, expected a variance ≥ 0", given.noise);
                    return self.error(&["show", name, &i, "noise"], message, None);
                }
                if let Some(i) =
                    (0..epochs.len()).find(|&i| taken[i] && when.during[i] && given.when.is_none())
                    && given.angle.is_none()
                {
                    let message = format!("show.{name} is given twice for epoch `{}`", epochs[i].name);
                    return self.error(&path, message, None);
                }
                taken
                    .iter_mut()
                    .zip(&when.during)
                    .for_each(|(taken, during)| *taken |= during);
                let what = self.shown(path, &given, ring)?;
                when.moving |= what.expressions().into_iter().any(|expr| self.moves(expr));
                shows.push(Show {
                    inputs: input..input + ring.map_or(1, |ring| ring.units),
                    when,
                    what,
                    noise: given.noise,
                });
            }
        }
        Ok(shows)
    }

    /// What a channel or a ring shows.
    fn shown(&self, path: [&str; 3], given: &ShowDefinition, ring: Option<&Ring>) -> Result<Shown, Problem> {
        let name = path[1];
        let number = |key: &str, given: &NumberOrText| self.number(&[path[0], name, path[2], key], given);
        match (ring, &given.mean, &given.angle) {
            (_, Some(mean), None) if given.strength.is_none() => Ok(Shown::Mean(number("mean", mean)?)),
            (Some(ring), None, Some(angle)) => Ok(Shown::Bump {
                ring: ring.clone(),
                angle: number("angle", angle)?,
                strength: match &given.strength {
                    Some(strength) => number("strength", strength)?,
                    None => Expr::constant(1.0),
                },
            }),
            (Some(_), ..) => {
                let message = format!(
                    "show.{name} is a ring: it needs `angle` (and may have `strength`), or one `mean` for all"
                );
                self.error(&path, message, None)
            }
            (None, ..) => {
                let message = format!("show.{name} needs `mean`");
                let hint = "`angle` and `strength` are for the rings of `[rings]`".to_owned();
                self.error(&path, message, Some(hint))
            }
        }
    }

    pub(super) fn answers(&self, epochs: &[Epoch]) -> Result<Vec<Answer>, Problem> {
        let mut answers = Vec::new();
        for (name, value) in &self.definition.answers {
            let action = self.position("answers", name, &self.definition.actions, "action")?;
            if action == 0 {
                let message =
                    format!("`{name}`, the first action, is to go on waiting and cannot be an answer");
                let hint = "put an action that waits first; `rewards.terminal` pays for waiting to the end"
                    .to_owned();
                return self.error(&["answers", name], message, Some(hint));
            }
            for (i, entry) in entries(value) {
                let path = ["answers", name.as_str(), i.as_str()];
                let given: AnswerDefinition = self.source.parse(&path, entry)?;
                let mut when = self.when(path, Some(&given.during), None, given.when.as_ref(), epochs)?;
                let at = |key| [path[0], path[1], path[2], key];
                let correct = self.condition(&at("correct"), given.correct.as_ref())?;
                let reward = given
                    .reward
                    .as_ref()
                    .map(|reward| self.number(&at("reward"), reward));
                let reward = reward.transpose()?;
                when.moving |= correct.iter().chain(&reward).any(|expr| self.moves(expr));
                answers.push(Answer {
                    action,
                    when,
                    correct,
                    reward,
                    ends: given.ends,
                });
            }
        }
        Ok(answers)
    }

    pub(super) fn taught(&self, outputs: &Outputs, epochs: &[Epoch]) -> Result<Vec<Taught>, Problem> {
        let mut all = Vec::new();
        for (output, (channel, ring)) in outputs.iter().enumerate() {
            let name = ring.as_ref().map_or(channel, |(ring, _)| &ring.name);
            for (i, entry) in entries(&self.definition.targets[name]) {
                let path = ["targets", name.as_str(), i.as_str()];
                let given: TargetDefinition = self.source.parse(&path, entry)?;
                let (during, except) = (given.during.as_ref(), given.except.as_ref());
                let mut when = self.when(path, during, except, given.when.as_ref(), epochs)?;
                let number = |key: &str, given: &NumberOrText| self.number(&[path[0], name, &i, key], given);
                let (value, tuned) = match (ring, &given.value, &given.angle) {
                    (_, Some(value), None) => (number("value", value)?, None),
                    (Some(tuned), None, Some(angle)) => (number("angle", angle)?, Some(tuned.clone())),
                    _ => {
                        let message =
                            format!("targets.{name} needs `value`, or `angle` if it is a ring of `[rings]`");
                        return self.error(&path, message, None);
                    }
                };
                when.moving |= self.moves(&value);
                all.push(Taught {
                    output,
                    when,
                    value,
                    tuned,
                });
            }
        }
        Ok(all)
    }
}
