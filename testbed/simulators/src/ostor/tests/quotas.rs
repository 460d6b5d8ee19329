use super::super::{NoQuota, Options, Refusal};
use super::{start, violations_of};
use axum::http::StatusCode;

const QUOTA: &str = "ostor-quotas&emailAddress=u%40example.com";

#[tokio::test]
async fn quotas_are_strings_and_their_type_a_word_or_a_number() {
    let (store, admin) = start(Options::default()).await;
    let pair = store.foreign_user("u@example.com");
    assert_eq!(admin.with(&pair).s3("PUT", "/bucket").await, 200);
    assert_eq!(admin.call("GET", QUOTA).await.status, 404);
    admin.done("PUT", &format!("{QUOTA}&quota-size=1024")).await;
    let read = admin.done("GET", QUOTA).await.json();
    assert_eq!(
        read,
        serde_json::json!({"version": "1", "type": "user", "size": "1024"})
    );
    assert!(store.snapshot("u@example.com").contains("quota 1024 GB"));
    admin.done("PUT", "ostor-quotas&bucket=bucket&quota-size=1").await;
    admin
        .done("PUT", "ostor-quotas&default=bucket&quota-size=2")
        .await;
    store.set_options(|options| options.quota_type_is_number = true);
    assert_eq!(
        admin.done("GET", "ostor-quotas&default=bucket").await.json()["type"],
        1
    );
    assert_eq!(admin.call("GET", "ostor-quotas&bucket=other").await.status, 404);
    admin.done("DELETE", QUOTA).await;
}

#[tokio::test]
async fn where_there_are_no_quotas_every_call_is_refused_the_same_way() {
    for status in [400, 403, 404, 405, 501] {
        let status = StatusCode::from_u16(status).unwrap();
        let options = Options {
            quotas: false,
            quotas_off: Refusal::new(status, "NoQuotas"),
            ..Options::default()
        };
        let (store, admin) = start(options).await;
        store.foreign_user("u@example.com");
        for (method, call) in [
            ("GET", QUOTA.to_owned()),
            ("PUT", format!("{QUOTA}&quota-size=1")),
            ("DELETE", QUOTA.to_owned()),
            ("GET", "ostor-quotas&default=user".to_owned()),
        ] {
            assert_eq!(admin.call(method, &call).await.status, status.as_u16());
        }
    }
}

#[tokio::test]
async fn a_user_without_a_quota_is_404_or_has_one_of_0() {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    assert_eq!(admin.call("DELETE", QUOTA).await.status, 404);
    store.set_options(|options| options.no_quota = NoQuota::Zero);
    assert_eq!(admin.done("GET", QUOTA).await.json()["size"], "0");
    admin.done("DELETE", QUOTA).await;
    for method in ["GET", "DELETE"] {
        let unknown = "ostor-quotas&emailAddress=nobody%40example.com";
        assert_eq!(admin.call(method, unknown).await.status, 404);
    }
    let unknown = "ostor-quotas&emailAddress=nobody%40example.com&quota-size=1";
    assert_eq!(admin.call("PUT", unknown).await.status, 404);
}

#[tokio::test]
async fn a_quota_is_told_in_gigabytes_or_bytes() {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    admin.done("PUT", &format!("{QUOTA}&quota-size=3")).await;
    for (gigabyte, size) in [(1_000_000_000, "3000000000"), (1 << 30, "3221225472")] {
        store.set_options(|options| {
            options.quota_in_bytes = true;
            options.gigabyte = gigabyte;
        });
        assert_eq!(admin.done("GET", QUOTA).await.json()["size"], size);
    }
}

#[tokio::test]
async fn what_is_no_whole_number_is_400_and_a_violation_and_0_is_one_as_well() {
    for (size, status, what) in [
        ("&quota-size=1.5", 400, "whole number"),
        ("&quota-size=%2B1", 400, "whole number"),
        ("&quota-size=-1", 400, "whole number"),
        ("&quota-size=", 400, "whole number"),
        ("", 400, "whole number"),
        ("&quota-size=0", 200, "unlimited"),
    ] {
        let (store, admin) = start(Options::default()).await;
        store.foreign_user("u@example.com");
        let call = format!("{QUOTA}{size}");
        assert_eq!(admin.call("PUT", &call).await.status, status, "{size}");
        assert!(violations_of(store)[0].contains(what), "{size}");
    }
    let (store, admin) = start(Options::default()).await;
    let system = "ostor-quotas&emailAddress=system%40ostor.example&quota-size=1";
    admin.done("PUT", system).await;
    assert!(violations_of(store)[0].contains("system user"));
}

#[tokio::test]
async fn a_user_stores_no_more_than_its_quota() {
    let options = Options {
        gigabyte: 10,
        ..Options::default()
    };
    let (store, admin) = start(options).await;
    let user = admin.with(&store.foreign_user("u@example.com"));
    for bucket in ["/one", "/two"] {
        assert_eq!(user.s3("PUT", bucket).await, 200);
    }
    admin.done("PUT", &format!("{QUOTA}&quota-size=1")).await;
    assert_eq!(user.s3_with("/one/a", "123456").await, 200);
    assert_eq!(user.s3_with("/two/b", "12345").await, 403, "over all its buckets");
    assert_eq!(user.s3_with("/two/b", "1234").await, 200, "just fits");
    assert_eq!(user.s3_with("/one/a", "654321").await, 200, "in place of as much");
    admin.done("DELETE", QUOTA).await;
    assert_eq!(user.s3_with("/two/b", "12345").await, 200);
}
