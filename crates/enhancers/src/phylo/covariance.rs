//! Models of trait evolution as transformations of branch lengths.

use crate::tree::{NONE, Tree};

/// How the covariance of species follows from the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covariance {
    /// Brownian motion.
    Brownian,
    /// Pagel's λ: internal branches shrink, tips keep their distance from the root.
    Lambda,
    /// Pagel's κ: every branch to the power κ.
    Kappa,
    /// Pagel's δ: every depth to the power δ.
    Delta,
    /// Early burst, or accelerating–decelerating: the rate of evolution changes exponentially.
    EarlyBurst,
    /// Ornstein–Uhlenbeck, stationary at the root.
    OuRandomRoot,
    /// Ornstein–Uhlenbeck, root at the optimum.
    OuFixedRoot,
    /// Brownian motion with a trend: the distance from the root is one more regressor.
    Trend,
}

/// Range of a covariance parameter and where searches begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Whether the parameter is searched on the scale of its logarithm.
    pub(super) log: bool,
}

impl Covariance {
    /// All models.
    pub const ALL: [Self; 8] = [
        Self::Brownian,
        Self::Lambda,
        Self::Kappa,
        Self::Delta,
        Self::EarlyBurst,
        Self::OuRandomRoot,
        Self::OuFixedRoot,
        Self::Trend,
    ];

    /// Name, as on the command line and as phylolm knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brownian => "BM",
            Self::Lambda => "lambda",
            Self::Kappa => "kappa",
            Self::Delta => "delta",
            Self::EarlyBurst => "EB",
            Self::OuRandomRoot => "OUrandomRoot",
            Self::OuFixedRoot => "OUfixedRoot",
            Self::Trend => "trend",
        }
    }

    /// The model of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|model| model.name().eq_ignore_ascii_case(name))
    }

    /// Whether the model is an Ornstein–Uhlenbeck process.
    pub fn is_ou(self) -> bool {
        matches!(self, Self::OuRandomRoot | Self::OuFixedRoot)
    }

    pub(super) fn range(self, tree: &Tree) -> Option<Range> {
        let mean = tree.mean_height();
        let range = |low, high| Some(Range { low, high, log: true });
        match self {
            Self::Brownian | Self::Trend => None,
            Self::Lambda => range(1e-7, 1.0),
            Self::Kappa => range(1e-6, 1.0),
            Self::Delta => range(1e-5, 3.0),
            Self::EarlyBurst => Some(Range {
                low: -3.0 / mean,
                high: 0.0,
                log: false,
            }),
            Self::OuRandomRoot | Self::OuFixedRoot => range(1e-7 / mean, 50.0 / mean),
        }
    }
}

/// Branch lengths of a model at one value of its parameter, and the weights of the tips.
#[derive(Clone, Debug, Default)]
pub(super) struct Transformed {
    /// Above every node; the last is the root's.
    pub(super) lengths: Vec<f64>,
    /// Values of tips are divided by these before they meet the tree: V = D Ṽ D.
    pub(super) weights: Vec<f64>,
}

impl Transformed {
    /// Sets both for `parameter` and an error variance of `error` times the rate.
    pub(super) fn set(&mut self, model: Covariance, tree: &Tree, parameter: f64, error: f64) {
        self.lengths.clear();
        self.lengths.extend_from_slice(tree.lengths());
        self.weights.clear();
        self.weights.resize(tree.n_tips(), 1.0);
        let depth = tree.depths();
        match model {
            Covariance::Brownian | Covariance::Trend => {}
            Covariance::Lambda => self.each(tree, |v, _, length| {
                let at_tip = if tree.tip_of()[v] == NONE {
                    0.0
                } else {
                    (1.0 - parameter) * depth[v]
                };
                parameter * length + at_tip
            }),
            Covariance::Kappa => self.each(tree, |_, _, length| length.powf(parameter)),
            Covariance::Delta => {
                let scale = tree.height().powf(1.0 - parameter);
                self.each(tree, |v, up, _| {
                    (depth[v].powf(parameter) - depth[up].powf(parameter)) * scale
                });
            }
            Covariance::EarlyBurst => {
                if parameter != 0.0 {
                    self.each(tree, |_, up, length| {
                        (parameter * depth[up]).exp() * (parameter * length).exp_m1() / parameter
                    });
                }
            }
            Covariance::OuRandomRoot | Covariance::OuFixedRoot => {
                self.ornstein_uhlenbeck(model, tree, parameter);
            }
        }
        if error > 0.0 {
            for (&node, weight) in tree.tips().iter().zip(&self.weights) {
                self.lengths[node] += error / (weight * weight);
            }
        }
    }

    fn each(&mut self, tree: &Tree, length_of: impl Fn(usize, usize, f64) -> f64) {
        for v in 0..tree.n_nodes() {
            let up = tree.parents()[v];
            if up != NONE {
                self.lengths[v] = length_of(v, up, self.lengths[v]);
            }
        }
    }

    /// Cov(i, j) = e^{-α d_ij}, times 1 − e^{-2α t_ij} with a fixed root, is Brownian on branches
    /// e^{-2α(H − τ_v)} − e^{-2α(H − τ_u)} after tips are weighted by e^{α(H − τ_i)}; H is the mean height of the
    /// tips, which keeps Σ log D at 0.
    fn ornstein_uhlenbeck(&mut self, model: Covariance, tree: &Tree, alpha: f64) {
        let mean = tree.mean_height();
        let depth = tree.depths();
        self.each(tree, |_, up, length| {
            (-2.0 * alpha * (mean - depth[up])).exp() * (2.0 * alpha * length).exp_m1()
        });
        if model == Covariance::OuRandomRoot {
            *self.lengths.last_mut().expect("a root") = (-2.0 * alpha * mean).exp();
        }
        for (weight, &node) in self.weights.iter_mut().zip(tree.tips()) {
            *weight = (alpha * (mean - depth[node])).exp();
        }
    }
}
