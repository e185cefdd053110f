//! A sequence of tasks made from one data set of pictures as an experiment.

use crate::course::{Course, Progress, draw};
use crate::data::{Dataset, Half};
use crate::error::GatingError;
use crate::front;
use crate::gates::Gates;
use crate::inference::{Inferred, infer};
use crate::method::Method;
use crate::record::Record;
use crate::sequence::{DATA, Experiment, Place, Sequence};
use crate::settings::Settings;
use crate::tasks::{Head, Kind, Tasks};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::Problem;
use std::path::Path;
use std::sync::OnceLock;

/// Test examples that an unknown task is inferred from.
const EXAMPLES_TO_INFER: usize = 256;

/// Data, tasks and gates of settings.
#[derive(Debug)]
struct Ground {
    data: Dataset,
    tasks: Tasks,
    gates: Gates,
}

/// Settings, and what is read and drawn by them.
#[derive(Debug)]
pub(crate) struct Images {
    settings: Settings,
    ground: OnceLock<Ground>,
}

impl Images {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            ground: OnceLock::new(),
        }
    }

    /// Reads the data and draws what is random about the tasks, once.
    fn ground(&self) -> Result<&Ground, Problem> {
        if let Some(ground) = self.ground.get() {
            return Ok(ground);
        }
        if self.settings.data.path.is_empty() {
            return Err(Problem::new(
                format!(
                    "`data.path` is empty, expected the folder or file with the data of `{}`",
                    self.settings.experiment
                ),
                "`--set data.path=DIR`; the chapter \"Learn many tasks in a row\" says which files",
            ));
        }
        let mut data = Dataset::open(&self.settings.data.path, &self.settings.data.reading)?;
        if data.test.is_empty() {
            let message = "no test examples, and one example a class: none is held out".to_owned();
            let problem = Problem::new(message, "give test examples, or more of each class");
            return Err(problem.in_file(self.settings.data.path.as_str()));
        }
        let front = &self.settings.data.front;
        if !front.is_empty() {
            if self.settings.tasks.kind != Kind::Split {
                let message =
                    "`data.front` with tasks that move pixels: the front end would have to see them moved";
                return Err(Problem::new(message, "`--set tasks.kind=split`, or no front end"));
            }
            let (front, theta) = front::load(front)?;
            data = front.features(&theta, &data)?;
        }
        let (tasks, gates) = draw(&self.settings, &data)?;
        Ok(self.ground.get_or_init(|| Ground { data, tasks, gates }))
    }

    fn known(&self) -> Method {
        self.settings.method().expect("a method that was checked")
    }
}

impl Experiment for Images {
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
        ("examples", self.settings.training.batch as u64)
    }

    fn checkpoint_every(&self) -> u64 {
        self.settings.training.checkpoint_every as u64
    }

    fn complete(&self, settings: &str) -> Option<toml::Table> {
        toml::Table::try_from(toml::from_str::<Settings>(settings).ok()?).ok()
    }

    fn prepare(&self) -> Result<(), Problem> {
        self.ground().map(drop)
    }

    fn stored(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Problem> {
        let ground = self.ground()?;
        let json = |found: serde_json::Result<Vec<u8>>| found.expect("drawn things are JSON");
        Ok(vec![
            ("tasks.json", json(serde_json::to_vec(&ground.tasks))),
            ("gates.json", json(serde_json::to_vec(&ground.gates))),
            (DATA, json(serde_json::to_vec(&ground.data.fingerprint()))),
        ])
    }

    fn notes(&self) -> Result<Vec<String>, Problem> {
        let Ground { data, tasks, gates } = self.ground()?;
        let mut notes = vec![format!("{}: {}", data.name, tasks.scenario())];
        notes.extend(data.notes.iter().cloned());
        let counts = data.counts(Half::Train);
        for (task, classes) in tasks.classes.iter().enumerate() {
            let absent = classes.iter().filter(|&&class| counts[class] == 0);
            let absent: Vec<&str> = absent.map(|&class| data.classes[class].name.as_str()).collect();
            if !absent.is_empty() && absent.len() < classes.len() {
                let names = absent.join(", ");
                notes.push(format!(
                    "task {task} is trained without class {names}: no training example"
                ));
            }
        }
        notes.extend(gates.notes());
        if tasks.head == Head::All && !self.known().replay {
            notes.push(
                "class-incremental without replay: expect about one task's share of the classes to be right at the end"
                    .to_owned(),
            );
        }
        Ok(notes)
    }

    fn begin(&self) -> Result<Box<dyn Sequence + '_>, Problem> {
        let Ground { data, tasks, gates } = self.ground()?;
        let course = Course::new(&self.settings, data, tasks, gates)?;
        Ok(Box::new(OnItsWay {
            told: self.known().gates() || self.known().rule,
            batches: self.settings.training.batches as u64,
            n_tasks: tasks.len(),
            course,
        }))
    }
}

#[derive(Debug)]
struct OnItsWay<'a> {
    course: Course<'a>,
    told: bool,
    batches: u64,
    n_tasks: usize,
}

impl Sequence for OnItsWay<'_> {
    fn place(&self) -> Place {
        let progress = self.course.progress();
        Place {
            learnt: progress.task,
            tasks: self.n_tasks,
            batch: progress.batch as u64,
            made: progress.task as u64 * self.batches + progress.batch as u64,
        }
    }

    fn step(&mut self) -> Result<(), GatingError> {
        self.course.step()
    }

    fn checkpoint(&self) -> Checkpoint {
        let state = serde_json::to_value(self.course.kept_progress()).expect("progress is JSON");
        Checkpoint::new(self.course.arrays(), state)
    }

    fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), Problem> {
        let progress: Progress = kept.state(path)?;
        Ok(self.course.restore(&kept.arrays, progress)?)
    }

    fn record(&self) -> Record<'_> {
        self.course.record()
    }

    fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64 {
        self.course.accuracy_with(change)
    }

    fn inferred(&self) -> Option<Inferred> {
        let n = self.course.progress().learnt.len();
        let tested = |task, as_if| self.course.tested(task, as_if, EXAMPLES_TO_INFER);
        self.told.then(|| infer("examples", EXAMPLES_TO_INFER, n, tested))
    }
}
