//! Makes the connection to a store: reads its Secrets, one by one and by name.

use crate::{
    api::v1alpha1::ObjectStore,
    backend::{
        gate::Gate,
        layer::{Layered, Limits},
        pool::Connection,
        registry::{self, AdminSecret, Parts},
    },
    controller::{
        context::{Context, id_of},
        error::Trouble,
    },
    domain::reason::Reason,
};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use secrecy::SecretString;
use std::sync::{Arc, Mutex};

/// Longest CA bundle, in bytes: it becomes part of the Secret of each user.
const CA_BUNDLE_MAX: usize = 256 * 1024;

/// How many keys of one store are proven at once.
const PROOFS: usize = 16;

/// The connection to this store, made now if there is none for this generation, and what it can do known.
///
/// # Errors
///
/// A Secret is missing or lacks a key, the API server did not answer, or the backend did not say what it can do.
pub async fn connection(store: &ObjectStore, ctx: &Context) -> Result<Arc<Connection>, Trouble> {
    let connection = match current(store, ctx) {
        Some(connection) => connection,
        None => made(store, ctx).await?,
    };
    connection.learn().await.map_err(|error| Trouble::from(&error))?;
    Ok(connection)
}

async fn made(store: &ObjectStore, ctx: &Context) -> Result<Arc<Connection>, Trouble> {
    let serial = ctx.pool.make().await;
    // Somebody else may have made it meanwhile.
    match current(store, ctx) {
        Some(connection) => Ok(connection),
        None => connect(store, *serial, ctx).await,
    }
}

/// The same, after looking whether one of the store's Secrets changed.
///
/// # Errors
///
/// As [`connection`].
pub(super) async fn refreshed(store: &ObjectStore, ctx: &Context) -> Result<Arc<Connection>, Trouble> {
    let serial = ctx.pool.make().await;
    connect(store, *serial, ctx).await
}

fn current(store: &ObjectStore, ctx: &Context) -> Option<Arc<Connection>> {
    ctx.pool
        .get(&store.uid()?)
        .filter(|c| Some(c.generation) == store.metadata.generation)
}

async fn connect(store: &ObjectStore, serial: u64, ctx: &Context) -> Result<Arc<Connection>, Trouble> {
    let spec = &store.spec;
    let unusable = |error: registry::Unusable| Trouble::stalled(Reason::InvalidSpec, error.to_string());
    let missing = |error: registry::Unusable| Trouble::stalled(Reason::CredentialsMissing, error.to_string());
    let name = &spec.backend.credentials_secret_ref().name;
    let admin = fetch(store, name, ctx).await?;
    let mut secrets = vec![(name.clone(), admin.resource_version())];
    let mut ca = None;
    if let Some(reference) = &spec.tls.ca_bundle_secret_ref {
        let secret = fetch(store, &reference.name, ctx).await?;
        secrets.push((reference.name.clone(), secret.resource_version()));
        ca = Some(ca_bundle(secret, &reference.name, &reference.key)?);
    }
    if let Some(same) = current(store, ctx).filter(|c| c.secrets == secrets) {
        return Ok(same);
    }
    let admin = admin_keys(admin);
    let parts = Parts::new(spec, &admin, ca.as_deref());
    let inner = registry::driver(&parts).map_err(missing)?;
    let prover = registry::prover(&parts).map_err(unusable)?;
    let limits = Limits {
        concurrency: usize::try_from(spec.limits.concurrency).unwrap_or(1),
        requests_per_second: u32::try_from(spec.limits.requests_per_second).unwrap_or(0),
    };
    let id = (store.namespace().unwrap_or_default(), store.name_any());
    tracing::info!(store = id_of(store), "connected");
    let connection = Connection {
        generation: store.metadata.generation.unwrap_or_default(),
        serial,
        secrets,
        driver: Arc::new(Layered::new(inner, id, limits, ctx.metrics.clone())),
        prover,
        proofs: Gate::new(PROOFS),
        ca_bundle: ca,
        probed: Mutex::new(None),
        learning: tokio::sync::Mutex::new(None),
    };
    let connection = ctx.pool.put(&store.uid().unwrap_or_default(), connection);
    ctx.pool.close_retired().await;
    Ok(connection)
}

/// The certificates of a PEM text. It becomes part of Secrets in other namespaces, so a private key beside them must not
/// come along.
fn certificates(pem: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in pem.lines() {
        inside |= line.trim() == "-----BEGIN CERTIFICATE-----";
        if inside {
            kept.push_str(line.trim());
            kept.push('\n');
        }
        inside &= line.trim() != "-----END CERTIFICATE-----";
    }
    kept
}

fn admin_keys(secret: Secret) -> AdminSecret {
    let entries = secret.data.unwrap_or_default().into_iter();
    entries
        .filter_map(|(key, value)| Some((key, SecretString::from(String::from_utf8(value.0).ok()?))))
        .collect()
}

fn ca_bundle(secret: Secret, name: &str, key: &str) -> Result<String, Trouble> {
    let found = secret.data.and_then(|mut data| data.remove(key));
    found
        .filter(|bytes| bytes.0.len() <= CA_BUNDLE_MAX)
        .and_then(|bytes| String::from_utf8(bytes.0).ok())
        .map(|text| certificates(&text))
        .filter(|pem| !pem.is_empty())
        .ok_or_else(|| {
            let message = format!("The Secret {name} must have the key `{key}` with PEM certificates, {CA_BUNDLE_MAX} bytes at most.");
            Trouble::stalled(Reason::CredentialsMissing, message)
        })
}

/// One Secret, always from the store's own namespace.
async fn fetch(store: &ObjectStore, name: &str, ctx: &Context) -> Result<Secret, Trouble> {
    let namespace = store.namespace().unwrap_or_default();
    match Api::<Secret>::namespaced(ctx.client.clone(), &namespace)
        .get_opt(name)
        .await
    {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => {
            let message = format!("There is no Secret {name} in the namespace {namespace}. Create it.");
            Err(Trouble::stalled(Reason::CredentialsMissing, message))
        }
        Err(_) => Err(Trouble::passing(
            Reason::ProgressingWithRetry,
            format!("The Secret {name} could not be read from the API server."),
        )),
    }
}

/// Names of the Secrets that a store refers to.
pub fn secrets_of(store: &ObjectStore) -> impl Iterator<Item = &str> {
    let admin = store.spec.backend.credentials_secret_ref().name.as_str();
    let ca = store
        .spec
        .tls
        .ca_bundle_secret_ref
        .as_ref()
        .map(|r| r.name.as_str());
    std::iter::once(admin).chain(ca)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_beside_certificates_stays_behind() {
        let block = |kind: &str| format!("-----BEGIN {kind}-----\nMIIB\n-----END {kind}-----\n");
        let pem = format!(
            "subject=x\n{}{}{}",
            block("CERTIFICATE"),
            block("PRIVATE KEY"),
            block("CERTIFICATE")
        );
        assert_eq!(certificates(&pem), block("CERTIFICATE").repeat(2));
    }
}
