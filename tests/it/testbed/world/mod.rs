//! The world of one test: namespaces of its own, an operator that looks after these alone, a store on the real
//! gateway, and users.

use super::{
    Canaries, FaultProxy, Gateway, Launch, Operator, Probe, S3, Statuses,
    cluster::{Cluster, OwnNamespace, cluster, namespace, object},
    gateway,
    rights::{Rights, kubeconfig},
};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::KeyPair,
};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use std::{fmt, fs, path::PathBuf, sync::Mutex, time::Duration};

mod backend;
mod finish;
mod read;
mod until;

pub(crate) use backend::user_name;
pub(crate) use read::{current, handled, is_settled, merge, message, pair_of, reason, retiring};

/// Nothing that the operator does by itself takes this long on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Whose writes those of the tests are, by the word of the objects.
pub(crate) const MANAGER: &str = "testbed";

fn as_tests() -> PostParams {
    PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    }
}

/// What a world is made of, where it is not the usual.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// How many namespaces the operator looks after.
    pub(crate) namespaces: usize,
    /// The operator has its rights in the whole cluster, and so keeps them while a namespace is being deleted.
    pub(crate) cluster_rights: bool,
    /// The operator talks to the API server through a fault proxy.
    pub(crate) proxy_kubernetes: bool,
    /// The operator and its proofs talk to the gateway through a fault proxy.
    pub(crate) proxy_gateway: bool,
    /// More arguments of `gracekey run`.
    pub(crate) args: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            namespaces: 1,
            cluster_rights: false,
            proxy_kubernetes: false,
            proxy_gateway: false,
            args: Vec::new(),
        }
    }
}

/// The world of one test.
pub(crate) struct World {
    pub(crate) cluster: &'static Cluster,
    pub(crate) gateway: &'static Gateway,
    /// The operator lives in the first.
    pub(crate) namespaces: Vec<OwnNamespace>,
    /// Which of them everything here is about.
    pub(crate) here: usize,
    pub(crate) operator: Operator,
    pub(crate) canaries: Canaries,
    statuses: Statuses,
    /// In front of the API server, for the operator alone.
    pub(crate) kubernetes_proxy: Option<FaultProxy>,
    /// In front of the gateway, for the operator alone.
    pub(crate) gateway_proxy: Option<FaultProxy>,
    launch: Launch,
    /// Of further operators.
    other_logs: Mutex<Vec<PathBuf>>,
    rights: Rights,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World({})", self.home().name)
    }
}

impl World {
    /// A namespace, an operator, and a store named `store` that is ready and has no initial user.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// The same as told.
    pub(crate) async fn with(setup: Setup) -> Self {
        let world = Self::without_store(setup).await;
        world.make_store("store", json!({})).await;
        world.until_store_ready("store").await;
        world
    }

    /// The same without a store.
    pub(crate) async fn without_store(setup: Setup) -> Self {
        let (cluster, gateway) = (cluster().await, gateway());
        let mut namespaces = Vec::new();
        for _ in 0..setup.namespaces {
            namespaces.push(namespace().await);
        }
        let mut canaries = Canaries::default();
        let mut statuses = Statuses::default();
        for namespace in &namespaces {
            canaries.watch(namespace);
            statuses.watch(namespace);
        }
        canaries.add(&gateway.admin_secret_key);
        let kubernetes_proxy = if setup.proxy_kubernetes {
            let (server, ca) = read::server_of(cluster);
            Some(FaultProxy::start(&server, Some(&ca)).await)
        } else {
            None
        };
        let gateway_proxy = if setup.proxy_gateway {
            Some(FaultProxy::start(&gateway.endpoint, None).await)
        } else {
            None
        };
        let watched: Vec<String> = namespaces.iter().map(|n| n.name.clone()).collect();
        let rights = Rights::install(&namespaces[0], (!setup.cluster_rights).then_some(&watched)).await;
        let server = kubernetes_proxy.as_ref().map(FaultProxy::url);
        let file = |ending: &str| {
            cluster
                .kubeconfig
                .with_file_name(format!("{}.{ending}", watched[0]))
        };
        let launch = Launch {
            kubeconfig: file("kubeconfig"),
            log: file("log"),
            args: [
                vec!["--watch-namespace".to_owned(), watched.join(",")],
                setup.args,
            ]
            .concat(),
            env: Vec::new(),
        };
        fs::write(
            &launch.kubeconfig,
            kubeconfig(cluster, &rights.token, server.as_deref()),
        )
        .unwrap();
        let operator = Operator::start(launch.clone()).await;
        Self {
            cluster,
            gateway,
            namespaces,
            here: 0,
            operator,
            canaries,
            statuses,
            kubernetes_proxy,
            gateway_proxy,
            launch,
            other_logs: Mutex::default(),
            rights,
        }
    }

    /// One more operator over the same namespaces. Nothing but the lease keeps two of them apart.
    pub(crate) async fn another_operator(&self, name: &str, args: &[&str]) -> Operator {
        let mut launch = self.launch.clone();
        launch.log.set_extension(format!("{name}.log"));
        launch.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self.other_logs.lock().unwrap().push(launch.log.clone());
        Operator::start(launch).await
    }

    /// The namespace that everything here is about: the first, unless told otherwise.
    pub(crate) fn home(&self) -> &OwnNamespace {
        &self.namespaces[self.here]
    }

    pub(crate) fn stores(&self) -> Api<ObjectStore> {
        self.home().api()
    }

    pub(crate) fn users(&self) -> Api<ObjectUser> {
        self.home().api()
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        self.home().api()
    }

    /// Where the operator reaches the gateway.
    pub(crate) fn admin_endpoint(&self) -> String {
        self.gateway_proxy
            .as_ref()
            .map_or_else(|| self.gateway.endpoint.clone(), FaultProxy::url)
    }

    /// Makes the admin Secret and an `ObjectStore` on the gateway, with this merged into its spec.
    pub(crate) async fn make_store(&self, name: &str, spec: Value) {
        self.make_admin_secret().await;
        let endpoint = self.admin_endpoint();
        let mut store = json!({
            "metadata": { "name": name },
            "spec": {
                "backend": { "ceph": { "endpoint": endpoint, "credentialsSecretRef": { "name": "rgw-admin" } } },
                "s3": { "endpoint": endpoint, "region": self.gateway.region },
                "initialUser": { "create": false },
            },
        });
        merge(&mut store["spec"], spec);
        self.stores().create(&as_tests(), &object(store)).await.unwrap();
    }

    /// Makes or restores the Secret `rgw-admin` with the gateway's admin key.
    pub(crate) async fn make_admin_secret(&self) {
        let admin: Secret = object(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "rgw-admin" },
            "stringData": { "accessKey": self.gateway.admin_access_key, "secretKey": self.gateway.admin_secret_key },
        }));
        let params = PatchParams::apply(MANAGER).force();
        self.secrets()
            .patch("rgw-admin", &params, &Patch::Apply(&admin))
            .await
            .unwrap();
    }

    /// Makes an `ObjectUser` on the store `store`, with this merged into its metadata and spec.
    pub(crate) async fn make_user(&self, name: &str, more: Value) -> ObjectUser {
        self.make_user_in(self.home(), name, more).await
    }

    /// The same in another namespace.
    pub(crate) async fn make_user_in(&self, namespace: &OwnNamespace, name: &str, more: Value) -> ObjectUser {
        let mut user = json!({
            "metadata": { "name": name },
            "spec": { "objectStoreRef": { "name": "store" } },
        });
        merge(&mut user, more);
        namespace.api().create(&as_tests(), &object(user)).await.unwrap()
    }

    /// Makes a user and waits until it is ready.
    pub(crate) async fn ready_user(&self, name: &str, more: Value) -> ObjectUser {
        self.make_user(name, more).await;
        self.until_settled(name).await
    }

    /// Merges this into a user (as `kubectl patch --type merge`).
    pub(crate) async fn patch_user(&self, name: &str, patch: Value) -> ObjectUser {
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.users()
            .patch(name, &params, &Patch::Merge(&patch))
            .await
            .unwrap()
    }

    /// Sets or, with `null`, removes an annotation of a user.
    pub(crate) async fn annotate(&self, name: &str, annotation: &str, value: Value) -> ObjectUser {
        self.patch_user(
            name,
            json!({ "metadata": { "annotations": { annotation: value } } }),
        )
        .await
    }

    /// Asks for a rotation.
    pub(crate) async fn rotate(&self, name: &str, token: &str) -> ObjectUser {
        self.annotate(name, "gracekey.dev/rotate", json!(token)).await
    }

    pub(crate) async fn user(&self, name: &str) -> ObjectUser {
        self.users().get(name).await.unwrap()
    }

    pub(crate) async fn secret(&self, name: &str) -> Secret {
        self.secrets().get(name).await.unwrap()
    }

    /// The key that a Secret holds.
    pub(crate) async fn pair(&self, secret: &str) -> KeyPair {
        pair_of(&self.secret(secret).await).expect("the Secret holds a key")
    }

    /// The gateway as the holder of this key sees it, past any proxy.
    pub(crate) fn s3(&self, pair: &KeyPair) -> S3 {
        S3::new(&self.gateway.endpoint, &self.gateway.region, pair)
    }

    /// Whether S3 accepts a key.
    pub(crate) async fn works(&self, pair: &KeyPair) -> bool {
        self.s3(pair).list_buckets().await.status == 200
    }

    /// An application that uses this Secret from now on.
    pub(crate) fn probe(&self, secret: &str) -> Probe {
        Probe::start(self.home(), secret, &self.gateway.endpoint)
    }

    /// One that was started before, with this key.
    pub(crate) fn probe_with(&self, pair: KeyPair) -> Probe {
        Probe::with(pair, &self.gateway.endpoint)
    }

    pub(crate) async fn delete_user(&self, name: &str) {
        self.users().delete(name, &DeleteParams::default()).await.unwrap();
    }
}
