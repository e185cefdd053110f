//! IDX, the form of MNIST and its kin: two zeros, a type, the number of axes, their sizes (big-endian), values.

use super::{Found, Pictures, Pixels, Reading};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use std::path::{Path, PathBuf};

/// An array in IDX form: sizes and values.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// Values.
    pub pixels: Pixels,
}

/// Is a file called like those of MNIST?
pub(super) fn is_named(name: &str) -> bool {
    role(name).is_some()
}

/// (images?, test?) by the name of a file.
fn role(name: &str) -> Option<(bool, bool)> {
    let images = name.contains("images") && name.contains("idx");
    let labels = name.contains("labels") && name.contains("idx");
    if name.starts_with('.') || !(images || labels) {
        return None;
    }
    let test = name.starts_with("t10k") || name.contains("-test-") || name.starts_with("test");
    let train = name.starts_with("train") || name.contains("-train-");
    (test || train).then_some((images, test))
}

/// Does a file begin like IDX bytes?
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 8..=14, 1..=4, ..] | [1..=4, 8..=14, 0, 0, ..])
}

/// What is wrong with one file of a set that is given alone: its own fault, or that the others are missing.
pub(super) fn alone(path: &Path, name: &str, bytes: &[u8]) -> GatingError {
    let axes = match role(name) {
        Some((images, _)) => 1 + 2 * usize::from(images),
        None => usize::from(bytes[3].max(bytes[0])),
    };
    let read = Idx::parse(bytes, axes).map(|idx| {
        let sizes: Vec<String> = idx.shape.iter().map(usize::to_string).collect();
        Problem::new(
            format!(
                "one IDX file ({}), expected the folder of the set",
                sizes.join(" × ")
            ),
            "pictures and labels of training and test come in four files: give their folder",
        )
    });
    let problem = read.unwrap_or_else(|problem| problem);
    problem.in_file(path.display().to_string()).into()
}

impl Idx {
    /// Reads a file, packed with gzip or not; `axes` is 3 for pictures, 1 for labels.
    ///
    /// # Errors
    /// Another form, another number of axes, fewer or more bytes than the header says.
    pub fn read(path: &Path, axes: usize) -> Result<Self, GatingError> {
        let bytes = neuropil_lab::file::bytes(path)?;
        Self::parse(&bytes, axes).map_err(|problem| problem.in_file(path.display().to_string()).into())
    }

    fn parse(bytes: &[u8], axes: usize) -> Result<Self, Problem> {
        let magic = 0x0800 + axes as u32;
        let what = if axes == 1 { "labels" } else { "pictures" };
        no_idx(bytes)?;
        let Some(word) = bytes.first_chunk::<4>() else {
            return Err(Problem::new(
                format!("{} bytes, expected an IDX header", bytes.len()),
                "the file was cut short",
            ));
        };
        let (first, [_, _, kind, found_axes]) = (u32::from_be_bytes(*word), *word);
        let turned = u32::from_le_bytes(*word);
        if first >> 16 != 0 {
            return Err(if turned >> 16 == 0 && turned >> 8 & 0xff == 8 {
                Problem::new(
                    format!(
                        "the first word is {first:#010x}: {turned} with its bytes in the wrong order, expected {magic}"
                    ),
                    "IDX is big-endian: write the header with the most significant byte first",
                )
            } else {
                Problem::new(
                    format!("the first word is {first}, expected {magic}, that of IDX {what}"),
                    "is this an IDX file?",
                )
            });
        }
        if usize::from(found_axes) != axes {
            let other = if found_axes == 1 { "labels" } else { "pictures" };
            return Err(Problem::new(
                format!(
                    "magic number {first} ({found_axes} axes: {other}), expected {magic} ({axes} axes: {what})"
                ),
                "are the files of pictures and labels exchanged?",
            ));
        }
        let (width, name) = match kind {
            0x08 => (1, "u8"),
            0x09 => (1, "i8"),
            0x0b => (2, "i16"),
            0x0c => (4, "i32"),
            0x0d => (4, "f32"),
            0x0e => (8, "f64"),
            _ => {
                return Err(Problem::bare(format!(
                    "IDX values of the unknown type {kind:#04x}, expected 0x08 (bytes)"
                )));
            }
        };
        let header = 4 + 4 * axes;
        if bytes.len() < header {
            return Err(Problem::new(
                format!("{} bytes, expected a header of {header}", bytes.len()),
                "the file was cut short",
            ));
        }
        let sizes: Vec<usize> = bytes[4..header]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&size| u32::from_be_bytes(size) as usize)
            .collect();
        let words: Vec<String> = sizes.iter().map(usize::to_string).collect();
        let words = words.join(" × ");
        let there = bytes.len() - header;
        let promised = sizes
            .iter()
            .try_fold(width, |n: usize, &size| n.checked_mul(size));
        match promised {
            Some(promised) if promised == there => {}
            Some(promised) if there > promised => {
                let extra = there - promised;
                let message = format!(
                    "{extra} bytes after the {words} {name} values that the header announces, expected none"
                );
                return Err(Problem::new(
                    message,
                    "the file is damaged, or its header is that of another one",
                ));
            }
            _ => {
                let one: usize = sizes[1..]
                    .iter()
                    .try_fold(width, |n: usize, &size| n.checked_mul(size))
                    .unwrap_or(usize::MAX);
                let whole = there.checked_div(one).unwrap_or(0);
                let promised = promised.map_or_else(
                    || "more bytes than memory has addresses".to_owned(),
                    |n| format!("{n} bytes"),
                );
                let message = format!(
                    "the header announces {words} {name} values, {promised}, after its {header}; the file holds {there}"
                );
                return Err(Problem::new(
                    message,
                    format!("the file was cut short: {whole} whole {what} are there"),
                ));
            }
        }
        let values = &bytes[header..];
        let pixels = match kind {
            0x08 => Pixels::Bytes(values.to_vec()),
            0x09 => Pixels::Reals(values.iter().map(|&b| f32::from(b.cast_signed())).collect()),
            0x0b => Pixels::Reals(
                values
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|&b| f32::from(i16::from_be_bytes(b)))
                    .collect(),
            ),
            0x0c => Pixels::Reals(
                values
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|&b| i32::from_be_bytes(b) as f32)
                    .collect(),
            ),
            0x0d => Pixels::Reals(
                values
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|&b| f32::from_be_bytes(b))
                    .collect(),
            ),
            _ => Pixels::Reals(
                values
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|&b| f64::from_be_bytes(b) as f32)
                    .collect(),
            ),
        };
        Ok(Self { shape: sizes, pixels })
    }
}

/// What comes in the place of data.
pub(super) fn no_idx(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Err(Problem::new(
            "an empty file",
            "the download failed: fetch it again",
        ));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
        let size = text
            .lines()
            .find_map(|line| line.strip_prefix("size "))
            .unwrap_or("?")
            .trim()
            .to_owned();
        return Err(Problem::new(
            format!("a Git-LFS pointer: the {size} bytes that it stands for are not here"),
            "`git lfs pull` fetches them",
        ));
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64)])
        .trim_start()
        .to_lowercase();
    if text.starts_with('<') {
        return Err(Problem::new(
            "an HTML page, not data",
            "the server sent a page in place of the file: fetch it again",
        ));
    }
    Ok(())
}

fn one_half(images: &Path, labels: &Path, test: bool) -> Result<Pictures, GatingError> {
    let (pictures, numbers) = (Idx::read(images, 3)?, Idx::read(labels, 1)?);
    if pictures.shape[0] != numbers.shape[0] {
        let message = format!(
            "{} pictures, but {} labels in {}",
            pictures.shape[0],
            numbers.shape[0],
            labels.display()
        );
        let half = if test { "test" } else { "training" };
        return Err(
            Problem::new(message, format!("both {half} files must be of one set"))
                .in_file(images.display().to_string())
                .into(),
        );
    }
    let labels = (0..numbers.pixels.len())
        .map(|i| numbers.pixels.at(i) as i64)
        .collect();
    Ok(Pictures {
        shape: [pictures.shape[1], pictures.shape[2], 1],
        pixels: pictures.pixels,
        labels,
    })
}

pub(super) fn folder(path: &Path, names: &[String], reading: &Reading) -> Result<Found, GatingError> {
    let mut found = Found {
        counted: true,
        name: "IDX pictures".to_owned(),
        ..Found::default()
    };
    let of = |wanted: (bool, bool)| -> Result<Option<PathBuf>, GatingError> {
        let mut fitting: Vec<&String> = names.iter().filter(|name| role(name) == Some(wanted)).collect();
        // A file beside its packed form is the same file.
        if fitting.len() == 2 && fitting[1].strip_suffix(".gz") == Some(fitting[0]) {
            fitting.truncate(1);
        }
        if fitting.len() > 1 {
            let list: Vec<&str> = fitting.iter().map(|name| name.as_str()).collect();
            let message = format!(
                "{} could each be the {} {}",
                list.join(" and "),
                if wanted.1 { "test" } else { "training" },
                if wanted.0 { "pictures" } else { "labels" }
            );
            return Err(Problem::new(message, "keep one set in one folder")
                .in_file(path.display().to_string())
                .into());
        }
        Ok(fitting.first().map(|name| path.join(name)))
    };
    for test in [false, true] {
        let half = match (of((true, test))?, of((false, test))?) {
            (None, None) => None,
            (Some(images), Some(labels)) => Some(one_half(&images, &labels, test)?),
            (images, labels) => {
                let there = images.or(labels).unwrap_or_default();
                let message = "pictures and labels come in two files; the other is not here";
                return Err(Problem::new(
                    message,
                    "names are those of MNIST: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…",
                )
                .in_file(there.display().to_string())
                .into());
            }
        };
        if test {
            found.test = half;
        } else {
            found.train = half;
        }
    }
    if names.iter().any(|name| name.starts_with("emnist-")) {
        found.name = "EMNIST".to_owned();
        emnist(path, names, reading, &mut found)?;
    }
    Ok(found)
}

/// EMNIST's pictures lie on their side, and a file says which letters the labels are.
fn emnist(path: &Path, names: &[String], reading: &Reading, found: &mut Found) -> Result<(), GatingError> {
    if reading.upright {
        for pictures in [&mut found.train, &mut found.test].into_iter().flatten() {
            upright(pictures);
        }
        found.notes.push(
            "EMNIST's pictures are stored with rows and columns exchanged and were turned upright".to_owned(),
        );
    } else {
        found.notes.push(
            "EMNIST's pictures are stored with rows and columns exchanged; `data.reading.upright=true` turns them (it matters for rotated tasks, convolutions and mixtures with MNIST)"
                .to_owned(),
        );
    }
    if let Some(name) = names.iter().find(|name| name.ends_with("mapping.txt")) {
        let text = neuropil_lab::file::text(&path.join(name))?;
        for line in text.lines() {
            let numbers: Vec<i64> = line
                .split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect();
            if let [label, code, ..] = numbers[..]
                && let Some(letter) = u32::try_from(code).ok().and_then(char::from_u32)
            {
                found.names.insert(label, letter.to_string());
            }
        }
    }
    Ok(())
}

fn upright(pictures: &mut Pictures) {
    let [rows, columns, _] = pictures.shape;
    let Pixels::Bytes(values) = &mut pictures.pixels else {
        return;
    };
    for picture in values.chunks_exact_mut(rows * columns) {
        let turned: Vec<u8> = (0..rows * columns)
            .map(|i| picture[i % rows * columns + i / rows])
            .collect();
        picture.copy_from_slice(&turned);
    }
    pictures.shape = [columns, rows, 1];
}
