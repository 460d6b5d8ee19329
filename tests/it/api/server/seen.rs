//! What people see.

use super::{apply, store, user};
use crate::testbed::{
    cluster::{OwnNamespace, cluster, namespace},
    wait,
};
use gracekey::api::v1alpha1::{ObjectStore, ObjectUser};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use std::time::Duration;

/// The text without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn kubectl_explain_says_what_a_field_does_in_which_unit_and_by_default() {
    let cluster = cluster().await;
    for (path, words) in [
        ("objectuser", "An ObjectUser is one S3 user on an ObjectStore."),
        (
            "objectuser.spec.rotation",
            "from 0s to 2160h, such as `90m` or `1h30m`.",
        ),
        ("objectuser.spec.rotation.gracePeriod", "Default: 24h."),
        (
            "objectuser.spec.secret.template",
            "${accessKeyId}, ${secretAccessKey},",
        ),
        ("objectuser.spec.deletionPolicy", "ENUM: Delete Retain"),
        (
            "objectuser.spec.access.buckets",
            "`WriteOnly` (store objects; not read or list them,",
        ),
        (
            "objectuser.spec.quota",
            "a number, or one with a suffix such as '10G' or '512Mi'.",
        ),
        (
            "objectuser.status.conditions",
            "`Ready`: the Secret holds a key that works.",
        ),
        ("objectstore.spec.backend.ceph", "Secret in the store's namespace"),
        ("objectstore.spec.limits", "from 1 to 64. Default: 8."),
    ] {
        // The server describes a new kind some moments after it serves it.
        let explain = async || cluster.try_kubectl(&["explain", path]);
        let explained = flat(&wait::until(Duration::from_secs(30), explain).await.unwrap());
        assert!(explained.contains(words), "{path}: {explained}");
    }
}

/// A condition that does not hold. A user that is ready may wait for something all the same: why, is what its column tells.
fn because(type_: &str) -> serde_json::Value {
    json!({ "type": type_, "status": "False", "reason": "BackendUnavailable", "message": "x",
        "lastTransitionTime": "2026-01-02T03:04:05Z" })
}

#[tokio::test]
async fn columns_answer_what_people_ask() {
    let namespace = namespace().await;
    apply(&namespace, &store()).await.unwrap();
    apply(&namespace, &user()).await.unwrap();
    let params = PatchParams::default();
    let stores: Api<ObjectStore> = namespace.api();
    let status = json!({ "status": { "conditions": [because("Ready")], "users": 3, "backend": { "product": "Ceph", "version": "18.2" } } });
    stores
        .patch_status("prod", &params, &Patch::Merge(status))
        .await
        .unwrap();
    let users: Api<ObjectUser> = namespace.api();
    let status = json!({ "status": {
        "conditions": [because("Ready"), because("Synced")],
        "accessKeyId": "GKNEW",
        "previousKeyRevokeTime": "2026-11-24T05:00:00Z",
        "secretName": "billing",
        "userName": "gk-billing",
    } });
    users
        .patch_status("billing", &params, &Patch::Merge(status))
        .await
        .unwrap();

    let stores = table(&namespace, "ostore").await;
    assert_eq!(
        stores[0],
        [
            "NAME", "READY", "REASON", "BACKEND", "ENDPOINT", "USERS", "AGE", "VERSION"
        ]
    );
    assert_eq!(
        stores[1][..6],
        [
            "prod",
            "False",
            "BackendUnavailable",
            "Ceph",
            "https://s3.example",
            "3"
        ]
    );
    let users = table(&namespace, "ouser").await;
    assert_eq!(
        users[0],
        [
            "NAME",
            "READY",
            "REASON",
            "STORE",
            "ACCESS KEY",
            "OLD KEY UNTIL",
            "AGE",
            "SECRET",
            "USER NAME",
            "ROTATED"
        ]
    );
    assert_eq!(
        users[1][..6],
        [
            "billing",
            "False",
            "BackendUnavailable",
            "prod",
            "GKNEW",
            "2026-11-24T05:00:00Z"
        ]
    );
}

/// Cells of the wide table; columns are apart by three blanks.
async fn table(namespace: &OwnNamespace, kind: &str) -> Vec<Vec<String>> {
    let args = [
        "get",
        kind,
        "--namespace",
        namespace.name.as_str(),
        "--output",
        "wide",
    ];
    let printed = cluster().await.kubectl(&args);
    let cells = |line: &str| {
        line.split("   ")
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .map(String::from)
            .collect()
    };
    printed.lines().map(cells).collect()
}

#[tokio::test]
async fn users_of_a_store_can_be_selected_and_both_kinds_listed_at_once() {
    let namespace = namespace().await;
    apply(&namespace, &store()).await.unwrap();
    apply(&namespace, &user()).await.unwrap();
    let cluster = cluster().await;
    let get = |args: &[&str]| {
        let common = ["get", "--output", "name", "--namespace", namespace.name.as_str()];
        cluster.kubectl(&[&common, args].concat())
    };
    assert_eq!(
        get(&["gracekey"]),
        "objectstore.gracekey.dev/prod\nobjectuser.gracekey.dev/billing\n"
    );
    assert_eq!(
        get(&["objectusers", "--field-selector=spec.objectStoreRef.name=prod"]),
        "objectuser.gracekey.dev/billing\n"
    );
    assert_eq!(
        get(&["objectusers", "--field-selector=spec.objectStoreRef.name=other"]),
        ""
    );
}
