//! CIFAR-10, CIFAR-100 and ImageNet-32: binary batches, and the pickles that most users hold.

use super::{Found, Pictures, Pixels, Reading};
use crate::error::GatingError;
use neuropil_lab::error::{LabError, Problem};
use neuropil_lab::pickle::{self, Value};
use std::path::Path;

/// Values of a picture of 32 × 32 pixels and three channels.
const PICTURE: usize = 3 * 32 * 32;
const SHAPE: [usize; 3] = [32, 32, 3];

/// Names in a folder, sorted; those that begin with a dot are left out.
pub(super) fn names(path: &Path) -> Result<Vec<String>, GatingError> {
    let read = |source| LabError::Io {
        path: path.to_owned(),
        doing: "read",
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(read)? {
        let name = entry.map_err(read)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Binary or Python batches, if the folder holds any.
pub(super) fn folder(path: &Path, names: &[String], reading: &Reading) -> Result<Option<Found>, GatingError> {
    let is = |name: &str| names.iter().any(|own| own == name);
    let imagenet: Vec<&String> = names
        .iter()
        .filter(|name| name.starts_with("train_data_batch") || name.starts_with("val_data"))
        .collect();
    let (cifar10, cifar100) = (is("data_batch_1.bin"), is("train.bin"));
    let python = names.iter().any(|name| name.starts_with("data_batch_")) && !cifar10;
    if !imagenet.is_empty() {
        return imagenet32(path, &imagenet).map(Some);
    }
    if cifar10 || cifar100 {
        return binary(path, names, reading, cifar100).map(Some);
    }
    if python || (is("train") && path.join("train").is_file()) {
        return python_batches(path, names, reading).map(Some);
    }
    Ok(None)
}

fn binary(path: &Path, names: &[String], reading: &Reading, cifar100: bool) -> Result<Found, GatingError> {
    let mut found = Found {
        name: if cifar100 { "CIFAR-100" } else { "CIFAR-10" }.to_owned(),
        ..Found::default()
    };
    let train = |name: &&String| {
        if cifar100 {
            *name == "train.bin"
        } else {
            name.starts_with("data_batch_") && name.ends_with(".bin")
        }
    };
    let batches: Vec<&String> = names.iter().filter(train).collect();
    for name in &batches {
        let batch = records(&path.join(name), cifar100, reading.coarse)?;
        join(&mut found.train, batch, &path.join(name))?;
    }
    let test = path.join(if cifar100 { "test.bin" } else { "test_batch.bin" });
    if test.is_file() {
        found.test = Some(records(&test, cifar100, reading.coarse)?);
    }
    say_batches(&mut found, cifar100, batches.len());
    class_names(path, names, reading, &mut found)?;
    Ok(found)
}

fn say_batches(found: &mut Found, cifar100: bool, batches: usize) {
    let n = found.train.as_ref().map_or(0, Pictures::len);
    if !cifar100 && batches < 5 {
        found.notes.push(format!(
            "{batches} of CIFAR-10's 5 training batches: {n} examples"
        ));
    } else if n != 50_000 {
        found
            .notes
            .push(format!("{n} training examples, the whole set has 50000"));
    }
}

/// Names of the classes, from the text file beside binary batches or the pickle beside Python ones.
fn class_names(
    path: &Path,
    names: &[String],
    reading: &Reading,
    found: &mut Found,
) -> Result<(), GatingError> {
    let text = [
        "batches.meta.txt",
        if reading.coarse {
            "coarse_label_names.txt"
        } else {
            "fine_label_names.txt"
        },
    ];
    if let Some(name) = text.iter().find(|name| names.iter().any(|own| own == *name)) {
        let text = neuropil_lab::file::text(&path.join(name))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        found.names = (0..).zip(lines.map(str::to_owned)).collect();
    }
    if let Some(name) = ["batches.meta", "meta"]
        .iter()
        .find(|name| names.iter().any(|own| own == *name))
    {
        let file = path.join(name);
        let value = pickle::read(&file, &neuropil_lab::file::bytes(&file)?)?;
        let keys = [
            "label_names",
            if reading.coarse {
                "coarse_label_names"
            } else {
                "fine_label_names"
            },
        ];
        if let Some(Value::List(words)) = keys.iter().find_map(|key| value.get(key)) {
            found.names = (0..).zip(words.iter().filter_map(Value::text)).collect();
        }
    }
    Ok(())
}

/// Records of one (CIFAR-10) or two (CIFAR-100: coarse, fine) label bytes and three planes.
fn records(path: &Path, cifar100: bool, coarse: bool) -> Result<Pictures, GatingError> {
    let bytes = neuropil_lab::file::bytes(path)?;
    super::idx::no_idx(&bytes).map_err(|problem| problem.in_file(path.display().to_string()))?;
    let label_bytes = if cifar100 { 2 } else { 1 };
    let record = label_bytes + PICTURE;
    let wrong = |message: String, hint: String| {
        Err(Problem::new(message, hint)
            .in_file(path.display().to_string())
            .into())
    };
    if !bytes.len().is_multiple_of(record) {
        let other = 3 - label_bytes + PICTURE;
        let hint = if bytes.len().is_multiple_of(other) {
            format!(
                "records of {other} bytes would fit: is this CIFAR-{}?",
                if cifar100 { 10 } else { 100 }
            )
        } else {
            "the file was cut short".to_owned()
        };
        let message = format!(
            "{} bytes: {} records of {record} and {} bytes more, expected whole records",
            bytes.len(),
            bytes.len() / record,
            bytes.len() % record
        );
        return wrong(message, hint);
    }
    let most = if !cifar100 {
        10
    } else if coarse {
        20
    } else {
        100
    };
    let (mut pixels, mut labels) = (Vec::with_capacity(bytes.len()), Vec::new());
    for (number, bytes) in bytes.chunks_exact(record).enumerate() {
        let label = bytes[usize::from(cifar100 && !coarse)];
        if label >= most {
            return wrong(
                format!("label {label} in record {number}, expected less than {most}"),
                "is this the file of another set?".to_owned(),
            );
        }
        labels.push(label.into());
        pixels.extend(Pictures::from_planes(32, 32, 3, &bytes[label_bytes..]));
    }
    Ok(Pictures {
        shape: SHAPE,
        pixels: Pixels::Bytes(pixels),
        labels,
    })
}

fn join(all: &mut Option<Pictures>, batch: Pictures, path: &Path) -> Result<(), GatingError> {
    match all {
        Some(all) => all
            .extend(batch)
            .map_err(|problem| problem.in_file(path.display().to_string()).into()),
        None => {
            *all = Some(batch);
            Ok(())
        }
    }
}

fn python_batches(path: &Path, names: &[String], reading: &Reading) -> Result<Found, GatingError> {
    let cifar100 = !names.iter().any(|name| name.starts_with("data_batch_"));
    let mut found = Found {
        name: if cifar100 { "CIFAR-100" } else { "CIFAR-10" }.to_owned(),
        ..Found::default()
    };
    let train: Vec<&String> = names
        .iter()
        .filter(|name| {
            if cifar100 {
                *name == "train"
            } else {
                name.starts_with("data_batch_")
            }
        })
        .collect();
    for name in &train {
        let file = path.join(name);
        join(
            &mut found.train,
            pickled(&file, &neuropil_lab::file::bytes(&file)?, reading.coarse)?,
            &file,
        )?;
    }
    let test = path.join(if cifar100 { "test" } else { "test_batch" });
    if test.is_file() {
        found.test = Some(pickled(
            &test,
            &neuropil_lab::file::bytes(&test)?,
            reading.coarse,
        )?);
    }
    say_batches(&mut found, cifar100, train.len());
    class_names(path, names, reading, &mut found)?;
    Ok(found)
}

/// One pickle by itself.
pub(super) fn pickled_file(path: &Path, bytes: &[u8], reading: &Reading) -> Result<Found, GatingError> {
    let pictures = pickled(path, bytes, reading.coarse)?;
    Ok(Found {
        name: "pickled batch".to_owned(),
        train: Some(pictures),
        ..Found::default()
    })
}

/// A dictionary with `data` \[example\]\[3072\] (planes) and labels.
fn pickled(path: &Path, bytes: &[u8], coarse: bool) -> Result<Pictures, GatingError> {
    let value = pickle::read(path, bytes)?;
    let wrong = |message: String, hint: &str| {
        GatingError::from(Problem::new(message, hint).in_file(path.display().to_string()))
    };
    let keys = value.keys().join(", ");
    let named = if coarse {
        ["coarse_labels"].as_slice()
    } else {
        ["labels", "fine_labels"].as_slice()
    };
    let Some(data) = value.get("data") else {
        return Err(wrong(
            format!("a pickle with the keys {keys}, expected `data` and `labels`"),
            "the batches of CIFAR and ImageNet-32 are dictionaries",
        ));
    };
    let Some(labels) = named
        .iter()
        .find_map(|key| value.get(key))
        .and_then(Value::numbers)
    else {
        return Err(wrong(
            format!(
                "a pickle with the keys {keys}, expected `{}`",
                named.join("` or `")
            ),
            "test files without labels cannot be scored",
        ));
    };
    let Value::Array(array) = data else {
        return Err(wrong(
            "`data` is no array".to_owned(),
            "expected bytes, [example][3072]",
        ));
    };
    let values = array
        .as_bytes()
        .ok_or_else(|| wrong("`data` is not bytes".to_owned(), "expected values from 0 to 255"))?;
    let size = array.shape.get(1..).map_or(0, |sizes| sizes.iter().product());
    let side = ((size / 3) as f64).sqrt().round() as usize;
    if size == 0 || 3 * side * side != size {
        return Err(wrong(
            format!("`data` of {:?}, expected [examples, 3 · side²]", array.shape),
            "three planes of a square picture",
        ));
    }
    if labels.len() != array.shape[0] {
        return Err(wrong(
            format!("{} pictures, but {} labels", array.shape[0], labels.len()),
            "the file is damaged",
        ));
    }
    Ok(Pictures {
        shape: [side, side, 3],
        pixels: Pixels::Bytes(Pictures::from_planes(side, side, 3, values)),
        labels: labels.into_iter().map(|label| label as i64).collect(),
    })
}

fn imagenet32(path: &Path, names: &[&String]) -> Result<Found, GatingError> {
    let mut found = Found {
        name: "ImageNet-32".to_owned(),
        ..Found::default()
    };
    let mut taken: Vec<&str> = Vec::new();
    let mut batches = 0;
    for name in names {
        // The same batch may lie there in both forms.
        let stem = name.strip_suffix(".npz").unwrap_or(name);
        if taken.contains(&stem) {
            found
                .notes
                .push(format!("{name} is left out: {stem} is there as well"));
            continue;
        }
        taken.push(stem);
        let file = path.join(name);
        let pictures = imagenet_batch(&file)?;
        if stem.starts_with("val") {
            found.test = Some(pictures);
        } else {
            batches += 1;
            join(&mut found.train, pictures, &file)?;
        }
    }
    if batches < 10 {
        let n = found.train.as_ref().map_or(0, Pictures::len);
        found.notes.push(format!(
            "{batches} of ImageNet-32's 10 training batches: {n} examples"
        ));
    }
    for pictures in [&mut found.train, &mut found.test].into_iter().flatten() {
        if let Some(bad) = pictures
            .labels
            .iter()
            .find(|&&label| !(1..=1000).contains(&label))
        {
            return Err(Problem::new(
                format!("label {bad}, expected 1 to 1000"),
                "the files of ImageNet-32 count classes from 1",
            )
            .in_file(path.display().to_string())
            .into());
        }
        pictures.labels.iter_mut().for_each(|label| *label -= 1);
    }
    found
        .notes
        .push("ImageNet-32's labels 1 to 1000 are classes 0 to 999 here".to_owned());
    Ok(found)
}

/// A pickle or an npz, whatever its name is.
fn imagenet_batch(path: &Path) -> Result<Pictures, GatingError> {
    let bytes = neuropil_lab::file::bytes(path)?;
    if !bytes.starts_with(b"PK") {
        return pickled(path, &bytes, false);
    }
    let arrays = neuropil_lab::array::read(path)?;
    let of = |name: &str| {
        let keys: Vec<&str> = arrays.keys().map(String::as_str).collect();
        arrays.get(name).ok_or_else(|| {
            Problem::bare(format!("arrays {}, expected `{name}`", keys.join(", ")))
                .in_file(path.display().to_string())
        })
    };
    let ((shape, data), (_, labels)) = (of("data")?, of("labels")?);
    let (neuropil_math::arrays::Values::U8(data), Some(labels)) = (data, labels.integers()) else {
        return Err(Problem::bare("`data` must be bytes and `labels` whole numbers")
            .in_file(path.display().to_string())
            .into());
    };
    if shape.get(1) != Some(&PICTURE) || shape[0] != labels.len() {
        return Err(Problem::bare(format!(
            "`data` of {shape:?} and {} labels, expected [examples, {PICTURE}]",
            labels.len()
        ))
        .in_file(path.display().to_string())
        .into());
    }
    Ok(Pictures {
        shape: SHAPE,
        pixels: Pixels::Bytes(Pictures::from_planes(32, 32, 3, data)),
        labels,
    })
}
