//! Recurrent sequences by the system's own door: stopped against not, one thread against several, the network of the
//! active units against the whole one, all methods, and settings that are refused.

use crate::support;
use neuropil_gating::system::Gating;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_study::{Given, Job, System};
use std::path::Path;

const SMALL: [&str; 7] = [
    "tasks.names=[\"masse-go\", \"masse-dm1\", \"masse-dms\"]",
    "network.units=24",
    "gates.gated=0.5",
    "training.batches=6",
    "training.batch=20",
    "training.checkpoint_every=2",
    "tasks.test_trials=40",
];

fn open(name: &str, set: &[&str]) -> Result<Box<dyn Job>, String> {
    let set: Vec<String> = SMALL.iter().chain(set).map(|&set| set.to_owned()).collect();
    let given = Given {
        name,
        text: None,
        set: &set,
        options: &[],
    };
    let told = |problems: Vec<neuropil_lab::error::Problem>| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    Gating.open(&given).map_err(told)
}

fn train(name: &str, set: &[&str], out: &Path, pieces: &[u64]) -> Checkpoint {
    support::train(&*open(name, set).unwrap(), out, pieces)
}

#[test]
fn a_sequence_that_was_stopped_anywhere_ends_with_the_same_bits() {
    for (name, set) in [
        ("cognitive", &["method=xdg+si"][..]),
        (
            "cognitive",
            &[
                "method=partial+ewc+rule",
                "stabilise.samples=5",
                "network.cell=ei-stp",
            ],
        ),
        ("cognitive-reward", &["method=xdg+si"]),
    ] {
        let place = tempfile::tempdir().unwrap();
        let whole = train(name, set, &place.path().join("whole"), &[]);
        let pieces = train(name, set, &place.path().join("pieces"), &[1, 4, 6, 9, 12, 17]);
        assert_eq!(whole.arrays, pieces.arrays, "{name} {set:?}");
        assert_eq!(whole.state, pieces.state, "{name} {set:?}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let place = tempfile::tempdir().unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let out = place.path().join(threads.to_string());
        pool.install(|| {
            train(
                "cognitive",
                &["training.batch=40", "training.batches=3"],
                &out,
                &[],
            )
        })
    };
    assert_eq!(on(1).arrays, on(3).arrays);
}

fn apart(a: &Checkpoint, b: &Checkpoint, name: &str) -> f32 {
    let of = |checkpoint: &Checkpoint| checkpoint.singles(name).unwrap().1.to_vec();
    let (a, b) = (of(a), of(b));
    let largest = a.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

#[test]
fn the_network_of_the_active_units_learns_as_the_whole_one_with_masks() {
    for (name, cell) in [("cognitive", "lstm"), ("cognitive-reward", "lstm")] {
        let place = tempfile::tempdir().unwrap();
        let cell = format!("network.cell={cell}");
        let gathered = train(name, &[&cell], &place.path().join("some"), &[]);
        let whole = train(name, &[&cell, "gates.whole=true"], &place.path().join("all"), &[]);
        let found = apart(&gathered, &whole, "theta");
        assert!(found < 1e-3, "{name}: θ differs by {found} of its largest");
    }
}

#[test]
fn every_method_learns_and_holds_what_it_should() {
    for method in [
        "none",
        "si",
        "ewc",
        "xdg+ewc",
        "xdg-exact+si+rule",
        "split+si",
        "partial",
    ] {
        let place = tempfile::tempdir().unwrap();
        let set = [
            &format!("method={method}")[..],
            "gates.parts=2",
            "stabilise.samples=4",
            "stabilise.strength=1",
        ];
        let last = train("cognitive", &set, &place.path().join("run"), &[]);
        let theta = last.singles("theta").unwrap().1;
        assert!(theta.iter().all(|theta| theta.is_finite()), "{method}");
        let learnt = last.state["pupil"]["learnt"].as_array().unwrap();
        assert_eq!(learnt.len(), 3, "{method}");
        let penalty = |task: usize| learnt[task]["largest_penalty"].as_f64().unwrap();
        assert_eq!(penalty(0), 0.0, "{method}: no penalty in the first task");
        let held = method.contains("si") || method.contains("ewc");
        assert_eq!(penalty(1) > 0.0, held, "{method}: {}", penalty(1));
    }
}

#[test]
fn a_task_is_learnt_by_reward() {
    let place = tempfile::tempdir().unwrap();
    let after = |batches: usize| {
        let set = [
            "tasks.names=[\"masse-go\"]",
            "method=none",
            "training.rate=0.003",
            "tasks.test_trials=200",
            &format!("training.batches={batches}"),
        ];
        let last = train(
            "cognitive-reward",
            &set,
            &place.path().join(batches.to_string()),
            &[],
        );
        let learnt = &last.state["pupil"]["learnt"][0];
        let of = |name: &str| learnt[name][0].as_f64().unwrap();
        (of("accuracies"), of("rewards"))
    };
    let ((before, at_first), (correct, at_last)) = (after(1), after(400));
    assert!(before < 0.05 && at_first < -0.9, "{before} {at_first}");
    assert!(correct > 0.7 && at_last > 0.7, "{correct} {at_last}");
}

#[test]
fn tasks_with_other_channels_share_a_network_by_name_or_are_refused() {
    let names = "tasks.names=[\"rdm\", \"mante\"]";
    let set = [names, "training.batches=2", "tasks.test_trials=20"];
    let job = open("song-tasks", &set).unwrap();
    job.prepare().unwrap();
    let place = tempfile::tempdir().unwrap();
    train("song-tasks", &set, &place.path().join("run"), &[]);
    let job = open("song-tasks", &[names, "tasks.channels=same"]).unwrap();
    let found = job.prepare().unwrap_err().to_string();
    assert!(
        found.contains("`mante` has 6 inputs where `rdm` has 3") && found.contains("tasks.channels=by-name"),
        "{found}"
    );
}

#[test]
fn settings_that_cannot_be_are_refused_with_their_key() {
    for (name, set, expected) in [
        (
            "cognitive",
            "method=xdg+sii",
            "`method` has the unknown part `sii`",
        ),
        ("cognitive", "method=si+replay", "`method` asks for `replay`"),
        ("cognitive-reward", "method=ewc", "`method` asks for `ewc`"),
        (
            "cognitive",
            "gates.gated=1",
            "`gates.gated` is 1, expected a fraction",
        ),
        ("cognitive", "network.units=1", "`network.units` is 1"),
        ("cognitive", "tasks.names=[]", "`tasks.names` is empty"),
        ("cognitive", "teacher=nobody", "unknown value `nobody`"),
        ("cognitive", "network.cel=lstm", "unknown"),
        ("cognitive-reward", "reward.discount=2", "`reward.discount` is 2"),
    ] {
        let found = open(name, &[set]).err().expect(set);
        assert!(found.contains(expected), "{set}: {found}");
    }
    for (name, set, expected) in [
        (
            "cognitive",
            "tasks.names=[\"masse-goo\"]",
            "did you mean `masse-go`",
        ),
        (
            "cognitive",
            "tasks.names=[\"cartpole\"]",
            "is a world that answers",
        ),
        (
            "cognitive-reward",
            "tasks.names=[\"two-step\"]",
            "is a world that answers",
        ),
        ("cognitive", "tasks.names=[\"nowhere.toml\"]", "nowhere.toml"),
    ] {
        let found = open(name, &[set]).unwrap().prepare().expect_err(set).to_string();
        assert!(found.contains(expected), "{set}: {found}");
    }
}
