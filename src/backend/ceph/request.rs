//! Requests of the Admin Ops API, as pure values.
//!
//! Source: Ceph documentation, "Admin Ops API" (reef), corrected by what 16.2.15, 18.2.7 and 20.2.4 were seen to do.
//! Parameters travel in the query string only; a form body is ignored, a signed body refused with 501. No request
//! here carries a secret: query strings end up in access logs. All of them are in `recorded/exchanges.json`, with answers.

use crate::backend::{BackendKind, NewUser, call::Call, http::Query};
use crate::domain::ids::{AccessKeyId, BucketName, OwnerMark, UserName};
use http::Method;
use zeroize::Zeroizing;

fn call(operation: &'static str, method: Method, name: &UserName, query: &Query) -> Call {
    let subject = format!("user {name}");
    Call::new(BackendKind::Ceph, operation, method, target(query), subject)
}

fn target(query: &Query) -> String {
    format!("/admin/user?{}", query.as_str())
}

fn uid(name: &UserName) -> Query {
    Query::new().pair("uid", name.as_str())
}

/// The user that holds this access key. Used to look at one's own rights.
pub(super) fn find_by_key(id: &AccessKeyId) -> Call {
    let target = target(&Query::new().pair("access-key", id.as_str()));
    let subject = format!("admin access key {id}");
    Call::new(BackendKind::Ceph, "Probe", Method::GET, target, subject)
}

/// The user with its keys and secrets. 404 `NoSuchUser` where there is none.
pub(super) fn find_user(name: &UserName) -> Call {
    call("GetUser", Method::GET, name, &uid(name))
}

/// A user without keys. Surprise: never an update, 409 `UserAlreadyExists` however alike the user is.
pub(super) fn create_user(user: &NewUser) -> Call {
    let mut query = uid(&user.name)
        .pair("display-name", &user.label)
        .pair("email", &mark_to_email(&user.owner))
        .pair("generate-key", "false");
    if user.locked {
        query = query.pair("suspended", "true");
    }
    call("CreateUser", Method::PUT, &user.name, &query)
}

/// Changes the display name and nothing else. Surprise: an empty name is taken with 200 and ignored.
pub(super) fn set_label(name: &UserName, label: &str) -> Call {
    call(
        "SetLabel",
        Method::POST,
        name,
        &uid(name).pair("display-name", label),
    )
}

/// Suspends or resumes. Surprise: an empty value suspends, and `yes` resumes; only `1` and `0` are sent.
pub(super) fn set_locked(name: &UserName, locked: bool) -> Call {
    let value = if locked { "1" } else { "0" };
    call(
        "SetLocked",
        Method::POST,
        name,
        &uid(name).pair("suspended", value),
    )
}

/// Deletes a user without data. Never sends `purge-data`.
pub(super) fn delete_user(name: &UserName) -> Call {
    call("DeleteUser", Method::DELETE, name, &uid(name))
}

/// Adds a key with a chosen access key id; the gateway makes the secret, and answers with **all** keys of the user.
///
/// Surprise: for an access key id that is there already it replaces the secret at once. Look first.
pub(super) fn issue(name: &UserName, id: &AccessKeyId) -> Call {
    let query = Query::new()
        .flag("key")
        .pair("uid", name.as_str())
        .pair("access-key", id.as_str());
    call("IssueKey", Method::PUT, name, &query)
}

/// Removes a key. Surprise: 403 `InvalidAccessKeyId` where it is not there, the same code as for a dead admin key.
pub(super) fn revoke(name: &UserName, id: &str) -> Call {
    let query = Query::new()
        .flag("key")
        .pair("uid", name.as_str())
        .pair("access-key", id);
    call("RevokeKey", Method::DELETE, name, &query)
}

/// Sets the quota of a user over all its buckets. -1 for none: `max-size` in bytes, not `max-size-kb`, which stores -1024.
/// What `enabled` is not `true` for does not count. Answers with nothing.
pub(super) fn set_quota(name: &UserName, bytes: i64, objects: i64) -> Call {
    let query = Query::new()
        .flag("quota")
        .pair("uid", name.as_str())
        .pair("quota-type", "user")
        .pair("max-size", &bytes.to_string())
        .pair("max-objects", &objects.to_string())
        .pair(
            "enabled",
            if bytes >= 0 || objects >= 0 {
                "true"
            } else {
                "false"
            },
        );
    call("SetQuota", Method::PUT, name, &query)
}

/// Sets how many buckets a user may own. Surprise: 0 is for no limit and -1 for none at all.
pub(super) fn set_max_buckets(name: &UserName, most: i64) -> Call {
    let query = uid(name).pair("max-buckets", &most.to_string());
    call("SetMaxBuckets", Method::POST, name, &query)
}

fn bucket_call(operation: &'static str, method: Method, bucket: &BucketName, query: &str) -> Call {
    let (target, subject) = (format!("/{bucket}{query}"), format!("bucket {bucket}"));
    Call::new(BackendKind::Ceph, operation, method, target, subject)
}

/// The policy of a bucket, by S3. 404 `NoSuchBucketPolicy` where its owner, or whom the policy lets, finds none; 403
/// `AccessDenied` for everybody else.
pub(super) fn get_policy(bucket: &BucketName) -> Call {
    bucket_call("GetBucketPolicy", Method::GET, bucket, "?policy")
}

/// Replaces the policy of a bucket, by S3. There is no "only if it is still that one".
pub(super) fn put_policy(bucket: &BucketName, policy: String) -> Call {
    Call {
        body: Some(("application/json", Zeroizing::new(policy.into_bytes()))),
        ..bucket_call("PutBucketPolicy", Method::PUT, bucket, "?policy")
    }
}

/// Removes the policy of a bucket, by S3.
pub(super) fn delete_policy(bucket: &BucketName) -> Call {
    bucket_call("DeleteBucketPolicy", Method::DELETE, bucket, "?policy")
}

/// Owner and access list of a bucket, by S3. For its owner, and whom the list lets.
pub(super) fn get_acl(bucket: &BucketName) -> Call {
    bucket_call("GetBucketAcl", Method::GET, bucket, "?acl")
}

/// Leaves a bucket to its owner alone, by S3. Surprise: without a body, such as with the header `x-amz-acl`, it is refused
/// with 411 unless the request says that its length is 0, which not every client does.
pub(super) fn close_acl(bucket: &BucketName, owner: &UserName) -> Call {
    let owner = quick_xml::escape::escape(owner.as_str());
    let list = format!(
        "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>{owner}</ID></Owner>\
         <AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:type=\"CanonicalUser\"><ID>{owner}</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>\
         </AccessControlList></AccessControlPolicy>"
    );
    Call {
        body: Some(("application/xml", Zeroizing::new(list.into_bytes()))),
        ..bucket_call("PutBucketAcl", Method::PUT, bucket, "?acl")
    }
}

/// Makes a bucket, by S3. Surprise: 200 for the owner of one that is there, unless the access list is another.
pub(super) fn make_bucket(bucket: &BucketName) -> Call {
    bucket_call("CreateBucket", Method::PUT, bucket, "")
}

/// The headers of [`make_bucket`]: its access list marks the bucket as made for this user in the call that makes it, as its
/// policy comes in another.
pub(super) fn made_for(user: &UserName, admin: &UserName) -> [(&'static str, String); 2] {
    [
        ("x-amz-grant-full-control", format!("id=\"{admin}\"")),
        ("x-amz-grant-read-acp", format!("id=\"{user}\"")),
    ]
}

const MARK_DOMAIN: &str = "@owner.gracekey.dev";

/// The e-mail address that carries an owner mark: unique in RGW whatever its case, and its form is not checked.
pub(super) fn mark_to_email(mark: &OwnerMark) -> String {
    format!("{mark}{MARK_DOMAIN}")
}

/// The owner mark that an e-mail address carries, if it is one of ours.
pub(super) fn email_to_mark(email: &str) -> Option<OwnerMark> {
    OwnerMark::parse(email.strip_suffix(MARK_DOMAIN)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ceph::policy::Policy;
    use crate::domain::ids::NamespaceMark;
    use serde_json::{Value, json};

    const MARK: &str = "0123456789abcdef0123456789abcdef";

    fn name(name: &str) -> UserName {
        UserName::new(name)
    }

    fn new_user(name: &str, label: &str, mark: &str, locked: bool) -> NewUser {
        NewUser {
            name: UserName::new(name),
            label: label.to_owned(),
            owner: OwnerMark::new(mark),
            locked,
        }
    }

    /// Every call that the driver makes, as it was recorded.
    fn calls() -> Vec<(&'static str, Call)> {
        let (a, bucket) = (name("gk-a"), BucketName::new("invoices"));
        let key = |id| AccessKeyId::new(id);
        let bill = new_user("gk-a", "Bill & Ben: Zürich", MARK, false);
        let locked = new_user("gk-b", "Other", "fedcba9876543210fedcba9876543210", true);
        vec![
            ("Probe", find_by_key(&key("GRACEKEYADMIN"))),
            ("GetUser", find_user(&a)),
            ("CreateUser", create_user(&bill)),
            ("CreateUser, locked", create_user(&locked)),
            ("SetLabel", set_label(&a, "Ü")),
            ("SetLabel, with signs", set_label(&a, "50%+1")),
            ("IssueKey", issue(&a, &key("AK1"))),
            ("SetLocked", set_locked(&a, true)),
            ("SetLocked, not", set_locked(&a, false)),
            ("SetQuota", set_quota(&a, 1000, -1)),
            ("SetQuota, lifted", set_quota(&a, -1, -1)),
            ("SetMaxBuckets", set_max_buckets(&a, -1)),
            ("SetMaxBuckets, lifted", set_max_buckets(&a, 0)),
            ("RevokeKey", revoke(&a, "AK1")),
            ("DeleteUser", delete_user(&a)),
            ("CreateBucket", make_bucket(&bucket)),
            ("GetBucketAcl", get_acl(&bucket)),
            ("PutBucketAcl", close_acl(&bucket, &name("gracekey"))),
            ("GetBucketPolicy", get_policy(&bucket)),
            ("PutBucketPolicy", put_policy(&bucket, consent())),
            ("DeleteBucketPolicy", delete_policy(&bucket)),
        ]
    }

    /// The text of a policy with nothing but the consent of the bucket's owner.
    fn consent() -> String {
        let mut policy = Policy::absent();
        policy.consent(&namespace(), &BucketName::new("invoices"), &name("gracekey"));
        policy.into_text()
    }

    fn namespace() -> NamespaceMark {
        NamespaceMark::new("c".repeat(32))
    }

    #[test]
    fn each_call_is_sent_as_it_was_recorded() {
        let recorded: Value = serde_json::from_str(include_str!("recorded/exchanges.json")).unwrap();
        for (which, call) in calls() {
            let exchange = &recorded[which];
            assert!(which.starts_with(call.operation), "{which}");
            assert_eq!(exchange["request"], format!("{} {}", call.method, call.target));
            let Some((_, body)) = call.body else {
                assert!(exchange["sends"].is_null(), "{which}");
                continue;
            };
            let text = String::from_utf8(body.to_vec()).unwrap();
            let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
            assert_eq!(exchange["sends"], json, "{which}");
        }
        let headers = made_for(&name("gk-a"), &name("gracekey"));
        let headers: Value = headers
            .into_iter()
            .map(|(of, is)| (of.to_owned(), json!(is)))
            .collect();
        assert_eq!(recorded["CreateBucket"]["headers"], headers);
    }

    #[test]
    fn a_mark_survives_the_way_through_the_email_field() {
        let mark = OwnerMark::new(MARK);
        assert_eq!(email_to_mark(&mark_to_email(&mark)), Some(mark));
    }

    #[test]
    fn other_addresses_carry_no_mark() {
        for email in [
            "",
            "a@example.com",
            "@owner.gracekey.dev",
            "0123456789ABCDEF0123456789abcdef@owner.gracekey.dev",
            "0123456789abcdef0123456789abcde@owner.gracekey.dev",
            "0123456789abcdef0123456789abcdef@owner.gracekey.dev.example.com",
        ] {
            assert_eq!(email_to_mark(email), None, "{email}");
        }
    }
}
