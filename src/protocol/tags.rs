//! The receiver's side of a pair's tags (`protocol.md` D.1): which parcels to expect, and
//! which have been here before.

use crate::crypto::{Secret, Tag, same, tag};

use super::{DIRECT_PATH, session::next_tag_key};

/// How far past the highest number seen a parcel is recognised.
const WINDOW: u64 = 64;
/// How far the window may reach past the lowest number missing.
const SPAN: u64 = 1024;
/// How many used numbers are still recognised as used.
const MEMORY: u64 = 1024;
/// How many former epochs are remembered. A parcel waits for 30 days and an epoch lasts seven,
/// so what is on its way at a time lies in six epochs at most.
pub(super) const PAST_EPOCHS: usize = 7;
/// The sender may skip at most this many epochs at once: over a year of them.
const MAX_EPOCH_JUMP: u32 = 64;
/// The sender may give up at most this many numbers at once.
const MAX_NUMBER_JUMP: u64 = 1 << 20;

/// One place in the sender's sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TagSlot {
    /// Tag epoch.
    pub epoch: u32,
    /// Number within it.
    pub j: u64,
    /// Whether its parcel has been taken, or was given up.
    pub burnt: bool,
}

/// Why the sender's announcement was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// It skips more than any honest sender would.
    #[error("the other side skips too many tags at once")]
    TooFar,
}

/// One epoch's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The epoch's tag key.
    pub key: Secret<32>,
    /// Every number below is taken or given up.
    pub next: u64,
    /// Numbers taken above `next`, rising.
    pub seen: Vec<u64>,
    /// Nothing more will come; the lane only serves to recognise what came before.
    pub closed: bool,
}

impl Lane {
    fn new(key: Secret<32>) -> Self {
        Self {
            key,
            next: 0,
            seen: Vec::new(),
            closed: false,
        }
    }

    fn past_highest(&self) -> u64 {
        self.seen
            .last()
            .map_or(self.next, |seen| seen.saturating_add(1))
    }

    fn end(&self) -> u64 {
        if self.closed {
            return self.next;
        }
        let wanted = self.past_highest().saturating_add(WINDOW);
        wanted.min(self.next.saturating_add(SPAN))
    }

    fn is_burnt(&self, j: u64) -> bool {
        j < self.next || self.seen.binary_search(&j).is_ok()
    }

    fn open_numbers(&self) -> impl Iterator<Item = u64> {
        (self.next..self.end()).filter(|j| !self.is_burnt(*j))
    }

    fn burnt_numbers(&self) -> impl Iterator<Item = u64> {
        let below = self.next.saturating_sub(MEMORY)..self.next;
        self.seen.iter().rev().copied().chain(below.rev())
    }

    fn burn(&mut self, j: u64) -> bool {
        self.burn_below(j, self.end())
    }

    fn burn_below(&mut self, j: u64, end: u64) -> bool {
        if j >= end {
            return false;
        }
        let Err(at) = self.seen.binary_search(&j) else {
            return false;
        };
        if j < self.next {
            return false;
        }
        self.seen.insert(at, j);
        self.absorb();
        true
    }

    fn absorb(&mut self) {
        let next = &mut self.next;
        self.seen.retain(|seen| {
            if *seen == *next {
                *next = next.saturating_add(1);
            }
            *seen >= *next
        });
    }

    fn advance(&mut self, next: u64) -> Result<(), TagError> {
        if next > self.past_highest().saturating_add(MAX_NUMBER_JUMP) {
            return Err(TagError::TooFar);
        }
        if next > self.next {
            self.next = next;
            self.seen.retain(|seen| *seen >= next);
            self.absorb();
        }
        Ok(())
    }

    fn close(&mut self) {
        self.next = self.past_highest();
        self.seen.clear();
        self.closed = true;
    }
}

/// What one device expects from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecvTags {
    /// The newest epoch of which a parcel was taken or announced.
    pub epoch: u32,
    /// Its numbers.
    pub current: Lane,
    /// Former epochs with their numbers, the latest first; at most seven. Whatever was sent in
    /// them may still come, until the sender says otherwise.
    pub past: Vec<(u32, Lane)>,
}

impl RecvTags {
    /// The state right after a handshake; `key` is [`PairKeys::recv_tag`](super::PairKeys).
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self {
            epoch: 0,
            current: Lane::new(key),
            past: Vec::new(),
        }
    }

    /// Every tag a parcel may come under now: what is open of past epochs and of this one, and
    /// the beginning of the next. Most often 64 tags an epoch, never more than 8 x 1024 + 64.
    pub fn window(&self) -> impl Iterator<Item = (Tag, u32, u64)> {
        self.window_from(|_| 0)
    }

    /// The same without those of each epoch below the number that `known` says.
    pub fn window_from(&self, known: impl Fn(u32) -> u64) -> impl Iterator<Item = (Tag, u32, u64)> {
        let next = self
            .epoch
            .checked_add(1)
            .map(|epoch| (epoch, Lane::new(next_tag_key(&self.current.key, epoch))));
        let lanes: Vec<_> = self
            .lanes()
            .map(|(epoch, lane)| (epoch, lane.clone()))
            .chain(next)
            .collect();
        lanes.into_iter().flat_map(move |(epoch, lane)| {
            let from = known(epoch);
            let numbers: Vec<_> = lane.open_numbers().filter(|j| *j >= from).collect();
            numbers
                .into_iter()
                .map(move |j| (tag(&lane.key, DIRECT_PATH, j), epoch, j))
        })
    }

    /// The latest 1024 used tags of each epoch, the latest first: a repeated parcel is most
    /// often a recent one.
    pub fn burnt(&self) -> impl Iterator<Item = (Tag, u32, u64)> {
        self.lanes().flat_map(|(epoch, lane)| {
            lane.burnt_numbers()
                .map(move |j| (tag(&lane.key, DIRECT_PATH, j), epoch, j))
        })
    }

    /// Whether a parcel at this place would be taken.
    #[must_use]
    pub fn is_open(&self, epoch: u32, j: u64) -> bool {
        if self.epoch.checked_add(1) == Some(epoch) {
            return j < WINDOW;
        }
        self.lanes()
            .find(|(known, _)| *known == epoch)
            .is_some_and(|(_, lane)| j < lane.end() && !lane.is_burnt(j))
    }

    /// To which place `wanted` belongs, if to any; also finds the last 1024 burnt ones.
    ///
    /// Computes up to thousands of tags: whoever looks up many keeps maps of
    /// [`window`](Self::window) and [`burnt`](Self::burnt).
    #[must_use]
    pub fn find(&self, wanted: &Tag) -> Option<TagSlot> {
        let open = self.window().map(|(tag, epoch, j)| (tag, epoch, j, false));
        let burnt = self.burnt().map(|(tag, epoch, j)| (tag, epoch, j, true));
        open.chain(burnt)
            .find(|(tag, ..)| same(&tag.0, &wanted.0))
            .map(|(_, epoch, j, burnt)| TagSlot { epoch, j, burnt })
    }

    /// The latest place of which a parcel was taken or that was given up.
    #[must_use]
    pub fn latest(&self) -> (u32, u64) {
        (self.epoch, self.current.past_highest().saturating_sub(1))
    }

    /// The tag key of `epoch`, if parcels of that epoch can be opened.
    #[must_use]
    pub fn key(&self, epoch: u32) -> Option<Secret<32>> {
        if self.epoch.checked_add(1) == Some(epoch) {
            return Some(next_tag_key(&self.current.key, epoch));
        }
        self.lanes()
            .find(|(known, _)| *known == epoch)
            .map(|(_, lane)| lane.key.clone())
    }

    /// Marks a place as used. False if it was, or lies outside the window: then its parcel
    /// must have no effect.
    #[must_use]
    pub fn burn(&mut self, epoch: u32, j: u64) -> bool {
        if self.epoch.checked_add(1) == Some(epoch) {
            let fresh = Lane::new(next_tag_key(&self.current.key, epoch));
            if j >= fresh.end() {
                return false;
            }
            self.roll(epoch, fresh);
        }
        self.lane_mut(epoch).is_some_and(|lane| lane.burn(j))
    }

    /// Marks as used the place that an envelope from a mailbox names; only an authentic one may
    /// come here. It may lie far ahead: what the sender left at the mailbox is the oldest that
    /// waits, but this side may not have heard for long. False if it was used before, or if it
    /// is too far past what is missing: then it has to come again, once that has come.
    #[must_use]
    pub fn burn_named(&mut self, epoch: u32, j: u64) -> bool {
        if epoch.saturating_sub(self.epoch) > MAX_EPOCH_JUMP {
            return false;
        }
        let mut moved = self.clone();
        while moved.epoch < epoch {
            let next = moved.epoch.saturating_add(1);
            let fresh = Lane::new(next_tag_key(&moved.current.key, next));
            moved.roll(next, fresh);
        }
        let burnt = moved
            .lane_mut(epoch)
            .is_some_and(|lane| !lane.closed && lane.burn_below(j, lane.next.saturating_add(SPAN)));
        if burnt {
            *self = moved;
        }
        burnt
    }

    /// Whether [`burn_named`](Self::burn_named) would fail for a place that was not used: its
    /// envelope has to wait.
    #[must_use]
    pub fn is_beyond(&self, epoch: u32, j: u64) -> bool {
        let ahead = epoch.saturating_sub(self.epoch);
        match self.lanes().find(|(known, _)| *known == epoch) {
            Some((_, lane)) => !lane.closed && j >= lane.next.saturating_add(SPAN),
            None => ahead > MAX_EPOCH_JUMP || (ahead > 0 && j >= SPAN),
        }
    }

    /// Follows the sender's word that everything before this place is settled or given up.
    /// Never goes back; on error nothing has changed.
    pub fn advance(&mut self, epoch: u32, next: u64) -> Result<(), TagError> {
        if epoch.saturating_sub(self.epoch) > MAX_EPOCH_JUMP {
            return Err(TagError::TooFar);
        }
        let mut moved = self.clone();
        while moved.epoch < epoch {
            let next = moved.epoch.saturating_add(1);
            let fresh = Lane::new(next_tag_key(&moved.current.key, next));
            // An epoch that was skipped has nothing to remember, nor anything to wait for.
            if moved.current.past_highest() > 0 {
                moved.roll(next, fresh);
            } else {
                (moved.epoch, moved.current) = (next, fresh);
            }
        }
        if let Some(lane) = moved.lane_mut(epoch) {
            lane.advance(next)?;
        }
        for (_, lane) in moved.past.iter_mut().filter(|(past, _)| *past < epoch) {
            lane.close();
        }
        *self = moved;
        Ok(())
    }

    /// This epoch and the past ones, the latest first.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (u32, &Lane)> {
        let past = self.past.iter().map(|(epoch, lane)| (*epoch, lane));
        std::iter::once((self.epoch, &self.current)).chain(past)
    }

    fn roll(&mut self, epoch: u32, fresh: Lane) {
        let before = std::mem::replace(&mut self.current, fresh);
        self.past.insert(0, (self.epoch, before));
        self.past.truncate(PAST_EPOCHS);
        self.epoch = epoch;
    }

    fn lane_mut(&mut self, epoch: u32) -> Option<&mut Lane> {
        if epoch == self.epoch {
            return Some(&mut self.current);
        }
        let past = self.past.iter_mut().find(|(past, _)| *past == epoch);
        past.map(|(_, lane)| lane)
    }
}

#[cfg(test)]
mod tests;
