//! The admin API: who asks, for what, and what is answered.

use super::call::{Call, Done, Outcome, Refusal, answer};
use super::state::{Fault, State};
use super::{cluster, groups, keys, policies, users};
use crate::server::{Answer, Incoming, Violations, basic, header};
use axum::http::{Method, StatusCode};

/// UUID of the storage VM with the S3 server.
pub(super) const DATA_SVM: &str = "02c9e252-41be-11e9-81d5-00a0986138f7";

/// UUID of one that serves no data.
pub(super) const OTHER_SVM: &str = "12f3ba4c-7ae0-11e9-8c06-0050568ea123";

/// Path of a kind of records.
pub(super) fn collection(kind: &str) -> String {
    format!("/api/protocols/s3/services/{DATA_SVM}/{kind}")
}

/// Answers a request.
pub(super) fn serve(state: &mut State, violations: &Violations, request: &Incoming) -> Answer {
    state.counts.requests += 1;
    if is_secret_in_url(state, request) {
        violations.note(format!("{}: a secret is in the URL", request.method()));
    }
    let options = state.options.clone();
    let mut call = Call::read(request, &options, violations);
    let outcome = authorize(state, &call, request)
        .and_then(|()| call.read_body(request))
        .and_then(|()| carry_out(state, &call));
    answer(outcome, &options, call.has_links)
}

fn is_secret_in_url(state: &State, request: &Incoming) -> bool {
    let url = request.uri().to_string();
    let decoded = percent_encoding::percent_decode_str(&url).decode_utf8_lossy();
    state.is_secret_in(&url) || state.is_secret_in(&decoded)
}

fn authorize(state: &mut State, call: &Call, request: &Incoming) -> Result<(), Refusal> {
    let given = header(request, "authorization");
    if given.is_some_and(|given| given.starts_with("Basic ")) && basic(request).is_none() {
        call.note("the Authorization header is malformed: it is to be Basic, base64 of name:password");
    }
    if given.is_some_and(|given| !given.starts_with("Basic ") && !given.starts_with("Bearer ")) {
        call.note("the Authorization header has a scheme that the API does not know");
    }
    let Some((user, password)) = basic(request) else {
        state.counts.refused_logins += 1;
        return Err(unauthorized());
    };
    let is = |login: &super::Login| login.user == user && login.password == password;
    if is(&state.admin) {
        Ok(())
    } else if !is(&state.reader) {
        state.counts.refused_logins += 1;
        Err(unauthorized())
    } else if call.method == Method::GET {
        Ok(())
    } else {
        let code = if call.method == Method::DELETE {
            "6"
        } else {
            "92406096"
        };
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            code,
            "no permission for the resource",
        ))
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "6", "not authorized for that command")
}

fn carry_out(state: &mut State, call: &Call) -> Outcome {
    let is_write = call.method != Method::GET;
    state.counts.writes += u64::from(is_write);
    let outcome = route(state, call);
    if is_write && outcome.is_ok() && state.take(|fault| *fault == Fault::ErrorAfterWrite).is_some() {
        let message = "internal configuration error";
        return Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "92406097",
            message,
        ));
    }
    outcome
}

fn route(state: &mut State, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["api", "cluster"] => only_get(call, || cluster::read(state, call)),
        ["api", "svm", "svms"] => only_get(call, || cluster::svms(state, call)),
        ["api", "svm", "svms", uuid] => only_get(call, || cluster::svm(state, call, uuid)),
        [
            "api",
            "protocols",
            "s3",
            "services",
            svm,
            kind @ ("users" | "groups" | "policies"),
        ] => on_svm(state, call, svm, kind, None),
        [
            "api",
            "protocols",
            "s3",
            "services",
            svm,
            kind @ ("users" | "groups" | "policies"),
            name,
        ] if !name.is_empty() => on_svm(state, call, svm, kind, Some(*name)),
        _ => {
            call.note("there is no such path in the documents");
            Err(Refusal::new(StatusCode::NOT_FOUND, "3", "API not found"))
        }
    }
}

fn only_get(call: &Call, read: impl FnOnce() -> Outcome) -> Outcome {
    if call.method == Method::GET {
        read()
    } else {
        not_allowed(call)
    }
}

fn not_allowed(call: &Call) -> Outcome {
    if matches!(call.method, Method::PATCH | Method::DELETE) {
        call.note("without a name this changes or deletes every record that the query fits");
    } else {
        call.note("the documents have no such method on this path");
    }
    let message = "this method is not supported";
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "3", message))
}

fn on_svm(state: &mut State, call: &Call, svm: &str, kind: &str, name: Option<&str>) -> Outcome {
    if svm == OTHER_SVM {
        return on_other_svm(state, call, kind);
    }
    if svm != DATA_SVM {
        let missing = Refusal::missing(&state.options);
        return Err(missing.at("uuid"));
    }
    match (&call.method, kind, name) {
        (&Method::GET, "users", _) => users::read(state, call, name),
        (&Method::POST, "users", None) => users::create(state, call),
        (&Method::PATCH, "users", Some(name)) => keys::modify(state, call, name),
        (&Method::DELETE, "users", Some(name)) => users::delete(state, call, name),
        (&Method::GET, "groups", _) => groups::read(state, call, name),
        (&Method::POST, "groups", None) => groups::create(state, call),
        (&Method::PATCH, "groups", Some(id)) => groups::modify(state, call, id),
        (&Method::DELETE, "groups", Some(id)) => groups::delete(state, call, id),
        (&Method::GET, "policies", _) => policies::read(state, call, name),
        (&Method::POST, "policies", None) => policies::create(state, call),
        (&Method::PATCH, "policies", Some(name)) => policies::modify(state, call, name),
        (&Method::DELETE, "policies", Some(name)) => policies::delete(state, call, name),
        _ => not_allowed(call),
    }
}

/// A storage VM that is not for data holds nothing, and takes nothing.
fn on_other_svm(state: &State, call: &Call, kind: &str) -> Outcome {
    match call.method {
        Method::GET if call.path.len() == 6 => {
            Ok(Done::with(serde_json::json!({"num_records": 0, "records": []})))
        }
        Method::GET | Method::DELETE => Err(Refusal::missing(&state.options)),
        _ => {
            let code = if kind == "users" { "92405817" } else { "92405858" };
            Err(Refusal::bad(code, "the operation is only supported on data SVMs"))
        }
    }
}

/// A name of `0-9 A-Z a-z _ + = , . @ -`, of this length at most; with the codes for characters and for length.
pub(super) fn check_name(
    name: &str,
    most: usize,
    codes: (&'static str, &'static str),
) -> Result<(), Refusal> {
    if name
        .chars()
        .any(|char| !char.is_ascii_alphanumeric() && !"_+=,.@-".contains(char))
    {
        let message = "the name contains invalid characters";
        return Err(Refusal::bad(codes.0, message).at("name"));
    }
    if name.is_empty() || name.len() > most {
        let message = format!("the name must have between 1 and {most} characters");
        return Err(Refusal::bad(codes.1, message).at("name"));
    }
    Ok(())
}
