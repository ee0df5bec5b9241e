//! Pages of messages that are limited by their text.

use super::{
    commit, message,
    tables::{TALK, store},
};
use crate::store::messages;

#[test]
fn a_page_ends_where_its_text_would_grow_too_long() {
    let (_dir, store) = store();
    let long = "x".repeat(64 * 1024);
    commit(&store, |txn| {
        for n in 0..5 {
            messages::append(txn, &TALK, message(n, &long)).unwrap();
        }
    })
    .unwrap();
    let view = store.read();
    let indices = |before, bytes| -> Vec<u64> {
        let page = messages::page(&view, &TALK, before, 500, bytes).unwrap();
        page.into_iter().map(|(index, _)| index).collect()
    };
    assert_eq!(indices(None, 2 * long.len()), [4, 3]);
    assert_eq!(indices(Some(3), 3 * long.len() - 1), [2, 1]);
    assert_eq!(indices(Some(1), 3 * long.len()), [0]);
    // One row there is always: otherwise no further page would ever come.
    assert_eq!(indices(None, 1), [4]);
}
