//! Which call a request is, and the faults that meet it on the way.

use super::call::Call;
use super::options::{Refusal, TurnedAway};
use super::session::{self, Caller};
use super::state::State;
use super::wire::{Outcome, Problem, answer};
use super::{Fault, Shared, buckets, keys, tags, users};
use crate::server::{Answer, Incoming, empty, header, path, reply};
use axum::http::{Method, StatusCode};

/// Answers a request on the management port.
pub(super) fn serve(shared: &Shared, request: &Incoming) -> Answer {
    let mut state = shared.state.lock().unwrap();
    state.requests += 1;
    let call = Call::new(
        request,
        &shared.options,
        &shared.violations,
        &state,
        shared.clock.now(),
    );
    let Some(format) = call.format else {
        return empty(StatusCode::NOT_ACCEPTABLE);
    };
    let segments = path(request);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["login"]) => return session::login(&call, &mut state, format),
        (&Method::GET, ["logout"]) => return session::logout(&call, &mut state, format),
        _ => {}
    }
    if next_fault(&mut state, request, |fault| matches!(fault, Fault::TokenDies)).is_some() {
        let token = header(request, "x-sds-auth-token").unwrap_or_default();
        if let Some(token) = state.tokens.get_mut(token) {
            token.dead = true;
        }
    }
    let caller = match session::authenticate(&call, &mut state) {
        Ok(caller) => caller,
        Err(how) => return session::turned_away(how, format),
    };
    let fault = next_fault(&mut state, request, |fault| !matches!(fault, Fault::TokenDies));
    let failed = || Problem::new(Refusal::new(500, 7000), "error getting user secret key");
    match fault {
        Some(Fault::Unavailable) => {
            let problem = Problem::new(Refusal::new(503, 6000), "The service is not available");
            return answer(Err(problem), format);
        }
        Some(Fault::HtmlPage) => return page(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::RedirectToLogin) => return session::turned_away(TurnedAway::Redirected, format),
        Some(Fault::FailsUnapplied) => return answer(Err(failed()), format),
        Some(Fault::LateOnS3(lag)) => state.late = Some(lag),
        Some(Fault::TokenDies | Fault::AppliedThenFails) | None => {}
    }
    let outcome = route(&call, &mut state, &caller, &segments);
    state.late = None;
    match outcome {
        None => page(StatusCode::NOT_FOUND),
        // A refused change is no change: it is answered as it is.
        Some(Ok(_)) if fault == Some(Fault::AppliedThenFails) => answer(Err(failed()), format),
        Some(outcome) => answer(outcome, format),
    }
}

/// Takes the first fault that is meant for this request.
fn next_fault(state: &mut State, request: &Incoming, is_kind: impl Fn(Fault) -> bool) -> Option<Fault> {
    let is_read = request.method() == Method::GET;
    let at = state.faults.iter().position(|(fault, start)| {
        let is_for_writes = matches!(
            fault,
            Fault::AppliedThenFails | Fault::FailsUnapplied | Fault::LateOnS3(_)
        );
        is_kind(*fault) && request.uri().path().starts_with(start) && !(is_read && is_for_writes)
    })?;
    state.faults.remove(at).map(|(fault, _)| fault)
}

/// `None` where there is nothing of this path.
fn route(call: &Call, state: &mut State, caller: &Caller, segments: &[&str]) -> Option<Outcome> {
    match segments {
        ["object", "users", rest @ ..] => on_users(call, state, caller, rest),
        ["object", "user-secret-keys", rest @ ..] => on_keys(call, state, caller, rest),
        ["object", "secret-keys", rest @ ..] => on_own_keys(call, state, caller, rest),
        ["object", "bucket"] if is(call, &Method::GET) => Some(buckets::list(call, state, caller)),
        ["user", "whoami"] if is(call, &Method::GET) => Some(Ok(session::whoami(call, caller))),
        ["object", "bucket"] | ["user", "whoami"] | ["login" | "logout"] => Some(Err(no_method(call))),
        _ => no_path(call),
    }
}

fn on_users(call: &Call, state: &mut State, caller: &Caller, rest: &[&str]) -> Option<Outcome> {
    let method = call.request.method();
    let outcome = match (method, rest) {
        (&Method::POST, []) => users::create(call, state, caller),
        (&Method::GET, []) => users::list_all(call, state, caller),
        (&Method::POST, ["deactivate"]) => users::deactivate(call, state, caller),
        (&Method::PUT, ["lock"]) => users::set_lock(call, state, caller),
        (&Method::GET, ["query"]) => users::by_tag(call, state, caller),
        (&Method::GET, ["lock", uid]) => users::lock_of(call, state, caller, uid, None),
        (&Method::GET, ["lock", uid, namespace]) => users::lock_of(call, state, caller, uid, Some(namespace)),
        (&Method::GET, [uid, "info"]) => users::info(call, state, caller, uid),
        (&Method::GET | &Method::POST | &Method::PUT | &Method::DELETE, [uid, "tags"]) => {
            tags::tags(call, state, caller, uid)
        }
        (&Method::GET, [namespace]) if !namespace.is_empty() => {
            users::list_namespace(call, state, caller, namespace)
        }
        (_, [] | ["lock", _, _] | [_, "info" | "tags"]) => Err(no_method(call)),
        (_, [one]) if !one.is_empty() => Err(no_method(call)),
        _ => return no_path(call),
    };
    Some(outcome)
}

fn on_keys(call: &Call, state: &mut State, caller: &Caller, rest: &[&str]) -> Option<Outcome> {
    let outcome = match (call.request.method(), rest) {
        (_, [""]) => return no_path(call),
        (&Method::GET, ["exist", uid, namespace]) => keys::exist(call, state, caller, uid, namespace),
        (&Method::GET, [uid]) => keys::read(call, state, caller, uid, None),
        (&Method::POST, [uid]) => keys::create(call, state, caller, uid),
        (&Method::POST, [uid, "deactivate"]) => keys::deactivate(call, state, caller, uid),
        (&Method::GET, [uid, namespace]) if !namespace.is_empty() => {
            keys::read(call, state, caller, uid, Some(namespace))
        }
        (_, [_] | ["exist", _, _] | [_, _]) => Err(no_method(call)),
        _ => return no_path(call),
    };
    Some(outcome)
}

fn on_own_keys(call: &Call, state: &mut State, caller: &Caller, rest: &[&str]) -> Option<Outcome> {
    let outcome = match (call.request.method(), rest) {
        (&Method::GET, []) => Ok(keys::read_own(call, state, caller)),
        (&Method::POST, []) => keys::create_own(call, state, caller),
        (&Method::POST, ["deactivate"]) => keys::deactivate_own(call, state, caller),
        (_, [] | ["deactivate"]) => Err(no_method(call)),
        _ => return no_path(call),
    };
    Some(outcome)
}

fn is(call: &Call, method: &Method) -> bool {
    call.request.method() == method
}

fn no_method(call: &Call) -> Problem {
    call.note("the path has no such method");
    Problem::new(Refusal::new(405, 1007), "Method not supported")
}

fn no_path(call: &Call) -> Option<Outcome> {
    call.note("there is no such path");
    None
}

/// Some failures come as HTML.
fn page(status: StatusCode) -> Answer {
    reply(
        status,
        "text/html",
        format!("<html><body><h1>HTTP Status {status}</h1></body></html>"),
    )
}
