//! The watch over secrets: every secret half that was ever in a Secret of the test, and where none may appear.

use super::cluster::OwnNamespace;
use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    runtime::{WatchStreamExt as _, watcher},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::task::JoinSet;

/// Keys of Secrets that hold secret halves: of users, and of the admin.
const HALVES: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "secretKey"];

/// Collects secret halves as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct Canaries {
    found: Arc<Mutex<BTreeSet<String>>>,
    watches: JoinSet<()>,
}

impl Canaries {
    /// Looks at every Secret that ever is in this namespace.
    pub(crate) fn watch(&mut self, namespace: &OwnNamespace) {
        let (api, found): (Api<Secret>, _) = (namespace.api(), Arc::clone(&self.found));
        self.watches.spawn(async move {
            let secrets = watcher(api, watcher::Config::default())
                .default_backoff()
                .applied_objects();
            let collected = secrets.try_for_each(|secret| {
                found.lock().unwrap().extend(halves_of(&secret));
                std::future::ready(Ok(()))
            });
            // It ends with the runtime, in the middle of whatever it is.
            drop(collected.await);
        });
    }

    /// One more.
    pub(crate) fn add(&self, half: &str) {
        self.found.lock().unwrap().insert(half.to_owned());
    }

    /// Fails the test if a secret half is in this text.
    #[track_caller]
    pub(crate) fn scan(&self, place: &str, text: &str) {
        let found = self.found.lock().unwrap();
        assert!(
            !found.is_empty(),
            "no secret half was ever seen: the scan would prove nothing"
        );
        for half in found.iter() {
            let at = text.find(half.as_str());
            // The half itself is not printed.
            let before = at.map(|at| text.get(..at).and_then(|t| t.lines().last()).unwrap_or_default());
            assert_eq!(before, None, "I11: a secret half is in {place}, after this text");
        }
    }
}

fn halves_of(secret: &Secret) -> impl Iterator<Item = String> {
    let data = secret.data.clone().unwrap_or_default();
    HALVES.into_iter().filter_map(move |key| {
        String::from_utf8(data.get(key)?.0.clone())
            .ok()
            .filter(|half| half.len() >= 16)
    })
}
