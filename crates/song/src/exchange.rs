//! Weights for and from other programs: a map of names and orientations.
//!
//! Ours are matrices *from × to* under the names of the equations. PyTorch's are *to × from* under the names of modules:
//!
//! | ours | PyTorch | shape there |
//! |---|---|---|
//! | `policy.w_in`, `policy.b_in` | `policy.input.weight`, `policy.input.bias` | 3N × inputs, 3N: drive, update gate, recurrent gate (leaky: N) |
//! | `policy.w_gates` | `policy.gates.weight` | 2N × N: update gate, recurrent gate |
//! | `policy.w_rec` | `policy.recurrent.weight` | N × N |
//! | `policy.w_out`, `policy.b_out` | `policy.readout.weight`, `policy.readout.bias` | outputs × N, outputs |
//! | `policy.x0` | `policy.x0` | N (lstm: memories, then rates, 2N); 0 if absent |
//!
//! and the same under `value.`. The recurrent arrays of long short-term memory are those of a `torch.nn.LSTM` instead:
//! `policy.lstm.weight_ih_l0` (4N × inputs), `weight_hh_l0` (4N × N), `bias_ih_l0` and `bias_hh_l0` (4N; one bias to us),
//! rows in the order input gate, forget gate, drive, output gate. A `torch.nn.RNN` with ReLU is the leaky network at Δt = τ; its `policy.rnn.weight_ih_l0`,
//! `weight_hh_l0`, `bias_ih_l0` and `bias_hh_l0` are understood too (the biases are added). `NAME.mask.ARRAY` (0 or 1,
//! ours) says which weights exist; without one all do.

use std::path::Path;

use neuropil_lab::array::Tensors;
use neuropil_lab::checkpoint::Checkpoint;
use neuropil_lab::error::LabError;
use neuropil_lab::keeper::Keeper;
use neuropil_learn::player::Player;
use neuropil_learn::train::State;
use neuropil_tasks::task::Task;

use crate::config::Config;
use crate::model::draw_players;
use crate::train::{TrainError, keep, player_of};

/// Ours, PyTorch's.
const NAMES: [(&str, &str); 6] = [
    ("w_in", "input.weight"),
    ("b_in", "input.bias"),
    ("w_gates", "gates.weight"),
    ("w_rec", "recurrent.weight"),
    ("w_out", "readout.weight"),
    ("b_out", "readout.bias"),
];

/// Names of `torch.nn.RNN`; both biases are one to us.
const RNN: [(&str, &str); 4] = [
    ("w_in", "rnn.weight_ih_l0"),
    ("w_rec", "rnn.weight_hh_l0"),
    ("b_in", "rnn.bias_ih_l0"),
    ("b_in", "rnn.bias_hh_l0"),
];

/// Names of `torch.nn.LSTM`, without the layer's `lstm.`.
const LSTM: [&str; 4] = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];

type Tensor = (Vec<usize>, Vec<f32>);

/// Weights of both networks under our names, and the masks of arrays in which some do not exist: those are 0.
pub fn weights(policy: &Player<f32>, value: &Player<f32>) -> Tensors {
    let mut tensors = Tensors::new();
    for (who, player) in [("policy", policy), ("value", value)] {
        let layout = player.network.layout();
        for entry in layout.entries() {
            let exists = layout.view(&player.network.mask().0, &entry.name);
            let values = layout.view(&player.params, &entry.name).iter().zip(exists);
            let values = values.map(|(&value, &exists)| if exists { value } else { 0.0 });
            tensors.insert(
                format!("{who}.{}", entry.name),
                (entry.shape.clone(), values.collect()),
            );
            if exists.contains(&false) {
                let flags = exists.iter().map(|&exists| f32::from(u8::from(exists)));
                tensors.insert(
                    format!("{who}.mask.{}", entry.name),
                    (entry.shape.clone(), flags.collect()),
                );
            }
        }
    }
    tensors
}

fn transposed((shape, values): &Tensor) -> Tensor {
    let &[rows, columns] = shape.as_slice() else {
        return (shape.clone(), values.clone());
    };
    let at = |i: usize| values[(i % rows) * columns + i / rows];
    (vec![columns, rows], (0..values.len()).map(at).collect())
}

/// The same weights under PyTorch's names, oriented as PyTorch has them, and so their masks, `WHO.mask.NAME`. Masks of an
/// LSTM, whose arrays PyTorch joins, stay ours.
pub fn to_torch(ours: &Tensors) -> Tensors {
    let rename = |name: &String| {
        let (who, array) = name.split_once('.').unwrap_or(("", name));
        let theirs = NAMES
            .iter()
            .find(|(ours, _)| *ours == array)
            .map_or(array, |(_, theirs)| theirs);
        format!("{who}.{theirs}")
    };
    let mut theirs = Tensors::new();
    let mut left = ours.clone();
    for who in ["policy", "value"] {
        let arrays = ["w_in", "w_rec", "w_gates", "b_in"].map(|array| left.get(&format!("{who}.{array}")));
        let [Some(input), Some(recurrent), Some(gates), Some(bias)] = arrays else {
            continue;
        };
        if gates.0[1] != 3 * recurrent.0[1] {
            continue;
        }
        let reordered = |ours: &Tensor| blocks(ours, 4, [1, 2, 0, 3]);
        let none = (bias.0.clone(), vec![0.0; bias.1.len()]);
        let tensors = [
            transposed(&reordered(input)),
            transposed(&reordered(&side_by_side(recurrent, gates))),
            reordered(bias),
            none,
        ];
        let names = LSTM.map(|name| format!("{who}.lstm.{name}"));
        theirs.extend(names.into_iter().zip(tensors));
        left.retain(|name, _| {
            let recurrent = ["w_in", "w_rec", "w_gates", "b_in"];
            !recurrent.iter().any(|array| *name == format!("{who}.{array}"))
        });
    }
    let lstms: Vec<String> = theirs
        .keys()
        .filter_map(|name| Some(name.split_once('.')?.0.to_owned()))
        .collect();
    let theirs_is_lstm = |who: &str| lstms.iter().any(|lstm| lstm == who);
    theirs.extend(left.iter().map(|(name, tensor)| match name.split_once(".mask.") {
        Some((who, _)) if theirs_is_lstm(who) => (name.clone(), tensor.clone()),
        Some((who, array)) => {
            let theirs = rename(&format!("{who}.{array}"));
            let array = theirs.split_once('.').map_or(array, |(_, array)| array);
            (format!("{who}.mask.{array}"), transposed(tensor))
        }
        None => (rename(name), transposed(tensor)),
    }));
    theirs
}

/// The given ones of `n_blocks` equally wide column blocks of a matrix or vector, in the given order.
fn blocks<const N: usize>((shape, values): &Tensor, n_blocks: usize, order: [usize; N]) -> Tensor {
    let width = shape.last().map_or(0, |columns| columns / n_blocks);
    let rows = values.chunks_exact((n_blocks * width).max(1));
    let values = rows.flat_map(|row| order.iter().flat_map(move |block| &row[block * width..][..width]));
    let mut shape = shape.clone();
    if let Some(columns) = shape.last_mut() {
        *columns = N * width;
    }
    (shape, values.copied().collect())
}

/// Two matrices of as many rows.
fn side_by_side(left: &Tensor, right: &Tensor) -> Tensor {
    let (l, r) = (left.0[1], right.0[1]);
    let rows = left.1.chunks_exact(l.max(1)).zip(right.1.chunks_exact(r.max(1)));
    let values = rows.flat_map(|(left, right)| left.iter().chain(right)).copied();
    (vec![left.0[0], l + r], values.collect())
}

/// Arrays of ours that one of a `torch.nn.LSTM` holds; none if it is not one.
fn of_lstm(name: &str, theirs: &Tensor) -> Option<Vec<(&'static str, Tensor)>> {
    let name = name.strip_prefix("lstm.").filter(|name| LSTM.contains(name))?;
    if !theirs.0.first()?.is_multiple_of(4) {
        return None;
    }
    let turned = transposed(theirs);
    let all = || blocks(&turned, 4, [2, 0, 1, 3]);
    Some(match name {
        "weight_ih_l0" => vec![("w_in", all())],
        "weight_hh_l0" => vec![
            ("w_rec", blocks(&turned, 4, [2])),
            ("w_gates", blocks(&turned, 4, [0, 1, 3])),
        ],
        _ => vec![("b_in", all())],
    })
}

/// Weights under our names, whichever names a file has; what is not in the map stays as it is.
pub fn to_ours(theirs: &Tensors) -> Tensors {
    let mut ours = Tensors::new();
    for (name, tensor) in theirs {
        let (who, array) = name.split_once('.').unwrap_or(("", name));
        if let Some(masked) = array.strip_prefix("mask.") {
            let known = NAMES.iter().find(|(_, theirs)| *theirs == masked);
            let (name, tensor) = match known {
                Some((array, _)) => (format!("{who}.mask.{array}"), transposed(tensor)),
                None => (name.clone(), tensor.clone()),
            };
            ours.insert(name, tensor);
            continue;
        }
        let known = NAMES.iter().chain(&RNN).find(|(_, theirs)| *theirs == array);
        let found = known
            .map(|(array, _)| vec![(*array, transposed(tensor))])
            .or_else(|| of_lstm(array, tensor));
        let Some(found) = found else {
            ours.insert(name.clone(), tensor.clone());
            continue;
        };
        for (array, tensor) in found {
            ours.entry(format!("{who}.{array}"))
                .and_modify(|(_, sum)| sum.iter_mut().zip(&tensor.1).for_each(|(sum, more)| *sum += more))
                .or_insert(tensor);
        }
    }
    ours
}

/// Refuses weights of other kinds of networks than are made of them here.
///
/// # Errors
/// Further layers, a GRU, or a network without a leak where the settings have one.
pub fn refuse_others(theirs: &Tensors, path: &Path, config: &Config, task: &Task) -> Result<(), TrainError> {
    let refuse = |message: String| {
        Err(TrainError::Mismatch {
            path: path.display().to_string(),
            message,
        })
    };
    let has = |part: &str| theirs.keys().find(|name| name.contains(part));
    if let Some(name) = theirs.keys().find(|name| {
        let layer = name.rsplit_once("_l").map(|(_, layer)| layer);
        layer.is_some_and(|layer| layer != "0" && layer.starts_with(|c: char| c.is_ascii_digit()))
    }) {
        return refuse(format!(
            "`{name}` belongs to a second layer or direction, expected one layer\n  hint: export a network of one layer"
        ));
    }
    if let Some(name) = has(".gru.") {
        return refuse(format!(
            "`{name}` is of a torch.nn.GRU, whose gates are other ones than those of gated units\n  hint: a torch.nn.LSTM \
             (`--set policy.cell=lstm`), a torch.nn.RNN or the module in the docs can be imported"
        ));
    }
    if let Some(name) = has(".rnn.").filter(|_| task.dt_ms != config.tau_ms) {
        return refuse(format!(
            "`{name}` is of a torch.nn.RNN, which has no leak: Δt = τ, found Δt {} ms and τ {} ms\n  hint: `--set tau_ms={}`",
            task.dt_ms, config.tau_ms, task.dt_ms
        ));
    }
    Ok(())
}

/// Networks from weights of another program.
#[derive(Debug)]
pub struct Imported {
    /// The acting network.
    pub policy: Player<f32>,
    /// The predicting network.
    pub value: Player<f32>,
    /// Networks of which the file had nothing, so that they were drawn: `policy`, `value`.
    pub drawn: Vec<&'static str>,
    /// Arrays of the file that no network has.
    pub unknown: Vec<String>,
}

/// Networks of the settings' sizes from arrays under our names; an x0 that is absent is 0.
///
/// `path` is the file that they come from, for messages.
///
/// # Errors
/// No weights of either network, an array that is missing, or one of another shape.
pub fn import(tensors: &Tensors, path: &Path, config: &Config, task: &Task) -> Result<Imported, TrainError> {
    let mismatch = |message: String| TrainError::Mismatch {
        path: path.display().to_string(),
        message,
    };
    let (policy, value) = draw_players(config, task, 0)?;
    let arrays = tensors.iter().map(|(name, (shape, values))| {
        let array = (shape.clone(), values.clone().into());
        (name.clone(), array)
    });
    let mut checkpoint = Checkpoint::new(arrays.collect(), serde_json::Value::Null);
    let (mut drawn, mut known) = (Vec::new(), Vec::new());
    let mut player = |who: &'static str, template: Player<f32>| {
        if !tensors.keys().any(|name| name.starts_with(&format!("{who}."))) {
            drawn.push(who);
            return Ok(template);
        }
        for entry in template.network.layout().entries() {
            let names = [
                format!("{who}.{}", entry.name),
                format!("{who}.mask.{}", entry.name),
            ];
            for name in &names {
                if let Some((found, _)) = tensors.get(name).filter(|(shape, _)| *shape != entry.shape) {
                    return Err(mismatch(format!(
                        "`{name}` has shape {found:?}, expected {:?} by the settings\n  hint: `--set {who}.units=N` sets \
                         the size, `--set {who}.cell=KIND` the kind of unit (gated, leaky, lstm)",
                        entry.shape
                    )));
                }
            }
            if entry.name == "x0" {
                let zeros = (entry.shape.clone(), vec![0.0_f32; entry.len()].into());
                checkpoint.arrays.entry(names[0].clone()).or_insert(zeros);
            }
            known.extend(names);
        }
        player_of(&checkpoint, path, who, template)
    };
    let (policy, value) = (player("policy", policy)?, player("value", value)?);
    if drawn.len() == 2 {
        let found: Vec<&str> = tensors.keys().map(String::as_str).collect();
        return Err(mismatch(format!(
            "no array `policy.…` or `value.…`, only {}\n  hint: `neuropil export RUN --safetensors FILE` shows the names",
            found.join(", ")
        )));
    }
    let unknown = tensors
        .keys()
        .filter(|name| !known.contains(name))
        .cloned()
        .collect();
    Ok(Imported {
        policy,
        value,
        drawn,
        unknown,
    })
}

/// Keeps imported networks as the best and last ones of a run that has not learnt yet.
///
/// # Errors
/// Files cannot be written.
pub fn save_imported(keeper: &mut Keeper, imported: Imported) -> Result<(), LabError> {
    keep(keeper, &State::new(imported.policy, imported.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use neuropil_tasks::registry;

    #[test]
    fn weights_go_to_pytorch_and_back() {
        let task = registry::find("rdm", None).unwrap();
        let config = resolve(&task, |layers| layers.set("policy.units=20"))
            .unwrap()
            .value;
        let (policy, value) = draw_players(&config, &task, 0).unwrap();
        let ours = weights(&policy, &value);
        let theirs = to_torch(&ours);
        assert_eq!(theirs["policy.input.weight"].0, [60, 3]);
        assert_eq!(theirs["policy.readout.weight"].0, [3, 20]);
        // From unit 4 to unit 7.
        assert_eq!(
            theirs["policy.recurrent.weight"].1[7 * 20 + 4],
            ours["policy.w_rec"].1[4 * 20 + 7]
        );
        assert_eq!(to_ours(&theirs), ours);
        assert_eq!(to_ours(&ours), ours);
        // Masks lie beside their weights, in the same orientation.
        let (mask, weights) = (
            &theirs["policy.mask.recurrent.weight"],
            &theirs["policy.recurrent.weight"],
        );
        assert_eq!(mask.0, weights.0);
        assert!(
            mask.1
                .iter()
                .zip(&weights.1)
                .all(|(exists, weight)| (*exists == 0.0) == (*weight == 0.0))
        );
        let zeros = ours["policy.w_rec"].1.iter().filter(|w| **w == 0.0).count();
        assert_eq!(zeros, 20 * 18, "absent weights are 0");
    }

    #[test]
    fn lstm_weights_go_to_those_of_torch_lstm_and_back() {
        let task = registry::find("rdm", None).unwrap();
        let config = resolve(&task, |layers| {
            layers.set("policy.units=20")?;
            layers.set("policy.cell=lstm")
        })
        .unwrap()
        .value;
        let (policy, value) = draw_players(&config, &task, 0).unwrap();
        let ours = weights(&policy, &value);
        let theirs = to_torch(&ours);
        assert_eq!(theirs["policy.lstm.weight_ih_l0"].0, [80, 3]);
        assert_eq!(theirs["policy.lstm.weight_hh_l0"].0, [80, 20]);
        assert!(
            theirs.contains_key("value.gates.weight"),
            "the value network is gated"
        );
        // From unit 4 to unit 7; rows of theirs: input gate, forget gate, drive, output gate.
        let their = |block: usize| theirs["policy.lstm.weight_hh_l0"].1[(block * 20 + 7) * 20 + 4];
        let our = |gate: usize| ours["policy.w_gates"].1[4 * 60 + gate * 20 + 7];
        assert_eq!([their(0), their(1), their(3)], [our(0), our(1), our(2)]);
        assert_eq!(their(2), ours["policy.w_rec"].1[4 * 20 + 7]);
        let bias = &theirs["policy.lstm.bias_ih_l0"].1;
        assert!(bias[20..40].iter().all(|&b| b == 1.0), "forget gates begin open");
        assert!(bias[..20].iter().chain(&bias[40..]).all(|&b| b == 0.0));
        assert_eq!(to_ours(&theirs), ours);
    }

    #[test]
    fn imported_networks_are_those_that_were_exported() {
        let task = registry::find("rdm", None).unwrap();
        let config = resolve(&task, |layers| layers.set("policy.units=20"))
            .unwrap()
            .value;
        let (policy, value) = draw_players(&config, &task, 3).unwrap();
        let mut tensors = to_ours(&to_torch(&weights(&policy, &value)));
        tensors.retain(|name, _| name.starts_with("policy."));
        tensors.insert("policy.step".to_owned(), (vec![1], vec![1.0]));
        let path = Path::new("w.npz");
        let found = import(&tensors, path, &config, &task).unwrap();
        assert_eq!(
            (found.drawn, found.unknown),
            (vec!["value"], vec!["policy.step".to_owned()])
        );
        assert_eq!(weights(&found.policy, &value), weights(&policy, &value));
        assert!(found.policy.network.mask() == policy.network.mask());
        let words = |tensors: &Tensors| import(tensors, path, &config, &task).unwrap_err().to_string();
        tensors.insert("policy.w_rec".to_owned(), (vec![2, 2], vec![1.0; 4]));
        assert!(words(&tensors).starts_with("w.npz: `policy.w_rec` has shape [2, 2], expected [20, 20]"));
        tensors.remove("policy.w_rec");
        assert!(words(&tensors).contains("no array `policy.w_rec`"));
        assert!(words(&Tensors::new()).contains("no array `policy.…`"));
    }

    #[test]
    fn other_programs_conventions_are_understood_or_refused() {
        let task = registry::find("rdm", None).unwrap();
        let config = resolve(&task, |_| Ok(())).unwrap().value;
        let words = |name: &str, config: &Config| {
            let tensors = Tensors::from([(name.to_owned(), (vec![1], vec![1.0]))]);
            refuse_others(&tensors, Path::new("w.npz"), config, &task).map_err(|error| error.to_string())
        };
        let found = words("policy.lstm.weight_ih_l1", &config).unwrap_err();
        assert!(found.contains("second layer"), "{found}");
        assert!(
            words("policy.lstm.weight_ih_l0_reverse", &config).is_err(),
            "another direction"
        );
        assert!(
            words("policy.gru.weight_ih_l0", &config)
                .unwrap_err()
                .contains("torch.nn.GRU")
        );
        let found = words("policy.rnn.weight_ih_l0", &config).unwrap_err();
        assert!(
            found.contains("Δt 10 ms and τ 100 ms") && found.contains("--set tau_ms=10"),
            "{found}"
        );
        let without_leak = resolve(&task, |layers| layers.set("tau_ms=10")).unwrap().value;
        assert_eq!(words("policy.rnn.weight_ih_l0", &without_leak), Ok(()));
        assert_eq!(words("policy.lstm.weight_ih_l0", &config), Ok(()));
    }

    #[test]
    fn the_biases_of_torch_rnn_are_added() {
        let theirs = Tensors::from([
            ("policy.rnn.bias_ih_l0".to_owned(), (vec![2], vec![1.0, 2.0])),
            ("policy.rnn.bias_hh_l0".to_owned(), (vec![2], vec![0.5, -2.0])),
            ("policy.rnn.weight_ih_l0".to_owned(), (vec![2, 1], vec![3.0, 4.0])),
        ]);
        let ours = to_ours(&theirs);
        assert_eq!(ours["policy.b_in"], (vec![2], vec![1.5, 0.0]));
        assert_eq!(ours["policy.w_in"], (vec![1, 2], vec![3.0, 4.0]));
    }
}
