//! What another implementation of OpenPGP makes of our envelopes, and we of its.
//!
//! `tests/suites/interop.sh` names a folder in `MSGD_INTEROP_DIR` and runs these tests around
//! `tests/interop/`, which opens what the first test wrote there and seals what the second
//! reads. `fixtures/keys/foreign.pgp` is such an answer of rPGP, from the fixtures' device to
//! itself in their context, so that the second half also holds without that folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::model::Timestamp;

const CONTEXT: [u8; 32] = [7; 32];
/// Around the sizes where the encrypted packet needs another length, another chunk or both.
const SIZES: [usize; 6] = [1, 100, 8_000, 65_536, 70_000, 250_000];

fn folder() -> Option<PathBuf> {
    std::env::var_os("MSGD_INTEROP_DIR").map(PathBuf::from)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

/// The certificates that the other side needs, with the secrets that it signs and opens with.
fn write(folder: &Path, author: &DeviceKey, device: &DeviceKey) {
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    put("author.key", &author.to_bytes());
    put("author.cert", &author.cert().to_bytes());
    put("device.key", &device.to_bytes());
    put("device.cert", &device.cert().to_bytes());
    for size in SIZES {
        let mut payload = vec![0; size];
        SystemRandom.fill(&mut payload);
        let to = [Recipient::Device(&device.cert())];
        let message = seal(author, &to, &CONTEXT, &payload, now()).unwrap();
        put(&format!("{size}.payload"), &payload);
        put(&format!("{size}.pgp"), &message);
    }
}

#[test]
fn a_folder_for_another_implementation_is_written_and_opens_here() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = folder().unwrap_or_else(|| scratch.path().to_owned());
    let author = DeviceKey::generate(now(), &mut SystemRandom).unwrap();
    let device = DeviceKey::generate(now(), &mut SystemRandom).unwrap();
    write(&folder, &author, &device);

    let get = |name: &str| fs::read(folder.join(name)).unwrap();
    let device = DeviceKey::from_bytes(&get("device.key")).unwrap();
    let author = DeviceCert::parse(&get("author.cert")).unwrap();
    for size in SIZES {
        let message = get(&format!("{size}.pgp"));
        let opened = open(Opener::Device(&device), &author, &CONTEXT, &message).unwrap();
        assert_eq!(opened, get(&format!("{size}.payload")));
    }
}

#[test]
fn what_another_implementation_sealed_opens() {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    let fixture = |name: &str| fs::read(keys.join(name)).unwrap();
    let device = DeviceKey::from_bytes(&fixture("device.key")).unwrap();
    let foreign = fixture("foreign.pgp");
    let author = device.cert();
    let opened = open(Opener::Device(&device), &author, &CONTEXT, &foreign).unwrap();
    assert_eq!(opened, b"This must always open.");
    let elsewhere = open(Opener::Device(&device), &author, &[8; 32], &foreign);
    assert_eq!(elsewhere, Err(OpenError::WrongContext));

    let Some(folder) = folder().filter(|folder| folder.join("answered").exists()) else {
        return;
    };
    let get = |name: &str| fs::read(folder.join(name)).unwrap();
    let device = DeviceKey::from_bytes(&get("device.key")).unwrap();
    let author = DeviceCert::parse(&get("author.cert")).unwrap();
    for size in SIZES {
        let message = get(&format!("{size}.foreign"));
        let opened = open(Opener::Device(&device), &author, &CONTEXT, &message).unwrap();
        assert_eq!(opened, get(&format!("{size}.payload")));
    }
}
