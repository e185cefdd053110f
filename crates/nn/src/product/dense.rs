//! Products with a dense matrix.
//!
//! Weights are packed once per update into panels of [`PANEL`] rows, `[panel][column][row in panel]`. A panel
//! keeps one accumulator vector per row while it runs over the columns: ten independent chains hide the latency
//! of the multiply-add units.

use crate::buffer::Buffer;
use neuropil_math::real::Real;
use neuropil_math::simd::{Fused, Level, level, vectorised};
use std::ops::Range;

/// Rows of a panel.
const PANEL: usize = 10;
/// Columns that the gradient kernel keeps in registers.
pub(super) const TILE: usize = 16;
/// Rows of a gradient that are added up in one go, by one thread.
pub(super) const SHARE: usize = 50;

/// A dense matrix packed for `out += W·src`.
#[derive(Debug)]
pub(super) struct Packed<R> {
    rows: usize,
    columns: usize,
    panels: Buffer<R>,
}

impl<R: Real> Packed<R> {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            panels: Buffer::zeros(rows.div_ceil(PANEL) * PANEL * columns),
        }
    }

    pub(super) fn pack(&mut self, weight: impl Fn(usize, usize) -> R) {
        for row in 0..self.rows {
            let (panel, within) = (row / PANEL, row % PANEL);
            let panel = &mut self.panels[panel * PANEL * self.columns..][..PANEL * self.columns];
            for column in 0..self.columns {
                panel[column * PANEL + within] = weight(row, column);
            }
        }
    }

    /// `out` \[rows\]\[L\] += W · `src` \[columns\]\[L\], over the given columns.
    pub(super) fn multiply_add<const L: usize>(&self, columns: Range<usize>, src: &[R], out: &mut [R]) {
        let src = &src[..columns.len() * L];
        let whole = self.rows / PANEL;
        let (body, rest) = out[..self.rows * L].split_at_mut(whole * PANEL * L);
        let (panels, last) = self.panels.split_at(whole * PANEL * self.columns);
        multiply_panels::<R, L>(panels, self.columns, columns.start, src, body);
        if !rest.is_empty() {
            let mut padded = [[R::ZERO; L]; PANEL];
            padded.as_flattened_mut()[..rest.len()].copy_from_slice(rest);
            multiply_panels::<R, L>(last, self.columns, columns.start, src, padded.as_flattened_mut());
            rest.copy_from_slice(&padded.as_flattened()[..rest.len()]);
        }
    }
}

/// Rows `FROM..FROM + ROWS` of one panel.
#[inline(always)]
fn multiply_rows<F: Fused, R: Real, const L: usize, const FROM: usize, const ROWS: usize>(
    panel: &[R],
    src: &[R],
    out: &mut [R],
) {
    let mut sum = [[R::ZERO; L]; ROWS];
    for r in 0..ROWS {
        sum[r].copy_from_slice(&out[(FROM + r) * L..][..L]);
    }
    for (w, s) in panel.as_chunks::<PANEL>().0.iter().zip(src.as_chunks::<L>().0) {
        for r in 0..ROWS {
            for l in 0..L {
                sum[r][l] = R::fma::<F>(w[FROM + r], s[l], sum[r][l]);
            }
        }
    }
    for r in 0..ROWS {
        out[(FROM + r) * L..][..L].copy_from_slice(&sum[r]);
    }
}

vectorised! {
    fn multiply_panels<F>(row: L * size_of::<R>())[R: Real, const L: usize][R, L](panels: &[R], columns: usize, from: usize, src: &[R], out: &mut [R]) {
        for (panel, out) in panels.chunks_exact(PANEL * columns).zip(out.chunks_exact_mut(PANEL * L)) {
            let panel = &panel[from * PANEL..];
            // Sixteen 256-bit registers hold ten accumulators only if a row of lanes fits in one.
            if L * size_of::<R>() > 32 && level() != Level::Avx512 {
                multiply_rows::<F, R, L, 0, 5>(panel, src, out);
                multiply_rows::<F, R, L, 5, 5>(panel, src, out);
            } else {
                multiply_rows::<F, R, L, 0, 10>(panel, src, out);
            }
        }
    }
}

#[inline(always)]
fn accumulate_tile<F: Fused, R: Real, const L: usize, const ROWS: usize>(
    dz: &[R],
    rows: usize,
    from_row: usize,
    src: &[R],
    padded: usize,
    from_column: usize,
    live: &[usize],
    gradient: &mut [R],
) {
    let mut sum = [[R::ZERO; TILE]; ROWS];
    for r in 0..ROWS {
        sum[r].copy_from_slice(&gradient[r * padded + from_column..][..TILE]);
    }
    for ((dz, src), &live) in dz
        .chunks_exact(rows * L)
        .zip(src.chunks_exact(L * padded))
        .zip(live)
    {
        let dz = &dz[from_row * L..][..ROWS * L];
        for l in 0..live.min(L) {
            let s: &[R; TILE] = src[l * padded + from_column..]
                .first_chunk()
                .expect("columns are padded to tiles");
            for r in 0..ROWS {
                let d = dz[r * L + l];
                for c in 0..TILE {
                    sum[r][c] = R::fma::<F>(d, s[c], sum[r][c]);
                }
            }
        }
    }
    for r in 0..ROWS {
        gradient[r * padded + from_column..][..TILE].copy_from_slice(&sum[r]);
    }
}

vectorised! {
    /// Adds Σ over steps and lanes of `dz`·`src`ᵀ to the rows of a gradient from `first` on, \[row\]\[padded column\].
    ///
    /// - `dz`: \[steps\]\[rows\]\[L\]
    /// - `src`: \[steps\]\[L\]\[padded columns\], columns padded to a multiple of [`TILE`]
    /// - `live`: per step, how many leading lanes count; the others have `dz` = 0
    pub(super) fn accumulate<F>[R: Real, const L: usize][R, L](
        dz: &[R], rows: usize, first: usize, src: &[R], padded: usize, live: &[usize], gradient: &mut [R],
    ) {
        let count = gradient.len() / padded;
        for column in (0..padded).step_by(TILE) {
            let mut row = 0;
            if level() == Level::Avx512 {
                while row + 10 <= count {
                    let gradient = &mut gradient[row * padded..];
                    accumulate_tile::<F, R, L, 10>(dz, rows, first + row, src, padded, column, live, gradient);
                    row += 10;
                }
            }
            while row + 5 <= count {
                let gradient = &mut gradient[row * padded..];
                accumulate_tile::<F, R, L, 5>(dz, rows, first + row, src, padded, column, live, gradient);
                row += 5;
            }
            while row < count {
                let gradient = &mut gradient[row * padded..];
                accumulate_tile::<F, R, L, 1>(dz, rows, first + row, src, padded, column, live, gradient);
                row += 1;
            }
        }
    }
}

vectorised! {
    /// `src` \[rows\]\[L\] → `dst` \[L\]\[padded\], starting at column `from`.
    pub(super) fn transpose<F>[R: Real, const L: usize][R, L](src: &[R], from: usize, padded: usize, dst: &mut [R]) {
        let rows = src.as_chunks::<L>().0;
        let (blocks, rest) = rows.as_chunks::<8>();
        for (b, block) in blocks.iter().enumerate() {
            for l in 0..L {
                let column: [R; 8] = std::array::from_fn(|r| block[r][l]);
                dst[l * padded + from + b * 8..][..8].copy_from_slice(&column);
            }
        }
        for (r, row) in rest.iter().enumerate() {
            for l in 0..L {
                dst[l * padded + from + blocks.len() * 8 + r] = row[l];
            }
        }
    }
}
