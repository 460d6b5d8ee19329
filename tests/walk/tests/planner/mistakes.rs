//! Mistakes, planted one at a time. A walk that cannot fail is worth nothing: each must be found, by its invariant.
//!
//! A mistake changes what the planner is told or what it answers; the rules themselves stay as they ship.

use super::{
    scenario::{self, Edits, Planner, Scenario},
    walk::walk,
    world::{NOW, TICK, ticks},
};
use gracekey::domain::{
    capabilities::{Capabilities, Overlap},
    facts::{Facts, OnKeyLimit, SecretState},
    ids::CredentialId,
    ledger::{Ledger, after},
    plan::{Action, Blocked, Change, Plan, plan},
};
use std::{collections::BTreeSet, time::Duration};

/// Walks with this mistake planted, and demands that it is found by this invariant.
pub(super) fn found(scenario: &Scenario, invariant: &str, mistaken: &Planner) {
    match walk(scenario, mistaken) {
        Ok(seen) => panic!("{}: not found in {} states", scenario.name, seen.states),
        Err(found) => {
            println!(
                "{:55} {}: {}",
                scenario.name, found.violation.invariant, found.violation.what
            );
            assert_eq!(found.violation.invariant, invariant, "{}", found.trace);
        }
    }
}

fn unreadable(name: &'static str) -> Scenario {
    Scenario::new(name, scenario::UNREADABLE, &[Edits::Rotate])
}

/// The plan, with each ledger that it writes changed.
pub(super) fn with_ledgers(facts: &Facts<'_>, change: impl Fn(&mut Ledger)) -> Plan {
    let mut plan = plan(facts);
    for action in &mut plan.actions {
        if let Action::WriteLedger(ledger, _) = action {
            change(ledger);
        }
    }
    plan
}

fn with_capabilities(facts: &Facts<'_>, change: impl FnOnce(&mut Capabilities)) -> Plan {
    let mut capabilities = *facts.capabilities;
    change(&mut capabilities);
    plan(&Facts {
        capabilities: &capabilities,
        ..facts.clone()
    })
}

pub(super) fn without(facts: &Facts<'_>, unwanted: impl Fn(&Action) -> bool) -> Plan {
    let mut plan = plan(facts);
    plan.actions.retain(|action| !unwanted(action));
    plan
}

pub(super) fn only(action: Action) -> Plan {
    Plan {
        actions: vec![action],
        blocked: None,
        wake: None,
        unknown: BTreeSet::new(),
        unmet: BTreeSet::new(),
    }
}

/// Takes what a list lacks for gone, whatever its age.
fn trusts_every_list(facts: &Facts<'_>) -> Plan {
    with_capabilities(facts, |capabilities| capabilities.list_lag = Duration::ZERO)
}

#[test]
fn i5_trusting_a_list_that_lags_is_found() {
    let backend = scenario::with_lists_that_lag(scenario::TWO_SLOTS);
    let scenario = Scenario::new("trusts a list that lags", backend, &[Edits::Rotate])
        .rotating()
        .faults(0, 0, 1)
        .edits(1);
    found(&scenario, "I5", &trusts_every_list);
}

#[test]
fn l1_trying_again_before_a_list_can_show_the_first_try_is_found() {
    let backend = scenario::with_lists_that_lag(scenario::THREE_UNNAMED_SLOTS);
    let scenario = Scenario::new("tries again too early", backend, &[])
        .rotating()
        .faults(1, 0, 1)
        .edits(0);
    found(&scenario, "L1", &|facts| {
        let mut ledger = facts.ledger.clone();
        // As if the latest try were long ago.
        if let Some(intent) = &mut ledger.intent {
            intent.attempt_time -= 10 * TICK;
        }
        plan(&Facts {
            ledger: &ledger,
            ..facts.clone()
        })
    });
}

#[test]
fn i1_issuing_without_the_fence_is_found() {
    let scenario = unreadable("issues without the fence").faults(0, 1, 0);
    found(&scenario, "I1", &|facts| {
        let fence = facts.ledger.intent.as_ref().map(|intent| intent.attempt);
        plan(&Facts {
            fence,
            ..facts.clone()
        })
    });
}

#[test]
fn i1_trying_the_same_id_again_is_found() {
    found(&unreadable("tries the same id again"), "I1", &|facts| {
        let old = facts.ledger.intent.as_ref().and_then(|i| i.access_key_id.clone());
        with_ledgers(facts, |ledger| {
            if let (Some(intent), Some(old)) = (&mut ledger.intent, &old) {
                intent.access_key_id = Some(old.clone());
                ledger.abandoned.remove(&CredentialId::from(old));
            }
        })
    });
}

#[test]
fn l1_not_watching_abandoned_ids_is_found() {
    found(&unreadable("does not watch abandoned ids"), "L1", &|facts| {
        with_ledgers(facts, |ledger| ledger.abandoned.clear())
    });
}

#[test]
fn i10_publishing_unproven_is_found() {
    found(&unreadable("publishes unproven"), "I10", &|facts| {
        plan(&Facts {
            proven: facts.live,
            ..facts.clone()
        })
    });
}

#[test]
fn i5_revoking_early_is_found() {
    found(
        &unreadable("revokes before the grace period ends"),
        "I5",
        &|facts| {
            let early = facts.ledger.retiring().find(|(id, _)| facts.live.contains(*id));
            early.map_or_else(|| plan(facts), |(id, _)| only(Action::Revoke(id.clone())))
        },
    );
}

#[test]
fn i1_revoking_what_is_published_is_found() {
    let scenario = Scenario::new(
        "revokes what is due though it is published",
        scenario::UNREADABLE,
        &[Edits::Rotate, Edits::Secret],
    );
    found(&scenario, "I1", &|facts| {
        let due = facts
            .ledger
            .retiring()
            .find(|(id, at)| *at <= facts.now && facts.live.contains(*id));
        due.map_or_else(|| plan(facts), |(id, _)| only(Action::Revoke(id.clone())))
    });
}

#[test]
fn i9_postponing_the_end_is_found() {
    found(
        &unreadable("counts the grace from now, each time"),
        "I9",
        &|facts| {
            let mut late = facts.ledger.clone();
            for key in late.credentials.values_mut().filter(|k| k.revoke_time.is_some()) {
                key.revoke_time = Some(after(NOW, ticks(1)));
            }
            let postponed = Action::WriteLedger(Box::new(late.clone()), Change::Verified);
            if late == *facts.ledger {
                plan(facts)
            } else {
                only(postponed)
            }
        },
    );
}

#[test]
fn i9_counting_the_grace_from_the_adoption_is_found() {
    found(
        &unreadable("counts the grace from the adoption"),
        "I9",
        &|facts| {
            let SecretState::Ours(secret) = facts.secret else {
                return plan(facts);
            };
            let secret = SecretState::Ours(gracekey::domain::facts::Published {
                at: None,
                ..secret.clone()
            });
            plan(&Facts {
                secret: &secret,
                ..facts.clone()
            })
        },
    );
}

#[test]
fn i3_forgetting_handled_tokens_is_found() {
    found(&unreadable("forgets the handled token"), "I3", &|facts| {
        let ledger = Ledger {
            handled: Vec::new(),
            ..facts.ledger.clone()
        };
        let SecretState::Ours(secret) = facts.secret else {
            return plan(facts);
        };
        let secret = SecretState::Ours(gracekey::domain::facts::Published {
            handled: Vec::new(),
            ..secret.clone()
        });
        plan(&Facts {
            ledger: &ledger,
            secret: &secret,
            ..facts.clone()
        })
    });
}

#[test]
fn l1_publishing_without_the_mirror_is_found() {
    let scenario = Scenario::new(
        "publishes without the mirror",
        scenario::UNREADABLE,
        &[Edits::Rotate, Edits::Status],
    );
    found(&scenario.faults(0, 0, 0).edits(5), "L1", &|facts| {
        let mut plan = plan(facts);
        for action in &mut plan.actions {
            if let Action::Publish { mirror, .. } = action {
                **mirror = gracekey::domain::plan::Mirror::default();
            }
        }
        plan
    });
}

#[test]
fn i2_one_slot_too_many_is_found() {
    let scenario = Scenario::new(
        "counts one slot too many",
        scenario::TWO_NAMED_SLOTS,
        &[Edits::Rotate],
    );
    found(&scenario, "I2", &|facts| {
        with_capabilities(facts, |c| c.overlap = Overlap::Slots { max: Some(3) })
    });
}

#[test]
fn i7_touching_a_strangers_key_is_found() {
    let scenario = Scenario::new(
        "revokes a stranger's key for its slot",
        scenario::TWO_NAMED_SLOTS,
        &[Edits::Rotate, Edits::Backend],
    );
    found(&scenario, "I7", &|facts| {
        let planned = plan(facts);
        match planned.unknown.first() {
            Some(id) if planned.blocked == Some(Blocked::KeyLimitReached) => only(Action::Revoke(id.clone())),
            _ => planned,
        }
    });
}

#[test]
fn i8_revoking_the_last_key_is_found() {
    let scenario = Scenario::new(
        "makes way for the new key first",
        scenario::UNREADABLE,
        &[Edits::Rotate, Edits::Secret],
    );
    found(&scenario, "I8", &|facts| {
        let gone =
            facts.secret == &SecretState::Absent && facts.live.len() == 1 && facts.ledger.intent.is_none();
        match facts.live.first() {
            Some(id) if gone => only(Action::Revoke(id.clone())),
            _ => plan(facts),
        }
    });
}

#[test]
fn i6_a_step_after_the_issue_is_found() {
    found(
        &unreadable("goes on after what cannot be repeated"),
        "I6",
        &|facts| {
            let mut plan = plan(facts);
            if let Some(Action::Issue {
                access_key_id: Some(id),
                ..
            }) = plan.actions.last()
            {
                plan.actions.push(Action::Prove(id.into()));
            }
            plan
        },
    );
}

#[test]
fn i4_writing_at_rest_is_found() {
    found(&unreadable("writes the Secret each time"), "I4", &|facts| {
        let planned = plan(facts);
        let SecretState::Ours(secret) = facts.secret else {
            return planned;
        };
        match &secret.key {
            Some(id) if planned.actions.is_empty() => only(Action::RestoreSecret {
                id: id.clone(),
                mirror: Box::default(),
            }),
            _ => planned,
        }
    });
}

#[test]
fn i5_a_backstop_without_margin_is_found() {
    let scenario = Scenario::new(
        "asks for an expiry of the bare grace",
        scenario::TWO_SECRETS,
        &[Edits::Rotate],
    );
    found(&scenario, "I5", &|facts| {
        with_capabilities(facts, |c| {
            c.overlap = Overlap::TwoSecrets {
                backstop_margin: Duration::ZERO,
            }
        })
    });
}

#[test]
fn l1_keeping_orphans_is_found() {
    found(&unreadable("never removes a doomed key"), "L1", &|facts| {
        let doomed: BTreeSet<_> = facts.ledger.abandoned.keys().cloned().collect();
        without(
            facts,
            |action| matches!(action, Action::Revoke(id) if doomed.contains(id)),
        )
    });
}

#[test]
fn i1_removing_a_doomed_key_unfenced_is_found() {
    let scenario = Scenario::new(
        "revokes a doomed key without fencing the Secret",
        scenario::TWO_NAMED_SLOTS,
        &[Edits::Rotate],
    );
    found(&scenario.faults(0, 1, 0), "I1", &|facts| {
        let secret_fence = facts.ledger.intent.as_ref().map(|intent| intent.attempt);
        plan(&Facts {
            secret_fence,
            ..facts.clone()
        })
    });
}

#[test]
fn i1_interrupting_without_consent_is_found() {
    let scenario = Scenario::new(
        "interrupts without consent",
        scenario::NO_OVERLAP,
        &[Edits::Rotate],
    );
    found(&scenario, "I1", &|facts| {
        let mut desired = facts.desired.clone();
        desired.allow_interruption = true;
        plan(&Facts {
            desired: &desired,
            ..facts.clone()
        })
    });
}

#[test]
fn i5_revoking_the_oldest_unasked_is_found() {
    let scenario = Scenario::new(
        "revokes the oldest unasked",
        scenario::TWO_NAMED_SLOTS,
        &[Edits::Rotate],
    );
    found(&scenario, "I5", &|facts| {
        let mut desired = facts.desired.clone();
        desired.on_key_limit = OnKeyLimit::RevokeOldest;
        plan(&Facts {
            desired: &desired,
            ..facts.clone()
        })
    });
}

#[test]
fn l1_sleeping_through_the_end_is_found() {
    found(&unreadable("never wakes"), "L1", &|facts| Plan {
        wake: None,
        ..plan(facts)
    });
}

#[test]
fn l1_forgetting_the_lock_is_found() {
    let scenario = Scenario::new("does not lock", scenario::UNREADABLE, &[Edits::Lock]);
    found(&scenario, "L1", &|facts| {
        without(facts, |action| matches!(action, Action::SetLocked(_)))
    });
}
