//! What a Secret that is there says: its key pair, and the notes that we left in it. Pure.

use super::format;
use crate::{
    backend::KeyPair,
    domain::{
        digest::hex,
        ids::{CredentialId, RotateToken},
        ledger::after,
    },
    names,
};
use jiff::Timestamp;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::ResourceExt;
use secrecy::ExposeSecret as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How many hex digits of a digest are noted: enough to tell a damaged pair, and no more.
const DIGEST_DIGITS: usize = 32;

/// The key pair that a Secret holds, believed or not. `None` also where it is not the one that we wrote.
pub(super) fn pair_in(secret: &Secret) -> Option<KeyPair> {
    let noted = annotation(secret, names::KEY_DIGEST);
    read(secret).filter(|pair| noted.is_none_or(|noted| noted == digest(pair)))
}

/// What is noted of a pair.
pub(super) fn digest(pair: &KeyPair) -> String {
    hex(&[pair.id.as_str(), pair.secret.expose_secret()], DIGEST_DIGITS)
}

fn read(secret: &Secret) -> Option<KeyPair> {
    let (access_key_id, half) = format::read(secret.data.as_ref()?)?;
    let noted = annotation(secret, names::CREDENTIAL_ID).map(CredentialId::new);
    let id = noted.filter(|id| id.access_key_id() == access_key_id);
    let id = id.unwrap_or_else(|| CredentialId::from(&access_key_id));
    Some(KeyPair {
        id,
        access_key_id,
        secret: half,
    })
}

fn annotation<'a>(secret: &'a Secret, key: &str) -> Option<&'a str> {
    secret.annotations().get(key).map(String::as_str)
}

/// When the key was published: what we noted before the write, or when the API server carried it out, whichever is
/// later. A write may take long, and the grace period counts from its end.
pub(super) fn publish_time(secret: &Secret) -> Option<Timestamp> {
    let noted: Timestamp = annotation(secret, names::PUBLISH_TIME)?.parse().ok()?;
    let ours = secret
        .managed_fields()
        .iter()
        .filter(|m| m.manager.as_deref() == Some(names::FIELD_MANAGER));
    let written = ours
        .filter_map(|m| m.time.as_ref().map(|t| after(t.0, Duration::from_secs(1))))
        .max();
    Some(written.map_or(noted, |written| written.max(noted)))
}

/// What a note of ours holds. A note that somebody damaged holds nothing.
fn json<T: serde::de::DeserializeOwned + Default>(secret: &Secret, key: &str) -> T {
    annotation(secret, key)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// Tokens that were handled when it was written.
pub(super) fn handled(secret: &Secret) -> Vec<RotateToken> {
    let noted: Vec<String> = json(secret, names::HANDLED_TOKENS);
    noted.into_iter().map(RotateToken::new).collect()
}

/// Keys that were in their grace period when it was written, with its end.
pub(super) fn retiring(secret: &Secret) -> BTreeMap<CredentialId, Timestamp> {
    let noted: BTreeMap<String, String> = json(secret, names::RETIRING);
    noted
        .into_iter()
        .filter_map(|(id, at)| Some((CredentialId::new(id), at.parse().ok()?)))
        .collect()
}

/// Keys that we wrote once and that belong there no more, as the API server keeps track of it.
pub(super) fn leftovers(secret: &Secret, data: &BTreeMap<String, ByteString>) -> BTreeSet<String> {
    let owned = secret
        .managed_fields()
        .iter()
        .filter(|m| m.manager.as_deref() == Some(names::FIELD_MANAGER));
    let fields = owned.filter_map(|m| m.fields_v1.as_ref()?.0.get("f:data")?.as_object().cloned());
    let keys = fields
        .flatten()
        .filter_map(|(key, _)| Some(key.strip_prefix("f:")?.to_owned()));
    keys.filter(|key| !data.contains_key(key)).collect()
}
