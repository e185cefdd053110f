//! Where the parts of a panel go: ranges, ticks, margins, legend.

use crate::panel::{Axis, Color, Mark, Panel};
use crate::scale::{self, Scale};
use crate::svg::Rect;
use crate::text::{LABEL, Ruler, SMALL, TICK};

/// Usual size of a panel in px: two of them make a page width of 7.2 in.
pub(crate) const PANEL: (f64, f64) = (360.0, 280.0);
pub(crate) const TICK_LENGTH: f64 = 4.0;
pub(crate) const LINE_HEIGHT: f64 = 15.0;
pub(crate) const NOTE_HEIGHT: f64 = 14.0;
pub(crate) const SPAN_HEIGHT: f64 = 13.0;
pub(crate) const LEGEND_ROW: f64 = 16.0;
pub(crate) const SWATCH: f64 = 20.0;
pub(crate) const BAR_GAP: f64 = 12.0;
pub(crate) const BAR_WIDTH: f64 = 10.0;
/// Slant of tick names that would touch each other, degrees.
pub(crate) const SLANT: f64 = -35.0;

/// Space around the axes, px.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// Everything about a panel that is settled before its axes have their final size.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) x_range: (f64, f64),
    pub(crate) y_range: (f64, f64),
    pub(crate) x_ticks: Vec<(f64, String)>,
    pub(crate) y_ticks: Vec<(f64, String)>,
    pub(crate) heat_ticks: Vec<(f64, String)>,
    pub(crate) slanted: bool,
    pub(crate) x_label: Vec<String>,
    pub(crate) y_label: Vec<String>,
    pub(crate) note: Vec<String>,
    /// Row of the label of each span.
    pub(crate) span_rows: Vec<usize>,
    pub(crate) margins: Margins,
}

/// One row of a legend.
pub(crate) struct Entry<'a> {
    pub(crate) label: &'a str,
    pub(crate) color: Color,
    /// `None` for bars and boxes.
    pub(crate) mark: Option<Mark>,
    pub(crate) band: bool,
}

impl Plan {
    pub(crate) fn new(panel: &Panel, ruler: &Ruler, lettered: bool, size: (f64, f64)) -> Self {
        let x_range = panel.x.range.unwrap_or_else(|| x_range(panel));
        let y_range = panel.y.range.unwrap_or_else(|| y_range(panel));
        let y_ticks = scale::ticks(&panel.y, y_range, 6);
        let heat_ticks = panel
            .heat
            .as_ref()
            .map_or_else(Vec::new, |heat| scale::ticks(&Axis::default(), heat.limits(), 6));
        let y_label = ruler.wrap(&panel.y.label, LABEL, size.1 - 65.0);
        let y_names = y_ticks.iter().map(|(_, name)| name.as_str());
        let mut left = 6.0 + TICK_LENGTH + 4.0 + ruler.widest(y_names, TICK);
        if !y_label.is_empty() {
            left += LINE_HEIGHT * y_label.len() as f64 + 5.0;
        }
        let mut right = 12.0f64;
        if let Some(heat) = &panel.heat {
            let names = heat_ticks.iter().map(|(_, name)| name.as_str());
            right = BAR_GAP + BAR_WIDTH + 7.0 + ruler.widest(names, TICK) + 6.0;
            if !heat.label.is_empty() {
                right += LINE_HEIGHT + 3.0;
            }
        }
        let (x_ticks, slanted) = x_ticks(panel, ruler, x_range, size.0 - left - right - 12.0);
        let widest = ruler.widest(x_ticks.iter().map(|(_, name)| name.as_str()), TICK);
        if slanted {
            let scale = Scale {
                range: x_range,
                log: panel.x.log,
                pixels: (0.0, size.0 - left - right),
            };
            for (at, name) in &x_ticks {
                left = left.max(0.82 * ruler.width(name, TICK) + 2.0 - scale.map(*at));
            }
        } else if let Some((_, name)) = x_ticks.last() {
            right = right.max(ruler.width(name, TICK) / 2.0 + 3.0);
        }
        let width = size.0 - left - right;
        let x_label = ruler.wrap(&panel.x.label, LABEL, width + 20.0);
        let name_height = if slanted { 0.58 * widest + 12.0 } else { TICK };
        let bottom = TICK_LENGTH + 4.0 + name_height + 10.0 + LINE_HEIGHT * x_label.len() as f64;
        let note = panel
            .note
            .as_deref()
            .map_or_else(Vec::new, |note| ruler.wrap(note, TICK, width - 10.0));
        let scale = Scale {
            range: x_range,
            log: panel.x.log,
            pixels: (0.0, width),
        };
        let span_rows = span_rows(panel, ruler, &scale);
        let first_row = if lettered { 22.0 } else { 10.0 };
        let mut top = (NOTE_HEIGHT * note.len() as f64 + 8.0).max(first_row);
        if let Some(rows) = span_rows.iter().max() {
            top += SPAN_HEIGHT * (rows + 1) as f64;
        }
        Self {
            x_range,
            y_range,
            x_ticks,
            y_ticks,
            heat_ticks,
            slanted,
            x_label,
            y_label,
            note,
            span_rows,
            margins: Margins {
                left,
                right,
                top,
                bottom,
            },
        }
    }
}

fn x_range(panel: &Panel) -> (f64, f64) {
    if let Some(heat) = &panel.heat {
        return heat.x;
    }
    // A curve over an ascending x fills the axis; points and orbits keep off its ends.
    let loose = panel
        .series
        .iter()
        .any(|s| s.drawn().has_points() || !s.x.is_sorted());
    let values = panel
        .series
        .iter()
        .flat_map(|s| s.x.iter().copied())
        .chain(panel.bars.iter().flat_map(|b| b.edges.iter().copied()))
        .chain(panel.rectangles().flat_map(|at| [at[0], at[1]]))
        .chain(panel.spans.iter().flat_map(|s| [s.0, s.1]))
        .chain(panel.v_lines.iter().copied());
    scale::around(values, panel.x.log, if loose { 0.04 } else { 0.0 })
}

fn y_range(panel: &Panel) -> (f64, f64) {
    if let Some(heat) = &panel.heat {
        return heat.y;
    }
    let pairs = |pairs: &Option<Vec<(f64, f64)>>| {
        let flat: Vec<f64> = pairs.iter().flatten().flat_map(|p| [p.0, p.1]).collect();
        flat
    };
    let values = panel
        .series
        .iter()
        .flat_map(|s| [s.y.clone(), pairs(&s.error), pairs(&s.band)])
        .flatten()
        .chain(panel.bars.iter().flat_map(|b| b.heights.iter().copied()))
        .chain(panel.rectangles().flat_map(|at| [at[2], at[3]]))
        .chain(panel.h_lines.iter().copied())
        .chain((!panel.bars.is_empty()).then_some(0.0));
    let (low, high) = scale::around(values, panel.y.log, 0.05);
    let rises_from_zero =
        !panel.bars.is_empty() && panel.bars.iter().flat_map(|b| &b.heights).all(|h| *h >= 0.0);
    let below = panel.series.iter().flat_map(|s| &s.y).any(|y| *y < 0.0);
    if rises_from_zero && !below && !panel.y.log {
        (0.0, high)
    } else {
        (low, high)
    }
}

/// As many ticks as have room; names that were given slant rather than touch.
fn x_ticks(panel: &Panel, ruler: &Ruler, range: (f64, f64), width: f64) -> (Vec<(f64, String)>, bool) {
    let scale = Scale {
        range,
        log: panel.x.log,
        pixels: (0.0, width),
    };
    let touch = |ticks: &[(f64, String)]| {
        let mut ends: Vec<(f64, f64)> = ticks
            .iter()
            .filter(|(_, name)| !name.is_empty())
            .map(|(at, name)| (scale.map(*at), ruler.width(name, TICK) / 2.0))
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.windows(2).any(|w| w[0].0 + w[0].1 + 8.0 > w[1].0 - w[1].1)
    };
    if panel.x.ticks.is_some() {
        let ticks = scale::ticks(&panel.x, range, 0);
        let slanted = touch(&ticks);
        return (ticks, slanted);
    }
    let mut most = 7;
    loop {
        let ticks = scale::ticks(&panel.x, range, most);
        if most <= 2 || !touch(&ticks) {
            return (ticks, false);
        }
        most -= 1;
    }
}

/// Puts the labels of spans into as few rows as keep them apart.
fn span_rows(panel: &Panel, ruler: &Ruler, scale: &Scale) -> Vec<usize> {
    let mut ends: Vec<f64> = Vec::new();
    if !scale::usable(scale.range, scale.log) {
        return vec![0; panel.spans.len()];
    }
    panel
        .spans
        .iter()
        .map(|(from, to, label)| {
            let (low, high) = scale::ordered(scale.range);
            let middle = scale.map(f64::midpoint(from.clamp(low, high), to.clamp(low, high)));
            let half = ruler.width(label, SMALL) / 2.0;
            let row = ends
                .iter()
                .position(|end| middle - half >= end + 4.0)
                .unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = middle + half;
            row
        })
        .collect()
}

/// The rows of the legend: labelled series, then labelled bars and boxes.
pub(crate) fn entries(panel: &Panel) -> Vec<Entry<'_>> {
    let bars = panel.bars.iter().map(|b| (b.label.as_deref(), b.color));
    let boxes = panel.boxes.iter().map(|b| (b.label.as_deref(), b.color));
    let filled = bars
        .chain(boxes)
        .filter_map(|(label, color)| Some((label?, color)));
    panel
        .series
        .iter()
        .filter_map(|s| {
            s.label.as_deref().map(|label| Entry {
                label,
                color: s.color,
                mark: Some(s.drawn()),
                band: s.band.is_some(),
            })
        })
        .chain(filled.map(|(label, color)| Entry {
            label,
            color,
            mark: None,
            band: false,
        }))
        .collect()
}

/// Size of a legend, px.
pub(crate) fn legend_size(entries: &[Entry<'_>], ruler: &Ruler) -> (f64, f64) {
    let widest = ruler.widest(entries.iter().map(|e| e.label), TICK);
    (SWATCH + 6.0 + widest, LEGEND_ROW * entries.len() as f64)
}

/// A place inside the axes where a legend of `size` covers no data, if there is one.
pub(crate) fn free_place(panel: &Panel, axes: Rect, x: &Scale, y: &Scale, size: (f64, f64)) -> Option<Rect> {
    const INSET: f64 = 8.0;
    if panel.heat.is_some() || size.0 + 2.0 * INSET > axes.width || size.1 + 2.0 * INSET > axes.height {
        return None;
    }
    let (data, lines) = covered(panel, axes, x, y);
    let lefts = [
        axes.right() - size.0 - INSET,
        axes.left + INSET,
        axes.left + (axes.width - size.0) / 2.0,
    ];
    let (highest, lowest) = (axes.top + INSET / 2.0, axes.bottom() - size.1 - INSET);
    // The corners first; between them only what crosses fewer reference lines.
    let between = (1..).map(|i| lowest - 6.0 * f64::from(i));
    let tops = [highest, lowest]
        .into_iter()
        .chain(between.take_while(|&top| top > highest));
    let mut best: Option<(usize, Rect)> = None;
    for top in tops {
        for left in lefts {
            let grown = Rect {
                left: left - 5.0,
                top: top - 3.0,
                width: size.0 + 10.0,
                height: size.1 + 6.0,
            };
            if data.iter().any(|p| grown.contains(*p)) {
                continue;
            }
            let crossed = lines.iter().filter(|p| grown.contains(**p)).count();
            if best.is_none_or(|(fewest, _)| crossed < fewest) {
                let place = Rect {
                    left,
                    top,
                    width: size.0,
                    height: size.1,
                };
                best = Some((crossed, place));
            }
        }
    }
    best.map(|(_, place)| place)
}

/// Points, px.
type Samples = Vec<(f64, f64)>;

/// Samples of what data cover, and of reference lines.
fn covered(panel: &Panel, axes: Rect, x: &Scale, y: &Scale) -> (Samples, Samples) {
    let mut data = Vec::new();
    for s in &panel.series {
        let at: Vec<(f64, f64)> =
            s.x.iter()
                .zip(&s.y)
                .map(|(a, b)| (x.map(*a), y.map(*b)))
                .collect();
        data.extend(&at);
        if s.mark.has_line() {
            for w in at.windows(2) {
                sample(w[0], w[1], &mut data);
            }
        }
        for pairs in [&s.error, &s.band].into_iter().flatten() {
            for (point, (low, high)) in at.iter().zip(pairs) {
                sample((point.0, y.map(*low)), (point.0, y.map(*high)), &mut data);
            }
        }
    }
    let ground = if y.log { axes.bottom() } else { y.map(0.0) };
    for bars in &panel.bars {
        for (edges, height) in bars.edges.windows(2).zip(&bars.heights) {
            if *height != 0.0 {
                for part in [0.0, 0.5, 1.0] {
                    let at = x.map(edges[0] + part * (edges[1] - edges[0]));
                    sample((at, ground), (at, y.map(*height)), &mut data);
                }
            }
        }
    }
    for [x0, x1, y0, y1] in panel.rectangles() {
        for part in [0.0, 0.5, 1.0] {
            let (across, up) = (x.map(x0 + part * (x1 - x0)), y.map(y0 + part * (y1 - y0)));
            sample((across, y.map(y0)), (across, y.map(y1)), &mut data);
            sample((x.map(x0), up), (x.map(x1), up), &mut data);
        }
    }
    let mut lines = Vec::new();
    for at in &panel.h_lines {
        sample((axes.left, y.map(*at)), (axes.right(), y.map(*at)), &mut lines);
    }
    for at in &panel.v_lines {
        sample((x.map(*at), axes.top), (x.map(*at), axes.bottom()), &mut lines);
    }
    (data, lines)
}

fn sample(from: (f64, f64), to: (f64, f64), out: &mut Vec<(f64, f64)>) {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    if !length.is_finite() {
        return;
    }
    let n = (length / 4.0).ceil().clamp(1.0, 500.0) as usize;
    out.extend((0..=n).map(|i| {
        let part = i as f64 / n as f64;
        (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1))
    }));
}
