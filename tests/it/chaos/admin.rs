//! The gateway's administrator, at work beside the operator.

use crate::testbed::Gateway;
use gracekey::{
    backend::http::{Endpoint, HttpClient, HttpOptions, Signer, TlsOptions},
    domain::ids::AccessKeyId,
};
use http::Method;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// Asks the Admin Ops API whatever it likes.
#[derive(Debug)]
pub(super) struct Admin {
    endpoint: Endpoint,
    signer: Signer,
    http: HttpClient,
}

impl Admin {
    pub(super) fn of(gateway: &Gateway) -> Self {
        Self::with(
            &gateway.endpoint,
            &gateway.admin_access_key,
            &gateway.admin_secret_key,
        )
    }

    pub(super) fn with(endpoint: &str, access_key: &str, secret_key: &str) -> Self {
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: Duration::from_secs(40),
        };
        Self {
            endpoint: Endpoint::parse(endpoint).unwrap(),
            signer: Signer::new(
                AccessKeyId::new(access_key),
                secret_key.to_owned().into(),
                "us-east-1",
            ),
            http: HttpClient::new(&options).unwrap(),
        }
    }

    /// Status and body; `query` is encoded already.
    pub(super) async fn ask(&self, method: Method, query: &str) -> (u16, Value) {
        self.try_ask(method, query)
            .await
            .unwrap_or_else(|e| panic!("{e}"))
    }

    /// The same of a gateway that may be away.
    pub(super) async fn try_ask(&self, method: Method, query: &str) -> Result<(u16, Value), String> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.endpoint.at(&format!("/admin/user?{query}")))
            .body(Vec::new())
            .unwrap();
        self.signer.sign(&mut request).unwrap();
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|e| format!("{query}: {e:?}"))?;
        Ok((
            reply.status,
            serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
        ))
    }

    /// What has to succeed.
    pub(super) async fn done(&self, method: Method, query: &str) -> Value {
        let (status, body) = self.ask(method, query).await;
        assert_eq!(status, 200, "{query}: {body}");
        body
    }

    /// A user as it is, secrets and all.
    pub(super) async fn user(&self, uid: &str) -> Option<Value> {
        let (status, body) = self.ask(Method::GET, &format!("uid={uid}")).await;
        (status == 200).then_some(body)
    }

    /// Ids of the keys of a user; none if there is no such user.
    pub(super) async fn keys(&self, uid: &str) -> BTreeSet<String> {
        let user = self.user(uid).await.unwrap_or_default();
        let keys = user["keys"].as_array().cloned().unwrap_or_default();
        keys.iter()
            .map(|key| key["access_key"].as_str().unwrap().to_owned())
            .collect()
    }
}
