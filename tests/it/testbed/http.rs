//! GET, for what tests read of the operator.

use gracekey::backend::http::{HttpClient, HttpOptions, TlsOptions};
use std::time::Duration;

/// A client without credentials.
#[derive(Debug)]
pub(crate) struct Http(HttpClient);

impl Http {
    pub(crate) fn new() -> Self {
        let options = HttpOptions {
            tls: TlsOptions::default(),
            timeout: Duration::from_secs(5),
        };
        Self(HttpClient::new(&options).unwrap())
    }

    /// Status and body.
    pub(crate) async fn get(&self, url: &str) -> Result<(u16, String), String> {
        let request = http::Request::get(url).body(Vec::new()).unwrap();
        let reply = self.0.send(request).await.map_err(|e| format!("{e:?}"))?;
        Ok((reply.status, String::from_utf8_lossy(&reply.body).into_owned()))
    }
}
