//! Answers of both servers, and those that are not taken.

use super::*;
use crate::backend::user_policy::reaches_all_buckets;

const VERSIONS: [&str; 2] = ["MinIO 2026-02-12", "JuiceFS 1.4.2"];

/// Bodies recorded from both servers, decrypted; ids of hosts and deployments made up.
fn recorded(version: &str, which: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
    all[version][which].clone()
}

fn read<T: for<'de> Deserialize<'de>>(version: &str, which: &str) -> T {
    serde_json::from_value(recorded(version, which))
        .unwrap_or_else(|error| panic!("{version}, {which}: {error}"))
}

fn observed(version: &str, own_key: &str) -> ObservedUser {
    let name = UserName::new("gk-a@0123456789abcdef0123456789abcdef.owner.gracekey.dev");
    let (user, keys): (User, ServiceAccounts) = (read(version, "user"), read(version, "two keys"));
    user.observe(&name, keys, &AccessKeyId::new(own_key))
}

#[test]
fn a_user_is_read_with_its_keys_and_without_their_secrets() {
    for version in VERSIONS {
        let user = observed(version, "OTHER");
        assert!(!user.locked && !user.privileged, "{version}");
        assert_eq!(user.owner.unwrap().as_str(), "0123456789abcdef0123456789abcdef");
        let mut ids: Vec<_> = user
            .credentials
            .iter()
            .map(|key| key.access_key_id.as_str())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, ["GKTEST00000000000001", "GKTEST00000000000002"], "{version}");
        assert!(user.credentials.iter().all(|key| key.secret.is_none()));
    }
}

#[test]
fn a_disabled_user_is_locked_and_one_without_a_policy_has_no_rights() {
    for version in VERSIONS {
        assert!(read::<User>(version, "disabled user").is_disabled(), "{version}");
        assert!(read::<User>(version, "user").has_rights(), "{version}");
        assert!(
            !read::<User>(version, "user without policies").has_rights(),
            "{version}"
        );
    }
    let of = |json: &str| serde_json::from_str::<User>(json).unwrap();
    let denied = of(r#"{"status":"enabled","policyName":"gracekey-locked"}"#);
    assert!(denied.is_denied() && !denied.has_rights());
    assert!(of(r#"{"status":"enabled","memberOf":["staff"]}"#).has_rights());
    assert!(!of(r#"{"status":"enabled","policyName":"","memberOf":[]}"#).has_rights());
    assert!(!of(r#"{"status":"Disabled, perhaps"}"#).is_disabled());
}

#[test]
fn an_admin_and_the_holder_of_our_own_key_are_privileged() {
    for version in VERSIONS {
        assert!(observed(version, "GKTEST00000000000002").privileged, "{version}");
    }
    let user: User =
        serde_json::from_str(r#"{"status":"enabled","policyName":"readwrite,consoleAdmin"}"#).unwrap();
    assert!(user.is_admin());
}

#[test]
fn a_listing_comes_in_two_shapes_and_null_is_none() {
    for version in VERSIONS {
        assert_eq!(
            read::<ServiceAccounts>(version, "no keys").ids().count(),
            0,
            "{version}"
        );
    }
}

#[test]
fn what_would_lose_a_key_is_not_taken() {
    for body in [
        "{}",
        "[]",
        r#"{"accounts":{}}"#,
        r#"{"accounts":[{}]}"#,
        r#"{"accounts":[{"accessKey":""}]}"#,
        r#"{"accounts":[{"accessKey":null}]}"#,
        r#"{"accounts":["GK1",""]}"#,
        r#"{"accounts":["GK1",2]}"#,
    ] {
        assert!(serde_json::from_str::<ServiceAccounts>(body).is_err(), "{body}");
    }
    assert!(serde_json::from_str::<User>(r#"{"policyName":"readwrite"}"#).is_err());
    assert!(serde_json::from_str::<KeyInfo>(r#"{"accountStatus":"on"}"#).is_err());
}

#[test]
fn a_key_tells_whose_it_is() {
    for version in VERSIONS {
        let info: KeyInfo = read(version, "key");
        assert!(info.parent_user.starts_with("gk-a@"), "{version}");
    }
}

#[test]
fn a_policy_that_allows_admin_actions_is_told_from_one_that_does_not() {
    for version in VERSIONS {
        assert!(!read::<Policy>(version, "readwrite").is_admin(), "{version}");
        assert!(read::<Policy>(version, "consoleAdmin").is_admin(), "{version}");
    }
    let of = |statement: &str| {
        serde_json::from_str::<Policy>(&format!(r#"{{"Statement":[{statement}]}}"#))
            .unwrap()
            .is_admin()
    };
    assert!(of(r#"{"Effect":"Allow","Action":"admin:CreateUser"}"#));
    assert!(of(r#"{"Effect":"Allow","Action":["*"]}"#) && of(r#"{"Effect":"Allow","Action":"a*"}"#));
    assert!(of(r#"{"Effect":"Allow","NotAction":["s3:DeleteBucket"]}"#));
    assert!(!of(r#"{"Effect":"Allow","Action":["s3:*"]}"#));
    assert!(!of(r#"{"Effect":"Deny","Action":["admin:*"]}"#));
    assert!(!of(r#"{"Effect":"Allow","Action":["s3:*"]}"#));
}

#[test]
fn the_version_is_that_of_the_first_server_that_tells_one() {
    let info: Info = read("MinIO 2026-02-12", "info");
    assert_eq!(info.version().as_deref(), Some("2026-02-12T20:18:48Z"));
    for odd in [r#"{"mode":"online"}"#, r#"{"servers":[{"version":"<b>"}]}"#] {
        assert_eq!(
            serde_json::from_str::<Info>(odd).unwrap().version(),
            None,
            "{odd}"
        );
    }
}

#[test]
fn grants_of_ours_are_no_rights_that_somebody_gave() {
    let of = |policies: &str| {
        let text = format!(r#"{{"status":"enabled","policyName":"{policies}"}}"#);
        serde_json::from_str::<User>(&text).unwrap()
    };
    let ours = of("gracekey-access-0123456789abcdef0123456789abcdef,gracekey-locked");
    assert!(!ours.has_rights() && ours.has_policy("gracekey-access-0123456789abcdef0123456789abcdef"));
    assert!(of("gracekey-access-0123456789abcdef0123456789abcdef,mine").has_rights());
}

#[test]
fn a_group_gives_its_policies_unless_it_is_disabled() {
    let of = |json: &str| {
        let group: Group = serde_json::from_str(json).unwrap();
        group.policies().map(str::to_owned).collect::<Vec<_>>()
    };
    let given = of(r#"{"name":"g","status":"enabled","members":["u"],"policy":"a, b"}"#);
    assert_eq!(given, ["a", "b"]);
    for json in [
        r#"{"status":"enabled"}"#,
        r#"{"status":"enabled","policy":""}"#,
        r#"{"status":"disabled","policy":"a"}"#,
    ] {
        assert!(of(json).is_empty(), "{json}");
    }
    assert!(serde_json::from_str::<Group>("{}").is_err());
}

#[test]
fn a_policy_that_reaches_all_buckets_is_told_from_one_that_does_not() {
    for version in VERSIONS {
        let policy = recorded(version, "readwrite").to_string();
        assert!(reaches_all_buckets(policy.as_bytes()), "{version}");
    }
    for (resource, want) in [
        (r#""Resource":["arn:aws:s3:::*"]"#, true),
        (r#""Resource":"*""#, true),
        (r#""Resource":["arn:aws:s3:::a","arn:aws:s3:::*/public/*"]"#, true),
        (r#""Resource":["arn:aws:s3:::?*"]"#, true),
        (r#""NotResource":["arn:aws:s3:::a"]"#, true),
        (r#""Resource":["arn:aws:s3:::a","arn:aws:s3:::a/*"]"#, false),
        (r#""Resource":["arn:aws:s3:::${aws:username}/*"]"#, false),
        (r#""Resource":["arn:aws:s3:::tenant-*"]"#, false),
    ] {
        let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":["s3:GetObject"],{resource}}}]}}"#);
        assert_eq!(reaches_all_buckets(text.as_bytes()), want, "{resource}");
        let denied = text.replace("Allow", "Deny");
        assert!(!reaches_all_buckets(denied.as_bytes()));
    }
}
