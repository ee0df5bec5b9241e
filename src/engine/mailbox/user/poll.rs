//! How far the collecting from one mailbox has come.

use super::register::Expected;
use crate::{model::MailboxId, wire::TagHash};
use std::collections::{HashMap, VecDeque};

/// What was not authentic twice is fetched again after twice this time, then twice as long.
const FOREIGN_MS: u64 = 60_000;
const MOST_FOREIGN_MS: u64 = 6 * 3_600_000;
/// After so long without it nothing is known of it any more.
const FORGOTTEN_MS: u64 = 24 * 3_600_000;

/// One mailbox.
pub(super) struct Poll {
    pub(super) mailbox: MailboxId,
    pub(super) step: Step,
    pub(super) failures: u32,
    /// When to begin, or else when patience ends.
    pub(super) at_ms: Option<u64>,
    pub(super) expected: HashMap<TagHash, Expected>,
    pub(super) pages: u32,
    /// Where the next page begins, if there is one.
    pub(super) next_page: Option<u64>,
    pub(super) queue: VecDeque<TagHash>,
    pub(super) spent: Vec<TagHash>,
    pub(super) again: bool,
    /// How many polls in a row had to leave something for a reason of ours.
    pub(super) left_over: u32,
    /// What was not authentic: how often, and until when it is left alone.
    foreign: HashMap<TagHash, (u32, u64)>,
    /// It is not ours any more: the host is told to forget what it holds, and that is all.
    pub(super) leaving: bool,
}

/// What it waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Idle,
    Dialing,
    Registering,
    Listing,
    Fetching(TagHash),
    /// The inbox has it.
    Taking(TagHash),
    Deleting,
    Wiping,
}

impl Poll {
    pub(super) fn new(mailbox: MailboxId, at_ms: u64) -> Self {
        Self {
            mailbox,
            step: Step::Idle,
            failures: 0,
            at_ms: Some(at_ms),
            expected: HashMap::new(),
            pages: 0,
            next_page: None,
            queue: VecDeque::new(),
            spent: Vec::new(),
            again: false,
            left_over: 0,
            foreign: HashMap::new(),
            leaving: false,
        }
    }

    /// The same mailbox at the next time.
    pub(super) fn begin_again(&mut self, at_ms: u64, now: u64) {
        self.foreign
            .retain(|_, (_, until)| until.saturating_add(FORGOTTEN_MS) > now);
        *self = Self {
            foreign: std::mem::take(&mut self.foreign),
            leaving: self.leaving,
            ..Self::new(self.mailbox, at_ms)
        };
    }

    /// The host may have changed it, so it is worth another look; but a contact who fills the
    /// mailbox with such things must not have them carried to us at each poll.
    pub(super) fn on_foreign(&mut self, hash: TagHash, now: u64) {
        let (times, until) = self.foreign.entry(hash).or_default();
        let wait = match *times {
            0 => 0,
            n => FOREIGN_MS
                .saturating_mul(1 << n.min(16))
                .min(MOST_FOREIGN_MS),
        };
        (*times, *until) = (times.saturating_add(1), now.saturating_add(wait));
    }

    pub(super) fn is_foreign(&self, hash: &TagHash, now: u64) -> bool {
        self.foreign
            .get(hash)
            .is_some_and(|(_, until)| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_authentic_is_fetched_ever_more_rarely() {
        let (mut poll, hash) = (Poll::new(MailboxId([0; 16]), 0), [7; 16]);
        let (mut now, mut fetched) = (0, Vec::new());
        while now < 24 * 3_600_000 {
            if !poll.is_foreign(&hash, now) {
                poll.on_foreign(hash, now);
                fetched.push(now / 60_000);
            }
            now += 60_000;
            poll.begin_again(now, now);
        }
        assert_eq!(fetched, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 871, 1231]);
    }
}
