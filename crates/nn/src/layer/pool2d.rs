//! The largest of each 2 × 2 square, stride 2: \[example\]\[row\]\[column\]\[channel\].

use neuropil_math::real::Real;

/// `y` \[B\]\[rows/2\]\[columns/2\]\[channels\] from `x` \[B\]\[rows\]\[columns\]\[channels\]; `from` takes the place in `x` of each
/// largest value (of equal ones the first).
///
/// # Panics
/// When rows or columns are odd.
pub fn forward<R: Real>(
    x: &[R],
    rows: usize,
    columns: usize,
    channels: usize,
    y: &mut [R],
    from: &mut [u32],
) {
    assert!(
        rows.is_multiple_of(2) && columns.is_multiple_of(2),
        "{rows} × {columns} cannot be halved"
    );
    let (across, down) = (channels, columns * channels);
    let images = x.len() / (rows * down).max(1);
    let mut out = 0;
    for image in 0..images {
        for row in 0..rows / 2 {
            for column in 0..columns / 2 {
                let corner = image * rows * down + 2 * row * down + 2 * column * across;
                for channel in corner..corner + channels {
                    let mut best = channel;
                    for place in [channel + across, channel + down, channel + down + across] {
                        if x[place] > x[best] {
                            best = place;
                        }
                    }
                    (y[out], from[out]) = (x[best], best as u32);
                    out += 1;
                }
            }
        }
    }
}

/// Adds to `dx`, the shape of [`forward`]'s `x`, at the places `from` that it left.
pub fn backward<R: Real>(dy: &[R], from: &[u32], dx: &mut [R]) {
    for (&d, &place) in dy.iter().zip(from) {
        dx[place as usize] += d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::worst_difference;

    fn numbers(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0)
            .collect()
    }

    #[test]
    fn squares_give_their_largest_value_and_its_gradient() {
        let x = numbers(2 * 4 * 6 * 3);
        let run = |x: &[f64]| {
            let (mut y, mut from) = (vec![0.0; 2 * 2 * 3 * 3], vec![0; 2 * 2 * 3 * 3]);
            forward(x, 4, 6, 3, &mut y, &mut from);
            (y, from)
        };
        let (y, from) = run(&x);
        let at = |image: usize, row: usize, column: usize, channel: usize| {
            x[((image * 4 + row) * 6 + column) * 3 + channel]
        };
        for (place, &y) in y.iter().enumerate() {
            let (channel, column, row, image) = (place % 3, place / 3 % 3, place / 9 % 2, place / 18);
            let square = [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(r, c)| at(image, 2 * row + r, 2 * column + c, channel));
            assert_eq!(y, square.into_iter().fold(f64::MIN, f64::max));
        }
        let weights = numbers(36);
        let mut dx = vec![0.0; x.len()];
        backward(&weights, &from, &mut dx);
        let loss = |x: &[f64]| run(x).0.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
        assert!(worst_difference(loss, &x, &dx) < 1e-8);
    }
}
