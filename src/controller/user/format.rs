//! Formats of a Secret: which keys hold the pair, and what stands beside it. Pure.

use crate::{
    api::v1alpha1::{AddressingStyle, S3, SecretFormat},
    backend::KeyPair,
    domain::ids::AccessKeyId,
};
use k8s_openapi::ByteString;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use strum::IntoEnumIterator as _;

/// The format where the spec gives none: what the store's applications can use.
pub(super) fn default_for(s3: Option<&S3>) -> SecretFormat {
    if s3.is_some() {
        SecretFormat::AwsEnv
    } else {
        SecretFormat::BasicAuth
    }
}

/// Keys of the public and of the secret half.
fn halves(format: SecretFormat) -> (&'static str, &'static str) {
    match format {
        SecretFormat::AwsEnv => ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        SecretFormat::BasicAuth => ("username", "password"),
    }
}

/// Everything that the format writes.
pub(super) fn data(
    format: SecretFormat,
    pair: &KeyPair,
    s3: Option<&S3>,
    ca: Option<&str>,
) -> BTreeMap<String, ByteString> {
    let (public, secret) = halves(format);
    let mut entries = vec![
        (public, pair.access_key_id.as_str()),
        (secret, pair.secret.expose_secret()),
    ];
    if let (SecretFormat::AwsEnv, Some(s3)) = (format, s3) {
        let style = match s3.addressing_style {
            AddressingStyle::Path => "path",
            AddressingStyle::Virtual => "virtual",
        };
        entries.extend([
            ("AWS_ENDPOINT_URL_S3", s3.endpoint.as_str()),
            ("AWS_REGION", &s3.region),
            ("AWS_DEFAULT_REGION", &s3.region),
            ("S3_ADDRESSING_STYLE", style),
        ]);
    }
    entries.extend(ca.map(|ca| ("ca.crt", ca)));
    let bytes = |(key, value): (&str, &str)| (key.to_owned(), ByteString(value.as_bytes().to_vec()));
    entries.into_iter().map(bytes).collect()
}

/// The halves in a Secret, whichever format it was written in.
pub(super) fn read(data: &BTreeMap<String, ByteString>) -> Option<(AccessKeyId, SecretString)> {
    let text = |key: &str| {
        let text = String::from_utf8(data.get(key)?.0.clone()).ok()?;
        Some(text).filter(|text| !text.is_empty())
    };
    SecretFormat::iter().find_map(|format| {
        let (public, secret) = halves(format);
        Some((AccessKeyId::new(text(public)?), text(secret)?.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CredentialId;

    fn pair() -> KeyPair {
        let access_key_id = AccessKeyId::new("AK");
        KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: "half".into(),
        }
    }

    #[test]
    fn what_a_format_writes_is_read_again() {
        for format in SecretFormat::iter() {
            let (id, secret) = read(&data(format, &pair(), None, Some("ca"))).unwrap();
            assert_eq!(
                (id.as_str(), secret.expose_secret()),
                ("AK", "half"),
                "{format:?}"
            );
        }
    }

    #[test]
    fn basic_auth_holds_user_name_and_password_and_nothing_of_s3() {
        let s3: S3 = serde_json::from_value(serde_json::json!({"endpoint": "https://s3.example"})).unwrap();
        let data = data(SecretFormat::BasicAuth, &pair(), Some(&s3), None);
        assert_eq!(data.into_keys().collect::<Vec<_>>(), ["password", "username"]);
    }
}
