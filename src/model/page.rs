//! Pages of long lists.

use super::limits::{DEFAULT_PAGE, MAX_PAGE};

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows wanted; 0 means the default.
    pub size: u32,
    /// Where the last page ended; empty for the first.
    pub token: String,
}

impl PageRequest {
    /// Rows to return: the default for 0, never above the limit.
    #[must_use]
    pub fn rows(&self) -> usize {
        let rows = if self.size == 0 {
            DEFAULT_PAGE
        } else {
            self.size.min(MAX_PAGE)
        };
        usize::try_from(rows).unwrap_or(1)
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What to ask with for the next page; empty when there is none.
    pub next: String,
}
