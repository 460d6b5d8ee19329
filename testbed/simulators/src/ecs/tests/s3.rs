use super::{login, s3, with, works};
use crate::ecs::{Fault, Options};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn nodes_know_new_and_old_secrets_late() {
    let options = Options {
        new_key_lag: 2 * MINUTE,
        old_key_lag: 2 * MINUTE,
        ..Options::default()
    };
    with(options, |ecs| {
        let (id, first) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        admin.add(
            "u1",
            json!({ "secretkey": "second", "existing_key_expiry_time_mins": "5" }),
        );
        assert!(works(ecs, &id, &first) && !works(ecs, &id, "second"));
        ecs.clock().advance(2 * MINUTE);
        assert!(works(ecs, &id, "second"));
        // Five minutes after the call the admin side has forgotten it, and the nodes have not.
        ecs.clock().advance(4 * MINUTE);
        assert_eq!(admin.keys("u1")["secret_key_1"], "");
        assert!(works(ecs, &id, &first));
        ecs.clock().advance(MINUTE);
        assert!(!works(ecs, &id, &first));
        admin.drop_key("u1", json!({ "secret_key": "second" }));
        assert!(works(ecs, &id, "second"));
        ecs.clock().advance(2 * MINUTE);
        assert!(!works(ecs, &id, "second"));
    });
}

#[test]
fn one_change_can_be_late() {
    with(Options::default(), |ecs| {
        let (id, _) = ecs.add_user("u1");
        let admin = login(ecs, ecs.root());
        ecs.fail_next(Fault::LateOnS3(MINUTE));
        admin.add("u1", json!({ "secretkey": "late" }));
        assert!(!works(ecs, &id, "late"));
        ecs.clock().advance(MINUTE);
        assert!(works(ecs, &id, "late"));
    });
}

#[test]
fn a_lock_is_403_and_comes_late_too() {
    let options = Options {
        old_key_lag: MINUTE,
        ..Options::default()
    };
    with(options, |ecs| {
        let (id, secret) = ecs.add_user("u1");
        ecs.lock("u1", true);
        assert!(works(ecs, &id, &secret));
        ecs.clock().advance(MINUTE);
        let answer = s3(ecs, "GET /", &id, &secret);
        assert!(
            answer.status == 403 && answer.body.contains("AccessDenied"),
            "{}",
            answer.body
        );
        ecs.lock("u1", false);
        assert!(works(ecs, &id, &secret));
    });
}

#[test]
fn the_access_key_is_the_uid() {
    with(Options::default(), |ecs| {
        let (id, secret) = ecs.add_user("u1");
        assert_eq!(id, "u1");
        let answer = s3(ecs, "GET /", "u2", &secret);
        assert!(answer.status == 403 && answer.body.contains("InvalidAccessKeyId"));
        assert_eq!(s3(ecs, "PUT /pictures", &id, &secret).status, 200);
        assert!(ecs.snapshot("u1").contains("bucket pictures"));
    });
}

#[test]
fn a_dead_secret_is_401_at_the_provider() {
    with(Options::cegedim(), |ecs| {
        let (id, secret) = ecs.add_user("u1");
        assert!(works(ecs, &id, &secret));
        assert_eq!(s3(ecs, "GET /", &id, "another").status, 401);
    });
}
