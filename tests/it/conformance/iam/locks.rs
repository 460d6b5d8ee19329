//! Locks: by a policy that denies, and by keys where none can.

use super::{Moto, SeaweedFs, Store, blank};
use crate::conformance::suite::{
    Subject as _, found, fresh_user, is_locked_out, issued, made_with_key, works,
};
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::{Driver as _, ErrorKind, NewUser};
use std::time::Duration;

#[tokio::test]
async fn a_policy_locks_where_one_can_deny_and_keys_are_left_as_they_are() {
    let store = Store::<Moto>::start().await;
    let (user, ours) = made_with_key(&store).await;
    let theirs = store.make_foreign_key(&user.name).await;
    let inactive = [
        ("UserName", user.name.as_str()),
        ("AccessKeyId", theirs.access_key_id.as_str()),
        ("Status", "Inactive"),
    ];
    store.admin_call("UpdateAccessKey", &inactive).await;
    let (before, statuses) = (store.snapshot(&user.name).await, store.statuses(&user.name).await);
    store.driver.set_locked(&user.name, true).await.unwrap();
    let locked = store.snapshot(&user.name).await;
    assert!(locked.contains("<member>gracekey-locked</member>"), "{locked}");
    assert_eq!(store.statuses(&user.name).await, statuses);
    is_locked_out(&store, &ours).await;
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert_eq!(store.snapshot(&user.name).await, before);
    works(&store, &ours).await;
}

/// As AWS does with a key that it found published.
#[tokio::test]
async fn a_key_that_somebody_set_inactive_is_no_lock_and_stays_so_where_a_policy_can_deny() {
    let store = Store::<Moto>::start().await;
    let (user, pair) = made_with_key(&store).await;
    let inactive = [
        ("UserName", user.name.as_str()),
        ("AccessKeyId", pair.access_key_id.as_str()),
        ("Status", "Inactive"),
    ];
    store.admin_call("UpdateAccessKey", &inactive).await;
    let before = store.statuses(&user.name).await;
    assert!(!found(&store, &user.name).await.locked);
    store.driver.set_locked(&user.name, false).await.unwrap();
    assert_eq!(store.statuses(&user.name).await, before);
}

#[tokio::test]
async fn a_key_of_a_locked_user_is_never_handed_out_active_where_no_policy_denies() {
    let store = Store::<SeaweedFs>::start().await;
    let order = NewUser {
        locked: true,
        ..fresh_user(&store)
    };
    store.driver.create_user(&order).await.unwrap();
    let first = issued(&store, &order).await;
    let second = issued(&store, &order).await;
    let statuses = store.statuses(&order.name).await;
    assert_eq!(statuses.len(), 2);
    assert!(
        statuses.iter().all(|(_, status)| status == "Inactive"),
        "{statuses:?}"
    );
    is_locked_out(&store, &first).await;
    assert!(found(&store, &order.name).await.locked);
    store.driver.set_locked(&order.name, false).await.unwrap();
    works(&store, &first).await;
    works(&store, &second).await;
    assert!(!store.snapshot(&order.name).await.contains("gracekey-locked"));
}

#[tokio::test]
async fn a_key_that_somebody_gives_a_locked_user_shows_and_is_locked_too() {
    let store = Store::<SeaweedFs>::start().await;
    let (user, _) = made_with_key(&store).await;
    store.driver.set_locked(&user.name, true).await.unwrap();
    let foreign = store.make_foreign_key(&user.name).await;
    works(&store, &foreign).await;
    assert!(!found(&store, &user.name).await.locked);
    store.driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(&store, &foreign).await;
    assert!(found(&store, &user.name).await.locked);
}

#[tokio::test]
async fn an_unlock_that_stops_half_way_is_finished_by_repeating() {
    let store = Store::<SeaweedFs>::start().await;
    let (user, first) = made_with_key(&store).await;
    let second = issued(&store, &user).await;
    store.driver.set_locked(&user.name, true).await.unwrap();
    let is_update = |seen: &Seen| seen.action.as_deref() == Some("UpdateAccessKey");
    store.proxy.once(is_update, Fault::Delay(Duration::ZERO));
    store.proxy.once(is_update, Fault::answer(500, ""));
    let error = store.driver.set_locked(&user.name, false).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    store.driver.set_locked(&user.name, false).await.unwrap();
    works(&store, &first).await;
    works(&store, &second).await;
}

#[tokio::test]
async fn a_user_without_keys_stays_locked_and_is_unlocked() {
    let store = Store::<SeaweedFs>::start().await;
    let user = blank(&store).await;
    for locked in [true, false] {
        store.driver.set_locked(&user.name, locked).await.unwrap();
        assert_eq!(found(&store, &user.name).await.locked, locked);
    }
}
