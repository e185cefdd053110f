//! The twenty cognitive tasks of Masse et al. (2018) written out from their conditions: what the tables of the library are
//! compared with, and what reference numbers pin.
//!
//! Every trial takes 100 steps of 20 ms. Two rings of 32 units with tuning curves of height 4 and width π/8, four units of
//! a fixation cue; the answer is one of eight directions, or to go on fixating. A trial is made from its condition, which
//! can be given or drawn.

use neuropil_gating::masse2018::cognitive::{
    DEAD, DIRECTIONS, FIXATION, HEIGHT, RING, RINGS, STEP_MS, STEPS, WIDTH,
};
use serde::Deserialize;
use std::f64::consts::PI;

/// Inputs without rule signal.
pub(crate) const INPUTS: usize = RINGS * RING + FIXATION;
/// Outputs: eight directions, and to fixate.
pub(crate) const OUTPUTS: usize = DIRECTIONS + 1;
/// The output that means to go on fixating.
pub(crate) const FIXATE: usize = DIRECTIONS;

/// The tasks in the order in which they are learnt.
pub(crate) const NAMES: [&str; 20] = [
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    /// Ring of the stimulus.
    pub(crate) modality: usize,
    /// Direction of the stimulus, in eighths of a turn.
    pub(crate) dir: usize,
    /// Onset of the stimulus, ms.
    pub(crate) onset_ms: usize,
    /// Delay, steps.
    pub(crate) delay: usize,
    /// Duration of both stimuli, steps.
    pub(crate) duration: usize,
    /// Direction of the first stimulus of a decision, radians.
    pub(crate) theta1: f64,
    /// Direction of the second.
    pub(crate) theta2: f64,
    /// Coherence on the first ring.
    pub(crate) c1: f64,
    /// Coherence on the second ring.
    pub(crate) c2: f64,
    /// Mean strength.
    pub(crate) gamma: f64,
    /// Direction of the sample.
    pub(crate) dir1: usize,
    /// Direction of the test.
    pub(crate) dir2: usize,
}

/// Whose rules are followed where the paper's programs do what nobody would want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// No ties; breaking fixation costs in trials without a response too.
    Strict,
    /// As the paper's programs: ties count for the second stimulus, and in trials without a response only the last step
    /// counts, so that answering always and fixating at the end earns everything.
    Reference,
}

/// A trial as a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trial {
    /// Inputs \[step\]\[unit\].
    pub(crate) inputs: Vec<f64>,
    /// The right output at every step.
    pub(crate) targets: Vec<usize>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its number in the order of learning.
    pub(crate) id: usize,
    family: Family,
}

impl Task {
    /// The task of a name.
    pub(crate) fn named(name: &str) -> Self {
        Self::of(
            NAMES
                .iter()
                .position(|own| *own == name)
                .expect("one of the twenty"),
        )
    }

    /// The task of a number below 20.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn of(id: usize) -> Self {
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

    /// The trial of a condition.
    pub(crate) fn trial(self, c: &Condition) -> Trial {
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
pub(crate) fn tuning(theta: f64) -> [f64; RING] {
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
    pub(crate) fn response(&self) -> Option<usize> {
        self.targets.iter().position(|&target| target != FIXATE)
    }

    /// Reward of every output at every step, \[step\]\[output\].
    pub(crate) fn rewards(&self, rules: Rules) -> Vec<[f64; OUTPUTS]> {
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
    pub(crate) fn play(&self, rules: Rules, actions: &[usize]) -> Played {
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

    /// What is wanted at each step; nothing in the first 200 ms.
    pub(crate) fn wanted(&self) -> Vec<Option<usize>> {
        let steps = self.targets.iter().enumerate();
        steps
            .map(|(step, &target)| (step >= DEAD).then_some(target))
            .collect()
    }
}

/// What actions earned in a trial.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Played {
    /// Did the step count?
    pub(crate) live: Vec<bool>,
    /// Reward of each step.
    pub(crate) rewards: Vec<f64>,
}

impl Played {
    /// Sum of the rewards.
    pub(crate) fn earned(&self) -> f64 {
        self.rewards.iter().sum()
    }

    /// Was anything above 0 earned?
    pub(crate) fn is_correct(&self) -> bool {
        self.rewards.iter().any(|&reward| reward > 0.0)
    }
}
