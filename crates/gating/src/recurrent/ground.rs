//! Tasks of a sequence, and how their inputs and actions lie in one network.

use super::settings::{Channels, RecurrentSettings};
use crate::error::GatingError;
use crate::gates::Gates;
use crate::masse2018::cognitive::HEIGHT;
use crate::method::Method;
use neuropil_lab::error::Problem;
use neuropil_learn::batch::{Batch, TaskBatch};
use neuropil_math::rng::Key;
use neuropil_tasks::environment::Environment;
use neuropil_tasks::{registry, task::Task};
use serde::Serialize;
use std::path::Path;

/// Tasks, gates and channels of settings.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) tasks: Vec<Task>,
    pub(crate) gates: Gates,
    pub(crate) method: Method,
    pub(crate) channels: Vec<Places>,
    /// Inputs of the network, without those of the rule.
    pub(crate) n_inputs: usize,
    /// Actions of the network.
    pub(crate) n_actions: usize,
}

/// Where the channels of one task lie in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) inputs: Vec<usize>,
    pub(crate) actions: Vec<usize>,
}

/// A task as it is stored with a run.
#[derive(Debug, Serialize)]
pub(crate) struct Stored<'a> {
    name: &'a str,
    toml: &'a str,
}

impl Ground {
    /// Reads the tasks and draws the gates.
    ///
    /// # Errors
    /// No such task, one that cannot be learnt so, tasks whose channels do not fit one another, and what
    /// [`Gates::of_scheme`] refuses.
    pub(crate) fn of(settings: &RecurrentSettings) -> Result<Self, GatingError> {
        let names = &settings.tasks.names;
        let tasks = names
            .iter()
            .map(|name| task(name))
            .collect::<Result<Vec<Task>, _>>()?;
        for task in &tasks {
            fits(task)?;
        }
        let of = |list: fn(&Task) -> &[String]| channels(&tasks, list, settings.tasks.channels);
        let (inputs, n_inputs) =
            of(|task| &task.definition.inputs).map_err(|found| apart(&found, "inputs"))?;
        let (actions, n_actions) =
            of(|task| &task.definition.actions).map_err(|found| apart(&found, "actions"))?;
        let (method, key) = (settings.method()?, Key::new(settings.seed));
        let widths = [settings.network.units];
        Ok(Self {
            gates: Gates::of_scheme(method.scheme, &settings.gates, &widths, tasks.len(), key)?,
            method,
            channels: inputs
                .into_iter()
                .zip(actions)
                .map(|(inputs, actions)| Places { inputs, actions })
                .collect(),
            tasks,
            n_inputs,
            n_actions,
        })
    }

    /// The tasks as they are stored.
    pub(crate) fn stored(&self) -> Vec<Stored<'_>> {
        let stored = |task| -> Stored<'_> {
            let task: &Task = task;
            Stored {
                name: &task.definition.name,
                toml: &task.text,
            }
        };
        self.tasks.iter().map(stored).collect()
    }

    /// Inputs of the network, those of the rule at the end.
    pub(crate) fn n_all_inputs(&self) -> usize {
        self.n_inputs + if self.method.rule { self.tasks.len() } else { 0 }
    }

    /// Random trials of a task as the network is shown them.
    pub(crate) fn draw(&self, task: usize, key: Key, n: usize) -> Told<'_> {
        self.draw_as(task, task, key, n)
    }

    /// The same, but told the rule of another task.
    pub(crate) fn draw_as(&self, task: usize, as_if: usize, key: Key, n: usize) -> Told<'_> {
        let rule = self.method.rule.then_some(self.n_inputs + as_if);
        Told {
            batch: TaskBatch::draw(&self.tasks[task], key, n),
            inputs: &self.channels[task].inputs,
            n_inputs: self.n_all_inputs(),
            rule,
        }
    }
}

fn task(name: &str) -> Result<Task, GatingError> {
    if !name.ends_with(".toml") {
        return Ok(registry::find(name, None)?);
    }
    let text = neuropil_lab::file::text(Path::new(name))?;
    Ok(Task::parse(name, &text, None)?)
}

fn fits(task: &Task) -> Result<(), Problem> {
    let name = &task.definition.name;
    let values = !task.outputs.is_empty();
    if values {
        let message = format!("task `{name}` teaches values, expected one whose answers are actions");
        return Err(Problem::new(message, "leave it out of `tasks.names`"));
    }
    if task.world.is_some() || task.sessions().is_some() {
        let message = format!(
            "task `{name}` is a world that answers what was done, expected one whose trials can be shown as a whole"
        );
        return Err(Problem::new(message, "leave it out of `tasks.names`"));
    }
    Ok(())
}

/// Two tasks that do not fit one another.
struct Apart {
    first: String,
    other: String,
    n: [usize; 2],
}

fn apart(found: &Apart, what: &str) -> Problem {
    let Apart { first, other, n } = found;
    let message = format!(
        "`{other}` has {} {what} where `{first}` has {}, or others: one network cannot have both",
        n[1], n[0]
    );
    let hint = "`--set tasks.channels=by-name` gives the network the inputs and actions of all tasks";
    Problem::new(message, hint)
}

/// Places of every task's channels, and how many the network has.
fn channels(
    tasks: &[Task],
    list: fn(&Task) -> &[String],
    how: Channels,
) -> Result<(Vec<Vec<usize>>, usize), Apart> {
    let mut all: Vec<&String> = list(&tasks[0]).iter().collect();
    let mut places = Vec::new();
    for task in tasks {
        let own = list(task);
        if how == Channels::Same && !own.iter().eq(all.iter().copied()) {
            return Err(Apart {
                first: tasks[0].definition.name.clone(),
                other: task.definition.name.clone(),
                n: [all.len(), own.len()],
            });
        }
        let mut place = |name| {
            let found = all.iter().position(|known| *known == name);
            found.unwrap_or_else(|| {
                all.push(name);
                all.len() - 1
            })
        };
        places.push(own.iter().map(&mut place).collect());
    }
    Ok((places, all.len()))
}

/// Trials of a task as the network is shown them: inputs in their places, the rule told.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) batch: TaskBatch<'a>,
    inputs: &'a [usize],
    n_inputs: usize,
    rule: Option<usize>,
}

impl Batch for Told<'_> {
    fn n_trials(&self) -> usize {
        self.batch.n_trials()
    }

    fn n_steps(&self) -> usize {
        self.batch.n_steps()
    }

    fn expected_steps(&self, trial: usize) -> usize {
        self.batch.expected_steps(trial)
    }

    fn offers_choice(&self, trial: usize, step: usize) -> bool {
        self.batch.offers_choice(trial, step)
    }

    fn open(&self, key: Key, trials: &[u64], lanes: usize) -> Box<dyn Environment + '_> {
        let world = self.batch.open(key, trials, lanes);
        if self.inputs.len() == self.n_inputs && self.inputs.iter().enumerate().all(|(i, &place)| i == place)
        {
            return world;
        }
        Box::new(Placed {
            world,
            inputs: self.inputs,
            rule: self.rule,
            own: vec![0.0; self.inputs.len() * lanes],
            lanes,
        })
    }
}

struct Placed<'a> {
    world: Box<dyn Environment + 'a>,
    inputs: &'a [usize],
    rule: Option<usize>,
    own: Vec<f64>,
    lanes: usize,
}

impl Environment for Placed<'_> {
    fn observe(&mut self, t: usize, inputs: &mut [f64]) {
        self.world.observe(t, &mut self.own);
        inputs.fill(0.0);
        for (row, &place) in self.own.chunks_exact(self.lanes).zip(self.inputs) {
            inputs[place * self.lanes..][..self.lanes].copy_from_slice(row);
        }
        if let Some(rule) = self.rule {
            inputs[rule * self.lanes..][..self.lanes].fill(HEIGHT);
        }
    }

    fn act(&mut self, t: usize, actions: &[usize], living: &[bool], rewards: &mut [f64], ended: &mut [bool]) {
        self.world.act(t, actions, living, rewards, ended);
    }
}
