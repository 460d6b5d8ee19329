//! What the planner is told: the wish, the world as it was just read, and what this process remembers.

use super::{
    access::{BucketState, Limits, LimitsState, WantedGrant},
    capabilities::Capabilities,
    ids::{AccessKeyId, BucketName, CredentialId, RotateToken},
    ledger::Ledger,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The wish, parsed from spec and annotations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desired {
    /// The object is being deleted.
    pub deleting: bool,
    /// What a deletion does to the backend.
    pub deletion: Deletion,
    /// No backend call is to be made, unless the object is being deleted.
    pub suspend: bool,
    /// The store takes no users from here any more. What there is comes to its end as promised, and nothing new is made.
    pub closed: bool,
    /// Display name.
    pub label: String,
    /// No S3 operation may work.
    pub locked: bool,
    /// The token in the annotation, with the grace period for that rotation.
    pub rotate: Option<RotateRequest>,
    /// How long an old key stays valid.
    pub grace: Duration,
    /// Longest life of a key before the schedule asks for a rotation.
    pub interval: Option<Duration>,
    /// Consent to rotate where the backend cannot hold two keys.
    pub allow_interruption: bool,
    /// What to do when a rotation is asked for and no slot is free.
    pub on_key_limit: OnKeyLimit,
    /// Keys can be proven: there is somebody to ask, such as an S3 endpoint.
    pub provable: bool,
    /// Access to buckets.
    pub grants: BTreeMap<BucketName, WantedGrant>,
    /// Limits on what the user stores. What is not in it is left as it is, but lifted where this operator set it.
    pub limits: Limits,
}

/// A rotation asked for by annotation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RotateRequest {
    /// Handled once.
    pub token: RotateToken,
    /// Instead of the spec's grace period.
    pub grace: Option<Duration>,
}

/// `spec.deletionPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deletion {
    /// The user goes, unless it owns data.
    Delete,
    /// User, keys and Secret stay.
    Retain,
}

/// `spec.rotation.onKeyLimit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnKeyLimit {
    /// Wait until the oldest key's grace period ends.
    Wait,
    /// End the oldest key's grace period now.
    RevokeOldest,
}

/// The user on the backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserState {
    /// Not there.
    Absent,
    /// There and not ours: without our mark, or with rights that no user of ours may have.
    Foreign,
    /// Ours.
    Ours {
        /// Display name as it is.
        label: String,
        /// Locked as it is.
        locked: bool,
    },
}

/// When a key was last used, as far as the backend tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastUse {
    /// It does not tell.
    Unknown,
    /// Not since it was made.
    Never,
    /// At this time, or a little later: backends tell it with a delay.
    At(Timestamp),
}

/// The Kubernetes Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretState {
    /// Not there.
    Absent,
    /// There and somebody else's.
    Foreign,
    /// Ours.
    Ours(Published),
}

impl SecretState {
    /// What it says, where it is ours.
    pub fn ours(&self) -> Option<&Published> {
        match self {
            Self::Ours(published) => Some(published),
            Self::Absent | Self::Foreign => None,
        }
    }

    /// The key in it, where it is ours.
    pub fn key(&self) -> Option<&CredentialId> {
        self.ours()?.key.as_ref()
    }
}

/// What our Secret says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Published {
    /// The key in it, where its secret half is right as far as that can be known.
    pub key: Option<CredentialId>,
    /// Everything else in it is as it should be: formats, labels, no leftover under an older name.
    pub intact: bool,
    /// When this key was first published.
    pub at: Option<Timestamp>,
    /// Tokens handled by then: the mirror that survives a lost status.
    pub handled: Vec<RotateToken>,
    /// Keys in grace by then, with its end: the mirror that survives a lost status.
    pub retiring: BTreeMap<CredentialId, Timestamp>,
}

/// Everything a plan is made of.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The wish.
    pub desired: &'a Desired,
    /// What the backend can do.
    pub capabilities: &'a Capabilities,
    /// Our finalizer is on the object.
    pub finalizer: bool,
    /// The user, read just now.
    pub user: &'a UserState,
    /// This process deleted the user, so that it is not there for certain. Lost in a crash, on purpose.
    pub deleted: bool,
    /// Keys on the backend, read just now.
    pub live: &'a BTreeSet<CredentialId>,
    /// Limits of the user, as far as they are known.
    pub limits: &'a LimitsState,
    /// Buckets that the wish or the record names, read just now.
    pub buckets: &'a BTreeMap<BucketName, BucketState>,
    /// The Secret, read just now.
    pub secret: &'a SecretState,
    /// From status, read together with its resource version.
    pub ledger: &'a Ledger,
    /// Keys whose secret half this process holds now: just issued, or read from the backend or the Secret.
    pub in_hand: &'a BTreeSet<CredentialId>,
    /// Keys that this process has seen a signed request accepted for.
    pub proven: &'a BTreeSet<CredentialId>,
    /// The attempt whose intent this process wrote itself and has not used yet. Lost in a crash, on purpose.
    pub fence: Option<u32>,
    /// The attempt for which this process put a new resource version on the Secret itself
    /// ([`Action::FenceSecret`](super::plan::Action::FenceSecret)). Lost in a crash, on purpose.
    pub secret_fence: Option<u32>,
    /// Randomness drawn for this plan.
    pub draw: &'a Draw,
    /// The time of this plan.
    pub now: Timestamp,
}

/// Randomness for one plan. A plan that does not need it leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// An access key id that was never used.
    pub access_key_id: AccessKeyId,
    /// How much earlier than its interval a scheduled rotation is due, in thousandths of the interval: 0 to 100.
    pub jitter_permille: u16,
}
