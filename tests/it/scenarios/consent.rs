//! Who may use a store.

use crate::testbed::{Setup, World};
use gracekey::api::v1alpha1::ObjectStore;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

/// A world with the store in the first namespace, turned to the second.
async fn two_namespaces(cluster_rights: bool) -> World {
    let setup = Setup {
        namespaces: 2,
        cluster_rights,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    world.here = 1;
    world
}

fn on_that_store(world: &World) -> Value {
    json!({ "spec": { "objectStoreRef": { "namespace": world.namespaces[0].name } } })
}

async fn allow(world: &World, allowed: Value) {
    let patch = json!({ "spec": { "allowedNamespaces": allowed } });
    let stores = world.namespaces[0].api::<ObjectStore>();
    drop(
        stores
            .patch("store", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn a_store_serves_other_namespaces_by_consent_alone() {
    let world = two_namespaces(false).await;
    world.make_user("app", on_that_store(&world)).await;
    world.until_reason("app", "StoreNotAvailable").await;
    allow(&world, json!({ "from": "All" })).await;
    world.until_settled("app").await;
    let pair = world.pair("app").await;
    assert!(world.works(&pair).await);
    assert!(
        world.secrets().get_opt("rgw-admin").await.unwrap().is_none(),
        "the admin Secret stays where the store is"
    );

    allow(&world, json!({ "from": "Same" })).await;
    world.until_reason("app", "StoreNotAvailable").await;
    world.rotate("app", "one").await;
    assert!(
        world.works(&pair).await,
        "who withdraws consent gets no more work done, and breaks nothing"
    );
    assert_eq!(world.pair("app").await.access_key_id, pair.access_key_id);
    allow(&world, json!({ "from": "All" })).await;
    world.until_rotated("app", "one").await;
    world.finish().await;
}

#[tokio::test]
async fn a_selector_lets_in_namespaces_by_their_labels() {
    let world = two_namespaces(true).await;
    allow(
        &world,
        json!({ "from": "Selector", "selector": { "matchLabels": { "storage": "yes" } } }),
    )
    .await;
    world.make_user("app", on_that_store(&world)).await;
    world.until_reason("app", "StoreNotAvailable").await;
    let namespaces = Api::<Namespace>::all(world.home().client.clone());
    let patch = json!({ "metadata": { "labels": { "storage": "yes" } } });
    namespaces
        .patch(&world.home().name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    world.until_settled("app").await;
    assert!(world.works(&world.pair("app").await).await);
    world.finish().await;
}
