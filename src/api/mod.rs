//! The custom resources, one module per version. Imports nothing of this crate.

pub mod v1alpha1;
