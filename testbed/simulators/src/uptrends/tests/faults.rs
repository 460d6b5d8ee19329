//! What goes wrong on demand, and how errors look.

use super::super::client::Client;
use super::super::{Fault, Format, Options, UndeclaredBodies};
use super::{created, tenant};
use axum::http::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_failed_answer_to_a_write_leaves_an_account_that_its_description_finds() {
    let (uptrends, admin) = tenant(Options::default()).await;
    uptrends.fail_next(Fault::FailAfterWrite(StatusCode::INTERNAL_SERVER_ERROR));
    // A read is no write, and so the fault waits.
    assert_eq!(admin.get("/ApiUser").await.status, 200);
    let operator = uptrends.admin().operator_guid;
    let body = json!({"OperatorGuid": operator, "Description": "marker 7"});
    let failed = admin.write("POST", "/ApiUser", body).await;
    assert_eq!(failed.status, 500);
    assert!(failed.json()["Messages"][0]["Message"].is_string());
    let all = admin.get("/ApiUser").await.json();
    let found = all
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["Description"] == "marker 7");
    let path = format!("/ApiUser/{}", found.unwrap()["ApiUserGuid"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.status, 204);
}

#[tokio::test]
async fn register_can_fail_in_its_body_and_have_made_the_account() {
    for (made, accounts) in [(true, 2), (false, 1)] {
        let (uptrends, _) = tenant(Options::default()).await;
        uptrends.fail_next(Fault::RegisterUnexpectedError { made });
        let login = Client::login(&uptrends.url(), &uptrends.admin_login());
        let failed = login.write("POST", "/Register", Value::Null).await;
        assert_eq!(
            (failed.status, failed.text("status").as_str()),
            (201, "UnexpectedError")
        );
        assert_eq!(
            uptrends.accounts_of(&uptrends.admin().operator_guid).len(),
            accounts
        );
        let again = login.write("POST", "/Register", Value::Null).await;
        assert_eq!(again.text("status"), "OK");
    }
}

#[tokio::test]
async fn an_account_can_be_made_without_its_password_in_the_answer() {
    let (uptrends, admin) = tenant(Options::default()).await;
    uptrends.fail_next(Fault::NoPassword);
    let body = json!({"OperatorGuid": uptrends.admin().operator_guid, "Description": "x"});
    let made = admin.write("POST", "/ApiUser", body.clone()).await;
    assert_eq!((made.status, made.json().get("Password")), (201, None));
    assert!(admin.write("POST", "/ApiUser", body).await.json()["Password"].is_string());
}

#[tokio::test]
async fn a_credential_dies_in_the_middle() {
    let (uptrends, admin) = tenant(Options::default()).await;
    assert_eq!(admin.get("/Account").await.status, 200);
    uptrends.fail_next(Fault::CredentialDies);
    assert_eq!(admin.get("/Account").await.status, 401);
    assert_eq!(admin.get("/Account").await.status, 401);
}

#[tokio::test]
async fn too_many_requests_come_with_and_without_a_time_to_wait() {
    let (uptrends, admin) = tenant(Options::default()).await;
    for retry_after in [Some(7), None] {
        uptrends.fail_next(Fault::TooManyRequests { retry_after });
    }
    let (first, second) = (admin.get("/Account").await, admin.get("/Account").await);
    assert_eq!((first.status, second.status), (429, 429));
    assert!(first.head.contains("retry-after: 7"));
    assert!(!second.head.contains("retry-after"));
    assert_eq!(admin.get("/Account").await.status, 200);
}

#[tokio::test]
async fn undeclared_errors_have_the_body_of_their_switch() {
    let bodies = [
        (UndeclaredBodies::Messages, "application/json", true),
        (UndeclaredBodies::Html, "text/html", false),
        (UndeclaredBodies::Empty, "content-length: 0", false),
    ];
    for (undeclared_bodies, sign, is_json) in bodies {
        let options = Options {
            undeclared_bodies,
            ..Options::default()
        };
        let (uptrends, admin) = tenant(options).await;
        let stranger = Client::new(&uptrends.url(), "nobody", "nothing");
        let refused = stranger.get("/ApiUser").await;
        assert_eq!(refused.status, 401);
        assert!(refused.head.contains(sign), "{}", refused.head);
        assert_eq!(refused.body.contains("Messages"), is_json);
        // A declared one has its body all the same.
        let missing = admin.get("/ApiUser/00000000-0000-4000-8000-000000000000").await;
        assert!(missing.body.contains("Messages"));
    }
}

#[tokio::test]
async fn a_resource_that_is_not_there_is_no_fault_of_the_caller() {
    let options = Options {
        api_user_available: false,
        register_available: false,
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    assert_eq!(admin.get("/ApiUser").await.status, 404);
    let login = Client::login(&uptrends.url(), &uptrends.admin_login());
    assert_eq!(login.write("POST", "/Register", Value::Null).await.status, 404);
}

#[tokio::test]
async fn xml_comes_to_those_who_do_not_ask_for_json() {
    let options = Options {
        format_without_accept: Format::Xml,
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    created(&uptrends, &admin, "a < b").await;
    let xml = admin.send("GET", "/ApiUser", "", "").await;
    assert!(xml.body.starts_with("<ArrayOfApiUser><Item>"), "{}", xml.body);
    assert!(xml.body.contains("<Description>a &lt; b</Description>"));
    let asked = admin
        .send("GET", "/ApiUser", "accept: application/xml\r\n", "")
        .await;
    assert!(asked.head.contains("content-type: application/xml"));
    assert_eq!(super::noted(uptrends).len(), 2);
}
