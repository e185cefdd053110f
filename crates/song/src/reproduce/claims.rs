//! The claims of the paper, each with its measure and band; one file a figure.

mod confidence;
mod integration;
mod perception;
mod value;

use neuropil_study::{Band, Claim, Found};

use super::RunResult;
use crate::analysis::Finding;
use crate::analysis::proportion::DurationPoint;
use crate::analysis::{accuracy_duration, chronometric, delay_tuning, economic, multisensory, psychometric};
use crate::analysis::{state_space, unit_values, value_trace, wager};

/// One measure of one run: its value, and whether it is in the band.
type Measured = (f64, bool);

/// Runs of a task.
struct Runs<'a>(Vec<&'a RunResult>);

macro_rules! finding {
    ($name:ident, $analysis:literal, $variant:ident, $kind:ty) => {
        fn $name(run: &RunResult) -> Option<&$kind> {
            match run.findings.get($analysis)? {
                Finding::$variant(found) => Some(found),
                _ => None,
            }
        }
    };
}
finding!(
    duration,
    "accuracy-duration",
    AccuracyDuration,
    accuracy_duration::AccuracyDuration
);
finding!(reaction, "chronometric", Chronometric, chronometric::Chronometric);
finding!(curves, "psychometric", Psychometric, psychometric::Psychometric);
finding!(
    cues,
    "cue-combination",
    CueCombination,
    multisensory::CueCombination
);
finding!(bets, "wager", Wager, wager::Wager);
finding!(pattern, "choice-pattern", ChoicePattern, economic::ChoicePattern);
finding!(values, "unit-values", UnitValues, unit_values::UnitValues);
finding!(prediction, "value-trace", ValueTrace, value_trace::ValueTrace);
finding!(tuning, "delay-tuning", DelayTuning, delay_tuning::DelayTuning);
finding!(space, "state-space", StateSpace, state_space::StateSpace);

/// All claims, judged by the runs.
pub fn claims(runs: &[RunResult]) -> Vec<Claim> {
    let of = |task: &str| Runs(runs.iter().filter(|run| run.task == task).collect());
    let mut claims = Vec::new();
    for (place, task) in [
        ("Fig. 1", "rdm"),
        ("Fig. 1, supplements", "rdm-rt"),
        ("Fig. 2", "mante"),
        ("Fig. 2", "multisensory"),
        ("Fig. 2", "romo"),
        ("Fig. 3", "wager"),
        ("Fig. 4", "economic"),
    ] {
        claims.push(learnt(place, task, &of(task)));
    }
    claims.extend(perception::perception(
        &of("rdm"),
        &of("rdm-rt"),
        &of("rdm-linear-value"),
    ));
    claims.extend(integration::integration(
        &of("mante"),
        &of("multisensory"),
        &of("romo"),
    ));
    claims.extend(confidence::confidence(&of("wager"), &of("wager-linear-value")));
    claims.extend(value::value(&of("economic"), &of("economic-1a3b")));
    claims
}

/// Mean and standard deviation (n − 1) of some values, as text.
fn spread(values: &[f64], digits: usize) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return format!("{mean:.digits$}");
    }
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    format!("{mean:.digits$} ± {sd:.digits$}")
}

impl Runs<'_> {
    /// A claim that most networks that met their criterion must show: more than half of them.
    fn judge(
        &self,
        words: (&str, &str, &str, &str),
        digits: usize,
        measure: impl Fn(&RunResult) -> Option<Measured>,
    ) -> Claim {
        let (place, text, paper, band) = words;
        let trained = self.0.iter().filter(|run| run.criterion_met);
        let measured = trained.filter_map(|run| measure(run));
        let ours = Found::judged(measured).digits(digits).of("networks");
        Claim::new(place, text, paper, Band::when(band), ours)
    }
}

fn learnt(place: &str, task: &str, runs: &Runs) -> Claim {
    let threshold = runs.0.first().and_then(|run| run.threshold);
    let paper = threshold.map_or("criterion reached".to_owned(), |t| {
        format!("{:.0} % correct reached", 100.0 * t)
    });
    let band = Band::when("more than half of the networks; trials to criterion, mean ± sd");
    let met = runs.0.iter().filter(|run| run.criterion_met);
    let met: Vec<f64> = met.map(|run| run.trials as f64).collect();
    let trials = if met.is_empty() {
        String::new()
    } else {
        format!(", {} trials", spread(&met, 0))
    };
    let ours = if runs.0.is_empty() {
        Found::nothing()
    } else {
        let each = runs.0.iter().map(|run| (run.trials as f64, run.criterion_met));
        Found::judged(each).called(format!("{} of {} networks{trials}", met.len(), runs.0.len()))
    };
    Claim::new(
        place,
        format!("{task} is learnt to its criterion"),
        paper,
        band,
        ours,
    )
}

/// Pooled fraction of some points.
fn pooled<'a>(points: impl IntoIterator<Item = &'a DurationPoint>) -> Option<f64> {
    let (count, n) = points.into_iter().fold((0, 0), |(count, n), point| {
        (count + point.proportion.count, n + point.proportion.n)
    });
    (n > 0).then(|| count as f64 / n as f64)
}

/// Difference of the pooled fractions of the last and the first third of the bins.
fn late_minus_early(points: &[DurationPoint]) -> Option<f64> {
    let third = points.len() / 3;
    Some(pooled(&points[points.len() - third..])? - pooled(&points[..third])?)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Pearson's correlation; none of fewer than three points or without spread.
fn correlation(points: &[(f64, f64)]) -> Option<f64> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let found = neuropil_math::stats::correlation::pearson(&x, &y).ok()?;
    (points.len() > 2).then_some(found.r)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::synthetic;
    use crate::analysis::{Focus, Session, named};
    use crate::behaviour::Behaviour;
    use neuropil_math::rng::Key;
    use neuropil_study::Verdict;
    use std::collections::BTreeMap;

    fn run(task: &str, behaviour: &Behaviour, analysis: &str) -> RunResult {
        let session = Session {
            behaviour,
            recorded: None,
            learning: &[],
            networks: None,
            focus: &Focus::default(),
            key: Key::new(1),
        };
        let finding = (named(analysis).unwrap().compute)(&session).unwrap();
        RunResult {
            task: task.to_owned(),
            seed: 1,
            criterion_met: true,
            trials: 9000,
            restarts: 0,
            threshold: Some(0.8),
            n_trials: behaviour.n_trials(),
            n_recorded: 0,
            findings: BTreeMap::from([(analysis.to_owned(), finding)]),
        }
    }

    fn verdict(claims: &[Claim], words: &str) -> Verdict {
        let found = claims.iter().find(|claim| claim.what.contains(words));
        found.unwrap_or_else(|| panic!("no claim of {words}")).verdict()
    }

    #[test]
    fn nothing_is_claimed_of_what_was_not_run() {
        for claim in claims(&[]) {
            assert_eq!(claim.verdict(), Verdict::NotMeasured, "{}", claim.what);
        }
    }

    #[test]
    fn animals_that_behave_as_in_the_paper_are_in_band() {
        let runs = [
            run("rdm", &synthetic::rdm_by_duration(40_000, 1), "accuracy-duration"),
            run("rdm-rt", &synthetic::rdm_rt(20_000, 1), "chronometric"),
            run("mante", &synthetic::mante(40_000, 1), "psychometric"),
            run(
                "multisensory",
                &synthetic::multisensory(48_000, 1),
                "cue-combination",
            ),
            run("wager", &synthetic::wager(60_000, 1), "wager"),
            run("economic", &synthetic::economic(18_000, 1), "choice-pattern"),
        ];
        let claims = claims(&runs);
        for words in [
            "rises with motion coherence",
            "rises with stimulus duration",
            "reaction times fall",
            "irrelevant modality",
            "near the optimum",
            "less often at higher coherence",
            "less often after longer",
            "more accurate where the sure bet",
        ] {
            assert_eq!(verdict(&claims, words), Verdict::InBand, "{words}");
        }
        assert_eq!(verdict(&claims, "that of the juices, 2.2"), Verdict::InBand);
        assert_eq!(verdict(&claims, "that of the juices, 4.1"), Verdict::NotMeasured);
    }

    #[test]
    fn an_animal_that_gets_worse_with_time_is_outside() {
        let mut behaviour = synthetic::rdm_by_duration(40_000, 1);
        for trial in 0..behaviour.n_trials() {
            behaviour.correct[trial] = behaviour.correct[trial].map(|correct| !correct);
        }
        let claims = claims(&[run("rdm", &behaviour, "accuracy-duration")]);
        assert_eq!(verdict(&claims, "rises with stimulus duration"), Verdict::Outside);
    }

    #[test]
    fn networks_that_did_not_learn_count_against_learning_only() {
        let mut failed = run("rdm", &synthetic::rdm_by_duration(4000, 1), "accuracy-duration");
        failed.criterion_met = false;
        let claims = claims(&[failed]);
        assert_eq!(verdict(&claims, "rdm is learnt"), Verdict::Outside);
        assert_eq!(
            verdict(&claims, "rises with motion coherence"),
            Verdict::NotMeasured
        );
    }
}
