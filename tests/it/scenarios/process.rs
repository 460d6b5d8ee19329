//! The process itself: what it serves, what kubectl shows, how it stops.

use crate::testbed::{
    Fault, World,
    proxy::Seen,
    world::{LIMIT, Setup},
};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep},
};

#[tokio::test]
async fn the_operator_serves_health_readiness_and_metrics() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.operator.try_get(path).await.unwrap().0, 200, "{path}");
    }
    let metrics = world.operator.metrics().await;
    for name in [
        "controller_runtime_reconcile_total",
        "controller_runtime_reconcile_time_seconds_bucket",
        "leader_election_master_status",
        "gracekey_backend_requests_total",
        "gracekey_backend_request_duration_seconds_bucket",
        "gracekey_keys_total",
    ] {
        let has = metrics
            .lines()
            .any(|line| line.split(['{', ' ']).next() == Some(name));
        assert!(has, "there is no {name}:\n{metrics}");
    }
    assert_eq!(
        world
            .operator
            .metric("gracekey_keys_total", &["event=\"published\""])
            .await,
        1
    );
    world.finish().await;
}

#[tokio::test]
async fn the_operator_is_not_ready_before_its_caches_are_full() {
    let setup = Setup {
        proxy_kubernetes: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    world.ready_user("app", json!({})).await;
    world.operator.stop().await;
    let proxy = world.kubernetes_proxy.as_ref().unwrap();
    let (number, held) = (proxy.seen().len(), Duration::from_secs(5));
    let is_list = |seen: &Seen| seen.target.contains("/objectusers?") && !seen.target.contains("watch=");
    proxy.always(is_list, Fault::Delay(held));
    world.operator.restart_unready();
    let (mut asked, mut readiness) = (false, None);
    let deadline = Instant::now() + LIMIT;
    // From the first answer to the first list that is passed on, there is nothing but "not yet".
    while !(asked && readiness.is_some()) {
        assert!(
            Instant::now() < deadline,
            "asked for lists: {asked}, answers {readiness:?}"
        );
        sleep(Duration::from_millis(20)).await;
        readiness = world.operator.readiness().await;
        let proxy = world.kubernetes_proxy.as_ref().unwrap();
        asked = proxy.seen().iter().skip(number).any(is_list);
    }
    assert_eq!(readiness, Some(503));
    let alive = world.operator.try_get("/healthz").await.unwrap().0;
    assert_eq!(alive, 200, "who is not ready is not to be killed for it");
    world.operator.wait_until_ready().await;
    world.kubernetes_proxy.as_ref().unwrap().heal();
    world.finish().await;
}

#[tokio::test]
async fn metrics_count_reconciliations_and_the_life_of_keys() {
    let world = World::start().await;
    let now = json!({ "spec": { "rotation": { "gracePeriod": "0s" } } });
    world.ready_user("app", now).await;
    let keys = async || {
        let mut counts = Vec::new();
        for event in ["issued", "published", "revoked"] {
            let label = format!("event=\"{event}\"");
            counts.push(world.operator.metric("gracekey_keys_total", &[&label]).await);
        }
        counts
    };
    let reconciles = async || {
        let labels = ["controller=\"objectuser\"", "result=\"success\""];
        let name = "controller_runtime_reconcile_total";
        world.operator.metric(name, &labels).await
    };
    assert_eq!(keys().await, [1, 1, 0]);
    let before = reconciles().await;
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.until_revoked("app").await;
    let counted = async || match keys().await {
        counts if counts == [2, 2, 1] => Ok(()),
        counts => Err(format!("{counts:?}")),
    };
    world
        .until("issued, published and revoked keys were counted", counted)
        .await;
    let after = reconciles().await;
    assert!(
        after > before,
        "{before} reconciliations before a rotation, {after} after it"
    );
    let delays = "gracekey_revocation_delay_seconds_count";
    assert_eq!(world.operator.metric(delays, &[]).await, 1);
    println!("metrics: {before} reconciliations to a first key, {after} by the end of a rotation");
    world.finish().await;
}

/// What Prometheus does: it keeps its connection for the next scrape.
#[tokio::test]
async fn a_connection_that_is_kept_open_holds_up_no_stop() {
    let mut world = World::start().await;
    let mut scraper = world.operator.connect().await;
    let request = b"GET /metrics HTTP/1.1\r\nhost: gracekey\r\n\r\n";
    scraper.write_all(request).await.unwrap();
    let mut begin = [0; 12];
    scraper.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    world.operator.stop().await;
    drop(scraper);
    world.operator.restart().await;
    world.finish().await;
}

/// In the middle of work, too: `finish` of every other test stops an idle operator.
#[tokio::test]
async fn a_stop_in_the_middle_of_work_is_quick_and_the_next_start_goes_on() {
    let mut world = World::start().await;
    for number in 0..20 {
        world.make_user(&format!("user-{number}"), json!({})).await;
    }
    world.operator.stop().await;
    world.operator.restart().await;
    for number in 0..20 {
        let user = world.until_settled(&format!("user-{number}")).await;
        assert_eq!(world.live_keys(&user).await.len(), 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn kubectl_shows_what_people_ask_first() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    world.rotate("app", "one").await;
    let user = world.until_rotated("app", "one").await;
    let columns = |args: &[&str]| {
        let text = world
            .cluster
            .kubectl(&[&["--namespace", &world.home().name, "get"], args].concat());
        let rows: Vec<Vec<String>> = text
            .lines()
            .map(|l| {
                l.split("  ")
                    .map(str::trim)
                    .filter(|c| !c.is_empty())
                    .map(str::to_owned)
                    .collect()
            })
            .collect();
        rows
    };
    let users = columns(&["ouser"]);
    assert_eq!(
        users[0],
        [
            "NAME",
            "READY",
            "REASON",
            "STORE",
            "ACCESS KEY",
            "OLD KEY UNTIL",
            "AGE"
        ]
    );
    let status = user.status.unwrap();
    let until = status.previous_key_revoke_time.unwrap().0.to_string();
    assert_eq!(
        users[1][..6],
        [
            "app",
            "True",
            "Succeeded",
            "store",
            &status.access_key_id.unwrap(),
            &until
        ]
    );
    let wide = columns(&["ouser", "--output", "wide"]);
    assert_eq!(wide[0][7..], ["SECRET", "USER NAME", "ROTATED"]);
    assert_eq!(wide[1][7..9], ["app".to_owned(), status.user_name.unwrap()]);
    let stores = columns(&["ostore"]);
    assert_eq!(
        stores[0],
        ["NAME", "READY", "REASON", "BACKEND", "ENDPOINT", "USERS", "AGE"]
    );
    assert_eq!(
        stores[1][..5],
        ["store", "True", "Succeeded", "Ceph RGW", &world.gateway.endpoint]
    );
    assert_eq!(
        columns(&["gracekey"])
            .iter()
            .filter(|row| !row.is_empty() && row[0] != "NAME")
            .count(),
        2,
        "one category for all of it"
    );
    world.finish().await;
}
