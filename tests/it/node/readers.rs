//! Applications on the node: put there, restarted, and asked how they fared.

use super::{
    operator,
    pods::{LIMIT, Node, READER, create},
};
use crate::testbed::wait::until;
use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use gracekey::{
    backend::KeyPair,
    clock::{Clock as _, SystemClock},
};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, LogParams, Patch, PatchParams},
};
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// How often a reader reads, by its own source.
const PACE: Duration = Duration::from_millis(100);

/// The log of a Pod, read to its end, even when the Pod is gone by then.
#[derive(Debug)]
pub(super) struct Follower {
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinSet<()>,
}

impl Follower {
    /// What the Pod printed from its first line to its end, which must come.
    pub(super) async fn until_it_ends(mut self) -> Vec<String> {
        let ended = tokio::time::timeout(LIMIT, self.task.join_next()).await;
        ended.expect("the Pod has not ended").unwrap().unwrap();
        self.lines.lock().unwrap().clone()
    }
}

/// Fails the test at the first refusal; returns how many reads there were.
#[track_caller]
pub(super) fn assert_served(lines: &[String]) -> u32 {
    let refused: Vec<&String> = lines.iter().filter(|line| line.starts_with("refused ")).collect();
    assert!(
        refused.is_empty(),
        "{} refused requests, the first: {:?}",
        refused.len(),
        refused.first()
    );
    reads(lines).expect("the reader reported nothing")
}

/// By the last line of counts.
fn reads(lines: &[String]) -> Option<u32> {
    let last = lines.iter().rev().find_map(|line| line.strip_prefix("reads="))?;
    last.split(' ').next()?.parse().ok()
}

impl Node {
    /// A Deployment of one reader that takes its key from the Secret, mounted or by `envFrom`.
    pub(super) async fn deploy_reader(&self, namespace: &str, object: &str, mounted: bool) {
        let deployments = Api::<Deployment>::namespaced(self.client().await, namespace);
        create::<Deployment>(&deployments, reader(object, mounted)).await;
        self.rolled_out(namespace).await;
    }

    /// As `kubectl rollout restart`.
    pub(super) async fn restart_reader(&self, namespace: &str, stamp: &str) {
        let deployments = Api::<Deployment>::namespaced(self.client().await, namespace);
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": stamp});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        deployments
            .patch("reader", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
        self.rolled_out(namespace).await;
    }

    async fn rolled_out(&self, namespace: &str) {
        let deployments = Api::<Deployment>::namespaced(self.client().await, namespace);
        let done = until(LIMIT, async || {
            let found = deployments.get("reader").await.map_err(|e| e.to_string())?;
            let status = found.status.clone().unwrap_or_default();
            let current = status.observed_generation == found.metadata.generation;
            let settled = current && status.updated_replicas == Some(1) && status.replicas == Some(1);
            (settled && status.available_replicas == Some(1))
                .then_some(())
                .ok_or(format!("{status:?}"))
        });
        done.await.unwrap();
    }

    /// The Pods of readers that are not on their way out.
    async fn readers(&self, namespace: &str) -> Result<Vec<Pod>, String> {
        let pods = Api::<Pod>::namespaced(self.client().await, namespace);
        let all = pods.list(&ListParams::default().labels("app=reader")).await;
        let all = all.map_err(|e| e.to_string())?.items;
        let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(all.into_iter().filter(stays).collect())
    }

    /// The one reader that there is.
    async fn only_reader(&self, namespace: &str) -> Pod {
        let mut pods = self.readers(namespace).await.unwrap();
        assert_eq!(pods.len(), 1, "one reader");
        pods.remove(0)
    }

    /// Follows the log of the one reader that there is.
    pub(super) async fn follow_reader(&self, namespace: &str) -> Follower {
        let name = self.only_reader(namespace).await.name_any();
        let pods = Api::<Pod>::namespaced(self.client().await, namespace);
        let follow = LogParams {
            follow: true,
            ..LogParams::default()
        };
        let mut log = pods.log_stream(&name, &follow).await.unwrap().lines();
        let (lines, mut task) = (Arc::new(Mutex::new(Vec::new())), JoinSet::new());
        let out = Arc::clone(&lines);
        task.spawn(async move {
            while let Some(line) = log.try_next().await.unwrap() {
                out.lock().unwrap().push(line);
            }
        });
        Follower { lines, task }
    }

    /// Lines of the readers' logs, as far as these can be read; a refusal fails the test at once.
    async fn lines(&self, namespace: &str) -> Result<Vec<String>, String> {
        let pods = Api::<Pod>::namespaced(self.client().await, namespace);
        let mut lines = Vec::new();
        for pod in self.readers(namespace).await? {
            let log = pods.logs(&pod.name_any(), &LogParams::default()).await;
            let log = log.map_err(|e| format!("the log of {}: {e}", pod.name_any()))?;
            lines.extend(log.lines().map(str::to_owned));
        }
        let refused = lines.iter().find(|line| line.starts_with("refused "));
        assert_eq!(refused, None, "a request was refused");
        Ok(lines)
    }

    /// Waits until a reader uses this key.
    pub(super) async fn reader_uses(&self, namespace: &str, key: &KeyPair) {
        let end = format!("key={}", key.access_key_id);
        let seen = until(LIMIT, async || {
            let lines = self.lines(namespace).await?;
            let uses = lines.iter().any(|line| line.ends_with(&end));
            uses.then_some(()).ok_or(lines.join("\n"))
        });
        seen.await.unwrap();
    }

    /// The reader that is there was never refused, never restarted, and never stood still: it read at least every
    /// other time that it was to. Returns how often it read.
    pub(super) async fn assert_reader_served(&self, namespace: &str) -> u32 {
        let pod = self.only_reader(namespace).await;
        let started = operator::running_since(&pod);
        let lines = self.lines(namespace).await.unwrap();
        let served = assert_served(&lines);
        let runs = Duration::try_from(SystemClock.now().duration_since(started)).unwrap();
        let due = runs.as_millis() / PACE.as_millis();
        assert!(
            u128::from(served) * 2 >= due,
            "{served} reads in {runs:?}: it stood still"
        );
        served
    }
}

fn reader(object: &str, mounted: bool) -> serde_json::Value {
    let mut env = vec![json!({"name": "OBJECT", "value": object})];
    let (mut from, mut mounts, mut volumes) = (vec![], vec![], vec![]);
    if mounted {
        env.push(json!({"name": "KEYS_FROM", "value": "/etc/s3"}));
        mounts.push(json!({"name": "s3", "mountPath": "/etc/s3", "readOnly": true}));
        volumes.push(json!({"name": "s3", "secret": {"secretName": "app-s3", "defaultMode": 0o440}}));
    } else {
        from.push(json!({"secretRef": {"name": "app-s3"}}));
    }
    json!({
        "metadata": {"name": "reader"},
        "spec": {
            "selector": {"matchLabels": {"app": "reader"}},
            "template": {
                "metadata": {"labels": {"app": "reader"}},
                "spec": {
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 1,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "fsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [{
                        "name": "reader", "image": READER, "imagePullPolicy": "Never",
                        "env": env, "envFrom": from, "volumeMounts": mounts,
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }],
                    "volumes": volumes,
                },
            },
        },
    })
}
