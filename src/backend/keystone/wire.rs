//! What the Identity API answers, decoded leniently where releases and backends differ.

use crate::backend::{ObservedCredential, Result, call::Call, http::Reply};
use crate::domain::{
    facts::LastUse,
    ids::{AccessKeyId, CredentialId, OwnerMark},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use std::time::Duration;

/// Roles with which a user may act for others: those of Keystone's own rules. `service` may look at anybody's token.
const ADMINS_ROLES: [&str; 3] = ["admin", "manager", "service"];

/// `POST /v3/auth/tokens`. The token itself is in a header.
#[derive(Debug, Deserialize)]
pub(super) struct Login {
    token: Token,
}

#[derive(Debug, Deserialize)]
struct Token {
    user: Thing,
    #[serde(default)]
    issued_at: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

impl Login {
    /// Id of the user who logged in.
    pub(super) fn user_id(&self) -> &str {
        &self.token.user.id
    }

    /// How long the token lives, by the server's own clock; `None`: it does not say, or says it lives for ever.
    pub(super) fn life(&self) -> Option<Duration> {
        let time = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
        let life = time(&self.token.expires_at)?.duration_since(time(&self.token.issued_at)?);
        Duration::try_from(life).ok()
    }
}

/// `GET /v3`.
#[derive(Debug, Deserialize)]
pub(super) struct Version {
    version: VersionId,
}

#[derive(Debug, Deserialize)]
struct VersionId {
    id: String,
}

impl Version {
    /// Such as `v3.14`, if it is a version 3.
    pub(super) fn id(self) -> Option<String> {
        let id = self.version.id;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let number = id
            .strip_prefix('v')
            .filter(|number| number.split('.').all(is_number));
        let major = number.and_then(|number| number.split('.').next());
        (major == Some("3") && id.len() <= 16).then_some(id)
    }
}

/// Something with an id and a name: a domain, a project, a role, the user of a token.
#[derive(Debug, Deserialize)]
pub(super) struct Thing {
    /// As it stands in paths.
    pub(super) id: String,
    /// As people call it.
    #[serde(default)]
    pub(super) name: String,
}

/// `GET /v3/domains`, `/v3/projects`, `/v3/roles` and `/v3/system/users/{id}/roles`: one of the fields is there.
#[derive(Debug, Deserialize)]
pub(super) struct Things {
    #[serde(alias = "domains", alias = "projects", alias = "roles")]
    things: Vec<Thing>,
}

impl Things {
    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The id of the one of this name; `None`: there is none. A server whose database does not tell capital letters
    /// from small ones finds it by another name, and means the same.
    pub(super) fn id_of(&self, name: &str) -> Option<&str> {
        let same = |thing: &&Thing| thing.name == name;
        let alike = |thing: &&Thing| thing.name.to_lowercase() == name.to_lowercase();
        let mut things = self.things.iter();
        let found = things.clone().find(same).or_else(|| things.find(alike));
        found.map(|thing| thing.id.as_str())
    }
}

/// `GET /v3/users`.
#[derive(Debug, Deserialize)]
pub(super) struct Users {
    pub(super) users: Vec<User>,
}

/// `POST /v3/users` and `PATCH /v3/users/{id}`.
#[derive(Debug, Deserialize)]
pub(super) struct OneUser {
    pub(super) user: User,
}

/// A user, without keys.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) domain_id: String,
    /// Not locked. A user whose domain is disabled can do nothing either, and nothing tells that here.
    pub(super) enabled: bool,
    #[serde(default)]
    description: Option<String>,
    /// The attribute that holds the owner's mark. What others put there may be of any form.
    #[serde(default, rename = "gracekey_owner")]
    owner: Option<Extra>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Extra {
    Text(String),
    Other(IgnoredAny),
}

impl User {
    /// The label; empty where there is none.
    pub(super) fn label(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> Option<OwnerMark> {
        match &self.owner {
            Some(Extra::Text(text)) => OwnerMark::parse(text),
            Some(Extra::Other(_)) | None => None,
        }
    }
}

/// `GET /v3/users/{id}/credentials/OS-EC2`.
#[derive(Deserialize)]
pub(super) struct Keys {
    credentials: Vec<Key>,
}

/// A pair.
#[derive(Deserialize)]
struct Key {
    access: String,
    #[serde(deserialize_with = "secret")]
    secret: SecretString,
    /// The project. None of a pair that belongs to no project, and works nowhere.
    #[serde(default)]
    tenant_id: Option<String>,
}

impl Keys {
    /// The pairs that are bound to this project. Those of other projects open other stores, and are not ours to look at.
    pub(super) fn of(self, project: &str) -> impl Iterator<Item = ObservedCredential> {
        let here = move |key: &Key| key.tenant_id.as_deref() == Some(project);
        self.credentials.into_iter().filter(here).map(Key::observe)
    }
}

impl Key {
    fn observe(self) -> ObservedCredential {
        let access_key_id = AccessKeyId::new(self.access);
        ObservedCredential {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: Some(self.secret),
            last_use: LastUse::Unknown,
        }
    }
}

/// `POST /v3/credentials`: the pair is in a text within, which is not looked at but for its id.
#[derive(Deserialize)]
pub(super) struct NewKey {
    credential: Credential,
}

#[derive(Deserialize)]
struct Credential {
    user_id: String,
    project_id: String,
    #[serde(deserialize_with = "secret")]
    blob: SecretString,
}

impl NewKey {
    /// Whether it is this user's pair of this id, on this project.
    pub(super) fn is(&self, project: &str, user: &str, id: &AccessKeyId) -> bool {
        #[derive(Deserialize)]
        struct Blob {
            access: String,
        }
        let credential = &self.credential;
        let blob = serde_json::from_str::<Blob>(credential.blob.expose_secret());
        credential.user_id == user
            && credential.project_id == project
            && blob.is_ok_and(|blob| blob.access == id.as_str())
    }
}

/// `GET /v3/role_assignments`.
#[derive(Debug, Deserialize)]
pub(super) struct Rights {
    role_assignments: Vec<Right>,
}

#[derive(Debug, Deserialize)]
struct Right {
    role: Thing,
    scope: Scope,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scope {
    project: Option<Thing>,
}

impl Rights {
    /// Whether one of them is to act for others.
    pub(super) fn are_an_admins(&self) -> bool {
        let is_admins = |right: &Right| {
            let name = right.role.name.as_str();
            ADMINS_ROLES.iter().any(|role| role.eq_ignore_ascii_case(name))
        };
        self.role_assignments.iter().any(is_admins)
    }

    /// Whether they hold this role on this project, both by their ids.
    pub(super) fn hold(&self, role: &str, project: &str) -> bool {
        let is_it = |right: &Right| {
            right.role.id == role && right.scope.project.as_ref().is_some_and(|it| it.id == project)
        };
        self.role_assignments.iter().any(is_it)
    }
}

/// An error body: `{"error":{"code":409,"message":"…","title":"Conflict"}}`. Nothing of it is shown to anybody but the
/// name of a rule: sentences may quote what was sent.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    error: Inner,
}

#[derive(Debug, Deserialize)]
struct Inner {
    code: u16,
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// The refusal that an answer is, if it is one of Keystone: its code is that of the answer.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        let refusal: Self = serde_json::from_slice(&reply.body).ok()?;
        (refusal.error.code == reply.status).then_some(refusal)
    }

    /// The rule that forbids it, such as `identity:create_user`.
    pub(super) fn rule(&self) -> Option<&str> {
        let words = self.error.message.split(' ');
        let mut rules = words.map(|word| word.trim_end_matches('.'));
        rules.find(|word| {
            let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            let name = word.strip_prefix("identity:");
            name.is_some_and(|name| (1..=40).contains(&name.len()) && name.bytes().all(is_letter))
        })
    }

    /// Whether the user has as many pairs as the server lets it have (`[credential] user_limit`), which is said with the
    /// status of a missing right.
    pub(super) fn is_about_a_limit(&self) -> bool {
        self.error.message.contains("additional credentials")
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    Ok(String::deserialize(deserializer)?.into())
}

/// The body of an answer.
pub(super) fn parse<T: DeserializeOwned>(call: &Call, reply: &Reply) -> Result<T> {
    call.parse(reply, NO_ANSWER)
}

pub(super) const NO_ANSWER: &str = "this is no answer of Keystone's Identity API v3: is the endpoint right?";

/// Whether this may stand in a path: Keystone makes ids of hex digits, and LDAP may bring others of letters and digits.
pub(super) fn is_id(id: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=64).contains(&id.len()) && id.bytes().all(is_letter)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
