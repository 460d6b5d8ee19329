//! Rules of access and quota: what is granted and limited follows the spec, and only what is on record is ever taken back.
//!
//! 1. What is about to be granted or limited is recorded, and what was seen gone is taken off the record.
//! 2. Limits are set; then those that the spec names no more are lifted.
//! 3. Grants that the spec names no more are withdrawn.
//! 4. Missing buckets are made, where the spec asks for it; then grants are made.
//!
//! What cannot be had is named, and holds up nothing else. The first key alone waits, for what could not be told: it is
//! to be able to do what the spec says from its first moment. Where a user comes with its key, that waits unpublished.

use super::{Action, Change, Plan, Unmet, view::soonest};
use crate::domain::{
    access::{BucketState, Held, LimitChanges, LimitsState, Resource, WantedGrant},
    facts::Facts,
    ids::BucketName,
    ledger::{GRANTS_MAX, Ledger, WITHDRAWN_WATCH, after},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often a withdrawn grant is looked for.
const WITHDRAWN_CHECK: Duration = Duration::from_mins(1);

/// Access and quota of a user that is there.
#[derive(Default)]
pub(super) struct Access {
    /// What is to be done now.
    pub actions: Vec<Action>,
    /// See [`Plan::unmet`].
    pub unmet: BTreeSet<Unmet>,
    /// When a withdrawn grant is looked for again.
    pub wake: Option<Timestamp>,
}

pub(super) fn plan(facts: &Facts<'_>) -> Access {
    let view = View { facts };
    if view.is_idle() {
        return Access::default();
    }
    let ledger = view.recorded();
    let actions = if ledger == *facts.ledger {
        view.changes()
    } else {
        vec![Action::WriteLedger(Box::new(ledger), Change::Access)]
    };
    Access {
        actions,
        unmet: view.unmet(),
        wake: view.wake(),
    }
}

/// Something that is wished could not be told in this pass: time heals it, and the first key waits for it.
pub(super) fn is_unclear(facts: &Facts<'_>) -> bool {
    let view = View { facts };
    let bucket = view
        .wanted()
        .any(|(name, _)| view.state(name) == BucketState::Unknown);
    bucket || (*facts.limits == LimitsState::Unknown && view.limits().next().is_some())
}

/// The user is not ours to look after any more, deleted or somebody else's: every grant goes, since grants go by the name, which may be
/// used again. `None`: nothing is left.
pub(super) fn withdraw(facts: &Facts<'_>) -> Option<Plan> {
    if !facts.capabilities.buckets.grant {
        return None;
    }
    let view = View { facts };
    let ours = || facts.ledger.grants.keys().chain(facts.ledger.withdrawn.keys());
    let actions: Vec<_> = ours().filter_map(|name| view.withdrawal(name)).collect();
    let stuck = facts.ledger.grants.keys();
    let unmet: BTreeSet<_> = stuck.filter_map(|name| view.stuck(name)).collect();
    (!actions.is_empty() || !unmet.is_empty()).then(|| Plan {
        actions,
        blocked: None,
        wake: None,
        unknown: BTreeSet::new(),
        unmet,
    })
}

/// The one that was looked for longest, where there are more than so many.
fn oldest_beyond(most: usize, withdrawn: &BTreeMap<BucketName, Timestamp>) -> Option<BucketName> {
    let oldest = withdrawn.iter().min_by_key(|(_, until)| **until);
    oldest
        .filter(|_| withdrawn.len() > most)
        .map(|(name, _)| name.clone())
}

struct View<'a> {
    facts: &'a Facts<'a>,
}

impl<'a> View<'a> {
    /// Nothing is wished, and nothing on record.
    fn is_idle(&self) -> bool {
        let (wish, ledger) = (self.facts.desired, self.facts.ledger);
        let wished = !wish.grants.is_empty() || !wish.limits.is_empty();
        let on_record =
            !ledger.grants.is_empty() || !ledger.withdrawn.is_empty() || !ledger.limits.is_empty();
        !wished && !on_record
    }

    fn state(&self, name: &BucketName) -> BucketState {
        let seen = self.facts.buckets.get(name).copied();
        seen.unwrap_or(BucketState::Unknown)
    }

    /// Grants of the spec, where the backend has such.
    fn wanted(&self) -> impl Iterator<Item = (&'a BucketName, WantedGrant)> {
        let can = self.facts.capabilities.buckets.grant;
        let grants = self.facts.desired.grants.iter();
        grants.filter(move |_| can).map(|(name, wanted)| (name, *wanted))
    }

    /// Limits of the spec, where the backend has exactly such.
    fn limits(&self) -> impl Iterator<Item = (Resource, u64)> {
        let can = self.facts.capabilities.quota;
        let limits = self.facts.desired.limits.iter();
        limits
            .map(|(of, most)| (*of, *most))
            .filter(move |(of, most)| can.takes(*of, *most))
    }

    fn is_wanted(&self, name: &BucketName) -> bool {
        self.facts.desired.grants.contains_key(name)
    }

    fn may_make(&self, wanted: WantedGrant) -> bool {
        wanted.create && self.facts.capabilities.buckets.make
    }

    /// Whether this grant can be made now. A store that takes no users from here any more gives nothing new; what is there is
    /// known as ours all the same, and can be less.
    fn is_possible(&self, name: &BucketName, wanted: WantedGrant) -> bool {
        let closed = self.facts.desired.closed;
        match self.state(name) {
            BucketState::Open(held) => {
                let permission = wanted.permission;
                !closed || held == Held::As(permission) || held.includes_more_than(permission)
            }
            BucketState::Missing => !closed && self.may_make(wanted),
            BucketState::Closed(_) | BucketState::Unknown | BucketState::Refused => false,
        }
    }

    /// The record as it has to be before anything is changed.
    fn recorded(&self) -> Ledger {
        let mut ledger = self.facts.ledger.clone();
        if self.facts.capabilities.buckets.grant {
            self.record_grants(&mut ledger);
        }
        if let Some(there) = self.facts.limits.known() {
            ledger.limits.extend(self.limits());
            let kept = |of: &_| self.facts.desired.limits.contains_key(of) || there.contains_key(of);
            ledger.limits.retain(|of, _| kept(of));
        }
        ledger
    }

    fn record_grants(&self, ledger: &mut Ledger) {
        for (name, wanted) in self.wanted() {
            let fits = ledger.grants.len() < GRANTS_MAX || ledger.grants.contains_key(name);
            if fits && self.is_possible(name, wanted) {
                ledger.grants.insert(name.clone(), wanted.permission);
                ledger.withdrawn.remove(name);
            }
        }
        let now = self.facts.now;
        for name in self.facts.ledger.grants.keys().filter(|name| self.is_free(name)) {
            if !self.is_wanted(name) {
                ledger.grants.remove(name);
                ledger.withdrawn.insert(name.clone(), after(now, WITHDRAWN_WATCH));
            }
        }
        // An owner who lets us look no more lets nobody grant in our name either.
        let over = |name: &BucketName| self.is_free(name) || self.state(name) == BucketState::Closed(None);
        ledger.withdrawn.retain(|name, until| *until > now || !over(name));
        while let Some(name) = oldest_beyond(GRANTS_MAX, &ledger.withdrawn) {
            ledger.withdrawn.remove(&name);
        }
    }

    /// No grant of ours is on it. A bucket that is not there may come back, and a late grant with it.
    fn is_free(&self, name: &BucketName) -> bool {
        self.state(name).held() == Some(Held::Nothing)
    }

    /// Everything is on record: what is to be done.
    fn changes(&self) -> Vec<Action> {
        let mut actions: Vec<_> = self.limit_changes().into_iter().collect();
        if !self.facts.capabilities.buckets.grant {
            return actions;
        }
        let ledger = self.facts.ledger;
        let unwanted = ledger.grants.keys().chain(ledger.withdrawn.keys());
        actions.extend(
            unwanted
                .filter(|name| !self.is_wanted(name))
                .filter_map(|name| self.withdrawal(name)),
        );
        actions.extend(self.too_much().filter_map(|name| self.withdrawal(name)));
        let on_record = |name, wanted: WantedGrant| ledger.grants.get(name) == Some(&wanted.permission);
        let possible = self
            .wanted()
            .filter(|(name, wanted)| on_record(name, *wanted) && self.is_possible(name, *wanted));
        actions.extend(possible.filter_map(|(name, wanted)| match self.state(name) {
            BucketState::Missing => Some(Action::MakeBucket(name.clone())),
            BucketState::Open(held) if held != Held::As(wanted.permission) => {
                Some(Action::SetGrant(name.clone(), Some(wanted.permission)))
            }
            BucketState::Open(_) | BucketState::Closed(_) | BucketState::Unknown | BucketState::Refused => {
                None
            }
        }));
        actions
    }

    /// Grants on record that allow more than the spec does by now, where the lesser one cannot be made.
    fn too_much(&self) -> impl Iterator<Item = &'a BucketName> {
        let ledger = self.facts.ledger;
        self.wanted()
            .filter(|(name, _)| ledger.grants.contains_key(*name))
            .filter(|(name, wanted)| !self.is_possible(name, *wanted))
            .filter(|(name, wanted)| {
                let held = self.state(name).held();
                held.is_some_and(|held| held.exceeds(wanted.permission))
            })
            .map(|(name, _)| name)
    }

    fn limit_changes(&self) -> Option<Action> {
        let there = self.facts.limits.known()?;
        let set = self.limits().map(|(of, most)| (of, Some(most)));
        let wished = &self.facts.desired.limits;
        let lifted = self.facts.ledger.limits.keys();
        let lifted = lifted.filter(|of| !wished.contains_key(of)).map(|of| (*of, None));
        let changes: LimitChanges = set
            .chain(lifted)
            .filter(|(of, most)| there.get(of).copied() != *most)
            .collect();
        (!changes.is_empty()).then_some(Action::SetLimits(changes))
    }

    fn withdrawal(&self, name: &BucketName) -> Option<Action> {
        let held = self.state(name).held()?;
        (held != Held::Nothing).then(|| Action::SetGrant(name.clone(), None))
    }

    /// Why a grant that is to go cannot be withdrawn.
    fn stuck(&self, name: &BucketName) -> Option<Unmet> {
        match self.state(name) {
            BucketState::Closed(None) => Some(Unmet::GrantLeft(name.clone())),
            BucketState::Unknown => Some(Unmet::BucketUnknown(name.clone())),
            BucketState::Refused => Some(Unmet::BucketRefused(name.clone())),
            BucketState::Missing | BucketState::Closed(Some(_)) | BucketState::Open(_) => None,
        }
    }

    fn unmet(&self) -> BTreeSet<Unmet> {
        let facts = self.facts;
        let mut unmet = BTreeSet::new();
        if !facts.capabilities.buckets.grant && !facts.desired.grants.is_empty() {
            unmet.insert(Unmet::GrantsUnsupported);
        }
        unmet.extend(self.unmet_limits());
        let about_limits = self.limits().next().is_some() || !facts.ledger.limits.is_empty();
        if about_limits && facts.limits.known().is_none() {
            unmet.insert(Unmet::LimitsUnknown);
        }
        unmet.extend(
            self.wanted()
                .filter_map(|(name, wanted)| self.unmet_grant(name, wanted)),
        );
        if facts.capabilities.buckets.grant {
            let unwanted = facts.ledger.grants.keys().filter(|name| !self.is_wanted(name));
            unmet.extend(unwanted.filter_map(|name| self.stuck(name)));
        }
        unmet
    }

    fn unmet_limits(&self) -> impl Iterator<Item = Unmet> {
        let can = self.facts.capabilities.quota;
        let limits = self.facts.desired.limits.iter();
        let not_taken = limits.filter(move |(of, most)| !can.takes(**of, **most));
        not_taken.map(move |(of, _)| {
            if can.covers(*of) {
                Unmet::LimitNotWhole(*of, can.step(*of))
            } else {
                Unmet::LimitUnsupported(*of)
            }
        })
    }

    fn unmet_grant(&self, name: &BucketName, wanted: WantedGrant) -> Option<Unmet> {
        match self.state(name) {
            BucketState::Missing if !self.may_make(wanted) => Some(Unmet::BucketMissing(name.clone())),
            BucketState::Closed(_) => Some(Unmet::BucketClosed(name.clone())),
            BucketState::Unknown => Some(Unmet::BucketUnknown(name.clone())),
            BucketState::Refused => Some(Unmet::BucketRefused(name.clone())),
            // What a closed store gives no more is told as that.
            BucketState::Missing | BucketState::Open(_) => None,
        }
    }

    fn wake(&self) -> Option<Timestamp> {
        let now = self.facts.now;
        let check = after(now, WITHDRAWN_CHECK);
        let times = self.facts.ledger.withdrawn.values();
        times
            .map(|until| (*until).min(check))
            .filter(|at| *at > now)
            .fold(None, |first, at| soonest(first, Some(at)))
    }
}
