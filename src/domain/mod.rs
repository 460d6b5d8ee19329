//! The decisions, as pure functions of values.
//!
//! Nothing here is `async`, holds a client, reads a clock or draws randomness; collections are ordered. Imports
//! nothing of this crate but itself.

pub mod access;
pub mod backoff;
pub mod capabilities;
pub mod condition;
pub mod digest;
pub mod facts;
pub mod identity;
pub mod ids;
pub mod ledger;
pub mod plan;
pub mod reason;
pub mod template;
