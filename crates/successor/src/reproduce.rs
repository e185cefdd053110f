//! What the paper reports, computed here: one table, one page.

use crate::paper::{Course, Effort, PARTS, part};
use neuropil_draw::{Report, Section};
use neuropil_lab::error::{Problem, did_you_mean};
use neuropil_study::life::save_figure;
use neuropil_study::{Answer, Asked, Claim, Reproduced, Verdict, Watch, claims_table};
use std::path::Path;

/// The parts that are asked for, or all.
fn wanted(asked: &[String]) -> Result<Vec<(&'static str, &'static str)>, Problem> {
    if asked.is_empty() {
        return Ok(PARTS.to_vec());
    }
    let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    let find = |name: &String| {
        let plain = name.trim_start_matches("figure-").trim_start_matches("fig");
        PARTS
            .iter()
            .copied()
            .find(|(known, _)| *known == plain)
            .ok_or_else(|| {
                Problem::new(
                    format!("no figure `{name}`"),
                    did_you_mean(plain, "figures", &known),
                )
            })
    };
    asked.iter().map(find).collect()
}

/// Computes the parts that are asked for: claims, and a page with every figure.
///
/// # Errors
/// An unknown part; files cannot be written.
pub(crate) fn reproduce(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Reproduced, Problem> {
    let parts = wanted(asked.parts)?;
    let effort = Effort {
        quick: asked.quick,
        seed: asked.seeds.map_or(1, |(first, _)| first),
    };
    let folder = asked.folder(if asked.quick {
        "runs/successor-quick"
    } else {
        "runs/successor"
    });
    let (mut claims, mut sections, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (name, title) in parts {
        watch.say(&format!("figure {name}: {title}"));
        let kept = folder.join("kept");
        std::fs::create_dir_all(&kept)
            .map_err(|error| Problem::bare(format!("{}: {error}", kept.display())))?;
        let course = Course {
            question: format!(
                "successor figure {name}, seed {}{}, {}",
                effort.seed,
                if effort.quick { ", quick" } else { "" },
                env!("CARGO_PKG_VERSION")
            ),
            journal: Some(&kept.join(format!("figure-{name}.jsonl"))),
            watch,
        };
        let Some((answers, found)) = part(name, effort, &course)? else {
            return Ok(Reproduced {
                claims,
                interrupted: true,
                folder: Some(folder),
                ..Reproduced::default()
            });
        };
        for (i, answer) in answers.iter().enumerate() {
            sections.extend(sections_of(name, title, answer));
            let json = serde_json::to_vec_pretty(&answer.json).expect("a value is JSON");
            made.push((
                format!(
                    "results/figure-{name}{}.json",
                    if i == 0 { String::new() } else { format!("-{i}") }
                ),
                json,
            ));
        }
        keep_figures(&folder, &answers)?;
        claims.extend(found);
    }
    let held = claims
        .iter()
        .all(|claim: &Claim| claim.verdict() == Verdict::InBand);
    Ok(Reproduced {
        page: Some(page(asked, &claims, sections)),
        claims,
        files: made,
        folder: Some(folder),
        held,
        ..Reproduced::default()
    })
}

fn sections_of(name: &str, title: &str, answer: &Answer) -> Vec<Section> {
    let figures = answer.figures.iter().enumerate().map(|(i, shown)| Section {
        title: if i == 0 {
            format!("Figure {name}: {title}")
        } else {
            shown.figure.title.clone()
        },
        text: if i == 0 {
            answer.sentences.join("\n\n")
        } else {
            String::new()
        },
        figure: Some(shown.figure.clone()),
        table: None,
    });
    figures.collect()
}

/// Writes figures and their numbers.
///
/// # Errors
/// Files cannot be written.
fn keep_figures(folder: &Path, answers: &[Answer]) -> Result<(), Problem> {
    let (figures, results) = (folder.join("figures"), folder.join("results"));
    for place in [&figures, &results] {
        std::fs::create_dir_all(place)
            .map_err(|error| Problem::bare(format!("{}: {error}", place.display())))?;
    }
    answers
        .iter()
        .flat_map(|answer| &answer.figures)
        .try_for_each(|shown| save_figure(&figures, &results, shown))
}

fn page(asked: &Asked<'_>, claims: &[Claim], sections: Vec<Section>) -> Report {
    let held = claims
        .iter()
        .filter(|claim| claim.verdict() == Verdict::InBand)
        .count();
    let mut all = vec![Section {
        title: "Claims".to_owned(),
        text: "Bands around values that were measured independently are three standard errors, or as stated."
            .to_owned(),
        table: Some(claims_table(claims)),
        ..Section::default()
    }];
    all.extend(sections);
    let how = if asked.quick {
        "quick: fewer walks, a coarse grid"
    } else {
        "full"
    };
    Report {
        title: "Fang, Aronov, Abbott & Mackevicius 2023".to_owned(),
        lead: format!(
            "{held} of {} claims in band ({how}). Walks are random: the birds' trajectories are not public.",
            claims.len()
        ),
        sections: all,
        ..Report::default()
    }
}
