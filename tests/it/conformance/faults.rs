//! Trouble on the way: what was not sent, was lost, came late or came from something else.

use super::suite::{
    Subject, found, fresh_user, has_only, issued, key_ids, made_with_key, make, order_for, overlaps, ready,
    works,
};
use super::users::{call_everything, is_deleted_or_not_seen, is_revoked_or_not_seen};
use crate::testbed::Fault;
use gracekey::backend::{Error, ErrorKind, KeyPair, Outcome, Result};
use http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret as _;
use std::time::Duration;

#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, outcome: Outcome) -> Error {
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.outcome), (kind, outcome), "{error}");
    error
}

pub(crate) async fn a_call_that_never_arrives_is_not_applied(subject: &dyn Subject) {
    let driver = subject.driver_to_nowhere();
    for result in call_everything(driver.as_ref(), &fresh_user(subject)).await {
        failed(result, ErrorKind::Transient, Outcome::NotApplied);
    }
    failed(driver.probe().await, ErrorKind::Transient, Outcome::NotApplied);
}

pub(crate) async fn a_change_that_is_lost_on_the_way_has_an_unknown_outcome(subject: &dyn Subject) {
    let user = ready(subject).await;
    subject.proxy().once(subject.changes(), Fault::CutBefore);
    let order = order_for(subject.driver(), &user.name);
    failed(
        subject.driver().issue(&user, &order).await,
        ErrorKind::Transient,
        Outcome::Unknown,
    );
    assert!(
        key_ids(subject, &user.name).await.is_empty(),
        "reading tells that it was not carried out"
    );
    works(subject, &subject.driver().issue(&user, &order).await.unwrap()).await;
}

pub(crate) async fn a_lost_answer_to_a_new_key_is_found_by_reading(subject: &dyn Subject) {
    let user = ready(subject).await;
    subject.proxy().once(subject.changes(), Fault::CutAfter);
    let order = order_for(subject.driver(), &user.name);
    failed(
        subject.driver().issue(&user, &order).await,
        ErrorKind::Transient,
        Outcome::Unknown,
    );
    let observed = found(subject, &user.name).await;
    let [orphan] = observed.credentials.as_slice() else {
        panic!("one key: {observed:?}")
    };
    let capabilities = subject.driver().capabilities();
    if capabilities.id_choosable {
        assert_eq!(Some(&orphan.access_key_id), order.access_key_id.as_ref());
        let again = subject.driver().issue(&user, &order).await;
        failed(again, ErrorKind::Conflict, Outcome::NotApplied);
    }
    if capabilities.secret_readable && !subject.issues_in_one_call() {
        let shown = orphan.secret.is_some();
        assert!(!shown, "nobody may take an unfinished key for a finished one");
    } else if capabilities.secret_readable {
        let secret = orphan.secret.clone().unwrap();
        let pair = KeyPair {
            id: orphan.id.clone(),
            access_key_id: orphan.access_key_id.clone(),
            secret,
        };
        works(subject, &pair).await;
        let now = found(subject, &user.name)
            .await
            .credentials
            .remove(0)
            .secret
            .unwrap();
        assert_eq!(now.expose_secret(), pair.secret.expose_secret());
    }
}

pub(crate) async fn a_lost_answer_to_any_other_change_is_mended_by_repeating(subject: &dyn Subject) {
    let (driver, proxy) = (subject.driver(), subject.proxy());
    let lose_next = || proxy.once(subject.changes(), Fault::CutAfter);
    let lost = |result| failed(result, ErrorKind::Transient, Outcome::Unknown);
    let user = fresh_user(subject);
    let pair = if driver.capabilities().user_comes_with_key {
        issued(subject, &user).await
    } else {
        lose_next();
        lost(driver.create_user(&user).await);
        driver.create_user(&user).await.unwrap();
        issued(subject, &user).await
    };
    if driver.capabilities().label {
        lose_next();
        lost(driver.set_label(&user.name, "Another label").await);
        assert_eq!(found(subject, &user.name).await.label, "Another label");
        driver.set_label(&user.name, "Another label").await.unwrap();
    }
    if driver.capabilities().lock {
        // What a lock needs to have there once for all users is there after the first.
        driver.set_locked(&user.name, true).await.unwrap();
        driver.set_locked(&user.name, false).await.unwrap();
        lose_next();
        lost(driver.set_locked(&user.name, true).await);
        assert!(found(subject, &user.name).await.locked);
        driver.set_locked(&user.name, true).await.unwrap();
    }
    if overlaps(subject) {
        let second = issued(subject, &user).await;
        lose_next();
        lost(driver.revoke(&user.name, &pair.id).await);
        is_revoked_or_not_seen(subject, &user.name, &pair.id).await;
        has_only(subject, &user.name, &second).await;
    }
    lose_next();
    lost(driver.delete_user(&user.name).await);
    is_deleted_or_not_seen(subject, &user.name).await;
    assert!(driver.find_user(&user.name).await.unwrap().is_none());
}

pub(crate) async fn an_answer_that_breaks_off_has_an_unknown_outcome(subject: &dyn Subject) {
    let user = ready(subject).await;
    subject.proxy().once(subject.changes(), Fault::CutWithin);
    let result = subject
        .driver()
        .issue(&user, &order_for(subject.driver(), &user.name))
        .await;
    failed(result, ErrorKind::Transient, Outcome::Unknown);
    assert_eq!(key_ids(subject, &user.name).await.len(), 1);
}

pub(crate) async fn an_answer_that_comes_too_late_has_an_unknown_outcome(subject: &dyn Subject) {
    let user = ready(subject).await;
    let driver = subject.driver_with_limit(Duration::from_secs(4));
    // What it needs to log in is behind it.
    driver.find_user(&user.name).await.unwrap();
    subject
        .proxy()
        .once(subject.changes(), Fault::Delay(Duration::from_mins(1)));
    let result = driver
        .issue(&user, &order_for(subject.driver(), &user.name))
        .await;
    failed(result, ErrorKind::Transient, Outcome::Unknown);
}

/// Every call that changes something, on a fresh user each time, while the server answers changes like this.
async fn spoil_every_change(subject: &dyn Subject, fault: &Fault) -> Vec<Result<()>> {
    let (driver, proxy) = (subject.driver(), subject.proxy());
    let (user, pair) = made_with_key(subject).await;
    proxy.always(subject.changes(), fault.clone());
    let mut results = vec![
        make(driver, &fresh_user(subject)).await.map(drop),
        driver
            .issue(&user, &order_for(subject.driver(), &user.name))
            .await
            .map(drop),
        driver.delete_user(&user.name).await,
    ];
    // Where there is but one key, the next one ends it, and that may be the only way.
    if overlaps(subject) {
        results.push(driver.revoke(&user.name, &pair.id).await);
    }
    if driver.capabilities().label {
        results.push(driver.set_label(&user.name, "Another label").await);
    }
    if driver.capabilities().lock {
        results.push(driver.set_locked(&user.name, true).await);
    }
    proxy.heal();
    works(subject, &pair).await;
    results
}

pub(crate) async fn an_answer_that_says_to_wait_is_passed_on(subject: &dyn Subject) {
    let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("7"))]);
    // A 503 may be that of a proxy, which passed the call on and lost the answer.
    for (status, outcome) in [(429, Outcome::NotApplied), (503, Outcome::Unknown)] {
        let fault = Fault::Answer(status, headers.clone(), String::new());
        for result in spoil_every_change(subject, &fault).await {
            let error = failed(result, ErrorKind::RateLimited, outcome);
            assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        }
    }
    for result in spoil_every_change(subject, &Fault::answer(429, "")).await {
        let error = failed(result, ErrorKind::RateLimited, Outcome::NotApplied);
        assert_eq!(error.retry_after, None);
    }
}

pub(crate) async fn a_failing_server_is_nobodys_fault(subject: &dyn Subject) {
    for status in [500, 502, 503, 504] {
        for result in spoil_every_change(subject, &Fault::answer(status, "<html>Bad Gateway</html>")).await {
            failed(result, ErrorKind::Transient, Outcome::Unknown);
        }
    }
}

pub(crate) async fn an_answer_of_something_else_is_not_understood(subject: &dyn Subject) {
    let page = "<html><body>please log in</body></html>";
    let elsewhere = HeaderMap::from_iter([(
        header::LOCATION,
        HeaderValue::from_static("http://127.0.0.1:1/login"),
    )]);
    let (user, _) = made_with_key(subject).await;
    for fault in [
        Fault::answer(200, page),
        Fault::answer(200, r#"{"truncated":"#),
        Fault::answer(404, page),
        Fault::Answer(302, elsewhere, page.to_owned()),
    ] {
        subject.proxy().always(|_| true, fault.clone());
        let found = subject.driver().find_user(&user.name).await;
        failed(found, ErrorKind::Protocol, Outcome::NotApplied);
        failed(
            subject.driver().probe().await,
            ErrorKind::Protocol,
            Outcome::NotApplied,
        );
        // Never a success, whatever its status.
        let create = make(subject.driver(), &fresh_user(subject)).await;
        assert_eq!(create.unwrap_err().kind, ErrorKind::Protocol, "{fault:?}");
        subject.proxy().heal();
    }
}

pub(crate) async fn a_failing_read_applies_nothing(subject: &dyn Subject) {
    // One that is there: its answer has a body that can break off.
    let (user, _) = made_with_key(subject).await;
    for fault in [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::CutWithin,
        Fault::answer(500, ""),
    ] {
        subject.proxy().once(|_| true, fault);
        let found = subject.driver().find_user(&user.name).await;
        failed(found, ErrorKind::Transient, Outcome::NotApplied);
    }
}
