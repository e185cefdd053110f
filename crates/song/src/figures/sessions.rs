//! Figures of trials that follow one another, and of detection.

use super::Drawn;
use super::general::percentages;
use crate::analysis::detection::{Detection, Sensitivity};
use crate::analysis::history::{History, Weight};
use crate::analysis::outcomes::{Histogram, Outcomes};
use crate::analysis::proportion::Proportion;
use crate::analysis::session_course::{Place, SessionCourse};
use crate::analysis::value_difference::ValueDifference;
use neuropil_draw::{Bars, Color, Mark, Panel, Series};

pub(super) fn history(r: &History) -> Drawn {
    let shares = [(0.0, r.win_stay), (1.0, r.lose_switch)];
    let points: Vec<(f64, Proportion)> = shares.into_iter().filter_map(|(x, p)| Some((x, p?))).collect();
    let ticks = vec![
        (0.0, "same after reward".to_owned()),
        (1.0, "other after none".to_owned()),
    ];
    let mut panels = vec![
        Panel::new("", "Choices (%)")
            .x_range(-0.5, 1.5)
            .y_range(0.0, 100.0)
            .x_ticks(ticks)
            .series(percentages(points.iter().map(|(x, p)| (*x, p)), false)),
    ];
    if let Some(choice) = &r.choice {
        let line = |weights: &[Weight]| {
            let x: Vec<f64> = (1..=weights.len()).map(|lag| lag as f64).collect();
            let y: Vec<f64> = weights.iter().map(|weight| weight.value).collect();
            let errors: Vec<(f64, f64)> = weights
                .iter()
                .map(|w| (w.interval.low, w.interval.high))
                .collect();
            Series::points(x, y).error(errors).mark(Mark::LineAndPoints)
        };
        let panel = Panel::new("Trials before", format!("Weight on {choice} (log odds)"))
            .h_line(0.0)
            .series(line(&r.of_choice).label("choice"))
            .series(
                line(&r.of_reward)
                    .color(Color::Vermillion)
                    .label("rewarded choice"),
            );
        panels.push(panel);
    }
    let percent = |p: Option<Proportion>| p.map_or("–".to_owned(), |p| format!("{:.0} %", 100.0 * p.value));
    (
        format!("same after reward {}, other after none {}", percent(r.win_stay), percent(r.lose_switch)),
        panels,
        if r.choice.is_some() {
            "The same choice again after a reward and the other one after none (95 % intervals, Wilson), and weights of a \
             logistic regression of a choice on the choices and rewarded choices before it (95 % intervals)."
        } else {
            "The same choice again after a reward and the other one after none (95 % intervals, Wilson)."
        }
        .to_owned(),
    )
}

pub(super) fn outcomes(r: &Outcomes, counts_steps: bool) -> Drawn {
    let ticks: Vec<(f64, String)> = r
        .kinds
        .iter()
        .enumerate()
        .map(|(i, (name, _))| (i as f64, name.clone()))
        .collect();
    let n = ticks.len() as f64;
    let shares = r
        .kinds
        .iter()
        .enumerate()
        .map(|(i, (_, share))| (i as f64, share));
    let kinds = Panel::new("", "Trials (%)")
        .x_range(-0.5, n - 0.5)
        .y_range(0.0, 100.0)
        .x_ticks(ticks)
        .series(percentages(shares, false));
    let histogram = |label: &str, found: &Histogram| {
        Panel::new(label, "Trials (%)").v_line(found.mean).bars(Bars {
            label: None,
            color: Color::Blue,
            edges: found.edges.clone(),
            heights: found.shares.iter().map(|share| 100.0 * share).collect(),
        })
    };
    let duration = if counts_steps {
        "Duration (steps)"
    } else {
        "Duration (ms)"
    };
    let panels = vec![
        kinds,
        histogram(duration, &r.duration_ms),
        histogram("Reward of the trial", &r.reward),
    ];
    let said: Vec<String> = r
        .kinds
        .iter()
        .take(3)
        .map(|(name, share)| format!("{name} {:.1} %", 100.0 * share.value))
        .collect();
    let what = "How trials end, with 95 % intervals (Wilson), how long they last and what they earn; vertical lines: means.";
    (said.join(", "), panels, what.to_owned())
}

pub(super) fn detection(r: &Detection) -> Drawn {
    let ticks = vec![(0.0, "hits".to_owned()), (1.0, "false alarms".to_owned())];
    let both = [(0.0, &r.all.hits), (1.0, &r.all.false_alarms)];
    let mut panels = vec![
        Panel::new("", "Trials answered (%)")
            .x_range(-0.5, 1.5)
            .y_range(0.0, 100.0)
            .x_ticks(ticks)
            .series(percentages(both.into_iter(), false)),
    ];
    if r.levels.len() > 1 {
        let rates = |of: fn(&Sensitivity) -> &Proportion| {
            percentages(
                r.levels.iter().map(|(level, found)| (level.value, of(found))),
                true,
            )
        };
        let by = super::quantity(&r.by);
        let panel = Panel::new(by.clone(), "Trials answered (%)")
            .y_range(0.0, 100.0)
            .series(rates(|found| &found.hits).label("hits"))
            .series(
                rates(|found| &found.false_alarms)
                    .color(Color::Vermillion)
                    .label("false alarms"),
            );
        let (x, y): (Vec<f64>, Vec<f64>) = r
            .levels
            .iter()
            .map(|(level, found)| (level.value, found.dprime))
            .unzip();
        let dprime = Panel::new(by, "d′")
            .h_line(0.0)
            .series(Series::points(x, y).mark(Mark::LineAndPoints));
        panels.extend([panel, dprime]);
    }
    let percent = |p: &Proportion| format!("{:.0} %", 100.0 * p.value);
    let title = format!(
        "hits {}, false alarms {}, d′ {:.2}, criterion {:+.2}",
        percent(&r.all.hits),
        percent(&r.all.false_alarms),
        r.all.dprime,
        r.all.criterion
    );
    let mut what = format!(
        "Answers among trials with {} = {} ({} hits) and without (false alarms), with 95 % intervals (Wilson)",
        r.signal, r.present, r.all.hits.count
    );
    if r.levels.len() > 1 {
        what.push_str(&format!(
            "; by {}, with d′, where there are ten trials of each kind",
            r.by
        ));
    }
    if r.left_out > 0 {
        what.push_str(&format!(
            "; {} trials at places in the session at which there never is a signal are left out",
            r.left_out
        ));
    }
    (title, panels, what + ".")
}

pub(super) fn session_course(r: &SessionCourse) -> Drawn {
    let line = |places: &[Place], of: fn(&Place) -> Option<Proportion>| {
        let known: Vec<(f64, Proportion)> = places
            .iter()
            .filter_map(|place| Some((place.at, of(place)?)))
            .collect();
        let x: Vec<f64> = known.iter().map(|(at, _)| *at).collect();
        let y: Vec<f64> = known.iter().map(|(_, p)| 100.0 * p.value).collect();
        let band: Vec<(f64, f64)> = known
            .iter()
            .map(|(_, p)| (100.0 * p.interval.low, 100.0 * p.interval.high))
            .collect();
        Series::line(x, y).band(band)
    };
    let has = |places: &[Place], of: fn(&Place) -> Option<Proportion>| {
        places.iter().any(|place| of(place).is_some())
    };
    let panel = |x: &str, places: &[Place]| {
        let mut panel = Panel::new(x, "Choices (%)").y_range(0.0, 100.0);
        if has(places, |place| place.correct) {
            panel = panel.series(line(places, |place| place.correct).label("right"));
        }
        if has(places, |place| place.rewarded) {
            let rewarded = line(places, |place| place.rewarded);
            panel = panel.series(rewarded.color(Color::Orange).label("rewarded"));
        }
        panel
    };
    let mut panels = vec![panel("Trial of the session", &r.places)];
    if !r.around_change.is_empty() {
        panels.push(panel("Trials since the block changed", &r.around_change).v_line(-0.5));
    }
    let share = |place: Option<&Place>| {
        let found = place.and_then(|place| place.correct.or(place.rewarded));
        found.map_or("–".to_owned(), |p| format!("{:.0} %", 100.0 * p.value))
    };
    let what = if has(&r.places, |place| place.correct) {
        "right"
    } else {
        "rewarded"
    };
    let title = format!(
        "{what} {} at the beginning of a session, {} at its end",
        share(r.places.first()),
        share(r.places.last())
    );
    let mut caption = format!(
        "Choices that were right, and that were rewarded, along {} sessions",
        r.n_sessions
    );
    if !r.around_change.is_empty() {
        caption.push_str(&format!(
            ", and around {} changes of blocks (right: as it is after the change)",
            r.n_changes
        ));
    }
    (title, panels, caption + "; bands: 95 % intervals (Wilson).")
}

pub(super) fn value_difference(r: &ValueDifference) -> Drawn {
    let [first, second] = &r.options;
    let points = r.points.iter().map(|point| (point.difference, &point.second));
    let expected: Vec<f64> = r.points.iter().map(|point| 100.0 * point.expected).collect();
    let x: Vec<f64> = r.points.iter().map(|point| point.difference).collect();
    let panel = Panel::new(
        format!("Value of {second} − {first}"),
        format!("Choices of {second} (%)"),
    )
    .x_range(-1.0, 1.0)
    .y_range(0.0, 100.0)
    .v_line(0.0)
    .h_line(50.0)
    .series(Series::line(x, expected).color(Color::Grey).label("fit"))
    .series(percentages(points, false).label("choices"));
    let title = format!(
        "learning rate {:.2}, inverse temperature {:.2}, bias {:+.2}",
        r.learning_rate, r.beta, r.bias
    );
    let what = format!(
        "Choices between {first} and {second} ({}) in bins of the difference of their values, which follow rewards with the \
         learning rate of greatest likelihood (mean log likelihood of a choice {:.3}; chance −0.693); bars: 95 % intervals \
         (Wilson).",
        r.n_choices, r.log_likelihood
    );
    (title, vec![panel], what)
}
