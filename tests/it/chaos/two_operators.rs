//! Two operators at once, without leader election, on the same users: what an election that fails would come to.

use super::{
    admin::Admin,
    fleet::{Applications, assert_exact, is_rotated, until_all},
    seeded,
};
use crate::testbed::{
    World,
    world::{handled, is_settled},
};
use rand::RngExt as _;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

const USERS: usize = 20;
const ROTATIONS: usize = 3;
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn two_operators_at_once_break_no_key_and_leave_none_behind() {
    let mut rng = seeded("two operators");
    let world = World::start().await;
    let mut second = world.another_operator("second", &["--identity", "second"]).await;
    let admin = Admin::of(world.gateway);
    let applications = Applications::start(&world, &world.gateway.endpoint);
    for number in 0..USERS {
        let grace = json!({ "spec": { "rotation": { "gracePeriod": "6s" } } });
        world.make_user(&format!("u{number}"), grace).await;
    }
    until_all(&world, LIMIT, "all users were made", is_settled).await;
    for rotation in 0..ROTATIONS {
        let token = format!("r{rotation}");
        for number in 0..USERS {
            world.rotate(&format!("u{number}"), &token).await;
            sleep(Duration::from_millis(rng.random_range(0..20))).await;
        }
        let done = |user: &_| is_settled(user) && handled(user).contains(&token);
        until_all(&world, LIMIT, "all keys were rotated", done).await;
    }
    let last = format!("r{}", ROTATIONS - 1);
    until_all(&world, LIMIT, "all old keys were revoked", |user| {
        is_rotated(user, &last)
    })
    .await;
    let users = assert_exact(&world, &admin, &world.gateway.endpoint).await;
    let probes = applications.assert_undisturbed();
    second.stop().await;
    println!(
        "two operators: {users} users, {} rotations, {probes} probes, 0 refusals",
        USERS * ROTATIONS
    );
    world.finish().await;
}

#[tokio::test]
async fn an_operator_that_stood_still_and_goes_on_with_what_it_knew_does_no_harm() {
    let world = World::start().await;
    let admin = Admin::of(world.gateway);
    let applications = Applications::start(&world, &world.gateway.endpoint);
    let grace = json!({ "spec": { "rotation": { "gracePeriod": "4s" } } });
    for number in 0..USERS {
        world.make_user(&format!("u{number}"), grace.clone()).await;
    }
    until_all(&world, LIMIT, "all users were made", is_settled).await;
    // In the middle of as many rotations as there are, and then somebody else carries them on.
    for number in 0..USERS {
        world.rotate(&format!("u{number}"), "one").await;
    }
    world.operator.pause();
    let mut second = world.another_operator("second", &["--identity", "second"]).await;
    until_all(&world, LIMIT, "all keys were rotated", |user| {
        is_rotated(user, "one")
    })
    .await;
    for number in 0..USERS {
        world.rotate(&format!("u{number}"), "two").await;
    }
    world.operator.resume();
    until_all(&world, LIMIT, "all keys were rotated again", |user| {
        is_rotated(user, "two")
    })
    .await;
    assert_exact(&world, &admin, &world.gateway.endpoint).await;
    applications.assert_undisturbed();
    second.stop().await;
    world.finish().await;
}
