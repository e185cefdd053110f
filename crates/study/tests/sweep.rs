//! Sweeps of an invented system: on threads, in shards, killed, failed and merged.

use crate::coin::Coins;
use neuropil_lab::error::Problem;
use neuropil_lab::provenance::Origin;
use neuropil_lab::run::RunDirectory;
use neuropil_lab::shards::Shard;
use neuropil_lab::sweep::Sweep;
use neuropil_lab::sweep::folder::{Folder, Planned, State};
use neuropil_study::sweep::{Opener, Outcome, Workers, merge, plan, work};
use neuropil_study::{Flow, Given, Job, News, System, Unwatched, Watch};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const SWEEP: &str = "experiment = 'bent'\nseeds = '1..3'\n[grid]\nlearning_rate = [0.02, 0.05]\n";

fn folder(path: &Path) -> Folder {
    let sweep = Sweep::parse("sweep.toml", SWEEP).unwrap();
    let open = |run: &neuropil_lab::sweep::Run| {
        let mut set = run.assignments();
        set.push(format!("seed={}", run.seed));
        Coins.open(&Given {
            name: &sweep.experiment,
            text: None,
            set: &set,
            options: &[],
        })
    };
    let (common, runs, files) = plan(&sweep, &open).unwrap();
    Folder::create(path, common, runs, &files).unwrap()
}

fn open(planned: &Planned) -> Result<Box<dyn Job>, Problem> {
    let given = Given {
        name: "run.toml",
        text: Some(&planned.settings),
        set: &[],
        options: &[],
    };
    Coins.open(&given).map_err(|mut problems| problems.remove(0))
}

fn done(
    folder: &Folder,
    threads: usize,
    shard: &str,
    open: &Opener<'_>,
    watch: &dyn Watch,
) -> Vec<(usize, Outcome)> {
    let workers = Workers {
        threads,
        shard: shard.parse::<Shard>().unwrap(),
        origin: &Origin::default(),
        open,
        watch,
        told: &|_, _| {},
    };
    work(folder, &workers).unwrap()
}

/// Stops everything after so many updates in all.
struct Budget(AtomicU64);

impl Watch for Budget {
    fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
        Box::new(|_| {
            let left = self.0.load(Ordering::Relaxed).saturating_sub(1);
            self.0.store(left, Ordering::Relaxed);
            if left == 0 { Flow::Stop } else { Flow::Continue }
        })
    }

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

fn tables(folder: &Folder) -> Vec<Vec<u8>> {
    let merged = merge(folder).unwrap();
    assert!(merged.missing.is_empty(), "{:?}", merged.missing);
    merged.save(folder).unwrap();
    let names = ["table.csv", "table.json", "cells.csv", "comparison.html"];
    names
        .iter()
        .map(|name| std::fs::read(folder.path().join(name)).unwrap())
        .collect()
}

#[test]
fn threads_shards_and_interruptions_come_to_the_same_tables() {
    let place = tempfile::tempdir().unwrap();
    let whole = folder(&place.path().join("whole"));
    let outcomes = done(&whole, 4, "1/1", &open, &Unwatched);
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Done));
    let expected = tables(&whole);
    assert_eq!(tables(&whole), expected, "merging again changes nothing");

    let parts = folder(&place.path().join("parts"));
    let stopped = done(&parts, 1, "3/4", &open, &Budget(AtomicU64::new(130)));
    assert_eq!(stopped, [(3, Outcome::Stopped)]);
    assert_eq!(parts.state(&parts.runs()[2]).unwrap(), State::Stopped);
    assert_eq!(merge(&parts).unwrap().missing, [1, 2, 3, 4, 5, 6]);
    for shard in ["4/4", "3/4", "1/4", "2/4", "2/4"] {
        done(&parts, 2, shard, &open, &Unwatched);
    }
    assert_eq!(tables(&parts), expected);
    let text = String::from_utf8(expected[0].clone()).unwrap();
    assert!(
        text.starts_with("run,cell,seed,learning_rate,criterion_met,updates,"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 7);
    let page = String::from_utf8(expected[3].clone()).unwrap();
    assert!(page.contains("All 6 runs of 2 cells are finished."));
}

#[test]
fn a_run_that_another_process_does_is_left_to_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place.path().join("s"));
    let held = RunDirectory::create(&folder.place(&folder.runs()[1])).unwrap();
    let outcomes = done(&folder, 2, "1/1", &open, &Unwatched);
    assert_eq!(outcomes[1], (2, Outcome::Elsewhere));
    assert_eq!(
        outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Done)
            .count(),
        5
    );
    drop(held);
    assert_eq!(done(&folder, 2, "2/6", &open, &Unwatched), [(2, Outcome::Done)]);
}

#[test]
fn a_run_that_fails_is_told_and_tried_again_and_the_others_go_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place.path().join("s"));
    let failing = |planned: &Planned| match planned.run {
        4 => Err(Problem::bare("the coin is lost")),
        _ => open(planned),
    };
    let outcomes = done(&folder, 2, "1/1", &failing, &Unwatched);
    assert_eq!(
        outcomes[3],
        (4, Outcome::Failed(Problem::bare("the coin is lost")))
    );
    assert_eq!(
        folder.state(&folder.runs()[3]).unwrap(),
        State::Failed("the coin is lost".into())
    );
    assert_eq!(merge(&folder).unwrap().missing, [4]);
    done(&folder, 2, "1/1", &open, &Unwatched);
    assert!(merge(&folder).unwrap().missing.is_empty());
}
