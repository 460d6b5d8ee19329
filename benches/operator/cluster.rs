//! Objects on the API server: the store, users, Secrets of others.

use crate::{Outcome, bed::Bed};
use futures::{StreamExt, TryStreamExt, stream};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    names,
};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::{Object, PartialObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

/// Where everything is.
pub(crate) const NAMESPACE: &str = "bench";
/// Says which round an object is of.
const ROUND: &str = "bench.gracekey.dev/round";
/// How many requests are under way at once when objects are made or removed.
const HANDS: usize = 16;
/// Longest wait for anything here.
const LIMIT: Duration = Duration::from_mins(10);

/// As much of a user as tells whether it is ready.
type Light = Object<Nothing, LightStatus>;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct LightStatus {
    #[serde(default)]
    conditions: Vec<LightCondition>,
}

#[derive(Clone, Debug, Deserialize)]
struct LightCondition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
}

/// The namespace, the admin Secret and the store, with the default limits.
pub(crate) async fn prepare(client: &Client, bed: &Bed) -> Outcome<ObjectStore> {
    let namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let secret = serde_json::from_value(json!({
        "metadata": {"name": "admin"},
        "stringData": {"accessKey": bed.ceph("ADMIN_ACCESS_KEY"), "secretKey": bed.ceph("ADMIN_SECRET_KEY")},
    }))?;
    secrets(client).create(&PostParams::default(), &secret).await?;
    let store = serde_json::from_value(json!({
        "apiVersion": "gracekey.dev/v1alpha1",
        "kind": "ObjectStore",
        "metadata": {"name": "ceph", "namespace": NAMESPACE},
        "spec": {
            "backend": {"ceph": {"endpoint": bed.ceph("ENDPOINT"), "credentialsSecretRef": {"name": "admin"}}},
            "s3": {"endpoint": bed.ceph("ENDPOINT"), "region": bed.ceph("REGION")},
            "initialUser": {"create": false},
        },
    }))?;
    let stores = Api::<ObjectStore>::namespaced(client.clone(), NAMESPACE);
    Ok(stores.create(&PostParams::default(), &store).await?)
}

pub(crate) fn users(client: &Client) -> Api<ObjectUser> {
    Api::namespaced(client.clone(), NAMESPACE)
}

pub(crate) fn secrets(client: &Client) -> Api<Secret> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// Makes the users of a round, and hands on what was made.
pub(crate) async fn apply_users(
    client: &Client,
    round: &str,
    count: usize,
    made: Option<mpsc::UnboundedSender<ObjectUser>>,
) -> Outcome<()> {
    let (api, made) = (users(client), &made);
    stream::iter(0..count)
        .map(|i| {
            let (api, name) = (&api, format!("{round}-{i:05}"));
            async move {
                let object = json!({
                    "apiVersion": "gracekey.dev/v1alpha1",
                    "kind": "ObjectUser",
                    "metadata": {"name": name, "labels": {ROUND: round}},
                    "spec": {"objectStoreRef": {"name": "ceph"}},
                });
                let applied = apply(api, &name, &object).await?;
                if let Some(made) = made {
                    made.send(applied)?;
                }
                Ok(())
            }
        })
        .buffer_unordered(HANDS)
        .try_collect()
        .await
}

/// How often one object is applied: on a busy machine the API server cuts a request off now and then.
const TRIES: usize = 5;

async fn apply<K>(api: &Api<K>, name: &str, object: &serde_json::Value) -> Outcome<K>
where
    K: Clone + Debug + DeserializeOwned,
{
    let params = PatchParams::apply("bench");
    for _ in 1..TRIES {
        match api.patch(name, &params, &Patch::Apply(object)).await {
            Ok(applied) => return Ok(applied),
            Err(kube::Error::Api(status)) if status.code < 500 => return Err(kube::Error::Api(status).into()),
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
    Ok(api.patch(name, &params, &Patch::Apply(object)).await?)
}

/// Waits until so many users of a round are ready, and tells when that was.
pub(crate) async fn ready(client: &Client, round: &str, count: usize) -> Outcome<Instant> {
    let resource = ApiResource::erase::<ObjectUser>(&());
    let api = Api::<Light>::namespaced_with(client.clone(), NAMESPACE, &resource);
    let config = watcher::Config::default().labels(&format!("{ROUND}={round}"));
    let mut events = std::pin::pin!(watcher(api, config).default_backoff().applied_objects());
    let mut ready = BTreeSet::new();
    let counting = async {
        while ready.len() < count {
            match events.next().await {
                Some(Ok(user)) if is_ready(&user) => drop(ready.insert(user.name_any())),
                // A watch that fails is begun anew.
                Some(_) => {}
                None => return Err("the watch ended".into()),
            }
        }
        Ok(Instant::now())
    };
    timeout(LIMIT, counting)
        .await
        .map_err(|_| format!("of {count} users of {round} some were not ready in time"))?
}

fn is_ready(user: &Light) -> bool {
    let conditions = user.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Asks for the deletion of a round's users and waits until they are gone.
pub(crate) async fn delete_users(client: &Client, round: &str) -> Outcome<()> {
    let chosen = ListParams::default().labels(&format!("{ROUND}={round}"));
    let api = users(client);
    api.delete_collection(&DeleteParams::default(), &chosen).await?;
    // Their Secrets go after them, by the garbage collector, whose requests are not to be counted or to disturb.
    let owned = ListParams::default().labels(names::OWNER_UID);
    let begun = Instant::now();
    while count(&api, &chosen).await? + count(&secrets(client), &owned).await? > 0 {
        if begun.elapsed() > LIMIT {
            return Err(format!("the users of {round} were not gone in time").into());
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn count<K>(api: &Api<K>, chosen: &ListParams) -> Outcome<usize>
where
    K: Clone + Debug + DeserializeOwned + Resource<DynamicType = ()>,
{
    let listed = api.list_metadata(&chosen.clone().limit(1)).await?;
    Ok(listed.items.len())
}

/// Takes the finalizer off a round's users, so that they can go without an operator.
pub(crate) async fn release_users(client: &Client, round: &str) -> Outcome<()> {
    let chosen = ListParams::default().labels(&format!("{ROUND}={round}"));
    let (api, patch) = (
        users(client),
        Patch::Merge(json!({"metadata": {"finalizers": null}})),
    );
    let listed = api.list_metadata(&chosen).await?;
    stream::iter(listed.items)
        .map(|user| {
            let (api, patch) = (&api, &patch);
            async move {
                api.patch(&user.name_any(), &PatchParams::default(), patch)
                    .await?;
                Ok::<(), crate::Failure>(())
            }
        })
        .buffer_unordered(HANDS)
        .try_collect()
        .await
}

/// Makes Secrets that are nobody's business here, or makes those that are there as big as this.
pub(crate) async fn foreign_secrets(client: &Client, count: usize, bytes: usize) -> Outcome<()> {
    let api = secrets(client);
    let data = BTreeMap::from([("data".to_owned(), ByteString(vec![b'x'; bytes]))]);
    stream::iter(0..count)
        .map(|i| {
            let (api, data) = (&api, &data);
            async move {
                let name = format!("foreign-{i:05}");
                let object = json!({
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name},
                    "data": data,
                });
                drop(apply(api, &name, &object).await?);
                Ok(())
            }
        })
        .buffer_unordered(HANDS)
        .try_collect()
        .await
}

/// Metadata of the Secrets that the operator wrote.
pub(crate) fn published(client: &Client) -> Api<PartialObjectMeta<Secret>> {
    Api::namespaced(client.clone(), NAMESPACE)
}
