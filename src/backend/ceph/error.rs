//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.

use super::wire::Refusal;
pub(super) use crate::backend::s3::code as s3_code;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
    http::client::{is_code, is_request_id},
    s3,
};

/// The code of a refusal, where the answer is one of the Admin Ops API.
pub(super) fn code(reply: &Reply) -> Option<String> {
    refusal(reply).map(|r| r.code)
}

fn refusal(reply: &Reply) -> Option<Refusal> {
    serde_json::from_slice::<Refusal>(&reply.body)
        .ok()
        .filter(|r| is_code(&r.code))
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let refusal = refusal(reply);
    let code = refusal.as_ref().map(|r| r.code.as_str());
    let (kind, outcome) = judge(reply, code);
    let error = call.refused(reply, (kind, outcome), advice(kind, code), code);
    let told = refusal.as_ref().map(|r| r.request_id.clone());
    Error {
        request_id: told.filter(|id| is_request_id(id)).or(error.request_id),
        ..error
    }
}

/// The same as [`refused`] for a call of S3.
pub(super) fn refused_by_s3(call: &Call, reply: &Reply) -> Error {
    let code = s3_code(reply);
    let (kind, outcome) = s3::judge(reply, code.as_deref());
    call.refused(
        reply,
        (kind, outcome),
        s3_advice(kind, code.as_deref()),
        code.as_deref(),
    )
}

/// What happened and what to do, for a person.
fn s3_advice(kind: ErrorKind, code: Option<&str>) -> &'static str {
    match code {
        Some("TooManyBuckets") => {
            "the admin user owns as many buckets as it may: raise its limit, radosgw-admin user modify --max-buckets"
        }
        Some("BucketAlreadyExists") => "a bucket of this name is there already",
        Some("AccessDenied") => "the admin user may not do this with the bucket",
        Some("MethodNotAllowed") => {
            "this gateway serves no S3: add s3 to its rgw_enable_apis, or use an endpoint that does"
        }
        code => advice(kind, code),
    }
}

/// A code of the Admin Ops API says more than the status.
fn judge(reply: &Reply, code: Option<&str>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::NotApplied;
    match (reply.status, code) {
        (503, Some("SlowDown")) => (K::RateLimited, NotApplied),
        (409, Some("ConcurrentModification")) => (K::Transient, NotApplied),
        (404, Some("NoSuchBucket" | "NoSuchKey")) => (K::Unsupported, NotApplied),
        (404, Some(code)) if code != "NoSuchUser" => (K::Protocol, Outcome::Unknown),
        _ => call::judge(reply, code.is_some()),
    }
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, code: Option<&str>) -> &'static str {
    match code {
        Some("SignatureDoesNotMatch") => {
            "the admin secret key is wrong: correct the Secret of credentialsSecretRef"
        }
        Some("InvalidAccessKeyId") => {
            "the admin access key is unknown: correct the Secret of credentialsSecretRef"
        }
        Some("UserSuspended") => "the admin user is suspended: resume it or use another",
        Some("RequestTimeTooSkewed") => {
            "the clocks of gateway and operator differ by over 15 minutes: set them right"
        }
        Some("AccessDenied") => {
            "the admin user lacks a right: radosgw-admin caps add --uid=ADMIN --caps='users=*'"
        }
        Some("UserAlreadyExists") => "a user of this name is there already",
        Some("EmailExists") => {
            "another user carries this one's owner mark as e-mail: made under another name before?"
        }
        Some("KeyExists") => "the access key id belongs to another user",
        Some("BucketAlreadyExists") => "the user still owns buckets: remove or hand over its data first",
        Some("ConcurrentModification") => "somebody else changed the user at the same moment",
        Some(_) | None => advice_by_kind(kind),
    }
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the gateway failed; the call may have been carried out",
        ErrorKind::RateLimited => "the gateway asks to slow down",
        ErrorKind::Auth => "refused: is this endpoint the gateway, and not something before it?",
        ErrorKind::NotFound => "there is no such user on the gateway",
        ErrorKind::Conflict => "the gateway refuses this in the present state",
        ErrorKind::Invalid => "the gateway refuses a name or value",
        ErrorKind::Unsupported => "this gateway serves no Admin Ops API: add admin to its rgw_enable_apis",
        ErrorKind::Protocol => "this is no answer of a Ceph gateway: is the endpoint right, and final?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ceph::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    use std::time::Duration;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::made_up(status, body)
    }

    /// The form of all refusals of 16, 18 and 20.
    fn refusal(code: &str) -> String {
        format!(
            r#"{{"Code":"{code}","Message":"","RequestId":"tx0000-1-default","HostId":"1-default-default"}}"#
        )
    }

    fn write() -> Call {
        request::set_locked(&UserName::new("u"), true)
    }

    #[test]
    fn every_refusal_that_was_met_has_its_kind_and_outcome() {
        for (status, code, kind, outcome) in [
            (400, "InvalidArgument", K::Invalid, NotApplied),
            (400, "InvalidCapability", K::Invalid, NotApplied),
            (400, "InvalidSecretKey", K::Invalid, NotApplied),
            (400, "InvalidTenantName", K::Invalid, NotApplied),
            (403, "AccessDenied", K::Auth, NotApplied),
            (403, "InvalidAccessKeyId", K::Auth, NotApplied),
            (403, "RequestTimeTooSkewed", K::Auth, NotApplied),
            (403, "SignatureDoesNotMatch", K::Auth, NotApplied),
            (403, "UserSuspended", K::Auth, NotApplied),
            (404, "NoSuchUser", K::NotFound, NotApplied),
            (404, "NoSuchBucket", K::Unsupported, NotApplied),
            (405, "MethodNotAllowed", K::Unsupported, NotApplied),
            (409, "BucketAlreadyExists", K::Conflict, NotApplied),
            (409, "ConcurrentModification", K::Transient, NotApplied),
            (409, "EmailExists", K::Conflict, NotApplied),
            (409, "KeyExists", K::Conflict, NotApplied),
            (409, "UserAlreadyExists", K::Conflict, NotApplied),
            (500, "UnknownError", K::Transient, Unknown),
            (501, "NotImplemented", K::Unsupported, NotApplied),
            (503, "SlowDown", K::RateLimited, NotApplied),
            (503, "ServiceUnavailable", K::Transient, Unknown),
        ] {
            let error = refused(&write(), &reply(status, &refusal(code)));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
            assert_eq!(error.request_id.as_deref(), Some("tx0000-1-default"));
        }
    }

    #[test]
    fn answers_of_something_else_are_not_taken_for_refusals_of_the_gateway() {
        let page = "<html><body>please log in</body></html>";
        for (status, kind, outcome) in [
            (302, K::Protocol, NotApplied),
            (400, K::Protocol, Unknown),
            (401, K::Auth, NotApplied),
            (404, K::Protocol, Unknown),
            (409, K::Protocol, Unknown),
            (429, K::RateLimited, NotApplied),
            (502, K::Transient, Unknown),
            (504, K::Transient, Unknown),
        ] {
            let error = refused(&write(), &reply(status, page));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
        }
    }

    #[test]
    fn refusals_of_the_s3_side_have_their_kinds_too() {
        let bucket = crate::domain::ids::BucketName::new("invoices");
        let call = request::put_policy(&bucket, String::new());
        for (status, code, kind, outcome) in [
            (400, "TooManyBuckets", K::Conflict, NotApplied),
            (403, "AccessDenied", K::Auth, NotApplied),
            (403, "SignatureDoesNotMatch", K::Auth, NotApplied),
            (404, "NoSuchBucket", K::NotFound, NotApplied),
            (409, "BucketAlreadyExists", K::Conflict, NotApplied),
            (500, "UnknownError", K::Transient, Unknown),
            (503, "SlowDown", K::RateLimited, NotApplied),
        ] {
            let body =
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message></Message></Error>");
            let error = refused_by_s3(&call, &reply(status, &body));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
            assert!(error.to_string().contains("bucket invoices"), "{error}");
        }
        let page = refused_by_s3(&call, &reply(404, "<html>"));
        assert_eq!((page.kind, page.outcome), (K::Protocol, Unknown));
    }

    #[test]
    fn a_read_is_never_carried_out() {
        let error = refused(
            &request::find_user(&UserName::new("u")),
            &reply(500, &refusal("UnknownError")),
        );
        assert_eq!(error.outcome, NotApplied);
    }

    #[test]
    fn a_busy_gateway_that_says_when_is_asked_again_then() {
        let mut busy = reply(503, "");
        busy.retry_after = Some(Duration::from_secs(7));
        let error = refused(&write(), &busy);
        assert_eq!(
            (error.kind, error.retry_after),
            (K::RateLimited, busy.retry_after)
        );
        // Something in front of the gateway may say so after it passed the call on.
        assert_eq!(error.outcome, Unknown);
    }

    #[test]
    fn an_error_text_says_to_whom_and_what_to_do_and_quotes_no_body() {
        let error = refused(&write(), &reply(403, &refusal("AccessDenied")));
        let want = "ceph SetLocked: user u: the admin user lacks a right: \
                    radosgw-admin caps add --uid=ADMIN --caps='users=*' (403 AccessDenied)";
        assert_eq!(error.to_string(), want);
        let error = refused(
            &write(),
            &reply(500, r#"{"Code":"<b>CANARY</b>","RequestId":"CANARY\n"}"#),
        );
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}
