//! What the REST API answers, decoded leniently: pages and releases differ in form.

use crate::backend::{ObservedCredential, ObservedUser};
use crate::domain::{
    access::Limits,
    facts::LastUse,
    ids::{AccessKeyId, CredentialId, OwnerMark},
};
use secrecy::SecretString;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use std::{fmt, marker::PhantomData};

/// The user that the cluster makes itself: it may do everything on the storage VM.
pub(super) const ROOT: &str = "root";

/// A list that one page shows as a single object. Read without a copy in between, since it may hold secret halves.
#[derive(Debug)]
pub(super) struct Several<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeveralVisitor(PhantomData))
    }
}

struct SeveralVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SeveralVisitor<T> {
    type Value = Several<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or one of its records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(Several(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| Several(vec![one]))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| Several(vec![one]))
    }
}

/// One page of a list, or the answer to a change.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub(super) struct Page<T> {
    /// The records of this page.
    pub(super) records: Option<Several<T>>,
    /// How many there are.
    #[serde(default, deserialize_with = "number")]
    pub(super) num_records: Option<String>,
    #[serde(default, rename = "_links")]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Links {
    next: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Option<String>,
}

impl<T> Page<T> {
    /// Where the next page is.
    pub(super) fn next(&self) -> Option<&str> {
        self.links.as_ref()?.next.as_ref()?.href.as_deref()
    }
}

/// `version` of the cluster.
#[derive(Deserialize)]
pub(super) struct Cluster {
    /// The release.
    pub(super) version: Release,
}

/// The release of the cluster.
#[derive(Deserialize)]
pub(super) struct Release {
    /// 9.
    #[serde(default, deserialize_with = "number")]
    pub(super) generation: Option<String>,
    /// 8 to 19.
    #[serde(default, deserialize_with = "number")]
    pub(super) major: Option<String>,
    /// 1, mostly.
    #[serde(default, deserialize_with = "number")]
    pub(super) minor: Option<String>,
}

/// A storage VM.
#[derive(Deserialize)]
pub(super) struct Svm {
    /// Its name.
    #[serde(default)]
    pub(super) name: String,
    /// What paths name it by.
    #[serde(default)]
    pub(super) uuid: String,
}

/// Which of a user's two pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Key 1, the one that a user is made with, and the only one up to 9.18.1.
    First,
    /// Key 2, from 9.19.1.
    Second,
}

impl Slot {
    /// As `key_id` has it.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }
}

/// A user, as read or as made.
#[derive(Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    /// Key 1. Left out, empty or null for a user without keys.
    #[serde(default)]
    access_key: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_key: Option<SecretString>,
    /// Both pairs, from 9.19.1.
    #[serde(default)]
    keys: Option<Several<Key>>,
}

/// One of two pairs.
#[derive(Deserialize)]
struct Key {
    #[serde(default, deserialize_with = "number")]
    id: Option<String>,
    #[serde(default, rename = "access_key")]
    access: Option<String>,
    #[serde(default, rename = "secret_key", deserialize_with = "secret")]
    secret: Option<SecretString>,
}

impl Key {
    fn slot(&self) -> Option<Slot> {
        match self.id.as_deref() {
            Some("1") => Some(Slot::First),
            Some("2") => Some(Slot::Second),
            _ => None,
        }
    }
}

/// A pair as a record shows it, and its slot where the record tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) access_key: String,
    pub(super) slot: Option<Slot>,
}

impl User {
    /// Whether the record has the field of two pairs.
    pub(super) fn shows_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The live pairs.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let listed = self.keys.iter().flat_map(|keys| &keys.0);
        let mut pairs: Vec<Pair> = listed
            .filter_map(|key| {
                let access_key = key.access.clone().filter(|id| !id.is_empty())?;
                let slot = key.slot();
                Some(Pair { access_key, slot })
            })
            .collect();
        if let Some(access_key) = self.access_key.clone().filter(|id| !id.is_empty())
            && !pairs.iter().any(|pair| pair.access_key == access_key)
        {
            let slot = Some(Slot::First);
            pairs.push(Pair { access_key, slot });
        }
        pairs
    }

    /// The pair with its secret half, in the answer to a create or regenerate of this slot.
    pub(super) fn issued(self, slot: Option<Slot>) -> Option<(String, SecretString)> {
        if let (Some(access_key), Some(secret)) = (self.access_key, self.secret_key) {
            return Some((access_key, secret));
        }
        let wanted = slot.unwrap_or(Slot::First);
        let keys = self.keys.into_iter().flat_map(|keys| keys.0);
        let mut keys = keys.filter(|key| key.slot().is_none_or(|slot| slot == wanted));
        keys.find_map(|key| key.access.zip(key.secret))
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> Option<OwnerMark> {
        self.comment
            .as_deref()
            .and_then(split_comment)
            .map(|(_, mark)| mark)
    }

    /// Whether no user of ours can be this one.
    pub(super) fn is_root(&self) -> bool {
        self.name.as_deref() == Some(ROOT)
    }

    /// As the rest of the operator sees it.
    pub(super) fn observe(&self, locked: bool) -> ObservedUser {
        let comment = self.comment.as_deref().unwrap_or_default();
        let (label, owner) = match split_comment(comment) {
            Some((label, mark)) => (label, Some(mark)),
            None => (comment, None),
        };
        let credentials = self.pairs().into_iter().map(|pair| {
            let access_key_id = AccessKeyId::new(pair.access_key);
            ObservedCredential {
                id: CredentialId::from(&access_key_id),
                access_key_id,
                secret: None,
                last_use: LastUse::Unknown,
            }
        });
        ObservedUser {
            limits: Ok(Limits::new()),
            owner,
            label: label.to_owned(),
            locked,
            half_locked: false,
            privileged: self.is_root(),
            credentials: credentials.collect(),
        }
    }
}

const MARK_BEGIN: &str = " [gracekey:";
const MARK_END: char = ']';

/// Label and mark in the one text that a user has. People read the label first; the mark ends it, so that no label can
/// hold another's mark. With a label of 128 characters it has 172, of 256 that fit.
pub(super) fn comment_of(label: &str, mark: &OwnerMark) -> String {
    format!("{label}{MARK_BEGIN}{mark}{MARK_END}")
}

/// Label and mark of such a text; `None` where it ends otherwise. White space after it is somebody's editor's.
fn split_comment(comment: &str) -> Option<(&str, OwnerMark)> {
    let text = comment.trim_end().strip_suffix(MARK_END)?;
    let (label, mark) = text.rsplit_once(MARK_BEGIN)?;
    Some((label, OwnerMark::parse(mark)?))
}

/// An error body: `{"error":{"message":"…","code":"4","target":"uuid"}}`. `arguments` may be there in any form.
#[derive(Deserialize)]
pub(super) struct Refusal {
    /// What went wrong.
    pub(super) error: Fault,
}

/// What went wrong. The message may quote what was sent, so it is not kept.
#[derive(Deserialize)]
pub(super) struct Fault {
    /// Text on the wire, a number by one page.
    #[serde(default, deserialize_with = "number")]
    pub(super) code: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// A whole number, written as number or text; anything else counts as not there.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?.unwrap_or_default();
    if let Some(number) = value.as_u64() {
        return Ok(Some(number.to_string()));
    }
    let is_number = |text: &&str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    Ok(value.as_str().filter(is_number).map(str::to_owned))
}
