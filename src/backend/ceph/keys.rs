//! Keys: added and removed, after a look at what is there.

use super::{CephDriver, NO_ANSWER, error, request, wire};
use crate::backend::call::is_success;
use crate::backend::{ErrorKind, IssueRequest, KeyPair, Result};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};

/// Longest access key id that is sent.
const ACCESS_KEY_ID_MAX: usize = 128;

impl CephDriver {
    pub(super) async fn add_key(&self, name: &UserName, request: &IssueRequest) -> Result<KeyPair> {
        let id = request
            .access_key_id
            .clone()
            .unwrap_or_else(|| AccessKeyId::new(""));
        let call = request::issue(name, &id);
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        if !is_usable_key_id(id.as_str()) {
            return refuse(
                ErrorKind::Invalid,
                "an access key id must be given, of 1 to 128 letters and digits",
            );
        }
        // For a key that is there, the gateway would replace the secret at once.
        let Some(user) = self.get(name).await? else {
            return refuse(ErrorKind::NotFound, "there is no such user on the gateway");
        };
        if user.keys.iter().any(|key| key.access_key == id.as_str()) {
            return refuse(ErrorKind::Conflict, "it has a key of this id already");
        }
        let reply = self.succeed(&call).await?;
        let keys: Vec<wire::Key> = call.parse(&reply, NO_ANSWER)?;
        let secret = keys
            .into_iter()
            .find(|key| key.access_key == id.as_str())
            .and_then(|key| key.secret_key);
        let secret =
            secret.ok_or_else(|| call.misunderstood("the new key is missing in the gateway's answer"))?;
        Ok(KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret,
        })
    }

    pub(super) async fn remove_key(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        let call = request::revoke(name, id.as_str());
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        let Some(user) = self.get(name).await? else {
            return Ok(());
        };
        if !user.keys.iter().any(|key| key.access_key == id.as_str()) {
            return Ok(());
        }
        if id.as_str() == self.config.access_key_id.as_str() {
            return refuse(
                ErrorKind::Conflict,
                "this is the key that this operator signs with",
            );
        }
        let reply = self.send(&call).await?;
        match error::code(&reply).as_deref() {
            _ if is_success(&reply) => Ok(()),
            Some("NoSuchUser") if reply.status == 404 => Ok(()),
            // Says "the key is gone" and "the admin key is dead" alike; the next read tells which.
            Some("InvalidAccessKeyId") => refuse(
                ErrorKind::Transient,
                "the key went away while it was being removed, or the admin key died: read again",
            ),
            _ => Err(error::refused(&call, &reply)),
        }
    }
}

/// Other characters are taken by RGW, and then break the signatures of those who use the key.
fn is_usable_key_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ACCESS_KEY_ID_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric())
}
