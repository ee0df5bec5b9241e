//! The handshake as a whole: it works, and nobody gets into it.

use proptest::prelude::*;

use super::*;
use crate::{
    crypto::{
        IdentityKey, OneTimeKey, Recipient, SeededRandom, Tag, ic_hash20, open_single, seal,
        seal_single,
    },
    model::Timestamp,
    protocol::{CAPS, InviteFlags, InviteLink, PairKeys, genesis, successor, verify_chain},
    wire::{BUNDLE_BYTES, v1, write},
};
use schedule::Pair;

mod attacks;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const EXPIRES: Timestamp = Timestamp(NOW.0 + 7 * 86_400_000);

struct Side {
    ic: IdentityKey,
    cert: IdentityCert,
    device: DeviceKey,
    manifest: Vec<u8>,
    name: &'static str,
    addresses: Vec<SocketAddr>,
}

impl Side {
    fn new(name: &'static str, seed: u64) -> Self {
        let ic = IdentityKey::generate().expect("a key");
        let device = DeviceKey::generate(NOW, &mut SeededRandom::new(seed)).expect("a key");
        let manifest = genesis(&ic, &device.cert(), CAPS)
            .expect("signed")
            .to_bytes();
        Self {
            cert: ic.cert(),
            ic,
            device,
            manifest,
            name,
            addresses: vec!["192.0.2.7:4711".parse().expect("v4")],
        }
    }

    fn me(&self) -> Me<'_> {
        Me {
            ic: &self.cert,
            manifest: &self.manifest,
            device: &self.device,
            name: self.name,
            addresses: &self.addresses,
        }
    }
}

fn rng() -> SeededRandom {
    SeededRandom::new(42)
}

struct Stage {
    alice: Side,
    bob: Side,
    link: InviteLink,
    offer: Offer,
}

impl Stage {
    fn new() -> Self {
        let alice = Side::new("Alice", 1);
        let hash = ic_hash20(&alice.cert.fingerprint());
        let link = InviteLink::new(InviteFlags::default(), [7; 16], hash, &[]);
        let offer = offer(&alice.me(), &link.keys(), EXPIRES, NOW, &mut rng()).expect("made");
        Self {
            alice,
            bob: Side::new("Bob", 2),
            link,
            offer,
        }
    }

    fn bundle(&self) -> OpenedBundle {
        open_bundle(&self.link, &self.offer.bundle, NOW).expect("opens")
    }

    fn hello(&self) -> (Vec<u8>, PendingHello) {
        let bundle = self.bundle();
        hello(
            &self.bob.me(),
            &self.link,
            &bundle,
            "Hi, it's me",
            NOW,
            &mut rng(),
        )
        .expect("made")
    }

    fn open_hello(&self, parcel: &[u8], now: Timestamp) -> Result<IncomingHello, HandshakeError> {
        open_hello(
            &self.alice.me(),
            &self.link.keys(),
            &self.offer,
            parcel,
            now,
        )
    }

    fn confirm(&self, hello: &IncomingHello) -> (Vec<u8>, Established) {
        confirm(&self.alice.me(), &self.link.keys(), hello, NOW, &mut rng()).expect("made")
    }

    fn open_confirm(
        &self,
        pending: &PendingHello,
        parcel: &[u8],
    ) -> Result<Established, HandshakeError> {
        open_confirm(&self.bob.me(), &self.link, pending, parcel, NOW)
    }

    /// A Hello of `author`, sealed as the protocol wants but with content of choice.
    fn forged(&self, author: &Side, message: &v1::Hello) -> Vec<u8> {
        let bundle = self.bundle();
        let to = Recipient::OneTime {
            key: &bundle.otk,
            device: self.alice.device.fingerprint(),
        };
        let invitee = IdentityCert::parse(&message.invitee.as_ref().expect("there").identity);
        let pair = Pair {
            inviter: self.alice.cert.fingerprint(),
            invitee: invitee.expect("a certificate").fingerprint(),
        };
        let envelope = seal(
            &author.device,
            &[to],
            &pair.hello_context(),
            &write(message),
            NOW,
        );
        let (tag, key) = self.link.keys().hello_parcel();
        seal_single(&tag, &key, &envelope.expect("sealed"), &mut rng()).expect("fits")
    }
}

#[test]
fn two_strangers_become_contacts() {
    let stage = Stage::new();
    assert_eq!(stage.offer.bundle.len(), BUNDLE_BYTES);
    let bundle = stage.bundle();
    assert_eq!(bundle.expires, EXPIRES);
    assert!(bundle.peer.name.is_empty());
    assert_eq!(bundle.peer.addresses, stage.alice.addresses);

    let (parcel, pending) = stage.hello();
    assert!(parcel.starts_with(&hello_tag(&stage.link.keys())));
    // Days pass, both daemons restart.
    let offer = Offer::from_bytes(&stage.offer.to_bytes()).expect("kept");
    let pending = PendingHello::from_bytes(&pending.to_bytes()).expect("kept");
    let incoming = open_hello(&stage.alice.me(), &stage.link.keys(), &offer, &parcel, NOW);
    let incoming = incoming.expect("opens");
    assert_eq!(incoming.greeting, "Hi, it's me");
    assert_eq!(incoming.peer.name, "Bob");
    assert_eq!(incoming.peer.caps, CAPS);
    assert_eq!(incoming.peer.addresses, stage.bob.addresses);
    let incoming = IncomingHello::from_bytes(&incoming.to_bytes()).expect("kept");

    let (answer, inviter) = stage.confirm(&incoming);
    assert!(answer.starts_with(&confirm_tag(&stage.link.keys())));
    let invitee = stage.open_confirm(&pending, &answer).expect("opens");
    assert_eq!(inviter.root, invitee.root);
    assert!(invitee.initiator && !inviter.initiator);
    assert_eq!(invitee.peer.name, "Alice");
    assert_eq!(invitee.peer.ic, stage.alice.cert);
    assert_eq!(inviter.peer.ic, stage.bob.cert);
    let keys = |side: &Established| PairKeys::derive(&side.root, side.initiator);
    assert_eq!(keys(&inviter).send_tag, keys(&invitee).recv_tag);
    // Hello and Confirm cannot be told apart by their size.
    assert_eq!((parcel.len(), answer.len()), (16_384, 16_384));
}

#[test]
fn every_consent_makes_another_root() {
    let stage = Stage::new();
    let (parcel, _) = stage.hello();
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    assert_ne!(
        stage.confirm(&incoming).1.root,
        stage.confirm(&incoming).1.root
    );
}

#[test]
fn any_flipped_byte_fails() {
    let stage = Stage::new();
    let (parcel, pending) = stage.hello();
    let (answer, _) = stage.confirm(&stage.open_hello(&parcel, NOW).expect("opens"));
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    for at in (0..BUNDLE_BYTES).step_by(7) {
        assert!(open_bundle(&stage.link, &flip(&stage.offer.bundle, at), NOW).is_err());
    }
    for at in (0..parcel.len()).step_by(13) {
        assert!(stage.open_hello(&flip(&parcel, at), NOW).is_err());
        assert!(stage.open_confirm(&pending, &flip(&answer, at)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    // By somebody who saw the link, and so can take the outer seal off and on.
    #[test]
    fn a_flipped_byte_below_the_outer_seal_fails(at: prop::sample::Index, flip in 1..=255_u8) {
        let stage = Stage::new();
        let (parcel, pending) = stage.hello();
        let (answer, _) = stage.confirm(&stage.open_hello(&parcel, NOW).expect("opens"));
        let keys = stage.link.keys();
        let reseal = |parcel: &[u8], (tag, key): (Tag, crate::crypto::Secret<32>)| {
            let mut envelope = open_single(&key, parcel).expect("sealed so");
            let at = at.index(envelope.len());
            envelope[at] ^= flip;
            seal_single(&tag, &key, &envelope, &mut rng()).expect("fits")
        };
        prop_assert!(stage.open_hello(&reseal(&parcel, keys.hello_parcel()), NOW).is_err());
        let answer = reseal(&answer, keys.confirm_parcel());
        prop_assert!(stage.open_confirm(&pending, &answer).is_err());
    }

    // By somebody who saw the link and signs well, so that the reader of the content is reached.
    #[test]
    fn any_content_of_hello_and_confirm_is_refused(
        content in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let stage = Stage::new();
        let (_, pending) = stage.hello();
        let pair = Pair {
            inviter: stage.alice.cert.fingerprint(),
            invitee: stage.bob.cert.fingerprint(),
        };
        let sealed = |from: &Side, key, to: &Side, context, (tag, seal_key): (Tag, crate::crypto::Secret<32>)| {
            let to = Recipient::OneTime { key, device: to.device.fingerprint() };
            let envelope = seal(&from.device, &[to], &context, &content, NOW).expect("sealed");
            seal_single(&tag, &seal_key, &envelope, &mut crate::crypto::SystemRandom).expect("fits")
        };
        let (alice, bob, keys) = (&stage.alice, &stage.bob, stage.link.keys());
        let key = stage.offer.otk.public();
        let hello = sealed(bob, &key, alice, pair.hello_context(), keys.hello_parcel());
        prop_assert!(stage.open_hello(&hello, NOW).is_err());
        let key = pending.otk.public();
        let answer = sealed(alice, &key, bob, pair.confirm_context(), keys.confirm_parcel());
        let opened = stage.open_confirm(&pending, &answer);
        prop_assert!(matches!(opened, Err(HandshakeError::Malformed(_) | HandshakeError::Version(_))));
    }

    #[test]
    fn arbitrary_kept_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(Offer::from_bytes(&bytes).is_err());
        prop_assert!(PendingHello::from_bytes(&bytes).is_err());
        prop_assert!(IncomingHello::from_bytes(&bytes).is_err());
    }
}

#[test]
fn an_invite_ends_in_time() {
    let stage = Stage::new();
    let (parcel, pending) = stage.hello();
    let expired = |result| assert!(matches!(result, Err(HandshakeError::Expired)));
    expired(open_bundle(&stage.link, &stage.offer.bundle, EXPIRES).map(|_| ()));
    expired(stage.open_hello(&parcel, EXPIRES).map(|_| ()));
    let bundle = stage.bundle();
    expired(
        hello(
            &stage.bob.me(),
            &stage.link,
            &bundle,
            "",
            EXPIRES,
            &mut rng(),
        )
        .map(|_| ()),
    );
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    let late = NOW.after(ANSWER_TTL);
    let keys = stage.link.keys();
    expired(confirm(&stage.alice.me(), &keys, &incoming, late, &mut rng()).map(|_| ()));
    let (answer, _) = stage.confirm(&incoming);
    let bob = stage.bob.me();
    expired(open_confirm(&bob, &stage.link, &pending, &answer, late).map(|_| ()));
    expired(offer(&stage.alice.me(), &keys, NOW, NOW, &mut rng()).map(|_| ()));
}

#[test]
fn a_second_hello_is_told_from_a_repeated_one() {
    let stage = Stage::new();
    let open = |parcel: &[u8]| stage.open_hello(parcel, NOW).expect("opens");
    let (parcel, _) = stage.hello();
    let first = open(&parcel);
    assert_eq!(judge(None, &first), InviteUse::First);
    let again = open(&parcel);
    assert_eq!(judge(Some(&first.transcript), &again), InviteUse::Repeat);
    let (other, _) = stage.hello();
    let second = open(&other);
    assert_eq!(judge(Some(&first.transcript), &second), InviteUse::Second);
}

#[test]
fn the_confirm_brings_a_newer_manifest_and_never_an_older_one() {
    let mut stage = Stage::new();
    let (old, device) = (
        stage.alice.manifest.clone(),
        stage.alice.device.fingerprint(),
    );
    let signed = crate::protocol::SignedManifest::from_bytes(&old).expect("whole");
    let state = verify_chain(&stage.alice.cert, None, &signed).expect("sound");
    let devices = [(device, CAPS), (crate::model::Fingerprint([9; 32]), CAPS)];
    let newer = successor(&stage.alice.ic, &state, &devices).expect("sound");

    let (parcel, pending) = stage.hello();
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    stage.alice.manifest = newer.to_bytes();
    let (answer, _) = stage.confirm(&incoming);
    let opened = stage.open_confirm(&pending, &answer).expect("opens");
    assert_eq!(opened.peer.manifest_head, newer.head());

    let keys = stage.link.keys();
    stage.offer = offer(&stage.alice.me(), &keys, EXPIRES, NOW, &mut rng()).expect("made");
    let (parcel, pending) = stage.hello();
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    stage.alice.manifest = old;
    let (answer, _) = stage.confirm(&incoming);
    assert!(matches!(
        stage.open_confirm(&pending, &answer),
        Err(HandshakeError::Manifest(ManifestError::Rollback))
    ));
}

#[test]
fn a_device_with_all_its_keys_fits_the_bundle() {
    let mut stage = Stage::new();
    for day in 0..40 {
        let now = NOW.after(std::time::Duration::from_secs(86_400 * day));
        stage.alice.device.rotate(now).expect("rotated");
    }
    stage.alice.addresses = vec!["[2001:db8::1]:65535".parse().expect("v6"); 40];
    let made = offer(
        &stage.alice.me(),
        &stage.link.keys(),
        EXPIRES,
        NOW,
        &mut rng(),
    );
    let opened = open_bundle(&stage.link, &made.expect("fits").bundle, NOW).expect("opens");
    assert_eq!(opened.peer.addresses.len(), crate::protocol::MAX_ADDRESSES);
}

#[test]
fn long_words_are_refused() {
    let stage = Stage::new();
    let long = "x".repeat(281);
    let made = hello(
        &stage.bob.me(),
        &stage.link,
        &stage.bundle(),
        &long,
        NOW,
        &mut rng(),
    );
    assert!(matches!(made, Err(HandshakeError::TooLong("greeting"))));
}
