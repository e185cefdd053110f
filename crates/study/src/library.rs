//! Experiments that come with a system, and how they are opened.

use crate::system::{Given, Listed};
use neuropil_lab::config::Layers;
use neuropil_lab::error::{Problem, did_you_mean};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An experiment that comes with a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Name, as in `SYSTEM/NAME`.
    pub name: &'static str,
    /// What it asks.
    pub title: &'static str,
    /// Its settings: those that are not the defaults.
    pub settings: &'static str,
}

/// An experiment whose settings stand in `experiments/NAME.toml` of the crate: a name and what it asks.
///
/// ```ignore
/// const EXPERIMENTS: Library = Library {
///     system: "gating",
///     experiments: &[shipped!("split-digits", "5 pairs of real 8 × 8 digits")],
///     plain_kinds: &["tasks"],
/// };
/// ```
#[macro_export]
macro_rules! shipped {
    ($name:literal, $title:literal) => {
        $crate::Shipped {
            name: $name,
            title: $title,
            settings: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/experiments/",
                $name,
                ".toml"
            )),
        }
    };
}

/// The experiments of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Name of the system.
    pub system: &'static str,
    /// In the order of the paper.
    pub experiments: &'static [Shipped],
    /// Tables of settings whose `kind` is a setting like any other, as in [`Layers::with_plain_kinds`].
    pub plain_kinds: &'static [&'static str],
}

impl Library {
    /// For the list of what can be trained.
    pub fn listed(&self) -> Vec<Listed> {
        let line = |shipped: &Shipped| Listed::new(shipped.name, shipped.title);
        self.experiments.iter().map(line).collect()
    }

    /// The text of settings: of the file that was given, or of the experiment of that name.
    ///
    /// # Errors
    /// An unknown name.
    pub fn text<'a>(&self, given: &Given<'a>) -> Result<&'a str, Problem> {
        if let Some(text) = given.text {
            return Ok(text);
        }
        let found = self.experiments.iter().find(|shipped| shipped.name == given.name);
        found.map(|shipped| shipped.settings).ok_or_else(|| {
            let known: Vec<&str> = self.experiments.iter().map(|shipped| shipped.name).collect();
            Problem::new(
                format!("{} has no experiment `{}`", self.system, given.name),
                did_you_mean(given.name, "experiments", &known),
            )
        })
    }

    /// Settings of an experiment or a file, with all that was set over them, and the text of `config.toml`. `problems` are
    /// those of the settings as a whole, by key.
    ///
    /// # Errors
    /// An unknown name; all settings that cannot be meant, each where it was said.
    pub fn open<T: Serialize + DeserializeOwned + Default>(
        &self,
        given: &Given<'_>,
        problems: impl Fn(&T) -> Vec<(&'static str, Problem)>,
    ) -> Result<(T, String), Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        let mut layers = Layers::new().with_plain_kinds(self.plain_kinds);
        let text = self.text(given).map_err(one)?;
        layers.add(given.name, text).map_err(one)?;
        given.add_to(&mut layers).map_err(one)?;
        let resolved = layers.resolve::<T>().map_err(one)?;
        let wrong: Vec<Problem> = problems(&resolved.value)
            .into_iter()
            .map(|(key, problem)| layers.problem_at(key, problem.message, problem.hint))
            .collect();
        if wrong.is_empty() {
            let text = resolved.to_toml();
            Ok((resolved.value, text))
        } else {
            Err(wrong)
        }
    }
}
