//! Answers to a Hello: from anybody, from who saw the link, and from the inviter, who signs and
//! may prove what they like. Only the last can be accepted.
#![no_main]

mod stage;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{OneTimeKey, OneTimePublic, SeededRandom, hash},
    protocol::{InviteLink, PendingHello, hello, open_bundle, open_confirm},
    wire::{read, v1, write},
};
use stage::{NOW, Side, parcel, proof};

struct Stage {
    inviter: Side,
    invitee: Side,
    link: InviteLink,
    pending: PendingHello,
    otk: OneTimePublic,
    transcript: Vec<u8>,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let (inviter, invitee) = (Side::remote(), Side::local());
    let link = inviter.link();
    let bundle = open_bundle(&link, &inviter.offer().bundle, NOW).expect("good");
    let mut rng = SeededRandom::new(3);
    let made = hello(&invitee.me(), &link, &bundle, "", NOW, &mut rng);
    let (_, pending) = made.expect("made");
    let kept: v1::KeptHello = read(&pending.to_bytes()).expect("our own bytes");
    let otk = OneTimeKey::from_bytes(&kept.one_time_key).expect("a key");
    Stage {
        inviter,
        invitee,
        link,
        pending,
        otk: otk.public(),
        transcript: kept.transcript,
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
        1 => parcel(&stage.link.keys(), "confirm", rest),
        2 => signed(stage, rest),
        _ => signed(stage, &proven(stage, rest).unwrap_or_default()),
    };
    let Some(parcel) = parcel else { return };
    let me = stage.invitee.me();
    if let Ok(made) = open_confirm(&me, &stage.link, &stage.pending, &parcel, NOW) {
        assert_eq!(kind, 3, "a Confirm was accepted without a proof");
        assert_eq!(made.peer.ic, stage.inviter.cert);
    }
});

fn signed(stage: &Stage, content: &[u8]) -> Option<Vec<u8>> {
    let context = [
        stage.inviter.cert.fingerprint().0,
        stage.invitee.cert.fingerprint().0,
    ];
    let context = hash(&[b"msgd/1/confirm-context", &context[0], &context[1]]);
    let envelope = stage
        .inviter
        .envelope(&stage.otk, &stage.invitee, &context, content)?;
    parcel(&stage.link.keys(), "confirm", &envelope)
}

fn proven(stage: &Stage, content: &[u8]) -> Option<Vec<u8>> {
    let mut message: v1::Confirm = read(content).ok()?;
    message.proof.clear();
    let parts: [&[u8]; 5] = [
        b"A",
        &stage.inviter.cert.fingerprint().0,
        &stage.invitee.cert.fingerprint().0,
        &stage.transcript,
        &write(&message),
    ];
    message.proof = proof(&stage.link.keys(), "confirm", &parts);
    Some(write(&message))
}
