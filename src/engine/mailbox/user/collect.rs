//! Collecting from a mailbox of ours: register, list, fetch one by one, delete.

use super::{
    Collected, Event, Fate,
    actor::{Actor, random},
    deposits::{ANSWER_MS, BACKOFF},
    lanes::exponential_ms,
    poll::{Poll, Step},
    register::{Prepared, code, prepare},
};
use crate::{
    base::chain,
    crypto::SystemRandom,
    model::{MailboxId, RouteId, VaultState},
    protocol::mailbox_hash,
    store::own_mailboxes,
    wire::{Frame, MAX_DELETED, MailboxFrame, TagHash},
};

/// Pages of one listing; a host that has more is asked the next time.
const MOST_PAGES: u32 = 64;
/// What could not be taken in is fetched again after this time, then twice as long.
const AGAIN_MS: u64 = 15_000;
/// A fresh contact gets tags after this time.
const SOON_MS: u64 = 2_000;
/// Tries to have a host forget what it holds under a mailbox that was left.
const GOODBYES: u32 = 3;

impl Actor {
    /// Follows the list of our mailboxes; new ones are asked at once.
    pub(super) async fn find_mailboxes(&mut self) {
        let now = self.clock.steady_ms();
        let unlocked = self.rooms.vault.state() == VaultState::Unlocked;
        let rows = match own_mailboxes::list(&self.rooms.bus.store().read()) {
            Ok(rows) if unlocked => Some(rows),
            Ok(_) => None,
            Err(error) => {
                if unlocked {
                    tracing::error!(error = %chain(&error), "cannot read the mailboxes");
                }
                None
            }
        };
        // Only a list that was read tells that a mailbox was left; without one, nothing is asked.
        let left = rows.is_some();
        let rows = rows.unwrap_or_default();
        let wanted = |poll: &Poll| rows.iter().any(|row| row.id == poll.mailbox.0);
        let gone: Vec<_> = self
            .polls
            .iter()
            .filter(|(_, poll)| !wanted(poll))
            .collect();
        let gone: Vec<RouteId> = gone.into_iter().map(|(id, _)| *id).collect();
        for id in gone {
            if left {
                self.leave(id).await;
            } else {
                self.drop_poll(id).await;
            }
        }
        for row in &rows {
            let (Some(id), Some(code)) = (MailboxId::from_slice(&row.id), code(row)) else {
                continue;
            };
            if self.polls.values().any(|poll| poll.mailbox == id) {
                continue;
            }
            let route = self.add_route(*code.keys().owner.as_bytes(), code.addresses);
            self.polls.insert(route, Poll::new(id, now));
        }
    }

    /// Has the host of a mailbox that is not ours any more forget what it holds.
    async fn leave(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let Some(poll) = self.polls.get_mut(&id).filter(|poll| !poll.leaving) else {
            return;
        };
        let busy = poll.step != Step::Idle;
        poll.leaving = true;
        poll.begin_again(now, now);
        self.untold.remove(&id);
        if busy {
            self.rooms.net.disconnect(id).await;
        }
    }

    async fn drop_poll(&mut self, id: RouteId) {
        self.untold.remove(&id);
        if let Some(poll) = self.polls.remove(&id) {
            self.shared.failing().remove(&poll.mailbox);
        }
        self.drop_route(id).await;
    }

    /// Somebody may need tags: polls soon.
    pub(super) fn poll_soon(&mut self) {
        let at = self.clock.steady_ms() + SOON_MS;
        for poll in self
            .polls
            .values_mut()
            .filter(|poll| poll.step == Step::Idle)
        {
            poll.at_ms = Some(poll.at_ms.map_or(at, |before| before.min(at)));
        }
    }

    pub(super) fn next_poll_ms(&self) -> Option<u64> {
        self.polls.values().filter_map(|poll| poll.at_ms).min()
    }

    pub(super) async fn handle_polls(&mut self) {
        let now = self.clock.steady_ms();
        let due = |poll: &Poll| poll.at_ms.is_some_and(|at| at <= now);
        let due: Vec<RouteId> = self
            .polls
            .iter()
            .filter(|(_, poll)| due(poll))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(poll) = self.polls.get_mut(&id) else {
                continue;
            };
            if poll.step == Step::Idle {
                (poll.step, poll.at_ms) = (Step::Dialing, None);
                self.rooms.net.dial(id).await;
            } else {
                self.hang_up(id).await;
            }
        }
    }

    pub(super) async fn on_poll_failed(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let mean = self.settings.poll;
        let Some(poll) = self
            .polls
            .get_mut(&id)
            .filter(|poll| poll.step != Step::Idle)
        else {
            return;
        };
        let wait = BACKOFF.wait(poll.failures, random()).min(mean);
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let failures = poll.failures.saturating_add(1);
        poll.begin_again(now.saturating_add(wait), now);
        poll.failures = failures;
        self.untold.remove(&id);
        if !poll.leaving {
            self.shared.failing().insert(poll.mailbox);
        } else if failures >= GOODBYES {
            self.drop_poll(id).await;
        }
    }

    /// The host is there: tell it what to take, then ask for what it has.
    pub(super) async fn on_poll_up(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let Some(poll) = self.polls.get_mut(&id) else {
            return;
        };
        if poll.leaving {
            (poll.step, poll.at_ms) = (Step::Wiping, Some(now + ANSWER_MS));
            return self.ask(id, MailboxFrame::Wipe);
        }
        let mailbox = poll.mailbox;
        let bus = self.rooms.bus.clone();
        let prepared = tokio::task::spawn_blocking(move || prepare(&bus, mailbox)).await;
        let prepared = match prepared {
            Ok(Ok(Some(prepared))) => prepared,
            Ok(Ok(None)) | Err(_) => return self.hang_up(id).await,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "cannot prepare for a mailbox");
                return self.hang_up(id).await;
            }
        };
        let Prepared {
            set,
            expected,
            untold,
            announced,
        } = prepared;
        let Some(poll) = self.polls.get_mut(&id) else {
            return;
        };
        poll.expected = expected;
        poll.step = Step::Registering;
        poll.at_ms = Some(now + ANSWER_MS);
        self.untold.insert(id, (untold, announced));
        self.ask(id, MailboxFrame::Register(set));
    }

    async fn hang_up(&mut self, id: RouteId) {
        self.on_poll_failed(id).await;
        self.rooms.net.disconnect(id).await;
    }

    fn ask(&self, id: RouteId, frame: MailboxFrame) {
        // Without a link its end is about to be told.
        let _ = self.rooms.net.try_send(id, Frame::Mailbox(frame));
    }

    pub(super) async fn on_poll_frame(&mut self, id: RouteId, frame: MailboxFrame) {
        let now = self.clock.steady_ms();
        let Some(poll) = self.polls.get_mut(&id) else {
            return;
        };
        match (poll.step, frame) {
            (Step::Registering, MailboxFrame::Registered { taken, .. }) => {
                let told = self.untold.remove(&id);
                if let Some((contacts, announced)) = told.filter(|(to, _)| taken && !to.is_empty())
                {
                    super::rising::say(&self.speaker, Event::Announce(contacts, announced));
                }
                if !taken {
                    tracing::warn!("a mailbox does not take tags: it is full");
                }
                poll.step = Step::Listing;
                poll.at_ms = Some(now + ANSWER_MS);
                self.ask(id, MailboxFrame::List { after: 0 });
            }
            (
                Step::Listing,
                MailboxFrame::Listing {
                    entries,
                    next,
                    more,
                },
            ) => {
                poll.pages = poll.pages.saturating_add(1);
                poll.next_page = Some(next).filter(|_| more && poll.pages < MOST_PAGES);
                for entry in entries {
                    if poll.expected.contains_key(&entry.hash) {
                        if !poll.is_foreign(&entry.hash, now) {
                            poll.queue.push_back(entry.hash);
                        }
                    } else {
                        // Taken before, or under tags of long ago.
                        poll.spent.push(entry.hash);
                    }
                }
                self.go_on(id).await;
            }
            (Step::Fetching(hash), MailboxFrame::Fetched(parcel)) => {
                let tag = parcel.first_chunk::<16>();
                let place = poll.expected.get(&hash).copied();
                match (tag.map(mailbox_hash) == Some(hash), place) {
                    (true, Some(place)) => {
                        (poll.step, poll.at_ms) = (Step::Taking(hash), None);
                        super::rising::say(
                            &self.speaker,
                            Event::Collected(Collected {
                                mailbox: poll.mailbox,
                                hash,
                                place,
                                parcel,
                            }),
                        );
                    }
                    // Not what was asked for.
                    _ => self.go_on(id).await,
                }
            }
            (Step::Fetching(hash), MailboxFrame::Missing(missing)) if missing == hash => {
                self.go_on(id).await;
            }
            (Step::Deleting, MailboxFrame::Deleted { .. }) => self.go_on(id).await,
            (Step::Wiping, MailboxFrame::Wiped) => self.drop_poll(id).await,
            // Whatever else a host says, it is no answer.
            _ => {}
        }
    }

    pub(super) async fn on_taken(&mut self, mailbox: MailboxId, hash: TagHash, fate: Fate) {
        let now = self.clock.steady_ms();
        let mut polls = self.polls.iter_mut();
        let found = polls.find(|(_, poll)| poll.mailbox == mailbox);
        let Some((id, poll)) = found else { return };
        if fate == Fate::Done {
            poll.expected.remove(&hash);
        }
        if poll.step != Step::Taking(hash) {
            return;
        }
        match fate {
            Fate::Done => poll.spent.push(hash),
            Fate::Later => poll.again = true,
            Fate::Left => poll.on_foreign(hash, now),
        }
        let id = *id;
        self.go_on(id).await;
    }

    /// The next thing to ask for.
    async fn go_on(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let Some(poll) = self.polls.get_mut(&id) else {
            return;
        };
        poll.at_ms = Some(now + ANSWER_MS);
        if let Some(hash) = poll.queue.pop_front() {
            poll.step = Step::Fetching(hash);
            return self.ask(id, MailboxFrame::Fetch(hash));
        }
        if !poll.spent.is_empty() {
            let rest = poll.spent.split_off(poll.spent.len().min(MAX_DELETED));
            let mut spent = std::mem::replace(&mut poll.spent, rest);
            spent.sort_unstable();
            spent.dedup();
            poll.step = Step::Deleting;
            return self.ask(id, MailboxFrame::Delete(spent));
        }
        if let Some(after) = poll.next_page.take() {
            poll.step = Step::Listing;
            return self.ask(id, MailboxFrame::List { after });
        }
        self.finish(id).await;
    }

    async fn finish(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let Some(poll) = self.polls.get_mut(&id) else {
            return;
        };
        let mut wait = exponential_ms(self.settings.poll, &mut SystemRandom);
        let mut left_over = 0;
        if poll.again {
            wait = wait.min(AGAIN_MS << poll.left_over.min(10));
            left_over = poll.left_over.saturating_add(1);
        }
        let mailbox = poll.mailbox;
        poll.begin_again(now.saturating_add(wait), now);
        poll.left_over = left_over;
        self.shared.failing().remove(&mailbox);
        self.rooms.net.disconnect(id).await;
        let bus = self.rooms.bus.clone();
        let write = move || {
            let mut txn = bus.store().begin();
            if let Some(mut row) = own_mailboxes::get(&txn, &mailbox)? {
                row.polled_at = bus.now().0;
                own_mailboxes::put(&mut txn, &row)?;
            }
            bus.store().queue(txn)?.wait()
        };
        self.rooms.bus.detach(async move {
            if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
                tracing::warn!(error = %chain(&error), "cannot note when a mailbox was asked");
            }
        });
    }
}
