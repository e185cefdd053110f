//! Weights of a network, as PyTorch names and keeps them: its two checkpoint formats and safetensors.
//!
//! A checkpoint is a pickle, and a pickle is a program. Here it is read as data: only the names by which tensors are put
//! together are known, and no code is run. The published file is of the legacy format (magic number, protocol, machine,
//! object, storage keys, storages); newer ones are ZIP archives.

use crate::error::{NeuronidError, content};
use crate::identify::{Frame, Trained};
use crate::network::{Encoder, Network, Shape};
use crate::worm::Point;
use crate::yu2021::HEADS;
use neuropil_lab::array::{self, Tensors};
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_math::arrays::Values;
use neuropil_math::real::Real;
use neuropil_nn::layer::norm::Statistics;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

mod torch;

/// A network from a file, and what had to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The network.
    pub trained: Trained,
    /// Prefixes that were taken off, parts that were left out.
    pub said: Vec<String>,
}

/// Reads a network from a PyTorch checkpoint of either format, or from safetensors under the same names.
///
/// The number of heads does not follow from weights: what the file says, else `heads`, else 8 as in all published networks.
///
/// # Errors
/// The file is none of these, ends early, would run code, or its arrays do not make the network.
pub fn load(path: &Path, heads: Option<usize>) -> Result<Loaded, NeuronidError> {
    if let Some((tensors, beside)) = own(path)? {
        if heads.is_some_and(|heads| heads != beside.shape.heads) {
            let found = format!("a network of {} heads, as it says itself", beside.shape.heads);
            return Err(content(
                path,
                found,
                "the heads that `--heads` names: leave it out",
            ));
        }
        let found = network_of(path, &tensors, beside.shape.heads, &mut Vec::new())?;
        let network = Network::new(beside.shape, found.params, found.running);
        let trained = Trained {
            network: network.ready(),
            frame: beside.frame,
            places: beside.places.into_iter().collect(),
        };
        return Ok(Loaded {
            trained,
            said: Vec::new(),
        });
    }
    let (tensors, mut said) = tensors(path)?;
    let tensors = without_wrapper(tensors, &mut said);
    let tensors = within(path, tensors, &mut said)?;
    finite(path, &tensors)?;
    if heads.is_none() {
        said.push(format!(
            "{HEADS} heads: the file does not say how many (`--heads`)"
        ));
    }
    let network = network_of(path, &tensors, heads.unwrap_or(HEADS), &mut said)?;
    let trained = Trained {
        network: network.ready(),
        frame: Frame::AsItLies,
        places: HashMap::new(),
    };
    Ok(Loaded { trained, said })
}

/// All arrays of a checkpoint by name, and what was left out.
///
/// # Errors
/// As [`load`].
pub fn tensors(path: &Path) -> Result<(Tensors, Vec<String>), NeuronidError> {
    let bytes = std::fs::read(path).map_err(|error| content(path, error.to_string(), "a checkpoint"))?;
    // Safetensors begin with the length of their header, which is JSON, whatever the file is called.
    let named = path
        .extension()
        .is_some_and(|extension| extension == "safetensors");
    if named || bytes.get(8) == Some(&b'{') {
        return safetensors(path);
    }
    torch::read(path, &bytes)
}

/// Floating-point arrays; counters of batches and the like are left out.
fn safetensors(path: &Path) -> Result<(Tensors, Vec<String>), NeuronidError> {
    let (mut tensors, mut said) = (Tensors::new(), Vec::new());
    for (name, (shape, values)) in array::read(path)? {
        let values = match values {
            Values::F32(values) => values,
            Values::F64(values) => values.into_iter().map(|value| value as f32).collect(),
            other => {
                said.push(format!("`{name}` of {} was left out", other.kind()));
                continue;
            }
        };
        tensors.insert(name, (shape, values));
    }
    Ok((tensors, said))
}

/// What wrappers put before every name: data-parallel training, and the compiler.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// Takes wrappers off, in any order.
fn without_wrapper(mut tensors: Tensors, said: &mut Vec<String>) -> Tensors {
    while let Some(wrapper) = WRAPPERS
        .into_iter()
        .find(|wrapper| !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(wrapper)))
    {
        said.push(format!(
            "`{wrapper}` was taken off all names: the network was saved from within a wrapper"
        ));
        let bare = |(name, tensor): (String, _)| (name[wrapper.len()..].to_owned(), tensor);
        tensors = tensors.into_iter().map(bare).collect();
    }
    tensors
}

/// An array of every network; what stands before its name is that of a module that the network is a part of.
const ANCHOR: &str = "point_f.conv1.bias";

/// Takes the network out of a larger module, as trainers keep it: `model.point_f.…` beside the arrays of losses.
fn within(path: &Path, tensors: Tensors, said: &mut Vec<String>) -> Result<Tensors, NeuronidError> {
    let owners: Vec<&str> = tensors
        .keys()
        .filter_map(|name| name.strip_suffix(ANCHOR))
        .collect();
    let owner = match owners[..] {
        [] | [""] => return Ok(tensors),
        [owner] => owner.to_owned(),
        _ => {
            let found = format!("{} networks: `{}`", owners.len(), owners.join("`, `"));
            return Err(content(path, found, "one network in a file"));
        }
    };
    let n = tensors.len();
    let bare = |(name, tensor): (String, _)| Some((name.strip_prefix(&owner)?.to_owned(), tensor));
    let tensors: Tensors = tensors.into_iter().filter_map(bare).collect();
    let others = n - tensors.len();
    said.push(match others {
        0 => format!("`{owner}` was taken off all names: the network is a part of a larger module"),
        _ => format!("the arrays under `{owner}` are the network; {others} others were left out"),
    });
    Ok(tensors)
}

/// Refuses weights that are no numbers.
fn finite(path: &Path, tensors: &Tensors) -> Result<(), NeuronidError> {
    match tensors
        .iter()
        .find(|(_, (_, values))| !values.iter().all(|value| value.is_finite()))
    {
        None => Ok(()),
        Some((name, _)) => Err(content(
            path,
            format!("`{name}` with values that are no numbers"),
            "weights of a training that went well",
        )),
    }
}

/// Our name of an array, PyTorch's name, and whether PyTorch keeps it to × from.
fn names(shape: Shape) -> Vec<(String, String, bool)> {
    let mut names = vec![
        ("embed.w".to_owned(), "point_f.conv1.weight".to_owned(), true),
        ("embed.b".to_owned(), "point_f.conv1.bias".to_owned(), false),
        (
            "embed_norm.gain".to_owned(),
            "point_f.bn1.weight".to_owned(),
            false,
        ),
        (
            "embed_norm.shift".to_owned(),
            "point_f.bn1.bias".to_owned(),
            false,
        ),
        ("outlier.w".to_owned(), "fc_outlier.weight".to_owned(), true),
        ("outlier.b".to_owned(), "fc_outlier.bias".to_owned(), false),
    ];
    const LAYER: [(&str, &str, bool); 12] = [
        ("qkv.w", "self_attn.in_proj_weight", true),
        ("qkv.b", "self_attn.in_proj_bias", false),
        ("out.w", "self_attn.out_proj.weight", true),
        ("out.b", "self_attn.out_proj.bias", false),
        ("up.w", "linear1.weight", true),
        ("up.b", "linear1.bias", false),
        ("down.w", "linear2.weight", true),
        ("down.b", "linear2.bias", false),
        ("norm1.gain", "norm1.weight", false),
        ("norm1.shift", "norm1.bias", false),
        ("norm2.gain", "norm2.weight", false),
        ("norm2.shift", "norm2.bias", false),
    ];
    for layer in 0..shape.layers {
        let one = |(ours, theirs, turned): (&str, &str, bool)| {
            (
                format!("layers.{layer}.{ours}"),
                format!("model.layers.{layer}.{theirs}"),
                turned,
            )
        };
        names.extend(LAYER.map(one));
    }
    names
}

/// Sizes from the arrays.
fn shape_of(path: &Path, tensors: &Tensors, heads: usize) -> Result<Shape, NeuronidError> {
    let need = |name: &str| {
        tensors.get(name).ok_or_else(|| {
            content(
                path,
                format!("no array `{name}`"),
                "the weights of an fDNC network",
            )
        })
    };
    let width = need("point_f.conv1.bias")?.1.len();
    let layers = (0..)
        .take_while(|k| tensors.contains_key(&format!("model.layers.{k}.linear1.bias")))
        .count();
    let hidden = need("model.layers.0.linear1.bias")?.1.len();
    let beyond = tensors.keys().find(|name| {
        let number = name
            .strip_prefix("model.layers.")
            .and_then(|rest| rest.split('.').next());
        number
            .and_then(|number| number.parse::<usize>().ok())
            .is_some_and(|k| k >= layers)
    });
    if let Some(name) = beyond {
        let found = format!("`{name}`, and no layer {layers} before it");
        return Err(content(path, found, "layers that count from 0 without a gap"));
    }
    if heads == 0 || !width.is_multiple_of(heads) {
        let found = format!("{width} features, which {heads} heads do not divide");
        return Err(content(
            path,
            found,
            "a number of heads that divides the features",
        ));
    }
    Ok(Shape {
        width,
        layers,
        heads,
        hidden,
        encoder: Encoder::Joint,
    })
}

fn network_of(
    path: &Path,
    tensors: &Tensors,
    heads: usize,
    said: &mut Vec<String>,
) -> Result<Network<f32>, NeuronidError> {
    if tensors
        .keys()
        .any(|name| name.contains("stn") || name.contains("fstn"))
    {
        let found = "spatial-transformer blocks (p_rotate or f_trans)";
        return Err(content(
            path,
            found,
            "a network without them, as the published one",
        ));
    }
    let shape = shape_of(path, tensors, heads)?;
    let layout = shape.layout();
    let mut params = vec![0.0; layout.len()];
    for (ours, theirs, turned) in names(shape) {
        let entry = layout
            .entries()
            .iter()
            .find(|entry| entry.name == ours)
            .expect("an array of the network");
        let place = layout.view_mut(&mut params, &ours);
        let expected: Vec<usize> = if turned {
            entry.shape.iter().rev().copied().collect()
        } else {
            entry.shape.clone()
        };
        let (found, values) = tensors.get(&theirs).ok_or_else(|| {
            content(
                path,
                format!("no array `{theirs}`"),
                format!("{} layers complete", shape.layers),
            )
        })?;
        // Convolutions of width one keep a third axis.
        let flat: Vec<usize> = found
            .iter()
            .enumerate()
            .filter(|(axis, n)| *axis < 2 || **n != 1)
            .map(|(_, &n)| n)
            .collect();
        if flat != expected {
            return Err(content(
                path,
                format!("`{theirs}` of shape {found:?}"),
                format!("shape {expected:?}"),
            ));
        }
        if turned {
            transpose(values, entry.shape[0], place);
        } else {
            place.copy_from_slice(values);
        }
    }
    let vector = |name: &str| -> Result<Vec<f32>, NeuronidError> {
        let found = tensors
            .get(name)
            .filter(|(_, values)| values.len() == shape.width);
        let found = found.ok_or_else(|| {
            content(
                path,
                format!("no `{name}` of {} values", shape.width),
                "running statistics",
            )
        })?;
        Ok(found.1.clone())
    };
    let running = Statistics {
        mean: vector("point_f.bn1.running_mean")?,
        variance: vector("point_f.bn1.running_var")?,
        rows: 0,
    };
    if tensors.keys().any(|name| name.starts_with("enc_l.")) {
        said.push("`enc_l.…` was left out: a layer that is in every checkpoint and is never run".to_owned());
    }
    Ok(Network::new(shape, params, running))
}

/// `from` \[columns\]\[rows\] → `to` \[rows\]\[columns\].
fn transpose(from: &[f32], rows: usize, to: &mut [f32]) {
    let columns = from.len() / rows.max(1);
    for (i, to) in to.iter_mut().enumerate() {
        *to = from[i % columns * rows + i / columns];
    }
}

/// All arrays under PyTorch's names and in its orientation.
pub fn to_torch<R: Real>(network: &Network<R>) -> Tensors {
    let narrow = |values: &[R]| values.iter().map(|x| x.f64() as f32).collect::<Vec<f32>>();
    let mut tensors = Tensors::new();
    for (ours, theirs, turned) in names(network.shape()) {
        let entry = network
            .layout()
            .entries()
            .iter()
            .find(|entry| entry.name == ours)
            .expect("an array");
        let values = narrow(network.layout().view(&network.params, &ours));
        let tensor = if turned {
            let mut turned = vec![0.0; values.len()];
            transpose(&values, entry.shape[1], &mut turned);
            let mut shape = vec![entry.shape[1], entry.shape[0]];
            if ours == "embed.w" {
                shape.push(1);
            }
            (shape, turned)
        } else {
            (entry.shape.clone(), values)
        };
        tensors.insert(theirs, tensor);
    }
    let width = network.shape().width;
    tensors.insert(
        "point_f.bn1.running_mean".to_owned(),
        (vec![width], narrow(&network.running.mean)),
    );
    tensors.insert(
        "point_f.bn1.running_var".to_owned(),
        (vec![width], narrow(&network.running.variance)),
    );
    tensors
}

/// What a file of ours says beside the weights.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    shape: Shape,
    frame: Frame,
    /// Places of neurons, µm, by name.
    places: BTreeMap<String, Point>,
}

/// Writes safetensors under PyTorch's names, with how worms are turned and where neurons are.
///
/// # Errors
/// The file cannot be written.
pub fn save_trained(path: &Path, trained: &Trained) -> Result<(), NeuronidError> {
    let arrays = to_torch(&trained.network)
        .into_iter()
        .map(|(name, (shape, values))| (name, (shape, Values::F32(values))));
    let beside = Beside {
        shape: trained.network.shape(),
        frame: trained.frame,
        places: trained.places.clone().into_iter().collect(),
    };
    let state = serde_json::to_value(beside).expect("places are JSON");
    Ok(Checkpoint::new(arrays.collect(), state).save(path)?)
}

/// A file of ours; none if it is another's.
fn own(path: &Path) -> Result<Option<(Tensors, Beside)>, NeuronidError> {
    let Some(kept) = Checkpoint::load_own(path)? else {
        return Ok(None);
    };
    let beside: Beside = kept.state(path).map_err(|_| {
        let hint = "a network for worms: `neuropil export RUN --safetensors FILE` writes one";
        content(path, "a checkpoint of something else".to_owned(), hint)
    })?;
    let tensors = kept.arrays.iter().filter_map(|(name, (shape, values))| {
        let Values::F32(values) = values else { return None };
        Some((name.clone(), (shape.clone(), values.clone())))
    });
    Ok(Some((tensors.collect(), beside)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::Key;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let shape = Shape {
            width: 16,
            layers: 2,
            heads: 4,
            hidden: 24,
            encoder: Encoder::Joint,
        };
        let network = Network::<f32>::draw(shape, Key::new(5));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let trained = Trained {
            network: network.clone().ready(),
            frame: Frame::AlongX,
            places: HashMap::from([("AVAL".to_owned(), [1.0, 2.0, 3.0])]),
        };
        save_trained(&path, &trained).unwrap();
        let loaded = load(&path, None).unwrap();
        assert!(loaded.said.is_empty());
        assert_eq!(loaded.trained.network.params, network.params);
        assert_eq!(loaded.trained.network.running.mean, network.running.mean);
        assert_eq!(
            (loaded.trained.frame, &loaded.trained.places),
            (Frame::AlongX, &trained.places)
        );
        let refused = |heads: Option<usize>| load(&path, heads).unwrap_err().to_string();
        assert!(
            refused(Some(2)).contains("4 heads, as it says itself"),
            "{}",
            refused(Some(2))
        );
        // One bit of a weight: never taken for another program's file.
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(refused(None).contains("checksum"), "{}", refused(None));
    }
}
