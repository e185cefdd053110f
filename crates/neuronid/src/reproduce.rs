//! What the paper found, computed here: on made worms, and on heads that somebody named.

use crate::cpd::Stiffness;
use crate::error::NeuronidError;
use crate::evaluate::{LAMBDA, Method, Scored, best_named, score};
use crate::identify::{Frame, Matcher, Options, Trained, identify};
use crate::train::{Ground, Head, Settings, Training};
use crate::worm::Worm;
use crate::yu2021::NETWORK_UM;
use neuropil_lab::config::Layers;
use neuropil_lab::error::Problem;
use neuropil_lab::keeper::Begin;
use neuropil_lab::run::RunDirectory;
use neuropil_math::rng::{Key, Phase};
use neuropil_study::life::{self, Order};
use neuropil_study::{Asked, Reproduced, Watch};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

mod claims;
mod figures;

/// Templates that vote; fewer of them where little is asked for.
const TEMPLATES: (usize, usize) = (8, 3);
/// Pairs of made worms.
const PAIRS: usize = 200;
/// Parts that named heads are dealt out to: each is named by a network that saw the others alone.
const FOLDS: usize = 2;

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Measured {
    /// File of the heads; empty if there was none.
    heads: String,
    /// Animals that were named, none of which its network saw.
    animals: usize,
    /// Templates that voted.
    templates: usize,
    /// Methods on the heads.
    methods: Vec<Scored>,
    /// Network and drift on made worms.
    made: Vec<MadePairs>,
    /// Milliseconds of one pair of 110 and 110 neurons by the trained network, one view each.
    milliseconds: f64,
}

/// Accuracy on pairs of made worms.
#[derive(Debug, Serialize)]
struct MadePairs {
    method: &'static str,
    /// Share of the neurons with a partner that were given it, of each pair.
    accuracy: Vec<f64>,
}

pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let heads = match asked.parts {
        [] => None,
        [path] if Path::new(path).exists() => Some(path.as_str()),
        [wrong, ..] => {
            let message = format!("`{wrong}` is no file of named heads");
            let hint =
                "give one table with a column `worm`, or a folder of named worms; nothing: made worms alone";
            return Err(Problem::new(message, hint));
        }
    };
    let folder = asked.folder(if asked.quick {
        "runs/neuronid-quick"
    } else {
        "runs/neuronid"
    });
    let folds: Vec<usize> = match heads {
        None => vec![1],
        Some(_) if asked.quick => vec![FOLDS],
        Some(_) => (1..=FOLDS).collect(),
    };
    let templates = if asked.quick { TEMPLATES.1 } else { TEMPLATES.0 };
    let mut parts = Vec::new();
    let (mut made, mut milliseconds) = (Vec::new(), f64::NAN);
    for fold in folds {
        let settings = settings(asked, heads, fold)?;
        let text = toml::to_string(&settings).expect("settings are TOML");
        let training = Training::new(settings.clone(), text);
        let name = heads.map_or("made".to_owned(), |_| format!("fold{fold}"));
        let Some(trained) = trained(&training, &name, &folder, asked, watch)? else {
            return Ok(Reproduced {
                interrupted: true,
                ..Reproduced::default()
            });
        };
        let ground = training.ground()?;
        if made.is_empty() {
            made = on_made_worms(&settings, ground, &trained, asked.quick)?;
            milliseconds = time(&settings, ground, &trained);
        }
        if heads.is_some() {
            parts.push(on_heads(ground, &trained, templates, watch)?);
        }
    }
    let methods = joined(parts);
    let measured = Measured {
        heads: heads.unwrap_or_default().to_owned(),
        animals: methods.first().map_or(0, |scored| scored.animals.len()),
        templates,
        methods,
        made,
        milliseconds,
    };
    Ok(told(&measured, folder))
}

fn told(measured: &Measured, folder: PathBuf) -> Reproduced {
    let claims = claims::claims(measured);
    let held = claims
        .iter()
        .all(|claim| claim.verdict() != neuropil_study::Verdict::Outside);
    Reproduced {
        page: Some(figures::page(measured, &claims)),
        files: vec![(
            "measured.json".to_owned(),
            serde_json::to_vec_pretty(measured).expect("numbers are JSON"),
        )],
        claims,
        held,
        folder: Some(folder),
        ..Reproduced::default()
    }
}

/// Settings of the training whose fold is left out.
fn settings(asked: &Asked<'_>, heads: Option<&str>, fold: usize) -> Result<Settings, Problem> {
    let mut layers = Layers::new();
    let name = if heads.is_some() { "heads" } else { "small" };
    layers.add(name, &format!("experiment = \"neuronid/{name}\""))?;
    if heads.is_none() && asked.quick {
        layers.set("training.updates=200")?;
    }
    for assignment in asked.set {
        layers.set(assignment)?;
    }
    let mut settings = layers.resolve::<Settings>()?.value;
    if let Some(path) = heads {
        path.clone_into(&mut settings.data.path);
        (settings.data.folds, settings.data.fold) = (FOLDS, fold);
    }
    settings.seed = asked.seeds.map_or(settings.seed, |(first, _)| first);
    match settings.problems().into_iter().next() {
        Some((_, problem)) => Err(problem),
        None => Ok(settings),
    }
}

/// The network of a training, which is a run in the folder and goes on where it stopped; none if it was stopped again.
fn trained(
    training: &Training,
    name: &str,
    folder: &Path,
    asked: &Asked<'_>,
    watch: &dyn Watch,
) -> Result<Option<Trained>, Problem> {
    let order = Order {
        out: &folder.join("networks").join(name),
        begin: Begin::Resume,
        updates: None,
        only: true,
        origin: asked.origin,
    };
    let summary = life::run(training, &order, watch)?;
    if summary.interrupted {
        return Ok(None);
    }
    training.trained(&RunDirectory::open(order.out)?).map(Some)
}

/// Network and drift on the same pairs of made worms.
fn on_made_worms(
    settings: &Settings,
    ground: &Ground,
    trained: &Trained,
    quick: bool,
) -> Result<Vec<MadePairs>, NeuronidError> {
    let drift = |lambda: f64| {
        Matcher::Drift(Stiffness {
            lambda,
            ..Stiffness::default()
        })
    };
    let methods = [
        (
            "network",
            Matcher::Network(Box::new(Trained {
                frame: Frame::AsItLies,
                ..trained.clone()
            })),
        ),
        ("nonrigid drift, λ 100", drift(LAMBDA)),
        (
            "nonrigid drift, λ 4000 (published)",
            drift(crate::yu2021::CPD_LAMBDA),
        ),
    ];
    let n = if quick { 40 } else { PAIRS };
    let mut made: Vec<MadePairs> = methods
        .iter()
        .map(|(method, _)| MadePairs {
            method,
            accuracy: Vec::new(),
        })
        .collect();
    for index in 0..n {
        let key = Key::new(settings.seed).phase(Phase::Test).at(index as u64);
        let batch = ground.batch(settings, 2, key);
        let worm = |k: usize| Worm {
            points: batch.worms[k].iter().map(|p| p.map(|x| x * NETWORK_UM)).collect(),
            names: batch.labels[k]
                .iter()
                .map(|label| {
                    if *label < 0 {
                        String::new()
                    } else {
                        label.to_string()
                    }
                })
                .collect(),
            ..Worm::default()
        };
        let (template, test) = (worm(0), worm(1));
        for ((_, matcher), made) in methods.iter().zip(&mut made) {
            let found = identify(&template, &test, matcher, &Options::of(matcher))?;
            made.accuracy
                .extend(found.against_names.map(|found| found.accuracy));
        }
    }
    Ok(made)
}

/// Time of one pair, ms: the least of several.
fn time(settings: &Settings, ground: &Ground, trained: &Trained) -> f64 {
    let batch = ground.batch(settings, 2, Key::new(settings.seed).phase(Phase::Test));
    let cut = |k: usize| &batch.worms[k][..batch.worms[k].len().min(110)];
    let one = |_| {
        let clock = Instant::now();
        let log_p = trained.network.match_one(cut(0), cut(1));
        assert!(!log_p.is_empty(), "two worms with neurons");
        clock.elapsed().as_secs_f64() * 1e3
    };
    (0..20).map(one).fold(f64::INFINITY, f64::min)
}

/// All methods on the heads that were left out.
fn on_heads(
    ground: &Ground,
    trained: &Trained,
    templates: usize,
    watch: &dyn Watch,
) -> Result<Vec<Scored>, Problem> {
    let tests: Vec<&Head> = ground.heads.iter().filter(|head| !head.trained).collect();
    let templates = best_named(&ground.heads, templates);
    let atlas = ground.atlas.as_ref().expect("named heads have an atlas");
    let mut methods = Method::baselines();
    methods.extend(Method::network(trained));
    let mut all = Vec::new();
    for method in &methods {
        for colour in [false, true] {
            let scored = score(method, colour, &tests, &templates, atlas)?;
            watch.say(&format!(
                "{}: {:.1} % of the neurons are right",
                scored.title(),
                100.0 * scored.accuracy
            ));
            all.push(scored);
        }
    }
    Ok(all)
}

/// Folds of the same methods put together.
fn joined(parts: Vec<Vec<Scored>>) -> Vec<Scored> {
    let mut parts = parts.into_iter();
    let Some(mut all) = parts.next() else {
        return Vec::new();
    };
    for part in parts {
        for (sum, more) in all.iter_mut().zip(part) {
            let mut animals = std::mem::take(&mut sum.animals);
            animals.extend(more.animals);
            *sum = Scored::of(&sum.method, sum.colour, animals);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_lab::provenance::Origin;
    use neuropil_study::{Flow, News};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Stops at an update, counting them.
    struct StopsAt(u64, AtomicU64);

    impl Watch for StopsAt {
        fn begin<'a>(&'a self, _: &str) -> Box<dyn FnMut(&News<'_>) -> Flow + 'a> {
            Box::new(|news| {
                if matches!(news, News::Update(_)) {
                    self.1.fetch_add(1, Ordering::Relaxed);
                }
                if self.stopped() {
                    Flow::Stop
                } else {
                    Flow::Continue
                }
            })
        }

        fn stopped(&self) -> bool {
            self.1.load(Ordering::Relaxed) >= self.0
        }
    }

    #[test]
    fn a_training_that_was_stopped_makes_no_update_twice() {
        let folder = tempfile::tempdir().unwrap();
        let set = [
            "network.width=16",
            "network.layers=1",
            "network.hidden=16",
            "training.batch=3",
            "training.updates=12",
            "training.check_every=4",
            "training.check_pairs=2",
        ]
        .map(str::to_owned);
        let asked = Asked {
            parts: &[],
            quick: true,
            seeds: None,
            set: &set,
            out: Some(folder.path()),
            origin: &Origin::default(),
        };
        let settings = settings(&asked, None, 1).unwrap();
        let text = toml::to_string(&settings).unwrap();
        let watches = [5, u64::MAX].map(|most| StopsAt(most, AtomicU64::new(0)));
        let [stopped, ended] = watches.each_ref().map(|watch| {
            let training = Training::new(settings.clone(), text.clone());
            trained(&training, "made", folder.path(), &asked, watch).unwrap()
        });
        assert!(stopped.is_none() && ended.is_some());
        assert_eq!(watches.map(|watch| watch.1.into_inner()), [5, 7]);
    }
}
