//! Sequence logos: letters stretched by what they are worth.

use neuropil_draw::{Color, Figure, Glyph, Panel};

use crate::cnn::attribute::Scores;
use crate::motifs::Motif;

/// Positions in a row of a logo.
const ROW: usize = 100;
/// Width of a row and height of its letters and axes, px.
const SIZE: (f64, f64) = (1020.0, 150.0);
/// Width of a position of a motif, px, and what the axes take beside it.
const MOTIF: (f64, f64) = (34.0, 90.0);
/// Share of a position that its letter takes.
const WIDTH: f64 = 0.92;

fn glyph(base: usize, position: usize, foot: f64, head: f64) -> Glyph {
    let (letter, color) = [
        ('A', Color::Green),
        ('C', Color::Blue),
        ('G', Color::Orange),
        ('T', Color::Red),
    ][base];
    let at = (position + 1) as f64;
    Glyph {
        letter,
        color,
        at: [at - WIDTH / 2.0, at + WIDTH / 2.0, foot, head],
    }
}

/// Scores of the letters of a sequence, a hundred positions a row: positive ones stand on the line at 0, negative ones
/// hang from it. `name` is that of the sequence, `file` that of the figure's file.
pub fn attributions(scores: &Scores, name: &str, file: String) -> Figure {
    let importance = scores.importance();
    let (low, high) = importance.iter().fold((0.0_f64, 0.0_f64), |(low, high), &value| {
        (low.min(value), high.max(value))
    });
    let margin = if low == high { 1.0 } else { 0.04 * (high - low) };
    let panels = importance.chunks(ROW).enumerate().map(|(row, values)| {
        let start = row * ROW;
        let letters = values.iter().enumerate().filter_map(|(i, &value)| {
            let base = usize::from(scores.bases()[start + i]);
            (value != 0.0).then(|| glyph(base, start + i, 0.0, value))
        });
        let last = start + ROW >= importance.len();
        let mut panel = Panel::new(if last { "position" } else { "" }, "score")
            .glyphs(letters)
            .h_line(0.0)
            .x_range(start as f64 + 0.5, (start + ROW) as f64 + 0.5)
            .y_range(low - margin, high + margin)
            .size(SIZE.0, SIZE.1);
        panel.continued = row > 0;
        if row == 0 { panel.note(name) } else { panel }
    });
    Figure {
        name: file,
        title: name.to_owned(),
        caption: "Score of every base, in units of the logit of open chromatin unless it was normalised; \
                  what counts against it hangs from the line."
            .into(),
        columns: 1,
        panels: panels.collect(),
    }
}

/// Information content of a motif in bits against an even background, 2 + Σ p log₂ p a position, without correction for
/// the number of sites (Schneider & Stephens 1990, Nucleic Acids Res. 18, 6097); shared among the letters by their
/// probabilities, the likeliest on top.
pub fn motif(motif: &Motif, file: String) -> Figure {
    let mut letters = Vec::new();
    for (position, row) in motif.rows.iter().enumerate() {
        let bits = 2.0
            + row
                .iter()
                .filter(|p| **p > 0.0)
                .map(|p| p * p.log2())
                .sum::<f64>();
        let mut order = [0, 1, 2, 3];
        order.sort_by(|&a, &b| row[a].total_cmp(&row[b]));
        let mut foot = 0.0;
        for base in order {
            let head = foot + bits * row[base];
            if head > foot {
                letters.push(glyph(base, position, foot, head));
            }
            foot = head;
        }
    }
    let n = motif.rows.len();
    let ticks: Vec<(f64, String)> = (1..=n).map(|i| (i as f64, i.to_string())).collect();
    let name = [motif.id.as_str(), motif.name.as_str()].join(" ");
    Figure {
        name: file,
        title: name.trim().to_owned(),
        caption: "Information content in bits against an even background.".into(),
        columns: 1,
        panels: vec![
            Panel::new("position", "bits")
                .glyphs(letters)
                .x_range(0.5, n as f64 + 0.5)
                .x_ticks(ticks)
                .y_range(0.0, 2.0)
                .note(name.trim())
                .size((MOTIF.0 * n as f64 + MOTIF.1).max(260.0), 190.0),
        ],
    }
}

/// Name of a file for the `number`-th of several: letters, digits, dots and lines of `name`, others as `-`.
pub fn file_name(number: usize, name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().take(80).map(safe).collect();
    format!("{:03}-{name}", number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_and_hang_by_their_scores() {
        let mut hypothetical = vec![0.0; 4 * 120];
        (hypothetical[1], hypothetical[4 * 110 + 3]) = (2.0, -1.0);
        let mut bases = vec![0; 120];
        (bases[0], bases[110]) = (1, 3);
        let figure = attributions(&Scores::new(&bases, hypothetical), "chr1:1-120", "one".into());
        assert_eq!(figure.panels.len(), 2);
        let drawn: Vec<&Glyph> = figure.panels.iter().flat_map(|panel| &panel.glyphs).collect();
        assert_eq!(
            drawn,
            [
                &Glyph {
                    letter: 'C',
                    color: Color::Blue,
                    at: [0.54, 1.46, 0.0, 2.0]
                },
                &Glyph {
                    letter: 'T',
                    color: Color::Red,
                    at: [110.54, 111.46, 0.0, -1.0]
                },
            ]
        );
        figure.to_svg().expect("a figure");
    }

    #[test]
    fn bits_of_a_motif_are_shared_by_probability() {
        let found = Motif {
            id: "M1".into(),
            name: String::new(),
            rows: vec![[1.0, 0.0, 0.0, 0.0], [0.25; 4], [0.0, 0.5, 0.5, 0.0]],
            n_sites: 20.0,
        };
        let figure = motif(&found, "m".into());
        let heights: Vec<(char, f64, f64)> = figure.panels[0]
            .glyphs
            .iter()
            .map(|glyph| (glyph.letter, glyph.at[2], glyph.at[3]))
            .collect();
        assert_eq!(heights, [('A', 0.0, 2.0), ('C', 0.0, 0.5), ('G', 0.5, 1.0)]);
    }

    #[test]
    fn names_of_files_hold_nothing_else() {
        assert_eq!(file_name(0, "p1::chr7:1-5 x/y"), "001-p1--chr7-1-5-x-y");
    }
}
