//! Traits that evolved along the tree, eight at a time.

use neuropil_math::noise::NoiseLanes;
use neuropil_math::rng::{Key, Purpose};

use crate::tree::{NONE, Tree};

/// Traits of one walk.
pub(super) const LANES: usize = 8;

/// Key of a region's permulations: the run's seed and the region's name, so that which other regions there are, the
/// number of threads and restarts do not matter.
pub(super) fn key_of(seed: u64, region: &str) -> Key {
    // FNV-1a.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in region.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Key::new(seed).part(hash)
}

/// Brownian motion along a tree from streams of their own: the values of permulation `i` depend on the key and on
/// `i` alone.
pub(super) struct Evolution<'a> {
    tree: &'a Tree,
    key: Key,
    sd: Vec<f32>,
    noise: NoiseLanes<LANES>,
    rows: Vec<f32>,
    /// Values at the tips, shaped \[tips\]\[lanes\].
    pub(super) values: Vec<[f32; LANES]>,
}

impl<'a> Evolution<'a> {
    pub(super) fn new(tree: &'a Tree, key: Key) -> Self {
        // Only ranks matter: any scale gives the same law, this one keeps numbers near 1.
        let height = tree.height();
        Self {
            tree,
            key,
            sd: tree
                .lengths()
                .iter()
                .map(|length| (length / height).sqrt() as f32)
                .collect(),
            noise: NoiseLanes::new(key, Purpose::Permutation, &[]),
            rows: vec![0.0; tree.n_nodes() * LANES],
            values: vec![[0.0; LANES]; tree.n_tips()],
        }
    }

    /// From now on `lane` draws permulation `index`.
    pub(super) fn seat(&mut self, lane: usize, index: u64) {
        self.noise.seat(lane, self.key, Purpose::Permutation, index);
    }

    /// Draws the next trait of every lane.
    pub(super) fn draw(&mut self) {
        self.noise.fill_normal(1.0, &mut self.rows);
        for v in (0..self.tree.n_nodes()).rev() {
            let parent = self.tree.parents()[v];
            let sd = self.sd[v];
            let (low, high) = self.rows.split_at_mut((v + 1) * LANES);
            let here = &mut low[v * LANES..];
            if parent == NONE {
                here.fill(0.0);
                continue;
            }
            let above = &high[(parent - v - 1) * LANES..][..LANES];
            for l in 0..LANES {
                here[l] = above[l] + sd * here[l];
            }
        }
        for (values, &node) in self.values.iter_mut().zip(self.tree.tips()) {
            values.copy_from_slice(&self.rows[node * LANES..(node + 1) * LANES]);
        }
    }
}

/// A form of finite numbers whose order as integers is their order.
#[inline]
pub(super) fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}
