//! Policies (REST reference, "post-protocols-s3-services-policies"). The meaning of the codes 92405863, 92405906,
//! 92405948 to 92405950 and 92405954 is inferred from their order.

use super::api::{DATA_SVM, check_name, collection};
use super::call::{Call, Done, Outcome, Refusal};
use super::records::{Shape, encode, many, one};
use super::state::{Group, Policy, State, Statement};
use serde_json::{Map, Value, json};

/// Actions that the reference and the command manual name.
const ACTIONS: [&str; 21] = [
    "*",
    "GetObject",
    "PutObject",
    "DeleteObject",
    "ListBucket",
    "ListMyBuckets",
    "ListAllMyBuckets",
    "ListBucketMultipartUploads",
    "ListMultipartUploadParts",
    "CreateBucket",
    "DeleteBucket",
    "GetBucketAcl",
    "GetObjectAcl",
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "ListBucketVersions",
    "GetBucketLocation",
    "GetBucketPolicy",
];

fn shape() -> Shape {
    Shape {
        path: collection("policies"),
        key: "name",
        fields: vec![
            "name",
            "comment",
            "read-only",
            "statements",
            "statements.effect",
            "statements.actions",
            "statements.resources",
            "statements.sid",
            "statements.index",
            "svm",
            "svm.name",
            "svm.uuid",
        ],
        default: &["name", "svm"],
        filters: vec![
            "name",
            "comment",
            "read-only",
            "svm.name",
            "statements.effect",
            "statements.actions",
            "statements.resources",
            "statements.sid",
            "statements.index",
        ],
    }
}

fn record(state: &State, name: &str, policy: &Policy) -> Value {
    let statements = policy.statements.iter().enumerate().map(|(index, statement)| {
        let mut record = json!({
            "index": index,
            "effect": if statement.denies { "deny" } else { "allow" },
            "actions": statement.actions,
            "resources": statement.resources,
        });
        if let Some(sid) = &statement.sid {
            record["sid"] = json!(sid);
        }
        record
    });
    let mut record = json!({
        "name": name,
        "read-only": policy.is_read_only,
        "statements": statements.collect::<Vec<_>>(),
        "svm": {"name": state.options.svm, "uuid": DATA_SVM},
    });
    if let Some(comment) = &policy.comment {
        record["comment"] = json!(comment);
    }
    record
}

/// `GET policies` and `GET policies/{name}`.
pub(super) fn read(state: &mut State, call: &Call, name: Option<&str>) -> Outcome {
    if let Some(name) = name {
        let record = state.policies.get(name).map(|policy| record(state, name, policy));
        return one(state, call, &shape(), record);
    }
    let policies = state.policies.iter();
    let records = policies
        .map(|(name, policy)| record(state, name, policy))
        .collect();
    many(state, call, &shape(), records)
}

fn statements(call: &Call) -> Result<Option<Vec<Statement>>, Refusal> {
    let Some(list) = call.body.get("statements") else {
        return Ok(None);
    };
    let list = list.as_array().ok_or_else(|| call.mistyped("statements"))?;
    let statements: Result<Vec<_>, _> = list.iter().map(|entry| statement(call, entry)).collect();
    statements.map(Some)
}

fn statement(call: &Call, entry: &Value) -> Result<Statement, Refusal> {
    let wrong = || call.mistyped("statements");
    let fields = entry.as_object().ok_or_else(wrong)?;
    // The sample of a PATCH sends `index`.
    let known = ["effect", "actions", "resources", "sid", "index"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        call.note(format!("a statement has no field {name}"));
        call.unknown(name)?;
    }
    let denies = match fields.get("effect").and_then(Value::as_str) {
        Some("deny") => true,
        Some("allow") => false,
        _ => return Err(wrong()),
    };
    let actions = texts(fields, "actions").ok_or_else(wrong)?;
    let resources = texts(fields, "resources").ok_or_else(wrong)?;
    if actions.iter().any(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(Refusal::bad("92405906", "the specified action name is invalid"));
    }
    let is_valid = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-/*${}:".contains(char);
    if resources.iter().any(|resource| !resource.chars().all(is_valid)) {
        return Err(Refusal::bad(
            "92405863",
            "a resource is *, bucket or bucket/object",
        ));
    }
    let sid = fields.get("sid").and_then(Value::as_str).map(str::to_owned);
    if sid.as_ref().is_some_and(|sid| sid.len() > 256) {
        return Err(Refusal::bad("92405954", "a sid has at most 256 characters"));
    }
    Ok(Statement {
        denies,
        actions,
        resources,
        sid,
    })
}

/// A list of texts that is not empty.
fn texts(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let list = fields.get(name)?.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
}

/// `POST policies`.
pub(super) fn create(state: &mut State, call: &Call) -> Outcome {
    call.allow_query(&["return_records"])?;
    let is_asked = call.flag("return_records")?;
    call.allow_body(&["name", "comment", "statements"])?;
    let Some(name) = call.text("name")?.map(str::to_owned) else {
        return Err(call.mistyped("name"));
    };
    check_name(&name, 128, ("92405948", "92405949"))?;
    if state.policies.contains_key(&name) {
        let status = state.options.taken_status;
        return Err(Refusal::new(status, "92405950", "a policy of this name exists").at("name"));
    }
    let policy = Policy {
        comment: call.comment()?,
        is_read_only: false,
        statements: statements(call)?.unwrap_or_default(),
    };
    state.policies.insert(name.clone(), policy.clone());
    let record = record(state, &name, &policy);
    let location = format!("{}/{}", collection("policies"), encode(&name));
    Ok(Done::created(
        location,
        is_asked.then(|| json!({"num_records": 1, "records": [record]})),
    ))
}

fn writable(state: &State, name: &str) -> Result<Policy, Refusal> {
    match state.policies.get(name) {
        None => Err(Refusal::missing(&state.options)),
        Some(policy) if policy.is_read_only => Err(Refusal::bad("3", "the policy is read-only")),
        Some(policy) => Ok(policy.clone()),
    }
}

/// `PATCH policies/{name}`.
pub(super) fn modify(state: &mut State, call: &Call, name: &str) -> Outcome {
    call.allow_query(&[])?;
    call.allow_body(&["comment", "statements"])?;
    let mut policy = writable(state, name)?;
    if let Some(comment) = call.comment()? {
        policy.comment = Some(comment);
    }
    if let Some(statements) = statements(call)? {
        policy.statements = statements;
    }
    state.policies.insert(name.to_owned(), policy);
    Ok(Done::with(json!({})))
}

/// `DELETE policies/{name}`.
pub(super) fn delete(state: &mut State, call: &Call, name: &str) -> Outcome {
    call.allow_query(&[])?;
    writable(state, name)?;
    let uses = |group: &Group| group.policies.iter().any(|policy| policy == name);
    if state.options.used_policy_is_kept && state.groups.values().any(uses) {
        return Err(Refusal::bad("3", "the policy is attached to a group"));
    }
    state.policies.remove(name);
    for group in state.groups.values_mut() {
        group.policies.retain(|policy| policy != name);
    }
    Ok(Done::empty())
}
