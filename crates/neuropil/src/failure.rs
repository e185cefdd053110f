//! How a problem is shown, and the exit codes.

use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use neuropil_lab::error::{At, Problem};

/// The run finished, but a check that was asked for failed.
pub(crate) const CHECK_FAILED: u8 = 1;
/// Bad input or usage.
pub(crate) const BAD_INPUT: u8 = 2;
/// Interrupted after a clean checkpoint.
pub(crate) const INTERRUPTED: u8 = 130;

/// The problem as a user sees it: message, the place in the text if it is at hand, hint.
pub(crate) fn shown(problem: &Problem) -> String {
    let span = problem.place.as_ref().and_then(|place| match &place.at {
        At::Span(span) if !place.text.is_empty() => Some((place, span.clone())),
        _ => None,
    });
    let message = match &span {
        Some(_) => problem.message.clone(),
        None => problem.sentence(),
    };
    let mut diagnostic = MietteDiagnostic::new(message);
    if let Some(hint) = &problem.hint {
        diagnostic = diagnostic.with_help(hint.clone());
    }
    let report = match span {
        Some((place, span)) => Report::new(diagnostic.with_label(LabeledSpan::at(span, "here")))
            .with_source_code(NamedSource::new(&place.file, place.text.clone())),
        None => Report::new(diagnostic),
    };
    format!("{report:?}")
}
