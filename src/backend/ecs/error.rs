//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.
//!
//! Source of the codes: `ServiceCode.java` of `CoprHD`, whose error framework ECS shares, and public recordings. Which
//! status goes with a code is confirmed for few of them, so the code decides where it is known.

use super::wire::Refusal;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};

/// The code of a refusal, where the answer is one of the management API.
pub(super) fn code(reply: &Reply) -> Option<u32> {
    serde_json::from_slice::<Refusal>(&reply.body).ok()?.code()
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let code = code(reply);
    let (kind, outcome) = judge(reply, code);
    let advice = advice(kind, code);
    call.refused(
        reply,
        (kind, outcome),
        advice,
        code.map(|c| c.to_string()).as_deref(),
    )
}

/// The same for a login.
pub(super) fn login_refused(call: &Call, reply: &Reply) -> Error {
    let code = code(reply);
    let (kind, outcome) = judge(reply, code);
    let advice = if kind == ErrorKind::Auth {
        "the login was refused: correct `username` and `password` in the Secret of credentialsSecretRef; \
         the user may also be locked, or have too many sessions"
    } else {
        advice(kind, code)
    };
    call.refused(
        reply,
        (kind, outcome),
        advice,
        code.map(|c| c.to_string()).as_deref(),
    )
}

/// Whether this says that what the URL or the body names is not there: 404, or 400 with one of two codes, and nothing
/// else. A 404 without a code is the word of something else that answers here.
pub(super) fn is_absent(reply: &Reply) -> bool {
    match (reply.status, code(reply)) {
        // But not by the word of the front proxy.
        (404, Some(code)) => !(6400..=6599).contains(&code),
        (400, Some(code)) => matches!(code, 1004 | 2000),
        _ => false,
    }
}

fn judge(reply: &Reply, code: Option<u32>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    if is_absent(reply) {
        return (K::NotFound, NotApplied);
    }
    match (reply.status, code) {
        (400..=499, Some(1026 | 3000 | 4000)) => (K::Auth, NotApplied),
        (400..=499, Some(1015 | 1020 | 1025 | 1031)) => (K::Conflict, NotApplied),
        (400..=499, Some(1007)) => (K::Unsupported, NotApplied),
        // By the word of the front proxy, whose codes end like the status that it stands for.
        (400..=499, Some(6429)) => (K::RateLimited, NotApplied),
        (400..=499, Some(6400..=6599)) => (K::Transient, Unknown),
        _ => call::judge(reply, code.is_some()),
    }
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, code: Option<u32>) -> &'static str {
    match (kind, code) {
        (ErrorKind::Auth, Some(4000)) => {
            "the token of a login made just now is refused: is the endpoint always the same system?"
        }
        (ErrorKind::Auth, Some(_)) => {
            "the admin user lacks a right: give it SYSTEM_ADMIN, or NAMESPACE_ADMIN of this namespace"
        }
        (ErrorKind::Conflict, Some(1015)) => {
            "there is one of this name already, here or in another namespace"
        }
        (ErrorKind::Conflict, Some(1020 | 1025)) => "it is still in use: remove or hand over its data first",
        (ErrorKind::Conflict, Some(1031)) => "the system refuses one more of this",
        (ErrorKind::Transient, Some(6000)) => "the management service is not available",
        (kind, _) => advice_by_kind(kind),
    }
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the system failed; the call may have been carried out",
        ErrorKind::RateLimited => "the system asks to slow down",
        ErrorKind::Auth => "refused: is this endpoint the management API, and not something before it?",
        ErrorKind::NotFound => "it is not there, or the namespace of the ObjectStore is not",
        ErrorKind::Conflict => "the system refuses this in the present state",
        ErrorKind::Invalid => "the system refuses a name or value",
        ErrorKind::Unsupported => "this system does not know this call: is it ECS 3 or ObjectScale 4?",
        ErrorKind::Protocol => {
            "this is no answer of an ECS management API: is the endpoint right, and final?"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ecs::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};

    fn reply(status: u16, body: &str) -> Reply {
        Reply::made_up(status, body)
    }

    /// The form of a recording of ecs-cf-service-broker.
    fn refusal(code: u32) -> String {
        format!(r#"{{"code":{code},"retryable":false,"description":"Sentence","details":"More"}}"#)
    }

    fn write() -> Call {
        request::set_locked("ns1", &UserName::new("u"), true)
    }

    #[test]
    fn every_code_has_its_kind_and_outcome() {
        for (status, code, kind, outcome) in [
            (400, 1002, K::Invalid, NotApplied),
            (415, 1003, K::Protocol, Unknown),
            (400, 1004, K::NotFound, NotApplied),
            (400, 1005, K::Invalid, NotApplied),
            (405, 1007, K::Unsupported, NotApplied),
            (400, 1007, K::Unsupported, NotApplied),
            (400, 1008, K::Invalid, NotApplied),
            (400, 1013, K::Invalid, NotApplied),
            (400, 1015, K::Conflict, NotApplied),
            (409, 1015, K::Conflict, NotApplied),
            (400, 1020, K::Conflict, NotApplied),
            (400, 1025, K::Conflict, NotApplied),
            (403, 1026, K::Auth, NotApplied),
            (400, 1026, K::Auth, NotApplied),
            (400, 1031, K::Conflict, NotApplied),
            (400, 2000, K::NotFound, NotApplied),
            (404, 2000, K::NotFound, NotApplied),
            (404, 2001, K::NotFound, NotApplied),
            (403, 3000, K::Auth, NotApplied),
            (401, 4000, K::Auth, NotApplied),
            (503, 6000, K::Transient, Unknown),
            (503, 6503, K::Transient, Unknown),
            (400, 6503, K::Transient, Unknown),
            (500, 7000, K::Transient, Unknown),
            (400, 40_008, K::Invalid, NotApplied),
        ] {
            let error = refused(&write(), &reply(status, &refusal(code)));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
    }

    #[test]
    fn what_is_no_answer_of_the_product_is_judged_by_its_status() {
        for (status, kind, outcome) in [
            (302, K::Protocol, NotApplied),
            (400, K::Protocol, Unknown),
            (401, K::Auth, NotApplied),
            (403, K::Auth, NotApplied),
            (404, K::Protocol, Unknown),
            (429, K::RateLimited, NotApplied),
            (500, K::Transient, Unknown),
            (502, K::Transient, Unknown),
        ] {
            for body in ["<html>no</html>", "", "{}", r#"{"code":"x"}"#] {
                let error = refused(&write(), &reply(status, body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_code_is_read_as_number_or_text_and_from_within_an_error_object() {
        for body in [
            r#"{"code":2000}"#,
            r#"{"code":"2000"}"#,
            r#"{"error":{"code":2000}}"#,
        ] {
            assert_eq!(code(&reply(404, body)), Some(2000), "{body}");
        }
    }

    #[test]
    fn absent_is_what_the_documents_call_so_and_nothing_else() {
        for (status, body, want) in [
            (404, refusal(2000), true),
            (404, refusal(2001), true),
            (400, refusal(1004), true),
            (400, refusal(2000), true),
            (400, refusal(1008), false),
            (403, refusal(2000), false),
            (500, refusal(2000), false),
            (404, "<html>".to_owned(), false),
            (404, String::new(), false),
        ] {
            assert_eq!(is_absent(&reply(status, &body)), want, "{status} {body}");
        }
    }

    #[test]
    fn what_the_server_says_in_words_is_told_to_nobody() {
        let secret = "AIpLczsgWKqbgnI47XHC5okgjpC3HSLEgOnaYmhR";
        for body in [
            format!(r#"{{"code":1008,"description":"{secret}","details":"{secret}"}}"#),
            format!(r#"{{"code":"{secret}"}}"#),
            secret.to_owned(),
        ] {
            for status in [302, 400, 401, 403, 404, 409, 500] {
                let error = refused(&write(), &reply(status, &body));
                assert!(!format!("{error} {error:?}").contains(secret), "{error}");
            }
        }
    }

    #[test]
    fn a_refused_login_names_what_to_correct() {
        let error = login_refused(&request::login("root"), &reply(401, &refusal(4000)));
        assert_eq!((error.kind, error.outcome), (K::Auth, NotApplied));
        let text = error.to_string();
        assert!(
            text.contains("root") && text.contains("credentialsSecretRef"),
            "{text}"
        );
    }
}
