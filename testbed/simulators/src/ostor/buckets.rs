//! `ostor-buckets` and `ostor-limits`.

use super::answers::{INVALID, json_answer};
use super::call::Call;
use super::options::{LimitForm, LimitUnit, Refusal};
use super::state::State;
use crate::server::{Answer, empty};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const NO_BUCKET: Refusal = Refusal::new(StatusCode::NOT_FOUND, "NoSuchBucket");

/// What operations can be limited ("PUT service ostor-limits").
const OPERATIONS: [&str; 5] = ["default", "get", "put", "list", "delete"];

/// Limits of a user or a bucket; 0 is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Hundredths of operations per second, in the order of [`OPERATIONS`].
    operations: [u64; 5],
    /// Kilobytes per second that go out.
    out: u64,
}

/// The name that limits and quotas of a user are kept by.
pub(super) fn target_of_user(id: &str) -> String {
    format!("user {id}")
}

/// Answers a call of `ostor-buckets`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if call.method != Method::GET {
        return state.no_such_call(call);
    }
    let owners: Vec<String> = if call.has("emailAddress") || call.has("id") {
        match call.user(state) {
            Ok(user) => vec![user.id],
            Err(refused) => return refused,
        }
    } else {
        let users = state
            .directory
            .all_seen(state.clock.now(), std::time::Duration::ZERO);
        users.into_iter().map(|user| user.id.clone()).collect()
    };
    let bucket = |owner: &str, name: String| {
        json!({
            "name": name,
            "epoch": 0,
            "creation_date": "2023-02-05T09:56:47.000Z",
            "owner_id": owner,
            "size": {"current": 0, "hmax": 0, "h_integral": 0, "last_ts": 0},
        })
    };
    let of = |owner: &String| {
        let names = state.buckets.of(owner).into_iter();
        names.map(|name| bucket(owner, name)).collect::<Vec<_>>()
    };
    let buckets: Vec<Value> = owners.iter().flat_map(of).collect();
    json_answer(StatusCode::OK, &json!({"Buckets": buckets}))
}

/// The user or bucket that a call is about.
pub(super) fn target(state: &State, call: &Call) -> Result<String, Answer> {
    let Some(name) = call.get("bucket") else {
        return Ok(target_of_user(&call.user(state)?.id));
    };
    let users = state
        .directory
        .all_seen(state.clock.now(), std::time::Duration::ZERO);
    let mut buckets = users.into_iter().flat_map(|user| state.buckets.of(&user.id));
    if buckets.any(|bucket| bucket == name) {
        Ok(format!("bucket {name}"))
    } else {
        Err(state.refuse(NO_BUCKET, "The bucket does not exist"))
    }
}

/// Answers a call of `ostor-limits`.
pub(super) fn answer_limits(state: &mut State, call: &Call) -> Answer {
    let off = state.refuse(state.options.limits_off, "Limits are disabled");
    let answered = match call.method {
        Method::GET | Method::PUT | Method::DELETE if !state.options.limits => Err(off),
        Method::GET => target(state, call).and_then(|target| {
            let limits = state.limits.get(&target).ok_or(off)?;
            Ok(json_answer(StatusCode::OK, &limits.shown()))
        }),
        Method::PUT => set_limits(state, call),
        Method::DELETE => state.write(call, |state| {
            let target = target(state, call)?;
            state.limits.remove(&target).ok_or(off)?;
            Ok(empty(state.options.deleted))
        }),
        _ => return state.no_such_call(call),
    };
    answered.unwrap_or_else(|refused| refused)
}

fn set_limits(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let target = target(state, call)?;
        let before = state.limits.get(&target).cloned().unwrap_or_default();
        let is_typed = call.has("limit-type");
        let fits = match state.options.limit_form {
            LimitForm::Named => !is_typed,
            LimitForm::Typed => is_typed,
            LimitForm::Either => true,
        };
        let limits = match (fits, is_typed) {
            (true, true) => typed(state, call, before),
            (true, false) => named(state, call),
            (false, _) => None,
        };
        let Some(limits) = limits else {
            state.note(
                call,
                "limits are set as whole numbers, in one of the documented forms",
            );
            return Err(state.refuse(INVALID, "A wrong set of parameters is specified"));
        };
        state.limits.insert(target, limits);
        Ok(empty(StatusCode::OK))
    })
}

/// `ops` with any of its operations, or `bandwidth` with `out`. What is not named is the default, and that is
/// 0.
fn named(state: &State, call: &Call) -> Option<Limits> {
    let mut limits = Limits::default();
    match (call.has("ops"), call.has("bandwidth")) {
        (true, false) => {
            let default = call.get("default").map_or(Some(0), |text| text.parse().ok())?;
            for (limit, name) in limits.operations.iter_mut().zip(OPERATIONS) {
                let value = call.get(name).map_or(Some(default), |text| text.parse().ok())?;
                *limit = hundredths(state.options.limit_unit, value);
            }
        }
        (false, true) => limits.out = call.get("out")?.parse().ok()?,
        _ => return None,
    }
    Some(limits)
}

/// One limit by type, resource and value.
fn typed(state: &State, call: &Call, mut limits: Limits) -> Option<Limits> {
    let resource = call.get("limit-resource")?;
    let value = call.get("limit-value")?.parse().ok()?;
    match call.get("limit-type")? {
        "bandwidth" if resource == "out" => limits.out = value,
        "ops" => {
            let at = OPERATIONS.iter().position(|name| *name == resource)?;
            limits.operations[at] = hundredths(state.options.limit_unit, value);
        }
        _ => return None,
    }
    Some(limits)
}

fn hundredths(unit: LimitUnit, value: u64) -> u64 {
    match unit {
        LimitUnit::PerMinute => value.saturating_mul(100) / 60,
        LimitUnit::PerSecond => value.saturating_mul(100),
    }
}

impl Limits {
    fn shown(&self) -> Value {
        let mut body = json!({"bandwidth:out": self.out.to_string()});
        for (limit, name) in self.operations.iter().zip(OPERATIONS) {
            body[format!("ops:{name}")] = format!("{}.{:02}", limit / 100, limit % 100).into();
        }
        body
    }
}
