//! Text in figures: measured with the embedded font, broken into lines, escaped.

use ttf_parser::Face;

/// DejaVu Sans, also used for the PNGs.
pub(crate) const REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
/// DejaVu Sans Bold, for the panel letters.
pub(crate) const BOLD: &[u8] = include_bytes!("../fonts/DejaVuSans-Bold.ttf");
/// Fonts of the SVG, the embedded one first: it is also the widest, so what fits in it fits.
pub(crate) const FAMILY: &str = "DejaVu Sans, Helvetica, Arial, sans-serif";

/// Font sizes of the house look, px.
pub(crate) const LABEL: f64 = 13.0;
pub(crate) const TICK: f64 = 11.0;
pub(crate) const SMALL: f64 = 10.0;
pub(crate) const LETTER: f64 = 15.0;
/// Weight of the panel letters.
pub(crate) const BOLD_WEIGHT: u16 = 700;

/// Measures text in the embedded font.
pub(crate) struct Ruler {
    face: Face<'static>,
}

impl Ruler {
    pub(crate) fn new() -> Self {
        Self {
            face: Face::parse(REGULAR, 0).expect("the embedded font is a valid font"),
        }
    }

    /// Width in px of `text` at `size` px.
    pub(crate) fn width(&self, text: &str, size: f64) -> f64 {
        let units: f64 = text
            .chars()
            .map(|c| {
                self.face
                    .glyph_index(c)
                    .and_then(|glyph| self.face.glyph_hor_advance(glyph))
                    .map_or(0.6 * f64::from(self.face.units_per_em()), f64::from)
            })
            .sum();
        units * size / f64::from(self.face.units_per_em())
    }

    /// Widest of several texts.
    pub(crate) fn widest<'a>(&self, texts: impl IntoIterator<Item = &'a str>, size: f64) -> f64 {
        texts
            .into_iter()
            .map(|text| self.width(text, size))
            .fold(0.0, f64::max)
    }

    /// Breaks `text` at spaces into lines of at most `width` px; a longer word stays whole.
    pub(crate) fn wrap(&self, text: &str, size: f64, width: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}"), size) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

/// Escapes text for XML and drops the characters XML cannot hold.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The text with minus signs for hyphens that stand before a number: `direction −1`, but `mid-1980s`.
pub(crate) fn with_minus(text: &str) -> String {
    let mut before = ' ';
    let mut signed = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        let starts = matches!(before, ' ' | '(' | '[' | '=' | ',' | '±' | '<' | '>');
        let is_minus = c == '-' && starts && text[i + 1..].starts_with(|next: char| next.is_ascii_digit());
        signed.push(if is_minus { '−' } else { c });
        before = c;
    }
    signed
}

/// Letters, digits and hyphens only: safe as an id.
pub(crate) fn slug(name: &str) -> String {
    let out: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    format!("f-{out}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_is_no_hyphen() {
        assert_eq!(
            with_minus("-1, (-0.5) a-1 rdm-rt 2-3 -x"),
            "−1, (−0.5) a-1 rdm-rt 2-3 -x"
        );
    }

    #[test]
    fn wider_text_measures_wider_and_scales_with_size() {
        let ruler = Ruler::new();
        assert!(ruler.width("mmm", 10.0) > ruler.width("iii", 10.0));
        assert!((ruler.width("mmm", 20.0) - 2.0 * ruler.width("mmm", 10.0)).abs() < 1e-9);
    }

    #[test]
    fn wrapped_lines_fit_and_keep_every_word() {
        let ruler = Ruler::new();
        let text = "fraction of decided trials that were answered correctly";
        let lines = ruler.wrap(text, LABEL, 150.0);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|l| ruler.width(l, LABEL) <= 150.0));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn markup_and_control_characters_do_not_reach_the_svg() {
        assert_eq!(escape("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;");
    }
}
