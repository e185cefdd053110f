//! Sessions of trials, one after another: what is asked may depend on the trials before, and on what was done in them.
//!
//! Every trial is a table, laid out when the one before it has ended; the network goes on from one to the next.

use crate::expr::Expr;
use crate::law::Law;
use crate::quantity::{Quantity, Source};
use crate::round::Round;
use crate::tally::Tally;
use crate::task::{Per, Sessions, Task};
use crate::trial::{Outcome, Trial};
use crate::world::{Answer, Parameter, Rules, World, Wrong};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What expressions know of a session, in the order of the values: number of the trial, of the block and of the trial in its
/// block, from 1, and what came of the trial before.
pub(crate) const NAMES: [&str; 7] = [
    "trial",
    "block",
    "block_trial",
    "last_action",
    "last_reward",
    "last_correct",
    "last_chosen",
];
/// Trials that are remembered.
const MEMORY: usize = 100;

impl Rules for Sessions {
    fn inputs(&self) -> Vec<String> {
        self.task.definition.inputs.clone()
    }

    fn actions(&self) -> Vec<String> {
        self.task.definition.actions.clone()
    }

    fn n_steps(&self) -> usize {
        self.trials * self.task.n_steps
    }

    fn measures(&self) -> Vec<&str> {
        let always = ["answered"].into_iter();
        let own = self.task.quantities.iter().map(|quantity| quantity.name.as_str());
        always.chain(own.filter(|name| *name != "reward")).collect()
    }

    fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }

    fn open(&self) -> Box<dyn World> {
        Box::new(Session {
            task: Arc::clone(&self.task),
            trials: self.trials,
            block_law: self.block.clone(),
            place: [0; 3],
            block_left: 0,
            trial: None,
            k: 0,
            levels: Vec::new(),
            values: Vec::new(),
            past: Vec::new(),
            last: [0.0; 4],
            spent: Vec::new(),
            noise: Vec::new(),
            now: (Vec::new(), None, 0.0),
            tallies: vec![Tally::default(); self.measures().len()],
            rounds: Vec::new(),
        })
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter {
            name: "trials".to_owned(),
            value: self.trials.into(),
            meaning: "trials of a session".to_owned(),
        }]
    }
}

/// One session.
struct Session {
    task: Arc<Task>,
    trials: usize,
    block_law: Option<Law>,
    /// Number of the trial, the block, the trial in the block.
    place: [usize; 3],
    block_left: usize,
    trial: Option<Trial>,
    /// Step within the trial.
    k: usize,
    /// Level of each factor.
    levels: Vec<usize>,
    values: Vec<f64>,
    /// Values of the trials before, latest first.
    past: Vec<Vec<f64>>,
    /// Action, reward, right, answered of the trial before.
    last: [f64; 4],
    /// Epochs in which each action has counted once.
    spent: Vec<u64>,
    /// Noise of each input at the next look.
    noise: Vec<f64>,
    /// Answers, verdict on the last, and reward of this trial so far.
    now: (Vec<(usize, usize)>, Option<bool>, f64),
    tallies: Vec<Tally>,
    rounds: Vec<Round>,
}

impl Session {
    /// Lays out the next trial.
    fn next(&mut self, stream: &mut ChaCha8Rng) {
        let task = Arc::clone(&self.task);
        let begins = self.block_left == 0;
        if begins {
            let length = self
                .block_law
                .as_ref()
                .map(|law| law.draw((&[0.0; 0]).into(), f64::floor, stream));
            self.block_left = length.map_or(self.trials, |length| (length as usize).max(1));
            self.place[1] += 1;
            self.place[2] = 0;
        }
        self.place[0] += 1;
        self.place[2] += 1;
        self.block_left -= 1;
        let mut session: Vec<f64> = self.place.iter().map(|&n| n as f64).collect();
        session.extend(self.last);
        let first = self.levels.is_empty();
        self.levels.resize(task.factors.len(), 0);
        for (i, factor) in task.factors.iter().enumerate() {
            let anew = match factor.per {
                Per::Trial => true,
                Per::Block => begins,
                Per::Session => first,
            };
            if anew {
                let other = (factor.per == Per::Block && !first).then_some(self.levels[i]);
                self.levels[i] = task.draw_level(i, &self.levels, other, (&session, &self.past), stream);
            }
        }
        let condition = task.condition(task.number_of(&self.levels));
        let layout = task.lay_out(&condition, &BTreeMap::new(), (&session, &self.past), stream);
        self.values.clone_from(&layout.values);
        self.trial = Some(task.table(condition, layout, &self.past));
        self.k = 0;
        self.spent = vec![0; task.n_actions()];
        self.now = (Vec::new(), None, 0.0);
    }

    /// What an action brings now; an answer that counts once and has counted brings nothing.
    fn outcome(&mut self, action: usize) -> Outcome {
        let trial = self
            .trial
            .as_ref()
            .expect("a session is reset before it is played");
        let outcome = trial.row_at(self.k).outcomes[action];
        let Some(epoch) = outcome.once_in else {
            return outcome;
        };
        let spent = &mut self.spent[action];
        if *spent >> epoch & 1 == 1 {
            return Outcome::NOTHING;
        }
        *spent |= 1 << epoch;
        outcome
    }

    /// Counts the trial that has ended with `action`.
    fn count(&mut self, action: usize) {
        let (answers, correct, reward) = std::mem::take(&mut self.now);
        let answered = answers.last().map(|&(_, action)| action);
        let flag = |flag: bool| f64::from(u8::from(flag));
        let mut values = self.values.clone();
        let end_ms = answers.last().map_or(self.k, |&(step, _)| step) as f64 * self.task.dt_ms;
        values.extend([
            flag(correct.is_some()),
            flag(answered.is_some()),
            flag(correct == Some(true)),
            answered.unwrap_or(action) as f64,
            reward,
            end_ms,
        ]);
        values.extend((0..self.task.n_actions()).map(|action| action as f64));
        self.tallies[0].count(answered.is_some());
        let own = self
            .task
            .quantities
            .iter()
            .filter(|quantity| quantity.name != "reward");
        for (tally, quantity) in self.tallies[1..].iter_mut().zip(own) {
            if let Source::Ends { of, over, .. } = &quantity.source
                && over.as_deref().is_none_or(|over: &Expr| over.holds(&values))
            {
                tally.count(of.holds(&values));
            }
        }
        self.last = [
            answered.unwrap_or(0) as f64,
            reward,
            flag(correct == Some(true)),
            flag(answered.is_some()),
        ];
        self.past.insert(0, std::mem::take(&mut self.values));
        self.past.truncate(MEMORY);
        if let Some(trial) = self.trial.take() {
            self.rounds.push(Round {
                answerable: trial.answerable(),
                condition: trial.condition.values,
                recorded: trial.recorded,
                block: [self.place[1], self.place[2]],
                epochs: trial.epochs,
                n_steps: self.k + 1,
                answers,
                correct,
                reward,
            });
        }
    }
}

impl World for Session {
    fn reset(&mut self, stream: &mut ChaCha8Rng) {
        self.place = [0; 3];
        self.block_left = 0;
        self.levels.clear();
        self.past.clear();
        self.last = [0.0; 4];
        self.tallies.fill(Tally::default());
        self.rounds.clear();
        self.noise = vec![0.0; self.task.n_inputs()];
        self.next(stream);
    }

    fn observe(&self, inputs: &mut [f64]) {
        if let Some(trial) = &self.trial {
            inputs.copy_from_slice(&trial.inputs_at(self.k));
            for (input, noise) in inputs.iter_mut().zip(&self.noise) {
                *input += noise;
            }
        }
    }

    fn act(&mut self, action: usize, stream: &mut ChaCha8Rng) -> Answer {
        let outcome = self.outcome(action);
        self.now.2 += outcome.reward;
        if outcome.chosen {
            self.now.0.push((self.k, action));
            self.now.1 = outcome.correct;
        }
        let mut ended = false;
        if outcome.ends {
            self.count(action);
            ended = self.place[0] == self.trials;
            if !ended {
                self.next(stream);
            }
        } else {
            self.k += 1;
        }
        if let Some(trial) = &self.trial {
            let sd = &trial.row_at(self.k).noise_sd;
            for (noise, sd) in self.noise.iter_mut().zip(sd) {
                let z: f64 = if *sd > 0.0 {
                    StandardNormal.sample(stream)
                } else {
                    0.0
                };
                *noise = sd * z;
            }
        }
        Answer {
            reward: outcome.reward,
            ended,
        }
    }

    fn measure(&self, measures: &mut [Tally]) {
        for (measure, tally) in measures.iter_mut().zip(&self.tallies) {
            *measure += *tally;
        }
    }

    fn rounds(&self) -> &[Round] {
        &self.rounds
    }
}

impl Task {
    /// The task of whole sessions of this one.
    pub(crate) fn in_sessions(self, trials: usize, block: Option<Law>) -> Self {
        let measured = |quantity: &Quantity| Quantity {
            source: Source::World,
            ..quantity.clone()
        };
        let mut definition = self.definition.clone();
        definition.tmax_ms *= trials as f64;
        let (text, rings) = (self.text.clone(), self.rings.clone());
        let quantities = self.quantities.iter().map(measured).collect();
        let (n_steps, dt_ms) = (trials * self.n_steps, self.dt_ms);
        let sessions = Sessions {
            task: Arc::new(self),
            trials,
            block,
        };
        Self {
            definition,
            text,
            factors: Vec::new(),
            continuous: Vec::new(),
            rings,
            epochs: Vec::new(),
            outputs: Vec::new(),
            lessons: Vec::new(),
            quantities,
            noisy_inputs: Vec::new(),
            n_steps,
            dt_ms,
            places: crate::task::Places::default(),
            derived: Vec::new(),
            constants: Vec::new(),
            shows: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            taught: Vec::new(),
            terminal: None,
            rows: std::sync::Mutex::default(),
            world: Some(Box::new(sessions.clone())),
            sessions: Some(sessions),
        }
    }

    /// Number of the condition with these levels.
    fn number_of(&self, levels: &[usize]) -> usize {
        let (mut id, mut stride) = (0, 1);
        for (factor, level) in self.factors.iter().zip(levels) {
            id += stride * level;
            stride *= factor.n_levels;
        }
        id
    }

    /// A level of factor `i`, another one than `other` if its levels are equally likely.
    fn draw_level(
        &self,
        i: usize,
        levels: &[usize],
        other: Option<usize>,
        (session, before): (&[f64], &[Vec<f64>]),
        stream: &mut ChaCha8Rng,
    ) -> usize {
        let n = self.factors[i].n_levels;
        if let Some(odds) = self.odds_of(i, self.number_of(&levels[..i]), session, before) {
            return crate::task::pick(&odds, stream);
        }
        match other.filter(|_| n > 1) {
            Some(other) => (other + stream.random_range(1..n)) % n,
            None => stream.random_range(0..n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    const TWO_BACK: &str = r#"
name = "two-back"
dt_ms = 50
tmax_ms = 500
inputs = ["LETTER-{letter}", "PAID"]
actions = ["WAIT", "PRESS"]
[session]
trials = 10
block = { uniform = [3, 5] }
[factors]
letter = ["A", "B", "C"]
good = { values = [1, 2], per = "block" }
[derived]
same = "1 if letter == before(letter, 2) else 0"
[epochs]
on = { duration_ms = 200 }
off = {}
[show]
"LETTER-{letter}" = { during = ["on"], when = "letter == {letter}", mean = 1 }
PAID = { during = ["on"], mean = "last_reward" }
[answers]
PRESS = { during = ["on", "off"], reward = "1 if same == 1 else -1", ends = false }
[criterion]
hits = { of = "chosen == 1", over = "same == 1", at_least = 0.9 }
false_alarms = { of = "chosen == 1", over = "same == 0", at_most = 0.1 }
"#;

    #[test]
    fn a_session_remembers_its_trials_and_an_animal_that_does_is_paid() {
        let task = Task::parse("mine.toml", TWO_BACK, None).unwrap_or_else(|error| panic!("{error}"));
        let sessions = task.sessions().expect("a task of sessions");
        assert_eq!(
            task.world.as_ref().unwrap().measures(),
            ["answered", "hits", "false_alarms"]
        );
        let mut world = sessions.open();
        let mut stream = Key::new(1).stream(Purpose::Environment, 0);
        let (mut paid, mut targets) = (0.0, 0);
        for _ in 0..50 {
            world.reset(&mut stream);
            let (mut letters, mut seen) = (Vec::new(), [0.0; 4]);
            let mut ended = false;
            let mut step = 0;
            while !ended {
                world.observe(&mut seen);
                if step % 11 == 0 {
                    letters.push(seen[..3].iter().position(|&x| x == 1.0).expect("a letter is on"));
                }
                let n = letters.len();
                let matches = n > 2 && letters[n - 1] == letters[n - 3];
                targets += usize::from(matches && step % 11 == 0);
                // Twice in the first epoch: it counts once.
                let answer = world.act(usize::from(matches && step % 11 < 2), &mut stream);
                paid += answer.reward;
                ended = answer.ended;
                step += 1;
            }
            assert_eq!((letters.len(), step), (10, 110));
            let mut measures = [Tally::default(); 3];
            world.measure(&mut measures);
            assert_eq!(measures[2].mean(), 0.0, "no false alarms");
            let rounds = world.rounds();
            assert_eq!(rounds.len(), 10);
            for pair in rounds.windows(2) {
                let begins = pair[1].block[1] == 1;
                assert_eq!(
                    pair[0].condition[1] != pair[1].condition[1],
                    begins,
                    "a new block is another one"
                );
            }
            assert!(rounds.iter().all(|round| round.block[1] <= 4));
        }
        assert!(
            targets > 100 && (paid - targets as f64).abs() < 1e-9,
            "{paid} for {targets}"
        );
    }
}
