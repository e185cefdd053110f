//! One forward pass over a batch, and its backward pass.

use super::encoder::{self, Layer, LayerPass, Weights};
use super::{Dropout, Encoder, Network};
use crate::worm::Point;
use neuropil_math::exponential::exp;
use neuropil_math::real::Real;
use neuropil_math::simd::vectorised;
use neuropil_nn::layer::norm::Statistics;
use neuropil_nn::layer::{dense, norm};
use neuropil_nn::matmul::{Matrix, add_product};
use std::borrow::Cow;
use std::ops::Range;

/// By which statistics the embedding is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// Running ones: inference.
    Running,
    /// Those of the neurons of the batch: training.
    Batch,
    /// Those of the batch filled up with zeros to its largest worm, as the published program trains; what a worm
    /// contributes then depends on the worms beside it.
    PaddedBatch,
}

/// What a pass is over.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// All worms, normalised positions.
    pub worms: &'a [&'a [Point]],
    /// The worm that is the template.
    pub reference: usize,
    /// Worms that are matched with it, the template itself perhaps among them.
    pub tests: &'a [usize],
    /// Statistics of the embedding.
    pub normalise: Normalise,
    /// Dropout while training.
    pub dropout: Option<Dropout>,
}

/// What came out of a forward pass, and what its backward pass needs.
#[derive(Debug)]
pub struct Pass<R> {
    /// Rows of each worm in the embedding.
    rows: Vec<Range<usize>>,
    reference: usize,
    points: Vec<R>,
    normal: Vec<R>,
    /// Statistics of the batch; of no rows if running ones were used.
    statistics: Statistics<R>,
    dropout: Option<Dropout>,
    /// Rows that attend to one another: each pair, template first, or each worm by itself.
    sets: Vec<Range<usize>>,
    /// Rows of template and test of each pair; the template's lie first.
    pairs: Vec<(Range<usize>, Range<usize>)>,
    /// Which worm's embedding each stretch of rows began as.
    origins: Vec<(Range<usize>, usize)>,
    layers: Vec<LayerPass<R>>,
    pub(super) encoded: Vec<R>,
    log_probabilities: Vec<Vec<R>>,
}

impl<R: Real> Pass<R> {
    /// log P \[test neurons\]\[template neurons + 1\] of the `k`-th test worm.
    pub fn log_probabilities(&self, k: usize) -> &[R] {
        &self.log_probabilities[k]
    }

    /// Number of template neurons.
    pub fn template_size(&self) -> usize {
        self.rows[self.reference].len()
    }

    /// Statistics of the batch.
    pub fn statistics(&self) -> &Statistics<R> {
        &self.statistics
    }
}

vectorised! {
    /// log softmax of each row of scores, \[rows\]\[columns\], in place; sums of exponentials are in double precision.
    fn log_softmax<F>[R: Real][R](columns: usize, scores: &mut [R]) {
        for row in scores.chunks_exact_mut(columns) {
            let largest = row.iter().fold(row[0], |largest, &score| largest.larger(score));
            let (chunks, rest) = row.as_chunks::<8>();
            let mut sums = [0.0; 8];
            for chunk in chunks {
                let powers = exp(chunk.map(|score| (score - largest).f64()));
                for (sum, power) in sums.iter_mut().zip(powers) {
                    *sum += power;
                }
            }
            for (sum, &score) in sums.iter_mut().zip(rest) {
                *sum += exp([(score - largest).f64()])[0];
            }
            let log_sum = largest + R::of(sums.iter().sum::<f64>().ln());
            for score in row.iter_mut() {
                *score -= log_sum;
            }
        }
    }
}

/// Rows of the embedding as the encoder takes them.
struct Laid<R> {
    rows: Vec<R>,
    sets: Vec<Range<usize>>,
    pairs: Vec<(Range<usize>, Range<usize>)>,
    origins: Vec<(Range<usize>, usize)>,
}

impl<R> Default for Laid<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            sets: Vec::new(),
            pairs: Vec::new(),
            origins: Vec::new(),
        }
    }
}

impl<R: Real> Laid<R> {
    /// Adds the rows of a worm; where they lie.
    fn add(&mut self, rows: &[R], width: usize, worm: usize) -> Range<usize> {
        let first = self.rows.len() / width;
        self.rows.extend_from_slice(rows);
        let lie = first..self.rows.len() / width;
        self.origins.push((lie.clone(), worm));
        lie
    }
}

impl<R: Real> Network<R> {
    /// Matches the test worms of a batch with its template.
    pub fn forward(&self, request: &Request<'_>) -> Pass<R> {
        let weights = |layer: usize| Cow::Owned(Weights::of(self, layer));
        self.run(request, weights, None)
    }

    /// The same by weights that may have been laid out before. With room for it, nothing is kept for a backward pass.
    pub(super) fn run<'a>(
        &self,
        request: &Request<'_>,
        weights: impl Fn(usize) -> Cow<'a, Weights<R>>,
        mut room: Option<&mut LayerPass<R>>,
    ) -> Pass<R>
    where
        R: 'a,
    {
        let mut pass = self.embed(request);
        let mut state = pass.encoded.split_off(0);
        for number in 0..self.shape.layers {
            let layer = Layer {
                network: self,
                weights: &weights(number),
                number,
                dropout: pass.dropout,
            };
            if let Some(room) = &mut room {
                (state, **room) = layer.forward(state, &pass.sets, std::mem::take(room), false);
            } else {
                let kept;
                (state, kept) = layer.forward(state, &pass.sets, LayerPass::default(), true);
                pass.layers.push(kept);
            }
        }
        pass.encoded = state;
        pass.log_probabilities = pass.pairs.iter().map(|pair| self.score(&pass, pair)).collect();
        pass
    }

    /// The embedding of all worms, and the rows of each pair side by side in `encoded`.
    fn embed(&self, request: &Request<'_>) -> Pass<R> {
        let d = self.shape.width;
        let mut rows = Vec::new();
        let mut points: Vec<R> = Vec::new();
        for worm in request.worms {
            let first = points.len() / 3;
            points.extend(worm.iter().flatten().map(|&x| R::of(x)));
            rows.push(first..points.len() / 3);
        }
        if request.normalise == Normalise::PaddedBatch {
            let largest = request.worms.iter().map(|worm| worm.len()).max().unwrap_or(0);
            points.resize(3 * largest * request.worms.len(), R::ZERO);
        }
        let mut embedded = vec![R::ZERO; points.len() / 3 * d];
        dense::forward(&points, self.view("embed.w"), self.view("embed.b"), &mut embedded);
        let statistics = match request.normalise {
            Normalise::Running => self.running.clone(),
            _ => Statistics::of(&embedded, d),
        };
        let mut normal = vec![R::ZERO; embedded.len()];
        let (gain, shift) = (self.view("embed_norm.gain"), self.view("embed_norm.shift"));
        norm::over_rows(&statistics, gain, shift, &mut embedded, &mut normal);
        let mut laid = Laid::default();
        let marked = |template: &Range<usize>| {
            let rows = embedded[template.start * d..template.end * d].iter();
            rows.map(|&u| u + R::ONE).collect::<Vec<R>>()
        };
        let own = |worm: usize| &embedded[rows[worm].start * d..rows[worm].end * d];
        match self.shape.encoder {
            Encoder::Joint => {
                for &test in request.tests {
                    let template = laid.add(&marked(&rows[request.reference]), d, request.reference);
                    let test = laid.add(own(test), d, test);
                    laid.sets.push(template.start..test.end);
                    laid.pairs.push((template, test));
                }
            }
            Encoder::Separate => {
                let template = laid.add(own(request.reference), d, request.reference);
                laid.sets.push(template.clone());
                for &test in request.tests {
                    let test = laid.add(own(test), d, test);
                    laid.sets.push(test.clone());
                    laid.pairs.push((template.clone(), test));
                }
            }
        }
        Pass {
            rows,
            reference: request.reference,
            points,
            normal,
            statistics,
            dropout: request.dropout,
            sets: laid.sets,
            pairs: laid.pairs,
            origins: laid.origins,
            layers: Vec::new(),
            encoded: laid.rows,
            log_probabilities: Vec::new(),
        }
    }

    /// log P of one pair.
    fn score(&self, pass: &Pass<R>, (template, test): &(Range<usize>, Range<usize>)) -> Vec<R> {
        let d = self.shape.width;
        let rows = |rows: &Range<usize>| &pass.encoded[rows.start * d..rows.end * d];
        self.scores(rows(template), rows(test))
    }

    /// log P \[test rows\]\[template rows + 1\] of encoded neurons.
    pub(super) fn scores(&self, template: &[R], test: &[R]) -> Vec<R> {
        let d = self.shape.width;
        let n = template.len() / d;
        let m = test.len() / d;
        if m == 0 {
            return Vec::new();
        }
        let mut inner = vec![R::ZERO; m * n];
        if n > 0 {
            add_product(
                Matrix::new(test, d),
                Matrix::new(template, d).transposed(),
                &mut inner,
            );
        }
        let mut none = vec![R::ZERO; m];
        dense::forward(test, self.view("outlier.w"), self.view("outlier.b"), &mut none);
        let mut scores = Vec::with_capacity(m * (n + 1));
        for (row, none) in none.into_iter().enumerate() {
            scores.extend_from_slice(&inner[row * n..][..n]);
            scores.push(none);
        }
        log_softmax(n + 1, &mut scores);
        scores
    }

    /// Gradient of a loss with respect to all parameters, from its gradient with respect to log P of each test worm.
    pub fn backward(&self, pass: &Pass<R>, dlog: &[Vec<R>]) -> Vec<R> {
        let d = self.shape.width;
        let mut gradient = vec![R::ZERO; self.params.len()];
        let mut dstate = vec![R::ZERO; pass.encoded.len()];
        for (((template, test), log_p), dlog) in pass.pairs.iter().zip(&pass.log_probabilities).zip(dlog) {
            let rows = |rows: &Range<usize>| &pass.encoded[rows.start * d..rows.end * d];
            // The template's rows lie before the test's.
            let (before, from) = dstate.split_at_mut(test.start * d);
            self.score_backward(
                (rows(template), rows(test)),
                (log_p, dlog),
                (
                    &mut before[template.start * d..template.end * d],
                    &mut from[..test.len() * d],
                ),
                &mut gradient,
            );
        }
        for (layer, kept) in pass.layers.iter().enumerate().rev() {
            dstate = encoder::backward(
                self,
                layer,
                kept,
                &pass.sets,
                pass.dropout,
                &dstate,
                &mut gradient,
            );
        }
        self.embed_backward(pass, &dstate, &mut gradient);
        gradient
    }

    /// Of one pair: adds to the gradients of its rows and to those of the outlier column.
    fn score_backward(
        &self,
        (template, test): (&[R], &[R]),
        (log_p, dlog): (&[R], &[R]),
        (dtemplate, dtest): (&mut [R], &mut [R]),
        gradient: &mut [R],
    ) {
        let d = self.shape.width;
        let (n, m) = (template.len() / d, test.len() / d);
        if m == 0 {
            return;
        }
        let (mut dinner, mut dnone) = (Vec::with_capacity(m * n), Vec::with_capacity(m));
        for (log_p, dlog) in log_p.chunks_exact(n + 1).zip(dlog.chunks_exact(n + 1)) {
            let total: R = dlog.iter().copied().sum();
            let mut row: Vec<R> = log_p
                .iter()
                .zip(dlog)
                .map(|(&log_p, &dlog)| dlog - R::of(log_p.f64().exp()) * total)
                .collect();
            dnone.push(row.pop().expect("a column of outliers"));
            dinner.extend(row);
        }
        if n > 0 {
            let dinner = Matrix::new(&dinner, n);
            add_product(dinner, Matrix::new(template, d), dtest);
            add_product(dinner.transposed(), Matrix::new(test, d), dtemplate);
        }
        let (_, range) = self.layout.part("outlier").expect("the outlier column");
        let (dw, db) = gradient[range].split_at_mut(d);
        dense::backward(test, self.view("outlier.w"), &dnone, Some(dtest), dw, db);
    }

    fn embed_backward(&self, pass: &Pass<R>, dstate: &[R], gradient: &mut [R]) {
        let d = self.shape.width;
        let mut dembedded = vec![R::ZERO; pass.normal.len()];
        for (rows, worm) in &pass.origins {
            let into = &mut dembedded[pass.rows[*worm].start * d..pass.rows[*worm].end * d];
            let part = &dstate[rows.start * d..rows.end * d];
            into.iter_mut().zip(part).for_each(|(sum, &part)| *sum += part);
        }
        let mut draw = vec![R::ZERO; dembedded.len()];
        let (layout, range) = self.layout.part("embed_norm").expect("the normalisation");
        let middle = layout.offset("shift").expect("its shift");
        let (dgain, dshift) = gradient[range].split_at_mut(middle);
        let gain = self.view("embed_norm.gain");
        norm::over_rows_backward(
            &pass.statistics,
            &pass.normal,
            gain,
            &dembedded,
            &mut draw,
            dgain,
            dshift,
        );
        let (layout, range) = self.layout.part("embed").expect("the embedding");
        let middle = layout.offset("b").expect("its bias");
        let (dw, db) = gradient[range].split_at_mut(middle);
        dense::backward(&pass.points, self.view("embed.w"), &draw, None, dw, db);
    }
}
