//! Groups of users, which policies are attached to (REST reference, "post-protocols-s3-services-groups").

use super::api::{DATA_SVM, check_name, collection};
use super::call::{Call, Done, Outcome, Refusal};
use super::records::{Shape, many, one};
use super::state::{Group, State, named};
use serde_json::{Value, json};

fn shape() -> Shape {
    Shape {
        path: collection("groups"),
        key: "id",
        fields: vec![
            "id",
            "name",
            "comment",
            "users",
            "users.name",
            "policies",
            "policies.name",
            "svm",
            "svm.name",
            "svm.uuid",
        ],
        default: &["id", "name", "svm"],
        filters: vec!["id", "name", "comment", "users.name", "policies.name", "svm.name"],
    }
}

fn record(state: &State, id: u64, group: &Group) -> Value {
    let mut record = json!({
        "id": id,
        "name": group.name,
        "users": named(&group.users),
        "policies": named(&group.policies),
        "svm": {"name": state.options.svm, "uuid": DATA_SVM},
    });
    if let Some(comment) = &group.comment {
        record["comment"] = json!(comment);
    }
    record
}

/// `GET groups` and `GET groups/{id}`.
pub(super) fn read(state: &mut State, call: &Call, id: Option<&str>) -> Outcome {
    if let Some(id) = id {
        let id = number(call, id)?;
        let record = state.groups.get(&id).map(|group| record(state, id, group));
        return one(state, call, &shape(), record);
    }
    let groups = state.groups.iter();
    let records = groups.map(|(id, group)| record(state, *id, group)).collect();
    many(state, call, &shape(), records)
}

fn number(call: &Call, id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| {
        call.note("a group is named by its id, which is a number");
        Refusal::bad("2", "invalid value for field \"id\"").at("id")
    })
}

/// A list of `{"name": ...}`.
fn names(call: &Call, field: &'static str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(list) = call.body.get(field) else {
        return Ok(None);
    };
    let name = |entry: &Value| match entry.as_object() {
        Some(fields) if fields.len() == 1 => Some(fields.get("name")?.as_str()?.to_owned()),
        _ => None,
    };
    let list = list.as_array().ok_or_else(|| call.mistyped(field))?;
    let names: Option<Vec<String>> = list.iter().map(name).collect();
    names.map(Some).ok_or_else(|| call.mistyped(field))
}

fn check_users(state: &State, users: &[String], is_patch: bool) -> Result<(), Refusal> {
    if users.is_empty() {
        return Err(Refusal::bad("92405896", "the users field is empty").at("users"));
    }
    let other = is_patch && state.options.other_codes_in_patch;
    for (index, name) in users.iter().enumerate() {
        if users[..index].contains(name) {
            return Err(Refusal::bad("262222", "a user is named twice").at("users"));
        }
        let Some(user) = state.users.get(name) else {
            let code = if other { "92406154" } else { "92405934" };
            return Err(Refusal::bad(code, "a user does not exist").at("users"));
        };
        if user.is_keyless() {
            return Err(Refusal::bad(
                "92406307",
                "a user without keys cannot be in a group",
            ));
        }
    }
    Ok(())
}

fn check_policies(state: &State, policies: &[String], is_patch: bool) -> Result<(), Refusal> {
    // The reference has `*` for all policies.
    let is_there = |name: &String| name == "*" || state.policies.contains_key(name);
    if policies.iter().all(is_there) {
        return Ok(());
    }
    let other = is_patch && state.options.other_codes_in_patch;
    let code = if other { "92405937" } else { "92405933" };
    Err(Refusal::bad(code, "a policy does not exist").at("policies"))
}

/// The name, if the body has one, and if no other group has it.
fn name(state: &State, call: &Call, own: Option<u64>) -> Result<Option<String>, Refusal> {
    let Some(name) = call.text("name")? else {
        return Ok(None);
    };
    check_name(name, 128, ("92405930", "92405931"))?;
    let is_taken = |(id, group): (&u64, &Group)| group.name == name && Some(*id) != own;
    if state.groups.iter().any(is_taken) {
        let status = state.options.taken_status;
        return Err(Refusal::new(status, "92405942", "a group of this name exists").at("name"));
    }
    Ok(Some(name.to_owned()))
}

/// `POST groups`.
pub(super) fn create(state: &mut State, call: &Call) -> Outcome {
    call.allow_query(&["return_records"])?;
    let is_asked = call.flag("return_records")?;
    call.allow_body(&["name", "users", "policies", "comment"])?;
    let name = name(state, call, None)?.ok_or_else(|| call.mistyped("name"))?;
    let users = names(call, "users")?.unwrap_or_default();
    check_users(state, &users, false)?;
    let policies = names(call, "policies")?.ok_or_else(|| call.mistyped("policies"))?;
    check_policies(state, &policies, false)?;
    let group = Group {
        name,
        comment: call.comment()?,
        users,
        policies,
    };
    let id = state.add_group(group.clone());
    let record = record(state, id, &group);
    let location = shape().href(&record);
    Ok(Done::created(
        location,
        is_asked.then(|| json!({"num_records": 1, "records": [record]})),
    ))
}

/// `PATCH groups/{id}`. The lists replace those that are there.
pub(super) fn modify(state: &mut State, call: &Call, id: &str) -> Outcome {
    call.allow_query(&[])?;
    call.allow_body(&["name", "users", "policies", "comment"])?;
    let id = number(call, id)?;
    let Some(mut group) = state.groups.get(&id).cloned() else {
        return Err(Refusal::missing(&state.options));
    };
    if let Some(name) = name(state, call, Some(id))? {
        group.name = name;
    }
    if let Some(users) = names(call, "users")? {
        check_users(state, &users, true)?;
        replace(&mut group.users, users, state.options.patch_adds);
    }
    if let Some(policies) = names(call, "policies")? {
        check_policies(state, &policies, true)?;
        replace(&mut group.policies, policies, state.options.patch_adds);
    }
    if let Some(comment) = call.comment()? {
        group.comment = Some(comment);
    }
    state.groups.insert(id, group);
    Ok(Done::with(json!({})))
}

fn replace(list: &mut Vec<String>, new: Vec<String>, adds: bool) {
    if !adds {
        list.clear();
    }
    for name in new {
        if !list.contains(&name) {
            list.push(name);
        }
    }
}

/// `DELETE groups/{id}`.
pub(super) fn delete(state: &mut State, call: &Call, id: &str) -> Outcome {
    call.allow_query(&[])?;
    let id = number(call, id)?;
    match state.groups.remove(&id) {
        Some(_) => Ok(Done::empty()),
        None => Err(Refusal::missing(&state.options)),
    }
}
