//! A gateway that takes connections and hangs up, or takes them and never answers: its users stay as they are, users of
//! other stores are served, and the operator can be stopped.

use super::{
    fleet::{assert_exact, until_all},
    gateway::OwnGateway,
};
use crate::testbed::{
    Fault, World,
    world::{Setup, handled, is_settled, reason},
};
use gracekey::domain::condition;
use kube::{ResourceExt, api::ListParams};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// More than the operator has workers.
const USERS: usize = 40;
/// How many calls to one store are under way at once.
const UNDER_WAY: usize = 8;
/// How long users of another store may wait on a busy machine.
const SERVED: Duration = Duration::from_secs(12);
const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_gateway_that_hangs_holds_up_no_other_store_and_no_stop() {
    let gateway = OwnGateway::start().await;
    let mut world = World::start().await;
    gateway.make_store(&world, "hanging").await;
    for number in 0..USERS {
        let there = json!({ "spec": { "objectStoreRef": { "name": "hanging" } } });
        world.make_user(&format!("u{number}"), there).await;
    }
    until_all(&world, LIMIT, "all users were made", is_settled).await;

    gateway.hang();
    for number in 0..USERS {
        world.rotate(&format!("u{number}"), "one").await;
    }
    until_met(&world).await;
    let first = served(&world, "first").await;
    let begun = Instant::now();
    world.operator.stop().await;
    let stop = begun.elapsed();
    // After a start, all of its users are looked at again.
    world.operator.restart().await;
    let second = served(&world, "second").await;
    let begun = Instant::now();
    world.operator.stop().await;
    println!(
        "hangs: others served after {first:?} and {second:?}, stops took {stop:?} and {:?}",
        begun.elapsed()
    );
    for number in 0..USERS {
        let user = world.user(&format!("u{number}")).await;
        let conditions = user.status.clone().unwrap_or_default().conditions;
        assert!(condition::is_true(&conditions, "Ready"), "{conditions:?}");
    }

    world.operator.restart().await;
    gateway.wake();
    let rotated =
        |user: &_| is_settled(user) && handled(user).iter().any(|token| token == "one") || is_other(user);
    until_all(&world, LIMIT, "all keys were rotated", rotated).await;
    // Each store has its own admin: compare where the users are.
    world.delete_user("first").await;
    world.delete_user("second").await;
    world.until_user_gone("first").await;
    world.until_user_gone("second").await;
    assert_exact(&world, &gateway.admin(), gateway.endpoint()).await;
    world.finish().await;
}

/// Waits until every worker has met the gateway that hangs: whoever finds no turn for a call says so.
async fn until_met(world: &World) {
    let told = async || {
        let users = world.users().list(&ListParams::default()).await;
        let users = users.map_err(|e| e.to_string())?.items;
        let met = |user: &&_| reason(user, "Synced") == "BackendUnavailable";
        match users.iter().filter(met).count() {
            told if told + UNDER_WAY >= USERS => Ok(()),
            told => Err(format!("{told} users say so")),
        }
    };
    let what = "the users of the gateway said that it does not answer";
    world.until_within(LIMIT, what, told).await;
}

fn is_other(user: &gracekey::api::v1alpha1::ObjectUser) -> bool {
    user.spec.object_store_ref.name == "store"
}

/// How long a user of the other store waits for its key.
async fn served(world: &World, name: &str) -> Duration {
    let begun = Instant::now();
    world.make_user(name, json!({})).await;
    let users = world.users();
    let settled = async || {
        let user = users.get(name).await.map_err(|e| e.to_string())?;
        if is_settled(&user) {
            Ok(())
        } else {
            Err("it is not settled".to_owned())
        }
    };
    let what = format!("{name}, of another store, was served");
    world.until_within(SERVED, &what, settled).await;
    begun.elapsed()
}

/// Waits until users were looked at so many times since the operator started.
async fn until_looked(world: &World, times: u64) {
    let looked = async || {
        let labels = ["controller=\"objectuser\"", "result=\"success\""];
        match world
            .operator
            .metric("controller_runtime_reconcile_total", &labels)
            .await
        {
            looks if looks >= times => Ok(()),
            looks => Err(format!("{looks} looks were taken")),
        }
    };
    world.until("users were looked at again and again", looked).await;
}

#[tokio::test]
async fn a_gateway_that_hangs_up_changes_nothing_and_all_is_done_after() {
    let setup = Setup {
        proxy_gateway: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    let direct = json!({
        "backend": { "ceph": { "endpoint": world.gateway.endpoint } },
        "s3": { "endpoint": world.gateway.endpoint },
    });
    world.make_store("direct", direct).await;
    let user = world.ready_user("app", json!({})).await;
    let secret = world.secret("app").await;
    let application = world.probe("app");

    world
        .gateway_proxy
        .as_ref()
        .unwrap()
        .always(|_| true, Fault::CutBefore);
    world.rotate("app", "one").await;
    let told = |user: &_| reason(user, "Synced") == "BackendUnavailable";
    let troubled = world
        .until_user("app", "says that the store does not answer", told)
        .await;
    assert_eq!(
        reason(&troubled, "Ready"),
        reason(&user, "Ready"),
        "the key is as good as it was"
    );
    world
        .make_user(
            "other",
            json!({ "spec": { "objectStoreRef": { "name": "direct" } } }),
        )
        .await;
    world.until_settled("other").await;
    world.operator.stop().await;
    world.operator.restart().await;
    until_looked(&world, 4).await;
    let after = world.user("app").await;
    assert_eq!(
        reason(&after, "Synced"),
        "BackendUnavailable",
        "also after a restart"
    );
    assert_eq!(
        world.secret("app").await.resource_version(),
        secret.resource_version()
    );

    world.gateway_proxy.as_ref().unwrap().heal();
    world.until_rotated("app", "one").await;
    application.assert_undisturbed();
    world.finish().await;
}
