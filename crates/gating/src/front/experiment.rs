//! `gating/front`: a front end is learnt beforehand, and read by the sequences that name its run.

use super::Front;
use super::learner::Pupil;
use crate::curve::Curve;
use crate::data::Dataset;
use crate::error::GatingError;
use crate::gates::Gates;
use crate::inference::Inferred;
use crate::record::{Learnt, Record};
use crate::sequence::{Experiment, Place, Sequence};
use crate::settings::Settings;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper;
use neuropil_lab::run::RunDirectory;
use neuropil_math::arrays::Arrays;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::OnceLock;

/// Settings, and what is read by them.
#[derive(Debug)]
pub(crate) struct Beforehand {
    settings: Settings,
    sets: OnceLock<Vec<Dataset>>,
}

/// What is kept beside the arrays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Rows, columns and channels of the pictures.
    shape: [usize; 3],
    batch: u64,
    steps: u64,
    curve: Curve,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untrained: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learnt: Option<Learnt>,
}

impl Beforehand {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            sets: OnceLock::new(),
        }
    }

    fn sets(&self) -> Result<&[Dataset], Problem> {
        if let Some(sets) = self.sets.get() {
            return Ok(sets);
        }
        let data = &self.settings.data;
        let paths = std::iter::once(&data.path).chain(&data.also);
        let sets = paths
            .map(|path| Dataset::open(path, &data.reading))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.sets.get_or_init(|| sets))
    }
}

impl Experiment for Beforehand {
    fn name(&self) -> &str {
        &self.settings.experiment
    }

    fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn method(&self) -> &'static str {
        "none"
    }

    fn batch(&self) -> (&'static str, u64) {
        ("examples", self.settings.training.batch as u64)
    }

    fn checkpoint_every(&self) -> u64 {
        self.settings.training.checkpoint_every as u64
    }

    fn prepare(&self) -> Result<(), Problem> {
        Pupil::new(&self.settings, self.sets()?).map(drop)
    }

    fn stored(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Problem> {
        Ok(Vec::new())
    }

    fn notes(&self) -> Result<Vec<String>, Problem> {
        let sets = self.sets()?;
        let mut notes: Vec<String> = sets
            .iter()
            .map(|set| {
                format!(
                    "{}: {} training examples of {} classes",
                    set.name,
                    set.train.len(),
                    set.classes.len()
                )
            })
            .collect();
        notes.extend(sets.iter().flat_map(|set| set.notes.iter().cloned()));
        Ok(notes)
    }

    fn begin(&self) -> Result<Box<dyn Sequence + '_>, Problem> {
        let sets = self.sets()?;
        let pupil = Pupil::new(&self.settings, sets)?;
        let hidden = self.settings.network.hidden.iter();
        let gates = Gates::given(vec![hidden.map(|&width| vec![1.0; width]).collect()])?;
        Ok(Box::new(OnItsWay {
            kept: Kept {
                shape: sets[0].train.shape,
                ..Kept::default()
            },
            batches: self.settings.training.batches as u64,
            sets,
            pupil,
            gates,
        }))
    }
}

#[derive(Debug)]
struct OnItsWay<'a> {
    pupil: Pupil<'a>,
    sets: &'a [Dataset],
    kept: Kept,
    batches: u64,
    gates: Gates,
}

impl Sequence for OnItsWay<'_> {
    fn place(&self) -> Place {
        let over = self.kept.learnt.is_some();
        Place {
            learnt: usize::from(over),
            tasks: 1,
            batch: if over { 0 } else { self.kept.batch },
            made: self.kept.batch,
        }
    }

    fn step(&mut self) -> Result<(), GatingError> {
        if self.kept.untrained.is_none() {
            self.kept.untrained = Some(self.pupil.accuracy());
        }
        let (loss, right) = self.pupil.learn(self.kept.batch);
        if !loss.is_finite() {
            let message = format!("the loss is {loss} at batch {}", self.kept.batch);
            let hint = "a smaller `training.rate`; the last checkpoint is whole";
            return Err(Problem::new(message, hint).into());
        }
        self.kept.curve.add(loss, right);
        self.kept.batch += 1;
        if self.kept.batch == self.batches {
            let curve = self.kept.curve.take();
            self.kept.learnt = Some(Learnt {
                accuracies: vec![self.pupil.accuracy()],
                batches: self.batches,
                loss: curve.last().map_or(loss, |point| point.loss),
                curve,
                ..Learnt::default()
            });
        }
        Ok(())
    }

    fn checkpoint(&self) -> Checkpoint {
        let mut arrays = Arrays::new();
        for (name, values) in [
            ("theta", &self.pupil.theta),
            ("first", &self.pupil.adam.first),
            ("second", &self.pupil.adam.second),
        ] {
            arrays.insert(name.to_owned(), (vec![values.len()], values.clone().into()));
        }
        let kept = Kept {
            steps: self.pupil.adam.steps,
            ..self.kept.clone()
        };
        Checkpoint::new(arrays, serde_json::to_value(kept).expect("what is kept is JSON"))
    }

    fn restore(&mut self, kept: &Checkpoint, path: &Path) -> Result<(), Problem> {
        let n = self.pupil.theta.len();
        let take = |name: &str| {
            kept.f32(name, n).map(<[f32]>::to_vec).ok_or_else(|| {
                let message = format!("no array `{name}` of {n} values");
                Problem::new(message, "it is of another network").in_file(path.display().to_string())
            })
        };
        let (all, first, second) = (take("theta")?, take("first")?, take("second")?);
        self.kept = kept.state(path)?;
        (self.pupil.theta, self.pupil.adam.first, self.pupil.adam.second) = (all, first, second);
        self.pupil.adam.steps = self.kept.steps;
        Ok(())
    }

    fn record(&self) -> Record<'_> {
        let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
        Record {
            scenario: format!(
                "a convolutional front end with a dense network on top, {} classes of {}",
                self.pupil.n_classes,
                names.join(" and ")
            ),
            method: "none",
            names: vec![names.join(" and ")],
            learnt: self.kept.learnt.as_slice(),
            untrained: self.kept.untrained.as_slice(),
            before: self.kept.untrained.as_slice(),
            chance: vec![1.0 / self.pupil.n_classes as f64],
            gates: &self.gates,
            importance: &[],
            tensors: Vec::new(),
        }
    }

    fn accuracy_with(&mut self, change: &dyn Fn(&mut [f32])) -> f64 {
        let kept = self.pupil.theta.clone();
        change(&mut self.pupil.theta);
        let found = self.pupil.accuracy();
        self.pupil.theta = kept;
        found
    }

    fn inferred(&self) -> Option<Inferred> {
        None
    }
}

/// The front end of a run of `gating/front`, and its parameters.
///
/// # Errors
/// No such run, one of another kind, or one that is not over.
pub(crate) fn load(place: &str) -> Result<(Front, Vec<f32>), Problem> {
    let run = RunDirectory::read(Path::new(place))?;
    let path = run.checkpoint("last");
    let wrong = |message: &str, hint: &str| Problem::new(message, hint).in_file(place);
    let kept = keeper::last(&run)?.ok_or_else(|| wrong("no checkpoint", "let it be trained"))?;
    let state: Kept = kept.state(&path).map_err(|_| {
        wrong(
            "not a run of `gating/front`",
            "`neuropil train gating/front` makes one",
        )
    })?;
    if state.learnt.is_none() {
        return Err(wrong(
            "a front end that is still being learnt",
            "`neuropil train gating/front --resume` ends it",
        ));
    }
    let front = Front::new(state.shape)?;
    let all = kept.singles("theta").map(|(_, values)| values);
    let own = all.and_then(|values| values.get(..front.layout().len()));
    let own = own.ok_or_else(|| wrong("fewer parameters than a front end has", "the run is damaged"))?;
    Ok((front, own.to_vec()))
}
