//! A training as a job: kept, resumed, tested, told on a page.

use super::ground::Ground;
use super::learner::{Learner, Progress, Validation, network_of};
use super::settings::Settings;
use crate::checkpoint::save_trained;
use crate::identify::{Frame, Trained};
use crate::network::Network;
use neuropil_draw::{Color, Figure, Panel, Report, Series};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::{Keeper, last};
use neuropil_lab::run::RunDirectory;
use neuropil_study::life::{self, Ended};
use neuropil_study::{
    Analysed, Answer, Export, Flow, Job, Measure, News, Origin, Shown, Summary, Table, Tell,
};
use serde::Serialize;
use serde_json::json;
use std::sync::OnceLock;

/// A network that learns to match worms.
#[derive(Debug)]
pub(crate) struct Training {
    settings: Settings,
    text: String,
    ground: OnceLock<Ground>,
}

impl Training {
    pub(crate) fn new(settings: Settings, text: String) -> Self {
        Self {
            settings,
            text,
            ground: OnceLock::new(),
        }
    }

    pub(crate) fn ground(&self) -> Result<&Ground, Problem> {
        if let Some(ground) = self.ground.get() {
            return Ok(ground);
        }
        if self.settings.data.path.is_empty() && self.settings.experiment != "neuronid/small" {
            return Err(Problem::new(
                format!(
                    "`data.path` is empty, expected the worms of `{}`",
                    self.settings.experiment
                ),
                "`--set data.path=FILE`: a table with a column `worm`, or a folder of named worms",
            ));
        }
        let ground = Ground::open(&self.settings)?;
        Ok(self.ground.get_or_init(|| ground))
    }

    fn best(&self, run: &RunDirectory) -> Result<Network<f32>, Problem> {
        let kept = life::best(run)?;
        Ok(network_of(&kept.checkpoint, &kept.path, &self.settings)?)
    }

    /// The best network, with how worms are turned and where neurons are.
    pub(crate) fn trained(&self, run: &RunDirectory) -> Result<Trained, Problem> {
        let places = self.ground()?.atlas.as_ref().map(crate::atlas::Atlas::places);
        Ok(Trained {
            network: self.best(run)?.ready(),
            frame: if self.settings.synth.along_x {
                Frame::AlongX
            } else {
                Frame::AsItLies
            },
            places: places.unwrap_or_default(),
        })
    }

    fn curve(&self, run: &RunDirectory) -> Result<Curve, Problem> {
        #[derive(serde::Deserialize)]
        struct State {
            progress: Progress,
        }
        let checks = match last(run)? {
            Some(kept) => kept.state::<State>(&run.checkpoint("last"))?.progress.history,
            None => Vec::new(),
        };
        Ok(Curve { checks })
    }

    fn origin(&self) -> Origin {
        Origin::new(&self.settings.experiment, self.settings.seed)
    }

    fn tested(&self, run: &RunDirectory) -> Result<Tested, Problem> {
        let (ground, network) = (self.ground()?, self.best(run)?);
        let mut settings = self.settings.clone();
        settings.training.check_pairs = TEST_PAIRS;
        let sums = super::learner::validate(&network, ground, &settings);
        Ok(Tested {
            pairs: TEST_PAIRS,
            neurons: sums.known,
            accuracy: sums.right as f64 / sums.known.max(1) as f64,
            perplexity: (sums.cross_entropy / sums.known.max(1) as f64).exp(),
        })
    }
}

/// What the analysis of a training shows.
pub(crate) const LEARNING: &str = "Worms that it is not trained on, over the training";

/// Pairs of worms of a test.
const TEST_PAIRS: usize = 200;

/// Accuracy over a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Curve {
    /// Checks in order.
    pub checks: Vec<Validation>,
}

impl Tell for Curve {
    fn sentences(&self) -> Vec<String> {
        let told = |check: &Validation| {
            format!(
                "after {} updates {:.1} % of the neurons of worms that it is not trained on are right (perplexity {:.2})",
                check.update,
                100.0 * check.accuracy,
                check.perplexity
            )
        };
        self.checks.last().map(told).into_iter().collect()
    }

    fn table(&self) -> Table {
        let column = |value: fn(&Validation) -> f64| self.checks.iter().map(value).collect::<Vec<f64>>();
        Table::new()
            .with("update", column(|check| check.update as f64))
            .with("accuracy", column(|check| check.accuracy))
            .with("perplexity", column(|check| check.perplexity))
            .with("rate", column(|check| check.rate))
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let column = |value: fn(&Validation) -> f64| self.checks.iter().map(value).collect::<Vec<f64>>();
        let x = column(|check| check.update as f64 / 1000.0);
        let panel = |name: &str, y: Vec<f64>| {
            Panel::new("updates (1000)", name).series(Series::line(x.clone(), y).color(Color::Blue))
        };
        let figure = Figure {
            name: "learning".to_owned(),
            title: self.sentences().into_iter().next().unwrap_or_default(),
            caption: format!(
                "{}, seed {}: made worms of the phase of validation; best column of each test neuron whose partner the template has.",
                origin.of, origin.seed
            ),
            columns: 2,
            panels: vec![
                panel("share right", column(|check| check.accuracy)).y_range(0.0, 1.0),
                panel("perplexity", column(|check| check.perplexity)),
            ],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}

/// A network on made worms that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Tested {
    /// Pairs of worms.
    pub pairs: usize,
    /// Neurons whose partner the template has.
    pub neurons: usize,
    /// Share of them whose best column is the partner.
    pub accuracy: f64,
    /// exp(− mean log P) of the partner.
    pub perplexity: f64,
}

impl Tell for Tested {
    fn sentences(&self) -> Vec<String> {
        vec![format!(
            "{:.1} % of {} neurons in {} pairs of made worms are right (perplexity {:.2})",
            100.0 * self.accuracy,
            self.neurons,
            self.pairs,
            self.perplexity
        )]
    }
}

fn measures(check: &Validation) -> Vec<Measure> {
    vec![
        Measure::percent("percent_right", "right", 100.0 * check.accuracy),
        Measure {
            digits: 2,
            ..Measure::new("perplexity", "perplexity", check.perplexity)
        },
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
        self.ground().map(drop)
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let ground = self.ground()?;
        let mut learner = Learner::new(&self.settings, ground);
        let path = keeper.last_path();
        match keeper.take_last() {
            Some(kept) => learner.restore(&kept, &path)?,
            None => {
                for line in &ground.said {
                    watch(&News::Said(line));
                }
            }
        }
        let mut interrupted = false;
        let goes_on = |learner: &Learner<'_>| {
            !learner.is_over() && updates.is_none_or(|updates| learner.progress().update < updates)
        };
        while goes_on(&learner) && !interrupted {
            learner.step()?;
            interrupted = watch(&News::Update(learner.progress().update)) == Flow::Stop;
            if learner.check_is_due() {
                interrupted |= self.check(&mut learner, keeper, watch)? == Flow::Stop;
            } else if interrupted || !goes_on(&learner) {
                keeper.checked(learner.checkpoint(), None)?;
            }
        }
        let progress = learner.progress();
        let end = Ended {
            event: json!({ "event": "end", "update": progress.update }),
            updates: progress.update,
            trials: progress.pairs,
            unit: "pairs",
            complete: learner.is_over(),
            interrupted,
            measures: measures(&learner.history().last().copied().unwrap_or_default()),
        };
        life::ended(self, keeper, end)
    }

    fn test(&self, run: &RunDirectory, _options: &Layers) -> Result<Answer, Problem> {
        life::keep_test(run, Answer::of(&self.tested(run)?, &self.origin()))
    }

    fn analyse(
        &self,
        run: &RunDirectory,
        _names: &[String],
        _options: &Layers,
    ) -> Result<Vec<Analysed>, Problem> {
        let answer = Answer::of(&self.curve(run)?, &self.origin());
        Ok(vec![Analysed {
            name: "learning".to_owned(),
            title: LEARNING.to_owned(),
            answer: Ok(answer),
            sound: true,
        }])
    }

    fn export(&self, run: &RunDirectory, wanted: &Export<'_>) -> Result<(), Problem> {
        wanted.only_weights(self.name())?;
        Ok(save_trained(wanted.path, &self.trained(run)?)?)
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let title = format!("{}, seed {}", self.settings.experiment, self.settings.seed);
        Ok(life::page(run, title, &self.tested(run)?.sentences(), analysed))
    }
}

impl Training {
    /// Measures, keeps and tells.
    fn check(
        &self,
        learner: &mut Learner<'_>,
        keeper: &mut Keeper,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Flow, Problem> {
        let (found, better) = learner.check();
        keeper.log(&json!({
            "event": "check", "update": found.update, "accuracy": found.accuracy,
            "perplexity": found.perplexity, "rate": found.rate,
        }))?;
        let kept: Checkpoint = learner.checkpoint();
        keeper.checked(kept.clone(), better.then_some(kept))?;
        Ok(watch(&News::Check {
            seen: learner.progress().pairs,
            unit: "pairs",
            measures: &measures(&found),
            toward: None,
        }))
    }
}
