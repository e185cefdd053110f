//! Minima of functions of one bounded variable, and of a few free ones.

/// Where a function is smallest, and its value there.
pub(super) type Minimum<T> = (T, f64);

/// Smallest value over \[low, high\]: a grid finds the valleys, Brent's method the floor of the two deepest.
///
/// Brent, Algorithms for Minimization without Derivatives (1973), chapter 5.
pub(super) fn bounded(low: f64, high: f64, points: usize, mut f: impl FnMut(f64) -> f64) -> Minimum<f64> {
    let at = |i: usize| low + (high - low) * i as f64 / (points - 1) as f64;
    let values: Vec<f64> = (0..points).map(|i| f(at(i))).collect();
    let mut valleys: Vec<usize> = (0..points)
        .filter(|&i| {
            let before = i.checked_sub(1).map_or(f64::INFINITY, |before| values[before]);
            let after = values.get(i + 1).copied().unwrap_or(f64::INFINITY);
            values[i] <= before && values[i] <= after
        })
        .collect();
    valleys.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut best = (f64::NAN, f64::INFINITY);
    for &valley in valleys.iter().take(3) {
        if values[valley] < best.1 {
            best = (at(valley), values[valley]);
        }
        let found = brent(
            at(valley.saturating_sub(1)),
            at((valley + 1).min(points - 1)),
            &mut f,
        );
        if found.1 < best.1 {
            best = found;
        }
    }
    best
}

fn brent(mut a: f64, mut b: f64, f: &mut impl FnMut(f64) -> f64) -> Minimum<f64> {
    const GOLDEN: f64 = 0.381_966_011_250_105;
    let mut x = a + GOLDEN * (b - a);
    let (mut w, mut v) = (x, x);
    let mut fx = f(x);
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut before) = (0.0_f64, 0.0_f64);
    for _ in 0..200 {
        let middle = 0.5 * (a + b);
        let tolerance = 1e-9 * x.abs() + 1e-12;
        if (x - middle).abs() <= 2.0 * tolerance - 0.5 * (b - a) {
            break;
        }
        let mut golden = true;
        if before.abs() > tolerance {
            let r = (x - w) * (fx - fv);
            let mut q = (x - v) * (fx - fw);
            let mut p = (x - v) * q - (x - w) * r;
            q = 2.0 * (q - r);
            if q > 0.0 {
                p = -p;
            }
            q = q.abs();
            if p.abs() < (0.5 * q * before).abs() && p > q * (a - x) && p < q * (b - x) {
                before = step;
                step = p / q;
                let u = x + step;
                if u - a < 2.0 * tolerance || b - u < 2.0 * tolerance {
                    step = tolerance.copysign(middle - x);
                }
                golden = false;
            }
        }
        if golden {
            before = if x < middle { b - x } else { a - x };
            step = GOLDEN * before;
        }
        let u = x + if step.abs() >= tolerance {
            step
        } else {
            tolerance.copysign(step)
        };
        let fu = f(u);
        if fu <= fx {
            if u < x {
                b = x;
            } else {
                a = x;
            }
            (v, fv, w, fw, x, fx) = (w, fw, x, fx, u, fu);
        } else {
            if u < x {
                a = u;
            } else {
                b = u;
            }
            if fu <= fw || w == x {
                (v, fv, w, fw) = (w, fw, u, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        }
    }
    (x, fx)
}

/// Nelder & Mead's simplex (Comput. J. 7, 308 (1965)) from `start` with edges `edge`, begun anew where it stops until
/// nothing more is gained.
pub(super) fn simplex(start: &[f64], edge: &[f64], mut f: impl FnMut(&[f64]) -> f64) -> Minimum<Vec<f64>> {
    let mut best = (start.to_vec(), f(start));
    for _ in 0..6 {
        let found = descend(&best.0, edge, &mut f);
        let gained = best.1 - found.1;
        if found.1 < best.1 {
            best = found;
        }
        if !(gained > 1e-9 * (1.0 + best.1.abs())) {
            break;
        }
    }
    best
}

fn descend(start: &[f64], edge: &[f64], f: &mut impl FnMut(&[f64]) -> f64) -> Minimum<Vec<f64>> {
    let n = start.len();
    let mut corners: Vec<(Vec<f64>, f64)> = vec![(start.to_vec(), f(start))];
    for i in 0..n {
        let mut corner = start.to_vec();
        corner[i] += edge[i];
        let value = f(&corner);
        corners.push((corner, value));
    }
    for _ in 0..400 * n {
        corners.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (least, most) = (corners[0].1, corners[n].1);
        let width = corners[1..]
            .iter()
            .flat_map(|corner| corner.0.iter().zip(&corners[0].0).map(|(a, b)| (a - b).abs()))
            .fold(0.0, f64::max);
        if !(most - least > 1e-12 * (1.0 + least.abs())) && width < 1e-6 {
            break;
        }
        let centre: Vec<f64> = (0..n)
            .map(|i| corners[..n].iter().map(|corner| corner.0[i]).sum::<f64>() / n as f64)
            .collect();
        let worst = corners[n].0.clone();
        let along = |factor: f64| -> Vec<f64> {
            centre
                .iter()
                .zip(&worst)
                .map(|(c, w)| c + factor * (w - c))
                .collect()
        };
        let reflected = along(-1.0);
        let value = f(&reflected);
        if value < least {
            let expanded = along(-2.0);
            let further = f(&expanded);
            corners[n] = if further < value {
                (expanded, further)
            } else {
                (reflected, value)
            };
        } else if value < corners[n - 1].1 {
            corners[n] = (reflected, value);
        } else {
            let contracted = along(if value < most { -0.5 } else { 0.5 });
            let nearer = f(&contracted);
            if nearer < value.min(most) {
                corners[n] = (contracted, nearer);
            } else {
                let first = corners[0].0.clone();
                for corner in &mut corners[1..] {
                    corner
                        .0
                        .iter_mut()
                        .zip(&first)
                        .for_each(|(c, f)| *c = 0.5 * (*c + f));
                    corner.1 = f(&corner.0);
                }
            }
        }
    }
    corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    corners.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deeper_of_two_valleys_is_found() {
        let (x, value) = bounded(-2.0, 2.0, 33, |x| (x * x - 1.0).powi(2) + 0.1 * x);
        assert!((x + 1.012).abs() < 1e-3 && value < -0.1, "{x} {value}");
        let (x, _) = bounded(0.0, 1.0, 33, |x| x);
        assert!(x < 1e-6);
    }

    #[test]
    fn a_curved_valley_is_followed() {
        let (x, value) = simplex(&[-1.2, 1.0], &[0.5, 0.5], |x| {
            100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)
        });
        assert!(value < 1e-10 && (x[0] - 1.0).abs() < 1e-4, "{x:?} {value}");
    }
}
