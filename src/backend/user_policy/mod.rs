//! Access to buckets where grants are a policy of the user's own, and a bucket belongs to the account: what the drivers of
//! such storage have in common.
//!
//! - A bucket's admin consents by a tag of the bucket, which none of our permissions lets anybody write, and which ends with
//!   the bucket.
//! - A bucket is made by several calls. Before it is there, the user's policy says that it is being made for this user; after
//!   that it counts as made by this as long as it is empty and has no tags. The first grant tags it.
//! - A grant may outlive its bucket. It is told as one to be put right, so that it is gone before another bucket of the name is
//!   somebody's.

mod bucket;
mod document;
mod reach;

pub use bucket::Buckets;
pub use document::Document;
pub use reach::reaches_all_buckets;

use super::access::{FoundBucket, Grantee, check_bucket};
use super::call::Call;
use super::turns::Turns;
use super::{ErrorKind, Outcome, Result};
use crate::domain::access::{Held, Permission};
use crate::domain::ids::{BucketName, NamespaceMark};
use async_trait::async_trait;
use bucket::{Look, Settings};

/// Of policies that are read, changed and written back, by endpoint and user. Two stores may be one server.
static POLICIES: Turns = Turns::new();

const CONSENT: &str = "gracekey-trusts-";
const CONSENT_VALUE: &str = "true";

/// The key of the tag by which a bucket's admin consents to grants for users of a namespace; its value is `true`.
fn consent(namespace: &NamespaceMark) -> String {
    format!("{CONSENT}{namespace}")
}

/// Storage whose users hold their grants in a policy of their own.
#[async_trait]
pub trait Store: Sync {
    /// Where its buckets are.
    fn buckets(&self) -> &Buckets;

    /// Sees that a user can be called so.
    fn check_user(&self, call: &Call, to: &Grantee) -> Result<()>;

    /// The policy of a user that is there and this owner's: empty where it has none, `None` where it is not there or another's.
    async fn policy(&self, to: &Grantee) -> Result<Option<Document>>;

    /// Puts the policy in place of what there is, for a user that [`policy`](Self::policy) has shown; an empty one is
    /// removed. Whoever may not be given one, such as an admin, is a `Conflict`.
    async fn put_policy(&self, to: &Grantee, policy: &Document) -> Result<()>;
}

/// For [`Driver::find_bucket`](super::Driver::find_bucket).
pub async fn find(store: &dyn Store, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
    check(store, "FindBucket", to, bucket)?;
    let look = store.buckets().look(bucket).await?;
    let policy = store.policy(to).await?.unwrap_or_default();
    let held = policy.held(bucket);
    Ok(match &look {
        Look::Missing if held == Held::Nothing => FoundBucket::Missing,
        Look::Missing => FoundBucket::Open(Held::Otherwise),
        Look::There(settings) if is_open(to, bucket, settings, &policy) => FoundBucket::Open(held),
        Look::There(_) | Look::Refused => FoundBucket::Closed {
            held: Some(held),
            advice: advice(to, bucket, &look),
        },
    })
}

/// For [`Driver::make_bucket`](super::Driver::make_bucket).
pub async fn make(store: &dyn Store, to: &Grantee, bucket: &BucketName) -> Result<()> {
    let call = check(store, "MakeBucket", to, bucket)?;
    let _turn = turn(store, to).await;
    let Some(mut policy) = store.policy(to).await? else {
        return Err(call.refuse(ErrorKind::NotFound, NO_USER));
    };
    match store.buckets().look(bucket).await? {
        Look::Missing => {}
        Look::There(settings) if is_new(bucket, &settings, &policy) => return Ok(()),
        look @ (Look::There(_) | Look::Refused) => {
            return Err(call.refuse(ErrorKind::Conflict, &advice(to, bucket, &look)));
        }
    }
    if !policy.makes(bucket) {
        policy.make(bucket);
        store.put_policy(to, &policy).await?;
    }
    let made = store.buckets().make(bucket).await;
    if made
        .as_ref()
        .is_err_and(|error| error.outcome == Outcome::NotApplied)
    {
        // Else a bucket that somebody else makes would be taken for this one.
        policy.set(bucket, None);
        store.put_policy(to, &policy).await?;
    }
    made
}

/// For [`Driver::set_grant`](super::Driver::set_grant).
pub async fn set(
    store: &dyn Store,
    to: &Grantee,
    bucket: &BucketName,
    what: Option<Permission>,
) -> Result<()> {
    let call = check(store, "SetGrant", to, bucket)?;
    let _turn = turn(store, to).await;
    let look = store.buckets().look(bucket).await?;
    let Some(mut policy) = store.policy(to).await? else {
        return what.map_or(Ok(()), |_| Err(call.refuse(ErrorKind::NotFound, NO_USER)));
    };
    let held = policy.held(bucket);
    if look == Look::Missing {
        if held != Held::Nothing {
            policy.set(bucket, None);
            store.put_policy(to, &policy).await?;
        }
        let missing = || call.refuse(ErrorKind::NotFound, "there is no such bucket");
        return what.map_or(Ok(()), |_| Err(missing()));
    }
    if held == what.map_or(Held::Nothing, Held::As) {
        return Ok(());
    }
    if what.is_some() {
        let Look::There(settings) = &look else {
            return Err(call.refuse(ErrorKind::Conflict, &advice(to, bucket, &look)));
        };
        if !is_open(to, bucket, settings, &policy) {
            return Err(call.refuse(ErrorKind::Conflict, &advice(to, bucket, &look)));
        }
        if is_new(bucket, settings, &policy) {
            let key = consent(&to.namespace);
            store.buckets().tag(bucket, &key, CONSENT_VALUE).await?;
        }
    }
    policy.set(bucket, what);
    store.put_policy(to, &policy).await
}

/// Whether grants on it may go to this user.
fn is_open(to: &Grantee, bucket: &BucketName, settings: &Settings, policy: &Document) -> bool {
    let tag = settings.tags.get(&consent(&to.namespace));
    to.at_home || tag.is_some_and(|value| value == CONSENT_VALUE) || is_new(bucket, settings, policy)
}

/// Whether it was made for this user, who has got nothing of it yet.
fn is_new(bucket: &BucketName, settings: &Settings, policy: &Document) -> bool {
    policy.makes(bucket) && settings.is_empty && settings.tags.is_empty()
}

/// Why a bucket is closed, and what its admin has to do.
fn advice(to: &Grantee, bucket: &BucketName, look: &Look) -> String {
    let key = consent(&to.namespace);
    if *look == Look::Refused {
        return format!(
            "The bucket {bucket} belongs to somebody else, or the admin may not see it (s3:ListBucket, s3:GetBucketTagging), so \
             it cannot be given."
        );
    }
    format!(
        "The bucket {bucket} is not open to users of this namespace. Its admin opens it by adding the tag {key} with the value \
         {CONSENT_VALUE} to the bucket; tools that set tags replace the others."
    )
}

async fn turn(store: &dyn Store, to: &Grantee) -> tokio::sync::OwnedMutexGuard<()> {
    let endpoint = store.buckets().endpoint.as_str();
    POLICIES.take(format!("{endpoint}/{}", to.user)).await
}

fn check(store: &dyn Store, operation: &'static str, to: &Grantee, bucket: &BucketName) -> Result<Call> {
    let call = store.buckets().call(operation, bucket);
    store.check_user(&call, to)?;
    check_bucket(&call, bucket)?;
    Ok(call)
}

const NO_USER: &str = "the user is not on the backend";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{OwnerMark, UserName};

    fn grantee(namespace: &str, at_home: bool) -> Grantee {
        Grantee {
            user: UserName::new("u"),
            owner: OwnerMark::new("a".repeat(32)),
            namespace: NamespaceMark::new(namespace.repeat(32)),
            at_home,
        }
    }

    fn tagged(key: &str, value: &str) -> Settings {
        Settings {
            is_empty: true,
            tags: [(key.to_owned(), value.to_owned())].into(),
        }
    }

    #[test]
    fn a_bucket_is_open_by_the_tag_for_its_namespace_alone() {
        let bucket = BucketName::new("data");
        let is = |to: &Grantee, settings: &Settings| is_open(to, &bucket, settings, &Document::default());
        let (ours, theirs) = (grantee("c", false), grantee("d", false));
        let key = consent(&ours.namespace);
        assert!(is(&ours, &tagged(&key, "true")) && !is(&theirs, &tagged(&key, "true")));
        assert!(!is(&ours, &tagged(&key, "false")) && !is(&ours, &Settings::default()));
        assert!(is(&grantee("d", true), &Settings::default()));
        let told = advice(&ours, &bucket, &Look::There(Settings::default()));
        assert!(told.contains(&key) && told.contains("data"), "{told}");
    }

    #[test]
    fn a_bucket_counts_as_made_for_a_user_while_it_is_empty_and_has_no_tags() {
        let bucket = BucketName::new("data");
        let mut policy = Document::default();
        let blank = Settings {
            is_empty: true,
            ..Settings::default()
        };
        assert!(!is_new(&bucket, &blank, &policy));
        policy.make(&bucket);
        assert!(is_new(&bucket, &blank, &policy));
        assert!(!is_new(&bucket, &tagged("a", "b"), &policy));
        assert!(!is_new(&bucket, &Settings::default(), &policy));
        assert!(!is_new(&BucketName::new("other"), &blank, &policy));
    }
}
