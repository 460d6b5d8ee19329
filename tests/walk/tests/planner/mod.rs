//! The planner, explored: every interleaving of its steps with crashes, lost answers, stale reads and people.
//!
//! `GRACEKEY_EXPLORE=deep` walks further; `docs/planner.md` says what, and how far.

mod access;
mod calm;
mod environment;
mod execute;
mod limits;
mod mistakes;
mod mistakes_of_access;
mod mistakes_of_deletion;
mod process;
mod scenario;
mod violation;
mod walk;
mod world;

use access::{MADE, THERE};
use gracekey::domain::{
    access::{Permission, Resource},
    facts::{Desired, OnKeyLimit},
    plan::plan,
};
use scenario::{
    Edits::{Access, Backend, Buckets, Close, Consent, Delete, Grace, Lock, Quota, Rotate, Secret, Status},
    NO_OVERLAP, ONE_SLOT, Scenario, THREE_SLOTS, TWO_NAMED_SLOTS, TWO_SECRETS, TWO_SLOTS, UNLIMITED,
    UNREADABLE, want, with_key, with_lists_that_lag,
};
use world::ticks;

/// Walks each to its end and returns how many states there were; a broken invariant is told with the shortest way to it.
fn explore(scenarios: impl IntoIterator<Item = Scenario>) -> usize {
    let deeper = u8::from(std::env::var_os("GRACEKEY_EXPLORE").is_some_and(|how| how == "deep"));
    let mut all = 0;
    for mut scenario in scenarios {
        scenario.budget.edits += deeper;
        match walk::walk(&scenario, &|facts| plan(facts)) {
            Ok(seen) => {
                let [states, edges, calm] = [seen.states, seen.edges, seen.calm];
                println!(
                    "{:50} {states:>8} states {edges:>8} edges {calm:>8} at rest",
                    scenario.name
                );
                all += states;
            }
            Err(found) => panic!(
                "{}: {}\n{}",
                scenario.name, found.violation.invariant, found.trace
            ),
        }
    }
    all
}

/// Nine tenths of the states that there are today: a walk that no longer gets to where it got is no success.
fn assert_not_shrunk(states: usize, at_least: usize) {
    assert!(
        states >= at_least,
        "{states} states were walked, and {at_least} are the least"
    );
}

fn oldest(desired: &mut Desired) {
    desired.on_key_limit = OnKeyLimit::RevokeOldest;
}

#[test]
fn explore_unlimited_slots() {
    let states = explore([
        Scenario::new("unlimited: from nothing", UNLIMITED, &[Rotate])
            .blank_start()
            .edits(1),
        Scenario::new("unlimited: rotation and Secret", UNLIMITED, &[Rotate, Secret])
            .rotating()
            .edits(1),
        Scenario::new("unlimited: lock and grace", UNLIMITED, &[Lock, Grace])
            .rotating()
            .edits(1),
        Scenario::new("unlimited: deletion", UNLIMITED, &[Delete])
            .rotating()
            .edits(1),
    ]);
    assert_not_shrunk(states, 55_000);
}

#[test]
fn explore_users_that_come_with_their_first_key() {
    let states = explore([
        Scenario::new("with key: two slots", with_key(TWO_SLOTS), &[Rotate, Lock])
            .blank_start()
            .edits(1),
        Scenario::new("with key: readable", with_key(UNLIMITED), &[Secret])
            .blank_start()
            .edits(1),
        Scenario::new("with key: deletion", with_key(TWO_SLOTS), &[Delete])
            .blank_start()
            .edits(1),
        Scenario::new("with key: named", with_key(TWO_NAMED_SLOTS), &[Backend, Status])
            .rotating()
            .edits(1),
        Scenario::new("with key: two slots, vanishing", with_key(TWO_SLOTS), &[Backend])
            .rotating()
            .edits(1),
        Scenario::new("with key: no overlap", with_key(NO_OVERLAP), &[Consent, Backend])
            .blank_start()
            .edits(1),
        Scenario::new("with key: access", with_key(UNLIMITED), &[Buckets])
            .blank_start()
            .faults(1, 0, 1)
            .buckets(&[THERE])
            .edits(1)
            .wishing(|d| {
                both_buckets(d);
                d.limits.insert(Resource::Bytes, 10);
            }),
    ]);
    assert_not_shrunk(states, 44_400);
}

#[test]
fn explore_lists_that_lag() {
    let states = explore([
        Scenario::new(
            "short lists: from nothing",
            with_lists_that_lag(TWO_SLOTS),
            &[Rotate],
        )
        .blank_start()
        .faults(1, 0, 1)
        .edits(1),
        Scenario::new(
            "short lists: two slots",
            with_lists_that_lag(TWO_SLOTS),
            &[Secret],
        )
        .rotating()
        .faults(1, 0, 1)
        .edits(1),
        Scenario::new("short lists: no grace", with_lists_that_lag(TWO_SLOTS), &[Rotate])
            .rotating()
            .faults(1, 0, 1)
            .edits(1)
            .wishing(|d| d.grace = ticks(0)),
        Scenario::new("short lists: named", with_lists_that_lag(UNREADABLE), &[Backend])
            .rotating()
            .faults(1, 0, 1)
            .edits(1),
        Scenario::new(
            "short lists: deletion of a new user",
            with_lists_that_lag(TWO_SLOTS),
            &[Delete],
        )
        .blank_start()
        .faults(1, 0, 1)
        .edits(1),
        Scenario::new("short lists: deletion", with_lists_that_lag(TWO_SLOTS), &[Delete])
            .rotating()
            .faults(1, 0, 1)
            .edits(1),
    ]);
    assert_not_shrunk(states, 140_000);
}

#[test]
fn explore_stores_that_close() {
    let states = explore([
        Scenario::new("closed: unlimited", UNLIMITED, &[Close])
            .rotating()
            .edits(1),
        Scenario::new("closed: unreadable", UNREADABLE, &[Close])
            .rotating()
            .edits(1),
        Scenario::new("closed: from nothing", UNREADABLE, &[Close])
            .blank_start()
            .edits(1),
        Scenario::new("closed: and opened again", UNREADABLE, &[Close])
            .rotating()
            .edits(2),
    ]);
    assert_not_shrunk(states, 10_700);
}

#[test]
fn explore_unreadable_slots() {
    let states = explore([
        Scenario::new("unreadable: Secret", UNREADABLE, &[Secret])
            .rotating()
            .edits(1),
        Scenario::new("unreadable: backend, status", UNREADABLE, &[Backend, Status])
            .rotating()
            .edits(1),
        Scenario::new("unreadable: two faults", UNREADABLE, &[])
            .rotating()
            .faults(2, 0, 0)
            .edits(0),
        Scenario::new("unreadable: schedule", UNREADABLE, &[])
            .edits(0)
            .wishing(|d| d.interval = Some(ticks(4))),
    ]);
    assert_not_shrunk(states, 99_000);
}

#[test]
fn explore_two_slots() {
    let changes = &[Rotate, Secret, Backend, Status];
    let states = explore([
        Scenario::new("two slots", TWO_SLOTS, changes).rotating().edits(1),
        Scenario::new("two named slots", TWO_NAMED_SLOTS, &[Secret, Status])
            .rotating()
            .edits(1),
        Scenario::new("two named slots: oldest goes", TWO_NAMED_SLOTS, &[Rotate])
            .rotating()
            .edits(1)
            .wishing(oldest),
        Scenario::new("three slots: oldest goes", THREE_SLOTS, &[Rotate])
            .rotating()
            .edits(1)
            .wishing(oldest),
    ]);
    assert_not_shrunk(states, 129_000);
}

#[test]
fn explore_backends_of_one_key() {
    let changes = &[Rotate, Secret, Backend, Status];
    let states = explore([
        Scenario::new("one slot", ONE_SLOT, changes).rotating().edits(1),
        Scenario::new("no overlap: no consent", NO_OVERLAP, &[Secret, Consent])
            .rotating()
            .edits(2),
        Scenario::new("no overlap: consent", NO_OVERLAP, changes)
            .rotating()
            .edits(1)
            .wishing(|d| d.allow_interruption = true),
        // Without status: lost in the middle of a rotation, with the backstop set, it costs the published key.
        Scenario::new("two secrets", TWO_SECRETS, &[Rotate, Secret, Backend])
            .rotating()
            .edits(1),
    ]);
    assert_not_shrunk(states, 43_000);
}

fn both_buckets(desired: &mut Desired) {
    want(desired, THERE, Permission::ReadWrite, false);
    want(desired, MADE, Permission::ReadOnly, true);
}

fn one_bucket(desired: &mut Desired) {
    want(desired, THERE, Permission::ReadWrite, false);
}

#[test]
fn explore_access() {
    let states = explore([
        Scenario::new("access: from nothing", UNLIMITED, &[Access, Buckets])
            .blank_start()
            .faults(1, 0, 1)
            .buckets(&[THERE])
            .edits(1)
            .wishing(|d| {
                both_buckets(d);
                d.limits.insert(Resource::Bytes, 10);
            }),
        Scenario::new("access: edits", UNLIMITED, &[Access, Buckets])
            .buckets(&[THERE])
            .edits(2)
            .wishing(one_bucket),
        Scenario::new(
            "access: edits, grants that stay in sight",
            UNLIMITED,
            &[Access, Buckets],
        )
        .buckets(&[THERE])
        .shown_grants()
        .edits(2)
        .wishing(one_bucket),
        Scenario::new("access: two operators", UNLIMITED, &[Access])
            .buckets(&[THERE])
            .faults(0, 1, 0)
            .edits(2)
            .wishing(one_bucket),
        Scenario::new("access: deletion", UNLIMITED, &[Access, Buckets, Delete])
            .buckets(&[THERE])
            .edits(2)
            .wishing(one_bucket),
        Scenario::new("access: rotation", UNLIMITED, &[Buckets])
            .rotating()
            .edits(1)
            .wishing(one_bucket),
        Scenario::new("access: store that closes", UNLIMITED, &[Access, Close])
            .buckets(&[THERE])
            .edits(2),
        Scenario::new("access: status lost", UNLIMITED, &[Access, Status])
            .buckets(&[THERE])
            .edits(2)
            .wishing(one_bucket),
        Scenario::new("quota", UNLIMITED, &[Quota, Backend]).edits(2),
    ]);
    assert_not_shrunk(states, 24_900);
}

#[test]
fn explore_two_operators() {
    let states = explore([
        Scenario::new("two operators: unreadable", UNREADABLE, &[Rotate])
            .rotating()
            .faults(0, 1, 0)
            .edits(1),
        Scenario::new("two operators: two slots", TWO_SLOTS, &[])
            .rotating()
            .faults(1, 1, 0)
            .edits(0),
        Scenario::new("two operators: two named slots", TWO_NAMED_SLOTS, &[Rotate])
            .rotating()
            .faults(0, 1, 0)
            .edits(1),
        Scenario::new("two operators: from nothing", UNREADABLE, &[])
            .blank_start()
            .faults(0, 1, 0)
            .edits(0),
    ]);
    assert_not_shrunk(states, 110_000);
}
