//! Gracekey looks after S3 users and their keys on storage that somebody else runs.
//!
//! Data flows one way, and each arrow is one function with its own input and output type:
//!
//! ```text
//! watch -> gather (reads) -> parse (pure) -> plan (pure) -> execute (writes) -> report (status, events, metrics)
//! ```
//!
//! [`domain`] is pure: no client, no clock, no randomness, no `async`. [`backend`] holds one driver per kind of
//! storage, [`controller`] is the thin shell around both, [`api`] has the types of the custom resources.

pub mod api;
pub mod app;
pub mod backend;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod crdgen;
pub mod domain;
pub mod entropy;
pub mod leadership;
pub mod names;
pub mod telemetry;
