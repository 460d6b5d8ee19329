//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.
//!
//! An error of the product has a status of 400 or more and the header `X-Amz-Err-Message`; without that header it is
//! one of something in front (client `Luzilla/acronis-s3-usage`). The body decides nothing: its form is not documented.

use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};

const MESSAGE: &str = "x-amz-err-message";

/// Longest message that is shown, and longest word in it: shorter than any secret.
const MESSAGE_MAX: usize = 64;
const WORD_MAX: usize = 24;

/// The product itself refuses.
pub(super) fn is_by_product(reply: &Reply) -> bool {
    reply.status >= 400 && reply.headers.contains_key(MESSAGE)
}

/// There is no such user.
pub(super) fn is_absent(reply: &Reply) -> bool {
    reply.status == 404 && is_by_product(reply)
}

/// The method is not taken, whoever says so: the server in front may know the methods of the product.
pub(super) fn is_wrong_method(reply: &Reply) -> bool {
    matches!(reply.status, 405 | 501)
}

/// The product refuses what it was asked for, for a reason that its status does not tell: the documents name none.
pub(super) fn is_refusal(reply: &Reply) -> bool {
    is_by_product(reply) && matches!(reply.status, 400 | 403 | 404 | 409 | 422)
}

/// A call that the store does not have, or that is off in its cluster: what it says then is not documented.
pub(super) fn is_unoffered(reply: &Reply) -> bool {
    is_refusal(reply) || is_wrong_method(reply)
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let judgement = call::judge(reply, is_by_product(reply));
    call.refused(
        reply,
        judgement,
        advice(judgement.0, reply),
        message(reply).as_deref(),
    )
}

/// The same for a change that was refused although call and admin are right: the present state is the reason.
pub(super) fn refused_in_this_state(call: &Call, reply: &Reply, advice: &str) -> Error {
    if !is_refusal(reply) {
        return refused(call, reply);
    }
    let judgement = (ErrorKind::Conflict, Outcome::NotApplied);
    call.refused(reply, judgement, advice, message(reply).as_deref())
}

/// The same for a call about a quota, by a key that was just taken for another call. What the `ObjectStore` says of the store is
/// not so.
pub(super) fn without_quotas(call: &Call, reply: &Reply) -> Error {
    let advice = "the store refuses this: is it Virtuozzo Hybrid Infrastructure 4.7 or later, and was accounting set up on a node of \
                  it (`ostor-ctl add-acc`)? If not, take `quotas` out of the ObjectStore";
    let judgement = (ErrorKind::Unsupported, Outcome::NotApplied);
    call.refused(reply, judgement, advice, message(reply).as_deref())
}

/// The product's own words, as far as they are fit to be shown.
fn message(reply: &Reply) -> Option<String> {
    let text = reply.header(MESSAGE)?.trim();
    let fits = (1..=MESSAGE_MAX).contains(&text.len());
    let is_plain = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let is_words = text.split(' ').all(|word| word.len() <= WORD_MAX);
    (fits && is_plain && is_words).then(|| text.to_owned())
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, reply: &Reply) -> &'static str {
    let by_product = is_by_product(reply);
    match kind {
        ErrorKind::Transient => "the store failed; the call may have been carried out",
        ErrorKind::RateLimited => "the store asks to slow down",
        ErrorKind::Auth if by_product => {
            "the key is no system user's, or wrong: correct the Secret, see `signature`"
        }
        ErrorKind::Auth => "refused: is this endpoint the store, and not something before it?",
        ErrorKind::NotFound => "there is no such user on the store",
        ErrorKind::Conflict => "the store refuses this in the present state",
        ErrorKind::Invalid => "the store refuses a name or value, or how it is signed: see `signature`",
        ErrorKind::Unsupported => "this store does not offer this call",
        ErrorKind::Protocol => "this is no answer of a Virtuozzo or Acronis store: is the endpoint right?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::ostor::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    use http::HeaderValue;
    use std::time::Duration;

    fn by_product(status: u16, message: &'static str) -> Reply {
        let mut reply = in_front(status);
        reply.headers.insert(MESSAGE, HeaderValue::from_static(message));
        reply
    }

    fn in_front(status: u16) -> Reply {
        Reply::made_up(status, "<Error><Code>NoSuchUser</Code></Error>")
    }

    fn name() -> UserName {
        UserName::new("u@x.example")
    }

    fn write() -> Call {
        request::set_locked(&name(), true)
    }

    #[test]
    fn every_refusal_of_the_product_has_its_kind_and_outcome() {
        for (status, kind, outcome) in [
            (400, K::Invalid, NotApplied),
            (401, K::Auth, NotApplied),
            (403, K::Auth, NotApplied),
            (404, K::NotFound, NotApplied),
            (405, K::Unsupported, NotApplied),
            (409, K::Conflict, NotApplied),
            (429, K::RateLimited, NotApplied),
            (500, K::Transient, Unknown),
            (501, K::Unsupported, NotApplied),
            (503, K::Transient, Unknown),
        ] {
            let error = refused(&write(), &by_product(status, "No"));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
        }
    }

    #[test]
    fn without_the_header_something_in_front_speaks_whatever_the_body_says() {
        for (status, kind, outcome) in [
            (302, K::Protocol, NotApplied),
            (400, K::Protocol, Unknown),
            (401, K::Auth, NotApplied),
            (403, K::Auth, NotApplied),
            (404, K::Protocol, Unknown),
            (405, K::Protocol, Unknown),
            (409, K::Protocol, Unknown),
            (429, K::RateLimited, NotApplied),
            (502, K::Transient, Unknown),
        ] {
            let reply = in_front(status);
            let error = refused(&write(), &reply);
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
            assert!(!is_absent(&reply) && !is_refusal(&reply), "{status}");
        }
    }

    #[test]
    fn a_change_that_is_refused_for_an_unknown_reason_is_a_conflict() {
        for status in [400, 403, 404, 409, 422] {
            let error = refused_in_this_state(&write(), &by_product(status, "No"), "why");
            assert_eq!((error.kind, error.outcome), (K::Conflict, NotApplied), "{status}");
        }
        for (status, kind) in [(401, K::Auth), (429, K::RateLimited), (500, K::Transient)] {
            let error = refused_in_this_state(&write(), &by_product(status, "No"), "why");
            assert_eq!(error.kind, kind, "{status}");
        }
    }

    #[test]
    fn what_is_not_offered_names_what_to_set_up() {
        let call = request::set_quota(&name(), 1);
        for status in [400, 403, 404, 405, 409, 422, 501] {
            let reply = by_product(status, "No");
            assert!(is_unoffered(&reply), "{status}");
            let error = without_quotas(&call, &reply);
            assert_eq!(
                (error.kind, error.outcome),
                (K::Unsupported, NotApplied),
                "{status}"
            );
            assert!(error.to_string().contains("`ostor-ctl add-acc`"), "{error}");
        }
        for status in [401, 429, 500, 503] {
            assert!(!is_unoffered(&by_product(status, "No")), "{status}");
        }
        assert!(!is_unoffered(&in_front(404)));
    }

    #[test]
    fn a_read_is_never_carried_out() {
        let error = refused(&request::find_user(&name()), &by_product(500, "No"));
        assert_eq!(error.outcome, NotApplied);
    }

    #[test]
    fn a_busy_store_that_says_when_is_asked_again_then() {
        let mut busy = in_front(503);
        busy.retry_after = Some(Duration::from_secs(7));
        let error = refused(&write(), &busy);
        assert_eq!((error.kind, error.outcome), (K::RateLimited, Unknown));
        assert_eq!(error.retry_after, busy.retry_after);
    }

    #[test]
    fn an_error_text_says_to_whom_what_to_do_and_what_the_store_said() {
        let error = refused(&write(), &by_product(403, "Access denied"));
        let want = "ostor SetLocked: user u@x.example: the key is no system user's, or wrong: correct the Secret, see \
                    `signature` (403 Access denied)";
        assert_eq!(error.to_string(), want);
    }

    #[test]
    fn a_message_that_may_quote_a_secret_is_not_shown() {
        for message in [
            "key VtzMADEUPMADEUPMADEUPMADEUPMADEUPMADEUP1 is wrong",
            "",
            "a message of so many words that it is no message any more, but a whole page",
        ] {
            let error = refused(&write(), &by_product(400, message));
            assert!(error.to_string().ends_with("(400 without a code)"), "{error}");
        }
    }
}
