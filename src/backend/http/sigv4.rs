//! AWS Signature Version 4 with the settings of S3 (the defaults of `aws-sigv4` are for every service but S3).

use crate::domain::ids::AccessKeyId;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, time::SystemTime};

/// Signs requests with one key pair for one region and one service: `s3`, unless told otherwise.
#[derive(Clone)]
pub struct Signer {
    access_key_id: AccessKeyId,
    secret: SecretString,
    region: String,
    service: &'static str,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("access_key_id", &self.access_key_id)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Takes a key pair and the region that goes into the credential scope.
    pub fn new(access_key_id: AccessKeyId, secret: SecretString, region: impl Into<String>) -> Self {
        Self {
            access_key_id,
            secret,
            region: region.into(),
            service: "s3",
        }
    }

    /// The same for another service of the credential scope.
    #[must_use]
    pub fn for_service(self, service: &'static str) -> Self {
        Self { service, ..self }
    }

    /// Adds `authorization`, `x-amz-date` and `x-amz-content-sha256`. Fails with a sentence for a person.
    pub fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), String> {
        self.sign_at(request, sending_time())
    }

    fn sign_at(&self, request: &mut http::Request<Vec<u8>>, time: SystemTime) -> Result<(), String> {
        let id = self.access_key_id.as_str();
        let identity = Credentials::new(id, self.secret.expose_secret(), None, None, "gracekey").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(time)
            .settings(s3_settings())
            .build()
            .map_err(|e| format!("the request cannot be signed: {e}"))?
            .into();
        let uri = request.uri().to_string();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body)
            .map_err(|e| format!("the request cannot be signed: {e}"))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|e| format!("the request cannot be signed: {e}"))?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

fn s3_settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature carries the time of sending; nothing is decided by it, so no Clock is threaded through"
)]
pub(super) fn sending_time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    /// 2013-05-24T00:00:00Z
    const DAY: Duration = Duration::from_hours(380_376);

    fn example() -> Signer {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Signer::new(
            AccessKeyId::new("AKIAIOSFODNN7EXAMPLE"),
            secret.into(),
            "us-east-1",
        )
    }

    fn signature(mut request: http::Request<Vec<u8>>) -> String {
        example().sign_at(&mut request, UNIX_EPOCH + DAY).unwrap();
        let header = request.headers()["authorization"].to_str().unwrap();
        header.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Amazon S3 API Reference, "Signature Calculations for the Authorization Header": the four worked examples.
    #[test]
    fn the_examples_of_the_s3_reference_get_their_signatures() {
        let get = http::Request::get("https://examplebucket.s3.amazonaws.com/test.txt")
            .header("range", "bytes=0-9")
            .body(Vec::new())
            .unwrap();
        assert_eq!(
            signature(get),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = http::Request::put("https://examplebucket.s3.amazonaws.com/test%24file.text")
            .header("date", "Fri, 24 May 2013 00:00:00 GMT")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
            .body(b"Welcome to Amazon S3.".to_vec())
            .unwrap();
        assert_eq!(
            signature(put),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let lifecycle =
            http::Request::get("https://examplebucket.s3.amazonaws.com/?lifecycle").body(Vec::new());
        assert_eq!(
            signature(lifecycle.unwrap()),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let list = http::Request::get("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J")
            .body(Vec::new());
        assert_eq!(
            signature(list.unwrap()),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn a_signer_prints_no_secret() {
        assert!(!format!("{:?}", example()).contains("wJalr"));
    }
}
