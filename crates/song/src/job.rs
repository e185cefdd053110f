//! An experiment of this paper as a job: trained, tested, analysed and told by the verbs that all systems share.

mod beside;
mod told;
mod watching;

use crate::analysis::{Finding, Focus, Look, Needs, heeding, named};
use crate::config::Config;
use crate::experiment::Experiment;
use crate::report;
use crate::testing::{
    Fixed, default_recorded_per_condition, default_trials_per_condition, record_activity, test,
};
use crate::train::{Trained, fresh_state, load_progress, plan, rules, train_run};
use crate::trials::{
    Trials, default_save_every, load_recorded, load_tested, made_under, players, require_recorded,
    save_recorded, save_tested,
};
use crate::{exchange, export};
use neuropil_draw::Report;
use neuropil_lab::array::write_safetensors;
use neuropil_lab::atomic;
use neuropil_lab::config::{Layers, Resolved};
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Keeper;
use neuropil_lab::nwb::write_nwb;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::table::write_csv;
use neuropil_learn::train::{Ending, State};
use neuropil_nn::cell::Cell;
use neuropil_study::{Analysed, Answer, Export, ExportForm, Flow, Job, News, Origin, Summary};
use neuropil_tasks::task::Task;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
pub use told::measures;
use told::{ActivityKept, TestTold, Told};
use watching::Watching;

/// What test trials keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// How each trial ended.
    #[default]
    Behaviour,
    /// Rates of both networks and the predicted reward, too.
    Activity,
}

/// Options of a test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestOptions {
    /// What to keep.
    pub kind: Kind,
    /// Trials of each condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials_per_condition: Option<usize>,
    /// Time between the steps whose activity is kept, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_every: Option<f64>,
    /// Durations that are not drawn, by epoch, ms.
    pub fix: BTreeMap<String, f64>,
    /// Time step, ms, other than in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dt: Option<f64>,
    /// Seed of the trials.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "neuropil_lab::config::seed::optional"
    )]
    pub seed: Option<u64>,
}

impl TestOptions {
    /// What is other than in training, in words; empty for nothing.
    fn under(&self) -> String {
        let mut words: Vec<String> = self.dt.iter().map(|dt| format!("Δt {dt} ms")).collect();
        words.extend(
            self.fix
                .iter()
                .map(|(epoch, ms)| format!("{epoch} fixed at {ms} ms")),
        );
        words.extend(self.seed.iter().map(|seed| format!("seed of the trials {seed}")));
        words.join(", ")
    }
}

/// Options of an analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnalyseOptions {
    /// Units that are shown; none: the most selective ones.
    pub units: Vec<usize>,
    /// Units of the value network.
    pub value_network: bool,
    /// Event that is aligned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<String>,
    /// Window around it, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<(f64, f64)>,
    /// Recorded trial that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<usize>,
    /// Quantity that trials are sorted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The two answers that are compared, low end first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<(String, String)>,
}

impl AnalyseOptions {
    /// What was chosen.
    fn given(&self) -> Vec<Look> {
        let chosen = [
            (Look::By, self.by.is_some()),
            (Look::Align, self.align.is_some()),
            (Look::Window, self.window.is_some()),
            (Look::Units, !self.units.is_empty()),
            (Look::Network, self.value_network),
            (Look::Answers, self.answers.is_some()),
            (Look::Trial, self.trial.is_some()),
        ];
        chosen
            .into_iter()
            .filter_map(|(look, chosen)| chosen.then_some(look))
            .collect()
    }
}

/// What was asked for, and where nothing was, what the task says of its analyses.
fn focus(options: AnalyseOptions, task: &Task) -> Focus {
    let own = Focus::of(task);
    Focus {
        units: options.units,
        value_network: options.value_network,
        since: options.align.clone(),
        align: options.align.or(own.align),
        window_ms: options.window,
        trial: options.trial,
        by: options.by,
        answers: options.answers.or(own.answers),
        ..own
    }
}

impl Job for Experiment {
    fn name(&self) -> &str {
        &self.task.definition.name
    }

    fn settings(&self) -> &str {
        &self.text
    }

    fn complete(&self, settings: &str) -> Option<toml::Table> {
        let config = toml::from_str::<Config>(settings).ok()?;
        toml::Table::try_from(config).ok()
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let task = self.own_task.as_ref();
        task.map(|task| ("task.toml", task.clone().into_bytes()))
            .into_iter()
            .collect()
    }

    fn seed(&self) -> u64 {
        self.config().seed
    }

    fn prepare(&self) -> Result<(), Problem> {
        let fresh = fresh_state(self.config(), &self.task)?;
        *self.fresh.lock().expect("nothing panics while it is held") = Some(fresh);
        Ok(())
    }

    fn train(
        &self,
        keeper: &mut Keeper,
        updates: Option<u64>,
        watch: &mut dyn FnMut(&News<'_>) -> Flow,
    ) -> Result<Summary, Problem> {
        let (task, config) = (&self.task, self.config());
        let mut plan = plan(config, task);
        if let Some(updates) = updates {
            (plan.max_updates, plan.stop_at_criterion) = (updates, false);
        }
        let fresh = self.fresh.lock().expect("nothing panics while it is held").take();
        for doubt in task.doubts() {
            watch(&News::Said(&format!("{}: {doubt}", task.definition.name)));
        }
        let mut watching = Watching::new(task, config.seed, watch);
        let trained = train_run(keeper, task, config, &plan, fresh, &mut |news| {
            watching.tell(news)
        })?;
        if trained.ending == Ending::Diverged {
            let path = keeper.run().path().display();
            let hint = match task.sessions() {
                Some(sessions) => format!(
                    "rewards of a session add up: divide those of the task file by its {} trials, and `training.entropy_bonus` \
                     likewise; else lower `policy.learning_rate` and `value.learning_rate`",
                    sessions.trials
                ),
                None => "lower `policy.learning_rate` and `value.learning_rate`".to_owned(),
            };
            return Err(Problem::new(
                format!("{path}: more than 50 gradients in a row were not finite"),
                hint,
            ));
        }
        Ok(summarise(self, &trained, keeper.run().path()))
    }

    fn test(&self, run: &RunDirectory, options: &Layers) -> Result<Answer, Problem> {
        let resolved: Resolved<TestOptions> = options.resolve()?;
        let options = &resolved.value;
        match options.dt {
            None => test_trials(self, run, &resolved),
            Some(dt_ms) => {
                let other = Experiment::of_run(run, Some(dt_ms))?;
                refuse_other_steps(&other, Experiment::of_run(run, None)?.task.dt_ms)?;
                test_trials(&other, run, &resolved)
            }
        }
    }

    fn make_trials(&self, run: &RunDirectory) -> Result<(), Problem> {
        Trials::after_training(&self.task).make(run, self)
    }

    fn analyse(
        &self,
        run: &RunDirectory,
        names: &[String],
        options: &Layers,
    ) -> Result<Vec<Analysed>, Problem> {
        let options: Resolved<AnalyseOptions> = options.resolve()?;
        let given = options.value.given();
        let all_that_can = names.is_empty();
        let names = &*heeding(names, &given)?;
        let behaviour = load_tested(run, &self.task)?;
        let needy = names
            .iter()
            .filter(|_| !all_that_can)
            .filter_map(|name| named(name))
            .find(|a| a.needs == Needs::Activity);
        let recorded = match needy {
            Some(analysis) => {
                let without = format!(", which `{}` needs", analysis.name);
                Some(require_recorded(run, &self.task, &without)?)
            }
            None => load_recorded(run, &self.task)?,
        };
        let progress = load_progress(run)?;
        let (policy, value) = players(run, self)?;
        let asked = Focus {
            by: options.value.by.clone(),
            align: options.value.align.clone(),
            answers: options.value.answers.clone(),
            window_ms: options.value.window,
            units: options.value.units.clone(),
            trial: options.value.trial,
            ..Focus::default()
        };
        asked.check(&behaviour)?;
        let config = self.config();
        let network = if options.value.value_network {
            &config.value
        } else {
            &config.policy
        };
        let n_recorded = recorded
            .as_ref()
            .map_or(0, |recorded| recorded.behaviour.n_trials());
        asked.check_numbers(network.units, n_recorded)?;
        let mut focus = focus(options.value, &self.task);
        // Beyond the longest trial there is nothing to look at.
        focus.window_ms = focus.window_ms.map(|(from, to)| {
            let longest = behaviour.longest_ms();
            (from.max(-longest), to.min(longest))
        });
        let made = report::analyse(
            &self.task,
            self.config().seed,
            &behaviour,
            recorded.as_ref(),
            &progress,
            Some((&policy, &value)),
            names,
            &focus,
            [made_under(run, false)?, made_under(run, true)?],
        );
        let origin = origin(
            self,
            behaviour.n_trials(),
            recorded.map_or(0, |r| r.behaviour.n_trials()),
        );
        let fits = |made: &report::Analysed| !all_that_can || made.finding.is_ok();
        Ok(made
            .into_iter()
            .filter(fits)
            .map(|made| analysed(made, &origin))
            .collect())
    }

    fn export(&self, run: &RunDirectory, wanted: &Export<'_>) -> Result<(), Problem> {
        let recorded = || require_recorded(run, &self.task, " to export");
        match wanted.form {
            ExportForm::Nwb { species } => {
                let source = ("neuropil", env!("CARGO_PKG_VERSION"));
                let session = export::session(&self.task, &recorded()?, self.seed(), source, species);
                Ok(write_nwb(wanted.path, &session)?)
            }
            ExportForm::Npz => Ok(export::npz(&recorded()?).write(wanted.path)?),
            ExportForm::Csv => export_tables(run, &recorded()?, wanted.path),
            ExportForm::Safetensors { torch } => export_weights(self, run, wanted.path, torch),
        }
    }

    fn page(&self, run: &RunDirectory, analysed: &[Analysed]) -> Result<Report, Problem> {
        let behaviour = load_tested(run, &self.task)?;
        let progress = load_progress(run)?;
        let read = |name: &str| std::fs::read_to_string(run.file(name)).unwrap_or_default();
        let details = vec![
            ("Settings".to_owned(), read("config.toml")),
            ("Task file".to_owned(), self.task.text.clone()),
            ("Provenance".to_owned(), read("provenance.json")),
        ];
        let mut page = report::page(&self.task, self.seed(), &behaviour, &progress, analysed, details);
        let last = page.sections.pop();
        page.sections.extend(beside::sections(self, run)?);
        page.sections.extend(last);
        Ok(page)
    }
}

fn summarise(experiment: &Experiment, trained: &Trained, out: &Path) -> Summary {
    let Trained {
        ending,
        state,
        wall_seconds,
    } = trained;
    let State { progress, .. } = state;
    let (task, last) = (&experiment.task, progress.history.last());
    let last = last.map(|check| check.performance.clone()).unwrap_or_default();
    Summary {
        task: task.definition.name.clone(),
        seed: experiment.seed(),
        criterion_met: progress.lesson >= task.lessons.len() && last.meets(task),
        updates: progress.update,
        trials: progress.n_trials,
        unit: task.unit(),
        restarts: progress.attempt,
        measures: measures(&last, task),
        criterion: last.quantities,
        wall_seconds: *wall_seconds,
        run_dir: out.to_owned(),
        interrupted: *ending == Ending::Stopped,
    }
}

/// Test trials of a run, by the options.
fn test_trials(
    experiment: &Experiment,
    run: &RunDirectory,
    options: &Resolved<TestOptions>,
) -> Result<Answer, Problem> {
    let (task, config) = (&experiment.task, experiment.config());
    check_options(task, options)?;
    let options = &options.value;
    let fixed: Fixed = options.fix.clone();
    let seed = options.seed.unwrap_or(config.seed);
    let (policy, value) = players(run, experiment)?;
    if options.kind == Kind::Activity {
        let every = options.save_every.unwrap_or_else(|| default_save_every(task)) / task.dt_ms;
        let k = options
            .trials_per_condition
            .unwrap_or_else(|| default_recorded_per_condition(task));
        let rules = rules(config, task);
        let recorded = record_activity((&policy, &value), task, seed, k, &fixed, every as usize, &rules);
        let file = save_recorded(run, task, &recorded, &options.under())?;
        let kept = ActivityKept::of(task, seed, &recorded, &file);
        return Ok(Answer::of(&kept, &Origin::default()).saved_in(vec![file]));
    }
    let k = options
        .trials_per_condition
        .unwrap_or_else(|| default_trials_per_condition(task));
    let tested = test(&policy, task, seed, k, &fixed, config.training.continuous);
    let file = save_tested(run, task, &tested, &options.under())?;
    let told = TestTold::of(task, seed, &tested);
    Ok(Answer::of(&told, &Origin::default()).saved_in(vec![file]))
}

fn check_options(task: &Task, options: &Resolved<TestOptions>) -> Result<(), Problem> {
    let (given, layers) = (&options.value, options.layers());
    let known: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
    for (name, ms) in &given.fix {
        let key = format!("fix.{name}");
        if !known.contains(&name.strip_suffix(".wait").unwrap_or(name)) {
            let message = format!("{} has no epoch `{name}`", task.definition.name);
            return Err(layers.problem_at("fix", message, Some(format!("epochs: {}", known.join(", ")))));
        }
        if !(*ms >= 0.0 && ms.is_finite()) {
            let message = format!("{key} is {ms}, expected a duration ≥ 0 ms");
            return Err(layers.problem_at("fix", message, Some("as in `--fix delay=3000`".to_owned())));
        }
    }
    if let Err((message, hint)) = task.check_fixed(&given.fix) {
        return Err(layers.problem_at("fix", message, Some(hint)));
    }
    if given.trials_per_condition == Some(0) {
        let hint = Some("leave it out for 20 000 trials in all".to_owned());
        let message = "trials_per_condition is 0, expected a whole number ≥ 1";
        return Err(layers.problem_at("trials_per_condition", message, hint));
    }
    if let Some(save_every) = given.save_every {
        let every = save_every / task.dt_ms;
        if !(every >= 1.0 && every.is_finite()) || every.fract() != 0.0 {
            let message = format!(
                "save_every is {save_every}, expected a multiple of {} ms",
                task.dt_ms
            );
            return Err(layers.problem_at("save_every", message, Some("leave it out for 50 ms".to_owned())));
        }
    }
    Ok(())
}

/// Networks that count steps run at the time step that they were trained with.
fn refuse_other_steps(experiment: &Experiment, trained_ms: f64) -> Result<(), Problem> {
    let (asked, config) = (experiment.task.dt_ms, experiment.config());
    if asked == trained_ms || ![config.policy.cell, config.value.cell].contains(&Cell::Lstm) {
        return Ok(());
    }
    let message =
        format!("--dt is {asked}, expected {trained_ms}: lstm units count steps, whatever their length");
    Err(Problem::new(message, "leave it out, or train with it"))
}

/// What the figures of a run say of it.
pub(crate) fn origin(experiment: &Experiment, n_trials: usize, n_recorded: usize) -> Origin {
    let task = &experiment.task;
    let bound = |q: &neuropil_tasks::quantity::Quantity| q.at_least.or(q.above).or(q.at_most);
    Origin {
        of: task.definition.name.clone(),
        seed: experiment.seed(),
        counts: BTreeMap::from([("trials", n_trials), ("recorded", n_recorded)]),
        criterion: task
            .quantities
            .iter()
            .filter_map(|q| Some((q.name.clone(), bound(q)?)))
            .collect(),
    }
}

fn analysed(made: report::Analysed, origin: &Origin) -> Analysed {
    // A fit that is impossible is no failure of the analysis, but not what was asked for either.
    let sound = !matches!(&made.finding, Ok(Finding::Psychometric(found)) if !found.is_fitted());
    let answer = match (&made.finding, made.figure) {
        (Ok(finding), Some(figure)) => Ok(Answer::of(&Told { finding, figure }, origin)),
        (Err(error), _) => Err(Problem::bare(error.to_string())),
        (Ok(_), None) => Err(Problem::bare("no figure")),
    };
    Analysed {
        name: made.analysis.name.to_owned(),
        title: made.analysis.title.to_owned(),
        sound: sound && answer.is_ok(),
        answer,
    }
}

fn export_tables(
    run: &RunDirectory,
    recorded: &crate::analysis::activity::Recorded,
    folder: &Path,
) -> Result<(), Problem> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Problem::new(format!("{}: {error}", folder.display()), "give another folder"))?;
    let csv = recorded.behaviour.to_csv().map_err(|error| {
        Problem::new(
            format!("{}: {error}", run.path().display()),
            "rename the factor in the task",
        )
    })?;
    atomic::write(&folder.join("trials.csv"), csv.as_bytes())?;
    let (headers, rows) = export::activity_table(recorded);
    Ok(write_csv(&folder.join("activity.csv"), &headers, &rows)?)
}

fn export_weights(
    experiment: &Experiment,
    run: &RunDirectory,
    path: &Path,
    torch: bool,
) -> Result<(), Problem> {
    let (policy, value) = players(run, experiment)?;
    let ours = exchange::weights(&policy, &value);
    let weights = if torch { exchange::to_torch(&ours) } else { ours };
    let about = json!({
        "format": "neuropil-weights",
        "format_version": 1,
        "task": experiment.task.definition.name,
        "orientation": if torch { "to x from" } else { "from x to" },
        "config": experiment.config(),
    });
    Ok(write_safetensors(path, &weights, &about.to_string())?)
}
