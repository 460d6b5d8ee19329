//! Composition: makes the parts, starts them, stops them in the right order.

use crate::{
    cli::Run,
    clock::SystemClock,
    controller::{Controllers, context::Context, deadline::Deadline, memory::Memory},
    entropy::{Entropy, OsEntropy},
    names,
    telemetry::{
        http::{self, Served},
        metrics::Metrics,
    },
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    client::ClientBuilder,
    runtime::events::{Recorder, Reporter},
};
use kube_lease_manager::{LeaseManagerBuilder, LeaseParams};
use prometheus_client::registry::Registry;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Ends the program, with a sentence for the person who started it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long reconciliations that are under way may take once a stop is asked for.
const GRACEFUL: Duration = Duration::from_secs(3);
/// How long anything may take then.
const OVERDUE: Duration = Duration::from_millis(4200);
/// Longest a request to the API server may take to answer.
const API_READ: Duration = Duration::from_secs(30);
/// Name of the Lease.
const LEASE: &str = "gracekey";
/// A lease not renewed for this long may be taken over; renewal is tried this long before that. The difference is
/// how often the leader renews.
const LEASE_SECONDS: (u64, u64) = (15, 10);

/// Runs the operator until a signal comes or leadership is lost.
///
/// # Errors
///
/// The API server cannot be reached, the HTTP address cannot be used, or leadership was lost.
pub async fn run(options: Run) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let client = client().await?;
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let ready = Arc::new(AtomicBool::new(false));
    let served = Served {
        registry: Arc::new(registry),
        ready: Arc::clone(&ready),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(stop_on_signal(stop.clone())?);
    let http = http::serve(options.http_address, served, stop.clone());
    tasks.spawn(async move {
        http.await
            .map_err(|e| format!("cannot serve on the HTTP address: {e}").into())
    });
    let work = work(options, client, metrics, ready, stop.clone());
    let result = tokio::select! {
        result = work => result,
        () = overdue(&stop) => Ok(()),
        Some(ended) = tasks.join_next(), if !tasks.is_empty() => match ended {
            Ok(Err(failure)) => Err(failure),
            _ => Ok(()),
        },
    };
    stop.cancel();
    let _late = timeout(Duration::from_millis(500), tasks.join_all()).await;
    result
}

/// A stop was asked for and something does not come to its end: an API server that does not answer, perhaps.
async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(OVERDUE).await;
    tracing::warn!("stopping in the middle of a request");
}

/// Retries of the client would send a request twice that may have been carried out; those of reconciliations look
/// first.
async fn client() -> Result<Client, Failure> {
    let mut config = kube::Config::infer().await?;
    config.default_retry = false;
    // Watches may be quiet for long; everything else has a deadline.
    config.read_timeout = None;
    config.connect_timeout = Some(Duration::from_secs(5));
    let deadline = tower::layer::layer_fn(Deadline::new);
    Ok(ClientBuilder::try_from(config)?.with_layer(&deadline).build())
}

fn stop_on_signal(stop: CancellationToken) -> Result<impl Future<Output = Result<(), Failure>>, Failure> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
            () = stop.cancelled() => {}
        }
        stop.cancel();
        // The rest of the program ends by itself now.
        std::future::pending().await
    })
}

async fn work(
    options: Run,
    client: Client,
    metrics: Metrics,
    ready: Arc<AtomicBool>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let cluster_id = match &options.cluster_id {
        Some(id) => id.clone(),
        None => cluster_id(&client).await?,
    };
    let identity = options.identity.clone().unwrap_or_else(random_identity);
    let lease = if options.leader_elect {
        // A standby is ready, or rollouts would hang.
        ready.store(true, Ordering::Relaxed);
        Some(lead(&options, &identity, &client, &stop).await?)
    } else {
        None
    };
    ready.store(false, Ordering::Relaxed);
    if stop.is_cancelled() {
        return Ok(());
    }
    metrics.leads(true);
    let controllers = Controllers::all(&client, &options.watch_namespaces);
    let (stores, users) = controllers.iter().map(Controllers::caches).unzip();
    let reporter = Reporter {
        controller: names::FIELD_MANAGER.into(),
        instance: Some(identity.clone()),
    };
    let ctx = Arc::new(Context {
        identity,
        recorder: Recorder::new(client.clone(), reporter),
        client,
        pool: crate::backend::pool::Pool::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        metrics,
        memory: Memory::default(),
        stores,
        users,
        cluster_id,
        resync: options.resync(),
    });
    let running = futures::future::join_all(
        controllers
            .into_iter()
            .map(|c| c.run(Arc::clone(&ctx), options.concurrency, stop.clone())),
    );
    let watching = async {
        ctx.caches_are_full().await;
        ready.store(true, Ordering::Relaxed);
    };
    finish(futures::future::join(running, watching), lease, &stop).await
}

/// Outside a Pod no name tells this process from another; two under one name would both hold the lease.
fn random_identity() -> String {
    format!(
        "{}-{}",
        names::GRACEKEY,
        OsEntropy.draw().access_key_id.as_str().to_lowercase()
    )
}

/// Waits for the controllers to end by themselves after a stop, and not for long; the lease is given back last.
async fn finish(
    running: impl Future<Output = (Vec<()>, ())>,
    lease: Option<Leadership>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let mut running = std::pin::pin!(running);
    let lost = async {
        match &lease {
            Some(lease) => lease.lost().await,
            None => std::future::pending().await,
        }
    };
    let result = tokio::select! {
        _ = &mut running => Ok(()),
        () = stop.cancelled() => {
            if timeout(GRACEFUL, &mut running).await.is_err() {
                tracing::warn!("stopping in the middle of a reconciliation; the next start goes on from there");
            }
            Ok(())
        }
        // Somebody else may lead by now: end at once, in the middle of whatever it is.
        () = lost => Err("leadership was lost".into()),
    };
    if let Some(lease) = lease {
        lease.release().await;
    }
    result
}

/// The lease, held.
#[derive(Debug)]
struct Leadership {
    holds: tokio::sync::watch::Receiver<bool>,
    task: tokio::task::JoinHandle<kube_lease_manager::Result<kube_lease_manager::LeaseManager>>,
}

impl Leadership {
    async fn lost(&self) {
        let mut holds = self.holds.clone();
        let _closed = holds.wait_for(|holds| !holds).await;
    }

    async fn release(self) {
        drop(self.holds);
        if let Ok(Ok(Ok(manager))) = timeout(Duration::from_millis(500), self.task).await {
            let _late = timeout(Duration::from_millis(500), manager.release()).await;
        }
    }
}

async fn lead(
    options: &Run,
    identity: &str,
    client: &Client,
    stop: &CancellationToken,
) -> Result<Leadership, Failure> {
    let (duration, grace) = LEASE_SECONDS;
    let params =
        LeaseParams::new(identity.to_owned(), duration, grace).with_field_manager(names::FIELD_MANAGER);
    let builder = LeaseManagerBuilder::new(client.clone(), LEASE)
        .with_namespace(options.lease_namespace.clone())
        .with_parameters(params);
    let (holds, task) = builder.build().await?.watch().await;
    tracing::info!(identity, "waiting for leadership");
    let mut waiting = holds.clone();
    tokio::select! {
        won = waiting.wait_for(|holds| *holds) => drop(won?),
        () = stop.cancelled() => {}
    }
    tracing::info!(identity, "leading");
    Ok(Leadership { holds, task })
}

/// The UID of the namespace kube-system: the same for the life of a cluster, and another in every other.
async fn cluster_id(client: &Client) -> Result<String, Failure> {
    let found = timeout(
        API_READ,
        Api::<Namespace>::all(client.clone()).get_metadata("kube-system"),
    )
    .await;
    let why =
        "cannot read the namespace kube-system, whose UID tells this cluster from others; give --cluster-id";
    match found {
        Ok(Ok(namespace)) => namespace.uid().ok_or_else(|| why.into()),
        Ok(Err(error)) => Err(format!("{why}: {error}").into()),
        Err(_) => Err(format!("{why}: the API server did not answer in time").into()),
    }
}
