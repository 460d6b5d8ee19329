//! Rules of an intent: opened, tried, tried again under a new id, published.

use super::{
    Action, Blocked, Change, Mirror, access,
    view::{Next, View, told_of_intent},
};
use crate::domain::{
    capabilities::Overlap,
    facts::SecretState,
    ids::{CredentialId, RotateToken},
    ledger::{ABANDONED_MAX, ABANDONED_WATCH, Cause, Intent, Issued, Ledger, after},
};
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};

impl View<'_> {
    /// Opens an intent, if the key that it asks for can be issued.
    pub(super) fn open(&self, cause: Cause, token: Option<RotateToken>, grace: Duration) -> Next {
        if self.facts.desired.closed {
            return Next::Blocked(Blocked::StoreClosed);
        }
        if self.would_interrupt() {
            return Next::Blocked(Blocked::NoOverlap);
        }
        if let Err(next) = self.free_slot() {
            return next;
        }
        let mut ledger = self.known();
        ledger.intent = Some(Intent {
            cause,
            token,
            grace,
            access_key_id: self.new_id(),
            before: self.facts.live.clone(),
            attempt: 1,
            start: self.facts.now,
            attempt_time: self.facts.now,
        });
        Next::Do(Action::WriteLedger(Box::new(ledger), Change::Intent))
    }

    /// An intent is open and its key is not published.
    pub(super) fn go_on(&self, intent: &Intent) -> Next {
        if self.facts.secret == &SecretState::Foreign {
            return Next::Blocked(Blocked::SecretConflict);
        }
        if u32::try_from(self.born.len()).unwrap_or(u32::MAX) > intent.attempt {
            return Next::Blocked(Blocked::UnknownKeys);
        }
        if let Some(id) = self.born.iter().find(|id| self.in_hand(id)) {
            // Where a user comes with its first key, its access could not be seen to before.
            if intent.cause == Cause::First && access::is_unclear(self.facts) {
                return Next::Nothing;
            }
            return Next::Do(self.prove_or_publish(id, intent));
        }
        if self.facts.desired.closed {
            // Never the last key: it is named by the intent, and a user without any is no better.
            let doomed = self.doomed().next().filter(|_| self.facts.live.len() > 1);
            let doomed = doomed.map(|id| self.remove_doomed(id));
            return doomed.map_or(Next::Blocked(Blocked::StoreClosed), Next::Do);
        }
        if self.would_interrupt() {
            return Next::Blocked(Blocked::NoOverlap);
        }
        match self.free_slot() {
            Err(next) => next,
            Ok(()) if self.facts.fence == Some(intent.attempt) && self.fits(intent) => {
                Next::Do(self.issue(intent))
            }
            Ok(()) => match self.listed_by() {
                Some(at) => Next::Blocked(Blocked::AnswerLags(at)),
                None => self.try_again(intent),
            },
        }
    }

    /// Where the backend chooses ids, a key of a lost answer is known by being new in the list. Until when it may not be in
    /// there yet: were the next one published by then, nobody would know whose it is.
    pub(super) fn listed_by(&self) -> Option<Timestamp> {
        let is_known_by_id = self.facts.capabilities.id_choosable;
        told_of_intent(self.facts).filter(|by| !is_known_by_id && *by > self.facts.now)
    }

    /// The backend still takes ids as it did when the intent was written: an upgrade may have come between.
    fn fits(&self, intent: &Intent) -> bool {
        intent.access_key_id.is_some() == self.facts.capabilities.id_choosable
    }

    fn prove_or_publish(&self, id: &CredentialId, intent: &Intent) -> Action {
        if self.must_prove() && !self.facts.proven.contains(id) {
            return Action::Prove(id.clone());
        }
        let mut ledger = self.ledger().clone();
        if let Some(token) = &intent.token {
            ledger.handle(token.clone());
        }
        Action::Publish {
            id: id.clone(),
            mirror: Box::new(self.mirror(ledger.handled, &self.retired_for(id, Some(intent)))),
        }
    }

    /// What the Secret is to remember of these.
    pub(super) fn mirror(
        &self,
        handled: Vec<RotateToken>,
        credentials: &BTreeMap<CredentialId, Issued>,
    ) -> Mirror {
        let retiring = credentials
            .iter()
            .filter(|(id, _)| !self.gone(id))
            .filter_map(|(id, key)| key.revoke_time.map(|at| (id.clone(), at)))
            .collect();
        Mirror { handled, retiring }
    }

    fn issue(&self, intent: &Intent) -> Action {
        let expire_previous = match self.facts.capabilities.overlap {
            Overlap::TwoSecrets { backstop_margin } if self.all_are_ours() => {
                Some(intent.grace.saturating_add(backstop_margin))
            }
            Overlap::TwoSecrets { .. } | Overlap::Slots { .. } | Overlap::None => None,
        };
        Action::Issue {
            access_key_id: intent.access_key_id.clone(),
            expire_previous,
        }
    }

    /// There are secrets before the new one, and none of them is somebody else's, whose end is not ours to set.
    fn all_are_ours(&self) -> bool {
        let mut live = self.facts.live.iter();
        let ours = |id: &CredentialId| self.ledger().knows(id) || self.published == Some(id);
        !self.facts.live.is_empty() && live.all(ours)
    }

    /// The next attempt, under a new id: a request for the old one may still be on its way.
    fn try_again(&self, intent: &Intent) -> Next {
        let mut ledger = self.ledger().clone();
        if ledger.abandoned.len() >= ABANDONED_MAX {
            let now = self.facts.now;
            let next = ledger.abandoned.values().filter(|until| **until > now).min();
            return Next::Blocked(Blocked::AttemptsExhausted(next.copied().unwrap_or(now)));
        }
        if let Some(id) = &intent.access_key_id {
            ledger
                .abandoned
                .insert(id.into(), after(self.facts.now, ABANDONED_WATCH));
        }
        ledger.intent = Some(Intent {
            attempt: intent.attempt.saturating_add(1),
            access_key_id: self.new_id(),
            attempt_time: self.facts.now,
            ..intent.clone()
        });
        Next::Do(Action::WriteLedger(Box::new(ledger), Change::Intent))
    }

    /// The ledger; where it is blank, what the Secret remembers of it.
    pub(super) fn known(&self) -> Ledger {
        let mut ledger = self.ledger().clone();
        let Some(secret) = self.secret.filter(|_| ledger.is_blank()) else {
            return ledger;
        };
        ledger.handled.clone_from(&secret.handled);
        for (id, at) in secret.retiring.iter().filter(|(id, _)| self.live(id)) {
            let issued = Issued {
                issue_time: self.facts.now.min(*at),
                verified_time: None,
                revoke_time: Some(*at),
            };
            ledger.credentials.insert(id.clone(), issued);
        }
        ledger
    }
}
