//! Each oddity of the product, seen over its socket.

mod accounts_and_more;
mod client;
mod faults;
mod keys;
mod quotas;
mod rules;
mod signing;
mod users;

use super::{Options, Ostor};
use client::Client;

/// A store and a client with the system user's key.
async fn start(options: Options) -> (Ostor, Client) {
    let store = Ostor::start(options).await;
    let (id, secret) = store.system_key();
    let client = Client::new(&store.url(), &id, &secret);
    (store, client)
}

/// The violations that were noted. The store is dropped as one that has some: it panics.
fn violations_of(store: Ostor) -> Vec<String> {
    let violations = store.violations().all();
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store)));
    assert_eq!(dropped.is_err(), !violations.is_empty());
    violations
}
