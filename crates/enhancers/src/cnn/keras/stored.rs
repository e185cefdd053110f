//! What a file of Keras holds: its arrays, layer by layer, and what its attributes tell.

use std::cmp::Reverse;
use std::collections::HashMap;

use hdf5_pure::{AttrValue, File, Group};
use serde_json::Value;

use super::told::Told;

/// One array of weights.
pub(super) struct Array {
    /// Name of its layer.
    pub layer: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    /// Whether it is named as Keras 1 does.
    pub keras1: bool,
    /// Its group, below the group of all layers.
    pub group: String,
}

/// A file.
pub(super) struct Stored {
    /// Layer by layer, kernels before biases.
    pub arrays: Vec<Array>,
    /// Whether the order of layers is told, by `layer_names` or by the numbers in their names.
    pub ordered: bool,
    /// The backend that the weights were written with.
    pub backend: Option<String>,
    /// What `model_config` says, where there is one.
    pub told: Option<Told>,
}

type Attributes = HashMap<String, AttrValue>;

/// Reads all arrays and attributes.
pub(super) fn read(file: &File) -> Result<Stored, String> {
    let root = file.root();
    let about = root.attrs().map_err(damaged)?;
    let base = if has_group(&root, "model_weights")? {
        root.group("model_weights").map_err(damaged)?
    } else {
        file.root()
    };
    let told = base.attrs().map_err(damaged)?;
    let mut arrays = Vec::new();
    collect(&base, "", 0, &mut arrays)?;
    let layers = listed(&told, "layer_names");
    if layers.is_empty() && arrays.iter().any(|array| array.group.ends_with("/vars")) {
        return Err("weights of Keras 3, expected those of Keras 1 or 2 (Keras 3 writes them with `model.save(\"model.h5\")`)".into());
    }
    let ordered = if layers.is_empty() {
        by_number(&mut arrays)
    } else {
        as_listed(&base, &layers, &mut arrays)?;
        true
    };
    let text = |name: &str| {
        [&about, &told]
            .into_iter()
            .find_map(|from| from.get(name)?.as_str())
    };
    let config: Option<Value> = text("model_config").and_then(|text| serde_json::from_str(text).ok());
    let backend = text("backend").or_else(|| config.as_ref()?.get("backend")?.as_str());
    Ok(Stored {
        ordered,
        backend: backend.map(|name| plain(name).to_lowercase()),
        told: config.as_ref().map(Told::of),
        arrays,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn damaged(error: hdf5_pure::Error) -> String {
    format!("damaged HDF5: {error}")
}

fn has_group(group: &Group, name: &str) -> Result<bool, String> {
    Ok(group.groups().map_err(damaged)?.iter().any(|inner| inner == name))
}

/// Text of a fixed width is filled up with zeros.
fn plain(text: &str) -> &str {
    text.trim_end_matches('\0')
}

/// A list of names; long ones are cut into `NAME0`, `NAME1`, ….
fn listed(attributes: &Attributes, name: &str) -> Vec<String> {
    let parts = (0..).map_while(|i| attributes.get(&format!("{name}{i}")));
    let all = attributes.get(name).into_iter().chain(parts);
    all.filter_map(AttrValue::as_strings)
        .flatten()
        .map(|name| plain(name).to_owned())
        .collect()
}

fn collect(group: &Group, path: &str, depth: usize, arrays: &mut Vec<Array>) -> Result<(), String> {
    if depth > 8 {
        return Err("groups are nested more than 8 deep".into());
    }
    let layer = path.rsplit('/').next().unwrap_or_default();
    for inner in group.groups().map_err(damaged)? {
        if inner == "optimizer_weights" || inner == "top_level_model_weights" {
            continue;
        }
        let below = if path.is_empty() {
            inner.clone()
        } else {
            format!("{path}/{inner}")
        };
        collect(&group.group(&inner).map_err(damaged)?, &below, depth + 1, arrays)?;
    }
    for inner in group.datasets().map_err(damaged)? {
        let dataset = group.dataset(&inner).map_err(damaged)?;
        let shape: Vec<usize> = dataset
            .shape()
            .map_err(damaged)?
            .iter()
            .map(|&n| usize::try_from(n).unwrap_or(usize::MAX))
            .collect();
        let n = shape.iter().fold(1, |n: usize, &of| n.saturating_mul(of));
        if shape.is_empty() || n > 1 << 30 {
            continue;
        }
        let values: Vec<f64> = dataset
            .read_f32()
            .map(|values| values.into_iter().map(f64::from).collect())
            .or_else(|_| dataset.read_f64())
            .map_err(damaged)?;
        if values.len() != n {
            return Err(format!(
                "layer `{layer}` holds {} values of a shape {shape:?}, expected numbers of single or double precision",
                values.len()
            ));
        }
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("layer `{layer}` holds {bad}, expected finite weights"));
        }
        arrays.push(Array {
            layer: layer.to_owned(),
            shape,
            values,
            keras1: inner.ends_with("_W") || inner.ends_with("_b"),
            group: path.to_owned(),
        });
    }
    Ok(())
}

/// Puts arrays into the order of the lists of layers and of each layer's weights; what no list names comes last.
fn as_listed(base: &Group, layers: &[String], arrays: &mut [Array]) -> Result<(), String> {
    let mut rank: HashMap<String, usize> = HashMap::new();
    for layer in layers {
        let weights = match base.group(layer) {
            Ok(group) => listed(&group.attrs().map_err(damaged)?, "weight_names"),
            Err(_) => continue,
        };
        for weight in weights {
            let path = format!("{layer}/{weight}");
            let group = path.rsplit_once('/').map_or(layer.as_str(), |(group, _)| group);
            let next = rank.len();
            rank.entry(group.to_owned()).or_insert(next);
        }
        let next = rank.len();
        rank.entry(layer.clone()).or_insert(next);
    }
    arrays.sort_by_cached_key(|array| {
        let top = array.group.split('/').next().unwrap_or_default();
        let place = rank.get(&array.group).or_else(|| rank.get(top));
        (
            place.copied().unwrap_or(usize::MAX),
            array.group.clone(),
            Reverse(array.shape.len()),
        )
    });
    Ok(())
}

/// Without a list: convolutions before dense layers, each kind by the numbers that names end with, whatever they begin
/// with: `conv2d`, `conv2d_1`, …, `conv2d_10`. `false` where the names have no such numbers, and the layers stay as they
/// stand in the file.
fn by_number(arrays: &mut [Array]) -> bool {
    let mut groups: Vec<String> = arrays.iter().map(|array| array.group.clone()).collect();
    groups.dedup();
    let is_convolution = |group: &String| arrays.iter().any(|a| a.group == *group && a.shape.len() > 2);
    let (convolutions, dense): (Vec<String>, Vec<String>) = groups.into_iter().partition(is_convolution);
    let mut ordered = true;
    let mut rank: HashMap<String, usize> = HashMap::new();
    for mut kind in [convolutions, dense] {
        let names: Vec<(&str, u64)> = kind.iter().map(|group| numbered(group)).collect();
        let mut numbers: Vec<u64> = names.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() == kind.len() && names.windows(2).all(|pair| pair[0].0 == pair[1].0) {
            kind.sort_by_key(|group| numbered(group).1);
        } else {
            ordered = false;
        }
        for group in kind {
            let next = rank.len();
            rank.insert(group, next);
        }
    }
    arrays.sort_by_key(|array| (rank[&array.group], Reverse(array.shape.len())));
    ordered
}

/// The number that the name of a group's layer ends with, 0 without one, and what stands before it.
fn numbered(group: &str) -> (&str, u64) {
    let layer = group.rsplit('/').next().unwrap_or(group);
    let stem = layer.trim_end_matches(|c: char| c.is_ascii_digit());
    (
        stem.trim_end_matches('_'),
        layer[stem.len()..].parse().unwrap_or(0),
    )
}
