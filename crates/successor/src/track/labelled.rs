//! Tables of trackers that say which animal and which body part: DeepLabCut, SLEAP, EthoVision.

use super::delimited::{Rows, is_missing, likely};
use super::times::{Clock, TimeUnit, seconds_of};
use super::{Found, LengthUnit, TrackOptions, Vertical, choose, field_problem, problem};
use crate::error::SuccessorError;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn is_deeplabcut(rows: &Rows) -> bool {
    let first = |row: usize| {
        rows.rows
            .get(row)
            .and_then(|(_, cells)| cells.first())
            .map(String::as_str)
    };
    first(0) == Some("scorer") && matches!(first(1), Some("bodyparts" | "individuals"))
}

/// Scorer, (individuals,) body parts and coordinates in three or four rows of header.
pub(crate) fn read_deeplabcut(
    path: &Path,
    rows: &Rows,
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    let header = |name: &str| rows.rows.iter().take(4).position(|(_, row)| row[0] == name);
    let (Some(parts), Some(coordinates)) = (header("bodyparts"), header("coords")) else {
        return Err(problem(
            path,
            "a DeepLabCut file without rows `bodyparts` and `coords`",
            "its whole header",
            "",
        ));
    };
    let cells = |row: usize| &rows.rows[row].1;
    let mut columns: Vec<(Vec<String>, String)> = Vec::new();
    for column in 1..cells(parts).len() {
        let name = |row: usize| cells(row).get(column).cloned().unwrap_or_default();
        let mut labels = vec![name(parts)];
        if let Some(individuals) = header("individuals") {
            labels.insert(0, name(individuals));
        }
        columns.push((labels, name(coordinates)));
    }
    let from = coordinates + 1;
    let [x, y, likelihood] = part_columns(path, &columns, options)?;
    let frames = rows.positions(path, from, 0, "frame")?;
    let mut notes = vec!["no time column: fps needed".to_owned()];
    let mut x = rows.positions(path, from, x.ok_or_else(|| no_coordinate(path, "x"))? + 1, "x")?;
    let mut y = rows.positions(path, from, y.ok_or_else(|| no_coordinate(path, "y"))? + 1, "y")?;
    if let Some(column) = likelihood {
        let values = rows.positions(path, from, column + 1, "likelihood")?;
        likely(&mut x, &mut y, &values, options, &mut notes);
    }
    let clock = Clock::Times(frames, Some(TimeUnit::Frames));
    let lines = rows.lines(from);
    Ok(Found {
        form: "DeepLabCut CSV",
        clock,
        x,
        y,
        lines,
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes,
    })
}

fn no_coordinate(path: &Path, name: &str) -> SuccessorError {
    problem(
        path,
        format!("no coordinate `{name}` of the body part"),
        "x, y and likelihood",
        "",
    )
}

/// Columns of x, y and likelihood for the individual and body part that are asked for, or the only ones.
pub(crate) fn part_columns(
    path: &Path,
    columns: &[(Vec<String>, String)],
    options: &TrackOptions,
) -> Result<[Option<usize>; 3], SuccessorError> {
    let distinct = |values: Vec<String>| {
        let mut seen: Vec<String> = Vec::new();
        for value in values {
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
        seen
    };
    let mut wanted: Vec<String> = Vec::new();
    let individuals = columns.iter().any(|(labels, _)| labels.len() > 1);
    if individuals {
        // body parts that belong to no animal stand under `single`; one that has the part is meant where it is named
        let with_part = |labels: &&Vec<String>| {
            options
                .bodypart
                .as_ref()
                .is_none_or(|part| labels.last() == Some(part))
        };
        let known = distinct(
            columns
                .iter()
                .map(|(labels, _)| labels)
                .filter(with_part)
                .map(|labels| labels[0].clone())
                .collect(),
        );
        let all = distinct(columns.iter().map(|(labels, _)| labels[0].clone()).collect());
        let known = if known.is_empty() || options.individual.is_some() {
            all
        } else {
            known
        };
        let chosen = choose(
            path,
            "individual",
            "--individual",
            options.individual.as_deref(),
            &known,
        )?;
        wanted.push(known[chosen].clone());
    }
    let of_individual = |labels: &&Vec<String>| !individuals || labels[0] == wanted[0];
    let parts = distinct(
        columns
            .iter()
            .map(|(labels, _)| labels)
            .filter(of_individual)
            .filter_map(|labels| labels.last().cloned())
            .collect(),
    );
    let chosen = choose(
        path,
        "body part",
        "--bodypart",
        options.bodypart.as_deref(),
        &parts,
    )?;
    wanted.push(parts[chosen].clone());
    let at = |name: &str| {
        columns
            .iter()
            .position(|(labels, coordinate)| *labels == wanted && coordinate == name)
    };
    Ok([at("x"), at("y"), at("likelihood")])
}

pub(crate) fn is_sleap(rows: &Rows) -> bool {
    let header = &rows.rows[0].1;
    header.iter().any(|name| name == "frame_idx") && header.iter().any(|name| name.ends_with(".x"))
}

/// One row per instance; columns by name; frames without an instance have no row.
pub(crate) fn read_sleap(path: &Path, rows: &Rows, options: &TrackOptions) -> Result<Found, SuccessorError> {
    let header = &rows.rows[0].1;
    let column = |name: &str| header.iter().position(|cell| cell == name);
    let nodes: Vec<String> = header
        .iter()
        .filter_map(|name| name.strip_suffix(".x"))
        .map(str::to_owned)
        .collect();
    let node = &nodes[choose(path, "node", "--bodypart", options.bodypart.as_deref(), &nodes)?];
    let at = |suffix: &str| column(&format!("{node}.{suffix}"));
    let (Some(x), Some(y)) = (at("x"), at("y")) else {
        return Err(problem(
            path,
            format!("no column `{node}.y`"),
            "x and y of every node",
            "",
        ));
    };
    let frame_column = column("frame_idx").expect("known to be there");
    let track = column("track");
    let cell = |row: usize, column: Option<usize>| {
        column
            .and_then(|column| rows.rows[row].1.get(column))
            .map_or("", |cell| cell.trim())
    };
    let mut names: Vec<String> = Vec::new();
    for row in 1..rows.rows.len() {
        let name = cell(row, track).to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let name = sleap_track(path, rows, frame_column, &names, options)?;
    let mut notes = vec!["no time column: fps needed".to_owned()];
    let (mut frames, mut xs, mut ys, mut lines, mut last) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    let mut order: BTreeMap<usize, usize> = BTreeMap::new();
    for row in 1..rows.rows.len() {
        let frame = rows.position(path, row, frame_column, "frame_idx")?;
        if !(frame >= 0.0 && frame.fract() == 0.0 && frame < 1e12) {
            return Err(field_problem(
                path,
                rows.rows[row].0,
                "frame_idx",
                frame.to_string(),
                "a number of a frame",
                "",
            ));
        }
        last = last.max(frame as usize);
        if cell(row, track) == name
            && let Some(before) = order.insert(frame as usize, row)
        {
            let found = format!(
                "two instances of one track in frame {frame} (also on line {})",
                rows.rows[before].0
            );
            return Err(field_problem(
                path,
                rows.rows[row].0,
                "track",
                found,
                "one",
                "run the tracker again",
            ));
        }
    }
    for (frame, row) in order {
        frames.push(frame);
        xs.push(rows.position(path, row, x, "x")?);
        ys.push(rows.position(path, row, y, "y")?);
        lines.push(rows.rows[row].0);
    }
    if frames.last().is_some_and(|frame| *frame < last) {
        frames.push(last);
        xs.push(f64::NAN);
        ys.push(f64::NAN);
        lines.push(0);
        notes.push(format!(
            "the track ends before the last frame {last} of the file: lost from there on"
        ));
    }
    if let Some(cutoff) = options.likelihood {
        let scores: Vec<f64> = match at("score") {
            Some(score) => lines
                .iter()
                .map(|&line| {
                    rows.rows
                        .iter()
                        .position(|(l, _)| *l == line)
                        .map_or(Ok(1.0), |row| rows.position(path, row, score, "score"))
                })
                .collect::<Result<_, _>>()?,
            None => {
                return Err(problem(
                    path,
                    format!("no column `{node}.score`"),
                    format!("scores for the cutoff {cutoff}"),
                    "",
                ));
            }
        };
        likely(&mut xs, &mut ys, &scores, options, &mut notes);
    }
    Ok(Found {
        form: "SLEAP analysis CSV",
        clock: Clock::Frames(frames),
        x: xs,
        y: ys,
        lines,
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes,
    })
}

/// The track to read; without tracks, the only animal.
fn sleap_track(
    path: &Path,
    rows: &Rows,
    frame: usize,
    names: &[String],
    options: &TrackOptions,
) -> Result<String, SuccessorError> {
    let tracked: Vec<String> = names.iter().filter(|name| !name.is_empty()).cloned().collect();
    if !tracked.is_empty() {
        let chosen = choose(
            path,
            "track",
            "--individual",
            options.individual.as_deref(),
            &tracked,
        )?;
        return Ok(tracked[chosen].clone());
    }
    let mut instances: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, row) in &rows.rows[1..] {
        *instances
            .entry(row.get(frame).map_or("", String::as_str))
            .or_default() += 1;
    }
    let most = instances.values().max().copied().unwrap_or(0);
    match most {
        0 | 1 => Ok(String::new()),
        most => Err(problem(
            path,
            format!("the track column is empty and there are up to {most} instances in a frame"),
            "to know which instance is which animal",
            "run SLEAP's tracker before exporting, or export one instance",
        )),
    }
}

pub(crate) fn is_ethovision(rows: &Rows) -> bool {
    let Some(n) = ethovision_header(rows) else {
        return false;
    };
    let at = |line: usize| rows.rows.iter().find(|(l, _)| *l == line).map(|(_, row)| row);
    at(n).is_some_and(|units| {
        units
            .iter()
            .any(|unit| LengthUnit::of(unit) != LengthUnit::Unknown || unit == "s")
    })
}

/// `"Number of header lines:";"N"` in any language.
fn ethovision_header(rows: &Rows) -> Option<usize> {
    let (_, first) = rows.rows.first()?;
    let n: usize = first.get(1)?.trim().parse().ok()?;
    let label = first[0].trim();
    ((2..=1000).contains(&n) && !label.is_empty() && label.parse::<f64>().is_err()).then_some(n)
}

/// Names on line N − 1, units on line N, data below.
pub(crate) fn read_ethovision(
    path: &Path,
    rows: &Rows,
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    let n = ethovision_header(rows).expect("known to be there");
    let index = |line: usize| rows.rows.iter().position(|(l, _)| *l == line);
    let (Some(names), Some(units), Some(from)) = (
        index(n - 1),
        index(n),
        rows.rows.iter().position(|(line, _)| *line > n),
    ) else {
        return Err(problem(
            path,
            format!("fewer than {n} lines of header"),
            "names, units and data below",
            "",
        ));
    };
    let (names, units) = (&rows.rows[names].1, &rows.rows[units].1);
    let unit = |column: usize| units.get(column).map_or("", |unit| unit.trim());
    let Some(time) = (0..names.len()).find(|&column| TimeUnit::of(unit(column)).is_some()) else {
        return Err(problem(path, "no column of times", "one with unit s", ""));
    };
    let axis = |name: &str, axis: char| -> Option<String> {
        let mut words: Vec<String> = name
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let at = words.iter().position(|word| *word == axis.to_string())?;
        words.remove(at);
        Some(words.join(" "))
    };
    let length = |column: &usize| LengthUnit::of(unit(*column)) != LengthUnit::Unknown;
    let mut pairs: Vec<(String, usize, usize)> = Vec::new();
    for x in (0..names.len()).filter(length) {
        if let Some(part) = axis(&names[x], 'x') {
            let y = (0..names.len())
                .filter(length)
                .find(|&y| axis(&names[y], 'y').as_ref() == Some(&part));
            if let Some(y) = y {
                pairs.push((part, x, y));
            }
        }
    }
    let parts: Vec<String> = pairs.iter().map(|(part, _, _)| part.clone()).collect();
    let centre = parts.iter().position(|part| part == "center" || part == "centre");
    let chosen = match (options.bodypart.as_deref(), centre) {
        (None, Some(centre)) => centre,
        (wanted, _) => choose(path, "point", "--bodypart", wanted, &parts)?,
    };
    let (part, x, y) = &pairs[chosen];
    let moments = rows.moments(path, from, time, &names[time])?;
    let (clock, mut notes) = seconds_of(&moments);
    let clock = match clock {
        Clock::Times(times, _) => Clock::Times(times, TimeUnit::of(unit(time))),
        other => other,
    };
    notes.push(format!("time is `{}`, the point is `{part}`", names[time]));
    let missing = rows.rows[from..]
        .iter()
        .filter(|(_, row)| row.get(*x).is_none_or(|cell| is_missing(cell)))
        .count();
    if missing > 0 {
        notes.push(format!("{missing} samples without a position are lost"));
    }
    Ok(Found {
        form: "EthoVision",
        clock,
        x: rows.positions(path, from, *x, &names[*x])?,
        y: rows.positions(path, from, *y, &names[*y])?,
        lines: rows.lines(from),
        unit: LengthUnit::of(unit(*x)),
        vertical: Vertical::Up,
        notes,
    })
}
