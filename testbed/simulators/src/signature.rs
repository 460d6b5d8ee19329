//! AWS signatures, checked from their descriptions: Version 4 (S3 API reference, "Signature Calculations for the
//! Authorization Header") and Version 2 (Amazon S3 developer guide, "Signing and Authenticating REST Requests").

use crate::server::{Incoming, header, query};
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Who signed a request with Version 4, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V4 {
    /// Access key id.
    pub access_key_id: String,
    /// Day of the scope, `YYYYMMDD`.
    pub day: String,
    /// Region of the scope.
    pub region: String,
    /// Service of the scope.
    pub service: String,
    signed_headers: String,
    signature: String,
}

impl V4 {
    /// What the `Authorization` header says; `None` where it is none of Version 4.
    pub fn of(request: &Incoming) -> Option<Self> {
        let text = header(request, "authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| {
            let mut parts = text.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let mut scope = part("Credential")?.rsplitn(5, '/');
        (scope.next()? == "aws4_request").then_some(())?;
        let service = scope.next()?.to_owned();
        let region = scope.next()?.to_owned();
        let day = scope.next()?.to_owned();
        Some(Self {
            access_key_id: scope.next()?.to_owned(),
            day,
            region,
            service,
            signed_headers: part("SignedHeaders")?.to_owned(),
            signature: part("Signature")?.to_owned(),
        })
    }

    /// Whether the signature is that of `secret`, and the body is the one that was signed.
    pub fn is_by(&self, request: &Incoming, secret: &str) -> bool {
        self.expected(request, secret)
            .is_some_and(|expected| expected == self.signature)
    }

    fn expected(&self, request: &Incoming, secret: &str) -> Option<String> {
        let time = header(request, "x-amz-date")?;
        let payload = header(request, "x-amz-content-sha256")?;
        let is_body = payload == "UNSIGNED-PAYLOAD" || payload == hex(&Sha256::digest(request.body()));
        (is_body && time.starts_with(&self.day)).then_some(())?;
        let query = canonical_query(request);
        let mut headers = String::new();
        for name in self.signed_headers.split(';') {
            let value = header(request, name)?;
            writeln!(headers, "{name}:{}", value.trim()).ok()?;
        }
        let canonical = [
            request.method().as_str(),
            request.uri().path(),
            &query,
            &headers,
            &self.signed_headers,
            payload,
        ]
        .join("\n");
        let scope = format!("{}/{}/{}/aws4_request", self.day, self.region, self.service);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.day, &self.region, &self.service, "aws4_request"] {
            key = hmac_sha256(&key, part);
        }
        Some(hex(&hmac_sha256(&key, &to_sign)))
    }
}

/// The query with every name and value encoded in the one way of Version 4, however it was sent, and sorted by name.
fn canonical_query(request: &Incoming) -> String {
    const PLAIN: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    let encode = |text: &str| utf8_percent_encode(text, &PLAIN).to_string();
    let parts = query(request).into_iter();
    let mut parts: Vec<_> = parts
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    parts.sort();
    let parts = parts.into_iter().map(|(name, value)| format!("{name}={value}"));
    parts.collect::<Vec<_>>().join("&")
}

/// Who signed a request with Version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V2 {
    /// Access key id.
    pub access_key_id: String,
    signature: String,
}

impl V2 {
    /// What the `Authorization` header says; `None` where it is none of Version 2.
    pub fn of(request: &Incoming) -> Option<Self> {
        let (id, signature) = header(request, "authorization")?
            .strip_prefix("AWS ")?
            .split_once(':')?;
        Some(Self {
            access_key_id: id.to_owned(),
            signature: signature.to_owned(),
        })
    }

    /// Whether the signature is that of `secret` over method, `Content-MD5`, `Content-Type`, `Date`, `x-amz-` headers
    /// and this resource, such as `/?ostor-users`.
    pub fn is_by(&self, request: &Incoming, resource: &str, secret: &str) -> bool {
        let line = |name: &str| header(request, name).unwrap_or_default();
        let mut amz: Vec<String> = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-"))
            .filter_map(|(name, value)| Some(format!("{name}:{}\n", value.to_str().ok()?.trim())))
            .collect();
        amz.sort();
        // The time stands in `x-amz-date` or in `Date`, never in both.
        let date = if header(request, "x-amz-date").is_some() {
            ""
        } else {
            line("date")
        };
        let to_sign = format!(
            "{}\n{}\n{}\n{date}\n{}{resource}",
            request.method(),
            line("content-md5"),
            line("content-type"),
            amz.concat()
        );
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).expect("any length will do");
        mac.update(to_sign.as_bytes());
        let expected = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        expected == self.signature
    }
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Bytes, http::Request};

    /// S3 API reference, the worked example "GET Bucket Lifecycle".
    #[test]
    fn the_example_of_the_s3_reference_is_by_its_secret() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
        let request = Request::get("/?lifecycle")
            .header("host", "examplebucket.s3.amazonaws.com")
            .header("x-amz-date", "20130524T000000Z")
            .header("x-amz-content-sha256", empty)
            .header("authorization", authorization)
            .body(Bytes::new())
            .unwrap();
        let signed = V4::of(&request).unwrap();
        assert_eq!(signed.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert!(signed.is_by(&request, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        assert!(!signed.is_by(&request, "another"));
    }

    /// Amazon S3 developer guide, "Signing and Authenticating REST Requests", the example "List all my buckets".
    #[test]
    fn the_example_of_the_developer_guide_is_by_its_secret() {
        let request = Request::get("/")
            .header("date", "Wed, 28 Mar 2007 01:29:59 +0000")
            .header(
                "authorization",
                "AWS AKIAIOSFODNN7EXAMPLE:qGdzdERIC03wnaRNKh6OqZehG9s=",
            )
            .body(Bytes::new())
            .unwrap();
        let signed = V2::of(&request).unwrap();
        assert!(signed.is_by(&request, "/", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        assert!(!signed.is_by(&request, "/x", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    }
}
