//! What the documents leave open or contradict each other in, as switches. Defaults are the best inference.
//!
//! Sources are named by their titles: *orchestration reference* is the "Object Storage Orchestration API
//! Reference", *service guide* the "Storage-as-a-Service Integration Guide", *client* the public repository
//! `Luzilla/acronis-s3-usage`.

use axum::http::StatusCode;
use std::time::Duration;

/// How a refusal looks. The code stands in the body alone; clients must not decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status. A success here means that the call is taken as if there were nothing to refuse.
    pub status: StatusCode,
    /// Code, in the manner of S3.
    pub code: &'static str,
}

impl Refusal {
    /// A refusal of this status and code.
    pub const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
    }
}

/// Which method a change is asked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Newer products.
    Post,
    /// Older products.
    Put,
    /// Both.
    Either,
}

/// Which signatures the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Version 2 alone.
    V2,
    /// Version 4 alone.
    V4,
    /// Both.
    Either,
}

/// What becomes of revoking the last pair of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastKey {
    /// It goes.
    Goes,
    /// It stays, and the call is refused.
    Stays(Refusal),
}

/// What becomes of creating a user that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refused.
    Refused(Refusal),
    /// Answered as if it had just been made, with the pairs that it has.
    HandedBack,
}

/// How the list of users looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListShape {
    /// `{"Users": […]}` (client, recorded from a server).
    Wrapped,
    /// A bare array (samples of the service guide).
    Bare,
}

/// How one user looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserShape {
    /// With state and accounts (service guide 5.0, "Querying S3 users via REST API").
    Full,
    /// With state, without accounts (service guide of Acronis Storage 2, "Managing S3 Users via REST API").
    WithoutAccounts,
    /// E-mail, id and pairs alone (orchestration reference 7.0.5, "GET Service ostor-users").
    Bare,
}

/// In which order the pairs of a user come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// Another one with each answer.
    Shuffled,
    /// The oldest first.
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// What stands in the body of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorBody {
    /// An error of S3.
    Xml,
    /// Nothing.
    Empty,
    /// `{"Code", "Message"}`.
    Json,
}

/// How a limit is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitForm {
    /// `ops&get=60` (orchestration reference, "PUT service ostor-limits").
    Named,
    /// `limit-type=ops&limit-resource=get&limit-value=60` (service guide 7.0 and 7.2, "Setting operations per
    /// second").
    Typed,
    /// Both.
    Either,
}

/// What a limit of operations counts when it is set. When read it is always per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitUnit {
    /// Operations per minute (orchestration reference, "PUT service ostor-limits").
    PerMinute,
    /// Operations per second (samples of the service guide: 3600 is set, `3600.00` is read).
    PerSecond,
}

/// What a user or bucket without a quota is answered with. Unconfirmed: 404, else a size of 0, which "means
/// unlimited" ("GET service ostor-quotas").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoQuota {
    /// There is nothing to read or to delete.
    Refused(Refusal),
    /// Read as 0, and deleted as if it were there.
    Zero,
}

/// The product that is simulated.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of `genKey` and `revokeKey`: PUT up to Virtuozzo Storage 7 and Acronis Storage 2 ("PUT Service
    /// ostor-users"), POST later ("POST service ostor-users").
    pub key_verb: Verb,
    /// Of `disable` and `enable`: POST (service guide 6.3, "Disabling and enabling S3 users via REST API"); a
    /// revision of the client sends PUT.
    pub state_verb: Verb,
    /// Of a new account: POST; the text of the service guide 6.3, "Creating S3 accounts via REST API", says
    /// PUT, its sample POST.
    pub account_verb: Verb,
    /// Answer to the wrong one of these. Unconfirmed: 405, else 400.
    pub wrong_verb: Refusal,
    /// How many wrong verbs may come before they count as violations: finding out once per store is
    /// legitimate. `None` where a test starts more than one driver on a store.
    pub wrong_verbs_allowed: Option<u32>,
    /// service guide, "Requirements for integration via REST API": Version 2 or 4.
    pub signature: Signature,
    /// Region that Version 4 must name. Unconfirmed; `None` takes any.
    pub v4_region: Option<String>,
    /// How far the time of a request may be off the real one (not off the simulated clock). Unconfirmed; as
    /// S3 has it.
    pub max_skew: Option<Duration>,
    /// A wrong signature, or an access key that is not there. The status is unconfirmed.
    pub bad_signature: Refusal,
    /// A right signature of a user that is no system user. Unconfirmed.
    pub not_a_system_user: Refusal,
    /// Pairs of a user, and of each account. Documented: two.
    pub max_keys: usize,
    /// One pair more. Unconfirmed: 400, else 403.
    pub too_many_keys: Refusal,
    /// The panel keeps the last pair; whether `revokeKey` does is unconfirmed. The sample of the service
    /// guide 5.0, "Querying S3 users via REST API", has an account without pairs.
    pub last_key: LastKey,
    /// Whether revoking the last pair of a user counts as a violation: a client must never plan on zero
    /// pairs.
    pub last_key_is_violation: bool,
    /// Revoking an access key that is not there. Unconfirmed: 404, else 400.
    pub unknown_key: Refusal,
    /// A user that is not there. The status is documented (service guide).
    pub unknown_user: Refusal,
    /// Unconfirmed: 409, else 400, else the user is handed back.
    pub existing: Existing,
    /// Deleting a user who owns buckets: refused by the service guide 5.0, "Deleting S3 users and buckets via
    /// REST API"; the status is unconfirmed.
    pub owns_buckets: Refusal,
    /// Success of a deletion: 204 by the text of "DELETE service ostor-users", 203 by its sample.
    pub deleted: StatusCode,
    /// Whether users can be disabled.
    pub lock: bool,
    /// A disabled user on the S3 side. Unconfirmed.
    pub disabled_on_s3: Refusal,
    /// The list of users.
    pub list_shape: ListShape,
    /// Whether the list shows pairs: it did in Acronis Storage 2 ("GET Service ostor-users").
    pub list_has_keys: bool,
    /// Whether the list shows system users. Unconfirmed.
    pub list_has_system_users: bool,
    /// One user.
    pub user_shape: UserShape,
    /// Order of pairs. Nothing is promised.
    pub key_order: KeyOrder,
    /// Whether `genKey` answers with all pairs; the sample of the service guide 5.0, "Generating S3 user
    /// access keys via REST API", has the new one alone.
    pub gen_key_shows_all: bool,
    /// Whether errors carry `X-Amz-Err-Message` (client).
    pub error_header: bool,
    /// Body of an error. Unconfirmed.
    pub error_body: ErrorBody,
    /// Whether there are accounts: since 4.6 ("POST service ostor-accounts").
    pub accounts: bool,
    /// An account that is there already, or still. Unconfirmed.
    pub existing_account: Refusal,
    /// An account that is not there. Unconfirmed.
    pub unknown_account: Refusal,
    /// Whether limits are on in the cluster.
    pub limits: bool,
    /// Limits that are off, in the cluster or for this user or bucket. Documented as an error, status
    /// unconfirmed.
    pub limits_off: Refusal,
    /// How limits are asked for.
    pub limit_form: LimitForm,
    /// What they count.
    pub limit_unit: LimitUnit,
    /// Whether the product has quotas (since 4.7, "PUT service ostor-quotas") and accounting was added, without
    /// which there are none (service guide 5.0, "Managing S3 user and bucket quotas via REST API").
    pub quotas: bool,
    /// Every call about quotas where there are none. Unconfirmed.
    pub quotas_off: Refusal,
    /// A user or bucket without a quota.
    pub no_quota: NoQuota,
    /// Whether a quota is read in bytes, as the text of "GET service ostor-quotas" has it; its sample, and those
    /// of the service guide, have gigabytes.
    pub quota_in_bytes: bool,
    /// What a gigabyte is. The documents say "gigabytes" and "GB" alone; unconfirmed whether that is 10^9 or 2^30
    /// bytes. Less where a test fills it.
    pub gigabyte: u64,
    /// Whether `type` of a quota is `0` and `1` instead of `user` and `bucket` (samples differ).
    pub quota_type_is_number: bool,
    /// Whether statistics are collected.
    pub usage: bool,
    /// Length of a statistics item. Samples: 1800 s.
    pub usage_period: Duration,
    /// Longest list of statistics that is well-formed (a note of the client).
    pub usage_limit: usize,
    /// Whether statistics items can be deleted ("DELETE service ostor-usage"). Unconfirmed for newer
    /// products.
    pub usage_delete: bool,
    /// How late changes arrive where they are looked at.
    pub lags: Lags,
}

/// How late changes arrive, by the simulated clock. The vendor calls its object storage eventually consistent
/// (Virtuozzo Storage administrator's command line guide, "S3"), without figures: default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// Until a read of `ostor-users` shows a change.
    pub admin_reads: Duration,
    /// Until a new key works on the S3 side.
    pub new_key: Duration,
    /// Until a revoked key, or one of a deleted user, stops working there.
    pub revoked_key: Duration,
    /// Until `disable` and `enable` act there.
    pub lock: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let refusal = Refusal::new;
        Self {
            key_verb: Verb::Post,
            state_verb: Verb::Post,
            account_verb: Verb::Post,
            wrong_verb: refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            wrong_verbs_allowed: Some(1),
            signature: Signature::Either,
            v4_region: Some("us-east-1".to_owned()),
            max_skew: Some(Duration::from_mins(15)),
            bad_signature: refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            not_a_system_user: refusal(StatusCode::FORBIDDEN, "AccessDenied"),
            max_keys: 2,
            too_many_keys: refusal(StatusCode::BAD_REQUEST, "InvalidRequest"),
            last_key: LastKey::Goes,
            last_key_is_violation: true,
            unknown_key: refusal(StatusCode::NOT_FOUND, "NoSuchKey"),
            unknown_user: refusal(StatusCode::NOT_FOUND, "NoSuchUser"),
            existing: Existing::Refused(refusal(StatusCode::CONFLICT, "UserAlreadyExists")),
            owns_buckets: refusal(StatusCode::CONFLICT, "UserOwnsBuckets"),
            deleted: StatusCode::NO_CONTENT,
            lock: true,
            disabled_on_s3: refusal(StatusCode::FORBIDDEN, "AccessDenied"),
            list_shape: ListShape::Wrapped,
            list_has_keys: false,
            list_has_system_users: true,
            user_shape: UserShape::Full,
            key_order: KeyOrder::Shuffled,
            gen_key_shows_all: true,
            error_header: true,
            error_body: ErrorBody::Xml,
            accounts: true,
            existing_account: refusal(StatusCode::CONFLICT, "AccountAlreadyExists"),
            unknown_account: refusal(StatusCode::NOT_FOUND, "NoSuchAccount"),
            limits: true,
            limits_off: refusal(StatusCode::BAD_REQUEST, "LimitsDisabled"),
            limit_form: LimitForm::Either,
            limit_unit: LimitUnit::PerMinute,
            quotas: true,
            quotas_off: refusal(StatusCode::BAD_REQUEST, "QuotasDisabled"),
            no_quota: NoQuota::Refused(refusal(StatusCode::NOT_FOUND, "NoSuchQuota")),
            quota_in_bytes: false,
            gigabyte: 1_000_000_000,
            quota_type_is_number: false,
            usage: true,
            usage_period: Duration::from_mins(30),
            usage_limit: 710,
            usage_delete: true,
            lags: Lags::default(),
        }
    }
}
