//! Leader election, by a kept library (docs/adr/0002).

use crate::{cli::Run, names};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManagerBuilder, LeaseParams};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A lease not renewed for this long may be taken over; renewal is tried this long before that. The difference is
/// how often the leader renews.
const LEASE_SECONDS: (u64, u64) = (15, 10);
/// How often a standby looks whether the lease was given back.
const LEASE_LOOK: Duration = Duration::from_secs(1);

/// The lease, held or waited for until the stop came.
#[derive(Debug)]
pub struct Leadership {
    holds: tokio::sync::watch::Receiver<bool>,
    task: tokio::task::JoinHandle<kube_lease_manager::Result<kube_lease_manager::LeaseManager>>,
}

impl Leadership {
    /// Returns once the lease is not held any more.
    pub async fn lost(&self) {
        let mut holds = self.holds.clone();
        let _closed = holds.wait_for(|holds| !holds).await;
    }

    /// Gives the lease back, so that somebody else can lead at once.
    pub async fn release(self) {
        drop(self.holds);
        if let Ok(Ok(Ok(manager))) = timeout(Duration::from_millis(500), self.task).await {
            let _late = timeout(Duration::from_millis(500), manager.release()).await;
        }
    }
}

/// Waits until this replica holds the lease; returns at a stop, too.
///
/// # Errors
///
/// The API server refuses the Lease.
pub async fn lead(
    options: &Run,
    identity: &str,
    client: &Client,
    stop: &CancellationToken,
) -> Result<Leadership, Box<dyn std::error::Error + Send + Sync>> {
    let (duration, grace) = LEASE_SECONDS;
    let params =
        LeaseParams::new(identity.to_owned(), duration, grace).with_field_manager(names::FIELD_MANAGER);
    tracing::info!(identity, "waiting for leadership");
    loop {
        let builder = LeaseManagerBuilder::new(client.clone(), options.lease_name.clone())
            .with_namespace(options.lease_namespace.clone())
            .with_parameters(params.clone());
        let (holds, task) = builder.build().await?.watch().await;
        let mut waiting = holds.clone();
        tokio::select! {
            won = waiting.wait_for(|holds| *holds) => drop(won?),
            () = stop.cancelled() => return Ok(Leadership { holds, task }),
            // The library sleeps until the end that it read, though the lease is free before it.
            () = given_back(options, client) => {
                task.abort();
                continue;
            }
        }
        tracing::info!(identity, "leading");
        return Ok(Leadership { holds, task });
    }
}

/// Returns once the Lease was held by somebody and is not any more. What cannot be read is left to the library.
async fn given_back(options: &Run, client: &Client) {
    let leases = Api::<Lease>::namespaced(client.clone(), &options.lease_namespace);
    let mut held = false;
    loop {
        tokio::time::sleep(LEASE_LOOK).await;
        if let Ok(Some(lease)) = leases.get_opt(&options.lease_name).await {
            let holder = lease.spec.and_then(|spec| spec.holder_identity);
            let is_held = holder.is_some_and(|holder| !holder.is_empty());
            if held && !is_held {
                return;
            }
            held = is_held;
        }
    }
}
