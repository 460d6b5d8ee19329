//! Users: made, found, relabelled, deleted, and told apart from those of others.

use super::record::Shown;
use super::suite::{
    Subject, found, fresh_foreign_name, fresh_key_id, fresh_name, fresh_user, is_dead, issued, key_ids,
    left_behind, made_with_key, make, name_for, order_for, ready, works,
};
use crate::testbed::S3;
use gracekey::backend::{Driver, ErrorKind, NewUser, Outcome, Result};
use gracekey::domain::access::{LimitChanges, Resource};
use gracekey::domain::ids::{CredentialId, OwnerMark, UserName};
use std::fmt::Debug;

#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (kind, Outcome::NotApplied),
        "{error}"
    );
}

pub(crate) async fn a_user_that_is_not_there_is_none(subject: &dyn Subject) {
    let nobody = fresh_user(subject).name;
    assert!(subject.driver().find_user(&nobody).await.unwrap().is_none());
}

pub(crate) async fn a_created_user_is_found_as_it_was_ordered(subject: &dyn Subject) {
    let order = fresh_user(subject);
    let first = make(subject.driver(), &order).await.unwrap();
    let user = found(subject, &order.name).await;
    assert_eq!(user.owner, Some(order.owner));
    assert!(!user.locked && !user.privileged);
    let keys: Vec<_> = user.credentials.iter().map(|key| &key.id).collect();
    let known: Vec<_> = first.iter().map(|pair| &pair.id).collect();
    assert_eq!(keys, known, "a new user has no key that nobody knows of");
    if subject.driver().capabilities().label {
        assert_eq!(user.label, order.label);
    }
}

pub(crate) async fn a_user_comes_with_its_first_key_only_where_claimed(subject: &dyn Subject) {
    let (driver, order) = (subject.driver(), fresh_user(subject));
    if driver.capabilities().user_comes_with_key {
        refused(driver.create_user(&order).await, ErrorKind::Unsupported);
    } else {
        let issued = driver.issue(&order, &order_for(driver, &order.name)).await;
        refused(issued, ErrorKind::NotFound);
    }
    assert!(driver.find_user(&order.name).await.unwrap().is_none());
}

pub(crate) async fn creating_a_user_again_changes_nothing(subject: &dyn Subject) -> Shown {
    if subject.driver().capabilities().user_comes_with_key {
        return Shown::NotClaimed("a user comes with its first key");
    }
    let order = ready(subject).await;
    let before = subject.snapshot(&order.name).await;
    subject.driver().create_user(&order).await.unwrap();
    let other = NewUser {
        label: "Another label".to_owned(),
        locked: true,
        ..order.clone()
    };
    subject.driver().create_user(&other).await.unwrap();
    assert_eq!(subject.snapshot(&order.name).await, before);
    Shown::Met
}

pub(crate) async fn a_user_can_be_made_locked(subject: &dyn Subject) -> Shown {
    let order = NewUser {
        locked: true,
        ..fresh_user(subject)
    };
    let result = make(subject.driver(), &order).await;
    if !subject.driver().capabilities().lock {
        refused(result, ErrorKind::Unsupported);
        return Shown::NotClaimed("lock");
    }
    result.unwrap();
    assert!(found(subject, &order.name).await.locked);
    Shown::Met
}

pub(crate) async fn a_label_may_hold_any_script(subject: &dyn Subject) -> Shown {
    let (order, _) = made_with_key(subject).await;
    if !subject.driver().capabilities().label {
        refused(
            subject.driver().set_label(&order.name, "x").await,
            ErrorKind::Unsupported,
        );
        return Shown::NotClaimed("label");
    }
    for label in [
        "Zürich – Größe",
        "請求書",
        "فواتير",
        "🪣🔑",
        " a  b ",
        "a&b=c;d?e#f/g\\h\"i'j<k>",
        "A user",
    ] {
        subject.driver().set_label(&order.name, label).await.unwrap();
        assert_eq!(found(subject, &order.name).await.label, label);
        subject.driver().set_label(&order.name, label).await.unwrap();
    }
    Shown::Met
}

pub(crate) async fn a_label_has_limits(subject: &dyn Subject) -> Shown {
    let capabilities = subject.driver().capabilities();
    if !capabilities.label {
        return Shown::NotClaimed("label");
    }
    let (order, _) = made_with_key(subject).await;
    let longest = "ü".repeat(capabilities.label_max_chars);
    subject.driver().set_label(&order.name, &longest).await.unwrap();
    assert_eq!(found(subject, &order.name).await.label, longest);
    let before = subject.proxy().seen().len();
    for label in [
        format!("{longest}ü"),
        "a\nb".into(),
        "a\0b".into(),
        "\u{85}".into(),
    ] {
        refused(
            subject.driver().set_label(&order.name, &label).await,
            ErrorKind::Invalid,
        );
        let user = NewUser {
            label,
            ..fresh_user(subject)
        };
        refused(make(subject.driver(), &user).await, ErrorKind::Invalid);
    }
    assert_eq!(subject.proxy().seen().len(), before, "refused before any request");
    Shown::Met
}

pub(crate) async fn a_name_may_be_as_long_and_odd_as_claimed(subject: &dyn Subject) {
    let (driver, order) = (subject.driver(), fresh_user(subject));
    let rules = driver.capabilities().user_name;
    let mark = name_for(subject, &UserName::new(""), &order.owner).as_str().len();
    let punctuation: String = rules.punctuation.chars().filter(|c| *c != '@').collect();
    let capital = if rules.capitals { "A" } else { "" };
    let start = format!("{}{capital}a0{punctuation}x", fresh_name());
    let longest = UserName::new(format!("{start:z<width$}", width = rules.max_len - mark));
    let order = NewUser {
        name: name_for(subject, &longest, &order.owner),
        ..order
    };
    assert_eq!(order.name.as_str().len(), rules.max_len);
    let pair = match make(driver, &order).await.unwrap() {
        Some(pair) => pair,
        None => driver
            .issue(&order, &order_for(driver, &order.name))
            .await
            .unwrap(),
    };
    works(subject, &pair).await;
    assert_eq!(
        key_ids(subject, &order.name).await,
        std::slice::from_ref(&pair.id)
    );
    driver.delete_user(&order.name).await.unwrap();
    assert!(driver.find_user(&order.name).await.unwrap().is_none());
}

/// Lengths that some rule of a backend or of Kubernetes ends at. The name is what people choose: where the mark is part of
/// the name on the backend, that is longer.
const LENGTHS: [usize; 4] = [63, 64, 128, 253];

pub(crate) async fn a_name_of_63_64_128_or_253_characters_is_made_or_refused_unasked(subject: &dyn Subject) {
    let (driver, proxy) = (subject.driver(), subject.proxy());
    let rules = driver.capabilities().user_name;
    for length in LENGTHS {
        let order = fresh_user(subject);
        let name = UserName::new(format!("{:z<length$}", fresh_name().as_str()));
        assert_eq!(name.as_str().len(), length);
        let order = NewUser {
            name: name_for(subject, &name, &order.owner),
            ..order
        };
        if rules.accept(order.name.as_str()) {
            is_made_found_and_deleted(subject, &order).await;
            continue;
        }
        assert!(order.name.as_str().len() > rules.max_len, "{}", order.name);
        let before = proxy.seen().len();
        for result in call_everything(driver, &order).await {
            refused(result, ErrorKind::Invalid);
        }
        let seen = proxy.seen().split_off(before);
        assert!(seen.is_empty(), "{length}: {seen:?}");
    }
}

/// The whole name counts: nobody is found by a part of it.
async fn is_made_found_and_deleted(subject: &dyn Subject, order: &NewUser) {
    let (driver, name) = (subject.driver(), &order.name);
    let pair = match make(driver, order).await.unwrap() {
        Some(pair) => pair,
        None => issued(subject, order).await,
    };
    works(subject, &pair).await;
    let user = found(subject, name).await;
    assert_eq!(user.owner.as_ref(), Some(&order.owner), "{name}");
    let ids: Vec<_> = user.credentials.into_iter().map(|key| key.id).collect();
    assert_eq!(ids, [pair.id], "{name}");
    let (shorter, _) = name.as_str().split_at(name.as_str().len() - 1);
    let shorter = UserName::new(shorter);
    assert!(driver.find_user(&shorter).await.unwrap().is_none(), "{shorter}");
    driver.delete_user(name).await.unwrap();
    assert!(driver.find_user(name).await.unwrap().is_none(), "{name}");
}

/// Calls everything that takes a user's name, and gives what each call said.
pub(crate) async fn call_everything(driver: &dyn Driver, user: &NewUser) -> Vec<Result<()>> {
    let (name, capabilities) = (&user.name, driver.capabilities());
    let mut results = vec![
        driver.find_user(name).await.map(drop),
        driver.delete_user(name).await,
        driver.issue(user, &order_for(driver, name)).await.map(drop),
        driver.revoke(name, &CredentialId::from(&fresh_key_id())).await,
    ];
    if !capabilities.user_comes_with_key {
        results.push(driver.create_user(user).await);
    }
    if capabilities.label {
        results.push(driver.set_label(name, "A label").await);
    }
    if capabilities.lock {
        results.push(driver.set_locked(name, true).await);
    }
    for of in [Resource::Bytes, Resource::Objects, Resource::Buckets] {
        if capabilities.quota.covers(of) {
            let changes = LimitChanges::from([(of, Some(capabilities.quota.step(of)))]);
            results.push(driver.set_limits(name, &changes).await);
        }
    }
    results
}

pub(crate) async fn a_name_past_its_limits_is_refused_before_any_request(subject: &dyn Subject) {
    let rules = subject.driver().capabilities().user_name;
    // A probe may have come before.
    let before = subject.proxy().seen().len();
    let mut names = vec![
        String::new(),
        "x".repeat(rules.max_len + 1),
        "ü".to_owned(),
        "a\nb".to_owned(),
    ];
    let odd = ":$%+/?#&=@ ~*"
        .chars()
        .filter(|c| !rules.punctuation.contains(*c));
    names.extend(odd.map(|c| format!("a{c}b")));
    names.extend((!rules.capitals).then(|| "aB".to_owned()));
    for name in names {
        let user = NewUser {
            name: UserName::new(name),
            ..fresh_user(subject)
        };
        for result in call_everything(subject.driver(), &user).await {
            refused(result, ErrorKind::Invalid);
        }
    }
    let seen = subject.proxy().seen().split_off(before);
    assert!(seen.is_empty(), "{seen:?}");
}

pub(crate) async fn a_deleted_user_is_gone_with_its_keys_and_may_be_deleted_again(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    works(subject, &pair).await;
    subject.driver().delete_user(&user.name).await.unwrap();
    assert!(subject.driver().find_user(&user.name).await.unwrap().is_none());
    is_dead(subject, &pair).await;
    is_deleted_or_not_seen(subject, &user.name).await;
    is_deleted_or_not_seen(subject, &fresh_user(subject).name).await;
}

/// Deletes a user that is not there, or half of which is gone.
pub(crate) async fn is_deleted_or_not_seen(subject: &dyn Subject, name: &UserName) {
    gone_or_not_seen(subject, subject.driver().delete_user(name).await);
}

/// The same of a key.
pub(crate) async fn is_revoked_or_not_seen(subject: &dyn Subject, name: &UserName, id: &CredentialId) {
    gone_or_not_seen(subject, subject.driver().revoke(name, id).await);
}

/// Where reads lag, it may be there all the same.
fn gone_or_not_seen(subject: &dyn Subject, result: Result<()>) {
    if result.is_err() && subject.driver().capabilities().reads_lag() {
        refused(result, ErrorKind::NotFound);
    } else {
        result.unwrap();
    }
}

pub(crate) async fn a_user_with_data_is_not_deleted(subject: &dyn Subject) -> Shown {
    let (user, pair) = made_with_key(subject).await;
    works(subject, &pair).await;
    let Some(s3) = subject.s3(&pair) else {
        return Shown::NotClaimed("S3");
    };
    let bucket = fresh_name();
    let bucket = bucket.as_str();
    s3.create_bucket(bucket).await.expect_success();
    let listing = String::from_utf8(s3.list_buckets().await.expect_success()).unwrap();
    assert!(listing.contains(&format!("<Name>{bucket}</Name>")), "{listing}");
    if !subject.driver().capabilities().data_is_owned {
        let (_, of_another) = made_with_key(subject).await;
        works(subject, &of_another).await;
        subject.driver().delete_user(&user.name).await.unwrap();
        // Where it is everybody's, somebody can tidy up.
        if let Some(s3) = subject.s3(&of_another) {
            is_tidied_up(&s3, bucket).await;
        }
        return Shown::NotClaimed("data belongs to users");
    }
    refused(
        subject.driver().delete_user(&user.name).await,
        ErrorKind::Conflict,
    );
    s3.put_object(bucket, "kept", b"data").await.expect_success();
    let before = subject.snapshot(&user.name).await;
    refused(
        subject.driver().delete_user(&user.name).await,
        ErrorKind::Conflict,
    );
    assert_eq!(subject.snapshot(&user.name).await, before);
    assert_eq!(s3.get_object(bucket, "kept").await.expect_success(), b"data");
    s3.delete_object(bucket, "kept").await.expect_success();
    s3.delete_bucket(bucket).await.expect_success();
    subject.driver().delete_user(&user.name).await.unwrap();
    Shown::Met
}

/// A bucket that nobody is left to delete is named: on a live system it is its owner's to remove.
async fn is_tidied_up(s3: &S3, bucket: &str) {
    let answer = s3.delete_bucket(bucket).await;
    match answer.status {
        // Another user has no right to it, as it should be where users are not one project.
        403 => left_behind(&format!("the bucket {bucket}")),
        _ => drop(answer.expect_success()),
    }
}

pub(crate) async fn a_user_that_is_not_there_cannot_be_changed(subject: &dyn Subject) {
    let (driver, name) = (subject.driver(), fresh_user(subject).name);
    if driver.capabilities().label {
        refused(driver.set_label(&name, "x").await, ErrorKind::NotFound);
    }
    if driver.capabilities().lock {
        refused(driver.set_locked(&name, true).await, ErrorKind::NotFound);
    }
    is_revoked_or_not_seen(subject, &name, &CredentialId::from(&fresh_key_id())).await;
    assert!(driver.find_user(&name).await.unwrap().is_none());
}

pub(crate) async fn a_foreign_user_is_a_conflict_and_nothing_changes(subject: &dyn Subject) {
    let name = fresh_foreign_name(subject);
    let pair = subject.make_foreign_user(&name).await;
    assert_eq!(found(subject, &name).await.owner, None);
    let before = subject.snapshot(&name).await;
    let order = NewUser {
        name: name.clone(),
        ..fresh_user(subject)
    };
    refused(make(subject.driver(), &order).await, ErrorKind::Conflict);
    assert_eq!(subject.snapshot(&name).await, before);
    works(subject, &pair).await;
}

pub(crate) async fn a_user_of_another_owner_is_a_conflict_and_nothing_changes(subject: &dyn Subject) {
    let (user, pair) = made_with_key(subject).await;
    let before = subject.snapshot(&user.name).await;
    let other = NewUser {
        owner: OwnerMark::new("f".repeat(32)),
        ..user.clone()
    };
    refused(make(subject.driver(), &other).await, ErrorKind::Conflict);
    assert_eq!(subject.snapshot(&user.name).await, before);
    works(subject, &pair).await;
}
