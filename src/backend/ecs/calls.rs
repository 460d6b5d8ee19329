//! Calls with their token, and the reads that the driver's steps share.

use super::session::{Session, is_turned_away};
use super::{
    CAPABILITIES, EcsConfig, NO_ANSWER, NO_SLOT, NO_USER, SECRETS, error, is_about_state, keys, parse,
    request, wire,
};
use crate::backend::NewUser;
use crate::backend::call::{Call, is_success};
use crate::backend::error::{Error, ErrorKind, Outcome, Result};
use crate::backend::http::{HttpClient, HttpOptions, Reply};
use crate::domain::ids::UserName;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tokio::sync::{Mutex, MutexGuard};

/// Users whose keys are issued side by side: more than any store has calls under way.
const TURNS: usize = 64;

/// Names that stand for something else in the paths of the API, such as `/object/users/lock/{uid}`.
const RESERVED: [&str; 6] = [".", "..", "deactivate", "exist", "lock", "query"];

/// The object users of Dell ECS or `ObjectScale`, by the management API.
#[derive(Debug)]
pub struct EcsDriver {
    pub(super) config: EcsConfig,
    pub(super) session: Session,
    turns: Vec<Mutex<()>>,
}

/// A user as it was just read, without keys.
pub(super) struct Found {
    pub(super) locked: bool,
    pub(super) tags: Vec<wire::Tag>,
}

impl EcsDriver {
    /// Makes a driver; nothing is sent. Fails when the CA bundle or the namespace cannot be used.
    pub fn new(config: EcsConfig) -> Result<Self> {
        let call = request::login(&config.username);
        let refuse = |text: &str| call.refuse(ErrorKind::Invalid, text);
        let namespace = &config.namespace;
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if namespace.is_empty() || namespace.starts_with('.') || !namespace.bytes().all(is_part) {
            return Err(refuse(
                "the namespace must be letters, digits, '-', '_' and '.', with no '.' at its start",
            ));
        }
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| refuse(&text))?;
        Ok(Self {
            session: Session::new(config.clone(), http),
            config,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Sends a call; any answer is a value. Once more with a new token, where the first was refused: then nothing was
    /// carried out.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let token = self.session.token().await?;
        let reply = self.session.send_with(call, &token).await?;
        if !is_turned_away(&reply) {
            return Ok(reply);
        }
        let token = self.session.other_than(&token).await?;
        self.session.send_with(call, &token).await
    }

    /// A call that asks, and its answer.
    pub(super) async fn ask<T: wire::Answer>(&self, call: &Call) -> Result<T> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            parse(call, &reply)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// The same for what may be absent.
    async fn find<T: wire::Answer>(&self, call: &Call) -> Result<Option<T>> {
        let reply = self.send(call).await?;
        if error::is_absent(&reply) {
            return Ok(None);
        }
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        parse(call, &reply).map(Some)
    }

    /// A call that changes a user and has nothing to tell.
    pub(super) async fn change(&self, call: &Call, name: &UserName) -> Result<()> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            return match error::code(&reply) {
                None if wire::is_empty(&reply) => Ok(()),
                _ => Err(call.misunderstood(NO_ANSWER)),
            };
        }
        let error = error::refused(call, &reply);
        // No code says for sure that the user is not there.
        if is_about_state(&error) && self.get(name).await?.is_none() {
            return Err(call.refuse(ErrorKind::NotFound, NO_USER));
        }
        Err(error)
    }

    /// The user with its tags, or `None`.
    pub(super) async fn get(&self, name: &UserName) -> Result<Option<Found>> {
        let call = request::find_user(&self.config.namespace, name);
        check_name(&call, name)?;
        let Some(user) = self.find::<wire::User>(&call).await? else {
            return Ok(None);
        };
        let is_here = |namespace: &String| namespace.eq_ignore_ascii_case(&self.config.namespace);
        if !user.name.eq_ignore_ascii_case(name.as_str()) || !user.namespace.as_ref().is_none_or(is_here) {
            return Err(call.misunderstood("the system answered for another user"));
        }
        let tags = match user.tag {
            Some(tags) => tags,
            None => match self.tags(name).await? {
                Some(tags) => tags,
                None => return Ok(None),
            },
        };
        Ok(Some(Found {
            locked: user.locked,
            tags,
        }))
    }

    async fn tags(&self, name: &UserName) -> Result<Option<Vec<wire::Tag>>> {
        let call = request::find_tags(&self.config.namespace, name);
        let tags = self.find::<wire::Tags>(&call).await?;
        Ok(tags.map(|tags| tags.tags.unwrap_or_default()))
    }

    /// The keys of a user, or `None` where there is no such user.
    pub(super) async fn keys(&self, name: &UserName) -> Result<Option<Vec<keys::Key>>> {
        let call = request::find_keys(&self.config.namespace, name);
        check_name(&call, name)?;
        let Some(keys) = self.find::<keys::Keys>(&call).await? else {
            // A system might say so of a user that has no keys.
            return Ok(self.get(name).await?.map(|_| Vec::new()));
        };
        let text = "the system shows a key without its secret and without a usable id of it";
        keys.of(name).map(Some).ok_or_else(|| call.misunderstood(text))
    }

    /// Whether a bucket of the namespace is of this user.
    pub(super) async fn owns_buckets(&self, name: &UserName) -> Result<bool> {
        let mut marker: Option<String> = None;
        loop {
            let call = request::list_buckets(&self.config.namespace, name, marker.as_deref());
            let page: wire::Buckets = self
                .ask(&call)
                .await
                .map_err(|error| may_not_list(&call, error))?;
            if page.has_owner(name) {
                return Ok(true);
            }
            match page.next_marker {
                None => return Ok(false),
                Some(next) if marker.as_ref() == Some(&next) => {
                    return Err(call.misunderstood("the list of buckets does not come to an end"));
                }
                next => marker = next,
            }
        }
    }

    /// What a refused creation means: fine if the user is there and carries this mark.
    pub(super) async fn is_ours(&self, user: &NewUser, refused: Error) -> Result<()> {
        let call = request::create_user(&self.config.namespace, user);
        let Some(found) = self.get(&user.name).await? else {
            return Err(refused);
        };
        if wire::owner(&found.tags).as_ref() == Some(&user.owner) {
            return Ok(());
        }
        let text = "a user of this name is there and belongs to somebody else: choose another userName";
        Err(call.refuse(ErrorKind::Conflict, text))
    }

    /// What a refused key means: no code says for sure that the user has two secrets, or is not there.
    pub(super) async fn why_no_key(&self, call: &Call, refused: Error, name: &UserName) -> Error {
        if !is_about_state(&refused) {
            return refused;
        }
        match self.keys(name).await {
            Ok(None) => call.refuse(ErrorKind::NotFound, NO_USER),
            Ok(Some(keys)) if keys.len() >= SECRETS => call.refuse(ErrorKind::Conflict, NO_SLOT),
            Ok(Some(_)) | Err(_) => refused,
        }
    }

    /// The turn of this user.
    pub(super) async fn turn(&self, name: &UserName) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let number = hasher.finish() % u64::try_from(TURNS).unwrap_or(1);
        let turn = self.turns.get(usize::try_from(number).unwrap_or_default())?;
        Some(turn.lock().await)
    }

    /// Whether an object user has the name of the management user that logs in.
    pub(super) fn is_admin(&self, name: &UserName) -> bool {
        self.config.username.eq_ignore_ascii_case(name.as_str())
    }
}

pub(super) fn check_name(call: &Call, name: &UserName) -> Result<()> {
    if CAPABILITIES.user_name.accept(name.as_str()) && !RESERVED.contains(&name.as_str()) {
        return Ok(());
    }
    let text = "a user name has 1 to 64 lower-case letters, digits, - _ or . and is no word of the API, such as lock";
    Err(call.refuse(ErrorKind::Invalid, text))
}

/// Whoever may manage users need not be one who may list buckets.
fn may_not_list(call: &Call, error: Error) -> Error {
    if error.kind != ErrorKind::Auth {
        return error;
    }
    let text = "whether it owns buckets cannot be seen: let the admin user list buckets (role SYSTEM_MONITOR or \
                SYSTEM_ADMIN), or delete the user by hand";
    Error {
        detail: call.own(error.kind, Outcome::NotApplied, text).detail,
        ..error
    }
}
