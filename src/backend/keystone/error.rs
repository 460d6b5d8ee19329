//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.
//!
//! Source: Keystone's `exception.py` (30.0). Its refusals have a code that repeats the status, and sentences.

use super::wire::Refusal;
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
};

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let refusal = Refusal::of(reply);
    let (kind, outcome) = judge(reply, refusal.as_ref());
    told(call, reply, (kind, outcome), advice(kind, refusal.as_ref()))
}

/// The same for a login. It changes nothing but the number of tokens.
pub(super) fn login_refused(call: &Call, reply: &Reply) -> Error {
    let refusal = Refusal::of(reply);
    let (kind, _) = judge(reply, refusal.as_ref());
    let advice = match (kind, reply.status) {
        (ErrorKind::Auth, 401) => {
            "the login was refused: correct `username` and `password` in the Secret of credentialsSecretRef, \
             and adminProject and adminDomain of the ObjectStore; the user may also be locked or lack a role there"
        }
        (kind, _) => advice(kind, refusal.as_ref()),
    };
    told(call, reply, (kind, Outcome::NotApplied), advice)
}

fn told(call: &Call, reply: &Reply, judgement: (ErrorKind, Outcome), advice: &str) -> Error {
    let refusal = Refusal::of(reply);
    let code = refusal
        .as_ref()
        .map(|refusal| refusal.rule().unwrap_or("by Keystone"));
    call.refused(reply, judgement, advice, code)
}

/// Whether this says, in Keystone's form, that what the path names is not there. That may as well be the call itself:
/// whoever takes it for "done" or "none" looks again.
pub(super) fn is_absent(reply: &Reply) -> bool {
    reply.status == 404 && Refusal::of(reply).is_some()
}

fn judge(reply: &Reply, refusal: Option<&Refusal>) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::NotApplied;
    match (reply.status, refusal) {
        (403, Some(refusal)) if refusal.is_about_a_limit() => (K::Conflict, NotApplied),
        _ => call::judge(reply, refusal.is_some()),
    }
}

/// What happened and what to do, for a person.
fn advice(kind: ErrorKind, refusal: Option<&Refusal>) -> &'static str {
    match (kind, refusal) {
        (ErrorKind::Conflict, Some(refusal)) if refusal.is_about_a_limit() => {
            "it has as many keys as Keystone lets a user have ([credential] user_limit): one must go first"
        }
        (ErrorKind::Auth, Some(refusal)) if refusal.rule().is_some() => {
            "the admin user may not do this: give it the role admin on adminProject"
        }
        (kind, _) => advice_by_kind(kind),
    }
}

fn advice_by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "Keystone failed; the call may have been carried out",
        ErrorKind::RateLimited => "Keystone asks to slow down",
        ErrorKind::Auth => "refused: is this endpoint Keystone, and not something before it?",
        ErrorKind::NotFound => "it is not there any more, or this Keystone has no such call",
        ErrorKind::Conflict => "there is one of this name or id already",
        ErrorKind::Invalid => "Keystone refuses a name or value",
        ErrorKind::Unsupported => "Keystone does not do this, as for users of an LDAP domain",
        ErrorKind::Protocol => {
            "this is no answer of Keystone's Identity API v3: is the endpoint right, and final?"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::keystone::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};

    fn reply(status: u16, body: &str) -> Reply {
        Reply::made_up(status, body)
    }

    fn write() -> Call {
        request::set_locked("0123", &UserName::new("u"), true)
    }

    fn refusal(code: u16, message: &str) -> String {
        format!(r#"{{"error":{{"code":{code},"message":"{message}","title":"Title"}}}}"#)
    }

    #[test]
    fn every_refusal_that_was_met_has_its_kind_and_outcome() {
        let all: serde_json::Value = serde_json::from_str(include_str!("recorded/refusals.json")).unwrap();
        for (name, kind) in [
            ("bad_password", K::Auth),
            ("bad_token", K::Auth),
            ("forbidden", K::Auth),
            ("key_limit", K::Conflict),
            ("no_such_call", K::NotFound),
            ("no_such_user", K::NotFound),
            ("no_such_key", K::NotFound),
            ("name_taken", K::Conflict),
            ("key_taken", K::Conflict),
            ("bad_value", K::Invalid),
        ] {
            let code = u16::try_from(all[name]["error"]["code"].as_u64().unwrap()).unwrap();
            let error = refused(&write(), &reply(code, &all[name].to_string()));
            assert_eq!((error.kind, error.outcome), (kind, NotApplied), "{name}: {error}");
            let message = all[name]["error"]["message"].as_str().unwrap();
            assert!(!error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn what_is_no_answer_of_keystone_is_judged_by_its_status() {
        for (status, kind, outcome) in [
            (302, K::Protocol, NotApplied),
            (400, K::Protocol, Unknown),
            (401, K::Auth, NotApplied),
            (403, K::Auth, NotApplied),
            (404, K::Protocol, Unknown),
            (409, K::Protocol, Unknown),
            (429, K::RateLimited, NotApplied),
            (500, K::Transient, Unknown),
            (503, K::Transient, Unknown),
        ] {
            for body in [
                "<html>no</html>",
                "",
                "{}",
                r#"{"error":"x"}"#,
                &refusal(418, "x"),
            ] {
                let error = refused(&write(), &reply(status, body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {body}");
                assert!(!is_absent(&reply(status, body)), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_missing_right_is_told_by_the_name_of_its_rule() {
        let message = "You are not authorized to perform the requested action: identity:create_user.";
        let error = refused(&write(), &reply(403, &refusal(403, message)));
        assert_eq!(error.kind, K::Auth);
        let text = error.to_string();
        assert!(
            text.contains("role admin") && text.contains("identity:create_user"),
            "{text}"
        );
    }

    #[test]
    fn what_the_server_says_in_words_is_told_to_nobody() {
        let secret = "AIpLczsgWKqbgnI47XHC5okgjpC3HSLEgOnaYmhR";
        for status in [302, 400, 401, 403, 404, 409, 500] {
            for body in [
                secret.to_owned(),
                refusal(status, secret),
                refusal(status, &format!("identity:{secret}")),
            ] {
                let errors = [
                    refused(&write(), &reply(status, &body)),
                    login_refused(&write(), &reply(status, &body)),
                ];
                for error in errors {
                    assert!(!format!("{error} {error:?}").contains(secret), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_refused_login_names_what_to_correct_and_changes_nothing() {
        let error = login_refused(
            &write(),
            &reply(
                401,
                &refusal(401, "The request you have made requires authentication."),
            ),
        );
        assert_eq!((error.kind, error.outcome), (K::Auth, NotApplied));
        assert!(error.to_string().contains("credentialsSecretRef"), "{error}");
        let error = login_refused(&write(), &reply(500, ""));
        assert_eq!((error.kind, error.outcome), (K::Transient, NotApplied));
    }
}
