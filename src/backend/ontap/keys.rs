//! Keys: made with their user, made anew, removed.
//!
//! Up to 9.18.1 a user has one pair, and a new one ends it. From 9.19.1 it has two, told apart by `key_id`; the one in use is
//! never overwritten.

use super::client::{Client, NO_ANSWER};
use super::cluster::{Known, USER_NAME};
use super::request::{self, Chosen};
use super::wire::{self, Page, ROOT, Slot, User};
use super::{Outcome, error};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind};
use crate::backend::http::Reply;
use crate::backend::{IssueRequest, KeyPair, NewUser, Result};
use crate::domain::ids::{AccessKeyId, CredentialId, UserName};

/// Longest access key id that is sent.
const ACCESS_KEY_ID_MAX: usize = 128;

impl Client {
    /// The user as the cluster shows it, or `None`.
    pub(super) async fn find(&self, known: &Known, name: &UserName) -> Result<Option<User>> {
        let call = request::find_user(&known.svm, name, known.two_keys);
        let reply = self.send(&call).await?;
        if error::is_missing(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let user: User = call.parse(&reply, NO_ANSWER)?;
        // A proxy that decodes twice might ask for somebody else.
        if user.name.as_deref() != Some(name.as_str()) {
            return Err(
                call.misunderstood("the cluster answered for another user, or it is no ONTAP cluster")
            );
        }
        if known.two_keys && !user.shows_keys() && !user.pairs().is_empty() {
            self.unlearn_two_keys();
        }
        Ok(Some(user))
    }

    /// Makes a user with its first key.
    pub(super) async fn create(
        &self,
        known: &Known,
        user: &NewUser,
        chosen: Option<&Chosen>,
    ) -> Result<KeyPair> {
        let (svm, name) = (&known.svm, &user.name);
        if user.locked {
            // What would keep the user from being locked is to be known before its key is made.
            self.lock_is_ready(svm, name).await?;
        }
        let comment = wire::comment_of(&user.label, &user.owner);
        let call = request::create_user(svm, name, &comment, chosen);
        let reply = self.send(&call).await?;
        if !is_success(&reply) {
            return Err(self.not_created(known, user, &call, &reply).await);
        }
        let pair = issued(&call, &reply, None, chosen)?;
        if user.locked {
            // The key is there, and its secret half is with nobody: the caller reads, and removes it.
            let locked = self.lock(svm, name).await;
            locked.map_err(|error| Error {
                outcome: Outcome::Unknown,
                ..error
            })?;
        }
        Ok(pair)
    }

    /// No document says how a name that is taken is refused: a read tells whether it is that.
    async fn not_created(&self, known: &Known, user: &NewUser, call: &Call, reply: &Reply) -> Error {
        let refusal = error::refused(call, reply);
        let may_be_there = matches!(
            refusal.kind,
            ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::Unsupported
        );
        if refusal.kind == ErrorKind::NotFound {
            self.forget();
        }
        if refusal.outcome == Outcome::Unknown || !may_be_there {
            return refusal;
        }
        match self.find(known, &user.name).await {
            Ok(Some(found)) if found.owner().as_ref() == Some(&user.owner) => {
                let text = "it was made at the same moment: it is read again";
                call.refuse(ErrorKind::Transient, text)
            }
            Ok(Some(_)) => call.refuse(ErrorKind::Conflict, TAKEN),
            Ok(None) | Err(_) => refusal,
        }
    }

    /// Makes a new pair for a user that is ours: in a free slot, or in the place of the only one.
    pub(super) async fn regenerate(
        &self,
        known: &Known,
        user: &NewUser,
        found: &User,
        chosen: Option<&Chosen>,
    ) -> Result<KeyPair> {
        let name = &user.name;
        let plain = request::regenerate(&known.svm, name, known.version, None, chosen);
        let pairs = found.pairs();
        if chosen.is_some_and(|chosen| holds(found, &chosen.access_key)) {
            return Err(plain.refuse(ErrorKind::Conflict, HAS_IT));
        }
        // Where the release is known, a record with two places is never written to without naming one of them.
        let two = known.two_keys || (known.version.is_some() && found.shows_keys());
        let slot = if two && !pairs.is_empty() {
            Some(free_slot(&plain, found)?)
        } else {
            None
        };
        let call = request::regenerate(&known.svm, name, known.version, slot, chosen);
        let reply = self.send(&call).await?;
        let pair = if is_success(&reply) || error::code(&reply).as_deref() == Some(error::PARTLY) {
            // The new secret may come with that error. Where it does not, the outcome stays unknown.
            issued(&call, &reply, slot, chosen)?
        } else {
            return Err(self.not_regenerated(known, name, &call, &reply, chosen).await);
        };
        if user.locked && pairs.is_empty() {
            // It could not be locked as long as it had no key.
            let locked = self.lock(&known.svm, name).await;
            locked.map_err(|error| Error {
                outcome: Outcome::Unknown,
                ..error
            })?;
        }
        Ok(pair)
    }

    /// An access key that is in use may be so by an earlier call for this very user, which was carried out late.
    async fn not_regenerated(
        &self,
        known: &Known,
        name: &UserName,
        call: &Call,
        reply: &Reply,
        chosen: Option<&Chosen>,
    ) -> Error {
        let refusal = error::refused(call, reply);
        let Some(chosen) = chosen.filter(|_| error::code(reply).as_deref() == Some(error::KEY_TAKEN)) else {
            return refusal;
        };
        match self.find(known, name).await {
            Ok(Some(user)) if holds(&user, &chosen.access_key) => call.refuse(ErrorKind::Conflict, HAS_IT),
            Ok(_) | Err(_) => refusal,
        }
    }

    /// Removes one pair of a user.
    pub(super) async fn revoke(&self, known: &Known, name: &UserName, id: &CredentialId) -> Result<()> {
        let call = request::delete_keys(&known.svm, name, None);
        let Some(user) = self.find(known, name).await? else {
            return Ok(());
        };
        let pairs = user.pairs();
        let Some(pair) = pairs.iter().find(|pair| pair.access_key == id.as_str()) else {
            return Ok(());
        };
        if user.is_root() {
            return Err(call.refuse(ErrorKind::Conflict, IS_ROOT));
        }
        if !known.deletes_keys() {
            let text =
                "a key can be removed from 9.14.1 on; here the next key ends it, or the end of its user";
            return Err(call.refuse(ErrorKind::Unsupported, text));
        }
        let slot = pair.slot.filter(|_| user.shows_keys());
        if user.shows_keys() && slot.is_none() {
            return Err(call.refuse(
                ErrorKind::Protocol,
                "the cluster does not tell which of two keys this is",
            ));
        }
        let call = request::delete_keys(&known.svm, name, slot);
        let reply = self.send(&call).await?;
        if error::is_missing(&reply) {
            return Ok(());
        }
        super::client::carried_out(&call, &reply)
    }
}

pub(super) const IS_ROOT: &str =
    "root may do everything on the storage VM and is never touched by this operator";
pub(super) const TAKEN: &str =
    "a user of this name is there and belongs to somebody else: choose another userName";
const HAS_IT: &str = "it has a key of this id already";

fn holds(user: &User, id: &AccessKeyId) -> bool {
    user.pairs().iter().any(|pair| pair.access_key == id.as_str())
}

/// The slot without a pair. Only a record with `keys` tells.
fn free_slot(call: &Call, user: &User) -> Result<Slot> {
    if !user.shows_keys() {
        let text = "the cluster shows but one key for it, which a new one would end: nothing was changed";
        return Err(call.refuse(ErrorKind::Unsupported, text));
    }
    let taken: Vec<_> = user.pairs().iter().map(|pair| pair.slot).collect();
    if taken.contains(&None) {
        return Err(call.refuse(
            ErrorKind::Protocol,
            "the cluster does not tell which of two keys is which",
        ));
    }
    let free = [Slot::First, Slot::Second]
        .into_iter()
        .find(|slot| !taken.contains(&Some(*slot)));
    free.ok_or_else(|| call.refuse(ErrorKind::Conflict, "it has two keys, and no third can be made"))
}

/// The pair in the answer to a create or regenerate.
fn issued(call: &Call, reply: &Reply, slot: Option<Slot>, chosen: Option<&Chosen>) -> Result<KeyPair> {
    let lost = || {
        if is_success(reply) {
            call.misunderstood("the new key is missing in the cluster's answer")
        } else {
            error::refused(call, reply)
        }
    };
    let page: Page<User> = serde_json::from_slice(&reply.body).map_err(|_| lost())?;
    let mut records = page.records.into_iter().flat_map(|records| records.0);
    let record = records.next().filter(|user| {
        user.name
            .as_deref()
            .is_none_or(|name| call.subject == format!("user {name}"))
    });
    let (access_key, secret) = record.and_then(|user| user.issued(slot)).ok_or_else(lost)?;
    if chosen.is_some_and(|chosen| chosen.access_key.as_str() != access_key) {
        return Err(call.misunderstood("the cluster made another key than the one that was chosen"));
    }
    let access_key_id = AccessKeyId::new(access_key);
    Ok(KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret,
    })
}

/// Both halves of a key, where this cluster lets them be chosen.
pub(super) fn chosen(
    client: &Client,
    known: &Known,
    call: &Call,
    order: &IssueRequest,
) -> Result<Option<Chosen>> {
    let invalid = |text: &str| Err(call.refuse(ErrorKind::Invalid, text));
    let is_letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    match (&order.access_key_id, known.chooses_keys()) {
        (None, false) => Ok(None),
        (Some(_), false) => invalid("this release makes the access key id itself"),
        (Some(id), true)
            if (1..=ACCESS_KEY_ID_MAX).contains(&id.as_str().len()) && id.as_str().bytes().all(is_letter) =>
        {
            Ok(Some(Chosen {
                access_key: id.clone(),
                secret_key: client.config().entropy.secret(),
            }))
        }
        (None | Some(_), true) => {
            invalid("an access key id must be given, of 1 to 128 digits and capital letters")
        }
    }
}

/// Whether a user may be called so. `.` and `..` would be taken for steps in a path.
pub(super) fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if USER_NAME.accept(name.as_str()) && !matches!(name.as_str(), "." | "..") {
        return Ok(());
    }
    let text = "a user name has 1 to 64 letters, digits and -_.+=, and is not a dot or two";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// Whether a user of ours may be called so.
pub(super) fn check_ours(call: &Call, name: &UserName) -> Result<()> {
    if name.as_str() == ROOT {
        Err(call.refuse(ErrorKind::Conflict, IS_ROOT))
    } else {
        Ok(())
    }
}
