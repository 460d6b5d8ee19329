//! Access and quota on storage that has neither: said, and nothing is half done.

use super::site::Site;
use crate::testbed::world::{is_settled, reason};
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
