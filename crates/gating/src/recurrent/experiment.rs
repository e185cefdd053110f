//! A sequence of tasks for a recurrent network as an experiment.

use super::ground::Ground;
use super::pupil::{Kept, Pupil};
use super::settings::{RecurrentSettings, Teacher};
use crate::error::GatingError;
use crate::inference::{Inferred, infer};
use crate::record::Record;
use crate::sequence::{Experiment, Place, Sequence};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::Problem;
use neuropil_learn::course::{Course, Early, Plan, Progress};
use neuropil_learn::learner::{Learner, Verdict};
use neuropil_math::rng::{Key, Phase};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::OnceLock;

/// Test trials that an unknown task is inferred from.
const TRIALS_TO_INFER: usize = 64;

/// Settings, and tasks and gates by them.
#[derive(Debug)]
pub(crate) struct Recurrent {
    settings: RecurrentSettings,
    ground: OnceLock<Ground>,
}

/// What is kept beside the arrays.
#[derive(Serialize, Deserialize)]
struct State {
    course: Progress,
    pupil: Kept,
}

impl Recurrent {
    pub(crate) fn new(settings: RecurrentSettings) -> Self {
        Self {
            settings,
            ground: OnceLock::new(),
        }
    }

    fn ground(&self) -> Result<&Ground, Problem> {
        if let Some(ground) = self.ground.get() {
            return Ok(ground);
        }
        let ground = Ground::of(&self.settings)?;
        Ok(self.ground.get_or_init(|| ground))
    }

    fn plan(&self, n_tasks: usize) -> Plan {
        let (training, reward) = (&self.settings.training, &self.settings.reward);
        let by_reward = self.settings.teacher == Teacher::Reward && reward.window > 0;
        let early = Early {
            after: reward.window as u64,
            above: reward.enough,
        };
        Plan {
            n_stages: n_tasks,
            updates_per_stage: training.batches as u64,
            check_every: training.checkpoint_every as u64,
            window: if by_reward { reward.window } else { 0 },
            early: by_reward.then_some(early).into_iter().collect(),
        }
    }
}

fn scenario(settings: &RecurrentSettings, ground: &Ground) -> String {
    let method = ground.method;
    let told = match (method.gates(), method.rule) {
        (false, false) => "the task is not told: domain-incremental",
        (true, false) => "the task is known by its gates, at test too",
        (false, true) => "the task is told by a rule input, at test too",
        (true, true) => "the task is known by its gates and a rule input, at test too",
    };
    let teacher = match settings.teacher {
        Teacher::Targets => "taught what to do at every step",
        Teacher::Reward => "taught by reward",
    };
    format!(
        "{} tasks for one recurrent network of {} units with {} inputs and {} actions, {teacher}; {told}",
        ground.tasks.len(),
        settings.network.units,
        ground.n_inputs,
        ground.n_actions
    )
}

impl Experiment for Recurrent {
    fn name(&self) -> &str {
        &self.settings.experiment
    }

    fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn method(&self) -> &str {
        &self.settings.method
    }

    fn batch(&self) -> (&'static str, u64) {
        ("trials", self.settings.training.batch as u64)
    }

    fn checkpoint_every(&self) -> u64 {
        self.settings.training.checkpoint_every as u64
    }

    fn prepare(&self) -> Result<(), Problem> {
        self.ground().map(drop)
    }

    fn stored(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Problem> {
        let ground = self.ground()?;
        let json = |found: serde_json::Result<Vec<u8>>| found.expect("drawn things are JSON");
        Ok(vec![
            ("tasks.json", json(serde_json::to_vec(&ground.stored()))),
            ("gates.json", json(serde_json::to_vec(&ground.gates))),
        ])
    }

    fn notes(&self) -> Result<Vec<String>, Problem> {
        let ground = self.ground()?;
        let mut notes = vec![scenario(&self.settings, ground)];
        notes.extend(ground.gates.notes());
        Ok(notes)
    }

    fn begin(&self) -> Result<Box<dyn Sequence + '_>, Problem> {
        let ground = self.ground()?;
        Ok(Box::new(OnItsWay {
            settings: &self.settings,
            ground,
            course: Course {
                plan: self.plan(ground.tasks.len()),
                key: Key::new(self.settings.seed),
                student: Pupil::new(&self.settings, ground),
                progress: Progress::default(),
            },
        }))
    }
}

#[derive(Debug)]
struct OnItsWay<'a> {
    settings: &'a RecurrentSettings,
    ground: &'a Ground,
    course: Course<Pupil<'a>>,
}

impl Sequence for OnItsWay<'_> {
    fn place(&self) -> Place {
        let progress = &self.course.progress;
        Place {
            learnt: progress.stage,
            tasks: self.ground.tasks.len(),
            batch: progress.update,
            made: progress.total,
        }
    }

    fn step(&mut self) -> Result<(), GatingError> {
        let report = self.course.update();
        if !report.loss.is_finite() {
            let progress = &self.course.progress;
            let name = &self.ground.tasks[progress.stage].definition.name;
            let message = format!(
                "the loss of task `{name}` is {} at batch {}",
                report.loss, progress.update
            );
            let hint = "a smaller `training.rate` or `stabilise.strength`; the last checkpoint is whole";
            return Err(Problem::new(message, hint).into());
        }
        if self.course.check_is_due() && self.course.check() == Verdict::NextStage {
            let batches = self.course.progress.update;
            self.course.close_stage()?;
            let row = self.course.progress.table.last().cloned().unwrap_or_default();
            self.course.student.tested(&row, batches);
        }
        Ok(())
    }

    fn checkpoint(&self) -> Checkpoint {
        let state = State {
            course: self.course.progress.clone(),
            pupil: self.course.student.to_keep(),
        };
        let state = serde_json::to_value(state).expect("progress is JSON");
        Checkpoint::new(self.course.arrays(), state)
    }

    fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), Problem> {
        let state: State = kept.state(path)?;
        (self.course.progress, self.course.student.kept) = (state.course, state.pupil);
        self.course.restore(&kept.arrays).map_err(|error| {
            Problem::new(error.to_string(), "it is of another network").in_file(path.display().to_string())
        })
    }

    fn record(&self) -> Record<'_> {
        let kept = &self.course.student.kept;
        let chance = match self.settings.teacher {
            Teacher::Targets => self
                .ground
                .channels
                .iter()
                .map(|own| 1.0 / own.actions.len() as f64)
                .collect(),
            Teacher::Reward => kept.untrained.clone(),
        };
        Record {
            scenario: scenario(self.settings, self.ground),
            method: &self.settings.method,
            names: self
                .ground
                .tasks
                .iter()
                .map(|task| task.definition.name.clone())
                .collect(),
            learnt: &kept.learnt,
            untrained: &kept.untrained,
            before: &kept.before,
            chance: chance[..kept.learnt.len().min(chance.len())].to_vec(),
            gates: &self.ground.gates,
            importance: self.course.student.importance(),
            tensors: self.course.student.tensors(),
        }
    }

    fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64 {
        self.course.student.accuracy_with(change)
    }

    fn inferred(&self) -> Option<Inferred> {
        let method = self.ground.method;
        let told = method.gates() || method.rule;
        let targets = self.settings.teacher == Teacher::Targets;
        if !(told && targets) {
            return None;
        }
        let n = self.course.student.kept.learnt.len();
        Some(infer("trials", TRIALS_TO_INFER, n, |task, as_if| {
            let key = self.course.key.part(task as u64).phase(Phase::Test).attempt(2);
            let found = self.course.student.answered((task, as_if), key, TRIALS_TO_INFER);
            let accuracy = found.right_steps as f64 / found.steps.max(1) as f64;
            (accuracy, found.entropy / found.trials.max(1) as f64)
        }))
    }
}
