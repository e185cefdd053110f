//! Training as a job: it learns, it goes on where it was stopped, and the number of threads changes no bit of it.

use neuropil_lab::keeper::{Begin, Given as Kept, Keeper, best};
use neuropil_lab::provenance::Origin;
use neuropil_neuronid::system::Neuronid;
use neuropil_neuronid::train::{Ground, Learner, Settings};
use neuropil_study::{Flow, Given, Job, Summary, System};
use std::fmt::Write;
use std::path::Path;

const SMALL: [&str; 9] = [
    "network.width=16",
    "network.layers=1",
    "network.heads=4",
    "network.hidden=16",
    "network.dropout=0.1",
    "training.batch=3",
    "training.updates=12",
    "training.check_every=4",
    "training.check_pairs=2",
];

fn job(name: &str, set: &[&str]) -> Box<dyn Job> {
    let set: Vec<String> = SMALL.iter().chain(set).map(|&set| set.to_owned()).collect();
    let given = Given {
        name,
        text: None,
        set: &set,
        options: &[],
    };
    Neuronid
        .open(&given)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn train(job: &dyn Job, path: &Path, begin: Begin, updates: Option<u64>) -> Summary {
    let kept = Kept {
        settings: job.settings(),
        files: &[],
        complete: &|_| None,
        seed: job.seed(),
        origin: &Origin::default(),
    };
    let mut keeper = Keeper::open(path, begin, &kept).unwrap();
    job.train(&mut keeper, updates, &mut |_| Flow::Continue).unwrap()
}

/// All arrays of the best network and of the last moment.
fn arrays(path: &Path) -> Vec<(String, Vec<f32>)> {
    let run = neuropil_lab::run::RunDirectory::open(path).unwrap();
    let mut all = Vec::new();
    for (name, kept) in [("best", best(&run)), ("last", neuropil_lab::keeper::last(&run))] {
        let kept = kept.unwrap().expect("one was kept");
        for array in kept.arrays.keys() {
            let values = kept.singles(array).unwrap().1.to_vec();
            all.push((format!("{name} {array}"), values));
        }
    }
    all
}

#[test]
fn a_run_that_is_stopped_goes_on_to_the_same_bits() {
    for schedule in ["cosine", "halving"] {
        let folder = tempfile::tempdir().unwrap();
        let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
        let set = format!("training.schedule='{schedule}'");
        let job = job("small", &[&set]);
        let end = train(job.as_ref(), &whole, Begin::New, None);
        assert!(end.criterion_met && end.updates == 12);
        train(job.as_ref(), &parts, Begin::New, Some(5));
        train(job.as_ref(), &parts, Begin::Resume, Some(8));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| train(job.as_ref(), &parts, Begin::Resume, None));
        assert!(arrays(&whole) == arrays(&parts), "{schedule}");
    }
}

#[test]
fn a_small_network_learns_to_match_worms_of_one_body() {
    // The easiest task: one head of 24 neurons in all batches, as individuals that hardly differ.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heads.csv");
    let mut text = "worm,x_um,y_um,z_um,name\n".to_owned();
    for worm in 0..4 {
        for i in 0..24 {
            let (k, w) = (f64::from(i), f64::from(worm));
            writeln!(
                text,
                "w{worm},{:.3},{:.3},{:.3},N{i}",
                k * 4.0 + 0.3 * (k + w).sin(),
                9.0 * (k * 1.9).sin() + 0.3 * (2.0 * k + w).cos(),
                7.0 * (k * 2.7).cos()
            )
            .unwrap();
        }
    }
    std::fs::write(&path, text).unwrap();
    let mut settings = Settings::default();
    settings.data.path = path.display().to_string();
    settings.network.width = 32;
    settings.network.layers = 2;
    settings.network.hidden = 32;
    settings.training.batch = 8;
    settings.training.updates = 150;
    settings.training.warm_up = 20;
    settings.training.rate = 3e-3;
    let ground = Ground::open(&settings).unwrap();
    assert_eq!(ground.atlas.as_ref().unwrap().neurons.len(), 24);
    let mut learner = Learner::new(&settings, &ground);
    let first = learner.check().0;
    while !learner.is_over() {
        learner.step().unwrap();
    }
    let last = learner.check().0;
    // Worms of one body are so alike that places alone say much before anything is learnt: it becomes surer of what is right.
    assert!(
        last.perplexity < 0.25 * first.perplexity && last.accuracy > first.accuracy,
        "{first:?} {last:?}"
    );
}

#[test]
fn worms_left_out_are_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    for worm in ["a", "b", "c", "d"] {
        let rows: String = (0..8)
            .map(|i| format!("{},{},{},N{i}\n", f64::from(i) * 3.5, i % 3, (i * i) % 5))
            .collect();
        std::fs::write(
            folder.path().join(format!("{worm}.csv")),
            format!("x_um,y_um,z_um,name\n{rows}"),
        )
        .unwrap();
    }
    let mut settings = Settings::default();
    settings.data.path = folder.path().display().to_string();
    (settings.data.folds, settings.data.fold) = (2, 1);
    let ground = Ground::open(&settings).unwrap();
    let trained: Vec<(&str, bool)> = ground
        .heads
        .iter()
        .map(|h| (h.name.as_str(), h.trained))
        .collect();
    assert_eq!(trained, [("a", false), ("b", true), ("c", false), ("d", true)]);
}

#[test]
fn settings_that_cannot_be_are_refused_all_at_once() {
    let set: Vec<String> = [
        "network.heads=5",
        "training.batch=1",
        "synth.missing=[0.4, 0.2]",
        "data.fold=3",
    ]
    .map(str::to_owned)
    .to_vec();
    let given = Given {
        name: "small",
        text: None,
        set: &set,
        options: &[],
    };
    let problems = Neuronid.open(&given).err().expect("refused");
    let told: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(
        told,
        [
            "network.heads is 5, expected a number that divides network.width, 64",
            "training.batch is 1, expected 2 or more",
            "synth.missing is [0.4, 0.2], expected two shares from 0 to below 1, the smaller first",
            "data.fold is 3 of 1 folds, expected from 1 to data.folds",
        ]
    );
}
