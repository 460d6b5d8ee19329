//! Execute, the steps of the user: made, labelled, locked, deleted.

use super::{
    pass::{Pass, World},
    tell,
};
use crate::{
    backend::{ErrorKind, NewUser},
    controller::{
        error::{Failure, Trouble, is_late},
        memory::UserMemory,
    },
    domain::{facts::UserState, ledger::Ledger, reason::Reason},
};

impl Pass<'_> {
    pub(super) async fn create_user(&mut self, world: &mut World) -> Result<(), Failure> {
        self.confirm().await?;
        let new = Self::order(world);
        match world.target.connection.driver.create_user(&new).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Conflict => {
                world.seen.user = UserState::Foreign;
                world.conflict = Some(error.detail.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.note_made(new, world).await;
        Ok(())
    }

    /// The user as it is to be.
    pub(super) fn order(world: &World) -> NewUser {
        NewUser {
            name: world.target.user_name.clone(),
            label: world.desired.label.clone(),
            owner: world.target.mark.clone(),
            locked: world.desired.locked,
        }
    }

    /// The user was made, by itself or with its first key.
    pub(super) async fn note_made(&self, new: NewUser, world: &mut World) {
        world.seen.user = UserState::Ours {
            label: new.label,
            locked: new.locked,
        };
        // Where it comes with its first key, the intent of that key is on record by now.
        let with_key = world.target.connection.driver.capabilities().user_comes_with_key;
        let before = Ledger {
            intent: self.ledger.intent.clone().filter(|_| !with_key),
            ..self.ledger.clone()
        };
        if before.is_blank() {
            let note = format!("Created the user {} on the backend.", new.name);
            tell(self.ctx, &self.user, false, Reason::UserCreated, note).await;
        } else {
            let note = format!(
                "The user {} had vanished from the backend and was made again; a new key follows.",
                new.name
            );
            tell(self.ctx, &self.user, true, Reason::UserRecreated, note).await;
        }
    }

    pub(super) async fn set_label(
        &mut self,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let label = world.desired.label.clone();
        match world
            .target
            .connection
            .driver
            .set_label(&world.target.user_name, &label)
            .await
        {
            Ok(()) => {}
            // A label that the backend does not take is no reason to leave the keys alone.
            Err(error) if error.kind == ErrorKind::Invalid => {
                let trouble = Trouble::from(&error);
                memory.refused_label = Some((label, trouble));
                world.leave_label(memory);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        if let UserState::Ours { label: seen, .. } = &mut world.seen.user {
            seen.clone_from(&label);
        }
        tell(
            self.ctx,
            &self.user,
            false,
            Reason::LabelChanged,
            format!("The label is {label:?} now."),
        )
        .await;
        Ok(())
    }

    pub(super) async fn set_locked(&mut self, locked: bool, world: &mut World) -> Result<(), Failure> {
        self.confirm().await?;
        world
            .target
            .connection
            .driver
            .set_locked(&world.target.user_name, locked)
            .await?;
        if let UserState::Ours { locked: seen, .. } = &mut world.seen.user {
            *seen = locked;
        }
        let (reason, note) = if locked {
            (
                Reason::UserLocked,
                "The user is locked: no S3 operation works. Keys, data and Secret stay.",
            )
        } else {
            (Reason::UserUnlocked, "The user is unlocked: its keys work again.")
        };
        tell(self.ctx, &self.user, false, reason, note.to_owned()).await;
        Ok(())
    }

    pub(super) async fn delete_user(
        &mut self,
        world: &mut World,
        memory: &mut UserMemory,
    ) -> Result<(), Failure> {
        self.confirm().await?;
        let name = &world.target.user_name;
        match world.target.connection.driver.delete_user(name).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Conflict => {
                let why = if world.target.connection.driver.capabilities().data_is_owned {
                    "still owns data, so it is not deleted. Remove its buckets"
                } else {
                    "is not given up by the backend. Do what the backend asks for"
                };
                let message = format!(
                    "The user {name} {why}, or set `spec.deletionPolicy: Retain` to leave it behind with its data. The backend says: {}.",
                    error.detail
                );
                return Err(Trouble::stalled(Reason::DeletionBlocked, message).into());
            }
            Err(error) if is_late(&error, &world.target.connection.driver.capabilities()) => {
                let message = format!(
                    "The backend showed the user {name}, and did a moment later not find it to delete it: it may answer late. It is looked for again."
                );
                return Err(Trouble::passing(Reason::ProgressingWithRetry, message).into());
            }
            Err(error) => return Err(error.into()),
        }
        let note = format!("Deleted the user {name} and its keys from the backend.");
        world.seen.user = UserState::Absent;
        memory.deleted = true;
        tell(self.ctx, &self.user, false, Reason::UserDeleted, note).await;
        Ok(())
    }
}
