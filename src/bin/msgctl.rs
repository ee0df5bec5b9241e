//! The command that drives the daemon.

fn main() {}
