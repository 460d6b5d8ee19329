//! Access to buckets of a Ceph gateway, and limits on it: what stands in policies, and what the suite cannot ask of others.

use super::{Ceph, Release, boxed, uid};
use crate::conformance::access::{SEED, fresh_bucket, grantee};
use crate::conformance::suite::{Subject as _, found, fresh_name, made_with_key, ready};
use crate::testbed::S3;
use gracekey::backend::ceph::CephConfig;
use gracekey::backend::http::Query;
use gracekey::backend::{Driver as _, ErrorKind, FoundBucket, Grantee, KeyPair};
use gracekey::domain::access::{Held, LimitChanges, Permission, Resource};
use gracekey::domain::ids::{BucketName, UserName};
use http::Method;
use serde_json::{Value, json};

macro_rules! access_facts {
    ($release:ty) => {
        facts! { access on $release:
            statements_of_others_stay_as_they_are
            a_policy_that_is_too_long_is_left_alone
            buckets_of_the_admin_are_open_to_the_stores_own_namespace_alone
            the_right_to_manage_users_is_enough_for_access
            grants_made_at_the_same_moment_are_all_there
            a_grant_that_was_edited_by_hand_is_seen_and_put_right
            limits_hold_for_buckets_of_the_user
            a_quota_that_does_not_count_is_not_enabled_beside_another
        }
    };
}

/// The statement by which a bucket's owner consents, as `docs/backends/ceph.md` has it.
pub(super) fn consent(to: &Grantee, bucket: &BucketName, admin: &str) -> Value {
    json!({
        "Sid": format!("GracekeyTrusts{}", to.namespace), "Effect": "Allow",
        "Principal": { "AWS": [format!("arn:aws:iam:::user/{admin}")] },
        "Action": ["s3:GetBucketPolicy", "s3:PutBucketPolicy"], "Resource": [format!("arn:aws:s3:::{bucket}")],
    })
}

/// A bucket of a user of somebody else's, with these statements in its policy. Gives its owner's view.
pub(super) async fn strangers_bucket(
    ceph: &Ceph<impl Release>,
    bucket: &BucketName,
    statements: Vec<Value>,
) -> S3 {
    let owner = ceph.make_foreign_user(&fresh_name()).await;
    let s3 = ceph.s3(&owner).unwrap();
    let bucket = bucket.as_str();
    s3.create_bucket(bucket).await.expect_success();
    s3.put_object(bucket, SEED, b"seed").await.expect_success();
    if !statements.is_empty() {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        s3.put_policy(bucket, &policy.to_string()).await.expect_success();
    }
    s3
}

fn admin_s3(ceph: &Ceph<impl Release>) -> S3 {
    let (id, secret) = (&ceph.gateway.admin_access_key, &ceph.gateway.admin_secret_key);
    let pair = super::pair_of(&json!([{ "access_key": id, "secret_key": secret }]));
    ceph.s3(&pair).unwrap()
}

async fn policy(s3: &S3, bucket: &BucketName) -> Value {
    let body = s3.get_policy(bucket.as_str()).await.expect_success();
    serde_json::from_slice(&body).unwrap()
}

pub(super) async fn statements_of_others_stay_as_they_are(ceph: &Ceph<impl Release>) {
    let (user, _) = made_with_key(ceph).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    let s3 = strangers_bucket(ceph, &bucket, Vec::new()).await;
    let before = json!({
        "Version": "2012-10-17", "Id": "theirs", "Statement": [
            consent(&to, &bucket, &ceph.gateway.admin_uid),
            { "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/secret/*"),
              "Condition": { "StringNotLike": { "aws:Referer": ["a", "b"] } } },
            { "Sid": "Gracekey", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam:::user/nobody-at-all" },
              "NotAction": ["s3:DeleteObject"], "Resource": [format!("arn:aws:s3:::{bucket}")] },
        ],
    });
    s3.put_policy(bucket.as_str(), &before.to_string())
        .await
        .expect_success();
    let driver = &ceph.driver;
    for permission in Permission::ALL {
        driver.set_grant(&to, &bucket, Some(permission)).await.unwrap();
        let mut now = policy(&s3, &bucket).await;
        let ours = now["Statement"].as_array_mut().unwrap().pop().unwrap();
        assert_eq!(ours["Sid"], format!("Gracekey{}", user.owner));
        assert_eq!(now, before);
    }
    driver.set_grant(&to, &bucket, None).await.unwrap();
    assert_eq!(policy(&s3, &bucket).await, before);
}

pub(super) async fn a_policy_that_is_too_long_is_left_alone(ceph: &Ceph<impl Release>) {
    let (user, _) = made_with_key(ceph).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    let mut statements = vec![consent(&to, &bucket, &ceph.gateway.admin_uid)];
    let filler = |n: usize| {
        json!({
            "Sid": format!("Filler{n}"), "Effect": "Allow", "Principal": { "AWS": ["arn:aws:iam:::user/nobody-at-all"] },
            "Action": ["s3:GetObject"], "Resource": [format!("arn:aws:s3:::{bucket}/{n}/*")],
        })
    };
    // One more does not fit.
    statements.extend((0..130).map(filler));
    while json!({ "Version": "2012-10-17", "Statement": statements })
        .to_string()
        .len()
        > 20 * 1024
    {
        statements.pop();
    }
    let s3 = strangers_bucket(ceph, &bucket, statements.clone()).await;
    let before = policy(&s3, &bucket).await;
    let found = ceph.driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Open(Held::Nothing));
    let grant = ceph
        .driver
        .set_grant(&to, &bucket, Some(Permission::ReadOnly))
        .await;
    assert_eq!(grant.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(policy(&s3, &bucket).await, before);

    statements.extend((200..230).map(filler));
    let long = json!({ "Version": "2012-10-17", "Statement": statements });
    s3.put_policy(bucket.as_str(), &long.to_string())
        .await
        .expect_success();
    let found = ceph.driver.find_bucket(&to, &bucket).await.unwrap();
    assert!(
        matches!(found, FoundBucket::Closed { held: None, .. }),
        "{found:?}"
    );
    assert_eq!(policy(&s3, &bucket).await, long);
}

/// A tenant must not get at what the admin keeps for itself, nor at what another tenant has from it.
pub(super) async fn buckets_of_the_admin_are_open_to_the_stores_own_namespace_alone(
    ceph: &Ceph<impl Release>,
) {
    let (user, _) = made_with_key(ceph).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    let home = Grantee {
        at_home: true,
        ..to.clone()
    };
    let admin = admin_s3(ceph);
    admin.create_bucket(bucket.as_str()).await.expect_success();
    let found = ceph.driver.find_bucket(&to, &bucket).await.unwrap();
    let FoundBucket::Closed { held, advice } = found else {
        panic!("open to a tenant: {found:?}")
    };
    assert_eq!(held, Some(Held::Nothing));
    assert!(
        advice.contains(&format!("GracekeyTrusts{}", to.namespace)),
        "{advice}"
    );
    let grant = ceph
        .driver
        .set_grant(&to, &bucket, Some(Permission::ReadOnly))
        .await;
    assert_eq!(grant.unwrap_err().kind, ErrorKind::Conflict);
    // Made by hand, it is nobody's who asks to make it.
    let made = ceph.driver.make_bucket(&to, &bucket).await;
    assert_eq!(made.unwrap_err().kind, ErrorKind::Conflict);

    let open = ceph.driver.find_bucket(&home, &bucket).await.unwrap();
    assert_eq!(open, FoundBucket::Open(Held::Nothing));
    let all = Some(Permission::ReadWrite);
    ceph.driver.set_grant(&home, &bucket, all).await.unwrap();
    // Should the store move, what was granted can still be taken back.
    let closed = ceph.driver.find_bucket(&to, &bucket).await.unwrap();
    let kept = Some(Held::As(Permission::ReadWrite));
    assert!(
        matches!(closed, FoundBucket::Closed { held, .. } if held == kept),
        "{closed:?}"
    );
    ceph.driver.set_grant(&to, &bucket, None).await.unwrap();
    let gone = admin.get_policy(bucket.as_str()).await;
    assert_eq!(
        gone.status, 404,
        "a policy that was not there before is not left behind"
    );
}

/// `docs/backends/ceph.md` says that the admin user needs nothing but `users=*`.
pub(super) async fn the_right_to_manage_users_is_enough_for_access(ceph: &Ceph<impl Release>) {
    let name = fresh_name();
    let pair = ceph.make_foreign_user(&name).await;
    let caps = Query::new()
        .flag("caps")
        .pair("uid", name.as_str())
        .pair("user-caps", "users=*");
    ceph.admin_call(Method::PUT, caps).await;
    let driver = boxed(CephConfig {
        access_key_id: pair.access_key_id.clone(),
        secret: pair.secret.clone(),
        ..ceph.config()
    });
    let (user, user_pair) = made_with_key(ceph).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    driver.make_bucket(&to, &bucket).await.unwrap();
    let all = Some(Permission::ReadWrite);
    driver.set_grant(&to, &bucket, all).await.unwrap();
    let s3 = ceph.s3(&user_pair).unwrap();
    s3.put_object(bucket.as_str(), SEED, b"seed")
        .await
        .expect_success();
    let changes = LimitChanges::from([(Resource::Bytes, Some(1000)), (Resource::Buckets, Some(0))]);
    driver.set_limits(&user.name, &changes).await.unwrap();

    let theirs = fresh_bucket();
    let owner = strangers_bucket(ceph, &theirs, vec![consent(&to, &theirs, name.as_str())]).await;
    driver.set_grant(&to, &theirs, all).await.unwrap();
    s3.get_object(theirs.as_str(), SEED).await.expect_success();
    // An owner who lets the operator read and not write is told so.
    let mut reading = consent(&to, &theirs, name.as_str());
    reading["Action"] = json!(["s3:GetBucketPolicy"]);
    let policy = json!({ "Version": "2012-10-17", "Statement": [reading] });
    owner
        .put_policy(theirs.as_str(), &policy.to_string())
        .await
        .expect_success();
    let error = driver.set_grant(&to, &theirs, all).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("s3:PutBucketPolicy"), "{error}");
}

pub(super) async fn grants_made_at_the_same_moment_are_all_there(ceph: &Ceph<impl Release>) {
    let (first, bucket) = (ready(ceph).await, fresh_bucket());
    let to = grantee(&first);
    strangers_bucket(
        ceph,
        &bucket,
        vec![consent(&to, &bucket, &ceph.gateway.admin_uid)],
    )
    .await;
    let mut all = vec![to.clone()];
    for _ in 0..7 {
        all.push(Grantee {
            namespace: to.namespace.clone(),
            ..grantee(&ready(ceph).await)
        });
    }
    // Two stores may be one gateway.
    let other = boxed(ceph.config());
    let set = all.iter().enumerate().map(async |(n, to)| {
        let what = Some(Permission::ReadOnly);
        if n % 2 == 0 {
            ceph.driver.set_grant(to, &bucket, what).await
        } else {
            other.set_grant(to, &bucket, what).await
        }
    });
    for result in futures::future::join_all(set).await {
        result.unwrap();
    }
    for to in &all {
        let found = ceph.driver.find_bucket(to, &bucket).await.unwrap();
        assert_eq!(found, FoundBucket::Open(Held::As(Permission::ReadOnly)));
    }
}

pub(super) async fn a_grant_that_was_edited_by_hand_is_seen_and_put_right(ceph: &Ceph<impl Release>) {
    let (user, _) = made_with_key(ceph).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    let s3 = strangers_bucket(
        ceph,
        &bucket,
        vec![consent(&to, &bucket, &ceph.gateway.admin_uid)],
    )
    .await;
    let what = Some(Permission::ReadOnly);
    ceph.driver.set_grant(&to, &bucket, what).await.unwrap();
    let right = policy(&s3, &bucket).await;
    let mut edited = right.clone();
    edited["Statement"][1]["Action"] = json!(["s3:*"]);
    s3.put_policy(bucket.as_str(), &edited.to_string())
        .await
        .expect_success();
    let found = ceph.driver.find_bucket(&to, &bucket).await.unwrap();
    assert_eq!(found, FoundBucket::Open(Held::Otherwise));
    ceph.driver.set_grant(&to, &bucket, what).await.unwrap();
    assert_eq!(policy(&s3, &bucket).await, right);
}

async fn limit(ceph: &Ceph<impl Release>, name: &UserName, changes: &[(Resource, Option<u64>)]) {
    let changes = changes.iter().copied().collect();
    ceph.driver.set_limits(name, &changes).await.unwrap();
}

async fn store(s3: &S3, bucket: &str, key: &str, bytes: usize) -> u16 {
    s3.put_object(bucket, key, &vec![b'x'; bytes]).await.status
}

pub(super) async fn limits_hold_for_buckets_of_the_user(ceph: &Ceph<impl Release>) {
    let (user, pair): (_, KeyPair) = made_with_key(ceph).await;
    let s3 = ceph.s3(&pair).unwrap();
    let (bucket, second) = (fresh_bucket(), fresh_bucket());
    let bucket = bucket.as_str();
    limit(ceph, &user.name, &[(Resource::Buckets, Some(0))]).await;
    assert_eq!(s3.create_bucket(bucket).await.status, 403);
    limit(ceph, &user.name, &[(Resource::Buckets, Some(1))]).await;
    s3.create_bucket(bucket).await.expect_success();
    assert_eq!(s3.create_bucket(second.as_str()).await.status, 400);

    limit(ceph, &user.name, &[(Resource::Bytes, Some(10_000))]).await;
    assert_eq!(store(&s3, bucket, "large", 20_000).await, 403);
    assert_eq!(store(&s3, bucket, "small", 100).await, 200);
    limit(ceph, &user.name, &[(Resource::Bytes, None)]).await;
    assert_eq!(store(&s3, bucket, "large", 20_000).await, 200);
    limit(ceph, &user.name, &[(Resource::Buckets, None)]).await;
    s3.create_bucket(second.as_str()).await.expect_success();
}

/// A quota that somebody prepared and did not enable must not begin to count.
pub(super) async fn a_quota_that_does_not_count_is_not_enabled_beside_another(ceph: &Ceph<impl Release>) {
    let user = ready(ceph).await;
    let prepared = Query::new()
        .flag("quota")
        .pair("uid", user.name.as_str())
        .pair("quota-type", "user")
        .pair("max-size", "1")
        .pair("enabled", "false");
    ceph.admin_call(Method::PUT, prepared).await;
    limit(ceph, &user.name, &[(Resource::Objects, Some(5))]).await;
    let limits = found(ceph, &user.name).await.limits.unwrap();
    assert_eq!(limits.get(&Resource::Objects), Some(&5));
    assert_eq!(limits.get(&Resource::Bytes), None);
    let told: Value = serde_json::from_str(&ceph.admin_call(Method::GET, uid(&user.name)).await).unwrap();
    assert_eq!(told["user_quota"]["max_size"], -1);
}
