//! Refusals whose reason the documents do not tell, failures, and others who are at work.

use super::Store;
use super::facts::{failed, probed, refused, writes};
use super::variants::Contrary;
use crate::conformance::suite::{
    Subject as _, found, fresh_name, fresh_user, has_only, issued, key_ids, key_order, made_with_key, works,
};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind as K, NewUser, Outcome};
use gracekey::domain::ids::UserName;
use gracekey_simulators::ostor::{Existing, Fault as Inside, Lags, LastKey, Options, Refusal};
use http::StatusCode;
use std::time::Duration;

#[tokio::test]
async fn a_third_pair_is_refused_before_anything_is_sent() {
    let store = probed(Options::default()).await;
    let (user, _) = made_with_key(&store).await;
    issued(&store, &user).await;
    let before = writes(&store);
    refused(store.driver.issue(&user, &key_order(&store)).await, K::Conflict);
    assert_eq!(writes(&store), before);
}

#[tokio::test]
async fn a_foreign_user_is_never_asked_to_change() {
    let store = probed(Options::default()).await;
    let name = UserName::new(format!("{}@example.com", fresh_name()));
    let pair = store.make_foreign_user(&name).await;
    let before = (writes(&store), store.snapshot(&name).await);
    let user = NewUser {
        name: name.clone(),
        ..fresh_user(&store)
    };
    refused(store.driver.issue(&user, &key_order(&store)).await, K::Conflict);
    refused(store.driver.set_locked(&name, true).await, K::Conflict);
    refused(store.driver.revoke(&name, &pair.id).await, K::Conflict);
    refused(store.driver.delete_user(&name).await, K::Conflict);
    assert_eq!((writes(&store), store.snapshot(&name).await), before);
}

#[tokio::test]
async fn of_two_new_pairs_none_is_taken_for_ours() {
    let store = probed(Options::default()).await;
    let (user, pair) = made_with_key(&store).await;
    store
        .ostor
        .foreign_revoke(user.name.as_str(), pair.access_key_id.as_str());
    store.ostor.fail_next(Inside::ForeignKeyFirst);
    let issue = store.driver.issue(&user, &key_order(&store)).await;
    failed(issue, K::Transient, Outcome::Unknown);
    assert_eq!(key_ids(&store, &user.name).await.len(), 2);
}

#[tokio::test]
async fn a_slot_that_somebody_takes_first_is_a_conflict_whatever_its_status() {
    for status in [400, 403, 409] {
        let status = StatusCode::from_u16(status).unwrap();
        let store = probed(Options {
            too_many_keys: Refusal::new(status, "TooMany"),
            ..Options::default()
        })
        .await;
        let (user, _) = made_with_key(&store).await;
        store.ostor.fail_next(Inside::ForeignKeyFirst);
        let issue = store.driver.issue(&user, &key_order(&store)).await;
        let error = refused(issue, K::Conflict);
        assert!(error.to_string().contains("two key pairs"), "{error}");
        assert_eq!(store.ostor.counters().wrong_verbs, 0);
    }
}

#[tokio::test]
async fn a_user_that_somebody_makes_first_is_a_conflict_or_handed_back() {
    let bad_request = Refusal::new(StatusCode::BAD_REQUEST, "InvalidRequest");
    let conflict = Refusal::new(StatusCode::CONFLICT, "UserAlreadyExists");
    for refusal in [bad_request, conflict] {
        let store = probed(Options {
            existing: Existing::Refused(refusal),
            ..Options::default()
        })
        .await;
        let user = fresh_user(&store);
        store.ostor.fail_next(Inside::ForeignUserChangeFirst);
        refused(store.driver.issue(&user, &key_order(&store)).await, K::Conflict);
    }
    let store = Store::<Contrary>::start().await;
    let user = fresh_user(&store);
    store.ostor.fail_next(Inside::ForeignUserChangeFirst);
    let pair = issued(&store, &user).await;
    works(&store, &pair).await;
    has_only(&store, &user.name, &pair).await;
}

#[tokio::test]
async fn a_user_that_goes_while_it_is_changed_is_gone() {
    let store = probed(Options::default()).await;
    let (user, _) = made_with_key(&store).await;
    store.ostor.fail_next(Inside::ForeignUserChangeFirst);
    refused(store.driver.issue(&user, &key_order(&store)).await, K::NotFound);
    let (user, pair) = made_with_key(&store).await;
    store.ostor.fail_next(Inside::ForeignUserChangeFirst);
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
    let (user, _) = made_with_key(&store).await;
    store.ostor.fail_next(Inside::ForeignUserChangeFirst);
    store.driver.delete_user(&user.name).await.unwrap();
}

#[tokio::test]
async fn a_change_that_the_product_answers_with_a_failure_is_told_by_reading() {
    let store = probed(Options::default()).await;
    for (fault, keys) in [
        (Inside::ErrorInsteadOfWrite, 0),
        (Inside::ErrorAfterWrite, 1),
        (Inside::GatewayErrorAfterWrite, 1),
    ] {
        let user = fresh_user(&store);
        store.ostor.fail_next(fault);
        let error = store.driver.issue(&user, &key_order(&store)).await.unwrap_err();
        assert_eq!(error.outcome, Outcome::Unknown, "{fault:?}: {error}");
        assert_eq!(key_ids(&store, &user.name).await.len(), keys, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refusal_without_the_products_header_says_nothing_about_a_user() {
    let store = probed(Options::default()).await;
    store.ostor.set_options(|options| options.error_header = false);
    let user = fresh_user(&store);
    refused(store.driver.find_user(&user.name).await, K::Protocol);
    refused(store.driver.issue(&user, &key_order(&store)).await, K::Protocol);
    refused(store.driver.delete_user(&user.name).await, K::Protocol);
}

#[tokio::test]
async fn a_last_pair_that_the_store_keeps_is_a_conflict_that_says_so() {
    for status in [400, 403, 409] {
        let status = StatusCode::from_u16(status).unwrap();
        let store = probed(Options {
            last_key: LastKey::Stays(Refusal::new(status, "LastKey")),
            last_key_is_violation: false,
            wrong_verbs_allowed: None,
            ..Options::default()
        })
        .await;
        let (user, pair) = made_with_key(&store).await;
        let error = refused(store.driver.revoke(&user.name, &pair.id).await, K::Conflict);
        assert!(error.to_string().contains("last key pair"), "{error}");
        has_only(&store, &user.name, &pair).await;
    }
}

#[tokio::test]
async fn a_user_whose_lock_was_lost_is_there_and_unlocked() {
    let store = probed(Options::default()).await;
    let user = NewUser {
        locked: true,
        ..fresh_user(&store)
    };
    let is_lock = |seen: &Seen| seen.target.ends_with("&disable");
    store.proxy.once(is_lock, Fault::CutBefore);
    let issue = store.driver.issue(&user, &key_order(&store)).await;
    failed(issue, K::Transient, Outcome::Unknown);
    let there = found(&store, &user.name).await;
    assert!(!there.locked && there.credentials.len() == 1);
    store.driver.set_locked(&user.name, true).await.unwrap();
}

#[tokio::test]
async fn buckets_that_cannot_be_listed_keep_their_user() {
    let store = probed(Options::default()).await;
    let (user, pair) = made_with_key(&store).await;
    let is_listing = |seen: &Seen| seen.target.starts_with("/?ostor-buckets");
    for (fault, kind) in [
        (Fault::answer(404, ""), K::Protocol),
        (Fault::answer(200, "{}"), K::Protocol),
        (Fault::answer(500, ""), K::Transient),
    ] {
        store.proxy.once(is_listing, fault);
        refused(store.driver.delete_user(&user.name).await, kind);
    }
    has_only(&store, &user.name, &pair).await;
}

/// Nothing is made twice because a read came too early.
#[tokio::test]
async fn a_read_that_lags_makes_a_conflict_at_worst() {
    for existing in [
        Refusal::new(StatusCode::CONFLICT, "UserAlreadyExists"),
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidRequest"),
    ] {
        let store = probed(Options {
            existing: Existing::Refused(existing),
            wrong_verbs_allowed: None,
            ..Options::default()
        })
        .await;
        store.ostor.set_lags(Lags {
            admin_reads: Duration::from_secs(30),
            ..Lags::default()
        });
        let (user, first) = made_with_key(&store).await;
        refused(store.driver.issue(&user, &key_order(&store)).await, K::Conflict);
        store.pass_this(Duration::from_secs(31)).await;
        let second = issued(&store, &user).await;
        refused(store.driver.issue(&user, &key_order(&store)).await, K::Conflict);
        store.pass_this(Duration::from_secs(31)).await;
        let mut ids = vec![first.id, second.id];
        ids.sort();
        assert_eq!(key_ids(&store, &user.name).await, ids);
    }
}
