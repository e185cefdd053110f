//! Own pictures: a folder per class, lists of paths, Tiny-ImageNet.

use super::{Found, Pictures, Pixels, Reading, shape_words};
use crate::error::GatingError;
use neuropil_lab::error::Problem;
use std::collections::BTreeMap;
use std::path::Path;

fn wrong(path: &Path, message: impl Into<String>, hint: &str) -> GatingError {
    Problem::new(message, hint)
        .in_file(path.display().to_string())
        .into()
}

/// A PNG or JPEG as bytes \[row\]\[column\]\[channel\] of one (gray) or three channels.
fn picture(path: &Path) -> Result<([usize; 3], Vec<u8>), GatingError> {
    let bytes = neuropil_lab::file::bytes(path)?;
    super::idx::no_idx(&bytes).map_err(|problem| problem.in_file(path.display().to_string()))?;
    if bytes.starts_with(b"\xff\xd8") {
        return jpeg(path, &bytes);
    }
    let bad = |error: png::DecodingError| {
        wrong(
            path,
            format!("no PNG that can be read ({error})"),
            "PNG and JPEG pictures are read",
        )
    };
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&bytes[..]));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(bad)?;
    let (rows, columns) = (reader.info().height as usize, reader.info().width as usize);
    neuropil_lab::memory::claim(
        path,
        &format!("{rows} × {columns} pixels"),
        rows.saturating_mul(columns),
        4,
    )?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let info = reader.next_frame(&mut pixels).map_err(bad)?;
    pixels.truncate(info.buffer_size());
    let channels = info.color_type.samples();
    // Transparency is left out: what lies under it counts.
    let kept = if channels > 2 { 3 } else { 1 };
    let pixels = pixels
        .chunks_exact(channels)
        .flat_map(|pixel| pixel[..kept].to_vec())
        .collect();
    Ok(([rows, columns, kept], pixels))
}

fn jpeg(path: &Path, bytes: &[u8]) -> Result<([usize; 3], Vec<u8>), GatingError> {
    let mut decoder = zune_jpeg::JpegDecoder::new(std::io::Cursor::new(bytes));
    let bad = |error: zune_jpeg::errors::DecodeErrors| {
        wrong(
            path,
            format!("no JPEG that can be read ({error})"),
            "PNG and JPEG pictures are read",
        )
    };
    decoder.decode_headers().map_err(bad)?;
    let (columns, rows) = decoder.dimensions().unwrap_or((0, 0));
    neuropil_lab::memory::claim(
        path,
        &format!("{rows} × {columns} pixels"),
        rows.saturating_mul(columns),
        4,
    )?;
    let pixels = decoder.decode().map_err(bad)?;
    let channels = pixels.len().checked_div(rows * columns).unwrap_or(0);
    Ok(([rows, columns, channels], pixels))
}

/// Pictures that must be alike, while they are collected.
struct Collected {
    shape: Option<([usize; 3], String)>,
    /// Gray pictures count as three equal channels.
    colour: bool,
    pixels: Vec<u8>,
    labels: Vec<i64>,
    grays: usize,
}

impl Collected {
    fn new(colour: bool) -> Self {
        Self {
            shape: None,
            colour,
            pixels: Vec::new(),
            labels: Vec::new(),
            grays: 0,
        }
    }

    fn add(&mut self, path: &Path, label: i64) -> Result<(), GatingError> {
        let (mut shape, mut pixels) = picture(path)?;
        if self.colour && shape[2] == 1 {
            pixels = pixels.iter().flat_map(|&gray| [gray; 3]).collect();
            shape[2] = 3;
            self.grays += 1;
        }
        let (first, of) = self
            .shape
            .get_or_insert_with(|| (shape, path.display().to_string()));
        if *first != shape {
            let message = format!(
                "a picture of {} (rows × columns × channels), where {of} is of {}",
                full(shape),
                full(*first)
            );
            return Err(wrong(
                path,
                message,
                "make all pictures of one size and one number of channels",
            ));
        }
        self.pixels.extend(pixels);
        self.labels.push(label);
        Ok(())
    }

    fn pictures(self) -> Option<Pictures> {
        let (shape, _) = self.shape?;
        Some(Pictures {
            shape,
            pixels: Pixels::Bytes(self.pixels),
            labels: self.labels,
        })
    }
}

fn full(shape: [usize; 3]) -> String {
    if shape[2] == 1 {
        format!("{}, gray", shape_words(shape))
    } else {
        shape_words(shape)
    }
}

pub(super) fn is_picture(name: &str) -> bool {
    let name = name.to_lowercase();
    [".png", ".jpg", ".jpeg"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Sorts names; by their numbers if so asked, 2 before 10.
fn order(names: &mut [String], by_number: bool) {
    if by_number {
        names.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
    } else {
        names.sort();
    }
}

/// `train/CLASS/*.png` and `test/CLASS/*.png` (or `val`, `training`, `testing`, …), or the classes right here.
pub(super) fn classes(path: &Path, reading: &Reading) -> Result<Option<Found>, GatingError> {
    let halves = super::batches::names(path)?;
    let half = |known: &[&str]| {
        let mut names = halves.iter();
        let found = names.find(|name| known.iter().any(|known| name.eq_ignore_ascii_case(known)));
        found.map(|name| path.join(name)).filter(|half| half.is_dir())
    };
    let own = half(&["train", "training"]);
    let others: Vec<std::path::PathBuf> = [&["test", "testing"][..], &["val", "valid", "validation"]]
        .into_iter()
        .filter_map(half)
        .collect();
    let train = own.clone().unwrap_or_else(|| path.to_owned());
    let mut names: Vec<String> = super::batches::names(&train)?
        .into_iter()
        .filter(|name| train.join(name).is_dir())
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    order(&mut names, reading.number_order);
    let mut found = Found {
        name: "own pictures".to_owned(),
        ..Found::default()
    };
    let rule = if reading.number_order {
        "numbers"
    } else {
        "letters"
    };
    let table: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(number, name)| format!("{name} → {number}"))
        .collect();
    found.notes.push(format!(
        "classes in the order of their {rule}: {}",
        table.join(", ")
    ));
    if !reading.number_order && names.iter().any(|name| name.parse::<u64>().is_ok()) {
        found
            .notes
            .push("`data.reading.number_order=true` puts 2 before 10".to_owned());
    }
    found.names = (0..).zip(names.clone()).collect();
    let mut skipped = 0;
    found.train = one(&train, &names, &mut skipped)?;
    if own.is_some() {
        for other in others {
            if found.test.is_none() {
                found.test = one(&other, &names, &mut skipped)?;
            } else {
                let name = other.file_name().unwrap_or_default().display();
                found.notes.push(format!(
                    "`{name}` was left out: the test examples are those of the other folder"
                ));
            }
        }
    }
    if skipped > 0 {
        found
            .notes
            .push(format!("{skipped} files that are no pictures were skipped"));
    }
    if found.train.is_none() {
        return Err(wrong(
            &train,
            "folders, but no picture in them",
            "PNG and JPEG pictures are read",
        ));
    }
    Ok(Some(found))
}

fn one(folder: &Path, classes: &[String], skipped: &mut usize) -> Result<Option<Pictures>, GatingError> {
    let mut all = Collected::new(false);
    for name in super::batches::names(folder)?
        .iter()
        .filter(|name| folder.join(name).is_dir())
    {
        if !classes.contains(name) {
            return Err(wrong(
                &folder.join(name),
                "a class that training does not have",
                "both halves need the same folders",
            ));
        }
    }
    *skipped += hidden(folder);
    for (label, class) in classes.iter().enumerate() {
        let within = folder.join(class);
        if !within.is_dir() {
            continue;
        }
        *skipped += hidden(&within);
        for name in super::batches::names(&within)? {
            if is_picture(&name) {
                all.add(&within.join(&name), label as i64)?;
            } else {
                *skipped += 1;
            }
        }
    }
    Ok(all.pictures())
}

/// Files whose names begin with a dot.
fn hidden(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with('.'))
        .count()
}

/// `train.txt` and `test.txt`: a path, relative to the list, a blank and a label in every line.
pub(super) fn lists(path: &Path) -> Result<Found, GatingError> {
    let mut found = Found {
        name: "own list of pictures".to_owned(),
        ..Found::default()
    };
    found.train = list(&path.join("train.txt"))?;
    if path.join("test.txt").is_file() {
        found.test = list(&path.join("test.txt"))?;
    }
    Ok(found)
}

fn list(file: &Path) -> Result<Option<Pictures>, GatingError> {
    let text = neuropil_lab::file::text(file)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut all = Collected::new(false);
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let at = |message: String, hint: &str| {
            GatingError::from(Problem::new(message, hint).in_line(file.display().to_string(), number + 1, ""))
        };
        // A path may have blanks in it: the label stands behind the last.
        let Some((name, label)) = line.trim_end().rsplit_once([' ', '\t', ',']) else {
            return Err(at(
                format!("`{line}`, expected a path, a blank and a label"),
                "one picture a line",
            ));
        };
        let Ok(label) = label.parse::<i64>() else {
            return Err(at(
                format!("label `{label}`, expected a whole number"),
                "the label stands behind the last blank",
            ));
        };
        let place = folder.join(name.trim());
        if !place.is_file() {
            return Err(at(
                format!("`{}` is not there", name.trim()),
                "paths are relative to the folder of the list",
            ));
        }
        all.add(&place, label)?;
    }
    Ok(all.pictures())
}

/// `train/WNID/images/*.JPEG`, `val/images` with `val_annotations.txt`, classes in the order of `wnids.txt`.
pub(super) fn tiny_imagenet(path: &Path) -> Result<Found, GatingError> {
    let ids = neuropil_lab::file::text(&path.join("wnids.txt"))?;
    let ids: Vec<String> = ids.split_whitespace().map(str::to_owned).collect();
    let mut found = Found {
        name: "Tiny-ImageNet".to_owned(),
        ..Found::default()
    };
    let words: BTreeMap<String, String> = match neuropil_lab::file::text(&path.join("words.txt")) {
        Ok(text) => text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(id, words)| (id.to_owned(), words.trim().to_owned()))
            .collect(),
        Err(_) => BTreeMap::new(),
    };
    found.names = (0..)
        .zip(ids.iter().map(|id| words.get(id).unwrap_or(id).clone()))
        .collect();
    let mut train = Collected::new(true);
    for (label, id) in ids.iter().enumerate() {
        let within = path.join("train").join(id).join("images");
        if !within.is_dir() {
            found
                .notes
                .push(format!("class {id} of wnids.txt has no folder in train"));
            continue;
        }
        for name in super::batches::names(&within)?
            .iter()
            .filter(|name| is_picture(name))
        {
            train.add(&within.join(name), label as i64)?;
        }
    }
    let mut val = Collected::new(true);
    let file = path.join("val/val_annotations.txt");
    if file.is_file() {
        let text = neuropil_lab::file::text(&file)?;
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let at = |message: String| {
                GatingError::from(
                    Problem::new(message, "file, class and four numbers, with tabs between").in_line(
                        file.display().to_string(),
                        number + 1,
                        "",
                    ),
                )
            };
            let mut fields = line.split('\t');
            let (Some(name), Some(id)) = (fields.next(), fields.next()) else {
                return Err(at(format!("`{line}`, expected a file and a class")));
            };
            let Some(label) = ids.iter().position(|own| own == id) else {
                return Err(at(format!("class `{id}` is not in wnids.txt")));
            };
            let place = path.join("val/images").join(name);
            if !place.is_file() {
                return Err(at(format!("`{name}` is not in val/images")));
            }
            val.add(&place, label as i64)?;
        }
    }
    // As most training scripts want it: a folder a class, as in `train`.
    for (label, id) in ids.iter().enumerate().filter(|_| !file.is_file()) {
        let folder = path.join("val").join(id);
        let within = [folder.join("images"), folder]
            .into_iter()
            .find(|within| within.is_dir());
        for (within, name) in within.iter().flat_map(|within| {
            let names = super::batches::names(within).unwrap_or_default();
            names.into_iter().map(move |name| (within, name))
        }) {
            if is_picture(&name) {
                val.add(&within.join(&name), label as i64)?;
            }
        }
    }
    let grays = train.grays + val.grays;
    if grays > 0 {
        found
            .notes
            .push(format!("{grays} gray pictures count as three equal channels"));
    }
    (found.train, found.test) = (train.pictures(), val.pictures());
    Ok(found)
}
