//! What holds for every system that keeps to the traits.

use crate::coin::Coins;
use neuropil_lab::keeper::Begin;
use neuropil_lab::provenance::Origin;
use neuropil_study::life::{self, Order};
use neuropil_study::{
    Asked, Flow, Given, Job, News, Summary, System, Unwatched, Verdict, Watch, experiment_of,
};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

fn open(name: &str, set: &[&str]) -> Box<dyn Job> {
    let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
    let given = Given {
        name,
        text: None,
        set: &set,
        options: &[],
    };
    Coins
        .open(&given)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn run(job: &dyn Job, out: &Path, begin: Begin, watch: &dyn Watch) -> Summary {
    let order = Order {
        out,
        begin,
        updates: None,
        only: false,
        origin: &Origin::default(),
    };
    life::run(job, &order, watch).unwrap()
}

/// Stops after some updates.
struct Patience(AtomicU64);

impl Watch for Patience {
    fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        Box::new(|news| match news {
            News::Update(n) if *n >= self.0.load(Ordering::Relaxed) => Flow::Stop,
            _ => Flow::Continue,
        })
    }

    fn stopped(&self) -> bool {
        false
    }
}

#[test]
fn a_job_goes_from_its_settings_to_its_page_and_can_be_opened_again_from_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bent");
    let job = open("bent", &["seed=3"]);
    let summary = run(&*job, &out, Begin::New, &Unwatched);
    assert!(summary.criterion_met && summary.updates == 400, "{summary:?}");
    for file in [
        "config.toml",
        "provenance.json",
        "log.jsonl",
        "checkpoint/best.safetensors",
        "trials/test.json",
        "results/belief.json",
        "results/belief.csv",
        "figures/belief.svg",
        "figures/belief.png",
        "report.html",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let text = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert_eq!(experiment_of(&text).as_deref(), Some("coins/bent"));
    let again = Coins.open(&Given {
        name: "config.toml",
        text: Some(&text),
        set: &[],
        options: &[],
    });
    let again = again.unwrap();
    assert_eq!((again.seed(), again.name()), (3, "coins/bent"));
    assert_eq!(toml_of(again.settings()), toml_of(&text));
    let page = std::fs::read(out.join("report.html")).unwrap();
    std::fs::remove_file(out.join("report.html")).unwrap();
    let run = neuropil_lab::run::RunDirectory::read(&out).unwrap();
    life::report(&*again, &run).unwrap();
    assert_eq!(std::fs::read(out.join("report.html")).unwrap(), page);
}

fn toml_of(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

#[test]
fn a_stopped_job_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    run(&*open("fair", &[]), &whole, Begin::New, &Unwatched);
    for updates in [7, 150, 151, u64::MAX] {
        let watch = Patience(AtomicU64::new(updates));
        let summary = run(&*open("fair", &[]), &parts, Begin::Resume, &watch);
        assert_eq!(summary.interrupted, updates < 400);
    }
    let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).unwrap();
    let best = |folder: &Path| {
        let run = neuropil_lab::run::RunDirectory::read(folder).unwrap();
        neuropil_lab::keeper::best(&run).unwrap().unwrap().arrays
    };
    assert_eq!(best(&whole), best(&parts));
    for file in [
        "trials/test.json",
        "results/belief.json",
        "figures/belief.svg",
        "figures/belief.png",
    ] {
        assert_eq!(read(&whole, file), read(&parts, file), "{file}");
    }
}

#[test]
fn what_cannot_begin_leaves_nothing_and_says_all_that_is_wrong() {
    let set = ["heads=2".to_owned(), "learning_rate=-1".to_owned()];
    let given = Given {
        name: "fair",
        text: None,
        set: &set,
        options: &[],
    };
    let problems = Coins.open(&given).err().expect("both are wrong");
    assert_eq!(problems.len(), 2);
    assert!(problems[0].to_string().contains("heads is 2"), "{}", problems[0]);
    let unknown = Coins
        .open(&Given {
            name: "fare",
            set: &[],
            ..given
        })
        .err()
        .expect("there is none");
    assert_eq!(unknown[0].hint.as_deref(), Some("did you mean `fair`?"));
}

#[test]
fn other_settings_do_not_go_on_with_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    run(&*open("fair", &[]), &out, Begin::New, &Unwatched);
    let other = open("fair", &["learning_rate=0.5"]);
    let order = Order {
        out: &out,
        begin: Begin::Resume,
        updates: None,
        only: true,
        origin: &Origin::default(),
    };
    let problem = life::run(&*other, &order, &Unwatched).unwrap_err();
    assert!(problem.message.contains("learning_rate: 0.02 → 0.5"), "{problem}");
}

#[test]
fn a_reproduction_is_judged_by_its_claims() {
    let asked = Asked {
        parts: &[],
        quick: false,
        seeds: Some((1, 4)),
        set: &[],
        out: None,
        origin: &Origin::default(),
    };
    let reproduced = Coins.reproduce(&asked, &Unwatched).unwrap();
    assert!(reproduced.held);
    assert_eq!(reproduced.claims[0].verdict(), Verdict::InBand);
    assert_eq!(reproduced.claims[0].ours.values().len(), 4);
}
