//! Whether what somebody presents goes on from what is known of them.

use super::ContactError;
use crate::{protocol::Peer, store::records::ContactRecord};

/// Refuses `peer` if their manifest is older than the one known of `contact`, contradicts it
/// or takes back what it said: a thief of an old state must not pass for them.
pub(super) fn goes_on(contact: &ContactRecord, peer: &Peer) -> Result<(), ContactError> {
    peer.follows(&contact.manifest)
        .map_err(ContactError::Handshake)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{DeviceKey, IdentityKey, SystemRandom},
        model::Timestamp,
        protocol::{
            HandshakeError, ManifestError, SignedManifest, genesis, successor, verify_chain,
        },
    };

    /// Manifests 1 to 3 of one identity with one device, and another second one.
    struct Chain {
        ic: IdentityKey,
        device: DeviceKey,
        manifests: Vec<SignedManifest>,
        fork: SignedManifest,
    }

    impl Chain {
        fn new() -> Self {
            let ic = IdentityKey::generate().unwrap();
            let device = DeviceKey::generate(Timestamp(0), &mut SystemRandom).unwrap();
            let named = device.fingerprint();
            let first = genesis(&ic, &device.cert(), 1).unwrap();
            let mut manifests = vec![first];
            for caps in [1, 3] {
                let before = verify_chain(&ic.cert(), None, manifests.last().unwrap()).unwrap();
                manifests.push(successor(&ic, &before, &[(named, caps)]).unwrap());
            }
            let before = verify_chain(&ic.cert(), None, &manifests[0]).unwrap();
            let fork = successor(&ic, &before, &[(named, 5)]).unwrap();
            Self {
                ic,
                device,
                manifests,
                fork,
            }
        }

        fn judged(&self, known: &SignedManifest, shown: &SignedManifest) -> Option<String> {
            let contact = ContactRecord {
                manifest: known.to_bytes(),
                ..ContactRecord::default()
            };
            let peer = Peer {
                ic: self.ic.cert(),
                manifest: shown.to_bytes(),
                manifest_head: shown.head(),
                device: self.device.cert(),
                name: String::new(),
                addresses: Vec::new(),
                caps: 1,
            };
            match goes_on(&contact, &peer) {
                Ok(()) => None,
                Err(ContactError::Handshake(HandshakeError::Manifest(error))) => {
                    Some(error.to_string())
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_thief_with_an_old_manifest_is_refused_and_a_newer_one_is_taken() {
        let chain = Chain::new();
        let [first, second, third] = chain.manifests.as_slice() else {
            panic!("three");
        };
        assert_eq!(
            chain.judged(second, first),
            Some(ManifestError::Rollback.to_string())
        );
        assert_eq!(
            chain.judged(second, &chain.fork),
            Some(ManifestError::Fork.to_string())
        );
        assert_eq!(chain.judged(second, second), None);
        assert_eq!(chain.judged(second, third), None);
        assert_eq!(chain.judged(first, third), None);
        // Two steps on from the fork, and less able than it.
        assert!(chain.judged(&chain.fork, third).is_some());
    }
}
