//! What is needed to reach the management API of Dell ECS or `ObjectScale`.

use crate::api::v1alpha1::EcsBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one request may take. The vendor names no time; nothing that is asked for here takes long.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Age at which a token is replaced. It lives for 8 h, and for 2 h without use (ECS 3.6.2 Data Access Guide): half the
/// shorter one is safe whatever the use.
pub const TOKEN_AGE: Duration = Duration::from_hours(1);

/// Settings of one system. `Debug` shows no secret.
#[derive(Clone)]
pub struct EcsConfig {
    /// Where the management API answers.
    pub endpoint: Endpoint,
    /// Name of the management user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// ECS namespace of all users.
    pub namespace: String,
    /// The feature "hide secret key" is on: reads give no secrets.
    pub secrets_hidden: bool,
    /// How to trust the system.
    pub tls: TlsOptions,
    /// How long one request may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
    /// Age at which a token is replaced: [`TOKEN_AGE`], but for tests.
    pub token_age: Duration,
}

impl EcsConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &EcsBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            username: parts.text("username")?,
            password: parts.secret("password")?,
            namespace: spec.namespace.clone(),
            secrets_hidden: spec.secrets_hidden,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
            token_age: TOKEN_AGE,
        })
    }
}

impl fmt::Debug for EcsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsConfig")
            .field("endpoint", &self.endpoint)
            .field("username", &self.username)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
