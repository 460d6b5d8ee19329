//! On a real node: the operator as a Pod, installed by Helm from its chart, and applications in Pods that use what it
//! publishes. Needs root; without it these tests say so and end.

mod operator;
mod pods;
mod readers;
mod rotations;

use pods::Node;
use tokio::sync::OnceCell;

/// The shared node, with the operator in it and a store that is ready; `None` without root.
async fn node() -> Option<&'static Node> {
    static NODE: OnceCell<Option<Node>> = OnceCell::const_new();
    NODE.get_or_init(pods::start).await.as_ref()
}
