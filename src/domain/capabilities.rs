//! What a backend can do, as data. The planner plans only what these allow; the conformance suite checks each claim.

use super::access::Resource;
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
    /// Capital letters are taken, and kept as they are.
    pub capitals: bool,
}

/// What can be done with buckets for a user. [`NONE`](Self::NONE) unless a driver says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRights {
    /// A user can be given and denied access to one bucket.
    pub grant: bool,
    /// Buckets can be made.
    pub make: bool,
    /// Whoever may store objects in a bucket may delete them as well: [`Permission::WriteOnly`](super::access::Permission) includes
    /// it, as the backend has no finer right.
    pub write_only_deletes: bool,
}

impl BucketRights {
    /// Nothing.
    pub const NONE: Self = Self {
        grant: false,
        make: false,
        write_only_deletes: false,
    };
}

/// What can be limited for a user. [`NONE`](Self::NONE) unless a driver says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limitable {
    /// [`Resource::Bytes`].
    pub bytes: bool,
    /// Bytes are limited to whole multiples of this alone; 1: to any number. What is between is not rounded: it cannot be had.
    pub byte_step: u64,
    /// [`Resource::Objects`].
    pub objects: bool,
    /// [`Resource::Buckets`].
    pub buckets: bool,
}

impl Limitable {
    /// Nothing.
    pub const NONE: Self = Self {
        bytes: false,
        byte_step: 1,
        objects: false,
        buckets: false,
    };

    /// Whether this can be limited.
    pub fn covers(self, resource: Resource) -> bool {
        match resource {
            Resource::Bytes => self.bytes,
            Resource::Objects => self.objects,
            Resource::Buckets => self.buckets,
        }
    }

    /// What every limit of this is a whole multiple of.
    pub fn step(self, resource: Resource) -> u64 {
        match resource {
            Resource::Bytes => self.byte_step,
            Resource::Objects | Resource::Buckets => 1,
        }
    }

    /// Whether this can be limited to exactly so much.
    pub fn takes(self, resource: Resource, most: u64) -> bool {
        self.covers(resource) && most.is_multiple_of(self.step(resource))
    }
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
    /// A user is made by its first key, in one call, and never without one. Else it is made first, without keys.
    pub user_comes_with_key: bool,
    /// There is no place for the owner's mark but the name: it is part of it ([`Identity::marked`](super::identity::Identity::marked)).
    pub mark_in_name: bool,
    /// A user that owns data is not deleted. Else data belongs to no user, and stays where it is when one goes.
    pub data_is_owned: bool,
    /// Users can be locked and unlocked without losing keys.
    pub lock: bool,
    /// Users have a display name that may change.
    pub label: bool,
    /// The backend tells when a key was last used.
    pub last_use: bool,
    /// What can be done with buckets for a user.
    pub buckets: BucketRights,
    /// What can be limited for a user.
    pub quota: Limitable,
    /// How long a new or revoked key may lag at worst.
    pub settle: Duration,
    /// For how long what [`find_user`](crate::backend::Driver::find_user) tells may lack a key that was issued: until then its
    /// absence is no proof that it is gone. Zero where a list shows a key as soon as it is issued.
    pub list_lag: Duration,
    /// Longest display name in characters.
    pub label_max_chars: usize,
    /// What names of users may look like.
    pub user_name: UserNameRules,
}

impl UserNameRules {
    /// Whether a user may be called so.
    pub fn accept(&self, name: &str) -> bool {
        let allowed = |c: char| {
            c.is_ascii_lowercase()
                || c.is_ascii_digit()
                || (self.capitals && c.is_ascii_uppercase())
                || self.punctuation.contains(c)
        };
        !name.is_empty() && name.len() <= self.max_len && name.chars().all(allowed)
    }
}

impl Capabilities {
    /// Whether a user may be labelled so. No label is empty or holds control characters, whatever the backend.
    pub fn takes_label(&self, label: &str) -> bool {
        let fits = label.chars().count() <= self.label_max_chars;
        !label.is_empty() && fits && !label.contains(char::is_control)
    }

    /// Whether a read may lack what is there.
    pub fn reads_lag(&self) -> bool {
        !self.list_lag.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_taken_where_it_is_covered_and_whole() {
        let quota = Limitable {
            bytes: true,
            byte_step: 1000,
            objects: true,
            ..Limitable::NONE
        };
        for (of, most, taken) in [
            (Resource::Bytes, 1000, true),
            (Resource::Bytes, 7000, true),
            (Resource::Bytes, 1, false),
            (Resource::Bytes, 1001, false),
            (Resource::Objects, 1, true),
            (Resource::Objects, 1001, true),
            (Resource::Buckets, 1000, false),
        ] {
            assert_eq!(quota.takes(of, most), taken, "{most} {of:?}");
        }
    }
}
