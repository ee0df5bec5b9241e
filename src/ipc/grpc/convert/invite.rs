//! Invites.

use super::{address, which};
use crate::{
    ipc::grpc::proto::v1,
    model::{Invite, InviteState},
    service::{CreateInvite, Result},
};
use std::time::Duration;

pub(in crate::ipc::grpc) fn invite(invite: Invite) -> v1::Invite {
    v1::Invite {
        id: invite.id.to_string(),
        identity: invite.identity.to_string(),
        state: match invite.state {
            InviteState::Open => v1::InviteState::Open,
            InviteState::Used => v1::InviteState::Used,
            InviteState::Revoked => v1::InviteState::Revoked,
            InviteState::Expired => v1::InviteState::Expired,
            InviteState::Compromised => v1::InviteState::Compromised,
        }
        .into(),
        auto_accept: invite.auto_accept,
        created_at_ms: invite.created_at.0,
        expires_at_ms: invite.expires_at.0,
        note: invite.note,
    }
}

pub(in crate::ipc::grpc) fn create_invite(
    request: v1::CreateInviteRequest,
) -> Result<CreateInvite> {
    Ok(CreateInvite {
        identity: which(request.identity),
        ttl: (request.ttl_ms != 0).then(|| Duration::from_millis(request.ttl_ms)),
        note: request.note,
        auto_accept: request.auto_accept,
        addresses: request
            .addresses
            .iter()
            .map(|text| address(text))
            .collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorCode;
    use proptest::prelude::*;
    use std::net::{IpAddr, SocketAddr};

    fn asking(ttl_ms: u64, addresses: Vec<String>) -> v1::CreateInviteRequest {
        v1::CreateInviteRequest {
            ttl_ms,
            addresses,
            ..Default::default()
        }
    }

    proptest! {
        #[test]
        fn addresses_are_taken_as_status_prints_them(addresses: Vec<(IpAddr, u16)>) {
            let addresses: Vec<SocketAddr> = addresses.into_iter().map(Into::into).collect();
            let texts = addresses.iter().map(ToString::to_string).collect();
            prop_assert_eq!(create_invite(asking(0, texts)).expect("valid").addresses, addresses);
        }

        #[test]
        fn any_address_is_parsed_or_refused(text: String) {
            if let Err(error) = create_invite(asking(0, vec![text])) {
                prop_assert_eq!(error.code, ErrorCode::InvalidArgument);
            }
        }

        #[test]
        fn a_life_of_zero_is_the_usual_one(ttl_ms: u64) {
            let ttl = create_invite(asking(ttl_ms, vec![])).expect("valid").ttl;
            prop_assert_eq!(ttl.map_or(0, |ttl| ttl.as_millis()), u128::from(ttl_ms));
        }
    }
}
