use super::super::{LimitForm, LimitUnit, Options, Verb};
use super::{start, violations_of};
use std::time::Duration;

const USER: &str = "emailAddress=u%40example.com";

#[tokio::test]
async fn an_account_has_pairs_of_its_own() {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    let account = format!("{USER}&accountName=a");
    let made = admin.done("POST", &format!("ostor-accounts&{account}")).await;
    assert_eq!(made.json()["Name"], "a");
    let pair = made.pair();
    assert!(pair.0.starts_with(&store.access_keys("u@example.com")[0][..16]));
    assert_eq!(admin.with(&pair).s3("GET", "/").await, 200);
    assert_eq!(
        admin
            .done("POST", &format!("ostor-users&{account}&genKey"))
            .await
            .keys()
            .len(),
        2
    );
    assert_eq!(
        admin
            .call("POST", &format!("ostor-users&{account}&genKey"))
            .await
            .status,
        400
    );
    let user = admin.done("GET", &format!("ostor-users&{USER}")).await;
    assert_eq!(
        (user.keys().len(), &user.json()["AccountCount"]),
        (1, &"1".into())
    );
    // An account may come to have no pair at all.
    for id in user.json()["Accounts"][0]["AWSAccessKeys"].as_array().unwrap() {
        let id = id["AWSAccessKeyId"].as_str().unwrap();
        admin
            .done("POST", &format!("ostor-users&{account}&revokeKey={id}"))
            .await;
    }
    assert!(store.snapshot("u@example.com").contains("account a []\n"));
    assert_eq!(
        admin
            .call("POST", &format!("ostor-accounts&{account}"))
            .await
            .status,
        409
    );
    admin.done("DELETE", &format!("ostor-accounts&{account}")).await;
    assert_eq!(
        admin
            .call("DELETE", &format!("ostor-accounts&{account}"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_account_may_be_made_with_put() {
    let options = Options {
        account_verb: Verb::Put,
        ..Options::default()
    };
    let (store, admin) = start(options).await;
    store.foreign_user("u@example.com");
    let account = format!("ostor-accounts&{USER}&accountName=a");
    assert_eq!(admin.call("POST", &account).await.status, 405);
    admin.done("PUT", &account).await;
}

#[tokio::test]
async fn limits_are_set_per_minute_and_read_per_second() {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    let limits = format!("ostor-limits&{USER}");
    assert_eq!(admin.call("GET", &limits).await.status, 400);
    admin
        .done("PUT", &format!("{limits}&ops&default=60&get=90"))
        .await;
    let read = admin.done("GET", &limits).await.json();
    assert_eq!(
        (&read["ops:default"], &read["ops:get"]),
        (&"1.00".into(), &"1.50".into())
    );
    assert_eq!(
        (&read["ops:put"], &read["bandwidth:out"]),
        (&"1.00".into(), &"0".into())
    );
    store.set_options(|options| options.limit_unit = LimitUnit::PerSecond);
    admin
        .done(
            "PUT",
            &format!("{limits}&limit-type=ops&limit-resource=get&limit-value=3600"),
        )
        .await;
    admin
        .done(
            "PUT",
            &format!("{limits}&limit-type=bandwidth&limit-resource=out&limit-value=100"),
        )
        .await;
    let read = admin.done("GET", &limits).await.json();
    assert_eq!(
        (&read["ops:get"], &read["bandwidth:out"]),
        (&"3600.00".into(), &"100".into())
    );
    admin.done("DELETE", &limits).await;
    store.set_options(|options| options.limits = false);
    assert_eq!(
        admin.call("PUT", &format!("{limits}&ops&get=1")).await.status,
        400
    );
}

#[tokio::test]
async fn a_limit_in_the_other_form_is_400() {
    let options = Options {
        limit_form: LimitForm::Typed,
        ..Options::default()
    };
    let (store, admin) = start(options).await;
    store.foreign_user("u@example.com");
    assert_eq!(
        admin
            .call("PUT", &format!("ostor-limits&{USER}&ops&get=1"))
            .await
            .status,
        400
    );
    assert!(violations_of(store)[0].contains("documented forms"));
}

#[tokio::test]
async fn usage_names_the_user_once_its_period_is_over() {
    let (store, admin) = start(Options::default()).await;
    let pair = store.foreign_user("u@example.com");
    let period = Duration::from_mins(30);
    let user = admin.with(&pair);
    for _ in 0..2 {
        store.clock().advance(period);
        assert_eq!(user.s3("PUT", "/bucket").await, 200);
        assert_eq!(user.s3("GET", "/").await, 200);
    }
    let now = admin.done("GET", "ostor-usage").await.json();
    assert_eq!(now["nr_items"], 1);
    store.clock().advance(period);
    let page = admin.done("GET", "ostor-usage&limit=1").await.json();
    assert_eq!((&page["nr_items"], &page["truncated"]), (&1.into(), &true.into()));
    let first = page["items"][0].as_str().unwrap();
    assert!(first.starts_with("s3-usage-8000000000000065-") && first.ends_with(".000Z-1800"));
    let rest = admin
        .done("GET", &format!("ostor-usage&after={first}"))
        .await
        .json();
    assert_eq!(
        (&rest["nr_items"], &rest["truncated"]),
        (&1.into(), &false.into())
    );
    let item = admin
        .done("GET", &format!("ostor-usage&obj={first}"))
        .await
        .json();
    assert_eq!(item["nr_items"], 2);
    assert_eq!(item["items"][1]["key"]["user_id"], pair.0[..16]);
    assert_eq!(item["items"][1]["counters"]["ops"]["put"], 1);
    store.set_options(|options| options.usage = false);
    assert_eq!(admin.done("GET", "ostor-usage").await.json()["nr_items"], 0);
}

#[tokio::test]
async fn a_high_limit_breaks_the_list_of_usage() {
    let (store, admin) = start(Options::default()).await;
    assert!(
        serde_json::from_str::<serde_json::Value>(&admin.done("GET", "ostor-usage&limit=710").await.body)
            .is_ok()
    );
    let broken = admin.done("GET", "ostor-usage&limit=711").await.body;
    assert!(serde_json::from_str::<serde_json::Value>(&broken).is_err());
    assert!(violations_of(store)[0].contains("broken JSON"));
}

#[tokio::test]
async fn deleting_usage_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    assert_eq!(
        admin.call("DELETE", "ostor-usage&obj=s3-usage-x").await.status,
        404
    );
    assert!(violations_of(store)[0].contains("billed"));
}
