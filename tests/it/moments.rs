//! Moments at which somebody is killed: drawn from a seed that is printed. `MSGD_TEST_SEED`
//! repeats it, and `MSGD_TEST_KILLS` says how often.

use msgd::crypto::{Random, SeededRandom, SystemRandom};

/// How often somebody is killed, unless the environment says otherwise.
pub(crate) fn kills(default: u64) -> u64 {
    given("MSGD_TEST_KILLS").unwrap_or(default)
}

/// What the moments are drawn from.
pub(crate) fn seeded() -> SeededRandom {
    let seed = given("MSGD_TEST_SEED").unwrap_or_else(|| draw(&mut SystemRandom, u64::MAX));
    eprintln!("MSGD_TEST_SEED={seed}");
    SeededRandom::new(seed)
}

/// A number below `bound`.
pub(crate) fn draw(random: &mut dyn Random, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % bound
}

fn given(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}
