//! Draws one panel.

use crate::error::DrawError;
use crate::glyph;
use crate::layout::{
    BAR_GAP, BAR_WIDTH, Entry, LEGEND_ROW, LINE_HEIGHT, NOTE_HEIGHT, Plan, SLANT, SPAN_HEIGHT, SWATCH,
    TICK_LENGTH, entries,
};
use crate::panel::{Bars, Boxes, Color, Heat, Mark, Panel, Series};
use crate::scale::{Scale, ordered};
use crate::svg::{Anchor, Rect, Svg, px};
use crate::text::{BOLD_WEIGHT, LABEL, LETTER, SMALL, TICK};

const AXIS: &str = r#"stroke="currentColor" stroke-width="1""#;
const REFERENCE: &str =
    r#"stroke="currentColor" stroke-opacity="0.45" stroke-width="1" stroke-dasharray="4 3""#;
/// From this many points on, circles are small and translucent.
const CROWD: usize = 300;

/// A panel with its place settled.
pub(crate) struct Placed<'a> {
    pub(crate) panel: &'a Panel,
    pub(crate) plan: &'a Plan,
    /// The rectangle between the axes.
    pub(crate) axes: Rect,
    /// Left end of the y label.
    pub(crate) label_left: f64,
    pub(crate) legend: Option<Rect>,
    pub(crate) letter: Option<char>,
    /// Begins every id, so that figures can share a page.
    pub(crate) prefix: String,
    /// CSS colour of the background.
    pub(crate) paper: &'a str,
}

impl Placed<'_> {
    pub(crate) fn scales(panel: &Panel, plan: &Plan, axes: Rect) -> (Scale, Scale) {
        let x = Scale {
            range: plan.x_range,
            log: panel.x.log,
            pixels: (axes.left, axes.right()),
        };
        let y = Scale {
            range: plan.y_range,
            log: panel.y.log,
            pixels: (axes.bottom(), axes.top),
        };
        (x, y)
    }

    /// The panel as SVG elements.
    pub(crate) fn draw(&self) -> Result<String, DrawError> {
        let mut svg = Svg::default();
        let (x, y) = Self::scales(self.panel, self.plan, self.axes);
        self.head(&mut svg, &x);
        let clip = format!("{}-clip", self.prefix);
        svg.add(format_args!(r#"<clipPath id="{clip}">"#));
        let Rect {
            left,
            top,
            width,
            height,
        } = self.axes;
        let grown = Rect {
            left,
            top: top - 1.0,
            width: width + 1.0,
            height: height + 1.0,
        };
        svg.rect(grown, "");
        svg.add(format_args!(r#"</clipPath><g clip-path="url(#{clip})">"#));
        self.spans(&mut svg, &x);
        if let Some(heat) = &self.panel.heat {
            heat_image(&mut svg, heat, &x, &y)?;
        }
        for at in &self.panel.h_lines {
            svg.line((left, y.map(*at)), (left + width, y.map(*at)), REFERENCE);
        }
        for at in &self.panel.v_lines {
            svg.line((x.map(*at), top), (x.map(*at), top + height), REFERENCE);
        }
        for bars in &self.panel.bars {
            self.bars(&mut svg, bars, &x, &y);
        }
        for boxes in &self.panel.boxes {
            rectangles(&mut svg, boxes, &x, &y);
        }
        glyph::draw(&mut svg, &self.panel.glyphs, &self.prefix, &x, &y);
        for series in &self.panel.series {
            band(&mut svg, series, &x, &y);
        }
        for series in &self.panel.series {
            errors(&mut svg, series, &x, &y);
            curve(&mut svg, series, &x, &y);
        }
        svg.add(format_args!("</g>"));
        self.axis_lines(&mut svg, &x, &y);
        for series in &self.panel.series {
            self.circles(&mut svg, series, &x, &y);
        }
        if let Some(heat) = &self.panel.heat {
            self.color_bar(&mut svg, heat);
        }
        if let Some(place) = self.legend {
            self.legend(&mut svg, place);
        }
        Ok(svg.out)
    }

    /// Panel letter, note and the labels of the spans.
    fn head(&self, svg: &mut Svg, x: &Scale) {
        if let Some(letter) = self.letter {
            svg.add(format_args!(
                r#"<text x="4" y="16" font-size="{LETTER}" font-weight="{BOLD_WEIGHT}">{letter}</text>"#
            ));
        }
        let rows = self.plan.span_rows.iter().max().map_or(0, |most| most + 1);
        let floor = self.axes.top - SPAN_HEIGHT * rows as f64 - 5.0;
        for (i, line) in self.plan.note.iter().rev().enumerate() {
            let at = (self.axes.right(), floor - NOTE_HEIGHT * i as f64);
            svg.text(at, TICK, Anchor::End, line);
        }
        let (low, high) = ordered(x.range);
        for ((from, to, label), row) in self.panel.spans.iter().zip(&self.plan.span_rows) {
            let middle = x.map(f64::midpoint(from.clamp(low, high), to.clamp(low, high)));
            let at = (middle, self.axes.top - 4.0 - SPAN_HEIGHT * *row as f64);
            svg.text(at, SMALL, Anchor::Middle, label);
        }
    }

    fn spans(&self, svg: &mut Svg, x: &Scale) {
        for (i, (from, to, _)) in self.panel.spans.iter().enumerate() {
            let (left, right) = ordered((x.map(*from), x.map(*to)));
            let rect = Rect {
                left,
                width: right - left,
                ..self.axes
            };
            // Neighbours differ in shade, so that their border is seen.
            let shade = if i % 2 == 0 { 0.11 } else { 0.05 };
            svg.rect(rect, &format!(r#"fill="currentColor" fill-opacity="{shade}""#));
        }
    }

    fn axis_lines(&self, svg: &mut Svg, x: &Scale, y: &Scale) {
        let Rect { left, top, .. } = self.axes;
        let (right, bottom) = (self.axes.right(), self.axes.bottom());
        svg.line((left, top), (left, bottom), AXIS);
        svg.line((left, bottom), (right, bottom), AXIS);
        let length = |name: &str| {
            if name.is_empty() {
                0.6 * TICK_LENGTH
            } else {
                TICK_LENGTH
            }
        };
        for (value, name) in &self.plan.x_ticks {
            let at = x.map(*value);
            svg.line((at, bottom), (at, bottom + length(name)), AXIS);
            if name.is_empty() {
                continue;
            }
            if self.plan.slanted {
                let at = (at + 4.0, bottom + TICK_LENGTH + 11.0);
                svg.turned_text(at, TICK, Anchor::End, SLANT, name);
            } else {
                let at = (at, bottom + TICK_LENGTH + 3.0 + TICK);
                svg.text(at, TICK, Anchor::Middle, name);
            }
        }
        for (value, name) in &self.plan.y_ticks {
            let at = y.map(*value);
            svg.line((left - length(name), at), (left, at), AXIS);
            if !name.is_empty() {
                svg.text((left - TICK_LENGTH - 4.0, at + 4.0), TICK, Anchor::End, name);
            }
        }
        let lines = &self.plan.x_label;
        let first = bottom + self.plan.margins.bottom - 8.0 - LINE_HEIGHT * (lines.len() as f64 - 1.0);
        for (i, line) in lines.iter().enumerate() {
            let at = (left + self.axes.width / 2.0, first + LINE_HEIGHT * i as f64);
            svg.text(at, LABEL, Anchor::Middle, line);
        }
        for (i, line) in self.plan.y_label.iter().enumerate() {
            let at = (
                self.label_left + LINE_HEIGHT * (i as f64 + 1.0),
                top + self.axes.height / 2.0,
            );
            svg.turned_text(at, LABEL, Anchor::Middle, -90.0, line);
        }
    }

    fn bars(&self, svg: &mut Svg, bars: &Bars, x: &Scale, y: &Scale) {
        let ground = if y.log { self.axes.bottom() } else { y.map(0.0) };
        let opacity = if self.panel.bars.len() > 1 { 0.55 } else { 0.85 };
        svg.add(format_args!(
            r#"<g fill="{}" fill-opacity="{opacity}" stroke="{}" stroke-width="0.8">"#,
            bars.color.css(),
            self.paper
        ));
        for (edges, height) in bars.edges.windows(2).zip(&bars.heights) {
            let (left, right) = ordered((x.map(edges[0]), x.map(edges[1])));
            let (top, bottom) = ordered((y.map(*height), ground));
            if (right - left + bottom - top).is_finite() && bottom > top {
                let rect = Rect {
                    left,
                    top,
                    width: right - left,
                    height: bottom - top,
                };
                svg.rect(rect, "");
            }
        }
        svg.add(format_args!("</g>"));
    }

    fn circles(&self, svg: &mut Svg, series: &Series, x: &Scale, y: &Scale) {
        let mark = series.drawn();
        if !mark.has_points() {
            return;
        }
        let crowded = series.x.len() > CROWD;
        let (style, radius) = self.circle_style(mark, series.color, crowded);
        svg.add(format_args!("<g {style}>"));
        for (a, b) in series.x.iter().zip(&series.y) {
            if x.contains(*a) && y.contains(*b) {
                svg.add(format_args!(
                    r#"<circle cx="{}" cy="{}" r="{radius}"/>"#,
                    px(x.map(*a)),
                    px(y.map(*b))
                ));
            }
        }
        svg.add(format_args!("</g>"));
    }

    fn circle_style(&self, mark: Mark, color: Color, crowded: bool) -> (String, f64) {
        let css = color.css();
        if mark == Mark::OpenPoints {
            let style = format!(r#"fill="{}" stroke="{css}" stroke-width="1.5""#, self.paper);
            return (style, if crowded { 1.6 } else { 3.0 });
        }
        if crowded {
            return (format!(r#"fill="{css}" fill-opacity="0.6""#), 1.8);
        }
        (format!(r#"fill="{css}""#), 3.2)
    }

    fn color_bar(&self, svg: &mut Svg, heat: &Heat) {
        let id = format!("{}-bar", self.prefix);
        svg.add(format_args!(
            r#"<linearGradient id="{id}" x1="0" y1="1" x2="0" y2="0">"#
        ));
        let stops = heat.stops();
        for (i, color) in stops.iter().enumerate() {
            let offset = i as f64 / (stops.len() - 1) as f64;
            svg.add(format_args!(r#"<stop offset="{offset}" stop-color="{color}"/>"#));
        }
        svg.add(format_args!("</linearGradient>"));
        let bar = Rect {
            left: self.axes.right() + BAR_GAP,
            width: BAR_WIDTH,
            ..self.axes
        };
        svg.rect(bar, &format!(r#"fill="url(#{id})""#));
        let scale = Scale {
            range: heat.limits(),
            log: false,
            pixels: (bar.bottom(), bar.top),
        };
        for (value, name) in &self.plan.heat_ticks {
            let at = scale.map(*value);
            svg.line((bar.right(), at), (bar.right() + 3.0, at), AXIS);
            svg.text((bar.right() + 6.0, at + 4.0), TICK, Anchor::Start, name);
        }
        let at = (
            self.axes.right() + self.plan.margins.right - 7.0,
            bar.top + bar.height / 2.0,
        );
        svg.turned_text(at, LABEL, Anchor::Middle, -90.0, &heat.label);
    }

    fn legend(&self, svg: &mut Svg, place: Rect) {
        for (i, entry) in entries(self.panel).iter().enumerate() {
            let middle = place.top + LEGEND_ROW * (i as f64 + 0.5);
            self.swatch(svg, entry, place.left, middle);
            let at = (place.left + SWATCH + 6.0, middle + 4.0);
            svg.text(at, TICK, Anchor::Start, entry.label);
        }
    }

    fn swatch(&self, svg: &mut Svg, entry: &Entry<'_>, left: f64, middle: f64) {
        let block = |half: f64| Rect {
            left,
            top: middle - half,
            width: SWATCH,
            height: 2.0 * half,
        };
        let css = entry.color.css();
        let Some(mark) = entry.mark else {
            svg.rect(block(5.0), &format!(r#"fill="{css}" fill-opacity="0.7""#));
            return;
        };
        if entry.band {
            svg.rect(block(5.0), &format!(r#"fill="{css}" fill-opacity="0.2""#));
        }
        if mark.has_line() {
            let style = stroke(mark, entry.color);
            svg.line((left, middle), (left + SWATCH, middle), &style);
        }
        if mark.has_points() {
            let (style, radius) = self.circle_style(mark, entry.color, false);
            svg.add(format_args!(
                r#"<circle cx="{}" cy="{}" r="{radius}" {style}/>"#,
                px(left + SWATCH / 2.0),
                px(middle)
            ));
        }
    }
}

fn stroke(mark: Mark, color: Color) -> String {
    let dashes = if mark == Mark::Dashed {
        r#" stroke-dasharray="5 3""#
    } else {
        ""
    };
    format!(
        r#"fill="none" stroke="{}" stroke-width="1.6" stroke-linejoin="round"{dashes}"#,
        color.css()
    )
}

fn rectangles(svg: &mut Svg, boxes: &Boxes, x: &Scale, y: &Scale) {
    svg.add(format_args!(r#"<g fill="{}">"#, boxes.color.css()));
    for [x0, x1, y0, y1] in &boxes.at {
        let ((left, right), (top, bottom)) = (
            ordered((x.map(*x0), x.map(*x1))),
            ordered((y.map(*y0), y.map(*y1))),
        );
        if (left + right + top + bottom).is_finite() {
            let rect = Rect {
                left,
                top,
                width: right - left,
                height: bottom - top,
            };
            svg.rect(rect, "");
        }
    }
    svg.add(format_args!("</g>"));
}

fn heat_image(svg: &mut Svg, heat: &Heat, x: &Scale, y: &Scale) -> Result<(), DrawError> {
    if heat.values.first().is_none_or(Vec::is_empty) {
        return Ok(());
    }
    let (x0, x1) = (x.map(heat.x.0), x.map(heat.x.1));
    let (y0, y1) = (y.map(heat.y.0), y.map(heat.y.1));
    let url = heat.data_url(x0 > x1, y0 > y1)?;
    let ((left, right), (top, bottom)) = (ordered((x0, x1)), ordered((y0, y1)));
    svg.add(format_args!(
        r#"<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none" style="image-rendering:pixelated" href="{url}"/>"#,
        px(left),
        px(top),
        px(right - left),
        px(bottom - top)
    ));
    Ok(())
}

fn band(svg: &mut Svg, series: &Series, x: &Scale, y: &Scale) {
    let Some(band) = &series.band else { return };
    let edges: Vec<_> = series
        .x
        .iter()
        .zip(band)
        .map(|(at, (low, high))| (x.map(*at), y.map(*low), y.map(*high)))
        .collect();
    let whole = |e: &(f64, f64, f64)| (e.0 + e.1 + e.2).is_finite();
    for part in edges.split(|e| !whole(e)) {
        let upper = part.iter().map(|e| (e.0, e.2));
        let lower = part.iter().rev().map(|e| (e.0, e.1));
        let outline: Vec<_> = upper.chain(lower).collect();
        let style = format!(r#"fill="{}" fill-opacity="0.2""#, series.color.css());
        svg.path(&outline, &style);
    }
}

fn errors(svg: &mut Svg, series: &Series, x: &Scale, y: &Scale) {
    let Some(error) = &series.error else { return };
    let mut bars = Vec::new();
    for (at, (low, high)) in series.x.iter().zip(error) {
        let (at, low, high) = (x.map(*at), y.map(*low), y.map(*high));
        if (at + low + high).is_finite() {
            let gap = (f64::NAN, f64::NAN);
            bars.extend([(at, low), (at, high), gap]);
            for end in [low, high] {
                bars.extend([(at - 2.5, end), (at + 2.5, end), gap]);
            }
        }
    }
    let style = format!(
        r#"fill="none" stroke="{}" stroke-width="1.2""#,
        series.color.css()
    );
    svg.path(&bars, &style);
}

fn curve(svg: &mut Svg, series: &Series, x: &Scale, y: &Scale) {
    if series.mark.has_line() {
        let points: Vec<_> = series
            .x
            .iter()
            .zip(&series.y)
            .map(|(a, b)| (x.map(*a), y.map(*b)))
            .collect();
        svg.path(&points, &stroke(series.mark, series.color));
    }
}
