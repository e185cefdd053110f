//! `neuropil enhancers associate`: predictions against a trait, here, in shares, or on Slurm.

use super::{heard, tell};
use crate::cli::enhancers::{AssociateArgs, TraitKind};
use crate::commands::sweep::slurm_arrays;
use crate::process;
use crate::terminal::say;
use neuropil_enhancers::associate::{Filters, Plan};
use neuropil_enhancers::cnn::train::Settings;
use neuropil_enhancers::run::{self as study, News};
use neuropil_enhancers::settings::{NetworkChoice, Predictions, StudyFile, TraitFile, TreeFile};
use neuropil_enhancers::traits::Kind;
use neuropil_lab::error::Problem;
use neuropil_lab::sweep::slurm::Work;
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &AssociateArgs, quiet: bool) -> Result<u8, Problem> {
    let file = file(args)?;
    if args.slurm.slurm {
        return on_slurm(args);
    }
    let pool = process::thread_pool(args.threads)?;
    let hear = &mut |news: &News| heard(news, quiet);
    if let Some(shard) = args.shard {
        let regions = pool.install(|| study::run_shard(&file, &args.out, shard, hear))?;
        say!("share {shard}: {regions} regions are counted; the command without `--shard` puts all together");
        return Ok(0);
    }
    let outcome = pool.install(|| study::run_settings(&file, Path::new(""), &args.out, hear))?;
    tell(&outcome, args.json)?;
    Ok(0)
}

/// What was typed as the settings of a study.
fn file(args: &AssociateArgs) -> Result<StudyFile, Problem> {
    if !(0.0..=1.0).contains(&args.min_fraction) {
        return Err(Problem::bare(format!(
            "--min-fraction is {}, expected 0 to 1",
            args.min_fraction
        )));
    }
    Ok(StudyFile {
        seed: args.seed,
        sequences: None,
        predictions: Some(Predictions {
            file: args.predictions.clone(),
            species: args.species.clone(),
            any_feature: args.any_feature,
        }),
        network: NetworkChoice::default(),
        training: Settings::default(),
        tree: TreeFile {
            file: args.tree.clone(),
            number: args.tree_number,
        },
        response: TraitFile {
            file: args.traits.clone(),
            column: args.column.clone(),
            kind: match args.kind {
                TraitKind::Continuous => Kind::Continuous,
                TraitKind::Binary => Kind::Binary,
            },
        },
        association: Filters {
            min_fraction: args.min_fraction,
            min_foreground: args.min_foreground,
        },
        permulations: plan(args)?,
    })
}

fn plan(args: &AssociateArgs) -> Result<Plan, Problem> {
    let mut plan = Plan {
        seed: args.seed,
        conditional: !args.unconditional,
        stop_when: args.stop_when,
        ..Plan::default()
    };
    if let Some(totals) = &args.totals {
        plan.totals.clone_from(totals);
        plan.thresholds.truncate(totals.len().saturating_sub(1));
    }
    if args.only_scan {
        plan.totals.clear();
    }
    plan.check().map_err(|error| {
        let option = format!("--{}", error.field.as_deref().unwrap_or_default());
        error.in_field(option)
    })?;
    Ok(plan)
}

/// Submits the same command, a share a task.
fn on_slurm(args: &AssociateArgs) -> Result<u8, Problem> {
    let folder = whole(&args.out)?;
    let work = Work {
        folder: Path::new(&folder),
        kind: "associate",
        name: &args.column,
        pieces: args.shards,
    };
    let numbers: Vec<usize> = (1..=args.shards).collect();
    slurm_arrays(&work, &numbers, &words(args)?, &args.slurm, args.threads)?;
    Ok(0)
}

/// A whole path: tasks start elsewhere and later.
fn whole(path: &Path) -> Result<String, Problem> {
    std::path::absolute(path)
        .map(|path| path.to_string_lossy().into_owned())
        .map_err(|error| Problem::bare(format!("{}: {error}", path.display())))
}

/// What is to be typed for the same work.
fn words(args: &AssociateArgs) -> Result<Vec<String>, Problem> {
    let mut words: Vec<String> = ["-q", "enhancers", "associate"].map(str::to_owned).to_vec();
    words.push(whole(&args.predictions)?);
    let mut say = |option: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{option}={value}")));
    };
    say("--species", args.species.as_deref().map(whole).transpose()?);
    say("--tree", Some(whole(&args.tree)?));
    say("--tree-number", args.tree_number.map(|number| number.to_string()));
    say("--traits", Some(whole(&args.traits)?));
    say("--column", Some(args.column.clone()));
    let kind = match args.kind {
        TraitKind::Continuous => "continuous",
        TraitKind::Binary => "binary",
    };
    say("--kind", Some(kind.to_owned()));
    say("--seed", Some(args.seed.to_string()));
    let listed = |totals: &Vec<u64>| totals.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    say("--totals", args.totals.as_ref().map(listed));
    say("--stop-when", args.stop_when.map(|enough| enough.to_string()));
    say("--min-foreground", Some(args.min_foreground.to_string()));
    say("--min-fraction", Some(args.min_fraction.to_string()));
    say("--out", Some(whole(&args.out)?));
    for (option, given) in [
        ("--unconditional", args.unconditional),
        ("--any-feature", args.any_feature),
    ] {
        if given {
            words.push(option.to_owned());
        }
    }
    Ok(words)
}
