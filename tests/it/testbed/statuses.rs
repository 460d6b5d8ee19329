//! Every status that was ever written, and what kstatus (of Flux, Argo CD and `kubectl wait`) makes of it.

use super::cluster::OwnNamespace;
use futures::TryStreamExt as _;
use gracekey::api::v1alpha1::{ObjectStore, ObjectUser};
use kube::{
    Api,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex},
};
use tokio::task::JoinSet;

/// Records statuses as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    seen: Arc<Mutex<Vec<Value>>>,
    watches: JoinSet<()>,
}

/// What kstatus says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kstatus {
    Terminating,
    InProgress,
    Failed,
    Current,
}

impl Statuses {
    /// Records every version of every store and user in this namespace.
    pub(crate) fn watch(&mut self, namespace: &OwnNamespace) {
        self.record(namespace.api::<ObjectStore>());
        self.record(namespace.api::<ObjectUser>());
    }

    fn record<K>(&mut self, api: Api<K>)
    where
        K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize + Send + 'static,
    {
        let seen = Arc::clone(&self.seen);
        self.watches.spawn(async move {
            let objects = watcher(api, watcher::Config::default())
                .default_backoff()
                .applied_objects();
            let recorded = objects.try_for_each(|mut object| {
                // Who wrote what is half of an object, and says nothing here.
                object.meta_mut().managed_fields = None;
                seen.lock().unwrap().push(serde_json::to_value(object).unwrap());
                std::future::ready(Ok(()))
            });
            // It ends with the runtime, in the middle of whatever it is.
            drop(recorded.await);
        });
    }

    /// All versions of all objects, in the order in which they were written.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    /// All versions of all objects, as one text.
    pub(crate) fn text(&self) -> String {
        let seen = self.seen.lock().unwrap();
        serde_json::to_string(&*seen).unwrap()
    }

    /// Names on the backend of all users that there ever were.
    pub(crate) fn user_names(&self) -> BTreeSet<String> {
        let seen = self.seen.lock().unwrap();
        let names = seen
            .iter()
            .filter_map(|object| object["status"]["userName"].as_str());
        names.map(str::to_owned).collect()
    }

    /// Whether a key was ever published, by the word of a status.
    pub(crate) fn tell_of_a_key(&self) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .any(|object| object["status"]["accessKeyId"].is_string())
    }

    /// Fails the test if a status was ever one that tools misread.
    pub(crate) fn check(&self) {
        let seen = self.seen.lock().unwrap();
        for object in seen.iter() {
            check(object);
        }
        for (at, object) in seen.iter().enumerate() {
            let uid = &object["metadata"]["uid"];
            if let Some(before) = seen[..at]
                .iter()
                .rfind(|before| before["metadata"]["uid"] == *uid)
            {
                check_transitions(before, object);
            }
        }
    }
}

fn conditions(object: &Value) -> &[Value] {
    object["status"]["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    conditions(object).iter().find(|c| c["type"] == type_)
}

/// The algorithm of kstatus, for kinds that it does not know.
pub(crate) fn kstatus(object: &Value) -> Kstatus {
    let (meta, status) = (&object["metadata"], &object["status"]);
    if !meta["deletionTimestamp"].is_null() {
        return Kstatus::Terminating;
    }
    let observed = &status["observedGeneration"];
    if !observed.is_null() && *observed != meta["generation"] {
        return Kstatus::InProgress;
    }
    for condition in conditions(object).iter().filter(|c| c["status"] == "True") {
        match condition["type"].as_str() {
            Some("Reconciling") => return Kstatus::InProgress,
            Some("Stalled") => return Kstatus::Failed,
            _ => {}
        }
    }
    match condition(object, "Ready").map(|c| c["status"] == "True") {
        Some(false) => Kstatus::InProgress,
        Some(true) | None => Kstatus::Current,
    }
}

fn check(object: &Value) {
    let told = || serde_saphyr::to_string(object).unwrap();
    let observed = &object["status"]["observedGeneration"];
    assert!(
        observed.is_i64(),
        "nobody can tell whether this was looked at:\n{}",
        told()
    );
    let abnormal: Vec<&Value> = ["Reconciling", "Stalled"]
        .iter()
        .filter_map(|t| condition(object, t))
        .collect();
    assert!(abnormal.len() < 2, "both Reconciling and Stalled:\n{}", told());
    assert!(
        abnormal.iter().all(|c| c["status"] == "True"),
        "an abnormal condition is there and not true:\n{}",
        told()
    );
    if observed.as_i64() > Some(0) {
        assert!(
            condition(object, "Ready").is_some(),
            "looked at, and no Ready:\n{}",
            told()
        );
    }
    for condition in conditions(object) {
        assert!(
            condition["observedGeneration"].as_i64() <= observed.as_i64(),
            "a condition of the future:\n{}",
            told()
        );
        assert_ne!(condition["reason"], "", "{}", told());
    }
    if kstatus(object) == Kstatus::Current {
        let ready = condition(object, "Ready").is_some_and(|c| c["status"] == "True");
        assert!(ready, "Current without being ready:\n{}", told());
    }
}

fn check_transitions(before: &Value, after: &Value) {
    for new in conditions(after) {
        let Some(old) = condition(before, new["type"].as_str().unwrap()) else {
            continue;
        };
        let moved = old["lastTransitionTime"] != new["lastTransitionTime"];
        assert!(
            !moved || old["status"] != new["status"],
            "a transition time moved without its status:\n{old}\n{new}"
        );
    }
}
