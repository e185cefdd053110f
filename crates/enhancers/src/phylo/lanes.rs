//! The logistic model at eight parameter values in one walk over the tree.
//!
//! A step of the search needs the objective at one point and at two neighbours along every parameter. All of them
//! share the tree, so they are lanes of one traversal: likelihood and information are computed for all lanes by the
//! same instructions. Only two of the neighbours have a rate of their own, so that what depends on rates alone is
//! computed for three of them, two nodes at a time. Likelihoods are carried as products from which powers of two are
//! taken at every node, which for two states is as safe as logarithms and rounds nothing.

use neuropil_math::exponential::exp;
use neuropil_math::simd::vectorised;

use crate::tree::{NONE, Tree};

/// Parameter values of one walk.
pub(super) const LANES: usize = 8;
type Lane = [f64; LANES];
/// Rates of one walk, a fourth one for the sake of even vectors: see [`spread`].
const RATES: usize = 4;
type Rated = [f64; RATES];
/// Nodes whose exponentials are computed at a time.
const TOGETHER: usize = LANES / RATES;

/// What the walk reads: tree and data, in postorder.
#[derive(Clone, Debug)]
pub(super) struct Walk<const D: usize> {
    parent: Vec<usize>,
    /// Branch lengths, filled up to whole vectors.
    length: Vec<f64>,
    tip_of: Vec<usize>,
    /// Whether the parent's likelihood is rescaled after this child: every eighth of a polytomy.
    rescale: Vec<bool>,
    /// Whether a node is the first child that its parent meets.
    first: Vec<bool>,
    mean_height: f64,
    x: Vec<[f64; D]>,
    y: Vec<bool>,
    scratch: Scratch<D>,
}

#[derive(Clone, Debug)]
struct Scratch<const D: usize> {
    /// μ of every tip.
    mu: Vec<Lane>,
    /// Decay along the branch above a node.
    decay: Vec<Rated>,
    /// e^{-2α·age} at a node.
    age: Vec<Rated>,
    /// What has come up so far; tips pass theirs on at once.
    nodes: Vec<Node<D>>,
}

/// Likelihoods of both states, and precision and estimates of the working process.
#[derive(Clone, Copy, Debug)]
struct Node<const D: usize> {
    f0: Lane,
    f1: Lane,
    p: Lane,
    u: [Lane; D],
}

/// What comes out, per lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<const D: usize> {
    /// Largest absolute linear predictor.
    pub(super) largest: Lane,
    pub(super) log_lik: Lane,
    /// Information, the upper triangle.
    pub(super) information: [[Lane; D]; D],
}

impl<const D: usize> Walk<D> {
    /// Lanes that may have a rate of their own: those of the last two of the 2D + 3 points of a gradient, the first eight
    /// of which are walked first.
    pub(super) const OWN_RATE: [usize; 2] = [(2 * D + 1) % LANES, (2 * D + 2) % LANES];

    pub(super) fn new(tree: &Tree, x: &[f64], y: &[bool]) -> Self {
        let n = tree.n_nodes();
        let mut children = vec![0_usize; n];
        let rescale = tree
            .parents()
            .iter()
            .map(|&parent| {
                parent != NONE && {
                    children[parent] += 1;
                    children[parent].is_multiple_of(8)
                }
            })
            .collect();
        let zero = [0.0; LANES];
        let mut met = vec![false; n];
        let padded = n.next_multiple_of(TOGETHER);
        let mut length = tree.lengths().to_vec();
        length.resize(padded, 0.0);
        Self {
            parent: tree.parents().to_vec(),
            length,
            tip_of: tree.tip_of().to_vec(),
            rescale,
            mean_height: tree.mean_height(),
            x: x.chunks(D)
                .map(|row| row.try_into().expect("rows of D"))
                .collect(),
            y: y.to_vec(),
            first: tree
                .parents()
                .iter()
                .map(|&parent| parent != NONE && !std::mem::replace(&mut met[parent], true))
                .collect(),
            scratch: Scratch {
                mu: vec![zero; tree.n_tips()],
                decay: vec![[1.0; RATES]; padded],
                age: vec![[1.0; RATES]; n],
                nodes: vec![
                    Node {
                        f0: zero,
                        f1: zero,
                        p: zero,
                        u: [zero; D]
                    };
                    n
                ],
            },
        }
    }

    /// Other responses for the same tree and design.
    pub(super) fn set_response(&mut self, y: &[bool]) {
        self.y.copy_from_slice(y);
    }

    /// Evaluates coefficients `beta` and rates `alpha`, lane by lane.
    ///
    /// # Panics
    /// Where other lanes than those of [`Self::OWN_RATE`] differ in their rate.
    pub(super) fn evaluate(&mut self, beta: &[Lane; D], alpha: &Lane) -> Values<D> {
        let [more, less] = Self::OWN_RATE;
        let others = || (0..LANES).filter(|l| ![more, less].contains(l)).map(|l| alpha[l]);
        let shared = others().next().expect("lanes are more than two");
        assert!(
            others().all(|rate| rate == shared),
            "a rate in a lane that has none of its own"
        );
        let zero = [0.0; LANES];
        let mut values = Values {
            largest: zero,
            log_lik: zero,
            information: [[zero; D]; D],
        };
        walk(
            self,
            beta,
            &[shared, alpha[more], alpha[less], shared],
            &mut values,
        );
        values
    }
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Lane {
    let mut lane = [0.0; LANES];
    for l in 0..LANES {
        lane[l] = f(l);
    }
    lane
}

/// μ of every tip and their mean.
#[inline(always)]
fn means<const D: usize>(x: &[[f64; D]], beta: &[Lane; D], mu: &mut [Lane], largest: &mut Lane) -> Lane {
    let mut sum = [0.0; LANES];
    for (mu, x) in mu.iter_mut().zip(x) {
        let mut eta = [0.0; LANES];
        for k in 0..D {
            for l in 0..LANES {
                eta[l] += beta[k][l] * x[k];
            }
        }
        for l in 0..LANES {
            largest[l] = largest[l].max(eta[l].abs());
        }
        let e = exp(map(|l| -eta[l]));
        *mu = map(|l| 1.0 / (1.0 + e[l]));
        for l in 0..LANES {
            sum[l] += mu[l];
        }
    }
    map(|l| sum[l] / x.len() as f64)
}

/// The value of every lane's rate.
#[inline(always)]
fn spread<const D: usize>(rated: &Rated) -> Lane {
    let [more, less] = Walk::<D>::OWN_RATE;
    map(|l| {
        if l == more {
            rated[1]
        } else if l == less {
            rated[2]
        } else {
            rated[0]
        }
    })
}

/// Takes the largest power of two out of both likelihoods of a node and counts it.
#[inline(always)]
fn rescale(f0: &mut Lane, f1: &mut Lane, powers: &mut [i64; LANES]) {
    const FIELD: u64 = 0x7ff;
    const BIAS: i64 = 1023;
    for l in 0..LANES {
        let field = (f0[l].max(f1[l]).to_bits() >> 52) & FIELD;
        let scale = f64::from_bits((2 * BIAS as u64).wrapping_sub(field) << 52);
        f0[l] *= scale;
        f1[l] *= scale;
        powers[l] += field as i64 - BIAS;
    }
}

/// Decay along branches, and e^{-2α·age} of nodes, downwards from the root.
#[inline(always)]
fn rates<const D: usize>(walk: &mut Walk<D>, alpha: &Rated) {
    let s = &mut walk.scratch;
    let decays = s.decay.as_flattened_mut().as_chunks_mut::<LANES>().0;
    for (decays, lengths) in decays.iter_mut().zip(walk.length.as_chunks::<TOGETHER>().0) {
        *decays = exp(map(|l| -alpha[l % RATES] * lengths[l / RATES]));
    }
    let root = exp(map(|l| -2.0 * alpha[l % RATES] * walk.mean_height));
    for (v, &parent) in walk.parent.iter().enumerate().rev() {
        if parent == NONE {
            s.age[v].copy_from_slice(&root[..RATES]);
        } else {
            let (above, decay) = (s.age[parent], s.decay[v]);
            for k in 0..RATES {
                s.age[v][k] = above[k] / (decay[k] * decay[k]);
            }
        }
    }
}

vectorised! {
    fn walk<F>[const D: usize][D](walk: &mut Walk<D>, beta: &[Lane; D], alpha: &Rated, out: &mut Values<D>) {
        let n = walk.parent.len();
        rates(walk, alpha);
        let s = &mut walk.scratch;
        let p = means(&walk.x, beta, &mut s.mu, &mut out.largest);
        let q = map(|l| 1.0 - p[l]);
        let low = map(|l| (q[l] / p[l]).sqrt());
        let high = map(|l| (p[l] / q[l]).sqrt());
        let (over_p, over_q) = (map(|l| 1.0 / p[l]), map(|l| 1.0 / q[l]));
        let mut information = [[[0.0; LANES]; D]; D];
        let mut powers = [0; LANES];
        for v in 0..n {
            let parent = walk.parent[v];
            let tip = walk.tip_of[v];
            let above = if parent == NONE { [0.0; LANES] } else { spread::<D>(&s.age[parent]) };
            let own = if tip == NONE {
                let Node { mut f0, mut f1, p: sum, u } = s.nodes[v];
                rescale(&mut f0, &mut f1, &mut powers);
                let age = spread::<D>(&s.age[v]);
                let t = map(|l| age[l] - above[l]);
                let inverse = map(|l| 1.0 / (1.0 + t[l] * sum[l]));
                for i in 0..D {
                    for j in i..D {
                        for l in 0..LANES {
                            information[i][j][l] -= t[l] * inverse[l] * u[i][l] * u[j][l];
                        }
                    }
                }
                let mut scaled = u;
                for i in 0..D {
                    scaled[i] = map(|l| u[i][l] * inverse[l]);
                }
                Node { f0, f1, p: map(|l| sum[l] * inverse[l]), u: scaled }
            } else {
                let mu = s.mu[tip];
                let below = |l: usize| mu[l] < p[l];
                // The rarer of what the chain and the tip may be, and its part of the chain's.
                let rarer = map(|l| if below(l) { mu[l] } else { 1.0 - mu[l] });
                let change = map(|l| rarer[l] * if below(l) { over_p[l] } else { over_q[l] });
                let (f0, f1) = match (D, walk.y[tip]) {
                    (1, true) => ([0.0; LANES], [1.0; LANES]),
                    (1, false) => ([1.0; LANES], [0.0; LANES]),
                    (_, true) => (
                        map(|l| if below(l) { 0.0 } else { 1.0 - change[l] }),
                        map(|l| if below(l) { change[l] } else { 1.0 }),
                    ),
                    (_, false) => (
                        map(|l| if below(l) { 1.0 } else { change[l] }),
                        map(|l| if below(l) { 1.0 - change[l] } else { 0.0 }),
                    ),
                };
                // The variance over the weight m of the tip, and over m² in what it adds to the age.
                let own = s.age[v];
                let age = spread::<D>(&own);
                let root_age = spread::<D>(&own.map(f64::sqrt));
                let over_m = map(|l| 1.0 / (rarer[l] * if below(l) { low[l] } else { high[l] }));
                let part = map(|l| mu[l] * (1.0 - mu[l]) * over_m[l]);
                let inverse = map(|l| 1.0 / (age[l] * (part[l] * over_m[l]) - above[l]));
                let weight = map(|l| part[l] * root_age[l]);
                let x = &walk.x[tip];
                let mut u = [[0.0; LANES]; D];
                for i in 0..D {
                    for j in i..D {
                        for l in 0..LANES {
                            information[i][j][l] += weight[l] * weight[l] * inverse[l] * (x[i] * x[j]);
                        }
                    }
                    u[i] = map(|l| weight[l] * inverse[l] * x[i]);
                }
                Node { f0, f1, p: inverse, u }
            };
            let (f0, f1) = (own.f0, own.f1);
            if parent == NONE {
                for l in 0..LANES {
                    let powers = powers[l] as f64 * std::f64::consts::LN_2;
                    out.log_lik[l] = (q[l] * f0[l] + p[l] * f1[l]).ln() + powers;
                }
                break;
            }
            let e = spread::<D>(&s.decay[v]);
            let mixed = map(|l| (1.0 - e[l]) * (q[l] * f0[l] + p[l] * f1[l]));
            let passed = Node {
                f0: map(|l| mixed[l] + e[l] * f0[l]),
                f1: map(|l| mixed[l] + e[l] * f1[l]),
                ..own
            };
            if walk.first[v] {
                s.nodes[parent] = passed;
            } else {
                let up = s.nodes[parent];
                let mut sums = up.u;
                for i in 0..D {
                    sums[i] = map(|l| up.u[i][l] + passed.u[i][l]);
                }
                s.nodes[parent] = Node {
                    f0: map(|l| up.f0[l] * passed.f0[l]),
                    f1: map(|l| up.f1[l] * passed.f1[l]),
                    p: map(|l| up.p[l] + passed.p[l]),
                    u: sums,
                };
            }
            if walk.rescale[v] {
                let up = &mut s.nodes[parent];
                rescale(&mut up.f0, &mut up.f1, &mut powers);
            }
        }
        out.information = information;
    }
}
