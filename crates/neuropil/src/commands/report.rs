//! placeholder
use crate::cli::ReportArgs;
use crate::failure::Failure;
/// placeholder
pub fn run(_args: &ReportArgs) -> Result<u8, Failure> {
    Ok(0)
}
/// placeholder
pub fn after_training(
    _run: &neuropil_lab::run::RunDirectory,
    _e: &crate::experiment::Experiment,
) -> Result<(), Failure> {
    Ok(())
}
