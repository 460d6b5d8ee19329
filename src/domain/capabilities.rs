//! What a backend can do, as data. The planner plans only what these allow; the conformance suite checks each claim.

use std::time::Duration;

/// What happens to the old key when a new one is issued. Everything else about rotation follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Each key is its own access key; an old one lives until it is revoked. `max`: how many a user may have.
    Slots {
        /// `None`: no limit was met.
        max: Option<u8>,
    },
    /// One access key with two secrets. The backend can end the old one by itself after a time that is fixed when the
    /// new one is issued: a backstop behind the operator's own revocation.
    TwoSecrets {
        /// Added to the grace period when the expiry is asked for: the longest a proof may take, and a margin.
        backstop_margin: Duration,
    },
    /// Issuing a key kills the one before it.
    None,
}

/// What a user name may look like on this backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserNameRules {
    /// Longest name in bytes.
    pub max_len: usize,
    /// Allowed beside ASCII letters and digits.
    pub punctuation: &'static str,
}

/// What a backend can do. Stated by its driver; checked to be true by the conformance suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How keys overlap.
    pub overlap: Overlap,
    /// The secret half of a live key can be read again.
    pub secret_readable: bool,
    /// The client chooses the access key id.
    pub id_choosable: bool,
    /// Users can be locked and unlocked without losing keys.
    pub lock: bool,
    /// Users have a display name that may change.
    pub label: bool,
    /// How long a new or revoked key may lag at worst.
    pub settle: Duration,
    /// Longest display name in characters.
    pub label_max_chars: usize,
    /// What names of users may look like.
    pub user_name: UserNameRules,
}
