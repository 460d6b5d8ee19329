//! What is needed to reach the admin API of a Garage cluster.

use crate::api::v1alpha1::GarageBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::entropy::{Entropy, OsEntropy};
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};

/// How long one call may take. A node that cannot reach enough of the others answers 503 by itself within some seconds; each
/// call hashes the token, which waits its turn where many are made at once.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one cluster. `Debug` shows no secret.
#[derive(Clone)]
pub struct GarageConfig {
    /// Where the admin API answers; it is below `/v2`.
    pub endpoint: Endpoint,
    /// The admin token.
    pub token: SecretString,
    /// How to trust the server.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
    /// Where the secret halves of keys come from.
    pub entropy: Arc<dyn Entropy>,
}

impl GarageConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &GarageBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            token: parts.secret("token")?,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
            entropy: Arc::new(OsEntropy),
        })
    }
}

impl fmt::Debug for GarageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GarageConfig")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
