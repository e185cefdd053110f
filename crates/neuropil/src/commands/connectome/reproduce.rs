//! `neuropil reproduce connectome`: the paper's numbers beside those of its data.

use super::long_run::LongRun;
use crate::cli::{Global, ReproduceArgs};
use crate::exit::CHECK_FAILED;
use crate::process::thread_pool;
use crate::terminal::print_json;
use neuropil_connectome::cascade::Settings;
use neuropil_connectome::error::DataError;
use neuropil_connectome::{read, reproduce};
use neuropil_lab::error::Problem;
use neuropil_lab::{atomic, provenance};
use neuropil_study::{Band, Claim, Found};
use std::fmt::Write;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &ReproduceArgs, global: &Global) -> Result<u8, Problem> {
    let [data] = &args.parts[..] else {
        return Err(Problem::new(
            format!("{} data files, expected one", args.parts.len()),
            "neuropil reproduce connectome supplement_s1.zip",
        ));
    };
    let pool = thread_pool(global.threads)?;
    let settings = Settings {
        seed: args.seeds.map(|(first, _)| first).or(global.seed).unwrap_or(1),
        ..Settings::default()
    };
    let long = LongRun::new(None)?;
    let claims = pool.install(|| -> Result<_, DataError> {
        let connectome = read::load(Path::new(data))?;
        reproduce::claims(&connectome, &settings, long.watch())
    })?;
    long.finish();
    let answer = reproduce::answer(&claims, &settings);
    if global.json {
        print_json(&claims.iter().map(judged).collect::<Vec<_>>())?;
    } else {
        super::print_for_people(&answer, usize::MAX)?;
    }
    if let Some(path) = &args.table {
        let mut document = answer.json.clone();
        document["command"] = provenance::command().into();
        document["cpu"] = provenance::cpu().into();
        document["date"] = provenance::now().into();
        let text = serde_json::to_vec_pretty(&document).expect("claims are JSON");
        atomic::write(path, &text)?;
        let mut markdown = format!(
            "{}\n\n| {} |\n|{}\n",
            answer.summary[0],
            answer.headers.join(" | "),
            "---|".repeat(6)
        );
        for row in &answer.rows {
            let _ = writeln!(markdown, "| {} |", row.join(" | "));
        }
        atomic::write(&path.with_extension("md"), markdown.as_bytes())?;
        let name = Path::new(data).file_name().unwrap_or_default().to_string_lossy();
        let page = reproduce::page(&answer, &name).to_html();
        let page = page.map_err(|error| Problem::new(error.to_string(), "report this as a bug"))?;
        atomic::write(&path.with_extension("html"), page.as_bytes())?;
    }
    let all = claims.iter().all(reproduce::Claim::holds);
    Ok(if all { 0 } else { CHECK_FAILED })
}

/// A number of the paper beside that of the data, as every system tells it.
fn judged(claim: &reproduce::Claim) -> Claim {
    let said = if claim.paper.is_empty() {
        format!("data: {}", claim.data)
    } else {
        claim.paper.to_owned()
    };
    let band = Band::between(claim.band.0, claim.band.1);
    Claim::new(
        claim.part,
        claim.what.as_str(),
        said,
        band,
        Found::one(claim.ours),
    )
}
