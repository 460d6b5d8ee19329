//! What the cluster holds: users with their pairs, groups, policies, and what a test asked for.

use super::access::is_locked;
use super::options::{Dates, Login, Options};
use super::time::date;
use crate::{clock::Clock, s3::Buckets, signature::hex};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// Something that goes wrong once, at the next request that it fits. What a proxy can do to a request is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write is carried out and answered with 500 and code 92406097.
    ErrorAfterWrite,
    /// A create (92405791) or a regenerate (92405792) makes no keys and changes nothing.
    KeysNotMade,
    /// A regenerate that also asks for another change replaces the keys only (92406081). It waits for such a request.
    PartialRegenerate {
        /// Whether the new keys come with the error; no document says so.
        with_keys: bool,
    },
    /// The next pair that is made takes this long to work on the S3 side.
    LateOnS3(Duration),
}

/// A key pair.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) access_key: String,
    pub(super) secret_key: String,
    /// The life as it was asked for.
    pub(super) ttl: Option<String>,
    pub(super) expires: Option<SystemTime>,
    pub(super) usable_from: SystemTime,
}

#[derive(Clone, Default)]
pub(super) struct User {
    pub(super) comment: Option<String>,
    /// Key 1 and key 2.
    pub(super) pairs: [Option<Pair>; 2],
}

impl User {
    pub(super) fn is_keyless(&self) -> bool {
        self.pairs.iter().all(Option::is_none)
    }
}

#[derive(Clone, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    pub(super) users: Vec<String>,
    pub(super) policies: Vec<String>,
}

#[derive(Clone, Default)]
pub(super) struct Policy {
    pub(super) comment: Option<String>,
    pub(super) is_read_only: bool,
    pub(super) statements: Vec<Statement>,
}

#[derive(Clone, Default)]
pub(super) struct Statement {
    pub(super) denies: bool,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) sid: Option<String>,
}

/// A pair that is gone from the admin side.
pub(super) struct Buried {
    pub(super) user: String,
    pub(super) pair: Pair,
    pub(super) until: SystemTime,
}

/// Requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To the admin API, all of them.
    pub requests: u64,
    /// Of these, refused for their credentials.
    pub refused_logins: u64,
    /// Of these, writes that were let in, whether they changed something or not.
    pub writes: u64,
    /// To the S3 side.
    pub s3_requests: u64,
}

pub(super) struct State {
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) admin: Login,
    pub(super) reader: Login,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<u64, Group>,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) buckets: Buckets,
    pub(super) buried: Vec<Buried>,
    pub(super) faults: Vec<Fault>,
    pub(super) counts: Counts,
    /// The pages that were offered as next.
    pub(super) offered: BTreeSet<String>,
    /// Whether anybody looked if there are two keys.
    pub(super) is_probed: bool,
    /// Access keys that were removed or replaced.
    pub(super) spent: BTreeSet<String>,
    /// All users ever, for buckets outlive their owners.
    pub(super) ever: BTreeSet<String>,
    next_group: u64,
    seed: String,
    serial: u64,
}

impl State {
    pub(super) fn new(options: Options, clock: Clock, seed: String) -> Self {
        let login = |user: &str| Login {
            user: user.to_owned(),
            password: hex(&Sha256::digest(format!("{seed} {user}")))[..24].to_owned(),
        };
        let mut state = Self {
            admin: login("gracekey"),
            reader: login("reader"),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            policies: built_in(),
            buckets: Buckets::default(),
            buried: Vec::new(),
            faults: Vec::new(),
            counts: Counts::default(),
            offered: BTreeSet::new(),
            is_probed: false,
            spent: BTreeSet::new(),
            ever: BTreeSet::new(),
            next_group: 1,
            serial: 0,
            options,
            clock,
            seed,
        };
        if state.options.has_root {
            state.users.insert("root".to_owned(), User::default());
            state.ever.insert("root".to_owned());
        }
        state
    }

    /// Takes the first fault of this kind.
    pub(super) fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let index = self.faults.iter().position(fits)?;
        Some(self.faults.remove(index))
    }

    /// Makes a pair: with these keys, or with generated ones; its life starts now.
    pub(super) fn pair(&mut self, chosen: Option<(String, String)>, ttl: Option<(String, Duration)>) -> Pair {
        let (access_key, secret_key) = chosen.unwrap_or_else(|| {
            let long = self.options.long_access_keys.unwrap_or(!self.options.has_ttl());
            (self.generate(if long { 97 } else { 20 }), self.generate(40))
        });
        let now = self.clock.now();
        let delay = match self.take(|fault| matches!(fault, Fault::LateOnS3(_))) {
            Some(Fault::LateOnS3(delay)) => delay,
            _ => self.options.visible_after,
        };
        let life = ttl.as_ref().map(|(_, life)| *life).filter(|life| !life.is_zero());
        Pair {
            access_key,
            secret_key,
            ttl: ttl.map(|(text, _)| text),
            expires: life.map(|life| now + life),
            usable_from: now + delay,
        }
    }

    /// Letters of both cases, digits and underscores, as in the reference's own samples.
    fn generate(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_A";
        // So that nobody can take a generated key for one that may be chosen.
        let mut text = String::from("a_");
        while text.len() < length {
            self.serial += 1;
            let bytes = Sha256::digest(format!("{} {}", self.seed, self.serial));
            text.extend(
                bytes
                    .iter()
                    .map(|byte| char::from(ALPHABET[usize::from(byte % 64)])),
            );
        }
        text.truncate(length);
        text
    }

    /// Puts a pair in a slot, or nothing. The one that was there is dead at once, or as soon as the S3 side hears of it.
    pub(super) fn put(&mut self, name: &str, slot: usize, pair: Option<Pair>) {
        let until = self.clock.now() + self.options.dead_after;
        let Some(user) = self.users.get_mut(name) else {
            return;
        };
        let old = std::mem::replace(&mut user.pairs[slot], pair);
        self.spent.extend(old.iter().map(|pair| pair.access_key.clone()));
        self.buried.extend(old.map(|pair| Buried {
            user: name.to_owned(),
            pair,
            until,
        }));
    }

    pub(super) fn remove_user(&mut self, name: &str) {
        for slot in 0..2 {
            self.put(name, slot, None);
        }
        self.users.remove(name);
        for group in self.groups.values_mut() {
            group.users.retain(|member| member != name);
        }
    }

    pub(super) fn add_group(&mut self, group: Group) -> u64 {
        let id = self.next_group;
        self.next_group += 1;
        self.groups.insert(id, group);
        id
    }

    /// Names of the groups that a user is in.
    pub(super) fn groups_of(&self, user: &str) -> Vec<&Group> {
        let is_in = |group: &&Group| group.users.iter().any(|member| member == user);
        self.groups.values().filter(is_in).collect()
    }

    /// Whose an access key is on the admin side, and which of its pairs.
    pub(super) fn holder(&self, access_key: &str) -> Option<(&str, usize)> {
        self.users.iter().find_map(|(name, user)| {
            let is_it = |pair: &Option<Pair>| pair.as_ref().is_some_and(|pair| pair.access_key == access_key);
            Some((name.as_str(), user.pairs.iter().position(is_it)?))
        })
    }

    /// Whether a secret half, or a password, is in a text.
    pub(super) fn is_secret_in(&self, text: &str) -> bool {
        let pairs = self.users.values().flat_map(|user| user.pairs.iter().flatten());
        let secrets = pairs
            .map(|pair| &pair.secret_key)
            .filter(|secret| secret.len() >= 8);
        secrets
            .chain([&self.admin.password, &self.reader.password])
            .any(|secret| text.contains(secret.as_str()))
    }

    /// Everything about a user, without secrets: of those, a fingerprint.
    pub(super) fn snapshot(&self, name: &str) -> String {
        let Some(user) = self.users.get(name) else {
            return format!("user {name}: absent\nbuckets {:?}\n", self.buckets.of(name));
        };
        let mut lines = vec![format!("user {name}: comment {:?}", user.comment)];
        for (index, pair) in user.pairs.iter().enumerate() {
            let Some(pair) = pair else { continue };
            let secret = &hex(&Sha256::digest(&pair.secret_key))[..12];
            let expires = pair.expires.map(|at| date(at, Dates::Zulu));
            let (access, ttl) = (&pair.access_key, &pair.ttl);
            lines.push(format!(
                "key {}: {access} secret #{secret} life {ttl:?} expires {expires:?}",
                index + 1
            ));
        }
        for group in self.groups_of(name) {
            lines.push(format!("group {}: policies {:?}", group.name, group.policies));
        }
        lines.push(format!("locked {}", is_locked(self, name)));
        lines.push(format!("buckets {:?}\n", self.buckets.of(name)));
        lines.join("\n")
    }
}

/// The read-only policies of every storage VM (user guide, "Create or modify an ONTAP S3 object store server policy").
fn built_in() -> BTreeMap<String, Policy> {
    let policy = |denies, actions: &[&str]| Policy {
        comment: None,
        is_read_only: true,
        statements: vec![Statement {
            denies,
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            resources: vec!["*".to_owned()],
            sid: None,
        }],
    };
    let reads = ["GetObject", "ListBucket", "ListMyBuckets", "GetObjectTagging"];
    BTreeMap::from([
        ("FullAccess".to_owned(), policy(false, &["*"])),
        ("NoS3Access".to_owned(), policy(true, &["*"])),
        ("ReadOnlyAccess".to_owned(), policy(false, &reads)),
    ])
}

/// A list of records `{"name": ...}`.
pub(super) fn named(names: &[String]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}
