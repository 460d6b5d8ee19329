//! Access to buckets and quota: given, changed, taken away, and told where they cannot be had.

use crate::testbed::{
    Fault, S3, Setup, World, unique,
    world::{current, message, user_name},
};
use gracekey::{
    api::v1alpha1::ObjectUser,
    backend::{KeyPair, ObservedUser},
    clock::{Clock as _, SystemClock},
    domain::{
        access::Resource,
        condition,
        ids::{AccessKeyId, CredentialId},
    },
};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The store's admin as S3 sees it.
fn admin(world: &World) -> S3 {
    let access_key_id = AccessKeyId::new(&world.gateway.admin_access_key);
    world.s3(&KeyPair {
        id: CredentialId::from(&access_key_id),
        access_key_id,
        secret: world.gateway.admin_secret_key.clone().into(),
    })
}

fn bucket(world: &World, name: &str) -> String {
    format!("{name}-{}", world.home().name)
}

fn with_buckets(buckets: &Value) -> Value {
    json!({ "spec": { "access": { "buckets": buckets } } })
}

async fn change(world: &World, buckets: &Value) -> ObjectUser {
    world.patch_user("app", with_buckets(buckets)).await;
    world.until_settled("app").await
}

/// Names of the buckets on record, granted and withdrawn.
fn recorded(user: &ObjectUser) -> (Vec<String>, Vec<String>) {
    let access = user
        .status
        .as_ref()
        .and_then(|s| s.access.clone())
        .unwrap_or_default();
    let granted = access.buckets.into_iter().map(|b| b.name).collect();
    let withdrawn = access.withdrawn.into_iter().map(|b| b.name).collect();
    (granted, withdrawn)
}

async fn put(s3: &S3, bucket: &str) -> u16 {
    let (_, number) = unique();
    s3.put_object(bucket, &format!("object-{number}"), b"data")
        .await
        .status
}

/// Removes a bucket with what is in it.
async fn remove(s3: &S3, bucket: &str) {
    let listing = String::from_utf8(s3.list_objects(bucket).await.expect_success()).unwrap();
    for part in listing.split("<Key>").skip(1) {
        let key = part.split("</Key>").next().unwrap();
        s3.delete_object(bucket, key).await.expect_success();
    }
    s3.delete_bucket(bucket).await.expect_success();
}

#[tokio::test]
async fn access_follows_the_spec_from_the_first_key_to_the_deletion() {
    let world = World::start().await;
    let (made, there) = (bucket(&world, "made"), bucket(&world, "there"));
    let admin = admin(&world);
    admin.create_bucket(&there).await.expect_success();
    let both = json!([{ "name": made, "create": true }, { "name": there, "permission": "ReadOnly" }]);
    let user = world.ready_user("app", with_buckets(&both)).await;
    let pair = world.pair("app").await;
    let s3 = world.s3(&pair);
    assert_eq!(recorded(&user).0, [made.clone(), there.clone()]);
    assert_eq!(put(&s3, &made).await, 200);
    s3.list_objects(&there).await.expect_success();
    assert_eq!(put(&s3, &there).await, 403, "it may read there, and no more");

    let other = json!([{ "name": made, "create": true }, { "name": there, "permission": "WriteOnly" }]);
    change(&world, &other).await;
    assert_eq!(put(&s3, &there).await, 200);
    assert_eq!(s3.list_objects(&there).await.status, 403);

    let user = change(&world, &json!([{ "name": there, "permission": "WriteOnly" }])).await;
    assert_eq!(put(&s3, &made).await, 403, "taken out of the spec");
    assert_eq!(put(&s3, &there).await, 200);
    assert_eq!(recorded(&user), (vec![there.clone()], vec![made.clone()]));
    admin.list_objects(&made).await.expect_success();

    let before = current(&user);
    world.rotate("app", "one").await;
    let rotated = world.until_rotated("app", "one").await;
    assert_ne!(current(&rotated), before);
    let s3 = world.s3(&world.pair("app").await);
    assert_eq!(put(&s3, &there).await, 200, "a rotation changes no access");

    world.delete_user("app").await;
    world.until_user_gone("app").await;
    assert!(world.observed(&user).await.is_none());
    for bucket in [&made, &there] {
        let policy = admin.get_policy(bucket).await;
        let policy = String::from_utf8(policy.body).unwrap();
        assert!(!policy.contains(user_name(&user).as_str()), "{policy}");
        remove(&admin, bucket).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named_and_holds_up_neither_key_nor_rotation() {
    let world = World::start().await;
    let (there, missing) = (bucket(&world, "there"), bucket(&world, "missing"));
    let admin = admin(&world);
    admin.create_bucket(&there).await.expect_success();
    let wanted = json!([{ "name": missing }, { "name": there }]);
    world.make_user("app", with_buckets(&wanted)).await;
    let user = world.until_reason("app", "BucketMissing").await;
    assert!(message(&user, "Stalled").contains(&missing), "{user:?}");
    let ready =
        |user: &ObjectUser| condition::is_true(&user.status.clone().unwrap_or_default().conditions, "Ready");
    let user = world.until_user("app", "is ready all the same", ready).await;
    assert_eq!(put(&world.s3(&world.pair("app").await), &there).await, 200);
    let before = current(&user);
    world.rotate("app", "one").await;
    let rotated = |user: &ObjectUser| {
        user.status.as_ref().is_some_and(|s| s.intent.is_none()) && current(user) != before
    };
    world.until_user("app", "rotated", rotated).await;
    admin.create_bucket(&missing).await.expect_success();
    // It is looked for again before long; a change of the object hurries that up.
    world
        .annotate("app", "example.com/look-again", json!("now"))
        .await;
    world.until_settled("app").await;
    assert_eq!(put(&world.s3(&world.pair("app").await), &missing).await, 200);
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    for bucket in [&there, &missing] {
        remove(&admin, bucket).await;
    }
    world.finish().await;
}

/// What a tenant writes must not open another tenant's bucket, nor one that the admin keeps for itself.
#[tokio::test]
async fn a_tenant_gets_no_bucket_of_others() {
    let setup = Setup {
        namespaces: 2,
        ..Setup::default()
    };
    let mut world = World::without_store(setup).await;
    world
        .make_store("store", json!({ "allowedNamespaces": { "from": "All" } }))
        .await;
    world.until_store_ready("store").await;
    let (of_admin, of_home) = (bucket(&world, "admins"), bucket(&world, "homes"));
    let admin = admin(&world);
    admin.create_bucket(&of_admin).await.expect_success();
    world
        .ready_user("app", with_buckets(&json!([{ "name": of_home, "create": true }])))
        .await;

    let store = json!({ "name": "store", "namespace": world.home().name });
    world.here = 1;
    let wanted = json!([{ "name": of_admin }, { "name": of_home, "create": true }]);
    let mut tenant = with_buckets(&wanted);
    tenant["spec"]["objectStoreRef"] = store;
    world.make_user("tenant", tenant).await;
    let user = world.until_reason("tenant", "BucketClosed").await;
    let said = message(&user, "Stalled");
    assert!(
        said.contains(&of_admin) && said.contains("GracekeyTrusts"),
        "{said}"
    );
    let ready =
        |user: &ObjectUser| condition::is_true(&user.status.clone().unwrap_or_default().conditions, "Ready");
    world.until_user("tenant", "is ready all the same", ready).await;
    let s3 = world.s3(&world.pair("tenant").await);
    for bucket in [&of_admin, &of_home] {
        assert_eq!(s3.list_objects(bucket).await.status, 403);
        assert_eq!(put(&s3, bucket).await, 403);
    }
    assert_eq!(recorded(&world.user("tenant").await).0, Vec::<String>::new());

    // The owner consents, by the very statement that was told.
    let start = said.find("{\"Action\"").unwrap();
    let statement = said.get(start..).unwrap();
    let statement: Value = serde_json::Deserializer::from_str(statement)
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    admin
        .put_policy(&of_admin, &policy.to_string())
        .await
        .expect_success();
    world
        .patch_user("tenant", with_buckets(&json!([{ "name": of_admin }])))
        .await;
    world.until_settled("tenant").await;
    assert_eq!(put(&s3, &of_admin).await, 200);
    world.delete_user("tenant").await;
    world.until_user_gone("tenant").await;
    world.here = 0;
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    for bucket in [&of_admin, &of_home] {
        remove(&admin, bucket).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_second_look_at_a_user_with_access_writes_nothing() {
    let setup = Setup {
        proxy_gateway: true,
        proxy_kubernetes: true,
        ..Setup::default()
    };
    let mut world = World::with(setup).await;
    let made = bucket(&world, "made");
    let mut spec = with_buckets(&json!([{ "name": made, "create": true }]));
    spec["spec"]["quota"] = json!({ "maxBytes": "10G", "maxBuckets": 0 });
    let before = world.ready_user("app", spec).await;
    world.until_counted("store", 1).await;
    world.operator.stop().await;
    let skip = |world: &World| {
        [&world.kubernetes_proxy, &world.gateway_proxy].map(|proxy| proxy.as_ref().unwrap().seen().len())
    };
    let [kubernetes, gateway] = skip(&world);
    let resync = ("GRACEKEY_RESYNC_SECONDS".to_owned(), "1".to_owned());
    world.operator.launch_mut().env.push(resync);
    world.operator.restart().await;
    let looked = async || {
        let seen = world.gateway_proxy.as_ref().unwrap().seen().split_off(gateway);
        let looks = seen
            .iter()
            .filter(|seen| seen.target.ends_with("?policy"))
            .count();
        if looks >= 3 {
            Ok(())
        } else {
            Err(format!("{looks} looks"))
        }
    };
    world.until("the bucket was looked at again", looked).await;
    for (proxy, skip) in [
        (&world.kubernetes_proxy, kubernetes),
        (&world.gateway_proxy, gateway),
    ] {
        let seen = proxy.as_ref().unwrap().seen().split_off(skip);
        let writes: Vec<_> = seen
            .iter()
            .filter(|seen| seen.method != Method::GET && seen.method != Method::HEAD)
            .map(|seen| format!("{} {}", seen.method, seen.target))
            .collect();
        assert_eq!(writes, Vec::<String>::new());
    }
    let after = world.user("app").await;
    assert_eq!(after.metadata.resource_version, before.metadata.resource_version);
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    remove(&admin(&world), &made).await;
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_is_due_does_not_wait_for_buckets() {
    let setup = Setup {
        proxy_gateway: true,
        ..Setup::default()
    };
    let world = World::with(setup).await;
    let names = ["one", "two", "three"].map(|name| bucket(&world, name));
    let wanted = names.clone().map(|name| json!({ "name": name, "create": true }));
    world.ready_user("app", with_buckets(&json!(wanted))).await;
    let old = world.s3(&world.pair("app").await);
    let soon = json!({ "gracekey.dev/rotate": "one", "gracekey.dev/rotate-grace-period": "10s" });
    world
        .patch_user("app", json!({ "metadata": { "annotations": soon } }))
        .await;
    let user = world.until_rotated("app", "one").await;
    let due = user.status.unwrap().previous_key_revoke_time.unwrap().0;
    let slow = Fault::Delay(Duration::from_secs(4));
    let proxy = world.gateway_proxy.as_ref().unwrap();
    proxy.always(|seen| seen.target.ends_with("?policy"), slow);
    let refused = async || match old.list_buckets().await.status {
        403 => Ok(SystemClock.now()),
        other => Err(format!("the old key is answered with {other}")),
    };
    let at = world.until("the old key was refused", refused).await;
    let late = at.duration_since(due).as_secs();
    assert!((0..5).contains(&late), "{late} s after its end");
    proxy.heal();
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    for bucket in &names {
        remove(&admin(&world), bucket).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_quota_is_set_changed_and_lifted_and_one_of_others_stays() {
    let world = World::start().await;
    let quota = |quota: Value| json!({ "spec": { "quota": quota } });
    world
        .make_user("app", quota(json!({ "maxBytes": "10Ki", "maxObjects": 7 })))
        .await;
    let user = world.until_settled("app").await;
    let limits = |observed: Option<ObservedUser>| observed.unwrap().limits.unwrap();
    let now = limits(world.observed(&user).await);
    assert_eq!(now.get(&Resource::Bytes), Some(&10_240));
    assert_eq!(now.get(&Resource::Objects), Some(&7));
    let untouched = now.get(&Resource::Buckets).copied();
    let s3 = world.s3(&world.pair("app").await);
    let own = bucket(&world, "own");
    s3.create_bucket(&own).await.expect_success();
    assert_eq!(
        s3.put_object(&own, "large", &vec![b'x'; 20_000]).await.status,
        403
    );

    world
        .patch_user("app", quota(json!({ "maxBytes": null, "maxObjects": 8 })))
        .await;
    let lifted = async || {
        let user = world.user("app").await;
        let now = limits(world.observed(&user).await);
        let recorded = user.status.and_then(|s| s.quota).unwrap_or_default();
        let done = !now.contains_key(&Resource::Bytes) && now.get(&Resource::Objects) == Some(&8);
        if done && recorded.max_bytes.is_none() && recorded.max_objects == Some(8) {
            Ok(now.get(&Resource::Buckets).copied())
        } else {
            Err(format!("{now:?}, {recorded:?}"))
        }
    };
    let buckets = world.until("the quota was changed", lifted).await;
    assert_eq!(buckets, untouched);
    s3.put_object(&own, "large", &vec![b'x'; 20_000])
        .await
        .expect_success();
    remove(&s3, &own).await;
    world.finish().await;
}
