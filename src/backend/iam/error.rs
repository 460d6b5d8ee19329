//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.

use super::xml::Element;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
    http::client::{is_code, is_request_id},
};

/// The code of a refusal, where the answer is one of an IAM API.
pub(super) fn code(reply: &Reply) -> Option<String> {
    let root = Element::parse(&reply.body)?;
    code_in(&root)
}

/// `<ErrorResponse><Error><Code>` on AWS; one level deeper in moto; `<Error><Code>` of S3 where a store answers so.
fn code_in(root: &Element) -> Option<String> {
    let is_error = matches!(root.name(), "ErrorResponse" | "Error" | "Response");
    let error = root.find_with("Error", "Code").filter(|_| is_error)?;
    error
        .text_of("Code")
        .filter(|code| is_code(code))
        .map(str::to_owned)
}

/// Whether this is said of a user or key that is not there.
pub(super) fn is_absent(reply: &Reply) -> bool {
    reply.status == 404 && code(reply).as_deref() == Some("NoSuchEntity")
}

/// Whether the store takes no such policy; nothing changed.
pub(super) fn is_malformed_policy(reply: &Reply) -> bool {
    reply.status == 400 && code(reply).as_deref() == Some("MalformedPolicyDocument")
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let code = code(reply);
    let (kind, _) = judge(reply, code.as_deref());
    refused_because(call, reply, advice(kind, code.as_deref()))
}

/// The same with advice of the caller's.
pub(super) fn refused_because(call: &Call, reply: &Reply, advice: &str) -> Error {
    let code = code(reply);
    let judgement = judge(reply, code.as_deref());
    let error = call.refused(reply, judgement, advice, code.as_deref());
    Error {
        request_id: request_id(reply).or(error.request_id),
        ..error
    }
}

/// In the body's `RequestId`, and in a header of AWS's.
fn request_id(reply: &Reply) -> Option<String> {
    let root = Element::parse(&reply.body);
    let in_error = |root: &Element| {
        Some(
            root.find_with("Error", "RequestId")?
                .text_of("RequestId")?
                .to_owned(),
        )
    };
    let told = root.and_then(|root| {
        let own = root.text_of("RequestId").map(str::to_owned);
        own.or_else(|| in_error(&root))
    });
    let header = reply.header("x-amzn-requestid").map(str::to_owned);
    told.or(header).filter(|id| is_request_id(id))
}

/// A code of the API says more than the status. (AWS IAM API reference, "Common errors", and each action's own.)
fn judge(reply: &Reply, code: Option<&str>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::NotApplied;
    match code {
        // AWS says so with 400.
        Some(
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown",
        ) => (K::RateLimited, NotApplied),
        Some(
            "ConcurrentModification" | "ConcurrentModificationException" | "EntityTemporarilyUnmodifiable",
        ) => (K::Transient, NotApplied),
        Some("LimitExceeded" | "UnmodifiableEntity" | "PolicyNotAttachable") => (K::Conflict, NotApplied),
        Some("InvalidAction" | "NotImplemented" | "MethodNotAllowed" | "UnsupportedOperation") => {
            (K::Unsupported, NotApplied)
        }
        Some(
            "RequestExpired"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredToken"
            | "RequestTimeTooSkewed",
        ) => (K::Auth, NotApplied),
        _ => call::judge(reply, code.is_some()),
    }
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, code: Option<&str>) -> &'static str {
    match code {
        Some("SignatureDoesNotMatch" | "IncompleteSignature") => {
            "the admin secret key is wrong, or the region: correct the Secret of credentialsSecretRef, or spec.backend.iam.region"
        }
        Some("InvalidClientTokenId" | "InvalidAccessKeyId" | "ExpiredToken") => {
            "the admin access key is unknown: correct the Secret of credentialsSecretRef"
        }
        Some("RequestExpired" | "RequestTimeTooSkewed") => {
            "the clocks of store and operator differ too much: set them right"
        }
        Some("AccessDenied") => {
            "the admin user lacks a right, or the store takes no changes of IAM: docs/backends/iam.md lists what is needed"
        }
        Some("EntityAlreadyExists") => "a user of this name is there already",
        Some("LimitExceeded") => {
            "the account has no room for more of this: raise the quota that the store names"
        }
        Some("DeleteConflict") => "something still hangs on the user: remove what others gave it",
        Some("ConcurrentModification" | "EntityTemporarilyUnmodifiable") => {
            "somebody else changed it at the same moment"
        }
        Some("MalformedPolicyDocument") => "the store refuses this form of policy",
        Some("MethodNotAllowed") => {
            "the endpoint serves no IAM API to this user: on Ceph, it must be the root user of an account"
        }
        Some(_) | None => advice_by_kind(kind),
    }
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the store failed; the call may have been carried out",
        ErrorKind::RateLimited => "the store asks to slow down: spec.limits can help",
        ErrorKind::Auth => "refused: is this endpoint the IAM API, and not something before it?",
        ErrorKind::NotFound => "the store knows no such user or policy",
        ErrorKind::Conflict => "the store refuses this in the present state",
        ErrorKind::Invalid => "the store refuses a name or value",
        ErrorKind::Unsupported => "the store does not serve this call of the IAM API",
        ErrorKind::Protocol => "this is no answer of an IAM API: is the endpoint right, and final?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::iam::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    use std::time::Duration;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::made_up(status, body)
    }

    /// The form of AWS. (IAM API reference, "Common errors".)
    fn refusal(code: &str) -> String {
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>m</Message></Error><RequestId>4a3f0d2c-0001-11e4-abe8-9b0ebEXAMPLE</RequestId></ErrorResponse>"
        )
    }

    fn write() -> Call {
        request::delete_user(&UserName::new("u"))
    }

    #[test]
    fn every_documented_refusal_has_its_kind_and_outcome() {
        for (status, code, kind, outcome) in [
            (400, "InvalidInput", K::Invalid, NotApplied),
            (400, "ValidationError", K::Invalid, NotApplied),
            (400, "MalformedPolicyDocument", K::Invalid, NotApplied),
            (400, "InvalidAction", K::Unsupported, NotApplied),
            (400, "Throttling", K::RateLimited, NotApplied),
            (400, "ThrottlingException", K::RateLimited, NotApplied),
            (503, "SlowDown", K::RateLimited, NotApplied),
            (400, "RequestExpired", K::Auth, NotApplied),
            (400, "IncompleteSignature", K::Auth, NotApplied),
            (400, "UnmodifiableEntity", K::Conflict, NotApplied),
            (403, "AccessDenied", K::Auth, NotApplied),
            (403, "InvalidClientTokenId", K::Auth, NotApplied),
            (403, "InvalidAccessKeyId", K::Auth, NotApplied),
            (403, "SignatureDoesNotMatch", K::Auth, NotApplied),
            (404, "NoSuchEntity", K::NotFound, NotApplied),
            (405, "MethodNotAllowed", K::Unsupported, NotApplied),
            (409, "EntityAlreadyExists", K::Conflict, NotApplied),
            (409, "LimitExceeded", K::Conflict, NotApplied),
            (409, "DeleteConflict", K::Conflict, NotApplied),
            (409, "ConcurrentModification", K::Transient, NotApplied),
            (409, "EntityTemporarilyUnmodifiable", K::Transient, NotApplied),
            (500, "ServiceFailure", K::Transient, Unknown),
            (500, "InternalFailure", K::Transient, Unknown),
            (501, "NotImplemented", K::Unsupported, NotApplied),
            (503, "ServiceUnavailable", K::Transient, Unknown),
        ] {
            let error = refused(&write(), &reply(status, &refusal(code)));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
            let id = error.request_id.as_deref();
            assert_eq!(id, Some("4a3f0d2c-0001-11e4-abe8-9b0ebEXAMPLE"));
        }
    }

    #[test]
    fn answers_of_something_else_are_not_taken_for_refusals_of_the_store() {
        let page = "<html><body><Error><Code>NoSuchEntity</Code></Error></body></html>";
        for (status, kind, outcome) in [
            (302, K::Protocol, NotApplied),
            (400, K::Protocol, Unknown),
            (401, K::Auth, NotApplied),
            (404, K::Protocol, Unknown),
            (409, K::Protocol, Unknown),
            (429, K::RateLimited, NotApplied),
            (502, K::Transient, Unknown),
        ] {
            let error = refused(&write(), &reply(status, page));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
            assert!(!is_absent(&reply(status, page)));
        }
    }

    #[test]
    fn a_read_is_never_carried_out() {
        let read = request::find_user(&UserName::new("u"));
        let error = refused(&read, &reply(500, &refusal("ServiceFailure")));
        assert_eq!(error.outcome, NotApplied);
    }

    #[test]
    fn a_busy_store_that_says_when_is_asked_again_then() {
        let mut busy = reply(503, "");
        busy.retry_after = Some(Duration::from_secs(7));
        let error = refused(&write(), &busy);
        assert_eq!((error.kind, error.outcome), (K::RateLimited, Unknown));
        assert_eq!(error.retry_after, busy.retry_after);
    }

    #[test]
    fn an_error_text_says_to_whom_and_what_to_do_and_quotes_no_body() {
        let error = refused(&write(), &reply(403, &refusal("AccessDenied")));
        let want = "iam DeleteUser: user u: the admin user lacks a right, or the store takes no changes of IAM: \
                    docs/backends/iam.md lists what is needed (403 AccessDenied)";
        assert_eq!(error.to_string(), want);
        let error = refused(
            &write(),
            &reply(
                500,
                "<Error><Code>CANARY/1</Code><RequestId>CANARY\n</RequestId></Error>",
            ),
        );
        assert!(!format!("{error} {error:?}").contains("CANARY/1"));
    }
}
