//! What a reconciliation may touch.

use super::{cached::CachedUser, guarded::Guarded, memory::Memory};
use crate::{
    api::v1alpha1::ObjectStore, backend::pool::Pool, clock::Clock, domain::reason::Reason, entropy::Entropy,
    names, telemetry::metrics::Metrics,
};
use k8s_openapi::{
    api::{core::v1::ObjectReference, events},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::PostParams,
    runtime::{
        events::{Event, EventType, Recorder},
        reflector::{ObjectRef, Store},
    },
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How often those who wait for a cache ask.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Shared by all reconciliations.
pub struct Context {
    /// Towards the API server.
    pub client: Client,
    /// Name of this replica.
    pub identity: String,
    /// Tells warnings. One for the process: its cache of repeated ones is in it.
    pub recorder: Recorder,
    /// Connections to stores.
    pub pool: Pool,
    /// Reads time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Counts.
    pub metrics: Metrics,
    /// What this process remembers.
    pub memory: Memory,
    /// Stores as last seen, one cache for each watched namespace.
    pub stores: Vec<Store<Guarded<ObjectStore>>>,
    /// Users as last seen, one cache for each watched namespace.
    pub users: Vec<Store<CachedUser>>,
    /// Tells this cluster from others on the same backend.
    pub cluster_id: String,
    /// How often a settled object is looked at again.
    pub resync: Duration,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    /// The store of that name, as last seen.
    pub fn store(&self, key: &ObjectRef<Guarded<ObjectStore>>) -> Option<Arc<Guarded<ObjectStore>>> {
        self.stores.iter().find_map(|cache| cache.get(key))
    }

    /// Returns once the caches have everything that was there when the watches began: before that, a store that is
    /// only not seen yet would be taken for missing.
    pub async fn caches_are_full(&self) {
        for cache in &self.stores {
            full(cache).await;
        }
        for cache in &self.users {
            full(cache).await;
        }
    }

    /// Forgets what is remembered of objects that are not there any more.
    pub fn tidy(&self) {
        let users = self.users.iter().flat_map(Store::state);
        let stores = self.stores.iter().flat_map(Store::state);
        self.memory.keep(
            &users.filter_map(|user| user.uid()).collect(),
            &stores.filter_map(|store| store.uid()).collect(),
        );
    }

    /// Tells an event, if the API server takes it. An event that is lost is no reason to fail.
    pub async fn tell(&self, about: &ObjectReference, type_: EventType, reason: Reason, note: String) {
        let told = match type_ {
            EventType::Normal => self.tell_once(about, reason, note).await,
            EventType::Warning => {
                let event = Event {
                    type_,
                    reason: reason.to_string(),
                    note: Some(note),
                    action: reason.to_string(),
                    secondary: None,
                };
                self.recorder.publish(&event, about).await
            }
        };
        if let Err(error) = told {
            tracing::debug!(%error, reason = %reason, "an event was not taken");
        }
    }

    /// What was done is told each time, as it is: the recorder would keep it for minutes, to count repeats of the first
    /// instead, such as a second rotation under the name of the first one's key.
    async fn tell_once(
        &self,
        about: &ObjectReference,
        reason: Reason,
        note: String,
    ) -> Result<(), kube::Error> {
        let event = events::v1::Event {
            metadata: ObjectMeta {
                generate_name: about.name.as_ref().map(|name| format!("{name}-")),
                ..ObjectMeta::default()
            },
            action: Some(reason.to_string()),
            event_time: Some(MicroTime(self.clock.exactly())),
            note: Some(note),
            reason: Some(reason.to_string()),
            regarding: Some(about.clone()),
            reporting_controller: Some(names::GRACEKEY.to_owned()),
            reporting_instance: Some(self.identity.clone()),
            type_: Some("Normal".to_owned()),
            ..events::v1::Event::default()
        };
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api = Api::<events::v1::Event>::namespaced(self.client.clone(), namespace);
        api.create(&PostParams::default(), &event).await.map(drop)
    }
}

/// Of several who wait for a cache, kube 5.0 wakes only the one who asked last: so everybody asks again.
async fn full<K>(cache: &Store<K>)
where
    K: kube::runtime::reflector::Lookup + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    // An error means that the watch has ended, and then so does this process.
    while timeout(ASK_AGAIN, cache.wait_until_ready()).await.is_err() {}
}

/// Namespace and name, for logs.
pub fn id_of(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// The reference that events are told about.
pub fn reference<K: Resource<DynamicType = ()>>(object: &K) -> ObjectReference {
    object.object_ref(&())
}
