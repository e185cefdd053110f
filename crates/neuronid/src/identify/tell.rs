//! What is told of a named worm.

use super::{Identified, Named};
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
        vec![Shown { figure, numbers }]
    }
}

/// One value a neuron.
fn column<T>(identified: &Identified, value: impl Fn(&Named) -> T) -> Column
where
    Vec<T>: Into<Column>,
{
    identified.neurons.iter().map(value).collect::<Vec<T>>().into()
}
