//! The suite on real Ceph RADOS Gateways: the version that all else is tested on, an older and a newer one.

use super::suite::{Subject, fresh_key_id, fresh_name, key_ids, s3_prover};
use crate::testbed::{self, FaultProxy, Gateway, S3};
use async_trait::async_trait;
use gracekey::backend::ceph::{CephConfig, CephDriver, config::CALL_LIMIT};
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, Signer, TlsOptions};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, Grantee, KeyPair};
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use http::Method;
use serde_json::json;
use std::{marker::PhantomData, time::Duration};

/// One test for each fact, of its name, where this version is to be had.
macro_rules! facts {
    ($file:ident on $release:ty: $($fact:ident)*) => {$(
        #[tokio::test]
        async fn $fact() {
            if <$release as $crate::conformance::ceph::Release>::left_out().is_none() {
                let ceph = $crate::conformance::ceph::Ceph::<$release>::start().await;
                $crate::conformance::ceph::$file::$fact(&ceph).await;
            }
        }
    )*};
}

#[macro_use]
mod access;
#[macro_use]
mod facts;

/// A version of Ceph.
trait Release: Send + Sync + 'static {
    fn gateway() -> &'static Gateway;

    /// Why it is not to be had here.
    fn left_out() -> Option<&'static str> {
        None
    }
}

/// A module with the suite and the facts on this version.
macro_rules! release {
    ($name:ident: $($gateway:tt)*) => {
        mod $name {
            use super::*;

            struct Here;

            impl Release for Here {
                $($gateway)*
            }

            conformance!(Ceph<Here>);
            access_facts!(Here);
            other_facts!(Here);
        }
    };
}

release! { v16:
    fn gateway() -> &'static Gateway {
        testbed::gateway_16()
    }
}

release! { v18:
    fn gateway() -> &'static Gateway {
        testbed::gateway()
    }
}

release! { v20:
    fn gateway() -> &'static Gateway {
        testbed::gateway_20()
    }

    fn left_out() -> Option<&'static str> {
        testbed::without_gateway_20()
    }
}

struct Ceph<R> {
    gateway: &'static Gateway,
    proxy: FaultProxy,
    driver: CephDriver,
    _release: PhantomData<R>,
}

impl<R> Ceph<R> {
    fn config(&self) -> CephConfig {
        config(self.gateway, &self.proxy.url())
    }

    /// A call of the Admin Ops API by the admin, past driver and proxy.
    async fn admin_call(&self, method: Method, query: Query) -> String {
        let gateway = self.gateway;
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CALL_LIMIT,
        };
        let target = format!("{}/admin/user?{}", gateway.endpoint, query.as_str());
        let mut request = http::Request::builder()
            .method(method)
            .uri(target)
            .body(Vec::new())
            .unwrap();
        let secret = gateway.admin_secret_key.clone().into();
        let id = AccessKeyId::new(&gateway.admin_access_key);
        Signer::new(id, secret, &gateway.region)
            .sign(&mut request)
            .unwrap();
        let reply = HttpClient::new(&options).unwrap().send(request).await.unwrap();
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.status, 200, "{body}");
        body
    }
}

fn config(gateway: &Gateway, url: &str) -> CephConfig {
    CephConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        region: gateway.region.clone(),
        access_key_id: AccessKeyId::new(&gateway.admin_access_key),
        secret: gateway.admin_secret_key.clone().into(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
    }
}

fn boxed(config: CephConfig) -> Box<dyn Driver> {
    Box::new(CephDriver::new(config).unwrap())
}

fn uid(name: &UserName) -> Query {
    Query::new().pair("uid", name.as_str())
}

fn pair_of(keys: &serde_json::Value) -> KeyPair {
    let text = |field: &str| keys[0][field].as_str().unwrap().to_owned();
    let access_key_id = AccessKeyId::new(text("access_key"));
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: text("secret_key").into(),
    }
}

#[async_trait]
impl<R: Release> Subject for Ceph<R> {
    async fn start() -> Self {
        let gateway = R::gateway();
        let proxy = FaultProxy::start(&gateway.endpoint, None).await;
        let driver = CephDriver::new(config(gateway, &proxy.url())).unwrap();
        Self {
            gateway,
            proxy,
            driver,
            _release: PhantomData,
        }
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let with = |pair: &KeyPair| CephConfig {
            access_key_id: pair.access_key_id.clone(),
            secret: pair.secret.clone(),
            ..self.config()
        };
        let name = fresh_name();
        let nobody = self.make_foreign_user(&name).await;
        let reader = fresh_name();
        let reader_key = self.make_foreign_user(&reader).await;
        self.admin_call(
            Method::PUT,
            Query::new()
                .flag("caps")
                .pair("uid", reader.as_str())
                .pair("user-caps", "usage=*"),
        )
        .await;
        vec![
            (
                "wrong secret",
                boxed(CephConfig {
                    secret: "wrong".into(),
                    ..self.config()
                }),
            ),
            (
                "unknown key",
                boxed(CephConfig {
                    access_key_id: fresh_key_id(),
                    ..self.config()
                }),
            ),
            ("a user without caps", boxed(with(&nobody))),
            ("a user with other caps", boxed(with(&reader_key))),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(CephConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(CephConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(
            BackendKind::Ceph,
            &self.gateway.endpoint,
            &self.gateway.region,
        ))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.gateway.endpoint, &self.gateway.region, pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        let body = self
            .admin_call(Method::PUT, uid(name).pair("display-name", "Somebody else"))
            .await;
        pair_of(&serde_json::from_str::<serde_json::Value>(&body).unwrap()["keys"])
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let before = key_ids(self, name).await;
        let body = self
            .admin_call(Method::PUT, Query::new().flag("key").pair("uid", name.as_str()))
            .await;
        // The answer has all keys of the user.
        let all: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
        let is_new = |key: &serde_json::Value| !before.iter().any(|id| key["access_key"] == id.as_str());
        let new: Vec<_> = all.into_iter().filter(is_new).collect();
        pair_of(&json!(new))
    }

    async fn make_strangers_bucket(&self, bucket: &BucketName, open_to: Option<&Grantee>) {
        let statements = open_to.map(|to| access::consent(to, bucket, &self.gateway.admin_uid));
        access::strangers_bucket(self, bucket, statements.into_iter().collect()).await;
    }

    async fn snapshot(&self, name: &UserName) -> String {
        self.admin_call(Method::GET, uid(name)).await
    }

    fn admin(&self) -> UserName {
        UserName::new(&self.gateway.admin_uid)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.gateway.admin_secret_key.clone()]
    }

    fn left_out(_: &str) -> Option<&'static str> {
        R::left_out()
    }
}
