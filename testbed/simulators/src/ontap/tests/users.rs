use super::client::Site;
use crate::ontap::{Fault, Keyless, Options, Unknown, Version};
use axum::http::StatusCode;

#[tokio::test]
async fn every_release_tells_its_version() {
    for version in Version::ALL {
        let site = Site::new(|options| options.version = version).await;
        let reply = site.call("GET /api/cluster?fields=version", "").await.json();
        assert_eq!(reply["version"]["major"], version.major);
        assert_eq!(reply["version"]["minor"], version.minor);
    }
}

#[tokio::test]
async fn an_svm_that_is_not_there_is_no_record_and_no_error() {
    let site = Site::new(|_| {}).await;
    let found = site.call("GET /api/svm/svms?name=vs1&fields=uuid", "").await;
    assert_eq!(found.json()["records"][0]["uuid"], site.ontap.svm_uuid());
    let absent = site.call("GET /api/svm/svms?name=other&fields=uuid", "").await;
    assert_eq!(
        (absent.status, absent.json()["num_records"].as_u64()),
        (200, Some(0))
    );
}

#[tokio::test]
async fn the_secret_is_in_the_reply_to_the_create_and_never_in_a_read() {
    let site = Site::new(|_| {}).await;
    let reply = site
        .s3_api("POST users", r#"{"name": "a+b@c", "comment": "x"}"#)
        .await;
    assert_eq!(reply.status, 201);
    assert!(reply.head.contains("/users/a%2bb%40c"), "{}", reply.head);
    let keys = reply.keys();
    let read = site.s3_api("GET users/a%2Bb%40c?fields=*", "").await;
    assert_eq!(read.json()["access_key"], keys.0.as_str());
    assert_eq!(read.json()["comment"], "x");
    assert!(!read.text.contains(&keys.1) && !read.text.contains("secret"));
    assert!(site.works(&keys).await);
    assert!(!site.ontap.snapshot("a+b@c").contains(&keys.1));
}

#[tokio::test]
async fn a_default_read_has_few_fields() {
    let site = Site::new(|_| {}).await;
    site.make_user("u").await;
    let record = site.s3_api("GET users/u", "").await.json();
    assert_eq!(record["name"], "u");
    assert!(record.get("access_key").is_none());
    site.ontap.reconfigure(|options| options.whole_instance = true);
    assert!(
        site.s3_api("GET users/u", "")
            .await
            .json()
            .get("access_key")
            .is_some()
    );
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_that_can_be_switched() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    let again = site.s3_api("POST users", r#"{"name": "u"}"#).await;
    assert_eq!(again.refusal(), (409, "1".to_owned()));
    site.ontap
        .reconfigure(|options| options.name_taken = (StatusCode::BAD_REQUEST, "92405785"));
    let again = site.s3_api("POST users", r#"{"name": "u"}"#).await;
    assert_eq!(again.refusal(), (400, "92405785".to_owned()));
    assert!(site.works(&keys).await);
}

#[tokio::test]
async fn a_missing_user_is_404_with_a_string_code() {
    let site = Site::new(|_| {}).await;
    for line in [
        "GET users/u",
        "DELETE users/u",
        "PATCH users/u?regenerate_keys=true",
    ] {
        let reply = site.s3_api(line, "").await;
        assert_eq!(reply.refusal(), (404, "4".to_owned()), "{line}");
        assert_eq!(reply.json()["error"]["target"], "uuid");
    }
    site.ontap.reconfigure(|options| options.numeric_codes = true);
    assert_eq!(site.s3_api("GET users/u", "").await.json()["error"]["code"], 4);
}

#[tokio::test]
async fn names_have_rules() {
    let site = Site::new(|_| {}).await;
    let refusal = async |name: &str| {
        let body = serde_json::json!({"name": name}).to_string();
        site.s3_api("POST users", &body).await.refusal().1
    };
    assert_eq!(refusal("a b").await, "92405787");
    assert_eq!(refusal("").await, "92405788");
    assert_eq!(refusal(&"a".repeat(65)).await, "92405788");
    let long = serde_json::json!({"name": "a", "comment": "x".repeat(257)}).to_string();
    assert_eq!(site.s3_api("POST users", &long).await.refusal().1, "2");
}

#[tokio::test]
async fn credentials_are_checked() {
    let site = Site::new(|_| {}).await;
    let mut wrong = site.ontap.admin();
    wrong.password.push('x');
    let reply = site.call_as(&wrong, "GET /api/cluster", "").await;
    assert_eq!(reply.refusal(), (401, "6".to_owned()));
    let old = site.ontap.admin();
    site.ontap.change_password("another one");
    assert_eq!(site.call_as(&old, "GET /api/cluster", "").await.status, 401);
    assert_eq!(site.call("GET /api/cluster", "").await.status, 200);
    assert_eq!(site.ontap.counts().refused_logins, 2);
}

#[tokio::test]
async fn an_account_without_the_right_is_refused_with_403() {
    let site = Site::new(|_| {}).await;
    let path = format!("/api/protocols/s3/services/{}/users", site.ontap.svm_uuid());
    let reader = site.ontap.reader();
    assert_eq!(
        site.call_as(&reader, &format!("GET {path}"), "").await.status,
        200
    );
    let reply = site
        .call_as(&reader, &format!("POST {path}"), r#"{"name": "u"}"#)
        .await;
    assert_eq!(reply.refusal(), (403, "92406096".to_owned()));
    site.ontap.reconfigure(|options| options.reads_cluster = false);
    assert_eq!(site.call("GET /api/cluster", "").await.status, 403);
}

#[tokio::test]
async fn an_svm_without_data_takes_no_user() {
    let site = Site::new(|_| {}).await;
    let path = format!("/api/protocols/s3/services/{}/users", site.ontap.other_svm_uuid());
    let reply = site.call(&format!("POST {path}"), r#"{"name": "u"}"#).await;
    assert_eq!(reply.refusal(), (400, "92405817".to_owned()));
    let absent = site.call("GET /api/protocols/s3/services/none/users", "").await;
    assert_eq!(absent.refusal(), (404, "4".to_owned()));
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_its_data_stays() {
    let site = Site::new(|_| {}).await;
    let keys = site.make_user("u").await;
    let group = site.ontap.grant("u", "FullAccess");
    assert_eq!(site.s3(&keys, "PUT /b").await, "200");
    let kept = site.s3_api("DELETE users/u", "").await;
    assert_eq!(kept.refusal(), (400, "92406308".to_owned()));
    site.s3_api(&format!("DELETE groups/{group}"), "").await;
    let deleted = site.s3_api("DELETE users/u", "").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert!(!site.works(&keys).await);
    assert!(site.ontap.snapshot("u").contains(r#"buckets ["b"]"#));
    let other = site.make_user("other").await;
    site.ontap.grant("other", "FullAccess");
    assert_eq!(site.s3(&other, "GET /b").await, "200");
}

#[tokio::test]
async fn members_and_owners_may_be_deleted_or_kept() {
    let site = Site::new(|options| {
        options.member_is_kept = false;
        options.owner_is_kept = true;
    })
    .await;
    for name in ["owner", "member"] {
        let keys = site.make_user(name).await;
        site.ontap.grant(name, "FullAccess");
        if name == "owner" {
            assert_eq!(site.s3(&keys, "PUT /b").await, "200");
        }
    }
    assert_eq!(site.s3_api("DELETE users/member", "").await.status, 200);
    assert_eq!(
        site.s3_api("DELETE users/owner", "").await.refusal().1,
        "92406097"
    );
}

#[tokio::test]
async fn an_error_may_follow_a_write_that_was_carried_out() {
    let site = Site::new(|_| {}).await;
    site.ontap.fail_next(Fault::ErrorAfterWrite);
    let reply = site.s3_api("POST users", r#"{"name": "u"}"#).await;
    assert_eq!(reply.refusal(), (500, "92406097".to_owned()));
    assert_eq!(site.s3_api("GET users/u", "").await.status, 200);
    site.ontap.fail_next(Fault::KeysNotMade);
    let reply = site.s3_api("POST users", r#"{"name": "v"}"#).await;
    assert_eq!(reply.refusal(), (400, "92405791".to_owned()));
    assert_eq!(site.s3_api("GET users/v", "").await.status, 404);
}

#[tokio::test]
async fn replies_to_writes_have_several_shapes() {
    let site = Site::new(|options| options.single_record = true).await;
    let reply = site.s3_api("POST users", r#"{"name": "u"}"#).await.json();
    assert!(reply["records"]["secret_key"].is_string() && reply.get("num_records").is_none());
    site.ontap.reconfigure(|options| {
        *options = Options {
            records_only_if_asked: true,
            ..Options::default()
        };
    });
    assert_eq!(site.s3_api("POST users", r#"{"name": "v"}"#).await.text, "");
    site.make_user("w").await;
}

#[tokio::test]
async fn a_user_without_keys_is_shown_in_several_ways() {
    let site = Site::new(|_| {}).await;
    for (shape, text) in [
        (Keyless::Omitted, None),
        (Keyless::Empty, Some("\"\"")),
        (Keyless::Null, Some("null")),
    ] {
        site.ontap.reconfigure(|options| options.keyless = shape);
        let root = site.s3_api("GET users/root?fields=access_key", "").await.json();
        let shown = root.get("access_key").map(ToString::to_string);
        assert_eq!(shown.as_deref(), text);
    }
}

#[tokio::test]
async fn fields_come_with_releases() {
    let refused = [
        (
            Version::new(13, 1),
            r#"{"name": "u", "key_time_to_live": "P1D"}"#,
            "key_time_to_live",
        ),
        (
            Version::new(15, 1),
            r#"{"name": "u", "access_key": "AK", "secret_key": "s"}"#,
            "access_key",
        ),
    ];
    for (version, body, field) in refused {
        let site = Site::new(|options| options.version = version).await;
        let reply = site.s3_api("POST users", body).await;
        assert_eq!(reply.refusal(), (400, "3".to_owned()));
        site.end_with_violation(field);
    }
    let site = Site::new(|options| {
        options.version = Version::new(15, 1);
        options.unknown = Unknown::Ignored;
    })
    .await;
    let body = r#"{"name": "u", "access_key": "AK", "secret_key": "s"}"#;
    let reply = site.s3_api("POST users", body).await;
    assert_eq!(reply.status, 201);
    assert_ne!(reply.keys().0, "AK");
    site.end_with_violation("access_key");
}
