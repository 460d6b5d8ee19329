//! The suite on two real servers with one admin API: `MinIO`, and the gateway of `JuiceFS`, which is `MinIO` of 2021.

use super::access::bucket_opened_by_tag;
use super::suite::{Subject, fresh_key_id, fresh_name, s3_prover};
use crate::testbed::{FaultProxy, Minio, S3};
use async_trait::async_trait;
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, Signer, TlsOptions};
use gracekey::backend::minio::{MinioConfig, MinioDriver, config::CALL_LIMIT, sealed};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, Grantee, KeyPair};
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use gracekey::entropy::{Entropy as _, OsEntropy};
use http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::{marker::PhantomData, sync::Arc, time::Duration};

#[macro_use]
mod access;
#[macro_use]
mod facts;
#[macro_use]
mod late;
#[macro_use]
mod own;

/// One of the servers.
trait Server: Sync + Send + 'static {
    fn server() -> &'static Minio;

    /// Whether it is `MinIO` as it was before it had a call that attaches policies.
    const IS_OF_2021: bool;
}

mod community {
    //! `MinIO` itself.

    struct Community;

    impl super::Server for Community {
        fn server() -> &'static crate::testbed::Minio {
            crate::testbed::minio()
        }

        const IS_OF_2021: bool = false;
    }

    conformance!(super::Store<Community>);
    facts!(Community);
    access_facts!(Community);
    own_facts!(Community);
    late_facts!(Community);
}

mod juicefs {
    //! The gateway of `JuiceFS`.

    struct JuiceFs;

    impl super::Server for JuiceFs {
        fn server() -> &'static crate::testbed::Minio {
            crate::testbed::juicefs()
        }

        const IS_OF_2021: bool = true;
    }

    conformance!(super::Store<JuiceFs>);
    facts!(JuiceFs);
    access_facts!(JuiceFs);
    own_facts!(JuiceFs);
    late_facts!(JuiceFs);
}

struct Store<S> {
    server: &'static Minio,
    proxy: FaultProxy,
    driver: MinioDriver,
    _server: PhantomData<S>,
}

impl<S: Server> Store<S> {
    /// As a store whose users get these.
    async fn with_policies(policies: &[&str]) -> Self {
        let server = S::server();
        let proxy = FaultProxy::start(&server.endpoint, None).await;
        let config = MinioConfig {
            policies: policies.iter().map(ToString::to_string).collect(),
            ..config(server, &proxy.url())
        };
        Self {
            server,
            proxy,
            driver: MinioDriver::new(config).unwrap(),
            _server: PhantomData,
        }
    }
}

impl<S> Store<S> {
    /// S3 as the root user sees it.
    fn root(&self) -> S3 {
        let id = AccessKeyId::new(&self.server.admin_access_key);
        let pair = pair(id, &self.server.admin_secret_key);
        S3::new(&self.server.endpoint, &self.server.region, &pair)
    }

    fn config(&self) -> MinioConfig {
        config(self.server, &self.proxy.url())
    }

    /// A call of the admin API by the admin, past driver and proxy: status, and the body decrypted.
    async fn admin_call(
        &self,
        method: Method,
        path: &str,
        query: Query,
        body: Option<Value>,
    ) -> (u16, Vec<u8>) {
        let secret = self.server.admin_secret_key.as_bytes();
        let sealed = body.map(|body| {
            let (mut salt, mut nonce) = ([0; sealed::SALT], [0; sealed::NONCE]);
            OsEntropy.fill(&mut salt);
            OsEntropy.fill(&mut nonce);
            let plain = body.to_string();
            sealed::seal(sealed::Scheme::Pbkdf2Aes, secret, &salt, nonce, plain.as_bytes()).unwrap()
        });
        self.admin_sends(method, path, query, sealed.unwrap_or_default())
            .await
    }

    async fn admin_sends(&self, method: Method, path: &str, query: Query, body: Vec<u8>) -> (u16, Vec<u8>) {
        let server = self.server;
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CALL_LIMIT,
        };
        let target = format!("{}/minio/admin/v3/{path}?{}", server.endpoint, query.as_str());
        let mut request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/octet-stream")
            .body(body)
            .unwrap();
        let id = AccessKeyId::new(&server.admin_access_key);
        Signer::new(id, server.admin_secret_key.clone().into(), &server.region)
            .sign(&mut request)
            .unwrap();
        let reply = HttpClient::new(&options).unwrap().send(request).await.unwrap();
        let body = match sealed::open(server.admin_secret_key.as_bytes(), &reply.body) {
            Ok(plain) => plain.to_vec(),
            Err(sealed::Broken) => reply.body.to_vec(),
        };
        (reply.status, body)
    }

    /// The same, which must succeed.
    async fn admin_does(&self, method: Method, path: &str, query: Query, body: Option<Value>) -> Vec<u8> {
        let (status, body) = self.admin_call(method, path, query, body).await;
        let text = String::from_utf8_lossy(&body);
        assert!((200..300).contains(&status), "{path}: {status} {text}");
        body
    }

    /// Makes a user, with its own secret for a key.
    async fn add_user(&self, name: &UserName) -> KeyPair {
        let secret = OsEntropy.secret();
        let body = json!({ "secretKey": secret.expose_secret(), "status": "enabled" });
        self.admin_does(Method::PUT, "add-user", named(name), Some(body))
            .await;
        pair(AccessKeyId::new(name.as_str()), secret.expose_secret())
    }

    /// Makes a policy. Its text is not encrypted.
    async fn add_policy(&self, policy: &str, text: &Value) {
        let query = Query::new().pair("name", policy);
        let body = text.to_string().into_bytes();
        let (status, body) = self
            .admin_sends(Method::PUT, "add-canned-policy", query, body)
            .await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }

    /// These policies and no others.
    async fn set_policies(&self, name: &UserName, policies: &str) {
        let query = Query::new()
            .pair("policyName", policies)
            .pair("userOrGroup", name.as_str())
            .pair("isGroup", "false");
        self.admin_does(Method::PUT, "set-user-or-group-policy", query, None)
            .await;
    }
}

fn config(server: &Minio, url: &str) -> MinioConfig {
    MinioConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        region: server.region.clone(),
        access_key_id: AccessKeyId::new(&server.admin_access_key),
        secret: server.admin_secret_key.clone().into(),
        policies: vec!["readwrite".to_owned()],
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
        entropy: Arc::new(OsEntropy),
    }
}

fn boxed(config: MinioConfig) -> Box<dyn Driver> {
    Box::new(MinioDriver::new(config).unwrap())
}

fn named(name: &UserName) -> Query {
    Query::new().pair("accessKey", name.as_str())
}

fn pair(access_key_id: AccessKeyId, secret: &str) -> KeyPair {
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: secret.into(),
    }
}

#[async_trait]
impl<S: Server> Subject for Store<S> {
    async fn start() -> Self {
        Self::with_policies(&["readwrite"]).await
    }

    async fn start_confined() -> Self {
        Self::with_policies(&[]).await
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let with = |pair: KeyPair| MinioConfig {
            access_key_id: pair.access_key_id,
            secret: pair.secret,
            ..self.config()
        };
        let nobody = self.add_user(&fresh_name()).await;
        let name = fresh_name();
        let user = self.add_user(&name).await;
        self.set_policies(&name, "readwrite").await;
        vec![
            (
                "wrong secret",
                boxed(MinioConfig {
                    secret: "wrong".into(),
                    ..self.config()
                }),
            ),
            (
                "unknown key",
                boxed(MinioConfig {
                    access_key_id: fresh_key_id(),
                    ..self.config()
                }),
            ),
            ("a user without policies", boxed(with(nobody))),
            ("a user with all rights on data", boxed(with(user))),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(MinioConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        boxed(MinioConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(
            BackendKind::Minio,
            &self.server.endpoint,
            &self.server.region,
        ))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.server.endpoint, &self.server.region, pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        let pair = self.add_user(name).await;
        self.set_policies(name, "readwrite").await;
        pair
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let (id, secret) = (fresh_key_id(), OsEntropy.secret());
        let body = json!({
            "targetUser": name.as_str(), "accessKey": id.as_str(), "secretKey": secret.expose_secret(),
        });
        self.admin_does(Method::PUT, "add-service-account", Query::new(), Some(body))
            .await;
        pair(id, secret.expose_secret())
    }

    /// Buckets are the server's; the admin opens them as the refusal says.
    async fn make_strangers_bucket(&self, bucket: &BucketName, open_to: Option<&Grantee>) {
        bucket_opened_by_tag(&self.driver, &self.root(), bucket, open_to).await;
    }

    /// The list of keys is in any order, and a refusal has a number of its own.
    async fn snapshot(&self, name: &UserName) -> String {
        let (status, user) = self.admin_call(Method::GET, "user-info", named(name), None).await;
        let user = if status == 200 {
            String::from_utf8(user).unwrap()
        } else {
            status.to_string()
        };
        let query = Query::new().pair("user", name.as_str());
        let keys = self
            .admin_does(Method::GET, "list-service-accounts", query, None)
            .await;
        let keys: Value = serde_json::from_slice(&keys).unwrap();
        let mut keys: Vec<String> = keys["accounts"]
            .as_array()
            .into_iter()
            .flatten()
            .map(Value::to_string)
            .collect();
        keys.sort();
        format!("{user} {keys:?}")
    }

    fn admin(&self) -> UserName {
        UserName::new(&self.server.admin_access_key)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.server.admin_secret_key.clone()]
    }
}
