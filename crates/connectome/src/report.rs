//! One page with every figure of a connectome, each with its numbers.

use crate::answer::{
    Answer, CascadeQuestion, InfluenceQuestion, LayersQuestion, NullQuestion, PathsQuestion, Strong,
    TypesQuestion, cascade_answer, direction_answer, feedback_answer, flow_answer, hemispheres_answer,
    hubs_answer, influence_answer, integration_answer, layers_answer, motifs_answer, nulls_answer,
    paths_answer, recurrence_answer, stats_answer, symmetry_answer, types_answer,
};
use crate::cascade::{Settings, output_stops};
use crate::data::Connectome;
use crate::error::DataError;
use crate::hemispheres::excision::ExcisionSettings;
use crate::integration::modalities;
use crate::layers::Way;
use crate::nulls::Null;
use crate::threshold::{PairRule, Threshold};
use crate::types::TypeSettings;
use crate::unit_cascades::{Watch, unit_cascades};
use crate::winding2023;
use neuropil_draw::{Figure, Report, Section};

/// Rows of a table that the page shows.
const LONGEST_TABLE: usize = 200;

/// What the report asks for besides the data.
#[derive(Clone, Debug)]
pub struct ReportSettings {
    /// Cascades.
    pub cascades: Settings,
    /// Random graphs behind null models and motifs.
    pub nulls: usize,
    /// Random excisions.
    pub excisions: usize,
    /// Seeds of the types; with several, their consensus.
    pub seeds: usize,
    /// Longest path, edges.
    pub cutoff: usize,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            cascades: Settings::default(),
            nulls: 20,
            excisions: 40,
            seeds: 4,
            cutoff: winding2023::PATH_CUTOFF,
        }
    }
}

/// A section of the page: name, and what it answers.
pub type Part = (&'static str, Answer);

/// Every answer that the data allow, in the order of the paper; what is missing for the others is said in words.
///
/// `began` is told the name of each part before it is computed, `watch` is of the cascades from all units.
///
/// # Errors
/// A layer that does not exist, settings that cannot run.
pub fn parts(
    c: &Connectome,
    settings: &ReportSettings,
    watch: Watch<'_>,
    began: &mut dyn FnMut(&str),
) -> Result<(Vec<Part>, Vec<String>), DataError> {
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    let (layer, s) = (c.default_layer(), &settings.cascades);
    let strong = Strong {
        layer,
        threshold: Threshold::Fraction(winding2023::INPUT_FRACTION),
        rule: PairRule::Mean,
    };
    let nulls = NullQuestion {
        null: Null::Degree,
        count: settings.nulls,
        seed: s.seed,
        column: "celltype",
    };
    let types = TypesQuestion {
        settings: TypeSettings {
            seed: s.seed,
            ..TypeSettings::default()
        },
        seeds: settings.seeds,
        ..TypesQuestion::default()
    };
    let cuts = ExcisionSettings {
        cutoff: settings.cutoff,
        repeats: settings.excisions,
        seed: s.seed,
        ..ExcisionSettings::default()
    };
    let mut attempt = |name: &'static str, ask: &mut dyn FnMut() -> Result<Answer, DataError>| {
        began(name);
        match ask() {
            Ok(answer) => {
                let answer = answer.drawable();
                // Without a figure there is no section: the page would be silent about it.
                if answer.figures.is_empty() {
                    missing.push(format!("{name}: {}", answer.summary.join("; ")));
                }
                parts.push((name, answer));
            }
            Err(error) => missing.push(format!("{name}: {error}")),
        }
    };
    attempt("stats", &mut || stats_answer(c));
    attempt("flow", &mut || flow_answer(c, "all", s.seed));
    attempt("types", &mut || types_answer(c, &types));
    attempt("hubs", &mut || {
        hubs_answer(c, layer, strong.threshold, strong.rule, None, s.seed)
    });
    attempt("layers", &mut || {
        let question = LayersQuestion {
            strong,
            way: Way::Downstream,
            sets: modalities(c),
            hops: winding2023::LAYERS,
        };
        layers_answer(c, &question)
    });
    if let Some((name, sources)) = modalities(c).first() {
        attempt("cascade", &mut || {
            let stop = output_stops(c);
            let question = CascadeQuestion {
                name,
                layer,
                stop: &stop,
                hops: s.max_hops,
                exact: false,
                signed: false,
                settings: s,
            };
            cascade_answer(c, sources, &question)
        });
    }
    attempt("integration", &mut || integration_answer(c, layer, s.max_hops, s));
    attempt("hemispheres", &mut || {
        hemispheres_answer(c, layer, strong.threshold, s, &cuts)
    });
    attempt("symmetry", &mut || symmetry_answer(c, "all", "celltype"));
    let short = s.max_hops.min(winding2023::RECURRENCE_HOPS);
    let mut cascades = None;
    attempt("recurrence", &mut || {
        let all = cascades.insert(unit_cascades(c, layer, &[short, s.max_hops], s, watch)?);
        Ok(recurrence_answer(c, all))
    });
    attempt("direction", &mut || {
        let column = ["level_7_cluster", "celltype"]
            .into_iter()
            .find(|name| c.neurons.column(name).is_some())
            .unwrap_or("celltype");
        let few = Settings {
            runs: winding2023::DIRECTION_RUNS,
            max_hops: winding2023::DIRECTION_HOPS + 1,
            ..s.clone()
        };
        direction_answer(c, layer, column, winding2023::DIRECTION_HOPS, &few)
    });
    if let Some(all) = &cascades {
        attempt("feedback", &mut || feedback_answer(c, all));
    }
    attempt("paths", &mut || {
        let (from, to) = (c.members("io", "input"), c.members("io", "output"));
        let question = PathsQuestion {
            strong,
            ends: [("inputs", &from), ("outputs", &to)],
            cutoff: settings.cutoff,
        };
        paths_answer(c, &question)
    });
    attempt("motifs", &mut || {
        let (down, up) = (
            c.members("celltype", "DN-VNC"),
            c.members("celltype", "ascending"),
        );
        let chain =
            (!down.is_empty() && !up.is_empty()).then_some([("DN-VNC", &down[..]), ("ascending", &up[..])]);
        motifs_answer(c, &strong, &nulls, chain)
    });
    attempt("nulls", &mut || nulls_answer(c, &strong, &nulls));
    attempt("influence", &mut || {
        let inputs = modalities(c);
        let (name, sources) = inputs
            .first()
            .map_or(("inputs", &[][..]), |(name, s)| (name.as_str(), s.as_slice()));
        let question = InfluenceQuestion {
            layer,
            sources: (name, sources),
            radius: 0.99,
            offset: 24.0,
            hops: 5,
            signs: None,
        };
        influence_answer(c, &question)
    });
    Ok((parts, missing))
}

/// The page. Long tables stand in the CSV files beside it only; `origin` says where the page comes from: version, command,
/// seed, date, files and their hashes.
pub fn page(
    c: &Connectome,
    name: &str,
    parts: &[Part],
    missing: &[String],
    origin: Vec<(String, String)>,
) -> Report {
    // The words of a part stand above its first figure.
    let figures = parts.iter().flat_map(|(_, answer)| {
        let text = std::iter::once(answer.summary.join("\n\n")).chain(std::iter::repeat(String::new()));
        answer.figures.iter().zip(text)
    });
    let sections = figures.map(|((figure, table), text)| Section {
        title: figure.title.clone(),
        text,
        figure: Some(Figure {
            title: String::new(),
            ..figure.clone()
        }),
        table: (table.rows.len() <= LONGEST_TABLE).then(|| table.clone()),
    });
    let columns: Vec<&str> = c.neurons.columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut details = vec![("Columns of the neuron table".to_owned(), columns.join(", "))];
    if !c.warnings.is_empty() || !missing.is_empty() {
        details.push((
            "Warnings".to_owned(),
            [c.warnings.clone(), missing.to_vec()].concat().join("\n"),
        ));
    }
    details.extend(origin);
    let synapses: f64 = c.layers.values().map(crate::graph::Csr::total).sum();
    Report {
        title: format!("Connectome: {name}"),
        lead: format!(
            "{} neurons in {} homologous pairs, {synapses} synapses in {} layers. Every figure has its numbers below it or in a file of its name.",
            c.n(),
            c.pairs.len(),
            c.layers.len()
        ),
        facts: vec![
            ("neurons".to_owned(), c.n().to_string()),
            ("pairs".to_owned(), c.pairs.len().to_string()),
            ("synapses".to_owned(), synapses.to_string()),
            ("layers".to_owned(), c.layers.len().to_string()),
        ],
        sections: sections.collect(),
        details,
    }
}
