//! Rotations by annotation and by schedule.

use crate::testbed::{
    World,
    world::{current, handled, retiring},
};
use gracekey::clock::{Clock as _, SystemClock};
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_rotation_keeps_the_old_key_for_its_grace_period_and_not_longer() {
    let world = World::start().await;
    let before = world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "10s" } } }))
        .await;
    let old = world.pair("app").await;
    let application = world.probe("app");
    world.rotate("app", "one").await;
    let rotated = world.until_rotated("app", "one").await;
    let new = world.pair("app").await;
    assert_ne!(current(&before), current(&rotated));
    assert_eq!(current(&rotated), new.access_key_id.to_string());
    assert_eq!(handled(&rotated), ["one"]);
    assert!(
        world.works(&old).await && world.works(&new).await,
        "both keys work in the grace period"
    );
    world.until_revoked("app").await;
    assert!(
        !world.works(&old).await,
        "the old key is refused after the grace period"
    );
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_grace_period_of_one_rotation_is_neither_shorter_nor_longer_than_promised() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    let old = world.pair("app").await;
    let ask = json!({ "metadata": { "annotations": {
        "gracekey.dev/rotate": "one", "gracekey.dev/rotate-grace-period": "4s",
    } } });
    world.patch_user("app", ask).await;
    // The new key was published after the old one was last asked for and seen.
    let mut before = SystemClock.now();
    let published = async || {
        let asked = SystemClock.now();
        let pair = world.pair("app").await;
        if pair.access_key_id == old.access_key_id {
            before = asked;
            return Err("still the old key".to_owned());
        }
        Ok(())
    };
    world.until("the new key was published", published).await;
    let rotated = world.until_rotated("app", "one").await;
    let promised = retiring(&rotated)[&old.id.to_string()];
    let grace = SignedDuration::from_secs(4);
    assert!(
        promised >= before + grace,
        "published after {before}, and revoked at {promised}"
    );
    let refused = world.until_refused(&old).await;
    assert!(refused >= promised, "revoked at {refused}, before {promised}");
    assert!(
        refused <= promised + SignedDuration::from_secs(5),
        "revoked at {refused}, long after {promised}"
    );
    world.until_revoked("app").await;
    world.until_event("app", "PreviousKeyRevoked").await;
    world.finish().await;
}

#[tokio::test]
async fn without_a_grace_period_the_old_key_goes_as_soon_as_the_new_one_is_published() {
    let world = World::start().await;
    world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "0s" } } }))
        .await;
    let old = world.pair("app").await;
    world.rotate("app", "one").await;
    let after = world.until_rotated("app", "one").await;
    world.until_revoked("app").await;
    assert!(!world.works(&old).await);
    assert_eq!(world.live_keys(&after).await.len(), 1);
    assert!(world.works(&world.pair("app").await).await);
    world.finish().await;
}

#[tokio::test]
async fn a_schedule_rotates_when_the_key_is_old_enough_and_not_before() {
    let world = World::start().await;
    let with = json!({ "spec": { "rotation": { "gracePeriod": "2s", "interval": "1m" } } });
    let before = world.ready_user("app", with).await;
    let application = world.probe("app");
    let next = before
        .status
        .as_ref()
        .unwrap()
        .rotation
        .as_ref()
        .unwrap()
        .next_rotation_time
        .clone()
        .unwrap()
        .0;
    let issued = before.status.as_ref().unwrap().credentials[0].issue_time.0;
    let age = next.duration_since(issued);
    assert!(
        SignedDuration::from_secs(53) <= age && age <= SignedDuration::from_secs(60),
        "{age}"
    );
    let rotated = async || {
        let pair = world.pair("app").await;
        if pair.access_key_id.to_string() == current(&before) {
            Err("not yet".to_owned())
        } else {
            Ok(SystemClock.now())
        }
    };
    let at = world
        .until_within(Duration::from_secs(75), "the schedule rotated", rotated)
        .await;
    assert!(at >= next, "rotated at {at}, before {next}");
    let after = world.until_settled("app").await;
    let keys = &after.status.as_ref().unwrap().credentials;
    let new = keys.iter().find(|key| key.id == current(&after)).unwrap();
    assert!(
        new.issue_time.0 >= next,
        "issued at {}, before {next}",
        new.issue_time.0
    );
    assert_eq!(
        handled(&after),
        Vec::<String>::new(),
        "a schedule consumes no token"
    );
    assert!(
        after
            .status
            .unwrap()
            .rotation
            .unwrap()
            .next_rotation_time
            .unwrap()
            .0
            > next
    );
    world.until_revoked("app").await;
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_is_there_from_the_start_asks_for_nothing() {
    let world = World::start().await;
    let with = json!({ "metadata": { "annotations": { "gracekey.dev/rotate": "old" } } });
    world.ready_user("app", with).await;
    let user = world.looked_at("app").await;
    assert_eq!(handled(&user), ["old"]);
    assert_eq!(world.live_keys(&user).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_annotation_that_cannot_be_read_is_told_and_rotates_nothing() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let ask = json!({ "metadata": { "annotations": {
        "gracekey.dev/rotate": "one", "gracekey.dev/rotate-grace-period": "tomorrow",
    } } });
    world.patch_user("app", ask).await;
    let told = world.until_reason("app", "InvalidAnnotation").await;
    assert_eq!(current(&told), current(&before));
    world
        .annotate("app", "gracekey.dev/rotate-grace-period", json!("1s"))
        .await;
    world.until_rotated("app", "one").await;
    world.finish().await;
}
