//! How far one outgoing message got (`protocol.md` E.1). The bytes were sealed before this
//! machine starts and it never asks for others.

use std::time::Duration;

use crate::{
    crypto::Random,
    model::{DeliveryState, FailureReason, Timestamp},
};

use super::backoff_plan::{DIRECT, word};

/// How long a parcel handed to a link may stay unconfirmed.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What happens to a message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A link to the contact is up.
    LinkUp,
    /// The link took the bytes.
    HandedToLink,
    /// Their device keeps the parcel, unopened.
    Custody,
    /// Their signed receipt covers it.
    Receipt,
    /// Their signed receipt says that they cannot open it.
    CannotOpen,
    /// The link ended.
    LinkLost,
    /// The contact could not be reached.
    DialFailed(FailureReason),
    /// [`DeliveryMachine::next_at`] has come.
    Timeout,
    /// Network, address or machine came back, or the user asked for a try now.
    WakeEvent,
    /// The user takes it back.
    Cancel,
    /// Its 30 days are over.
    Expire,
    /// The contact was blocked here.
    Block,
}

/// What to do about it. All of it follows one durable write of the machine, if `store` is set:
/// what may have left must be known to have left after a crash. A row that is sealed while a
/// link is up takes [`Input::LinkUp`] before its first write, and needs no second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Something changed that must survive a restart.
    pub store: bool,
    /// The state changed: tell whoever watches.
    pub announce: bool,
    /// Give the sealed bytes to the link.
    pub hand_to_link: bool,
    /// The state is final: the sealed bytes can go.
    pub finished: bool,
    /// The input came too late to be followed (a cancel after the bytes had left).
    pub refused: bool,
}

/// One row of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryMachine {
    /// How far it got.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// The latest obstacle.
    pub reason: Option<FailureReason>,
    /// When [`Input::Timeout`] is due.
    pub next_at: Option<Timestamp>,
    /// Whether the bytes were ever to go to a link: from then on somebody may have them.
    pub handed: bool,
    /// Failures since the last wake event; sets the length of the next wait.
    pub step: u32,
    link_up: bool,
    in_flight: bool,
}

impl Default for DeliveryMachine {
    fn default() -> Self {
        Self::queued()
    }
}

impl DeliveryMachine {
    /// A message that was just sealed.
    #[must_use]
    pub const fn queued() -> Self {
        Self {
            state: DeliveryState::Queued,
            attempts: 0,
            reason: None,
            next_at: None,
            handed: false,
            step: 0,
            link_up: false,
            in_flight: false,
        }
    }

    /// The machine as it goes on after a restart: whatever was under way is not any more.
    #[must_use]
    pub const fn restored(
        state: DeliveryState,
        attempts: u32,
        reason: Option<FailureReason>,
        next_at: Option<Timestamp>,
        handed: bool,
    ) -> Self {
        let state = match state {
            DeliveryState::Sending => DeliveryState::Queued,
            other => other,
        };
        Self {
            state,
            attempts,
            reason,
            next_at,
            handed,
            step: attempts,
            link_up: false,
            in_flight: false,
        }
    }

    /// Whether the bytes are with a link that has not answered yet.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    /// Takes one step. A final state is never left.
    pub fn step(&mut self, input: Input, now: Timestamp, rng: &mut dyn Random) -> Outputs {
        let before = *self;
        let mut out = Outputs::default();
        if self.state.is_final() {
            out.refused = matches!(input, Input::Cancel);
            return out;
        }
        match input {
            Input::LinkUp => {
                self.link_up = true;
                out.hand_to_link = !self.in_flight;
            }
            Input::HandedToLink => self.handed_to_link(now),
            Input::Custody => self.custody(),
            Input::Receipt => self.end(DeliveryState::Delivered, None),
            Input::CannotOpen => self.end(DeliveryState::Failed, Some(FailureReason::CannotOpen)),
            Input::LinkLost => {
                self.link_up = false;
                if self.in_flight {
                    self.failed(FailureReason::LinkLost, now, rng);
                }
            }
            Input::DialFailed(reason) => {
                // News of an old dial does not matter while a link carries the bytes.
                if !self.link_up {
                    self.failed(reason, now, rng);
                }
            }
            Input::Timeout => out.hand_to_link = self.timeout(now, rng),
            Input::WakeEvent => {
                self.step = 0;
                if !self.in_flight {
                    self.next_at = None;
                    out.hand_to_link = self.link_up;
                }
            }
            Input::Cancel if self.handed => out.refused = true,
            Input::Cancel => self.end(DeliveryState::Cancelled, Some(FailureReason::Cancelled)),
            Input::Expire => self.end(DeliveryState::Expired, Some(FailureReason::Expired)),
            Input::Block => self.end(DeliveryState::Failed, Some(FailureReason::Blocked)),
        }
        self.handed |= out.hand_to_link;
        out.store = self.kept() != before.kept();
        out.announce = self.state != before.state;
        out.finished = self.state.is_final();
        out
    }

    /// What a restart must find again.
    fn kept(&self) -> impl PartialEq {
        (
            self.state,
            self.attempts,
            self.reason,
            self.next_at,
            self.handed,
        )
    }

    fn handed_to_link(&mut self, now: Timestamp) {
        self.link_up = true;
        self.in_flight = true;
        self.handed = true;
        self.next_at = Some(now.after(ANSWER_TIMEOUT));
        if self.state == DeliveryState::Queued {
            self.state = DeliveryState::Sending;
        }
    }

    /// Custody can be claimed and broken: the row stays, and the bytes are offered again with
    /// the next link.
    fn custody(&mut self) {
        self.in_flight = false;
        self.handed = true;
        self.state = DeliveryState::Stored;
        self.reason = None;
        self.next_at = None;
        self.step = 0;
    }

    fn timeout(&mut self, now: Timestamp, rng: &mut dyn Random) -> bool {
        if self.next_at.is_none_or(|due| due > now) {
            return false;
        }
        if self.in_flight {
            self.failed(FailureReason::NoAnswer, now, rng);
            return false;
        }
        self.next_at = None;
        self.link_up
    }

    fn failed(&mut self, reason: FailureReason, now: Timestamp, rng: &mut dyn Random) {
        self.in_flight = false;
        self.attempts = self.attempts.saturating_add(1);
        self.reason = Some(reason);
        self.next_at = Some(now.after(DIRECT.wait(self.step, word(rng))));
        self.step = self.step.saturating_add(1);
        if self.state == DeliveryState::Sending {
            self.state = DeliveryState::Queued;
        }
    }

    fn end(&mut self, state: DeliveryState, reason: Option<FailureReason>) {
        self.state = state;
        self.reason = reason;
        self.next_at = None;
        self.in_flight = false;
    }
}

#[cfg(test)]
mod tests;
