//! The part of status that decisions depend on: ids and times, never a secret.

use super::{
    access::{Limits, Permission},
    ids::{AccessKeyId, BucketName, CredentialId, RotateToken},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many handled tokens are remembered, newest first.
pub const HANDLED_TOKENS_MAX: usize = 16;

/// How long an access key id that was tried and did not appear is watched for: a request that hangs in a gateway may
/// be carried out this late.
pub const ABANDONED_WATCH: Duration = Duration::from_hours(1);

/// How many such ids are watched for at most. Beyond it no further try is made, so that status stays small.
pub const ABANDONED_MAX: usize = 16;

/// How long a withdrawn grant is looked for: a request that hangs in a gateway, or an operator that was paused, may
/// bring it back this late.
pub const WITHDRAWN_WATCH: Duration = Duration::from_hours(1);

/// How many grants are on record at most, and how many that were withdrawn: status has a bound. The spec names 64.
pub const GRANTS_MAX: usize = 256;

/// What was done and what is under way for one user.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ledger {
    /// Tokens that never ask again, newest first, at most [`HANDLED_TOKENS_MAX`].
    pub handled: Vec<RotateToken>,
    /// Written before a key is issued, closed when the key is published.
    pub intent: Option<Intent>,
    /// Keys of ours that live, or lived when last seen.
    pub credentials: BTreeMap<CredentialId, Issued>,
    /// Ids that were tried without a clear answer, and until when they are watched for. Should one appear, it goes.
    pub abandoned: BTreeMap<CredentialId, Timestamp>,
    /// When the last rotation was completed.
    pub last_rotation: Option<Timestamp>,
    /// When the schedule asks next; jitter is in it.
    pub next_rotation: Option<Timestamp>,
    /// Grants that were made or are about to be, each written before the backend is asked. Only these are ever changed or
    /// withdrawn.
    pub grants: BTreeMap<BucketName, Permission>,
    /// Grants that were withdrawn, and until when they are looked for. Should one come back, it goes again.
    pub withdrawn: BTreeMap<BucketName, Timestamp>,
    /// Limits that were set or are about to be. Only these are ever lifted.
    pub limits: Limits,
}

/// What is known of a key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issued {
    /// When it was asked for.
    pub issue_time: Timestamp,
    /// When it was last proven by a signed request; `None`: not yet (locked, or no S3).
    pub verified_time: Option<Timestamp>,
    /// When it is to be revoked; `None`: it is the one that applications use.
    pub revoke_time: Option<Timestamp>,
}

/// Why a key is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The user has none yet.
    First,
    /// By annotation (the intent has its token) or by schedule (it has none).
    Rotate,
    /// The published key or its secret half is lost. Consumes no token.
    Repair,
}

/// A key is about to be issued. Written with a compare-and-swap, and again before every further try: the write is
/// the fence that keeps an operator with a stale view from issuing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Intent {
    /// Why.
    pub cause: Cause,
    /// Handled when this intent is closed.
    pub token: Option<RotateToken>,
    /// How long the keys before it stay valid after it is published.
    pub grace: Duration,
    /// The id that will be issued, where the client chooses it. A new one for every try.
    pub access_key_id: Option<AccessKeyId>,
    /// Keys that were there when the intent was first written.
    pub before: BTreeSet<CredentialId>,
    /// Counts tries from 1.
    pub attempt: u32,
    /// When it was first written.
    pub start: Timestamp,
    /// When the latest try was written.
    pub attempt_time: Timestamp,
}

impl Ledger {
    /// Nothing of keys was ever recorded: a new object, or one whose status was lost. Grants and limits come before the
    /// first key and say nothing about it.
    pub fn is_blank(&self) -> bool {
        self.credentials.is_empty() && self.intent.is_none() && self.handled.is_empty()
    }

    /// The key that applications use, by our record.
    pub fn current(&self) -> Option<&CredentialId> {
        self.credentials
            .iter()
            .find(|(_, k)| k.revoke_time.is_none())
            .map(|(id, _)| id)
    }

    /// Keys in their grace period, with its end.
    pub fn retiring(&self) -> impl Iterator<Item = (&CredentialId, Timestamp)> {
        self.credentials
            .iter()
            .filter_map(|(id, k)| k.revoke_time.map(|at| (id, at)))
    }

    /// Keys whose grace period is over.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &CredentialId> {
        self.retiring()
            .filter(move |(_, at)| *at <= now)
            .map(|(id, _)| id)
    }

    /// Whether this key was ever ours.
    pub fn knows(&self, id: &CredentialId) -> bool {
        self.credentials.contains_key(id) || self.abandoned.contains_key(id)
    }

    /// Remembers a token as handled, newest first; a token that is remembered already moves to the front.
    pub fn handle(&mut self, token: RotateToken) {
        self.handled.retain(|t| *t != token);
        self.handled.insert(0, token);
        self.handled.truncate(HANDLED_TOKENS_MAX);
    }
}

/// `at + by`, rounded up to a whole second as Kubernetes stores it; or the end of time where that lies beyond it.
pub fn after(at: Timestamp, by: Duration) -> Timestamp {
    let by = Duration::from_secs(by.as_secs().saturating_add(u64::from(by.subsec_nanos() > 0)));
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}
