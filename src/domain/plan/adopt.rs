//! Rules that make the record follow the world: adopt what is published, forget what is gone.

use super::{
    Action, Change,
    view::{SECOND, View, is_young},
};
use crate::domain::{
    ids::{CredentialId, RotateToken},
    ledger::{ABANDONED_WATCH, Cause, Intent, Issued, Ledger, after},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl View<'_> {
    /// The Secret holds a key of ours that is not the current one: born under the open intent, or an older Secret
    /// came back, or a slower operator published late, or status was lost. What is published is what applications
    /// use, so the record follows it, and every other key of ours gets its grace period.
    pub(super) fn adopt(&self) -> Option<Action> {
        let id = self.published?;
        // An intent that names the current key is one that somebody put back: it would be published for ever.
        let is_done = !self.born.contains(id);
        if is_done && self.current().is_some_and(|(current, _)| current == id) {
            return None;
        }
        let ledger = self.adopted(id);
        Some(Action::WriteLedger(Box::new(ledger), Change::Adopted(id.clone())))
    }

    fn adopted(&self, id: &CredentialId) -> Ledger {
        let (old, now) = (self.ledger(), self.facts.now);
        let completes = self.completed_by(id);
        let mut new = self.known();
        new.intent = None;
        new.abandoned.remove(id);
        if let Some(intent) = &old.intent {
            self.abandon(&mut new, intent, id);
        }
        for token in self.tokens_handled_by(completes) {
            new.handle(token);
        }
        if completes.is_some_and(|intent| intent.cause == Cause::Rotate) {
            new.last_rotation = Some(now);
        }
        let known = old.credentials.get(id);
        let issue_time = completes
            .map(|intent| intent.attempt_time)
            .or(known.map(|key| key.issue_time));
        let proven = self.facts.proven.contains(id).then_some(now);
        let issued = Issued {
            issue_time: issue_time.unwrap_or(now),
            verified_time: proven.or(known.and_then(|key| key.verified_time)),
            revoke_time: None,
        };
        new.credentials = self.retired_for(id, completes);
        new.credentials.insert(id.clone(), issued);
        new.next_rotation = self.fitting(&new, &issued);
        new
    }

    /// The open intent, if this key was issued under it, by whichever attempt.
    fn completed_by(&self, id: &CredentialId) -> Option<&Intent> {
        let ledger = self.ledger();
        let intent = ledger.intent.as_ref()?;
        (!intent.before.contains(id) && !ledger.credentials.contains_key(id)).then_some(intent)
    }

    /// Every other live key of ours, with the end of its grace period. One that it has already is kept.
    pub(super) fn retired_for(
        &self,
        id: &CredentialId,
        completes: Option<&Intent>,
    ) -> BTreeMap<CredentialId, Issued> {
        let grace = completes.map_or(self.facts.desired.grace, |intent| intent.grace);
        // Nothing is promised where there is no grace.
        let end = if grace.is_zero() {
            self.facts.now
        } else {
            after(self.publish_time(id, completes), grace)
        };
        let mut keys = self.known().credentials;
        keys.retain(|other, _| other != id && !self.gone(other));
        for key in keys.values_mut() {
            key.revoke_time = key.revoke_time.or(Some(end));
        }
        keys
    }

    /// When this key of the intent was published; now, where it is about to be. What the Secret says counts only
    /// where it can be true.
    fn publish_time(&self, id: &CredentialId, completes: Option<&Intent>) -> Timestamp {
        let latest = after(self.facts.now, SECOND);
        let said = self
            .secret
            .filter(|s| s.key.as_ref() == Some(id))
            .and_then(|s| s.at);
        completes
            .and_then(|intent| said.filter(|at| *at >= intent.start && *at <= latest))
            .unwrap_or(latest)
    }

    /// Tokens, oldest first, that never ask again once this key is adopted.
    fn tokens_handled_by(&self, completes: Option<&Intent>) -> Vec<RotateToken> {
        if self.ledger().is_blank() {
            let present = self.facts.desired.rotate.as_ref();
            return present.map(|request| request.token.clone()).into_iter().collect();
        }
        let token = completes.and_then(|intent| intent.token.clone());
        token.into_iter().collect()
    }

    /// The id of an intent that is given up may still appear: it is watched for, and goes when it does.
    fn abandon(&self, ledger: &mut Ledger, intent: &Intent, published: &CredentialId) {
        let until = after(self.facts.now, ABANDONED_WATCH);
        let tried = intent.access_key_id.as_ref().map(CredentialId::from);
        let born = self.born.iter().map(|id| (*id).clone());
        for id in tried.into_iter().chain(born).filter(|id| id != published) {
            ledger.abandoned.insert(id, until);
        }
    }

    /// Records of keys that are gone, and of ids that were watched for long enough.
    pub(super) fn forget_what_is_gone(&self) -> Option<Action> {
        let ledger = self.ledger();
        let retired = ledger.retiring().map(|(id, _)| id).filter(|id| self.gone(id));
        let overdue = ledger
            .abandoned
            .iter()
            .filter(|(id, until)| !self.live(id) && **until <= self.facts.now);
        let gone: BTreeSet<_> = retired.chain(overdue.map(|(id, _)| id)).cloned().collect();
        self.forget(gone, ledger.intent.as_ref())
    }

    /// Records of keys that these actions revoke, where a list that lags could not tell that they are gone.
    pub(super) fn forget_what_is_revoked(&self, actions: &[Action]) -> Option<Action> {
        let revoked = actions.iter().filter_map(|action| {
            if let Action::Revoke(id) = action {
                Some(id)
            } else {
                None
            }
        });
        let young = revoked.filter(|id| is_young(self.facts, id));
        self.forget(young.cloned().collect(), self.ledger().intent.as_ref())
    }

    /// Takes these keys off the record, and leaves this intent on it. Nothing, where that is the record as it is.
    pub(super) fn forget(&self, gone: BTreeSet<CredentialId>, intent: Option<&Intent>) -> Option<Action> {
        let mut new = self.ledger().clone();
        new.credentials.retain(|id, _| !gone.contains(id));
        new.abandoned.retain(|id, _| !gone.contains(id));
        new.intent = intent.cloned();
        (new != *self.ledger()).then(|| Action::WriteLedger(Box::new(new), Change::Forgotten(gone)))
    }
}
