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

/// Commands that answer a connectome without further words.
const ANALYSES: [&str; 15] = [
    "stats",
    "flow",
    "edges",
    "hubs",
    "layers",
    "integration",
    "hemispheres",
    "symmetry",
    "recurrence",
    "direction",
    "feedback",
    "paths",
    "motifs",
    "nulls",
    "types",
];

#[test]
fn a_generated_brain_answers_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(
        here,
        &["connectome", "simulate", "larva", "--pairs", "120"],
    ));
    for verb in ANALYSES {
        let answer = text(&neuropil(here, &["connectome", verb, "larva", "--json"]));
        assert!(
            serde_json::from_str::<serde_json::Value>(&answer).is_ok(),
            "{verb}"
        );
        text(&neuropil(here, &["connectome", verb, "larva"]));
    }
    text(&neuropil(
        here,
        &[
            "connectome",
            "report",
            "larva",
            "--out",
            "page",
            "--runs",
            "200",
            "--nulls",
            "3",
            "--seeds",
            "2",
            "--excisions",
            "3",
            "--cutoff",
            "3",
        ],
    ));
    for figure in [
        "edge-types",
        "multiplexed-edges",
        "edge-direction",
        "adjacency",
        "types",
        "type-tree",
        "type-adjacency",
        "type-pairs",
        "type-worth",
        "type-stability",
        "hubs",
        "hub-classes",
        "rich-club",
        "layers",
        "cascade",
        "senses",
        "sense-combinations",
        "hemispheres",
        "one-sided-signals",
        "edge-excision",
        "bilateral-symmetry",
        "recurrence",
        "path-lengths",
        "feedforward-feedback",
        "output-feedback",
        "paths",
        "motifs",
        "null-models",
        "influence",
    ] {
        for (within, ending) in [("figures", "svg"), ("figures", "png"), ("results", "csv")] {
            let file = format!("{within}/{figure}.{ending}");
            assert!(here.join("page").join(&file).is_file(), "{file}");
        }
    }
    let record = std::fs::read_to_string(here.join("page/provenance.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(
        (record["finished"].as_bool(), record["seed"].as_u64()),
        (Some(true), Some(1))
    );
    assert!(here.join("page/report.html").is_file());
}

#[test]
fn a_part_of_a_brain_is_exported_with_its_controls_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(here, &["connectome", "simulate", "larva"]));
    let export = [
        "connectome",
        "export-rnn",
        "larva",
        "--select",
        "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN",
        "--input",
        "FIXATION=all",
        "--deal",
        "A,B=celltype=PN",
        "--output",
        "GO=celltype=MBON",
        "--control",
        "degree",
        "--controls",
        "2",
        "--json",
    ];
    let told: serde_json::Value = serde_json::from_str(&text(&neuropil(here, &export))).unwrap();
    assert_eq!(told["channels"], serde_json::json!(["FIXATION", "A", "B"]));
    assert_eq!(told["files"].as_array().unwrap().len(), 3);
    let edges = told["files"][0]["n_connections"].as_u64();
    for name in ["wiring.npz", "wiring-degree-1.npz", "wiring-degree-2.npz"] {
        let net = neuropil_connectome::export::Wiring::load(&here.join(name)).unwrap();
        assert_eq!(Some(net.n_edges() as u64), edges, "{name}");
        assert_eq!(net.actions, ["GO"]);
    }
    // The same table in another form gives the same numbers.
    text(&neuropil(
        here,
        &["connectome", "import", "larva", "--out", "copy"],
    ));
    let stats = |data: &str| text(&neuropil(here, &["connectome", "stats", data, "--json"]));
    assert_eq!(stats("larva"), stats("copy"));
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
        (
            &["cascade", "ok.csv", "--sources", "1", "--runs", "0"],
            "whole number from 1",
        ),
        (&["hubs", "ok.csv", "--layer", "ad"], "no layer `ad`"),
        (&["edges", "ok.csv", "--threshold", "much"], "threshold `much`"),
        (&["export-rnn", "ok.csv"], "no selection of neurons"),
        (
            &["hemispheres", "ok.csv"],
            "no neuron of this connectome has a side",
        ),
        (&["paths", "ok.csv"], "no column `io`"),
        (
            &["influence", "ok.csv", "--sources", "1", "--radius", "2"],
            "spectral radius 2",
        ),
        (&["nulls", "ok.csv", "--null", "block"], "column `celltype`"),
        (
            &["stats", "ok.csv", "--table", "t.xlsx"],
            "a name that ends in `xlsx`",
        ),
        (
            &["stats", "ok.csv", "--format", "parquet"],
            "Parquet is not printed",
        ),
        (
            &["stats", "ok.csv", "--format", "csv", "--json"],
            "both say what is printed",
        ),
        (
            &["stats", "ok.csv", "--preset", "winding2024"],
            "possible values: winding2023",
        ),
    ] {
        let output = neuropil(here, &[&["connectome"], args].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(message.contains(expected), "{args:?}: {message}");
    }
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 2, "nothing is written");
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

#[test]
fn the_whole_table_is_printed_or_written_in_three_forms() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("e.csv"), "pre,post,weight\n1,2,30\n2,3,40\n").unwrap();
    let ask = |more: &[&str]| {
        let question = ["connectome", "cascade", "e.csv", "--sources", "1"];
        text(&neuropil(here, &[&question, more].concat()))
    };
    let csv = ask(&["--format", "csv"]);
    let rows: serde_json::Value = serde_json::from_str(&ask(&["--format", "json"])).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(csv.lines().count(), rows.len() + 1, "{csv}");
    assert!(
        rows.iter()
            .any(|row| row.as_object().unwrap().values().any(|cell| *cell == 2))
    );
    ask(&["--table", "t.csv", "--json"]);
    assert_eq!(std::fs::read_to_string(here.join("t.csv")).unwrap(), csv);
    if cfg!(not(feature = "columnar")) {
        let refused = ["connectome", "stats", "e.csv", "--table", "t.parquet"];
        let refused = neuropil(here, &refused);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--features columnar"));
        assert_eq!(refused.status.code(), Some(2));
    }
}

#[test]
fn cascades_of_all_units_that_were_killed_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(
        here,
        &["connectome", "simulate", "larva", "--pairs", "200"],
    ));
    let ask = |out: &'static str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuropil"));
        let words = [
            "connectome",
            "recurrence",
            "larva",
            "--json",
            "--threads",
            "1",
            "--runs",
            "20000",
        ];
        command.current_dir(here).args(words).args(["--out", out]);
        command
    };
    let journal = here.join("killed/cascades.partial");
    let mut child = ask("killed").stdout(std::process::Stdio::null()).spawn().unwrap();
    let lines = || std::fs::read(&journal).map_or(0, |bytes| bytes.split(|&b| b == b'\n').count() - 1);
    while lines() < 20 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "finished before it was killed"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines() < 200, "not all units were asked");
    let resumed = text(&ask("killed").output().unwrap());
    assert!(!journal.exists(), "the results are written");
    assert_eq!(resumed, text(&ask("whole").output().unwrap()));
}

/// A table as CSV, without a column, and of the rows that are kept.
fn cut(table: &str, without: Option<&str>, kept: impl Fn(&[&str]) -> bool) -> String {
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let gone = without.and_then(|name| header.iter().position(|column| *column == name));
    let mut text = String::new();
    for (i, line) in table.lines().enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        if i > 0 && !kept(&cells) {
            continue;
        }
        let left: Vec<&str> = (0..cells.len())
            .filter(|c| Some(*c) != gone)
            .map(|c| cells[c])
            .collect();
        text.push_str(&left.join(","));
        text.push('\n');
    }
    text
}

/// Connectomes that lack something: no classes, no output that is reached, one side, no pairs, no table but ids, three
/// neurons. Every command answers or says what it would need; none dies, and the page is written without what is missing.
#[test]
fn what_a_connectome_lacks_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    text(&neuropil(
        here,
        &["connectome", "simulate", "larva", "--pairs", "40"],
    ));
    let read = |name: &str| std::fs::read_to_string(here.join("larva").join(name)).unwrap();
    let (neurons, edges) = (read("neurons.csv"), read("edges.csv"));
    let ids_of = |kept: &dyn Fn(&[&str]) -> bool| -> Vec<String> {
        let rows = neurons
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect::<Vec<_>>());
        rows.filter(|cells| kept(cells))
            .map(|cells| cells[0].to_owned())
            .collect()
    };
    let (outputs, left) = (
        ids_of(&|cells| cells[5] == "output"),
        ids_of(&|cells| cells[1] == "L"),
    );
    assert!(
        neurons.starts_with("id,hemisphere,celltype,annotations,axon_lat,io,pair") && !outputs.is_empty()
    );
    let has = |ids: &[String], cell: &str| ids.iter().any(|id| id == cell);
    let all = |_: &[&str]| true;
    let few = ids_of(&all)[..3].to_vec();
    let unpaired = cut(&neurons, Some("pair"), all);
    let lacking = [
        ("no-classes", cut(&neurons, Some("celltype"), all), edges.clone()),
        (
            "no-output",
            neurons.clone(),
            cut(&edges, None, |edge| !has(&outputs, edge[1])),
        ),
        (
            "one-side",
            cut(&unpaired, None, |row| row[1] == "L"),
            cut(&edges, None, |edge| has(&left, edge[0]) && has(&left, edge[1])),
        ),
        ("no-pairs", unpaired.clone(), edges.clone()),
        (
            "three",
            cut(&unpaired, None, |row| has(&few, row[0])),
            format!(
                "pre,post,aa,ad,da,dd\n{0},{1},0,3,0,0\n{1},{2},0,2,0,0\n",
                few[0], few[1], few[2]
            ),
        ),
    ];
    for (name, neurons, edges) in lacking {
        std::fs::create_dir(here.join(name)).unwrap();
        std::fs::write(here.join(name).join("neurons.csv"), neurons).unwrap();
        std::fs::write(here.join(name).join("edges.csv"), edges).unwrap();
        for verb in ANALYSES {
            let answer = neuropil(here, &["connectome", verb, name, "--out", "figures"]);
            let said = String::from_utf8_lossy(&answer.stderr);
            let refused = answer.status.code() == Some(2) && said.contains("help:");
            assert!(
                answer.status.success() && !answer.stdout.is_empty() || refused,
                "{verb} {name}: {said}"
            );
        }
        let small = ["--runs", "3", "--nulls", "1", "--excisions", "1", "--seeds", "1"];
        let report = [&["connectome", "report", name, "--out", "page"][..], &small].concat();
        text(&neuropil(here, &report));
        assert!(here.join("page/report.html").exists(), "{name}");
        std::fs::remove_dir_all(here.join("page")).unwrap();
    }
    let empty = neuropil(
        here,
        &["connectome", "cascade", "larva", "--sources", "celltype=nobody"],
    );
    assert_eq!(empty.status.code(), Some(2));
}
