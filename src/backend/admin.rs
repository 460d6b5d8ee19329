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
    /// Other calls are refused as well. Where they are not, a probe lacks no more than a right, and keys go on being revoked.
    calls_too: bool,
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

    /// Notes what came of a probe. `calls_too`: another call was refused before it.
    pub fn note(&self, probe: &Result<BackendInfo>, calls_too: bool) {
        let refused = probe.as_ref().err().filter(|error| error.kind == ErrorKind::Auth);
        let probed = Probed {
            at: Instant::now(),
            refused: refused.cloned(),
            calls_too,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(probed);
    }

    /// # Errors
    ///
    /// A probe was refused a short while ago: that error.
    pub fn check_probe(&self) -> Result<()> {
        self.refusal(|_| true).map_or(Ok(()), Err)
    }

    /// # Errors
    ///
    /// They were refused a short while ago, to a probe and to another call: that error, of this operation, which is not carried
    /// out.
    pub fn check(&self, operation: &'static str) -> Result<()> {
        let refusal = self.refusal(|probed| probed.calls_too);
        refusal.map_or(Ok(()), |error| {
            Err(Error {
                operation,
                outcome: Outcome::NotApplied,
                ..error
            })
        })
    }

    fn refusal(&self, counts: impl FnOnce(&Probed) -> bool) -> Option<Error> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref().filter(|last| self.is_fresh(last));
        last.filter(|last| counts(last))
            .and_then(|last| last.refused.clone())
    }

    /// A call ended so. Whether that leaves a doubt which only a probe ends: it was refused, perhaps for want of one right, and the
    /// last probe was a while ago.
    pub fn doubts(&self, error: &Error) -> bool {
        if error.kind != ErrorKind::Auth {
            return false;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut().filter(|last| self.is_fresh(last)) {
            Some(probed) => probed.calls_too = true,
            None => return true,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendKind, error::Detail};

    fn refused() -> Error {
        Error {
            kind: ErrorKind::Auth,
            outcome: Outcome::Unknown,
            backend: BackendKind::Ecs,
            operation: "probe",
            detail: Detail::new("why"),
            retry_after: None,
            request_id: None,
        }
    }

    #[test]
    fn a_probe_that_is_refused_alone_stops_no_call() {
        let admin = Admin::new(Duration::from_mins(1));
        admin.note(&Err(refused()), false);
        assert!(admin.check_probe().is_err() && admin.check("revoke").is_ok());
        assert!(!admin.doubts(&refused()), "it was asked a moment ago");
        assert!(admin.check("revoke").is_err(), "now a call was refused as well");
    }

    #[test]
    fn refused_credentials_are_refused_for_a_while_and_then_tried_again() {
        let refused = refused();
        let is_barred = |patience| {
            let admin = Admin::new(patience);
            assert!(admin.check("revoke").is_ok() && admin.doubts(&refused));
            admin.note(&Err(refused.clone()), true);
            admin.check("revoke").is_err_and(|error| {
                assert_eq!((error.operation, error.outcome), ("revoke", Outcome::NotApplied));
                !admin.doubts(&error)
            })
        };
        assert!(is_barred(Duration::from_mins(1)));
        assert!(!is_barred(Duration::ZERO));
    }
}
