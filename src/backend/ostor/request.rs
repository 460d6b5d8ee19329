//! Requests of `ostor-users`, `ostor-buckets` and `ostor-quotas`, as pure values.
//!
//! Source: Virtuozzo, "Object Storage Orchestration API Reference" (7.0.5; 4.5 to 7.3) and "Storage-as-a-Service
//! Integration Guide" (disable, enable, quotas). Parameters travel in the query only. No request here carries a secret.

use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::UserName;
use http::Method;

/// An address that nobody has: asked about to learn what the store can do. It carries no mark, so it is none of ours.
const NOBODY: &str = "nobody@probe.gracekey.dev";

/// How a store wants changes of keys asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Newer products, about 4.5 and later ("POST service ostor-users").
    Post,
    /// Virtuozzo Storage 7, Acronis Storage 2 ("PUT Service ostor-users").
    Put,
}

impl Verb {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Post => Self::Put,
            Self::Put => Self::Post,
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
        }
    }
}

fn of_user(
    operation: &'static str,
    method: Method,
    name: &UserName,
    and: impl FnOnce(Query) -> Query,
) -> Call {
    about_user("ostor-users", operation, method, name, and)
}

fn about_user(
    resource: &str,
    operation: &'static str,
    method: Method,
    name: &UserName,
    and: impl FnOnce(Query) -> Query,
) -> Call {
    let query = Query::new().flag(resource).pair("emailAddress", name.as_str());
    let target = format!("/?{}", and(query).as_str());
    let subject = format!("user {name}");
    Call::new(BackendKind::Ostor, operation, method, target, subject)
}

/// What Signature Version 2 covers of a target: the sub-resource alone. (Client `Luzilla/acronis-s3-usage`.)
pub(super) fn signed_part(target: &str) -> &str {
    target.split('&').next().unwrap_or(target)
}

/// The name that nobody has.
pub(super) fn nobody() -> UserName {
    UserName::new(NOBODY)
}

/// The user with its keys and secrets. 404 where there is none.
pub(super) fn find_user(name: &UserName) -> Call {
    of_user("GetUser", Method::GET, name, |query| query)
}

/// A user with its first key pair. Surprise: what it answers for a user that is there is not documented. Look first.
pub(super) fn create_user(name: &UserName) -> Call {
    of_user("CreateUser", Method::PUT, name, |query| query)
}

/// One more key pair. Surprise: the answer holds **all** pairs, in any order; a sample shows the new one alone.
pub(super) fn generate_key(name: &UserName, verb: Verb) -> Call {
    of_user("IssueKey", verb.method(), name, |query| query.flag("genKey"))
}

/// Removes a key pair. Surprise: what it answers for one that is not there, or the last, is not documented.
pub(super) fn revoke_key(name: &UserName, id: &str, verb: Verb) -> Call {
    of_user("RevokeKey", verb.method(), name, |query| {
        query.pair("revokeKey", id)
    })
}

/// Disables or enables. Newer products only.
pub(super) fn set_locked(name: &UserName, locked: bool) -> Call {
    let state = if locked { "disable" } else { "enable" };
    of_user("SetLocked", Method::POST, name, |query| query.flag(state))
}

/// Whether users can be disabled: newer products say that there is no such user, older ones refuse the verb.
pub(super) fn ask_for_lock() -> Call {
    Call {
        operation: "Probe",
        ..set_locked(&nobody(), true)
    }
}

/// Deletes a user with its keys.
pub(super) fn delete_user(name: &UserName) -> Call {
    of_user("DeleteUser", Method::DELETE, name, |query| query)
}

/// The buckets of a user.
pub(super) fn list_buckets(name: &UserName) -> Call {
    about_user("ostor-buckets", "GetBuckets", Method::GET, name, |query| query)
}

/// The quota that holds for users without one of their own. Where the store can tell it, it has quotas.
pub(super) fn find_default_quota() -> Call {
    let query = Query::new().flag("ostor-quotas").pair("default", "user");
    let target = format!("/?{}", query.as_str());
    Call::new(BackendKind::Ostor, "Probe", Method::GET, target, "quotas")
}

/// The quota of a user. Surprise: by the text its size is in bytes, by the samples in gigabytes; and what it answers for a
/// user without one is not documented: 404, or a size of 0.
pub(super) fn find_quota(name: &UserName) -> Call {
    about_user("ostor-quotas", "GetQuota", Method::GET, name, |query| query)
}

/// Sets the quota of a user. Surprise: 0 is no quota of nothing, but none at all ("Zero value means unlimited").
pub(super) fn set_quota(name: &UserName, gigabytes: u64) -> Call {
    about_user("ostor-quotas", "SetQuota", Method::PUT, name, |query| {
        query.pair("quota-size", &gigabytes.to_string())
    })
}

/// Takes its quota from a user. Surprise: what it answers where there is none is not documented.
pub(super) fn lift_quota(name: &UserName) -> Call {
    about_user("ostor-quotas", "SetQuota", Method::DELETE, name, |query| query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_exactly_this_method_and_target() {
        let name = UserName::new("gk-a_b@0f.owner.gracekey.dev");
        let users = "/?ostor-users&emailAddress=gk-a_b%400f.owner.gracekey.dev";
        let buckets = "GET /?ostor-buckets&emailAddress=gk-a_b%400f.owner.gracekey.dev";
        let quotas = "/?ostor-quotas&emailAddress=gk-a_b%400f.owner.gracekey.dev";
        for (call, want) in [
            (find_user(&name), format!("GET {users}")),
            (create_user(&name), format!("PUT {users}")),
            (generate_key(&name, Verb::Post), format!("POST {users}&genKey")),
            (generate_key(&name, Verb::Put), format!("PUT {users}&genKey")),
            (
                revoke_key(&name, "AK1", Verb::Post),
                format!("POST {users}&revokeKey=AK1"),
            ),
            (
                revoke_key(&name, "AK1", Verb::Put),
                format!("PUT {users}&revokeKey=AK1"),
            ),
            (set_locked(&name, true), format!("POST {users}&disable")),
            (set_locked(&name, false), format!("POST {users}&enable")),
            (
                ask_for_lock(),
                "POST /?ostor-users&emailAddress=nobody%40probe.gracekey.dev&disable".into(),
            ),
            (delete_user(&name), format!("DELETE {users}")),
            (list_buckets(&name), buckets.into()),
            (find_default_quota(), "GET /?ostor-quotas&default=user".into()),
            (find_quota(&name), format!("GET {quotas}")),
            (set_quota(&name, 1024), format!("PUT {quotas}&quota-size=1024")),
            (lift_quota(&name), format!("DELETE {quotas}")),
        ] {
            assert_eq!(format!("{} {}", call.method, call.target), want);
        }
    }

    #[test]
    fn only_the_sub_resource_is_signed() {
        let name = UserName::new("a@b.example");
        let key = generate_key(&name, Verb::Post);
        assert_eq!(signed_part(&key.target), "/?ostor-users");
        assert_eq!(signed_part(&list_buckets(&name).target), "/?ostor-buckets");
        assert_eq!(signed_part(&set_quota(&name, 1).target), "/?ostor-quotas");
    }
}
