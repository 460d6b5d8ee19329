//! The command line; the only place that reads the environment.

use crate::names;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, time::Duration};

/// Kubernetes operator for S3 users and their keys.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator.
    Run(Box<Run>),
    /// Print the custom resource definitions as YAML.
    Crd,
}

/// How the operator runs.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Where /metrics, /healthz and /readyz are served.
    #[arg(long, env = "GRACEKEY_HTTP_ADDRESS", default_value = "0.0.0.0:8080")]
    pub http_address: SocketAddr,
    /// Form of the log lines. Filter them by `RUST_LOG`.
    #[arg(long, env = "GRACEKEY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Filter of the log lines, in the syntax of tracing's `EnvFilter`.
    #[arg(
        long,
        env = "RUST_LOG",
        default_value = "info,kube_client=error,kube_lease_manager=warn"
    )]
    pub log_filter: String,
    /// Namespaces to look after. None: all of them.
    #[arg(
        long = "watch-namespace",
        env = "GRACEKEY_WATCH_NAMESPACES",
        value_delimiter = ','
    )]
    pub watch_namespaces: Vec<String>,
    /// Tells this cluster from others on the same backend; part of user names and owner marks, so it must never
    /// change. Default: the UID of the namespace kube-system.
    #[arg(long, env = "GRACEKEY_CLUSTER_ID")]
    pub cluster_id: Option<String>,
    /// Wait for leadership before doing anything.
    #[arg(long, env = "GRACEKEY_LEADER_ELECT", default_value_t = false, action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// Name of the Lease. Operators that look after different namespaces need Leases of their own.
    #[arg(long, env = "GRACEKEY_LEASE_NAME", default_value = names::GRACEKEY)]
    pub lease_name: String,
    /// Namespace of the Lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub lease_namespace: String,
    /// Name of this replica in the Lease and in events. Default: one that no other process has.
    #[arg(long, env = "POD_NAME")]
    pub identity: Option<String>,
    /// How many objects are worked on at once.
    #[arg(long, env = "GRACEKEY_CONCURRENCY", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// How often a settled user is compared with the backend, in seconds; up to half of it earlier, so that they do
    /// not all come at once.
    #[arg(long, env = "GRACEKEY_RESYNC_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub resync_seconds: u64,
}

impl Run {
    /// [`resync_seconds`](Self::resync_seconds) as a duration.
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds)
    }
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
