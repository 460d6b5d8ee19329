//! Accounts that are made by the older `POST /Register`.

use super::{Options, Setting, Uptrends, login_of};
use crate::conformance::suite::{Subject as _, fresh_user, key_ids, key_order, works};
use crate::conformance::users::refused;
use gracekey::backend::uptrends::{OperatorLogin, UptrendsConfig, UptrendsDriver};
use gracekey::backend::{Driver as _, ErrorKind, Outcome};
use gracekey_simulators::uptrends::{Fault, NewOperator, RegisterRefusals};

/// As the contract infers.
struct Registers;

impl Setting for Registers {
    const REGISTERS: bool = true;

    fn options() -> Options {
        Options {
            seed: 7,
            ..Options::default()
        }
    }
}

/// It says no in its body, and makes accounts with another status.
struct RegistersOtherwise;

impl Setting for RegistersOtherwise {
    const REGISTERS: bool = true;
    const OPERATOR_IS_GIVEN: bool = true;

    fn options() -> Options {
        Options {
            seed: 8,
            register_refusals: RegisterRefusals::InBody,
            register_takes_sso_only: true,
            awkward_passwords: true,
            ..Options::default()
        }
    }
}

mod as_inferred {
    conformance!(super::Uptrends<super::Registers>);
}

mod otherwise {
    conformance!(super::Uptrends<super::RegistersOtherwise>);
}

#[tokio::test]
async fn it_makes_accounts_and_the_newer_way_makes_none() {
    let subject = Uptrends::<Registers>::start().await;
    let user = fresh_user(&subject);
    let order = key_order(&subject);
    let pair = subject.driver.issue(&user, &order).await.unwrap();
    works(&subject, &pair).await;
    assert_eq!(
        key_ids(&subject, &user.name).await,
        std::slice::from_ref(&pair.id)
    );
    assert_eq!(subject.tenant.counters().registered, 1);
}

#[tokio::test]
async fn an_operator_who_signs_in_by_sso_is_told_so() {
    let subject = Uptrends::<Registers>::start().await;
    let login = subject.tenant.add_operator(NewOperator {
        sso_only: true,
        administrator: true,
        ..super::plain()
    });
    let wrong = OperatorLogin {
        password: "wrong".into(),
        ..login_of(subject.tenant.admin_login())
    };
    for login in [login_of(login), wrong] {
        let config = UptrendsConfig {
            register_as: Some(login),
            ..subject.config()
        };
        let driver = UptrendsDriver::new(config).unwrap();
        let user = fresh_user(&subject);
        let error = driver.issue(&user, &key_order(&subject)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Auth, Outcome::NotApplied),
            "{error}"
        );
        assert!(error.to_string().contains("SSO"), "{error}");
        assert!(error.to_string().contains("operatorPassword"), "{error}");
        assert!(subject.driver.find_user(&user.name).await.unwrap().is_none());
    }
}

/// A success with a failure within, which made the account all the same.
#[tokio::test]
async fn an_unexpected_error_leaves_an_account_that_is_found() {
    let subject = Uptrends::<Registers>::start().await;
    for made in [true, false] {
        let user = fresh_user(&subject);
        subject.tenant.fail_next(Fault::RegisterUnexpectedError { made });
        let error = subject
            .driver
            .issue(&user, &key_order(&subject))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Transient, Outcome::Unknown),
            "{error}"
        );
        let left = key_ids(&subject, &user.name).await;
        assert_eq!(left.len(), usize::from(made));
        for id in left {
            subject.driver.revoke(&user.name, &id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_api_without_register_says_so() {
    let subject = Uptrends::<AsUnavailable>::start().await;
    let user = fresh_user(&subject);
    let result = subject.driver.issue(&user, &key_order(&subject)).await;
    let error = result.as_ref().unwrap_err();
    assert!(error.to_string().contains("legacyRegister: false"), "{error}");
    refused(result, ErrorKind::Unsupported);
}

struct AsUnavailable;

impl Setting for AsUnavailable {
    const REGISTERS: bool = true;

    fn options() -> Options {
        Options {
            seed: 9,
            register_available: false,
            ..Options::default()
        }
    }
}
