//! What the walk finds.

/// A broken invariant, by its name in the design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

pub(super) type Checked<T = ()> = Result<T, Violation>;

pub(super) fn violated<T>(invariant: &'static str, what: impl Into<String>) -> Checked<T> {
    Err(Violation {
        invariant,
        what: what.into(),
    })
}

pub(super) fn ensure(holds: bool, invariant: &'static str, what: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        violated(invariant, what())
    }
}
