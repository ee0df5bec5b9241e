//! Mailboxes.

use super::address;
use crate::{
    ipc::grpc::proto::v1,
    model::{HostedMailbox, MailboxHostStatus, OwnMailbox},
    service::{OfferMailbox, Result},
};

pub(in crate::ipc::grpc) fn hosted_mailbox(mailbox: HostedMailbox) -> v1::HostedMailbox {
    v1::HostedMailbox {
        id: mailbox.id.to_string(),
        name: mailbox.name,
        created_at_ms: mailbox.created_at.0,
        seen_at_ms: mailbox.seen_at.map(|at| at.0),
        hashes: mailbox.hashes,
        max_hashes: mailbox.max_hashes,
        parcels: mailbox.parcels,
        bytes: mailbox.bytes,
        max_bytes: mailbox.max_bytes,
        links: mailbox.links,
        owner_linked: mailbox.owner_linked,
    }
}

pub(in crate::ipc::grpc) fn own_mailbox(mailbox: OwnMailbox) -> v1::OwnMailbox {
    v1::OwnMailbox {
        id: mailbox.id.to_string(),
        identity: mailbox.identity.to_string(),
        note: mailbox.note,
        created_at_ms: mailbox.created_at.0,
        polled_at_ms: mailbox.polled_at.map(|at| at.0),
        failing: mailbox.failing,
    }
}

pub(in crate::ipc::grpc) fn mailbox_host_status(
    status: MailboxHostStatus,
) -> v1::MailboxHostStatus {
    v1::MailboxHostStatus {
        mailboxes: status.mailboxes,
        max_mailboxes: status.max_mailboxes,
        parcels: status.parcels,
        bytes: status.bytes,
        max_bytes: status.max_bytes,
        taken: status.taken,
        refused: status.refused,
    }
}

pub(in crate::ipc::grpc) fn offer_mailbox(
    request: v1::OfferMailboxRequest,
) -> Result<OfferMailbox> {
    let addresses = request.addresses.iter().map(|text| address(text));
    Ok(OfferMailbox {
        name: request.name,
        max_bytes: (request.max_bytes != 0).then_some(request.max_bytes),
        addresses: addresses.collect::<Result<_>>()?,
    })
}
