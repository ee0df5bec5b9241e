//! Which tags are expected from whom: a look-up without trial decryption.

use crate::{
    crypto::tag,
    protocol::{DIRECT_PATH, RecvTags, TagSlot},
};
use std::collections::HashMap;

/// Used tags that are kept at hand; more are computed again when one is asked for.
const MAX_BURNT: usize = 16 * 1024;

type Places = HashMap<[u8; 16], (u32, u64)>;

/// One contact's receiving tags with maps of those that may come next and those that came.
/// Each tag is computed once, so that a contact who sends nonsense costs look-ups only.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) tags: RecvTags,
    expected: Places,
    /// Below which number of each epoch `expected` is complete.
    filled: HashMap<u32, u64>,
    /// Whether the tags have moved on since.
    stale: bool,
    /// Made when a tag is asked for that is not expected.
    burnt: Option<Places>,
}

impl Window {
    pub(super) fn new(tags: RecvTags) -> Self {
        let mut window = Self {
            tags,
            expected: Places::new(),
            filled: HashMap::new(),
            stale: true,
            burnt: None,
        };
        window.refill();
        window
    }

    fn refill(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let known = |epoch| self.filled.get(&epoch).copied().unwrap_or_default();
        let fresh: Vec<_> = self.tags.window_from(known).collect();
        for (tag, epoch, j) in fresh {
            self.expected.insert(tag.0, (epoch, j));
            let end = self.filled.entry(epoch).or_default();
            *end = (*end).max(j.saturating_add(1));
        }
    }

    /// The place of `tag`, fresh or burnt; `None` for a tag that is not this contact's.
    pub(super) fn find(&mut self, tag: [u8; 16]) -> Option<TagSlot> {
        if !self.expected.contains_key(&tag) {
            // The window slides as tags are used; the map follows when it runs out.
            self.refill();
        }
        if let Some((epoch, j)) = self.expected.get(&tag).copied() {
            let burnt = false;
            return Some(TagSlot { epoch, j, burnt });
        }
        let tags = &self.tags;
        let burnt = self.burnt.get_or_insert_with(|| {
            tags.burnt()
                .map(|(tag, epoch, j)| (tag.0, (epoch, j)))
                .collect()
        });
        let (epoch, j) = burnt.get(&tag).copied()?;
        let burnt = true;
        Some(TagSlot { epoch, j, burnt })
    }

    /// Uses up a place. False if it was used before.
    pub(super) fn burn(&mut self, tag: &[u8; 16], slot: TagSlot) -> bool {
        self.expected.remove(tag);
        let fresh = self.tags.burn(slot.epoch, slot.j);
        self.stale |= fresh;
        if let Some(burnt) = self.burnt.as_mut().filter(|_| fresh) {
            burnt.insert(*tag, (slot.epoch, slot.j));
        }
        if self
            .burnt
            .as_ref()
            .is_some_and(|burnt| burnt.len() > MAX_BURNT)
        {
            self.burnt = None;
        }
        fresh
    }

    /// Uses up a place that an envelope from a mailbox names. False if it was used before, or
    /// lies too far ahead.
    pub(super) fn burn_named(&mut self, epoch: u32, j: u64) -> bool {
        if !self.tags.burn_named(epoch, j) {
            return false;
        }
        if let Some(key) = self.tags.key(epoch) {
            let direct = tag(&key, DIRECT_PATH, j).0;
            self.expected.remove(&direct);
            if let Some(burnt) = &mut self.burnt {
                burnt.insert(direct, (epoch, j));
            }
        }
        self.stale = true;
        true
    }

    /// Follows the sender's word. Returns whether anything moved.
    pub(super) fn advance(&mut self, epoch: u32, next: u64) -> bool {
        let before = self.tags.clone();
        let moved = self.tags.advance(epoch, next).is_ok() && self.tags != before;
        if moved {
            let tags = &self.tags;
            self.expected
                .retain(|_, (epoch, j)| tags.is_open(*epoch, *j));
            self.burnt = None;
            self.stale = true;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::Secret, protocol::next_tag_key};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_maps_know_what_the_tags_know(
            steps in prop::collection::vec((0..3_u32, 0..100_u64, 0..8_u8), 1..40),
        ) {
            let first = Secret::new([3; 32]);
            let mut keys = vec![first.clone()];
            for epoch in 1..4 {
                keys.push(next_tag_key(&keys[keys.len() - 1], epoch));
            }
            let mut window = Window::new(RecvTags::new(first));
            for (epoch, j, kind) in steps {
                let wanted = tag(&keys[epoch as usize], DIRECT_PATH, j);
                if kind == 0 {
                    window.advance(epoch, j);
                } else if kind == 1 {
                    window.burn_named(epoch, j * 7);
                } else if let Some(slot) = window.find(wanted.0).filter(|slot| !slot.burnt) {
                    prop_assert!(window.burn(&wanted.0, slot));
                }
                prop_assert_eq!(window.find(wanted.0), window.tags.find(&wanted));
            }
        }
    }
}
