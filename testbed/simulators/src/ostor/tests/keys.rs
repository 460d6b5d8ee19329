use super::super::{KeyOrder, Lags, LastKey, Options, Refusal, Verb};
use super::client::text;
use super::{start, violations_of};
use axum::http::StatusCode;
use std::time::Duration;

const USER: &str = "ostor-users&emailAddress=u%40example.com";
const GEN: &str = "ostor-users&emailAddress=u%40example.com&genKey";

#[tokio::test]
async fn a_second_pair_comes_with_the_first_and_a_third_is_refused() {
    let (store, admin) = start(Options::default()).await;
    let first = admin.done("PUT", USER).await.pair();
    let both = admin.done("POST", GEN).await.keys();
    assert_eq!(both.len(), 2);
    assert!(both.contains(&first.0));
    let before = store.snapshot("u@example.com");
    let third = admin.call("POST", GEN).await;
    assert_eq!(third.status, 400);
    assert!(third.header("x-amz-err-message").is_some());
    assert_eq!(store.snapshot("u@example.com"), before);
}

#[tokio::test]
async fn a_product_may_answer_with_the_new_pair_alone() {
    let options = Options {
        gen_key_shows_all: false,
        ..Options::default()
    };
    let (_store, admin) = start(options).await;
    let first = admin.done("PUT", USER).await.pair();
    let second = admin.done("POST", GEN).await.pair();
    assert_ne!(first.0, second.0);
}

#[tokio::test]
async fn the_order_of_pairs_says_nothing() {
    let (store, admin) = start(Options::default()).await;
    admin.done("PUT", USER).await;
    admin.done("POST", GEN).await;
    let first = async || {
        let read = admin.done("GET", USER).await.json();
        text(&read["AWSAccessKeys"][0]["AWSAccessKeyId"])
    };
    let seen = [first().await, first().await];
    assert_ne!(seen[0], seen[1]);
    let by_age = store.access_keys("u@example.com");
    store.set_options(|options| options.key_order = KeyOrder::NewestFirst);
    assert_eq!([first().await, first().await], [by_age[1].as_str(), &by_age[1]]);
    store.set_options(|options| options.key_order = KeyOrder::OldestFirst);
    assert_eq!(first().await, by_age[0]);
}

#[tokio::test]
async fn a_revoked_pair_is_dead_and_the_other_lives() {
    let (store, admin) = start(Options::default()).await;
    let old = admin.done("PUT", USER).await.pair();
    let new = store.foreign_key("u@example.com");
    assert_eq!(admin.with(&old).s3("GET", "/").await, 200);
    let revoked = admin.done("POST", &format!("{USER}&revokeKey={}", old.0)).await;
    assert_eq!((revoked.status, revoked.body.as_str()), (200, ""));
    assert_eq!(admin.with(&old).s3("GET", "/").await, 403);
    assert_eq!(admin.with(&new).s3("GET", "/").await, 200);
    let again = admin.call("POST", &format!("{USER}&revokeKey={}", old.0)).await;
    assert_eq!(again.status, 404);
    store.set_options(|options| options.unknown_key = Refusal::new(StatusCode::OK, ""));
    admin.done("POST", &format!("{USER}&revokeKey={}", old.0)).await;
    assert_eq!(store.access_keys("u@example.com"), [new.0]);
}

#[tokio::test]
async fn the_last_pair_stays_where_it_is_guarded() {
    let options = Options {
        last_key: LastKey::Stays(Refusal::new(StatusCode::FORBIDDEN, "AccessDenied")),
        last_key_is_violation: false,
        ..Options::default()
    };
    let (store, admin) = start(options).await;
    let (id, _) = admin.done("PUT", USER).await.pair();
    assert_eq!(
        admin.call("POST", &format!("{USER}&revokeKey={id}")).await.status,
        403
    );
    assert_eq!(store.access_keys("u@example.com"), [id]);
}

#[tokio::test]
async fn revoking_the_last_pair_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    let (id, _) = admin.done("PUT", USER).await.pair();
    admin.done("POST", &format!("{USER}&revokeKey={id}")).await;
    assert!(store.access_keys("u@example.com").is_empty());
    assert!(violations_of(store)[0].contains("the last pair"));
}

#[tokio::test]
async fn the_wrong_verb_is_405_once_and_then_a_violation() {
    let old = Options {
        key_verb: Verb::Put,
        ..Options::default()
    };
    let (store, admin) = start(old).await;
    admin.done("PUT", USER).await;
    assert_eq!(admin.call("POST", GEN).await.status, 405);
    assert_eq!(admin.done("PUT", GEN).await.keys().len(), 2);
    assert!(store.violations().all().is_empty());
    store.set_options(|options| options.wrong_verb = Refusal::new(StatusCode::BAD_REQUEST, "InvalidRequest"));
    assert_eq!(
        admin.call("POST", &format!("{USER}&revokeKey=x")).await.status,
        400
    );
    assert_eq!(store.counters().wrong_verbs, 2);
    assert!(violations_of(store)[0].starts_with("POST /?ostor-users&emailAddress&revokeKey: "));
}

#[tokio::test]
async fn state_changes_have_a_verb_of_their_own() {
    let options = Options {
        state_verb: Verb::Put,
        ..Options::default()
    };
    let (_store, admin) = start(options).await;
    admin.done("PUT", USER).await;
    assert_eq!(admin.call("POST", &format!("{USER}&disable")).await.status, 405);
    admin.done("PUT", &format!("{USER}&disable")).await;
    assert_eq!(admin.done("POST", GEN).await.keys().len(), 2);
}

#[tokio::test]
async fn a_new_key_works_late_on_s3_and_a_revoked_one_dies_late() {
    let hour = Duration::from_hours(1);
    let lags = Lags {
        new_key: hour,
        revoked_key: hour,
        ..Lags::default()
    };
    let (store, admin) = start(Options {
        lags,
        ..Options::default()
    })
    .await;
    let old = admin.done("PUT", USER).await.pair();
    assert_eq!(admin.with(&old).s3("GET", "/").await, 403);
    store.clock().advance(hour);
    assert_eq!(admin.with(&old).s3("GET", "/").await, 200);
    admin.done("POST", GEN).await;
    admin.done("POST", &format!("{USER}&revokeKey={}", old.0)).await;
    assert_eq!(admin.with(&old).s3("GET", "/").await, 200);
    store.clock().advance(hour);
    assert_eq!(admin.with(&old).s3("GET", "/").await, 403);
}

#[tokio::test]
async fn reads_and_locks_may_be_late_too() {
    let (store, admin) = start(Options::default()).await;
    let minute = Duration::from_mins(1);
    let pair = admin.done("PUT", USER).await.pair();
    store.clock().advance(minute);
    store.set_lags(Lags {
        admin_reads: minute,
        lock: minute,
        ..Lags::default()
    });
    admin.done("POST", GEN).await;
    admin.done("POST", &format!("{USER}&disable")).await;
    let read = admin.done("GET", USER).await;
    assert_eq!((read.keys().len(), &read.json()["State"]), (1, &"enabled".into()));
    assert_eq!(admin.with(&pair).s3("GET", "/").await, 200);
    store.clock().advance(minute);
    assert_eq!(admin.done("GET", USER).await.keys().len(), 2);
    assert_eq!(admin.with(&pair).s3("GET", "/").await, 403);
}
