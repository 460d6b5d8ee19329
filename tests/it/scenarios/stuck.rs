//! What the gateway refuses again and again: a deletion, and the revocation of a key whose time has come. It is told once,
//! tried in measure, holds up nobody else, and is done when it can be.

use super::{behind_a_proxy, proxy};
use crate::testbed::{
    Fault, World,
    proxy::Seen,
    world::{current, message, reason, user_name},
};
use gracekey::api::v1alpha1::ObjectUser;
use http::Method;
use kube::ResourceExt as _;
use serde_json::json;
use std::{ops::RangeInclusive, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How long the tries are counted, and how many there may be: the pauses grow to 2 s at least.
const WATCHED: Duration = Duration::from_secs(5);
const TRIES: RangeInclusive<usize> = 1..=8;

/// As the gateway writes it to an admin who may not do that.
const DENIED: &str = r#"{"Code":"AccessDenied","RequestId":"tx1","HostId":"here"}"#;

/// The removal of this user, or of one of its keys.
fn removal(of: &ObjectUser, of_a_key: bool) -> impl Fn(&Seen) -> bool + Send + use<> {
    let uid = format!("uid={}", user_name(of));
    move |seen| {
        let (_, query) = seen.target.split_once('?').unwrap_or_default();
        let names_it = query.split('&').any(|part| part == uid);
        let of_key = query.split('&').any(|part| part == "key");
        seen.method == Method::DELETE && names_it && of_key == of_a_key
    }
}

/// Two users of whom something is refused, each in another way: by a gateway that fails, and by one that denies.
struct Refused {
    names: [&'static str; 2],
    users: [ObjectUser; 2],
    of_a_key: bool,
}

impl Refused {
    fn begin(world: &World, names: [&'static str; 2], users: [ObjectUser; 2], of_a_key: bool) -> Self {
        let faults = [Fault::answer(500, ""), Fault::answer(403, DENIED)];
        for (user, fault) in users.iter().zip(faults) {
            proxy(world).always(removal(user, of_a_key), fault);
        }
        Self {
            names,
            users,
            of_a_key,
        }
    }

    /// How often each was tried.
    fn tries(&self, world: &World) -> [usize; 2] {
        let seen = proxy(world).seen();
        [0, 1].map(|which| {
            let matches = removal(&self.users[which], self.of_a_key);
            seen.iter().filter(|seen| matches(seen)).count()
        })
    }

    /// Versions of all objects and Secrets.
    async fn versions(&self, world: &World) -> Vec<Option<String>> {
        let mut versions = Vec::new();
        for name in self.names {
            versions.push(world.user(name).await.resource_version());
            versions.push(world.secret(name).await.resource_version());
        }
        versions
    }

    /// While it goes on: nobody else is held up, the tries are few, and nothing is written.
    async fn is_borne(&self, world: &World) {
        let begun = Instant::now();
        let (before, versions) = (self.tries(world), self.versions(world).await);
        world.ready_user("other", json!({})).await;
        world.rotate("other", "one").await;
        world.until_rotated("other", "one").await;
        world.delete_user("other").await;
        world.until_user_gone("other").await;
        sleep_until(begun + WATCHED).await;
        let (after, passed) = (self.tries(world), begun.elapsed());
        for (before, after) in before.into_iter().zip(after) {
            let tries = after - before;
            assert!(TRIES.contains(&tries), "{tries} tries in {passed:?}");
        }
        assert_eq!(self.versions(world).await, versions, "written with each try");
    }
}

#[tokio::test]
async fn a_deletion_that_fails_on_and_on_is_told_and_done_in_the_end() {
    let world = behind_a_proxy().await;
    let names = ["failing", "denied"];
    let [failing, denied] = names;
    let users = [
        world.ready_user(failing, json!({})).await,
        world.ready_user(denied, json!({})).await,
    ];
    let pairs = [world.pair(failing).await, world.pair(denied).await];
    let refused = Refused::begin(&world, names, users, false);
    for name in names {
        world.delete_user(name).await;
    }
    let told = world.until_reason(failing, "BackendUnavailable").await;
    assert!(message(&told, "Synced").contains("DeleteUser"), "{told:?}");
    let told = world.until_reason(denied, "AuthenticationFailed").await;
    let said = message(&told, "Synced");
    for part in [user_name(&told).as_str(), "DeleteUser", "radosgw-admin caps add"] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
    for name in names {
        let said = message(&world.user(name).await, "Reconciling");
        for part in [
            "The deletion waits for that",
            "gracekey.dev/force-delete: \"true\"",
        ] {
            assert!(said.contains(part), "{name} does not say {part:?}: {said}");
        }
    }
    refused.is_borne(&world).await;
    for (name, pair) in names.iter().zip(&pairs) {
        assert!(!world.user(name).await.finalizers().is_empty(), "{name}");
        assert!(world.works(pair).await, "{name} is as it was");
    }
    proxy(&world).heal();
    for (name, user) in names.iter().zip(&refused.users) {
        world.until_user_gone(name).await;
        assert!(world.observed(user).await.is_none(), "{name}");
        assert!(world.secrets().get_opt(name).await.unwrap().is_none(), "{name}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_revocation_that_fails_on_and_on_is_told_and_done_in_the_end() {
    let world = behind_a_proxy().await;
    let names = ["failing", "denied"];
    let [failing, denied] = names;
    let short = json!({ "spec": { "rotation": { "gracePeriod": "1s" } } });
    let users = [
        world.ready_user(failing, short.clone()).await,
        world.ready_user(denied, short).await,
    ];
    let olds = [world.pair(failing).await, world.pair(denied).await];
    let applications = names.map(|name| world.probe(name));
    let refused = Refused::begin(&world, names, users, true);
    for name in names {
        world.rotate(name, "one").await;
    }
    let told = world.until_reason(failing, "BackendUnavailable").await;
    assert!(message(&told, "Synced").contains("RevokeKey"), "{told:?}");
    let told = world.until_reason(denied, "AuthenticationFailed").await;
    let said = message(&told, "Synced");
    for part in [user_name(&told).as_str(), "RevokeKey", "radosgw-admin caps add"] {
        assert!(said.contains(part), "it does not say {part:?}: {said}");
    }
    refused.is_borne(&world).await;
    for (name, old) in names.iter().zip(&olds) {
        let user = world.user(name).await;
        assert_eq!(reason(&user, "Ready"), "Succeeded", "{name}: the new key is good");
        assert_eq!(
            reason(&user, "PreviousKeysRevoked"),
            "RevocationOverdue",
            "{name}"
        );
        assert!(message(&user, "PreviousKeysRevoked").contains("1 old key(s) are to be revoked since"));
        let both = [current(&user), old.id.to_string()].into();
        assert_eq!(world.live_keys(&user).await, both, "{name}");
        assert!(world.works(old).await && world.works(&world.pair(name).await).await);
        assert!(!user.finalizers().is_empty(), "{name}");
    }
    proxy(&world).heal();
    for (name, old) in names.iter().zip(&olds) {
        let user = world.until_revoked(name).await;
        assert_eq!(world.live_keys(&user).await, [current(&user)].into(), "{name}");
        assert!(!world.works(old).await, "{name}");
    }
    for application in applications {
        application.assert_undisturbed();
    }
    world.finish().await;
}
