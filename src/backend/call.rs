//! One call of an admin API as a pure value, and what its answers and failures mean whatever the product.

use super::error::{Detail, Error, ErrorKind, Outcome};
use super::http::{Endpoint, Reply, client::is_request_id};
use super::{BackendKind, Result};
use crate::domain::capabilities::Capabilities;
use http::Method;
use serde::de::DeserializeOwned;
use std::fmt;
use zeroize::Zeroizing;

/// One call, before it is addressed and signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Which driver makes it.
    pub backend: BackendKind,
    /// Short name, for logs and metrics.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path and query. Never holds a secret half: these end up in access logs.
    pub target: String,
    /// It changes nothing although its method is not GET, as where every call is a POST.
    pub reads: bool,
    /// What it is about, for error texts: `user gk-a`.
    pub subject: String,
    /// The body, with its content type. It may hold a secret half: wiped when dropped and never printed.
    pub body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.backend, self.method, self.target)
    }
}

impl Call {
    /// A call without a body.
    pub fn new(
        backend: BackendKind,
        operation: &'static str,
        method: Method,
        target: impl Into<String>,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            backend,
            operation,
            method,
            target: target.into(),
            reads: false,
            subject: subject.into(),
            body: None,
        }
    }

    /// The same with a body of JSON.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        let bytes = Zeroizing::new(body.to_string().into_bytes());
        self.body = Some(("application/json", bytes));
        self
    }

    /// The same, known to change nothing.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Whether it would change anything.
    pub fn changes(&self) -> bool {
        self.method != Method::GET && !self.reads
    }

    /// The request, addressed to this endpoint. Headers of the product and the signature are yet to come.
    pub fn request(&self, endpoint: &Endpoint) -> Result<http::Request<Vec<u8>>> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(endpoint.at(&self.target));
        let mut body = Vec::new();
        if let Some((content_type, bytes)) = &self.body {
            request = request.header(http::header::CONTENT_TYPE, *content_type);
            body.extend_from_slice(bytes);
        }
        request
            .body(body)
            .map_err(|_| self.refuse(ErrorKind::Invalid, "the request cannot be addressed"))
    }

    /// An error of our own making about this call.
    pub fn own(&self, kind: ErrorKind, outcome: Outcome, text: &str) -> Error {
        Error {
            kind,
            outcome,
            backend: self.backend,
            operation: self.operation,
            detail: Detail::new(format!("{}: {text}", self.subject)),
            retry_after: None,
            request_id: None,
        }
    }

    /// The same for a call that was certainly not carried out.
    pub fn refuse(&self, kind: ErrorKind, text: &str) -> Error {
        self.own(kind, Outcome::NotApplied, text)
    }

    /// A label that this backend takes.
    pub fn check_label(&self, capabilities: &Capabilities, label: &str) -> Result<()> {
        if capabilities.takes_label(label) {
            return Ok(());
        }
        let most = capabilities.label_max_chars;
        let text = format!("a label has 1 to {most} characters, none of them a control character");
        Err(self.refuse(ErrorKind::Invalid, &text))
    }

    /// An answer that was not understood: if the call changes something, it may have done so.
    pub fn misunderstood(&self, text: &str) -> Error {
        let outcome = if self.changes() {
            Outcome::Unknown
        } else {
            Outcome::NotApplied
        };
        self.own(ErrorKind::Protocol, outcome, text)
    }

    /// The error that an answer other than 2xx stands for. `judgement`: by status and by the product's own code.
    /// `advice`: what happened and what to do. `code`: the product's word for it, as far as it is fit to be shown.
    pub fn refused(
        &self,
        reply: &Reply,
        judgement: (ErrorKind, Outcome),
        advice: &str,
        code: Option<&str>,
    ) -> Error {
        let (kind, mut outcome) = judgement;
        if !self.changes() {
            outcome = Outcome::NotApplied;
        }
        let what = format!("{advice} ({} {})", reply.status, code.unwrap_or("without a code"));
        Error {
            retry_after: reply.retry_after,
            request_id: reply.request_id.clone().filter(|id| is_request_id(id)),
            ..self.own(kind, outcome, &what)
        }
    }

    /// The body as JSON. `what`: for a person, what it ought to have been.
    pub fn parse<T: DeserializeOwned>(&self, reply: &Reply, what: &str) -> Result<T> {
        // The parser's own text may quote the body.
        serde_json::from_slice(&reply.body).map_err(|_| self.misunderstood(what))
    }
}

/// Status to kind and outcome, where the product's own code does not say more. `understood`: the answer has the form of
/// the product's, so that it is not something in front of it that speaks.
pub fn judge(reply: &Reply, understood: bool) -> (ErrorKind, Outcome) {
    use ErrorKind as K;
    use Outcome::{NotApplied, Unknown};
    match reply.status {
        429 => (K::RateLimited, NotApplied),
        // By the word of something in front of the product, which may have passed the call on and lost the answer.
        503 if reply.retry_after.is_some() => (K::RateLimited, Unknown),
        401 | 403 => (K::Auth, NotApplied),
        405 | 501 if understood => (K::Unsupported, NotApplied),
        404 if understood => (K::NotFound, NotApplied),
        409 if understood => (K::Conflict, NotApplied),
        400 | 422 if understood => (K::Invalid, NotApplied),
        408 | 500..=599 => (K::Transient, Unknown),
        // "See other" may be said of what was carried out.
        303 => (K::Protocol, Unknown),
        300..=399 => (K::Protocol, NotApplied),
        _ => (K::Protocol, Unknown),
    }
}

/// Whether an answer is a success.
pub fn is_success(reply: &Reply) -> bool {
    (200..300).contains(&reply.status)
}
