//! Tags of users: `/object/users/{uid}/tags`.

use super::call::Call;
use super::options::Refusal;
use super::session::Caller;
use super::state::State;
use super::wire::{Outcome, Problem, Reply};
use axum::http::Method;
use serde_json::{Value, json};

type Tags = Vec<(String, String)>;

/// `GET` reads, `POST` adds, `PUT` changes those that are there, `DELETE` has a body.
pub(super) fn tags(call: &Call, state: &mut State, caller: &Caller, uid: &str) -> Outcome {
    let query = call.query(&["namespace"]);
    let namespace = query.get("namespace").map(String::as_str);
    let is_read = call.request.method() == Method::GET;
    if !is_read {
        Call::may_write(caller)?;
    }
    let given = if is_read { Vec::new() } else { of_body(call)? };
    let name = call.user(state, caller, namespace, uid, call.options.absent)?;
    let Some(user) = state.users.get_mut(&name) else {
        return Ok(Reply::Empty);
    };
    match *call.request.method() {
        Method::GET => {
            let body = json!({ "user_name": name.1, "tags": as_json(&user.tags) });
            return Ok(Reply::Of("user_tags", body));
        }
        Method::POST => add(call, &mut user.tags, given)?,
        Method::PUT => change(call, &mut user.tags, &given)?,
        _ => remove(call, &mut user.tags, &given)?,
    }
    Ok(Reply::Empty)
}

fn of_body(call: &Call) -> Result<Tags, Problem> {
    let body = call.body(&["tags"])?;
    match body.value("tags") {
        Some(tags) => parse(call, tags),
        None => Err(call.missing("tags")),
    }
}

/// Tags out of a body. Two of one name are refused.
pub(super) fn parse(call: &Call, value: &Value) -> Result<Tags, Problem> {
    let Value::Array(items) = value else {
        return Err(call.bad_body("tags are an array"));
    };
    let mut tags = Tags::new();
    for item in items {
        let Some(fields) = item.as_object() else {
            return Err(call.bad_body("a tag is an object"));
        };
        for field in fields
            .keys()
            .filter(|field| !["name", "value"].contains(&field.as_str()))
        {
            call.note(&format!("a tag has no field {field}"));
        }
        let text = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(_) => Err(call.bad_body("name and value of a tag are strings")),
        };
        let (name, value) = (text("name")?, text("value")?);
        if name.is_empty() {
            return Err(call.missing("name of a tag"));
        }
        let longest = name.chars().count().max(value.chars().count());
        if call.options.max_tag_chars.is_some_and(|most| longest > most) {
            return Err(Problem::new(Refusal::new(400, 1014), "Tag too long"));
        }
        if tags.iter().any(|(there, _)| there == name) {
            return Err(Problem::new(
                call.options.taken_tag,
                format!("Tag {name} is there twice"),
            ));
        }
        tags.push((name.to_owned(), value.to_owned()));
    }
    limited(call, tags)
}

fn limited(call: &Call, tags: Tags) -> Result<Tags, Problem> {
    if call.options.max_tags.is_some_and(|most| tags.len() > most) {
        return Err(Problem::new(Refusal::new(400, 1031), "Too many tags"));
    }
    Ok(tags)
}

pub(super) fn as_json(tags: &[(String, String)]) -> Value {
    tags.iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn add(call: &Call, tags: &mut Tags, given: Tags) -> Result<(), Problem> {
    if let Some((name, _)) = given
        .iter()
        .find(|(name, _)| tags.iter().any(|(there, _)| there == name))
    {
        return Err(Problem::new(
            call.options.taken_tag,
            format!("Tag {name} exists already"),
        ));
    }
    let all = tags.iter().cloned().chain(given).collect();
    *tags = limited(call, all)?;
    Ok(())
}

/// All are there, or none is changed.
fn known(call: &Call, tags: &Tags, given: &Tags) -> Result<(), Problem> {
    match given
        .iter()
        .find(|(name, _)| tags.iter().all(|(there, _)| there != name))
    {
        Some((name, _)) => Err(Problem::new(
            call.options.absent_tag,
            format!("There is no tag {name}"),
        )),
        None => Ok(()),
    }
}

fn change(call: &Call, tags: &mut Tags, given: &Tags) -> Result<(), Problem> {
    known(call, tags, given)?;
    for (name, value) in tags {
        if let Some((_, new)) = given.iter().find(|(wanted, _)| wanted == name) {
            value.clone_from(new);
        }
    }
    Ok(())
}

fn remove(call: &Call, tags: &mut Tags, given: &Tags) -> Result<(), Problem> {
    known(call, tags, given)?;
    tags.retain(|(name, _)| given.iter().all(|(gone, _)| gone != name));
    Ok(())
}
