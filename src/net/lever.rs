//! What others may do to a running link from outside.

use super::{event::LinkDownReason, meter::Meter};
use futures::task::AtomicWaker;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

/// Shared by the table, the handle and the link itself.
#[derive(Debug, Default)]
pub(super) struct Lever {
    ending: OnceLock<LinkDownReason>,
    doubted: AtomicBool,
    wants_room: AtomicBool,
    waker: AtomicWaker,
    meter: Meter,
}

impl Lever {
    pub(super) fn new(meter: Meter) -> Self {
        Self {
            meter,
            ..Self::default()
        }
    }

    /// What the link has moved.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Ends the link; the first reason stands.
    pub(super) fn end(&self, reason: LinkDownReason) {
        if self.ending.set(reason).is_ok() {
            self.waker.wake();
        }
    }

    pub(super) fn ending(&self) -> Option<LinkDownReason> {
        self.ending.get().copied()
    }

    pub(super) fn is_running(&self) -> bool {
        self.ending.get().is_none()
    }

    /// Has the link ask its peer at once whether it lives.
    pub(super) fn doubt(&self) {
        self.doubted.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    pub(super) fn take_doubt(&self) -> bool {
        self.doubted.swap(false, Ordering::SeqCst)
    }

    /// Somebody was refused for want of room and is to be told when there is some.
    pub(super) fn want_room(&self) {
        self.wants_room.store(true, Ordering::SeqCst);
    }

    pub(super) fn take_wants_room(&self) -> bool {
        self.wants_room.swap(false, Ordering::SeqCst)
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}
