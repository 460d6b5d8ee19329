use super::*;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::domain::ids::OwnerMark;
use crate::entropy::OsEntropy;
use std::{sync::Arc, time::Duration};

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

fn config() -> KeystoneConfig {
    KeystoneConfig {
        endpoint: Endpoint::parse("http://127.0.0.1:5000").unwrap(),
        prefix: String::new(),
        username: "admin".to_owned(),
        password: "p\"ss".into(),
        admin_project: "admin".to_owned(),
        admin_domain: "Default".to_owned(),
        project: "shop".to_owned(),
        project_domain: "Default".to_owned(),
        user_domain: "Default".to_owned(),
        role: "member".to_owned(),
        tls: TlsOptions::default(),
        call_limit: Duration::from_secs(1),
        token_age: Duration::from_secs(1),
        entropy: Arc::new(OsEntropy),
    }
}

/// Each call as the reference of the API has it, to be read side by side.
#[test]
fn each_call_has_exactly_this_method_target_and_body() {
    let user = NewUser {
        name: name(),
        label: "Bill & \"Ben\"".into(),
        owner: OwnerMark::new("0123456789abcdef0123456789abcdef"),
        locked: true,
    };
    let calls = [
        login(&config()),
        logout(&config()),
        version(),
        find_domain("Größe"),
        find_project("shop", "default"),
        find_role("member"),
        find_user("default", &name()),
        find_rights("u1", &name()),
        find_system_roles("u1", &name()),
        find_keys("u1", &name()),
        create_user("default", &user),
        give_role("p1", "u1", "r1", &name()),
        set_label("u1", &name(), "Ü"),
        set_locked("u1", &name(), true),
        set_locked("u1", &name(), false),
        delete_user("u1", &name()),
        issue("p1", "u1", &name(), &AccessKeyId::new("AK1"), &"s3cr3t".into()),
        revoke("u1", &name(), "AK1"),
        revoke("u1", &name(), "a/../b"),
    ];
    let texts: Vec<_> = calls.iter().map(text).collect();
    assert_eq!(texts.join("\n"), include_str!("recorded/requests.txt").trim_end());
}

#[test]
fn a_call_with_a_secret_shows_it_nowhere_but_in_its_body() {
    let key = issue("p1", "u1", &name(), &AccessKeyId::new("AK1"), &"s3cr3t".into());
    let shown = format!(
        "{key:?} {} {:?} {}",
        key.target,
        login(&config()),
        login(&config()).target
    );
    assert!(
        !shown.contains("s3cr3t") && !shown.contains("p\\\"ss") && !shown.contains("p\"ss"),
        "{shown}"
    );
}

/// What has a secret in it is written in one piece, so that nothing of it is left behind in memory.
#[test]
fn a_body_with_a_secret_has_room_for_the_longest() {
    let long = "x".repeat(128);
    let secret = SecretString::from("s".repeat(40));
    let key = issue(&long, &long, &name(), &AccessKeyId::new(long.as_str()), &secret);
    assert!(key.body.unwrap().1.len() < SECRET_BODY);
}
