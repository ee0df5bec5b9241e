//! The stories: one file per promise, all in one binary.
