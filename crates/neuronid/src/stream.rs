//! Volumes as they come, one line of JSON each, answered line by line while the animal is under the microscope.

use crate::identify::{Identified, Matcher, Options, Prepared};
use crate::read::FARTHEST;
use crate::worm::{Point, Worm};
use neuropil_math::stats::summary::quantile;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read, Write};
use std::time::Instant;

/// Longest line that is read: some 100 000 neurons.
const LONGEST: u64 = 16 << 20;

/// A volume as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Volume {
    /// Its number; the lines are counted from 0 without one.
    volume: Option<i64>,
    /// Positions x, y, z.
    points: Vec<Point>,
    /// Three channels a neuron.
    colours: Option<Vec<[f64; 3]>>,
}

/// One neuron of an answer.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    test: usize,
    template: Option<usize>,
    name: &'a str,
    prob: f64,
}

/// The answer to a volume.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    volume: i64,
    unit: &'static str,
    neurons: Vec<Answered<'a>>,
    milliseconds: f64,
}

/// What a stream came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Streamed {
    /// Volumes answered.
    pub volumes: usize,
    /// Lines that could not be read.
    pub refused: usize,
    /// Median time from a line to its answer, ms.
    pub median_ms: f64,
    /// Time within which 99 of 100 were answered, ms.
    pub most_ms: f64,
    /// Answers later than the budget.
    pub late: usize,
}

/// Answers lines until the input ends. A line that is no volume is answered with an error, and the next is read. `scale`
/// is µm of one unit of the positions along each axis.
///
/// # Errors
/// The input cannot be read or the output is closed.
pub fn stream(
    input: &mut impl BufRead,
    output: &mut impl Write,
    template: &Worm,
    (matcher, options): (&Matcher, &Options),
    scale: Point,
    budget_ms: f64,
) -> std::io::Result<Streamed> {
    let prepared = Prepared::of(template, matcher);
    let (mut times, mut refused) = (Vec::new(), 0);
    let mut line = Vec::new();
    for number in 0.. {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let clock = Instant::now();
        let text = std::str::from_utf8(&line).map_err(|_| "bytes that are no text (UTF-8)".to_owned());
        let found = text.and_then(|line| volume(line, scale)).and_then(|(own, worm)| {
            let identified = prepared
                .identify(&worm, options)
                .map_err(|error| error.to_string())?;
            Ok((own.unwrap_or(number), identified))
        });
        match found {
            Ok((volume, identified)) => {
                let milliseconds = clock.elapsed().as_secs_f64() * 1e3;
                times.push(milliseconds);
                serde_json::to_writer(&mut *output, &answer(volume, &identified, milliseconds))?;
            }
            Err(error) => {
                refused += 1;
                let told = serde_json::json!({ "line": number + 1, "error": error });
                serde_json::to_writer(&mut *output, &told)?;
            }
        }
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(Streamed {
        volumes: times.len(),
        refused,
        median_ms: quantile(&times, 0.5).unwrap_or(0.0),
        most_ms: quantile(&times, 0.99).unwrap_or(0.0),
        late: times.iter().filter(|ms| **ms > budget_ms).count(),
    })
}

/// A volume of a line: `{"volume": 3, "points": [[x, y, z], …]}`.
fn volume(line: &str, scale: Point) -> Result<(Option<i64>, Worm), String> {
    let line = line.trim_start_matches('\u{feff}');
    let sent: Volume = serde_json::from_str(line)
        .map_err(|error| format!("{error}; expected {{\"volume\": 3, \"points\": [[x, y, z], …]}}"))?;
    let n = sent.points.len();
    let is_place = |x: &f64| x.is_finite() && x.abs() <= FARTHEST;
    if let Some(row) = sent.points.iter().position(|p| !p.iter().all(is_place)) {
        return Err(format!("row {} is no place: {:?}", row + 1, sent.points[row]));
    }
    if let Some(colours) = sent.colours.as_ref().filter(|colours| colours.len() != n) {
        return Err(format!(
            "{} colours for {n} points, expected as many",
            colours.len()
        ));
    }
    let worm = Worm {
        points: sent
            .points
            .iter()
            .map(|p| std::array::from_fn(|k| p[k] * scale[k]))
            .collect(),
        names: vec![String::new(); n],
        colours: sent.colours,
        ..Worm::default()
    };
    Ok((sent.volume, worm))
}

fn answer(volume: i64, identified: &Identified, milliseconds: f64) -> Answer<'_> {
    Answer {
        volume,
        unit: "um",
        neurons: identified
            .neurons
            .iter()
            .map(|neuron| Answered {
                test: neuron.test,
                template: neuron.template,
                name: &neuron.name,
                prob: neuron.probability,
            })
            .collect(),
        milliseconds,
    }
}
