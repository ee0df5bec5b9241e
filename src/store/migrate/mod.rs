//! Steps from one schema to the next.
//!
//! The law: a step is a file `mNNNN_<what>.rs` that is frozen with the release that brought
//! it. It imports no living record type, only copies of what the records were; it runs in one
//! write group, after a copy of the folder was made, and may be run twice. Every release adds
//! a store of its schema to `tests/fixtures/store/`, which all later releases must open.

use super::{StoreError, schema};
use std::path::Path;

/// A step: the schema it starts from, and what it does to the store in a folder.
type Step = (u32, fn(&Path) -> Result<(), StoreError>);

/// In order. Empty as long as there is only schema 1.
const STEPS: &[Step] = &[];

/// Brings the store in `dir` from schema `found` to the one this program writes.
///
/// # Errors
/// Whatever a step says; the schema number then tells how far it came.
pub(super) fn run(dir: &Path, found: u32) -> Result<(), StoreError> {
    for (from, step) in STEPS.iter().filter(|(from, _)| *from >= found) {
        step(dir)?;
        schema::write(dir, from + 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::SCHEMA_VERSION;
    use super::*;

    #[test]
    fn the_steps_lead_from_one_to_the_current_schema_without_a_gap() {
        let starts: Vec<u32> = STEPS.iter().map(|(from, _)| *from).collect();
        assert_eq!(starts, (1..SCHEMA_VERSION).collect::<Vec<_>>());
    }
}
