//! From what a store's spec and Secrets say to a driver and a prober. The one exhaustive match over backends.

use super::{
    BackendKind, Driver,
    ceph::{CephConfig, CephDriver, config::CALL_LIMIT},
    http::{Endpoint, TlsOptions},
    proof::{S3Prober, S3Settings},
};
use crate::{
    api::v1alpha1::{Backend, ObjectStoreSpec},
    domain::ids::AccessKeyId,
};
use secrecy::SecretString;
use std::{collections::BTreeMap, sync::Arc};

/// What of a store's spec or Secrets cannot be used, as a sentence for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// The keys of an admin Secret.
pub type AdminSecret = BTreeMap<String, SecretString>;

/// Which admin API a store speaks, and the name of its admin Secret.
///
/// # Errors
///
/// The spec names none: the schema was bypassed.
pub fn kind(backend: &Backend) -> Result<(BackendKind, &str), Unusable> {
    match backend {
        Backend { ceph: Some(ceph) } => Ok((BackendKind::Ceph, &ceph.credentials_secret_ref.name)),
        Backend { ceph: None } => Err(Unusable("`spec.backend` names no backend.".to_owned())),
    }
}

/// Makes the driver of a store. Nothing is sent.
///
/// # Errors
///
/// A part of the spec or of the Secret is missing or malformed.
pub fn driver(
    spec: &ObjectStoreSpec,
    admin: &AdminSecret,
    ca: Option<&str>,
) -> Result<Arc<dyn Driver>, Unusable> {
    let (kind, secret) = kind(&spec.backend)?;
    match (kind, &spec.backend.ceph) {
        (BackendKind::Ceph, Some(ceph)) => {
            let config = CephConfig {
                endpoint: endpoint("spec.backend.ceph.endpoint", &ceph.endpoint)?,
                region: spec
                    .s3
                    .as_ref()
                    .map_or_else(|| "us-east-1".to_owned(), |s3| s3.region.clone()),
                access_key_id: AccessKeyId::new(plain(admin, secret, "accessKey")?),
                secret: part(admin, secret, "secretKey")?.clone(),
                tls: tls(spec, ca),
                call_limit: CALL_LIMIT,
            };
            let driver = CephDriver::new(config).map_err(|error| Unusable(error.to_string()))?;
            Ok(Arc::new(driver))
        }
        (BackendKind::Ceph, None) => Err(Unusable("`spec.backend.ceph` is missing.".to_owned())),
    }
}

/// Makes the prober of a store; `None` for a store without S3.
///
/// # Errors
///
/// An endpoint or the CA bundle is malformed.
pub fn prober(spec: &ObjectStoreSpec, ca: Option<&str>) -> Result<Option<Arc<S3Prober>>, Unusable> {
    let Some(s3) = &spec.s3 else {
        return Ok(None);
    };
    let mut endpoints = vec![endpoint("spec.s3.endpoint", &s3.endpoint)?];
    for text in &s3.verify_endpoints {
        endpoints.push(endpoint("spec.s3.verifyEndpoints", text)?);
    }
    let settings = S3Settings {
        backend: kind(&spec.backend)?.0,
        endpoints,
        region: s3.region.clone(),
        tls: tls(spec, ca),
    };
    let prober = S3Prober::new(settings).map_err(|error| Unusable(error.to_string()))?;
    Ok(Some(Arc::new(prober)))
}

fn tls(spec: &ObjectStoreSpec, ca: Option<&str>) -> TlsOptions {
    TlsOptions {
        ca_bundle: ca.map(|pem| pem.as_bytes().to_vec()),
        insecure_skip_verify: spec.tls.insecure_skip_verify,
    }
}

fn endpoint(field: &str, text: &str) -> Result<Endpoint, Unusable> {
    Endpoint::parse(text).map_err(|error| Unusable(format!("`{field}` {error}.")))
}

fn part<'a>(admin: &'a AdminSecret, secret: &str, key: &str) -> Result<&'a SecretString, Unusable> {
    admin
        .get(key)
        .ok_or_else(|| Unusable(format!("The Secret {secret} must have the key `{key}`.")))
}

fn plain(admin: &AdminSecret, secret: &str, key: &str) -> Result<String, Unusable> {
    use secrecy::ExposeSecret;
    part(admin, secret, key).map(|text| text.expose_secret().trim().to_owned())
}
