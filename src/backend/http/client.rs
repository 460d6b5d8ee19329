//! The one place that makes HTTP clients: `reqwest` behind a narrow door.

use crate::backend::BackendKind;
use crate::backend::error::{Detail, Error, ErrorKind, Outcome};
use http::HeaderMap;
use std::{error::Error as _, fmt, sync::OnceLock, time::Duration};
use zeroize::Zeroizing;

/// Longest answer that is read. A user with thousands of keys stays below it.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Gateways close idle connections after 60 s or later (RGW: 65 s); a client that lets go first never writes into a
/// connection that is being closed, which would make the outcome of a write unknown.
const POOL_IDLE: Duration = Duration::from_secs(30);

const CONNECT: Duration = Duration::from_secs(5);

/// Longest wait that a backend may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How to trust a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// PEM certificates to trust **instead of** the system's.
    pub ca_bundle: Option<Vec<u8>>,
    /// Trust anybody. For trials only.
    pub insecure_skip_verify: bool,
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// How to trust the server.
    pub tls: TlsOptions,
    /// How long a whole call may take, from connecting to the last byte.
    pub timeout: Duration,
}

/// An HTTP client: no redirects, no retries, bounded answers, bounded time.
///
/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the process are honoured.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

/// An answer of any status. Its body may hold secrets: it is wiped when dropped and never printed. Nor are its headers.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where the server sent one.
    pub retry_after: Option<Duration>,
    /// `x-amz-request-id`, where the server sent one.
    pub request_id: Option<String>,
    /// `Server`, where the server sent one.
    pub server: Option<String>,
    /// All headers, for what only one product says by one.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// A header as text; `None` where it was not sent, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An answer as a test makes it up.
    #[cfg(test)]
    pub(crate) fn made_up(status: u16, body: &str) -> Self {
        Self {
            status,
            retry_after: None,
            request_id: None,
            server: None,
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// No answer, or none that could be read. The text names address and cause, never a path, query, header or body.
#[derive(Debug)]
pub struct SendError {
    /// Whether anything of the request may have reached the server.
    pub sent: bool,
    /// Whose fault.
    pub kind: ErrorKind,
    /// What happened.
    pub text: String,
}

impl SendError {
    /// The driver error of a call. `changes`: it would change something, so that it may have done so if it was sent.
    pub fn into_error(self, backend: BackendKind, operation: &'static str, changes: bool) -> Error {
        Error {
            kind: self.kind,
            outcome: if self.sent && changes {
                Outcome::Unknown
            } else {
                Outcome::NotApplied
            },
            backend,
            operation,
            detail: Detail::new(self.text),
            retry_after: None,
            request_id: None,
        }
    }
}

impl HttpClient {
    /// Makes a client. Fails with a sentence for a person when the CA bundle cannot be used.
    pub fn new(options: &HttpOptions) -> Result<Self, String> {
        let Some(pem) = &options.tls.ca_bundle else {
            // Where the system has none, endpoints without TLS are usable all the same, and the others have an error
            // that names the certificate.
            let client = builder(options).tls_certs_only(system_roots()).build();
            return client.map(Self).map_err(|e| no_client(&e));
        };
        let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| bad_bundle(&e))?;
        if roots.is_empty() {
            return Err("the CA bundle holds no PEM certificate".to_owned());
        }
        builder(options)
            .tls_certs_only(roots)
            .build()
            .map(Self)
            .map_err(|e| bad_bundle(&e))
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Reply, SendError> {
        let host = request
            .uri()
            .authority()
            .map_or_else(String::new, ToString::to_string);
        let request = reqwest::Request::try_from(request).map_err(|e| SendError {
            sent: false,
            kind: ErrorKind::Invalid,
            text: format!("no request could be made for {host}: {}", root_cause(&e)),
        })?;
        let mut response = self.0.execute(request).await.map_err(|e| failed(&host, &e))?;
        let mut reply = Reply {
            status: response.status().as_u16(),
            retry_after: None,
            request_id: None,
            server: None,
            headers: std::mem::take(response.headers_mut()),
            body: Zeroizing::new(Vec::new()),
        };
        let header = |name: &str| reply.header(name).map(str::to_owned);
        (reply.retry_after, reply.request_id, reply.server) = (
            header("retry-after").and_then(|v| retry_after(&v)),
            header("x-amz-request-id").filter(|id| is_request_id(id)),
            header("server"),
        );
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(&host, &e))? {
            if reply.body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(SendError {
                    sent: true,
                    kind: ErrorKind::Protocol,
                    text: format!("the answer of {host} is longer than {MAX_ANSWER_BYTES} bytes"),
                });
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }
}

/// The certificates that this system trusts, read once for all clients: each would read some 150 files anew.
fn system_roots() -> Vec<reqwest::Certificate> {
    static ROOTS: OnceLock<Vec<reqwest::Certificate>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs().certs;
        // One that cannot be used would spoil the others.
        let usable = found
            .into_iter()
            .filter(|root| rustls::RootCertStore::empty().add(root.clone()).is_ok());
        usable
            .filter_map(|root| reqwest::Certificate::from_der(&root).ok())
            .collect()
    };
    ROOTS.get_or_init(read).clone()
}

fn builder(options: &HttpOptions) -> reqwest::ClientBuilder {
    // reqwest panics when no provider is there; a second installation is refused and changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("gracekey/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(options.timeout)
        .pool_idle_timeout(POOL_IDLE);
    if options.tls.insecure_skip_verify {
        builder.tls_danger_accept_invalid_certs(true)
    } else {
        builder
    }
}

/// Whether a text that a server chose is an error code: a word or two in letters, shorter than any secret. `MinIO`'s own codes
/// say so before the rest.
pub fn is_code(text: &str) -> bool {
    let rest = text.strip_prefix("XMinio").unwrap_or(text);
    (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Whether a text that a server chose is an id of a request: parts with dashes between, each shorter than any secret.
pub fn is_request_id(text: &str) -> bool {
    let is_part = |part: &str| part.len() <= 32 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    !text.is_empty() && text.len() <= 128 && text.split('-').all(is_part)
}

fn retry_after(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

fn failed(host: &str, error: &reqwest::Error) -> SendError {
    // A connection that was never made carried nothing; anything later may have arrived.
    let sent = !error.is_connect() && !error.is_builder();
    let cause = root_cause(error);
    let text = if cause.contains("certificate") {
        format!("{host} showed a certificate that is not trusted ({cause}): see spec.tls of the ObjectStore")
    } else if error.is_timeout() && sent {
        format!("{host} did not answer in time")
    } else if !sent {
        format!("{host} cannot be reached: {cause}")
    } else {
        format!("the connection to {host} broke before the answer was complete: {cause}")
    };
    SendError {
        sent,
        kind: ErrorKind::Transient,
        text,
    }
}

fn bad_bundle(error: &reqwest::Error) -> String {
    format!("the CA bundle cannot be used: {}", root_cause(error))
}

fn no_client(error: &reqwest::Error) -> String {
    format!("no HTTP client can be made: {}", root_cause(error))
}

/// The innermost cause: says most, and unlike the outer ones never holds a URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "no cause was given".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_capped() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn codes_and_request_ids_are_told_from_secrets() {
        let secret = "AIpLczsgWKqbgnI47XHC5okgjpC3HSLEgOnaYmhR";
        for code in [
            "NoSuchUser",
            "AuthorizationHeaderMalformed",
            "XMinioAdminPolicyChangeAlreadyApplied",
        ] {
            assert!(is_code(code), "{code}");
        }
        for id in [
            "tx00000a1b2c3d4e5f60718-00692265d1-1036-default",
            "4442587FB7D0A2F9",
        ] {
            assert!(is_request_id(id), "{id}");
        }
        for text in [
            "",
            "a b",
            "a\n",
            "<b>",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            secret,
        ] {
            assert!(!is_code(text) && !is_request_id(text), "{text}");
        }
    }

    #[test]
    fn a_bundle_without_certificates_is_refused_with_a_sentence() {
        let tls = TlsOptions {
            ca_bundle: Some(b"nothing".to_vec()),
            insecure_skip_verify: false,
        };
        let refusal = HttpClient::new(&HttpOptions {
            tls,
            timeout: CONNECT,
        })
        .unwrap_err();
        assert_eq!(refusal, "the CA bundle holds no PEM certificate");
    }

    #[tokio::test]
    async fn nothing_is_sent_where_nobody_listens() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: CONNECT,
        };
        let request = http::Request::get(format!("http://{free}/x?secret=y"))
            .body(Vec::new())
            .unwrap();
        let error = HttpClient::new(&options)
            .unwrap()
            .send(request)
            .await
            .unwrap_err();
        assert!(!error.sent);
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(!error.text.contains("secret"), "{}", error.text);
    }
}
