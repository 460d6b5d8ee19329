//! What the IAM query API answers, read by local name: stores leave fields out and add others.
//!
//! Strict where a wrong answer would lose a key or hand out somebody else's: every answer names the action it is of, and
//! where it names a user, it is the one that was asked about.

use super::xml::Element;
use crate::backend::{Result, call::Call, http::Reply};
use crate::domain::{
    facts::LastUse,
    ids::{AccessKeyId, UserName},
};
use secrecy::SecretString;

const NO_ANSWER: &str = "this is no answer of an IAM API: is the endpoint right?";
const ANOTHER: &str = "the store answered for another user";

/// A user, as `GetUser` and `CreateUser` show it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    /// As the store writes it: AWS tells no capitals apart.
    pub(super) name: String,
    /// `/` where none was given, or none is kept.
    pub(super) path: String,
}

/// A key of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Public half.
    pub(super) id: AccessKeyId,
    /// It works.
    pub(super) active: bool,
}

/// A key just made.
pub(super) struct NewKey {
    /// Public half.
    pub(super) id: AccessKeyId,
    /// Secret half.
    pub(super) secret: SecretString,
}

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    /// What is on it.
    pub(super) items: Vec<T>,
    /// What to ask for the next one with; `None`: it is the last one.
    pub(super) marker: Option<String>,
}

/// The answer, if it is one to this call: `<GetUserResponse>…`.
fn answer(call: &Call, reply: &Reply) -> Result<Element> {
    let root = Element::parse(&reply.body).filter(|root| {
        let action = root.name().strip_suffix("Response");
        action == Some(call.operation)
    });
    root.ok_or_else(|| call.misunderstood(NO_ANSWER))
}

/// A success that tells nothing.
pub(super) fn done(call: &Call, reply: &Reply) -> Result<()> {
    answer(call, reply).map(drop)
}

/// The user that an answer is about.
pub(super) fn user(call: &Call, reply: &Reply, name: &UserName) -> Result<User> {
    let answer = answer(call, reply)?;
    let user = answer.find_with("User", "UserName");
    let user = user.ok_or_else(|| call.misunderstood(NO_ANSWER))?;
    let text = |field: &str| user.text_of(field).unwrap_or_default().to_owned();
    let found = User {
        name: text("UserName"),
        path: text("Path"),
    };
    if found.name.eq_ignore_ascii_case(name.as_str()) {
        Ok(found)
    } else {
        Err(call.misunderstood(ANOTHER))
    }
}

/// A page of keys.
pub(super) fn keys(call: &Call, reply: &Reply, name: &UserName) -> Result<Page<Key>> {
    page(call, reply, "AccessKeyMetadata", |member| {
        of(call, member, name)?;
        Ok(Key {
            id: key_id(call, member)?,
            active: matches!(member.text_of("Status"), None | Some("Active")),
        })
    })
}

/// A page of names of inline policies.
pub(super) fn inline(call: &Call, reply: &Reply) -> Result<Page<String>> {
    page(call, reply, "PolicyNames", |member| Ok(member.text().to_owned()))
}

/// The text of an inline policy of this user. AWS percent-encodes it (RFC 3986), `SeaweedFS` does not: as it is JSON, it is told by
/// how it begins.
pub(super) fn document(call: &Call, reply: &Reply, name: &UserName) -> Result<Vec<u8>> {
    let answer = answer(call, reply)?;
    let wrong = || call.misunderstood(NO_ANSWER);
    let policy = answer.child("GetUserPolicyResult").ok_or_else(wrong)?;
    of(call, policy, name)?;
    let text = policy.text_of("PolicyDocument").ok_or_else(wrong)?;
    plain(text).ok_or_else(wrong)
}

/// The version of a policy that holds. (`Policy` of the API reference.)
pub(super) fn default_version(call: &Call, reply: &Reply) -> Result<String> {
    let answer = answer(call, reply)?;
    let policy = answer.find_with("Policy", "DefaultVersionId");
    let version = policy.and_then(|policy| policy.text_of("DefaultVersionId"));
    let version = version.filter(|version| !version.is_empty());
    Ok(version.ok_or_else(|| call.misunderstood(NO_ANSWER))?.to_owned())
}

/// The text of a version of a policy.
pub(super) fn version_document(call: &Call, reply: &Reply) -> Result<Vec<u8>> {
    let answer = answer(call, reply)?;
    let version = answer.find_with("PolicyVersion", "Document");
    let text = version.and_then(|version| version.text_of("Document"));
    text.and_then(plain).ok_or_else(|| call.misunderstood(NO_ANSWER))
}

/// The text of a policy in either form.
fn plain(text: &str) -> Option<Vec<u8>> {
    if text.trim_start().starts_with('{') {
        return Some(text.as_bytes().to_vec());
    }
    decoded(text)
}

/// Without percent-encoding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

/// A page of ARNs of attached policies.
pub(super) fn attached(call: &Call, reply: &Reply) -> Result<Page<String>> {
    page(call, reply, "AttachedPolicies", |member| {
        let arn = member.text_of("PolicyArn").filter(|arn| !arn.is_empty());
        Ok(arn.ok_or_else(|| call.misunderstood(NO_ANSWER))?.to_owned())
    })
}

/// A key just made, for this user.
pub(super) fn new_key(call: &Call, reply: &Reply, name: &UserName) -> Result<NewKey> {
    let answer = answer(call, reply)?;
    let missing = || call.misunderstood("the new key is missing in the store's answer");
    let key = answer.find_with("AccessKey", "AccessKeyId").ok_or_else(missing)?;
    of(call, key, name)?;
    let secret = key.text_of("SecretAccessKey").filter(|secret| !secret.is_empty());
    Ok(NewKey {
        id: key_id(call, key)?,
        secret: secret.ok_or_else(missing)?.to_owned().into(),
    })
}

/// When a key was last used. (`GetAccessKeyLastUsed`: no date, or `N/A` for a key that was not used since it is tracked.)
pub(super) fn last_use(call: &Call, reply: &Reply) -> Result<LastUse> {
    let answer = answer(call, reply)?;
    let result = answer.child("GetAccessKeyLastUsedResult");
    let used = result.and_then(|result| result.child("AccessKeyLastUsed"));
    let used = used.ok_or_else(|| call.misunderstood(NO_ANSWER))?;
    Ok(match used.text_of("LastUsedDate") {
        None | Some("" | "N/A") => LastUse::Never,
        Some(date) => date.parse().map_or(LastUse::Unknown, LastUse::At),
    })
}

/// A page of a list whose members are in an element of this name.
fn page<T>(call: &Call, reply: &Reply, list: &str, read: impl Fn(&Element) -> Result<T>) -> Result<Page<T>> {
    let answer = answer(call, reply)?;
    let wrong = || call.misunderstood(NO_ANSWER);
    let result = answer
        .child(&format!("{}Result", call.operation))
        .ok_or_else(wrong)?;
    let members = result.child(list).ok_or_else(wrong)?;
    let items = members.all("member").map(read).collect::<Result<_>>()?;
    let is_last = result.text_of("IsTruncated") != Some("true");
    let marker = result.text_of("Marker").filter(|marker| !marker.is_empty());
    match (is_last, marker) {
        (true, _) => Ok(Page { items, marker: None }),
        (false, Some(marker)) => Ok(Page {
            items,
            marker: Some(marker.to_owned()),
        }),
        (false, None) => Err(call.misunderstood("the store says that a list goes on, and not where")),
    }
}

/// An element about a user, if it names one, is about this user: a store that overlooks `UserName` answers for our own.
fn of(call: &Call, element: &Element, name: &UserName) -> Result<()> {
    match element.text_of("UserName") {
        Some(told) if !told.eq_ignore_ascii_case(name.as_str()) => Err(call.misunderstood(ANOTHER)),
        Some(_) | None => Ok(()),
    }
}

/// `\w{16,128}` on AWS (`AccessKeyId` of the API reference); shorter ones are met elsewhere.
fn key_id(call: &Call, element: &Element) -> Result<AccessKeyId> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let id = element.text_of("AccessKeyId").unwrap_or_default();
    if (1..=128).contains(&id.len()) && id.bytes().all(is_word) {
        Ok(AccessKeyId::new(id))
    } else {
        Err(call.misunderstood(NO_ANSWER))
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
