//! The lab book: configuration, run directories, checkpoints, event log.
