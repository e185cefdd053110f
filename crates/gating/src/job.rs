//! A course as a job: trained with checkpoints, tested, analysed, and told on a page.

use crate::analysis;
use crate::analysis::accuracy::accuracy;
use crate::course::{Course, Progress, draw};
use crate::data::Dataset;
use crate::gates::Gates;
use crate::inference::infer;
use crate::settings::{Method, Settings};
use crate::tasks::Tasks;
use neuropil_draw::{Report, Section};
use neuropil_lab::atomic;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{Keeper, best};
use neuropil_lab::run::RunDirectory;
use neuropil_study::{Analysed, Answer, Flow, Job, Measure, News, Origin, Summary};
use serde_json::json;
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

/// A network that learns the tasks of a sequence.
#[derive(Debug)]
pub(crate) struct Learning {
    settings: Settings,
    text: String,
    ground: OnceLock<Ground>,
}

impl Learning {
    pub(crate) fn new(settings: Settings, text: String) -> Self {
        Self {
            settings,
            text,
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
        let data = Dataset::open(&self.settings.data.path, &self.settings.data.reading)?;
        let (tasks, gates) = draw(&self.settings, &data)?;
        Ok(self.ground.get_or_init(|| Ground { data, tasks, gates }))
    }

    /// The course of a run as it was kept last.
    fn learnt(&self, run: &RunDirectory) -> Result<Course<'_>, Problem> {
        let ground = self.ground()?;
        let path = run.checkpoint("best");
        let kept = best(run)?.ok_or_else(|| {
            Problem::new(
                format!("{}: no task was learnt to its end", run.path().display()),
                "`neuropil train --resume` goes on",
            )
        })?;
        refuse_other(run, ground)?;
        let mut course = Course::new(&self.settings, &ground.data, &ground.tasks, &ground.gates)?;
        let progress: Progress = kept.state(&path)?;
        course.restore(&kept.arrays, progress)?;
        Ok(course)
    }

    fn origin(&self, course: &Course) -> Origin {
        Origin {
            of: self.settings.experiment.clone(),
            seed: self.settings.seed,
            counts: [("tasks", course.progress().learnt.len())].into(),
            ..Origin::default()
        }
    }
}

/// Tasks and gates are stored as they were drawn: they must be those that the settings give today.
fn refuse_other(run: &RunDirectory, ground: &Ground) -> Result<(), Problem> {
    for (name, ours) in stored(ground) {
        let path = run.file(name);
        let kept = std::fs::read(&path)
            .map_err(|error| Problem::bare(format!("{}: cannot read: {error}", path.display())))?;
        if kept != ours {
            let hint = "were the data changed since, or is the run of another version? its tasks cannot be tested with these";
            return Err(Problem::new("not what these settings and data give", hint)
                .in_file(path.display().to_string()));
        }
    }
    Ok(())
}

fn stored(ground: &Ground) -> Vec<(&'static str, Vec<u8>)> {
    let json = |value: &dyn Fn() -> serde_json::Result<Vec<u8>>| value().expect("drawn things are JSON");
    vec![
        ("tasks.json", json(&|| serde_json::to_vec(&ground.tasks))),
        ("gates.json", json(&|| serde_json::to_vec(&ground.gates))),
    ]
}

fn checkpoint(course: &Course) -> Checkpoint {
    let state = serde_json::to_value(course.kept_progress()).expect("progress is JSON");
    Checkpoint::new(course.arrays(), state)
}

fn measured(course: &Course) -> Vec<Measure> {
    let Ok(found) = accuracy(course) else {
        return Vec::new();
    };
    let percent = |name: &str, label: &str, value: f64| Measure::percent(name, label, 100.0 * value);
    let mut all = vec![
        percent(
            "average_accuracy",
            "mean over tasks",
            found.measures.average_accuracy,
        ),
        percent("newest_task", "newest task", found.measures.newest),
        percent("first_task", "first task", found.measures.oldest),
    ];
    if let Some(forgetting) = found.measures.forgetting {
        all.push(Measure::new("forgetting", "forgetting", forgetting));
    }
    if let Some(transfer) = found.measures.backward_transfer {
        all.push(Measure::new("backward_transfer", "backward transfer", transfer));
    }
    all
}

impl Job for Learning {
    fn name(&self) -> &str {
        &self.settings.experiment
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.ground().map(stored).unwrap_or_default()
    }

    fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn prepare(&self) -> Result<(), Problem> {
        self.ground().map(drop)
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let ground = self.ground()?;
        let mut course = Course::new(&self.settings, &ground.data, &ground.tasks, &ground.gates)?;
        let path = keeper.last_path();
        match keeper.take_last() {
            Some(last) => {
                let progress: Progress = last.state(&path)?;
                course.restore(&last.arrays, progress)?;
            }
            None => self.say(ground, watch),
        }
        let (batches, batch) = (
            self.settings.training.batches as u64,
            self.settings.training.batch as u64,
        );
        let done = |course: &Course| course.progress().task as u64 * batches + course.progress().batch as u64;
        let mut interrupted = false;
        while !course.is_over() && updates.is_none_or(|updates| done(&course) < updates) {
            let before = course.progress().task;
            course.step()?;
            let progress = course.progress();
            let learnt = progress.task > before;
            interrupted = watch(&News::Update(done(&course))) == Flow::Stop;
            if learnt {
                keeper.log(&json!({ "event": "task", "task": before, "learnt": progress.learnt.last() }))?;
                let kept = checkpoint(&course);
                keeper.checked(kept.clone(), Some(kept))?;
                let toward = Some((course.progress().task as f64, ground.tasks.len() as f64));
                let seen = done(&course) * batch;
                interrupted |= watch(&News::Check {
                    seen,
                    unit: "examples",
                    measures: &measured(&course),
                    toward,
                }) == Flow::Stop;
            } else if interrupted
                || progress
                    .batch
                    .is_multiple_of(self.settings.training.checkpoint_every)
            {
                keeper.checked(checkpoint(&course), None)?;
            }
            if interrupted {
                break;
            }
        }
        if !course.is_over() && !interrupted && course.progress().batch > 0 {
            keeper.checked(checkpoint(&course), None)?;
        }
        let made = done(&course);
        let wall_seconds = keeper.end(
            &json!({ "event": "end", "update": made, "tasks": course.progress().task }),
            course.is_over(),
        )?;
        let measures = measured(&course);
        Ok(Summary {
            task: self.settings.experiment.clone(),
            seed: self.settings.seed,
            criterion_met: course.is_over(),
            updates: made,
            trials: made * batch,
            restarts: 0,
            criterion: measures
                .iter()
                .map(|measure| (measure.name.clone(), measure.value))
                .collect(),
            measures,
            wall_seconds,
            run_dir: keeper.run().path().to_owned(),
            interrupted,
        })
    }

    fn test(&self, run: &RunDirectory, _options: &Layers) -> Result<Answer, Problem> {
        let course = self.learnt(run)?;
        let mut answer = Answer::of(&accuracy(&course)?, &self.origin(&course));
        if self.method().gates() || self.method().rule {
            let inferred = infer(&course, EXAMPLES_TO_INFER);
            answer
                .sentences
                .extend(neuropil_study::Tell::sentences(&inferred));
            answer.json["inferred"] = serde_json::to_value(&inferred).expect("a result is JSON");
        }
        let path = run.place("results/test.json");
        atomic::write(
            &path,
            &serde_json::to_vec_pretty(&answer.json).expect("a value is JSON"),
        )?;
        Ok(answer.saved_in(vec![path]))
    }

    fn analyse(
        &self,
        run: &RunDirectory,
        names: &[String],
        _options: &Layers,
    ) -> Result<Vec<Analysed>, Problem> {
        let known: Vec<&str> = analysis::ALL.iter().map(|analysis| analysis.name).collect();
        if let Some(wrong) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Problem::new(
                format!("unknown analysis `{wrong}`"),
                format!("analyses: {}", known.join(", ")),
            ));
        }
        let course = self.learnt(run)?;
        let origin = self.origin(&course);
        let wanted = analysis::ALL
            .iter()
            .filter(|analysis| names.is_empty() || names.iter().any(|name| name == analysis.name));
        let made = wanted.map(|analysis| Analysed {
            name: analysis.name.to_owned(),
            title: analysis.title.to_owned(),
            answer: (analysis.make)(&course, &origin).map_err(Problem::from),
            sound: true,
        });
        Ok(made.collect())
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let course = self.learnt(run)?;
        let told = accuracy(&course)?;
        let read = |name: &str| std::fs::read_to_string(run.file(name)).unwrap_or_default();
        let mut lead = neuropil_study::Tell::sentences(&told);
        if self.method().gates() || self.method().rule {
            lead.extend(neuropil_study::Tell::sentences(&infer(
                &course,
                EXAMPLES_TO_INFER,
            )));
        }
        let section = |item: &Analysed| match &item.answer {
            Ok(answer) => Section {
                title: item.title.clone(),
                text: answer.sentences.join(" "),
                figure: answer.figures.first().map(|shown| shown.figure.clone()),
                table: None,
            },
            Err(problem) => Section {
                title: item.title.clone(),
                text: problem.sentence(),
                ..Section::default()
            },
        };
        let facts = measured(&course)
            .iter()
            .map(|measure| (measure.label.clone(), measure.with_unit()))
            .collect();
        Ok(Report {
            title: format!(
                "{}: {}, seed {}",
                self.settings.experiment, self.settings.method, self.settings.seed
            ),
            lead: lead.join(" "),
            facts,
            sections: analysed.iter().map(section).collect(),
            details: vec![
                ("Settings".to_owned(), read("config.toml")),
                ("Provenance".to_owned(), read("provenance.json")),
            ],
        })
    }
}

impl Learning {
    fn method(&self) -> Method {
        Method::of(&self.settings).expect("a method that was checked")
    }

    /// What the tasks are and what was assumed about the data, before anything is trained.
    fn say(&self, ground: &Ground, watch: &mut dyn FnMut(&News<'_>) -> Flow) {
        watch(&News::Said(&format!(
            "{}: {}",
            ground.data.name,
            ground.tasks.scenario()
        )));
        for note in &ground.data.notes {
            watch(&News::Said(note));
        }
        for (task, classes) in ground.tasks.classes.iter().enumerate() {
            let counts = ground.data.counts(crate::data::Half::Train);
            let absent: Vec<&str> = classes
                .iter()
                .filter(|&&class| counts[class] == 0)
                .map(|&class| ground.data.classes[class].name.as_str())
                .collect();
            if !absent.is_empty() && absent.len() < classes.len() {
                watch(&News::Said(&format!(
                    "task {task} is trained without class {}: no training example",
                    absent.join(", ")
                )));
            }
        }
        for (task, layer) in &ground.gates.redrawn {
            watch(&News::Said(&format!(
                "gates of task {task}, layer {}, had no active unit and were drawn again",
                layer + 1
            )));
        }
        if ground.tasks.head == crate::tasks::Head::All && !self.method().replay {
            watch(&News::Said(
                "class-incremental without replay: expect about one task's share of the classes to be right at the end",
            ));
        }
    }
}
