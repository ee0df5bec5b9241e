//! The bodies of the kinds that this version knows.

use super::{
    AddressRecord, Body, DeviceUpdate, MAX_ADDRESSES, MAX_CERT_BYTES, MAX_MANIFEST_BYTES,
    MAX_UPDATE_MANIFESTS, PayloadError, SOCKET_ADDRESS_BYTES, mailbox, read_address, read_limited,
    write_address,
};
use crate::{
    model::limits,
    protocol::receipts::{EpochReceipt, MAX_CANNOT_OPEN, MAX_EPOCHS, MAX_RANGES, Receipt},
    wire::{FieldLimit, v1, write},
};

const MAX_VOID_SEQS: usize = 256;
/// Two numbers of at most ten bytes, each with its key.
const PAIR_BYTES: usize = 22;

const TEXT: &[FieldLimit] = &[FieldLimit::bytes(1, limits::MAX_TEXT_BYTES)];
const RECEIPT: &[FieldLimit] = &[
    FieldLimit::list(1, 18 + MAX_RANGES * (PAIR_BYTES + 2), MAX_EPOCHS),
    FieldLimit::number(2),
    FieldLimit::list(3, PAIR_BYTES, MAX_CANNOT_OPEN),
];
const ADDRESS: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::list(2, SOCKET_ADDRESS_BYTES, MAX_ADDRESSES),
];
const DEVICE: &[FieldLimit] = &[
    FieldLimit::list(1, MAX_MANIFEST_BYTES, MAX_UPDATE_MANIFESTS),
    FieldLimit::bytes(2, MAX_CERT_BYTES),
];
const VOID: &[FieldLimit] = &[FieldLimit::bytes(1, MAX_VOID_SEQS * 10)];
const PROFILE: &[FieldLimit] = &[FieldLimit::bytes(1, limits::MAX_NAME_BYTES)];

const KIND_TEXT: u32 = v1::PayloadKind::Text as u32;
const KIND_RECEIPT: u32 = v1::PayloadKind::Receipt as u32;
const KIND_ADDRESS: u32 = v1::PayloadKind::Address as u32;
const KIND_DEVICE: u32 = v1::PayloadKind::Device as u32;
const KIND_VOID: u32 = v1::PayloadKind::Void as u32;
const KIND_PROFILE: u32 = v1::PayloadKind::Profile as u32;
const KIND_MAILBOX: u32 = v1::PayloadKind::Mailbox as u32;

/// The body's kind and bytes, if it is one that may be sent.
pub(super) fn write_body(body: &Body) -> Result<(u32, Vec<u8>), PayloadError> {
    check(body)?;
    Ok(match body {
        Body::Text(text) => (KIND_TEXT, write(&v1::Text { text: text.clone() })),
        Body::Receipt(receipt) => (KIND_RECEIPT, write(&receipt_out(receipt))),
        Body::Address(record) => {
            let addresses = record.addresses.iter().map(write_address).collect();
            let message = v1::Address {
                counter: record.counter,
                addresses,
            };
            (KIND_ADDRESS, write(&message))
        }
        Body::Device(update) => {
            let message = v1::Device {
                manifests: update.manifests.clone(),
                device: update.dc.clone(),
            };
            (KIND_DEVICE, write(&message))
        }
        Body::Void { seqs } => (KIND_VOID, write(&v1::Void { seqs: seqs.clone() })),
        Body::Profile { name } => (KIND_PROFILE, write(&v1::Profile { name: name.clone() })),
        Body::Mailbox(offer) => (KIND_MAILBOX, write(&mailbox::write_offer(offer)?)),
        Body::Unknown { kind, bytes } => (*kind, bytes.clone()),
    })
}

/// The body of `kind` in `bytes`.
pub(super) fn read_body(kind: u32, bytes: &[u8]) -> Result<Body, PayloadError> {
    let body = match kind {
        0 => return Err(PayloadError::Field("kind")),
        KIND_TEXT => Body::Text(read_limited::<v1::Text>(bytes, TEXT)?.text),
        KIND_RECEIPT => Body::Receipt(receipt_in(&read_limited(bytes, RECEIPT)?)),
        KIND_ADDRESS => {
            let raw: v1::Address = read_limited(bytes, ADDRESS)?;
            let addresses: Option<Vec<_>> = raw.addresses.iter().map(read_address).collect();
            Body::Address(AddressRecord {
                counter: raw.counter,
                addresses: addresses.ok_or(PayloadError::Field("address"))?,
            })
        }
        KIND_DEVICE => {
            let raw: v1::Device = read_limited(bytes, DEVICE)?;
            Body::Device(DeviceUpdate {
                manifests: raw.manifests,
                dc: raw.device,
            })
        }
        KIND_VOID => Body::Void {
            seqs: read_limited::<v1::Void>(bytes, VOID)?.seqs,
        },
        KIND_PROFILE => Body::Profile {
            name: read_limited::<v1::Profile>(bytes, PROFILE)?.name,
        },
        KIND_MAILBOX => Body::Mailbox(mailbox::read_offer(&read_limited(bytes, mailbox::FIELDS)?)?),
        kind => Body::Unknown {
            kind,
            bytes: bytes.to_vec(),
        },
    };
    check(&body)?;
    Ok(body)
}

/// Rules that hold in both directions.
fn check(body: &Body) -> Result<(), PayloadError> {
    let within = |ok: bool, what| ok.then_some(()).ok_or(PayloadError::Limit(what));
    let valid = |ok: bool, what| ok.then_some(()).ok_or(PayloadError::Field(what));
    match body {
        Body::Text(text) => {
            valid(!text.is_empty(), "text")?;
            within(text.len() <= limits::MAX_TEXT_BYTES, "text")
        }
        Body::Receipt(receipt) => valid(receipt.is_sound(), "receipt"),
        Body::Address(record) => within(record.addresses.len() <= MAX_ADDRESSES, "addresses"),
        Body::Device(update) => {
            valid(!update.dc.is_empty(), "device certificate")?;
            within(update.dc.len() <= MAX_CERT_BYTES, "device certificate")?;
            within(update.manifests.len() <= MAX_UPDATE_MANIFESTS, "manifests")?;
            for manifest in &update.manifests {
                valid(!manifest.is_empty(), "manifest")?;
                within(manifest.len() <= MAX_MANIFEST_BYTES, "manifest")?;
            }
            Ok(())
        }
        Body::Void { seqs } => {
            within(seqs.len() <= MAX_VOID_SEQS, "numbers")?;
            valid(
                !seqs.is_empty() && seqs.is_sorted_by(|a, b| a < b),
                "numbers",
            )
        }
        Body::Profile { name } => within(name.len() <= limits::MAX_NAME_BYTES, "name"),
        // Checked where it is read and written.
        Body::Mailbox(_) => Ok(()),
        Body::Unknown { kind, .. } => valid(*kind > KIND_MAILBOX, "kind"),
    }
}

fn receipt_out(receipt: &Receipt) -> v1::Receipt {
    let epoch = |entry: &EpochReceipt| v1::EpochReceipt {
        epoch: entry.epoch,
        below: entry.below,
        ranges: entry
            .ranges
            .iter()
            .map(|&(start, end)| v1::Range { start, end })
            .collect(),
    };
    let slot = |&(epoch, index): &(u32, u64)| v1::Slot { epoch, index };
    v1::Receipt {
        epochs: receipt.epochs.iter().map(epoch).collect(),
        read_up_to: receipt.read_up_to,
        cannot_open: receipt.cannot_open.iter().map(slot).collect(),
    }
}

fn receipt_in(raw: &v1::Receipt) -> Receipt {
    let epoch = |entry: &v1::EpochReceipt| EpochReceipt {
        epoch: entry.epoch,
        below: entry.below,
        ranges: entry.ranges.iter().map(|r| (r.start, r.end)).collect(),
    };
    Receipt {
        epochs: raw.epochs.iter().map(epoch).collect(),
        read_up_to: raw.read_up_to,
        cannot_open: raw.cannot_open.iter().map(|s| (s.epoch, s.index)).collect(),
    }
}
