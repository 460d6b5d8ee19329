//! A key that nobody here issued takes the last slot: it is named and left alone, and a rotation waits for whoever made it.

use super::site::Site;
use crate::testbed::{seaweedfs, world::user_name};
use gracekey::backend::{IssueRequest, NewUser};
use gracekey::domain::{condition, ids::AccessKeyId};
use gracekey_simulators::ontap::Version;
use serde_json::json;

#[tokio::test]
async fn a_strangers_key_in_the_last_slot_is_left_alone_on_seaweedfs() {
    left_alone(&Site::iam(seaweedfs(), json!({ "ownerMark": "Name" }))).await;
}

#[tokio::test]
async fn a_strangers_key_in_the_last_slot_is_left_alone_on_ostor() {
    left_alone(&Site::ostor().await).await;
}

#[tokio::test]
async fn a_strangers_key_in_the_last_slot_is_left_alone_on_ontap() {
    left_alone(&Site::ontap(Version::new(19, 1)).await).await;
}

#[tokio::test]
async fn a_strangers_secret_beside_ours_is_left_alone_on_ecs() {
    left_alone(&Site::ecs().await).await;
}

async fn left_alone(site: &Site) {
    let world = site.world().await;
    let user = world.ready_user("app", json!({})).await;
    let (pair, name) = (world.pair("app").await, user_name(&user));
    let driver = site.driver().await;
    let found = driver.find_user(&name).await.unwrap().unwrap();
    let by_hand = NewUser {
        name: name.clone(),
        label: found.label,
        owner: found.owner.unwrap(),
        locked: false,
    };
    let chosen = driver.capabilities().id_choosable;
    let order = IssueRequest {
        access_key_id: chosen.then(|| AccessKeyId::new("STRANGERSOWNKEY00001")),
        expire_previous: None,
    };
    let theirs = driver.issue(&by_hand, &order).await.unwrap();
    let before = site.keys(&user).await;

    world.rotate("app", "one").await;
    let user = world.until_reason("app", "KeyLimitReached").await;
    let conditions = &user.status.as_ref().unwrap().conditions;
    let unknown = condition::find(conditions, "UnknownKeys").unwrap();
    assert!(
        unknown.message.contains(theirs.id.as_str()),
        "{}",
        unknown.message
    );
    assert_eq!(site.keys(&user).await, before, "none is removed");
    assert!(site.takes(&pair).await && site.takes(&theirs).await);

    driver.revoke(&name, &theirs.id).await.unwrap();
    world.until_rotated("app", "one").await;
    assert!(site.takes(&world.pair("app").await).await);
    world.finish().await;
}
