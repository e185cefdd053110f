//! Distributions of field numbers and sizes against those of recorded place cells.
//!
//! Divergences D(P‖Q) go from the model P to the data Q and are given in bits.

use crate::error::SuccessorError;
use crate::fang2023 as paper;
use crate::fields::FieldSummary;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

mod gamma;
pub use gamma::{GammaFit, GammaLaw};

/// Field numbers and sizes of recorded neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Where they come from.
    pub name: String,
    /// Probabilities of 1, 2, 3, 4, and 5 or more fields.
    pub numbers: [f64; 5],
    /// Law of the field sizes.
    pub sizes: GammaLaw,
}

impl Recorded {
    /// Titmice (Payne, Lynch & Aronov 2021), as stored in the paper's code.
    pub fn titmice() -> Self {
        Self {
            name: "titmice (Payne, Lynch & Aronov 2021)".to_owned(),
            numbers: paper::BIRD_FIELD_NUMBERS,
            sizes: GammaLaw {
                shape: paper::BIRD_SIZE_SHAPE,
                scale: paper::BIRD_SIZE_SCALE,
            },
        }
    }

    /// From the fields of recorded neurons.
    ///
    /// # Errors
    /// No fields, or sizes that no gamma law fits.
    pub fn measured(
        name: &str,
        numbers: &[usize],
        sizes: &[f64],
        fit: GammaFit,
    ) -> Result<Self, SuccessorError> {
        Ok(Self {
            name: name.to_owned(),
            numbers: number_distribution(numbers)
                .ok_or_else(|| SuccessorError::question("no neuron has a field", "record more neurons"))?,
            sizes: GammaLaw::fit(sizes, fit)?,
        })
    }
}

/// Probabilities of 1, 2, 3, 4, and 5 or more fields among neurons that have any; `None` without such.
pub fn number_distribution(numbers: &[usize]) -> Option<[f64; 5]> {
    let with = numbers.iter().filter(|number| **number > 0);
    let n = with.clone().count() as f64;
    let mut p = [0.0; 5];
    with.for_each(|&number| p[number.min(5) - 1] += 1.0 / n);
    (n > 0.0).then_some(p)
}

/// D(P‖Q) of two distributions, nats; infinite where Q has none of what P has.
pub fn kl_counts(p: &[f64], q: &[f64]) -> f64 {
    p.iter()
        .zip(q)
        .filter(|(p, _)| **p > 0.0)
        .map(|(p, q)| p * (p / q).ln())
        .sum()
}

/// D(P‖Q) of two gamma laws, nats.
pub fn kl_gamma(p: GammaLaw, q: GammaLaw) -> f64 {
    (p.shape - q.shape) * digamma(p.shape) - ln_gamma(p.shape)
        + ln_gamma(q.shape)
        + q.shape * (q.scale.ln() - p.scale.ln())
        + p.shape * (p.scale - q.scale) / q.scale
}

/// How far the fields of a model are from recorded ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// D(model‖data) of the numbers of fields per neuron, bits.
    pub numbers_bits: f64,
    /// D(model‖data) of the field sizes, bits; `None` where no gamma law fits them.
    pub sizes_bits: Option<f64>,
    /// Law of the model's field sizes.
    pub sizes: Option<GammaLaw>,
    /// Which fit was used.
    pub fit: GammaFit,
    /// Why there is no number, where there is none.
    pub note: Option<String>,
}

impl Divergence {
    /// Sum of both, bits.
    pub fn total_bits(&self) -> Option<f64> {
        self.sizes_bits.map(|sizes| sizes + self.numbers_bits)
    }
}

/// Compares the fields of a model with recorded ones; `None` when the model has no field at all.
pub fn compare(model: &FieldSummary, data: &Recorded, fit: GammaFit) -> Option<Divergence> {
    let bits = std::f64::consts::LOG2_E;
    let p = number_distribution(&model.numbers)?;
    let law = GammaLaw::fit(&model.sizes, fit);
    let note = law.as_ref().err().map(ToString::to_string);
    let sizes = law.ok();
    Some(Divergence {
        numbers_bits: bits * kl_counts(&p, &data.numbers),
        sizes_bits: sizes.map(|law| bits * kl_gamma(law, data.sizes)),
        sizes,
        fit,
        note,
    })
}

/// How far two halves of the same data are from one another: no model can be expected to come closer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitHalf {
    /// Mean divergence of the numbers, bits.
    pub numbers_bits: f64,
    /// Mean divergence of the sizes, bits.
    pub sizes_bits: f64,
    /// Splits that could be compared.
    pub splits: usize,
}

/// How the halves are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Two halves without a common neuron or field.
    #[default]
    Disjoint,
    /// Two samples of half the size, drawn with replacement, as in the paper.
    Bootstrap,
}

/// Mean divergence between halves of recorded numbers and sizes.
///
/// # Errors
/// Fewer than four neurons or fields.
pub fn split_half(
    numbers: &[usize],
    sizes: &[f64],
    splits: usize,
    split: Split,
    fit: GammaFit,
    key: Key,
) -> Result<SplitHalf, SuccessorError> {
    if numbers.len() < 4 || sizes.len() < 4 {
        let message = format!(
            "{} neurons and {} fields cannot be halved",
            numbers.len(),
            sizes.len()
        );
        return Err(SuccessorError::question(message, "at least 4 of each"));
    }
    let bits = std::f64::consts::LOG2_E;
    let (mut sum_numbers, mut sum_sizes, mut done) = (0.0, 0.0, 0);
    for index in 0..splits {
        let mut draws = key.stream(Purpose::Bootstrap, index as u64);
        let mut halves = |n: usize| -> (Vec<usize>, Vec<usize>) {
            match split {
                Split::Bootstrap => {
                    let mut half = || (0..n / 2).map(|_| draws.random_range(0..n)).collect();
                    (half(), half())
                }
                Split::Disjoint => {
                    let mut order: Vec<usize> = (0..n).collect();
                    for i in (1..n).rev() {
                        order.swap(i, draws.random_range(0..=i));
                    }
                    (order[..n / 2].to_vec(), order[n / 2..].to_vec())
                }
            }
        };
        let (a, b) = halves(numbers.len());
        let (c, d) = halves(sizes.len());
        let pick_numbers =
            |half: &[usize]| number_distribution(&half.iter().map(|&i| numbers[i]).collect::<Vec<_>>());
        let pick_sizes =
            |half: &[usize]| GammaLaw::fit(&half.iter().map(|&i| sizes[i]).collect::<Vec<_>>(), fit);
        if let (Some(p), Some(q), Ok(g), Ok(h)) =
            (pick_numbers(&a), pick_numbers(&b), pick_sizes(&c), pick_sizes(&d))
        {
            sum_numbers += kl_counts(&p, &q.map(|q| q + paper::SPLIT_EPSILON));
            sum_sizes += kl_gamma(g, h);
            done += 1;
        }
    }
    if done == 0 {
        return Err(SuccessorError::question(
            "no split could be compared",
            "more splits, or more fields",
        ));
    }
    let mean = |sum: f64| bits * sum / done as f64;
    Ok(SplitHalf {
        numbers_bits: mean(sum_numbers),
        sizes_bits: mean(sum_sizes),
        splits: done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergences_vanish_between_equals_and_are_none_without_fields() {
        let law = GammaLaw {
            shape: 1.3,
            scale: 0.05,
        };
        assert!(kl_gamma(law, law).abs() < 1e-14);
        assert!(
            kl_gamma(
                law,
                GammaLaw {
                    shape: 1.0,
                    scale: 0.05
                }
            ) > 0.0
        );
        assert_eq!(number_distribution(&[0, 0]), None);
        assert_eq!(
            number_distribution(&[0, 1, 7, 1, 2]),
            Some([0.5, 0.25, 0.0, 0.0, 0.25])
        );
        assert!(
            compare(
                &FieldSummary::default(),
                &Recorded::titmice(),
                GammaFit::Location0
            )
            .is_none()
        );
    }

    #[test]
    fn sizes_all_equal_have_no_law_and_it_is_said() {
        let model = FieldSummary {
            numbers: vec![1, 1],
            sizes: vec![0.1, 0.1],
            ..FieldSummary::default()
        };
        let found = compare(&model, &Recorded::titmice(), GammaFit::Location0).unwrap();
        assert_eq!(found.sizes_bits, None);
        assert!(found.note.unwrap().contains("all 2 field sizes are 0.1"));
    }
}
