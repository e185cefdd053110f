//! Computes figures of the paper from Rust: `cargo run --example figures -- FOLDER 2 3 app7`, quick.

use neuropil_study::life::save_figure;
use neuropil_study::{Unwatched, claims_markdown};
use neuropil_successor::paper::{Course, Effort, part};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (folder, names) = given.split_first().ok_or("FOLDER FIGURE…")?;
    std::fs::create_dir_all(folder)?;
    let mut claims = Vec::new();
    for name in names {
        let course = Course {
            question: format!("figure {name}"),
            journal: None,
            watch: &Unwatched,
        };
        let effort = Effort { quick: true, seed: 1 };
        let told = part(name, effort, &course).map_err(|problem| problem.to_string())?;
        let (answers, found) = told.ok_or("stopped")?;
        for shown in answers.iter().flat_map(|answer| &answer.figures) {
            save_figure(Path::new(folder), Path::new(folder), shown)
                .map_err(|problem| problem.to_string())?;
        }
        claims.extend(found);
    }
    std::fs::write(Path::new(folder).join("claims.md"), claims_markdown(&claims))?;
    Ok(())
}
