//! What is needed to reach a Ceph RADOS Gateway's Admin Ops API.

use crate::api::v1alpha1::CephBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::domain::ids::AccessKeyId;
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one call may take.
///
/// Every change is announced to all gateways of a cluster. When one of them hangs or was killed, the next change takes
/// 22 to 30 s and then succeeds; a shorter limit would turn that into an unknown outcome (docs.md, "Dead gateway").
pub const CALL_LIMIT: Duration = Duration::from_secs(40);

/// Settings of one gateway. `Debug` shows no secret.
#[derive(Clone)]
pub struct CephConfig {
    /// Where the gateway answers; the Admin Ops API is below `/admin`.
    pub endpoint: Endpoint,
    /// Region of the credential scope. RGW accepts any.
    pub region: String,
    /// Public half of the admin user's key.
    pub access_key_id: AccessKeyId,
    /// Secret half of the admin user's key.
    pub secret: SecretString,
    /// How to trust the gateway.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
}

impl CephConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &CephBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            region: parts.region(),
            access_key_id: AccessKeyId::new(parts.text("accessKey")?),
            secret: parts.secret("secretKey")?,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
        })
    }
}

impl fmt::Debug for CephConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CephConfig")
            .field("endpoint", &self.endpoint)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
