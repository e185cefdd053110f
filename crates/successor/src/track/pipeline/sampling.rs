//! Frames on a clock.

use super::{Pipeline, Resample};
use crate::error::SuccessorError;
use crate::track::Track;

/// Samples that a session may have.
const MOST_SAMPLES: f64 = 1e8;

/// Positions in the unit of the file on the clock; `None` within gaps that are not bridged. And the rate.
pub(super) fn sampled(
    track: &mut Track,
    pipeline: &Pipeline,
) -> Result<(Vec<Option<[f64; 2]>>, f64), SuccessorError> {
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
