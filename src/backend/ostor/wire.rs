//! What the store answers. Forms that the documents show differently are all taken; what would lose a key is not: a
//! user without its list of pairs, or a pair without its id.

use crate::backend::{ObservedCredential, ObservedUser, error};
use crate::domain::{
    access::Limits,
    facts::LastUse,
    identity::Identity,
    ids::{AccessKeyId, CredentialId},
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _, de::IgnoredAny};

/// A user: the body of get, create and `genKey`. The last two, and older products, leave out all but address and pairs.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    /// Its e-mail address, which is its name.
    #[serde(rename = "UserEmail")]
    pub(super) email: String,
    /// `enabled` or `disabled`.
    #[serde(default)]
    pub(super) state: Option<String>,
    /// Its key pairs, in any order.
    #[serde(rename = "AWSAccessKeys", deserialize_with = "list")]
    pub(super) keys: Vec<Key>,
}

/// A key pair.
#[derive(Deserialize)]
pub(super) struct Key {
    /// Public half.
    #[serde(rename = "AWSAccessKeyId", deserialize_with = "key_id")]
    pub(super) access_key: String,
    /// Secret half.
    #[serde(rename = "AWSSecretAccessKey", default, deserialize_with = "secret")]
    pub(super) secret_key: Option<SecretString>,
}

/// Bytes of a gigabyte. What the vendor writes of quotas has "gigabytes" and "GB", and nowhere GiB; that it is 10^9 is no more
/// than what the word means.
pub(super) const GIGABYTE: u64 = 1_000_000_000;

/// A quota.
#[derive(Debug, Deserialize)]
pub(super) struct Quota {
    /// A number as text. "Zero value means unlimited" ("GET service ostor-quotas").
    #[serde(deserialize_with = "number")]
    size: u64,
}

impl Quota {
    /// In bytes; `None` where there is none.
    ///
    /// The text of "GET service ostor-quotas" says that sizes are in bytes, and its sample has 1024 for what that of PUT sets
    /// to 1024 GB. No quota is less than a gigabyte, and none that this driver sets has as many gigabytes as a gigabyte has
    /// bytes: so the number itself tells which of both it is.
    pub(super) fn bytes(&self) -> Option<u64> {
        let is_in_bytes = self.size >= GIGABYTE;
        let bytes = if is_in_bytes {
            self.size
        } else {
            self.size * GIGABYTE
        };
        (bytes > 0).then_some(bytes)
    }
}

/// A listing. The client recorded `{"Buckets":[…]}`; where guides print lists, they print bare arrays.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Buckets {
    Named {
        #[serde(rename = "Buckets", deserialize_with = "list")]
        buckets: Vec<IgnoredAny>,
    },
    Bare(Vec<IgnoredAny>),
}

impl Buckets {
    /// There are none.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Named { buckets } | Self::Bare(buckets) => buckets.is_empty(),
        }
    }
}

impl User {
    /// As the rest of the operator sees it. `own_key`: the access key this driver signs with. `limits`: they are read by another
    /// call.
    pub(super) fn observe(self, own_key: &AccessKeyId, limits: error::Result<Limits>) -> ObservedUser {
        ObservedUser {
            limits,
            owner: Identity::mark_in(&self.email),
            label: String::new(),
            locked: self.is_locked(),
            half_locked: false,
            privileged: self.holds(own_key.as_str()),
            credentials: self.keys.into_iter().map(Key::observe).collect(),
        }
    }

    /// Whether it is disabled. Nothing else is taken for it: who waits for a lock must not be told too early.
    pub(super) fn is_locked(&self) -> bool {
        matches!(&self.state, Some(state) if state.eq_ignore_ascii_case("disabled"))
    }

    /// Whether this access key is one of its own.
    pub(super) fn holds(&self, access_key: &str) -> bool {
        self.keys.iter().any(|key| key.access_key == access_key)
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

/// A list that must be there. `null` says that it is empty.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Hex digits and four characters of the store's choice. What is none of letters and digits cannot be signed with.
fn key_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(id)
    } else {
        Err(D::Error::custom("no access key id"))
    }
}

/// A whole number, as text or as it is.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Plain(u64),
        Text(String),
    }
    match Number::deserialize(deserializer)? {
        Number::Plain(number) => Ok(number),
        Number::Text(text) => text.parse().map_err(|_| D::Error::custom("no whole number")),
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let secret = Option::<String>::deserialize(deserializer)?;
    Ok(secret.filter(|text| !text.is_empty()).map(SecretString::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    /// Bodies as the documents and the client print them; addresses and keys made up.
    fn recorded(which: &str) -> serde_json::Value {
        let all: serde_json::Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
        all[which].clone()
    }

    fn user(which: &str) -> User {
        serde_json::from_value(recorded(which)).unwrap_or_else(|error| panic!("{which}: {error}"))
    }

    const OTHER: &str = "OTHER";

    #[test]
    fn a_user_is_read_from_every_form_that_is_documented() {
        for (which, keys, locked) in [
            ("created", 1, false),
            ("generated", 2, false),
            ("generated, the new one alone", 1, false),
            ("one user", 2, false),
            ("one user, disabled", 1, true),
            ("one user of Acronis Storage 2", 1, false),
            ("one user of 7.0.5", 1, false),
            ("one user without pairs", 0, false),
        ] {
            let user = user(which).observe(&AccessKeyId::new(OTHER), Ok(Limits::new()));
            assert_eq!(user.credentials.len(), keys, "{which}");
            assert_eq!(user.locked, locked, "{which}");
            assert!(!user.privileged && user.owner.is_none(), "{which}");
            for key in user.credentials {
                let secret = key.secret.unwrap();
                assert_eq!(secret.expose_secret().len(), 40, "{which}");
                assert_eq!(key.last_use, LastUse::Unknown, "{which}");
            }
        }
    }

    #[test]
    fn the_mark_of_its_owner_is_read_from_the_address() {
        let user = user("one user of ours").observe(&AccessKeyId::new(OTHER), Ok(Limits::new()));
        assert_eq!(user.owner.unwrap().as_str(), "0123456789abcdef0123456789abcdef");
    }

    #[test]
    fn the_holder_of_our_own_key_is_privileged() {
        let own = AccessKeyId::new("a721fc1a64f13a05OQF4");
        assert!(user("created").observe(&own, Ok(Limits::new())).privileged);
    }

    #[test]
    fn what_would_lose_a_key_is_not_taken() {
        for body in [
            r#"{"UserEmail":"a@b.example"}"#,
            r#"{"UserId":"a721fc1a64f13a05","AWSAccessKeys":[]}"#,
            r#"{"UserEmail":"a@b.example","AWSAccessKeys":[{"AWSSecretAccessKey":"s"}]}"#,
            r#"{"UserEmail":"a@b.example","AWSAccessKeys":[{"AWSAccessKeyId":""}]}"#,
            r#"{"UserEmail":"a@b.example","AWSAccessKeys":[{"AWSAccessKeyId":"a b"}]}"#,
            r#"{"UserEmail":"a@b.example","AWSAccessKeys":{}}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<User>(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_listing_of_buckets_comes_in_two_shapes() {
        let is_empty = |value| serde_json::from_value::<Buckets>(value).unwrap().is_empty();
        assert!(!is_empty(recorded("buckets")));
        assert!(!is_empty(recorded("buckets")["Buckets"].clone()));
        for none in [r#"{"Buckets":[]}"#, r#"{"Buckets":null}"#, "[]"] {
            assert!(is_empty(serde_json::from_str(none).unwrap()), "{none}");
        }
        for unknown in ["{}", r#"{"Items":[]}"#, r#""none""#, "null"] {
            assert!(serde_json::from_str::<Buckets>(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_quota_is_told_in_gigabytes_or_in_bytes() {
        let bytes = |value| serde_json::from_value::<Quota>(value).map(|quota| quota.bytes());
        for (which, want) in [
            ("quota of the guide", Some(1_024_000_000_000)),
            ("quota of the reference", Some(1_024_000_000_000)),
            ("quota in bytes", Some(10_000_000_000)),
            ("quota in bytes of 2^30", Some(10_737_418_240)),
            ("no quota", None),
        ] {
            assert_eq!(bytes(recorded(which)).unwrap(), want, "{which}");
        }
        let size = |size: serde_json::Value| bytes(serde_json::json!({ "version": "1", "size": size }));
        assert_eq!(size(1.into()).unwrap(), Some(GIGABYTE));
        assert_eq!(size(999_999_999.into()).unwrap(), Some(999_999_999_000_000_000));
        assert_eq!(size(GIGABYTE.into()).unwrap(), Some(GIGABYTE), "in bytes");
        for no_size in [
            serde_json::Value::Null,
            "".into(),
            "1.5".into(),
            "-1".into(),
            (-1).into(),
            "x".into(),
        ] {
            assert!(size(no_size.clone()).is_err(), "{no_size}");
        }
        assert!(bytes(serde_json::json!({ "version": "1", "type": "user" })).is_err());
        assert!(bytes(recorded("buckets")).is_err());
    }

    #[test]
    fn an_observed_user_prints_no_secret() {
        let text = format!(
            "{:?}",
            user("one user").observe(&AccessKeyId::new(OTHER), Ok(Limits::new()))
        );
        assert!(
            text.contains("a721fc1a64f13a05OQF4") && !text.contains("Vtz"),
            "{text}"
        );
    }
}
