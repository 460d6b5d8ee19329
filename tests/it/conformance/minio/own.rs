//! What a user has beside grants, what keeps grants of several users apart, and buckets that are being made.

use super::access::{policies_of, text_of};
use super::facts::{admin_with, all_but, with};
use super::{Server, Store, boxed};
use crate::conformance::access::{SEED, fresh_bucket, grantee};
use crate::conformance::suite::{
    Subject as _, fresh_foreign_name, fresh_name, fresh_user, issued, made_with_key, name_for, ready,
};
use crate::conformance::user_policy as shared;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::http::Query;
use gracekey::backend::minio::MinioConfig;
use gracekey::backend::{Driver, ErrorKind, FoundBucket, Grantee, NewUser, Outcome};
use gracekey::domain::access::{Held, Permission};
use gracekey::domain::ids::{BucketName, UserName};
use http::Method;
use serde_json::json;

macro_rules! own_facts {
    ($server:ty; $($fact:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
        async fn $fact() {
            let store = <$crate::conformance::minio::Store<$server> as $crate::conformance::suite::Subject>::start_confined().await;
            $crate::conformance::minio::own::$fact(&store).await;
        }
    )*};
    ($server:ty) => {
        own_facts! { $server;
            a_user_that_reaches_all_buckets_by_its_own_policy_is_given_none
            a_user_that_reaches_all_buckets_by_a_group_is_given_none
            a_group_that_cannot_be_read_is_told
            a_grant_beside_a_policy_that_cannot_be_read_can_be_taken_back
            users_of_one_owner_keep_their_grants_apart
            a_bucket_that_two_namespaces_make_at_once_is_for_one_of_them
            a_bucket_that_is_on_record_for_two_is_given_to_one
            a_bucket_that_is_nobodys_is_not_taken
            a_user_that_is_made_halfway_is_not_told_as_not_made
        }
    };
}

const READ: Option<Permission> = Some(Permission::ReadOnly);

/// The bucket is closed for what the user may do otherwise, which the advice names; and what is there can be withdrawn.
async fn is_refused(driver: &dyn Driver, to: &Grantee, bucket: &BucketName, held: Held, words: &[&str]) {
    let found = driver.find_bucket(to, bucket).await.unwrap();
    let FoundBucket::Closed { held: seen, advice } = found else {
        panic!("{bucket}: {found:?}");
    };
    assert_eq!(seen, Some(held), "{advice}");
    let error = driver
        .set_grant(to, bucket, Some(Permission::WriteOnly))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    let refused = driver.make_bucket(to, &fresh_bucket()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict, "{refused}");
    for word in words {
        assert!(
            advice.contains(word) && error.to_string().contains(word),
            "{advice} {error}"
        );
    }
    driver.set_grant(to, bucket, None).await.unwrap();
}

pub(super) async fn a_user_that_reaches_all_buckets_by_its_own_policy_is_given_none<S: Server>(
    store: &Store<S>,
) {
    let driver = store.driver();
    let (user, pair) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    let wide = fresh_bucket();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::?*"] },
    ] });
    store.add_policy(wide.as_str(), &policy).await;
    for policy in ["readwrite", wide.as_str()] {
        store.set_policies(&user.name, policy).await;
        let s3 = store.s3(&pair).unwrap();
        s3.get_object(bucket.as_str(), SEED).await.expect_success();
        is_refused(driver, &to, &bucket, Held::Nothing, &[policy, user.name.as_str()]).await;
    }
    // A grant from before is seen, and can be taken back.
    store.set_policies(&user.name, "").await;
    driver.set_grant(&to, &bucket, READ).await.unwrap();
    let ours = policies_of(store, &user.name).await;
    let both = format!("{},readwrite", ours.as_str().unwrap());
    store.set_policies(&user.name, &both).await;
    is_refused(
        driver,
        &to,
        &bucket,
        Held::As(Permission::ReadOnly),
        &["readwrite"],
    )
    .await;
    assert_eq!(policies_of(store, &user.name).await, "readwrite");
    store.set_policies(&user.name, "").await;
    driver.set_grant(&to, &bucket, READ).await.unwrap();
}

/// A group of this user's; its name.
async fn group_of<S: Server>(store: &Store<S>, name: &UserName, policy: &str) -> String {
    let group = fresh_name().to_string();
    let body =
        json!({ "group": group, "members": [name.as_str()], "isRemove": false, "groupStatus": "enabled" });
    let body = body.to_string().into_bytes();
    let (status, text) = store
        .admin_sends(Method::PUT, "update-group-members", Query::new(), body)
        .await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
    let query = Query::new()
        .pair("policyName", policy)
        .pair("userOrGroup", &group)
        .pair("isGroup", "true");
    store
        .admin_does(Method::PUT, "set-user-or-group-policy", query, None)
        .await;
    group
}

pub(super) async fn a_user_that_reaches_all_buckets_by_a_group_is_given_none<S: Server>(store: &Store<S>) {
    let driver = store.driver();
    let (user, pair) = made_with_key(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    let group = group_of(store, &user.name, "readwrite").await;
    let s3 = store.s3(&pair).unwrap();
    s3.get_object(bucket.as_str(), SEED).await.expect_success();
    is_refused(driver, &to, &bucket, Held::Nothing, &["readwrite", &group]).await;
    // One that reaches some buckets is nobody's concern.
    let (user, narrow) = (ready(store).await, fresh_bucket());
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::tenant-a/*"] },
    ] });
    store.add_policy(narrow.as_str(), &policy).await;
    group_of(store, &user.name, narrow.as_str()).await;
    let to = Grantee {
        namespace: to.namespace.clone(),
        ..grantee(&user)
    };
    driver.set_grant(&to, &bucket, READ).await.unwrap();
}

/// As it is with rights from before there was such a question.
pub(super) async fn a_group_that_cannot_be_read_is_told<S: Server>(store: &Store<S>) {
    if S::IS_OF_2021 {
        return; // It takes the root user.
    }
    let driver = boxed(MinioConfig {
        policies: Vec::new(),
        ..with(store, admin_with(store, &all_but("admin:GetGroup")).await)
    });
    let user = ready(store).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    store.make_strangers_bucket(&bucket, Some(&to)).await;
    driver.set_grant(&to, &bucket, READ).await.unwrap();
    let group = group_of(store, &user.name, "readwrite").await;
    let held = Held::As(Permission::ReadOnly);
    is_refused(driver.as_ref(), &to, &bucket, held, &["admin:GetGroup", &group]).await;
}

pub(super) async fn a_grant_beside_a_policy_that_cannot_be_read_can_be_taken_back<S: Server>(
    store: &Store<S>,
) {
    let (user, narrow) = (ready(store).await, fresh_bucket());
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::tenant-a/*"] },
    ] });
    store.add_policy(narrow.as_str(), &policy).await;
    store.set_policies(&user.name, narrow.as_str()).await;
    let of_narrow = format!("info-canned-policy?name={narrow}");
    let reads = move |seen: &Seen| seen.target.contains(&of_narrow);
    let throttled = Fault::answer(503, r#"{"Code":"SlowDownRead","Message":"…"}"#);
    shared::a_grant_beside_rights_that_cannot_be_read_can_be_taken_back(
        store,
        &grantee(&user),
        reads,
        throttled,
    )
    .await;
}

/// As where an object was deleted with its user retained, and made again with another name.
pub(super) async fn users_of_one_owner_keep_their_grants_apart<S: Server>(store: &Store<S>) {
    let (first, pair) = made_with_key(store).await;
    let second = NewUser {
        name: name_for(store, &fresh_name(), &first.owner),
        ..first.clone()
    };
    store.driver.create_user(&second).await.unwrap();
    let other_pair = issued(store, &second).await;
    let (to, one, other) = (grantee(&first), fresh_bucket(), fresh_bucket());
    let again = Grantee {
        user: second.name.clone(),
        ..to.clone()
    };
    for bucket in [&one, &other] {
        store.make_strangers_bucket(bucket, Some(&to)).await;
    }
    let reads = async |pair, bucket: &BucketName| {
        let s3 = store.s3(pair).unwrap();
        s3.get_object(bucket.as_str(), SEED).await.status
    };
    store.driver.set_grant(&to, &one, READ).await.unwrap();
    store.driver.set_grant(&again, &other, READ).await.unwrap();
    assert_eq!(
        [reads(&pair, &one).await, reads(&pair, &other).await],
        [200, 403],
        "the first user"
    );
    assert_eq!(
        [reads(&other_pair, &one).await, reads(&other_pair, &other).await],
        [403, 200],
        "the second user"
    );
    store.driver.delete_user(&second.name).await.unwrap();
    assert_eq!(reads(&pair, &one).await, 200);
    assert!(text_of(store, &to).await.is_some());
}

pub(super) async fn a_bucket_that_two_namespaces_make_at_once_is_for_one_of_them<S: Server>(
    store: &Store<S>,
) {
    shared::a_bucket_that_two_namespaces_make_at_once_is_for_one_of_them(store).await;
}

pub(super) async fn a_bucket_that_is_on_record_for_two_is_given_to_one<S: Server>(store: &Store<S>) {
    shared::a_bucket_that_is_on_record_for_two_is_given_to_one(store).await;
}

pub(super) async fn a_bucket_that_is_nobodys_is_not_taken<S: Server>(store: &Store<S>) {
    shared::a_bucket_that_was_somebody_elses_once_is_not_taken_later(store, &store.root()).await;
    shared::a_bucket_that_is_given_up_while_it_is_made_is_not_taken_later(store, &store.root()).await;
}

/// Whoever is told that nothing was done would give the name to somebody else.
pub(super) async fn a_user_that_is_made_halfway_is_not_told_as_not_made<S: Server>(store: &Store<S>) {
    let driver = boxed(MinioConfig {
        policies: vec!["not-there".to_owned()],
        ..store.config()
    });
    let user = fresh_user(store);
    let error = driver.create_user(&user).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Invalid, Outcome::Unknown),
        "{error}"
    );
    assert!(driver.find_user(&user.name).await.unwrap().is_some());
    let locked = NewUser {
        locked: true,
        ..fresh_user(store)
    };
    let refusal = r#"{"Code":"AccessDenied","Message":"…"}"#;
    let locks =
        |seen: &Seen| seen.target.contains("policy/attach") || seen.target.contains("set-user-status");
    store.proxy.once(locks, Fault::answer(403, refusal));
    let error = store.driver.create_user(&locked).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Auth, Outcome::Unknown),
        "{error}"
    );
    // A name that cannot be one is refused before.
    let foreign = NewUser {
        name: fresh_foreign_name(store),
        ..fresh_user(store)
    };
    let error = store.driver.create_user(&foreign).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::NotApplied);
}
