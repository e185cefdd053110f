//! The walk of an experiment: drawn in a world, or made of a recorded track.

use crate::config::{Config, Mover};
use crate::error::SuccessorError;
use crate::fields::Grid;
use crate::track::pipeline::{Session, drop_jumps, session};
use crate::track::spikes::{SpikeOptions, Spikes, check_clock, read_spikes};
use crate::track::{Track, read};
use crate::world::{World, file, forager};
use neuropil_lab::run::RunDirectory;
use neuropil_math::rng::Key;
use std::path::Path;

/// A walk over states, and what it was made from.
#[derive(Clone, Debug)]
pub struct Walk {
    /// State of each sample.
    pub states: Vec<usize>,
    /// First sample of every piece.
    pub pieces: Vec<usize>,
    /// Number of states.
    pub n: usize,
    /// Bins, for walks in two dimensions.
    pub grid: Option<Grid>,
    /// The world it was drawn in; `None` for a recorded track.
    pub world: Option<World>,
    /// The session and its track; `None` for a walk that was drawn.
    pub recorded: Option<(Session, Track)>,
    /// Spikes recorded with the track.
    pub spikes: Option<Spikes>,
    /// What was understood, left out or repaired.
    pub notes: Vec<String>,
}

impl Walk {
    /// States that measures are taken over: those that a world has, those that a recorded walk visited.
    pub fn counted(&self) -> Vec<usize> {
        if self.recorded.is_none() {
            let exists = |state: &usize| self.grid.as_ref().is_none_or(|grid| grid.exists[*state]);
            return (0..self.n).filter(exists).collect();
        }
        let mut visited = vec![false; self.n];
        self.states.iter().for_each(|&state| visited[state] = true);
        (0..self.n).filter(|&state| visited[state]).collect()
    }

    /// The walk, piece by piece.
    pub fn walks(&self) -> Vec<&[usize]> {
        let ends = self.pieces.iter().skip(1).copied().chain([self.states.len()]);
        self.pieces
            .iter()
            .zip(ends)
            .map(|(&from, to)| &self.states[from..to])
            .collect()
    }
}

/// The walk that settings ask for; the track is that of the run, where there is one.
///
/// # Errors
/// A world or a track that cannot be read.
pub fn of(config: &Config, run: Option<&RunDirectory>) -> Result<Walk, SuccessorError> {
    if config.track.file.is_empty() {
        drawn(config)
    } else {
        recorded(config, run)
    }
}

fn drawn(config: &Config) -> Result<Walk, SuccessorError> {
    let world = file::load(&config.world)?;
    let mut notes = Vec::new();
    let unreachable = world.unreachable();
    if !unreachable.is_empty() {
        notes.push(format!(
            "{} states cannot be reached: {}",
            unreachable.len(),
            first_of(&unreachable)
        ));
    }
    let steps = config.steps;
    let square = world
        .shape
        .grid()
        .filter(|(width, height)| width == height)
        .map(|(side, _)| side);
    let states = match (config.mover, square) {
        (Mover::Grid, _) => world.walk(steps, Key::new(config.seed)),
        (_, None) => {
            return Err(SuccessorError::setting(
                "`mover`",
                "a forager without a grid",
                "`grid` in a world that is not square",
            ));
        }
        (Mover::Levy, Some(side)) => {
            let at = forager::levy_flight(steps, side as f64, Key::new(config.seed))?;
            at.into_iter()
                .map(|at| forager::bin(at, side as f64, side))
                .collect()
        }
        (Mover::OrnsteinUhlenbeck, Some(side)) => {
            let animal = forager::Forager::default();
            let at = animal.walk(steps, Key::new(config.seed))?;
            notes.push("synthetic walk".to_owned());
            at.into_iter()
                .map(|at| forager::bin(at, animal.side_cm, side))
                .collect()
        }
    };
    let grid = world.shape.grid().map(|(width, height)| {
        let exists = (0..world.states()).map(|state| world.exists(state)).collect();
        Grid {
            width,
            height,
            exists,
        }
    });
    Ok(Walk {
        states,
        pieces: vec![0],
        n: world.states(),
        grid,
        world: Some(world),
        recorded: None,
        spikes: None,
        notes,
    })
}

fn recorded(config: &Config, run: Option<&RunDirectory>) -> Result<Walk, SuccessorError> {
    let settings = &config.track;
    let kept = run.map(|run| run.file("track")).filter(|path| path.is_file());
    let path = kept.unwrap_or_else(|| Path::new(&settings.file).to_owned());
    let mut track = read(&path, &settings.read)?;
    let session = session(&track, &settings.pipeline, Key::new(config.seed))?;
    drop_jumps(&mut track, settings.pipeline.speed_limit)?;
    let spikes = match settings.spikes.as_str() {
        "" => None,
        file => {
            let kept = run.map(|run| run.file("spikes")).filter(|path| path.is_file());
            let mut spikes = match kept {
                Some(path) => read_spikes(&path, &SpikeOptions::default())?,
                None => read_spikes(Path::new(file), &settings.spike)?,
            };
            check_clock(&mut spikes, &track)?;
            Some(spikes)
        }
    };
    let mut notes = session.notes.clone();
    notes.extend(spikes.iter().flat_map(|spikes| spikes.notes.iter().cloned()));
    Ok(Walk {
        states: session.states.clone(),
        pieces: session.pieces.clone(),
        n: session.grid.bins(),
        grid: Some(session.grid.clone()),
        world: None,
        recorded: Some((session, track)),
        spikes,
        notes,
    })
}

fn first_of(states: &[usize]) -> String {
    let list: Vec<String> = states.iter().take(10).map(ToString::to_string).collect();
    if states.len() > 10 {
        format!("{}, …", list.join(", "))
    } else {
        list.join(", ")
    }
}
