//! A sequence of tasks as a job: trained with checkpoints, tested, analysed, and told on a page.

use crate::analysis;
use crate::analysis::accuracy::accuracy;
use crate::inference::Inferred;
use crate::record::Record;
use crate::sequence::{DATA, Experiment, Sequence};
use neuropil_draw::Report;
use neuropil_lab::atomic;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Keeper;
use neuropil_lab::run::RunDirectory;
use neuropil_study::life::{self, Ended};
use neuropil_study::{Analysed, Answer, Flow, Job, Measure, News, Origin, Summary, Tell};
use serde_json::json;

/// A network that learns the tasks of a sequence.
#[derive(Debug)]
pub(crate) struct Learning {
    experiment: Box<dyn Experiment>,
    text: String,
}

impl Learning {
    pub(crate) fn new(experiment: Box<dyn Experiment>, text: String) -> Self {
        Self { experiment, text }
    }

    /// The sequence of a run as it was kept last.
    fn learnt(&self, run: &RunDirectory) -> Result<Box<dyn Sequence + '_>, Problem> {
        let kept = life::best(run)?;
        self.refuse_other(run)?;
        let mut sequence = self.experiment.begin()?;
        sequence.restore(&kept.checkpoint, &kept.path)?;
        Ok(sequence)
    }

    /// Accuracy after each task on all tasks so far, of a run that is kept.
    pub(crate) fn grid(&self, run: &RunDirectory) -> Result<Vec<Vec<f64>>, Problem> {
        Ok(self.learnt(run)?.record().grid())
    }

    /// Tasks and gates are stored as they were drawn: they must be those that the settings give today.
    fn refuse_other(&self, run: &RunDirectory) -> Result<(), Problem> {
        for (name, ours) in self.experiment.stored()? {
            let path = run.file(name);
            let kept = atomic::read_if_there(&path)?;
            if kept.is_none() && name == DATA {
                continue; // a run of a version that kept no fingerprint
            }
            if kept.as_deref() != Some(&ours) {
                let hint = "were the data changed since, or is the run of another version? its tasks cannot be tested with these";
                return Err(Problem::new("not what these settings and data give", hint)
                    .in_file(path.display().to_string()));
            }
        }
        Ok(())
    }

    fn origin(&self, record: &Record) -> Origin {
        Origin {
            counts: [("tasks", record.learnt.len())].into(),
            ..Origin::new(self.experiment.name(), self.experiment.seed())
        }
    }
}

fn measured(record: &Record) -> Vec<Measure> {
    let Ok(found) = accuracy(record) else {
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
        self.experiment.name()
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn complete(&self, settings: &str) -> Option<toml::Table> {
        self.experiment.complete(settings)
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        self.experiment.stored().unwrap_or_default()
    }

    fn seed(&self) -> u64 {
        self.experiment.seed()
    }

    fn prepare(&self) -> Result<(), Problem> {
        self.experiment.prepare()
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let mut sequence = self.experiment.begin()?;
        let path = keeper.last_path();
        match keeper.take_last() {
            Some(last) => sequence.restore(&last, &path)?,
            None => {
                for note in self.experiment.notes()? {
                    watch(&News::Said(&note));
                }
            }
        }
        let interrupted = self.go_on(&mut *sequence, keeper, updates, watch)?;
        let place = sequence.place();
        if !place.is_over() && !interrupted && place.batch > 0 {
            keeper.checked(sequence.checkpoint(), None)?;
        }
        let (unit, batch) = self.experiment.batch();
        let end = Ended {
            event: json!({ "event": "end", "update": place.made, "tasks": place.learnt }),
            updates: place.made,
            trials: place.made * batch,
            unit,
            complete: place.is_over(),
            interrupted,
            measures: measured(&sequence.record()),
        };
        life::ended(self, keeper, end)
    }

    fn make_trials(&self, run: &RunDirectory) -> Result<(), Problem> {
        if self.learnt(run)?.place().learnt == 0 {
            return Ok(());
        }
        self.test(run, &Layers::new()).map(drop)
    }

    fn test(&self, run: &RunDirectory, _options: &Layers) -> Result<Answer, Problem> {
        let sequence = self.learnt(run)?;
        let record = sequence.record();
        let mut answer = Answer::of(&accuracy(&record)?, &self.origin(&record));
        if let Some(inferred) = sequence.inferred() {
            answer.sentences.extend(inferred.sentences());
            answer.json["inferred"] = serde_json::to_value(&inferred).expect("a result is JSON");
        }
        life::keep_test(run, answer)
    }

    fn analyse(
        &self,
        run: &RunDirectory,
        names: &[String],
        _options: &Layers,
    ) -> Result<Vec<Analysed>, Problem> {
        let mut sequence = self.learnt(run)?;
        let origin = self.origin(&sequence.record());
        let wanted = analysis::ALL
            .iter()
            .filter(|analysis| names.is_empty() || names.iter().any(|name| name == analysis.name));
        let made = wanted.map(|analysis| Analysed {
            name: analysis.name.to_owned(),
            title: analysis.title.to_owned(),
            answer: (analysis.make)(&mut *sequence, &origin).map_err(Problem::from),
            sound: true,
        });
        Ok(made.collect())
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let sequence = self.learnt(run)?;
        let record = sequence.record();
        let mut lead = match accuracy(&record) {
            Ok(found) => found.sentences(),
            Err(error) => vec![Problem::from(error).sentence()],
        };
        if sequence.place().learnt > 0 {
            lead.extend(sequence.inferred().iter().flat_map(Inferred::sentences));
        }
        let facts = measured(&record)
            .iter()
            .map(|measure| (measure.label.clone(), measure.with_unit()))
            .collect();
        let experiment = &self.experiment;
        let title = format!(
            "{}: {}, seed {}",
            experiment.name(),
            experiment.method(),
            experiment.seed()
        );
        Ok(Report {
            facts,
            ..life::page(run, title, &lead, analysed)
        })
    }
}

impl Learning {
    /// Learns until all is learnt, so many batches are made or `watch` says stop; was it stopped?
    fn go_on(
        &self,
        sequence: &mut dyn Sequence,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<bool, Problem> {
        let (unit, batch) = self.experiment.batch();
        loop {
            let before = sequence.place();
            if before.is_over() || updates.is_some_and(|updates| before.made >= updates) {
                return Ok(false);
            }
            sequence.step()?;
            let place = sequence.place();
            let mut interrupted = watch(&News::Update(place.made)) == Flow::Stop;
            if place.learnt > before.learnt {
                let record = sequence.record();
                keeper.log(
                    &json!({ "event": "task", "task": record.names[before.learnt], "learnt": record.learnt.last() }),
                )?;
                let kept = sequence.checkpoint();
                keeper.checked(kept.clone(), Some(kept))?;
                interrupted |= watch(&News::Check {
                    seen: place.made * batch,
                    unit,
                    measures: &measured(&record),
                    toward: Some((place.learnt as f64, place.tasks as f64)),
                }) == Flow::Stop;
            } else if interrupted || place.batch.is_multiple_of(self.experiment.checkpoint_every()) {
                keeper.checked(sequence.checkpoint(), None)?;
            }
            if interrupted {
                return Ok(true);
            }
        }
    }
}
