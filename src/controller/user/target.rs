//! Which store a user is on, whether it may be, and the connection to it. Reads only.

use crate::{
    api::v1alpha1::{NamespacesFrom, ObjectStore, ObjectStoreRef, ObjectUser},
    backend::{Grantee, pool::Connection},
    controller::{
        context::{Context, id_of},
        error::{Failure, Trouble},
        news, status, store, store_named,
    },
    domain::{
        identity::Identity,
        ids::{NamespaceMark, OwnerMark, UserName},
        reason::Reason,
    },
    names,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use std::sync::Arc;

/// The store of a user, and the connection to it.
#[derive(Debug)]
pub(super) struct Target {
    pub store: ObjectStore,
    pub connection: Arc<Connection>,
    pub user_name: UserName,
    pub mark: OwnerMark,
    /// Of the namespace of the object.
    pub namespace: NamespaceMark,
    /// The store took this user once and takes none from its namespace any more.
    pub closed: bool,
    /// The object stands in the store's own namespace.
    pub at_home: bool,
}

impl Target {
    /// The user as one whom access is given to.
    pub(super) fn grantee(&self) -> Grantee {
        Grantee {
            user: self.user_name.clone(),
            owner: self.mark.clone(),
            namespace: self.namespace.clone(),
            at_home: self.at_home,
        }
    }
}

/// The store that a user depends on, as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreStamp {
    uid: String,
    generation: Option<i64>,
    /// Serial of the connection to it.
    connection: Option<u64>,
}

impl StoreStamp {
    /// From the caches alone.
    pub(super) fn of(reference: &ObjectStoreRef, here: &str, ctx: &Context) -> Option<Self> {
        let store = store_of(reference, here, ctx)?;
        let uid = store.uid()?;
        Some(Self {
            generation: store.metadata.generation,
            connection: ctx.pool.get(&uid).map(|c| c.serial),
            uid,
        })
    }

    /// The watch that told of a change of the store may be ahead of the cache that is looked into. What was decided by
    /// an old store would stay so until the next change.
    pub(super) fn is_old(&self, ctx: &Context) -> bool {
        self.generation
            .is_some_and(|generation| ctx.memory.is_old_store(&self.uid, generation))
    }
}

/// Tells one state of a user (by its [`digest`](crate::controller::cached::digest)) and of its store from another.
pub(super) fn fingerprint(user: u64, store: Option<&StoreStamp>) -> u64 {
    news::hash(&(user, store))
}

fn store_of(reference: &ObjectStoreRef, here: &str, ctx: &Context) -> Option<ObjectStore> {
    let found = ctx.store(&store_named(reference, here))?;
    found.0.as_ref().ok().cloned()
}

/// The store, if this user may use it, and a connection to it.
pub(super) async fn find(user: &ObjectUser, ctx: &Context) -> Result<Target, Failure> {
    let here = user.namespace().unwrap_or_default();
    let store = store_of(&user.spec.object_store_ref, &here, ctx).ok_or_else(|| not_available(user))?;
    let closed = !is_allowed(user, &store, ctx).await?;
    // A user that is there has keys: to be revoked in time, locked and deleted whoever may make new ones.
    let made = status::has_finalizer(user);
    // One that is being deleted waits for its users to go, and takes no more of them.
    if (closed || store.metadata.deletion_timestamp.is_some()) && !made {
        return Err(not_available(user).into());
    }
    if store.spec.suspend {
        let message = format!(
            "The ObjectStore {} is suspended: nothing is done on its backend.",
            id_of(&store)
        );
        return Err(Trouble::passing(Reason::Suspended, message).into());
    }
    let connection = match store::connection(&store, ctx).await {
        Ok(connection) => connection,
        // A namespace that is being deleted loses its Secrets first; its users can still be deleted while this
        // process remembers how.
        Err(trouble)
            if user.metadata.deletion_timestamp.is_some() && trouble.reason == Reason::CredentialsMissing =>
        {
            remembered(&store, ctx)?
        }
        Err(trouble) => return Err(for_users(&store, &trouble).into()),
    };
    let namespace = user.namespace().unwrap_or_default();
    let name = user.name_any();
    let identity = Identity {
        cluster: &ctx.cluster_id,
        namespace: &namespace,
        name: &name,
    };
    let capabilities = connection.driver.capabilities();
    let given = user.spec.user_name.as_ref().map(UserName::new);
    let mut user_name = given.unwrap_or_else(|| identity.user_name(&capabilities.user_name));
    if capabilities.mark_in_name {
        user_name = Identity::marked(&user_name, &identity.owner_mark());
    }
    let before = user.status.as_ref().and_then(|s| s.user_name.as_ref());
    if let Some(before) = before.filter(|before| *before != user_name.as_str()) {
        let message = format!(
            "This object's user is {before}, and would be {user_name} now: the cluster id is another. Start the operator with the \
             `--cluster-id` of before, or make a new ObjectUser."
        );
        return Err(Trouble::stalled(Reason::UserConflict, message).into());
    }
    Ok(Target {
        mark: identity.owner_mark(),
        namespace: identity.namespace_mark(),
        at_home: store.namespace().as_ref() == Some(&namespace),
        store,
        connection,
        user_name,
        closed,
    })
}

fn remembered(store: &ObjectStore, ctx: &Context) -> Result<Arc<Connection>, Trouble> {
    let uid = store.uid().unwrap_or_default();
    ctx.pool.get(&uid).ok_or_else(|| {
        let message = format!(
            "The admin credentials of the ObjectStore {} are gone, so the user cannot be deleted from its backend. Put them \
             back, or annotate this object with `{}: \"true\"` to leave the user behind.",
            id_of(store),
            names::FORCE_DELETE,
        );
        Trouble::stalled(Reason::StoreNotReady, message)
    })
}

/// The same words whether a store in another namespace is missing or closed: a tenant learns nothing from them.
fn not_available(user: &ObjectUser) -> Trouble {
    let here = user.namespace().unwrap_or_default();
    let reference = &user.spec.object_store_ref;
    let message = match reference.namespace.as_ref().filter(|there| **there != here) {
        Some(there) => format!(
            "There is no ObjectStore {there}/{} that this namespace may use. Check `spec.objectStoreRef`, and ask the \
             store's owner to allow this namespace in `spec.allowedNamespaces`. Where the operator looks after some \
             namespaces only, the store's must be one of them.",
            reference.name
        ),
        None => format!(
            "There is no ObjectStore {} in this namespace, or it is being deleted.",
            reference.name
        ),
    };
    let way_out = format!(
        " The user cannot be deleted from its backend; annotate this object with `{}: \"true\"` to leave it behind.",
        names::FORCE_DELETE
    );
    let deleting = user.metadata.deletion_timestamp.is_some();
    Trouble::stalled(
        Reason::StoreNotAvailable,
        message + if deleting { &way_out } else { "" },
    )
}

/// A store's trouble, told to its users: what its owner sees in full is only hinted at.
fn for_users(store: &ObjectStore, trouble: &Trouble) -> Trouble {
    let passing = trouble.reason == Reason::BackendUnavailable;
    let reason = if passing {
        Reason::BackendUnavailable
    } else {
        Reason::StoreNotReady
    };
    let message = format!(
        "The ObjectStore {} is not usable; its conditions say why.",
        id_of(store)
    );
    Trouble {
        reason,
        message,
        stalled: false,
        retry_after: trouble.retry_after,
    }
}

async fn is_allowed(user: &ObjectUser, store: &ObjectStore, ctx: &Context) -> Result<bool, Failure> {
    let namespace = user.namespace().unwrap_or_default();
    if Some(&namespace) == store.namespace().as_ref() {
        return Ok(true);
    }
    let allowed = &store.spec.allowed_namespaces;
    match (allowed.from, &allowed.selector) {
        (NamespacesFrom::Same, _) | (NamespacesFrom::Selector, None) => Ok(false),
        (NamespacesFrom::All, _) => Ok(true),
        (NamespacesFrom::Selector, Some(selector)) => {
            let Some(found) = Api::<Namespace>::all(ctx.client.clone())
                .get_opt(&namespace)
                .await?
            else {
                return Ok(false);
            };
            let selector = kube::core::Selector::try_from(selector.clone());
            Ok(selector.is_ok_and(|selector| kube::core::SelectorExt::matches(&selector, found.labels())))
        }
    }
}
