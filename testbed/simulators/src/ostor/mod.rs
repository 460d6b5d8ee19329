//! The object storage of Virtuozzo Infrastructure and Acronis Cyber Infrastructure: `ostor-*` sub-resources
//! on the endpoint of S3 itself, signed by a system user.
//!
//! Written from: the orchestration reference (Virtuozzo "Object Storage Orchestration API Reference", 7.0.5
//! of the older product and 4.5 to 7.3 of the newer one), the service guide ("Storage-as-a-Service
//! Integration Guide", Acronis Storage 2 and Virtuozzo 4.7 to 7.3), the administrator's guides 6.2 and 7.3
//! ("Managing S3 access keys"), and what the public client `Luzilla/acronis-s3-usage` recorded. What they
//! leave open is a switch in [`Options`].

#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, and as large"
)]

mod answers;
mod auth;
mod buckets;
mod call;
mod directory;
mod options;
mod quotas;
mod state;
#[cfg(test)]
mod tests;
mod usage;
mod users;

pub use options::{
    ErrorBody, Existing, KeyOrder, Lags, LastKey, LimitForm, LimitUnit, ListShape, NoQuota, Options, Refusal,
    Signature, UserShape, Verb,
};

use crate::clock::Clock;
use crate::server::{Server, Violations};
use directory::User;
use state::{State, halves};
use std::sync::{Arc, Mutex, MutexGuard};

/// E-mail of the system user that a simulator starts with.
const SYSTEM_USER: &str = "system@ostor.example";

/// What goes wrong with the next write of the admin API that is understood. Cut and delayed answers are not
/// here: a proxy in front makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Carried out, and answered with an error 500 of the product.
    ErrorAfterWrite,
    /// Not carried out, and answered the same way.
    ErrorInsteadOfWrite,
    /// Carried out, and answered by the front server with a page of its own: no `X-Amz-Err-Message`, which a
    /// client must take for a failure of transport.
    GatewayErrorAfterWrite,
    /// Just before, somebody else gives the user one more pair (if there is room).
    ForeignKeyFirst,
    /// Just before, somebody else creates the user, or deletes it if it is there.
    ForeignUserChangeFirst,
}

/// What was asked so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests of the admin API, refused ones too.
    pub requests: u64,
    /// Of these, reads that were answered.
    pub reads: u64,
    /// Of these, writes that were understood, also if they were refused or failed.
    pub writes: u64,
    /// Of these, refused for who signed them, or how.
    pub unauthenticated: u64,
    /// Of these, refused for their verb.
    pub wrong_verbs: u64,
    /// Requests of S3.
    pub s3: u64,
}

/// A simulated store. Dropping it panics if there were violations.
#[derive(Debug)]
pub struct Ostor {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Ostor {
    /// Starts one with a system user and nobody else.
    pub async fn start(options: Options) -> Self {
        let violations = Violations::default();
        let state = Arc::new(Mutex::new(State::new(options, violations.clone(), SYSTEM_USER)));
        let shared = Arc::clone(&state);
        let server = Server::start(violations, move |request| shared.lock().unwrap().serve(&request)).await;
        Self { server, state }
    }

    /// Where the admin API is.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where S3 is: at the same place.
    pub fn s3_url(&self) -> String {
        self.server.url()
    }

    /// The simulated time, which lags go by.
    pub fn clock(&self) -> Clock {
        self.lock().clock.clone()
    }

    /// What was asked that the documents do not allow.
    pub fn violations(&self) -> Violations {
        self.lock().violations.clone()
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// E-mail of the system user.
    pub fn system_user(&self) -> &'static str {
        SYSTEM_USER
    }

    /// Access key and secret of the system user: the credentials of the admin API.
    pub fn system_key(&self) -> (String, String) {
        let state = self.lock();
        let user = state.directory.get(SYSTEM_USER).unwrap();
        halves(user.keys.last().unwrap())
    }

    /// Replaces the key of the system user. The old one is refused from now on.
    pub fn replace_system_key(&self) -> (String, String) {
        let mut state = self.lock();
        let mut user = state.directory.get(SYSTEM_USER).unwrap().clone();
        let pair = state.directory.pair(&user);
        user.keys = vec![pair.clone()];
        let now = state.clock.now();
        state.directory.put(now, user);
        halves(&pair)
    }

    /// Lets the next write that is understood go wrong. Several are used up one after the other.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Changes how late changes arrive, those that were made before too.
    pub fn set_lags(&self, lags: Lags) {
        self.lock().lags = lags;
    }

    /// Changes what the product does, such as by an upgrade.
    pub fn set_options(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.lock().options);
    }

    /// Makes a user without the admin API. Returns its access key and secret.
    pub fn foreign_user(&self, email: &str) -> (String, String) {
        let mut state = self.lock();
        assert!(state.directory.get(email).is_none(), "{email} is there");
        state.make_user(email)
    }

    /// Gives a user one more pair without the admin API.
    pub fn foreign_key(&self, email: &str) -> (String, String) {
        self.lock().make_key(email).expect("a user with room for a pair")
    }

    /// Takes a pair from a user without the admin API.
    pub fn foreign_revoke(&self, email: &str, access_key_id: &str) {
        self.change(email, |user| user.keys.retain(|pair| pair.id != access_key_id));
    }

    /// Enables or disables a user without the admin API.
    pub fn foreign_set_enabled(&self, email: &str, is_enabled: bool) {
        self.change(email, |user| user.is_enabled = is_enabled);
    }

    /// Deletes a user without the admin API. Buckets stay, and belong to nobody.
    pub fn foreign_delete(&self, email: &str) {
        let mut state = self.lock();
        let now = state.clock.now();
        state.directory.remove(now, email);
    }

    /// Access keys of a user, the oldest first.
    pub fn access_keys(&self, email: &str) -> Vec<String> {
        let state = self.lock();
        let user = state.directory.get(email);
        user.map_or_else(Vec::new, |user| {
            user.keys.iter().map(|pair| pair.id.clone()).collect()
        })
    }

    /// Everything about a user as text: equal texts mean that nothing changed. Secrets stand there as hashes.
    pub fn snapshot(&self, email: &str) -> String {
        self.lock().snapshot(email)
    }

    fn change(&self, email: &str, change: impl FnOnce(&mut User)) {
        let mut state = self.lock();
        let mut user = state.directory.get(email).expect("a user of this e-mail").clone();
        change(&mut user);
        let now = state.clock.now();
        state.directory.put(now, user);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
