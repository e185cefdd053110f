//! `neuropil settings`: every setting of the networks that learn from reward.

use crate::cli::{Global, SettingsArgs};
use crate::terminal::{out, print_json, table};
use neuropil_lab::error::Problem;
use neuropil_song::settings::{chapter, settings};

/// Runs the command.
pub(crate) fn run(args: &SettingsArgs, global: &Global) -> Result<u8, Problem> {
    if args.markdown {
        out!("{}", chapter().trim_end());
        return Ok(0);
    }
    let wanted = |key: &str| args.part.as_ref().is_none_or(|part| key.contains(part.as_str()));
    let found: Vec<_> = settings()
        .into_iter()
        .filter(|setting| wanted(&setting.key))
        .collect();
    if let (Some(part), true) = (&args.part, found.is_empty()) {
        return Err(Problem::new(
            format!("no setting has `{part}` in its name"),
            "`neuropil settings` lists them all",
        ));
    }
    if global.json {
        print_json(&found)?;
        return Ok(0);
    }
    let mut rows = table(["setting", "default", "meaning"]);
    for setting in found {
        rows.add_row([
            setting.key,
            setting.default.unwrap_or_else(|| "–".to_owned()),
            setting.meaning,
        ]);
    }
    out!("{rows}");
    Ok(0)
}
