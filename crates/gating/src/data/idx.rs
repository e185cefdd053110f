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
        no_idx(bytes)?;
        let kind = kind(bytes, axes)?;
        let header = 4 + 4 * axes;
        if bytes.len() < header {
            return Err(Problem::new(
                format!("{} bytes, expected a header of {header}", bytes.len()),
                "the file was cut short",
            ));
        }
        let (sizes, values) = bytes[4..].split_at(4 * axes);
        let sizes = sizes.as_chunks::<4>().0.iter();
        let shape: Vec<usize> = sizes.map(|&size| u32::from_be_bytes(size) as usize).collect();
        as_announced(&shape, kind, values.len())?;
        Ok(Self {
            shape,
            pixels: kind.read(values),
        })
    }
}

/// What the files hold.
fn what(axes: usize) -> &'static str {
    if axes == 1 { "labels" } else { "pictures" }
}

/// Type of the values.
#[derive(Clone, Copy, Debug)]
enum Kind {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Kind {
    fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    fn read(self, values: &[u8]) -> Pixels {
        fn reals<const N: usize>(values: &[u8], one: impl Fn([u8; N]) -> f32) -> Pixels {
            Pixels::Reals(values.as_chunks::<N>().0.iter().map(|&b| one(b)).collect())
        }
        match self {
            Self::U8 => Pixels::Bytes(values.to_vec()),
            Self::I8 => reals(values, |b| f32::from(i8::from_be_bytes(b))),
            Self::I16 => reals(values, |b| f32::from(i16::from_be_bytes(b))),
            Self::I32 => reals(values, |b| i32::from_be_bytes(b) as f32),
            Self::F32 => reals(values, f32::from_be_bytes),
            Self::F64 => reals(values, |b| f64::from_be_bytes(b) as f32),
        }
    }
}

/// The type that the magic number says, which must be that of a file of so many axes.
fn kind(bytes: &[u8], axes: usize) -> Result<Kind, Problem> {
    let magic = 0x0800 + axes as u32;
    let what = what(axes);
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
        let other = self::what(usize::from(found_axes));
        return Err(Problem::new(
            format!(
                "magic number {first} ({found_axes} axes: {other}), expected {magic} ({axes} axes: {what})"
            ),
            "are the files of pictures and labels exchanged?",
        ));
    }
    Ok(match kind {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => {
            return Err(Problem::bare(format!(
                "IDX values of the unknown type {kind:#04x}, expected 0x08 (bytes)"
            )));
        }
    })
}

/// Refuses another number of bytes than the header announces.
fn as_announced(shape: &[usize], kind: Kind, there: usize) -> Result<(), Problem> {
    let words: Vec<String> = shape.iter().map(usize::to_string).collect();
    let (words, name) = (words.join(" × "), kind.name());
    let bytes = |sizes: &[usize]| -> Option<usize> {
        sizes
            .iter()
            .try_fold(kind.width(), |n, &size| n.checked_mul(size))
    };
    let promised = bytes(shape);
    match promised {
        Some(promised) if promised == there => Ok(()),
        Some(promised) if there > promised => {
            let extra = there - promised;
            Err(Problem::new(
                format!(
                    "{extra} bytes after the {words} {name} values that the header announces, expected none"
                ),
                "the file is damaged, or its header is that of another one",
            ))
        }
        _ => {
            let one = bytes(&shape[1..]).unwrap_or(usize::MAX);
            let whole = there.checked_div(one).unwrap_or(0);
            let promised = promised.map_or_else(
                || "more bytes than memory has addresses".to_owned(),
                |n| format!("{n} bytes"),
            );
            let header = 4 + 4 * shape.len();
            Err(Problem::new(
                format!(
                    "the header announces {words} {name} values, {promised}, after its {header}; the file holds {there}"
                ),
                format!(
                    "the file was cut short: {whole} whole {} are there",
                    what(shape.len())
                ),
            ))
        }
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
