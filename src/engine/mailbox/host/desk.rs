//! What is done with a few frames at a time: one transaction, and answers that wait for it.

use super::{
    room::{Room, Side},
    shelf::{Deposit, KEEP_DAYS, MAX_HASHES, Shelf, Verdict},
};
use crate::{
    crypto::hash,
    model::{MailboxId, RouteId},
    protocol::mailbox_hash,
    store::{Store, StoreError, Txn, mailbox},
    wire::{MailboxFrame, PARCEL_BYTES, Quota, TagHash, TagSet, parcel_class},
};

/// What to say once the transaction is durable.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) to: RouteId,
    pub(super) say: Say,
    /// What to say if it never will be; to hang up if nothing.
    pub(super) else_say: Option<MailboxFrame>,
}

#[derive(Debug)]
pub(super) enum Say {
    Frame(MailboxFrame),
    /// The parcel under this hash, read when it is its turn.
    Parcel(MailboxId, TagHash),
    /// Hang up: they broke the rules.
    Nothing,
}

/// See the module.
pub(super) struct Desk<'a> {
    room: &'a mut Room,
    store: &'a Store,
    txn: Option<Txn>,
    answers: Vec<Answer>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(room: &'a mut Room, store: &'a Store) -> Self {
        Self {
            room,
            store,
            txn: None,
            answers: Vec::new(),
        }
    }

    /// The same, to go on with `txn`.
    pub(super) fn within(room: &'a mut Room, store: &'a Store, txn: Txn) -> Self {
        let txn = Some(txn);
        Self {
            txn,
            ..Self::new(room, store)
        }
    }

    /// What was written, if anything, and what to say.
    pub(super) fn finish(self) -> (Option<Txn>, Vec<Answer>) {
        (self.txn, self.answers)
    }

    /// Takes a frame of the guest on `route`. On an error nothing of this desk may stand.
    pub(super) fn take(&mut self, route: RouteId, frame: MailboxFrame) -> Result<(), StoreError> {
        let Some((id, side)) = self.room.guest(route) else {
            return Ok(());
        };
        match (side, frame) {
            (Side::Depositor, MailboxFrame::Put(parcel)) => self.put(route, id, parcel),
            (Side::Owner, frame) => self.serve(route, id, frame),
            (Side::Depositor, _) => {
                self.hang_up(route);
                Ok(())
            }
        }
    }

    fn put(&mut self, route: RouteId, id: MailboxId, parcel: Vec<u8>) -> Result<(), StoreError> {
        let (Some(tag), Some(class)) = (parcel.first_chunk::<16>(), parcel_class(parcel.len()))
        else {
            self.hang_up(route);
            return Ok(());
        };
        let tag = *tag;
        // Judged also where the rate says no already: both take as long.
        let deposit = Deposit {
            hash: mailbox_hash(&tag),
            class,
            digest: hash(&[&parcel]),
        };
        let now = self.room.service_now();
        let allowed = self.room.allows(route);
        let room = self.room.left_bytes();
        let shelf = self.room.shelves.get_mut(&id);
        let verdict = shelf.map_or(Verdict::No, |shelf| shelf.judge(&deposit, now, room));
        let verdict = match verdict {
            Verdict::Take if !(allowed && self.room.takes(id)) => Verdict::No,
            Verdict::Again if !allowed => Verdict::No,
            verdict => verdict,
        };
        let no = MailboxFrame::PutNo(tag);
        self.room.note(verdict != Verdict::No);
        let say = match verdict {
            Verdict::No if self.room.is_nuisance(route) => Say::Nothing,
            Verdict::No => Say::Frame(no.clone()),
            Verdict::Again => Say::Frame(MailboxFrame::PutOk(tag)),
            Verdict::Take => {
                let day = self.room.today();
                if let Some(shelf) = self.room.shelves.get_mut(&id) {
                    let held = shelf.take(&deposit, now, day);
                    let txn = self.txn.get_or_insert_with(|| self.store.begin());
                    mailbox::put_parcel(txn, &id, &deposit.hash, &held, parcel)?;
                    mailbox::put(txn, &shelf.record)?;
                }
                Say::Frame(MailboxFrame::PutOk(tag))
            }
        };
        self.say(route, say, Some(no));
        Ok(())
    }

    fn serve(
        &mut self,
        route: RouteId,
        id: MailboxId,
        frame: MailboxFrame,
    ) -> Result<(), StoreError> {
        let Some(shelf) = self.room.shelves.get(&id) else {
            return Ok(());
        };
        let say = match frame {
            MailboxFrame::Register(set) => return self.register(route, id, &set),
            MailboxFrame::Delete(hashes) => return self.delete(route, id, &hashes),
            MailboxFrame::Wipe => return self.wipe(route, id),
            MailboxFrame::List { after } => {
                let (entries, next, more) = shelf.list(after);
                Say::Frame(MailboxFrame::Listing {
                    entries,
                    next,
                    more,
                })
            }
            MailboxFrame::Fetch(hash) if shelf.holds(&hash) => Say::Parcel(id, hash),
            MailboxFrame::Fetch(hash) => Say::Frame(MailboxFrame::Missing(hash)),
            MailboxFrame::Stat => Say::Frame(MailboxFrame::Quota(quota(shelf))),
            // A deposit belongs on another link; the rest are answers, which nobody asked for.
            _ => Say::Nothing,
        };
        self.say(route, say, None);
        Ok(())
    }

    fn register(&mut self, route: RouteId, id: MailboxId, set: &TagSet) -> Result<(), StoreError> {
        let (now, today) = (self.room.service_now(), self.room.today());
        let allowed = self.room.allows(route);
        let Some(shelf) = self.room.shelves.get_mut(&id) else {
            return Ok(());
        };
        let before = count(shelf.hashes());
        let taken = allowed && shelf.register(set, now, today);
        let hashes = count(shelf.hashes());
        if taken {
            let sets = shelf.sets();
            mailbox::put_sets(self.txn(), &id, &sets)?;
        }
        let refused = MailboxFrame::Registered {
            taken: false,
            hashes: before,
        };
        let say = Say::Frame(MailboxFrame::Registered { taken, hashes });
        self.say(route, say, Some(refused));
        Ok(())
    }

    fn delete(
        &mut self,
        route: RouteId,
        id: MailboxId,
        hashes: &[TagHash],
    ) -> Result<(), StoreError> {
        let parcels = self.forget(id, hashes)?;
        let say = Say::Frame(MailboxFrame::Deleted {
            parcels: u16::try_from(parcels).unwrap_or(u16::MAX),
        });
        self.say(route, say, None);
        Ok(())
    }

    /// Forgets `hashes` and their parcels; returns how many parcels that were.
    pub(super) fn forget(
        &mut self,
        id: MailboxId,
        hashes: &[TagHash],
    ) -> Result<usize, StoreError> {
        let Some(shelf) = self.room.shelves.get_mut(&id) else {
            return Ok(0);
        };
        let (mut known, mut parcels) = (false, Vec::new());
        for hash in hashes {
            let (was_known, was_held) = shelf.delete(hash);
            known |= was_known;
            parcels.extend(was_held.then_some(*hash));
        }
        if known {
            let sets = shelf.sets();
            let txn = self.txn();
            for hash in &parcels {
                mailbox::remove_parcel(txn, &id, hash)?;
            }
            mailbox::put_sets(txn, &id, &sets)?;
        }
        Ok(parcels.len())
    }

    fn wipe(&mut self, route: RouteId, id: MailboxId) -> Result<(), StoreError> {
        mailbox::wipe(self.txn(), &id)?;
        if let Some(shelf) = self.room.shelves.get_mut(&id) {
            shelf.wipe();
        }
        self.say(route, Say::Frame(MailboxFrame::Wiped), None);
        Ok(())
    }

    pub(super) fn hang_up(&mut self, route: RouteId) {
        self.say(route, Say::Nothing, None);
    }

    fn say(&mut self, to: RouteId, say: Say, else_say: Option<MailboxFrame>) {
        self.answers.push(Answer { to, say, else_say });
    }

    fn txn(&mut self) -> &mut Txn {
        self.txn.get_or_insert_with(|| self.store.begin())
    }
}

fn quota(shelf: &Shelf) -> Quota {
    Quota {
        hashes: count(shelf.hashes()),
        max_hashes: count(MAX_HASHES),
        bytes: shelf.bytes(),
        max_bytes: shelf.record.max_bytes,
        parcels: count(shelf.parcels()),
        keep_days: KEEP_DAYS,
        max_class: u8::try_from(PARCEL_BYTES.len() - 1).unwrap_or(0),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
