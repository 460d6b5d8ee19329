//! What is needed to reach one project of Keystone.

use crate::api::v1alpha1::KeystoneBackend;
use crate::backend::http::{Endpoint, TlsOptions};
use crate::backend::registry::{Parts, Unusable};
use crate::entropy::{Entropy, OsEntropy};
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};

/// How long one request may take. Keystone names no time; behind it are a database and perhaps LDAP.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Age at which a token is replaced at the latest: with it names of project, domain and role are looked up anew. A token
/// that lives for less than twice as long is replaced when half of its life is over.
pub const TOKEN_AGE: Duration = Duration::from_mins(30);

/// Settings of one project. `Debug` shows no secret.
#[derive(Clone)]
pub struct KeystoneConfig {
    /// Where Keystone answers.
    pub endpoint: Endpoint,
    /// What comes before `/v3` in its paths: empty, or such as `/identity`.
    pub prefix: String,
    /// Name of the admin user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The project on which it is admin.
    pub admin_project: String,
    /// The domain of both.
    pub admin_domain: String,
    /// The project that the users' keys are bound to.
    pub project: String,
    /// Its domain.
    pub project_domain: String,
    /// The domain of the users.
    pub user_domain: String,
    /// The role that each of them has on the project.
    pub role: String,
    /// How to trust the server.
    pub tls: TlsOptions,
    /// How long one request may take: [`CALL_LIMIT`], but for tests.
    pub call_limit: Duration,
    /// Age at which a token is replaced at the latest: [`TOKEN_AGE`], but for tests.
    pub token_age: Duration,
    /// Where the secrets come from: the client chooses them.
    pub entropy: Arc<dyn Entropy>,
}

impl KeystoneConfig {
    /// From a store's spec and its admin Secret.
    ///
    /// # Errors
    ///
    /// A part is missing or malformed.
    pub fn of(spec: &KeystoneBackend, parts: &Parts<'_>) -> Result<Self, Unusable> {
        let (root, prefix) = split(&spec.endpoint);
        Ok(Self {
            endpoint: parts.endpoint(root)?,
            prefix: prefix.to_owned(),
            username: parts.text("username")?,
            password: parts.secret("password")?,
            admin_project: spec.admin_project.clone(),
            admin_domain: spec.admin_domain.clone(),
            project: spec.project_name.clone(),
            project_domain: spec.project_domain.clone(),
            user_domain: spec.user_domain.clone(),
            role: spec.role.clone(),
            tls: parts.tls(),
            call_limit: CALL_LIMIT,
            token_age: TOKEN_AGE,
            entropy: Arc::new(OsEntropy),
        })
    }
}

impl fmt::Debug for KeystoneConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeystoneConfig")
            .field("endpoint", &self.endpoint)
            .field("prefix", &self.prefix)
            .field("username", &self.username)
            .field("project", &self.project)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The address of the server, and what comes before `/v3`: `https://cloud.example` and `/identity` of
/// `https://cloud.example/identity/v3`. What cannot be a path is left with the address, and refused there.
fn split(url: &str) -> (&str, &str) {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/v3").unwrap_or(url);
    let host = url.find("://").map_or(0, |scheme| scheme + "://".len());
    let path = url.get(host..).and_then(|rest| rest.find('/'));
    let Some((root, prefix)) = path.and_then(|path| url.split_at_checked(host + path)) else {
        return (url, "");
    };
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    if prefix.bytes().all(is_letter) && !prefix.contains("/.") && !prefix.contains("//") {
        (root, prefix)
    } else {
        (url, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_taken_with_and_without_its_version_and_with_a_path() {
        for (url, root, prefix) in [
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000", ""),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5000", ""),
            ("http://127.0.0.1:5000/v3", "http://127.0.0.1:5000", ""),
            ("https://k.example/v3/", "https://k.example", ""),
            ("https://k.example/identity", "https://k.example", "/identity"),
            ("https://k.example/identity/v3", "https://k.example", "/identity"),
            ("https://[::1]:5000/a/b/v3/", "https://[::1]:5000", "/a/b"),
            ("k.example", "k.example", ""),
        ] {
            assert_eq!(split(url), (root, prefix), "{url}");
        }
    }

    #[test]
    fn what_is_no_path_stays_with_the_address_where_it_is_refused() {
        for url in [
            "https://k.example/a b",
            "https://k.example/../x",
            "https://k.example/a//b",
            "https://k.example/?x=1",
            "https://k.example/#x",
            "https://k.example/%41",
        ] {
            let (root, prefix) = split(url);
            assert_eq!(prefix, "", "{url}");
            assert!(Endpoint::parse(root).is_err(), "{url}");
        }
    }
}
