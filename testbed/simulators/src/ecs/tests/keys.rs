use super::{login, with, works};
use crate::ecs::wire::sha256;
use crate::ecs::{IdWithoutSecret, Options, Refusal, Slots, ThirdKey, ZeroExpiry};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn two_secrets_are_valid_at_once_until_the_older_ends() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.root());
        admin.make("u1");
        let first = admin.add("u1", json!({ "secretkey": "first" })).json();
        assert_eq!(
            (&first["secret_key"], &first["key_expiry_timestamp"]),
            (&json!("first"), &json!(""))
        );
        assert_eq!(first["secret_key_id"], sha256("first"));
        let body = json!({ "secretkey": "second", "existing_key_expiry_time_mins": "60" });
        assert_eq!(admin.add("u1", body).status, 200);
        assert!(works(ecs, "u1", "first") && works(ecs, "u1", "second"));
        let keys = admin.keys("u1");
        assert_eq!(
            (&keys["secret_key_1"], &keys["key_expiry_timestamp_2"]),
            (&json!("first"), &json!(""))
        );
        assert_ne!(keys["key_expiry_timestamp_1"], "");
        ecs.clock().advance(Duration::from_mins(61));
        assert!(!works(ecs, "u1", "first") && works(ecs, "u1", "second"));
        // The slot is free again, and the newer stays in its own.
        let keys = admin.keys("u1");
        assert_eq!(
            (&keys["secret_key_1_exist"], &keys["secret_key_2"]),
            (&json!(false), &json!("second"))
        );
        assert_eq!(keys["key_timestamp_1"], "");
    });
}

#[test]
fn an_older_secret_without_an_expiry_stays() {
    with(Options::default(), |ecs| {
        let (id, first) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        let answer = admin
            .add("u1", json!({ "existing_key_expiry_time_mins": null }))
            .json();
        assert_eq!(answer["secret_key"].as_str().unwrap().len(), 40);
        ecs.clock().advance(Duration::from_hours(24));
        assert!(works(ecs, &id, &first));
    });
}

#[test]
fn the_expiry_may_be_a_number_and_zero_ends_at_once() {
    let zero = json!({ "existing_key_expiry_time_mins": 0 });
    let body = zero.clone();
    with(Options::default(), move |ecs| {
        let (id, first) = ecs.add_user("u1");
        assert_eq!(login(ecs, ecs.root()).add("u1", body).status, 200);
        assert!(!works(ecs, &id, &first));
    });
    let options = Options {
        zero_expiry: ZeroExpiry::Never,
        ..Options::default()
    };
    with(options, move |ecs| {
        let (id, first) = ecs.add_user("u1");
        assert_eq!(login(ecs, ecs.root()).add("u1", zero).status, 200);
        assert!(works(ecs, &id, &first));
    });
}

#[test]
fn a_third_secret_is_refused_or_drops_the_oldest() {
    with(Options::default(), |ecs| {
        ecs.add_user("u1");
        ecs.add_key("u1").unwrap();
        assert_eq!(ecs.add_key("u1"), None);
        let answer = login(ecs, ecs.root()).add("u1", json!({}));
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1031)));
    });
    let options = Options {
        third_key: ThirdKey::DropsOldest,
        ..Options::default()
    };
    with(options, |ecs| {
        let (id, first) = ecs.add_user("u1");
        let second = ecs.add_key("u1").unwrap();
        assert_eq!(login(ecs, ecs.root()).add("u1", json!({})).status, 200);
        assert!(!works(ecs, &id, &first) && works(ecs, &id, &second));
    });
}

#[test]
fn the_same_secret_again_is_no_second_key() {
    with(Options::default(), |ecs| {
        let (_, secret) = ecs.add_user("u1");
        let answer = login(ecs, ecs.root()).add("u1", json!({ "secretkey": secret }));
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(1008)));
    });
}

#[test]
fn hidden_secrets_are_told_apart_by_their_sha256() {
    let options = Options {
        hide_secrets: true,
        ..Options::default()
    };
    with(options, |ecs| {
        let (id, first) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        // Shown once, when it is made.
        let second = admin.add("u1", json!({})).json()["secret_key"]
            .as_str()
            .unwrap()
            .to_owned();
        let keys = admin.keys("u1");
        assert_eq!(
            (&keys["secret_key_1"], &keys["secret_key_1_id"]),
            (&json!(""), &json!(sha256(&first)))
        );
        assert_eq!(
            admin.drop_key("u1", json!({ "secret_key_id": sha256(&first) })),
            (200, 0)
        );
        assert!(!works(ecs, &id, &first) && works(ecs, &id, &second));
    });
}

#[test]
fn a_secret_is_deleted_by_its_value() {
    with(Options::default(), |ecs| {
        let (id, first) = ecs.add_user("u1");
        let second = ecs.add_key("u1").unwrap();
        let admin = login(ecs, ecs.root());
        assert_eq!(
            admin.drop_key("u1", json!({ "secret_key": "another" })),
            (400, 1004)
        );
        assert_eq!(admin.drop_key("u1", json!({ "secret_key": first })), (200, 0));
        assert!(!works(ecs, &id, &first) && works(ecs, &id, &second));
        let exist = admin.get("/object/user-secret-keys/exist/u1/ns1");
        assert_eq!(
            exist,
            json!({ "secret_key_1_exist": false, "secret_key_2_exist": true })
        );
    });
}

#[test]
fn deletion_can_need_both_secret_and_id() {
    let options = Options {
        deletion_needs_both: true,
        ..Options::default()
    };
    with(options, |ecs| {
        let (_, secret) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        assert_eq!(admin.drop_key("u1", json!({ "secret_key": secret })), (400, 1005));
        let both = json!({ "secret_key": secret, "secret_key_id": sha256(&secret) });
        assert_eq!(admin.drop_key("u1", both), (200, 0));
    });
}

/// Sends a deletion without a secret, and tells how many secrets are left and how many rules it broke.
fn left_after(options: Options, body: fn(&str) -> Value) -> (usize, usize) {
    let (left, found) = std::sync::mpsc::channel();
    let violations = super::ended(options, move |ecs| {
        let (_, first) = ecs.add_user("u1");
        ecs.add_key("u1").unwrap();
        login(ecs, ecs.root()).drop_key("u1", body(&first));
        left.send(ecs.snapshot("u1").matches("key ").count()).unwrap();
    });
    (found.recv().unwrap(), violations.len())
}

#[test]
fn an_empty_secret_deletes_every_secret_and_is_a_violation() {
    assert_eq!(
        left_after(Options::default(), |_| json!({ "secret_key": "" })),
        (0, 1)
    );
    assert_eq!(left_after(Options::default(), |_| json!({})), (0, 1));
    let with_id = |first: &str| json!({ "secret_key": "", "secret_key_id": sha256(first) });
    assert_eq!(left_after(Options::default(), with_id), (0, 1));
    let id_without_secret = IdWithoutSecret::RemovesOne;
    assert_eq!(
        left_after(
            Options {
                id_without_secret,
                ..Options::default()
            },
            with_id
        ),
        (1, 1)
    );
}

#[test]
fn slots_follow_age_or_the_first_that_is_free() {
    for (slots, newest_at) in [
        (Slots::FirstFree, 1),
        (Slots::NewestFirst, 1),
        (Slots::OldestFirst, 2),
    ] {
        with(
            Options {
                slots,
                ..Options::default()
            },
            move |ecs| {
                let (_, first) = ecs.add_user("u1");
                ecs.add_key("u1").unwrap();
                ecs.remove_key("u1", &first);
                let newest = ecs.add_key("u1").unwrap();
                let keys = login(ecs, ecs.root()).keys("u1");
                assert_eq!(keys[format!("secret_key_{newest_at}")], newest.as_str());
            },
        );
    }
}

#[test]
fn an_expiry_without_an_older_secret_is_a_violation() {
    for (expiry_without_key, status) in [(None, 200), (Some(Refusal::new(400, 1008)), 400)] {
        let options = Options {
            expiry_without_key,
            ..Options::default()
        };
        let violations = super::ended(options, move |ecs| {
            let admin = login(ecs, ecs.root());
            admin.make("u1");
            assert_eq!(
                admin
                    .add("u1", json!({ "existing_key_expiry_time_mins": "5" }))
                    .status,
                status
            );
        });
        assert_eq!(violations.len(), 1, "{violations:?}");
    }
}

#[test]
fn an_expired_secret_can_keep_its_slot() {
    let options = Options {
        blanks_expired: false,
        ..Options::default()
    };
    with(options, |ecs| {
        ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        admin.add("u1", json!({ "existing_key_expiry_time_mins": "1" }));
        ecs.clock().advance(Duration::from_mins(2));
        assert_eq!(admin.keys("u1")["secret_key_1_exist"], true);
        assert_eq!(admin.add("u1", json!({})).status, 400);
    });
}

#[test]
fn the_self_service_acts_on_the_caller() {
    with(Options::default(), |ecs| {
        let admin = login(ecs, ecs.namespace_admin());
        let made = admin.raw("POST /object/secret-keys", "{}").json();
        assert_eq!(
            admin.get("/object/secret-keys")["secret_key_1"],
            made["secret_key"]
        );
        assert!(works(ecs, "nsadmin", made["secret_key"].as_str().unwrap()));
    });
}

#[test]
fn xml_bodies_do_the_same() {
    with(Options::default(), |ecs| {
        let token = login(ecs, ecs.root()).token;
        let headers = [
            ("x-sds-auth-token", token.as_str()),
            ("content-type", "application/xml"),
        ];
        let create = "<user_create_param><user>u1</user><namespace>ns1</namespace><tags><tag><name>label</name>\
            <value>a &amp; b</value></tag></tags></user_create_param>";
        assert_eq!(
            super::send(&ecs.url(), "POST /object/users", &headers, create).status,
            200
        );
        assert!(ecs.snapshot("u1").contains(r#"tag "label"="a & b""#));
        let key = "<user_secret_key_create><existing_key_expiry_time_mins null=\"true\"/><namespace>ns1</namespace>\
            <secretkey>chosen</secretkey></user_secret_key_create>";
        let answer = super::send(&ecs.url(), "POST /object/user-secret-keys/u1", &headers, key);
        assert!(
            answer.body.contains("<secret_key>chosen</secret_key>"),
            "{}",
            answer.body
        );
        assert!(works(ecs, "u1", "chosen"));
    });
}

#[test]
fn older_releases_have_no_ids_and_times_may_be_of_another_zone() {
    let options = Options {
        key_ids: false,
        answers_old_expiry: false,
        same_secret: None,
        hours_ahead: 5,
        ..Options::default()
    };
    with(options, |ecs| {
        let (_, secret) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        let body = json!({ "secretkey": secret, "existing_key_expiry_time_mins": "9" });
        let answer = admin.add("u1", body).json();
        assert_eq!(
            (&answer["secret_key_id"], &answer["key_expiry_timestamp"]),
            (&Value::Null, &json!(""))
        );
        let keys = admin.keys("u1");
        assert_eq!(
            (&keys["secret_key_1"], &keys["secret_key_2"]),
            (&json!(secret), &json!(secret))
        );
        assert_eq!(keys["secret_key_1_id"], Value::Null);
        // The snapshot is in UTC.
        let made = keys["key_timestamp_1"].as_str().unwrap();
        assert_eq!(made.len(), "2015-02-25 11:16:50.632".len());
        assert!(!ecs.snapshot("u1").contains(made));
    });
}
