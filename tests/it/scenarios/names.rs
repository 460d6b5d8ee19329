//! Names as long as Kubernetes lets them be.

use crate::testbed::{
    World,
    world::{current, user_name},
};
use gracekey::backend::Driver as _;
use kube::ResourceExt as _;
use serde_json::json;

/// The longest name of an object.
const LONGEST: usize = 253;

#[tokio::test]
async fn an_object_with_the_longest_name_has_a_user_and_a_secret_of_its_own() {
    let world = World::start().await;
    let start = "n".repeat(LONGEST - 1);
    let names = ["a", "b"].map(|end| format!("{start}{end}"));
    let mut on_gateway = Vec::new();
    for name in &names {
        let user = world.ready_user(name, json!({})).await;
        let on_it = user_name(&user);
        let rules = world.admin().capabilities().user_name;
        assert!(rules.accept(on_it.as_str()), "{on_it}");
        assert!(world.observed(&user).await.is_some(), "{on_it}");
        // The Secret has the name of the object, which is one that a Secret can have.
        let told = user.status.as_ref().unwrap().secret_name.as_ref();
        assert_eq!(told, Some(name));
        let secret = world.secret(name).await;
        assert_eq!(secret.owner_references()[0].name, *name);
        let pair = world.pair(name).await;
        assert_eq!(pair.access_key_id.to_string(), current(&user));
        assert!(world.works(&pair).await);
        on_gateway.push(on_it);
    }
    assert_ne!(on_gateway[0], on_gateway[1], "the last letter counts");

    let [first, second] = &names;
    world.rotate(first, "one").await;
    world.until_rotated(first, "one").await;
    world.until_event(first, "CredentialsRotated").await;
    world.delete_user(first).await;
    world.until_user_gone(first).await;
    assert!(world.works(&world.pair(second).await).await, "it is another's");
    world.finish().await;
}
