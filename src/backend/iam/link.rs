//! The way to a store: one client, one signature, and lists that come in pages.

use super::{config::IamConfig, error, request, wire};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply, Signer};

/// Most pages that are read of one list. The quotas of AWS fit on one or two.
const MAX_PAGES: usize = 50;

/// Sends signed calls to one store.
#[derive(Debug)]
pub(super) struct Link {
    config: IamConfig,
    signer: Signer,
    http: HttpClient,
}

impl Link {
    /// Nothing is sent. Fails when the CA bundle cannot be used.
    pub(super) fn new(config: IamConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| {
            let call = request::find_user(&request::nobody());
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        let (id, secret) = (config.access_key_id.clone(), config.secret.clone());
        let signer = Signer::new(id, secret, config.region.clone()).for_service("iam");
        Ok(Self { config, signer, http })
    }

    /// The settings it was made from.
    pub(super) fn config(&self) -> &IamConfig {
        &self.config
    }

    /// Sends a call; any answer is a value, none is an error.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        let signed = self.signer.sign(&mut request);
        signed.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    /// Sends a call that tells nothing, and demands that it was carried out.
    pub(super) async fn carry_out(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        wire::done(call, &reply)
    }

    /// Sends a call that removes something, which may be gone already.
    pub(super) async fn remove(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        if error::is_absent(&reply) {
            return Ok(());
        }
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        wire::done(call, &reply)
    }

    /// All pages of a list of a user; `None`: there is no such user.
    pub(super) async fn list<T: Send>(
        &self,
        ask: impl Fn(Option<&str>) -> Call + Send,
        read: impl Fn(&Call, &Reply) -> Result<wire::Page<T>> + Send,
    ) -> Result<Option<Vec<T>>> {
        let (mut all, mut marker) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let call = ask(marker.as_deref());
            let reply = self.send(&call).await?;
            if error::is_absent(&reply) {
                return Ok(None);
            }
            if !is_success(&reply) {
                return Err(error::refused(&call, &reply));
            }
            let page = read(&call, &reply)?;
            all.extend(page.items);
            if page.marker.is_none() {
                return Ok(Some(all));
            }
            if page.marker == marker {
                return Err(call.misunderstood("the store gives one page of a list again and again"));
            }
            marker = page.marker;
        }
        Err(ask(None).misunderstood("the store's list does not end"))
    }
}
