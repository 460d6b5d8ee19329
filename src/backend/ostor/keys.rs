//! Key pairs: the first one, one more, and one less.

use super::request::{self, Verb};
use super::{MAX_KEYS, NO_LOCK, OstorDriver, check_name, demand_empty, error, parse_user, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::http::Reply;
use crate::backend::{Driver as _, KeyPair, NewUser};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};

const FULL: &str = "it has two key pairs, which is all that the store allows: revoke one first";
const AT_WORK: &str =
    "somebody else gave it a key at the same moment, and which is ours cannot be told: read again";

impl OstorDriver {
    /// Makes a user that was not there, with its first pair.
    pub(super) async fn create(&self, user: &NewUser) -> Result<KeyPair> {
        let call = request::create_user(&user.name);
        if user.locked && !self.capabilities().lock {
            return Err(call.refuse(ErrorKind::Unsupported, NO_LOCK));
        }
        let reply = self.link.send(&call).await?;
        // How it says that an address is taken is not documented: 409, else 400.
        if matches!(reply.status, 400 | 409) {
            let advice = "the store refuses to make this user: was it made at the same moment?";
            return Err(error::refused_in_this_state(&call, &reply, advice));
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let made = parse_user(&call, &reply, &user.name)?;
        let pair = only_one(&call, made.keys)?;
        if user.locked {
            // There is no call that does both. The pair is there whatever becomes of this one: reading finds it.
            let locked = self.set_locked(&user.name, true).await;
            locked.map_err(|error| Error {
                outcome: Outcome::Unknown,
                ..error
            })?;
        }
        Ok(pair)
    }

    /// Gives a user one pair more. `there`: as it was read just before.
    pub(super) async fn add_key(&self, name: &UserName, there: &wire::User) -> Result<KeyPair> {
        let of = |verb| request::generate_key(name, verb);
        if there.keys.len() >= usize::from(MAX_KEYS) {
            return Err(of(Verb::Post).refuse(ErrorKind::Conflict, FULL));
        }
        let (verb, call, reply) = self.change_key(name, there, of).await?;
        if !is_success(&reply) {
            return Err(self.why_no_key(name, &call, &reply).await);
        }
        // All pairs are listed, in any order. Ours is the one that was not there before.
        let mut keys = parse_user(&call, &reply, name)?.keys;
        keys.retain(|key| !there.holds(&key.access_key));
        let pair = only_one(&call, keys)?;
        self.learned.set_verb(verb);
        Ok(pair)
    }

    /// Why a pair more was refused: what the store says is not documented.
    async fn why_no_key(&self, name: &UserName, call: &Call, reply: &Reply) -> Error {
        let full = error::refused_in_this_state(call, reply, FULL);
        if !error::is_refusal(reply) {
            return full;
        }
        match self.get(name).await {
            Err(error) => error,
            Ok(None) => call.refuse(ErrorKind::NotFound, "the user is gone: somebody else is at work"),
            Ok(Some(user)) if user.keys.len() >= usize::from(MAX_KEYS) => full,
            Ok(Some(_)) => {
                error::refused_in_this_state(call, reply, "the store refuses another key pair now")
            }
        }
    }

    /// Takes a pair from a user. Absent: fine.
    pub(super) async fn remove_key(&self, name: &UserName, id: &str) -> Result<()> {
        let of = |verb| request::revoke_key(name, id, verb);
        let call = of(Verb::Post);
        check_name(&call, name)?;
        let Some(there) = self.get_ours(&call, name).await? else {
            return Ok(());
        };
        if !there.holds(id) {
            return Ok(());
        }
        let (verb, call, reply) = self.change_key(name, &there, of).await?;
        if is_success(&reply) {
            demand_empty(&call, &reply, "")?;
            self.learned.set_verb(verb);
            return Ok(());
        }
        let mut advice = "the store refuses to revoke this key now";
        if error::is_refusal(&reply) {
            // What it says of a key that is not there is not documented.
            match self.get(name).await? {
                Some(user) if user.holds(id) && user.keys.len() == 1 => {
                    advice =
                        "the store keeps a user's last key pair: issue another first, or delete the user";
                }
                Some(user) if user.holds(id) => {}
                None | Some(_) => return Ok(()),
            }
        }
        Err(error::refused_in_this_state(&call, &reply, advice))
    }

    /// Sends a change of keys by the verb that the store takes.
    ///
    /// A wrong verb is answered 405, or perhaps 400, and then nothing was done: the other one may be tried. A verb that
    /// worked before is not doubted for a 400.
    async fn change_key(
        &self,
        name: &UserName,
        there: &wire::User,
        of: impl Fn(Verb) -> Call + Send + Sync,
    ) -> Result<(Verb, Call, Reply)> {
        let (verb, is_proven) = self.learned.verb();
        let call = of(verb);
        let reply = self.link.send(&call).await?;
        let is_wrong_verb = |reply: &Reply| {
            error::is_wrong_method(reply) || (!is_proven && reply.status == 400 && error::is_refusal(reply))
        };
        if !is_wrong_verb(&reply) || self.changed_since(name, there).await? {
            return Ok((verb, call, reply));
        }
        let (other, second) = (verb.other(), of(verb.other()));
        let answer = self.link.send(&second).await?;
        if is_wrong_verb(&answer) {
            return Ok((verb, call, reply));
        }
        Ok((other, second, answer))
    }

    /// Whether the user has other keys than when it was read: then a refusal may have that for a reason.
    async fn changed_since(&self, name: &UserName, there: &wire::User) -> Result<bool> {
        let now = self.get(name).await?;
        let is_same = |user: &wire::User| {
            user.keys.len() == there.keys.len() && user.keys.iter().all(|key| there.holds(&key.access_key))
        };
        Ok(!now.is_some_and(|user| is_same(&user)))
    }
}

/// The pair that an answer gives; with its secret, or it would be lost.
fn only_one(call: &Call, keys: Vec<wire::Key>) -> Result<KeyPair> {
    let mut keys = keys.into_iter();
    let (first, second) = (keys.next(), keys.next());
    if second.is_some() {
        return Err(call.own(ErrorKind::Transient, Outcome::Unknown, AT_WORK));
    }
    let missing = || call.misunderstood("the new key pair is missing in the store's answer");
    let key = first.ok_or_else(missing)?;
    let access_key_id = AccessKeyId::new(key.access_key);
    Ok(KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: key.secret_key.ok_or_else(missing)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(keys: &str) -> Result<KeyPair> {
        let body = format!(r#"{{"UserEmail":"a@b","AWSAccessKeys":{keys}}}"#);
        let user: wire::User = serde_json::from_str(&body).unwrap();
        only_one(&request::create_user(&UserName::new("a@b")), user.keys)
    }

    #[test]
    fn the_one_new_pair_is_ours_and_of_two_none_is() {
        let pair = outcome(r#"[{"AWSAccessKeyId":"A","AWSSecretAccessKey":"s"}]"#).unwrap();
        assert_eq!(pair.access_key_id.as_str(), "A");
        let two = r#"[{"AWSAccessKeyId":"A","AWSSecretAccessKey":"s"},{"AWSAccessKeyId":"B","AWSSecretAccessKey":"t"}]"#;
        for (keys, kind) in [
            (two, ErrorKind::Transient),
            ("[]", ErrorKind::Protocol),
            (r#"[{"AWSAccessKeyId":"A"}]"#, ErrorKind::Protocol),
            (
                r#"[{"AWSAccessKeyId":"A","AWSSecretAccessKey":""}]"#,
                ErrorKind::Protocol,
            ),
        ] {
            let error = outcome(keys).unwrap_err();
            assert_eq!((error.kind, error.outcome), (kind, Outcome::Unknown), "{keys}");
        }
    }
}
