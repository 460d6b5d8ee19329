//! Nothing is published before it is proven, and nothing counts as dead before it was seen refused. The proofs of the
//! operator go through the fault proxy; applications go past it.

use super::{behind_a_proxy, proxy};
use crate::testbed::{
    Fault, FaultProxy, World,
    proxy::Seen,
    world::{Setup, current, reason},
};
use gracekey::domain::condition;
use kube::ResourceExt as _;
use serde_json::json;

/// How often a new key is refused before the gateway comes to know it.
const REFUSALS: usize = 5;

/// As the gateway writes it.
const UNKNOWN_KEY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidAccessKeyId</Code><RequestId>tx1</RequestId><HostId>here</HostId></Error>"#;
const LISTING: &str = r#"<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets></Buckets></ListAllMyBucketsResult>"#;

/// As the gateway writes it to a key whose user may not list buckets.
const DENIED: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><RequestId>tx1</RequestId><HostId>here</HostId></Error>"#;

#[tokio::test]
async fn a_new_key_that_s3_does_not_know_yet_is_not_published_until_it_does() {
    let world = behind_a_proxy().await;
    let before = world.ready_user("app", json!({})).await;
    let (old, secret) = (world.pair("app").await, world.secret("app").await);
    let application = world.probe("app");
    let known = old.access_key_id.to_string();
    let is_new = move |seen: &Seen| seen.is_proof() && seen.signer.as_ref().is_some_and(|id| *id != known);
    proxy(&world).always(is_new.clone(), Fault::answer(403, UNKNOWN_KEY));
    world.rotate("app", "one").await;
    let waiting = world.until_reason("app", "ProofPending").await;
    let refused = async || {
        let refused: Vec<_> = proxy(&world).seen().into_iter().filter(&is_new).collect();
        if refused.len() < REFUSALS {
            return Err(format!("{} proofs were tried", refused.len()));
        }
        Ok(refused[0].signer.clone().unwrap())
    };
    let new = world.until("the proof was tried again and again", refused).await;

    let conditions = &waiting.status.as_ref().unwrap().conditions;
    let synced = condition::find(conditions, "Synced").unwrap();
    let names_all = [new.as_str(), &proxy(&world).url(), "InvalidAccessKeyId"];
    assert!(
        synced.status == "False" && names_all.iter().all(|name| synced.message.contains(name)),
        "{synced:?}"
    );
    let waiting = world.user("app").await;
    assert_eq!(
        reason(&waiting, "Ready"),
        "Succeeded",
        "the old key is as good as it was"
    );
    assert_eq!(current(&waiting), current(&before));
    assert_eq!(
        world.secret("app").await.resource_version(),
        secret.resource_version(),
        "an unproven key was published"
    );
    assert!(
        world.live_keys(&waiting).await.contains(&new),
        "it is the gateway's key"
    );
    application.assert_undisturbed();

    proxy(&world).heal();
    let rotated = world.until_rotated("app", "one").await;
    assert_eq!(
        current(&rotated),
        new,
        "the key that waited is the one that is published"
    );
    assert_eq!(world.live_keys(&rotated).await, [new, old.id.to_string()].into());
    assert!(
        world.works(&old).await,
        "its grace period began with the publication"
    );
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn a_key_is_published_only_when_each_site_accepts_it() {
    let world = World::without_store(Setup::default()).await;
    let site = FaultProxy::start(&world.gateway.endpoint, None).await;
    let sites = json!({ "s3": { "verifyEndpoints": [site.url()] } });
    world.make_store("store", sites).await;
    world.until_store_ready("store").await;
    let before = world.ready_user("app", json!({})).await;
    let secret = world.secret("app").await;
    let application = world.probe("app");
    site.always(Seen::is_proof, Fault::answer(403, UNKNOWN_KEY));
    world.rotate("app", "one").await;
    let waiting = world.until_reason("app", "ProofPending").await;
    let conditions = &waiting.status.as_ref().unwrap().conditions;
    let synced = condition::find(conditions, "Synced").unwrap();
    assert!(
        synced.message.contains(&site.url()),
        "it does not name the site: {synced:?}"
    );
    assert_eq!(
        world.secret("app").await.resource_version(),
        secret.resource_version()
    );
    assert_eq!(current(&waiting), current(&before));
    site.heal();
    let rotated = world.until_rotated("app", "one").await;
    assert_ne!(current(&rotated), current(&before));
    application.assert_undisturbed();
    world.finish().await;
}

#[tokio::test]
async fn the_first_key_too_is_published_only_when_it_works() {
    let world = behind_a_proxy().await;
    proxy(&world).always(Seen::is_proof, Fault::answer(403, UNKNOWN_KEY));
    world.make_user("app", json!({})).await;
    let waiting = world.until_reason("app", "ProofPending").await;
    assert_eq!(reason(&waiting, "Ready"), "ProofPending");
    assert!(world.secrets().get_opt("app").await.unwrap().is_none());
    proxy(&world).heal();
    let user = world.until_settled("app").await;
    assert_eq!(
        world.live_keys(&user).await.len(),
        1,
        "none was given up for another"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_key_that_is_still_accepted_is_told() {
    let world = behind_a_proxy().await;
    let now = json!({ "spec": { "rotation": { "gracePeriod": "0s" } } });
    world.ready_user("app", now).await;
    let old = world.pair("app").await;
    let id = old.access_key_id.to_string();
    // As a second gateway would answer that has not heard of it.
    proxy(&world).always(
        move |seen| seen.is_proof() && seen.signer.as_ref() == Some(&id),
        Fault::answer(200, LISTING),
    );
    world.rotate("app", "one").await;
    world.until_event("app", "RevokedKeyStillAccepted").await;
    let told = world.events("app").await;
    let revoked = told.iter().any(|event| event == "PreviousKeyRevoked");
    assert!(!revoked, "a key that works was said to be dead: {told:?}");
    assert!(!world.works(&old).await, "the gateway itself refuses it");
    proxy(&world).heal();
    let user = world.until_rotated("app", "one").await;
    assert_eq!(world.live_keys(&user).await.len(), 1);
    let often = world.events("app").await;
    let often = often.iter().filter(|event| *event == "RevokedKeyStillAccepted");
    assert_eq!(often.count(), 1, "it is told once");
    world.finish().await;
}

/// Published while its user was locked, and so without a proof: that comes with the unlocking.
#[tokio::test]
async fn a_published_key_that_is_denied_everything_is_neither_replaced_nor_removed() {
    let mut world = behind_a_proxy().await;
    world
        .make_user("app", json!({ "spec": { "locked": true } }))
        .await;
    world.until_reason("app", "Locked").await;
    let (pair, secret) = (world.pair("app").await, world.secret("app").await);
    proxy(&world).always(Seen::is_proof, Fault::answer(403, DENIED));
    world
        .patch_user("app", json!({ "spec": { "locked": false } }))
        .await;
    let user = world.until_settled("app").await;
    let id = pair.access_key_id.to_string();
    let proofs = proxy(&world).seen().into_iter().filter(Seen::is_proof);
    assert!(
        proofs.clone().count() > 0 && proofs.clone().all(|seen| seen.signer.as_ref() == Some(&id)),
        "{:?}",
        proofs.collect::<Vec<_>>()
    );
    // By the next look at it, and by an operator that remembers nothing.
    world.looked_at("app").await;
    world.operator.kill();
    world.operator.restart().await;
    let after = world.looked_at("app").await;
    assert_eq!((current(&after), current(&user)), (id.clone(), id.clone()));
    assert_eq!(reason(&after, "Ready"), "Succeeded");
    assert_eq!(world.live_keys(&after).await, [id].into());
    let now = world.secret("app").await;
    assert_eq!((now.uid(), now.data), (secret.uid(), secret.data));
    world.finish().await;
}

/// A key of which S3 says that it may do nothing is as good as its rights: whoever gave it none may have meant it.
#[tokio::test]
async fn a_new_key_that_is_denied_everything_is_published_and_its_like_in_a_rotation() {
    let world = behind_a_proxy().await;
    proxy(&world).always(Seen::is_proof, Fault::answer(403, DENIED));
    let before = world.ready_user("app", json!({})).await;
    world.rotate("app", "one").await;
    let after = world.until_rotated("app", "one").await;
    let both = [current(&before), current(&after)].into();
    assert_eq!(world.live_keys(&after).await, both, "one for each order");
    world.finish().await;
}
