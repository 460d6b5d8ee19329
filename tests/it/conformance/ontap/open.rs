//! What the documents leave open and the suite cannot meet: each the other way.

use super::{It, Mode, release};
use crate::conformance::suite::{Subject, found, has_only, issued, made_with_key, works};
use gracekey::backend::{Driver as _, ErrorKind, Outcome};
use gracekey_simulators::ontap::Options;
use std::time::Duration;

struct KeepsOwners;

impl Mode for KeepsOwners {
    fn options() -> Options {
        Options {
            owner_is_kept: true,
            ..release(18, 1)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_that_the_cluster_keeps_for_its_buckets_is_a_conflict_and_nothing_changes() {
    let it = It::<KeepsOwners>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.s3(&pair)
        .unwrap()
        .create_bucket("kept-data")
        .await
        .expect_success();
    it.driver.set_locked(&user.name, true).await.unwrap();
    let error = it.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("buckets"), "{error}");
    assert!(found(&it, &user.name).await.locked, "it is locked as before");
    has_only(&it, &user.name, &pair).await;
}

struct GuardsEachPair;

impl Mode for GuardsEachPair {
    fn options() -> Options {
        Options {
            guards_each_pair: true,
            ..release(19, 1)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pair_that_a_group_guards_is_a_conflict_until_the_user_has_left() {
    let it = It::<GuardsEachPair>::start().await;
    let (user, first) = made_with_key(&it).await;
    let second = issued(&it, &user).await;
    it.driver.set_locked(&user.name, true).await.unwrap();
    let error = it.driver.revoke(&user.name, &first.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    it.driver.set_locked(&user.name, false).await.unwrap();
    it.driver.revoke(&user.name, &first.id).await.unwrap();
    has_only(&it, &user.name, &second).await;
}

struct Adds;

impl Mode for Adds {
    fn options() -> Options {
        Options {
            patch_adds: true,
            ..release(18, 1)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lock_comes_and_goes_though_a_list_be_added_to() {
    let it = It::<Adds>::start().await;
    let (user, pair) = made_with_key(&it).await;
    it.driver.set_locked(&user.name, true).await.unwrap();
    assert!(found(&it, &user.name).await.locked);
    it.driver.set_locked(&user.name, false).await.unwrap();
    assert!(!found(&it, &user.name).await.locked);
    it.s3(&pair).unwrap().list_buckets().await.expect_success();
    let error = it.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("granted-"), "{error}");
    works(&it, &pair).await;
}

struct Limits;

impl Mode for Limits {
    fn options() -> Options {
        Options {
            max_ttl: Some(Duration::from_hours(24)),
            absent_ttl_is_endless: true,
            ..release(18, 1)
        }
    }
}

/// A life that the server forces on keys would end published ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_limits_the_life_of_keys_is_told_what_to_unset() {
    let it = It::<Limits>::start().await;
    let user = crate::conformance::suite::fresh_user(&it);
    let order = crate::conformance::suite::key_order(&it);
    let error = it.driver.issue(&user, &order).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::NotApplied)
    );
    assert!(error.to_string().contains("max_key_time_to_live"), "{error}");
}
