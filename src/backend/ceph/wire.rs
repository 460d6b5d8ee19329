//! What the Admin Ops API answers, decoded leniently: versions 16 to 20 differ in types and add fields.

use super::request::email_to_mark;
use crate::backend::{ObservedCredential, ObservedUser};
use crate::domain::{
    access::{Limits, Resource},
    facts::LastUse,
    ids::{AccessKeyId, CredentialId},
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// A user object: the body of get, create and modify.
#[derive(Deserialize)]
pub(super) struct User {
    /// Tenant; empty for all users that this driver makes.
    #[serde(default)]
    pub(super) tenant: String,
    /// Name within the tenant.
    #[serde(rename = "user_id")]
    pub(super) name: String,
    /// Label.
    #[serde(default)]
    pub(super) display_name: String,
    /// Carries the owner mark.
    #[serde(default)]
    pub(super) email: String,
    /// Locked. A number: 0 or 1.
    #[serde(default, deserialize_with = "flag")]
    pub(super) suspended: bool,
    /// All keys, sorted by access key id, with secrets.
    #[serde(default)]
    pub(super) keys: Vec<Key>,
    /// Admin rights.
    #[serde(default)]
    pub(super) caps: Vec<Cap>,
    /// A string in 16, a boolean since.
    #[serde(default, deserialize_with = "flag")]
    pub(super) system: bool,
    /// A string in 16, a boolean since.
    #[serde(default, deserialize_with = "flag")]
    pub(super) admin: bool,
    /// `rgw`; `root` for the root user of an account (20), which rules over its account's users.
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    /// Limits over all its buckets.
    #[serde(default, rename = "user_quota")]
    pub(super) quota: Quota,
    /// How many buckets it may own: 0 for no limit, -1 for none at all.
    #[serde(default)]
    pub(super) max_buckets: i64,
}

/// Limits; below 0: none.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Quota {
    /// What is set counts.
    pub(super) enabled: bool,
    /// In bytes.
    pub(super) max_size: i64,
    /// How many.
    pub(super) max_objects: i64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            enabled: false,
            max_size: -1,
            max_objects: -1,
        }
    }
}

impl Quota {
    /// The limits that count.
    fn limit(self, of: i64) -> Option<u64> {
        u64::try_from(of).ok().filter(|_| self.enabled)
    }
}

/// Owner and access list of a bucket: `<AccessControlPolicy>`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Acl {
    /// Whose it is.
    pub(super) owner: Person,
    /// Who may do what.
    access_control_list: AccessList,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AccessList {
    grant: Vec<AclGrant>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AclGrant {
    grantee: Person,
    permission: String,
}

/// A user in an access list; groups have no id.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    /// Its `uid`.
    #[serde(rename = "ID", default)]
    pub(super) id: String,
}

impl Acl {
    /// Reads one.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()
    }

    /// Whether it is exactly the list that a bucket is made with for this user: all for its owner, and for the user to read
    /// the list itself.
    pub(super) fn is_as_made_for(&self, user: &str) -> bool {
        let grants = &self.access_control_list.grant;
        let has = |id: &str, permission: &str| {
            let is = |grant: &AclGrant| grant.grantee.id == id && grant.permission == permission;
            grants.iter().any(is)
        };
        grants.len() == 2 && has(&self.owner.id, "FULL_CONTROL") && has(user, "READ_ACP")
    }
}

/// A key of a user.
#[derive(Deserialize)]
pub(super) struct Key {
    /// Public half.
    pub(super) access_key: String,
    /// Secret half. Left out for a reader with 20's cap `user-info-without-keys`.
    #[serde(default, deserialize_with = "secret")]
    pub(super) secret_key: Option<SecretString>,
}

/// An admin right, such as `users` with `*`, `read` or `read, write`.
#[derive(Debug, Deserialize)]
pub(super) struct Cap {
    /// What it is about.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What may be done.
    pub(super) perm: String,
}

/// An error body: `{"Code":"NoSuchUser","Message":"","RequestId":"tx…","HostId":"…"}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refusal {
    /// What went wrong.
    pub(super) code: String,
    /// The gateway's id of the request.
    #[serde(default)]
    pub(super) request_id: String,
}

impl User {
    /// As the rest of the operator sees it. `own_key`: the access key this driver signs with.
    pub(super) fn observe(self, own_key: &AccessKeyId) -> ObservedUser {
        let holds_own_key = self.keys.iter().any(|k| k.access_key == own_key.as_str());
        ObservedUser {
            owner: email_to_mark(&self.email),
            limits: Ok(self.limits()),
            privileged: holds_own_key
                || !self.caps.is_empty()
                || self.system
                || self.admin
                || self.kind == "root",
            label: self.display_name,
            locked: self.suspended,
            half_locked: false,
            credentials: self.keys.into_iter().map(Key::observe).collect(),
        }
    }

    /// Its limits.
    pub(super) fn limits(&self) -> Limits {
        let quota = self.quota;
        let buckets = match self.max_buckets {
            0 => None,
            most => Some(u64::try_from(most).unwrap_or(0)),
        };
        let all = [
            (Resource::Bytes, quota.limit(quota.max_size)),
            (Resource::Objects, quota.limit(quota.max_objects)),
            (Resource::Buckets, buckets),
        ];
        all.into_iter()
            .filter_map(|(of, most)| Some((of, most?)))
            .collect()
    }

    /// Whether it may do all with users that this driver does. The flags `system` and `admin` are taken for it, too.
    pub(super) fn may_manage_users(&self) -> bool {
        let covers = |cap: &Cap, right: &str| {
            cap.kind == "users" && (cap.perm.contains('*') || cap.perm.contains(right))
        };
        let has = |right: &str| self.caps.iter().any(|cap| covers(cap, right));
        self.system || self.admin || (has("read") && has("write"))
    }
}

impl Key {
    fn observe(self) -> ObservedCredential {
        let access_key_id = AccessKeyId::new(self.access_key);
        ObservedCredential {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: self.secret_key,
            last_use: LastUse::Unknown,
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Number(i64),
        Text(String),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Bool(value) => value,
        Flag::Number(value) => value != 0,
        Flag::Text(value) => matches!(value.as_str(), "true" | "1"),
    })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
