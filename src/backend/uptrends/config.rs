//! What is needed to reach the API of Uptrends.

use crate::api::v1alpha1::UptrendsBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// How long one call may take. No document says what to expect; a list of all accounts is the longest.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// The login of an operator, which signs in with it itself.
#[derive(Clone, Debug)]
pub struct OperatorLogin {
    /// The operator's e-mail address.
    pub user_name: String,
    /// Its password.
    pub password: SecretString,
}

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
    /// Who makes accounts by the older `POST /Register`; `None`: they are made by `POST /ApiUser`.
    pub register_as: Option<OperatorLogin>,
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
        let register_as = if spec.legacy_register {
            Some(OperatorLogin {
                user_name: parts.text("operatorUsername")?,
                password: parts.secret("operatorPassword")?,
            })
        } else {
            None
        };
        Ok(Self {
            endpoint: parts.endpoint(&spec.endpoint)?,
            user_name: parts.text("username")?,
            password: parts.secret("password")?,
            operator_guid: spec.operator_guid.clone(),
            register_as,
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
            .field(
                "register_as",
                &self.register_as.as_ref().map(|login| &login.user_name),
            )
            .finish_non_exhaustive()
    }
}
