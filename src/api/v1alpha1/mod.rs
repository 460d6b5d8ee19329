//! `gracekey.dev/v1alpha1`: [`ObjectStore`] and [`ObjectUser`].
//!
//! The comments on fields are the text of `kubectl explain`. The rules that the API server enforces are `validation`
//! attributes beside the fields; [`crate::crdgen`] adds what the derive cannot say.

#![expect(
    unreachable_pub,
    reason = "KubeSchema derives through a private copy of each type"
)]
#![expect(
    clippy::duplicated_attributes,
    reason = "each printcolumn is an attribute list of its own"
)]
#![expect(
    clippy::doc_markdown,
    reason = "comments on fields are the plain text of kubectl explain"
)]

pub mod access;
pub mod access_status;
pub mod backend;
pub mod bytes;
pub mod duration;
pub mod refs;
mod rules;
mod schema;
pub mod store;
pub mod store_status;
pub mod user;
pub mod user_status;

pub use access::{Access, BucketAccess, BucketPermission, Quota};
pub use access_status::{AccessStatus, GrantStatus, QuotaStatus, WithdrawnStatus};
pub use backend::{
    Backend, BackendKind, CephBackend, EcsBackend, GarageBackend, IamBackend, IamOwnerMark, KeystoneBackend,
    MinioBackend, OntapBackend, OstorBackend, OstorSignature, UptrendsBackend,
};
pub use bytes::Bytes;
pub use duration::{DurationError, GoDuration};
pub use refs::{ObjectStoreRef, SecretKeyRef, SecretRef};
pub use store::{
    AddressingStyle, AllowedNamespaces, InitialUser, Limits, NamespacesFrom, ObjectStore, ObjectStoreSpec,
    S3, Tls,
};
pub use store_status::{
    BackendStatus, CapabilitiesStatus, InitialUserStatus, ObjectStoreStatus, OverlapKind, QuotaKind,
};
pub use user::{
    AdoptionPolicy, DeletionPolicy, ObjectUser, ObjectUserSpec, OnKeyLimit, Rotation, SecretFormat,
    SecretMetadata, SecretSpec,
};
pub use user_status::{
    AbandonedCredential, CredentialStatus, IntentCause, IntentStatus, LastUseState, LastUseStatus,
    ObjectUserStatus, RotationStatus, SecretBinding,
};
