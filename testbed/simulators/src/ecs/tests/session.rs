use super::{Response, login, send, try_login, with};
use crate::ecs::{Credentials, Fault, Options, Refusal, TurnedAway};
use serde_json::{Value, json};
use std::time::Duration;

const WHOAMI: &str = "/user/whoami";

#[test]
fn a_wrong_password_is_401_with_code_4000() {
    with(Options::default(), |ecs| {
        let wrong = Credentials {
            user: "root",
            password: "wrong",
        };
        let answer = try_login(ecs, wrong);
        assert_eq!((answer.status, answer.json()["code"].clone()), (401, json!(4000)));
        assert_eq!(ecs.logins(), 0);
    });
}

#[test]
fn a_token_lives_eight_hours_and_rests_two() {
    with(Options::default(), |ecs| {
        let minute = Duration::from_mins(1);
        let admin = login(ecs, ecs.root());
        ecs.clock().advance(Duration::from_hours(2) + minute);
        assert_eq!(admin.says(&format!("GET {WHOAMI}"), &Value::Null), (401, 4000));
        let admin = login(ecs, ecs.root());
        for _ in 0..5 {
            ecs.clock().advance(Duration::from_mins(90));
            assert_eq!(admin.get(WHOAMI)["common_name"], "root");
        }
        ecs.clock().advance(Duration::from_mins(31));
        assert_eq!(admin.says(&format!("GET {WHOAMI}"), &Value::Null), (401, 4000));
    });
}

#[test]
fn a_logout_ends_the_token_it_came_with() {
    with(Options::default(), |ecs| {
        let (first, second) = (login(ecs, ecs.root()), login(ecs, ecs.root()));
        assert_eq!(first.get("/logout"), json!({ "user": "root" }));
        assert_eq!(first.says("GET /user/whoami", &Value::Null), (401, 4000));
        assert_eq!(ecs.live_tokens(), 1);
        second.get(WHOAMI);
    });
}

#[test]
fn tokens_are_limited_and_a_forced_logout_is_the_way_out() {
    let options = Options {
        max_tokens: 2,
        ..Options::default()
    };
    with(options, |ecs| {
        let admin = login(ecs, ecs.root());
        login(ecs, ecs.root());
        assert_eq!(try_login(ecs, ecs.root()).status, 401);
        // Others have a count of their own.
        login(ecs, ecs.monitor());
        admin.get("/logout?force=true");
        assert_eq!(ecs.live_tokens(), 1);
        login(ecs, ecs.root());
    });
    let limit = Refusal::new(503, 6000);
    let options = Options {
        max_tokens: 0,
        over_token_limit: limit,
        ..Options::default()
    };
    with(options, |ecs| assert_eq!(try_login(ecs, ecs.root()).status, 503));
}

#[test]
fn a_dead_token_can_be_redirected_once_and_refused_from_then_on() {
    let options = Options {
        dead_token: TurnedAway::RedirectedOnce,
        ..Options::default()
    };
    with(options, |ecs| {
        let admin = login(ecs, ecs.root());
        ecs.kill_tokens();
        let first: Response = admin.raw("GET /user/whoami", "");
        assert_eq!((first.status, first.header("location")), (302, Some("/login")));
        assert_eq!(admin.raw("GET /user/whoami", "").status, 401);
    });
}

#[test]
fn a_token_can_die_between_two_requests() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        ecs.fail_next(Fault::TokenDies);
        admin.get(WHOAMI);
        assert_eq!(admin.says("GET /object/users", &Value::Null), (401, 4000));
        assert_eq!((ecs.live_tokens(), ecs.waiting_faults()), (0, 0));
    });
}

#[test]
fn xml_is_what_who_asks_for_nothing_gets() {
    with(Options::default(), |ecs| {
        let token = login(ecs, ecs.root()).token;
        let headers = [("x-sds-auth-token", token.as_str())];
        let answer = send(
            &ecs.url(),
            "GET /object/users/gone/info?namespace=ns1",
            &headers,
            "",
        );
        assert_eq!(answer.header("content-type"), Some("application/xml"));
        assert!(
            answer.body.contains("<error><code>2000</code>"),
            "{}",
            answer.body
        );
        let answer = send(&ecs.url(), "GET /logout", &headers, "");
        assert!(
            answer.body.ends_with("<LoggedOut><user>root</user></LoggedOut>"),
            "{}",
            answer.body
        );
    });
}

#[test]
fn a_monitor_reads_and_an_administrator_keeps_to_the_own_namespace() {
    with(Options::default(), |ecs| {
        let (secret, body) = (ecs.add_user("u1").1, json!({ "user": "u2", "namespace": "ns1" }));
        let monitor = login(ecs, ecs.monitor());
        assert_eq!(monitor.keys("u1")["secret_key_1"], secret.as_str());
        assert_eq!(monitor.says("POST /object/users", &body), (403, 3000));
        let admin = login(ecs, ecs.namespace_admin());
        assert_eq!(admin.says("POST /object/users", &body), (200, 0));
        let elsewhere = json!({ "user": "u2", "namespace": "ns2" });
        assert_eq!(admin.says("POST /object/users", &elsewhere), (403, 3000));
        assert_eq!(
            admin.says("GET /object/bucket?namespace=ns1", &Value::Null),
            (403, 3000)
        );
    });
}

#[test]
fn faults_have_the_bodies_of_the_product() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        ecs.fail_next(Fault::Unavailable);
        let answer = admin.raw("GET /object/users", "");
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["code"], &json["retryable"]),
            (503, &json!(6000), &json!(true))
        );
        ecs.fail_next(Fault::HtmlPage);
        assert!(admin.raw("GET /object/users", "").body.starts_with("<html>"));
        ecs.fail_next(Fault::RedirectToLogin);
        assert_eq!(admin.raw("GET /object/users", "").status, 302);
        ecs.fail_next_at(Fault::FailsUnapplied, "/object/user-secret-keys/u1");
        admin.make("u1");
        assert_eq!(admin.keys("u1")["secret_key_1_exist"], false);
        let answer = admin.add("u1", json!({}));
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["code"], &json["retryable"]),
            (500, &json!(7000), &json!(false))
        );
        assert_eq!(admin.keys("u1")["secret_key_1_exist"], false);
        ecs.fail_next(Fault::AppliedThenFails);
        assert_eq!(admin.add("u1", json!({})).status, 500);
        assert_eq!(admin.keys("u1")["secret_key_1_exist"], true);
    });
}
