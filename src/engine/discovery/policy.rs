//! Who is looked for, and who may find us. Presence settings of contacts belong here.

use crate::engine::contacts::RouteKind;

/// Whether whoever is at the end of a route of `kind` is looked for. The user of an open invite
/// of ours is nobody yet; they look for us.
pub(super) const fn looks_for(kind: RouteKind) -> bool {
    match kind {
        RouteKind::Contact | RouteKind::Outgoing | RouteKind::Confirming => true,
        RouteKind::Invite => false,
    }
}

/// Whether whoever is at the end of a route of `kind` is told where we are when they ask.
pub(super) const fn is_found_by(kind: RouteKind) -> bool {
    match kind {
        RouteKind::Contact | RouteKind::Invite | RouteKind::Outgoing | RouteKind::Confirming => {
            true
        }
    }
}
