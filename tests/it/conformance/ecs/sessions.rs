//! The token: shared, renewed, given back.

use super::{It, Likely, Reading, boxed, config};
use crate::conformance::suite::{Subject as _, found, fresh_user, made_with_key, ready};
use crate::testbed::Fault as OnTheWay;
use gracekey::backend::ecs::{EcsConfig, EcsDriver};
use gracekey::backend::gate::Gate;
use gracekey::backend::pool::{Connection, Pool};
use gracekey::backend::{Driver as _, ErrorKind, Outcome};
use gracekey_simulators::ecs::{Fault, Options, TurnedAway};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Ecs = It<Likely>;

async fn twenty_at_once(driver: &EcsDriver, subject: &Ecs) {
    let users: Vec<_> = (0..20).map(|_| fresh_user(subject)).collect();
    let calls = users.iter().map(|user| driver.create_user(user));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn one_login_serves_all_calls() {
    let ecs = Ecs::start().await;
    twenty_at_once(&ecs.driver, &ecs).await;
    assert_eq!((ecs.sim.logins(), ecs.sim.live_tokens()), (1, 1));
}

#[tokio::test]
async fn a_token_that_ends_is_replaced_once_for_all_and_nobody_notices() {
    for dead_token in [
        TurnedAway::Refused,
        TurnedAway::Redirected,
        TurnedAway::RedirectedOnce,
    ] {
        let ecs = Ecs::with(Options {
            dead_token,
            ..Likely::options()
        })
        .await;
        twenty_at_once(&ecs.driver, &ecs).await;
        ecs.sim.kill_tokens();
        twenty_at_once(&ecs.driver, &ecs).await;
        assert_eq!(
            (ecs.sim.logins(), ecs.sim.live_tokens()),
            (2, 1),
            "{dead_token:?}"
        );
    }
}

#[tokio::test]
async fn a_key_is_issued_once_though_its_token_ends_on_the_way() {
    let ecs = Ecs::start().await;
    let user = ready(&ecs).await;
    for fault in [Fault::TokenDies, Fault::RedirectToLogin] {
        ecs.sim.fail_next_at(fault, "/object/user-secret-keys");
        let order = crate::conformance::suite::key_order(&ecs);
        ecs.driver.issue(&user, &order).await.unwrap();
    }
    assert_eq!(found(&ecs, &user.name).await.credentials.len(), 2);
    assert_eq!((ecs.sim.waiting_faults(), ecs.sim.live_tokens()), (0, 1));
}

/// By its age, and without being refused first; the old one is given back, so that the cap is never met.
#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let ecs = Ecs::start().await;
    let driver = EcsDriver::new(EcsConfig {
        token_age: Duration::ZERO,
        ..ecs.config()
    })
    .unwrap();
    let user = fresh_user(&ecs);
    driver.create_user(&user).await.unwrap();
    for _ in 0..120 {
        driver.find_user(&user.name).await.unwrap();
    }
    assert!(ecs.sim.logins() > 200, "{}", ecs.sim.logins());
    assert_eq!(ecs.sim.live_tokens(), 1);
}

#[tokio::test]
async fn a_closed_driver_leaves_no_token_and_can_begin_again() {
    let ecs = Ecs::start().await;
    ecs.driver.close().await;
    assert_eq!(
        (ecs.sim.logins(), ecs.sim.live_tokens()),
        (0, 0),
        "nothing to end"
    );
    ecs.driver.probe().await.unwrap();
    ecs.driver.close().await;
    ecs.driver.close().await;
    assert_eq!((ecs.sim.logins(), ecs.sim.live_tokens()), (1, 0));
    ecs.driver.probe().await.unwrap();
    assert_eq!((ecs.sim.logins(), ecs.sim.live_tokens()), (2, 1));
}

/// Somebody else of the same name has them all: said, and over as soon as one is given back.
#[tokio::test]
async fn a_cap_of_tokens_that_is_met_is_told() {
    let ecs = Ecs::with(Options {
        max_tokens: 1,
        ..Likely::options()
    })
    .await;
    ecs.driver.probe().await.unwrap();
    let error = boxed(ecs.config()).probe().await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("too many sessions"), "{error}");
    ecs.driver.close().await;
    boxed(ecs.config()).probe().await.unwrap();
}

#[tokio::test]
async fn closing_is_short_though_nobody_answers() {
    let ecs = Ecs::start().await;
    ecs.driver.probe().await.unwrap();
    ecs.proxy
        .always(|_| true, OnTheWay::Delay(Duration::from_secs(30)));
    let begun = std::time::Instant::now();
    ecs.driver.close().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

fn connection(ecs: &Ecs, generation: i64) -> Connection {
    Connection {
        generation,
        serial: 1,
        secrets: Vec::new(),
        driver: Arc::new(EcsDriver::new(ecs.config()).unwrap()),
        prover: None,
        proofs: Gate::new(1),
        probed: Mutex::default(),
        learning: tokio::sync::Mutex::default(),
        ca_bundle: None,
    }
}

/// A store whose Secret changes often must not come near the cap of tokens.
#[tokio::test]
async fn a_connection_that_is_replaced_leaves_no_token_once_nobody_uses_it() {
    let ecs = Ecs::start().await;
    let pool = Pool::default();
    let first = pool.put("a", connection(&ecs, 1));
    first.driver.probe().await.unwrap();
    let second = pool.put("a", connection(&ecs, 2));
    second.driver.probe().await.unwrap();
    pool.close_retired().await;
    assert_eq!(ecs.sim.live_tokens(), 2, "somebody is at work with it");
    drop(first);
    pool.close_retired().await;
    assert_eq!(ecs.sim.live_tokens(), 1);
    pool.remove("a");
    drop(second);
    pool.close_retired().await;
    assert_eq!(ecs.sim.live_tokens(), 0, "the store is gone");
}

#[tokio::test]
async fn no_connection_leaves_a_token_at_the_end() {
    let ecs = Ecs::start().await;
    let pool = Pool::default();
    for generation in 1..3 {
        for store in ["a", "b"] {
            let made = pool.put(store, connection(&ecs, generation));
            made.driver.probe().await.unwrap();
        }
    }
    assert_eq!(ecs.sim.live_tokens(), 4);
    pool.close_all().await;
    assert_eq!(ecs.sim.live_tokens(), 0);
}

#[tokio::test]
async fn a_login_that_fails_fails_those_who_wait_for_it_and_is_not_tried_by_each() {
    let ecs = Ecs::start().await;
    let is_login = |seen: &crate::testbed::proxy::Seen| seen.target == "/login";
    ecs.proxy.always(is_login, OnTheWay::answer(503, ""));
    let name = fresh_user(&ecs).name;
    let calls = (0..20).map(|_| ecs.driver.find_user(&name));
    for result in futures::future::join_all(calls).await {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::NotApplied)
        );
    }
    let logins = ecs.proxy.seen().iter().filter(|seen| is_login(seen)).count();
    assert_eq!(logins, 1);
    ecs.proxy.heal();
    ecs.driver.find_user(&name).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_not_by_every_user() {
    let ecs = Ecs::start().await;
    let driver = boxed(EcsConfig {
        password: "wrong".into(),
        ..ecs.config()
    });
    for _ in 0..20 {
        let error = driver.find_user(&fresh_user(&ecs).name).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied)
        );
        assert!(error.to_string().contains("credentialsSecretRef"), "{error}");
    }
    assert_eq!(ecs.proxy.seen().len(), 1);
}

#[tokio::test]
async fn a_namespace_administrator_does_all_but_delete_and_is_told_why() {
    for lists in [false, true] {
        let ecs = Ecs::with(Options {
            namespace_admin_lists_buckets: lists,
            ..Likely::options()
        })
        .await;
        let admin = boxed(config(&ecs.sim, &ecs.proxy, ecs.sim.namespace_admin(), false));
        admin.probe().await.unwrap();
        let (user, pair) = made_with_key(&ecs).await;
        admin.create_user(&user).await.unwrap();
        admin.set_label(&user.name, "Another label").await.unwrap();
        admin.set_locked(&user.name, true).await.unwrap();
        admin.revoke(&user.name, &pair.id).await.unwrap();
        let deleted = admin.delete_user(&user.name).await;
        if lists {
            deleted.unwrap();
            continue;
        }
        let error = deleted.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied)
        );
        assert!(error.to_string().contains("SYSTEM_MONITOR"), "{error}");
        found(&ecs, &user.name).await;
    }
}

#[tokio::test]
async fn one_who_only_reads_is_told_by_the_probe_and_changes_nothing() {
    let ecs = Ecs::start().await;
    let (user, pair) = made_with_key(&ecs).await;
    let before = ecs.sim.snapshot(user.name.as_str());
    let monitor = boxed(config(&ecs.sim, &ecs.proxy, ecs.sim.monitor(), false));
    let error = monitor.probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.to_string().contains("NAMESPACE_ADMIN"), "{error}");
    let results = [
        monitor.set_label(&user.name, "x").await,
        monitor.set_locked(&user.name, true).await,
        monitor.revoke(&user.name, &pair.id).await,
        monitor.delete_user(&user.name).await,
        monitor.create_user(&fresh_user(&ecs)).await,
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied),
            "{error}"
        );
    }
    assert_eq!(ecs.sim.snapshot(user.name.as_str()), before);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_told_by_the_probe() {
    let ecs = Ecs::start().await;
    let driver = boxed(EcsConfig {
        namespace: "nowhere".to_owned(),
        ..ecs.config()
    });
    let error = driver.probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("nowhere"), "{error}");
}
