//! Weights of Keras 1 and 2 in HDF5 files.
//!
//! What a layer is, is told by the shape of its kernel; which comes first, by the order of creation that the numbers in
//! names keep, whatever number they begin with.

use std::path::Path;

use hdf5_pure::{File, Group};
use neuropil_math::real::Real;

use super::architecture::{Architecture, Convolution, Dense, Flatten};
use super::network::Network;
use crate::error::InputError;

/// How a file is to be read where it does not say so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether convolution kernels are turned by 180° (Theano convolves where others correlate); `None`: those of
    /// Keras 1, whose files do not tell their backend, are.
    pub rotate: Option<bool>,
    /// Order of the flattened values; `None`: filter-major for Keras 1, position-major for Keras 2.
    pub flatten: Option<Flatten>,
    /// Stride of the first convolution.
    pub first_stride: Option<usize>,
}

struct Array {
    layer: String,
    shape: Vec<usize>,
    values: Vec<f64>,
    keras1: bool,
}

/// Reads a network with pooling windows of 26 and sequences of `length` bases, with remarks on what was assumed.
///
/// # Errors
/// A file that is not HDF5 or not Keras's; kernels whose shapes do not follow one another.
pub fn read<R: Real>(
    path: &Path,
    length: usize,
    reading: Reading,
) -> Result<(Network<R>, Vec<String>), InputError> {
    let fault = |message: String| InputError::new(message).in_file(path);
    let file = File::open(path).map_err(|error| fault(format!("cannot read as HDF5: {error}")))?;
    let mut arrays = Vec::new();
    collect(&file.root(), "", 0, &mut arrays).map_err(fault)?;
    arrays.sort_by_key(|array| (natural(&array.layer), std::cmp::Reverse(array.shape.len())));
    let keras1 = arrays.iter().any(|array| array.keras1);
    let pairs = pair_up(&arrays).map_err(fault)?;
    let flatten = reading.flatten.unwrap_or(if keras1 {
        Flatten::FilterMajor
    } else {
        Flatten::PositionMajor
    });
    let architecture = shape_of(&pairs, length, flatten, reading.first_stride.unwrap_or(1)).map_err(fault)?;
    architecture.check().map_err(|error| error.in_file(path))?;
    let rotate = reading.rotate.unwrap_or(keras1);
    let mut network = Network::zeros(architecture);
    for (i, (kernel, bias)) in pairs.iter().enumerate() {
        let kernel = correlation_kernel(kernel, rotate);
        let (w, b) = network.layer_mut(i);
        if w.len() != kernel.len() || b.len() != bias.values.len() {
            return Err(fault(format!(
                "layer {} has {} weights, expected {} for sequences of {length} bases",
                i + 1,
                kernel.len(),
                w.len()
            )));
        }
        w.iter_mut().zip(&kernel).for_each(|(w, &k)| *w = R::of(k));
        b.iter_mut().zip(&bias.values).for_each(|(b, &v)| *b = R::of(v));
    }
    let mut notes = Vec::new();
    if keras1 && reading.rotate.is_none() {
        notes.push("weights of Keras 1: the file does not tell its backend; kernels were turned by 180 degrees, as Theano stores them (--no-rotate keeps them)".into());
    }
    Ok((network, notes))
}

fn collect(group: &Group, name: &str, depth: usize, arrays: &mut Vec<Array>) -> Result<(), String> {
    if depth > 8 {
        return Err("groups are nested more than 8 deep".into());
    }
    let say = |error: hdf5_pure::Error| format!("damaged HDF5: {error}");
    for inner in group.groups().map_err(say)? {
        if inner == "optimizer_weights" || inner == "top_level_model_weights" {
            continue;
        }
        collect(&group.group(&inner).map_err(say)?, &inner, depth + 1, arrays)?;
    }
    for inner in group.datasets().map_err(say)? {
        let dataset = group.dataset(&inner).map_err(say)?;
        let shape: Vec<usize> = dataset
            .shape()
            .map_err(say)?
            .iter()
            .map(|&n| n as usize)
            .collect();
        if shape.is_empty() || shape.iter().product::<usize>() > 1 << 30 {
            continue;
        }
        let values: Vec<f64> = dataset
            .read_f32()
            .map(|values| values.into_iter().map(f64::from).collect())
            .or_else(|_| dataset.read_f64())
            .map_err(say)?;
        let keras1 = inner.ends_with("_W") || inner.ends_with("_b");
        arrays.push(Array {
            layer: name.to_owned(),
            shape,
            values,
            keras1,
        });
    }
    Ok(())
}

/// Convolutions before dense layers, in each the order of creation: `conv2d`, `conv2d_1`, …, `conv2d_10`.
fn natural(layer: &str) -> (bool, String, u64) {
    let (stem, number) = match layer.rsplit_once('_') {
        Some((stem, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (stem, number.parse().unwrap_or(0))
        }
        _ => (layer, 0),
    };
    (!stem.starts_with("conv"), stem.to_owned(), number)
}

fn pair_up(arrays: &[Array]) -> Result<Vec<(&Array, &Array)>, String> {
    let mut pairs = Vec::new();
    let mut rest = arrays.iter().peekable();
    while let Some(kernel) = rest.next() {
        if kernel.shape.len() < 2 {
            return Err(format!("layer `{}` has a bias and no kernel", kernel.layer));
        }
        match rest.next() {
            Some(bias) if bias.layer == kernel.layer && bias.shape.len() == 1 => pairs.push((kernel, bias)),
            _ => return Err(format!("layer `{}` has no bias", kernel.layer)),
        }
    }
    if pairs.is_empty() {
        return Err("the file holds no layers with weights, expected a weights file of Keras".into());
    }
    Ok(pairs)
}

/// Width, inputs and outputs of a convolution kernel, whose base axis may be one of its image axes.
fn convolution_of(kernel: &Array) -> Option<(usize, usize, usize)> {
    match (kernel.shape.as_slice(), kernel.keras1) {
        // (filters, channels, base rows, positions)
        (&[filters, channels, rows, width], true) => Some((width, channels * rows, filters)),
        // (positions, base columns, channels, filters)
        (&[width, columns, channels, filters], false) => Some((width, columns * channels, filters)),
        (&[width, channels, filters], _) => Some((width, channels, filters)),
        _ => None,
    }
}

fn shape_of(
    pairs: &[(&Array, &Array)],
    length: usize,
    flatten: Flatten,
    first_stride: usize,
) -> Result<Architecture, String> {
    let mut convolutions: Vec<Convolution> = Vec::new();
    let mut dense = Vec::new();
    let mut channels = 4;
    for (kernel, _) in pairs {
        if let Some((width, inputs, filters)) = convolution_of(kernel) {
            if inputs != channels || !dense.is_empty() {
                return Err(format!(
                    "the kernel of `{}` reads {inputs} channels, expected {channels}",
                    kernel.layer
                ));
            }
            channels = filters;
            let stride = if convolutions.is_empty() { first_stride } else { 1 };
            convolutions.push(Convolution {
                filters,
                width,
                stride,
                dropout: 0.0,
            });
        } else {
            dense.push(kernel.shape[1]);
        }
    }
    let Some(outputs) = dense.pop() else {
        return Err("the file holds no dense layer".into());
    };
    let base = Architecture::preset("motor-cortex").expect("a preset");
    Ok(Architecture {
        length,
        convolutions,
        flatten,
        dense: dense
            .into_iter()
            .map(|units| Dense { units, dropout: 0.0 })
            .collect(),
        outputs,
        ..base
    })
}

/// A kernel as \[width\]\[inputs\]\[outputs\] of a correlation.
fn correlation_kernel(kernel: &Array, rotate: bool) -> Vec<f64> {
    let Some((width, inputs, filters)) = convolution_of(kernel) else {
        return kernel.values.clone();
    };
    let mut out = vec![0.0; kernel.values.len()];
    for (i, &value) in kernel.values.iter().enumerate() {
        let (k, input, filter) = if kernel.keras1 && kernel.shape.len() == 4 {
            let (rows, channels) = (kernel.shape[2], kernel.shape[1]);
            let (k, rest) = (i % width, i / width);
            let (row, rest) = (rest % rows, rest / rows);
            let (channel, filter) = (rest % channels, rest / channels);
            let (k, row) = if rotate {
                (width - 1 - k, rows - 1 - row)
            } else {
                (k, row)
            };
            (k, channel * rows + row, filter)
        } else {
            let (filter, rest) = (i % filters, i / filters);
            let (input, k) = (rest % inputs, rest / inputs);
            (if rotate { width - 1 - k } else { k }, input, filter)
        };
        out[(k * inputs + input) * filters + filter] = value;
    }
    out
}
