//! Execute, the steps of access and quota. A failure of one ends no pass: it is told at the end, and the keys go on.

use super::{
    pass::{Pass, World},
    quota::{Quota, field_of},
    tell,
};
use crate::{
    controller::error::Failure,
    domain::{
        access::{BucketState, Held, LimitChanges, Permission, Resource},
        ids::BucketName,
        reason::Reason,
    },
};

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
            world.buckets.ask_no_more_after(&error);
            world.seen.quota = Quota::failed(&error);
            return Ok(());
        }
        world.seen.quota.change(changes);
        let said: Vec<_> = changes.iter().map(|(of, most)| say_limit(*of, *most)).collect();
        let note = format!("Changed the quota of the user: {}.", said.join(", "));
        tell(self.ctx, &self.user, false, Reason::QuotaChanged, note).await;
        Ok(())
    }

    pub(super) async fn make_bucket(&mut self, name: &BucketName, world: &mut World) -> Result<(), Failure> {
        if world.buckets.is_passed_over(name) {
            return Ok(());
        }
        self.confirm().await?;
        let target = &world.target;
        let to = target.grantee();
        let made = target.connection.driver.make_bucket(&to, name);
        if let Err(error) = made.await {
            world.buckets.fail(name, &error);
            return Ok(());
        }
        let states = &mut world.buckets.states;
        states.insert(name.clone(), BucketState::Open(Held::Nothing));
        let note = format!("Made the bucket {name}. It is not deleted with this object.");
        tell(self.ctx, &self.user, false, Reason::BucketCreated, note).await;
        Ok(())
    }

    pub(super) async fn set_grant(
        &mut self,
        name: &BucketName,
        what: Option<Permission>,
        world: &mut World,
    ) -> Result<(), Failure> {
        if world.buckets.is_passed_over(name) {
            return Ok(());
        }
        self.confirm().await?;
        let target = &world.target;
        let to = target.grantee();
        let set = target.connection.driver.set_grant(&to, name, what);
        if let Err(error) = set.await {
            world.buckets.fail(name, &error);
            return Ok(());
        }
        let held = what.map_or(Held::Nothing, Held::As);
        let state = match world.buckets.states.get(name) {
            Some(BucketState::Closed(_)) => BucketState::Closed(Some(held)),
            _ => BucketState::Open(held),
        };
        world.buckets.states.insert(name.clone(), state);
        let (reason, note) = match what {
            Some(permission) => (
                Reason::AccessGranted,
                format!("Granted {permission:?} on the bucket {name}."),
            ),
            None => (
                Reason::AccessWithdrawn,
                format!("Withdrew the access to the bucket {name}."),
            ),
        };
        tell(self.ctx, &self.user, false, reason, note).await;
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
