//! Locking and unlocking.

use crate::testbed::{
    World,
    world::{current, is_settled, reason},
};
use gracekey::api::v1alpha1::ObjectUser;
use kube::ResourceExt as _;
use serde_json::json;

async fn lock(world: &World, locked: bool) -> ObjectUser {
    world
        .patch_user("app", json!({ "spec": { "locked": locked } }))
        .await;
    world
        .until_user("app", "observed the lock", |user| {
            user.status.as_ref().and_then(|s| s.observed_generation) == user.metadata.generation
        })
        .await
}

#[tokio::test]
async fn a_lock_stops_access_by_the_time_it_is_observed_and_keeps_everything() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let (pair, secret) = (world.pair("app").await, world.secret("app").await);
    let bucket = format!("lock-{}", world.home().name);
    world.s3(&pair).create_bucket(&bucket).await.expect_success();
    world
        .s3(&pair)
        .put_object(&bucket, "file", b"kept")
        .await
        .expect_success();

    let locked = lock(&world, true).await;
    assert!(is_settled(&locked), "one reconcile is enough");
    assert_eq!(reason(&locked, "Ready"), "Locked");
    assert!(!world.works(&pair).await);
    assert_eq!(world.s3(&pair).get_object(&bucket, "file").await.status, 403);
    assert_eq!(world.live_keys(&locked).await.len(), 1);
    assert_eq!(current(&locked), current(&before));
    assert_eq!(
        world.secret("app").await.resource_version(),
        secret.resource_version()
    );

    lock(&world, false).await;
    world.until_settled("app").await;
    assert_eq!(
        world.s3(&pair).get_object(&bucket, "file").await.expect_success(),
        b"kept"
    );
    world
        .s3(&pair)
        .delete_object(&bucket, "file")
        .await
        .expect_success();
    world.s3(&pair).delete_bucket(&bucket).await.expect_success();
    world.finish().await;
}

#[tokio::test]
async fn a_rotation_while_locked_is_proven_after_the_unlock() {
    let world = World::start().await;
    let before = world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "3s" } } }))
        .await;
    let old = world.pair("app").await;
    lock(&world, true).await;
    world.rotate("app", "one").await;
    let rotated = world.until_rotated("app", "one").await;
    assert_ne!(current(&rotated), current(&before));
    let verified = |user: &ObjectUser| {
        let keys = user
            .status
            .as_ref()
            .map(|s| s.credentials.clone())
            .unwrap_or_default();
        keys.iter()
            .any(|key| key.id == current(user) && key.verified_time.is_some())
    };
    assert!(!verified(&rotated), "a locked user's key cannot be proven");
    let new = world.pair("app").await;
    assert!(!world.works(&new).await, "the new key is locked, too");
    let alone = world.until_revoked("app").await;
    assert_eq!(
        world.live_keys(&alone).await.len(),
        1,
        "the grace period ends while locked"
    );
    lock(&world, false).await;
    world.until_user("app", "was proven", verified).await;
    assert!(world.works(&new).await && !world.works(&old).await);
    world.finish().await;
}

#[tokio::test]
async fn a_user_made_locked_gets_a_key_that_works_only_after_the_unlock() {
    let world = World::start().await;
    world
        .make_user("app", json!({ "spec": { "locked": true } }))
        .await;
    let made = world.until_settled("app").await;
    assert_eq!(reason(&made, "Ready"), "Locked");
    let pair = world.pair("app").await;
    assert!(!world.works(&pair).await);
    lock(&world, false).await;
    world.until_settled("app").await;
    assert!(world.works(&pair).await);
    world.finish().await;
}
