//! A system for tests: an animal that learns how often a coin falls on heads.

use neuropil_draw::{Figure, Panel, Report, Section, Series};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::config::{Layers, Resolved};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_lab::keeper::{self, Keeper};
use neuropil_lab::run::RunDirectory;
use neuropil_math::rng::{Key, Purpose};
use neuropil_study::{
    Analysed, Answer, Asked, Band, Claim, Flow, Found, Given, Job, Listed, Measure, News, Origin, Reproduced,
    Shown, Summary, System, Table, Tell, Watch,
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The system.
pub(crate) struct Coins;

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    experiment: String,
    seed: u64,
    /// Probability of heads.
    heads: f64,
    learning_rate: f64,
    max_updates: u64,
    /// Updates between checkpoints.
    check_every: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            experiment: "coins/fair".to_owned(),
            seed: 1,
            heads: 0.5,
            learning_rate: 0.02,
            max_updates: 400,
            check_every: 20,
        }
    }
}

/// Options of a test.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TestOptions {
    throws: usize,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self { throws: 1000 }
    }
}

struct Coin {
    config: Config,
    text: String,
}

/// State of a checkpoint beside the estimate.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    update: u64,
    history: Vec<f64>,
}

/// What the animal believes, and what is so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Belief {
    /// Estimated probability of heads.
    believed: f64,
    /// Fraction of heads among the test throws.
    thrown: f64,
}

impl Tell for Belief {
    fn sentences(&self) -> Vec<String> {
        vec![format!(
            "believed {:.3}, thrown {:.3}",
            self.believed, self.thrown
        )]
    }

    fn table(&self) -> Table {
        Table::new()
            .with("what", vec!["believed", "thrown"])
            .with("heads", vec![self.believed, self.thrown])
    }

    fn figures(&self, origin: &Origin) -> Vec<Shown> {
        let panel = Panel::new("What", "Heads")
            .series(Series::points(vec![0.0, 1.0], vec![self.believed, self.thrown]));
        let figure = Figure {
            name: "belief".to_owned(),
            title: self.sentences().remove(0),
            caption: format!("{}, seed {}", origin.of, origin.seed),
            columns: 1,
            panels: vec![panel],
        };
        vec![Shown {
            figure,
            numbers: self.table(),
        }]
    }
}

impl System for Coins {
    fn name(&self) -> &'static str {
        "coins"
    }

    fn paper(&self) -> &'static str {
        "Bernoulli, Ars conjectandi (1713)"
    }

    fn experiments(&self) -> Vec<Listed> {
        vec![
            Listed::new("fair", "a coin that is fair"),
            Listed::new("bent", "a coin that is not"),
        ]
    }

    fn analyses(&self) -> Vec<Listed> {
        vec![Listed::new("belief", "What is believed of the coin")]
    }

    fn open(&self, given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        let mut layers = Layers::new();
        match (given.text, given.name) {
            (Some(text), name) => layers.add(name, text).map_err(one)?,
            (None, "fair") => {}
            (None, "bent") => layers
                .add("coins/bent", "experiment = 'coins/bent'\nheads = 0.8")
                .map_err(one)?,
            (None, name) => {
                let hint = did_you_mean(name, "experiments", &["fair", "bent"]);
                return Err(one(Problem::new(
                    format!("unknown experiment `coins/{name}`"),
                    hint,
                )));
            }
        }
        given.add_to(&mut layers).map_err(one)?;
        let resolved: Resolved<Config> = layers.resolve().map_err(one)?;
        let config = resolved.value.clone();
        let mut wrong = Vec::new();
        for (key, value) in [("heads", config.heads), ("learning_rate", config.learning_rate)] {
            if !(0.0..=1.0).contains(&value) {
                let message = format!("{key} is {value}, expected a number from 0 to 1");
                wrong.push(resolved.layers().problem_at(key, message, None));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let text = resolved.to_toml();
        Ok(Box::new(Coin { config, text }))
    }

    fn reproduce(&self, asked: &Asked<'_>, _: &dyn Watch) -> Result<Reproduced, Problem> {
        let seeds = asked.seeds.unwrap_or((1, 3));
        let heads = |seed| thrown(seed, 0.5, 1000);
        let ours = Found::each((seeds.0..=seeds.1).map(heads).collect());
        let claims = vec![Claim::new(
            "Part IV",
            "heads",
            "1/2",
            Band::around(0.5, 0.05),
            ours,
        )];
        let held = claims
            .iter()
            .all(|claim| claim.verdict() == neuropil_study::Verdict::InBand);
        Ok(Reproduced {
            claims,
            held,
            ..Reproduced::default()
        })
    }
}

/// Fraction of heads among throws of the test stream.
fn thrown(seed: u64, heads: f64, n: usize) -> f64 {
    let mut stream = Key::new(seed).stream(Purpose::Test, 0);
    (0..n).filter(|_| stream.random::<f64>() < heads).count() as f64 / n as f64
}

impl Coin {
    fn belief(&self, run: &RunDirectory, throws: usize) -> Result<Belief, Problem> {
        let best = keeper::best(run)?.ok_or_else(|| Problem::bare("nothing was trained"))?;
        let estimate = best
            .f32("estimate", 1)
            .ok_or_else(|| Problem::bare("no estimate"))?;
        Ok(Belief {
            believed: f64::from(estimate[0]),
            thrown: thrown(self.config.seed, self.config.heads, throws),
        })
    }

    fn origin(&self) -> Origin {
        Origin::new(&self.config.experiment, self.config.seed)
    }
}

impl Job for Coin {
    fn name(&self) -> &str {
        &self.config.experiment
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn seed(&self) -> u64 {
        self.config.seed
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let (mut estimate, mut progress) = (0.0_f32, Progress::default());
        if let Some(last) = keeper.take_last() {
            estimate = last
                .f32("estimate", 1)
                .ok_or_else(|| Problem::bare("no estimate"))?[0];
            progress =
                serde_json::from_value(last.state).map_err(|error| Problem::bare(error.to_string()))?;
        }
        let key = Key::new(self.config.seed);
        let mut interrupted = false;
        while progress.update < updates.unwrap_or(self.config.max_updates) && !interrupted {
            let heads = key.stream(Purpose::Condition, progress.update).random::<f64>() < self.config.heads;
            estimate += self.config.learning_rate as f32 * (f32::from(u8::from(heads)) - estimate);
            progress.update += 1;
            interrupted = watch(&News::Update(progress.update)) == Flow::Stop;
            if progress.update.is_multiple_of(self.config.check_every) || interrupted {
                // A stop between two checks is kept, and is none.
                if progress.update.is_multiple_of(self.config.check_every) {
                    progress.history.push(f64::from(estimate));
                    keeper
                        .log(&json!({"event": "check", "update": progress.update, "estimate": estimate}))?;
                }
                let state = serde_json::to_value(&progress).expect("a history is JSON");
                let arrays = [("estimate".to_owned(), (vec![1], vec![estimate].into()))].into();
                let moment = Checkpoint::new(arrays, state);
                keeper.checked(moment.clone(), Some(moment))?;
            }
        }
        let end = json!({"event": "end", "update": progress.update});
        Ok(Summary {
            task: self.config.experiment.clone(),
            seed: self.config.seed,
            criterion_met: (f64::from(estimate) - self.config.heads).abs() < 0.1,
            updates: progress.update,
            trials: progress.update,
            unit: "throws",
            restarts: 0,
            measures: vec![Measure::new("estimate", "estimate", f64::from(estimate))],
            criterion: [("estimate".to_owned(), f64::from(estimate))].into(),
            wall_seconds: keeper.end(&end, !interrupted)?,
            run_dir: keeper.run().path().to_owned(),
            interrupted,
        })
    }

    fn test(&self, run: &RunDirectory, options: &Layers) -> Result<Answer, Problem> {
        let options: Resolved<TestOptions> = options.resolve()?;
        let belief = self.belief(run, options.value.throws)?;
        let answer = Answer::of(&belief, &self.origin());
        let bytes = serde_json::to_vec(&belief).expect("numbers are JSON");
        neuropil_lab::atomic::write(&run.file("trials/test.json"), &bytes)?;
        Ok(answer)
    }

    fn analyse(&self, run: &RunDirectory, _: &[String], _: &Layers) -> Result<Vec<Analysed>, Problem> {
        let path = run.file("trials/test.json");
        let bytes = std::fs::read(&path)
            .map_err(|_| Problem::bare("no trials").in_file(path.display().to_string()))?;
        let belief: Belief =
            serde_json::from_slice(&bytes).map_err(|error| Problem::bare(error.to_string()))?;
        Ok(vec![Analysed {
            name: "belief".to_owned(),
            title: "What is believed of the coin".to_owned(),
            answer: Ok(Answer::of(&belief, &self.origin())),
            sound: true,
        }])
    }

    fn page(&self, _: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let answers = analysed
            .iter()
            .filter_map(|item| Some((item, item.answer.as_ref().ok()?)));
        let sections = answers.map(|(item, answer)| Section {
            title: item.title.clone(),
            text: answer.sentences.join("\n\n"),
            figure: answer.figures.first().map(|shown| shown.figure.clone()),
            table: None,
        });
        Ok(Report {
            title: self.config.experiment.clone(),
            sections: sections.collect(),
            ..Report::default()
        })
    }
}
