//! What goes to a contact besides messages: receipts, addresses, certificates.

use super::{
    MessageError,
    compose::{Desk, Sealed},
    composer::Tools,
};
use crate::{
    crypto::{SealedEnvelope, Secret, hash, open_parcel},
    engine::{
        contacts::{addresses_hash, recv_tags},
        mailbox,
        outbox::Command,
    },
    model::{ContactId, RouteId},
    protocol::{
        AddressRecord, Body, DIRECT_PATH, DeviceUpdate, Receipt, SignedManifest, chain_since,
    },
    store::{Txn, contacts, mailbox_tags, outbox, routes, spool},
};
use std::net::SocketAddr;

/// Seals what was received from `id` so far. Not stored: the next one says as much and more.
/// Nothing is sealed without a link, nor while the one before is not on it.
pub(super) fn receipt(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
) -> Result<Option<Command>, MessageError> {
    let route = RouteId(id.0);
    if !tools.outbox.begin_receipt(route) {
        return Ok(None);
    }
    let sealed = seal_receipt(tools, txn, id);
    if !matches!(sealed, Ok(Some(_))) {
        tools.outbox.give_up_receipt(route);
    }
    sealed
}

fn seal_receipt(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
) -> Result<Option<Command>, MessageError> {
    let route = RouteId(id.0);
    let mut desk = match Desk::open(tools, txn, id) {
        Err(MessageError::NoSession | MessageError::NoContact) => return Ok(None),
        desk => desk?,
    };
    let Some(sealed) = seal_receipt_for(txn, &mut desk)? else {
        return Ok(None);
    };
    // The tag is spent for ever before the parcel leaves.
    desk.save_session(txn)?;
    let after = outbox::head(txn, &route).map_err(MessageError::Store)?.tail;
    Ok(Some(Command::Transient {
        route,
        after,
        place: (sealed.epoch, sealed.index),
        parcel: sealed.parcel,
    }))
}

/// The envelope of a receipt that is to go by mailbox, if one is owed. The desk's session is
/// to be saved with it.
pub(super) fn mailbox_receipt(
    txn: &mut Txn,
    desk: &mut Desk,
) -> Result<Option<SealedEnvelope>, MessageError> {
    let owed = mailbox_tags::recv(txn, &desk.id).map_err(MessageError::Store)?;
    if !owed.is_some_and(|record| record.receipt_owed) {
        return Ok(None);
    }
    let Some(sealed) = seal_receipt_for(txn, desk)? else {
        return Ok(None);
    };
    desk.save_session(txn)?;
    let key = Secret::from_slice(&desk.session.send_key).ok_or(MessageError::Damaged)?;
    let opened = open_parcel(&key, DIRECT_PATH, sealed.index, &sealed.parcel);
    Ok(opened.map_err(MessageError::Seal)?.into_iter().next())
}

/// Queues what the contact was not told yet of these mailboxes of ours: batches of tags, or
/// that one is not to be used any more. Returns whether there was anything.
pub(super) fn announce(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
    mailboxes: &[mailbox::Announced],
) -> Result<bool, MessageError> {
    let mut desk = match Desk::open(tools, txn, id) {
        Err(MessageError::NoSession | MessageError::NoContact) => return Ok(false),
        desk => desk?,
    };
    let mut bodies = Vec::new();
    for mailbox in mailboxes {
        bodies.extend(
            mailbox
                .offers(txn, &desk.contact)
                .map_err(MessageError::Store)?,
        );
    }
    for offer in &bodies {
        let sealed = desk.seal(Body::Mailbox(offer.clone()), 0, None)?;
        desk.push_mailbox(txn, sealed)?;
    }
    Ok(!bodies.is_empty())
}

fn seal_receipt_for(txn: &mut Txn, desk: &mut Desk) -> Result<Option<Sealed>, MessageError> {
    let route = RouteId(desk.id.0);
    let Some(row) = routes::get(txn, &route).map_err(MessageError::Store)? else {
        return Ok(None);
    };
    let tags = recv_tags(&row).ok_or(MessageError::Damaged)?;
    let kept = spool::size(txn, &route).map_err(MessageError::Store)?;
    // What waits unopened may still turn out to be unreadable: nothing is promised before.
    let mut receipt = match kept.parcels {
        0 => Receipt::of(&tags),
        _ if row.refused.is_empty() => return Ok(None),
        _ => Receipt::default(),
    };
    receipt.cannot_open = row
        .refused
        .iter()
        .map(|place| (place.epoch, place.index))
        .collect();
    let sealed = match desk.seal(Body::Receipt(receipt), 0, None) {
        // Their new keys are on the way, and whatever comes asks for a receipt again.
        Err(MessageError::KeysExpired(_)) => return Ok(None),
        sealed => sealed?,
    };
    if let Some(mut record) = mailbox_tags::recv(txn, &desk.id).map_err(MessageError::Store)?
        && record.receipt_owed
    {
        record.receipt_owed = false;
        mailbox_tags::put_recv(txn, &desk.id, &record).map_err(MessageError::Store)?;
    }
    Ok(Some(sealed))
}

/// Queues our addresses and our certificate for `id`, where theirs are out of date.
pub(super) fn update(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
    addresses: &[SocketAddr],
) -> Result<bool, MessageError> {
    let mut desk = match Desk::open(tools, txn, id) {
        Err(MessageError::NoSession | MessageError::NoContact) => return Ok(false),
        desk => desk?,
    };
    let mut changed = false;
    let cert = desk.keys.device_cert().to_bytes();
    let told = hash(&[&cert]).to_vec();
    if desk.contact.told_device_cert != told {
        let body = Body::Device(DeviceUpdate {
            manifests: manifests(&desk)?,
            dc: cert,
        });
        let sealed = desk.seal(body, 0, None)?;
        desk.push_update(txn, sealed)?;
        desk.contact.told_device_cert = told;
        changed = true;
    }
    let told = addresses_hash(addresses).to_vec();
    if !addresses.is_empty() && desk.contact.told_addresses != told {
        // Rising even where the clock was set back, or they would take it for an old one.
        let clock = u64::try_from(desk.now.0).unwrap_or(0);
        let counter = desk.contact.address_counter.saturating_add(1).max(clock);
        desk.contact.address_counter = counter;
        let record = AddressRecord {
            counter,
            addresses: addresses.to_vec(),
        };
        let sealed = desk.seal(Body::Address(record), 0, None)?;
        desk.push_update(txn, sealed)?;
        desk.contact.told_addresses = told;
        changed = true;
    }
    if changed {
        contacts::put(txn, &desk.contact).map_err(MessageError::Store)?;
    }
    Ok(changed)
}

/// The manifests of ours that the contact has not said to know. The store keeps the latest;
/// as long as there is no way to add a device, that is the whole chain.
fn manifests(desk: &Desk) -> Result<Vec<Vec<u8>>, MessageError> {
    let latest =
        SignedManifest::from_bytes(&desk.keys.manifest).map_err(|_| MessageError::Damaged)?;
    let seen = desk.contact.own_head_seen.as_slice().try_into();
    let chain = [latest];
    let fresh = chain_since(&chain, &seen.unwrap_or([0; 32]));
    Ok(fresh.iter().map(SignedManifest::to_bytes).collect())
}
