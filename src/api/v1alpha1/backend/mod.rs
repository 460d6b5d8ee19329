//! The kinds of storage: one member of `spec.backend` each, with fields of its own.

mod ceph;

pub use ceph::CephBackend;

use super::{SecretRef, rules};
use kube::core::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::IntoEnumIterator as _;

/// One member per kind of storage, and one variant of [`BackendKind`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::EnumDiscriminants)]
#[serde(rename_all = "lowercase")]
#[strum_discriminants(
    name(BackendKind),
    doc = "Which admin API a driver speaks: the member of `ObjectStore.spec.backend`.",
    derive(Hash, PartialOrd, Ord, strum::Display, strum::IntoStaticStr, strum::EnumIter),
    strum(serialize_all = "lowercase")
)]
pub enum Backend {
    /// Ceph Object Gateway (RGW), by its Admin Ops API.
    Ceph(CephBackend),
}

impl Backend {
    /// Which kind this is.
    pub fn kind(&self) -> BackendKind {
        self.into()
    }

    /// Names the Secret with the admin credentials, in the store's namespace.
    pub fn credentials_secret_ref(&self) -> &SecretRef {
        match self {
            Self::Ceph(ceph) => &ceph.credentials_secret_ref,
        }
    }
}

/// The members side by side, as a CRD has to have them. The rules that go with it say that exactly one is set.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let variants = Backend::json_schema(generator);
    let variants = variants.get("oneOf").and_then(Value::as_array);
    let mut members = Map::new();
    for variant in variants.into_iter().flatten() {
        let Some(properties) = variant.get("properties").and_then(Value::as_object) else {
            continue;
        };
        for (name, member) in properties {
            let mut member = member.clone();
            if let (Some(text), Some(fields)) = (variant.get("description"), member.as_object_mut()) {
                fields.insert("description".to_owned(), text.clone());
            }
            members.insert(name.clone(), member);
        }
    }
    json_schema!({ "type": "object", "properties": members })
}

fn each(condition: impl Fn(BackendKind) -> String, between: &str) -> String {
    BackendKind::iter()
        .map(condition)
        .collect::<Vec<_>>()
        .join(between)
}

/// One is set, and no other.
pub(super) fn exactly_one() -> Rule {
    let set = each(|kind| format!("has(self.{kind})"), ", ");
    rules::invalid(
        format!("[{set}].filter(set, set).size() == 1"),
        "exactly one backend must be set, such as `ceph`",
    )
}

/// The one that is set stays the one.
pub(super) fn same_kind() -> Rule {
    let same = each(|kind| format!("has(self.{kind}) == has(oldSelf.{kind})"), " && ");
    Rule::new(same)
        .message("the kind of backend must not change: create another ObjectStore")
        .reason(kube::core::Reason::FieldValueForbidden)
}
