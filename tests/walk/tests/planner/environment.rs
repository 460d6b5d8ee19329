//! What can happen next: to the operators, to time, and by the hands of people.

use super::{
    access, execute,
    process::{self, Fate, Sight, Who},
    scenario::{Edits, Planner, Scenario},
    violation::{Checked, ensure},
    world::{Budget, Key, NOW, Paused, Process, World, ticks},
};
use gracekey::domain::{
    capabilities::Overlap,
    facts::{Deletion, Published, RotateRequest, SecretState, UserState},
    ids::{CredentialId, RotateToken},
    ledger::{ABANDONED_WATCH, Ledger, after},
    plan::Action,
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Read(Sight),
    Act(Who, Fate),
    Crash,
    /// The leader is paused past its lease, and another takes over.
    Pause,
    Tick,
    Lands(CredentialId),
    Edit(Edit),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edit {
    Token(Option<&'static str>),
    DeleteSecret,
    DamageSecret,
    SpoilSecret,
    RestoreOlderSecret,
    AddForeignKey,
    RemoveForeignKey,
    DeletePublishedKey,
    DeleteUser,
    LoseStatus,
    Lock(bool),
    Delete(Deletion),
    ShorterGrace,
    Consent(bool),
    Close(bool),
    Access(access::Edit),
}

/// Everything that can happen in this world.
pub(super) fn steps(world: &World, scenario: &Scenario) -> Vec<Step> {
    let mut steps = Vec::new();
    let Budget {
        faults,
        pauses,
        lags,
        edits,
    } = world.budget;
    match (&world.lead.run, &world.object) {
        (Some(run), _) => {
            steps.push(Step::Act(Who::Lead, Fate::Done));
            if faults > 0 {
                steps.extend(fates(&run.todo[0]).iter().map(|fate| Step::Act(Who::Lead, *fate)));
            }
            if pauses > 0 && world.paused.is_none() {
                steps.push(Step::Pause);
            }
        }
        (None, Some(_)) => {
            steps.push(Step::Read(Sight::Clear));
            if lags > 0 && !scenario.desired.grants.is_empty() {
                steps.push(Step::Read(Sight::NoBuckets));
            }
            if lags > 0 && world.keys.values().any(|key| key.young) {
                steps.push(Step::Read(Sight::ShortList));
                // A user that was made long ago is seen by all.
                if world.keys.values().all(|key| key.young) {
                    steps.push(Step::Read(Sight::NoUser));
                }
            }
        }
        (None, None) => {}
    }
    if faults > 0 && world.lead != Process::default() {
        steps.push(Step::Crash);
    }
    if world.paused.is_some() {
        steps.push(Step::Act(Who::Paused, Fate::Done));
    }
    if may_tick(world, scenario) {
        steps.push(Step::Tick);
    }
    steps.extend(world.flight.keys().cloned().map(Step::Lands));
    if edits > 0 && world.object.as_ref().is_some_and(|o| !o.desired.deleting) {
        let kinds = scenario.edits.iter();
        steps.extend(
            kinds
                .flat_map(|kind| edits_of(world, *kind, scenario))
                .map(Step::Edit),
        );
    }
    steps
}

fn fates(action: &Action) -> &'static [Fate] {
    // A proof that is refused for a while, and one without an answer, are one to the planner.
    if matches!(action, Action::Prove(_)) {
        return &[Fate::Refused];
    }
    let Action::Issue { access_key_id, .. } = action else {
        return &[Fate::AnswerLost, Fate::RequestLost];
    };
    match access_key_id {
        Some(_) => &[Fate::AnswerLost, Fate::RequestLost, Fate::Refused, Fate::Hangs],
        None => &[Fate::AnswerLost, Fate::RequestLost, Fate::Refused],
    }
}

/// A backstop bounds how long an issued key may stay unpublished; nothing can be promised beyond it.
fn may_tick(world: &World, scenario: &Scenario) -> bool {
    // An operator that is suspended in the middle of a reconcile is a fault.
    if world.lead.run.is_some() && world.budget.faults == 0 {
        return false;
    }
    // A schedule goes on for ever; the walk does not.
    if scenario.desired.interval.is_some() && world.next > 4 {
        return false;
    }
    let Overlap::TwoSecrets { backstop_margin } = scenario.capabilities.overlap else {
        return true;
    };
    let waits_too_long = |(id, key): (&CredentialId, &Key)| {
        !world.ghost.published.contains(id) && after(key.issued, backstop_margin) <= NOW
    };
    !world.keys.iter().any(waits_too_long)
}

fn edits_of(world: &World, kind: Edits, scenario: &Scenario) -> Vec<Edit> {
    let Some(object) = &world.object else {
        return Vec::new();
    };
    let token = object.desired.rotate.as_ref().map(|r| r.token.as_str());
    let when = |holds: bool, edit: Edit| holds.then_some(edit);
    let has_secret = world.published().is_some();
    let has_key = world.published_key().is_some();
    let edits = match kind {
        Edits::Rotate => vec![
            when(token.is_some(), Edit::Token(None)),
            when(token != Some("t1"), Edit::Token(Some("t1"))),
            when(token != Some("t2"), Edit::Token(Some("t2"))),
        ],
        Edits::Secret => vec![
            when(has_secret, Edit::DeleteSecret),
            when(has_key, Edit::DamageSecret),
            when(has_key, Edit::SpoilSecret),
            when(world.backup.is_some(), Edit::RestoreOlderSecret),
        ],
        Edits::Backend => vec![
            when(may_add_foreign(world, scenario), Edit::AddForeignKey),
            when(world.keys.values().any(|k| !k.ours), Edit::RemoveForeignKey),
            when(
                has_key && world.keys.contains_key(world.published_key().unwrap()),
                Edit::DeletePublishedKey,
            ),
            when(world.user != UserState::Absent, Edit::DeleteUser),
        ],
        Edits::Status => vec![when(object.ledger != Ledger::default(), Edit::LoseStatus)],
        Edits::Lock => vec![Some(Edit::Lock(!object.desired.locked))],
        Edits::Delete => vec![
            Some(Edit::Delete(Deletion::Delete)),
            Some(Edit::Delete(Deletion::Retain)),
        ],
        Edits::Grace => vec![when(object.desired.grace > ticks(0), Edit::ShorterGrace)],
        Edits::Close => vec![Some(Edit::Close(!object.desired.closed))],
        Edits::Access => access::edits_of_spec(object),
        Edits::Buckets => access::edits_of_buckets(world),
        Edits::Quota => access::edits_of_quota(object),
        Edits::Consent => vec![Some(Edit::Consent(!object.desired.allow_interruption))],
    };
    edits.into_iter().flatten().collect()
}

/// Where ids cannot be chosen, a key made by hand while an intent is open cannot be told from a lost one.
fn may_add_foreign(world: &World, scenario: &Scenario) -> bool {
    let quiet = world.lead.run.is_none() && world.paused.is_none();
    let open = world.ledger().is_none_or(|l| l.intent.is_some());
    let room = world.keys.len() < execute_limit(scenario) && world.keys.values().all(|k| k.ours);
    let told_apart = scenario.capabilities.id_choosable || (quiet && !open);
    room && told_apart && matches!(world.user, UserState::Ours { .. }) && !world.keys.is_empty()
}

fn execute_limit(scenario: &Scenario) -> usize {
    super::world::limit(&scenario.capabilities)
}

/// The world after this step.
pub(super) fn apply(world: &World, step: &Step, scenario: &Scenario, planner: &Planner) -> Checked<World> {
    let mut world = world.clone();
    match step {
        Step::Read(sight) => {
            world.budget.lags -= u8::from(*sight != Sight::Clear);
            drop(process::read(&mut world, scenario, planner, *sight)?);
        }
        Step::Act(who, fate) => {
            world.budget.faults -= u8::from(*fate != Fate::Done);
            process::act(&mut world, *who, *fate, scenario, planner)?;
            world.paused = world.paused.take().filter(|p| p.process.run.is_some());
        }
        Step::Crash => {
            world.budget.faults -= 1;
            world.lead = Process::default();
        }
        Step::Pause => {
            world.budget.pauses -= 1;
            let process = std::mem::take(&mut world.lead);
            world.paused = Some(Box::new(Paused {
                process,
                until: after(NOW, ABANDONED_WATCH),
            }));
        }
        Step::Tick => {
            world.budget.faults -= u8::from(world.lead.run.is_some());
            // Assumed of the shell: what was read this long ago is not acted on any more.
            world.lead.run = None;
            tick(&mut world)?;
        }
        Step::Lands(id) => {
            if let Some(flight) = world.flight.remove(id)
                && (world.user != UserState::Absent || scenario.capabilities.user_comes_with_key)
                && (world.keys.len() < execute_limit(scenario)
                    || scenario.capabilities.overlap == Overlap::None)
            {
                if world.user == UserState::Absent {
                    world.user = process::ours(false);
                }
                execute::land(&mut world, id, flight.expire_previous, scenario)?;
            }
        }
        Step::Edit(edit) => {
            world.budget.edits -= 1;
            apply_edit(&mut world, *edit);
        }
    }
    world.tidy();
    access::all_is_on_record(&world)?;
    Ok(world)
}

/// Lets time pass; what ends by the backend's own clock must be over by ours.
pub(super) fn tick(world: &mut World) -> Checked {
    for id in world.tick() {
        let restored = world.ghost.restored.contains(&id);
        let published = world.published_key() == Some(&id);
        ensure(!published || restored, "I1", || {
            format!("{id} is published and expires")
        })?;
        let kept = world.ghost.promised.get(&id).is_none_or(|at| *at <= NOW);
        ensure(kept || restored, "I5", || format!("{id} expires before its time"))?;
    }
    Ok(())
}

fn apply_edit(world: &mut World, edit: Edit) {
    match edit {
        Edit::Token(token) => change_spec(world, |desired| {
            desired.rotate = token.map(|t| RotateRequest {
                token: RotateToken::new(t),
                grace: None,
            });
        }),
        Edit::Lock(locked) => change_spec(world, |desired| desired.locked = locked),
        Edit::ShorterGrace => change_spec(world, |desired| desired.grace = ticks(0)),
        Edit::Close(closed) => change_spec(world, |desired| desired.closed = closed),
        Edit::Consent(given) => change_spec(world, |desired| desired.allow_interruption = given),
        // Nothing holds it: it is gone at once.
        Edit::Delete(_) if world.object.as_ref().is_some_and(|object| !object.finalizer) => {
            world.object_moves();
            world.object = None;
        }
        Edit::Delete(deletion) => change_spec(world, |desired| {
            (desired.deleting, desired.deletion) = (true, deletion);
        }),
        Edit::DeleteSecret => edit_secret(world, SecretState::Absent),
        Edit::DamageSecret => {
            let damaged = Published {
                key: None,
                intact: false,
                ..world.published().unwrap().clone()
            };
            edit_secret(world, SecretState::Ours(damaged));
        }
        Edit::SpoilSecret => {
            let spoilt = Published {
                intact: false,
                ..world.published().unwrap().clone()
            };
            edit_secret(world, SecretState::Ours(spoilt));
        }
        Edit::RestoreOlderSecret => restore_older(world),
        Edit::AddForeignKey => {
            let key = Key {
                ours: false,
                issued: NOW,
                young: false,
                dies: None,
            };
            world.keys.insert(CredentialId::new("foreign"), key);
        }
        Edit::RemoveForeignKey => world.keys.retain(|_, key| key.ours),
        Edit::DeletePublishedKey => {
            let id = world.published_key().unwrap().clone();
            world.keys.remove(&id);
            // Gone before it was adopted: the key before it is the one in use again.
            if world.ledger().is_some_and(|l| !l.credentials.contains_key(&id)) {
                world.ghost.due.clear();
            }
            world.ghost.killed.insert(id);
        }
        Edit::DeleteUser => {
            world
                .ghost
                .killed
                .extend(std::mem::take(&mut world.keys).into_keys());
            world.limits.clear();
            world.user = UserState::Absent;
        }
        Edit::LoseStatus => lose_status(world),
        Edit::Access(edit) => access::apply(world, edit),
    }
}

pub(super) fn change_spec(world: &mut World, change: impl FnOnce(&mut gracekey::domain::facts::Desired)) {
    world.object_moves();
    change(&mut world.object.as_mut().expect("only while it is there").desired);
}

fn edit_secret(world: &mut World, to: SecretState) {
    // Gone before it was adopted: nobody has it on record as one that applications use.
    let stays = matches!(&to, SecretState::Ours(p) if p.key.as_ref() == world.published_key());
    if let Some(id) = world.published_key().cloned()
        && !stays
        && world.ledger().is_some_and(|l| !l.credentials.contains_key(&id))
    {
        world.ghost.published.remove(&id);
        world.ghost.due.clear();
    }
    world.secret_moves(true);
    world.secret = to;
    world.ghost.tampered = true;
    if world.ledger().is_some_and(Ledger::is_blank) {
        only_the_secret_remembers(world);
    }
}

/// Applications use the restored key from now on; whether others keep theirs is counted from here.
fn restore_older(world: &mut World) {
    let Some(older) = world.backup.take() else { return };
    world.backup = world.published().cloned();
    let restored = older.key.clone();
    edit_secret(world, SecretState::Ours(older));
    let grace = world.object.as_ref().map(|o| o.desired.grace).unwrap_or_default();
    let ghost = &mut world.ghost;
    for (id, _) in world
        .keys
        .iter()
        .filter(|(id, k)| k.ours && ghost.published.contains(*id))
    {
        ghost.promised.entry(id.clone()).or_insert(after(NOW, grace));
    }
    if let Some(id) = restored {
        ghost.promised.remove(&id);
        ghost.due.remove(&id);
        ghost.published.insert(id.clone());
        ghost.restored.insert(id);
    }
}

fn lose_status(world: &mut World) {
    world.object_moves();
    world.object.as_mut().expect("only while it is there").ledger = Ledger::default();
    world.ghost.status_lost = true;
    let retiring = world.published().map(|p| p.retiring.clone()).unwrap_or_default();
    for (id, at) in &retiring {
        if let Some(promised) = world.ghost.promised.get_mut(id) {
            *promised = (*promised).min(*at);
        }
    }
    only_the_secret_remembers(world);
}

/// With status gone, only what the Secret says is known, and what was edited by hand says what it likes.
fn only_the_secret_remembers(world: &mut World) {
    let secret = world.published().cloned().unwrap_or_default();
    let known = |id: &CredentialId| secret.key.as_ref() == Some(id) || secret.retiring.contains_key(id);
    let ours = world.keys.iter().filter(|(_, key)| key.ours).map(|(id, _)| id);
    let lost: Vec<_> = ours
        .chain(world.flight.keys())
        .filter(|id| !known(id))
        .cloned()
        .collect();
    world.ghost.lost.extend(lost);
    if world.ghost.tampered || world.published().is_none() {
        world.ghost.done.retain(|token| secret.handled.contains(token));
    }
}
