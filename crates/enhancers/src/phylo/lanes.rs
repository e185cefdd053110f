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

/// What the walk reads: tree and data.
///
/// The tree is made of pairs: a node with more children is a chain of pairs without branches in between. Slots are the tips,
/// in their order, then the pairs from the tips to the root.
#[derive(Clone, Debug)]
pub(super) struct Walk<const D: usize> {
    /// Both members of each pair.
    pairs: Vec<[usize; 2]>,
    /// Slot of the pair that a slot is a member of; of the root, itself.
    parent: Vec<usize>,
    /// Branch above each slot, filled up to whole vectors.
    length: Vec<f64>,
    mean_height: f64,
    x: Vec<[f64; D]>,
    /// Tips of class 0 and of class 1.
    classes: [Vec<usize>; 2],
    scratch: Scratch<D>,
}

/// Whatever a pass leaves to the next, in memory: lanes that are loaded whole are computed on whole.
#[derive(Clone, Debug)]
struct Scratch<const D: usize> {
    /// e^{-η} of every tip, then its μ.
    mu: Vec<Lane>,
    /// Rates by slot: decay along the branch above.
    decays: Vec<Rated>,
    /// Rates by slot: e^{-2α·age} at its lower end.
    ages: Vec<Rated>,
    /// Both of them in lanes.
    decay: Vec<Lane>,
    age: Vec<Lane>,
    /// What slots pass on.
    passed: Vec<Node<D>>,
    /// Information so far, and powers of two that were taken out of the likelihood.
    information: [[Lane; D]; D],
    powers: [i64; LANES],
}

/// Likelihoods of both states, and precision and estimates of the working process.
#[derive(Clone, Copy, Debug)]
struct Node<const D: usize> {
    f: [Lane; 2],
    p: Lane,
    u: [Lane; D],
}

/// Of the chain: mean p of all μ, q = 1 − p, their inverses, √(q/p) and √(p/q).
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    p: Lane,
    q: Lane,
    over_p: Lane,
    over_q: Lane,
    low: Lane,
    high: Lane,
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
        let n = tree.n_tips();
        let mut pairs: Vec<[usize; 2]> = Vec::new();
        let mut length = vec![0.0; n];
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); tree.n_nodes()];
        for (v, &parent) in tree.parents().iter().enumerate() {
            let tip = tree.tip_of()[v];
            let slot = if tip == NONE {
                let members = std::mem::take(&mut children[v]);
                let join = |first, second| {
                    pairs.push([first, second]);
                    length.push(0.0);
                    n + pairs.len() - 1
                };
                members
                    .into_iter()
                    .reduce(join)
                    .expect("an inner node has children")
            } else {
                tip
            };
            length[slot] = tree.lengths()[v];
            if parent != NONE {
                children[parent].push(slot);
            }
        }
        let slots = n + pairs.len();
        let mut parent: Vec<usize> = (0..slots).collect();
        for (pair, slot) in pairs.iter().zip(n..) {
            pair.iter().for_each(|&member| parent[member] = slot);
        }
        length.resize(slots.next_multiple_of(TOGETHER), 0.0);
        let (zero, one) = ([0.0; LANES], [1.0; LANES]);
        let empty = Node {
            f: [one; 2],
            p: zero,
            u: [zero; D],
        };
        Self {
            mean_height: tree.mean_height(),
            x: x.chunks(D)
                .map(|row| row.try_into().expect("rows of D"))
                .collect(),
            classes: classes(y),
            scratch: Scratch {
                mu: vec![zero; n],
                decays: vec![[1.0; RATES]; length.len()],
                ages: vec![[1.0; RATES]; slots],
                decay: vec![one; slots],
                age: vec![one; slots],
                passed: vec![empty; slots],
                information: [[zero; D]; D],
                powers: [0; LANES],
            },
            pairs,
            parent,
            length,
        }
    }

    /// Another design for the same tree.
    pub(super) fn set_design(&mut self, x: &[f64]) {
        for (row, x) in self.x.iter_mut().zip(x.as_chunks::<D>().0) {
            *row = *x;
        }
    }

    /// Other responses for the same tree and design.
    pub(super) fn set_response(&mut self, y: &[bool]) {
        self.classes = classes(y);
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
        let mut chain = Chain::default();
        rates(self, &[shared, alpha[more], alpha[less], shared]);
        means(self, beta, &mut chain, &mut values);
        self.scratch.information = [[[0.0; LANES]; D]; D];
        leave::<D, false>(self, &chain);
        leave::<D, true>(self, &chain);
        climb(self, &chain, &mut values);
        values
    }
}

fn classes(y: &[bool]) -> [Vec<usize>; 2] {
    (0..y.len()).partition(|&tip| !y[tip]).into()
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Lane {
    let mut lane = [0.0; LANES];
    for l in 0..LANES {
        lane[l] = f(l);
    }
    lane
}

/// The value of every lane's rate.
#[inline(always)]
fn spread<const D: usize>(rated: &Rated, lanes: &mut Lane) {
    let [more, less] = Walk::<D>::OWN_RATE;
    *lanes = [rated[0]; LANES];
    lanes[more] = rated[1];
    lanes[less] = rated[2];
}

/// Takes the largest power of two out of both likelihoods of a node and counts it.
#[inline(always)]
fn rescale(f0: &mut Lane, f1: &mut Lane, powers: &mut [i64; LANES]) {
    const FIELD: u64 = 0x7ff << 52;
    const BIAS: u64 = 1023;
    for l in 0..LANES {
        let field = f0[l].max(f1[l]).to_bits() & FIELD;
        let scale = f64::from_bits(((2 * BIAS) << 52).wrapping_sub(field));
        f0[l] *= scale;
        f1[l] *= scale;
        powers[l] += (field >> 52) as i64 - BIAS as i64;
    }
}

vectorised! {
    /// Decay along branches, and e^{-2α·age} of nodes, downwards from the root.
    fn rates<F>[const D: usize][D](walk: &mut Walk<D>, alpha: &Rated) {
        let s = &mut walk.scratch;
        let decays = s.decays.as_flattened_mut().as_chunks_mut::<LANES>().0;
        for (decays, lengths) in decays.iter_mut().zip(walk.length.as_chunks::<TOGETHER>().0) {
            *decays = exp(map(|l| -alpha[l % RATES] * lengths[l / RATES]));
        }
        let root = exp(map(|l| -2.0 * alpha[l % RATES] * walk.mean_height));
        for (slot, &parent) in walk.parent.iter().enumerate().rev() {
            let decay = s.decays[slot];
            if parent == slot {
                s.ages[slot].copy_from_slice(&root[..RATES]);
            } else {
                let above = s.ages[parent];
                for k in 0..RATES {
                    s.ages[slot][k] = above[k] / (decay[k] * decay[k]);
                }
            }
            let age = s.ages[slot];
            spread::<D>(&decay, &mut s.decay[slot]);
            spread::<D>(&age, &mut s.age[slot]);
        }
    }
}

vectorised! {
    /// μ of every tip, and what follows from their mean.
    fn means<F>[const D: usize][D](
        walk: &mut Walk<D>,
        beta: &[Lane; D],
        chain: &mut Chain,
        values: &mut Values<D>,
    ) {
        let mu = &mut walk.scratch.mu;
        for (mu, x) in mu.iter_mut().zip(&walk.x) {
            let mut eta = [0.0; LANES];
            for k in 0..D {
                for l in 0..LANES {
                    eta[l] += beta[k][l] * x[k];
                }
            }
            for l in 0..LANES {
                values.largest[l] = values.largest[l].max(eta[l].abs());
            }
            *mu = exp(map(|l| -eta[l]));
        }
        let mut sum = [0.0; LANES];
        for mu in mu.iter_mut() {
            *mu = map(|l| 1.0 / (1.0 + mu[l]));
            for l in 0..LANES {
                sum[l] += mu[l];
            }
        }
        let n = mu.len() as f64;
        chain.p = map(|l| sum[l] / n);
        chain.q = map(|l| 1.0 - chain.p[l]);
        chain.over_p = map(|l| 1.0 / chain.p[l]);
        chain.over_q = map(|l| 1.0 / chain.q[l]);
        chain.low = map(|l| (chain.q[l] / chain.p[l]).sqrt());
        chain.high = map(|l| (chain.p[l] / chain.q[l]).sqrt());
    }
}

/// What a slot passes on of its likelihoods along its branch.
#[inline(always)]
fn pass(f0: &Lane, f1: &Lane, decay: &Lane, chain: &Chain, up: &mut [Lane; 2]) {
    for l in 0..LANES {
        let mixed = (1.0 - decay[l]) * (chain.q[l] * f0[l] + chain.p[l] * f1[l]);
        up[0][l] = mixed + decay[l] * f0[l];
        up[1][l] = mixed + decay[l] * f1[l];
    }
}

vectorised! {
    /// What the tips of a class pass on, and their part of the information.
    fn leave<F>[const D: usize, const ONE: bool][D, ONE](walk: &mut Walk<D>, chain: &Chain) {
        // By value: of two references one would be chosen lane by lane before it is read.
        let Chain { p, over_p, over_q, low, high, .. } = *chain;
        let s = &mut walk.scratch;
        for &tip in &walk.classes[usize::from(ONE)] {
            let (mu, age) = (s.mu[tip], s.age[tip]);
            let above = &s.age[walk.parent[tip]];
            let node = &mut s.passed[tip];
            // The rarer of what the chain and the tip may be, and its part of the chain's.
            let rarer = map(|l| if mu[l] < p[l] { mu[l] } else { 1.0 - mu[l] });
            let change = map(|l| rarer[l] * if mu[l] < p[l] { over_p[l] } else { over_q[l] });
            let (f0, f1) = if D == 1 {
                // The chain is what is seen: without a slope no tip changes.
                let (zero, one) = ([0.0; LANES], [1.0; LANES]);
                if ONE { (zero, one) } else { (one, zero) }
            } else if ONE {
                (
                    map(|l| if mu[l] < p[l] { 0.0 } else { 1.0 - change[l] }),
                    map(|l| if mu[l] < p[l] { change[l] } else { 1.0 }),
                )
            } else {
                (
                    map(|l| if mu[l] < p[l] { 1.0 } else { change[l] }),
                    map(|l| if mu[l] < p[l] { 1.0 - change[l] } else { 0.0 }),
                )
            };
            pass(&f0, &f1, &s.decay[tip], chain, &mut node.f);
            // The variance over the weight m of the tip, and over m² in what it adds to the age.
            let over_m = map(|l| 1.0 / (rarer[l] * if mu[l] < p[l] { low[l] } else { high[l] }));
            let part = map(|l| mu[l] * (1.0 - mu[l]) * over_m[l]);
            node.p = map(|l| 1.0 / (age[l] * (part[l] * over_m[l]) - above[l]));
            let weight = map(|l| part[l] * age[l].sqrt());
            let x = &walk.x[tip];
            for i in 0..D {
                node.u[i] = map(|l| weight[l] * node.p[l] * x[i]);
                for j in i..D {
                    for l in 0..LANES {
                        s.information[i][j][l] += weight[l] * weight[l] * node.p[l] * (x[i] * x[j]);
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Likelihood and information upwards from the tips.
    fn climb<F>[const D: usize][D](walk: &mut Walk<D>, chain: &Chain, values: &mut Values<D>) {
        let s = &mut walk.scratch;
        s.powers = [0; LANES];
        let n = s.mu.len();
        for (slot, &[first, second]) in (n..).zip(&walk.pairs) {
            let parent = walk.parent[slot];
            let (below, above) = s.passed.split_at_mut(slot);
            let (first, second, own) = (&below[first], &below[second], &mut above[0]);
            let mut f0 = map(|l| first.f[0][l] * second.f[0][l]);
            let mut f1 = map(|l| first.f[1][l] * second.f[1][l]);
            rescale(&mut f0, &mut f1, &mut s.powers);
            pass(&f0, &f1, &s.decay[slot], chain, &mut own.f);
            let age = &s.age[slot];
            let above = if parent == slot { &[0.0; LANES] } else { &s.age[parent] };
            let sum = map(|l| first.p[l] + second.p[l]);
            let t = map(|l| age[l] - above[l]);
            let inverse = map(|l| 1.0 / (1.0 + t[l] * sum[l]));
            own.p = map(|l| sum[l] * inverse[l]);
            for i in 0..D {
                let u = map(|l| first.u[i][l] + second.u[i][l]);
                own.u[i] = map(|l| u[l] * inverse[l]);
                for j in i..D {
                    let other = map(|l| first.u[j][l] + second.u[j][l]);
                    for l in 0..LANES {
                        s.information[i][j][l] -= t[l] * own.u[i][l] * other[l];
                    }
                }
            }
        }
        // The root has no branch: what it passes on is its own.
        let [f0, f1] = &s.passed[n + walk.pairs.len() - 1].f;
        for l in 0..LANES {
            let powers = s.powers[l] as f64 * std::f64::consts::LN_2;
            values.log_lik[l] = (chain.q[l] * f0[l] + chain.p[l] * f1[l]).ln() + powers;
        }
        values.information = s.information;
    }
}
