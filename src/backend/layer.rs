//! What surrounds every driver: the store's limits, a breaker, and metrics. A driver has none of these itself.

use super::{
    BackendInfo, BackendKind, Driver, Error, ErrorKind, FoundBucket, Grantee, IssueRequest, KeyPair, NewUser,
    ObservedUser, Outcome, Result, admin::Admin, error::Detail, gate::Gate, login::REFUSED,
};
use crate::{
    domain::{
        access::{LimitChanges, Permission},
        backoff,
        capabilities::Capabilities,
        ids::{AccessKeyId, BucketName, CredentialId, UserName},
    },
    telemetry::metrics::Metrics,
};
use async_trait::async_trait;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// First pause after a store stopped answering, and the longest one. A key whose time has come has to go within 5 s of
/// the store's return: this pause and the one of its user (`RETRY_DUE`) may come one after the other.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// How soon to try again after there was no turn.
const BUSY: Duration = Duration::from_secs(1);

/// Longest pause that a store is given because it asked for one: a key whose time has come waits for it.
const ASKED_MAX: Duration = Duration::from_secs(15);

/// `spec.limits` of a store.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls under way at once.
    pub concurrency: usize,
    /// Calls begun in a second; 0: no limit.
    pub requests_per_second: u32,
}

/// A driver with limits, breaker and metrics.
#[derive(Debug)]
pub struct Layered {
    inner: Arc<dyn Driver>,
    store: (String, String),
    metrics: Metrics,
    gate: Gate,
    pace: Option<Duration>,
    next_start: Mutex<Instant>,
    breaker: Mutex<Breaker>,
    admin: Admin,
}

/// Opens when a store stops answering, so that its users do not hold workers while they wait for time-outs.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    until: Option<Instant>,
}

impl Layered {
    /// Wraps a driver of the store `(namespace, name)`.
    pub fn new(inner: Arc<dyn Driver>, store: (String, String), limits: Limits, metrics: Metrics) -> Self {
        Self {
            inner,
            store,
            metrics,
            gate: Gate::new(limits.concurrency),
            pace: (limits.requests_per_second > 0)
                .then(|| Duration::from_secs(1) / limits.requests_per_second),
            next_start: Mutex::new(Instant::now()),
            breaker: Mutex::new(Breaker::default()),
            admin: Admin::new(REFUSED),
        }
    }

    async fn call<T: Send>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.measured(operation, self.limited(operation, call)).await
    }

    async fn measured<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let begun = Instant::now();
        let result = call.await;
        let code = result.as_ref().map_or_else(|e| e.kind.into(), |_| "ok");
        if let Err(error) = &result {
            // A person who asks the storage's owner needs the id of the request.
            let (store, request) = (
                format!("{}/{}", self.store.0, self.store.1),
                error.request_id.as_deref(),
            );
            tracing::debug!(store, request, %error, "a call failed");
        }
        self.metrics
            .backend((&self.store.0, &self.store.1), operation, code, begun.elapsed());
        result
    }

    async fn limited<T: Send>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.admin.check(operation)?;
        self.check_breaker(operation)?;
        let Some(_turn) = self.gate.enter().await else {
            let why = "the store does not answer the calls that are under way";
            return Err(self.not_called(operation, why, BUSY));
        };
        // It may have stopped answering meanwhile, or been found to refuse.
        self.admin.check(operation)?;
        self.check_breaker(operation)?;
        if let Some(start) = self.my_start() {
            tokio::time::sleep_until(start).await;
        }
        let result = call.await;
        self.note(result.as_ref().err());
        if result.as_ref().is_err_and(|error| self.admin.doubts(error)) {
            drop(self.ask_admin(true).await);
        }
        result
    }

    /// A probe, past gate and breaker: a store that does not answer is to be told by its own error, and is found again by this.
    async fn ask_admin(&self, calls_too: bool) -> Result<BackendInfo> {
        let asked = async {
            self.admin.check_probe()?;
            let result = self.inner.probe().await;
            self.admin.note(&result, calls_too);
            self.note(result.as_ref().err());
            result
        };
        self.measured("probe", asked).await
    }

    fn my_start(&self) -> Option<Instant> {
        let pace = self.pace?;
        let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
        let start = (*next).max(Instant::now());
        *next = start + pace;
        Some(start)
    }

    fn check_breaker(&self, operation: &'static str) -> Result<()> {
        let until = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).until;
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        let Some(left) = left.filter(|left| !left.is_zero()) else {
            return Ok(());
        };
        let why = "the store did not answer a moment ago and is given a pause";
        Err(self.not_called(operation, why, left))
    }

    fn not_called(&self, operation: &'static str, why: &str, retry_after: Duration) -> Error {
        Error {
            kind: ErrorKind::Transient,
            outcome: Outcome::NotApplied,
            backend: self.inner.kind(),
            operation,
            detail: Detail::new(why),
            retry_after: Some(retry_after),
            request_id: None,
        }
    }

    fn note(&self, failed: Option<&Error>) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.filter(|error| error.is_passing()) {
            Some(error) => {
                let pause = backoff::delay(breaker.failures.saturating_sub(1), PAUSE.0, PAUSE.1);
                let asked = error.retry_after.map(|asked| asked.min(ASKED_MAX).max(pause));
                // One call that fails may be about one user; two in a row are about the store.
                let opens = breaker.failures > 0 || error.kind == ErrorKind::RateLimited;
                breaker.until = opens.then(|| Instant::now() + asked.unwrap_or(pause));
                breaker.failures = breaker.failures.saturating_add(1);
            }
            None => *breaker = Breaker::default(),
        }
    }
}

#[async_trait]
impl Driver for Layered {
    fn kind(&self) -> BackendKind {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn needs_probe(&self) -> bool {
        self.inner.needs_probe()
    }

    fn key_id(&self, user: &UserName, word: AccessKeyId) -> AccessKeyId {
        self.inner.key_id(user, word)
    }

    async fn probe(&self) -> Result<BackendInfo> {
        self.ask_admin(false).await
    }

    async fn find_user(&self, name: &UserName) -> Result<Option<ObservedUser>> {
        let found = self.call("find_user", self.inner.find_user(name)).await?;
        // A part of the answer may have failed by itself.
        if let Some(error) = found.as_ref().and_then(|user| user.limits.as_ref().err()) {
            self.note(Some(error));
        }
        Ok(found)
    }

    async fn create_user(&self, user: &NewUser) -> Result<()> {
        self.call("create_user", self.inner.create_user(user)).await
    }

    async fn set_label(&self, name: &UserName, label: &str) -> Result<()> {
        self.call("set_label", self.inner.set_label(name, label)).await
    }

    async fn set_locked(&self, name: &UserName, locked: bool) -> Result<()> {
        self.call("set_locked", self.inner.set_locked(name, locked)).await
    }

    async fn delete_user(&self, name: &UserName) -> Result<()> {
        self.call("delete_user", self.inner.delete_user(name)).await
    }

    async fn issue(&self, user: &NewUser, request: &IssueRequest) -> Result<KeyPair> {
        self.call("issue", self.inner.issue(user, request)).await
    }

    async fn revoke(&self, name: &UserName, id: &CredentialId) -> Result<()> {
        self.call("revoke", self.inner.revoke(name, id)).await
    }

    async fn set_limits(&self, name: &UserName, changes: &LimitChanges) -> Result<()> {
        self.call("set_limits", self.inner.set_limits(name, changes))
            .await
    }

    async fn find_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<FoundBucket> {
        self.call("find_bucket", self.inner.find_bucket(to, bucket)).await
    }

    async fn make_bucket(&self, to: &Grantee, bucket: &BucketName) -> Result<()> {
        self.call("make_bucket", self.inner.make_bucket(to, bucket)).await
    }

    async fn set_grant(&self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) -> Result<()> {
        self.call("set_grant", self.inner.set_grant(to, bucket, what))
            .await
    }

    /// Past gate and breaker: nobody waits for it, and it tells nothing of the store.
    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::ceph::CAPABILITIES, domain::ids::UserName};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// Fails as long as it is told to, and counts what reaches it.
    #[derive(Debug, Default)]
    struct Probe {
        reached: AtomicUsize,
        under_way: AtomicUsize,
        most: AtomicUsize,
        broken: AtomicBool,
        /// One right is missing.
        denied: AtomicBool,
        /// The credentials are wrong.
        locked_out: AtomicBool,
        probed: AtomicUsize,
    }

    fn failed(operation: &'static str, kind: ErrorKind, outcome: Outcome) -> Error {
        Error {
            kind,
            outcome,
            backend: BackendKind::Ceph,
            operation,
            detail: Detail::new("it failed"),
            retry_after: None,
            request_id: None,
        }
    }

    #[async_trait]
    impl Driver for Probe {
        fn kind(&self) -> BackendKind {
            BackendKind::Ceph
        }
        fn capabilities(&self) -> Capabilities {
            CAPABILITIES
        }
        async fn probe(&self) -> Result<BackendInfo> {
            self.probed.fetch_add(1, Ordering::SeqCst);
            if self.locked_out.load(Ordering::SeqCst) {
                return Err(failed("probe", ErrorKind::Auth, Outcome::NotApplied));
            }
            Ok(BackendInfo {
                product: "test".to_owned(),
                version: None,
            })
        }
        async fn find_user(&self, _: &UserName) -> Result<Option<ObservedUser>> {
            self.reached.fetch_add(1, Ordering::SeqCst);
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            if self.broken.load(Ordering::SeqCst) {
                return Err(failed("find_user", ErrorKind::Transient, Outcome::Unknown));
            }
            if self.denied.load(Ordering::SeqCst) || self.locked_out.load(Ordering::SeqCst) {
                return Err(failed("find_user", ErrorKind::Auth, Outcome::NotApplied));
            }
            Ok(None)
        }
        async fn create_user(&self, _: &NewUser) -> Result<()> {
            Ok(())
        }
        async fn set_label(&self, _: &UserName, _: &str) -> Result<()> {
            Ok(())
        }
        async fn set_locked(&self, _: &UserName, _: bool) -> Result<()> {
            Ok(())
        }
        async fn delete_user(&self, _: &UserName) -> Result<()> {
            Ok(())
        }
        async fn issue(&self, _: &NewUser, _: &IssueRequest) -> Result<KeyPair> {
            unreachable!("not asked for here")
        }
        async fn revoke(&self, _: &UserName, _: &CredentialId) -> Result<()> {
            Ok(())
        }
    }

    async fn find(layered: &Layered) -> Result<Option<ObservedUser>> {
        layered.find_user(&UserName::new("u")).await
    }

    fn layered(probe: &Arc<Probe>, limits: Limits) -> Layered {
        let metrics = Metrics::new(&mut prometheus_client::registry::Registry::default());
        let inner: Arc<dyn Driver> = Arc::<Probe>::clone(probe);
        Layered::new(inner, ("ns".to_owned(), "store".to_owned()), limits, metrics)
    }

    #[tokio::test]
    async fn no_more_calls_are_under_way_than_the_store_allows() {
        let probe = Arc::new(Probe::default());
        let layered = layered(
            &probe,
            Limits {
                concurrency: 3,
                requests_per_second: 0,
            },
        );
        futures::future::join_all((0..20).map(|_| find(&layered))).await;
        assert_eq!(probe.reached.load(Ordering::SeqCst), 20);
        assert_eq!(probe.most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn calls_begin_no_faster_than_the_store_allows() {
        let probe = Arc::new(Probe::default());
        let layered = layered(
            &probe,
            Limits {
                concurrency: 64,
                requests_per_second: 100,
            },
        );
        let begun = Instant::now();
        futures::future::join_all((0..11).map(|_| find(&layered))).await;
        assert!(
            begun.elapsed() >= Duration::from_millis(100),
            "{:?}",
            begun.elapsed()
        );
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_left_alone_for_a_moment_and_then_tried_again() {
        let probe = Arc::new(Probe::default());
        let layered = layered(
            &probe,
            Limits {
                concurrency: 8,
                requests_per_second: 0,
            },
        );
        probe.broken.store(true, Ordering::SeqCst);
        // On a machine so busy that the first pauses are over before the next call, a later and longer one is met.
        let mut reached = 0;
        let refused = loop {
            let error = find(&layered).await.expect_err("it is broken");
            if error.outcome == Outcome::NotApplied {
                break error;
            }
            reached += 1;
            assert!(reached < 20, "the breaker never opened");
        };
        assert!(reached >= 2, "one call that fails may be about one user");
        assert_eq!(refused.kind, ErrorKind::Transient);
        assert_eq!(probe.reached.load(Ordering::SeqCst), reached);
        probe.broken.store(false, Ordering::SeqCst);
        tokio::time::sleep(refused.retry_after.expect("it says how long")).await;
        assert!(find(&layered).await.is_ok());
        assert!(find(&layered).await.is_ok());
        assert_eq!(probe.reached.load(Ordering::SeqCst), reached + 2);
    }

    #[tokio::test]
    async fn a_probe_reaches_a_store_that_is_given_a_pause_and_ends_the_pause() {
        let probe = Arc::new(Probe::default());
        let layered = layered(
            &probe,
            Limits {
                concurrency: 8,
                requests_per_second: 0,
            },
        );
        probe.broken.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            assert!(find(&layered).await.is_err());
        }
        probe.broken.store(false, Ordering::SeqCst);
        assert!(layered.probe().await.is_ok());
        assert!(find(&layered).await.is_ok());
    }

    const UNLIMITED: Limits = Limits {
        concurrency: 64,
        requests_per_second: 0,
    };

    #[tokio::test]
    async fn credentials_that_are_refused_are_tried_once_in_a_while_however_many_ask() {
        let probe = Arc::new(Probe::default());
        let layered = layered(&probe, UNLIMITED);
        find(&layered).await.unwrap();
        let tries = || probe.probed.load(Ordering::SeqCst) + probe.reached.load(Ordering::SeqCst);
        probe.locked_out.store(true, Ordering::SeqCst);
        let before = tries();
        for _ in 0..50 {
            let kind = find(&layered).await.unwrap_err().kind;
            assert_eq!(kind, ErrorKind::Auth);
            assert_eq!(layered.probe().await.unwrap_err().kind, ErrorKind::Auth);
        }
        assert_eq!(tries() - before, 2, "the call that was refused, and one probe");
    }

    #[tokio::test]
    async fn a_right_that_is_missing_stops_no_other_call() {
        let probe = Arc::new(Probe::default());
        let layered = layered(&probe, UNLIMITED);
        probe.denied.store(true, Ordering::SeqCst);
        for _ in 0..5 {
            assert_eq!(find(&layered).await.unwrap_err().kind, ErrorKind::Auth);
            layered.set_label(&UserName::new("u"), "l").await.unwrap();
        }
        assert_eq!(probe.reached.load(Ordering::SeqCst), 5);
        assert_eq!(probe.probed.load(Ordering::SeqCst), 1);
    }
}
