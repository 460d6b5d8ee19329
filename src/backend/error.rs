//! What can go wrong towards a backend, said once for all drivers.
//!
//! An error carries a decision: its [`ErrorKind`] tells when to try again and whose fault it is, its [`Outcome`]
//! tells whether the call may have been carried out all the same. The two are independent.

use super::BackendKind;
use std::{fmt, time::Duration};

/// Result of a driver call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault it is and when to try again.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
pub enum ErrorKind {
    /// Connection refused, time-out, 5xx, truncated body. Nobody's fault; try again with backoff.
    Transient,
    /// The backend asked to slow down. Try again at `retry_after`.
    RateLimited,
    /// The admin credentials are wrong, expired or lack a right. The admin's to mend.
    Auth,
    /// Something that must be there is not (a namespace, an SVM). An absent user or key is a value, not this error.
    NotFound,
    /// Exists with another owner, still owns data, or no key slot is free.
    Conflict,
    /// The backend refuses a name or value. Trying again cannot help until the spec changes.
    Invalid,
    /// The backend cannot do this at all.
    Unsupported,
    /// The answer was not understood: our fault, or something else answers at this address.
    Protocol,
}

/// Whether the call may have been carried out although it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly not carried out: refused by the backend, or never sent.
    NotApplied,
    /// Perhaps carried out: the answer was lost, late or unclear. Read before doing anything else.
    Unknown,
}

/// A failed driver call. Its text is for people and never holds a secret half, a header or a body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{backend} {operation}: {detail}")]
pub struct Error {
    /// Whose fault, and when to try again.
    pub kind: ErrorKind,
    /// Whether it may have been carried out.
    pub outcome: Outcome,
    /// Which driver.
    pub backend: BackendKind,
    /// The driver's own short name of the call, for logs and metrics.
    pub operation: &'static str,
    /// What happened and what to do, for a person.
    pub detail: Detail,
    /// How long the backend asked us to wait.
    pub retry_after: Option<Duration>,
    /// The backend's own id of the request, for its log.
    pub request_id: Option<String>,
}

impl Error {
    /// Time heals it, and nothing else is known of what was asked for.
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, ErrorKind::Transient | ErrorKind::RateLimited)
    }
}

/// Text that was checked to be fit for status and logs: one line, at most 256 characters, no control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail(String);

impl Detail {
    /// Longest text kept, in characters.
    pub const MAX_CHARS: usize = 256;

    /// Takes a text that names what happened; cuts it to one printable line.
    pub fn new(text: impl AsRef<str>) -> Self {
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self(text.as_ref().chars().map(clean).take(Self::MAX_CHARS).collect())
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
