//! Report: from what was seen and done to status. Pure but for the names it is given.

use super::{last_use, ledger};
use crate::{
    api::v1alpha1::{ObjectUserStatus, SecretBinding},
    controller::error::Trouble,
    domain::{
        condition::{self, Status},
        facts::LastUse,
        ids::CredentialId,
        ledger::Ledger,
        reason::Reason,
    },
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How many unknown keys are named.
const NAMED: usize = 5;

/// How a pass stands.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Everything is as the spec asks.
    Settled,
    /// More is to be done at once.
    Working(&'static str),
    /// Something is in the way.
    Trouble(Trouble),
}

/// What status is made of.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    pub verdict: Verdict,
    /// A step failed and ended the pass, so that what came after it was not done.
    pub failed: bool,
    /// The Secret holds a key that works; `None`: could not be looked at.
    pub published: Option<bool>,
    /// The backend shows the user as locked.
    pub locked: bool,
    /// How many keys were removed and not yet seen refused.
    pub dying: usize,
    /// `None`: could not be looked at.
    pub unknown: Option<&'a BTreeSet<CredentialId>>,
    /// As the backend tells it; `None`: it does not, or could not be asked.
    pub last_uses: Option<&'a BTreeMap<CredentialId, LastUse>>,
    pub ledger: &'a Ledger,
    pub user_name: Option<&'a str>,
    pub secret_name: Option<&'a str>,
}

/// The status after `before`.
pub(super) fn status(
    before: &ObjectUserStatus,
    standing: &Standing<'_>,
    generation: i64,
    now: Timestamp,
) -> ObjectUserStatus {
    let mut status = before.clone();
    ledger::write(standing.ledger, &mut status);
    last_use::tell(before, standing.last_uses, &mut status);
    status.observed_generation = Some(generation);
    if let Some(name) = standing.user_name {
        status.user_name = Some(name.to_owned());
    }
    if let Some(name) = standing.secret_name {
        status.secret_name = Some(name.to_owned());
        status.binding = Some(SecretBinding {
            name: name.to_owned(),
        });
    }
    let mut set = Setter {
        status: &mut status,
        at: (generation, now),
    };
    set.ready(standing);
    set.synced(&standing.verdict);
    set.progress(&standing.verdict);
    set.previous_keys(standing);
    set.unknown_keys(standing.unknown);
    status
}

struct Setter<'a> {
    status: &'a mut ObjectUserStatus,
    at: (i64, Timestamp),
}

impl Setter<'_> {
    fn set(&mut self, type_: &str, status: Status, reason: Reason, message: &str) {
        condition::set(
            &mut self.status.conditions,
            type_,
            status,
            reason,
            message,
            self.at,
        );
    }

    fn unset(&mut self, type_: &str) {
        condition::unset(&mut self.status.conditions, type_);
    }

    fn ready(&mut self, standing: &Standing<'_>) {
        match (standing.published, &standing.verdict) {
            (Some(true), _) if standing.locked => {
                let text = "The key is published, and the user is locked: no S3 operation works, as `spec.locked` asks.";
                self.set("Ready", Status::True, Reason::Locked, text);
            }
            (Some(true), _) => self.set(
                "Ready",
                Status::True,
                Reason::Succeeded,
                "The Secret holds a key that works.",
            ),
            // A store that cannot be reached makes no key bad: what was ready stays ready.
            (None, _) if condition::is_true(&self.status.conditions, "Ready") => self.touch("Ready"),
            (_, Verdict::Trouble(trouble)) => {
                self.set("Ready", Status::False, trouble.reason, &trouble.message);
            }
            (_, Verdict::Working(what)) => self.set("Ready", Status::Unknown, Reason::Progressing, what),
            (_, Verdict::Settled) => {
                let text = "No key is published yet.";
                self.set("Ready", Status::False, Reason::Progressing, text);
            }
        }
    }

    /// The condition still holds for this generation.
    fn touch(&mut self, type_: &str) {
        if let Some(c) = self.status.conditions.iter_mut().find(|c| c.type_ == type_) {
            c.observed_generation = Some(self.at.0);
        }
    }

    fn synced(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Settled => self.set(
                "Synced",
                Status::True,
                Reason::Succeeded,
                "Backend and Secret are as the spec asks.",
            ),
            Verdict::Trouble(t) if t.reason == Reason::Suspended => {
                self.set("Synced", Status::Unknown, t.reason, &t.message);
            }
            Verdict::Trouble(t) => self.set("Synced", Status::False, t.reason, &t.message),
            Verdict::Working(what) if condition::find(&self.status.conditions, "Synced").is_none() => {
                self.set("Synced", Status::Unknown, Reason::Progressing, what);
            }
            Verdict::Working(_) => self.touch("Synced"),
        }
    }

    fn progress(&mut self, verdict: &Verdict) {
        let (reconciling, stalled) = match verdict {
            Verdict::Settled => (None, None),
            Verdict::Working(what) => (Some((Reason::Progressing, *what)), None),
            Verdict::Trouble(t) if t.reason == Reason::Suspended => (None, None),
            Verdict::Trouble(t) if t.stalled => (None, Some((t.reason, t.message.as_str()))),
            Verdict::Trouble(t) => (Some((t.reason, t.message.as_str())), None),
        };
        for (type_, abnormal) in [("Reconciling", reconciling), ("Stalled", stalled)] {
            match abnormal {
                Some((reason, message)) => self.set(type_, Status::True, reason, message),
                None => self.unset(type_),
            }
        }
    }

    fn previous_keys(&mut self, standing: &Standing<'_>) {
        let ledger = standing.ledger;
        if let Some(text) = self.overdue(standing) {
            let reason = Reason::RevocationOverdue;
            return self.set("PreviousKeysRevoked", Status::False, reason, &text);
        }
        match ledger.retiring().max_by_key(|(_, at)| *at) {
            Some((_, at)) => {
                let count = ledger.retiring().count();
                let text = format!("{count} old key(s) still valid; the last one is revoked at {at}.");
                self.set("PreviousKeysRevoked", Status::False, Reason::GracePeriod, &text);
            }
            None if standing.dying > 0 => {
                let text =
                    "Old keys were removed from the backend and are not yet refused by every S3 endpoint.";
                let reason = Reason::RevocationUnconfirmed;
                self.set("PreviousKeysRevoked", Status::False, reason, text);
            }
            None if ledger.last_rotation.is_some() => {
                let text = "No old key is left on the backend.";
                self.set("PreviousKeysRevoked", Status::True, Reason::Revoked, text);
            }
            None => self.unset("PreviousKeysRevoked"),
        }
    }

    /// The time of a key has come, and something kept it from being revoked.
    fn overdue(&self, standing: &Standing<'_>) -> Option<String> {
        let (_, now) = self.at;
        let since = standing.ledger.retiring().map(|(_, at)| at).min();
        let since = since.filter(|at| *at <= now && standing.failed)?;
        let count = standing.ledger.due(now).count();
        Some(format!(
            "{count} old key(s) are to be revoked since {since} and may still work; the condition Synced says what stands in the way."
        ))
    }

    fn unknown_keys(&mut self, unknown: Option<&BTreeSet<CredentialId>>) {
        let Some(unknown) = unknown else {
            return self.touch("UnknownKeys");
        };
        if unknown.is_empty() {
            return self.unset("UnknownKeys");
        }
        let named: Vec<&str> = unknown.iter().take(NAMED).map(CredentialId::as_str).collect();
        let more = if unknown.len() > NAMED { ", and more" } else { "" };
        let text = format!(
            "Keys on the backend that this operator did not issue: {}{more}. They are left alone; remove them there if nobody needs them.",
            named.join(", ")
        );
        self.set("UnknownKeys", Status::True, Reason::UnknownKeys, &text);
    }
}

/// What a person has to end and was not told of before.
pub(super) fn news(before: Option<&ObjectUserStatus>, after: &ObjectUserStatus) -> Option<(Reason, String)> {
    let stalled = condition::find(&after.conditions, "Stalled")?;
    let known = before.and_then(|status| condition::find(&status.conditions, "Stalled"));
    let is_known = known.is_some_and(|known| known.reason == stalled.reason);
    let reason = stalled.reason.parse().ok().filter(|_| !is_known)?;
    Some((reason, stalled.message.clone()))
}

#[cfg(test)]
mod tests {
    use super::{super::blocked::trouble, *};
    use crate::domain::{ledger::Issued, plan::Blocked};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn standing(verdict: Verdict, published: Option<bool>, ledger: &Ledger) -> Standing<'_> {
        Standing {
            verdict,
            failed: false,
            published,
            locked: false,
            dying: 0,
            unknown: None,
            last_uses: None,
            ledger,
            user_name: Some("gk-shop-billing"),
            secret_name: Some("billing"),
        }
    }

    fn conditions(status: &ObjectUserStatus) -> Vec<String> {
        status
            .conditions
            .iter()
            .map(|c| format!("{}={}/{}", c.type_, c.status, c.reason))
            .collect()
    }

    #[test]
    fn a_settled_user_is_ready_and_synced_and_nothing_else() {
        let ledger = Ledger::default();
        let status = status(
            &ObjectUserStatus::default(),
            &standing(Verdict::Settled, Some(true), &ledger),
            1,
            at(1),
        );
        assert_eq!(
            conditions(&status),
            ["Ready=True/Succeeded", "Synced=True/Succeeded"]
        );
        assert_eq!(status.observed_generation, Some(1));
        assert_eq!(status.binding.map(|b| b.name), Some("billing".to_owned()));
    }

    #[test]
    fn saying_the_same_again_changes_nothing() {
        let ledger = Ledger::default();
        let say = |before: &ObjectUserStatus, now| {
            status(
                before,
                &standing(Verdict::Settled, Some(true), &ledger),
                1,
                at(now),
            )
        };
        let first = say(&ObjectUserStatus::default(), 1);
        assert_eq!(say(&first, 99), first);
    }

    #[test]
    fn an_outage_leaves_ready_as_it_was() {
        let ledger = Ledger::default();
        let ready = status(
            &ObjectUserStatus::default(),
            &standing(Verdict::Settled, Some(true), &ledger),
            1,
            at(1),
        );
        let outage = Verdict::Trouble(Trouble::passing(Reason::BackendUnavailable, "down"));
        let down = status(&ready, &standing(outage, None, &ledger), 2, at(2));
        let expected = [
            "Ready=True/Succeeded",
            "Synced=False/BackendUnavailable",
            "Reconciling=True/BackendUnavailable",
        ];
        assert_eq!(conditions(&down), expected);
        assert!(down.conditions.iter().all(|c| c.observed_generation == Some(2)));
    }

    #[test]
    fn what_nobody_but_a_person_can_mend_is_stalled_and_not_reconciling() {
        let ledger = Ledger::default();
        let conflict = Verdict::Trouble(trouble(&Blocked::UserConflict, "u", "s"));
        let status = status(
            &ObjectUserStatus::default(),
            &standing(conflict, Some(false), &ledger),
            1,
            at(1),
        );
        assert_eq!(
            conditions(&status),
            [
                "Ready=False/UserConflict",
                "Synced=False/UserConflict",
                "Stalled=True/UserConflict"
            ]
        );
    }

    #[test]
    fn what_a_person_has_to_end_is_news_once() {
        let ledger = Ledger::default();
        let say = |before: &ObjectUserStatus, blocked: &Blocked| {
            let conflict = Verdict::Trouble(trouble(blocked, "u", "s"));
            status(before, &standing(conflict, Some(false), &ledger), 1, at(1))
        };
        let first = say(&ObjectUserStatus::default(), &Blocked::UserConflict);
        assert_eq!(
            news(None, &first).map(|(reason, _)| reason),
            Some(Reason::UserConflict)
        );
        let again = say(&first, &Blocked::UserConflict);
        assert_eq!(news(Some(&first), &again), None);
        let other = say(&again, &Blocked::SecretConflict);
        assert_eq!(
            news(Some(&again), &other).map(|(reason, _)| reason),
            Some(Reason::SecretConflict)
        );
    }

    #[test]
    fn a_grace_period_leaves_the_user_ready_and_says_until_when() {
        let mut ledger = Ledger {
            last_rotation: Some(at(5)),
            ..Ledger::default()
        };
        let old = Issued {
            issue_time: at(1),
            verified_time: None,
            revoke_time: Some(at(60)),
        };
        ledger.credentials.insert(CredentialId::new("OLD"), old);
        let during = status(
            &ObjectUserStatus::default(),
            &standing(Verdict::Settled, Some(true), &ledger),
            1,
            at(5),
        );
        let expected = [
            "Ready=True/Succeeded",
            "Synced=True/Succeeded",
            "PreviousKeysRevoked=False/GracePeriod",
        ];
        assert_eq!(conditions(&during), expected);
        assert_eq!(
            during.previous_key_revoke_time.as_ref().map(|t| t.0),
            Some(at(60))
        );
        ledger.credentials.clear();
        let after = status(
            &during,
            &standing(Verdict::Settled, Some(true), &ledger),
            1,
            at(61),
        );
        assert_eq!(conditions(&after)[2], "PreviousKeysRevoked=True/Revoked");
        assert_eq!(after.previous_key_revoke_time, None);
    }

    #[test]
    fn a_key_that_outlives_its_time_is_told_apart_from_one_in_its_grace_period() {
        let mut ledger = Ledger::default();
        for (id, end) in [("DUE", 60), ("LATER", 90)] {
            let old = Issued {
                issue_time: at(1),
                verified_time: None,
                revoke_time: Some(at(end)),
            };
            ledger.credentials.insert(CredentialId::new(id), old);
        }
        let refused = || Verdict::Trouble(Trouble::passing(Reason::BackendUnavailable, "It is down."));
        let told = |failed, now| {
            let standing = Standing {
                failed,
                ..standing(refused(), Some(true), &ledger)
            };
            let status = status(&ObjectUserStatus::default(), &standing, 1, at(now));
            let told = condition::find(&status.conditions, "PreviousKeysRevoked").unwrap();
            (told.reason.clone(), told.message.clone())
        };
        let (reason, message) = told(true, 61);
        assert_eq!(reason, "RevocationOverdue");
        assert!(
            message.starts_with("1 old key(s) are to be revoked since"),
            "{message}"
        );
        assert_eq!(told(true, 59).0, "GracePeriod");
        // A complaint about something else ends no pass: the key is about to go.
        assert_eq!(told(false, 61).0, "GracePeriod");
    }

    #[test]
    fn unknown_keys_are_named_only_while_they_are_there() {
        let ledger = Ledger::default();
        let keys: BTreeSet<CredentialId> = (0..7).map(|n| CredentialId::new(format!("K{n}"))).collect();
        let say = |before: &ObjectUserStatus, unknown| {
            status(
                before,
                &Standing {
                    unknown,
                    ..standing(Verdict::Settled, Some(true), &ledger)
                },
                1,
                at(1),
            )
        };
        let named = say(&ObjectUserStatus::default(), Some(&keys));
        let text = &condition::find(&named.conditions, "UnknownKeys").unwrap().message;
        assert!(text.contains("K0, K1, K2, K3, K4, and more"), "{text}");
        assert!(condition::is_true(&say(&named, None).conditions, "UnknownKeys"));
        assert_eq!(
            condition::find(&say(&named, Some(&BTreeSet::new())).conditions, "UnknownKeys"),
            None
        );
    }
}
