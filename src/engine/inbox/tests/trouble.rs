//! What goes wrong here is tried again; what goes wrong there ends the link.

use super::*;
use crate::{
    base::Clock,
    crypto::PARCEL_BYTES,
    engine::messages::MessageError,
    model::MessageId,
    net::{Event, LinkDownReason, Route},
};
use std::{fs, time::Duration};

impl Bench {
    /// Returns once the inbox has done all it was told before, and the composer too.
    async fn done(&self, inbox: &Inbox) {
        // More than two batches of commands: the first of them is done when the last is taken.
        for _ in 0..70 {
            inbox.forget(RouteId([99; 16])).await;
        }
        let cancelled = self.rooms.messages.cancel(MessageId([0; 32])).await;
        assert!(matches!(cancelled, Err(MessageError::NotFound)));
    }

    /// How many parcels were sealed for `author`; without any text these are receipts.
    fn sealed(&self, author: &Author) -> u64 {
        let session = sessions::get(&self.store().read(), &ContactId(author.route.0));
        session.unwrap().expect("a session").send_next
    }

    async fn net_event(&mut self) -> Event {
        let next = async {
            loop {
                match self.events.recv().await.expect("a running room") {
                    Event::Addresses(_) => {}
                    event => return event,
                }
            }
        };
        let event = tokio::time::timeout(Duration::from_secs(30), next);
        event.await.expect("in time")
    }

    /// A link from `author`, who then has nothing more to say.
    async fn link(&mut self, author: &Author) -> (Net, mpsc::Receiver<Event>) {
        self.rooms.contacts.load_routes().await.unwrap();
        let config = NetConfig::default();
        let (net, events) = Net::spawn(config, Clock::system(), &self.tasks)
            .await
            .unwrap();
        let key = self.route(author).keys[0].as_slice().try_into().unwrap();
        net.put_route(Route {
            id: author.route,
            keys: vec![key],
            addresses: self.rooms.net.listen_addresses(),
            invite: false,
            access: crate::net::Access::default(),
        });
        net.dial(author.route).await;
        assert!(matches!(self.net_event().await, Event::LinkUp { .. }));
        (net, events)
    }
}

#[tokio::test]
async fn what_could_not_be_opened_is_tried_again_and_nothing_is_receipted_before() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    bench.rooms.contacts.load_routes().await.unwrap();
    bench.rooms.vault.lock().await.unwrap();
    bench.rooms.identities.forget_all();
    let (one, two) = (alice.text("1"), alice.text("2"));
    bench.take(vec![one]).await.unwrap();

    let (there, away) = (keys_in(&bench.dir), bench.dir.path().join("away"));
    fs::rename(&there, &away).unwrap();
    bench.unlock().await;
    let inbox = bench.start();
    bench.outbox_link(&alice).await;
    inbox.on_link_up(alice.route).await;
    inbox.on_unlock().await;
    inbox.take_parcel(two.0, two.1).await;
    bench.done(&inbox).await;
    assert_eq!(bench.kept(&alice), 2, "what comes later waits behind it");
    fs::rename(&away, &there).unwrap();
    bench.done(&inbox).await;
    assert_eq!((bench.kept(&alice), bench.sealed(&alice)), (2, 0));

    bench.hand.advance(Duration::from_secs(60));
    bench.done(&inbox).await;
    assert_eq!(bench.texts(&alice), ["1", "2"]);
    bench.hand.advance(Duration::from_secs(1));
    bench.done(&inbox).await;
    assert!(bench.sealed(&alice) > 0);
}

#[tokio::test]
async fn no_receipt_is_sealed_without_a_link() {
    let bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let inbox = bench.start();
    let one = alice.text("1");
    inbox.take_parcel(one.0, one.1).await;
    bench.done(&inbox).await;
    assert_eq!(bench.texts(&alice), ["1"]);
    assert_eq!(bench.sealed(&alice), 0);
    bench.hand.advance(Duration::from_secs(1));
    bench.outbox_link(&alice).await;
    inbox.on_link_up(alice.route).await;
    bench.done(&inbox).await;
    assert_eq!(bench.sealed(&alice), 1);
}

#[tokio::test]
async fn eight_parcels_that_are_nobodys_end_the_link() {
    let mut bench = Bench::new().await;
    let alice = bench.meet(1).await;
    let _other_side = bench.link(&alice).await;
    let inbox = bench.start();
    inbox.on_link_up(alice.route).await;
    for fill in 0..8 {
        let parcel = vec![fill; PARCEL_BYTES[0]];
        inbox.take_parcel(alice.route, parcel).await;
    }
    match bench.net_event().await {
        Event::LinkDown { reason, .. } => assert_eq!(reason, LinkDownReason::Disconnected),
        other => panic!("not an end: {other:?}"),
    }
}

#[tokio::test]
async fn a_parcel_that_cannot_be_written_ends_the_link_so_that_it_comes_again() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let mut txn = bench.store().begin();
    conversations::remove(&mut txn, &alice.conversation).unwrap();
    bench.store().commit(txn).await.unwrap();
    let _other_side = bench.link(&alice).await;
    let inbox = bench.start();
    inbox.on_link_up(alice.route).await;
    let one = alice.text("1");
    inbox.take_parcel(one.0, one.1).await;
    assert!(matches!(bench.net_event().await, Event::LinkDown { .. }));
}

#[tokio::test]
async fn a_vault_locked_in_the_middle_keeps_what_it_can_no_longer_open() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let one = alice.text("1");
    bench.rooms.vault.lock().await.unwrap();
    bench.rooms.identities.forget_all();
    // As the loop saw it a moment before.
    let done = take_in(&bench.rooms, &mut bench.windows, &[one], true);
    let outcome = settle(done).await.unwrap();
    assert_eq!(outcome.custody[&alice.route].len(), 1);
    bench.unlock().await;
    bench.open_kept(&alice).await.unwrap();
    assert_eq!(bench.texts(&alice), ["1"]);
}
