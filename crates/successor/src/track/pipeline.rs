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
use neuropil_math::stats::summary::quantile;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Bins that an arena may have.
const MOST_BINS: usize = 250_000;
/// Samples that a session may have.
const MOST_SAMPLES: f64 = 1e8;
/// Steps faster than this many times the 95th percentile of all are jumps of the tracker.
const JUMP: f64 = 10.0;

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
        if let SpeedLimit::PerSecond(limit) = self.speed_limit {
            if !(limit > 0.0) {
                return Err(SuccessorError::setting("the speed limit", limit, "above 0"));
            }
        }
        if let Some(gap) = self.longest_gap_s {
            if !(gap > 0.0) {
                return Err(SuccessorError::setting("the longest gap", gap, "above 0 s"));
            }
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

/// Marks frames that no animal could have reached as lost; returns how many.
pub fn drop_jumps(track: &mut Track, limit: SpeedLimit) -> Result<usize, SuccessorError> {
    let seen: Vec<usize> = (0..track.frames()).filter(|&i| track.seen(i)).collect();
    let rate = track.rate_hz().unwrap_or(1.0);
    let speed = |track: &Track, a: usize, b: usize| {
        let dt = track.time[b] - track.time[a];
        // times are rounded: what is nearly a whole number of frames is one
        let frames = (dt * rate).round();
        let dt = if frames > 0.0 && (dt * rate - frames).abs() < 0.05 {
            frames / rate
        } else {
            dt
        };
        (track.x[b] - track.x[a]).hypot(track.y[b] - track.y[a]) / dt
    };
    let speeds: Vec<f64> = seen
        .windows(2)
        .map(|pair| speed(track, pair[0], pair[1]))
        .collect();
    let most = match limit {
        SpeedLimit::Off => return Ok(0),
        SpeedLimit::PerSecond(limit) => limit,
        SpeedLimit::Auto => match quantile(&speeds, 0.95) {
            Some(fast) if fast > 0.0 => JUMP * fast,
            _ => return Ok(0),
        },
    };
    if speeds.iter().all(|speed| *speed <= most) {
        return Ok(0);
    }
    let first = speeds.iter().position(|speed| *speed <= most);
    let Some(first) = first else {
        return Err(SuccessorError::question(
            format!("every step is faster than {most:.4} {}/s", track.unit.name()),
            "raise the speed limit",
        ));
    };
    let (mut last, mut dropped) = (seen[first], seen[..first].to_vec());
    for &i in &seen[first + 1..] {
        match speed(track, last, i) <= most {
            true => last = i,
            false => dropped.push(i),
        }
    }
    dropped.sort_unstable();
    say_jumps(track, &dropped, &seen, &speeds, most);
    for &i in &dropped {
        (track.x[i], track.y[i]) = (f64::NAN, f64::NAN);
    }
    Ok(dropped.len())
}

fn say_jumps(track: &mut Track, dropped: &[usize], seen: &[usize], speeds: &[f64], most: f64) {
    let unit = track.unit.name();
    let place = |i: usize| -> String {
        let at = seen.iter().position(|&frame| frame == i).expect("it was seen");
        let to = at.checked_sub(1).map(|k| format!("{:.0}", speeds[k]));
        let from = speeds.get(at).map(|speed| format!("{speed:.0}"));
        let speeds: Vec<String> = [to, from].into_iter().flatten().collect();
        format!("{}: {}", track.place(i), speeds.join(", then "))
    };
    let places: Vec<String> = dropped.iter().take(5).map(|&i| place(i)).collect();
    let more = if dropped.len() > 5 {
        format!(" and {} more", dropped.len() - 5)
    } else {
        String::new()
    };
    let rest = speeds
        .iter()
        .copied()
        .filter(|speed| *speed <= most)
        .fold(0.0, f64::max);
    let frames = if dropped.len() == 1 { "frame" } else { "frames" };
    track.notes.push(format!(
        "{} {frames} faster than {most:.0} {unit}/s taken as lost ({}{more}); fastest other step {rest:.0} {unit}/s",
        dropped.len(),
        places.join("; ")
    ));
}

/// Makes a walk over states of a track.
///
/// # Errors
/// Settings that cannot be meant; a session with too few samples, bins, or too little explored.
pub fn session(track: &Track, pipeline: &Pipeline, key: Key) -> Result<Session, SuccessorError> {
    pipeline.check()?;
    let mut track = track.clone();
    drop_jumps(&mut track, pipeline.speed_limit)?;
    let (samples, rate_hz) = sampled(&mut track, pipeline)?;
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
    pieces = pieces
        .iter()
        .map(|&from| kept.partition_point(|&i| i < from))
        .collect();
    states = kept.iter().map(|&i| states[i]).collect();
    positions = kept.iter().map(|&i| positions[i]).collect();
    window(&mut states, &mut positions, &mut pieces, pipeline.steps, key);
    let grid = grid(&mapping, &states, &positions, pipeline, &mut notes);
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

/// Positions in the unit of the file on the clock; `None` within gaps that are not bridged. And the rate.
fn sampled(track: &mut Track, pipeline: &Pipeline) -> Result<(Vec<Option<[f64; 2]>>, f64), SuccessorError> {
    let seen: Vec<usize> = (0..track.frames()).filter(|&i| track.seen(i)).collect();
    if seen.len() < 2 {
        return Err(SuccessorError::question(
            format!("{} frames with a position", seen.len()),
            "at least 2 are needed",
        ));
    }
    let rate = track.rate_hz();
    match pipeline.resample {
        Resample::EveryNth => {
            let fps =
                rate.ok_or_else(|| SuccessorError::question("one frame has no rate", "a longer track"))?;
            // 29.97 and rounded times stand for 30: a hundredth of a step is no step
            let nth = ((fps / pipeline.rate_hz + 0.011) as usize).max(1);
            let real = fps / nth as f64;
            track.notes.push(format!(
                "every {nth}th frame of {} fps is {real:.3} Hz",
                rounded(fps)
            ));
            let places: Vec<f64> = (0..track.frames()).map(|i| i as f64).collect();
            let at: Vec<f64> = places.iter().copied().step_by(nth).collect();
            Ok((interpolated(track, &seen, &places, &at, None), fps / nth as f64))
        }
        Resample::Clock => {
            let n = (track.duration() * pipeline.rate_hz + 1e-6).floor() + 1.0;
            if n > MOST_SAMPLES {
                let message = format!(
                    "{:.0} s at {} samples per second are {n:.0} samples",
                    track.duration(),
                    pipeline.rate_hz
                );
                return Err(SuccessorError::question(message, "is the unit of time right?"));
            }
            let at: Vec<f64> = (0..n as usize)
                .map(|k| track.time[0] + k as f64 / pipeline.rate_hz)
                .collect();
            Ok((
                interpolated(track, &seen, &track.time, &at, pipeline.longest_gap_s),
                pipeline.rate_hz,
            ))
        }
    }
}

/// A rate without the noise of rounded times.
fn rounded(fps: f64) -> String {
    let text = format!("{fps:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn interpolated(
    track: &Track,
    seen: &[usize],
    places: &[f64],
    at: &[f64],
    longest: Option<f64>,
) -> Vec<Option<[f64; 2]>> {
    let mut next = 0;
    let one = |&t: &f64| {
        while next < seen.len() && places[seen[next]] < t {
            next += 1;
        }
        let position = |i: usize| [track.x[i], track.y[i]];
        let within = |gap: f64| longest.is_none_or(|longest| gap <= longest);
        match (next.checked_sub(1).map(|i| seen[i]), seen.get(next).copied()) {
            (_, Some(b)) if places[b] == t => Some(position(b)),
            (None, Some(b)) => within(places[b] - t).then(|| position(b)),
            (Some(a), None) => within(t - places[a]).then(|| position(a)),
            (Some(a), Some(b)) => {
                let span = places[b] - places[a];
                let w = (t - places[a]) / span;
                let (p, q) = (position(a), position(b));
                within(span).then(|| [0, 1].map(|k| p[k] + w * (q[k] - p[k])))
            }
            (None, None) => None,
        }
    };
    at.iter().map(one).collect()
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
            format!("2 to {MOST_BINS} bins"),
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

/// Centre and half axes of the arena, bins: its edges where they are given, else those of the track.
fn ellipse(mapping: &Mapping, positions: &[[f64; 2]], pipeline: &Pipeline) -> [(f64, f64); 2] {
    [0, 1].map(|axis| {
        let (low, high) = match pipeline.scale {
            Scale::Arena { .. } => (0.0, mapping.size_cm[axis]),
            _ => positions
                .iter()
                .map(|at| at[axis])
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                    (low.min(x), high.max(x))
                }),
        };
        (
            (low + high) / 2.0 / mapping.bin_cm,
            (high - low) / 2.0 / mapping.bin_cm,
        )
    })
}

fn grid(
    mapping: &Mapping,
    states: &[usize],
    positions: &[[f64; 2]],
    pipeline: &Pipeline,
    notes: &mut Vec<String>,
) -> Grid {
    let [width, height] = mapping.bins();
    let mut grid = Grid::full(width, height);
    let mut samples = vec![0; grid.bins()];
    states.iter().for_each(|&state| samples[state] += 1);
    let [(cx, rx), (cy, ry)] = ellipse(mapping, positions, pipeline);
    let radius = |x: f64, y: f64| ((x - cx) / rx).hypot((y - cy) / ry);
    let place = |bin: usize| ((bin / height) as f64, (bin % height) as f64);
    let centre_inside = |bin: usize| radius(place(bin).0 + 0.5, place(bin).1 + 0.5) <= 1.0;
    let wholly_outside = |bin: usize| {
        let (x, y) = place(bin);
        radius(cx.clamp(x, x + 1.0), cy.clamp(y, y + 1.0)) >= 1.0
    };
    let round = match pipeline.outline {
        Outline::Rectangle => false,
        Outline::Round => true,
        Outline::Auto => {
            let corners_empty = (0..grid.bins()).all(|bin| !wholly_outside(bin) || samples[bin] == 0);
            let inside: Vec<usize> = (0..grid.bins()).filter(|&bin| centre_inside(bin)).collect();
            let explored = inside
                .iter()
                .filter(|&&bin| samples[bin] >= paper::LEAST_SAMPLES)
                .count();
            width.min(height) >= 6 && corners_empty && explored as f64 >= 0.9 * inside.len() as f64
        }
    };
    if round {
        for bin in 0..grid.bins() {
            grid.exists[bin] = centre_inside(bin) || samples[bin] > 0;
        }
        let without = grid.bins() - grid.area();
        let how = if pipeline.outline == Outline::Auto {
            ", as its empty corners say"
        } else {
            ""
        };
        notes.push(format!(
            "round arena{how}: {without} of {} bins are no states",
            grid.bins()
        ));
    }
    grid
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
