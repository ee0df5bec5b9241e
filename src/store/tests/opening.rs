//! Folders that must not be opened, and how they are left.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// A closed store with some rows, over several of the engine's segments.
fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..100_u32 {
        let mut txn = store.begin();
        for m in 0..4 {
            set(&mut txn, &format!("{n}/{m}"), &[m; 4_000]);
        }
        drop(store.queue(txn).unwrap());
    }
    commit(&store, |_| ()).unwrap();
    drop(store);
    dir
}

/// The same, killed while it was open.
fn killed() -> tempfile::TempDir {
    let dir = filled();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "last", b"1")).unwrap();
    image(dir.path())
}

fn refused(dir: &Path) -> Option<StoreError> {
    Store::open(dir).err()
}

/// Opens a folder that must turn out to be damaged, and stay as it is.
fn assert_corrupt_and_untouched(dir: &Path) {
    let before = files(dir);
    let error = refused(dir).expect("refused");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(files(dir) == before, "the files were changed");
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert!(matches!(refused(dir.path()), Some(StoreError::InUse(_))));
    drop(first);
    assert!(refused(dir.path()).is_none());
}

#[test]
fn the_folder_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("store");
    drop(open(&inner));
    let mode = fs::metadata(&inner).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_store_of_a_later_release_is_left_alone() {
    let dir = filled();
    fs::write(dir.path().join("schema"), "2\n").unwrap();
    let before = files(dir.path());
    assert!(matches!(
        refused(dir.path()),
        Some(StoreError::NewerSchema { found: 2, known: 1 })
    ));
    assert!(files(dir.path()) == before);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_as_such() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("store");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    let opening = dir.clone();
    let opened = std::thread::spawn(move || {
        // For root no folder is read-only, so this one thread gives the right up.
        if rustix::process::getuid().is_root() {
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
        }
        refused(&opening)
    });
    let error = opened.join().unwrap();
    assert!(matches!(error, Some(StoreError::ReadOnly(_))), "{error:?}");
    assert!(files(&dir).is_empty());
}

#[test]
fn a_truncated_file_is_noticed_and_left_as_it_is() {
    for dir in [filled(), killed()] {
        let path = dir.path().join("sled/db");
        let whole = fs::read(&path).unwrap();
        for part in [0, 1, whole.len() / 3, whole.len() / 2] {
            fs::write(&path, &whole[..part]).unwrap();
            assert_corrupt_and_untouched(dir.path());
        }
        fs::write(&path, &whole).unwrap();
        let store = open(dir.path());
        assert_eq!(value(&store.read(), "99/3").unwrap(), [3; 4_000]);
    }
}

#[test]
fn an_overwritten_file_is_noticed_and_left_as_it_is() {
    for dir in [filled(), killed()] {
        let path = dir.path().join("sled/db");
        let whole = fs::read(&path).unwrap();
        for fill in [0, 0xa5] {
            fs::write(&path, vec![fill; whole.len()]).unwrap();
            assert_corrupt_and_untouched(dir.path());
        }
    }
}

#[test]
fn any_flipped_bit_is_noticed_after_a_clean_stop() {
    let dir = filled();
    let path = dir.path().join("sled/db");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert_corrupt_and_untouched(dir.path());
    }
}

/// Nothing says what the file held, so rows may be gone; but none may be wrong.
#[test]
fn a_flipped_bit_after_a_kill_never_yields_a_wrong_value() {
    let dir = killed();
    let whole = fs::read(dir.path().join("sled/db")).unwrap();
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 16) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let copy = image(dir.path());
        fs::write(copy.path().join("sled/db"), &bytes).unwrap();
        let before = files(copy.path());
        match Store::open(copy.path()) {
            Err(error) => {
                assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
                assert!(files(copy.path()) == before, "the files were changed");
                noticed += 1;
            }
            Ok(store) => noticed += u32::from(!all_rows_are_right(&unlocked(store))),
        }
    }
    assert!(noticed > 0, "no flip hit anything");
}

/// Whether every row is there; one that is there has its value.
fn all_rows_are_right(store: &Store) -> bool {
    let view = store.read();
    (0..100).all(|n| {
        (0..4_u8).all(|m| {
            let name = format!("{n}/{m}");
            match crate::store::settings::get(&view, &name) {
                Ok(Some(value)) => {
                    assert_eq!(value, [m; 4_000]);
                    true
                }
                Ok(None) | Err(StoreError::Corrupt { .. } | StoreError::Damaged { .. }) => false,
                Err(other) => panic!("{other}"),
            }
        })
    })
}

#[test]
fn missing_files_are_noticed() {
    let dir = filled();
    let schema = dir.path().join("schema");
    fs::remove_file(&schema).unwrap();
    assert_corrupt_and_untouched(dir.path());
    fs::write(&schema, "1\n").unwrap();
    fs::remove_file(dir.path().join("sled/db")).unwrap();
    assert_corrupt_and_untouched(dir.path());
}

#[test]
fn a_copy_made_for_a_repair_goes_away() {
    let dir = filled();
    let left = {
        let store = open(dir.path());
        commit(&store, |txn| set(txn, "last", b"1")).unwrap();
        image(dir.path())
    };
    let store = open(left.path());
    assert_eq!(value(&store.read(), "last").unwrap(), b"1");
    assert!(!left.path().join("sled.before").exists());
}
