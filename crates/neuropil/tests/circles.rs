//! Modules of a crate stand on one another like its crates: no circle of siblings, whatever the folder.
//!
//! A module may use its parent and what lies in its own folder; between siblings, and all that is below them, uses go
//! one way. Paths are read from the text: `crate::…`, `super::…`, `self::…`, also in braces, outside of tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Module = Vec<String>;
/// Siblings that each child of a module uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_modules_use_one_another_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut circles = Vec::new();
    for entry in std::fs::read_dir(&crates).expect("the crates") {
        let folder = entry.expect("a crate").path();
        let mut sources = BTreeMap::new();
        collect(&folder.join("src"), &mut Vec::new(), &mut sources);
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        circles.extend(
            find_circles(&sources)
                .into_iter()
                .map(|circle| format!("{name}: {circle}")),
        );
    }
    assert!(circles.is_empty(), "circles of modules:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_whatever_way_it_is_written() {
    let circles = |sources: &[(&str, &str)]| {
        let module = |path: &str| path.split('/').map(str::to_owned).collect::<Module>();
        find_circles(
            &sources
                .iter()
                .map(|(path, text)| (module(path), (*text).to_owned()))
                .collect(),
        )
    };
    let one = circles(&[
        ("a", "use crate::b::{self, Thing};"),
        ("b", "fn f() -> crate::a::Other {}"),
    ]);
    assert_eq!(one, ["a → b → a"]);
    let nested = circles(&[
        ("room", ""),
        ("room/a", "use super::b::Thing;"),
        ("room/b", "use crate::{other, room::{c, d}};"),
        ("room/c", "use super::a;"),
        ("room/d", ""),
    ]);
    assert_eq!(nested, ["room::{a → b → c → a}"]);
    let harmless = circles(&[
        ("room", "mod a; use a::Thing;"),
        ("room/a", "use super::Item; use crate::b;"),
        (
            "b",
            "// crate::room\n#[cfg(test)]\nmod tests {\n use crate::room;\n}",
        ),
    ]);
    assert_eq!(harmless, [""; 0]);
}

fn collect(folder: &Path, module: &mut Module, sources: &mut BTreeMap<Module, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let root = module.is_empty() && ["lib", "main"].contains(&stem.as_str());
        module.push(stem);
        if path.is_dir() {
            collect(&path, module, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !root {
            let text = std::fs::read_to_string(&path).expect("a source file");
            sources.insert(module.clone(), text);
        }
        module.pop();
    }
}

fn find_circles(sources: &BTreeMap<Module, String>) -> Vec<String> {
    let mut rooms: BTreeMap<Module, Uses> = BTreeMap::new();
    for (module, text) in sources {
        for used in used_paths(module, &without_comments_and_tests(text)) {
            let known = (1..=used.len()).rev().find(|&n| sources.contains_key(&used[..n]));
            let used = &used[..known.unwrap_or(0)];
            let shared = module.iter().zip(used).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(shared), used.get(shared)) {
                let room = rooms.entry(module[..shared].to_vec()).or_default();
                room.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let mut circles = Vec::new();
    for (room, uses) in &rooms {
        let mut done = BTreeSet::new();
        for start in uses.keys() {
            if let Some(circle) = circle_from(start, uses, &mut Vec::new(), &mut done) {
                let circle = circle.join(" → ");
                circles.push(if room.is_empty() {
                    circle
                } else {
                    format!("{}::{{{circle}}}", room.join("::"))
                });
            }
        }
    }
    circles
}

/// The first circle on a way from `module`, depth first.
fn circle_from(
    module: &str,
    uses: &Uses,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(first) = way.iter().position(|passed| passed == module) {
        return Some([&way[first..], &[module.to_owned()]].concat());
    }
    if !done.insert(module.to_owned()) {
        return None;
    }
    way.push(module.to_owned());
    let circle = uses
        .get(module)
        .into_iter()
        .flatten()
        .find_map(|next| circle_from(next, uses, way, done));
    way.pop();
    circle
}

fn without_comments_and_tests(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..tests].lines();
    lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Absolute paths of all that a module names by `crate::`, `super::` or `self::`.
fn used_paths(module: &Module, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let before = &text[..at];
        let word = before
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let first = !before[..before.len() - word.len()].ends_with("::");
        let base = match word {
            "crate" if first => Vec::new(),
            "self" if first => module.clone(),
            "super" if first => module[..module.len() - 1].to_vec(),
            _ => continue,
        };
        expand(&text[at + 2..], base, &mut found);
    }
    found
}

/// Spells out `a::{b, c::d}` behind a base.
fn expand(text: &str, base: Module, found: &mut Vec<Module>) {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('{') {
        let (mut depth, mut begin) = (1, 0);
        for (i, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                expand(&inner[begin..i], base.clone(), found);
                begin = i + 1;
            }
            if depth == 0 {
                return;
            }
        }
        return;
    }
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let mut path = base;
    match word {
        "super" => {
            path.pop();
        }
        "" | "self" => {}
        name => path.push(name.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(rest) => expand(rest, path, found),
        None => found.push(path),
    }
}
