//! From what a store's spec and Secrets say to a driver and a prover. The one exhaustive match over backends.

use super::{
    Driver, Result as DriverResult,
    ceph::{CephConfig, CephDriver},
    ecs::{EcsConfig, EcsDriver},
    garage::{GarageConfig, GarageDriver},
    http::{Endpoint, TlsOptions},
    iam::{IamConfig, IamDriver},
    keystone::{KeystoneConfig, KeystoneDriver},
    minio::{MinioConfig, MinioDriver},
    ontap::{OntapConfig, OntapDriver},
    ostor::{OstorConfig, OstorDriver},
    proof::{Prover, S3Prober, S3Settings},
    uptrends::{UptrendsConfig, UptrendsDriver, UptrendsProver},
};
use crate::api::v1alpha1::{Backend, ObjectStoreSpec};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, sync::Arc};

/// What of a store's spec or Secrets cannot be used, as a sentence for its owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// The keys of an admin Secret.
pub type AdminSecret = BTreeMap<String, SecretString>;

/// What every driver is made from, beside the fields of its own.
#[derive(Debug)]
pub struct Parts<'a> {
    spec: &'a ObjectStoreSpec,
    admin: &'a AdminSecret,
    ca: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Of this store. `ca`: PEM certificates of its CA bundle.
    pub fn new(spec: &'a ObjectStoreSpec, admin: &'a AdminSecret, ca: Option<&'a str>) -> Self {
        Self { spec, admin, ca }
    }

    /// The address of the admin API.
    ///
    /// # Errors
    ///
    /// It is malformed.
    pub fn endpoint(&self, text: &str) -> Result<Endpoint, Unusable> {
        endpoint(
            &format!("spec.backend.{}.endpoint", self.spec.backend.kind()),
            text,
        )
    }

    /// The region that applications sign for; that of AWS's first where the store has no S3.
    pub fn region(&self) -> String {
        let s3 = self.spec.s3.as_ref();
        s3.map_or_else(|| "us-east-1".to_owned(), |s3| s3.region.clone())
    }

    /// Address and region of S3; `None` where the store has none.
    ///
    /// # Errors
    ///
    /// The address is malformed.
    pub fn s3(&self) -> Result<Option<(Endpoint, String)>, Unusable> {
        let Some(s3) = &self.spec.s3 else {
            return Ok(None);
        };
        let endpoint = endpoint("spec.s3.endpoint", &s3.endpoint)?;
        Ok(Some((endpoint, s3.region.clone())))
    }

    /// How to trust the store's servers.
    pub fn tls(&self) -> TlsOptions {
        TlsOptions {
            ca_bundle: self.ca.map(|pem| pem.as_bytes().to_vec()),
            insecure_skip_verify: self.spec.tls.insecure_skip_verify,
        }
    }

    /// A secret part of the admin credentials.
    ///
    /// # Errors
    ///
    /// The admin Secret has no such key.
    pub fn secret(&self, key: &str) -> Result<SecretString, Unusable> {
        let secret = &self.spec.backend.credentials_secret_ref().name;
        let found = self.admin.get(key);
        let missing = || Unusable(format!("The Secret {secret} must have the key `{key}`."));
        // A file that a Secret is made of ends in a line break; no password does.
        let text = found
            .ok_or_else(missing)?
            .expose_secret()
            .trim_end_matches(['\r', '\n']);
        Ok(text.into())
    }

    /// A part of the admin credentials that is no secret: a user's name, the public half of a key pair.
    ///
    /// # Errors
    ///
    /// The admin Secret has no such key.
    pub fn text(&self, key: &str) -> Result<String, Unusable> {
        Ok(self.secret(key)?.expose_secret().trim().to_owned())
    }
}

/// Makes the driver of a store. Nothing is sent.
///
/// # Errors
///
/// A part of the spec or of the Secret is missing or malformed.
pub fn driver(parts: &Parts<'_>) -> Result<Arc<dyn Driver>, Unusable> {
    match &parts.spec.backend {
        Backend::Ceph(ceph) => made(CephDriver::new(CephConfig::of(ceph, parts)?)),
        Backend::Ecs(ecs) => made(EcsDriver::new(EcsConfig::of(ecs, parts)?)),
        Backend::Keystone(keystone) => made(KeystoneDriver::new(KeystoneConfig::of(keystone, parts)?)),
        Backend::Iam(iam) => made(IamDriver::new(IamConfig::of(iam, parts)?)),
        Backend::Minio(minio) => made(MinioDriver::new(MinioConfig::of(minio, parts)?)),
        Backend::Garage(garage) => made(GarageDriver::new(GarageConfig::of(garage, parts)?)),
        Backend::Ontap(ontap) => made(OntapDriver::new(OntapConfig::of(ontap, parts)?)),
        Backend::Ostor(ostor) => made(OstorDriver::new(OstorConfig::of(ostor, parts)?)),
        Backend::Uptrends(uptrends) => made(UptrendsDriver::new(UptrendsConfig::of(uptrends, parts)?)),
    }
}

fn made<D: Driver + 'static>(driver: DriverResult<D>) -> Result<Arc<dyn Driver>, Unusable> {
    match driver {
        Ok(driver) => Ok(Arc::new(driver)),
        Err(error) => Err(Unusable(error.to_string())),
    }
}

/// Makes what proves the keys of a store; `None` where nothing can.
///
/// # Errors
///
/// An endpoint or the CA bundle is malformed.
pub fn prover(parts: &Parts<'_>) -> Result<Option<Arc<dyn Prover>>, Unusable> {
    match &parts.spec.backend {
        Backend::Ceph(_)
        | Backend::Ecs(_)
        | Backend::Garage(_)
        | Backend::Iam(_)
        | Backend::Keystone(_)
        | Backend::Minio(_)
        | Backend::Ontap(_)
        | Backend::Ostor(_) => s3_prover(parts),
        Backend::Uptrends(uptrends) => {
            let prover = UptrendsProver::new(UptrendsConfig::of(uptrends, parts)?);
            let prover = prover.map_err(|error| Unusable(error.to_string()))?;
            Ok(Some(Arc::new(prover)))
        }
    }
}

fn s3_prover(parts: &Parts<'_>) -> Result<Option<Arc<dyn Prover>>, Unusable> {
    let Some(s3) = &parts.spec.s3 else {
        return Ok(None);
    };
    let mut endpoints = vec![endpoint("spec.s3.endpoint", &s3.endpoint)?];
    for text in &s3.verify_endpoints {
        endpoints.push(endpoint("spec.s3.verifyEndpoints", text)?);
    }
    let settings = S3Settings {
        backend: parts.spec.backend.kind(),
        endpoints,
        region: s3.region.clone(),
        tls: parts.tls(),
    };
    let prober = S3Prober::new(settings).map_err(|error| Unusable(error.to_string()))?;
    Ok(Some(Arc::new(prober)))
}

fn endpoint(field: &str, text: &str) -> Result<Endpoint, Unusable> {
    Endpoint::parse(text).map_err(|error| Unusable(format!("`{field}` {error}.")))
}
