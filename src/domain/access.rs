//! What a user may do beside holding keys: grants on buckets, and limits on what it stores.

use std::collections::BTreeMap;

/// What a grant lets a user do with a bucket. What that is in calls of S3 is the driver's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read and list objects.
    ReadOnly,
    /// Store objects, and neither read nor list them; nor delete them, where the backend tells that apart.
    WriteOnly,
    /// All of that, and delete objects. Never the settings of the bucket.
    ReadWrite,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::WriteOnly, Self::ReadWrite];
}

/// A grant as the spec wishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WantedGrant {
    /// What it is to allow.
    pub permission: Permission,
    /// The bucket is made where it is missing.
    pub create: bool,
}

/// What a bucket shows of a grant of ours for one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// None.
    Nothing,
    /// One that allows exactly this.
    As(Permission),
    /// One that allows something else: edited by hand, or of an earlier version of this operator.
    Otherwise,
}

impl Held {
    /// It allows something that this permission does not.
    pub fn exceeds(self, permission: Permission) -> bool {
        match self {
            Self::Nothing => false,
            Self::As(held) => held != permission && permission != Permission::ReadWrite,
            Self::Otherwise => true,
        }
    }

    /// It allows all that this permission does, and more.
    pub fn includes_more_than(self, permission: Permission) -> bool {
        self == Self::As(Permission::ReadWrite) && permission != Permission::ReadWrite
    }
}

/// A bucket of the spec or of the record, as it was just read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketState {
    /// There is none of this name.
    Missing,
    /// It is there and not for us to give: its owner did not consent. `None`: it cannot even be looked into; else a grant
    /// of ours that is still there can be withdrawn.
    Closed(Option<Held>),
    /// It is there, and its owner lets us grant on it.
    Open(Held),
    /// It could not be read, or a change of it failed in this pass, in a way that time heals.
    Unknown,
    /// What was asked of it in this pass was refused, and will be again until a person changes something.
    Refused,
}

impl BucketState {
    /// The grant on it; `None`: cannot be told.
    pub fn held(self) -> Option<Held> {
        match self {
            Self::Missing => Some(Held::Nothing),
            Self::Closed(held) => held,
            Self::Open(held) => Some(held),
            Self::Unknown | Self::Refused => None,
        }
    }
}

/// What a limit of a user is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Bytes stored in the user's own buckets.
    Bytes,
    /// Objects stored there.
    Objects,
    /// Buckets owned.
    Buckets,
}

/// Limits of a user. What is not in it has none.
pub type Limits = BTreeMap<Resource, u64>;

/// Limits of a user as far as they are known in a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitsState {
    /// Read just now, or changed to this.
    Known(Limits),
    /// They could not be read or changed, and time may heal it.
    Unknown,
    /// The backend refuses to tell or to change them: time alone heals nothing.
    Refused,
}

impl LimitsState {
    /// The limits, where they are known.
    pub fn known(&self) -> Option<&Limits> {
        match self {
            Self::Known(limits) => Some(limits),
            Self::Unknown | Self::Refused => None,
        }
    }
}

/// Changes of limits: to this, or to none. What is not in it stays.
pub type LimitChanges = BTreeMap<Resource, Option<u64>>;

/// Makes these changes.
pub fn change_limits(limits: &mut Limits, changes: &LimitChanges) {
    for (of, most) in changes {
        limits.remove(of);
        limits.extend(most.map(|most| (*of, most)));
    }
}
