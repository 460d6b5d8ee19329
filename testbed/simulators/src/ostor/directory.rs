//! Who is known, and who was at an earlier moment: what late reads and the S3 side look at.

use super::options::Lags;
use crate::s3::Known;
use crate::signature::hex;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Length of a user id: 16 hexadecimal digits, the beginning of each access key of the user ("PUT Service
/// ostor-users").
const ID: usize = 16;

/// Versions of one user that are kept for late reads.
const KEPT: usize = 64;

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) id: String,
    pub(super) secret: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({})", self.id)
    }
}

/// A user.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) email: String,
    pub(super) id: String,
    pub(super) is_enabled: bool,
    pub(super) is_system: bool,
    /// The oldest first.
    pub(super) keys: Vec<Pair>,
    /// Further pairs, by the name of their account.
    pub(super) accounts: BTreeMap<String, Vec<Pair>>,
}

impl User {
    /// The pairs of the user itself, or of an account; `None` where there is no such account.
    pub(super) fn pairs(&mut self, account: Option<&str>) -> Option<&mut Vec<Pair>> {
        match account {
            None => Some(&mut self.keys),
            Some(name) => self.accounts.get_mut(name),
        }
    }

    /// Every pair, those of accounts too.
    pub(super) fn all_pairs(&self) -> impl Iterator<Item = &Pair> {
        self.keys.iter().chain(self.accounts.values().flatten())
    }

    fn secret(&self, access_key_id: &str) -> Option<&str> {
        let mut pairs = self.all_pairs();
        pairs
            .find(|pair| pair.id == access_key_id)
            .map(|pair| pair.secret.as_str())
    }
}

/// All users, now and before.
#[derive(Debug)]
pub(super) struct Directory {
    seed: u64,
    issued: u64,
    /// E-mail by user id. Ids are not used twice, so none is forgotten.
    emails: BTreeMap<String, String>,
    /// What each e-mail stood for, the newest last; `None` where the user was deleted.
    versions: BTreeMap<String, Vec<(SystemTime, Option<User>)>>,
}

impl Directory {
    /// An empty one. Each issues ids and secrets that no other one of this process does.
    pub(super) fn new() -> Self {
        static SEED: AtomicU64 = AtomicU64::new(0);
        Self {
            seed: SEED.fetch_add(1, Ordering::Relaxed),
            issued: 0,
            emails: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// The user of this e-mail.
    pub(super) fn get(&self, email: &str) -> Option<&User> {
        self.versions.get(email)?.last()?.1.as_ref()
    }

    /// The user of this e-mail as somebody sees it who learns of changes with this delay.
    pub(super) fn seen(&self, email: &str, now: SystemTime, lag: Duration) -> Option<&User> {
        if lag.is_zero() {
            return self.get(email);
        }
        let mut versions = self.versions.get(email)?.iter().rev();
        versions.find(|(since, _)| *since + lag <= now)?.1.as_ref()
    }

    /// Every user as seen with this delay, by e-mail.
    pub(super) fn all_seen(&self, now: SystemTime, lag: Duration) -> Vec<&User> {
        let emails = self.versions.keys();
        emails.filter_map(|email| self.seen(email, now, lag)).collect()
    }

    /// The e-mail of the user that this id is of, or was.
    pub(super) fn email(&self, id: &str) -> Option<&str> {
        self.emails.get(id).map(String::as_str)
    }

    /// Writes a user down as it is from now on.
    pub(super) fn put(&mut self, now: SystemTime, user: User) {
        self.emails.insert(user.id.clone(), user.email.clone());
        self.change(now, user.email.clone(), Some(user));
    }

    /// Takes a user away.
    pub(super) fn remove(&mut self, now: SystemTime, email: &str) {
        self.change(now, email.to_owned(), None);
    }

    fn change(&mut self, now: SystemTime, email: String, user: Option<User>) {
        let versions = self.versions.entry(email).or_default();
        versions.push((now, user));
        let surplus = versions.len().saturating_sub(KEPT);
        versions.drain(..surplus);
    }

    /// A user with one pair that is not written down yet.
    pub(super) fn draft(&mut self, email: &str, is_system: bool) -> User {
        let id = self.random().chars().take(ID).collect();
        let mut user = User {
            email: email.to_owned(),
            id,
            is_enabled: true,
            is_system,
            keys: Vec::new(),
            accounts: BTreeMap::new(),
        };
        let pair = self.pair(&user);
        user.keys.push(pair);
        user
    }

    /// A new pair for a user: its id and four characters, and 40 characters ("PUT Service ostor-users").
    pub(super) fn pair(&mut self, user: &User) -> Pair {
        const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        const ANY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        loop {
            let id = format!("{}{}", user.id, self.characters(UPPER, 4));
            let secret = self.characters(ANY, 40);
            if user.all_pairs().all(|pair| pair.id != id) {
                return Pair { id, secret };
            }
        }
    }

    fn characters(&mut self, from: &[u8], count: usize) -> String {
        // Two hashes have bytes enough for the longest.
        let bytes = [self.random(), self.random()].concat().into_bytes();
        let pick = |byte: &[u8]| {
            let number = byte.iter().fold(0, |sum, digit| sum * 31 + usize::from(*digit));
            char::from(from[number % from.len()])
        };
        bytes.chunks(3).take(count).map(pick).collect()
    }

    /// 64 hexadecimal digits, other ones each time.
    fn random(&mut self) -> String {
        self.issued += 1;
        let text = format!("ostor {} {} {}", std::process::id(), self.seed, self.issued);
        hex(&Sha256::digest(text))
    }

    /// The secret of a system user's access key; `Err` where it is none of a system user.
    pub(super) fn system_secret(&self, access_key_id: &str) -> Option<Result<&str, &str>> {
        let user = self.get(self.owner(access_key_id)?.1)?;
        let secret = user.secret(access_key_id)?;
        let may = user.is_system && user.is_enabled;
        Some(if may { Ok(secret) } else { Err(secret) })
    }

    /// Id and e-mail of whom an access key is of, or was.
    fn owner<'a>(&'a self, access_key_id: &'a str) -> Option<(&'a str, &'a str)> {
        let id = access_key_id.get(..ID)?;
        Some((id, self.email(id)?))
    }

    /// What the S3 side knows of an access key. Buckets are owned by user ids: an e-mail may come to be
    /// somebody else.
    pub(super) fn known(&self, access_key_id: &str, now: SystemTime, lags: Lags) -> Known {
        let Some((id, email)) = self.owner(access_key_id) else {
            return Known::Unknown;
        };
        let secret = |user: Option<&User>| {
            let user = user.filter(|user| user.id == id)?;
            user.secret(access_key_id).map(str::to_owned)
        };
        // A key that is there works once the news of it has arrived; one that is gone, until that news has.
        let works = if secret(self.get(email)).is_some() {
            secret(self.seen(email, now, lags.new_key))
        } else {
            secret(self.seen(email, now, lags.revoked_key))
        };
        match works {
            None => Known::Unknown,
            Some(secret) => Known::Key {
                user: id.to_owned(),
                secrets: vec![secret],
                locked: self
                    .seen(email, now, lags.lock)
                    .is_some_and(|user| !user.is_enabled),
            },
        }
    }

    /// Whether this text is a secret of somebody.
    pub(super) fn is_secret(&self, text: &str) -> bool {
        let is_of = |user: &User| user.all_pairs().any(|pair| pair.secret == text);
        let versions = self.versions.values();
        text.len() == 40
            && versions
                .flatten()
                .any(|(_, user)| user.as_ref().is_some_and(is_of))
    }
}
