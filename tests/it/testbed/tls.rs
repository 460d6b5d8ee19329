//! TLS in front of a server that has none.

use super::unique;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{net::SocketAddr, path::Path, process::Command, sync::Arc};
use tokio::{io::copy_bidirectional, net::TcpListener, net::TcpStream, task::JoinSet};
use tokio_rustls::TlsAcceptor;

/// Takes TLS off and passes the bytes on. It has a certificate for 127.0.0.1 of an authority of its own, and ends when
/// dropped.
#[derive(Debug)]
pub(crate) struct TlsFront {
    address: SocketAddr,
    /// PEM certificate that it is trusted by.
    pub(crate) ca: Vec<u8>,
    _tasks: JoinSet<()>,
}

impl TlsFront {
    /// Starts in front of `upstream`, such as `http://127.0.0.1:7480`.
    pub(crate) async fn start(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let (certificate, key) = self_signed();
        let server =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![CertificateDer::from_pem_slice(&certificate).unwrap()],
                    PrivateKeyDer::from_pem_slice(&key).unwrap(),
                )
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, TlsAcceptor::from(Arc::new(server)), upstream));
        Self {
            address,
            ca: certificate,
            _tasks: tasks,
        }
    }

    /// Where it listens, as `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, upstream: String) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        connections.spawn(async move {
            // A client that does not trust us hangs up: no more than that is asked of it.
            let Ok(mut client) = acceptor.accept(socket).await else {
                return;
            };
            let mut server = TcpStream::connect(upstream).await.unwrap();
            drop(copy_bidirectional(&mut client, &mut server).await);
        });
    }
}

/// A certificate for 127.0.0.1 and its key, in PEM.
fn self_signed() -> (Vec<u8>, Vec<u8>) {
    let (run, number) = unique();
    let file = |kind: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{run}-{number}.{kind}"));
    let (certificate, key) = (file("crt"), file("key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=testbed", "-addext", "subjectAltName=IP:127.0.0.1"])
        // As an authority it would be refused as a server.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([
            "-keyout".as_ref(),
            key.as_os_str(),
            "-out".as_ref(),
            certificate.as_os_str(),
        ])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |file: &Path| {
        let content = std::fs::read(file).unwrap();
        std::fs::remove_file(file).unwrap();
        content
    };
    (read(&certificate), read(&key))
}
