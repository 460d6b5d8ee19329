//! Access and quota on storage that has neither: said, and nothing is half done. Access where a user's own policy holds it: given,
//! changed and taken away.

use super::site::Site;
use crate::testbed::world::{is_settled, reason};
use crate::testbed::{S3, minio, seaweedfs, unique};
use gracekey::{api::v1alpha1::ObjectUser, domain::condition};
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
    let rotated = |user: &ObjectUser| {
        user.status
            .as_ref()
            .is_some_and(|s| s.rotation.is_some() && s.intent.is_none())
    };
    world.until_user("app", "rotated all the same", rotated).await;
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
