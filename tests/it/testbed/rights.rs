//! The rights of an operator: those that the chart gives, rendered by the real Helm, and no others.

use super::cluster::{Cluster, OwnNamespace};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
    discovery::ApiResource,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

/// Name of the release, and so of its service account.
const RELEASE: &str = "gracekey";

/// What was installed for one operator.
#[derive(Debug)]
pub(crate) struct Rights {
    /// Token of the service account.
    pub(crate) token: String,
    objects: Vec<DynamicObject>,
}

impl Rights {
    /// Rights of an operator that lives in the first namespace and looks after all of them; after the whole cluster
    /// if there is no second argument.
    pub(crate) async fn install(home: &OwnNamespace, watched: Option<&[String]>) -> Self {
        let objects = rendered(&home.name, watched);
        for object in &objects {
            let name = object.metadata.name.clone().unwrap();
            let params = PatchParams::apply("testbed").force();
            api(home, object)
                .patch(&name, &params, &Patch::Apply(object))
                .await
                .unwrap();
        }
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(86_400),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let accounts: Api<ServiceAccount> = home.api();
        let made = accounts
            .create_token_request(RELEASE, &PostParams::default(), &request)
            .await;
        let token = made.unwrap().status.unwrap().token.unwrap();
        Self { token, objects }
    }

    /// Takes everything back that would outlive the operator's namespace.
    pub(crate) async fn remove(&self, home: &OwnNamespace) {
        for object in &self.objects {
            if object.metadata.namespace.as_ref() != Some(&home.name) {
                let name = object.metadata.name.clone().unwrap();
                // Gone already: fine.
                drop(api(home, object).delete(&name, &DeleteParams::default()).await);
            }
        }
    }
}

/// A kubeconfig with this token, for the API server at `server` if given, else for the cluster's own address.
pub(crate) fn kubeconfig(cluster: &Cluster, token: &str, server: Option<&str>) -> String {
    let text = std::fs::read_to_string(&cluster.kubeconfig).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["users"][0]["user"] = json!({ "token": token });
    if let Some(server) = server {
        config["clusters"][0]["cluster"] = json!({ "server": server });
    }
    serde_saphyr::to_string(&config).unwrap()
}

fn api(home: &OwnNamespace, object: &DynamicObject) -> Api<DynamicObject> {
    let types = object.types.as_ref().unwrap();
    let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(types).unwrap());
    match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(home.client.clone(), namespace, &kind),
        None => Api::all_with(home.client.clone(), &kind),
    }
}

/// The service account of the chart, its roles and their bindings. Each world has namespaces of its own, and Helm takes a fifth
/// of a second: it is asked once for each pattern of them, and the names are put in afterwards.
fn rendered(home: &str, watched: Option<&[String]>) -> Vec<DynamicObject> {
    static TEXTS: Mutex<BTreeMap<Option<Vec<usize>>, String>> = Mutex::new(BTreeMap::new());
    let mut names = vec![home];
    let pattern = watched.map(|watched| {
        let place = |name| {
            names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        };
        watched.iter().map(String::as_str).map(place).collect::<Vec<_>>()
    });
    let stand_in = |place: usize| format!("stand-in-{place}-for-a-namespace");
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let text = texts.entry(pattern.clone()).or_insert_with(|| {
        let watched: Option<Vec<String>> = pattern.map(|places| places.into_iter().map(stand_in).collect());
        helm_template(&stand_in(0), watched.as_deref())
    });
    let text_of_these = names
        .iter()
        .enumerate()
        .fold(text.clone(), |text, (place, name)| {
            text.replace(&stand_in(place), name)
        });
    drop(texts);
    rights_in(&text_of_these)
}

fn helm_template(home: &str, watched: Option<&[String]>) -> String {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/gracekey");
    let run = Command::new(helm())
        .args(["template", RELEASE])
        .arg(chart)
        .args(["--namespace", home])
        .args(watched.map(|names| format!("--set=watchNamespaces={{{}}}", names.join(","))))
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "helm: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

fn rights_in(text: &str) -> Vec<DynamicObject> {
    let rights = [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
    ];
    let documents = text
        .split("\n---")
        .filter(|document| document.lines().any(|l| !l.starts_with('#') && !l.is_empty()));
    let objects: Vec<DynamicObject> = documents
        .filter(|document| {
            let kind = document.lines().find_map(|line| line.strip_prefix("kind: "));
            kind.is_some_and(|kind| rights.contains(&kind.trim()))
        })
        .map(|document| {
            serde_saphyr::from_str(document.trim_start_matches("---"))
                .unwrap_or_else(|e| panic!("{e}:\n{document}"))
        })
        .collect();
    // Roles for people are of no use here.
    objects
        .into_iter()
        .filter(|o: &DynamicObject| !o.metadata.name.as_ref().unwrap().contains("aggregate"))
        .collect()
}

/// The real Helm, from the cache of the test bed.
pub(crate) fn helm() -> &'static Path {
    static HELM: OnceLock<PathBuf> = OnceLock::new();
    HELM.get_or_init(|| {
        let get = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/get");
        let run = Command::new(&get).arg("helm").output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{} helm: {said}", get.display());
        Path::new(String::from_utf8(run.stdout).unwrap().trim()).join("bin/helm")
    })
}

#[test]
fn names_put_in_afterwards_are_as_good_as_those_that_helm_was_given() {
    for watched in [None, Some(["other", "home"].map(String::from).to_vec())] {
        let put_in = rendered("home", watched.as_deref());
        let given = rights_in(&helm_template("home", watched.as_deref()));
        assert!(given.len() > 2, "{given:?}");
        assert_eq!(put_in, given);
    }
}
