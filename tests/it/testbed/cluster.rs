//! One real control plane for all tests of the process, with our definitions installed; a namespace of its own for each
//! test, and the operator's service account.

use super::{
    servers::{given, start},
    unique,
};
use gracekey::crdgen;
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, Resource,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{conditions::is_crd_established, wait::await_condition},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};
use tokio::{sync::OnceCell, time::Instant};

/// Nothing on an idle API server takes this long.
const LIMIT: Duration = Duration::from_secs(30);

/// A control plane: API server, etcd and the controllers that keep service accounts and collect garbage.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Kubeconfig of an admin.
    pub(crate) kubeconfig: PathBuf,
    kubectl: PathBuf,
}

/// The shared control plane: the one that `GRACEKEY_TEST_CLUSTER_ENV` names (a file as `testbed/control-plane` writes
/// it), else one of our own, which ends with this process. The definitions are installed.
pub(crate) async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let cluster = CLUSTER.get_or_init(|| {
        let env = given("GRACEKEY_TEST_CLUSTER_ENV").unwrap_or_else(|| start("control-plane"));
        let value = |name: &str| {
            env.get(name)
                .unwrap_or_else(|| panic!("the cluster's env lacks {name}"))
                .clone()
        };
        Cluster {
            kubeconfig: value("KUBECONFIG").into(),
            kubectl: value("KUBECTL").into(),
        }
    });
    INSTALLED.get_or_init(|| install(cluster)).await;
    cluster
}

async fn install(cluster: &Cluster) {
    let api = Api::<CustomResourceDefinition>::all(cluster.client().await);
    for crd in crdgen::crds().unwrap() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("testbed").force(), &Patch::Apply(&crd))
            .await
            .unwrap();
        let established = await_condition(api.clone(), &name, is_crd_established());
        tokio::time::timeout(LIMIT, established)
            .await
            .expect(&name)
            .unwrap();
    }
}

impl Cluster {
    /// A client with an admin's rights. It belongs to the runtime, and so to the test, that asks for it.
    pub(crate) async fn client(&self) -> Client {
        client(&self.kubeconfig).await
    }

    /// What kubectl prints, as an admin.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        output(&mut self.kubectl_with(args))
    }

    /// The same, where it may fail for a while.
    pub(crate) fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let run = self.kubectl_with(args).output().unwrap();
        if run.status.success() {
            Ok(String::from_utf8(run.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&run.stderr).into_owned())
        }
    }

    fn kubectl_with(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(args);
        command
    }
}

async fn client(kubeconfig: &Path) -> Client {
    // The first provider that is installed stays: every one is the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    // A test wants to see what the server says the first time.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// A namespace that no other test has.
#[derive(Clone)]
pub(crate) struct OwnNamespace {
    /// Its name.
    pub(crate) name: String,
    /// With an admin's rights.
    pub(crate) client: Client,
}

/// A fresh namespace on the shared cluster.
pub(crate) async fn namespace() -> OwnNamespace {
    let client = cluster().await.client().await;
    let (run, number) = unique();
    let name = format!("test-{run}-{number}");
    let namespace = object::<Namespace>(json!({ "metadata": { "name": name } }));
    Api::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    OwnNamespace { name, client }
}

impl OwnNamespace {
    /// Objects of one kind in it.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }
}

/// An object from its JSON.
pub(crate) fn object<K: DeserializeOwned>(json: Value) -> K {
    serde_json::from_value(json).unwrap()
}

/// Reads an object until the condition holds, and returns it. `what` completes "it never ...".
pub(crate) async fn until<K>(api: &Api<K>, name: &str, what: &str, condition: impl Fn(&K) -> bool) -> K
where
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    let deadline = Instant::now() + LIMIT;
    loop {
        let found = api.get_opt(name).await.unwrap();
        match found {
            Some(found) if condition(&found) => return found,
            found if Instant::now() > deadline => {
                panic!(
                    "{name}: it never {what} within {LIMIT:?}:\n{}",
                    serde_saphyr::to_string(&found).unwrap()
                )
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Waits until the object is gone.
pub(crate) async fn until_gone<K>(api: &Api<K>, name: &str)
where
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    let deadline = Instant::now() + LIMIT;
    while let Some(found) = api.get_opt(name).await.unwrap() {
        assert!(
            Instant::now() < deadline,
            "{name} is still there after {LIMIT:?}:\n{}",
            serde_saphyr::to_string(&found).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the operator is run as: a service account that the chart made, with the rights that the chart gives and no other.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    /// Kubeconfig with its token.
    pub(crate) kubeconfig: PathBuf,
}

/// The operator's service account on the shared cluster.
pub(crate) async fn operator() -> &'static Operator {
    static OPERATOR: OnceLock<Operator> = OnceLock::new();
    let cluster = cluster().await;
    OPERATOR.get_or_init(|| {
        let folder = cluster.kubeconfig.parent().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/operator");
        let mut rights = Command::new(script);
        rights
            .arg("rights")
            .arg(folder)
            .args(["--set", "crds.enabled=false"]);
        Operator {
            kubeconfig: output(&mut rights).trim().into(),
        }
    })
}

impl Operator {
    /// A client with its rights. It belongs to the runtime, and so to the test, that asks for it.
    pub(crate) async fn client(&self) -> Client {
        client(&self.kubeconfig).await
    }
}

/// What a program prints; it must succeed.
fn output(command: &mut Command) -> String {
    let run = command.output().unwrap();
    assert!(
        run.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

mod tests {
    use super::{Api, OwnNamespace, namespace, object, operator, until_gone};
    use gracekey::api::v1alpha1::ObjectUser;
    use k8s_openapi::api::{
        core::v1::{ConfigMap, Secret},
        rbac::v1::ClusterRole,
    };
    use kube::api::{DeleteParams, ListParams, PostParams};
    use serde_json::json;

    fn user() -> ObjectUser {
        let spec = json!({ "objectStoreRef": { "name": "prod" } });
        object(json!({ "metadata": { "name": "billing" }, "spec": spec }))
    }

    #[tokio::test]
    async fn an_operator_has_the_rights_of_the_chart_and_no_other() {
        let client = operator().await.client().await;
        let ours = OwnNamespace {
            client,
            ..namespace().await
        };
        let (create, list) = (PostParams::default(), ListParams::default());
        ours.api::<ObjectUser>().create(&create, &user()).await.unwrap();
        ours.api::<Secret>().list(&list).await.unwrap();
        let maps = ours.api::<ConfigMap>().list(&list).await.unwrap_err();
        let roles = Api::<ClusterRole>::all(ours.client)
            .list(&list)
            .await
            .unwrap_err();
        for refused in [maps, roles] {
            assert!(
                matches!(&refused, kube::Error::Api(status) if status.is_forbidden()),
                "{refused}"
            );
        }
    }

    #[tokio::test]
    async fn waiting_for_what_is_deleted_ends() {
        let users = namespace().await.api::<ObjectUser>();
        users.create(&PostParams::default(), &user()).await.unwrap();
        users.delete("billing", &DeleteParams::default()).await.unwrap();
        until_gone(&users, "billing").await;
    }
}
