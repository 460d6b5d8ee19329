//! Does a key work? A signed `ListBuckets` on every endpoint, and what the answers mean.
//!
//! The same question, asked the other way round, proves that a revoked key is dead.

use super::error::{Detail, Error, ErrorKind, Outcome};
use super::http::{Endpoint, HttpClient, HttpOptions, Reply, Signer, TlsOptions, client::is_code};
use super::{BackendKind, KeyPair};
use async_trait::async_trait;
use serde::Deserialize;
use std::{fmt, time::Duration};

const OPERATION: &str = "ListBuckets";

/// How long one endpoint may take to answer. Short: a proof is repeated, and a dead site must not hold up the others.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The S3 side of a store.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The store's backend, for error texts.
    pub backend: BackendKind,
    /// What applications use, and the further sites on which a key must work before it is published.
    pub endpoints: Vec<Endpoint>,
    /// Region of the credential scope.
    pub region: String,
    /// How to trust the endpoints.
    pub tls: TlsOptions,
}

/// Says whether a key works, and whether one that was revoked does not any more.
#[async_trait]
pub trait Prover: fmt::Debug + Send + Sync {
    /// Does this key work everywhere?
    async fn prove(&self, pair: &KeyPair) -> Proof;

    /// Is this key refused everywhere?
    async fn prove_dead(&self, pair: &KeyPair) -> Death;
}

/// Asks S3 endpoints whether a key works.
#[derive(Clone, Debug)]
pub struct S3Prober {
    settings: S3Settings,
    http: HttpClient,
}

/// What one answer says about the key that signed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is valid. What it may do is not ours to judge.
    Accepted,
    /// The key is valid, and its user is locked.
    Locked,
    /// Unknown key or wrong secret.
    Refused,
    /// Says nothing about the key.
    Unclear(ErrorKind, &'static str),
}

/// What all endpoints together say.
#[derive(Debug)]
pub enum Proof {
    /// Every endpoint accepts the key.
    Accepted,
    /// Every endpoint knows the key, and at least one says that its user is locked.
    Locked,
    /// At least one endpoint refuses it.
    Refused {
        /// The first that does.
        endpoint: Endpoint,
        /// The code it gave.
        code: String,
    },
    /// None refuses it, and at least one gave no usable answer.
    Unclear(Error),
}

/// What all endpoints together say about a key that was revoked.
#[derive(Debug)]
pub enum Death {
    /// Every endpoint refuses it.
    Dead,
    /// At least one endpoint still knows it, locked or not.
    Alive {
        /// The first that does.
        endpoint: Endpoint,
    },
    /// None knows it, and at least one gave no usable answer.
    Unclear(Error),
}

/// One endpoint's verdict with what is needed to report it.
#[derive(Debug)]
struct Answer {
    endpoint: Endpoint,
    verdict: Result<(Verdict, String), Error>,
}

impl S3Prober {
    /// Makes a prober; nothing is sent. Fails when the CA bundle cannot be used.
    pub fn new(settings: S3Settings) -> Result<Self, Error> {
        let options = HttpOptions {
            tls: settings.tls.clone(),
            timeout: CALL_LIMIT,
        };
        let http =
            HttpClient::new(&options).map_err(|text| problem(settings.backend, ErrorKind::Invalid, text))?;
        Ok(Self { settings, http })
    }
}

#[async_trait]
impl Prover for S3Prober {
    async fn prove(&self, pair: &KeyPair) -> Proof {
        let mut locked = false;
        let mut unclear = None;
        for Answer { endpoint, verdict } in self.ask_all(pair).await {
            match verdict {
                Ok((Verdict::Accepted, _)) => {}
                Ok((Verdict::Locked, _)) => locked = true,
                Ok((Verdict::Refused, code)) => return Proof::Refused { endpoint, code },
                Ok((Verdict::Unclear(kind, text), code)) => {
                    unclear.get_or_insert_with(|| self.unclear(&endpoint, kind, text, &code));
                }
                Err(error) => {
                    unclear.get_or_insert(error);
                }
            }
        }
        match unclear {
            Some(error) => Proof::Unclear(error),
            None if locked => Proof::Locked,
            None => Proof::Accepted,
        }
    }

    async fn prove_dead(&self, pair: &KeyPair) -> Death {
        let mut unclear = None;
        for Answer { endpoint, verdict } in self.ask_all(pair).await {
            match verdict {
                Ok((Verdict::Refused, _)) => {}
                Ok((Verdict::Accepted | Verdict::Locked, _)) => return Death::Alive { endpoint },
                Ok((Verdict::Unclear(kind, text), code)) => {
                    unclear.get_or_insert_with(|| self.unclear(&endpoint, kind, text, &code));
                }
                Err(error) => {
                    unclear.get_or_insert(error);
                }
            }
        }
        unclear.map_or(Death::Dead, Death::Unclear)
    }
}

impl S3Prober {
    async fn ask_all(&self, pair: &KeyPair) -> Vec<Answer> {
        let signer = Signer::new(
            pair.access_key_id.clone(),
            pair.secret.clone(),
            &self.settings.region,
        );
        let asked = self
            .settings
            .endpoints
            .iter()
            .map(|endpoint| self.ask(endpoint, &signer));
        futures::future::join_all(asked).await
    }

    async fn ask(&self, endpoint: &Endpoint, signer: &Signer) -> Answer {
        let verdict = match self.list_buckets(endpoint, signer).await {
            Ok(reply) => {
                let body = Body::of(&reply);
                let code = format!("{} {}", reply.status, body.code().unwrap_or("without a code"));
                Ok((judge(reply.status, &body), code))
            }
            Err(error) => Err(error),
        };
        Answer {
            endpoint: endpoint.clone(),
            verdict,
        }
    }

    async fn list_buckets(&self, endpoint: &Endpoint, signer: &Signer) -> Result<Reply, Error> {
        let backend = self.settings.backend;
        let invalid = |text: String| problem(backend, ErrorKind::Invalid, text);
        let mut request = http::Request::get(endpoint.at("/"))
            .body(Vec::new())
            .map_err(|_| invalid(format!("no request can be made for {endpoint}")))?;
        signer.sign(&mut request).map_err(invalid)?;
        self.http
            .send(request)
            .await
            .map_err(|e| e.into_error(backend, OPERATION, false))
    }

    fn unclear(&self, endpoint: &Endpoint, kind: ErrorKind, text: &str, code: &str) -> Error {
        problem(
            self.settings.backend,
            kind,
            format!("{endpoint}: {text} ({code})"),
        )
    }
}

fn problem(backend: BackendKind, kind: ErrorKind, text: String) -> Error {
    Error {
        kind,
        outcome: Outcome::NotApplied,
        backend,
        operation: OPERATION,
        detail: Detail::new(text),
        retry_after: None,
        request_id: None,
    }
}

/// As much of an S3 answer's body as a verdict needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `<ListAllMyBucketsResult>…`
    Listing,
    /// `<Error><Code>…</Code><Message>…</Message></Error>`
    Refusal {
        /// What went wrong, as a word.
        code: String,
        /// What went wrong, as a sentence.
        message: String,
    },
    /// Anything else, such as the page of a proxy.
    Other,
}

impl Body {
    fn of(reply: &Reply) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        struct Error {
            code: String,
            message: String,
        }
        let text = std::str::from_utf8(&reply.body).unwrap_or_default();
        if text.contains("<ListAllMyBucketsResult") {
            return Self::Listing;
        }
        let error: Option<Error> = if text.contains("<Error") {
            quick_xml::de::from_str(text).ok()
        } else {
            None
        };
        match error {
            Some(Error { code, message }) if is_code(&code) => Self::Refusal { code, message },
            _ => Self::Other,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Refusal { code, .. } => Some(code),
            Self::Listing | Self::Other => None,
        }
    }

    fn says_key_is_refused(&self) -> bool {
        matches!(self, Self::Refusal { message, .. } if REFUSED_BY_MESSAGE.iter().any(|m| message.contains(m)))
    }
}

/// Messages of Garage 2.5, which gives every refusal the code `AccessDenied`.
const REFUSED_BY_MESSAGE: [&str; 3] = ["No such key", "Invalid signature", "has expired"];

/// What status and body say about the key that signed the request.
pub fn judge(status: u16, body: &Body) -> Verdict {
    match (status, body.code()) {
        (200..=299, None) if *body == Body::Listing => Verdict::Accepted,
        (403, Some("UserSuspended")) => Verdict::Locked,
        (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch")) | (401, Some(_)) => Verdict::Refused,
        (403, Some("AccessDenied")) if body.says_key_is_refused() => Verdict::Refused,
        (403, Some("AccessDenied")) => Verdict::Accepted,
        (_, Some("RequestTimeTooSkewed")) => Verdict::Unclear(
            ErrorKind::Transient,
            "the clocks of storage and operator differ too much: set them right",
        ),
        (
            _,
            Some("AuthorizationHeaderMalformed" | "InvalidRegion" | "IllegalLocationConstraintException"),
        ) => Verdict::Unclear(
            ErrorKind::Invalid,
            "the region is not the storage's own: correct spec.s3.region of the ObjectStore",
        ),
        (300..=399, _) => Verdict::Unclear(
            ErrorKind::Invalid,
            "redirects are not followed: set the final address, and its region, in spec.s3",
        ),
        (429, _) | (503, Some("SlowDown")) => {
            Verdict::Unclear(ErrorKind::RateLimited, "it asks to slow down")
        }
        (408 | 500..=599, _) => Verdict::Unclear(ErrorKind::Transient, "it failed"),
        _ => Verdict::Unclear(
            ErrorKind::Protocol,
            "this is no answer to ListBuckets: is spec.s3.endpoint an S3 service?",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind as K;

    fn verdict(status: u16, body: &str) -> Verdict {
        judge(status, &Body::of(&Reply::made_up(status, body)))
    }

    /// As RGW 16 to 20 write it.
    fn refusal(code: &str, message: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>tx1</RequestId><HostId>h</HostId></Error>"#
        )
    }

    #[test]
    fn a_listing_proves_the_key_and_nothing_else_of_2xx_does() {
        let listing = r#"<?xml version="1.0"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></ListAllMyBucketsResult>"#;
        assert_eq!(verdict(200, listing), Verdict::Accepted);
        assert!(matches!(
            verdict(200, "<html>log in</html>"),
            Verdict::Unclear(K::Protocol, _)
        ));
        assert!(matches!(verdict(200, ""), Verdict::Unclear(K::Protocol, _)));
    }

    #[test]
    fn each_refusal_says_this_about_the_key() {
        for (status, code, want) in [
            (403, "AccessDenied", Verdict::Accepted),
            (403, "UserSuspended", Verdict::Locked),
            (403, "InvalidAccessKeyId", Verdict::Refused),
            (403, "SignatureDoesNotMatch", Verdict::Refused),
            // As cegedim.cloud answers to a secret that was replaced, by its page "Manage Object Users".
            (401, "Unauthorized", Verdict::Refused),
            (401, "InvalidAccessKeyId", Verdict::Refused),
            (401, "SignatureDoesNotMatch", Verdict::Refused),
            (401, "AccessDenied", Verdict::Refused),
        ] {
            assert_eq!(verdict(status, &refusal(code, "")), want, "{status} {code}");
        }
    }

    #[test]
    fn a_denial_that_names_an_unknown_key_refuses_it() {
        for message in [
            "Forbidden: No such key: GK1",
            "Forbidden: Invalid signature",
            "Forbidden: Access key GK1 has expired",
        ] {
            assert_eq!(
                verdict(403, &refusal("AccessDenied", message)),
                Verdict::Refused,
                "{message}"
            );
        }
        let denied = "Forbidden: Operation is not allowed for this key.";
        assert_eq!(verdict(403, &refusal("AccessDenied", denied)), Verdict::Accepted);
    }

    #[test]
    fn what_says_nothing_about_the_key_is_unclear() {
        for (status, body, want) in [
            (403, refusal("RequestTimeTooSkewed", ""), K::Transient),
            (400, refusal("AuthorizationHeaderMalformed", ""), K::Invalid),
            (301, refusal("PermanentRedirect", ""), K::Invalid),
            (302, String::new(), K::Invalid),
            (429, String::new(), K::RateLimited),
            (503, refusal("SlowDown", ""), K::RateLimited),
            (500, refusal("InternalError", ""), K::Transient),
            (502, "<html>".into(), K::Transient),
            (403, "<html>blocked</html>".into(), K::Protocol),
            (401, "<html>log in</html>".into(), K::Protocol),
            (404, refusal("NoSuchBucket", ""), K::Protocol),
        ] {
            let verdict = verdict(status, &body);
            assert!(
                matches!(verdict, Verdict::Unclear(kind, _) if kind == want),
                "{status} {body}: {verdict:?}"
            );
        }
    }
}
