//! Bundles of an invite: from anybody, from who saw the link, and from the inviter, who signs what
//! they like. Only the last can be accepted, and can then be answered or not, without harm.
#![no_main]

mod stage;

use std::sync::LazyLock;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInOut};
use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{Secret, SeededRandom, derive},
    protocol::{InviteLink, hello, open_bundle},
    wire::{BUNDLE_BYTES, v1, write},
};
use stage::{NOW, Side};

static SIDES: LazyLock<(Side, Side)> = LazyLock::new(|| (Side::remote(), Side::local()));

fuzz_target!(|data: &[u8]| {
    let (inviter, invitee) = &*SIDES;
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let link = inviter.link();
    let bundle = match kind % 3 {
        0 => Some(rest.to_vec()),
        1 => seal(&link, rest),
        _ => {
            let signature = inviter.device.sign("bundle", rest).expect("signed");
            let content = rest.to_vec();
            seal(&link, &write(&v1::Bundle { content, signature }))
        }
    };
    let Some(bundle) = bundle else { return };
    if let Ok(opened) = open_bundle(&link, &bundle, NOW) {
        assert_eq!(opened.peer.ic, inviter.cert);
        let mut rng = SeededRandom::new(4);
        let _ = hello(&invitee.me(), &link, &opened, "", NOW, &mut rng);
    }
});

/// The seal that everybody who saw the link can make.
fn seal(link: &InviteLink, plain: &[u8]) -> Option<Vec<u8>> {
    let key: Secret<32> = derive(link.keys().seal.as_bytes(), "bundle", &[]);
    let room = BUNDLE_BYTES - 24 - 16;
    let len = u16::try_from(plain.len()).ok()?;
    let mut body = [&len.to_be_bytes(), plain].concat();
    if body.len() > room {
        return None;
    }
    body.resize(room, 0);
    let nonce = [9; 24];
    XChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt_in_place(&XNonce::from(nonce), b"", &mut body)
        .ok()?;
    Some([nonce.as_slice(), &body].concat())
}
