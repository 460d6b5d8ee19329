//! All metrics, in one struct.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::{fmt, time::Duration};

/// Metrics of the process. Cloning gives another handle to the same ones.
#[derive(Clone)]
pub struct Metrics {
    reconciles: Family<Reconcile, Counter>,
    reconcile_time: Family<Controller, Histogram, fn() -> Histogram>,
    backend_requests: Family<BackendRequest, Counter>,
    backend_time: Family<BackendCall, Histogram, fn() -> Histogram>,
    keys: Family<KeyEvent, Counter>,
    revocation_delay: Histogram,
    leader: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Which controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

/// Which controller, and how it ended: `success`, `error`, or `quiet` (nothing had changed, nothing was read).
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    controller: &'static str,
    result: &'static str,
}

/// Which call to which store, and how it ended: `ok` or the kind of the error.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendRequest {
    store_namespace: String,
    store: String,
    operation: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendCall {
    store_namespace: String,
    store: String,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyEvent {
    event: &'static str,
}

fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

impl Metrics {
    /// Registers all of them.
    pub fn new(registry: &mut Registry) -> Self {
        let new = Self {
            reconciles: Family::default(),
            reconcile_time: Family::new_with_constructor(latency),
            backend_requests: Family::default(),
            backend_time: Family::new_with_constructor(latency),
            keys: Family::default(),
            revocation_delay: Histogram::new(exponential_buckets(0.01, 2.0, 16)),
            leader: Gauge::default(),
        };
        new.register(registry);
        new
    }

    fn register(&self, registry: &mut Registry) {
        let runtime = registry.sub_registry_with_prefix("controller_runtime");
        runtime.register(
            "reconcile",
            "Reconciliations by controller and result",
            self.reconciles.clone(),
        );
        let help = "How long a reconciliation took";
        runtime.register_with_unit("reconcile_time", help, Unit::Seconds, self.reconcile_time.clone());
        registry.register(
            "leader_election_master_status",
            "1 while this replica leads",
            self.leader.clone(),
        );
        let own = registry.sub_registry_with_prefix("gracekey");
        own.register(
            "backend_requests",
            "Calls of a store's admin API; some make two requests",
            self.backend_requests.clone(),
        );
        let help = "How long a call to a store took, waiting for its limits included";
        own.register_with_unit(
            "backend_request_duration",
            help,
            Unit::Seconds,
            self.backend_time.clone(),
        );
        own.register("keys", "Keys issued, published, revoked", self.keys.clone());
        let help = "How long after its time a key was revoked";
        own.register_with_unit(
            "revocation_delay",
            help,
            Unit::Seconds,
            self.revocation_delay.clone(),
        );
    }

    /// One reconciliation ended.
    pub fn reconciled(&self, controller: &'static str, result: &'static str, took: Duration) {
        self.reconciles
            .get_or_create(&Reconcile { controller, result })
            .inc();
        self.reconcile_time
            .get_or_create(&Controller { controller })
            .observe(took.as_secs_f64());
    }

    /// One call to a store ended.
    pub fn backend(&self, store: (&str, &str), operation: &'static str, code: &'static str, took: Duration) {
        let (store_namespace, store) = (store.0.to_owned(), store.1.to_owned());
        let call = BackendCall {
            store_namespace: store_namespace.clone(),
            store: store.clone(),
            operation,
        };
        self.backend_time.get_or_create(&call).observe(took.as_secs_f64());
        self.backend_requests
            .get_or_create(&BackendRequest {
                store_namespace,
                store,
                operation,
                code,
            })
            .inc();
    }

    /// A key was `issued`, `published` or `revoked`.
    pub fn key(&self, event: &'static str) {
        self.keys.get_or_create(&KeyEvent { event }).inc();
    }

    /// A key was revoked this long after its time.
    pub fn revoked_after(&self, delay: Duration) {
        self.revocation_delay.observe(delay.as_secs_f64());
    }

    /// Whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }
}

/// The text that `/metrics` serves.
pub fn text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _written = encode(&mut text, registry);
    text
}
