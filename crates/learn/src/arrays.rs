//! Networks that learn as named arrays, and back: what a checkpoint holds of them beside their progress.

use crate::learner::{Mismatch, singles};
use crate::player::Player;
use crate::progress::State;
use neuropil_math::arrays::{Array, Arrays, Values};
use neuropil_nn::network::{Mask, Network};
use neuropil_nn::params::Layout;
use neuropil_nn::ties::{FREE, Ties};

fn row(values: &[f32]) -> Array {
    (vec![values.len()], Values::F32(values.to_vec()))
}

/// The arrays of a layout, named `prefix.name`; those of `only` alone.
fn of_layout(layout: &Layout, prefix: &str, values: &[f32], only: impl Fn(&str) -> bool) -> Arrays {
    let entries = layout.entries().iter().filter(|entry| only(&entry.name));
    let array = |entry: &neuropil_nn::params::Entry| {
        let values = layout.view(values, &entry.name).to_vec();
        (
            format!("{prefix}.{}", entry.name),
            (entry.shape.clone(), values.into()),
        )
    };
    entries.map(array).collect()
}

impl Player<f32> {
    /// The given parameters by the names of the equations, and masks of arrays in which some are absent.
    pub fn parameter_arrays(&self, who: &str, params: &[f32]) -> Arrays {
        let (layout, exists) = (self.network.layout(), &self.network.mask().0);
        let flags: Vec<f32> = exists.iter().map(|&flag| f32::from(u8::from(flag))).collect();
        let mut arrays = of_layout(layout, who, params, |_| true);
        arrays.extend(of_layout(layout, &format!("{who}.mask"), &flags, |name| {
            layout.view(exists, name).contains(&false)
        }));
        arrays
    }

    /// Everything that moves, and everything that holds it: parameters, masks, signs, ties, moments.
    pub fn arrays(&self, who: &str) -> Arrays {
        let mut arrays = self.parameter_arrays(who, &self.params);
        let mut add = |what: &str, values: &[f32]| {
            arrays.insert(format!("{who}.{what}"), row(values));
        };
        if let Some(signs) = &self.signs {
            add("sign", &signs.iter().map(|&s| f32::from(s)).collect::<Vec<_>>());
        }
        if let Some(ties) = &self.ties {
            let group = |&g: &u32| if g == FREE { -1.0 } else { g as f32 };
            add("tie.group", &ties.group.iter().map(group).collect::<Vec<_>>());
            add("tie.base", &ties.base);
            add("tie.gain", &ties.gains);
        }
        if let Some(initial) = &self.initial {
            add("initial", initial);
        }
        add("adam_m", &self.adam.first);
        add("adam_s", &self.adam.second);
        arrays
    }

    /// Takes parameters and masks as [`Player::parameter_arrays`] named them, with fresh moments; what does not move stays
    /// as it is.
    ///
    /// # Errors
    /// An array is missing or of another shape.
    pub fn restore_parameters(&mut self, who: &str, arrays: &Arrays) -> Result<(), Mismatch> {
        let layout = self.network.layout().clone();
        let (mut params, mut mask) = (vec![0.0; layout.len()], vec![true; layout.len()]);
        for entry in layout.entries() {
            let find = |name: &str| {
                let found = arrays.get(name).filter(|(shape, _)| *shape == entry.shape);
                found.and_then(|(_, values)| values.singles())
            };
            let name = format!("{who}.{}", entry.name);
            let values = find(&name).ok_or(Mismatch {
                name,
                shape: entry.shape.clone(),
            })?;
            layout.view_mut(&mut params, &entry.name).copy_from_slice(&values);
            if let Some(flags) = find(&format!("{who}.mask.{}", entry.name)) {
                for (flag, value) in layout.view_mut(&mut mask, &entry.name).iter_mut().zip(flags) {
                    *flag = value != 0.0;
                }
            }
        }
        self.network = Network::new(self.network.shape(), Mask(mask), self.network.alpha());
        self.params = params;
        self.network.load(&self.params);
        self.adam.reset();
        if let Some(ties) = self.ties.take() {
            self.tie(ties.rebased(&layout, &self.params));
        }
        if self.initial.is_some() {
            self.initial = Some(self.params.clone());
        }
        Ok(())
    }

    /// Takes back everything that [`Player::arrays`] gave; the number of steps taken is told.
    ///
    /// # Errors
    /// An array is missing or of another size.
    pub fn restore(&mut self, who: &str, arrays: &Arrays, steps: u64) -> Result<(), Mismatch> {
        self.restore_parameters(who, arrays)?;
        let name = |what: &str| format!("{who}.{what}");
        let n = self.params.len();
        let some = |what: &str, n: usize| {
            let known = arrays.contains_key(&name(what));
            known.then(|| singles(arrays, &name(what), n)).transpose()
        };
        if let Some(signs) = some("sign", self.network.shape().n_units)? {
            self.signs = Some(signs.iter().map(|&s| s as i8).collect());
        }
        if let Some(group) = some("tie.group", n)? {
            let gain = name("tie.gain");
            let n_gains = arrays.get(&gain).map_or(0, |(_, values)| values.len());
            self.tie(Ties {
                group: group
                    .iter()
                    .map(|&g| if g < 0.0 { FREE } else { g as u32 })
                    .collect(),
                base: singles(arrays, &name("tie.base"), n)?,
                gains: singles(arrays, &gain, n_gains)?,
            });
        }
        if let Some(initial) = some("initial", n)? {
            self.initial = Some(initial);
        }
        let moments = self.adam.first.len();
        self.adam.first = singles(arrays, &name("adam_m"), moments)?;
        self.adam.second = singles(arrays, &name("adam_s"), moments)?;
        self.adam.steps = steps;
        Ok(())
    }
}

impl State {
    /// Everything that moves: both networks, the parameters of the best validation, carried states.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        for (who, player, best) in [
            ("policy", &self.policy, &self.best.0),
            ("value", &self.value, &self.best.1),
        ] {
            arrays.extend(player.arrays(who));
            arrays.insert(format!("{who}.best"), row(best));
        }
        if let Some([policy, value]) = &self.carried {
            arrays.insert("policy.carried".to_owned(), row(policy));
            arrays.insert("value.carried".to_owned(), row(value));
        }
        arrays
    }

    /// Steps that the optimisers of policy and value network have taken.
    pub fn adam_steps(&self) -> [u64; 2] {
        [self.policy.adam.steps, self.value.adam.steps]
    }

    /// Takes back what [`State::arrays`] gave.
    ///
    /// # Errors
    /// An array is missing or of another size.
    pub fn restore(&mut self, arrays: &Arrays, steps: [u64; 2]) -> Result<(), Mismatch> {
        self.policy.restore("policy", arrays, steps[0])?;
        self.value.restore("value", arrays, steps[1])?;
        self.best.0 = singles(arrays, "policy.best", self.policy.params.len())?;
        self.best.1 = singles(arrays, "value.best", self.value.params.len())?;
        let n = [&self.policy, &self.value].map(|player| player.network.shape().n_state());
        self.carried = if arrays.contains_key("policy.carried") {
            let policy = singles(arrays, "policy.carried", n[0])?;
            Some([policy, singles(arrays, "value.carried", n[1])?])
        } else {
            None
        };
        Ok(())
    }
}
