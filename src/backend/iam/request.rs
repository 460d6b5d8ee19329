//! Requests of the IAM query API, as pure values.
//!
//! Source: AWS IAM API reference, version 2010-05-08, corrected by what `SeaweedFS` 4.48 and moto 5.2.5 were seen to do. Every
//! call is a form that is posted to `/`; no form holds a secret. `UserName` is always sent: without it these calls are
//! about the operator's own user.

use crate::api::v1alpha1::IamOwnerMark;
use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, OwnerMark, UserName};
use http::Method;
use zeroize::Zeroizing;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A call of this action; `operation` is its name in our logs.
fn form(operation: &'static str, action: &str, subject: String, fields: &[(&str, &str)]) -> Call {
    let mut query = Query::new().pair("Action", action).pair("Version", "2010-05-08");
    for (name, value) in fields {
        query = query.pair(name, value);
    }
    let bytes = Zeroizing::new(query.as_str().as_bytes().to_vec());
    Call {
        body: Some((FORM, bytes)),
        ..Call::new(BackendKind::Iam, operation, Method::POST, "/", subject)
    }
}

fn of_user(action: &'static str, name: &UserName, fields: &[(&str, &str)]) -> Call {
    let mut all = vec![("UserName", name.as_str())];
    all.extend_from_slice(fields);
    form(action, action, format!("user {name}"), &all)
}

/// A name that no user has; asking about it tells rights and abilities without touching anybody.
pub(super) fn nobody() -> UserName {
    UserName::new("nobody-probe.gracekey.dev")
}

/// The user, with its path. 404 `NoSuchEntity` where there is none.
pub(super) fn find_user(name: &UserName) -> Call {
    of_user("GetUser", name, &[]).reading()
}

/// A user without keys and without rights, marked in its path. Surprise: `SeaweedFS` takes any path and keeps none.
pub(super) fn create_user(name: &UserName, mark: &OwnerMark, place: IamOwnerMark) -> Call {
    match place {
        IamOwnerMark::Path => of_user("CreateUser", name, &[("Path", &path(mark))]),
        IamOwnerMark::Name => of_user("CreateUser", name, &[]),
    }
}

/// Deletes a user. AWS refuses with 409 `DeleteConflict` while anything hangs on it; `SeaweedFS` takes everything along.
pub(super) fn delete_user(name: &UserName) -> Call {
    of_user("DeleteUser", name, &[])
}

/// One page of lists of a user. `marker`: that of the page before.
fn page(action: &'static str, name: &UserName, marker: Option<&str>) -> Call {
    let fields: Vec<_> = marker.map(|marker| ("Marker", marker)).into_iter().collect();
    of_user(action, name, &fields).reading()
}

/// Keys with their states. Surprise: of an unknown user, `SeaweedFS` says 200 and none.
pub(super) fn list_keys(name: &UserName, marker: Option<&str>) -> Call {
    page("ListAccessKeys", name, marker)
}

/// Names of inline policies.
pub(super) fn list_inline(name: &UserName, marker: Option<&str>) -> Call {
    page("ListUserPolicies", name, marker)
}

/// ARNs of attached policies.
pub(super) fn list_attached(name: &UserName, marker: Option<&str>) -> Call {
    page("ListAttachedUserPolicies", name, marker)
}

/// A new key, whose id and secret the store chooses. Its answer is the only place where the secret is told.
pub(super) fn issue(name: &UserName) -> Call {
    of_user("CreateAccessKey", name, &[])
}

/// Removes a key. Surprise: for one that is not there, `SeaweedFS` says 200, AWS 404.
pub(super) fn revoke(name: &UserName, id: &str) -> Call {
    of_user("DeleteAccessKey", name, &[("AccessKeyId", id)])
}

/// Sets a key `Active` or `Inactive`.
pub(super) fn set_active(name: &UserName, id: &str, active: bool) -> Call {
    let status = if active { "Active" } else { "Inactive" };
    of_user(
        "UpdateAccessKey",
        name,
        &[("AccessKeyId", id), ("Status", status)],
    )
}

/// When a key was last used. Not about a user, so nothing is sent of one.
pub(super) fn last_use(id: &AccessKeyId) -> Call {
    let subject = format!("access key {id}");
    let fields = [("AccessKeyId", id.as_str())];
    form("GetAccessKeyLastUsed", "GetAccessKeyLastUsed", subject, &fields).reading()
}

fn of_policy(action: &'static str, arn: &str, fields: &[(&str, &str)]) -> Call {
    let mut all = vec![("PolicyArn", arn)];
    all.extend_from_slice(fields);
    form(action, action, format!("policy {arn}"), &all).reading()
}

/// What the store says of a policy: which of its versions holds, among others. The text comes by another call.
pub(super) fn find_policy(arn: &str) -> Call {
    of_policy("GetPolicy", arn, &[])
}

/// The text of a policy, percent-encoded on AWS.
pub(super) fn find_policy_version(arn: &str, version: &str) -> Call {
    of_policy("GetPolicyVersion", arn, &[("VersionId", version)])
}

/// The text of an inline policy, percent-encoded on AWS. Surprise: for one that is not there, `SeaweedFS` makes one up.
pub(super) fn find_inline(name: &UserName, policy: &str) -> Call {
    of_user("GetUserPolicy", name, &[("PolicyName", policy)]).reading()
}

/// Puts an inline policy, in place of one of this name.
pub(super) fn put_inline(name: &UserName, policy: &str, document: &str) -> Call {
    let fields = [("PolicyName", policy), ("PolicyDocument", document)];
    of_user("PutUserPolicy", name, &fields)
}

/// Removes an inline policy.
pub(super) fn delete_inline(name: &UserName, policy: &str) -> Call {
    of_user("DeleteUserPolicy", name, &[("PolicyName", policy)])
}

/// Attaches a policy. Again: no change.
pub(super) fn attach(name: &UserName, arn: &str) -> Call {
    of_user("AttachUserPolicy", name, &[("PolicyArn", arn)])
}

/// Detaches a policy.
pub(super) fn detach(name: &UserName, arn: &str) -> Call {
    of_user("DetachUserPolicy", name, &[("PolicyArn", arn)])
}

const MARK_PATH: &str = "/gracekey/";

/// The path that carries an owner mark.
pub(super) fn path(mark: &OwnerMark) -> String {
    format!("{MARK_PATH}{mark}/")
}

/// The owner mark that a path carries, if it is one of ours.
pub(super) fn path_to_mark(path: &str) -> Option<OwnerMark> {
    OwnerMark::parse(path.strip_prefix(MARK_PATH)?.strip_suffix('/')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef0123456789abcdef";

    fn name() -> UserName {
        UserName::new("gk-a.b_c")
    }

    fn body(call: &Call) -> String {
        let (kind, bytes) = call.body.as_ref().unwrap();
        assert_eq!(*kind, FORM);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replace("&Version=2010-05-08", "")
    }

    fn user(action: &str, rest: &str) -> String {
        format!("Action={action}&UserName=gk-a.b_c{rest}")
    }

    fn posts(calls: Vec<(Call, String)>, changes: bool) {
        for (call, want) in calls {
            assert_eq!((call.method.as_str(), call.target.as_str()), ("POST", "/"));
            assert_eq!((body(&call), call.changes()), (want, changes));
        }
    }

    #[test]
    fn each_read_posts_exactly_this_form() {
        let (name, key) = (name(), AccessKeyId::new("AK1"));
        let calls = vec![
            (find_user(&name), user("GetUser", "")),
            (list_keys(&name, None), user("ListAccessKeys", "")),
            (
                list_keys(&name, Some("A/+=")),
                user("ListAccessKeys", "&Marker=A%2F%2B%3D"),
            ),
            (list_inline(&name, None), user("ListUserPolicies", "")),
            (list_attached(&name, None), user("ListAttachedUserPolicies", "")),
            (find_inline(&name, "p"), user("GetUserPolicy", "&PolicyName=p")),
            (find_policy("a:b"), "Action=GetPolicy&PolicyArn=a%3Ab".to_owned()),
            (
                find_policy_version("a:b", "v1"),
                "Action=GetPolicyVersion&PolicyArn=a%3Ab&VersionId=v1".to_owned(),
            ),
            (
                last_use(&key),
                "Action=GetAccessKeyLastUsed&AccessKeyId=AK1".to_owned(),
            ),
        ];
        posts(calls, false);
    }

    #[test]
    fn each_change_posts_exactly_this_form() {
        let (name, mark) = (name(), OwnerMark::new(MARK));
        let status = |to: &str| user("UpdateAccessKey", &format!("&AccessKeyId=AK1&Status={to}"));
        let (in_path, in_name) = (IamOwnerMark::Path, IamOwnerMark::Name);
        let path = format!("&Path=%2Fgracekey%2F{MARK}%2F");
        let put = user("PutUserPolicy", "&PolicyName=p&PolicyDocument=%7B%7D");
        let calls = vec![
            (create_user(&name, &mark, in_path), user("CreateUser", &path)),
            (
                create_user(&UserName::new("a@b"), &mark, in_name),
                "Action=CreateUser&UserName=a%40b".to_owned(),
            ),
            (delete_user(&name), user("DeleteUser", "")),
            (issue(&name), user("CreateAccessKey", "")),
            (revoke(&name, "AK1"), user("DeleteAccessKey", "&AccessKeyId=AK1")),
            (set_active(&name, "AK1", false), status("Inactive")),
            (set_active(&name, "AK1", true), status("Active")),
            (put_inline(&name, "p", "{}"), put),
            (
                delete_inline(&name, "p"),
                user("DeleteUserPolicy", "&PolicyName=p"),
            ),
            (
                attach(&name, "arn:a"),
                user("AttachUserPolicy", "&PolicyArn=arn%3Aa"),
            ),
            (
                detach(&name, "arn:a"),
                user("DetachUserPolicy", "&PolicyArn=arn%3Aa"),
            ),
        ];
        posts(calls, true);
    }

    #[test]
    fn a_mark_survives_the_way_through_the_path_and_other_paths_carry_none() {
        let mark = OwnerMark::new(MARK);
        assert_eq!(path_to_mark(&path(&mark)), Some(mark));
        for path in [
            "",
            "/",
            "/gracekey/",
            "/gracekey//",
            "/gracekey/0123456789ABCDEF0123456789abcdef/",
            "/gracekey/0123456789abcdef0123456789abcdef",
            "/gracekey/0123456789abcdef0123456789abcdef/x/",
            "/x/gracekey/0123456789abcdef0123456789abcdef/",
        ] {
            assert_eq!(path_to_mark(path), None, "{path}");
        }
    }
}
