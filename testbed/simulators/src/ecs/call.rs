//! One request on the management port, and whether it is as the documents want it.

use super::options::{Options, Refusal, Scope};
use super::session::{Caller, Role};
use super::state::{Name, State};
use super::wire::{Format, Problem, parse_xml};
use crate::server::{Incoming, Violations, header, query};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::SystemTime;

pub(super) struct Call<'a> {
    pub(super) request: &'a Incoming,
    pub(super) options: &'a Options,
    violations: &'a Violations,
    pub(super) now: SystemTime,
    /// Of the answer. `None` where the request accepts neither XML nor JSON.
    pub(super) format: Option<Format>,
    shown: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        request: &'a Incoming,
        options: &'a Options,
        violations: &'a Violations,
        state: &State,
        now: SystemTime,
    ) -> Self {
        let uri = request.uri().to_string();
        let decoded = percent_encoding::percent_decode_str(&uri).decode_utf8_lossy();
        let is_leaky = state.has_secret(&decoded);
        let path = if is_leaky {
            "(a path with a secret)"
        } else {
            request.uri().path()
        };
        let call = Self {
            request,
            options,
            violations,
            now,
            format: accepted(request),
            shown: format!("{} {path}", request.method()),
        };
        if is_leaky {
            call.note("a secret or a token stands in the URL");
        }
        if call.format.is_none() {
            call.note("Accept names neither application/json nor application/xml");
        }
        call
    }

    /// Notes that the request breaks this rule.
    pub(super) fn note(&self, rule: &str) {
        self.violations.note(format!("{}: {rule}", self.shown));
    }

    /// The parameters of the query; those that the call does not have are noted.
    pub(super) fn query(&self, allowed: &[&str]) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (name, value) in query(self.request) {
            if !allowed.contains(&name.as_str()) {
                self.note(&format!("the call has no query parameter {name}"));
            } else if all.insert(name.clone(), value).is_some() {
                self.note(&format!("the query parameter {name} is there twice"));
            }
        }
        all
    }

    /// The fields of the body; those that the call does not have are noted.
    pub(super) fn body(&self, allowed: &[&str]) -> Result<Body<'_>, Problem> {
        let media = header(self.request, "content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let bytes = self.request.body();
        let value: Option<Value> = match media {
            "application/json" => serde_json::from_slice(bytes).ok(),
            "application/xml" => std::str::from_utf8(bytes).ok().and_then(parse_xml),
            _ => {
                self.note("Content-Type of a body is application/json or application/xml");
                let details = "Content-Type is neither application/json nor application/xml";
                return Err(Problem::new(Refusal::new(415, 1003), details));
            }
        };
        let Some(Value::Object(fields)) = value else {
            return Err(self.bad_body("the body is not an object of the declared media type"));
        };
        let fields = self.unwrapped(fields)?;
        for name in fields.keys().filter(|name| !allowed.contains(&name.as_str())) {
            self.note(&format!("the body has no field {name}"));
        }
        Ok(Body { call: self, fields })
    }

    /// The examples of the API reference put JSON into an object of the root's name; clients in the field do not.
    fn unwrapped(&self, mut fields: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        let is_wrapped = fields.len() == 1 && fields.values().all(Value::is_object);
        match (is_wrapped, self.options.wrapped_bodies) {
            (false, false) => Ok(fields),
            (true, true) => match fields.values_mut().next().map(Value::take) {
                Some(Value::Object(inner)) => Ok(inner),
                _ => Ok(Map::new()),
            },
            // XML has its root anyway.
            (false, true) if fields.is_empty() || self.is_xml() => Ok(fields),
            (true, false) => Err(self.bad_body("the fields stand in an object of their own")),
            (false, true) => Err(self.bad_body("the fields do not stand in an object of their own")),
        }
    }

    fn is_xml(&self) -> bool {
        header(self.request, "content-type").is_some_and(|media| media.starts_with("application/xml"))
    }

    pub(super) fn bad_body(&self, rule: &str) -> Problem {
        self.note(rule);
        Problem::new(Refusal::new(400, 1013), rule)
    }

    /// Refuses callers who may only read.
    pub(super) fn may_write(caller: &Caller) -> Result<(), Problem> {
        match caller.role {
            Role::SystemAdmin | Role::NamespaceAdmin(_) => Ok(()),
            Role::SystemMonitor => Err(forbidden("a monitor only reads")),
        }
    }

    /// Checks the namespace of a call: it is there where it must be, and the caller's to use.
    pub(super) fn namespace(&self, caller: &Caller, given: Option<&str>) -> Result<Option<String>, Problem> {
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            return match self.options.scope {
                Scope::Global => Ok(None),
                Scope::Namespace => Err(self.missing("namespace")),
            };
        };
        if let Role::NamespaceAdmin(own) = &caller.role
            && own != given
        {
            return Err(forbidden("another namespace than the administrator's"));
        }
        if !self.options.namespaces.iter().any(|there| there == given) {
            let details = format!("Unable to find entity with the given id {given}");
            return Err(Problem::new(self.options.absent_namespace, details));
        }
        Ok(Some(given.to_owned()))
    }

    /// The user of a call, or what is answered where there is none.
    pub(super) fn user(
        &self,
        state: &State,
        caller: &Caller,
        namespace: Option<&str>,
        uid: &str,
        absent: Refusal,
    ) -> Result<Name, Problem> {
        let namespace = self.namespace(caller, namespace)?;
        let Some(name) = state.find(self.options, namespace.as_deref(), uid) else {
            let details = format!("Unable to find entity specified with the given id {uid}");
            return Err(Problem::new(absent, details));
        };
        // In scope GLOBAL the namespace may have been left out.
        match &caller.role {
            Role::NamespaceAdmin(own) if *own != name.0 => Err(forbidden("a user of another namespace")),
            _ => Ok(name),
        }
    }

    pub(super) fn missing(&self, field: &str) -> Problem {
        self.note(&format!("{field} is required"));
        Problem::new(
            Refusal::new(400, 1005),
            format!("Required parameter {field} is missing or empty"),
        )
    }
}

pub(super) fn forbidden(details: &str) -> Problem {
    Problem::new(Refusal::new(403, 3000), details)
}

/// XML is the default (ECS API reference, on media types).
fn accepted(request: &Incoming) -> Option<Format> {
    let Some(accept) = header(request, "accept") else {
        return Some(Format::Xml);
    };
    let has = |media: &str| {
        accept
            .split(',')
            .any(|part| part.trim().split(';').next() == Some(media))
    };
    if has("application/json") {
        Some(Format::Json)
    } else {
        (has("application/xml") || has("application/*") || has("*/*")).then_some(Format::Xml)
    }
}

/// The fields of a body.
pub(super) struct Body<'a> {
    call: &'a Call<'a>,
    fields: Map<String, Value>,
}

impl Body<'_> {
    /// A field of any type; `None` where it is absent or null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A text; `None` where it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.call.bad_body(&format!("{name} is a string"))),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Problem> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| self.call.missing(name))
    }
}
