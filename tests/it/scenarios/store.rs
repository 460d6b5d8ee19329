//! What people do to a store, and suspension.

use crate::testbed::{
    World,
    world::{current, reason, user_name},
};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::Driver as _,
};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use std::time::Duration;

async fn patch_store(world: &World, spec: Value) -> ObjectStore {
    let patch = json!({ "spec": spec });
    world
        .stores()
        .patch("store", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_store_comes_with_one_user_which_stays_deleted() {
    let mut world = World::without_store(crate::testbed::Setup::default()).await;
    world
        .make_store("store", json!({ "initialUser": { "create": true } }))
        .await;
    let user = world.until_settled("store-initial").await;
    assert_eq!(world.observed(&user).await.unwrap().label, "Initial S3 user");
    assert!(world.works(&world.pair("store-initial").await).await);
    world.delete_user("store-initial").await;
    world.until_user_gone("store-initial").await;
    // A change of the store, and a start, are looks at it.
    patch_store(&world, json!({ "limits": { "concurrency": 4 } })).await;
    world.until_store_ready("store").await;
    world.operator.stop().await;
    world.operator.restart().await;
    world.ready_user("other", json!({})).await;
    patch_store(&world, json!({ "limits": { "concurrency": 5 } })).await;
    world.until_store_ready("store").await;
    assert!(world.users().get_opt("store-initial").await.unwrap().is_none());
    world.finish().await;
}

#[tokio::test]
async fn a_changed_admin_secret_is_taken_up_at_once() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    let admin = |key: &str| {
        let patch = json!({ "stringData": { "secretKey": key } });
        let secrets = world.secrets();
        async move {
            secrets
                .patch("rgw-admin", &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .unwrap()
        }
    };
    admin("wrong-wrong-wrong-wrong").await;
    world.until_store("store", "AuthenticationFailed").await;
    world.make_user("waits", json!({})).await;
    world
        .until_user("waits", "was looked at", |user| !reason(user, "Ready").is_empty())
        .await;
    assert!(world.works(&world.pair("app").await).await);
    admin(&world.gateway.admin_secret_key).await;
    world
        .until_within(
            Duration::from_secs(10),
            "the right key was taken up",
            async || {
                let store = world.stores().get("store").await.unwrap();
                let conditions = store.status.unwrap_or_default().conditions;
                if gracekey::domain::condition::is_true(&conditions, "Ready") {
                    Ok(())
                } else {
                    Err("not ready".to_owned())
                }
            },
        )
        .await;
    world.until_settled("waits").await;
    world.finish().await;
}

#[tokio::test]
async fn a_label_follows_the_spec() {
    let world = World::start().await;
    let user = world
        .ready_user("app", json!({ "spec": { "label": "Billing" } }))
        .await;
    assert_eq!(world.observed(&user).await.unwrap().label, "Billing");
    let secret = world.secret("app").await;
    world
        .patch_user("app", json!({ "spec": { "label": "Rechnung & Söhne" } }))
        .await;
    let after = world.until_settled("app").await;
    assert_eq!(world.observed(&after).await.unwrap().label, "Rechnung & Söhne");
    world
        .patch_user("app", json!({ "spec": { "label": null } }))
        .await;
    let after = world.until_settled("app").await;
    assert_eq!(
        world.observed(&after).await.unwrap().label,
        format!("{}/app", world.home().name)
    );
    assert_eq!(
        world.secret("app").await.metadata.resource_version,
        secret.metadata.resource_version
    );
    world.finish().await;
}

#[tokio::test]
async fn what_somebody_changes_on_the_gateway_is_put_right() {
    let mut world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    world
        .admin()
        .set_label(&user_name(&user), "changed")
        .await
        .unwrap();
    world.admin().set_locked(&user_name(&user), true).await.unwrap();
    world.operator.stop().await;
    world
        .operator
        .launch_mut()
        .env
        .push(("GRACEKEY_RESYNC_SECONDS".to_owned(), "1".to_owned()));
    world.operator.restart().await;
    let right = async || {
        let seen = world.observed(&user).await.unwrap();
        let label = seen.label == format!("{}/app", world.home().name);
        if label && !seen.locked {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    };
    world.until("label and lock were put right", right).await;
    world.admin().delete_user(&user_name(&user)).await.unwrap();
    let again = world
        .until_user("app", "got a new key", |now| {
            !current(now).is_empty() && current(now) != current(&user)
        })
        .await;
    world.until_settled("app").await;
    assert_eq!(world.live_keys(&again).await.len(), 1);
    assert!(world.works(&world.pair("app").await).await);
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_done_for_a_suspended_user_until_it_is_resumed() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    world
        .patch_user("app", json!({ "spec": { "suspend": true } }))
        .await;
    world.until_reason("app", "Suspended").await;
    world.rotate("app", "one").await;
    world
        .patch_user("app", json!({ "spec": { "label": "later" } }))
        .await;
    let asleep = world.until_user("app", "observed the label", observed).await;
    assert_eq!(
        (reason(&asleep, "Ready"), reason(&asleep, "Synced")),
        ("Succeeded".to_owned(), "Suspended".to_owned())
    );
    assert_eq!(current(&asleep), current(&before));
    assert_ne!(world.observed(&before).await.unwrap().label, "later");
    world
        .patch_user("app", json!({ "spec": { "suspend": false } }))
        .await;
    let after = world.until_rotated("app", "one").await;
    assert_eq!(world.observed(&after).await.unwrap().label, "later");
    world.finish().await;
}

fn observed(user: &ObjectUser) -> bool {
    user.status.as_ref().and_then(|s| s.observed_generation) == user.metadata.generation
}

#[tokio::test]
async fn nothing_is_done_on_a_suspended_store_until_it_is_resumed() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    patch_store(&world, json!({ "suspend": true })).await;
    world.until_store("store", "Suspended").await;
    world.until_reason("app", "Suspended").await;
    world.rotate("app", "one").await;
    world.make_user("new", json!({})).await;
    world.until_reason("new", "Suspended").await;
    assert_eq!(current(&world.user("app").await), current(&before));
    patch_store(&world, json!({ "suspend": false })).await;
    world.until_rotated("app", "one").await;
    world.until_settled("new").await;
    world.finish().await;
}

#[tokio::test]
async fn a_store_without_its_admin_secret_says_so_and_recovers_when_it_comes() {
    let world = World::start().await;
    drop(
        world
            .secrets()
            .delete("rgw-admin", &DeleteParams::default())
            .await
            .unwrap(),
    );
    world.until_store("store", "CredentialsMissing").await;
    world.make_admin_secret().await;
    world.until_store_ready("store").await;
    world.ready_user("app", json!({})).await;
    world.finish().await;
}
