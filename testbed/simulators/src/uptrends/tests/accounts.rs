//! `/ApiUser`.

use super::super::client::Client;
use super::super::{AccessType, ForeignAccount, LastUse, NoDate, Options, PlainList};
use super::{created, noted, plain, tenant};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_password_is_told_once() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let account = created(&uptrends, &admin, "gracekey a 1").await;
    let one = admin.get(&format!("/ApiUser/{}", account.guid)).await;
    let all = admin.get("/ApiUser").await;
    let of_it = admin
        .get(&format!("/ApiUser/Operator/{}", account.operator_guid))
        .await;
    for response in [one, all, of_it] {
        assert_eq!(response.status, 200);
        assert!(response.body.contains("gracekey a 1"));
        assert!(!response.body.contains(&account.password));
        assert!(!response.body.contains("Password"));
    }
    assert_eq!(
        Client::of(&uptrends.url(), &account).get("/Account").await.status,
        200
    );
}

#[tokio::test]
async fn an_operator_has_as_many_accounts_as_it_likes_with_one_description() {
    let (uptrends, admin) = tenant(Options::default()).await;
    for _ in 0..12 {
        created(&uptrends, &admin, "the same").await;
    }
    let operator = uptrends.admin().operator_guid;
    let of_it = admin.get(&format!("/ApiUser/Operator/{operator}")).await;
    assert_eq!(of_it.json().as_array().unwrap().len(), 13);
    assert_eq!(uptrends.counters().created, 12);
}

#[tokio::test]
async fn put_changes_the_description_and_nothing_else() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let account = created(&uptrends, &admin, "before").await;
    let path = format!("/ApiUser/{}", account.guid);
    let body = json!({"OperatorGuid": account.operator_guid, "Description": "after"});
    let put = admin.write("PUT", &path, body).await;
    assert_eq!((put.status, put.body.as_str()), (204, ""));
    assert_eq!(admin.get(&path).await.text("Description"), "after");
    assert_eq!(
        Client::of(&uptrends.url(), &account).get("/Account").await.status,
        200
    );
}

#[tokio::test]
async fn put_with_another_operator_is_refused_and_a_violation() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let other = uptrends.add_operator(plain("pat@example.com"));
    let account = created(&uptrends, &admin, "before").await;
    let path = format!("/ApiUser/{}", account.guid);
    let body = json!({"OperatorGuid": other.operator_guid, "Description": "after"});
    assert_eq!(admin.write("PUT", &path, body).await.status, 403);
    assert_eq!(admin.get(&path).await.text("Description"), "before");
    let noted = noted(uptrends);
    assert_eq!(
        noted,
        ["PUT /ApiUser/{apiUserGuid}: OperatorGuid must be there and remain unchanged"]
    );
}

#[tokio::test]
async fn delete_is_immediate_and_a_second_one_finds_nothing() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let account = created(&uptrends, &admin, "x").await;
    let path = format!("/ApiUser/{}", account.guid);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(
        Client::of(&uptrends.url(), &account).get("/Account").await.status,
        401
    );
    let second = admin.delete(&path).await;
    assert_eq!(second.status, 404);
    assert!(second.json()["Messages"][0]["Message"].is_string());
}

#[tokio::test]
async fn last_used_has_three_states() {
    let options = Options {
        never_used: NoDate::Text("Not yet used"),
        unknown_use: NoDate::Absent,
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    let operator = uptrends.admin().operator_guid;
    let old = ForeignAccount {
        before_last_used: true,
        access_type: AccessType::MobileApp,
        ..ForeignAccount::default()
    };
    let old = uptrends.add_foreign_account(&operator, &old);
    let account = created(&uptrends, &admin, "x").await;
    let read = async |guid: &str| admin.get(&format!("/ApiUser/{guid}")).await.json();
    assert_eq!(read(&account.guid).await["LastUsedDate"], "Not yet used");
    assert_eq!(uptrends.last_use(&account.guid), Some(LastUse::Never));
    for account in [&old, &account] {
        assert_eq!(
            Client::of(&uptrends.url(), account).get("/Account").await.status,
            200
        );
    }
    let used = read(&account.guid).await;
    assert!(used["LastUsedDate"].as_str().unwrap().ends_with('Z'), "{used}");
    // An older account stays unknown although it was used, and although its use is counted.
    let unknown = read(&old.guid).await;
    assert_eq!(unknown.get("LastUsedDate"), None);
    assert_eq!(unknown["RequestCountLast30Days"], 1);
    assert_eq!(unknown["AccessType"], "MobileApp");
    assert_eq!(unknown["CreatedDate"], "2022-01-01T00:00:00Z");
    assert_eq!(uptrends.last_use(&old.guid), Some(LastUse::Unknown));
}

#[tokio::test]
async fn an_older_account_shows_its_use_where_the_switch_says_so() {
    let options = Options {
        old_accounts_stay_unknown: false,
        ..Options::default()
    };
    let (uptrends, _) = tenant(options).await;
    let old = ForeignAccount {
        before_last_used: true,
        ..ForeignAccount::default()
    };
    let old = uptrends.add_foreign_account(&uptrends.admin().operator_guid, &old);
    assert_eq!(uptrends.last_use(&old.guid), Some(LastUse::Unknown));
    Client::of(&uptrends.url(), &old).get("/Account").await;
    assert!(matches!(uptrends.last_use(&old.guid), Some(LastUse::At(_))));
}

#[tokio::test]
async fn requests_are_counted_for_30_days_and_the_date_stays() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let account = created(&uptrends, &admin, "x").await;
    let path = format!("/ApiUser/{}", account.guid);
    for _ in 0..3 {
        Client::of(&uptrends.url(), &account)
            .get("/CheckpointRegion")
            .await;
    }
    assert_eq!(admin.get(&path).await.json()["RequestCountLast30Days"], 3);
    uptrends.clock().advance(Duration::from_hours(31 * 24));
    let later = admin.get(&path).await.json();
    assert_eq!(later["RequestCountLast30Days"], 0);
    assert!(later["LastUsedDate"].is_string());
}

#[tokio::test]
async fn a_use_shows_late_where_the_switch_says_so() {
    let options = Options {
        last_used_delay: Duration::from_hours(1),
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    let account = created(&uptrends, &admin, "x").await;
    Client::of(&uptrends.url(), &account).get("/Account").await;
    assert_eq!(uptrends.last_use(&account.guid), Some(LastUse::Never));
    uptrends.clock().advance(Duration::from_hours(1));
    assert!(matches!(uptrends.last_use(&account.guid), Some(LastUse::At(_))));
}

#[tokio::test]
async fn accounts_work_and_show_late_where_the_switches_say_so() {
    let options = Options {
        works_after: Duration::from_secs(10),
        visible_after: Duration::from_mins(1),
        ..Options::default()
    };
    let (uptrends, admin) = tenant(options).await;
    let account = created(&uptrends, &admin, "x").await;
    let user = Client::of(&uptrends.url(), &account);
    let path = format!("/ApiUser/{}", account.guid);
    assert_eq!(
        (user.get("/Account").await.status, admin.get(&path).await.status),
        (401, 404)
    );
    uptrends.clock().advance(Duration::from_secs(10));
    assert_eq!(
        (user.get("/Account").await.status, admin.get(&path).await.status),
        (200, 404)
    );
    assert_eq!(admin.get("/ApiUser").await.json().as_array().unwrap().len(), 1);
    uptrends.clock().advance(Duration::from_secs(50));
    assert_eq!(admin.get("/ApiUser").await.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_api_account_has_the_rights_of_its_operator() {
    let (uptrends, admin) = tenant(Options::default()).await;
    let pat = uptrends.add_foreign_user("Pat Plain");
    let of_admin = created(&uptrends, &admin, "x").await;
    let client = Client::of(&uptrends.url(), &pat);
    assert_eq!(client.get("/ApiUser").await.status, 403);
    assert_eq!(
        client.get(&format!("/ApiUser/{}", of_admin.guid)).await.status,
        403
    );
    assert_eq!(
        client.delete(&format!("/ApiUser/{}", of_admin.guid)).await.status,
        403
    );
    assert_eq!(
        client
            .get(&format!("/ApiUser/Operator/{}", of_admin.operator_guid))
            .await
            .status,
        403
    );
    assert_eq!(
        client
            .get(&format!("/ApiUser/Operator/{}", pat.operator_guid))
            .await
            .status,
        200
    );
    let body = json!({"OperatorGuid": of_admin.operator_guid, "Description": "x"});
    assert_eq!(client.write("POST", "/ApiUser", body).await.status, 403);
    let body = json!({"OperatorGuid": pat.operator_guid, "Description": "x"});
    assert_eq!(client.write("POST", "/ApiUser", body).await.status, 201);
}

#[tokio::test]
async fn the_list_of_a_plain_operator_follows_its_switch() {
    for (plain_list, count) in [(PlainList::Own, 1), (PlainList::All, 2)] {
        let options = Options {
            plain_list,
            plain_operators_manage_own: false,
            ..Options::default()
        };
        let (uptrends, _) = tenant(options).await;
        let pat = uptrends.add_foreign_user("Pat Plain");
        let client = Client::of(&uptrends.url(), &pat);
        assert_eq!(
            client.get("/ApiUser").await.json().as_array().unwrap().len(),
            count
        );
        assert_eq!(client.delete(&format!("/ApiUser/{}", pat.guid)).await.status, 403);
    }
}

#[tokio::test]
async fn unknown_and_malformed_operators_are_told_apart() {
    let unknown = "00000000-0000-4000-8000-000000000000";
    let (_uptrends, admin) = tenant(Options::default()).await;
    assert_eq!(
        admin.get(&format!("/ApiUser/Operator/{unknown}")).await.status,
        404
    );
    assert_eq!(admin.get("/ApiUser/Operator/ada").await.status, 400);
    let body = json!({"OperatorGuid": unknown, "Description": "x"});
    assert_eq!(admin.write("POST", "/ApiUser", body).await.status, 404);
    let options = Options {
        unknown_operator_lists_nothing: true,
        ..Options::default()
    };
    let (_uptrends, admin) = tenant(options).await;
    let list = admin.get(&format!("/ApiUser/Operator/{unknown}")).await;
    assert_eq!((list.status, list.json()), (200, json!([])));
}
