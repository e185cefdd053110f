//! What is told to the user when something cannot be done: one form for every crate.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file that cannot be read, written or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried: `read`, `write`, …
        doing: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// Content that is not what it should be.
    #[error("{}: {found}, expected {expected}", path.display())]
    Content {
        /// File.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// A place in a file does not hold what it should.
    #[error("{}{}: {found}, expected {expected}{}", path.display(), place(*line, field), hint_line(hint))]
    Place {
        /// File, or file inside an archive.
        path: Box<Path>,
        /// Line, from 1; 0 where the whole file is meant.
        line: usize,
        /// Name or number of the column or array; may be empty.
        field: Box<str>,
        /// What is there.
        found: Box<str>,
        /// What should be.
        expected: Box<str>,
        /// What to do about it; may be empty.
        hint: Box<str>,
    },
    /// A run directory that is in use or already finished.
    #[error("`{}` {state}\n  hint: {hint}", path.display())]
    Taken {
        /// Run directory.
        path: PathBuf,
        /// What is the matter.
        state: String,
        /// What to do.
        hint: String,
    },
    /// A bad setting.
    #[error(transparent)]
    Problem(#[from] Problem),
}

fn place(line: usize, field: &str) -> String {
    match (line, field.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!(": {field}"),
        (line, true) => format!(":{line}"),
        (line, false) => format!(":{line}: {field}"),
    }
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("\n  hint: {hint}")
    }
}

impl LabError {
    /// A place in a file that does not hold what it should; line 0 and an empty field mean the whole file.
    pub fn place(
        path: &Path,
        line: usize,
        field: impl Into<Box<str>>,
        found: impl Into<Box<str>>,
        expected: impl Into<Box<str>>,
    ) -> Self {
        Self::Place {
            path: path.into(),
            line,
            field: field.into(),
            found: found.into(),
            expected: expected.into(),
            hint: "".into(),
        }
    }

    /// The same with a hint, where it is about a place in a file.
    pub fn hint(mut self, text: impl Into<Box<str>>) -> Self {
        if let Self::Place { hint, .. } = &mut self {
            *hint = text.into();
        }
        self
    }

    pub(crate) fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, doing, source }
    }

    pub(crate) fn content(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Content {
            path: path.to_owned(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}

/// What cannot be done: the one form in which every crate tells it to a user.
///
/// A crate keeps its own small enum of errors and says beside it how each of them becomes a problem.
///
/// ```
/// use neuropil_lab::error::Problem;
///
/// let problem = Problem::new("--bins is 0, expected a whole number ≥ 1", "leave it out for 20");
/// assert_eq!(problem.to_string(), "--bins is 0, expected a whole number ≥ 1\n  hint: leave it out for 20");
/// let located = Problem::bare("expected a number").in_text("mine.toml", "a = 1\nb = x\n", 10..11);
/// assert_eq!(located.to_string(), "mine.toml:2:5: expected a number");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it is.
    pub place: Option<Box<Place>>,
}

/// A place in a file or another named text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File, or other name of the text.
    pub file: String,
    /// The whole text; empty if it is not at hand.
    pub text: String,
    /// What part of it is meant.
    pub at: At,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// All of it.
    Whole,
    /// Bytes of the text.
    Span(Range<usize>),
    /// A line, from 1, and the name or number of a field in it.
    Line {
        /// Line; 0 where the file has none.
        line: usize,
        /// Field; empty for the whole line.
        field: String,
    },
}

impl Problem {
    /// What was found and expected, and what to do about it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::bare(message)
        }
    }

    /// What was found and expected, where that says it all.
    pub fn bare(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            place: None,
        }
    }

    /// The same with this hint, or none.
    pub fn hinted(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// The same about a file as a whole.
    pub fn in_file(self, file: impl Into<String>) -> Self {
        self.at(file, "", At::Whole)
    }

    /// The same about some bytes of a text.
    pub fn in_text(self, file: impl Into<String>, text: impl Into<String>, span: Range<usize>) -> Self {
        self.at(file, text, At::Span(span))
    }

    /// The same about a line of a file and a field in it.
    pub fn in_line(self, file: impl Into<String>, line: usize, field: impl Into<String>) -> Self {
        let field = field.into();
        self.at(file, "", At::Line { line, field })
    }

    fn at(self, file: impl Into<String>, text: impl Into<String>, at: At) -> Self {
        let (file, text) = (file.into(), text.into());
        Self {
            place: Some(Box::new(Place { file, text, at })),
            ..self
        }
    }

    /// The message after the name of its place, without the hint.
    pub fn sentence(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        match &self.at {
            At::Whole => Ok(()),
            At::Span(span) => {
                let before = self.text.get(..span.start).unwrap_or(&self.text);
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                write!(f, ":{line}:{column}")
            }
            At::Line { line, field } => {
                if *line > 0 {
                    write!(f, ":{line}")?;
                }
                if !field.is_empty() {
                    write!(f, ": {field}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sentence())?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Problem(problem) => problem,
            LabError::Place {
                path,
                line,
                field,
                found,
                expected,
                hint,
            } => Self::bare(format!("{found}, expected {expected}"))
                .hinted((!hint.is_empty()).then(|| hint.into()))
                .in_line(path.display().to_string(), line, field),
            LabError::Taken { path, state, hint } => Self::new(format!("`{}` {state}", path.display()), hint),
            LabError::Io {
                doing, ref source, ..
            } if doing != "read" && source.kind() == std::io::ErrorKind::PermissionDenied => {
                Self::new(error.to_string(), "`--out PATH` writes to another place")
            }
            other => Self::bare(other.to_string()),
        }
    }
}

/// The known name most like a wrong one, whatever its case, if any is like it.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let likeness = |name: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (likeness(name), name))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

/// What to do about a wrong name: the known one most like it, or all of them, `what`s in the plural.
pub fn did_you_mean(wrong: &str, whats: &str, known: &[&str]) -> String {
    nearest(wrong, known.iter().copied()).map_or_else(
        || format!("{whats}: {}", known.join(", ")),
        |name| format!("did you mean `{name}`?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_far_as_it_is_known() {
        let told = |problem: Problem| problem.to_string();
        let problem = || Problem::bare("found x");
        assert_eq!(told(problem()), "found x");
        assert_eq!(told(problem().in_file("a.csv")), "a.csv: found x");
        assert_eq!(told(problem().in_line("a.csv", 3, "")), "a.csv:3: found x");
        assert_eq!(
            told(problem().in_line("a.csv", 3, "weight")),
            "a.csv:3: weight: found x"
        );
        assert_eq!(
            told(problem().in_line("a.csv", 0, "weight")),
            "a.csv: weight: found x"
        );
        assert_eq!(
            told(problem().in_text("a.toml", "ä = x", 5..6)),
            "a.toml:1:5: found x"
        );
        assert_eq!(told(problem().in_text("a.toml", "", 5..6)), "a.toml:1:1: found x");
    }

    #[test]
    fn a_run_in_use_keeps_its_hint_apart_from_its_message() {
        let taken = LabError::Taken {
            path: "runs/a".into(),
            state: "is in use".into(),
            hint: "wait".into(),
        };
        assert_eq!(Problem::from(taken), Problem::new("`runs/a` is in use", "wait"));
    }

    #[test]
    fn names_are_compared_whatever_their_case() {
        assert_eq!(nearest("left", ["RIGHT", "LEFT"]), Some("LEFT".to_owned()));
        assert_eq!(nearest("q", ["RIGHT", "LEFT"]), None);
        assert_eq!(did_you_mean("q", "inputs", &["A", "B"]), "inputs: A, B");
    }
}
