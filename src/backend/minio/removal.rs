//! What is taken away: users, and keys of theirs.
//!
//! Each server of a cluster goes by its own memory, and one that missed some news does not find a user or key that is there (`MinIO`'s
//! `cmd/iam.go`: `IsTempUser`, which a removal of a user begins with, and `GetServiceAccount` ask `sys.store.GetUser`). So "not found" is no
//! proof that something is gone.

use super::{MinioDriver, check_name, demand_empty, error, request, wire};
use crate::backend::call::is_success;
use crate::backend::error::{ErrorKind, Result};
use crate::domain::ids::UserName;

const LATE_USER: &str = "the user is not seen, which may be late";
const LATE_KEY: &str = "the key is not seen, which may be late";
const MAY_NOT_REMOVE: &str = "the server shows it and does not find it to remove it: give the admin the action \
                              admin:RemoveServiceAccount; if it has that, a server of the cluster is late, and it is tried again";

impl MinioDriver {
    /// Deletes a user with its keys and grants. Absent: `NotFound`, as it may be there.
    pub(super) async fn remove_user(&self, name: &UserName) -> Result<()> {
        let call = request::delete_user(name);
        let late = || Err(call.refuse(ErrorKind::NotFound, LATE_USER));
        let Some(user) = self.get_ours(&call, name).await? else {
            // An earlier deletion may have broken off.
            drop(self.forget_access(name).await);
            return late();
        };
        let is_ended = self.end_access(name, &user).await?;
        let reply = self.link.send(&call).await?;
        if error::is_no_user(&reply) {
            return late();
        }
        demand_empty(&call, &reply)?;
        if !is_ended {
            // It gives nobody anything by now, and is no reason to call the user there.
            drop(self.forget_access(name).await);
        }
        Ok(())
    }

    /// Takes a service account from a user. Another user's: fine. Absent: `NotFound`, as it may be there. It is not removed
    /// unseen: a removal names no user, and may be of another's key.
    pub(super) async fn remove_key(&self, name: &UserName, id: &str) -> Result<()> {
        let call = request::revoke(name, id);
        check_name(&call, name)?;
        // Whether there is such a key is told to anybody; whether there is such a user, only to who may ask.
        let late = || Err(call.refuse(ErrorKind::NotFound, LATE_KEY));
        if self.get_ours(&call, name).await?.is_none() {
            return late();
        }
        match self.has_key(name, id).await? {
            Some(true) => {}
            Some(false) => return Ok(()),
            None => return late(),
        }
        if id == self.link.own_key().as_str() {
            let text = "this is the key that this operator signs with";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        let reply = self.link.send(&call).await?;
        if !error::is_no_key(&reply) {
            return demand_empty(&call, &reply);
        }
        // The same answer for "it is gone" and for "you may not".
        if self.has_key(name, id).await? == Some(true) {
            return Err(call.refuse(ErrorKind::Auth, MAY_NOT_REMOVE));
        }
        late()
    }

    /// Whether this is a service account of this user; `None`: it is nobody's, as far as the server knows.
    async fn has_key(&self, name: &UserName, id: &str) -> Result<Option<bool>> {
        let call = request::whose_key(name, id);
        let reply = self.link.send(&call).await?;
        if error::is_no_key(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let info: wire::KeyInfo = self.link.read(&call, &reply).await?;
        Ok(Some(info.parent_user == name.as_str()))
    }
}
