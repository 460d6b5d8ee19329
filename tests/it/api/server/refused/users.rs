//! Users that are refused.

use super::{Refusal, all, assert_refused, each, too_long, try_create, user, with};
use crate::testbed::cluster::namespace;
use serde_json::{Value, json};

#[tokio::test]
async fn a_malformed_negative_or_unreasonable_duration_is_refused() {
    let namespace = namespace().await;
    let malformed = [
        "",
        "0",
        "24",
        "-5s",
        "+5s",
        "--5s",
        "1.5h",
        "1d",
        "90d",
        "1 day",
        "24 h",
        " 24h",
        "24h ",
        "24H",
        "1us",
        "100000s",
        "1h1h1h1h1h",
        "9999999999999999999999h",
        "PT24H",
    ]
    .map(Value::from);
    let form = "must be a duration such as '24h' or '1h30m'";
    let far = |text: &str| json!(text);
    let refusals = all([
        each("spec.rotation.gracePeriod", &malformed, form),
        each("spec.rotation.interval", &malformed, form),
        each(
            "spec.rotation.gracePeriod",
            &[far("2161h"), far("2160h1ms"), far("99999h99999h99999h99999h")],
            "must be from 0s to 2160h",
        ),
        each(
            "spec.rotation.interval",
            &[far("0s"), far("59s"), far("8761h")],
            "must be from 1m to 8760h",
        ),
        each(
            "spec.rotation",
            &[
                json!({ "interval": "24h" }),
                json!({ "interval": "1h" }),
                json!({ "interval": "60m", "gracePeriod": "1h" }),
                json!({ "interval": "1h", "gracePeriod": "61m" }),
            ],
            "`interval` must be longer than `gracePeriod`",
        ),
        each(
            "spec.rotation.gracePeriod",
            &[json!(24), json!({})],
            "must be of type string",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_one_is_refused() {
    let namespace = namespace().await;
    let refusals = all([
        each(
            "spec.secret.name",
            &[
                json!("Billing"),
                json!("a_b"),
                json!("a/b"),
                json!("-a"),
                json!("a-"),
                json!("a..b"),
                json!(" a"),
            ],
            "must be a name that a Secret can have",
        ),
        each("spec.secret.name", &[too_long(253)], "may not be more than 253"),
        each(
            "spec.userName",
            &[
                json!("a b"),
                json!("a$b"),
                json!("a/b"),
                json!(".a"),
                json!("-a"),
                json!("é"),
                json!("a\n"),
                json!("a:b"),
            ],
            "must have letters, digits, '.', '_' and '-' only, and start with a letter or digit",
        ),
        each(
            "spec.userName",
            &[json!("gk-shop-billing-1f3a9c2e"), json!("GK-a")],
            "must not begin with 'gk-'",
        ),
        each("spec.userName", &[json!("")], "at least 1 chars long"),
        each("spec.userName", &[too_long(64)], "may not be more than 64"),
        each(
            "spec.objectStoreRef.name",
            &[json!("Prod"), json!("a/b")],
            "must be a name that an ObjectStore can have",
        ),
        each(
            "spec.objectStoreRef.namespace",
            &[json!("a.b"), json!("A")],
            "must be a name that a Namespace can have",
        ),
        each(
            "spec.objectStoreRef.name",
            &[Value::Null],
            "spec.objectStoreRef.name: Required value",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn a_label_that_is_too_long_or_not_a_line_is_refused() {
    let namespace = namespace().await;
    let refusals = all([
        each(
            "spec.label",
            &[json!("a".repeat(129))],
            "may not be more than 128",
        ),
        each("spec.label", &[json!("")], "at least 1 chars long"),
        each(
            "spec.label",
            &[
                json!("a\nb"),
                json!("a\tb"),
                json!("a\u{0}b"),
                json!("a\u{7f}"),
                json!("a\u{85}b"),
                json!("\u{1b}[31m"),
            ],
            "must not have control characters such as line breaks or tabs",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn a_template_with_an_unknown_placeholder_or_a_key_that_cannot_be_one_is_refused() {
    let namespace = namespace().await;
    let texts = [
        "$",
        "5$",
        "$x",
        "${",
        "${accessKeyId",
        "${nope}",
        "${HOST}",
        "${host }",
        "$${host",
        "${host}$",
        "line\n${nope}",
    ]
    .map(|text| json!({ "KEY": text }));
    let texts: Vec<Value> = texts.into_iter().filter(|t| t["KEY"] != "$${host").collect();
    let keys = ["a b", "a/b", "", "é", "..", "..a"].map(|key| json!({ key: "x" }));
    let written = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_S3",
        "S3_ADDRESSING_STYLE",
        "ca.crt",
    ]
    .map(|key| json!({ key: "x", "OTHER": "x" }));
    let many: serde_json::Map<_, _> = (0..33).map(|n| (format!("KEY_{n}"), json!("x"))).collect();
    let refusals = all([
        each(
            "spec.secret.template",
            &texts,
            "each '$' must begin one of the placeholders ${accessKeyId}",
        ),
        each(
            "spec.secret.template",
            &keys,
            "each key must be one that a Secret can have",
        ),
        each(
            "spec.secret.template",
            &[json!({ ("a".repeat(254)): "x" })],
            "each key must be one that a Secret can have",
        ),
        each(
            "spec.secret.template",
            &[json!({ "KEY": "a".repeat(4097) })],
            "may not be more than 4096",
        ),
        each(
            "spec.secret.template",
            &[json!(many)],
            "must have at most 32 items",
        ),
        each(
            "spec.secret.template",
            &written,
            "`template` must not have keys that the format writes",
        ),
        each(
            "spec.secret.format",
            &[json!("AwsEnv")],
            "supported values: \"AWSEnv\"",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn metadata_that_would_address_other_controllers_is_refused() {
    let namespace = namespace().await;
    let keys = [
        "kubernetes.io/x",
        "app.kubernetes.io/instance",
        "node.kubernetes.io/x",
        "k8s.io/x",
        "x.k8s.io/x",
        "kubectl.kubernetes.io/x",
        "argocd.argoproj.io/secret-type",
        "argocd.argoproj.io/tracking-id",
        "kustomize.toolkit.fluxcd.io/name",
        "fluxcd.io/x",
        "helm.sh/chart",
        "meta.helm.sh/release-name",
        "gracekey.dev/managed",
        "gracekey.dev/rotate",
        "x.gracekey.dev/y",
    ]
    .map(|key| json!({ key: "x" }));
    let malformed = ["", "a b", "/a", "a/", "a/b/c", "-a", "É"].map(|key| json!({ key: "x" }));
    let long = json!({ "a": "x".repeat(4097) });
    let refusals = all([
        each(
            "spec.secret.metadata.labels",
            &keys,
            "keys must not have a prefix of Kubernetes, GitOps tools or Gracekey",
        ),
        each(
            "spec.secret.metadata.annotations",
            &keys,
            "keys must not have a prefix of Kubernetes, GitOps tools or Gracekey",
        ),
        each(
            "spec.secret.metadata.labels",
            &malformed,
            "each key must be a name of at most 63 letters",
        ),
        each(
            "spec.secret.metadata.annotations",
            &malformed,
            "each key must be a name of at most 63 letters",
        ),
        each(
            "spec.secret.metadata.labels",
            &[json!({ "a": "b c" }), json!({ "a": "-" })],
            "each value must have at most 63 letters",
        ),
        each(
            "spec.secret.metadata.labels",
            &[json!({ "a": "x".repeat(64) })],
            "may not be more than 63",
        ),
        each(
            "spec.secret.metadata.annotations",
            &[long],
            "may not be more than 4096",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn an_unknown_field_or_choice_is_refused() {
    let namespace = namespace().await;
    let undeclared = "strict decoding error: unknown field";
    let refusals = vec![
        Refusal("spec.gracePeriod", json!("24h"), undeclared),
        Refusal("spec.rotation.grace", json!("24h"), undeclared),
        Refusal("spec.secret.type", json!("Opaque"), undeclared),
        Refusal("spec.objectStoreRef.kind", json!("ObjectStore"), undeclared),
        Refusal(
            "spec.deletionPolicy",
            json!("Orphan"),
            "supported values: \"Delete\", \"Retain\"",
        ),
        Refusal(
            "spec.rotation.onKeyLimit",
            json!("Revoke"),
            "supported values: \"Wait\", \"RevokeOldest\"",
        ),
        Refusal(
            "spec.secret.adoptionPolicy",
            json!("Sometimes"),
            "supported values: \"Never\", \"IfOwned\", \"Always\"",
        ),
        Refusal("spec.locked", json!("yes"), "must be of type boolean"),
        Refusal("spec.locked", json!("true"), "must be of type boolean"),
    ];
    assert_refused(&namespace, &user(), refusals).await;
}

/// Whoever applies only some of the fields is not told about others.
#[tokio::test]
async fn one_mistake_yields_one_complaint_about_a_rule() {
    let namespace = namespace().await;
    let bad = with(user(), "spec.rotation.gracePeriod", json!("90d"));
    let status = try_create(&namespace, &bad).await.unwrap_err();
    assert_eq!(status.code, 422, "{}", status.message);
    assert!(
        !status.message.contains("evaluation error") && !status.message.contains("must be from"),
        "{}",
        status.message
    );
}

#[tokio::test]
async fn access_to_what_cannot_be_a_bucket_is_refused() {
    let namespace = namespace().await;
    let bucket = |name: &str| json!([{ "name": name }]);
    let many: Vec<Value> = (0..65)
        .map(|n| json!({ "name": format!("bucket-{n}") }))
        .collect();
    let names = [
        "Upper",
        "a_b",
        "-ab",
        "ab-",
        ".ab",
        "a..b",
        "a/b",
        "a b",
        "192.168.1.1",
        "a%2f",
        "\u{fc}ber",
    ];
    let refusals = all([
        each(
            "spec.access.buckets",
            &names.map(bucket),
            "must be a name that a bucket can have",
        ),
        each(
            "spec.access.buckets",
            &[bucket("gracekey-0123456789abcdef0123456789abcdef")],
            "opens a bucket to a namespace, and is none to be asked for",
        ),
        each("spec.access.buckets", &[bucket("ab")], "at least 3 chars long"),
        each(
            "spec.access.buckets",
            &[bucket(&"a".repeat(64))],
            "may not be more than 63",
        ),
        each(
            "spec.access.buckets",
            &[json!(many)],
            "must have at most 64 items",
        ),
        each(
            "spec.access.buckets",
            &[json!([{ "name": "abc" }, { "name": "abc", "permission": "ReadOnly" }])],
            "Duplicate value",
        ),
        each(
            "spec.access.buckets",
            &[json!([{ "name": "abc", "permission": "Read" }])],
            "supported values: \"ReadOnly\", \"WriteOnly\", \"ReadWrite\"",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}

#[tokio::test]
async fn a_quota_that_is_no_amount_or_out_of_bounds_is_refused() {
    let namespace = namespace().await;
    let refusals = all([
        each(
            "spec.quota.maxBytes",
            &[
                json!(""),
                json!("-1"),
                json!(-1),
                json!("1g"),
                json!("1K"),
                json!("1.5"),
                json!("1e3"),
                json!("100m"),
                json!("1 G"),
                json!("1.2345G"),
            ],
            "must be a number of bytes, or one with a suffix such as '10G' or '512Mi'",
        ),
        each(
            "spec.quota.maxBytes",
            &[
                json!(0),
                json!("0"),
                json!("0G"),
                json!("1025Pi"),
                json!("999999999999Pi"),
            ],
            "must be from 1 to 1024Pi",
        ),
        each(
            "spec.quota.maxObjects",
            &[json!(0), json!(-1)],
            "greater than or equal to 1",
        ),
        each(
            "spec.quota.maxObjects",
            &[json!(1_000_000_000_001_i64)],
            "less than or equal to 1000000000000",
        ),
        each(
            "spec.quota.maxBuckets",
            &[json!(-1)],
            "greater than or equal to 0",
        ),
        each(
            "spec.quota.maxBuckets",
            &[json!(1_000_001)],
            "less than or equal to 1000000",
        ),
    ]);
    assert_refused(&namespace, &user(), refusals).await;
}
