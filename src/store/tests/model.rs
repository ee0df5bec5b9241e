//! Any sequence of transactions, failures and restarts, against a plain map.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u16),
    Delete(u8),
    Commit,
    Abandon,
    Fail,
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..6, 0_u16..6_000).prop_map(|(key, size)| Step::Put(key, size)),
        3 => (0_u8..6).prop_map(Step::Delete),
        4 => Just(Step::Commit),
        1 => Just(Step::Abandon),
        1 => Just(Step::Fail),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

type Rows = BTreeMap<u8, Vec<u8>>;

fn assert_same(from: &impl crate::store::Read, rows: &Rows) {
    for key in 0..6 {
        assert_eq!(value(from, &key.to_string()), rows.get(&key).cloned());
    }
}

/// Opens `dir` so that the next group fails whenever the cell says so.
fn open_failing(dir: &Path, fail: &Arc<Mutex<bool>>) -> Store {
    let fail = Arc::clone(fail);
    open_with(dir, move |_| {
        match std::mem::take(&mut *fail.lock().unwrap()) {
            true => Fault::Refuse,
            false => Fault::None,
        }
    })
}

fn play(steps: Vec<Step>) {
    let mut dir = tempfile::tempdir().unwrap();
    let fail = Arc::new(Mutex::new(false));
    let mut store = open_failing(dir.path(), &fail);
    let mut kept = Rows::new();
    let mut pending: Option<(Txn, Rows)> = None;
    for step in steps {
        let mut current = || {
            pending
                .take()
                .unwrap_or_else(|| (store.begin(), kept.clone()))
        };
        match step {
            Step::Put(key, size) => {
                let (mut txn, mut rows) = current();
                let bytes = vec![key; size.into()];
                set(&mut txn, &key.to_string(), &bytes);
                rows.insert(key, bytes);
                assert_same(&txn, &rows);
                pending = Some((txn, rows));
            }
            Step::Delete(key) => {
                let (mut txn, mut rows) = current();
                txn.delete::<SettingRecord>(key.to_string().as_bytes())
                    .unwrap();
                rows.remove(&key);
                assert_same(&txn, &rows);
                pending = Some((txn, rows));
            }
            Step::Commit => {
                let (txn, rows) = current();
                store.queue(txn).unwrap().wait().unwrap();
                kept = rows;
            }
            Step::Fail => {
                let (txn, _) = current();
                *fail.lock().unwrap() = true;
                assert!(store.queue(txn).unwrap().wait().is_err());
            }
            Step::Abandon => pending = None,
            Step::Reopen | Step::Kill => {
                pending = None;
                if matches!(step, Step::Kill) {
                    dir = image(dir.path());
                }
                drop(store);
                store = open_failing(dir.path(), &fail);
            }
        }
        assert_same(&store.read(), &kept);
        assert_same(&store.read_settled(), &kept);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map_that_survives(steps in proptest::collection::vec(step(), 1..40)) {
        play(steps);
    }
}
