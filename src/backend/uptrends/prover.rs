//! Does an API account work? It asks for something as that account.

use super::api::{Api, NO_ANSWER, is_plausible};
use super::{UptrendsConfig, error, request};
use crate::backend::KeyPair;
use crate::backend::call::is_success;
use crate::backend::error::{Error, Result};
use crate::backend::proof::{Death, Proof, Prover};
use async_trait::async_trait;

/// Asks the API as the account that is to be proven.
#[derive(Debug)]
pub struct UptrendsProver(Api);

/// What the answer says about the account.
enum Verdict {
    /// It is let in.
    Accepted,
    /// It may not do this. No document says that a wrong password is never answered so.
    Forbidden,
    /// It is not let in.
    Refused,
    /// Says nothing about it.
    Unclear(Error),
}

impl UptrendsProver {
    /// Makes a prover; nothing is sent. Fails when the CA bundle, the user name or the operator cannot be used.
    pub fn new(config: UptrendsConfig) -> Result<Self> {
        Api::new(config).map(Self)
    }

    async fn ask(&self, pair: &KeyPair) -> Verdict {
        let user = pair.access_key_id.as_str();
        let call = request::operators(user);
        let reply = match self.0.send_as(&call, user, &pair.secret).await {
            Ok(reply) => reply,
            Err(error) => return Verdict::Unclear(error),
        };
        match reply.status {
            401 => Verdict::Refused,
            403 if error::is_refusal(&reply) => Verdict::Forbidden,
            // A page of something in front of the API.
            403 => Verdict::Unclear(call.misunderstood(NO_ANSWER)),
            _ if !is_success(&reply) => Verdict::Unclear(error::refused(&call, &reply)),
            _ if is_plausible(&reply) && !reply.body.is_empty() => Verdict::Accepted,
            _ => Verdict::Unclear(call.misunderstood(NO_ANSWER)),
        }
    }

    /// Whether the account is there, by what the admin's account is told.
    async fn is_there(&self, pair: &KeyPair) -> Result<bool> {
        let user = pair.access_key_id.as_str();
        let operator = self.0.config.operator_guid.as_deref();
        let call = request::list(operator, &format!("API account {user}"));
        let accounts = self.0.list(&call).await?;
        Ok(accounts.all.iter().any(|a| a.user_name.as_deref() == Some(user)))
    }

    fn refused(&self, status: u16) -> Proof {
        Proof::Refused {
            endpoint: self.0.config.endpoint.clone(),
            code: status.to_string(),
        }
    }
}

#[async_trait]
impl Prover for UptrendsProver {
    async fn prove(&self, pair: &KeyPair) -> Proof {
        match self.ask(pair).await {
            Verdict::Accepted => Proof::Accepted,
            Verdict::Refused => self.refused(401),
            Verdict::Forbidden => match self.is_there(pair).await {
                Ok(false) => self.refused(403),
                // The account is known; what it may do is not ours to judge.
                Ok(true) => Proof::Accepted,
                Err(error) => Proof::Unclear(error),
            },
            Verdict::Unclear(error) => Proof::Unclear(error),
        }
    }

    async fn prove_dead(&self, pair: &KeyPair) -> Death {
        let alive = || Death::Alive {
            endpoint: self.0.config.endpoint.clone(),
        };
        match self.ask(pair).await {
            Verdict::Refused => Death::Dead,
            Verdict::Accepted => alive(),
            Verdict::Forbidden => match self.is_there(pair).await {
                Ok(false) => Death::Dead,
                Ok(true) => alive(),
                Err(error) => Death::Unclear(error),
            },
            Verdict::Unclear(error) => Death::Unclear(error),
        }
    }
}
