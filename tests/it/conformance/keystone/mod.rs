//! The suite on a real Keystone, whose keys are proven on a real Ceph gateway that asks it.

use super::suite::{Subject, fresh_key_id, fresh_name, s3_prover};
use crate::testbed::{FaultProxy, Keystone, S3, keystone, proxy::Seen};
use async_trait::async_trait;
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Query, Reply, TlsOptions};
use gracekey::backend::keystone::{
    KeystoneConfig, KeystoneDriver,
    config::{CALL_LIMIT, TOKEN_AGE},
};
use gracekey::backend::proof::Prover;
use gracekey::backend::{BackendKind, Driver, KeyPair};
use gracekey::domain::ids::{AccessKeyId, CredentialId, UserName};
use gracekey::entropy::OsEntropy;
use http::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

mod facts;

conformance!(It);

struct It {
    server: &'static Keystone,
    proxy: FaultProxy,
    driver: KeystoneDriver,
}

impl It {
    fn config(&self) -> KeystoneConfig {
        config(self.server, &self.proxy.url())
    }

    /// A call by the admin, past driver and proxy.
    async fn admin_call(&self, method: Method, target: &str, body: Value) -> Value {
        let token = token(self.server).await;
        let reply = send(self.server, method, target, Some(&token), body).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(
            (200..300).contains(&reply.status),
            "{target}: {} {text}",
            reply.status
        );
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The user as the list shows it; null where there is none.
    async fn user(&self, name: &UserName) -> Value {
        let query = Query::new()
            .pair("name", name.as_str())
            .pair("domain_id", "default");
        let target = format!("/v3/users?{}", query.as_str());
        let mut found = self.admin_call(Method::GET, &target, Value::Null).await;
        found["users"][0].take()
    }

    async fn id_of(&self, name: &UserName) -> String {
        self.user(name).await["id"].as_str().unwrap().to_owned()
    }

    /// Gives a user a role on a project.
    async fn give(&self, project: &str, user: &str, role: &str) {
        let target = format!("/v3/projects/{project}/users/{user}/roles/{role}");
        self.admin_call(Method::PUT, &target, Value::Null).await;
    }

    /// A user with a password and this role on the admin's project, and a driver as which it logs in.
    async fn driver_of(&self, role: &str) -> Box<dyn Driver> {
        let name = fresh_name();
        let user =
            json!({ "user": { "name": name.as_str(), "domain_id": "default", "password": "pass-word-1" } });
        let made = self.admin_call(Method::POST, "/v3/users", user).await;
        let id = made["user"]["id"].as_str().unwrap();
        self.give(&self.server.admin_project_id, id, role).await;
        boxed(KeystoneConfig {
            username: name.as_str().to_owned(),
            password: "pass-word-1".into(),
            ..self.config()
        })
    }

    /// Makes a pair as `OpenStack`'s own tools do.
    async fn make_key(&self, user: &str, project: &str) -> KeyPair {
        let target = format!("/v3/users/{user}/credentials/OS-EC2");
        let made = self
            .admin_call(Method::POST, &target, json!({ "tenant_id": project }))
            .await;
        let text = |field: &str| made["credential"][field].as_str().unwrap().to_owned();
        let access_key_id = AccessKeyId::new(text("access"));
        KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: text("secret").into(),
        }
    }
}

/// One request to Keystone itself.
async fn send(server: &Keystone, method: Method, target: &str, token: Option<&str>, body: Value) -> Reply {
    let options = HttpOptions {
        tls: TlsOptions::default(),
        timeout: CALL_LIMIT,
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{}{target}", server.endpoint));
    if let Some(token) = token {
        request = request.header("x-auth-token", token);
    }
    let body = if body.is_null() {
        Vec::new()
    } else {
        request = request.header("content-type", "application/json");
        body.to_string().into_bytes()
    };
    let request = request.body(body).unwrap();
    HttpClient::new(&options).unwrap().send(request).await.unwrap()
}

/// A token of the admin, made once: no test ends it.
async fn token(server: &Keystone) -> String {
    static TOKEN: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let log_in = async || {
        let user = json!({
            "name": server.admin, "domain": { "name": "Default" }, "password": server.password,
        });
        let project = json!({ "name": server.admin_project, "domain": { "name": "Default" } });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": project },
        } });
        let reply = send(server, Method::POST, "/v3/auth/tokens", None, body).await;
        reply.header("x-subject-token").unwrap().to_owned()
    };
    TOKEN.get_or_init(log_in).await.clone()
}

fn config(server: &Keystone, url: &str) -> KeystoneConfig {
    KeystoneConfig {
        endpoint: Endpoint::parse(url).unwrap(),
        prefix: String::new(),
        username: server.admin.clone(),
        password: server.password.clone().into(),
        admin_project: server.admin_project.clone(),
        admin_domain: "Default".to_owned(),
        project: server.project.clone(),
        project_domain: "Default".to_owned(),
        user_domain: "Default".to_owned(),
        role: "member".to_owned(),
        tls: TlsOptions::default(),
        call_limit: CALL_LIMIT,
        token_age: TOKEN_AGE,
        entropy: Arc::new(OsEntropy),
    }
}

fn boxed(config: KeystoneConfig) -> Box<dyn Driver> {
    Box::new(KeystoneDriver::new(config).unwrap())
}

#[async_trait]
impl Subject for It {
    async fn start() -> Self {
        let server = keystone();
        let proxy = FaultProxy::start(&server.endpoint, None).await;
        let driver = KeystoneDriver::new(config(server, &proxy.url())).unwrap();
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
        let wrong = KeystoneConfig {
            password: "wrong".into(),
            ..self.config()
        };
        let nobody = KeystoneConfig {
            username: fresh_key_id().as_str().to_owned(),
            ..self.config()
        };
        let elsewhere = KeystoneConfig {
            admin_project: self.server.project.clone(),
            ..self.config()
        };
        vec![
            ("wrong password", boxed(wrong)),
            ("unknown user", boxed(nobody)),
            ("a project without its role", boxed(elsewhere)),
            ("a mere member", self.driver_of(&self.server.member_role_id).await),
        ]
    }

    fn driver_with_limit(&self, limit: Duration) -> Box<dyn Driver> {
        boxed(KeystoneConfig {
            call_limit: limit,
            ..self.config()
        })
    }

    fn driver_to_nowhere(&self) -> Box<dyn Driver> {
        // Port 1 is below every range that anything here listens in.
        boxed(KeystoneConfig {
            endpoint: Endpoint::parse("http://127.0.0.1:1").unwrap(),
            ..self.config()
        })
    }

    /// A login changes nothing that anybody looks at.
    fn changes(&self) -> fn(&Seen) -> bool {
        |seen| seen.method != Method::GET && seen.target != "/v3/auth/tokens"
    }

    fn prover(&self) -> Option<Box<dyn Prover>> {
        Some(s3_prover(
            BackendKind::Keystone,
            &self.server.s3,
            &self.server.region,
        ))
    }

    fn s3(&self, pair: &KeyPair) -> Option<S3> {
        Some(S3::new(&self.server.s3, &self.server.region, pair))
    }

    async fn make_foreign_user(&self, name: &UserName) -> KeyPair {
        let user =
            json!({ "user": { "name": name.as_str(), "domain_id": "default", "email": "a@example.com" } });
        let made = self.admin_call(Method::POST, "/v3/users", user).await;
        let id = made["user"]["id"].as_str().unwrap();
        self.give(&self.server.project_id, id, &self.server.member_role_id)
            .await;
        self.make_key(id, &self.server.project_id).await
    }

    async fn make_foreign_key(&self, name: &UserName) -> KeyPair {
        let id = self.id_of(name).await;
        self.make_key(&id, &self.server.project_id).await
    }

    async fn snapshot(&self, name: &UserName) -> String {
        let user = self.user(name).await;
        let Some(id) = user["id"].as_str() else {
            return "absent".to_owned();
        };
        let keys = format!("/v3/users/{id}/credentials/OS-EC2");
        let rights = format!("/v3/role_assignments?user.id={id}");
        let mut all = vec![user.clone()];
        for (target, list) in [(keys, "credentials"), (rights, "role_assignments")] {
            let mut found = self.admin_call(Method::GET, &target, Value::Null).await;
            let list: Vec<Value> = serde_json::from_value(found[list].take()).unwrap();
            let mut texts: Vec<_> = list.iter().map(Value::to_string).collect();
            texts.sort();
            all.push(json!(texts));
        }
        json!(all).to_string()
    }

    fn admin(&self) -> UserName {
        UserName::new(&self.server.admin)
    }

    fn canaries(&self) -> Vec<String> {
        vec![self.server.password.clone()]
    }
}
