//! The operator is killed at each of its requests, before and after it is carried out, on both sides.

use super::{
    admin::Admin,
    fleet::{assert_exact, until_all},
    is_full, seeded,
};
use crate::testbed::{
    Fault, FaultProxy, World,
    world::{Setup, handled, is_settled},
};
use http::Method;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// More requests than a creation or a rotation makes on one side.
const MOST: usize = 60;
const LIMIT: Duration = Duration::from_secs(30);
/// No two requests of one reconciliation are this far apart.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Gateway,
    Kubernetes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Create,
    Rotate,
}

#[tokio::test]
async fn a_kill_at_any_request_leaves_no_key_behind_and_breaks_none() {
    let mut rng = seeded("every request");
    let setup = Setup {
        proxy_kubernetes: true,
        proxy_gateway: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    let begun = Instant::now();
    let mut kills = 0;
    for deed in [Deed::Create, Deed::Rotate] {
        for side in [Side::Gateway, Side::Kubernetes] {
            kills += sweep(&mut world, deed, side, &mut rng).await;
        }
    }
    until_all(&world, LIMIT, "all users were settled", is_settled).await;
    let users = assert_exact(&world, &Admin::of(world.gateway), &world.gateway.endpoint).await;
    println!(
        "every request: {kills} kills, {users} users, {:?}",
        begun.elapsed()
    );
    world.finish().await;
}

/// One number after another, until there is no such request. Returns the number of kills.
async fn sweep(world: &mut World, deed: Deed, side: Side, rng: &mut StdRng) -> usize {
    let mut kills = 0;
    for number in 1..=MOST {
        let drawn = rng.random_bool(0.5);
        let moments = if is_full() { vec![false, true] } else { vec![drawn] };
        let before = kills;
        for after in moments {
            let name = format!("{deed:?}-{side:?}-{number}-{after}").to_lowercase();
            kills += usize::from(kill_at(world, deed, side, number, after, &name).await);
        }
        if kills == before {
            println!(
                "every request: {deed:?} makes {} requests to {side:?}",
                number - 1
            );
            return kills;
        }
    }
    panic!("{deed:?} does not come to an end on {side:?}");
}

/// Does it and kills the operator at this request that it makes for it; then everything has to come right. `false`: it
/// makes no such request.
async fn kill_at(world: &mut World, deed: Deed, side: Side, number: usize, after: bool, name: &str) -> bool {
    if deed == Deed::Rotate {
        world.ready_user(name, json!({})).await;
    }
    let fired = arm(world, side, number, after);
    match deed {
        Deed::Create => drop(world.make_user(name, json!({})).await),
        Deed::Rotate => {
            // The old key is revoked at once, so that its end is part of it.
            let now = json!({ "gracekey.dev/rotate": "one", "gracekey.dev/rotate-grace-period": "0s" });
            drop(
                world
                    .patch_user(name, json!({ "metadata": { "annotations": now } }))
                    .await,
            );
        }
    }
    let deadline = Instant::now() + LIMIT;
    while !fired.load(Ordering::SeqCst) && !is_done(world, deed, name).await {
        assert!(
            Instant::now() < deadline,
            "{name} neither ends nor makes the request\n{}",
            world.state().await
        );
        sleep(Duration::from_millis(20)).await;
    }
    // What follows the last write (an event) may still come.
    until_quiet(world, &fired, name).await;
    // In this order: no request can meet the rule any more once it is looked at.
    heal(world);
    let fired = fired.load(Ordering::SeqCst);
    if fired {
        world.operator.ended(LIMIT).await;
        world.operator.restart().await;
    }
    let what = format!("{name} came right after a kill at request {number} (after: {after}) to {side:?}");
    let done = async || {
        if is_done(world, deed, name).await {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    };
    world.until(&what, done).await;
    let pair = world.pair(name).await;
    assert!(
        world.works(&pair).await,
        "{what}: its key is refused\n{}",
        world.state().await
    );
    fired
}

/// Waits until the operator has made no request for a while, or was killed at one.
async fn until_quiet(world: &World, fired: &AtomicBool, name: &str) {
    let made = || {
        let sides = [Side::Gateway, Side::Kubernetes];
        sides.map(|side| proxy(world, side).seen().len())
    };
    let (deadline, mut before, mut since) = (Instant::now() + LIMIT, made(), Instant::now());
    while !fired.load(Ordering::SeqCst) && since.elapsed() < QUIET {
        assert!(
            Instant::now() < deadline,
            "{name}: there are requests without end"
        );
        sleep(Duration::from_millis(20)).await;
        let now = made();
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

async fn is_done(world: &World, deed: Deed, name: &str) -> bool {
    let user = world.user(name).await;
    let one = user.status.as_ref().is_some_and(|s| s.credentials.len() == 1);
    is_settled(&user) && one && (deed == Deed::Create || handled(&user).iter().any(|token| token == "one"))
}

/// From now on, the operator is killed at its request of this number.
fn arm(world: &World, side: Side, number: usize, after: bool) -> Arc<AtomicBool> {
    let (fired, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (kill, note) = (world.operator.killer(), Arc::clone(&fired));
    let hook: Arc<dyn Fn() + Send + Sync> = Arc::new(kill);
    let fault = if after {
        Fault::CarryOutThenRunThenCut(hook)
    } else {
        Fault::RunThenCut(hook)
    };
    let when = move |seen: &crate::testbed::proxy::Seen| {
        let watch = seen.method == Method::GET && seen.target.contains("watch=");
        let hit = !watch && count.fetch_add(1, Ordering::SeqCst) + 1 == number;
        // Noted as soon as it is decided: the kill itself may come after the upstream's answer.
        note.fetch_or(hit, Ordering::SeqCst);
        hit
    };
    proxy(world, side).once(when, fault);
    fired
}

fn heal(world: &World) {
    proxy(world, Side::Gateway).heal();
    proxy(world, Side::Kubernetes).heal();
}

fn proxy(world: &World, side: Side) -> &FaultProxy {
    let proxy = match side {
        Side::Gateway => &world.gateway_proxy,
        Side::Kubernetes => &world.kubernetes_proxy,
    };
    proxy.as_ref().unwrap()
}
