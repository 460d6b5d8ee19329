//! What keys may do is each key's own on Garage: a rotation must carry it over.

use super::{Garage, fresh_bucket};
use crate::conformance::suite::{
    Subject as _, found, has_only, is_dead, issued, key_ids, made_with_key, order_for, works,
};
use crate::testbed::Fault;
use gracekey::backend::http::Query;
use gracekey::backend::{Driver as _, ErrorKind, KeyPair, Outcome};
use serde_json::{Value, json};

/// Two buckets with an object `kept` in each: one that was made with this key, and one that an admin made by hand and allowed it.
async fn made_and_given(garage: &Garage, pair: &KeyPair) -> [String; 2] {
    let [own, given] = [fresh_bucket(), fresh_bucket()];
    let s3 = garage.s3(pair).unwrap();
    s3.create_bucket(&own).await.expect_success();
    let id = garage.make_bucket(&given).await;
    let rights = json!({ "read": true, "write": true });
    garage.allow(&id, &pair.access_key_id, rights).await;
    for bucket in [&own, &given] {
        s3.put_object(bucket, "kept", b"data").await.expect_success();
    }
    [own, given]
}

async fn reads(garage: &Garage, pair: &KeyPair, bucket: &str) -> u16 {
    garage.s3(pair).unwrap().get_object(bucket, "kept").await.status
}

#[tokio::test]
async fn a_new_key_reaches_what_the_old_one_was_given_and_made() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let [own, given] = made_and_given(&garage, &old).await;
    let new = issued(&garage, &user).await;
    for bucket in [&own, &given] {
        assert_eq!(reads(&garage, &new, bucket).await, 200, "{bucket}");
    }
    let rights = |key: &Value| {
        let mut buckets = key["buckets"].as_array().unwrap().clone();
        buckets.sort_by_key(|bucket| bucket["id"].to_string());
        (key["permissions"].clone(), buckets)
    };
    let (one, two) = (
        garage.key(&old.access_key_id).await,
        garage.key(&new.access_key_id).await,
    );
    assert_eq!(rights(&one), rights(&two));

    garage.driver.revoke(&user.name, &old.id).await.unwrap();
    is_dead(&garage, &old).await;
    assert_eq!(reads(&garage, &new, &own).await, 200);
    garage
        .s3(&new)
        .unwrap()
        .create_bucket(&fresh_bucket())
        .await
        .expect_success();
}

#[tokio::test]
async fn what_the_old_key_was_given_and_made_in_the_grace_period_reaches_the_new_one() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let new = issued(&garage, &user).await;
    let [own, given] = made_and_given(&garage, &old).await;
    assert_ne!(
        reads(&garage, &new, &own).await,
        200,
        "it is the old key's alone by now"
    );
    garage.driver.revoke(&user.name, &old.id).await.unwrap();
    for bucket in [&own, &given] {
        assert_eq!(reads(&garage, &new, bucket).await, 200, "{bucket}");
    }
}

#[tokio::test]
async fn a_right_that_was_taken_from_all_keys_does_not_come_back() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let deny = json!({ "deny": { "createBucket": true } });
    garage.update(&old.access_key_id, deny).await;
    let new = issued(&garage, &user).await;
    let key = garage.key(&new.access_key_id).await;
    assert_eq!(key["permissions"]["createBucket"], false);
}

/// Two keys may have one name for two buckets, where both made it in the grace period.
#[tokio::test]
async fn a_bucket_whose_name_the_other_key_has_for_another_one_is_reached_by_its_id() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let new = issued(&garage, &user).await;
    let bucket = fresh_bucket();
    for (pair, content) in [(&old, b"old"), (&new, b"new")] {
        let s3 = garage.s3(pair).unwrap();
        s3.create_bucket(&bucket).await.expect_success();
        s3.put_object(&bucket, "kept", content).await.expect_success();
    }
    let id = garage.key(&old.access_key_id).await["buckets"][0]["id"].clone();
    garage.driver.revoke(&user.name, &old.id).await.unwrap();
    let s3 = garage.s3(&new).unwrap();
    assert_eq!(s3.get_object(&bucket, "kept").await.expect_success(), b"new");
    let by_id = s3.get_object(id.as_str().unwrap(), "kept").await;
    assert_eq!(by_id.expect_success(), b"old");
}

/// Wherever an issue breaks off, its key is not taken for a finished one, and the next one is whole.
#[tokio::test]
async fn a_key_that_was_not_finished_is_shown_without_its_half_until_it_is_removed() {
    let garage = Garage::start().await;
    let (user, old) = made_with_key(&garage).await;
    let own = fresh_bucket();
    let s3 = garage.s3(&old).unwrap();
    s3.create_bucket(&own).await.expect_success();
    s3.put_object(&own, "kept", b"data").await.expect_success();
    let endpoints = ["/v2/AllowBucketKey", "/v2/AddBucketAlias", "/v2/UpdateKey"];
    for endpoint in endpoints {
        for fault in [Fault::CutBefore, Fault::answer(500, ""), Fault::answer(429, "")] {
            let spoil = move |seen: &crate::testbed::proxy::Seen| seen.target.starts_with(endpoint);
            garage.proxy.once(spoil, fault.clone());
            let order = order_for(&garage.driver, &user.name);
            let error = garage.driver.issue(&user, &order).await.unwrap_err();
            assert_eq!(error.outcome, Outcome::Unknown, "there is a key by now: {error}");
            let unfinished = order.access_key_id.unwrap();
            let observed = found(&garage, &user.name).await;
            for key in &observed.credentials {
                let is_whole = key.access_key_id != unfinished;
                assert_eq!(key.secret.is_some(), is_whole, "{endpoint} {fault:?}");
            }
            assert_eq!(observed.credentials.len(), 2);
            assert_eq!(
                (observed.label, observed.locked, observed.half_locked),
                (user.label.clone(), false, false)
            );
            garage
                .driver
                .revoke(&user.name, &(&unfinished).into())
                .await
                .unwrap();
            has_only(&garage, &user.name, &old).await;
        }
    }
    let new = issued(&garage, &user).await;
    assert_eq!(reads(&garage, &new, &own).await, 200);
}

/// The answer to the last call of an issue is lost: the key is whole, and can be published.
#[tokio::test]
async fn a_key_whose_last_answer_was_lost_is_shown_with_its_half() {
    let garage = Garage::start().await;
    let (user, _) = made_with_key(&garage).await;
    let last = |seen: &crate::testbed::proxy::Seen| seen.target.starts_with("/v2/UpdateKey");
    garage.proxy.once(last, Fault::CutAfter);
    let order = order_for(&garage.driver, &user.name);
    let error = garage.driver.issue(&user, &order).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Transient, Outcome::Unknown)
    );
    let observed = found(&garage, &user.name).await;
    let mut keys = observed.credentials.into_iter();
    let key = keys
        .find(|key| Some(&key.access_key_id) == order.access_key_id.as_ref())
        .unwrap();
    let pair = KeyPair {
        id: key.id,
        access_key_id: key.access_key_id,
        secret: key.secret.unwrap(),
    };
    works(&garage, &pair).await;
}

#[tokio::test]
async fn a_user_is_deleted_where_another_key_is_left_for_its_buckets() {
    let garage = Garage::start().await;
    let (user, pair) = made_with_key(&garage).await;
    let (other, heir) = made_with_key(&garage).await;
    let own = fresh_bucket();
    let s3 = garage.s3(&pair).unwrap();
    s3.create_bucket(&own).await.expect_success();
    s3.put_object(&own, "kept", b"data").await.expect_success();
    let error = garage.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.to_string().contains(&own), "it names the bucket: {error}");
    let id = garage.key(&pair.access_key_id).await["buckets"][0]["id"].clone();
    let body = json!({ "bucketId": id, "accessKeyId": heir.access_key_id.as_str(), "localAlias": own });
    garage.post("AddBucketAlias", Query::new(), body).await;
    let named = garage.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(named.kind, ErrorKind::Conflict, "a name is no permission");
    let read = json!({ "read": true });
    garage.allow(&id, &heir.access_key_id, read).await;
    garage.driver.delete_user(&user.name).await.unwrap();
    assert!(key_ids(&garage, &user.name).await.is_empty());
    assert_eq!(reads(&garage, &heir, &own).await, 200);
    assert!(!key_ids(&garage, &other.name).await.is_empty());
}

/// A crash half-way leaves some keys. They are the user still, and the next call removes them.
#[tokio::test]
async fn a_deletion_that_broke_off_is_finished_by_the_next() {
    let garage = Garage::start().await;
    let (user, first) = made_with_key(&garage).await;
    let second = issued(&garage, &user).await;
    let mut ids = [first.id.clone(), second.id.clone()];
    ids.sort();
    let last = ids[1].to_string();
    let spoil = move |seen: &crate::testbed::proxy::Seen| {
        seen.target.starts_with("/v2/DeleteKey") && seen.target.ends_with(&last)
    };
    garage.proxy.once(spoil, Fault::CutBefore);
    garage.driver.delete_user(&user.name).await.unwrap_err();
    assert_eq!(key_ids(&garage, &user.name).await, ids[1..]);
    garage.driver.delete_user(&user.name).await.unwrap();
    for pair in [&first, &second] {
        is_dead(&garage, pair).await;
    }
}

#[tokio::test]
async fn the_last_key_is_not_removed_while_a_bucket_needs_it() {
    let garage = Garage::start().await;
    let (user, pair) = made_with_key(&garage).await;
    let own = fresh_bucket();
    garage
        .s3(&pair)
        .unwrap()
        .create_bucket(&own)
        .await
        .expect_success();
    let error = garage.driver.revoke(&user.name, &pair.id).await.unwrap_err();
    assert_eq!(
        (error.kind, error.outcome),
        (ErrorKind::Conflict, Outcome::NotApplied)
    );
    works(&garage, &pair).await;
}
