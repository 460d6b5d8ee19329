//! Waiting for what the operator does.

use super::{
    LIMIT, World,
    read::{handled, is_settled},
};
use crate::testbed::{unique, wait};
use gracekey::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::KeyPair,
    clock::{Clock as _, SystemClock},
    domain::condition,
};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

impl World {
    /// Asks until the answer is `Ok`; at the limit, shows everything that may tell why it never was. `what` completes
    /// "it never happened that ...".
    pub(crate) async fn until<T>(&self, what: &str, ask: impl AsyncFnMut() -> Result<T, String>) -> T {
        self.until_within(LIMIT, what, ask).await
    }

    /// The same with another limit.
    pub(crate) async fn until_within<T>(
        &self,
        limit: Duration,
        what: &str,
        ask: impl AsyncFnMut() -> Result<T, String>,
    ) -> T {
        match wait::until(limit, ask).await {
            Ok(answer) => answer,
            Err(why) => panic!("it never happened that {what}: {why}\n{}", self.state().await),
        }
    }

    /// Reads a user until this holds.
    pub(crate) async fn until_user(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&ObjectUser) -> bool,
    ) -> ObjectUser {
        let users = self.users();
        let ask = async || {
            let user = users.get(name).await.map_err(|e| e.to_string())?;
            if holds(&user) {
                Ok(user)
            } else {
                Err("it does not hold yet".to_owned())
            }
        };
        self.until(&format!("{name} {what}"), ask).await
    }

    /// Waits until the user's last change was carried out and nothing is left to do but wait for a grace period.
    pub(crate) async fn until_settled(&self, name: &str) -> ObjectUser {
        self.until_user(name, "was settled", is_settled).await
    }

    /// Waits until this token was handled and its rotation is over, but for the grace period.
    pub(crate) async fn until_rotated(&self, name: &str, token: &str) -> ObjectUser {
        let done = |user: &ObjectUser| is_settled(user) && handled(user).iter().any(|t| t == token);
        self.until_user(name, &format!("handled {token:?}"), done).await
    }

    /// Waits until the user has no key but the published one.
    pub(crate) async fn until_revoked(&self, name: &str) -> ObjectUser {
        let one = |user: &ObjectUser| user.status.as_ref().is_some_and(|s| s.credentials.len() == 1);
        self.until_user(name, "has one key only", one).await
    }

    pub(crate) async fn until_user_gone(&self, name: &str) {
        let users = self.users();
        let gone = async || match users.get_opt(name).await.map_err(|e| e.to_string())? {
            Some(_) => Err("it is still there".to_owned()),
            None => Ok(()),
        };
        self.until(&format!("{name} was gone"), gone).await;
    }

    pub(crate) async fn until_store_ready(&self, name: &str) -> ObjectStore {
        let stores = self.stores();
        let ready = async || {
            let store = stores.get(name).await.map_err(|e| e.to_string())?;
            let conditions = store
                .status
                .as_ref()
                .map(|s| s.conditions.clone())
                .unwrap_or_default();
            let seen = store.status.as_ref().and_then(|s| s.observed_generation) == store.metadata.generation;
            if seen && condition::is_true(&conditions, "Ready") {
                Ok(store)
            } else {
                Err("it is not ready".to_owned())
            }
        };
        self.until(&format!("the store {name} was ready"), ready).await
    }

    /// Waits until this store has counted so many users.
    pub(crate) async fn until_counted(&self, name: &str, users: i32) {
        let stores = self.stores();
        let counted = async || {
            let store = stores.get(name).await.map_err(|e| e.to_string())?;
            match store.status.and_then(|status| status.users) {
                Some(told) if told == users => Ok(()),
                told => Err(format!("{told:?}")),
            }
        };
        let what = format!("the store {name} counted its {users} users");
        self.until(&what, counted).await;
    }

    /// Waits until the operator has seen everything that was done to this user so far: a change of its label is done
    /// after all of it.
    pub(crate) async fn looked_at(&self, name: &str) -> ObjectUser {
        let label = format!("looked at {:?}", unique());
        self.patch_user(name, json!({ "spec": { "label": label } })).await;
        self.until_settled(name).await
    }

    /// Waits until this store has this reason for not being ready.
    pub(crate) async fn until_store(&self, name: &str, reason: &str) -> ObjectStore {
        let stores = self.stores();
        let ask = async || {
            let store = stores.get(name).await.map_err(|e| e.to_string())?;
            let conditions = store
                .status
                .as_ref()
                .map(|s| s.conditions.clone())
                .unwrap_or_default();
            let has = conditions.iter().any(|c| c.reason == reason);
            if has {
                Ok(store)
            } else {
                Err("no condition has it".to_owned())
            }
        };
        self.until(&format!("the store {name} said {reason}"), ask).await
    }

    /// Waits until a condition of this user has this reason.
    pub(crate) async fn until_reason(&self, name: &str, reason: &str) -> ObjectUser {
        let says = |user: &ObjectUser| {
            let mut conditions = user.status.iter().flat_map(|s| &s.conditions);
            conditions.any(|c| c.reason == reason)
        };
        self.until_user(name, &format!("said {reason}"), says).await
    }

    /// Waits until this event was told about an object: status may be written before.
    pub(crate) async fn until_event(&self, name: &str, reason: &str) {
        let told = async || {
            let events = self.events(name).await;
            if events.iter().any(|event| event == reason) {
                Ok(())
            } else {
                Err(format!("there are {events:?}"))
            }
        };
        self.until(&format!("{reason} was told of {name}"), told).await;
    }

    /// Waits until S3 refuses this key, and tells when it first did.
    pub(crate) async fn until_refused(&self, pair: &KeyPair) -> Timestamp {
        let refused = async || {
            if self.works(pair).await {
                Err("it works".to_owned())
            } else {
                Ok(SystemClock.now())
            }
        };
        self.until_within(Duration::from_secs(90), "the key was refused", refused)
            .await
    }
}
