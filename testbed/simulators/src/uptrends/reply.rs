//! What an answer looks like: status, messages, JSON or XML.

use super::options::{Format, Options, UndeclaredBodies};
use crate::server::{self, Answer};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use quick_xml::escape::escape;
use serde_json::{Value, json};

/// An answer before it is written as JSON or XML.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    body: Body,
    headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
enum Body {
    Nothing,
    /// A document and the name of its type.
    Document(&'static str, Value),
    Html,
}

impl Reply {
    /// A document, unless the status has no content.
    pub(super) fn document(status: StatusCode, name: &'static str, value: Value) -> Self {
        let body = if status == StatusCode::NO_CONTENT {
            Body::Nothing
        } else {
            Body::Document(name, value)
        };
        Self::new(status, body)
    }

    /// No document.
    pub(super) fn nothing(status: StatusCode) -> Self {
        Self::new(status, Body::Nothing)
    }

    /// An error that the specification declares: `MessageList`.
    pub(super) fn messages(status: StatusCode, message: &str) -> Self {
        let list = json!({"Messages": [{"Message": message}]});
        Self::new(status, Body::Document("MessageList", list))
    }

    /// An error that it does not declare.
    pub(super) fn undeclared(options: &Options, status: StatusCode, message: &str) -> Self {
        match options.undeclared_bodies {
            UndeclaredBodies::Messages => Self::messages(status, message),
            UndeclaredBodies::Empty => Self::nothing(status),
            UndeclaredBodies::Html => Self::new(status, Body::Html),
        }
    }

    fn new(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer in this format.
    pub(super) fn render(self, format: Format) -> Answer {
        let mut answer = match (self.body, format) {
            (Body::Nothing, _) => server::empty(self.status),
            (Body::Html, _) => {
                let page = format!("<html><body><h1>{}</h1></body></html>", self.status);
                server::reply(self.status, "text/html", page)
            }
            (Body::Document(_, value), Format::Json) => {
                server::reply(self.status, "application/json; charset=utf-8", value.to_string())
            }
            (Body::Document(name, value), Format::Xml) => server::reply(
                self.status,
                "application/xml; charset=utf-8",
                element(name, &value),
            ),
        };
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).unwrap();
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
        answer
    }
}

fn element(name: &str, value: &Value) -> String {
    let content = match value {
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(|item| element("Item", item)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| element(name, value)).collect(),
        Value::String(text) => escape(text.as_str()).into_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}
