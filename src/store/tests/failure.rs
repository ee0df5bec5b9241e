//! When writing fails: who is told, what is left, and what still works.

use super::*;
use crate::store::Read;

#[test]
fn a_failed_group_takes_all_that_is_queued_and_leaves_the_disk_readable() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, plan) = hand();
    let store = open_with(dir.path(), plan);
    tell.send(Fault::None).unwrap();
    commit(&store, |txn| set(txn, "a", b"kept")).unwrap();
    let put = |name: &str| {
        let mut txn = store.begin();
        set(&mut txn, name, b"lost");
        store.queue(txn).unwrap()
    };
    let (b, c) = (put("b"), put("c"));
    let mut open_meanwhile = store.begin();
    let built_on = value(&open_meanwhile, "b").unwrap();
    set(&mut open_meanwhile, "d", &built_on);
    tell.send(Fault::Refuse).unwrap();
    assert!(matches!(b.wait(), Err(StoreError::Refused(_))));
    assert!(matches!(c.wait(), Err(StoreError::Refused(_))));
    assert!(matches!(
        store.queue(open_meanwhile),
        Err(StoreError::Retry)
    ));
    for name in ["b", "c", "d"] {
        assert_eq!(value(&store.read(), name), None);
    }
    assert_eq!(value(&store.read(), "a").unwrap(), b"kept");
    tell.send(Fault::None).unwrap();
    commit(&store, |txn| set(txn, "e", b"kept")).unwrap();
    drop((tell, store));
    let again = open(dir.path());
    assert_eq!(value(&again.read(), "e").unwrap(), b"kept");
    assert_eq!(value(&again.read(), "b"), None);
}

#[test]
fn a_full_disk_refuses_what_grows_and_lets_removals_pass() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(dir.path(), |group| match group {
        1..=2 => Fault::DiskFull,
        _ => Fault::None,
    });
    commit(&store, |txn| set(txn, "a", b"1")).unwrap();
    assert!(matches!(
        commit(&store, |txn| set(txn, "b", b"2")),
        Err(StoreError::DiskFull { free: 0, reserve }) if reserve == 16 << 20
    ));
    commit(&store, |txn| txn.delete::<SettingRecord>(b"a").unwrap()).unwrap();
    commit(&store, |txn| set(txn, "c", b"3")).unwrap();
    assert_eq!(value(&store.read(), "a"), None);
    assert_eq!(value(&store.read(), "b"), None);
    assert_eq!(value(&store.read(), "c").unwrap(), b"3");
}

#[test]
fn the_reserve_is_measured_on_the_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        reserve: u64::MAX,
        faults: None,
    };
    let store = unlocked(Store::open_with(dir.path(), options).unwrap());
    let refused = commit(&store, |txn| set(txn, "a", b"1"));
    assert!(matches!(refused, Err(StoreError::DiskFull { free, .. }) if free > 0));
}

#[test]
fn a_store_in_doubt_serves_nothing_until_it_is_opened_anew() {
    for fault in [Fault::Break, Fault::Panic] {
        let dir = tempfile::tempdir().unwrap();
        let store = open_with(dir.path(), move |group| match group {
            1 => fault,
            _ => Fault::None,
        });
        commit(&store, |txn| set(txn, "a", b"1")).unwrap();
        let broken = commit(&store, |txn| set(txn, "b", b"2"));
        assert!(matches!(
            broken,
            Err(StoreError::Broken(why)) if why.contains("a fault was injected")
        ));
        assert!(matches!(
            store.read().get::<SettingRecord>(b"a"),
            Err(StoreError::Broken(_))
        ));
        assert!(matches!(
            store.read_settled().get::<SettingRecord>(b"a"),
            Err(StoreError::Broken(_))
        ));
        assert!(matches!(
            store.queue(store.begin()),
            Err(StoreError::Broken(_))
        ));
        drop(store);
        let again = open(dir.path());
        assert_eq!(value(&again.read(), "a").unwrap(), b"1");
        commit(&again, |txn| set(txn, "c", b"3")).unwrap();
    }
}

#[test]
fn without_its_key_a_tier_is_locked_and_the_other_works() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "a", b"1")).unwrap();
    let mut begun = store.begin();
    set(&mut begun, "b", b"2");
    store.detach(Tier::Vault);
    assert!(!store.is_attached(Tier::Vault) && store.is_attached(Tier::Transport));
    assert!(matches!(
        store.queue(begun),
        Err(StoreError::Locked(Tier::Vault))
    ));
    assert!(matches!(
        store.read().get::<SettingRecord>(b"a"),
        Err(StoreError::Locked(Tier::Vault))
    ));
    commit(&store, |txn| {
        crate::store::settings::put_transport(txn, "t", b"1").unwrap();
    })
    .unwrap();
    store.attach(Tier::Vault, &key(Tier::Vault));
    assert_eq!(value(&store.read(), "a").unwrap(), b"1");
    assert_eq!(value(&store.read(), "b"), None);
}
