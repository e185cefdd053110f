//! Letters as outlines of the embedded font, stretched over rectangles.

use crate::panel::Glyph;
use crate::scale::Scale;
use crate::svg::{Svg, px};
use crate::text::BOLD;
use std::collections::BTreeSet;
use std::fmt::Write;
use ttf_parser::{Face, OutlineBuilder, Rect};

/// Units of the outline along either side of the rectangle it is stretched over.
const SIDE: f32 = 1000.0;

/// Draws letters; the outline of each is written once, under an id that begins with `prefix`.
pub(crate) fn draw(svg: &mut Svg, glyphs: &[Glyph], prefix: &str, x: &Scale, y: &Scale) {
    let face = Face::parse(BOLD, 0).expect("the embedded font is a valid font");
    let letters: BTreeSet<char> = glyphs.iter().map(|glyph| glyph.letter).collect();
    let mut drawn = BTreeSet::new();
    for letter in letters {
        let Some(outline) = outline(&face, letter) else {
            continue;
        };
        let id = u32::from(letter);
        svg.add(format_args!(
            r#"<defs><path id="{prefix}-glyph-{id:x}" d="{outline}"/></defs>"#
        ));
        drawn.insert(letter);
    }
    for Glyph { letter, color, at } in glyphs.iter().filter(|glyph| drawn.contains(&glyph.letter)) {
        let (left, right, foot, head) = (x.map(at[0]), x.map(at[1]), y.map(at[2]), y.map(at[3]));
        if !(left + right + foot + head).is_finite() || left == right || foot == head {
            continue;
        }
        let scale = |pixels: f64| (pixels / f64::from(SIDE) * 1e6).round() / 1e6;
        svg.add(format_args!(
            r##"<use href="#{prefix}-glyph-{:x}" fill="{}" transform="translate({} {}) scale({} {})"/>"##,
            u32::from(*letter),
            color.css(),
            px(left),
            px(head),
            scale(right - left),
            scale(foot - head)
        ));
    }
}

/// Path of a letter that fills a square of [`SIDE`] units, head up in SVG's coordinates.
fn outline(face: &Face, letter: char) -> Option<String> {
    let glyph = face.glyph_index(letter)?;
    let bounds = face.glyph_bounding_box(glyph)?;
    let mut pen = Pen {
        bounds,
        data: String::new(),
    };
    face.outline_glyph(glyph, &mut pen)?;
    Some(pen.data)
}

/// Writes an outline, moved and stretched so that its bounds are the square.
struct Pen {
    bounds: Rect,
    data: String,
}

impl Pen {
    fn command(&mut self, command: char, points: &[(f32, f32)]) {
        self.data.push(command);
        for (i, &(x, y)) in points.iter().enumerate() {
            let across = (x - f32::from(self.bounds.x_min)) / f32::from(self.bounds.width().max(1)) * SIDE;
            let down = (f32::from(self.bounds.y_max) - y) / f32::from(self.bounds.height().max(1)) * SIDE;
            let gap = if i == 0 { "" } else { " " };
            write!(self.data, "{gap}{} {}", across.round(), down.round())
                .expect("writing into a string cannot fail");
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.command('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.command('L', &[(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.command('Q', &[(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.command('C', &[(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.data.push('Z');
    }
}
