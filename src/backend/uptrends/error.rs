//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.

use super::request;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};
use serde::{Deserialize, de::IgnoredAny};

/// Whether an answer is a refusal of the API: `{"Messages":[{"Message":"…"}]}` (specification of 2022).
///
/// What the messages say is not looked at: it may be anything, such as what was sent.
pub(super) fn is_refusal(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "Messages", alias = "messages")]
        _messages: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Refusal>(&reply.body).is_ok()
}

/// The API says that what the path names is not there.
pub(super) fn is_absent(reply: &Reply) -> bool {
    reply.status == 404 && is_refusal(reply)
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let judgement = judge(call, reply);
    let text = match (call.operation == request::REGISTER, judgement.0) {
        (true, ErrorKind::Auth) => NO_LOGIN,
        (true, ErrorKind::Unsupported) => NO_REGISTER,
        (_, kind) => advice(reply.status, kind),
    };
    call.refused(reply, judgement, text, None)
}

fn judge(call: &Call, reply: &Reply) -> (ErrorKind, Outcome) {
    // All accounts are always there; what is not is the resource itself.
    if ["ListAccounts", request::REGISTER].contains(&call.operation) && is_absent(reply) {
        return (ErrorKind::Unsupported, Outcome::NotApplied);
    }
    call::judge(reply, is_refusal(reply))
}

/// The pages of the vendor disagree about SSO: "keeps working", and "can no longer" in the changelog of June 2024.
const NO_LOGIN: &str = "POST /Register refuses the operator's login: are operatorUsername and operatorPassword right, and does it not sign in \
                        by SSO, which it may refuse? Or set legacyRegister: false";
const NO_REGISTER: &str = "this API does not offer POST /Register: set legacyRegister: false";

/// What happened and what to do, for a person.
fn advice(status: u16, kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "the API failed; the call may have been carried out",
        ErrorKind::RateLimited => "the API asks to slow down",
        ErrorKind::Auth if status == 401 => {
            "user name or password of the API account are wrong: correct the Secret of credentialsSecretRef"
        }
        // The specification of 2022 declares this one for what is not valid, too.
        ErrorKind::Auth => {
            "the API account's operator lacks a right (it must be an administrator), or the API refuses a value or \
             one more account: it says 403 to all of these"
        }
        ErrorKind::NotFound => "there is no such operator or API account: is operatorGuid right?",
        ErrorKind::Conflict => "the API refuses this in the present state",
        ErrorKind::Invalid => {
            "the API refuses a value: try a shorter or plainer label, and check operatorGuid"
        }
        ErrorKind::Unsupported => "this API does not offer ApiUser: accounts cannot be managed by it",
        ErrorKind::Protocol => "this is no answer of the Uptrends API: is the endpoint right, and final?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::uptrends::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    use std::time::Duration;

    /// The form that the specification of 2022 gives for 400, 403 and 404.
    const REFUSAL: &str = r#"{"Messages":[{"Message":"CANARY"}]}"#;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::made_up(status, body)
    }

    fn write() -> Call {
        request::create("o", "d", &UserName::new("u"))
    }

    #[test]
    fn every_refusal_of_the_api_has_its_kind_and_outcome() {
        for (status, kind, outcome) in [
            (400, K::Invalid, NotApplied),
            (401, K::Auth, NotApplied),
            (403, K::Auth, NotApplied),
            (404, K::NotFound, NotApplied),
            (405, K::Unsupported, NotApplied),
            (409, K::Conflict, NotApplied),
            (415, K::Protocol, Unknown),
            (422, K::Invalid, NotApplied),
            (429, K::RateLimited, NotApplied),
            (500, K::Transient, Unknown),
            (503, K::Transient, Unknown),
        ] {
            for body in [REFUSAL, r#"{"messages":[]}"#] {
                let error = refused(&write(), &reply(status, body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
            }
        }
    }

    #[test]
    fn an_answer_without_messages_is_believed_only_where_none_are_declared() {
        for body in ["", "<html>please log in</html>", r#"{"Code":"x"}"#, "[]"] {
            for (status, kind, outcome) in [
                (302, K::Protocol, NotApplied),
                (400, K::Protocol, Unknown),
                (401, K::Auth, NotApplied),
                (404, K::Protocol, Unknown),
                (429, K::RateLimited, NotApplied),
                (502, K::Transient, Unknown),
            ] {
                let error = refused(&write(), &reply(status, body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {body}");
            }
        }
    }

    #[test]
    fn an_api_without_accounts_is_told_from_an_operator_that_is_not_there() {
        let kind = |call: &Call| refused(call, &reply(404, REFUSAL)).kind;
        assert_eq!(kind(&request::list(None, "x")), K::Unsupported);
        assert_eq!(kind(&request::list(Some("o"), "x")), K::NotFound);
    }

    #[test]
    fn a_read_is_never_carried_out() {
        let error = refused(&request::list(None, "x"), &reply(500, ""));
        assert_eq!(error.outcome, NotApplied);
    }

    #[test]
    fn how_long_to_wait_is_passed_on() {
        let mut busy = reply(429, REFUSAL);
        busy.retry_after = Some(Duration::from_secs(7));
        let error = refused(&write(), &busy);
        assert_eq!(
            (error.kind, error.retry_after),
            (K::RateLimited, busy.retry_after)
        );
    }

    #[test]
    fn an_error_text_says_to_whom_and_what_to_do_and_quotes_no_body() {
        let error = refused(&write(), &reply(403, REFUSAL));
        let want = "uptrends IssueKey: user u: the API account's operator lacks a right (it must be an administrator), \
                    or the API refuses a value or one more account: it says 403 to all of these (403 without a code)";
        assert_eq!(error.to_string(), want);
        assert!(!format!("{error:?}").contains("CANARY"));
    }

    #[test]
    fn every_text_fits_with_the_longest_name() {
        let call = request::create("o", "d", &UserName::new("n".repeat(64)));
        for status in [400, 401, 403, 404, 405, 409, 415, 429, 500] {
            let text = refused(&call, &reply(status, REFUSAL)).detail.to_string();
            assert!(text.ends_with("without a code)"), "{text}");
        }
    }
}
