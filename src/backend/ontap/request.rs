//! Requests of the REST API, as pure values.
//!
//! Source: ONTAP REST reference, "Manage S3 service users", "groups" and "policies" (9.8 to 9.17.1), and the fields of the
//! client library `netapp_ontap` 9.14.1 to 9.19.1. A secret is only ever in a body, never in a path or query.

use super::cluster::Version;
use super::wire::Slot;
use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, UserName};
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

/// Name of the policy that denies everything, and start of the names of the groups that put users under it.
pub(super) const LOCK: &str = "gracekey-locked";

/// Fewer records than fit into the longest answer that is read.
const PAGE: &str = "500";

/// The first release with `delete_keys`, and with `return_records` for a change.
pub(super) const DELETE_KEYS: Version = Version(9, 14, 1);

fn call(operation: &'static str, method: Method, target: String, subject: String) -> Call {
    Call::new(BackendKind::Ontap, operation, method, target, subject)
}

fn with_query(path: &str, query: &Query) -> String {
    if query.as_str().is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.as_str())
    }
}

/// A path below the S3 server of a storage VM. `svm`: its uuid.
fn below(svm: &str, rest: &str) -> String {
    format!("/api/protocols/s3/services/{svm}/{rest}")
}

/// A user's own path. Surprise: a name may hold `+ = ,`, which are encoded like all that could mean something.
fn user_path(svm: &str, name: &UserName) -> String {
    let encoded = Query::new().flag(name.as_str());
    below(svm, &format!("users/{}", encoded.as_str()))
}

fn of_user(operation: &'static str, method: Method, svm: &str, name: &UserName, query: &Query) -> Call {
    let target = with_query(&user_path(svm, name), query);
    call(operation, method, target, format!("user {name}"))
}

/// A body that may hold a secret half: written once, into memory that is wiped.
fn with_body(mut call: Call, body: &impl Serialize) -> Call {
    // Text keys and text values: this cannot fail.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    call.body = Some(("application/json", Zeroizing::new(bytes)));
    call
}

/// The release. An account of a storage VM may not be let in here.
pub(super) fn cluster() -> Call {
    let target = "/api/cluster?fields=version".to_owned();
    call("Probe", Method::GET, target, "the cluster".to_owned())
}

/// The storage VM of this name. Surprise: none is 200 with no records.
pub(super) fn find_svm(name: &str) -> Call {
    let query = Query::new().pair("name", name).pair("fields", "uuid");
    let subject = format!("storage VM {name}");
    call(
        "FindSvm",
        Method::GET,
        with_query("/api/svm/svms", &query),
        subject,
    )
}

/// Some users with their `keys`, to see whether this release has two for a user.
pub(super) fn probe_keys(svm: &str) -> Call {
    let query = Query::new()
        .pair("fields", "name,access_key,keys")
        .pair("max_records", "20");
    let target = with_query(&below(svm, "users"), &query);
    call("ProbeKeys", Method::GET, target, "the S3 users".to_owned())
}

/// A user. Never shows a secret half. 404 (one table prints 405) with code 4 where there is none.
///
/// Where two keys are not known of, everything is asked for: no release refuses that, and one with two keys shows both.
pub(super) fn find_user(svm: &str, name: &UserName, two_keys: bool) -> Call {
    let fields = if two_keys {
        "name,comment,access_key,keys"
    } else {
        "*"
    };
    of_user(
        "GetUser",
        Method::GET,
        svm,
        name,
        &Query::new().pair("fields", fields),
    )
}

/// Keys of the client's choice. Both are given or neither (92406201), from 9.16.1.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Digits and capital letters (92406205), in use by nobody on the storage VM (92406200).
    pub(super) access_key: AccessKeyId,
    /// Any letters and digits.
    pub(super) secret_key: SecretString,
}

#[derive(Default, Serialize)]
struct Keys<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<&'a str>,
}

impl<'a> Keys<'a> {
    fn chosen(chosen: Option<&'a Chosen>) -> Self {
        Self {
            access_key: chosen.map(|keys| keys.access_key.as_str()),
            secret_key: chosen.map(|keys| keys.secret_key.expose_secret()),
            ..Self::default()
        }
    }
}

/// A user with its first key, which is key 1.
pub(super) fn create_user(svm: &str, name: &UserName, comment: &str, chosen: Option<&Chosen>) -> Call {
    let target = with_query(&below(svm, "users"), &Query::new().pair("return_records", "true"));
    let body = Keys {
        name: Some(name.as_str()),
        comment: Some(comment),
        ..Keys::chosen(chosen)
    };
    let call = call("CreateUser", Method::POST, target, format!("user {name}"));
    with_body(call, &body)
}

/// Changes the comment and nothing else.
pub(super) fn set_comment(svm: &str, name: &UserName, comment: &str) -> Call {
    let call = of_user("SetLabel", Method::PATCH, svm, name, &Query::new());
    call.json(&json!({ "comment": comment }))
}

/// A new pair in the place of this one, whose own ends at once. Without a slot, key 1 is meant.
///
/// Surprise: `regenerate_keys` is a parameter, though the page's prose calls it a field. The page of 9.11 knows no
/// `return_records` here. `slot` must come from a record that showed `keys`: a release that ignored `key_id` would
/// replace key 1.
pub(super) fn regenerate(
    svm: &str,
    name: &UserName,
    version: Option<Version>,
    slot: Option<Slot>,
    chosen: Option<&Chosen>,
) -> Call {
    let mut query = Query::new().pair("regenerate_keys", "true");
    if version.is_some_and(|version| version >= DELETE_KEYS) {
        query = query.pair("return_records", "true");
    }
    let body = Keys {
        key_id: slot.map(Slot::number),
        ..Keys::chosen(chosen)
    };
    with_body(of_user("IssueKey", Method::PATCH, svm, name, &query), &body)
}

/// Removes a pair, from 9.14.1. Surprise: a user in a group keeps its last one (92406308).
pub(super) fn delete_keys(svm: &str, name: &UserName, slot: Option<Slot>) -> Call {
    let query = Query::new().pair("delete_keys", "true");
    let body = Keys {
        key_id: slot.map(Slot::number),
        ..Keys::default()
    };
    with_body(of_user("RevokeKey", Method::PATCH, svm, name, &query), &body)
}

/// Deletes a user with its keys.
pub(super) fn delete_user(svm: &str, name: &UserName) -> Call {
    of_user("DeleteUser", Method::DELETE, svm, name, &Query::new())
}

/// All groups with their users and policies.
pub(super) fn list_groups(svm: &str) -> Call {
    let query = Query::new()
        .pair("fields", "id,name,users,policies")
        .pair("max_records", PAGE);
    let target = with_query(&below(svm, "groups"), &query);
    call("ListGroups", Method::GET, target, "the S3 groups".to_owned())
}

/// All policies with their statements.
pub(super) fn list_policies(svm: &str) -> Call {
    let query = Query::new()
        .pair("fields", "name,statements")
        .pair("max_records", PAGE);
    let target = with_query(&below(svm, "policies"), &query);
    call("ListPolicies", Method::GET, target, "the S3 policies".to_owned())
}

/// The policy that denies everything.
pub(super) fn create_lock_policy(svm: &str) -> Call {
    let body = json!({
        "name": LOCK,
        "comment": "Made by Gracekey: denies everything to the users that it locks.",
        "statements": [{ "effect": "deny", "actions": ["*"], "resources": ["*"] }],
    });
    let target = below(svm, "policies");
    let call = call("CreatePolicy", Method::POST, target, format!("policy {LOCK}"));
    call.json(&body)
}

/// Name of the group that locks a user. At most 80 of 128 characters, and of the same alphabet.
pub(super) fn lock_group(name: &UserName) -> String {
    format!("{LOCK}-{name}")
}

/// Locks a user: puts it in a group of its own under the policy that denies everything.
pub(super) fn create_lock_group(svm: &str, name: &UserName) -> Call {
    let body = json!({
        "name": lock_group(name),
        "comment": "Made by Gracekey: locks this user.",
        "users": [{ "name": name.as_str() }],
        "policies": [{ "name": LOCK }],
    });
    let call = call("Lock", Method::POST, below(svm, "groups"), format!("user {name}"));
    call.json(&body)
}

/// Brings a group of that name back to what locks the user.
pub(super) fn mend_lock_group(svm: &str, id: &str, name: &UserName) -> Call {
    let body = json!({ "users": [{ "name": name.as_str() }], "policies": [{ "name": LOCK }] });
    let target = below(svm, &format!("groups/{id}"));
    call("Lock", Method::PATCH, target, format!("user {name}")).json(&body)
}

/// Gives a group these users. Surprise: a list of none is refused (92405896).
pub(super) fn set_members(svm: &str, id: &str, users: &[String], name: &UserName) -> Call {
    let users: Vec<_> = users.iter().map(|user| json!({ "name": user })).collect();
    let target = below(svm, &format!("groups/{id}"));
    let call = call("ChangeGroup", Method::PATCH, target, format!("user {name}"));
    call.json(&json!({ "users": users }))
}

/// Deletes a group. Its users and policies stay.
pub(super) fn delete_group(svm: &str, id: &str, name: &UserName) -> Call {
    let target = below(svm, &format!("groups/{id}"));
    call("DeleteGroup", Method::DELETE, target, format!("user {name}"))
}
