//! What the documents leave open, or say in two ways: one switch each. The default is the best inference.

use crate::s3::Refusals;
use std::time::Duration;

/// How a request is refused: HTTP status, and `code` of the error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Code of the error framework (`ServiceCode.java` of `CoprHD`, which ECS shares).
    pub code: u32,
}

impl Refusal {
    /// Of this status and this code.
    pub const fn new(status: u16, code: u32) -> Self {
        Self { status, code }
    }
}

/// Where uids are unique (ECS API reference, `UserManagementService_addUser`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the whole system; the namespace may be left out of calls.
    Global,
    /// In each namespace; every call must name the namespace.
    Namespace,
}

/// What a request without a token, or with a dead one, gets. The ECS Data Access Guide ("Authenticate without
/// cookies") describes all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// 401 with code 4000.
    Refused,
    /// 302 to `/login`.
    Redirected,
    /// 302 to `/login` the first time that a token is used after its end, 401 from then on.
    RedirectedOnce,
}

/// What a third secret meets while two live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThirdKey {
    /// Refused like this.
    Refused(Refusal),
    /// The oldest secret ends at once to make room.
    DropsOldest,
}

/// In which of the two slots of the answer to `GET /object/user-secret-keys/{uid}` a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// A new one takes the first that is free, and stays there.
    FirstFree,
    /// The newest is always the first.
    NewestFirst,
    /// The oldest is always the first.
    OldestFirst,
}

/// What an expiry of zero minutes for the older secret means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroExpiry {
    /// It ends at once, as soon as the caches allow.
    AtOnce,
    /// The same as no expiry.
    Never,
}

/// What deactivating an id does where the request also has an empty secret, or the secrets are not hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdWithoutSecret {
    /// The missing secret wins: all secrets of the user go.
    RemovesAll,
    /// The id wins: its secret goes.
    RemovesOne,
}

/// Forms of time in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// As in every sample: `Wed Feb 25 11:16:48 UTC 2015` and `2015-02-25 11:16:50.632`.
    AsSampled,
    /// As the reference text promises: ISO-8601, such as `2015-02-25T11:16Z`.
    AsDocumented,
}

/// Whether uids know upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The server makes them lower case (a sample creates `wuser1@SANITY.LOCAL` and links to `wuser1@sanity.local`).
    Lowered,
    /// They stay as they are, and differ by case.
    Kept,
}

/// The switches of the simulator. Sources are those of the contract: S1 is Dell's `OpenAPI` description of the
/// management API, S2 the ECS 3.8 API reference, S3 the ECS 3.6.2 Data Access Guide, S5 the recordings of
/// ecs-cf-service-broker, S6 python-ecsclient, S7 Dell's Ansible collection, S13 the pages of cegedim.cloud.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespaces that exist. The first is that of the namespace administrator and of users made by helpers.
    pub namespaces: Vec<String>,
    /// User scope of the system. S2 knows both; the stricter is the default.
    pub scope: Scope,
    /// Rule for upper case in uids (inferred from one sample of S2).
    pub case: Case,
    /// Longest life of a token: 8 hours (S3).
    pub token_lifetime: Duration,
    /// Longest rest of a token: 2 hours (S3).
    pub token_idle: Duration,
    /// Tokens that a user may have at a time. S1 speaks of a limit without its number: 100 is inferred.
    pub max_tokens: usize,
    /// What a login over that limit gets (inferred from the same refusal in `CoprHD`).
    pub over_token_limit: Refusal,
    /// What a request without a token gets (S3 gives both answers).
    pub without_token: TurnedAway,
    /// What a request with an unknown or dead token gets (S3 gives both answers).
    pub dead_token: TurnedAway,
    /// A user name that is taken (inferred: resource exists).
    pub taken: Refusal,
    /// A user named in the URL who is not there: 404 code 2000 in S5; S7 counts 400 as absent too.
    pub absent: Refusal,
    /// A user named in the body who is not there (inferred from namespaces and buckets in S5).
    pub absent_in_body: Refusal,
    /// An unknown namespace (S5).
    pub absent_namespace: Refusal,
    /// A secret to delete that is not there (inferred).
    pub absent_key: Refusal,
    /// What a third secret meets (inferred).
    pub third_key: ThirdKey,
    /// A client-chosen secret that the user already has: refused like this, or (`None`) taken into the other slot.
    pub same_secret: Option<Refusal>,
    /// An expiry where no secret exists yet: refused like this, or (`None`) without effect. S6 calls it a mistake.
    pub expiry_without_key: Option<Refusal>,
    /// Meaning of an expiry of zero (inferred).
    pub zero_expiry: ZeroExpiry,
    /// Whether the answer to a new secret gives the older one's expiry. Not said whose it is; S6 saw it empty once.
    pub answers_old_expiry: bool,
    /// Slot of a secret (not said).
    pub slots: Slots,
    /// Whether an expired secret leaves its slot at the next call (inferred).
    pub blanks_expired: bool,
    /// The feature "hide secret key" (S1): reads give no secret, only its SHA-256.
    pub hide_secrets: bool,
    /// Whether answers have `secret_key_id` fields (S1 has, older releases in S5 and S6 have not).
    pub key_ids: bool,
    /// Whether deletion needs the secret as well as its id (S7) and not one of the two (S1).
    pub deletion_needs_both: bool,
    /// What an id without a secret removes (not said).
    pub id_without_secret: IdWithoutSecret,
    /// Deleting a user who owns buckets: refused like this, or (`None`) done, and the buckets keep a dangling owner.
    pub owner_deletion: Option<Refusal>,
    /// A tag to add that is there (S1 says that PUT is for those; the refusal is inferred).
    pub taken_tag: Refusal,
    /// A tag to change or delete that is not there (the refusal is inferred).
    pub absent_tag: Refusal,
    /// Most tags of a user; not said.
    pub max_tags: Option<usize>,
    /// Longest name or value of a tag in characters; not said.
    pub max_tag_chars: Option<usize>,
    /// Form of times. Text and samples of S1 and S2 disagree.
    pub times: Times,
    /// Hours that key times, which have no zone, are ahead of UTC (inferred: none).
    pub hours_ahead: i8,
    /// Entries of a list where the request gives no `limit`. The example of S1 has 1000.
    pub page: usize,
    /// Whether lists stand in a `users` object, as in the example of S1 and not in the JSON of S6.
    pub wraps_lists: bool,
    /// Whether JSON bodies stand in an object of the XML root's name, as in the examples of S2 and not in S6.
    pub wrapped_bodies: bool,
    /// Whether a new user's answer has the fields of a secret, blank, as in the schema of S1 and not in S5.
    pub blank_key_fields: bool,
    /// Whether a namespace administrator may list buckets (S2 gives it to system administrator and monitor only).
    pub namespace_admin_lists_buckets: bool,
    /// Time until a new secret, or an unlocking, works on S3. S2: nodes may cache for up to two minutes.
    pub new_key_lag: Duration,
    /// Time that a secret works on S3 after its end, or after a lock. S2: nodes may cache for up to two minutes.
    pub old_key_lag: Duration,
    /// Refusals of S3 (all inferred).
    pub refusals: Refusals,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespaces: vec!["ns1".to_owned(), "ns2".to_owned()],
            scope: Scope::Namespace,
            case: Case::Lowered,
            token_lifetime: Duration::from_hours(8),
            token_idle: Duration::from_hours(2),
            max_tokens: 100,
            over_token_limit: Refusal::new(401, 4000),
            without_token: TurnedAway::Refused,
            dead_token: TurnedAway::Refused,
            taken: Refusal::new(400, 1015),
            absent: Refusal::new(404, 2000),
            absent_in_body: Refusal::new(400, 1004),
            absent_namespace: Refusal::new(400, 1004),
            absent_key: Refusal::new(400, 1004),
            third_key: ThirdKey::Refused(Refusal::new(400, 1031)),
            same_secret: Some(Refusal::new(400, 1008)),
            expiry_without_key: None,
            zero_expiry: ZeroExpiry::AtOnce,
            answers_old_expiry: true,
            slots: Slots::FirstFree,
            blanks_expired: true,
            hide_secrets: false,
            key_ids: true,
            deletion_needs_both: false,
            id_without_secret: IdWithoutSecret::RemovesAll,
            owner_deletion: None,
            taken_tag: Refusal::new(400, 1015),
            absent_tag: Refusal::new(400, 1004),
            max_tags: None,
            max_tag_chars: None,
            times: Times::AsSampled,
            hours_ahead: 0,
            page: 1000,
            wraps_lists: false,
            wrapped_bodies: false,
            blank_key_fields: false,
            namespace_admin_lists_buckets: false,
            new_key_lag: Duration::ZERO,
            old_key_lag: Duration::ZERO,
            refusals: Refusals::default(),
        }
    }
}

impl Options {
    /// As a tenant of cegedim.cloud sees it, if that is ECS: a dead secret is answered 401 (S13, "Manage Object
    /// Users"), and nodes keep secrets for the whole two minutes.
    pub fn cegedim() -> Self {
        let unauthorized = |code| (axum::http::StatusCode::UNAUTHORIZED, code);
        Self {
            namespaces: vec!["cos-1".to_owned()],
            new_key_lag: Duration::from_mins(2),
            old_key_lag: Duration::from_mins(2),
            refusals: Refusals {
                unknown_key: unauthorized("InvalidAccessKeyId"),
                wrong_secret: unauthorized("SignatureDoesNotMatch"),
                locked: Refusals::default().locked,
            },
            ..Self::default()
        }
    }
}
