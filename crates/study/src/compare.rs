//! Several runs side by side: their figures joined, and what they came to in one table.
//!
//! Where runs are alike but for their seed and a line has the same x in all of them, the joined figure shows the mean over runs
//! with a band of one standard deviation between runs, each run thin behind it; where not, as for other settings or learning
//! curves that end at different times, each run has its own colour.

use neuropil_draw::{Color, Figure, Mark, Panel, Report, ReportTable, Section, Series};
use neuropil_math::stats::summary::{mean, variance};

/// What is compared of one run.
#[derive(Clone, Debug)]
pub struct Compared {
    /// How the run is called.
    pub name: String,
    /// Its experiment.
    pub experiment: String,
    /// All its settings but the seed: runs in which they are the same may be averaged.
    pub settings: String,
    /// Key numbers, by name.
    pub facts: Vec<(String, String)>,
    /// Figures of its analyses: name, heading, figure.
    pub figures: Vec<(String, String, Figure)>,
}

/// The page of a comparison: a table of the runs, and every figure that all of them have.
pub fn page(title: &str, runs: &[Compared]) -> Report {
    let mut sections = vec![Section {
        title: "Runs".to_owned(),
        table: Some(facts(runs)),
        ..Section::default()
    }];
    sections.extend(figures(runs).into_iter().map(|(heading, figure)| Section {
        title: heading,
        figure: Some(figure),
        ..Section::default()
    }));
    Report {
        title: title.to_owned(),
        lead: lead(runs),
        facts: Vec::new(),
        sections,
        details: Vec::new(),
    }
}

/// What is beside what.
fn lead(runs: &[Compared]) -> String {
    let mut experiments: Vec<&str> = runs.iter().map(|run| run.experiment.as_str()).collect();
    experiments.sort_unstable();
    experiments.dedup();
    let n = runs.len();
    if experiments.len() > 1 {
        let names = experiments.join(", ");
        return format!(
            "{n} runs of different experiments ({names}) side by side: figures that all of them have, one colour a run."
        );
    }
    if are_alike(runs) {
        format!("{n} runs side by side.")
    } else {
        format!("{n} runs with different settings side by side, one colour a run.")
    }
}

/// Whether runs differ by their seed alone.
fn are_alike(runs: &[Compared]) -> bool {
    runs.windows(2)
        .all(|pair| (&pair[0].experiment, &pair[0].settings) == (&pair[1].experiment, &pair[1].settings))
}

/// Every figure that all runs have, joined, with its heading.
pub fn figures(runs: &[Compared]) -> Vec<(String, Figure)> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let averaged = are_alike(runs);
    let joined = first.figures.iter().filter_map(|(name, heading, _)| {
        let same: Option<Vec<(&str, &Figure)>> = runs
            .iter()
            .map(|run| {
                let found = run.figures.iter().find(|(other, _, _)| other == name)?;
                Some((run.name.as_str(), &found.2))
            })
            .collect();
        Some((heading.clone(), join(&same?, averaged)?))
    });
    joined.collect()
}

/// Facts as a table with a row a run.
fn facts(runs: &[Compared]) -> ReportTable {
    let mut headers = vec!["run".to_owned()];
    for (name, _) in runs.iter().flat_map(|run| &run.facts) {
        if !headers.contains(name) {
            headers.push(name.clone());
        }
    }
    let row = |run: &Compared| {
        let value = |name: &String| run.facts.iter().find(|(known, _)| known == name);
        let values = headers[1..]
            .iter()
            .map(|name| value(name).map_or("–".to_owned(), |(_, v)| v.clone()));
        [run.name.clone()].into_iter().chain(values).collect()
    };
    ReportTable {
        rows: runs.iter().map(row).collect(),
        headers,
        csv_name: Some("runs.csv".to_owned()),
    }
}

/// One figure of those of several runs, panel by panel; none if the runs have other panels.
fn join(figures: &[(&str, &Figure)], averaged: bool) -> Option<Figure> {
    let (_, first) = figures.first()?;
    let alike = figures.iter().all(|(_, figure)| {
        figure.panels.len() == first.panels.len()
            && figure
                .panels
                .iter()
                .zip(&first.panels)
                .all(|(a, b)| a.x.label == b.x.label)
    });
    if !alike {
        return None;
    }
    let panels: Vec<Panel> = (0..first.panels.len())
        .filter_map(|p| {
            let panels: Vec<(&str, &Panel)> = figures
                .iter()
                .map(|(run, figure)| (*run, &figure.panels[p]))
                .collect();
            joined_panel(&panels, averaged)
        })
        .collect();
    if panels.is_empty() {
        return None;
    }
    Some(Figure {
        title: String::new(),
        caption: if averaged {
            format!(
                "Of {} runs: mean, band: ± 1 standard deviation between runs, thin grey: each run; where runs differ in what is \
                 on the x axis, one colour a run. Lines as in the figure of each run.",
                figures.len()
            )
        } else {
            format!(
                "{} runs, one colour a run; further lines of a panel are dashed, in the order in which the figure of each run names them.",
                figures.len()
            )
        },
        columns: first.columns.min(panels.len()),
        name: first.name.clone(),
        panels,
    })
}

/// The lines of a panel in all runs; images and histograms are of one run each, and left out.
fn joined_panel(panels: &[(&str, &Panel)], averaged: bool) -> Option<Panel> {
    let (_, first) = panels.first()?;
    if first.heat.is_some() || !first.bars.is_empty() || first.series.is_empty() {
        return None;
    }
    let mut joined = Panel {
        series: Vec::new(),
        ..(*first).clone()
    };
    for s in 0..first.series.len() {
        let lines: Vec<(&str, &Series)> = panels
            .iter()
            .filter_map(|(run, panel)| Some((*run, panel.series.get(s)?)))
            .collect();
        let model = &first.series[s];
        let alike =
            averaged && lines.len() == panels.len() && lines.iter().all(|(_, line)| line.x == model.x);
        if alike {
            joined.series.extend(lines.iter().map(|(_, line)| Series {
                label: None,
                color: Color::Grey,
                mark: if model.mark == Mark::Points {
                    Mark::OpenPoints
                } else {
                    Mark::Line
                },
                error: None,
                band: None,
                ..(*line).clone()
            }));
            joined.series.push(mean_of(model, &lines));
        } else {
            joined
                .series
                .extend(lines.iter().enumerate().map(|(r, (run, line))| Series {
                    label: (s == 0).then(|| (*run).to_owned()),
                    color: Color::cycle(r),
                    mark: if s > 0 && line.mark == Mark::Line {
                        Mark::Dashed
                    } else {
                        line.mark
                    },
                    error: None,
                    band: None,
                    ..(*line).clone()
                }));
        }
    }
    Some(joined)
}

fn mean_of(model: &Series, lines: &[(&str, &Series)]) -> Series {
    let at = |i: usize| -> Vec<f64> { lines.iter().map(|(_, line)| line.y[i]).collect() };
    let y: Vec<f64> = (0..model.x.len()).map(|i| mean(&at(i))).collect();
    let sd = |i: usize| {
        if lines.len() > 1 {
            variance(&at(i), 1).sqrt()
        } else {
            0.0
        }
    };
    let spread: Vec<(f64, f64)> = y
        .iter()
        .enumerate()
        .map(|(i, y)| (y - sd(i), y + sd(i)))
        .collect();
    let is_line = matches!(model.mark, Mark::Line | Mark::Dashed);
    Series {
        band: is_line.then(|| spread.clone()),
        error: (!is_line).then_some(spread),
        y,
        ..model.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, x: &[f64], y: &[f64]) -> Compared {
        let panel = Panel::new("x", "y").series(Series::line(x, y).label("line"));
        let figure = Figure {
            name: "a".to_owned(),
            columns: 1,
            panels: vec![panel],
            ..Figure::default()
        };
        Compared {
            name: name.to_owned(),
            experiment: "coin".to_owned(),
            settings: String::new(),
            facts: vec![("met".to_owned(), name.to_owned())],
            figures: vec![("a".to_owned(), "A".to_owned(), figure)],
        }
    }

    #[test]
    fn lines_over_the_same_x_are_averaged_and_others_stand_side_by_side() {
        let same = [
            run("s1", &[0.0, 1.0], &[1.0, 2.0]),
            run("s2", &[0.0, 1.0], &[3.0, 2.0]),
        ];
        let (heading, figure) = figures(&same).swap_remove(0);
        let series = &figure.panels[0].series;
        assert_eq!((heading.as_str(), series.len()), ("A", 3));
        assert_eq!(series[2].y, [2.0, 2.0]);
        let half = 2.0_f64.sqrt();
        assert_eq!(series[2].band.as_ref().unwrap()[0], (2.0 - half, 2.0 + half));
        assert_eq!(series[2].label.as_deref(), Some("line"));
        let other = [run("s1", &[0.0, 1.0], &[1.0, 2.0]), run("s2", &[0.0], &[3.0])];
        let series = figures(&other).swap_remove(0).1.panels[0].series.clone();
        let labels: Vec<_> = series.iter().filter_map(|series| series.label.clone()).collect();
        assert_eq!(labels, ["s1", "s2"]);
        // Other settings are no further seeds.
        let mut unlike = same.clone();
        unlike[1].settings = "rate = 2".to_owned();
        let series = figures(&unlike).swap_remove(0).1.panels[0].series.clone();
        assert_eq!(
            series
                .iter()
                .filter_map(|series| series.label.as_deref())
                .collect::<Vec<_>>(),
            ["s1", "s2"]
        );
        assert!(lead(&unlike).contains("different settings") && !lead(&same).contains("different"));
        let page = page("two", &same);
        assert_eq!(page.sections[0].table.as_ref().unwrap().rows[1], ["s2", "s2"]);
        assert!(page.to_html().is_ok());
    }
}
