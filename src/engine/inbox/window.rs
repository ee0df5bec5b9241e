//! Which tags are expected from whom: a look-up without trial decryption.

use crate::{
    crypto::Tag,
    protocol::{RecvTags, TagSlot},
};
use std::collections::HashMap;

/// One contact's receiving tags with a map of those that may come next.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) tags: RecvTags,
    expected: HashMap<[u8; 16], (u32, u64)>,
}

impl Window {
    pub(super) fn new(tags: RecvTags) -> Self {
        let mut window = Self {
            tags,
            expected: HashMap::new(),
        };
        window.refill();
        window
    }

    fn refill(&mut self) {
        self.expected = self
            .tags
            .window()
            .map(|(tag, epoch, j)| (tag.0, (epoch, j)))
            .collect();
    }

    /// The place of `tag`, fresh or burnt; `None` for a tag that is not this contact's.
    pub(super) fn find(&mut self, tag: [u8; 16]) -> Option<TagSlot> {
        if !self.expected.contains_key(&tag) {
            // The window slides as tags are used; the map follows when it runs out.
            self.refill();
        }
        match self.expected.get(&tag) {
            Some((epoch, j)) => Some(TagSlot {
                epoch: *epoch,
                j: *j,
                burnt: false,
            }),
            None => self.tags.find(&Tag(tag)),
        }
    }

    /// Uses up a place. False if it was used before.
    pub(super) fn burn(&mut self, tag: &[u8; 16], slot: TagSlot) -> bool {
        self.expected.remove(tag);
        self.tags.burn(slot.epoch, slot.j)
    }

    /// Follows the sender's word. Returns whether anything moved.
    pub(super) fn advance(&mut self, epoch: u32, next: u64) -> bool {
        let before = self.tags.clone();
        let moved = self.tags.advance(epoch, next).is_ok() && self.tags != before;
        if moved {
            self.refill();
        }
        moved
    }
}
