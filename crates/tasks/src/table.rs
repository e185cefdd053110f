//! From what was drawn to the table of a trial: what is shown and earned in each step.

use crate::expr::{Expr, Known};
use crate::task::{Answer, Layout, Task, When};
use crate::trial::{Condition, Outcome, Row, Segment, Target, Trial};
use std::sync::Arc;

/// τ in the noise of inputs, ms: √(2τσ²/Δt) per step.
const NOISE_TAU_MS: f64 = 100.0;

/// A moment of a trial: the epochs that are active, the step, and values of the scope, in which the time is filled in.
pub(crate) struct Moment<'a> {
    pub(crate) active: u64,
    pub(crate) step: usize,
    pub(crate) last: bool,
    pub(crate) spans_ms: &'a [(f64, f64)],
    pub(crate) values: Vec<f64>,
    pub(crate) before: &'a [Vec<f64>],
}

impl Task {
    /// The trial that was laid out.
    pub(crate) fn table(&self, condition: Condition, mut layout: Layout, before: &[Vec<f64>]) -> Trial {
        let segments = self.segments(&condition, &mut layout, before);
        Trial {
            n_steps: self.n_steps,
            segments,
            epochs: layout.epochs,
            condition,
            recorded: layout.values[self.places.draws..self.places.time].to_vec(),
            pulses: layout.pulses,
        }
    }

    /// The parts of a trial. Only the time among the values of its layout changes on the way.
    fn segments(&self, condition: &Condition, layout: &mut Layout, before: &[Vec<f64>]) -> Vec<Segment> {
        let (last, epochs) = (self.n_steps - 1, &layout.epochs);
        let at_end = self.definition.answers_at_end;
        let mut starts = vec![0, last];
        starts.extend(epochs.iter().flatten().flat_map(|&(start, end)| [start, end]));
        starts.retain(|&start| start < self.n_steps);
        starts.sort_unstable();
        starts.dedup();
        let active = |step: usize| {
            let holds = |(i, epoch): (usize, &Option<(usize, usize)>)| match epoch {
                Some((from, to)) if (*from..*to).contains(&step) && (step != last || at_end) => 1 << i,
                _ => 0,
            };
            epochs.iter().enumerate().map(holds).sum::<u64>()
        };
        let mut segments = Vec::with_capacity(starts.len());
        let moving = self.whens().any(|when| when.moving);
        let drawn_anew = self.varies() || !before.is_empty();
        let mut moment = Moment {
            active: 0,
            step: 0,
            last: false,
            spans_ms: &layout.spans_ms,
            values: std::mem::take(&mut layout.values),
            before,
        };
        for (i, &start) in starts.iter().enumerate() {
            (moment.active, moment.step, moment.last) = (active(start), start, start == last);
            let moves = moving && !moment.last && self.moves(moment.active);
            let end = if moves { starts[i + 1] } else { start + 1 };
            for step in start..end {
                moment.step = step;
                let row = if moves || drawn_anew {
                    Arc::new(self.row(&mut moment))
                } else {
                    self.known_row(condition.id, &mut moment)
                };
                segments.push(Segment { start: step, row });
            }
        }
        layout.values = moment.values;
        segments
    }

    /// When each thing that is shown, earned or taught holds.
    fn whens(&self) -> impl Iterator<Item = &When> {
        let shows = self.shows.iter().map(|show| &show.when);
        let answers = self.answers.iter().map(|answer| &answer.when);
        let taught = self.taught.iter().map(|taught| &taught.when);
        shows.chain(answers).chain(taught)
    }

    /// Does anything that holds in these epochs depend on the time?
    fn moves(&self, active: u64) -> bool {
        self.whens().any(|when| when.moving && when.during(active))
    }

    /// A row that is the same in every trial of the condition.
    fn known_row(&self, condition: usize, moment: &mut Moment<'_>) -> Arc<Row> {
        let mut rows = self
            .rows
            .lock()
            .expect("no thread panics while it holds the rows");
        let row = rows
            .entry((condition, moment.active, moment.last))
            .or_insert_with(|| Arc::new(self.row(moment)));
        Arc::clone(row)
    }

    /// Fills in the time as seen from the first active epoch of a set.
    fn tell_time(&self, when: &When, moment: &mut Moment<'_>) {
        if when.moving {
            let t_ms = moment.step as f64 * self.dt_ms;
            let active = |i: &usize| moment.active >> i & 1 == 1 && when.during[*i] != when.except;
            let epoch = (0..when.during.len()).find(active);
            let began = epoch.map_or(0.0, |i| moment.spans_ms[i].0);
            moment.values[self.places.time] = t_ms;
            moment.values[self.places.time + 1] = t_ms - began;
        }
    }

    fn holds(&self, when: &When, moment: &mut Moment<'_>) -> bool {
        if !when.during(moment.active) {
            return false;
        }
        self.tell_time(when, moment);
        let condition = when.condition.as_ref();
        condition.is_none_or(|condition| condition.holds(moment.known()))
    }

    /// What holds at a moment.
    pub(crate) fn row(&self, moment: &mut Moment<'_>) -> Row {
        let (mut inputs, mut noise_sd) = (vec![0.0; self.n_inputs()], vec![0.0; self.n_inputs()]);
        for show in &self.shows {
            if self.holds(&show.when, moment) {
                show.what.show(moment.known(), &mut inputs[show.inputs.clone()]);
                let sd = (2.0 * NOISE_TAU_MS * show.noise).sqrt() / self.dt_ms.sqrt();
                noise_sd[show.inputs.clone()].fill(sd);
            }
        }
        if self.world.is_some() {
            // The world shows and judges; its trials are without content.
            return Row {
                inputs,
                noise_sd,
                outcomes: vec![Outcome::NOTHING; self.n_actions()],
                target: None,
                weight: 1.0,
            };
        }
        let mut outcomes = self.otherwise();
        for answer in &self.answers {
            if self.holds(&answer.when, moment) {
                outcomes[answer.action] = self.outcome(answer, moment);
            }
        }
        let target = self.target(&outcomes, moment);
        let weight = self.weight(moment);
        if moment.last {
            let reward = match &self.terminal {
                Some(terminal) => terminal.value(moment.known()),
                None if self.answers.iter().all(|answer| answer.ends) => self.definition.rewards.abort,
                None => 0.0,
            };
            let terminal = Outcome {
                reward,
                ends: true,
                ..Outcome::NOTHING
            };
            if self.definition.answers_at_end {
                outcomes[0] = terminal;
                outcomes.iter_mut().for_each(|outcome| outcome.ends = true);
            } else {
                outcomes.fill(terminal);
            }
        }
        Row {
            inputs,
            noise_sd,
            outcomes,
            target,
            weight,
        }
    }

    /// What actions do where they are no answers: the first goes on, the others abort.
    fn otherwise(&self) -> Vec<Outcome> {
        let rewards = &self.definition.rewards;
        let (reward, ends) = rewards.otherwise.map_or((rewards.abort, true), |otherwise| {
            (otherwise.reward, otherwise.ends)
        });
        let mut outcomes = vec![
            Outcome {
                reward,
                ends,
                ..Outcome::NOTHING
            };
            self.n_actions()
        ];
        outcomes[0] = Outcome::NOTHING;
        outcomes
    }

    fn outcome(&self, answer: &Answer, moment: &Moment<'_>) -> Outcome {
        let rewards = &self.definition.rewards;
        let holds = |condition: &Expr| condition.holds(moment.known());
        let correct = answer.correct.as_ref().map(holds);
        let usual = if correct == Some(false) {
            rewards.wrong
        } else {
            rewards.correct
        };
        let reward = answer.reward.as_ref();
        let window = |i: &usize| moment.active >> i & 1 == 1 && answer.when.during[*i];
        Outcome {
            reward: reward.map_or(usual, |reward| reward.value(moment.known())),
            ends: answer.ends,
            chosen: true,
            correct,
            once_in: (0..answer.when.during.len())
                .find(window)
                .filter(|_| !answer.ends),
        }
    }

    /// What a teacher would have; nothing at a last step that only ends the trial.
    fn target(&self, outcomes: &[Outcome], moment: &mut Moment<'_>) -> Option<Target> {
        if moment.last && !self.definition.answers_at_end {
            return None;
        }
        if self.outputs.is_empty() {
            let correct = outcomes
                .iter()
                .enumerate()
                .filter(|(_, outcome)| outcome.correct == Some(true));
            let best = correct.max_by(|a, b| a.1.reward.total_cmp(&b.1.reward).then(b.0.cmp(&a.0)));
            return Some(Target::Class(best.map_or(0, |(action, _)| action)));
        }
        let mut values = vec![0.0; self.outputs.len()];
        for taught in &self.taught {
            if self.holds(&taught.when, moment) {
                values[taught.output] = taught.value(moment.known());
            }
        }
        Some(Target::Values(values))
    }

    /// Product of the weights of the epochs that are active.
    fn weight(&self, moment: &Moment<'_>) -> f64 {
        let active = self.epochs.iter().enumerate();
        let weights = active.filter(|(i, _)| moment.active >> i & 1 == 1);
        let weights = weights.filter_map(|(_, epoch)| epoch.weight.as_ref());
        weights.map(|weight| weight.value(moment.known())).product()
    }
}

impl Moment<'_> {
    fn known(&self) -> Known<'_> {
        Known {
            now: &self.values,
            before: self.before,
        }
    }
}
