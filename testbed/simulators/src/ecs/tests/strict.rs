use super::{Admin, ended, login, send, with};
use crate::ecs::{Ecs, Options};
use serde_json::{Value, json};

/// The one violation of a test.
fn only(test: impl FnOnce(&Admin) + Send + 'static) -> String {
    let mut all = ended(Options::default(), move |ecs| {
        ecs.add_user("u1");
        test(&login(ecs, ecs.root()));
    });
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_call_without_its_namespace_is_a_violation() {
    let noted = only(|admin| {
        assert_eq!(admin.says("GET /object/users/u1/info", &Value::Null), (400, 1005));
    });
    assert_eq!(noted, "GET /object/users/u1/info: namespace is required");
}

#[test]
fn unknown_fields_and_parameters_are_violations() {
    let field = only(|admin| {
        let body = json!({ "user": "u2", "namespace": "ns1", "display_name": "x" });
        assert_eq!(admin.says("POST /object/users", &body), (200, 0));
    });
    assert!(field.contains("display_name"), "{field}");
    let parameter = only(|admin| drop(admin.get("/object/user-secret-keys/u1/ns1?namespace=ns1")));
    assert!(parameter.contains("no query parameter namespace"), "{parameter}");
}

#[test]
fn the_tempting_paths_do_not_exist() {
    let delete = only(|admin| {
        let body = json!({ "user": "u1", "namespace": "ns1" });
        assert_eq!(admin.says("POST /object/users/u1/deactivate", &body).0, 404);
    });
    assert!(delete.contains("no such path"), "{delete}");
    let put = only(|admin| {
        let body = json!({ "namespace": "ns1" });
        assert_eq!(admin.says("PUT /object/user-secret-keys/u1", &body), (405, 1007));
    });
    assert!(put.contains("no such method"), "{put}");
}

#[test]
fn a_body_needs_its_media_type() {
    let noted = only(|admin| {
        let headers = [
            ("x-sds-auth-token", admin.token.as_str()),
            ("accept", "application/json"),
        ];
        let answer = send(&admin.ecs.url(), "POST /object/users", &headers, "{}");
        assert_eq!((answer.status, &answer.json()["code"]), (415, &json!(1003)));
    });
    assert!(noted.contains("Content-Type"), "{noted}");
}

#[test]
fn a_secret_in_a_url_is_noted_and_not_printed() {
    let noted = only(|admin| {
        let token = admin.token.replace('/', "%2F");
        assert_eq!(
            admin
                .raw(&format!("GET /object/users/{token}/info?namespace=ns1"), "")
                .status,
            404
        );
    });
    assert_eq!(
        noted,
        "GET (a path with a secret): a secret or a token stands in the URL"
    );
}

#[test]
fn a_forced_logout_below_the_limit_is_a_violation() {
    let noted = only(|admin| drop(admin.get("/logout?force=true")));
    assert!(noted.contains("every session"), "{noted}");
}

#[test]
fn a_request_without_a_token_is_a_violation() {
    let all = ended(Options::default(), |ecs| {
        assert_eq!(send(&ecs.url(), "GET /object/users", &[], "").status, 401);
    });
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn the_expiry_is_in_whole_minutes() {
    for wrong in ["1.5", "PT1M"] {
        let noted = only(move |admin| {
            let answer = admin.add("u1", json!({ "existing_key_expiry_time_mins": wrong }));
            assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1008)));
        });
        assert!(noted.contains("whole minutes"), "{noted}");
    }
}

#[test]
fn bodies_are_wrapped_only_where_the_switch_says_so() {
    let bare = json!({ "user": "u2", "namespace": "ns1" });
    let wrapped = json!({ "user_create_param": bare });
    let body = wrapped.clone();
    let noted = only(move |admin| assert_eq!(admin.says("POST /object/users", &body), (400, 1013)));
    assert!(noted.contains("an object of their own"), "{noted}");
    with(
        Options {
            wrapped_bodies: true,
            ..Options::default()
        },
        move |ecs| {
            assert_eq!(
                login(ecs, ecs.root()).says("POST /object/users", &wrapped),
                (200, 0)
            );
        },
    );
}

#[test]
#[should_panic(expected = "requests that the documents do not allow")]
fn dropping_it_panics_if_there_was_a_violation() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let ecs = runtime.block_on(Ecs::start(Options::default()));
    ecs.violations().note("a request: a rule");
}

#[test]
fn a_snapshot_tells_all_and_no_secret() {
    with(Options::default(), |ecs| {
        let (_, secret) = ecs.add_user("u1");
        let before = ecs.snapshot("u1");
        assert!(before.starts_with("user ns1/u1 locked=false\nkey ") && !before.contains(&secret));
        assert_eq!(before, ecs.snapshot("u1"));
        ecs.add_key("u1").unwrap();
        assert_ne!(before, ecs.snapshot("u1"));
        ecs.remove_user("u1");
        assert_eq!(ecs.snapshot("u1"), "absent");
    });
}
