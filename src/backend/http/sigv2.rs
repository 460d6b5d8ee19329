//! AWS Signature Version 2 as S3 has it, for services that never learnt another.
//!
//! Source: Amazon S3 developer guide, "Signing and Authenticating REST Requests".

use super::sigv4::sending_time;
use crate::domain::ids::AccessKeyId;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use std::{fmt, time::SystemTime};

/// Signs requests with one key pair.
#[derive(Clone)]
pub struct SignerV2 {
    access_key_id: AccessKeyId,
    secret: SecretString,
}

impl fmt::Debug for SignerV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerV2")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl SignerV2 {
    /// Takes a key pair.
    pub fn new(access_key_id: AccessKeyId, secret: SecretString) -> Self {
        Self {
            access_key_id,
            secret,
        }
    }

    /// Adds `date` and `authorization`. `resource`: the path, with as much of the query as the service wants signed,
    /// such as `/?acl`. Fails with a sentence for a person.
    pub fn sign(&self, request: &mut http::Request<Vec<u8>>, resource: &str) -> Result<(), String> {
        self.sign_at(request, resource, sending_time())
    }

    fn sign_at(
        &self,
        request: &mut http::Request<Vec<u8>>,
        resource: &str,
        time: SystemTime,
    ) -> Result<(), String> {
        let date = http_date(time).ok_or("the request cannot be signed: the clock is wrong")?;
        request.headers_mut().insert(header::DATE, date);
        let authorization = self.authorization(request.method(), request.headers(), resource);
        let authorization = authorization.ok_or("the request cannot be signed: the key pair is malformed")?;
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
        Ok(())
    }

    fn authorization(&self, method: &Method, headers: &HeaderMap, resource: &str) -> Option<HeaderValue> {
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.expose_secret().as_bytes()).ok()?;
        mac.update(string_to_sign(method, headers, resource).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        HeaderValue::try_from(format!("AWS {}:{signature}", self.access_key_id)).ok()
    }
}

fn string_to_sign(method: &Method, headers: &HeaderMap, resource: &str) -> String {
    let text =
        |value: Option<&HeaderValue>| value.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let line = |name: header::HeaderName| text(headers.get(name));
    let amz = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-"));
    let mut amz: Vec<_> = amz
        .map(|(name, value)| format!("{name}:{}\n", text(Some(value)).trim()))
        .collect();
    amz.sort();
    format!(
        "{method}\n{}\n{}\n{}\n{}{resource}",
        line(header::HeaderName::from_static("content-md5")),
        line(header::CONTENT_TYPE),
        line(header::DATE),
        amz.concat()
    )
}

/// `Wed, 28 Mar 2007 01:29:59 GMT`.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let time = Timestamp::try_from(time).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()?;
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn example() -> SignerV2 {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        SignerV2::new(AccessKeyId::new("AKIAIOSFODNN7EXAMPLE"), secret.into())
    }

    /// Amazon S3 developer guide, "Signing and Authenticating REST Requests": worked examples.
    #[test]
    fn the_examples_of_the_developer_guide_get_their_signatures() {
        for (method, date, content_type, resource, want) in [
            (
                Method::GET,
                "Tue, 27 Mar 2007 19:36:42 +0000",
                None,
                "/johnsmith/photos/puppy.jpg",
                "bWq2s1WEIj+Ydj0vQ697zp+IXMU=",
            ),
            (
                Method::PUT,
                "Tue, 27 Mar 2007 21:15:45 +0000",
                Some("image/jpeg"),
                "/johnsmith/photos/puppy.jpg",
                "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
            ),
            (
                Method::GET,
                "Tue, 27 Mar 2007 19:44:46 +0000",
                None,
                "/johnsmith/?acl",
                "c2WLPFtWHVgbEmeEG93a4cG37dM=",
            ),
            (
                Method::GET,
                "Wed, 28 Mar 2007 01:29:59 +0000",
                None,
                "/",
                "qGdzdERIC03wnaRNKh6OqZehG9s=",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, HeaderValue::from_static(date));
            if let Some(content_type) = content_type {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            let authorization = example().authorization(&method, &headers, resource).unwrap();
            assert_eq!(
                authorization.to_str().unwrap(),
                format!("AWS AKIAIOSFODNN7EXAMPLE:{want}"),
                "{method} {resource}"
            );
        }
    }

    #[test]
    fn a_request_is_dated_in_gmt_and_its_headers_of_amazon_are_signed_in_order() {
        let mut request = http::Request::get("https://s3.example/?acl&x=1")
            .header("x-amz-b", "2")
            .header("x-amz-a", " 1 ")
            .body(Vec::new())
            .unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_175_045_399);
        example().sign_at(&mut request, "/?acl", time).unwrap();
        assert_eq!(request.headers()["date"], "Wed, 28 Mar 2007 01:29:59 GMT");
        assert_eq!(
            string_to_sign(request.method(), request.headers(), "/?acl"),
            "GET\n\n\nWed, 28 Mar 2007 01:29:59 GMT\nx-amz-a:1\nx-amz-b:2\n/?acl"
        );
        assert!(request.headers().contains_key("authorization"));
    }

    #[test]
    fn a_signer_prints_no_secret() {
        assert!(!format!("{:?}", example()).contains("wJalr"));
    }
}
