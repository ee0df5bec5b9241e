//! A store that an earlier release wrote must open in every later one.
//!
//! The engine's files are mostly zeros, so the fixture keeps only what is not: for each file
//! a line `file <name> <length>`, for each stretch of content a line `at <offset> <length>`
//! and the bytes.

use super::*;
use crate::model::{ContactId, ConversationId, RouteId};
use crate::store::{
    check, contacts, conversations, event_log, messages, outbox,
    records::{ContactRecord, EventRecord, OutboxRow, RouteRecord},
    routes, settings,
};
use std::fmt::Write;

const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/store/schema-1.sparse"
);
/// Shorter stretches of zeros are kept as content.
const GAP: usize = 64;

#[test]
fn a_store_of_schema_1_opens() {
    let dir = tempfile::tempdir().unwrap();
    unpack(&fs::read(FIXTURE).unwrap(), dir.path());
    assert_shape(&open(dir.path()));
}

fn assert_shape(store: &Store) {
    let report = check(store).unwrap();
    assert!(report.is_sound() && report.unnamed == 0, "{report:?}");
    let view = store.read();
    let contact = contacts::get(&view, &ContactId([5; 16])).unwrap().unwrap();
    assert_eq!(contact.name, "Anna");
    let conversation = ConversationId([1; 16]);
    let page = messages::page(&view, &conversation, None, 100, usize::MAX).unwrap();
    assert_eq!(page.len(), 66);
    assert_eq!(page[0].1.text, "x".repeat(3_000));
    assert_eq!(page[65].1.text, "message 0");
    let head = outbox::head(&view, &RouteId([4; 16])).unwrap();
    assert_eq!((head.head, head.tail, head.live), (1, 3, 2));
    assert_eq!(settings::get(&view, "theme").unwrap().unwrap(), b"dark");
    assert_eq!(event_log::bounds(store).unwrap(), (1, 6));
}

/// The fixture is written anew only on request, and only for a new schema: a store that
/// today's program wrote proves nothing about yesterday's.
#[test]
fn what_is_written_today_has_the_same_shape() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    assert_shape(&open(dir.path()));
    if std::env::var_os("MSGD_WRITE_FIXTURES").is_some() {
        fs::create_dir_all(Path::new(FIXTURE).parent().unwrap()).unwrap();
        fs::write(FIXTURE, pack(&files(dir.path()))).unwrap();
    }
}

fn write(dir: &Path) {
    let store = open(dir);
    let route = RouteId([4; 16]);
    commit(&store, |txn| {
        let contact = ContactRecord {
            id: vec![5; 16],
            name: "Anna".into(),
            ..ContactRecord::default()
        };
        contacts::put(txn, &contact).unwrap();
        conversations::put(txn, &conversation(1)).unwrap();
        let id = ConversationId([1; 16]);
        for n in 0..65 {
            messages::append(txn, &id, message(n, &format!("message {n}"))).unwrap();
        }
        messages::append(txn, &id, message(65, &"x".repeat(3_000))).unwrap();
        let record = RouteRecord {
            id: route.0.to_vec(),
            ..RouteRecord::default()
        };
        routes::put(txn, &record).unwrap();
        for _ in 0..3 {
            outbox::push(txn, &route, &OutboxRow::default()).unwrap();
        }
        settings::put(txn, "theme", b"dark").unwrap();
        for _ in 0..5 {
            event_log::append(txn, EventRecord::default()).unwrap();
        }
    })
    .unwrap();
    commit(&store, |txn| outbox::remove(txn, &route, 0).unwrap()).unwrap();
}

#[test]
fn packing_keeps_every_byte() {
    let mut bytes = vec![0; 500];
    bytes[3] = 1;
    bytes[20] = 2;
    bytes[400] = 3;
    let packed = pack(&BTreeMap::from([("sled/db".into(), bytes.clone())]));
    let dir = tempfile::tempdir().unwrap();
    unpack(&packed, dir.path());
    assert_eq!(fs::read(dir.path().join("sled/db")).unwrap(), bytes);
    assert!(packed.len() < 100);
}

fn pack(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<u8> {
    let mut packed = Vec::new();
    for (path, bytes) in files {
        let mut line = String::new();
        writeln!(line, "file {} {}", path.display(), bytes.len()).unwrap();
        packed.extend(line.bytes());
        let mut at = 0;
        while let Some(start) = bytes[at..].iter().position(|b| *b != 0).map(|n| at + n) {
            let end = bytes[start..]
                .windows(GAP)
                .position(|w| w.iter().all(|b| *b == 0))
                .map_or(bytes.len(), |n| start + n);
            packed.extend(format!("at {start} {}\n", end - start).bytes());
            packed.extend(&bytes[start..end]);
            at = end;
        }
    }
    packed
}

fn unpack(mut packed: &[u8], dir: &Path) {
    let mut file: Option<(PathBuf, Vec<u8>)> = None;
    let write = |file: Option<(PathBuf, Vec<u8>)>| {
        if let Some((path, bytes)) = file {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    while !packed.is_empty() {
        let end = packed.iter().position(|b| *b == b'\n').unwrap();
        let line = std::str::from_utf8(&packed[..end]).unwrap();
        packed = &packed[end + 1..];
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["file", name, length] => {
                write(file.take());
                file = Some((dir.join(name), vec![0; length.parse().unwrap()]));
            }
            ["at", offset, length] => {
                let (offset, length): (usize, usize) =
                    (offset.parse().unwrap(), length.parse().unwrap());
                let (content, rest) = packed.split_at(length);
                file.as_mut().unwrap().1[offset..offset + length].copy_from_slice(content);
                packed = rest;
            }
            _ => panic!("{line}"),
        }
    }
    write(file);
}
