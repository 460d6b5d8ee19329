//! A gateway that is stopped for a minute in the middle of rotations.

use super::{
    fleet::{Applications, assert_exact, until_all},
    gateway::OwnGateway,
};
use crate::testbed::{
    S3, World, wait,
    world::{Setup, current, handled, is_settled, reason, retiring},
};
use gracekey::{
    clock::{Clock as _, SystemClock},
    domain::condition,
};
use http::Method;
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::ListParams};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

const USERS: usize = 12;
const OUTAGE: Duration = Duration::from_mins(1);
/// How soon after the return a key goes whose time came during the outage.
const OVERDUE: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(45);

#[tokio::test]
async fn an_outage_in_the_middle_of_rotations_changes_no_secret_and_all_is_done_after() {
    let mut gateway = OwnGateway::start().await;
    let world = World::without_store(Setup::default()).await;
    gateway.make_store(&world, "store").await;
    let endpoint = gateway.endpoint().to_owned();
    for number in 0..USERS {
        world.make_user(&format!("u{number}"), json!({})).await;
    }
    until_all(&world, LIMIT, "all users were made", is_settled).await;
    // The time of this one's old key comes during the outage.
    let old = world.pair("u0").await;
    let soon = json!({ "gracekey.dev/rotate": "early", "gracekey.dev/rotate-grace-period": "10s" });
    world
        .patch_user("u0", json!({ "metadata": { "annotations": soon } }))
        .await;
    world.until_rotated("u0", "early").await;

    for number in 1..USERS {
        world.rotate(&format!("u{number}"), "one").await;
    }
    gateway.stop().await;
    let stopped = Instant::now();
    // What was under way when the gateway went is reported; from then on, nothing may change.
    sleep(Duration::from_secs(3)).await;
    let before = secrets(&world).await;
    for number in 1..USERS / 2 {
        world.rotate(&format!("u{number}"), "two").await;
    }
    conditions_say_why(&world).await;
    sleep(OUTAGE.saturating_sub(stopped.elapsed())).await;
    assert_eq!(
        secrets(&world).await,
        before,
        "a Secret changed during the outage"
    );
    conditions_say_why(&world).await;

    let back = start_again(&mut gateway).await;
    let dead = async || match S3::new(&endpoint, "us-east-1", &old).list_buckets().await.status {
        403 => Ok(()),
        status => Err(format!("the old key of u0 is answered by {status}")),
    };
    let gone = wait::until(OVERDUE, dead).await;
    let late = back.elapsed();
    assert!(gone.is_ok(), "{gone:?}\n{}", world.state().await);

    let applications = Applications::start(&world, &endpoint);
    for number in 1..USERS {
        let token = if number < USERS / 2 { "two" } else { "one" };
        world.until_rotated(&format!("u{number}"), token).await;
    }
    println!(
        "outage: {OUTAGE:?}, an overdue key went {late:?} after the return, all done {:?} after",
        back.elapsed()
    );
    // Revoked at once, instead of after a day, so that nothing is left to be explained.
    for number in 0..USERS {
        let now = json!({ "gracekey.dev/rotate": "last", "gracekey.dev/rotate-grace-period": "0s" });
        world
            .patch_user(
                &format!("u{number}"),
                json!({ "metadata": { "annotations": now } }),
            )
            .await;
    }
    until_all(&world, LIMIT, "all were rotated", |user| {
        !current(user).is_empty() && is_settled(user)
    })
    .await;
    applications.assert_undisturbed();
    until_all(&world, LIMIT, "the last rotation was done", |user| {
        let none_is_due = retiring(user).values().all(|at| *at > SystemClock.now());
        is_settled(user) && handled(user).iter().any(|token| token == "last") && none_is_due
    })
    .await;
    assert_exact(&world, &gateway.admin(), &endpoint).await;
    world.finish().await;
}

/// Since when the gateway takes changes again: it serves reads before that, and nobody can revoke a key until then.
async fn start_again(gateway: &mut OwnGateway) -> Instant {
    gateway.start_again().await;
    let admin = gateway.admin();
    let takes_changes = async || match admin.try_ask(Method::PUT, "uid=after&display-name=After").await? {
        (200 | 409, _) => Ok(()),
        (status, body) => Err(format!("{status}: {body}")),
    };
    let ready = wait::until(LIMIT, takes_changes).await;
    assert!(ready.is_ok(), "the gateway does not come back: {ready:?}");
    Instant::now()
}

/// Ready stays true, for the keys are good; Synced is false, with reason and sentence.
async fn conditions_say_why(world: &World) {
    for number in 1..USERS / 2 {
        let name = format!("u{number}");
        let says = |user: &gracekey::api::v1alpha1::ObjectUser| {
            let conditions = user
                .status
                .as_ref()
                .map(|s| s.conditions.clone())
                .unwrap_or_default();
            let message = condition::find(&conditions, "Synced")
                .map(|c| c.message.clone())
                .unwrap_or_default();
            condition::is_true(&conditions, "Ready")
                && reason(user, "Synced") == "BackendUnavailable"
                && reason(user, "Reconciling") == "BackendUnavailable"
                && !message.is_empty()
        };
        world
            .until_user(&name, "says that the store does not answer", says)
            .await;
    }
}

/// Data of all Secrets of users, by name.
async fn secrets(world: &World) -> BTreeMap<String, (Option<String>, usize)> {
    let ours = ListParams::default().labels("gracekey.dev/managed=true");
    let found: Vec<Secret> = world.secrets().list(&ours).await.unwrap().items;
    let data = |secret: &Secret| secret.data.as_ref().map_or(0, BTreeMap::len);
    found
        .iter()
        .map(|s| (s.name_any(), (s.resource_version(), data(s))))
        .collect()
}
