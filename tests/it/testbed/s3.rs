//! An S3 client just big enough for tests: path style, one key pair, every answer a value.

use gracekey::backend::KeyPair;
use gracekey::backend::http::{Endpoint, HttpClient, HttpOptions, Signer, TlsOptions};
use http::Method;
use std::time::Duration;

/// An S3 service as the holder of one key pair sees it.
#[derive(Debug)]
pub(crate) struct S3 {
    endpoint: Endpoint,
    signer: Signer,
    http: HttpClient,
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct S3Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl S3Answer {
    /// Fails the test unless this is a success.
    #[track_caller]
    pub(crate) fn expect_success(self) -> Vec<u8> {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self.body
    }
}

impl S3 {
    /// A client for this endpoint, such as `http://127.0.0.1:7480`.
    pub(crate) fn new(endpoint: &str, region: &str, pair: &KeyPair) -> Self {
        Self::with(endpoint, region, pair, TlsOptions::default())
    }

    /// One that trusts nobody but these PEM certificates.
    pub(crate) fn trusting(endpoint: &str, region: &str, pair: &KeyPair, ca: &[u8]) -> Self {
        let tls = TlsOptions {
            ca_bundle: Some(ca.to_vec()),
            insecure_skip_verify: false,
        };
        Self::with(endpoint, region, pair, tls)
    }

    fn with(endpoint: &str, region: &str, pair: &KeyPair, tls: TlsOptions) -> Self {
        let options = HttpOptions {
            tls,
            timeout: Duration::from_secs(20),
        };
        Self {
            endpoint: Endpoint::parse(endpoint).unwrap(),
            signer: Signer::new(pair.access_key_id.clone(), pair.secret.clone(), region),
            http: HttpClient::new(&options).unwrap(),
        }
    }

    pub(crate) async fn list_buckets(&self) -> S3Answer {
        self.send(Method::GET, "/", b"").await
    }

    /// The same, where it is no fault of the test that there is no answer.
    pub(crate) async fn try_list_buckets(&self) -> Result<S3Answer, String> {
        self.try_send(Method::GET, "/", b"").await
    }

    pub(crate) async fn create_bucket(&self, bucket: &str) -> S3Answer {
        self.send(Method::PUT, &format!("/{bucket}"), b"").await
    }

    pub(crate) async fn delete_bucket(&self, bucket: &str) -> S3Answer {
        self.send(Method::DELETE, &format!("/{bucket}"), b"").await
    }

    pub(crate) async fn list_objects(&self, bucket: &str) -> S3Answer {
        self.send(Method::GET, &format!("/{bucket}"), b"").await
    }

    pub(crate) async fn get_policy(&self, bucket: &str) -> S3Answer {
        self.send(Method::GET, &format!("/{bucket}?policy"), b"").await
    }

    pub(crate) async fn put_policy(&self, bucket: &str, policy: &str) -> S3Answer {
        let target = format!("/{bucket}?policy");
        self.send(Method::PUT, &target, policy.as_bytes()).await
    }

    /// Gives a bucket this tag and no other.
    pub(crate) async fn put_bucket_tag(&self, bucket: &str, key: &str, value: &str) -> S3Answer {
        let body = format!(
            "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>{key}</Key><Value>{value}</Value>\
             </Tag></TagSet></Tagging>"
        );
        let target = format!("/{bucket}?tagging");
        self.send(Method::PUT, &target, body.as_bytes()).await
    }

    /// `key`: letters, digits and `-_.~/` only.
    pub(crate) async fn put_object(&self, bucket: &str, key: &str, content: &[u8]) -> S3Answer {
        self.send(Method::PUT, &format!("/{bucket}/{key}"), content).await
    }

    pub(crate) async fn get_object(&self, bucket: &str, key: &str) -> S3Answer {
        self.send(Method::GET, &format!("/{bucket}/{key}"), b"").await
    }

    pub(crate) async fn delete_object(&self, bucket: &str, key: &str) -> S3Answer {
        self.send(Method::DELETE, &format!("/{bucket}/{key}"), b"").await
    }

    async fn send(&self, method: Method, target: &str, body: &[u8]) -> S3Answer {
        self.try_send(method, target, body)
            .await
            .unwrap_or_else(|e| panic!("{e}"))
    }

    async fn try_send(&self, method: Method, target: &str, body: &[u8]) -> Result<S3Answer, String> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.endpoint.at(target))
            .body(body.to_vec())
            .unwrap();
        self.signer.sign(&mut request).unwrap();
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|e| format!("{target}: {e:?}"))?;
        Ok(S3Answer {
            status: reply.status,
            body: reply.body.to_vec(),
        })
    }
}
