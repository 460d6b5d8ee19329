//! The suite on a simulator of Dell ECS: once as the documents are read most likely, and once for each other reading.

use super::suite::{Subject, s3_prover};
use crate::testbed::{FaultProxy, S3};
use async_trait::async_trait;
use gracekey::backend::ecs::{EcsConfig, EcsDriver, config::CALL_LIMIT, config::TOKEN_AGE};
use gracekey::backend::http::{Endpoint, TlsOptions};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, KeyPair};
use gracekey::domain::ids::{AccessKeyId, CredentialId, UserName};
use gracekey_simulators::ecs::{Credentials, Ecs, Options};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, marker::PhantomData, time::Duration};

mod facts;
mod readings;
mod sessions;

const REGION: &str = "us-east-1";

/// How much of the simulator's time passes between two questions: a proof takes some of these, and no waiting.
const STEP: Duration = Duration::from_secs(20);

/// One way to read what the documents leave open.
pub(crate) trait Reading: Sync + Send + 'static {
    fn options() -> Options;
}

/// The most likely one.
pub(crate) struct Likely;

impl Reading for Likely {
    fn options() -> Options {
        Options::default()
    }
}

mod likely {
    conformance!(super::It<super::Likely>);
}

pub(crate) struct It<R> {
    sim: Ecs,
    proxy: FaultProxy,
    hides_secrets: bool,
    driver: EcsDriver,
    _reading: PhantomData<R>,
}

impl<R: Reading> It<R> {
    /// A simulator with these options, and a driver as its system administrator.
    async fn with(options: Options) -> Self {
        let hides_secrets = options.hide_secrets;
        let sim = Ecs::start(options).await;
        let proxy = FaultProxy::start(&sim.url(), None).await;
        let config = config(&sim, &proxy, sim.root(), hides_secrets);
        Self {
            driver: EcsDriver::new(config).unwrap(),
            sim,
            proxy,
            hides_secrets,
            _reading: PhantomData,
        }
    }

    fn config(&self) -> EcsConfig {
        config(&self.sim, &self.proxy, self.sim.root(), self.hides_secrets)
    }

    fn pair(name: &UserName, secret: &str) -> KeyPair {
        let digest = Sha256::digest(secret.as_bytes());
        let digits = digest.iter().take(8).fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").unwrap();
            digits
        });
        KeyPair {
            id: CredentialId::new(format!("{name}#{digits}")),
            access_key_id: AccessKeyId::new(name.as_str()),
            secret: secret.into(),
        }
    }
}

fn config(sim: &Ecs, proxy: &FaultProxy, user: Credentials, secrets_hidden: bool) -> EcsConfig {
    EcsConfig {
        endpoint: Endpoint::parse(&proxy.url()).unwrap(),
        username: user.user.to_owned(),
        password: user.password.into(),
        namespace: sim.namespace().to_owned(),
        secrets_hidden,
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
        token_age: TOKEN_AGE,
    }
}

fn boxed(config: EcsConfig) -> Box<dyn Driver> {
    Box::new(EcsDriver::new(config).unwrap())
}

#[async_trait]
impl<R: Reading> Subject for It<R> {
    async fn start() -> Self {
        Self::with(R::options()).await
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let config = || self.config();
        let stranger = EcsConfig {
            username: "nobody".to_owned(),
            ..config()
        };
        let wrong = EcsConfig {
            password: "wrong".into(),
            ..config()
        };
        let mut drivers = vec![
            ("unknown user", boxed(stranger)),
            ("wrong password", boxed(wrong)),
        ];
        if let Some(other) = R::options().namespaces.get(1) {
            let admin = self.sim.namespace_admin();
            let elsewhere = EcsConfig {
                username: admin.user.to_owned(),
                password: admin.password.into(),
                namespace: other.clone(),
                ..config()
            };
            drivers.push(("administrator of another namespace", boxed(elsewhere)));
        }
        drivers
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(EcsConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(EcsConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(BackendKind::Ecs, &self.sim.s3_url(), REGION))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.sim.s3_url(), REGION, pair))
    }

    async fn pass_time(&self) {
        self.sim.clock().advance(STEP);
    }

    async fn pass_this(&self, by: Duration) {
        self.sim.clock().advance(by);
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        let (_, secret) = self.sim.add_user(name.as_str());
        Self::pair(name, &secret)
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let secret = self.sim.add_key(name.as_str()).unwrap();
        Self::pair(name, &secret)
    }

    async fn snapshot(&self, name: &UserName) -> String {
        self.sim.snapshot(name.as_str())
    }

    /// An object user who has the name of the management user that logs in.
    fn admin(&self) -> UserName {
        let name = self.sim.root().user;
        if self.sim.snapshot(name) == "absent" {
            self.sim.add_user(name);
        }
        UserName::new(name)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.config().password.expose_secret().to_owned()]
    }
}
