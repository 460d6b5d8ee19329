//! What the admin API answers. Members that are not needed are not looked at; one that is needed and missing makes an
//! answer that is not understood, since a guess could lose a key.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use std::collections::BTreeMap;

/// An element of the list of keys.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    /// Its access key id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// Its end has come: no S3 request is accepted with it.
    pub(super) expired: bool,
}

/// A key with what it may do: the answer to get, import and change. It has no `Debug`: it may hold a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    /// Its access key id.
    pub(super) access_key_id: String,
    /// Its name.
    pub(super) name: String,
    /// See [`Listed::expired`].
    pub(super) expired: bool,
    /// When it was made.
    #[serde(default)]
    pub(super) created: Option<Timestamp>,
    /// Its secret half, where it was asked for.
    #[serde(default, rename = "secretAccessKey", deserialize_with = "secret")]
    pub(super) secret: Option<SecretString>,
    /// What it may do anywhere.
    pub(super) permissions: Everywhere,
    /// The buckets that it may use, or has a name for.
    pub(super) buckets: Vec<KeyBucket>,
}

/// Straight from the text into what is wiped.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// What a key may do anywhere.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Everywhere {
    /// Make buckets.
    pub(super) create_bucket: bool,
}

/// A bucket as one key sees it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyBucket {
    /// 64 hex digits.
    pub(super) id: String,
    /// Names that it has for this key alone.
    pub(super) local_aliases: Vec<String>,
    /// What the key may do with it.
    pub(super) permissions: Permissions,
}

/// What a key may do with a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Permissions {
    /// Read objects.
    #[serde(default)]
    pub(super) read: bool,
    /// Write objects.
    #[serde(default)]
    pub(super) write: bool,
    /// Change its settings, and delete it.
    #[serde(default)]
    pub(super) owner: bool,
}

impl Permissions {
    /// None at all.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// What either allows.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            owner: self.owner || other.owner,
        }
    }

    /// The same without the right to settings.
    pub(super) fn without_owner(self) -> Self {
        Self { owner: false, ..self }
    }

    /// What of this the other does not allow.
    pub(super) fn without(self, other: Self) -> Self {
        Self {
            read: self.read && !other.read,
            write: self.write && !other.write,
            owner: self.owner && !other.owner,
        }
    }
}

/// A bucket with the keys that may use it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bucket {
    /// 64 hex digits.
    pub(super) id: String,
    /// Names that it has for every key.
    #[serde(default)]
    pub(super) global_aliases: Vec<String>,
    /// Who may use it, or has a name for it.
    pub(super) keys: Vec<BucketKey>,
}

impl Bucket {
    /// What this key may do with it.
    pub(super) fn rights_of(&self, key: &str) -> Permissions {
        let mut keys = self.keys.iter();
        let of = keys.find(|of| of.access_key_id == key);
        of.map(|of| of.permissions).unwrap_or_default()
    }

    /// It has no name but this one, and no key has anything of it.
    pub(super) fn is_nobodys_but(&self, alias: &str) -> bool {
        let has_nothing = |key: &BucketKey| key.permissions.is_none() && key.bucket_local_aliases.is_empty();
        self.global_aliases == [alias] && self.keys.iter().all(has_nothing)
    }
}

/// A key as one bucket sees it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BucketKey {
    /// Its access key id.
    pub(super) access_key_id: String,
    /// What it may do with the bucket.
    pub(super) permissions: Permissions,
    /// Names that the bucket has for this key alone.
    #[serde(default)]
    pub(super) bucket_local_aliases: Vec<String>,
}

/// The token that calls are made with.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    /// Names of endpoints, or `*`.
    pub(super) scope: Vec<String>,
}

impl Token {
    /// Whether it may be used for this endpoint.
    pub(super) fn covers(&self, endpoint: &str) -> bool {
        self.scope.iter().any(|name| name == "*" || name == endpoint)
    }
}

/// Answers of nodes, by their ids.
#[derive(Debug, Deserialize)]
pub(super) struct Nodes {
    /// Those that answered.
    #[serde(default)]
    pub(super) success: BTreeMap<String, Node>,
}

/// One node.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    /// Such as `v2.5.0`, or `cargo:2.5.0`.
    #[serde(default)]
    pub(super) garage_version: Option<String>,
}

/// A refusal: `{"code":"NoSuchAccessKey","message":"…","region":"garage","path":"/v2/GetKeyInfo"}`.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    /// What went wrong, as a word.
    pub(super) code: String,
    /// What went wrong, as a sentence. It may quote what was sent, so it is looked at and never shown.
    #[serde(default)]
    pub(super) message: String,
    /// What was asked for. Something else that answers in JSON would hardly have this.
    #[serde(rename = "path")]
    _path: IgnoredAny,
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    /// As Garage 2.5.0 answered.
    pub(super) fn recorded<T: DeserializeOwned>(which: &str) -> T {
        let mut all: Value = serde_json::from_str(include_str!("recorded/garage-2.5.0.json")).unwrap();
        serde_json::from_value(all[which].take()).unwrap_or_else(|error| panic!("{which}: {error}"))
    }

    #[test]
    fn a_list_tells_id_name_and_end_of_each_key() {
        let list: Vec<Listed> = recorded("ListKeys");
        let told: Vec<_> = list.iter().map(|key| (key.name.as_str(), key.expired)).collect();
        assert_eq!(told, [("recorded", false), ("recorded, locked", true)]);
        assert!(list.iter().all(|key| key.id.starts_with("GKrecorded")));
    }

    #[test]
    fn a_key_is_shown_with_its_secret_only_where_that_was_asked_for() {
        let key: Key = recorded("GetKeyInfo with secret");
        let secret = key.secret.unwrap();
        assert_eq!(secret.expose_secret(), "RECORDED-SECRET-HALF");
        assert!(recorded::<Key>("GetKeyInfo").secret.is_none());
        assert!(recorded::<Key>("ImportKey").secret.is_none());
    }

    #[test]
    fn a_key_is_shown_with_its_rights_and_names() {
        let key: Key = recorded("GetKeyInfo");
        assert!(key.permissions.create_bucket && key.created.is_some() && !key.expired);
        let [bucket] = key.buckets.as_slice() else {
            panic!("one bucket: {:?}", key.buckets)
        };
        assert_eq!(bucket.local_aliases, ["recorded-bucket"]);
        assert!(bucket.permissions.read && bucket.permissions.write && bucket.permissions.owner);
        assert_eq!(bucket.id.len(), 64);
    }

    #[test]
    fn an_expiry_in_the_past_is_told_as_such() {
        assert!(recorded::<Key>("UpdateKey, locked").expired);
        assert!(!recorded::<Key>("UpdateKey, unlocked").expired);
    }

    #[test]
    fn a_bucket_is_shown_with_the_keys_that_may_use_it() {
        let bucket: Bucket = recorded("GetBucketInfo");
        assert!(bucket.global_aliases.is_empty());
        let [key] = bucket.keys.as_slice() else {
            panic!("one key: {:?}", bucket.keys)
        };
        assert_eq!(key.bucket_local_aliases, ["recorded-bucket"]);
        assert!(!key.permissions.is_none());
    }

    #[test]
    fn a_token_covers_what_its_scope_names() {
        let token: Token = recorded("GetCurrentAdminTokenInfo, scoped");
        assert!(token.covers("ListKeys") && !token.covers("ImportKey"));
        assert!(recorded::<Token>("GetCurrentAdminTokenInfo").covers("ImportKey"));
    }

    #[test]
    fn a_node_tells_its_version() {
        let nodes: Nodes = recorded("GetNodeInfo");
        let versions: Vec<_> = nodes
            .success
            .values()
            .map(|n| n.garage_version.as_deref())
            .collect();
        assert_eq!(versions, [Some("cargo:2.5.0")]);
    }

    #[test]
    fn rights_are_added_and_taken_away_one_by_one() {
        let of = |read, write, owner| Permissions { read, write, owner };
        assert_eq!(
            of(true, false, false).with(of(false, true, false)),
            of(true, true, false)
        );
        assert_eq!(
            of(true, true, false).without(of(true, false, true)),
            of(false, true, false)
        );
    }

    #[test]
    fn an_answer_without_what_is_needed_is_refused() {
        for text in [
            r#"[{"id":"GK1","name":"x"}]"#,
            r#"[{"id":"GK1","expired":false}]"#,
            r#"{"id":"GK1","name":"x","expired":false}"#,
        ] {
            assert!(serde_json::from_str::<Vec<Listed>>(text).is_err(), "{text}");
        }
        let text = r#"{"accessKeyId":"GK1","name":"x","expired":false,"permissions":{"createBucket":true}}"#;
        assert!(
            serde_json::from_str::<Key>(text).is_err(),
            "its buckets are missing"
        );
    }
}
