//! What only the operator can see becomes a condition with a reason and a sentence, harms nothing, and heals by itself
//! when the cause goes. Here: troubles of the store.

use crate::testbed::{
    World,
    world::{Setup, is_settled, reason},
};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    domain::condition,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::{Value, json};

/// Whether this condition has this reason and a sentence.
fn says(user: &ObjectUser, type_: &str, wanted: &str) -> bool {
    let conditions = user
        .status
        .as_ref()
        .map(|s| s.conditions.clone())
        .unwrap_or_default();
    condition::find(&conditions, type_).is_some_and(|c| c.reason == wanted && c.message.len() > 20)
}

async fn until_store_says(world: &World, name: &str, wanted: &str) {
    let stores = world.stores();
    let says = async || {
        let store: ObjectStore = stores.get(name).await.map_err(|e| e.to_string())?;
        let conditions = store.status.map(|s| s.conditions).unwrap_or_default();
        match condition::find(&conditions, "Ready") {
            Some(c) if c.reason == wanted && c.message.len() > 20 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    world
        .until(&format!("the store {name} said {wanted}"), says)
        .await;
}

async fn patch_store(world: &World, name: &str, spec: Value) {
    let patch = json!({ "spec": spec });
    world
        .stores()
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
}

async fn patch_admin(world: &World, secret_key: &str) {
    let patch = json!({ "stringData": { "secretKey": secret_key } });
    world
        .secrets()
        .patch("rgw-admin", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_missing_admin_secret_is_named_and_taken_up_when_it_comes() {
    let world = World::without_store(Setup::default()).await;
    world.make_store("store", json!({})).await;
    world.until_store_ready("store").await;
    let app = world.ready_user("app", json!({})).await;
    world
        .secrets()
        .delete("rgw-admin", &DeleteParams::default())
        .await
        .unwrap();
    until_store_says(&world, "store", "CredentialsMissing").await;
    assert_eq!(
        reason(&world.user("app").await, "Ready"),
        reason(&app, "Ready"),
        "its key is as good as it was"
    );
    let missing = json!({ "backend": { "ceph": { "credentialsSecretRef": { "name": "later" } } } });
    world.make_store("second", missing).await;
    world
        .secrets()
        .delete("rgw-admin", &DeleteParams::default())
        .await
        .unwrap();
    until_store_says(&world, "second", "CredentialsMissing").await;
    world
        .make_user(
            "new",
            json!({ "spec": { "objectStoreRef": { "name": "second" } } }),
        )
        .await;
    world
        .until_user("new", "says that the store is not ready", |u| {
            says(u, "Ready", "StoreNotReady")
        })
        .await;

    world.make_admin_secret().await;
    world.until_store_ready("store").await;
    patch_store(
        &world,
        "second",
        json!({ "backend": { "ceph": { "credentialsSecretRef": { "name": "rgw-admin" } } } }),
    )
    .await;
    world.until_settled("new").await;
    world.until_settled("app").await;
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_admin_key_is_told_and_taken_up_when_it_is_mended() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let secret = world.secret("app").await;
    let application = world.probe("app");
    patch_admin(&world, "wrongwrongwrongwrongwrong").await;
    until_store_says(&world, "store", "AuthenticationFailed").await;
    world.rotate("app", "one").await;
    let told =
        |u: &ObjectUser| says(u, "Synced", "AuthenticationFailed") || says(u, "Synced", "StoreNotReady");
    let user = world.until_user("app", "says that it cannot be done", told).await;
    assert_eq!(reason(&user, "Ready"), reason(&before, "Ready"));
    world.make_user("new", json!({})).await;
    let not = |u: &ObjectUser| says(u, "Ready", "AuthenticationFailed") || says(u, "Ready", "StoreNotReady");
    world.until_user("new", "says why it has no key", not).await;
    assert_eq!(
        world.secret("app").await.resource_version(),
        secret.resource_version()
    );

    patch_admin(&world, &world.gateway.admin_secret_key).await;
    world.until_store_ready("store").await;
    world.until_rotated("app", "one").await;
    world.until_settled("new").await;
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn an_endpoint_where_nobody_is_is_told_and_left_when_it_is_corrected() {
    let world = World::without_store(Setup::default()).await;
    let nowhere = json!({ "backend": { "ceph": { "endpoint": "http://127.0.0.1:1" } } });
    world.make_store("store", nowhere).await;
    until_store_says(&world, "store", "BackendUnavailable").await;
    world.make_user("app", json!({})).await;
    world
        .until_user("app", "says that the store does not answer", |u| {
            says(u, "Ready", "BackendUnavailable")
        })
        .await;
    patch_store(
        &world,
        "store",
        json!({ "backend": { "ceph": { "endpoint": world.gateway.endpoint } } }),
    )
    .await;
    world.until_settled("app").await;
    world.finish().await;
}

#[tokio::test]
async fn a_store_elsewhere_serves_whom_its_owner_allows_and_from_when_on() {
    let setup = Setup {
        namespaces: 2,
        ..Setup::default()
    };
    let world = World::with(setup).await;
    let (home, other) = (&world.namespaces[0], &world.namespaces[1]);
    let there =
        |store: &str| json!({ "spec": { "objectStoreRef": { "name": store, "namespace": home.name } } });
    world.make_user_in(other, "app", there("store")).await;
    world.make_user_in(other, "lost", there("no-such-store")).await;
    let users = other.api::<ObjectUser>();
    let mut told = Vec::new();
    for name in ["app", "lost"] {
        let ask = async || {
            let user = users.get(name).await.map_err(|e| e.to_string())?;
            let conditions = user.status.clone().unwrap_or_default().conditions;
            let ready = condition::find(&conditions, "Ready").filter(|c| c.reason == "StoreNotAvailable");
            ready
                .map(|c| c.message.clone())
                .ok_or("it says nothing".to_owned())
        };
        let message: String = world.until(&format!("{name} said that it may not"), ask).await;
        told.push(message.replace("no-such-store", "store"));
    }
    assert_eq!(told[0], told[1], "a tenant learns whether a store is there");
    patch_store(&world, "store", json!({ "allowedNamespaces": { "from": "All" } })).await;
    let settled = async || {
        let user = users.get("app").await.map_err(|e| e.to_string())?;
        if is_settled(&user) {
            Ok(())
        } else {
            Err("it is not settled".to_owned())
        }
    };
    world
        .until("the user was served once it was allowed", settled)
        .await;
    world.finish().await;
}
