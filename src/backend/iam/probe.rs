//! What a store is, and which part of the API it serves.

use super::{IamDriver, NO_PATH, error, learned::Able, request, wire};
use crate::api::v1alpha1::IamOwnerMark;
use crate::backend::BackendInfo;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::Reply;

impl IamDriver {
    /// Three reads: of a user and of policies that nobody has, and of our own key. Two more of each policy that users have,
    /// where there is S3.
    pub(super) async fn look(&self) -> Result<BackendInfo> {
        let nobody = request::nobody();
        let call = request::find_user(&nobody);
        let reply = self.link.send(&call).await?;
        if is_success(&reply) {
            wire::user(&call, &reply, &nobody)?;
        } else if !error::is_absent(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let info = product(&reply, self.link.config().endpoint.as_str());
        let in_path = self.link.config().owner_mark == IamOwnerMark::Path;
        if in_path && info.product == SEAWEEDFS {
            return Err(call.refuse(ErrorKind::Unsupported, NO_PATH));
        }
        let able = Able {
            lock: self.has_policies().await?,
            last_use: self.tells_use().await?,
            is_consistent: [SEAWEEDFS, CEPH].contains(&info.product.as_str()),
            reaches_all: self.reaches_all().await?,
        };
        self.learned.set_able(able);
        Ok(info)
    }

    /// Whether users have inline policies.
    async fn has_policies(&self) -> Result<bool> {
        let call = request::list_inline(&request::nobody(), None);
        let reply = self.link.send(&call).await?;
        if is_success(&reply) {
            return wire::inline(&call, &reply).map(|_| true);
        }
        if error::is_absent(&reply) {
            return Ok(true);
        }
        unless(&call, &reply, &[ErrorKind::Unsupported])
    }

    /// Whether we are told when keys were last used. The right to ask is one that an admin may leave out.
    async fn tells_use(&self) -> Result<bool> {
        let call = request::last_use(&self.link.config().access_key_id);
        let reply = self.link.send(&call).await?;
        if is_success(&reply) {
            return wire::last_use(&call, &reply).map(|_| true);
        }
        if error::is_absent(&reply) {
            return Ok(true);
        }
        unless(&call, &reply, &[ErrorKind::Unsupported, ErrorKind::Auth])
    }
}

/// A refusal: of one of these kinds, it means "no".
fn unless(call: &Call, reply: &Reply, no: &[ErrorKind]) -> Result<bool> {
    let error = error::refused(call, reply);
    if no.contains(&error.kind) {
        Ok(false)
    } else {
        Err(error)
    }
}

const SEAWEEDFS: &str = "SeaweedFS";
const CEPH: &str = "Ceph RGW accounts";

/// By its header `Server` (`SeaweedFS 8000GB 4.48`, `Ceph Object Gateway (tentacle)`) or its address.
fn product(reply: &Reply, endpoint: &str) -> BackendInfo {
    let server = reply.server.as_deref().unwrap_or_default();
    let last = server.rsplit(' ').next().unwrap_or_default();
    let is_version = |text: &str| {
        text.len() <= 16 && text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let (product, version) = if server.starts_with("SeaweedFS ") {
        (SEAWEEDFS, Some(last).filter(|last| is_version(last)))
    } else if server.starts_with("Ceph Object Gateway") {
        (CEPH, None)
    } else if endpoint.contains(".amazonaws.com") {
        ("AWS IAM", None)
    } else {
        ("IAM query API", None)
    };
    BackendInfo {
        product: product.to_owned(),
        version: version.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_told_by_its_header_or_address() {
        let told = |server: Option<&str>, endpoint: &str| {
            let mut reply = Reply::made_up(404, "");
            reply.server = server.map(str::to_owned);
            let info = product(&reply, endpoint);
            (info.product, info.version)
        };
        for (server, endpoint, product, version) in [
            (
                Some("SeaweedFS 8000GB 4.48"),
                "http://s",
                "SeaweedFS",
                Some("4.48"),
            ),
            (Some("SeaweedFS x.y<b>"), "http://s", "SeaweedFS", None),
            (
                Some("Ceph Object Gateway (tentacle)"),
                "http://s",
                "Ceph RGW accounts",
                None,
            ),
            (None, "https://iam.amazonaws.com", "AWS IAM", None),
            (None, "https://iam.us-gov.amazonaws.com", "AWS IAM", None),
            (Some("Werkzeug/3.1.9"), "http://s", "IAM query API", None),
        ] {
            assert_eq!(
                told(server, endpoint),
                (product.to_owned(), version.map(str::to_owned))
            );
        }
    }
}
