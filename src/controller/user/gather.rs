//! Gather: everything a plan is made of, read now. Reads only.

use super::{form::Form, ledger, notes::pair_in, quota::Quota, target::Target};
use crate::{
    api::v1alpha1::{ObjectStore, ObjectUser},
    backend::{KeyPair, ObservedUser},
    controller::{
        context::Context,
        error::{Failure, Trouble},
        memory::UserMemory,
        store,
    },
    domain::{
        access::Limits,
        facts::{LastUse, SecretState, UserState},
        ids::CredentialId,
        ledger::Ledger,
        reason::Reason,
    },
};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use std::collections::{BTreeMap, BTreeSet};

/// The world as it was just read. No `Debug`: that of a Secret prints what is in it.
pub(super) struct Gathered {
    pub user: UserState,
    pub quota: Quota,
    pub live: BTreeSet<CredentialId>,
    pub halves: BTreeMap<CredentialId, KeyPair>,
    /// Of each key, where the backend tells that.
    pub last_uses: BTreeMap<CredentialId, LastUse>,
    pub secret: Option<Secret>,
    pub state: SecretState,
    /// Our Secret under the name that the spec gave before.
    pub former: Option<Secret>,
}

/// The Secret and the backend's user, read now.
pub(super) async fn gather(
    user: &ObjectUser,
    target: &Target,
    form: &Form,
    memory: &UserMemory,
    ctx: &Context,
) -> Result<Gathered, Failure> {
    let secrets = Api::<Secret>::namespaced(ctx.client.clone(), &user.namespace().unwrap_or_default());
    // The backend first: while it is down, nothing else is asked for.
    let observed = target.connection.driver.find_user(&target.user_name).await?;
    let observed = observed.map(|found| found.seen_by_who_wishes(user.spec.locked));
    let secret = secrets.get_opt(&form.name).await?;
    let published_under = user.status.as_ref().and_then(|s| s.secret_name.clone());
    let former = match published_under.filter(|name| *name != form.name) {
        Some(name) => secrets.get_opt(&name).await?.filter(|s| {
            s.owner_references()
                .iter()
                .any(|o| Some(&o.uid) == user.uid().as_ref())
        }),
        None => None,
    };
    if let (Some(uid), Some(version)) = (
        user.uid(),
        secret.as_ref().and_then(ResourceExt::resource_version),
    ) {
        ctx.memory.saw_secret(&uid, &version);
    }
    let known = user.status.as_ref().map(ledger::read).unwrap_or_default();
    let readable = target.connection.driver.capabilities().secret_readable;
    if let Some(key) = observed
        .as_ref()
        .filter(|found| readable && found.owner.as_ref() == Some(&target.mark))
        .and_then(|found| unreadable(found, &known))
    {
        let message = format!(
            "The backend shows the key {key} without its secret half. Give the admin user the right to read it (Ceph: `users=*`)."
        );
        return Err(Trouble::passing(Reason::AuthenticationFailed, message).into());
    }
    let mut gathered = assemble(observed, secret, former, target, form, memory);
    if is_of_a_store(user, &form.name, ctx) {
        gathered.state = SecretState::Foreign;
    }
    Ok(gathered)
}

/// A store's own Secrets are no user's, whatever the adoption policy: who writes them is admin on the backend.
fn is_of_a_store(user: &ObjectUser, secret: &str, ctx: &Context) -> bool {
    let needs = |s: &ObjectStore| {
        s.namespace() == user.namespace() && store::secrets_of(s).any(|used| used == secret)
    };
    let mut all = ctx.stores.iter().flat_map(kube::runtime::reflector::Store::state);
    all.any(|store| store.0.as_ref().is_ok_and(needs))
}

/// A key without its secret half, from a backend that shows them: the admin user lacks a right. Taken for a lost one, it
/// would be replaced again and again. One that was never published may be unfinished, and is replaced.
fn unreadable(found: &ObservedUser, ledger: &Ledger) -> Option<CredentialId> {
    let without = found.credentials.iter().filter(|key| key.secret.is_none());
    let mut ids = without.map(|key| &key.id);
    ids.find(|id| ledger.credentials.contains_key(*id)).cloned()
}

fn assemble(
    observed: Option<ObservedUser>,
    secret: Option<Secret>,
    former: Option<Secret>,
    target: &Target,
    form: &Form,
    memory: &UserMemory,
) -> Gathered {
    let capabilities = target.connection.driver.capabilities();
    let readable = capabilities.secret_readable;
    let mut halves = memory.staged.clone();
    let (mut live, mut last_uses) = (BTreeSet::new(), BTreeMap::new());
    let mut limits = Ok(Limits::new());
    let user = match observed {
        None => UserState::Absent,
        Some(found) if found.privileged || found.owner.as_ref() != Some(&target.mark) => UserState::Foreign,
        Some(found) => {
            limits = found.limits;
            for key in found.credentials {
                live.insert(key.id.clone());
                if capabilities.last_use {
                    last_uses.insert(key.id.clone(), key.last_use);
                }
                if let Some(secret) = key.secret {
                    halves.insert(
                        key.id.clone(),
                        KeyPair {
                            id: key.id,
                            access_key_id: key.access_key_id,
                            secret,
                        },
                    );
                }
            }
            UserState::Ours {
                label: found.label,
                locked: found.locked,
            }
        }
    };
    let mut state = form.inspect(secret.as_ref(), &halves, readable);
    if let SecretState::Ours(published) = &mut state {
        published.intact &= former.is_none();
    }
    // Where the backend does not show secret halves, our own Secrets are the only place that has them.
    if !readable {
        let ours = secret.as_ref().filter(|_| matches!(state, SecretState::Ours(_)));
        for pair in former.iter().chain(ours).filter_map(pair_in) {
            halves.entry(pair.id.clone()).or_insert(pair);
        }
    }
    Gathered {
        user,
        quota: Quota::of(limits),
        live,
        halves,
        last_uses,
        secret,
        state,
        former,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::ObservedCredential,
        domain::{ids::AccessKeyId, ledger::Issued},
    };
    use jiff::Timestamp;

    #[test]
    fn a_key_without_its_half_is_the_admins_to_mend_only_where_it_was_published() {
        let key = |id: &str, secret: Option<&str>| ObservedCredential {
            id: CredentialId::new(id),
            access_key_id: AccessKeyId::new(id),
            secret: secret.map(Into::into),
            last_use: LastUse::Unknown,
        };
        let found = ObservedUser {
            owner: None,
            label: String::new(),
            locked: false,
            half_locked: false,
            limits: Ok(Limits::new()),
            privileged: false,
            credentials: vec![
                key("UNFINISHED", None),
                key("WHOLE", Some("s")),
                key("HIDDEN", None),
            ],
        };
        let issued = Issued {
            issue_time: Timestamp::UNIX_EPOCH,
            verified_time: None,
            revoke_time: None,
        };
        let mut ledger = Ledger::default();
        let unfinished = CredentialId::new("UNFINISHED");
        ledger.abandoned.insert(unfinished, Timestamp::UNIX_EPOCH);
        ledger.credentials.insert(CredentialId::new("WHOLE"), issued);
        assert_eq!(unreadable(&found, &ledger), None);
        ledger.credentials.insert(CredentialId::new("HIDDEN"), issued);
        assert_eq!(unreadable(&found, &ledger), Some(CredentialId::new("HIDDEN")));
    }
}
