//! What a request must look like, wherever it goes.

use super::Tenant;
use super::options::Format;
use super::reply::Reply;
use super::route::Route;
use super::state::State;
use crate::server::{self, Incoming, header};
use axum::http::{Method, StatusCode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Tenant {
    /// Notes that this request breaks this rule.
    pub(super) fn note(&self, request: &Incoming, place: &str, rule: &str) {
        self.violations
            .note(format!("{} {place}: {rule}", request.method()));
    }
}

/// What the answer is to be written in.
pub(super) fn format(tenant: &Tenant, request: &Incoming) -> Format {
    let accept = header(request, "accept").unwrap_or_default();
    match (accept.find("application/json"), accept.find("application/xml")) {
        (Some(json), Some(xml)) if xml < json => Format::Xml,
        (Some(_), _) => Format::Json,
        (None, Some(_)) => Format::Xml,
        (None, None) => tenant.options.format_without_accept,
    }
}

/// Notes a secret in the URL, whatever else is there. A secret stays out of the note.
pub(super) fn secrets(tenant: &Tenant, state: &State, request: &Incoming) {
    let path = server::path(request).join("/");
    let query = server::query(request);
    let mut in_query = query.iter().flat_map(|(name, value)| [name, value]);
    let in_query = in_query.any(|text| state.redact(text).1);
    let (path, in_path) = state.redact(&path);
    if in_path || in_query {
        tenant.note(request, &format!("/{path}"), "a secret has no place in a URL");
    }
}

/// Notes what is wrong with headers, parameters and body. An answer where it is refused for that.
pub(super) fn form(tenant: &Tenant, state: &State, request: &Incoming, route: &Route) -> Option<Reply> {
    let place = route.place();
    let is_json = |value: &str| value.contains("application/json");
    if !header(request, "accept").is_some_and(is_json) {
        let rule = "answers exist in JSON and XML, so Accept must say application/json";
        tenant.note(request, place, rule);
    }
    let mut seen = BTreeSet::new();
    for (name, _) in server::query(request) {
        if !route.parameters().contains(&name.as_str()) {
            let (name, _) = state.redact(&name);
            tenant.note(request, place, &format!("there is no parameter {name:?}"));
        } else if !seen.insert(name.clone()) {
            tenant.note(request, place, &format!("the parameter {name:?} is there twice"));
        }
    }
    if route.takes_body(request.method()) {
        return media_type(tenant, request, place);
    }
    if !request.body().is_empty() {
        tenant.note(request, place, "it takes no body");
    }
    None
}

fn media_type(tenant: &Tenant, request: &Incoming, place: &str) -> Option<Reply> {
    let content_type = header(request, "content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return None;
    }
    tenant.note(
        request,
        place,
        "the Content-Type of its body must be application/json",
    );
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let message = "The media type of the request is not supported.";
    Some(Reply::undeclared(&tenant.options, status, message))
}

/// The fields of a JSON object that may have these, by the names as they are documented.
pub(super) fn fields(
    tenant: &Tenant,
    request: &Incoming,
    route: &Route,
    allowed: &[&'static str],
) -> Result<BTreeMap<&'static str, Value>, Reply> {
    let place = route.place();
    let Ok(Value::Object(object)) = serde_json::from_slice(request.body()) else {
        tenant.note(request, place, "its body must be a JSON object");
        return Err(Reply::messages(
            StatusCode::BAD_REQUEST,
            "The request body is not valid.",
        ));
    };
    let mut fields = BTreeMap::new();
    for (name, value) in object {
        let Some(known) = allowed.iter().find(|allowed| allowed.eq_ignore_ascii_case(&name)) else {
            tenant.note(request, place, &format!("it does not take the field {name:?}"));
            if tenant.options.extra_fields_refused {
                return Err(invalid(tenant, &format!("The field {name} cannot be set.")));
            }
            continue;
        };
        if *known != name {
            tenant.note(
                request,
                place,
                &format!("the field {known:?} is written {name:?}"),
            );
        }
        fields.insert(*known, value);
    }
    Ok(fields)
}

/// A field that is text, or not there.
pub(super) fn text(
    tenant: &Tenant,
    request: &Incoming,
    route: &Route,
    fields: &BTreeMap<&'static str, Value>,
    name: &'static str,
) -> Result<Option<String>, Reply> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => {
            tenant.note(
                request,
                route.place(),
                &format!("the field {name:?} must be text"),
            );
            Err(Reply::messages(
                StatusCode::BAD_REQUEST,
                "The request body is not valid.",
            ))
        }
    }
}

/// The answer to something that is not valid.
pub(super) fn invalid(tenant: &Tenant, message: &str) -> Reply {
    Reply::messages(tenant.options.statuses.validation, message)
}

/// Whether a method writes.
pub(super) fn writes(method: &Method) -> bool {
    matches!(
        *method,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    )
}
