//! The whole life of a user: made, labelled, rotated with a grace period, locked where that can be, deleted.

use super::site::{Site, told};
use crate::testbed::{
    Fault, FaultProxy, Probe, World, garage, juicefs, minio, moto, seaweedfs,
    world::{current, reason, user_name},
};
use gracekey::api::v1alpha1::{LastUseState, ObjectUser};
use gracekey_simulators::ontap::Version;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_user_lives_its_whole_life_on_ecs() {
    let site = Site::ecs().await;
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_store_on_ecs_comes_with_a_user_of_its_label() {
    let site = Site::ecs().await;
    let world = site.world().await;
    let wish = json!({ "spec": { "initialUser": { "create": true } } });
    world
        .stores()
        .patch("store", &PatchParams::default(), &Patch::Merge(&wish))
        .await
        .unwrap();
    let user = world.until_settled("store-initial").await;
    let found = site.driver().await.find_user(&user_name(&user)).await.unwrap();
    assert_eq!(found.unwrap().label, "Initial S3 user");
    assert!(site.takes(&world.pair("store-initial").await).await);
    world.finish().await;
}

/// A proof that is not there yet holds no worker: with one, four users wait side by side, and get their Secrets when the keys work.
#[tokio::test]
async fn secrets_that_take_their_time_are_waited_for_side_by_side_on_ecs() {
    let late = Duration::from_secs(6);
    let site = Site::ecs_where_secrets_take(late).await;
    let mut world = site.world().await;
    world.operator.stop().await;
    let one = ("GRACEKEY_CONCURRENCY".to_owned(), "1".to_owned());
    world.operator.launch_mut().env.push(one);
    world.operator.restart().await;
    let names = ["a", "b", "c", "d"];
    let begun = Instant::now();
    for name in names {
        world.make_user(name, json!({})).await;
    }
    for name in names {
        world.until_settled(name).await;
        assert!(site.takes(&world.pair(name).await).await, "{name}");
    }
    let took = begun.elapsed();
    assert!(took >= late, "nothing was waited for: {took:?}");
    assert!(took < late * 4, "one after the other: {took:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_keystone() {
    let site = Site::keystone();
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_seaweedfs() {
    let site = Site::iam(seaweedfs(), json!({ "ownerMark": "Name" }));
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_moto() {
    let site = Site::iam(moto(), json!({}));
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_ostor() {
    let site = Site::ostor().await;
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_ontap_with_two_keys() {
    let site = Site::ontap(Version::new(19, 1)).await;
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_minio() {
    let site = Site::minio(minio());
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_garage() {
    let site = Site::garage();
    let world = whole_life(&site).await;
    world.finish().await;
}

#[tokio::test]
async fn a_user_lives_its_whole_life_on_a_gateway_of_juicefs() {
    let site = Site::minio(juicefs());
    let world = whole_life(&site).await;
    world.finish().await;
}

/// On the real server a key has its rights to itself: what an application made with the old key is there with the new one.
#[tokio::test]
async fn a_bucket_outlives_its_key_on_garage() {
    let site = Site::garage();
    let world = site.world().await;
    let two = json!({ "spec": { "rotation": { "gracePeriod": "2s" } } });
    world.ready_user("app", two).await;
    let bucket = world.home().name.clone();
    let s3 = site.s3_of(&world.pair("app").await);
    s3.create_bucket(&bucket).await.expect_success();
    s3.put_object(&bucket, "kept", b"data").await.expect_success();
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    let s3 = site.s3_of(&world.pair("app").await);
    assert_eq!(s3.get_object(&bucket, "kept").await.expect_success(), b"data");
    let user = world.until_revoked("app").await;
    assert_eq!(s3.get_object(&bucket, "kept").await.expect_success(), b"data");

    world.delete_user("app").await;
    world.until_reason("app", "DeletionBlocked").await;
    s3.delete_object(&bucket, "kept").await.expect_success();
    s3.delete_bucket(&bucket).await.expect_success();
    world.until_user_gone("app").await;
    assert_eq!(site.keys(&user).await, None);
    world.finish().await;
}

/// A key whose making broke off is replaced, and removed in the end.
#[tokio::test]
async fn an_unfinished_key_is_replaced_and_removed_on_garage() {
    let proxy = FaultProxy::start(&garage().endpoint, None).await;
    let site = Site::garage().behind(&proxy);
    let world = site.world().await;
    proxy.once(|seen| seen.target.starts_with("/v2/UpdateKey"), Fault::CutBefore);
    world.ready_user("app", json!({})).await;
    let user = world.until_settled("app").await;
    let alone = async || {
        let keys = site.keys(&user).await.unwrap();
        let only = keys == told(&user);
        only.then_some(()).ok_or_else(|| format!("there are {keys:?}"))
    };
    world.until("the unfinished key was removed", alone).await;
    assert!(site.takes(&world.pair("app").await).await);
    delete(&site, &world, &user).await;
    world.finish().await;
}

/// Up to 9.18 a new key kills the old one: only who consents gets one.
#[tokio::test]
async fn a_rotation_without_overlap_is_refused_until_there_is_consent() {
    let site = Site::ontap(Version::new(18, 1)).await;
    let world = site.world().await;
    let before = world.ready_user("app", json!({})).await;
    let old = world.pair("app").await;
    world.rotate("app", "one").await;
    let refused = world.until_reason("app", "NoOverlap").await;
    assert_eq!(reason(&refused, "Ready"), "Succeeded");
    assert_eq!(current(&refused), current(&before));
    assert!(site.takes(&old).await, "the refused rotation did no harm");
    let consent = json!({ "spec": { "rotation": { "allowInterruption": true } } });
    world.patch_user("app", consent).await;
    let user = world.until_rotated("app", "one").await;
    let new = world.pair("app").await;
    assert!(site.takes(&new).await && !site.takes(&old).await);
    gap_was_stated(&world, "app").await;
    // From the first status on: nothing comes later that would put it right.
    assert_eq!(
        site.keys(&user).await.unwrap(),
        told(&user),
        "no dead key is told as alive"
    );
    lock_and_unlock(&site, &world).await;
    delete(&site, &world, &user).await;
    world.finish().await;
}

/// In status before the old key ends, so that whoever looks knows why; and in the event that tells of the new one.
async fn gap_was_stated(world: &World, name: &str) {
    let said = async || {
        let during = world.statuses().iter().any(|object| {
            let conditions = object["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|condition| {
                let message = condition["message"].as_str().unwrap_or_default();
                condition["type"] == "Reconciling"
                    && message.contains("applications are refused until they have the new one")
            })
        });
        during.then_some(()).ok_or("no status said so".to_owned())
    };
    world.until("the gap was stated", said).await;
    world.until_event(name, "CredentialsRotated").await;
    let events = world
        .home()
        .api::<Event>()
        .list(&ListParams::default())
        .await
        .unwrap();
    let notes: Vec<_> = events
        .items
        .iter()
        .filter(|event| event.reason.as_deref() == Some("CredentialsRotated"))
        .filter_map(|event| event.note.clone())
        .collect();
    let ended = "The key before it has been refused since this one was issued";
    assert!(notes.iter().any(|note| note.contains(ended)), "{notes:?}");
}

/// Accounts without S3: user name and password, proven by the API itself, with the time of their last use.
#[tokio::test]
async fn an_account_of_uptrends_lives_its_whole_life() {
    let site = Site::uptrends().await;
    let world = site.world().await;
    let ten = json!({ "spec": { "rotation": { "gracePeriod": "10s" } } });
    world.ready_user("app", ten).await;
    assert_made_once(&world).await;
    let secret = world.secret("app").await;
    let keys: Vec<_> = secret
        .data
        .iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(keys, ["password", "username"]);
    let old = world.pair("app").await;
    let application = Probe::by(site.prover(), world.home(), "app");
    world.rotate("app", "one").await;
    let user = world.until_rotated("app", "one").await;
    let told = user.status.iter().flat_map(|s| &s.credentials);
    let states: Vec<_> = told
        .filter_map(|key| Some(key.last_use.as_ref()?.state))
        .collect();
    assert!(
        !states.is_empty() && !states.contains(&LastUseState::Unknown),
        "{states:?}"
    );
    assert!(
        site.takes(&old).await,
        "the old account works in its grace period"
    );
    world.until_revoked("app").await;
    assert!(!site.takes(&old).await && site.takes(&world.pair("app").await).await);
    application.assert_undisturbed();
    drop(application);
    relabel(&site, &world).await;
    let lock = json!({ "spec": { "locked": true } });
    world.patch_user("app", lock).await;
    world.until_reason("app", "Unsupported").await;
    world
        .patch_user("app", json!({ "spec": { "locked": false } }))
        .await;
    let user = world.until_settled("app").await;
    delete(&site, &world, &user).await;
    world.finish().await;
}

async fn whole_life(site: &Site) -> World {
    let world = site.world().await;
    let ten = json!({ "spec": { "rotation": { "gracePeriod": "10s" } } });
    let user = world.ready_user("app", ten).await;
    assert_made_once(&world).await;
    let first = world.pair("app").await;
    assert!(site.takes(&first).await);
    assert_eq!(site.keys(&user).await.unwrap(), told(&user));
    if site.driver().await.capabilities().label {
        relabel(site, &world).await;
    }

    let application = Probe::start(world.home(), "app", site.s3());
    let running = Probe::with(first.clone(), site.s3());
    world.rotate("app", "one").await;
    let rotated = world.until_rotated("app", "one").await;
    running.assert_undisturbed();
    drop(running);
    let second = world.pair("app").await;
    assert!(
        site.takes(&first).await && site.takes(&second).await,
        "both keys work in the grace period"
    );
    assert_eq!(site.keys(&rotated).await.unwrap(), told(&rotated));
    let user = world.until_revoked("app").await;
    assert!(!site.takes(&first).await, "the old key is refused after it");
    assert_eq!(site.keys(&user).await.unwrap(), told(&user));
    application.assert_undisturbed();
    drop(application);

    lock_and_unlock(site, &world).await;
    delete(site, &world, &user).await;
    world
}

/// A user that comes with its first key is no less new than any other.
async fn assert_made_once(world: &World) {
    world.until_event("app", "UserCreated").await;
    let events = world.events("app").await;
    assert!(
        !events.iter().any(|reason| reason == "UserRecreated"),
        "{events:?}"
    );
}

async fn relabel(site: &Site, world: &World) {
    world
        .patch_user("app", json!({ "spec": { "label": "Größe 請求書" } }))
        .await;
    let user = world.until_settled("app").await;
    let found = site.driver().await.find_user(&user_name(&user)).await.unwrap();
    assert_eq!(found.unwrap().label, "Größe 請求書");
}

async fn lock_and_unlock(site: &Site, world: &World) {
    let pair = world.pair("app").await;
    world
        .patch_user("app", json!({ "spec": { "locked": true } }))
        .await;
    let user = world.until_reason("app", "Locked").await;
    assert!(!site.takes(&pair).await, "a locked user can do nothing");
    let before = site.keys(&user).await;
    world
        .patch_user("app", json!({ "spec": { "locked": false } }))
        .await;
    let user = world.until_settled("app").await;
    assert_eq!(site.keys(&user).await, before, "a lock keeps the keys");
    assert!(site.takes(&pair).await, "the same key works again");
}

async fn delete(site: &Site, world: &World, user: &ObjectUser) {
    let pair = world.pair("app").await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert_eq!(site.keys(user).await, None);
    assert!(!site.takes(&pair).await);
}
