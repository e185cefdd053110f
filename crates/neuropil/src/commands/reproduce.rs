//! `neuropil reproduce`: for `song` every task of the paper to its criterion, over many seeds.

use super::seeds::{print, train_all};
use super::train::{Summary, interrupted, listen_for_interrupts, thread_pool};
use crate::cli::{ReproduceArgs, TrainArgs};
use crate::failure::{CHECK_FAILED, Failure, INTERRUPTED};
use neuropil_lab::{atomic, provenance};
use neuropil_tasks::registry;
use serde_json::json;
use std::fmt::Write;

/// Runs the command. Finished runs are taken as they are, unfinished ones go on.
pub(crate) fn run(args: &ReproduceArgs, quiet: bool) -> Result<u8, Failure> {
    if args.system == "connectome" {
        return super::connectome::reproduce::run(args);
    }
    listen_for_interrupts();
    let pool = thread_pool(args.threads)?;
    let published = || {
        registry::PUBLISHED
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    };
    let further = || registry::FURTHER.iter().map(|name| (*name).to_owned());
    let tasks: Vec<String> = if args.tasks.is_empty() {
        published()
    } else if args.tasks == ["further"] {
        further().collect()
    } else {
        args.tasks.clone()
    };
    let mut summaries: Vec<Summary> = Vec::new();
    for task in tasks {
        let train = TrainArgs {
            task,
            seed: None,
            seeds: Some(args.seeds),
            threads: args.threads,
            out: Some(args.out.clone()),
            updates: None,
            settings: args.settings.clone(),
            resume: true,
            force: false,
            only: true,
            json: false,
        };
        let (from, to) = args.seeds;
        summaries.extend(train_all(&train, &args.out, from..=to, &pool, true)?);
        if !quiet && let Some(last) = summaries.last() {
            eprintln!("{}: done", last.task);
        }
        if interrupted() {
            return Ok(INTERRUPTED);
        }
    }
    print(&summaries);
    if let Some(path) = &args.table {
        let document = json!({
            "command": std::env::args().collect::<Vec<_>>().join(" "),
            "cpu": provenance::cpu(),
            "vectors": neuropil_math::simd::level().name(),
            "date": provenance::now(),
            "runs": summaries,
        });
        atomic::write(
            path,
            &serde_json::to_vec_pretty(&document).expect("summaries are JSON"),
        )?;
        atomic::write(&path.with_extension("md"), markdown(&summaries).as_bytes())?;
    }
    Ok(if summaries.iter().all(|summary| summary.criterion_met) {
        0
    } else {
        CHECK_FAILED
    })
}

fn markdown(summaries: &[Summary]) -> String {
    let mut text = String::from(
        "| task | seed | criterion | trials | restarts | decided % | correct % | time s | last validation |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for s in summaries {
        let met = if s.criterion_met { "met" } else { "not met" };
        let _ = writeln!(
            text,
            "| {} | {} | {met} | {} | {} | {} | {} | {:.1} | {} |",
            s.task,
            s.seed,
            s.trials,
            s.restarts,
            s.percent(s.percent_decided),
            s.percent(s.percent_correct),
            s.wall_seconds,
            s.came_to()
        );
    }
    text
}
