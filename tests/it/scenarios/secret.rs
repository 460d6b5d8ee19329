//! What people do to the Secret, and to what the spec says about it.

use crate::testbed::{
    World,
    cluster::object,
    world::{current, pair_of},
};
use gracekey::names::PUBLISH_TIME;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// Everything of a Secret that applications see.
fn data(secret: &Secret) -> Value {
    serde_json::to_value(secret.data.clone()).unwrap()
}

async fn until_secret(world: &World, name: &str, what: &str, holds: impl Fn(&Secret) -> bool) -> Secret {
    let secrets = world.secrets();
    let ask = async || match secrets.get_opt(name).await.map_err(|e| e.to_string())? {
        Some(secret) if holds(&secret) => Ok(secret),
        Some(_) => Err("it is there and different".to_owned()),
        None => Err("it is not there".to_owned()),
    };
    world.until(&format!("the Secret {name} {what}"), ask).await
}

async fn patch(world: &World, secret: &str, patch: Value) {
    world
        .secrets()
        .patch(secret, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
}

fn base64(text: &str) -> Value {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap()
}

#[tokio::test]
async fn a_secret_deleted_by_hand_comes_back_with_the_same_key() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let secret = world.secret("app").await;
    let application = world.probe("app");
    world
        .secrets()
        .delete("app", &DeleteParams::default())
        .await
        .unwrap();
    let back = until_secret(&world, "app", "came back", |s| s.uid() != secret.uid()).await;
    assert_eq!(data(&back), data(&secret));
    let after = world.looked_at("app").await;
    assert_eq!(current(&after), current(&before));
    assert_eq!(world.live_keys(&after).await.len(), 1);
    assert!(world.works(&pair_of(&secret).unwrap()).await);
    application.assert_undisturbed();
    world.until_event("app", "SecretRestored").await;
    world.finish().await;
}

#[tokio::test]
async fn a_damaged_secret_is_put_right_with_the_same_key() {
    let world = World::start().await;
    let user = world.ready_user("app", json!({})).await;
    world.ready_user("other", json!({})).await;
    let (whole, other) = (world.secret("app").await, world.pair("other").await);
    let application = world.probe_with(pair_of(&whole).unwrap());
    let damages = [
        (
            "its secret half is gone",
            json!({ "data": { "AWS_SECRET_ACCESS_KEY": null } }),
        ),
        (
            "its secret half is wrong",
            json!({ "data": { "AWS_SECRET_ACCESS_KEY": base64("wrong") } }),
        ),
        ("its id is gone", json!({ "data": { "AWS_ACCESS_KEY_ID": null } })),
        (
            "its id is wrong",
            json!({ "data": { "AWS_ACCESS_KEY_ID": base64("wrong") } }),
        ),
        (
            "it is no text",
            json!({ "data": { "AWS_ACCESS_KEY_ID": "/////w==" } }),
        ),
        (
            "it holds a stranger's key",
            json!({ "data": {
            "AWS_ACCESS_KEY_ID": base64(other.access_key_id.as_str()),
            "AWS_SECRET_ACCESS_KEY": base64(other.secret.expose_secret()),
        } }),
        ),
        (
            "another entry is wrong",
            json!({ "data": { "AWS_REGION": base64("mars") } }),
        ),
        ("everything is gone", json!({ "data": null })),
        (
            "its marks are gone",
            json!({ "metadata": { "labels": null, "annotations": null } }),
        ),
        (
            "its owner is gone",
            json!({ "metadata": { "ownerReferences": null } }),
        ),
    ];
    for (what, damage) in damages {
        patch(&world, "app", damage).await;
        let same = |s: &Secret| {
            let marks = s.labels() == whole.labels() && s.owner_references() == whole.owner_references();
            // When the key was published is known to the Secret alone.
            let mut notes = whole.annotations().keys().filter(|note| *note != PUBLISH_TIME);
            data(s) == data(&whole) && marks && notes.all(|note| s.annotations().contains_key(note))
        };
        until_secret(&world, "app", &format!("was put right when {what}"), same).await;
    }
    let after = world.looked_at("app").await;
    assert_eq!(current(&after), current(&user));
    assert_eq!(world.live_keys(&after).await.len(), 1);
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn what_others_add_to_a_secret_stays_there() {
    let world = World::start().await;
    world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "0s" } } }))
        .await;
    let added = json!({
        "metadata": { "labels": { "team": "shop" }, "annotations": { "note": "ours" } },
        "data": { "extra": base64("extra") },
    });
    patch(&world, "app", added).await;
    let has = |s: &Secret| {
        s.labels().get("team").is_some_and(|v| v == "shop")
            && s.annotations().get("note").is_some_and(|v| v == "ours")
            && s.data.as_ref().is_some_and(|d| d.contains_key("extra"))
    };
    world.looked_at("app").await;
    assert!(has(&world.secret("app").await), "after a look");
    patch(&world, "app", json!({ "data": { "AWS_REGION": null } })).await;
    let whole = |s: &Secret| s.data.as_ref().is_some_and(|d| d.contains_key("AWS_REGION"));
    assert!(
        has(&until_secret(&world, "app", "was put right", whole).await),
        "after a repair"
    );
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    assert!(has(&world.secret("app").await), "after a rotation");
    world.finish().await;
}

#[tokio::test]
async fn a_secret_renamed_by_spec_is_written_under_the_new_name_first_and_keeps_its_key() {
    let world = World::start().await;
    let before = world.ready_user("app", json!({})).await;
    let old = world.pair("app").await;
    world
        .patch_user("app", json!({ "spec": { "secret": { "name": "new" } } }))
        .await;
    let after = world.until_settled("app").await;
    assert_eq!(current(&after), current(&before));
    assert_eq!(after.status.unwrap().secret_name.unwrap(), "new");
    assert_eq!(world.pair("new").await.access_key_id, old.access_key_id);
    assert!(
        world.secrets().get_opt("app").await.unwrap().is_none(),
        "the old Secret is gone"
    );
    assert!(world.works(&old).await);
    world.finish().await;
}

#[tokio::test]
async fn a_secret_follows_template_and_metadata_of_the_spec() {
    let world = World::start().await;
    let with = json!({ "spec": { "secret": {
        "template": { "config.ini": "key=${accessKeyId}\nsecret=${secretAccessKey}\n", "url": "${endpoint}" },
        "metadata": { "labels": { "app": "one" }, "annotations": { "shop/tier": "gold" } },
    } } });
    let before = world.ready_user("app", with).await;
    let pair = world.pair("app").await;
    let text = |secret: &Secret, key: &str| {
        secret
            .data
            .as_ref()
            .and_then(|d| d.get(key))
            .map(|b| String::from_utf8(b.0.clone()).unwrap())
    };
    let secret = world.secret("app").await;
    let ini = format!(
        "key={}\nsecret={}\n",
        pair.access_key_id,
        pair.secret.expose_secret()
    );
    assert_eq!(text(&secret, "config.ini"), Some(ini));
    assert_eq!(text(&secret, "url").as_ref(), Some(&world.gateway.endpoint));
    assert_eq!(secret.labels()["app"], "one");
    let change = json!({ "spec": { "secret": {
        "template": { "config.ini": "${accessKeyId}", "url": null },
        "metadata": { "labels": { "app": "two" } },
    } } });
    world.patch_user("app", change).await;
    let after = world.until_settled("app").await;
    let secret = world.secret("app").await;
    assert_eq!(text(&secret, "config.ini"), Some(pair.access_key_id.to_string()));
    assert_eq!(
        text(&secret, "url"),
        None,
        "what the template has no more is taken out"
    );
    assert_eq!(
        (
            secret.labels()["app"].as_str(),
            secret.annotations()["shop/tier"].as_str()
        ),
        ("two", "gold")
    );
    assert_eq!(current(&after), current(&before));
    world.finish().await;
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_left_alone_until_its_takeover_is_asked_for() {
    let world = World::start().await;
    let theirs: Secret =
        object(json!({ "metadata": { "name": "app" }, "stringData": { "password": "theirs" } }));
    let theirs = world
        .secrets()
        .create(&PostParams::default(), &theirs)
        .await
        .unwrap();
    world.make_user("app", json!({})).await;
    world.until_reason("app", "SecretConflict").await;
    assert_eq!(
        world.secret("app").await.resource_version(),
        theirs.resource_version()
    );
    world
        .patch_user(
            "app",
            json!({ "spec": { "secret": { "adoptionPolicy": "Always" } } }),
        )
        .await;
    world.until_settled("app").await;
    let taken = world.secret("app").await;
    assert_eq!(taken.uid(), theirs.uid());
    assert!(taken.data.as_ref().unwrap().contains_key("password"));
    assert!(world.works(&pair_of(&taken).unwrap()).await);
    world.finish().await;
}
