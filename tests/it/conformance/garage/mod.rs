//! The suite on a real Garage server.

use super::access::SEED;
use super::suite::{Subject, fresh_key_id};
use crate::testbed::{FaultProxy, Garage as Server, S3, garage, proxy::Seen, unique};
use async_trait::async_trait;
use gracekey::backend::garage::{GarageConfig, GarageDriver, config::CALL_LIMIT};
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, TlsOptions};
use gracekey::backend::proof::{Prover, S3Prober, S3Settings};
use gracekey::backend::{BackendKind, Driver, FoundBucket, Grantee, KeyPair};
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use gracekey::entropy::{Entropy as _, OsEntropy};
use http::{Method, header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

mod buckets;
mod facts;
mod rights;

conformance!(Garage);

struct Garage {
    server: &'static Server,
    proxy: FaultProxy,
    driver: GarageDriver,
}

impl Garage {
    fn config(&self) -> GarageConfig {
        config(self.server, &self.proxy.url())
    }

    fn with_token(&self, token: &str) -> Box<dyn Driver> {
        boxed(GarageConfig {
            token: token.into(),
            ..self.config()
        })
    }

    /// A call of the admin API by the admin, past driver and proxy.
    async fn admin_call(&self, endpoint: &str, query: Query, body: Option<Value>) -> (u16, Value) {
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CALL_LIMIT,
        };
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request = http::Request::builder()
            .method(method)
            .uri(format!(
                "{}/v2/{endpoint}?{}",
                self.server.endpoint,
                query.as_str()
            ))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.server.admin_token),
            )
            .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default())
            .unwrap();
        let reply = HttpClient::new(&options).unwrap().send(request).await.unwrap();
        let text = String::from_utf8_lossy(&reply.body);
        let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{endpoint}: {error}: {text}"));
        (reply.status, value)
    }

    async fn get(&self, endpoint: &str, query: Query) -> Value {
        let (status, value) = self.admin_call(endpoint, query, None).await;
        assert_eq!(status, 200, "{endpoint}: {value}");
        value
    }

    async fn post(&self, endpoint: &str, query: Query, body: Value) -> Value {
        let (status, value) = self.admin_call(endpoint, query, Some(body)).await;
        assert_eq!(status, 200, "{endpoint}: {value}");
        value
    }

    /// A token that is good for these endpoints.
    async fn token(&self, scope: &[&str]) -> String {
        let body = json!({ "name": "a test's", "scope": scope });
        let made = self.post("CreateAdminToken", Query::new(), body).await;
        made["secretToken"].as_str().unwrap().to_owned()
    }

    /// Makes a key of this user's by hand, under this name.
    async fn import(&self, user: &UserName, key_name: &str) -> KeyPair {
        let access_key_id = self.driver.key_id(user, fresh_key_id());
        let secret = OsEntropy.secret();
        let body = json!({
            "accessKeyId": access_key_id.as_str(), "secretAccessKey": secret.expose_secret(), "name": key_name,
        });
        self.post("ImportKey", Query::new(), body).await;
        KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret,
        }
    }

    /// A key as the admin sees it.
    async fn key(&self, id: &AccessKeyId) -> Value {
        self.get("GetKeyInfo", Query::new().pair("id", id.as_str())).await
    }

    /// Changes a key by hand.
    async fn update(&self, id: &AccessKeyId, body: Value) {
        let id = Query::new().pair("id", id.as_str());
        self.post("UpdateKey", id, body).await;
    }

    /// The alias that opens a bucket to this one's namespace, as the refusal of it says.
    async fn consent(&self, to: &Grantee, bucket: &BucketName) -> String {
        let found = self.driver.find_bucket(to, bucket).await.unwrap();
        let FoundBucket::Closed { advice, .. } = found else {
            panic!("{bucket} is not closed: {found:?}")
        };
        let alias = advice.rsplit(' ').next().unwrap();
        alias.trim_end_matches(['`', '.']).to_owned()
    }

    /// Makes a bucket of this name, as an admin does by hand, and gives its id.
    async fn make_bucket(&self, name: &str) -> Value {
        let body = json!({ "globalAlias": name });
        self.post("CreateBucket", Query::new(), body).await["id"].clone()
    }

    /// Lets a key use a bucket, as an admin does by hand.
    async fn allow(&self, bucket: &Value, key: &AccessKeyId, rights: Value) {
        let body = json!({ "bucketId": bucket, "accessKeyId": key.as_str(), "permissions": rights });
        self.post("AllowBucketKey", Query::new(), body).await;
    }

    /// How all ids of this user's keys begin.
    fn prefix(&self, user: &UserName) -> String {
        self.driver.key_id(user, AccessKeyId::new("")).as_str().to_owned()
    }

    /// The endpoints that were asked since then.
    fn asked_since(&self, begin: usize) -> Vec<String> {
        let seen = self.proxy.seen().split_off(begin);
        let name = |seen: Seen| {
            let path = seen.target.split('?').next().unwrap_or_default();
            path.trim_start_matches("/v2/").to_owned()
        };
        seen.into_iter().map(name).collect()
    }
}

fn config(server: &Server, url: &str) -> GarageConfig {
    GarageConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        token: server.admin_token.clone().into(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
        entropy: Arc::new(OsEntropy),
    }
}

fn boxed(config: GarageConfig) -> Box<dyn Driver> {
    Box::new(GarageDriver::new(config).unwrap())
}

/// A name of a bucket that no other test has.
fn fresh_bucket() -> String {
    let (run, number) = unique();
    format!("bucket-{run}-{number}")
}

#[async_trait]
impl Subject for Garage {
    async fn start() -> Self {
        let server = garage();
        let proxy = FaultProxy::start(&server.endpoint, None).await;
        let driver = GarageDriver::new(config(server, &proxy.url())).unwrap();
        Self {
            server,
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
        let narrow = self.token(&["GetClusterHealth"]).await;
        let expired = json!({ "name": "a test's", "scope": ["*"], "expiration": "2001-01-01T00:00:00Z" });
        let expired = self.post("CreateAdminToken", Query::new(), expired).await;
        vec![
            ("wrong token", self.with_token("wrong")),
            ("unknown token", self.with_token("0123456789abcdef.wrong")),
            ("a token of another scope", self.with_token(&narrow)),
            (
                "an expired token",
                self.with_token(expired["secretToken"].as_str().unwrap()),
            ),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(GarageConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(GarageConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        let settings = S3Settings {
            backend: BackendKind::Garage,
            endpoints: vec![Endpoint::parse(&self.server.s3_endpoint).unwrap()],
            region: self.server.region.clone(),
            tls: TlsOptions::default(),
        };
        Some(Box::new(S3Prober::new(settings).unwrap()))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.server.s3_endpoint, &self.server.region, pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        self.import(name, "Somebody else's").await
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let user = self.driver.find_user(name).await.unwrap().unwrap();
        let key_name = format!("made by hand [gracekey:{name}:{}]", user.owner.unwrap());
        self.import(name, &key_name).await
    }

    /// Opened as the refusal of it says.
    async fn make_strangers_bucket(&self, bucket: &BucketName, open_to: Option<&Grantee>) {
        let id = self.make_bucket(bucket.as_str()).await;
        let key = self
            .post("CreateKey", Query::new(), json!({ "name": "a stranger's" }))
            .await;
        let access_key_id = AccessKeyId::new(key["accessKeyId"].as_str().unwrap());
        self.allow(&id, &access_key_id, json!({ "read": true, "write": true }))
            .await;
        let pair = KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: key["secretAccessKey"].as_str().unwrap().into(),
        };
        let s3 = self.s3(&pair).unwrap();
        s3.put_object(bucket.as_str(), SEED, b"seed")
            .await
            .expect_success();
        let Some(to) = open_to else { return };
        let alias = self.consent(to, bucket).await;
        let body = json!({ "bucketId": id, "globalAlias": alias });
        self.post("AddBucketAlias", Query::new(), body).await;
    }

    async fn snapshot(&self, name: &UserName) -> String {
        let prefix = self.prefix(name);
        let list = self.get("ListKeys", Query::new().pair("offset", &prefix)).await;
        let ids = list.as_array().unwrap().iter();
        let ids: Vec<&str> = ids.filter_map(|key| key["id"].as_str()).collect();
        let mut told = Vec::new();
        for id in ids.into_iter().filter(|id| id.starts_with(&prefix)) {
            let query = Query::new().pair("id", id).pair("showSecretKey", "true");
            told.push(self.get("GetKeyInfo", query).await.to_string());
        }
        told.join("\n")
    }

    /// A key is imported first, and finished last.
    fn issues_in_one_call(&self) -> bool {
        false
    }

    /// A token.
    fn admin_is_a_user(&self) -> bool {
        false
    }

    fn admin(&self) -> UserName {
        UserName::new("nobody")
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.server.admin_token.clone()]
    }
}
