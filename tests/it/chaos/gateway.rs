//! A gateway of a test's own, which may go away.

use super::admin::Admin;
use crate::testbed::{World, runs, unique};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// A real gateway that only one test uses; it ends when dropped, and at the latest with this process.
#[derive(Debug)]
pub(super) struct OwnGateway {
    folder: PathBuf,
    env: BTreeMap<String, String>,
}

impl OwnGateway {
    pub(super) async fn start() -> Self {
        let (process, (_, number)) = (std::process::id(), unique());
        let folder = runs().join(format!("ceph-{number}-{process}"));
        let mut own = Self {
            folder,
            env: BTreeMap::new(),
        };
        let owner = process.to_string();
        own.run("up", &["--owner", &owner]).await;
        own.read();
        own
    }

    /// `testbed/ceph`, without holding up others on this thread.
    async fn run(&self, command: &str, more: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/ceph");
        let mut run = Command::new(script);
        run.arg(command).arg(&self.folder).args(more);
        let status = tokio::task::spawn_blocking(move || run.status()).await.unwrap();
        assert!(
            status.unwrap().success(),
            "testbed/ceph {command} failed: see its messages above"
        );
    }

    fn read(&mut self) {
        let text = std::fs::read_to_string(self.folder.join("env")).unwrap();
        let lines = text.lines().filter_map(|line| line.split_once('='));
        self.env = lines
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
    }

    fn value(&self, name: &str) -> &str {
        self.env
            .get(name)
            .unwrap_or_else(|| panic!("the gateway's env lacks {name}"))
    }

    pub(super) fn endpoint(&self) -> &str {
        self.value("ENDPOINT")
    }

    pub(super) fn admin(&self) -> Admin {
        Admin::with(
            self.endpoint(),
            self.value("ADMIN_ACCESS_KEY"),
            self.value("ADMIN_SECRET_KEY"),
        )
    }

    /// Stops as a gateway stops that is upgraded.
    pub(super) async fn stop(&self) {
        self.run("stop-gateway", &[]).await;
    }

    /// The same gateway again, with its data.
    pub(super) async fn start_again(&mut self) {
        self.run("start-gateway", &[]).await;
        self.read();
    }

    /// SIGSTOP: it takes connections and never answers.
    pub(super) fn hang(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub(super) fn wake(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.value("RADOSGW_PID");
        let run = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", name, pid])
            .status();
        assert!(run.unwrap().success(), "the signal {name} was not sent");
    }

    /// Makes a store of this name on it, with an admin Secret of its own.
    pub(super) async fn make_store(&self, world: &World, name: &str) {
        let (secret, params) = (format!("{name}-admin"), PatchParams::apply("testbed").force());
        let admin = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": secret },
            "stringData": { "accessKey": self.value("ADMIN_ACCESS_KEY"), "secretKey": self.value("ADMIN_SECRET_KEY") },
        });
        world
            .secrets()
            .patch(&secret, &params, &Patch::Apply(&admin))
            .await
            .unwrap();
        let endpoint = self.endpoint();
        let spec = json!({
            "backend": { "ceph": { "endpoint": endpoint, "credentialsSecretRef": { "name": secret } } },
            "s3": { "endpoint": endpoint },
        });
        world.make_store(name, spec).await;
        world.until_store_ready(name).await;
    }
}

impl Drop for OwnGateway {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/ceph");
        drop(
            Command::new(script)
                .arg("down")
                .arg(&self.folder)
                .arg("--purge")
                .status(),
        );
    }
}
