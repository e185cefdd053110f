//! The logistic model at eight parameter values in one walk over the tree.
//!
//! A step of the search needs the objective at one point and at two neighbours along every parameter. All of them
//! share the tree, so they are lanes of one traversal: exponentials, likelihood and information are computed for all
//! lanes by the same instructions. Likelihoods are carried as products that are rescaled at every node, which for
//! two states is as safe as logarithms and needs one logarithm in eight nodes.

use neuropil_math::exponential::exp;
use neuropil_math::simd::vectorised;

use crate::tree::{NONE, Tree};

/// Parameter values of one walk.
pub(super) const LANES: usize = 8;
type Lane = [f64; LANES];

/// What the walk reads: tree and data, in postorder.
#[derive(Clone, Debug)]
pub(super) struct Walk<const D: usize> {
    parent: Vec<usize>,
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
    branches: Vec<Branch>,
    /// What has come up so far; tips pass theirs on at once.
    nodes: Vec<Node<D>>,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    /// Decay along the branch.
    decay: Lane,
    /// e^{-2α·age} at its lower end.
    age: Lane,
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
        Self {
            parent: tree.parents().to_vec(),
            length: tree.lengths().to_vec(),
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
                branches: vec![
                    Branch {
                        decay: zero,
                        age: zero
                    };
                    n
                ],
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
    pub(super) fn evaluate(&mut self, beta: &[Lane; D], alpha: &Lane) -> Values<D> {
        let zero = [0.0; LANES];
        let mut values = Values {
            largest: zero,
            log_lik: zero,
            information: [[zero; D]; D],
        };
        walk(self, beta, alpha, &mut values);
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

/// Divides both likelihoods of a node by the larger and multiplies it into `product`.
#[inline(always)]
fn rescale(f0: &mut Lane, f1: &mut Lane, product: &mut Lane) {
    for l in 0..LANES {
        let most = f0[l].max(f1[l]);
        f0[l] /= most;
        f1[l] /= most;
        product[l] *= most;
    }
}

vectorised! {
    fn walk<F>[const D: usize][D](walk: &mut Walk<D>, beta: &[Lane; D], alpha: &Lane, out: &mut Values<D>) {
        let n = walk.parent.len();
        let s = &mut walk.scratch;
        let p = means(&walk.x, beta, &mut s.mu, &mut out.largest);
        let q = map(|l| 1.0 - p[l]);
        let low = map(|l| (q[l] / p[l]).sqrt());
        let high = map(|l| (p[l] / q[l]).sqrt());
        // Decay along branches; e^{-2α·age} of nodes, downwards from the root.
        let root = exp(map(|l| -2.0 * alpha[l] * walk.mean_height));
        for v in (0..n).rev() {
            let parent = walk.parent[v];
            s.branches[v] = if parent == NONE {
                Branch { decay: [1.0; LANES], age: root }
            } else {
                let decay = exp(map(|l| -alpha[l] * walk.length[v]));
                let above = s.branches[parent].age;
                Branch { decay, age: map(|l| above[l] / (decay[l] * decay[l])) }
            };
        }
        let mut information = [[[0.0; LANES]; D]; D];
        let mut product = [1.0; LANES];
        let mut pending = 0;
        for v in 0..n {
            let parent = walk.parent[v];
            let tip = walk.tip_of[v];
            let Branch { decay: e, age } = s.branches[v];
            let above = if parent == NONE { [0.0; LANES] } else { s.branches[parent].age };
            let own = if tip == NONE {
                let Node { mut f0, mut f1, p: sum, u } = s.nodes[v];
                rescale(&mut f0, &mut f1, &mut product);
                pending += 1;
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
                let change = map(|l| if below(l) { mu[l] / p[l] } else { (1.0 - mu[l]) / q[l] });
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
                let m = map(|l| if below(l) { mu[l] * low[l] } else { (1.0 - mu[l]) * high[l] });
                let variance = map(|l| mu[l] * (1.0 - mu[l]));
                let inverse = map(|l| 1.0 / (age[l] * variance[l] / (m[l] * m[l]) - above[l]));
                let weight = map(|l| variance[l] * age[l].sqrt() / m[l]);
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
                    out.log_lik[l] += (q[l] * f0[l] + p[l] * f1[l]).ln() + product[l].ln();
                }
                break;
            }
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
                rescale(&mut up.f0, &mut up.f1, &mut product);
                pending += 1;
            }
            // The root takes the rest.
            if pending == 8 {
                for l in 0..LANES {
                    out.log_lik[l] += product[l].ln();
                }
                product = [1.0; LANES];
                pending = 0;
            }
        }
        out.information = information;
    }
}
