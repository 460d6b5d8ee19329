//! L1: once faults stop, every world comes to rest, and the right way.

use super::{
    access,
    environment::tick,
    process::{self, Fate, Sight, Who, ours},
    scenario::{Planner, Scenario},
    violation::{Checked, ensure, violated},
    walk::{Fingerprints, fingerprint},
    world::{Budget, NOW, TICK, World, limit},
};
use gracekey::domain::{
    capabilities::Overlap,
    facts::{Deletion, SecretState, UserState},
    plan::{Blocked, Plan},
};

/// More steps than any road to rest has.
const STEPS: usize = 200;

/// Follows the one road that is left without faults. `known` holds worlds from which it is known to end well.
pub(super) fn comes_to_rest(
    world: &World,
    scenario: &Scenario,
    planner: &Planner,
    known: &mut Fingerprints,
) -> Checked<World> {
    let mut world = World {
        budget: Budget::default(),
        paused: None,
        flight: std::collections::BTreeMap::new(),
        ..world.clone()
    };
    let mut road = Vec::new();
    for _ in 0..STEPS {
        if world.object.is_none() {
            return deleted(&world).map(|()| world);
        }
        let here = fingerprint(&world);
        if !known.insert(here) {
            let round = road.contains(&here);
            return ensure(!round, "I4", || "it goes round in circles".into()).map(|()| world);
        }
        road.push(here);
        if world.lead.run.is_some() {
            process::act(&mut world, Who::Lead, Fate::Done, scenario, planner)?;
            world.tidy();
            access::all_is_on_record(&world)?;
            continue;
        }
        let plan = process::read(&mut world, scenario, planner, Sight::Clear)?;
        if world.lead.run.is_some() {
            continue;
        }
        nothing_is_overdue(&world)?;
        let schedule = world.ledger().and_then(|l| l.next_rotation);
        match plan.wake.filter(|at| Some(*at) != schedule) {
            Some(at) => {
                let span = u128::try_from(at.duration_since(NOW).as_millis()).unwrap_or(0);
                for _ in 0..span.div_ceil(TICK.as_millis()) {
                    tick(&mut world)?;
                }
                world.tidy();
            }
            None if access::is_stuck(&world, &plan) => return Ok(world),
            None => {
                access::rests_right(&world, &plan, scenario)?;
                return rests_right(&world, &plan, scenario, planner).map(|()| world);
            }
        }
    }
    violated("L1", format!("no rest within {STEPS} steps"))
}

fn nothing_is_overdue(world: &World) -> Checked {
    let overdue = world.ghost.due.iter().find(|(id, at)| {
        let excused =
            world.published_key() == Some(id) || world.ghost.lost.contains(*id) || world.keys.len() == 1;
        **at <= NOW && world.keys.contains_key(*id) && !excused
    });
    ensure(overdue.is_none(), "I9", || {
        format!("{overdue:?} outlives its time")
    })
}

/// What a deletion leaves, by its policy.
fn deleted(world: &World) -> Checked {
    if world.ghost.deleted == Some(Deletion::Retain) {
        return retained(world);
    }
    access::nothing_is_left(world)?;
    let user = matches!(world.user, UserState::Ours { .. });
    ensure(!user && world.keys.is_empty(), "L1", || {
        format!("a user is left behind with {:?}", world.keys)
    })?;
    ensure(world.published().is_none(), "L1", || {
        "a Secret is left behind".into()
    })
}

/// Nobody looks after the user any more: the key of its Secret may stay, or where there is none, what was in use.
fn retained(world: &World) -> Checked {
    let published = world.published_key();
    let stray = world.keys.iter().find(|(id, key)| {
        let in_use = world.ghost.published.contains(*id) && !world.ghost.due.contains_key(*id);
        let may_stay = published.is_none() && in_use;
        key.ours && !may_stay && published != Some(id) && !world.ghost.lost.contains(*id)
    });
    ensure(stray.is_none(), "I9", || {
        format!("{stray:?} is left to live for ever")
    })
}

/// At rest: the key in the Secret works, nothing else of ours lives, nothing is asked for; or a stated reason.
fn rests_right(world: &World, plan: &Plan, scenario: &Scenario, planner: &Planner) -> Checked {
    let afresh = process::plan_afresh(world, scenario, planner)?;
    ensure(afresh.actions.is_empty(), "I4", || {
        format!("a settled world is changed: {:?}", afresh.actions)
    })?;
    let unexplained = |key: &gracekey::domain::ids::CredentialId| {
        world.ghost.lost.contains(key) || world.keys.get(key).is_some_and(|k| !k.ours)
    };
    if let Some(why) = &plan.blocked {
        let excused = blocked_for_a_reason(world, why, scenario);
        ensure(excused, "L1", || format!("blocked without a reason: {why:?}"))?;
    }
    let object = world.object.as_ref().expect("it is there");
    let ledger = &object.ledger;
    let hopeless = plan.blocked.is_some()
        && world
            .published_key()
            .is_none_or(|id| !world.keys.contains_key(id));
    if hopeless {
        let excused = matches!(plan.blocked, Some(Blocked::UnknownKeys | Blocked::StoreClosed));
        let full = world.keys.len() >= limit(&scenario.capabilities);
        return ensure(full || excused, "L1", || {
            format!("nothing is published: {:?}", plan.blocked)
        });
    }
    let Some(id) = world.published_key() else {
        return violated("L1", "nothing is published");
    };
    ensure(world.keys.contains_key(id), "L1", || {
        format!("{id} is published and does not work")
    })?;
    ensure(world.published().is_some_and(|p| p.intact), "L1", || {
        "the Secret is not intact".into()
    })?;
    let stray = world.keys.keys().find(|k| *k != id && !unexplained(k));
    ensure(stray.is_none(), "L1", || format!("{stray:?} is left over"))?;
    let silent = world.keys.keys().find(|k| *k != id && !plan.unknown.contains(*k));
    ensure(silent.is_none(), "L1", || {
        format!("{silent:?} is known to nobody")
    })?;
    ensure(ledger.current() == Some(id), "L1", || {
        format!("{:?} is taken for current", ledger.current())
    })?;
    let open = ledger.intent.is_some() && plan.blocked.is_none();
    ensure(
        !open && ledger.abandoned.is_empty() && ledger.retiring().count() == 0,
        "L1",
        || format!("the ledger is not settled: {ledger:?}"),
    )?;
    let desired = &object.desired;
    let asked = desired
        .rotate
        .as_ref()
        .filter(|r| !ledger.handled.contains(&r.token));
    ensure(asked.is_none() || plan.blocked.is_some(), "L1", || {
        format!("{asked:?} is not handled")
    })?;
    let lock_right = world.user == ours(desired.locked && scenario.capabilities.lock);
    ensure(lock_right, "L1", || {
        format!("the lock is not as wished: {:?}", world.user)
    })?;
    let unproven = ledger
        .credentials
        .get(id)
        .is_some_and(|k| k.verified_time.is_none());
    let excused = desired.locked && scenario.capabilities.lock;
    ensure(
        !unproven || excused || world.ghost.proven.contains(id),
        "L1",
        || format!("{id} was never proven"),
    )
}

/// The fixpoints that are allowed although something is wished for.
fn blocked_for_a_reason(world: &World, why: &Blocked, scenario: &Scenario) -> bool {
    let capabilities = &scenario.capabilities;
    let strangers = world
        .keys
        .iter()
        .any(|(id, k)| !k.ours || world.ghost.lost.contains(id));
    let one = limit(capabilities) == 1;
    match why {
        Blocked::UserConflict => world.user == UserState::Foreign,
        Blocked::SecretConflict => world.secret == SecretState::Foreign,
        Blocked::NoOverlap => {
            capabilities.overlap == Overlap::None
                && world
                    .object
                    .as_ref()
                    .is_some_and(|o| !o.desired.allow_interruption)
        }
        Blocked::KeyLimitReached => world.keys.len() >= limit(capabilities) && (strangers || one),
        Blocked::UnknownKeys => strangers && !capabilities.id_choosable,
        Blocked::LockUnsupported => !capabilities.lock,
        Blocked::StoreClosed => world.object.as_ref().is_some_and(|o| o.desired.closed),
        Blocked::Suspended => world.object.as_ref().is_some_and(|o| o.desired.suspend),
        Blocked::RotationQueued(_)
        | Blocked::AttemptsExhausted(_)
        | Blocked::GracePeriodRuns(_)
        | Blocked::AbsenceLags(_)
        | Blocked::KeyUnseen(_)
        | Blocked::AnswerLags(_)
        | Blocked::KeyOutstanding(_)
        | Blocked::AnswerOutstanding(_) => false,
    }
}
