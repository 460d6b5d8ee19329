//! What the documents leave open and the suite cannot ask for: limits, cut descriptions, late dates, missing parts.

use super::{Setting, Uptrends, boxed, plain};
use crate::conformance::suite::{
    Subject as _, found, fresh_name, issued, key_ids, key_order, made_with_key, ready, works,
};
use gracekey::backend::{ErrorKind, Outcome};
use gracekey::domain::facts::LastUse;
use gracekey_simulators::uptrends::{
    DescriptionLimit, ForeignAccount, Options, PlainList, RateLimit, UndeclaredBodies,
};
use std::time::Duration;

/// A setting of one test.
macro_rules! setting {
    ($name:ident, $options:expr) => {
        struct $name;
        impl Setting for $name {
            fn options() -> Options {
                $options
            }
        }
    };
}

setting!(
    LateDates,
    Options {
        last_used_delay: Duration::from_mins(5),
        ..Options::default()
    }
);

#[tokio::test]
async fn a_use_may_show_late() {
    let subject = Uptrends::<LateDates>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    works(&subject, &pair).await;
    let told = async || found(&subject, &user.name).await.credentials[0].last_use;
    assert_eq!(told().await, LastUse::Never);
    subject.pass_this(Duration::from_mins(6)).await;
    assert!(matches!(told().await, LastUse::At(_)));
}

setting!(
    Cut,
    Options {
        description_limit: DescriptionLimit::Cut(100),
        ..Options::default()
    }
);

/// A mark that is cut off would hide the account for ever.
#[tokio::test]
async fn a_description_that_is_cut_is_undone_and_reported() {
    let subject = Uptrends::<Cut>::start().await;
    let driver = subject.driver();
    let nothing = subject.snapshot(&fresh_name()).await;
    let mut user = ready(&subject).await;
    user.label = "A label that is much too long for a place as narrow as this one".to_owned();
    let error = driver.issue(&user, &key_order(&subject)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied),
        "{error}"
    );
    assert_eq!(subject.snapshot(&user.name).await, nothing);

    let long = std::mem::replace(&mut user.label, "Short".to_owned());
    let pair = issued(&subject, &user).await;
    let before = subject.snapshot(&user.name).await;
    let error = driver.set_label(&user.name, &long).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied),
        "{error}"
    );
    assert_eq!(subject.snapshot(&user.name).await, before);
    assert_eq!(key_ids(&subject, &user.name).await, [pair.id]);
}

setting!(
    Refusing,
    Options {
        description_limit: DescriptionLimit::Refuse(100),
        ..Options::default()
    }
);

#[tokio::test]
async fn a_refusal_of_a_value_looks_like_a_missing_right_and_the_text_says_so() {
    let subject = Uptrends::<Refusing>::start().await;
    let mut user = ready(&subject).await;
    user.label = "A label that is much too long for a place as narrow as this one".to_owned();
    let error = subject
        .driver()
        .issue(&user, &key_order(&subject))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("refuses a value"), "{error}");
    assert!(subject.driver().find_user(&user.name).await.unwrap().is_none());
}

setting!(
    ListsAll,
    Options {
        plain_list: PlainList::All,
        ..Options::default()
    }
);

#[tokio::test]
async fn an_admin_who_is_no_administrator_is_told_that_a_right_is_missing() {
    let subject = Uptrends::<ListsAll>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    let login = subject.tenant.add_operator(plain());
    let account = ForeignAccount::default();
    let account = subject.tenant.add_foreign_account(&login.operator_guid, &account);
    let driver = boxed(subject.config_of(&account));
    for result in [
        driver.revoke(&user.name, &pair.id).await,
        driver.delete_user(&user.name).await,
        driver.set_label(&user.name, "Another label").await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied)
        );
        assert!(error.to_string().contains("administrator"), "{error}");
    }
    works(&subject, &pair).await;
}

setting!(
    WithoutAccounts,
    Options {
        api_user_available: false,
        ..Options::default()
    }
);
setting!(
    WithoutAccountsNorWords,
    Options {
        api_user_available: false,
        undeclared_bodies: UndeclaredBodies::Empty,
        ..Options::default()
    }
);

#[tokio::test]
async fn an_api_without_accounts_is_told_by_the_probe() {
    let subject = Uptrends::<WithoutAccounts>::start().await;
    let error = subject.driver().probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    let subject = Uptrends::<WithoutAccountsNorWords>::start().await;
    let error = subject.driver().probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
}

setting!(
    Limited,
    Options {
        rate_limit: Some(RateLimit {
            requests: 5,
            window: Duration::from_mins(1),
            retry_after: true,
        }),
        ..Options::default()
    }
);

#[tokio::test]
async fn a_limit_of_requests_is_passed_on() {
    let subject = Uptrends::<Limited>::start().await;
    let name = fresh_name();
    for _ in 0..5 {
        subject.driver().find_user(&name).await.unwrap();
    }
    let error = subject.driver().find_user(&name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::RateLimited, Outcome::NotApplied)
    );
    assert!(error.retry_after.is_some());
    subject.pass_this(Duration::from_mins(2)).await;
    subject.driver().find_user(&name).await.unwrap();
}

setting!(
    Capped,
    Options {
        account_cap: Some(3),
        ..Options::default()
    }
);

#[tokio::test]
async fn a_cap_of_accounts_refuses_one_more_and_harms_none() {
    let subject = Uptrends::<Capped>::start().await;
    let (user, pair) = made_with_key(&subject).await;
    issued(&subject, &user).await;
    let error = subject
        .driver()
        .issue(&user, &key_order(&subject))
        .await
        .unwrap_err();
    assert_eq!(error.outcome, Outcome::NotApplied, "{error}");
    assert_eq!(key_ids(&subject, &user.name).await.len(), 2);
    works(&subject, &pair).await;
}

setting!(
    SeenLate,
    Options {
        visible_after: Duration::from_secs(5),
        ..Options::default()
    }
);

#[tokio::test]
async fn an_account_that_is_seen_late_is_issued_all_the_same() {
    let subject = Uptrends::<SeenLate>::start().await;
    subject.pass_this(Duration::from_mins(1)).await;
    let (user, pair) = made_with_key(&subject).await;
    works(&subject, &pair).await;
    subject.pass_this(Duration::from_secs(6)).await;
    assert_eq!(key_ids(&subject, &user.name).await, [pair.id]);
}
