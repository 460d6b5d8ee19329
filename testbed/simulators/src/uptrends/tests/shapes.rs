//! Names, codes, dates and limits of `/ApiUser` that no document gives.

use super::super::client::Client;
use super::super::{DescriptionLimit, FieldNames, Options, RateLimit, Statuses, TimeFormat};
use super::tenant;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn names_codes_and_dates_follow_their_switches() {
    let options = Options {
        field_names: FieldNames {
            api_user_guid: "Guid",
            password: "ApiPassword",
            ..FieldNames::default()
        },
        statuses: Statuses {
            created: StatusCode::OK,
            updated: StatusCode::OK,
            deleted: StatusCode::OK,
            ..Statuses::default()
        },
        times: TimeFormat::Offset,
        created_date_shown: false,
        awkward_passwords: true,
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    let operator = uptrends.admin().operator_guid;
    let body = json!({"OperatorGuid": operator, "Description": "x"});
    let made = admin.write("POST", "/ApiUser", body.clone()).await;
    assert_eq!(made.status, 200);
    let path = format!("/ApiUser/{}", made.text("Guid"));
    let user = Client::new(&uptrends.url(), &made.text("UserName"), &made.text("ApiPassword"));
    assert_eq!(user.get("/Account").await.status, 200);
    let read = admin.write("PUT", &path, body).await;
    assert_eq!(read.status, 200);
    assert!(read.text("LastUsedDate").ends_with("+02:00"), "{}", read.body);
    assert_eq!(read.json().get("CreatedDate"), None);
    assert_eq!(admin.delete(&path).await.status, 200);
}

#[tokio::test]
async fn descriptions_and_counts_have_the_limits_of_their_switches() {
    let limits = [
        (DescriptionLimit::None, "", json!("API")),
        (DescriptionLimit::Cut(3), "four", json!("fou")),
        (DescriptionLimit::Refuse(3), "four", Value::Null),
    ];
    for (description_limit, description, kept) in limits {
        let options = Options {
            description_limit,
            account_cap: Some(2),
            ..Options::default()
        };
        let (uptrends, admin) = tenant(options).await;
        let operator = uptrends.admin().operator_guid;
        let body = json!({"OperatorGuid": operator, "Description": description});
        let made = admin.write("POST", "/ApiUser", body.clone()).await;
        assert_eq!(made.json()["Description"], kept);
        assert_eq!(made.status, if kept.is_null() { 403 } else { 201 });
        assert_eq!(admin.write("POST", "/ApiUser", body).await.status, 403);
    }
}

#[tokio::test]
async fn above_the_limit_of_requests_an_account_waits() {
    let limit = RateLimit {
        requests: 2,
        window: Duration::from_mins(1),
        retry_after: true,
    };
    let options = Options {
        rate_limit: Some(limit),
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    for status in [200, 200, 429] {
        assert_eq!(admin.get("/Account").await.status, status);
    }
    assert!(admin.get("/Account").await.head.contains("retry-after: 60"));
    uptrends.clock().advance(Duration::from_mins(1));
    assert_eq!(admin.get("/Account").await.status, 200);
    assert_eq!(uptrends.counters().throttled, 2);
}

#[tokio::test]
async fn an_account_deletes_itself_unless_the_switch_says_no() {
    for (self_delete_refused, status, after) in [(false, 204, 401), (true, 403, 200)] {
        let options = Options {
            self_delete_refused,
            ..Options::default()
        };
        let (uptrends, admin) = tenant(options).await;
        let path = format!("/ApiUser/{}", uptrends.admin().guid);
        assert_eq!(admin.delete(&path).await.status, status);
        assert_eq!(admin.get("/Account").await.status, after);
    }
}

#[tokio::test]
async fn refusals_have_the_codes_of_their_switches() {
    let options = Options {
        description_required: true,
        statuses: Statuses {
            bad_credentials: StatusCode::FORBIDDEN,
            validation: StatusCode::BAD_REQUEST,
            malformed_guid: StatusCode::NOT_FOUND,
            unknown_operator: StatusCode::BAD_REQUEST,
            ..Statuses::default()
        },
        times: TimeFormat::Bare,
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    let stranger = Client::new(&uptrends.url(), "nobody", "nothing");
    let refused = stranger.get("/Account").await;
    assert_eq!(refused.status, 403);
    assert!(!refused.head.contains("www-authenticate"));
    let operator = uptrends.admin().operator_guid;
    let unknown = "00000000-0000-4000-8000-000000000000";
    for body in [
        json!({"OperatorGuid": operator, "Description": ""}),
        json!({"OperatorGuid": unknown, "Description": "x"}),
    ] {
        assert_eq!(admin.write("POST", "/ApiUser", body).await.status, 400);
    }
    assert_eq!(admin.get("/ApiUser/Operator/ada").await.status, 404);
    let own = admin.get(&format!("/ApiUser/{}", uptrends.admin().guid)).await;
    assert_eq!(own.text("LastUsedDate").len(), "2024-05-01T10:00:00".len());
}
