//! What was learned of a store: those that speak a part of the API differ in the part. No call tells it at once.

use std::sync::{Mutex, PoisonError};

/// Filled by the probe, by the first lock and by the first grant.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    able: Option<Able>,
    refuses_deny: bool,
    knows_fewer_actions: bool,
}

/// What a probe found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Able {
    /// Users have inline policies, one of which says that they are locked.
    pub(super) lock: bool,
    /// It is told when a key was last used, and to us.
    pub(super) last_use: bool,
    /// A list shows a key as soon as it is issued: one store keeps all of it.
    pub(super) is_consistent: bool,
    /// A policy that each user has was seen to reach all buckets: no user can be given less.
    pub(super) reaches_all: bool,
}

impl Learned {
    /// `None`: no probe came so far.
    pub(super) fn able(&self) -> Option<Able> {
        self.state().able
    }

    /// A probe found this.
    pub(super) fn set_able(&self, able: Able) {
        self.with(|state| state.able = Some(able));
    }

    /// Whether a policy that denies was refused.
    pub(super) fn refuses_deny(&self) -> bool {
        self.state().refuses_deny
    }

    /// A policy that denies was refused.
    pub(super) fn set_refuses_deny(&self) {
        self.with(|state| state.refuses_deny = true);
    }

    /// Whether a policy was refused for actions that not every store knows.
    pub(super) fn knows_fewer_actions(&self) -> bool {
        self.state().knows_fewer_actions
    }

    /// A policy was refused for such actions.
    pub(super) fn set_knows_fewer_actions(&self) {
        self.with(|state| state.knows_fewer_actions = true);
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
