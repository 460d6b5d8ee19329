//! Locks: a policy that denies everything, or keys that are set inactive where the store takes no such policy.

use super::{IamDriver, error, request, user::Whole, wire};
use crate::backend::Result;
use crate::backend::call::is_success;
use crate::domain::ids::UserName;

/// The inline policy that locks. It stands above every other right, holds for all keys, those to come and sessions that
/// were begun with one, and takes one call to put and one to remove. (AWS IAM user guide, "Policy evaluation logic".)
const DENY: &str = "gracekey-locked";
const DENY_DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// The inline policy that says of a user without keys that it is locked, where no policy denies. It grants next to nothing: no
/// bucket can have a name in capitals.
const BY_KEYS: &str = "gracekey-locked-by-keys";
const BY_KEYS_DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::GRACEKEY_LOCKED/none"}]}"#;

/// Inline policies of a lock.
pub(super) const POLICIES: [&str; 2] = [DENY, BY_KEYS];

/// What a lock takes at most of the room for inline policies.
pub(super) const ROOM: usize = if DENY_DOCUMENT.len() > BY_KEYS_DOCUMENT.len() {
    DENY_DOCUMENT.len()
} else {
    BY_KEYS_DOCUMENT.len()
};

impl Whole {
    /// No S3 operation works: a policy denies them all, or no key is active. Without keys, the mark tells.
    ///
    /// `keys_tell`: no policy can deny here. Elsewhere a key that is inactive was set so by somebody else, such as AWS when
    /// it found a key published, and stays so.
    ///
    /// A key that somebody gives to a locked user, or sets active, makes this false where no policy denies, so that the
    /// user is locked again.
    pub(super) fn is_locked(&self, keys_tell: bool) -> bool {
        self.is_denied() || self.is_locked_by_keys(keys_tell)
    }

    /// A policy denies everything, whatever the keys.
    pub(super) fn is_denied(&self) -> bool {
        self.has_policy(DENY)
    }

    fn is_locked_by_keys(&self, keys_tell: bool) -> bool {
        let is_marked = self.has_policy(BY_KEYS);
        let counts = is_marked || (keys_tell && !self.keys.is_empty());
        counts && self.keys.iter().all(|key| !key.active)
    }
}

impl IamDriver {
    /// Locks a user that was read as this. Again: no change.
    pub(super) async fn lock(&self, name: &UserName, user: &Whole) -> Result<()> {
        if user.is_denied() || self.deny(name).await? {
            return Ok(());
        }
        // Keys come first: what is half done shows as not locked, and is done again.
        for key in user.keys.iter().filter(|key| key.active) {
            let call = request::set_active(name, key.id.as_str(), false);
            self.link.carry_out(&call).await?;
        }
        if user.has_policy(BY_KEYS) {
            return Ok(());
        }
        let call = request::put_inline(name, BY_KEYS, BY_KEYS_DOCUMENT);
        self.link.carry_out(&call).await
    }

    /// Puts the policy that denies; `false`: the store takes none such, and nothing changed.
    async fn deny(&self, name: &UserName) -> Result<bool> {
        if self.learned.refuses_deny() {
            return Ok(false);
        }
        let call = request::put_inline(name, DENY, DENY_DOCUMENT);
        let reply = self.link.send(&call).await?;
        // SeaweedFS 4.48: `not a valid effect: 'Deny'. Only 'Allow' is possible`.
        if error::is_malformed_policy(&reply) {
            self.learned.set_refuses_deny();
            return Ok(false);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        wire::done(&call, &reply)?;
        Ok(true)
    }

    /// Unlocks a user that was read as this. Again: no change.
    pub(super) async fn unlock(&self, name: &UserName, user: &Whole) -> Result<()> {
        if user.is_denied() {
            self.link.remove(&request::delete_inline(name, DENY)).await?;
        }
        // The mark goes last: while it is there, a repetition sets the rest of the keys active. Where a policy denied,
        // there is none, and a key that somebody set inactive beside an active one stays so.
        if user.has_policy(BY_KEYS) || user.is_locked_by_keys(self.learned.refuses_deny()) {
            for key in user.keys.iter().filter(|key| !key.active) {
                let call = request::set_active(name, key.id.as_str(), true);
                self.link.carry_out(&call).await?;
            }
        }
        if user.has_policy(BY_KEYS) {
            self.link.remove(&request::delete_inline(name, BY_KEYS)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::iam::wire::Key;
    use crate::domain::ids::AccessKeyId;

    fn user(keys: &[bool], policies: &[&str]) -> Whole {
        let key = |active: &bool| Key {
            id: AccessKeyId::new("AK"),
            active: *active,
        };
        Whole {
            owner: None,
            privileged: false,
            keys: keys.iter().map(key).collect(),
            inline: policies.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn who_is_locked_and_who_is_not() {
        for (keys, policies, want) in [
            (&[][..], &[][..], false),
            (&[], &["other"], false),
            (&[], &[DENY], true),
            (&[true], &[DENY, "other"], true),
            (&[], &[BY_KEYS], true),
            (&[true], &[], false),
            (&[false], &[], true),
            (&[false, true], &[], false),
            (&[false, true], &[BY_KEYS], false),
            (&[false, false], &[BY_KEYS], true),
        ] {
            assert_eq!(
                user(keys, policies).is_locked(true),
                want,
                "{keys:?} {policies:?}"
            );
        }
        assert!(user(&[false], &[BY_KEYS]).is_locked(false));
        assert!(!user(&[false], &[]).is_locked(false), "somebody else's doing");
    }

    #[test]
    fn policies_of_others_are_told_from_ours() {
        assert_eq!(
            user(&[], &[DENY, "app", BY_KEYS, "gracekey-access"]).foreign_policies(),
            ["app"]
        );
    }
}
