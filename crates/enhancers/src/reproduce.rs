//! What the paper reports, computed anew: the released table of associations, and the calibration of the test.

use std::path::Path;

use neuropil_draw::{Color, Figure, Panel, Report, Section, Series};
use neuropil_lab::error::Problem;
use neuropil_study::{Asked, Band, Claim, Found, Reproduced, Watch, claims_table};

use crate::associate::{self, Released};
use crate::calibrate::{Calibration, Trial, calibrate};
use crate::error::InputError;
use crate::table::Table;
use crate::tree::{self, Choice, Tree};

/// The released table and the calibration. `parts` are files: the table of associations, and a species tree.
///
/// # Errors
/// Files that cannot be read or understood.
pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let mut released = None;
    let mut tree = None;
    for part in asked.parts {
        let path = Path::new(part);
        let text = crate::text::read_to_string(path)?;
        if text.trim_start().starts_with('(') || text.trim_start().to_lowercase().starts_with("#nexus") {
            tree = Some(tree::read(path, &Choice::Only)?.tree);
        } else {
            let table = Table::parse(&text).map_err(|error| error.in_file(path))?;
            released = Some(associate::released(&table).map_err(|error| error.in_file(path))?);
        }
    }
    let mut claims = claims_of_table(released.as_ref());
    let (tree, named) = match tree {
        Some(tree) => (tree, "the given tree"),
        None => (invented()?, "an invented tree of 120 species"),
    };
    let (first, last) = asked.seeds.unwrap_or(if asked.quick { (1, 3) } else { (1, 10) });
    let trial = if asked.quick {
        Trial {
            regions: 150,
            planted: 10,
            ..Trial::default()
        }
    } else {
        Trial::default()
    };
    let mut found = Vec::new();
    for seed in first..=last {
        if watch.stopped() {
            return Ok(Reproduced {
                interrupted: true,
                ..Reproduced::default()
            });
        }
        let calibration = calibrate(&tree, &trial, seed)?;
        watch.say(&format!(
            "seed {seed}: {} of {} planted regions recovered, {} false",
            calibration.recovered, calibration.planted, calibration.false_discoveries
        ));
        found.push(calibration);
    }
    claims.extend(claims_of_calibration(&found, named));
    let held = claims
        .iter()
        .all(|claim| claim.verdict() != neuropil_study::Verdict::Outside);
    let sections = vec![
        Section {
            title: "Claims".into(),
            table: Some(claims_table(&claims)),
            ..Section::default()
        },
        Section {
            title: "Planted regions, seed by seed".into(),
            figure: Some(figure(&found, named)),
            ..Section::default()
        },
    ];
    let page = Report {
            title: "Enhancers and traits, reproduced".into(),
            lead: "The released table adjusted anew, and the association tried on predictions whose associations are known.".into(),
            sections,
            ..Report::default()
        };
    Ok(Reproduced {
        claims,
        page: Some(page),
        held,
        folder: Some(asked.folder("runs/enhancers")),
        ..Reproduced::default()
    })
}

/// Planted regions that were found, false ones beside them, and p-values where nothing was planted.
fn figure(found: &[Calibration], tree: &str) -> Figure {
    let seeds: Vec<f64> = found.iter().map(|found| found.seed as f64).collect();
    let share = |of: fn(&Calibration) -> f64| found.iter().map(of).collect::<Vec<f64>>();
    let regions = Panel::new("seed", "fraction")
        .y_range(0.0, 1.0)
        .h_line(0.1)
        .series(
            Series::points(
                seeds.clone(),
                share(|c| c.recovered as f64 / c.planted.max(1) as f64),
            )
            .label("planted that have q < 0.1"),
        )
        .series(
            Series::points(seeds.clone(), share(Calibration::false_discovery_rate))
                .label("false among q < 0.1")
                .color(Color::Vermillion),
        );
    let nulls = Panel::new("seed", "p ≤ 0.05 where nothing was planted")
        .y_range(0.0, 0.2)
        .h_line(0.05)
        .series(Series::points(seeds, share(|c| c.null_below_005)));
    Figure {
        name: "calibration".into(),
        title: "Planted regions found, false ones among them, and nulls".into(),
        caption: format!(
            "Invented predictions on {tree}; {} seeds. Lines: what is asked for.",
            found.len()
        ),
        columns: 2,
        panels: vec![regions, nulls],
    }
}

fn invented() -> Result<Tree, InputError> {
    let plan = crate::simulate::Invention {
        species: 120,
        regions: 1,
        planted: 0,
        training: 60,
        ..crate::simulate::Invention::default()
    };
    Ok(crate::simulate::invent(&plan)?.tree)
}

/// Numbers of regions below three bounds in the table of PV interneurons and vocal learning.
fn claims_of_table(released: Option<&Released>) -> Vec<Claim> {
    [(0.05, 3.0), (0.1, 6.0), (0.15, 8.0)]
        .into_iter()
        .map(|(bound, paper)| {
            let found = released.map_or_else(Found::nothing, |table| {
                Found::one(table.q.iter().filter(|&&q| q < bound).count() as f64).digits(0)
            });
            let what = format!("PV interneurons, vocal learning: regions with q < {bound}");
            Claim::new(
                "Released table",
                what,
                format!("{paper}"),
                Band::around(paper, 0.0),
                found,
            )
        })
        .collect()
}

fn claims_of_calibration(found: &[Calibration], tree: &str) -> Vec<Claim> {
    let each = |f: fn(&Calibration) -> f64| Found::each(found.iter().map(f).collect()).of("seeds");
    let what = |text: &str| format!("{text}, on {tree}");
    vec![
        Claim::new(
            "Permulations",
            what("false among regions with q < 0.1"),
            "0.1 expected",
            Band::at_most(0.15),
            Found::one(
                found.iter().map(Calibration::false_discovery_rate).sum::<f64>() / found.len().max(1) as f64,
            ),
        ),
        Claim::new(
            "Permulations",
            what("planted regions recovered"),
            "not reported",
            Band::at_least(0.5),
            each(|c| c.recovered as f64 / c.planted.max(1) as f64),
        ),
        Claim::new(
            "Permulations",
            what("Kolmogorov–Smirnov p of null p-values"),
            "uniform",
            Band::at_least(0.01),
            each(|c| c.null_ks_p),
        ),
        Claim::new(
            "Permulations",
            what("null p-values at or below 0.05"),
            "0.05",
            Band::between(0.02, 0.08),
            each(|c| c.null_below_005),
        ),
    ]
}
