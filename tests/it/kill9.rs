//! Either daemon dies at any moment while messages stream both ways; nothing is lost, doubled
//! or moved.
//!
//! `MSGD_TEST_KILLS` says how often; `tests/suites/kill9.sh` sets it to a hundred. The moments
//! are drawn from a seed that is printed; `MSGD_TEST_SEED` repeats it.

use crate::deeds::alice_and_bob;
use crate::moments::{draw, kills, seeded};
use crate::world::Daemon;
use msgd::ipc::grpc::proto::v1::{DeliveryState, Direction};

const KILLS: u64 = 6;
const PER_KILL: usize = 8;
/// Events of the victim's after which it may be killed: about as many as a round has.
const MOMENTS: u64 = 48;

#[tokio::test]
async fn each_message_arrives_once_and_in_order_whoever_is_killed() {
    let kills = usize::try_from(kills(KILLS)).expect("few");
    let mut random = seeded();
    let (mut alice, mut bob) = alice_and_bob().await;
    let mut of_alice = Stream::new("Alice", "Bob");
    let mut of_bob = Stream::new("Bob", "Alice");
    for kill in 1..=kills {
        let kills_alice = draw(&mut random, 2) == 0;
        let after = draw(&mut random, MOMENTS);
        eprintln!("kill {kill}: Alice {kills_alice}, after {after} events");
        let victim = if kills_alice { &alice } else { &bob };
        let mut watch = victim.watch().await;
        let count = kill * PER_KILL;
        // The kill may fall between a call and its answer: the same key asks again.
        tokio::select! {
            _ = async { tokio::join!(of_alice.goes_on(&alice, count), of_bob.goes_on(&bob, count)) } => {}
            () = watch.pass(after.try_into().expect("few")) => {}
        }
        let victim = if kills_alice { &mut alice } else { &mut bob };
        victim.kill();
        victim.start().await;
    }
    let count = kills * PER_KILL;
    tokio::join!(of_alice.goes_on(&alice, count), of_bob.goes_on(&bob, count));
    tokio::join!(of_alice.arrives(&alice, &bob), of_bob.arrives(&bob, &alice));
    // What was shown once stays shown once.
    for daemon in [&mut alice, &mut bob] {
        daemon.kill();
        daemon.start().await;
    }
    of_alice.is_shown_to(&bob).await;
    of_bob.is_shown_to(&alice).await;
}

/// What one of the two writes.
struct Stream {
    from: &'static str,
    to: &'static str,
    /// The ids that `send` returned.
    sent: Vec<String>,
}

impl Stream {
    fn new(from: &'static str, to: &'static str) -> Self {
        let sent = Vec::new();
        Self { from, to, sent }
    }

    fn text(&self, number: usize) -> String {
        format!("{} {number}", self.from)
    }

    /// Sends until `count` calls have returned.
    async fn goes_on(&mut self, author: &Daemon, count: usize) {
        while self.sent.len() < count {
            let text = self.text(self.sent.len());
            let sent = author.try_send(self.to, &text, &text).await;
            self.sent.push(sent.expect("sent").id);
        }
    }

    async fn arrives(&self, author: &Daemon, reader: &Daemon) {
        let texts: Vec<String> = (0..self.sent.len()).map(|n| self.text(n)).collect();
        reader.hears(self.from, &texts).await;
        let last = self.sent.last().expect("something was sent");
        let state = author.wait(last, DeliveryState::Delivered).await;
        assert_eq!(state, DeliveryState::Delivered);
    }

    /// Each once, in order, and each `send` that returned is among them.
    async fn is_shown_to(&self, reader: &Daemon) {
        let mut shown = reader.messages(self.from).await;
        shown.retain(|message| message.direction() == Direction::Incoming);
        let ids: Vec<&String> = shown.iter().map(|message| &message.id).collect();
        assert_eq!(ids, self.sent.iter().collect::<Vec<_>>());
    }
}
