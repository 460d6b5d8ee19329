//! The one vocabulary of reasons, for conditions and events.

/// Why a condition is as it is, or what an event tells. The variant's name is what people see.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
pub enum Reason {
    /// Everything is as the spec asks.
    Succeeded,
    /// Work is under way.
    Progressing,
    /// Something failed that time may heal; it is tried again.
    ProgressingWithRetry,
    /// `spec.suspend` of the object or of its store is true.
    Suspended,
    /// The user is locked: its key is published and does not work, as asked.
    Locked,
    /// The store is not there, or does not take users from this namespace.
    StoreNotAvailable,
    /// The store is there and not usable: its own conditions say why.
    StoreNotReady,
    /// The backend does not answer.
    BackendUnavailable,
    /// The backend asked to slow down.
    RateLimited,
    /// The backend refused the admin credentials.
    AuthenticationFailed,
    /// The backend answered something that was not understood.
    UnexpectedResponse,
    /// The backend refuses a name or value of the spec.
    InvalidSpec,
    /// An annotation of the object cannot be read.
    InvalidAnnotation,
    /// The backend cannot do what the spec asks.
    Unsupported,
    /// A bucket of the spec is not there.
    BucketMissing,
    /// A bucket of the spec is there, and its owner does not let this operator grant on it.
    BucketClosed,
    /// A user of that name exists and is not ours.
    UserConflict,
    /// A Secret of that name exists and is not ours.
    SecretConflict,
    /// The API server refuses to write the Secret: it is immutable, or a quota or a policy forbids it.
    SecretRefused,
    /// The new key is issued and not yet accepted by S3.
    ProofPending,
    /// The backend cannot hold two keys, and there is no consent to an interruption.
    NoOverlap,
    /// A rotation waits for a key slot.
    RotationQueued,
    /// All key slots are taken by keys that are not ours to remove.
    KeyLimitReached,
    /// Keys are on the backend that no record explains.
    UnknownKeys,
    /// The old key is still valid, as promised.
    GracePeriod,
    /// No old key is left on the backend.
    Revoked,
    /// A key was removed from the backend and not yet seen refused by S3.
    RevocationUnconfirmed,
    /// The time of an old key has come, and something keeps it from being revoked.
    RevocationOverdue,
    /// The user still owns data, so it is not deleted.
    DeletionBlocked,
    /// The store's admin Secret or CA Secret is missing, or lacks a key.
    CredentialsMissing,
    /// The object cannot be read by this version of the operator.
    Undecodable,
    /// Event: a user was made.
    UserCreated,
    /// Event: the user had vanished from the backend and was made again.
    UserRecreated,
    /// Event: the user was deleted from the backend.
    UserDeleted,
    /// Event: user, keys and Secret were left as they are.
    UserRetained,
    /// Event: the object was removed without touching the backend, as its annotation asked.
    UserAbandoned,
    /// Event: the user was locked.
    UserLocked,
    /// Event: the user was unlocked.
    UserUnlocked,
    /// Event: the display name was changed.
    LabelChanged,
    /// Event: a bucket was made for the user.
    BucketCreated,
    /// Event: the user was given access to a bucket.
    AccessGranted,
    /// Event: access to a bucket was withdrawn.
    AccessWithdrawn,
    /// Event: the quota of the user was changed.
    QuotaChanged,
    /// Event: the first key was issued, proven and published.
    CredentialsIssued,
    /// Event: a new key was issued, proven and published, and the old one's grace period began.
    CredentialsRotated,
    /// Event: the published key was lost and a new one was issued, proven and published.
    CredentialsRepaired,
    /// Event: the Secret was missing or changed, and was written again with the same key.
    SecretRestored,
    /// Event: somebody put an older key into the Secret, and it is followed.
    SecretRolledBack,
    /// Event: an old key was removed, and seen refused where that can be asked.
    PreviousKeyRevoked,
    /// Event: a removed key is still accepted.
    RevokedKeyStillAccepted,
    /// Event: the store's initial user was made.
    InitialUserCreated,
}
