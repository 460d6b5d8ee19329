//! Access to buckets where grants are a policy of the user's own, and a bucket belongs to the account: what the drivers of
//! such storage have in common.
//!
//! - A bucket's admin consents by a tag of the bucket, which none of our permissions lets anybody write, and which ends with
//!   the bucket.
//! - A bucket is made by several calls. Before it is there, the user's policy says that it is being made for this user; after
//!   that it counts as made by this as long as it is empty and has no tags. The first grant tags it. The record ends when the bucket
//!   is seen and is somebody else's, and when it is refused.
//! - A user that reaches all buckets by other rights is given none: its grants would mean nothing.
//! - A grant may outlive its bucket. It is told as one to be put right, so that it is gone before another bucket of the name is
//!   somebody's.

mod bucket;
mod consent;
mod document;
mod reach;

pub use bucket::Buckets;
pub use document::Document;
pub use reach::reaches_all_buckets;

use super::access::{FoundBucket, Grantee, check_bucket};
use super::call::Call;
use super::turns::Turns;
use super::{Error, ErrorKind, Outcome, Result};
use crate::domain::access::{Held, Permission};
use crate::domain::ids::BucketName;
use async_trait::async_trait;
use bucket::Look;
use consent::{CONSENT_VALUE, advice, consent, is_new, is_open, is_taken};
use tokio::sync::OwnedMutexGuard;

/// Of policies that are read, changed and written back, by endpoint and user. Two stores may be one server.
static POLICIES: Turns = Turns::new();

/// Of buckets that are made, or tagged for who made them, by endpoint and bucket. It is taken before that of the policy.
static BUCKETS: Turns = Turns::new();

/// A user that is there and this owner's, as it was just read.
#[derive(Debug)]
pub struct Holder<U> {
    /// As its driver knows it.
    pub user: U,
    /// Its policy: empty where it has none.
    pub policy: Document,
}

/// Storage whose users hold their grants in a policy of their own.
#[async_trait]
pub trait Store: Sync {
    /// A user, as its driver knows it.
    type User: Send + Sync;

    /// Where its buckets are.
    fn buckets(&self) -> &Buckets;

    /// Sees that a user can be called so.
    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()>;

    /// The policy as it goes to the storage.
    fn text(&self, policy: &Document) -> String {
        policy.text()
    }

    /// Most bytes that this text may have.
    fn room(&self) -> usize;

    /// The user with its policy; `None` where it is not there or another's.
    async fn holder(&self, to: &Grantee) -> Result<Option<Holder<Self::User>>>;

    /// By which other rights a user that was just read reaches all buckets, and what to do, for a person. It takes several calls, and
    /// whatever becomes of them, what was given can be taken back: it is asked only where something is to be given.
    async fn beyond(&self, to: &Grantee, user: &Self::User) -> Result<Option<String>>;

    /// Puts the policy in place of what there is, for a user that was just read; an empty one is removed. Whoever may not be
    /// given one, such as an admin, is a `Conflict`.
    async fn put_policy(&self, to: &Grantee, user: &Self::User, policy: &Document) -> Result<()>;
}

/// For [`Driver::find_bucket`](super::Driver::find_bucket).
pub async fn find(store: &impl Store, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
    check(store, "FindBucket", to, bucket)?;
    let look = store.buckets().look(bucket).await?;
    let (policy, user) = match store.holder(to).await? {
        Some(holder) => (holder.policy, Some(holder.user)),
        None => (Document::default(), None),
    };
    if is_taken(to, bucket, &look, &policy) {
        end_making(store, to, bucket).await?;
    }
    let held = policy.held(bucket);
    let beyond = match &user {
        Some(user) if look != Look::Missing => beyond_beside(store, to, user, held).await?,
        Some(_) | None => None,
    };
    let closed = |advice| FoundBucket::Closed {
        held: Some(held),
        advice,
    };
    Ok(match (&look, beyond) {
        (Look::Missing, _) if held == Held::Nothing => FoundBucket::Missing,
        (Look::Missing, _) => FoundBucket::Open(Held::Otherwise),
        (_, Some(beyond)) => closed(beyond),
        (Look::There(settings), None) if is_open(to, bucket, settings, &policy) => FoundBucket::Open(held),
        (Look::There(_) | Look::Refused, None) => closed(advice(to, bucket, &look)),
    })
}

/// What the user may do otherwise, where it holds this. That this cannot be told hides no grant, which may have to go: what time heals
/// closes nothing either, as a grant is looked at again before it is changed, and one that is closed may be taken away.
async fn beyond_beside<S: Store>(
    store: &S,
    to: &Grantee,
    user: &S::User,
    held: Held,
) -> Result<Option<String>> {
    match store.beyond(to, user).await {
        Err(error) if held == Held::Nothing => Err(error),
        Err(error) if error.is_passing() => Ok(None),
        Err(error) => Ok(Some(format!(
            "What the user {} may do beside its grants cannot be read, so that access to buckets can only be taken from it: {error}.",
            to.user
        ))),
        told => told,
    }
}

/// For [`Driver::make_bucket`](super::Driver::make_bucket).
pub async fn make(store: &impl Store, to: &Grantee, bucket: &BucketName) -> Result<()> {
    let call = check(store, "MakeBucket", to, bucket)?;
    let _turns = turns(store, to, bucket).await;
    let Some(mut holder) = store.holder(to).await? else {
        return Err(call.refuse(ErrorKind::NotFound, NO_USER));
    };
    check_beyond(store, &call, to, &holder.user).await?;
    let refusal = match store.buckets().look(bucket).await? {
        // What is to be granted is not known yet, and a bucket that cannot be given is not to be made.
        Look::Missing => check_room(store, &call, &holder.policy.with_most(bucket)).err(),
        Look::There(settings) if is_new(bucket, &settings, &holder.policy) => return Ok(()),
        look @ (Look::There(_) | Look::Refused) => {
            Some(call.refuse(ErrorKind::Conflict, &advice(to, bucket, &look)))
        }
    };
    if let Some(refusal) = refusal {
        return Err(refused(store, to, bucket, holder, refusal).await);
    }
    if !holder.policy.makes(bucket) {
        holder.policy.make(bucket);
        store.put_policy(to, &holder.user, &holder.policy).await?;
    }
    let made = store.buckets().make(bucket).await;
    if made
        .as_ref()
        .is_err_and(|error| error.outcome == Outcome::NotApplied)
        && let Some(there) = store.holder(to).await?
    {
        // Else a bucket that somebody else makes would be taken for this one.
        holder.policy.set(bucket, None);
        store.put_policy(to, &there.user, &holder.policy).await?;
    }
    made
}

/// For [`Driver::set_grant`](super::Driver::set_grant).
pub async fn set(
    store: &impl Store,
    to: &Grantee,
    bucket: &BucketName,
    what: Option<Permission>,
) -> Result<()> {
    let call = check(store, "SetGrant", to, bucket)?;
    let _turns = turns(store, to, bucket).await;
    let Some(mut holder) = store.holder(to).await? else {
        return what.map_or(Ok(()), |_| Err(call.refuse(ErrorKind::NotFound, NO_USER)));
    };
    let (held, is_made) = (holder.policy.held(bucket), holder.policy.makes(bucket));
    let Some(permission) = what else {
        if held == Held::Nothing && !is_made {
            return Ok(());
        }
        holder.policy.set(bucket, None);
        return store.put_policy(to, &holder.user, &holder.policy).await;
    };
    let look = store.buckets().look(bucket).await?;
    if look == Look::Missing {
        if held != Held::Nothing {
            holder.policy.set(bucket, None);
            store.put_policy(to, &holder.user, &holder.policy).await?;
        }
        return Err(call.refuse(ErrorKind::NotFound, "there is no such bucket"));
    }
    check_beyond(store, &call, to, &holder.user).await?;
    if held == Held::As(permission) {
        return Ok(());
    }
    let mut wanted = holder.policy.clone();
    wanted.set(bucket, what);
    match admit(store, &call, to, bucket, (&look, &holder.policy, &wanted)).await {
        Ok(()) => store.put_policy(to, &holder.user, &wanted).await,
        // Whether it is somebody else's cannot be told.
        Err(refusal) if look == Look::Refused => Err(refusal),
        Err(refusal) => Err(refused(store, to, bucket, holder, refusal).await),
    }
}

/// Sees that the user has no other rights beside which a grant would mean nothing.
async fn check_beyond<S: Store>(store: &S, call: &Call, to: &Grantee, user: &S::User) -> Result<()> {
    match store.beyond(to, user).await? {
        Some(beyond) => Err(call.refuse(ErrorKind::Conflict, &beyond)),
        None => Ok(()),
    }
}

/// Sees that the bucket may be given, and that there is room for it; and tags one that was made for this user.
async fn admit(
    store: &impl Store,
    call: &Call,
    to: &Grantee,
    bucket: &BucketName,
    (look, policy, wanted): (&Look, &Document, &Document),
) -> Result<()> {
    let closed = |look: &Look| call.refuse(ErrorKind::Conflict, &advice(to, bucket, look));
    let Look::There(settings) = look else {
        return Err(closed(look));
    };
    if !is_open(to, bucket, settings, policy) {
        return Err(closed(look));
    }
    check_room(store, call, wanted)?;
    if !is_new(bucket, settings, policy) {
        return Ok(());
    }
    // Another process may have tagged it for its own user meanwhile.
    let look = store.buckets().look(bucket).await?;
    if !matches!(&look, Look::There(settings) if is_new(bucket, settings, policy)) {
        return Err(closed(&look));
    }
    let key = consent(&to.namespace);
    store.buckets().tag(bucket, &key, CONSENT_VALUE).await
}

/// The refusal, once the record that the bucket is being made has ended with it.
async fn refused<S: Store>(
    store: &S,
    to: &Grantee,
    bucket: &BucketName,
    holder: Holder<S::User>,
    refusal: Error,
) -> Error {
    if refusal.kind != ErrorKind::Conflict {
        return refusal;
    }
    forget(store, to, bucket, holder).await.err().unwrap_or(refusal)
}

/// Ends the record that the bucket is being made for this user.
async fn forget<S: Store>(
    store: &S,
    to: &Grantee,
    bucket: &BucketName,
    mut holder: Holder<S::User>,
) -> Result<()> {
    if !holder.policy.makes(bucket) {
        return Ok(());
    }
    holder.policy.set(bucket, None);
    store.put_policy(to, &holder.user, &holder.policy).await
}

/// The same for one that is somebody else's by now, if it still is when the turn has come.
async fn end_making(store: &impl Store, to: &Grantee, bucket: &BucketName) -> Result<()> {
    let _turns = turns(store, to, bucket).await;
    let look = store.buckets().look(bucket).await?;
    match store.holder(to).await? {
        Some(holder) if is_taken(to, bucket, &look, &holder.policy) => {
            forget(store, to, bucket, holder).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Sees that there is room for this policy.
pub(super) fn check_room(store: &impl Store, call: &Call, policy: &Document) -> Result<()> {
    let (taken, room) = (store.text(policy).len(), store.room());
    if taken <= room {
        return Ok(());
    }
    let text = format!(
        "the user's access to buckets would take up to {taken} bytes, and there is room for {room} in its policy: name fewer \
         buckets, or spread them over several users"
    );
    Err(call.refuse(ErrorKind::Conflict, &text))
}

/// Those of the bucket and of the user's policy.
async fn turns(store: &impl Store, to: &Grantee, bucket: &BucketName) -> [OwnedMutexGuard<()>; 2] {
    let endpoint = store.buckets().endpoint.as_str();
    let of_bucket = BUCKETS.take(format!("{endpoint}/{bucket}")).await;
    [of_bucket, POLICIES.take(format!("{endpoint}/{}", to.user)).await]
}

fn check(store: &impl Store, operation: &'static str, to: &Grantee, bucket: &BucketName) -> Result<Call> {
    let call = store.buckets().call(operation, bucket);
    store.check_user(&call, to)?;
    check_bucket(&call, bucket)?;
    Ok(call)
}

const NO_USER: &str = "the user is not on the backend";
