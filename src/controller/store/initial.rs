//! A store comes with one user. It is made once: deleted by its owner, it stays deleted.

use crate::{
    api::v1alpha1::{
        Access, DeletionPolicy, InitialUserStatus, ObjectStore, ObjectStoreRef, ObjectUser, ObjectUserSpec,
        Quota, Rotation, SecretSpec,
    },
    controller::{
        cached::CachedUser,
        context::{Context, reference},
        error::Error,
    },
    domain::reason::Reason,
    names,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Api, Resource, ResourceExt, api::PostParams, runtime::events::EventType};

/// Makes the initial user, unless that was done before or is not wanted. Returns what status is to remember.
pub(super) async fn ensure(store: &ObjectStore, ctx: &Context) -> Result<Option<InitialUserStatus>, Error> {
    let done = store.status.as_ref().and_then(|s| s.initial_user.clone());
    if done.is_some() || !store.spec.initial_user.create {
        return Ok(done);
    }
    let user = wanted(store);
    let api = Api::<ObjectUser>::namespaced(ctx.client.clone(), &store.namespace().unwrap_or_default());
    let params = PostParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let made = Some(InitialUserStatus {
        name: user.name_any(),
        create_time: Time(ctx.clock.now()),
    });
    match api.create(&params, &user).await {
        Ok(_) => {
            let note = format!("Made the initial user {}.", user.name_any());
            ctx.tell(
                &reference(store),
                EventType::Normal,
                Reason::InitialUserCreated,
                note,
            )
            .await;
            Ok(made)
        }
        // Made before a crash, or an object of that name is somebody's own: either way there is one.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(made),
        Err(error) => Err(error.into()),
    }
}

fn wanted(store: &ObjectStore) -> ObjectUser {
    let mut user = ObjectUser::new(
        &format!("{}{}", store.name_any(), names::INITIAL_USER_SUFFIX),
        ObjectUserSpec {
            object_store_ref: ObjectStoreRef {
                name: store.name_any(),
                namespace: None,
            },
            label: Some(store.spec.initial_user.label.clone()),
            user_name: None,
            locked: false,
            secret: SecretSpec::default(),
            rotation: Rotation::default(),
            access: Access::default(),
            quota: Quota::default(),
            deletion_policy: DeletionPolicy::default(),
            suspend: false,
        },
    );
    user.metadata.namespace = store.namespace();
    user.owner_references_mut()
        .extend(store.controller_owner_ref(&()));
    user
}

/// Whether this user came with this store.
pub(super) fn is_initial(user: &CachedUser, store: &ObjectStore) -> bool {
    user.owner_references()
        .iter()
        .any(|o| Some(&o.uid) == store.uid().as_ref() && o.controller == Some(true))
}
