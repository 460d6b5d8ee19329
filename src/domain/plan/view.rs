//! The facts, with the words of the rules worked out once.
//!
//! *Live* is on the backend now; *published* is live, ours and in the Secret; *born* was issued under the open intent;
//! *retiring* is in its grace period; *abandoned* was tried and may appear late; *doomed* is live and ours, and nobody
//! will ever publish it.

use super::{Action, Blocked};
use crate::domain::{
    capabilities::Overlap,
    facts::{Facts, Published, UserState},
    ids::{AccessKeyId, CredentialId},
    ledger::{Intent, Issued, Ledger, after},
};
use jiff::Timestamp;
use std::{collections::BTreeSet, time::Duration};

/// How often an abandoned id is looked for while it is watched.
const ABANDONED_CHECK: Duration = Duration::from_mins(1);

/// Stored times have no fractions: a key counts as published at the end of its second, so that no grace period is a
/// fraction shorter than promised.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What comes next for the keys.
pub(super) enum Next {
    Do(Action),
    Blocked(Blocked),
    Nothing,
}

/// The facts in the words of the rules.
pub(super) struct View<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) secret: Option<&'a Published>,
    pub(super) published: Option<&'a CredentialId>,
    pub(super) born: BTreeSet<&'a CredentialId>,
}

impl<'a> View<'a> {
    pub(super) fn of(facts: &'a Facts<'a>) -> Self {
        let secret = facts.secret.ours();
        let intent = facts.ledger.intent.as_ref();
        let born = intent.map(|intent| born(facts, intent)).unwrap_or_default();
        // A key in the Secret that we never issued is a stranger's, unless the record of what we issued is lost.
        let ours = |id: &CredentialId| facts.ledger.knows(id) || born.contains(id) || facts.ledger.is_blank();
        let published = secret
            .and_then(|s| s.key.as_ref())
            .filter(|id| (facts.live.contains(*id) || is_young(facts, id)) && ours(id));
        Self {
            facts,
            secret,
            published,
            born,
        }
    }

    pub(super) fn ledger(&self) -> &'a Ledger {
        self.facts.ledger
    }

    pub(super) fn live(&self, id: &CredentialId) -> bool {
        self.facts.live.contains(id)
    }

    /// It is not there, and not because a list lags.
    pub(super) fn gone(&self, id: &CredentialId) -> bool {
        !self.live(id) && !is_young(self.facts, id)
    }

    pub(super) fn in_hand(&self, id: &CredentialId) -> bool {
        self.facts.in_hand.contains(id)
    }

    /// The record of the key that applications use.
    pub(super) fn current(&self) -> Option<(&'a CredentialId, &'a Issued)> {
        self.ledger()
            .credentials
            .iter()
            .find(|(_, key)| key.revoke_time.is_none())
    }

    /// A key has to be proven before it is published. A locked user's cannot be.
    pub(super) fn must_prove(&self) -> bool {
        let (desired, capabilities) = (self.facts.desired, self.facts.capabilities);
        desired.provable && !(desired.locked && capabilities.lock)
    }

    /// The next key would end one that applications use, and there is no consent to that.
    pub(super) fn would_interrupt(&self) -> bool {
        self.facts.capabilities.overlap == Overlap::None
            && self.published.is_some()
            && !self.facts.desired.allow_interruption
    }

    /// Live keys of ours that nobody will ever publish: their secret half is lost, or they came too late.
    pub(super) fn doomed(&self) -> impl Iterator<Item = &'a CredentialId> {
        let orphans = self.born.iter().copied().filter(|id| !self.in_hand(id));
        let late = self
            .ledger()
            .abandoned
            .keys()
            .filter(|id| !self.born.contains(id));
        orphans
            .chain(late)
            .filter(|id| self.live(id) && self.published != Some(id))
    }

    pub(super) fn new_id(&self) -> Option<AccessKeyId> {
        self.facts
            .capabilities
            .id_choosable
            .then(|| self.facts.draw.access_key_id.clone())
    }

    /// When to look again. What is due already is being done, or waits for something that is not a time.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let ledger = self.ledger();
        let grace = ledger.retiring().map(|(_, at)| at);
        let check = after(self.facts.now, ABANDONED_CHECK);
        let watch = ledger.abandoned.values().map(|until| (*until).min(check));
        let schedule = ledger
            .next_rotation
            .filter(|_| self.facts.desired.interval.is_some());
        let young = ledger
            .credentials
            .iter()
            .filter(|(id, _)| !self.live(id) && is_young(self.facts, id));
        let told = young.map(|(_, key)| told_by(self.facts, key));
        let listed = self.listed_by();
        let times = grace.chain(watch).chain(schedule).chain(told).chain(listed);
        times.filter(|at| *at > self.facts.now).min()
    }

    /// From when on a list shows each key that has to go: until then it may lack one that was issued a short while ago.
    pub(super) fn unseen_until(&self) -> Option<Timestamp> {
        let ledger = self.ledger();
        let hidden = |id: &CredentialId| !self.live(id) && is_young(self.facts, id);
        let retiring = ledger
            .credentials
            .iter()
            .filter(|(id, key)| key.revoke_time.is_some() && hidden(id))
            .map(|(_, key)| told_by(self.facts, key));
        retiring
            .chain(told_of_intent(self.facts))
            .max()
            .filter(|at| *at > self.facts.now)
    }

    /// From when on the key of the record is gone for certain, where it is not seen.
    pub(super) fn current_unseen_until(&self) -> Option<Timestamp> {
        let (id, key) = self.current()?;
        let told = published_lately(self.facts, id).max(Some(told_by(self.facts, key)));
        told.filter(|_| !self.live(id) && is_young(self.facts, id))
    }

    /// Live keys that no record explains.
    pub(super) fn unknown(&self) -> BTreeSet<CredentialId> {
        let explained = |id: &CredentialId| {
            self.ledger().knows(id) || self.born.contains(id) || self.published == Some(id)
        };
        let live = self.facts.live.iter();
        live.filter(|id| !explained(id)).cloned().collect()
    }
}

/// Whether a list may still lack this key of ours although it is there: it was issued or published a short while ago.
pub(super) fn is_young(facts: &Facts<'_>, id: &CredentialId) -> bool {
    let key = facts.ledger.credentials.get(id);
    let issued = key.map(|key| told_by(facts, key));
    let here = matches!(facts.user, UserState::Ours { .. });
    here && issued
        .max(published_lately(facts, id))
        .is_some_and(|at| at > facts.now)
}

/// From when on a list that lacks this key of the Secret tells that it is gone.
fn published_lately(facts: &Facts<'_>, id: &CredentialId) -> Option<Timestamp> {
    let lag = facts.capabilities.list_lag;
    let secret = facts.secret.ours().filter(|_| !lag.is_zero())?;
    // What a Secret says may be anything; a publication is not in the future.
    let possible = |at: &Timestamp| *at <= after(facts.now, SECOND);
    let at = secret.at.filter(possible)?;
    (secret.key.as_ref() == Some(id)).then(|| after(at, lag))
}

/// From when on a read that lacks all keys of the record, of the Secret and of the open intent tells that they are gone.
/// `None`: there are none, or reads do not lag.
pub(super) fn told_of_keys(facts: &Facts<'_>) -> Option<Timestamp> {
    let lag = facts.capabilities.list_lag;
    if lag.is_zero() {
        return None;
    }
    let issued = facts.ledger.credentials.values().map(|key| told_by(facts, key));
    let published = facts.secret.key().and_then(|id| published_lately(facts, id));
    issued.chain(told_of_intent(facts)).chain(published).max()
}

/// From when on a list that lacks a key of the open intent's latest try tells that there is none.
pub(super) fn told_of_intent(facts: &Facts<'_>) -> Option<Timestamp> {
    let intent = facts
        .ledger
        .intent
        .as_ref()
        .filter(|_| facts.capabilities.reads_lag())?;
    Some(after(intent.attempt_time, facts.capabilities.list_lag))
}

/// From when on a list that lacks this key tells that it is gone.
fn told_by(facts: &Facts<'_>, key: &Issued) -> Timestamp {
    let lag = facts.capabilities.list_lag;
    if lag.is_zero() {
        return Timestamp::MIN;
    }
    after(
        key.verified_time
            .max(Some(key.issue_time))
            .unwrap_or(key.issue_time),
        lag,
    )
}

/// The earlier of two times to look again.
pub(super) fn soonest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Keys issued under this intent that are live: the one it names; or, where ids cannot be chosen, those that were not
/// there when it was written.
fn born<'a>(facts: &'a Facts<'_>, intent: &Intent) -> BTreeSet<&'a CredentialId> {
    let published = facts.secret.key();
    let live = facts
        .live
        .iter()
        .chain(published.filter(|id| is_young(facts, id)));
    match intent.access_key_id.as_ref().map(CredentialId::from) {
        Some(chosen) => live.filter(|id| **id == chosen).collect(),
        None => live
            .filter(|id| !intent.before.contains(*id) && !facts.ledger.knows(id))
            .collect(),
    }
}
