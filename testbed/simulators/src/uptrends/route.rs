//! Where a request goes, who makes it, and what may go wrong on the way.

use super::checks;
use super::made::guid_of;
use super::reply::Reply;
use super::state::{Caller, State};
use super::{ACCOUNT_ID, Fault, RateLimit, Tenant, api_user, operator, register};
use crate::server::{self, Answer, Incoming, basic, header};
use axum::http::{Method, StatusCode};
use serde_json::json;
use std::time::SystemTime;

/// A documented path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    ApiUsers,
    ApiUsersOf(String),
    ApiUser(String),
    Operators,
    Operator(String),
    Register,
    Account,
    CheckpointRegions,
}

impl Route {
    fn of(request: &Incoming) -> Option<Self> {
        let segments = server::path(request);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["v4", "ApiUser"] => Some(Self::ApiUsers),
            [.., ""] => None,
            ["v4", "ApiUser", "Operator", guid] => Some(Self::ApiUsersOf((*guid).to_owned())),
            ["v4", "ApiUser", guid] => Some(Self::ApiUser((*guid).to_owned())),
            ["v4", "Operator"] => Some(Self::Operators),
            ["v4", "Operator", guid] => Some(Self::Operator((*guid).to_owned())),
            ["v4", "Register"] => Some(Self::Register),
            ["v4", "Account"] => Some(Self::Account),
            ["v4", "CheckpointRegion"] => Some(Self::CheckpointRegions),
            _ => None,
        }
    }

    /// How the documents write it.
    pub(super) fn place(&self) -> &'static str {
        match self {
            Self::ApiUsers => "/ApiUser",
            Self::ApiUsersOf(_) => "/ApiUser/Operator/{operatorGuid}",
            Self::ApiUser(_) => "/ApiUser/{apiUserGuid}",
            Self::Operators => "/Operator",
            Self::Operator(_) => "/Operator/{operatorGuid}",
            Self::Register => "/Register",
            Self::Account => "/Account",
            Self::CheckpointRegions => "/CheckpointRegion",
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::ApiUsers | Self::Operators => &["GET", "POST"],
            Self::ApiUser(_) => &["GET", "PUT", "DELETE"],
            Self::Operator(_) => &["GET", "PUT", "PATCH", "DELETE"],
            Self::Register => &["POST"],
            Self::ApiUsersOf(_) | Self::Account | Self::CheckpointRegions => &["GET"],
        }
    }

    pub(super) fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Register => &["description", "operatorGuid"],
            _ => &[],
        }
    }

    pub(super) fn takes_body(&self, method: &Method) -> bool {
        *self != Self::Register && matches!(*method, Method::POST | Method::PUT | Method::PATCH)
    }

    fn is_available(&self, tenant: &Tenant) -> bool {
        match self {
            Self::ApiUsers | Self::ApiUser(_) | Self::ApiUsersOf(_) => tenant.options.api_user_available,
            Self::Register => tenant.options.register_available,
            _ => true,
        }
    }
}

/// Answers a request.
pub(super) fn answer(tenant: &Tenant, request: &Incoming) -> Answer {
    let mut state = tenant.state();
    state.counters.requests += 1;
    checks::secrets(tenant, &state, request);
    let reply = find(tenant, &state, request).and_then(|route| {
        let caller = admit(tenant, &mut state, request, &route)?;
        Ok(carry_out(tenant, &mut state, request, &route, &caller))
    });
    reply
        .unwrap_or_else(|refusal| refusal)
        .render(checks::format(tenant, request))
}

/// The path of a request that is formed as it should be, or its refusal.
fn find(tenant: &Tenant, state: &State, request: &Incoming) -> Result<Route, Reply> {
    let Some(route) = Route::of(request) else {
        let path = format!("/{}", server::path(request).join("/"));
        tenant.note(request, &state.redact(&path).0, "there is no such path here");
        return Err(no_resource(tenant));
    };
    if !route.is_available(tenant) {
        return Err(no_resource(tenant));
    }
    if !route.methods().contains(&request.method().as_str()) {
        tenant.note(request, route.place(), "it has no such method");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let message = "The requested resource does not support this method.";
        let refusal = Reply::undeclared(&tenant.options, status, message);
        return Err(refusal.with("allow", route.methods().join(", ")));
    }
    match checks::form(tenant, state, request, &route) {
        Some(refusal) => Err(refusal),
        None => Ok(route),
    }
}

fn no_resource(tenant: &Tenant) -> Reply {
    Reply::undeclared(
        &tenant.options,
        StatusCode::NOT_FOUND,
        "No resource was found here.",
    )
}

/// Who makes the request, or its refusal.
fn admit(tenant: &Tenant, state: &mut State, request: &Incoming, route: &Route) -> Result<Caller, Reply> {
    let now = tenant.clock.now();
    let caller = credentials(tenant, request, route).and_then(|(user, password)| match route {
        Route::Register => state.by_login(&user, &password),
        _ => state.by_account(&user, &password, now),
    });
    if let Some(guid) = caller.as_ref().and_then(|caller| caller.account.clone())
        && state
            .fault(|fault| (*fault == Fault::CredentialDies).then_some(()))
            .is_some()
    {
        state.accounts.remove(&guid);
        return Err(unauthorized(tenant, state));
    }
    let Some(caller) = caller else {
        return Err(unauthorized(tenant, state));
    };
    state.counters.logins += 1;
    throttle(tenant, state, &caller, now)?;
    if let Some(account) = caller
        .account
        .as_ref()
        .and_then(|guid| state.accounts.get_mut(guid))
    {
        account.uses.push(now);
    }
    Ok(caller)
}

/// What the header says. All calls need one, so one that says nothing is a violation; a wrong one is not.
fn credentials(tenant: &Tenant, request: &Incoming, route: &Route) -> Option<(String, String)> {
    let rule = match header(request, "authorization") {
        None => "every call needs an Authorization header",
        Some(_) => "its Authorization header must be HTTP Basic with a user name and a password",
    };
    let credentials = basic(request);
    if credentials.is_none() {
        tenant.note(request, route.place(), rule);
    }
    credentials
}

fn unauthorized(tenant: &Tenant, state: &mut State) -> Reply {
    state.counters.refused += 1;
    let status = tenant.options.statuses.bad_credentials;
    let reply = Reply::undeclared(&tenant.options, status, "The credentials are not valid.");
    if status == StatusCode::UNAUTHORIZED {
        return reply.with("www-authenticate", "Basic realm=\"Uptrends API\"");
    }
    reply
}

fn throttle(tenant: &Tenant, state: &mut State, caller: &Caller, now: SystemTime) -> Result<(), Reply> {
    let by_fault = state.fault(|fault| match fault {
        Fault::TooManyRequests { retry_after } => Some(*retry_after),
        _ => None,
    });
    let account = caller.account.as_ref().and_then(|guid| state.accounts.get(guid));
    let is_above = |limit: &RateLimit| {
        let is_recent = |at: &&SystemTime| **at + limit.window > now;
        account.is_some_and(|account| account.uses.iter().filter(is_recent).count() >= limit.requests)
    };
    let by_limit = tenant.options.rate_limit.filter(is_above);
    let by_limit = by_limit.map(|limit| limit.retry_after.then_some(limit.window.as_secs().max(1)));
    let Some(retry_after) = by_fault.or(by_limit) else {
        return Ok(());
    };
    state.counters.throttled += 1;
    let status = StatusCode::TOO_MANY_REQUESTS;
    let refusal = Reply::undeclared(&tenant.options, status, "Too many requests.");
    Err(match retry_after {
        Some(seconds) => refusal.with("retry-after", seconds.to_string()),
        None => refusal,
    })
}

fn carry_out(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
) -> Reply {
    let reply = match route {
        Route::ApiUsers | Route::ApiUsersOf(_) | Route::ApiUser(_) => {
            api_user::answer(tenant, state, request, route, caller)
        }
        Route::Operators | Route::Operator(_) => operator::answer(tenant, state, request, route, caller),
        Route::Register => register::answer(tenant, state, request, caller),
        Route::Account => Reply::document(StatusCode::OK, "AccountStatistics", statistics(state)),
        Route::CheckpointRegions => Reply::document(StatusCode::OK, "ArrayOfCheckpointRegion", json!([])),
    };
    if !checks::writes(request.method()) || !reply.status.is_success() {
        return reply;
    }
    let failure = state.fault(|fault| match fault {
        Fault::FailAfterWrite(status) => Some(*status),
        _ => None,
    });
    match failure {
        Some(status) => Reply::undeclared(&tenant.options, status, "An unexpected error occurred."),
        None => reply,
    }
}

fn statistics(state: &State) -> serde_json::Value {
    json!({"AccountId": ACCOUNT_ID, "OperatorQuota": {"Operators": 100, "OperatorsInUse": state.operators.len()}})
}

/// The GUID of a path or a field, or the refusal of what is none.
pub(super) fn guid(tenant: &Tenant, text: &str) -> Result<String, Reply> {
    guid_of(text).ok_or_else(|| {
        Reply::messages(
            tenant.options.statuses.malformed_guid,
            "The identifier is not a valid GUID.",
        )
    })
}
