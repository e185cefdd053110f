//! Scores of the letters of a sequence.

use crate::sequence::UNKNOWN;

/// What every letter adds to the logit at every position of a sequence, the letters that are not there as well.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    bases: Vec<u8>,
    hypothetical: Vec<f64>,
}

/// How the scores of a position are brought onto one scale before motifs are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalisation {
    /// As they are.
    #[default]
    None,
    /// Less the mean over the four letters.
    Pointwise,
    /// Times a / Σ h over the letters whose score h has the sign of a, the score of the letter that is there (Shrikumar,
    /// Prakash & Kundaje 2019, gkmexplain).
    GkmExplain,
}

impl Scores {
    /// Scores `hypothetical`, shaped \[position\]\[4\], of a sequence given by the numbers of its bases.
    ///
    /// # Panics
    /// When there are not four scores a base.
    pub fn new(bases: &[u8], hypothetical: Vec<f64>) -> Self {
        assert_eq!(hypothetical.len(), 4 * bases.len(), "four scores a base");
        Self {
            bases: bases.to_vec(),
            hypothetical,
        }
    }

    /// Numbers of the bases.
    pub fn bases(&self) -> &[u8] {
        &self.bases
    }

    /// Scores of every letter, shaped \[position\]\[4\].
    pub fn hypothetical(&self) -> &[f64] {
        &self.hypothetical
    }

    /// Scores of the letters that are there, 0 at the others, shaped \[position\]\[4\].
    pub fn actual(&self) -> Vec<f64> {
        let mut actual = vec![0.0; self.hypothetical.len()];
        for (i, importance) in self.importance().into_iter().enumerate() {
            if self.bases[i] != UNKNOWN {
                actual[i * 4 + usize::from(self.bases[i])] = importance;
            }
        }
        actual
    }

    /// Score of the letter that is there, position by position; 0 for unknown bases.
    pub fn importance(&self) -> Vec<f64> {
        self.bases
            .iter()
            .zip(self.hypothetical.as_chunks::<4>().0)
            .map(|(&base, scores)| scores.get(usize::from(base)).copied().unwrap_or(0.0))
            .collect()
    }

    /// The same scores on another scale.
    #[must_use]
    pub fn normalised(&self, how: Normalisation) -> Self {
        let mut hypothetical = self.hypothetical.clone();
        let positions = hypothetical.as_chunks_mut::<4>().0;
        for (scores, here) in positions.iter_mut().zip(self.importance()) {
            match how {
                Normalisation::None => {}
                Normalisation::Pointwise => {
                    let mean = scores.iter().sum::<f64>() / 4.0;
                    scores.iter_mut().for_each(|score| *score -= mean);
                }
                Normalisation::GkmExplain => {
                    let alike = scores.iter().filter(|score| **score * here > 0.0);
                    let sum: f64 = alike.sum();
                    let factor = here / if sum == 0.0 { 1.0 } else { sum };
                    scores.iter_mut().for_each(|score| *score *= factor);
                }
            }
        }
        Self::new(&self.bases, hypothetical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_a_position_by_hand() {
        let scores = Scores::new(
            &[2, 0, UNKNOWN],
            vec![1.0, -2.0, 3.0, 6.0, 0.0, 1.0, 2.0, 5.0, 1.0, 1.0, 1.0, 1.0],
        );
        assert_eq!(scores.importance(), [3.0, 0.0, 0.0]);
        assert_eq!(
            scores.actual(),
            [0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        );
        let pointwise = scores.normalised(Normalisation::Pointwise);
        assert_eq!(
            pointwise.hypothetical(),
            [-1.0, -4.0, 1.0, 4.0, -2.0, -1.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0]
        );
        // 1 + 3 + 6 have the sign of 3; where the letter scores 0, nothing is left.
        let gkm = scores.normalised(Normalisation::GkmExplain);
        let expected = [0.3, -0.6, 0.9, 1.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (found, expected) in gkm.hypothetical().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15);
        }
        assert_eq!(scores.normalised(Normalisation::None), scores);
    }
}
