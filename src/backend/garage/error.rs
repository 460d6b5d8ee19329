//! From an answer that is no success to an error that carries a decision. Pure, and tested by table.

use super::{request::SCOPE, wire::Refusal};
use crate::backend::{
    Error, ErrorKind, Outcome,
    call::{self, Call},
    http::Reply,
    http::client::is_code,
};

fn refusal(reply: &Reply) -> Option<Refusal> {
    serde_json::from_slice::<Refusal>(&reply.body)
        .ok()
        .filter(|refusal| is_code(&refusal.code))
}

/// The API says that there is no such key, or none any more.
pub(super) fn is_absent_key(reply: &Reply) -> bool {
    is(reply, 404, "NoSuchAccessKey")
}

/// The API says that there is no such bucket, or none any more.
pub(super) fn is_absent_bucket(reply: &Reply) -> bool {
    is(reply, 404, "NoSuchBucket")
}

fn is(reply: &Reply, status: u16, code: &str) -> bool {
    reply.status == status && refusal(reply).is_some_and(|refusal| refusal.code == code)
}

/// The error that an answer other than 2xx stands for.
pub(super) fn refused(call: &Call, reply: &Reply) -> Error {
    let refusal = refusal(reply);
    let judgement = judge(reply, refusal.as_ref());
    let advice = advice(call, judgement.0, refusal.as_ref());
    call.refused(
        reply,
        judgement,
        &advice,
        refusal.as_ref().map(|r| r.code.as_str()),
    )
}

fn judge(reply: &Reply, refusal: Option<&Refusal>) -> (ErrorKind, Outcome) {
    match refusal {
        // A wrong method or path is answered so, and by Garage 1 each of these paths.
        Some(r) if reply.status == 400 && r.message.contains("Unknown API endpoint") => {
            (ErrorKind::Unsupported, Outcome::NotApplied)
        }
        _ => call::judge(reply, refusal.is_some()),
    }
}

/// What happened and what to do, for a person.
fn advice(call: &Call, kind: ErrorKind, refusal: Option<&Refusal>) -> String {
    if let (ErrorKind::Auth, true) = (kind, SCOPE.contains(&call.operation)) {
        // The API says the same to all three.
        return format!(
            "the admin token is wrong, or expired, or its scope lacks {}: correct it, or the Secret of credentialsSecretRef",
            call.operation
        );
    }
    let text = match refusal {
        Some(r) if r.message.contains("Layout not ready") => {
            "the cluster has no layout yet: assign and apply one (garage layout)"
        }
        Some(r) if r.code == "KeyAlreadyExists" => {
            "the access key id is taken, or was once: Garage never takes an id again"
        }
        Some(r) if r.code == "ServiceUnavailable" => "too few nodes of the cluster answer",
        _ => by_kind(kind),
    };
    text.to_owned()
}

fn by_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "Garage failed; the call may have been carried out",
        ErrorKind::RateLimited => "Garage, or what is in front of it, asks to slow down",
        ErrorKind::Auth => {
            "the admin token is wrong or expired: correct it, or the Secret of credentialsSecretRef"
        }
        ErrorKind::NotFound => "it is not there any more: somebody else is at work",
        ErrorKind::Conflict => "Garage refuses this in the present state",
        ErrorKind::Invalid => "Garage refuses a name or value",
        ErrorKind::Unsupported => "this server has no admin API v2: Garage 2.0 or later is needed",
        ErrorKind::Protocol => "this is no answer of Garage's admin API: is the endpoint right, and final?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::garage::request;
    use crate::domain::ids::UserName;
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    use serde_json::Value;
    use std::time::Duration;

    fn write(name: &str) -> Call {
        request::delete(&UserName::new(name), "GK1")
    }

    /// As Garage 2.5.0 answered.
    fn recorded(which: &str) -> Reply {
        let all: Value = serde_json::from_str(include_str!("recorded/refusals-2.5.0.json")).unwrap();
        let status = all[which]["status"].as_u64().unwrap_or_else(|| panic!("{which}"));
        Reply::made_up(u16::try_from(status).unwrap(), &all[which]["body"].to_string())
    }

    #[test]
    fn every_refusal_of_garage_has_its_kind_and_outcome() {
        for (which, kind, outcome) in [
            ("wrong token", K::Auth, NotApplied),
            ("out of scope", K::Auth, NotApplied),
            ("unknown key", K::NotFound, NotApplied),
            ("deleted key", K::NotFound, NotApplied),
            ("unknown bucket", K::NotFound, NotApplied),
            ("id is taken", K::Conflict, NotApplied),
            ("id was deleted", K::Conflict, NotApplied),
            ("id too short", K::Invalid, NotApplied),
            ("alias is taken", K::Invalid, NotApplied),
            ("unknown endpoint", K::Unsupported, NotApplied),
            ("no layout", K::Transient, Unknown),
        ] {
            let error = refused(&write("u"), &recorded(which));
            assert_eq!((error.kind, error.outcome), (kind, outcome), "{which}: {error}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_other_refusals() {
        assert!(is_absent_key(&recorded("unknown key")) && is_absent_key(&recorded("deleted key")));
        assert!(is_absent_bucket(&recorded("unknown bucket")));
        assert!(!is_absent_key(&recorded("unknown bucket")));
        assert!(!is_absent_key(&Reply::made_up(404, "<html>not found</html>")));
    }

    #[test]
    fn an_answer_of_something_else_is_believed_only_where_no_word_is_needed() {
        for body in [
            "",
            "<html>please log in</html>",
            r#"{"code":"NoSuchAccessKey"}"#,
            "[]",
        ] {
            for (status, kind, outcome) in [
                (302, K::Protocol, NotApplied),
                (400, K::Protocol, Unknown),
                (401, K::Auth, NotApplied),
                (403, K::Auth, NotApplied),
                (404, K::Protocol, Unknown),
                (409, K::Protocol, Unknown),
                (429, K::RateLimited, NotApplied),
                (502, K::Transient, Unknown),
                (503, K::Transient, Unknown),
            ] {
                let error = refused(&write("u"), &Reply::made_up(status, body));
                assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_read_is_never_carried_out_and_a_wait_is_passed_on() {
        let mut busy = recorded("no layout");
        busy.status = 503;
        busy.retry_after = Some(Duration::from_secs(7));
        let error = refused(&request::token(), &busy);
        assert_eq!((error.kind, error.outcome), (K::RateLimited, NotApplied));
        assert_eq!(error.retry_after, busy.retry_after);
    }

    #[test]
    fn an_error_text_says_to_whom_and_what_to_do_and_quotes_no_message() {
        let error = refused(&write("u"), &recorded("out of scope"));
        let want = "garage DeleteKey: user u: the admin token is wrong, or expired, or its scope lacks DeleteKey: \
                    correct it, or the Secret of credentialsSecretRef (403 AccessDenied)";
        assert_eq!(error.to_string(), want);
        let error = refused(&write("u"), &recorded("no layout"));
        assert!(error.to_string().contains("no layout yet"), "{error}");
        let body = r#"{"code":"InvalidRequest","message":"CANARY","region":"garage","path":"/v2/DeleteKey"}"#;
        let error = refused(&write("u"), &Reply::made_up(400, body));
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
    }

    #[test]
    fn every_text_fits_with_the_longest_name() {
        let call = write(&"n".repeat(64));
        for which in [
            "wrong token",
            "no layout",
            "id was deleted",
            "unknown endpoint",
            "unknown key",
        ] {
            let text = refused(&call, &recorded(which)).detail.to_string();
            assert!(text.ends_with(')'), "{text}");
        }
    }
}
