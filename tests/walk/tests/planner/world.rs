//! The world that the planner acts on: one object, its Secret, one user on a backend, and up to two operators.
//!
//! Time is relative: the clock stands at [`NOW`], and a tick moves every time in the world into the past. So worlds
//! that differ only in their age are one.

use gracekey::domain::{
    access::{BucketState, Held, Limits, LimitsState},
    capabilities::{Capabilities, Overlap},
    facts::{Deletion, Desired, Published, SecretState, UserState},
    ids::{BucketName, CredentialId, RotateToken},
    ledger::Ledger,
    plan::Action,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A third of the time for which abandoned ids are watched.
pub(super) const TICK: Duration = Duration::from_mins(20);
pub(super) const NOW: Timestamp = Timestamp::constant(10_000_000, 0);
/// Stored times have no fractions: a publication counts from the end of its second.
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// Older than this is as old as this: every span that a rule knows is shorter.
const OLD: Timestamp = Timestamp::constant(10_000_000 - 5 * 1200, 0);

pub(super) fn ticks(n: u32) -> Duration {
    TICK * n
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    /// `None`: gone from the cluster.
    pub object: Option<Object>,
    pub secret: SecretState,
    /// The Secret before the one that is there, kept by somebody.
    pub backup: Option<Published>,
    pub user: UserState,
    pub keys: BTreeMap<CredentialId, Key>,
    /// Limits of the user.
    pub limits: Limits,
    /// What buckets there are.
    pub buckets: BTreeMap<BucketName, Bucket>,
    /// Requests to issue that hang in a gateway.
    pub flight: BTreeMap<CredentialId, Flight>,
    pub lead: Process,
    /// A leader that was paused, and what is left of its reconcile.
    pub paused: Option<Box<Paused>>,
    pub budget: Budget,
    pub ghost: Ghost,
    /// Names the next key.
    pub next: u8,
    /// Of what rules ask how old it is: worlds that differ in other ages are the same.
    pub asked: Asked,
}

/// Of what rules ask how old it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Asked {
    /// Keys: lists lag.
    pub keys: bool,
    /// The latest try of an intent: a retained user waits for its answer.
    pub tries: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Object {
    pub desired: Desired,
    pub finalizer: bool,
    pub ledger: Ledger,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub ours: bool,
    pub issued: Timestamp,
    /// Issued within this tick: a list that lags may not show it yet.
    pub young: bool,
    /// When the backend ends it by itself.
    pub dies: Option<Timestamp>,
}

/// A bucket, and what grant of ours is on it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Bucket {
    /// Its owner lets us grant on it.
    pub open: bool,
    pub held: Held,
}

impl Bucket {
    pub(super) const OPEN: Self = Self {
        open: true,
        held: Held::Nothing,
    };
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Flight {
    pub until: Timestamp,
    pub expire_previous: Option<Duration>,
}

/// One operator: what it remembers between reconciles, and the reconcile it is in.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Process {
    pub halves: BTreeSet<CredentialId>,
    pub proven: BTreeSet<CredentialId>,
    pub fence: Option<u32>,
    pub secret_fence: Option<u32>,
    pub deleted: bool,
    pub run: Option<Box<Run>>,
}

/// A reconcile: what it read, what became of that since, and what is still to be done of its plan.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Run {
    pub object: Object,
    pub user: UserState,
    pub limits: LimitsState,
    pub buckets: BTreeMap<BucketName, BucketState>,
    pub live: BTreeSet<CredentialId>,
    pub secret: SecretState,
    /// The object has another resource version by now.
    pub object_moved: bool,
    /// The Secret has another resource version by now.
    pub secret_moved: bool,
    /// ... because a person wrote it.
    pub secret_edited: bool,
    pub todo: Vec<Action>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Paused {
    pub process: Process,
    pub until: Timestamp,
}

/// How many more of each may happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Budget {
    pub faults: u8,
    pub pauses: u8,
    pub lags: u8,
    pub edits: u8,
}

/// What an observer who sees everything has noted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Ghost {
    /// No key may die before this.
    pub promised: BTreeMap<CredentialId, Timestamp>,
    /// No key may live after this.
    pub due: BTreeMap<CredentialId, Timestamp>,
    /// Ever in a Secret.
    pub published: BTreeSet<CredentialId>,
    /// Ever accepted by the backend in a signed request.
    pub proven: BTreeSet<CredentialId>,
    /// Ids that the backend was asked to issue, without a clear refusal.
    pub asked: BTreeSet<CredentialId>,
    /// Tokens that caused a completed rotation.
    pub done: BTreeSet<RotateToken>,
    /// Keys of ours that nobody can know of: two records were lost at once.
    pub lost: BTreeSet<CredentialId>,
    /// Keys deleted by hand.
    pub killed: BTreeSet<CredentialId>,
    /// Keys put into the Secret by hand.
    pub restored: BTreeSet<CredentialId>,
    /// The object is gone, by this policy.
    pub deleted: Option<Deletion>,
    /// Status was lost, and with it every id that was tried.
    pub status_lost: bool,
    /// The Secret was edited by hand since the operator wrote it.
    pub tampered: bool,
}

impl World {
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        self.object.as_ref().map(|o| &o.ledger)
    }

    pub(super) fn published(&self) -> Option<&Published> {
        self.secret.ours()
    }

    pub(super) fn published_key(&self) -> Option<&CredentialId> {
        self.secret.key()
    }

    pub(super) fn runs(&mut self) -> impl Iterator<Item = &mut Run> {
        let paused = self.paused.as_mut().and_then(|p| p.process.run.as_mut());
        self.lead
            .run
            .as_mut()
            .into_iter()
            .chain(paused)
            .map(|run| &mut **run)
    }

    /// Somebody wrote the object: what others read of it is out of date.
    pub(super) fn object_moves(&mut self) {
        self.runs().for_each(|run| run.object_moved = true);
    }

    /// Somebody wrote the Secret.
    pub(super) fn secret_moves(&mut self, by_hand: bool) {
        for run in self.runs() {
            run.secret_moved = true;
            run.secret_edited |= by_hand;
        }
    }

    /// Lets one tick pass. Keys whose end has come by the backend's own clock are returned, and gone.
    pub(super) fn tick(&mut self) -> Vec<CredentialId> {
        let asked = self.asked;
        if let Some(object) = &mut self.object {
            object.age(asked);
        }
        for secret in [&mut self.secret].into_iter().filter_map(ours) {
            age_secret(secret);
        }
        self.backup.as_mut().into_iter().for_each(age_secret);
        for (id, key) in &mut self.keys {
            // Asked only where the backend ends keys by itself.
            if key.dies.is_some() || !self.ghost.published.contains(id) {
                age(&mut key.issued);
            }
            key.dies.as_mut().into_iter().for_each(age);
            key.young = false;
        }
        self.flight.values_mut().for_each(|f| age(&mut f.until));
        self.flight.retain(|_, f| f.until > NOW);
        if let Some(paused) = &mut self.paused {
            age(&mut paused.until);
        }
        self.paused = self.paused.take().filter(|p| p.until > NOW);
        self.runs().for_each(|run| run.age(asked));
        self.ghost.promised.values_mut().for_each(age);
        self.ghost.due.values_mut().for_each(age);
        let ended = self
            .keys
            .iter()
            .filter(|(_, k)| k.dies.is_some_and(|at| at <= NOW));
        let ended: Vec<_> = ended.map(|(id, _)| id.clone()).collect();
        self.keys.retain(|id, _| !ended.contains(id));
        ended
    }

    /// Drops notes on keys that are nowhere any more.
    pub(super) fn tidy(&mut self) {
        // What is under way may still speak of keys that are gone.
        if self.lead.run.is_some() || self.paused.is_some() {
            return;
        }
        let mut here: BTreeSet<_> = self.keys.keys().chain(self.flight.keys()).cloned().collect();
        here.extend(self.published_key().cloned());
        here.extend(self.backup.as_ref().and_then(|b| b.key.clone()));
        let ghost = &mut self.ghost;
        ghost.promised.retain(|id, _| here.contains(id));
        ghost.due.retain(|id, _| here.contains(id));
        for notes in [
            &mut ghost.published,
            &mut ghost.proven,
            &mut ghost.lost,
            &mut ghost.killed,
            &mut ghost.restored,
        ] {
            notes.retain(|id| here.contains(id));
        }
        // When a key was published is asked until it is adopted.
        let adopted = self.object.as_ref().and_then(|o| o.ledger.current().cloned());
        if let SecretState::Ours(published) = &mut self.secret
            && adopted.is_some()
            && published.key == adopted
        {
            published.at = Some(OLD);
        }
        self.lead.proven.retain(|id| self.keys.contains_key(id));
        self.lead.halves.retain(|id| self.keys.contains_key(id));
    }
}

impl Run {
    fn age(&mut self, asked: Asked) {
        self.object.age(asked);
        ours(&mut self.secret).into_iter().for_each(age_secret);
        for action in &mut self.todo {
            age_action(action, asked);
        }
    }
}

impl Object {
    fn age(&mut self, asked: Asked) {
        age_ledger(&mut self.ledger, asked);
    }
}

fn ours(secret: &mut SecretState) -> Option<&mut Published> {
    match secret {
        SecretState::Ours(published) => Some(published),
        SecretState::Absent | SecretState::Foreign => None,
    }
}

fn age(at: &mut Timestamp) {
    *at = (*at - SignedDuration::try_from(TICK).unwrap()).max(OLD);
}

fn age_secret(secret: &mut Published) {
    secret.at.as_mut().into_iter().for_each(age);
    secret.retiring.values_mut().for_each(age);
}

fn age_ledger(ledger: &mut Ledger, asked: Asked) {
    // Of its start it is asked whether a publication came before it, and whether it was just now.
    if let Some(intent) = &mut ledger.intent {
        intent.start = OLD;
        age(&mut intent.attempt_time);
        if !asked.tries {
            intent.attempt_time = OLD;
        }
    }
    let scheduled = ledger.next_rotation.is_some();
    for key in ledger.credentials.values_mut() {
        key.revoke_time.as_mut().into_iter().for_each(age);
        // Without a schedule nobody asks how old a key is.
        if scheduled {
            age(&mut key.issue_time);
        }
        if asked.keys {
            key.issue_time = OLD;
            key.verified_time = key.verified_time.and(Some(OLD));
        }
    }
    ledger.abandoned.values_mut().for_each(age);
    ledger.withdrawn.values_mut().for_each(age);
    if scheduled {
        ledger.last_rotation.as_mut().into_iter().for_each(age);
        ledger.next_rotation.as_mut().into_iter().for_each(age);
    }
}

fn age_action(action: &mut Action, asked: Asked) {
    if let Action::WriteLedger(ledger, _) = action {
        age_ledger(ledger, asked);
    }
    if let Action::Publish { mirror, .. } | Action::RestoreSecret { mirror, .. } = action {
        mirror.retiring.values_mut().for_each(age);
    }
}

/// The most keys that the backend holds for one user.
pub(super) fn limit(capabilities: &Capabilities) -> usize {
    match capabilities.overlap {
        Overlap::Slots { max: Some(max) } => max.into(),
        Overlap::Slots { max: None } => usize::MAX,
        Overlap::TwoSecrets { .. } => 2,
        Overlap::None => 1,
    }
}
