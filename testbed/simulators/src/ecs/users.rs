//! Object users: made, read, locked, deleted.

use super::call::{Body, Call};
use super::options::Refusal;
use super::session::Caller;
use super::state::{State, cased, owner};
use super::tags::{as_json, parse};
use super::wire::{Outcome, Problem, Reply, user_time};
use serde_json::{Value, json};

/// `POST /object/users`: makes a user, and no secret.
pub(super) fn create(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    call.query(&[]);
    Call::may_write(caller)?;
    let body = call.body(&["user", "namespace", "tags"])?;
    let uid = cased(call.options, body.required("user")?);
    let namespace = call.namespace(caller, Some(body.required("namespace")?))?;
    let name = (namespace.unwrap_or_default(), uid);
    let tags = match body.value("tags") {
        Some(tags) => parse(call, tags)?,
        None => Vec::new(),
    };
    if state.is_taken(call.options, &name) {
        let details = format!("User {} exists already", name.1);
        return Err(Problem::new(call.options.taken, details));
    }
    let link = json!({ "rel": "self", "href": format!("/object/user-secret-keys/{}", name.1) });
    state.add_user(name, tags, call.now);
    let mut answer = json!({ "link": link });
    if call.options.blank_key_fields {
        for field in [
            "secret_key",
            "key_timestamp",
            "key_expiry_timestamp",
            "secret_key_id",
        ] {
            answer[field] = json!("");
        }
    }
    Ok(Reply::Of("user_secret_key", answer))
}

/// `GET /object/users/{uid}/info`.
pub(super) fn info(call: &Call, state: &State, caller: &Caller, uid: &str) -> Outcome {
    let query = call.query(&["namespace"]);
    let namespace = query.get("namespace").map(String::as_str);
    let name = call.user(state, caller, namespace, uid, call.options.absent)?;
    let user = &state.users[&name];
    let body = json!({
        "namespace": name.0,
        "name": name.1,
        "locked": user.locked,
        "created": user_time(call.options, user.created),
        // Singular here, plural elsewhere.
        "tag": as_json(&user.tags),
        "centerapassword": null,
        "swiftpassword": null,
    });
    Ok(Reply::Of("user_info", body))
}

/// `PUT /object/users/lock`.
pub(super) fn set_lock(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    call.query(&[]);
    Call::may_write(caller)?;
    let body = call.body(&["user", "namespace", "isLocked"])?;
    let (namespace, uid) = (body.text("namespace")?, body.required("user")?);
    let is_locked = match body.value("isLocked") {
        Some(Value::Bool(is_locked)) => *is_locked,
        // Samples have the strings too.
        Some(Value::String(text)) if text == "true" => true,
        Some(Value::String(text)) if text == "false" => false,
        Some(_) => return Err(call.bad_body("isLocked is a boolean")),
        None => return Err(call.missing("isLocked")),
    };
    let name = call.user(state, caller, namespace, uid, call.options.absent_in_body)?;
    state.lock(call.options, &name, is_locked, call.now);
    Ok(Reply::Empty)
}

/// `GET /object/users/lock/{uid}` and `/{uid}/{namespace}`.
pub(super) fn lock_of(
    call: &Call,
    state: &State,
    caller: &Caller,
    uid: &str,
    namespace: Option<&str>,
) -> Outcome {
    call.query(&[]);
    let name = call.user(state, caller, namespace, uid, call.options.absent)?;
    let body = json!({ "user_name": name.1, "isLocked": state.users[&name].locked });
    Ok(Reply::Of("user_lock", body))
}

/// `POST /object/users/deactivate`: removes a user and all secrets; buckets stay.
pub(super) fn deactivate(call: &Call, state: &mut State, caller: &Caller) -> Outcome {
    call.query(&[]);
    Call::may_write(caller)?;
    let body: Body = call.body(&["user", "namespace"])?;
    let (namespace, uid) = (body.text("namespace")?, body.required("user")?);
    let name = call.user(state, caller, namespace, uid, call.options.absent_in_body)?;
    let has_buckets = !state.buckets.of(&owner(call.options, &name)).is_empty();
    if let Some(refusal) = call.options.owner_deletion.filter(|_| has_buckets) {
        return Err(Problem::new(refusal, "The user owns buckets"));
    }
    state.remove_user(call.options, &name, call.now);
    Ok(Reply::Empty)
}

/// What a list is asked for, besides the namespace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'a> {
    limit: Option<&'a str>,
    marker: Option<&'a str>,
    uid: Option<&'a str>,
    tag: Option<&'a str>,
    value: Option<&'a str>,
}

/// `GET /object/users`: of all namespaces that the caller may see.
pub(super) fn list_all(call: &Call, state: &State, caller: &Caller) -> Outcome {
    let query = call.query(&["limit", "marker", "userid"]);
    let get = |name: &str| query.get(name).map(String::as_str);
    let wanted = Wanted {
        limit: get("limit"),
        marker: get("marker"),
        uid: get("userid"),
        ..Wanted::default()
    };
    list(call, state, caller.own_namespace(), wanted)
}

/// `GET /object/users/{namespace}`. The description has a `limit` and no `marker`: it shows the first page only.
pub(super) fn list_namespace(call: &Call, state: &State, caller: &Caller, namespace: &str) -> Outcome {
    let query = call.query(&["limit"]);
    let namespace = call.namespace(caller, Some(namespace))?;
    let wanted = Wanted {
        limit: query.get("limit").map(String::as_str),
        ..Wanted::default()
    };
    list(call, state, namespace.as_deref(), wanted)
}

/// `GET /object/users/query`: by tag.
pub(super) fn by_tag(call: &Call, state: &State, caller: &Caller) -> Outcome {
    let query = call.query(&["namespace", "limit", "marker", "tag", "value"]);
    let get = |name: &str| query.get(name).map(String::as_str);
    let namespace = call.namespace(caller, get("namespace"))?;
    if get("value").is_some() && get("tag").is_none() {
        call.note("a value without its tag finds nothing");
    }
    let wanted = Wanted {
        limit: get("limit"),
        marker: get("marker"),
        uid: None,
        tag: get("tag"),
        value: get("value"),
    };
    list(
        call,
        state,
        namespace.as_deref().or(caller.own_namespace()),
        wanted,
    )
}

fn list(call: &Call, state: &State, namespace: Option<&str>, wanted: Wanted) -> Outcome {
    let page = limit(call, wanted.limit)?;
    let pattern = wanted.uid.unwrap_or("*");
    let is_named = |uid: &str| match pattern.strip_suffix('*') {
        Some(start) => uid.starts_with(start),
        None => uid == pattern,
    };
    let has_tag = |tags: &[(String, String)]| match wanted.tag {
        None => true,
        Some(tag) => tags
            .iter()
            .any(|(name, value)| name == tag && wanted.value.is_none_or(|wanted| wanted == value)),
    };
    let found = state.users.iter().filter(|((place, uid), user)| {
        namespace.is_none_or(|wanted| wanted == place) && is_named(uid) && has_tag(&user.tags)
    });
    // Both lists are in the order of this text.
    let mut found: Vec<_> = found
        .map(|((place, uid), _)| (format!("{place}/{uid}"), place, uid))
        .collect();
    found.sort();
    // A marker refers to the last entry that was returned.
    let mut rest = found
        .into_iter()
        .skip_while(|(at, ..)| wanted.marker.is_some_and(|marker| at.as_str() <= marker));
    let page: Vec<_> = rest.by_ref().take(page).collect();
    let has_more = rest.next().is_some();
    let entries: Vec<Value> = page
        .iter()
        .map(|(_, place, uid)| json!({ "userid": uid, "namespace": place }))
        .collect();
    let body = json!({
        "blobuser": entries,
        "MaxUsers": wanted.limit.and_then(|limit| limit.parse::<u64>().ok()),
        "NextMarker": page.last().filter(|_| has_more).map(|(at, ..)| at),
        "Filter": format!("userid={pattern}"),
        "NextPageLink": null,
    });
    let is_wrapped = call.options.wraps_lists && call.format == Some(super::wire::Format::Json);
    Ok(Reply::Of(
        "users",
        if is_wrapped {
            json!({ "users": body })
        } else {
            body
        },
    ))
}

/// The number of entries that a list may have.
pub(super) fn limit(call: &Call, given: Option<&str>) -> Result<usize, Problem> {
    match given.map(str::parse::<usize>) {
        None => Ok(call.options.page),
        Some(Ok(limit)) if limit > 0 => Ok(limit.min(call.options.page)),
        Some(_) => {
            call.note("limit is a positive number");
            Err(Problem::new(Refusal::new(400, 1008), "Invalid limit"))
        }
    }
}
