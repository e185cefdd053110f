//! A training as a job: kept, resumed, tested, told on a page.

use super::settings::Settings;
use super::tested::{DISCRIMINATION, LEARNING, Learnt, Tested};
use crate::cnn::Network;
use crate::cnn::learner::{Learner, Material, fetch, history_of};
use crate::cnn::train::Epoch;
use crate::model::{self, Sets};
use neuropil_draw::Report;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{Keeper, last};
use neuropil_lab::run::RunDirectory;
use neuropil_math::rng::Key;
use neuropil_study::life::{self, Ended};
use neuropil_study::{Analysed, Answer, Export, Flow, Job, Measure, News, Origin, Summary, Tell};
use serde_json::json;
use std::sync::OnceLock;

/// A network that learns which sequences are open.
#[derive(Debug)]
pub(crate) struct Training {
    settings: Settings,
    text: String,
    sets: OnceLock<Sets>,
}

impl Training {
    pub(crate) fn new(settings: Settings, text: String) -> Self {
        Self {
            settings,
            text,
            sets: OnceLock::new(),
        }
    }

    fn sets(&self) -> Result<&Sets, Problem> {
        if let Some(sets) = self.sets.get() {
            return Ok(sets);
        }
        let sets = self.settings.sets()?;
        Ok(self.sets.get_or_init(|| sets))
    }

    fn material(&self, network: &Network<f32>) -> Result<Material<'_>, Problem> {
        let sets = self.sets()?;
        let training = sets.training.clone();
        Ok(Material::new(
            &network.architecture,
            training,
            &sets.validation,
            &self.settings.training,
        )?)
    }

    /// The network of the best epoch; before the first one is over, the network as it is.
    fn best(&self, run: &RunDirectory) -> Result<Network<f32>, Problem> {
        let kept = life::best(run)?;
        let architecture =
            crate::cnn::Architecture::named(&self.settings.network.preset, self.settings.network.length)?;
        let mut network = Network::zeros(architecture);
        let name = if kept.best { "best" } else { "params" };
        network.params = fetch(&kept.checkpoint, name, network.params.len(), &kept.path)?;
        Ok(network)
    }

    fn learnt(&self, run: &RunDirectory) -> Result<Learnt, Problem> {
        let epochs = match last(run)? {
            Some(kept) => history_of(&kept, &run.checkpoint("last"))?,
            None => Vec::new(),
        };
        Ok(Learnt { epochs })
    }

    fn tested(&self, run: &RunDirectory) -> Result<Tested, Problem> {
        let test = &self.sets()?.test;
        let scores = model::predict(&self.best(run)?, &test.sequences);
        Tested::of(&test.open(), &scores).ok_or_else(|| {
            Problem::new(
                "the test chromosomes chr1 and chr2 do not have both open and closed sequences",
                "give sequences of all chromosomes of the mouse genome",
            )
        })
    }

    fn origin(&self) -> Origin {
        Origin::new(&self.settings.experiment, self.settings.seed)
    }
}

fn measures(epoch: &Epoch) -> Vec<Measure> {
    let measure = |name: &str, label: &str, value: f64| Measure {
        digits: 3,
        ..Measure::new(name, label, value)
    };
    vec![
        measure("auroc", "AUROC", epoch.auroc),
        measure("auprc", "AUPRC", epoch.auprc),
        measure("validation_loss", "validation loss", epoch.validation_loss),
    ]
}

impl Job for Training {
    fn name(&self) -> &str {
        &self.settings.experiment
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn prepare(&self) -> Result<(), Problem> {
        self.material(&self.settings.network()?.0).map(drop)
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let (network, mut notes) = self.settings.network()?;
        let material = self.material(&network)?;
        let key = Key::new(self.settings.seed);
        let mut learner = Learner::new(network, &material, &self.settings.training, key);
        let path = keeper.last_path();
        match keeper.take_last() {
            Some(kept) => learner.restore(&kept, &path)?,
            None => {
                notes.extend_from_slice(&self.sets()?.notes);
                for note in &notes {
                    watch(&News::Said(note));
                }
            }
        }
        let mut interrupted = false;
        let goes_on = |learner: &Learner<'_>| {
            !learner.is_over() && updates.is_none_or(|updates| learner.updates() < updates)
        };
        while goes_on(&learner) && !interrupted {
            let ended = learner.step()?;
            interrupted = watch(&News::Update(learner.updates())) == Flow::Stop;
            if let Some(epoch) = ended {
                interrupted |= check(&learner, &epoch, keeper, watch)? == Flow::Stop;
            } else if interrupted || !goes_on(&learner) || learner.updates().is_multiple_of(KEEP_EVERY) {
                keeper.checked(learner.checkpoint(), None)?;
            }
        }
        let end = Ended {
            event: json!({ "event": "end", "update": learner.updates() }),
            updates: learner.updates(),
            trials: learner.seen(),
            unit: "sequences",
            complete: learner.is_over(),
            interrupted,
            measures: learner.history().last().map(measures).unwrap_or_default(),
        };
        life::ended(self, keeper, end)
    }

    fn test(&self, run: &RunDirectory, _options: &Layers) -> Result<Answer, Problem> {
        life::keep_test(run, Answer::of(&self.tested(run)?, &self.origin()))
    }

    fn analyse(
        &self,
        run: &RunDirectory,
        names: &[String],
        _options: &Layers,
    ) -> Result<Vec<Analysed>, Problem> {
        let analysed = |name: &str, title: &str, answer: Result<Answer, Problem>| Analysed {
            name: name.to_owned(),
            title: title.to_owned(),
            answer,
            sound: true,
        };
        let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let mut made = Vec::new();
        if wanted("learning") {
            let learnt = Answer::of(&self.learnt(run)?, &self.origin());
            made.push(analysed("learning", LEARNING, Ok(learnt)));
        }
        if wanted("discrimination") {
            let answer = self.tested(run).map(|tested| Answer::of(&tested, &self.origin()));
            made.push(analysed("discrimination", DISCRIMINATION, answer));
        }
        Ok(made)
    }

    fn export(&self, run: &RunDirectory, wanted: &Export<'_>) -> Result<(), Problem> {
        wanted.only_weights(self.name())?;
        Ok(model::save(&self.best(run)?, wanted.path)?)
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let title = format!("{}, seed {}", self.settings.experiment, self.settings.seed);
        Ok(life::page(run, title, &self.tested(run)?.sentences(), analysed))
    }
}

/// Batches after which a moment is kept inside an epoch: large networks take hours for one.
const KEEP_EVERY: u64 = 200;

/// Keeps and tells the end of an epoch.
fn check(
    learner: &Learner<'_>,
    epoch: &Epoch,
    keeper: &mut Keeper,
    watch: &mut dyn FnMut(&News<'_>) -> Flow,
) -> Result<Flow, Problem> {
    keeper.log(&json!({
        "event": "check", "epoch": epoch.epoch, "update": learner.updates(), "train_loss": epoch.train_loss,
        "validation_loss": epoch.validation_loss, "auroc": epoch.auroc, "auprc": epoch.auprc,
    }))?;
    let kept = learner.checkpoint();
    keeper.checked(kept.clone(), learner.is_best().then_some(kept))?;
    Ok(watch(&News::Check {
        seen: learner.seen(),
        unit: "sequences",
        measures: &measures(epoch),
        toward: None,
    }))
}
