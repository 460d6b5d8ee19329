//! The control plane and the gateway that everything is measured against, made by the scripts of the test bed.

use crate::Outcome;
use kube::{
    Client,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Running servers. They end with this process, however it ends, and their folder is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Bed {
    dir: PathBuf,
    /// What the gateway's `env` says.
    pub(crate) ceph: BTreeMap<String, String>,
}

impl Bed {
    pub(crate) fn up() -> Outcome<Self> {
        let dir = std::env::temp_dir().join(format!("gracekey-bench-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        let mut bed = Self {
            dir,
            ceph: BTreeMap::new(),
        };
        let owner = std::process::id().to_string();
        let part = |name: &str| bed.dir.join(name).display().to_string();
        script("control-plane", &["up", &part("kubernetes"), "--owner", &owner])?;
        script("ceph", &["up", &part("ceph"), "--owner", &owner])?;
        // The chart's definitions and rights, without its Pod.
        script("operator", &["rights", &part("kubernetes")])?;
        bed.ceph = env_file(&bed.dir.join("ceph/env"))?;
        Ok(bed)
    }

    /// What the servers write to.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The kubeconfig with the rights that the chart gives the operator.
    pub(crate) fn operator_kubeconfig(&self) -> PathBuf {
        self.path("kubernetes/operator.kubeconfig")
    }

    /// One of the gateway's settings.
    pub(crate) fn ceph(&self, key: &str) -> &str {
        self.ceph.get(key).map_or("", String::as_str)
    }

    /// A client with all rights.
    pub(crate) async fn admin(&self) -> Outcome<Client> {
        client(&self.path("kubernetes/admin.kubeconfig")).await
    }

    /// A client with the operator's rights.
    pub(crate) async fn as_operator(&self) -> Outcome<Client> {
        client(&self.operator_kubeconfig()).await
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for (name, part) in [("ceph", "ceph"), ("control-plane", "kubernetes")] {
            let dir = self.dir.join(part).display().to_string();
            drop(script(name, &["down", &dir, "--purge"]));
        }
        drop(fs::remove_dir_all(&self.dir));
    }
}

async fn client(kubeconfig: &Path) -> Outcome<Client> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

fn script(name: &str, arguments: &[&str]) -> Outcome<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed").join(name);
    let status = Command::new(&path).args(arguments).status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{} {} failed ({status})", path.display(), arguments.join(" ")).into())
}

/// Lines `KEY=VALUE`.
fn env_file(path: &Path) -> Outcome<BTreeMap<String, String>> {
    let text = fs::read_to_string(path)?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}
