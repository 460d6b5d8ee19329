//! What people do to a running operator, and what has to come of it: each test has its own operator process, with the
//! rights of the chart and no others, on a real API server and a real gateway.

use crate::testbed::{FaultProxy, World, world::Setup};

mod access;
mod consent;
mod deletion;
mod events;
mod gitops;
mod leader;
mod lock;
mod names;
mod process;
mod proof;
mod quiet;
mod rights;
mod rotation;
mod secret;
mod stale;
mod store;
mod stuck;
mod tls;
mod traffic;

/// A world whose operator reaches the gateway through a proxy.
async fn behind_a_proxy() -> World {
    let setup = Setup {
        proxy_gateway: true,
        ..Setup::default()
    };
    World::with(setup).await
}

/// That proxy.
fn proxy(world: &World) -> &FaultProxy {
    world.gateway_proxy.as_ref().unwrap()
}
