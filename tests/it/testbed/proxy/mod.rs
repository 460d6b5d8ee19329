//! A fault proxy: sits in front of a server, counts requests and spoils those it is told to.
//!
//! It listens in clear on loopback and speaks to its upstream in clear or by TLS. Requests are taken whole, answers are
//! passed on as they come, so that the watches of an API server work. The `Host` header stays what the client sent:
//! signatures cover it. Upgrades (exec, port-forward) are not passed on.

use futures::{StreamExt as _, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard};
use std::{fmt, io, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};

mod tests;

/// A request as the proxy saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its place in the order of arrival, from 1.
    pub(crate) number: usize,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    /// What it asks for, where all calls are forms to one address: the field `Action`.
    pub(crate) action: Option<String>,
    /// What the client wants to have, by its own word.
    pub(crate) accept: String,
    /// Access key id of the signature; none where there is no signature.
    pub(crate) signer: Option<String>,
}

impl Seen {
    /// The proof of a key: `ListBuckets`, signed with it.
    pub(crate) fn is_proof(&self) -> bool {
        self.method == Method::GET && self.target == "/" && self.signer.is_some()
    }
}

fn accept_of(headers: &HeaderMap) -> String {
    let value = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn action_of(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let mut fields = std::str::from_utf8(body).ok()?.split('&');
    fields
        .find_map(|field| field.strip_prefix("Action="))
        .map(str::to_owned)
}

fn signer_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = value.split_once("Credential=")?;
    credential.split('/').next().map(str::to_owned)
}

/// Done at the moment of a fault, such as killing a process.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// What happens to a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The connection is cut and the upstream never sees the request.
    CutBefore,
    /// The upstream carries the request out and the connection is cut without an answer.
    CutAfter,
    /// The upstream carries the request out and the connection is cut in the middle of the answer's body.
    CutWithin,
    /// As `CutBefore`, after the hook has run.
    RunThenCut(Hook),
    /// As `CutAfter`, after the hook has run.
    CarryOutThenRunThenCut(Hook),
    /// The upstream never sees the request; this is the answer.
    Answer(u16, HeaderMap, String),
    /// The upstream carries the request out; this is the answer all the same.
    Replace(u16, HeaderMap, String),
    /// The request waits this long before it is passed on.
    Delay(Duration),
    /// The upstream gets this body in place of the request's own.
    WithBody(String),
}

impl Fault {
    /// An answer without headers, in place of the upstream's.
    pub(crate) fn answer(status: u16, body: &str) -> Self {
        Self::Answer(status, HeaderMap::new(), body.to_owned())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutBefore => "CutBefore",
            Self::CutAfter => "CutAfter",
            Self::CutWithin => "CutWithin",
            Self::RunThenCut(_) => "RunThenCut",
            Self::CarryOutThenRunThenCut(_) => "CarryOutThenRunThenCut",
            Self::Answer(..) => "Answer",
            Self::Replace(..) => "Replace",
            Self::Delay(_) => "Delay",
            Self::WithBody(_) => "WithBody",
        })
    }
}

type When = Box<dyn Fn(&Seen) -> bool + Send>;

struct Rule {
    when: When,
    fault: Fault,
    /// `None`: as often as it matches.
    left: Option<usize>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
}

/// A running proxy; it ends when dropped.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultProxy({})", self.address)
    }
}

impl FaultProxy {
    /// Starts in front of `upstream`, such as `https://127.0.0.1:6443`. `ca`: PEM that an upstream by TLS is trusted by.
    pub(crate) async fn start(upstream: &str, ca: Option<&[u8]>) -> Self {
        let upstream = Arc::new(Upstream::new(upstream, ca));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state), upstream));
        Self {
            address,
            state,
            _tasks: tasks,
        }
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Spoils the next request that matches. Rules that were added first come first.
    pub(crate) fn once(&self, when: impl Fn(&Seen) -> bool + Send + 'static, fault: Fault) {
        self.state().rules.push(Rule {
            when: Box::new(when),
            fault,
            left: Some(1),
        });
    }

    /// Spoils every request that matches, until [`heal`](Self::heal).
    pub(crate) fn always(&self, when: impl Fn(&Seen) -> bool + Send + 'static, fault: Fault) {
        self.state().rules.push(Rule {
            when: Box::new(when),
            fault,
            left: None,
        });
    }

    /// Takes all rules back.
    pub(crate) fn heal(&self) {
        self.state().rules.clear();
    }

    /// What a log of all requests would show.
    pub(crate) fn access_log(&self) -> String {
        let state = self.state();
        let lines = state
            .seen
            .iter()
            .map(|seen| format!("{} {}", seen.method, seen.target));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// All requests so far, spoilt ones too.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, upstream: Arc<Upstream>) {
    // Ends with this task, and so do all connections.
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (state, upstream) = (Arc::clone(&state), Arc::clone(&upstream));
        // Nagle's algorithm against delayed acknowledgements would cost 40 ms a request.
        socket.set_nodelay(true).unwrap();
        connections.spawn(async move {
            let service = service_fn(|request| serve(request, &state, &upstream));
            // An error here is a fault that was asked for, or a client that went away.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await,
            );
        });
        while connections.try_join_next().is_some() {}
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An error cuts the connection.
async fn serve(
    request: Request<Incoming>,
    state: &Mutex<State>,
    upstream: &Upstream,
) -> io::Result<Response<Body>> {
    let request = whole(request).await?;
    let fault = arrive(&request, &mut state.lock().unwrap());
    match fault {
        None => upstream.forward(request).await,
        Some(Fault::CutBefore) => Err(cut()),
        Some(Fault::RunThenCut(hook)) => {
            hook();
            Err(cut())
        }
        Some(Fault::CutAfter) => {
            upstream.carry_out(request).await?;
            Err(cut())
        }
        Some(Fault::CarryOutThenRunThenCut(hook)) => {
            upstream.carry_out(request).await?;
            hook();
            Err(cut())
        }
        Some(Fault::CutWithin) => Ok(upstream.forward(request).await?.map(break_off)),
        Some(Fault::Answer(status, headers, body)) => Ok(answer(status, headers, body)),
        Some(Fault::Replace(status, headers, body)) => {
            upstream.carry_out(request).await?;
            Ok(answer(status, headers, body))
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            upstream.forward(request).await
        }
        Some(Fault::WithBody(body)) => {
            let mut request = request.map(|_| Bytes::from(body));
            request.headers_mut().remove(header::CONTENT_LENGTH);
            upstream.forward(request).await
        }
    }
}

/// The request with its body.
async fn whole(request: Request<Incoming>) -> io::Result<Request<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Request::from_parts(parts, body))
}

/// Counts the request and finds its fault.
fn arrive(request: &Request<Bytes>, state: &mut State) -> Option<Fault> {
    let target = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let seen = Seen {
        number: state.seen.len() + 1,
        method: request.method().clone(),
        target,
        action: action_of(request.headers(), request.body()),
        accept: accept_of(request.headers()),
        signer: signer_of(request.headers()),
    };
    let rule = state
        .rules
        .iter_mut()
        .find(|rule| rule.left != Some(0) && (rule.when)(&seen));
    state.seen.push(seen);
    let rule = rule?;
    rule.left = rule.left.map(|left| left - 1);
    Some(rule.fault.clone())
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

fn answer(status: u16, headers: HeaderMap, body: String) -> Response<Body> {
    let mut response = Response::new(Full::from(body).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = headers;
    response
}

/// Passes on what comes first, or all but the last byte of it, and breaks off.
fn break_off(body: Body) -> Body {
    let frames = stream::once(async {
        let mut body = body;
        let first = body
            .frame()
            .await
            .and_then(Result::ok)
            .and_then(|frame| frame.into_data().ok())
            .unwrap_or_default();
        Ok(Frame::data(first.slice(..first.len().saturating_sub(1))))
    });
    StreamBody::new(frames.chain(stream::once(async { Err(cut()) }))).boxed_unsync()
}

/// The server behind the proxy.
struct Upstream {
    base: String,
    client: reqwest::Client,
}

impl Upstream {
    fn new(base: &str, ca: Option<&[u8]>) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only();
        if let Some(pem) = ca {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).unwrap());
        }
        Self {
            base: base.trim_end_matches('/').to_owned(),
            client: builder.build().unwrap(),
        }
    }

    /// Sends the request and waits until the answer begins.
    async fn send(&self, request: Request<Bytes>) -> io::Result<reqwest::Response> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        parts.uri = format!("{}{target}", self.base)
            .parse()
            .map_err(io::Error::other)?;
        remove_hop_by_hop(&mut parts.headers);
        let request =
            reqwest::Request::try_from(Request::from_parts(parts, body)).map_err(io::Error::other)?;
        self.client.execute(request).await.map_err(io::Error::other)
    }

    /// Sends the request and waits for the whole answer.
    async fn carry_out(&self, request: Request<Bytes>) -> io::Result<()> {
        self.send(request)
            .await?
            .bytes()
            .await
            .map(drop)
            .map_err(io::Error::other)
    }

    /// Sends the request and passes the answer on as it comes.
    async fn forward(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let reply = self.send(request).await?;
        let status = reply.status();
        let mut headers = reply.headers().clone();
        remove_hop_by_hop(&mut headers);
        let chunks = stream::unfold(reply, async |mut reply| {
            let chunk = reply.chunk().await.map_err(io::Error::other).transpose()?;
            Some((chunk.map(Frame::data), reply))
        });
        let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::TE,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}
