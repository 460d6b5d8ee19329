//! The operator is killed again and again while users are made and keys are rotated.

use super::{
    admin::Admin,
    fleet::{Applications, assert_exact, is_rotated, until_all},
    seeded,
};
use crate::testbed::{
    World,
    world::{handled, is_settled},
};
use gracekey::api::v1alpha1::ObjectUser;
use kube::api::ListParams;
use rand::RngExt as _;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const USERS: usize = 100;
/// How long an operator lives at most after it could be ready, in milliseconds: as long as it gets nowhere, longer.
const LIFE: (u64, u64) = (200, 3000);
/// After how many kills to look whether it gets anywhere.
const LOOK: usize = 4;

#[tokio::test]
async fn a_published_key_works_and_none_is_lost_however_often_the_operator_is_killed() {
    let mut rng = seeded("kills");
    let mut world = World::start().await;
    let admin = Admin::of(world.gateway);
    let applications = Applications::start(&world, &world.gateway.endpoint);
    let begun = Instant::now();
    world.operator.kill();
    world.operator.restart().await;
    let start_up = u64::try_from(begun.elapsed().as_millis())
        .unwrap()
        .clamp(50, 2000);
    world.operator.kill();

    let (mut kills, mut most) = (0, LIFE.0);
    for round in ["create", "rotate"] {
        let mut done = 0;
        for number in 0..USERS {
            let name = format!("u{number}");
            if round == "create" {
                world
                    .make_user(&name, json!({ "spec": { "rotation": { "gracePeriod": "8s" } } }))
                    .await;
            } else {
                world.rotate(&name, "once").await;
            }
            world.operator.restart_unready();
            // From the middle of the start to the middle of everything else.
            let life = rng.random_range(start_up / 2..start_up + most);
            sleep(Duration::from_millis(life)).await;
            world.operator.kill();
            kills += 1;
            if kills % LOOK == 0 {
                let before = std::mem::replace(&mut done, progress(&world, round).await);
                most = longest(most, done > before);
            }
        }
        println!(
            "kills: {kills} by the end of {round:?}, by then {done} of {USERS} users done, lives up to {most} ms"
        );
        assert!(
            done > 0,
            "the operator never got anywhere: the test proves nothing"
        );
        world.operator.restart().await;
        until_all(&world, Duration::from_mins(5), "all users were made", is_settled).await;
        world.operator.kill();
    }
    world.operator.restart().await;
    let rotated = |user: &_| is_rotated(user, "once");
    until_all(&world, Duration::from_mins(5), "all keys were rotated", rotated).await;
    let users = assert_exact(&world, &admin, &world.gateway.endpoint).await;
    let probes = applications.assert_undisturbed();
    println!(
        "kills: {kills} kills, {users} users, {probes} probes, 0 refusals, {:?}",
        begun.elapsed()
    );
    assert_eq!((kills, users), (2 * USERS, USERS));
    world.finish().await;
}

/// How long operators may live from now on.
fn longest(most: u64, is_getting_on: bool) -> u64 {
    if is_getting_on {
        (most * 3 / 4).max(LIFE.0)
    } else {
        (most * 2).min(LIFE.1)
    }
}

/// How many users are done with what this round asks for.
async fn progress(world: &World, round: &str) -> usize {
    let users = world.users().list(&ListParams::default()).await.unwrap().items;
    let done = |user: &&ObjectUser| is_settled(user) && (round == "create" || !handled(user).is_empty());
    users.iter().filter(done).count()
}
