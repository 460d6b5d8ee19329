//! Access where consent is a name of the bucket, and a grant is what each key holds for itself.

use super::{Garage, fresh_bucket as fresh_alias};
use crate::conformance::access::{fresh_bucket, grantee};
use crate::conformance::suite::{Subject as _, fresh_user, issued, made_with_key, order_for};
use crate::conformance::users::refused;
use crate::testbed::{Fault, proxy::Seen};
use gracekey::backend::http::Query;
use gracekey::backend::{Driver as _, ErrorKind, FoundBucket, Grantee, NewUser};
use gracekey::domain::access::{Held, Permission};
use gracekey::domain::ids::{AccessKeyId, BucketName, OwnerMark};
use serde_json::{Value, json};

const ALL: Option<Permission> = Some(Permission::ReadWrite);

/// The alias that will open a bucket which nobody has made yet.
async fn consent_to_come(garage: &Garage, to: &Grantee, bucket: &BucketName) -> String {
    let id = garage.make_bucket(bucket.as_str()).await;
    let alias = garage.consent(to, bucket).await;
    let id = Query::new().pair("id", id.as_str().unwrap());
    garage.post("DeleteBucket", id, json!({})).await;
    alias
}

/// A key whose making broke off when it had got everything but its name.
async fn unfinished(garage: &Garage, user: &NewUser) -> AccessKeyId {
    let last = |seen: &Seen| seen.target.starts_with("/v2/UpdateKey");
    garage.proxy.once(last, Fault::CutBefore);
    let order = order_for(&garage.driver, &user.name);
    garage.driver.issue(user, &order).await.unwrap_err();
    order.access_key_id.unwrap()
}

/// What a key may do with the buckets that it may use.
async fn rights(garage: &Garage, key: &AccessKeyId) -> Vec<Value> {
    let key = garage.key(key).await;
    let buckets = key["buckets"].as_array().unwrap().iter();
    buckets.map(|bucket| bucket["permissions"].clone()).collect()
}

/// Else one tenant would make the bucket that another is going to ask for, and read all that is stored there.
#[tokio::test]
async fn nobody_makes_the_bucket_that_another_namespace_will_ask_for() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    let ((user, key), (other, other_key)) = (made_with_key(&garage).await, made_with_key(&garage).await);
    let (to, thief, data) = (grantee(&user), grantee(&other), fresh_bucket());
    let planted = BucketName::new(consent_to_come(&garage, &to, &data).await);

    let made = driver.make_bucket(&thief, &planted).await;
    let given = driver.set_grant(&thief, &planted, ALL).await;
    driver.make_bucket(&to, &data).await.unwrap();
    driver.set_grant(&to, &data, ALL).await.unwrap();
    let s3 = garage.s3(&key).unwrap();
    s3.put_object(data.as_str(), "kept", b"data")
        .await
        .expect_success();
    let stolen = garage.s3(&other_key).unwrap();
    let stolen = stolen.get_object(planted.as_str(), "kept").await.status;
    assert_ne!(stolen, 200, "another namespace reads it");
    refused(made, ErrorKind::Invalid);
    refused(given, ErrorKind::Invalid);
}

/// The store's own namespace, too, where every bucket with an alias is open.
#[tokio::test]
async fn an_alias_of_consent_is_a_closed_bucket_to_everybody() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    let (user, _) = made_with_key(&garage).await;
    let (to, other, data) = (grantee(&user), grantee(&fresh_user(&garage)), fresh_bucket());
    driver.make_bucket(&other, &data).await.unwrap();
    let alias = BucketName::new(garage.consent(&to, &data).await);
    let at_home = Grantee {
        at_home: true,
        ..to.clone()
    };
    for to in [&to, &at_home] {
        let found = driver.find_bucket(to, &alias).await.unwrap();
        let FoundBucket::Closed { held, advice } = found else {
            panic!("{found:?}")
        };
        assert_eq!(held, Some(Held::Nothing));
        assert!(advice.contains("another name"), "{advice}");
        refused(driver.make_bucket(to, &alias).await, ErrorKind::Invalid);
        refused(driver.set_grant(to, &alias, ALL).await, ErrorKind::Invalid);
        driver.set_grant(to, &alias, None).await.unwrap();
    }
}

/// What an earlier version gave under such a name can be seen, and taken away.
#[tokio::test]
async fn a_grant_under_an_alias_of_consent_is_withdrawn() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    let (user, pair) = made_with_key(&garage).await;
    let (to, data) = (grantee(&user), fresh_bucket());
    let alias = consent_to_come(&garage, &grantee(&fresh_user(&garage)), &data).await;
    let id = garage.make_bucket(&alias).await;
    let both = json!({ "read": true, "write": true });
    garage.allow(&id, &pair.access_key_id, both).await;
    let alias = BucketName::new(alias);
    for held in [Held::As(Permission::ReadWrite), Held::Nothing] {
        let found = driver.find_bucket(&to, &alias).await.unwrap();
        let is = matches!(found, FoundBucket::Closed { held: Some(now), .. } if now == held);
        assert!(is, "{found:?}");
        driver.set_grant(&to, &alias, None).await.unwrap();
    }
}

/// A bucket is gone on with that has the consent for its only name, and that nobody can have got at.
#[tokio::test]
async fn a_bucket_that_somebody_has_is_not_taken_for_one_that_was_begun() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    let (_, pair) = made_with_key(&garage).await;
    let key = &pair.access_key_id;
    for kind in ["a right", "a name", "a name for one key"] {
        let (to, data) = (grantee(&fresh_user(&garage)), fresh_bucket());
        let consent = consent_to_come(&garage, &to, &data).await;
        let id = garage.make_bucket(&consent).await;
        let name = |alias: Value| {
            let mut body = json!({ "bucketId": id });
            body.as_object_mut()
                .unwrap()
                .extend(alias.as_object().unwrap().clone());
            garage.post("AddBucketAlias", Query::new(), body)
        };
        match kind {
            "a right" => garage.allow(&id, key, json!({ "read": true })).await,
            "a name" => drop(name(json!({ "globalAlias": fresh_alias() })).await),
            _ => drop(name(json!({ "localAlias": fresh_alias(), "accessKeyId": key.as_str() })).await),
        }
        let by_id = || Query::new().pair("id", id.as_str().unwrap());
        let before = garage.get("GetBucketInfo", by_id()).await;
        let made = driver.make_bucket(&to, &data).await;
        assert_eq!(garage.get("GetBucketInfo", by_id()).await, before, "{kind}");
        let told = made.as_ref().unwrap_err().to_string();
        assert!(told.contains(&consent), "{told}");
        refused(made, ErrorKind::Conflict);
        let found = driver.find_bucket(&to, &data).await.unwrap();
        assert_eq!(found, FoundBucket::Missing);

        // As it says.
        name(json!({ "globalAlias": fresh_alias() })).await;
        let body = json!({ "bucketId": id, "globalAlias": consent });
        garage.post("RemoveBucketAlias", Query::new(), body).await;
        driver.make_bucket(&to, &data).await.unwrap();
        let found = driver.find_bucket(&to, &data).await.unwrap();
        assert_eq!(found, FoundBucket::Open(Held::Nothing));
    }
}

/// An issue that broke off has given its key what the others had then.
#[tokio::test]
async fn a_right_that_was_taken_away_does_not_come_back_by_an_unfinished_key() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    for what in [Some(Permission::ReadOnly), None] {
        let (user, _) = made_with_key(&garage).await;
        let (to, bucket) = (grantee(&user), fresh_bucket());
        driver.make_bucket(&to, &bucket).await.unwrap();
        driver.set_grant(&to, &bucket, ALL).await.unwrap();
        let begun = unfinished(&garage, &user).await;
        let both = json!({ "read": true, "write": true, "owner": false });
        assert_eq!(rights(&garage, &begun).await, [both]);

        driver.set_grant(&to, &bucket, what).await.unwrap();
        let reads = what.is_some();
        let left = json!({ "read": true, "write": false, "owner": false });
        let left: Vec<_> = reads.then_some(left).into_iter().collect();
        assert_eq!(rights(&garage, &begun).await, left, "of the unfinished key");
        let new = issued(&garage, &user).await;
        assert_eq!(rights(&garage, &new.access_key_id).await, left, "of the next one");
        let s3 = garage.s3(&new).unwrap();
        let stored = s3.put_object(bucket.as_str(), "own", b"own").await.status;
        assert_eq!(stored, 403);
        let found = driver.find_bucket(&to, &bucket).await.unwrap();
        assert_eq!(found, FoundBucket::Open(what.map_or(Held::Nothing, Held::As)));
    }
}

/// A request that hangs may give it something after that was taken from the others.
#[tokio::test]
async fn a_new_key_gets_what_finished_keys_have() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let begun = unfinished(&garage, &user).await;
    let late = garage.make_bucket(&fresh_alias()).await;
    garage.allow(&late, &begun, json!({ "write": true })).await;
    let new = issued(&garage, &user).await;
    let none: [Value; 0] = [];
    assert_eq!(rights(&garage, &new.access_key_id).await, none);

    // When they are gone, nobody else can tell what the user had.
    for id in [&old.id, &new.id] {
        garage.driver.revoke(&user.name, id).await.unwrap();
    }
    let last = issued(&garage, &user).await;
    let write = json!({ "read": false, "write": true, "owner": false });
    assert_eq!(rights(&garage, &last.access_key_id).await, [write]);
}

/// Else the deletion of such a user would never end: its grants could not be told.
#[tokio::test]
async fn a_user_that_is_not_ours_holds_no_grant() {
    let garage = Garage::start().await;
    let driver = &garage.driver;
    let (user, pair) = made_with_key(&garage).await;
    let (to, bucket) = (grantee(&user), fresh_bucket());
    driver.make_bucket(&to, &bucket).await.unwrap();
    driver.set_grant(&to, &bucket, ALL).await.unwrap();
    let stranger = Grantee {
        owner: OwnerMark::new("f".repeat(32)),
        ..to.clone()
    };
    let is_left_alone = async |to: &Grantee| {
        let before = garage.snapshot(&user.name).await;
        let found = driver.find_bucket(to, &bucket).await.unwrap();
        assert_eq!(found, FoundBucket::Open(Held::Nothing));
        driver.set_grant(to, &bucket, None).await.unwrap();
        refused(driver.set_grant(to, &bucket, ALL).await, ErrorKind::Conflict);
        assert_eq!(garage.snapshot(&user.name).await, before);
    };
    is_left_alone(&stranger).await;
    let damaged = json!({ "name": "a person's name" });
    garage.update(&pair.access_key_id, damaged).await;
    is_left_alone(&to).await;
}
