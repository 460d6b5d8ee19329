//! Answers are samples of the vendor's documents and of public clients (`recorded/answers.json`); keys are made up.

use super::*;
use crate::backend::ecs::keys::{Key, Keys, NewKey};
use crate::backend::{BackendKind, ErrorKind};
use http::Method;

/// SHA-256 of `abc`, the first example of FIPS 180.
const ABC: &str = "u1#ba7816bf8f01cfea";

fn recorded(which: &str) -> String {
    let all: serde_json::Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
    all[which].to_string()
}

fn try_read<T: Answer>(body: &str) -> Result<T> {
    let reply = Reply::made_up(200, body);
    let call = Call::new(BackendKind::Ecs, "Test", Method::GET, "/", "it");
    parse(&call, &reply, "not it")
}

fn read<T: Answer>(which: &str) -> T {
    try_read(&recorded(which)).unwrap()
}

fn name() -> UserName {
    UserName::new("u1")
}

fn keys(which: &str) -> Option<Vec<Key>> {
    read::<Keys>(which).of(&name())
}

#[test]
fn a_user_is_read_with_lock_and_tags() {
    let user: User = read("user");
    assert_eq!(
        (user.name.as_str(), user.namespace.as_deref(), user.locked),
        ("u1", Some("ns1"), false)
    );
    let tags = user.tag.unwrap();
    assert_eq!(label(&tags), Some("x"));
    assert_eq!(
        owner(&tags),
        Some(OwnerMark::new("0123456789abcdef0123456789abcdef"))
    );
}

#[test]
fn tags_that_are_not_told_are_not_taken_for_none() {
    let user: User = read("user_without_tags");
    assert!(user.locked && user.tag.is_none());
    let tags: Tags = read("tags");
    assert_eq!(label(&tags.tags.unwrap()), Some("x"));
}

#[test]
fn a_lock_may_be_told_as_text_and_a_user_inside_an_object() {
    let user: User = read("user_as_text");
    assert!(user.locked && user.tag.unwrap().is_empty());
}

#[test]
fn a_user_without_its_lock_is_not_understood() {
    assert!(try_read::<User>(r#"{"name":"u1"}"#).is_err());
}

#[test]
fn the_answer_to_a_new_user_is_a_link_whatever_else_is_there() {
    read::<Made>("created_user");
    read::<Made>("created_user_blank_key");
}

#[test]
fn keys_are_told_apart_by_their_secrets_and_by_no_slot() {
    assert!(keys("no_keys").unwrap().is_empty());
    for which in ["one_key", "one_key_in_slot_2", "one_hidden_key"] {
        let keys = keys(which).unwrap();
        assert_eq!(keys.len(), 1, "{which}");
        assert_eq!(keys[0].id.as_str(), ABC, "{which}");
        let hidden = which == "one_hidden_key";
        assert_eq!(keys[0].secret.is_none(), hidden, "{which}");
    }
    let keys = keys("two_keys_of_an_old_release").unwrap();
    let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, [ABC, "u1#cb8379ac2098aa16"]);
    assert!(keys.iter().all(|key| key.server_id.is_none()));
}

#[test]
fn a_key_that_nothing_tells_from_another_is_not_understood() {
    assert!(keys("hidden_key_without_id").is_none());
    let odd = r#"{"secret_key_1":"","secret_key_1_exist":true,"secret_key_1_id":"../../x"}"#;
    assert!(try_read::<Keys>(odd).unwrap().of(&name()).is_none());
}

#[test]
fn one_value_in_both_slots_is_one_key() {
    let keys: Keys = try_read(r#"{"secret_key_1":"abc","secret_key_2":"abc"}"#).unwrap();
    assert_eq!(keys.of(&name()).unwrap().len(), 1);
}

#[test]
fn a_new_key_has_the_id_that_reading_will_tell() {
    for which in ["new_key", "new_key_of_an_old_release"] {
        let key: NewKey = read(which);
        let secret = key.secret_key.clone().unwrap();
        for hidden in [false, true] {
            assert_eq!(key.id(&name(), &secret, hidden).as_str(), ABC, "{which}");
        }
    }
    // Were the system's own id ever another digest: it is all that can be read where secrets are hidden.
    let key: NewKey = try_read(r#"{"secret_key":"abc","secret_key_id":"00112233445566778899"}"#).unwrap();
    let secret = key.secret_key.clone().unwrap();
    assert_eq!(key.id(&name(), &secret, true).as_str(), "u1#0011223344556677");
    assert_eq!(key.id(&name(), &secret, false).as_str(), ABC);
}

#[test]
fn an_answer_without_a_new_secret_has_none() {
    assert!(
        try_read::<NewKey>(r#"{"secret_key":""}"#)
            .unwrap()
            .secret_key
            .is_none()
    );
}

#[test]
fn owners_of_buckets_are_found_and_pages_followed() {
    let page: Buckets = read("buckets");
    assert!(page.has_owner(&name()) && !page.has_owner(&UserName::new("u2")));
    assert_eq!(page.next_marker.as_deref(), Some("blah-06860733"));
    let last: Buckets = read("last_buckets");
    assert!(last.next_marker.is_none() && !last.has_owner(&name()));
    read::<Users>("users");
}

#[test]
fn roles_are_read_in_every_form_and_judged_only_where_told() {
    for (body, want) in [
        (r#"{"common_name":"root","roles":["SYSTEM_ADMIN"]}"#, Some(true)),
        (
            r#"{"user":{"common_name":"a","roles":{"role":["NAMESPACE_ADMIN"]}}}"#,
            Some(true),
        ),
        (
            r#"{"common_name":"a","roles":{"role":["NAMESPACE_ADMIN"]}}"#,
            Some(true),
        ),
        (r#"{"common_name":"m","roles":["SYSTEM_MONITOR"]}"#, Some(false)),
        (r#"{"common_name":"m","roles":"SYSTEM_MONITOR"}"#, Some(false)),
        (r#"{"common_name":"m","roles":{"x":1}}"#, None),
        (r#"{"common_name":"m"}"#, None),
    ] {
        assert_eq!(
            try_read::<WhoAmI>(body).unwrap().may_manage_users(),
            want,
            "{body}"
        );
    }
}

#[test]
fn what_is_another_answer_is_not_understood() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"a":{}}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":[1]}"#,
    ] {
        let error = try_read::<Keys>(body).map(drop).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{body}");
    }
}

#[test]
fn a_key_prints_no_secret() {
    let text = format!("{:?}", keys("one_key"));
    assert!(!text.contains("\"abc\""), "{text}");
}
