//! The way to a store: one client, and the signature that the store takes.

use super::{config::OstorConfig, error, request};
use crate::api::v1alpha1::OstorSignature;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply, Signer, SignerV2};
use crate::domain::ids::AccessKeyId;
use std::sync::{Mutex, PoisonError};

/// Which signature a call carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Taken by all versions that are known.
    V2,
    /// Shown by newer guides. Whether a store may take this one alone is not documented.
    V4,
}

impl Version {
    fn other(self) -> Self {
        match self {
            Self::V2 => Self::V4,
            Self::V4 => Self::V2,
        }
    }
}

/// Sends signed calls to one store.
#[derive(Debug)]
pub(super) struct Link {
    config: OstorConfig,
    http: HttpClient,
    v2: SignerV2,
    v4: Signer,
    found: Mutex<Option<Version>>,
}

impl Link {
    /// Nothing is sent. Fails when the CA bundle cannot be used.
    pub(super) fn new(config: OstorConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| {
            let call = request::find_user(&request::nobody());
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        let (id, secret) = (&config.access_key_id, &config.secret);
        Ok(Self {
            http,
            v2: SignerV2::new(id.clone(), secret.clone()),
            v4: Signer::new(id.clone(), secret.clone(), config.region.clone()),
            found: Mutex::new(match config.signature {
                OstorSignature::Auto => None,
                OstorSignature::V2 => Some(Version::V2),
                OstorSignature::V4 => Some(Version::V4),
            }),
            config,
        })
    }

    /// The access key that calls are signed with.
    pub(super) fn own_key(&self) -> &AccessKeyId {
        &self.config.access_key_id
    }

    /// Sends a call; any answer is a value, none is an error.
    ///
    /// A read finds out which signature the store takes. A change never does: every one comes after a read.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let known = self.found();
        let version = known.unwrap_or(Version::V2);
        let reply = self.send_as(call, version).await?;
        if self.config.signature != OstorSignature::Auto || call.changes() {
            return Ok(reply);
        }
        // A store that knows nothing of a signature may call it malformed. One whose signature is known would not.
        let is_refused = |reply: &Reply, is_known: bool| match reply.status {
            401 | 403 => true,
            400 => !is_known,
            _ => false,
        };
        if !is_refused(&reply, known.is_some()) {
            self.remember(version, &reply);
            return Ok(reply);
        }
        let second = self.send_as(call, version.other()).await?;
        if !is_refused(&second, false) {
            self.remember(version.other(), &second);
            return Ok(second);
        }
        // Of two refusals, the one that is about the key.
        let first_tells_less = reply.status == 400 && second.status != 400;
        Ok(if first_tells_less { second } else { reply })
    }

    async fn send_as(&self, call: &Call, version: Version) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        let signed = match version {
            Version::V2 => self.v2.sign(&mut request, request::signed_part(&call.target)),
            Version::V4 => self.v4.sign(&mut request),
        };
        signed.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    fn found(&self) -> Option<Version> {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, version: Version, reply: &Reply) {
        // The page of something in front says nothing about the store.
        if is_success(reply) || error::is_absent(reply) {
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        }
    }
}
