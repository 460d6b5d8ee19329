//! What a user's events tell of its life: everything that was done, in order, and each thing once.

use crate::testbed::World;
use kube::api::DeleteParams;
use serde_json::{Value, json};

async fn change(world: &World, spec: Value) {
    world.patch_user("app", json!({ "spec": spec })).await;
    world.until_settled("app").await;
}

#[tokio::test]
async fn a_life_is_told_from_beginning_to_end_and_each_event_once() {
    let world = World::start().await;
    let spec = json!({ "spec": { "label": "Billing", "rotation": { "gracePeriod": "2s" } } });
    world.ready_user("app", spec).await;
    change(&world, json!({ "label": "Invoices" })).await;
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.until_event("app", "PreviousKeyRevoked").await;
    world.until_revoked("app").await;
    change(&world, json!({ "locked": true })).await;
    change(&world, json!({ "locked": false })).await;
    let gone = DeleteParams::default();
    world.secrets().delete("app", &gone).await.unwrap();
    world.until_event("app", "SecretRestored").await;
    world.until_settled("app").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    world.until_event("app", "UserDeleted").await;
    let life = [
        "UserCreated",
        "CredentialsIssued",
        "LabelChanged",
        "CredentialsRotated",
        "PreviousKeyRevoked",
        "UserLocked",
        "UserUnlocked",
        "SecretRestored",
        "UserDeleted",
    ];
    assert_eq!(world.events("app").await, life);
    world.finish().await;
}

#[tokio::test]
async fn a_user_that_is_retained_is_told_so_and_not_that_it_was_deleted() {
    let world = World::start().await;
    world
        .ready_user("app", json!({ "spec": { "deletionPolicy": "Retain" } }))
        .await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    world.until_event("app", "UserRetained").await;
    let life = ["UserCreated", "CredentialsIssued", "UserRetained"];
    assert_eq!(world.events("app").await, life);
    // Tidy up: an object of that name takes user and Secret over, and deletes them.
    world.ready_user("app", json!({})).await;
    world.finish().await;
}
