//! What only such a store has: what is found out about it.

use super::variants::Older;
use super::{Store, Variant, boxed};
use crate::conformance::suite::{Subject, fresh_user, has_only, issued, made_with_key};
use crate::testbed::Fault;
use gracekey::api::v1alpha1::OstorSignature;
use gracekey::backend::ostor::OstorConfig;
use gracekey::backend::{Driver as _, Error, ErrorKind as K, Outcome, Result};
use gracekey_simulators::ostor::{Options, Refusal, Signature, Verb};
use http::{Method, StatusCode};

/// Given its options by the test.
pub(super) type Any = Store<()>;

impl Variant for () {
    fn options() -> Options {
        Options::default()
    }
}

pub(super) async fn probed(options: Options) -> Any {
    let store = Any::unasked(options).await;
    store.driver.probe().await.unwrap();
    store
}

#[track_caller]
pub(super) fn failed<T: std::fmt::Debug>(result: Result<T>, kind: K, outcome: Outcome) -> Error {
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.outcome), (kind, outcome), "{error}");
    error
}

pub(super) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: K) -> Error {
    failed(result, kind, Outcome::NotApplied)
}

pub(super) fn writes<V: Variant>(store: &Store<V>) -> usize {
    let seen = store.proxy.seen();
    seen.iter().filter(|seen| seen.method != Method::GET).count()
}

#[tokio::test]
async fn a_signature_is_found_out_by_one_read_and_remembered() {
    for (signature, refusals) in [(Signature::V2, 0), (Signature::Either, 0), (Signature::V4, 1)] {
        let store = probed(Options {
            signature,
            ..Options::default()
        })
        .await;
        let (user, pair) = made_with_key(&store).await;
        issued(&store, &user).await;
        store.driver.revoke(&user.name, &pair.id).await.unwrap();
        store.driver.delete_user(&user.name).await.unwrap();
        assert_eq!(store.ostor.counters().unauthenticated, refusals, "{signature:?}");
    }
}

#[tokio::test]
async fn a_store_that_calls_a_signature_malformed_is_asked_with_the_other() {
    let store = probed(Options {
        signature: Signature::V4,
        bad_signature: Refusal::new(StatusCode::BAD_REQUEST, "InvalidRequest"),
        ..Options::default()
    })
    .await;
    made_with_key(&store).await;
}

#[tokio::test]
async fn a_store_that_gives_up_one_signature_is_asked_with_the_other() {
    let store = probed(Options::default()).await;
    let (user, pair) = made_with_key(&store).await;
    store
        .ostor
        .set_options(|options| options.signature = Signature::V4);
    issued(&store, &user).await;
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
}

#[tokio::test]
async fn a_signature_that_was_set_is_the_only_one_that_is_tried() {
    let store = Any::unasked(Options {
        signature: Signature::V4,
        ..Options::default()
    })
    .await;
    let with = |signature| {
        boxed(OstorConfig {
            signature,
            ..store.config()
        })
    };
    refused(with(OstorSignature::V2).probe().await, K::Auth);
    assert_eq!(store.ostor.counters().requests, 1);
    with(OstorSignature::V4).probe().await.unwrap();
}

#[tokio::test]
async fn a_new_system_key_is_needed_when_the_old_one_is_replaced() {
    let store = probed(Options::default()).await;
    let user = fresh_user(&store);
    store.ostor.replace_system_key();
    let error = refused(store.driver.find_user(&user.name).await, K::Auth);
    assert!(error.to_string().contains("correct the Secret"), "{error}");
}

#[tokio::test]
async fn a_lock_is_claimed_only_after_the_probe_found_it_and_is_asked_for_once() {
    let store = Any::unasked(Options::default()).await;
    assert!(store.driver.needs_probe() && !store.driver.capabilities().lock);
    let user = fresh_user(&store);
    refused(store.driver.set_locked(&user.name, true).await, K::Unsupported);
    store.driver.probe().await.unwrap();
    assert!(!store.driver.needs_probe() && store.driver.capabilities().lock);
    store.driver.probe().await.unwrap();
    assert_eq!(writes(&store), 1);
    assert_eq!(store.ostor.counters().wrong_verbs, 0);
}

#[tokio::test]
async fn an_older_product_has_no_lock_and_is_asked_by_its_verb() {
    let store = Store::<Older>::start().await;
    assert!(!store.driver.capabilities().lock);
    let (user, pair) = made_with_key(&store).await;
    refused(store.driver.set_locked(&user.name, true).await, K::Unsupported);
    let second = issued(&store, &user).await;
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
    store.driver.probe().await.unwrap();
    has_only(&store, &user.name, &second).await;
    let seen = store.proxy.seen();
    let posts = seen.iter().filter(|seen| seen.method == Method::POST).count();
    assert_eq!(posts, 1, "the question of the probe, and none after it");
}

#[tokio::test]
async fn a_wrong_guess_of_the_verb_is_mended_once() {
    for (key_verb, state_verb) in [(Verb::Post, Verb::Put), (Verb::Put, Verb::Post)] {
        for status in [StatusCode::METHOD_NOT_ALLOWED, StatusCode::BAD_REQUEST] {
            let store = probed(Options {
                key_verb,
                state_verb,
                wrong_verb: Refusal::new(status, "WrongVerb"),
                wrong_verbs_allowed: Some(2),
                ..Options::default()
            })
            .await;
            let (user, old) = made_with_key(&store).await;
            issued(&store, &user).await;
            store.driver.revoke(&user.name, &old.id).await.unwrap();
            issued(&store, &user).await;
            assert!(store.ostor.counters().wrong_verbs <= 2);
        }
    }
}

#[tokio::test]
async fn an_upgrade_that_changes_the_verb_is_noticed_by_its_refusal() {
    let store = probed(Options {
        key_verb: Verb::Put,
        state_verb: Verb::Put,
        wrong_verbs_allowed: None,
        ..Options::default()
    })
    .await;
    let (user, old) = made_with_key(&store).await;
    issued(&store, &user).await;
    store.ostor.set_options(|options| options.key_verb = Verb::Post);
    store.driver.revoke(&user.name, &old.id).await.unwrap();
    issued(&store, &user).await;
}

#[tokio::test]
async fn an_address_that_somebody_has_is_not_asked_about() {
    let store = Any::unasked(Options::default()).await;
    store.ostor.foreign_user("nobody@probe.gracekey.dev");
    refused(store.driver.probe().await, K::Conflict);
    assert_eq!(writes(&store), 0);
    assert!(store.driver.needs_probe());
}

#[tokio::test]
async fn a_failing_question_leaves_all_as_it_was() {
    let store = Any::unasked(Options::default()).await;
    for fault in [
        Fault::CutAfter,
        Fault::answer(500, ""),
        Fault::answer(404, "<html>"),
    ] {
        store.proxy.once(|seen| seen.method == Method::POST, fault);
        let error = store.driver.probe().await.unwrap_err();
        assert_eq!(error.outcome, Outcome::NotApplied, "{error}");
        assert!(store.driver.needs_probe());
    }
    store.driver.probe().await.unwrap();
}
