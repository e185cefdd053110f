//! A training as users start it: stopped and resumed to the bit, tested, told, exported.

use neuropil_enhancers::cnn::keras::Reading;
use neuropil_enhancers::model;
use neuropil_enhancers::system::Enhancers;
use neuropil_lab::keeper::Begin;
use neuropil_lab::provenance::Origin;
use neuropil_lab::run::RunDirectory;
use neuropil_math::arrays::{Arrays, Values};
use neuropil_study::life::{self, Order};
use neuropil_study::{Export, ExportForm, Given, Job, System, Unwatched};
use std::path::Path;

fn job(more: &[&str]) -> Box<dyn Job> {
    let small = [
        "data.invented=90",
        "network.length=120",
        "training.epochs=2",
        "training.batch=32",
    ];
    let set: Vec<String> = small.iter().chain(more).map(|&set| set.to_owned()).collect();
    let given = Given {
        name: "small",
        text: None,
        set: &set,
        options: &[],
    };
    Enhancers
        .open(&given)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn train(job: &dyn Job, out: &Path, begin: Begin, updates: Option<u64>) {
    let order = Order {
        out,
        begin,
        updates,
        only: true,
        origin: &Origin::default(),
    };
    life::run(job, &order, &Unwatched).unwrap_or_else(|problem| panic!("{problem}"));
}

/// Arrays of the last moment and of the best epoch.
fn arrays(path: &Path) -> Vec<Arrays> {
    let run = RunDirectory::read(path).expect("a run");
    let kept = [neuropil_lab::keeper::last(&run), neuropil_lab::keeper::best(&run)];
    kept.map(|kept| kept.expect("readable").expect("one was kept").arrays)
        .into()
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_bits() {
    for more in [
        &[][..],
        &[
            "training.optimiser={kind='sgd',momentum=0.9,nesterov=true}",
            "training.monitor='auroc'",
        ],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
        let job = job(more);
        train(job.as_ref(), &whole, Begin::New, None);
        // In the middle of the first epoch, and in the second.
        train(job.as_ref(), &parts, Begin::New, Some(3));
        train(job.as_ref(), &parts, Begin::Resume, Some(9));
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .expect("a pool");
        pool.install(|| train(job.as_ref(), &parts, Begin::Resume, None));
        assert!(arrays(&whole) == arrays(&parts), "{more:?}");
    }
}

#[test]
fn the_network_of_a_run_is_tested_told_and_predicts_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, job) = (folder.path().join("run"), job(&[]));
    train(job.as_ref(), &path, Begin::New, None);
    let run = RunDirectory::open(&path).expect("a run");
    let analysed = job
        .analyse(&run, &[], &neuropil_lab::config::Layers::new())
        .expect("analyses");
    let names: Vec<&str> = analysed.iter().map(|made| made.name.as_str()).collect();
    assert_eq!(names, ["learning", "discrimination"]);
    assert!(analysed.iter().all(|made| made.answer.is_ok()));
    let page = job.page(&run, &analysed).expect("a page");
    assert_eq!(page.sections.len(), 2);

    let exported = folder.path().join("model.safetensors");
    let wanted = Export {
        form: ExportForm::Safetensors { torch: false },
        path: &exported,
    };
    job.export(&run, &wanted).expect("an export");
    drop(run);
    let (network, _) = model::load(&exported, 120, Reading::default()).expect("a network");
    let best = &arrays(&path)[1]["best"].1;
    assert_eq!(best, &Values::F32(network.params.clone()));

    // Another training starts from it, and from nothing of another shape.
    let start = format!("network.start={:?}", exported.display().to_string());
    let from = self::job(&[&start]);
    train(from.as_ref(), &folder.path().join("from"), Begin::New, Some(1));
    let set = [start, "data.invented=90".to_owned()];
    let given = Given {
        name: "small",
        text: None,
        set: &set,
        options: &[],
    };
    let refused = Enhancers
        .open(&given)
        .expect("settings")
        .prepare()
        .expect_err("of another length");
    assert!(
        refused.to_string().contains("expected `small` for 500 bases"),
        "{refused}"
    );
}
