//! Keys: issued, proven, revoked, locked out.

use super::record::Shown;
use super::suite::{
    Subject, found, fresh_key_id, has_only, is_dead, is_locked_out, issued, key_ids, made_with_key,
    order_for, overlaps, ready, works,
};
use super::users::{is_revoked_or_not_seen, refused};
use gracekey::backend::{ErrorKind, IssueRequest};
use gracekey::domain::{capabilities::Overlap, facts::LastUse, ids::CredentialId};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// Enough to call it "no limit" where none is claimed.
const MANY: usize = 8;

pub(crate) async fn an_issued_key_works_and_is_found(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    works(subject, &pair).await;
    let observed = found(subject, &user.name).await;
    let [credential] = observed.credentials.as_slice() else {
        panic!("one key: {observed:?}")
    };
    assert_eq!(
        (&credential.id, &credential.access_key_id),
        (&pair.id, &pair.access_key_id)
    );
    let secret = credential.secret.as_ref().map(SecretString::expose_secret);
    let readable = subject.driver().capabilities().secret_readable;
    assert_eq!(secret, readable.then(|| pair.secret.expose_secret()));
}

pub(crate) async fn a_chosen_id_is_honoured(subject: &dyn Subject) -> Shown {
    if !subject.driver().capabilities().id_choosable {
        return Shown::NotClaimed("ids by choice");
    }
    let user = ready(subject).await;
    let id = subject.driver().key_id(&user.name, fresh_key_id());
    let order = IssueRequest {
        access_key_id: Some(id.clone()),
        expire_previous: None,
    };
    let pair = subject.driver().issue(&user, &order).await.unwrap();
    assert_eq!((&pair.access_key_id, &pair.id), (&id, &CredentialId::from(&id)));
    assert_eq!(key_ids(subject, &user.name).await, [pair.id]);
    let none = IssueRequest {
        access_key_id: None,
        expire_previous: None,
    };
    refused(subject.driver().issue(&user, &none).await, ErrorKind::Invalid);
    Shown::Met
}

pub(crate) async fn an_id_that_is_taken_is_refused_and_its_key_lives_on(subject: &dyn Subject) -> Shown {
    if !subject.driver().capabilities().id_choosable {
        return Shown::NotClaimed("ids by choice");
    }
    let (user, pair) = made_with_key(subject).await;
    let other = ready(subject).await;
    let order = IssueRequest {
        access_key_id: Some(pair.access_key_id.clone()),
        expire_previous: None,
    };
    let before = subject.snapshot(&user.name).await;
    refused(subject.driver().issue(&user, &order).await, ErrorKind::Conflict);
    refused(subject.driver().issue(&other, &order).await, ErrorKind::Conflict);
    assert_eq!(
        subject.snapshot(&user.name).await,
        before,
        "the secret is still the same"
    );
    assert!(key_ids(subject, &other.name).await.is_empty());
    works(subject, &pair).await;
    Shown::Met
}

pub(crate) async fn as_many_keys_work_side_by_side_as_claimed(subject: &dyn Subject) -> Shown {
    let Overlap::Slots { max } = subject.driver().capabilities().overlap else {
        return Shown::NotClaimed("slots");
    };
    let user = ready(subject).await;
    let mut pairs = Vec::new();
    for _ in 0..max.map_or(MANY, usize::from) {
        pairs.push(issued(subject, &user).await);
    }
    if max.is_some() {
        let one_more = subject
            .driver()
            .issue(&user, &order_for(subject.driver(), &user.name))
            .await;
        refused(one_more, ErrorKind::Conflict);
    }
    let mut ids: Vec<_> = pairs.iter().map(|pair| pair.id.clone()).collect();
    ids.sort();
    assert_eq!(key_ids(subject, &user.name).await, ids);
    for pair in &pairs {
        works(subject, pair).await;
    }
    Shown::Met
}

pub(crate) async fn two_secrets_of_one_access_key_work_side_by_side_where_claimed(
    subject: &dyn Subject,
) -> Shown {
    let Overlap::TwoSecrets { .. } = subject.driver().capabilities().overlap else {
        return Shown::NotClaimed("two secrets of one access key");
    };
    let (user, old) = made_with_key(subject).await;
    let new = issued(subject, &user).await;
    assert_eq!(old.access_key_id, new.access_key_id);
    assert_ne!(old.id, new.id);
    works(subject, &old).await;
    works(subject, &new).await;
    let before = subject.snapshot(&user.name).await;
    let third = subject
        .driver()
        .issue(&user, &order_for(subject.driver(), &user.name))
        .await;
    refused(third, ErrorKind::Conflict);
    assert_eq!(subject.snapshot(&user.name).await, before);
    Shown::Met
}

pub(crate) async fn the_backend_ends_the_previous_secret_by_itself_where_it_was_asked_to(
    subject: &dyn Subject,
) -> Shown {
    let Overlap::TwoSecrets { .. } = subject.driver().capabilities().overlap else {
        return Shown::NotClaimed("an end set at the backend");
    };
    let (user, old) = made_with_key(subject).await;
    // Time may pass until it does, and that is not to count.
    works(subject, &old).await;
    let grace = Duration::from_mins(10);
    let order = IssueRequest {
        access_key_id: None,
        expire_previous: Some(grace),
    };
    let new = subject.driver().issue(&user, &order).await.unwrap();
    works(subject, &old).await;
    subject
        .pass_this(grace.saturating_sub(Duration::from_mins(1)))
        .await;
    works(subject, &old).await;
    subject.pass_this(Duration::from_mins(3)).await;
    is_dead(subject, &old).await;
    works(subject, &new).await;
    has_only(subject, &user.name, &new).await;
    Shown::Met
}

pub(crate) async fn a_new_key_ends_the_one_before_it_where_there_is_no_overlap(
    subject: &dyn Subject,
) -> Shown {
    if subject.driver().capabilities().overlap != Overlap::None {
        return Shown::NotClaimed("an end of the old key by the new one");
    }
    let (user, old) = made_with_key(subject).await;
    works(subject, &old).await;
    let new = issued(subject, &user).await;
    works(subject, &new).await;
    is_dead(subject, &old).await;
    has_only(subject, &user.name, &new).await;
    Shown::Met
}

pub(crate) async fn last_use_is_told_only_where_claimed(subject: &dyn Subject) -> Shown {
    let (user, pair) = made_with_key(subject).await;
    let told = |user: &gracekey::backend::ObservedUser| user.credentials[0].last_use;
    if !subject.driver().capabilities().last_use {
        works(subject, &pair).await;
        assert_eq!(told(&found(subject, &user.name).await), LastUse::Unknown);
        return Shown::NotClaimed("last use");
    }
    let before = told(&found(subject, &user.name).await);
    assert_ne!(
        before,
        LastUse::Unknown,
        "a key made now was used at a known time or never"
    );
    works(subject, &pair).await;
    let after = told(&found(subject, &user.name).await);
    assert!(matches!(after, LastUse::At(_)), "{after:?}");
    Shown::Met
}

pub(crate) async fn a_revoked_key_dies_in_time_and_the_other_lives(subject: &dyn Subject) -> Shown {
    if !overlaps(subject) {
        return Shown::NotClaimed("overlap");
    }
    let (user, old) = made_with_key(subject).await;
    let new = issued(subject, &user).await;
    works(subject, &old).await;
    works(subject, &new).await;
    subject.driver().revoke(&user.name, &old.id).await.unwrap();
    is_dead(subject, &old).await;
    works(subject, &new).await;
    has_only(subject, &user.name, &new).await;
    Shown::Met
}

pub(crate) async fn a_key_that_is_gone_may_be_revoked_again(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    if overlaps(subject) {
        // Some backends keep the last key of a user.
        issued(subject, &user).await;
    }
    let untouched = subject.snapshot(&user.name).await;
    match subject.driver().revoke(&user.name, &pair.id).await {
        // Where there is but one key, the next one ends it, and that may be the only way.
        Err(error) if !overlaps(subject) && error.kind == ErrorKind::Unsupported => {
            refused(Err::<(), _>(error), ErrorKind::Unsupported);
            assert_eq!(subject.snapshot(&user.name).await, untouched);
        }
        result => {
            result.unwrap();
            is_revoked_or_not_seen(subject, &user.name, &pair.id).await;
        }
    }
    let before = subject.snapshot(&user.name).await;
    is_revoked_or_not_seen(subject, &user.name, &CredentialId::from(&fresh_key_id())).await;
    assert_eq!(subject.snapshot(&user.name).await, before);
}

pub(crate) async fn a_key_of_another_user_is_not_revoked(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    let other = ready(subject).await;
    subject.driver().revoke(&other.name, &pair.id).await.unwrap();
    has_only(subject, &user.name, &pair).await;
    works(subject, &pair).await;
}

pub(crate) async fn a_locked_user_can_do_nothing_and_keeps_its_keys(subject: &dyn Subject) -> Shown {
    let driver = subject.driver();
    let (user, pair) = made_with_key(subject).await;
    if !driver.capabilities().lock {
        refused(driver.set_locked(&user.name, true).await, ErrorKind::Unsupported);
        return Shown::NotClaimed("lock");
    }
    works(subject, &pair).await;
    driver.set_locked(&user.name, true).await.unwrap();
    driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(subject, &pair).await;
    assert!(found(subject, &user.name).await.locked);
    has_only(subject, &user.name, &pair).await;
    if overlaps(subject) {
        // A rotation goes on behind the lock.
        let second = issued(subject, &user).await;
        is_locked_out(subject, &second).await;
        driver.revoke(&user.name, &second.id).await.unwrap();
        is_dead(subject, &second).await;
    }
    driver.set_locked(&user.name, false).await.unwrap();
    driver.set_locked(&user.name, false).await.unwrap();
    assert!(!found(subject, &user.name).await.locked);
    works(subject, &pair).await;
    Shown::Met
}

pub(crate) async fn foreign_keys_are_left_alone(subject: &dyn Subject) -> Shown {
    if !overlaps(subject) {
        return Shown::NotClaimed("overlap");
    }
    let driver = subject.driver();
    let (user, ours) = made_with_key(subject).await;
    let foreign = subject.make_foreign_key(&user.name).await;
    driver.revoke(&user.name, &ours.id).await.unwrap();
    if !driver.capabilities().user_comes_with_key {
        driver.create_user(&user).await.unwrap();
    }
    if driver.capabilities().label {
        driver.set_label(&user.name, "Another label").await.unwrap();
    }
    if driver.capabilities().lock {
        driver.set_locked(&user.name, true).await.unwrap();
        driver.set_locked(&user.name, false).await.unwrap();
    }
    has_only(subject, &user.name, &foreign).await;
    works(subject, &foreign).await;
    Shown::Met
}

pub(crate) async fn keys_issued_at_the_same_moment_are_there_or_refused(subject: &dyn Subject) -> Shown {
    if !overlaps(subject) {
        return Shown::NotClaimed("overlap");
    }
    let user = ready(subject).await;
    let calls = (0..MANY).map(|_| async {
        subject
            .driver()
            .issue(&user, &order_for(subject.driver(), &user.name))
            .await
    });
    let results = futures::future::join_all(calls).await;
    let ids = key_ids(subject, &user.name).await;
    assert!(results.iter().any(Result::is_ok), "{results:?}");
    for result in results {
        match result {
            Ok(pair) => {
                assert!(
                    ids.contains(&pair.id),
                    "{pair:?} was acknowledged and is not there: {ids:?}"
                );
                works(subject, &pair).await;
            }
            Err(error) => assert!(
                matches!(error.kind, ErrorKind::Transient | ErrorKind::Conflict),
                "{error}"
            ),
        }
    }
    Shown::Met
}

pub(crate) async fn nothing_prints_a_secret(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    let (driver, order) = (subject.driver(), order_for(subject.driver(), &user.name));
    let observed = found(subject, &user.name).await;
    let (s3, prover) = (subject.s3(&pair), subject.prover());
    let mut texts = vec![
        format!("{driver:?} {user:?} {order:?} {pair:?} {observed:?} {observed:#?} {s3:?}"),
        format!("{prover:?} {:?}", driver.probe().await),
    ];
    if let Some(prover) = prover {
        let (proof, death) = (prover.prove(&pair).await, prover.prove_dead(&pair).await);
        texts.push(format!("{proof:?} {death:?}"));
    }
    // The answer of a server that quotes what it was sent must not come through either.
    let quoting = format!(
        r#"{{"Code":"{0}","Message":"{0}","RequestId":"{0}"}}"#,
        pair.secret.expose_secret()
    );
    for status in [200, 400, 403, 409, 500] {
        subject
            .proxy()
            .always(|_| true, crate::testbed::Fault::answer(status, &quoting));
        let results = super::users::call_everything(driver, &user).await;
        texts.extend(
            results
                .into_iter()
                .filter_map(Result::err)
                .map(|e| format!("{e} {e:?}")),
        );
        subject.proxy().heal();
    }
    texts.extend(subject.proxy().seen().into_iter().map(|seen| seen.target));
    let mut canaries = subject.canaries();
    canaries.push(pair.secret.expose_secret().to_owned());
    for canary in canaries {
        let told = texts.iter().find(|text| text.contains(&canary));
        assert!(
            told.is_none(),
            "a secret is told: {}",
            told.map_or_else(String::new, |t| t.replace(&canary, "CANARY"))
        );
    }
}
