//! Hellos to an open invite: from anybody, from who saw the link, and from who saw it, signs well
//! and knows how to prove it. Only the last can be accepted, and is then kept as it came.
#![no_main]

mod stage;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{IdentityCert, hash},
    protocol::{IncomingHello, InviteKeys, Offer, open_hello},
    wire::{read, v1, write},
};
use stage::{NOW, Side, parcel, proof};

struct Stage {
    inviter: Side,
    invitee: Side,
    keys: InviteKeys,
    offer: Offer,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let inviter = Side::local();
    Stage {
        keys: inviter.link().keys(),
        offer: inviter.offer(),
        invitee: Side::remote(),
        inviter,
    }
});

fuzz_target!(|data: &[u8]| {
    let stage = &*STAGE;
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let kind = kind % 4;
    let parcel = match kind {
        0 => Some(rest.to_vec()),
        1 => parcel(&stage.keys, "hello", rest),
        2 => signed(stage, rest),
        _ => signed(stage, &proven(stage, rest).unwrap_or_default()),
    };
    let Some(parcel) = parcel else { return };
    let opened = open_hello(&stage.inviter.me(), &stage.keys, &stage.offer, &parcel, NOW);
    if let Ok(hello) = opened {
        assert_eq!(kind, 3, "a Hello was accepted without a proof");
        let kept = hello.to_bytes();
        let again = IncomingHello::from_bytes(&kept).expect("our own bytes");
        assert_eq!(again.to_bytes(), kept);
    }
});

fn signed(stage: &Stage, content: &[u8]) -> Option<Vec<u8>> {
    let inviter = stage.inviter.cert.fingerprint();
    let invitee = stage.invitee.cert.fingerprint();
    let context = hash(&[b"msgd/1/hello-context", &inviter.0, &invitee.0]);
    let otk = stage.offer.otk.public();
    let envelope = stage
        .invitee
        .envelope(&otk, &stage.inviter, &context, content)?;
    parcel(&stage.keys, "hello", &envelope)
}

fn proven(stage: &Stage, content: &[u8]) -> Option<Vec<u8>> {
    let mut message: v1::Hello = read(content).ok()?;
    let ic = IdentityCert::parse(&message.invitee.as_ref()?.identity).ok()?;
    message.proof.clear();
    let parts: [&[u8]; 7] = [
        b"B",
        &stage.inviter.cert.fingerprint().0,
        &ic.fingerprint().0,
        &hash(&[&stage.offer.bundle]),
        &message.one_time_key,
        &message.ciphertext,
        &write(&message),
    ];
    message.proof = proof(&stage.keys, "hello", &parts);
    Some(write(&message))
}
