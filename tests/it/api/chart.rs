//! What the chart refuses before anything is installed, so that a slip of the pen does not become a default.

use crate::testbed::helm;
use std::{path::Path, process::Command};

/// What `helm template` says: the manifests, or why not.
fn template(values: &[&str]) -> Result<String, String> {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/gracekey");
    let set = values.iter().flat_map(|value| ["--set-json", value]);
    let run = Command::new(helm())
        .args(["template", "gracekey"])
        .arg(chart)
        .args(set)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if run.status.success() {
        Ok(text(run.stdout))
    } else {
        Err(text(run.stderr))
    }
}

#[test]
fn a_value_that_is_unknown_or_bad_is_refused_by_its_name() {
    // The value, and what the refusal has to name.
    let refused = [
        ("replicas=2", "replicas"),
        ("replicaCount=-1", "replicaCount"),
        ("replicaCount=\"two\"", "replicaCount"),
        ("replicaCount=100", "replicaCount"),
        ("image.pullPolicy=\"Sometimes\"", "pullPolicy"),
        ("image.digest=\"latest\"", "digest"),
        ("image.name=\"gracekey\"", "name"),
        ("watchNamespace=\"shop\"", "watchNamespace"),
        ("watchNamespaces=\"shop\"", "watchNamespaces"),
        ("watchNamespaces=[\"Shop\"]", "watchNamespaces"),
        ("watchNamespaces=[\"shop\",\"shop\"]", "watchNamespaces"),
        ("clusterId=\"a b\"", "clusterId"),
        ("log.format=\"xml\"", "format"),
        ("log.level=\"debug\"", "level"),
        ("leaderElection.enabled=\"yes\"", "enabled"),
        ("rbac.aggregate.admin=true", "admin"),
        ("crds.install=true", "install"),
        ("service.port=0", "port"),
        ("podDisruptionBudget.minAvailable=\"one\"", "minAvailable"),
        ("networkPolicy.egressPorts=[70000]", "egressPorts"),
        ("resources.cpu=\"1\"", "cpu"),
        ("terminationGracePeriodSeconds=1", "terminationGracePeriodSeconds"),
        ("podLabels.tier=1", "tier"),
        ("extraArgs=\"--verbose\"", "extraArgs"),
        ("extraEnv=[{\"value\":\"x\"}]", "extraEnv"),
    ];
    for (value, named) in refused {
        let said = template(&[value]).map(|_| "nothing").unwrap_err();
        assert!(
            said.contains(named),
            "{value}: the refusal does not name {named}:\n{said}"
        );
    }
}

#[test]
fn values_that_are_meant_to_be_set_are_taken() {
    let taken: [&[&str]; 5] = [
        &[],
        &["replicaCount=2", "podDisruptionBudget.minAvailable=\"50%\""],
        &["watchNamespaces=[\"shop\",\"storage\"]", "clusterId=\"prod-1\""],
        &[
            "global.storageClass=\"fast\"",
            "extraEnv=[{\"name\":\"HTTPS_PROXY\",\"value\":\"http://p\"}]",
        ],
        &[
            "networkPolicy.enabled=true",
            "networkPolicy.extraEgress=[{\"to\":[]}]",
        ],
    ];
    for values in taken {
        let manifests = template(values).unwrap_or_else(|said| panic!("{values:?}: {said}"));
        assert!(manifests.contains("kind: Deployment"), "{values:?}");
    }
}
