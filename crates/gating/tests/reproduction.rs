//! The paper's comparisons: stopped and gone on with, at other sizes, and what cannot be asked.

use neuropil_gating::system::Gating;
use neuropil_lab::error::Problem;
use neuropil_lab::provenance::Origin;
use neuropil_study::{Asked, Flow, News, Reproduced, System, Unwatched, Watch};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn reproduce(out: &Path, set: &[&str], watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
    let asked = Asked {
        parts: &["cognitive".to_owned()],
        quick: true,
        seeds: Some((1, 2)),
        set: &set,
        out: Some(out),
        origin: &Origin::default(),
    };
    Gating.reproduce(&asked, watch)
}

const SMALL: [&str; 4] = [
    "tasks.names=[\"masse-go\",\"masse-rt-go\"]",
    "network.units=20",
    "training.batches=5",
    "tasks.test_trials=20",
];

/// Counts the updates that were told; stops everything after some.
struct Counts {
    updates: AtomicU64,
    most: u64,
    stopped: AtomicBool,
}

impl Counts {
    fn up_to(most: u64) -> Self {
        Self {
            updates: AtomicU64::new(0),
            most,
            stopped: AtomicBool::new(false),
        }
    }
}

impl Watch for Counts {
    fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        Box::new(|news| {
            if matches!(news, News::Update(_))
                && self.updates.fetch_add(1, Ordering::Relaxed) + 1 >= self.most
            {
                self.stopped.store(true, Ordering::Relaxed);
            }
            if self.stopped() {
                Flow::Stop
            } else {
                Flow::Continue
            }
        })
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

#[test]
fn what_was_stopped_goes_on_and_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
    let expected = reproduce(&whole, &SMALL, &Unwatched).unwrap();
    // Four conditions of two networks of ten updates.
    let first = Counts::up_to(33);
    assert!(reproduce(&pieces, &SMALL, &first).unwrap().interrupted);
    let rest = Counts::up_to(u64::MAX);
    let ended = reproduce(&pieces, &SMALL, &rest).unwrap();
    let made = first.updates.load(Ordering::Relaxed) + rest.updates.load(Ordering::Relaxed);
    assert_eq!(made, 80, "an update was made twice");
    assert!(!ended.interrupted && ended.files == expected.files);
    assert_eq!(ended.folder.as_deref(), Some(&*pieces));
    let caption = |reproduced: Reproduced| {
        let page = reproduced.page.expect("a page");
        let mut figures = page.sections.into_iter().filter_map(|section| section.figure);
        figures.next().expect("a figure").caption
    };
    let caption = caption(ended);
    assert!(
        caption.contains("LSTM of 20 units, 5 batches of 32 trials"),
        "{caption}"
    );
}

#[test]
fn what_is_compared_cannot_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |set: &str| {
        reproduce(folder.path(), &[set], &Unwatched)
            .unwrap_err()
            .sentence()
    };
    assert!(
        refused("method=si").contains("`method` is what is compared"),
        "{}",
        refused("method=si")
    );
    assert!(refused("stabilise.strength = 3").contains("`stabilise.strength`"));
    assert!(
        refused("network.unit=3").contains("unknown field `unit`"),
        "{}",
        refused("network.unit=3")
    );
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "something was left"
    );
}
