//! What is needed to reach the `ostor-users` of a Virtuozzo or Acronis store.

use crate::api::v1alpha1::{OstorBackend, OstorSignature};
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::domain::ids::AccessKeyId;
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one call may take. The documents name no limit; answers in their samples took well under a second.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one store. `Debug` shows no secret.
#[derive(Clone)]
pub struct OstorConfig {
    /// Where S3 answers, and the admin API with it.
    pub endpoint: Endpoint,
    /// How calls are signed.
    pub signature: OstorSignature,
    /// Users have quotas, by the word of the store's admin.
    pub quotas: bool,
    /// Region of the credential scope of Version 4.
    pub region: String,
    /// Public half of a system user's key.
    pub access_key_id: AccessKeyId,
    /// Secret half of a system user's key.
    pub secret: SecretString,
    /// How to trust the store.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
}

impl OstorConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &OstorBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            signature: spec.signature,
            quotas: spec.quotas,
            region: parts.region(),
            access_key_id: AccessKeyId::new(parts.text("accessKey")?),
            secret: parts.secret("secretKey")?,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
        })
    }
}

impl fmt::Debug for OstorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OstorConfig")
            .field("endpoint", &self.endpoint)
            .field("signature", &self.signature)
            .field("quotas", &self.quotas)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
