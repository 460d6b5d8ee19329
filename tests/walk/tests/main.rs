//! The planner, explored. The module is marked as tests, so that the lints for tests hold in its helpers, too.

extern crate gracekey_walk as gracekey;

#[cfg(test)]
mod planner;
