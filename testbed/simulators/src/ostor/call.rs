//! What a request asks of the admin API, and whether the documents allow it in this form.

use super::answers::INVALID;
use super::directory::User;
use super::state::State;
use crate::server::{Answer, Incoming, query};
use axum::http::Method;
use std::collections::{BTreeMap, BTreeSet};

/// Parameters without a value ("POST service ostor-users", "PUT service ostor-limits").
const FLAGS: [&str; 6] = ["space", "genKey", "disable", "enable", "ops", "bandwidth"];

/// Parameters that say whom or what a call is about. One at most ("Returns Error Code 400").
const IDENTIFYING: [&str; 3] = ["emailAddress", "id", "bucket"];

/// Parameters of "PUT service ostor-limits", and of the form in the service guide.
const LIMITS: [&str; 14] = [
    "emailAddress",
    "id",
    "bucket",
    "ops",
    "bandwidth",
    "default",
    "get",
    "put",
    "list",
    "delete",
    "out",
    "limit-type",
    "limit-resource",
    "limit-value",
];

/// A call of the admin API.
#[derive(Debug)]
pub(super) struct Call {
    /// Sub-resource, such as `ostor-users`.
    pub(super) service: String,
    /// Method.
    pub(super) method: Method,
    parameters: BTreeMap<String, String>,
    twice: BTreeSet<String>,
}

impl Call {
    /// What a request asks for; `None` where it is one of S3.
    pub(super) fn of(request: &Incoming) -> Option<Self> {
        let mut parameters = BTreeMap::new();
        let mut twice = BTreeSet::new();
        for (name, value) in query(request) {
            if parameters.insert(name.clone(), value).is_some() {
                twice.insert(name);
            }
        }
        let service = parameters.keys().find(|name| name.starts_with("ostor-"))?.clone();
        Some(Self {
            service,
            method: request.method().clone(),
            parameters,
            twice,
        })
    }

    /// The request for people: names alone, as a value might be a secret.
    pub(super) fn text(&self) -> String {
        let others = self.parameters.keys().filter(|name| **name != self.service);
        let names: Vec<&str> = std::iter::once(&self.service)
            .chain(others)
            .map(String::as_str)
            .collect();
        format!("{} /?{}", self.method, names.join("&"))
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether a flag is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.contains_key(name)
    }

    /// The name of an account, where one is given.
    pub(super) fn account(&self) -> Option<&str> {
        self.get("accountName")
    }

    /// Notes what the documents do not allow, and refuses what the product would not carry out.
    pub(super) fn check(&self, state: &State) -> Result<(), Answer> {
        let note = |rule: &str| state.note(self, rule);
        for (name, value) in &self.parameters {
            if state.directory.is_secret(value) {
                note("a secret stands in the URL");
            }
            if (FLAGS.contains(&name.as_str()) || *name == self.service) && !value.is_empty() {
                note(&format!("{name} is a flag and carries no value"));
            }
            if *name != self.service && !self.allowed().contains(&name.as_str()) {
                note(&format!("{name} is no parameter of this call"));
            }
        }
        if let Some(name) = self.twice.first() {
            note(&format!("{name} stands there twice"));
            return Err(state.refuse(INVALID, "A parameter is set twice"));
        }
        let identifying = IDENTIFYING.iter().filter(|name| self.has(name)).count()
            // Of a limit, `default` is a value; of a quota, it says whom.
            + usize::from(self.service == "ostor-quotas" && self.has("default"));
        if identifying > 1 {
            note("only one of the identifying parameters can be set");
            return Err(state.refuse(INVALID, "More than one required parameter is set"));
        }
        Ok(())
    }

    /// The parameters that the documents have for this call.
    fn allowed(&self) -> &'static [&'static str] {
        match (self.service.as_str(), self.method.as_str()) {
            ("ostor-users", "GET") => &["emailAddress", "id", "space"],
            // One list for both, as the verb of some depends on the product.
            ("ostor-users", "PUT" | "POST") => &[
                "emailAddress",
                "accountName",
                "genKey",
                "revokeKey",
                "disable",
                "enable",
            ],
            ("ostor-users", "DELETE") | ("ostor-buckets", "GET") => &["emailAddress", "id"],
            ("ostor-accounts", "PUT" | "POST" | "DELETE") => &["emailAddress", "accountName"],
            ("ostor-limits", "GET" | "DELETE") => &["emailAddress", "id", "bucket"],
            ("ostor-limits", "PUT") => &LIMITS,
            ("ostor-quotas", "GET" | "DELETE") => &["emailAddress", "id", "bucket", "default"],
            ("ostor-quotas", "PUT") => &["emailAddress", "id", "bucket", "default", "quota-size"],
            ("ostor-usage", "GET") => &["after", "limit", "obj"],
            ("ostor-usage", "DELETE") => &["obj"],
            _ => &[],
        }
    }

    /// The user that the call is about, as it is now.
    pub(super) fn user(&self, state: &State) -> Result<User, Answer> {
        let email = self.email(state)?;
        // By its id, a user is not found once the e-mail has come to be another one.
        let user = state.directory.get(&email);
        match user.filter(|user| self.get("id").is_none_or(|id| user.id == id)) {
            Some(user) => Ok(user.clone()),
            None => Err(state.refuse(state.options.unknown_user, "The user does not exist")),
        }
    }

    /// The e-mail that the call names, by itself or by its user id.
    pub(super) fn email(&self, state: &State) -> Result<String, Answer> {
        if let Some(email) = self.get("emailAddress").filter(|email| !email.is_empty()) {
            return Ok(email.to_owned());
        }
        if let Some(id) = self.get("id").filter(|id| !id.is_empty()) {
            let unknown = || state.refuse(state.options.unknown_user, "The user does not exist");
            return state.directory.email(id).map(str::to_owned).ok_or_else(unknown);
        }
        state.note(self, "it must name a user");
        Err(state.refuse(INVALID, "A required parameter is missing"))
    }
}
