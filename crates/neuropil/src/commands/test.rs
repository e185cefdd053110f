//! placeholder
use crate::cli::TestArgs;
use crate::failure::Failure;
/// placeholder
pub fn run(_args: &TestArgs) -> Result<u8, Failure> {
    Ok(0)
}
/// placeholder
pub fn after_training(
    _run: &neuropil_lab::run::RunDirectory,
    _e: &crate::experiment::Experiment,
) -> Result<(), Failure> {
    Ok(())
}
