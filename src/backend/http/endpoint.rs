//! Addresses of admin APIs and S3 services.

use http::Uri;
use std::fmt;

/// The root of a service: scheme, host and port, without path, query or user information.
///
/// The host is kept in lower case: the signature covers the `Host` header, and the client sends it in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint(String);

/// Why a text is no endpoint, as a sentence for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Not an absolute URL.
    #[error("is not a URL such as https://s3.example:8443")]
    NotAnUrl,
    /// Another scheme.
    #[error("must start with http:// or https://")]
    Scheme,
    /// User information: it would end up in logs.
    #[error("must not hold a user name or password: use credentialsSecretRef")]
    UserInfo,
    /// A path, query or fragment.
    #[error("must end after the host and port: no path, query or fragment")]
    Path,
}

impl Endpoint {
    /// Parses `http[s]://host[:port][/]`.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        if text.contains(['#', '?']) {
            return Err(BadEndpoint::Path);
        }
        let uri: Uri = text.parse().map_err(|_| BadEndpoint::NotAnUrl)?;
        let scheme = uri.scheme_str().ok_or(BadEndpoint::NotAnUrl)?;
        if !matches!(scheme, "http" | "https") {
            return Err(BadEndpoint::Scheme);
        }
        let authority = uri.authority().ok_or(BadEndpoint::NotAnUrl)?.as_str();
        if authority.contains('@') {
            return Err(BadEndpoint::UserInfo);
        }
        if !matches!(uri.path(), "" | "/") {
            return Err(BadEndpoint::Path);
        }
        Ok(Self(format!("{scheme}://{}", authority.to_ascii_lowercase())))
    }

    /// The address without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `target`, which starts with a slash.
    pub fn at(&self, target: &str) -> String {
        format!("{}{target}", self.0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_scheme_host_and_port() {
        for (text, want) in [
            ("http://127.0.0.1:7480", "http://127.0.0.1:7480"),
            ("https://S3.Example/", "https://s3.example"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().as_str(), want);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_its_reason() {
        for (text, want) in [
            ("", BadEndpoint::NotAnUrl),
            ("s3.example", BadEndpoint::NotAnUrl),
            ("/admin", BadEndpoint::NotAnUrl),
            ("ftp://s3.example", BadEndpoint::Scheme),
            ("https://user:pass@s3.example", BadEndpoint::UserInfo),
            ("https://s3.example/admin", BadEndpoint::Path),
            ("https://s3.example?x=1", BadEndpoint::Path),
            ("https://s3.example/#x", BadEndpoint::Path),
        ] {
            assert_eq!(Endpoint::parse(text), Err(want), "{text}");
        }
    }
}
