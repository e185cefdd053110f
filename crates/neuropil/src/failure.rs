//! How a problem is shown.

use crate::terminal::{complain, plain};
use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};
use neuropil_lab::error::{At, Problem};

/// Bytes of a text around a problem that are shown; labels further right than 65 535 columns cannot be.
const SHOWN: usize = 2000;

/// Tells all problems but the last, which ends the command.
pub(crate) fn last(mut problems: Vec<Problem>) -> Problem {
    let last = problems.pop();
    for problem in &problems {
        show(problem);
    }
    last.unwrap_or_else(|| Problem::bare("it failed without a reason"))
}

/// Prints a problem on standard error.
pub(crate) fn show(problem: &Problem) {
    complain(&shown(problem));
}

/// The problem as a user sees it: message, the place in the text if it is at hand, hint.
fn shown(problem: &Problem) -> String {
    let span = problem.place.as_ref().and_then(|place| match &place.at {
        At::Span(span) if fits(&place.text, span.start) => Some((place, span.clone())),
        _ => None,
    });
    let message = match &span {
        Some(_) => problem.message.clone(),
        None => problem.sentence(),
    };
    let mut diagnostic = MietteDiagnostic::new(plain(&message).into_owned());
    if let Some(hint) = &problem.hint {
        diagnostic = diagnostic.with_help(plain(hint).into_owned());
    }
    let report = match span {
        Some((place, span)) => {
            let text = place
                .text
                .replace(|c: char| c.is_control() && !"\n\t\r".contains(c), " ");
            // A character of two bytes that became one would move the label.
            let (text, span) = if text.len() == place.text.len() {
                (text, span)
            } else {
                (text, 0..0)
            };
            Report::new(diagnostic.with_label(LabeledSpan::at(span, "here")))
                .with_source_code(NamedSource::new(plain(&place.file), text))
        }
        None => Report::new(diagnostic),
    };
    format!("{report:?}")
}

/// Can the place be pointed at on a line of a terminal?
fn fits(text: &str, at: usize) -> bool {
    let before = text.get(..at);
    before.is_some_and(|before| !text.is_empty() && at - before.rfind('\n').unwrap_or(0) < SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_far_to_the_right_is_told_and_not_drawn() {
        let text = format!("a = \"{}\" b", "x".repeat(70_000));
        let end = text.len();
        let problem = Problem::bare("expected an end").in_text("wide.toml", text, end - 1..end);
        let shown = shown(&problem);
        assert!(
            shown.contains("wide.toml:1:") && shown.len() < 1000,
            "{} bytes",
            shown.len()
        );
    }

    #[test]
    fn escapes_in_a_file_do_not_reach_the_terminal() {
        let problem = Problem::new("`\u{1b}[2J` is unknown", "try \u{7}").in_text(
            "a\u{1b}.toml",
            "a = '\u{1b}[2J'",
            4..9,
        );
        let shown = shown(&problem);
        assert!(
            !shown.contains("\u{1b}[2J") && !shown.contains('\u{7}'),
            "{shown:?}"
        );
    }
}
