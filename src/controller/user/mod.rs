//! One pass over one `ObjectUser`: gather, parse, plan, execute, report.

mod execute;
mod execute_key;
mod execute_secret;
mod execute_user;
mod form;
mod gather;
mod ledger;
mod parse;
mod pass;
mod report;
mod secret;

use super::{
    context::{Context, id_of, reference},
    error::Error,
    guarded::Guarded,
    memory::{Fingerprint, UserMemory},
};
use crate::{
    api::v1alpha1::ObjectUser,
    domain::{backoff, reason::Reason},
};
use jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt,
    runtime::{controller::Action, events::EventType},
};
use pass::{Pass, Rest};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Name of this controller in metrics.
const NAME: &str = "objectuser";
/// How soon a cache is looked into again that was found to be behind.
const STALE: Duration = Duration::from_millis(20);
/// Longest pass. The slowest call to a backend may take 40 s, and a pass may make a few.
const LIMIT: Duration = Duration::from_mins(4);
/// Pauses after failures that time heals.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// The same while a key is waiting to be revoked.
const RETRY_DUE: Duration = Duration::from_secs(2);
/// Pauses while somebody else has to change something.
const STALLED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(2));
/// Pauses while a new key is not accepted yet.
const PROOF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Looks after one user.
///
/// # Errors
///
/// Those of the API server; what goes wrong on the backend is told in status.
pub async fn reconcile(object: Arc<Guarded<ObjectUser>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let begun = Instant::now();
    let user = match &object.0 {
        Ok(user) => user,
        Err(bad) => {
            let note = format!(
                "This object cannot be read, and nothing is done for it: {}",
                bad.error
            );
            tracing::warn!(
                name = bad.metadata.name,
                namespace = bad.metadata.namespace,
                error = bad.error,
                "undecodable ObjectUser"
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
    if gather::store_is_old(user, &ctx) {
        return Ok(Action::requeue(STALE));
    }
    let uid = user.uid().unwrap_or_default();
    let mut memory = ctx.memory.take(&uid);
    let disturbed = ctx.memory.was_disturbed(&uid);
    if let Some(left) = quiet_for(user, &memory, &ctx).filter(|_| !disturbed) {
        ctx.memory.put(&uid, memory);
        ctx.metrics.reconciled(NAME, "quiet", begun.elapsed());
        return Ok(Action::requeue(left));
    }
    if let Some((before, _)) = memory.settled.take() {
        // Somebody else wrote it, or the cache has not caught up with what we wrote.
        memory.read_live |= before.status != gather::digest(user);
    }
    // As it is before the pass: what changes while it runs is to be looked at again.
    let begun_with = gather::fingerprint(user, &ctx);
    // A pass that is cut off is like one that crashed, and the next goes on from there.
    let result = timeout(LIMIT, look_after(user, &mut memory, &ctx))
        .await
        .unwrap_or(Err(Error::Slow));
    if let Err(error @ (Error::Kube(_) | Error::Slow)) = &result {
        tracing::warn!(user = id_of(user), %error, "the API server did not take a request");
    }
    let ended = if result.is_ok() { "success" } else { "error" };
    ctx.metrics.reconciled(NAME, ended, begun.elapsed());
    let action = next(begun_with, &result, &mut memory, &ctx);
    if action.is_some() {
        ctx.memory.put(&uid, memory);
    } else {
        ctx.memory.forget(&uid);
    }
    Ok(action.unwrap_or_else(Action::await_change))
}

/// How long nothing is due, if nothing changed since the user was settled.
fn quiet_for(user: &ObjectUser, memory: &UserMemory, ctx: &Context) -> Option<Duration> {
    let (before, until) = memory.settled.as_ref()?;
    let left = ctx.clock.until(*until);
    (!left.is_zero() && *before == gather::fingerprint(user, ctx)).then_some(left)
}

async fn look_after(user: &ObjectUser, memory: &mut UserMemory, ctx: &Context) -> Result<Rest, Error> {
    let api = Api::<ObjectUser>::namespaced(ctx.client.clone(), &user.namespace().unwrap_or_default());
    let live = if memory.read_live {
        api.get_opt(&user.name_any()).await?.ok_or(Error::Gone)?
    } else {
        user.clone()
    };
    if live.uid() != user.uid() {
        return Err(Error::Gone);
    }
    memory.read_live = false;
    if live.metadata.deletion_timestamp.is_some() && live.finalizers().is_empty() {
        return Ok(Rest::Gone);
    }
    Pass::new(live, ctx).run(memory).await
}

/// When to look again; `None`: never, the object is gone.
fn next(
    begun_with: Fingerprint,
    result: &Result<Rest, Error>,
    memory: &mut UserMemory,
    ctx: &Context,
) -> Option<Action> {
    let failures = memory.failures;
    let (delay, failed) = match *result {
        Ok(Rest::Gone) | Err(Error::Gone) => return None,
        Ok(Rest::Settled { wake }) => {
            let until = until(ctx, wake, ctx.entropy.jitter(ctx.resync));
            let fingerprint = Fingerprint {
                status: memory.status,
                ..begun_with
            };
            memory.settled = Some((fingerprint, until));
            (ctx.clock.until(until), false)
        }
        Ok(Rest::Retry {
            wake,
            due,
            retry_after,
        }) => {
            let most = if due { RETRY_DUE } else { RETRY.1 };
            let delay =
                backoff::delay(failures, RETRY.0, most).max(retry_after.unwrap_or_default().min(most));
            (soonest(ctx, wake, ctx.entropy.jitter(delay)), true)
        }
        Ok(Rest::Proof { wake }) => (
            soonest(ctx, wake, backoff::delay(failures, PROOF.0, PROOF.1)),
            true,
        ),
        Ok(Rest::Stalled { wake }) => {
            let delay = ctx.entropy.jitter(backoff::delay(failures, STALLED.0, STALLED.1));
            (soonest(ctx, wake, delay), true)
        }
        Ok(Rest::Suspended) => return Some(Action::requeue(ctx.resync)),
        Err(Error::Stale) => {
            memory.read_live = true;
            (backoff::delay(failures, STALE, RETRY.0), true)
        }
        Err(Error::Kube(_) | Error::Slow) => {
            memory.read_live = true;
            (
                ctx.entropy.jitter(backoff::delay(failures, RETRY.0, RETRY.1)),
                true,
            )
        }
    };
    memory.failures = if failed { failures.saturating_add(1) } else { 0 };
    Some(Action::requeue(delay))
}

fn soonest(ctx: &Context, wake: Option<Timestamp>, delay: Duration) -> Duration {
    wake.map_or(delay, |at| ctx.clock.until(at).min(delay))
}

/// A little after the second that something is due in, or a resync from now.
fn until(ctx: &Context, wake: Option<Timestamp>, resync: Duration) -> Timestamp {
    let resync = crate::domain::ledger::after(ctx.clock.now(), resync);
    wake.map_or(resync, |at| at.min(resync))
}

/// Tells an event about a user.
pub(super) async fn tell(ctx: &Context, user: &ObjectUser, warning: bool, reason: Reason, note: String) {
    let type_ = if warning {
        EventType::Warning
    } else {
        EventType::Normal
    };
    tracing::info!(user = id_of(user), reason = %reason, note, "event");
    ctx.tell(&reference(user), type_, reason, note).await;
}
