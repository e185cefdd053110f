//! `neuropil gating`: what only the sequences of tasks need.

use super::test::print;
use crate::cli::Global;
use crate::cli::gating::{CheckArgs, DataVerb, GatingArgs, GatingVerb};
use crate::terminal::print_json;
use neuropil_gating::data::{Dataset, Reading};
use neuropil_lab::error::Problem;
use neuropil_study::{Answer, Origin};

/// Runs the command.
pub(crate) fn run(args: &GatingArgs, global: &Global) -> Result<u8, Problem> {
    let GatingVerb::Data(DataVerb::Check(args)) = &args.verb;
    check(args, global)
}

fn check(args: &CheckArgs, global: &Global) -> Result<u8, Problem> {
    let reading = Reading {
        label_column: args.label_column.clone(),
        upright: args.upright,
        coarse: args.coarse,
        number_order: args.number_order,
    };
    let data = Dataset::open(&args.place, &reading)?;
    let answer = Answer::of(&data.checked(), &Origin::default());
    if global.json {
        print_json(&answer.json)?;
    } else {
        print(&answer)?;
    }
    Ok(0)
}
