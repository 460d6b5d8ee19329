//! The end of a test, and what people are shown when it fails.

use super::World;
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::{Driver as _, ErrorKind},
    domain::ids::UserName,
};
use k8s_openapi::api::{
    core::v1::{Namespace, Secret},
    events::v1::Event,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::fs;

impl World {
    /// Every version of every store and user that there was.
    pub(crate) fn statuses(&self) -> Vec<Value> {
        self.statuses.all()
    }

    /// Objects, events and log, for people.
    pub(crate) async fn state(&self) -> String {
        let mut text = self.public().await;
        text += "\n--- the end of the operator's log\n";
        text + &self.operator.log_end()
    }

    /// Everything that others than readers of Secrets may see: objects and events.
    async fn public(&self) -> String {
        let mut text = String::new();
        for namespace in &self.namespaces {
            let all = ListParams::default();
            let mut put = |what: Value| text.extend(["---\n", &serde_saphyr::to_string(&what).unwrap()]);
            for mut store in namespace.api::<ObjectStore>().list(&all).await.unwrap() {
                store.metadata.managed_fields = None;
                put(serde_json::to_value(store).unwrap());
            }
            for mut user in namespace.api::<ObjectUser>().list(&all).await.unwrap() {
                user.metadata.managed_fields = None;
                put(serde_json::to_value(user).unwrap());
            }
            for event in namespace.api::<Event>().list(&all).await.unwrap() {
                let about = event.regarding.and_then(|r| r.name).unwrap_or_default();
                put(
                    json!({ "about": about, "reason": event.reason, "action": event.action, "note": event.note }),
                );
            }
            for mut secret in namespace.api::<Secret>().list(&all).await.unwrap() {
                // All but what is secret.
                secret.metadata.managed_fields = None;
                put(
                    json!({ "Secret": secret.metadata, "keys": secret.data.map(|d| d.into_keys().collect::<Vec<_>>()) }),
                );
            }
        }
        text
    }

    /// I11: no secret half is anywhere but in a Secret.
    pub(crate) async fn scan(&self) {
        self.add_unpublished().await;
        let seen = async || {
            let missed = self.statuses.tell_of_a_key() && !self.canaries.has_published();
            (!missed)
                .then_some(())
                .ok_or("the scan would prove nothing".to_owned())
        };
        self.until("a published key was seen in its Secret", seen).await;
        let mut logs = vec![self.operator.log()];
        for log in self.other_logs.lock().unwrap().iter() {
            logs.push(fs::read_to_string(log).unwrap());
        }
        self.canaries.scan("objects or events", &self.public().await);
        self.canaries.scan("an earlier status", &self.statuses.text());
        let command = self.operator.command_line();
        self.canaries.scan("the command line", &command);
        if let Some((_, metrics)) = self.operator.try_get("/metrics").await {
            self.canaries.scan("the metrics", &metrics);
        }
        for proxy in [&self.kubernetes_proxy, &self.gateway_proxy]
            .into_iter()
            .flatten()
        {
            self.canaries.scan("a URL", &proxy.access_log());
        }
        for log in logs {
            self.canaries.scan("a log", &log);
            let bad = |line: &&str| line.contains("this is a defect") || line.contains("panicked");
            assert_eq!(log.lines().find(bad), None, "{}", self.operator.log_end());
        }
    }

    /// Halves that are on the gateway and may never have been in a Secret: their operator was killed before.
    async fn add_unpublished(&self) {
        let admin = self.admin();
        for name in self.statuses.user_names() {
            let found = match admin.find_user(&UserName::new(&name)).await {
                // A user on storage of another kind, with a name that no user on the gateway has.
                Err(error) if error.kind == ErrorKind::Invalid => None,
                found => found.unwrap(),
            };
            for key in found.into_iter().flat_map(|user| user.credentials) {
                if let Some(half) = key.secret {
                    self.canaries.add(half.expose_secret());
                }
            }
        }
    }

    /// The end of every test: nothing secret was shown, everything can be deleted, and the operator stops as it should.
    pub(crate) async fn finish(mut self) {
        self.scan().await;
        self.statuses.check();
        for namespace in &self.namespaces {
            let (now, all) = (DeleteParams::default(), ListParams::default());
            drop(
                namespace
                    .api::<ObjectUser>()
                    .delete_collection(&now, &all)
                    .await
                    .unwrap(),
            );
            let gone = async || match namespace
                .api::<ObjectUser>()
                .list(&all)
                .await
                .unwrap()
                .items
                .len()
            {
                0 => Ok(()),
                left => Err(format!("{left} are left")),
            };
            self.until("all users were deleted", gone).await;
        }
        for namespace in &self.namespaces {
            let (now, all) = (DeleteParams::default(), ListParams::default());
            drop(
                namespace
                    .api::<ObjectStore>()
                    .delete_collection(&now, &all)
                    .await
                    .unwrap(),
            );
            let gone = async || match namespace
                .api::<ObjectStore>()
                .list(&all)
                .await
                .unwrap()
                .items
                .len()
            {
                0 => Ok(()),
                left => Err(format!("{left} are left")),
            };
            self.until("all stores were deleted", gone).await;
        }
        self.scan().await;
        self.operator.stop().await;
        self.rights.remove(&self.namespaces[0]).await;
        for namespace in &self.namespaces {
            let api = Api::<Namespace>::all(namespace.client.clone());
            // Some tests delete one themselves.
            drop(api.delete(&namespace.name, &DeleteParams::default()).await);
        }
    }

    /// Reasons of the events about an object, in the order in which they were first told.
    pub(crate) async fn events(&self, name: &str) -> Vec<String> {
        let found = self
            .home()
            .api::<Event>()
            .list(&ListParams::default())
            .await
            .unwrap();
        let mut about: Vec<Event> = found
            .into_iter()
            .filter(|e| e.regarding.as_ref().and_then(|r| r.name.as_deref()) == Some(name))
            .collect();
        // Times have no fractions: within a second, the order of the writes has to do.
        let version = |e: &Event| {
            e.resource_version()
                .and_then(|version| version.parse::<u64>().ok())
        };
        about.sort_by_key(|e| (e.event_time.as_ref().map(|t| t.0), version(e)));
        about.into_iter().filter_map(|e| e.reason).collect()
    }
}
