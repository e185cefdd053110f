//! Context-dependent gates: which hidden units a task may use.
//!
//! For every task and hidden layer one vector g, drawn once before training and kept with the network. A hidden unit's rate
//! is multiplied by its gate in training, in every estimate and at test. Equation (1) of Masse et al. (2018); an exact
//! count as in van de Ven & Tolias (2019).

mod file;

use crate::error::GatingError;
use crate::masse2018;
use crate::ranges::{Row, must};
use neuropil_lab::error::Problem;
use neuropil_math::rng::{Key, Purpose};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Settings of gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// Fraction of the hidden units that a task may not use.
    pub gated: f64,
    /// Sub-networks of the split network.
    pub parts: usize,
    /// A table of gates made elsewhere: columns `task`, `layer` and one per unit.
    pub file: String,
    /// Train the whole network with masks in place of the network of the active units: the same result, slower.
    pub whole: bool,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            gated: masse2018::GATED,
            parts: masse2018::PARTS,
            file: String::new(),
            whole: false,
        }
    }
}

impl GateSettings {
    pub(crate) fn rows(&self) -> Vec<Row> {
        let fraction = (0.0..1.0).contains(&self.gated);
        let expected = "a fraction from 0 up to, but not including, 1";
        vec![
            must("gates.gated", self.gated, fraction, expected),
            must("gates.parts", self.parts, self.parts > 0, "1 or more"),
        ]
    }
}

/// How gates are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Every unit serves every task.
    None,
    /// Each unit is gated off with this probability, independently ("XdG").
    Xdg(f64),
    /// This fraction of the units is gated off, rounded to a count.
    Exact(f64),
    /// Half of the gates are ½, the others 1.
    Partial,
    /// Unit i serves task k if i ≡ k modulo this number: so many networks side by side.
    Split(usize),
}

/// Gates of all tasks: [`Gates::of`]\[layer\]\[unit\].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    widths: Vec<usize>,
    tasks: Vec<Vec<Vec<f32>>>,
    /// (task, layer) of draws without an active unit, which were drawn again.
    pub redrawn: Vec<(usize, usize)>,
}

impl Gates {
    /// Gates of `n_tasks` tasks for hidden layers of the given widths.
    ///
    /// Those of a task depend on the key, the task and the layer alone, not on how many tasks there are.
    ///
    /// # Errors
    /// A gated fraction outside [0, 1), no part, or more parts than units.
    ///
    /// ```
    /// use neuropil_gating::gates::{Gates, Scheme};
    /// use neuropil_math::rng::Key;
    /// let gates = Gates::draw(Scheme::Exact(0.8), &[10, 20], 3, Key::new(1))?;
    /// assert_eq!((gates.active(2, 0).len(), gates.active(2, 1).len()), (2, 4));
    /// # Ok::<(), neuropil_gating::error::GatingError>(())
    /// ```
    pub fn draw(scheme: Scheme, widths: &[usize], n_tasks: usize, key: Key) -> Result<Self, GatingError> {
        check(scheme, widths)?;
        let mut gates = Self {
            widths: widths.to_vec(),
            tasks: Vec::with_capacity(n_tasks),
            redrawn: Vec::new(),
        };
        for task in 0..n_tasks {
            let layers = widths.iter().enumerate().map(|(layer, &width)| {
                let (drawn, again) = one(scheme, width, task, layer, key);
                if again {
                    gates.redrawn.push((task, layer));
                }
                drawn
            });
            let layers = layers.collect();
            gates.tasks.push(layers);
        }
        Ok(gates)
    }

    /// Gates of a scheme: drawn; without one, read from the file of the settings.
    ///
    /// # Errors
    /// What [`Gates::draw`] refuses, a file that cannot be read, or one for other layers or fewer tasks.
    pub fn of_scheme(
        scheme: Option<Scheme>,
        settings: &GateSettings,
        widths: &[usize],
        n_tasks: usize,
        key: Key,
    ) -> Result<Self, GatingError> {
        let gates = match scheme {
            Some(scheme) => Self::draw(scheme, widths, n_tasks, key)?,
            None => file::read(settings.file.as_ref())?,
        };
        if gates.widths() == widths && gates.n_tasks() >= n_tasks {
            return Ok(gates);
        }
        let message = format!(
            "gates of {} tasks for layers of {:?} units, expected {n_tasks} tasks and layers of {widths:?}",
            gates.n_tasks(),
            gates.widths(),
        );
        let hint = "the sizes of the network and the number of tasks must fit the file of gates";
        Err(Problem::new(message, hint).in_file(settings.file.clone()).into())
    }

    /// What is to be said of the draws.
    pub(crate) fn notes(&self) -> Vec<String> {
        let again = |(task, layer): &(usize, usize)| {
            format!(
                "gates of task {task}, layer {}, had no active unit and were drawn again",
                layer + 1
            )
        };
        self.redrawn.iter().map(again).collect()
    }

    /// Values of the gates of some units, if they are not all 1.
    pub fn values(&self, task: usize, layer: usize, units: &[u32]) -> Option<Vec<f32>> {
        let gates = &self.tasks[task][layer];
        let gates: Vec<f32> = units.iter().map(|&unit| gates[unit as usize]).collect();
        gates.iter().any(|&gate| gate != 1.0).then_some(gates)
    }

    /// Gates that were made elsewhere, \[task\]\[layer\]\[unit\].
    ///
    /// # Errors
    /// Layers of different widths from task to task, values that are not finite or negative, a layer without an active unit.
    pub fn given(tasks: Vec<Vec<Vec<f32>>>) -> Result<Self, GatingError> {
        let wrong = |message: String, hint: &str| Err(GatingError::from(Problem::new(message, hint)));
        let Some(first) = tasks.first() else {
            return wrong(
                "no gates, expected those of at least one task".to_owned(),
                "one row per task and layer",
            );
        };
        let widths: Vec<usize> = first.iter().map(Vec::len).collect();
        for (task, layers) in tasks.iter().enumerate() {
            let found: Vec<usize> = layers.iter().map(Vec::len).collect();
            if found != widths {
                let message = format!(
                    "the gates of task {task} are for layers of {found:?} units, those of task 0 for {widths:?}"
                );
                return wrong(message, "one row per task and layer, one column per unit");
            }
            for (layer, units) in layers.iter().enumerate() {
                if let Some(bad) = units.iter().find(|&&g| !(g.is_finite() && g >= 0.0)) {
                    let message = format!(
                        "a gate of {bad} (task {task}, layer {}), expected a number ≥ 0",
                        layer + 1
                    );
                    return wrong(message, "0 shuts a unit off, 1 leaves it as it is");
                }
                if units.iter().all(|&g| g == 0.0) {
                    let message = format!("task {task} has no active unit in layer {}", layer + 1);
                    return wrong(
                        message,
                        "such a network gives its bias whatever it is shown: open one gate at least",
                    );
                }
            }
        }
        Ok(Self {
            widths,
            tasks,
            redrawn: Vec::new(),
        })
    }

    /// Gates of one task: \[layer\]\[unit\].
    pub fn of(&self, task: usize) -> &[Vec<f32>] {
        &self.tasks[task]
    }

    /// Number of tasks.
    pub fn n_tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Units per hidden layer.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Units of a layer whose gate is not 0, in increasing order.
    pub fn active(&self, task: usize, layer: usize) -> Vec<u32> {
        let gates = self.tasks[task][layer].iter().enumerate();
        gates
            .filter(|&(_, &gate)| gate != 0.0)
            .map(|(unit, _)| unit as u32)
            .collect()
    }

    /// Fraction of a layer's units that two tasks share: \[task\]\[task\].
    pub fn overlap(&self, layer: usize) -> Vec<Vec<f64>> {
        let width = self.widths[layer] as f64;
        let shared = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).filter(|&(&a, &b)| a != 0.0 && b != 0.0).count() as f64 / width
        };
        let row = |a: &Vec<Vec<f32>>| self.tasks.iter().map(|b| shared(&a[layer], &b[layer])).collect();
        self.tasks.iter().map(row).collect()
    }

    /// How many tasks use each unit of a layer.
    pub fn uses(&self, layer: usize) -> Vec<usize> {
        let used = |unit: usize| self.tasks.iter().filter(|task| task[layer][unit] != 0.0).count();
        (0..self.widths[layer]).map(used).collect()
    }
}

fn check(scheme: Scheme, widths: &[usize]) -> Result<(), GatingError> {
    let wrong = match scheme {
        Scheme::Xdg(gated) | Scheme::Exact(gated) if !(0.0..1.0).contains(&gated) => Some(Problem::new(
            format!("`gated` is {gated}, expected a fraction from 0 up to, but not including, 1"),
            "the paper gates 0.8 of the units; gating all of them leaves nothing to train",
        )),
        Scheme::Split(parts) if parts == 0 || widths.iter().any(|&width| width < parts) => {
            Some(Problem::new(
                format!(
                    "`parts` is {parts} for hidden layers of {widths:?} units, expected from 1 to the narrowest layer's units"
                ),
                "the paper splits 3665 units into 5 parts",
            ))
        }
        _ => None,
    };
    wrong.map_or(Ok(()), |problem| Err(problem.into()))
}

/// Gates of one layer, and whether they had to be drawn again.
fn one(scheme: Scheme, width: usize, task: usize, layer: usize, key: Key) -> (Vec<f32>, bool) {
    let mut rng = key.stream(Purpose::Gate, (task as u64) << 8 | layer as u64);
    match scheme {
        Scheme::None => (vec![1.0; width], false),
        Scheme::Split(parts) => (
            (0..width)
                .map(|i| f32::from(u8::from(i % parts == task % parts)))
                .collect(),
            false,
        ),
        Scheme::Partial => {
            let gate = |low: bool| if low { masse2018::PARTIAL } else { 1.0 };
            ((0..width).map(|_| gate(rng.random_bool(0.5))).collect(), false)
        }
        Scheme::Exact(gated) => {
            let count = (((1.0 - gated) * width as f64).round() as usize).clamp(1, width);
            let mut units: Vec<usize> = (0..width).collect();
            let mut gates = vec![0.0; width];
            for chosen in 0..count {
                let other = rng.random_range(chosen..width);
                units.swap(chosen, other);
                gates[units[chosen]] = 1.0;
            }
            (gates, false)
        }
        Scheme::Xdg(gated) => {
            let mut again = false;
            loop {
                let gates: Vec<f32> = (0..width)
                    .map(|_| f32::from(u8::from(rng.random::<f64>() < 1.0 - gated)))
                    .collect();
                if gates.contains(&1.0) {
                    return (gates, again);
                }
                again = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_statistics_of_their_scheme_and_do_not_depend_on_the_number_of_tasks() {
        let key = Key::new(3);
        let gates = Gates::draw(Scheme::Xdg(0.8), &[2000, 2000], 40, key).unwrap();
        assert_eq!(
            gates.of(7),
            Gates::draw(Scheme::Xdg(0.8), &[2000, 2000], 8, key)
                .unwrap()
                .of(7)
        );
        let active: usize = (0..40).map(|task| gates.active(task, 0).len()).sum();
        let sd = (80_000.0_f64 * 0.16).sqrt();
        assert!(
            (active as f64 - 16_000.0).abs() < 4.0 * sd,
            "{active} of 80000 active"
        );
        let overlap = gates.overlap(1);
        let pairs: Vec<f64> = (0..40)
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| overlap[a][b])
            .collect();
        let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
        assert!((mean - 0.04).abs() < 0.001, "{mean}");
        assert_eq!(gates.uses(0).iter().sum::<usize>(), active);

        let partial = Gates::draw(Scheme::Partial, &[1000], 1, key).unwrap();
        let half = partial.of(0)[0].iter().filter(|&&g| g == 0.5).count();
        assert!((half as f64 - 500.0).abs() < 4.0 * 250.0_f64.sqrt() && partial.active(0, 0).len() == 1000);
        let split = Gates::draw(Scheme::Split(5), &[3665], 12, key).unwrap();
        assert!((0..12).all(|task| split.active(task, 0).len() == 733));
        assert_eq!((split.of(1), split.overlap(0)[1][2]), (split.of(11), 0.0));
    }

    #[test]
    fn a_layer_without_an_active_unit_is_drawn_again_and_said() {
        let gates = Gates::draw(Scheme::Xdg(0.9), &[3], 50, Key::new(1)).unwrap();
        assert!(!gates.redrawn.is_empty());
        assert!((0..50).all(|task| !gates.active(task, 0).is_empty()));
    }

    #[test]
    fn fractions_outside_their_range_are_refused() {
        for (scheme, found) in [
            (Scheme::Xdg(1.0), "is 1,"),
            (Scheme::Exact(-0.1), "is -0.1"),
            (Scheme::Xdg(f64::NAN), "is NaN"),
            (Scheme::Split(0), "is 0"),
            (Scheme::Split(9), "is 9"),
        ] {
            let message = Gates::draw(scheme, &[8], 2, Key::new(1)).unwrap_err().to_string();
            assert!(message.contains(found), "{message}");
        }
    }
}
