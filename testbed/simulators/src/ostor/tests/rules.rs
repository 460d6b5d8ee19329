use super::super::Options;
use super::{start, violations_of};

const USER: &str = "ostor-users&emailAddress=u%40example.com";

/// What is noted, and the status, of one call beside a user.
async fn noted(method: &str, query: &str) -> (u16, String) {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    let status = admin.call(method, query).await.status;
    (status, violations_of(store).join("; "))
}

#[tokio::test]
async fn an_unknown_parameter_is_a_violation() {
    let (status, noted) = noted("GET", &format!("{USER}&colour=red")).await;
    assert_eq!(status, 200);
    assert_eq!(
        noted,
        "GET /?ostor-users&colour&emailAddress: colour is no parameter of this call"
    );
}

#[tokio::test]
async fn more_than_one_identifying_parameter_is_400() {
    let (status, noted) = noted("GET", &format!("{USER}&id=a721fc1a64f13a05")).await;
    assert_eq!(status, 400);
    assert!(noted.contains("only one of the identifying parameters"));
}

#[tokio::test]
async fn a_flag_with_a_value_is_a_violation() {
    assert!(
        noted("POST", &format!("{USER}&genKey=true"))
            .await
            .1
            .contains("genKey is a flag")
    );
}

#[tokio::test]
async fn two_actions_at_once_are_400() {
    let (status, noted) = noted("POST", &format!("{USER}&genKey&disable")).await;
    assert_eq!(status, 400);
    assert!(noted.contains("exactly one"));
}

#[tokio::test]
async fn a_parameter_twice_is_400() {
    let (status, noted) = noted("GET", &format!("{USER}&emailAddress=v")).await;
    assert_eq!(status, 400);
    assert!(noted.contains("emailAddress stands there twice"));
}

#[tokio::test]
async fn a_name_that_is_no_e_mail_is_400() {
    let (status, noted) = noted("PUT", "ostor-users&emailAddress=plain").await;
    assert_eq!(status, 400);
    assert!(noted.contains("e-mail address"));
}

#[tokio::test]
async fn unknown_sub_resources_and_methods_are_405() {
    let (status, unknown) = noted("GET", "ostor-spaceships").await;
    assert_eq!(status, 405);
    assert!(unknown.contains("there is no such call"));
    assert_eq!(noted("PATCH", USER).await.0, 405);
}

#[tokio::test]
async fn a_secret_in_the_url_is_a_violation_that_does_not_show_it() {
    let (store, admin) = start(Options::default()).await;
    let (_, secret) = store.foreign_user("u@example.com");
    admin.call("POST", &format!("{USER}&revokeKey={secret}")).await;
    let noted = violations_of(store).join("; ");
    assert!(noted.contains("a secret stands in the URL"));
    assert!(!noted.contains(&secret));
}

#[tokio::test]
async fn changing_the_system_user_is_a_violation() {
    let (store, admin) = start(Options::default()).await;
    let system = format!("ostor-users&emailAddress={}", store.system_user());
    admin.done("POST", &format!("{system}&genKey")).await;
    assert!(violations_of(store)[0].contains("a system user is not to be changed"));
}

#[tokio::test]
async fn what_a_driver_may_run_into_is_no_violation() {
    let (store, admin) = start(Options::default()).await;
    store.foreign_user("u@example.com");
    store.foreign_key("u@example.com");
    for (method, query, status) in [
        ("PUT", USER.to_owned(), 409),
        ("POST", format!("{USER}&genKey"), 400),
        ("POST", format!("{USER}&revokeKey=a721fc1a64f13a05OQF4"), 404),
        ("GET", "ostor-users&emailAddress=v@example.com".to_owned(), 404),
        ("DELETE", "ostor-users&id=a721fc1a64f13a05".to_owned(), 404),
    ] {
        assert_eq!(
            admin.call(method, &query).await.status,
            status,
            "{method} {query}"
        );
    }
    assert!(violations_of(store).is_empty());
}

#[tokio::test]
async fn a_sub_resource_on_the_path_of_a_bucket_is_one_of_s3_and_a_violation() {
    let (store, admin) = start(Options::default()).await;
    let (sent, signed) = ("/bucket?ostor-users", "/bucket");
    assert_eq!(admin.signed("GET", sent, signed, &[]).await.status, 404);
    assert_eq!(store.counters().s3, 1);
    assert!(violations_of(store)[0].contains("on the path /"));
}
