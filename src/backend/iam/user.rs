//! A user with all that matters of what hangs on it.

use super::{IamDriver, buckets, error, lock, request, wire};
use crate::api::v1alpha1::IamOwnerMark;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::domain::identity::Identity;
use crate::domain::ids::{OwnerMark, UserName};

pub(super) const PRIVILEGED: &str =
    "it is the user whose key this operator signs with, and is left alone: choose another userName";
pub(super) const FOREIGN: &str =
    "it carries no mark of this owner: it is somebody else's user and left alone: choose another userName";

/// A user as it was read in three calls.
#[derive(Debug)]
pub(super) struct Whole {
    /// Whose it is.
    pub(super) owner: Option<OwnerMark>,
    /// Holds the key we sign with.
    pub(super) privileged: bool,
    /// All keys.
    pub(super) keys: Vec<wire::Key>,
    /// Names of all inline policies.
    pub(super) inline: Vec<String>,
}

impl Whole {
    /// It has a key of this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_str() == id)
    }

    /// It has an inline policy of this name.
    pub(super) fn has_policy(&self, name: &str) -> bool {
        self.inline.iter().any(|policy| policy == name)
    }

    /// Inline policies that somebody else put.
    pub(super) fn foreign_policies(&self) -> Vec<&str> {
        let is_foreign = |name: &&str| !lock::POLICIES.contains(name) && *name != buckets::ACCESS;
        self.inline
            .iter()
            .map(String::as_str)
            .filter(is_foreign)
            .collect()
    }
}

impl IamDriver {
    /// The user as the store shows it, or `None`.
    ///
    /// The user itself comes first: of one that is not there, `SeaweedFS` lists no keys instead of saying so.
    pub(super) async fn read(&self, name: &UserName) -> Result<Option<Whole>> {
        let call = request::find_user(name);
        self.check_name(&call, name)?;
        let reply = self.link.send(&call).await?;
        if error::is_absent(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let user = wire::user(&call, &reply, name)?;
        let keys = self.link.list(
            |marker| request::list_keys(name, marker),
            |call, reply| wire::keys(call, reply, name),
        );
        let Some(keys) = keys.await? else { return Ok(None) };
        let Some(inline) = self.inline(name).await? else {
            return Ok(None);
        };
        let own = &self.link.config().access_key_id;
        Ok(Some(Whole {
            owner: self.owner(&user),
            privileged: keys.iter().any(|key| key.id == *own),
            keys,
            inline,
        }))
    }

    /// Names of the inline policies of a user; none on a store that knows none. `None`: there is no such user.
    async fn inline(&self, name: &UserName) -> Result<Option<Vec<String>>> {
        if self.learned.able().is_some_and(|able| !able.lock) {
            return Ok(Some(Vec::new()));
        }
        let list = self
            .link
            .list(|marker| request::list_inline(name, marker), wire::inline);
        match list.await {
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(Some(Vec::new())),
            list => list,
        }
    }

    /// ARNs of the policies attached to a user; none on a store that knows none, or no such user.
    pub(super) async fn attached(&self, name: &UserName) -> Result<Vec<String>> {
        let list = self
            .link
            .list(|marker| request::list_attached(name, marker), wire::attached);
        match list.await {
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(Vec::new()),
            list => Ok(list?.unwrap_or_default()),
        }
    }

    /// The user, if it is there; `Conflict` if it is not ours to change.
    pub(super) async fn read_ours(&self, call: &Call, name: &UserName) -> Result<Option<Whole>> {
        let Some(user) = self.read(name).await? else {
            return Ok(None);
        };
        if user.privileged {
            return Err(call.refuse(ErrorKind::Conflict, PRIVILEGED));
        }
        if user.owner.is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        Ok(Some(user))
    }

    fn owner(&self, user: &wire::User) -> Option<OwnerMark> {
        match self.link.config().owner_mark {
            IamOwnerMark::Path => request::path_to_mark(&user.path),
            IamOwnerMark::Name => Identity::mark_in(&user.name),
        }
    }
}
