//! What repositories and backups do to objects: nothing of it rotates a key that nobody asked to rotate.

use crate::testbed::{
    World,
    world::{current, handled, retiring},
};
use gracekey::api::v1alpha1::{ObjectUser, ObjectUserStatus};
use kube::api::PostParams;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A file with the object as a repository would have it.
fn manifest(world: &World, annotations: &Value) -> PathBuf {
    let object = json!({
        "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser",
        "metadata": { "name": "app", "namespace": world.home().name, "annotations": annotations },
        "spec": { "objectStoreRef": { "name": "store" } },
    });
    let file = world
        .cluster
        .kubeconfig
        .with_file_name(format!("{}.json", world.home().name));
    fs::write(&file, object.to_string()).unwrap();
    file
}

fn kubectl(world: &World, verb: &str, annotations: &Value) {
    let file = manifest(world, annotations);
    world
        .cluster
        .kubectl(&[verb, "--filename", file.to_str().unwrap()]);
}

fn token(token: &str) -> Value {
    json!({ "gracekey.dev/rotate": token })
}

#[tokio::test]
async fn each_new_token_rotates_once_and_no_going_back_and_forth_ever_does() {
    let world = World::start().await;
    kubectl(&world, "apply", &json!({}));
    let mut key = current(&world.until_settled("app").await);
    let application = world.probe("app");
    for new in ["one", "two"] {
        kubectl(&world, "apply", &token(new));
        let after = current(&world.until_rotated("app", new).await);
        assert_ne!(after, key, "{new}");
        key = after;
    }
    let no_rotation = [
        ("apply", token("two"), "applied again"),
        ("apply", token("one"), "an older token"),
        ("apply", json!({}), "no token"),
        ("apply", token("two"), "the token again"),
        ("replace", token("two"), "replaced"),
        ("replace", json!({}), "replaced without a token"),
        ("replace", token("one"), "replaced with an older token"),
    ];
    for (verb, annotations, what) in no_rotation {
        kubectl(&world, verb, &annotations);
        let after = world.looked_at("app").await;
        assert_eq!(current(&after), key, "{what}");
        assert_eq!(world.live_keys(&after).await.len(), 3, "{what}");
    }
    application.assert_undisturbed();
    world.finish().await;
}

/// As `kubectl get -o yaml` writes it, without what a new object cannot have.
async fn exported(world: &World) -> Value {
    let mut object = serde_json::to_value(world.user("app").await).unwrap();
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        drop(object["metadata"].as_object_mut().unwrap().remove(field));
    }
    drop(object.as_object_mut().unwrap().remove("status"));
    object
}

async fn import(world: &World, export: Value) {
    let object: ObjectUser = serde_json::from_value(export).unwrap();
    world
        .users()
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_deleted_and_made_again_from_its_export_gets_one_key() {
    let world = World::start().await;
    world.ready_user("app", json!({})).await;
    world.rotate("app", "one").await;
    let before = world.until_rotated("app", "one").await;
    let old = world.pair("app").await;
    let export = exported(&world).await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert!(!world.works(&old).await, "the deletion took the key along");
    import(&world, export).await;
    world.until_settled("app").await;
    let after = world.looked_at("app").await;
    assert_ne!(current(&after), current(&before));
    assert_eq!(
        handled(&after),
        ["one"],
        "the token of the export is known, and asked for nothing"
    );
    assert_eq!(world.live_keys(&after).await.len(), 1);
    assert!(world.works(&world.pair("app").await).await);
    world.finish().await;
}

#[tokio::test]
async fn a_retained_user_made_again_from_its_export_keeps_its_key() {
    let world = World::start().await;
    world
        .ready_user(
            "app",
            json!({ "spec": { "deletionPolicy": "Retain", "rotation": { "gracePeriod": "0s" } } }),
        )
        .await;
    for token in ["one", "two"] {
        world.rotate("app", token).await;
        world.until_rotated("app", token).await;
    }
    let before = world.until_revoked("app").await;
    let application = world.probe("app");
    let export = exported(&world).await;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    import(&world, export).await;
    world.until_settled("app").await;
    let mut after = world.looked_at("app").await;
    assert_eq!(current(&after), current(&before));
    for older in ["one", "two"] {
        world.rotate("app", older).await;
        after = world.looked_at("app").await;
        assert_eq!(
            current(&after),
            current(&before),
            "{older} was handled before the deletion"
        );
    }
    assert_eq!(world.live_keys(&after).await.len(), 1);
    application.assert_undisturbed();
    world
        .patch_user("app", json!({ "spec": { "deletionPolicy": "Delete" } }))
        .await;
    world.until_settled("app").await;
    world.finish().await;
}

#[tokio::test]
async fn a_status_that_is_lost_costs_no_key_and_postpones_no_revocation() {
    let world = World::start().await;
    world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "12s" } } }))
        .await;
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.rotate("app", "two").await;
    let before = world.until_rotated("app", "two").await;
    let application = world.probe("app");
    let empty = ObjectUser {
        // As the definition has it for a new object.
        status: Some(ObjectUserStatus {
            observed_generation: Some(-1),
            ..ObjectUserStatus::default()
        }),
        ..before.clone()
    };
    let lost = world
        .users()
        .replace_status("app", &PostParams::default(), &empty)
        .await
        .unwrap();
    assert_eq!(current(&lost), "");
    world.until_settled("app").await;
    let mut after = world.looked_at("app").await;
    assert_eq!(current(&after), current(&before));
    let (after_loss, promised) = (retiring(&after), retiring(&before));
    assert!(after_loss.keys().eq(promised.keys()), "{after_loss:?}");
    // The Secret remembers an end that was reckoned before it was written; status had the time of that write.
    for (id, at) in &promised {
        let early = at.duration_since(after_loss[id]).as_secs();
        assert!(
            (0..=2).contains(&early),
            "{id} was to end at {at}: {after_loss:?}"
        );
    }
    for older in ["one", "two"] {
        world.rotate("app", older).await;
        after = world.looked_at("app").await;
        assert_eq!(
            current(&after),
            current(&before),
            "{older} was handled before status was lost"
        );
    }
    let after = world.until_revoked("app").await;
    assert_eq!(world.live_keys(&after).await.len(), 1);
    application.assert_undisturbed();
    world.finish().await;
}
