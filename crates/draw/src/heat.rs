//! Matrices as one image: colour maps, averaging of large matrices, PNG data URLs.

use crate::error::DrawError;
use crate::panel::Heat;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use resvg::tiny_skia::Pixmap;

/// Largest side of an image, px; larger matrices are averaged in blocks.
const MOST_PIXELS: usize = 1200;

/// Viridis at eleven equal steps.
const VIRIDIS: [u32; 11] = [
    0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c, 0x22a884, 0x44bf70, 0x7ad151, 0xbddf26,
    0xfde725,
];
/// Blue over white to red at nine equal steps.
const DIVERGING: [u32; 9] = [
    0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b,
];
const MISSING: [u8; 3] = [0xdd, 0xdd, 0xdd];

impl Heat {
    /// Values at the two ends of the colour bar; symmetric about zero for signed data.
    pub(crate) fn limits(&self) -> (f64, f64) {
        if let Some(limits) = self.limits {
            return limits;
        }
        let finite = || self.values.iter().flatten().copied().filter(|v| v.is_finite());
        if self.signed {
            let most = finite().fold(0.0f64, |m, v| m.max(v.abs()));
            let most = if most == 0.0 { 1.0 } else { most };
            return (-most, most);
        }
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        match high - low {
            extent if extent > 0.0 => (low, high),
            0.0 => (low, low + 1.0),
            _ => (0.0, 1.0),
        }
    }

    fn color_map(&self) -> &'static [u32] {
        if self.signed { &DIVERGING } else { &VIRIDIS }
    }

    /// CSS colours at equal steps along the colour bar, low to high.
    pub(crate) fn stops(&self) -> Vec<String> {
        self.color_map().iter().map(|c| format!("#{c:06x}")).collect()
    }

    /// The matrix as a PNG data URL, first image row on top; flips as asked for.
    pub(crate) fn data_url(&self, flip_x: bool, flip_y: bool) -> Result<String, DrawError> {
        let rows = self.values.len();
        let columns = self.values.first().map_or(0, Vec::len);
        let (width, height) = (columns.clamp(1, MOST_PIXELS), rows.clamp(1, MOST_PIXELS));
        let failed = || DrawError::Image {
            width: width as u32,
            height: height as u32,
        };
        let mut image = Pixmap::new(width as u32, height as u32).ok_or_else(failed)?;
        let (low, high) = self.limits();
        let map = self.color_map();
        for (i, pixel) in image.data_mut().chunks_exact_mut(4).enumerate() {
            let (mut row, mut column) = (i / width, i % width);
            if flip_y {
                row = height - 1 - row;
            }
            if flip_x {
                column = width - 1 - column;
            }
            let value = self.block(row, height, column, width);
            let [r, g, b] = shade(map, (value - low) / (high - low));
            pixel.copy_from_slice(&[r, g, b, 255]);
        }
        let png = image.encode_png().map_err(|_| failed())?;
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
    }

    /// Mean of the cells that pixel (row, column) of a `height` × `width` image stands for.
    fn block(&self, row: usize, height: usize, column: usize, width: usize) -> f64 {
        let part = |i: usize, of: usize, n: usize| i * n / of..((i + 1) * n).div_ceil(of).min(n);
        let (mut sum, mut n) = (0.0, 0usize);
        for cells in &self.values[part(row, height, self.values.len())] {
            for value in &cells[part(column, width, cells.len())] {
                if value.is_finite() {
                    sum += value;
                    n += 1;
                }
            }
        }
        sum / n as f64
    }
}

/// Colour at `part` of the map, in [0, 1].
fn shade(map: &[u32], part: f64) -> [u8; 3] {
    if !part.is_finite() {
        return MISSING;
    }
    let at = part.clamp(0.0, 1.0) * (map.len() - 1) as f64;
    let i = (at as usize).min(map.len() - 2);
    let weight = at - i as f64;
    std::array::from_fn(|channel| {
        let of = |color: u32| f64::from((color >> (16 - 8 * channel)) & 0xff);
        (of(map[i]) * (1.0 - weight) + of(map[i + 1]) * weight).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_data_are_centred_on_white() {
        let heat = Heat {
            values: vec![vec![-1.0, 3.0]],
            signed: true,
            ..Heat::default()
        };
        assert_eq!(heat.limits(), (-3.0, 3.0));
        let limits = Some((0.0, 9.0));
        assert_eq!(Heat { limits, ..heat }.limits(), (0.0, 9.0));
        assert_eq!(shade(&DIVERGING, 0.5), [0xf7, 0xf7, 0xf7]);
    }

    #[test]
    fn the_ends_of_the_map_are_reached_and_missing_values_are_grey() {
        assert_eq!(shade(&VIRIDIS, 0.0), [0x44, 0x01, 0x54]);
        assert_eq!(shade(&VIRIDIS, 1.0), [0xfd, 0xe7, 0x25]);
        assert_eq!(shade(&VIRIDIS, f64::NAN), MISSING);
    }

    #[test]
    fn a_large_matrix_is_averaged_and_a_small_one_kept() {
        let large = Heat {
            values: vec![(0..2400).map(f64::from).collect()],
            ..Heat::default()
        };
        assert_eq!(large.block(0, 1, 3, 1200), 6.5);
        let small = Heat {
            values: vec![vec![1.0, 2.0], vec![3.0, 4.0]],
            ..Heat::default()
        };
        assert_eq!(small.block(1, 2, 0, 2), 3.0);
    }
}
