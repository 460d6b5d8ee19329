//! Users: made, found, relabelled, deleted, and told apart from those of others.

use super::suite::{
    Subject, found, fresh_key_id, fresh_name, fresh_user, is_dead, key_order, made, made_with_key, works,
};
use gracekey::backend::{Driver, ErrorKind, IssueRequest, NewUser, Outcome, Result};
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

pub(crate) async fn a_user_that_is_not_there_is_none(subject: &impl Subject) {
    assert!(subject.driver().find_user(&fresh_name()).await.unwrap().is_none());
}

pub(crate) async fn a_created_user_is_found_as_it_was_ordered(subject: &impl Subject) {
    let order = made(subject).await;
    let user = found(subject, &order.name).await;
    assert_eq!(user.owner, Some(order.owner));
    assert!(!user.locked && !user.privileged);
    assert!(
        user.credentials.is_empty(),
        "a new user has no key that nobody knows of: {user:?}"
    );
    if subject.driver().capabilities().label {
        assert_eq!(user.label, order.label);
    }
}

pub(crate) async fn creating_a_user_again_changes_nothing(subject: &impl Subject) {
    let order = made(subject).await;
    let before = subject.snapshot(&order.name).await;
    subject.driver().create_user(&order).await.unwrap();
    let other = NewUser {
        label: "Another label".to_owned(),
        locked: true,
        ..order.clone()
    };
    subject.driver().create_user(&other).await.unwrap();
    assert_eq!(subject.snapshot(&order.name).await, before);
}

pub(crate) async fn a_user_can_be_made_locked(subject: &impl Subject) {
    let order = NewUser {
        locked: true,
        ..fresh_user()
    };
    let result = subject.driver().create_user(&order).await;
    if !subject.driver().capabilities().lock {
        return refused(result, ErrorKind::Unsupported);
    }
    result.unwrap();
    assert!(found(subject, &order.name).await.locked);
}

pub(crate) async fn a_label_may_hold_any_script(subject: &impl Subject) {
    let order = made(subject).await;
    if !subject.driver().capabilities().label {
        return refused(
            subject.driver().set_label(&order.name, "x").await,
            ErrorKind::Unsupported,
        );
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
}

pub(crate) async fn a_label_has_limits(subject: &impl Subject) {
    let capabilities = subject.driver().capabilities();
    if !capabilities.label {
        return;
    }
    let order = made(subject).await;
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
        refused(
            subject
                .driver()
                .create_user(&NewUser {
                    label,
                    ..fresh_user()
                })
                .await,
            ErrorKind::Invalid,
        );
    }
    assert_eq!(subject.proxy().seen().len(), before, "refused before any request");
}

pub(crate) async fn a_name_may_be_as_long_and_odd_as_claimed(subject: &impl Subject) {
    let rules = subject.driver().capabilities().user_name;
    let start = format!("{}Aa0{p}x", fresh_name(), p = rules.punctuation);
    let longest = UserName::new(format!("{start:z<width$}", width = rules.max_len));
    assert_eq!(longest.as_str().len(), rules.max_len);
    let order = NewUser {
        name: longest.clone(),
        ..fresh_user()
    };
    subject.driver().create_user(&order).await.unwrap();
    let pair = subject
        .driver()
        .issue(&longest, &key_order(subject))
        .await
        .unwrap();
    works(subject, &pair).await;
    assert_eq!(found(subject, &longest).await.credentials.len(), 1);
    subject.driver().revoke(&longest, &pair.id).await.unwrap();
    subject.driver().delete_user(&longest).await.unwrap();
    assert!(subject.driver().find_user(&longest).await.unwrap().is_none());
}

/// Calls everything that takes a user's name, and gives what each call said.
pub(crate) async fn call_everything(driver: &dyn Driver, user: &NewUser) -> Vec<Result<()>> {
    let name = &user.name;
    let order = IssueRequest {
        access_key_id: driver.capabilities().id_choosable.then(fresh_key_id),
        expire_previous: None,
    };
    let mut results = vec![
        driver.find_user(name).await.map(drop),
        driver.create_user(user).await,
        driver.delete_user(name).await,
        driver.issue(name, &order).await.map(drop),
        driver.revoke(name, &CredentialId::from(&fresh_key_id())).await,
    ];
    if driver.capabilities().label {
        results.push(driver.set_label(name, "A label").await);
    }
    if driver.capabilities().lock {
        results.push(driver.set_locked(name, true).await);
    }
    results
}

pub(crate) async fn a_name_past_its_limits_is_refused_before_any_request(subject: &impl Subject) {
    let rules = subject.driver().capabilities().user_name;
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
    for name in names {
        let user = NewUser {
            name: UserName::new(name),
            ..fresh_user()
        };
        for result in call_everything(subject.driver(), &user).await {
            refused(result, ErrorKind::Invalid);
        }
    }
    assert!(subject.proxy().seen().is_empty(), "{:?}", subject.proxy().seen());
}

pub(crate) async fn a_deleted_user_is_gone_with_its_keys_and_may_be_deleted_again(subject: &impl Subject) {
    let (user, pair) = made_with_key(subject).await;
    works(subject, &pair).await;
    subject.driver().delete_user(&user.name).await.unwrap();
    assert!(subject.driver().find_user(&user.name).await.unwrap().is_none());
    is_dead(subject, &pair).await;
    subject.driver().delete_user(&user.name).await.unwrap();
    subject.driver().delete_user(&fresh_name()).await.unwrap();
}

pub(crate) async fn a_user_with_data_is_not_deleted(subject: &impl Subject) {
    if subject.prober().is_none() {
        return;
    }
    let (user, pair) = made_with_key(subject).await;
    works(subject, &pair).await;
    let s3 = subject.s3(&pair);
    let bucket = user.name.as_str();
    s3.create_bucket(bucket).await.expect_success();
    let listing = String::from_utf8(s3.list_buckets().await.expect_success()).unwrap();
    assert!(listing.contains(&format!("<Name>{bucket}</Name>")), "{listing}");
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
}

pub(crate) async fn a_user_that_is_not_there_cannot_be_changed(subject: &impl Subject) {
    let (driver, name) = (subject.driver(), fresh_name());
    refused(
        driver.issue(&name, &key_order(subject)).await,
        ErrorKind::NotFound,
    );
    if driver.capabilities().label {
        refused(driver.set_label(&name, "x").await, ErrorKind::NotFound);
    }
    if driver.capabilities().lock {
        refused(driver.set_locked(&name, true).await, ErrorKind::NotFound);
    }
    driver
        .revoke(&name, &CredentialId::from(&fresh_key_id()))
        .await
        .unwrap();
    assert!(driver.find_user(&name).await.unwrap().is_none());
}

pub(crate) async fn a_foreign_user_is_a_conflict_and_nothing_changes(subject: &impl Subject) {
    let name = fresh_name();
    let pair = subject.make_foreign_user(&name).await;
    assert_eq!(found(subject, &name).await.owner, None);
    let before = subject.snapshot(&name).await;
    refused(
        subject
            .driver()
            .create_user(&NewUser {
                name: name.clone(),
                ..fresh_user()
            })
            .await,
        ErrorKind::Conflict,
    );
    assert_eq!(subject.snapshot(&name).await, before);
    works(subject, &pair).await;
}

pub(crate) async fn a_user_of_another_owner_is_a_conflict_and_nothing_changes(subject: &impl Subject) {
    let (user, pair) = made_with_key(subject).await;
    let before = subject.snapshot(&user.name).await;
    let other = NewUser {
        owner: OwnerMark::new("f".repeat(32)),
        ..user.clone()
    };
    refused(subject.driver().create_user(&other).await, ErrorKind::Conflict);
    assert_eq!(subject.snapshot(&user.name).await, before);
    works(subject, &pair).await;
}
