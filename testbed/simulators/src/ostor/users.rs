//! `ostor-users` and `ostor-accounts`: users, their pairs, their state.

use super::answers::{INVALID, json_answer};
use super::call::Call;
use super::options::{Existing, LastKey, ListShape, Verb};
use super::state::State;
use crate::server::{Answer, empty};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Answers a call of `ostor-users`.
pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let answered = match call.method {
        Method::GET => read(state, call),
        Method::PUT | Method::POST => change(state, call),
        Method::DELETE => delete(state, call),
        _ => return state.no_such_call(call),
    };
    answered.unwrap_or_else(|refused| refused)
}

fn read(state: &State, call: &Call) -> Result<Answer, Answer> {
    let (now, lag) = (state.clock.now(), state.lags.admin_reads);
    if call.has("emailAddress") || call.has("id") {
        let email = call.email(state)?;
        let unknown = || state.refuse(state.options.unknown_user, "The user does not exist");
        let user = state.directory.seen(&email, now, lag);
        let user = user.filter(|user| call.get("id").is_none_or(|id| user.id == id));
        return Ok(json_answer(
            StatusCode::OK,
            &state.shown(user.ok_or_else(unknown)?),
        ));
    }
    let users = state.directory.all_seen(now, lag).into_iter();
    let users = users.filter(|user| state.options.list_has_system_users || !user.is_system);
    let users: Value = users.map(|user| state.listed(user, call.has("space"))).collect();
    let body = match state.options.list_shape {
        ListShape::Wrapped => json!({"Users": users}),
        ListShape::Bare => users,
    };
    Ok(json_answer(StatusCode::OK, &body))
}

fn change(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let actions = ["genKey", "revokeKey", "disable", "enable"];
    let asked: Vec<&str> = actions.into_iter().filter(|name| call.has(name)).collect();
    if call.has("id") {
        state.note(call, "changes name the user by emailAddress");
        return Err(state.refuse(INVALID, "A required parameter is missing"));
    }
    match asked.as_slice() {
        [] if call.method == Method::PUT => create(state, call),
        ["genKey"] => {
            state.has_verb(call, state.options.key_verb)?;
            generate(state, call)
        }
        ["revokeKey"] => {
            state.has_verb(call, state.options.key_verb)?;
            revoke(state, call)
        }
        [one @ ("disable" | "enable")] => {
            if !state.options.lock {
                return Err(state.refuse(INVALID, "The parameter is not known"));
            }
            state.has_verb(call, state.options.state_verb)?;
            set_state(state, call, *one == "enable")
        }
        _ => {
            state.note(
                call,
                "exactly one of genKey, revokeKey, disable and enable can be set",
            );
            Err(state.refuse(INVALID, "A wrong set of parameters is specified"))
        }
    }
}

fn create(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    if call.has("accountName") {
        state.note(call, "accounts are made by ostor-accounts");
    }
    let email = call.email(state)?;
    if !email.contains('@') {
        state.note(call, "a user is known by an e-mail address");
        return Err(state.refuse(INVALID, "The e-mail address is not valid"));
    }
    state.write(call, |state| {
        if let Some(user) = state.directory.get(&email) {
            return match state.options.existing {
                Existing::Refused(refusal) => Err(state.refuse(refusal, "The user exists already")),
                Existing::HandedBack => Ok(state.made(user, &user.keys)),
            };
        }
        let user = state.directory.draft(&email, false);
        state.directory.put(state.clock.now(), user.clone());
        Ok(state.made(&user, &user.keys))
    })
}

fn generate(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let mut user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        let pair = state.directory.pair(&user);
        let most = state.options.max_keys;
        let no_account = || state.refuse(state.options.unknown_account, "The account does not exist");
        let pairs = user.pairs(call.account()).ok_or_else(no_account)?;
        if pairs.len() >= most {
            return Err(state.refuse(
                state.options.too_many_keys,
                "There are as many key pairs as there may be",
            ));
        }
        pairs.push(pair.clone());
        let all = pairs.clone();
        state.directory.put(state.clock.now(), user.clone());
        let shows_all = state.options.gen_key_shows_all;
        Ok(state.made(
            &user,
            if shows_all {
                &all
            } else {
                std::slice::from_ref(&pair)
            },
        ))
    })
}

fn revoke(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let access_key_id = call.get("revokeKey").unwrap_or_default().to_owned();
    if access_key_id.is_empty() {
        state.note(call, "revokeKey names an access key");
        return Err(state.refuse(INVALID, "A required parameter is missing"));
    }
    state.write(call, |state| {
        let mut user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        let no_account = || state.refuse(state.options.unknown_account, "The account does not exist");
        let pairs = user.pairs(call.account()).ok_or_else(no_account)?;
        let Some(at) = pairs.iter().position(|pair| pair.id == access_key_id) else {
            return Err(state.refuse(state.options.unknown_key, "The access key does not exist"));
        };
        if pairs.len() == 1 && call.account().is_none() {
            if state.options.last_key_is_violation {
                state.note(call, "the last pair of a user is not to be revoked");
            }
            if let LastKey::Stays(refusal) = state.options.last_key {
                return Err(state.refuse(refusal, "The last key pair cannot be removed"));
            }
        }
        pairs.remove(at);
        state.directory.put(state.clock.now(), user);
        Ok(empty(StatusCode::OK))
    })
}

fn set_state(state: &mut State, call: &Call, is_enabled: bool) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let mut user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        user.is_enabled = is_enabled;
        state.directory.put(state.clock.now(), user);
        Ok(empty(StatusCode::OK))
    })
}

fn delete(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        let refusal = state.options.owns_buckets;
        if !state.buckets.of(&user.id).is_empty() && !refusal.status.is_success() {
            return Err(state.refuse(refusal, "The user owns buckets"));
        }
        state.directory.remove(state.clock.now(), &user.email);
        Ok(empty(state.options.deleted))
    })
}

/// The user whose key gives power over all others is the administrator's own.
fn note_system_user(state: &State, call: &Call, is_system: bool) {
    if is_system {
        state.note(call, "a system user is not to be changed");
    }
}

/// Answers a call of `ostor-accounts`.
pub(super) fn answer_accounts(state: &mut State, call: &Call) -> Answer {
    let is_deletion = call.method == Method::DELETE;
    let is_known = is_deletion || call.method == Method::PUT || call.method == Method::POST;
    if !state.options.accounts || !is_known {
        return state.no_such_call(call);
    }
    let answered = if is_deletion {
        delete_account(state, call)
    } else {
        create_account(state, call)
    };
    answered.unwrap_or_else(|refused| refused)
}

fn account_name(state: &State, call: &Call) -> Result<String, Answer> {
    match call.account() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => {
            state.note(call, "it must name an account");
            Err(state.refuse(INVALID, "A required parameter is missing"))
        }
    }
}

fn create_account(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.has_verb(call, state.options.account_verb)?;
    let name = account_name(state, call)?;
    state.write(call, |state| {
        let mut user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        if user.accounts.contains_key(&name) {
            return Err(state.refuse(state.options.existing_account, "The account exists already"));
        }
        let pairs = vec![state.directory.pair(&user)];
        let body = state.account(&name, &pairs);
        user.accounts.insert(name.clone(), pairs);
        state.directory.put(state.clock.now(), user);
        Ok(json_answer(StatusCode::OK, &body))
    })
}

fn delete_account(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let name = account_name(state, call)?;
    state.write(call, |state| {
        let mut user = call.user(state)?;
        note_system_user(state, call, user.is_system);
        if user.accounts.remove(&name).is_none() {
            return Err(state.refuse(state.options.unknown_account, "The account does not exist"));
        }
        state.directory.put(state.clock.now(), user);
        Ok(empty(state.options.deleted))
    })
}

impl State {
    /// Refuses the wrong verb. Finding out which one is right may take one.
    fn has_verb(&mut self, call: &Call, verb: Verb) -> Result<(), Answer> {
        let fits = match verb {
            Verb::Post => call.method == Method::POST,
            Verb::Put => call.method == Method::PUT,
            Verb::Either => true,
        };
        if fits {
            return Ok(());
        }
        self.counters.wrong_verbs += 1;
        let allowed = self.options.wrong_verbs_allowed;
        if allowed.is_some_and(|allowed| self.counters.wrong_verbs > u64::from(allowed)) {
            self.note(call, "the verb was refused before");
        }
        Err(self.refuse(self.options.wrong_verb, "The method is not allowed"))
    }
}
