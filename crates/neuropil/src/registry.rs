//! Every system, one line each, and how names lead to them.

use neuropil_enhancers::system::Enhancers;
use neuropil_gating::system::Gating;
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_lab::run::RunDirectory;
use neuropil_neuronid::system::Neuronid;
use neuropil_song::system::Song;
use neuropil_study::{Given, Job, Listed, System, experiment_of};
use neuropil_successor::job::Successor;

/// Every system. Experiments of the first are named without it: `rdm` is `song/rdm`.
pub const SYSTEMS: &[&dyn System] = &[&Song, &Gating, &Successor, &Enhancers, &Neuronid];

/// The system of a name.
pub fn system(name: &str) -> Option<&'static dyn System> {
    SYSTEMS.iter().copied().find(|system| system.name() == name)
}

/// Opens an experiment: `rdm`, `SYSTEM/NAME`, or the settings in the text of a file.
///
/// # Errors
/// No such system or experiment; everything that is wrong with the settings.
pub fn open(given: &Given<'_>) -> Result<Box<dyn Job>, Vec<Problem>> {
    let named = match given.text {
        None => given
            .name
            .split_once('/')
            .map(|(system, name)| (system.to_owned(), name)),
        Some(text) => experiment_of(text).map(|named| {
            let system = named.split('/').next().unwrap_or_default().to_owned();
            (system, given.name)
        }),
    };
    let Some((name, experiment)) = named else {
        return SYSTEMS[0].open(given);
    };
    match system(&name) {
        Some(system) => system.open(&Given {
            name: experiment,
            ..*given
        }),
        None if given.text.is_none() => SYSTEMS[0].open(given),
        None => {
            let known: Vec<&str> = SYSTEMS.iter().map(|system| system.name()).collect();
            let message = format!("{}: experiment of an unknown system `{name}`", given.name);
            Err(vec![Problem::new(
                message,
                did_you_mean(&name, "systems", &known),
            )])
        }
    }
}

/// The job of a run directory.
///
/// # Errors
/// Its settings cannot be read.
pub fn of_run(run: &RunDirectory) -> Result<Box<dyn Job>, Vec<Problem>> {
    let path = run.file("config.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("{}: cannot read: {error}", path.display());
        vec![Problem::new(message, "give the directory of a run")]
    })?;
    open(&Given {
        name: &path.display().to_string(),
        text: Some(&text),
        set: &[],
        options: &[],
    })
}

/// Refuses the names of analyses that a run's system does not have.
///
/// # Errors
/// The first unknown name, with the nearest of the system's own or all of them.
pub fn refuse_unknown_analyses(run: &RunDirectory, names: &[String]) -> Result<(), Problem> {
    let text = std::fs::read_to_string(run.file("config.toml")).unwrap_or_default();
    let experiment = experiment_of(&text).unwrap_or_default();
    let named = experiment.split('/').next().unwrap_or_default();
    let listed = system(named).unwrap_or(SYSTEMS[0]).analyses();
    let known: Vec<&str> = listed.iter().map(|analysis| analysis.name.as_str()).collect();
    let Some(wrong) = names.iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let message = format!("unknown analysis `{wrong}`");
    Err(Problem::new(message, did_you_mean(wrong, "analyses", &known)))
}

/// Every experiment, as it is typed: those of the first system by their own name, others as `SYSTEM/NAME`.
pub fn experiments() -> Vec<Listed> {
    let mut all = Vec::new();
    for (i, system) in SYSTEMS.iter().enumerate() {
        let named = |listed: Listed| Listed {
            name: if i == 0 {
                listed.name
            } else {
                format!("{}/{}", system.name(), listed.name)
            },
            ..listed
        };
        all.extend(system.experiments().into_iter().map(named));
    }
    all
}

/// Every analysis of every system.
pub fn analyses() -> Vec<Listed> {
    SYSTEMS.iter().flat_map(|system| system.analyses()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_experiment_opens_and_so_do_the_settings_that_it_writes() {
        for listed in experiments() {
            // The one experiment that is nothing without a file of one's own.
            let set: Vec<String> = match listed.name.as_str() {
                "successor/track" => vec!["track.file=walk.csv".to_owned()],
                _ => Vec::new(),
            };
            let open_as = |name: &str, text: Option<&str>| {
                let given = Given {
                    name,
                    text,
                    set: &set,
                    options: &[],
                };
                open(&given).unwrap_or_else(|problems| panic!("{}: {}", listed.name, problems[0]))
            };
            let job = open_as(&listed.name, None);
            let again = open_as("config.toml", Some(job.settings()));
            assert_eq!((again.name(), again.seed()), (job.name(), job.seed()));
        }
    }
}
