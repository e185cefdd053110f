//! Several runs side by side: their figures joined, and what they came to in one table.
//!
//! Where runs are alike but for their seed and the lines of a panel have the same x in all of them, the joined panel shows the mean
//! over runs with a band of one standard deviation between runs, each run thin behind it; where not, as for other settings or
//! learning curves that end at different times, each run has its own colour. What is of one network alone, a unit or a single
//! trial, is not laid over that of another.

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
                "Of {} runs: mean, band: ± 1 standard deviation between runs, thin grey: each run; lines that a run lacks are left \
                 out, and where most differ in what is on the x axis, one colour a run. Lines as in the figure of each run.",
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

/// The lines of a panel in all runs. Images, histograms, and what is of one network alone, like the rate of a unit, are left out.
fn joined_panel(panels: &[(&str, &Panel)], averaged: bool) -> Option<Panel> {
    let (_, first) = panels.first()?;
    if first.individual || first.heat.is_some() || !first.bars.is_empty() || first.series.is_empty() {
        return None;
    }
    let mut joined = Panel {
        series: Vec::new(),
        ..(*first).clone()
    };
    let lines = matched(panels);
    // A level that too few trials of a run have is a line that this run lacks: the others are still averaged.
    let means: Vec<(&InRuns<'_>, Series)> = lines
        .iter()
        .filter_map(|line| Some((line, mean_of(line, panels.len())?)))
        .collect();
    if averaged && 2 * means.len() >= lines.len() {
        for (line, mean) in means {
            joined.series.extend(line.iter().map(|(_, line)| Series {
                label: None,
                color: Color::Grey,
                mark: if line.mark == Mark::Points {
                    Mark::OpenPoints
                } else {
                    Mark::Line
                },
                error: None,
                band: None,
                ..(*line).clone()
            }));
            joined.series.push(mean);
        }
    } else {
        let mut named = vec![false; panels.len()];
        for (s, line) in lines.iter().enumerate() {
            joined.series.extend(line.iter().map(|(r, line)| Series {
                label: (!std::mem::replace(&mut named[*r], true)).then(|| panels[*r].0.to_owned()),
                color: Color::cycle(*r),
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

/// A line of a panel in the runs that have it: the run's place, the line.
type InRuns<'a> = Vec<(usize, &'a Series)>;

/// Lines that belong together: those of the same label, of those without one the first, the second, ….
fn matched<'a>(panels: &[(&str, &'a Panel)]) -> Vec<InRuns<'a>> {
    let mut lines: Vec<((Option<&str>, usize), InRuns<'a>)> = Vec::new();
    for (r, (_, panel)) in panels.iter().enumerate() {
        let mut unlabelled = 0;
        for series in &panel.series {
            let label = series.label.as_deref();
            let name = (label, if label.is_none() { unlabelled } else { 0 });
            unlabelled += usize::from(label.is_none());
            match lines.iter_mut().find(|(known, _)| *known == name) {
                Some((_, line)) => line.push((r, series)),
                None => lines.push((name, vec![(r, series)])),
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The mean over runs where they have the same x, with one standard deviation between runs; none where a run lacks the line, or
/// no more than half of the longest line's points are common to all.
fn mean_of(line: &InRuns<'_>, n_runs: usize) -> Option<Series> {
    let (_, model) = line.first().filter(|_| line.len() == n_runs)?;
    let at = |series: &Series, x: f64| Some(series.y[series.x.iter().position(|&other| other == x)?]);
    let common: Vec<(f64, Vec<f64>)> = model
        .x
        .iter()
        .filter_map(|&x| {
            Some((
                x,
                line.iter()
                    .map(|(_, series)| at(series, x))
                    .collect::<Option<_>>()?,
            ))
        })
        .collect();
    let longest = line.iter().map(|(_, series)| series.x.len()).max()?;
    if 2 * common.len() <= longest {
        return None;
    }
    let y: Vec<f64> = common.iter().map(|(_, values)| mean(values)).collect();
    let sd = |values: &[f64]| match values.len() {
        1 => 0.0,
        _ => variance(values, 1).sqrt(),
    };
    let spread: Vec<(f64, f64)> = common
        .iter()
        .zip(&y)
        .map(|((_, values), y)| (y - sd(values), y + sd(values)))
        .collect();
    let is_line = matches!(model.mark, Mark::Line | Mark::Dashed);
    Some(Series {
        x: common.iter().map(|(x, _)| *x).collect(),
        band: is_line.then(|| spread.clone()),
        error: (!is_line).then_some(spread),
        y,
        ..(*model).clone()
    })
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
        // A tail that only one run has is left to that run.
        let longer = [
            run("s1", &[0.0, 1.0, 2.0], &[1.0, 2.0, 9.0]),
            run("s2", &[0.0, 1.0], &[3.0, 2.0]),
        ];
        let series = figures(&longer).swap_remove(0).1.panels[0].series.clone();
        assert_eq!(
            (&series[2].x[..], &series[2].y[..]),
            (&[0.0, 1.0][..], &[2.0, 2.0][..])
        );
        // Unit 7 of one network is not unit 7 of another.
        let mut units = same.clone();
        for run in &mut units {
            run.figures[0].2.panels[0].individual = true;
        }
        assert!(figures(&units).is_empty());
        // Lines of the same label belong together, wherever they stand.
        let mut swapped = same.clone();
        let panel = &mut swapped[1].figures[0].2.panels[0];
        panel
            .series
            .insert(0, Series::line([0.0, 1.0], [5.0, 5.0]).label("other"));
        let series = figures(&swapped).swap_remove(0).1.panels[0].series.clone();
        assert_eq!(
            series.iter().map(|line| line.y[0]).collect::<Vec<_>>(),
            [1.0, 3.0, 2.0],
            "and one that only a run has is left out"
        );
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
