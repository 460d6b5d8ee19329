//! What no operator is spared: it is killed, the gateway goes away, somebody else is at work on the same things.
//!
//! Each test has an operator process of its own, on a real API server and a real gateway. What is random is drawn from
//! a seed that is printed; `GRACEKEY_TEST_SEED` repeats it, and `GRACEKEY_TEST_FULL=1` leaves nothing to a sample.

mod admin;
mod every_request;
pub(crate) mod fleet;
mod gateway;
mod hangs;
mod kills;
mod neighbours;
mod outages;
mod status;
mod strangers;
mod troubles;
mod two_clusters;
mod two_operators;

use rand::{SeedableRng as _, rngs::StdRng};

/// Randomness that can be repeated.
#[expect(clippy::disallowed_methods, reason = "tests have no cli.rs")]
pub(crate) fn seeded(test: &str) -> StdRng {
    let given = std::env::var("GRACEKEY_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("{test}: GRACEKEY_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Whether samples are to be whole.
#[expect(clippy::disallowed_methods, reason = "tests have no cli.rs")]
fn is_full() -> bool {
    std::env::var("GRACEKEY_TEST_FULL").is_ok_and(|text| text == "1")
}
