//! An experiment as a run directory: walk → learning → maps and fields → page.

use crate::analysis::{self, Material};
use crate::compare::{GammaFit, Recorded, compare};
use crate::config::{Config, EXPERIMENTS, ModelKind};
use crate::error::SuccessorError;
use crate::features::{Border, FeatureKind, FeatureMap};
use crate::learner::{Learned, Learner};
use crate::matrix::Matrix;
use crate::network::RnnS;
use crate::sr;
use crate::td::{shuffled, td_loss};
use crate::walk::{self, Walk};
use neuropil_draw::{Report, Section};
use neuropil_lab::array::Npz;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{self, Keeper};
use neuropil_lab::run::RunDirectory;
use neuropil_math::arrays::{Arrays, Values};
use neuropil_math::rng::Key;
use neuropil_study::{
    Analysed, Answer, Asked, Flow, Given, Job, Listed, Measure, News, Origin, Reproduced, Summary, System,
    Watch,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// Steps between checkpoints.
const CHECK_EVERY: usize = 1000;
/// Array that only a checkpoint of everything has.
const WEIGHTS: &str = "weights";
/// Steps between samples of the learning curve.
const CURVE_EVERY: usize = 50;

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct Successor;

impl System for Successor {
    fn name(&self) -> &'static str {
        "successor"
    }

    fn paper(&self) -> &'static str {
        "Fang, Aronov, Abbott & Mackevicius, eLife 12, e80680 (2023)"
    }

    fn experiments(&self) -> Vec<Listed> {
        EXPERIMENTS.listed()
    }

    fn analyses(&self) -> Vec<Listed> {
        analysis::ANALYSES
            .iter()
            .map(|(name, title)| Listed::new(*name, *title))
            .collect()
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        Ok(Box::new(Walked::open(given)?))
    }

    fn reproduce(&self, asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
        crate::reproduce::reproduce(asked, watch)
    }
}

/// One experiment with all its settings.
#[derive(Clone, Debug)]
pub struct Walked {
    config: Config,
    text: String,
}

/// State of a checkpoint beside the arrays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    steps: usize,
    curve: Vec<analysis::CurvePoint>,
}

impl Walked {
    /// Opens an experiment by name or from settings.
    ///
    /// # Errors
    /// An unknown name; all settings that cannot be meant.
    pub fn open(given: &Given<'_>) -> Result<Self, Vec<Problem>> {
        let problems = |config: &Config| {
            let found = config.problems().into_iter();
            found.map(|(key, error)| (key, Problem::from(error))).collect()
        };
        let (config, text) = EXPERIMENTS.open(given, problems)?;
        Ok(Self { config, text })
    }

    fn key(&self) -> Key {
        Key::new(self.config.seed)
    }

    fn features(&self, walk: &Walk) -> Result<FeatureMap, SuccessorError> {
        let shape = match (&walk.world, &walk.grid) {
            (Some(world), _) => world.shape,
            (None, Some(grid)) => crate::world::Shape::Grid {
                width: grid.width,
                height: grid.height,
            },
            (None, None) => crate::world::Shape::Graph,
        };
        let border = if shape == crate::world::Shape::Ring {
            Border::Wrap
        } else {
            Border::Reflect
        };
        FeatureMap::draw(&self.config.model.features, shape, walk.n, border, self.key())
    }

    /// Everything that the analyses work from.
    fn material(&self, run: &RunDirectory) -> Result<Material, Problem> {
        let walk = walk::of(&self.config, Some(run))?;
        let features = self.features(&walk)?;
        let best = keeper::best(run)?
            .ok_or_else(|| Problem::new("nothing was learned yet", "`--resume` goes on"))?;
        let array = |name: &str| -> Result<Matrix, Problem> {
            match best.arrays.get(name) {
                Some((shape, Values::F64(values))) if shape.len() == 2 => {
                    Ok(Matrix::new(shape[0], shape[1], values.clone()))
                }
                _ => Err(Problem::bare(format!("the checkpoint holds no `{name}`"))),
            }
        };
        let progress: Progress = best.state(&run.checkpoint("best"))?;
        let learned = Learned {
            weights: array("weights")?,
            activity: array("activity")?,
            rate: best.state["rate"].as_f64(),
            td_loss: best.state["td_loss"].as_f64().unwrap_or(f64::NAN),
        };
        Ok(Material {
            config: self.config.clone(),
            walk,
            features,
            learned,
            curve: progress.curve,
        })
    }

    /// T̂ that a run learned.
    ///
    /// # Errors
    /// A run that is not finished, or whose learner holds no transitions between states.
    pub fn transitions(&self, run: &RunDirectory) -> Result<Matrix, Problem> {
        let one_hot =
            self.config.model.kind == ModelKind::RnnS && self.config.model.features == FeatureKind::OneHot;
        if one_hot {
            Ok(self.material(run)?.learned.weights)
        } else {
            Err(Problem::new(
                "this run's learner holds no transitions between states",
                "features `one-hot` and model `rnn-s` do",
            ))
        }
    }

    fn origin(&self) -> Origin {
        Origin::new(&self.config.experiment, self.config.seed)
    }
}

/// Arrays of a one-hot network in the middle of a walk.
fn arrays_of(network: &RnnS) -> Arrays {
    let n = network.neurons();
    let mut arrays = Arrays::new();
    arrays.insert(
        "transitions".to_owned(),
        (vec![n, n], Values::F64(network.transitions().values().to_vec())),
    );
    arrays.insert(
        "counts".to_owned(),
        (vec![n], Values::F64(network.counts().to_vec())),
    );
    if let Some(before) = network.before() {
        arrays.insert("before".to_owned(), (vec![n], Values::F64(before.to_vec())));
    }
    arrays
}

/// A one-hot network from the arrays of a checkpoint; other learners begin anew, which takes seconds.
fn restored(learner: &mut Learner, last: &Checkpoint, path: &Path) -> Result<Progress, Problem> {
    let Learner::OneHot(network) = learner else {
        return Ok(Progress::default());
    };
    let progress: Progress = last.state(path)?;
    let n = network.neurons();
    let values = |name: &str, len: usize| match last.arrays.get(name) {
        Some((_, Values::F64(values))) if values.len() == len => Some(values.clone()),
        _ => None,
    };
    let (Some(transitions), Some(counts)) = (values("transitions", n * n), values("counts", n)) else {
        return Err(
            Problem::bare("the checkpoint is not one of these settings").in_file(path.display().to_string())
        );
    };
    let config = *network.config();
    let mut back = RnnS::with_synapses(Matrix::new(n, n, transitions), counts, progress.steps, config)?;
    back.set_before(values("before", n));
    **network = back;
    Ok(progress)
}

impl Job for Walked {
    fn name(&self) -> &str {
        &self.config.experiment
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn seed(&self) -> u64 {
        self.config.seed
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = Vec::new();
        if let Ok(bytes) = std::fs::read(&self.config.track.file) {
            files.push(("track", bytes));
        }
        if let Ok(walk) = walk::of(&self.config, None)
            && let Some(spikes) = walk.spikes
        {
            let mut text = "unit,time\n".to_owned();
            for (unit, times) in &spikes.units {
                times.iter().for_each(|t| text.push_str(&format!("{unit},{t}\n")));
            }
            files.push(("spikes", text.into_bytes()));
        }
        files
    }

    fn prepare(&self) -> Result<(), Problem> {
        let walk = walk::of(&self.config, None)?;
        self.features(&walk)?;
        if walk.grid.is_some() {
            self.config.fields.check(walk.states.len())?;
        }
        Ok(())
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let walk = walk::of(&self.config, Some(keeper.run()))?;
        let features = self.features(&walk)?;
        let of_state = &features.of_state;
        let pieces = walk.walks();
        let counts = sr::counts(pieces.iter().copied(), walk.n)?;
        let (truth, counted) = (analysis::truth(&walk, &counts), walk.counted());
        let mut learner = Learner::new(&self.config.model, of_state)?;
        let mut progress = Progress::default();
        // Samples after which everything was kept: what went on from there learns nothing more, and keeps nothing anew.
        let mut kept = None;
        if let Some(last) = keeper.take_last() {
            progress = restored(&mut learner, &last, &keeper.last_path())?;
            if last.arrays.contains_key(WEIGHTS) {
                let then: Progress = last.state(&keeper.last_path())?;
                kept = Some(then.steps);
            }
        }
        for note in &walk.notes {
            let _ = watch(&News::Said(note));
        }
        let end = updates.map_or(walk.states.len(), |updates| {
            (updates as usize).min(walk.states.len())
        });
        let (mut asked, mut interrupted) = (false, false);
        while progress.steps < end && !interrupted {
            let state = walk.states[progress.steps];
            if walk.pieces.binary_search(&progress.steps).is_ok() {
                learner.pause();
            }
            learner.step(state, of_state)?;
            progress.steps += 1;
            if progress.steps.is_multiple_of(CURVE_EVERY) {
                progress
                    .curve
                    .extend(analysis::curve_point(progress.steps, &learner, &truth, &counted));
                asked |= watch(&News::Update(progress.steps as u64)) == Flow::Stop;
            }
            // A decomposition from scratch changes the last bits of what follows: it is made where an undisturbed run makes it,
            // and a run that is to stop goes on to there.
            if progress.steps.is_multiple_of(CHECK_EVERY) {
                if let Learner::OneHot(network) = &mut learner {
                    network.consolidate()?;
                    let state = serde_json::to_value(&progress).expect("a curve is JSON");
                    keeper.checked(Checkpoint::new(arrays_of(network), state), None)?;
                }
                interrupted = asked;
            }
        }
        if !interrupted && kept != Some(progress.steps) {
            let learned = learner.learned(&self.config.model, of_state, &counts)?;
            self.keep(keeper, &walk, &learner, &learned, &progress)?;
        }
        let radius = learner
            .transitions()
            .map(|t| t.spectrum(self.config.model.gain))
            .transpose()?;
        let mut measures = vec![Measure::new("samples", "samples", progress.steps as f64)];
        measures[0].digits = 0;
        measures.extend(
            radius.map(|spectrum| {
                Measure::new("spectral_radius", "γρ at the gain of learning", spectrum.radius)
            }),
        );
        if let Some(point) = progress.curve.last() {
            measures.push(Measure::new(
                "transition_error",
                "mean absolute error of T",
                point.transition_error,
            ));
        }
        if !interrupted {
            measures.extend(self.measured(keeper.run())?);
        }
        let event = json!({"event": "end", "update": progress.steps});
        Ok(Summary {
            task: self.config.experiment.clone(),
            seed: self.config.seed,
            criterion_met: progress.steps >= end,
            updates: progress.steps as u64,
            trials: progress.steps as u64,
            unit: "samples",
            restarts: 0,
            measures,
            criterion: [("samples".to_owned(), end as f64)].into(),
            wall_seconds: keeper.end(&event, !interrupted)?,
            run_dir: keeper.run().path().to_owned(),
            interrupted,
        })
    }

    fn test(&self, run: &RunDirectory, _: &Layers) -> Result<Answer, Problem> {
        let material = self.material(run)?;
        let mut npz = Npz::default();
        let n = material.walk.states.len();
        npz.add(
            "states",
            &[n],
            material
                .walk
                .states
                .iter()
                .map(|&s| s as i64)
                .collect::<Vec<i64>>(),
        );
        npz.add(
            "pieces",
            &[material.walk.pieces.len()],
            material
                .walk
                .pieces
                .iter()
                .map(|&s| s as i64)
                .collect::<Vec<i64>>(),
        );
        if let Some((session, _)) = &material.walk.recorded {
            npz.add("position_cm", &[n, 2], session.positions.concat());
        }
        for (name, matrix) in [
            ("weights", &material.learned.weights),
            ("activity_of_state", &material.learned.activity),
            ("features_of_state", &material.features.of_state),
        ] {
            npz.add(name, &[matrix.rows(), matrix.columns()], matrix.values().to_vec());
        }
        let path = run.file("trials/walk.npz");
        npz.write(&path)?;
        let learning = analysis::learning(&material)?;
        Ok(Answer::of(&learning, &self.origin()).saved_in(vec![path]))
    }

    fn analyse(&self, run: &RunDirectory, names: &[String], _: &Layers) -> Result<Vec<Analysed>, Problem> {
        let material = self.material(run)?;
        Ok(analysis::all(&material, names, &self.origin()))
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let answers = analysed
            .iter()
            .filter_map(|item| Some((item, item.answer.as_ref().ok()?)));
        let mut sections = Vec::new();
        for (item, answer) in answers {
            for (i, shown) in answer.figures.iter().enumerate() {
                sections.push(Section {
                    title: if i == 0 {
                        item.title.clone()
                    } else {
                        shown.figure.title.clone()
                    },
                    text: if i == 0 {
                        answer.sentences.join("\n\n")
                    } else {
                        String::new()
                    },
                    figure: Some(shown.figure.clone()),
                    table: (i + 1 == answer.figures.len()
                        && answer.table.n_rows() > 0
                        && answer.table.n_rows() <= 40)
                        .then(|| {
                            neuropil_study::life::page_table(
                                &answer.table,
                                Some(format!("{}.csv", item.name)),
                            )
                        }),
                });
            }
            if answer.figures.is_empty() {
                sections.push(Section {
                    title: item.title.clone(),
                    text: answer.sentences.join("\n\n"),
                    ..Section::default()
                });
            }
        }
        let failed = analysed.iter().filter_map(|item| {
            item.answer
                .as_ref()
                .err()
                .map(|why| format!("{}: {why}", item.title))
        });
        let failed: Vec<String> = failed.collect();
        if !failed.is_empty() {
            sections.push(Section {
                title: "Not shown".to_owned(),
                text: failed.join("\n\n"),
                ..Section::default()
            });
        }
        let lead = analysed
            .iter()
            .find_map(|item| item.answer.as_ref().ok())
            .and_then(|answer| answer.sentences.first().cloned());
        let provenance = std::fs::read_to_string(run.file("provenance.json")).unwrap_or_default();
        let title = match self.config.track.file.as_str() {
            "" => self.config.experiment.clone(),
            file => format!(
                "{}: {}",
                self.config.experiment,
                Path::new(file)
                    .file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            ),
        };
        Ok(Report {
            title,
            lead: lead.unwrap_or_default(),
            facts: vec![("seed".to_owned(), self.config.seed.to_string())],
            sections,
            details: vec![
                ("Settings".to_owned(), self.text.clone()),
                ("Provenance".to_owned(), provenance),
            ],
        })
    }
}

impl Walked {
    /// What was learned in numbers: the loss of features, and fields of places where there is a map.
    fn measured(&self, run: &RunDirectory) -> Result<Vec<Measure>, Problem> {
        let material = self.material(run)?;
        let mut measures = Vec::new();
        // Learning rates go down to 1e-4, and losses of different models may differ in their fourth digit.
        let mut add = |name: &str, label: &str, value: f64| {
            measures.push(Measure {
                digits: 4,
                ..Measure::new(name, label, value)
            });
        };
        if self.config.model.features != FeatureKind::OneHot {
            add(
                "sparsity",
                "sparsity of the features",
                material.features.sparsity(),
            );
            if let Some(rate) = material.learned.rate {
                add("rate", "learning rate that was kept", rate);
            }
            add("td_loss", "temporal-difference loss", material.learned.td_loss);
            if self.config.model.kind == ModelKind::FfTd {
                let of_state = &material.features.of_state;
                let psi = of_state.times(&shuffled(&material.learned.weights, self.key()));
                let counts = sr::counts(material.walk.walks(), material.walk.n)?;
                let loss = td_loss(of_state, &psi, &counts, self.config.model.retrieval_gain);
                add("shuffled_td_loss", "the same with shuffled weights", loss);
            }
        }
        // A walk shorter than its shuffles has no fields: the analysis says so.
        if let Ok(places) = analysis::places(&material, self.key()) {
            let summary = &places.summary;
            add("fields_per_neuron", "fields per neuron", summary.per_neuron);
            if let Some(size) = summary.mean_size {
                add("mean_field_size", "field size, share of the arena", size);
            }
            add("no_field", "neurons without field", summary.no_field);
            let reference = compare(summary, &Recorded::titmice(), GammaFit::Reference);
            if let Some(found) = &places.titmice {
                let label = "D(model‖titmice) of field numbers, bits";
                add("kl_numbers_bits", label, found.numbers_bits);
            }
            let sizes = [
                (
                    "kl_sizes_bits",
                    "D(model‖titmice) of field sizes, bits",
                    places.titmice,
                ),
                (
                    "kl_sizes_bits_reference_fit",
                    "the same, gamma laws of three parameters",
                    reference,
                ),
            ];
            for (name, label, found) in sizes {
                if let Some(bits) = found.and_then(|found| found.sizes_bits) {
                    add(name, label, bits);
                }
            }
        }
        Ok(measures)
    }

    /// Keeps what was learned as the run's network.
    fn keep(
        &self,
        keeper: &mut Keeper,
        walk: &Walk,
        learner: &Learner,
        learned: &Learned,
        progress: &Progress,
    ) -> Result<(), Problem> {
        let mut arrays = match learner {
            Learner::OneHot(network) => arrays_of(network),
            _ => Arrays::new(),
        };
        for (name, matrix) in [(WEIGHTS, &learned.weights), ("activity", &learned.activity)] {
            arrays.insert(
                name.to_owned(),
                (
                    vec![matrix.rows(), matrix.columns()],
                    Values::F64(matrix.values().to_vec()),
                ),
            );
        }
        let mut state = serde_json::to_value(progress).expect("a curve is JSON");
        if learned.td_loss.is_finite() {
            state["td_loss"] = json!(learned.td_loss);
        }
        if let Some(rate) = learned.rate {
            state["rate"] = json!(rate);
        }
        let moment = Checkpoint::new(arrays, state);
        keeper.log(&json!({"event": "check", "update": progress.steps, "states": walk.n}))?;
        keeper.checked(moment.clone(), Some(moment))?;
        Ok(())
    }
}
