//! What is told of a named worm.

use super::{Identified, Named};
use crate::worm::Point;
use neuropil_draw::{Color, Figure, Panel, Series};
use neuropil_study::{Column, Origin, Shown, Table, Tell};

impl Tell for Identified {
    fn sentences(&self) -> Vec<String> {
        let matched = self
            .neurons
            .iter()
            .filter(|neuron| neuron.template.is_some())
            .count();
        let named = self
            .neurons
            .iter()
            .filter(|neuron| !neuron.name.is_empty())
            .count();
        let mut sentences = vec![format!(
            "{matched} of {} neurons have a counterpart among the template's {}, {named} of them a name ({})",
            self.neurons.len(),
            self.template_neurons.0,
            self.matcher
        )];
        if let Some(found) = &self.against_names {
            sentences.push(format!(
                "{} of {} names that both files have agree ({:.1} %)",
                found.hits,
                found.scorable,
                100.0 * found.accuracy
            ));
        }
        let doubtful: Vec<String> = self
            .doubtful(5)
            .iter()
            .map(|neuron| format!("row {} ({})", neuron.test + 1, neuron.name))
            .collect();
        if !doubtful.is_empty() {
            sentences.push(format!("most doubtful: {}", doubtful.join(", ")));
        }
        sentences.extend(self.warnings.iter().map(|warning| format!("note: {warning}")));
        sentences
    }

    fn table(&self) -> Table {
        let candidates = |neuron: &Named| {
            let shown = neuron.candidates.iter().map(|(name, p)| format!("{name} {p:.2}"));
            shown.collect::<Vec<_>>().join(", ")
        };
        Table::new()
            .with("test_index", column(self, |neuron| neuron.test))
            .with(
                "template_index",
                column(self, |neuron| neuron.template.map_or(-1, |t| t as i64)),
            )
            .with("name", column(self, |neuron| neuron.name.clone()))
            .with("given_name", column(self, |neuron| neuron.given.clone()))
            .with("prob", column(self, |neuron| neuron.probability))
            .with("logp", column(self, |neuron| neuron.log_p))
            .with("margin", column(self, |neuron| neuron.margin))
            .with("is_outlier", column(self, |neuron| neuron.template.is_none()))
            .with("x_um", column(self, |neuron| neuron.position_um[0]))
            .with("y_um", column(self, |neuron| neuron.position_um[1]))
            .with("z_um", column(self, |neuron| neuron.position_um[2]))
            .with("candidates", column(self, candidates))
    }

    fn figures(&self, _: &Origin) -> Vec<Shown> {
        let mut confidence: Vec<f64> = self
            .neurons
            .iter()
            .filter(|neuron| neuron.template.is_some())
            .map(|neuron| neuron.probability)
            .collect();
        confidence.sort_by(|a, b| b.total_cmp(a));
        let rank: Vec<f64> = (1..=confidence.len()).map(|rank| rank as f64).collect();
        let side = |name: &str, y: usize, unit: &str| {
            let of = |matched: bool| -> (Vec<f64>, Vec<f64>) {
                let chosen = self
                    .neurons
                    .iter()
                    .filter(|neuron| neuron.template.is_some() == matched);
                chosen
                    .map(|neuron| (neuron.position_um[0], neuron.position_um[y]))
                    .unzip()
            };
            let (matched, others) = (of(true), of(false));
            Panel::new("x (µm)", format!("{name} ({unit})"))
                .series(
                    Series::points(matched.0, matched.1)
                        .label("matched")
                        .color(Color::Blue),
                )
                .series(
                    Series::points(others.0, others.1)
                        .label("no counterpart")
                        .color(Color::Grey),
                )
        };
        let figure = Figure {
            name: "identified".to_owned(),
            title: format!("{} of {} neurons have a counterpart", confidence.len(), self.neurons.len()),
            caption: "Positions of the test worm from above and from the side; probabilities of the decisions, sorted.".to_owned(),
            columns: 3,
            panels: vec![
                side("y", 1, "µm"),
                side("z", 2, "µm"),
                Panel::new("neuron, by confidence", "probability")
                    .series(Series::line(rank.clone(), confidence.clone()))
                    .y_range(0.0, 1.0),
            ],
        };
        let numbers = Table::new().with("rank", rank).with("prob", confidence);
        vec![Shown { figure, numbers }, self.drawn()]
    }
}

/// Distance of the two clouds in the drawing, µm.
const APART: f64 = 60.0;

/// Seen from the side and a little from above: (x, y, z) on the page.
fn page(p: &Point, lift: f64) -> (f64, f64) {
    (p[0] + 0.45 * p[1], lift + p[2] + 0.35 * p[1])
}

impl Identified {
    /// Both clouds in projection, matched neurons joined.
    fn drawn(&self) -> Shown {
        let [mut right, mut wrong, mut open] = [(); 3].map(|()| (Vec::new(), Vec::new()));
        let mut joined = Table::new();
        let (mut tests, mut templates) = (Vec::new(), Vec::new());
        for neuron in &self.neurons {
            let Some(template) = neuron.template else { continue };
            tests.push(neuron.test);
            templates.push(template);
            let line = match (neuron.given.as_str(), neuron.name.as_str()) {
                ("", _) | (_, "") => &mut open,
                (given, name) if given == name => &mut right,
                _ => &mut wrong,
            };
            let (from, to) = (
                page(&self.laid.test[neuron.test], 0.0),
                page(&self.laid.template[template], APART),
            );
            line.0.extend([from.0, to.0, f64::NAN]);
            line.1.extend([from.1, to.1, f64::NAN]);
        }
        joined = joined.with("test_index", tests).with("template_index", templates);
        let cloud = |points: &[Point], lift: f64| -> (Vec<f64>, Vec<f64>) {
            points.iter().map(|p| page(p, lift)).unzip()
        };
        let (test, template) = (cloud(&self.laid.test, 0.0), cloud(&self.laid.template, APART));
        let panel = Panel::new(
            "along the body (µm), seen obliquely",
            "µm; template above, test worm below",
        )
        .series(
            Series::line(open.0, open.1)
                .color(Color::Grey)
                .label("matched, no two names to compare"),
        )
        .series(
            Series::line(right.0, right.1)
                .color(Color::Blue)
                .label("names agree"),
        )
        .series(
            Series::line(wrong.0, wrong.1)
                .color(Color::Vermillion)
                .label("names differ"),
        )
        .series(Series::points(template.0, template.1).color(Color::Black))
        .series(Series::points(test.0, test.1).color(Color::Black))
        .size(760.0, 420.0);
        let figure = Figure {
            name: "matched".to_owned(),
            title: self.sentences().into_iter().next().unwrap_or_default(),
            caption: "Each cloud about its median, body along x, in oblique projection; lines join matched neurons.".to_owned(),
            columns: 1,
            panels: vec![panel],
        };
        Shown {
            figure,
            numbers: joined,
        }
    }
}

/// One value a neuron.
fn column<T>(identified: &Identified, value: impl Fn(&Named) -> T) -> Column
where
    Vec<T>: Into<Column>,
{
    identified.neurons.iter().map(value).collect::<Vec<T>>().into()
}
