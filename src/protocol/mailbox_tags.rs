//! Tags of parcels that wait at a mailbox (`protocol.md` D.1, E.2): handed out in batches by
//! the mailbox's owner, used once each by the contact who deposits.
//!
//! # Key
//! Each batch has a key of its own, from the pair's secret and a random seed that travels in
//! the sealed announcement. So a direct rekey or the weekly roll of the direct tags changes
//! nothing of what a host already knows, no batch's key leads to another's, and a batch that
//! is used up or over takes its key with it on both sides. Whoever steals the pair's secret
//! alone learns no tag; nor does whoever reads an announcement alone.
//!
//! Numbers go on from batch to batch on one path, so no two parcels of a path share one.

use crate::{
    crypto::{Secret, Tag, derive, same, tag},
    model::Timestamp,
};
use std::time::Duration;

/// Most tags of one batch: so many a contact has at hand who uses them.
pub const OUTSTANDING_TAGS: u64 = 64;
/// Batches of a contact who uses none that are valid at the same time: one a week.
const WEEKLY: u64 = 5;
/// Most batches that are remembered of one path; the oldest go.
pub const MAX_BATCHES: usize = 8;
/// For so long after it was made a tag may be used.
pub const TAGS_VALID: Duration = Duration::from_secs(30 * 86_400);
/// A parcel may lie at its host for so long.
pub const PARCEL_TTL: Duration = Duration::from_secs(30 * 86_400);
/// After this time new tags are made although enough are left: a host may have swallowed what
/// came under the others.
const RENEWED: Duration = Duration::from_secs(7 * 86_400);
/// The depositor stops so long before the end: clocks differ.
const MARGIN: Duration = Duration::from_secs(2 * 86_400);

/// The key of one batch of tags. `from_inviter` says whether the depositor was the inviter in
/// the pair's handshake; both sides know that.
#[must_use]
pub fn mailbox_tag_key(
    pair: &Secret<32>,
    from_inviter: bool,
    path: u32,
    batch: u32,
    seed: &Secret<32>,
) -> Secret<32> {
    let from: &[u8] = if from_inviter { b"A" } else { b"B" };
    derive(
        pair.as_bytes(),
        "mailbox-tag-key",
        &[
            from,
            &path.to_be_bytes(),
            &batch.to_be_bytes(),
            seed.as_bytes(),
        ],
    )
}

/// A batch as the mailbox's owner keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecvBatch {
    /// Its number on the path, from 1.
    pub batch: u32,
    /// [`mailbox_tag_key`].
    pub key: Secret<32>,
    /// Its first number.
    pub first: u64,
    /// One past its last number.
    pub end: u64,
    /// Numbers taken, rising.
    pub used: Vec<u64>,
    /// No new parcel comes after this time.
    pub valid_until: Timestamp,
}

impl RecvBatch {
    fn unused(&self) -> u64 {
        let used = u64::try_from(self.used.len()).unwrap_or(u64::MAX);
        self.end.saturating_sub(self.first).saturating_sub(used)
    }

    /// Whether its depositor uses no more of it.
    fn is_ending(&self, now: Timestamp) -> bool {
        self.valid_until <= now.after(MARGIN)
    }

    fn is_spent(&self) -> bool {
        self.unused() == 0
    }
}

/// One number of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSlot {
    /// The batch.
    pub batch: u32,
    /// The number.
    pub j: u64,
    /// Whether its parcel was taken.
    pub used: bool,
}

/// What an owner expects from one contact at one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecvBatches {
    /// The mailbox's number, from 1.
    pub path: u32,
    /// The latest batch made; 0 for none yet.
    pub latest: u32,
    /// The first number of the next batch.
    pub next: u64,
    /// The batches that may still bring something, rising.
    pub batches: Vec<RecvBatch>,
}

impl RecvBatches {
    /// Nothing is expected yet.
    #[must_use]
    pub const fn new(path: u32) -> Self {
        Self {
            path,
            latest: 0,
            next: 0,
            batches: Vec::new(),
        }
    }

    /// How many tags the contact has left at `now`, as far as can be told. Numbers below the
    /// highest one taken do not count: contacts use them in order, so these are lost.
    #[must_use]
    pub fn outstanding(&self, now: Timestamp) -> u64 {
        let from = self.past_highest_taken();
        let usable = self.batches.iter().filter(|batch| !batch.is_ending(now));
        usable
            .map(|batch| batch.end.saturating_sub(batch.first.max(from)))
            .sum()
    }

    fn past_highest_taken(&self) -> u64 {
        let taken = self.batches.iter().filter_map(|batch| batch.used.last());
        taken.max().map_or(0, |last| last.saturating_add(1))
    }

    /// How many numbers a host has to take at `now`: all that may still be used.
    #[must_use]
    pub fn registered(&self, now: Timestamp) -> u64 {
        let usable = self.batches.iter().filter(|batch| batch.valid_until > now);
        usable.map(RecvBatch::unused).sum()
    }

    /// How many numbers a new batch should have at `now`, so that the contact has at most
    /// `most` to use; 0 while enough are left. As many batches as are made while none is used
    /// fit into `most`, so that each week has its own.
    #[must_use]
    pub fn wanted(&self, now: Timestamp, most: u64) -> u64 {
        let goal = OUTSTANDING_TAGS.min((most / WEEKLY).max(1));
        let left = self.outstanding(now);
        let newest = self.batches.iter().map(|batch| batch.valid_until).max();
        let fresh = newest.is_some_and(|end| now.after(TAGS_VALID) < end.after(RENEWED));
        let wanted = match (left, fresh) {
            (left, true) if left > goal / 2 => 0,
            (left, true) => goal.saturating_sub(left),
            (_, false) => goal,
        };
        // A new batch must not push out one that the contact still has to use.
        let (pushed, kept) = self.split_pushed();
        let from = self.past_highest_taken();
        if pushed.is_some_and(|old| old.valid_until > now && old.end > from) {
            return 0;
        }
        let usable = kept.iter().filter(|batch| !batch.is_ending(now));
        let held: u64 = usable.map(RecvBatch::unused).sum();
        wanted.min(most.saturating_sub(held))
    }

    /// The batch that goes when another is made, and the rest.
    fn split_pushed(&self) -> (Option<&RecvBatch>, &[RecvBatch]) {
        match self.batches.as_slice() {
            [oldest, kept @ ..] if kept.len() + 1 >= MAX_BATCHES => (Some(oldest), kept),
            kept => (None, kept),
        }
    }

    /// Has a new batch made at the next look, whatever is left. Tags that the contact may
    /// know stay usable, if up to a week shorter.
    pub fn age(&mut self, now: Timestamp) {
        let end = now.after(TAGS_VALID.saturating_sub(RENEWED));
        for batch in &mut self.batches {
            batch.valid_until = batch.valid_until.min(end);
        }
    }

    /// Makes a batch of `count` numbers and returns it.
    pub fn grow(
        &mut self,
        count: u64,
        now: Timestamp,
        key: impl FnOnce(u32) -> Secret<32>,
    ) -> RecvBatch {
        self.latest = self.latest.saturating_add(1);
        let made = RecvBatch {
            batch: self.latest,
            key: key(self.latest),
            first: self.next,
            end: self.next.saturating_add(count),
            used: Vec::new(),
            valid_until: now.after(TAGS_VALID),
        };
        self.next = made.end;
        self.batches.push(made.clone());
        let extra = self.batches.len().saturating_sub(MAX_BATCHES);
        self.batches.drain(..extra);
        made
    }

    /// Every tag under which a parcel may be at a host, with its batch and number, the oldest
    /// first. New ones come until the batch's `valid_until`, the last.
    pub fn expected(&self) -> impl Iterator<Item = (Tag, u32, u64, Timestamp)> {
        self.batches.iter().flat_map(move |batch| {
            let (number, end) = (batch.batch, batch.valid_until);
            (batch.first..batch.end)
                .filter(|j| batch.used.binary_search(j).is_err())
                .map(move |j| (tag(&batch.key, self.path, j), number, j, end))
        })
    }

    /// Where `wanted` belongs, if it is of a batch that is remembered. At most 8 x 64 tags are
    /// computed.
    #[must_use]
    pub fn find(&self, wanted: &Tag) -> Option<BatchSlot> {
        self.batches.iter().find_map(|batch| {
            let j = (batch.first..batch.end)
                .find(|j| same(&tag(&batch.key, self.path, *j).0, &wanted.0))?;
            Some(BatchSlot {
                batch: batch.batch,
                j,
                used: batch.used.binary_search(&j).is_ok(),
            })
        })
    }

    /// The key of a batch that is remembered.
    #[must_use]
    pub fn key(&self, batch: u32) -> Option<Secret<32>> {
        let found = self.batches.iter().find(|known| known.batch == batch);
        found.map(|known| known.key.clone())
    }

    /// Takes a number, once. A batch that is used up is forgotten with its key.
    #[must_use]
    pub fn burn(&mut self, batch: u32, j: u64) -> bool {
        let found = self.batches.iter_mut().find(|known| known.batch == batch);
        let Some(known) = found.filter(|known| (known.first..known.end).contains(&j)) else {
            return false;
        };
        let Err(at) = known.used.binary_search(&j) else {
            return false;
        };
        known.used.insert(at, j);
        self.batches.retain(|known| !known.is_spent());
        true
    }

    /// Forgets batches of which nothing can come any more. Returns whether there were any.
    pub fn forget(&mut self, now: Timestamp) -> bool {
        let before = self.batches.len();
        self.batches
            .retain(|batch| batch.valid_until.after(PARCEL_TTL) > now);
        self.batches.len() != before
    }
}

/// A batch as the contact keeps it who deposits under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendBatch {
    /// Its number on the path.
    pub batch: u32,
    /// [`mailbox_tag_key`].
    pub key: Secret<32>,
    /// The next number to use.
    pub next: u64,
    /// One past its last number.
    pub end: u64,
    /// The owner's word on how long its tags may be used.
    pub valid_until: Timestamp,
}

/// Hands out the tags of one mailbox of a contact.
///
/// A number is taken in the same durable step that stores the sealed parcel, and never again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendBatches {
    /// The mailbox's number.
    pub path: u32,
    /// The latest batch learnt of; 0 for none yet.
    pub latest: u32,
    /// One past the highest number learnt of.
    pub known: u64,
    /// Batches with numbers left, rising.
    pub batches: Vec<SendBatch>,
}

impl SendBatches {
    /// No tags yet.
    #[must_use]
    pub const fn new(path: u32) -> Self {
        Self {
            path,
            latest: 0,
            known: 0,
            batches: Vec::new(),
        }
    }

    /// Takes over an announced batch. False if it is not newer than all that are known, or
    /// begins before their end: then some of its numbers may have been used.
    pub fn learn(&mut self, fresh: SendBatch) -> bool {
        if fresh.batch <= self.latest || fresh.next < self.known || fresh.end <= fresh.next {
            return false;
        }
        (self.latest, self.known) = (fresh.batch, fresh.end);
        self.batches.push(fresh);
        let extra = self.batches.len().saturating_sub(MAX_BATCHES);
        self.batches.drain(..extra);
        true
    }

    /// How many tags there are at `now`.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> u64 {
        let usable = self.batches.iter().filter(|batch| is_usable(batch, now));
        usable
            .map(|batch| batch.end.saturating_sub(batch.next))
            .sum()
    }

    /// The next number with its key. Batches that are over or used up are forgotten.
    pub fn take(&mut self, now: Timestamp) -> Option<(Secret<32>, u64)> {
        self.batches.retain(|batch| is_usable(batch, now));
        let batch = self.batches.first_mut()?;
        let taken = (batch.key.clone(), batch.next);
        batch.next = batch.next.saturating_add(1);
        if batch.next >= batch.end {
            self.batches.remove(0);
        }
        Some(taken)
    }
}

fn is_usable(batch: &SendBatch, now: Timestamp) -> bool {
    batch.next < batch.end && now.after(MARGIN) < batch.valid_until
}

#[cfg(test)]
mod tests;
