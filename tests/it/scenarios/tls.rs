//! A store behind TLS, trusted by a CA bundle that its owner keeps in a Secret.

use crate::testbed::{S3, Setup, TlsFront, World, cluster::object, world::current};
use gracekey::domain::condition;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

fn bundle(pem: &[u8]) -> Value {
    json!({ "data": { "bundle.pem": ByteString(pem.to_vec()) } })
}

/// A store behind this front, with these certificates in its bundle.
async fn make_store(world: &World, front: &TlsFront, pem: &[u8]) {
    let mut secret = bundle(pem);
    secret["metadata"] = json!({ "name": "trust" });
    let (secrets, new) = (world.secrets(), PostParams::default());
    secrets.create(&new, &object(secret)).await.unwrap();
    let spec = json!({
        "backend": { "ceph": { "endpoint": front.url() } },
        "s3": { "endpoint": front.url() },
        "tls": { "caBundleSecretRef": { "name": "trust", "key": "bundle.pem" } },
    });
    world.make_store("store", spec).await;
}

async fn replace_bundle(world: &World, pem: &[u8]) {
    let patch = Patch::Merge(bundle(pem));
    let params = PatchParams::default();
    world.secrets().patch("trust", &params, &patch).await.unwrap();
}

fn entry(secret: &Secret, key: &str) -> String {
    let data = secret.data.as_ref().unwrap();
    let value = data.get(key).unwrap_or_else(|| panic!("no {key} in the Secret"));
    String::from_utf8(value.0.clone()).unwrap()
}

/// What is in a Secret is enough to reach the store, for who trusts nothing else.
async fn assert_usable(world: &World, name: &str) {
    let secret = world.secret(name).await;
    let (endpoint, ca) = (entry(&secret, "AWS_ENDPOINT_URL_S3"), entry(&secret, "ca.crt"));
    let s3 = S3::trusting(&endpoint, "us-east-1", &world.pair(name).await, ca.as_bytes());
    s3.list_buckets().await.expect_success();
}

#[tokio::test]
async fn a_store_behind_tls_is_used_by_its_ca_bundle_and_applications_get_it_too() {
    let world = World::without_store(Setup::default()).await;
    let front = TlsFront::start(&world.gateway.endpoint).await;
    let other = TlsFront::start(&world.gateway.endpoint).await;
    // A key beside the certificate, as some tools write it, stays where it is.
    let with_key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n";
    make_store(
        &world,
        &front,
        &[front.ca.as_slice(), with_key.as_bytes()].concat(),
    )
    .await;
    world.until_store_ready("store").await;
    let template = json!({ "spec": { "secret": { "template": { "trust.pem": "${caBundle}" } } } });
    let before = world.ready_user("app", template).await;
    let secret = world.secret("app").await;
    let ca = String::from_utf8(front.ca.clone()).unwrap();
    assert_eq!(entry(&secret, "ca.crt"), ca);
    assert_eq!(entry(&secret, "trust.pem"), ca);
    assert_eq!(entry(&secret, "AWS_ENDPOINT_URL_S3"), front.url());
    assert_usable(&world, "app").await;

    // An authority is replaced by trusting both for a while.
    let both = [front.ca.as_slice(), &other.ca].concat();
    replace_bundle(&world, &both).await;
    let followed = async || {
        let ca = entry(&world.secret("app").await, "ca.crt");
        (ca.as_bytes() == both).then_some(()).ok_or(ca)
    };
    world.until("the Secret followed the bundle", followed).await;
    let after = world.until_settled("app").await;
    assert_eq!(
        current(&after),
        current(&before),
        "new trust is no reason for a new key"
    );
    assert_usable(&world, "app").await;
    world.finish().await;
}

#[tokio::test]
async fn a_store_whose_certificate_is_not_trusted_says_so_and_recovers_with_the_right_bundle() {
    let world = World::without_store(Setup::default()).await;
    let front = TlsFront::start(&world.gateway.endpoint).await;
    let stranger = TlsFront::start(&world.gateway.endpoint).await;
    make_store(&world, &front, &stranger.ca).await;
    let store = world.until_store("store", "BackendUnavailable").await;
    let conditions = store.status.unwrap().conditions;
    let ready = condition::find(&conditions, "Ready").unwrap();
    assert_eq!(ready.status, "False");
    for part in ["a certificate that is not trusted", "spec.tls"] {
        assert!(
            ready.message.contains(part),
            "it does not say {part:?}: {ready:?}"
        );
    }
    world.make_user("app", json!({})).await;
    world.until_reason("app", "BackendUnavailable").await;

    replace_bundle(&world, b"no certificate").await;
    let store = world.until_store("store", "CredentialsMissing").await;
    let conditions = store.status.unwrap().conditions;
    let ready = condition::find(&conditions, "Ready").unwrap();
    for part in ["trust", "`bundle.pem`", "PEM certificates"] {
        assert!(
            ready.message.contains(part),
            "it does not say {part:?}: {ready:?}"
        );
    }

    replace_bundle(&world, &front.ca).await;
    world.until_store_ready("store").await;
    world.until_settled("app").await;
    assert_usable(&world, "app").await;
    world.finish().await;
}
