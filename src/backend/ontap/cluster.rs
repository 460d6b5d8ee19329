//! What is known of the cluster: its release, the storage VM, and whether its users have two keys.

use super::request::DELETE_KEYS;
use super::wire;
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use std::{fmt, time::Duration};

/// A release: generation, major, minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u64, pub(super) u64, pub(super) u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)?;
        if self.2 > 0 {
            write!(f, ".{}", self.2)
        } else {
            Ok(())
        }
    }
}

impl wire::Release {
    /// `None` where a part is no number.
    pub(super) fn parsed(&self) -> Option<Version> {
        let part = |text: &Option<String>| text.as_ref()?.parse().ok();
        let minor = self.minor.as_ref().map_or(Some(0), |text| text.parse().ok())?;
        Some(Version(part(&self.generation)?, part(&self.major)?, minor))
    }
}

/// The first release where the client may choose access key and secret (client library 9.16.1).
const CHOSEN_KEYS: Version = Version(9, 16, 1);
/// The first release with two keys (client library 9.19.1; older reference pages print the fields all the same).
pub(super) const TWO_KEYS: Version = Version(9, 19, 1);

/// What the last probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Uuid of the storage VM.
    pub(super) svm: String,
    /// `None`: the account may not read it, so only what every release can is used.
    pub(super) version: Option<Version>,
    /// The release is one with two keys, and no record says otherwise.
    pub(super) two_keys: bool,
}

impl Known {
    /// Keys can be removed.
    pub(super) fn deletes_keys(&self) -> bool {
        self.version.is_some_and(|version| version >= DELETE_KEYS)
    }

    /// The client chooses both halves.
    pub(super) fn chooses_keys(&self) -> bool {
        self.version.is_some_and(|version| version >= CHOSEN_KEYS)
    }
}

/// Longest label. With the mark it fills two thirds of the 256 characters of a comment.
pub(super) const LABEL_MAX: usize = 128;

/// What names of users may look like. `@` is left out: it makes a user of a directory (`user@fqdn`).
pub(super) const USER_NAME: UserNameRules = UserNameRules {
    max_len: 64,
    punctuation: "-_.+=,",
    capitals: true,
};

/// What this cluster can do; before the first probe, what every release can.
///
/// No document tells how long a key takes to work or to die; a cluster is one system, so seconds are ample.
pub(super) fn capabilities(known: Option<&Known>) -> Capabilities {
    Capabilities {
        overlap: if known.is_some_and(|known| known.two_keys) {
            Overlap::Slots { max: Some(2) }
        } else {
            Overlap::None
        },
        secret_readable: false,
        id_choosable: known.is_some_and(Known::chooses_keys),
        user_comes_with_key: true,
        mark_in_name: false,
        data_is_owned: false,
        lock: true,
        label: true,
        last_use: false,
        buckets: BucketRights::NONE,
        quota: Limitable::NONE,
        settle: Duration::from_secs(10),
        list_lag: Duration::ZERO,
        label_max_chars: LABEL_MAX,
        user_name: USER_NAME,
    }
}
