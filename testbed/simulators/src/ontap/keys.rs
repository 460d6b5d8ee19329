//! Key pairs: what a request may ask of them, and the PATCH that replaces and removes them.

use super::api::collection;
use super::call::{Call, Done, Outcome, Refusal};
use super::options::Options;
use super::records::encode;
use super::state::{Fault, Pair, State};
use super::time::{LONGEST, date, duration};
use serde_json::{Value, json};
use std::time::Duration;

/// What a body asks for.
pub(super) struct Wish {
    pub(super) comment: Option<String>,
    /// The life as it was written, and how long it is; zero is endless.
    pub(super) ttl: Option<(String, Duration)>,
    /// Access key and secret.
    pub(super) chosen: Option<(String, String)>,
    /// Which pair, if it says so.
    slot: Option<usize>,
}

impl Wish {
    /// The fields that the version has, and one more.
    pub(super) fn fields(options: &Options, more: &'static str) -> Vec<&'static str> {
        let mut fields = vec!["comment", more];
        if options.has_ttl() {
            fields.push("key_time_to_live");
        }
        if options.has_chosen_keys() {
            fields.extend(["access_key", "secret_key"]);
        }
        fields
    }

    /// Reads a body. Fields that the version does not have are not looked at.
    pub(super) fn read(state: &State, call: &Call) -> Result<Self, Refusal> {
        let options = &state.options;
        let mut ttl = None;
        if options.has_ttl()
            && let Some(text) = call.text("key_time_to_live")?
        {
            let life = duration(text).ok_or_else(|| call.mistyped("key_time_to_live"))?;
            ttl = Some((text.to_owned(), life));
        }
        let mut chosen = None;
        if options.has_chosen_keys() {
            chosen = match (call.text("access_key")?, call.text("secret_key")?) {
                (Some(access), Some(secret)) => Some((access.to_owned(), secret.to_owned())),
                (None, None) => None,
                _ => {
                    let message = "access_key and secret_key are to be given together";
                    return Err(Refusal::bad("92406201", message));
                }
            };
        }
        Ok(Self {
            comment: call.comment()?,
            ttl,
            chosen,
            slot: if options.has_two_keys() { slot(call)? } else { None },
        })
    }

    /// Whether a pair like this can be made, in place of the one of this user and slot.
    pub(super) fn check(&self, state: &State, replaced: Option<(&str, usize)>) -> Result<(), Refusal> {
        let options = &state.options;
        let life = self.ttl.as_ref().map(|(_, life)| *life);
        if life.is_some_and(|life| life > LONGEST) {
            return Err(Refusal::bad("92406083", "key_time_to_live is over 1095 days"));
        }
        if let Some(most) = options.max_ttl {
            let is_endless = life.map_or(options.absent_ttl_is_endless, |life| life.is_zero());
            if is_endless {
                return Err(Refusal::bad(
                    "92406197",
                    "key_time_to_live must not be 0: there is a maximum",
                ));
            }
            if life.is_some_and(|life| life > most) {
                return Err(Refusal::bad(
                    "92406196",
                    "key_time_to_live is over the maximum of the server",
                ));
            }
        }
        let Some((access, secret)) = &self.chosen else {
            return Ok(());
        };
        if access
            .bytes()
            .any(|byte| !byte.is_ascii_digit() && !byte.is_ascii_uppercase())
        {
            let message = "an access key has only digits and capital letters";
            return Err(Refusal::bad("92406205", message));
        }
        if !options.chosen_lengths.contains(&access.len()) || secret.is_empty() {
            return Err(Refusal::bad("2", "invalid length of a key").at("access_key"));
        }
        let holder = state.holder(access);
        let is_held = holder.is_some() && (options.own_access_key_is_taken || holder != replaced);
        if is_held || (options.spent_access_key_is_taken && state.spent.contains(access)) {
            return Err(Refusal::new(
                options.taken_status,
                "92406200",
                "the access key is in use",
            ));
        }
        Ok(())
    }
}

fn slot(call: &Call) -> Result<Option<usize>, Refusal> {
    match call.body.get("key_id").map(Value::as_u64) {
        None => Ok(None),
        Some(Some(1)) => Ok(Some(0)),
        Some(Some(2)) => Ok(Some(1)),
        Some(_) => Err(call.mistyped("key_id")),
    }
}

/// The only replies that ever have a secret: those to the making of a pair.
pub(super) fn reply(state: &State, call: &Call, name: &str, pair: &Pair) -> Value {
    let mut record = json!({"name": name, "access_key": pair.access_key, "secret_key": pair.secret_key});
    if let Some(end) = pair.expires {
        record["key_expiry_time"] = json!(date(end, state.options.dates));
    }
    if call.has_links {
        let href = format!("{}/{}", collection("users"), encode(name));
        record["_links"] = json!({"self": {"href": href}});
    }
    if state.options.single_record {
        json!({"records": record})
    } else {
        json!({"num_records": 1, "records": [record]})
    }
}

/// `PATCH users/{name}`.
pub(super) fn modify(state: &mut State, call: &Call, name: &str) -> Outcome {
    let (regenerates, deletes) = read_query(&state.options, call)?;
    let mut fields = Wish::fields(&state.options, "comment");
    if state.options.has_two_keys() {
        fields.push("key_id");
    }
    call.allow_body(&fields)?;
    if !state.users.contains_key(name) {
        return Err(Refusal::missing(&state.options));
    }
    if regenerates && deletes {
        return Err(Refusal::bad(
            "92406082",
            "regenerate_keys and delete_keys exclude each other",
        ));
    }
    if name == "root" && state.options.root_is_mirrored && (regenerates || deletes) {
        return Err(Refusal::bad(
            "92406080",
            "the keys of root are in use by S3 SnapMirror",
        ));
    }
    let names_keys = ["access_key", "secret_key"]
        .iter()
        .any(|key| call.body.contains_key(*key));
    if deletes && names_keys && state.options.has_chosen_keys() {
        return Err(Refusal::bad(
            "92406202",
            "delete_keys excludes access_key and secret_key",
        ));
    }
    let wish = Wish::read(state, call)?;
    if !regenerates && wish.ttl.is_some() {
        let message = "key_time_to_live can only be set together with regenerate_keys";
        return Err(Refusal::bad("92406088", message));
    }
    if wish.slot.is_some() && !state.is_probed {
        call.note("key_id is sent before anybody looked whether there are two keys (GET with fields=keys)");
    }
    let slot = wish.slot.unwrap_or(0);
    if regenerates {
        return regenerate(state, call, name, slot, wish);
    }
    if !deletes && (wish.chosen.is_some() || wish.slot.is_some()) {
        call.note("keys in the body mean nothing without regenerate_keys or delete_keys");
        return Err(Refusal::bad("2", "keys in the body need regenerate_keys=true"));
    }
    if deletes {
        remove(state, name, slot)?;
    }
    set_comment(state, name, wish.comment);
    Ok(Done::with(json!({})))
}

fn read_query(options: &Options, call: &Call) -> Result<(bool, bool), Refusal> {
    // The page of 9.11 has `regenerate_keys` only.
    let allowed: &[&str] = if options.has_delete_keys() {
        &["regenerate_keys", "delete_keys", "return_records"]
    } else {
        &["regenerate_keys"]
    };
    call.allow_query(allowed)?;
    let deletes = options.has_delete_keys() && call.flag("delete_keys")?;
    Ok((call.flag("regenerate_keys")?, deletes))
}

fn set_comment(state: &mut State, name: &str, comment: Option<String>) {
    if let (Some(user), Some(comment)) = (state.users.get_mut(name), comment) {
        user.comment = Some(comment);
    }
}

fn regenerate(state: &mut State, call: &Call, name: &str, slot: usize, wish: Wish) -> Outcome {
    let is_asked = call.flag("return_records")? || !state.options.has_delete_keys();
    wish.check(state, Some((name, slot)))?;
    if state.take(|fault| *fault == Fault::KeysNotMade).is_some() {
        return Err(Refusal::bad(
            "92405792",
            "failed to regenerate the access key and secret key",
        ));
    }
    let changes_more = wish.comment.is_some() || wish.ttl.is_some();
    let is_partial = |fault: &Fault| changes_more && matches!(fault, Fault::PartialRegenerate { .. });
    let partial = state.take(is_partial);
    let ttl = wish.ttl.filter(|_| partial.is_none());
    let pair = state.pair(wish.chosen, ttl);
    state.put(name, slot, Some(pair.clone()));
    let records = reply(state, call, name, &pair);
    if let Some(Fault::PartialRegenerate { with_keys }) = partial {
        let message = "the keys were regenerated, other changes failed; repeat these without regenerate_keys";
        return Err(Refusal {
            records: with_keys.then(|| records["records"].clone()),
            ..Refusal::bad("92406081", message)
        });
    }
    set_comment(state, name, wish.comment);
    if is_asked || !state.options.records_only_if_asked {
        Ok(Done::with(records))
    } else {
        Ok(Done::with(json!({})))
    }
}

fn remove(state: &mut State, name: &str, slot: usize) -> Result<(), Refusal> {
    let Some(user) = state.users.get(name) else {
        return Ok(());
    };
    let keeps_another = user.pairs[1 - slot].is_some();
    let is_guarded = state.options.guards_each_pair || !keeps_another;
    if is_guarded && user.pairs[slot].is_some() && !state.groups_of(name).is_empty() {
        return Err(Refusal::bad("92406308", "the user is still in a group"));
    }
    state.put(name, slot, None);
    Ok(())
}
