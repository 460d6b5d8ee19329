//! What is noted, and what is not.

use super::super::client::{Client, raw};
use super::super::{Options, Uptrends};
use super::{created, noted, tenant};
use serde_json::json;

const JSON: &str = "accept: application/json\r\ncontent-type: application/json\r\n";
const ACCEPT: &str = "accept: application/json\r\n";

/// A request as method, path, headers, body; then its status, and a part of the one note that it is worth.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u16,
    &'static str,
);

const CASES: [Case; 15] = [
    ("GET", "/ApiUser", "", "", 200, "Accept must say application/json"),
    (
        "GET",
        "/ApiUser",
        "accept: */*\r\n",
        "",
        200,
        "Accept must say application/json",
    ),
    ("GET", "/ApiUser?take=5", ACCEPT, "", 200, "no parameter \"take\""),
    ("GET", "/ApiUser", ACCEPT, "{}", 200, "it takes no body"),
    (
        "GET",
        "/ApiUsers",
        ACCEPT,
        "",
        404,
        "GET /v4/ApiUsers: there is no such path",
    ),
    ("GET", "/ApiUser/", ACCEPT, "", 404, "there is no such path"),
    ("PATCH", "/ApiUser", JSON, "{}", 405, "no such method"),
    ("GET", "/ApiUser/7", ACCEPT, "", 400, "nothing but GUIDs"),
    ("POST", "/ApiUser", ACCEPT, "{}", 415, "Content-Type"),
    (
        "POST",
        "/ApiUser",
        "accept: application/json\r\ncontent-type: text/json\r\n",
        "{}",
        415,
        "Content-Type",
    ),
    ("POST", "/ApiUser", JSON, "[]", 400, "must be a JSON object"),
    (
        "POST",
        "/ApiUser",
        JSON,
        "{\"Description\":\"x\"}",
        403,
        "must have OperatorGuid",
    ),
    (
        "POST",
        "/ApiUser",
        JSON,
        "{\"Description\":7}",
        400,
        "\"Description\" must be text",
    ),
    ("DELETE", "/Register", ACCEPT, "", 405, "no such method"),
    ("GET", "/Monitor", ACCEPT, "", 404, "there is no such path"),
];

#[tokio::test]
async fn each_breach_of_a_rule_is_noted_once_and_answered() {
    for (method, path, headers, body, status, part) in CASES {
        let (uptrends, admin) = tenant(Options::default()).await;
        let answer = admin.send(method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let noted = noted(uptrends);
        assert_eq!(noted.len(), 1, "{noted:?}");
        assert!(noted[0].contains(part), "{noted:?}");
    }
}

#[tokio::test]
async fn fields_beside_the_two_are_noted_and_passed_over_or_refused() {
    for (extra_fields_refused, status) in [(false, 201), (true, 403)] {
        let options = Options {
            extra_fields_refused,
            ..Options::default()
        };
        let (uptrends, admin) = tenant(options).await;
        let operator = uptrends.admin().operator_guid;
        let body = json!({"OperatorGuid": operator, "Description": "x", "Password": "of my choice"});
        let answer = admin.write("POST", "/ApiUser", body).await;
        assert_eq!(answer.status, status);
        assert!(!answer.body.contains("of my choice"));
        assert_eq!(
            noted(uptrends),
            ["POST /ApiUser: it does not take the field \"Password\""]
        );
    }
}

#[tokio::test]
async fn a_field_in_another_case_is_noted_and_taken() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let body = json!({"OperatorGuid": uptrends.admin().operator_guid, "description": "x"});
    let answer = admin.write("POST", "/ApiUser", body).await;
    assert_eq!(answer.text("Description"), "x");
    assert_eq!(noted(uptrends).len(), 1);
}

#[tokio::test]
async fn a_secret_in_a_url_is_noted_without_the_secret() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let account = created(&uptrends, &admin, "x").await;
    admin.get(&format!("/Account?x={}", account.password)).await;
    admin.get(&format!("/Account?{}", account.password)).await;
    admin.get(&format!("/ApiUser/{}/y", account.password)).await;
    let noted = noted(uptrends);
    let of_secrets = noted
        .iter()
        .filter(|note| note.contains("a secret has no place in a URL"));
    assert_eq!(of_secrets.count(), 3, "{noted:?}");
    assert!(!noted.concat().contains(&account.password));
    assert!(noted.concat().contains("/v4/ApiUser/***/y"));
}

#[tokio::test]
async fn an_authorization_that_is_no_http_basic_is_noted() {
    for authorization in ["", "authorization: Bearer abc\r\n", "authorization: Basic !!\r\n"] {
        let (uptrends, _) = tenant(Options::default()).await;
        let headers = format!("{authorization}{ACCEPT}");
        let answer = raw(&uptrends.url(), "GET", "/ApiUser", &headers, "").await;
        assert_eq!(answer.status, 401);
        let noted = noted(uptrends);
        assert_eq!(noted.len(), 1);
        assert!(noted[0].contains("Authorization"), "{noted:?}");
    }
}

#[tokio::test]
async fn what_a_correct_caller_may_meet_is_not_noted() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let stranger = Client::new(&uptrends.url(), "nobody", "nothing");
    assert_eq!(stranger.get("/ApiUser").await.status, 401);
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(admin.delete(&format!("/ApiUser/{unknown}")).await.status, 404);
    assert_eq!(admin.get("/ApiUser/Operator/ada%40example.com").await.status, 400);
    assert_eq!(admin.get("/Operator/ada").await.status, 400);
    assert!(uptrends.violations().all().is_empty());
}

#[tokio::test]
#[should_panic(expected = "requests that the documents do not allow")]
async fn a_violation_fails_the_test_that_holds_the_tenant() {
    let uptrends = Uptrends::start(Options::default()).await;
    let admin = Client::of(&uptrends.url(), &uptrends.admin());
    admin.get("/ApiUser?x=1").await;
}
