//! The quota of a user: its limits as they were read, and changed. A failure ends no pass: it is told at the end, and the keys
//! go on.

use super::{
    pass::{Pass, World},
    tell,
};
use crate::{
    backend::{self, ErrorKind},
    controller::error::{Failure, Trouble},
    domain::{
        access::{LimitChanges, Limits, LimitsState, Resource, change_limits},
        reason::Reason,
    },
};

/// Limits as they are known in this pass, and what was said where they are not.
#[derive(Debug)]
pub(super) struct Quota {
    /// What the planner is told.
    pub state: LimitsState,
    /// Why they are not known.
    pub said: Option<Trouble>,
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

    /// They could not be read or changed.
    fn failed(error: &backend::Error) -> Self {
        Self {
            state: match error.kind {
                // A user that went away meanwhile is looked for again.
                ErrorKind::Transient | ErrorKind::RateLimited | ErrorKind::Protocol | ErrorKind::NotFound => {
                    LimitsState::Unknown
                }
                ErrorKind::Conflict | ErrorKind::Auth | ErrorKind::Invalid | ErrorKind::Unsupported => {
                    LimitsState::Refused
                }
            },
            said: Some(Trouble::from(error)),
        }
    }

    fn change(&mut self, changes: &LimitChanges) {
        if let LimitsState::Known(limits) = &mut self.state {
            change_limits(limits, changes);
        }
    }
}

impl Pass<'_> {
    pub(super) async fn set_limits(
        &mut self,
        changes: &LimitChanges,
        world: &mut World,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let target = &world.target;
        let set = target.connection.driver.set_limits(&target.user_name, changes);
        if let Err(error) = set.await {
            let _asked_no_more = world.buckets.note(&error);
            world.seen.quota = Quota::failed(&error);
            return Ok(());
        }
        world.seen.quota.change(changes);
        let said: Vec<_> = changes.iter().map(|(of, most)| say_limit(*of, *most)).collect();
        let note = format!("Changed the quota of the user: {}.", said.join(", "));
        tell(self.ctx, &self.user, false, Reason::QuotaChanged, note).await;
        Ok(())
    }
}

fn say_limit(of: Resource, most: Option<u64>) -> String {
    let field = field_of(of);
    most.map_or_else(
        || format!("no `{field}` any more"),
        |most| format!("`{field}` {most}"),
    )
}

/// The field of `spec.quota` that asks for it.
pub(super) fn field_of(limit: Resource) -> &'static str {
    match limit {
        Resource::Bytes => "maxBytes",
        Resource::Objects => "maxObjects",
        Resource::Buckets => "maxBuckets",
    }
}
