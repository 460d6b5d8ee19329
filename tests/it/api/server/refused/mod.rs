//! What is refused at creation, with a message that says what to do.

mod stores;
mod users;

use super::{Refusal, assert_refused, store, try_create, user, with};
use serde_json::{Value, json};

fn each(path: &'static str, values: &[Value], message: &'static str) -> Vec<Refusal> {
    values
        .iter()
        .map(|value| Refusal(path, value.clone(), message))
        .collect()
}

fn all(groups: impl IntoIterator<Item = Vec<Refusal>>) -> Vec<Refusal> {
    groups.into_iter().flatten().collect()
}

/// As many times as it takes to be one too long.
fn too_long(most: usize) -> Value {
    json!("a".repeat(most + 1))
}
