//! `/Operator`: who has API accounts.

use super::api_user::no_operator;
use super::checks;
use super::made::fingerprint;
use super::reply::Reply;
use super::route::{Route, guid};
use super::state::{Caller, Operator, State};
use super::{NewOperator, Tenant};
use crate::server::Incoming;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What an operator can be made of (specification, `Operator`; the last from the models of the Terraform provider).
const FIELDS: [&str; 25] = [
    "OperatorGuid",
    "Hash",
    "Password",
    "FullName",
    "Email",
    "MobilePhone",
    "OutgoingPhoneNumberId",
    "OutgoingPhoneNumberIdSpecified",
    "IsAccountAdministrator",
    "BackupEmail",
    "IsOnDuty",
    "CultureName",
    "CultureNameSpecified",
    "TimeZoneId",
    "TimeZoneIdSpecified",
    "SmsProvider",
    "UseNumericSender",
    "UseNumericSenderSpecified",
    "AllowNativeLogin",
    "AllowNativeLoginSpecified",
    "AllowSingleSignon",
    "AllowSingleSignonSpecified",
    "DefaultDashboard",
    "SetupMode",
    "OperatorRole",
];

/// Answers a request of this resource.
pub(super) fn answer(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
) -> Reply {
    let reply = match (route, request.method()) {
        (Route::Operator(operator), method) => find(tenant, state, operator).and_then(|guid| match *method {
            Method::GET => {
                let operator = members(&guid, &state.operators[&guid]);
                Ok(Reply::document(StatusCode::OK, "Operator", operator))
            }
            Method::DELETE => delete(tenant, state, request, route, caller, &guid),
            _ => update(tenant, state, request, route, caller, &guid),
        }),
        (_, &Method::POST) => create(tenant, state, request, route, caller),
        _ => {
            let all = state
                .operators
                .iter()
                .map(|(guid, operator)| members(guid, operator));
            let all: Vec<Value> = all.collect();
            Ok(Reply::document(StatusCode::OK, "ArrayOfOperator", json!(all)))
        }
    };
    reply.unwrap_or_else(|refusal| refusal)
}

fn find(tenant: &Tenant, state: &State, operator: &str) -> Result<String, Reply> {
    let guid = guid(tenant, operator)?;
    if state.operators.contains_key(&guid) {
        Ok(guid)
    } else {
        Err(no_operator(StatusCode::NOT_FOUND))
    }
}

/// Deletes an operator and with it all of its API accounts. Operators are read here for their GUIDs and nothing else,
/// and a person stands behind each: it is a violation.
fn delete(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
    guid: &str,
) -> Result<Reply, Reply> {
    let rule = "an operator is a person's login, and takes all of its API accounts with it";
    tenant.note(request, route.place(), rule);
    administrators_only(caller)?;
    if caller.operator == guid {
        let message = "Deleting the current operator is not allowed.";
        return Err(Reply::messages(StatusCode::FORBIDDEN, message));
    }
    state.operators.remove(guid);
    state.accounts.retain(|_, account| account.operator != guid);
    Ok(Reply::nothing(StatusCode::NO_CONTENT))
}

fn create(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
) -> Result<Reply, Reply> {
    let fields = checks::fields(tenant, request, route, &FIELDS)?;
    administrators_only(caller)?;
    let text = |name| checks::text(tenant, request, route, &fields, name);
    let (Some(full_name), Some(email)) = (text("FullName")?, text("Email")?) else {
        return Err(checks::invalid(tenant, "FullName and Email are required."));
    };
    let password = text("Password")?;
    let sso_only = flag(&fields, "AllowNativeLogin") == Some(false);
    if password.is_none() && !sso_only {
        return Err(checks::invalid(tenant, "The Password is required."));
    }
    let rest = Rest::of(tenant, request, route, &fields)?;
    unused(tenant, state, &email, None)?;
    let guid = state.add_operator(NewOperator {
        full_name,
        email,
        administrator: false,
        sso_only,
    });
    let operator = state.operators.get_mut(&guid).expect("it was made just now");
    set(&mut operator.password, password);
    rest.set(operator);
    let answer = members(&guid, operator);
    Ok(Reply::document(StatusCode::CREATED, "Operator", answer))
}

/// PUT and PATCH alike: what is given is set.
fn update(
    tenant: &Tenant,
    state: &mut State,
    request: &Incoming,
    route: &Route,
    caller: &Caller,
    guid: &str,
) -> Result<Reply, Reply> {
    let fields = checks::fields(tenant, request, route, &FIELDS)?;
    administrators_only(caller)?;
    let text = |name| checks::text(tenant, request, route, &fields, name);
    let (full_name, email, password) = (text("FullName")?, text("Email")?, text("Password")?);
    let rest = Rest::of(tenant, request, route, &fields)?;
    if let Some(email) = &email {
        unused(tenant, state, email, Some(guid))?;
    }
    let Some(operator) = state.operators.get_mut(guid) else {
        return Err(no_operator(StatusCode::NOT_FOUND));
    };
    set(&mut operator.full_name, full_name);
    set(&mut operator.email, email);
    set(&mut operator.password, password);
    if let Some(native) = flag(&fields, "AllowNativeLogin") {
        operator.sso_only = !native;
    }
    rest.set(operator);
    operator.revision += 1;
    Ok(Reply::nothing(StatusCode::NO_CONTENT))
}

/// Fields that nothing depends on.
struct Rest {
    mobile_phone: Option<String>,
    backup_email: Option<String>,
    on_duty: Option<bool>,
}

impl Rest {
    fn of(
        tenant: &Tenant,
        request: &Incoming,
        route: &Route,
        fields: &BTreeMap<&'static str, Value>,
    ) -> Result<Self, Reply> {
        Ok(Self {
            mobile_phone: checks::text(tenant, request, route, fields, "MobilePhone")?,
            backup_email: checks::text(tenant, request, route, fields, "BackupEmail")?,
            on_duty: flag(fields, "IsOnDuty"),
        })
    }

    fn set(self, operator: &mut Operator) {
        set(&mut operator.mobile_phone, self.mobile_phone);
        set(&mut operator.backup_email, self.backup_email);
        set(&mut operator.on_duty, self.on_duty);
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn flag(fields: &BTreeMap<&'static str, Value>, name: &str) -> Option<bool> {
    fields.get(name)?.as_bool()
}

fn unused(tenant: &Tenant, state: &State, email: &str, by: Option<&str>) -> Result<(), Reply> {
    let mut others = state
        .operators
        .iter()
        .filter(|(guid, _)| Some(guid.as_str()) != by);
    if others.any(|(_, operator)| operator.email.eq_ignore_ascii_case(email)) {
        return Err(checks::invalid(tenant, "The Email is already in use."));
    }
    Ok(())
}

fn administrators_only(caller: &Caller) -> Result<(), Reply> {
    if caller.administrator {
        return Ok(());
    }
    let message = "You are not allowed to manage operators.";
    Err(Reply::messages(StatusCode::FORBIDDEN, message))
}

/// What an answer says of an operator. The password is never there.
fn members(guid: &str, operator: &Operator) -> Value {
    json!({
        "OperatorGuid": guid,
        "Hash": fingerprint(&format!("{guid} {}", operator.revision)),
        "FullName": operator.full_name,
        "Email": operator.email,
        "MobilePhone": operator.mobile_phone,
        "IsAccountAdministrator": operator.administrator,
        "BackupEmail": operator.backup_email,
        "IsOnDuty": operator.on_duty,
        "AllowNativeLogin": !operator.sso_only,
        "AllowSingleSignon": operator.sso_only,
    })
}
