//! Somebody else writes a status: beside the operator, over it, or with what it was before.

use super::{
    admin::Admin,
    fleet::{assert_exact, has_one_key},
    seeded,
};
use crate::testbed::{
    World,
    world::{Setup, current, handled, is_settled},
};
use gracekey::api::v1alpha1::ObjectUser;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use rand::RngExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{task::JoinSet, time::sleep};

const GRACE: &str = "2s";

fn short() -> Value {
    json!({ "spec": { "rotation": { "gracePeriod": GRACE } } })
}

/// A status is looked at when something else calls for it, and at the latest with each resync.
async fn world() -> World {
    let setup = Setup {
        args: vec!["--resync-seconds".to_owned(), "2".to_owned()],
        ..Setup::default()
    };
    World::with(setup).await
}

/// The operator may write at the same moment: whoever has read an older version reads again.
async fn overwrite(world: &World, name: &str, status: Value) {
    let users = world.users();
    let written = async || {
        let mut user = users.get(name).await.unwrap();
        user.status = serde_json::from_value(status.clone()).unwrap();
        let written = users.replace_status(name, &PostParams::default(), &user).await;
        if let Err(kube::Error::Api(refused)) = &written
            && refused.code == 409
        {
            return Err(refused.message.clone());
        }
        drop(written.unwrap());
        Ok(())
    };
    world.until("the status was overwritten", written).await;
}

/// Nobody writes anything any more.
async fn assert_still(world: &World, name: &str) {
    let versions = async || {
        (
            world.user(name).await.resource_version(),
            world.secret(name).await.resource_version(),
        )
    };
    let before = versions().await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(
        versions().await,
        before,
        "there are writes without end\n{}",
        world.state().await
    );
}

#[tokio::test]
async fn a_status_that_somebody_writes_to_all_the_time_is_not_lost() {
    let world = world().await;
    let admin = Admin::of(world.gateway);
    world.ready_user("app", short()).await;
    let application = world.probe("app");
    let (users, mut writer, mut rng) = (world.users(), JoinSet::new(), seeded("status"));
    writer.spawn(async move {
        for number in 0.. {
            let time = "2026-01-01T00:00:00Z";
            let theirs = json!({ "type": "Theirs", "status": "True", "reason": "Here", "message": format!("{number}"),
                "lastTransitionTime": time });
            let patch = json!({
                "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser", "status": { "conditions": [theirs] },
            });
            let params = PatchParams::apply("somebody").force();
            drop(users.patch_status("app", &params, &Patch::Apply(&patch)).await);
            sleep(Duration::from_millis(rng.random_range(50..250))).await;
        }
    });
    for token in ["one", "two", "three"] {
        world.rotate("app", token).await;
        world.until_rotated("app", token).await;
    }
    writer.shutdown().await;
    world
        .until_user("app", "has one key", |user| is_settled(user) && has_one_key(user))
        .await;
    let conditions = world.user("app").await.status.unwrap().conditions;
    assert!(
        conditions.iter().any(|c| c.type_ == "Theirs"),
        "somebody else's condition was removed"
    );
    assert_exact(&world, &admin, &world.gateway.endpoint).await;
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_status_that_was_emptied_is_found_again() {
    let world = world().await;
    let admin = Admin::of(world.gateway);
    world.ready_user("app", short()).await;
    world.rotate("app", "one").await;
    let before = world.until_rotated("app", "one").await;
    let application = world.probe("app");
    // In the grace period: the end of it must not be forgotten.
    overwrite(&world, "app", Value::Null).await;
    let found = |user: &ObjectUser| is_settled(user) && has_one_key(user);
    let after = world.until_user("app", "was settled again", found).await;
    assert_eq!(current(&after), current(&before), "it was rotated");
    assert!(
        handled(&after).iter().any(|token| token == "one"),
        "{:?}",
        handled(&after)
    );
    assert_exact(&world, &admin, &world.gateway.endpoint).await;
    assert_still(&world, "app").await;
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn an_intent_that_somebody_put_back_is_closed_again() {
    let world = world().await;
    let admin = Admin::of(world.gateway);
    world.ready_user("app", short()).await;
    world.rotate("app", "one").await;
    let done =
        |user: &ObjectUser| is_settled(user) && has_one_key(user) && handled(user).iter().any(|t| t == "one");
    let before = world.until_user("app", "was rotated", done).await;
    let application = world.probe("app");
    let mut status = serde_json::to_value(before.status.clone().unwrap()).unwrap();
    let time = status["credentials"][0]["issueTime"].clone();
    status["intent"] = json!({
        "cause": "Rotate", "token": "one", "gracePeriod": GRACE, "accessKeyId": current(&before), "before": [],
        "attempt": 1, "startTime": time,
    });
    overwrite(&world, "app", status).await;
    world.until_user("app", "has no intent", |user| done(user)).await;
    assert_still(&world, "app").await;
    assert_exact(&world, &admin, &world.gateway.endpoint).await;
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_somebody_wrote_into_status_is_neither_revoked_nor_kept() {
    let world = world().await;
    let admin = Admin::of(world.gateway);
    let before = world.ready_user("app", short()).await;
    let application = world.probe("app");
    let mut status = serde_json::to_value(before.status.clone().unwrap()).unwrap();
    let time = status["credentials"][0]["issueTime"].clone();
    let gone = json!({ "id": "GONE", "accessKeyId": "GONE", "issueTime": time, "revokeTime": time });
    status["credentials"].as_array_mut().unwrap().push(gone);
    overwrite(&world, "app", status).await;
    let found = |user: &ObjectUser| is_settled(user) && has_one_key(user);
    let after = world.until_user("app", "has its own key only", found).await;
    assert_eq!(current(&after), current(&before));
    assert_still(&world, "app").await;
    assert_exact(&world, &admin, &world.gateway.endpoint).await;
    application.assert_undisturbed();
    world.finish().await;
}
