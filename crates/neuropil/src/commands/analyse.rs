//! placeholder
use crate::cli::AnalyseArgs;
use crate::failure::Failure;
/// placeholder
pub fn run(_args: &AnalyseArgs) -> Result<u8, Failure> {
    Ok(0)
}
