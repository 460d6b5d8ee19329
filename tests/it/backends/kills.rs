//! The operator is killed again and again during rotations, on backends of each model.

use super::site::{Site, told};
use crate::{
    chaos::{
        fleet::{Applications, is_rotated, until_all},
        seeded,
    },
    testbed::World,
};
use gracekey::api::v1alpha1::ObjectUser;
use gracekey_simulators::ontap::Version;
use kube::{ResourceExt as _, api::ListParams};
use rand::RngExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const USERS: usize = 10;
const KILLS: usize = 50;
/// How long an operator lives at most, in milliseconds: about as long as it takes to start and rotate a few keys.
const LIFE: std::ops::Range<u64> = 50..1500;

#[tokio::test]
async fn kills_lose_no_key_and_leave_none_over_where_each_key_has_a_slot() {
    undisturbed(&Site::ostor().await).await;
}

#[tokio::test]
async fn kills_lose_no_key_and_leave_none_over_where_one_access_key_has_two_secrets() {
    undisturbed(&Site::ecs().await).await;
}

/// Here a rotation interrupts by its nature, so what applications see on the way proves nothing.
#[tokio::test]
async fn kills_lose_no_key_and_leave_none_over_where_nothing_overlaps() {
    let site = Site::ontap(Version::new(17, 1)).await;
    let world = site.world().await;
    let world = rotate_and_kill(world, &site, &json!({ "allowInterruption": true })).await;
    world.finish().await;
}

/// With applications that follow their Secrets all the while, and are never refused.
async fn undisturbed(site: &Site) {
    let world = site.world().await;
    let applications = Applications::start(&world, site.s3());
    let world = rotate_and_kill(world, site, &json!({ "gracePeriod": "2s" })).await;
    applications.assert_undisturbed();
    world.finish().await;
}

async fn rotate_and_kill(mut world: World, site: &Site, rotation: &Value) -> World {
    let mut rng = seeded("kills elsewhere");
    for number in 0..USERS {
        let user = json!({ "spec": { "rotation": rotation } });
        world.make_user(&format!("u{number}"), user).await;
    }
    until_all(&world, Duration::from_mins(2), "all users were made", |user| {
        crate::testbed::world::is_settled(user)
    })
    .await;
    world.operator.kill();
    for kill in 0..KILLS {
        world
            .rotate(&format!("u{}", kill % USERS), &format!("t{kill}"))
            .await;
        world.operator.restart_unready();
        sleep(Duration::from_millis(rng.random_range(LIFE))).await;
        world.operator.kill();
    }
    world.operator.restart().await;
    let rotated = |user: &ObjectUser| {
        let number: usize = user.name_any().trim_start_matches('u').parse().unwrap();
        is_rotated(user, &format!("t{}", KILLS - USERS + number))
    };
    until_all(&world, Duration::from_mins(5), "all keys were rotated", rotated).await;
    assert_exact(&world, site).await;
    world
}

/// Each user has on the storage exactly the keys that its status tells, and the published one works.
async fn assert_exact(world: &World, site: &Site) {
    let users = world.users().list(&ListParams::default()).await.unwrap().items;
    assert_eq!(users.len(), USERS);
    for user in &users {
        let name = user.name_any();
        assert_eq!(site.keys(user).await.unwrap(), told(user), "{name}");
        assert!(site.takes(&world.pair(&name).await).await, "{name}");
        let unknown = user.status.iter().flat_map(|status| &status.conditions);
        assert!(!unknown.clone().any(|c| c.type_ == "UnknownKeys"), "{name}");
    }
}
