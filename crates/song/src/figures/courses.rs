//! Figures of averages around events, for any task.

use super::Drawn;
use crate::analysis::action_course::ActionCourse;
use crate::analysis::course::{Course, TRIAL};
use crate::analysis::kernel::{InputKernel, Kernel, Weight};
use crate::analysis::peri_event::PeriEvent;
use crate::analysis::population::{Population, RegressionAxis, Trajectory};
use crate::analysis::unit_activity::CHOICE;
use crate::analysis::value_course::ValueCourse;
use neuropil_draw::{Color, Mark, Panel, Series};

/// Actions that are shown one line each.
const MOST_LINES: usize = 9;

/// An event as the x axis names it.
fn since(event: &str) -> String {
    let event = match event {
        CHOICE => "choice".to_owned(),
        TRIAL => "the beginning of the trial".to_owned(),
        epoch => format!("{epoch} onset"),
    };
    format!("Time from {event} (ms)")
}

/// A mean with a band of one standard error on both sides.
fn with_error(course: &Course) -> Series {
    let band: Vec<(f64, f64)> = course
        .mean
        .iter()
        .zip(&course.sem)
        .map(|(m, s)| (m - s, m + s))
        .collect();
    Series::line(course.times_ms.clone(), course.mean.clone()).band(band)
}

/// `color` of level `i` of `n`: seven colours, then solid against dashed.
fn style(i: usize) -> (Color, Mark) {
    (Color::cycle(i), if i < 7 { Mark::Line } else { Mark::Dashed })
}

/// Smallest and largest number of trials of courses, as a caption says it.
fn counted<'a>(courses: impl Iterator<Item = &'a Course>) -> String {
    let n: Vec<usize> = courses.map(|course| course.n_trials).collect();
    match (n.iter().min(), n.iter().max()) {
        (Some(least), Some(most)) if least == most => format!("n = {least} trials each"),
        (Some(least), Some(most)) => format!("n = {least} to {most} trials each"),
        _ => "no trials".to_owned(),
    }
}

pub(super) fn peri_event(r: &PeriEvent) -> Drawn {
    let mut panels = Vec::new();
    for (e, event) in r.events.iter().enumerate() {
        for (u, unit) in event.units.iter().enumerate() {
            let panel =
                Panel::new(since(&event.event), format!("Rate, unit {} (a.u.)", unit.unit)).v_line(0.0);
            let panel = unit.courses.iter().enumerate().fold(panel, |panel, (i, course)| {
                let (color, mark) = style(i);
                let series = with_error(course).color(color).mark(mark);
                let named = (e, u) == (0, 0) && !r.by.is_empty();
                let label = format!("{} {}", r.by, course.level.name);
                panel.series(if named { series.label(label) } else { series })
            });
            panels.push(panel);
        }
    }
    let first = r.events.first();
    let courses = first
        .iter()
        .flat_map(|event| event.units.iter().flat_map(|unit| &unit.courses));
    let strongest = first.and_then(|event| event.units.first());
    let title = match strongest {
        Some(unit) if !r.by.is_empty() => {
            format!(
                "{} explains {:.0} % of unit {}",
                r.by,
                100.0 * unit.eta_squared,
                unit.unit
            )
        }
        _ => "mean rates of single units".to_owned(),
    };
    let by = if r.by.is_empty() {
        String::new()
    } else {
        format!(" by {}", r.by)
    };
    let what = format!(
        "Mean rates of units of the {} network{by}, bands: ± 1 standard error, {}; a course ends where fewer than five trials \
         or a tenth of them are left.",
        r.network,
        counted(courses)
    );
    (title, panels, what)
}

pub(super) fn action_course(r: &ActionCourse) -> Drawn {
    let panels = r.panels.iter().enumerate().map(|(p, panel)| {
        let mut drawn = Panel::new(since(&panel.event), "Probability per step")
            .y_range(0.0, 1.0)
            .v_line(0.0);
        if !r.by.is_empty() {
            drawn = drawn.note(format!("{} {}", r.by, panel.level));
        }
        panel
            .courses
            .iter()
            .take(MOST_LINES)
            .enumerate()
            .fold(drawn, |drawn, (a, course)| {
                let (color, mark) = style(a);
                let series = with_error(course).color(color).mark(mark);
                drawn.series(if p == 0 {
                    series.label(r.actions[a].clone())
                } else {
                    series
                })
            })
    });
    let what = format!(
        "Mean probability with which the policy takes each action in a recorded step, bands: ± 1 standard error, {}; trials \
         that have ended are left out. The step of the choice itself is seen only where every step was recorded.",
        counted(r.panels.iter().filter_map(|panel| panel.courses.first()))
    );
    (
        "how likely each action is, step by step".to_owned(),
        panels.collect(),
        what,
    )
}

pub(super) fn value_course(r: &ValueCourse) -> Drawn {
    let mut panels: Vec<Panel> = r
        .events
        .iter()
        .enumerate()
        .map(|(e, (event, courses))| {
            let panel = Panel::new(since(event), "Predicted reward").v_line(0.0);
            courses.iter().enumerate().fold(panel, |panel, (i, course)| {
                let (color, mark) = style(i);
                let series = with_error(course).color(color).mark(mark);
                let named = e == 0 && !r.by.is_empty();
                let label = format!("{} {}", r.by, course.level.name);
                panel.series(if named { series.label(label) } else { series })
            })
        })
        .collect();
    let known: Vec<(f64, f64, f64)> = r
        .earned
        .iter()
        .filter_map(|bin| Some((bin.predicted, bin.reward.mean?, bin.reward.sem.unwrap_or(0.0))))
        .collect();
    if known.len() > 1 {
        let x: Vec<f64> = known.iter().map(|bin| bin.0).collect();
        let errors: Vec<(f64, f64)> = known
            .iter()
            .map(|(_, y, s)| (y - 1.96 * s, y + 1.96 * s))
            .collect();
        let panel = Panel::new("Predicted reward halfway", "Reward of the trial")
            .series(
                Series::line(x.clone(), x.clone())
                    .color(Color::Grey)
                    .mark(Mark::Dashed)
                    .label("as predicted"),
            )
            .series(Series::points(x, known.iter().map(|bin| bin.1).collect::<Vec<_>>()).error(errors));
        panels.push(panel);
    }
    let by = if r.by.is_empty() {
        String::new()
    } else {
        format!(" by {}", r.by)
    };
    let what = format!(
        "Mean prediction of the value network{by}, bands: ± 1 standard error, {}.{}",
        counted(r.events.iter().flat_map(|(_, courses)| courses)),
        if known.len() > 1 {
            " Last panel: reward of trials against the prediction halfway through them, in bins of equally many (bars: ± 1.96 \
             standard errors; a prediction is of what is still to come)."
        } else {
            ""
        }
    );
    ("the value network's prediction".to_owned(), panels, what)
}

pub(super) fn kernel(r: &Kernel) -> Drawn {
    let mut panel = Panel::new(
        since(&r.event),
        format!("Input before {} − {}", r.answers[1], r.answers[0]),
    )
    .h_line(0.0);
    for (i, input) in r.inputs.iter().enumerate() {
        let pairs = input.difference.iter().zip(&input.sem);
        let errors: Vec<(f64, f64)> = pairs.map(|(d, s)| (d - 1.96 * s, d + 1.96 * s)).collect();
        let series = Series::points(input.times_ms.clone(), input.difference.clone())
            .mark(Mark::LineAndPoints)
            .color(Color::cycle(i))
            .error(errors)
            .label(input.input.clone());
        panel = panel.series(series);
    }
    let n = r.inputs.iter().flat_map(|input| input.n.iter().copied());
    let (least, most) = (n.clone().min().unwrap_or(0), n.max().unwrap_or(0));
    let beyond = |input: &InputKernel| {
        let pairs = input.difference.iter().zip(&input.sem);
        pairs.filter(|(d, s)| d.abs() > 1.96 * **s).count()
    };
    // One bin of twenty is beyond its error by chance.
    let clear: Vec<String> = r
        .inputs
        .iter()
        .filter(|input| 10 * beyond(input) > input.n.len())
        .map(|input| match input.n.len() {
            1 => format!("{} weighs", input.input),
            n => {
                let halves = input.halves.map_or(String::new(), |[early, late]| {
                    let said = |half: Weight| format!("{:+.3} ± {:.3}", half.difference, 1.96 * half.sem);
                    format!(" (early {}, late {})", said(early), said(late))
                });
                format!("{} weighs in {} of {n} bins{halves}", input.input, beyond(input))
            }
        })
        .collect();
    let trials = if least == most {
        format!("{most} trials")
    } else {
        format!("{least} to {most} trials")
    };
    let title = if clear.is_empty() {
        format!("no input weighs beyond its error in {trials}")
    } else {
        format!("{}; {trials} a bin", clear.join(", "))
    };
    let what = format!(
        "Mean of each input before {} minus before {} within conditions, in bins of {} ms of epoch {}; bars: ± 1.96 standard \
         errors; {trials} of conditions with both answers a bin; early and late: means over the halves of the bins.",
        r.answers[1], r.answers[0], r.bin_ms, r.event
    );
    (title, vec![panel], what)
}

/// Courses of several levels as lines.
fn lines(
    panel: Panel,
    by: &str,
    levels: &[Trajectory],
    pick: impl Fn(&Trajectory) -> (Vec<f64>, Vec<f64>),
) -> Panel {
    levels.iter().enumerate().fold(panel, |panel, (i, trajectory)| {
        let (x, y) = pick(trajectory);
        let (color, mark) = style(i);
        let series = Series::line(x, y).color(color).mark(mark);
        let label = format!("{by} {}", trajectory.level.name);
        panel.series(if by.is_empty() {
            series
        } else {
            series.label(label)
        })
    })
}

pub(super) fn population(r: &Population) -> Drawn {
    let share = |c: usize| 100.0 * r.shares.get(c).copied().unwrap_or(0.0);
    let axis = |c: usize| format!("Component {} ({:.0} %)", c + 1, share(c));
    let on = |a: usize, b: usize| {
        let place = move |trajectory: &Trajectory| -> (Vec<f64>, Vec<f64>) {
            let at = |c: usize| move |place: &Vec<f64>| place.get(c).copied().unwrap_or(0.0);
            (
                trajectory.places.iter().map(at(a)).collect(),
                trajectory.places.iter().map(at(b)).collect(),
            )
        };
        // Both axes have the same scale, so that distances compare.
        let all: Vec<(f64, f64)> = [a, b]
            .map(|c| {
                let values = r
                    .trajectories
                    .iter()
                    .flat_map(|t| &t.places)
                    .map(|p| p.get(c).copied().unwrap_or(0.0));
                let low = values.clone().fold(f64::INFINITY, f64::min);
                (low, values.fold(f64::NEG_INFINITY, f64::max))
            })
            .to_vec();
        let half = 0.55 * all.iter().map(|(low, high)| high - low).fold(1e-9, f64::max);
        let middle = |c: usize| f64::midpoint(all[c].0, all[c].1);
        let panel = Panel::new(axis(a), axis(b))
            .x_range(middle(0) - half, middle(0) + half)
            .y_range(middle(1) - half, middle(1) + half);
        let panel = lines(panel, if b == 1 { &r.by } else { "" }, &r.trajectories, place);
        // Where each trajectory passes the event.
        let zero = r.times_ms.iter().position(|&ms| ms >= 0.0).unwrap_or(0);
        let (x, y): (Vec<f64>, Vec<f64>) = r
            .trajectories
            .iter()
            .filter_map(|t| t.places.get(zero))
            .map(|p| (p.get(a).copied().unwrap_or(0.0), p.get(b).copied().unwrap_or(0.0)))
            .unzip();
        panel.series(Series::points(x, y).mark(Mark::OpenPoints).color(Color::Grey))
    };
    let mut panels = vec![on(0, 1)];
    if r.shares.len() > 2 {
        panels.push(on(0, 2));
    }
    panels.extend(r.axes.iter().map(|axis: &RegressionAxis| {
        let panel = Panel::new(since(&r.event), format!("{} axis (a.u.)", axis.of)).v_line(0.0);
        lines(panel, &axis.of, &axis.courses, |trajectory| {
            trajectory.places.iter().map(|place| (place[0], place[1])).unzip()
        })
    }));
    let what = format!(
        "Average rates{} around {} on their principal components (share of variance in parentheses; circles: time 0; equal \
         scales){}; averages of at least five trials.",
        if r.by.is_empty() {
            String::new()
        } else {
            format!(" by {}", r.by)
        },
        if r.event == TRIAL { "the trial" } else { &r.event },
        if r.axes.is_empty() {
            String::new()
        } else {
            ", and along the direction in which rates change with each quantity (regression, orthogonal in order)".to_owned()
        }
    );
    let title = format!("two components hold {:.0} % of the variance", share(0) + share(1));
    (title, panels, what)
}
