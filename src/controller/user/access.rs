//! Access to buckets as it is known in a pass: looked at, and what was said of what cannot be had.

use super::target::Target;
use crate::{
    backend::{self, ErrorKind, FoundBucket},
    controller::error::Trouble,
    domain::{
        access::BucketState,
        facts::{Desired, UserState},
        ids::BucketName,
        ledger::Ledger,
        reason::Reason,
    },
};
use futures::{FutureExt as _, StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// For how long buckets are looked at in one pass: half of what a pass has, so that the keys get their part.
const LOOK_LIMIT: Duration = Duration::from_mins(2);
/// How many are looked at side by side: some hundred, at most, that may each take some calls.
const LOOKS_AT_ONCE: usize = 4;

const TOO_SLOW: &str =
    "The backend takes too long to tell of all buckets of `spec.access.buckets`. It is tried again.";

/// Buckets as they were read, and what was said of those that cannot be had.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// What the planner is told.
    pub states: BTreeMap<BucketName, BucketState>,
    /// Why a bucket is as it is, where there is more to say than its state.
    pub said: BTreeMap<BucketName, Trouble>,
    /// The backend does not answer: nothing more of this is asked for in this pass.
    silent: Option<Trouble>,
    /// They were read in this pass.
    pub looked: bool,
}

impl Buckets {
    /// Of the wish and of the record, read now. Of a user that is somebody else's: of the record alone, since to a stranger nothing is
    /// given, and what was given while the name was ours is taken back.
    pub(super) async fn look(target: &Target, desired: &Desired, user: &UserState, ledger: &Ledger) -> Self {
        let mut seen = Self {
            looked: true,
            ..Self::default()
        };
        if !target.connection.driver.capabilities().buckets.grant {
            return seen;
        }
        let to = target.grantee();
        let recorded: BTreeSet<_> = ledger.grants.keys().chain(ledger.withdrawn.keys()).collect();
        let wanted = desired
            .grants
            .keys()
            .filter(|name| *user != UserState::Foreign && !recorded.contains(name));
        // First what may have to be taken back.
        let names: Vec<_> = recorded.iter().copied().chain(wanted).collect();
        let driver = &target.connection.driver;
        let looks = names.iter().map(|name| {
            driver
                .find_bucket(&to, name)
                .map(|found| ((*name).clone(), found))
        });
        seen.ask(&names, looks.collect(), LOOK_LIMIT).await;
        seen
    }

    /// Looks at each, some at once, for as long as the backend answers and until the limit. What was not reached is unknown, and
    /// holds up nothing of what was.
    async fn ask<F>(&mut self, names: &[&BucketName], looks: Vec<F>, limit: Duration)
    where
        F: Future<Output = (BucketName, backend::Result<FoundBucket>)>,
    {
        let deadline = Instant::now() + limit;
        let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
        let mut slow = None;
        while self.silent.is_none() {
            match timeout_at(deadline, looks.next()).await {
                Ok(Some((name, found))) => self.take(&name, found),
                Ok(None) => return,
                Err(_) => {
                    slow = Some(Trouble::passing(Reason::ProgressingWithRetry, TOO_SLOW));
                    break;
                }
            }
        }
        let Some(trouble) = self.silent.clone().or(slow) else {
            return;
        };
        for name in names {
            if !self.states.contains_key(*name) {
                self.leave_unknown(name, trouble.clone());
            }
        }
    }

    fn take(&mut self, name: &BucketName, found: backend::Result<FoundBucket>) {
        match found {
            Ok(found) => {
                self.states.insert(name.clone(), found.state());
                if let FoundBucket::Closed { advice, .. } = found {
                    let closed = Trouble::stalled(Reason::BucketClosed, advice);
                    self.said.insert(name.clone(), closed);
                }
            }
            Err(error) => self.fail(name, &error),
        }
    }

    /// The backend did not answer before; it is not asked for this either.
    pub(super) fn is_passed_over(&mut self, name: &BucketName) -> bool {
        let Some(trouble) = self.silent.clone() else {
            return false;
        };
        self.leave_unknown(name, trouble);
        true
    }

    fn leave_unknown(&mut self, name: &BucketName, trouble: Trouble) {
        self.states.insert(name.clone(), BucketState::Unknown);
        self.said.insert(name.clone(), trouble);
    }

    pub(super) fn fail(&mut self, name: &BucketName, error: &backend::Error) {
        let trouble = self.note(error);
        let (state, reason) = match error.kind {
            ErrorKind::Transient | ErrorKind::RateLimited | ErrorKind::Protocol => {
                (BucketState::Unknown, trouble.reason)
            }
            // It went away meanwhile, and is looked for again.
            ErrorKind::NotFound => (BucketState::Unknown, Reason::BucketMissing),
            ErrorKind::Conflict => (BucketState::Refused, Reason::BucketClosed),
            ErrorKind::Auth | ErrorKind::Invalid | ErrorKind::Unsupported => {
                (BucketState::Refused, trouble.reason)
            }
        };
        self.states.insert(name.clone(), state);
        self.said.insert(name.clone(), Trouble { reason, ..trouble });
    }

    /// What an error is to a person. A backend that does not answer is asked no more.
    fn note(&mut self, error: &backend::Error) -> Trouble {
        self.ask_no_more_after(error);
        Trouble::from(error)
    }

    /// Where the backend does not answer.
    pub(super) fn ask_no_more_after(&mut self, error: &backend::Error) {
        if error.is_passing() {
            self.silent = Some(Trouble::from(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Held;

    fn names_of(names: &[&str]) -> Vec<BucketName> {
        names.iter().map(|name| BucketName::new(*name)).collect()
    }

    #[tokio::test]
    async fn buckets_that_take_too_long_hold_up_none_of_the_others() {
        let names = names_of(&["a", "hangs", "c", "d", "hangs-too", "f"]);
        let names: Vec<_> = names.iter().collect();
        let looks = names.iter().map(async |name| {
            if name.as_str().starts_with("hangs") {
                std::future::pending::<()>().await;
            }
            ((*name).clone(), Ok(FoundBucket::Open(Held::Nothing)))
        });
        let mut seen = Buckets::default();
        seen.ask(&names, looks.collect(), Duration::from_millis(50)).await;
        let state = |name: &str| seen.states.get(&BucketName::new(name)).copied();
        for name in ["a", "c", "d", "f"] {
            assert_eq!(state(name), Some(BucketState::Open(Held::Nothing)), "{name}");
        }
        for name in ["hangs", "hangs-too"] {
            assert_eq!(state(name), Some(BucketState::Unknown), "{name}");
        }
        assert_eq!(seen.said.len(), 2);
        assert!(!seen.is_passed_over(&BucketName::new("a")), "it may be changed");
    }

    #[tokio::test]
    async fn a_backend_that_does_not_answer_is_asked_no_more() {
        let names: Vec<_> = (0..50)
            .map(|number| BucketName::new(format!("b{number}")))
            .collect();
        let names: Vec<_> = names.iter().collect();
        let asked = std::cell::Cell::new(0);
        let looks = names.iter().map(async |name| {
            asked.set(asked.get() + 1);
            tokio::task::yield_now().await;
            let error = backend::Error {
                kind: ErrorKind::Transient,
                outcome: backend::Outcome::NotApplied,
                backend: backend::BackendKind::Ceph,
                operation: "FindBucket",
                detail: backend::error::Detail::new("it hung up"),
                retry_after: None,
                request_id: None,
            };
            ((*name).clone(), Err(error))
        });
        let mut seen = Buckets::default();
        seen.ask(&names, looks.collect(), LOOK_LIMIT).await;
        assert!(asked.get() <= LOOKS_AT_ONCE, "{}", asked.get());
        assert!(seen.states.len() == 50 && seen.states.values().all(|state| *state == BucketState::Unknown));
        assert!(seen.is_passed_over(&BucketName::new("b0")));
    }
}
