//! Binary records of recording systems: Neuralynx video tracks, Trodes positions.

use super::times::Clock;
use super::{Found, LengthUnit, TrackOptions, Vertical, problem};
use crate::error::SuccessorError;
use std::path::Path;

/// Bytes of the text that begins a Neuralynx file.
const HEADER: usize = 16_384;
/// Bytes of one Neuralynx record: 3 u16, a u64 of µs, 400 u32, 2 unused, x, y and angle, 50 targets.
const RECORD: usize = 1828;
const TIME_AT: usize = 6;
const X_AT: usize = 6 + 8 + 1600 + 2;

pub(crate) fn read_neuralynx(path: &Path, bytes: &[u8]) -> Result<Found, SuccessorError> {
    let header = String::from_utf8_lossy(&bytes[..bytes.len().min(HEADER)]).into_owned();
    let data = bytes.get(HEADER..).unwrap_or_default();
    let size = header
        .lines()
        .find_map(|line| line.trim().strip_prefix("-RecordSize"))
        .and_then(|size| size.trim().parse::<usize>().ok());
    if size.is_some_and(|size| size != RECORD) || data.is_empty() || data.len() % RECORD != 0 {
        let found = format!(
            "{} bytes after the header, records of {}",
            data.len(),
            size.unwrap_or(RECORD)
        );
        return Err(problem(
            path,
            found,
            format!("whole records of {RECORD} bytes (a .nvt file)"),
            "was the file cut short?",
        ));
    }
    let (mut times, mut x, mut y, mut zero) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for record in data.chunks_exact(RECORD) {
        let time = u64::from_le_bytes(record[TIME_AT..TIME_AT + 8].try_into().expect("eight bytes"));
        let at = |at: usize| i32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"));
        times.push(time);
        let (px, py) = (at(X_AT), at(X_AT + 4));
        zero += usize::from(px == 0 && py == 0);
        let seen = px != 0 || py != 0;
        x.push(if seen { f64::from(px) } else { f64::NAN });
        y.push(if seen { f64::from(py) } else { f64::NAN });
    }
    let first = times[0];
    let seconds = times
        .iter()
        .map(|t| {
            if *t >= first {
                (t - first) as f64 / 1e6
            } else {
                -((first - t) as f64) / 1e6
            }
        })
        .collect();
    let notes = vec![
        format!("{zero} frames at exactly (0,0) are lost, not a position"),
        "y counts down from the top; pixels".to_owned(),
    ];
    let lines = vec![0; x.len()];
    let clock = Clock::Seconds(seconds, first as f64 / 1e6);
    Ok(Found {
        form: "Neuralynx",
        clock,
        x,
        y,
        lines,
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes,
    })
}

struct Field {
    name: String,
    at: usize,
    bytes: usize,
    kind: char,
}

/// `Fields: <time uint32><xloc uint16>…` of packed little-endian records.
fn fields(path: &Path, line: &str) -> Result<(Vec<Field>, usize), SuccessorError> {
    let (mut fields, mut at) = (Vec::new(), 0);
    for part in line.split('<').skip(1) {
        let words: Vec<&str> = part.trim_end().trim_end_matches('>').split_whitespace().collect();
        let [name, kind] = words[..] else {
            return Err(problem(path, format!("field `{part}`"), "a name and a type", ""));
        };
        let (bytes, code) = match kind {
            "uint8" => (1, 'u'),
            "uint16" => (2, 'u'),
            "uint32" => (4, 'u'),
            "uint64" => (8, 'u'),
            "int16" => (2, 'i'),
            "int32" => (4, 'i'),
            "int64" => (8, 'i'),
            "single" | "float" | "float32" => (4, 'f'),
            "double" | "float64" => (8, 'f'),
            other => {
                return Err(problem(
                    path,
                    format!("a field of type `{other}`"),
                    "uint8 to uint64, int16 to int64, single or double",
                    "",
                ));
            }
        };
        fields.push(Field {
            name: name.to_owned(),
            at,
            bytes,
            kind: code,
        });
        at += bytes;
    }
    Ok((fields, at))
}

fn value(record: &[u8], field: &Field) -> f64 {
    let bytes = &record[field.at..field.at + field.bytes];
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    match (field.kind, field.bytes) {
        ('f', 4) => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        ('f', _) => f64::from_le_bytes(eight),
        ('i', n) => {
            let shift = 64 - 8 * n as u32;
            ((u64::from_le_bytes(eight) << shift) as i64 >> shift) as f64
        }
        _ => u64::from_le_bytes(eight) as f64,
    }
}

/// Positions of one or two lamps; time in samples of the clock.
pub(crate) fn read_trodes(
    path: &Path,
    bytes: &[u8],
    options: &TrackOptions,
) -> Result<Found, SuccessorError> {
    const END: &[u8] = b"<End settings>\n";
    let end = bytes.windows(END.len()).position(|part| part == END);
    let end = end.ok_or_else(|| problem(path, "no `<End settings>`", "a Trodes position file", ""))?;
    let settings = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let setting = |name: &str| {
        settings
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|rest| rest.trim_start_matches(':').trim().to_owned())
    };
    let clock = setting("clockrate")
        .and_then(|rate| rate.parse::<f64>().ok())
        .filter(|rate| *rate > 0.0);
    let clock = clock.ok_or_else(|| problem(path, "no `clockrate`", "samples per second", ""))?;
    let (fields, size) = fields(path, &setting("Fields").unwrap_or_default())?;
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    let (Some(time), Some(x1), Some(y1)) = (field("time"), field("xloc"), field("yloc")) else {
        return Err(problem(
            path,
            "no fields time, xloc and yloc",
            "positions",
            "is this a `.videoPositionTracking` file?",
        ));
    };
    let data = &bytes[end + END.len()..];
    if data.is_empty() || !data.len().is_multiple_of(size) {
        return Err(problem(
            path,
            format!("{} bytes of records of {size}", data.len()),
            "whole records",
            "was the file cut short?",
        ));
    }
    let records: Vec<&[u8]> = data.chunks_exact(size).collect();
    let lamp = |x: &Field, y: &Field| -> Vec<Option<(f64, f64)>> {
        let one = |record: &&[u8]| Some((value(record, x), value(record, y))).filter(|at| *at != (0.0, 0.0));
        records.iter().map(one).collect()
    };
    let first = lamp(x1, y1);
    let second = match (field("xloc2"), field("yloc2")) {
        (Some(x), Some(y)) => lamp(x, y),
        _ => vec![None; first.len()],
    };
    let mut notes = Vec::new();
    match setting("pixel scale").unwrap_or_default() {
        scale if scale.starts_with("0 ") || scale.is_empty() => {
            notes.push("pixel scale 0 pix/cm = not calibrated".to_owned());
        }
        scale => notes.push(format!("pixel scale {scale}: use `--cm-per-unit`")),
    }
    let at = positions(path, &first, &second, options, &mut notes)?;
    let seconds = records.iter().map(|record| value(record, time) / clock).collect();
    let pick = |k: usize| {
        at.iter()
            .map(|at| at.map_or(f64::NAN, |at| [at.0, at.1][k]))
            .collect()
    };
    let lines = vec![0; at.len()];
    Ok(Found {
        form: "Trodes",
        clock: Clock::Seconds(seconds, 0.0),
        x: pick(0),
        y: pick(1),
        lines,
        unit: LengthUnit::Px,
        vertical: Vertical::Down,
        notes,
    })
}

type Lamp = [Option<(f64, f64)>];

/// The midpoint of two lamps, or the one that is asked for or there.
fn positions(
    path: &Path,
    first: &Lamp,
    second: &Lamp,
    options: &TrackOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<Option<(f64, f64)>>, SuccessorError> {
    let lost = |lamp: &Lamp| lamp.iter().filter(|at| at.is_none()).count();
    let single = lost(second) == second.len();
    match options.led {
        Some(1) => return Ok(first.to_vec()),
        Some(2) if !single => return Ok(second.to_vec()),
        None => {}
        Some(other) => return Err(problem(path, format!("no LED {other}"), "LED 1 or 2", "")),
    }
    if single {
        notes.push("one LED".to_owned());
        return Ok(first.to_vec());
    }
    for (lamp, name) in [(first, "LED 1"), (second, "LED 2")] {
        if lost(lamp) > 0 {
            notes.push(format!("{name} at (0,0) in {} records: lost", lost(lamp)));
        }
    }
    let offsets: Vec<Option<(f64, f64)>> = first
        .iter()
        .zip(second)
        .map(|pair| match pair {
            (Some(a), Some(b)) => Some((b.0 - a.0, b.1 - a.1)),
            _ => None,
        })
        .collect();
    swapped(&offsets, notes);
    Ok(first
        .iter()
        .zip(second)
        .map(|pair| match pair {
            (Some(a), Some(b)) => Some((f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1))),
            _ => None,
        })
        .collect())
}

/// Says where the lamps changed places from one frame to the next.
fn swapped(offsets: &[Option<(f64, f64)>], notes: &mut Vec<String>) {
    let mut turned: Option<(usize, (f64, f64), (f64, f64))> = None;
    let mut before: Option<(f64, f64)> = None;
    for (i, now) in offsets.iter().enumerate() {
        let Some(now) = *now else { continue };
        if let Some(last) = before {
            // an animal does not turn its head by nearly half a circle from one frame to the next
            let opposite = last.0 * now.0 + last.1 * now.1 < -0.8 * last.0.hypot(last.1) * now.0.hypot(now.1);
            match (opposite, turned) {
                (true, None) => turned = Some((i, last, now)),
                (true, Some((from, was, is))) => {
                    notes.push(format!(
                        "records {from}-{} have the two LEDs swapped (LED 2 - LED 1 turns from {was:?} to {is:?}): the midpoint is unharmed, head direction is turned by 180 degrees",
                        i - 1
                    ));
                    turned = None;
                }
                _ => {}
            }
        }
        before = Some(now);
    }
}
