//! Pages.

use super::invalid;
use crate::{
    model::PageRequest,
    service::{Result, Slot},
};

pub(in crate::ipc::grpc) fn page(size: u32, token: String) -> PageRequest {
    PageRequest { size, token }
}

/// One page of all slots: the service tells them at once, as there are never many, but clients
/// page through every list alike. The token is the number of the last slot told.
pub(in crate::ipc::grpc) fn slot_page(
    mut slots: Vec<Slot>,
    page: &PageRequest,
) -> Result<(Vec<Slot>, String)> {
    slots.sort_by_key(|slot| slot.number);
    if !page.token.is_empty() {
        let foreign = |_| invalid("page_token", "no earlier page gave this token");
        let last: u32 = page.token.parse().map_err(foreign)?;
        slots.retain(|slot| slot.number > last);
    }
    let more = slots.len() > page.rows();
    slots.truncate(page.rows());
    let next = slots
        .last()
        .filter(|_| more)
        .map(|slot| slot.number.to_string());
    Ok((slots, next.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorCode, SlotKind};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn slots(numbers: &BTreeSet<u32>) -> Vec<Slot> {
        // Told in the wrong order, as nothing promises the right one.
        let slot = |number: &u32| Slot {
            number: *number,
            kind: SlotKind::File,
            memory_kib: 0,
            passes: 0,
        };
        numbers.iter().rev().map(slot).collect()
    }

    proptest! {
        #[test]
        fn the_pages_hold_every_slot_once_in_order(
            numbers in proptest::collection::btree_set(any::<u32>(), 0..40), size in 1_u32..9,
        ) {
            let (mut told, mut token) = (Vec::new(), String::new());
            loop {
                let (rows, next) = slot_page(slots(&numbers), &page(size, token)).expect("valid");
                prop_assert!(rows.len() <= size as usize);
                told.extend(rows.iter().map(|slot| slot.number));
                if next.is_empty() {
                    break;
                }
                prop_assert!(!rows.is_empty());
                token = next;
            }
            prop_assert_eq!(told, numbers.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_token_is_used_or_refused(token: String) {
            if let Err(error) = slot_page(slots(&BTreeSet::from([1, 2])), &page(0, token)) {
                prop_assert_eq!(error.code, ErrorCode::InvalidArgument);
            }
        }
    }
}
