//! What the planner is made of, once more from the operator's own sources, without all that is around it.

/// Of the operator's `domain`, what the planner needs.
#[path = "../../../src/domain"]
pub mod domain {
    pub mod access;
    pub mod capabilities;
    pub mod digest;
    pub mod facts;
    pub mod identity;
    pub mod ids;
    pub mod ledger;
    pub mod plan;
}
