//! Frames that no animal could have reached.

use super::SpeedLimit;
use crate::error::SuccessorError;
use crate::track::{LengthUnit, Track};
use neuropil_math::stats::summary::quantile;
use std::collections::BTreeMap;

/// Steps faster than this many times the 95th percentile of all are jumps of the tracker.
const JUMP: f64 = 10.0;

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
    let speeds_of = |track: &Track, frames: &[usize]| -> Vec<f64> {
        let steps = frames.windows(2);
        steps.map(|pair| speed(track, pair[0], pair[1])).collect()
    };
    let speeds = speeds_of(track, &seen);
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
    let (all_seen, all_speeds) = (seen, speeds);
    let lost = markers(track, &all_seen, &all_speeds, most);
    let seen = without(&all_seen, &lost);
    let speeds = speeds_of(track, &seen);
    let first = speeds.iter().position(|speed| *speed <= most);
    let Some(first) = first else {
        return Err(SuccessorError::question(
            format!("every step is faster than {most:.4} {}/s", track.unit.name()),
            "raise the speed limit",
        ));
    };
    let mut dropped = excursions(track, &seen, &speeds, most);
    let kept = without(&seen, &dropped);
    let first = kept.iter().position(|&i| i >= seen[first]).unwrap_or(0);
    let mut last = kept[first];
    dropped.extend_from_slice(&kept[..first]);
    // Frames since the last one that was kept.
    let mut open: Vec<usize> = Vec::new();
    for &i in &kept[first + 1..] {
        if speed(track, last, i) > most {
            open.push(i);
            continue;
        }
        // An animal that was put elsewhere is there from the first of these frames on, which lead to this one.
        let mut next = i;
        while let Some(&before) = open.last().filter(|&&before| speed(track, before, next) <= most) {
            next = before;
            open.pop();
        }
        dropped.append(&mut open);
        last = i;
    }
    dropped.append(&mut open);
    dropped.extend(lost);
    dropped.sort_unstable();
    let kept = without(&seen, &dropped);
    let left: Vec<(usize, f64)> = kept
        .windows(2)
        .map(|pair| (pair[1], speed(track, pair[0], pair[1])))
        .collect();
    let moved: Vec<usize> = left
        .iter()
        .filter(|step| step.1 > most)
        .map(|step| step.0)
        .collect();
    if !moved.is_empty() {
        let places = first_of(&moved, |i| track.place(i));
        let times = if moved.len() == 1 { "once" } else { "several times" };
        track.notes.push(format!(
            "the animal is elsewhere all at once, {times} ({places}), and stays there: taken as put there"
        ));
    }
    if dropped.is_empty() {
        return Ok(0);
    }
    let rest = left
        .iter()
        .map(|step| step.1)
        .filter(|speed| *speed <= most)
        .fold(0.0, f64::max);
    say_jumps(track, &dropped, (&all_seen, &all_speeds), most, rest);
    for &i in &dropped {
        (track.x[i], track.y[i]) = (f64::NAN, f64::NAN);
    }
    Ok(dropped.len())
}

/// The frames that are not among others, which ascend.
fn without(frames: &[usize], others: &[usize]) -> Vec<usize> {
    let is_left = |frame: &usize| others.binary_search(frame).is_err();
    frames.iter().copied().filter(is_left).collect()
}

/// Frames that a tracker wrote where it lost the animal: places that the same digits are written for again and again, each time
/// with a jump before and after, and those that a recording begins or ends with, standing still. Ascending.
fn markers(track: &Track, seen: &[usize], speeds: &[f64], most: f64) -> Vec<usize> {
    let mut blocks: Vec<&[usize]> = Vec::new();
    let mut begin = 0;
    for (k, speed) in (1..).zip(speeds) {
        if *speed > most {
            blocks.push(&seen[begin..k]);
            begin = k;
        }
    }
    blocks.push(&seen[begin..]);
    let digits = |i: usize| (track.x[i].to_bits(), track.y[i].to_bits());
    let still = |block: &&[usize]| block.iter().all(|&i| digits(i) == digits(block[0]));
    let mut times: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for block in blocks.iter().filter(|block| still(block)) {
        *times.entry(digits(block[0])).or_default() += 1;
    }
    let last = blocks.len() - 1;
    let is_marker = |(k, block): &(usize, &&[usize])| {
        let at_an_end = (*k == 0 || *k == last) && block.len() > 1;
        still(block) && (at_an_end || times[&digits(block[0])] > 1)
    };
    let marked = blocks.iter().enumerate().filter(is_marker);
    let frames: Vec<usize> = marked.flat_map(|(_, block)| block.iter().copied()).collect();
    // Of a recording that holds nothing else, nothing is known.
    if frames.len() + 2 > seen.len() {
        Vec::new()
    } else {
        frames
    }
}

/// Longest stretch, s, that the tracker may be elsewhere and back without that the animal was there.
const LONGEST_EXCURSION_S: f64 = 2.0;

/// Frames between a jump away and a jump back that no animal made: short ones, and those that stand still to the last digit, as
/// trackers write where they lost it. Ascending.
fn excursions(track: &Track, seen: &[usize], speeds: &[f64], most: f64) -> Vec<usize> {
    let jumps: Vec<usize> = (0..speeds.len())
        .filter(|&k| speeds[k] > most)
        .map(|k| k + 1)
        .collect();
    let mut dropped = Vec::new();
    let mut from = 0;
    while let Some(&begin) = jumps.get(from) {
        // A jump leads away, the next one back: what lies between is an excursion if it is short or stands still.
        let Some(&end) = jumps.get(from + 1) else { break };
        let block = &seen[begin..end];
        let lasts = track.time[seen[end]] - track.time[block[0]];
        let still = block.len() > 1
            && block
                .iter()
                .all(|&i| (track.x[i], track.y[i]) == (track.x[block[0]], track.y[block[0]]));
        if still || lasts <= LONGEST_EXCURSION_S {
            dropped.extend_from_slice(block);
            from += 2;
        } else {
            from += 1;
        }
    }
    dropped
}

/// The first frames in words, and how many there are beside them.
fn first_of(frames: &[usize], place: impl Fn(usize) -> String) -> String {
    const NAMED: usize = 5;
    let places: Vec<String> = frames.iter().take(NAMED).map(|&i| place(i)).collect();
    let more = match frames.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    places.join("; ") + &more
}

fn say_jumps(track: &mut Track, dropped: &[usize], (seen, speeds): (&[usize], &[f64]), most: f64, rest: f64) {
    let unit = match track.unit {
        LengthUnit::Unknown => "units",
        said => said.name(),
    };
    let place = |i: usize| -> String {
        let at = seen.iter().position(|&frame| frame == i).expect("it was seen");
        let to = at.checked_sub(1).map(|k| format!("{:.0}", speeds[k]));
        let from = speeds.get(at).map(|speed| format!("{speed:.0}"));
        let speeds: Vec<String> = [to, from].into_iter().flatten().collect();
        format!("{}: {}", track.place(i), speeds.join(", then "))
    };
    let places = first_of(dropped, place);
    let frames = if dropped.len() == 1 { "frame" } else { "frames" };
    track.notes.push(format!(
        "{} {frames} faster than {most:.0} {unit}/s taken as lost ({places}); fastest other step {rest:.0} {unit}/s",
        dropped.len()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Vertical;
    use std::path::PathBuf;

    /// An animal that walks to and fro, 30 frames a second; where `lost` says so, the tracker wrote a marker.
    fn written(lost: impl Fn(usize) -> bool, marker: (f64, f64)) -> Track {
        let n = 900;
        let at = |i: usize| {
            if lost(i) {
                marker
            } else {
                (50.0 + 20.0 * (i as f64 * 0.03).sin(), i as f64 * 0.05)
            }
        };
        Track {
            time: (0..n).map(|i| i as f64 / 30.0).collect(),
            x: (0..n).map(|i| at(i).0).collect(),
            y: (0..n).map(|i| at(i).1).collect(),
            lines: vec![0; n],
            source: PathBuf::from("track.csv"),
            form: "table",
            origin: 0.0,
            unit: LengthUnit::Unknown,
            vertical: Vertical::Unknown,
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_a_tracker_writes_for_a_lost_animal_is_lost_wherever_it_stands() {
        let every = |n: usize, for_n: usize| move |i: usize| i % n < for_n;
        let first = |n: usize| move |i: usize| i < n;
        let cases: [(&dyn Fn(usize) -> bool, (f64, f64)); 6] = [
            (&every(50, 1), (-999.0, -999.0)),
            (&every(50, 5), (-999.0, -999.0)),
            (&|i| i % 50 == 7, (-999.0, -999.0)),
            (&first(30), (-999.0, -999.0)),
            (&first(1), (-999.0, -999.0)),
            (&|i| i >= 870, (-999.0, -999.0)),
        ];
        for (k, (lost, marker)) in cases.into_iter().enumerate() {
            let mut track = written(lost, marker);
            let n = drop_jumps(&mut track, SpeedLimit::Auto).unwrap();
            assert_eq!(n, (0..900).filter(|&i| lost(i)).count(), "case {k}");
            assert!((0..900).all(|i| track.seen(i) != lost(i)), "case {k}");
        }
    }
}
