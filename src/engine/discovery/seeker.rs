//! When to publish for whom and when to look them up: the rules, without clock or network.

use crate::{
    base::Backoff,
    crypto::Random,
    engine::contacts::{Meeting, RouteKind},
    model::Timestamp,
    protocol::{Rendezvous, RendezvousError, Whereabouts},
    wire::SignedItem,
};
use std::{sync::Arc, time::Duration};

/// So long a dial is left alone before the directory is asked beside it.
const PATIENCE_MS: u64 = 3_000;
/// So long a contact for whom nothing waits must have been away.
const IDLE_PATIENCE_MS: u64 = 5_000;
/// Nodes keep an item for two hours; it is renewed after a random part of that.
const RENEW_MS: (u64, u64) = (50 * 60_000, 80 * 60_000);
/// The same for whoever has been away for more than a day.
const RENEW_RARELY_MS: (u64, u64) = (95 * 60_000, 115 * 60_000);
const DAY_MS: u64 = 86_400_000;
/// Within so long after a new epoch its first item is published.
const NEW_EPOCH_MS: u64 = 120_000;
/// Look-ups for those who are waited for.
const LOOK: Backoff = Backoff {
    first: Duration::from_secs(2),
    cap: Duration::from_secs(30 * 60),
};
/// Look-ups for whoever may use an invite: they look for us, too.
const LOOK_INVITE: Backoff = Backoff {
    first: Duration::from_secs(15),
    cap: Duration::from_secs(60 * 60),
};
/// What failed is tried again.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(30),
    cap: Duration::from_secs(15 * 60),
};
/// A new message does not repeat a look-up that is younger.
const FRESH_MS: u64 = 30_000;

/// Something done again and again.
#[derive(Clone, Copy, Debug, Default)]
struct Task {
    /// Not before this time.
    from_ms: u64,
    busy: bool,
    /// What is under way began before the latest cause to begin again.
    stale: bool,
    /// How often in a row it came to nothing.
    rounds: u32,
    ended_ms: Option<u64>,
}

/// One secret's place in the directory.
struct Place {
    rendezvous: Rendezvous,
    /// Number of our latest item.
    last: Option<i64>,
    /// Epoch and number of their latest item.
    seen: Option<(i64, i64)>,
}

/// One route that may have to be looked for.
pub(super) struct Seeker {
    meeting: Arc<Meeting>,
    places: Vec<Place>,
    alone_since_ms: Option<u64>,
    failed: bool,
    waiting: bool,
    /// Keeps many that are lost at one moment from being looked for at one moment.
    spread_ms: u64,
    publish: Task,
    look: Task,
}

/// A key to ask for, and what its answer will be opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) place: usize,
    pub(super) epoch: i64,
    pub(super) key: [u8; 32],
}

impl Seeker {
    pub(super) fn new(meeting: Arc<Meeting>, linked: bool, spread_ms: u64, now_ms: u64) -> Self {
        let place = |secret: &crate::engine::contacts::MeetingSecret| Place {
            rendezvous: Rendezvous::new(secret.secret.clone(), secret.inviter),
            last: None,
            seen: None,
        };
        Self {
            places: meeting.secrets.iter().map(place).collect(),
            meeting,
            alone_since_ms: (!linked).then_some(now_ms),
            failed: false,
            waiting: false,
            spread_ms,
            publish: Task::default(),
            look: Task::default(),
        }
    }

    pub(super) fn meeting(&self) -> &Arc<Meeting> {
        &self.meeting
    }

    pub(super) fn linked(&mut self) {
        self.alone_since_ms = None;
        self.failed = false;
        self.start_over();
    }

    pub(super) fn unlinked(&mut self, now_ms: u64) {
        self.alone_since_ms = Some(now_ms);
    }

    pub(super) fn dial_failed(&mut self) {
        self.failed = true;
    }

    /// Whether messages wait for them.
    pub(super) fn set_waiting(&mut self, waiting: bool, now_ms: u64) {
        if waiting && !self.waiting {
            self.look.rounds = 0;
            let fresh_until = self.look.ended_ms.map_or(0, |ended| ended + FRESH_MS);
            self.look.from_ms = self.look.from_ms.min(now_ms.max(fresh_until));
        }
        self.waiting = waiting;
    }

    /// What was tried before says nothing any more: this machine is somewhere else, or was
    /// asleep, or the user wishes it.
    pub(super) fn start_over(&mut self) {
        for task in [&mut self.publish, &mut self.look] {
            task.from_ms = 0;
            task.rounds = 0;
            task.stale = task.busy;
        }
    }

    /// When to act next, if at all.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let due = [self.publish_at(), self.look_at()];
        due.into_iter().flatten().min()
    }

    pub(super) fn wants_publishing(&self, now_ms: u64) -> bool {
        self.publish_at().is_some_and(|at| at <= now_ms)
    }

    pub(super) fn wants_look_up(&self, now_ms: u64) -> bool {
        self.look_at().is_some_and(|at| at <= now_ms)
    }

    /// Our items of now, one for each secret.
    pub(super) fn publish(
        &mut self,
        here: &Whereabouts,
        now: Timestamp,
        rng: &mut dyn Random,
    ) -> Vec<SignedItem> {
        self.publish.busy = true;
        let items = self.places.iter_mut().map(|place| {
            let item = place.rendezvous.item(here, now, place.last, rng);
            place.last = Some(item.seq);
            item
        });
        items.collect()
    }

    /// We are nowhere that could be told.
    pub(super) fn nothing_to_publish(&mut self, now_ms: u64, now: Timestamp, random: u64) {
        self.publish.busy = true;
        self.published(true, now_ms, now, random);
    }

    /// Our items were left with somebody, or were not.
    pub(super) fn published(&mut self, done: bool, now_ms: u64, now: Timestamp, random: u64) {
        let wait = if done {
            let away = self
                .alone_since_ms
                .map_or(0, |since| now_ms - since.min(now_ms));
            let (least, most) = if away > DAY_MS {
                RENEW_RARELY_MS
            } else {
                RENEW_MS
            };
            let epoch = self
                .places
                .iter()
                .map(|place| place.rendezvous.until_next(now));
            let epoch = epoch.min().map_or(u64::MAX, millis);
            let part = |bound| part_of(random, bound);
            (least + part(most - least)).min(epoch.saturating_add(part(NEW_EPOCH_MS)))
        } else {
            millis(RETRY.wait(self.publish.rounds, random)).max(PATIENCE_MS)
        };
        self.publish.end(now_ms, wait, done);
    }

    /// The keys to look under, the likeliest first.
    pub(super) fn look_up(&mut self, now: Timestamp) -> Vec<Asked> {
        self.look.busy = true;
        let attempt = self.look.rounds;
        let asked = self.places.iter().enumerate().flat_map(|(place, at)| {
            let epochs = at.rendezvous.epochs(now, attempt).into_iter();
            epochs.map(move |epoch| Asked {
                place,
                epoch,
                key: at.rendezvous.their_key(epoch),
            })
        });
        asked.collect()
    }

    /// Every answer has come in, or (not `done`) nobody could be asked. Whoever was found is
    /// dialled; if that does not lead to a link, there is another look-up.
    pub(super) fn looked_up(&mut self, done: bool, now_ms: u64, random: u64) {
        let rounds = self.look.rounds;
        if !done {
            let wait = millis(RETRY.wait(rounds, random)).max(PATIENCE_MS);
            self.look.end(now_ms, wait, false);
            // The epochs around are not looked into before the present one was.
            self.look.rounds = self.look.rounds.min(rounds);
            return;
        }
        let wait = match self.urgency() {
            Urgency::Waited => half_jitter(LOOK, self.look.rounds, random),
            Urgency::Invite => half_jitter(LOOK_INVITE, self.look.rounds, random),
            Urgency::Idle => RENEW_MS.0 + part_of(random, RENEW_MS.1 - RENEW_MS.0),
        };
        self.look.end(now_ms, wait, false);
    }

    /// What an answer says, unless it is older than one that was seen before.
    pub(super) fn open(
        &mut self,
        asked: Asked,
        item: &SignedItem,
    ) -> Result<Option<Whereabouts>, RendezvousError> {
        let place = self.places.get_mut(asked.place);
        let place = place.ok_or(RendezvousError::NotTheirs)?;
        let found = place.rendezvous.open(asked.epoch, item)?;
        let number = (asked.epoch, item.seq);
        if place.seen.is_some_and(|seen| number < seen) {
            return Ok(None);
        }
        place.seen = Some(number);
        Ok(Some(found))
    }

    /// The earlier, the more is gained by acting on it first.
    pub(super) fn urgency(&self) -> Urgency {
        match self.meeting.kind {
            RouteKind::Invite => Urgency::Invite,
            RouteKind::Outgoing | RouteKind::Confirming => Urgency::Waited,
            RouteKind::Contact if self.waiting => Urgency::Waited,
            RouteKind::Contact => Urgency::Idle,
        }
    }

    /// From when on the directory is worth it; never with a link.
    fn ready_ms(&self) -> Option<u64> {
        let since = self.alone_since_ms?;
        match (self.urgency(), self.failed) {
            (Urgency::Invite, _) | (Urgency::Waited, true) => Some(since),
            (Urgency::Waited, false) => Some(since + PATIENCE_MS),
            (Urgency::Idle, _) => Some(since + IDLE_PATIENCE_MS + self.spread_ms),
        }
    }

    fn publish_at(&self) -> Option<u64> {
        self.publish.due(self.ready_ms()?)
    }

    fn look_at(&self) -> Option<u64> {
        self.look.due(self.ready_ms()?)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Something waits for them.
    Waited,
    /// Somebody may use the invite.
    Invite,
    /// A link would be good to have.
    Idle,
}

impl Task {
    fn due(&self, ready_ms: u64) -> Option<u64> {
        (!self.busy).then(|| self.from_ms.max(ready_ms))
    }

    fn end(&mut self, now_ms: u64, wait_ms: u64, done: bool) {
        // Of a seeker that was here before under the same route, or overtaken by events.
        if !std::mem::take(&mut self.busy) || std::mem::take(&mut self.stale) {
            return;
        }
        self.ended_ms = Some(now_ms);
        self.from_ms = now_ms.saturating_add(wait_ms);
        self.rounds = if done {
            0
        } else {
            self.rounds.saturating_add(1)
        };
    }
}

/// The wait of `backoff`'s upper half, so that no try follows at once.
fn half_jitter(backoff: Backoff, round: u32, random: u64) -> u64 {
    let whole = millis(backoff.wait(round, u64::MAX));
    whole / 2 + part_of(random, whole / 2)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A part of `bound` as great as `random` is of its range.
fn part_of(random: u64, bound: u64) -> u64 {
    let wide = u128::from(random) * (u128::from(bound) + 1);
    u64::try_from(wide >> 64).unwrap_or(bound)
}

#[cfg(test)]
mod tests;
