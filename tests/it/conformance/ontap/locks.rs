//! The lock, and what else groups have to do with users.

use super::{It, v9_18_1};
use crate::conformance::suite::{
    Subject as _, found, fresh_user, has_only, is_dead, is_locked_out, issued, key_order, made_with_key,
    works,
};
use crate::conformance::users::refused;
use crate::testbed::Fault;
use gracekey::backend::{Driver as _, ErrorKind, NewUser, Outcome};
use gracekey_simulators::ontap::Fault as Trouble;
use http::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_in_a_group_keeps_its_last_key() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.driver.set_locked(&user.name, true).await.unwrap();
    let error = it.driver.revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("92406308"), "{error}");
    has_only(&it, &user.name, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lock_denies_what_a_policy_grants_and_gives_it_back() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let (_, other) = made_with_key(&it).await;
    let s3 = it.s3(&pair).unwrap();
    s3.list_buckets().await.expect_success();
    it.driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(&it, &pair).await;
    it.s3(&other).unwrap().list_buckets().await.expect_success();
    it.driver.set_locked(&user.name, false).await.unwrap();
    s3.list_buckets().await.expect_success();
    let (_, groups) = it.admin_call(Method::GET, "groups?fields=*", &Value::Null).await;
    assert!(
        !groups.to_string().contains("gracekey-locked"),
        "no group is left behind: {groups}"
    );
}

async fn lock_all(it: &It<v9_18_1::Here>, users: &[(usize, &NewUser)], locked: bool) {
    let calls = users
        .iter()
        .map(|(_, user)| it.driver.set_locked(&user.name, locked));
    for done in futures::future::join_all(calls).await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_are_locked_and_unlocked_at_the_same_moment() {
    let it = It::<v9_18_1::Here>::start().await;
    let mut users = Vec::new();
    for _ in 0..6 {
        users.push(made_with_key(&it).await.0);
    }
    let (odd, even): (Vec<_>, Vec<_>) = users.iter().enumerate().partition(|(number, _)| number % 2 == 1);
    lock_all(&it, &odd, true).await;
    tokio::join!(lock_all(&it, &even, true), lock_all(&it, &odd, false));
    for (number, user) in users.iter().enumerate() {
        assert_eq!(found(&it, &user.name).await.locked, number % 2 == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_that_is_made_locked_is_denied_from_its_first_key_on() {
    let it = It::<v9_18_1::Here>::start().await;
    let user = NewUser {
        locked: true,
        ..fresh_user(&it)
    };
    let pair = issued(&it, &user).await;
    assert!(found(&it, &user.name).await.locked);
    // Without keys it cannot be in a group; with the next one it is in it again.
    it.driver.set_locked(&user.name, false).await.unwrap();
    it.driver.revoke(&user.name, &pair.id).await.unwrap();
    it.driver.set_locked(&user.name, true).await.unwrap();
    assert!(!found(&it, &user.name).await.locked, "nothing to lock yet");
    let again = issued(&it, &user).await;
    is_locked_out(&it, &again).await;
    assert!(found(&it, &user.name).await.locked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_policy_that_denies_is_made_where_a_group_has_all_policies() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, _) = made_with_key(&it).await;
    let groups =
        json!({ "records": [{ "id": 7, "name": "everything", "users": [], "policies": [{ "name": "*" }] }] });
    it.proxy.always(
        |seen| seen.target.contains("/groups"),
        Fault::answer(200, &groups.to_string()),
    );
    let error = it.driver.set_locked(&user.name, true).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("everything"), "{error}");
    let changed = it
        .proxy
        .seen()
        .iter()
        .any(|seen| seen.target.contains("policies") && seen.method != Method::GET);
    assert!(!changed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_account_that_may_not_make_groups_cannot_lock_and_is_told_so() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let forbidden = json!({ "error": { "message": "no", "code": "92406096" } }).to_string();
    for part in ["/policies", "/groups"] {
        it.proxy.always(
            move |seen| seen.method != Method::GET && seen.target.contains(part),
            Fault::answer(403, &forbidden),
        );
        let error = it.driver.set_locked(&user.name, true).await.unwrap_err();
        assert_eq!(
            (error.kind, error.outcome),
            (ErrorKind::Unsupported, Outcome::NotApplied)
        );
        it.proxy.heal();
    }
    it.proxy.always(
        |seen| seen.target.contains("/groups"),
        Fault::answer(403, &forbidden),
    );
    assert!(!found(&it, &user.name).await.locked);
    let locked = NewUser {
        locked: true,
        ..fresh_user(&it)
    };
    refused(
        it.driver.issue(&locked, &key_order(&it)).await,
        ErrorKind::Unsupported,
    );
    it.proxy.heal();
    assert!(
        it.driver.find_user(&locked.name).await.unwrap().is_none(),
        "not made where it could not be locked"
    );
    works(&it, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_leaves_its_groups_before_it_is_deleted_and_a_locked_one_stays_locked_if_it_stays() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.s3(&pair).unwrap().list_buckets().await.expect_success();
    it.driver.set_locked(&user.name, true).await.unwrap();
    let before = it.snapshot(&user.name).await;
    let refusal = json!({ "error": { "message": "no", "code": "92400000" } }).to_string();
    it.proxy.once(
        |seen| seen.method == Method::DELETE && seen.target.contains("/users/"),
        Fault::answer(409, &refusal),
    );
    refused(it.driver.delete_user(&user.name).await, ErrorKind::Conflict);
    assert!(found(&it, &user.name).await.locked);
    assert_eq!(
        before.contains("granted-"),
        it.snapshot(&user.name).await.contains("granted-")
    );
    it.driver.delete_user(&user.name).await.unwrap();
    is_dead(&it, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_only_user_of_somebody_elses_group_is_not_deleted_and_the_group_is_named() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.cluster.grant(user.name.as_str(), "FullAccess");
    let before = it.snapshot(&user.name).await;
    let error = it.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(
        error
            .to_string()
            .contains(&format!("grant-{}-FullAccess", user.name)),
        "{error}"
    );
    assert_eq!(it.snapshot(&user.name).await, before);
    works(&it, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_deletion_that_is_carried_out_and_answered_with_an_error_is_a_deletion() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.cluster.fail_next(Trouble::ErrorAfterWrite);
    it.driver.delete_user(&user.name).await.unwrap();
    is_dead(&it, &pair).await;
}

/// Somebody changed it; its name says whom it is to lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_group_of_the_locks_name_that_locks_nobody_is_mended() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let group = format!("gracekey-locked-{}", user.name);
    it.make_group(&group, &[it.keeper.as_str()], "FullAccess").await;
    assert!(!found(&it, &user.name).await.locked);
    it.driver.set_locked(&user.name, true).await.unwrap();
    is_locked_out(&it, &pair).await;
    assert!(!found(&it, &it.keeper).await.locked, "nobody else is");
    it.driver.set_locked(&user.name, false).await.unwrap();
    it.s3(&pair).unwrap().list_buckets().await.expect_success();
}

/// Whoever was put there beside the user stays there.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unlocked_user_leaves_others_locked() {
    let it = It::<v9_18_1::Here>::start().await;
    let (user, pair) = made_with_key(&it).await;
    let (other, _) = made_with_key(&it).await;
    it.driver.set_locked(&other.name, true).await.unwrap();
    it.make_group(
        "both",
        &[user.name.as_str(), it.keeper.as_str()],
        "gracekey-locked",
    )
    .await;
    assert!(found(&it, &user.name).await.locked);
    it.driver.set_locked(&user.name, false).await.unwrap();
    it.s3(&pair).unwrap().list_buckets().await.expect_success();
    assert!(found(&it, &it.keeper).await.locked && found(&it, &other.name).await.locked);
}
