//! A socket, the requests that come in by it, and the list of those that the documents do not allow.

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use std::sync::{Arc, Mutex};
use std::{fmt, net::SocketAddr};
use tokio::task::AbortHandle;

/// Longest request that is read.
const MAX_BODY: usize = 1024 * 1024;

/// A request with its whole body.
pub type Incoming = Request<Bytes>;

/// An answer.
pub type Answer = Response<Body>;

/// What a request did that the documents do not allow. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    /// Notes one, as a sentence that names the request and the rule.
    pub fn note(&self, sentence: impl Into<String>) {
        self.0.lock().unwrap().push(sentence.into());
    }

    /// All so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Listens on loopback and answers until dropped. Dropping it panics if there were violations.
pub struct Server {
    address: SocketAddr,
    violations: Violations,
    task: AbortHandle,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Listens on a free port. `answer` sees one request after the other as a whole; it must not wait for anything.
    pub async fn start(
        violations: Violations,
        answer: impl Fn(Incoming) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let service = axum::Router::new().fallback(move |request: Request<Body>| {
            let answer = Arc::clone(&answer);
            async move {
                let (parts, body) = request.into_parts();
                match axum::body::to_bytes(body, MAX_BODY).await {
                    Ok(body) => answer(Request::from_parts(parts, body)),
                    Err(_) => reply(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "too long"),
                }
            }
        });
        let serving = async move { axum::serve(listener, service).await };
        #[expect(clippy::disallowed_methods, reason = "ends with this server, by its handle")]
        let task = tokio::spawn(serving).abort_handle();
        Self {
            address,
            violations,
            task,
        }
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let violations = self.violations.all();
        assert!(
            violations.is_empty() || std::thread::panicking(),
            "requests that the documents do not allow: {violations:#?}"
        );
    }
}

/// An answer with a body.
pub fn reply(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Answer {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// The parameters of a query, decoded, in the order that they came in. A flag has an empty value.
pub fn query(request: &Incoming) -> Vec<(String, String)> {
    let raw = request.uri().query().unwrap_or_default();
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The segments of a path, decoded.
pub fn path(request: &Incoming) -> Vec<String> {
    let path = request.uri().path().trim_start_matches('/');
    path.split('/').map(decode).collect()
}

/// A header as text.
pub fn header<'a>(request: &'a Incoming, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// User name and password of HTTP Basic.
pub fn basic(request: &Incoming) -> Option<(String, String)> {
    use base64::Engine as _;
    let encoded = header(request, "authorization")?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':')
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
