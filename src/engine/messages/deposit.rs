//! What waits for a contact who is away, sealed once more for the contact's mailboxes.
//!
//! The envelopes stay as they are, byte for byte; only the parcel around them is another, under
//! a mailbox tag. All parcels of a step are one durable batch, so a retry sends the same bytes.

use super::{MessageError, compose::Desk, composer::Tools, control};
use crate::{
    crypto::{EnvelopeKind, SealedEnvelope, Secret, open_parcel, seal_parcel},
    engine::mailbox::{is_of, send_batches, write_send_batches},
    model::{ContactId, RouteId},
    protocol::{DIRECT_PATH, SendBatches},
    store::{
        Txn, deposits, mailbox_tags, outbox,
        records::{DepositMark, DepositRow, OutboxRow, SessionRecord},
    },
};

/// Rows looked at in one step; a step is one transaction.
const MOST_ROWS: usize = 512;
/// Parcels in one step.
const MOST_PARCELS: usize = 32;
/// Envelopes in a parcel, besides the window and a receipt.
const MOST_ENVELOPES: usize = 250;
/// What a parcel needs around its envelopes, and each of them around its bytes; with room for
/// a window.
const AROUND: usize = 16 + 16 + 2 + 17;
const EACH: usize = 17;
/// With so few tags left every parcel is to hold as much as it can.
const SCARCE: u64 = 8;
/// A parcel that nobody receipted is left anew after a day, then two, four, eight, sixteen.
const AGAIN_MS: i64 = 86_400_000;

/// Seals what waits for `id` for each of the contact's mailboxes, with the receipt that is
/// owed; a receipt without anything else only if `alone`. Returns whether there is something
/// to leave there now.
pub(super) fn deposit(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
    alone: bool,
) -> Result<bool, MessageError> {
    let route = RouteId(id.0);
    if tools.outbox.is_linked(route) {
        return Ok(false);
    }
    let Some(mut record) = mailbox_tags::send(txn, &id).map_err(MessageError::Store)? else {
        return Ok(false);
    };
    let mut desk = match Desk::open(tools, txn, id) {
        Err(MessageError::NoSession | MessageError::NoContact) => return Ok(false),
        desk => desk?,
    };
    if !is_of(&record.conversation, &desk.contact) {
        return Ok(false);
    }
    let rows = waiting(tools, txn, route)?;
    let mut changed = false;
    let mut ways: Vec<(usize, SendBatches)> = Vec::new();
    for (at, path) in record.paths.iter().enumerate() {
        let batches = send_batches(path).ok_or(MessageError::Damaged)?;
        if batches.left(desk.now) > 0 {
            ways.push((at, batches));
        }
    }
    let any_due = |(_, batches): &(usize, SendBatches)| {
        let due = |(_, row): &Row| is_due(row, batches.path, desk.now.0);
        rows.iter().any(due)
    };
    if ways.is_empty() || !(alone || ways.iter().any(any_due)) {
        return Ok(false);
    }
    let receipt = control::mailbox_receipt(txn, &mut desk)?;
    for (at, mut batches) in ways {
        let sealed = Way {
            tools,
            desk: &desk,
            route,
            rows: &rows,
            receipt: receipt.as_ref(),
        }
        .seal(txn, &mut batches)?;
        if let Some(path) = record.paths.get_mut(at) {
            write_send_batches(path, &batches);
        }
        changed |= sealed;
    }
    if changed {
        mailbox_tags::put_send(txn, &id, &record).map_err(MessageError::Store)?;
        desk.save_session(txn)?;
    }
    Ok(changed)
}

type Row = (u64, OutboxRow);

/// The oldest rows, up to the first that must not go.
fn waiting(tools: &Tools, txn: &Txn, route: RouteId) -> Result<Vec<Row>, MessageError> {
    let below = tools.outbox.first_withheld(route);
    outbox::scan(txn, &route, 0, below, MOST_ROWS).map_err(MessageError::Store)
}

/// One of the contact's mailboxes.
struct Way<'a> {
    tools: &'a Tools,
    desk: &'a Desk,
    route: RouteId,
    rows: &'a [Row],
    receipt: Option<&'a SealedEnvelope>,
}

impl Way<'_> {
    /// Seals as much as there are tags for. Returns whether that was anything.
    fn seal(&self, txn: &mut Txn, batches: &mut SendBatches) -> Result<bool, MessageError> {
        let now = self.desk.now;
        let due = |row: &OutboxRow| is_due(row, batches.path, now.0);
        let due: Vec<_> = self.rows.iter().filter(|(_, row)| due(row)).collect();
        let mut opened = Vec::with_capacity(due.len());
        for (number, row) in due {
            // Sealed before past keys were kept: it waits for a link.
            let Some(envelopes) = open(&self.desk.session, row) else {
                continue;
            };
            opened.push((*number, envelopes));
        }
        let mut receipt = self.receipt.cloned();
        let Some(floor) = self.floor(txn)? else {
            return Ok(false);
        };
        let goal = goal(opened.len(), batches.left(now));
        let mut waiting = opened.into_iter().peekable();
        let mut made = 0;
        while made < MOST_PARCELS && (waiting.peek().is_some() || receipt.is_some()) {
            let mut load = Load::new(floor, receipt.as_ref());
            while let Some((_, envelopes)) = waiting.peek()
                && load.takes(envelopes, goal)
            {
                if let Some((number, envelopes)) = waiting.next() {
                    load.add(number, envelopes);
                }
            }
            // What does not even fit into a parcel of its own goes over a link only.
            if load.rows.is_empty() && receipt.is_none() {
                waiting.next();
                continue;
            }
            let last = load.rows.last().map_or(0, |last| last.saturating_add(1));
            if !self.claim(txn, last)? {
                break;
            }
            let Some((key, j)) = batches.take(now) else {
                break;
            };
            self.keep(txn, batches.path, (&key, j), load)?;
            receipt = None;
            made += 1;
        }
        Ok(made > 0)
    }

    /// Everything before this place is settled or given up: it is the oldest that waits.
    fn floor(&self, txn: &Txn) -> Result<Option<(u32, u64)>, MessageError> {
        // Also one that is being taken back: it may stay.
        let first = outbox::scan(txn, &self.route, 0, u64::MAX, 1).map_err(MessageError::Store)?;
        let first = first.first();
        Ok(first
            .map(|(_, row)| (row.tag_epoch, row.tag_index))
            .or(self.receipt.map(|own| (own.epoch, own.index))))
    }

    fn claim(&self, txn: &mut Txn, below: u64) -> Result<bool, MessageError> {
        let outbox = &self.tools.outbox;
        outbox
            .claim_below(txn, self.route, below)
            .map_err(MessageError::Store)
    }

    fn keep(
        &self,
        txn: &mut Txn,
        path: u32,
        (key, j): (&Secret<32>, u64),
        load: Load,
    ) -> Result<(), MessageError> {
        let parcel = seal_parcel(key, path, j, &load.envelopes).map_err(MessageError::Seal)?;
        let at = self.desk.now.0;
        for number in &load.rows {
            outbox::update(txn, &self.route, *number, |row| mark(row, path, at))
                .map_err(MessageError::Store)?;
        }
        let row = DepositRow {
            path,
            parcel,
            rows: load.rows,
            at,
            refusals: 0,
        };
        deposits::push(txn, &self.route, &row).map_err(MessageError::Store)?;
        Ok(())
    }
}

/// What goes into one parcel.
struct Load {
    envelopes: Vec<SealedEnvelope>,
    rows: Vec<u64>,
    bytes: usize,
}

impl Load {
    fn new((epoch, index): (u32, u64), receipt: Option<&SealedEnvelope>) -> Self {
        let window = SealedEnvelope {
            epoch,
            index,
            kind: EnvelopeKind::Window,
            bytes: Vec::new(),
        };
        let mut load = Self {
            envelopes: vec![window],
            rows: Vec::new(),
            bytes: AROUND,
        };
        if let Some(receipt) = receipt {
            load.bytes += EACH + receipt.bytes.len();
            load.envelopes.push(receipt.clone());
        }
        load
    }

    fn takes(&self, more: &[SealedEnvelope], goal: usize) -> bool {
        let full = if self.rows.is_empty() { 262_144 } else { goal };
        self.envelopes.len() + more.len() <= MOST_ENVELOPES
            && self.bytes.saturating_add(bytes_of(more)) <= full
    }

    fn add(&mut self, number: u64, envelopes: Vec<SealedEnvelope>) {
        self.bytes = self.bytes.saturating_add(bytes_of(&envelopes));
        self.envelopes.extend(envelopes);
        self.rows.push(number);
    }
}

fn bytes_of(envelopes: &[SealedEnvelope]) -> usize {
    let each = envelopes.iter().map(|one| EACH + one.bytes.len());
    each.sum()
}

/// How full a parcel is to be: small ones while there are few, so that they look like any
/// other; large ones where tags would run out.
fn goal(rows: usize, tags: u64) -> usize {
    match rows {
        _ if tags <= SCARCE => 262_144,
        0..=16 => 16_384,
        17..=64 => 65_536,
        _ => 262_144,
    }
}

fn is_due(row: &OutboxRow, path: u32, now: i64) -> bool {
    let mark = row.deposits.iter().find(|mark| mark.path == path);
    mark.is_none_or(|mark| {
        let wait = AGAIN_MS << mark.times.saturating_sub(1).min(4);
        mark.at == 0 || !(mark.at..mark.at.saturating_add(wait)).contains(&now)
    })
}

fn mark(row: &mut OutboxRow, path: u32, at: i64) {
    let found = row.deposits.iter_mut().find(|mark| mark.path == path);
    if let Some(mark) = found {
        mark.at = at;
        mark.times = mark.times.saturating_add(1);
        return;
    }
    row.deposits.push(DepositMark { path, at, times: 1 });
}

/// The envelopes of a parcel of our own.
fn open(session: &SessionRecord, row: &OutboxRow) -> Option<Vec<SealedEnvelope>> {
    let past = session.send_past.iter();
    let key = if row.tag_epoch == session.send_epoch {
        &session.send_key
    } else {
        &past.clone().find(|past| past.epoch == row.tag_epoch)?.key
    };
    let key = Secret::from_slice(key)?;
    open_parcel(&key, DIRECT_PATH, row.tag_index, &row.parcel).ok()
}
