//! Condition averages projected on the axes.

use neuropil_math::stats::summary::{mean, variance};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AnalysisError,
        activity::Activity,
        axis::{Axis, distinct, signed_coherence},
        unit_activity::selectivity,
    },
    TargetedReduction, Variables, targeted_reduction,
};
use crate::behaviour::Behaviour;

/// Standard deviation of the rate above which a unit counts as active.
const ACTIVE_SD: f64 = 0.2;
/// Time between the responses that are regressed and plotted, in ms.
const STEP_MS: f64 = 50.0;
/// End of the plotted trajectories after stimulus onset, in ms.
const PLOT_MS: f64 = 800.0;

/// State space of a context-dependent task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateSpace {
    /// Units that were active enough, by index.
    pub active_units: Vec<usize>,
    /// Decided trials behind the regression.
    pub n_trials: usize,
    /// Coefficients and axes of the active units.
    pub reduction: TargetedReduction,
    /// Time of the trajectories in ms from stimulus onset.
    pub times_ms: Vec<f64>,
    /// Three panels for each context.
    pub panels: Vec<TrajectoryPanel>,
}

/// Trajectories in the plane of choice and one modality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrajectoryPanel {
    /// `motion` or `color`.
    pub context: String,
    /// Modality of the second axis, `motion` or `color`.
    pub axis: String,
    /// Modality by whose coherence the trials are grouped.
    pub sorted_by: String,
    /// One for each signed coherence.
    pub trajectories: Vec<Trajectory>,
}

/// Average of the correct trials of one condition, minus the mean over the conditions of its panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// Signed coherence in percent.
    pub coherence: f64,
    /// Number of trials.
    pub n_trials: usize,
    /// Position on the choice axis at each time, in z-scored units.
    pub choice: Vec<f64>,
    /// Position on the axis of the panel's modality.
    pub evidence: Vec<f64>,
}

/// Targeted dimensionality reduction of a task with factors `context`, `direction_motion`, `coherence_motion`,
/// `direction_color` and `coherence_color`.
///
/// # Errors
/// Activity or factors are missing, fewer than four units are active, or no trial ended in a choice.
pub fn state_space(behaviour: &Behaviour, activity: &Activity) -> Result<StateSpace, AnalysisError> {
    let context = behaviour.label("context")?;
    let motion = signed_coherence(behaviour, "direction_motion", "coherence_motion")?;
    let colour = signed_coherence(behaviour, "direction_color", "coherence_color")?;
    let chose_right = Axis::of(behaviour)?.chose_positive;
    activity.validate(behaviour)?;
    let onset = behaviour.onset("stimulus")?;
    let duration = behaviour.duration("stimulus")?;
    let decided = behaviour.trials_where(|trial| chose_right[trial].is_some());
    if decided.is_empty() {
        return Err(behaviour.none_of_the_trials("ended in a choice"));
    }
    let active_units = active_units(behaviour, activity)?;
    let preferred: Vec<f64> = {
        let all = selectivity(behaviour, activity, "stimulus", &chose_right)?;
        active_units
            .iter()
            .map(|&unit| f64::from(all[unit].preferred))
            .collect()
    };
    // Times at which every decided trial still runs.
    let times = |until_ms: f64| -> Vec<f64> {
        let n = (until_ms / STEP_MS).floor() as usize;
        (0..=n).map(|step| step as f64 * STEP_MS).collect()
    };
    let shortest = decided
        .iter()
        .map(|&trial| duration[trial])
        .fold(f64::INFINITY, f64::min);
    let regressed = times(shortest - behaviour.dt_ms);
    let rate = |ms: f64, trial: usize, unit: usize| {
        let time = activity.step_at(onset[trial] + ms).unwrap_or(0);
        activity.rate(time, trial, unit)
    };
    let mut rates = Vec::with_capacity(regressed.len() * decided.len() * active_units.len());
    for &ms in &regressed {
        for &trial in &decided {
            rates.extend(active_units.iter().map(|&unit| rate(ms, trial, unit)));
        }
    }
    let variables: Vec<Variables> = decided
        .iter()
        .map(|&trial| Variables {
            choice: if chose_right[trial] == Some(true) {
                1.0
            } else {
                -1.0
            },
            motion: motion[trial],
            colour: colour[trial],
            context: if context[trial] == "motion" { 1.0 } else { -1.0 },
        })
        .collect();
    let max_coherence = motion
        .iter()
        .chain(&colour)
        .fold(0.0_f64, |max, c| max.max(c.abs()));
    let reduction = targeted_reduction(&rates, &variables, &preferred, max_coherence)?;

    let times_ms = times(PLOT_MS);
    let correct = behaviour.trials_where(|trial| behaviour.correct[trial] == Some(true));
    let project = |trials: &[usize], axis: usize| -> Vec<f64> {
        let at = |&ms: &f64| {
            let z: Vec<f64> = active_units
                .iter()
                .enumerate()
                .map(|(i, &unit)| {
                    let of_trials: Vec<f64> = trials.iter().map(|&trial| rate(ms, trial, unit)).collect();
                    (mean(&of_trials) - reduction.mean[i]) / reduction.sd[i]
                })
                .collect();
            reduction.project(&z, axis)
        };
        times_ms.iter().map(at).collect()
    };
    let panel = |of: &str, axis: &str, sorted_by: &str| {
        let coherence = if sorted_by == "motion" { &motion } else { &colour };
        let trials: Vec<usize> = correct
            .iter()
            .copied()
            .filter(|&trial| context[trial] == of)
            .collect();
        let groups = distinct(trials.iter().map(|&trial| coherence[trial]))
            .into_iter()
            .map(|level| {
                let here: Vec<usize> = trials
                    .iter()
                    .copied()
                    .filter(|&t| coherence[t] == level)
                    .collect();
                Trajectory {
                    coherence: level,
                    n_trials: here.len(),
                    choice: project(&here, 0),
                    evidence: project(&here, if axis == "motion" { 1 } else { 2 }),
                }
            });
        let mut trajectories: Vec<Trajectory> = groups.collect();
        subtract_mean(&mut trajectories, |trajectory| &mut trajectory.choice);
        subtract_mean(&mut trajectories, |trajectory| &mut trajectory.evidence);
        let [context, axis, sorted_by] = [of, axis, sorted_by].map(str::to_owned);
        TrajectoryPanel {
            context,
            axis,
            sorted_by,
            trajectories,
        }
    };
    let panels = vec![
        panel("motion", "motion", "motion"),
        panel("motion", "color", "motion"),
        panel("motion", "color", "color"),
        panel("color", "motion", "motion"),
        panel("color", "motion", "color"),
        panel("color", "color", "color"),
    ];
    Ok(StateSpace {
        active_units,
        n_trials: decided.len(),
        reduction,
        times_ms,
        panels,
    })
}

fn active_units(behaviour: &Behaviour, activity: &Activity) -> Result<Vec<usize>, AnalysisError> {
    let is_active = |unit: &usize| {
        let executed = (0..activity.n_trials).flat_map(|trial| {
            let steps = activity.steps(behaviour, trial, 0.0, f64::INFINITY);
            steps.map(move |time| (time, trial))
        });
        let rates: Vec<f64> = executed
            .map(|(time, trial)| activity.rate(time, trial, *unit))
            .collect();
        variance(&rates, 0).sqrt() > ACTIVE_SD
    };
    let active: Vec<usize> = (0..activity.n_units).filter(is_active).collect();
    if active.is_empty() {
        return Err(AnalysisError::NoActiveUnits {
            n_units: activity.n_units,
            threshold: ACTIVE_SD,
        });
    }
    Ok(active)
}

/// Subtracts, at each time, the mean over the trajectories.
fn subtract_mean(trajectories: &mut [Trajectory], series: impl Fn(&mut Trajectory) -> &mut Vec<f64>) {
    let n = trajectories.len() as f64;
    let n_times = trajectories.first_mut().map_or(0, |first| series(first).len());
    for time in 0..n_times {
        let centre = trajectories.iter_mut().map(|one| series(one)[time]).sum::<f64>() / n;
        for trajectory in trajectories.iter_mut() {
            series(trajectory)[time] -= centre;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::synthetic;
    use super::*;
    use neuropil_math::rng::{Key, Purpose};
    use rand::RngExt;

    /// Six units that mix choice, motion, colour and context, and one that is silent.
    fn population(behaviour: &Behaviour) -> Activity {
        let mut stream = Key::new(3).stream(Purpose::Test, 0);
        let times_ms: Vec<f64> = (0..351).map(|k| f64::from(k) * 10.0).collect();
        let mut rates = Vec::new();
        for time in &times_ms {
            for trial in 0..behaviour.n_trials() {
                let ramp = ((time - 750.0) / 750.0).clamp(0.0, 1.0);
                let signed = |modality: &str| {
                    behaviour.numbers[&format!("direction_{modality}")][trial]
                        * behaviour.numbers[&format!("coherence_{modality}")][trial]
                        / 50.0
                };
                let choice = if behaviour.action[trial] == Some(2) {
                    1.0
                } else {
                    -1.0
                };
                let context = if behaviour.labels["context"][trial] == "motion" {
                    1.0
                } else {
                    -1.0
                };
                let variables = [
                    ramp * choice,
                    ramp * signed("motion"),
                    ramp * signed("color"),
                    context,
                ];
                for unit in 0..6 {
                    let noise = 0.3 * (stream.random::<f64>() - 0.5);
                    rates.push((3.0 + variables[unit % 4] + 0.3 * variables[0] + noise) as f32);
                }
                rates.push(0.0);
            }
        }
        Activity {
            times_ms,
            n_trials: behaviour.n_trials(),
            n_units: 7,
            rates,
        }
    }

    #[test]
    fn trajectories_spread_along_the_axis_of_their_modality() {
        let behaviour = synthetic::mante(400, 1);
        let result = state_space(&behaviour, &population(&behaviour)).unwrap();
        assert_eq!(result.active_units, [0, 1, 2, 3, 4, 5]);
        assert_eq!(
            (
                result.panels.len(),
                result.reduction.n_times,
                result.times_ms.len()
            ),
            (6, 15, 17)
        );
        let panel = &result.panels[0];
        let ends: Vec<f64> = panel.trajectories.iter().map(|t| t.evidence[15]).collect();
        assert!(
            ends.windows(2).all(|pair| pair[0] < pair[1]),
            "ordered by coherence: {ends:?}"
        );
        let sum: f64 = ends.iter().sum();
        assert!(sum.abs() < 1e-9, "centred");
    }

    #[test]
    fn a_silent_network_has_no_state_space() {
        let behaviour = synthetic::mante(50, 1);
        let mut activity = population(&behaviour);
        activity.rates.fill(1.0);
        let words = state_space(&behaviour, &activity).unwrap_err().to_string();
        assert_eq!(
            words,
            "cannot be computed: none of 7 units varies by more than 0.2"
        );
    }
}
