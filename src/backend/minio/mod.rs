#![doc = include_str!("docs.md")]

mod buckets;
pub mod config;
mod error;
mod keys;
mod link;
mod removal;
mod request;
mod rights;
pub mod sealed;
mod wire;

pub use config::MinioConfig;

use super::call::{Call, is_success};
use super::error::{Error, ErrorKind, Outcome, Result};
use super::http::Reply;
use super::user_policy::{self, Buckets};
use super::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser, ObservedUser,
};
use crate::domain::access::{Limits, Permission};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::identity::Identity;
use crate::domain::ids::{BucketName, CredentialId, UserName};
use async_trait::async_trait;
use buckets::PolicyStore;
use link::Link;
use rights::Way;
use sealed::Scheme;
use std::time::Duration;

/// What a `MinIO` server can do.
///
/// Keys: no limit was met. Settling: changes hold at once on one server; a cluster tells its other servers of each. Who missed
/// that reads all again every 10 minutes (`globalRefreshIAMInterval` in `MinIO`'s `cmd/globals.go`; 5 in `JuiceFS`), and tells an
/// older list until then; `settle` does not wait for it, as such a server is the exception.
/// Buckets: as long as no policy of the store reaches all of them, which only its settings and a probe tell.
/// Names: servers refuse `=`, `,` and blanks at the ends, and keep a file for each, of at most 255 bytes.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: None },
    secret_readable: false,
    id_choosable: true,
    user_comes_with_key: false,
    mark_in_name: true,
    data_is_owned: false,
    lock: true,
    label: false,
    last_use: false,
    buckets: BucketRights::NONE,
    quota: Limitable::NONE,
    settle: Duration::from_secs(10),
    list_lag: Duration::from_mins(11),
    label_max_chars: 0,
    user_name: UserNameRules {
        max_len: NAME_MAX,
        punctuation: "@._-",
        capitals: true,
    },
};

/// Shortest name, by `MinIO` (`accessKeyMinLen`). `JuiceFS` takes shorter ones, and makes users of them that are disabled.
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 128;

/// The admin API of a `MinIO` server, or of another with the same.
#[derive(Debug)]
pub struct MinioDriver {
    link: Link,
    way: Way,
    buckets: Buckets,
}

impl MinioDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(config: MinioConfig) -> Result<Self> {
        let buckets = buckets::buckets(&config).map_err(|text| {
            let call = request::find_user(&request::nobody());
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        Ok(Self {
            link: Link::new(config)?,
            way: Way::default(),
            buckets,
        })
    }

    /// The user as the server shows it, or `None`.
    async fn get(&self, name: &UserName) -> Result<Option<wire::User>> {
        let call = request::find_user(name);
        check_name(&call, name)?;
        let reply = self.link.send(&call).await?;
        if error::is_no_user(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        call.parse(&reply, NO_ANSWER).map(Some)
    }

    /// The user, if it is there; `Conflict` if it is not ours to change.
    async fn get_ours(&self, call: &Call, name: &UserName) -> Result<Option<wire::User>> {
        if name.as_str() == self.link.own_key().as_str() {
            return Err(call.refuse(ErrorKind::Conflict, OWN));
        }
        let user = self.get(name).await?;
        if let Some(user) = &user {
            demand_no_admin(call, user)?;
        }
        if user.is_some() && Identity::mark_in(name.as_str()).is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        Ok(user)
    }

    /// Grants mean something only where users cannot reach all buckets anyway.
    fn demand_confined(&self, operation: &'static str, bucket: &BucketName) -> Result<()> {
        if self.is_confined() == Some(true) {
            return Ok(());
        }
        let mut call = request::server_info();
        (call.operation, call.subject) = (operation, format!("bucket {bucket}"));
        Err(call.refuse(ErrorKind::Unsupported, UNCONFINED))
    }

    /// The version, where the server tells it. That it does not is no failure of a probe.
    async fn version(&self) -> Option<String> {
        let call = request::server_info();
        let reply = self.link.succeed(&call).await.ok()?;
        call.parse::<wire::Info>(&reply, NO_ANSWER).ok()?.version()
    }
}

#[async_trait]
impl Driver for MinioDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Minio
    }

    fn capabilities(&self) -> Capabilities {
        let can = self.is_confined() == Some(true);
        Capabilities {
            buckets: BucketRights {
                grant: can,
                make: can,
                write_only_deletes: false,
            },
            ..CAPABILITIES
        }
    }

    fn needs_probe(&self) -> bool {
        self.is_confined().is_none()
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let nobody = request::nobody();
        if self.get(&nobody).await?.is_some() {
            let text = "a user has the name that stands for nobody: delete it";
            return Err(request::find_user(&nobody).refuse(ErrorKind::Conflict, text));
        }
        self.check_own_key().await?;
        self.check_policies().await?;
        Ok(BackendInfo {
            product: "MinIO".to_owned(),
            version: self.version().await,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let own_key = self.link.own_key();
        let call = request::list_keys(name);
        check_name(&call, name)?;
        if name.as_str() == own_key.as_str() {
            // The root user is not shown, and a service account is no user.
            return Ok(Some(ObservedUser {
                limits: Ok(Limits::new()),
                owner: None,
                label: String::new(),
                locked: false,
                half_locked: false,
                privileged: true,
                credentials: vec![wire::credential(own_key.clone())],
            }));
        }
        let Some(user) = self.get(name).await? else {
            return Ok(None);
        };
        let reply = self.link.succeed(&call).await?;
        let keys = self.link.read(&call, &reply).await?;
        Ok(Some(user.observe(name, keys, own_key)))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        // Nobody ever signs with this one: it is kept nowhere.
        let secret = self.link.config().entropy.secret();
        let call = request::create_user(&user.name, &secret);
        check_name(&call, &user.name)?;
        // For a user that is there, the server would replace the secret at once.
        let there = self.get_ours(&call, &user.name).await?;
        if Identity::mark_in(user.name.as_str()).as_ref() != Some(&user.owner) {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        if let Some(there) = there {
            return self.mend_rights(&user.name, &there).await;
        }
        demand_empty(&call, &self.link.send(&call).await?)?;
        // It was made, whatever becomes of the rest: reading tells.
        self.finish(user).await.map_err(|error| Error {
            outcome: Outcome::Unknown,
            ..error
        })
    }

    async fn set_label(&self, name: &UserName, _label: &str) -> Result<()> {
        let mut call = request::find_user(name);
        call.operation = "SetLabel";
        check_name(&call, name)?;
        let text = "users of this server have no display name: leave spec.label out";
        Err(call.refuse(ErrorKind::Unsupported, text))
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked(name, locked);
        check_name(&call, name)?;
        if Identity::mark_in(name.as_str()).is_none() {
            return Err(call.refuse(ErrorKind::Conflict, FOREIGN));
        }
        if locked {
            return self.lock(name).await;
        }
        let Some(user) = self.get(name).await? else {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        };
        self.unlock(name, &user).await
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        self.remove_user(name).await
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        self.add_key(user, request).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.remove_key(name, id.as_str()).await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        self.demand_confined("FindBucket", bucket)?;
        user_policy::find(&PolicyStore(self), to, bucket).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        self.demand_confined("MakeBucket", bucket)?;
        user_policy::make(&PolicyStore(self), to, bucket).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        self.demand_confined("SetGrant", bucket)?;
        user_policy::set(&PolicyStore(self), to, bucket, what).await
    }
}

const NO_ANSWER: &str = "this is no answer of a MinIO server: is the endpoint right, and not the console?";
const NO_USER: &str = "there is no such user on the server";
const UNCONFINED: &str =
    "a policy of spec.backend.minio.policies reaches all buckets, so access to one cannot be given or denied";
const FOREIGN: &str = "its name carries no mark of this owner: it is somebody else's user and left alone";
const OWN: &str = "it is the administrator whose key this operator signs with, and is left alone";

/// A user with a policy of the server's own that allows admin actions is nobody's to change.
fn demand_no_admin(call: &Call, user: &wire::User) -> Result<()> {
    if !user.is_admin() {
        return Ok(());
    }
    let text = "it has a policy that allows admin actions, and is left alone: choose another userName";
    Err(call.refuse(ErrorKind::Conflict, text))
}

fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if CAPABILITIES.user_name.accept(name.as_str()) && name.as_str().len() >= NAME_MIN {
        return Ok(());
    }
    let text = "a user name has 3 to 128 letters, digits, @, - _ or .";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// A change that is answered with an empty body. A page of something in front is none.
fn demand_empty(call: &Call, reply: &Reply) -> Result<()> {
    if !is_success(reply) {
        return Err(error::refused(call, reply));
    }
    if reply.body.trim_ascii().is_empty() {
        Ok(())
    } else {
        Err(call.misunderstood(NO_ANSWER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OwnerMark;

    #[test]
    fn a_name_is_neither_too_short_nor_odd() {
        let is_name = |text: &str| {
            let name = UserName::new(text);
            check_name(&request::find_user(&name), &name).is_ok()
        };
        let mark = OwnerMark::new("0123456789abcdef0123456789abcdef");
        let marked = Identity::marked(&UserName::new("gk-A.b_c"), &mark);
        for name in [
            "abc",
            "me@example.com",
            marked.as_str(),
            request::nobody().as_str(),
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "a",
            "ab",
            "a,b",
            "a=b",
            "a b c",
            " abc",
            "a/b",
            &"x".repeat(NAME_MAX + 1),
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(Identity::mark_in(request::nobody().as_str()), None);
    }

    #[test]
    fn a_success_without_words_is_one_and_a_page_is_none() {
        let call = request::set_locked(&UserName::new("abc"), true);
        for body in ["", "\n"] {
            demand_empty(&call, &Reply::made_up(200, body)).unwrap();
        }
        let error = demand_empty(&call, &Reply::made_up(200, "<html>")).unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Protocol, Outcome::Unknown)
        );
    }
}
