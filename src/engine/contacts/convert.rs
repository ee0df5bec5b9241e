//! Records of people as the house's words.

use crate::{
    model::{
        Contact, ContactId, ContactState, ContactVerification, ConversationId, Direction,
        Fingerprint, IdentityId, Invite, InviteId, InviteState, Presence, Request, RequestId,
        RequestState, Timestamp,
    },
    store::records::{ContactRecord, InviteRecord, RequestRecord},
};

pub(super) const ACTIVE: u32 = 1;
pub(super) const BLOCKED: u32 = 2;
pub(super) const FORMER: u32 = 3;

pub(super) const OPEN: u32 = 1;
pub(super) const USED: u32 = 2;
pub(super) const REVOKED: u32 = 3;
pub(super) const INVITE_EXPIRED: u32 = 4;
pub(super) const COMPROMISED: u32 = 5;

pub(super) const PENDING: u32 = 1;
pub(super) const SENT: u32 = 2;
pub(super) const ACCEPTED: u32 = 3;
pub(super) const DECLINED: u32 = 4;
pub(super) const REQUEST_EXPIRED: u32 = 5;
pub(super) const FROZEN: u32 = 6;

pub(super) const INCOMING: u32 = 1;
pub(super) const OUTGOING: u32 = 2;

/// The contact in `row`, without presence.
#[must_use]
pub fn contact(row: &ContactRecord) -> Option<Contact> {
    Some(Contact {
        id: ContactId::from_slice(&row.id)?,
        identity: IdentityId::from_slice(&row.identity)?,
        conversation: ConversationId::from_slice(&row.conversation)?,
        name: row.name.clone(),
        alias: row.alias.clone(),
        fingerprint: Fingerprint::from_slice(&row.fingerprint)?,
        state: match row.state {
            ACTIVE => ContactState::Active,
            BLOCKED => ContactState::Blocked,
            FORMER => ContactState::Former,
            _ => return None,
        },
        verification: match row.verification {
            2 => ContactVerification::Verified,
            _ => ContactVerification::Link,
        },
        presence: Presence::Unknown,
        created_at: Timestamp(row.created_at),
    })
}

/// The request in `row`, as it stands at `now`.
#[must_use]
pub fn request(row: &RequestRecord, now: Timestamp) -> Option<Request> {
    let expires_at = Timestamp(row.expires_at);
    let undecided = |state| {
        if now >= expires_at {
            RequestState::Expired
        } else {
            state
        }
    };
    Some(Request {
        id: RequestId::from_slice(&row.id)?,
        identity: IdentityId::from_slice(&row.identity)?,
        direction: if row.direction == INCOMING {
            Direction::Incoming
        } else {
            Direction::Outgoing
        },
        invite: InviteId::from_slice(&row.invite),
        name: row.name.clone(),
        greeting: row.greeting.clone(),
        fingerprint: Fingerprint::from_slice(&row.fingerprint).unwrap_or(Fingerprint([0; 32])),
        state: match row.state {
            PENDING => undecided(RequestState::Pending),
            SENT => undecided(RequestState::Sent),
            ACCEPTED => RequestState::Accepted,
            DECLINED => RequestState::Declined,
            FROZEN => RequestState::Frozen,
            _ => RequestState::Expired,
        },
        contact: ContactId::from_slice(&row.contact),
        created_at: Timestamp(row.created_at),
        expires_at,
        failure: None,
    })
}

/// The invite in `row`, as it stands at `now`.
#[must_use]
pub(super) fn invite(row: &InviteRecord, now: Timestamp) -> Option<Invite> {
    let expires_at = Timestamp(row.expires_at);
    Some(Invite {
        id: InviteId::from_slice(&row.id)?,
        identity: IdentityId::from_slice(&row.identity)?,
        state: match row.state {
            OPEN if now >= expires_at => InviteState::Expired,
            OPEN => InviteState::Open,
            USED => InviteState::Used,
            REVOKED => InviteState::Revoked,
            COMPROMISED => InviteState::Compromised,
            _ => InviteState::Expired,
        },
        note: row.note.clone(),
        auto_accept: row.auto_accept,
        created_at: Timestamp(row.created_at),
        expires_at,
    })
}
