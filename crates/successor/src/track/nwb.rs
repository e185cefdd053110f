//! Positions of Neurodata Without Borders files: SpatialSeries, value = data · conversion + offset, and the
//! PoseEstimationSeries of ndx-pose, which also say how sure the tracker was.

use super::damaged;
use super::delimited::likely;
use super::matlab::{number_of, text_of};
use super::times::Clock;
use super::{Found, LengthUnit, TrackOptions, Vertical, choose, problem};
use crate::error::SuccessorError;
use hdf5_pure::{Dataset, Group};
use neuropil_lab::array::hdf5::numbers;
use std::path::Path;

/// Groups within groups.
const DEEPEST: usize = 12;

pub(crate) fn read(path: &Path, root: &Group, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let fail = |error: hdf5_pure::Error| damaged(path, &error);
    let mut series = Vec::new();
    spatial_series(root, "", 0, &mut series).map_err(fail)?;
    let names: Vec<String> = series.iter().map(|(name, _)| name.clone()).collect();
    let short: Vec<String> = names
        .iter()
        .map(|name| name.rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    // Series of a pose are its body parts.
    let wanted = options.series.as_ref().or(options.bodypart.as_ref());
    let by_short = wanted.filter(|wanted| short.iter().filter(|name| name == wanted).count() == 1);
    let chosen = match by_short {
        Some(wanted) => short
            .iter()
            .position(|name| name == wanted)
            .expect("one has that name"),
        None if short.len() == names.len() && wanted.is_none() && names.len() > 1 => {
            choose(path, "position series", "--series", None, &short)?
        }
        None => choose(
            path,
            "position series",
            "--series",
            wanted.map(String::as_str),
            &names,
        )?,
    };
    one(path, &names[chosen], &series[chosen].1, options)
}

fn spatial_series(
    group: &Group,
    prefix: &str,
    depth: usize,
    out: &mut Vec<(String, Group)>,
) -> Result<(), hdf5_pure::Error> {
    if depth > DEEPEST {
        return Ok(());
    }
    let mut names = group.groups()?;
    names.sort();
    for name in names {
        let inner = group.group(&name)?;
        let full = format!("{prefix}/{name}");
        match inner.attrs()?.get("neurodata_type").map(text_of).as_deref() {
            Some("SpatialSeries" | "PoseEstimationSeries") => out.push((full, inner)),
            _ => spatial_series(&inner, &full, depth + 1, out)?,
        }
    }
    Ok(())
}

fn one(path: &Path, name: &str, series: &Group, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let fail = |error: hdf5_pure::Error| damaged(path, &error);
    let data = series.dataset("data").map_err(fail)?;
    let (shape, values) = numbers(path, &format!("{name}/data"), &data)?;
    let columns = match shape[..] {
        [_, columns] if columns >= 2 => columns,
        _ => {
            return Err(problem(
                path,
                format!("`{name}` of size {shape:?}"),
                "frames x 2 positions",
                "choose another with `--series`",
            ));
        }
    };
    let attrs = data.attrs().map_err(fail)?;
    let number = |key: &str| attrs.get(key).and_then(number_of);
    let (conversion, offset) = (
        number("conversion").unwrap_or(1.0),
        number("offset").unwrap_or(0.0),
    );
    let column = |k: usize| -> Vec<f64> {
        values
            .iter()
            .skip(k)
            .step_by(columns)
            .map(|v| v * conversion + offset)
            .collect()
    };
    let (mut x, mut y) = (column(0), column(1));
    let mut notes = vec![format!("series `{name}`")];
    if let Ok(data) = series.dataset("confidence")
        && let (_, confidence) = numbers(path, &format!("{name}/confidence"), &data)?
        && confidence.len() == x.len()
    {
        likely(&mut x, &mut y, &confidence, options, &mut notes);
    }
    if conversion != 1.0 || offset != 0.0 {
        notes.push(format!("values are data · {conversion} + {offset}"));
    }
    if columns > 2 {
        notes.push(format!("{columns} columns: the first two are taken"));
    }
    let clock = clock(path, name, series, x.len(), options)?;
    let frame = series
        .dataset("reference_frame")
        .and_then(|data| data.read_string())
        .unwrap_or_default();
    let vertical = match frame.first().map(|text| text.to_lowercase()) {
        Some(text) if text.contains("top") => {
            notes.push(format!("reference_frame says `{}`: y points down", frame[0]));
            Vertical::Down
        }
        Some(text) if text.contains("bottom") => Vertical::Up,
        _ => Vertical::Unknown,
    };
    let unit = LengthUnit::of(&attrs.get("unit").map(text_of).unwrap_or_default());
    let lines = vec![0; x.len()];
    Ok(Found {
        form: "NWB",
        clock,
        x,
        y,
        lines,
        unit,
        vertical,
        notes,
    })
}

/// Either one time per frame, or a start and a rate.
fn clock(
    path: &Path,
    name: &str,
    series: &Group,
    frames: usize,
    options: &TrackOptions,
) -> Result<Clock, SuccessorError> {
    if let Ok(data) = series.dataset("timestamps") {
        let (_, times) = numbers(path, &format!("{name}/timestamps"), &data)?;
        if times.len() != frames {
            let found = format!("{} timestamps for {frames} positions in `{name}`", times.len());
            return Err(problem(path, found, "one each", ""));
        }
        return Ok(Clock::Seconds(times, 0.0));
    }
    if let Ok(start) = series.dataset("starting_time") {
        let rate = |start: &Dataset| start.attrs().ok()?.get("rate").and_then(number_of);
        let first = start
            .read_f64()
            .ok()
            .and_then(|values| values.first().copied())
            .unwrap_or(0.0);
        if let Some(rate) = rate(&start).filter(|rate| *rate > 0.0 && rate.is_finite()) {
            return Ok(Clock::Seconds(
                (0..frames).map(|i| first + i as f64 / rate).collect(),
                0.0,
            ));
        }
    }
    match options.fps {
        Some(_) => Ok(Clock::Frames((0..frames).collect())),
        None => Err(problem(
            path,
            format!("`{name}` has neither timestamps nor a rate"),
            "one of the two",
            "give the rate with `--fps`",
        )),
    }
}
