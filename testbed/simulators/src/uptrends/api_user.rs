//! `/ApiUser`: the API accounts of operators.

use super::checks;
use super::options::{DescriptionLimit, NoDate, Options, PlainList, TimeFormat};
use super::reply::Reply;
use super::route::{Route, guid};
use super::state::{ApiUser, Caller, State};
use super::{Fault, LastUse, Tenant};
use crate::server::Incoming;
use axum::http::{Method, StatusCode};
use jiff::{Timestamp, tz};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

/// "Provide only `OperatorGuid` and `Description`" (`ApiUser API`).
const FIELDS: [&str; 2] = ["OperatorGuid", "Description"];

/// Answers a request of this resource.
pub(super) fn answer(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
) -> Reply {
    let reply = match (route, request.method()) {
        (Route::ApiUsers, &Method::POST) => create(tenant, state, request, caller),
        (Route::ApiUsersOf(operator), _) => list_of(tenant, state, caller, operator),
        (Route::ApiUser(account), &Method::PUT) => update(tenant, state, request, caller, account),
        (Route::ApiUser(account), &Method::DELETE) => delete(tenant, state, request, caller, account),
        (Route::ApiUser(account), _) => find(tenant, state, request, caller, account)
            .map(|guid| one(tenant, state, StatusCode::OK, &guid)),
        _ => list(tenant, state, caller),
    };
    reply.unwrap_or_else(|refusal| refusal)
}

fn list(tenant: &Tenant, state: &State, caller: &Caller) -> Result<Reply, Reply> {
    match tenant.options.plain_list {
        PlainList::Refused if !caller.administrator => Err(forbidden()),
        PlainList::Own if !caller.administrator => Ok(those(tenant, state, Some(&caller.operator))),
        _ => Ok(those(tenant, state, None)),
    }
}

fn list_of(tenant: &Tenant, state: &State, caller: &Caller, operator: &str) -> Result<Reply, Reply> {
    // A person may have written this GUID, into a configuration: it is no violation if it is none.
    let operator = guid(tenant, operator)?;
    if !state.operators.contains_key(&operator) && !tenant.options.unknown_operator_lists_nothing {
        return Err(no_operator(StatusCode::NOT_FOUND));
    }
    if !caller.administrator && caller.operator != operator {
        return Err(forbidden());
    }
    Ok(those(tenant, state, Some(&operator)))
}

fn those(tenant: &Tenant, state: &State, operator: Option<&String>) -> Reply {
    let now = tenant.clock.now();
    let is_asked_for = |(_, account): &(&String, &ApiUser)| {
        account.visible_from <= now && operator.is_none_or(|operator| account.operator == *operator)
    };
    let asked_for = state.accounts.iter().filter(is_asked_for);
    let items: Vec<Value> = asked_for
        .map(|(guid, account)| Value::Object(members(&tenant.options, now, guid, account)))
        .collect();
    Reply::document(StatusCode::OK, "ArrayOfApiUser", json!(items))
}

fn one(tenant: &Tenant, state: &State, status: StatusCode, guid: &str) -> Reply {
    let members = members(&tenant.options, tenant.clock.now(), guid, &state.accounts[guid]);
    Reply::document(status, "ApiUser", Value::Object(members))
}

fn create(tenant: &Tenant, state: &mut State, request: &Incoming, caller: &Caller) -> Result<Reply, Reply> {
    let route = Route::ApiUsers;
    let fields = checks::fields(tenant, request, &route, &FIELDS)?;
    let description = checks::text(tenant, request, &route, &fields, "Description")?.unwrap_or_default();
    let Some(operator) = checks::text(tenant, request, &route, &fields, "OperatorGuid")? else {
        tenant.note(request, route.place(), "its body must have OperatorGuid");
        return Err(checks::invalid(tenant, "The OperatorGuid is required."));
    };
    let operator = guid(tenant, &operator)?;
    if description.is_empty() && tenant.options.description_required {
        return Err(checks::invalid(tenant, "The Description is required."));
    }
    let made = make(tenant, state, caller, &operator, &description);
    let made = made.map_err(|(status, message)| Reply::messages(status, message))?;
    state.counters.created += 1;
    let account = &state.accounts[&made];
    let mut answer = members(&tenant.options, tenant.clock.now(), &made, account);
    let password = json!(account.password);
    if state
        .fault(|fault| (*fault == Fault::NoPassword).then_some(()))
        .is_none()
    {
        answer.insert(tenant.options.field_names.password.to_owned(), password);
    }
    let status = tenant.options.statuses.created;
    Ok(Reply::document(status, "ApiUser", Value::Object(answer)))
}

/// Makes an account for an operator and gives its GUID, or why not.
pub(super) fn make(
    tenant: &Tenant,
    state: &mut State,
    caller: &Caller,
    operator: &str,
    description: &str,
) -> Result<String, (StatusCode, &'static str)> {
    let options = &tenant.options;
    if !state.operators.contains_key(operator) {
        return Err((
            options.statuses.unknown_operator,
            "The specified operator was not found.",
        ));
    }
    if !may_manage(tenant, caller, operator) {
        return Err((
            StatusCode::FORBIDDEN,
            "You are not allowed to manage this API user.",
        ));
    }
    let of_it = state
        .accounts
        .values()
        .filter(|account| account.operator == operator);
    if options.account_cap.is_some_and(|cap| of_it.count() >= cap) {
        let message = "The operator has the maximum number of API users.";
        return Err((options.statuses.validation, message));
    }
    let description = described(options, description)?;
    let now = tenant.clock.now();
    let guid = state.add_account(operator, &description, now);
    let account = state.accounts.get_mut(&guid).expect("it was made just now");
    account.works_from = now + options.works_after;
    account.visible_from = now + options.visible_after;
    Ok(guid)
}

/// A description as it is kept. "If this is empty, it will be defaulted to API" (specification, `/Register`).
fn described(options: &Options, description: &str) -> Result<String, (StatusCode, &'static str)> {
    let length = description.chars().count();
    match options.description_limit {
        _ if description.is_empty() => Ok("API".to_owned()),
        DescriptionLimit::Refuse(limit) if length > limit => {
            Err((options.statuses.validation, "The Description is too long."))
        }
        DescriptionLimit::Cut(limit) => Ok(description.chars().take(limit).collect()),
        _ => Ok(description.to_owned()),
    }
}

fn update(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    caller: &Caller,
    account: &str,
) -> Result<Reply, Reply> {
    let account = find(tenant, state, request, caller, account)?;
    let route = Route::ApiUser(account.clone());
    let fields = checks::fields(tenant, request, &route, &FIELDS)?;
    let description = checks::text(tenant, request, &route, &fields, "Description")?.unwrap_or_default();
    let operator = checks::text(tenant, request, &route, &fields, "OperatorGuid")?;
    let is_same = operator.is_some_and(|text| text.eq_ignore_ascii_case(&state.accounts[&account].operator));
    if !is_same {
        let rule = "OperatorGuid must be there and remain unchanged";
        tenant.note(request, route.place(), rule);
        return Err(checks::invalid(tenant, "The OperatorGuid cannot be changed."));
    }
    if !may_manage(tenant, caller, &state.accounts[&account].operator) {
        return Err(forbidden());
    }
    if description.is_empty() && tenant.options.description_required {
        return Err(checks::invalid(tenant, "The Description is required."));
    }
    let described = described(&tenant.options, &description);
    let described = described.map_err(|(status, message)| Reply::messages(status, message))?;
    if let Some(account) = state.accounts.get_mut(&account) {
        account.description = described;
    }
    Ok(one(tenant, state, tenant.options.statuses.updated, &account))
}

fn delete(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    caller: &Caller,
    account: &str,
) -> Result<Reply, Reply> {
    let guid = find(tenant, state, request, caller, account)?;
    if !may_manage(tenant, caller, &state.accounts[&guid].operator) {
        return Err(forbidden());
    }
    if tenant.options.self_delete_refused && caller.account.as_ref() == Some(&guid) {
        let message = "Deleting the current API user is not allowed.";
        return Err(Reply::messages(StatusCode::FORBIDDEN, message));
    }
    let reply = one(tenant, state, tenant.options.statuses.deleted, &guid);
    state.accounts.remove(&guid);
    state.counters.deleted += 1;
    Ok(reply)
}

/// The GUID of an account that the caller may see.
fn find(
    tenant: &Tenant,
    state: &State,
    request: &Incoming,
    caller: &Caller,
    account: &str,
) -> Result<String, Reply> {
    let is_visible = |account: &&ApiUser| account.visible_from <= tenant.clock.now();
    let guid = guid(tenant, account).inspect_err(|_| {
        let rule = "the id comes from the server, which gives nothing but GUIDs";
        tenant.note(request, "/ApiUser/{apiUserGuid}", rule);
    })?;
    let Some(account) = state.accounts.get(&guid).filter(is_visible) else {
        let message = "The specified API user was not found.";
        return Err(Reply::messages(StatusCode::NOT_FOUND, message));
    };
    if !caller.administrator && account.operator != caller.operator {
        return Err(forbidden());
    }
    Ok(guid)
}

fn may_manage(tenant: &Tenant, caller: &Caller, operator: &str) -> bool {
    caller.administrator || (caller.operator == operator && tenant.options.plain_operators_manage_own)
}

fn forbidden() -> Reply {
    Reply::messages(
        StatusCode::FORBIDDEN,
        "You are not allowed to manage this API user.",
    )
}

/// The answer to an operator that is not there.
pub(super) fn no_operator(status: StatusCode) -> Reply {
    Reply::messages(status, "The specified operator was not found.")
}

/// What an answer says of an account. The password is not there: it is told once.
fn members(options: &Options, now: SystemTime, guid: &str, account: &ApiUser) -> Map<String, Value> {
    let names = &options.field_names;
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add(names.api_user_guid, json!(guid));
    add("OperatorGuid", json!(account.operator));
    add(names.user_name, json!(account.user_name));
    add("Description", json!(account.description));
    add(names.access_type, json!(account.access_type.name()));
    if options.created_date_shown {
        add(names.created_date, json!(time(options, account.created)));
    }
    let no_date = |no_date| match no_date {
        NoDate::Null => Some(Value::Null),
        NoDate::Absent => None,
        NoDate::Text(text) => Some(json!(text)),
    };
    let last_used = match account.last_use(options, now) {
        LastUse::Unknown => no_date(options.unknown_use),
        LastUse::Never => no_date(options.never_used),
        LastUse::At(at) => Some(json!(time(options, at))),
    };
    if let Some(last_used) = last_used {
        add(names.last_used_date, last_used);
    }
    add(names.request_count, json!(account.recent_uses(options, now)));
    members
}

fn time(options: &Options, at: SystemTime) -> String {
    let at = Timestamp::try_from(at).expect("a time of our days");
    let (zone, format) = match options.times {
        TimeFormat::Utc => (tz::TimeZone::UTC, "%Y-%m-%dT%H:%M:%SZ"),
        TimeFormat::Offset => (tz::TimeZone::fixed(tz::offset(2)), "%Y-%m-%dT%H:%M:%S%:z"),
        TimeFormat::Bare => (tz::TimeZone::UTC, "%Y-%m-%dT%H:%M:%S"),
    };
    at.to_zoned(zone).strftime(format).to_string()
}
