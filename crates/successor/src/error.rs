//! What can be wrong with a network, a walk or a question about them.

use neuropil_lab::error::{LabError, Problem};
use neuropil_math::linalg::LinalgError;
use std::path::PathBuf;

/// Something that cannot be computed or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuccessorError {
    /// Activity would grow without bound.
    #[error("unstable: γρ = {:.4} at gain γ = {gain}, expected below 1{}", radius, unstable_hint(*radius, *gain))]
    Unstable {
        /// Spectral radius of γJ.
        radius: f64,
        /// Gain γ.
        gain: f64,
    },
    /// Nothing to invert.
    #[error("a {n} x {n} matrix is singular")]
    Singular {
        /// Size.
        n: usize,
    },
    /// An iteration that did not settle.
    #[error(
        "activity did not settle in {iterations} iterations: γρ = {radius:.4}\n  hint: lower the gain or allow more iterations"
    )]
    NotSettled {
        /// Iterations made.
        iterations: usize,
        /// Spectral radius of γJ.
        radius: f64,
    },
    /// A row of a transition matrix that is no distribution.
    #[error("row {row} of the transition matrix sums to {sum}, expected 1")]
    NotADistribution {
        /// Row, from 0.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// A setting outside its range.
    #[error("{what} is {found}, expected {expected}{}", hint_line(hint))]
    Setting {
        /// Which setting.
        what: String,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
        /// What to do about it.
        hint: String,
    },
    /// Data that cannot answer the question.
    #[error("{message}{}", hint_line(hint))]
    Question {
        /// What is the matter.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A place in a file that does not hold what it should.
    #[error("{}{}: {found}, expected {expected}{}", path.display(), place(*line, field), hint_line(hint))]
    File {
        /// File.
        path: PathBuf,
        /// Line, from 1; 0 when the whole file is meant.
        line: usize,
        /// Column, variable or data set.
        field: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
        /// What to do about it.
        hint: String,
    },
    /// A number that ran away.
    #[error("{what} is not finite after step {step}\n  hint: lower the learning rate or the gain")]
    NotFinite {
        /// What ran away.
        what: &'static str,
        /// At which step.
        step: usize,
    },
    /// A decomposition without a result.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    /// A file of a run that cannot be read or written.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A figure that cannot be drawn.
    #[error(transparent)]
    Draw(#[from] neuropil_draw::DrawError),
}

impl SuccessorError {
    /// A setting outside its range, without a hint.
    pub fn setting(what: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting {
            what: what.into(),
            found: found.to_string(),
            expected: expected.into(),
            hint: String::new(),
        }
    }

    /// Data that cannot answer the question.
    pub fn question(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Question {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

fn unstable_hint(radius: f64, gain: f64) -> String {
    if !radius.is_finite() || radius <= 0.0 {
        return "\n  hint: lower the gain or use tanh".to_owned();
    }
    format!("\n  hint: lower the gain below {:.4} or use tanh", gain / radius)
}

pub(crate) fn hint_line(hint: &str) -> String {
    match hint {
        "" => String::new(),
        hint => format!("\n  hint: {hint}"),
    }
}

fn place(line: usize, field: &str) -> String {
    match (line, field) {
        (0, "") => String::new(),
        (0, field) => format!(": {field}"),
        (line, "") => format!(":{line}"),
        (line, field) => format!(":{line}: {field}"),
    }
}

impl From<SuccessorError> for Problem {
    fn from(error: SuccessorError) -> Self {
        match error {
            SuccessorError::File {
                path,
                line,
                field,
                found,
                expected,
                hint,
            } => {
                let problem = Self::bare(format!("{found}, expected {expected}"));
                let hint = (!hint.is_empty()).then_some(hint);
                problem
                    .hinted(hint)
                    .in_line(path.display().to_string(), line, field)
            }
            SuccessorError::Lab(error) => error.into(),
            other => {
                let text = other.to_string();
                match text.split_once("\n  hint: ") {
                    Some((message, hint)) => Self::new(message, hint),
                    None => Self::bare(text),
                }
            }
        }
    }
}
