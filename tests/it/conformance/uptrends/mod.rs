//! The suite on a simulator of Uptrends, with what its documents leave open set one way and the other.

use super::suite::{Subject, fresh_name};
use crate::testbed::{FaultProxy, S3};
use async_trait::async_trait;
use gracekey::backend::http::{Endpoint, TlsOptions};
use gracekey::backend::proof::Prover;
use gracekey::backend::uptrends::{
    OperatorLogin, UptrendsConfig, UptrendsDriver, UptrendsProver, config::CALL_LIMIT,
};
use gracekey::backend::{Driver, KeyPair};
use gracekey::domain::ids::{AccessKeyId, CredentialId, UserName};
use gracekey_simulators::uptrends::{
    Account, DescriptionLimit, FieldNames, ForeignAccount, Format, Login, NewOperator, NoDate, Options,
    PlainList, Statuses, TimeFormat, UndeclaredBodies, Uptrends as Tenant,
};
use http::StatusCode;
use std::{marker::PhantomData, time::Duration};

mod facts;
mod forms;
mod limits;
mod registered;

conformance!(Uptrends<AsInferred>);

/// How the simulator is set.
trait Setting: Send + Sync + 'static {
    fn options() -> Options;

    /// Whether the driver is told whose accounts to look after.
    const OPERATOR_IS_GIVEN: bool = false;

    /// Whether accounts are made by the older `POST /Register`.
    const REGISTERS: bool = false;
}

/// The best inferences of the contract.
struct AsInferred;

impl Setting for AsInferred {
    fn options() -> Options {
        Options::default()
    }
}

struct Uptrends<S: Setting> {
    tenant: Tenant,
    proxy: FaultProxy,
    driver: UptrendsDriver,
    setting: PhantomData<S>,
}

const ADMIN: &str = "the-admin";

impl<S: Setting> Uptrends<S> {
    fn config(&self) -> UptrendsConfig {
        config::<S>(&self.tenant, &self.proxy.url())
    }

    fn config_of(&self, account: &Account) -> UptrendsConfig {
        UptrendsConfig {
            user_name: account.user_name.clone(),
            password: account.password.clone().into(),
            ..self.config()
        }
    }

    /// Adds an account of the admin's operator by hand.
    fn add(&self, description: String) -> Account {
        let new = ForeignAccount {
            description,
            ..ForeignAccount::default()
        };
        self.tenant
            .add_foreign_account(&self.tenant.admin().operator_guid, &new)
    }
}

fn config<S: Setting>(tenant: &Tenant, url: &str) -> UptrendsConfig {
    let admin = tenant.admin();
    UptrendsConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        user_name: admin.user_name,
        password: admin.password.into(),
        operator_guid: S::OPERATOR_IS_GIVEN.then_some(admin.operator_guid),
        register_as: S::REGISTERS.then(|| login_of(tenant.admin_login())),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
    }
}

fn login_of(login: Login) -> OperatorLogin {
    OperatorLogin {
        user_name: login.email,
        password: login.password.into(),
    }
}

fn boxed(config: UptrendsConfig) -> Box<dyn Driver> {
    Box::new(UptrendsDriver::new(config).unwrap())
}

fn pair_of(account: &Account) -> KeyPair {
    let access_key_id = AccessKeyId::new(&account.user_name);
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: account.password.clone().into(),
    }
}

/// An operator without rights over others.
fn plain() -> NewOperator {
    NewOperator {
        full_name: "Pat Plain".to_owned(),
        email: format!("{}@example.com", fresh_name()),
        ..NewOperator::default()
    }
}

#[async_trait]
impl<S: Setting> Subject for Uptrends<S> {
    async fn start() -> Self {
        let tenant = Tenant::start(S::options()).await;
        // As if somebody had copied a description.
        let mark = "e".repeat(32);
        tenant.describe_account(&tenant.admin().guid, &format!("API [gracekey:{ADMIN}:{mark}]"));
        let proxy = FaultProxy::start(tenant.url().trim_end_matches("/v4"), None).await;
        let driver = UptrendsDriver::new(config::<S>(&tenant, &proxy.url())).unwrap();
        Self {
            tenant,
            proxy,
            driver,
            setting: PhantomData,
        }
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let wrong = UptrendsConfig {
            password: "wrong".into(),
            ..self.config()
        };
        let unknown = UptrendsConfig {
            user_name: "0".repeat(32),
            ..self.config()
        };
        let login = self.tenant.add_operator(plain());
        let account = self
            .tenant
            .add_foreign_account(&login.operator_guid, &ForeignAccount::default());
        // Some tenants let it list its own; those of the administrator are not among them.
        let plain = UptrendsConfig {
            operator_guid: Some(self.tenant.admin().operator_guid),
            ..self.config_of(&account)
        };
        vec![
            ("wrong password", boxed(wrong)),
            ("unknown account", boxed(unknown)),
            ("an operator who is no administrator", boxed(plain)),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(UptrendsConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(UptrendsConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        // Past the proxy, whose faults are for the driver.
        let config = UptrendsConfig {
            endpoint: Endpoint::parse(self.tenant.url().trim_end_matches("/v4")).unwrap(),
            ..self.config()
        };
        Some(Box::new(UptrendsProver::new(config).unwrap()))
    }

    fn s3(&self, _pair: &KeyPair) -> Option<S3> {
        None
    }

    async fn pass_time(&self) {
        self.tenant.clock().advance(Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn pass_this(&self, by: Duration) {
        self.tenant.clock().advance(by);
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        pair_of(&self.add(format!("made by hand [gracekey:{name}]")))
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let user = self.driver.find_user(name).await.unwrap().unwrap();
        pair_of(&self.add(format!("made by hand [gracekey:{name}:{}]", user.owner.unwrap())))
    }

    async fn snapshot(&self, _name: &UserName) -> String {
        self.tenant.snapshot(&self.tenant.admin().operator_guid)
    }

    fn admin(&self) -> UserName {
        UserName::new(ADMIN)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.tenant.admin().password, self.tenant.admin_login().password]
    }
}
