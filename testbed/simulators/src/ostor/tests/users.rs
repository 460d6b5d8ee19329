use super::super::{ErrorBody, Existing, ListShape, Options, Refusal, UserShape};
use super::start;
use axum::http::StatusCode;

const USER: &str = "ostor-users&emailAddress=u%40example.com";

#[tokio::test]
async fn a_new_user_has_one_pair_that_begins_with_its_id_and_can_be_read_back() {
    let (_store, admin) = start(Options::default()).await;
    let made = admin.done("PUT", USER).await;
    let (id, secret) = made.pair();
    let user_id = made.json()["UserId"].as_str().unwrap().to_owned();
    assert_eq!((user_id.len(), id.len(), secret.len()), (16, 20, 40));
    assert!(id.starts_with(&user_id));
    assert_eq!(made.json()["UserEmail"], "u@example.com");
    assert_eq!(admin.done("GET", USER).await.pair(), (id, secret));
}

#[tokio::test]
async fn one_user_comes_with_its_state_and_a_count_that_is_a_string() {
    let (store, admin) = start(Options::default()).await;
    let made = admin.done("PUT", USER).await.json();
    let by_id = format!("ostor-users&id={}", made["UserId"].as_str().unwrap());
    let read = admin.done("GET", &by_id).await.json();
    assert_eq!(read["State"], "enabled");
    assert_eq!(read["OwnerId"], "0000000000000000");
    assert_eq!(read["Flags"], serde_json::json!([]));
    assert_eq!(
        (&read["AccountCount"], &read["Accounts"]),
        (&"0".into(), &serde_json::json!([]))
    );
    store.set_options(|options| options.user_shape = UserShape::Bare);
    assert!(admin.done("GET", USER).await.json().get("State").is_none());
}

#[tokio::test]
async fn flags_may_have_an_equals_sign_and_the_at_sign_may_be_plain() {
    let (store, admin) = start(Options::default()).await;
    admin.done("PUT", "ostor-users&emailAddress=u@example.com").await;
    let both = admin
        .done("POST", "emailAddress=u@example.com&genKey=&ostor-users=")
        .await;
    assert_eq!(both.keys().len(), 2);
    assert_eq!(store.access_keys("u@example.com").len(), 2);
}

#[tokio::test]
async fn the_list_comes_in_both_shapes_and_without_pairs() {
    let (store, admin) = start(Options::default()).await;
    admin.done("PUT", USER).await;
    let wrapped = admin.done("GET", "ostor-users&space").await.json();
    let users = wrapped["Users"].as_array().unwrap();
    assert_eq!(users.len(), 2);
    let ours = users
        .iter()
        .find(|user| user["UserEmail"] == "u@example.com")
        .unwrap();
    assert!(ours.get("AWSAccessKeys").is_none());
    assert!(ours["SpaceStat"].get("SizeCurr").is_some());
    let system = users
        .iter()
        .find(|user| user["UserEmail"] == store.system_user())
        .unwrap();
    assert_eq!(system["Flags"], serde_json::json!(["system"]));
    store.set_options(|options| {
        options.list_shape = ListShape::Bare;
        options.list_has_system_users = false;
        options.list_has_keys = true;
    });
    let bare = admin.done("GET", "ostor-users").await.json();
    assert_eq!(bare.as_array().unwrap().len(), 1);
    assert!(bare[0].get("AWSAccessKeys").is_some() && bare[0].get("SpaceStat").is_none());
}

#[tokio::test]
async fn errors_have_their_text_in_a_header() {
    let (store, admin) = start(Options::default()).await;
    let absent = admin.call("GET", USER).await;
    assert_eq!(absent.status, 404);
    assert!(absent.header("X-Amz-Err-Message").is_some());
    assert!(absent.body.contains("<Error><Code>"));
    store.set_options(|options| options.error_header = false);
    assert!(
        admin
            .call("GET", USER)
            .await
            .header("X-Amz-Err-Message")
            .is_none()
    );
    store.set_options(|options| options.error_body = ErrorBody::Empty);
    assert_eq!(admin.call("GET", USER).await.body, "");
    store.set_options(|options| options.error_body = ErrorBody::Json);
    assert_eq!(admin.call("GET", USER).await.json()["Code"], "NoSuchUser");
}

#[tokio::test]
async fn answers_come_in_chunks_with_the_headers_of_the_samples() {
    let (_store, admin) = start(Options::default()).await;
    let made = admin.done("PUT", USER).await;
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.header("transfer-encoding"), Some("chunked"));
    assert!(made.header("server").unwrap().starts_with("nginx/"));
    assert!(made.header("x-amz-request-id").is_some() && made.header("x-amz-req-time-micros").is_some());
}

#[tokio::test]
async fn a_user_that_is_there_is_refused_or_handed_back() {
    let (store, admin) = start(Options::default()).await;
    let pair = admin.done("PUT", USER).await.pair();
    let before = store.snapshot("u@example.com");
    assert_eq!(admin.call("PUT", USER).await.status, 409);
    store.set_options(|options| options.existing = Existing::HandedBack);
    assert_eq!(admin.done("PUT", USER).await.pair(), pair);
    assert_eq!(store.snapshot("u@example.com"), before);
}

#[tokio::test]
async fn a_disabled_user_is_refused_by_s3_and_keeps_its_pairs() {
    let (store, admin) = start(Options::default()).await;
    let pair = admin.done("PUT", USER).await.pair();
    let user = admin.with(&pair);
    assert_eq!(user.s3("GET", "/").await, 200);
    let before = store.snapshot("u@example.com");
    assert_eq!(admin.done("POST", &format!("{USER}&disable")).await.body, "");
    assert_eq!(user.s3("GET", "/").await, 403);
    assert_eq!(admin.done("GET", USER).await.json()["State"], "disabled");
    admin.done("POST", &format!("{USER}&enable")).await;
    assert_eq!(user.s3("GET", "/").await, 200);
    assert_eq!(store.snapshot("u@example.com"), before);
    store.set_options(|options| options.lock = false);
    assert_eq!(admin.call("POST", &format!("{USER}&disable")).await.status, 400);
}

#[tokio::test]
async fn a_user_who_owns_buckets_is_not_deleted() {
    let (store, admin) = start(Options::default()).await;
    let pair = admin.done("PUT", USER).await.pair();
    let user = admin.with(&pair);
    assert_eq!(user.s3("PUT", "/bucket").await, 200);
    let buckets = admin
        .done("GET", "ostor-buckets&emailAddress=u@example.com")
        .await
        .json();
    assert_eq!(buckets["Buckets"][0]["name"], "bucket");
    assert!(store.snapshot("u@example.com").contains("bucket bucket\n"));
    assert_eq!(admin.call("DELETE", USER).await.status, 409);
    assert_eq!(user.s3("DELETE", "/bucket").await, 204);
    assert_eq!(admin.done("DELETE", USER).await.status, 204);
    assert_eq!(user.s3("GET", "/").await, 403);
    assert_eq!(admin.call("DELETE", USER).await.status, 404);
    assert_eq!(store.snapshot("u@example.com"), "absent\n");
}

#[tokio::test]
async fn a_deletion_may_say_203_and_leave_buckets_to_nobody() {
    let options = Options {
        deleted: StatusCode::NON_AUTHORITATIVE_INFORMATION,
        owns_buckets: Refusal::new(StatusCode::OK, ""),
        ..Options::default()
    };
    let (_store, admin) = start(options).await;
    let made = admin.done("PUT", USER).await;
    assert_eq!(admin.with(&made.pair()).s3("PUT", "/bucket").await, 200);
    let by_id = format!("ostor-users&id={}", made.json()["UserId"].as_str().unwrap());
    assert_eq!(admin.call("DELETE", &by_id).await.status, 203);
    // Who comes by the same e-mail later is somebody else.
    let later = admin.done("PUT", USER).await;
    assert_eq!(admin.with(&later.pair()).s3("GET", "/bucket").await, 403);
    assert_eq!(admin.call("GET", &by_id).await.status, 404);
}
