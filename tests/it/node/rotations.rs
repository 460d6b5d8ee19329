//! Rotations as an application sees them.

use super::{node, pods::Node, readers::assert_served};
use crate::testbed::{wait::until, world::retiring};
use gracekey::{
    api::v1alpha1::ObjectUser,
    backend::KeyPair,
    clock::{Clock as _, SystemClock},
};
use kube::Api;
use std::time::Duration;

/// The grace period of these tests. The kubelet of the test bed looks at Secrets every 10 s.
const GRACE: &str = "60s";
/// The grace period, and the five seconds that a revocation may take.
const REVOKED_WITHIN: Duration = Duration::from_secs(66);
const ROTATIONS: usize = 3;

async fn until_refused(node: &Node, old: &KeyPair) {
    let s3 = node.s3(old);
    let refused = until(REVOKED_WITHIN, async || match s3.list_buckets().await.status {
        403 => Ok(()),
        status => Err(format!("the old key {} is answered {status}", old.access_key_id)),
    });
    refused.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_mounts_the_secret_sees_no_refused_request_through_three_rotations() {
    let Some(node) = node().await else { return };
    let (namespace, object) = node.make_user("mounted", GRACE).await;
    node.deploy_reader(&namespace, &object, true).await;
    let mut keys = vec![node.published_after(&namespace, "").await];
    for n in 0..ROTATIONS {
        let new = node.rotate(&namespace, &format!("token-{n}"), &keys[n]).await;
        node.reader_uses(&namespace, &new).await;
        keys.push(new);
    }
    for old in &keys[..ROTATIONS] {
        until_refused(node, old).await;
    }
    node.s3(&keys[ROTATIONS]).list_buckets().await.expect_success();
    let reads = node.assert_reader_served(&namespace).await;
    node.assert_operator_discreet(&keys).await;
    println!("mounted: {reads} reads through {ROTATIONS} rotations, none refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_env_from_sees_no_refused_request_when_it_restarts_within_the_grace_period() {
    let Some(node) = node().await else { return };
    let (namespace, object) = node.make_user("environment", GRACE).await;
    node.deploy_reader(&namespace, &object, false).await;
    let old = node.published_after(&namespace, "").await;
    node.reader_uses(&namespace, &old).await;
    let before = node.follow_reader(&namespace).await;
    let new = node.rotate(&namespace, "token", &old).await;
    node.restart_reader(&namespace, "once").await;
    let before = assert_served(&before.until_it_ends().await);
    let left = node.left_of_grace(&namespace, &old).await;
    assert!(
        left > Duration::ZERO,
        "the restart took longer than the grace period"
    );
    node.reader_uses(&namespace, &new).await;
    until_refused(node, &old).await;
    let after = node.assert_reader_served(&namespace).await;
    node.assert_operator_discreet(&[old, new]).await;
    println!(
        "environment: {before} reads before the restart, {after} after, none refused; {left:?} of the grace period were left"
    );
}

impl Node {
    /// How long this old key is still to be valid.
    async fn left_of_grace(&self, namespace: &str, old: &KeyPair) -> Duration {
        let users = Api::<ObjectUser>::namespaced(self.client().await, namespace);
        let ends = retiring(&users.get("app").await.unwrap());
        let end = ends.get(old.id.as_str()).expect("its grace period is not over");
        Duration::try_from(end.duration_since(SystemClock.now())).unwrap_or_default()
    }
}
