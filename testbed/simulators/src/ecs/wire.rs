//! Bodies: XML by default, JSON where the request asks for it; errors; times.

use super::options::{Options, Refusal, Times};
use crate::server::{Answer, empty, reply};
use crate::signature::hex;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use quick_xml::{Reader, escape::escape, events::Event};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::SystemTime;

/// Format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// A success: nothing, or a body with the name of its XML root.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Empty,
    Of(&'static str, Value),
}

/// An error and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) refusal: Refusal,
    pub(super) details: String,
}

impl Problem {
    pub(super) fn new(refusal: Refusal, details: impl Into<String>) -> Self {
        let details = details.into();
        Self { refusal, details }
    }
}

pub(super) type Outcome = Result<Reply, Problem>;

pub(super) fn answer(outcome: Outcome, format: Format) -> Answer {
    match outcome {
        Ok(Reply::Empty) => empty(StatusCode::OK),
        Ok(Reply::Of(root, body)) => write(StatusCode::OK, format, root, &body),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.refusal.status).unwrap();
            let code = problem.refusal.code;
            let body = json!({
                "code": code,
                "description": meaning(code),
                "details": problem.details,
                "retryable": code == 6000,
            });
            write(status, format, "error", &body)
        }
    }
}

/// The meanings of the codes, in other words than `ServiceCode.java` of `CoprHD` has for them.
fn meaning(code: u32) -> &'static str {
    match code {
        1003 => "Media type missing or not supported",
        1004 => "Cannot find what a parameter names",
        1005 => "A required parameter is missing or empty",
        1007 => "Method not supported",
        1008 => "Invalid parameter",
        1013 => "Bad request body",
        1014 => "Parameter out of range",
        1015 => "Resource exists already",
        1020 => "Resource is referenced",
        1031 => "Over a limit",
        2000 => "Cannot find the entity in the URL",
        3000 => "Forbidden with these credentials",
        4000 => "Invalid credentials or token",
        6000 => "Service unavailable, try again later",
        7000 => "An error occurred in the API service",
        _ => "Error",
    }
}

fn write(status: StatusCode, format: Format, root: &str, body: &Value) -> Answer {
    match format {
        Format::Json => reply(status, "application/json", body.to_string()),
        Format::Xml => {
            let mut text = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#.to_owned();
            element(&mut text, root, body);
            reply(status, "application/xml", text)
        }
    }
}

fn element(text: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| element(text, name, item)),
        Value::Object(link) if name == "link" => {
            let part = |key: &str| escape(link[key].as_str().unwrap_or_default()).into_owned();
            let _ = write!(text, r#"<link rel="{}" href="{}"/>"#, part("rel"), part("href"));
        }
        Value::Object(fields) => {
            let _ = write!(text, "<{name}>");
            fields.iter().for_each(|(key, field)| element(text, key, field));
            let _ = write!(text, "</{name}>");
        }
        Value::String(string) => {
            let _ = write!(text, "<{name}>{}</{name}>", escape(string));
        }
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(text, "<{name}>{value}</{name}>");
        }
    }
}

/// An XML body as JSON: every field a string, `null="true"` a null, `tags` an array. `None` where it is none.
pub(super) fn parse_xml(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, Map<String, Value>, String)> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => open.push((
                start.local_name().into_inner().to_owned(),
                Map::new(),
                String::new(),
            )),
            Event::Empty(start) => {
                let is_null = start.try_get_attribute("null").ok()?.is_some();
                let value = if is_null { Value::Null } else { json!("") };
                let name = start.local_name().into_inner().to_owned();
                match open.last_mut() {
                    Some((_, fields, _)) => put(fields, name, value),
                    None => return Some(json!({})),
                }
            }
            Event::Text(part) => {
                if let Some((_, _, text)) = open.last_mut() {
                    text.push_str(&part);
                }
            }
            Event::GeneralRef(part) => {
                let entity = format!("&{};", part.into_inner());
                let resolved = quick_xml::escape::unescape(&entity).ok()?.into_owned();
                open.last_mut()?.2.push_str(&resolved);
            }
            Event::End(_) => {
                let (name, fields, text) = open.pop()?;
                let is_root = open.is_empty();
                let value = if fields.is_empty() && !is_root {
                    json!(text.trim())
                } else {
                    Value::Object(fields)
                };
                match open.last_mut() {
                    Some((_, fields, _)) => put(fields, name, value),
                    None => return Some(value),
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Tags come as `<tags><tag>…</tag></tags>` or as `<tags>…</tags>` for each.
fn put(fields: &mut Map<String, Value>, name: String, value: Value) {
    if name != "tags" && name != "tag" {
        fields.insert(name, value);
        return;
    }
    let items = match value {
        Value::Object(mut inner) if inner.contains_key("tags") => inner.remove("tags").unwrap_or_default(),
        // An empty element has none.
        Value::String(_) | Value::Null => json!([]),
        one => json!([one]),
    };
    let all = fields.entry("tags").or_insert_with(|| json!([]));
    if let (Value::Array(all), Value::Array(mut items)) = (all, items) {
        all.append(&mut items);
    }
}

/// SHA-256 in hexadecimal digits: the id of a secret.
pub(super) fn sha256(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// Creation time of a user.
pub(super) fn user_time(options: &Options, time: SystemTime) -> String {
    let format = match options.times {
        Times::AsSampled => "%a %b %d %H:%M:%S UTC %Y",
        Times::AsDocumented => "%Y-%m-%dT%H:%MZ",
    };
    Timestamp::try_from(time).unwrap().strftime(format).to_string()
}

/// Creation or expiry time of a secret; a form without zone is in the zone of the options.
pub(super) fn key_time(options: &Options, time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap();
    match options.times {
        Times::AsSampled => {
            let there = time + SignedDuration::from_hours(options.hours_ahead.into());
            there.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
        }
        Times::AsDocumented => time.strftime("%Y-%m-%dT%H:%MZ").to_string(),
    }
}
