//! Train, run and analyse models of how brains learn.
