//! What was sent to real gateways, in this order, and what radosgw 16.2.15, 18.2.7 and 20.2.4 answered
//! (`recorded/exchanges.json`). Secrets are made up, and so are the ids of requests and hosts.

use super::*;
use crate::backend::call::is_success;
use crate::backend::ceph::{error, policy::Policy, release_name, request};
use crate::backend::http::Reply;
use crate::backend::{ErrorKind, Outcome};
use crate::domain::ids::{NamespaceMark, OwnerMark, UserName};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const VERSIONS: [&str; 3] = ["16.2.15", "18.2.7", "20.2.4"];
const ADMIN: &str = "GRACEKEYADMIN";
const MARK: &str = "0123456789abcdef0123456789abcdef";

fn exchanges() -> Value {
    serde_json::from_str(include_str!("recorded/exchanges.json")).unwrap()
}

fn reply(version: &str, which: &str) -> Reply {
    let answer = &exchanges()[which][version];
    let status = answer["status"]
        .as_u64()
        .unwrap_or_else(|| panic!("{which} of {version}"));
    let told = &answer["body"];
    let body = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
    Reply::made_up(u16::try_from(status).unwrap(), &body)
}

fn read<T: for<'de> Deserialize<'de>>(version: &str, which: &str) -> T {
    let reply = reply(version, which);
    assert_eq!(reply.status, 200, "{version}, {which}");
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{version}, {which}: {error}"))
}

fn user(version: &str, which: &str) -> ObservedUser {
    read::<User>(version, which).observe(&AccessKeyId::new(ADMIN))
}

#[test]
fn every_call_was_answered_by_every_version_and_with_no_real_secret() {
    for (which, exchange) in exchanges().as_object().unwrap() {
        for version in VERSIONS {
            assert!(exchange[version]["status"].is_u64(), "{which} of {version}");
        }
        let text = exchange.to_string();
        for secret in text.split(r#""secret_key":"#).skip(1) {
            assert!(secret.starts_with(r#""made-up-"#), "{which}");
        }
    }
}

#[test]
fn a_new_user_is_read_as_it_was_ordered() {
    for version in VERSIONS {
        let made = user(version, "CreateUser");
        assert_eq!(made.label, "Bill & Ben: Zürich", "{version}");
        assert_eq!(made.owner, Some(OwnerMark::new(MARK)), "{version}");
        assert!(!made.locked && !made.privileged && made.credentials.is_empty());
        assert!(user(version, "CreateUser, locked").locked, "{version}");
    }
}

#[test]
fn a_user_is_read_with_its_keys_and_secrets() {
    for version in VERSIONS {
        let user = user(version, "GetUser");
        let keys = user.credentials.iter().map(|key| {
            let secret = key
                .secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned());
            (key.access_key_id.as_str(), secret.unwrap())
        });
        let keys: Vec<_> = keys.collect();
        let want = ["AK1", "AK2"].map(|id| (id, format!("made-up-secret-of-{id}")));
        assert_eq!(keys, want, "{version}");
        assert!(!user.privileged, "{version}");
    }
}

#[test]
fn the_answer_to_a_new_key_is_read_as_all_keys_of_the_user() {
    for version in VERSIONS {
        for (which, want) in [
            ("IssueKey", vec!["AK1"]),
            ("IssueKey, second", vec!["AK1", "AK2"]),
        ] {
            let keys: Vec<Key> = read(version, which);
            let ids: Vec<_> = keys.iter().map(|key| key.access_key.as_str()).collect();
            assert_eq!(ids, want, "{version}");
            assert!(keys.iter().all(|key| key.secret_key.is_some()));
        }
    }
}

#[test]
fn a_suspended_user_is_locked() {
    for version in VERSIONS {
        assert!(user(version, "SetLocked").locked, "{version}");
        assert!(!user(version, "SetLocked, not").locked, "{version}");
    }
}

#[test]
fn a_label_that_20_2_4_spoils_is_seen_in_its_answer() {
    for (version, told) in VERSIONS.into_iter().zip(["50%+1", "50%+1", "Ü"]) {
        assert_eq!(user(version, "SetLabel").label, "Ü");
        assert_eq!(user(version, "SetLabel, with signs").label, told, "{version}");
    }
}

#[test]
fn limits_count_where_they_are_enabled() {
    let limits = |body: &Value| User::deserialize(body).unwrap().limits();
    for version in VERSIONS {
        let want = [(Resource::Bytes, 1000), (Resource::Buckets, 0)];
        assert_eq!(
            user(version, "GetUser").limits.unwrap(),
            Limits::from(want),
            "{version}"
        );
        assert_eq!(
            user(version, "GetUser, lifted").limits.unwrap(),
            Limits::new(),
            "{version}"
        );
        let mut prepared: Value = read(version, "GetUser");
        prepared["user_quota"]["enabled"] = false.into();
        prepared["max_buckets"] = 5.into();
        assert_eq!(limits(&prepared), Limits::from([(Resource::Buckets, 5)]));
    }
}

#[test]
fn a_user_with_any_admin_right_is_privileged() {
    let other = AccessKeyId::new("OTHER");
    for version in VERSIONS {
        let admin: User = read(version, "Probe");
        assert!(admin.may_manage_users(), "{version}");
        assert!(admin.observe(&other).privileged, "{version}");
        let holder: User = read(version, "GetUser");
        assert!(
            holder.observe(&AccessKeyId::new("AK2")).privileged,
            "holds our own key"
        );
        for (flag, value) in [
            ("system", json!("true")),
            ("admin", json!(true)),
            ("type", json!("root")),
        ] {
            let mut user: Value = read(version, "GetUser");
            user[flag] = value;
            let user = User::deserialize(user).unwrap();
            assert!(user.observe(&other).privileged, "{version}: {flag}");
        }
    }
}

#[test]
fn a_user_may_be_managed_by_who_may_read_and_write_users() {
    for (caps, may) in [
        (r#"[{"type":"users","perm":"*"}]"#, true),
        (r#"[{"type":"users","perm":"read, write"}]"#, true),
        (
            r#"[{"type":"users","perm":"read"},{"type":"users","perm":"write"}]"#,
            true,
        ),
        (r#"[{"type":"users","perm":"read"}]"#, false),
        (r#"[{"type":"buckets","perm":"*"}]"#, false),
        ("[]", false),
    ] {
        let user: User = serde_json::from_str(&format!(r#"{{"user_id":"u","caps":{caps}}}"#)).unwrap();
        assert_eq!(user.may_manage_users(), may, "{caps}");
    }
}

#[test]
fn what_succeeds_without_a_word_is_a_success() {
    for version in VERSIONS {
        for which in [
            "SetQuota",
            "RevokeKey",
            "DeleteUser",
            "CreateBucket",
            "CreateBucket, again",
            "PutBucketPolicy",
            "PutBucketAcl",
            "DeleteBucketPolicy",
        ] {
            let reply = reply(version, which);
            assert!(is_success(&reply) && reply.body.is_empty(), "{version}, {which}");
        }
    }
}

#[test]
fn refusals_have_their_kinds() {
    use ErrorKind::{Auth, Conflict, NotFound};
    let call = request::find_user(&UserName::new("gk-a"));
    for version in VERSIONS {
        for (which, code, kind) in [
            ("Probe, wrong secret", "SignatureDoesNotMatch", Auth),
            ("Probe, unknown key", "InvalidAccessKeyId", Auth),
            ("Probe, suspended", "UserSuspended", Auth),
            ("GetUser, absent", "NoSuchUser", NotFound),
            ("CreateUser, again", "UserAlreadyExists", Conflict),
            ("CreateUser, mark taken", "EmailExists", Conflict),
            ("CreateUser, by a reader", "AccessDenied", Auth),
            ("SetLabel, absent", "NoSuchUser", NotFound),
            ("IssueKey, of another user", "KeyExists", Conflict),
            ("RevokeKey, absent", "InvalidAccessKeyId", Auth),
            ("DeleteUser, with a bucket", "BucketAlreadyExists", Conflict),
            ("DeleteUser, absent", "NoSuchUser", NotFound),
        ] {
            let reply = reply(version, which);
            assert_eq!(error::code(&reply).as_deref(), Some(code), "{version}, {which}");
            let error = error::refused(&call, &reply);
            assert_eq!(
                (error.kind, error.outcome),
                (kind, Outcome::NotApplied),
                "{error}"
            );
        }
    }
}

#[test]
fn refusals_of_s3_have_their_codes() {
    for version in VERSIONS {
        for (which, status, code) in [
            ("CreateBucket, for another user", 409, "BucketAlreadyExists"),
            ("CreateBucket, for nobody", 404, "NoSuchKey"),
            ("CreateBucket, of somebody else", 409, "BucketAlreadyExists"),
            ("GetBucketAcl, of somebody else", 403, "AccessDenied"),
            ("GetBucketPolicy, none", 404, "NoSuchBucketPolicy"),
            ("GetBucketPolicy, absent", 404, "NoSuchBucket"),
            ("GetBucketPolicy, of somebody else", 403, "AccessDenied"),
        ] {
            let reply = reply(version, which);
            let told = (reply.status, error::s3_code(&reply));
            assert_eq!(told, (status, Some(code.to_owned())), "{version}, {which}");
        }
    }
}

#[test]
fn an_access_list_tells_owner_and_for_whom_the_bucket_was_made() {
    let acl = |version, which| Acl::parse(&reply(version, which).body).unwrap();
    for version in VERSIONS {
        let made = acl(version, "GetBucketAcl");
        assert_eq!(made.owner.id, "gracekey", "{version}");
        assert!(made.is_as_made_for("gk-a"), "{version}");
        assert!(!made.is_as_made_for("gracekey") && !made.is_as_made_for("gk-b"));
        assert!(!acl(version, "GetBucketAcl, closed").is_as_made_for("gk-a"));
    }
    let text = String::from_utf8(reply("18.2.7", "GetBucketAcl").body.to_vec()).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from));
        Acl::parse(text.replace(from, to).as_bytes()).unwrap()
    };
    let group = r#"<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ_ACP</Permission></Grant></AccessControlList>"#;
    assert!(!edited("</AccessControlList>", group).is_as_made_for("gk-a"));
    assert!(!edited("READ_ACP", "READ").is_as_made_for("gk-a"));
    assert!(Acl::parse(b"<html>log in</html>").is_none());
}

#[test]
fn a_policy_is_given_back_as_it_was_put() {
    let namespace = NamespaceMark::new("c".repeat(32));
    for version in VERSIONS {
        let body = reply(version, "GetBucketPolicy").body;
        let told: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told, exchanges()["PutBucketPolicy"]["sends"], "{version}");
        assert!(Policy::parse(&body).unwrap().consents(&namespace), "{version}");
    }
}

#[test]
fn only_20_names_its_release() {
    let server = |version: &str| {
        exchanges()["Probe"][version]["server"]
            .as_str()
            .map(str::to_owned)
    };
    for (version, name) in VERSIONS.into_iter().zip([None, None, Some("tentacle")]) {
        assert_eq!(
            server(version).as_deref().and_then(release_name),
            name,
            "{version}"
        );
    }
}

#[test]
fn an_observed_user_prints_no_secret() {
    let text = format!("{:?}", user("18.2.7", "GetUser"));
    assert!(text.contains("AK1") && !text.contains("made-up"), "{text}");
}
