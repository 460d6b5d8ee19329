//! A node with the operator in a Pod, and users on it.

use crate::testbed::{S3, runs, unique, wait::until};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::KeyPair,
    domain::{condition, ids::CredentialId},
};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Images are loaded and Pods started on two busy cores.
pub(super) const LIMIT: Duration = Duration::from_mins(2);
pub(super) const READER: &str = "localhost/reader:test";

/// A node, a gateway that its Pods reach, and the operator.
#[derive(Debug)]
pub(super) struct Node {
    kubeconfig: PathBuf,
    pub(super) endpoint: String,
    region: String,
    admin: (String, String),
}

/// Starts everything by the scripts of the test bed, with this process as its owner.
pub(super) async fn start() -> Option<Node> {
    if !is_root() {
        println!("left out: a node needs root");
        return None;
    }
    let folder = runs().join(format!("node-{}", std::process::id()));
    let dir = folder.to_str().unwrap();
    let owner = std::process::id().to_string();
    let owned_by = ["--owner", &owner];
    let address = script("node", &[&["net", dir], &owned_by[..]].concat());
    script(
        "control-plane",
        &[&["up", dir, "--address", address.trim()], &owned_by[..]].concat(),
    );
    let ceph = format!("{dir}/ceph");
    script(
        "ceph",
        &[&["up", &ceph, "--address", address.trim()], &owned_by[..]].concat(),
    );
    let reader = reader_image(&folder);
    script("node", &[&["up", dir], &owned_by[..], &[&reader]].concat());
    script("operator", &["install", dir]);
    let env = read(&folder.join("ceph/env"));
    let node = Node {
        kubeconfig: folder.join("admin.kubeconfig"),
        endpoint: env["ENDPOINT"].clone(),
        region: env["REGION"].clone(),
        admin: (env["ADMIN_ACCESS_KEY"].clone(), env["ADMIN_SECRET_KEY"].clone()),
    };
    node.make_store().await;
    Some(node)
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// The reader in an image of its own.
fn reader_image(folder: &Path) -> String {
    let program = if IS_STATIC {
        PathBuf::from(env!("CARGO_BIN_EXE_reader"))
    } else {
        built_static("reader")
    };
    let image = folder.join("reader.tar");
    script(
        "image",
        &[READER, program.to_str().unwrap(), image.to_str().unwrap()],
    );
    image.to_str().unwrap().to_owned()
}

/// Programs that cargo built beside these tests can be put into images as they are, as by `make test`.
const IS_STATIC: bool = cfg!(target_feature = "crt-static");

/// Builds a program of this crate with the flags of `testbed/operator build`, so that both share what they are made of.
fn built_static(name: &str) -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let triple = "x86_64-unknown-linux-gnu";
    let built = afresh("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--bin",
            name,
            "--target",
            triple,
        ])
        .args(["--manifest-path", manifest])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .status();
    assert!(
        built.is_ok_and(|s| s.success()),
        "{name} was not built: see above"
    );
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join(triple).join("release").join(name)
}

/// A command without what cargo told this process of itself: for another cargo that would be a change, and a reason to
/// build most of it again.
fn afresh(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" && name != "CARGO_TARGET_DIR" {
            command.env_remove(name);
        }
    }
    command
}

fn script(name: &str, args: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed").join(name);
    let mut run = afresh(&path);
    if IS_STATIC {
        run.env("GRACEKEY_PROGRAM", env!("CARGO_BIN_EXE_gracekey"));
    }
    let run = run
        .args(args)
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "testbed/{name} {} failed: see above",
        args.join(" ")
    );
    String::from_utf8(run.stdout).unwrap()
}

fn read(env: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(env).unwrap();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

impl Node {
    pub(super) async fn client(&self) -> Client {
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let config = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let mut config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
            .await
            .unwrap();
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    async fn make_store(&self) {
        let client = self.client().await;
        create::<Namespace>(
            &Api::all(client.clone()),
            json!({"metadata": {"name": "storage"}}),
        )
        .await;
        let secret = json!({
            "metadata": {"name": "rgw-admin"},
            "stringData": {"accessKey": self.admin.0, "secretKey": self.admin.1},
        });
        create::<Secret>(&Api::namespaced(client.clone(), "storage"), secret).await;
        let stores = Api::<ObjectStore>::namespaced(client, "storage");
        let store = json!({
            "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectStore",
            "metadata": {"name": "prod"},
            "spec": {
                "backend": {"ceph": {"endpoint": self.endpoint, "credentialsSecretRef": {"name": "rgw-admin"}}},
                "s3": {"endpoint": self.endpoint, "region": self.region},
                "allowedNamespaces": {"from": "All"},
            },
        });
        create::<ObjectStore>(&stores, store).await;
        let ready = until(LIMIT, async || {
            let status = stores
                .get("prod")
                .await
                .map_err(|e| e.to_string())?
                .status
                .unwrap_or_default();
            condition::is_true(&status.conditions, "Ready")
                .then_some(())
                .ok_or(format!("{:?}", status.conditions))
        });
        ready.await.unwrap();
    }

    /// A namespace that enforces the restricted Pod security standard, with a user whose Secret is `app-s3` and an
    /// object in a bucket of its own. Returns the namespace and the object's path.
    pub(super) async fn make_user(&self, name: &str, grace: &str) -> (String, String) {
        let client = self.client().await;
        let namespace = format!("{name}-{}", unique().1);
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let object = json!({"metadata": {"name": namespace, "labels": labels}});
        create::<Namespace>(&Api::all(client.clone()), object).await;
        let user = json!({
            "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser",
            "metadata": {"name": "app"},
            "spec": {
                "objectStoreRef": {"name": "prod", "namespace": "storage"},
                "secret": {"name": "app-s3"},
                "rotation": {"gracePeriod": grace},
            },
        });
        create::<ObjectUser>(&Api::namespaced(client, &namespace), user).await;
        let key = self.published_after(&namespace, "").await;
        let s3 = self.s3(&key);
        let bucket = format!("{namespace}-data");
        s3.create_bucket(&bucket).await.expect_success();
        s3.put_object(&bucket, "object", b"content")
            .await
            .expect_success();
        (namespace, format!("/{bucket}/object"))
    }

    pub(super) fn admin_half(&self) -> &str {
        &self.admin.1
    }

    pub(super) fn s3(&self, key: &KeyPair) -> S3 {
        S3::new(&self.endpoint, &self.region, key)
    }

    /// Asks for a rotation and returns the key that is published then.
    pub(super) async fn rotate(&self, namespace: &str, token: &str, before: &KeyPair) -> KeyPair {
        let users = Api::<ObjectUser>::namespaced(self.client().await, namespace);
        let patch = json!({"metadata": {"annotations": {"gracekey.dev/rotate": token}}});
        users
            .patch("app", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
        self.published_after(namespace, before.access_key_id.as_str())
            .await
    }

    /// The published key, once it is another than this one.
    pub(super) async fn published_after(&self, namespace: &str, before: &str) -> KeyPair {
        let secrets = Api::<Secret>::namespaced(self.client().await, namespace);
        let users = Api::<ObjectUser>::namespaced(self.client().await, namespace);
        let found = until(LIMIT, async || {
            let secret = secrets.get_opt("app-s3").await.map_err(|e| e.to_string())?;
            let status = users
                .get("app")
                .await
                .map_err(|e| e.to_string())?
                .status
                .unwrap_or_default();
            let pair = secret.as_ref().and_then(pair);
            pair.filter(|p| p.access_key_id.as_str() != before)
                .ok_or(format!("{:?}", status.conditions))
        });
        found.await.unwrap()
    }
}

pub(super) async fn create<K>(api: &Api<K>, object: serde_json::Value)
where
    K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let object: K = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

fn pair(secret: &Secret) -> Option<KeyPair> {
    let text = |key| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    let id = gracekey::domain::ids::AccessKeyId::new(text("AWS_ACCESS_KEY_ID")?);
    Some(KeyPair {
        id: CredentialId::from(&id),
        access_key_id: id,
        secret: text("AWS_SECRET_ACCESS_KEY")?.into(),
    })
}
