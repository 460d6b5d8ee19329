//! Requests as they go out.

use super::*;

const PLACE: &str = "gk-a%400123456789abcdef0123456789abcdef.owner.gracekey.dev";

fn name() -> UserName {
    UserName::new("gk-a@0123456789abcdef0123456789abcdef.owner.gracekey.dev")
}

#[test]
fn each_call_has_exactly_this_method_and_target() {
    let (name, id, secret) = (name(), AccessKeyId::new("GK1"), SecretString::from("s3cret"));
    let policies = ["readwrite".to_owned(), "more".to_owned()];
    for (call, want) in [
        (find_user(&name), format!("GET user-info?accessKey={PLACE}")),
        (find_own_key(&id), "GET user-info?accessKey=GK1".to_owned()),
        (find_key(&name, &id), "GET user-info?accessKey=GK1".to_owned()),
        (
            list_keys(&name),
            format!("GET list-service-accounts?user={PLACE}"),
        ),
        (
            whose_key(&name, "GK1"),
            "GET info-service-account?accessKey=GK1".to_owned(),
        ),
        (
            create_user(&name, &secret),
            format!("PUT add-user?accessKey={PLACE}"),
        ),
        (
            attach_policies(&name, &policies),
            "POST idp/builtin/policy/attach".to_owned(),
        ),
        (
            detach_policies(&name, &policies),
            "POST idp/builtin/policy/detach".to_owned(),
        ),
        (
            create_lock_policy(&name),
            "PUT add-canned-policy?name=gracekey-locked".to_owned(),
        ),
        (
            set_policies(&name, &policies),
            format!(
                "PUT set-user-or-group-policy?policyName=readwrite%2Cmore&userOrGroup={PLACE}&isGroup=false"
            ),
        ),
        (
            set_locked(&name, true),
            format!("PUT set-user-status?accessKey={PLACE}&status=disabled"),
        ),
        (
            set_locked(&name, false),
            format!("PUT set-user-status?accessKey={PLACE}&status=enabled"),
        ),
        (
            delete_user(&name),
            format!("DELETE remove-user?accessKey={PLACE}"),
        ),
        (issue(&name, &id, &secret), "PUT add-service-account".to_owned()),
        (
            revoke(&name, "GK1"),
            "DELETE delete-service-account?accessKey=GK1".to_owned(),
        ),
        (find_policy("a/b"), "GET info-canned-policy?name=a%2Fb".to_owned()),
        (
            read_policy(&name, "a/b"),
            "GET info-canned-policy?name=a%2Fb".to_owned(),
        ),
        (read_group(&name, "a b"), "GET group?group=a%20b".to_owned()),
        (server_info(), "GET info".to_owned()),
    ] {
        let target = call.target.strip_prefix(BASE).unwrap();
        assert_eq!(format!("{} {target}", call.method), want);
        assert!(
            !format!("{call:?} {}", call.subject).contains("s3cret"),
            "{call:?}"
        );
    }
}

#[test]
fn each_body_says_all_that_must_be_said() {
    let (name, secret) = (name(), SecretString::from("s3cret"));
    let policies = ["readwrite".to_owned()];
    for (call, want) in [
        (
            create_user(&name, &secret),
            r#"{"secretKey":"s3cret","status":"enabled"}"#.to_owned(),
        ),
        (
            attach_policies(&name, &policies),
            format!(r#"{{"policies":["readwrite"],"user":"{name}"}}"#),
        ),
        (
            issue(&name, &AccessKeyId::new("GK1"), &secret),
            format!(r#"{{"targetUser":"{name}","accessKey":"GK1","secretKey":"s3cret"}}"#),
        ),
    ] {
        let (content_type, body) = call.body.unwrap();
        assert_eq!(content_type, "application/octet-stream");
        assert_eq!(String::from_utf8_lossy(&body), want);
    }
}

#[test]
fn the_policy_of_a_user_is_called_by_the_mark_of_its_owner_and_tells_its_users_apart() {
    let (name, owner) = (name(), OwnerMark::new("0123456789abcdef0123456789abcdef"));
    let put = write_access(&name, &owner, &Document::default());
    for (call, want) in [
        (read_access(&name, &owner), "GET info-canned-policy"),
        (put, "PUT add-canned-policy"),
        (remove_access(&name, &owner), "DELETE remove-canned-policy"),
    ] {
        let target = call.target.strip_prefix(BASE).unwrap();
        let want = format!("{want}?name=gracekey-access-0123456789abcdef0123456789abcdef-be28ef444ae6589f");
        assert_eq!(format!("{} {target}", call.method), want);
    }
    let long = UserName::new("x".repeat(128));
    let other = access_policy(&long, &owner);
    assert_eq!(other.len(), access_policy(&name, &owner).len());
    assert_ne!(other, access_policy(&name, &owner));
}
