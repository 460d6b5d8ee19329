//! Answers recorded from `SeaweedFS` 4.48 and moto 5.2.5 (secrets blanked), and one of the AWS API reference.

use super::*;
use crate::backend::iam::{error, request};
use crate::backend::{ErrorKind, Outcome};
use crate::domain::ids::OwnerMark;
use secrecy::ExposeSecret as _;

const SEAWEEDFS: &str = "seaweedfs 4.48";
const MOTO: &str = "moto 5.2.5";
const AWS: &str = "AWS, by the API reference";
const SERVERS: [&str; 2] = [SEAWEEDFS, MOTO];
const MARK: &str = "0123456789abcdef0123456789abcdef";

fn recorded(server: &str, which: &str) -> Reply {
    let all: serde_json::Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
    let answer = &all[server][which];
    let status = answer["status"].as_u64().unwrap();
    Reply::made_up(u16::try_from(status).unwrap(), answer["body"].as_str().unwrap())
}

fn name(server: &str) -> UserName {
    UserName::new(match server {
        SEAWEEDFS => format!("gk-a@{MARK}.owner.gracekey.dev"),
        _ => "gk-a".to_owned(),
    })
}

#[test]
fn a_user_is_read_with_the_path_that_the_store_keeps() {
    for (server, path) in [(SEAWEEDFS, "/".to_owned()), (MOTO, format!("/gracekey/{MARK}/"))] {
        for (which, operation) in [("CreateUser", "CreateUser"), ("GetUser", "GetUser")] {
            let mut call = request::find_user(&name(server));
            call.operation = operation;
            let user = user(&call, &recorded(server, which), &name(server)).unwrap();
            assert_eq!((user.name.as_str(), &user.path), (name(server).as_str(), &path));
        }
    }
    assert_eq!(request::path_to_mark("/"), None);
    assert_eq!(
        request::path_to_mark(&format!("/gracekey/{MARK}/")),
        Some(OwnerMark::new(MARK))
    );
}

#[test]
fn an_answer_about_somebody_else_or_to_something_else_is_not_taken() {
    let reply = recorded(MOTO, "GetUser");
    let other = UserName::new("gk-b");
    let error = user(&request::find_user(&other), &reply, &other).unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::NotApplied)
    );
    let other = UserName::new("GK-A");
    assert!(user(&request::find_user(&other), &reply, &other).is_ok());
    let call = request::delete_user(&name(MOTO));
    let error = done(&call, &reply).unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::Unknown)
    );
}

#[test]
fn keys_are_read_with_their_states() {
    for server in SERVERS {
        let call = request::list_keys(&name(server), None);
        let page = keys(&call, &recorded(server, "ListAccessKeys"), &name(server)).unwrap();
        let mut active: Vec<_> = page.items.iter().map(|key| key.active).collect();
        active.sort_unstable();
        assert!(
            active.starts_with(&[false, true]) && page.marker.is_none(),
            "{server}: {page:?}"
        );
        let none = keys(&call, &recorded(server, "ListAccessKeys none"), &name(server)).unwrap();
        assert!(none.items.is_empty() && none.marker.is_none());
    }
}

#[test]
fn a_list_that_goes_on_says_where() {
    let call = request::list_inline(&UserName::new("u"), None);
    let list = |rest: &str| {
        let body = format!(
            "<ListUserPoliciesResponse><ListUserPoliciesResult><PolicyNames><member>a</member></PolicyNames>{rest}\
             </ListUserPoliciesResult></ListUserPoliciesResponse>"
        );
        inline(&call, &Reply::made_up(200, &body))
    };
    assert_eq!(list("").unwrap().marker, None);
    assert_eq!(
        list("<IsTruncated>false</IsTruncated><Marker>m</Marker>")
            .unwrap()
            .marker,
        None
    );
    let page = list("<IsTruncated>true</IsTruncated><Marker>m</Marker>").unwrap();
    assert_eq!(
        (page.items, page.marker.as_deref()),
        (vec!["a".to_owned()], Some("m"))
    );
    assert_eq!(
        list("<IsTruncated>true</IsTruncated>").unwrap_err().kind,
        ErrorKind::Protocol
    );
}

#[test]
fn policies_are_read_by_name_and_arn() {
    for server in SERVERS {
        let call = request::list_inline(&name(server), None);
        let names = inline(&call, &recorded(server, "ListUserPolicies"))
            .unwrap()
            .items;
        assert!(names.contains(&"gracekey-locked-by-keys".to_owned()), "{names:?}");
        let call = request::list_attached(&name(server), None);
        let arns = attached(&call, &recorded(server, "ListAttachedUserPolicies"))
            .unwrap()
            .items;
        assert!(
            matches!(arns.as_slice(), [arn] if arn.ends_with(":policy/application")),
            "{arns:?}"
        );
    }
}

#[test]
fn a_new_key_is_read_and_one_that_is_not_whole_is_not_taken() {
    for server in SERVERS {
        let call = request::issue(&name(server));
        let key = new_key(&call, &recorded(server, "CreateAccessKey"), &name(server)).unwrap();
        assert!(key.id.as_str().starts_with("AKIA"));
        assert_eq!(key.secret.expose_secret(), "blanked");
    }
    let call = request::issue(&name(MOTO));
    for fields in [
        "<UserName>admin</UserName><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>",
        "<AccessKeyId>AKIA1</AccessKeyId>",
        "<AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey/>",
        "<AccessKeyId>a b</AccessKeyId><SecretAccessKey>s</SecretAccessKey>",
        "<SecretAccessKey>s</SecretAccessKey>",
    ] {
        let body = format!(
            "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey>{fields}</AccessKey></CreateAccessKeyResult>\
             </CreateAccessKeyResponse>"
        );
        let error = new_key(&call, &Reply::made_up(200, &body), &name(MOTO))
            .err()
            .unwrap();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Protocol, Outcome::Unknown)
        );
    }
}

#[test]
fn the_last_use_is_a_time_or_never() {
    let call = request::last_use(&AccessKeyId::new("AKIA1"));
    let told = |server, which| last_use(&call, &recorded(server, which)).unwrap();
    assert_eq!(told(MOTO, "GetAccessKeyLastUsed"), LastUse::Never);
    assert!(matches!(told(MOTO, "GetAccessKeyLastUsed admin"), LastUse::At(_)));
    let day = "2015-03-13T10:45:00Z".parse().unwrap();
    assert_eq!(told(AWS, "GetAccessKeyLastUsed"), LastUse::At(day));
    let none = "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult/></GetAccessKeyLastUsedResponse>";
    assert_eq!(
        last_use(&call, &Reply::made_up(200, none)).unwrap_err().kind,
        ErrorKind::Protocol
    );
}

#[test]
fn refusals_that_were_met_are_read_whatever_their_depth() {
    for (server, which, code) in [
        (SEAWEEDFS, "CreateUser again", "EntityAlreadyExists"),
        (SEAWEEDFS, "GetUser absent", "NoSuchEntity"),
        (SEAWEEDFS, "GetAccessKeyLastUsed", "NotImplemented"),
        (SEAWEEDFS, "PutUserPolicy deny", "MalformedPolicyDocument"),
        (SEAWEEDFS, "AttachUserPolicy absent", "NoSuchEntity"),
        (SEAWEEDFS, "wrong secret", "SignatureDoesNotMatch"),
        (SEAWEEDFS, "unknown key", "InvalidAccessKeyId"),
        (MOTO, "CreateUser again", "EntityAlreadyExists"),
        (MOTO, "GetUser absent", "NoSuchEntity"),
        (MOTO, "CreateAccessKey third", "LimitExceeded"),
        (MOTO, "wrong secret", "SignatureDoesNotMatch"),
        (MOTO, "unknown key", "InvalidClientTokenId"),
        (MOTO, "DeleteUser with policies", "DeleteConflict"),
        (MOTO, "DeleteAccessKey absent", "NoSuchEntity"),
    ] {
        let reply = recorded(server, which);
        assert_eq!(error::code(&reply).as_deref(), Some(code), "{server} {which}");
        assert_eq!(
            error::is_absent(&reply),
            code == "NoSuchEntity",
            "{server} {which}"
        );
    }
    for server in SERVERS {
        assert_eq!(error::code(&recorded(server, "GetUser")), None);
    }
}

#[test]
fn the_text_of_a_policy_comes_in_two_forms_and_for_the_user_that_was_asked_about() {
    let name = UserName::new("a");
    let call = request::find_inline(&name, "p");
    let told = |user: &str, text: &str| {
        let body = format!(
            "<GetUserPolicyResponse><GetUserPolicyResult><UserName>{user}</UserName><PolicyName>p</PolicyName>\
             <PolicyDocument>{text}</PolicyDocument></GetUserPolicyResult></GetUserPolicyResponse>"
        );
        document(&call, &Reply::made_up(200, &body), &name).ok()
    };
    let want = Some(br#"{"a":"*"}"#.to_vec());
    assert_eq!(told("a", "{&#34;a&#34;:&#34;*&#34;}"), want);
    assert_eq!(told("a", "%7B%22a%22%3A%22%2A%22%7D"), want);
    assert_eq!(told("b", "%7B%7D"), None);
    for broken in ["%7", "%", "%zz", "%7B%\u{e4}"] {
        assert_eq!(told("a", broken), None, "{broken}");
    }
}

/// Forms of the API reference, with the text in either of its two.
#[test]
fn a_policy_tells_its_version_and_the_version_its_text() {
    let call = request::find_policy("arn:a");
    let told = |policy: &str| {
        let body =
            format!("<GetPolicyResponse><GetPolicyResult>{policy}</GetPolicyResult></GetPolicyResponse>");
        default_version(&call, &Reply::made_up(200, &body)).ok()
    };
    let policy = "<Policy><Arn>arn:a</Arn><DefaultVersionId>v2</DefaultVersionId></Policy>";
    assert_eq!(told(policy).as_deref(), Some("v2"));
    for odd in ["", "<Policy/>", "<Policy><DefaultVersionId/></Policy>"] {
        assert_eq!(told(odd), None, "{odd}");
    }
    let call = request::find_policy_version("arn:a", "v2");
    let told = |text: &str| {
        let body = format!(
            "<GetPolicyVersionResponse><GetPolicyVersionResult><PolicyVersion><Document>{text}</Document><VersionId>v2</VersionId>\
             </PolicyVersion></GetPolicyVersionResult></GetPolicyVersionResponse>"
        );
        version_document(&call, &Reply::made_up(200, &body)).ok()
    };
    let want = Some(br#"{"a":"*"}"#.to_vec());
    assert_eq!(told("{&#34;a&#34;:&#34;*&#34;}"), want);
    assert_eq!(told("%7B%22a%22%3A%22%2A%22%7D"), want);
    assert_eq!(told("%7"), None);
}
