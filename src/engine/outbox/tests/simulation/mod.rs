//! Many daemons on virtual time: the real tags, parcels, receipts, orders and lanes, with a
//! disk, a network and a clock that do their worst. One number decides everything; it is
//! printed, and `MSGD_TEST_SEED` repeats it.
//!
//! What must hold whatever happens (`protocol.md` J): a text is shown once and in its author's
//! order; nobody is told that a text was delivered which its reader's disk does not have; no
//! tag seals two parcels; and once everybody is back, everything that was written arrives.

mod chance;
mod side;
mod things;
mod world;

use chance::Chance;
use things::Shape;
use world::World;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn seed() -> u64 {
    let given = std::env::var("MSGD_TEST_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    });
    // Shown when the test fails.
    println!("MSGD_TEST_SEED={seed}");
    seed
}

#[test]
fn two_hundred_daemons_lose_and_double_nothing() {
    let shape = Shape {
        daemons: 200,
        pairs: 300,
        texts: 8,
        span_ms: 9 * DAY_MS,
    };
    let mut world = World::new(&shape, Chance::new(seed()));
    world.run();
    let told = world.finish();
    assert_eq!(told.shown, told.written);
    assert_eq!(told.delivered, told.written);
    // Otherwise the world was kinder than it was meant to be.
    assert!(told.written > 2_500, "{told:?}");
    assert!(told.crashes > 800 && told.links > 1_500, "{told:?}");
    assert!(told.repeated > 30 && told.epochs > 0, "{told:?}");
}
