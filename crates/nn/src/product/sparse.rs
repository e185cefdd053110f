//! Products with a matrix of few, fixed entries.
//!
//! Rows are sorted by their number of entries and taken in groups of [`GROUP`] that run in lockstep: eight
//! independent sums hide the latency of the multiply-add units. Entries are stored
//! `[group][entry][row in group]`; groups are filled up with entries of weight 0.

use super::WINDOW;
use neuropil_math::real::Real;
use neuropil_math::simd::{Fused, Level, level, vectorised};
use std::ops::Range;

const GROUP: usize = 8;
/// Steps whose gradient is added up in registers at a time.
pub(super) const CHUNK: usize = 8;
/// Groups whose gradient is added up in one go, by one thread.
const SHARE: usize = 10;
const NO_ROW: u32 = u32::MAX;

/// Where the entries of a sparse matrix are.
#[derive(Debug)]
pub(super) struct Pattern {
    columns: usize,
    groups: Vec<Group>,
    /// Column of each slot.
    column: Vec<u32>,
    /// Row of each slot, or [`NO_ROW`] where the slot only fills up its group.
    row: Vec<u32>,
}

#[derive(Debug)]
struct Group {
    first_slot: usize,
    entries: usize,
    rows: [u32; GROUP],
}

impl Pattern {
    /// Pattern of a matrix whose row `r` has entries in the (ascending) columns `entries[r]`.
    pub(super) fn new(columns: usize, entries: &[Vec<u32>]) -> Self {
        let mut order: Vec<u32> = (0..entries.len() as u32).collect();
        order.sort_by_key(|&r| std::cmp::Reverse(entries[r as usize].len()));
        let (mut groups, mut column, mut row) = (Vec::new(), Vec::new(), Vec::new());
        for members in order.chunks(GROUP) {
            let longest = members
                .iter()
                .map(|&r| entries[r as usize].len())
                .max()
                .unwrap_or(0);
            let first_slot = column.len();
            for e in 0..longest {
                for g in 0..GROUP {
                    let found = members
                        .get(g)
                        .and_then(|&r| entries[r as usize].get(e).map(|&c| (r, c)));
                    let (r, c) = found.unwrap_or((NO_ROW, 0));
                    row.push(r);
                    column.push(c);
                }
            }
            let rows = std::array::from_fn(|g| members.get(g).copied().unwrap_or(NO_ROW));
            groups.push(Group {
                first_slot,
                entries: longest,
                rows,
            });
        }
        Self {
            columns,
            groups,
            column,
            row,
        }
    }

    /// Number of slots; weights and partial gradients are stored by slot.
    pub(super) fn slots(&self) -> usize {
        self.column.len()
    }

    /// (slot, row, column) of every real entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let slots = self.row.iter().zip(&self.column).enumerate();
        slots
            .filter(|&(_, (&row, _))| row != NO_ROW)
            .map(|(slot, (&row, &column))| (slot, row as usize, column as usize))
    }

    /// `out` \[rows\]\[L\] += W · `src` \[columns\]\[L\].
    pub(super) fn multiply_add<R: Real, const L: usize>(&self, weights: &[R], src: &[R], out: &mut [R]) {
        multiply::<R, L>(self, weights, &src[..self.columns * L], out);
    }

    /// Adds `dz`·`src` of every entry to its `L` partial sums, lane by lane, on all threads of the pool.
    ///
    /// - `dz`: \[steps\]\[rows\]\[L\], 0 beyond the first `n_steps` steps, up to a multiple of [`CHUNK`]
    /// - `src`: \[steps\]\[columns\]\[L\]
    /// - `partial`: \[slots\]\[L\]
    pub(super) fn accumulate<R: Real, const L: usize>(
        &self,
        dz: &[R],
        src: &[R],
        n_steps: usize,
        partial: &mut [R],
    ) {
        let n_steps = n_steps.next_multiple_of(CHUNK);
        let rows = dz.len() / (WINDOW * L);
        let (dz, src) = (&dz[..n_steps * rows * L], &src[..n_steps * self.columns * L]);
        self.accumulate_groups::<R, L>(0..self.groups.len(), dz, src, partial);
    }

    /// The partial sums of the given groups.
    fn accumulate_groups<R: Real, const L: usize>(
        &self,
        groups: Range<usize>,
        dz: &[R],
        src: &[R],
        partial: &mut [R],
    ) {
        if groups.len() <= SHARE {
            return accumulate::<R, L>(self, groups, dz, src, partial);
        }
        let middle = groups.start + groups.len() / 2;
        let slots = self.groups[middle].first_slot - self.groups[groups.start].first_slot;
        let (low, high) = partial.split_at_mut(slots * L);
        rayon::join(
            || self.accumulate_groups::<R, L>(groups.start..middle, dz, src, low),
            || self.accumulate_groups::<R, L>(middle..groups.end, dz, src, high),
        );
    }
}

/// `WIDTH` rows of a group from row `FROM`.
#[inline(always)]
fn multiply_rows<F: Fused, R: Real, const L: usize, const FROM: usize, const WIDTH: usize>(
    group: &Group,
    column: &[[u32; GROUP]],
    weights: &[[R; GROUP]],
    src: &[[R; L]],
    out: &mut [[R; L]],
) {
    let mut sum = [[R::ZERO; L]; WIDTH];
    for g in 0..WIDTH {
        if let Some(row) = out.get(group.rows[FROM + g] as usize) {
            sum[g] = *row;
        }
    }
    for (c, w) in column.iter().zip(weights) {
        for g in 0..WIDTH {
            let s = &src[c[FROM + g] as usize];
            for l in 0..L {
                sum[g][l] = R::fma::<F>(w[FROM + g], s[l], sum[g][l]);
            }
        }
    }
    for g in 0..WIDTH {
        if let Some(row) = out.get_mut(group.rows[FROM + g] as usize) {
            *row = sum[g];
        }
    }
}

vectorised! {
    fn multiply<F>[R: Real, const L: usize][R, L](pattern: &Pattern, weights: &[R], src: &[R], out: &mut [R]) {
        let (src, out) = (src.as_chunks::<L>().0, out.as_chunks_mut::<L>().0);
        for group in &pattern.groups {
            let slots = group.first_slot..group.first_slot + group.entries * GROUP;
            let column = pattern.column[slots.clone()].as_chunks::<GROUP>().0;
            let weights = weights[slots].as_chunks::<GROUP>().0;
            // Sixteen 256-bit registers hold eight sums only if a row of lanes fits in one.
            if L * size_of::<R>() > 32 && level() != Level::Avx512 {
                multiply_rows::<F, R, L, 0, 4>(group, column, weights, src, out);
                multiply_rows::<F, R, L, 4, 4>(group, column, weights, src, out);
            } else {
                multiply_rows::<F, R, L, 0, 8>(group, column, weights, src, out);
            }
        }
    }
}

vectorised! {
    fn accumulate<F>[R: Real, const L: usize][R, L](
        pattern: &Pattern, groups: Range<usize>, dz: &[R], src: &[R], partial: &mut [R],
    ) {
        let (dz, src) = (dz.as_chunks::<L>().0, src.as_chunks::<L>().0);
        let partial = partial.as_chunks_mut::<L>().0;
        let (columns, first) = (pattern.columns, pattern.groups[groups.start].first_slot);
        let chunks = src.len() / (CHUNK * columns);
        let rows = dz.len() / (CHUNK * chunks);
        let chunks = dz.chunks_exact(CHUNK * rows).zip(src.chunks_exact(CHUNK * columns));
        for (dz, src) in chunks {
            for group in &pattern.groups[groups.clone()] {
                for (g, &row) in group.rows.iter().enumerate() {
                    if row == NO_ROW {
                        continue;
                    }
                    let d: [[R; L]; CHUNK] = std::array::from_fn(|t| dz[t * rows + row as usize]);
                    for e in 0..group.entries {
                        let slot = group.first_slot + e * GROUP + g;
                        let column = pattern.column[slot] as usize;
                        let mut sum = partial[slot - first];
                        for t in 0..CHUNK {
                            let s = &src[t * columns + column];
                            for l in 0..L {
                                sum[l] = R::fma::<F>(d[t][l], s[l], sum[l]);
                            }
                        }
                        partial[slot - first] = sum;
                    }
                }
            }
        }
    }
}
