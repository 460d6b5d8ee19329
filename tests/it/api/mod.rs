//! What people install: the custom resource definitions, as files and as a real API server takes them, and the chart.

mod chart;
mod files;
mod server;
