//! The rights of the chart, by the word of the API server: enough, and no more.

use crate::testbed::{
    Setup, World,
    cluster::{OwnNamespace, namespace},
};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, api::PostParams};

const USERS: &str = "gracekey.dev/objectusers";
const STORES: &str = "gracekey.dev/objectstores";
const LEASES: &str = "coordination.k8s.io/leases";

/// Whether the operator of `home` may do this: a verb, and `GROUP/RESOURCE` or `GROUP/RESOURCE/SUBRESOURCE`.
async fn may(home: &OwnNamespace, verb: &str, what: &str, name: &str, namespace: &str) -> bool {
    let mut parts = what.split('/').map(str::to_owned);
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: parts.next(),
        resource: parts.next(),
        subresource: parts.next(),
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{}:gracekey", home.name)),
            groups: Some(vec![
                "system:serviceaccounts".to_owned(),
                "system:authenticated".to_owned(),
            ]),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews = Api::<SubjectAccessReview>::all(home.client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}

/// Of these, those that the operator may do in this namespace.
async fn allowed<'a>(
    home: &OwnNamespace,
    place: &str,
    wanted: &[(&'a str, &'a str, &'a str)],
) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut allowed = Vec::new();
    for (verb, what, name) in wanted {
        if may(home, verb, what, name, place).await {
            allowed.push((*verb, *what, *name));
        }
    }
    allowed
}

/// What it needs where it looks after users.
const NEEDED: [(&str, &str, &str); 13] = [
    ("get", "/secrets", ""),
    ("list", "/secrets", ""),
    ("watch", "/secrets", ""),
    ("create", "/secrets", ""),
    ("update", "/secrets", ""),
    ("delete", "/secrets", ""),
    ("watch", STORES, ""),
    ("watch", USERS, ""),
    // For the finalizer; that it writes nothing else there is tested by what it writes.
    ("patch", USERS, ""),
    ("patch", STORES, ""),
    ("patch", "gracekey.dev/objectusers/status", ""),
    ("patch", "gracekey.dev/objectstores/status", ""),
    ("create", "events.k8s.io/events", ""),
];

/// What it must not have anywhere.
const TOO_MUCH: [(&str, &str, &str); 22] = [
    ("update", USERS, ""),
    ("deletecollection", USERS, ""),
    ("update", STORES, ""),
    ("create", STORES, ""),
    ("delete", STORES, ""),
    ("deletecollection", "/secrets", ""),
    ("get", "/pods", ""),
    ("list", "/pods", ""),
    ("create", "/pods", ""),
    ("create", "/pods/exec", ""),
    ("get", "/pods/log", ""),
    ("get", "/configmaps", ""),
    ("create", "/serviceaccounts/token", ""),
    ("impersonate", "/serviceaccounts", ""),
    ("list", "/namespaces", ""),
    ("patch", "/namespaces", ""),
    ("get", "/nodes", ""),
    ("get", "apps/deployments", ""),
    ("create", "rbac.authorization.k8s.io/rolebindings", ""),
    ("escalate", "rbac.authorization.k8s.io/roles", ""),
    ("bind", "rbac.authorization.k8s.io/clusterroles", ""),
    ("patch", "apiextensions.k8s.io/customresourcedefinitions", ""),
];

#[tokio::test]
async fn rights_end_at_the_namespaces_that_are_watched() {
    let setup = Setup {
        namespaces: 2,
        ..Setup::default()
    };
    let world = World::without_store(setup).await;
    let (home, stranger) = (&world.namespaces[0], namespace().await);
    for watched in &world.namespaces {
        assert_eq!(allowed(home, &watched.name, &NEEDED).await, NEEDED);
        assert_eq!(allowed(home, &watched.name, &TOO_MUCH).await, []);
    }
    for elsewhere in [stranger.name.as_str(), "kube-system", "default"] {
        assert_eq!(allowed(home, elsewhere, &NEEDED).await, [], "in {elsewhere}");
        assert_eq!(allowed(home, elsewhere, &TOO_MUCH).await, [], "in {elsewhere}");
    }
    world.finish().await;
}

#[tokio::test]
async fn rights_in_the_whole_cluster_are_of_the_same_kind() {
    let setup = Setup {
        cluster_rights: true,
        ..Setup::default()
    };
    let world = World::without_store(setup).await;
    let (home, stranger) = (world.home(), namespace().await);
    assert_eq!(allowed(home, &stranger.name, &NEEDED).await, NEEDED);
    assert_eq!(allowed(home, &stranger.name, &TOO_MUCH).await, []);
    world.finish().await;
}

#[tokio::test]
async fn the_lease_is_the_only_one_that_it_may_touch() {
    let world = World::without_store(Setup::default()).await;
    let (home, stranger) = (world.home(), namespace().await);
    let wanted = [
        ("create", LEASES, ""),
        ("get", LEASES, "gracekey"),
        ("patch", LEASES, "gracekey"),
    ];
    assert_eq!(allowed(home, &home.name, &wanted).await, wanted);
    let too_much = [
        ("get", LEASES, "other"),
        ("patch", LEASES, "other"),
        ("list", LEASES, ""),
        ("delete", LEASES, "gracekey"),
    ];
    assert_eq!(allowed(home, &home.name, &too_much).await, []);
    assert_eq!(allowed(home, &stranger.name, &wanted).await, []);
    world.finish().await;
}
