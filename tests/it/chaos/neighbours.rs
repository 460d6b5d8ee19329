//! What others do on the same gateway, and what other operators make of it: here it does not happen.

use super::admin::Admin;
use crate::testbed::{
    World,
    world::{Setup, current, is_settled, reason},
};
use gracekey::{api::v1alpha1::ObjectUser, domain::condition};
use http::Method;
use k8s_openapi::api::events::v1::Event;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::{Value, json};

fn resync_often() -> Setup {
    Setup {
        args: vec!["--resync-seconds".to_owned(), "2".to_owned()],
        ..Setup::default()
    }
}

fn backend_name(user: &ObjectUser) -> String {
    user.status.clone().unwrap_or_default().user_name.unwrap()
}

#[tokio::test]
async fn a_name_claimed_from_another_namespace_takes_nothing_over() {
    let setup = Setup {
        namespaces: 2,
        ..Setup::default()
    };
    let world = World::without_store(setup).await;
    world
        .make_store("store", json!({ "allowedNamespaces": { "from": "All" } }))
        .await;
    world.until_store_ready("store").await;
    let (admin, other) = (Admin::of(world.gateway), &world.namespaces[1]);
    // A derived name cannot be claimed at all: the API server refuses it.
    let name = format!("{}-app", world.home().name);
    let user = world
        .ready_user("app", json!({ "spec": { "userName": name } }))
        .await;
    let before = admin.user(&backend_name(&user)).await.unwrap();
    let application = world.probe("app");
    let claim = json!({ "spec": {
        "objectStoreRef": { "name": "store", "namespace": world.home().name },
        "userName": backend_name(&user),
    } });
    world.make_user_in(other, "app", claim).await;
    let users = other.api::<ObjectUser>();
    let told = async || match users.get("app").await {
        Ok(thief) if reason(&thief, "Ready") == "UserConflict" => Ok(()),
        thief => Err(format!("{thief:?}")),
    };
    world
        .until("the second was told that the name is taken", told)
        .await;
    drop(users.delete("app", &DeleteParams::default()).await.unwrap());
    let gone = async || match users.get_opt("app").await {
        Ok(None) => Ok(()),
        _ => Err("it is still there".to_owned()),
    };
    world.until("the second was gone", gone).await;
    assert_eq!(
        admin.user(&backend_name(&user)).await.unwrap(),
        before,
        "the first one's user was touched"
    );
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_user_made_by_hand_is_not_adopted_changed_or_deleted() {
    let world = World::start().await;
    let admin = Admin::of(world.gateway);
    let name = format!("{}-by-hand", world.home().name);
    let make = format!("uid={name}&display-name=By%20Hand&user-caps=usage%3Dread&max-buckets=7");
    admin.done(Method::PUT, &make).await;
    let plain = format!("{}-plain", world.home().name);
    admin
        .done(Method::PUT, &format!("uid={plain}&display-name=Plain"))
        .await;
    for uid in [&name, &plain] {
        let before = admin.user(uid).await.unwrap();
        world
            .make_user(
                uid,
                json!({ "spec": { "userName": uid, "label": "Mine now", "locked": true } }),
            )
            .await;
        world
            .until_user(uid, "says whose the user is", |u| {
                reason(u, "Ready") == "UserConflict"
            })
            .await;
        world.delete_user(uid).await;
        world.until_user_gone(uid).await;
        assert_eq!(
            admin.user(uid).await.unwrap(),
            before,
            "a user made by hand was touched"
        );
        admin.done(Method::DELETE, &format!("uid={uid}")).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn an_object_named_like_the_operators_own_admin_user_costs_it_no_right() {
    let world = World::start().await;
    let admin = Admin::of(world.gateway);
    let uid = world.gateway.admin_uid.clone();
    let before = admin.user(&uid).await.unwrap();
    world
        .make_user(&uid, json!({ "spec": { "userName": uid } }))
        .await;
    world
        .until_user(&uid, "says whose the user is", |u| {
            reason(u, "Ready") == "UserConflict"
        })
        .await;
    world.delete_user(&uid).await;
    world.until_user_gone(&uid).await;
    assert_eq!(
        admin.user(&uid).await.unwrap(),
        before,
        "the admin user was touched"
    );
    assert!(!before["caps"].as_array().unwrap().is_empty());
    world.ready_user("app", json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_an_admin_added_stays_and_is_named_also_after_a_restart() {
    let mut world = World::with(resync_often()).await;
    let admin = Admin::of(world.gateway);
    let user = world.ready_user("app", json!({})).await;
    let (uid, published) = (backend_name(&user), current(&user));
    let application = world.probe("app");
    // Sorts before every key that the operator makes.
    let (run, number) = crate::testbed::unique();
    let foreign = format!("000{}{number:08}", run.to_uppercase());
    admin
        .done(Method::PUT, &format!("key&uid={uid}&access-key={foreign}"))
        .await;
    let named = |user: &ObjectUser| names_unknown(user, &foreign);
    world.until_user("app", "names the unknown key", named).await;
    let in_secret = async |world: &World| world.pair("app").await.access_key_id.to_string();
    assert_eq!(in_secret(&world).await, published, "before the restart");
    world.operator.stop().await;
    world.operator.restart().await;
    let looked = world.looked_at("app").await;
    assert_eq!(current(&looked), published, "after the restart");
    assert_eq!(in_secret(&world).await, published, "after the restart");
    world.rotate("app", "one").await;
    let rotated = world.until_rotated("app", "one").await;
    assert!(named(&rotated) && current(&rotated) != published, "{rotated:?}");
    let keys = admin.keys(&uid).await;
    assert!(keys.contains(&foreign) && keys.contains(&published), "{keys:?}");
    assert_eq!(
        world.pair("app").await.access_key_id.to_string(),
        current(&rotated)
    );
    admin
        .done(Method::DELETE, &format!("key&uid={uid}&access-key={foreign}"))
        .await;
    world
        .until_user("app", "names no unknown key", |user| {
            reason(user, "UnknownKeys").is_empty()
        })
        .await;
    application.assert_undisturbed();
    world.finish().await;
}

fn names_unknown(user: &ObjectUser, key: &str) -> bool {
    let conditions = user.status.clone().unwrap_or_default().conditions;
    condition::find(&conditions, "UnknownKeys").is_some_and(|c| c.status == "True" && c.message.contains(key))
}

#[tokio::test]
async fn a_user_deleted_behind_our_back_is_made_again_and_said() {
    let world = World::with(resync_often()).await;
    let admin = Admin::of(world.gateway);
    let user = world.ready_user("app", json!({})).await;
    let (uid, lost) = (backend_name(&user), current(&user));
    admin.done(Method::DELETE, &format!("uid={uid}")).await;
    let again = |user: &ObjectUser| is_settled(user) && current(user) != lost;
    let user = world.until_user("app", "has a new key", again).await;
    assert_eq!(admin.keys(&uid).await, [current(&user)].into());
    let pair = world.pair("app").await;
    assert!(world.works(&pair).await && pair.access_key_id.to_string() == current(&user));
    let said = async || {
        let events = world
            .home()
            .api::<Event>()
            .list(&ListParams::default())
            .await
            .map_err(|e| e.to_string())?;
        let reasons: Vec<_> = events.items.iter().filter_map(|e| e.reason.clone()).collect();
        if reasons.iter().any(|r| r == "UserRecreated") {
            Ok(())
        } else {
            Err(format!("{reasons:?}"))
        }
    };
    world
        .until("an event told that the user had vanished", said)
        .await;
    world.finish().await;
}

#[tokio::test]
async fn nothing_in_a_spec_gives_admin_rights() {
    let world = World::start().await;
    let admin = Admin::of(world.gateway);
    let injected = "x&user-caps=users=*&system=true&admin=true";
    let specs = [
        json!({ "label": injected }),
        json!({ "label": "Admin\u{2028}caps: users=*" }),
        json!({ "secret": { "metadata": { "annotations": { "example.com/caps": "users=*" } } } }),
    ];
    for (number, spec) in specs.into_iter().enumerate() {
        let name = format!("app{number}");
        let user = world.ready_user(&name, json!({ "spec": spec })).await;
        let there = admin.user(&backend_name(&user)).await.unwrap();
        assert_eq!(
            (&there["caps"], &there["op_mask"]),
            (&json!([]), &json!("read, write, delete")),
            "{there}"
        );
        assert!(is_false(&there["system"]) && is_false(&there["admin"]), "{there}");
        let pair = world.pair(&name).await;
        let tenant = Admin::with(&world.gateway.endpoint, pair.access_key_id.as_str(), half(&pair));
        for query in [
            format!("uid={}", world.gateway.admin_uid),
            format!("uid={}", backend_name(&user)),
        ] {
            let (status, _) = tenant.ask(Method::GET, &query).await;
            assert_eq!(status, 403, "a tenant's key may ask for {query}");
        }
    }
    for spec in [
        json!({ "userName": "a&user-caps=users=*" }),
        json!({ "userName": "tenant$admin" }),
        json!({ "userName": "admin:sub" }),
        json!({ "capabilities": { "user": "*" } }),
    ] {
        let refused = refused_or_dropped(&world, spec.clone()).await;
        assert!(refused, "{spec} was taken");
    }
    world.finish().await;
}

fn is_false(value: &Value) -> bool {
    [json!(false), json!("false"), Value::Null].contains(value)
}

fn half(pair: &gracekey::backend::KeyPair) -> &str {
    use secrecy::ExposeSecret as _;
    pair.secret.expose_secret()
}

/// The API server refuses it, or takes it without what it does not know.
async fn refused_or_dropped(world: &World, spec: Value) -> bool {
    let mut whole = json!({
        "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser", "metadata": { "name": "bad" },
        "spec": { "objectStoreRef": { "name": "store" } },
    });
    crate::testbed::world::merge(&mut whole["spec"], spec.clone());
    let kind = kube::discovery::ApiResource::erase::<ObjectUser>(&());
    let api = kube::Api::<kube::api::DynamicObject>::namespaced_with(
        world.home().client.clone(),
        &world.home().name,
        &kind,
    );
    match api
        .create(&PostParams::default(), &serde_json::from_value(whole).unwrap())
        .await
    {
        Err(kube::Error::Api(status)) => status.code == 422 || status.code == 400,
        Err(other) => panic!("{other}"),
        Ok(made) => {
            world.delete_user(&made.name_any()).await;
            world.until_user_gone(&made.name_any()).await;
            spec.as_object()
                .unwrap()
                .keys()
                .all(|key| made.data["spec"].get(key).is_none())
        }
    }
}
