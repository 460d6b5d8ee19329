//! Requests of the API, as pure values.
//!
//! Source: Uptrends knowledge base, "`ApiUser` API" (paths, and what may be sent). No document gives the names of members
//! or the status codes, so nothing is sent but the two members that it names. No request holds a password.

use crate::backend::{BackendKind, call::Call, http::Query};
use crate::domain::ids::UserName;
use http::Method;
use serde_json::json;

/// The older way to an account, in logs and errors.
pub(super) const REGISTER: &str = "Register";

fn call(operation: &'static str, method: Method, path: &str, subject: String) -> Call {
    Call::new(
        BackendKind::Uptrends,
        operation,
        method,
        format!("/v4{path}"),
        subject,
    )
}

fn subject(name: &UserName) -> String {
    format!("user {name}")
}

/// The API accounts of one operator, or of all. What it is about is named by the caller: `user gk-a`.
///
/// Surprise: no paging is documented, so the list is taken for whole.
pub(super) fn list(operator: Option<&str>, subject: &str) -> Call {
    let (operation, path) = match operator {
        Some(guid) => ("ListOperatorAccounts", format!("/ApiUser/Operator/{guid}")),
        None => ("ListAccounts", "/ApiUser".to_owned()),
    };
    call(operation, Method::GET, &path, subject.to_owned())
}

/// The same on behalf of a user.
pub(super) fn list_for(operator: Option<&str>, name: &UserName) -> Call {
    list(operator, &subject(name))
}

/// One account.
pub(super) fn get(guid: &str, name: &UserName) -> Call {
    call(
        "GetAccount",
        Method::GET,
        &format!("/ApiUser/{guid}"),
        subject(name),
    )
}

/// A new account. The answer alone holds its password. Surprise: never a conflict, however alike two accounts are.
pub(super) fn create(operator: &str, description: &str, name: &UserName) -> Call {
    let body = json!({ "OperatorGuid": operator, "Description": description });
    call("IssueKey", Method::POST, "/ApiUser", subject(name)).json(&body)
}

/// A new account by the older way, which takes an operator's own login. The answer alone holds its password, and tells neither its
/// GUID nor its description.
///
/// Source: `OpenAPI` file of 2022, `/Register`. Surprise: a failure may be a 2xx with another `status` than `OK` within.
pub(super) fn register(operator: &str, description: &str, name: &UserName) -> Call {
    let query = Query::new()
        .pair("description", description)
        .pair("operatorGuid", operator);
    let path = format!("/Register?{}", query.as_str());
    call(REGISTER, Method::POST, &path, subject(name))
}

/// Describes an account anew. Surprise: the operator must be sent, and must be the one that it has.
pub(super) fn describe(guid: &str, operator: &str, description: &str, name: &UserName) -> Call {
    let body = json!({ "OperatorGuid": operator, "Description": description });
    call(
        "SetLabel",
        Method::PUT,
        &format!("/ApiUser/{guid}"),
        subject(name),
    )
    .json(&body)
}

/// Deletes an account, at once. `operation`: what for.
pub(super) fn delete(operation: &'static str, guid: &str, name: &UserName) -> Call {
    call(
        operation,
        Method::DELETE,
        &format!("/ApiUser/{guid}"),
        subject(name),
    )
}

/// The operators: what any account may ask for, if only to be told that it may not.
pub(super) fn operators(account: &str) -> Call {
    call(
        "ProveKey",
        Method::GET,
        "/Operator",
        format!("API account {account}"),
    )
}

/// No request: what an error is about that is found before any.
pub(super) fn none(operation: &'static str, name: &UserName) -> Call {
    call(operation, Method::GET, "", subject(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATOR: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const GUID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[test]
    fn each_call_has_exactly_this_method_target_and_body() {
        let name = UserName::new("gk-a");
        let body = r#" {"Description":"L \"x\"","OperatorGuid":"0f8fad5b-d9cb-469f-a165-70867728950e"}"#;
        for (call, want, body) in [
            (list(None, "x"), "GET /v4/ApiUser", ""),
            (
                list_for(Some(OPERATOR), &name),
                "GET /v4/ApiUser/Operator/0f8fad5b-d9cb-469f-a165-70867728950e",
                "",
            ),
            (
                get(GUID, &name),
                "GET /v4/ApiUser/7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "",
            ),
            (create(OPERATOR, "L \"x\"", &name), "POST /v4/ApiUser", body),
            (
                register(OPERATOR, "L \"x\"", &name),
                "POST /v4/Register?description=L%20%22x%22&operatorGuid=0f8fad5b-d9cb-469f-a165-70867728950e",
                "",
            ),
            (
                describe(GUID, OPERATOR, "L \"x\"", &name),
                "PUT /v4/ApiUser/7c9e6679-7425-40de-944b-e07fc1f90ae7",
                body,
            ),
            (
                delete("RevokeKey", GUID, &name),
                "DELETE /v4/ApiUser/7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "",
            ),
            (operators("a1"), "GET /v4/Operator", ""),
        ] {
            let sent = call
                .body
                .as_ref()
                .map(|(_, bytes)| format!(" {}", String::from_utf8_lossy(bytes)));
            assert_eq!(
                format!("{} {}{}", call.method, call.target, sent.unwrap_or_default()),
                format!("{want}{body}")
            );
        }
    }
}
