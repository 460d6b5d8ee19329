//! Answers recorded from Keystone 30.0, generated secrets blanked.

use super::*;
use serde_json::{Value, json};

fn recorded(which: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
    all[which].clone()
}

fn read<T: DeserializeOwned>(which: &str) -> T {
    serde_json::from_value(recorded(which)).unwrap()
}

const SHOP: &str = "3256469d8934423b85f98e7a3f1d95a1";
const MEMBER: &str = "a2fd8f14fa5c4a979049bfc09f3d9502";
const USER: &str = "852113515b7c455bb95c028500f7fdbc";

#[test]
fn a_login_tells_who_and_for_how_long() {
    let login: Login = read("login");
    assert_eq!(login.user_id(), "de240917206c4c738efd87e6f5b22684");
    assert_eq!(login.life(), Some(Duration::from_hours(1)));
    for end in [Value::Null, json!("never"), json!("2020-01-01T00:00:00.000000Z")] {
        let mut other = recorded("login");
        other["token"]["expires_at"] = end;
        let login: Login = serde_json::from_value(other).unwrap();
        assert_eq!(login.life(), None, "no end, or one before its beginning");
    }
}

#[test]
fn a_version_is_told_if_it_is_a_version_3() {
    assert_eq!(read::<Version>("version").id().as_deref(), Some("v3.14"));
    for other in ["v2.0", "v30.1", "3.14", "v3.x", "v", ""] {
        let version: Version = serde_json::from_value(json!({ "version": { "id": other } })).unwrap();
        assert_eq!(version.id(), None, "{other}");
    }
}

#[test]
fn names_are_looked_up_exactly_where_more_than_one_is_there() {
    for (which, name, id) in [
        ("domains", "Default", "default"),
        ("projects", "shop", SHOP),
        ("roles", "member", MEMBER),
        ("roles", "Member", MEMBER),
    ] {
        assert_eq!(read::<Things>(which).id_of(name), Some(id));
    }
    assert_eq!(read::<Things>("roles").id_of("members"), None);
    assert!(!read::<Things>("roles").is_empty());
    assert!(
        serde_json::from_value::<Things>(json!({ "roles": [] }))
            .unwrap()
            .is_empty()
    );
    let both = json!({ "roles": [{ "id": "1", "name": "Member" }, { "id": "2", "name": "member" }] });
    assert_eq!(
        serde_json::from_value::<Things>(both).unwrap().id_of("member"),
        Some("2")
    );
}

#[test]
fn a_user_is_read_alike_from_lists_and_from_answers_to_changes() {
    let users: Users = read("users");
    let (made, changed): (OneUser, OneUser) = (read("made"), read("changed"));
    for user in users.users.iter().chain([&made.user, &changed.user]) {
        assert_eq!(
            (user.id.as_str(), user.name.as_str(), user.domain_id.as_str()),
            (USER, "gk-a", "default")
        );
        assert_eq!(
            user.owner(),
            Some(OwnerMark::new("0123456789abcdef0123456789abcdef"))
        );
    }
    assert!(made.user.enabled && !changed.user.enabled);
    assert_eq!(made.user.label(), "A user");
}

#[test]
fn a_user_without_our_attributes_is_nobodys_and_has_no_label() {
    for owner in [Value::Null, json!(7), json!({ "a": 1 }), json!("somebody")] {
        let user = json!({
            "id": "1", "name": "u", "domain_id": "default", "enabled": true, "description": null, "gracekey_owner": owner,
        });
        let user: User = serde_json::from_value(user).unwrap();
        assert_eq!((user.owner(), user.label()), (None, ""));
    }
    let bare = json!({ "id": "1", "name": "u", "domain_id": "default", "enabled": true });
    assert_eq!(serde_json::from_value::<User>(bare).unwrap().owner(), None);
}

#[test]
fn the_attribute_that_is_read_is_the_one_that_is_written() {
    let mut user = json!({ "id": "1", "name": "u", "domain_id": "default", "enabled": true });
    user[crate::backend::keystone::request::OWNER] = json!("0123456789abcdef0123456789abcdef");
    assert!(serde_json::from_value::<User>(user).unwrap().owner().is_some());
}

#[test]
fn keys_of_the_project_are_read_with_their_secrets_and_others_are_left_out() {
    let keys: Vec<_> = read::<Keys>("keys").of(SHOP).collect();
    let ids: Vec<_> = keys.iter().map(|key| key.access_key_id.as_str()).collect();
    assert_eq!(ids, ["AK1", "6ae094b0addc43fc9b99b26bd4ab94e1"]);
    assert_eq!(keys[0].secret.as_ref().unwrap().expose_secret(), "s3cr3t");
    assert_eq!(read::<Keys>("keys").of("another").count(), 0);
    let bare = json!({ "credentials": [{ "access": "A", "secret": "s", "tenant_id": null }] });
    assert_eq!(serde_json::from_value::<Keys>(bare).unwrap().of(SHOP).count(), 0);
    assert!(!format!("{keys:?}").contains("s3cr3t"));
}

#[test]
fn a_new_key_is_the_one_that_was_asked_for_or_not() {
    let is = |project, user, id| read::<NewKey>("key").is(project, user, &AccessKeyId::new(id));
    assert!(is(SHOP, USER, "AK1"));
    assert!(!is("another", USER, "AK1") && !is(SHOP, "another", "AK1") && !is(SHOP, USER, "AK2"));
}

#[test]
fn rights_are_read_with_those_that_others_imply() {
    let rights: Rights = read("rights");
    assert!(rights.hold(MEMBER, SHOP) && !rights.hold(MEMBER, "another") && !rights.hold("another", SHOP));
    assert!(!rights.are_an_admins());
    assert!(read::<Rights>("admins_rights").are_an_admins());
    for (role, scope) in [
        ("Admin", json!({ "project": { "id": "p" } })),
        ("manager", json!({ "domain": { "id": "d" } })),
        ("service", json!({ "project": { "id": "p" } })),
    ] {
        let right = json!({ "role_assignments": [{ "role": { "id": "1", "name": role }, "scope": scope }] });
        let rights: Rights = serde_json::from_value(right).unwrap();
        assert!(rights.are_an_admins(), "{role}");
    }
}

#[test]
fn an_id_is_what_may_stand_in_a_path() {
    for id in [USER, "default", "a_b-c"] {
        assert!(is_id(id), "{id}");
    }
    for id in ["", "a/b", "..", "a b", "a?b", &"0".repeat(65)] {
        assert!(!is_id(id), "{id}");
    }
}
