//! Tracks of animals: positions over time, from whatever recorded them.
//!
//! [`read`] knows the files of DeepLabCut, SLEAP, EthoVision, ANY-maze, Bonsai, Neuralynx, Trodes, NWB, MATLAB, NumPy and
//! spreadsheets by their content. What a file does not say (the frame rate, which animal, which unit) is asked for;
//! nothing is taken for granted in silence: [`Track::notes`] says what was understood.

use crate::error::SuccessorError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

mod delimited;
mod hdf5;
mod labelled;
mod matlab;
mod nwb;
mod pickle;
pub mod pipeline;
mod records;
pub mod spikes;
mod text;
mod times;

pub use times::TimeUnit;

/// Likelihood below which a tracker's position counts as lost.
pub const LIKELIHOOD: f64 = 0.6;

/// What positions are measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LengthUnit {
    /// Metres.
    M,
    /// Centimetres.
    Cm,
    /// Millimetres.
    Mm,
    /// Inches.
    In,
    /// Feet.
    Ft,
    /// Pixels of a camera.
    Px,
    /// Not said.
    #[default]
    Unknown,
}

impl LengthUnit {
    /// The unit of a name such as `cm`, `pixels` or `meters`.
    pub fn of(name: &str) -> Self {
        match name
            .trim()
            .trim_matches(['(', ')', '[', ']'])
            .to_lowercase()
            .as_str()
        {
            "m" | "meter" | "meters" | "metre" | "metres" => Self::M,
            "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => Self::Cm,
            "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => Self::Mm,
            "in" | "inch" | "inches" => Self::In,
            "ft" | "foot" | "feet" => Self::Ft,
            "px" | "pix" | "pixel" | "pixels" => Self::Px,
            _ => Self::Unknown,
        }
    }

    /// Centimetres per unit; `None` for pixels and what is not said.
    pub fn in_cm(self) -> Option<f64> {
        match self {
            Self::M => Some(100.0),
            Self::Cm => Some(1.0),
            Self::Mm => Some(0.1),
            Self::In => Some(2.54),
            Self::Ft => Some(30.48),
            Self::Px | Self::Unknown => None,
        }
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::M => "m",
            Self::Cm => "cm",
            Self::Mm => "mm",
            Self::In => "in",
            Self::Ft => "ft",
            Self::Px => "px",
            Self::Unknown => "unit not said",
        }
    }
}

/// Which way y grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vertical {
    /// Upwards.
    Up,
    /// Downwards, from the top of an image.
    Down,
    /// Not said.
    #[default]
    Unknown,
}

/// What a file does not say, or where it offers a choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackOptions {
    /// Frames per second, for files that count frames.
    pub fps: Option<f64>,
    /// Unit of the time column.
    pub time_unit: Option<TimeUnit>,
    /// Body part, node or point of the animal.
    pub bodypart: Option<String>,
    /// Animal or track.
    pub individual: Option<String>,
    /// Series of an NWB file.
    pub series: Option<String>,
    /// Columns or variables: x, y and, if there is one, time.
    pub columns: Option<Vec<String>>,
    /// Positions with a smaller likelihood are lost.
    pub likelihood: Option<f64>,
    /// Lamp of a Trodes file: 1 or 2; the midpoint unless set.
    pub led: Option<u8>,
    /// Frames of the video, for files that leave out frames.
    pub video_frames: Option<usize>,
    /// Unit of positions, where the file does not say or says wrong.
    pub unit: Option<LengthUnit>,
}

/// Positions over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// File.
    pub source: PathBuf,
    /// What wrote it.
    pub form: &'static str,
    /// Time of each frame, s from `origin`, ascending.
    pub time: Vec<f64>,
    /// Time of the recording's clock that is 0 here, s.
    pub origin: f64,
    /// Positions in the unit of the file; NaN where the animal was lost.
    pub x: Vec<f64>,
    /// As `x`.
    pub y: Vec<f64>,
    /// Line of the file that holds each frame, from 1, for text; 0 for a frame without one.
    pub lines: Vec<usize>,
    /// What positions are measured in.
    pub unit: LengthUnit,
    /// Which way y grows.
    pub vertical: Vertical,
    /// What was understood, left out or repaired.
    pub notes: Vec<String>,
}

impl Track {
    /// Number of frames, lost ones included.
    pub fn frames(&self) -> usize {
        self.time.len()
    }

    /// Whether the animal was seen in frame `i`.
    pub fn seen(&self, i: usize) -> bool {
        self.x[i].is_finite() && self.y[i].is_finite()
    }

    /// Number of frames in which it was not.
    pub fn lost(&self) -> usize {
        (0..self.frames()).filter(|&i| !self.seen(i)).count()
    }

    /// Median time between frames, s; `None` for one frame.
    pub fn interval(&self) -> Option<f64> {
        let steps: Vec<f64> = self.time.windows(2).map(|pair| pair[1] - pair[0]).collect();
        neuropil_math::stats::summary::quantile(&steps, 0.5)
    }

    /// Frames per second: mean over the intervals that are not gaps.
    pub fn rate_hz(&self) -> Option<f64> {
        let median = self.interval()?;
        let steps = self
            .time
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|step| *step < 1.5 * median);
        let (sum, n) = steps.fold((0.0, 0), |(sum, n), step| (sum + step, n + 1));
        (n > 0 && sum > 0.0).then(|| f64::from(n) / sum)
    }

    /// Length of the session, s.
    pub fn duration(&self) -> f64 {
        self.time.last().copied().unwrap_or(0.0) - self.time.first().copied().unwrap_or(0.0)
    }

    /// (least, largest) of x and y over the frames in which the animal was seen; `None` without any.
    pub fn extent(&self) -> Option<[(f64, f64); 2]> {
        let mut range = [(f64::INFINITY, f64::NEG_INFINITY); 2];
        for i in (0..self.frames()).filter(|&i| self.seen(i)) {
            for (range, value) in range.iter_mut().zip([self.x[i], self.y[i]]) {
                *range = (range.0.min(value), range.1.max(value));
            }
        }
        range[0].0.is_finite().then_some(range)
    }

    /// Where a frame stands in its file: `line 12` or `frame 11`.
    pub fn place(&self, i: usize) -> String {
        match self.lines.get(i) {
            Some(&line) if line > 0 => format!("line {line}"),
            _ => format!("frame {i}"),
        }
    }
}

/// What a reader found before times are checked.
pub(crate) struct Found {
    pub(crate) form: &'static str,
    pub(crate) clock: times::Clock,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) lines: Vec<usize>,
    pub(crate) unit: LengthUnit,
    pub(crate) vertical: Vertical,
    pub(crate) notes: Vec<String>,
}

/// A problem with a whole file.
pub(crate) fn problem(
    path: &Path,
    found: impl Into<String>,
    expected: impl Into<String>,
    hint: impl Into<String>,
) -> SuccessorError {
    field_problem(path, 0, "", found, expected, hint)
}

/// A file that the HDF5 library cannot read.
pub(crate) fn damaged(path: &Path, error: &hdf5_pure::Error) -> SuccessorError {
    problem(path, format!("damaged ({error})"), "a whole HDF5 file", "")
}

/// A problem at a place in a file.
pub(crate) fn field_problem(
    path: &Path,
    line: usize,
    field: &str,
    found: impl Into<String>,
    expected: impl Into<String>,
    hint: impl Into<String>,
) -> SuccessorError {
    SuccessorError::File {
        path: path.to_owned(),
        line,
        field: field.to_owned(),
        found: found.into(),
        expected: expected.into(),
        hint: hint.into(),
    }
}

/// One of several by name, the only one without; otherwise an error that lists them.
pub(crate) fn choose(
    path: &Path,
    what: &str,
    flag: &str,
    wanted: Option<&str>,
    known: &[String],
) -> Result<usize, SuccessorError> {
    let list = || {
        known
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (wanted, known) {
        (_, []) => Err(problem(
            path,
            format!("no {what}"),
            format!("at least one {what}"),
            "",
        )),
        (Some(wanted), _) => known.iter().position(|name| name == wanted).ok_or_else(|| {
            let nearest = neuropil_lab::error::nearest(wanted, known.iter().map(String::as_str));
            let hint = nearest
                .map(|name| format!("did you mean `{name}`?"))
                .unwrap_or_default();
            problem(
                path,
                format!("no {what} `{wanted}`"),
                format!("one of {}", list()),
                hint,
            )
        }),
        (None, [_]) => Ok(0),
        (None, _) => Err(problem(
            path,
            format!("more than one {what}: {}", list()),
            "one of them",
            format!("choose with `{flag} {}`", known[0]),
        )),
    }
}

/// Reads a track.
///
/// # Errors
/// A file that cannot be read or understood: names file, line and field, what was found and what to do. Times that
/// repeat or go back. No frame rate where the file has none.
pub fn read(path: &Path, options: &TrackOptions) -> Result<Track, SuccessorError> {
    if let Some(fps) = options.fps
        && !(fps > 0.0 && fps.is_finite())
    {
        return Err(SuccessorError::setting(
            "the frame rate",
            fps,
            "above 0 frames per second",
        ));
    }
    let found = text::read_any(path, options)?;
    finish(path, found, options)
}

fn finish(path: &Path, found: Found, options: &TrackOptions) -> Result<Track, SuccessorError> {
    let Found {
        form,
        clock,
        mut x,
        mut y,
        lines,
        unit,
        vertical,
        mut notes,
    } = found;
    for i in 0..x.len() {
        if x[i].is_infinite() || y[i].is_infinite() {
            let line = lines.get(i).copied().unwrap_or(0);
            let found = format!("an infinite position in frame {i}");
            return Err(field_problem(
                path,
                line,
                "",
                found,
                "finite numbers, or empty where the animal was lost",
                "",
            ));
        }
        if x[i].is_nan() || y[i].is_nan() {
            (x[i], y[i]) = (f64::NAN, f64::NAN);
        }
    }
    let timed = times::timed(path, clock, &lines, options)?;
    notes.extend(timed.notes.iter().cloned());
    let unit = match options.unit {
        Some(given) => given,
        None => unit,
    };
    let (x, y, lines) = times::on_frames(&timed, x, y, lines);
    let mut track = Track {
        source: path.to_owned(),
        form,
        time: timed.time,
        origin: timed.origin,
        x,
        y,
        lines,
        unit,
        vertical,
        notes,
    };
    check(path, &mut track)?;
    Ok(track)
}

/// Refuses what is no track and says what is odd about one.
fn check(path: &Path, track: &mut Track) -> Result<(), SuccessorError> {
    let seen = track.frames() - track.lost();
    if seen < 2 {
        let found = format!("{seen} of {} frames with a position", track.frames());
        return Err(problem(path, found, "at least 2", ""));
    }
    let [x, y] = track.extent().expect("two frames are seen");
    if x.0 == x.1 && y.0 == y.1 {
        return Err(problem(
            path,
            format!("every position is ({}, {})", x.0, y.0),
            "an animal that moves",
            "are these the right columns?",
        ));
    }
    let (width, height) = (x.1 - x.0, y.1 - y.0);
    if track.unit == LengthUnit::M && width.max(height) > 30.0 {
        track.notes.push(format!("unit says meters, but the range is {width:.0} x {height:.0}: pixels? give the scale with `--arena` or `--cm-per-unit`"));
        track.unit = LengthUnit::Unknown;
    }
    gaps(track);
    Ok(())
}

fn gaps(track: &mut Track) {
    let Some(median) = track.interval() else { return };
    let wide: Vec<(usize, f64)> = track
        .time
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .enumerate()
        .filter(|(_, step)| *step > 1.5 * median)
        .collect();
    for &(frame, step) in wide.iter().take(5) {
        let missing = (step / median).round() as usize - 1;
        track.notes.push(format!(
            "gap of {step:.3} s after frame {frame} instead of {median:.4} s: {missing} frames missing"
        ));
    }
    if wide.len() > 5 {
        track.notes.push(format!("{} gaps in all", wide.len()));
    }
}
