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

/// How long admin credentials that were refused are taken for refused: hundreds of users may come along at once, and each try may
/// count towards a lock of the account. Others are taken up at once.
pub const REFUSED: Duration = Duration::from_mins(1);
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

impl Failed {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < REFUSED
    }
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
    /// The token, of a login made now if there is none or it grows old. One that grows old serves on while a login fails.
    ///
    /// # Errors
    ///
    /// That of the login: of one made now, of the one that was waited for, or of one refused less than [`REFUSED`] ago.
    pub async fn get(&self, by: &impl Login<Token = T>) -> Result<Arc<T>> {
        let seen = self.logins.load(Ordering::SeqCst);
        let held = self.held.lock().await;
        let Some(token) = held.token.clone() else {
            return self.replace(by, held, seen).await;
        };
        if !by.is_old(&token) || held.failed.as_ref().is_some_and(Failed::is_fresh) {
            return Ok(token);
        }
        Ok(self.replace(by, held, seen).await.unwrap_or(token))
    }

    /// Another token than this one, which was refused.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn other_than(&self, refused: &Arc<T>, by: &impl Login<Token = T>) -> Result<Arc<T>> {
        let seen = self.logins.load(Ordering::SeqCst);
        let mut held = self.held.lock().await;
        match &held.token {
            // Somebody else was refused as well, and was first.
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Arc::clone(token)),
            _ => {
                let old = held.token.take();
                let token = self.replace(by, held, seen).await;
                if let Some(old) = old.filter(|_| token.is_ok()) {
                    by.give_back(&old).await;
                }
                token
            }
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
        if let Some(failed) = &held.failed
            && (waited || (failed.error.kind == ErrorKind::Auth && failed.is_fresh()))
        {
            return Err(failed.error.clone());
        }
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
                let old = held.token.replace(Arc::clone(&token));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendKind, error::Detail};
    use std::sync::atomic::AtomicBool;

    /// A product whose logins fail on request, and whose tokens are old at once or never.
    #[derive(Default)]
    struct Product {
        fails: AtomicBool,
        ages: AtomicBool,
        logins: AtomicU64,
        given_back: AtomicU64,
    }

    impl Login for Product {
        type Token = u64;

        async fn log_in(&self) -> Result<u64> {
            let n = self.logins.fetch_add(1, Ordering::SeqCst);
            if self.fails.load(Ordering::SeqCst) {
                return Err(Error {
                    kind: ErrorKind::Transient,
                    outcome: Outcome::Unknown,
                    backend: BackendKind::Ecs,
                    operation: "log_in",
                    detail: Detail::new("503"),
                    retry_after: None,
                    request_id: None,
                });
            }
            Ok(n)
        }

        async fn give_back(&self, _: &u64) {
            self.given_back.fetch_add(1, Ordering::SeqCst);
        }

        fn is_old(&self, _: &u64) -> bool {
            self.ages.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_token_that_grows_old_serves_on_while_a_login_fails() {
        let (product, shared) = (Product::default(), SharedToken::default());
        let first = shared.get(&product).await.unwrap();
        product.ages.store(true, Ordering::SeqCst);
        product.fails.store(true, Ordering::SeqCst);
        for _ in 0..5 {
            assert_eq!(shared.get(&product).await.unwrap(), first);
        }
        assert_eq!(
            product.logins.load(Ordering::SeqCst),
            2,
            "one try, and no more for a while"
        );
        product.fails.store(false, Ordering::SeqCst);
        shared.held.lock().await.failed = None; // as if it were long ago
        assert_ne!(shared.get(&product).await.unwrap(), first);
        assert_eq!(product.given_back.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_that_was_refused_does_not_serve_on() {
        let (product, shared) = (Product::default(), SharedToken::default());
        let first = shared.get(&product).await.unwrap();
        product.fails.store(true, Ordering::SeqCst);
        assert!(shared.other_than(&first, &product).await.is_err());
        assert!(shared.get(&product).await.is_err());
        product.fails.store(false, Ordering::SeqCst);
        assert_ne!(shared.get(&product).await.unwrap(), first);
    }
}
