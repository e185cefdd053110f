//! Clocks: what the time column of a file means.

use super::{TrackOptions, field_problem, problem};
use crate::error::SuccessorError;
use chrono::{DateTime, NaiveDateTime, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Problems of one file that are listed before giving up.
const LISTED: usize = 20;
/// Frames that a file may leave out in all, for every frame it has.
const MOST_ABSENT: usize = 10_000;

/// Unit of a column of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// Numbers of frames.
    Frames,
}

impl TimeUnit {
    /// The unit of a name such as `s`, `ms` or `frame`.
    pub fn of(name: &str) -> Option<Self> {
        Some(
            match name
                .trim()
                .trim_matches(['(', ')', '[', ']'])
                .to_lowercase()
                .as_str()
            {
                "s" | "sec" | "secs" | "second" | "seconds" => Self::S,
                "ms" | "msec" | "millisecond" | "milliseconds" => Self::Ms,
                "us" | "µs" | "μs" | "usec" | "microsecond" | "microseconds" => Self::Us,
                "ns" | "nanosecond" | "nanoseconds" => Self::Ns,
                "frame" | "frames" => Self::Frames,
                _ => return None,
            },
        )
    }

    /// Units per second; `None` for frames.
    fn per_second(self) -> Option<f64> {
        match self {
            Self::S => Some(1.0),
            Self::Ms => Some(1e3),
            Self::Us => Some(1e6),
            Self::Ns => Some(1e9),
            Self::Frames => None,
        }
    }
}

/// What a file says about time.
pub(crate) enum Clock {
    /// One row per frame, nothing else.
    Rows,
    /// Number of each row's frame.
    Frames(Vec<usize>),
    /// One number per row, in a unit that may be said.
    Times(Vec<f64>, Option<TimeUnit>),
    /// Seconds from this origin, from a file that says so.
    Seconds(Vec<f64>, f64),
}

/// Times of frames, s.
pub(crate) struct Timed {
    pub(crate) time: Vec<f64>,
    pub(crate) origin: f64,
    pub(crate) notes: Vec<String>,
    /// Frame of each row, where rows are not frames.
    rows: Option<Vec<usize>>,
    /// Rows that were kept, where some had no time.
    kept: Option<Vec<usize>>,
}

/// Understands a clock.
pub(crate) fn timed(
    path: &Path,
    clock: Clock,
    lines: &[usize],
    options: &TrackOptions,
) -> Result<Timed, SuccessorError> {
    match clock {
        Clock::Rows => {
            let n = lines.len();
            from_frames(path, (0..n).collect(), options)
        }
        Clock::Frames(frames) => from_frames(path, frames, options),
        Clock::Seconds(times, origin) => {
            let told = options.time_unit.and_then(TimeUnit::per_second);
            let per_second = told.unwrap_or(1.0);
            if told.is_none()
                && let Some(step) = median_step(&times)
                && (step > 0.0 && step < FASTEST_S || origin == 0.0 && step > SLOWEST_S)
            {
                return Err(not_seconds(path, &times, step));
            }
            let times = times.into_iter().map(|t| t / per_second).collect();
            ascending(path, times, origin / per_second, lines)
        }
        Clock::Times(times, said) => {
            let unit = match options.time_unit.or(said) {
                Some(unit) => unit,
                None if options.fps.is_some() && all_whole_and_one_apart(&times) => TimeUnit::Frames,
                None => guessed(path, &times)?,
            };
            if unit == TimeUnit::Frames {
                let frames = times
                    .iter()
                    .map(|&t| frame_number(path, t))
                    .collect::<Result<_, _>>()?;
                return from_frames(path, frames, options);
            }
            let per_second = unit.per_second().expect("not frames");
            // whole units are subtracted before they are divided: no digit of an epoch is lost
            let first = times.iter().copied().find(|t| t.is_finite()).unwrap_or(0.0);
            let origin = if unit == TimeUnit::S && first.abs() < 1e6 {
                0.0
            } else {
                first
            };
            let seconds = times.iter().map(|t| (t - origin) / per_second).collect();
            let mut timed = ascending(path, seconds, origin / per_second, lines)?;
            if let (Some(fps), Some(rate)) = (options.fps, rate(&timed.time))
                && (rate / fps - 1.0).abs() > 0.02
            {
                timed.notes.push(format!(
                    "times run at {rate:.3} frames per second, not {fps}: times are used"
                ));
            }
            Ok(timed)
        }
    }
}

fn frame_number(path: &Path, t: f64) -> Result<usize, SuccessorError> {
    if t >= 0.0 && t.fract() == 0.0 && t < 1e12 {
        Ok(t as usize)
    } else {
        Err(problem(
            path,
            format!("frame {t}"),
            "whole numbers of frames from 0 on",
            "",
        ))
    }
}

fn all_whole_and_one_apart(times: &[f64]) -> bool {
    // A missing time leaves the others what they are.
    let known = times.iter().filter(|t| t.is_finite());
    known.clone().count() > 1
        && known.clone().all(|t| t.fract() == 0.0)
        && median_step(times).is_some_and(|step| step == 1.0)
}

fn rate(time: &[f64]) -> Option<f64> {
    median_step(time)
        .filter(|step| *step > 0.0)
        .map(|step| 1.0 / step)
}

fn median_step(times: &[f64]) -> Option<f64> {
    let steps: Vec<f64> = times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|step| step.is_finite())
        .collect();
    neuropil_math::stats::summary::quantile(&steps, 0.5)
}

/// Seconds, when they give a frame rate that a camera has; otherwise the unit is asked for.
fn guessed(path: &Path, times: &[f64]) -> Result<TimeUnit, SuccessorError> {
    let Some(step) = median_step(times) else {
        return Err(problem(
            path,
            "fewer than two times",
            "a time for every frame",
            "",
        ));
    };
    if all_whole_and_one_apart(times) {
        let hint = "say `--fps RATE` if it counts frames, `--time-unit s` if one frame a second was taken";
        return Err(problem(
            path,
            "times that are 1 apart: frames or seconds",
            "a unit",
            hint,
        ));
    }
    if (FASTEST_S..=SLOWEST_S).contains(&step) || step <= 0.0 {
        return Ok(TimeUnit::S);
    }
    Err(not_seconds(path, times, step))
}

/// Shortest and longest time between two frames of a camera, s.
const FASTEST_S: f64 = 0.0009;
const SLOWEST_S: f64 = 1.5;

/// Why times are no seconds, and what they may be.
fn not_seconds(path: &Path, times: &[f64], step: f64) -> SuccessorError {
    let fits: Vec<String> = [
        (TimeUnit::Ms, 1e3, "ms"),
        (TimeUnit::Us, 1e6, "us"),
        (TimeUnit::Ns, 1e9, "ns"),
    ]
    .iter()
    .filter(|(_, per, _)| (1.0..=1200.0).contains(&(per / step)))
    .map(|(_, per, name)| format!("`--time-unit {name}` makes {:.4} frames per second", per / step))
    .collect();
    let hint = match fits.as_slice() {
        [] => "say which with `--time-unit s|ms|us|ns|frames`".to_owned(),
        fits => fits.join("; "),
    };
    let span = times.iter().copied().fold(f64::NEG_INFINITY, f64::max) - times[0];
    let found = format!(
        "times {step} apart: as seconds {:.3} frames per second over {:.1} days",
        1.0 / step,
        span / 86_400.0
    );
    problem(path, found, "a time in seconds, or its unit", hint)
}

fn from_frames(path: &Path, frames: Vec<usize>, options: &TrackOptions) -> Result<Timed, SuccessorError> {
    let Some(fps) = options.fps else {
        let found = "frames are counted, but there is no time column and no frame rate";
        return Err(problem(
            path,
            found,
            "the frame rate of the camera",
            "give it with `--fps 30`",
        ));
    };
    if let Some(pair) = frames.windows(2).find(|pair| pair[1] <= pair[0]) {
        let found = format!("frame {} after frame {}", pair[1], pair[0]);
        return Err(problem(path, found, "each frame once, in order", ""));
    }
    let last = frames.last().map_or(0, |last| last + 1);
    let n = last.max(options.video_frames.unwrap_or(0));
    if n > frames.len().saturating_mul(MOST_ABSENT).max(1_000_000) {
        return Err(problem(
            path,
            format!("{} rows for {n} frames", frames.len()),
            "most frames to be there",
            "",
        ));
    }
    let mut notes = Vec::new();
    let absent = n - frames.len();
    if absent > 0 {
        notes.push(format!(
            "{absent} of {n} frames have no row ({}): lost",
            ranges(&frames, n)
        ));
    }
    let time = (0..n).map(|frame| frame as f64 / fps).collect();
    Ok(Timed {
        time,
        origin: 0.0,
        notes,
        rows: (absent > 0).then_some(frames),
        kept: None,
    })
}

/// The frames that are not there, as `40-63, 100`.
fn ranges(frames: &[usize], n: usize) -> String {
    let mut out = Vec::new();
    let mut next = 0;
    for &frame in frames.iter().chain([&n]) {
        if frame > next {
            out.push(if frame - next == 1 {
                next.to_string()
            } else {
                format!("{next}-{}", frame - 1)
            });
        }
        next = frame + 1;
    }
    let more = out.len().saturating_sub(8);
    out.truncate(8);
    let list = out.join(", ");
    if more > 0 {
        format!("{list} and {more} more stretches")
    } else {
        list
    }
}

fn ascending(path: &Path, times: Vec<f64>, origin: f64, lines: &[usize]) -> Result<Timed, SuccessorError> {
    let mut notes = Vec::new();
    let kept: Vec<usize> = (0..times.len()).filter(|&i| times[i].is_finite()).collect();
    if kept.len() < times.len() {
        notes.push(format!(
            "{} of {} frames have no time: left out",
            times.len() - kept.len(),
            times.len()
        ));
    }
    let time: Vec<f64> = kept.iter().map(|&i| times[i]).collect();
    if time.len() > 2 && time.iter().all(|t| *t == time[0]) {
        let found = format!("every time is {}", time[0] + origin);
        let hint = "without a synchronisation signal some recorders write -1: use sample numbers divided by the rate";
        return Err(problem(path, found, "times that ascend", hint));
    }
    let line = |i: usize| lines.get(kept[i]).copied().unwrap_or(0);
    let mut wrong = Vec::new();
    for i in 1..time.len() {
        let (before, now) = (time[i - 1] + origin, time[i] + origin);
        let place = match line(i) {
            0 => format!("in frame {i}"),
            line => format!("on line {line}"),
        };
        if now == before {
            wrong.push((line(i), format!("time repeats {place} (t = {now} twice)")));
        } else if now < before {
            wrong.push((
                line(i),
                format!(
                    "time goes back by {:.4} s {place} ({before} to {now})",
                    before - now
                ),
            ));
        }
    }
    if let Some((first, _)) = wrong.first() {
        let list: Vec<&str> = wrong.iter().take(LISTED).map(|(_, text)| text.as_str()).collect();
        let hint = "nothing is sorted or dropped: mend the file, or cut it into sessions";
        return Err(field_problem(
            path,
            *first,
            "",
            list.join("; "),
            "times that ascend",
            hint,
        ));
    }
    let kept = (kept.len() < times.len()).then_some(kept);
    Ok(Timed {
        time,
        origin,
        notes,
        rows: None,
        kept,
    })
}

/// Positions on the frames of a clock.
pub(crate) fn on_frames(
    timed: &Timed,
    x: Vec<f64>,
    y: Vec<f64>,
    lines: Vec<usize>,
) -> (Vec<f64>, Vec<f64>, Vec<usize>) {
    if let Some(kept) = &timed.kept {
        let pick = |values: &[f64]| kept.iter().map(|&i| values[i]).collect();
        return (pick(&x), pick(&y), kept.iter().map(|&i| lines[i]).collect());
    }
    let n = timed.time.len();
    let Some(rows) = &timed.rows else {
        return (x, y, lines);
    };
    let mut out = (vec![f64::NAN; n], vec![f64::NAN; n], vec![0; n]);
    for (row, &frame) in rows.iter().enumerate() {
        (out.0[frame], out.1[frame], out.2[frame]) = (x[row], y[row], lines[row]);
    }
    out
}

/// A moment as it is written in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// A number.
    Number(f64),
    /// Seconds since 1970.
    Date(i64, u32),
    /// Seconds since midnight.
    OfDay(f64),
}

/// A moment of any form: a number, ISO 8601 with or without offset, h:mm:ss, mm:ss.
pub(crate) fn moment(text: &str, decimal_comma: bool) -> Option<Moment> {
    let text = text.trim();
    if let Some(number) = number(text, decimal_comma) {
        return Some(Moment::Number(number));
    }
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(Moment::Date(date.timestamp(), date.timestamp_subsec_nanos()));
    }
    for form in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y/%m/%d %H:%M:%S%.f",
        "%d.%m.%Y %H:%M:%S%.f",
    ] {
        if let Ok(date) = NaiveDateTime::parse_from_str(text, form) {
            return Some(Moment::Date(
                date.and_utc().timestamp(),
                date.and_utc().timestamp_subsec_nanos(),
            ));
        }
    }
    let text = text.replace(',', ".");
    if let Some((minutes, seconds)) = text.split_once(':')
        && !seconds.contains(':')
    {
        let (minutes, seconds): (u32, f64) = (minutes.parse().ok()?, seconds.parse().ok()?);
        return (0.0..60.0)
            .contains(&seconds)
            .then_some(Moment::OfDay(f64::from(minutes) * 60.0 + seconds));
    }
    let time = NaiveTime::parse_from_str(&text, "%H:%M:%S%.f").ok()?;
    Some(Moment::OfDay(
        f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) / 1e9,
    ))
}

/// A number with a decimal point or comma.
pub(crate) fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    let text = text.trim();
    if decimal_comma && text.contains(',') {
        return text.replace(',', ".").parse().ok();
    }
    text.parse().ok()
}

/// Seconds from the first of dates, or of times of the day, which may pass midnight.
pub(crate) fn seconds_of(moments: &[Option<Moment>]) -> (Clock, Vec<String>) {
    let mut notes = Vec::new();
    let first = moments.iter().flatten().next().copied();
    match first {
        Some(Moment::Date(start, start_ns)) => {
            let since = |moment: &Option<Moment>| match moment {
                Some(Moment::Date(s, ns)) => {
                    (s - start) as f64 + (f64::from(*ns) - f64::from(start_ns)) / 1e9
                }
                _ => f64::NAN,
            };
            let origin = start as f64 + f64::from(start_ns) / 1e9;
            (Clock::Seconds(moments.iter().map(since).collect(), origin), notes)
        }
        Some(Moment::OfDay(start)) => {
            let (mut days, mut before) = (0.0, start);
            let mut since = |moment: &Option<Moment>| match moment {
                Some(Moment::OfDay(s)) => {
                    if *s < before - 43_200.0 {
                        days += 86_400.0;
                        notes.push(format!("the clock passes midnight at {s} s"));
                    }
                    before = *s;
                    s + days - start
                }
                _ => f64::NAN,
            };
            let seconds = moments.iter().map(&mut since).collect();
            // h:mm:ss that begins near zero counts from the start of the trial
            (Clock::Seconds(seconds, start), notes)
        }
        _ => {
            let plain = |moment: &Option<Moment>| match moment {
                Some(Moment::Number(t)) => *t,
                _ => f64::NAN,
            };
            (Clock::Times(moments.iter().map(plain).collect(), None), notes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_every_form_are_understood() {
        assert_eq!(moment("1.5", false), Some(Moment::Number(1.5)));
        assert_eq!(moment("1,5", true), Some(Moment::Number(1.5)));
        assert_eq!(moment("0:00:01.5", false), Some(Moment::OfDay(1.5)));
        assert_eq!(moment("75:01.5", false), Some(Moment::OfDay(4501.5)));
        assert_eq!(moment("01:75", false), None);
        let date = moment("2024-03-05T23:59:58.5000000+01:00", false);
        assert!(matches!(date, Some(Moment::Date(_, 500_000_000))));
        assert_eq!(moment("x", false), None);
        assert_eq!(ranges(&[0, 1, 4, 6], 9), "2-3, 5, 7-8");
        let over = [Some(Moment::OfDay(86_399.0)), Some(Moment::OfDay(1.0))];
        assert!(matches!(seconds_of(&over).0, Clock::Seconds(s, _) if s == [0.0, 2.0]));
    }
}
