//! What is walked: a backend, a wish, and how much may go wrong.

use super::world::{Asked, Bucket, Budget, Ghost, Object, Process, TICK, World, ticks};
use gracekey::domain::{
    access::{Limits, Permission, WantedGrant},
    capabilities::{BucketRights, Capabilities, Limitable, Overlap, UserNameRules},
    facts::{Deletion, Desired, Facts, OnKeyLimit, SecretState, UserState},
    ids::BucketName,
    ledger::Ledger,
    plan::Plan,
};
use std::{collections::BTreeMap, time::Duration};

/// The planner under test: the real one, or one with a mistake planted.
pub(super) type Planner = dyn Fn(&Facts<'_>) -> Plan + Sync;

/// What people may do, each kind with its own switch, so that a walk stays small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edits {
    Rotate,
    Secret,
    Backend,
    Status,
    Lock,
    Delete,
    Grace,
    Consent,
    Close,
    /// What the spec says of buckets.
    Access,
    /// Buckets come, go, and are opened and closed by their owners.
    Buckets,
    Quota,
}

#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub name: &'static str,
    pub capabilities: Capabilities,
    pub desired: Desired,
    pub budget: Budget,
    pub edits: &'static [Edits],
    /// Begin when the first key is published and nothing is left to do.
    pub settled: bool,
    /// A rotation has just been asked for.
    pub rotating: bool,
    /// There from the beginning, and open.
    pub buckets: &'static [&'static str],
    /// Grants can be seen and withdrawn where the owner's consent is gone, as where they are in a policy of the user.
    pub grants_shown: bool,
}

const fn backend(overlap: Overlap, secret_readable: bool, id_choosable: bool) -> Capabilities {
    Capabilities {
        overlap,
        secret_readable,
        id_choosable,
        user_comes_with_key: false,
        mark_in_name: false,
        data_is_owned: true,
        lock: true,
        label: false,
        last_use: false,
        buckets: BucketRights {
            grant: true,
            make: true,
            write_only_deletes: false,
        },
        quota: Limitable {
            bytes: true,
            byte_step: 1,
            objects: false,
            buckets: false,
        },
        settle: Duration::ZERO,
        list_lag: Duration::ZERO,
        label_max_chars: 0,
        user_name: UserNameRules {
            max_len: 64,
            punctuation: "",
            capitals: true,
        },
    }
}

pub(super) const UNLIMITED: Capabilities = backend(Overlap::Slots { max: None }, true, true);
pub(super) const UNREADABLE: Capabilities = backend(Overlap::Slots { max: None }, false, true);
pub(super) const TWO_SLOTS: Capabilities = backend(Overlap::Slots { max: Some(2) }, false, false);
pub(super) const TWO_NAMED_SLOTS: Capabilities = backend(Overlap::Slots { max: Some(2) }, false, true);
pub(super) const THREE_SLOTS: Capabilities = backend(Overlap::Slots { max: Some(3) }, false, true);
pub(super) const THREE_UNNAMED_SLOTS: Capabilities = backend(Overlap::Slots { max: Some(3) }, false, false);
pub(super) const ONE_SLOT: Capabilities = backend(Overlap::Slots { max: Some(1) }, false, true);
pub(super) const NO_OVERLAP: Capabilities = backend(Overlap::None, false, false);
pub(super) const TWO_SECRETS: Capabilities = backend(
    Overlap::TwoSecrets {
        backstop_margin: TICK,
    },
    true,
    false,
);

/// The same backend, whose lists may lack what was issued within a tick.
pub(super) const fn with_lists_that_lag(of: Capabilities) -> Capabilities {
    Capabilities { list_lag: TICK, ..of }
}

/// The same backend, on which a user is made by its first key.
pub(super) const fn with_key(of: Capabilities) -> Capabilities {
    Capabilities {
        user_comes_with_key: true,
        ..of
    }
}

pub(super) fn wish() -> Desired {
    Desired {
        deleting: false,
        deletion: Deletion::Delete,
        suspend: false,
        closed: false,
        label: String::new(),
        locked: false,
        rotate: None,
        grace: ticks(2),
        interval: None,
        allow_interruption: false,
        on_key_limit: OnKeyLimit::Wait,
        provable: true,
        grants: BTreeMap::new(),
        limits: Limits::new(),
    }
}

/// Wishes for access to a bucket.
pub(super) fn want(desired: &mut Desired, bucket: &str, permission: Permission, create: bool) {
    let wanted = WantedGrant { permission, create };
    desired.grants.insert(BucketName::new(bucket), wanted);
}

impl Scenario {
    pub(super) fn new(name: &'static str, capabilities: Capabilities, edits: &'static [Edits]) -> Self {
        let budget = Budget {
            faults: 1,
            pauses: 0,
            lags: 0,
            edits: 2,
        };
        Self {
            name,
            capabilities,
            desired: wish(),
            budget,
            edits,
            settled: true,
            rotating: false,
            buckets: &[],
            grants_shown: false,
        }
    }

    pub(super) fn faults(mut self, faults: u8, pauses: u8, lags: u8) -> Self {
        self.budget = Budget {
            faults,
            pauses,
            lags,
            ..self.budget
        };
        self
    }

    pub(super) fn buckets(mut self, buckets: &'static [&'static str]) -> Self {
        self.buckets = buckets;
        self
    }

    pub(super) fn shown_grants(mut self) -> Self {
        self.grants_shown = true;
        self
    }

    pub(super) fn lists_lag(&self) -> bool {
        !self.capabilities.list_lag.is_zero()
    }

    pub(super) fn rotating(mut self) -> Self {
        self.rotating = true;
        self
    }

    pub(super) fn edits(mut self, edits: u8) -> Self {
        self.budget.edits = edits;
        self
    }

    pub(super) fn blank_start(mut self) -> Self {
        self.settled = false;
        self
    }

    pub(super) fn wishing(mut self, change: impl FnOnce(&mut Desired)) -> Self {
        change(&mut self.desired);
        self
    }

    /// Nothing exists but the object.
    pub(super) fn blank(&self) -> World {
        World {
            object: Some(Object {
                desired: self.desired.clone(),
                finalizer: false,
                ledger: Ledger::default(),
            }),
            asked: Asked {
                keys: self.lists_lag(),
                tries: self.edits.contains(&Edits::Delete),
            },
            secret: SecretState::Absent,
            backup: None,
            user: UserState::Absent,
            keys: BTreeMap::new(),
            limits: Limits::new(),
            buckets: self
                .buckets
                .iter()
                .map(|name| (BucketName::new(*name), Bucket::OPEN))
                .collect(),
            flight: BTreeMap::new(),
            lead: Process::default(),
            paused: None,
            budget: self.budget,
            ghost: Ghost::default(),
            next: 1,
        }
    }
}
