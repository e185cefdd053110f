//! Computes figures of the paper from Rust: `cargo run --example figures -- FOLDER 2 3 app7`, quick.

use neuropil_study::claims_markdown;
use neuropil_study::life::save_figure;
use neuropil_successor::paper::{Effort, part};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (folder, names) = given.split_first().ok_or("FOLDER FIGURE…")?;
    std::fs::create_dir_all(folder)?;
    let mut claims = Vec::new();
    for name in names {
        let (answers, found) = part(name, Effort { quick: true, seed: 1 })?;
        for shown in answers.iter().flat_map(|answer| &answer.figures) {
            save_figure(Path::new(folder), Path::new(folder), shown)
                .map_err(|problem| problem.to_string())?;
        }
        claims.extend(found);
    }
    std::fs::write(Path::new(folder).join("claims.md"), claims_markdown(&claims))?;
    Ok(())
}
