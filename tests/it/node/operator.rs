//! The operator in its Pod: as whom it runs, what it may write to, and what it wrote.

use super::{node, pods::Node};
use crate::testbed::Canaries;
use gracekey::backend::KeyPair;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, LogParams},
};
use secrecy::ExposeSecret as _;
use std::{fs, path::PathBuf};

const NAMESPACE: &str = "gracekey-system";

/// Since when the only container of a Pod runs, which never ended before.
#[track_caller]
pub(super) fn running_since(pod: &Pod) -> Timestamp {
    let status = pod.status.as_ref().unwrap();
    let container = &status.container_statuses.as_ref().unwrap()[0];
    assert_eq!(container.restart_count, 0, "{} was restarted", pod.name_any());
    let running = container.state.as_ref().and_then(|state| state.running.as_ref());
    running.and_then(|running| running.started_at.as_ref()).unwrap().0
}

impl Node {
    async fn operator(&self) -> Pod {
        let pods = Api::<Pod>::namespaced(self.client().await, NAMESPACE);
        let ours = ListParams::default().labels("app.kubernetes.io/name=gracekey");
        let mut found = pods.list(&ours).await.unwrap().items;
        assert_eq!(found.len(), 1, "one operator");
        found.remove(0)
    }

    /// I11, and that the operator was never restarted: nothing of these keys is in its log.
    pub(super) async fn assert_operator_discreet(&self, keys: &[KeyPair]) {
        let pod = self.operator().await;
        running_since(&pod);
        let canaries = Canaries::default();
        canaries.add(self.admin_half());
        for key in keys {
            canaries.add(key.secret.expose_secret());
        }
        let pods = Api::<Pod>::namespaced(self.client().await, NAMESPACE);
        let log = pods.logs(&pod.name_any(), &LogParams::default()).await.unwrap();
        assert!(!log.is_empty(), "the operator wrote nothing");
        canaries.scan("the operator's log", &log);
        canaries.scan("the operator's Pod", &serde_json::to_string(&pod).unwrap());
        let bad = |line: &&str| line.contains("this is a defect") || line.contains("panicked");
        assert_eq!(log.lines().find(bad), None);
    }
}

/// The process of a container as the kernel of the node knows it.
fn process_of(pod: &Pod, program: &str) -> PathBuf {
    let uid = pod.uid().unwrap();
    let mut processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let found = processes.find(|process| {
        let read = |file: &str| fs::read_to_string(process.join(file)).unwrap_or_default();
        read("cgroup").contains(&uid) && read("comm").trim() == program
    });
    found.unwrap_or_else(|| panic!("no process {program} in a cgroup of the Pod {uid}"))
}

/// Value of a line of `/proc/PID/status`.
fn value<'a>(status: &'a str, name: &str) -> Vec<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {status}"))
        .split_whitespace()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_runs_without_rights_on_its_node() {
    let Some(node) = node().await else { return };
    let pod = node.operator().await;
    running_since(&pod);
    let spec = pod.spec.as_ref().unwrap();
    let pod_context = spec.security_context.as_ref().unwrap();
    let container = spec.containers[0].security_context.as_ref().unwrap();
    assert_eq!(
        (pod_context.run_as_non_root, pod_context.run_as_user),
        (Some(true), Some(65532))
    );
    assert_eq!(container.read_only_root_filesystem, Some(true));
    assert_eq!(container.allow_privilege_escalation, Some(false));

    let process = process_of(&pod, "gracekey");
    let status = fs::read_to_string(process.join("status")).unwrap();
    assert_eq!(value(&status, "Uid:"), ["65532"; 4]);
    assert_eq!(value(&status, "Gid:"), ["65532"; 4]);
    assert_eq!(value(&status, "CapEff:"), ["0000000000000000"]);
    assert_eq!(value(&status, "CapBnd:"), ["0000000000000000"]);
    assert_eq!(value(&status, "NoNewPrivs:"), ["1"]);
    assert_eq!(value(&status, "Seccomp:"), ["2"], "a filter");
    let mounts = fs::read_to_string(process.join("mountinfo")).unwrap();
    let root = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let root = root.into_iter().find(|fields| fields[4] == "/").unwrap();
    assert!(
        root[5].split(',').any(|option| option == "ro"),
        "its root can be written to: {root:?}"
    );
}
