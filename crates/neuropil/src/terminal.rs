//! What is printed: results on standard output, everything else on standard error.
//!
//! A reader that has seen enough (`| head`) is no failure: what is left is not printed, and work goes on. A standard
//! output that cannot be written for another reason is told. Control characters, which names and descriptions from
//! files may hold, are shown and not obeyed.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use neuropil_lab::error::Problem;
use std::borrow::Cow;
use std::io::{ErrorKind, Write};

/// Prints a line to standard output.
macro_rules! out {
    ($($text:tt)*) => {
        $crate::terminal::print(&format!($($text)*))?
    };
}

/// Prints a line to standard error, as well as that can be done.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::terminal::tell(&format!($($text)*))
    };
}

pub(crate) use {out, say};

/// Prints text and the end of its line.
pub(crate) fn print(text: &str) -> Result<(), Problem> {
    write(format!("{}\n", plain(text)).as_bytes())
}

/// Prints what is to be read by a program, as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Problem> {
    let mut text = serde_json::to_vec_pretty(value).expect("results are JSON");
    text.push(b'\n');
    write(&text)
}

/// Writes bytes to standard output as they are.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Problem> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Problem::new(
            format!("cannot write to standard output: {error}"),
            "redirect it to a file that can be written",
        )),
        _ => Ok(()),
    }
}

/// Tells something on standard error; nobody need listen.
pub(crate) fn tell(text: &str) {
    complain(&plain(text));
}

/// Prints text with its colours on standard error; nobody need listen.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The text with control characters spelled out; lines and tabs stay.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && !['\n', '\t'].contains(&c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| {
        if obeyed(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// A table without lines.
pub(crate) fn table<'a>(headers: impl IntoIterator<Item = &'a str>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headers);
    table
}

/// A bar over `n` pieces of work, on standard error if it is a terminal.
pub(crate) fn counter(label: &str, n: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(n), ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{prefix} {msg} {bar:30} {pos}/{len}, {eta} left");
    bar.set_style(style.expect("the template is valid"));
    bar.set_prefix(label.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(
            plain("a\u{1b}[31mred\r\u{9b}0m\n\tb"),
            "a\\u{1b}[31mred\\r\\u{9b}0m\n\tb"
        );
        assert!(matches!(plain("correct 80 % – αβ"), Cow::Borrowed(_)));
    }
}
