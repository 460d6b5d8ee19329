//! What a simulator knows, and which part of it answers a request.

use super::buckets::{self, Limits};
use super::call::Call;
use super::directory::{Directory, Pair};
use super::options::{Lags, Options, Refusal};
use super::usage::{self, Usage};
use super::{Counters, Fault, answers, auth, quotas, users};
use crate::clock::Clock;
use crate::s3::{Buckets, Refusals};
use crate::server::{self, Answer, Incoming, Violations};
use crate::signature::hex;
use axum::http::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

/// All that a simulator knows.
pub(super) struct State {
    pub(super) options: Options,
    pub(super) lags: Lags,
    pub(super) clock: Clock,
    pub(super) violations: Violations,
    pub(super) directory: Directory,
    pub(super) buckets: Buckets,
    pub(super) limits: BTreeMap<String, Limits>,
    pub(super) quotas: BTreeMap<String, u64>,
    pub(super) usage: Usage,
    pub(super) faults: VecDeque<Fault>,
    pub(super) counters: Counters,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Access key and secret.
pub(super) fn halves(pair: &Pair) -> (String, String) {
    (pair.id.clone(), pair.secret.clone())
}

impl State {
    /// A store with a system user of this e-mail.
    pub(super) fn new(options: Options, violations: Violations, system_user: &str) -> Self {
        let clock = Clock::default();
        let mut directory = Directory::new();
        let system = directory.draft(system_user, true);
        directory.put(clock.now(), system);
        Self {
            lags: options.lags,
            options,
            clock,
            violations,
            directory,
            buckets: Buckets::default(),
            limits: BTreeMap::new(),
            quotas: BTreeMap::new(),
            usage: Usage::default(),
            faults: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Answers a request, of the admin API or of S3.
    pub(super) fn serve(&mut self, request: &Incoming) -> Answer {
        match Call::of(request) {
            Some(call) if request.uri().path() == "/" => {
                self.counters.requests += 1;
                let answer = self.administer(request, &call);
                answers::with_common_headers(answer, self.counters.requests)
            }
            other => {
                if let Some(call) = other {
                    self.note(&call, "sub-resources of the admin API are on the path /");
                }
                self.counters.s3 += 1;
                self.serve_s3(request)
            }
        }
    }

    fn administer(&mut self, request: &Incoming, call: &Call) -> Answer {
        if let Err(refused) = auth::authenticate(self, request, call) {
            self.counters.unauthenticated += 1;
            return refused;
        }
        if let Err(refused) = call.check(self) {
            return refused;
        }
        let answer = match call.service.as_str() {
            "ostor-users" => users::answer(self, call),
            "ostor-accounts" => users::answer_accounts(self, call),
            "ostor-buckets" => buckets::answer(self, call),
            "ostor-limits" => buckets::answer_limits(self, call),
            "ostor-quotas" => quotas::answer(self, call),
            "ostor-usage" => usage::answer(self, call),
            _ => self.no_such_call(call),
        };
        let is_read = call.method == Method::GET;
        self.counters.reads += u64::from(is_read && answer.status().is_success());
        answer
    }

    fn serve_s3(&mut self, request: &Incoming) -> Answer {
        let refused = self.options.disabled_on_s3;
        let refusals = Refusals {
            locked: (refused.status, refused.code),
            ..Refusals::default()
        };
        let (now, lags, directory) = (self.clock.now(), self.lags, &self.directory);
        let known = |access_key_id: &str| directory.known(access_key_id, now, lags);
        let answer = self.buckets.serve(request, &refusals, known);
        if answer.status().is_success() {
            self.usage.count(request, now, self.options.usage_period);
        }
        answer
    }

    /// Carries out a write that is understood, with what goes wrong with it.
    pub(super) fn write(
        &mut self,
        call: &Call,
        write: impl FnOnce(&mut Self) -> Result<Answer, Answer>,
    ) -> Result<Answer, Answer> {
        const ERROR: Refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
        self.counters.writes += 1;
        let fault = self.faults.pop_front();
        match fault {
            Some(Fault::ErrorInsteadOfWrite) => return Err(self.refuse(ERROR, "Internal error")),
            Some(Fault::ForeignKeyFirst) => {
                let _ = call.email(self).map(|email| self.make_key(&email));
            }
            Some(Fault::ForeignUserChangeFirst) => {
                if let Ok(email) = call.email(self) {
                    self.make_or_delete(&email);
                }
            }
            _ => {}
        }
        let done = write(self)?;
        match fault {
            Some(Fault::ErrorAfterWrite) => Err(self.refuse(ERROR, "Internal error")),
            Some(Fault::GatewayErrorAfterWrite) => {
                let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
                Err(server::reply(StatusCode::BAD_GATEWAY, "text/html", page))
            }
            _ => Ok(done),
        }
    }

    /// Makes a user as somebody else would.
    pub(super) fn make_user(&mut self, email: &str) -> (String, String) {
        let user = self.directory.draft(email, false);
        let pair = halves(&user.keys[0]);
        self.directory.put(self.clock.now(), user);
        pair
    }

    /// Makes a pair as somebody else would. `None` where there is no such user, or it has as many pairs as it
    /// may.
    pub(super) fn make_key(&mut self, email: &str) -> Option<(String, String)> {
        let mut user = self.directory.get(email)?.clone();
        if user.keys.len() >= self.options.max_keys {
            return None;
        }
        let pair = self.directory.pair(&user);
        user.keys.push(pair.clone());
        self.directory.put(self.clock.now(), user);
        Some(halves(&pair))
    }

    fn make_or_delete(&mut self, email: &str) {
        if self.directory.get(email).is_some() {
            self.directory.remove(self.clock.now(), email);
        } else {
            self.make_user(email);
        }
    }

    /// Everything about a user, without secrets.
    pub(super) fn snapshot(&self, email: &str) -> String {
        let Some(user) = self.directory.get(email) else {
            return "absent\n".to_owned();
        };
        let state = if user.is_enabled { "enabled" } else { "disabled" };
        let mut text = format!("{} {} {state}\n", user.email, user.id);
        let key = |pair: &Pair| format!("{} {}", pair.id, &hex(&Sha256::digest(&pair.secret))[..16]);
        for pair in &user.keys {
            let _ = writeln!(text, "key {}", key(pair));
        }
        for (name, pairs) in &user.accounts {
            let pairs: Vec<String> = pairs.iter().map(key).collect();
            let _ = writeln!(text, "account {name} [{}]", pairs.join(", "));
        }
        let target = buckets::target_of_user(&user.id);
        if let Some(limits) = self.limits.get(&target) {
            let _ = writeln!(text, "limits {limits:?}");
        }
        if let Some(quota) = self.quotas.get(&target) {
            let _ = writeln!(text, "quota {quota} GB");
        }
        for bucket in self.buckets.of(&user.id) {
            let _ = writeln!(text, "bucket {bucket}");
        }
        text
    }
}
