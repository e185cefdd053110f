//! The local search: limited-memory quasi-Newton steps with the line search of Moré & Thuente.
//!
//! Which of the maxima is found decides what the regression reports, so the search is specified to the letter:
//! memory of five pairs, first step of length min(1, 1/‖g‖), afterwards 1, ends when a step gains less than
//! 10¹² ε (2.2e-4) of the objective.
//!
//! Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16, 1190 (1995); Moré & Thuente, ACM Trans. Math. Softw. 20, 286
//! (1994).

const MEMORY: usize = 5;
const GAIN: f64 = 1e12 * f64::EPSILON;
const MAX_ITERATIONS: usize = 100;
const MAX_EVALUATIONS: usize = 20;
const FTOL: f64 = 1e-3;
const GTOL: f64 = 0.9;
const XTOL: f64 = 0.1;
const LONGEST: f64 = 1e10;

/// Where a search ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) at: Vec<f64>,
    pub(super) value: f64,
    /// 0: converged; 1: too many iterations; 52: the line search failed.
    pub(super) code: u8,
}

/// Minimises a function that gives its value and gradient.
pub(super) fn local_search(start: &[f64], mut f: impl FnMut(&[f64]) -> (f64, Vec<f64>)) -> Ended {
    let mut x = start.to_vec();
    let (mut value, mut gradient) = f(&x);
    let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    let ended = |x: Vec<f64>, value, code| Ended { at: x, value, code };
    let mut iteration = 0;
    while gradient.iter().any(|&g| g != 0.0) {
        let mut direction = descent(&gradient, &pairs);
        let mut slope = dot(&gradient, &direction);
        if slope >= 0.0 {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = dot(&gradient, &direction);
        }
        let length = dot(&direction, &direction).sqrt();
        let first = if iteration == 0 {
            (1.0 / length).min(1.0)
        } else {
            1.0
        };
        let along = |step: f64| -> Vec<f64> { x.iter().zip(&direction).map(|(x, d)| x + step * d).collect() };
        let found = line_search(value, slope, first, |step| {
            let (value, gradient) = f(&along(step));
            let slope = dot(&gradient, &direction);
            (value, slope, gradient)
        });
        let Some((step, new_value, new_gradient)) = found else {
            if pairs.is_empty() {
                return ended(x, value, 52);
            }
            pairs.clear();
            continue;
        };
        let s: Vec<f64> = direction.iter().map(|d| step * d).collect();
        let y: Vec<f64> = new_gradient
            .iter()
            .zip(&gradient)
            .map(|(new, old)| new - old)
            .collect();
        x = along(step);
        let gained = value - new_value;
        let scale = value.abs().max(new_value.abs()).max(1.0);
        (value, gradient) = (new_value, new_gradient);
        iteration += 1;
        if gained <= GAIN * scale {
            return ended(x, value, 0);
        }
        if iteration >= MAX_ITERATIONS {
            return ended(x, value, 1);
        }
        if dot(&s, &y) > f64::EPSILON * -slope * step {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push((s, y));
        }
    }
    ended(x, value, 0)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// −H g by the two-loop recursion.
fn descent(gradient: &[f64], pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut weights = Vec::with_capacity(pairs.len());
    for (s, y) in pairs.iter().rev() {
        let weight = dot(s, &q) / dot(s, y);
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= weight * y);
        weights.push(weight);
    }
    if let Some((s, y)) = pairs.last() {
        let scale = dot(s, y) / dot(y, y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y), weight) in pairs.iter().zip(weights.iter().rev()) {
        let correction = weight - dot(y, &q) / dot(s, y);
        q.iter_mut().zip(s).for_each(|(q, s)| *q += correction * s);
    }
    q
}

/// A trial step with the value and slope there.
#[derive(Clone, Copy, Debug)]
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
}

/// A step with sufficient decrease and small slope, with value and gradient there; `None` after twenty evaluations.
fn line_search(
    value: f64,
    slope: f64,
    first: f64,
    mut f: impl FnMut(f64) -> (f64, f64, Vec<f64>),
) -> Option<(f64, f64, Vec<f64>)> {
    let test = FTOL * slope;
    let start = Trial {
        step: 0.0,
        value,
        slope,
    };
    let (mut best, mut other) = (start, start);
    let mut bracketed = false;
    let mut first_stage = true;
    let (mut width, mut width_before) = (LONGEST, 2.0 * LONGEST);
    let (mut least, mut most) = (0.0, 5.0 * first);
    let mut step = first;
    for _ in 0..MAX_EVALUATIONS {
        let (value_here, slope_here, gradient) = f(step);
        let allowed = value + step * test;
        if first_stage && value_here <= allowed && slope_here >= FTOL.min(GTOL) * slope {
            first_stage = false;
        }
        let stuck = bracketed && (step <= least || step >= most || most - least <= XTOL * most);
        let at_end = step == LONGEST && value_here <= allowed && slope_here <= test;
        let good = value_here <= allowed && slope_here.abs() <= GTOL * -slope;
        if stuck || at_end || good {
            return Some((step, value_here, gradient));
        }
        let here = Trial {
            step,
            value: value_here,
            slope: slope_here,
        };
        let modified = first_stage && value_here <= best.value && value_here > allowed;
        let shift = |trial: Trial, sign: f64| Trial {
            value: trial.value - sign * trial.step * test,
            slope: trial.slope - sign * test,
            ..trial
        };
        step = if modified {
            let (mut low, mut high) = (shift(best, 1.0), shift(other, 1.0));
            let step = next_step(&mut low, &mut high, shift(here, 1.0), &mut bracketed, least, most);
            (best, other) = (shift(low, -1.0), shift(high, -1.0));
            step
        } else {
            next_step(&mut best, &mut other, here, &mut bracketed, least, most)
        };
        if bracketed {
            if (other.step - best.step).abs() >= 0.66 * width_before {
                step = best.step + 0.5 * (other.step - best.step);
            }
            width_before = width;
            width = (other.step - best.step).abs();
            least = best.step.min(other.step);
            most = best.step.max(other.step);
        } else {
            least = best.step;
            most = step + 4.0 * (step - best.step);
        }
        step = step.clamp(0.0, LONGEST);
        if bracketed && (step <= least || step >= most || most - least <= XTOL * most) {
            step = best.step;
        }
    }
    None
}

/// The next trial step by cubic and quadratic interpolation, and the interval that keeps the minimum.
fn next_step(
    best: &mut Trial,
    other: &mut Trial,
    here: Trial,
    bracketed: &mut bool,
    least: f64,
    most: f64,
) -> f64 {
    let opposite = here.slope * best.slope.signum() < 0.0;
    let theta = 3.0 * (best.value - here.value) / (here.step - best.step) + best.slope + here.slope;
    let scale = theta.abs().max(best.slope.abs()).max(here.slope.abs());
    let root = |clamped: bool| {
        let square = (theta / scale).powi(2) - best.slope / scale * (here.slope / scale);
        scale * (if clamped { square.max(0.0) } else { square }).sqrt()
    };
    let secant = here.step + here.slope / (here.slope - best.slope) * (best.step - here.step);
    let next = if here.value > best.value {
        // Higher: the minimum lies between; the cubic step, or halfway to the quadratic one.
        let gamma = if here.step < best.step {
            -root(false)
        } else {
            root(false)
        };
        let r = (gamma - best.slope + theta) / (gamma - best.slope + gamma + here.slope);
        let cubic = best.step + r * (here.step - best.step);
        let bend = (best.value - here.value) / (here.step - best.step) + best.slope;
        let quadratic = best.step + best.slope / bend / 2.0 * (here.step - best.step);
        *bracketed = true;
        if (cubic - best.step).abs() < (quadratic - best.step).abs() {
            cubic
        } else {
            cubic + (quadratic - cubic) / 2.0
        }
    } else if opposite {
        // Lower, beyond the minimum.
        let gamma = if here.step > best.step {
            -root(false)
        } else {
            root(false)
        };
        let r = (gamma - here.slope + theta) / (gamma - here.slope + gamma + best.slope);
        let cubic = here.step + r * (best.step - here.step);
        *bracketed = true;
        if (cubic - here.step).abs() > (secant - here.step).abs() {
            cubic
        } else {
            secant
        }
    } else if here.slope.abs() < best.slope.abs() {
        // Lower and flatter: the cubic may have its minimum further on.
        let gamma = if here.step > best.step {
            -root(true)
        } else {
            root(true)
        };
        let r = (gamma - here.slope + theta) / (gamma + (best.slope - here.slope) + gamma);
        let cubic = if r < 0.0 && gamma != 0.0 {
            here.step + r * (best.step - here.step)
        } else if here.step > best.step {
            most
        } else {
            least
        };
        if *bracketed {
            let nearer = if (cubic - here.step).abs() < (secant - here.step).abs() {
                cubic
            } else {
                secant
            };
            let limit = here.step + 0.66 * (other.step - here.step);
            if here.step > best.step {
                nearer.min(limit)
            } else {
                nearer.max(limit)
            }
        } else {
            let farther = if (cubic - here.step).abs() > (secant - here.step).abs() {
                cubic
            } else {
                secant
            };
            farther.clamp(least, most)
        }
    } else if *bracketed {
        let theta = 3.0 * (here.value - other.value) / (other.step - here.step) + other.slope + here.slope;
        let scale = theta.abs().max(other.slope.abs()).max(here.slope.abs());
        let gamma = scale * ((theta / scale).powi(2) - other.slope / scale * (here.slope / scale)).sqrt();
        let gamma = if here.step > other.step { -gamma } else { gamma };
        let r = (gamma - here.slope + theta) / (gamma - here.slope + gamma + other.slope);
        here.step + r * (other.step - here.step)
    } else if here.step > best.step {
        most
    } else {
        least
    };
    if here.value > best.value {
        *other = here;
    } else {
        if opposite {
            *other = *best;
        }
        *best = here;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_valley_is_descended() {
        let ended = local_search(&[-1.2, 1.0], |x| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 10.0 * b * b, vec![-2.0 * a - 40.0 * x[0] * b, 20.0 * b])
        });
        assert!(ended.code == 0 && ended.value < 1e-3, "{ended:?}");
    }
}
