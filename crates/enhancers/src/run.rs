//! The whole way of one study, from its settings to its report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use neuropil_lab::array::{Tensors, read_tensors, write_safetensors};
use neuropil_lab::atomic;
use neuropil_math::rng::Key;

use crate::associate::{self, Association, Filters, Plan, Progress, Rounds, Study};
use crate::cnn::train::{Epoch, Examples, Settings, train};
use crate::cnn::{Architecture, Network};
use crate::error::InputError;
use crate::matrix::{Matrix, read_species};
use crate::metrics::Metrics;
use crate::sequence::{Split, bases, split_of};
use crate::traits::{self, Kind};
use crate::tree::{self, Choice};
use crate::{fasta, report};

/// Settings of a study; files are relative to the file that names them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// Seed of everything random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Sequences to learn from and to predict; or else `predictions`.
    #[serde(default)]
    pub sequences: Option<Sequences>,
    /// Predictions that are there already.
    #[serde(default)]
    pub predictions: Option<Predictions>,
    /// The network.
    #[serde(default)]
    pub network: NetworkChoice,
    /// Its training.
    #[serde(default)]
    pub training: Settings,
    /// The species tree.
    pub tree: TreeFile,
    /// The trait.
    #[serde(rename = "trait")]
    pub response: TraitFile,
    /// Which regions are tested.
    #[serde(default)]
    pub association: Filters,
    /// Permulations.
    #[serde(default)]
    pub permulations: Plan,
}

fn one() -> u64 {
    1
}

/// Sequences.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequences {
    /// Open sequences, named `chromosome:start-end` by the mouse genome.
    pub positives: PathBuf,
    /// Closed sequences.
    pub negatives: PathBuf,
    /// Folder with one FASTA file per species, the records named by region.
    pub orthologs: PathBuf,
}

/// Predictions of another program.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predictions {
    /// The matrix.
    pub file: PathBuf,
    /// Species in the order of its columns, where it has no header.
    #[serde(default)]
    pub species: Option<PathBuf>,
    /// Whether numbers other than predictions are meant.
    #[serde(default)]
    pub any_feature: bool,
}

/// A network by its preset.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkChoice {
    /// Preset.
    pub preset: String,
    /// Bases of a sequence.
    pub length: usize,
}

impl Default for NetworkChoice {
    fn default() -> Self {
        Self {
            preset: "small".into(),
            length: crate::kaplow2023::WINDOW,
        }
    }
}

/// The tree's file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeFile {
    /// Newick or NEXUS.
    pub file: PathBuf,
    /// Which of several trees, from 1.
    #[serde(default)]
    pub number: Option<usize>,
}

/// The trait's table.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraitFile {
    /// Table.
    pub file: PathBuf,
    /// Column.
    pub column: String,
    /// Kind.
    pub kind: Kind,
}

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

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Training, where there was one.
    pub history: Vec<Epoch>,
    /// Numbers of the test chromosomes.
    pub test: Option<Metrics>,
    /// Results, in the order of the matrix.
    pub results: Vec<Association>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Folder of the results.
    pub folder: PathBuf,
}

impl StudyFile {
    /// Reads the settings.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let text = crate::text::read_to_string(path)?;
        let file: Self = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let told = InputError::new(error.message().to_owned()).in_file(path);
            match line {
                Some(line) => told.at_line(line),
                None => told,
            }
        })?;
        if file.sequences.is_some() == file.predictions.is_some() {
            return Err(InputError::new("expected either [sequences] or [predictions]").in_file(path));
        }
        Ok(file)
    }
}

/// Runs a study; files of the results go to `out`.
///
/// # Errors
/// Any input that cannot be read or does not fit the others.
pub fn run(study_path: &Path, out: &Path, tell: impl FnMut(&News)) -> Result<Outcome, InputError> {
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
    mut tell: impl FnMut(&News),
) -> Result<Outcome, InputError> {
    let mut notes = Vec::new();
    let mut note = |text: String, tell: &mut dyn FnMut(&News)| {
        tell(&News::Note(text.clone()));
        notes.push(text);
    };
    // Whatever is wrong with a small file is found before the long work.
    let choice = file.tree.number.map_or(Choice::Only, Choice::Number);
    let read_tree = tree::read(&base.join(&file.tree.file), &choice)?;
    read_tree.notes.into_iter().for_each(|text| note(text, &mut tell));
    let tips: Vec<String> = read_tree.tree.tip_names().map(str::to_owned).collect();
    let response = traits::read(
        &base.join(&file.response.file),
        &file.response.column,
        file.response.kind,
        &tips,
    )?;
    response
        .notes
        .iter()
        .for_each(|text| note(text.clone(), &mut tell));
    std::fs::create_dir_all(out)
        .map_err(|error| InputError::new(format!("cannot make the folder: {error}")).in_file(out))?;
    let mut outcome = Outcome {
        folder: out.to_owned(),
        ..Outcome::default()
    };
    let matrix = match (&file.sequences, &file.predictions) {
        (Some(sequences), _) => predict(file, sequences, base, out, &mut outcome, &mut tell)?,
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
    matrix.notes.iter().for_each(|text| note(text.clone(), &mut tell));
    let study = Study::new(&read_tree.tree, matrix, &response, file.association)?;
    let plan = Plan {
        seed: file.seed,
        ..file.permulations.clone()
    };
    let mut rounds = Rounds::scan(&study, &plan);
    rounds.run(Some(&out.join("rounds.json")), |progress| {
        tell(&News::Association(progress));
    })?;
    outcome.results = rounds.into_results();
    outcome.notes = notes;
    write_results(&study, &outcome, out)?;
    let page = report::page(file, &study, &outcome);
    let html = page
        .to_html()
        .map_err(|error| InputError::new(error.to_string()))?;
    put(&out.join("report.html"), &html)?;
    Ok(outcome)
}

fn put(path: &Path, text: &str) -> Result<(), InputError> {
    atomic::write(path, text.as_bytes()).map_err(|error| InputError::new(error.to_string()))
}

/// Trains the network and predicts every ortholog.
fn predict(
    file: &StudyFile,
    sequences: &Sequences,
    base: &Path,
    out: &Path,
    outcome: &mut Outcome,
    tell: &mut impl FnMut(&News),
) -> Result<Matrix, InputError> {
    let preset = Architecture::preset(&file.network.preset).ok_or_else(|| {
        InputError::new(format!("no preset `{}`", file.network.preset))
            .in_field("network.preset")
            .hint(format!("the presets are {}", Architecture::PRESETS.join(", ")))
    })?;
    let architecture = Architecture {
        length: file.network.length,
        ..preset
    };
    architecture.check()?;
    let mut sets: BTreeMap<&str, Examples> = BTreeMap::new();
    for (path, class) in [(&sequences.positives, 1), (&sequences.negatives, 0)] {
        let path = base.join(path);
        for record in fasta::read(&path)? {
            let set = match split_of(chromosome(&record.name)) {
                Some(Split::Train) => "training",
                Some(Split::Validate) => "validation",
                Some(Split::Test) => "test",
                None => continue,
            };
            let sequence = bases(&record.sequence).map_err(|error| error.in_file(&path))?;
            sets.entry(set).or_default().extend([sequence], class);
        }
    }
    let mut take = |set: &str| sets.remove(set).unwrap_or_default();
    let (training, validation, test) = (take("training"), take("validation"), take("test"));
    let key = Key::new(file.seed);
    let mut network = Network::new(architecture, key);
    outcome.history = train(
        &mut network,
        training,
        &validation,
        &file.training,
        key,
        |epoch| {
            tell(&News::Epoch(*epoch));
            true
        },
    )?;
    let labels: Vec<bool> = test.classes.iter().map(|&class| class == 1).collect();
    if test.check(network.architecture.length, 2, "test").is_ok() {
        outcome.test = Metrics::of(&labels, &network.predict(&test.sequences));
    }
    save(&network, &out.join("model.safetensors"))?;
    let matrix = orthologs(&network, &base.join(&sequences.orthologs), tell)?;
    put(&out.join("predictions.tsv"), &matrix.to_text())?;
    put(&out.join("species.txt"), &(matrix.species.join("\n") + "\n"))?;
    Ok(matrix)
}

/// Chromosome of `chr7:100-600`, with or without a name before `::`.
fn chromosome(name: &str) -> &str {
    let place = name.rsplit("::").next().unwrap_or(name);
    place.split(':').next().unwrap_or(place)
}

/// Predictions of all FASTA files of a folder, one per species.
fn orthologs(
    network: &Network<f32>,
    folder: &Path,
    tell: &mut impl FnMut(&News),
) -> Result<Matrix, InputError> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| InputError::new(format!("cannot read: {error}")).in_file(folder))?;
    let mut files: Vec<(String, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = name.strip_suffix(".gz").unwrap_or(&name);
            let stem = stem.strip_suffix(".fa").or_else(|| stem.strip_suffix(".fasta"))?;
            Some((stem.to_owned(), entry.path()))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(InputError::new(
            "the folder holds no FASTA files, expected one per species, such as Mus_musculus.fa",
        )
        .in_file(folder));
    }
    let mut order: Vec<String> = Vec::new();
    let mut row_of: BTreeMap<String, usize> = BTreeMap::new();
    let mut columns: Vec<Vec<(usize, f64)>> = Vec::new();
    for (done, (_, path)) in files.iter().enumerate() {
        let mut sequences = Vec::new();
        let mut rows = Vec::new();
        for record in fasta::read(path)? {
            let name = fasta::peak_name(&record.name).to_owned();
            if record.sequence.len() != network.architecture.length {
                return Err(InputError::new(format!(
                    "`{name}` has {} bases, expected {}",
                    record.sequence.len(),
                    network.architecture.length
                ))
                .in_file(path));
            }
            let row = *row_of.entry(name.clone()).or_insert_with(|| {
                order.push(name);
                order.len() - 1
            });
            rows.push(row);
            sequences.push(bases(&record.sequence).map_err(|error| error.in_file(path))?);
        }
        columns.push(rows.into_iter().zip(network.predict(&sequences)).collect());
        tell(&News::Predicted {
            done: done + 1,
            of: files.len(),
        });
    }
    let n = files.len();
    let mut values = vec![f64::NAN; order.len() * n];
    for (column, predictions) in columns.into_iter().enumerate() {
        for (row, value) in predictions {
            values[row * n + column] = value;
        }
    }
    Ok(Matrix {
        regions: order,
        species: files.into_iter().map(|(name, _)| name).collect(),
        values,
        notes: Vec::new(),
    })
}

/// Writes a network: arrays `layerN.w` \[inputs\]\[outputs\] and `layerN.b`; its shape as TOML beside them.
///
/// # Errors
/// A file that cannot be written.
pub fn save(network: &Network<f32>, path: &Path) -> Result<(), InputError> {
    let mut tensors = Tensors::new();
    for i in 0..network.n_layers() {
        let (w, b, shape) = network.layer(i);
        tensors.insert(
            format!("layer{i}.w"),
            (shape.to_vec(), network.params[w].to_vec()),
        );
        tensors.insert(
            format!("layer{i}.b"),
            (vec![shape[1]], network.params[b].to_vec()),
        );
    }
    let shape = toml::to_string(&network.architecture).expect("a shape is plain data");
    write_safetensors(path, &tensors, "enhancers").map_err(|error| InputError::new(error.to_string()))?;
    put(&path.with_extension("toml"), &shape)
}

/// Reads a network that [`save`] wrote, or weights of Keras (`.hdf5`, `.h5`) for sequences of `length` bases.
///
/// # Errors
/// Files that cannot be read or do not fit one another.
pub fn load(path: &Path, length: usize) -> Result<(Network<f32>, Vec<String>), InputError> {
    if path
        .extension()
        .is_some_and(|kind| kind == "h5" || kind == "hdf5")
    {
        return crate::cnn::keras::read(path, length, crate::cnn::keras::Reading::default());
    }
    let shape = path.with_extension("toml");
    let architecture: Architecture = toml::from_str(&crate::text::read_to_string(&shape)?)
        .map_err(|error| InputError::new(error.message().to_owned()).in_file(&shape))?;
    architecture.check().map_err(|error| error.in_file(&shape))?;
    let tensors = read_tensors(path).map_err(|error| InputError::new(error.to_string()))?;
    let mut network = Network::zeros(architecture);
    for i in 0..network.n_layers() {
        for (part, name) in ["w", "b"].iter().enumerate() {
            let name = format!("layer{i}.{name}");
            let Some((_, values)) = tensors.get(&name) else {
                return Err(InputError::new(format!("no array `{name}`")).in_file(path));
            };
            let (w, b) = network.layer_mut(i);
            let to = if part == 0 { w } else { b };
            if to.len() != values.len() {
                return Err(InputError::new(format!(
                    "`{name}` has {} values, expected {}",
                    values.len(),
                    to.len()
                ))
                .in_file(path));
            }
            to.copy_from_slice(values);
        }
    }
    Ok((network, Vec::new()))
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
