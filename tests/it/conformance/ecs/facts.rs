//! What only ECS has.

use super::{It, Likely, Reading, boxed};
use crate::conformance::suite::{
    Subject as _, found, fresh_name, fresh_user, has_only, is_dead, issued, key_ids, key_order,
    made_with_key, ready, works,
};
use crate::testbed::Fault as OnTheWay;
use gracekey::backend::ecs::EcsConfig;
use gracekey::backend::{Driver as _, ErrorKind, IssueRequest, NewUser, Outcome};
use gracekey::domain::capabilities::Overlap;
use gracekey::domain::ids::UserName;
use gracekey_simulators::ecs::{Fault, Options, Slots};
use std::time::Duration;

type Ecs = It<Likely>;

async fn with(change: impl FnOnce(&mut Options)) -> Ecs {
    let mut options = Likely::options();
    change(&mut options);
    Ecs::with(options).await
}

fn ending_after(time: Duration) -> IssueRequest {
    IssueRequest {
        access_key_id: None,
        expire_previous: Some(time),
    }
}

/// The documents do not say that it is harmless.
#[tokio::test]
async fn no_expiry_is_sent_for_a_first_secret() {
    let ecs = Ecs::start().await;
    let user = ready(&ecs).await;
    let pair = ecs
        .driver
        .issue(&user, &ending_after(Duration::from_mins(1)))
        .await
        .unwrap();
    ecs.pass_this(Duration::from_hours(2)).await;
    works(&ecs, &pair).await;
    assert_eq!(ecs.sim.violations().all(), Vec::<String>::new());
}

#[tokio::test]
async fn an_expiry_of_nothing_is_one_minute_and_no_accident() {
    let ecs = Ecs::start().await;
    let (user, old) = made_with_key(&ecs).await;
    let new = ecs
        .driver
        .issue(&user, &ending_after(Duration::ZERO))
        .await
        .unwrap();
    works(&ecs, &old).await;
    ecs.pass_this(Duration::from_mins(5)).await;
    is_dead(&ecs, &old).await;
    works(&ecs, &new).await;
}

#[tokio::test]
async fn without_a_word_of_an_end_the_older_secret_has_none() {
    let ecs = Ecs::start().await;
    let (user, old) = made_with_key(&ecs).await;
    issued(&ecs, &user).await;
    ecs.pass_this(Duration::from_hours(24 * 365)).await;
    works(&ecs, &old).await;
}

/// The backstop must not end what is not published yet: the longest proof is that of a system that takes all its time.
#[tokio::test]
async fn the_margin_of_the_backstop_holds_the_longest_proof() {
    let ecs = Ecs::start().await;
    let capabilities = ecs.driver.capabilities();
    let Overlap::TwoSecrets { backstop_margin } = capabilities.overlap else {
        panic!("{capabilities:?}")
    };
    assert!(backstop_margin >= capabilities.settle * 4);
}

#[tokio::test]
async fn an_id_is_of_the_secret_and_survives_any_order_of_slots() {
    for slots in [Slots::FirstFree, Slots::NewestFirst, Slots::OldestFirst] {
        for hide_secrets in [false, true] {
            let ecs = with(|options| {
                options.slots = slots;
                options.hide_secrets = hide_secrets;
            })
            .await;
            let (user, first) = made_with_key(&ecs).await;
            let second = issued(&ecs, &user).await;
            assert_eq!(first.id, Ecs::pair(&user.name, secret_of(&first)).id);
            ecs.driver.revoke(&user.name, &first.id).await.unwrap();
            let third = issued(&ecs, &user).await;
            let mut want = [second.id.clone(), third.id.clone()];
            want.sort();
            assert_eq!(key_ids(&ecs, &user.name).await, want, "{slots:?} {hide_secrets}");
            ecs.driver.revoke(&user.name, &second.id).await.unwrap();
            has_only(&ecs, &user.name, &third).await;
            works(&ecs, &third).await;
            is_dead(&ecs, &second).await;
        }
    }
}

fn secret_of(pair: &gracekey::backend::KeyPair) -> &str {
    use secrecy::ExposeSecret as _;
    pair.secret.expose_secret()
}

#[tokio::test]
async fn hidden_secrets_that_nobody_spoke_of_are_an_error_that_says_what_to_set() {
    let ecs = with(|options| options.hide_secrets = true).await;
    assert!(!ecs.driver.capabilities().secret_readable);
    let (user, _) = made_with_key(&ecs).await;
    let unaware = boxed(EcsConfig {
        secrets_hidden: false,
        ..ecs.config()
    });
    assert!(unaware.capabilities().secret_readable);
    unaware.probe().await.unwrap();
    let error = unaware.find_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied)
    );
    let text = error.to_string();
    assert!(
        text.contains("secretsHidden") && text.contains(user.name.as_str()),
        "{text}"
    );
}

/// `secretsHidden` where they are not: they are not told all the same, as claimed, and are removed by value.
#[tokio::test]
async fn secrets_that_are_said_to_be_hidden_are_not_told() {
    let ecs = Ecs::start().await;
    let (user, pair) = made_with_key(&ecs).await;
    let driver = boxed(EcsConfig {
        secrets_hidden: true,
        ..ecs.config()
    });
    let user = driver.find_user(&user.name).await.unwrap().unwrap();
    assert_eq!(user.credentials[0].id, pair.id);
    assert!(user.credentials[0].secret.is_none());
    let name = UserName::new(pair.access_key_id.as_str());
    driver.revoke(&name, &pair.id).await.unwrap();
    is_dead(&ecs, &pair).await;
}

/// Some say that a hidden secret is removed by its id and its value, which nobody has any more.
#[tokio::test]
async fn a_hidden_secret_that_is_not_removed_by_its_id_is_told_and_no_other_goes() {
    let ecs = with(|options| {
        options.hide_secrets = true;
        options.deletion_needs_both = true;
    })
    .await;
    let (user, old) = made_with_key(&ecs).await;
    let new = issued(&ecs, &user).await;
    let before = ecs.sim.snapshot(user.name.as_str());
    let error = ecs.driver.revoke(&user.name, &old.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Unsupported, Outcome::NotApplied),
        "{error}"
    );
    assert_eq!(ecs.sim.snapshot(user.name.as_str()), before);
    works(&ecs, &new).await;
}

/// As issue 371 of ECS-CommunityEdition reports it: 500 with code 7000, not retryable, and the key may be there.
#[tokio::test]
async fn a_key_that_was_made_though_the_answer_was_an_error_is_found_by_reading() {
    for (fault, keys) in [(Fault::AppliedThenFails, 1), (Fault::FailsUnapplied, 0)] {
        let ecs = Ecs::start().await;
        let user = ready(&ecs).await;
        ecs.sim.fail_next_at(fault, "/object/user-secret-keys");
        let error = ecs.driver.issue(&user, &key_order(&ecs)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::Unknown)
        );
        let credentials = found(&ecs, &user.name).await.credentials;
        assert_eq!(credentials.len(), keys);
        assert!(credentials.iter().all(|key| key.secret.is_some()));
    }
}

#[tokio::test]
async fn failures_of_the_product_itself_are_nobodys_fault() {
    for fault in [Fault::Unavailable, Fault::HtmlPage] {
        let ecs = Ecs::start().await;
        let user = ready(&ecs).await;
        ecs.sim.fail_next(fault);
        let error = ecs.driver.find_user(&user.name).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::NotApplied),
            "{fault:?}"
        );
        found(&ecs, &user.name).await;
    }
}

/// Nodes keep secrets for a while: a proof fails, and succeeds within the time that is claimed.
#[tokio::test]
async fn a_secret_that_nodes_do_not_know_yet_is_proven_in_time() {
    let ecs = Ecs::start().await;
    let user = ready(&ecs).await;
    ecs.sim.fail_next_at(
        Fault::LateOnS3(Duration::from_mins(4)),
        "/object/user-secret-keys",
    );
    let pair = issued(&ecs, &user).await;
    works(&ecs, &pair).await;
}

#[tokio::test]
async fn an_expired_secret_that_is_still_shown_can_be_removed() {
    let ecs = with(|options| options.blanks_expired = false).await;
    let (user, old) = made_with_key(&ecs).await;
    let new = ecs
        .driver
        .issue(&user, &ending_after(Duration::from_mins(1)))
        .await
        .unwrap();
    ecs.pass_this(Duration::from_mins(10)).await;
    is_dead(&ecs, &old).await;
    ecs.driver.revoke(&user.name, &old.id).await.unwrap();
    has_only(&ecs, &user.name, &new).await;
    works(&ecs, &new).await;
}

/// Buckets are listed by pages, and the one that counts may be on the last.
#[tokio::test]
async fn a_bucket_on_the_last_page_holds_its_owner() {
    let ecs = with(|options| options.page = 2).await;
    let (crowd, crowd_key) = made_with_key(&ecs).await;
    let (user, pair) = made_with_key(&ecs).await;
    for number in 0..120 {
        let name = format!("a-{number:03}-{}", fresh_name());
        ecs.s3(&crowd_key)
            .unwrap()
            .create_bucket(&name)
            .await
            .expect_success();
    }
    let name = format!("z-{}", fresh_name());
    ecs.s3(&pair).unwrap().create_bucket(&name).await.expect_success();
    let error = ecs.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    ecs.s3(&pair).unwrap().delete_bucket(&name).await.expect_success();
    ecs.driver.delete_user(&user.name).await.unwrap();
    found(&ecs, &crowd.name).await;
}

#[tokio::test]
async fn a_list_of_buckets_that_does_not_end_is_not_walked_for_ever() {
    let ecs = Ecs::start().await;
    let user = ready(&ecs).await;
    let page = r#"{"object_bucket":[],"NextMarker":"again"}"#;
    ecs.proxy.always(
        |seen| seen.target.starts_with("/object/bucket"),
        OnTheWay::answer(200, page),
    );
    let error = ecs.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Protocol, Outcome::NotApplied)
    );
    ecs.proxy.heal();
    found(&ecs, &user.name).await;
}

#[tokio::test]
async fn words_of_the_api_are_no_names() {
    let ecs = Ecs::start().await;
    for name in [".", "..", "lock", "query", "exist", "deactivate"] {
        let user = NewUser {
            name: UserName::new(name),
            ..fresh_user(&ecs)
        };
        for result in crate::conformance::users::call_everything(&ecs.driver, &user).await {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Invalid, "{name}");
        }
    }
    assert!(ecs.proxy.seen().is_empty());
}

/// A label that somebody removed is added, one that is there is changed, and one that is right is left.
#[tokio::test]
async fn a_label_is_added_or_changed_as_it_is_there() {
    let ecs = Ecs::start().await;
    let name = fresh_name();
    ecs.make_foreign_user(&name).await;
    for label in ["One", "Two", "Two"] {
        ecs.driver.set_label(&name, label).await.unwrap();
        assert_eq!(found(&ecs, &name).await.label, label);
    }
    let changes = ecs.proxy.seen().into_iter().filter(ecs.changes());
    let methods: Vec<_> = changes.map(|seen| seen.method.to_string()).collect();
    assert_eq!(methods, ["POST", "PUT"]);
}

/// How long a tag may be is not said.
#[tokio::test]
async fn a_label_that_the_system_finds_too_long_is_the_owners_to_change() {
    let ecs = with(|options| options.max_tag_chars = Some(40)).await;
    let user = ready(&ecs).await;
    let before = ecs.sim.snapshot(user.name.as_str());
    let long = "x".repeat(41);
    let order = NewUser {
        label: long.clone(),
        ..fresh_user(&ecs)
    };
    let results = [
        ecs.driver.set_label(&user.name, &long).await,
        ecs.driver.create_user(&order).await,
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Invalid, Outcome::NotApplied),
            "{error}"
        );
    }
    assert_eq!(ecs.sim.snapshot(user.name.as_str()), before);
    assert!(ecs.driver.find_user(&order.name).await.unwrap().is_none());
}

/// What looks like a success and is none.
#[tokio::test]
async fn a_change_that_is_answered_with_a_page_or_an_error_is_not_taken_for_done() {
    let ecs = Ecs::start().await;
    let (user, pair) = made_with_key(&ecs).await;
    for body in [
        "<html>please log in</html>",
        r#"{"code":7000,"retryable":false}"#,
        "[]",
    ] {
        ecs.proxy.always(ecs.changes(), OnTheWay::answer(200, body));
        let results = [
            ecs.driver.create_user(&fresh_user(&ecs)).await,
            ecs.driver.set_label(&user.name, "x").await,
            ecs.driver.set_locked(&user.name, true).await,
            ecs.driver.revoke(&user.name, &pair.id).await,
            ecs.driver.delete_user(&user.name).await,
            ecs.driver.issue(&user, &key_order(&ecs)).await.map(drop),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(
                (error.kind, error.outcome),
                (ErrorKind::Protocol, Outcome::Unknown),
                "{body}: {error}"
            );
        }
        ecs.proxy.heal();
    }
    works(&ecs, &pair).await;
}

#[tokio::test]
async fn a_user_of_ours_in_another_namespace_is_not_ours_here() {
    let ecs = Ecs::start().await;
    let user = ready(&ecs).await;
    let elsewhere = boxed(EcsConfig {
        namespace: "ns2".to_owned(),
        ..ecs.config()
    });
    assert!(elsewhere.find_user(&user.name).await.unwrap().is_none());
    elsewhere.delete_user(&user.name).await.unwrap();
    found(&ecs, &user.name).await;
}
