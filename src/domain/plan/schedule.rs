//! Rules of time: the schedule, and proofs that had to wait.

use super::{Action, Change, view::View};
use crate::domain::{
    ids::CredentialId,
    ledger::{Issued, Ledger, after},
};
use jiff::Timestamp;

impl View<'_> {
    /// A key that was published unproven (the user was locked) is proven as soon as it can be.
    pub(super) fn verify(&self, published: &CredentialId) -> Option<Action> {
        let facts = self.facts;
        let key = self.ledger().credentials.get(published)?;
        if key.verified_time.is_some() || !self.must_prove() {
            return None;
        }
        if !facts.proven.contains(published) {
            // Where a list that lags lacks it, it may be gone as well.
            let here = self.in_hand(published) && self.live(published);
            return here.then(|| Action::Prove(published.clone()));
        }
        let mut ledger = self.ledger().clone();
        let verified = Issued {
            verified_time: Some(facts.now),
            ..*key
        };
        ledger.credentials.insert(published.clone(), verified);
        Some(Action::WriteLedger(Box::new(ledger), Change::Verified))
    }

    /// The interval was set, changed or removed since the next rotation was drawn.
    pub(super) fn reschedule(&self) -> Option<Action> {
        let (_, current) = self.current()?;
        let next = self.fitting(self.ledger(), current);
        if next == self.ledger().next_rotation {
            return None;
        }
        let ledger = Ledger {
            next_rotation: next,
            ..self.ledger().clone()
        };
        Some(Action::WriteLedger(Box::new(ledger), Change::Scheduled))
    }

    /// The next rotation: as drawn already where that fits the interval, else drawn anew. Counted from the last
    /// rotation or from the age of the key; up to a tenth earlier than the interval, never later.
    pub(super) fn fitting(&self, ledger: &Ledger, current: &Issued) -> Option<Timestamp> {
        let interval = self.facts.desired.interval?;
        let base = ledger
            .last_rotation
            .map_or(current.issue_time, |at| at.max(current.issue_time));
        let (first, last) = (
            after(base, interval.saturating_sub(interval / 10)),
            after(base, interval),
        );
        let early = interval / 1000 * u32::from(self.facts.draw.jitter_permille.min(100));
        let drawn = ledger.next_rotation.filter(|at| (first..=last).contains(at));
        drawn.or_else(|| Some(after(base, interval.saturating_sub(early))))
    }
}
