//! placeholder
use crate::cli::ReproduceArgs;
use crate::failure::Failure;
/// placeholder
pub fn run(_args: &ReproduceArgs, _quiet: bool) -> Result<u8, Failure> {
    Ok(0)
}
