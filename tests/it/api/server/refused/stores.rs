//! Stores that are refused.

use super::{Refusal, all, assert_refused, each, store, too_long, with};
use crate::testbed::cluster::namespace;
use serde_json::{Value, json};

#[tokio::test]
async fn a_store_without_a_backend_or_with_an_unknown_one_is_refused() {
    let namespace = namespace().await;
    let ceph = store()["spec"]["backend"]["ceph"].clone();
    let refusals = vec![
        Refusal(
            "spec.backend",
            json!({}),
            "exactly one backend must be set, such as `ceph`",
        ),
        Refusal("spec.backend", Value::Null, "spec.backend: Required value"),
        Refusal(
            "spec.backend.ceph",
            Value::Null,
            "exactly one backend must be set, such as `ceph`",
        ),
        Refusal(
            "spec.backend",
            json!({ "ceph": ceph, "tape": ceph }),
            "strict decoding error: unknown field",
        ),
        Refusal(
            "spec.backend.ceph.endpoint",
            Value::Null,
            "endpoint: Required value",
        ),
        Refusal(
            "spec.backend.ceph.credentialsSecretRef",
            Value::Null,
            "credentialsSecretRef: Required value",
        ),
        Refusal(
            "spec.s3",
            Value::Null,
            "`s3` must be set: applications of this kind of backend need its S3 endpoint",
        ),
    ];
    assert_refused(&namespace, &store(), refusals).await;
}

fn uptrends() -> Value {
    let backend = json!({ "uptrends": { "credentialsSecretRef": { "name": "uptrends-admin" } } });
    let store = with(store(), "spec.s3", Value::Null);
    with(store, "spec.backend", backend)
}

#[tokio::test]
async fn a_store_of_what_is_no_storage_has_no_s3_and_only_guids() {
    let namespace = namespace().await;
    let guid = "spec.backend.uptrends.operatorGuid";
    let refusals = all([
        each(
            "spec.s3",
            &[json!({ "endpoint": "https://s3.example" })],
            "`s3` must not be set: the keys of this kind of backend are user names and passwords",
        ),
        each(
            guid,
            &[
                json!("0f8fad5b-d9cb-469f-a165-70867728950g"),
                json!("0f8fad5bd9cb-469f-a165-70867728950e1"),
            ],
            "must be a GUID such as",
        ),
        each(guid, &[json!("0f8fad5b"), json!("")], "at least 36 chars long"),
        each(
            "spec.backend.uptrends.endpoint",
            &[json!("https://api.uptrends.com/v4")],
            "must be 'http://' or 'https://', a host",
        ),
        each(
            "spec.backend.uptrends.credentialsSecretRef",
            &[Value::Null],
            "credentialsSecretRef: Required value",
        ),
    ]);
    assert_refused(&namespace, &uptrends(), refusals).await;
}

#[tokio::test]
async fn a_store_on_ecs_without_what_it_needs_is_refused() {
    let namespace = namespace().await;
    let ceph = store()["spec"]["backend"]["ceph"].clone();
    let ecs = json!({
        "endpoint": "https://ecs.example:4443",
        "credentialsSecretRef": { "name": "ecs-admin" },
        "namespace": "shop",
    });
    let refusals = vec![
        Refusal(
            "spec.backend",
            json!({ "ceph": ceph, "ecs": ecs }),
            "exactly one backend must be set, such as `ceph`",
        ),
        Refusal(
            "spec.backend.ecs.namespace",
            Value::Null,
            "namespace: Required value",
        ),
        Refusal(
            "spec.backend.ecs.namespace",
            json!("../x"),
            "must be a name that an ECS namespace can have",
        ),
        Refusal(
            "spec.s3",
            Value::Null,
            "`s3` must be set: applications of this kind of backend need its S3 endpoint",
        ),
    ];
    let store = with(store(), "spec.backend", json!({ "ecs": ecs }));
    assert_refused(&namespace, &store, refusals).await;
}

#[tokio::test]
async fn a_name_that_nothing_on_the_backend_can_have_is_refused_in_words() {
    let namespace = namespace().await;
    let store_on = |backend: Value| with(store(), "spec.backend", backend);
    let (endpoint, admin) = ("https://s.example", json!({ "name": "admin" }));
    let ontap = json!({ "ontap": { "endpoint": endpoint, "credentialsSecretRef": admin, "svm": "vs1" } });
    let names = ["vs 1", "vs/1", "vs1?x=y", "vs1\n"].map(Value::from);
    let refusals = each("spec.backend.ontap.svm", &names, "as names of storage VMs do");
    assert_refused(&namespace, &store_on(ontap), refusals).await;
    let minio = json!({ "minio": { "endpoint": endpoint, "credentialsSecretRef": admin } });
    let lists = [
        json!(["read only"]),
        json!(["readwrite", "a,b"]),
        json!(["\u{e4}"]),
    ];
    let refusals = each("spec.backend.minio.policies", &lists, "must be names of policies");
    assert_refused(&namespace, &store_on(minio), refusals).await;
}

#[tokio::test]
async fn a_store_on_keystone_without_what_it_needs_is_refused() {
    let namespace = namespace().await;
    let keystone = json!({
        "endpoint": "https://cloud.example/identity/v3",
        "credentialsSecretRef": { "name": "keystone-admin" },
        "projectName": "shop",
    });
    let (endpoint, project, role) = (
        "spec.backend.keystone.endpoint",
        "spec.backend.keystone.projectName",
        "spec.backend.keystone.role",
    );
    let admins = "must not be 'admin', 'manager' or 'service'";
    let address = "must be 'http://' or 'https://', a host, optionally ':' and a port";
    let refusals = vec![
        Refusal(project, Value::Null, "projectName: Required value"),
        Refusal(project, json!("a\nb"), "must not have control characters"),
        Refusal(role, json!("Admin"), admins),
        Refusal(role, json!("service"), admins),
        Refusal(endpoint, json!("https://cloud.example/a b"), address),
        Refusal(endpoint, json!("https://cloud.example/../v3"), address),
        Refusal(endpoint, json!("https://cloud.example/v3?x=1"), address),
        Refusal(endpoint, json!("cloud.example/v3"), address),
    ];
    let store = with(store(), "spec.backend", json!({ "keystone": keystone }));
    assert_refused(&namespace, &store, refusals).await;
}

#[tokio::test]
async fn an_endpoint_that_is_more_or_less_than_a_server_is_refused() {
    let namespace = namespace().await;
    let bad = [
        "",
        " ",
        "s3.example",
        "//s3.example",
        "ftp://s3.example",
        "HTTPS://s3.example",
        "https://",
        "https:///",
        "https://:443",
        "https://s3.example/",
        "https://s3.example/path",
        "https://s3.example?x=1",
        "https://s3.example#x",
        "https://me@s3.example",
        "https://me:pw@s3.example",
        "https://s3.example:0",
        "https://s3.example:65536",
        "https://s3.example:99999",
        "https://s3.example:",
        "https://s3.example:x",
        " https://s3.example",
        "https://s3.example ",
        "https://s3.example\n",
        "https://s3 .example",
        "https://s3.example\\@evil.example",
        "https://[::1",
        "https://-x",
        "https://s3.example:443:443",
    ]
    .map(Value::from);
    let message = "must be 'http://' or 'https://', a host, and optionally ':' and a port from 1 to 65535";
    let lists: Vec<Value> = bad.iter().map(|bad| json!(["https://ok.example", bad])).collect();
    let long = json!(format!("https://{}.example", "a".repeat(2048)));
    let refusals = all([
        each("spec.s3.endpoint", &bad[1..], message),
        each("spec.backend.ceph.endpoint", &bad[1..], message),
        each("spec.s3.verifyEndpoints", &lists, message),
        each("spec.s3.endpoint", &bad[..1], "at least 1 chars long"),
        each("spec.s3.endpoint", &[long], "may not be more than 2048 bytes"),
        each(
            "spec.s3.verifyEndpoints",
            &[json!(["https://a.example", "https://a.example"])],
            "Duplicate value",
        ),
    ]);
    assert_refused(&namespace, &store(), refusals).await;
}

#[tokio::test]
async fn numbers_and_texts_of_a_store_are_held_to_their_bounds() {
    let namespace = namespace().await;
    let refusals = all([
        each(
            "spec.s3.region",
            &[json!("us east"), json!("-x"), json!("a/b")],
            "must have letters, digits, '.', '_' and '-' only",
        ),
        each("spec.s3.region", &[too_long(64)], "may not be more than 64"),
        each(
            "spec.s3.addressingStyle",
            &[json!("path")],
            "supported values: \"Path\", \"Virtual\"",
        ),
        each(
            "spec.limits.concurrency",
            &[json!(0), json!(-1)],
            "greater than or equal to 1",
        ),
        each(
            "spec.limits.concurrency",
            &[json!(65)],
            "less than or equal to 64",
        ),
        each(
            "spec.limits.requestsPerSecond",
            &[json!(-1)],
            "greater than or equal to 0",
        ),
        each(
            "spec.limits.requestsPerSecond",
            &[json!(10001)],
            "less than or equal to 10000",
        ),
        each(
            "spec.initialUser.label",
            &[too_long(128)],
            "may not be more than 128",
        ),
        each(
            "spec.initialUser.label",
            &[json!("a\nb")],
            "must not have control characters",
        ),
    ]);
    assert_refused(&namespace, &store(), refusals).await;
}

#[tokio::test]
async fn what_a_store_refers_to_must_be_able_to_exist() {
    let namespace = namespace().await;
    let refusals = all([
        each(
            "spec.allowedNamespaces.from",
            &[json!("Any")],
            "supported values: \"Same\", \"All\", \"Selector\"",
        ),
        each(
            "spec.allowedNamespaces.from",
            &[json!("Selector")],
            "`selector` must be set if `from` is 'Selector', and only then",
        ),
        each(
            "spec.allowedNamespaces.selector",
            &[json!({})],
            "`selector` must be set if `from` is 'Selector', and only then",
        ),
        each(
            "spec.allowedNamespaces",
            &[
                json!({ "from": "Selector", "selector": { "matchExpressions": [{ "key": "a", "operator": "In" }] } }),
                json!({ "from": "Selector", "selector": { "matchExpressions": [{ "key": "a", "operator": "Exists", "values": ["b"] }] } }),
            ],
            "`values` must be set for the operators 'In' and 'NotIn', and for no other",
        ),
        each(
            "spec.tls.caBundleSecretRef",
            &[
                json!({ "name": "ca", "key": "a b" }),
                json!({ "name": "ca", "key": ".." }),
            ],
            "must be a key that a Secret can have",
        ),
        each(
            "spec.backend.ceph.credentialsSecretRef.name",
            &[json!("Admin"), json!("a_b"), json!("-a"), json!("a/b")],
            "must be a name that a Secret can have",
        ),
        each(
            "metadata.name",
            &[json!("a".repeat(56))],
            "`metadata.name` must have at most 55 characters",
        ),
    ]);
    assert_refused(&namespace, &store(), refusals).await;
}
