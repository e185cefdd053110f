//! Learning loops over any network and any task.
