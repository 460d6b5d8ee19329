//! One pass over one `ObjectUser`: gather, parse, plan, execute, report.

mod access;
mod blocked;
mod execute;
mod execute_access;
mod execute_key;
mod execute_secret;
mod execute_user;
mod form;
mod format;
mod gather;
mod last_use;
mod ledger;
mod notes;
mod parse;
mod pass;
mod quota;
mod report;
mod secret;
mod target;
mod unmet;

use super::{
    cached::CachedUser,
    context::{Context, id_of, reference},
    error::Error,
    memory::{Settled, UserMemory},
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
use target::StoreStamp;
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
const STALLED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// Pauses while a new key is not accepted yet.
const PROOF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Looks after one user.
///
/// # Errors
///
/// Those of the API server; what goes wrong on the backend is told in status.
pub async fn reconcile(cached: Arc<CachedUser>, ctx: Arc<Context>) -> Result<Action, Error> {
    let begun = Instant::now();
    let glance = match &cached.decoded {
        Ok(glance) => glance,
        Err(why) => {
            tell_undecodable(&cached, why, &ctx).await;
            return Ok(Action::await_change());
        }
    };
    ctx.caches_are_full().await;
    // As it is before the pass: what changes while it runs is to be looked at again.
    let store = StoreStamp::of(&glance.store, &cached.namespace().unwrap_or_default(), &ctx);
    if store.as_ref().is_some_and(|store| store.is_old(&ctx)) {
        return Ok(Action::requeue(STALE));
    }
    let uid = cached.uid().unwrap_or_default();
    let now = target::fingerprint(glance.digest, store.as_ref());
    if let Some(left) = quiet_for(&uid, now, &ctx) {
        ctx.metrics.reconciled(NAME, "quiet", begun.elapsed());
        return Ok(Action::requeue(left));
    }
    let mut memory = ctx.memory.take(&uid);
    // A pass that is cut off is like one that crashed, and the next goes on from there.
    let result = timeout(LIMIT, look_after(&cached, &mut memory, &ctx))
        .await
        .unwrap_or(Err(Error::Slow));
    if let Err(error @ (Error::Kube(_) | Error::Slow)) = &result {
        tracing::warn!(user = id_of(&*cached), %error, "the API server did not take a request");
    }
    let ended = if result.is_ok() { "success" } else { "error" };
    ctx.metrics.reconciled(NAME, ended, begun.elapsed());
    let Some(next) = next(&result, store.as_ref(), &mut memory, &ctx) else {
        ctx.memory.forget(&uid);
        return Ok(Action::await_change());
    };
    ctx.memory.put(&uid, memory, next.settled);
    Ok(Action::requeue(next.delay))
}

async fn tell_undecodable(cached: &CachedUser, why: &str, ctx: &Context) {
    tracing::warn!(user = id_of(cached), error = why, "undecodable ObjectUser");
    let note = format!("This object cannot be read, and nothing is done for it: {why}");
    let reference = cached.object_ref(&());
    ctx.tell(&reference, EventType::Warning, Reason::Undecodable, note)
        .await;
}

/// How long nothing is due, if nothing changed since the user was settled.
fn quiet_for(uid: &str, fingerprint: u64, ctx: &Context) -> Option<Duration> {
    let settled = ctx.memory.settled(uid)?;
    let left = ctx.clock.until(settled.until);
    (!left.is_zero() && settled.fingerprint == fingerprint).then_some(left)
}

async fn look_after(cached: &CachedUser, memory: &mut UserMemory, ctx: &Context) -> Result<Rest, Error> {
    let api = Api::<ObjectUser>::namespaced(ctx.client.clone(), &cached.namespace().unwrap_or_default());
    let user = api.get_opt(&cached.name_any()).await?.ok_or(Error::Gone)?;
    if user.uid() != cached.uid() {
        return Err(Error::Gone);
    }
    if user.metadata.deletion_timestamp.is_some() && user.finalizers().is_empty() {
        return Ok(Rest::Gone);
    }
    Pass::new(user, ctx).run(memory).await
}

/// What comes after a pass.
struct Next {
    delay: Duration,
    settled: Option<Settled>,
}

/// When to look again; `None`: never, the object is gone.
fn next(
    result: &Result<Rest, Error>,
    store: Option<&StoreStamp>,
    memory: &mut UserMemory,
    ctx: &Context,
) -> Option<Next> {
    let failures = memory.failures;
    let retry = |delay| (delay, None, failures.saturating_add(1));
    let (delay, settled, failures) = match *result {
        Ok(Rest::Gone) | Err(Error::Gone) => return None,
        Ok(Rest::Settled { digest, wake }) => {
            let until = until(ctx, wake, ctx.entropy.jitter(ctx.resync));
            let fingerprint = target::fingerprint(digest, store);
            (ctx.clock.until(until), Some(Settled { fingerprint, until }), 0)
        }
        Ok(Rest::Suspended) => (ctx.resync, None, 0),
        Ok(Rest::Retry {
            wake,
            due,
            retry_after,
        }) => {
            let most = if due { RETRY_DUE } else { RETRY.1 };
            let delay =
                backoff::delay(failures, RETRY.0, most).max(retry_after.unwrap_or_default().min(most));
            retry(soonest(ctx, wake, ctx.entropy.jitter(delay)))
        }
        Ok(Rest::Proof { wake }) => retry(soonest(ctx, wake, backoff::delay(failures, PROOF.0, PROOF.1))),
        Ok(Rest::Stalled { wake }) => {
            let delay = ctx.entropy.jitter(backoff::delay(failures, STALLED.0, STALLED.1));
            retry(soonest(ctx, wake, delay))
        }
        Err(Error::Stale) => retry(backoff::delay(failures, STALE, RETRY.0)),
        Err(Error::Kube(_) | Error::Slow) => {
            retry(ctx.entropy.jitter(backoff::delay(failures, RETRY.0, RETRY.1)))
        }
    };
    memory.failures = failures;
    Some(Next { delay, settled })
}

fn soonest(ctx: &Context, wake: Option<Timestamp>, delay: Duration) -> Duration {
    wake.map_or(delay, |at| ctx.clock.until(at).min(delay))
}

/// When something is due, or a resync from now.
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
