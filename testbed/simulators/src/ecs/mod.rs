//! Dell ECS and `ObjectScale`: object users and their secrets on the management port, and the S3 port beside it.
//!
//! The access key is the uid itself; only the secret changes. A user has at most two secrets, both valid at once,
//! and the older one can be given an end, in minutes, by the call that makes the newer. The IAM flavour is not here.
//! Written from Dell's `OpenAPI` description and API reference, the ECS Data Access Guide, and public recordings.

mod buckets;
mod call;
mod keys;
mod options;
mod route;
mod session;
mod state;
mod tags;
#[cfg(test)]
mod tests;
mod users;
mod wire;

pub use options::{
    Case, IdWithoutSecret, Options, Refusal, Scope, Slots, ThirdKey, Times, TurnedAway, ZeroExpiry,
};
pub use session::Credentials;

use crate::clock::Clock;
use crate::server::{Server, Violations};
use state::{Name, State};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// A failure to come that no proxy in front could make, or whose body only the product has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The token of the request ends before it is looked at.
    TokenDies,
    /// The change is made, and the answer is 500 with code 7000 and `retryable` false, as seen in issue 371 of
    /// ECS-CommunityEdition. Waits for a change.
    AppliedThenFails,
    /// The same answer, and no change. Waits for a change.
    FailsUnapplied,
    /// 503 with code 6000 and `retryable` true.
    Unavailable,
    /// 500 with an HTML page.
    HtmlPage,
    /// 302 to `/login`, with a token that is good.
    RedirectToLogin,
    /// S3 sees what the next change does only after this long. Waits for a change.
    LateOnS3(Duration),
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    violations: Violations,
    clock: Clock,
}

/// A running simulator. Dropping it panics if there were violations.
pub struct Ecs {
    admin: Server,
    s3: Server,
    shared: Arc<Shared>,
}

impl fmt::Debug for Ecs {
    // Not the state, which has secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ecs({:?}, {:?})", self.admin, self.s3)
    }
}

impl Ecs {
    /// Starts both ports.
    pub async fn start(options: Options) -> Self {
        let shared = Arc::new(Shared {
            options,
            state: Mutex::new(State::new()),
            violations: Violations::default(),
            clock: Clock::default(),
        });
        let (on_admin, on_s3) = (Arc::clone(&shared), Arc::clone(&shared));
        let admin = move |request| route::serve(&on_admin, &request);
        let s3 = move |request| buckets::on_s3(&on_s3, &request);
        Self {
            admin: Server::start(shared.violations.clone(), admin).await,
            s3: Server::start(shared.violations.clone(), s3).await,
            shared,
        }
    }

    /// The management port, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.admin.url()
    }

    /// The S3 port, as `http://127.0.0.1:PORT`.
    pub fn s3_url(&self) -> String {
        self.s3.url()
    }

    /// The time of the simulator.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The system administrator (role `SYSTEM_ADMIN`).
    pub fn root(&self) -> Credentials {
        session::ROOT
    }

    /// The administrator of the first namespace (role `NAMESPACE_ADMIN`).
    pub fn namespace_admin(&self) -> Credentials {
        session::NAMESPACE_ADMIN
    }

    /// One who only reads (role `SYSTEM_MONITOR`).
    pub fn monitor(&self) -> Credentials {
        session::MONITOR
    }

    /// The first namespace: that of the namespace administrator, and of the names in the helpers here.
    pub fn namespace(&self) -> &str {
        self.shared
            .options
            .namespaces
            .first()
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// Requests that the documents do not allow.
    pub fn violations(&self) -> Violations {
        self.shared.violations.clone()
    }

    /// The next request below `/object` meets this fault. Faults wait in a queue.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_next_at(fault, "/object");
    }

    /// The next request whose path begins like this meets the fault. `/login` and `/logout` meet none.
    pub fn fail_next_at(&self, fault: Fault, path_start: &str) {
        self.state().faults.push_back((fault, path_start.to_owned()));
    }

    /// Faults that no request has met yet.
    pub fn waiting_faults(&self) -> usize {
        self.state().faults.len()
    }

    /// Ends every token now.
    pub fn kill_tokens(&self) {
        self.state()
            .tokens
            .values_mut()
            .for_each(|token| token.dead = true);
    }

    /// Tokens that work now.
    pub fn live_tokens(&self) -> usize {
        let now = self.now();
        let state = self.state();
        state
            .tokens
            .values()
            .filter(|token| session::is_live_at(token, &self.shared.options, now))
            .count()
    }

    /// Logins that succeeded.
    pub fn logins(&self) -> usize {
        self.state().logins
    }

    /// Requests on the management port.
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// Makes a user behind everyone's back, with one secret that works on S3 at once: access key and secret.
    pub fn add_user(&self, uid: &str) -> (String, String) {
        let name = self.name(uid);
        self.state().add_user(name, Vec::new(), self.now());
        (uid.to_owned(), self.add_key(uid).unwrap_or_default())
    }

    /// Adds a secret behind everyone's back, which works on S3 at once. `None` where the user has two, or is not.
    pub fn add_key(&self, uid: &str) -> Option<String> {
        let name = self.name(uid);
        let now = self.now();
        let mut state = self.state();
        state.blank_expired(&self.shared.options, &name, now);
        if state.users.get(&name)?.keys.len() > 1 {
            return None;
        }
        let secret = state.draw();
        state.late = Some(Duration::ZERO);
        state.add_key(&self.shared.options, &name, secret.clone(), now);
        state.late = None;
        Some(secret)
    }

    /// Removes a secret behind everyone's back, by the rules of the caches. Whether there was one.
    pub fn remove_key(&self, uid: &str, secret: &str) -> bool {
        let name = self.name(uid);
        let now = self.now();
        self.state()
            .remove_keys(&self.shared.options, &name, now, |key| key.secret == secret)
            > 0
    }

    /// Removes a user behind everyone's back, by the rules of the caches.
    pub fn remove_user(&self, uid: &str) {
        let name = self.name(uid);
        let now = self.now();
        self.state().remove_user(&self.shared.options, &name, now);
    }

    /// Locks or unlocks a user behind everyone's back, by the rules of the caches.
    pub fn lock(&self, uid: &str, locked: bool) {
        let name = self.name(uid);
        let now = self.now();
        self.state().lock(&self.shared.options, &name, locked, now);
    }

    /// Everything about a user as text: `absent`, or lock, tags and secrets, oldest first, by their SHA-256.
    pub fn snapshot(&self, uid: &str) -> String {
        let state = self.state();
        let name = self.name(uid);
        let Some(user) = state.users.get(&name) else {
            return "absent".to_owned();
        };
        let mut text = format!("user {}/{} locked={}\n", name.0, name.1, user.locked);
        for (name, value) in &user.tags {
            let _ = writeln!(text, "tag {name:?}={value:?}");
        }
        let shown = |time: SystemTime| wire::key_time(&Options::default(), time);
        for key in &user.keys {
            let expires = key.expires.map_or("never".to_owned(), shown);
            let _ = writeln!(
                text,
                "key {} made={} expires={expires}",
                key.id(),
                shown(key.made)
            );
        }
        for bucket in state.buckets.of(&state::owner(&self.shared.options, &name)) {
            let _ = writeln!(text, "bucket {bucket}");
        }
        text
    }

    fn name(&self, uid: &str) -> Name {
        (
            self.namespace().to_owned(),
            state::cased(&self.shared.options, uid),
        )
    }

    fn now(&self) -> SystemTime {
        self.shared.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}
