//! Settings of a training: every key with its unit and its default.

use crate::cnn::keras::Reading;
use crate::cnn::train;
use crate::cnn::{Architecture, Network};
use crate::error::InputError;
use crate::model::{self, Sets};
use crate::simulate::{Invention, invent};
use neuropil_lab::error::Problem;
use neuropil_math::rng::Key;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `enhancers/NAME`.
    pub experiment: String,
    /// Seed of every random draw.
    #[serde(with = "neuropil_lab::config::seed")]
    pub seed: u64,
    /// Sequences.
    pub data: DataSettings,
    /// The network.
    pub network: NetworkSettings,
    /// Its training.
    pub training: train::Settings,
}

/// Sequences to learn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// FASTA of open sequences, named `chromosome:start-end` by the mouse genome; empty: sequences are invented.
    pub positives: PathBuf,
    /// FASTA of closed sequences, named likewise.
    pub negatives: PathBuf,
    /// Regions that are invented where there are no files; each gives the sequences of two species.
    pub invented: usize,
}

/// The network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// Shape, by name.
    pub preset: String,
    /// Bases of a sequence.
    pub length: usize,
    /// Weights to start from (safetensors, or HDF5 of Keras); empty: new ones are drawn.
    pub start: PathBuf,
    /// Whether kernels of Keras that were written with Theano are turned by 180 degrees.
    pub rotate: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            experiment: "enhancers/small".to_owned(),
            seed: 1,
            data: DataSettings::default(),
            network: NetworkSettings::default(),
            training: train::Settings::default(),
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            positives: PathBuf::new(),
            negatives: PathBuf::new(),
            invented: Invention::default().training,
        }
    }
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            preset: "small".to_owned(),
            length: crate::kaplow2023::WINDOW,
            start: PathBuf::new(),
            rotate: true,
        }
    }
}

impl Settings {
    /// Everything that is wrong before a file is read, with the key.
    pub(crate) fn problems(&self) -> Vec<(&'static str, Problem)> {
        let shape = Architecture::named(&self.network.preset, self.network.length);
        let key = match &shape {
            Err(error) if error.field.as_deref() == Some("network.preset") => "network.preset",
            _ => "network.length",
        };
        let mut wrong: Vec<(&'static str, Problem)> =
            shape.err().into_iter().map(|error| (key, error.into())).collect();
        for (key, value) in [
            ("training.batch", self.training.batch),
            ("training.epochs", self.training.epochs),
            ("training.patience", self.training.patience),
        ] {
            if value == 0 {
                wrong.push((key, Problem::bare(format!("{key} is 0, expected 1 or more"))));
            }
        }
        wrong
    }

    /// The sequences, read or invented.
    ///
    /// # Errors
    /// Files that cannot be read or understood; one of the two alone; numbers that cannot be.
    pub fn sets(&self) -> Result<Sets, InputError> {
        let data = &self.data;
        match [&data.positives, &data.negatives].map(|path| !path.as_os_str().is_empty()) {
            [true, true] => Sets::read(&data.positives, &data.negatives),
            [false, false] if self.network.preset == "small" => self.invented(),
            given => {
                let missing = if given[0] {
                    "data.negatives"
                } else {
                    "data.positives"
                };
                Err(InputError::new(
                    "is empty, expected a FASTA file of sequences named `chromosome:start-end`",
                )
                .in_field(missing)
                .hint("`neuropil enhancers prepare` makes both of peaks"))
            }
        }
    }

    fn invented(&self) -> Result<Sets, InputError> {
        let study = invent(&Invention {
            seed: self.seed,
            regions: 1,
            planted: 0,
            training: self.data.invented,
            length: self.network.length,
            ..Invention::default()
        })?;
        Ok(Sets::invented(study.training))
    }

    /// The network that training begins with: drawn, or read, with remarks on how it was read.
    ///
    /// # Errors
    /// A preset that is none, a length that does not fit, weights that cannot be read or are of another shape.
    pub fn network(&self) -> Result<(Network<f32>, Vec<String>), InputError> {
        let wanted = Architecture::named(&self.network.preset, self.network.length)?;
        let start = &self.network.start;
        if start.as_os_str().is_empty() {
            return Ok((Network::new(wanted, Key::new(self.seed)), Vec::new()));
        }
        let reading = Reading {
            rotate: (!self.network.rotate).then_some(false),
            ..Reading::default()
        };
        let (network, notes) = model::load(start, self.network.length, reading)?;
        let found = &network.architecture;
        if (&found.convolutions, &found.dense, found.length)
            != (&wanted.convolutions, &wanted.dense, wanted.length)
        {
            return Err(InputError::new(format!(
                "is a network of another shape, expected `{}` for {} bases",
                self.network.preset, self.network.length
            ))
            .in_file(start));
        }
        Ok((network, notes))
    }
}
