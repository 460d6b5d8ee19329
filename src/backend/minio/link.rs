//! The way to a server: one client, the signature, and the encryption of what goes to and fro.

use super::config::MinioConfig;
use super::sealed::{self, Broken, Scheme};
use super::{NO_ANSWER, error, request};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply, Signer};
use crate::domain::ids::AccessKeyId;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use std::sync::{Mutex, PoisonError};
use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

/// Costly schemes at work at once, in the whole process: each takes 64 MiB.
static TURNS: Semaphore = Semaphore::const_new(2);

const NOT_READ: &str = "the answer could not be decrypted with the admin's secret key";

/// Sends signed calls to one server.
#[derive(Debug)]
pub(super) struct Link {
    config: MinioConfig,
    http: HttpClient,
    signer: Signer,
    /// What the server was seen to read.
    found: Mutex<Option<Scheme>>,
}

impl Link {
    /// Nothing is sent. Fails when the CA bundle cannot be used.
    pub(super) fn new(config: MinioConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| {
            let call = request::find_user(&request::nobody());
            call.refuse(ErrorKind::Invalid, &text)
        })?;
        let (id, secret) = (config.access_key_id.clone(), config.secret.clone());
        Ok(Self {
            http,
            signer: Signer::new(id, secret, config.region.clone()),
            found: Mutex::default(),
            config,
        })
    }

    /// What it was made from.
    pub(super) fn config(&self) -> &MinioConfig {
        &self.config
    }

    /// The access key that calls are signed with.
    pub(super) fn own_key(&self) -> &AccessKeyId {
        &self.config.access_key_id
    }

    /// Sends a call, its body encrypted; any answer is a value, none is an error.
    ///
    /// Which scheme a server reads, the first body finds out. One that could not be decrypted was not carried out, so
    /// that it may be sent again in the other.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let Some((content_type @ request::SEALED, plain)) = &call.body else {
            return self.post(call).await;
        };
        // The costly one takes a tenth of a second on both sides where the other takes milliseconds. It is read by every
        // server, so that it comes first where a call is not refused in words when it is not read.
        let costly_first = match self.found() {
            Some(scheme) => scheme.is_costly(),
            None => [request::ATTACH, request::DETACH].contains(&call.operation),
        };
        let (first, second) = if costly_first {
            (Scheme::Argon2Aes, Scheme::Pbkdf2Aes)
        } else {
            (Scheme::Pbkdf2Aes, Scheme::Argon2Aes)
        };
        let reply = self.send_sealed(call, (content_type, plain), first).await?;
        if !error::is_unreadable(&reply) {
            return Ok(reply);
        }
        self.send_sealed(call, (content_type, plain), second).await
    }

    /// Sends a call and demands a success.
    pub(super) async fn succeed(&self, call: &Call) -> Result<Reply> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            Ok(reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// What an answer says. Encrypted by `MinIO`; others have the same in plain.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: &Call, reply: &Reply) -> Result<T> {
        let Some(scheme) = Scheme::of(&reply.body) else {
            return call.parse(reply, NO_ANSWER);
        };
        let (secret, message) = (self.config.secret.clone(), reply.body.clone());
        let work = move || sealed::open(secret.expose_secret().as_bytes(), &message);
        let plain = off_threads(call, scheme, work).await?;
        let plain = plain.map_err(|Broken| call.misunderstood(NOT_READ))?;
        // The parser's own text may quote the body.
        serde_json::from_slice(&plain).map_err(|_| call.misunderstood(NO_ANSWER))
    }

    async fn send_sealed(
        &self,
        call: &Call,
        (content_type, plain): (&'static str, &Zeroizing<Vec<u8>>),
        scheme: Scheme,
    ) -> Result<Reply> {
        let (mut salt, mut nonce) = ([0; sealed::SALT], [0; sealed::NONCE]);
        self.config.entropy.fill(&mut salt);
        self.config.entropy.fill(&mut nonce);
        let (secret, plain) = (self.config.secret.clone(), plain.clone());
        let work = move || sealed::seal(scheme, secret.expose_secret().as_bytes(), &salt, nonce, &plain);
        let message = off_threads(call, scheme, work).await?;
        let not_made = |Broken| call.refuse(ErrorKind::Invalid, "the call could not be encrypted");
        let sealed = Call {
            body: Some((content_type, Zeroizing::new(message.map_err(not_made)?))),
            ..call.clone()
        };
        let reply = self.post(&sealed).await?;
        if is_success(&reply) {
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(scheme);
        }
        Ok(reply)
    }

    async fn post(&self, call: &Call) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        let signed = self.signer.sign(&mut request);
        signed.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    fn found(&self) -> Option<Scheme> {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the work where it holds up nobody, and as many at once as memory allows. Whoever stops waiting does not give the
/// turn back before the work is done.
async fn off_threads<T: Send + 'static>(
    call: &Call,
    scheme: Scheme,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let stopped = || call.refuse(ErrorKind::Transient, "the operator is stopping");
    let turn = if scheme.is_costly() {
        Some(TURNS.acquire().await.map_err(|_| stopped())?)
    } else {
        None
    };
    let done = spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|_| stopped())
}
