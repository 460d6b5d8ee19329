//! What is needed to reach an IAM query API.

use crate::api::v1alpha1::{IamBackend, IamOwnerMark};
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::domain::ids::AccessKeyId;
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one call may take. AWS answers within a second or two, and names no limit.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Settings of one store. `Debug` shows no secret.
#[derive(Clone)]
pub struct IamConfig {
    /// Where the IAM API answers.
    pub endpoint: Endpoint,
    /// Region of the credential scope.
    pub region: String,
    /// Where a user says whose it is.
    pub owner_mark: IamOwnerMark,
    /// How many access keys a user may have.
    pub keys_per_user: u8,
    /// Policies that each user has.
    pub policy_arns: Vec<String>,
    /// Address and region of S3, with the buckets of the account; `None`: no user is given access to any.
    pub s3: Option<(Endpoint, String)>,
    /// Public half of the key that calls are signed with.
    pub access_key_id: AccessKeyId,
    /// Secret half of the same.
    pub secret: SecretString,
    /// How to trust the store.
    pub tls: TlsOptions,
    /// How long one call may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
}

impl IamConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &IamBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            region: spec.region.clone(),
            owner_mark: spec.owner_mark,
            // The CRD keeps it within bounds.
            keys_per_user: u8::try_from(spec.keys_per_user.clamp(2, 100)).unwrap_or(2),
            policy_arns: spec.policy_arns.clone(),
            s3: parts.s3()?,
            access_key_id: AccessKeyId::new(parts.text("accessKey")?),
            secret: parts.secret("secretKey")?,
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
        })
    }
}

impl fmt::Debug for IamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IamConfig")
            .field("endpoint", &self.endpoint)
            .field("owner_mark", &self.owner_mark)
            .field("s3", &self.s3)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
