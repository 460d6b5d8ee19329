//! Requests of the admin API, as pure values. Bodies are plain here; what sends them encrypts them.
//!
//! Source: `MinIO` of 2026-02-12 and the `JuiceFS` gateway 1.4.2 (`MinIO` of 2021-02-06), as they were read and seen to
//! answer. The vendor has no document of this API; its client `madmin-go` stands for one. No secret is in a path or query.

use crate::backend::user_policy::Document;
use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, OwnerMark, UserName};
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Both servers serve it. A client that asks for `v4` is answered 426.
const BASE: &str = "/minio/admin/v3/";

/// The policy that locks a user.
pub(super) const LOCK: &str = "gracekey-locked";

/// How the policy is called that holds the grants of a user, before what tells whose it is.
pub(super) const ACCESS: &str = "gracekey-access-";

/// What bodies are sent as that are encrypted. Attaching policies refuses any other type, so that nothing in front takes it for a form.
pub(super) const SEALED: &str = "application/octet-stream";

/// The names of the calls that change policies. They are not refused in words when they cannot be decrypted: then the
/// answer is a plain 500.
pub(super) const ATTACH: &str = "AttachPolicies";
pub(super) const DETACH: &str = "DetachPolicies";

/// A name that nobody has: asked about to learn whether the admin may ask. It carries no mark, so it is none of ours.
pub(super) fn nobody() -> UserName {
    UserName::new("nobody@probe.gracekey.dev")
}

fn call(operation: &'static str, method: Method, path: &str, query: &Query, subject: String) -> Call {
    let between = if query.as_str().is_empty() { "" } else { "?" };
    let target = format!("{BASE}{path}{between}{}", query.as_str());
    Call::new(BackendKind::Minio, operation, method, target, subject)
}

fn of_user(operation: &'static str, method: Method, path: &str, name: &UserName, query: &Query) -> Call {
    call(operation, method, path, query, format!("user {name}"))
}

fn key(id: &str) -> Query {
    Query::new().pair("accessKey", id)
}

/// Adds a body. It is written where it is wiped, and does not grow there.
fn with(mut call: Call, body: &impl Serialize) -> Call {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    // Writing texts into memory cannot fail; an empty body would be refused.
    drop(serde_json::to_writer(&mut *bytes, body));
    call.body = Some((SEALED, bytes));
    call
}

/// State and policies of a user, in plain JSON. 404 `XMinioAdminNoSuchUser`; 403 `XMinioIAMActionNotAllowed` for the access
/// key of a service account. Surprise: the root user is not there.
pub(super) fn find_user(name: &UserName) -> Call {
    of_user("GetUser", Method::GET, "user-info", name, &key(name.as_str()))
}

/// The same, to see whether anybody has this access key.
pub(super) fn find_key(name: &UserName, id: &AccessKeyId) -> Call {
    of_user("IssueKey", Method::GET, "user-info", name, &key(id.as_str()))
}

/// The same, about the key that this operator signs with.
pub(super) fn find_own_key(id: &AccessKeyId) -> Call {
    let subject = format!("admin access key {id}");
    call("Probe", Method::GET, "user-info", &key(id.as_str()), subject)
}

/// Access keys of a user's service accounts, encrypted. Surprise: empty for a user that is not there.
pub(super) fn list_keys(name: &UserName) -> Call {
    let query = Query::new().pair("user", name.as_str());
    of_user("ListKeys", Method::GET, "list-service-accounts", name, &query)
}

/// Whose service account this is, encrypted. 404 `XMinioInvalidIAMCredentials`, which the right to ask does not precede.
pub(super) fn whose_key(name: &UserName, id: &str) -> Call {
    of_user("RevokeKey", Method::GET, "info-service-account", name, &key(id))
}

/// A user without rights. Surprise: for one that is there it replaces secret and state at once. Look first. Without a
/// `status` the user would be disabled.
pub(super) fn create_user(name: &UserName, secret: &SecretString) -> Call {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct User<'a> {
        secret_key: &'a str,
        status: &'a str,
    }
    let call = of_user("CreateUser", Method::PUT, "add-user", name, &key(name.as_str()));
    let body = User {
        secret_key: secret.expose_secret(),
        status: status(false),
    };
    with(call, &body)
}

fn status(locked: bool) -> &'static str {
    if locked { "disabled" } else { "enabled" }
}

/// Adds policies to those of a user. 400 `XMinioAdminPolicyChangeAlreadyApplied` where it has them all. Servers before
/// 2023 do not know it, and answer 426.
pub(super) fn attach_policies(name: &UserName, policies: &[String]) -> Call {
    change_policies(ATTACH, "attach", name, policies)
}

/// Takes policies from a user. 400 `XMinioAdminPolicyChangeAlreadyApplied` where it has none of them.
pub(super) fn detach_policies(name: &UserName, policies: &[String]) -> Call {
    change_policies(DETACH, "detach", name, policies)
}

fn change_policies(operation: &'static str, change: &str, name: &UserName, policies: &[String]) -> Call {
    #[derive(Serialize)]
    struct Change<'a> {
        policies: &'a [String],
        user: &'a str,
    }
    let path = format!("idp/builtin/policy/{change}");
    let call = of_user(operation, Method::POST, &path, name, &Query::new());
    let body = Change {
        policies,
        user: name.as_str(),
    };
    with(call, &body)
}

/// The older way: these and no others.
pub(super) fn set_policies(name: &UserName, policies: &[String]) -> Call {
    let query = Query::new()
        .pair("policyName", &policies.join(","))
        .pair("userOrGroup", name.as_str())
        .pair("isGroup", "false");
    of_user(
        "SetPolicies",
        Method::PUT,
        "set-user-or-group-policy",
        name,
        &query,
    )
}

/// The policy that denies everything. Its text is not encrypted. One that is there is replaced.
pub(super) fn create_lock_policy(name: &UserName) -> Call {
    let query = Query::new().pair("name", LOCK);
    let deny = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Deny", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"] },
            { "Effect": "Deny", "Action": ["admin:*"] },
        ],
    });
    of_user("CreatePolicy", Method::PUT, "add-canned-policy", name, &query).json(&deny)
}

/// The policy that holds the grants of a user. Its name tells users of one owner apart: one may have been retained when its
/// object was deleted. It is of one length, whatever the user's name.
pub(super) fn access_policy(name: &UserName, owner: &OwnerMark) -> String {
    let digest = Sha256::digest(name.as_str());
    let first = digest.iter().take(8);
    let digits = first.fold(0, |digits: u64, byte| (digits << 8) | u64::from(*byte));
    format!("{ACCESS}{owner}-{digits:016x}")
}

fn access(operation: &'static str, method: Method, path: &str, name: &UserName, owner: &OwnerMark) -> Call {
    let query = Query::new().pair("name", &access_policy(name, owner));
    of_user(operation, method, path, name, &query)
}

/// The text of that policy, in plain JSON, with lists in any order. 404 `XMinioAdminNoSuchPolicy`.
pub(super) fn read_access(name: &UserName, owner: &OwnerMark) -> Call {
    access("GetPolicy", Method::GET, "info-canned-policy", name, owner)
}

/// Writes it, in place of what is there. Its text is not encrypted. It holds at once for whoever has it.
pub(super) fn write_access(name: &UserName, owner: &OwnerMark, policy: &Document) -> Call {
    Call {
        body: Some(("application/json", Zeroizing::new(policy.text().into_bytes()))),
        ..access("PutPolicy", Method::PUT, "add-canned-policy", name, owner)
    }
}

/// Removes it. 200 for one that is not there.
pub(super) fn remove_access(name: &UserName, owner: &OwnerMark) -> Call {
    access(
        "DeletePolicy",
        Method::DELETE,
        "remove-canned-policy",
        name,
        owner,
    )
}

/// Disables or enables; its service accounts go with it.
pub(super) fn set_locked(name: &UserName, locked: bool) -> Call {
    let query = key(name.as_str()).pair("status", status(locked));
    of_user("SetLocked", Method::PUT, "set-user-status", name, &query)
}

/// Deletes a user with its service accounts. Surprise: for one that is not there 200 (2026) or 404 (2021).
pub(super) fn delete_user(name: &UserName) -> Call {
    of_user(
        "DeleteUser",
        Method::DELETE,
        "remove-user",
        name,
        &key(name.as_str()),
    )
}

/// A service account with a pair of our choice. Surprise, of 2021: for an access key that is there it replaces the secret
/// at once, and a user that is not there gets one as well. Look first. Of 2026: a disabled user is
/// said not to be there, here and where policies are attached.
pub(super) fn issue(name: &UserName, id: &AccessKeyId, secret: &SecretString) -> Call {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct ServiceAccount<'a> {
        target_user: &'a str,
        access_key: &'a str,
        secret_key: &'a str,
    }
    let call = of_user(
        "IssueKey",
        Method::PUT,
        "add-service-account",
        name,
        &Query::new(),
    );
    let body = ServiceAccount {
        target_user: name.as_str(),
        access_key: id.as_str(),
        secret_key: secret.expose_secret(),
    };
    with(call, &body)
}

/// Removes a service account, whosever it is. Surprise: 404 both where it is not there and where the admin may not.
pub(super) fn revoke(name: &UserName, id: &str) -> Call {
    of_user(
        "RevokeKey",
        Method::DELETE,
        "delete-service-account",
        name,
        &key(id),
    )
}

/// The text of a policy that a user has, likewise.
pub(super) fn read_policy(name: &UserName, policy: &str) -> Call {
    let query = Query::new().pair("name", policy);
    of_user("GetPolicy", Method::GET, "info-canned-policy", name, &query)
}

/// A group that a user is in, in plain JSON. 404 `XMinioAdminNoSuchGroup`.
pub(super) fn read_group(name: &UserName, group: &str) -> Call {
    let query = Query::new().pair("group", group);
    of_user("GetGroup", Method::GET, "group", name, &query)
}

/// The text of a policy, in plain JSON. 404 `XMinioAdminNoSuchPolicy`.
pub(super) fn find_policy(policy: &str) -> Call {
    let query = Query::new().pair("name", policy);
    let subject = format!("policy {policy}");
    call("Probe", Method::GET, "info-canned-policy", &query, subject)
}

/// The servers of the cluster with their versions, in plain JSON. 501 on a gateway.
pub(super) fn server_info() -> Call {
    call("Probe", Method::GET, "info", &Query::new(), "server".to_owned())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
