//! The token that all calls share, and the ids that names stand for as long as it lives.
//!
//! One for each connection, one login under way at a time; a token that is replaced is given back.

use super::wire::{self, is_id};
use super::{KeystoneConfig, error, request};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, Reply};
use crate::backend::login::{LOGOUT_LIMIT, Login, SharedToken};
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use tokio::time::{Instant, timeout};

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// The token that an answer brings, or that a call is about.
const SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");

/// Longest token that is taken. Those of Keystone have some 200 to 300 characters.
const TOKEN_MAX: usize = 8192;

/// Name, password, and the token that they were traded for.
#[derive(Debug)]
pub(super) struct Session {
    config: KeystoneConfig,
    http: HttpClient,
    shared: SharedToken<Token>,
}

/// A token, and what names stood for when it was made.
#[derive(Debug)]
pub(super) struct Token {
    value: SecretString,
    renew: Instant,
    /// Id of the admin user who logged in.
    pub(super) own: String,
    pub(super) places: Places,
}

/// The ids of what the settings name.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Domain of the users.
    pub(super) domain: String,
    /// Project of their keys.
    pub(super) project: String,
    /// Their role on it.
    pub(super) role: String,
}

impl Session {
    /// Nothing is sent before the first call.
    pub(super) fn new(config: KeystoneConfig, http: HttpClient) -> Self {
        Self {
            config,
            http,
            shared: SharedToken::default(),
        }
    }

    /// The token, of a login made now if there is none or it grows old.
    pub(super) async fn token(&self) -> Result<Arc<Token>> {
        self.shared.get(self).await
    }

    /// Another token than this one, which was refused.
    pub(super) async fn other_than(&self, refused: &Arc<Token>) -> Result<Arc<Token>> {
        self.shared.other_than(refused, self).await
    }

    async fn trade(&self) -> Result<Token> {
        let call = request::login(&self.config);
        let since = Instant::now();
        let reply = self.send(&call, None).await?;
        if !is_success(&reply) {
            return Err(error::login_refused(&call, &reply));
        }
        let value = reply.header(SUBJECT.as_str());
        let value = value.filter(|value| (1..=TOKEN_MAX).contains(&value.len()));
        let Some(value) = value else {
            return Err(call.misunderstood(wire::NO_ANSWER));
        };
        let value = SecretString::from(value);
        let login: wire::Login = wire::parse(&call, &reply)?;
        let life = login.life().map_or(self.config.token_age, |life| life / 2);
        match self.places(&value).await {
            Ok(places) => Ok(Token {
                value,
                renew: since + life.min(self.config.token_age),
                own: login.user_id().to_owned(),
                places,
            }),
            Err(error) => {
                self.revoke(&value).await;
                Err(error)
            }
        }
    }

    /// Looks up what the settings name.
    async fn places(&self, token: &SecretString) -> Result<Places> {
        let config = &self.config;
        let domain =
            async |name: &str, field: &str| self.id_of(token, &request::find_domain(name), name, field).await;
        let users = domain(&config.user_domain, "userDomain").await?;
        let projects = if config.project_domain == config.user_domain {
            users.clone()
        } else {
            domain(&config.project_domain, "projectDomain").await?
        };
        let call = request::find_project(&config.project, &projects);
        let project = self.id_of(token, &call, &config.project, "projectName").await?;
        let call = request::find_role(&config.role);
        let role = self.id_of(token, &call, &config.role, "role").await?;
        Ok(Places {
            domain: users,
            project,
            role,
        })
    }

    async fn id_of(&self, token: &SecretString, call: &Call, name: &str, field: &str) -> Result<String> {
        let reply = self.send(call, Some(token)).await?;
        if !is_success(&reply) {
            return Err(error::refused(call, &reply));
        }
        let things: wire::Things = wire::parse(call, &reply)?;
        match things.id_of(name) {
            Some(id) if is_id(id) => Ok(id.to_owned()),
            Some(_) => Err(call.misunderstood(wire::NO_ANSWER)),
            None => {
                let text = format!(
                    "Keystone has none of this name: make it, or correct `{field}` of the ObjectStore"
                );
                Err(call.refuse(ErrorKind::NotFound, &text))
            }
        }
    }

    /// Ends the token, if there is one. Best effort: it ends by itself.
    pub(super) async fn end(&self) {
        self.shared.end(self).await;
    }

    async fn revoke(&self, token: &SecretString) {
        let call = request::logout(&self.config);
        let _late = timeout(LOGOUT_LIMIT, self.send(&call, Some(token))).await;
    }

    /// Sends a call with this token; any answer is a value.
    pub(super) async fn send_with(&self, call: &Call, token: &Token) -> Result<Reply> {
        self.send(call, Some(&token.value)).await
    }

    async fn send(&self, call: &Call, token: Option<&SecretString>) -> Result<Reply> {
        let mut request = if self.config.prefix.is_empty() {
            call.request(&self.config.endpoint)?
        } else {
            let target = format!("{}{}", self.config.prefix, call.target);
            let call = Call {
                target,
                ..call.clone()
            };
            call.request(&self.config.endpoint)?
        };
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose_secret())
                .map_err(|_| call.refuse(ErrorKind::Auth, "the token cannot be sent in a header"))?;
            value.set_sensitive(true);
            if call.operation == request::LOGOUT {
                request.headers_mut().insert(SUBJECT, value.clone());
            }
            request.headers_mut().insert(TOKEN, value);
        }
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }
}

impl Login for Session {
    type Token = Token;

    async fn log_in(&self) -> Result<Token> {
        self.trade().await
    }

    async fn give_back(&self, token: &Token) {
        self.revoke(&token.value).await;
    }

    fn is_old(&self, token: &Token) -> bool {
        Instant::now() >= token.renew
    }
}
