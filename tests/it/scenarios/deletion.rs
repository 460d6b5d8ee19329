//! Deletions: what goes, what waits and says so, and what stays.

use crate::testbed::{Setup, World, world::user_name};
use gracekey::{api::v1alpha1::ObjectStore, domain::condition};
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_user_without_data_goes_with_its_keys_and_its_secret() {
    let world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    let pair = world.pair("app").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert!(world.observed(&user).await.is_none());
    assert!(world.secrets().get_opt("app").await.unwrap().is_none());
    assert!(!world.works(&pair).await);
    world.finish().await;
}

/// What a deletion that is blocked says to whoever asked for it.
fn message(conditions: &[Condition]) -> String {
    let stalled = condition::find(conditions, "Stalled").unwrap();
    assert_eq!(stalled.reason, "DeletionBlocked");
    stalled.message.clone()
}

#[tokio::test]
async fn a_user_with_data_stays_until_the_data_is_gone_and_says_so() {
    let world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    let pair = world.pair("app").await;
    let bucket = format!("data-{}", world.home().name);
    world.s3(&pair).create_bucket(&bucket).await.expect_success();
    world.delete_user("app").await;
    let blocked = world.until_reason("app", "DeletionBlocked").await;
    let said = message(&blocked.status.as_ref().unwrap().conditions);
    let name = user_name(&blocked);
    for part in [
        name.as_str(),
        "still owns data",
        "Remove its buckets",
        "deletionPolicy: Retain",
    ] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
    assert!(
        world.works(&pair).await,
        "whoever has to empty the bucket still can"
    );
    assert_eq!(world.pair("app").await.access_key_id, pair.access_key_id);
    world.s3(&pair).delete_bucket(&bucket).await.expect_success();
    world.until_user_gone("app").await;
    assert!(world.observed(&user).await.is_none());
    assert!(world.secrets().get_opt("app").await.unwrap().is_none());
    world.finish().await;
}

#[tokio::test]
async fn a_retained_user_keeps_a_secret_that_works() {
    let world = World::start().await;
    let user = world
        .ready_user("app", json!({ "spec": { "deletionPolicy": "Retain" } }))
        .await;
    let application = world.probe("app");
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    let secret = world.secret("app").await;
    assert_eq!(secret.owner_references(), [], "nothing takes it along");
    assert!(world.works(&world.pair("app").await).await);
    assert_eq!(world.live_keys(&user).await.len(), 1);
    application.assert_undisturbed();
    // Tidy up: an object of that name takes them over, and deletes them.
    world.ready_user("app", json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_retained_user_is_let_go_when_its_old_key_is_revoked_and_not_before() {
    let world = World::start().await;
    let spec = json!({ "spec": { "deletionPolicy": "Retain", "rotation": { "gracePeriod": "8s" } } });
    let user = world.ready_user("app", spec).await;
    let old = world.pair("app").await;
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.delete_user("app").await;
    world.until_reason("app", "GracePeriod").await;
    assert!(world.works(&old).await, "its grace period is kept");
    world.until_user_gone("app").await;
    assert!(!world.works(&old).await, "nobody would revoke it later");
    let new = world.pair("app").await;
    assert!(world.works(&new).await);
    assert_eq!(world.live_keys(&user).await.len(), 1);
    // Tidy up: an object of that name takes them over, and deletes them.
    world.ready_user("app", json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_namespace_with_a_store_and_users_can_be_deleted_at_once() {
    let setup = Setup {
        namespaces: 2,
        cluster_rights: true,
        ..Setup::default()
    };
    let mut world = World::without_store(setup).await;
    world.here = 1;
    world
        .make_store("store", json!({ "initialUser": { "create": true } }))
        .await;
    let users = [
        world.ready_user("one", json!({})).await,
        world.ready_user("two", json!({})).await,
        world.until_settled("store-initial").await,
    ];
    let namespaces = Api::<Namespace>::all(world.home().client.clone());
    drop(
        namespaces
            .delete(&world.home().name, &DeleteParams::default())
            .await
            .unwrap(),
    );
    let gone = async || match namespaces.get_opt(&world.home().name).await.unwrap() {
        None => Ok(()),
        Some(left) => Err(serde_json::to_string(&left.status).unwrap()),
    };
    world
        .until_within(Duration::from_mins(1), "the namespace was gone", gone)
        .await;
    for user in &users {
        assert!(
            world.observed(user).await.is_none(),
            "{} is left on the gateway",
            user.name_any()
        );
    }
    world.here = 0;
    world.finish().await;
}

#[tokio::test]
async fn a_store_deleted_before_its_users_waits_for_them_and_says_so() {
    let world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    drop(
        world
            .stores()
            .delete("store", &DeleteParams::default())
            .await
            .unwrap(),
    );
    let waiting = world.until_store("store", "DeletionBlocked").await;
    let said = waiting.status.unwrap().conditions;
    let said = message(&said);
    let named = format!("1 ObjectUser(s) on this store: {}/app.", world.home().name);
    for part in [
        named.as_str(),
        "Delete them",
        "gracekey.dev/force-delete: \"true\"",
    ] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert!(world.observed(&user).await.is_none());
    until_store_gone(&world).await;
    world.finish().await;
}

async fn until_store_gone(world: &World) {
    let gone = async || match world.stores().get_opt("store").await.unwrap() {
        None => Ok(()),
        Some(_) => Err("it is there".to_owned()),
    };
    world.until("the store was gone", gone).await;
}

#[tokio::test]
async fn who_gives_up_the_backend_can_always_delete() {
    let mut world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    let pair = world.pair("app").await;
    drop(
        world
            .secrets()
            .delete("rgw-admin", &DeleteParams::default())
            .await
            .unwrap(),
    );
    // The operator forgets how it reached the gateway.
    world.operator.kill();
    world.operator.restart().await;
    world.delete_user("app").await;
    world.until_reason("app", "StoreNotReady").await;
    world
        .annotate("app", "gracekey.dev/force-delete", json!("true"))
        .await;
    world.until_user_gone("app").await;
    assert!(world.works(&pair).await, "the backend was not touched");
    // A garbage collector that has just started may take half a minute to find it.
    drop(world.secrets().delete("app", &DeleteParams::default()).await);
    world.make_admin_secret().await;
    world.until_store_ready("store").await;

    let orphan = world.ready_user("app", json!({})).await;
    assert_eq!(
        orphan.status.as_ref().unwrap().user_name,
        user.status.as_ref().unwrap().user_name
    );
    drop(
        world
            .stores()
            .delete("store", &DeleteParams::default())
            .await
            .unwrap(),
    );
    world.until_store("store", "DeletionBlocked").await;
    let force = json!({ "metadata": { "annotations": { "gracekey.dev/force-delete": "true" } } });
    let patched: ObjectStore = world
        .stores()
        .patch("store", &PatchParams::default(), &Patch::Merge(&force))
        .await
        .unwrap();
    drop(patched);
    until_store_gone(&world).await;
    world.delete_user("app").await;
    world.until_reason("app", "StoreNotAvailable").await;
    world.make_store("store", json!({})).await;
    world.until_user_gone("app").await;
    assert!(
        world.observed(&orphan).await.is_none(),
        "a store that comes back lets its users go"
    );
    world.finish().await;
}
