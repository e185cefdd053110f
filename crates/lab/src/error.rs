//! Problems with files and settings.

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
    Problem(#[from] Box<Problem>),
}

impl LabError {
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

/// A problem at a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File, or other name of the text.
    pub source_name: String,
    /// The whole text.
    pub source_text: String,
    /// Bytes of the text that the problem is about.
    pub span: Option<Range<usize>>,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source_name)?;
        if let Some(span) = &self.span {
            let before = &self.source_text[..span.start.min(self.source_text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The known name most like a wrong one, if any is like it.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let scored = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name));
    scored
        .filter(|&(score, _)| score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}
