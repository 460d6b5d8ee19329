//! The answer to a new key is lost: the key is on the storage and nobody knows its secret half, unless it can be read again.
//! In the end there is one that works, and none that status does not tell.

use super::site::{Site, told};
use crate::testbed::{Fault, FaultProxy, proxy::Seen, seaweedfs};
use gracekey_simulators::ontap::Version;
use http::Method;
use kube::api::{Patch, PatchParams};
use serde_json::json;

#[tokio::test]
async fn no_key_is_left_over_by_a_lost_answer_on_ostor() {
    let issues = |seen: &Seen| {
        let takes_away = ["revokeKey", "disable", "enable"];
        let gives = !takes_away.iter().any(|what| seen.target.contains(what));
        matches!(seen.method, Method::PUT | Method::POST) && seen.target.contains("ostor-users") && gives
    };
    made_up_for(Site::ostor().await, issues).await;
}

#[tokio::test]
async fn no_key_is_left_over_by_a_lost_answer_on_seaweedfs() {
    let site = Site::iam(seaweedfs(), json!({ "ownerMark": "Name" }));
    let issues = |seen: &Seen| seen.action.as_deref() == Some("CreateAccessKey");
    made_up_for(site, issues).await;
}

#[tokio::test]
async fn no_key_is_left_over_by_a_lost_answer_on_ecs() {
    let issues = |seen: &Seen| {
        let of_keys = seen.target.contains("/object/user-secret-keys/");
        seen.method == Method::POST && of_keys && !seen.target.contains("/deactivate")
    };
    made_up_for(Site::ecs().await, issues).await;
}

#[tokio::test]
async fn no_key_is_left_over_by_a_lost_answer_on_ontap() {
    let issues = |seen: &Seen| {
        let makes = seen.method == Method::POST && seen.target.contains("/users");
        makes || seen.target.contains("regenerate_keys")
    };
    made_up_for(Site::ontap(Version::new(19, 1)).await, issues).await;
}

#[tokio::test]
async fn no_account_is_left_over_by_a_lost_answer_on_uptrends() {
    let issues = |seen: &Seen| seen.method == Method::POST && seen.target.contains("/ApiUser");
    made_up_for(Site::uptrends().await, issues).await;
}

/// The first key's answer, and that of a rotation.
async fn made_up_for(site: Site, issues: impl Fn(&Seen) -> bool + Copy + Send + 'static) {
    let proxy = FaultProxy::start(&site.admin_url(), None).await;
    let site = site.behind(&proxy);
    let world = site.world().await;
    let tried = || proxy.seen().iter().filter(|seen| issues(seen)).count();
    let before = tried();
    proxy.once(issues, Fault::CutAfter);
    let grace = json!({ "spec": { "rotation": { "gracePeriod": "1s" } } });
    let user = world.ready_user("app", grace).await;
    let exact = async || {
        let keys = site.keys(&user).await.unwrap();
        let told = told(&world.user("app").await);
        let exact = keys == told && told.len() == 1;
        exact
            .then_some(())
            .ok_or_else(|| format!("there are {keys:?}, and status tells {told:?}"))
    };
    world.until("the lost key was removed", exact).await;
    let first = world.pair("app").await;
    assert!(site.takes(&first).await && tried() > before, "an answer was lost");

    let before = tried();
    proxy.once(issues, Fault::CutAfter);
    world.rotate("app", "one").await;
    world.until_rotated("app", "one").await;
    world.until_revoked("app").await;
    world
        .until("the lost key and the old one were removed", exact)
        .await;
    assert!(tried() > before, "an answer was lost");
    assert!(!site.takes(&first).await && site.takes(&world.pair("app").await).await);
    let user = world.until_settled("app").await;
    let conditions = user.status.iter().flat_map(|status| &status.conditions);
    assert_eq!(conditions.filter(|c| c.type_ == "UnknownKeys").count(), 0);
    world.delete_user("app").await;
    world.until_user_gone("app").await;
    world.finish().await;
}

/// Nothing but the Secret ever held it.
#[tokio::test]
async fn a_secret_half_that_was_damaged_is_replaced_where_it_cannot_be_read_again() {
    let site = Site::iam(seaweedfs(), json!({ "ownerMark": "Name" }));
    let mut world = site.world().await;
    world
        .ready_user("app", json!({ "spec": { "rotation": { "gracePeriod": "1s" } } }))
        .await;
    world.operator.kill();
    world.operator.restart().await;
    world.until_settled("app").await;
    let damage = json!({ "stringData": { "AWS_SECRET_ACCESS_KEY": "damaged" } });
    let secrets = world.secrets();
    secrets
        .patch("app", &PatchParams::default(), &Patch::Merge(damage))
        .await
        .unwrap();
    let works = async || {
        let works = site.takes(&world.pair("app").await).await;
        works
            .then_some(())
            .ok_or_else(|| "the published key is refused".to_owned())
    };
    world.until("the Secret held a key that works", works).await;
    world.until_event("app", "CredentialsRepaired").await;
    let user = world.until_revoked("app").await;
    assert_eq!(site.keys(&user).await.unwrap(), told(&user));
    world.finish().await;
}
