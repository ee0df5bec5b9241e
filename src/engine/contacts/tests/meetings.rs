//! Routes from before there were meeting secrets.

use super::*;

#[tokio::test]
async fn what_changes_while_routes_get_their_secrets_stays_changed() {
    let alice = Person::new("Alice").await;
    for _ in 0..3 {
        alice.invite(true).await;
    }
    let store = alice.contacts.store();
    let mut txn = store.begin();
    let rows = routes::list(&txn).unwrap();
    for row in &rows {
        let (secrets, inviter) = (Vec::new(), Vec::new());
        let row = RouteRecord {
            secrets,
            inviter,
            ..row.clone()
        };
        routes::put(&mut txn, &row).unwrap();
    }
    store.commit(txn).await.unwrap();
    let (last, gone) = (&rows[2], RouteId::from_slice(&rows[1].id).unwrap());
    let change = async {
        let mut txn = store.begin();
        let mut row = last.clone();
        (row.secrets, row.inviter) = (Vec::new(), Vec::new());
        row.recv_next = 7;
        routes::put(&mut txn, &row).unwrap();
        assert!(routes::remove(&mut txn, &gone).unwrap());
        store.commit(txn).await.unwrap();
    };
    // The first row waits for the disk, and meanwhile the others change.
    let (done, ()) = tokio::join!(alice.contacts.complete_meetings(), change);
    done.unwrap();
    assert!(alice.route(gone).is_none());
    let changed = RouteRecord {
        recv_next: 7,
        ..last.clone()
    };
    let last = RouteId::from_slice(&last.id).unwrap();
    assert!(alice.route(last) == Some(changed));
}
