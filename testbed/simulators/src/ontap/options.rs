//! What a simulated cluster is like: its version, its limits, and one switch for each fact that the documents leave open.

use crate::s3::Refusals;
use axum::http::StatusCode;
use std::{fmt, ops::RangeInclusive, time::Duration};

/// A release, such as 9.16.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 9 for all that have a REST API for S3.
    pub generation: u64,
    /// 8 to 19.
    pub major: u64,
    /// 1 for all releases from 9.9.1 on.
    pub minor: u64,
}

impl Version {
    /// The first with S3 users in the REST API, to the first with two key pairs for a user.
    pub const ALL: [Self; 12] = [
        Self::new(8, 0),
        Self::new(9, 1),
        Self::new(10, 1),
        Self::new(11, 1),
        Self::new(12, 1),
        Self::new(13, 1),
        Self::new(14, 1),
        Self::new(15, 1),
        Self::new(16, 1),
        Self::new(17, 1),
        Self::new(18, 1),
        Self::new(19, 1),
    ];

    /// Release 9.`major`.`minor`.
    pub const fn new(major: u64, minor: u64) -> Self {
        Self {
            generation: 9,
            major,
            minor,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.major)?;
        if self.minor > 0 {
            write!(f, ".{}", self.minor)?;
        }
        Ok(())
    }
}

/// What becomes of a field or parameter that the version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// 400 with code 3, "unsupported field".
    Code3,
    /// 400 with code 2, "bad field value".
    Code2,
    /// Nothing: the rest of the request is carried out. With `key_id` this cuts off whoever uses key 1.
    Ignored,
}

/// How the record of a user without keys shows `access_key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyless {
    /// Not at all.
    Omitted,
    /// As `""`.
    Empty,
    /// As `null`.
    Null,
}

/// How times are written; the pages show all of these (REST reference 9.17.1, "Manage S3 service users"; client library).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// `2024-01-01T00:00:00+00:00`
    Offset,
    /// `2024-01-01T05:30:00+05:30`
    HalfHourOffset,
    /// `2024-01-01T00:00:00Z`
    Zulu,
    /// `2024-01-01T00:00:00.000+0000`
    Millis,
    /// `2024-01-01 00:00:00 +0000`
    Spaces,
}

/// What a user may do on the S3 side as long as no policy says anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpoliced {
    /// Nothing, unless it is `root` (client library, module `s3_bucket_svm`: "By default, only the root user can
    /// access these resources").
    Denied,
    /// List, make buckets and use its own.
    OwnBuckets,
}

/// The account of the admin API, or one with fewer rights.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.user)
    }
}

/// The cluster. [`Default`] is what the documents say, and where they say nothing, the likeliest.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release it says it is.
    pub version: Version,
    /// Name of the storage VM with the S3 server.
    pub svm: String,
    /// First release with `key_time_to_live` (user guide, "Regenerate ONTAP S3 keys and modify their retention period").
    pub ttl_from: Version,
    /// First release with `delete_keys`.
    pub delete_keys_from: Version,
    /// First release where the client may choose both keys (client library: writable from there on).
    pub chosen_keys_from: Version,
    /// First release with two pairs. Reference pages of 9.15.1 and 9.17.1 print its fields, the library does not have them.
    pub two_keys_from: Version,
    /// What an unknown field or parameter gives.
    pub unknown: Unknown,
    /// Status and code of a user name that is taken.
    pub name_taken: (StatusCode, &'static str),
    /// Status of group names, policy names and access keys that are taken; the codes are documented, the status is not.
    pub taken_status: StatusCode,
    /// Status of "entry doesn't exist"; one table prints 405.
    pub missing_status: StatusCode,
    /// `target` of "entry doesn't exist" where a name is missing; the sample has `uuid`.
    pub missing_target: Option<&'static str>,
    /// Whether error codes are numbers, as one page types them, and not strings, as on the wire.
    pub numeric_codes: bool,
    /// Whether an error carries `arguments`, which is typed as an array and shown as an object.
    pub error_arguments: bool,
    /// Whether `records` of a write is one object without `num_records`, as one page shows it.
    pub single_record: bool,
    /// Whether the reply to a create or regenerate has a body only with `return_records=true`; all samples have one.
    pub records_only_if_asked: bool,
    /// Whether reading one record without `fields` gives all of them.
    pub whole_instance: bool,
    /// `access_key` of a user without keys.
    pub keyless: Keyless,
    /// How times are written.
    pub dates: Dates,
    /// Whether the record still shows a pair that has expired.
    pub shows_expired: bool,
    /// Longest life of a pair that the S3 server allows, if it has such a limit (`max_key_time_to_live`).
    pub max_ttl: Option<Duration>,
    /// Whether, with such a limit, leaving out the life counts as asking for an endless one.
    pub absent_ttl_is_endless: bool,
    /// Lengths of an access key that the client may choose; no document states them.
    pub chosen_lengths: RangeInclusive<usize>,
    /// Whether generated access keys are long (old releases) or of 20 characters; `None` is by release.
    pub long_access_keys: Option<bool>,
    /// Whether a regenerate with the access key that this pair already has is refused as "in use".
    pub own_access_key_is_taken: bool,
    /// Whether an access key that was removed or replaced can never be chosen again (92406200). That a lock by
    /// `delete_keys` can be undone with the same keys follows from the fields, and is described nowhere.
    pub spent_access_key_is_taken: bool,
    /// Whether `delete_keys` is refused in a group even if the user keeps its other pair.
    pub guards_each_pair: bool,
    /// Whether a user that is in a group cannot be deleted.
    pub member_is_kept: bool,
    /// Whether a user that owns buckets cannot be deleted.
    pub owner_is_kept: bool,
    /// Whether a policy that a group names cannot be deleted.
    pub used_policy_is_kept: bool,
    /// Whether the lists of a group PATCH are added to those that are there.
    pub patch_adds: bool,
    /// Whether the second of the two codes for unknown users and policies (92406154, 92405937) is the one of a PATCH.
    pub other_codes_in_patch: bool,
    /// Whether `deny` beats `allow`; where not, a user is locked only when it is out of all other groups.
    pub deny_wins: bool,
    /// What holds without a policy.
    pub unpoliced: Unpoliced,
    /// Whether there is the user `root`, without keys.
    pub has_root: bool,
    /// Whether S3 `SnapMirror` uses the keys of `root` (92406080).
    pub root_is_mirrored: bool,
    /// Whether the account may read `/api/cluster`; one of a storage VM may not.
    pub reads_cluster: bool,
    /// Most records of one answer; `return_timeout` ends a page early on a busy cluster.
    pub page: usize,
    /// How long a new pair takes to work on the S3 side.
    pub visible_after: Duration,
    /// How long a removed pair goes on working on the S3 side.
    pub dead_after: Duration,
    /// How the S3 side refuses.
    pub refusals: Refusals,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: Version::new(17, 1),
            svm: "vs1".to_owned(),
            ttl_from: Version::new(14, 1),
            delete_keys_from: Version::new(14, 1),
            chosen_keys_from: Version::new(16, 1),
            two_keys_from: Version::new(19, 1),
            unknown: Unknown::Code3,
            name_taken: (StatusCode::CONFLICT, "1"),
            taken_status: StatusCode::BAD_REQUEST,
            missing_status: StatusCode::NOT_FOUND,
            missing_target: Some("uuid"),
            numeric_codes: false,
            error_arguments: false,
            single_record: false,
            records_only_if_asked: false,
            whole_instance: false,
            keyless: Keyless::Omitted,
            dates: Dates::Offset,
            shows_expired: true,
            max_ttl: None,
            absent_ttl_is_endless: false,
            chosen_lengths: 1..=128,
            long_access_keys: None,
            own_access_key_is_taken: true,
            spent_access_key_is_taken: false,
            guards_each_pair: false,
            member_is_kept: true,
            owner_is_kept: false,
            used_policy_is_kept: true,
            patch_adds: false,
            other_codes_in_patch: true,
            deny_wins: true,
            unpoliced: Unpoliced::Denied,
            has_root: true,
            root_is_mirrored: false,
            reads_cluster: true,
            page: 10_000,
            visible_after: Duration::ZERO,
            dead_after: Duration::ZERO,
            refusals: Refusals::default(),
        }
    }
}

impl Options {
    pub(super) fn has_ttl(&self) -> bool {
        self.version >= self.ttl_from
    }

    pub(super) fn has_delete_keys(&self) -> bool {
        self.version >= self.delete_keys_from
    }

    pub(super) fn has_chosen_keys(&self) -> bool {
        self.version >= self.chosen_keys_from
    }

    pub(super) fn has_two_keys(&self) -> bool {
        self.version >= self.two_keys_from
    }
}
