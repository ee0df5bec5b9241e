//! Items of the public directory: whatever a node answers, whatever somebody signs who has the
//! key and not the seal, and whatever the other holder of the secret may say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{Secret, SeededRandom, Signer, derive, seal_bytes},
    model::Timestamp,
    protocol::{Rendezvous, Whereabouts},
    wire::{ITEM_BYTES, SignedItem, signable},
};

const NOW: Timestamp = Timestamp(1_795_435_200_000);
const SECRET: [u8; 32] = [7; 32];
/// Version, nonce and authenticator.
const AROUND: usize = 1 + 24 + 16;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let reader = Rendezvous::new(Secret::new(SECRET), false);
    let epoch = reader.epoch(NOW);
    let context: [&[u8]; 2] = [b"A", &epoch.to_be_bytes()];
    let signer = Signer::new(&derive(&SECRET, "rdv-sign", &context));
    let (key, seq) = (reader.their_key(epoch), 1);
    assert_eq!(key, signer.public());
    let value = match kind % 3 {
        0 | 1 => rest.to_vec(),
        _ => {
            let mut record = rest.to_vec();
            record.resize(ITEM_BYTES - AROUND, 0);
            let aad = [[1].as_slice(), &key, &i64::to_be_bytes(seq)].concat();
            let sealing = derive(&SECRET, "rdv-seal", &context);
            let sealed = seal_bytes(&sealing, &aad, &record, &mut SeededRandom::new(1));
            [vec![1], sealed].concat()
        }
    };
    let signature = match kind % 3 {
        0 => [0; 64],
        _ => signer.sign(&signable(seq, &value)),
    };
    let item = SignedItem {
        key,
        seq,
        value,
        signature,
    };
    if let Ok(found) = reader.open(epoch, &item) {
        assert_eq!(kind % 3, 2, "an item was taken that is not theirs");
        // What was understood can be said, and is then understood as the same.
        let writer = Rendezvous::new(Secret::new(SECRET), true);
        let again = Whereabouts {
            addresses: found.addresses.clone(),
        };
        let item = writer.item(&again, NOW, None, &mut SeededRandom::new(2));
        assert_eq!(reader.open(epoch, &item).expect("our own item"), found);
    }
});
