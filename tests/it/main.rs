//! Integration tests: one binary, because linking it takes longer than running it.
//!
//! The modules are marked as tests, so that the lints for tests hold in their helpers, too.

#[cfg(test)]
mod agree;
#[cfg(test)]
mod api;
#[cfg(test)]
mod backends;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod node;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod testbed;
