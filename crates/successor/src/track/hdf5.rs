//! HDF5 files: which program wrote one, and those of DeepLabCut and SLEAP.

use super::delimited::likely;
use super::labelled::part_columns;
use super::matlab::{read_groups, texts_of};
use super::pickle::column_labels;
use super::times::Clock;
use super::{Found, LengthUnit, TrackOptions, Vertical, choose, damaged, nwb, problem};
use crate::error::SuccessorError;
use hdf5_pure::{Dataset, Datatype, File, Group};
use neuropil_lab::array::hdf5::{announced, numbers};
use std::path::Path;

pub(crate) fn read(path: &Path, mut bytes: Vec<u8>, options: &TrackOptions) -> Result<Found, SuccessorError> {
    neuropil_lab::array::settle_links(&mut bytes);
    let matlab = bytes.starts_with(b"MATLAB 7.3");
    let file = File::from_bytes(bytes).map_err(|error| damaged(path, &error))?;
    let root = file.root();
    let fail = |error: hdf5_pure::Error| damaged(path, &error);
    let (groups, datasets) = (root.groups().map_err(fail)?, root.datasets().map_err(fail)?);
    if matlab {
        return read_groups(path, &root, "MATLAB v7.3", options);
    }
    for name in &groups {
        let group = root.group(name).map_err(fail)?;
        if group
            .attrs()
            .is_ok_and(|attrs| attrs.contains_key("pandas_type") && attrs.contains_key("non_index_axes"))
        {
            return deeplabcut(path, &group, options);
        }
    }
    if datasets.iter().any(|name| name == "pred_points") {
        let hint = "export it from SLEAP: `sleap-convert --format analysis FILE.slp`, or File > Export Analysis HDF5";
        return Err(problem(path, "a SLEAP project", "an analysis of it", hint));
    }
    if datasets.iter().any(|name| name == "tracks") {
        return sleap(path, &root, options);
    }
    let attrs = root.attrs().map_err(fail)?;
    if attrs.contains_key("nwb_version")
        || groups
            .iter()
            .any(|name| name == "processing" || name == "acquisition")
    {
        return nwb::read(path, &root, options);
    }
    read_groups(path, &root, "HDF5", options)
}

/// A pandas table: records of an index and blocks of numbers; their labels are a pickle in an attribute.
fn deeplabcut(path: &Path, group: &Group, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let fail = |error: hdf5_pure::Error| damaged(path, &error);
    let hint = "DeepLabCut writes a CSV of the same stem with `save_as_csv=True` or `analyze_videos_converth5_to_csv`";
    let unknown = |found: &str| {
        problem(
            path,
            format!("a DeepLabCut H5 file {found}"),
            "one block of numbers with three or four labels a column",
            hint,
        )
    };
    let attrs = group.attrs().map_err(fail)?;
    let text = attrs
        .get("non_index_axes")
        .map(|value| texts_of(value).concat())
        .unwrap_or_default();
    let labels = column_labels(&text).ok_or_else(|| unknown("whose labels cannot be read"))?;
    let columns: Vec<(Vec<String>, String)> = labels
        .into_iter()
        .filter(|labels| (3..=4).contains(&labels.len()))
        .map(|labels| {
            (
                labels[1..labels.len() - 1].to_vec(),
                labels[labels.len() - 1].clone(),
            )
        })
        .collect();
    let table = group.dataset("table").map_err(|_| unknown("without a table"))?;
    announced(path, "table", &table)?;
    let (frames, values, width) = records(&table)
        .map_err(fail)?
        .ok_or_else(|| unknown("of another layout"))?;
    if width != columns.len() {
        return Err(unknown(&format!(
            "with {width} columns and {} labels",
            columns.len()
        )));
    }
    let [x, y, likelihood] = part_columns(path, &columns, options)?;
    let column = |k: usize| -> Vec<f64> { values.iter().skip(k).step_by(width).copied().collect() };
    let (Some(x), Some(y)) = (x, y) else {
        return Err(unknown("without x and y"));
    };
    let (mut x, mut y) = (column(x), column(y));
    let mut notes = vec!["no time column: fps needed".to_owned()];
    if let Some(k) = likelihood {
        likely(&mut x, &mut y, &column(k), options, &mut notes);
    }
    let lines = vec![0; x.len()];
    Ok(Found {
        form: "DeepLabCut H5",
        clock: Clock::Frames(frames),
        x,
        y,
        lines,
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes,
    })
}

/// Index and values, row by row, of a table of records (index: i64, block: f64[n]); `None` for another layout.
fn records(table: &Dataset) -> Result<Option<(Vec<usize>, Vec<f64>, usize)>, hdf5_pure::Error> {
    let Datatype::Compound { size, members } = table.datatype()? else {
        return Ok(None);
    };
    let member = |name: &str| members.iter().find(|member| member.name == name);
    let (Some(index), Some(block)) = (member("index"), member("values_block_0")) else {
        return Ok(None);
    };
    if members.len() != 2 || index.datatype.type_size() != 8 {
        return Ok(None);
    }
    let bytes = block.datatype.type_size() as usize;
    let single = match &block.datatype {
        Datatype::Array { base_type, .. } => base_type.type_size(),
        other => other.type_size(),
    };
    let raw = table.read_raw()?;
    let (mut frames, mut values) = (Vec::new(), Vec::new());
    for record in raw.chunks_exact(size as usize) {
        let at = index.byte_offset as usize;
        let frame = i64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
        let Ok(frame) = usize::try_from(frame) else {
            return Ok(None);
        };
        frames.push(frame);
        let at = block.byte_offset as usize;
        let block = &record[at..at + bytes];
        match single {
            8 => values.extend(block.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b))),
            4 => values.extend(
                block
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| f64::from(f32::from_le_bytes(*b))),
            ),
            _ => return Ok(None),
        }
    }
    Ok(Some((frames, values, bytes / single.max(1) as usize)))
}

/// `/tracks` is (track, x or y, node, frame) unless its attributes name the dimensions.
fn sleap(path: &Path, root: &Group, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let fail = |error: hdf5_pure::Error| damaged(path, &error);
    let tracks = root.dataset("tracks").map_err(fail)?;
    let shape = announced(path, "tracks", &tracks)?;
    let mut order = ["track", "xy", "node", "frame"].map(str::to_owned);
    for value in tracks.attrs().map_err(fail)?.values() {
        let words: Vec<String> = texts_of(value)
            .iter()
            .flat_map(|text| {
                text.split([',', ' ', '"', '[', ']', '(', ')', '\''])
                    .map(str::to_lowercase)
                    .collect::<Vec<_>>()
            })
            .filter(|word| !word.is_empty())
            .map(|word| match word.trim_end_matches('s') {
                "space" | "coordinate" | "coord" | "xy" => "xy".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        if ["track", "xy", "node", "frame"]
            .iter()
            .all(|name| words.iter().any(|word| word == name))
            && words.len() == 4
        {
            order.clone_from_slice(&words);
        }
    }
    let axis = |name: &str| {
        order
            .iter()
            .position(|known| known == name)
            .expect("all four are there")
    };
    if shape.len() != 4 || shape[axis("xy")] != 2 {
        return Err(problem(
            path,
            format!("`tracks` of size {shape:?}"),
            "tracks x 2 x nodes x frames",
            "",
        ));
    }
    let names = |name: &str, n: usize, word: &str| -> Vec<String> {
        let read = root
            .dataset(name)
            .and_then(|data| data.read_string())
            .unwrap_or_default();
        if read.len() == n {
            read
        } else {
            (0..n).map(|i| format!("{word} {i}")).collect()
        }
    };
    let nodes = names("node_names", shape[axis("node")], "node");
    let individuals = names("track_names", shape[axis("track")], "track");
    let node = choose(path, "node", "--bodypart", options.bodypart.as_deref(), &nodes)?;
    let track = choose(
        path,
        "track",
        "--individual",
        options.individual.as_deref(),
        &individuals,
    )?;
    let (_, values) = numbers(path, "tracks", &tracks)?;
    let mut strides = [1; 4];
    for k in (0..3).rev() {
        strides[k] = strides[k + 1] * shape[k + 1];
    }
    let frames = shape[axis("frame")];
    let at = |frame: usize, xy: usize| {
        values[track * strides[axis("track")]
            + node * strides[axis("node")]
            + xy * strides[axis("xy")]
            + frame * strides[axis("frame")]]
    };
    Ok(Found {
        form: "SLEAP analysis HDF5",
        clock: Clock::Frames((0..frames).collect()),
        x: (0..frames).map(|frame| at(frame, 0)).collect(),
        y: (0..frames).map(|frame| at(frame, 1)).collect(),
        lines: vec![0; frames],
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes: vec!["no time column: fps needed".to_owned()],
    })
}
