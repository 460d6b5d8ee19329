//! Two replicas.

use crate::testbed::{
    Operator, Setup, World,
    world::{current, handled},
};
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::json;
use std::time::Duration;

/// A lease that was given back is taken long before it would have run out.
const HANDOVER: Duration = Duration::from_secs(5);

fn elect(world: &str, identity: &str) -> Vec<String> {
    let args = [
        "--leader-elect",
        "true",
        "--lease-namespace",
        world,
        "--identity",
        identity,
    ];
    args.map(str::to_owned).to_vec()
}

/// The lease is in the namespace of the operator.
async fn two_replicas() -> (World, Operator) {
    let mut world = World::without_store(Setup::default()).await;
    let name = world.home().name.clone();
    world.operator.stop().await;
    world.operator.launch_mut().args.extend(elect(&name, "first"));
    world.operator.restart().await;
    let leads = async || match world.operator.metric("leader_election_master_status", &[]).await {
        1 => Ok(()),
        _ => Err("it does not".to_owned()),
    };
    world.until("the first replica leads", leads).await;
    let args = elect(&name, "second");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let second = world.another_operator("second", &args).await;
    world.make_store("store", json!({})).await;
    world.until_store_ready("store").await;
    (world, second)
}

/// Who holds the lease by its own word.
async fn holder(world: &World) -> Option<String> {
    let lease = world.home().api::<Lease>().get("gracekey").await.unwrap();
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    holder.filter(|name| !name.is_empty())
}

#[tokio::test]
async fn a_leader_that_stops_gives_its_lease_back() {
    let (mut world, mut second) = two_replicas().await;
    world.ready_user("app", json!({})).await;
    assert_eq!(holder(&world).await.as_deref(), Some("first"));
    // The standby may take a lease that was given back within moments: it is held still while that is looked at.
    second.pause();
    world.operator.stop().await;
    let left = holder(&world).await;
    second.resume();
    assert_eq!(left, None, "the lease is still held by who has ended");
    second.stop().await;
    world.operator.restart().await;
    world.finish().await;
}

#[tokio::test]
async fn a_standby_leads_within_seconds_of_a_leader_that_stops() {
    let (mut world, mut second) = two_replicas().await;
    world.ready_user("app", json!({})).await;
    world.operator.stop().await;
    let leads = async || match second.metric("leader_election_master_status", &[]).await {
        1 => Ok(()),
        _ => Err("it does not".to_owned()),
    };
    world.until_within(HANDOVER, "the standby led", leads).await;
    second.stop().await;
    world.operator.restart().await;
    world.finish().await;
}

#[tokio::test]
async fn a_standby_takes_over_from_a_leader_that_stops() {
    let (mut world, mut second) = two_replicas().await;
    let before = world.ready_user("app", json!({})).await;
    assert_eq!(
        second.metric("controller_runtime_reconcile_total", &[]).await,
        0,
        "a standby does nothing"
    );
    let application = world.probe("app");
    world.operator.stop().await;
    world.rotate("app", "one").await;
    let after = world.until_rotated("app", "one").await;
    assert_ne!(current(&after), current(&before));
    application.assert_undisturbed();
    second.stop().await;
    world.operator.restart().await;
    world.finish().await;
}

#[tokio::test]
async fn a_leader_that_is_paused_beyond_its_lease_does_no_harm_when_it_wakes() {
    let (mut world, mut second) = two_replicas().await;
    world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "2s" } } }))
        .await;
    let application = world.probe("app");
    world.operator.pause();
    world.rotate("app", "one").await;
    // Fifteen seconds of the lease, and some.
    world
        .until_within(Duration::from_mins(1), "the second replica rotated", async || {
            let user = world.user("app").await;
            if handled(&user).contains(&"one".to_owned()) {
                Ok(())
            } else {
                Err("not handled".to_owned())
            }
        })
        .await;
    world.rotate("app", "two").await;
    world.operator.resume();
    let status = world.operator.ended(Duration::from_secs(20)).await;
    assert!(
        !status.success(),
        "who lost its lease ends, and says that it is no success"
    );
    world.until_rotated("app", "two").await;
    let after = world.until_revoked("app").await;
    assert_eq!(
        world.live_keys(&after).await.len(),
        1,
        "each token made one key, and one is left"
    );
    let rotations = world
        .events("app")
        .await
        .into_iter()
        .filter(|e| e == "CredentialsRotated")
        .count();
    assert!(rotations <= 2, "{rotations} rotations were told");
    application.assert_undisturbed();
    assert!(second.is_running());
    second.stop().await;
    world.operator.restart().await;
    world.finish().await;
}
