//! Initial parameters and connection masks of Song, Yang & Wang, eLife 6:e21492 (2017).

use neuropil_math::linalg::{LinalgError, spectral_radius};
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::cell::Cell;
use neuropil_nn::init::in_degree;
use neuropil_nn::network::{Mask, Shape};
use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, StandardNormal};
use std::collections::BTreeMap;

/// How to draw a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Initial {
    /// Factor c_in of the standard normal input weights.
    pub input_gain: f64,
    /// Fraction p₀ of units that each unit hears in every recurrent matrix, 1: all, without a mask.
    pub connection_probability: f64,
    /// Spectral radius ρ₀ of each N × N block of recurrent weights.
    pub spectral_radius: f64,
    /// Read-out bias.
    pub output_bias: f64,
    /// Which input reaches which unit, \[input\]\[unit\]; `None`: all do.
    pub input_mask: Option<Vec<bool>>,
    /// Masks of whole parameter arrays, by name, row-major; they take the place of drawn ones.
    pub masks: BTreeMap<String, Vec<bool>>,
    /// Initial values of whole parameter arrays, by name, row-major, used as they are; a recurrent array without a mask
    /// has the connections that are not 0.
    pub values: BTreeMap<String, Vec<f64>>,
    /// Dale's law, if it holds.
    pub dale: Option<Dale>,
}

impl Default for Initial {
    /// Dense, spectral radius 2, as the value network of Song, Yang & Wang (2017) but for its input gain.
    fn default() -> Self {
        Self {
            input_gain: 1.0,
            connection_probability: 1.0,
            spectral_radius: 2.0,
            output_bias: 0.0,
            input_mask: None,
            masks: BTreeMap::new(),
            values: BTreeMap::new(),
            dale: None,
        }
    }
}

/// Dale's law: a unit excites all units that it reaches, or inhibits them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dale {
    /// +1 excites, −1 inhibits, 0 is free; one per unit.
    pub signs: Vec<i8>,
    /// Every unit must hear both kinds; if not, only units that do are balanced.
    pub balanced: bool,
    /// Units that inhibit are not read out.
    pub excitatory_readout: bool,
}

impl Dale {
    /// The first `n_excitatory` of `n` units excite, the others inhibit, and both are balanced onto every unit.
    pub fn population(n_excitatory: usize, n: usize, excitatory_readout: bool) -> Self {
        Self {
            signs: (0..n).map(|i| if i < n_excitatory { 1 } else { -1 }).collect(),
            balanced: true,
            excitatory_readout,
        }
    }

    fn units(&self, sign: i8) -> Vec<usize> {
        (0..self.signs.len()).filter(|&i| self.signs[i] == sign).collect()
    }
}

/// A network that cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// So few connections that no draw has a loop.
    #[error(
        "no recurrent loop in 100 draws of {n_units} units with connection probability {connection_probability}: the \
         weights cannot be scaled to a spectral radius"
    )]
    NoLoop {
        /// Number of units N.
        n_units: usize,
        /// Connection probability p₀.
        connection_probability: f64,
    },
    /// A given mask without a loop.
    #[error("the mask of `{array}` has no recurrent loop: its weights cannot be scaled to a spectral radius")]
    MaskWithoutLoop {
        /// Parameter array.
        array: &'static str,
    },
    /// A given mask leaves a unit without one kind of partner.
    #[error(
        "the mask of `{array}` lets unit {unit} hear no {kind} unit: excitation and inhibition cannot be balanced"
    )]
    Unbalanced {
        /// Parameter array.
        array: &'static str,
        /// Postsynaptic unit, from 0.
        unit: usize,
        /// The kind it lacks.
        kind: &'static str,
    },
    /// Eigenvalues could not be computed.
    #[error(transparent)]
    Eigenvalues(#[from] LinalgError),
}

/// Recurrent magnitudes have mean 1 and standard deviation ½.
const GAMMA_SHAPE: f64 = 4.0;
const SMALLEST_RADIUS: f64 = 1e-12;
const DRAWS: u64 = 100;

/// Draws parameters (flat, in the layout of `shape`) and mask.
///
/// Each unit has exactly ⌊p₀N⌋ presynaptic partners in each of the recurrent blocks, drawn without replacement;
/// magnitudes are Gamma(4, ¼) with random signs, and each masked block is scaled to the spectral radius. Given masks
/// and values take the place of drawn ones.
///
/// # Errors
/// [`InitError::NoLoop`] if a masked block has spectral radius 0 in 100 draws (tiny N and p₀).
pub fn draw(
    shape: Shape,
    initial: &Initial,
    key: Key,
    weights: Purpose,
    masks: Purpose,
) -> Result<(Vec<f64>, Mask), InitError> {
    let layout = shape.layout();
    let (mut params, mut mask) = (shape.initial(), vec![true; layout.len()]);
    layout.view_mut(&mut params, "b_out").fill(initial.output_bias);
    if shape.cell == Cell::Linear {
        return Ok((params, Mask(mask)));
    }
    let (n, blocks) = (shape.n_units, shape.cell.blocks());
    let mut stream = key.stream(weights, 0);
    for w in layout.view_mut(&mut params, "w_in") {
        let z: f64 = StandardNormal.sample(&mut stream);
        *w = initial.input_gain * z;
    }
    if let Some(reaches) = &initial.input_mask {
        let exists = layout.view_mut(&mut mask, "w_in");
        for (i, flag) in exists.iter_mut().enumerate() {
            let (input, unit) = (i / (blocks * n), i % n);
            *flag = reaches[input * n + unit];
        }
    }
    for (name, given) in &initial.masks {
        for (flag, &given) in layout.view_mut(&mut mask, name).iter_mut().zip(given) {
            *flag &= given;
        }
    }
    if let Some(dale) = initial.dale.as_ref().filter(|dale| dale.excitatory_readout) {
        let read = layout.view_mut(&mut mask, "w_out");
        for unit in dale.units(-1) {
            read[unit * shape.n_outputs..][..shape.n_outputs].fill(false);
        }
    }
    zero_masked(layout.view_mut(&mut params, "w_in"), layout.view(&mask, "w_in"));
    let gates = shape.cell.gates();
    for block in 0..=gates {
        let (name, columns, from) = if block < gates {
            ("w_gates", gates * n, block * n)
        } else {
            ("w_rec", n, 0)
        };
        if initial.values.contains_key(name) {
            continue;
        }
        let given = initial.masks.get(name).map(|given| -> Vec<bool> {
            let row = |pre: usize| &given[pre * columns + from..][..n];
            (0..n).flat_map(row).copied().collect()
        });
        let given = given.map(|mask| (name, mask));
        let (w, exists) = recurrent_block(n, initial, given.as_ref(), key, weights, masks, block as u64)?;
        for pre in 0..n {
            layout.view_mut(&mut params, name)[pre * columns + from..][..n]
                .copy_from_slice(&w[pre * n..][..n]);
            layout.view_mut(&mut mask, name)[pre * columns + from..][..n]
                .copy_from_slice(&exists[pre * n..][..n]);
        }
    }
    for (name, values) in &initial.values {
        let exists = layout.view_mut(&mut mask, name);
        if matches!(&name[..], "w_rec" | "w_gates") && !initial.masks.contains_key(name) {
            exists
                .iter_mut()
                .zip(values)
                .for_each(|(exists, &w)| *exists = w != 0.0);
        }
        let params = layout.view_mut(&mut params, name);
        params.copy_from_slice(values);
        zero_masked(params, exists);
    }
    Ok((params, Mask(mask)))
}

fn zero_masked(weights: &mut [f64], exists: &[bool]) {
    for (w, &exists) in weights.iter_mut().zip(exists) {
        if !exists {
            *w = 0.0;
        }
    }
}

/// One N × N block, from × to, and its mask; `given`: name of its array and the block of the mask for it.
fn recurrent_block(
    n: usize,
    initial: &Initial,
    given: Option<&(&'static str, Vec<bool>)>,
    key: Key,
    weights: Purpose,
    masks: Purpose,
    block: u64,
) -> Result<(Vec<f64>, Vec<bool>), InitError> {
    let magnitude = Gamma::new(GAMMA_SHAPE, 1.0 / GAMMA_SHAPE).expect("shape and scale are positive");
    for attempt in 0..DRAWS {
        let index = (block + 1) * DRAWS + attempt; // stream 0 draws the input weights
        let (mut weight_stream, mut mask_stream) = (key.stream(weights, index), key.stream(masks, index));
        let exists = match given {
            Some((_, mask)) => mask.clone(),
            None => partners(n, initial, &mut mask_stream),
        };
        let mut w: Vec<f64> = (0..n * n)
            .map(|i| {
                let size = magnitude.sample(&mut weight_stream);
                let positive = weight_stream.random::<bool>();
                let sign = initial.dale.as_ref().map_or(0, |dale| dale.signs[i / n]);
                let positive = sign > 0 || (sign == 0 && positive);
                if positive { size } else { -size }
            })
            .collect();
        zero_masked(&mut w, &exists);
        if let Some(dale) = &initial.dale {
            let array = given.map_or("w_rec", |(array, _)| array);
            balance(&mut w, n, dale.balanced).map_err(|(unit, kind)| InitError::Unbalanced {
                array,
                unit,
                kind,
            })?;
        }
        let radius = spectral_radius(&w, n)?;
        if radius > SMALLEST_RADIUS {
            w.iter_mut().for_each(|w| *w *= initial.spectral_radius / radius);
            return Ok((w, exists));
        }
        if let Some((array, _)) = given {
            return Err(InitError::MaskWithoutLoop { array });
        }
    }
    Err(InitError::NoLoop {
        n_units: n,
        connection_probability: initial.connection_probability,
    })
}

/// Who hears whom, from × to: ⌊p₀N⌋ partners for each unit. Where every unit has a sign, excitatory and inhibitory ones
/// in the proportion of the population, at least one of each.
fn partners(n: usize, initial: &Initial, stream: &mut ChaCha8Rng) -> Vec<bool> {
    if initial.connection_probability >= 1.0 {
        return vec![true; n * n];
    }
    let k = (initial.connection_probability * n as f64).floor() as usize;
    let kinds = initial.dale.as_ref().map(|dale| [dale.units(1), dale.units(-1)]);
    let kinds = kinds.filter(|[excite, inhibit]| {
        !excite.is_empty() && !inhibit.is_empty() && excite.len() + inhibit.len() == n
    });
    let Some([excite, inhibit]) = &kinds else {
        return in_degree(n, n, k, stream);
    };
    let mut exists = vec![false; n * n];
    for post in 0..n {
        let (n_excitatory, n_inhibitory) = (excite.len(), inhibit.len());
        let share = (k as f64 * n_excitatory as f64 / n as f64).round() as usize;
        let excitatory = share
            .clamp(1, k.saturating_sub(1).max(1))
            .max(k.saturating_sub(n_inhibitory))
            .min(n_excitatory);
        for pre in index::sample(stream, n_excitatory, excitatory) {
            exists[excite[pre] * n + post] = true;
        }
        for pre in index::sample(stream, n_inhibitory, (k - excitatory).min(n_inhibitory)) {
            exists[inhibit[pre] * n + post] = true;
        }
    }
    exists
}

/// Scales inhibition onto every unit so that it equals excitation; a unit that lacks one kind is left as it is or, where
/// both are `needed`, returned with the kind.
fn balance(w: &mut [f64], n: usize, needed: bool) -> Result<(), (usize, &'static str)> {
    for post in 0..n {
        let onto = |sign: f64| (0..n).map(|pre| (sign * w[pre * n + post]).max(0.0)).sum::<f64>();
        let (excitation, inhibition) = (onto(1.0), onto(-1.0));
        if excitation == 0.0 || inhibition == 0.0 {
            let lacking = if excitation == 0.0 {
                "excitatory"
            } else {
                "inhibitory"
            };
            if needed {
                return Err((post, lacking));
            }
            continue;
        }
        for pre in 0..n {
            if w[pre * n + post] < 0.0 {
                w[pre * n + post] *= excitation / inhibition;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        cell: Cell::Gated,
        n_units: 100,
        n_inputs: 3,
        n_outputs: 3,
    };

    fn initial(connection_probability: f64) -> Initial {
        Initial {
            input_gain: 10.0_f64.sqrt() / 3.0,
            connection_probability,
            spectral_radius: 2.0,
            output_bias: -1.0,
            ..Initial::default()
        }
    }

    #[test]
    fn every_unit_hears_the_same_number_of_partners_and_blocks_have_the_radius() {
        let (params, mask) = draw(
            SHAPE,
            &initial(0.1),
            Key::new(1),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        )
        .unwrap();
        let layout = SHAPE.layout();
        for (name, columns) in [("w_gates", 200), ("w_rec", 100)] {
            let (w, exists) = (layout.view(&params, name), layout.view(&mask.0, name));
            for post in 0..columns {
                assert_eq!((0..100).filter(|pre| exists[pre * columns + post]).count(), 10);
            }
            for from in (0..columns).step_by(100) {
                let block: Vec<f64> = (0..10_000)
                    .map(|i| w[i / 100 * columns + from + i % 100])
                    .collect();
                assert!((spectral_radius(&block, 100).unwrap() - 2.0).abs() < 1e-6);
            }
        }
        assert!(layout.view(&params, "x0").iter().all(|&x| x == 0.5));
        assert!(layout.view(&params, "w_out").iter().all(|&w| w == 0.0));
        assert!(layout.view(&params, "b_out").iter().all(|&b| b == -1.0));
    }

    #[test]
    fn magnitudes_follow_the_gamma_law_and_signs_are_even() {
        let (params, _) = draw(
            SHAPE,
            &initial(1.0),
            Key::new(3),
            Purpose::InitValue,
            Purpose::MaskValue,
        )
        .unwrap();
        let mut w = SHAPE.layout().view(&params, "w_rec").to_vec();
        let positive = w.iter().filter(|&&w| w > 0.0).count() as f64;
        assert!(
            (positive - 5000.0).abs() < 5.0 * 50.0,
            "{positive} of 10000 positive"
        );
        w.iter_mut().for_each(|w| *w = w.abs());
        let mean = w.iter().sum::<f64>() / 1e4;
        w.iter_mut().for_each(|w| *w /= mean);
        w.sort_by(f64::total_cmp);
        // Gamma(4, 1/4): P(x ≤ w) = 1 − e^{−4w} Σ_{k<4} (4w)^k/k!
        let cdf = |w: f64| 1.0 - (-4.0 * w).exp() * (1.0 + 4.0 * w + 8.0 * w * w + 32.0 / 3.0 * w * w * w);
        let d = w.iter().enumerate().fold(0.0_f64, |d, (i, &w)| {
            d.max((cdf(w) - (i as f64 + 0.5) / 1e4).abs())
        });
        assert!(
            d * 100.0 < 1.63,
            "Kolmogorov–Smirnov √n·D = {}: p < 0.01",
            d * 100.0
        );
    }

    #[test]
    fn a_network_without_loops_is_refused() {
        let shape = Shape { n_units: 1, ..SHAPE };
        let none = draw(
            shape,
            &initial(0.5),
            Key::new(1),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        );
        assert!(matches!(none, Err(InitError::NoLoop { n_units: 1, .. })));
    }

    #[test]
    fn under_dales_law_units_keep_one_sign_and_excitation_equals_inhibition() {
        for connection_probability in [0.1, 1.0] {
            let initial = Initial {
                dale: Some(Dale::population(80, 100, true)),
                ..initial(connection_probability)
            };
            let (params, mask) = draw(
                SHAPE,
                &initial,
                Key::new(4),
                Purpose::InitPolicy,
                Purpose::MaskPolicy,
            )
            .unwrap();
            let layout = SHAPE.layout();
            for (name, columns) in [("w_gates", 200), ("w_rec", 100)] {
                let (w, exists) = (layout.view(&params, name), layout.view(&mask.0, name));
                for post in 0..columns {
                    let weights: Vec<f64> = (0..100).map(|pre| w[pre * columns + post]).collect();
                    assert!(weights[..80].iter().all(|&w| w >= 0.0));
                    assert!(weights[80..].iter().all(|&w| w <= 0.0));
                    let (e, i): (f64, f64) = (weights[..80].iter().sum(), weights[80..].iter().sum());
                    assert!(e > 0.0 && (e + i).abs() < 1e-9 * e, "{name} {post}: {e} and {i}");
                    let heard = (0..100).filter(|pre| exists[pre * columns + post]);
                    let expected = if connection_probability < 1.0 { 10 } else { 100 };
                    assert_eq!(heard.count(), expected);
                }
                for from in (0..columns).step_by(100) {
                    let block: Vec<f64> = (0..10_000)
                        .map(|i| w[i / 100 * columns + from + i % 100])
                        .collect();
                    assert!((spectral_radius(&block, 100).unwrap() - 2.0).abs() < 1e-6);
                }
            }
            let read = layout.view(&mask.0, "w_out");
            assert!(read[..240].iter().all(|&read| read) && read[240..].iter().all(|&read| !read));
        }
    }

    #[test]
    fn given_masks_take_the_place_of_drawn_ones() {
        let n = SHAPE.n_units;
        let ring: Vec<bool> = (0..n * n).map(|i| (i / n + 1) % n == i % n).collect();
        let mut with_ring = Initial {
            masks: BTreeMap::from([("w_rec".to_owned(), ring.clone())]),
            ..initial(0.1)
        };
        let drawn = |initial: &Initial| {
            draw(
                SHAPE,
                initial,
                Key::new(4),
                Purpose::InitPolicy,
                Purpose::MaskPolicy,
            )
        };
        let (params, mask) = drawn(&with_ring).unwrap();
        let layout = SHAPE.layout();
        assert_eq!(layout.view(&mask.0, "w_rec"), ring);
        for (w, exists) in layout.view(&params, "w_rec").iter().zip(&ring) {
            assert_eq!(*w != 0.0, *exists);
        }
        let chain = ring.iter().enumerate().map(|(i, &exists)| exists && i % n != 0);
        with_ring.masks.insert("w_rec".to_owned(), chain.collect());
        assert!(matches!(
            drawn(&with_ring),
            Err(InitError::MaskWithoutLoop { array: "w_rec" })
        ));
    }

    #[test]
    fn given_signs_hold_and_only_units_that_hear_both_kinds_are_balanced() {
        let n = SHAPE.n_units;
        let signs: Vec<i8> = (0..n).map(|i| [1, 0, -1, 1][i % 4]).collect();
        // Unit 0 hears none that inhibits.
        let heard: Vec<bool> = (0..n * n).map(|i| i % n != 0 || signs[i / n] == 1).collect();
        let initial = Initial {
            masks: BTreeMap::from([("w_rec".to_owned(), heard)]),
            dale: Some(Dale {
                signs: signs.clone(),
                balanced: false,
                excitatory_readout: true,
            }),
            ..initial(1.0)
        };
        let (params, mask) = draw(
            SHAPE,
            &initial,
            Key::new(4),
            Purpose::InitPolicy,
            Purpose::MaskPolicy,
        )
        .unwrap();
        let layout = SHAPE.layout();
        let w = layout.view(&params, "w_rec");
        for post in 0..n {
            let onto: Vec<f64> = (0..n).map(|pre| w[pre * n + post]).collect();
            assert!(
                onto.iter()
                    .zip(&signs)
                    .all(|(w, &sign)| w * f64::from(sign) >= 0.0)
            );
            let free = onto
                .iter()
                .zip(&signs)
                .filter(|(w, sign)| **sign == 0 && **w != 0.0);
            let positive = free.clone().filter(|(w, _)| **w > 0.0).count();
            assert!(post == 0 || (0 < positive && positive < free.count()));
            let (sum, size): (f64, f64) = (onto.iter().sum(), onto.iter().map(|w| w.abs()).sum());
            assert_eq!(sum.abs() < 1e-9 * size, post != 0, "unit {post}: {sum} of {size}");
        }
        let read = layout.view(&mask.0, "w_out");
        assert!((0..n).all(|unit| read[3 * unit] == (signs[unit] >= 0)));
    }

    #[test]
    fn given_values_are_used_as_they_are_and_zeros_are_absent_connections() {
        let n = SHAPE.n_units;
        let ring: Vec<f64> = (0..n * n)
            .map(|i| if (i / n + 1) % n == i % n { 0.3 } else { 0.0 })
            .collect();
        let mut initial = initial(0.1);
        initial.values.insert("w_rec".to_owned(), ring.clone());
        initial.values.insert("x0".to_owned(), vec![0.25; n]);
        let drawn = |initial: &Initial| {
            draw(
                SHAPE,
                initial,
                Key::new(4),
                Purpose::InitPolicy,
                Purpose::MaskPolicy,
            )
            .unwrap()
        };
        let (params, mask) = drawn(&initial);
        let layout = SHAPE.layout();
        assert_eq!(layout.view(&params, "w_rec"), ring, "not scaled");
        assert!(layout.view(&params, "x0").iter().all(|&x| x == 0.25));
        let exists = layout.view(&mask.0, "w_rec");
        assert!(exists.iter().zip(&ring).all(|(&exists, &w)| exists == (w != 0.0)));
        let all_but_one = (0..n * n).map(|i| i != 1).collect();
        initial.masks.insert("w_rec".to_owned(), all_but_one);
        let (params, mask) = drawn(&initial);
        assert_eq!(
            layout
                .view(&mask.0, "w_rec")
                .iter()
                .filter(|&&exists| exists)
                .count(),
            n * n - 1
        );
        assert_eq!(layout.view(&params, "w_rec")[1], 0.0);
    }
}
