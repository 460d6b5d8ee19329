//! What the store holds: users, secrets, tokens, buckets, and how late S3 sees them.

use super::options::{Case, Options, Scope, Slots};
use super::{Fault, wire::sha256};
use crate::s3::{Buckets, Known};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, SystemTime};

/// Namespace and uid.
pub(super) type Name = (String, String);

pub(super) struct Key {
    pub(super) secret: String,
    pub(super) made: SystemTime,
    pub(super) expires: Option<SystemTime>,
    /// 0 or 1.
    slot: usize,
    seen_from: SystemTime,
}

pub(super) struct User {
    pub(super) created: SystemTime,
    pub(super) locked: bool,
    lock_was: bool,
    lock_seen_from: SystemTime,
    pub(super) tags: Vec<(String, String)>,
    pub(super) keys: Vec<Key>,
}

/// A secret that is gone from the admin side and still in the caches of nodes.
struct Ghost {
    owner: Name,
    secret: String,
    until: SystemTime,
}

pub(super) struct Token {
    pub(super) user: String,
    pub(super) made: SystemTime,
    pub(super) used: SystemTime,
    pub(super) dead: bool,
    pub(super) redirected: bool,
}

pub(super) struct State {
    pub(super) users: BTreeMap<Name, User>,
    ghosts: Vec<Ghost>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) buckets: Buckets,
    /// Everyone who ever was: buckets outlive their owners.
    pub(super) owners: BTreeSet<Name>,
    pub(super) faults: VecDeque<(Fault, String)>,
    /// Lag of the change at hand, instead of that of the options.
    pub(super) late: Option<Duration>,
    pub(super) logins: usize,
    pub(super) requests: usize,
    drawn: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            users: BTreeMap::new(),
            ghosts: Vec::new(),
            tokens: BTreeMap::new(),
            buckets: Buckets::default(),
            owners: BTreeSet::new(),
            faults: VecDeque::new(),
            late: None,
            logins: 0,
            requests: 0,
            drawn: 0,
        }
    }

    /// 40 characters, as in the samples of the API reference.
    pub(super) fn draw(&mut self) -> String {
        self.drawn += 1;
        let bytes = Sha256::digest(format!("simulated secret {}", self.drawn));
        let mut text = base64::engine::general_purpose::STANDARD.encode(bytes);
        text.truncate(40);
        text
    }

    /// The user of this uid. Without a namespace it is looked for in all, which only the scope GLOBAL allows.
    pub(super) fn find(&self, options: &Options, namespace: Option<&str>, uid: &str) -> Option<Name> {
        let uid = cased(options, uid);
        let is_it = |(there, name): &&Name| *name == uid && namespace.is_none_or(|wanted| wanted == there);
        self.users.keys().find(is_it).cloned()
    }

    pub(super) fn is_taken(&self, options: &Options, name: &Name) -> bool {
        match options.scope {
            Scope::Global => self.users.keys().any(|(_, uid)| *uid == name.1),
            Scope::Namespace => self.users.contains_key(name),
        }
    }

    pub(super) fn add_user(&mut self, name: Name, tags: Vec<(String, String)>, now: SystemTime) {
        let user = User {
            created: now,
            locked: false,
            lock_was: false,
            lock_seen_from: now,
            tags,
            keys: Vec::new(),
        };
        self.owners.insert(name.clone());
        self.users.insert(name, user);
    }

    pub(super) fn remove_user(&mut self, options: &Options, name: &Name, now: SystemTime) {
        self.remove_keys(options, name, now, |_| true);
        self.users.remove(name);
    }

    /// Adds a secret; the caller has made sure that there is room.
    pub(super) fn add_key(&mut self, options: &Options, name: &Name, secret: String, now: SystemTime) {
        let lag = self.late.unwrap_or(options.new_key_lag);
        let Some(user) = self.users.get_mut(name) else {
            return;
        };
        let slot = usize::from(user.keys.iter().any(|key| key.slot == 0));
        user.keys.push(Key {
            secret,
            made: now,
            expires: None,
            slot,
            seen_from: now + lag,
        });
    }

    /// Takes secrets away; nodes know them for a while yet.
    pub(super) fn remove_keys(
        &mut self,
        options: &Options,
        name: &Name,
        now: SystemTime,
        is_to_go: impl Fn(&Key) -> bool,
    ) -> usize {
        let lag = self.late.unwrap_or(options.old_key_lag);
        let Some(user) = self.users.get_mut(name) else {
            return 0;
        };
        let before = user.keys.len();
        for key in user.keys.extract_if(.., |key| is_to_go(key)) {
            let end = key.expires.map_or(now, |expires| expires.min(now));
            self.ghosts.push(Ghost {
                owner: name.clone(),
                secret: key.secret,
                until: end + lag,
            });
        }
        before - user.keys.len()
    }

    /// Blanks the slots of secrets that have expired: no sooner than a call looks at them.
    pub(super) fn blank_expired(&mut self, options: &Options, name: &Name, now: SystemTime) {
        if options.blanks_expired {
            self.remove_keys(options, name, now, |key| key.is_expired(now));
        }
    }

    pub(super) fn lock(&mut self, options: &Options, name: &Name, locked: bool, now: SystemTime) {
        let usual = if locked {
            options.old_key_lag
        } else {
            options.new_key_lag
        };
        let lag = self.late.unwrap_or(usual);
        if let Some(user) = self.users.get_mut(name) {
            user.lock_was = user.is_locked_on_s3(now);
            user.locked = locked;
            user.lock_seen_from = now + lag;
        }
    }

    /// What S3 knows of an access key, which is a uid, at this moment.
    pub(super) fn on_s3(
        &self,
        options: &Options,
        namespace: Option<&str>,
        id: &str,
        now: SystemTime,
    ) -> Known {
        let ghosts = self.ghosts.iter().filter(|ghost| ghost.until > now);
        let ghosts: Vec<&Ghost> = ghosts.filter(|ghost| ghost.owner.1 == id).collect();
        let mut named = self.users.keys().chain(ghosts.iter().map(|ghost| &ghost.owner));
        let is_it = |name: &&Name| name.1 == id && namespace.is_none_or(|wanted| wanted == name.0);
        let Some(name) = named.find(is_it) else {
            return Known::Unknown;
        };
        let user = self.users.get(name);
        let keys = user.map(|user| user.keys.as_slice()).unwrap_or_default();
        let live = keys.iter().filter(|key| key.works(options, now));
        let mut secrets: Vec<String> = live.map(|key| key.secret.clone()).collect();
        let kept = ghosts.iter().filter(|ghost| ghost.owner == *name);
        secrets.extend(kept.map(|ghost| ghost.secret.clone()));
        if secrets.is_empty() {
            return Known::Unknown;
        }
        Known::Key {
            user: owner(options, name),
            secrets,
            locked: user.is_some_and(|user| user.is_locked_on_s3(now)),
        }
    }

    /// Whether the text has a secret of a user or a token in it.
    pub(super) fn has_secret(&self, text: &str) -> bool {
        let mut secrets = self
            .users
            .values()
            .flat_map(|user| &user.keys)
            .map(|key| &key.secret);
        let mut gone = self.ghosts.iter().map(|ghost| &ghost.secret);
        secrets.any(|secret| text.contains(secret.as_str()))
            || gone.any(|secret| text.contains(secret.as_str()))
            || self.tokens.keys().any(|token| text.contains(token.as_str()))
    }
}

impl User {
    fn is_locked_on_s3(&self, now: SystemTime) -> bool {
        if now < self.lock_seen_from {
            self.lock_was
        } else {
            self.locked
        }
    }

    /// The first and the second slot of the answer.
    pub(super) fn slots(&self, slots: Slots) -> [Option<&Key>; 2] {
        let at = |slot| self.keys.iter().find(|key| key.slot == slot);
        match slots {
            Slots::FirstFree => [at(0), at(1)],
            Slots::NewestFirst => {
                let mut keys = self.keys.iter().rev();
                [keys.next(), keys.next()]
            }
            Slots::OldestFirst => [self.keys.first(), self.keys.get(1)],
        }
    }
}

impl Key {
    pub(super) fn id(&self) -> String {
        sha256(&self.secret)
    }

    pub(super) fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn works(&self, options: &Options, now: SystemTime) -> bool {
        let is_over = self
            .expires
            .is_some_and(|expires| expires + options.old_key_lag <= now);
        self.seen_from <= now && !is_over
    }
}

/// How buckets name their owner.
pub(super) fn owner(options: &Options, name: &Name) -> String {
    match options.scope {
        Scope::Global => name.1.clone(),
        // Two namespaces may have the same uid.
        Scope::Namespace => format!("{}/{}", name.0, name.1),
    }
}

pub(super) fn cased(options: &Options, uid: &str) -> String {
    match options.case {
        Case::Lowered => uid.to_lowercase(),
        Case::Kept => uid.to_owned(),
    }
}
