//! Recorded trials in the forms that other programs read: NPZ arrays, CSV tables, NWB.

use neuropil_lab::array::Npz;
use neuropil_lab::nwb::{Column as TrialColumn, Place, Series, Session, Values};
use neuropil_tasks::task::Task;

use crate::analysis::activity::{Activity, Recorded};
use crate::behaviour::Column;

/// Trial-major arrays, padded with 0 to the longest trial.
///
/// `inputs` \[trial, time, input\], `rates` and `value_rates` \[trial, time, unit\], `action_probabilities`
/// \[trial, time, action\], `predicted_reward` \[trial, time\]; `time_ms` \[time\]; for each trial `n_steps` (kept ones),
/// `action` (index; 0: waited to the end), `choice_ms`, `correct` (1, 0, −1: not judged), `reward`, and `cond_FACTOR`
/// for each factor: numbers as they are, labels as their place in alphabetical order.
pub fn npz(recorded: &Recorded) -> Npz {
    let behaviour = &recorded.behaviour;
    let n = behaviour.n_trials();
    let mut npz = Npz::default();
    let mut add = |name: &str, activity: &Activity| {
        let (times, width) = (activity.times_ms.len(), activity.n_units);
        let mut values = Vec::with_capacity(times * n * width);
        for trial in 0..n {
            for time in 0..times {
                let row = (time * n + trial) * width;
                values.extend_from_slice(&activity.rates[row..row + width]);
            }
        }
        if name == "predicted_reward" {
            npz.add(name, &[n, times], values);
        } else {
            npz.add(name, &[n, times, width], values);
        }
    };
    add("inputs", &recorded.inputs);
    add("action_probabilities", &recorded.probabilities);
    add("rates", &recorded.policy);
    add("value_rates", &recorded.value);
    add("predicted_reward", &recorded.predicted);
    let times: Vec<f32> = recorded.policy.times_ms.iter().map(|&ms| ms as f32).collect();
    npz.add("time_ms", &[times.len()], times);
    let kept = (0..n).map(|trial| recorded.policy.steps(behaviour, trial, 0.0, f64::INFINITY).len() as i32);
    npz.add("n_steps", &[n], kept.collect());
    let actions = behaviour.action.iter().map(|action| action.unwrap_or(0) as i16);
    npz.add("action", &[n], actions.collect());
    let correct = behaviour
        .correct
        .iter()
        .map(|correct| correct.map_or(-1, i8::from));
    npz.add("correct", &[n], correct.collect());
    npz.add(
        "choice_ms",
        &[n],
        behaviour.choice_ms.iter().map(|&ms| ms as f32).collect(),
    );
    npz.add(
        "reward",
        &[n],
        behaviour.reward.iter().map(|&reward| reward as f32).collect(),
    );
    for (name, values) in &behaviour.numbers {
        npz.add(
            &format!("cond_{name}"),
            &[n],
            values.iter().map(|&value| value as f32).collect(),
        );
    }
    for (name, labels) in &behaviour.labels {
        let mut known: Vec<&String> = labels.iter().collect();
        known.sort();
        known.dedup();
        let codes = labels
            .iter()
            .map(|label| known.binary_search(&label).map_or(-1.0, |code| code as f32));
        npz.add(&format!("cond_{name}"), &[n], codes.collect());
    }
    npz
}

/// Activity as a table: a row for each trial and kept step. Headers, rows.
pub fn activity_table(recorded: &Recorded) -> (Vec<String>, Vec<Vec<String>>) {
    let behaviour = &recorded.behaviour;
    let mut headers = vec!["trial".to_owned(), "time_ms".to_owned()];
    headers.extend(recorded.input_names.iter().map(|name| format!("input_{name}")));
    headers.extend(behaviour.actions.iter().map(|name| format!("p_{name}")));
    headers.push("predicted_reward".to_owned());
    headers.extend((0..recorded.policy.n_units).map(|unit| format!("policy_{unit}")));
    headers.extend((0..recorded.value.n_units).map(|unit| format!("value_{unit}")));
    let parts = [
        &recorded.inputs,
        &recorded.probabilities,
        &recorded.predicted,
        &recorded.policy,
        &recorded.value,
    ];
    let mut rows = Vec::new();
    for trial in 0..behaviour.n_trials() {
        for time in recorded.policy.steps(behaviour, trial, 0.0, f64::INFINITY) {
            let mut row = vec![trial.to_string(), recorded.policy.times_ms[time].to_string()];
            for part in parts {
                let first = (time * part.n_trials + trial) * part.n_units;
                row.extend(part.rates[first..first + part.n_units].iter().map(f32::to_string));
            }
            rows.push(row);
        }
    }
    (headers, rows)
}

/// The recorded trials as a session of Neurodata Without Borders: trials laid end to end on one clock.
///
/// `source` names the program and its version; `species` is the one that the session stands for, if any.
pub fn session(
    task: &Task,
    recorded: &Recorded,
    seed: u64,
    source: (&str, &str),
    species: Option<&str>,
) -> Session {
    let behaviour = &recorded.behaviour;
    let spacing_s = recorded.policy.spacing_ms() / 1000.0;
    let kept: Vec<_> = (0..behaviour.n_trials())
        .map(|trial| recorded.policy.steps(behaviour, trial, 0.0, f64::INFINITY))
        .collect();
    let mut trials = Vec::with_capacity(kept.len());
    let mut start = 0;
    for (trial, steps) in kept.iter().enumerate() {
        let at = start as f64 * spacing_s;
        trials.push((
            at,
            at + behaviour.n_steps[trial] as f64 * behaviour.dt_ms / 1000.0,
        ));
        start += steps.len();
    }
    let series = |place, name: &str, activity: &Activity, description: &str, comments: String, unit: &str| {
        let mut data = Vec::with_capacity(start * activity.n_units);
        for (trial, steps) in kept.iter().enumerate() {
            for time in steps.clone() {
                let first = (time * activity.n_trials + trial) * activity.n_units;
                data.extend_from_slice(&activity.rates[first..first + activity.n_units]);
            }
        }
        Series {
            place,
            name: name.to_owned(),
            description: description.to_owned(),
            comments,
            unit: unit.to_owned(),
            rate_hz: 1.0 / spacing_s,
            width: activity.n_units,
            data,
        }
    };
    let listed = |names: &[String]| format!("columns: {}", names.join(", "));
    let units = "one column a unit".to_owned();
    Session {
        identifier: format!(
            "neuropil-{}-{seed}-{}",
            task.definition.name,
            behaviour.n_trials()
        ),
        description: format!(
            "test trials of a recurrent network trained by reward on {}",
            task.definition.name
        ),
        start: "2026-01-01T00:00:00+00:00".to_owned(),
        experiment: format!(
            "{}. {}",
            task.definition.title,
            task.definition.description.trim()
        ),
        keywords: ["recurrent neural network", "reinforcement learning", "simulation"]
            .map(str::to_owned)
            .to_vec(),
        source: (source.0.to_owned(), source.1.to_owned()),
        species: species.map(str::to_owned),
        columns: columns(recorded, &trials),
        series: vec![
            series(
                Place::Stimulus,
                "inputs",
                &recorded.inputs,
                "inputs shown to the policy network, noise included",
                listed(&recorded.input_names),
                "a.u.",
            ),
            series(
                Place::Behaviour,
                "action_probabilities",
                &recorded.probabilities,
                "probability of each action",
                listed(&behaviour.actions),
                "probability",
            ),
            series(
                Place::Behaviour,
                "predicted_reward",
                &recorded.predicted,
                "reward still to come as the value network predicts it",
                "one value a sample".to_owned(),
                "reward",
            ),
            series(
                Place::Activity,
                "rates",
                &recorded.policy,
                "rates of the policy network",
                units.clone(),
                "a.u.",
            ),
            series(
                Place::Activity,
                "value_rates",
                &recorded.value,
                "rates of the value network",
                units,
                "a.u.",
            ),
        ],
        trials,
    }
}

/// Factors, epochs and outcomes of the trials; times in seconds on the clock of the session, on which `trials` lie from
/// start to end.
fn columns(recorded: &Recorded, trials: &[(f64, f64)]) -> Vec<TrialColumn> {
    let columns = recorded.behaviour.columns().into_iter();
    let column = |(name, column): (String, Column)| {
        let seconds = name.strip_suffix("_ms");
        let description = match name.as_str() {
            "action" => "action other than waiting that ended the trial; empty for none".to_owned(),
            "chosen" => "whether that action counts as a choice".to_owned(),
            "correct" => "1 correct, 0 wrong, NaN not judged".to_owned(),
            "choice_ms" => "time of the choice (s)".to_owned(),
            "reward" => "sum of the rewards of the trial".to_owned(),
            "n_steps" => "executed time steps".to_owned(),
            _ if name.ends_with("_onset_ms") => "start of the epoch (s)".to_owned(),
            _ if name.ends_with("_duration_ms") => "duration of the epoch (s)".to_owned(),
            _ => format!("factor `{name}` of the condition"),
        };
        let values = match column {
            Column::Numbers(values) if name == "chosen" => {
                Values::Flags(values.into_iter().map(|value| value == 1.0).collect())
            }
            Column::Numbers(values) if name == "choice_ms" || name.ends_with("_onset_ms") => {
                let on_the_clock = values.into_iter().zip(trials);
                Values::Numbers(on_the_clock.map(|(ms, (start, _))| start + ms / 1000.0).collect())
            }
            Column::Numbers(values) if seconds.is_some() => {
                Values::Numbers(values.into_iter().map(|ms| ms / 1000.0).collect())
            }
            Column::Numbers(values) => Values::Numbers(values),
            Column::Labels(labels) => Values::Labels(labels),
        };
        TrialColumn {
            name: seconds
                .map_or(name.clone(), |name| format!("{name}_time"))
                .replace('-', "_"),
            description,
            values,
        }
    };
    columns.map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw_players;
    use crate::resolve::resolve;
    use crate::testing::{Fixed, record_activity};
    use crate::train::rules;
    use neuropil_tasks::registry;

    fn recorded() -> (Task, Recorded) {
        let task = registry::find("rdm", Some(50.0)).unwrap();
        let config = resolve(&task, |layers| layers.set("policy.units=20"))
            .unwrap()
            .value;
        let (policy, value) = draw_players(&config, &task, 0).unwrap();
        let recorded = record_activity(
            (&policy, &value),
            &task,
            1,
            3,
            &Fixed::new(),
            1,
            &rules(&config, &task),
        );
        (task, recorded)
    }

    #[test]
    fn trials_lie_end_to_end_and_series_hold_their_steps() {
        let (task, recorded) = recorded();
        let session = session(&task, &recorded, 1, ("neuropil", "0"), None);
        let steps: usize = recorded.behaviour.n_steps.iter().sum();
        assert_eq!(session.series[3].data.len(), steps * 20);
        assert_eq!(session.series[3].rate_hz, 20.0);
        for pair in session.trials.windows(2) {
            assert!((pair[0].1 - pair[1].0).abs() < 1e-9, "{pair:?}");
        }
        let last = session.trials.last().unwrap().1;
        assert!((last - steps as f64 * 0.05).abs() < 1e-9);
        // Choices and epochs lie within their trials.
        for column in session
            .columns
            .iter()
            .filter(|c| c.name == "choice_time" || c.name.ends_with("_onset_time"))
        {
            let Values::Numbers(times) = &column.values else {
                panic!("{} are times", column.name)
            };
            for (time, (start, end)) in times
                .iter()
                .zip(&session.trials)
                .filter(|(time, _)| time.is_finite())
            {
                assert!(start - 1e-9 <= *time, "{}: {time} before {start}", column.name);
                assert!(
                    *time <= end + 3.1 && (column.name != "choice_time" || time <= end),
                    "{}",
                    column.name
                );
            }
        }
        // The first sample of the second trial is the initial state again.
        let first = recorded.behaviour.n_steps[0];
        assert_eq!(
            session.series[3].data[..20],
            session.series[3].data[first * 20..][..20]
        );
        let names: Vec<&str> = session
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert!(
            names.contains(&"choice_time") && names.contains(&"stimulus_onset_time"),
            "{names:?}"
        );
    }

    #[test]
    fn recordings_hold_inputs_and_probabilities_that_sum_to_one() {
        let (_, recorded) = recorded();
        let (headers, rows) = activity_table(&recorded);
        assert_eq!(rows.len(), recorded.behaviour.n_steps.iter().sum::<usize>());
        let place = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let number = |row: &[String], at: usize| row[at].parse::<f64>().unwrap();
        let (p, fixation) = (place("p_FIXATE"), place("input_FIXATION"));
        for row in &rows {
            let sum: f64 = (p..p + 3).map(|at| number(row, at)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            let shown = if number(row, 1) == 0.0 { 0.0 } else { 1.0 };
            if number(row, 1) < 750.0 {
                assert_eq!(number(row, fixation), shown, "the initial state has no input");
            }
        }
    }
}
