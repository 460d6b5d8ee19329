//! What is needed to reach the API of Uptrends.

use crate::api::v1alpha1::UptrendsBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one call may take. No document says what to expect; a list of all accounts is the longest.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one tenant. `Debug` shows no secret.
#[derive(Clone)]
pub struct UptrendsConfig {
    /// Where the API answers; it is below `/v4`.
    pub endpoint: Endpoint,
    /// User name of the API account that calls are made with.
    pub user_name: String,
    /// Its password.
    pub password: SecretString,
    /// Whose accounts; `None`: those of the operator whose API account calls are made with.
    pub operator_guid: Option<String>,
    /// How to trust the server.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
}

impl UptrendsConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &UptrendsBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            user_name: parts.text("username")?,
            password: parts.secret("password")?,
            operator_guid: spec.operator_guid.clone(),
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
        })
    }
}

impl fmt::Debug for UptrendsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UptrendsConfig")
            .field("endpoint", &self.endpoint)
            .field("user_name", &self.user_name)
            .field("operator_guid", &self.operator_guid)
            .finish_non_exhaustive()
    }
}
