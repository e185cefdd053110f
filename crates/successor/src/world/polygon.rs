//! Straight lines in the plane: walls that a step crosses, points within a boundary.

/// Whether two stretches cross; touching in a point counts, lying along one another does not.
pub(crate) fn cross(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> bool {
    let side = |p: [[f64; 2]; 2], q: [f64; 2]| {
        (p[1][0] - p[0][0]) * (q[1] - p[0][1]) - (p[1][1] - p[0][1]) * (q[0] - p[0][0])
    };
    let (a0, a1) = (side(b, a[0]), side(b, a[1]));
    let (b0, b1) = (side(a, b[0]), side(a, b[1]));
    a0 * a1 <= 0.0 && b0 * b1 <= 0.0 && (a0 != 0.0 || a1 != 0.0)
}

/// Whether a point lies within a closed boundary (even–odd rule).
pub(crate) fn within(boundary: &[[f64; 2]], at: [f64; 2]) -> bool {
    let mut inside = false;
    let mut before = boundary.len().wrapping_sub(1);
    for (i, p) in boundary.iter().enumerate() {
        let q = boundary[before];
        if (p[1] > at[1]) != (q[1] > at[1]) {
            let x = (q[0] - p[0]) * (at[1] - p[1]) / (q[1] - p[1]) + p[0];
            if at[0] < x {
                inside = !inside;
            }
        }
        before = i;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_stop_what_crosses_them() {
        let step = [[0.5, 0.5], [1.5, 0.5]];
        assert!(cross(step, [[1.0, 0.0], [1.0, 1.0]]));
        assert!(!cross(step, [[1.0, 1.0], [1.0, 2.0]]));
        assert!(!cross(step, [[0.0, 0.5], [3.0, 0.5]]), "along a wall");
    }

    #[test]
    fn concave_boundaries_have_an_inside() {
        let l = [
            [0.0, 0.0],
            [4.0, 0.0],
            [4.0, 2.0],
            [2.0, 2.0],
            [2.0, 4.0],
            [0.0, 4.0],
        ];
        assert!(within(&l, [1.0, 3.0]) && within(&l, [3.0, 1.0]) && !within(&l, [3.0, 3.0]));
        assert!(!within(&[], [0.0, 0.0]));
    }
}
