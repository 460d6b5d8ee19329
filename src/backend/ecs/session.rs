//! The token that all calls to one system share.
//!
//! A user may have a limited number of tokens at a time, and a system that has reached it lets nobody in: so there is
//! one for each connection, one login under way at a time, and a token that is replaced is given back.

use super::{EcsConfig, error, request};
use crate::backend::call::{Call, is_success};
use crate::backend::error::{ErrorKind, Result};
use crate::backend::http::{HttpClient, Reply, basic};
use crate::backend::login::{LOGOUT_LIMIT, Login, SharedToken};
use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use tokio::time::{Instant, timeout};

const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-sds-auth-token");

/// Longest token that is taken.
const TOKEN_MAX: usize = 4096;

/// Name, password, and the token that they were traded for.
#[derive(Debug)]
pub(super) struct Session {
    config: EcsConfig,
    http: HttpClient,
    shared: SharedToken<Token>,
}

/// A token, as old as it is.
#[derive(Debug)]
pub(super) struct Token {
    value: SecretString,
    since: Instant,
}

impl Session {
    /// Nothing is sent before the first call.
    pub(super) fn new(config: EcsConfig, http: HttpClient) -> Self {
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

    /// Ends the token, if there is one. Best effort: it ends by itself two hours later.
    pub(super) async fn end(&self) {
        self.shared.end(self).await;
    }

    /// Sends a call with this token; any answer is a value.
    pub(super) async fn send_with(&self, call: &Call, token: &Token) -> Result<Reply> {
        let mut value = HeaderValue::from_str(token.value.expose_secret())
            .map_err(|_| call.refuse(ErrorKind::Auth, "the token cannot be sent in a header"))?;
        value.set_sensitive(true);
        self.send(call, TOKEN_HEADER, value).await
    }

    async fn send(&self, call: &Call, header: HeaderName, value: HeaderValue) -> Result<Reply> {
        let mut request = call.request(&self.config.endpoint)?;
        request.headers_mut().insert(header, value);
        // XML is the default.
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let sent = self.http.send(request).await;
        sent.map_err(|e| e.into_error(call.backend, call.operation, call.changes()))
    }
}

impl Login for Session {
    type Token = Token;

    async fn log_in(&self) -> Result<Token> {
        let call = request::login(&self.config.username);
        let since = Instant::now();
        let login = basic(&self.config.username, &self.config.password);
        let login = login.map_err(|text| call.refuse(ErrorKind::Auth, &text))?;
        let reply = self.send(&call, header::AUTHORIZATION, login).await?;
        if !is_success(&reply) {
            return Err(error::login_refused(&call, &reply));
        }
        let value = reply.header(TOKEN_HEADER.as_str());
        let value = value.filter(|value| (1..=TOKEN_MAX).contains(&value.len()));
        let Some(value) = value else {
            return Err(call.misunderstood(
                "the answer to the login has no token: is the endpoint an ECS management API?",
            ));
        };
        Ok(Token {
            value: SecretString::from(value),
            since,
        })
    }

    async fn give_back(&self, token: &Token) {
        let call = request::logout(&self.config.username);
        let _late = timeout(LOGOUT_LIMIT, self.send_with(&call, token)).await;
    }

    fn is_old(&self, token: &Token) -> bool {
        token.since.elapsed() >= self.config.token_age
    }
}

/// Whether an answer says that the token is no good (Data Access Guide: 401 with code 4000, or a redirect to the login).
/// Then the call was certainly not carried out.
pub(super) fn is_turned_away(reply: &Reply) -> bool {
    match reply.status {
        401 => true,
        301..=303 | 307 | 308 => {
            let location = reply.header(header::LOCATION.as_str());
            let path = location.and_then(|location| location.split(['?', '#']).next());
            path.is_some_and(|path| path.trim_end_matches('/').ends_with("/login"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn a_dead_token_is_told_by_401_or_by_the_way_to_the_login() {
        let to = |location: &str| {
            let value = HeaderValue::from_str(location).unwrap();
            HeaderMap::from_iter([(header::LOCATION, value)])
        };
        for (status, headers, want) in [
            (401, HeaderMap::new(), true),
            (302, to("/login"), true),
            (302, to("https://ecs:4443/login?using-cookies=true"), true),
            (302, to("https://sso.example/start"), false),
            (302, to("/logins"), false),
            (302, HeaderMap::new(), false),
            (403, to("/login"), false),
            (200, to("/login"), false),
        ] {
            let reply = Reply {
                headers,
                ..Reply::made_up(status, "")
            };
            assert_eq!(is_turned_away(&reply), want, "{status} {:?}", reply.headers);
        }
    }
}
