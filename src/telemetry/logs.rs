//! Log lines.

use crate::cli::LogFormat;
use tracing_subscriber::EnvFilter;

/// Installs the subscriber. Lines go to standard error.
///
/// # Errors
///
/// The filter cannot be read, or a subscriber is installed already.
pub fn install(format: LogFormat, filter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // At WARN the client prints bodies that it cannot decode, and a Secret may be one.
    let filter = EnvFilter::try_new(filter)?.add_directive("kube_client=error".parse()?);
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
}
