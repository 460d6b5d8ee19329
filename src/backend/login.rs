//! One token for all calls of a connection: one login under way at a time, and a token that is replaced is given back.

use super::error::{Error, ErrorKind, Outcome, Result};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout},
};

/// How long a refused login is taken for refused: hundreds of users may come along at once, and each try may count
/// towards a lock of the account.
pub const REFUSED: Duration = Duration::from_secs(10);
/// How long giving a token back may take.
pub const LOGOUT_LIMIT: Duration = Duration::from_millis(1500);

/// How a product trades a name and a password for a token.
pub trait Login: Sync {
    /// What it gives.
    type Token: Send + Sync;

    /// Asks for a new token.
    fn log_in(&self) -> impl Future<Output = Result<Self::Token>> + Send;

    /// Ends a token, within [`LOGOUT_LIMIT`]. Best effort: it ends by itself.
    fn give_back(&self, token: &Self::Token) -> impl Future<Output = ()> + Send;

    /// Time for another, before it ends.
    fn is_old(&self, token: &Self::Token) -> bool;
}

/// The token that is held, or why there is none.
#[derive(Debug)]
pub struct SharedToken<T> {
    /// Logins that came to an end, whichever.
    logins: AtomicU64,
    held: Mutex<Held<T>>,
}

#[derive(Debug)]
struct Held<T> {
    token: Option<Arc<T>>,
    failed: Option<Failed>,
}

/// The last login, if it failed.
#[derive(Debug)]
struct Failed {
    at: Instant,
    error: Error,
}

impl<T> Default for SharedToken<T> {
    fn default() -> Self {
        let held = Held {
            token: None,
            failed: None,
        };
        Self {
            logins: AtomicU64::new(0),
            held: Mutex::new(held),
        }
    }
}

impl<T: Send + Sync> SharedToken<T> {
    /// The token, of a login made now if there is none or it grows old.
    ///
    /// # Errors
    ///
    /// That of the login: of one made now, of the one that was waited for, or of one refused less than [`REFUSED`] ago.
    pub async fn get(&self, by: &impl Login<Token = T>) -> Result<Arc<T>> {
        let seen = self.logins.load(Ordering::SeqCst);
        let held = self.held.lock().await;
        match &held.token {
            Some(token) if !by.is_old(token) => Ok(Arc::clone(token)),
            _ => self.replace(by, held, seen).await,
        }
    }

    /// Another token than this one, which was refused.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn other_than(&self, refused: &Arc<T>, by: &impl Login<Token = T>) -> Result<Arc<T>> {
        let seen = self.logins.load(Ordering::SeqCst);
        let held = self.held.lock().await;
        match &held.token {
            // Somebody else was refused as well, and was first.
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Arc::clone(token)),
            _ => self.replace(by, held, seen).await,
        }
    }

    /// `seen`: the count of logins before the wait for our turn.
    async fn replace(
        &self,
        by: &impl Login<Token = T>,
        mut held: MutexGuard<'_, Held<T>>,
        seen: u64,
    ) -> Result<Arc<T>> {
        let waited = self.logins.load(Ordering::SeqCst) != seen;
        if let Some(failed) = &held.failed {
            let is_fresh = failed.error.kind == ErrorKind::Auth && failed.at.elapsed() < REFUSED;
            if waited || is_fresh {
                return Err(failed.error.clone());
            }
        }
        let old = held.token.take();
        // Whatever call this is for has not been sent.
        let result = by.log_in().await.map_err(|error| Error {
            outcome: Outcome::NotApplied,
            ..error
        });
        self.logins.fetch_add(1, Ordering::SeqCst);
        held.failed = None;
        match result {
            Ok(token) => {
                let token = Arc::new(token);
                held.token = Some(Arc::clone(&token));
                drop(held);
                if let Some(old) = old {
                    by.give_back(&old).await;
                }
                Ok(token)
            }
            Err(error) => {
                held.failed = Some(Failed {
                    at: Instant::now(),
                    error: error.clone(),
                });
                Err(error)
            }
        }
    }

    /// Ends the token, if there is one. Best effort: it ends by itself.
    pub async fn end(&self, by: &impl Login<Token = T>) {
        let token = timeout(LOGOUT_LIMIT, async { self.held.lock().await.token.take() }).await;
        if let Ok(Some(token)) = token {
            by.give_back(&token).await;
        }
    }
}
