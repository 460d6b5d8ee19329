#![doc = include_str!("docs.md")]

mod buckets;
pub mod config;
mod error;
mod keys;
mod policy;
mod request;
mod wire;

pub use config::CephConfig;

use super::call::{Call, is_success};
use super::error::{ErrorKind, Outcome, Result};
use super::http::{HttpClient, HttpOptions, Reply, Signer};
use super::{
    BackendInfo, BackendKind, Driver, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser, ObservedUser,
};
use crate::domain::access::{LimitChanges, Permission};
use crate::domain::capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules};
use crate::domain::ids::{BucketName, CredentialId, OwnerMark, UserName};
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::OnceCell;

/// What RGW can do.
///
/// Keys: 300 on one user were no trouble, and no limit was met. Changes hold at once, on one gateway and across two.
/// Names: RGW checks nothing, but `:` means a subuser and `$` a tenant elsewhere, and 20.2.4 decodes `%` and `+` twice.
pub const CAPABILITIES: Capabilities = Capabilities {
    overlap: Overlap::Slots { max: None },
    secret_readable: true,
    id_choosable: true,
    user_comes_with_key: false,
    mark_in_name: false,
    data_is_owned: true,
    lock: true,
    label: true,
    last_use: false,
    buckets: BucketRights {
        grant: true,
        make: true,
        write_only_deletes: false,
    },
    quota: Limitable {
        bytes: true,
        byte_step: 1,
        objects: true,
        buckets: true,
    },
    settle: Duration::from_secs(2),
    list_lag: Duration::ZERO,
    label_max_chars: 128,
    user_name: UserNameRules {
        max_len: 128,
        punctuation: "-_.",
        capitals: true,
    },
};

/// The Admin Ops API of a Ceph RADOS Gateway.
#[derive(Debug)]
pub struct CephDriver {
    config: CephConfig,
    signer: Signer,
    http: HttpClient,
    /// The user whose key signs, once it was asked for.
    admin: OnceCell<UserName>,
}

impl CephDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(config: CephConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| {
            let call = request::find_by_key(&config.access_key_id);
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        let signer = Signer::new(
            config.access_key_id.clone(),
            config.secret.clone(),
            config.region.clone(),
        );
        Ok(Self {
            config,
            signer,
            http,
            admin: OnceCell::new(),
        })
    }

    /// Sends a call; any answer is a value, none is an error.
    async fn send(&self, call: &Call) -> Result<Reply> {
        self.send_signed(call, call.request(&self.config.endpoint)?).await
    }

    async fn send_signed(&self, call: &Call, mut request: http::Request<Vec<u8>>) -> Result<Reply> {
        let signed = self.signer.sign(&mut request);
        signed.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    /// Sends a call and demands a success.
    async fn succeed(&self, call: &Call) -> Result<Reply> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            Ok(reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// The user as the gateway shows it, or `None`.
    async fn get(&self, name: &UserName) -> Result<Option<wire::User>> {
        let call = request::find_user(name);
        check_name(&call, name)?;
        let reply = self.send(&call).await?;
        if reply.status == 404 && error::code(&reply).as_deref() == Some("NoSuchUser") {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let user = parse_user(&call, &reply)?;
        // A proxy or a gateway that decodes twice might answer for somebody else.
        if user.name != name.as_str() || !user.tenant.is_empty() {
            return Err(call.misunderstood("the gateway answered for another user"));
        }
        Ok(Some(user))
    }

    /// Makes a user; false where it was there and is ours.
    async fn make(&self, user: &NewUser) -> Result<bool> {
        let call = request::create_user(user);
        let reply = self.send(&call).await?;
        if reply.status == 409 && error::code(&reply).as_deref() == Some("UserAlreadyExists") {
            self.is_ours(&call, &user.name, &user.owner).await?;
            return Ok(false);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let made = parse_user(&call, &reply)?;
        if request::email_to_mark(&made.email).as_ref() != Some(&user.owner) || made.suspended != user.locked
        {
            return Err(call.misunderstood("the gateway made another user than was asked for"));
        }
        Ok(true)
    }

    /// What a `UserAlreadyExists` means: fine if the user carries this mark.
    async fn is_ours(&self, call: &Call, name: &UserName, mark: &OwnerMark) -> Result<()> {
        let refuse = |kind, text: &str| Err(call.refuse(kind, text));
        let Some(user) = self.find_user(name).await? else {
            return refuse(
                ErrorKind::Transient,
                "it was there and is gone: somebody else is at work",
            );
        };
        if user.privileged {
            return refuse(
                ErrorKind::Conflict,
                "a user of this name is there and holds admin rights: choose another userName",
            );
        }
        if user.owner.as_ref() != Some(mark) {
            return refuse(
                ErrorKind::Conflict,
                "a user of this name is there and belongs to somebody else: choose another userName",
            );
        }
        Ok(())
    }
}

#[async_trait]
impl Driver for CephDriver {
    fn kind(&self) -> BackendKind {
        BackendKind::Ceph
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn probe(&self) -> Result<BackendInfo> {
        let call = request::find_by_key(&self.config.access_key_id);
        let reply = self.succeed(&call).await?;
        if !parse_user(&call, &reply)?.may_manage_users() {
            let advice =
                "it may not read and write users: radosgw-admin caps add --uid=ADMIN --caps='users=*'";
            return Err(call.refuse(ErrorKind::Auth, advice));
        }
        // The Admin Ops API tells no version. 20 names its release in this header, 16 and 18 do not.
        let release = reply.server.as_deref().and_then(release_name).map(str::to_owned);
        Ok(BackendInfo {
            product: "Ceph RGW".to_owned(),
            version: release,
        })
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        Ok(self
            .get(name)
            .await?
            .map(|user| user.observe(&self.config.access_key_id)))
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        let call = request::create_user(user);
        check_name(&call, &user.name)?;
        call.check_label(&CAPABILITIES, &user.label)?;
        if !user.label.contains('%') {
            return self.make(user).await.map(drop);
        }
        // 20.2.4 decodes parameters twice, and refuses a user for a label that this breaks: such a one is set by itself.
        let plain = NewUser {
            label: user.name.as_str().to_owned(),
            ..user.clone()
        };
        if !self.make(&plain).await? {
            return Ok(());
        }
        match self.set_label(&user.name, &user.label).await {
            // A label is no reason to have no user. It is told by whoever sets it next.
            Err(error) if error.kind == ErrorKind::Invalid => Ok(()),
            set => set,
        }
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        let call = request::set_label(name, label);
        check_name(&call, name)?;
        call.check_label(&CAPABILITIES, label)?;
        let reply = self.succeed(&call).await?;
        if parse_user(&call, &reply)?.display_name != label {
            let text = "the gateway stored another label than was sent; Ceph 20.2.4 does so for % and +: leave them out";
            return Err(call.own(ErrorKind::Invalid, Outcome::Unknown, text));
        }
        Ok(())
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        let call = request::set_locked(name, locked);
        check_name(&call, name)?;
        let reply = self.succeed(&call).await?;
        if parse_user(&call, &reply)?.suspended != locked {
            return Err(call.misunderstood("the gateway answered 200 and did not do it"));
        }
        Ok(())
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        let call = request::delete_user(name);
        let Some(user) = self.find_user(name).await? else {
            return Ok(());
        };
        if user.privileged {
            let text = "it holds admin rights and is never deleted by this operator";
            return Err(call.refuse(ErrorKind::Conflict, text));
        }
        let reply = self.send(&call).await?;
        let gone = reply.status == 404 && error::code(&reply).as_deref() == Some("NoSuchUser");
        if gone || is_success(&reply) {
            Ok(())
        } else {
            Err(error::refused(&call, &reply))
        }
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        self.add_key(&user.name, request).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.remove_key(name, id).await
    }

    async fn set_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        self.change_limits(name, changes).await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        self.look_at_bucket(to, bucket).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        self.put_bucket(to, bucket).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        self.change_grant(to, bucket, what).await
    }
}

const NO_ANSWER: &str = "this is no answer of a Ceph gateway: is the endpoint right?";

fn parse_user(call: &Call, reply: &Reply) -> Result<wire::User> {
    call.parse(reply, NO_ANSWER)
}

fn check_name(call: &Call, name: &UserName) -> Result<()> {
    // RGW refuses this one: it is what it calls a request without a signature.
    if CAPABILITIES.user_name.accept(name.as_str()) && name.as_str() != "anonymous" {
        return Ok(());
    }
    let text = "a user name has 1 to 128 letters, digits, - _ or . and is not anonymous";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// `reef` of `Ceph Object Gateway (reef)`.
fn release_name(server: &str) -> Option<&str> {
    let name = server.strip_prefix("Ceph Object Gateway (")?.strip_suffix(')')?;
    super::http::client::is_code(name).then_some(name)
}
