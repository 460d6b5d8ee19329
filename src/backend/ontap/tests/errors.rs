//! Errors by table.

use super::{SVM, name, recorded};
use crate::backend::http::Reply;
use crate::backend::ontap::{error, request};
use crate::backend::{ErrorKind, Outcome};
use serde_json::Value;

fn reply(status: u16, body: &str) -> Reply {
    Reply::made_up(status, body)
}

fn refusal(code: &str) -> String {
    format!(r#"{{"error":{{"message":"CANARY","code":"{code}","target":"name"}}}}"#)
}

/// The kind and outcome of every code that the pages of users, groups and policies document, and the generic ones.
#[test]
fn every_documented_code_has_its_kind_outcome_and_a_sentence() {
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    let write = request::delete_user(SVM, &name());
    let mut sentences = Vec::new();
    for (status, code, kind, outcome) in [
        (400, "92405787", K::Invalid, NotApplied),
        (400, "92405788", K::Invalid, NotApplied),
        (400, "92405791", K::Transient, Unknown),
        (500, "92405792", K::Transient, Unknown),
        (400, "92405817", K::NotFound, NotApplied),
        (400, "92405858", K::NotFound, NotApplied),
        (400, "92406080", K::Conflict, NotApplied),
        (400, "92406081", K::Transient, Unknown),
        (500, "92406081", K::Transient, Unknown),
        (400, "92406082", K::Protocol, NotApplied),
        (400, "92406083", K::Invalid, NotApplied),
        (400, "92406088", K::Protocol, NotApplied),
        (403, "92406096", K::Auth, NotApplied),
        (500, "92406097", K::Transient, Unknown),
        (400, "92406196", K::Invalid, NotApplied),
        (400, "92406197", K::Invalid, NotApplied),
        (409, "92406200", K::Conflict, NotApplied),
        (400, "92406200", K::Conflict, NotApplied),
        (400, "92406201", K::Protocol, NotApplied),
        (400, "92406202", K::Protocol, NotApplied),
        (400, "92406205", K::Invalid, NotApplied),
        (400, "92406307", K::Conflict, NotApplied),
        (400, "92406308", K::Conflict, NotApplied),
        (400, "92405896", K::Conflict, NotApplied),
        (400, "92405930", K::Invalid, NotApplied),
        (400, "92405931", K::Invalid, NotApplied),
        (400, "92405933", K::Transient, NotApplied),
        (400, "92405937", K::Transient, NotApplied),
        (400, "92405934", K::Transient, NotApplied),
        (400, "92406154", K::Transient, NotApplied),
        (409, "92405942", K::Transient, NotApplied),
        (400, "262222", K::Protocol, NotApplied),
        (400, "92405863", K::Invalid, NotApplied),
        (400, "92405906", K::Invalid, NotApplied),
        (400, "92405948", K::Invalid, NotApplied),
        (400, "92405949", K::Invalid, NotApplied),
        (400, "92405950", K::Invalid, NotApplied),
        (400, "92405954", K::Invalid, NotApplied),
        (400, "92405963", K::Invalid, NotApplied),
        (409, "1", K::Conflict, NotApplied),
        (400, "2", K::Invalid, NotApplied),
        (400, "3", K::Unsupported, NotApplied),
        (404, "4", K::NotFound, NotApplied),
        (405, "4", K::NotFound, NotApplied),
        (401, "6", K::Auth, NotApplied),
        (403, "6", K::Auth, NotApplied),
    ] {
        let error = error::refused(&write, &reply(status, &refusal(code)));
        assert_eq!((error.kind, error.outcome), (kind, outcome), "{status} {code}");
        let text = error.to_string();
        assert!(text.ends_with(&format!("({status} {code})")), "cut: {text}");
        assert!(
            !text.contains("CANARY") && text.contains("user gk-a.b_c"),
            "{text}"
        );
        sentences.push(format!("{code}: {text}"));
    }
    assert!(
        sentences.iter().all(|text| text.len() < 256 + 32),
        "{sentences:#?}"
    );
}

/// A code is a text on the wire and a number by one page; whatever else is in the error is ignored.
#[test]
fn an_absent_entry_is_told_from_everything_else() {
    let body = |which| recorded::<Value>(which).to_string();
    assert!(error::is_missing(&reply(404, &body("missing"))));
    assert!(error::is_missing(&reply(405, &body("missing_by_number"))));
    for (status, body) in [
        (404, "<html>".to_owned()),
        (404, "{}".to_owned()),
        (404, refusal("3")),
        (400, refusal("4")),
        (200, refusal("4")),
    ] {
        assert!(!error::is_missing(&reply(status, &body)), "{status} {body}");
    }
    assert!(error::is_forbidden(&reply(403, &body("forbidden"))));
    assert!(
        !error::is_forbidden(&reply(401, &refusal("6"))),
        "that may be the password"
    );
    assert!(!error::is_forbidden(&reply(403, "<html>")));
}

#[test]
fn answers_of_something_else_are_not_taken_for_refusals_of_the_cluster() {
    let page = "<html><body>please log in</body></html>";
    let write = request::delete_user(SVM, &name());
    for (status, kind, outcome) in [
        (302, ErrorKind::Protocol, Outcome::NotApplied),
        (400, ErrorKind::Protocol, Outcome::Unknown),
        (401, ErrorKind::Auth, Outcome::NotApplied),
        (404, ErrorKind::Protocol, Outcome::Unknown),
        (409, ErrorKind::Protocol, Outcome::Unknown),
        (502, ErrorKind::Transient, Outcome::Unknown),
    ] {
        let error = error::refused(&write, &reply(status, page));
        assert_eq!((error.kind, error.outcome), (kind, outcome), "{status}");
    }
    let odd = r#"{"error":{"code":"CANARY-wJalrXUtnFEMI"}}"#;
    assert!(
        !error::refused(&write, &reply(400, odd))
            .to_string()
            .contains("CANARY")
    );
}
