//! HTTP Basic (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// The value of `Authorization`: never printed. Fails with a sentence for a person where the name cannot be sent.
pub fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, String> {
    if user.is_empty() || user.contains(|c: char| c == ':' || c.is_control()) {
        return Err("the user name is empty, or holds a colon or a control character".to_owned());
    }
    let pair = Zeroizing::new(format!("{user}:{}", password.expose_secret()));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value =
        HeaderValue::from_str(&value).map_err(|_| "the user name cannot be sent in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_the_rfc_and_prints_nothing() {
        let value = basic("Aladdin", &"open sesame".into()).unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"), "{value:?}");
        let value = basic("test", &"123£:".into()).unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic dGVzdDoxMjPCozo=");
    }

    #[test]
    fn a_name_that_would_end_early_is_refused() {
        for name in ["", "a:b", "a\nb"] {
            assert!(basic(name, &"x".into()).is_err(), "{name:?}");
        }
    }
}
