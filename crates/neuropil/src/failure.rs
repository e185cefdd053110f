//! What went wrong, and the exit code for it.

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use neuropil_connectome::error::DataError;
use neuropil_lab::error::{LabError, Problem};
use neuropil_song::train::TrainError;
use neuropil_tasks::error::TaskError;

/// The run finished, but a check that was asked for failed.
pub(crate) const CHECK_FAILED: u8 = 1;
/// Bad input or usage.
pub(crate) const BAD_INPUT: u8 = 2;
/// Interrupted after a clean checkpoint.
pub(crate) const INTERRUPTED: u8 = 130;

/// A message for the user, with its place in a text if it has one.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    place: Option<(String, String, std::ops::Range<usize>)>,
}

impl Failure {
    /// A message, and what to do about it.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
            place: None,
        }
    }

    /// Prints the message to standard error.
    pub(crate) fn print(&self) {
        let mut diagnostic = MietteDiagnostic::new(self.message.clone());
        if let Some(hint) = &self.hint {
            diagnostic = diagnostic.with_help(hint.clone());
        }
        let report = match &self.place {
            Some((name, text, span)) => {
                let label = LabeledSpan::at(span.clone(), "here");
                Report::new(diagnostic.with_label(label))
                    .with_source_code(NamedSource::new(name, text.clone()))
            }
            None => Report::new(diagnostic),
        };
        eprintln!("{report:?}");
    }
}

/// Splits "message\n  hint: …" as library errors write it.
fn split(text: &str) -> (String, Option<String>) {
    match text.split_once("\n  hint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn located(
    name: &str,
    text: &str,
    span: Option<std::ops::Range<usize>>,
    message: &str,
    hint: Option<&str>,
) -> Failure {
    let place = span
        .filter(|_| !text.is_empty())
        .map(|span| (name.to_owned(), text.to_owned(), span));
    let message = if place.is_some() || name == "settings" {
        message.to_owned()
    } else {
        format!("{name}: {message}")
    };
    Failure {
        message,
        hint: hint.map(str::to_owned),
        place,
    }
}

impl From<Box<Problem>> for Failure {
    fn from(p: Box<Problem>) -> Self {
        located(
            &p.source_name,
            &p.source_text,
            p.span.clone(),
            &p.message,
            p.hint.as_deref(),
        )
    }
}

impl From<TaskError> for Failure {
    fn from(e: TaskError) -> Self {
        if e.source_text.is_empty() {
            return Self {
                message: e.message,
                hint: e.hint,
                place: None,
            };
        }
        located(
            &e.source_name,
            &e.source_text,
            e.span.clone(),
            &e.message,
            e.hint.as_deref(),
        )
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Problem(problem) => problem.into(),
            other => {
                let (message, hint) = split(&other.to_string());
                Self {
                    message,
                    hint,
                    place: None,
                }
            }
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Lab(error) => error.into(),
            other => {
                let (message, hint) = split(&other.to_string());
                Self {
                    message,
                    hint,
                    place: None,
                }
            }
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let (message, hint) = split(&error.to_string());
        Self {
            message,
            hint,
            place: None,
        }
    }
}
