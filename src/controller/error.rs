//! Why a reconciliation ended early.

use crate::{
    backend,
    domain::{capabilities::Capabilities, reason::Reason},
};

/// Ends a reconciliation. What people see of it is in [`Trouble`]; this is for what nothing can be written about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or did not answer.
    #[error("Kubernetes API: {0}")]
    Kube(#[from] Box<kube::Error>),
    /// Somebody else wrote the object first: look at it anew.
    #[error("the object changed meanwhile")]
    Stale,
    /// The pass took too long and was cut off.
    #[error("the pass took too long")]
    Slow,
    /// The object vanished.
    #[error("the object is gone")]
    Gone,
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        if let kube::Error::Api(status) = &error {
            if status.is_conflict() || status.is_already_exists() {
                return Self::Stale;
            }
            if status.is_not_found() {
                return Self::Gone;
            }
        }
        Self::Kube(Box::new(error))
    }
}

/// Something that a person can be told: a reason, a sentence, and whether time heals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// For the condition.
    pub reason: Reason,
    /// What happened, to what, and what to do. Stable from one failure to the next.
    pub message: String,
    /// Somebody has to change something; else it is tried again.
    pub stalled: bool,
    /// Try again no earlier than this.
    pub retry_after: Option<std::time::Duration>,
}

impl Trouble {
    /// Time heals it.
    pub fn passing(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            stalled: false,
            retry_after: None,
        }
    }

    /// Somebody has to change something.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            stalled: true,
            retry_after: None,
        }
    }
}

/// Whose fault a failed call is, and whether time heals it. The one place that decides it.
impl From<&backend::Error> for Trouble {
    fn from(error: &backend::Error) -> Self {
        use backend::ErrorKind;
        let (reason, stalled) = match error.kind {
            ErrorKind::Transient => (Reason::BackendUnavailable, false),
            ErrorKind::RateLimited => (Reason::RateLimited, false),
            ErrorKind::Auth => (Reason::AuthenticationFailed, false),
            ErrorKind::NotFound => (Reason::StoreNotReady, false),
            ErrorKind::Conflict => (Reason::UserConflict, true),
            ErrorKind::Invalid => (Reason::InvalidSpec, true),
            ErrorKind::Unsupported => (Reason::Unsupported, true),
            ErrorKind::Protocol => (Reason::UnexpectedResponse, false),
        };
        // A text that changes with each failure would be a write with each failure: what was read is not named.
        let message = if error.kind == ErrorKind::Transient {
            let what = match error.outcome {
                backend::Outcome::Unknown => {
                    format!(
                        "{} {}: the store failed or did not answer",
                        error.backend, error.operation
                    )
                }
                backend::Outcome::NotApplied => "The store does not answer".to_owned(),
            };
            format!("{what}. It is tried again; keys and Secret stay as they are.")
        } else {
            error.to_string()
        };
        Self {
            reason,
            message,
            stalled,
            retry_after: error.retry_after,
        }
    }
}

impl From<backend::Error> for Trouble {
    fn from(error: backend::Error) -> Self {
        Self::from(&error)
    }
}

/// A backend did not find what it had just shown. Where no read lags, `NotFound` is about something else, such as a namespace.
pub fn is_late(error: &backend::Error, capabilities: &Capabilities) -> bool {
    error.kind == backend::ErrorKind::NotFound && capabilities.reads_lag()
}

/// A step ends in one of these: a sentence for the object, or nothing that can be written.
#[derive(Debug)]
pub enum Failure {
    /// Goes into status.
    Trouble(Trouble),
    /// Ends the reconciliation.
    Error(Error),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<backend::Error> for Failure {
    fn from(error: backend::Error) -> Self {
        Self::Trouble(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendKind, ErrorKind, Outcome, error::Detail, iam};
    use std::time::Duration;

    #[test]
    fn what_is_not_found_is_late_only_where_reads_lag() {
        let of = |kind| backend::Error {
            kind,
            outcome: Outcome::NotApplied,
            backend: BackendKind::Iam,
            operation: "DeleteUser",
            detail: Detail::new("it is not there"),
            retry_after: None,
            request_id: None,
        };
        let lagging = iam::CAPABILITIES;
        let prompt = Capabilities {
            list_lag: Duration::ZERO,
            ..lagging
        };
        assert!(is_late(&of(ErrorKind::NotFound), &lagging));
        assert!(!is_late(&of(ErrorKind::Conflict), &lagging));
        // The storage VM is gone, say.
        assert!(!is_late(&of(ErrorKind::NotFound), &prompt));
    }
}
