//! Buckets that are being made, and what a policy has room for.

use super::{Moto, Product, SeaweedFs, Store};
use crate::conformance::access::{fresh_bucket, grantee_at_home};
use crate::conformance::suite::{Subject as _, ready};
use crate::conformance::user_policy as shared;
use gracekey::backend::{Driver as _, ErrorKind, FoundBucket, Grantee};
use gracekey::domain::access::Permission;
use gracekey::domain::ids::BucketName;

macro_rules! on_both {
    ($($fact:ident)*) => {$(
        mod $fact {
            use super::{Moto, SeaweedFs, shared};
            use super::super::Store;
            use crate::conformance::suite::Subject as _;

            #[tokio::test]
            async fn on_moto() {
                shared::$fact(&Store::<Moto>::start_confined().await).await;
            }

            #[tokio::test]
            async fn on_seaweedfs() {
                shared::$fact(&Store::<SeaweedFs>::start_confined().await).await;
            }
        }
    )*};
}

on_both! {
    a_bucket_that_two_namespaces_make_at_once_is_for_one_of_them
    a_bucket_that_is_on_record_for_two_is_given_to_one
}

async fn what_is_nobodys_is_not_taken(store: &Store<impl Product>) {
    shared::a_bucket_that_was_somebody_elses_once_is_not_taken_later(store, &store.root()).await;
    shared::a_bucket_that_is_given_up_while_it_is_made_is_not_taken_later(store, &store.root()).await;
}

#[tokio::test]
async fn what_is_nobodys_is_not_taken_on_moto() {
    what_is_nobodys_is_not_taken(&Store::<Moto>::start_confined().await).await;
}

#[tokio::test]
async fn what_is_nobodys_is_not_taken_on_seaweedfs() {
    what_is_nobodys_is_not_taken(&Store::<SeaweedFs>::start_confined().await).await;
}

/// Gives a user buckets to read until there is no room for another one; those that it has got.
async fn fill(store: &Store<Moto>, to: &Grantee) -> Vec<BucketName> {
    let mut given = Vec::new();
    loop {
        let bucket = BucketName::new(format!("{}-{}", fresh_bucket(), "x".repeat(20)));
        store.make_strangers_bucket(&bucket, None).await;
        let read = Some(Permission::ReadOnly);
        match store.driver.set_grant(to, &bucket, read).await {
            Ok(()) => given.push(bucket),
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
                return given;
            }
        }
        assert!(given.len() < 40, "it never ends");
    }
}

async fn policy(store: &Store<Moto>, to: &Grantee) -> String {
    let fields = [("UserName", to.user.as_str()), ("PolicyName", "gracekey-access")];
    store.admin_call("GetUserPolicy", &fields).await
}

/// There is room to put on record that the bucket is being made, and none for what the user is to have of it.
#[tokio::test]
async fn a_bucket_that_a_policy_has_no_room_for_is_not_made() {
    let store = Store::<Moto>::start_confined().await;
    let to = grantee_at_home(&ready(&store).await);
    for bucket in fill(&store, &to).await.iter().take(2) {
        store.driver.set_grant(&to, bucket, None).await.unwrap();
    }
    let bucket = fresh_bucket();
    let error = store.driver.make_bucket(&to, &bucket).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("fewer buckets"), "{error}");
    let found = store.driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Missing);
    let policy = policy(&store, &to).await;
    assert!(!policy.contains("GRACEKEY_MAKES"), "{policy}");
}

#[tokio::test]
async fn a_bucket_whose_grant_has_no_room_any_more_is_neither_tagged_nor_kept_on_record() {
    let store = Store::<Moto>::start_confined().await;
    let to = grantee_at_home(&ready(&store).await);
    let bucket = fresh_bucket();
    store.driver.make_bucket(&to, &bucket).await.unwrap();
    fill(&store, &to).await;
    assert!(policy(&store, &to).await.contains("GRACEKEY_MAKES"));
    let before = store.proxy.seen().len();
    let all = Some(Permission::ReadWrite);
    let error = store.driver.set_grant(&to, &bucket, all).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let seen = store.proxy.seen().split_off(before);
    let tags =
        |method: &http::Method, target: &str| method == http::Method::PUT && target.contains("?tagging");
    assert!(
        !seen.iter().any(|seen| tags(&seen.method, &seen.target)),
        "{seen:?}"
    );
    let policy = policy(&store, &to).await;
    assert!(!policy.contains("GRACEKEY_MAKES"), "{policy}");
}
