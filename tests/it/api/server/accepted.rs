//! What is accepted, and what is then stored.

use super::{apply, store, try_create, user, with};
use crate::testbed::cluster::{namespace, until};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    domain::template::{Placeholder, Template},
};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};
use strum::IntoEnumIterator;

#[tokio::test]
async fn defaults_are_in_the_stored_object() {
    let namespace = namespace().await;
    let stored = apply(&namespace, &store()).await.unwrap();
    let expected = json!({
        "backend": { "ceph": { "endpoint": "https://rgw.example:7480", "credentialsSecretRef": { "name": "rgw-admin" } } },
        "s3": { "endpoint": "https://s3.example", "region": "us-east-1", "addressingStyle": "Path" },
        "tls": { "insecureSkipVerify": false },
        "allowedNamespaces": { "from": "Same" },
        "initialUser": { "create": true, "label": "Initial S3 user" },
        "limits": { "concurrency": 8, "requestsPerSecond": 0 },
        "suspend": false,
    });
    assert_eq!(stored["spec"], expected);
    assert_eq!(stored["status"], json!({ "observedGeneration": -1 }));

    let stored = apply(&namespace, &user()).await.unwrap();
    let expected = json!({
        "objectStoreRef": { "name": "prod" },
        "locked": false,
        "secret": { "adoptionPolicy": "IfOwned" },
        "rotation": { "gracePeriod": "24h", "allowInterruption": false, "onKeyLimit": "Wait" },
        "deletionPolicy": "Delete",
        "suspend": false,
    });
    assert_eq!(stored["spec"], expected);
    assert_eq!(stored["status"], json!({ "observedGeneration": -1 }));
}

#[tokio::test]
async fn a_store_without_s3_is_stored_with_the_vendors_address() {
    let namespace = namespace().await;
    let backend = json!({ "uptrends": { "credentialsSecretRef": { "name": "uptrends-admin" } } });
    let store = with(with(store(), "spec.s3", Value::Null), "spec.backend", backend);
    let stored = apply(&namespace, &store).await.unwrap();
    assert_eq!(
        stored["spec"]["backend"]["uptrends"]["endpoint"],
        "https://api.uptrends.com"
    );
    assert!(stored["spec"].get("s3").is_none());
    let read: ObjectStore = serde_json::from_value(store.clone()).unwrap();
    assert_eq!(serde_json::to_value(read.spec).unwrap(), stored["spec"]);
    let guid = json!("0f8fad5b-d9cb-469f-a165-70867728950e");
    let given = with(store, "spec.backend.uptrends.operatorGuid", guid);
    let given = with(given, "metadata.name", json!("given"));
    try_create(&namespace, &given).await.unwrap();
}

/// Else a server that fills in a default and a program that reads an older object would disagree.
#[tokio::test]
async fn the_program_fills_in_what_the_server_does() {
    let namespace = namespace().await;
    let stored = apply(&namespace, &store()).await.unwrap();
    let read: ObjectStore = serde_json::from_value(store()).unwrap();
    assert_eq!(serde_json::to_value(read.spec).unwrap(), stored["spec"]);
    let stored = apply(&namespace, &user()).await.unwrap();
    let read: ObjectUser = serde_json::from_value(user()).unwrap();
    assert_eq!(serde_json::to_value(read.spec).unwrap(), stored["spec"]);
}

#[tokio::test]
async fn durations_are_stored_as_written() {
    let namespace = namespace().await;
    for text in [
        "0s", "10m", "1h30m", "90m", "24h0m0s", "2160h", "59m60s", "500ms", "00001h",
    ] {
        let stored = apply(
            &namespace,
            &with(user(), "spec.rotation.gracePeriod", json!(text)),
        )
        .await
        .unwrap();
        assert_eq!(stored["spec"]["rotation"]["gracePeriod"], text);
        let read: ObjectUser = serde_json::from_value(stored).unwrap();
        assert_eq!(read.spec.rotation.grace_period.to_string(), text);
    }
}

#[tokio::test]
async fn access_and_quota_are_stored_as_written_with_their_defaults() {
    let namespace = namespace().await;
    let access = json!({ "buckets": [{ "name": "invoices" }, { "name": "a.b-c", "permission": "WriteOnly", "create": true }] });
    for bytes in [
        json!("10G"),
        json!("1.5Ti"),
        json!("1024Pi"),
        json!(1),
        json!("512"),
    ] {
        let quota = json!({ "maxBytes": bytes, "maxObjects": 1_000_000_000_000_i64, "maxBuckets": 0 });
        let asked = with(
            with(user(), "spec.access", access.clone()),
            "spec.quota",
            quota.clone(),
        );
        let stored = apply(&namespace, &asked).await.unwrap();
        assert_eq!(stored["spec"]["quota"], quota);
        let full = json!({ "buckets": [
            { "name": "invoices", "permission": "ReadWrite", "create": false },
            { "name": "a.b-c", "permission": "WriteOnly", "create": true },
        ] });
        assert_eq!(stored["spec"]["access"], full);
        let read: ObjectUser = serde_json::from_value(asked).unwrap();
        assert_eq!(serde_json::to_value(read.spec).unwrap(), stored["spec"]);
    }
}

/// Checks all before it fails, so that one run shows all.
async fn assert_accepted(base: &Value, good: Vec<(&str, Value)>) {
    let namespace = namespace().await;
    let mut wrong = vec![];
    for (path, value) in good {
        if let Err(status) = try_create(&namespace, &with(base.clone(), path, value.clone())).await {
            wrong.push(format!("{path}: {value}: {}", status.message));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn whatever_is_reasonable_for_a_store_is_accepted() {
    let endpoint = |text: &str| ("spec.s3.endpoint", json!(text));
    let selector = json!({
        "matchLabels": { "team": "shop" },
        "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b"] }, { "key": "c", "operator": "Exists" }],
    });
    let allowed = |value: Value| ("spec.allowedNamespaces", value);
    let ca = json!({ "caBundleSecretRef": { "name": "ca", "key": "ca.crt" } });
    let good = vec![
        endpoint("http://127.0.0.1:7480"),
        endpoint("http://[::1]:7480"),
        endpoint("https://S3-1.Example.com:65535"),
        endpoint("http://rgw"),
        (
            "spec.s3.verifyEndpoints",
            json!(["https://a.example", "https://b.example:1"]),
        ),
        allowed(json!({ "from": "All" })),
        allowed(json!({ "from": "Selector", "selector": {} })),
        allowed(json!({ "from": "Selector", "selector": selector })),
        ("spec.initialUser.create", json!(false)),
        (
            "spec.limits",
            json!({ "concurrency": 64, "requestsPerSecond": 10000 }),
        ),
        ("spec.tls", ca),
        ("metadata.name", json!("a".repeat(55))),
    ];
    assert_accepted(&store(), good).await;
}

#[tokio::test]
async fn whatever_is_reasonable_for_a_user_is_accepted() {
    let long_name = format!("{0}.{0}.{0}.{0}", "a".repeat(62));
    let template = json!({ "uri": "s3://${userName}", "a.b_c-D": "", "pem": "x\n${caBundle}\n" });
    let labels = json!({ "team": "shop", "cnpg.io/reload": "true", "empty": "" });
    let annotations = json!({ "reloader.stakater.com/match": "true", "note": "any text: ${x} é" });
    let good = vec![
        ("metadata.name", json!(long_name)),
        ("spec.userName", json!("A1._-")),
        ("spec.label", json!("é".repeat(128))),
        ("spec.objectStoreRef.namespace", json!("storage")),
        ("spec.rotation", json!({ "interval": "1m", "gracePeriod": "10s" })),
        (
            "spec.rotation",
            json!({ "interval": "8760h", "gracePeriod": "2160h" }),
        ),
        ("spec.secret.template", template),
        ("spec.secret.metadata.labels", labels),
        ("spec.secret.metadata.annotations", annotations),
    ];
    assert_accepted(&user(), good).await;
}

/// The definitions and the program must know the same placeholders, and refuse the same texts.
#[tokio::test]
async fn the_server_and_the_program_take_the_same_templates() {
    let namespace = namespace().await;
    let mut texts: Vec<String> = Placeholder::iter()
        .map(|p| format!("${{{}}}", <&str>::from(p)))
        .collect();
    texts.extend(
        [
            "",
            "$$",
            "$$$",
            "$$$$",
            "$${x}",
            "$$${host}",
            "$${host}",
            "a$b",
            "{host}",
            "${host}}",
            "${}",
            "${ host}",
            "\n${host}\n",
            "é$",
        ]
        .map(String::from),
    );
    for text in texts {
        let parsed = Template::parse(&text);
        let object = with(user(), "spec.secret.template", json!({ "KEY": text }));
        let applied = try_create(&namespace, &object).await;
        assert_eq!(
            parsed.is_ok(),
            applied.is_ok(),
            "{text:?}: {parsed:?}, {applied:?}"
        );
    }
}

/// Our own objects in `examples/`, with the file that each is from.
fn examples() -> Vec<(PathBuf, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let objects = |file: PathBuf| {
        let objects: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(&file).unwrap()).unwrap();
        objects.into_iter().map(move |object| (file.clone(), object))
    };
    let ours = |(_, object): &(PathBuf, Value)| object["apiVersion"] == "gracekey.dev/v1alpha1";
    files.flat_map(objects).filter(ours).collect()
}

#[tokio::test]
async fn every_example_is_accepted() {
    let namespace = namespace().await;
    assert!(examples().len() > 2, "{:?}", examples());
    for (file, example) in examples() {
        let example = with(example, "metadata.namespace", json!(namespace.name));
        if let Err(status) = try_create(&namespace, &example).await {
            panic!("{}: {}", file.display(), status.message);
        }
    }
}

/// What the controller writes survives the schema: a field that it lacks would vanish without a word.
#[tokio::test]
async fn every_field_of_status_is_stored() {
    let namespace = namespace().await;
    apply(&namespace, &user()).await.unwrap();
    let time = "2026-11-23T05:55:25Z";
    let status = json!({
        "observedGeneration": 1,
        "conditions": [{ "type": "Ready", "status": "True", "reason": "Succeeded", "message": "The Secret holds a key that works.",
            "lastTransitionTime": time, "observedGeneration": 1 }],
        "userName": "gk-shop-billing-1f3a9c2e",
        "secretName": "billing",
        "binding": { "name": "billing" },
        "accessKeyId": "GK2",
        "previousKeyRevokeTime": time,
        "credentials": [
            { "id": "GK1", "accessKeyId": "GK1", "issueTime": time, "verifiedTime": time, "revokeTime": time },
            { "id": "GK2", "accessKeyId": "GK2", "issueTime": time },
        ],
        "abandonedCredentials": [{ "id": "GK0", "untilTime": time }],
        "rotation": { "lastHandledToken": "1", "handledTokens": ["1"], "lastRotationTime": time, "nextRotationTime": time },
        "intent": { "cause": "Rotate", "token": "2", "gracePeriod": "10m", "accessKeyId": "GK3", "before": ["GK1", "GK2"],
            "attempt": 1, "startTime": time },
    });
    let api: Api<ObjectUser> = namespace.api();
    let patch = json!({ "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser", "status": status });
    api.patch_status(
        "billing",
        &PatchParams::apply("test").validation_strict(),
        &Patch::Apply(&patch),
    )
    .await
    .unwrap();
    let stored = until(&api, "billing", "had a status", |user| user.status.is_some()).await;
    assert_eq!(serde_json::to_value(stored.status).unwrap(), status);
}
