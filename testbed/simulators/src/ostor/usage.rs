//! `ostor-usage`: what users did, by period. The only trace of a last use, and by user, not by key.

use super::answers::{INVALID, json_answer, text_answer};
use super::call::Call;
use super::options::Refusal;
use super::state::State;
use crate::server::{Answer, Incoming, empty, path};
use crate::signature::{V2, V4};
use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The service that counts, as in the samples of "GET service ostor-usage".
const SERVICE: &str = "8000000000000065";

const NO_ITEM: Refusal = Refusal::new(StatusCode::NOT_FOUND, "NoSuchKey");

/// What one user did with one bucket.
#[derive(Clone, Debug, Default)]
struct Done {
    put: u64,
    get: u64,
    list: u64,
    other: u64,
    uploaded: usize,
}

/// What was done in one period.
#[derive(Debug, Default)]
struct Period {
    seconds: u64,
    /// By user id and bucket.
    done: BTreeMap<(String, String), Done>,
}

/// What was done, by the second that a period began in.
#[derive(Debug, Default)]
pub(super) struct Usage(BTreeMap<u64, Period>);

impl Usage {
    /// Counts a request of S3 that was carried out.
    pub(super) fn count(&mut self, request: &Incoming, now: SystemTime, period: Duration) {
        let access_key = match (V4::of(request), V2::of(request)) {
            (Some(v4), _) => v4.access_key_id,
            (None, Some(v2)) => v2.access_key_id,
            (None, None) => return,
        };
        let user = access_key.chars().take(16).collect();
        let segments = path(request);
        let bucket = segments.first().cloned().unwrap_or_default();
        let is_object = segments.len() > 1;
        let period = period.as_secs().max(1);
        let start = seconds(now) / period * period;
        let entry = self.0.entry(start).or_default();
        entry.seconds = period;
        let done = entry.done.entry((user, bucket)).or_default();
        done.uploaded += request.body().len();
        match (request.method(), is_object) {
            (&Method::PUT, _) => done.put += 1,
            (&Method::GET, true) => done.get += 1,
            (&Method::GET, false) => done.list += 1,
            _ => done.other += 1,
        }
    }

    /// Names of items whose period is over, with the second that they began in.
    fn items(&self, now: SystemTime) -> Vec<(String, u64)> {
        let is_over = |(start, period): &(&u64, &Period)| **start + period.seconds <= seconds(now);
        let over = self.0.iter().filter(is_over);
        let named = over.map(|(start, period)| (name(*start, period.seconds), *start));
        named.collect()
    }

    fn find(&self, now: SystemTime, item: &str) -> Option<u64> {
        let mut items = self.items(now).into_iter();
        items.find(|(name, _)| name == item).map(|(_, start)| start)
    }

    fn shown(&self, start: u64) -> Option<Value> {
        let period = self.0.get(&start)?;
        let item = |((user, bucket), done): (&(String, String), &Done)| {
            json!({
                "key": {"bucket": bucket, "epoch": 0, "user_id": user, "tag": ""},
                "counters": {
                    "ops": {"put": done.put, "get": done.get, "list": done.list, "other": done.other},
                    "net_io": {"uploaded": done.uploaded, "downloaded": 0},
                },
            })
        };
        let items: Vec<Value> = period.done.iter().map(item).collect();
        Some(json!({
            "fmt_version": 1,
            "service_id": SERVICE,
            "start_ts": start,
            "period": period.seconds,
            "nr_items": items.len(),
            "items": items,
        }))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn name(start: u64, period: u64) -> String {
    let time = Timestamp::from_second(start.cast_signed()).expect("a time of this age");
    format!(
        "s3-usage-{SERVICE}-{}-{period}",
        time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    )
}

/// Answers a call of `ostor-usage`.
pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let answered = match (&call.method, call.get("obj")) {
        (&Method::GET, Some(item)) => one(state, item),
        (&Method::GET, None) => list(state, call),
        (&Method::DELETE, Some(item)) if state.options.usage_delete => {
            state.note(call, "statistics are what customers are billed by");
            delete(state, call, item)
        }
        _ => return state.no_such_call(call),
    };
    answered.unwrap_or_else(|refused| refused)
}

fn item(state: &State, name: &str) -> Result<u64, Answer> {
    let found = state.usage.find(state.clock.now(), name);
    found.ok_or_else(|| state.refuse(NO_ITEM, "The statistics object does not exist"))
}

fn one(state: &State, name: &str) -> Result<Answer, Answer> {
    let start = item(state, name)?;
    Ok(json_answer(
        StatusCode::OK,
        &state.usage.shown(start).unwrap_or_default(),
    ))
}

fn delete(state: &mut State, call: &Call, name: &str) -> Result<Answer, Answer> {
    state.write(call, |state| {
        let start = item(state, name)?;
        state.usage.0.remove(&start);
        Ok(empty(state.options.deleted))
    })
}

fn list(state: &State, call: &Call) -> Result<Answer, Answer> {
    let limit: Option<usize> = match call.get("limit").map(str::parse) {
        None => None,
        Some(Ok(limit)) => Some(limit),
        Some(Err(_)) => {
            state.note(call, "limit is a whole number");
            return Err(state.refuse(INVALID, "A wrong set of parameters is specified"));
        }
    };
    let items = if state.options.usage {
        state.usage.items(state.clock.now())
    } else {
        Vec::new()
    };
    let after = call.get("after").unwrap_or_default();
    let names: Vec<String> = items.into_iter().map(|(name, _)| name).collect();
    let rest: Vec<&String> = names.iter().filter(|name| name.as_str() > after).collect();
    let shown: Vec<&&String> = rest.iter().take(limit.unwrap_or(usize::MAX)).collect();
    let truncated = shown.len() < rest.len();
    let body = json!({"nr_items": shown.len(), "truncated": truncated, "items": shown});
    let mut text = body.to_string();
    if limit.is_some_and(|limit| limit > state.options.usage_limit) {
        // What the note of the client calls broken JSON: it ends too early.
        state.note(call, "a limit this high yields broken JSON");
        text.pop();
    }
    Ok(text_answer(StatusCode::OK, text))
}
