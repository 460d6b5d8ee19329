//! The process itself: what it serves, what kubectl shows, how it stops.

use crate::testbed::World;
use serde_json::json;

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
