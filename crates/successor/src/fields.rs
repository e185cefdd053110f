//! Place fields on rate maps, against circular shifts of the activity.
//!
//! A bin belongs to a field when its smoothed rate exceeds that of more than 99 % of the shifts; fields are connected
//! stretches of such bins of at least 0.716 % of the arena (Fang et al. 2023, Methods; Henriksen et al., Neuron 68, 127,
//! 2010). Maps are lists over bins, x · height + y; bins that do not exist or were never visited are NaN.

use crate::error::SuccessorError;
use crate::fang2023::{LEAST_FIELD, SHUFFLE_LEVEL, SHUFFLES, SMOOTHING_RATIO};
use crate::matrix::Matrix;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

mod information;
pub use information::{Information, information, information_z};

/// Bins of an arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Bins along x.
    pub width: usize,
    /// Bins along y.
    pub height: usize,
    /// Whether each bin exists: false outside a round arena.
    pub exists: Vec<bool>,
}

impl Grid {
    /// A full rectangle.
    pub fn full(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            exists: vec![true; width * height],
        }
    }

    /// Number of bins, those that do not exist included.
    pub fn bins(&self) -> usize {
        self.width * self.height
    }

    /// Number of bins that exist.
    pub fn area(&self) -> usize {
        self.exists.iter().filter(|exists| **exists).count()
    }
}

/// What lies outside the arena for the smoothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Rate 0, as the paper's figures were made: maps darken at the walls.
    #[default]
    Zero,
    /// Nothing: only bins that were visited count.
    Renormalise,
}

/// How maps are made and fields found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldSettings {
    /// Share of the arena that the smoothing window covers; 0: no smoothing.
    pub smoothing: f64,
    /// What lies outside the arena, for the model's maps; those of recorded units are always renormalised.
    pub edge: Edge,
    /// Circular shifts.
    pub shuffles: usize,
    /// Share of the shifts that a bin must exceed.
    pub level: f64,
    /// Smallest field as a share of the arena.
    pub least_field: f64,
    /// Whether bins that were never visited take a value from their neighbours, as the paper's do; in maps of recorded units they
    /// stay empty.
    pub fill_unvisited: bool,
    /// Shortest shift, frames.
    pub least_shift: usize,
}

impl Default for FieldSettings {
    fn default() -> Self {
        Self {
            smoothing: SMOOTHING_RATIO,
            edge: Edge::Zero,
            shuffles: SHUFFLES,
            level: SHUFFLE_LEVEL,
            least_field: LEAST_FIELD,
            fill_unvisited: true,
            least_shift: 1,
        }
    }
}

impl FieldSettings {
    /// What cannot be meant.
    ///
    /// # Errors
    /// Shares outside [0, 1], no shuffles, or too few frames to shift.
    pub fn check(&self, frames: usize) -> Result<(), SuccessorError> {
        for (what, share) in [
            ("the smoothing", self.smoothing),
            ("the level", self.level),
            ("the smallest field", self.least_field),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(SuccessorError::setting(what, share, "between 0 and 1"));
            }
        }
        if self.level >= 1.0 {
            return Err(SuccessorError::setting(
                "the level",
                self.level,
                "below 1: nothing exceeds more than all shuffles",
            ));
        }
        if self.shuffles == 0 {
            return Err(SuccessorError::setting("the number of shuffles", 0, "at least 1"));
        }
        if frames <= self.shuffles || frames < 2 * self.least_shift.max(1) + 1 {
            let message = format!(
                "{frames} samples of the walk are too few for {} circular shifts of at least {}",
                self.shuffles, self.least_shift
            );
            let most = frames.saturating_sub(1).min(self.shuffles);
            return Err(SuccessorError::question(
                message,
                format!("`--shuffles {}` or fewer, or a longer session", most.max(1)),
            ));
        }
        Ok(())
    }
}

/// Smoothing kernel: outer product of Hamming windows that cover `ratio` of a square of `side` bins, sum 1.
///
/// Returns its width and values.
pub fn smoothing_kernel(side: f64, ratio: f64) -> (usize, Vec<f64>) {
    let w = ((side * side * ratio).sqrt() as usize).max(1);
    let w = if w.is_multiple_of(2) { w + 1 } else { w };
    let hamming = |i: usize| match w {
        1 => 1.0,
        _ => 0.54 - 0.46 * (std::f64::consts::TAU * i as f64 / (w - 1) as f64).cos(),
    };
    let mut kernel: Vec<f64> = (0..w * w).map(|k| hamming(k / w) * hamming(k % w)).collect();
    let sum: f64 = kernel.iter().sum();
    kernel.iter_mut().for_each(|x| *x /= sum);
    (w, kernel)
}

/// Smoothing of maps on one grid: the weights of every bin, once.
#[derive(Clone, Debug)]
pub struct Smoother {
    /// For each bin, the bins it takes from and with which weight; divided by the weights of those that are known.
    taps: Vec<Vec<(usize, f64)>>,
    /// Weight of what lies outside and counts as 0.
    outside: Vec<f64>,
    fill: bool,
    exists: Vec<bool>,
}

impl Smoother {
    /// Smoothing on `grid` as `settings` say.
    pub fn new(grid: &Grid, settings: &FieldSettings) -> Self {
        let side = (grid.bins() as f64).sqrt();
        let (w, kernel) = smoothing_kernel(side, settings.smoothing);
        let half = (w / 2) as isize;
        let (mut taps, mut outside) = (vec![Vec::new(); grid.bins()], vec![0.0; grid.bins()]);
        for bin in (0..grid.bins()).filter(|&bin| grid.exists[bin]) {
            let (x, y) = ((bin / grid.height) as isize, (bin % grid.height) as isize);
            for (k, &weight) in kernel.iter().enumerate() {
                let (dx, dy) = (k as isize / w as isize - half, k as isize % w as isize - half);
                let (to_x, to_y) = (x + dx, y + dy);
                let inside =
                    (0..grid.width as isize).contains(&to_x) && (0..grid.height as isize).contains(&to_y);
                match inside {
                    true => {
                        let from = to_x as usize * grid.height + to_y as usize;
                        if grid.exists[from] {
                            taps[bin].push((from, weight));
                        } else if settings.edge == Edge::Zero {
                            outside[bin] += weight;
                        }
                    }
                    false if settings.edge == Edge::Zero => outside[bin] += weight,
                    false => {}
                }
            }
        }
        Self {
            taps,
            outside,
            fill: settings.fill_unvisited,
            exists: grid.exists.clone(),
        }
    }

    /// A map smoothed over the bins that have a value; NaN where none is near.
    pub fn smooth(&self, map: &[f64]) -> Vec<f64> {
        let one = |bin: usize| {
            if !self.exists[bin] || (!self.fill && !map[bin].is_finite()) {
                return f64::NAN;
            }
            let (mut sum, mut weights) = (0.0, self.outside[bin]);
            for &(from, weight) in &self.taps[bin] {
                if map[from].is_finite() {
                    sum += weight * map[from];
                    weights += weight;
                }
            }
            if weights > 0.0 { sum / weights } else { f64::NAN }
        };
        (0..map.len()).map(one).collect()
    }
}

/// Mean activity in every bin; NaN where no frame is.
///
/// - `bins`: bin of each frame
/// - `activity`: value of each frame
pub fn rate_map(bins: &[usize], activity: &[f64], n_bins: usize) -> Vec<f64> {
    shifted_map(bins, activity, 0, &occupancy(bins, n_bins))
}

/// Frames in every bin.
pub fn occupancy(bins: &[usize], n_bins: usize) -> Vec<f64> {
    let mut frames = vec![0.0; n_bins];
    bins.iter().for_each(|&bin| frames[bin] += 1.0);
    frames
}

fn shifted_map(bins: &[usize], activity: &[f64], shift: usize, frames: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; frames.len()];
    let (moved, stayed) = activity.split_at(activity.len() - shift % activity.len().max(1));
    for (&bin, &a) in bins.iter().zip(stayed.iter().chain(moved)) {
        sums[bin] += a;
    }
    sums.iter()
        .zip(frames)
        .map(|(sum, n)| if *n > 0.0 { sum / n } else { f64::NAN })
        .collect()
}

/// The fields of one neuron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// Smoothed rate map.
    pub map: Vec<f64>,
    /// Rate map as it is.
    pub raw: Vec<f64>,
    /// Bins that exceed the shuffles.
    pub significant: Vec<bool>,
    /// Bins of each field.
    pub fields: Vec<Vec<usize>>,
}

impl Fields {
    /// Bins of each field, counted.
    pub fn areas(&self) -> Vec<usize> {
        self.fields.iter().map(Vec::len).collect()
    }
}

/// What the fields of many neurons come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// Number of fields of each neuron.
    pub numbers: Vec<usize>,
    /// Size of every field as a share of the arena.
    pub sizes: Vec<f64>,
    /// Mean size of the fields; `None` without any.
    pub mean_size: Option<f64>,
    /// Mean number of fields per neuron, those without any included.
    pub per_neuron: f64,
    /// Share of neurons with exactly one.
    pub one_field: f64,
    /// Share of neurons with none.
    pub no_field: f64,
}

/// Finds the fields of one neuron against given circular shifts.
///
/// # Panics
/// When frames and activity differ in number.
pub fn detect(
    bins: &[usize],
    activity: &[f64],
    shifts: &[usize],
    grid: &Grid,
    smoother: &Smoother,
    settings: &FieldSettings,
) -> Fields {
    assert_eq!(bins.len(), activity.len(), "one value per frame");
    let frames = occupancy(bins, grid.bins());
    let raw = shifted_map(bins, activity, 0, &frames);
    let map = smoother.smooth(&raw);
    let mut above = vec![0_usize; grid.bins()];
    for &shift in shifts {
        let shuffled = smoother.smooth(&shifted_map(bins, activity, shift, &frames));
        for ((above, map), shuffled) in above.iter_mut().zip(&map).zip(&shuffled) {
            *above += usize::from(map > shuffled);
        }
    }
    let needed = settings.level * shifts.len() as f64;
    let significant: Vec<bool> = above.iter().map(|&above| above as f64 > needed).collect();
    let least = settings.least_field * grid.area() as f64;
    let fields = connected(&significant, grid)
        .into_iter()
        .filter(|field| field.len() as f64 >= least)
        .collect();
    Fields {
        map,
        raw,
        significant,
        fields,
    }
}

/// Connected stretches of a mask, corners included, in the order of their first bins.
fn connected(mask: &[bool], grid: &Grid) -> Vec<Vec<usize>> {
    let mut left = mask.to_vec();
    let mut parts = Vec::new();
    for first in 0..mask.len() {
        if !left[first] {
            continue;
        }
        left[first] = false;
        let (mut part, mut next) = (vec![first], 0);
        while next < part.len() {
            let (x, y) = (part[next] / grid.height, part[next] % grid.height);
            next += 1;
            for to_x in x.saturating_sub(1)..=(x + 1).min(grid.width - 1) {
                for to_y in y.saturating_sub(1)..=(y + 1).min(grid.height - 1) {
                    let to = to_x * grid.height + to_y;
                    if std::mem::replace(&mut left[to], false) {
                        part.push(to);
                    }
                }
            }
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

/// Finds the fields of many neurons, each against its own random shifts.
///
/// - `bins`: bin of each frame
/// - `activity`: neurons × frames
///
/// # Errors
/// Settings that cannot be meant; fewer frames than shuffles.
pub fn detect_all(
    bins: &[usize],
    activity: &Matrix,
    grid: &Grid,
    settings: &FieldSettings,
    key: Key,
) -> Result<Vec<Fields>, SuccessorError> {
    settings.check(bins.len())?;
    if activity.columns() != bins.len() {
        let expected = format!("{}, one per position", bins.len());
        return Err(SuccessorError::setting(
            "the number of frames of activity",
            activity.columns(),
            expected,
        ));
    }
    let smoother = Smoother::new(grid, settings);
    let one = |neuron: usize| {
        let shifts = random_shifts(bins.len(), settings, key, neuron as u64);
        detect(bins, activity.row(neuron), &shifts, grid, &smoother, settings)
    };
    Ok((0..activity.rows()).into_par_iter().map(one).collect())
}

fn random_shifts(frames: usize, settings: &FieldSettings, key: Key, neuron: u64) -> Vec<usize> {
    let mut draws = key.stream(Purpose::Permutation, neuron);
    let least = settings.least_shift.max(1);
    (0..settings.shuffles)
        .map(|_| draws.random_range(least..=frames - least))
        .collect()
}

/// Fields of many neurons whose activity is a function of the state alone.
///
/// - `of_state`: states × neurons
///
/// # Errors
/// As [`detect_all`].
pub fn detect_of_states(
    states: &[usize],
    of_state: &Matrix,
    grid: &Grid,
    settings: &FieldSettings,
    key: Key,
) -> Result<Vec<Fields>, SuccessorError> {
    settings.check(states.len())?;
    let smoother = Smoother::new(grid, settings);
    let one = |neuron: usize| {
        let activity: Vec<f64> = states.iter().map(|&state| of_state[(state, neuron)]).collect();
        let shifts = random_shifts(states.len(), settings, key, neuron as u64);
        detect(states, &activity, &shifts, grid, &smoother, settings)
    };
    Ok((0..of_state.columns()).into_par_iter().map(one).collect())
}

/// What the fields of many neurons come to.
pub fn summarise(fields: &[Fields], grid: &Grid) -> FieldSummary {
    let area = grid.area() as f64;
    let numbers: Vec<usize> = fields.iter().map(|fields| fields.fields.len()).collect();
    let sizes: Vec<f64> = fields
        .iter()
        .flat_map(Fields::areas)
        .map(|bins| bins as f64 / area)
        .collect();
    let n = numbers.len().max(1) as f64;
    let share = |k: usize| numbers.iter().filter(|&&number| number == k).count() as f64 / n;
    FieldSummary {
        mean_size: (!sizes.is_empty()).then(|| sizes.iter().sum::<f64>() / sizes.len() as f64),
        per_neuron: numbers.iter().sum::<usize>() as f64 / n,
        one_field: share(1),
        no_field: share(0),
        numbers,
        sizes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_was_put_and_noise_has_none() {
        let grid = Grid::full(10, 10);
        let mut draws = Key::new(1).stream(Purpose::Test, 0);
        let (mut x, mut y) = (5_i32, 5_i32);
        let bins: Vec<usize> = (0..4000)
            .map(|_| {
                x = (x + draws.random_range(-1..=1)).clamp(0, 9);
                y = (y + draws.random_range(-1..=1)).clamp(0, 9);
                (x * 10 + y) as usize
            })
            .collect();
        let near = |bin: usize| {
            (-(((bin / 10) as f64 - 3.0).powi(2) + ((bin % 10) as f64 - 6.0).powi(2)) / 3.0).exp()
        };
        let place: Vec<f64> = bins.iter().map(|&bin| near(bin)).collect();
        let silent = vec![0.0; bins.len()];
        let activity = Matrix::from_rows(&[place, silent]);
        let found = detect_all(&bins, &activity, &grid, &FieldSettings::default(), Key::new(2)).unwrap();
        assert_eq!(found[0].fields.len(), 1);
        assert!(found[0].fields[0].contains(&36));
        assert!(found[1].fields.is_empty(), "a silent neuron has no field");
        let summary = summarise(&found, &grid);
        assert_eq!((summary.one_field, summary.no_field), (0.5, 0.5));
    }

    #[test]
    fn bins_never_visited_stay_empty_when_asked() {
        let grid = Grid::full(3, 3);
        let map = [1.0, 1.0, f64::NAN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let settings = FieldSettings {
            edge: Edge::Renormalise,
            fill_unvisited: false,
            smoothing: 0.9,
            ..FieldSettings::default()
        };
        let smooth = Smoother::new(&grid, &settings).smooth(&map);
        assert!(smooth[2].is_nan());
        assert!(
            smooth
                .iter()
                .enumerate()
                .all(|(i, x)| i == 2 || (x - 1.0).abs() < 1e-12),
            "edges and gaps lower nothing"
        );
    }

    #[test]
    fn too_short_sessions_and_levels_out_of_reach_are_refused() {
        let settings = FieldSettings::default();
        assert!(
            settings
                .check(40)
                .unwrap_err()
                .to_string()
                .contains("40 samples of the walk are too few for 40 circular shifts")
        );
        assert!(
            FieldSettings {
                level: 1.0,
                ..settings
            }
            .check(1000)
            .is_err()
        );
        assert!(
            FieldSettings {
                shuffles: 0,
                ..settings
            }
            .check(1000)
            .is_err()
        );
        assert!(information(&[1.0, 1.0], &[0.0, 0.0]).is_none());
    }
}
