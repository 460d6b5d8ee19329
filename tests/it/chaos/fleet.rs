//! Many users at once: applications that use all of their keys, and what has to be true of them in the end.

use super::admin::Admin;
use crate::testbed::{
    S3, World,
    probe::{PACE, assert_runs},
    world::{handled, is_settled, pair_of},
};
use gracekey::{api::v1alpha1::ObjectUser, backend::KeyPair};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::ListParams};
use secrecy::ExposeSecret as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::{AbortHandle, JoinSet};

/// What all applications together saw.
#[derive(Debug, Default)]
struct Seen {
    probes: usize,
    refusals: Vec<String>,
    /// Requests without an answer.
    failures: Vec<String>,
}

/// Applications that sign with the key of every Secret in the namespace, again and again; they end when dropped.
#[derive(Debug)]
pub(crate) struct Applications {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
    _tasks: JoinSet<()>,
}

impl Applications {
    pub(crate) fn start(world: &World, endpoint: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (api, out, endpoint) = (world.secrets(), Arc::clone(&seen), endpoint.to_owned());
        let mut tasks = JoinSet::new();
        let task = tasks.spawn(async move {
            loop {
                let found = api
                    .list(&ListParams::default().labels("gracekey.dev/managed=true"))
                    .await;
                for secret in found.map(|list| list.items).unwrap_or_default() {
                    let outcome = use_key(&secret, &api, &endpoint).await;
                    let mut seen = out.lock().unwrap();
                    seen.probes += 1;
                    match outcome {
                        Ok(refused) => seen.refusals.extend(refused),
                        Err(failed) => seen.failures.push(failed),
                    }
                }
                tokio::time::sleep(PACE).await;
            }
        });
        Self {
            seen,
            task,
            _tasks: tasks,
        }
    }

    /// Fails the test if a published key was refused or a request got no answer, if none was tried, or if the
    /// applications have ended.
    #[track_caller]
    pub(crate) fn assert_undisturbed(&self) -> usize {
        assert_runs(&self.task);
        let seen = self.seen.lock().unwrap();
        assert!(seen.probes > 0, "no key was tried");
        let none = Vec::<String>::new();
        assert_eq!(seen.refusals, none, "a published key was refused");
        assert_eq!(seen.failures, none, "a request got no answer");
        seen.probes
    }
}

/// Signs with the key in this Secret. A refusal counts if the key is still the published one; `Err`: no answer.
async fn use_key(secret: &Secret, api: &Api<Secret>, endpoint: &str) -> Result<Option<String>, String> {
    let Some(pair) = pair_of(secret) else {
        return Ok(None);
    };
    let answer = S3::new(endpoint, "us-east-1", &pair).try_list_buckets().await?;
    if answer.status == 200 {
        return Ok(None);
    }
    let name = secret.name_any();
    let now = api.get_opt(&name).await.ok().flatten().and_then(|s| pair_of(&s));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    // Two secrets may share one access key.
    let same = |now: &KeyPair| now.secret.expose_secret() == pair.secret.expose_secret();
    let still = now.as_ref().is_some_and(same);
    Ok(still.then(|| format!("{name}: {} {text}", answer.status)))
}

/// Users that nothing is left to do for, and those that are not yet there, with the reason.
pub(crate) async fn until_all(
    world: &World,
    limit: Duration,
    what: &str,
    done: impl Fn(&ObjectUser) -> bool,
) {
    let users = world.users();
    let ask = async || {
        let all = users
            .list(&ListParams::default())
            .await
            .map_err(|e| e.to_string())?
            .items;
        let left: Vec<String> = all
            .iter()
            .filter(|user| !done(user))
            .map(ResourceExt::name_any)
            .collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} are left: {:?}",
                left.len(),
                &left[..left.len().min(5)]
            ))
        }
    };
    world.until_within(limit, what, ask).await;
}

/// The rotation asked for by this token is over, and so is its grace period.
pub(crate) fn is_rotated(user: &ObjectUser, token: &str) -> bool {
    is_settled(user) && handled(user).iter().any(|t| t == token) && has_one_key(user)
}

pub(super) fn has_one_key(user: &ObjectUser) -> bool {
    user.status.as_ref().is_some_and(|s| s.credentials.len() == 1)
}

/// In the end: each user has on the gateway exactly the keys that its status tells, its Secret holds one of them, the
/// one that status calls current, and that one works. No key is unknown.
pub(super) async fn assert_exact(world: &World, admin: &Admin, endpoint: &str) -> usize {
    let users = world.users().list(&ListParams::default()).await.unwrap().items;
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for user in &users {
        let status = user.status.clone().unwrap_or_default();
        let told: BTreeSet<String> = status
            .credentials
            .iter()
            .map(|c| c.access_key_id.clone())
            .collect();
        let there = admin.keys(&status.user_name.clone().unwrap_or_default()).await;
        let secret = status.secret_name.clone().unwrap_or_default();
        let pair = world.pair(&secret).await;
        let works = S3::new(endpoint, "us-east-1", &pair).list_buckets().await.status == 200;
        let published = status.access_key_id.as_deref() == Some(pair.access_key_id.as_str());
        let unknown = status.conditions.iter().any(|c| c.type_ == "UnknownKeys");
        if told != there || !works || !published || unknown {
            let text = format!(
                "status tells {told:?}, on the gateway are {there:?}, the Secret holds {} (works: {works}, current: \
                 {published}), unknown keys: {unknown}",
                pair.access_key_id
            );
            wrong.insert(user.name_any(), text);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", world.operator.log_end());
    users.len()
}
