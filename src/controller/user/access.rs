//! Access to buckets and limits: looked at, changed, and what of them cannot be had. A failure of one ends no pass: it is
//! told at the end, and the keys go on.

use super::{
    pass::{Pass, World},
    target::Target,
    tell,
};
use crate::{
    backend::{self, ErrorKind, FoundBucket},
    controller::error::{Failure, Trouble},
    domain::{
        access::{BucketState, Held, LimitChanges, Permission, Resource, change_limits},
        facts::{Desired, UserState},
        ids::BucketName,
        ledger::Ledger,
        plan::Unmet,
        reason::Reason,
    },
    names,
};
use futures::{FutureExt as _, StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How many buckets are named in a condition.
const NAMED: usize = 5;
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
    said: BTreeMap<BucketName, Trouble>,
    /// What was said of limits that could not be changed.
    limits: Option<Trouble>,
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
    fn is_passed_over(&mut self, name: &BucketName) -> bool {
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

    fn fail(&mut self, name: &BucketName, error: &backend::Error) {
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
        let trouble = Trouble::from(error);
        if error.is_passing() {
            self.silent = Some(trouble.clone());
        }
        trouble
    }
}

impl Pass<'_> {
    pub(super) async fn set_limits(
        &mut self,
        changes: &LimitChanges,
        world: &mut World,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let target = &world.target;
        let set = target.connection.driver.set_limits(&target.user_name, changes);
        if let Err(error) = set.await {
            let trouble = world.buckets.note(&error);
            world.buckets.limits = Some(trouble);
            world.seen.limits = None;
            return Ok(());
        }
        change_limits(world.seen.limits.get_or_insert_default(), changes);
        let said: Vec<_> = changes.iter().map(|(of, most)| say_limit(*of, *most)).collect();
        let note = format!("Changed the quota of the user: {}.", said.join(", "));
        tell(self.ctx, &self.user, false, Reason::QuotaChanged, note).await;
        Ok(())
    }

    pub(super) async fn make_bucket(&mut self, name: &BucketName, world: &mut World) -> Result<(), Failure> {
        if world.buckets.is_passed_over(name) {
            return Ok(());
        }
        self.confirm().await?;
        let target = &world.target;
        let to = target.grantee();
        let made = target.connection.driver.make_bucket(&to, name);
        if let Err(error) = made.await {
            world.buckets.fail(name, &error);
            return Ok(());
        }
        let states = &mut world.buckets.states;
        states.insert(name.clone(), BucketState::Open(Held::Nothing));
        let note = format!("Made the bucket {name}. It is not deleted with this object.");
        tell(self.ctx, &self.user, false, Reason::BucketCreated, note).await;
        Ok(())
    }

    pub(super) async fn set_grant(
        &mut self,
        name: &BucketName,
        what: Option<Permission>,
        world: &mut World,
    ) -> Result<(), Failure> {
        if world.buckets.is_passed_over(name) {
            return Ok(());
        }
        self.confirm().await?;
        let target = &world.target;
        let to = target.grantee();
        let set = target.connection.driver.set_grant(&to, name, what);
        if let Err(error) = set.await {
            world.buckets.fail(name, &error);
            return Ok(());
        }
        let held = what.map_or(Held::Nothing, Held::As);
        let state = match world.buckets.states.get(name) {
            Some(BucketState::Closed(_)) => BucketState::Closed(Some(held)),
            _ => BucketState::Open(held),
        };
        world.buckets.states.insert(name.clone(), state);
        let (reason, note) = match what {
            Some(permission) => (
                Reason::AccessGranted,
                format!("Granted {permission:?} on the bucket {name}."),
            ),
            None => (
                Reason::AccessWithdrawn,
                format!("Withdrew the access to the bucket {name}."),
            ),
        };
        tell(self.ctx, &self.user, false, reason, note).await;
        Ok(())
    }
}

fn say_limit(of: Resource, most: Option<u64>) -> String {
    let field = field_of(of);
    most.map_or_else(
        || format!("no `{field}` any more"),
        |most| format!("`{field}` {most}"),
    )
}

fn field_of(limit: Resource) -> &'static str {
    match limit {
        Resource::Bytes => "maxBytes",
        Resource::Objects => "maxObjects",
        Resource::Buckets => "maxBuckets",
    }
}

/// What of access and quota cannot be had, as one text for a person. What nobody but a person can mend comes first.
pub(super) fn trouble(unmet: &BTreeSet<Unmet>, buckets: &Buckets) -> Option<Trouble> {
    let missing: Vec<_> = unmet.iter().filter_map(missing_bucket).collect();
    let mut all: Vec<_> = unmet
        .iter()
        .filter_map(|unmet| one_trouble(unmet, buckets))
        .collect();
    if !missing.is_empty() {
        all.push(missing_trouble(&missing));
    }
    all.sort_by_key(|trouble| !trouble.stalled);
    all.into_iter().reduce(|first, next| beside(first, &next))
}

fn missing_bucket(unmet: &Unmet) -> Option<&str> {
    if let Unmet::BucketMissing(name) = unmet {
        Some(name.as_str())
    } else {
        None
    }
}

fn missing_trouble(missing: &[&str]) -> Trouble {
    let named: Vec<&str> = missing.iter().take(NAMED).copied().collect();
    let more = if missing.len() > NAMED { ", and more" } else { "" };
    let text = format!(
        "Buckets of `spec.access.buckets` are not there: {}{more}. Make them, take them out, or set `create: true` where the \
         ObjectStore can make buckets.",
        named.join(", ")
    );
    Trouble::stalled(Reason::BucketMissing, text)
}

fn one_trouble(unmet: &Unmet, buckets: &Buckets) -> Option<Trouble> {
    let said = |name: &BucketName, otherwise: &str| {
        let unclear = || Trouble::passing(Reason::ProgressingWithRetry, format!("{otherwise} {name}."));
        buckets.said.get(name).cloned().unwrap_or_else(unclear)
    };
    Some(match unmet {
        Unmet::GrantsUnsupported => Trouble::stalled(
            Reason::Unsupported,
            "This store cannot give users access to single buckets: its backend cannot, or what the ObjectStore gives each user (`policies`, \
             `policyArns`) reaches all buckets already, and has to be narrower first. Or take `spec.access.buckets` out, and give access on the backend.",
        ),
        Unmet::LimitUnsupported(of) => Trouble::stalled(
            Reason::Unsupported,
            format!(
                "The backend cannot limit this for a user: take `spec.quota.{}` out.",
                field_of(*of)
            ),
        ),
        Unmet::LimitNotWhole(of, step) => Trouble::stalled(
            Reason::Unsupported,
            format!(
                "The backend limits `spec.quota.{}` to whole multiples of {step} alone, and nothing is rounded: set such a number, or take \
                 it out. Until then it stays as it was.",
                field_of(*of)
            ),
        ),
        Unmet::BucketMissing(_) => return None,
        Unmet::BucketClosed(name) => said(name, "There is no consent to grants on the bucket"),
        Unmet::BucketUnknown(name) => said(name, "The backend did not answer for the bucket"),
        Unmet::BucketRefused(name) => said(name, "The backend refuses what is asked of the bucket"),
        Unmet::GrantLeft(name) => Trouble::stalled(
            Reason::BucketClosed,
            format!(
                "The access to the bucket {name} is to be withdrawn, and its owner does not let this operator look any more. Let its \
                 owner open it again, or delete the bucket; an object that is being deleted goes without that where it is annotated with \
                 `{}: \"true\"`.",
                names::FORCE_DELETE
            ),
        ),
        Unmet::LimitsUnknown => buckets.limits.clone().unwrap_or_else(|| {
            Trouble::passing(Reason::ProgressingWithRetry, "The quota could not be changed.")
        }),
    })
}

/// Both troubles, under the reason of the first.
fn beside(first: Trouble, next: &Trouble) -> Trouble {
    if first.message.contains(&next.message) {
        return first;
    }
    Trouble {
        message: format!("{} {}", first.message, next.message),
        retry_after: first.retry_after.max(next.retry_after),
        ..first
    }
}

/// What stands in the way of a key, and of access: the first in front where a person has to end it and the other not. One
/// that waits for a known time must not keep the other from being tried again.
pub(super) fn together(blocked: Option<Trouble>, unmet: Option<Trouble>) -> Option<Trouble> {
    match (blocked, unmet) {
        (Some(blocked), Some(unmet)) if blocked.stalled && !unmet.stalled => Some(beside(blocked, &unmet)),
        (Some(blocked), Some(unmet)) => Some(beside(unmet, &blocked)),
        (blocked, unmet) => blocked.or(unmet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(names: &[&str]) -> Vec<BucketName> {
        names.iter().map(|name| BucketName::new(*name)).collect()
    }

    #[test]
    fn missing_buckets_are_named_in_one_sentence_that_says_what_to_do() {
        let names = names_of(&["b1", "b2", "b3", "b4", "b5", "b6"]);
        let unmet = names.into_iter().map(Unmet::BucketMissing).collect();
        let told = trouble(&unmet, &Buckets::default()).unwrap();
        assert!(told.stalled);
        assert_eq!(told.reason, Reason::BucketMissing);
        assert!(
            told.message.contains("b1, b2, b3, b4, b5, and more"),
            "{}",
            told.message
        );
        assert!(told.message.contains("`create: true`"));
    }

    #[test]
    fn what_a_person_has_to_mend_comes_before_what_time_heals() {
        let [late, gone] = names_of(&["late", "gone"]).try_into().unwrap();
        let unmet = BTreeSet::from([Unmet::BucketUnknown(late), Unmet::BucketMissing(gone)]);
        let told = trouble(&unmet, &Buckets::default()).unwrap();
        assert_eq!((told.reason, told.stalled), (Reason::BucketMissing, true));
        assert!(told.message.contains("gone") && told.message.contains("late"));
        assert_eq!(trouble(&BTreeSet::new(), &Buckets::default()), None);
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

    #[test]
    fn a_rotation_that_waits_does_not_keep_access_from_being_tried_again() {
        let queued = Trouble::passing(Reason::RotationQueued, "Queued.");
        let unclear = Trouble::passing(Reason::BackendUnavailable, "Unclear.");
        let conflict = Trouble::stalled(Reason::SecretConflict, "Conflict.");
        let reason = |a: &Trouble, b: &Trouble| together(Some(a.clone()), Some(b.clone())).unwrap();
        assert_eq!(reason(&queued, &unclear).reason, Reason::BackendUnavailable);
        let both = reason(&conflict, &unclear);
        assert_eq!(both.reason, Reason::SecretConflict);
        assert_eq!(both.message, "Conflict. Unclear.");
        assert_eq!(together(Some(queued.clone()), None), Some(queued));
    }
}
