//! Spikes of recorded neurons on the clock of a track, and their rate maps.
//!
//! One mask of speed and validity counts for spikes and for time: a filter on one of them alone changes every rate.

use super::damaged;
use super::delimited::Rows;
use super::pipeline::Mapping;
use super::text::{bytes_of, decoded};
use super::times::TimeUnit;
use super::{Track, field_problem, problem};
use crate::error::SuccessorError;
use crate::fields::{Grid, Information, information};
use ndarray_npy::ReadNpyExt;
use neuropil_lab::array::hdf5::numbers;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Spike times of sorted units, s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spikes {
    /// Times of each unit, ascending.
    pub units: BTreeMap<i64, Vec<f64>>,
    /// What was understood or left out.
    pub notes: Vec<String>,
}

/// How spike files are understood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpikeOptions {
    /// Unit of spike times of tables; seconds unless set.
    pub unit: Option<TimeUnit>,
    /// Samples per second, for times in samples.
    pub sample_rate: Option<f64>,
    /// Units with other labels than `good` as well: `mua`, `noise`.
    pub groups: Vec<String>,
}

/// Reads spikes: a table with columns unit and time, or a folder of Phy.
///
/// # Errors
/// A file that cannot be understood: names line and field; times of one unit that go back.
pub fn read_spikes(path: &Path, options: &SpikeOptions) -> Result<Spikes, SuccessorError> {
    let spikes = if path.is_dir() {
        phy(path, options)?
    } else {
        table(path, options)?
    };
    for (unit, times) in &spikes.units {
        if let Some(i) = times.windows(2).position(|pair| pair[1] < pair[0]) {
            let found = format!(
                "unit {unit}: spike {} at {} comes after {}",
                i + 2,
                times[i + 1],
                times[i]
            );
            let hint = "do the times start again with every trial? They must be on the clock of the track";
            return Err(problem(path, found, "times that ascend", hint));
        }
    }
    Ok(spikes)
}

fn table(path: &Path, options: &SpikeOptions) -> Result<Spikes, SuccessorError> {
    let text = decoded(path, &bytes_of(path)?)?;
    let rows = Rows::of(path, &text)?;
    let header: Vec<String> = rows.rows[0].1.iter().map(|name| name.to_lowercase()).collect();
    let column = |known: &[&str]| {
        header
            .iter()
            .position(|name| known.iter().any(|known| name == known))
    };
    let time = column(&[
        "time",
        "spike_time",
        "spike_times",
        "t",
        "time_s",
        "time (s)",
        "seconds",
        "time_ms",
        "time (ms)",
        "timestamp",
    ]);
    let unit = column(&["unit", "cluster", "cluster_id", "unit_id", "neuron", "cell", "id"]);
    let (Some(time), Some(unit)) = (time, unit) else {
        let found = format!("columns {}", rows.rows[0].1.join(", "));
        return Err(field_problem(
            path,
            rows.rows[0].0,
            "",
            found,
            "columns `unit` and `time`",
            "",
        ));
    };
    let said = header[time].contains("ms").then_some(TimeUnit::Ms);
    let per_second = match options.unit.or(said).unwrap_or(TimeUnit::S) {
        TimeUnit::S => 1.0,
        TimeUnit::Ms => 1e3,
        TimeUnit::Us => 1e6,
        TimeUnit::Ns => 1e9,
        TimeUnit::Frames => options.sample_rate.ok_or_else(|| {
            problem(
                path,
                "times in samples",
                "samples per second",
                "give `--sample-rate`",
            )
        })?,
    };
    let mut spikes = Spikes::default();
    for row in 1..rows.rows.len() {
        let value = rows.position(path, row, time, "time")? / per_second;
        let id = rows.position(path, row, unit, "unit")?;
        if !value.is_finite() || id.fract() != 0.0 || !id.is_finite() {
            return Err(field_problem(
                path,
                rows.rows[row].0,
                "",
                format!("unit {id} at {value}"),
                "a whole number and a time",
                "",
            ));
        }
        spikes.units.entry(id as i64).or_default().push(value);
    }
    Ok(spikes)
}

/// `spike_times.npy` in samples, `spike_clusters.npy`, labels in `cluster_group.tsv`, the rate in `params.py`.
fn phy(folder: &Path, options: &SpikeOptions) -> Result<Spikes, SuccessorError> {
    let mut notes = Vec::new();
    let times = integers(&folder.join("spike_times.npy"))?;
    let clusters = match folder.join("spike_clusters.npy") {
        path if path.is_file() => integers(&path)?,
        _ => {
            notes.push(
                "no spike_clusters.npy yet: spike_templates.npy is used, nothing has been curated".to_owned(),
            );
            integers(&folder.join("spike_templates.npy"))?
        }
    };
    if times.len() != clusters.len() {
        return Err(problem(
            folder,
            format!("{} times and {} clusters", times.len(), clusters.len()),
            "one each",
            "",
        ));
    }
    let rate = match options.sample_rate {
        Some(rate) => rate,
        None => std::fs::read_to_string(folder.join("params.py"))
            .ok()
            .and_then(|text| {
                text.lines().find_map(|line| {
                    line.split_once('=')
                        .filter(|(key, _)| key.trim() == "sample_rate")
                        .and_then(|(_, value)| value.trim().trim_end_matches('.').parse().ok())
                })
            })
            .ok_or_else(|| {
                problem(
                    folder,
                    "no sample_rate in params.py",
                    "samples per second",
                    "give `--sample-rate`",
                )
            })?,
    };
    if !(rate > 0.0 && rate.is_finite()) {
        return Err(SuccessorError::setting("the sample rate", rate, "above 0"));
    }
    let labels = labels(folder);
    let wanted = |unit: i64| match labels.get(&unit) {
        None => labels.is_empty() || options.groups.iter().any(|group| group == "unsorted"),
        Some(label) => label == "good" || options.groups.contains(label),
    };
    let mut units: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let mut left: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (&time, &cluster) in times.iter().zip(&clusters) {
        if wanted(cluster) {
            units.entry(cluster).or_default().push(time as f64 / rate);
        } else {
            let label = labels
                .get(&cluster)
                .cloned()
                .unwrap_or_else(|| "unsorted".to_owned());
            let list = left.entry(label).or_default();
            if !list.contains(&cluster) {
                list.push(cluster);
            }
        }
    }
    for (label, clusters) in &mut left {
        clusters.sort_unstable();
        let list: Vec<String> = clusters.iter().map(ToString::to_string).collect();
        notes.push(format!("{label} ({}) not used unless asked", list.join(", ")));
    }
    units.values_mut().for_each(|times| times.sort_by(f64::total_cmp));
    Ok(Spikes { units, notes })
}

fn labels(folder: &Path) -> BTreeMap<i64, String> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let text = read("cluster_group.tsv")
        .or_else(|| read("cluster_KSLabel.tsv"))
        .or_else(|| read("cluster_groups.csv"));
    let line = |line: &str| -> Option<(i64, String)> {
        let (id, label) = line.split_once(['\t', ','])?;
        Some((id.trim().parse().ok()?, label.trim().to_owned()))
    };
    text.iter()
        .flat_map(|text| text.lines().filter_map(line).collect::<Vec<_>>())
        .collect()
}

/// Whole numbers of a `.npy` file of any integer type and of shape (n,) or (n, 1).
fn integers(path: &Path) -> Result<Vec<i64>, SuccessorError> {
    let bytes = bytes_of(path)?;
    macro_rules! read {
        ($($type:ty),*) => {
            $(if let Ok(array) = ndarray::ArrayD::<$type>::read_npy(&bytes[..]) {
                let columns = array.shape().iter().skip(1).product::<usize>();
                return match columns {
                    1 => Ok(array.iter().map(|value| *value as i64).collect()),
                    _ => Err(problem(path, format!("an array of shape {:?}", array.shape()), "one column", "")),
                };
            })*
        };
    }
    read!(i64, u64, i32, u32, i16, u16, f64);
    Err(problem(
        path,
        "an array that holds no whole numbers",
        "a `.npy` file of integers",
        "",
    ))
}

/// Spikes of a NWB file's units table.
///
/// # Errors
/// No units, or a damaged file.
pub fn read_nwb_units(path: &Path) -> Result<Spikes, SuccessorError> {
    let mut bytes = bytes_of(path)?;
    neuropil_lab::array::settle_links(&mut bytes);
    let file = hdf5_pure::File::from_bytes(bytes).map_err(|error| damaged(path, &error))?;
    let numbers = |name: &str| -> Result<Option<Vec<f64>>, SuccessorError> {
        let Ok(data) = file.dataset(name) else {
            return Ok(None);
        };
        Ok(Some(numbers(path, name, &data)?.1))
    };
    let (Some(times), Some(index)) = (
        numbers("/units/spike_times")?,
        numbers("/units/spike_times_index")?,
    ) else {
        return Err(problem(path, "no `/units/spike_times`", "a table of units", ""));
    };
    let ids = numbers("/units/id")?.unwrap_or_else(|| (0..index.len()).map(|i| i as f64).collect());
    let (mut spikes, mut from) = (Spikes::default(), 0);
    for (id, &end) in ids.iter().zip(&index) {
        let end = (end as usize).min(times.len());
        spikes
            .units
            .insert(*id as i64, times[from.min(end)..end].to_vec());
        from = end;
    }
    Ok(spikes)
}

/// Refuses spikes on another clock than the track's; says how many are left out.
///
/// # Errors
/// No spike within the track: names the unit that would fit.
pub fn check_clock(spikes: &mut Spikes, track: &Track) -> Result<(), SuccessorError> {
    let all: Vec<f64> = spikes.units.values().flatten().copied().collect();
    let (start, end) = (track.time[0], track.time[track.frames() - 1]);
    let inside = |factor: f64| {
        all.iter()
            .filter(|t| (start..=end).contains(&(**t / factor)))
            .count()
    };
    let here = inside(1.0);
    if all.is_empty() {
        return Err(SuccessorError::question(
            "no spikes",
            "is a label such as `good` given to the units?",
        ));
    }
    if here == 0 {
        let first = all.iter().copied().fold(f64::INFINITY, f64::min);
        let side = if first > end {
            "after the end of"
        } else {
            "outside"
        };
        let fits = [
            (1e3, "milliseconds"),
            (1e6, "microseconds"),
            (30_000.0, "samples of 30 kHz"),
            (20_000.0, "samples of 20 kHz"),
            (1e9, "nanoseconds"),
        ];
        let best = fits
            .iter()
            .map(|(factor, name)| (inside(*factor), *factor, *name))
            .rev()
            .max_by_key(|(count, ..)| *count);
        let hint = match best {
            Some((count, factor, name)) if count > 0 => format!(
                "/{factor} would put {count} of {} inside: are these {name}? Say so with `--spike-unit`",
                all.len()
            ),
            _ => "spikes and track must be on one clock".to_owned(),
        };
        let message = format!(
            "all {} spike times lie {side} the track (first {first}, track from {start:.3} to {:.3} s): other unit or clock",
            all.len(),
            track.time[track.frames() - 1]
        );
        return Err(SuccessorError::question(message, hint));
    }
    if here < all.len() {
        let after = all.iter().filter(|t| **t > end).count();
        let before = all.len() - here - after;
        let mut parts = Vec::new();
        if after > 0 {
            parts.push(format!(
                "{after} of {} spikes lie after the last position",
                all.len()
            ));
        }
        if before > 0 {
            parts.push(format!("{before} of {} before the first", all.len()));
        }
        spikes
            .notes
            .push(format!("{} and are left out", parts.join(", ")));
    }
    Ok(())
}

/// Spikes in every frame: those from its time on, until the next frame or one and a half intervals; none after the last.
pub fn per_frame(times: &[f64], track: &Track) -> Vec<f64> {
    let mut counts = vec![0.0; track.frames()];
    let longest = 1.5 * track.interval().unwrap_or(f64::INFINITY);
    let end = track.time[track.frames() - 1];
    for &t in times.iter().filter(|t| **t <= end) {
        let after = track.time.partition_point(|start| *start <= t);
        if after > 0 && t - track.time[after - 1] < longest {
            counts[after - 1] += 1.0;
        }
    }
    counts
}

/// Speed in every frame, cm/s, over the frames before and after; NaN where neither was seen.
pub fn speeds(track: &Track, cm_per_unit: f64) -> Vec<f64> {
    let n = track.frames();
    let one = |i: usize| {
        if !track.seen(i) {
            return f64::NAN;
        }
        let a = if i > 0 && track.seen(i - 1) { i - 1 } else { i };
        let b = if i + 1 < n && track.seen(i + 1) { i + 1 } else { i };
        if a == b {
            f64::NAN
        } else {
            cm_per_unit * (track.x[b] - track.x[a]).hypot(track.y[b] - track.y[a])
                / (track.time[b] - track.time[a])
        }
    };
    (0..n).map(one).collect()
}

/// Frames that count, with their bins: the animal was seen inside the arena, and was at least as fast as asked.
pub fn counted_frames(track: &Track, mapping: &Mapping, least_speed: f64) -> Vec<(usize, usize)> {
    let speeds = speeds(track, mapping.cm_per_unit);
    let one = |i: usize| {
        let fast = least_speed <= 0.0 || speeds[i] >= least_speed;
        let bin = track
            .seen(i)
            .then(|| mapping.bin(mapping.cm(track.x[i], track.y[i])))
            .flatten()?;
        fast.then_some((i, bin))
    };
    (0..track.frames()).filter_map(one).collect()
}

/// Rate map of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateMap {
    /// Time in every bin, s.
    pub occupancy_s: Vec<f64>,
    /// Spikes per second in every bin; NaN where the animal never was.
    pub rates_hz: Vec<f64>,
    /// Spatial information; `None` without spikes.
    pub information: Option<Information>,
    /// Share of the bins that were visited.
    pub coverage: f64,
}

/// Rate map of spikes over the frames that count.
pub fn rate_map(times: &[f64], track: &Track, frames: &[(usize, usize)], grid: &Grid) -> RateMap {
    let counts = per_frame(times, track);
    let dt = track.interval().unwrap_or(0.0);
    let (mut occupancy_s, mut spikes) = (vec![0.0; grid.bins()], vec![0.0; grid.bins()]);
    for &(frame, bin) in frames {
        occupancy_s[bin] += dt;
        spikes[bin] += counts[frame];
    }
    let rate = |(n, time): (&f64, &f64)| if *time > 0.0 { n / time } else { f64::NAN };
    let rates_hz: Vec<f64> = spikes.iter().zip(&occupancy_s).map(rate).collect();
    let visited = occupancy_s.iter().filter(|time| **time > 0.0).count();
    RateMap {
        information: information(&occupancy_s, &rates_hz),
        coverage: visited as f64 / grid.area() as f64,
        occupancy_s,
        rates_hz,
    }
}
