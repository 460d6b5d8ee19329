//! The suite on a simulated ONTAP cluster, for the releases that differ, and with what the documents leave open one way and
//! the other.

use super::suite::{Subject, s3_prover};
use crate::testbed::{FaultProxy, S3};
use async_trait::async_trait;
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, TlsOptions};
use gracekey::backend::ontap::{OntapConfig, OntapDriver, config::CALL_LIMIT};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, KeyPair};
use gracekey::domain::ids::{AccessKeyId, CredentialId, UserName};
use gracekey::entropy::OsEntropy;
use gracekey_simulators::ontap::{Dates, Keyless, Ontap, Options, Unknown, Unpoliced, Version};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::{marker::PhantomData, sync::Arc, time::Duration};

mod facts;
mod locks;
mod open;

/// How a cluster is set up.
trait Mode: Send + Sync + 'static {
    fn options() -> Options;
}

/// A module with the suite on a cluster of these options.
macro_rules! cluster {
    ($(#[$doc:meta])* $name:ident: $options:expr) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            pub(super) struct Here;

            impl Mode for Here {
                fn options() -> Options {
                    $options
                }
            }

            conformance!(It<Here>);
        }
    };
}

/// The defaults of this release.
fn release(major: u64, minor: u64) -> Options {
    Options {
        version: Version::new(major, minor),
        ..Options::default()
    }
}

cluster! { #[doc = "The first with S3 users."] v9_8: release(8, 0) }
cluster! { #[doc = "The last that cannot remove keys."] v9_13_1: release(13, 1) }
cluster! { #[doc = "Removes keys."] v9_14_1: release(14, 1) }
cluster! { #[doc = "Takes chosen keys."] v9_16_1: release(16, 1) }
cluster! { #[doc = "The last with one key."] v9_18_1: release(18, 1) }
cluster! { #[doc = "Has two keys."] v9_19_1: release(19, 1) }
cluster! {
    #[doc = "Two keys by number, but the release does not have them."]
    v9_19_1_with_one_key: Options {
        two_keys_from: Version::new(20, 1),
        ..release(19, 1)
    }
}
cluster! {
    #[doc = "The same, and what it does not know it ignores: a `key_id` would end key 1."]
    v9_19_1_that_ignores: Options {
        two_keys_from: Version::new(20, 1),
        unknown: Unknown::Ignored,
        ..release(19, 1)
    }
}
cluster! {
    #[doc = "The account of a storage VM, which may not be told the release."]
    without_a_release: Options {
        reads_cluster: false,
        ..release(19, 1)
    }
}
cluster! { #[doc = "Forms of answers the other way, on a release with one key."] other_forms: other_forms(release(17, 1)) }
cluster! { #[doc = "The same with two keys."] other_forms_with_two_keys: other_forms(release(19, 1)) }
cluster! { #[doc = "The same on an old release."] other_forms_of_old: Options {
    records_only_if_asked: false,
    ..other_forms(release(13, 1))
} }
cluster! { #[doc = "What holds the other way."] other_rules: other_rules(release(17, 1)) }
cluster! { #[doc = "The same with two keys."] other_rules_with_two_keys: other_rules(release(19, 1)) }

fn other_forms(options: Options) -> Options {
    Options {
        unknown: Unknown::Code2,
        name_taken: (StatusCode::BAD_REQUEST, "2"),
        taken_status: StatusCode::CONFLICT,
        missing_status: StatusCode::METHOD_NOT_ALLOWED,
        missing_target: None,
        numeric_codes: true,
        error_arguments: true,
        single_record: true,
        records_only_if_asked: true,
        whole_instance: true,
        keyless: Keyless::Null,
        dates: Dates::Spaces,
        long_access_keys: Some(false),
        other_codes_in_patch: false,
        page: 1,
        ..options
    }
}

fn other_rules(options: Options) -> Options {
    Options {
        keyless: Keyless::Empty,
        own_access_key_is_taken: false,
        spent_access_key_is_taken: true,
        member_is_kept: false,
        used_policy_is_kept: false,
        unpoliced: Unpoliced::OwnBuckets,
        long_access_keys: Some(true),
        has_root: true,
        root_is_mirrored: true,
        shows_expired: false,
        chosen_lengths: 20..=20,
        page: 2,
        visible_after: Duration::from_secs(1),
        dead_after: Duration::from_secs(1),
        ..options
    }
}

/// A cluster, a proxy before it, and the driver.
struct It<M> {
    cluster: Ontap,
    proxy: FaultProxy,
    driver: OntapDriver,
    /// Somebody else's user, who is in every group that grants something: so no group has but one.
    keeper: UserName,
    mode: PhantomData<M>,
}

impl<M: Mode> It<M> {
    async fn unprobed() -> Self {
        let cluster = Ontap::start(M::options()).await;
        let keeper = UserName::new("keeper");
        cluster.foreign_user(keeper.as_str());
        let proxy = FaultProxy::start(&cluster.url(), None).await;
        let driver = OntapDriver::new(config(&cluster, &proxy.url())).unwrap();
        Self {
            cluster,
            proxy,
            driver,
            keeper,
            mode: PhantomData,
        }
    }

    fn config(&self) -> OntapConfig {
        config(&self.cluster, &self.proxy.url())
    }

    /// A call of the REST API by the admin, past driver and proxy. `rest`: below the S3 server.
    async fn admin_call(&self, method: Method, rest: &str, body: &Value) -> (u16, Value) {
        let (url, svm) = (self.cluster.url(), self.cluster.svm_uuid());
        let login = self.cluster.admin();
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CALL_LIMIT,
        };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{url}/api/protocols/s3/services/{svm}/{rest}"))
            .header("authorization", basic(&login.user, &login.password))
            .header("content-type", "application/json")
            .body(if body.is_null() {
                Vec::new()
            } else {
                body.to_string().into_bytes()
            })
            .unwrap();
        let reply = HttpClient::new(&options).unwrap().send(request).await.unwrap();
        let answer = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        (reply.status, answer)
    }

    /// Makes a group with these users, behind the driver's back.
    async fn make_group(&self, name: &str, users: &[&str], policy: &str) {
        let users: Vec<_> = users.iter().map(|user| json!({ "name": user })).collect();
        let body = json!({ "name": name, "users": users, "policies": [{ "name": policy }] });
        let (status, answer) = self.admin_call(Method::POST, "groups", &body).await;
        assert!(matches!(status, 201 | 400 | 409), "{status} {answer}");
    }

    /// Who holds this key.
    fn holder(&self, pair: &KeyPair) -> Option<String> {
        let mut users = self.cluster.users().into_iter();
        users.find(|user| self.cluster.snapshot(user).contains(pair.access_key_id.as_str()))
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let plain = format!("{user}:{password}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(plain)
    )
}

fn config(cluster: &Ontap, url: &str) -> OntapConfig {
    let login = cluster.admin();
    OntapConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        svm: cluster.svm(),
        username: login.user,
        password: login.password.into(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
        entropy: Arc::new(OsEntropy),
    }
}

fn boxed(config: OntapConfig) -> Box<dyn Driver> {
    Box::new(OntapDriver::new(config).unwrap())
}

fn pair_of((access_key, secret): (String, String)) -> KeyPair {
    let access_key_id = AccessKeyId::new(access_key);
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: secret.into(),
    }
}

#[async_trait]
impl<M: Mode> Subject for It<M> {
    async fn start() -> Self {
        let it = Self::unprobed().await;
        // As the operator does before anything else.
        it.driver.probe().await.unwrap();
        it
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let wrong = OntapConfig {
            password: "wrong".into(),
            ..self.config()
        };
        let unknown = OntapConfig {
            username: "nobody".into(),
            ..self.config()
        };
        vec![
            ("wrong password", boxed(wrong)),
            ("unknown account", boxed(unknown)),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(OntapConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(OntapConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(BackendKind::Ontap, &self.cluster.s3_url(), "us-east-1"))
    }

    /// Users may do nothing until a policy says so: this grants them everything, in a group with somebody else.
    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        if let Some(holder) = self.holder(pair) {
            let users = [holder.as_str(), self.keeper.as_str()];
            let group = format!("granted-{holder}");
            let made = self.make_group(&group, &users, "FullAccess");
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(made));
        }
        Some(S3::new(&self.cluster.s3_url(), "us-east-1", pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        pair_of(self.cluster.foreign_user(name.as_str()))
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        pair_of(self.cluster.foreign_key(name.as_str()))
    }

    async fn snapshot(&self, name: &UserName) -> String {
        self.cluster.snapshot(name.as_str())
    }

    fn admin(&self) -> UserName {
        UserName::new("root")
    }

    fn canaries(&self) -> Vec<String> {
        let login = self.cluster.admin();
        vec![basic(&login.user, &login.password), login.password]
    }
}
