//! Weights of Keras 1 and 2 in HDF5 files.
//!
//! What a layer is, is told by the shape of its kernel; which comes first, by the file's list of layers, or else by the
//! order of creation that the numbers in names keep, whatever number they begin with.

mod stored;
mod told;

use std::path::Path;

use hdf5_pure::File;
use neuropil_math::real::Real;

use self::stored::{Array, Stored};
use self::told::{Axes, Told};
use super::architecture::{Architecture, Convolution, Dense, Flatten};
use super::network::Network;
use crate::error::InputError;

/// How a file is to be read where it does not say so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether convolution kernels are turned by 180° (Theano convolves where others correlate); `None`: those written
    /// with Theano are, and those of Keras 1 where the file does not tell its backend.
    pub rotate: Option<bool>,
    /// Order of the flattened values; `None`: as `model_config` says, else filter-major for Keras 1, position-major for
    /// Keras 2.
    pub flatten: Option<Flatten>,
    /// Stride of the first convolution.
    pub first_stride: Option<usize>,
}

/// Reads a network for sequences of `length` bases, with remarks on what was assumed. Pooling windows, strides and activations are
/// those of its `model_config`; without one, windows of 26 and rectifiers.
///
/// # Errors
/// A file that is not HDF5 or not Keras's; layers of other kinds; kernels whose shapes do not follow one another; weights that are
/// not finite.
pub fn read<R: Real>(
    path: &Path,
    length: usize,
    reading: Reading,
) -> Result<(Network<R>, Vec<String>), InputError> {
    let fault = |message: String| InputError::new(message).in_file(path);
    let file = File::open(path).map_err(|error| fault(format!("cannot read as HDF5: {error}")))?;
    let stored = stored::read(&file).map_err(fault)?;
    let keras1 = stored.arrays.iter().any(|array| array.keras1);
    let pairs = pair_up(&stored.arrays).map_err(fault)?;
    let (layout, mut architecture) = layout_of(
        &pairs,
        keras1,
        stored.told.as_ref().map(Told::axes),
        length,
        reading.first_stride.unwrap_or(1),
    )
    .map_err(fault)?;
    let mut notes = Vec::new();
    let rotate = rotation(&stored, keras1, reading.rotate, &mut notes);
    architecture.flatten = flattening(&stored, layout, reading.flatten, &mut notes);
    if !stored.ordered {
        let names: Vec<&str> = pairs.iter().map(|(kernel, _)| kernel.layer.as_str()).collect();
        notes.push(format!(
            "the file does not tell the order of its layers: taken as they stand in it ({})",
            names.join(", ")
        ));
    }
    if let Some(told) = &stored.told {
        told.follow(&mut architecture).map_err(fault)?;
    }
    architecture.check().map_err(|error| error.in_file(path))?;
    let pool = architecture.pool_size;
    let mut network = Network::zeros(architecture);
    for (i, (kernel, bias)) in pairs.iter().enumerate() {
        let kernel = correlation_kernel(kernel, layout, rotate);
        let (w, b) = network.layer_mut(i);
        if w.len() != kernel.len() || b.len() != bias.values.len() {
            return Err(fault(format!(
                "layer {} has {} weights, expected {} for sequences of {length} bases and pooling windows of {pool}",
                i + 1,
                kernel.len(),
                w.len()
            )));
        }
        w.iter_mut().zip(&kernel).for_each(|(w, &k)| *w = R::of(k));
        b.iter_mut().zip(&bias.values).for_each(|(b, &v)| *b = R::of(v));
    }
    Ok((network, notes))
}

/// Whether kernels are turned.
fn rotation(stored: &Stored, keras1: bool, wanted: Option<bool>, notes: &mut Vec<String>) -> bool {
    let theano = stored.backend.as_ref().map(|name| name == "theano");
    let turned = wanted.unwrap_or(theano.unwrap_or(keras1));
    match (wanted, theano) {
        (None, Some(true)) => notes.push(
            "the weights were written with Theano: kernels were turned by 180 degrees (--no-rotate keeps them)"
                .into(),
        ),
        (None, None) if keras1 => notes.push("weights of Keras 1: the file does not tell its backend; kernels were turned by 180 degrees, as Theano stores them (--no-rotate keeps them)".into()),
        (None, None) => notes.push("the file does not tell its backend: kernels were kept as they stand".into()),
        (Some(false), Some(true)) => {
            notes.push("the weights were written with Theano; kernels were kept as they stand".into());
        }
        _ => {}
    }
    turned
}

/// In which order the first dense layer reads what the convolutions leave.
fn flattening(stored: &Stored, layout: Layout, wanted: Option<Flatten>, notes: &mut Vec<String>) -> Flatten {
    if let Some(wanted) = wanted {
        return wanted;
    }
    let told = |order: Flatten| match order {
        Flatten::FilterMajor => "filter by filter",
        Flatten::PositionMajor => "position by position",
    };
    let order = |filter_major: bool| {
        if filter_major {
            Flatten::FilterMajor
        } else {
            Flatten::PositionMajor
        }
    };
    let Some(axes) = stored.told.as_ref().map(Told::axes) else {
        let order = order(layout == Layout::FiltersFirst);
        notes.push(format!(
            "weights without a model_config: flattened values are taken {} (--flatten takes them otherwise)",
            told(order)
        ));
        return order;
    };
    let first = axes.channels_first.unwrap_or(layout == Layout::FiltersFirst);
    // A `Flatten` of its own `channels_first` moves the second axis to the end before it flattens.
    let found = order(match layout {
        Layout::PositionsSecond => first && !axes.flatten_first,
        Layout::FiltersFirst | Layout::PositionsFirst => first != axes.flatten_first,
    });
    if first || axes.flatten_first {
        let place = |first: bool| if first { "channels_first" } else { "channels_last" };
        notes.push(format!(
            "model_config: convolutions are {}, Flatten is {}: flattened values are taken {}",
            place(first),
            place(axes.flatten_first),
            told(found)
        ));
    }
    found
}

fn pair_up(arrays: &[Array]) -> Result<Vec<(&Array, &Array)>, String> {
    let mut pairs = Vec::new();
    let mut rest = arrays.iter().peekable();
    while let Some(kernel) = rest.next() {
        if kernel.shape.len() < 2 {
            return Err(format!("layer `{}` has a bias and no kernel", kernel.layer));
        }
        match rest.next() {
            Some(bias) if bias.group == kernel.group && bias.shape.len() == 1 => pairs.push((kernel, bias)),
            _ => return Err(format!("layer `{}` has no bias", kernel.layer)),
        }
    }
    if pairs.is_empty() {
        return Err("the file holds no layers with weights, expected a weights file of Keras".into());
    }
    Ok(pairs)
}

/// What the axes of convolution kernels are; the base may be one of the axes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Filters, channels, bases, positions.
    FiltersFirst,
    /// Positions, bases, channels, filters; without bases in one dimension.
    PositionsFirst,
    /// Bases, positions, channels, filters.
    PositionsSecond,
}

impl Layout {
    /// The axes of a kernel as positions, bases, channels, filters.
    fn sorted<T: Copy>(self, [a, b, c, d]: [T; 4]) -> [T; 4] {
        match self {
            Self::FiltersFirst => [d, c, b, a],
            Self::PositionsFirst => [a, b, c, d],
            Self::PositionsSecond => [b, a, c, d],
        }
    }

    /// Place of a base and a channel among the inputs.
    fn input(self, base: usize, channel: usize, bases: usize, channels: usize) -> usize {
        match self {
            Self::FiltersFirst => channel * bases + base,
            Self::PositionsFirst | Self::PositionsSecond => base * channels + channel,
        }
    }
}

/// The four axes of a convolution kernel; `None` for a dense layer.
fn axes_of(kernel: &Array) -> Option<[usize; 4]> {
    match kernel.shape[..] {
        [width, channels, filters] => Some([width, 1, channels, filters]),
        [a, b, c, d] => Some([a, b, c, d]),
        _ => None,
    }
}

/// The layout in which the kernels follow one another, and the shape of the network; the order of flattening is open.
fn layout_of(
    pairs: &[(&Array, &Array)],
    keras1: bool,
    axes: Option<Axes>,
    length: usize,
    first_stride: usize,
) -> Result<(Layout, Architecture), String> {
    use Layout::{FiltersFirst, PositionsFirst, PositionsSecond};
    let channels_last = axes.is_some_and(|axes| axes.channels_first == Some(false));
    let layouts = match keras1 {
        true if channels_last => [PositionsFirst, FiltersFirst],
        true => [FiltersFirst, PositionsFirst],
        false => [PositionsFirst, PositionsSecond],
    };
    let of = |layout| shape_of(pairs, layout, length, first_stride).map(|shape| (layout, shape));
    of(layouts[0]).or_else(|error| of(layouts[1]).map_err(|_| error))
}

fn shape_of(
    pairs: &[(&Array, &Array)],
    layout: Layout,
    length: usize,
    first_stride: usize,
) -> Result<Architecture, String> {
    let mut convolutions: Vec<Convolution> = Vec::new();
    let mut dense = Vec::new();
    let mut channels = 4;
    for (kernel, bias) in pairs {
        if let Some(axes) = axes_of(kernel) {
            let [width, bases, inputs, filters] = layout.sorted(axes);
            let inputs = bases * inputs;
            if inputs != channels || !dense.is_empty() {
                return Err(format!(
                    "the kernel of `{}` reads {inputs} channels, expected {channels}",
                    kernel.layer
                ));
            }
            if bias.values.len() != filters {
                return Err(format!(
                    "`{}` has {filters} filters and a bias of {}",
                    kernel.layer,
                    bias.values.len()
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
        dense: dense
            .into_iter()
            .map(|units| Dense { units, dropout: 0.0 })
            .collect(),
        outputs,
        ..base
    })
}

/// A kernel as \[width\]\[inputs\]\[outputs\] of a correlation.
fn correlation_kernel(kernel: &Array, layout: Layout, rotate: bool) -> Vec<f64> {
    let Some(axes) = axes_of(kernel) else {
        return kernel.values.clone();
    };
    let [width, bases, channels, filters] = layout.sorted(axes);
    let mut out = vec![0.0; kernel.values.len()];
    for (i, &value) in kernel.values.iter().enumerate() {
        let [_, b, c, d] = axes;
        let place = [i / (b * c * d), i / (c * d) % b, i / d % c, i % d];
        let [mut k, mut base, channel, filter] = layout.sorted(place);
        if rotate {
            (k, base) = (width - 1 - k, bases - 1 - base);
        }
        let input = layout.input(base, channel, bases, channels);
        out[(k * bases * channels + input) * filters + filter] = value;
    }
    out
}

#[cfg(test)]
mod tests;
