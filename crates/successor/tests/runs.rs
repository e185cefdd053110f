//! Whole runs: from settings to the page, killed and resumed, on one thread and several.

use neuropil_lab::keeper::Begin;
use neuropil_lab::provenance::Origin;
use neuropil_lab::run::RunDirectory;
use neuropil_study::life::{self, Order};
use neuropil_study::{Asked, Flow, Given, Job, News, System, Unwatched, Watch, claims_markdown};
use neuropil_successor::job::{Successor, Walked};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

fn open(name: &str, set: &[&str]) -> Walked {
    let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
    Walked::open(&Given {
        name,
        text: None,
        set: &set,
        options: &[],
    })
    .unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn another_learner_keeps_what_was_set_for_it() {
    let set = [
        "model.features.sigma=1",
        "model.retrieval_gain=0.4",
        "model.kind=ff-td",
    ];
    let text = open("features", &set).settings().to_owned();
    for kept in [
        "kind = \"ff-td\"",
        "sigma = 1.0",
        "retrieval_gain = 0.4",
        "kind = \"iterated\"",
    ] {
        assert!(text.contains(kept), "`{kept}` is not in\n{text}");
    }
}

#[test]
fn a_training_of_features_measures_what_a_grid_compares() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, shuffled) in [("rnn-s", false), ("ff-td", true)] {
        let job = open(
            "features",
            &["steps=400", &format!("model.kind={kind}"), "fields.shuffles=20"],
        );
        let origin = Origin::default();
        let order = Order {
            out: &folder.path().join(kind),
            begin: Begin::New,
            updates: None,
            only: true,
            origin: &origin,
        };
        let summary = life::run(&job, &order, &Unwatched).unwrap();
        let value = |name: &str| {
            let found = summary.measures.iter().find(|measure| measure.name == name);
            found.map(|measure| measure.value)
        };
        assert!(value("td_loss").unwrap() > 0.0 && value("sparsity").unwrap() > 0.0);
        assert!(value("fields_per_neuron").is_some() && value("kl_numbers_bits").is_some());
        assert_eq!(value("shuffled_td_loss").is_some(), shuffled);
    }
}

fn make(job: &dyn Job, out: &Path, begin: Begin, watch: &dyn Watch) {
    let origin = Origin::default();
    let order = Order {
        out,
        begin,
        updates: None,
        only: false,
        origin: &origin,
    };
    life::run(job, &order, watch).unwrap();
}

/// Every file of a run but those that hold times and the log.
fn content(run: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in ["checkpoint", "trials", "results", "figures"] {
        let mut names: Vec<PathBuf> = std::fs::read_dir(run.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        for name in names {
            let bytes = std::fs::read(&name).unwrap();
            files.push((name.strip_prefix(run).unwrap().to_owned(), bytes));
        }
    }
    files
}

fn same(a: &Path, b: &Path) {
    let (a, b) = (content(a), content(b));
    assert_eq!(
        a.iter().map(|file| &file.0).collect::<Vec<_>>(),
        b.iter().map(|file| &file.0).collect::<Vec<_>>()
    );
    for ((name, ours), (_, theirs)) in a.iter().zip(&b) {
        // checkpoints hold checksums of the log, whose lines hold times
        if !name.starts_with("checkpoint") {
            assert!(ours == theirs, "{} differs", name.display());
        }
    }
}

/// Stops when this many updates were told.
struct StopsAfter(AtomicU64);

impl Watch for StopsAfter {
    fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        Box::new(|news| match news {
            News::Update(_) if self.0.fetch_sub(1, Ordering::Relaxed) == 1 => Flow::Stop,
            _ => Flow::Continue,
        })
    }

    fn stopped(&self) -> bool {
        false
    }
}

#[test]
fn a_track_becomes_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/faults");
    let (track, spikes) = (faults.join("circular_arena.csv"), faults.join("spikes_ms.csv"));
    let set = [
        format!("track.file='{}'", track.display()),
        format!("track.spikes='{}'", spikes.display()),
        "track.spike.unit='ms'".to_owned(),
        "fields.shuffles=10".to_owned(),
    ];
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let out = folder.path().join("run");
    make(&open("track", &set), &out, Begin::New, &Unwatched);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for words in [
        "round arena, as its empty corners say",
        "The walk",
        "Place fields of the model",
        "Recorded neurons",
        "eigenvalues of M",
    ] {
        assert!(page.contains(words), "`{words}` is not on the page");
    }
    // the run goes on without the file it was made from
    let text = std::fs::read_to_string(out.join("config.toml"))
        .unwrap()
        .replace("circular_arena", "gone");
    let job = Walked::open(&Given {
        name: "config.toml",
        text: Some(&text),
        set: &[],
        options: &[],
    })
    .unwrap();
    let run = RunDirectory::read(&out).unwrap();
    let found = job
        .analyse(
            &run,
            &["learning".to_owned()],
            &neuropil_lab::config::Layers::new(),
        )
        .unwrap();
    assert!(found[0].answer.is_ok());
}

#[test]
fn a_run_that_was_stopped_ends_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let job = open("arena", &["steps=4300", "fields.shuffles=5"]);
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    make(&job, &whole, Begin::New, &Unwatched);
    make(&job, &cut, Begin::New, &StopsAfter(AtomicU64::new(51)));
    make(&job, &cut, Begin::Resume, &Unwatched);
    same(&whole, &cut);
    // nor does a run change that goes on after its end
    make(&job, &cut, Begin::Resume, &Unwatched);
    same(&whole, &cut);
}

#[test]
fn results_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    for experiment in ["ring", "features"] {
        let job = open(experiment, &["steps=1500", "fields.shuffles=5"]);
        let runs = [1, 2].map(|threads| {
            let out = folder.path().join(format!("{experiment}-{threads}"));
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| make(&job, &out, Begin::New, &Unwatched));
            out
        });
        same(&runs[0], &runs[1]);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_all_named() {
    let set = ["model.gain=1.5", "steps=1", "model.feature_rate=7"].map(str::to_owned);
    let problems = Successor
        .open(&Given {
            name: "arena",
            text: None,
            set: &set,
            options: &[],
        })
        .err()
        .unwrap();
    assert_eq!(problems.len(), 3);
    let unknown = Successor
        .open(&Given {
            name: "aren",
            text: None,
            set: &[],
            options: &[],
        })
        .err()
        .unwrap();
    assert!(unknown[0].to_string().contains("did you mean `arena`?"));
}

#[test]
fn a_figure_that_was_computed_before_is_told_again_to_the_digit() {
    let folder = tempfile::tempdir().unwrap();
    let parts = ["app7".to_owned()];
    let asked = Asked {
        parts: &parts,
        quick: true,
        seeds: None,
        set: &[],
        out: Some(folder.path()),
        origin: &Origin::default(),
    };
    let told = || {
        let found = Successor.reproduce(&asked, &Unwatched).unwrap();
        (claims_markdown(&found.claims), found.files)
    };
    assert!(told() == told());
    let kept = std::fs::read_dir(folder.path().join("kept")).unwrap().count();
    assert_eq!(kept, 1);
}
