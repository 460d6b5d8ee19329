//! The products that the suite is run on.

use super::Variant;
use gracekey_simulators::ostor::{
    ErrorBody, Existing, KeyOrder, Lags, LastKey, ListShape, NoQuota, Options, Refusal, Signature, UserShape,
    Verb,
};
use http::StatusCode;
use std::time::Duration;

/// What the documents say, and the best inference where they say nothing.
struct Inferred;

impl Variant for Inferred {
    fn options() -> Options {
        Options::default()
    }
}

/// Virtuozzo Storage 7 and Acronis Storage 2, and 400 for all that is refused.
pub(super) struct Older;

impl Variant for Older {
    fn options() -> Options {
        let bad_request = Refusal::new(StatusCode::BAD_REQUEST, "InvalidRequest");
        Options {
            key_verb: Verb::Put,
            state_verb: Verb::Put,
            wrong_verb: bad_request,
            signature: Signature::V2,
            too_many_keys: bad_request,
            unknown_key: bad_request,
            last_key: LastKey::Stays(bad_request),
            existing: Existing::Refused(bad_request),
            owns_buckets: bad_request,
            deleted: StatusCode::NON_AUTHORITATIVE_INFORMATION,
            lock: false,
            list_shape: ListShape::Bare,
            list_has_keys: true,
            user_shape: UserShape::Bare,
            key_order: KeyOrder::OldestFirst,
            error_body: ErrorBody::Empty,
            accounts: false,
            quotas: false,
            ..Options::default()
        }
    }
}

/// A newer product with everything turned round, and changes that arrive late where keys are used.
pub(super) struct Contrary;

impl Variant for Contrary {
    fn options() -> Options {
        let forbidden = Refusal::new(StatusCode::FORBIDDEN, "AccessDenied");
        let unauthorized = Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized");
        let late = Duration::from_secs(40);
        Options {
            wrong_verb: Refusal::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
            signature: Signature::V4,
            v4_region: None,
            max_skew: None,
            bad_signature: unauthorized,
            not_a_system_user: unauthorized,
            too_many_keys: forbidden,
            last_key: LastKey::Stays(forbidden),
            unknown_key: forbidden,
            existing: Existing::HandedBack,
            owns_buckets: forbidden,
            disabled_on_s3: Refusal::new(StatusCode::FORBIDDEN, "UserSuspended"),
            deleted: StatusCode::OK,
            user_shape: UserShape::WithoutAccounts,
            key_order: KeyOrder::NewestFirst,
            gen_key_shows_all: false,
            error_body: ErrorBody::Json,
            list_has_system_users: false,
            no_quota: NoQuota::Zero,
            quota_in_bytes: true,
            quota_type_is_number: true,
            lags: Lags {
                admin_reads: Duration::ZERO,
                new_key: late,
                revoked_key: late,
                lock: late,
            },
            ..Options::default()
        }
    }
}

/// One that takes both verbs for keys, and the other one for locks; newer, and without accounting.
struct Mixed;

impl Variant for Mixed {
    fn options() -> Options {
        let not_found = Refusal::new(StatusCode::NOT_FOUND, "NotFound");
        Options {
            key_verb: Verb::Either,
            state_verb: Verb::Put,
            too_many_keys: Refusal::new(StatusCode::CONFLICT, "TooManyKeys"),
            last_key: LastKey::Stays(Refusal::new(StatusCode::CONFLICT, "LastKey")),
            unknown_key: not_found,
            quotas: false,
            disabled_on_s3: Refusal::new(StatusCode::FORBIDDEN, "InvalidAccessKeyId"),
            ..Options::default()
        }
    }
}

mod inferred {
    conformance!(super::super::Store<super::Inferred>);
}

mod older {
    conformance!(super::super::Store<super::Older>);
}

mod contrary {
    conformance!(super::super::Store<super::Contrary>);
}

mod mixed {
    conformance!(super::super::Store<super::Mixed>);
}
