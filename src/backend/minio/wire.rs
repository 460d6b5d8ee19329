//! What the admin API answers, after decryption. Read tolerantly where servers differ, and strictly where a wrong answer
//! would lose a key.

use super::request::{ACCESS, LOCK};
use crate::backend::http::client::{is_code, is_request_id};
use crate::backend::{ObservedCredential, ObservedUser};
use crate::domain::access::Limits;
use crate::domain::{
    facts::LastUse,
    identity::Identity,
    ids::{AccessKeyId, CredentialId, UserName},
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Policies that come with the server and allow admin actions (`MinIO`, `policy/constants.go` of its `pkg`).
const ADMIN_POLICIES: [&str; 2] = ["consoleAdmin", "diagnostics"];

/// State and policies of a user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    /// `enabled` or `disabled`.
    status: String,
    /// Names with commas between; left out where there is none.
    #[serde(default)]
    policy_name: Option<String>,
    /// Groups, which have policies too. Older servers leave them out.
    #[serde(default)]
    member_of: Option<Vec<String>>,
}

impl User {
    /// Whether it is disabled. Nothing else is taken for it: who waits for a lock must not be told too early.
    pub(super) fn is_disabled(&self) -> bool {
        self.status == "disabled"
    }

    /// Whether it has the policy that denies everything.
    pub(super) fn is_denied(&self) -> bool {
        self.policies().any(|policy| policy == LOCK)
    }

    /// Whether it can do nothing, for either reason.
    pub(super) fn is_locked(&self) -> bool {
        self.is_disabled() || self.is_denied()
    }

    /// Whether somebody gave it rights, other than grants of ours. One that was made halfway has none.
    pub(super) fn has_rights(&self) -> bool {
        let is_ours = |policy: &str| policy == LOCK || policy.starts_with(ACCESS);
        self.policies().any(|policy| !is_ours(policy)) || self.groups().next().is_some()
    }

    /// Whether it has a policy of the server's own that allows admin actions.
    pub(super) fn is_admin(&self) -> bool {
        self.policies().any(|policy| ADMIN_POLICIES.contains(&policy))
    }

    /// Whether it has this policy itself.
    pub(super) fn has_policy(&self, name: &str) -> bool {
        self.policies().any(|policy| policy == name)
    }

    /// Those it has itself, not by a group.
    pub(super) fn policies(&self) -> impl Iterator<Item = &str> {
        names(self.policy_name.as_deref())
    }

    /// Groups that it is in.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.member_of.iter().flatten().map(String::as_str)
    }

    /// As the rest of the operator sees it. `own_key`: the access key this driver signs with.
    pub(super) fn observe(
        &self,
        name: &UserName,
        keys: ServiceAccounts,
        own_key: &AccessKeyId,
    ) -> ObservedUser {
        let ids: Vec<AccessKeyId> = keys.ids().collect();
        ObservedUser {
            limits: Ok(Limits::new()),
            owner: Identity::mark_in(name.as_str()),
            label: String::new(),
            locked: self.is_locked(),
            half_locked: false,
            privileged: self.is_admin() || ids.contains(own_key),
            credentials: ids.into_iter().map(credential).collect(),
        }
    }
}

/// Names with commas between.
fn names(text: Option<&str>) -> impl Iterator<Item = &str> {
    let names = text.unwrap_or_default().split(',');
    names.map(str::trim).filter(|name| !name.is_empty())
}

/// A group of users.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    /// `enabled` or `disabled`.
    status: String,
    /// Names with commas between; left out where there is none.
    #[serde(default)]
    policy: Option<String>,
}

impl Group {
    /// What its users have of it.
    pub(super) fn policies(&self) -> impl Iterator<Item = &str> {
        let policy = self.policy.as_deref().filter(|_| self.status != "disabled");
        names(policy)
    }
}

/// A key; its secret half is never told.
pub(super) fn credential(access_key_id: AccessKeyId) -> ObservedCredential {
    ObservedCredential {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: None,
        last_use: LastUse::Unknown,
    }
}

/// A listing of service accounts. 2021 has texts where 2026 has objects, and both say `null` for none.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceAccounts {
    #[serde(deserialize_with = "list")]
    accounts: Vec<ServiceAccount>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ServiceAccount {
    Named {
        #[serde(rename = "accessKey", deserialize_with = "key_id")]
        access_key: String,
    },
    Bare(#[serde(deserialize_with = "key_id")] String),
}

impl ServiceAccounts {
    fn ids(self) -> impl Iterator<Item = AccessKeyId> {
        self.accounts.into_iter().map(|account| match account {
            ServiceAccount::Named { access_key } | ServiceAccount::Bare(access_key) => {
                AccessKeyId::new(access_key)
            }
        })
    }
}

/// A service account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyInfo {
    /// Whose it is.
    pub(super) parent_user: String,
}

/// The answer to a new service account, from a server that does not encrypt it.
#[derive(Deserialize)]
pub(super) struct Issued {
    pub(super) credentials: IssuedKey,
}

/// A pair of which only the public half is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssuedKey {
    pub(super) access_key: String,
}

/// The text of a policy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    #[serde(default)]
    effect: String,
    #[serde(default)]
    action: Value,
    #[serde(default)]
    not_action: Value,
}

impl Policy {
    /// Whether it allows an action of the admin API.
    pub(super) fn is_admin(&self) -> bool {
        let is_admin = |action: &Value| action.as_str().is_some_and(may_be_admins);
        self.statement.iter().any(|statement| {
            let actions = &statement.action;
            let any = is_admin(actions) || actions.as_array().into_iter().flatten().any(is_admin);
            // All but what is named.
            let but = !statement.not_action.is_null();
            (any || but) && statement.effect != "Deny"
        })
    }
}

/// Whether this pattern may match an action of the admin API.
fn may_be_admins(pattern: &str) -> bool {
    const ADMIN: &str = "admin:";
    match pattern.split_once(['*', '?']) {
        Some((before, _)) => before.starts_with(ADMIN) || ADMIN.starts_with(before),
        None => pattern.starts_with(ADMIN),
    }
}

/// The cluster.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    #[serde(default)]
    servers: Vec<Server>,
}

#[derive(Debug, Deserialize)]
struct Server {
    #[serde(default)]
    version: String,
}

impl Info {
    /// The version of the first server that tells one, such as `2026-02-12T20:18:48Z`.
    pub(super) fn version(self) -> Option<String> {
        let fits = |version: &String| {
            (1..=64).contains(&version.len())
                && version
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-.:_".contains(&b))
        };
        self.servers.into_iter().map(|server| server.version).find(fits)
    }
}

/// An error body, in JSON or XML: `{"Code":"XMinioAdminNoSuchUser","Message":"…","Resource":"…","RequestId":"…","HostId":""}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refusal {
    /// What went wrong.
    pub(super) code: String,
    #[serde(default)]
    request_id: String,
}

impl Refusal {
    /// The one that a body is.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let refusal: Self = if text.trim_start().starts_with('<') {
            text.contains("<Error>")
                .then(|| quick_xml::de::from_str(text).ok())??
        } else {
            serde_json::from_str(text).ok()?
        };
        is_code(&refusal.code).then_some(refusal)
    }

    /// The server's id of the request.
    pub(super) fn request_id(&self) -> Option<String> {
        is_request_id(&self.request_id).then(|| self.request_id.clone())
    }
}

/// A list that must be there. `null` says that it is empty.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Somebody else's key may be called as it likes; one without a name cannot be told from others.
fn key_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if (1..=256).contains(&id.len()) && !id.contains(char::is_control) {
        Ok(id)
    } else {
        Err(D::Error::custom("no access key id"))
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
