//! Keys: service accounts of a user.

use super::{MinioDriver, NO_ANSWER, NO_USER, Scheme, check_name, error, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::Reply;
use crate::backend::{IssueRequest, KeyPair, NewUser};
use crate::domain::identity::Identity;
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};

const DISABLED: &str = "somebody disabled it, and the server gives no key to a disabled user: enable it";
const TAKEN: &str = "the access key id belongs to somebody already";

impl MinioDriver {
    /// Makes a service account with a pair of our choice.
    pub(super) async fn add_key(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        let name = &user.name;
        let id = request.access_key_id.clone();
        let id = id.unwrap_or_else(|| AccessKeyId::new(""));
        let secret = self.link.config().entropy.secret();
        let call = request::issue(name, &id, &secret);
        check_name(&call, name)?;
        if !is_usable_key_id(id.as_str()) {
            let text = "an access key id must be given, of 3 to 20 letters and digits";
            return Err(call.refuse(ErrorKind::Invalid, text));
        }
        if Identity::mark_in(name.as_str()).as_ref() != Some(&user.owner) {
            return Err(call.refuse(ErrorKind::Conflict, super::FOREIGN));
        }
        // Of two surprises of older servers: a user that is not there would get a key, and a key that is there another
        // secret.
        let Some(there) = self.get_ours(&call, name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        self.demand_free(name, &id).await?;
        self.check_own_key().await?;
        // No key may work before its user may do what it is for: whoever gets the first one uses it at once.
        self.mend_rights(name, &there).await?;
        if user.locked && !there.is_locked() {
            // It was made halfway.
            self.lock(name).await?;
        }
        let reply = self.link.send(&call).await?;
        if there.is_disabled() && error::is_no_user(&reply) {
            return Err(call.refuse(ErrorKind::Conflict, DISABLED));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        demand_issued(&call, &reply, &id)?;
        Ok(KeyPair {
            id: CredentialId::from(&id),
            access_key_id: id,
            secret,
        })
    }

    /// Sees that nobody has this access key: no user, and no service account.
    async fn demand_free(&self, name: &UserName, id: &AccessKeyId) -> Result<()> {
        let call = request::find_key(name, id);
        if id == self.link.own_key() {
            return Err(call.refuse(ErrorKind::Conflict, TAKEN));
        }
        let reply = self.link.send(&call).await?;
        if error::is_no_user(&reply) {
            return Ok(());
        }
        if error::is_a_key(&reply) || (is_success(&reply) && call.parse::<wire::User>(&reply, "").is_ok()) {
            return Err(call.refuse(ErrorKind::Conflict, TAKEN));
        }
        if is_success(&reply) {
            return Err(call.misunderstood(NO_ANSWER));
        }
        Err(error::refused(&call, &reply))
    }
}

/// The pair is known, so that a message need not be decrypted, which is costly. A server that does not encrypt tells the
/// access key.
fn demand_issued(call: &Call, reply: &Reply, id: &AccessKeyId) -> Result<()> {
    if Scheme::of(&reply.body).is_some() {
        return Ok(());
    }
    let issued: wire::Issued = call.parse(reply, NO_ANSWER)?;
    if issued.credentials.access_key == id.as_str() {
        Ok(())
    } else {
        Err(call.misunderstood("the server made another key than was asked for"))
    }
}

/// 20 is the most that servers take (`internal/auth/credentials.go`).
fn is_usable_key_id(id: &str) -> bool {
    (3..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Outcome;

    #[test]
    fn a_key_is_made_if_the_answer_is_a_message_or_names_it() {
        let id = AccessKeyId::new("GK1");
        let call = request::issue(&UserName::new("u"), &id, &"s3cret".into());
        let message = format!("{}\0{}", "s".repeat(32), "n".repeat(24));
        for body in [message.as_str(), r#"{"credentials":{"accessKey":"GK1"}}"#] {
            demand_issued(&call, &Reply::made_up(200, body), &id).unwrap();
        }
        for body in ["", "<html>", "{}", r#"{"credentials":{"accessKey":"GK2"}}"#] {
            let error = demand_issued(&call, &Reply::made_up(200, body), &id).unwrap_err();
            assert_eq!(
                (error.kind, error.outcome),
                (ErrorKind::Protocol, Outcome::Unknown),
                "{body}"
            );
        }
    }

    #[test]
    fn a_key_id_is_short_and_plain() {
        for id in ["abc", "GKTEST00000000000001"] {
            assert!(is_usable_key_id(id), "{id}");
        }
        for id in ["", "ab", "GKTEST000000000000012", "a b", "a,b", "a=b", "a/b"] {
            assert!(!is_usable_key_id(id), "{id}");
        }
    }
}
