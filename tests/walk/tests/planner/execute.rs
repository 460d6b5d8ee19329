//! Actions carried out, each with what must hold when it is.

use super::{
    access,
    process::{Who, object_for, ours, published},
    scenario::Scenario,
    violation::{Checked, ensure, violated},
    world::{Flight, Key, NOW, Run, SECOND, World, limit},
};
use gracekey::domain::{
    capabilities::Overlap,
    facts::{OnKeyLimit, Published, SecretState, UserState},
    ids::{AccessKeyId, CredentialId},
    ledger::{ABANDONED_WATCH, Cause, Ledger, after},
    plan::{Action, Change},
};
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Done,
    /// Refused, or out of date.
    Denied,
    /// This key was issued, and these ended by it.
    Issued(CredentialId, Vec<CredentialId>),
    /// The Secret has this now.
    Written(Published),
}

pub(super) fn carry_out(
    world: &mut World,
    who: Who,
    run: &Run,
    action: &Action,
    scenario: &Scenario,
) -> Checked<Answer> {
    match action {
        Action::AddFinalizer => Ok(set_finalizer(world, run, true)),
        Action::RemoveFinalizer => Ok(set_finalizer(world, run, false)),
        Action::CreateUser => Ok(create_user(world, run)),
        Action::SetLocked(locked) => {
            not_a_strangers(world)?;
            Ok(change_user(world, ours(*locked)))
        }
        Action::SetLimits(changes) => access::set_limits(world, run, changes),
        Action::MakeBucket(name) => Ok(access::make_bucket(world, name)),
        Action::SetGrant(name, what) => access::set_grant(world, run, name, *what, scenario),
        Action::DeleteUser => {
            not_a_strangers(world)?;
            world.limits.clear();
            world.keys.clear();
            world.user = UserState::Absent;
            Ok(Answer::Done)
        }
        Action::WriteLedger(ledger, change) => write_ledger(world, run, ledger, change),
        Action::Issue {
            access_key_id,
            expire_previous,
        } => issue(world, run, access_key_id.as_ref(), *expire_previous, scenario),
        Action::Prove(id) => Ok(prove(world, id)),
        Action::Publish { id, mirror } => publish(world, who, run, published(id, mirror), scenario),
        Action::RestoreSecret { id, mirror } => restore(world, run, published(id, mirror)),
        Action::FenceSecret(_) => Ok(write_secret(world, run, run.secret.clone())),
        Action::Revoke(id) => revoke(world, run, id, scenario),
        Action::DeleteSecret => Ok(write_secret(world, run, SecretState::Absent)),
        Action::SetLabel | Action::ReleaseSecret => Ok(Answer::Done),
    }
}

fn set_finalizer(world: &mut World, run: &Run, on: bool) -> Answer {
    let Some(object) = object_for(world, run) else {
        return Answer::Denied;
    };
    object.finalizer = on;
    if object.desired.deleting && !on {
        world.ghost.deleted = Some(object.desired.deletion);
        world.object = None;
    }
    Answer::Done
}

fn create_user(world: &mut World, run: &Run) -> Answer {
    match world.user {
        UserState::Absent => world.user = ours(run.object.desired.locked),
        UserState::Foreign => return Answer::Denied,
        UserState::Ours { .. } => {}
    }
    Answer::Done
}

fn change_user(world: &mut World, to: UserState) -> Answer {
    if world.user == UserState::Absent {
        return Answer::Denied;
    }
    world.user = to;
    Answer::Done
}

fn not_a_strangers(world: &World) -> Checked {
    ensure(world.user != UserState::Foreign, "I7", || {
        "a stranger's user is touched".into()
    })
}

fn write_ledger(world: &mut World, run: &Run, ledger: &Ledger, change: &Change) -> Checked<Answer> {
    let foreign = ledger
        .credentials
        .keys()
        .find(|id| world.keys.get(*id).is_some_and(|k| !k.ours));
    ensure(foreign.is_none(), "I7", || {
        format!("{foreign:?} is a stranger's and adopted")
    })?;
    let Some(object) = object_for(world, run) else {
        return Ok(Answer::Denied);
    };
    let old = std::mem::replace(&mut object.ledger, ledger.clone());
    if let Some(id) = ledger.intent.as_ref().and_then(|i| i.access_key_id.as_ref())
        && id.as_str() == format!("k{}", world.next)
    {
        world.next += 1;
    }
    note_completion(world, &old, ledger)?;
    for (id, at) in ledger.retiring() {
        let before = old.credentials.get(id).and_then(|k| k.revoke_time);
        ensure(before.is_none_or(|b| at <= b), "I9", || {
            format!("the end of {id} is postponed to {at}")
        })?;
        if matches!(change, Change::Adopted(_)) {
            world.ghost.due.entry(id.clone()).or_insert(at);
        }
    }
    Ok(Answer::Done)
}

/// A rotation is complete when its intent is closed and its token is handled.
fn note_completion(world: &mut World, old: &Ledger, new: &Ledger) -> Checked {
    let intent = old.intent.as_ref().filter(|_| new.intent.is_none());
    let token = intent
        .filter(|i| i.cause == Cause::Rotate)
        .and_then(|i| i.token.as_ref());
    if let Some(token) = token.filter(|t| new.handled.contains(t)) {
        let first = world.ghost.done.insert(token.clone());
        ensure(first, "I3", || format!("{token} caused a second rotation"))?;
    }
    Ok(())
}

fn issue(
    world: &mut World,
    run: &Run,
    id: Option<&AccessKeyId>,
    expire_previous: Option<Duration>,
    scenario: &Scenario,
) -> Checked<Answer> {
    let id = id.map_or_else(
        || CredentialId::new(format!("k{}", world.next)),
        CredentialId::from,
    );
    let full = world.keys.len() >= limit(&scenario.capabilities);
    let refused = full && scenario.capabilities.overlap != Overlap::None;
    // A driver reads before it writes, so an id that is there is refused.
    let made = world.user == UserState::Absent && scenario.capabilities.user_comes_with_key;
    if made {
        world.user = ours(run.object.desired.locked);
    }
    if world.user == UserState::Absent || refused || world.keys.contains_key(&id) {
        return Ok(Answer::Denied);
    }
    if !scenario.capabilities.id_choosable {
        world.next += 1;
    }
    let intent = |ledger: &Ledger| ledger.intent.as_ref().map(|i| i.before.clone());
    let named = scenario.capabilities.id_choosable;
    if !named && world.ledger().and_then(intent) != intent(&run.object.ledger) {
        // Its intent is closed, and no id tells that it is ours.
        world.ghost.lost.insert(id.clone());
    }
    let interrupts = scenario.capabilities.overlap == Overlap::None
        && world
            .published_key()
            .is_some_and(|id| world.keys.contains_key(id));
    let consent = run.object.desired.allow_interruption || run.secret_moved;
    ensure(!interrupts || consent, "I1", || {
        "the published key is ended by a new one, without consent".into()
    })?;
    let ended = land(world, &id, expire_previous, scenario)?;
    Ok(Answer::Issued(id, ended))
}

/// Status was lost, and what it said of this id.
fn forgotten_with_status(world: &World, id: &CredentialId) -> bool {
    let ledger = world.ledger();
    let named = ledger
        .and_then(|l| l.intent.as_ref())
        .and_then(|i| i.access_key_id.as_ref());
    let watched = ledger.is_some_and(|l| l.knows(id)) || named.map(CredentialId::from).as_ref() == Some(id);
    world.ghost.status_lost && !watched
}

/// A request to issue arrives at the backend.
pub(super) fn land(
    world: &mut World,
    id: &CredentialId,
    expire_previous: Option<Duration>,
    scenario: &Scenario,
) -> Checked<Vec<CredentialId>> {
    let there = world.keys.contains_key(id);
    ensure(!there, "I1", || format!("{id} is overwritten by a late request"))?;
    if scenario.capabilities.id_choosable && forgotten_with_status(world, id) {
        world.ghost.lost.insert(id.clone());
    }
    let mut ended = Vec::new();
    match scenario.capabilities.overlap {
        Overlap::None => ended.extend(std::mem::take(&mut world.keys).into_keys()),
        Overlap::TwoSecrets { .. } => {
            for key in world.keys.values_mut() {
                key.dies = expire_previous.map(|by| after(NOW, by));
            }
        }
        Overlap::Slots { .. } => {}
    }
    world.keys.insert(
        id.clone(),
        Key {
            ours: true,
            issued: NOW,
            young: scenario.lists_lag(),
            dies: None,
        },
    );
    Ok(ended)
}

/// A driver that reads before it writes catches most of it; two requests at once for one id, it cannot.
pub(super) fn ask_once(world: &mut World, action: &Action) -> Checked {
    if let Action::Issue {
        access_key_id: Some(id),
        ..
    } = action
    {
        let first = world.ghost.asked.insert(id.into());
        return ensure(first, "I1", || {
            format!("{id} is asked for twice: its secret would be overwritten")
        });
    }
    Ok(())
}

/// A clear refusal: the same id may be tried again.
pub(super) fn take_back(world: &mut World, action: &Action, answer: &Answer) {
    if let (
        Action::Issue {
            access_key_id: Some(id),
            ..
        },
        Answer::Denied,
    ) = (action, answer)
    {
        world.ghost.asked.remove(&id.into());
    }
}

/// The request neither arrives nor fails.
pub(super) fn hang(world: &mut World, action: &Action) {
    if let Action::Issue {
        access_key_id: Some(id),
        expire_previous,
    } = action
    {
        let flight = Flight {
            until: after(NOW, ABANDONED_WATCH),
            expire_previous: *expire_previous,
        };
        world.flight.insert(id.into(), flight);
    }
}

fn prove(world: &mut World, id: &CredentialId) -> Answer {
    let locked = world.user != ours(false);
    if locked || !world.keys.contains_key(id) {
        return Answer::Denied;
    }
    world.ghost.proven.insert(id.clone());
    Answer::Done
}

fn write_secret(world: &mut World, run: &Run, to: SecretState) -> Answer {
    if run.secret_moved {
        return Answer::Denied;
    }
    world.secret_moves(false);
    world.secret = to;
    Answer::Done
}

fn publish(world: &mut World, who: Who, run: &Run, new: Published, scenario: &Scenario) -> Checked<Answer> {
    let old = world.published().cloned();
    let id = new.key.clone().expect("a key is published");
    if write_secret(world, run, SecretState::Ours(new.clone())) == Answer::Denied {
        return Ok(Answer::Denied);
    }
    let exempt =
        world.ghost.killed.contains(&id) || (who == Who::Paused && unfenceable(old.as_ref(), scenario));
    let works = world.keys.contains_key(&id);
    ensure(works || exempt || world.user == UserState::Absent, "I1", || {
        format!("{id} is published and dead")
    })?;
    let desired = &run.object.desired;
    let excused = !desired.provable || (desired.locked && scenario.capabilities.lock);
    ensure(excused || world.ghost.proven.contains(&id), "I10", || {
        format!("{id} is published unproven")
    })?;
    let intent = run.object.ledger.intent.as_ref();
    let token = intent
        .filter(|i| i.cause == Cause::Rotate)
        .and_then(|i| i.token.as_ref());
    let again = token.is_some_and(|t| world.ghost.done.contains(t));
    ensure(!again, "I3", || {
        format!("{token:?} is published for a second time")
    })?;
    let grace = intent.map_or(desired.grace, |i| i.grace);
    if !works {
        // Nobody can use it, so no other key's time begins with it.
        world.backup = old;
        return Ok(Answer::Written(new));
    }
    let ghost = &mut world.ghost;
    let end = after(NOW, grace);
    let others = world.keys.iter().filter(|(other, key)| key.ours && **other != id);
    for (other, _) in others.filter(|(other, _)| ghost.published.contains(*other)) {
        // With status lost, the end that the plan reckoned with is all that is left.
        let said = new.retiring.get(other).copied().filter(|_| ghost.status_lost);
        ghost.promised.entry(other.clone()).or_insert(said.unwrap_or(end));
        ghost.due.entry(other.clone()).or_insert(after(end, SECOND));
    }
    ghost.published.insert(id);
    ghost.tampered = false;
    world.backup = old;
    Ok(Answer::Written(new))
}

/// Without a Secret there is nothing to fence, and no application that reads it; without overlap there is consent.
fn unfenceable(old: Option<&Published>, scenario: &Scenario) -> bool {
    old.is_none() || limit(&scenario.capabilities) == 1
}

fn restore(world: &mut World, run: &Run, mut new: Published) -> Checked<Answer> {
    let id = new.key.clone().expect("a key is restored");
    if let Some(old) = world.published().filter(|p| p.key == new.key) {
        new.at = old.at;
    }
    if write_secret(world, run, SecretState::Ours(new.clone())) == Answer::Denied {
        return Ok(Answer::Denied);
    }
    let known = world.ghost.published.contains(&id) || world.ghost.proven.contains(&id);
    ensure(known, "I10", || format!("{id} was never proven, and is restored"))?;
    let works = world.keys.contains_key(&id) || world.ghost.killed.contains(&id);
    ensure(works || world.user == UserState::Absent, "I1", || {
        format!("{id} is restored and dead")
    })?;
    world.ghost.published.insert(id);
    world.ghost.tampered = false;
    Ok(Answer::Written(new))
}

fn revoke(world: &mut World, run: &Run, id: &CredentialId, scenario: &Scenario) -> Checked<Answer> {
    let Some(key) = world.keys.get(id) else {
        return Ok(Answer::Done);
    };
    ensure(key.ours, "I7", || format!("{id} is a stranger's and revoked"))?;
    // A person who restores an older Secret in the very moment cannot be foreseen.
    let published = world.published_key() == Some(id);
    // Nor can a Secret be fenced that is not there: no application is running on it.
    let excused = run.secret_edited || (run.secret == SecretState::Absent && run.secret_moved);
    ensure(!published || excused, "I1", || {
        format!("{id} is published and revoked")
    })?;
    let allowed = (published && excused) || early_end_allowed(world, run, id, scenario);
    if !allowed {
        return violated("I5", format!("{id} is revoked before its time"));
    }
    world.keys.remove(id);
    Ok(Answer::Done)
}

fn early_end_allowed(world: &World, run: &Run, id: &CredentialId, scenario: &Scenario) -> bool {
    if !world.ghost.published.contains(id) {
        return true;
    }
    let over = world.ghost.promised.get(id).is_some_and(|at| *at <= NOW);
    let full = run.live.len() >= limit(&scenario.capabilities);
    let oldest =
        scenario.desired.on_key_limit == OnKeyLimit::RevokeOldest && world.ghost.promised.contains_key(id);
    let sacrifice = !world
        .published_key()
        .is_some_and(|p| world.keys.get(p).is_some_and(|k| k.ours));
    over || (full && (oldest || sacrifice))
}
