//! The floors of the house: dependencies only point downwards, and systems do not know one another.

use std::collections::BTreeMap;

/// What a system may use.
const LEARNS: &[&str] = &[
    "neuropil-study",
    "neuropil-math",
    "neuropil-nn",
    "neuropil-tasks",
    "neuropil-learn",
    "neuropil-lab",
    "neuropil-draw",
];

/// Crate → the crates of this workspace that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("neuropil-math", &[]),
    ("neuropil-nn", &["neuropil-math"]),
    ("neuropil-tasks", &["neuropil-math", "neuropil-lab"]),
    (
        "neuropil-learn",
        &["neuropil-math", "neuropil-nn", "neuropil-tasks"],
    ),
    ("neuropil-lab", &["neuropil-math"]),
    ("neuropil-draw", &["neuropil-math"]),
    (
        "neuropil-study",
        &["neuropil-math", "neuropil-tasks", "neuropil-lab", "neuropil-draw"],
    ),
    ("neuropil-song", LEARNS),
    (
        "neuropil-connectome",
        &["neuropil-study", "neuropil-math", "neuropil-lab", "neuropil-draw"],
    ),
    ("neuropil-gating", LEARNS),
    ("neuropil-neuronid", LEARNS),
    ("neuropil-enhancers", LEARNS),
    ("neuropil-successor", LEARNS),
    (
        "neuropil",
        &[
            "neuropil-study",
            "neuropil-gating",
            "neuropil-neuronid",
            "neuropil-enhancers",
            "neuropil-successor",
            "neuropil-math",
            "neuropil-tasks",
            "neuropil-lab",
            "neuropil-draw",
            "neuropil-song",
            "neuropil-connectome",
        ],
    ),
];

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(serde::Deserialize)]
struct Dependency {
    name: String,
}

#[test]
fn dependencies_point_downwards() {
    let told = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .expect("cargo runs");
    let metadata: Metadata = serde_json::from_slice(&told.stdout).expect("this is a cargo workspace");
    let may_use: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let allowed = may_use
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` has no floor: give it a line in MAY_USE"));
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.name.starts_with("neuropil"))
        {
            assert!(
                allowed.contains(&dependency.name.as_str()),
                "`{name}` must not use `{}`",
                dependency.name
            );
        }
    }
}

#[test]
fn no_file_is_a_drawer() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            assert!(
                !["util", "utils", "common", "helpers", "misc"].contains(&name.as_str()),
                "{} says nothing about what is in it",
                path.display()
            );
            if path.is_dir() && name != "target" {
                folders.push(path);
            }
        }
    }
}
