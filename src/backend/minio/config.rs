//! What is needed to reach the admin API of a `MinIO` server.

use crate::api::v1alpha1::MinioBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::domain::ids::AccessKeyId;
use crate::entropy::{Entropy, OsEntropy};
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};

/// How long one call may take. A busy server was seen to take 3 s for an answer that it encrypts.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one server. `Debug` shows no secret.
#[derive(Clone)]
pub struct MinioConfig {
    /// Where S3 answers, and the admin API with it.
    pub endpoint: Endpoint,
    /// Region of the credential scope.
    pub region: String,
    /// Public half of an administrator's key.
    pub access_key_id: AccessKeyId,
    /// Secret half of an administrator's key. Messages are encrypted with it, too.
    pub secret: SecretString,
    /// Names of the policies that each user gets.
    pub policies: Vec<String>,
    /// How to trust the server.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
    /// Where secrets, salts and nonces come from.
    pub entropy: Arc<dyn Entropy>,
}

impl MinioConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &MinioBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            region: parts.region(),
            access_key_id: AccessKeyId::new(parts.text("accessKey")?),
            secret: parts.secret("secretKey")?,
            policies: spec.policies.clone(),
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
            entropy: Arc::new(OsEntropy),
        })
    }
}

impl fmt::Debug for MinioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinioConfig")
            .field("endpoint", &self.endpoint)
            .field("access_key_id", &self.access_key_id)
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}
