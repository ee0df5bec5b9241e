//! What a stolen disk shows, and what a tampered one can do.

use super::*;
use crate::model::{ConversationId, RouteId};
use crate::store::{
    Read, check,
    cipher::Ciphers,
    contacts, conversations,
    db::Db,
    messages,
    records::{ContactRecord, OutboxRow, RouteRecord},
    routes, settings,
};

const CANARY: &str = "canary-7f3d";

fn with_canaries(dir: &Path) {
    let store = open(dir);
    let long = format!("{CANARY} ").repeat(300);
    commit(&store, |txn| {
        let contact = ContactRecord {
            id: CANARY.bytes().cycle().take(16).collect(),
            name: CANARY.into(),
            ..ContactRecord::default()
        };
        contacts::put(txn, &contact).unwrap();
        settings::put(txn, CANARY, CANARY.as_bytes()).unwrap();
        settings::put_transport(txn, CANARY, CANARY.as_bytes()).unwrap();
        conversations::put(txn, &conversation(1)).unwrap();
        let id = ConversationId([1; 16]);
        messages::append(txn, &id, message(1, CANARY)).unwrap();
        messages::append(txn, &id, message(2, &long)).unwrap();
        let route = RouteRecord {
            id: vec![4; 16],
            addresses: vec![CANARY.into()],
            ..RouteRecord::default()
        };
        routes::put(txn, &route).unwrap();
        let row = OutboxRow {
            parcel: CANARY.into(),
            ..OutboxRow::default()
        };
        crate::store::outbox::push(txn, &RouteId([4; 16]), &row).unwrap();
    })
    .unwrap();
}

#[test]
fn nothing_readable_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    with_canaries(dir.path());
    let (mut seen, words) = (0, [CANARY, "contacts-1", "messages-1", "outbox-1"]);
    for (path, bytes) in files(dir.path()) {
        seen += bytes.len();
        for word in words {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word} stands in {}", path.display());
        }
    }
    assert!(seen > 4_096, "the rows are on the disk");
}

/// Rearranges the engine's rows as somebody with the disk in hand could.
fn tamper(dir: &Path, change: impl FnOnce(&Db, &Ciphers)) {
    let ciphers = Ciphers::default();
    for tier in [Tier::Vault, Tier::Transport] {
        ciphers.attach(tier, &key(tier));
    }
    let db = Db::open(dir, 0).unwrap();
    change(&db, &ciphers);
    db.close().unwrap();
}

#[test]
fn records_that_changed_places_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| {
        set(txn, "a", b"1");
        set(txn, "b", b"2");
    })
    .unwrap();
    drop(store);
    tamper(dir.path(), |db, ciphers| {
        let place = |name: &[u8]| {
            let table = SettingRecord::TABLE;
            ciphers.blind(Tier::Vault, table, name).unwrap()
        };
        let sealed = |name: &[u8]| Some(db.get(&place(name)).unwrap().unwrap().into());
        let swapped = [(place(b"a"), sealed(b"b")), (place(b"b"), sealed(b"a"))];
        db.apply(&swapped, || Ok(())).unwrap();
    });
    let store = open(dir.path());
    for name in [b"a", b"b"] {
        let read = store.read().get::<SettingRecord>(name).map(drop);
        assert!(matches!(read, Err(StoreError::Damaged { table }) if table == "settings-1"));
    }
}

#[test]
fn another_key_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    with_canaries(dir.path());
    let store = Store::open(dir.path()).unwrap();
    store.attach(Tier::Vault, &key(Tier::Transport));
    assert!(settings::get(&store.read(), CANARY).unwrap().is_none());
}

#[test]
fn the_doctor_finds_what_is_damaged_and_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    with_canaries(dir.path());
    let store = open(dir.path());
    let report = check(&store).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.unnamed, 0, "{report:?}");
    assert_eq!(report.tables["message_places-1"].sound, 2);
    store.detach(Tier::Vault);
    let report = check(&store).unwrap();
    assert!(report.unnamed > 0 && !report.tables.contains_key("contacts-1"));
    drop(store);
    tamper(dir.path(), |db, ciphers| {
        let place =
            |table: &'static str, key: &[u8]| ciphers.blind(Tier::Vault, table, key).unwrap();
        let junk = Some(vec![0; 80].into());
        let writes = [
            (place("settings-1", CANARY.as_bytes()), junk),
            (place("message_texts-1", &message(2, "").id), None),
        ];
        db.apply(&writes, || Ok(())).unwrap();
    });
    let report = check(&open(dir.path())).unwrap();
    assert!(!report.is_sound());
    assert_eq!(report.tables["settings-1"].damaged, 1);
    assert_eq!(report.tables["message_texts-1"].missing, 1);
    assert_eq!(report.tables["contacts-1"].sound, 1);
}
