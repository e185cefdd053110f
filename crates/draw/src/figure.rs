//! Arranges panels in a grid and writes them as SVG and PNG.

use crate::error::DrawError;
use crate::layout::{Margins, PANEL, Plan, entries, free_place, legend_size};
use crate::panel::{Axis, Panel};
use crate::render::Placed;
use crate::scale;
use crate::svg::{Rect, Svg};
use crate::text::{BOLD, FAMILY, REGULAR, Ruler, escape, slug};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Space between axes and a legend beside them, px.
const LEGEND_GAP: f64 = 10.0;
/// Pixels of the PNG per px of the SVG.
const PNG_SCALE: f32 = 2.0;

/// Panels that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// The finding, with numbers; stands above the figure in a report, not in the picture.
    pub title: String,
    /// What is plotted, with n, interval and seed.
    pub caption: String,
    /// Panels per row.
    pub columns: usize,
    /// Panels in reading order; lettered a, b, c when there are several that begin.
    pub panels: Vec<Panel>,
}

/// One finished panel.
pub(crate) struct Drawn {
    pub(crate) body: String,
    /// Place in the grid, px.
    pub(crate) place: Rect,
}

impl Figure {
    /// The figure as a stand-alone SVG on white.
    ///
    /// # Errors
    /// [`DrawError`] when lists differ in length, an axis range is empty, or there is no panel.
    pub fn to_svg(&self) -> Result<String, DrawError> {
        let drawn = self.draw(&slug(&self.name), "white")?;
        let width = drawn.iter().map(|d| d.place.right()).fold(0.0, f64::max);
        let height = drawn.iter().map(|d| d.place.bottom()).fold(0.0, f64::max);
        let mut svg = Svg::default();
        svg.add(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FAMILY}" fill="currentColor" color="black" role="img" aria-label="{}">"#,
            escape(&self.title)
        ));
        svg.add(format_args!(
            r#"<rect width="{width}" height="{height}" fill="white"/>"#
        ));
        for Drawn { body, place } in &drawn {
            svg.add(format_args!(
                "\n<g transform=\"translate({} {})\">{body}</g>",
                place.left, place.top
            ));
        }
        svg.add(format_args!("\n</svg>\n"));
        Ok(svg.out)
    }

    /// The figure as a PNG with two pixels per px of the SVG.
    ///
    /// # Errors
    /// As [`Figure::to_svg`], and when the image cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>, DrawError> {
        let mut options = Options::default();
        let fonts = options.fontdb_mut();
        for font in [REGULAR, BOLD] {
            fonts.load_font_source(resvg::usvg::fontdb::Source::Binary(Arc::new(font)));
        }
        fonts.set_sans_serif_family("DejaVu Sans");
        let tree = Tree::from_str(&self.to_svg()?, &options).map_err(|e| DrawError::Raster {
            figure: self.name.clone(),
            source: Box::new(e),
        })?;
        let size = tree.size();
        let width = (size.width() * PNG_SCALE).ceil() as u32;
        let height = (size.height() * PNG_SCALE).ceil() as u32;
        let failed = || DrawError::Image { width, height };
        let mut image = Pixmap::new(width, height).ok_or_else(failed)?;
        let scale = Transform::from_scale(PNG_SCALE, PNG_SCALE);
        resvg::render(&tree, scale, &mut image.as_mut());
        image.encode_png().map_err(|_| failed())
    }

    /// Draws the panels; `prefix` begins every id, `paper` is the CSS colour behind them.
    pub(crate) fn draw(&self, prefix: &str, paper: &str) -> Result<Vec<Drawn>, DrawError> {
        if self.panels.is_empty() {
            return Err(DrawError::Empty {
                figure: self.name.clone(),
            });
        }
        for (i, panel) in self.panels.iter().enumerate() {
            self.check(i + 1, panel)?;
        }
        let ruler = Ruler::new();
        let begun = |panels: &[Panel]| panels.iter().filter(|panel| !panel.continued).count();
        let lettered = begun(&self.panels) > 1;
        let sizes = self.panels.iter().filter_map(|panel| panel.size);
        let size = sizes.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))).unwrap_or(PANEL);
        let plans: Vec<Plan> = self
            .panels
            .iter()
            .map(|panel| Plan::new(panel, &ruler, lettered, size))
            .collect();
        for (i, plan) in plans.iter().enumerate() {
            let panel = &self.panels[i];
            self.check_range(i + 1, "x", &panel.x, plan.x_range)?;
            self.check_range(i + 1, "y", &panel.y, plan.y_range)?;
        }
        // Axes align: panels of a column share the side margins, panels of a row the others.
        let columns = self.columns.clamp(1, self.panels.len());
        let widest = |i: usize, of: fn(&Margins) -> f64, together: fn(usize, usize, usize) -> bool| {
            (0..plans.len())
                .filter(|j| together(*j, i, columns))
                .map(|j| of(&plans[j].margins))
                .fold(0.0, f64::max)
        };
        let same_column = |j: usize, i: usize, columns: usize| j % columns == i % columns;
        let same_row = |j: usize, i: usize, columns: usize| j / columns == i / columns;
        let mut placed: Vec<Placed<'_>> = Vec::new();
        let mut beside = vec![0.0f64; columns];
        for (i, (panel, plan)) in self.panels.iter().zip(&plans).enumerate() {
            // Half pixels keep the axis lines sharp.
            let left = widest(i, |m| m.left, same_column).round() + 0.5;
            let top = widest(i, |m| m.top, same_row).round() + 0.5;
            let right = widest(i, |m| m.right, same_column).round();
            let bottom = widest(i, |m| m.bottom, same_row).round();
            let axes = Rect {
                left,
                top,
                width: (size.0 - left - right).floor(),
                height: (size.1 - top - bottom).floor(),
            };
            let axes = if panel.equal { equal(axes, plan) } else { axes };
            let (x, y) = Placed::scales(panel, plan, axes);
            let rows = entries(panel);
            let legend = (!rows.is_empty()).then(|| {
                let size = legend_size(&rows, &ruler);
                free_place(panel, axes, &x, &y, size).unwrap_or_else(|| {
                    let own = plan.margins.right;
                    let extra = size.0 + LEGEND_GAP + own - right;
                    beside[i % columns] = beside[i % columns].max(extra.max(0.0).ceil());
                    Rect {
                        left: axes.right() + own.max(LEGEND_GAP),
                        top: axes.top,
                        width: size.0,
                        height: size.1,
                    }
                })
            });
            placed.push(Placed {
                panel,
                plan,
                axes,
                label_left: 0.0,
                legend,
                letter: (lettered && !panel.continued).then(|| letter(begun(&self.panels[..i]))),
                prefix: format!("{prefix}-{i}"),
                paper,
            });
        }
        placed
            .iter()
            .enumerate()
            .map(|(i, panel)| {
                let (row, column) = (i / columns, i % columns);
                let before: f64 = beside[..column].iter().sum();
                Ok(Drawn {
                    body: panel.draw()?,
                    place: Rect {
                        left: size.0 * column as f64 + before,
                        top: size.1 * row as f64,
                        width: size.0 + beside[column],
                        height: size.1,
                    },
                })
            })
            .collect()
    }

    fn check(&self, number: usize, panel: &Panel) -> Result<(), DrawError> {
        let same = |what: &'static str, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            Err(DrawError::Length {
                figure: self.name.clone(),
                panel: number,
                what,
                found,
                expected,
            })
        };
        for series in &panel.series {
            let n = series.x.len();
            same("y", series.y.len(), n)?;
            same("error", series.error.as_ref().map_or(n, Vec::len), n)?;
            same("band", series.band.as_ref().map_or(n, Vec::len), n)?;
        }
        for bars in &panel.bars {
            same("edges", bars.edges.len(), bars.heights.len() + 1)?;
        }
        if let Some(heat) = &panel.heat {
            let n = heat.values.first().map_or(0, Vec::len);
            for row in &heat.values {
                same("a heat map row", row.len(), n)?;
            }
        }
        Ok(())
    }

    fn check_range(
        &self,
        number: usize,
        name: &'static str,
        axis: &Axis,
        (low, high): (f64, f64),
    ) -> Result<(), DrawError> {
        if scale::usable((low, high), axis.log) {
            return Ok(());
        }
        Err(DrawError::Range {
            figure: self.name.clone(),
            panel: number,
            axis: name,
            low,
            high,
        })
    }
}

/// a, b, c … and `·` after z.
fn letter(i: usize) -> char {
    (b'a'..=b'z').nth(i).map_or('·', char::from)
}

/// The largest axes within these in which a unit of x is as long as a unit of y.
fn equal(axes: Rect, plan: &Plan) -> Rect {
    let extent = |(from, to): (f64, f64)| (to - from).abs();
    let ratio = extent(plan.x_range) / extent(plan.y_range);
    Rect {
        width: axes.width.min((axes.height * ratio).floor()),
        height: axes.height.min((axes.width / ratio).floor()),
        ..axes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Bars, Boxes, Color, Heat, Mark, Series};

    fn figure(panels: Vec<Panel>) -> Figure {
        Figure {
            name: "test".into(),
            columns: 2,
            panels,
            ..Figure::default()
        }
    }

    fn curve() -> Panel {
        Panel::new("time (ms)", "rate <Hz>").series(Series::line([0.0, 1.0, 2.0], [-1.0, 0.0, 1.0]))
    }

    #[test]
    fn labels_letters_and_tick_names_are_text() {
        let svg = figure(vec![curve(), curve(), curve()]).to_svg().unwrap();
        for (text, n) in [
            ("time (ms)", 3),
            ("rate &lt;Hz&gt;", 3),
            (">a</text>", 1),
            (">c</text>", 1),
        ] {
            assert_eq!(svg.matches(text).count(), n, "{text}");
        }
        assert_eq!(svg.matches(">\u{2212}1.0<").count(), 3);
        assert!(svg.contains("width=\"720\" height=\"560\""));
        assert!(!figure(vec![curve()]).to_svg().unwrap().contains(">a</text>"));
    }

    #[test]
    fn a_unit_of_x_is_as_long_as_one_of_y_where_that_is_asked_for() {
        let whole = Rect {
            left: 0.5,
            top: 0.5,
            width: 300.0,
            height: 200.0,
        };
        for (x, y, expected) in [(4.0, 1.0, (300.0, 75.0)), (1.0, 2.0, (100.0, 200.0))] {
            let map = Panel::new("x", "y").x_range(0.0, x).y_range(y, 0.0).equal();
            let axes = equal(whole, &Plan::new(&map, &Ruler::new(), false, PANEL));
            assert_eq!((axes.width, axes.height), expected);
        }
    }

    #[test]
    fn every_point_bar_and_matrix_is_drawn_once() {
        let points = Panel::new("x", "y").series(Series::points([0.0, 1.0, f64::NAN], [0.0, 1.0, 2.0]));
        let svg = figure(vec![points]).to_svg().unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        let plain = figure(vec![Panel::new("x", "y")])
            .to_svg()
            .unwrap()
            .matches("<rect")
            .count();
        let bars = Panel::new("x", "y").bars(Bars {
            edges: vec![0.0, 1.0, 2.0, 3.0],
            heights: vec![2.0, 0.0, 1.0],
            ..Bars::default()
        });
        let svg = figure(vec![bars]).to_svg().unwrap();
        assert_eq!(svg.matches("<rect").count(), plain + 2);
        let heat = Panel::new("x", "y").heat(Heat {
            values: vec![vec![1.0; 50]; 40],
            x: (0.0, 1.0),
            y: (0.0, 1.0),
            ..Heat::default()
        });
        let svg = figure(vec![heat]).to_svg().unwrap();
        assert_eq!(svg.matches("<image").count(), 1);
    }

    #[test]
    fn boxes_are_filled_named_and_within_a_panel_of_the_size_asked_for() {
        let boxes = Boxes {
            label: Some("share".into()),
            color: Color::Green,
            at: vec![
                [0.0, 1.0, 0.0, 2.0],
                [1.0, 2.0, 2.0, 1.0],
                [0.0, f64::NAN, 0.0, 1.0],
            ],
        };
        let svg = figure(vec![Panel::new("x", "y").boxes(boxes).size(700.0, 200.0)])
            .to_svg()
            .unwrap();
        assert!(svg.contains(r#"width="700" height="200""#) && svg.contains(">share<"));
        let drawn = svg.split("<g fill=\"#009E73\">").nth(1).unwrap();
        assert_eq!(drawn.split("</g>").next().unwrap().matches("<rect").count(), 2);
    }

    #[test]
    fn letters_are_outlines_that_are_stated_once_and_placed_by_use() {
        let glyph = |letter, at| crate::panel::Glyph {
            letter,
            color: Color::Red,
            at,
        };
        let panel = Panel::new("x", "y").x_range(0.0, 3.0).y_range(-1.0, 1.0).glyphs([
            glyph('T', [0.0, 1.0, 0.0, 1.0]),
            glyph('T', [1.0, 2.0, 0.0, -1.0]),
            glyph('T', [1.0, 2.0, 0.0, f64::NAN]),
            glyph(' ', [2.0, 3.0, 0.0, 1.0]),
        ]);
        let figure = figure(vec![panel.clone(), panel.continued()]);
        let svg = figure.to_svg().unwrap();
        assert_eq!(svg.matches("id=\"f-test-0-glyph-54\"").count(), 1);
        assert_eq!(svg.matches("<use ").count(), 4);
        assert!(!svg.contains(">a</text>"), "one panel goes on in the other");
        // Red on both sides of zero, as many pixels above as below but for the row between.
        let png = figure.to_png().unwrap();
        let image = Pixmap::decode_png(&png).unwrap();
        let red = |p: &resvg::tiny_skia::PremultipliedColorU8| p.red() > 180 && p.green() < 80;
        let rows: Vec<usize> = (0..image.height())
            .map(|row| {
                (0..720)
                    .filter(|x| image.pixel(*x, row).is_some_and(|p| red(&p)))
                    .count()
            })
            .collect();
        let (first, last) = (
            rows.iter().position(|n| *n > 0).unwrap(),
            rows.iter().rposition(|n| *n > 0).unwrap(),
        );
        let zero = usize::midpoint(first, last);
        let (above, below): (usize, usize) = (rows[..=zero].iter().sum(), rows[zero + 1..].iter().sum());
        assert!(
            above > 5000 && above.abs_diff(below) < above / 20,
            "{above} {below}"
        );
    }

    #[test]
    fn a_line_breaks_where_a_value_is_missing() {
        let broken = Series::line([0.0, 1.0, 2.0, 3.0], [0.0, f64::NAN, 2.0, 3.0]).mark(Mark::Line);
        let svg = figure(vec![Panel::new("x", "y").series(broken)])
            .to_svg()
            .unwrap();
        let path = svg
            .split("<path d=\"")
            .nth(1)
            .and_then(|p| p.split('"').next())
            .unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1));
    }

    #[test]
    fn a_legend_that_would_cover_data_moves_to_the_right() {
        let label = |panel: Panel| figure(vec![panel]).to_svg().unwrap();
        let free = label(Panel::new("x", "y").series(Series::line([0.0, 1.0], [0.0, 1.0]).label("a")));
        assert!(free.contains("width=\"360\""));
        let x: Vec<f64> = (0..900).map(|i| f64::from(i % 30)).collect();
        let y: Vec<f64> = (0..900).map(|i| f64::from(i / 30)).collect();
        let full = label(Panel::new("x", "y").series(Series::points(x, y).label("everywhere")));
        assert!(!full.contains("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"360\""));
    }

    #[test]
    fn text_leaves_dark_pixels_in_the_png() {
        let dark = |label: &str| {
            let png = figure(vec![Panel::new(label, "")]).to_png().unwrap();
            let image = Pixmap::decode_png(&png).unwrap();
            assert_eq!((image.width(), image.height()), (720, 560));
            image.pixels().iter().filter(|p| p.red() < 128).count()
        };
        let (long, short) = (dark("MMMMMMMMMM"), dark("M"));
        assert!(long > short + 500, "{long} and {short} dark pixels");
    }

    #[test]
    fn lists_that_differ_and_empty_ranges_are_errors() {
        let short = Panel::new("x", "y").series(Series::line([0.0, 1.0], [0.0]));
        let message = figure(vec![short]).to_svg().unwrap_err().to_string();
        assert_eq!(message, "figure `test`, panel 1: y has 1 values, expected 2");
        let log = curve().y_log().y_range(0.0, 1.0);
        assert!(matches!(
            figure(vec![log]).to_svg(),
            Err(DrawError::Range { axis: "y", .. })
        ));
        let endless = curve().span(0.0, 1.0, "s").x_range(0.0, f64::NAN);
        assert!(matches!(
            figure(vec![endless]).to_svg(),
            Err(DrawError::Range { axis: "x", .. })
        ));
        assert!(matches!(figure(vec![]).to_svg(), Err(DrawError::Empty { .. })));
    }
}
