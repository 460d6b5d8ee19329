use super::super::{Fault, Options};
use super::start;

const USER: &str = "ostor-users&emailAddress=u%40example.com";
const GEN: &str = "ostor-users&emailAddress=u%40example.com&genKey";

#[tokio::test]
async fn a_pair_whose_answer_was_an_error_can_be_read_with_its_secret() {
    let (store, admin) = start(Options::default()).await;
    let first = admin.done("PUT", USER).await.pair();
    store.fail_next(Fault::ErrorAfterWrite);
    // Reads pass by a fault.
    admin.done("GET", USER).await;
    let failed = admin.call("POST", GEN).await;
    assert_eq!(failed.status, 500);
    assert!(failed.header("x-amz-err-message").is_some());
    let keys = admin.done("GET", USER).await.keys();
    assert_eq!(keys.len(), 2);
    let revoke = format!("{USER}&revokeKey={}", first.0);
    admin.done("POST", &revoke).await;
    let found = admin.done("GET", USER).await.pair();
    assert_eq!(admin.with(&found).s3("GET", "/").await, 200);
}

#[tokio::test]
async fn an_error_instead_of_a_write_changes_nothing() {
    let (store, admin) = start(Options::default()).await;
    store.fail_next(Fault::ErrorInsteadOfWrite);
    assert_eq!(admin.call("PUT", USER).await.status, 500);
    assert_eq!(store.snapshot("u@example.com"), "absent\n");
    admin.done("PUT", USER).await;
}

#[tokio::test]
async fn an_error_of_the_front_server_has_no_text_in_a_header() {
    let (store, admin) = start(Options::default()).await;
    store.fail_next(Fault::GatewayErrorAfterWrite);
    let failed = admin.call("PUT", USER).await;
    assert_eq!(failed.status, 502);
    assert!(failed.header("x-amz-err-message").is_none());
    assert_eq!(store.access_keys("u@example.com").len(), 1);
}

#[tokio::test]
async fn somebody_else_may_take_the_free_place() {
    let (store, admin) = start(Options::default()).await;
    admin.done("PUT", USER).await;
    store.fail_next(Fault::ForeignKeyFirst);
    assert_eq!(admin.call("POST", GEN).await.status, 400);
    assert_eq!(store.access_keys("u@example.com").len(), 2);
}

#[tokio::test]
async fn somebody_else_may_create_or_delete_the_user_first() {
    let (store, admin) = start(Options::default()).await;
    store.fail_next(Fault::ForeignUserChangeFirst);
    assert_eq!(admin.call("PUT", USER).await.status, 409);
    store.fail_next(Fault::ForeignUserChangeFirst);
    assert_eq!(admin.call("POST", GEN).await.status, 404);
}

#[tokio::test]
async fn what_others_do_behind_the_driver_shows() {
    let (store, admin) = start(Options::default()).await;
    let (id, secret) = store.foreign_user("u@example.com");
    let alone = store.snapshot("u@example.com");
    assert!(alone.contains(&id) && !alone.contains(&secret));
    let second = store.foreign_key("u@example.com");
    assert_eq!(admin.with(&second).s3("GET", "/").await, 200);
    store.foreign_revoke("u@example.com", &second.0);
    assert_eq!(store.snapshot("u@example.com"), alone);
    store.foreign_set_enabled("u@example.com", false);
    assert_ne!(store.snapshot("u@example.com"), alone);
    store.foreign_delete("u@example.com");
    assert_eq!(admin.call("GET", USER).await.status, 404);
    let counters = store.counters();
    assert_eq!(
        (counters.requests, counters.reads, counters.writes, counters.s3),
        (1, 0, 0, 1)
    );
}

#[tokio::test]
async fn two_stores_issue_different_keys() {
    let (one, _) = start(Options::default()).await;
    let (two, _) = start(Options::default()).await;
    assert_ne!(
        one.foreign_user("u@example.com"),
        two.foreign_user("u@example.com")
    );
}
