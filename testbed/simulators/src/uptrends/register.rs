//! `/Register`: the older way to an API account, with an operator's own login.

use super::api_user::make;
use super::made::guid_of;
use super::options::RegisterRefusals;
use super::reply::Reply;
use super::state::{Caller, State};
use super::{ACCOUNT_ID, Fault, Tenant};
use crate::server::{self, Incoming};
use axum::http::StatusCode;
use serde_json::json;

/// Makes an account for the caller, or for the operator of the parameter `operatorGuid`.
pub(super) fn answer(tenant: &Tenant, state: &mut State, request: &Incoming, caller: &Caller) -> Reply {
    let statuses = &tenant.options.statuses;
    if state.operators[&caller.operator].sso_only && !tenant.options.register_takes_sso_only {
        let message = "Operators who sign in by single sign-on only cannot register.";
        return Reply::undeclared(&tenant.options, statuses.sso_only, message);
    }
    let fault = state.fault(|fault| match fault {
        Fault::RegisterUnexpectedError { made } => Some(*made),
        _ => None,
    });
    if fault == Some(false) {
        return unexpected(tenant, "An unexpected error occurred.");
    }
    let query = server::query(request);
    let parameter = |name: &str| {
        let mut given = query
            .iter()
            .filter(|(given, value)| given == name && !value.is_empty());
        given.next().map(|(_, value)| value.as_str())
    };
    let operator = match parameter("operatorGuid").map(guid_of) {
        None => caller.operator.clone(),
        Some(Some(guid)) => guid,
        Some(None) => {
            return refuse(
                tenant,
                statuses.malformed_guid,
                "The identifier is not a valid GUID.",
            );
        }
    };
    let description = parameter("description").unwrap_or_default();
    let guid = match make(tenant, state, caller, &operator, description) {
        Ok(guid) => guid,
        Err((status, message)) => return refuse(tenant, status, message),
    };
    state.counters.registered += 1;
    if fault == Some(true) {
        return unexpected(tenant, "An unexpected error occurred.");
    }
    let account = &state.accounts[&guid];
    let answer = json!({
        "UserName": account.user_name,
        "Password": account.password,
        "AccountId": ACCOUNT_ID,
        "OperatorName": state.operators[&operator].full_name,
        "status": "OK",
    });
    Reply::document(StatusCode::CREATED, "RegistrationResponse", answer)
}

fn refuse(tenant: &Tenant, status: StatusCode, message: &str) -> Reply {
    match tenant.options.register_refusals {
        RegisterRefusals::InStatus => Reply::messages(status, message),
        RegisterRefusals::InBody => unexpected(tenant, message),
    }
}

fn unexpected(tenant: &Tenant, message: &str) -> Reply {
    let answer = json!({"status": "UnexpectedError", "message": message});
    let status = tenant.options.statuses.register_unexpected_error;
    Reply::document(status, "RegistrationResponse", answer)
}
