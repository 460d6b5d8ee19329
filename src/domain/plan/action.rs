//! What a plan can ask for.

use crate::domain::{
    access::{LimitChanges, Permission, Resource},
    ids::{AccessKeyId, BucketName, CredentialId, RotateToken},
    ledger::Ledger,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One step. All but [`Action::Issue`] may be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Put our finalizer on the object; before anything is made on the backend.
    AddFinalizer,
    /// Take it off; the object is gone after that.
    RemoveFinalizer,
    /// Make the user, marked as ours, locked or not.
    CreateUser,
    /// Change the display name.
    SetLabel,
    /// Lock or unlock.
    SetLocked(bool),
    /// Set or lift limits of the user.
    SetLimits(LimitChanges),
    /// Make a bucket that was seen missing. It is never deleted.
    MakeBucket(BucketName),
    /// Give the user this access to a bucket, or withdraw what this operator gave.
    SetGrant(BucketName, Option<Permission>),
    /// Delete the user with its keys; refused by the backend while it owns data.
    DeleteUser,
    /// Write status, if it is still the one that was read.
    WriteLedger(Box<Ledger>, Change),
    /// Issue a key. The intent in the ledger names it, and this process wrote that intent.
    Issue {
        /// The id to give it, where the client chooses.
        access_key_id: Option<AccessKeyId>,
        /// When the backend is to end the previous secret by itself.
        expire_previous: Option<Duration>,
    },
    /// See a signed request accepted on every endpoint.
    Prove(CredentialId),
    /// Write the Secret with a key that was not in it before.
    Publish {
        /// The key.
        id: CredentialId,
        /// What the Secret is to remember beside it.
        mirror: Box<Mirror>,
    },
    /// Write the Secret again with the key that belongs there. The time of its publication stays where it is known.
    RestoreSecret {
        /// The key.
        id: CredentialId,
        /// What the Secret is to remember beside it.
        mirror: Box<Mirror>,
    },
    /// Give our Secret a new resource version and change nothing else in it (an annotation of ours that differs each
    /// time: a write without a difference has no effect), so that a slower operator, which still holds the half of a
    /// key that is about to go, is refused when it publishes it. Names the attempt that it is done for.
    FenceSecret(u32),
    /// Remove the key, and see it refused.
    Revoke(CredentialId),
    /// Delete our Secret.
    DeleteSecret,
    /// Leave our Secret behind: the object is deleted, user and keys are retained.
    ReleaseSecret,
}

impl Action {
    /// Doing it twice is not the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Issue { .. })
    }
}

/// What the Secret remembers for the day when status is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// Handled tokens, with the one that this publication completes.
    pub handled: Vec<RotateToken>,
    /// Keys whose grace period begins with this publication, or is running.
    pub retiring: BTreeMap<CredentialId, Timestamp>,
}

/// Why the ledger is written. Decides which event is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// An intent is opened, or its next attempt recorded.
    Intent,
    /// The published key is the one in use now; an open intent is closed.
    Adopted(CredentialId),
    /// Keys that are gone are forgotten.
    Forgotten(BTreeSet<CredentialId>),
    /// The published key was proven after all.
    Verified,
    /// The next scheduled rotation is set or cleared.
    Scheduled,
    /// A token was recorded as handled without a rotation.
    TokenRecorded,
    /// Grants and limits are about to be changed, or were seen gone.
    Access,
}

/// What of `spec.access` and `spec.quota` cannot be had now. None of it holds up a rotation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmet {
    /// The backend cannot grant access to buckets.
    GrantsUnsupported,
    /// The backend cannot limit this.
    LimitUnsupported(Resource),
    /// The backend limits this to whole multiples of so much, and what is wished is none. What was set before stays.
    LimitNotWhole(Resource, u64),
    /// The bucket is not there, and is not to be made or cannot be.
    BucketMissing(BucketName),
    /// The bucket is there, and its owner did not consent.
    BucketClosed(BucketName),
    /// A grant of ours is to go, and its bucket cannot be looked into any more.
    GrantLeft(BucketName),
    /// The bucket could not be read or changed in this pass.
    BucketUnknown(BucketName),
    /// What was asked of the bucket in this pass was refused, and somebody has to change something.
    BucketRefused(BucketName),
    /// The limits could not be read or changed in this pass, or that is refused.
    LimitsUnknown,
}

/// Why the key that is wanted cannot be had now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Blocked {
    /// A user of that name exists and is not ours.
    UserConflict,
    /// The store takes no users from this namespace any more: no user is made and no key issued.
    StoreClosed,
    /// A Secret of that name exists and is not ours.
    SecretConflict,
    /// The backend kills the old key when a new one is issued, and there is no consent to that.
    NoOverlap,
    /// All slots are taken and one will be free at this time.
    RotationQueued(Timestamp),
    /// All slots are taken by keys that are not ours to remove.
    KeyLimitReached,
    /// More keys appeared during an intent than were tried: somebody else is at work.
    UnknownKeys,
    /// Too many tries without a clear answer are watched for; the next is made at this time.
    AttemptsExhausted(Timestamp),
    /// The object is deleted, its user retained, and an old key is valid until then.
    GracePeriodRuns(Timestamp),
    /// The object is deleted, and a key was asked for that would bring its user along: until then it may still do so.
    AnswerOutstanding(Timestamp),
    /// The object is deleted, its user retained, and a key was asked for without a clear answer: until then it may come up.
    KeyOutstanding(Timestamp),
    /// The object is deleted, and its user or a key that has to go is not seen: until then that may be because reads lag.
    AbsenceLags(Timestamp),
    /// A try to issue a key had no clear answer, and a list that lags may not show its key until then.
    AnswerLags(Timestamp),
    /// The key of the record is not seen: until then that may be because reads lag, and from then on it is replaced.
    KeyUnseen(Timestamp),
    /// The backend cannot lock without losing keys.
    LockUnsupported,
    /// Suspended by its spec.
    Suspended,
}

/// What to do now, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// In this order; at most one is not repeatable, and it is the last.
    pub actions: Vec<Action>,
    /// Why something wanted is not among them.
    pub blocked: Option<Blocked>,
    /// When a grace period, a watch or a schedule is due next.
    pub wake: Option<Timestamp>,
    /// Keys on the backend that nobody here knows of.
    pub unknown: BTreeSet<CredentialId>,
    /// What of access and quota cannot be had now.
    pub unmet: BTreeSet<Unmet>,
}

impl Plan {
    /// A key is to go now.
    pub fn revokes(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::Revoke(_)))
    }
}
