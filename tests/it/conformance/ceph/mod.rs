//! The suite on a real Ceph RADOS Gateway.

use super::suite::{Subject, fresh_key_id, fresh_name, key_ids, s3_prover};
use crate::testbed::{FaultProxy, Gateway, S3, gateway};
use async_trait::async_trait;
use gracekey::backend::ceph::{CephConfig, CephDriver, config::CALL_LIMIT};
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, Signer, TlsOptions};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, Grantee, KeyPair};
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use http::Method;
use serde_json::json;
use std::time::Duration;

mod access;
mod facts;

conformance!(Ceph);

struct Ceph {
    gateway: &'static Gateway,
    proxy: FaultProxy,
    driver: CephDriver,
}

impl Ceph {
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
#[async_trait]
impl Subject for Ceph {
    async fn start() -> Self {
        let gateway = gateway();
        let proxy = FaultProxy::start(&gateway.endpoint, None).await;
        let driver = CephDriver::new(config(gateway, &proxy.url())).unwrap();
        Self {
            gateway,
            proxy,
            driver,
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
}
