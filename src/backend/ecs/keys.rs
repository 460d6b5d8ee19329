//! The two secrets of a user as they are answered, and the ids that tell one from the other.

use super::wire::{Answer, maybe_flag, secret, text};
use crate::domain::ids::{CredentialId, UserName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// `GET /object/user-secret-keys/{uid}/{namespace}`.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as they are on the wire")]
pub(super) struct Keys {
    #[serde(default, deserialize_with = "secret")]
    secret_key_1: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_flag")]
    secret_key_1_exist: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    secret_key_1_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_key_2: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_flag")]
    secret_key_2_exist: Option<bool>,
    #[serde(default, deserialize_with = "text")]
    secret_key_2_id: Option<String>,
}

impl Answer for Keys {
    const FIELDS: &[&str] = &[
        "secret_key_1",
        "secret_key_1_exist",
        "secret_key_1_id",
        "secret_key_2",
        "secret_key_2_exist",
        "secret_key_2_id",
    ];
}

/// A secret of a user, whatever slot it stands in: nothing says which of them a new one takes.
#[derive(Debug)]
pub(super) struct Key {
    /// The access key id with the first digits of the secret's SHA-256.
    pub(super) id: CredentialId,
    /// Its value, unless it is hidden.
    pub(super) secret: Option<SecretString>,
    /// The system's own id: SHA-256 of the value. Missing in older releases.
    pub(super) server_id: Option<String>,
}

impl Keys {
    /// Those that are there. `None`: one is, and nothing tells it from the other.
    pub(super) fn of(self, name: &UserName) -> Option<Vec<Key>> {
        let slots = [
            (self.secret_key_1, self.secret_key_1_exist, self.secret_key_1_id),
            (self.secret_key_2, self.secret_key_2_exist, self.secret_key_2_id),
        ];
        let mut keys: Vec<Key> = Vec::new();
        for (secret, exists, server_id) in slots {
            let told = secret.is_some() || (exists.is_none() && server_id.is_some());
            if !told && exists != Some(true) {
                continue;
            }
            let id = match (&secret, &server_id) {
                (Some(secret), _) => id_of_secret(name, secret),
                (None, Some(server_id)) => id_of_digest(name, server_id)?,
                (None, None) => return None,
            };
            // One value may stand in both slots; it is one key all the same.
            if keys.iter().all(|key| key.id != id) {
                keys.push(Key {
                    id,
                    secret,
                    server_id,
                });
            }
        }
        Some(keys)
    }
}

/// `POST /object/user-secret-keys/{uid}`.
#[derive(Deserialize)]
pub(super) struct NewKey {
    /// Its value, which is told here even where it is hidden from then on.
    #[serde(default, deserialize_with = "secret")]
    pub(super) secret_key: Option<SecretString>,
    #[serde(default, deserialize_with = "text")]
    secret_key_id: Option<String>,
}

impl Answer for NewKey {
    const FIELDS: &[&str] = &["secret_key"];
}

impl NewKey {
    /// Its id, as reading will tell it: by the system's own where the value is hidden by then.
    pub(super) fn id(&self, name: &UserName, secret: &SecretString, hidden: bool) -> CredentialId {
        let told = self.secret_key_id.as_deref().filter(|_| hidden);
        told.and_then(|digest| id_of_digest(name, digest))
            .unwrap_or_else(|| id_of_secret(name, secret))
    }
}

/// Hex digits of a SHA-256 in a credential's id.
const DIGITS: usize = 16;

fn id_of_secret(name: &UserName, secret: &SecretString) -> CredentialId {
    let digest = Sha256::digest(secret.expose_secret().as_bytes());
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digest: String = nibbles
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect();
    id(name, &digest)
}

fn id_of_digest(name: &UserName, digest: &str) -> Option<CredentialId> {
    let is_digest = digest.len() >= DIGITS && digest.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest.then(|| id(name, &digest.to_ascii_lowercase()))
}

fn id(name: &UserName, digest: &str) -> CredentialId {
    let digits: String = digest.chars().take(DIGITS).collect();
    CredentialId::new(format!("{name}{}{digits}", CredentialId::SEPARATOR))
}
