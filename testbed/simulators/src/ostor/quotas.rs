//! `ostor-quotas`: how much a user, a bucket, or any of them by default, may store.

use super::answers::{INVALID, json_answer};
use super::buckets;
use super::call::Call;
use super::options::NoQuota;
use super::state::State;
use crate::server::{Answer, empty};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Answers a call of `ostor-quotas`.
pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let answered = match call.method {
        Method::GET | Method::PUT | Method::DELETE if !state.options.quotas => {
            Err(state.refuse(state.options.quotas_off, "Quotas are disabled"))
        }
        Method::GET => read(state, call),
        Method::PUT => set(state, call),
        Method::DELETE => delete(state, call),
        _ => return state.no_such_call(call),
    };
    answered.unwrap_or_else(|refused| refused)
}

fn read(state: &State, call: &Call) -> Result<Answer, Answer> {
    let target = target(state, call)?;
    let gigabytes = match (state.quotas.get(&target), state.options.no_quota) {
        (Some(gigabytes), _) => *gigabytes,
        (None, NoQuota::Zero) => 0,
        (None, NoQuota::Refused(refusal)) => return Err(state.refuse(refusal, "There is no quota")),
    };
    let is_user = target.starts_with("user");
    let kind: Value = match (state.options.quota_type_is_number, is_user) {
        (true, _) => u8::from(!is_user).into(),
        (false, true) => "user".into(),
        (false, false) => "bucket".into(),
    };
    let size = if state.options.quota_in_bytes {
        in_bytes(state, gigabytes)
    } else {
        gigabytes
    };
    let body = json!({"version": "1", "type": kind, "size": size.to_string()});
    Ok(json_answer(StatusCode::OK, &body))
}

fn set(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let target = target(state, call)?;
        let Some(gigabytes) = call.get("quota-size").and_then(whole_number) else {
            state.note(call, "quota-size is a whole number of gigabytes");
            return Err(state.refuse(INVALID, "A wrong set of parameters is specified"));
        };
        if gigabytes == 0 {
            state.note(
                call,
                "a quota-size of 0 is unlimited: whoever means that deletes the quota",
            );
        }
        change(state, target, (gigabytes > 0).then_some(gigabytes));
        Ok(empty(StatusCode::OK))
    })
}

fn delete(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let target = target(state, call)?;
        match state.options.no_quota {
            NoQuota::Refused(refusal) if !state.quotas.contains_key(&target) => {
                Err(state.refuse(refusal, "There is no quota"))
            }
            NoQuota::Refused(_) | NoQuota::Zero => {
                change(state, target, None);
                Ok(empty(state.options.deleted))
            }
        }
    })
}

/// Writes a quota down, and lets the S3 side know of one of a user. Those of buckets, and by default, are told and not
/// kept to.
fn change(state: &mut State, target: String, gigabytes: Option<u64>) {
    let most = gigabytes.map(|gigabytes| in_bytes(state, gigabytes));
    if let Some(user) = target.strip_prefix("user ").filter(|user| *user != "default") {
        state.buckets.limit(user, most);
    }
    match gigabytes {
        Some(gigabytes) => state.quotas.insert(target, gigabytes),
        None => state.quotas.remove(&target),
    };
}

fn in_bytes(state: &State, gigabytes: u64) -> u64 {
    gigabytes.saturating_mul(state.options.gigabyte)
}

/// Digits, and nothing else.
fn whole_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn target(state: &State, call: &Call) -> Result<String, Answer> {
    match call.get("default") {
        None => {
            if call.method != Method::GET && !call.has("bucket") && call.user(state)?.is_system {
                state.note(call, "a system user is not to be changed");
            }
            buckets::target(state, call)
        }
        Some(kind @ ("user" | "bucket")) => Ok(format!("{kind} default")),
        Some(_) => {
            state.note(call, "default is user or bucket");
            Err(state.refuse(INVALID, "A wrong set of parameters is specified"))
        }
    }
}
