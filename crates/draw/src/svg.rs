//! A string that grows into an SVG.

use crate::text::{escape, with_minus};
use std::fmt::{Display, Write};

/// SVG under construction; coordinates are px, rounded to a hundredth.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    pub(crate) out: String,
}

/// Where text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn css(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A coordinate as short as a hundredth of a pixel allows.
pub(crate) fn px(value: f64) -> impl Display {
    (value * 100.0).round() / 100.0 + 0.0
}

/// An axis-aligned rectangle, px.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn contains(&self, (x, y): (f64, f64)) -> bool {
        x >= self.left && x <= self.right() && y >= self.top && y <= self.bottom()
    }
}

impl Svg {
    pub(crate) fn add(&mut self, part: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(part)
            .expect("writing into a string cannot fail");
    }

    /// A straight line; `style` holds its attributes.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let (x1, y1, x2, y2) = (px(from.0), px(from.1), px(to.0), px(to.1));
        self.add(format_args!(
            r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>"#
        ));
    }

    pub(crate) fn rect(&mut self, rect: Rect, style: &str) {
        let (x, y, w, h) = (px(rect.left), px(rect.top), px(rect.width), px(rect.height));
        self.add(format_args!(
            r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" {style}/>"#
        ));
    }

    /// One line of text in the colour of the page.
    pub(crate) fn text(&mut self, at: (f64, f64), size: f64, anchor: Anchor, text: &str) {
        self.turned_text(at, size, anchor, 0.0, text);
    }

    /// Text turned about its point by `degrees`, clockwise.
    pub(crate) fn turned_text(
        &mut self,
        at: (f64, f64),
        size: f64,
        anchor: Anchor,
        degrees: f64,
        text: &str,
    ) {
        let (x, y) = (px(at.0), px(at.1));
        self.add(format_args!(r#"<text x="{x}" y="{y}" font-size="{size}""#));
        if anchor != Anchor::Start {
            self.add(format_args!(r#" text-anchor="{}""#, anchor.css()));
        }
        if degrees != 0.0 {
            self.add(format_args!(r#" transform="rotate({degrees} {x} {y})""#));
        }
        self.add(format_args!(">{}</text>", escape(&with_minus(text))));
    }

    /// A path through the points, interrupted where one is not finite.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], style: &str) {
        let mut data = Svg::default();
        let mut pen_up = true;
        for &(x, y) in points {
            if x.is_finite() && y.is_finite() {
                let command = if pen_up { 'M' } else { 'L' };
                data.add(format_args!("{command}{} {}", px(x), px(y)));
                pen_up = false;
            } else {
                pen_up = true;
            }
        }
        if !data.out.is_empty() {
            self.add(format_args!(r#"<path d="{}" {style}/>"#, data.out));
        }
    }
}
