//! `NetApp` ONTAP: the REST API of its S3 users, groups and policies, releases 9.8 to 9.19.1, and the S3 side of one storage
//! VM, on a socket of its own as on a data LIF.
//!
//! Written from: REST reference 9.17.1 ("Manage S3 service users", the pages of users, groups and policies), 9.15.1, 9.11
//! and 9.8; "Interpret an ONTAP REST response" and "Input variables for an ONTAP REST API request" (ONTAP automation);
//! the user guide, "Regenerate ONTAP S3 keys and modify their retention period" and "Create or modify an ONTAP S3 object
//! store server policy"; the fields of the client library `netapp_ontap` 9.14.1 to 9.19.1.

mod access;
mod api;
mod call;
mod cluster;
mod groups;
mod keys;
mod options;
mod policies;
mod records;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod users;

pub use options::{Dates, Keyless, Login, Options, Unknown, Unpoliced, Version};
pub use state::{Counts, Fault};

use crate::clock::Clock;
use crate::server::{Server, Violations};
use state::{Group, State};
use std::sync::{Arc, Mutex, MutexGuard};

/// A cluster with one storage VM that serves S3. Dropping it panics if there were violations.
#[derive(Debug)]
pub struct Ontap {
    admin_side: Server,
    s3_side: Server,
    violations: Violations,
    clock: Clock,
    state: Shared,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Ontap {
    /// Starts one.
    pub async fn start(options: Options) -> Self {
        let (violations, clock) = (Violations::default(), Clock::default());
        // Keys of two clusters are not to be the same.
        let seed = format!("{:?}", clock.now());
        let state = Shared(Arc::new(Mutex::new(State::new(options, clock.clone(), seed))));
        let (of_admin, of_s3, noted) = (state.clone(), state.clone(), violations.clone());
        let admin = move |request| api::serve(&mut of_admin.lock(), &noted, &request);
        let s3 = move |request| access::serve(&mut of_s3.lock(), &request);
        Self {
            admin_side: Server::start(violations.clone(), admin).await,
            s3_side: Server::start(violations.clone(), s3).await,
            violations,
            clock,
            state,
        }
    }

    /// Where the admin API is, without `/api`.
    pub fn url(&self) -> String {
        self.admin_side.url()
    }

    /// Where S3 is. Path style only.
    pub fn s3_url(&self) -> String {
        self.s3_side.url()
    }

    /// Its time.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What the documents do not allow and was done.
    pub fn violations(&self) -> Violations {
        self.violations.clone()
    }

    /// The account that may do everything.
    pub fn admin(&self) -> Login {
        self.state.lock().admin.clone()
    }

    /// An account that may only read: its writes are answered with 403.
    pub fn reader(&self) -> Login {
        self.state.lock().reader.clone()
    }

    /// Gives the admin another password, at once.
    pub fn change_password(&self, password: &str) {
        password.clone_into(&mut self.state.lock().admin.password);
    }

    /// Name of the storage VM.
    pub fn svm(&self) -> String {
        self.state.lock().options.svm.clone()
    }

    /// UUID of the storage VM.
    pub fn svm_uuid(&self) -> &'static str {
        api::DATA_SVM
    }

    /// UUID of a storage VM, `vs-without-data`, where every write is refused because it serves no data.
    pub fn other_svm_uuid(&self) -> &'static str {
        api::OTHER_SVM
    }

    /// Turns switches while it runs; an upgrade is one of them.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.state.lock().options);
    }

    /// Lets something go wrong once.
    pub fn fail_next(&self, fault: Fault) {
        self.state.lock().faults.push(fault);
    }

    /// The faults that have not happened yet.
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.state.lock().faults.clone()
    }

    /// Requests so far.
    pub fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    /// Everything about a user: comment, keys with fingerprints of their secrets, groups, whether it is locked, buckets. The
    /// same text for the same state.
    pub fn snapshot(&self, name: &str) -> String {
        self.state.lock().snapshot(name)
    }

    /// Names of all users.
    pub fn users(&self) -> Vec<String> {
        self.state.lock().users.keys().cloned().collect()
    }

    /// Makes a user as somebody else would; one that is there gets another key 1. Returns access key and secret.
    pub fn foreign_user(&self, name: &str) -> (String, String) {
        let mut state = self.state.lock();
        state.users.entry(name.to_owned()).or_default();
        state.ever.insert(name.to_owned());
        put_foreign(&mut state, name, 0)
    }

    /// Makes a key of a user as somebody else would: in a free slot, else in place of the first key. Up to 9.18.1 there is but
    /// one slot. Returns access key and secret.
    pub fn foreign_key(&self, name: &str) -> (String, String) {
        let mut state = self.state.lock();
        let slots = if state.options.has_two_keys() { 2 } else { 1 };
        let user = state.users.get(name).expect("the user is there");
        let free = user.pairs[..slots].iter().position(Option::is_none);
        put_foreign(&mut state, name, free.unwrap_or(0))
    }

    /// Removes a user as somebody else would, from its groups too.
    pub fn remove_user(&self, name: &str) {
        self.state.lock().remove_user(name);
    }

    /// Grants a user what a policy says, such as `FullAccess`, by a group of their own: `grant-USER-POLICY`. Returns its id.
    pub fn grant(&self, name: &str, policy: &str) -> u64 {
        self.state.lock().add_group(Group {
            name: format!("grant-{name}-{policy}"),
            comment: None,
            users: vec![name.to_owned()],
            policies: vec![policy.to_owned()],
        })
    }
}

fn put_foreign(state: &mut State, name: &str, slot: usize) -> (String, String) {
    let pair = state.pair(None, None);
    let keys = (pair.access_key.clone(), pair.secret_key.clone());
    state.put(name, slot, Some(pair));
    keys
}
