//! Every setting with its default and meaning, from the fields and comments of [`crate::config`] itself.

use crate::config::Config;
use serde::Serialize;
use toml::{Table, Value};

/// The text that declares the settings.
const DECLARED: &str = include_str!("config.rs");

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Name as it is typed: `policy.units`.
    pub key: String,
    /// Default as TOML; none for one that is absent unless it is set.
    pub default: Option<String>,
    /// What it is, with its unit.
    pub meaning: String,
}

/// All settings, in the order of the file that holds them.
pub fn settings() -> Vec<Setting> {
    let defaults = Table::try_from(Config::default()).expect("settings are TOML");
    let mut all = Vec::new();
    for (name, meaning) in fields("Config") {
        let parts = match name.as_str() {
            "policy" | "value" => fields("NetworkConfig"),
            "training" => fields("Training"),
            _ => {
                all.push(setting(&defaults, &name, meaning));
                continue;
            }
        };
        for (part, meaning) in parts {
            all.push(setting(&defaults, &format!("{name}.{part}"), meaning));
        }
    }
    all
}

fn setting(defaults: &Table, key: &str, meaning: String) -> Setting {
    let found = key
        .split('.')
        .try_fold(Value::Table(defaults.clone()), |value, part| {
            value.as_table().and_then(|table| table.get(part)).cloned()
        });
    Setting {
        default: found.map(|value| value.to_string()),
        key: key.to_owned(),
        meaning,
    }
}

/// Fields of a struct with their comments.
fn fields(structure: &str) -> Vec<(String, String)> {
    let begins = format!("pub struct {structure} {{");
    let lines = DECLARED.lines().skip_while(|line| *line != begins).skip(1);
    let (mut found, mut comment): (Vec<(String, String)>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in lines.take_while(|line| *line != "}").map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            comment.push(words.trim());
        } else if let Some(rest) = line.strip_prefix("pub ") {
            let name = rest.split(':').next().unwrap_or_default();
            found.push((name.to_owned(), comment.join(" ")));
            comment.clear();
        }
    }
    found
}

/// The settings as a chapter of the book.
pub fn chapter() -> String {
    let mut text = String::from(
        "# All settings\n\n\
         What `neuropil settings` prints. Change one with `--set KEY=VALUE`, in a task file under `[policy]`, `[value]` or \
         `[training]`, or in a settings file; `config.toml` of a run says where each value came from. A setting without a \
         default is absent unless it is set. This page is written by `neuropil settings --markdown`.\n\n\
         | setting | default | meaning |\n|---|---|---|\n",
    );
    for Setting {
        key,
        default,
        meaning,
    } in settings()
    {
        let default = default.map_or("–".to_owned(), |default| format!("`{default}`"));
        text.push_str(&format!(
            "| `{key}` | {default} | {} |\n",
            meaning.replace('|', "\\|")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_defaults_is_listed_with_its_meaning() {
        let listed = settings();
        let find = |key: &str| listed.iter().find(|setting| setting.key == key);
        let defaults = Table::try_from(Config::default()).unwrap();
        for (name, value) in &defaults {
            match value {
                Value::Table(table) => {
                    for part in table.keys() {
                        assert!(find(&format!("{name}.{part}")).is_some(), "{name}.{part}");
                    }
                }
                _ => assert!(find(name).is_some(), "{name}"),
            }
        }
        assert!(
            listed.iter().all(|setting| setting.meaning.len() > 10),
            "every setting says what it is"
        );
        // Those that are absent by default are listed as well.
        for absent in [
            "policy.output_bias",
            "value.excitatory_fraction",
            "training.target_reward",
            "dt_ms",
        ] {
            assert_eq!(find(absent).unwrap().default, None, "{absent}");
        }
        assert_eq!(find("policy.units").unwrap().default.as_deref(), Some("100"));
    }

    #[test]
    fn the_chapter_of_the_book_is_what_the_settings_are() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(
            written == chapter(),
            "write it anew: `neuropil settings --markdown > docs/settings.md`"
        );
    }
}
