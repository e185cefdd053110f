//! Figures of cascades: hop by hop, combinations of senses, path lengths, feedback.

use super::{Drawn, figure, table};
use crate::cascade::Cascade;
use crate::direction::Direction;
use crate::integration::Integration;
use crate::recurrence::{OutputFeedback, PathLengths};
use neuropil_draw::{Bars, Boxes, Color, Heat, Mark, Panel, Series};
use std::collections::BTreeMap;

/// Combinations that are shown at most.
const COMBINATIONS: usize = 24;

/// How many belong to exactly each combination of sets: bars above a matrix of dots; bit k = set k.
pub(super) fn upset(sets: &[String], counts: &[(u32, f64)], unit: &str) -> Vec<Panel> {
    let n = counts.len() as f64;
    let names = |panel: Panel| {
        panel
            .x_range(-0.6, n - 0.4)
            .x_ticks(Vec::new())
            .size((180.0 + 16.0 * n).max(420.0), 240.0)
    };
    let bars = |panel: Panel| {
        let column = |(k, c): (usize, &(u32, f64))| Bars {
            label: None,
            color: Color::Blue,
            edges: vec![k as f64 - 0.38, k as f64 + 0.38],
            heights: vec![c.1],
        };
        counts.iter().enumerate().map(column).fold(panel, Panel::bars)
    };
    let mut rows: Vec<usize> = (0..sets.len()).collect();
    rows.retain(|k| counts.iter().any(|c| c.0 >> k & 1 == 1));
    let ticks: Vec<(f64, String)> = rows
        .iter()
        .enumerate()
        .map(|(row, &k)| (-(row as f64), sets[k].clone()))
        .collect();
    let (mut on, mut off) = (Vec::new(), Vec::new());
    let mut stems = Vec::new();
    for (column, (mask, _)) in counts.iter().enumerate() {
        let x = column as f64;
        let mut ends: Option<(f64, f64)> = None;
        for (row, &k) in rows.iter().enumerate() {
            let y = -(row as f64);
            if mask >> k & 1 == 1 {
                on.push((x, y));
                ends = Some((y, ends.map_or(y, |e| e.1)));
            } else {
                off.push((x, y));
            }
        }
        if let Some((low, high)) = ends {
            stems.push([x - 0.05, x + 0.05, low, high]);
        }
    }
    let split = |points: &[(f64, f64)]| -> (Vec<f64>, Vec<f64>) { points.iter().copied().unzip() };
    let ((on_x, on_y), (off_x, off_y)) = (split(&on), split(&off));
    let matrix = names(Panel::new("Combination", ""))
        .y_ticks(ticks)
        .y_range(-(rows.len() as f64) + 0.4, 0.6)
        .boxes(Boxes {
            label: None,
            color: Color::Blue,
            at: stems,
        })
        .series(
            Series::points(off_x, off_y)
                .mark(Mark::OpenPoints)
                .color(Color::Grey),
        )
        .series(Series::points(on_x, on_y).color(Color::Blue));
    vec![bars(names(Panel::new("", unit))), matrix]
}

/// Names of a combination, joined by `+`.
pub(super) fn combination(sets: &[String], mask: u32) -> String {
    let own = (0..sets.len()).filter(|k| mask >> k & 1 == 1);
    own.map(|k| sets[k].clone()).collect::<Vec<_>>().join("+")
}

/// Which combinations of senses reach a neuron, and how deep labelled lines and integrators lie.
pub fn combinations(found: &Integration, runs: usize, seed: u64) -> Drawn {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    found
        .reached_by
        .iter()
        .filter(|&&set| set != 0)
        .for_each(|&set| *counts.entry(set).or_insert(0) += 1);
    let mut sorted: Vec<(u32, usize)> = counts.into_iter().collect();
    sorted.sort_by_key(|c| (std::cmp::Reverse(c.1), c.0));
    let shown: Vec<(u32, f64)> = sorted
        .iter()
        .take(COMBINATIONS)
        .map(|&(set, n)| (set, n as f64))
        .collect();
    let mut panels = upset(&found.modalities, &shown, "Neurons");
    let hops = found.hops.max(1);
    let depths = |test: &dyn Fn(u32) -> bool| -> Vec<f64> {
        let mut heights = vec![0.0; 2 * hops + 1];
        for (set, depth) in found.reached_by.iter().zip(&found.depth) {
            if test(set.count_ones()) && depth.is_finite() {
                heights[((2.0 * depth).round() as usize).min(2 * hops)] += 1.0;
            }
        }
        let sum: f64 = heights.iter().sum::<f64>().max(1.0);
        heights.iter().map(|h| 100.0 * h / sum).collect()
    };
    let edges: Vec<f64> = (0..=2 * hops + 1).map(|k| (k as f64 - 0.5) / 2.0).collect();
    let histogram = |label: &str, color: Color, heights: Vec<f64>| Bars {
        label: Some(label.to_owned()),
        color,
        edges: edges.clone(),
        heights,
    };
    panels.push(
        Panel::new(
            "Median hop of the first sense to arrive",
            "Neurons of the kind (%)",
        )
        .bars(histogram("labelled line", Color::Orange, depths(&|k| k == 1)))
        .bars(histogram("multisensory", Color::Blue, depths(&|k| k > 1))),
    );
    let rows = sorted
        .iter()
        .map(|&(set, n)| {
            vec![
                combination(&found.modalities, set),
                set.count_ones().to_string(),
                n.to_string(),
            ]
        })
        .collect();
    let title = sorted.first().map_or_else(String::new, |&(set, n)| {
        let size = set.count_ones();
        format!("The most frequent combination, of {size} senses, reaches {n} neurons")
    });
    let caption = format!(
        "Neurons by the exact combination of senses that reach them within {hops} hops, the {} most frequent of {} (a, b); \
         median hop of the first sense to arrive (c). {runs} runs, seed {seed}.",
        shown.len(),
        sorted.len()
    );
    let mut figure = figure("sense-combinations", title, caption, panels);
    figure.columns = 1;
    (
        figure,
        table("sense-combinations", &["senses", "number", "neurons"], rows),
    )
}

/// Active neurons per hop, and what is reached of each class.
pub fn spread(result: &Cascade, class: &[String], reached: &[bool], sources: &str, seed: u64) -> Drawn {
    let mean = result.mean_active();
    let x: Vec<f64> = (0..mean.len()).map(|h| h as f64).collect();
    let active = Panel::new("Hop", "Active neurons (mean of the runs)")
        .series(Series::line(x, mean.clone()).mark(Mark::LineAndPoints));
    let mut classes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (name, is) in class.iter().zip(reached).filter(|e| !e.0.is_empty()) {
        let counts = classes.entry(name).or_default();
        *counts = (counts.0 + usize::from(*is), counts.1 + 1);
    }
    let mut sorted: Vec<(&str, (usize, usize))> = classes.into_iter().collect();
    let share = |c: (usize, usize)| 100.0 * c.0 as f64 / c.1 as f64;
    sorted.sort_by(|a, b| share(b.1).total_cmp(&share(a.1)).then(a.0.cmp(b.0)));
    let n = sorted.len();
    let y: Vec<f64> = (0..n).map(|k| -(k as f64)).collect();
    let ticks: Vec<(f64, String)> = sorted.iter().zip(&y).map(|(c, y)| (*y, c.0.to_owned())).collect();
    let shares = Panel::new("Members downstream (%)", "")
        .x_range(0.0, 100.0)
        .y_ticks(ticks)
        .y_range(-(n as f64) + 0.4, 0.6)
        .series(Series::points(
            sorted.iter().map(|c| share(c.1)).collect::<Vec<_>>(),
            y,
        ));
    let total = reached.iter().filter(|r| **r).count();
    let panels = if n > 1 { vec![active, shares] } else { vec![active] };
    let mut rows: Vec<Vec<String>> = mean
        .iter()
        .enumerate()
        .map(|(h, m)| vec![format!("hop {h}"), format!("{m:.3}")])
        .collect();
    rows.extend(
        sorted
            .iter()
            .map(|c| vec![format!("class {} (%)", c.0), format!("{:.2}", share(c.1))]),
    );
    let title = format!("{total} neurons are downstream of {sources}");
    let caption = format!(
        "Mean number of active neurons at each hop{}. {} sources, {} runs, seed {seed}.",
        if n > 1 {
            " (a); members of each class that are reached in at least half of the runs (b)"
        } else {
            ""
        },
        result.sources.len(),
        result.runs
    );
    (
        figure("cascade", title, caption, panels),
        table("cascade", &["what", "value"], rows),
    )
}

/// Different lengths of the paths between two units.
pub fn path_lengths(found: &PathLengths, runs: usize, seed: u64) -> Drawn {
    let percent = |counts: &[u64]| -> Vec<f64> {
        let sum: u64 = counts.iter().sum();
        counts
            .iter()
            .map(|&c| 100.0 * c as f64 / sum.max(1) as f64)
            .collect()
    };
    let bars = |heights: Vec<f64>, color: Color| Bars {
        label: None,
        color,
        edges: (0..=heights.len()).map(|k| k as f64 + 0.5).collect(),
        heights,
    };
    let panels = vec![
        Panel::new(
            "Different lengths between two units",
            "Ordered pairs of units (%)",
        )
        .bars(bars(percent(&found.pairs_by_lengths), Color::Blue)),
        Panel::new("Length (hops)", "Paths (%)").bars(bars(percent(&found.pairs_by_hop), Color::Orange)),
    ];
    let rows = (0..found.hops)
        .map(|k| {
            vec![
                (k + 1).to_string(),
                found.pairs_by_lengths[k].to_string(),
                found.pairs_by_hop[k].to_string(),
            ]
        })
        .collect();
    let title = if found.recurrent_lengths.0.is_finite() && found.lengths.0.is_finite() {
        format!(
            "Recurrent units are joined by {:.2} ± {:.2} different lengths, all by {:.2} ± {:.2}",
            found.recurrent_lengths.0, found.recurrent_lengths.1, found.lengths.0, found.lengths.1
        )
    } else {
        "Lengths of the paths between units".to_owned()
    };
    let caption = format!(
        "Ordered pairs of units by the number of hops, of {}, at which more than a tenth of the runs visit the target (a); \
         those hops (b). {runs} runs from each unit, seed {seed}.",
        found.hops
    );
    (
        figure("path-lengths", title, caption, panels),
        table(
            "path-lengths",
            &["k", "pairs with k lengths", "pairs with a path of k hops"],
            rows,
        ),
    )
}

/// Signal between groups in their order: forwards and back.
pub fn forward_and_back(found: &Direction, names: &[String], what: &str, runs: usize, seed: u64) -> Drawn {
    let n = names.len();
    let stretched: Vec<Vec<f64>> = found
        .visits
        .iter()
        .map(|row| row.iter().map(|v| (v + 1e-3).log10()).collect())
        .collect();
    let few = n <= 24;
    let ticks = |panel: Panel| {
        if few {
            let named = super::named_ticks(names);
            panel.x_ticks(named.clone()).y_ticks(named)
        } else {
            panel
        }
    };
    let matrix = ticks(Panel::new(format!("Target {what}"), format!("Source {what}")))
        .x_range(-0.5, n as f64 - 0.5)
        .y_range(n as f64 - 0.5, -0.5)
        .heat(Heat {
            values: stretched,
            x: (-0.5, n as f64 - 0.5),
            y: (-0.5, n as f64 - 0.5),
            signed: false,
            limits: None,
            label: "log10(visits + 0.001)".to_owned(),
        });
    let x: Vec<f64> = (0..n).map(|k| k as f64).collect();
    let series =
        |values: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| values.iter().map(pick).collect::<Vec<f64>>();
    let frame = |y: &str| {
        let panel = Panel::new(format!("Source {what}, early to late"), y).x_range(-0.5, n as f64 - 0.5);
        if few {
            panel.x_ticks(super::named_ticks(names))
        } else {
            panel
        }
    };
    let sent = frame("Visits per neuron and run")
        .series(Series::line(x.clone(), series(&found.sent, |s| s.0)).label("forwards"))
        .series(
            Series::line(x.clone(), series(&found.sent, |s| s.1))
                .label("back")
                .color(Color::Vermillion),
        );
    let shares: Vec<f64> = found
        .forward_share
        .iter()
        .map(|s| s.map_or(f64::NAN, |v| 100.0 * v))
        .collect();
    let share = frame("Sent forwards (%)")
        .y_range(0.0, 100.0)
        .series(Series::points(x, shares.clone()));
    let rows = (0..n)
        .map(|k| {
            let mut row = vec![names[k].clone()];
            row.extend(
                [
                    found.sent[k].0,
                    found.sent[k].1,
                    found.received[k].0,
                    found.received[k].1,
                    shares[k],
                ]
                .map(|v| format!("{v:.5}")),
            );
            row
        })
        .collect();
    let title = format!(
        "{:.0} % of the signal between {n} {} runs forwards",
        100.0 * found.forward(),
        if what.ends_with('s') {
            format!("{what}es")
        } else {
            format!("{what}s")
        }
    );
    let caption = format!(
        "Visits to each {what} by cascades from each, hops 0 to {}, in the order of signal flow (a); what each sends to later \
         and earlier ones (b), and the share that runs forwards (c). {runs} runs, seed {seed}.",
        found.hops
    );
    let headers = [
        what,
        "sent forwards",
        "sent back",
        "received from earlier",
        "received from later",
        "forwards (%)",
    ];
    (
        figure("feedforward-feedback", title, caption, vec![matrix, sent, share]),
        table("feedforward-feedback", &headers, rows),
    )
}

/// What outputs send back into the brain, by class of the targets.
pub fn output_feedback(found: &[(usize, Vec<OutputFeedback>)], runs: usize, seed: u64) -> Drawn {
    // The three largest classes of outputs are drawn, all are in the table.
    let by_size = |classes: &[OutputFeedback]| {
        let mut sorted = classes.to_vec();
        sorted.sort_by_key(|own| std::cmp::Reverse(own.units.1));
        sorted
    };
    let largest = found
        .last()
        .map_or_else(Vec::new, |(_, classes)| by_size(classes));
    let shown: Vec<&str> = largest.iter().take(3).map(|own| own.class.as_str()).collect();
    let mut panels = Vec::new();
    let mut rows = Vec::new();
    for (hops, classes) in found {
        for own in by_size(classes) {
            let mut targets: Vec<_> = own.targets.iter().collect();
            targets.sort_by(|a, b| (b.1.0 + b.1.1).total_cmp(&(a.1.0 + a.1.1)).then(a.0.cmp(b.0)));
            for (name, (back, copy)) in &targets {
                rows.push(vec![
                    own.class.clone(),
                    hops.to_string(),
                    (*name).clone(),
                    format!("{back:.4}"),
                    format!("{copy:.4}"),
                ]);
            }
            targets.truncate(12);
            if targets.is_empty() || !shown.contains(&own.class.as_str()) {
                continue;
            }
            let ticks: Vec<(f64, String)> = targets
                .iter()
                .enumerate()
                .map(|(k, t)| (-(k as f64), t.0.clone()))
                .collect();
            let boxes = |label: &str, color: Color, ends: &dyn Fn(&(f64, f64)) -> (f64, f64)| {
                let at = targets.iter().enumerate().map(|(k, t)| {
                    let (from, to) = ends(t.1);
                    [from, to, -(k as f64) - 0.38, -(k as f64) + 0.38]
                });
                Boxes {
                    label: Some(label.to_owned()),
                    color,
                    at: at.collect(),
                }
            };
            panels.push(
                Panel::new("Units downstream per output unit", "")
                    .y_ticks(ticks)
                    .y_range(-(targets.len() as f64) + 0.4, 0.6)
                    .note(format!(
                        "{} within {hops} hops: {:.0} % feedback",
                        own.class,
                        100.0 * own.feedback
                    ))
                    .boxes(boxes("feedback", Color::Vermillion, &|c| (0.0, c.0)))
                    .boxes(boxes("efference copy", Color::Sky, &|c| (c.0, c.0 + c.1))),
            );
        }
    }
    let title = found
        .last()
        .and_then(|(hops, _)| Some((hops, largest.first()?)))
        .map_or_else(String::new, |(hops, own)| {
            format!(
                "{:.0} % of what {} reach within {hops} hops leads back to them",
                100.0 * own.feedback,
                own.class
            )
        });
    let caption = format!(
        "Units downstream of the outputs, by class: those that lead back to the same output (feedback) and those that do not \
         (efference copy), mean over outputs with targets. {runs} runs, seed {seed}."
    );
    let headers = ["outputs", "hops", "targets", "feedback", "efference copy"];
    (
        figure("output-feedback", title, caption, panels),
        table("output-feedback", &headers, rows),
    )
}
