//! `/metrics`, `/healthz`, `/readyz`.

use super::metrics;
use axum::{Router, extract::State, http::StatusCode, routing::get};
use prometheus_client::registry::Registry;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// What the endpoints may see.
#[derive(Clone, Debug)]
pub struct Served {
    /// What `/metrics` prints.
    pub registry: Arc<Registry>,
    /// The watches have answered once. A standby replica is ready too, or rollouts would hang.
    pub ready: Arc<AtomicBool>,
}

/// Serves until told to stop.
///
/// # Errors
///
/// The address cannot be listened on.
pub async fn serve(address: SocketAddr, served: Served, stop: CancellationToken) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving /metrics, /healthz and /readyz");
    let routes = Router::new()
        .route(
            "/metrics",
            get(|State(s): State<Served>| async move { metrics::text(&s.registry) }),
        )
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .with_state(served);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn readyz(State(served): State<Served>) -> (StatusCode, &'static str) {
    if served.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "watches have not answered yet")
    }
}
