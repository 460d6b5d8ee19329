//! What cannot be changed later, and what can.

use super::{apply, store, try_change, user, with};
use crate::testbed::cluster::namespace;
use serde_json::{Value, json};

#[tokio::test]
async fn the_store_of_a_user_cannot_be_changed() {
    let namespace = namespace().await;
    apply(&namespace, &user()).await.unwrap();
    for (path, value) in [
        ("spec.objectStoreRef.name", json!("other")),
        ("spec.objectStoreRef.namespace", json!(namespace.name)),
    ] {
        let status = try_change(&namespace, &user(), path, value).await.unwrap_err();
        let message = "`objectStoreRef` must not change: create another ObjectUser";
        assert!(status.message.contains(message), "{path}: {}", status.message);
    }
}

#[tokio::test]
async fn the_name_of_a_user_cannot_be_changed_added_or_removed() {
    let namespace = namespace().await;
    let named = with(
        with(user(), "metadata.name", json!("named")),
        "spec.userName",
        json!("alice"),
    );
    apply(&namespace, &named).await.unwrap();
    apply(&namespace, &user()).await.unwrap();
    let kept = "`userName` must not change: create another ObjectUser";
    let there = "`userName` must not be added or removed later: create another ObjectUser";
    for (object, value, message) in [
        (&named, json!("bob"), kept),
        (&named, Value::Null, there),
        (&user(), json!("bob"), there),
    ] {
        let status = try_change(&namespace, object, "spec.userName", value)
            .await
            .unwrap_err();
        assert!(status.message.contains(message), "{object}: {}", status.message);
    }
}

#[tokio::test]
async fn the_kind_of_a_backend_cannot_be_taken_away() {
    let namespace = namespace().await;
    apply(&namespace, &store()).await.unwrap();
    let status = try_change(&namespace, &store(), "spec.backend.ceph", Value::Null)
        .await
        .unwrap_err();
    let message = "the kind of backend must not change: create another ObjectStore";
    assert!(status.message.contains(message), "{}", status.message);
}

#[tokio::test]
async fn the_operator_of_accounts_cannot_be_changed_added_or_removed() {
    let namespace = namespace().await;
    let backend = json!({ "uptrends": { "credentialsSecretRef": { "name": "uptrends-admin" } } });
    let bare = with(with(store(), "spec.s3", Value::Null), "spec.backend", backend);
    let guid = |last: char| json!(format!("0f8fad5b-d9cb-469f-a165-70867728950{last}"));
    let path = "spec.backend.uptrends.operatorGuid";
    let given = with(
        with(bare.clone(), "metadata.name", json!("given")),
        path,
        guid('a'),
    );
    apply(&namespace, &bare).await.unwrap();
    apply(&namespace, &given).await.unwrap();
    for (object, value) in [(&given, guid('b')), (&given, Value::Null), (&bare, guid('a'))] {
        let status = try_change(&namespace, object, path, value).await.unwrap_err();
        let message = "`operatorGuid` must not change";
        assert!(status.message.contains(message), "{object}: {}", status.message);
    }
}

#[tokio::test]
async fn project_and_domains_of_keystone_cannot_be_changed() {
    let namespace = namespace().await;
    let keystone = json!({
        "endpoint": "https://keystone.example:5000",
        "credentialsSecretRef": { "name": "keystone-admin" },
        "projectName": "shop",
    });
    let store = with(store(), "spec.backend", json!({ "keystone": keystone }));
    apply(&namespace, &store).await.unwrap();
    for field in ["projectName", "projectDomain", "userDomain"] {
        let path = format!("spec.backend.keystone.{field}");
        let status = try_change(&namespace, &store, &path, json!("another"))
            .await
            .unwrap_err();
        let message = format!("`{field}` must not change");
        assert!(status.message.contains(&message), "{}", status.message);
    }
    let path = "spec.backend.keystone.role";
    try_change(&namespace, &store, path, json!("storage"))
        .await
        .unwrap();
}

#[tokio::test]
async fn everything_else_can_be_changed() {
    let namespace = namespace().await;
    apply(&namespace, &store()).await.unwrap();
    apply(&namespace, &user()).await.unwrap();
    for (object, path, value) in [
        (
            store(),
            "spec.backend.ceph.endpoint",
            json!("https://moved.example"),
        ),
        (
            store(),
            "spec.backend.ceph.credentialsSecretRef.name",
            json!("other"),
        ),
        (store(), "spec.s3.endpoint", json!("http://127.0.0.1:7480")),
        (store(), "spec.allowedNamespaces.from", json!("All")),
        (store(), "spec.suspend", json!(true)),
        (user(), "spec.label", json!("Billing")),
        (user(), "spec.locked", json!(true)),
        (user(), "spec.secret.name", json!("other")),
        (user(), "spec.rotation.gracePeriod", json!("0s")),
        (user(), "spec.deletionPolicy", json!("Retain")),
    ] {
        if let Err(status) = try_change(&namespace, &object, path, value).await {
            panic!("{path}: {}", status.message);
        }
    }
}
