//! Figures of paths, motifs, null models, layers and influence.

use super::{Drawn, columns, figure, named_ticks, table};
use crate::layers::LayerMatrix;
use crate::motifs::{TRIADS, ZigZag};
use crate::nulls::Against;
use crate::paths::PathCounts;
use neuropil_draw::{Color, Heat, Mark, Panel, Series};

/// Simple paths by length, and crossings of the midline on them.
pub fn path_counts(counts: &PathCounts, from: &str, to: &str) -> Drawn {
    let lengths: Vec<usize> = (1..=counts.cutoff).collect();
    let x: Vec<f64> = lengths.iter().map(|&l| l as f64).collect();
    let ticks: Vec<(f64, String)> = lengths.iter().map(|&l| (l as f64, l.to_string())).collect();
    let frame = |y: &str| {
        Panel::new("Edges of the path", y)
            .x_range(0.5, counts.cutoff as f64 + 0.5)
            .x_ticks(ticks.clone())
    };
    let positive = |v: u64| if v > 0 { v as f64 } else { f64::NAN };
    let y: Vec<f64> = lengths.iter().map(|&l| positive(counts.by_length[l])).collect();
    let by_length = frame("Simple paths")
        .y_log()
        .series(Series::line(x.clone(), y).mark(Mark::LineAndPoints));
    let mean: Vec<f64> = lengths.iter().map(|&l| counts.mean_crossings(l)).collect();
    let crossings = frame("Contralateral edges per path").series(
        Series::line(x, mean)
            .mark(Mark::LineAndPoints)
            .color(Color::Vermillion),
    );
    let rows = lengths
        .iter()
        .map(|&l| {
            let mut row = vec![l.to_string(), counts.by_length[l].to_string()];
            row.push(format!("{:.4}", counts.mean_crossings(l)));
            row.extend((0..=counts.cutoff).map(|k| counts.by_crossings[l][k].to_string()));
            row
        })
        .collect();
    let mut headers = vec![
        "edges".to_owned(),
        "paths".to_owned(),
        "mean crossings".to_owned(),
    ];
    headers.extend((0..=counts.cutoff).map(|k| format!("{k} crossings")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let title = format!("{} simple paths of at most {} edges", counts.paths, counts.cutoff);
    let caption = format!(
        "Simple paths from {from} to {to} over strong edges between units, counted as they are found (a), and the mean \
         number of their edges that cross the midline (b)."
    );
    (
        figure("paths", title, caption, vec![by_length, crossings]),
        table("paths", &headers, rows),
    )
}

/// Statistics of a graph against random graphs, in standard deviations.
pub fn against_null(name: &str, what: &str, null: &str, rows: &[(String, Against)], seed: u64) -> Drawn {
    let y: Vec<f64> = (0..rows.len()).map(|k| -(k as f64)).collect();
    let ticks: Vec<(f64, String)> = rows.iter().zip(&y).map(|(r, y)| (*y, r.0.clone())).collect();
    let finite = |v: f64| if v.is_finite() { v } else { f64::NAN };
    // Effects span orders of magnitude: the axis is that of asinh.
    let stretched = |v: f64| finite(v).asinh();
    let marks = [-1000.0, -100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1000.0f64];
    let x: Vec<f64> = rows.iter().map(|r| stretched(r.1.effect)).collect();
    let most = x
        .iter()
        .filter(|v| v.is_finite())
        .fold(2.0_f64, |m, v| m.max(v.abs()))
        * 1.1;
    let label = |m: f64| {
        if m < 0.0 {
            format!("\u{2212}{}", -m)
        } else {
            m.to_string()
        }
    };
    let panel = Panel::new("Observed minus random mean (standard deviations)", "")
        .x_range(-most, most)
        .x_ticks(marks.map(|m| (m.asinh(), label(m))).to_vec())
        .y_ticks(ticks)
        .y_range(-(rows.len() as f64) + 0.4, 0.6)
        .v_line(0.0)
        .series(Series::points(x, y))
        .size(520.0, (90.0 + 17.0 * rows.len() as f64).max(280.0));
    let n = rows.first().map_or(0, |r| r.1.n);
    let strongest = rows
        .iter()
        .filter(|r| r.1.effect.is_finite())
        .max_by(|a, b| a.1.effect.abs().total_cmp(&b.1.effect.abs()));
    let title = strongest.map_or_else(
        || format!("{what} against {n} random graphs"),
        |(name, a)| {
            let side = if a.effect > 0.0 { "more" } else { "less" };
            format!(
                "{name} is {:.0} sd {side} than in {null} random graphs",
                a.effect.abs()
            )
        },
    );
    let caption = format!(
        "{what} against {n} random graphs ({null}), seed {seed}; p counts from one: (1 + k) / (1 + n)."
    );
    let cells = rows
        .iter()
        .map(|(name, a)| {
            let numbers = [a.observed, a.mean, a.sd, a.effect].map(|v| format!("{v:.5}"));
            let mut row = vec![name.clone()];
            row.extend(numbers);
            row.extend([a.p_above, a.p_below].map(|p| format!("{p:.4}")));
            row
        })
        .collect();
    let headers = [
        "statistic",
        "observed",
        "random mean",
        "random sd",
        "effect",
        "p (above)",
        "p (below)",
    ];
    (
        figure(name, title, caption, vec![panel]),
        table(name, &headers, cells),
    )
}

/// The triad census against random graphs.
pub fn triads(census: &[u64; 16], nulls: &[Against], null: &str, seed: u64) -> Drawn {
    let rows: Vec<(String, Against)> = (0..16)
        .filter(|&k| census[k] > 0 || nulls[k].mean > 0.0)
        .map(|k| (TRIADS[k].to_owned(), nulls[k]))
        .collect();
    against_null("motifs", "Triad census of the strong edges", null, &rows, seed)
}

/// Chains out of a population and back into it.
pub fn zigzags(found: &ZigZag, first: &str, second: &str) -> Drawn {
    let names = ["back to the same", "to another"].map(str::to_owned).to_vec();
    let observed = [found.self_loops as f64, found.zigzags as f64];
    let expected = [found.expected.0, found.expected.1];
    let mut panel = Panel::new("Chain", "Chains")
        .x_range(-0.6, 1.6)
        .x_ticks(named_ticks(&names));
    for bars in columns(&names, &observed, Color::Blue, Some("observed"), -0.2, 0.4) {
        panel = panel.bars(bars);
    }
    for bars in columns(&names, &expected, Color::Grey, Some("expected"), 0.2, 0.4) {
        panel = panel.bars(bars);
    }
    let rows = (0..2)
        .map(|k| {
            vec![
                names[k].clone(),
                observed[k].to_string(),
                format!("{:.2}", expected[k]),
            ]
        })
        .collect();
    let title = format!("{} zig-zags and {} self-loops", found.zigzags, found.self_loops);
    let caption = format!(
        "Chains {first} → {second} → {first} over strong edges ({} and {} neurons), and their number if the same edges were \
         placed at random.",
        found.sources, found.middles
    );
    (
        figure("zigzag", title, caption, vec![panel]),
        table("zigzag", &["chain", "observed", "expected"], rows),
    )
}

/// Neurons of each class by distance from each set.
pub fn circuits(sets: &[LayerMatrix]) -> Drawn {
    let hops = sets.first().map_or(0, |s| s.sizes.len());
    let n = sets.len();
    let ticks: Vec<(f64, String)> = sets
        .iter()
        .enumerate()
        .map(|(k, s)| (k as f64, s.name.clone()))
        .collect();
    let order: Vec<(f64, String)> = (0..hops).map(|h| (h as f64, (h + 1).to_string())).collect();
    let heat = |values: Vec<Vec<f64>>, label: &str, note: &str| {
        Panel::new("Hops over strong edges", "")
            .x_range(-0.5, hops as f64 - 0.5)
            .x_ticks(order.clone())
            .y_range(n as f64 - 0.5, -0.5)
            .y_ticks(ticks.clone())
            .note(note)
            .heat(Heat {
                values,
                x: (-0.5, hops as f64 - 0.5),
                y: (-0.5, n as f64 - 0.5),
                signed: false,
                limits: None,
                label: label.to_owned(),
            })
    };
    let sizes = sets.iter().map(|s| s.sizes.iter().map(|&c| c as f64).collect());
    let mut panels = vec![heat(sizes.collect(), "neurons", "all neurons")];
    let mut totals: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for set in sets {
        for (class, counts) in &set.classes {
            *totals.entry(class).or_insert(0) += counts.iter().sum::<usize>();
        }
    }
    let mut classes: Vec<(&str, usize)> = totals.into_iter().filter(|(name, _)| *name != "none").collect();
    classes.sort_by_key(|c| (std::cmp::Reverse(c.1), c.0));
    for (class, _) in classes.iter().take(5) {
        let of = |s: &LayerMatrix| {
            let counts = s.classes.get(*class).cloned().unwrap_or_else(|| vec![0; hops]);
            counts.into_iter().map(|c| c as f64).collect()
        };
        panels.push(heat(sets.iter().map(of).collect(), "neurons", class));
    }
    let mut rows = Vec::new();
    for set in sets {
        for (class, counts) in &set.classes {
            let mut row = vec![set.name.clone(), class.clone()];
            row.extend(counts.iter().map(ToString::to_string));
            rows.push(row);
        }
    }
    let mut headers = vec!["sources".to_owned(), "class".to_owned()];
    headers.extend((1..=hops).map(|h| format!("hop {h}")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let reached: usize = sets.first().map_or(0, |s| s.sizes.iter().sum());
    let title = sets.first().map_or_else(String::new, |s| {
        format!(
            "{reached} neurons lie within {hops} hops of {} {} neurons",
            s.sources, s.name
        )
    });
    let caption = "Neurons by the number of strong edges on the shortest way from each set: all, and the five most frequent \
                   classes. A neuron counts when its homologue is in the same layer.";
    (
        figure("layers", title, caption.to_owned(), panels),
        table("layers", &headers, rows),
    )
}

/// Mean adjusted influence and effective connectivity by class.
pub fn influences(rows: &[(String, usize, f64, Vec<f64>)], sources: &str, offset: f64) -> Drawn {
    let y: Vec<f64> = (0..rows.len()).map(|k| -(k as f64)).collect();
    let ticks: Vec<(f64, String)> = rows.iter().zip(&y).map(|(r, y)| (*y, r.0.clone())).collect();
    let influence = Panel::new("Adjusted influence (mean of the class)", "")
        .y_ticks(ticks)
        .y_range(-(rows.len() as f64) + 0.4, 0.6)
        .series(Series::points(rows.iter().map(|r| r.2).collect::<Vec<_>>(), y));
    let hops = rows.first().map_or(0, |r| r.3.len());
    let mut effective = Panel::new("Hop", "Signal that arrives (share of input)")
        .y_log()
        .x_ticks(
            (0..hops)
                .map(|h| (h as f64, (h + 1).to_string()))
                .collect::<Vec<_>>(),
        );
    for (k, (name, _, _, signal)) in rows.iter().take(6).enumerate() {
        let y: Vec<f64> = signal
            .iter()
            .map(|&v| if v > 0.0 { v } else { f64::NAN })
            .collect();
        let x: Vec<f64> = (0..hops).map(|h| h as f64).collect();
        effective = effective.series(
            Series::line(x, y)
                .mark(Mark::LineAndPoints)
                .label(name)
                .color(Color::cycle(k)),
        );
    }
    let cells = rows
        .iter()
        .map(|(name, n, value, signal)| {
            let mut row = vec![name.clone(), n.to_string(), format!("{value:.4}")];
            row.extend(signal.iter().map(|v| format!("{v:.3e}")));
            row
        })
        .collect();
    let mut headers = vec![
        "class".to_owned(),
        "neurons".to_owned(),
        "adjusted influence".to_owned(),
    ];
    headers.extend((1..=hops).map(|h| format!("hop {h}")));
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let title = rows
        .first()
        .map_or_else(String::new, |r| format!("{sources} influence {} most", r.0));
    let caption = format!(
        "Steady state of a linear network with constant input to {sources}: ln r + {offset} (a); products of input \
         fractions along 1, 2, … edges, mean over the members of the six classes with most influence (b)."
    );
    (
        figure("influence", title, caption, vec![influence, effective]),
        table("influence", &headers, cells),
    )
}
