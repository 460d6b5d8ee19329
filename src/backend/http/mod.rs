//! HTTP as the drivers need it: one client, one signer for each version, one way to write a query.
//!
//! Knows nothing of any storage product. Imports `backend::error` and nothing else of ours.

pub mod basic;
pub mod client;
pub mod endpoint;
pub mod query;
pub mod sigv2;
pub mod sigv4;

pub use basic::basic;
pub use client::{HttpClient, HttpOptions, Reply, TlsOptions};
pub use endpoint::Endpoint;
pub use query::Query;
pub use sigv2::SignerV2;
pub use sigv4::Signer;
