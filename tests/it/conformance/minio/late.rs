//! Servers of a cluster that missed what another one did: they know no user or key that is there. Each server at hand stands alone, so
//! that a proxy answers for such a one.

use super::{Server, Store};
use crate::conformance::suite::{Subject as _, is_dead, key_ids, made_with_key};
use crate::conformance::users::refused;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind};
use std::slice::from_ref;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

macro_rules! late_facts {
    ($server:ty; $($fact:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
        async fn $fact() {
            let store = <$crate::conformance::minio::Store<$server> as $crate::conformance::suite::Subject>::start_confined().await;
            $crate::conformance::minio::late::$fact(&store).await;
        }
    )*};
    ($server:ty) => {
        late_facts! { $server;
            a_user_that_a_late_answer_lacks_is_not_taken_for_deleted
            a_key_that_a_late_answer_lacks_is_not_taken_for_revoked
        }
    };
}

fn asks(call: &'static str) -> impl Fn(&Seen) -> bool + Send {
    move |seen| seen.target.contains(&format!("/v3/{call}?"))
}

fn absent(code: &str) -> Fault {
    Fault::answer(404, &format!(r#"{{"Code":"{code}","Message":"…"}}"#))
}

fn no_user() -> Fault {
    absent("XMinioAdminNoSuchUser")
}

fn no_key() -> Fault {
    absent("XMinioInvalidIAMCredentials")
}

/// Whoever deletes it would look for it no more, and its key would live on.
pub(super) async fn a_user_that_a_late_answer_lacks_is_not_taken_for_deleted<S: Server>(store: &Store<S>) {
    let (user, pair) = made_with_key(store).await;
    for call in ["user-info", "remove-user"] {
        store.proxy.once(asks(call), no_user());
        refused(store.driver.delete_user(&user.name).await, ErrorKind::NotFound);
        assert_eq!(key_ids(store, &user.name).await, from_ref(&pair.id), "{call}");
    }
    store.driver.delete_user(&user.name).await.unwrap();
    is_dead(store, &pair).await;
}

/// The record of the key would end, and the key live on.
pub(super) async fn a_key_that_a_late_answer_lacks_is_not_taken_for_revoked<S: Server>(store: &Store<S>) {
    let (user, pair) = made_with_key(store).await;
    let is_kept = async |what| {
        refused(
            store.driver.revoke(&user.name, &pair.id).await,
            ErrorKind::NotFound,
        );
        assert_eq!(key_ids(store, &user.name).await, from_ref(&pair.id), "{what}");
    };
    store.proxy.once(asks("user-info"), no_user());
    is_kept("the user is not told").await;
    store.proxy.once(asks("info-service-account"), no_key());
    is_kept("the key is not told").await;
    let is_removed = Arc::new(AtomicBool::new(false));
    let removes = {
        let is_removed = Arc::clone(&is_removed);
        move |seen: &Seen| {
            let removes = asks("delete-service-account")(seen);
            is_removed.fetch_or(removes, Ordering::Relaxed);
            removes
        }
    };
    let looks_again =
        move |seen: &Seen| asks("info-service-account")(seen) && is_removed.load(Ordering::Relaxed);
    store.proxy.once(removes, no_key());
    store.proxy.once(looks_again, no_key());
    is_kept("the removal does not find it").await;
    store.driver.revoke(&user.name, &pair.id).await.unwrap();
    is_dead(store, &pair).await;
}
