//! The quota of a user as it is known in a pass: its limits, and what was said where they are not known.

use crate::{
    backend,
    controller::error::Trouble,
    domain::access::{LimitChanges, Limits, LimitsState, Resource, change_limits},
};

/// Limits as they are known in this pass, and what was said where they are not.
#[derive(Debug)]
pub(super) struct Quota {
    state: LimitsState,
    said: Option<Trouble>,
}

impl Quota {
    /// As the backend tells.
    pub(super) fn of(found: backend::Result<Limits>) -> Self {
        match found {
            Ok(limits) => Self::known(limits),
            Err(error) => Self::failed(&error),
        }
    }

    fn known(limits: Limits) -> Self {
        Self {
            state: LimitsState::Known(limits),
            said: None,
        }
    }

    /// They could not be read or changed. What a person has to mend does not hold up a first key; all else does, or a user
    /// would be without its limit for want of a moment's patience.
    pub(super) fn failed(error: &backend::Error) -> Self {
        let said = Trouble::from(error);
        let state = if said.stalled {
            LimitsState::Refused
        } else {
            LimitsState::Unknown
        };
        Self {
            state,
            said: Some(said),
        }
    }

    /// What the planner is told.
    pub(super) fn state(&self) -> &LimitsState {
        &self.state
    }

    /// Why they are not known.
    pub(super) fn said(&self) -> Option<&Trouble> {
        self.said.as_ref()
    }

    /// They were changed.
    pub(super) fn change(&mut self, changes: &LimitChanges) {
        if let LimitsState::Known(limits) = &mut self.state {
            change_limits(limits, changes);
        }
    }
}

/// The field of `spec.quota` that asks for it.
pub(super) fn field_of(limit: Resource) -> &'static str {
    match limit {
        Resource::Bytes => "maxBytes",
        Resource::Objects => "maxObjects",
        Resource::Buckets => "maxBuckets",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{BackendKind, ErrorKind, Outcome, error::Detail};
    use strum::IntoEnumIterator as _;

    #[test]
    fn a_first_key_waits_for_every_failure_but_those_that_a_person_has_to_mend() {
        let refused: Vec<_> = ErrorKind::iter()
            .filter(|kind| {
                let error = backend::Error {
                    kind: *kind,
                    outcome: Outcome::NotApplied,
                    backend: BackendKind::Ostor,
                    operation: "GetQuota",
                    detail: Detail::new("why"),
                    retry_after: None,
                    request_id: None,
                };
                let quota = Quota::of(Err(error));
                assert!(quota.said().is_some() && quota.state().known().is_none());
                *quota.state() == LimitsState::Refused
            })
            .collect();
        assert_eq!(
            refused,
            [ErrorKind::Conflict, ErrorKind::Invalid, ErrorKind::Unsupported]
        );
    }
}
