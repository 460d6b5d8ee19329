//! Storage that answers late: what it does not find is looked for again, and holds up nothing else.

use super::site::Site;
use crate::testbed::{
    Fault, FaultProxy, minio,
    proxy::Seen,
    world::{message, retiring, user_name},
};
use serde_json::json;

/// It is on record until it is gone, and no other key lives longer for it.
#[tokio::test]
async fn a_key_that_a_late_answer_lacks_is_revoked_in_the_end_on_minio() {
    let proxy = FaultProxy::start(&minio().endpoint, None).await;
    let site = Site::minio(minio()).behind(&proxy);
    let world = site.world().await;
    let grace = json!({ "spec": { "rotation": { "gracePeriod": "15s" } } });
    world.ready_user("app", grace).await;
    let mut old = Vec::new();
    for token in ["one", "two"] {
        old.push(world.pair("app").await);
        world.rotate("app", token).await;
        world.until_rotated("app", token).await;
    }
    // In this order they are revoked, when both are due.
    old.sort_by(|a, b| a.id.cmp(&b.id));
    let [late, other] = old.as_slice() else {
        panic!("two keys: {old:?}")
    };
    let id = late.access_key_id.to_string();
    let asks = move |seen: &Seen| seen.target.contains("info-service-account?") && seen.target.contains(&id);
    let absent = r#"{"Code":"XMinioInvalidIAMCredentials","Message":"…"}"#;
    proxy.always(asks, Fault::answer(404, absent));

    let refused = async || {
        let works = site.takes(other).await;
        (!works).then_some(()).ok_or_else(|| "it works".to_owned())
    };
    world.until("the other key was refused", refused).await;
    let user = world.until_reason("app", "ProgressingWithRetry").await;
    let told = message(&user, "Reconciling");
    assert!(told.contains(late.id.as_str()), "{told}");
    assert!(retiring(&user).contains_key(late.id.as_str()), "{user:?}");
    assert!(site.takes(late).await);

    proxy.heal();
    let user = world.until_revoked("app").await;
    assert!(!site.takes(late).await);
    assert_eq!(retiring(&user).len(), 0);
    world.finish().await;
}

/// It may be a late answer as well, and a key that is there is not to be replaced.
#[tokio::test]
async fn a_key_that_went_with_its_user_is_named_with_the_time_of_the_next_one_on_minio() {
    let site = Site::minio(minio());
    let world = site.world().await;
    let user = world.ready_user("app", json!({})).await;
    let name = user_name(&user);
    site.driver().await.delete_user(&name).await.unwrap();
    world
        .patch_user("app", json!({ "spec": { "rotation": { "gracePeriod": "1h" } } }))
        .await;
    let user = world.until_reason("app", "ProgressingWithRetry").await;
    let told = message(&user, "Ready");
    assert!(
        told.contains("does not show the key") && told.contains("a new one is issued"),
        "{told}"
    );
    world.delete_user("app").await;
    world.finish().await;
}
