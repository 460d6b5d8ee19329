//! One pass over one `ObjectStore`: connect, probe, initial user, report; and its deletion, which waits for its users.

mod connect;
mod initial;
mod report;

pub use connect::{connection, secrets_of};

use super::{
    cached::CachedUser,
    context::{Context, id_of, reference},
    error::{Error, Trouble},
    guarded::Guarded,
    status, store_of_user,
};
use crate::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::{BackendInfo, pool::Connection},
    domain::reason::Reason,
    names,
};
use kube::{
    Api, Resource, ResourceExt,
    runtime::{
        controller::Action,
        events::EventType,
        reflector::{ObjectRef, Store},
    },
};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Name of this controller in metrics.
const NAME: &str = "objectstore";
/// How soon a store that is not ready is looked at again.
const RETRY: Duration = Duration::from_secs(5);

/// Longest pass.
const LIMIT: Duration = Duration::from_mins(1);

/// How long the answer to a probe holds, unless the store or one of its Secrets changes.
const FRESH: Duration = Duration::from_secs(30);

/// What a probe saw.
struct Seen {
    connection: Arc<Connection>,
    info: BackendInfo,
}

/// Looks after one store.
///
/// # Errors
///
/// Those of the API server; what goes wrong on the backend is told in status.
pub async fn reconcile(object: Arc<Guarded<ObjectStore>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let begun = Instant::now();
    let store = match &object.0 {
        Ok(store) => store,
        Err(bad) => {
            let note = format!(
                "This object cannot be read, and nothing is done for it: {}",
                bad.error
            );
            ctx.tell(
                &object.object_ref(&()),
                EventType::Warning,
                Reason::Undecodable,
                note,
            )
            .await;
            return Ok(Action::await_change());
        }
    };
    ctx.caches_are_full().await;
    // Nothing else would end a request that the API server never answers, and nothing starts while it lasts.
    let result = timeout(LIMIT, look_after(store, &ctx))
        .await
        .unwrap_or(Err(Error::Slow));
    ctx.metrics.reconciled(
        NAME,
        if result.is_ok() { "success" } else { "error" },
        begun.elapsed(),
    );
    match result {
        Err(Error::Stale) => Ok(Action::requeue(Duration::from_millis(100))),
        Err(Error::Gone) => Ok(Action::await_change()),
        other => other,
    }
}

async fn look_after(store: &ObjectStore, ctx: &Context) -> Result<Action, Error> {
    let users = users_of(store, ctx);
    if store.metadata.deletion_timestamp.is_some() {
        return delete(store, &users, ctx).await;
    }
    if !status::has_finalizer(store) {
        status::set_finalizer(&ctx.client, store, true).await?;
        return Ok(Action::requeue(Duration::ZERO));
    }
    let seen = if store.spec.suspend {
        Err(suspended())
    } else {
        probe(store, ctx).await
    };
    let initial = match &seen {
        Ok(_) => initial::ensure(store, ctx).await?,
        Err(_) => None,
    };
    let before = store.status.clone().unwrap_or_default();
    let new = report::status(
        &before,
        store,
        seen.as_ref(),
        count(&users),
        initial,
        ctx.clock.now(),
    );
    if store.status.as_ref() != Some(&new) {
        status::apply(&ctx.client, store, &new).await?;
        tell_transition(store, &seen, ctx).await;
    }
    Ok(Action::requeue(match &seen {
        Err(trouble) if trouble.reason != Reason::Suspended => ctx.entropy.jitter(RETRY),
        _ => ctx.entropy.jitter(ctx.resync),
    }))
}

fn suspended() -> Trouble {
    Trouble::passing(
        Reason::Suspended,
        "`spec.suspend` is true: nothing is done on this backend until it is false.",
    )
}

/// With the Secrets as they are now: a changed one is taken up at once.
async fn probe(store: &ObjectStore, ctx: &Context) -> Result<Seen, Trouble> {
    let connection = connect::refreshed(store, ctx).await?;
    let before = connection
        .probed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // Every coming and going of a user brings us here; that is no reason to ask the backend again.
    if let Some((at, info)) = before.filter(|(at, _)| at.elapsed() < FRESH) {
        *connection.probed.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, info.clone()));
        return Ok(Seen { connection, info });
    }
    match connection.driver.probe().await {
        Ok(info) => {
            let probed = Some((Instant::now(), info.clone()));
            *connection.probed.lock().unwrap_or_else(PoisonError::into_inner) = probed;
            Ok(Seen { connection, info })
        }
        Err(error) => {
            let mut trouble = Trouble::from(&error);
            // The owner of a store is told what its users are not.
            trouble.message = error.to_string();
            Err(trouble)
        }
    }
}

async fn tell_transition(store: &ObjectStore, seen: &Result<Seen, Trouble>, ctx: &Context) {
    let was_ready = store
        .status
        .as_ref()
        .is_some_and(|s| crate::domain::condition::is_true(&s.conditions, "Ready"));
    match seen {
        Ok(_) if !was_ready => {
            let note = "The store answers and accepts the admin credentials.".to_owned();
            ctx.tell(&reference(store), EventType::Normal, Reason::Succeeded, note)
                .await;
        }
        Err(trouble) if was_ready || store.status.as_ref().is_none_or(|s| s.conditions.is_empty()) => {
            tracing::warn!(store = id_of(store), reason = %trouble.reason, message = trouble.message, "store is not usable");
            ctx.tell(
                &reference(store),
                EventType::Warning,
                trouble.reason,
                trouble.message.clone(),
            )
            .await;
        }
        _ => {}
    }
}

/// Users that refer to this store, as last seen, whether it takes them or not.
fn users_of(store: &ObjectStore, ctx: &Context) -> Vec<Arc<CachedUser>> {
    let this = ObjectRef::new(&store.name_any()).within(&store.namespace().unwrap_or_default());
    let all = ctx.users.iter().flat_map(Store::state);
    all.filter(|user| store_of_user(user).as_ref() == Some(&this))
        .collect()
}

/// Users that the store took. Who may not use it must not be able to hold it up.
fn count(users: &[Arc<CachedUser>]) -> usize {
    users.iter().filter(|user| user.is_held()).count()
}

/// Of the same users, in the same order each time.
fn names(users: &[Arc<CachedUser>]) -> Vec<String> {
    let held = users.iter().filter(|user| user.is_held());
    let mut names: Vec<_> = held.map(|user| id_of(&**user)).collect();
    names.sort_unstable();
    names
}

/// A store that is deleted first takes its initial user along; others keep it until they are gone.
async fn delete(store: &ObjectStore, users: &[Arc<CachedUser>], ctx: &Context) -> Result<Action, Error> {
    if !status::has_finalizer(store) {
        return Ok(Action::await_change());
    }
    let forced = store
        .annotations()
        .get(names::FORCE_DELETE)
        .is_some_and(|v| v == names::TRUE);
    if count(users) == 0 || forced {
        status::set_finalizer(&ctx.client, store, false).await?;
        ctx.pool.remove(&store.uid().unwrap_or_default());
        ctx.pool.close_retired().await;
        ctx.memory.forget_store(&store.uid().unwrap_or_default());
        return Ok(Action::await_change());
    }
    let initial = users.iter().filter(|user| initial::is_initial(user, store));
    for user in initial {
        if user.meta().deletion_timestamp.is_none() {
            let api =
                Api::<ObjectUser>::namespaced(ctx.client.clone(), &user.namespace().unwrap_or_default());
            match api
                .delete(&user.name_any(), &kube::api::DeleteParams::default())
                .await
            {
                Err(kube::Error::Api(s)) if s.is_not_found() => {}
                other => drop(other?),
            }
        }
    }
    let before = store.status.clone().unwrap_or_default();
    let new = report::deleting(&before, store, &names(users), ctx.clock.now());
    if store.status.as_ref() != Some(&new) {
        status::apply(&ctx.client, store, &new).await?;
    }
    Ok(Action::requeue(RETRY))
}
