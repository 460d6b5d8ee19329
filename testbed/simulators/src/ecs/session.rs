//! Who may call: login, tokens and their ends, logout, roles.

use super::call::{Call, forbidden};
use super::options::{Options, Refusal, TurnedAway};
use super::state::{State, Token};
use super::wire::{Format, Outcome, Problem, Reply, answer};
use crate::server::{Answer, Incoming, basic, empty, header};
use axum::http::StatusCode;
use serde_json::json;
use std::fmt;
use std::time::SystemTime;

/// User name and password of an administrator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: &'static str,
    /// Password.
    pub password: &'static str,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.user)
    }
}

/// The system administrator.
pub(super) const ROOT: Credentials = Credentials {
    user: "root",
    password: "ChangeMe",
};
/// The administrator of the first namespace.
pub(super) const NAMESPACE_ADMIN: Credentials = Credentials {
    user: "nsadmin",
    password: "nsadmin-password",
};
/// One who only reads.
pub(super) const MONITOR: Credentials = Credentials {
    user: "monitor",
    password: "monitor-password",
};

/// Rights of a management user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    SystemAdmin,
    NamespaceAdmin(String),
    SystemMonitor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: String,
    pub(super) role: Role,
}

impl Caller {
    /// The only namespace that the caller may see.
    pub(super) fn own_namespace(&self) -> Option<&str> {
        match &self.role {
            Role::NamespaceAdmin(namespace) => Some(namespace),
            Role::SystemAdmin | Role::SystemMonitor => None,
        }
    }
}

/// `GET /login`.
pub(super) fn login(call: &Call, state: &mut State, format: Format) -> Answer {
    // A redirected client comes here without a header of its own making; one of another scheme is a mistake.
    if header(call.request, "authorization").is_some() && basic(call.request).is_none() {
        call.note("Authorization of a login is Basic");
    }
    call.query(&["service", "namespace"]);
    let Some(user) = by_password(call.request) else {
        return turned_away(TurnedAway::Refused, format);
    };
    let live = state
        .tokens
        .values()
        .filter(|token| token.user == user && is_live(token, call))
        .count();
    if live >= call.options.max_tokens {
        let details = format!("{user} has exceeded the limit of tokens");
        return answer(Err(Problem::new(call.options.over_token_limit, details)), format);
    }
    state.logins += 1;
    let token = format!("BAAc{}", state.draw());
    let entry = Token {
        user: user.clone(),
        made: call.now,
        used: call.now,
        dead: false,
        redirected: false,
    };
    state.tokens.insert(token.clone(), entry);
    let mut answer = answer(Ok(Reply::Of("loggedIn", json!({ "user": user }))), format);
    answer
        .headers_mut()
        .insert("x-sds-auth-token", token.parse().unwrap());
    answer
}

/// `GET /logout`. At the limit of tokens the password does as well, for who has lost every token.
pub(super) fn logout(call: &Call, state: &mut State, format: Format) -> Answer {
    let caller = match authenticate(call, state) {
        Ok(caller) => caller,
        Err(how) => match by_password(call.request) {
            Some(user) => role(call.options, user),
            None => return turned_away(how, format),
        },
    };
    answer(end_session(call, state, &caller), format)
}

fn end_session(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    let query = call.query(&["force", "username"]);
    let whom = query.get("username").unwrap_or(&caller.user).clone();
    if whom != caller.user && caller.role != Role::SystemAdmin {
        return Err(forbidden("only root logs others out"));
    }
    let has_force = query.get("force").is_some_and(|force| force == "true");
    let own = header(call.request, "x-sds-auth-token").unwrap_or_default();
    let live = state
        .tokens
        .values()
        .filter(|token| token.user == whom && is_live(token, call))
        .count();
    if has_force && live < call.options.max_tokens {
        call.note(
            "force=true ends every session of the user; it is for who has exceeded the limit of tokens",
        );
    }
    let is_everything = has_force || query.contains_key("username");
    for (text, token) in &mut state.tokens {
        if text == own && whom == caller.user || is_everything && token.user == whom {
            token.dead = true;
        }
    }
    Ok(Reply::Of("LoggedOut", json!({ "user": whom })))
}

/// `GET /user/whoami`.
pub(super) fn whoami(call: &Call, caller: &Caller) -> Reply {
    call.query(&[]);
    let (role, namespace) = match &caller.role {
        Role::SystemAdmin => ("SYSTEM_ADMIN", ""),
        Role::NamespaceAdmin(namespace) => ("NAMESPACE_ADMIN", namespace.as_str()),
        Role::SystemMonitor => ("SYSTEM_MONITOR", ""),
    };
    let body = json!({
        "common_name": caller.user,
        "distinguished_name": "",
        "namespace": namespace,
        "roles": [role],
    });
    Reply::Of("user", body)
}

/// The owner of the token of a request; without a good one, how it is turned away.
pub(super) fn authenticate(call: &Call, state: &mut State) -> Result<Caller, TurnedAway> {
    let Some(token) = header(call.request, "x-sds-auth-token") else {
        call.note("the header X-SDS-AUTH-TOKEN is required");
        return Err(call.options.without_token);
    };
    let Some(token) = state.tokens.get_mut(token) else {
        return Err(call.options.dead_token);
    };
    if is_live(token, call) {
        token.used = call.now;
        return Ok(role(call.options, token.user.clone()));
    }
    let how = match call.options.dead_token {
        TurnedAway::RedirectedOnce if token.redirected => TurnedAway::Refused,
        how => how,
    };
    token.redirected = true;
    Err(how)
}

/// Whether a token works now.
pub(super) fn is_live_at(token: &Token, options: &Options, now: SystemTime) -> bool {
    !token.dead && token.made + options.token_lifetime > now && token.used + options.token_idle > now
}

fn is_live(token: &Token, call: &Call) -> bool {
    is_live_at(token, call.options, call.now)
}

/// Answers who has not proved who he is.
pub(super) fn turned_away(how: TurnedAway, format: Format) -> Answer {
    match how {
        TurnedAway::Refused => {
            let problem = Problem::new(Refusal::new(401, 4000), "Invalid credentials or token");
            answer(Err(problem), format)
        }
        TurnedAway::Redirected | TurnedAway::RedirectedOnce => {
            let mut answer = empty(StatusCode::FOUND);
            answer.headers_mut().insert("location", "/login".parse().unwrap());
            answer
        }
    }
}

fn by_password(request: &Incoming) -> Option<String> {
    let (user, password) = basic(request)?;
    let known = [ROOT, NAMESPACE_ADMIN, MONITOR];
    let mut is_right = known
        .iter()
        .filter(|known| known.user == user && known.password == password);
    is_right.next().map(|known| known.user.to_owned())
}

fn role(options: &Options, user: String) -> Caller {
    let role = match user.as_str() {
        "root" => Role::SystemAdmin,
        "monitor" => Role::SystemMonitor,
        _ => Role::NamespaceAdmin(options.namespaces.first().cloned().unwrap_or_default()),
    };
    Caller { user, role }
}
