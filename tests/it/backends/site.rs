//! Where a user lives: a running simulator or server, and what an `ObjectStore` has to say to reach it.

use crate::testbed::{
    FaultProxy, IamServer, Minio, S3, World,
    cluster::object,
    garage, keystone,
    world::{MANAGER, Setup, merge, user_name},
};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::{
        Driver, KeyPair,
        proof::{Proof, Prover},
        registry::{self, Parts},
    },
    domain::ids::{AccessKeyId, CredentialId},
};
use gracekey_simulators::{ecs, ontap, ostor, uptrends};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::{any::Any, collections::BTreeSet, fmt, sync::Arc, time::Duration};

/// A simulator or server that runs, and how to reach it.
pub(super) struct Site {
    /// `spec.backend`.
    backend: Value,
    /// What the admin Secret holds.
    admin: Value,
    /// `spec.s3.endpoint`; none where there is no S3.
    s3: Option<String>,
    /// Ends with this. A shared server outlives it.
    _simulator: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.backend)
    }
}

impl Site {
    pub(super) async fn ecs() -> Self {
        Self::ecs_where_secrets_take(Duration::ZERO).await
    }

    /// A new secret works so much later.
    pub(super) async fn ecs_where_secrets_take(new_key_lag: Duration) -> Self {
        let options = ecs::Options {
            new_key_lag,
            ..ecs::Options::default()
        };
        let ecs = ecs::Ecs::start(options).await;
        let root = ecs.root();
        Self {
            backend: json!({ "ecs": {
                "endpoint": ecs.url(), "namespace": ecs.namespace(), "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "username": root.user, "password": root.password }),
            s3: Some(ecs.s3_url()),
            _simulator: Box::new(ecs),
        }
    }

    /// The shared one.
    pub(super) fn keystone() -> Self {
        let keystone = keystone();
        Self {
            backend: json!({ "keystone": {
                "endpoint": format!("{}/v3", keystone.endpoint), "projectName": keystone.project,
                "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "username": keystone.admin, "password": keystone.password }),
            s3: Some(keystone.s3.clone()),
            _simulator: Box::new(()),
        }
    }

    /// `more`: what the member says beside address and credentials.
    pub(super) fn iam(server: &IamServer, more: Value) -> Self {
        let mut member = json!({
            "endpoint": server.endpoint, "policyArns": [server.policy_arn], "credentialsSecretRef": { "name": "admin" },
        });
        merge(&mut member, more);
        Self {
            backend: json!({ "iam": member }),
            admin: json!({ "accessKey": server.admin_access_key, "secretKey": server.admin_secret_key }),
            s3: Some(server.endpoint.clone()),
            _simulator: Box::new(()),
        }
    }

    pub(super) async fn ontap(version: ontap::Version) -> Self {
        let options = ontap::Options {
            version,
            unpoliced: ontap::Unpoliced::OwnBuckets,
            ..ontap::Options::default()
        };
        let ontap = ontap::Ontap::start(options).await;
        let admin = ontap.admin();
        Self {
            backend: json!({ "ontap": {
                "endpoint": ontap.url(), "svm": ontap.svm(), "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "username": admin.user, "password": admin.password }),
            s3: Some(ontap.s3_url()),
            _simulator: Box::new(ontap),
        }
    }

    pub(super) async fn ostor() -> Self {
        Self::ostor_with(ostor::Options::default()).await
    }

    pub(super) async fn ostor_with(options: ostor::Options) -> Self {
        let ostor = ostor::Ostor::start(options).await;
        let (id, secret) = ostor.system_key();
        Self {
            backend: json!({ "ostor": {
                "endpoint": ostor.url(), "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "accessKey": id, "secretKey": secret }),
            s3: Some(ostor.s3_url()),
            _simulator: Box::new(ostor),
        }
    }

    /// The shared server has users of other tests as well.
    pub(super) fn minio(server: &Minio) -> Self {
        Self {
            backend: json!({ "minio": {
                "endpoint": server.endpoint, "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "accessKey": server.admin_access_key, "secretKey": server.admin_secret_key }),
            s3: Some(server.endpoint.clone()),
            _simulator: Box::new(()),
        }
    }

    /// The real server.
    pub(super) fn garage() -> Self {
        let garage = garage();
        Self {
            backend: json!({ "garage": {
                "endpoint": garage.endpoint, "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "token": garage.admin_token }),
            s3: Some(garage.s3_endpoint.clone()),
            _simulator: Box::new(()),
        }
    }

    pub(super) async fn uptrends() -> Self {
        let uptrends = uptrends::Uptrends::start(uptrends::Options::default()).await;
        let admin = uptrends.admin();
        let endpoint = uptrends.url().trim_end_matches("/v4").to_owned();
        Self {
            backend: json!({ "uptrends": {
                "endpoint": endpoint, "operatorGuid": admin.operator_guid, "credentialsSecretRef": { "name": "admin" },
            } }),
            admin: json!({ "username": admin.user_name, "password": admin.password }),
            s3: None,
            _simulator: Box::new(uptrends),
        }
    }

    /// A world with a store named `store` on this, which is ready.
    pub(super) async fn world(&self) -> World {
        let world = World::without_store(Setup::default()).await;
        for half in ["password", "secretKey", "token"] {
            if let Some(half) = self.admin[half].as_str() {
                world.canaries.add(half);
            }
        }
        let admin: Secret = object(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "admin" }, "stringData": self.admin,
        }));
        let params = PatchParams::apply(MANAGER).force();
        let secrets = world.secrets();
        secrets
            .patch("admin", &params, &Patch::Apply(&admin))
            .await
            .unwrap();
        let mut backend = self.backend.clone();
        backend["ceph"] = Value::Null;
        let s3 = self
            .s3
            .as_ref()
            .map(|endpoint| json!({ "endpoint": endpoint, "region": "us-east-1" }));
        world
            .make_store("store", json!({ "backend": backend, "s3": s3 }))
            .await;
        world.until_store_ready("store").await;
        world
    }

    /// The same, where the member says this as well.
    pub(super) fn saying(mut self, more: &Value) -> Self {
        for member in self.backend.as_object_mut().unwrap().values_mut() {
            merge(member, more.clone());
        }
        self
    }

    /// The key that the operator signs with.
    pub(super) fn admin_pair(&self) -> KeyPair {
        let text = |key: &str| self.admin[key].as_str().unwrap().to_owned();
        let access_key_id = AccessKeyId::new(text("accessKey"));
        KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: text("secretKey").into(),
        }
    }

    /// Address of the admin API.
    pub(super) fn admin_url(&self) -> String {
        let mut members = self.backend.as_object().unwrap().values();
        members.next().unwrap()["endpoint"].as_str().unwrap().to_owned()
    }

    /// The same with this in front of the admin API.
    pub(super) fn behind(mut self, proxy: &FaultProxy) -> Self {
        for member in self.backend.as_object_mut().unwrap().values_mut() {
            member["endpoint"] = json!(proxy.url());
        }
        self
    }

    /// S3 as the holder of this key sees it.
    pub(super) fn s3_of(&self, pair: &KeyPair) -> S3 {
        S3::new(self.s3(), "us-east-1", pair)
    }

    /// Address that applications use.
    pub(super) fn s3(&self) -> &str {
        self.s3.as_ref().expect("this one has S3")
    }

    /// Whether the storage takes this key, by its own word.
    pub(super) async fn takes(&self, pair: &KeyPair) -> bool {
        match &self.s3 {
            Some(endpoint) => S3::new(endpoint, "us-east-1", pair).list_buckets().await.status == 200,
            None => matches!(self.prover().prove(pair).await, Proof::Accepted),
        }
    }

    fn spec(&self) -> ObjectStore {
        let s3 = self.s3.as_ref().map(|endpoint| json!({ "endpoint": endpoint }));
        object(json!({
            "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectStore", "metadata": { "name": "store" },
            "spec": { "backend": self.backend, "s3": s3 },
        }))
    }

    fn with_parts<T>(&self, make: impl FnOnce(&Parts<'_>) -> T) -> T {
        let admin = self.admin.as_object().unwrap().iter();
        let admin = admin.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned().into()));
        let (store, admin) = (self.spec(), admin.collect());
        make(&Parts::new(&store.spec, &admin, None))
    }

    /// The admin API, past the operator.
    pub(super) async fn driver(&self) -> Arc<dyn Driver> {
        let driver = self.with_parts(registry::driver).unwrap();
        driver.probe().await.unwrap();
        driver
    }

    /// Whoever is asked whether a key works.
    pub(super) fn prover(&self) -> Arc<dyn Prover> {
        self.with_parts(registry::prover)
            .unwrap()
            .expect("somebody can be asked")
    }

    /// Ids of all keys that the user has on the storage; `None`: there is no such user.
    pub(super) async fn keys(&self, user: &ObjectUser) -> Option<BTreeSet<String>> {
        let found = self.driver().await.find_user(&user_name(user)).await.unwrap()?;
        Some(found.credentials.iter().map(|key| key.id.to_string()).collect())
    }
}

/// Ids of the keys that status tells.
pub(super) fn told(user: &ObjectUser) -> BTreeSet<String> {
    let keys = user.status.iter().flat_map(|status| &status.credentials);
    keys.map(|key| key.id.clone()).collect()
}
