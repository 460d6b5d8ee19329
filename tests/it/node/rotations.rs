//! Rotations as an application sees them.

use super::node;
use crate::testbed::wait::until;
use std::time::Duration;

/// The grace period of these tests. The kubelet of the test bed looks at Secrets every 10 s.
const GRACE: &str = "60s";
/// The grace period, and the five seconds that a revocation may take.
const REVOKED_WITHIN: Duration = Duration::from_secs(66);
const ROTATIONS: usize = 3;

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
        let s3 = node.s3(old);
        let refused = until(REVOKED_WITHIN, async || match s3.list_buckets().await.status {
            403 => Ok(()),
            status => Err(format!("the old key {} is answered {status}", old.access_key_id)),
        });
        refused.await.unwrap();
    }
    node.s3(&keys[ROTATIONS]).list_buckets().await.expect_success();
    let logs = node.logs(&namespace).await;
    println!("{}", logs.lines().last().unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_env_from_sees_no_refused_request_when_it_restarts_within_the_grace_period() {
    let Some(node) = node().await else { return };
    let (namespace, object) = node.make_user("environment", GRACE).await;
    node.deploy_reader(&namespace, &object, false).await;
    let old = node.published_after(&namespace, "").await;
    node.reader_uses(&namespace, &old).await;
    let new = node.rotate(&namespace, "token", &old).await;
    node.restart_reader(&namespace, "once").await;
    node.reader_uses(&namespace, &new).await;
    let s3 = node.s3(&old);
    let refused = until(REVOKED_WITHIN, async || match s3.list_buckets().await.status {
        403 => Ok(()),
        status => Err(format!("the old key is answered {status}")),
    });
    refused.await.unwrap();
    let logs = node.logs(&namespace).await;
    println!("{}", logs.lines().last().unwrap_or_default());
}
