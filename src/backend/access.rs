//! Whom a grant on a bucket is for, what a bucket shows of it, and the answer of drivers that have no such thing.

use super::{BackendKind, Error, ErrorKind, Outcome, Result, call::Call, error::Detail};
use crate::domain::{
    access::{BucketState, Held, Permission},
    ids::{BucketName, NamespaceMark, OwnerMark, UserName},
};

/// Whom a grant on a bucket is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// The user on the backend.
    pub user: UserName,
    /// Whose user it is. A grant is marked with it where the backend has a place for that.
    pub owner: OwnerMark,
    /// The namespace that the user's object stands in. A bucket's owner consents to grants for one by naming this.
    pub namespace: NamespaceMark,
    /// The object stands in the store's own namespace, so that buckets of the store's admin are open to it.
    pub at_home: bool,
}

/// A bucket as it was just read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundBucket {
    /// There is none of this name.
    Missing,
    /// It is there and not for us to give.
    Closed {
        /// What grant of ours is on it all the same; `None`: cannot be told.
        held: Option<Held>,
        /// Why, and what its owner has to do, for a person.
        advice: String,
    },
    /// It is there, and its owner lets us grant on it.
    Open(Held),
}

impl FoundBucket {
    /// What the planner is told of it.
    pub fn state(&self) -> BucketState {
        match self {
            Self::Missing => BucketState::Missing,
            Self::Closed { held, .. } => BucketState::Closed(*held),
            Self::Open(held) => BucketState::Open(*held),
        }
    }
}

/// Whether a bucket can be called so everywhere: 3 to 63 small letters, digits, `-` and `.`, with a letter or digit at both
/// ends, no two dots in a row, and no IPv4 address.
///
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules". RADOS Gateway 18 was seen to refuse other names
/// with `InvalidBucketName`.
pub fn is_bucket_name(name: &BucketName) -> bool {
    let name = name.as_str();
    let is_alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| is_alphanumeric(b) || b"-.".contains(b))
        && bytes.first().is_some_and(is_alphanumeric)
        && bytes.last().is_some_and(is_alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

/// Refuses a name that no bucket has, before anything is sent.
pub(super) fn check_bucket(call: &Call, name: &BucketName) -> Result<()> {
    if is_bucket_name(name) {
        return Ok(());
    }
    let text =
        "a bucket's name has 3 to 63 small letters, digits, - and ., with a letter or digit at both ends";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// Reading: also earlier versions, and tags, which copying asks for.
const READ: [&str; 6] = [
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ListBucketVersions",
];
/// Storing, in one piece or in many.
const WRITE: [&str; 3] = ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"];
/// What takes both. Not `DeleteObjectVersion`: what versions keep is the owner's to give up.
const BOTH: [&str; 3] = [
    "s3:DeleteObject",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
];
/// What clients ask for before anything else.
const ALWAYS: &str = "s3:GetBucketLocation";

/// What this permission means in actions of S3, in order.
pub fn actions(permission: Permission) -> Vec<&'static str> {
    let mut actions = vec![ALWAYS];
    if permission != Permission::WriteOnly {
        actions.extend(READ);
    }
    if permission != Permission::ReadOnly {
        actions.extend(WRITE);
    }
    if permission == Permission::ReadWrite {
        actions.extend(BOTH);
    }
    actions.sort_unstable();
    actions
}

/// The answer of a driver that has no such thing.
pub(super) fn unsupported(backend: BackendKind, operation: &'static str, subject: &str) -> Error {
    Error {
        kind: ErrorKind::Unsupported,
        outcome: Outcome::NotApplied,
        backend,
        operation,
        detail: Detail::new(format!("{subject}: this backend cannot do that")),
        retry_after: None,
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_name_is_one_that_every_s3_takes() {
        let is = |name: &str| is_bucket_name(&BucketName::new(name));
        for name in ["abc", "a.b-c", "0a0", &"x".repeat(63), "1.2.3", "192.168.1.256"] {
            assert!(is(name), "{name}");
        }
        let long = "x".repeat(64);
        let wrong = [
            "",
            "ab",
            &long,
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.1.1",
            "a/b",
            "a?b",
            "über",
            "a b",
            "a%2fb",
        ];
        for name in wrong {
            assert!(!is(name), "{name}");
        }
    }

    /// Who holds a grant must never be able to give one.
    #[test]
    fn no_permission_allows_anything_with_the_bucket_itself() {
        for permission in Permission::ALL {
            for action in actions(permission) {
                let about_settings =
                    action.contains("Policy") || action.contains("Acl") || action == "s3:DeleteBucket";
                assert!(
                    !about_settings && !action.contains('*'),
                    "{permission:?}: {action}"
                );
            }
        }
        let write = actions(Permission::WriteOnly).join(" ");
        assert_eq!(
            write,
            "s3:AbortMultipartUpload s3:GetBucketLocation s3:PutObject s3:PutObjectTagging"
        );
    }
}
