//! The dense network with gates, dropout and rule signal.
//!
//! With x⁽⁰⁾ the input, g the gates of the task, r its rule and D a dropout mask, for every hidden layer
//!
//! ```text
//! a = x⁽ⁿ⁾ W⁽ⁿ⁾ + b⁽ⁿ⁾ + r W_r⁽ⁿ⁾         x⁽ⁿ⁺¹⁾ = relu(a) ∘ D ∘ g⁽ⁿ⁺¹⁾
//! ```
//! and y = x W + b at the end, which no gate touches. A unit whose gate is 0 has no part in the loss, nor has any weight
//! that enters or leaves it: [`Network::among`] is the network of the active units alone, whose training is that of
//! the whole.

use neuropil_math::real::Real;
use neuropil_math::rng::{Key, Purpose};
use neuropil_nn::layer::dense;
use neuropil_nn::loss::argmax;
use neuropil_nn::matmul::{Matrix, add_product};
use neuropil_nn::params::{Gathered, Layout};
use rand::RngExt;
use std::ops::Range;

/// Sizes of a dense network and the layout of its parameters.
///
/// ```
/// use neuropil_gating::network::{Network, Pass};
/// use neuropil_math::rng::Key;
/// let network = Network::new(&[4, 6, 3], 0);
/// let theta: Vec<f32> = network.initial(Key::new(1));
/// let mut pass = Pass::default();
/// network.forward(&theta, &[0.0, 1.0, 0.0, 0.5], &[], None, &mut pass);
/// assert_eq!(pass.logits().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    widths: Vec<usize>,
    n_rules: usize,
    layout: Layout,
}

/// One array of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the layout: `1.w`, `1.b`, `1.rule`, …
    pub name: String,
    /// Where it lies.
    pub range: Range<usize>,
    /// Is it held back towards its old values? Rule weights are not.
    pub stabilised: bool,
}

impl Tensor {
    /// Is it a matrix of weights that are stabilised, rather than biases?
    pub fn is_matrix(&self) -> bool {
        let last = self.name.rsplit('.').next().unwrap_or_default();
        self.stabilised && last.starts_with('w')
    }
}

/// What multiplies the rates of a hidden layer; nothing where none.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, R> {
    /// Gates \[unit\].
    pub gates: Option<&'a [R]>,
    /// Dropout multipliers \[example\]\[unit\].
    pub dropout: Option<&'a [R]>,
}

impl<R> Default for Factors<'_, R> {
    fn default() -> Self {
        Self {
            gates: None,
            dropout: None,
        }
    }
}

/// What a forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub struct Pass<R> {
    /// Input, then rates of every hidden layer, \[example\]\[unit\].
    rates: Vec<Vec<R>>,
    /// Derivative of each rate: 0 below the kink, dropout and gate above it.
    slopes: Vec<Vec<R>>,
    logits: Vec<R>,
}

impl<R> Default for Pass<R> {
    fn default() -> Self {
        Self {
            rates: Vec::new(),
            slopes: Vec::new(),
            logits: Vec::new(),
        }
    }
}

impl<R> Pass<R> {
    /// The outputs, \[example\]\[class\].
    pub fn logits(&self) -> &[R] {
        &self.logits
    }

    /// Rates of hidden layer `layer`, \[example\]\[unit\].
    pub fn rates(&self, layer: usize) -> &[R] {
        &self.rates[layer + 1]
    }
}

/// Which power of each example's gradient is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// The gradient itself.
    One,
    /// Its absolute value.
    Absolute,
    /// Its square.
    Square,
}

impl Network {
    /// A network of the given widths, input and output included, with `n_rules` rule inputs (0: none).
    ///
    /// # Panics
    /// With fewer than two widths, or a width of 0.
    pub fn new(widths: &[usize], n_rules: usize) -> Self {
        assert!(
            widths.len() > 1 && !widths.contains(&0),
            "layers of {widths:?} units"
        );
        let mut layout = Layout::default();
        for layer in 0..widths.len() - 1 {
            layout = layout.nest(
                &(layer + 1).to_string(),
                &dense::layout(widths[layer], widths[layer + 1]),
            );
            if n_rules > 0 && layer + 2 < widths.len() {
                let rule = Layout::new(&[("rule", &[n_rules, widths[layer + 1]])]);
                layout = layout.nest(&(layer + 1).to_string(), &rule);
            }
        }
        Self {
            widths: widths.to_vec(),
            n_rules,
            layout,
        }
    }

    /// Widths, input and output included.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Layout of the flat parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of hidden layers.
    pub fn n_hidden(&self) -> usize {
        self.widths.len() - 2
    }

    /// All arrays in order.
    pub fn tensors(&self) -> Vec<Tensor> {
        let entries = self.layout.entries().iter();
        let tensor = |entry: &neuropil_nn::params::Entry| {
            let start = self.layout.offset(&entry.name).unwrap_or(0);
            Tensor {
                name: entry.name.to_string(),
                range: start..start + entry.len(),
                stabilised: !entry.name.ends_with(".rule"),
            }
        };
        entries.map(tensor).collect()
    }

    /// Initial parameters: weights uniform on ±1/√fan-in, rule weights on ±1/√rules, biases 0.
    pub fn initial<R: Real>(&self, key: Key) -> Vec<R> {
        let mut theta = vec![R::ZERO; self.layout.len()];
        for (index, entry) in self.layout.entries().iter().enumerate() {
            if entry.shape.len() < 2 {
                continue;
            }
            let bound = 1.0 / (entry.shape[0] as f64).sqrt();
            let mut rng = key.stream(Purpose::Init, index as u64);
            let weights = self.layout.view_mut(&mut theta, &entry.name);
            weights.fill_with(|| R::of(rng.random_range(-bound..bound)));
        }
        theta
    }

    /// The network of some units of each hidden layer, and where its parameters lie in this one's.
    pub fn among(&self, active: &[Vec<u32>]) -> (Network, Gathered) {
        let of = |layer: usize| -> Option<Vec<usize>> {
            let units = layer.checked_sub(1).and_then(|hidden| active.get(hidden))?;
            Some(units.iter().map(|&unit| unit as usize).collect())
        };
        let gathered = self.layout.gathered(|entry, axis| {
            let (number, kind) = entry.name.split_once('.')?;
            let layer: usize = number.parse().ok()?;
            match (kind, axis) {
                ("w", 0) => of(layer - 1),
                ("rule", 0) => None,
                _ => of(layer),
            }
        });
        let mut widths = self.widths.clone();
        for (width, units) in widths[1..].iter_mut().zip(active) {
            *width = units.len();
        }
        (Network::new(&widths, self.n_rules), gathered)
    }

    fn views<'a, R>(&self, params: &'a [R], layer: usize) -> (&'a [R], &'a [R]) {
        let (rows, columns) = (self.widths[layer], self.widths[layer + 1]);
        let start = self.start(layer);
        let (w, rest) = params[start..].split_at(rows * columns);
        (w, &rest[..columns])
    }

    /// Where the arrays of a layer begin.
    fn start(&self, layer: usize) -> usize {
        let size = |layer: usize| {
            let columns = self.widths[layer + 1];
            let rules = if layer < self.n_hidden() { self.n_rules } else { 0 };
            (self.widths[layer] + 1 + rules) * columns
        };
        (0..layer).map(size).sum()
    }

    /// Where the rule weights of a hidden layer begin.
    fn rule_start(&self, layer: usize) -> usize {
        self.start(layer) + (self.widths[layer] + 1) * self.widths[layer + 1]
    }

    /// Forward pass of `x` \[example\]\[input\]; `factors`\[hidden layer\], empty for none; `rule` is the task told.
    ///
    /// # Panics
    /// When sizes do not fit.
    pub fn forward<R: Real>(
        &self,
        theta: &[R],
        x: &[R],
        factors: &[Factors<R>],
        rule: Option<usize>,
        pass: &mut Pass<R>,
    ) {
        let examples = x.len() / self.widths[0];
        let hidden = self.n_hidden();
        pass.rates.resize(hidden + 1, Vec::new());
        pass.slopes.resize(hidden, Vec::new());
        pass.rates[0].clear();
        pass.rates[0].extend_from_slice(x);
        for layer in 0..hidden {
            let width = self.widths[layer + 1];
            let (before, after) = pass.rates.split_at_mut(layer + 1);
            let (rates, slopes) = (&mut after[0], &mut pass.slopes[layer]);
            rates.resize(examples * width, R::ZERO);
            slopes.resize(examples * width, R::ZERO);
            let (w, b) = self.views(theta, layer);
            match rule {
                Some(rule) if self.n_rules > 0 => {
                    let start = self.rule_start(layer) + rule * width;
                    let b: Vec<R> = b
                        .iter()
                        .zip(&theta[start..start + width])
                        .map(|(&b, &r)| b + r)
                        .collect();
                    dense::forward(&before[layer], w, &b, rates);
                }
                _ => dense::forward(&before[layer], w, b, rates),
            }
            rectify(
                rates,
                slopes,
                width,
                factors.get(layer).copied().unwrap_or_default(),
            );
        }
        pass.logits.resize(examples * self.widths[hidden + 1], R::ZERO);
        let (w, b) = self.views(theta, hidden);
        dense::forward(&pass.rates[hidden], w, b, &mut pass.logits);
    }

    /// Adds to `sums`, laid out like the parameters, Σ over examples of the given power of each one's gradient.
    ///
    /// `d_logits` \[example\]\[class\] is each example's gradient with respect to its logits. That of a weight is the
    /// product of a rate and a difference, so that squares and absolute values are sums of products too:
    /// Σ (x δ)² = (x∘x)ᵀ(δ∘δ), without a pass per example. Gives the differences δ of the first layer, for whoever goes on
    /// to the inputs: [`Network::to_inputs`].
    pub fn backward<R: Real>(
        &self,
        theta: &[R],
        pass: &Pass<R>,
        d_logits: &[R],
        rule: Option<usize>,
        power: Power,
        sums: &mut [R],
    ) -> Vec<R> {
        let raise = |x: &[R]| -> Option<Vec<R>> {
            match power {
                Power::One => None,
                Power::Absolute => Some(x.iter().map(|x| x.abs()).collect()),
                Power::Square => Some(x.iter().map(|&x| x * x).collect()),
            }
        };
        let mut d = d_logits.to_vec();
        for layer in (0..=self.n_hidden()).rev() {
            let (rows, columns) = (self.widths[layer], self.widths[layer + 1]);
            let start = self.start(layer);
            let (raised_x, raised_d) = (raise(&pass.rates[layer]), raise(&d));
            let rates = raised_x.as_deref().unwrap_or(&pass.rates[layer]);
            let differences = raised_d.as_deref().unwrap_or(&d);
            let (w, rest) = sums[start..].split_at_mut(rows * columns);
            let (b, rest) = rest.split_at_mut(columns);
            add_product(
                Matrix::new(rates, rows).transposed(),
                Matrix::new(differences, columns),
                w,
            );
            let mut total = vec![R::ZERO; columns];
            for row in differences.chunks_exact(columns) {
                total.iter_mut().zip(row).for_each(|(total, &d)| *total += d);
            }
            b.iter_mut().zip(&total).for_each(|(b, &d)| *b += d);
            if layer == self.n_hidden() || self.n_rules == 0 {
                // no rule reaches the output
            } else if let Some(rule) = rule {
                let rule = &mut rest[rule * columns..(rule + 1) * columns];
                rule.iter_mut().zip(&total).for_each(|(r, &d)| *r += d);
            }
            if layer > 0 {
                d = self.through(theta, layer, &d);
                d.iter_mut()
                    .zip(&pass.slopes[layer - 1])
                    .for_each(|(d, &slope)| *d *= slope);
            }
        }
        d
    }

    /// Gradient of the inputs, \[example\]\[input\], from the differences that [`Network::backward`] gives.
    pub fn to_inputs<R: Real>(&self, theta: &[R], differences: &[R]) -> Vec<R> {
        self.through(theta, 0, differences)
    }

    /// Differences of a layer back through its weights.
    fn through<R: Real>(&self, theta: &[R], layer: usize, d: &[R]) -> Vec<R> {
        let (w, b) = self.views(theta, layer);
        let d = Matrix::new(d, b.len());
        let mut before = vec![R::ZERO; d.rows * self.widths[layer]];
        add_product(d, Matrix::new(w, b.len()).transposed(), &mut before);
        before
    }
}

/// Examples whose largest logit within `head` is that of their label.
pub(crate) fn n_right<R: Real>(logits: &[R], classes: usize, head: &Range<usize>, labels: &[usize]) -> usize {
    let rows = logits.chunks_exact(classes).zip(labels);
    rows.filter(|(logits, label)| argmax(logits, head.clone()) == **label)
        .count()
}

/// Sums become rates, and slopes what each rate is multiplied by.
fn rectify<R: Real>(rates: &mut [R], slopes: &mut [R], width: usize, factors: Factors<R>) {
    let rows = rates.chunks_exact_mut(width).zip(slopes.chunks_exact_mut(width));
    for (example, (rates, slopes)) in rows.enumerate() {
        let dropout = factors.dropout.map(|all| &all[example * width..][..width]);
        for (unit, (rate, slope)) in rates.iter_mut().zip(slopes.iter_mut()).enumerate() {
            let mut factor = if *rate > R::ZERO { R::ONE } else { R::ZERO };
            if let Some(dropout) = dropout {
                factor *= dropout[unit];
            }
            if let Some(gates) = factors.gates {
                factor *= gates[unit];
            }
            *slope = factor;
            *rate = if factor == R::ZERO {
                R::ZERO
            } else {
                *rate * factor
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_nn::check::worst_difference;
    use neuropil_nn::loss::cross_entropy;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::new(seed).stream(Purpose::Test, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn gradients_agree_with_differences_and_powers_with_examples_one_by_one() {
        let network = Network::new(&[5, 7, 6, 4], 3);
        let theta = numbers(network.layout().len(), 1);
        let x = numbers(3 * 5, 2);
        let gates = [
            vec![1.0, 0.0, 1.0, 0.5, 1.0, 1.0, 0.0],
            vec![0.0, 1.0, 1.0, 1.0, 0.5, 1.0],
        ];
        let dropout: Vec<Vec<f64>> = [7, 6]
            .iter()
            .map(|w| {
                numbers(3 * w, 3)
                    .iter()
                    .map(|x| if *x > 0.0 { 2.0 } else { 0.0 })
                    .collect()
            })
            .collect();
        let factors = |examples: Range<usize>| -> Vec<Factors<f64>> {
            let one = |layer: usize, width: usize| Factors {
                gates: Some(&gates[layer][..]),
                dropout: Some(&dropout[layer][examples.start * width..examples.end * width]),
            };
            vec![one(0, 7), one(1, 6)]
        };
        let labels = [1, 0, 3];
        let loss = |theta: &[f64]| {
            let mut pass = Pass::default();
            network.forward(theta, &x, &factors(0..3), Some(2), &mut pass);
            cross_entropy(pass.logits(), 4, 0..4, &labels, |_| 1.0, &mut [0.0; 12])
        };
        let sums = |examples: Range<usize>, power: Power| {
            let mut pass = Pass::default();
            let mut d = vec![0.0; examples.len() * 4];
            network.forward(
                &theta,
                &x[examples.start * 5..examples.end * 5],
                &factors(examples.clone()),
                Some(2),
                &mut pass,
            );
            cross_entropy(pass.logits(), 4, 0..4, &labels[examples.clone()], |_| 1.0, &mut d);
            let mut sums = vec![0.0; theta.len()];
            network.backward(&theta, &pass, &d, Some(2), power, &mut sums);
            sums
        };
        assert!(worst_difference(loss, &theta, &sums(0..3, Power::One)) < 1e-7);
        let each: Vec<Vec<f64>> = (0..3).map(|e| sums(e..e + 1, Power::One)).collect();
        for (i, (square, absolute)) in sums(0..3, Power::Square)
            .iter()
            .zip(sums(0..3, Power::Absolute))
            .enumerate()
        {
            assert!((square - each.iter().map(|g| g[i] * g[i]).sum::<f64>()).abs() < 1e-12);
            assert!((absolute - each.iter().map(|g| g[i].abs()).sum::<f64>()).abs() < 1e-12);
        }
        // Nothing that enters or leaves a unit whose gate is 0 has a gradient.
        let gradient = sums(0..3, Power::One);
        let w = network.layout().view(&gradient, "1.w");
        assert!((0..5).all(|i| w[i * 7 + 1] == 0.0 && w[i * 7 + 6] == 0.0));
        let w = network.layout().view(&gradient, "2.w");
        assert!((0..6).all(|j| w[6 + j] == 0.0 && w[36 + j] == 0.0) && (0..7).all(|i| w[i * 6] == 0.0));
    }

    #[test]
    fn the_network_among_active_units_computes_the_same() {
        let network = Network::new(&[5, 7, 6, 4], 2);
        let theta = numbers(network.layout().len(), 4);
        let x = numbers(3 * 5, 5);
        let active = [vec![0_u32, 2, 5], vec![1_u32, 4]];
        let gates: Vec<Vec<f64>> = [7, 6]
            .iter()
            .zip(&active)
            .map(|(&w, a)| (0..w).map(|u| f64::from(u8::from(a.contains(&u)))).collect())
            .collect();
        let (small, gathered) = network.among(&active);
        assert_eq!(gathered.layout(), small.layout());
        let (mut whole, mut part) = (Pass::default(), Pass::default());
        let factors: Vec<Factors<f64>> = gates
            .iter()
            .map(|g| Factors {
                gates: Some(&g[..]),
                dropout: None,
            })
            .collect();
        network.forward(&theta, &x, &factors, Some(1), &mut whole);
        small.forward(&gathered.gather(&theta), &x, &[], Some(1), &mut part);
        assert!(
            whole
                .logits()
                .iter()
                .zip(part.logits())
                .all(|(a, b)| (a - b).abs() < 1e-13)
        );
    }
}
