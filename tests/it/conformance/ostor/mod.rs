//! The suite on simulated Virtuozzo and Acronis stores: as the documents have it, and with what they leave open turned
//! round.

use super::suite::{Subject, fresh_key_id, fresh_name, s3_prover};
use crate::testbed::{FaultProxy, S3, proxy::Seen};
use async_trait::async_trait;
use gracekey::api::v1alpha1::OstorSignature;
use gracekey::backend::http::{Endpoint, TlsOptions};
use gracekey::backend::ostor::{OstorConfig, OstorDriver, config::CALL_LIMIT};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, KeyPair};
use gracekey::domain::ids::{AccessKeyId, CredentialId, UserName};
use gracekey_simulators::ostor::{Options, Ostor};
use http::Method;
use secrecy::ExposeSecret as _;
use std::{marker::PhantomData, time::Duration};

mod facts;
mod quotas;
mod refusals;
mod variants;

/// A product that there may be.
trait Variant: Sync + Send + 'static {
    fn options() -> Options;
}

const REGION: &str = "us-east-1";

/// A store of this variant, and a driver that has asked it what it can do.
struct Store<V> {
    ostor: Ostor,
    proxy: FaultProxy,
    driver: OstorDriver,
    /// The driver was told that there are quotas, as there are.
    quotas: bool,
    _variant: PhantomData<V>,
}

impl<V> Store<V> {
    /// The driver has asked nothing yet.
    async fn unasked(options: Options) -> Self {
        let quotas = options.quotas;
        let ostor = Ostor::start(options).await;
        let proxy = FaultProxy::start(&ostor.url(), None).await;
        let config = OstorConfig {
            quotas,
            ..config(&ostor, &proxy.url())
        };
        Self {
            ostor,
            proxy,
            driver: OstorDriver::new(config).unwrap(),
            quotas,
            _variant: PhantomData,
        }
    }

    fn config(&self) -> OstorConfig {
        OstorConfig {
            quotas: self.quotas,
            ..config(&self.ostor, &self.proxy.url())
        }
    }
}

fn config(ostor: &Ostor, url: &str) -> OstorConfig {
    let (id, secret) = ostor.system_key();
    OstorConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        signature: OstorSignature::Auto,
        quotas: false,
        region: REGION.to_owned(),
        access_key_id: AccessKeyId::new(id),
        secret: secret.into(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
    }
}

fn boxed(config: OstorConfig) -> Box<dyn Driver> {
    Box::new(OstorDriver::new(config).unwrap())
}

fn pair_of((id, secret): (String, String)) -> KeyPair {
    let access_key_id = AccessKeyId::new(id);
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: secret.into(),
    }
}

#[async_trait]
impl<V: Variant> Subject for Store<V> {
    async fn start() -> Self {
        let store = Self::unasked(V::options()).await;
        store.driver.probe().await.unwrap();
        store
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let user = pair_of(self.ostor.foreign_user(&format!("{}@example.com", fresh_name())));
        vec![
            (
                "wrong secret",
                boxed(OstorConfig {
                    secret: "wrong".into(),
                    ..self.config()
                }),
            ),
            (
                "unknown key",
                boxed(OstorConfig {
                    access_key_id: fresh_key_id(),
                    ..self.config()
                }),
            ),
            (
                "no system user",
                boxed(OstorConfig {
                    access_key_id: user.access_key_id,
                    secret: user.secret,
                    ..self.config()
                }),
            ),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(OstorConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        boxed(OstorConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    /// To disable a user that nobody can be changes nothing: the probe asks so whether users can be disabled.
    fn changes(&self) -> fn(&Seen) -> bool {
        |seen| seen.method != Method::GET && !seen.target.contains("nobody%40probe.gracekey.dev")
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(BackendKind::Ostor, &self.ostor.s3_url(), REGION))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.ostor.s3_url(), REGION, pair))
    }

    async fn pass_time(&self) {
        self.ostor.clock().advance(Duration::from_secs(1));
    }

    async fn pass_this(&self, by: Duration) {
        self.ostor.clock().advance(by);
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        pair_of(self.ostor.foreign_user(name.as_str()))
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        pair_of(self.ostor.foreign_key(name.as_str()))
    }

    async fn snapshot(&self, name: &UserName) -> String {
        self.ostor.snapshot(name.as_str())
    }

    fn admin(&self) -> UserName {
        UserName::new(self.ostor.system_user())
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.config().secret.expose_secret().to_owned()]
    }
}
