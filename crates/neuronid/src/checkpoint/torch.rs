//! PyTorch's checkpoint files: ZIP archives, and the legacy format before them.

use crate::error::{NeuronidError, content};
use neuropil_lab::array::{Tensors, half};
use neuropil_lab::pickle::{Value, read_allowing};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

/// First bytes of the legacy format: the pickle of its magic number.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// Names by which tensors are put together, and one that programs keep their arguments in; none is called.
const ALLOWED: [&str; 15] = [
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.Size",
    "torch.device",
    "argparse.Namespace",
];

/// Bytes of the storages, by key.
type Storages = HashMap<String, Vec<u8>>;

/// All tensors of the state dictionary of a checkpoint, and what was left out.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<(Tensors, Vec<String>), NeuronidError> {
    let (object, storages) = if bytes.starts_with(b"PK") {
        archive(path, bytes)?
    } else if bytes.starts_with(MAGIC) {
        legacy(path, bytes)?
    } else {
        let expected = "a PyTorch checkpoint (ZIP or legacy) or safetensors";
        return Err(content(path, "a file that begins otherwise", expected));
    };
    let mut said = Vec::new();
    if let Some(Value::Call { name, .. }) = object.get("args") {
        said.push(format!("`args` was not read: it is a `{name}`"));
    }
    let state = state_of(&object, &mut said);
    let Value::Map(entries) = state else {
        return Err(content(
            path,
            "an object that is no dictionary",
            "a state dictionary of tensors",
        ));
    };
    let mut tensors = Tensors::new();
    for (key, value) in entries {
        let Some(name) = key.text() else { continue };
        match tensor(value, &storages) {
            Ok(Some(found)) => {
                tensors.insert(name, found);
            }
            Ok(None) => said.push(format!("`{name}` was left out: it is no tensor")),
            Err(found) => {
                return Err(content(
                    path,
                    format!("`{name}`: {found}"),
                    "a tensor inside its storage",
                ));
            }
        }
    }
    if tensors.is_empty() {
        return Err(content(path, "no tensor", "a state dictionary of tensors"));
    }
    Ok((tensors, said))
}

/// The state dictionary of a checkpoint: under a name that programs give it, under the only one with tensors, or the whole.
fn state_of<'a>(object: &'a Value, said: &mut Vec<String>) -> &'a Value {
    let holds_tensors = |value: &Value| {
        match value {
        Value::Map(entries) => entries
            .iter()
            .any(|(_, value)| matches!(value, Value::Call { name, .. } if name.starts_with("torch._utils._rebuild"))),
        _ => false,
    }
    };
    let Value::Map(entries) = object else {
        return object;
    };
    let with_tensors: Vec<(String, &Value)> = entries
        .iter()
        .filter(|(_, value)| holds_tensors(value))
        .filter_map(|(key, value)| Some((key.text()?, value)))
        .collect();
    let named = ["state_dict", "model_state_dict", "model"]
        .iter()
        .find_map(|key| Some((*key, object.get(key)?)));
    let only = match &with_tensors[..] {
        [(key, value)] if !holds_tensors(object) => Some((key.as_str(), *value)),
        _ => None,
    };
    let Some((key, state)) = named.or(only) else {
        return object;
    };
    let others: Vec<String> = with_tensors
        .iter()
        .filter(|(other, _)| other != key)
        .map(|(other, _)| format!("`{other}`"))
        .collect();
    if !others.is_empty() {
        said.push(format!(
            "the tensors under `{key}` were read, those under {} left out",
            others.join(", ")
        ));
    }
    state
}

fn archive(path: &Path, bytes: &[u8]) -> Result<(Value, Storages), NeuronidError> {
    let broken =
        |error: zip::result::ZipError| content(path, format!("a damaged archive ({error})"), "a whole file");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let (mut pickle, mut storages) = (None, Storages::new());
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(broken)?;
        let name = entry.name().to_owned();
        // Entries are stored as they are: one that claims more than the file holds is damaged.
        if entry.size() > bytes.len() as u64 {
            let found = format!("`{name}` of {} bytes in a file of {}", entry.size(), bytes.len());
            return Err(content(path, found, "entries that are not compressed"));
        }
        let mut data = Vec::new();
        let limit = entry.size();
        entry
            .take(limit)
            .read_to_end(&mut data)
            .map_err(|error| content(path, format!("`{name}` cannot be read ({error})"), "a whole file"))?;
        if name.ends_with("byteorder") && data.as_slice() == b"big" {
            return Err(content(path, "big-endian storages", "a little-endian checkpoint"));
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            pickle = Some(data);
        } else if let Some((_, key)) = name.rsplit_once("/data/").or_else(|| name.split_once("data/")) {
            storages.insert(key.to_owned(), data);
        }
    }
    let pickle =
        pickle.ok_or_else(|| content(path, "an archive without `data.pkl`", "a PyTorch checkpoint"))?;
    Ok((read_allowing(path, &pickle, &ALLOWED)?.0, storages))
}

fn legacy(path: &Path, bytes: &[u8]) -> Result<(Value, Storages), NeuronidError> {
    let mut rest = &bytes[MAGIC.len()..];
    let mut next = || -> Result<Value, NeuronidError> {
        let (value, end) = read_allowing(path, rest, &ALLOWED)?;
        rest = &rest[end..];
        Ok(value)
    };
    let protocol = next()?;
    if protocol != Value::Integer(1001) {
        return Err(content(path, format!("protocol {protocol:?}"), "protocol 1001"));
    }
    let machine = next()?;
    if machine.get("little_endian") == Some(&Value::Flag(false)) {
        return Err(content(path, "big-endian storages", "a little-endian checkpoint"));
    }
    let object = next()?;
    let Value::List(keys) = next()? else {
        return Err(content(path, "no list of storages", "a legacy checkpoint"));
    };
    let mut sizes = HashMap::new();
    widths(&object, &mut sizes);
    let mut storages = Storages::new();
    for key in keys.iter().filter_map(Value::text) {
        let short = || {
            content(
                path,
                format!("a file that ends within storage {key}"),
                "a whole file",
            )
        };
        let (count, after) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let width = sizes.get(&key).copied().unwrap_or(4);
        let length = usize::try_from(u64::from_le_bytes(*count))
            .ok()
            .and_then(|n| n.checked_mul(width));
        let data = length.and_then(|length| after.get(..length)).ok_or_else(short)?;
        rest = &after[data.len()..];
        storages.insert(key, data.to_vec());
    }
    Ok((object, storages))
}

/// Bytes of a value in each storage that an object refers to.
fn widths(value: &Value, sizes: &mut HashMap<String, usize>) {
    match value {
        Value::Persistent(_) => {
            if let Some((key, kind)) = storage_of(value) {
                sizes.insert(key, kind.1);
            }
        }
        Value::List(items) | Value::Call { arguments: items, .. } => {
            items.iter().for_each(|item| widths(item, sizes));
        }
        Value::Map(entries) => entries.iter().for_each(|(_, item)| widths(item, sizes)),
        _ => {}
    }
}

/// Letter and bytes of a storage's values: `f` floating-point, `h` bfloat16, `i` integer.
fn kind_of(storage: &str) -> Option<(char, usize)> {
    Some(match storage.strip_prefix("torch.")?.strip_suffix("Storage")? {
        "Float" => ('f', 4),
        "Double" => ('f', 8),
        "Half" => ('f', 2),
        "BFloat16" => ('h', 2),
        "Long" => ('i', 8),
        "Int" => ('i', 4),
        "Short" => ('i', 2),
        "Char" => ('i', 1),
        "Byte" | "Bool" => ('u', 1),
        _ => return None,
    })
}

/// Key and kind of the storage that a reference is to.
fn storage_of(value: &Value) -> Option<(String, (char, usize))> {
    let Value::Persistent(reference) = value else {
        return None;
    };
    let Value::List(parts) = reference.as_ref() else {
        return None;
    };
    match parts.as_slice() {
        [Value::Text(word), Value::Name(kind), key, ..] if word == "storage" => {
            Some((key.text()?, kind_of(kind)?))
        }
        _ => None,
    }
}

/// Shape and values of a tensor; nothing if it is none.
fn tensor(value: &Value, storages: &Storages) -> Result<Option<(Vec<usize>, Vec<f32>)>, String> {
    let Value::Call { name, arguments } = value else {
        return Ok(None);
    };
    if name.ends_with("_rebuild_parameter") {
        return arguments
            .first()
            .map_or(Ok(None), |inner| tensor(inner, storages));
    }
    let [storage, offset, shape, strides, ..] = arguments.as_slice() else {
        return Ok(None);
    };
    let (key, kind) = storage_of(storage).ok_or("a storage of an unknown kind")?;
    let sizes = |value: &Value| -> Option<Vec<usize>> {
        value
            .numbers()?
            .iter()
            .map(|&x| (x >= 0.0 && x < 2_f64.powi(40)).then_some(x as usize))
            .collect()
    };
    let shape = sizes(shape).ok_or("a shape that is none")?;
    let strides = sizes(strides).ok_or("strides that are none")?;
    let offset = offset
        .number()
        .filter(|x| *x >= 0.0)
        .ok_or("an offset that is none")? as usize;
    let data = storages
        .get(&key)
        .ok_or_else(|| format!("storage {key} is not in the file"))?;
    if strides.len() != shape.len() {
        return Err("as many strides as axes are needed".to_owned());
    }
    let available = data.len() / kind.1;
    let reach = shape
        .iter()
        .zip(&strides)
        .try_fold(offset, |reach, (&n, &stride)| {
            n.saturating_sub(1)
                .checked_mul(stride)
                .and_then(|more| reach.checked_add(more))
        });
    let n = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    // A stride of 0 repeats values: what it may unfold to is bounded as well.
    let fits =
        n == Some(0) || (reach.is_some_and(|reach| reach < available) && n.is_some_and(|n| n <= 1 << 28));
    if !fits {
        return Err(format!(
            "shape {shape:?} reaches beyond the {available} values of storage {key}"
        ));
    }
    let mut values = Vec::with_capacity(n.unwrap_or(0));
    let mut index = vec![0; shape.len()];
    for _ in 0..n.unwrap_or(0) {
        let at = offset
            + index
                .iter()
                .zip(&strides)
                .map(|(i, stride)| i * stride)
                .sum::<usize>();
        values.push(number(kind, &data[at * kind.1..][..kind.1]));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(Some((shape, values)))
}

fn number(kind: (char, usize), bytes: &[u8]) -> f32 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(word);
    match kind {
        ('f', 4) => f32::from_bits(bits as u32),
        ('f', 8) => f64::from_bits(bits) as f32,
        ('f', _) => half(bits as u16),
        ('h', _) => f32::from_bits((bits as u32) << 16),
        ('i', size) => {
            let unused = 64 - 8 * size as u32;
            ((bits << unused) as i64 >> unused) as f32
        }
        _ => bits as f32,
    }
}
