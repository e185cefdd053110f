//! Figures of the two hemispheres.

use super::{Drawn, columns, figure, named_ticks, table};
use crate::data::Side;
use crate::hemispheres::excision::Excision;
use crate::hemispheres::{Hemispheres, OneSided};
use crate::symmetry::Symmetry;
use neuropil_draw::{Color, Heat, Mark, Panel, Series};

fn letter(side: Side) -> &'static str {
    match side {
        Side::Left => "L",
        Side::Right => "R",
        Side::Centre => "C",
    }
}

fn matrix(panel: Panel, names: &[String], values: Vec<Vec<f64>>, signed: bool, label: &str) -> Panel {
    let n = names.len() as f64;
    panel
        .x_range(-0.5, n - 0.5)
        .y_range(n - 0.5, -0.5)
        .x_ticks(named_ticks(names))
        .y_ticks(named_ticks(names))
        .heat(Heat {
            values,
            x: (-0.5, n - 0.5),
            y: (-0.5, n - 0.5),
            signed,
            limits: None,
            label: label.to_owned(),
        })
}

/// Laterality, connection probability and loops.
pub fn laterality(found: &Hemispheres) -> Drawn {
    let short = |name: &str| name.trim_end_matches("lateral").to_owned();
    let names: Vec<String> = found
        .groups
        .iter()
        .map(|g| format!("{} {}", short(g.class.name()), letter(g.side)))
        .collect();
    let sizes: Vec<f64> = found.groups.iter().map(|g| g.n as f64).collect();
    let mut counts = Panel::new("Axon and side", "Neurons")
        .x_range(-0.6, names.len() as f64 - 0.4)
        .x_ticks(named_ticks(&names));
    for bars in columns(&names, &sizes, Color::Blue, None, 0.0, 0.7) {
        counts = counts.bars(bars);
    }
    let probability = matrix(
        Panel::new("Target", "Source"),
        &names,
        found
            .probability
            .iter()
            .map(|r| r.iter().map(|p| 100.0 * p).collect())
            .collect(),
        false,
        "connected (%)",
    );
    let classes: Vec<String> = found
        .partner_loops
        .iter()
        .map(|p| p.class.name().to_owned())
        .collect();
    let percent = |of: &dyn Fn(usize) -> f64| (0..3).map(|k| 100.0 * of(k)).collect::<Vec<f64>>();
    let frame = |y: &str| {
        Panel::new("Axon", y)
            .x_range(-0.6, 2.6)
            .x_ticks(named_ticks(&classes))
    };
    let mut partner = frame("Joined both ways (%)");
    let (own, other) = (
        percent(&|k| found.partner_loops[k].partner_2),
        percent(&|k| found.partner_loops[k].other_2),
    );
    for bars in columns(&classes, &own, Color::Vermillion, Some("homologues"), -0.2, 0.4) {
        partner = partner.bars(bars);
    }
    for bars in columns(
        &classes,
        &other,
        Color::Grey,
        Some("others of the other side"),
        0.2,
        0.4,
    ) {
        partner = partner.bars(bars);
    }
    let mut loops = frame("Units with a loop of ≤ 3 edges (%)");
    let any = |counts: &[f64; 3]| counts.iter().copied().fold(0.0, f64::max);
    let (same, pair) = (
        percent(&|k| any(&found.loops[k].1)),
        percent(&|k| any(&found.loops[k].2)),
    );
    for bars in columns(&classes, &same, Color::Green, Some("back to itself"), -0.2, 0.4) {
        loops = loops.bars(bars);
    }
    for bars in columns(&classes, &pair, Color::Purple, Some("to its homologue"), 0.2, 0.4) {
        loops = loops.bars(bars);
    }
    let rows = names
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let mut row = vec![name.clone(), found.groups[k].n.to_string()];
            row.extend(found.probability[k].iter().map(|p| format!("{p:.6}")));
            row
        })
        .collect();
    let mut headers = vec!["from", "neurons"];
    headers.extend(names.iter().map(String::as_str));
    let title = format!("{:.1} % of the axons cross the midline", 100.0 * found.crossing);
    let caption = format!(
        "Neurons by where their axon ends, {} left out (a); share of ordered pairs with a strong edge (b); pairs of \
         homologues that are joined both ways, against other neurons of the other side (c); units on a loop of at most \
         three edges with an even or odd number of crossings, the more frequent length (d).{}",
        found.left_out,
        if found.derived {
            " Laterality follows from the strong edges."
        } else {
            ""
        }
    );
    (
        figure(
            "hemispheres",
            title,
            caption,
            vec![counts, probability, partner, loops],
        ),
        table("hemispheres", &headers, rows),
    )
}

/// Signals of one side's inputs.
pub fn one_sided(found: &OneSided) -> Drawn {
    let hops: Vec<f64> = (0..found.both.len()).map(|h| h as f64).collect();
    let mut panels = Vec::new();
    for (k, title) in ["left inputs", "right inputs"].into_iter().enumerate() {
        let mut panel = Panel::new("Hop", "Neurons reached").note(title);
        for (c, (class, side, counts)) in found.groups.iter().enumerate() {
            let y: Vec<f64> = counts.iter().map(|n| n[k] as f64).collect();
            let mark = if *side == Side::Left {
                Mark::LineAndPoints
            } else {
                Mark::Dashed
            };
            let label = format!("{} {}", class.name(), letter(*side));
            panel = panel.series(
                Series::line(hops.clone(), y)
                    .mark(mark)
                    .label(label)
                    .color(Color::cycle(c / 2)),
            );
        }
        panels.push(panel);
    }
    let both: Vec<f64> = found.both.iter().map(|b| 100.0 * b).collect();
    panels.push(
        Panel::new("Hop", "Reached by both of those by either (%)")
            .y_range(0.0, 100.0)
            .series(Series::line(hops, both.clone()).mark(Mark::LineAndPoints)),
    );
    let width = 0.05;
    let mut heights = vec![0.0; 40];
    for (_, bias) in &found.bias {
        let at = ((bias + 1.0) / width).floor().clamp(0.0, 39.0) as usize;
        heights[at] += 1.0;
    }
    panels.push(
        Panel::new(
            "Ipsilateral less contralateral output (fraction of runs)",
            "Output pairs",
        )
        .v_line(0.0)
        .bars(neuropil_draw::Bars {
            label: None,
            color: Color::Orange,
            edges: (0..=40).map(|k| -1.0 + width * f64::from(k)).collect(),
            heights,
        }),
    );
    let mut rows = Vec::new();
    for (class, side, counts) in &found.groups {
        for (hop, n) in counts.iter().enumerate() {
            let mut row = vec![class.name().to_owned(), letter(*side).to_owned(), hop.to_string()];
            row.extend(n.map(|c| c.to_string()));
            rows.push(row);
        }
    }
    let last = both.last().copied().unwrap_or(0.0);
    let title = format!("{last:.0} % of the neurons reached by one side's inputs are reached by both");
    let caption = format!(
        "Neurons reached in at least half of the runs by the {} left inputs (a) and the {} right ones (b); share reached by \
         both (c); outputs on the side of the inputs less those on the other (d). {} bilateral inputs left out; {} runs, \
         seed {}.",
        found.sources.0, found.sources.1, found.left_out, found.runs.0, found.runs.1
    );
    let headers = [
        "axon",
        "side",
        "hop",
        "by left inputs",
        "by right inputs",
        "by both",
    ];
    (
        figure("one-sided-signals", title, caption, panels),
        table("one-sided-signals", &headers, rows),
    )
}

/// Paths and loops left after crossing edges were cut.
pub fn excision(cuts: &[Excision]) -> Drawn {
    let mut panels = Vec::new();
    let mut rows = Vec::new();
    for cut in cuts {
        for (what, kind) in [("paths", 0), ("loops", 1)] {
            let series = |t: &crate::hemispheres::excision::Traffic| -> Vec<u64> {
                if kind == 0 {
                    t.paths[1..].to_vec()
                } else {
                    t.loops.clone()
                }
            };
            let whole = series(&cut.whole);
            let share = |counts: &[u64]| -> Vec<f64> {
                let of = |(c, w): (&u64, &u64)| {
                    if *w > 0 {
                        100.0 * *c as f64 / *w as f64
                    } else {
                        f64::NAN
                    }
                };
                counts.iter().zip(&whole).map(of).collect()
            };
            let own = share(&series(&cut.cut));
            let random: Vec<Vec<f64>> = cut.random.iter().map(|t| share(&series(t))).collect();
            let x: Vec<f64> = (1..=whole.len()).map(|l| l as f64).collect();
            let at = |k: usize| -> Vec<f64> {
                let mut values: Vec<f64> = random.iter().map(|r| r[k]).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let middle = |v: &[f64]| v.get(v.len() / 2).copied().unwrap_or(f64::NAN);
            let ends = |v: &[f64]| {
                let first = v.first().copied().unwrap_or(f64::NAN);
                (first, v.last().copied().unwrap_or(f64::NAN))
            };
            let medians: Vec<f64> = (0..whole.len()).map(|k| middle(&at(k))).collect();
            let bands: Vec<(f64, f64)> = (0..whole.len()).map(|k| ends(&at(k))).collect();
            panels.push(
                Panel::new(format!("Edges of the {what}"), format!("{what} left (%)"))
                    .x_ticks(x.iter().map(|&l| (l, l.to_string())).collect::<Vec<_>>())
                    .note(format!("{}, {} edges cut", cut.class.name(), cut.edges))
                    .y_range(0.0, 103.0)
                    .series(
                        Series::line(x.clone(), medians.clone())
                            .label("random edges cut")
                            .color(Color::Grey)
                            .band(bands.clone()),
                    )
                    .series(
                        Series::line(x, own.clone())
                            .mark(Mark::LineAndPoints)
                            .label("crossing edges cut")
                            .color(Color::Vermillion),
                    ),
            );
            for k in 0..whole.len() {
                rows.push(vec![
                    cut.class.name().to_owned(),
                    what.to_owned(),
                    (k + 1).to_string(),
                    whole[k].to_string(),
                    format!("{:.3}", own[k]),
                    format!("{:.3}", medians[k]),
                    format!("{:.3}–{:.3}", bands[k].0, bands[k].1),
                ]);
            }
        }
    }
    let n = cuts.first().map_or(0, |c| c.random.len());
    let lost = cuts.first().map_or(0.0, |c| {
        let sum = |t: &[u64]| t.iter().sum::<u64>() as f64;
        100.0 * (1.0 - sum(&c.cut.paths) / sum(&c.whole.paths))
    });
    let title = format!("Cutting their crossing edges costs {lost:.0} % of the paths from inputs to outputs");
    let caption = format!(
        "Simple paths from inputs to outputs and loops that are left when the contralateral edges of one laterality are cut, \
         and the median and range of {n} random cuts of as many edges."
    );
    let headers = [
        "axon",
        "what",
        "edges",
        "before",
        "left (%)",
        "random median (%)",
        "random range (%)",
    ];
    (
        figure("edge-excision", title, caption, panels),
        table("edge-excision", &headers, rows),
    )
}

/// −log10 of a probability that is clear: the colour bar reaches at least so far, so that chance does not shine.
const CLEAR: f64 = 3.0;

/// A probability with two digits, small ones as a power of ten.
fn p_value(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.2}")
    } else {
        format!("{p:.1e}")
    }
}

/// Differences between the sides, group by group.
pub fn symmetric(found: &Symmetry) -> Drawn {
    let mut names: Vec<String> = found.groups.blocks.iter().map(|b| b.0.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let n = names.len();
    let level = |blocks: &[(String, String, crate::symmetry::TwoSided)]| -> Vec<Vec<f64>> {
        (0..n)
            .map(|a| {
                (0..n)
                    .map(|b| -blocks[a * n + b].2.p.max(1e-300).log10())
                    .collect()
            })
            .collect()
    };
    let size = (240.0 + 16.0 * n as f64).clamp(360.0, 620.0);
    let draw = |blocks, note: String| {
        let values = level(blocks);
        let most = values.iter().flatten().copied().fold(CLEAR, f64::max);
        let panel = Panel::new("Target", "Source").note(note).size(size + 40.0, size);
        let panel = matrix(panel, &names, values, false, "\u{2212}log10 p");
        Panel {
            heat: panel.heat.clone().map(|heat| Heat {
                limits: Some((0.0, most)),
                ..heat
            }),
            ..panel
        }
    };
    let panels = vec![
        draw(
            &found.groups.blocks,
            format!("as they are, p = {}", p_value(found.groups.p)),
        ),
        draw(
            &found.adjusted.blocks,
            format!("densities adjusted, p = {}", p_value(found.adjusted.p)),
        ),
    ];
    let rows = found
        .groups
        .blocks
        .iter()
        .zip(&found.adjusted.blocks)
        .map(|(a, b)| {
            vec![
                a.0.clone(),
                a.1.clone(),
                format!("{:.6}", a.2.densities().0),
                format!("{:.6}", a.2.densities().1),
                format!("{:.3e}", a.2.p),
                format!("{:.3e}", b.2.p),
            ]
        })
        .collect();
    let title = format!(
        "Density left {:.4}, right {:.4} (p = {:.2e}); {} of {} blocks differ",
        found.density.densities().0,
        found.density.densities().1,
        found.density.p,
        found.groups.significant,
        found.groups.blocks.len()
    );
    let caption = format!(
        "Exact tests of the connection probability between groups on the left ({} neurons) and the right ({}), as they are \
         (a) and with the overall densities adjusted (b); p combined by Tippett's method, blocks counted after Holm's \
         correction.",
        found.neurons.0, found.neurons.1
    );
    let headers = ["from", "to", "left", "right", "p", "p adjusted"];
    (
        figure("bilateral-symmetry", title, caption, panels),
        table("bilateral-symmetry", &headers, rows),
    )
}
