//! Execute, the steps of the Secret: published, restored, fenced, deleted, released.

use super::{
    pass::{Pass, World},
    secret, tell,
};
use crate::{
    controller::{
        error::{Error, Failure, Trouble},
        memory::UserMemory,
    },
    domain::{facts::SecretState, ids::CredentialId, ledger::after, plan::Mirror, reason::Reason},
    names,
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use std::time::Duration;

impl Pass<'_> {
    pub(super) async fn publish(
        &mut self,
        id: &CredentialId,
        mirror: &Mirror,
        world: &mut World,
    ) -> Result<(), Failure> {
        // A key is as good as published one second later: stored times have no fractions, and the grace period that
        // counts from here must not be a fraction shorter than promised.
        let at = after(self.ctx.clock.now(), Duration::from_secs(1));
        self.write_secret(id, mirror, Some(at), world).await
    }

    pub(super) async fn restore(
        &mut self,
        id: &CredentialId,
        mirror: &Mirror,
        world: &mut World,
    ) -> Result<(), Failure> {
        if std::mem::replace(&mut world.restored, true) {
            let message = format!(
                "Something changes the Secret {} back as soon as it is written. Find what does, or choose another `spec.secret.name`.",
                world.form.name
            );
            return Err(Trouble::stalled(Reason::SecretConflict, message).into());
        }
        let at = world.seen.state.ours().and_then(|published| published.at);
        self.write_secret(id, mirror, at, world).await?;
        let note = format!(
            "The Secret {} was missing or changed, and was written again with the same key.",
            world.form.name
        );
        tell(self.ctx, &self.user, false, Reason::SecretRestored, note).await;
        Ok(())
    }

    pub(super) async fn write_secret(
        &mut self,
        id: &CredentialId,
        mirror: &Mirror,
        at: Option<Timestamp>,
        world: &mut World,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let seen = &mut world.seen;
        let Some(pair) = seen.halves.get(id) else {
            return Err(Error::Stale.into());
        };
        let filled = world.form.fill(seen.secret.as_ref(), pair, mirror, at);
        let written = secret::write(&self.ctx.client, &filled).await?;
        if let Some(former) = seen.former.take() {
            secret::delete(&self.ctx.client, &former).await?;
        }
        self.saw(written, world);
        Ok(())
    }

    pub(super) async fn fence_secret(
        &mut self,
        attempt: u32,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        if let Some(mut fenced) = world.seen.secret.clone() {
            let mark = self.ctx.entropy.draw().access_key_id.to_string();
            fenced.annotations_mut().insert(names::FENCE.to_owned(), mark);
            fenced.metadata.managed_fields = None;
            let written = secret::write(&self.ctx.client, &fenced).await?;
            self.saw(written, world);
        }
        memory.secret_fence = Some(attempt);
        Ok(())
    }

    fn saw(&self, written: Secret, world: &mut World) {
        if let (Some(uid), Some(version)) = (self.user.uid(), written.resource_version()) {
            self.ctx.memory.saw_secret(&uid, &version);
        }
        let readable = world.target.connection.driver.capabilities().secret_readable;
        world.seen.state = world.form.inspect(Some(&written), &world.seen.halves, readable);
        world.seen.secret = Some(written);
    }

    pub(super) async fn delete_secret(&self, world: &mut World) -> Result<(), Failure> {
        if let Some(found) = world.seen.secret.take() {
            secret::delete(&self.ctx.client, &found).await?;
        }
        world.seen.state = SecretState::Absent;
        Ok(())
    }

    pub(super) async fn release_secret(&self, world: &mut World) -> Result<(), Failure> {
        if let Some(found) = world.seen.secret.take() {
            secret::release(&self.ctx.client, &found, &self.user.uid().unwrap_or_default()).await?;
        }
        world.seen.state = SecretState::Absent;
        let note = format!(
            "The user {}, its keys and its Secret stay, and nobody looks after them any more.",
            world.target.user_name
        );
        tell(self.ctx, &self.user, false, Reason::UserRetained, note).await;
        Ok(())
    }
}
