//! A front end learnt beforehand, stopped against not, and read by a sequence.

use crate::support::train;
use neuropil_gating::system::Gating;
use neuropil_lab::config::Layers;
use neuropil_study::{Given, Job, System, life};

fn open(name: &str, set: &[String]) -> Result<Box<dyn Job>, String> {
    let given = Given {
        name,
        text: None,
        set,
        options: &[],
    };
    Gating.open(&given).map_err(|problems| problems[0].to_string())
}

#[test]
fn a_sequence_learns_from_the_features_of_a_front_end_that_was_learnt_before() {
    let place = tempfile::tempdir().unwrap();
    let small = [
        "data.path=digits",
        "network.hidden=[40]",
        "training.batch=48",
        "training.batches=150",
        "training.checkpoint_every=20",
    ]
    .map(str::to_owned);
    let job = open("front", &small).unwrap();
    let (whole, pieces) = (place.path().join("whole"), place.path().join("pieces"));
    let learnt = train(&*job, &whole, &[]);
    assert_eq!(learnt.arrays, train(&*job, &pieces, &[7, 33]).arrays);
    let accuracy = &learnt.state["learnt"]["accuracies"][0];
    assert!(accuracy.as_f64().unwrap() > 0.7, "{accuracy}");
    life::report(&*job, &neuropil_lab::run::RunDirectory::open(&whole).unwrap()).unwrap();

    let front = format!("data.front={}", whole.display());
    let set = [&front, "network.hidden=[20]", "training.batches=40", "tasks.n=2"].map(str::to_owned);
    let job = open("split-digits", &set).unwrap();
    let sequence = train(&*job, &place.path().join("sequence"), &[]);
    // 2 × 2 places of 64 channels, in place of 8 × 8 pixels.
    let n = sequence.singles("theta").unwrap().1.len();
    assert_eq!(n, (256 + 1) * 20 + (20 + 1) * 2);
    let accuracies = &sequence.state["learnt"][1]["accuracies"];
    assert!(accuracies[1].as_f64().unwrap() > 0.9, "{accuracies}");

    // Another front end in the same place gives other features: not what the sequence learnt.
    let run = neuropil_lab::run::RunDirectory::open(&place.path().join("sequence")).unwrap();
    open("split-digits", &set)
        .unwrap()
        .test(&run, &Layers::new())
        .unwrap();
    let other = small.clone().map(|set| set.replace("batches=150", "batches=10"));
    std::fs::rename(&whole, place.path().join("before")).unwrap();
    train(&*open("front", &other).unwrap(), &whole, &[]);
    let found = open("split-digits", &set).unwrap().test(&run, &Layers::new());
    let found = found.unwrap_err().to_string();
    assert!(found.contains("data.json"), "{found}");

    for (name, set, expected) in [
        ("permuted-digits", front.clone(), "tasks that move pixels"),
        (
            "split-digits",
            format!("data.front={}", place.path().join("sequence").display()),
            "not a run of `gating/front`",
        ),
        (
            "split-digits",
            "data.front=gone".to_owned(),
            "not a run directory",
        ),
    ] {
        let found = open(name, &[set]).unwrap().prepare().unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn another_kind_of_tasks_keeps_their_number() {
    let job = open(
        "permuted-digits",
        &["tasks.n=7", "tasks.kind=rotated"].map(str::to_owned),
    )
    .unwrap();
    let settings = job.settings();
    assert!(
        settings.contains("n = 7") && settings.contains("kind = \"rotated\""),
        "{settings}"
    );
}
