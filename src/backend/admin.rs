//! Whether a store takes the admin credentials. Where it does not, nobody tries them for a while: hundreds of users may come
//! along at once, and each try may count towards a lock of the account. Others are taken up at once, with a driver of their own.

use super::{BackendInfo, Error, ErrorKind, Outcome, Result};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// What the last probe said of them.
#[derive(Debug)]
pub struct Admin {
    /// For how long a probe counts.
    patience: Duration,
    last: Mutex<Option<Probed>>,
}

#[derive(Debug)]
struct Probed {
    at: Instant,
    refused: Option<Error>,
}

impl Admin {
    /// Of which nothing is known yet.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            last: Mutex::new(None),
        }
    }

    fn is_fresh(&self, probed: &Probed) -> bool {
        probed.at.elapsed() < self.patience
    }

    /// Notes what came of a probe.
    pub fn note(&self, probe: &Result<BackendInfo>) {
        let refused = probe.as_ref().err().filter(|error| error.kind == ErrorKind::Auth);
        let probed = Probed {
            at: Instant::now(),
            refused: refused.cloned(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(probed);
    }

    /// # Errors
    ///
    /// They were refused a short while ago: that error, of this operation, which is not carried out.
    pub fn check(&self, operation: &'static str) -> Result<()> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = last
            .as_ref()
            .filter(|last| self.is_fresh(last))
            .and_then(|last| last.refused.clone());
        refused.map_or(Ok(()), |error| {
            Err(Error {
                operation,
                outcome: Outcome::NotApplied,
                ..error
            })
        })
    }

    /// A call was refused that may lack no more than one right: only a probe tells, and the last one was a while ago.
    pub fn is_in_doubt(&self, error: &Error) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        error.kind == ErrorKind::Auth && !last.as_ref().is_some_and(|last| self.is_fresh(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendKind, error::Detail};

    #[test]
    fn refused_credentials_are_refused_for_a_while_and_then_tried_again() {
        let refused = Error {
            kind: ErrorKind::Auth,
            outcome: Outcome::Unknown,
            backend: BackendKind::Ecs,
            operation: "probe",
            detail: Detail::new("why"),
            retry_after: None,
            request_id: None,
        };
        let is_barred = |patience| {
            let admin = Admin::new(patience);
            assert!(admin.check("revoke").is_ok() && admin.is_in_doubt(&refused));
            admin.note(&Err(refused.clone()));
            admin.check("revoke").is_err_and(|error| {
                assert_eq!((error.operation, error.outcome), ("revoke", Outcome::NotApplied));
                !admin.is_in_doubt(&error)
            })
        };
        assert!(is_barred(Duration::from_mins(1)));
        assert!(!is_barred(Duration::ZERO));
    }
}
