//! Troubles of a user: what is there already and is somebody else's, and what cannot be read. Told, left alone, and
//! healed when the cause goes.

use crate::testbed::{
    World,
    cluster::object,
    world::{current, is_settled, reason},
};
use gracekey::api::v1alpha1::ObjectUser;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

async fn make_secret(world: &World, secret: Value) -> Secret {
    world
        .secrets()
        .create(&PostParams::default(), &object(secret))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_left_alone_until_it_goes() {
    let world = World::start().await;
    let theirs = json!({ "metadata": { "name": "app" }, "stringData": { "AWS_ACCESS_KEY_ID": "theirs" } });
    let before = make_secret(&world, theirs).await;
    world.make_user("app", json!({})).await;
    let told = |user: &ObjectUser| {
        reason(user, "Ready") == "SecretConflict" && reason(user, "Stalled") == "SecretConflict"
    };
    world.until_user("app", "says whose the Secret is", told).await;
    assert_eq!(
        world.secret("app").await,
        before,
        "somebody else's Secret was changed"
    );
    world
        .secrets()
        .delete("app", &DeleteParams::default())
        .await
        .unwrap();
    world.until_settled("app").await;
    world.finish().await;
}

#[tokio::test]
async fn the_secret_of_a_store_is_never_adopted() {
    let world = World::start().await;
    let before = world.secret("rgw-admin").await;
    let takeover = json!({ "spec": { "secret": {
        "name": "rgw-admin", "adoptionPolicy": "Always",
        "template": { "accessKey": "${accessKeyId}", "secretKey": "${secretAccessKey}" },
    } } });
    world.make_user("thief", takeover).await;
    world
        .until_user("thief", "says whose the Secret is", |u| {
            reason(u, "Ready") == "SecretConflict"
        })
        .await;
    world.delete_user("thief").await;
    world.until_user_gone("thief").await;
    assert_eq!(
        world.secret("rgw-admin").await,
        before,
        "the admin Secret was changed"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_name_that_another_object_has_is_refused_until_that_one_goes() {
    let world = World::start().await;
    let name = format!("{}-shared", world.home().name);
    let claim = json!({ "spec": { "userName": name } });
    let first = world.ready_user("first", claim.clone()).await;
    let application = world.probe("first");
    world.make_user("second", claim).await;
    let told = |user: &ObjectUser| {
        reason(user, "Ready") == "UserConflict" && reason(user, "Stalled") == "UserConflict"
    };
    world.until_user("second", "says whose the name is", told).await;
    assert!(
        world.secrets().get_opt("second").await.unwrap().is_none(),
        "it got a key of somebody else's user"
    );
    assert_eq!(current(&world.user("first").await), current(&first));
    application.assert_undisturbed();
    drop(application);
    world.delete_user("first").await;
    world.until_user_gone("first").await;
    world.until_settled("second").await;
    world.finish().await;
}

#[tokio::test]
async fn an_annotation_that_cannot_be_read_is_told_and_asks_for_nothing() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let bad = json!({ "gracekey.dev/rotate": "one", "gracekey.dev/rotate-grace-period": "ten minutes" });
    world
        .patch_user("app", json!({ "metadata": { "annotations": bad } }))
        .await;
    let told = |user: &ObjectUser| reason(user, "Stalled") == "InvalidAnnotation";
    let user = world.until_user("app", "says what cannot be read", told).await;
    assert_eq!(current(&user), current(&before), "it was rotated all the same");
    assert_eq!(reason(&user, "Ready"), "Succeeded");
    world
        .annotate("app", "gracekey.dev/rotate-grace-period", json!("10m"))
        .await;
    let rotated = world.until_rotated("app", "one").await;
    assert_ne!(current(&rotated), current(&before));

    world.annotate("app", "gracekey.dev/rotate", json!("")).await;
    world.until_user("app", "says what cannot be read", told).await;
    world.annotate("app", "gracekey.dev/rotate", Value::Null).await;
    let healed = world.until_settled("app").await;
    assert_eq!(current(&healed), current(&rotated));
    world.finish().await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_written_is_told_and_written_when_it_can() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    let application = world.probe("app");
    let frozen = json!({ "immutable": true });
    world
        .secrets()
        .patch("app", &PatchParams::default(), &Patch::Merge(&frozen))
        .await
        .unwrap();
    world.rotate("app", "one").await;
    let told = |user: &ObjectUser| {
        reason(user, "Stalled") == "SecretRefused" && reason(user, "Ready") == "Succeeded"
    };
    world
        .until_user("app", "says that the Secret is immutable", told)
        .await;
    world
        .secrets()
        .delete("app", &DeleteParams::default())
        .await
        .unwrap();
    let user = world.until_rotated("app", "one").await;
    assert_eq!(current(&user), world.pair("app").await.access_key_id.to_string());
    application.assert_undisturbed();
    assert!(
        is_settled(&user) && world.secret("app").await.immutable.is_none(),
        "{}",
        user.name_any()
    );
    world.finish().await;
}
