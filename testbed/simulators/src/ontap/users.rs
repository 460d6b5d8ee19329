//! S3 users: reading, making, deleting (REST reference 9.17.1, "Manage S3 service users" and the four pages of its calls).

use super::api::{DATA_SVM, check_name, collection};
use super::call::{Call, Done, Outcome, Refusal};
use super::keys::{Wish, reply};
use super::options::{Keyless, Options};
use super::records::{Shape, encode, many, one};
use super::state::{Fault, Pair, State, User};
use super::time::date;
use serde_json::{Value, json};

fn shape(options: &Options) -> Shape {
    let mut fields = vec!["name", "comment", "access_key", "svm", "svm.name", "svm.uuid"];
    let mut filters = vec!["name", "comment", "access_key", "svm.name"];
    if options.has_ttl() {
        fields.extend(["key_time_to_live", "key_expiry_time"]);
        filters.extend(["key_time_to_live", "key_expiry_time"]);
    }
    if options.has_two_keys() {
        fields.extend([
            "keys",
            "keys.id",
            "keys.access_key",
            "keys.time_to_live",
            "keys.expiry_time",
        ]);
    }
    Shape {
        path: collection("users"),
        key: "name",
        fields,
        default: &["name", "svm"],
        filters,
    }
}

/// The record, whole. A secret is never in it.
fn record(state: &State, name: &str, user: &User) -> Value {
    let options = &state.options;
    let mut record = json!({"name": name, "svm": {"name": options.svm, "uuid": DATA_SVM}});
    if let Some(comment) = &user.comment {
        record["comment"] = json!(comment);
    }
    let now = state.clock.now();
    let is_shown = |pair: &&Pair| options.shows_expired || pair.expires.is_none_or(|end| now < end);
    let shown = |slot: usize| user.pairs[slot].as_ref().filter(is_shown);
    match (shown(0), options.keyless) {
        (Some(pair), _) => {
            record["access_key"] = json!(pair.access_key);
            put_life(&mut record, "key_time_to_live", "key_expiry_time", pair, options);
        }
        (None, Keyless::Omitted) => {}
        (None, Keyless::Empty) => record["access_key"] = json!(""),
        (None, Keyless::Null) => record["access_key"] = Value::Null,
    }
    if options.has_two_keys() {
        let keys = (0..2).filter_map(|slot| {
            let pair = shown(slot)?;
            let mut key = json!({"id": slot + 1, "access_key": pair.access_key});
            put_life(&mut key, "time_to_live", "expiry_time", pair, options);
            Some(key)
        });
        record["keys"] = keys.collect();
    }
    record
}

fn put_life(record: &mut Value, ttl: &str, expiry: &str, pair: &Pair, options: &Options) {
    if let Some(text) = &pair.ttl {
        record[ttl] = json!(text);
    }
    if let Some(end) = pair.expires {
        record[expiry] = json!(date(end, options.dates));
    }
}

/// `GET users` and `GET users/{name}`.
pub(super) fn read(state: &mut State, call: &Call, name: Option<&str>) -> Outcome {
    let shape = shape(&state.options);
    let fields = call.parameter("fields").unwrap_or_default();
    let looks_for_keys = |field: &str| matches!(field.split('.').next(), Some("*" | "**" | "keys"));
    state.is_probed |= fields.split(',').map(str::trim).any(looks_for_keys);
    if let Some(name) = name {
        let record = state.users.get(name).map(|user| record(state, name, user));
        return one(state, call, &shape, record);
    }
    let records = state.users.iter();
    let records = records.map(|(name, user)| record(state, name, user)).collect();
    many(state, call, &shape, records)
}

/// `POST users`.
pub(super) fn create(state: &mut State, call: &Call) -> Outcome {
    call.allow_query(&["return_records"])?;
    let is_asked = call.flag("return_records")?;
    call.allow_body(&Wish::fields(&state.options, "name"))?;
    let Some(name) = call.text("name")?.map(str::to_owned) else {
        return Err(call.mistyped("name"));
    };
    check_name(&name, 64, ("92405787", "92405788"))?;
    let wish = Wish::read(state, call)?;
    if state.users.contains_key(&name) {
        let (status, code) = state.options.name_taken;
        return Err(Refusal::new(status, code, "entry already exists").at("name"));
    }
    wish.check(state, None)?;
    if state.take(|fault| *fault == Fault::KeysNotMade).is_some() {
        return Err(Refusal::bad(
            "92405791",
            "failed to create the access key and secret key",
        ));
    }
    let pair = state.pair(wish.chosen, wish.ttl);
    let user = User {
        comment: wish.comment,
        pairs: [Some(pair.clone()), None],
    };
    state.users.insert(name.clone(), user);
    state.ever.insert(name.clone());
    let is_shown = is_asked || !state.options.records_only_if_asked;
    let location = format!("{}/{}", collection("users"), encode(&name));
    Ok(Done::created(
        location,
        is_shown.then(|| reply(state, call, &name, &pair)),
    ))
}

/// `DELETE users/{name}`. What it owns stays.
pub(super) fn delete(state: &mut State, call: &Call, name: &str) -> Outcome {
    call.allow_query(&[])?;
    if !state.users.contains_key(name) {
        return Err(Refusal::missing(&state.options));
    }
    if state.options.member_is_kept && !state.groups_of(name).is_empty() {
        return Err(Refusal::bad("92406308", "the user is in a group"));
    }
    if state.options.owner_is_kept && !state.buckets.of(name).is_empty() {
        return Err(Refusal::bad("92406097", "the user owns buckets"));
    }
    state.remove_user(name);
    Ok(Done::empty())
}
