//! Shapes of the networks, the published ones among them.

use neuropil_nn::layer::conv1d::Window;
use neuropil_nn::layer::pool1d::Pool;

use crate::error::InputError;

/// A convolution with rectifier and dropout.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// Filters.
    pub filters: usize,
    /// Positions that a filter sees.
    pub width: usize,
    /// Positions between neighbouring outputs.
    #[serde(default = "one")]
    pub stride: usize,
    /// Fraction of values dropped in training.
    #[serde(default)]
    pub dropout: f64,
}

fn one() -> usize {
    1
}

/// A dense layer with rectifier and dropout.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Units.
    pub units: usize,
    /// Fraction of values dropped in training.
    #[serde(default)]
    pub dropout: f64,
}

/// Order in which filters and positions are laid out for the first dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flatten {
    /// filter · positions + position: Keras with Theano, PyTorch.
    FilterMajor,
    /// position · filters + filter: Keras with TensorFlow.
    PositionMajor,
}

/// A network: convolutions, pooling, dense layers, one output (or one per class).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Bases of a sequence.
    pub length: usize,
    /// Convolutions, in order.
    pub convolutions: Vec<Convolution>,
    /// Positions of a pooling window.
    pub pool_size: usize,
    /// Positions between pooling windows.
    pub pool_stride: usize,
    /// Whether pooling windows may hang over the ends.
    pub pool_same: bool,
    /// Order of the flattened values.
    pub flatten: Flatten,
    /// Dense layers before the output.
    pub dense: Vec<Dense>,
    /// Outputs: 1 for the logit of one class, more for as many classes.
    pub outputs: usize,
    /// Factor of the squares of convolution kernels in the loss.
    pub l2_convolution: f64,
    /// Factor of the squares of dense weights in the loss.
    pub l2_dense: f64,
    /// Factor of the squares of output weights in the loss.
    pub l2_output: f64,
}

impl Architecture {
    /// Names of the presets.
    pub const PRESETS: [&'static str; 5] = ["small", "motor-cortex", "pv-like", "retina", "generic"];

    /// A preset by name. `small` is for laptops; `motor-cortex` is the five-layer network of the multi-species models
    /// (the number of filters is that of the companion paper, Kaplow et al. 2022), `pv-like` the published network of
    /// the sister cell type SST, `retina` that of the retina models, `generic` the defaults of cnn_pipeline.
    pub fn preset(name: &str) -> Option<Self> {
        let conv = |filters, width, stride, dropout| Convolution {
            filters,
            width,
            stride,
            dropout,
        };
        let base = Self {
            length: crate::kaplow2023::WINDOW,
            convolutions: Vec::new(),
            pool_size: 26,
            pool_stride: 26,
            pool_same: false,
            flatten: Flatten::PositionMajor,
            dense: vec![Dense {
                units: 300,
                dropout: 0.2,
            }],
            outputs: 1,
            l2_convolution: 1e-6,
            l2_dense: 0.0,
            l2_output: 0.0,
        };
        Some(match name {
            // Few examples and no hours: dropout makes this network's plateau several times as long, and half as many
            // windows leave the dense layer, whose inputs are all positive, half as far to move in a step.
            "small" => Self {
                convolutions: vec![conv(32, 11, 1, 0.0), conv(32, 7, 1, 0.0)],
                pool_size: 52,
                pool_stride: 52,
                dense: vec![Dense {
                    units: 32,
                    dropout: 0.0,
                }],
                ..base
            },
            "motor-cortex" => Self {
                convolutions: vec![conv(350, 7, 1, 0.2); 5],
                flatten: Flatten::FilterMajor,
                dense: vec![Dense {
                    units: 300,
                    dropout: 0.1,
                }],
                ..base
            },
            "pv-like" => Self {
                convolutions: vec![conv(300, 7, 4, 0.3), conv(300, 7, 1, 0.2)],
                dense: vec![Dense {
                    units: 300,
                    dropout: 0.1,
                }],
                l2_convolution: 1e-4,
                l2_dense: 1e-4,
                l2_output: 1e-4,
                ..base
            },
            "retina" => Self {
                convolutions: vec![conv(256, 11, 1, 0.4), conv(128, 11, 1, 0.3), conv(64, 11, 1, 0.2)],
                dense: vec![Dense {
                    units: 300,
                    dropout: 0.3,
                }],
                l2_dense: 1e-6,
                l2_output: 1e-6,
                ..base
            },
            "generic" => Self {
                convolutions: vec![conv(500, 11, 1, 0.3); 2],
                pool_same: true,
                dense: vec![Dense {
                    units: 300,
                    dropout: 0.3,
                }],
                outputs: 2,
                l2_convolution: 1e-4,
                l2_dense: 1e-4,
                l2_output: 1e-4,
                ..base
            },
            _ => return None,
        })
    }

    /// A preset for sequences of `length` bases.
    ///
    /// # Errors
    /// A name that is none, a length that does not fit.
    pub fn named(preset: &str, length: usize) -> Result<Self, InputError> {
        let found = Self::preset(preset).ok_or_else(|| {
            InputError::new(format!("no preset `{preset}`"))
                .in_field("network.preset")
                .hint(format!("the presets are {}", Self::PRESETS.join(", ")))
        })?;
        let found = Self { length, ..found };
        found.check()?;
        Ok(found)
    }

    /// Positions after every convolution, and after pooling.
    pub fn lengths(&self) -> Vec<usize> {
        let mut length = self.length;
        let mut lengths = Vec::new();
        for convolution in &self.convolutions {
            length = convolution.window().outputs(length);
            lengths.push(length);
        }
        lengths.push(self.pool().outputs(length));
        lengths
    }

    pub(crate) fn pool(&self) -> Pool {
        Pool {
            size: self.pool_size,
            stride: self.pool_stride,
            same: self.pool_same,
        }
    }

    /// Filters of the last convolution.
    pub(crate) fn channels(&self) -> usize {
        self.convolutions
            .last()
            .map_or(4, |convolution| convolution.filters)
    }

    /// Values after flattening.
    pub fn flattened(&self) -> usize {
        self.lengths().last().copied().unwrap_or(0) * self.channels()
    }

    /// Fails for shapes that do not fit.
    ///
    /// # Errors
    /// Layers of size 0, sequences too short for the windows, dropout outside \[0, 1), more than 2³¹ parameters.
    pub fn check(&self) -> Result<(), InputError> {
        let sizes = self
            .convolutions
            .iter()
            .flat_map(|c| [c.filters, c.width, c.stride])
            .chain(self.dense.iter().map(|d| d.units));
        if sizes
            .chain([self.pool_size, self.pool_stride, self.outputs, self.length])
            .any(|size| size == 0 || size > 1 << 20)
        {
            return Err(InputError::new("a size of the network is 0 or above 1048576").in_field("network"));
        }
        let dropouts = self
            .convolutions
            .iter()
            .map(|c| c.dropout)
            .chain(self.dense.iter().map(|d| d.dropout));
        if let Some(bad) = dropouts.clone().find(|rate| !(0.0..1.0).contains(rate)) {
            return Err(
                InputError::new(format!("a dropout of {bad}, expected 0 to below 1")).in_field("network"),
            );
        }
        if self.lengths().contains(&0) {
            return Err(InputError::new(format!(
                "sequences of {} bases are too short: the layers leave {:?} positions",
                self.length,
                self.lengths()
            ))
            .in_field("network.length"));
        }
        if self.n_parameters() > 1 << 31 {
            return Err(
                InputError::new(format!("{} parameters are too many", self.n_parameters()))
                    .in_field("network"),
            );
        }
        Ok(())
    }

    /// Number of parameters.
    pub fn n_parameters(&self) -> usize {
        let mut channels = 4;
        let mut n = 0;
        for convolution in &self.convolutions {
            n += convolution.width * channels * convolution.filters + convolution.filters;
            channels = convolution.filters;
        }
        let mut inputs = self.flattened();
        for dense in &self.dense {
            n += inputs * dense.units + dense.units;
            inputs = dense.units;
        }
        n + inputs * self.outputs + self.outputs
    }
}

impl Convolution {
    pub(crate) fn window(&self) -> Window {
        Window {
            width: self.width,
            stride: self.stride,
        }
    }
}
