//! Parameters that learn together: w_i = b_i·θ_g, one θ for all members i of a group g.
//!
//! ```text
//! ∂L/∂θ_g = Σ_{i ∈ g} b_i ∂L/∂w_i
//! ```
//! The optimiser moves θ; w is computed from it after every step, so that members keep their proportions exactly. Weights
//! have their initial values as bases and gains θ = 1; values per unit (x0, b_in, w_out) have bases of 1 and share θ.

use crate::cell::Shape;
use crate::network::Mask;
use crate::params::Layout;
use neuropil_math::real::Real;
use std::collections::BTreeMap;

/// Group of a parameter that learns alone.
pub const FREE: u32 = u32::MAX;

/// Groups of a flat parameter buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ties<R> {
    /// Group of each parameter, or [`FREE`].
    pub group: Vec<u32>,
    /// b_i; 0 where free.
    pub base: Vec<R>,
    /// θ_g.
    pub gains: Vec<R>,
}

/// Arrays that can be tied: those with a unit on either side.
pub fn can_be_tied(array: &str) -> bool {
    array != "b_out"
}

fn has_gains(array: &str) -> bool {
    matches!(array, "w_in" | "w_rec" | "w_gates")
}

impl<R: Real> Ties<R> {
    /// Ties the existing parameters of `arrays` by the types of the units they lead from and to: recurrent weights by
    /// both, input weights by input and type, the others by type; blocks of gates apart.
    pub fn by_type(shape: Shape, mask: &Mask, types: &[u32], arrays: &[String], params: &[R]) -> Self {
        let (layout, n) = (shape.layout(), shape.n_units);
        assert_eq!(types.len(), n, "one type per unit");
        let mut group = vec![FREE; layout.len()];
        let mut n_groups = 0;
        for entry in layout
            .entries()
            .iter()
            .filter(|entry| arrays.iter().any(|a| *a == entry.name))
        {
            let columns = entry.shape.get(1).copied();
            let exists = layout.view(&mask.0, &entry.name);
            let unit = |i: usize| (i / n, types[i % n]);
            let mut known = BTreeMap::new();
            for (i, g) in layout.view_mut(&mut group, &entry.name).iter_mut().enumerate() {
                if !exists[i] {
                    continue;
                }
                let (row, column) = (i / columns.unwrap_or(1), i % columns.unwrap_or(1));
                let key = match &*entry.name {
                    "w_rec" | "w_gates" => (unit(row), unit(column)),
                    "w_in" => ((row, 0), unit(column)),
                    "w_out" => (unit(row), (column, 0)),
                    _ => (unit(row), (0, 0)),
                };
                *g = *known.entry(key).or_insert_with(|| {
                    n_groups += 1;
                    n_groups - 1
                });
            }
        }
        Self::of(&layout, group, n_groups as usize, params)
    }

    /// The same groups for other parameters: gains are 1 again, shared values the means of the groups.
    pub fn rebased(&self, layout: &Layout, params: &[R]) -> Self {
        Self::of(layout, self.group.clone(), self.gains.len(), params)
    }

    fn of(layout: &Layout, group: Vec<u32>, n_groups: usize, params: &[R]) -> Self {
        let (mut base, mut gains) = (vec![R::ZERO; params.len()], vec![R::ONE; n_groups]);
        for entry in layout.entries() {
            let groups = layout.view(&group, &entry.name);
            let values = layout.view(params, &entry.name);
            let base = layout.view_mut(&mut base, &entry.name);
            let mut sums: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
            for ((b, &w), &g) in base.iter_mut().zip(values).zip(groups) {
                if g == FREE {
                    continue;
                }
                if has_gains(&entry.name) {
                    *b = w;
                    continue;
                }
                *b = R::ONE;
                let (sum, n) = sums.entry(g).or_default();
                *sum += w.f64();
                *n += 1;
            }
            for (g, (sum, n)) in sums {
                gains[g as usize] = R::of(sum / n as f64);
            }
        }
        Self { group, base, gains }
    }

    /// What the optimiser sees: the flat gradient, 0 where tied, followed by that of the gains.
    pub fn gather(&self, gradient: &[R]) -> Vec<R> {
        let mut all = gradient.to_vec();
        all.resize(gradient.len() + self.gains.len(), R::ZERO);
        let (free, gains) = all.split_at_mut(gradient.len());
        for ((g, &b), &group) in free.iter_mut().zip(&self.base).zip(&self.group) {
            if group != FREE {
                gains[group as usize] += b * *g;
                *g = R::ZERO;
            }
        }
        all
    }

    /// Computes the tied parameters from their gains.
    pub fn spread(&self, params: &mut [R]) {
        for ((w, &b), &group) in params.iter_mut().zip(&self.base).zip(&self.group) {
            if group != FREE {
                *w = b * self.gains[group as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;

    const SHAPE: Shape = Shape {
        cell: Cell::Gated,
        n_units: 3,
        n_inputs: 1,
        n_outputs: 2,
    };

    fn ties(arrays: &[&str]) -> (Layout, Vec<f64>, Ties<f64>) {
        let layout = SHAPE.layout();
        let params: Vec<f64> = (0..layout.len()).map(|i| i as f64 + 1.0).collect();
        let mut mask = Mask(vec![true; layout.len()]);
        layout.view_mut(&mut mask.0, "w_rec")[1] = false;
        let arrays: Vec<String> = arrays.iter().map(|&a| a.to_owned()).collect();
        let ties = Ties::by_type(SHAPE, &mask, &[0, 0, 7], &arrays, &params);
        (layout, params, ties)
    }

    #[test]
    fn groups_follow_the_types_on_both_sides() {
        let (layout, _, ties) = ties(&["w_rec", "w_gates", "x0"]);
        let rec = layout.view(&ties.group, "w_rec");
        assert_eq!(rec[1], FREE, "a weight that does not exist");
        assert_eq!((rec[0], rec[2]), (rec[3], rec[5]), "from 0 and 1, of one type");
        assert_eq!(rec[6], rec[7]);
        let distinct = |name: &str| {
            let mut all = layout.view(&ties.group, name).to_vec();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        assert_eq!(
            (distinct("w_rec"), distinct("w_gates"), distinct("x0")),
            (5, 8, 2)
        );
        assert_eq!(ties.gains.len(), 4 + 8 + 2);
        assert!(layout.view(&ties.group, "w_in").iter().all(|&g| g == FREE));
    }

    #[test]
    fn weights_keep_their_proportions_and_values_per_unit_become_one() {
        let (layout, before, mut ties) = ties(&["w_rec", "x0"]);
        let mut params = before.clone();
        ties.spread(&mut params);
        assert_eq!(layout.view(&params, "w_rec"), layout.view(&before, "w_rec"));
        assert_eq!(layout.view(&params, "x0"), [1.5, 1.5, 3.0], "means of the types");
        ties.gains.iter_mut().for_each(|g| *g *= 3.0);
        ties.spread(&mut params);
        for (i, (w, b)) in layout
            .view(&params, "w_rec")
            .iter()
            .zip(layout.view(&before, "w_rec"))
            .enumerate()
        {
            assert_eq!(*w, if i == 1 { *b } else { 3.0 * b });
        }
        assert_eq!(layout.view(&params, "w_in"), layout.view(&before, "w_in"));
    }

    #[test]
    fn gradients_of_a_group_are_weighed_by_the_bases_and_summed() {
        let (layout, params, ties) = ties(&["w_rec"]);
        let gradient: Vec<f64> = (0..params.len()).map(|i| 0.1 * i as f64).collect();
        let all = ties.gather(&gradient);
        let from = layout.offset("w_rec").unwrap();
        for g in 0..ties.gains.len() {
            let own = (0..9)
                .filter(|&i| ties.group[from + i] == g as u32)
                .map(|i| params[from + i] * gradient[from + i]);
            assert!((all[params.len() + g] - own.sum::<f64>()).abs() < 1e-9);
        }
        assert_eq!(all[from + 1], gradient[from + 1]);
        assert_eq!(all[from], 0.0);
    }
}
