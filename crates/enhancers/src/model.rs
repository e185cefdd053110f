//! A network of a study: what it learns from, its training, its files, and what it predicts.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use neuropil_lab::array::{Tensors, read_tensors, write_safetensors};
use neuropil_lab::atomic;
use neuropil_math::rng::Key;

use crate::cnn::learner::train;
use crate::cnn::train::{Epoch, Examples, Settings};
use crate::cnn::{Architecture, Network, keras};
use crate::error::InputError;
use crate::fasta;
use crate::matrix::Matrix;
use crate::metrics::Metrics;
use crate::sequence::{Split, bases, split_of};

/// Open and closed sequences by the chromosome that they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// What the parameters follow.
    pub training: Examples,
    /// What says when to stop.
    pub validation: Examples,
    /// What is looked at once.
    pub test: Examples,
    /// What was left out.
    pub notes: Vec<String>,
}

impl Sets {
    /// Adds a sequence; those of chromosomes in no set are left out, and it is told whether it is one of them.
    pub fn add(&mut self, chromosome: &str, sequence: Vec<u8>, open: bool) -> bool {
        let set = match split_of(chromosome) {
            Some(Split::Train) => &mut self.training,
            Some(Split::Validate) => &mut self.validation,
            Some(Split::Test) => &mut self.test,
            None => return false,
        };
        set.extend([sequence], usize::from(open));
        true
    }

    /// Sequences of an invented study: chromosome, bases, whether open.
    pub fn invented(training: Vec<(String, Vec<u8>, bool)>) -> Self {
        let mut sets = Self::default();
        for (chromosome, sequence, open) in training {
            sets.add(&chromosome, sequence, open);
        }
        sets
    }

    /// Reads FASTA files whose records are named `chromosome:start-end`; chromosomes are those of the mouse, `chr7` or `7`.
    ///
    /// # Errors
    /// Files that cannot be read or understood, names that tell no chromosome, a file whose every chromosome is in no set.
    pub fn read(open: &Path, closed: &Path) -> Result<Self, InputError> {
        let mut sets = Self::default();
        for (path, class) in [(open, true), (closed, false)] {
            let (mut n, mut left_out, mut strange) = (0, 0, std::collections::BTreeSet::new());
            for record in fasta::read(path)? {
                let chromosome = chromosome(&record.name).ok_or_else(|| {
                    InputError::new(format!("`{}` does not tell its chromosome", record.name))
                        .in_file(path)
                        .hint("name sequences `chr3:1000-1500`, as `neuropil enhancers prepare` and `bedtools getfasta` do")
                })?;
                let sequence = bases(&record.sequence).map_err(|error| error.in_file(path))?;
                n += 1;
                if !sets.add(&chromosome, sequence, class) {
                    left_out += 1;
                    strange.insert(chromosome);
                }
            }
            let first: Vec<String> = strange.into_iter().take(5).collect();
            let names = first.join(", ");
            if left_out == n {
                return Err(
                    InputError::new(format!("no chromosome of its sequences ({names}) is in a set"))
                        .in_file(path)
                        .hint("the sets are made of the mouse's chr1 to chr19 and chrX"),
                );
            }
            if left_out > 0 {
                let note = format!(
                    "{}: {left_out} of {n} sequences are on chromosomes in no set: {names}",
                    path.display()
                );
                sets.notes.push(note);
            }
        }
        Ok(sets)
    }
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The network at its best epoch.
    pub network: Network<f32>,
    /// Its epochs.
    pub history: Vec<Epoch>,
    /// Numbers of the test chromosomes, where they have both classes.
    pub test: Option<Metrics>,
}

/// Trains a new network; `tell` hears of every epoch and may stop.
///
/// # Errors
/// Sets that cannot be trained on; a loss that is no longer finite.
pub fn learn(
    architecture: Architecture,
    sets: Sets,
    settings: &Settings,
    seed: u64,
    tell: &mut dyn FnMut(&Epoch) -> bool,
) -> Result<Learned, InputError> {
    let key = Key::new(seed);
    let mut network = Network::new(architecture, key);
    let history = train(&mut network, sets.training, &sets.validation, settings, key, tell)?;
    let test = sets.test;
    let test = match test.check(network.architecture.length, 2, "test") {
        Ok(()) => Metrics::of(&test.open(), &network.predict(&test.sequences)),
        Err(_) => None,
    };
    Ok(Learned {
        network,
        history,
        test,
    })
}

/// Predictions of sequences, the mean over both strands.
pub fn predict(network: &Network<f32>, sequences: &[Vec<u8>]) -> Vec<f64> {
    network.predict(sequences)
}

/// The matrix of predictions: `columns` has every species' rows and values, `regions` the names of the rows.
pub fn matrix(regions: Vec<String>, species: Vec<String>, columns: Vec<Vec<(usize, f64)>>) -> Matrix {
    let n = species.len();
    let mut values = vec![f64::NAN; regions.len() * n];
    for (column, predictions) in columns.into_iter().enumerate() {
        for (row, value) in predictions {
            values[row * n + column] = value;
        }
    }
    Matrix {
        regions,
        species,
        values,
        notes: Vec::new(),
    }
}

/// Chromosome of `chr7:100-600` or `7:100-600`, with or without a name before `::`; nothing of a name without a place.
fn chromosome(name: &str) -> Option<String> {
    let place = name.rsplit("::").next().unwrap_or(name);
    let (chromosome, place) = place.split_once(':')?;
    let is_place = place.starts_with(|c: char| c.is_ascii_digit());
    let bare = chromosome.parse::<u8>().is_ok() || matches!(chromosome, "X" | "Y");
    is_place.then(|| {
        if bare {
            format!("chr{chromosome}")
        } else {
            chromosome.to_owned()
        }
    })
}

/// The FASTA files of a folder, by species.
///
/// # Errors
/// A folder that cannot be read or holds no such files.
pub fn ortholog_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, InputError> {
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
    Ok(files)
}

/// Predictions of all FASTA files of a folder, one per species.
///
/// # Errors
/// A folder without sequences, files that cannot be read, sequences of another length.
pub fn orthologs(
    network: &Network<f32>,
    folder: &Path,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Matrix, InputError> {
    let files = ortholog_files(folder)?;
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
        tell(done + 1, files.len());
    }
    let species = files.into_iter().map(|(name, _)| name).collect();
    Ok(matrix(order, species, columns))
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
    atomic::write(&path.with_extension("toml"), shape.as_bytes())
        .map_err(|error| InputError::new(error.to_string()))
}

/// Reads a network that [`save`] wrote, or weights of Keras (`.hdf5`, `.h5`) for sequences of `length` bases, as `reading`
/// has it.
///
/// # Errors
/// Files that cannot be read or do not fit one another.
pub fn load(
    path: &Path,
    length: usize,
    reading: keras::Reading,
) -> Result<(Network<f32>, Vec<String>), InputError> {
    let mut start = Vec::new();
    let begin = std::fs::File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
    begin.map_err(|error| InputError::new(format!("cannot read: {error}")).in_file(path))?;
    if start.starts_with(b"\x89HDF") {
        return keras::read(path, length, reading);
    }
    if start.starts_with(b"PK") {
        return Err(
            InputError::new("an archive, as Keras 3 saves models, expected HDF5 or safetensors")
                .in_file(path)
                .hint("save it once more as `model.save(\"model.h5\")`"),
        );
    }
    let shape = path.with_extension("toml");
    if !shape.exists() {
        return Err(InputError::new(format!(
            "the shape of the network stands beside it, in `{}`, which is not there",
            shape.display()
        ))
        .in_file(path)
        .hint("`neuropil export RUN --safetensors FILE` writes both"));
    }
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
