//! Networks that begin with what another run has learnt.

use super::{TrainError, saved::Saved};
use crate::config::Config;
use neuropil_lab::keeper;
use neuropil_lab::run::RunDirectory;
use neuropil_learn::train::State;
use neuropil_math::arrays::Arrays;
use serde::Serialize;
use std::path::Path;

/// What was taken from another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The run.
    pub from: String,
    /// Parameter arrays that were taken.
    pub taken: Vec<String>,
    /// Parameter arrays whose shapes differ: these stay as they were drawn.
    pub drawn: Vec<String>,
    /// Whether the moments of the optimisers were taken as well: with all parameters, or not at all.
    pub optimiser: bool,
}

impl Taken {
    /// The same in words.
    pub fn words(&self) -> String {
        let drawn = if self.drawn.is_empty() {
            String::new()
        } else {
            format!("; drawn anew: {}", self.drawn.join(", "))
        };
        let optimiser = if self.optimiser { "with" } else { "without" };
        format!(
            "begins with {} arrays of {}, {optimiser} the moments of its optimiser{drawn}",
            self.taken.len(),
            self.from
        )
    }
}

/// Puts what the run that the settings name has learnt into freshly drawn networks; nothing if they name none.
///
/// # Errors
/// There is no such run, it has no checkpoint, or no array of it fits.
pub(super) fn take(config: &Config, state: &mut State) -> Result<Option<Taken>, TrainError> {
    let Some(from) = &config.training.from else {
        return Ok(None);
    };
    let run = RunDirectory::read(Path::new(from))?;
    let path = run.checkpoint("last");
    let mismatch = |message: String| TrainError::Mismatch {
        path: path.display().to_string(),
        message,
    };
    let last = keeper::last(&run)?.ok_or_else(|| mismatch("no checkpoint to begin with".to_owned()))?;
    let fresh = state.arrays();
    let is_parameter = |name: &str| name.starts_with("policy.") || name.starts_with("value.");
    let parameters: Vec<&String> = fresh
        .keys()
        .filter(|name| is_parameter(name) && !NOT_PARAMETERS.iter().any(|part| name.contains(part)))
        .collect();
    let fits = |name: &str| {
        last.arrays
            .get(name)
            .is_some_and(|(shape, _)| *shape == fresh[name].0)
    };
    let (taken, drawn): (Vec<&String>, Vec<&String>) = parameters.into_iter().partition(|name| fits(name));
    if taken.is_empty() {
        return Err(mismatch(
            "no array has the shape that it has here: the networks have other units".to_owned(),
        ));
    }
    let names = |list: &[&String]| list.iter().map(|name| (*name).clone()).collect();
    let found = Taken {
        from: from.clone(),
        taken: names(&taken),
        drawn: names(&drawn),
        optimiser: drawn.is_empty(),
    };
    let (arrays, steps) = if found.optimiser {
        let saved: Saved = last.state(&path)?;
        (without_carried(last.arrays), saved.adam_steps)
    } else {
        let mut arrays = fresh.clone();
        for name in taken {
            arrays.insert(name.clone(), last.arrays[name].clone());
            // A mask belongs to its array: weights that do not exist are none here either.
            let mask = masked(name);
            arrays.remove(&mask);
            arrays.extend(last.arrays.get(&mask).map(|flags| (mask, flags.clone())));
        }
        (arrays, [0, 0])
    };
    let restored = state.restore(&arrays, steps);
    restored.map_err(|error| mismatch(error.to_string()))?;
    state.best = (state.policy.params.clone(), state.value.params.clone());
    Ok(Some(found))
}

/// Parts of names of arrays that are no parameters.
const NOT_PARAMETERS: [&str; 8] = [
    ".mask.", ".sign", ".tie.", ".initial", ".adam_", ".best", ".carried", ".steps",
];

/// Where the mask of a parameter array stands: `policy.mask.w_rec` of `policy.w_rec`.
fn masked(name: &str) -> String {
    name.replacen('.', ".mask.", 1)
}

/// The other run's trials do not go on here.
fn without_carried(mut arrays: Arrays) -> Arrays {
    arrays.retain(|name, _| !name.ends_with(".carried"));
    arrays
}
