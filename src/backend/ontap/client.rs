//! The way to the cluster: calls sent and answered, lists read to their end, and what was learned kept.

use super::cluster::{Known, TWO_KEYS, Version};
use super::config::OntapConfig;
use super::wire::{Cluster, Page, Svm, User};
use super::{error, request};
use crate::backend::Result;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Outcome};
use crate::backend::http::{HttpClient, HttpOptions, Reply, basic};
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};
use tokio::sync::{Mutex, MutexGuard};

pub(super) const NO_ANSWER: &str = "this is no answer of an ONTAP cluster: is the endpoint right?";

/// Most pages that are read of one list.
const PAGES_MAX: usize = 1000;

/// Sends calls, and remembers what the last probe found.
#[derive(Debug)]
pub(super) struct Client {
    config: OntapConfig,
    http: HttpClient,
    known: RwLock<Option<Known>>,
    groups: Mutex<()>,
}

impl Client {
    pub(super) fn new(config: OntapConfig) -> Result<Self> {
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let invalid = |text: &str| request::cluster().refuse(ErrorKind::Invalid, text);
        let http = HttpClient::new(&options).map_err(|text| invalid(&text))?;
        if config.username.contains(':') {
            return Err(invalid(
                "a user name with `:` cannot log in: correct the admin Secret",
            ));
        }
        let known = RwLock::new(None);
        Ok(Self {
            config,
            http,
            known,
            groups: Mutex::default(),
        })
    }

    pub(super) fn config(&self) -> &OntapConfig {
        &self.config
    }

    /// Sends a call; any answer is a value, none is an error.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        let login = basic(&self.config.username, &self.config.password);
        let login = login.map_err(|text| call.refuse(ErrorKind::Invalid, &text))?;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, login);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/hal+json"));
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    /// Sends a change and demands that it was carried out.
    pub(super) async fn change(&self, call: &Call) -> Result<()> {
        let reply = self.send(call).await?;
        carried_out(call, &reply)
    }

    /// One change of the members of groups at a time: a list is read, changed and written back.
    pub(super) async fn groups_turn(&self) -> MutexGuard<'_, ()> {
        self.groups.lock().await
    }

    /// A list to its end, or `None` where the account may not read it.
    pub(super) async fn list<T: DeserializeOwned>(&self, first: Call) -> Result<Option<Vec<T>>> {
        let (mut call, mut seen, mut records) = (first, BTreeSet::new(), Vec::new());
        loop {
            let reply = self.send(&call).await?;
            if error::is_forbidden(&reply) {
                return Ok(None);
            }
            let page: Page<T> = page(&call, &reply)?;
            let next = page.next().map(str::to_owned);
            records.extend(page.records.into_iter().flat_map(|records| records.0));
            let Some(next) = next else {
                return Ok(Some(records));
            };
            // A path of this server and no other: the login goes with it.
            if !next.starts_with("/api/") || !seen.insert(next.clone()) || seen.len() > PAGES_MAX {
                return Err(
                    call.misunderstood("the cluster's list links to a page that was read, or elsewhere")
                );
            }
            call.target = next;
        }
    }

    /// What is known; asked for first where nothing is.
    pub(super) async fn known(&self) -> Result<Known> {
        match self.remembered() {
            Some(known) => Ok(known),
            None => self.learn().await,
        }
    }

    /// What the last probe found.
    pub(super) fn remembered(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, known: Option<Known>) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// A record contradicts the release: there is but one key for a user.
    pub(super) fn unlearn_two_keys(&self) {
        if let Some(known) = self.remembered() {
            let two_keys = false;
            self.remember(Some(Known { two_keys, ..known }));
        }
    }

    /// The storage VM was not there: the next call looks it up anew.
    pub(super) fn forget(&self) {
        self.remember(None);
    }

    /// Asks the cluster what it is. Changes nothing there.
    pub(super) async fn learn(&self) -> Result<Known> {
        // What was known stays so while the account may not read it.
        let before = self.remembered().and_then(|known| known.version);
        let version = self.version().await?.or(before);
        let svm = self.find_svm().await?;
        let two_keys = version.is_some_and(|version| version >= TWO_KEYS) && self.shows_keys(&svm).await?;
        let known = Known {
            svm,
            version,
            two_keys,
        };
        self.remember(Some(known.clone()));
        Ok(known)
    }

    /// An account of a storage VM may not be let in here. Whether its password is right is told by the next call.
    async fn version(&self) -> Result<Option<Version>> {
        let call = request::cluster();
        let reply = self.send(&call).await?;
        let barred = matches!(reply.status, 401 | 403 | 404 | 405) && error::code(&reply).is_some();
        if barred {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(&call, &reply));
        }
        let cluster: Cluster = call.parse(&reply, NO_ANSWER)?;
        let version = cluster.version.parsed();
        version
            .map(Some)
            .ok_or_else(|| call.misunderstood("the cluster tells no release"))
    }

    async fn find_svm(&self) -> Result<String> {
        let name = &self.config.svm;
        let call = request::find_svm(name);
        let reply = self.send(&call).await?;
        let found: Page<Svm> = page(&call, &reply)?;
        let mut records = found.records.into_iter().flat_map(|records| records.0);
        let Some(svm) = records.find(|svm| svm.name == *name) else {
            let text = "there is none of this name that the account may see: correct spec.backend.ontap.svm";
            return Err(call.refuse(ErrorKind::NotFound, text));
        };
        let is_uuid =
            !svm.uuid.is_empty() && svm.uuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_uuid {
            Ok(svm.uuid)
        } else {
            Err(call.misunderstood("the cluster tells no uuid of it"))
        }
    }

    /// Whether this release shows two keys. A user with a key and without `keys` says that it does not; where there is no
    /// user yet, the release is believed, and the first one that is read says.
    async fn shows_keys(&self, svm: &str) -> Result<bool> {
        let call = request::probe_keys(svm);
        let reply = self.send(&call).await?;
        if reply.status == 400 && matches!(error::code(&reply).as_deref(), Some("2" | "3")) {
            return Ok(false);
        }
        let users: Page<User> = page(&call, &reply)?;
        let mut users = users.records.iter().flat_map(|records| &records.0);
        Ok(!users.any(|user| !user.shows_keys() && !user.pairs().is_empty()))
    }
}

/// A page of a list, of a success.
fn page<T: DeserializeOwned>(call: &Call, reply: &Reply) -> Result<Page<T>> {
    if !is_success(reply) {
        return Err(error::refused(call, reply));
    }
    let page: Page<T> = call.parse(reply, NO_ANSWER)?;
    if page.records.is_none() && page.num_records.is_none() {
        return Err(call.misunderstood(NO_ANSWER));
    }
    Ok(page)
}

/// A success of a change is empty or an object without an error in it. 202 would be a promise only.
pub(super) fn carried_out(call: &Call, reply: &Reply) -> Result<()> {
    if !is_success(reply) {
        return Err(error::refused(call, reply));
    }
    if reply.status == 202 {
        let text = "the cluster took it up and has not finished: it is read again";
        return Err(call.own(ErrorKind::Transient, Outcome::Unknown, text));
    }
    let body = reply.body.trim_ascii();
    if body.is_empty() {
        return Ok(());
    }
    let answer: serde_json::Map<String, serde_json::Value> = call.parse(reply, NO_ANSWER)?;
    if answer.contains_key("error") {
        Err(error::refused(call, reply))
    } else {
        Ok(())
    }
}
