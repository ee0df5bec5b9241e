//! What goes to a contact besides messages: receipts, addresses, certificates.

use super::{
    MessageError,
    compose::{Desk, ROW_UPDATE},
    composer::Tools,
};
use crate::{
    crypto::hash,
    engine::{
        contacts::{addresses_hash, recv_tags},
        outbox::Command,
    },
    model::{ContactId, RouteId},
    protocol::{AddressRecord, Body, DeviceUpdate, Receipt},
    store::{Txn, contacts, outbox, routes, spool},
};
use std::net::SocketAddr;

/// Seals what was received from `id` so far. Not stored: the next one says as much and more.
pub(super) fn receipt(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
) -> Result<Option<Command>, MessageError> {
    let route = RouteId(id.0);
    let Some(row) = routes::get(txn, &route).map_err(MessageError::Store)? else {
        return Ok(None);
    };
    let tags = recv_tags(&row).ok_or(MessageError::Damaged)?;
    let mut desk = match Desk::open(tools, txn, id) {
        Err(MessageError::NoSession | MessageError::NoContact) => return Ok(None),
        desk => desk?,
    };
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
    let sealed = desk.seal(Body::Receipt(receipt), 0, None)?;
    // The tag is spent for ever before the parcel leaves.
    desk.save_session(txn)?;
    let after = outbox::head(txn, &route).map_err(MessageError::Store)?.tail;
    Ok(Some(Command::Transient {
        route,
        after,
        parcel: sealed.parcel,
    }))
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
            manifest: desk.keys.manifest.clone(),
            dc: cert,
        });
        let sealed = desk.seal(body, 0, None)?;
        desk.push_control(txn, sealed, ROW_UPDATE)?;
        desk.contact.told_device_cert = told;
        changed = true;
    }
    let told = addresses_hash(addresses).to_vec();
    if !addresses.is_empty() && desk.contact.told_addresses != told {
        let record = AddressRecord {
            counter: u64::try_from(desk.now.0).unwrap_or(0),
            addresses: addresses.to_vec(),
        };
        let sealed = desk.seal(Body::Address(record), 0, None)?;
        desk.push_control(txn, sealed, ROW_UPDATE)?;
        desk.contact.told_addresses = told;
        changed = true;
    }
    if changed {
        contacts::put(txn, &desk.contact).map_err(MessageError::Store)?;
    }
    Ok(changed)
}
