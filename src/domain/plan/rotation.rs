//! Rules of the keys, in order; the first that applies decides the next step. Words: see [`super::view`].
//!
//! 1. What is due is revoked.
//! 2. What is published is adopted: the record follows what applications use.
//! 3. What is gone is forgotten.
//! 4. A Secret that was lost or spoilt is written again, where its key is in hand.
//! 5. An open intent is carried on: prove, publish, make room, issue, try again.
//! 6. Nothing is published: an intent is opened to issue a key.
//! 7. A schedule that does not fit the interval is drawn anew.
//! 8. A token not handled before, or a schedule that is due, opens an intent.
//! 9. A key published unproven is proven.

use super::{
    Action, Blocked, Change, Plan, access,
    view::{Next, View},
};
use crate::domain::{
    facts::{Facts, RotateRequest, SecretState, UserState},
    ids::RotateToken,
    ledger::Cause,
};
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    let view = View::of(facts);
    let mut actions = view.due_revocations();
    let mut blocked = None;
    actions.extend(view.forget_what_is_revoked(&actions));
    // A key step may count on slots that the revocations free, so it waits for them.
    if actions.is_empty() {
        match view.next() {
            Next::Do(action) => actions.push(action),
            Next::Blocked(why) => blocked = Some(why),
            Next::Nothing => blocked = view.current_unseen_until().map(Blocked::KeyUnseen),
        }
    }
    Plan {
        actions,
        blocked,
        wake: view.wake(),
        unknown: view.unknown(),
        unmet: BTreeSet::new(),
    }
}

impl<'a> View<'a> {
    fn next(&self) -> Next {
        self.adopt()
            .or_else(|| self.forget_what_is_gone())
            .or_else(|| self.restore())
            .map(Next::Do)
            .or_else(|| self.ledger().intent.as_ref().map(|intent| self.go_on(intent)))
            .unwrap_or_else(|| self.settled_or_new())
    }

    /// The Secret was deleted, damaged, or lacks something beside the key; and its key is in hand.
    fn restore(&self) -> Option<Action> {
        if self.facts.secret == &SecretState::Foreign {
            return None;
        }
        let id = match (self.published, self.secret) {
            (Some(_), Some(secret)) if secret.intact => None,
            (Some(published), _) => Some(published),
            (None, _) => self.current().map(|(id, _)| id).filter(|id| !self.gone(id)),
        };
        let id = id.filter(|id| self.in_hand(id))?;
        Some(Action::RestoreSecret {
            id: id.clone(),
            mirror: Box::new(self.mirror(self.ledger().handled.clone(), &self.ledger().credentials)),
        })
    }

    /// No intent is open.
    fn settled_or_new(&self) -> Next {
        if self.facts.secret == &SecretState::Foreign {
            return Next::Blocked(Blocked::SecretConflict);
        }
        let Some(published) = self.published else {
            return self.nothing_is_published();
        };
        if let Some(action) = self.reschedule() {
            return Next::Do(action);
        }
        let asked = self.asked();
        if matches!(asked, Next::Do(_)) {
            return asked;
        }
        self.verify(published).map_or(asked, Next::Do)
    }

    /// The Secret or its key is lost, and so is the secret half: a new key.
    fn nothing_is_published(&self) -> Next {
        let (ledger, desired) = (self.ledger(), self.facts.desired);
        if ledger.credentials.is_empty() && ledger.handled.is_empty() {
            // Where the key makes the user, there is nobody yet to give access to: its publication waits instead.
            let made = *self.facts.user != UserState::Absent;
            if made && access::is_unclear(self.facts) {
                return Next::Nothing;
            }
            let present = desired.rotate.as_ref().map(|r| r.token.clone());
            return self.open(Cause::First, present, desired.grace);
        }
        self.open(Cause::Repair, None, desired.grace)
    }

    /// A rotation, if one is asked for by annotation or by schedule.
    fn asked(&self) -> Next {
        let desired = self.facts.desired;
        if let Some(request) = self.unhandled() {
            if self.secret.is_some_and(|s| s.handled.contains(&request.token)) {
                return Next::Do(self.record_token(&request.token));
            }
            let grace = request.grace.unwrap_or(desired.grace);
            return self.open(Cause::Rotate, Some(request.token.clone()), grace);
        }
        if desired.interval.is_some() && self.ledger().next_rotation.is_some_and(|at| at <= self.facts.now) {
            return self.open(Cause::Rotate, None, desired.grace);
        }
        Next::Nothing
    }

    fn unhandled(&self) -> Option<&'a RotateRequest> {
        let request = self.facts.desired.rotate.as_ref()?;
        (!self.ledger().handled.contains(&request.token)).then_some(request)
    }

    /// The Secret remembers a token that status does not: it was handled, and must not be again.
    fn record_token(&self, token: &RotateToken) -> Action {
        let mut ledger = self.ledger().clone();
        ledger.handle(token.clone());
        Action::WriteLedger(Box::new(ledger), Change::TokenRecorded)
    }
}
