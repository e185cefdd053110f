//! A smooth curve through points.

/// Locally linear regression with tricube weights over the nearest `span` of the points, without rounds against outliers
/// (Cleveland 1979, J. Am. Stat. Assoc. 74, 829), at every distinct `x`, ascending.
///
/// # Panics
/// When `x` and `y` differ in length.
pub fn lowess(x: &[f64], y: &[f64], span: f64) -> Vec<(f64, f64)> {
    assert_eq!(x.len(), y.len(), "one y for every x");
    let near = ((span * x.len() as f64).ceil() as usize).clamp(2, x.len().max(2));
    let mut at = x.to_vec();
    at.sort_by(f64::total_cmp);
    at.dedup();
    if at.len() < 2 {
        return Vec::new();
    }
    at.into_iter().map(|at| (at, value(x, y, at, near))).collect()
}

fn value(x: &[f64], y: &[f64], at: f64, near: usize) -> f64 {
    let mut distances: Vec<f64> = x.iter().map(|x| (x - at).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let reach = distances[near - 1];
    let weight = |x: f64| {
        let share = if reach > 0.0 {
            (x - at).abs() / reach
        } else {
            f64::from(x != at)
        };
        if share < 1.0 {
            (1.0 - share.powi(3)).powi(3)
        } else {
            0.0
        }
    };
    let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (&x, &y) in x.iter().zip(y) {
        let (weight, x) = (weight(x), x - at);
        w += weight;
        wx += weight * x;
        wy += weight * y;
        wxx += weight * x * x;
        wxy += weight * x * y;
    }
    let spread = w * wxx - wx * wx;
    // Where only one x has weight, a mean is all there is.
    if spread > 1e-12 * w * wxx {
        (wy * wxx - wx * wxy) / spread
    } else {
        wy / w
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_bends_are_followed() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 - 0.5 * x).collect();
        for (x, y) in lowess(&x, &y, 0.9) {
            assert!((y - (3.0 - 0.5 * x)).abs() < 1e-12);
        }
        let bent: Vec<f64> = x.iter().map(|x| (x - 10.0).abs()).collect();
        let curve = lowess(&x, &bent, 0.3);
        assert!(curve[10].1 < 2.0 && curve[0].1 > 9.0, "{curve:?}");
    }

    #[test]
    fn points_that_share_their_x_have_their_mean() {
        let curve = lowess(&[0.0, 0.0, 5.0, 5.0], &[1.0, 3.0, 7.0, 9.0], 0.5);
        assert_eq!(curve, [(0.0, 2.0), (5.0, 8.0)]);
        assert!(lowess(&[1.0, 1.0], &[0.0, 2.0], 0.9).is_empty());
    }
}
