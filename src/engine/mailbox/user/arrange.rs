//! Taking over, listing and leaving mailboxes of ours.

use super::{Announced, Command, Event, MailboxError, Mailboxes, register::code};
use crate::{
    crypto::{Random, SystemRandom, same},
    engine::contacts::RouteKind,
    model::{ContactId, IdentityId, MailboxId, OwnMailbox, RouteId, Timestamp, limits},
    protocol::MailboxCode,
    store::{
        Once, Read, StoreError, mailbox_tags, own_mailboxes,
        records::{OwnMailboxRecord, RecvPathRecord},
        settings,
    },
};

/// Most mailboxes of one identity.
const MAX_MAILBOXES: usize = 2;
/// The setting that holds the number of the latest mailbox.
const LATEST: &str = "mailbox-path";

impl Mailboxes {
    /// Uses the mailbox behind `text` for the contacts of `identity` from now on.
    ///
    /// # Errors
    /// A code that cannot be read or names no address, a note too long, a mailbox in use
    /// already, a third one, locked, or what the store says.
    pub async fn accept(
        &self,
        identity: IdentityId,
        text: &str,
        note: String,
        once: Once,
    ) -> Result<OwnMailbox, MailboxError> {
        let code: MailboxCode = text.trim().parse().map_err(MailboxError::Code)?;
        if code.addresses.is_empty() {
            return Err(MailboxError::NoAddress);
        }
        if note.len() > limits::MAX_NAME_BYTES {
            return Err(MailboxError::BadNote);
        }
        let bus = &self.rooms.bus;
        let mut txn = bus.store().begin();
        if let Some(answer) = once.find(&txn).map_err(MailboxError::Store)? {
            let id = MailboxId::from_slice(&answer).ok_or(MailboxError::Damaged)?;
            let row = own_mailboxes::get(&txn, &id).map_err(MailboxError::Store)?;
            return self.shown(&row.ok_or(MailboxError::NotFound)?);
        }
        let rows = own_mailboxes::list(&txn).map_err(MailboxError::Store)?;
        if rows
            .iter()
            .any(|row| same(&row.secret, code.secret.as_bytes()))
        {
            return Err(MailboxError::Known);
        }
        let ours = rows.iter().filter(|row| row.identity == identity.0);
        if ours.count() >= MAX_MAILBOXES {
            return Err(MailboxError::TooMany);
        }
        let latest = settings::get(&txn, LATEST).map_err(MailboxError::Store)?;
        let latest = latest.and_then(|bytes| bytes.try_into().ok());
        let path = latest.map_or(0, u32::from_be_bytes).saturating_add(1);
        settings::put(&mut txn, LATEST, &path.to_be_bytes()).map_err(MailboxError::Store)?;
        let mut id = MailboxId([0; 16]);
        SystemRandom.fill(&mut id.0);
        let row = OwnMailboxRecord {
            id: id.0.to_vec(),
            identity: identity.0.to_vec(),
            path,
            secret: code.secret.as_bytes().to_vec(),
            addresses: code.addresses.iter().map(ToString::to_string).collect(),
            note,
            created_at: bus.now().0,
            polled_at: 0,
        };
        own_mailboxes::put(&mut txn, &row).map_err(MailboxError::Store)?;
        once.put(&mut txn, &id.0).map_err(MailboxError::Store)?;
        bus.commit(txn).await.map_err(MailboxError::Store)?;
        self.tell(Command::Changed).await;
        self.shown(&row)
    }

    /// Every mailbox of ours, the oldest first.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list(&self) -> Result<Vec<OwnMailbox>, MailboxError> {
        let rows = own_mailboxes::list(&self.rooms.bus.store().read());
        let rows = rows.map_err(MailboxError::Store)?;
        rows.iter().map(|row| self.shown(row)).collect()
    }

    /// Uses a mailbox no longer, has contacts told so, and its host asked to forget what it
    /// holds: contacts send that again when they meet us. A host that does not answer three
    /// times, or before the vault is locked or the daemon stops, keeps it until it grows old.
    ///
    /// # Errors
    /// No such mailbox, locked, or what the store says.
    pub async fn remove(&self, id: MailboxId) -> Result<(), MailboxError> {
        let bus = &self.rooms.bus;
        let mut txn = bus.store().begin();
        let row = own_mailboxes::get(&txn, &id).map_err(MailboxError::Store)?;
        let row = row.ok_or(MailboxError::NotFound)?;
        own_mailboxes::remove(&mut txn, &id).map_err(MailboxError::Store)?;
        bus.commit(txn).await.map_err(MailboxError::Store)?;
        let announced = Announced {
            mailbox: id,
            path: row.path,
            host: None,
        };
        let contacts = self.users_of(id).map_err(MailboxError::Store)?;
        super::rising::say(&self.speaker, Event::Announce(contacts, announced));
        self.tell(Command::Changed).await;
        Ok(())
    }

    /// The contacts with tags there.
    fn users_of(&self, id: MailboxId) -> Result<Vec<RouteId>, StoreError> {
        let read = self.rooms.bus.store().read();
        let mut users = Vec::new();
        for route in self.rooms.contacts.routes(RouteKind::Contact) {
            let record = mailbox_tags::recv(&read, &ContactId(route.0))?;
            let paths = record.map_or_else(Vec::new, |record| record.paths);
            if paths.iter().any(|path| path.mailbox == id.0) {
                users.push(route);
            }
        }
        Ok(users)
    }

    fn shown(&self, row: &OwnMailboxRecord) -> Result<OwnMailbox, MailboxError> {
        let id = MailboxId::from_slice(&row.id).ok_or(MailboxError::Damaged)?;
        code(row).ok_or(MailboxError::Damaged)?;
        Ok(OwnMailbox {
            id,
            identity: IdentityId::from_slice(&row.identity).ok_or(MailboxError::Damaged)?,
            note: row.note.clone(),
            created_at: Timestamp(row.created_at),
            polled_at: (row.polled_at != 0).then_some(Timestamp(row.polled_at)),
            failing: self.shared.failing().contains(&id),
        })
    }
}

/// Mailboxes that are not ours any more, each with the contacts who still have tags there: the
/// word that they were left has been lost with a former run, or with the vault's locking.
pub(super) fn forsaken(
    from: &impl Read,
    routes: &[RouteId],
) -> Result<Vec<(Vec<RouteId>, Announced)>, StoreError> {
    let ours = own_mailboxes::list(from)?;
    let mut left: Vec<(Vec<RouteId>, Announced)> = Vec::new();
    for route in routes {
        let record = mailbox_tags::recv(from, &ContactId(route.0))?;
        let paths = record.map_or_else(Vec::new, |record| record.paths);
        let gone = |path: &RecvPathRecord| ours.iter().all(|row| row.id != path.mailbox);
        for path in paths.into_iter().filter(gone) {
            let Some(mailbox) = MailboxId::from_slice(&path.mailbox) else {
                continue;
            };
            let known = left.iter_mut().find(|(_, one)| one.mailbox == mailbox);
            if let Some((contacts, _)) = known {
                contacts.push(*route);
                continue;
            }
            let announced = Announced {
                mailbox,
                path: path.path,
                host: None,
            };
            left.push((vec![*route], announced));
        }
    }
    Ok(left)
}
