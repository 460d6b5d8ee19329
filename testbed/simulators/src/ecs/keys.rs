//! Secrets: at most two of a user, both valid at once.

use super::call::{Body, Call};
use super::options::{IdWithoutSecret, Refusal, ThirdKey, ZeroExpiry};
use super::session::Caller;
use super::state::{Key, Name, State};
use super::wire::{Outcome, Problem, Reply, key_time, sha256};
use serde_json::{Value, json};
use std::time::Duration;

/// `POST /object/user-secret-keys/{uid}`.
pub(super) fn create(call: &Call, state: &mut State, caller: &Caller, uid: &str) -> Outcome {
    call.query(&[]);
    Call::may_write(caller)?;
    let body = call.body(&["namespace", "existing_key_expiry_time_mins", "secretkey"])?;
    let name = call.user(state, caller, body.text("namespace")?, uid, call.options.absent)?;
    let chosen = body.text("secretkey")?;
    if chosen.is_some_and(str::is_empty) {
        call.note("secretkey is left out where the server is to choose, and not empty");
    }
    add(
        call,
        state,
        &name,
        &body,
        chosen.filter(|chosen| !chosen.is_empty()),
    )
}

/// `POST /object/secret-keys`: a secret of the calling user, who becomes an object user.
pub(super) fn create_own(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    call.query(&[]);
    let body = call.body(&["existing_key_expiry_time_mins"])?;
    let name = own(call, state, caller);
    add(call, state, &name, &body, None)
}

fn own(call: &Call, state: &mut State, caller: &Caller) -> Name {
    let first = call.options.namespaces.first().map(String::as_str);
    let namespace = caller.own_namespace().or(first).unwrap_or_default();
    let name = (namespace.to_owned(), caller.user.clone());
    if !state.users.contains_key(&name) {
        state.add_user(name.clone(), Vec::new(), call.now);
    }
    name
}

fn add(call: &Call, state: &mut State, name: &Name, body: &Body, chosen: Option<&str>) -> Outcome {
    let options = call.options;
    let expiry = expiry(call, body.value("existing_key_expiry_time_mins"))?;
    state.blank_expired(options, name, call.now);
    make_room(call, state, name, chosen, expiry)?;
    let expires = expiry.and_then(|minutes| match (minutes, options.zero_expiry) {
        (0, ZeroExpiry::Never) => None,
        (minutes, _) => Some(call.now + Duration::from_secs(minutes * 60)),
    });
    let older = state.users.get_mut(name).and_then(|user| user.keys.first_mut());
    let had_one = older.is_some();
    if let (Some(older), Some(expires)) = (older, expires) {
        older.expires = Some(expires);
    }
    let secret = chosen.map_or_else(|| state.draw(), str::to_owned);
    state.add_key(options, name, secret.clone(), call.now);
    let told = expires.filter(|_| had_one && options.answers_old_expiry);
    let mut answer = json!({
        "secret_key": secret,
        "key_timestamp": key_time(options, call.now),
        "key_expiry_timestamp": told.map(|told| key_time(options, told)).unwrap_or_default(),
        "link": { "rel": "self", "href": format!("/object/user-secret-keys/{}", name.1) },
    });
    if options.key_ids {
        answer["secret_key_id"] = json!(sha256(&secret));
    }
    Ok(Reply::Of("user_secret_key", answer))
}

/// Refuses a secret for which there is no place.
fn make_room(
    call: &Call,
    state: &mut State,
    name: &Name,
    chosen: Option<&str>,
    expiry: Option<u64>,
) -> Result<(), Problem> {
    let keys = &state.users[name].keys;
    let is_there = chosen.is_some_and(|chosen| keys.iter().any(|key| key.secret == chosen));
    if let Some(refusal) = call.options.same_secret.filter(|_| is_there) {
        return Err(Problem::new(refusal, "The user has this secret already"));
    }
    if keys.is_empty() && expiry.is_some() {
        call.note("existing_key_expiry_time_mins is for a user who has a secret already");
        if let Some(refusal) = call.options.expiry_without_key {
            return Err(Problem::new(refusal, "There is no existing key"));
        }
    }
    if keys.len() < 2 {
        return Ok(());
    }
    match call.options.third_key {
        ThirdKey::Refused(refusal) => Err(Problem::new(refusal, "The user has two secrets already")),
        ThirdKey::DropsOldest => {
            drop_oldest(call, state, name);
            Ok(())
        }
    }
}

fn drop_oldest(call: &Call, state: &mut State, name: &Name) {
    let oldest = state.users[name].keys.first().map(|key| key.secret.clone());
    state.remove_keys(call.options, name, call.now, |key| {
        Some(&key.secret) == oldest.as_ref()
    });
}

/// Whole minutes: a string in the schema, and clients that send a number work.
fn expiry(call: &Call, value: Option<&Value>) -> Result<Option<u64>, Problem> {
    let text = match value {
        None => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    // A hundred years keep the sum within what a time can hold.
    match text.parse::<i64>() {
        Ok(minutes @ 0..=52_560_000) => Ok(u64::try_from(minutes).ok()),
        Ok(_) => {
            call.note("existing_key_expiry_time_mins is out of range");
            Err(Problem::new(Refusal::new(400, 1014), "Expiry out of range"))
        }
        Err(_) => {
            call.note("existing_key_expiry_time_mins is a number of whole minutes");
            Err(Problem::new(Refusal::new(400, 1008), "Invalid expiry"))
        }
    }
}

/// `GET /object/user-secret-keys/{uid}` and `/{uid}/{namespace}`.
pub(super) fn read(
    call: &Call,
    state: &mut State,
    caller: &Caller,
    uid: &str,
    namespace: Option<&str>,
) -> Outcome {
    call.query(&[]);
    let name = call.user(state, caller, namespace, uid, call.options.absent)?;
    Ok(show(call, state, &name))
}

/// `GET /object/secret-keys`.
pub(super) fn read_own(call: &Call, state: &mut State, caller: &Caller) -> Reply {
    call.query(&[]);
    let name = own(call, state, caller);
    show(call, state, &name)
}

fn show(call: &Call, state: &mut State, name: &Name) -> Reply {
    let options = call.options;
    state.blank_expired(options, name, call.now);
    let mut answer = json!({ "link": { "rel": "self", "href": "/object/secret-keys" } });
    for (key, number) in state.users[name].slots(options.slots).into_iter().zip(1..) {
        let shown = key.filter(|_| !options.hide_secrets);
        let expires = key.and_then(|key| key.expires);
        answer[format!("secret_key_{number}")] =
            json!(shown.map(|key| key.secret.as_str()).unwrap_or_default());
        answer[format!("secret_key_{number}_exist")] = json!(key.is_some());
        answer[format!("key_timestamp_{number}")] =
            json!(key.map(|key| key_time(options, key.made)).unwrap_or_default());
        answer[format!("key_expiry_timestamp_{number}")] = json!(
            expires
                .map(|expires| key_time(options, expires))
                .unwrap_or_default()
        );
        if options.key_ids {
            answer[format!("secret_key_{number}_id")] = json!(key.map(Key::id).unwrap_or_default());
        }
    }
    Reply::Of("user_secret_keys", answer)
}

/// `GET /object/user-secret-keys/exist/{uid}/{namespace}`: which slots are taken.
pub(super) fn exist(call: &Call, state: &mut State, caller: &Caller, uid: &str, namespace: &str) -> Outcome {
    call.query(&[]);
    let name = call.user(state, caller, Some(namespace), uid, call.options.absent)?;
    state.blank_expired(call.options, &name, call.now);
    let [first, second] = state.users[&name].slots(call.options.slots);
    let body = json!({ "secret_key_1_exist": first.is_some(), "secret_key_2_exist": second.is_some() });
    Ok(Reply::Of("user_secret_keys_exist", body))
}

/// `POST /object/user-secret-keys/{uid}/deactivate`.
pub(super) fn deactivate(call: &Call, state: &mut State, caller: &Caller, uid: &str) -> Outcome {
    call.query(&[]);
    Call::may_write(caller)?;
    let ids: &[&str] = if call.options.key_ids {
        &["secret_key_id"]
    } else {
        &[]
    };
    let body = call.body(&[&["secret_key", "namespace"], ids].concat())?;
    let name = call.user(state, caller, body.text("namespace")?, uid, call.options.absent)?;
    remove(call, state, &name, &body)
}

/// `POST /object/secret-keys/deactivate`.
pub(super) fn deactivate_own(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    call.query(&[]);
    let body = call.body(&["secret_key"])?;
    let name = own(call, state, caller);
    remove(call, state, &name, &body)
}

/// Which secrets a deactivation means.
enum Meant {
    All,
    Secret(String),
    Id(String),
}

fn remove(call: &Call, state: &mut State, name: &Name, body: &Body) -> Outcome {
    state.blank_expired(call.options, name, call.now);
    let meant = meant(call, body)?;
    let removed = state.remove_keys(call.options, name, call.now, |key| match &meant {
        Meant::All => true,
        Meant::Secret(secret) => key.secret == *secret,
        Meant::Id(id) => key.id() == *id,
    });
    if removed == 0 && !matches!(meant, Meant::All) {
        return Err(Problem::new(
            call.options.absent_key,
            "The user has no such secret",
        ));
    }
    Ok(Reply::Empty)
}

fn meant(call: &Call, body: &Body) -> Result<Meant, Problem> {
    let options = call.options;
    let given = body.text("secret_key")?;
    let secret = given.filter(|secret| !secret.is_empty());
    let id = if options.key_ids {
        body.text("secret_key_id")?
    } else {
        None
    };
    let id = id.filter(|id| !id.is_empty());
    match (secret, id) {
        (Some(secret), Some(id)) if !id.eq_ignore_ascii_case(&sha256(secret)) => {
            call.note("secret_key_id is not the SHA-256 of secret_key");
            Err(Problem::new(options.absent_key, "No secret has both"))
        }
        (Some(_), None) | (None, Some(_)) if options.deletion_needs_both => {
            let details = "Both secret_key and secret_key_id are required";
            Err(Problem::new(Refusal::new(400, 1005), details))
        }
        (Some(secret), _) => Ok(Meant::Secret(secret.to_owned())),
        (None, Some(id)) => {
            if given.is_none() && options.hide_secrets {
                return Ok(Meant::Id(id.to_lowercase()));
            }
            call.note("an id without its secret may remove every secret, unless secrets are hidden");
            match options.id_without_secret {
                IdWithoutSecret::RemovesAll => Ok(Meant::All),
                IdWithoutSecret::RemovesOne => Ok(Meant::Id(id.to_lowercase())),
            }
        }
        (None, None) => {
            call.note("an empty secret_key removes every secret of the user");
            if options.deletion_needs_both {
                return Err(Problem::new(Refusal::new(400, 1005), "secret_key is required"));
            }
            Ok(Meant::All)
        }
    }
}
