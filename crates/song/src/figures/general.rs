//! Figures of analyses that fit any task.

use super::{Drawn, quantity};
use crate::analysis::choices::{ChoiceTable, Choices};
use crate::analysis::confusion::Confusion;
use crate::analysis::decoding::Decoding;
use crate::analysis::levels::Level;
use crate::analysis::proportion::Proportion;
use crate::analysis::response_times::ResponseTimes;
use crate::analysis::selectivity::{QuantitySelectivity, SIGNIFICANCE, Selectivity};
use neuropil_draw::{Bars, Color, Heat, Mark, Panel, Series};

/// Most actions that are shown one line each.
const MOST_LINES: usize = 7;

/// A panel over the levels of a quantity: by value if they are numbers, side by side if they are labels.
pub(super) fn over(by: &str, is_numeric: bool, levels: &[&Level], y: impl Into<String>) -> Panel {
    let panel = Panel::new(quantity(by), y);
    if is_numeric {
        return panel;
    }
    let ticks: Vec<(f64, String)> = levels
        .iter()
        .map(|level| (level.value, level.name.clone()))
        .collect();
    let (first, last) = (
        ticks.first().map_or(0.0, |t| t.0),
        ticks.last().map_or(1.0, |t| t.0),
    );
    panel.x_range(first - 0.5, last + 0.5).x_ticks(ticks)
}

/// Percentages with intervals, joined where the levels are numbers.
pub(super) fn percentages<'a>(
    points: impl Iterator<Item = (f64, &'a Proportion)>,
    is_numeric: bool,
) -> Series {
    let points: Vec<(f64, &Proportion)> = points.collect();
    let x: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    let y: Vec<f64> = points.iter().map(|(_, p)| 100.0 * p.value).collect();
    let errors: Vec<(f64, f64)> = points
        .iter()
        .map(|(_, p)| (100.0 * p.interval.low, 100.0 * p.interval.high))
        .collect();
    let mark = if is_numeric {
        Mark::LineAndPoints
    } else {
        Mark::Points
    };
    Series::points(x, y).error(errors).mark(mark)
}

pub(super) fn choices(r: &Choices) -> Drawn {
    let panel = |table: &ChoiceTable| {
        let levels: Vec<&Level> = table.rows.iter().map(|row| &row.level).collect();
        let label = if r.judged { "Trials (%)" } else { "Choices (%)" };
        let panel = over(&table.by, table.is_numeric, &levels, label).y_range(0.0, 100.0);
        let answered = table.rows.iter().map(|row| (row.level.value, &row.answered));
        let panel = panel.series(
            percentages(answered, table.is_numeric)
                .color(Color::Grey)
                .label("answered"),
        );
        if r.judged {
            let correct = table
                .rows
                .iter()
                .filter_map(|row| Some((row.level.value, row.correct.as_ref()?)));
            return panel.series(percentages(correct, table.is_numeric).label("correct"));
        }
        let named = r.actions.iter().enumerate().take(MOST_LINES);
        named.fold(panel, |panel, (i, action)| {
            let chosen = table
                .rows
                .iter()
                .filter_map(|row| Some((row.level.value, row.chosen[i].as_ref()?)));
            panel.series(
                percentages(chosen, table.is_numeric)
                    .color(Color::cycle(i))
                    .label(action.clone()),
            )
        })
    };
    let what = if r.judged {
        "Trials that ended in a choice (grey), and right ones among those that were right or wrong"
    } else {
        "Trials that ended in a choice (grey), and each action among the choices"
    };
    let by: Vec<&str> = r.tables.iter().map(|table| table.by.as_str()).collect();
    let mut title = format!("by {}", by.join(", "));
    let failing = failing(r);
    if !failing.is_empty() {
        title += &format!("; hardly ever right: {}", failing.join(", "));
    }
    (
        title,
        r.tables.iter().map(panel).collect(),
        format!("{what}, with 95 % intervals (Wilson); quantities with more than 12 values in five bins."),
    )
}

/// Levels at which choices are right less than half as often as in all, beyond their intervals: a mean hides them.
fn failing(r: &Choices) -> Vec<String> {
    let mut found = Vec::new();
    for table in &r.tables {
        let of = |count: fn(&Proportion) -> usize| -> usize {
            table
                .rows
                .iter()
                .filter_map(|row| row.correct.as_ref())
                .map(count)
                .sum()
        };
        let overall = of(|p| p.count) as f64 / of(|p| p.n).max(1) as f64;
        for row in &table.rows {
            if let Some(p) = row.correct.as_ref().filter(|p| p.interval.high < 0.5 * overall) {
                let level = &row.level.name;
                found.push(format!(
                    "{} {level} ({:.0} %, in all {:.0} %)",
                    table.by,
                    100.0 * p.value,
                    100.0 * overall
                ));
            }
        }
    }
    found
}

pub(super) fn confusion(r: &Confusion) -> Drawn {
    let rows = r
        .rows
        .iter()
        .map(|row| row.chosen.iter().map(|p| 100.0 * p.value).collect());
    let (n_actions, n_levels) = (r.actions.len() as f64, r.rows.len() as f64);
    let heat = Heat {
        values: rows.collect(),
        x: (-0.5, n_actions - 0.5),
        y: (-0.5, n_levels - 0.5),
        signed: false,
        limits: None,
        label: "Choices (%)".to_owned(),
    };
    let ticks = |names: Vec<String>| -> Vec<(f64, String)> {
        names
            .into_iter()
            .enumerate()
            .map(|(i, name)| (i as f64, name))
            .collect()
    };
    let panel = Panel::new("Choice", quantity(&r.by))
        .heat(heat)
        .x_ticks(ticks(r.actions.clone()))
        .y_ticks(ticks(r.rows.iter().map(|row| row.level.name.clone()).collect()));
    (
        format!("choices carry {:.2} bits about {}", r.information_bits, r.by),
        vec![panel],
        format!(
            "Each action among the choices at each level of {}; rows sum to 100 %.",
            r.by
        ),
    )
}

pub(super) fn response_times(r: &ResponseTimes) -> Drawn {
    let since = format!("Time since {} (ms)", r.since);
    let mut panels: Vec<Panel> = r
        .levels
        .iter()
        .enumerate()
        .map(|(i, level)| {
            let name = if r.by.is_empty() {
                level.level.name.clone()
            } else {
                format!("{} {}", r.by, level.level.name)
            };
            Panel::new(since.clone(), "Choices (%)").bars(Bars {
                label: Some(format!("{name} (n = {})", level.summary.n)),
                color: Color::cycle(i),
                edges: r.edges_ms.clone(),
                heights: level.shares.iter().map(|share| 100.0 * share).collect(),
            })
        })
        .collect();
    let spread: Vec<(f64, f64)> = r
        .levels
        .iter()
        .filter_map(|l| l.summary.mean.zip(l.summary.sd))
        .collect();
    let most = |pick: fn(&(f64, f64)) -> f64| 1.15 * spread.iter().map(pick).fold(0.0, f64::max);
    let (right, top) = (most(|at| at.0), most(|at| at.1));
    if spread.len() > 1 && right > 0.0 && top > 0.0 {
        let each = spread.iter().enumerate();
        let panel = Panel::new("Mean (ms)", "Standard deviation (ms)")
            .x_range(0.0, right)
            .y_range(0.0, top);
        // On a line through zero the spread is in proportion to the mean.
        let slope = spread.iter().map(|(mean, sd)| mean * sd).sum::<f64>()
            / spread.iter().map(|(mean, _)| mean * mean).sum::<f64>();
        let end = right.min(top / slope);
        let line = Series::line([0.0, end], [0.0, slope * end])
            .mark(Mark::Dashed)
            .color(Color::Grey);
        panels.push(each.fold(panel.series(line), |panel, (i, &(mean, sd))| {
            panel.series(Series::points([mean], [sd]).color(Color::cycle(i)))
        }));
    }
    let said = r.levels.iter().filter_map(|level| {
        let mean = level.summary.mean?;
        let name = if r.by.is_empty() {
            String::new()
        } else {
            format!("{}: ", level.level.name)
        };
        Some(match level.variation {
            Some(variation) if variation > 0.0 => format!("{name}{mean:.0} ms, sd/mean {variation:.2}"),
            _ => format!("{name}{mean:.0} ms"),
        })
    });
    let title = said.collect::<Vec<_>>().join("; ");
    let what = "Times of choices at each level, the same bins in each panel; last panel: spread against mean, in \
         the same colours, and the line through zero.";
    (title, panels, what.to_owned())
}

pub(super) fn selectivity(r: &Selectivity) -> Drawn {
    let mut panels = Vec::new();
    for quantity in &r.quantities {
        panels.push(explained(quantity));
        panels.push(tuning(quantity));
    }
    let said = r.quantities.iter().map(|quantity| {
        let n = quantity.eta_squared.len();
        format!("{} of {n} units for {}", quantity.n_selective, quantity.by)
    });
    let what = format!(
        "Share of each unit's variance that a quantity explains (η²; units in descending order, filled where fewer than {} % \
         of 200 permutations explain as much), and mean rates of the most selective units with standard errors; mean rates \
         in epoch `{}` of {} trials.",
        100.0 * SIGNIFICANCE,
        r.epoch,
        r.n_trials
    );
    (said.collect::<Vec<_>>().join(", "), panels, what)
}

/// η² of all units, the significant ones filled.
fn explained(quantity: &QuantitySelectivity) -> Panel {
    let mut units: Vec<(f64, f64)> = quantity
        .eta_squared
        .iter()
        .copied()
        .zip(quantity.p.iter().copied())
        .collect();
    units.sort_by(|a, b| b.0.total_cmp(&a.0));
    let of = |selective: bool| {
        let ranked = units
            .iter()
            .enumerate()
            .filter(|(_, (_, p))| (*p < SIGNIFICANCE) == selective);
        let (x, y): (Vec<f64>, Vec<f64>) = ranked.map(|(rank, (eta, _))| ((rank + 1) as f64, *eta)).unzip();
        Series::points(x, y)
    };
    Panel::new("Unit (rank)", format!("η² of {}", quantity.by))
        .y_range(0.0, 1.0)
        .series(of(false).mark(Mark::OpenPoints).color(Color::Grey))
        .series(of(true))
}

fn tuning(found: &QuantitySelectivity) -> Panel {
    let levels: Vec<&Level> = found.levels.iter().collect();
    let panel = over(&found.by, found.is_numeric, &levels, "Rate").individual();
    let mark = if found.is_numeric {
        Mark::LineAndPoints
    } else {
        Mark::Points
    };
    found.tuning.iter().enumerate().fold(panel, |panel, (i, unit)| {
        let points = levels.iter().zip(&unit.rates);
        let points: Vec<(f64, f64, f64)> = points
            .filter_map(|(level, rate)| Some((level.value, rate.mean?, rate.sem.unwrap_or(0.0))))
            .collect();
        let x: Vec<f64> = points.iter().map(|p| p.0).collect();
        let y: Vec<f64> = points.iter().map(|p| p.1).collect();
        let errors: Vec<(f64, f64)> = points.iter().map(|p| (p.1 - p.2, p.1 + p.2)).collect();
        let series = Series::points(x, y).error(errors).mark(mark);
        panel.series(series.color(Color::cycle(i)).label(format!("unit {}", unit.unit)))
    })
}

pub(super) fn decoding(r: &Decoding) -> Drawn {
    let panels = r.curves.iter().map(|curve| {
        let y: Vec<f64> = curve.correct.iter().map(|p| 100.0 * p.value).collect();
        let band: Vec<(f64, f64)> = curve
            .correct
            .iter()
            .map(|p| (100.0 * p.interval.low, 100.0 * p.interval.high))
            .collect();
        Panel::new(
            format!("Time from {} (ms)", r.align),
            format!("{} read correctly (%)", quantity(&curve.by)),
        )
        .y_range(0.0, 100.0)
        .h_line(100.0 * curve.chance)
        .series(Series::line(curve.times_ms.clone(), y).band(band))
    });
    let best = r.curves.iter().filter_map(|curve| {
        let best = curve
            .correct
            .iter()
            .map(|p| p.value)
            .fold(f64::NEG_INFINITY, f64::max);
        let chance = 100.0 * curve.chance;
        let beyond = curve.correct.iter().any(|p| p.interval.low > curve.chance);
        best.is_finite().then(|| {
            if beyond {
                format!(
                    "{}: at best {:.0} % (the most frequent level: {chance:.0} %)",
                    curve.by,
                    100.0 * best
                )
            } else {
                format!(
                    "{}: no better than the most frequent level ({chance:.0} %)",
                    curve.by
                )
            }
        })
    });
    (
        best.collect::<Vec<_>>().join(", "),
        panels.collect(),
        "Trials whose level is read correctly from the rates of all units (ridge regression, five-fold cross-validated), with \
         95 % intervals; horizontal line: the most frequent level. As long as half of the trials last."
            .to_owned(),
    )
}
