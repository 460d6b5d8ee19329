//! Access and quota on storage that has neither: said, and nothing is half done. Access where a user's own policy holds it: given,
//! changed and taken away. A quota where it is counted in whole gigabytes.

use super::site::Site;
use crate::testbed::world::{is_settled, reason, user_name};
use crate::testbed::{Fault, FaultProxy, S3, minio, proxy::Seen, seaweedfs, unique};
use gracekey::{
    api::v1alpha1::{ObjectUser, QuotaKind},
    domain::{access::Resource, condition},
};
use gracekey_simulators::ostor;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

#[tokio::test]
async fn where_neither_access_nor_quota_can_be_had_the_user_is_told_and_gets_its_key() {
    let site = Site::ecs().await;
    let world = site.world().await;
    let spec = json!({ "spec": { "access": { "buckets": [{ "name": "invoices" }] }, "quota": { "maxBytes": "10G" } } });
    world.make_user("app", spec).await;
    let ready =
        |user: &ObjectUser| reason(user, "Ready") == "Succeeded" && reason(user, "Stalled") == "Unsupported";
    let user = world.until_user("app", "has a key and is told", ready).await;
    let status = user.status.clone().unwrap();
    let said = &condition::find(&status.conditions, "Stalled").unwrap().message;
    for part in ["`spec.access.buckets`", "`spec.quota.maxBytes`"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!((status.access, status.quota), (None, None), "nothing was begun");
    assert!(site.takes(&world.pair("app").await).await);
    let store = world.stores().get("store").await.unwrap().status.unwrap();
    let can = store.capabilities.unwrap();
    assert!(!can.bucket_access && !can.bucket_creation && can.quota.is_empty());

    world.rotate("app", "one").await;
    world.until_user("app", "rotated all the same", is_rotated).await;
    let without = json!({ "spec": { "access": null, "quota": null } });
    world.patch_user("app", without).await;
    world.until_user("app", "was settled", is_settled).await;
    world.finish().await;
}

#[tokio::test]
async fn access_follows_the_spec_on_minio() {
    let site = Site::minio(minio()).saying(&json!({ "policies": [] }));
    access_follows_the_spec(&site).await;
}

#[tokio::test]
async fn access_follows_the_spec_on_seaweedfs() {
    let site = Site::iam(seaweedfs(), json!({ "ownerMark": "Name" })).saying(&json!({ "policyArns": null }));
    access_follows_the_spec(&site).await;
}

fn is_rotated(user: &ObjectUser) -> bool {
    let status = user.status.as_ref();
    status.is_some_and(|s| s.rotation.is_some() && s.intent.is_none())
}

async fn put(s3: &S3, bucket: &str) -> u16 {
    let (_, number) = unique();
    let key = format!("object-{number}");
    s3.put_object(bucket, &key, b"data").await.status
}

async fn access_follows_the_spec(site: &Site) {
    let world = site.world().await;
    let name = |what: &str| format!("{what}-{}", world.home().name);
    let (made, there) = (name("made"), name("there"));
    let admin = site.s3_of(&site.admin_pair());
    admin.create_bucket(&there).await.expect_success();
    let with = |buckets| json!({ "spec": { "access": { "buckets": buckets } } });
    let both = json!([{ "name": made, "create": true }, { "name": there, "permission": "ReadOnly" }]);
    world.ready_user("app", with(both)).await;
    let s3 = site.s3_of(&world.pair("app").await);
    assert_eq!(put(&s3, &made).await, 200, "from its first moment");
    s3.list_objects(&there).await.expect_success();
    assert_eq!(put(&s3, &there).await, 403, "it may read there, and no more");
    let can = world.stores().get("store").await.unwrap().status.unwrap();
    let can = can.capabilities.unwrap();
    assert!(can.bucket_access && can.bucket_creation);

    let one = json!([{ "name": there, "permission": "WriteOnly" }]);
    world.patch_user("app", with(one)).await;
    world.until_settled("app").await;
    assert_eq!(put(&s3, &there).await, 200);
    assert_eq!(s3.list_objects(&there).await.status, 403);
    assert_eq!(put(&s3, &made).await, 403, "taken out of the spec");

    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    let s3 = site.s3_of(&world.pair("app").await);
    assert_eq!(put(&s3, &there).await, 200, "a rotation changes no access");
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    for bucket in [&made, &there] {
        admin.list_objects(bucket).await.expect_success();
    }
    world.finish().await;
}

#[tokio::test]
async fn a_quota_in_whole_gigabytes_is_set_changed_and_lifted_and_another_number_is_named_and_harms_nothing()
{
    // A gigabyte that a test can fill.
    let options = ostor::Options {
        gigabyte: 1000,
        ..ostor::Options::default()
    };
    let site = Site::ostor_with(options).await;
    let site = site.saying(&json!({ "quotas": true }));
    let world = site.world().await;
    let can = world.stores().get("store").await.unwrap().status.unwrap();
    assert_eq!(can.capabilities.unwrap().quota, [QuotaKind::MaxBytes]);
    let with = |most: Option<&str>| json!({ "spec": { "quota": { "maxBytes": most } } });
    let gigabytes = async |user: &ObjectUser| {
        let driver = site.driver().await;
        let found = driver.find_user(&user_name(user)).await.unwrap().unwrap();
        let there = found
            .limits
            .unwrap()
            .get(&Resource::Bytes)
            .map(|most| most / 1_000_000_000);
        let recorded = user.status.as_ref().and_then(|s| s.quota.clone());
        let recorded = recorded.and_then(|quota| quota.max_bytes);
        assert_eq!(
            recorded,
            there.map(|most| i64::try_from(most * 1_000_000_000).unwrap())
        );
        there
    };

    world.ready_user("app", with(Some("2G"))).await;
    let s3 = site.s3_of(&world.pair("app").await);
    s3.create_bucket("own").await.expect_success();
    let store = async |s3: &S3, bytes| s3.put_object("own", "object", &vec![b'x'; bytes]).await.status;
    assert_eq!((store(&s3, 2001).await, store(&s3, 2000).await), (403, 200));
    let user = world.user("app").await;
    assert_eq!(gigabytes(&user).await, Some(2));

    world.patch_user("app", with(Some("3G"))).await;
    let user = world.until_settled("app").await;
    assert_eq!(gigabytes(&user).await, Some(3));
    assert_eq!((store(&s3, 3001).await, store(&s3, 3000).await), (403, 200));

    world.patch_user("app", with(Some("2500M"))).await;
    let is_named =
        |user: &ObjectUser| reason(user, "Ready") == "Succeeded" && reason(user, "Stalled") == "Unsupported";
    let user = world.until_user("app", "is told", is_named).await;
    let said = condition::find(&user.status.as_ref().unwrap().conditions, "Stalled");
    let said = &said.unwrap().message;
    for part in ["`spec.quota.maxBytes`", "whole multiples of 1000000000"] {
        assert!(said.contains(part), "{said}");
    }
    world.rotate("app", "one").await;
    let user = world.until_user("app", "rotated all the same", is_rotated).await;
    assert_eq!(gigabytes(&user).await, Some(3), "it stays as it was");
    let s3 = site.s3_of(&world.pair("app").await);
    assert_eq!((store(&s3, 3001).await, store(&s3, 3000).await), (403, 200));

    world.patch_user("app", with(None)).await;
    let user = world.until_settled("app").await;
    assert_eq!(gigabytes(&user).await, None);
    assert_eq!(store(&s3, 3001).await, 200, "lifted");
    s3.delete_object("own", "object").await.expect_success();
    s3.delete_bucket("own").await.expect_success();
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    world.finish().await;
}

#[tokio::test]
async fn while_a_quota_cannot_be_read_a_lock_and_a_rotation_go_on_and_a_first_key_waits_unless_it_is_refused_for_good()
 {
    let site = Site::ostor().await.saying(&json!({ "quotas": true }));
    let proxy = FaultProxy::start(&site.admin_url(), None).await;
    let site = site.behind(&proxy);
    let world = site.world().await;
    let with = json!({ "spec": { "quota": { "maxBytes": "2G" }, "rotation": { "gracePeriod": "1s" } } });
    world.ready_user("app", with.clone()).await;
    let old = world.pair("app").await;
    let asks = |seen: &Seen| seen.target.contains("ostor-quotas") && seen.target.contains("emailAddress");

    proxy.always(asks, Fault::answer(500, ""));
    world
        .patch_user("app", json!({ "spec": { "locked": true } }))
        .await;
    let refused = async || {
        (!site.takes(&old).await)
            .then_some(())
            .ok_or_else(|| "it works".to_owned())
    };
    world
        .until("the key of the locked user was refused", refused)
        .await;
    world
        .patch_user("app", json!({ "spec": { "locked": false } }))
        .await;
    world.rotate("app", "one").await;
    world.until_user("app", "rotated all the same", is_rotated).await;
    world.until("the old key was revoked", refused).await;
    assert!(site.takes(&world.pair("app").await).await);
    world.make_user("new", with).await;
    let user = world.until_reason("new", "BackendUnavailable").await;
    assert_eq!(user.status.unwrap().access_key_id, None, "nothing is published");

    proxy.heal();
    let by_product = HeaderMap::from_iter([(
        HeaderName::from_static("x-amz-err-message"),
        HeaderValue::from_static("There are no quotas"),
    )]);
    proxy.always(asks, Fault::Answer(400, by_product, String::new()));
    let ready =
        |user: &ObjectUser| reason(user, "Ready") == "Succeeded" && reason(user, "Stalled") == "Unsupported";
    world
        .until_user("new", "has a key and is told of its quota", ready)
        .await;
    assert!(site.takes(&world.pair("new").await).await);

    proxy.heal();
    world
        .patch_user("new", json!({ "spec": { "quota": { "maxBytes": "3G" } } }))
        .await;
    let user = world.until_settled("new").await;
    assert_eq!(user.status.unwrap().quota.unwrap().max_bytes, Some(3_000_000_000));
    world.finish().await;
}
