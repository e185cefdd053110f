//! `neuropil connectome` as it is typed.

use std::path::Path;
use std::process::{Command, Output};

fn neuropil(folder: &Path, args: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_neuropil"))
        .current_dir(folder)
        .args(args)
        .output();
    command.expect("the command starts")
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_generated_brain_answers_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(
        here,
        &["connectome", "simulate", "larva", "--pairs", "120"],
    ));
    for verb in [
        "stats",
        "flow",
        "edges",
        "hubs",
        "integration",
        "recurrence",
        "types",
    ] {
        let answer = text(&neuropil(here, &["connectome", verb, "larva", "--json"]));
        assert!(
            serde_json::from_str::<serde_json::Value>(&answer).is_ok(),
            "{verb}"
        );
        text(&neuropil(here, &["connectome", verb, "larva"]));
    }
    text(&neuropil(
        here,
        &["connectome", "report", "larva", "--out", "page", "--runs", "200"],
    ));
    for file in ["report.html", "edge-types.svg", "types.png", "senses.csv"] {
        assert!(here.join("page").join(file).is_file(), "{file}");
    }
}

#[test]
fn threads_do_not_change_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(here, &["connectome", "simulate", "larva"]));
    let cascade = [
        "connectome",
        "cascade",
        "larva",
        "--sources",
        "annotations~olfactory",
        "--runs",
        "777",
        "--json",
    ];
    let with = |args: &[&str], n: &str| text(&neuropil(here, &[args, &["--threads", n]].concat()));
    assert_eq!(with(&cascade, "1"), with(&cascade, "3"));
    let types = ["connectome", "types", "larva", "--json"];
    assert_eq!(with(&types, "1"), with(&types, "3"));
}

#[test]
fn mistakes_exit_with_two_and_say_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("e.csv"), "pre,post,weight\n1,2,3\n2,3,x\n").unwrap();
    std::fs::write(here.join("ok.csv"), "pre,post,weight\n1,2,3\n2,3,4\n").unwrap();
    for (args, expected) in [
        (&["stats", "e.csv"][..], "e.csv:3: weight"),
        (&["stats", "absent.csv"], "absent.csv: cannot read"),
        (&["cascade", "ok.csv", "--sources", "9"], "no neuron `9`"),
        (
            &["cascade", "ok.csv", "--sources", "celltype=PN"],
            "no column `celltype`",
        ),
        (&["cascade", "ok.csv", "--sources", "1", "--runs", "0"], "0 runs"),
        (&["hubs", "ok.csv", "--layer", "ad"], "no layer `ad`"),
        (&["edges", "ok.csv", "--threshold", "much"], "threshold `much`"),
    ] {
        let output = neuropil(here, &[&["connectome"], args].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(message.contains(expected), "{args:?}: {message}");
    }
    let exact = text(&neuropil(
        here,
        &[
            "connectome",
            "cascade",
            "ok.csv",
            "--sources",
            "1",
            "--exact",
            "--json",
        ],
    ));
    let exact: serde_json::Value = serde_json::from_str(&exact).unwrap();
    let p = exact["neurons"][1]["probability"][1].as_f64().unwrap();
    assert!((p - (1.0 - 0.95_f64.powi(3))).abs() < 1e-12);
}
