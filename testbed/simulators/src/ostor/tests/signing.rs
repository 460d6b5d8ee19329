use super::super::{Options, Signature};
use super::{start, violations_of};

const LIST: &str = "/?ostor-users";
const EAST: &str = "us-east-1/s3";

#[tokio::test]
async fn version_4_signs_the_whole_query_however_it_is_sent() {
    let (_store, admin) = start(Options::default()).await;
    let canonical = "emailAddress=u%40example.com&ostor-users=";
    let sent = "ostor-users&emailAddress=u@example.com";
    assert_eq!(admin.v4("PUT", sent, canonical, EAST).await.status, 200);
    assert_eq!(admin.v4("GET", canonical, canonical, EAST).await.status, 200);
}

#[tokio::test]
async fn version_4_sorts_by_name_not_by_the_text_of_name_and_value() {
    let (store, admin) = start(Options::default()).await;
    // The equals sign comes after the hyphen.
    let canonical = "limit=1&limit-type=ops&ostor-usage=";
    assert_eq!(admin.v4("GET", canonical, canonical, EAST).await.status, 200);
    assert_eq!(violations_of(store).len(), 1);
}

#[tokio::test]
async fn a_store_may_take_one_version_alone() {
    let (store, admin) = start(Options::default()).await;
    store.set_options(|options| options.signature = Signature::V4);
    assert_eq!(admin.call("GET", "ostor-users").await.status, 403);
    assert_eq!(
        admin.v4("GET", "ostor-users", "ostor-users=", EAST).await.status,
        200
    );
    store.set_options(|options| options.signature = Signature::V2);
    assert_eq!(
        admin.v4("GET", "ostor-users", "ostor-users=", EAST).await.status,
        403
    );
    assert_eq!(admin.call("GET", "ostor-users").await.status, 200);
}

#[tokio::test]
async fn version_4_names_the_region_where_that_matters() {
    let (store, admin) = start(Options::default()).await;
    let elsewhere = async || {
        admin
            .v4("GET", "ostor-users", "ostor-users=", "mars/s3")
            .await
            .status
    };
    assert_eq!(elsewhere().await, 403);
    store.set_options(|options| options.v4_region = None);
    assert_eq!(elsewhere().await, 200);
}

#[tokio::test]
async fn another_service_than_s3_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    assert_eq!(
        admin
            .v4("GET", "ostor-users", "ostor-users=", "us-east-1/iam")
            .await
            .status,
        403
    );
    assert!(violations_of(store)[0].contains("service s3"));
}

#[tokio::test]
async fn the_whole_query_in_a_string_of_version_2_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    let whole = "/?ostor-users&space";
    assert_eq!(admin.signed("GET", whole, whole, &[]).await.status, 403);
    assert!(violations_of(store)[0].contains("bare sub-resource"));
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_are_no_violation() {
    let (store, admin) = start(Options::default()).await;
    let (id, secret) = store.system_key();
    let user = store.foreign_user("u@example.com");
    for wrong in [(id, user.1.clone()), ("nobody".to_owned(), secret), user] {
        let refused = admin.with(&wrong).call("GET", "ostor-users").await;
        assert_eq!(refused.status, 403);
        assert!(refused.header("x-amz-err-message").is_some());
    }
    assert_eq!(store.counters().unauthenticated, 3);
}

#[tokio::test]
async fn a_replaced_system_key_is_dead_at_once() {
    let (store, admin) = start(Options::default()).await;
    let new = store.replace_system_key();
    assert_eq!(admin.call("GET", "ostor-users").await.status, 403);
    assert_eq!(admin.with(&new).call("GET", "ostor-users").await.status, 200);
    assert_eq!(new, store.system_key());
}

#[tokio::test]
async fn an_unsigned_request_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    assert_eq!(admin.send("GET", LIST, &[]).await.status, 403);
    assert!(violations_of(store)[0].contains("Authorization is missing"));
}

#[tokio::test]
async fn a_date_that_is_not_of_rfc_1123_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    // As the samples of the orchestration reference print it.
    let headers = [
        "Date: Thu, 07 Apr 2016 16:01:03 GMT +3:00",
        "Authorization: AWS a:b",
    ];
    assert_eq!(admin.send("GET", LIST, &headers).await.status, 403);
    assert!(violations_of(store)[0].contains("RFC 1123"));
}

#[tokio::test]
async fn an_old_date_is_refused_and_is_no_violation() {
    let (store, admin) = start(Options::default()).await;
    let date = "Wed, 28 Mar 2007 01:29:59 +0000";
    assert_eq!(admin.signed_at(date, LIST).await.status, 403);
    store.set_options(|options| options.max_skew = None);
    assert_eq!(admin.signed_at(date, LIST).await.status, 200);
}

#[tokio::test]
async fn a_content_type_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    admin
        .signed("GET", LIST, LIST, &["Content-Type: application/json"])
        .await;
    assert!(violations_of(store)[0].contains("content-type"));
}
