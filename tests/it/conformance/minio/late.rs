//! Servers of a cluster that missed what another one did: they know no user or key that is there. Each server at hand stands alone, so
//! that a proxy answers for such a one.

use super::access::text_of;
use super::{Server, Store, named};
use crate::conformance::access::{fresh_bucket, grantee};
use crate::conformance::suite::{Subject as _, fresh_user, is_dead, key_ids, made_with_key};
use crate::conformance::users::refused;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind, Grantee, NewUser};
use gracekey::domain::access::Permission;
use http::Method;
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
            grants_end_before_their_user
            a_disabled_user_is_deleted_with_its_grants
            a_user_that_is_not_seen_is_told_whatever_becomes_of_its_policy
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

/// A user with access to a bucket.
async fn with_grant<S: Server>(store: &Store<S>) -> (NewUser, Grantee) {
    let (user, _) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    let all = Some(Permission::ReadWrite);
    store.driver.set_grant(&to, &bucket, all).await.unwrap();
    (user, to)
}

/// Once it is gone, nobody comes back for what it leaves.
pub(super) async fn grants_end_before_their_user<S: Server>(store: &Store<S>) {
    let (user, to) = with_grant(store).await;
    store
        .proxy
        .once(asks("remove-canned-policy"), Fault::answer(500, ""));
    let error = store.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(
        store.driver.find_user(&user.name).await.unwrap().is_some(),
        "the user is gone, and its policy is not"
    );
    store.driver.delete_user(&user.name).await.unwrap();
    assert!(text_of(store, &to).await.is_none());
}

/// Of which newer servers take no policy away.
pub(super) async fn a_disabled_user_is_deleted_with_its_grants<S: Server>(store: &Store<S>) {
    let (user, to) = with_grant(store).await;
    let query = named(&user.name).pair("status", "disabled");
    store
        .admin_does(Method::PUT, "set-user-status", query, None)
        .await;
    store.driver.delete_user(&user.name).await.unwrap();
    assert!(text_of(store, &to).await.is_none());
    assert!(store.driver.find_user(&user.name).await.unwrap().is_none());
}

pub(super) async fn a_user_that_is_not_seen_is_told_whatever_becomes_of_its_policy<S: Server>(
    store: &Store<S>,
) {
    let user = fresh_user(store);
    for fault in [Fault::answer(500, ""), absent("SomethingElse"), Fault::CutBefore] {
        store.proxy.once(asks("info-canned-policy"), fault);
        refused(store.driver.delete_user(&user.name).await, ErrorKind::NotFound);
    }
}
