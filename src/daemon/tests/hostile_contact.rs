//! A contact who turns: the link is proven, the keys are right, and no rule is kept.

use super::*;
use crate::{
    net::{Event, Net, NetConfig, Route},
    store::{conversations, outbox},
    wire::{BUNDLE_BYTES, Frame, MAX_CUSTODY_TAGS, PARCEL_BYTES},
};
use tokio::sync::mpsc;

/// A contact's keys and sealed parcels in the hands of somebody who does as they like.
struct Turned {
    net: Net,
    events: mpsc::Receiver<Event>,
    tasks: Tasks,
    route: RouteId,
    keys: Vec<[u8; 32]>,
    /// Those with a message in them.
    parcels: Vec<Vec<u8>>,
}

impl Turned {
    /// `person` as far as `victim`, who must be away, can tell. `person`'s house falls.
    async fn from(mut person: Person, victim: &str) -> Self {
        let (route, row) = person.route_to(victim).await;
        let read = person.store().read();
        let from = outbox::head(&read, &route).unwrap().head;
        let rows = outbox::scan(&read, &route, from, u64::MAX, usize::MAX).unwrap();
        let messages = rows.into_iter().filter(|(_, row)| !row.message.is_empty());
        let parcels = messages.map(|(_, row)| row.parcel).collect();
        drop(read);
        person.stop().await;
        let tasks = Tasks::new();
        let net = Net::spawn(NetConfig::default(), Clock::system(), &tasks).await;
        let (net, events) = net.unwrap();
        let keys = row.keys.into_iter().map(|key| key.try_into().unwrap());
        Self {
            net,
            events,
            tasks,
            route,
            keys: keys.collect(),
            parcels,
        }
    }

    /// Proves the pair's secret to `victim` and becomes its link.
    async fn link(&mut self, victim: &Person) {
        self.net.put_route(Route {
            id: self.route,
            keys: self.keys.clone(),
            addresses: victim.service().get_status().await.unwrap().listen,
            invite: false,
            access: crate::net::Access::default(),
        });
        self.net.dial(self.route).await;
        self.until(|event| matches!(event, Event::LinkUp { .. }))
            .await;
    }

    async fn say(&mut self, frame: Frame) {
        // Whatever was answered so far is of no interest, and must not hold anybody up.
        while self.events.try_recv().is_ok() {}
        self.net.send(self.route, frame).await.unwrap();
    }

    async fn hand_over(&mut self, parcels: std::ops::Range<usize>) {
        for at in parcels {
            let parcel = self.parcels[at].clone();
            self.say(Frame::Parcel(parcel)).await;
        }
    }

    /// Hangs up; what was said before has then been handed to its room.
    async fn leave(self, victim: &Person, name: &str) {
        self.net.disconnect(self.route).await;
        victim
            .settles("the end of the link", async || {
                let contact = victim.service().get_contact(Selector(name.into())).await;
                (contact.unwrap().presence != Presence::Connected).then_some(())
            })
            .await;
        self.tasks.shut_down(PATIENCE).await;
    }

    /// Reads what comes until something is as wished.
    async fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> Event {
        let search = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if is_it(&event) {
                    return event;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("it comes")
    }

    /// Hands over one of the parcels and waits until the victim has vouched for it.
    async fn is_vouched_for(&mut self, parcel: usize) {
        self.hand_over(parcel..parcel + 1).await;
        let tag: [u8; 16] = *self.parcels[parcel].first_chunk().unwrap();
        let told = |event: &Event| matches!(event, Event::Frame { frame: Frame::Custody(tags), .. } if tags.contains(&tag));
        self.until(told).await;
    }
}

/// Alice, Carol, and one who was Bob and has these texts for her.
async fn alice_carol_and_turned(hand: &TestClock, texts: &[String]) -> (Person, Person, Turned) {
    let clock = hand.clock();
    let ready = |name| Person::ready(name, &clock);
    let (mut alice, bob, carol) = tokio::join!(ready("Alice"), ready("Bob"), ready("Carol"));
    introduce(&alice, &bob).await;
    introduce(&alice, &carol).await;
    alice.stop().await;
    for text in texts {
        bob.send("Alice", text).await;
    }
    let turned = Turned::from(bob, "Alice").await;
    assert_eq!(turned.parcels.len(), texts.len());
    alice.start().await;
    (alice, carol, turned)
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("number {number}"))
        .collect()
}

#[tokio::test]
async fn a_contact_who_keeps_no_rule_is_ignored_and_another_one_notices_nothing() {
    let texts = numbered(3);
    let hand = running_clock();
    let (alice, carol, mut bob) = alice_carol_and_turned(&hand, &texts).await;
    bob.link(&alice).await;
    let waits = alice.send("Bob", "do you have this?").await;
    let hostility = async {
        for round in 0..40_u8 {
            // The same parcels over and over, and one of them changed behind its tag.
            bob.hand_over(0..2).await;
            let mut changed = bob.parcels[2].clone();
            changed[100] ^= 1;
            bob.say(Frame::Parcel(changed)).await;
            for size in PARCEL_BYTES {
                bob.say(Frame::Parcel(vec![round; size])).await;
            }
            let tags = (0..MAX_CUSTODY_TAGS).map(|_| [round; 16]).collect();
            bob.say(Frame::Custody(tags)).await;
            bob.say(Frame::Bundle(Box::new([round; BUNDLE_BYTES])))
                .await;
            bob.say(Frame::BundleRequest).await;
        }
        // It stands in its place, whatever came with its tag before.
        bob.is_vouched_for(2).await;
    };
    let writing = async {
        for text in numbered(10) {
            let sent = carol.send("Alice", &text).await;
            carol.has_got(sent, DeliveryState::Delivered).await;
        }
    };
    tokio::join!(hostility, writing);
    alice.hears("Bob", &texts).await;
    // Nobody has vouched for what Alice wrote: tags that were never sent count for nothing, also
    // once it is time to say that a receipt is missing.
    hand.advance(Duration::from_secs(3));
    let sent = carol.send("Alice", "a moment later").await;
    carol.has_got(sent, DeliveryState::Delivered).await;
    let state = alice
        .service()
        .get_message(Selector(waits.to_string()))
        .await;
    let state = state.unwrap().state;
    assert!(
        matches!(state, DeliveryState::Queued | DeliveryState::Sending),
        "{state:?}"
    );

    // "All of mine is settled": it harms no one but who says so.
    for epoch in [0, 1, 2, u32::MAX] {
        for next in [u64::MAX, 0, 1 << 40] {
            bob.say(Frame::Window { epoch, next }).await;
        }
    }
    bob.hand_over(0..3).await;
    bob.leave(&alice, "Bob").await;
    let sent = carol.send("Alice", "still there?").await;
    carol.has_got(sent, DeliveryState::Delivered).await;
    alice.hears("Bob", &texts).await;
    assert_eq!(alice.heard("Carol").await.len(), 12);
}

#[tokio::test]
async fn a_contact_who_leaves_out_a_message_cannot_pile_up_later_ones() {
    let texts: Vec<String> = (0..24)
        .map(|n| format!("{n:02}").repeat(crate::model::limits::MAX_TEXT_BYTES / 2))
        .collect();
    let (alice, _carol, mut bob) = alice_carol_and_turned(&running_clock(), &texts).await;
    bob.link(&alice).await;
    let last = texts.len() - 1;
    bob.hand_over(1..last).await;
    bob.is_vouched_for(last).await;
    let contact = alice.service().get_contact(Selector("Bob".into())).await;
    let row = conversations::get(&alice.store().read(), &contact.unwrap().conversation);
    let held: usize = row
        .unwrap()
        .unwrap()
        .held
        .iter()
        .filter_map(|held| Some(held.message.as_ref()?.text.len()))
        .sum();
    assert!(held <= 1024 * 1024, "{held} bytes are held back");
    let shown = alice.heard("Bob").await.len();
    assert!(shown > 0, "they wait for ever");
    // The one that was left out is shown when it comes, and no other one again.
    bob.is_vouched_for(0).await;
    bob.hand_over(0..texts.len()).await;
    bob.leave(&alice, "Bob").await;
    let mut heard: Vec<_> = alice
        .heard("Bob")
        .await
        .into_iter()
        .map(|m| m.text)
        .collect();
    assert_eq!(heard.len(), texts.len());
    heard.sort();
    assert!(heard == texts);
}

#[tokio::test]
async fn a_contact_who_sends_too_much_to_a_locked_vault_keeps_nobody_else_out() {
    let (alice, carol, mut bob) = alice_carol_and_turned(&running_clock(), &numbered(48)).await;
    alice.lock().await;
    bob.link(&alice).await;
    bob.hand_over(0..48).await;
    let done = std::cell::Cell::new(false);
    let hostility = async {
        while !done.get() {
            bob.hand_over(0..48).await;
        }
    };
    let writing = async {
        let mut sent = Vec::new();
        for text in numbered(30) {
            sent.push(carol.send("Alice", &text).await);
        }
        for message in sent {
            carol.has_got(message, DeliveryState::Stored).await;
        }
        done.set(true);
    };
    tokio::join!(hostility, writing);
}
