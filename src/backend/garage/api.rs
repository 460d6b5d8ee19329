//! Sending.

use super::request::{self, Change};
use super::user::{Keys, Member};
use super::{GarageConfig, error, name, wire};
use crate::backend::Result;
use crate::backend::call::{Call, is_success};
use crate::backend::error::ErrorKind;
use crate::backend::http::{HttpClient, HttpOptions, Reply};
use crate::domain::ids::UserName;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

const NO_ANSWER: &str = "this is no answer of Garage's admin API: is the endpoint right, and final?";
const OUT_OF_ORDER: &str = "the API does not list keys in the order of their ids";

/// The admin API, as one token may use it.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) config: GarageConfig,
    /// Marked as sensitive: never printed.
    bearer: HeaderValue,
    http: HttpClient,
}

impl Api {
    /// Nothing is sent. Fails when CA bundle or token cannot be used.
    pub(super) fn new(config: GarageConfig) -> Result<Self> {
        let invalid = |text: &str| request::token().refuse(ErrorKind::Invalid, text);
        let bearer = bearer(&config.token).ok_or_else(|| {
            invalid("it is empty, or has a character that no token has: correct the Secret of credentialsSecretRef")
        })?;
        let options = HttpOptions {
            tls: config.tls.clone(),
            timeout: config.call_limit,
        };
        let http = HttpClient::new(&options).map_err(|text| invalid(&text))?;
        Ok(Self { config, bearer, http })
    }

    /// Sends a call; any answer is a value, none is an error.
    async fn send(&self, call: &Call) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        request.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }

    /// Sends a call and demands its answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let reply = self.send(call).await?;
        if is_success(&reply) {
            call.parse(&reply, NO_ANSWER)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// The same about something that may be gone, which is `None`.
    async fn ask_unless<T: DeserializeOwned>(
        &self,
        call: &Call,
        is_absent: fn(&Reply) -> bool,
    ) -> Result<Option<T>> {
        let reply = self.send(call).await?;
        if is_absent(&reply) {
            return Ok(None);
        }
        if is_success(&reply) {
            call.parse(&reply, NO_ANSWER).map(Some)
        } else {
            Err(error::refused(call, &reply))
        }
    }

    /// The keys of this user, read now: one call for each page of them.
    pub(super) async fn keys_of(&self, user: &UserName) -> Result<Keys> {
        let prefix = name::prefix(user);
        let (mut from, mut keys) = (prefix.clone(), Vec::new());
        loop {
            let call = request::list_keys(user, &from);
            let page: Vec<wire::Listed> = self.ask(&call).await?;
            let is_last = page.len() < request::PAGE;
            let begun_at = from.clone();
            for key in page {
                // A page begins with the last one of the page before.
                if key.id == begun_at {
                    continue;
                }
                // Else nobody could say where the user's keys begin and end.
                if key.id <= from {
                    return Err(call.misunderstood(OUT_OF_ORDER));
                }
                if !key.id.starts_with(&prefix) {
                    return Ok(Keys::of(keys));
                }
                from.clone_from(&key.id);
                keys.push(Member {
                    described: name::read(&key.name, user),
                    id: key.id,
                    expired: key.expired,
                });
            }
            if is_last {
                return Ok(Keys::of(keys));
            }
            if from == begun_at {
                return Err(call.misunderstood(OUT_OF_ORDER));
            }
        }
    }

    /// One key, or `None` if it is gone.
    pub(super) async fn key(
        &self,
        user: &UserName,
        id: &str,
        with_secret: bool,
    ) -> Result<Option<wire::Key>> {
        let call = request::key(user, id, with_secret);
        let key: Option<wire::Key> = self.ask_unless(&call, error::is_absent_key).await?;
        if key.as_ref().is_some_and(|key| key.access_key_id != id) {
            return Err(call.misunderstood("the API answered for another key"));
        }
        Ok(key)
    }

    /// What all of these keys are and may do. One that is gone meanwhile is left out.
    pub(super) async fn whole(&self, user: &UserName, ids: &[&str]) -> Result<Vec<wire::Key>> {
        let mut keys = Vec::new();
        for id in ids {
            keys.extend(self.key(user, id, false).await?);
        }
        Ok(keys)
    }

    /// Changes a key; `None` if it is gone.
    pub(super) async fn update(
        &self,
        user: &UserName,
        id: &str,
        change: &Change<'_>,
    ) -> Result<Option<wire::Key>> {
        let call = request::update(user, id, change);
        let key: Option<wire::Key> = self.ask_unless(&call, error::is_absent_key).await?;
        if let Some(key) = &key {
            let named = change.name.is_none_or(|name| name == key.name);
            let locked = change.locked.is_none_or(|locked| locked == key.expired);
            if key.access_key_id != id || !named || !locked {
                return Err(call.misunderstood("Garage answered 200 and did not do it"));
            }
        }
        Ok(key)
    }

    /// Deletes a key. One that is gone is no error.
    pub(super) async fn delete(&self, user: &UserName, id: &str) -> Result<()> {
        let call = request::delete(user, id);
        // `null`, so that a page of something else is not taken for it.
        self.ask_unless::<Option<IgnoredAny>>(&call, error::is_absent_key)
            .await?;
        Ok(())
    }

    /// Takes one step for a key. `None`: the bucket is gone.
    pub(super) async fn step(&self, call: &Call) -> Result<Option<wire::Bucket>> {
        self.ask_unless(call, error::is_absent_bucket).await
    }

    /// The bucket of a name that holds for every key, or `None` if there is none.
    pub(super) async fn named(&self, user: &UserName, alias: &str) -> Result<Option<wire::Bucket>> {
        self.ask_unless(&request::bucket_named(user, alias), error::is_absent_bucket)
            .await
    }

    /// A bucket, or `None` if it is gone.
    pub(super) async fn bucket(&self, user: &UserName, id: &str) -> Result<Option<wire::Bucket>> {
        let call = request::bucket(user, id);
        let bucket: Option<wire::Bucket> = self.ask_unless(&call, error::is_absent_bucket).await?;
        if bucket.as_ref().is_some_and(|bucket| bucket.id != id) {
            return Err(call.misunderstood("the API answered for another bucket"));
        }
        Ok(bucket)
    }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let token = token.expose_secret().trim();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_without_its_line_break_and_never_printed() {
        let value = bearer(&"CANARY\n".into()).unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer CANARY");
        assert!(!format!("{value:?}").contains("CANARY"));
        for bad in ["", " ", "a b", "a\nb", "ü"] {
            assert!(bearer(&bad.into()).is_none(), "{bad}");
        }
    }
}
