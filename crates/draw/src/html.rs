//! The report: one HTML page that needs no other file.

use crate::error::DrawError;
use crate::figure::Figure;
use crate::text::{FAMILY, slug, with_minus};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

/// Rows of text under headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReportTable {
    /// One per column, with unit.
    pub headers: Vec<String>,
    /// Cells as they are shown.
    pub rows: Vec<Vec<String>>,
    /// File name of a download link; `None` for no link.
    pub csv_name: Option<String>,
}

/// One finding: text, figure, table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// Paragraphs, separated by blank lines.
    pub text: String,
    /// Figure below the text.
    pub figure: Option<Figure>,
    /// Table below the figure.
    pub table: Option<ReportTable>,
}

/// What a run came to, as one page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Heading of the page.
    pub title: String,
    /// The outcome in a sentence or two.
    pub lead: String,
    /// Key numbers (name, value).
    pub facts: Vec<(String, String)>,
    /// Findings, in order.
    pub sections: Vec<Section>,
    /// Folded away at the end (summary, preformatted text): configuration, provenance.
    pub details: Vec<(String, String)>,
}

#[derive(Serialize)]
struct SectionView<'a> {
    title: &'a str,
    /// As the contents have it.
    short: &'a str,
    paragraphs: Vec<&'a str>,
    figure: Option<FigureView<'a>>,
    table: Option<TableView<'a>>,
}

#[derive(Serialize)]
struct FigureView<'a> {
    title: &'a str,
    caption: &'a str,
    width: f64,
    panels: Vec<PanelView>,
}

#[derive(Serialize)]
struct PanelView {
    body: String,
    width: f64,
    height: f64,
}

#[derive(Serialize)]
struct TableView<'a> {
    headers: &'a [String],
    rows: Vec<Vec<Cell<'a>>>,
    csv_name: Option<&'a str>,
    csv: String,
}

#[derive(Serialize)]
struct Cell<'a> {
    text: &'a str,
    number: bool,
}

impl Report {
    /// The page as HTML, with its style, figures and tables inside.
    ///
    /// # Errors
    /// [`DrawError`] when a figure cannot be drawn.
    pub fn to_html(&self) -> Result<String, DrawError> {
        let sections = self
            .sections
            .iter()
            .enumerate()
            .map(|(i, section)| section.view(i))
            .collect::<Result<Vec<_>, DrawError>>()?;
        let mut env = Environment::new();
        env.add_filter("minus", |text: &str| with_minus(text));
        // The name ends in .html, so that every value is escaped.
        env.add_template("report.html", include_str!("../templates/report.html"))?;
        Ok(env.get_template("report.html")?.render(context! {
            title => &self.title,
            lead => &self.lead,
            facts => Value::from(Serde(&self.facts)),
            sections => Value::from(Serde(&sections)),
            details => Value::from(Serde(&self.details)),
            family => FAMILY,
        })?)
    }
}

impl Section {
    fn view(&self, number: usize) -> Result<SectionView<'_>, DrawError> {
        let figure = match &self.figure {
            Some(figure) => Some(FigureView::new(figure, number)?),
            None => None,
        };
        Ok(SectionView {
            title: &self.title,
            short: short(&self.title),
            paragraphs: self
                .text
                .split("\n\n")
                .map(str::trim)
                .filter(|p| !p.is_empty())
                .collect(),
            figure,
            table: self.table.as_ref().map(TableView::new),
        })
    }
}

/// A heading in the contents: a long one without what it found, which stands behind its first colon.
fn short(title: &str) -> &str {
    const LONGEST: usize = 60;
    match title.split_once(": ") {
        Some((subject, _)) if title.chars().count() > LONGEST => subject,
        _ => title,
    }
}

impl<'a> FigureView<'a> {
    fn new(figure: &'a Figure, number: usize) -> Result<Self, DrawError> {
        let prefix = format!("s{number}-{}", slug(&figure.name));
        let drawn = figure.draw(&prefix, "var(--paper)")?;
        Ok(Self {
            title: &figure.title,
            caption: &figure.caption,
            width: drawn.iter().map(|d| d.place.right()).fold(0.0, f64::max),
            panels: drawn
                .into_iter()
                .map(|d| PanelView {
                    body: d.body,
                    width: d.place.width,
                    height: d.place.height,
                })
                .collect(),
        })
    }
}

/// Characters of a number with its unit, which is not broken over lines.
const LONGEST_NUMBER: usize = 24;

impl<'a> TableView<'a> {
    fn new(table: &'a ReportTable) -> Self {
        let cell = |text: &'a String| Cell {
            text,
            number: text.chars().count() <= LONGEST_NUMBER
                && text
                    .trim_start_matches(['−', '-', '+', '±', '<', '>', ' '])
                    .starts_with(|c: char| c.is_ascii_digit() || c == '–'),
        };
        Self {
            headers: &table.headers,
            rows: table
                .rows
                .iter()
                .map(|row| row.iter().map(cell).collect())
                .collect(),
            csv_name: table.csv_name.as_deref(),
            csv: STANDARD.encode(csv(table)),
        }
    }
}

/// The table as comma-separated values (RFC 4180), with ASCII minus signs.
fn csv(table: &ReportTable) -> String {
    let mut out = String::new();
    for row in std::iter::once(&table.headers).chain(&table.rows) {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| {
                let cell = cell.replace('\u{2212}', "-");
                if cell.contains([',', '"', '\n', '\r']) {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell
                }
            })
            .collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Panel, Series};

    fn report() -> Report {
        let figure = Figure {
            name: "curve".into(),
            title: "a <b> title".into(),
            panels: vec![Panel::new("x", "y").series(Series::line([0.0, 1.0], [0.0, 1.0]))],
            ..Figure::default()
        };
        let section = Section {
            title: "finding & more".into(),
            text: "one\n\ntwo <script>alert(1)</script>".into(),
            figure: Some(figure),
            table: Some(ReportTable {
                headers: vec!["name".into(), "value".into()],
                rows: vec![vec!["a, \"b\"".into(), "−1.5".into()]],
                csv_name: Some("t.csv".into()),
            }),
        };
        Report {
            title: "<run>".into(),
            sections: vec![section.clone(), section],
            details: vec![("config".into(), "a < b".into())],
            ..Report::default()
        }
    }

    #[test]
    fn text_is_escaped_and_figures_are_not() {
        let html = report().to_html().unwrap();
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("&lt;run&gt;"));
        assert!(html.contains("finding &amp; more"));
        assert!(html.contains("a &lt; b"));
        assert_eq!(html.matches("<svg ").count(), 2);
        assert_eq!(html.matches("stroke-width=\"1.6\"").count(), 2);
    }

    #[test]
    fn the_page_needs_no_network_and_ids_do_not_clash() {
        let html = report().to_html().unwrap();
        for outside in ["http:", "https:", "src=", "@import"] {
            assert!(!html.contains(outside), "found {outside}");
        }
        assert_eq!(html.matches("id=\"s0-f-curve-0-clip\"").count(), 1);
        assert_eq!(html.matches("id=\"s1-f-curve-0-clip\"").count(), 1);
    }

    #[test]
    fn the_contents_have_long_headings_without_what_they_found() {
        assert_eq!(short("Figure 2: learning"), "Figure 2: learning");
        let long = format!("Choices: by {}", "something, ".repeat(6));
        assert_eq!(short(&long), "Choices");
    }

    #[test]
    fn csv_quotes_cells_and_keeps_numbers_readable_by_machines() {
        let table = report().sections[0].table.clone().unwrap();
        assert_eq!(csv(&table), "name,value\r\n\"a, \"\"b\"\"\",-1.5\r\n");
    }
}
