//! Cue combination: is the threshold for both modalities the optimum of the two?
//!
//! Song, Yang & Wang 2017, table 2: independent cues combine best when 1/σ² of both equals the sum of the two.

use super::{AnalysisError, psychometric::psychometric};
use crate::behaviour::Behaviour;
use serde::{Deserialize, Serialize};

/// Thresholds in events/s, and their inverse squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CueCombination {
    /// σ seen alone.
    pub visual: f64,
    /// σ heard alone.
    pub auditory: f64,
    /// σ of both.
    pub both: f64,
    /// 1/σ² that independent cues could reach, the sum of the two.
    pub optimum: f64,
    /// 1/σ² reached with both.
    pub reached: f64,
}

/// Compares the threshold with both cues with the optimum.
///
/// # Errors
/// No `rate` and `modality`, or a modality without a fit.
pub fn cue_combination(behaviour: &Behaviour) -> Result<CueCombination, AnalysisError> {
    behaviour.label("modality")?;
    let result = psychometric(behaviour)?;
    let sigma = |name: &str| {
        let curve = result.curve(name);
        let fit = curve.and_then(|curve| curve.least_squares);
        fit.map(|fit| fit.sigma).ok_or_else(|| AnalysisError::NoFit {
            what: format!("the psychometric function of modality `{name}`"),
            reason: curve
                .and_then(|curve| curve.not_fitted.clone())
                .unwrap_or_else(|| "it has no trials".into()),
        })
    };
    let (visual, auditory, both) = (sigma("visual")?, sigma("auditory")?, sigma("both")?);
    let optimum = visual.powi(-2) + auditory.powi(-2);
    Ok(CueCombination {
        visual,
        auditory,
        both,
        optimum,
        reached: both.powi(-2),
    })
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn thresholds_of_the_invented_animal_are_found() {
        let found = cue_combination(&synthetic::multisensory(48_000, 1)).unwrap();
        for (sigma, expected) in [found.visual, found.auditory, found.both]
            .iter()
            .zip(synthetic::RATE_SIGMA)
        {
            assert!((sigma / expected - 1.0).abs() < 0.05, "{sigma}, not {expected}");
        }
        assert!(
            (found.reached / found.optimum - 1.0).abs() < 0.1,
            "an animal that combines well"
        );
    }
}
