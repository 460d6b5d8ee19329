//! `/Operator`, `/Register`, and what a test does behind the driver's back.

use super::super::client::Client;
use super::super::{ACCOUNT_ID, ForeignAccount, NewOperator, Options, RegisterRefusals, Uptrends};
use super::{created, noted, plain, tenant};
use serde_json::{Value, json};

#[tokio::test]
async fn an_operators_login_and_an_api_account_are_two_realms() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let login = Client::login(&uptrends.url(), &uptrends.admin_login());
    assert_eq!(login.get("/Operator").await.status, 401);
    assert_eq!(admin.get("/Operator").await.status, 200);
    let refused = admin.write("POST", "/Register", Value::Null).await;
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("www-authenticate: basic"));
    assert_eq!(login.write("POST", "/Register", Value::Null).await.status, 201);
    assert_eq!(uptrends.counters().refused, 2);
    assert_eq!(uptrends.counters().logins, 2);
}

#[tokio::test]
async fn register_makes_an_account_for_the_caller_called_api() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let login = Client::login(&uptrends.url(), &uptrends.admin_login());
    let made = login
        .write("POST", "/Register?description=&operatorGuid=", Value::Null)
        .await;
    assert_eq!(made.status, 201);
    // The case of the names is mixed, and the id of the account is text.
    assert_eq!(made.text("status"), "OK");
    assert_eq!(made.text("AccountId"), ACCOUNT_ID);
    assert_eq!(made.text("OperatorName"), "Ada Administrator");
    let user = Client::new(&uptrends.url(), &made.text("UserName"), &made.text("Password"));
    let own = user
        .get(&format!("/ApiUser/Operator/{}", uptrends.admin().operator_guid))
        .await;
    let own = own.json();
    let new = own
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["UserName"] == made.text("UserName"));
    assert_eq!(new.unwrap()["Description"], "API");
    assert_eq!(admin.get("/Account").await.text("AccountId"), ACCOUNT_ID);
}

#[tokio::test]
async fn register_for_another_operator_takes_an_administrator() {
    let (uptrends, _) = tenant(Options::default()).await;
    let pat = uptrends.add_operator(plain("pat@example.com"));
    let by_admin = Client::login(&uptrends.url(), &uptrends.admin_login());
    let by_pat = Client::login(&uptrends.url(), &pat);
    let path = |guid: &str| format!("/Register?description=a%20b&operatorGuid={guid}");
    let made = by_admin
        .write("POST", &path(&pat.operator_guid), Value::Null)
        .await;
    assert_eq!(made.text("OperatorName"), "Pat Plain");
    let of_admin = uptrends.admin().operator_guid;
    assert_eq!(
        by_pat.write("POST", &path(&of_admin), Value::Null).await.status,
        403
    );
    let unknown = path("00000000-0000-4000-8000-000000000000");
    assert_eq!(by_admin.write("POST", &unknown, Value::Null).await.status, 404);
    assert_eq!(
        by_admin.write("POST", &path("pat"), Value::Null).await.status,
        400
    );
    assert_eq!(uptrends.counters().registered, 1);
}

#[tokio::test]
async fn register_says_no_in_its_body_where_the_switch_says_so() {
    let options = Options {
        register_refusals: RegisterRefusals::InBody,
        ..Options::default()
    };
    let (uptrends, _) = tenant(options).await;
    let login = Client::login(&uptrends.url(), &uptrends.admin_login());
    let refused = login
        .write("POST", "/Register?operatorGuid=pat", Value::Null)
        .await;
    assert_eq!(
        (refused.status, refused.text("status").as_str()),
        (201, "UnexpectedError")
    );
    assert_eq!(refused.json().get("Password"), None);
}

#[tokio::test]
async fn an_operator_of_single_sign_on_cannot_register() {
    for (register_takes_sso_only, status) in [(false, 401), (true, 201)] {
        let options = Options {
            register_takes_sso_only,
            ..Options::default()
        };
        let (uptrends, _) = tenant(options).await;
        let sam = uptrends.add_operator(NewOperator {
            sso_only: true,
            ..plain("sam@example.com")
        });
        let login = Client::login(&uptrends.url(), &sam);
        let answer = login.write("POST", "/Register", Value::Null).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.body.contains("single sign-on"), status == 401);
    }
}

#[tokio::test]
async fn operators_are_told_by_mail_and_not_by_full_name() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let one = uptrends.add_operator(plain("one@example.com"));
    let two = uptrends.add_operator(plain("two@example.com"));
    let all = admin.get("/Operator").await.json();
    let named = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["FullName"] == "Pat Plain");
    assert_eq!(named.count(), 2);
    let read = admin.get(&format!("/Operator/{}", two.operator_guid)).await;
    assert_eq!(read.text("Email"), "two@example.com");
    assert!(read.json()["Hash"].is_string());
    assert!(!read.body.contains(&two.password) && !read.body.contains("Password"));
    assert_eq!(
        admin
            .get("/Operator/00000000-0000-4000-8000-000000000000")
            .await
            .status,
        404
    );
    assert_ne!(one.operator_guid, two.operator_guid);
}

#[tokio::test]
async fn operators_are_made_and_patched_with_what_is_valid() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let body = json!({"FullName": "New One", "Email": "new@example.com", "Password": "correct horse"});
    let made = admin.write("POST", "/Operator", body.clone()).await;
    assert_eq!(made.status, 201);
    // 403 is for validation as well.
    assert_eq!(admin.write("POST", "/Operator", body).await.status, 403);
    assert_eq!(
        admin
            .write("POST", "/Operator", json!({"FullName": "x"}))
            .await
            .status,
        403
    );
    let path = format!("/Operator/{}", made.text("OperatorGuid"));
    let patched = admin
        .write(
            "PATCH",
            &path,
            json!({"FullName": "Other One", "IsOnDuty": false}),
        )
        .await;
    assert_eq!(patched.status, 204);
    let read = admin.get(&path).await;
    assert_eq!(
        (read.text("FullName"), read.text("Email")),
        ("Other One".into(), "new@example.com".into())
    );
    assert_ne!(read.text("Hash"), made.text("Hash"));
    let login = Client::new(&uptrends.url(), "NEW@example.com", "correct horse");
    assert_eq!(login.write("POST", "/Register", Value::Null).await.status, 201);
}

#[tokio::test]
async fn deleting_an_operator_takes_its_accounts_and_is_a_violation() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let pat = uptrends.add_foreign_user("Pat Plain");
    assert_eq!(
        admin
            .delete(&format!("/Operator/{}", pat.operator_guid))
            .await
            .status,
        204
    );
    assert_eq!(
        Client::of(&uptrends.url(), &pat).get("/Account").await.status,
        401
    );
    let own = format!("/Operator/{}", uptrends.admin().operator_guid);
    assert_eq!(admin.delete(&own).await.status, 403);
    assert_eq!(noted(uptrends).len(), 2);
}

#[tokio::test]
async fn a_snapshot_shows_changes_but_not_uses_or_secrets() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let pat = uptrends.add_foreign_user("Pat Plain");
    let before = uptrends.snapshot("Pat Plain");
    assert_eq!(
        Client::of(&uptrends.url(), &pat).get("/Account").await.status,
        200
    );
    created(&uptrends, &admin, "of another operator").await;
    assert_eq!(uptrends.snapshot("pat.plain@example.com"), before);
    assert!(before.contains("made by hand") && !before.contains(&pat.password));
    uptrends.describe_account(&pat.guid, "new");
    let described = uptrends.snapshot(&pat.operator_guid);
    assert_ne!(described, before);
    let by_hand = uptrends.add_foreign_account(&pat.operator_guid, &ForeignAccount::default());
    assert_ne!(uptrends.snapshot("Pat Plain"), described);
    assert_eq!(uptrends.accounts_of(&pat.operator_guid).len(), 2);
    assert!(uptrends.delete_account(&by_hand.guid));
    assert_eq!(uptrends.snapshot("Pat Plain"), described);
}

#[tokio::test]
async fn tenants_of_other_seeds_have_other_credentials() {
    let options = Options {
        seed: 1,
        ..Options::default()
    };
    let other = Uptrends::start(options).await;
    let (uptrends, _) = tenant(Options::default()).await;
    let stranger = Client::of(&uptrends.url(), &other.admin());
    assert_eq!(stranger.get("/Account").await.status, 401);
}
