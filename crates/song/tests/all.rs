//! The song system against values computed independently, and against PyTorch. One binary, since each links everything.

#[path = "support/files.rs"]
mod files;
mod golden;
mod golden_analysis;
mod library;
#[path = "support/replay.rs"]
mod replay;
mod torch;
