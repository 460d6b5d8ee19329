//! The kinds of storage: one member of `spec.backend` each, with fields of its own.

mod ceph;
mod ecs;
mod garage;
mod iam;
mod keystone;
mod minio;
mod ontap;
mod ostor;
mod uptrends;

pub use ceph::CephBackend;
pub use ecs::EcsBackend;
pub use garage::GarageBackend;
pub use iam::{IamBackend, IamOwnerMark};
pub use keystone::KeystoneBackend;
pub use minio::MinioBackend;
pub use ontap::OntapBackend;
pub use ostor::{OstorBackend, OstorSignature};
pub use uptrends::UptrendsBackend;

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
    /// Dell ECS or ObjectScale, by the object users of its management API.
    Ecs(EcsBackend),
    /// Object storage of `OpenStack`, by the EC2 credentials of Keystone.
    Keystone(KeystoneBackend),
    /// AWS IAM, or storage that speaks its query API, such as `SeaweedFS`.
    Iam(IamBackend),
    /// `MinIO`, and what offers its admin API.
    Minio(MinioBackend),
    /// Garage, by the access keys of its admin API.
    Garage(GarageBackend),
    /// `NetApp` ONTAP, by the S3 users of its REST API.
    Ontap(OntapBackend),
    /// Object storage of Virtuozzo or Acronis, by its `ostor-users`.
    Ostor(OstorBackend),
    /// Uptrends API accounts: a user name and a password each, and no S3.
    Uptrends(UptrendsBackend),
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
            Self::Ecs(ecs) => &ecs.credentials_secret_ref,
            Self::Keystone(keystone) => &keystone.credentials_secret_ref,
            Self::Iam(iam) => &iam.credentials_secret_ref,
            Self::Minio(minio) => &minio.credentials_secret_ref,
            Self::Garage(garage) => &garage.credentials_secret_ref,
            Self::Ontap(ontap) => &ontap.credentials_secret_ref,
            Self::Ostor(ostor) => &ostor.credentials_secret_ref,
            Self::Uptrends(uptrends) => &uptrends.credentials_secret_ref,
        }
    }
}

impl BackendKind {
    /// Whether its keys are for S3. Where not, `spec.s3` has no place.
    pub fn has_s3(self) -> bool {
        match self {
            Self::Ceph
            | Self::Ecs
            | Self::Garage
            | Self::Iam
            | Self::Keystone
            | Self::Minio
            | Self::Ontap
            | Self::Ostor => true,
            Self::Uptrends => false,
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
    joined(|_| true, condition, between)
}

fn joined(
    which: impl Fn(&BackendKind) -> bool,
    condition: impl Fn(BackendKind) -> String,
    between: &str,
) -> String {
    let conditions: Vec<_> = BackendKind::iter().filter(which).map(condition).collect();
    conditions.join(between)
}

fn of_a_store(kind: BackendKind) -> String {
    format!("has(self.backend.{kind})")
}

/// On a store: applications of storage need its S3 endpoint.
pub(super) fn needs_s3() -> Rule {
    let set = joined(|kind| kind.has_s3(), of_a_store, " || ");
    Rule::new(format!("!({set}) || has(self.s3)"))
        .message("`s3` must be set: applications of this kind of backend need its S3 endpoint")
        .reason(kube::core::Reason::FieldValueRequired)
        .field_path(".s3")
}

/// On a store: what is no storage has no S3 endpoint.
pub(super) fn has_no_s3() -> Rule {
    let set = joined(|kind| !kind.has_s3(), of_a_store, " || ");
    Rule::new(format!("!({set}) || !has(self.s3)"))
        .message("`s3` must not be set: the keys of this kind of backend are user names and passwords, and not for S3")
        .reason(kube::core::Reason::FieldValueForbidden)
        .field_path(".s3")
}

/// One is set, and no other.
pub(super) fn exactly_one() -> Rule {
    let set = each(|kind| format!("has(self.{kind})"), ", ");
    rules::rule(
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
