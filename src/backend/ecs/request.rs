//! Requests of the ECS management API, as pure values.
//!
//! Source: Dell's `OpenAPI` description of the ECS and `ObjectScale` management API (4.1), the ECS 3.8 API reference, and
//! what public clients of it send. The namespace is named in every call: a system with the user scope NAMESPACE demands
//! it, one with GLOBAL takes it. Secrets travel in bodies only.

use crate::backend::{BackendKind, NewUser, call::Call, http::Query};
use crate::domain::ids::UserName;
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use zeroize::Zeroizing;

/// Tag that holds the label.
pub(super) const LABEL_TAG: &str = "label";
/// Tag that holds the owner's mark.
pub(super) const OWNER_TAG: &str = "gracekey-owner";
/// Buckets asked for at once, as the vendor's own client does: an answer of them stays far below the longest one read.
const BUCKETS: &str = "100";
/// Room for a body with a secret, so that it is written in one piece and no copy is left behind.
const SECRET_BODY: usize = 1024;

fn call(operation: &'static str, method: Method, target: String, name: &UserName) -> Call {
    let subject = format!("user {name}");
    Call::new(BackendKind::Ecs, operation, method, target, subject)
}

fn in_namespace(namespace: &str) -> String {
    Query::new().pair("namespace", namespace).as_str().to_owned()
}

/// Trades name and password, as HTTP Basic, for a token in the answer's header `X-SDS-AUTH-TOKEN`.
pub(super) fn login(username: &str) -> Call {
    let subject = format!("admin user {username}");
    Call::new(BackendKind::Ecs, "Login", Method::GET, "/login", subject)
}

/// Ends the token that it is made with. Without `force`: that would end those of everybody with the same name.
pub(super) fn logout(username: &str) -> Call {
    let subject = format!("admin user {username}");
    Call::new(BackendKind::Ecs, "Logout", Method::GET, "/logout", subject)
}

/// The management user that the token is of, with its roles.
pub(super) fn who_am_i(username: &str) -> Call {
    let subject = format!("admin user {username}");
    Call::new(BackendKind::Ecs, "WhoAmI", Method::GET, "/user/whoami", subject)
}

/// One user of the namespace: tells whether that is there and may be read. 400 with code 1004 where it is not.
pub(super) fn find_namespace(namespace: &str) -> Call {
    let target = format!("/object/users/{namespace}?limit=1");
    let subject = format!("namespace {namespace}");
    Call::new(BackendKind::Ecs, "ListUsers", Method::GET, target, subject)
}

/// The user with lock and tags, without keys. Missing: 404, or 400 with code 1004 or 2000.
pub(super) fn find_user(namespace: &str, name: &UserName) -> Call {
    let target = format!("/object/users/{name}/info?{}", in_namespace(namespace));
    call("GetUser", Method::GET, target, name)
}

/// The tags of a user, for releases that do not tell them with the user.
pub(super) fn find_tags(namespace: &str, name: &UserName) -> Call {
    call("GetTags", Method::GET, tags(namespace, name), name)
}

fn tags(namespace: &str, name: &UserName) -> String {
    format!("/object/users/{name}/tags?{}", in_namespace(namespace))
}

/// A user without keys, with its tags. Surprise: the answer links to its keys, and there are none.
pub(super) fn create_user(namespace: &str, user: &NewUser) -> Call {
    let body = json!({
        "user": user.name.as_str(),
        "namespace": namespace,
        "tags": [tag(LABEL_TAG, &user.label), tag(OWNER_TAG, user.owner.as_str())],
    });
    let target = "/object/users".to_owned();
    call("CreateUser", Method::POST, target, &user.name).json(&body)
}

fn tag(name: &str, value: &str) -> serde_json::Value {
    json!({ "name": name, "value": value })
}

/// Changes the label. Surprise: PUT changes only tags that are there, and POST adds only those that are not.
pub(super) fn set_label(namespace: &str, name: &UserName, label: &str, is_there: bool) -> Call {
    let method = if is_there { Method::PUT } else { Method::POST };
    let body = json!({ "tags": [tag(LABEL_TAG, label)] });
    call("SetLabel", method, tags(namespace, name), name).json(&body)
}

/// Locks or unlocks.
pub(super) fn set_locked(namespace: &str, name: &UserName, locked: bool) -> Call {
    let body = json!({ "user": name.as_str(), "namespace": namespace, "isLocked": locked });
    call("SetLocked", Method::PUT, "/object/users/lock".to_owned(), name).json(&body)
}

/// Deletes the user and its keys. Surprise: the name stands in the body, and buckets of the user are no hindrance.
pub(super) fn delete_user(namespace: &str, name: &UserName) -> Call {
    let body = json!({ "user": name.as_str(), "namespace": namespace });
    let target = "/object/users/deactivate".to_owned();
    call("DeleteUser", Method::POST, target, name).json(&body)
}

/// A page of the namespace's buckets, with their owners. The API knows no filter by owner.
pub(super) fn list_buckets(namespace: &str, name: &UserName, marker: Option<&str>) -> Call {
    let mut query = Query::new().pair("namespace", namespace).pair("limit", BUCKETS);
    if let Some(marker) = marker {
        query = query.pair("marker", marker);
    }
    let target = format!("/object/bucket?{}", query.as_str());
    call("ListBuckets", Method::GET, target, name)
}

/// Both secrets of the user. Surprise: the namespace is a part of the path here, and no query.
pub(super) fn find_keys(namespace: &str, name: &UserName) -> Call {
    let target = format!("/object/user-secret-keys/{name}/{namespace}");
    call("GetKeys", Method::GET, target, name)
}

/// A new secret, made by the system, which tells it. `expire_previous`: the older one ends after so long, in whole
/// minutes, rounded up; a string by the schema. It is a mistake to send it where there is no older one.
pub(super) fn issue(namespace: &str, name: &UserName, expire_previous: Option<Duration>) -> Call {
    let mut body = json!({ "namespace": namespace });
    if let (Some(after), Some(fields)) = (expire_previous, body.as_object_mut()) {
        let minutes = minutes(after).to_string();
        fields.insert("existing_key_expiry_time_mins".to_owned(), minutes.into());
    }
    let target = format!("/object/user-secret-keys/{name}");
    call("IssueKey", Method::POST, target, name).json(&body)
}

/// At least one: what none means is not said.
fn minutes(time: Duration) -> u64 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    seconds.div_ceil(60).max(1)
}

/// Which secret is to go.
#[derive(Debug)]
pub(super) enum Doomed<'a> {
    /// By its value, with its id where the system tells one: newer releases want both.
    Shown(&'a SecretString, Option<&'a str>),
    /// By its id alone, where values are hidden.
    Hidden(&'a str),
}

#[derive(Serialize)]
struct Deactivate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<&'a str>,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key_id: Option<&'a str>,
}

/// Removes one secret. Surprise: with an empty `secret_key` **all** secrets of the user go, so it is never sent empty.
pub(super) fn revoke(namespace: &str, name: &UserName, doomed: &Doomed<'_>) -> Call {
    let (secret_key, secret_key_id) = match doomed {
        Doomed::Shown(secret, id) => (Some(secret.expose_secret()), *id),
        Doomed::Hidden(id) => (None, Some(*id)),
    };
    let body = Deactivate {
        secret_key,
        namespace,
        secret_key_id,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BODY));
    // Texts alone: nothing here can fail to be written.
    drop(serde_json::to_writer(&mut *bytes, &body));
    let target = format!("/object/user-secret-keys/{name}/deactivate");
    Call {
        body: Some(("application/json", bytes)),
        ..call("RevokeKey", Method::POST, target, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OwnerMark;

    fn name() -> UserName {
        UserName::new("gk-a.b_c")
    }

    fn text(call: &Call) -> String {
        let body = call
            .body
            .as_ref()
            .map_or("", |(_, bytes)| std::str::from_utf8(bytes).unwrap());
        format!("{} {} {body}", call.method, call.target)
            .trim_end()
            .to_owned()
    }

    /// Each call as the vendor's documents have it, to be read side by side.
    #[test]
    fn each_call_has_exactly_this_method_target_and_body() {
        let user = NewUser {
            name: name(),
            label: "Bill & \"Ben\"".into(),
            owner: OwnerMark::new("0123456789abcdef0123456789abcdef"),
            locked: true,
        };
        let secret = SecretString::from("s3cr/t+");
        let calls = [
            login("root"),
            logout("root"),
            who_am_i("root"),
            find_namespace("ns1"),
            find_user("ns1", &name()),
            find_tags("ns1", &name()),
            create_user("ns1", &user),
            set_label("ns1", &name(), "Ü", true),
            set_label("ns1", &name(), "Ü", false),
            set_locked("ns1", &name(), true),
            set_locked("ns1", &name(), false),
            delete_user("ns1", &name()),
            list_buckets("ns1", &name(), None),
            list_buckets("ns1", &name(), Some("b/1")),
            find_keys("ns1", &name()),
            issue("ns1", &name(), None),
            issue("ns1", &name(), Some(Duration::from_secs(601))),
            revoke("ns1", &name(), &Doomed::Shown(&secret, None)),
            revoke("ns1", &name(), &Doomed::Shown(&secret, Some("ab12"))),
            revoke("ns1", &name(), &Doomed::Hidden("ab12")),
        ];
        let texts: Vec<_> = calls.iter().map(text).collect();
        assert_eq!(texts.join("\n"), include_str!("recorded/requests.txt").trim_end());
    }

    #[test]
    fn an_expiry_is_rounded_up_to_whole_minutes_and_never_none() {
        for (time, want) in [
            (Duration::ZERO, 1),
            (Duration::from_millis(1), 1),
            (Duration::from_mins(1), 1),
            (Duration::from_millis(60_001), 2),
            (Duration::from_hours(24), 1440),
        ] {
            assert_eq!(minutes(time), want, "{time:?}");
        }
    }

    #[test]
    fn a_call_with_a_secret_shows_it_nowhere_but_in_its_body() {
        let call = revoke("ns1", &name(), &Doomed::Shown(&"s3cr3t".into(), None));
        assert!(!format!("{call:?} {}", call.target).contains("s3cr3t"));
    }
}
