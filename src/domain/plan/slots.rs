//! Rules that remove keys: what is due, and what has to go to make room for a new one.

use super::{
    Action, Blocked,
    view::{Next, View},
};
use crate::domain::{
    capabilities::Overlap,
    facts::OnKeyLimit,
    ids::CredentialId,
    ledger::{ABANDONED_WATCH, Intent, after},
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// How many doomed keys may wait for the next publication before they are removed ahead of it.
const DOOMED_MAX: usize = 3;

/// How many keys a user may have where the backend knows no limit: status has to hold them all.
const KEYS_MAX: usize = 100;

impl View<'_> {
    /// Keys whose time has come: never the published one, never the last one.
    ///
    /// Doomed ones wait while an intent is open: a slower operator may hold the half of one, and publish it as long
    /// as the Secret is the one that it read. The publication that closes the intent ends that.
    pub(super) fn due_revocations(&self) -> Vec<Action> {
        let retired = self.ledger().due(self.facts.now);
        let doomed = self.doomed().filter(|_| self.ledger().intent.is_none());
        retired
            .chain(doomed)
            .filter(|id| self.live(id) && self.published != Some(id))
            .take(self.facts.live.len().saturating_sub(1))
            .map(|id| Action::Revoke(id.clone()))
            .collect()
    }

    /// What is to be done before the user is left to itself: keys that are due go, and keys that were never published; and
    /// with them their record, so that nobody waits for them.
    pub(super) fn leftovers(&self) -> Vec<Action> {
        let due = self.ledger().due(self.facts.now);
        // More of them than were tried: some are somebody else's.
        let intent = self.ledger().intent.as_ref();
        let tried = intent.map_or(0, |intent| {
            intent.attempt.saturating_sub(self.is_unused(intent).into())
        });
        let ours = u32::try_from(self.born.len()).is_ok_and(|born| born <= tried);
        let born = self.born.iter().copied().filter(|_| ours);
        let abandoned = self.ledger().abandoned.keys();
        let mut gone: BTreeSet<&CredentialId> = due.chain(born).chain(abandoned).collect();
        gone.retain(|id| self.live(id) && self.published != Some(id));
        let is_answered = |intent: &&Intent| match intent.access_key_id.as_ref().map(CredentialId::from) {
            Some(id) => gone.contains(&id),
            None => u32::try_from(self.born.intersection(&gone).count()).is_ok_and(|n| n >= intent.attempt),
        };
        let open = intent.filter(|intent| !is_answered(intent));
        let record = self.forget(gone.iter().copied().cloned().collect(), open);
        let revoked = gone.iter().map(|id| Action::Revoke((*id).clone()));
        revoked.chain(record).collect()
    }

    /// This process wrote the latest try and has not made it.
    fn is_unused(&self, intent: &Intent) -> bool {
        self.facts.fence == Some(intent.attempt)
    }

    /// Until when a key that was asked for without a clear answer may come up and be listed, and would be left to live for
    /// ever. Of the tries before the latest, the ledger has ids to watch for only where they can be chosen.
    pub(super) fn answered_by(&self) -> Option<Timestamp> {
        let ledger = self.ledger();
        let nothing_is_open = |intent: &Intent| {
            self.is_unused(intent) && (intent.attempt == 1 || intent.access_key_id.is_some())
        };
        let tried = ledger
            .intent
            .iter()
            .filter(|intent| !nothing_is_open(intent))
            .map(|intent| after(intent.attempt_time, ABANDONED_WATCH));
        let watched = tried.chain(ledger.abandoned.values().copied());
        let listed = watched.map(|at| after(at, self.facts.capabilities.list_lag));
        listed.filter(|at| *at > self.facts.now).max()
    }

    /// When the last grace period ends that is running.
    pub(super) fn last_grace(&self) -> Option<Timestamp> {
        let in_grace = self
            .ledger()
            .retiring()
            .filter(|(id, at)| *at > self.facts.now && !self.gone(id) && self.published != Some(id));
        in_grace.map(|(_, at)| at).max()
    }

    /// Whether one more key can be issued; if not, what to do about it.
    pub(super) fn free_slot(&self) -> Result<(), Next> {
        let doomed = self.doomed().next();
        match doomed {
            _ if self.has_room() => Ok(()),
            Some(doomed) => Err(Next::Do(self.remove_doomed(doomed))),
            None => Err(self.wait_or_revoke()),
        }
    }

    fn has_room(&self) -> bool {
        let max = match self.facts.capabilities.overlap {
            Overlap::None => return true,
            Overlap::Slots { max: Some(max) } => usize::from(max),
            Overlap::Slots { max: None } => KEYS_MAX,
            Overlap::TwoSecrets { .. } => 2,
        };
        self.facts.live.len() < max && self.doomed().count() < DOOMED_MAX
    }

    /// Ahead of a publication, so the Secret is fenced first. Where there is none, no application is running on it.
    pub(super) fn remove_doomed(&self, doomed: &CredentialId) -> Action {
        let attempt = self.ledger().intent.as_ref().map(|intent| intent.attempt);
        match attempt {
            Some(attempt) if self.secret.is_some() && self.facts.secret_fence != Some(attempt) => {
                Action::FenceSecret(attempt)
            }
            Some(_) | None => Action::Revoke(doomed.clone()),
        }
    }

    /// All slots are taken by keys in use, in grace, or not ours.
    fn wait_or_revoke(&self) -> Next {
        let now = self.facts.now;
        let in_grace = self
            .ledger()
            .retiring()
            .filter(|(id, at)| *at > now && self.live(id) && self.published != Some(id));
        match in_grace.min_by_key(|(id, at)| (*at, (*id).clone())) {
            Some((id, _)) if self.may_revoke_oldest() => Next::Do(Action::Revoke(id.clone())),
            Some((_, at)) => Next::Blocked(Blocked::RotationQueued(at)),
            None => self.sacrifice(),
        }
    }

    fn may_revoke_oldest(&self) -> bool {
        self.facts.desired.on_key_limit == OnKeyLimit::RevokeOldest && self.facts.live.len() > 1
    }

    /// Nothing is published, no slot is free, none will be: a key of ours whose secret half is lost has to go.
    fn sacrifice(&self) -> Next {
        let ours = self.ledger().credentials.iter();
        let lost = ours
            .filter(|(id, _)| self.published.is_none() && self.live(id))
            .min_by_key(|(_, key)| (key.revoke_time.is_none(), key.revoke_time));
        lost.map_or(Next::Blocked(Blocked::KeyLimitReached), |(id, _)| {
            Next::Do(Action::Revoke(id.clone()))
        })
    }
}
