//! The whole way of one study, from its settings to its report.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use neuropil_lab::atomic;
use neuropil_lab::shards::Shard;

use crate::associate::{self, Plan, Progress, Rounds, Study};
use crate::cnn::Architecture;
use crate::cnn::train::Epoch;
use crate::error::InputError;
use crate::matrix::{Matrix, read_species};
use crate::model::{self, Sets};
use crate::report;
use crate::settings::{Outcome, Sequences, StudyFile};
use crate::traits;
use crate::tree::{self, Choice};

/// News of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A remark that belongs to a person's attention.
    Note(String),
    /// An epoch of training.
    Epoch(Epoch),
    /// Predictions of a species are done.
    Predicted {
        /// Species done.
        done: usize,
        /// Species in all.
        of: usize,
    },
    /// The scan or a round of permulations is done.
    Association(Progress),
}

/// Runs a study; files of the results go to `out`.
///
/// # Errors
/// Any input that cannot be read or does not fit the others.
pub fn run(study_path: &Path, out: &Path, tell: &mut dyn FnMut(&News)) -> Result<Outcome, InputError> {
    let file = StudyFile::read(study_path)?;
    run_settings(&file, study_path.parent().unwrap_or(Path::new(".")), out, tell)
}

/// Runs a study whose files are relative to `base`.
///
/// # Errors
/// As [`run`].
pub fn run_settings(
    file: &StudyFile,
    base: &Path,
    out: &Path,
    tell: &mut dyn FnMut(&News),
) -> Result<Outcome, InputError> {
    let mut outcome = Outcome {
        folder: out.to_owned(),
        ..Outcome::default()
    };
    let (study, plan) = open(file, base, &mut outcome, tell)?;
    make_folder(out)?;
    let mut rounds = Rounds::scan(&study, &plan);
    let shares = shares(out)?;
    rounds.take_shards(&shares)?;
    // What shards did counts from the first round on; a checkpoint beside them would say less.
    let checkpoint = out.join("rounds.json");
    let checkpoint = shares.is_empty().then_some(checkpoint.as_path());
    rounds.run(checkpoint, &mut |progress| {
        tell(&News::Association(progress));
    })?;
    outcome.results = rounds.into_results();
    write_results(&study, &outcome, out)?;
    let page = report::page(file, &study, &outcome);
    let html = page
        .to_html()
        .map_err(|error| InputError::new(error.to_string()))?;
    put(&out.join("report.html"), &html)?;
    Ok(outcome)
}

/// Permutes a share of the regions and keeps the counts in `out`, where [`run_settings`] finds them; how many regions the
/// share has.
///
/// # Errors
/// As [`run`].
pub fn run_shard(
    file: &StudyFile,
    out: &Path,
    shard: Shard,
    tell: &mut dyn FnMut(&News),
) -> Result<usize, InputError> {
    let mut outcome = Outcome::default();
    let (study, plan) = open(file, Path::new(""), &mut outcome, tell)?;
    make_folder(out)?;
    let mut rounds = Rounds::scan(&study, &plan).of_shard(shard);
    let (index, of) = (shard.index(), shard.of());
    let checkpoint = out.join(format!("{SHARE}{index}-of-{of}.json"));
    rounds.run(Some(&checkpoint), &mut |progress| {
        tell(&News::Association(progress));
    })?;
    Ok((0..study.matrix.regions.len())
        .filter(|&region| shard.takes(region))
        .count())
}

/// How the names of the files begin that hold what shards counted.
const SHARE: &str = "rounds-";

/// What shards counted, by name.
fn shares(out: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable = |error: std::io::Error| InputError::new(format!("cannot read: {error}")).in_file(out);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(out).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(SHARE) && name.ends_with(".json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads everything that a study is made of; predicts where there are sequences.
fn open(
    file: &StudyFile,
    base: &Path,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(&News),
) -> Result<(Study, Plan), InputError> {
    let mut notes = Vec::new();
    let mut note = |text: String, tell: &mut dyn FnMut(&News)| {
        tell(&News::Note(text.clone()));
        notes.push(text);
    };
    // Whatever is wrong with a small file is found before the long work.
    let choice = file.tree.number.map_or(Choice::Only, Choice::Number);
    let read_tree = tree::read(&base.join(&file.tree.file), &choice)?;
    read_tree.notes.into_iter().for_each(|text| note(text, tell));
    let tips: Vec<String> = read_tree.tree.tip_names().map(str::to_owned).collect();
    let response = traits::read(
        &base.join(&file.response.file),
        &file.response.column,
        file.response.kind,
        &tips,
    )?;
    response.notes.iter().for_each(|text| note(text.clone(), tell));
    let matrix = match (&file.sequences, &file.predictions) {
        (Some(sequences), _) => predict(file, sequences, base, outcome, tell)?,
        (None, Some(predictions)) => {
            let species = predictions
                .species
                .as_ref()
                .map(|path| read_species(&base.join(path)))
                .transpose()?;
            Matrix::read(
                &base.join(&predictions.file),
                species.as_deref(),
                predictions.any_feature,
            )?
        }
        (None, None) => unreachable!("refused when read"),
    };
    matrix.notes.iter().for_each(|text| note(text.clone(), tell));
    outcome.notes = notes;
    let study = Study::joined(&read_tree.tree, matrix, &response, file.association)?;
    study
        .check_twins()
        .map_err(|error| error.in_file(&base.join(&file.tree.file)))?;
    let plan = Plan {
        seed: file.seed,
        ..file.permulations.clone()
    };
    Ok((study, plan))
}

/// Made when everything that is given has been read.
fn make_folder(out: &Path) -> Result<(), InputError> {
    std::fs::create_dir_all(out)
        .map_err(|error| InputError::new(format!("cannot make the folder: {error}")).in_file(out))
}

fn put(path: &Path, text: &str) -> Result<(), InputError> {
    atomic::write(path, text.as_bytes()).map_err(|error| InputError::new(error.to_string()))
}

/// Trains the network and predicts every ortholog.
fn predict(
    file: &StudyFile,
    sequences: &Sequences,
    base: &Path,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(&News),
) -> Result<Matrix, InputError> {
    let out = outcome.folder.clone();
    let architecture = Architecture::named(&file.network.preset, file.network.length)?;
    model::ortholog_files(&base.join(&sequences.orthologs))?;
    let sets = Sets::read(&base.join(&sequences.positives), &base.join(&sequences.negatives))?;
    make_folder(&out)?;
    let notes = sets.notes.clone();
    let learned = model::learn(architecture, sets, &file.training, file.seed, &mut |epoch| {
        tell(&News::Epoch(*epoch));
        true
    })?;
    outcome.history = learned.history;
    outcome.test = learned.test;
    model::save(&learned.network, &out.join("model.safetensors"))?;
    let mut matrix = model::orthologs(
        &learned.network,
        &base.join(&sequences.orthologs),
        &mut |done, of| {
            tell(&News::Predicted { done, of });
        },
    )?;
    matrix.notes.extend(notes);
    put(&out.join("predictions.tsv"), &matrix.to_text())?;
    put(&out.join("species.txt"), &(matrix.species.join("\n") + "\n"))?;
    Ok(matrix)
}

fn write_results(study: &Study, outcome: &Outcome, out: &Path) -> Result<(), InputError> {
    put(
        &out.join("associations.tsv"),
        &associate::to_tsv(&outcome.results),
    )?;
    let mut left_out = "kind\tname\treason\tnearest\n".to_owned();
    for u in &study.unmatched {
        let _ = writeln!(
            left_out,
            "species of the {}\t{}\tnot in the {}: {}\t{}",
            u.found_in,
            u.name,
            u.missing_from,
            u.reason,
            u.nearest.as_deref().unwrap_or("NA")
        );
    }
    for name in &study.without_trait {
        let _ = writeln!(left_out, "species of the tree\t{name}\tthe trait is missing\tNA");
    }
    for result in &outcome.results {
        if let Some(reason) = &result.reason {
            let _ = writeln!(left_out, "region\t{}\t{reason}\tNA", result.region);
        }
    }
    put(&out.join("left_out.tsv"), &left_out)?;
    if !outcome.history.is_empty() {
        let mut text = "epoch,train_loss,validation_loss,auroc,auprc\n".to_owned();
        for e in &outcome.history {
            let _ = writeln!(
                text,
                "{},{},{},{},{}",
                e.epoch, e.train_loss, e.validation_loss, e.auroc, e.auprc
            );
        }
        put(&out.join("training.csv"), &text)?;
    }
    if let Some(test) = outcome.test {
        put(
            &out.join("evaluation.json"),
            &serde_json::to_string_pretty(&test).expect("numbers"),
        )?;
    }
    Ok(())
}
