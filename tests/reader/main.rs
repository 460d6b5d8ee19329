//! An application as its users know it: reads one object every 100 ms with the key that its Secret holds, and counts
//! what is refused. Runs in a Pod of the tests, as the image's only program.
//!
//! With `KEYS_FROM=DIR` it reads the key anew each time, from a mounted Secret; without, once, from its environment.

use gracekey::{
    backend::http::{Endpoint, HttpClient, HttpOptions, Signer, TlsOptions},
    domain::ids::AccessKeyId,
};
use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One read every so often.
const PACE: Duration = Duration::from_millis(100);
/// One line of counts every so often.
const REPORT: Duration = Duration::from_secs(1);

struct Key {
    id: String,
    secret: String,
    endpoint: String,
    region: String,
}

/// Both halves of a key from one version of the Secret: the kubelet swaps the link `..data` when it changes, and files
/// that are opened by way of their own names may come from before and after.
fn mounted(dir: &str) -> Result<Key, Failure> {
    let version = fs::canonicalize(Path::new(dir).join("..data"))?;
    let file = |name: &str| fs::read_to_string(version.join(name));
    Ok(Key {
        id: file("AWS_ACCESS_KEY_ID")?,
        secret: file("AWS_SECRET_ACCESS_KEY")?,
        endpoint: file("AWS_ENDPOINT_URL_S3")?,
        region: file("AWS_REGION")?,
    })
}

#[expect(clippy::disallowed_methods, reason = "a program of its own, without cli.rs")]
fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

fn from_environment() -> Result<Key, Failure> {
    Ok(Key {
        id: variable("AWS_ACCESS_KEY_ID")?,
        secret: variable("AWS_SECRET_ACCESS_KEY")?,
        endpoint: variable("AWS_ENDPOINT_URL_S3")?,
        region: variable("AWS_REGION")?,
    })
}

async fn read(http: &HttpClient, key: &Key, object: &str) -> Result<u16, Failure> {
    let endpoint = Endpoint::parse(&key.endpoint)?;
    let mut request = http::Request::get(endpoint.at(object)).body(Vec::new())?;
    let signer = Signer::new(
        AccessKeyId::new(&key.id),
        key.secret.clone().into(),
        key.region.clone(),
    );
    signer.sign(&mut request)?;
    let reply = http.send(request).await.map_err(|_| "no answer")?;
    Ok(reply.status)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let options = HttpOptions {
        tls: TlsOptions::default(),
        timeout: Duration::from_secs(5),
    };
    let http = HttpClient::new(&options)?;
    let object = variable("OBJECT")?;
    let dir = variable("KEYS_FROM").ok();
    let (mut reads, mut refused, mut reported) = (0_u32, 0_u32, Instant::now());
    let mut pace = tokio::time::interval(PACE);
    let mut out = std::io::stdout();
    loop {
        pace.tick().await;
        let key = dir.as_deref().map_or_else(from_environment, mounted)?;
        reads += 1;
        match read(&http, &key, &object).await {
            Ok(200) => {}
            other => {
                refused += 1;
                writeln!(out, "refused key={} answer={other:?}", key.id)?;
            }
        }
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            writeln!(out, "reads={reads} refused={refused} key={}", key.id)?;
        }
    }
}
