//! A settled world is left alone: nothing is written, to neither side.

use crate::testbed::{FaultProxy, Setup, World};
use gracekey::api::v1alpha1::{ObjectStore, ObjectUser};
use http::Method;
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt as _, api::ListParams};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

const USERS: u64 = 100;

/// Requests through a proxy, since the first `skip`, that change something.
fn writes(proxy: &FaultProxy, skip: usize) -> Vec<String> {
    let seen = proxy.seen().split_off(skip);
    let changes = seen
        .into_iter()
        .filter(|seen| seen.method != Method::GET && seen.method != Method::HEAD);
    changes
        .map(|seen| format!("{} {}", seen.method, seen.target))
        .collect()
}

/// Versions of everything that the operator might write.
async fn versions(world: &World) -> BTreeMap<String, Option<String>> {
    let (here, all) = (world.home(), ListParams::default());
    let stores = here.api::<ObjectStore>().list(&all).await.unwrap();
    let users = here.api::<ObjectUser>().list(&all).await.unwrap();
    let secrets = here.api::<Secret>().list(&all).await.unwrap();
    let stores = stores
        .into_iter()
        .map(|o| (format!("store {}", o.name_any()), o.resource_version()));
    let users = users
        .into_iter()
        .map(|o| (format!("user {}", o.name_any()), o.resource_version()));
    let secrets = secrets
        .into_iter()
        .map(|o| (format!("secret {}", o.name_any()), o.resource_version()));
    stores.chain(users).chain(secrets).collect()
}

/// Waits until every user was looked at so many times since the operator started.
async fn until_looked(world: &World, times: u64) {
    let looked = async || {
        let labels = ["controller=\"objectuser\"", "result=\"success\""];
        let done = world
            .operator
            .metric("controller_runtime_reconcile_total", &labels)
            .await;
        let enough = done >= times * USERS;
        if enough {
            Ok(())
        } else {
            Err(format!("{done} looks were taken"))
        }
    };
    world
        .until_within(Duration::from_mins(1), "all users were looked at", looked)
        .await;
}

#[tokio::test]
async fn a_second_look_at_a_hundred_settled_users_writes_nothing() {
    let setup = Setup {
        proxy_gateway: true,
        proxy_kubernetes: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    for number in 0..USERS {
        world.make_user(&format!("user-{number}"), json!({})).await;
    }
    for number in 0..USERS {
        world.until_settled(&format!("user-{number}")).await;
    }
    world.until_counted("store", 100).await;
    let before = versions(&world).await;

    world.operator.stop().await;
    let seen = |proxy: &Option<FaultProxy>| proxy.as_ref().unwrap().seen().len();
    let (kubernetes, gateway) = (seen(&world.kubernetes_proxy), seen(&world.gateway_proxy));
    world.operator.restart().await;
    until_looked(&world, 1).await;
    world.operator.stop().await;
    world
        .operator
        .launch_mut()
        .env
        .push(("GRACEKEY_RESYNC_SECONDS".to_owned(), "1".to_owned()));
    world.operator.restart().await;
    until_looked(&world, 3).await;

    assert_eq!(
        writes(world.kubernetes_proxy.as_ref().unwrap(), kubernetes),
        Vec::<String>::new()
    );
    assert_eq!(
        writes(world.gateway_proxy.as_ref().unwrap(), gateway),
        Vec::<String>::new()
    );
    assert_eq!(versions(&world).await, before);
    world.finish().await;
}
