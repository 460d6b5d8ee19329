//! What is needed to reach the S3 users of one storage VM.

use crate::api::v1alpha1::OntapBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::entropy::{Entropy, OsEntropy};
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};

/// How long one call may take. A cluster may read for 15 s before it answers with the page that it has (`return_timeout`).
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one storage VM. `Debug` shows no secret.
#[derive(Clone)]
pub struct OntapConfig {
    /// Where the REST API answers, without `/api`.
    pub endpoint: Endpoint,
    /// Name of the storage VM.
    pub svm: String,
    /// The account of the admin API.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// How to trust the cluster.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
    /// Where the secrets come from that the client chooses.
    pub entropy: Arc<dyn Entropy>,
}

impl OntapConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &OntapBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            svm: spec.svm.clone(),
            username: parts.text("username")?,
            password: parts.secret("password")?,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
            entropy: Arc::new(OsEntropy),
        })
    }
}

impl fmt::Debug for OntapConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OntapConfig")
            .field("endpoint", &self.endpoint)
            .field("svm", &self.svm)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
