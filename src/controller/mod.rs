//! The shell around the decisions: watches, reads, writes. Builds the two controllers.

pub mod cached;
pub mod context;
pub mod deadline;
pub mod error;
pub mod guarded;
pub mod memory;
mod news;
pub mod status;
pub mod store;
pub mod user;

use crate::{
    api::v1alpha1::{ObjectStore, ObjectStoreRef},
    names,
};
use cached::CachedUser;
use context::Context;
use error::Error;
use futures::StreamExt;
use guarded::Guarded;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use news::{StoreNews, UserNews};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Changes of one store within this time are looked at once: each of its users' comings and goings is one.
const STORE_DEBOUNCE: Duration = Duration::from_millis(500);

/// How many objects are listed at once when a watch begins.
const PAGE: u32 = 50;

/// The controllers of one namespace, or of all.
pub struct Controllers {
    stores: Controller<Guarded<ObjectStore>>,
    users: Controller<CachedUser>,
    client: Client,
    namespace: Option<String>,
    /// Where stores of its users and users of its stores may be besides.
    others: Vec<String>,
}

impl std::fmt::Debug for Controllers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controllers")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Controllers {
    /// Controllers of the whole cluster, or of each of these namespaces.
    pub fn all(client: &Client, namespaces: &[String]) -> Vec<Self> {
        if namespaces.is_empty() {
            return vec![Self::new(client, None, Vec::new())];
        }
        let others = |this: &String| namespaces.iter().filter(|n| *n != this).cloned().collect();
        let each = namespaces.iter();
        each.map(|n| Self::new(client, Some(n), others(n))).collect()
    }

    fn new(client: &Client, namespace: Option<&str>, others: Vec<String>) -> Self {
        Self {
            stores: Controller::new(scoped(client, namespace), watching()),
            users: Controller::new(scoped(client, namespace), watching()),
            client: client.clone(),
            namespace: namespace.map(str::to_owned),
            others,
        }
    }

    /// The caches that reconciliations look into.
    pub fn caches(&self) -> (Store<Guarded<ObjectStore>>, Store<CachedUser>) {
        (self.stores.store(), self.users.store())
    }

    /// Runs both until told to stop; what is under way is finished.
    pub async fn run(self, ctx: Arc<Context>, concurrency: u16, stop: CancellationToken) {
        let namespace = self.namespace.as_deref();
        let places = std::iter::once(namespace).chain(self.others.iter().map(|n| Some(n.as_str())));
        let metadata: Api<PartialObjectMeta<Secret>> = scoped(&self.client, namespace);
        let ours = watching().labels(&format!("{}={}", names::MANAGED, names::TRUE));
        let (of_secret, store_of_secret) = (Arc::clone(&ctx), Arc::clone(&ctx));
        let (mut stores, mut users) = (self.stores, self.users);
        let (counted, seen) = (Arc::new(UserNews::default()), Arc::new(StoreNews::default()));
        for place in places {
            let objects: Api<CachedUser> = scoped(&self.client, place);
            let counted = Arc::clone(&counted);
            stores = stores.watches(objects, watching(), move |user| {
                store_of_user(&user).filter(|_| counted.is_news(&user))
            });
            let objects: Api<Guarded<ObjectStore>> = scoped(&self.client, place);
            let (seen, of_store) = (Arc::clone(&seen), Arc::clone(&ctx));
            users = users.watches(objects, watching(), move |store| {
                if seen.is_news(&store) {
                    users_of_store(&store, &of_store)
                } else {
                    Vec::new()
                }
            });
        }
        let stores_run = stores
            .with_config(
                controller::Config::default()
                    .concurrency(8)
                    .debounce(STORE_DEBOUNCE),
            )
            .watches(metadata.clone(), watching(), move |secret| {
                stores_of_secret(&secret, &store_of_secret)
            })
            .graceful_shutdown_on(stop.clone().cancelled_owned())
            .run(store::reconcile, on_error, Arc::clone(&ctx))
            .for_each(|ended| tell_watch_failures("objectstore", ended.err()));
        let users_run = users
            .with_config(controller::Config::default().concurrency(concurrency))
            .watches(metadata, ours, move |secret| user_of_secret(&secret, &of_secret))
            .reconcile_all_on(ctx.pool.made())
            .graceful_shutdown_on(stop.cancelled_owned())
            .run(user::reconcile, on_error, ctx)
            .for_each(|ended| tell_watch_failures("objectuser", ended.err()));
        futures::join!(stores_run, users_run);
    }
}

/// A list is held whole while it is decoded, for each watch, and what that took stays with the process.
fn watching() -> watcher::Config {
    watcher::Config::default().page_size(PAGE)
}

fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// A watch that fails goes on by itself, and nothing is seen to change meanwhile.
fn tell_watch_failures<E: std::error::Error + 'static>(
    controller: &'static str,
    failure: Option<controller::Error<E, watcher::Error>>,
) -> std::future::Ready<()> {
    if let Some(controller::Error::QueueError(error)) = failure {
        tracing::warn!(controller, %error, "a watch failed and is begun again");
    }
    std::future::ready(())
}

/// Failures of the API server; those that a pass over a user times itself do not come here.
fn on_error<K>(_: Arc<K>, error: &Error, _: Arc<Context>) -> Action {
    tracing::warn!(%error, "a reconciliation failed");
    Action::requeue(Duration::from_secs(5))
}

fn store_of_user(user: &CachedUser) -> Option<ObjectRef<Guarded<ObjectStore>>> {
    let store = &user.decoded.as_ref().ok()?.store;
    Some(store_named(store, &user.namespace()?))
}

/// The store that a reference means which stands in this namespace.
fn store_named(reference: &ObjectStoreRef, here: &str) -> ObjectRef<Guarded<ObjectStore>> {
    ObjectRef::new(&reference.name).within(reference.namespace.as_deref().unwrap_or(here))
}

/// Stores that were made with this Secret.
fn stores_of_secret(
    secret: &PartialObjectMeta<Secret>,
    ctx: &Context,
) -> Vec<ObjectRef<Guarded<ObjectStore>>> {
    let (namespace, name) = (secret.namespace(), secret.name_any());
    let all = ctx.stores.iter().flat_map(Store::state);
    let uses = |s: &ObjectStore| s.namespace() == namespace && store::secrets_of(s).any(|used| used == name);
    all.filter(|store| store.0.as_ref().is_ok_and(uses))
        .map(|store| ObjectRef::from_obj(store.as_ref()))
        .collect()
}

/// The user that this Secret was written for, unless we wrote it just so ourselves.
fn user_of_secret(secret: &PartialObjectMeta<Secret>, ctx: &Context) -> Option<ObjectRef<CachedUser>> {
    let owner = secret
        .owner_references()
        .iter()
        .find(|o| o.controller == Some(true) && o.kind == "ObjectUser");
    let name = owner
        .map(|o| o.name.clone())
        .or_else(|| secret.annotations().get(names::OWNER_NAME).cloned())?;
    let uid = owner
        .map(|o| o.uid.clone())
        .or_else(|| secret.labels().get(names::OWNER_UID).cloned())?;
    if !ctx
        .memory
        .is_news(&uid, secret.resource_version().as_deref().unwrap_or_default())
    {
        return None;
    }
    ctx.memory.disturb(&uid);
    Some(ObjectRef::new(&name).within(&secret.namespace()?))
}

/// Every user of this store. Those for whom nothing changed are done in microseconds.
fn users_of_store(store: &Guarded<ObjectStore>, ctx: &Context) -> Vec<ObjectRef<CachedUser>> {
    let Ok(store) = &store.0 else {
        return Vec::new();
    };
    if let (Some(uid), Some(generation)) = (store.uid(), store.metadata.generation) {
        // Later than any: the cache has yet to see that it is gone.
        let newest = if news::is_gone(store) {
            i64::MAX
        } else {
            generation
        };
        ctx.memory.saw_store(&uid, newest);
    }
    let this = ObjectRef::<Guarded<ObjectStore>>::new(&store.name_any())
        .within(&store.namespace().unwrap_or_default());
    let all = ctx.users.iter().flat_map(Store::state);
    all.filter(|user| store_of_user(user).as_ref() == Some(&this))
        .map(|user| ObjectRef::from_obj(user.as_ref()))
        .collect()
}
