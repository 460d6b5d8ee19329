//! Composition: makes the parts, starts them, stops them in the right order.

use crate::{
    cli::Run,
    clock::SystemClock,
    controller::{Controllers, context::Context, deadline::Deadline, memory::Memory},
    entropy::{Entropy, OsEntropy},
    leadership::{Leadership, lead},
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
use prometheus_client::registry::Registry;
use std::{
    convert::Infallible,
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
const GRACEFUL: Duration = Duration::from_millis(2500);
/// How long all of a stop may take but the closing of the HTTP server.
const OVERDUE: Duration = Duration::from_millis(4200);
/// How long open HTTP connections are waited for.
const CLOSING: Duration = Duration::from_millis(200);
/// Longest a request to the API server may take to answer.
const API_READ: Duration = Duration::from_secs(30);
/// How often what is remembered of vanished objects is dropped.
const TIDY: Duration = Duration::from_mins(5);

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
    let signals = signals(stop.clone())?;
    // Served to the end: a Pod that is stopping is still asked for its metrics.
    let (mut serving, closed) = (JoinSet::new(), CancellationToken::new());
    serving.spawn(http::serve(options.http_address, served, closed.clone()));
    let work = work(options, client, metrics, ready, stop.clone());
    let result = tokio::select! {
        result = work => result,
        () = overdue(&stop) => Ok(()),
        never = signals => match never {},
        Some(ended) = serving.join_next() => Err(cannot_serve(ended)),
    };
    closed.cancel();
    let _late = timeout(CLOSING, serving.join_all()).await;
    result
}

fn cannot_serve(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => "the HTTP server ended by itself".into(),
        Ok(Err(error)) => format!("cannot serve on the HTTP address: {error}").into(),
        Err(error) => format!("the HTTP server failed: {error}").into(),
    }
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
    // Watches may be quiet for long; `Deadline` and the limits of passes bound everything else.
    config.read_timeout = None;
    config.connect_timeout = Some(Duration::from_secs(5));
    let deadline = tower::layer::layer_fn(Deadline::new);
    Ok(ClientBuilder::try_from(config)?.with_layer(&deadline).build())
}

/// Asks for a stop when a signal comes.
fn signals(stop: CancellationToken) -> Result<impl Future<Output = Infallible>, Failure> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
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
        loop {
            tokio::time::sleep(TIDY).await;
            ctx.tidy();
            ctx.pool.close_retired().await;
        }
    };
    let running = async {
        tokio::select! {
            _ended = running => {}
            () = watching => {}
        }
    };
    let result = finish(running, lease, &stop).await;
    // Nothing runs any more. Whoever leads by now has sessions of its own.
    ctx.pool.close_all().await;
    result
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
    running: impl Future<Output = ()>,
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
        () = &mut running => Ok(()),
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
