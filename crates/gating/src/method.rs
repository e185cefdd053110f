//! What keeps a network from forgetting, as it is typed: words joined by `+`.

use crate::gates::{GateSettings, Scheme};
use crate::ranges::Row;
use neuropil_lab::error::{Problem, did_you_mean};

/// What gives weights their importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stabiliser {
    /// Nothing.
    None,
    /// Synaptic intelligence.
    Si,
    /// Elastic weight consolidation.
    Ewc,
    /// Memory-aware synapses.
    Mas,
}

/// What keeps a network from forgetting: words joined by `+`.
///
/// One of `xdg`, `xdg-exact`, `partial`, `split`, `file`; one of `si`, `ewc`, `mas`; `rule`; `replay`. `none` stands alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// Gates; none if they are read from a file.
    pub scheme: Option<Scheme>,
    /// What gives weights their importance.
    pub stabiliser: Stabiliser,
    /// Is the task told by a rule signal?
    pub rule: bool,
    /// Are earlier examples replayed?
    pub replay: bool,
}

const WORDS: [&str; 11] = [
    "none",
    "xdg",
    "xdg-exact",
    "partial",
    "split",
    "file",
    "si",
    "ewc",
    "mas",
    "rule",
    "replay",
];

impl Method {
    /// Reads the words of a method.
    ///
    /// # Errors
    /// An unknown word, or two of one kind.
    ///
    /// ```
    /// use neuropil_gating::method::{Method, Stabiliser};
    /// use neuropil_gating::gates::GateSettings;
    /// let method = Method::of("xdg+si", &GateSettings::default())?;
    /// assert_eq!((method.stabiliser, method.rule), (Stabiliser::Si, false));
    /// # Ok::<(), neuropil_lab::error::Problem>(())
    /// ```
    pub fn of(method: &str, gates: &GateSettings) -> Result<Self, Problem> {
        let (mut scheme, mut stabiliser, mut rule, mut replay) = (None, None, false, false);
        let words: Vec<&str> = method.split('+').map(str::trim).collect();
        let twice = |what: &str| {
            Problem::new(
                format!("`method` is `{method}`: two {what}"),
                "one kind of gates and one of stabilisation",
            )
        };
        for word in &words {
            let gate = match *word {
                "xdg" => Some(Some(Scheme::Xdg(gates.gated))),
                "xdg-exact" => Some(Some(Scheme::Exact(gates.gated))),
                "partial" => Some(Some(Scheme::Partial)),
                "split" => Some(Some(Scheme::Split(gates.parts))),
                "file" => Some(None),
                _ => None,
            };
            let weight = match *word {
                "si" => Some(Stabiliser::Si),
                "ewc" => Some(Stabiliser::Ewc),
                "mas" => Some(Stabiliser::Mas),
                _ => None,
            };
            match (gate, weight, *word) {
                (Some(gate), ..) => {
                    if scheme.replace(gate).is_some() {
                        return Err(twice("kinds of gates"));
                    }
                }
                (_, Some(weight), _) => {
                    if stabiliser.replace(weight).is_some() {
                        return Err(twice("kinds of stabilisation"));
                    }
                }
                (.., "rule") => rule = true,
                (.., "replay") => replay = true,
                (.., "none") if words.len() == 1 => {}
                (.., "none") => {
                    return Err(Problem::new(
                        format!("`method` is `{method}`, expected `none` to stand alone"),
                        "leave `none` out",
                    ));
                }
                _ => {
                    let message = format!("`method` has the unknown part `{word}`");
                    return Err(Problem::new(
                        message,
                        did_you_mean(word, "parts, joined by +", &WORDS),
                    ));
                }
            }
        }
        Ok(Self {
            scheme: scheme.unwrap_or(Some(Scheme::None)),
            stabiliser: stabiliser.unwrap_or(Stabiliser::None),
            rule,
            replay,
        })
    }

    /// Does a task use some of the units only?
    pub fn gates(self) -> bool {
        self.scheme != Some(Scheme::None)
    }

    /// What is wrong with the words, or with the file that they ask for.
    pub(crate) fn rows(method: &str, gates: &GateSettings) -> Vec<Row> {
        let file = method.split('+').any(|word| word.trim() == "file") && gates.file.is_empty();
        let missing = || {
            let message = "`method` asks for gates from a file, but `gates.file` is empty";
            (
                "gates.file",
                Problem::new(message, "`--set gates.file=gates.csv`"),
            )
        };
        vec![
            Self::of(method, gates).err().map(|problem| ("method", problem)),
            file.then(missing),
        ]
    }
}
