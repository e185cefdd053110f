//! From a track to states: filtering, resampling, scaling, binning.
//!
//! In this order, so that a stray frame cannot set the scale: frames that no animal could have reached are lost; the
//! rest is interpolated on a clock; positions become centimetres; bins become states; long stops become one sample.
//! [`Pipeline::fang2023`] is what the paper did, exactly.

use super::{LengthUnit, Track, Vertical};
use crate::error::SuccessorError;
use crate::fang2023 as paper;
use crate::fields::Grid;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};

mod jumps;
mod outline;
mod sampling;

pub use jumps::drop_jumps;

/// Bins that an arena may have: matrices of states are dense.
const MOST_BINS: usize = 10_000;

/// How frames become samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resample {
    /// Interpolated on a clock of the rate that is asked for.
    #[default]
    Clock,
    /// Every ⌊fps / rate⌋-th frame, as in the paper: the rate is only right for cameras of whole multiples.
    EveryNth,
}

/// How positions become centimetres.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Scale {
    /// By the unit of the file; where it has none, as `longest-side`.
    #[default]
    Auto,
    /// The longer of the two ranges of the track is `box_cm` less 1 cm.
    LongestSide,
    /// Edges of the arena in the unit of the file; `width_cm` is the distance of the first two.
    Arena {
        /// Left and right.
        x: (f64, f64),
        /// Lower and upper.
        y: (f64, f64),
        /// Distance of left and right, cm.
        width_cm: f64,
    },
    /// Centimetres per unit; the arena is the range of the track.
    PerUnit {
        /// Centimetres per unit of the file.
        cm: f64,
    },
}

/// What the arena is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outline {
    /// Round where all corners and nothing else are empty; said in the notes.
    #[default]
    Auto,
    /// Four corners.
    Rectangle,
    /// A circle or ellipse that touches the edges.
    Round,
}

/// Which frames are jumps of the tracker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum SpeedLimit {
    /// Ten times the speed that 95 % of the steps stay below.
    #[default]
    Auto,
    /// Nothing is.
    Off,
    /// This, in the unit of the file per second.
    PerSecond(f64),
}

/// Settings of the way from a track to states.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pipeline {
    /// Samples per second.
    pub rate_hz: f64,
    /// How frames become samples.
    pub resample: Resample,
    /// Which frames are jumps.
    pub speed_limit: SpeedLimit,
    /// Gaps longer than this, s, are not bridged: the walk is cut there. `None`: every gap is bridged.
    pub longest_gap_s: Option<f64>,
    /// How positions become centimetres.
    pub scale: Scale,
    /// Side of the arena where the track must tell, cm.
    pub box_cm: f64,
    /// Side of a bin, cm.
    pub bin_cm: f64,
    /// Whether y is turned round.
    pub flip_y: bool,
    /// What the arena is like.
    pub outline: Outline,
    /// Stops of at least this many samples become one sample; 0: none do.
    pub longest_stop: usize,
    /// Whether a stop that lasts to the end does, too; the paper's did not.
    pub collapse_last: bool,
    /// Share of the bins that may have fewer than three samples.
    pub unexplored: f64,
    /// Samples of a random window to keep; `None`: all.
    pub steps: Option<usize>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            rate_hz: paper::STEPS_PER_SECOND,
            resample: Resample::Clock,
            speed_limit: SpeedLimit::Auto,
            longest_gap_s: Some(1.0),
            scale: Scale::Auto,
            box_cm: paper::BOX_CM,
            bin_cm: paper::BIN_CM,
            flip_y: false,
            outline: Outline::Auto,
            longest_stop: paper::LONGEST_STOP,
            collapse_last: true,
            unexplored: 1.0,
            steps: None,
        }
    }
}

impl Pipeline {
    /// The pipeline of the paper: every ⌊fps/3⌋-th frame, no filter, gaps bridged, scale by the longest side.
    pub fn fang2023() -> Self {
        Self {
            resample: Resample::EveryNth,
            speed_limit: SpeedLimit::Off,
            longest_gap_s: None,
            scale: Scale::LongestSide,
            outline: Outline::Rectangle,
            collapse_last: false,
            unexplored: paper::UNEXPLORED,
            steps: Some(paper::GRID_STEPS),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), SuccessorError> {
        for (what, value) in [
            ("the sampling rate", self.rate_hz),
            ("the side of the arena", self.box_cm),
            ("the side of a bin", self.bin_cm),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(SuccessorError::setting(what, value, "above 0"));
            }
        }
        if self.box_cm < 2.0 * self.bin_cm {
            let found = format!("{} cm in an arena of {} cm", self.bin_cm, self.box_cm);
            return Err(SuccessorError::setting(
                "the side of a bin",
                found,
                "at most half the arena",
            ));
        }
        if let SpeedLimit::PerSecond(limit) = self.speed_limit
            && !(limit > 0.0)
        {
            return Err(SuccessorError::setting("the speed limit", limit, "above 0"));
        }
        if let Some(gap) = self.longest_gap_s
            && !(gap > 0.0)
        {
            return Err(SuccessorError::setting("the longest gap", gap, "above 0 s"));
        }
        Ok(())
    }
}

/// From the unit of the file to bins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// Lower left corner in the unit of the file.
    pub origin: [f64; 2],
    /// Centimetres per unit.
    pub cm_per_unit: f64,
    /// Width and height of the arena, cm.
    pub size_cm: [f64; 2],
    /// Side of a bin, cm.
    pub bin_cm: f64,
    /// Whether y is turned round.
    pub flip_y: bool,
}

impl Mapping {
    /// A position in cm from the corner.
    pub fn cm(&self, x: f64, y: f64) -> [f64; 2] {
        let x = (x - self.origin[0]) * self.cm_per_unit;
        let y = (y - self.origin[1]) * self.cm_per_unit;
        [x, if self.flip_y { self.size_cm[1] - y } else { y }]
    }

    /// Bins along x and y.
    pub fn bins(&self) -> [usize; 2] {
        self.size_cm
            .map(|side| ((side / self.bin_cm - 1e-9).ceil() as usize).max(1))
    }

    /// Bin of a position in cm; `None` when it lies more than half a bin outside.
    pub fn bin(&self, at: [f64; 2]) -> Option<usize> {
        let bins = self.bins();
        let mut index = [0; 2];
        for axis in 0..2 {
            let slack = 0.5 * self.bin_cm;
            if !(at[axis] >= -slack && at[axis] <= self.size_cm[axis] + slack) {
                return None;
            }
            index[axis] = ((at[axis] / self.bin_cm).floor().max(0.0) as usize).min(bins[axis] - 1);
        }
        Some(index[0] * bins[1] + index[1])
    }
}

/// A session as a walk over states.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// State of each sample, x · height + y.
    pub states: Vec<usize>,
    /// First sample of every piece of the walk.
    pub pieces: Vec<usize>,
    /// Samples before stops were made one.
    pub before_stops: usize,
    /// Bins.
    pub grid: Grid,
    /// From the unit of the file to bins.
    pub mapping: Mapping,
    /// Samples per second.
    pub rate_hz: f64,
    /// Position of every sample, cm.
    pub positions: Vec<[f64; 2]>,
    /// What was understood, left out or repaired.
    pub notes: Vec<String>,
}

impl Session {
    /// The walk, piece by piece.
    pub fn walks(&self) -> impl Iterator<Item = &[usize]> {
        let ends = self.pieces.iter().skip(1).copied().chain([self.states.len()]);
        self.pieces
            .iter()
            .zip(ends)
            .map(|(&from, to)| &self.states[from..to])
    }
}

/// Makes a walk over states of a track.
///
/// # Errors
/// Settings that cannot be meant; a session with too few samples, bins, or too little explored.
pub fn session(track: &Track, pipeline: &Pipeline, key: Key) -> Result<Session, SuccessorError> {
    pipeline.check()?;
    let mut track = track.clone();
    drop_jumps(&mut track, pipeline.speed_limit)?;
    let (samples, rate_hz) = sampling::sampled(&mut track, pipeline)?;
    let mapping = mapping(&mut track, &samples, pipeline)?;
    let (mut states, mut positions, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
    let (mut outside, mut broken) = (0, true);
    for sample in &samples {
        let at = sample.map(|[x, y]| mapping.cm(x, y));
        match at.and_then(|at| mapping.bin(at).map(|bin| (at, bin))) {
            Some((at, bin)) => {
                if broken {
                    pieces.push(states.len());
                }
                broken = false;
                states.push(bin);
                positions.push(at);
            }
            None => {
                outside += usize::from(at.is_some());
                broken = true;
            }
        }
    }
    let mut notes = std::mem::take(&mut track.notes);
    if outside > 0 {
        notes.push(format!("{outside} samples lie outside the arena: left out"));
    }
    if pieces.len() > 1 {
        notes.push(format!("{} pieces: nothing is learned across gaps", pieces.len()));
    }
    let before_stops = states.len();
    let kept = without_stops(&states, &pieces, pipeline);
    if kept.len() < before_stops {
        notes.push(format!(
            "stops of {} samples ({:.1} s) or more in one bin became one sample: {} of {before_stops} samples left out",
            pipeline.longest_stop,
            pipeline.longest_stop as f64 / rate_hz,
            before_stops - kept.len()
        ));
    }
    pieces = pieces
        .iter()
        .map(|&from| kept.partition_point(|&i| i < from))
        .collect();
    states = kept.iter().map(|&i| states[i]).collect();
    positions = kept.iter().map(|&i| positions[i]).collect();
    window(&mut states, &mut positions, &mut pieces, pipeline.steps, key);
    let grid = outline::grid(&mapping, &states, &positions, pipeline, &mut notes);
    let session = Session {
        states,
        pieces,
        before_stops,
        grid,
        mapping,
        rate_hz,
        positions,
        notes,
    };
    accept(&session, pipeline)?;
    Ok(session)
}

fn mapping(
    track: &mut Track,
    samples: &[Option<[f64; 2]>],
    pipeline: &Pipeline,
) -> Result<Mapping, SuccessorError> {
    let known: Vec<[f64; 2]> = samples.iter().flatten().copied().collect();
    let range = |axis: usize| {
        known
            .iter()
            .map(|at| at[axis])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
                (a.min(x), b.max(x))
            })
    };
    let (x, y) = (range(0), range(1));
    let longest = (x.1 - x.0).max(y.1 - y.0);
    if !(longest > 0.0) {
        return Err(SuccessorError::question(
            "the animal does not move",
            "are these the right columns?",
        ));
    }
    let scale = match (pipeline.scale, track.unit.in_cm()) {
        (Scale::Auto, Some(cm)) => Scale::PerUnit { cm },
        (Scale::Auto, None) => {
            let unit = if track.unit == LengthUnit::Px {
                "pixels"
            } else {
                "positions without a unit"
            };
            track.notes.push(format!("{unit}: the longer side of the track is taken as {} cm; better give `--arena` or `--cm-per-unit`", pipeline.box_cm));
            Scale::LongestSide
        }
        (scale, _) => scale,
    };
    let (origin, cm_per_unit, size_cm) = match scale {
        Scale::LongestSide | Scale::Auto => (
            [x.0, y.0],
            (pipeline.box_cm - 1.0) / longest,
            [pipeline.box_cm; 2],
        ),
        Scale::PerUnit { cm } => {
            if !(cm > 0.0 && cm.is_finite()) {
                return Err(SuccessorError::setting("the centimetres per unit", cm, "above 0"));
            }
            ([x.0, y.0], cm, [(x.1 - x.0) * cm, (y.1 - y.0) * cm])
        }
        Scale::Arena { x, y, width_cm } => {
            if !(x.1 > x.0 && y.1 > y.0 && width_cm > 0.0 && width_cm.is_finite()) {
                return Err(SuccessorError::setting(
                    "the arena",
                    format!("x {x:?}, y {y:?}, {width_cm} cm"),
                    "edges in ascending order and a width above 0",
                ));
            }
            let cm = width_cm / (x.1 - x.0);
            ([x.0, y.0], cm, [width_cm, (y.1 - y.0) * cm])
        }
    };
    let mapping = Mapping {
        origin,
        cm_per_unit,
        size_cm,
        bin_cm: pipeline.bin_cm,
        flip_y: pipeline.flip_y,
    };
    let [width, height] = mapping.bins();
    if width.saturating_mul(height) > MOST_BINS || width * height < 2 {
        let found = format!(
            "{:.4} x {:.4} cm: {width} x {height} bins of {} cm",
            size_cm[0], size_cm[1], pipeline.bin_cm
        );
        return Err(SuccessorError::setting(
            "the arena",
            found,
            format!(
                "2 to {MOST_BINS} bins: is the unit of the positions right, are bins large enough (`--bin-cm`)"
            ),
        ));
    }
    let up = match (track.vertical, pipeline.flip_y) {
        (Vertical::Down, false) | (Vertical::Up, true) => "down",
        (Vertical::Up, false) | (Vertical::Down, true) => "up",
        (Vertical::Unknown, _) => "as in the file, which does not say",
    };
    track.notes.push(format!(
        "{:.4} cm per unit, arena {:.1} x {:.1} cm, {width} x {height} bins of {} cm; y points {up}",
        cm_per_unit, size_cm[0], size_cm[1], pipeline.bin_cm
    ));
    Ok(mapping)
}

/// Indices of the samples that stay when long stops become their first sample.
fn without_stops(states: &[usize], pieces: &[usize], pipeline: &Pipeline) -> Vec<usize> {
    let mut kept = Vec::with_capacity(states.len());
    let mut from = 0;
    for t in 1..=states.len() {
        let ends = t == states.len() || states[t] != states[from] || pieces.binary_search(&t).is_ok();
        if ends {
            let long = pipeline.longest_stop > 0 && t - from >= pipeline.longest_stop;
            let collapse = long && (t < states.len() || pipeline.collapse_last);
            kept.extend(from..if collapse { from + 1 } else { t });
            from = t;
        }
    }
    kept
}

fn window(
    states: &mut Vec<usize>,
    positions: &mut Vec<[f64; 2]>,
    pieces: &mut Vec<usize>,
    steps: Option<usize>,
    key: Key,
) {
    let Some(steps) = steps.filter(|steps| *steps < states.len()) else {
        return;
    };
    let from = key
        .stream(Purpose::Environment, 4)
        .random_range(0..=states.len() - steps);
    *states = states[from..from + steps].to_vec();
    *positions = positions[from..from + steps].to_vec();
    let inside: Vec<usize> = pieces
        .iter()
        .filter(|&&piece| piece > from && piece < from + steps)
        .map(|piece| piece - from)
        .collect();
    *pieces = [vec![0], inside].concat();
}

/// Refuses a session that says too little about the arena.
fn accept(session: &Session, pipeline: &Pipeline) -> Result<(), SuccessorError> {
    if session.states.len() < 2 {
        return Err(SuccessorError::question(
            format!("{} samples", session.states.len()),
            "at least 2 are needed: a longer session, or bridge longer gaps",
        ));
    }
    let mut samples = vec![0; session.grid.bins()];
    session.states.iter().for_each(|&state| samples[state] += 1);
    let little = (0..samples.len())
        .filter(|&bin| session.grid.exists[bin] && samples[bin] < paper::LEAST_SAMPLES)
        .count();
    let area = session.grid.area();
    if little as f64 > pipeline.unexplored * area as f64 + 1e-9 {
        let message = format!(
            "{little} of {area} bins have fewer than {} samples, at most {:.0} may",
            paper::LEAST_SAMPLES,
            pipeline.unexplored * area as f64
        );
        return Err(SuccessorError::question(
            message,
            "take another session, larger bins, the true edges of the arena, or allow more with `--unexplored`",
        ));
    }
    Ok(())
}
