//! What the management API answers, decoded leniently where its documents disagree: fields that are missing, null or
//! empty, booleans as text, `tag` and `tags`, and everything inside an object of the XML root's name.
#![expect(clippy::zero_sized_map_values, reason = "a set is not read from an object")]

use super::request::{LABEL_TAG, OWNER_TAG};
use crate::backend::{Result, call::Call, http::Reply};
use crate::domain::ids::{OwnerMark, UserName};
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use std::collections::BTreeMap;

/// The names of an object's fields, without a copy of what may be secret.
type Fields = BTreeMap<String, IgnoredAny>;

/// An answer with fields of which at least one is there, by which it is told from an object around it.
pub(super) trait Answer: DeserializeOwned {
    /// Names of its fields.
    const FIELDS: &[&str];
}

/// The answer's body. `what`: for a person, what it ought to have been.
pub(super) fn parse<T: Answer>(call: &Call, reply: &Reply, what: &str) -> Result<T> {
    let is_own = |field: &String| T::FIELDS.contains(&field.as_str());
    let fields: Fields = call.parse(reply, what)?;
    if fields.keys().any(is_own) {
        return call.parse(reply, what);
    }
    // The examples of the ECS 3.8 API reference have one more object around; what clients recorded has none.
    let mut around: BTreeMap<String, Fields> = call.parse(reply, what)?;
    let (Some((_, fields)), true) = (around.pop_first(), around.is_empty()) else {
        return Err(call.misunderstood(what));
    };
    if !fields.keys().any(is_own) {
        return Err(call.misunderstood(what));
    }
    let mut around: BTreeMap<String, T> = call.parse(reply, what)?;
    let inside = around.pop_first().map(|(_, inside)| inside);
    inside.ok_or_else(|| call.misunderstood(what))
}

/// Whether this is an answer to a call that has nothing to tell: empty, or an object.
pub(super) fn is_empty(reply: &Reply) -> bool {
    reply.body.trim_ascii().is_empty() || serde_json::from_slice::<Fields>(&reply.body).is_ok()
}

/// `GET /object/users/{uid}/info`.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    /// The uid.
    pub(super) name: String,
    /// Its namespace.
    #[serde(default)]
    pub(super) namespace: Option<String>,
    /// No S3 operation works.
    #[serde(deserialize_with = "flag")]
    pub(super) locked: bool,
    /// Missing in older releases, and then asked for by itself.
    #[serde(default, alias = "tags")]
    pub(super) tag: Option<Vec<Tag>>,
}

impl Answer for User {
    const FIELDS: &[&str] = &["name"];
}

/// `GET /object/users/{uid}/tags`.
#[derive(Debug, Deserialize)]
pub(super) struct Tags {
    /// All of the user.
    #[serde(default, alias = "tag")]
    pub(super) tags: Option<Vec<Tag>>,
}

impl Answer for Tags {
    const FIELDS: &[&str] = &["tags", "tag", "user_name"];
}

/// A tag of a user.
#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// The label among the tags, if it is there.
pub(super) fn label(tags: &[Tag]) -> Option<&str> {
    value(tags, LABEL_TAG)
}

/// The owner's mark among the tags.
pub(super) fn owner(tags: &[Tag]) -> Option<OwnerMark> {
    value(tags, OWNER_TAG).and_then(OwnerMark::parse)
}

fn value<'a>(tags: &'a [Tag], name: &str) -> Option<&'a str> {
    let tag = tags.iter().find(|tag| tag.name == name)?;
    Some(tag.value.as_deref().unwrap_or_default())
}

/// `POST /object/users`: no more than a link, and blank fields of a key in some releases.
#[derive(Debug, Deserialize)]
pub(super) struct Made {}

impl Answer for Made {
    const FIELDS: &[&str] = &["link"];
}

/// `GET /object/bucket`.
#[derive(Debug, Deserialize)]
pub(super) struct Buckets {
    #[serde(default)]
    object_bucket: Option<Vec<Bucket>>,
    #[serde(default, rename = "NextMarker", deserialize_with = "text")]
    pub(super) next_marker: Option<String>,
}

impl Answer for Buckets {
    const FIELDS: &[&str] = &["object_bucket", "NextMarker", "MaxBuckets"];
}

#[derive(Debug, Deserialize)]
struct Bucket {
    #[serde(default)]
    owner: Option<String>,
}

impl Buckets {
    /// Whether one of them is of this user.
    pub(super) fn has_owner(&self, name: &UserName) -> bool {
        let owners = self
            .object_bucket
            .iter()
            .flatten()
            .filter_map(|b| b.owner.as_deref());
        owners
            .into_iter()
            .any(|owner| owner.eq_ignore_ascii_case(name.as_str()))
    }
}

/// `GET /user/whoami`. The samples have `user` as the root of XML, and clients saw it in JSON neither here nor there.
#[derive(Debug, Deserialize)]
pub(super) struct WhoAmI {
    #[serde(default)]
    roles: Option<Roles>,
    #[serde(default)]
    user: Option<Inside>,
}

impl Answer for WhoAmI {
    const FIELDS: &[&str] = &["roles", "common_name", "namespace", "user"];
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Inside {
    User {
        #[serde(default)]
        roles: Option<Roles>,
    },
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Roles {
    List(Vec<String>),
    Wrapped { role: Vec<String> },
    One(String),
    Other(IgnoredAny),
}

impl WhoAmI {
    /// Whether it may change users; `None` where the answer does not tell.
    pub(super) fn may_manage_users(&self) -> Option<bool> {
        let inside = match &self.user {
            Some(Inside::User { roles }) => roles.as_ref(),
            Some(Inside::Other(_)) | None => None,
        };
        let roles = match self.roles.as_ref().or(inside)? {
            Roles::List(roles) | Roles::Wrapped { role: roles } => roles.as_slice(),
            Roles::One(role) => std::slice::from_ref(role),
            Roles::Other(_) => return None,
        };
        let suffices = |role: &String| matches!(role.as_str(), "SYSTEM_ADMIN" | "NAMESPACE_ADMIN");
        Some(roles.iter().any(suffices))
    }
}

/// `GET /object/users/{namespace}`: which users there are is of no interest here.
#[derive(Debug, Deserialize)]
pub(super) struct Users {}

impl Answer for Users {
    const FIELDS: &[&str] = &["blobuser", "users", "MaxUsers", "NextMarker", "Filter"];
}

/// An error body: `{"code":2000,"retryable":false,"description":"…","details":"…"}`. Nothing but the code is shown to
/// anybody: the sentences may quote what was sent.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    error: Option<Inner>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    code: Code,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Code {
    Number(u32),
    Text(String),
}

impl Refusal {
    /// What went wrong, as a number.
    pub(super) fn code(self) -> Option<u32> {
        match self.code.or(self.error.map(|inner| inner.code))? {
            Code::Number(code) => Some(code),
            Code::Text(text) => text.parse().ok(),
        }
    }
}

/// Empty is absent: the empty elements of XML come through as empty texts.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(text(deserializer)?.map(SecretString::from))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Text(String),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Bool(value) => value,
        Flag::Text(value) => value.eq_ignore_ascii_case("true"),
    })
}

pub(super) fn maybe_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    struct Wrapper(#[serde(deserialize_with = "flag")] bool);
    Ok(Option::<Wrapper>::deserialize(deserializer)?.map(|Wrapper(value)| value))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
