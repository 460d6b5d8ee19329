//! The suite on a real `SeaweedFS`, and on moto, which imitates AWS.
//!
//! moto enforces neither inactive keys nor the end of a user's keys before the user's own. No case rests on either: users are
//! locked there by a policy, as on AWS, and the driver removes keys before users.

use super::access::bucket_opened_by_tag;
use super::suite::{Subject, fresh_key_id, fresh_name, fresh_user, s3_prover};
use crate::testbed::{FaultProxy, IamServer, S3, moto, proxy::Seen, seaweedfs};
use async_trait::async_trait;
use gracekey::api::v1alpha1::IamOwnerMark;
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, Signer, TlsOptions};
use gracekey::backend::iam::{IamConfig, IamDriver, config::CALL_LIMIT};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, Grantee, KeyPair, NewUser};
use gracekey::domain::ids::{AccessKeyId, BucketName, CredentialId, UserName};
use http::{Method, header};
use std::{fmt::Write as _, marker::PhantomData, time::Duration};

mod access;
mod facts;
mod lists;
mod locks;
mod making;

/// A server that speaks the API, and what has to be said to use it.
trait Product: Send + Sync + 'static {
    fn server() -> &'static IamServer;
    /// Where it has a place for marks.
    const OWNER_MARK: IamOwnerMark;
    const KEYS_PER_USER: u8;
}

struct SeaweedFs;
struct Moto;

impl Product for SeaweedFs {
    fn server() -> &'static IamServer {
        seaweedfs()
    }
    /// It keeps no paths.
    const OWNER_MARK: IamOwnerMark = IamOwnerMark::Name;
    /// It has no limit of its own.
    const KEYS_PER_USER: u8 = 8;
}

impl Product for Moto {
    fn server() -> &'static IamServer {
        moto()
    }
    const OWNER_MARK: IamOwnerMark = IamOwnerMark::Path;
    const KEYS_PER_USER: u8 = 2;
}

mod on_seaweedfs {
    conformance!(super::Store<super::SeaweedFs>);
}

mod on_moto {
    conformance!(super::Store<super::Moto>);
}

struct Store<P> {
    server: &'static IamServer,
    proxy: FaultProxy,
    driver: IamDriver,
    _product: PhantomData<P>,
}

impl<P: Product> Store<P> {
    /// As a store whose users get these.
    async fn with_policies(policy_arns: Vec<String>) -> Self {
        let server = P::server();
        let proxy = FaultProxy::start(&server.endpoint, None).await;
        let config = IamConfig {
            policy_arns,
            ..config::<P>(&proxy.url())
        };
        let driver = IamDriver::new(config).unwrap();
        driver.probe().await.unwrap();
        Self {
            server,
            proxy,
            driver,
            _product: PhantomData,
        }
    }

    /// S3 as the admin sees it.
    fn root(&self) -> S3 {
        let access_key_id = AccessKeyId::new(&self.server.admin_access_key);
        let pair = KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: self.server.admin_secret_key.clone().into(),
        };
        S3::new(&self.server.endpoint, &self.server.region, &pair)
    }

    fn config(&self) -> IamConfig {
        config::<P>(&self.proxy.url())
    }

    /// A driver with other settings, which has asked what the store can do.
    async fn driver_with(&self, change: impl FnOnce(&mut IamConfig)) -> IamDriver {
        let mut config = self.config();
        change(&mut config);
        let driver = IamDriver::new(config).unwrap();
        driver.probe().await.unwrap();
        driver
    }

    /// A call of the IAM API by the admin, past driver and proxy; its answer, whatever it is.
    async fn ask(&self, action: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut form = Query::new().pair("Action", action).pair("Version", "2010-05-08");
        for (name, value) in fields {
            form = form.pair(name, value);
        }
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CALL_LIMIT,
        };
        let mut request = http::Request::post(format!("{}/", self.server.endpoint))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.as_str().as_bytes().to_vec())
            .unwrap();
        let id = AccessKeyId::new(&self.server.admin_access_key);
        let secret = self.server.admin_secret_key.clone().into();
        let signer = Signer::new(id, secret, &self.server.region).for_service("iam");
        signer.sign(&mut request).unwrap();
        let reply = HttpClient::new(&options).unwrap().send(request).await.unwrap();
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// The same, which must succeed.
    async fn admin_call(&self, action: &str, fields: &[(&str, &str)]) -> String {
        let (status, body) = self.ask(action, fields).await;
        assert_eq!(status, 200, "{action}: {body}");
        body
    }

    /// Attaches the policy of applications.
    async fn let_in(&self, name: &UserName) {
        let fields = [
            ("UserName", name.as_str()),
            ("PolicyArn", &self.server.policy_arn),
        ];
        self.admin_call("AttachUserPolicy", &fields).await;
    }

    /// The states of a user's keys, as the store tells them.
    async fn statuses(&self, name: &UserName) -> Vec<(String, String)> {
        let body = self
            .admin_call("ListAccessKeys", &[("UserName", name.as_str())])
            .await;
        let members = body.split("<member>").skip(1);
        members
            .map(|member| (text_of("AccessKeyId", member), text_of("Status", member)))
            .collect()
    }
}

fn config<P: Product>(url: &str) -> IamConfig {
    let server = P::server();
    IamConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        region: server.region.clone(),
        owner_mark: P::OWNER_MARK,
        keys_per_user: P::KEYS_PER_USER,
        policy_arns: vec![server.policy_arn.clone()],
        s3: Some((Endpoint::parse(url).unwrap(), server.region.clone())),
        access_key_id: AccessKeyId::new(&server.admin_access_key),
        secret: server.admin_secret_key.clone().into(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
    }
}

fn boxed(config: IamConfig) -> Box<dyn Driver> {
    Box::new(IamDriver::new(config).unwrap())
}

fn text_of(element: &str, body: &str) -> String {
    let (_, rest) = body.split_once(&format!("<{element}>")).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

fn pair_of(body: &str) -> KeyPair {
    let access_key_id = AccessKeyId::new(text_of("AccessKeyId", body));
    KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: text_of("SecretAccessKey", body).into(),
    }
}

/// Without what tells one answer from the next.
fn timeless(body: &str) -> String {
    let Some((before, rest)) = body.split_once("<RequestId>") else {
        return body.to_owned();
    };
    let (_, after) = rest.split_once("</RequestId>").unwrap();
    format!("{before}{after}")
}

#[async_trait]
impl<P: Product> Subject for Store<P> {
    async fn start() -> Self {
        Self::with_policies(vec![P::server().policy_arn.clone()]).await
    }

    async fn start_confined() -> Self {
        Self::with_policies(Vec::new()).await
    }

    fn driver(&self) -> &dyn Driver {
        &self.driver
    }

    fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    async fn drivers_without_rights(&self) -> Vec<(&'static str, Box<dyn Driver>)> {
        let with = |pair: &KeyPair| IamConfig {
            access_key_id: pair.access_key_id.clone(),
            secret: pair.secret.clone(),
            ..self.config()
        };
        let nobody = self.make_foreign_user(&fresh_name()).await;
        let name = fresh_name();
        let application = self.make_foreign_user(&name).await;
        self.let_in(&name).await;
        vec![
            (
                "wrong secret",
                boxed(IamConfig {
                    secret: "wrong".into(),
                    ..self.config()
                }),
            ),
            (
                "unknown key",
                boxed(IamConfig {
                    access_key_id: fresh_key_id(),
                    ..self.config()
                }),
            ),
            ("a user without a policy", boxed(with(&nobody))),
            ("a user of S3", boxed(with(&application))),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(IamConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        boxed(IamConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    /// `AttachUserPolicy` comes before the first key of a user; what it fails with is looked at in `facts`.
    fn changes(&self) -> fn(&Seen) -> bool {
        |seen| {
            let reads = |action: &str| action.starts_with("Get") || action.starts_with("List");
            let action = seen.action.as_deref();
            seen.method != Method::GET
                && !action.is_some_and(|action| reads(action) || action == "AttachUserPolicy")
        }
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(
            BackendKind::Iam,
            &self.server.endpoint,
            &self.server.region,
        ))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.server.endpoint, &self.server.region, pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        self.admin_call("CreateUser", &[("UserName", name.as_str())])
            .await;
        self.make_foreign_key(name).await
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        pair_of(
            &self
                .admin_call("CreateAccessKey", &[("UserName", name.as_str())])
                .await,
        )
    }

    /// Buckets are the account's; its admin opens them as the refusal says.
    async fn make_strangers_bucket(&self, bucket: &BucketName, open_to: Option<&Grantee>) {
        bucket_opened_by_tag(&self.driver, &self.root(), bucket, open_to).await;
    }

    async fn snapshot(&self, name: &UserName) -> String {
        let mut all = String::new();
        for action in [
            "GetUser",
            "ListAccessKeys",
            "ListUserPolicies",
            "ListAttachedUserPolicies",
        ] {
            // SeaweedFS knows no attached policies of its first administrator, and says that there is no such user.
            let (status, body) = self.ask(action, &[("UserName", name.as_str())]).await;
            writeln!(all, "{status} {}", timeless(&body)).unwrap();
        }
        all
    }

    fn admin(&self) -> UserName {
        UserName::new(&self.server.admin_uid)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.server.admin_secret_key.clone()]
    }
}

/// A user that is there and has no key, as its driver makes it.
async fn blank(store: &Store<impl Product>) -> NewUser {
    let user = fresh_user(store);
    store.driver.create_user(&user).await.unwrap();
    user
}
