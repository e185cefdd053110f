//! The twenty cognitive tasks as Masse et al. (2018) set them, after Yang et al. (Nat. Neurosci. 22:297, 2019).
//!
//! Every trial takes 100 steps of 20 ms. Two rings of 32 units with tuning curves of height 4 and width π/8, four units of
//! a fixation cue; the answer is one of eight directions, or to go on fixating. A trial is made from its condition, which
//! can be given or drawn.

use crate::error::GatingError;
use crate::masse2018::cognitive::{
    COHERENCES, DEAD, DELAYS, DIRECTIONS, FIXATION, GAMMA, HEIGHT, RING, RINGS, STEP_MS, STEPS, WIDTH,
};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Inputs without rule signal.
pub const INPUTS: usize = RINGS * RING + FIXATION;
/// Outputs: eight directions, and to fixate.
pub const OUTPUTS: usize = DIRECTIONS + 1;
/// The output that means to go on fixating.
pub const FIXATE: usize = DIRECTIONS;

/// The tasks in the order in which they are learnt.
pub const NAMES: [&str; 20] = [
    "go",
    "rt_go",
    "dly_go",
    "anti_go",
    "anti_rt_go",
    "anti_dly_go",
    "dm1",
    "dm2",
    "ctx_dm1",
    "ctx_dm2",
    "multsen_dm",
    "dm1_dly",
    "dm2_dly",
    "ctx_dm1_dly",
    "ctx_dm2_dly",
    "multsen_dm_dly",
    "dms",
    "dmc",
    "dnms",
    "dnmc",
];

/// What a trial is made from; what a task does not need is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Ring of the stimulus.
    pub modality: usize,
    /// Direction of the stimulus, in eighths of a turn.
    pub dir: usize,
    /// Onset of the stimulus, ms.
    pub onset_ms: usize,
    /// Delay, steps.
    pub delay: usize,
    /// Duration of both stimuli, steps.
    pub duration: usize,
    /// Direction of the first stimulus of a decision, radians.
    pub theta1: f64,
    /// Direction of the second.
    pub theta2: f64,
    /// Coherence on the first ring.
    pub c1: f64,
    /// Coherence on the second ring.
    pub c2: f64,
    /// Mean strength.
    pub gamma: f64,
    /// Direction of the sample.
    pub dir1: usize,
    /// Direction of the test.
    pub dir2: usize,
}

/// Whose rules are followed where the paper's programs do what nobody would want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// No ties; breaking fixation costs in trials without a response too.
    #[default]
    Strict,
    /// As the paper's programs: ties count for the second stimulus, and in trials without a response only the last step
    /// counts, so that answering always and fixating at the end earns everything.
    Reference,
}

/// A trial as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Inputs \[step\]\[unit\].
    pub inputs: Vec<f64>,
    /// The right output at every step.
    pub targets: Vec<usize>,
}

/// How a task's trials are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Go {
        anti: bool,
        kind: Go,
    },
    Decision {
        delayed: bool,
        shown: [bool; 2],
        decides: [bool; 2],
    },
    Match {
        category: bool,
        non: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    Plain,
    ReactionTime,
    Delayed,
}

/// One of the twenty tasks.
///
/// ```
/// use neuropil_gating::cognitive::{Condition, Task};
/// let task = Task::named("anti_go")?;
/// let trial = task.trial(&Condition { dir: 3, onset_ms: 600, ..Condition::default() });
/// assert_eq!((trial.targets[69], trial.targets[70]), (8, 7));
/// # Ok::<(), neuropil_gating::error::GatingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number in the order of learning.
    pub id: usize,
    family: Family,
}

impl Task {
    /// The task of a name.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<Self, GatingError> {
        let id = NAMES.iter().position(|own| *own == name);
        let id = id.ok_or_else(|| {
            Problem::new(
                format!("no cognitive task `{name}`"),
                did_you_mean(name, "tasks", &NAMES),
            )
        })?;
        Ok(Self::of(id))
    }

    /// The task of a number below 20.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(id: usize) -> Self {
        let both = [true, true];
        let decision = |place: usize, delayed: bool| {
            let (shown, decides) = match place {
                0 => ([true, false], [true, false]),
                1 => ([false, true], [false, true]),
                2 => (both, [true, false]),
                3 => (both, [false, true]),
                _ => (both, both),
            };
            Family::Decision {
                delayed,
                shown,
                decides,
            }
        };
        let family = match id {
            0..=5 => Family::Go {
                anti: id >= 3,
                kind: [Go::Plain, Go::ReactionTime, Go::Delayed][id % 3],
            },
            6..=10 => decision(id - 6, false),
            11..=15 => decision(id - 11, true),
            16..=19 => Family::Match {
                category: id % 2 == 1,
                non: id >= 18,
            },
            _ => panic!("task {id}, expected less than 20"),
        };
        Self { id, family }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self.id]
    }

    /// Draws a condition.
    pub fn draw(self, rules: Rules, key: Key, index: u64) -> Condition {
        let mut rng = key.stream(Purpose::Condition, index);
        let mut condition = Condition {
            modality: rng.random_range(0..RINGS),
            ..Condition::default()
        };
        let pick = |rng: &mut ChaCha8Rng| DELAYS[rng.random_range(0..DELAYS.len())];
        match self.family {
            Family::Go { kind, .. } => {
                condition.dir = rng.random_range(0..DIRECTIONS);
                match kind {
                    Go::Delayed => condition.delay = pick(&mut rng),
                    _ => condition.onset_ms = rng.random_range(400..1400),
                }
            }
            Family::Decision { delayed, decides, .. } => {
                let coherence = |rng: &mut ChaCha8Rng| COHERENCES[rng.random_range(0..COHERENCES.len())];
                if delayed {
                    condition.theta1 = rng.random_range(0.0..2.0 * PI);
                    condition.theta2 = (condition.theta1 + PI / 2.0 + PI * rng.random::<f64>()) % (2.0 * PI);
                    condition.delay = pick(&mut rng);
                } else {
                    condition.theta1 = rng.random_range(0..DIRECTIONS) as f64 * PI / 4.0;
                    condition.theta2 =
                        (condition.theta1 + PI / 2.0 + rng.random_range(0..4) as f64 * PI / 4.0) % (2.0 * PI);
                    condition.duration = pick(&mut rng);
                }
                (condition.c1, condition.c2) = (coherence(&mut rng), coherence(&mut rng));
                while rules == Rules::Strict
                    && decides == [true, true]
                    && (condition.c1 + condition.c2).abs() < 1e-12
                {
                    condition.c2 = coherence(&mut rng);
                }
                condition.gamma = GAMMA[0] + GAMMA[1] * rng.random::<f64>();
            }
            Family::Match { category, .. } => {
                condition.dir1 = rng.random_range(0..DIRECTIONS);
                condition.dir2 = if category {
                    rng.random_range(0..DIRECTIONS)
                } else if rng.random_bool(0.5) {
                    condition.dir1
                } else {
                    (condition.dir1 + rng.random_range(1..DIRECTIONS)) % DIRECTIONS
                };
                condition.delay = pick(&mut rng);
            }
        }
        condition
    }

    /// The trial of a condition.
    pub fn trial(self, c: &Condition) -> Trial {
        let mut trial = Trial {
            inputs: vec![0.0; STEPS * INPUTS],
            targets: vec![FIXATE; STEPS],
        };
        match self.family {
            Family::Go { anti, kind } => {
                let (on, off, cue, answer) = match kind {
                    Go::Plain => (c.onset_ms / STEP_MS, STEPS - 1, 70, 70),
                    Go::ReactionTime => (c.onset_ms / STEP_MS, STEPS - 1, STEPS, c.onset_ms / STEP_MS),
                    Go::Delayed => (20, 35, 35 + c.delay, 35 + c.delay),
                };
                trial.fixate(cue);
                trial.show(c.modality, on, off, 1.0, angle(c.dir));
                trial.answer(
                    answer,
                    (c.dir + if anti { DIRECTIONS / 2 } else { 0 }) % DIRECTIONS,
                );
            }
            Family::Decision {
                delayed,
                shown,
                decides,
            } => {
                let second = 35 + c.delay;
                let end = if delayed { second + 15 } else { 20 + c.duration };
                for (ring, coherence) in [c.c1, c.c2]
                    .into_iter()
                    .enumerate()
                    .filter(|(ring, _)| shown[*ring])
                {
                    let strengths = [c.gamma + coherence, c.gamma - coherence];
                    let spans = if delayed {
                        [(20, 35), (second, end)]
                    } else {
                        [(20, end), (20, end)]
                    };
                    for ((strength, (from, to)), theta) in
                        strengths.into_iter().zip(spans).zip([c.theta1, c.theta2])
                    {
                        trial.show(ring, from, to, strength, theta);
                    }
                }
                trial.fixate(end);
                let evidence: f64 = [c.c1, c.c2]
                    .iter()
                    .zip(decides)
                    .filter(|(_, decides)| *decides)
                    .map(|(c, _)| c)
                    .sum();
                let chosen = if evidence > 1e-12 { c.theta1 } else { c.theta2 };
                // Half to even, as the reference rounds: continuous angles never lie there.
                trial.answer(
                    end,
                    (DIRECTIONS as f64 * chosen / (2.0 * PI)).round_ties_even() as usize % DIRECTIONS,
                );
            }
            Family::Match { category, non } => {
                let second = 35 + c.delay;
                let end = second + 15;
                trial.show(c.modality, 20, 35, 1.0, angle(c.dir1));
                trial.show(c.modality, second, end, 1.0, angle(c.dir2));
                trial.fixate(end);
                let half = DIRECTIONS / 2;
                let same = if category {
                    (c.dir1 < half) == (c.dir2 < half)
                } else {
                    c.dir1 == c.dir2
                };
                if same != non {
                    trial.answer(end, if non { c.dir2 } else { c.dir1 });
                }
            }
        }
        trial
    }
}

fn angle(direction: usize) -> f64 {
    2.0 * PI * direction as f64 / DIRECTIONS as f64
}

/// Response of the units of a ring to a direction: 4 exp(−½ (d/σ)²), σ = π/8.
pub fn tuning(theta: f64) -> [f64; RING] {
    std::array::from_fn(|unit| {
        let preferred = 2.0 * PI * unit as f64 / RING as f64;
        let d = (theta - preferred + PI).rem_euclid(2.0 * PI) - PI;
        HEIGHT * (-0.5 * (d / WIDTH).powi(2)).exp()
    })
}

impl Trial {
    fn show(&mut self, ring: usize, from: usize, to: usize, strength: f64, theta: f64) {
        let tuned = tuning(theta);
        for step in from..to {
            let units = &mut self.inputs[step * INPUTS + ring * RING..][..RING];
            units
                .iter_mut()
                .zip(tuned)
                .for_each(|(unit, tuned)| *unit += strength * tuned);
        }
    }

    fn fixate(&mut self, until: usize) {
        for step in 0..until {
            self.inputs[step * INPUTS + RINGS * RING..][..FIXATION].fill(HEIGHT);
        }
    }

    fn answer(&mut self, from: usize, direction: usize) {
        self.targets[from..].fill(direction);
    }

    /// First step at which a direction is right; none in trials that are to be sat out.
    pub fn response(&self) -> Option<usize> {
        self.targets.iter().position(|&target| target != FIXATE)
    }

    /// Reward of every output at every step, \[step\]\[output\].
    pub fn rewards(&self, rules: Rules) -> Vec<[f64; OUTPUTS]> {
        let mut table = vec![[0.0; OUTPUTS]; STEPS];
        match self.response() {
            Some(response) => {
                for row in &mut table[..response] {
                    row[..DIRECTIONS].fill(-1.0);
                }
                for row in &mut table[response..] {
                    row[..DIRECTIONS].fill(-0.01);
                    row[self.targets[response]] = 1.0;
                }
                table[STEPS - 1][FIXATE] = -1.0;
            }
            None => {
                if rules == Rules::Strict {
                    table.iter_mut().for_each(|row| row[..DIRECTIONS].fill(-1.0));
                } else {
                    table[STEPS - 1][..DIRECTIONS].fill(-0.01);
                }
                table[STEPS - 1][FIXATE] = 1.0;
            }
        }
        table
    }

    /// What actions earn: which steps counted, what each earned. The first reward that is not 0 ends the trial.
    pub fn play(&self, rules: Rules, actions: &[usize]) -> Played {
        let table = self.rewards(rules);
        let mut played = Played {
            live: vec![false; STEPS],
            rewards: vec![0.0; STEPS],
        };
        let mut over = false;
        for step in 0..STEPS {
            played.live[step] = !over;
            if !over && step >= DEAD {
                played.rewards[step] = table[step][actions[step]];
                over = played.rewards[step] != 0.0;
            }
        }
        played
    }

    /// Steps whose answer is counted by the paper, and how many of them were right: those with a direction to be given,
    /// after the first 200 ms.
    pub fn counted(&self, answers: &[usize]) -> (usize, usize) {
        let steps = (DEAD..STEPS).filter(|&step| self.targets[step] != FIXATE);
        steps.fold((0, 0), |(n, right), step| {
            (n + 1, right + usize::from(answers[step] == self.targets[step]))
        })
    }

    /// Fraction of the steps before the response (after the first 200 ms) with fixation, and the most frequent answer from
    /// five steps after it on; of equally frequent ones the first.
    pub fn behaviour(&self, answers: &[usize]) -> (f64, usize) {
        let before = DEAD..self.response().unwrap_or(STEPS);
        let kept =
            before.clone().filter(|&step| answers[step] == FIXATE).count() as f64 / before.len() as f64;
        let mut counts = [0; OUTPUTS];
        if let Some(response) = self.response() {
            answers[(response + 5).min(STEPS)..]
                .iter()
                .for_each(|&answer| counts[answer] += 1);
        } else {
            counts[FIXATE] = 1;
        }
        let most = (0..OUTPUTS).fold(0, |most, answer| {
            if counts[answer] > counts[most] {
                answer
            } else {
                most
            }
        });
        (kept, most)
    }

    /// Was the whole trial right: fixation kept in 95 % of the steps before, and the answer the right one?
    pub fn is_right(&self, answers: &[usize]) -> bool {
        let (kept, answer) = self.behaviour(answers);
        kept >= 0.95 && answer == self.response().map_or(FIXATE, |response| self.targets[response])
    }
}

/// What actions earned in a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Did the step count?
    pub live: Vec<bool>,
    /// Reward of each step.
    pub rewards: Vec<f64>,
}

impl Played {
    /// Sum of the rewards.
    pub fn earned(&self) -> f64 {
        self.rewards.iter().sum()
    }

    /// Was anything above 0 earned?
    pub fn is_correct(&self) -> bool {
        self.rewards.iter().any(|&reward| reward > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 10_000;

    fn drawn(name: &str, rules: Rules) -> Vec<Condition> {
        let task = Task::named(name).unwrap();
        (0..N).map(|index| task.draw(rules, Key::new(7), index)).collect()
    }

    /// A count within four standard errors of its probability.
    fn as_often(what: &str, count: usize, p: f64) {
        let n = N as f64;
        let error = (count as f64 - n * p).abs() / (n * p * (1.0 - p)).sqrt();
        assert!(error < 4.0, "{what}: {count} of {n}, p = {p}");
    }

    #[test]
    fn conditions_are_drawn_with_their_probabilities() {
        let go = drawn("go", Rules::Strict);
        (0..8).for_each(|dir| as_often("direction", go.iter().filter(|c| c.dir == dir).count(), 0.125));
        (20..70).for_each(|step| {
            as_often(
                "onset",
                go.iter().filter(|c| c.onset_ms / 20 == step).count(),
                0.02,
            );
        });
        as_often("ring", go.iter().filter(|c| c.modality == 1).count(), 0.5);
        let dm = drawn("dm1", Rules::Strict);
        COHERENCES
            .iter()
            .for_each(|&c| as_often("coherence", dm.iter().filter(|d| d.c1 == c).count(), 1.0 / 6.0));
        DELAYS.iter().for_each(|&d| {
            as_often(
                "duration",
                dm.iter().filter(|c| c.duration == d).count(),
                1.0 / 3.0,
            );
        });
        for eighth in 0..8 {
            let apart = dm
                .iter()
                .filter(|c| {
                    (((c.theta2 - c.theta1).rem_euclid(2.0 * PI)) * 4.0 / PI).round() as usize == eighth
                })
                .count();
            if (2..6).contains(&eighth) {
                as_often("apart", apart, 0.25);
            } else {
                assert_eq!(apart, 0);
            }
        }
        let tied = |rules| {
            drawn("multsen_dm", rules)
                .iter()
                .filter(|c| (c.c1 + c.c2).abs() < 1e-12)
                .count()
        };
        as_often("ties", tied(Rules::Reference), 1.0 / 6.0);
        assert_eq!(tied(Rules::Strict), 0);
        as_often(
            "matches",
            drawn("dms", Rules::Strict)
                .iter()
                .filter(|c| c.dir1 == c.dir2)
                .count(),
            0.5,
        );
        let delayed = drawn("dm2_dly", Rules::Strict);
        assert!(delayed.iter().all(|c| {
            let apart = (c.theta2 - c.theta1).rem_euclid(2.0 * PI);
            (PI / 2.0 - 1e-9..1.5 * PI + 1e-9).contains(&apart)
        }));
    }

    #[test]
    fn unknown_tasks_are_refused_with_a_hint() {
        let error = Task::named("anti_gho").unwrap_err().to_string();
        assert!(error.contains("did you mean `anti_go`"), "{error}");
    }
}
