//! Groups and policies as the REST API shows them, and what they do to a user.

use super::request::LOCK;
use super::wire::{Several, number};
use crate::domain::ids::UserName;
use serde::Deserialize;

/// A group of users.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    /// A number; some pages show it as text.
    #[serde(default, deserialize_with = "number")]
    pub(super) id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    users: Option<Several<Named>>,
    #[serde(default)]
    policies: Option<Several<Named>>,
}

/// Something that a record names.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

impl Group {
    /// Whether this user is in it.
    pub(super) fn holds(&self, name: &UserName) -> bool {
        self.members().any(|user| user == name.as_str())
    }

    /// Its users but this one.
    pub(super) fn others(&self, name: &UserName) -> Vec<String> {
        let others = self.members().filter(|user| *user != name.as_str());
        others.map(str::to_owned).collect()
    }

    /// Whether it locks its users.
    pub(super) fn locks(&self) -> bool {
        self.policy_names().any(|policy| policy == LOCK)
    }

    /// Whether it stands under all policies there are, ours too (REST reference, "policies": `*` specifies all).
    pub(super) fn has_every_policy(&self) -> bool {
        self.policy_names().any(|policy| policy == "*")
    }

    fn members(&self) -> impl Iterator<Item = &str> {
        let users = self.users.iter().flat_map(|users| &users.0);
        users.map(|user| user.name.as_str())
    }

    fn policy_names(&self) -> impl Iterator<Item = &str> {
        let policies = self.policies.iter().flat_map(|policies| &policies.0);
        policies.map(|policy| policy.name.as_str())
    }
}

/// A policy.
#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    /// Its name.
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    statements: Option<Several<Statement>>,
}

#[derive(Debug, Deserialize)]
struct Statement {
    #[serde(default)]
    effect: String,
    #[serde(default)]
    actions: Option<Several<String>>,
    #[serde(default)]
    resources: Option<Several<String>>,
}

impl Policy {
    /// Whether it denies everything, and so locks whoever stands under it.
    pub(super) fn denies_all(&self) -> bool {
        let all = |list: &Option<Several<String>>, wanted: &[&str]| {
            let mut texts = list.iter().flat_map(|list| &list.0);
            texts.any(|text| wanted.contains(&text.as_str()))
        };
        let mut statements = self.statements.iter().flat_map(|statements| &statements.0);
        statements.any(|statement| {
            statement.effect.eq_ignore_ascii_case("deny")
                && all(&statement.actions, &["*", "s3:*", "S3:*"])
                && all(&statement.resources, &["*"])
        })
    }
}
