//! One request to the admin API, read strictly, and what comes of it.

use super::options::{Options, Unknown};
use crate::server::{Answer, Incoming, Violations, header, path, query};
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// An error of the product (REST reference, "Interpret an ONTAP REST response").
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) target: Option<&'static str>,
    /// Records that come with the error.
    pub(super) records: Option<Value>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            target: None,
            records: None,
        }
    }

    /// With 400, the status of all codes for which none is documented.
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn at(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }

    pub(super) fn missing(options: &Options) -> Self {
        Self {
            target: options.missing_target,
            ..Self::new(options.missing_status, "4", "entry doesn't exist")
        }
    }
}

/// What a request that is carried out is answered with.
pub(super) struct Done {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) body: Option<Value>,
}

impl Done {
    pub(super) fn with(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            location: None,
            body: Some(body),
        }
    }

    /// Made, at this path, with this record if it is to be shown.
    pub(super) fn created(location: String, body: Option<Value>) -> Self {
        Self {
            status: StatusCode::CREATED,
            location: Some(location),
            body,
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            status: StatusCode::OK,
            location: None,
            body: None,
        }
    }
}

pub(super) type Outcome = Result<Done, Refusal>;

/// A request.
pub(super) struct Call {
    pub(super) method: Method,
    /// Segments, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Map<String, Value>,
    /// Whether answers are to carry links, other than the one to the next page.
    pub(super) has_links: bool,
    unknown: Unknown,
    violations: Violations,
}

impl Call {
    /// Reads it, but for its body, and notes what is wrong with its form.
    pub(super) fn read(request: &Incoming, options: &Options, violations: &Violations) -> Self {
        let accept = header(request, "accept").unwrap_or("*/*");
        let call = Self {
            method: request.method().clone(),
            path: path(request),
            query: query(request),
            body: Map::new(),
            has_links: accept.contains("application/hal+json") || !accept.contains("application/json"),
            unknown: options.unknown,
            violations: violations.clone(),
        };
        if !accept.contains("json") && !accept.contains("*/*") && !accept.contains("application/*") {
            call.note("Accept names nothing that the API answers with; it is to be application/hal+json");
        }
        if request.uri().path().contains(['+', '=', ',', '@']) {
            call.note("the characters + = , @ of a name are to be percent-encoded in the path");
        }
        call.check_query();
        call
    }

    fn check_query(&self) {
        for (index, (name, _)) in self.query.iter().enumerate() {
            if self.query[..index].iter().any(|(earlier, _)| earlier == name) {
                self.note(format!("the parameter {name} is given twice"));
            }
            if name == "secret_key" {
                self.note("a secret is in the URL");
            }
        }
    }

    /// Reads the body, which nobody looks at before it is known who asks.
    pub(super) fn read_body(&mut self, request: &Incoming) -> Result<(), Refusal> {
        if request.body().is_empty() {
            return Ok(());
        }
        if matches!(self.method, Method::GET | Method::DELETE) {
            self.note("this method has no body");
        }
        let content_type = header(request, "content-type").unwrap_or_default();
        let media = content_type.split(';').next().unwrap_or_default().trim();
        if !matches!(media, "application/json" | "application/hal+json") {
            self.note("a JSON body needs Content-Type: application/json");
        }
        if let Ok(Value::Object(body)) = serde_json::from_slice(request.body()) {
            self.body = body;
            return Ok(());
        }
        self.note("the body is no JSON object");
        Err(Refusal::bad("2", "the request body is not valid JSON"))
    }

    /// Notes what the documents do not allow. The path is named, the query never: a secret may be in it.
    pub(super) fn note(&self, rule: impl std::fmt::Display) {
        let (method, path) = (&self.method, self.path.join("/"));
        self.violations.note(format!("{method} /{path}: {rule}"));
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that is true or false; false where it is missing.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Refusal> {
        match self.parameter(name) {
            Some("true") => Ok(true),
            None | Some("false") => Ok(false),
            Some(_) => {
                self.note(format!("{name} is neither true nor false"));
                Err(Refusal::bad("2", format!("invalid value for field \"{name}\"")).at(name))
            }
        }
    }

    /// Lets no other parameters pass.
    pub(super) fn allow_query(&self, allowed: &[&str]) -> Result<(), Refusal> {
        let unknown = self
            .query
            .iter()
            .find(|(name, _)| !allowed.contains(&name.as_str()));
        unknown.map_or(Ok(()), |(name, _)| self.unknown_parameter(name))
    }

    /// Lets no other fields of the body pass.
    pub(super) fn allow_body(&self, allowed: &[&str]) -> Result<(), Refusal> {
        match self.body.keys().find(|name| !allowed.contains(&name.as_str())) {
            Some(name) => {
                self.note(format!(
                    "the body has the field {name}, which this version does not have here"
                ));
                self.unknown(name)
            }
            None => Ok(()),
        }
    }

    /// A parameter that is not there in this version.
    pub(super) fn unknown_parameter(&self, name: &str) -> Result<(), Refusal> {
        self.note(format!("this version has no parameter {name} here"));
        self.unknown(name)
    }

    /// What an unknown name gives.
    pub(super) fn unknown(&self, name: &str) -> Result<(), Refusal> {
        let refused = |code| Err(Refusal::bad(code, format!("field \"{name}\" is not supported")));
        match self.unknown {
            Unknown::Code3 => refused("3"),
            Unknown::Code2 => refused("2"),
            Unknown::Ignored => Ok(()),
        }
    }

    /// A field of the body that is a text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        match self.body.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    /// A comment: of at most 256 characters.
    pub(super) fn comment(&self) -> Result<Option<String>, Refusal> {
        match self.text("comment")? {
            Some(text) if text.chars().count() > 256 => {
                Err(Refusal::bad("2", "comment is longer than 256 characters").at("comment"))
            }
            comment => Ok(comment.map(str::to_owned)),
        }
    }

    /// A field that has the wrong type.
    pub(super) fn mistyped(&self, name: &'static str) -> Refusal {
        self.note(format!("the field {name} has the wrong type or form"));
        Refusal::bad("2", format!("invalid value for field \"{name}\"")).at(name)
    }
}

/// The answer on the wire.
pub(super) fn answer(outcome: Outcome, options: &Options, has_links: bool) -> Answer {
    let media = if has_links {
        "application/hal+json"
    } else {
        "application/json"
    };
    let mut builder = axum::http::Response::builder().header("server", "libzapid-httpd");
    let body = match outcome {
        Ok(done) => {
            builder = builder.status(done.status);
            if let Some(location) = done.location {
                builder = builder.header("location", location);
            }
            done.body
        }
        Err(refusal) => {
            builder = builder.status(refusal.status);
            if refusal.status == StatusCode::UNAUTHORIZED {
                builder = builder.header("www-authenticate", "Basic realm=\"Private REST API\"");
            }
            Some(error(&refusal, options))
        }
    };
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    builder.header("content-type", media).body(text.into()).unwrap()
}

fn error(refusal: &Refusal, options: &Options) -> Value {
    let code = match refusal.code.parse::<u64>() {
        Ok(number) if options.numeric_codes => json!(number),
        _ => json!(refusal.code),
    };
    let mut error = json!({"message": refusal.message, "code": code});
    if let Some(target) = refusal.target {
        error["target"] = json!(target);
    }
    if options.error_arguments {
        error["arguments"] = json!({"code": refusal.code, "message": refusal.message});
    }
    let mut body = json!({"error": error});
    if let Some(records) = &refusal.records {
        body["records"] = records.clone();
    }
    body
}
