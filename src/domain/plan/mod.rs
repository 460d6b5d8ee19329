//! The plan: a pure function of the facts.
//!
//! A plan has a few steps. After they are done the facts are taken anew and the next plan is made, until one is
//! empty. A crash between any two steps leaves a state that the next plan goes on from; the tests walk them all.

mod access;
mod action;
mod adopt;
mod intent;
mod lifecycle;
mod rotation;
mod schedule;
mod slots;
mod view;

pub use action::{Action, Blocked, Change, Mirror, Plan, Unmet};

use super::facts::Facts;

/// What to do now.
pub fn plan(facts: &Facts<'_>) -> Plan {
    lifecycle::plan(facts)
}
