//! What the operator asks the API server for, and under which name it writes there.

use crate::testbed::{
    World,
    proxy::Seen,
    world::{MANAGER, Setup},
};
use gracekey::api::v1alpha1::ObjectUser;
use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{Resource, ResourceExt as _};
use serde_json::json;
use std::collections::BTreeSet;

/// A list or a watch of Secrets; a get names one.
fn is_many_secrets(seen: &Seen) -> bool {
    let path = seen.target.split('?').next().unwrap_or_default();
    seen.method == Method::GET && path.ends_with("/secrets")
}

#[tokio::test]
async fn secrets_are_listed_and_watched_without_what_is_in_them() {
    let setup = Setup {
        proxy_kubernetes: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    world.ready_user("app", json!({})).await;
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.operator.stop().await;
    world.operator.restart().await;
    world.looked_at("app").await;
    let seen = world.kubernetes_proxy.as_ref().unwrap().seen();
    let (watches, lists): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .filter(is_many_secrets)
        .partition(|seen| seen.target.contains("watch=true"));
    assert!(!watches.is_empty() && !lists.is_empty(), "the proxy saw none");
    let whole = |as_: &'static str| {
        move |seen: &&Seen| {
            !seen
                .accept
                .split(',')
                .all(|kind| kind.split(';').any(|part| part == as_))
        }
    };
    let whole_lists: Vec<_> = lists
        .iter()
        .filter(whole("as=PartialObjectMetadataList"))
        .collect();
    let whole_watches: Vec<_> = watches.iter().filter(whole("as=PartialObjectMetadata")).collect();
    assert!(
        whole_lists.is_empty() && whole_watches.is_empty(),
        "Secrets are read whole: {whole_lists:?}, {whole_watches:?}"
    );
    println!(
        "traffic: {} lists and {} watches of Secrets",
        lists.len(),
        watches.len()
    );
    world.finish().await;
}

/// Who wrote to an object, but for the tests.
fn managers(object: &impl Resource) -> BTreeSet<String> {
    let entries = object.meta().managed_fields.iter().flatten();
    let names = entries.filter_map(|entry| entry.manager.clone());
    names.filter(|name| name != MANAGER).collect()
}

fn of_spec(user: &ObjectUser) -> impl Iterator<Item = &ManagedFieldsEntry> {
    let entries = user.managed_fields().iter();
    entries.filter(|entry| entry.subresource.is_none() && entry.manager.as_deref() == Some("gracekey"))
}

#[tokio::test]
async fn everything_is_written_under_one_name_and_of_a_users_own_object_the_finalizer_alone() {
    let world = World::without_store(Setup::default()).await;
    let with_initial = json!({ "initialUser": { "create": true } });
    world.make_store("store", with_initial).await;
    world.until_store_ready("store").await;
    world.until_settled("store-initial").await;
    world.ready_user("app", json!({})).await;
    world.rotate("app", "one").await;
    let user = world.until_rotated("app", "one").await;
    let ours = BTreeSet::from(["gracekey".to_owned()]);
    let store = world.stores().get("store").await.unwrap();
    assert_eq!(managers(&store), ours, "the store");
    assert_eq!(managers(&world.secret("app").await), ours, "the Secret");
    assert_eq!(
        managers(&world.user("store-initial").await),
        ours,
        "the initial user"
    );
    assert_eq!(managers(&user), ours, "the user");
    let fields: Vec<_> = of_spec(&user)
        .filter_map(|entry| entry.fields_v1.clone())
        .collect();
    let finalizer = json!({ ".": {}, "v:\"gracekey.dev/finalizer\"": {} });
    assert_eq!(
        serde_json::to_value(fields).unwrap(),
        json!([{ "f:metadata": { "f:finalizers": finalizer } }])
    );
    world.finish().await;
}
