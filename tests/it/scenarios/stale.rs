//! What a pass read is old by the time it acts: somebody has gone on meanwhile.

use super::{behind_a_proxy, proxy};
use crate::testbed::{Fault, proxy::Seen, world::user_name};
use serde_json::json;
use std::time::Duration;

/// For the wish to change in.
const A_WHILE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_wish_that_is_taken_back_while_a_pass_reads_is_not_carried_out() {
    let world = behind_a_proxy().await;
    let user = world.ready_user("app", json!({})).await;
    world.until_settled("app").await;
    // And not the store's own look, which asks for the admin.
    let name = user_name(&user).to_string();
    let proxy = proxy(&world);
    let looks = move |seen: &Seen| seen.method == "GET" && seen.target.contains(&name);
    let looked = || proxy.seen().iter().filter(|seen| looks(seen)).count();
    let before = looked();
    proxy.once(looks.clone(), Fault::Delay(A_WHILE));
    let lock = |locked: bool| json!({ "spec": { "locked": locked } });
    world.patch_user("app", lock(true)).await;
    let reads = async || {
        (looked() > before)
            .then_some(())
            .ok_or_else(|| "not yet".to_owned())
    };
    world.until("a pass was reading", reads).await;
    world.patch_user("app", lock(false)).await;
    world.until_settled("app").await;
    let is_change = |seen: &&Seen| seen.method != "GET" && seen.target.contains("suspended");
    assert_eq!(
        proxy.seen().iter().filter(is_change).count(),
        0,
        "{:?}",
        proxy.seen()
    );
    assert!(world.works(&world.pair("app").await).await);
    world.finish().await;
}
