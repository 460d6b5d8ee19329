//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.

use super::wire::Refusal;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};

pub(super) const NO_SUCH_USER: &str = "XMinioAdminNoSuchUser";
pub(super) const NO_SUCH_POLICY: &str = "XMinioAdminNoSuchPolicy";
const NO_SUCH_GROUP: &str = "XMinioAdminNoSuchGroup";
/// The access key is that of a service account, where a user's was asked for; or users are kept elsewhere.
const NOT_ALLOWED: &str = "XMinioIAMActionNotAllowed";
/// No such service account (404); the admin's own key (403).
const INVALID_CREDENTIALS: &str = "XMinioInvalidIAMCredentials";
const UNREADABLE: &str = "XMinioAdminConfigBadJSON";
/// Policies are as they were to become.
const CHANGED: [&str; 3] = [
    "XMinioAdminPolicyChangeAlreadyApplied",
    "XMinioPolicyAlreadyAttached",
    "XMinioPolicyNotAttached",
];

/// The code of a refusal, where the answer is one of the admin API or of S3.
pub(super) fn code(reply: &Reply) -> Option<String> {
    Refusal::of(&reply.body).map(|refusal| refusal.code)
}

fn is(reply: &Reply, status: u16, codes: &[&str]) -> bool {
    reply.status == status && code(reply).is_some_and(|code| codes.contains(&code.as_str()))
}

/// There is no such user.
pub(super) fn is_no_user(reply: &Reply) -> bool {
    is(reply, 404, &[NO_SUCH_USER])
}

/// There is no such policy.
pub(super) fn is_no_policy(reply: &Reply) -> bool {
    is(reply, 404, &[NO_SUCH_POLICY])
}

/// There is no such group.
pub(super) fn is_no_group(reply: &Reply) -> bool {
    is(reply, 404, &[NO_SUCH_GROUP])
}

/// The admin lacks the right to this call.
pub(super) fn is_denied(reply: &Reply) -> bool {
    is(reply, 403, &["AccessDenied"])
}

/// There is no such service account, or none that this admin may touch.
pub(super) fn is_no_key(reply: &Reply) -> bool {
    is(reply, 404, &[INVALID_CREDENTIALS])
}

/// The access key is that of a service account.
pub(super) fn is_a_key(reply: &Reply) -> bool {
    is(reply, 403, &[NOT_ALLOWED])
}

/// The server could not decrypt the call, so that nothing of it was carried out.
pub(super) fn is_unreadable(reply: &Reply) -> bool {
    is(reply, 400, &[UNREADABLE])
}

/// The user has, or has not, these policies already.
pub(super) fn is_changed(reply: &Reply) -> bool {
    matches!(reply.status, 400 | 404 | 409) && is(reply, reply.status, &CHANGED)
}

/// The server does not know this call, by its own word: a page is that of something in between.
pub(super) fn is_unknown_call(reply: &Reply) -> bool {
    let of_policies = [NO_SUCH_USER, NO_SUCH_POLICY];
    let is_its_own = Refusal::of(&reply.body).is_some();
    is_its_own && matches!(reply.status, 404 | 405 | 426 | 501) && !is(reply, 404, &of_policies)
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let refusal = Refusal::of(&reply.body);
    let code = refusal.as_ref().map(|refusal| refusal.code.as_str());
    let (kind, outcome) = judge(reply, code);
    let error = call.refused(reply, (kind, outcome), advice(kind, code), code);
    let told = refusal.as_ref().and_then(Refusal::request_id);
    Error {
        request_id: told.or(error.request_id),
        ..error
    }
}

/// A code of the admin API says more than the status.
fn judge(reply: &Reply, code: Option<&str>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::NotApplied;
    match (reply.status, code) {
        (404, Some(NO_SUCH_USER | INVALID_CREDENTIALS)) => (K::NotFound, NotApplied),
        (404, Some(NO_SUCH_POLICY)) => (K::Invalid, NotApplied),
        (403, Some(INVALID_CREDENTIALS)) | (400, Some("XMinioIAMServiceAccountNotAllowed")) => {
            (K::Conflict, NotApplied)
        }
        (400, Some(UNREADABLE)) => (K::Protocol, NotApplied),
        (503, Some("XMinioIAMNotInitialized" | "XMinioServerNotInitialized")) => (K::Transient, NotApplied),
        (503, Some("SlowDown" | "SlowDownRead")) => (K::RateLimited, NotApplied),
        // `InsufficientWriteQuorum` of cmd/api-errors.go: some drives may have it.
        (503, Some("SlowDownWrite")) => (K::Transient, Outcome::Unknown),
        // With 404, some other storage took the path for a bucket's.
        (403, Some(NOT_ALLOWED)) | (404, Some("NoSuchBucket" | "NoSuchKey")) | (426, Some(_)) => {
            (K::Unsupported, NotApplied)
        }
        (404, Some(_)) => (K::Protocol, Outcome::Unknown),
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
            "the admin access key is unknown or disabled: correct the Secret of credentialsSecretRef"
        }
        Some("RequestTimeTooSkewed") => {
            "the clocks of server and operator differ by over 15 minutes: set them right"
        }
        Some("AccessDenied") => {
            "the admin lacks a right: docs/backends/minio.md has the policy that it needs"
        }
        Some("AuthorizationHeaderMalformed") => "the region is not the server's: correct spec.s3.region",
        Some(NO_SUCH_POLICY) => "a policy of spec.backend.minio.policies is not there: create it first",
        Some(NOT_ALLOWED) => {
            "the server does not keep users itself (LDAP or OpenID does), or this is no user"
        }
        Some("XMinioIAMServiceAccountNotAllowed") => "the access key id belongs to somebody already",
        Some(UNREADABLE) => "the server could not decrypt the call: is there a proxy that changes bodies?",
        Some("XMinioAdminVersionMismatch") => {
            "the server does not serve this call of admin API v3: is it too old?"
        }
        Some("XMinioIAMNotInitialized" | "XMinioServerNotInitialized") => "the server is starting",
        Some(_) | None => advice_by_kind(kind),
    }
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the server failed; the call may have been carried out",
        ErrorKind::RateLimited => "the server asks to slow down",
        ErrorKind::Auth => "refused: is this endpoint the server, and not something before it?",
        ErrorKind::NotFound => "there is no such user or key on the server",
        ErrorKind::Conflict => "the server refuses this in the present state",
        ErrorKind::Invalid => "the server refuses a name or value",
        ErrorKind::Unsupported => "this server does not offer the admin API of MinIO",
        ErrorKind::Protocol => {
            "this is no answer of a MinIO server: is the endpoint right, and not the console?"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::minio::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};

    fn json(code: &str) -> String {
        format!(
            r#"{{"Code":"{code}","Message":"…","Resource":"/minio/admin/v3/x","RequestId":"18EB81B9E6172DF5","HostId":""}}"#
        )
    }

    fn xml(code: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>…</Message><Resource>/</Resource><RequestId>18EB81B9E6172DF5</RequestId><HostId></HostId></Error>"#
        )
    }

    fn write() -> Call {
        request::set_locked(&UserName::new("u"), true)
    }

    #[test]
    fn every_refusal_has_its_kind_and_outcome_in_json_and_xml() {
        for (status, code, kind, outcome) in [
            (400, "InvalidRequest", K::Invalid, NotApplied),
            (400, "XMinioAdminInvalidAccessKey", K::Invalid, NotApplied),
            (400, "XMinioAdminConfigBadJSON", K::Protocol, NotApplied),
            (400, "XMinioIAMServiceAccountNotAllowed", K::Conflict, NotApplied),
            (400, "XMinioInvalidIAMCredentials", K::Invalid, NotApplied),
            (403, "AccessDenied", K::Auth, NotApplied),
            (403, "InvalidAccessKeyId", K::Auth, NotApplied),
            (403, "RequestTimeTooSkewed", K::Auth, NotApplied),
            (403, "SignatureDoesNotMatch", K::Auth, NotApplied),
            (403, "XMinioIAMActionNotAllowed", K::Unsupported, NotApplied),
            (403, "XMinioInvalidIAMCredentials", K::Conflict, NotApplied),
            (404, "NoSuchBucket", K::Unsupported, NotApplied),
            (404, "XMinioAdminNoSuchPolicy", K::Invalid, NotApplied),
            (404, "XMinioAdminNoSuchUser", K::NotFound, NotApplied),
            (404, "XMinioInvalidIAMCredentials", K::NotFound, NotApplied),
            (404, "SomethingElse", K::Protocol, Unknown),
            (426, "XMinioAdminVersionMismatch", K::Unsupported, NotApplied),
            (429, "TooManyRequests", K::RateLimited, NotApplied),
            (500, "InternalError", K::Transient, Unknown),
            (501, "NotImplemented", K::Unsupported, NotApplied),
            (503, "SlowDownRead", K::RateLimited, NotApplied),
            (503, "SlowDownWrite", K::Transient, Unknown),
            (503, "XMinioIAMNotInitialized", K::Transient, NotApplied),
            (503, "XMinioServerNotInitialized", K::Transient, NotApplied),
        ] {
            for body in [json(code), xml(code)] {
                let error = refused(&write(), &Reply::made_up(status, &body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
                assert_eq!(error.request_id.as_deref(), Some("18EB81B9E6172DF5"));
                assert!(
                    error.to_string().ends_with(&format!("({status} {code})")),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn answers_of_something_else_are_not_taken_for_refusals_of_the_server() {
        for page in ["<html><body>please log in</body></html>", r#"{"truncated":"#, ""] {
            for (status, kind, outcome) in [
                (302, K::Protocol, NotApplied),
                (400, K::Protocol, Unknown),
                (401, K::Auth, NotApplied),
                (404, K::Protocol, Unknown),
                (409, K::Protocol, Unknown),
                (426, K::Protocol, Unknown),
                (429, K::RateLimited, NotApplied),
                (502, K::Transient, Unknown),
            ] {
                let error = refused(&write(), &Reply::made_up(status, page));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {page}");
            }
        }
    }

    #[test]
    fn what_a_driver_acts_on_is_told_by_status_and_code_together() {
        let reply = |status, code: &str| Reply::made_up(status, &json(code));
        assert!(is_no_user(&reply(404, "XMinioAdminNoSuchUser")));
        assert!(!is_no_user(&reply(403, "XMinioAdminNoSuchUser")));
        assert!(is_no_key(&reply(404, "XMinioInvalidIAMCredentials")));
        assert!(!is_no_key(&reply(403, "XMinioInvalidIAMCredentials")));
        assert!(is_changed(&reply(400, "XMinioAdminPolicyChangeAlreadyApplied")));
        assert!(is_changed(&reply(409, "XMinioPolicyAlreadyAttached")));
        assert!(is_changed(&reply(404, "XMinioPolicyNotAttached")));
        assert!(is_unknown_call(&reply(426, "XMinioAdminVersionMismatch")));
        assert!(!is_unknown_call(&Reply::made_up(404, "404 page not found")));
        for code in ["XMinioAdminNoSuchUser", "XMinioAdminNoSuchPolicy"] {
            assert!(!is_unknown_call(&reply(404, code)), "{code}");
        }
    }

    #[test]
    fn a_read_is_never_carried_out_and_no_text_quotes_a_body() {
        let read = request::find_user(&UserName::new("u"));
        let error = refused(&read, &Reply::made_up(500, &json("InternalError")));
        assert_eq!(error.outcome, NotApplied);
        let secret = "XMinio0123456789abcdefABCDEF0123456789ab";
        let error = refused(&write(), &Reply::made_up(400, &json(secret)));
        assert!(!format!("{error} {error:?}").contains("0123456789"));
    }
}
